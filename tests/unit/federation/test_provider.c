/* Who provides: states what the contract says, signs what continues, and after a backup comes back
 * by what its partner has. */
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};

static enum weft_err select_as(const char *kind, const char *part, uint32_t depth)
{
    struct weft_contract contract = rig_contract();
    const struct weft_text parts[] = {weft_text_of(part)};
    const struct weft_contract_facts facts = {
        .parts = parts, .part_count = 1, .is_unit = true, .depth = depth};
    struct weft_record record = rig_record(3);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 4);
    struct weft_buffer out = {0}, again = {0};
    struct weft_stream_leaf leaf, other;
    struct weft_statement whole;
    weft_arena_reset(&arena);
    record.kind = weft_text_of(kind);
    enum weft_err err =
        weft_provider_select(&contract, RIG_SUPPLIER, &record, &place, &facts, &arena, &out, &leaf);
    EXPECT_EQ(WEFT_OK, weft_statement_make(&record, &place, &arena, &whole));
    EXPECT_EQ(err, weft_provider_select_made(
                       &contract, RIG_SUPPLIER, &record, &whole, &facts, &arena, &again, &other));
    EXPECT_EQ(out.size, again.size);
    if (err == WEFT_OK) { /* FED-11: the leaf is that of the statement as its site has it */
        EXPECT_MEM(whole.digest.bytes, leaf.digest.bytes, WEFT_DIGEST_SIZE);
        EXPECT_MEM(whole.digest.bytes, other.digest.bytes, WEFT_DIGEST_SIZE);
        EXPECT_EQ(WEFT_STREAM_STATEMENT, other.kind);
        EXPECT_MEM(out.data, again.data, out.size);
        EXPECT_TRUE(out.size > 0);
    } else {
        EXPECT_EQ(0, out.size);
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&again);
    return err;
}

TEST(provider, states_what_is_in_scope_and_nothing_else)
{
    EXPECT_EQ(WEFT_OK, select_as("inspection", "part:box/rev/A", 0));
    EXPECT_EQ(WEFT_OK, select_as("inspection", "part:box/rev/B", 2));
    EXPECT_EQ(WEFT_ENOTFOUND, select_as("inspection", "part:box/rev/B", 3));
    EXPECT_EQ(WEFT_ENOTFOUND, select_as("inspection", "part:lid", 0));
    EXPECT_EQ(WEFT_ENOTFOUND, select_as("bom", "part:box/rev/B", 0));
}

TEST(provider, states_nothing_of_others_unless_it_may_forward)
{
    struct weft_contract contract = rig_contract();
    const struct weft_text parts[] = {WEFT_TEXT("part:box/rev/A")};
    const struct weft_contract_facts facts = {.parts = parts, .part_count = 1};
    struct weft_record record = rig_record(3);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 4);
    struct weft_buffer out = {0};
    struct weft_stream_leaf leaf;
    place.authority = WEFT_TEXT("third.example/east");
    weft_arena_reset(&arena);
    struct weft_statement whole;
    EXPECT_EQ(WEFT_OK, weft_statement_make(&record, &place, &arena, &whole));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_provider_select(&contract, RIG_SUPPLIER, &record, &place, &facts,
                                  &arena, &out, &leaf));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_provider_select_made(&contract, RIG_SUPPLIER, &record, &whole,
                                  &facts, &arena, &out, &leaf));
    contract.sides[RIG_SUPPLIER].may_forward = true;
    EXPECT_EQ(WEFT_OK, weft_provider_select(
                           &contract, RIG_SUPPLIER, &record, &place, &facts, &arena, &out, &leaf));
    weft_buffer_destroy(&out);
}

TEST(provider, signs_only_what_continues_what_it_signed)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    struct weft_provider empty = {.receipt = {.size = 0}};
    EXPECT_EQ(WEFT_ESTATE, weft_provider_may_sign(&empty, rig_plant_root, plant, &msg));
    rig_plant_state(plant, 1);
    rig_plant_sign(plant);
    EXPECT_EQ(WEFT_OK, weft_provider_may_sign(&plant->provider, rig_plant_root, plant, &msg));
    rig_plant_state(plant, 2);
    plant->hashes[1].bytes[0] ^= 1; /* FED-12: the state is another one than it was */
    EXPECT_EQ(
        WEFT_ECONFLICT, weft_provider_may_sign(&plant->provider, rig_plant_root, plant, &msg));
    rig_plant_destroy(plant);
}

static struct weft_buffer receipt(
    uint32_t party, uint32_t count, uint64_t size, const struct weft_digest *root)
{
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    const struct weft_checkpoint_note head = {
        .origin = weft_text_of(rig_receipts_of(RIG_OEM).origin), .head = {size, *root}};
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_encode(&head, &text, &msg));
    struct weft_buffer note = rig_sign(party, count, weft_buffer_as_text(&text));
    weft_buffer_destroy(&text);
    return note;
}

static enum weft_stream_fault acknowledge(
    struct rig_plant *plant, uint32_t party, uint64_t size, const struct weft_digest *root)
{
    struct weft_stream_signers signers = rig_receipts_of(RIG_OEM);
    struct weft_msg msg = {""};
    struct weft_buffer note = receipt(party, 2, size, root);
    enum weft_stream_fault fault = weft_provider_acknowledge(
        &plant->provider, weft_buffer_as_text(&note), &signers, rig_plant_root, plant, &msg);
    weft_buffer_destroy(&note);
    return fault;
}

TEST(provider, takes_receipts_of_its_own_tree_alone)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    rig_plant_state(plant, 1);
    rig_plant_state(plant, 2);
    rig_plant_sign(plant);
    struct weft_digest two = rig_plant_root_at(plant, 2), three = rig_plant_root_at(plant, 3);
    EXPECT_EQ(WEFT_STREAM_SOUND, acknowledge(plant, RIG_OEM, 2, &two));
    EXPECT_EQ(2, plant->provider.receipt.size);
    EXPECT_EQ(WEFT_STREAM_FORKED, acknowledge(plant, RIG_OEM, 3, &two));
    EXPECT_EQ(WEFT_STREAM_SEQUENCE, acknowledge(plant, RIG_OEM, 4, &three));
    EXPECT_EQ(WEFT_STREAM_UNSIGNED, acknowledge(plant, RIG_SUPPLIER, 3, &three));
    EXPECT_EQ(WEFT_STREAM_SOUND, acknowledge(plant, RIG_OEM, 3, &three));
    EXPECT_EQ(WEFT_STREAM_SOUND, acknowledge(plant, RIG_OEM, 2, &two)); /* late, harmless */
    EXPECT_EQ(3, plant->provider.receipt.size);
    rig_plant_destroy(plant);
}

TEST(provider, greets_by_what_the_partner_has)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    rig_plant_state(plant, 1);
    rig_plant_sign(plant);
    struct weft_stream_hello hello = {.root = weft_merkle_empty()};
    const struct weft_provider *p = &plant->provider;
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    hello = (struct weft_stream_hello){.next = 2,
        .root = rig_plant_root_at(plant, 2),
        .head_size = 2,
        .version = 1,
        .agreement_digest = plant->contract.link.digest};
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    hello.agreement_digest.bytes[0] ^= 1;
    EXPECT_EQ(WEFT_STREAM_UNKNOWN, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    hello.version = 2;
    EXPECT_EQ(WEFT_STREAM_UNKNOWN, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    hello.root.bytes[0] ^= 1; /* FED-13 */
    EXPECT_EQ(WEFT_STREAM_FORKED, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    hello.head_size = 3;
    EXPECT_EQ(WEFT_STREAM_BEHIND, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    hello.next = 3;
    EXPECT_EQ(WEFT_STREAM_BEHIND, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    rig_plant_destroy(plant);
}

/* FED-13: another head of a size that it has, or had. */
TEST(provider, does_not_go_on_beside_a_head_of_another_tree)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    rig_plant_state(plant, 1);
    rig_plant_state(plant, 2);
    struct weft_stream_hello hello = {.next = 1,
        .root = rig_plant_root_at(plant, 1),
        .head_size = 3,
        .version = 1,
        .agreement_digest = plant->contract.link.digest};
    const struct weft_provider *p = &plant->provider;
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    hello.head_root = rig_plant_root_at(plant, 3);
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    hello.head_root = rig_plant_root_at(plant, 2);
    EXPECT_EQ(WEFT_STREAM_FORKED, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    EXPECT_TRUE(strstr(msg.text, "another tree of 3 leaves") != NULL);
    hello.head_size = 0; /* It knows of none. */
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_greet(p, &hello, rig_plant_root, plant, &msg));
    rig_plant_destroy(plant);
}

/* The plant was copied with `kept` statements; since then it stated and signed more. */
static struct rig_plant *restored(uint32_t kept, bool is_signed)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    for (uint32_t i = 0; i < kept; i++) {
        rig_plant_state(plant, i);
    }
    if (is_signed) {
        rig_plant_sign(plant);
    }
    return plant;
}

TEST(provider, restored_from_a_backup_is_fenced_until_it_has_what_it_signed)
{
    struct rig_plant *whole = restored(6, true), *plant = restored(2, true);
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    struct weft_batch batch;
    weft_arena_reset(&arena);
    EXPECT_EQ(
        WEFT_STREAM_SOUND, weft_provider_fence(&plant->provider, weft_buffer_as_text(&whole->head),
                               &signers, rig_plant_root, plant, &msg));
    EXPECT_TRUE(weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(WEFT_STREAM_BEHIND, weft_provider_append(&plant->provider, &whole->leaves[3], &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_provider_may_sign(&plant->provider, rig_plant_root, plant, &msg));
    struct weft_stream_batch message = rig_plant_batch(whole, 3, 4, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_batch_verify(&plant->provider.stream, &plant->provider.fence,
                                     &message, &arena, &batch, &msg));
    for (uint32_t i = 0; i < batch.count; i++) { /* FED-14 */
        EXPECT_TRUE(weft_provider_is_fenced(&plant->provider));
        plant->hashes[3 + i] = weft_stream_leaf_hash(&batch.entries[i].leaf);
        EXPECT_EQ(WEFT_STREAM_SOUND,
            weft_provider_recover(&plant->provider, &batch.entries[i].leaf, &msg));
    }
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(7, plant->provider.signed_head.size);
    EXPECT_EQ(
        WEFT_STREAM_HELD, weft_provider_recover(&plant->provider, &batch.entries[3].leaf, &msg));
    rig_plant_state(plant, 30);
    rig_plant_sign(plant);
    EXPECT_EQ(8, plant->provider.signed_head.size);
    rig_plant_destroy(whole);
    rig_plant_destroy(plant);
}

TEST(provider, takes_back_what_nobody_signed_before_it_recovers)
{
    struct rig_plant *whole = restored(6, true), *plant = restored(2, true);
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_stream at_backup = plant->provider.stream, before;
    struct weft_msg msg = {""};
    struct weft_batch batch;
    weft_arena_reset(&arena);
    rig_plant_state(plant, 20); /* behind the backup, before it heard of its own head */
    before = plant->provider.stream;
    EXPECT_EQ(WEFT_ESTATE, weft_provider_rewind(&plant->provider, &at_backup, &msg));
    EXPECT_EQ(
        WEFT_STREAM_SOUND, weft_provider_fence(&plant->provider, weft_buffer_as_text(&whole->head),
                               &signers, rig_plant_root, plant, &msg));
    EXPECT_EQ(WEFT_OK, weft_provider_rewind(&plant->provider, &at_backup, &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_provider_rewind(&plant->provider, &before, &msg));
    struct weft_stream_batch message = rig_plant_batch(whole, 3, 4, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_batch_verify(&plant->provider.stream, &plant->provider.fence,
                                     &message, &arena, &batch, &msg));
    rig_plant_destroy(whole);
    rig_plant_destroy(plant);
}

TEST(provider, never_goes_back_behind_what_its_state_knows_to_be_signed)
{
    struct rig_plant *whole = restored(6, true), *plant = restored(4, true);
    struct rig_plant *older = restored(2, true);
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    EXPECT_EQ(
        WEFT_STREAM_SOUND, weft_provider_fence(&plant->provider, weft_buffer_as_text(&whole->head),
                               &signers, rig_plant_root, plant, &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_provider_rewind(&plant->provider, &older->provider.stream, &msg));
    rig_plant_destroy(whole);
    rig_plant_destroy(plant);
    rig_plant_destroy(older);
}

TEST(provider, that_signed_two_trees_by_its_own_knowledge_is_split_and_not_behind)
{
    struct rig_plant *plant = restored(6, true), *other = restored(4, false);
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    rig_plant_state(other, 50);
    rig_plant_sign(other);
    EXPECT_EQ(
        WEFT_STREAM_SPLIT, weft_provider_fence(&plant->provider, weft_buffer_as_text(&other->head),
                               &signers, rig_plant_root, plant, &msg));
    EXPECT_TRUE(!weft_provider_is_behind(&plant->provider));
    EXPECT_EQ(6, plant->provider.rival.size);
    rig_plant_destroy(plant);
    rig_plant_destroy(other);
}

TEST(provider, with_other_leaves_that_nobody_signed_is_fenced_and_goes_back)
{
    struct rig_plant *plant = restored(6, false), *other = restored(4, false);
    struct rig_plant *common = restored(4, false);
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    rig_plant_state(other, 50);
    rig_plant_sign(other);
    EXPECT_EQ(
        WEFT_STREAM_SOUND, weft_provider_fence(&plant->provider, weft_buffer_as_text(&other->head),
                               &signers, rig_plant_root, plant, &msg));
    EXPECT_TRUE(weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(WEFT_STREAM_HELD,
        weft_provider_recover(&plant->provider, &other->leaves[5], &msg)); /* not before */
    EXPECT_EQ(WEFT_OK, weft_provider_rewind(&plant->provider, &common->provider.stream, &msg));
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_recover(&plant->provider, &other->leaves[5], &msg));
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(6, plant->provider.signed_head.size);
    rig_plant_destroy(plant);
    rig_plant_destroy(other);
    rig_plant_destroy(common);
}

TEST(provider, from_a_backup_states_nothing_until_its_partner_has_said_where_it_stands)
{
    struct rig_plant *plant = restored(2, true), *more = restored(4, true);
    struct weft_msg msg = {""};
    weft_provider_restore(&plant->provider);
    EXPECT_EQ(WEFT_STREAM_BEHIND, weft_provider_append(&plant->provider, &more->leaves[3], &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_provider_may_sign(&plant->provider, rig_plant_root, plant, &msg));
    weft_provider_sure(&plant->provider);
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_append(&plant->provider, &more->leaves[3], &msg));
    rig_plant_destroy(plant);
    rig_plant_destroy(more);
}

TEST(provider, learns_from_its_partner_that_its_tree_was_signed)
{
    struct rig_plant *plant = restored(6, false), *signed_one = restored(4, true);
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_STREAM_SOUND,
        weft_provider_fence(&plant->provider, weft_buffer_as_text(&signed_one->head), &signers,
            rig_plant_root, plant, &msg));
    EXPECT_EQ(5, plant->provider.signed_head.size);
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    rig_plant_destroy(plant);
    rig_plant_destroy(signed_one);
}

static enum weft_err lose(struct rig_plant *plant, struct weft_merkle_head lost, uint64_t base_size,
    struct weft_digest base_root)
{
    const struct weft_merkle_head base = {base_size, base_root};
    struct weft_msg msg = {""};
    return weft_provider_lose(&plant->provider, &lost, &base, rig_plant_root, plant, &msg);
}

static enum weft_stream_fault show(struct rig_plant *plant, const struct rig_plant *whole)
{
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_msg msg = {""};
    return weft_provider_fence(
        &plant->provider, weft_buffer_as_text(&whole->head), &signers, rig_plant_root, plant, &msg);
}

/* FED-32: the partner has four leaves of the seven that were signed, the backup three. */
TEST(provider, goes_on_from_what_is_left_once_operators_say_that_a_head_is_lost)
{
    struct rig_plant *whole = restored(6, true), *plant = restored(2, true);
    struct weft_digest four = rig_plant_root_at(whole, 4);
    const struct weft_merkle_head lost = {7, rig_plant_root_at(whole, 7)};
    struct weft_msg msg = {""};
    weft_provider_restore(&plant->provider);
    EXPECT_EQ(WEFT_STREAM_SOUND, show(plant, whole));
    EXPECT_EQ(WEFT_EINVAL, lose(plant, lost, 7, lost.root));
    EXPECT_EQ(WEFT_ECONFLICT, lose(plant, lost, 2, four)); /* Not what it signed. */
    EXPECT_EQ(WEFT_OK, lose(plant, lost, 4, four));
    EXPECT_EQ(4, plant->provider.fence.size);
    EXPECT_EQ(WEFT_STREAM_BEHIND, show(plant, whole)); /* The partner has not said so. */
    EXPECT_EQ(4, plant->provider.fence.size);
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_recover(&plant->provider, &whole->leaves[3], &msg));
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(4, plant->provider.signed_head.size);
    EXPECT_EQ(1, plant->provider.lost.count);
    rig_plant_destroy(whole);
    rig_plant_destroy(plant);
}

TEST(provider, is_fenced_until_its_partner_holds_to_the_lost_head_no_more)
{
    struct rig_plant *whole = restored(6, true), *plant = restored(4, true);
    const struct weft_merkle_head lost = {7, rig_plant_root_at(whole, 7)};
    struct weft_stream_hello hello = {.next = 4,
        .root = rig_plant_root_at(whole, 4),
        .head_size = 7,
        .version = 1,
        .agreement_digest = plant->contract.link.digest};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_STREAM_SOUND, show(plant, whole));
    EXPECT_EQ(WEFT_OK, lose(plant, lost, 4, hello.root));
    EXPECT_TRUE(!weft_provider_is_behind(&plant->provider)); /* It has those, and its own fifth. */
    EXPECT_TRUE(weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(WEFT_STREAM_BEHIND,
        weft_provider_greet(&plant->provider, &hello, rig_plant_root, plant, &msg));
    hello.head_root = lost.root; /* The same, said with its root. */
    EXPECT_EQ(WEFT_STREAM_BEHIND,
        weft_provider_greet(&plant->provider, &hello, rig_plant_root, plant, &msg));
    hello.head_size = 4;
    hello.head_root = hello.root;
    EXPECT_EQ(WEFT_STREAM_SOUND,
        weft_provider_greet(&plant->provider, &hello, rig_plant_root, plant, &msg));
    weft_provider_sure(&plant->provider);
    for (uint32_t i = 0; i < 4; i++) {
        rig_plant_state(plant, 40 + i);
    }
    rig_plant_sign(plant);
    hello.head_size = 7; /* Of the new history. */
    hello.head_root = rig_plant_root_at(plant, 7);
    EXPECT_EQ(WEFT_STREAM_SOUND,
        weft_provider_greet(&plant->provider, &hello, rig_plant_root, plant, &msg));
    rig_plant_destroy(whole);
    rig_plant_destroy(plant);
}

/* It was set back, did not know, and signed: the partner shows what its keys signed before. */
TEST(provider, that_signed_two_trees_states_nothing_until_one_of_them_is_lost)
{
    struct rig_plant *whole = restored(6, true), *plant = restored(4, true);
    const struct weft_merkle_head first = {7, rig_plant_root_at(whole, 7)};
    struct weft_digest four = rig_plant_root_at(plant, 4);
    struct weft_msg msg = {""};
    for (uint32_t i = 0; i < 4; i++) {
        rig_plant_state(plant, 40 + i);
    }
    rig_plant_sign(plant);
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(WEFT_STREAM_SPLIT, show(plant, whole));
    EXPECT_EQ(7, plant->provider.rival.size);
    EXPECT_TRUE(weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(WEFT_STREAM_BEHIND, weft_provider_append(&plant->provider, &whole->leaves[3], &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_provider_may_sign(&plant->provider, rig_plant_root, plant, &msg));
    const struct weft_merkle_head another = {7, four};
    EXPECT_EQ(WEFT_OK, lose(plant, another, 4, four));
    EXPECT_EQ(7, plant->provider.rival.size); /* Not that one. */
    EXPECT_EQ(WEFT_OK, lose(plant, first, 4, four));
    EXPECT_EQ(0, plant->provider.rival.size);
    EXPECT_EQ(WEFT_STREAM_BEHIND, show(plant, whole)); /* The partner's operators have to, too. */
    weft_provider_sure(&plant->provider);
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    rig_plant_destroy(whole);
    rig_plant_destroy(plant);
}

TEST(provider, loses_no_head_whose_leaves_it_has_and_nothing_that_was_acknowledged)
{
    struct rig_plant *plant = restored(6, true);
    struct weft_digest five = rig_plant_root_at(plant, 5), four = rig_plant_root_at(plant, 4);
    const struct weft_merkle_head own = {6, rig_plant_root_at(plant, 6)};
    struct weft_merkle_head lost = {9, own.root};
    EXPECT_EQ(WEFT_ESTATE, lose(plant, own, 5, five));
    EXPECT_EQ(WEFT_STREAM_SOUND, acknowledge(plant, RIG_OEM, 5, &five));
    EXPECT_EQ(WEFT_ECONFLICT, lose(plant, lost, 4, four));
    for (uint32_t i = 0; i < WEFT_LOST_MAX; i++) {
        lost.size++;
        EXPECT_EQ(WEFT_OK, lose(plant, lost, 5, five));
    }
    EXPECT_EQ(WEFT_OK, lose(plant, lost, 5, five)); /* The same once more. */
    lost.size++;
    EXPECT_EQ(WEFT_ETOOBIG, lose(plant, lost, 5, five));
    rig_plant_destroy(plant);
}

static enum weft_stream_fault contradict(
    struct rig_plant *plant, struct weft_merkle_head one, struct weft_merkle_head other)
{
    const struct weft_merkle_head heads[2][2] = {{one, other}, {other, one}};
    struct weft_provider before = plant->provider;
    struct weft_msg msg = {""};
    enum weft_stream_fault first =
        weft_provider_contradict(&plant->provider, heads[0], rig_plant_root, plant, &msg);
    const struct weft_provider after = plant->provider;
    plant->provider = before;
    EXPECT_EQ(
        first, weft_provider_contradict(&plant->provider, heads[1], rig_plant_root, plant, &msg));
    EXPECT_EQ(after.rival.size, plant->provider.rival.size); /* Whichever is named first. */
    EXPECT_EQ(after.is_unsure, plant->provider.is_unsure);
    return first;
}

/* FED-38: by proof alone, whatever the partner holds to; and once that is settled, never again. */
TEST(provider, is_fenced_by_what_its_keys_provably_signed_beside_it_until_that_is_lost)
{
    struct rig_plant *plant = restored(6, true), *other = restored(2, true);
    for (uint32_t i = 0; i < 6; i++) {
        rig_plant_state(other, 60 + i);
    }
    const struct weft_merkle_head own = {7, rig_plant_root_at(plant, 7)},
                                  seven = {7, rig_plant_root_at(other, 7)},
                                  nine = {9, rig_plant_root_at(other, 9)},
                                  five = {5, rig_plant_root_at(other, 5)},
                                  three = {3, rig_plant_root_at(other, 3)};
    struct weft_stream_hello hello = {
        .next = 7, .root = own.root, .head_size = 7, .head_root = own.root};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_STREAM_SOUND, acknowledge(plant, RIG_OEM, 7, &own.root));
    EXPECT_EQ(WEFT_STREAM_SOUND, contradict(plant, own, three)); /* Both of its own. */
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(WEFT_STREAM_SPLIT, contradict(plant, own, seven));
    EXPECT_EQ(7, plant->provider.rival.size);
    EXPECT_EQ(WEFT_STREAM_SPLIT, contradict(plant, own, nine)); /* The first one stays. */
    EXPECT_EQ(7, plant->provider.rival.size);
    EXPECT_EQ(WEFT_STREAM_BEHIND, weft_provider_append(&plant->provider, &other->leaves[4], &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_provider_may_sign(&plant->provider, rig_plant_root, plant, &msg));
    /* The partner has all of the own tree: nothing of it is lost but that head. */
    EXPECT_EQ(WEFT_ESTATE, lose(plant, own, 7, own.root));
    EXPECT_EQ(WEFT_EINVAL, lose(plant, nine, 9, nine.root));
    EXPECT_EQ(WEFT_OK, lose(plant, seven, 7, own.root));
    EXPECT_EQ(0, plant->provider.rival.size);
    EXPECT_TRUE(weft_provider_is_fenced(&plant->provider)); /* Until he is greeted. */
    EXPECT_EQ(WEFT_STREAM_SOUND,
        weft_provider_greet(&plant->provider, &hello, rig_plant_root, plant, &msg));
    weft_provider_sure(&plant->provider);
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    /* Shown again, or of the same history and before it. */
    EXPECT_EQ(WEFT_STREAM_SOUND, contradict(plant, own, seven));
    EXPECT_EQ(WEFT_STREAM_SOUND, contradict(plant, own, five));
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(WEFT_STREAM_SPLIT, contradict(plant, own, nine)); /* Behind it. */
    EXPECT_EQ(WEFT_OK, lose(plant, nine, 7, own.root));
    EXPECT_EQ(0, plant->provider.rival.size);
    EXPECT_EQ(7, plant->provider.settled); /* Though nine leaves were given up. */
    EXPECT_EQ(WEFT_STREAM_SOUND, contradict(plant, own, seven));
    const struct weft_merkle_head huge = {UINT64_C(1) << 62, nine.root},
                                  eight = {8, rig_plant_root_at(other, 8)};
    EXPECT_EQ(WEFT_STREAM_SPLIT, contradict(plant, own, huge));
    EXPECT_EQ(WEFT_OK, lose(plant, huge, 7, own.root));
    EXPECT_EQ(7, plant->provider.settled);
    EXPECT_EQ(WEFT_STREAM_SPLIT, contradict(plant, own, eight)); /* It settles none of those. */
    rig_plant_destroy(plant);
    rig_plant_destroy(other);
}

/* It came from a backup, and of neither it knows that its keys signed it. */
TEST(provider, that_knows_neither_of_two_heads_is_unsure_until_its_partner_is_greeted)
{
    struct rig_plant *plant = restored(2, true), *one = restored(6, true), *two = restored(2, true);
    for (uint32_t i = 0; i < 4; i++) {
        rig_plant_state(two, 60 + i);
    }
    const struct weft_merkle_head heads[2] = {
        {7, rig_plant_root_at(one, 7)}, {7, rig_plant_root_at(two, 7)}};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_STREAM_SOUND, contradict(plant, heads[0], heads[1]));
    EXPECT_TRUE(plant->provider.is_unsure);
    EXPECT_EQ(0, plant->provider.rival.size);
    EXPECT_EQ(WEFT_STREAM_SOUND, show(plant, one)); /* Which of them he holds to. */
    for (uint32_t i = 3; i < 7; i++) {
        plant->hashes[i] = weft_stream_leaf_hash(&one->leaves[i]);
        EXPECT_EQ(
            WEFT_STREAM_SOUND, weft_provider_recover(&plant->provider, &one->leaves[i], &msg));
    }
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    EXPECT_EQ(WEFT_STREAM_SPLIT, contradict(plant, heads[0], heads[1])); /* Shown once more. */
    EXPECT_TRUE(weft_digest_equal(&heads[1].root, &plant->provider.rival.root));
    rig_plant_destroy(plant);
    rig_plant_destroy(one);
    rig_plant_destroy(two);
}
