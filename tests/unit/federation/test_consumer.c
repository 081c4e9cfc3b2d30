/* Who receives: takes what is proven, in order, once; the rest is refused by name. */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};

/* The supplier's plant with `count` statements behind the contract, signed, and the OEM that knows
 * the head. */
struct scene {
    struct rig_plant *plant;
    struct weft_consumer consumer;
    struct weft_consumer_terms terms;
    struct weft_stream_signers signers;
    struct weft_batch batch;
    struct weft_msg msg;
};

static enum weft_stream_fault hear_head(struct scene *s)
{
    struct weft_stream_head message = rig_plant_head(s->plant, s->consumer.head.size);
    struct weft_merkle_head head;
    enum weft_stream_fault fault =
        weft_consumer_judge_head(&s->consumer, &message, &s->signers, &head, &s->msg);
    if (fault == WEFT_STREAM_SOUND) {
        struct weft_merkle_head known = s->consumer.head;
        EXPECT_EQ(WEFT_OK, weft_consumer_take_head(&s->consumer, &known, &head));
    }
    return fault;
}

static struct scene *begin(uint32_t count)
{
    static struct scene s;
    weft_arena_reset(&arena);
    s = (struct scene){.plant = rig_plant_create(RIG_SUPPLIER),
        .signers = rig_heads_of(RIG_SUPPLIER),
        .terms = {.stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))},
            .orgs = rig_orgs(),
            .party = RIG_SUPPLIER,
            .now_ns = RIG_NOW_NS}};
    for (uint32_t i = 0; i < count; i++) {
        rig_plant_state(s.plant, i);
    }
    rig_plant_sign(s.plant);
    EXPECT_EQ(WEFT_STREAM_SOUND, hear_head(&s));
    return &s;
}

static void finish(struct scene *s)
{
    rig_plant_destroy(s->plant);
}

static enum weft_stream_fault judge(struct scene *s, const struct weft_stream_batch *message)
{
    s->msg.text[0] = '\0';
    s->terms.contract = s->consumer.stream.version > 0 ? &s->plant->contract : NULL;
    struct weft_consumer before = s->consumer;
    enum weft_stream_fault fault =
        weft_consumer_judge_batch(&s->consumer, &s->terms, message, &arena, &s->batch, &s->msg);
    EXPECT_MEM(&before, &s->consumer, sizeof(before));
    if (fault != WEFT_STREAM_SOUND) {
        const char *name = weft_stream_fault_name(fault);
        EXPECT_TRUE(strncmp(s->msg.text, name, strlen(name)) == 0);
    }
    return fault;
}

static void take(struct scene *s, uint64_t first, uint32_t count)
{
    struct weft_stream_batch message = rig_plant_batch(s->plant, first, count, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_TEXT("", s->msg.text);
    EXPECT_EQ(count, s->batch.count);
    EXPECT_EQ(WEFT_OK, weft_consumer_take(&s->consumer, &s->batch, 3));
}

TEST(consumer, takes_a_stream_in_batches_and_acknowledges_its_tree)
{
    struct scene *s = begin(20);
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_ESTATE, weft_consumer_receipt(&s->consumer, weft_text_of(rig_site(RIG_OEM)),
                               WEFT_TEXT("box-2026"), &text, &s->msg));
    take(s, 0, 1);
    take(s, 1, 7);
    take(s, 8, 13);
    EXPECT_EQ(21, s->consumer.stream.tree.size);
    EXPECT_EQ(20, s->consumer.stream.statement_count);
    EXPECT_EQ(0, s->consumer.quarantined);
    EXPECT_EQ(WEFT_OK, weft_consumer_receipt(&s->consumer, weft_text_of(rig_site(RIG_OEM)),
                           WEFT_TEXT("box-2026"), &text, &s->msg));
    struct weft_buffer note = rig_sign(RIG_OEM, 2, weft_buffer_as_text(&text));
    struct weft_stream_signers receipts = rig_receipts_of(RIG_OEM);
    EXPECT_EQ(WEFT_STREAM_SOUND,
        weft_provider_acknowledge(&s->plant->provider, weft_buffer_as_text(&note), &receipts,
            rig_plant_root, s->plant, &s->msg));
    EXPECT_EQ(21, s->plant->provider.receipt.size);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
    finish(s);
}

TEST(consumer, takes_each_leaf_once)
{
    struct scene *s = begin(6);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 4, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    struct weft_batch same = s->batch;
    EXPECT_EQ(WEFT_OK, weft_consumer_take(&s->consumer, &s->batch, 3));
    EXPECT_EQ(WEFT_ECONFLICT, weft_consumer_take(&s->consumer, &same, 3)); /* FED-18 */
    EXPECT_EQ(4, s->consumer.stream.tree.size);
    EXPECT_EQ(WEFT_STREAM_SEQUENCE, judge(s, &message));
    finish(s);
}

TEST(consumer, takes_no_batch_whose_head_did_not_get_in)
{
    struct scene *s = begin(4);
    struct weft_consumer behind = s->consumer; /* As another entry left it. */
    take(s, 0, 2);
    behind.stream = s->consumer.stream;
    rig_plant_state(s->plant, 9);
    rig_plant_sign(s->plant);
    EXPECT_EQ(WEFT_STREAM_SOUND, hear_head(s));
    struct weft_stream_batch message = rig_plant_batch(s->plant, 2, 4, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(WEFT_ECONFLICT, weft_consumer_take(&behind, &s->batch, 3)); /* FED-18 */
    EXPECT_EQ(2, behind.stream.tree.size);
    EXPECT_EQ(WEFT_OK, weft_consumer_take(&s->consumer, &s->batch, 3));
    finish(s);
}

TEST(consumer, refuses_a_batch_that_does_not_begin_at_the_cursor)
{
    struct scene *s = begin(6);
    take(s, 0, 2);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 3, 2, false);
    EXPECT_EQ(WEFT_STREAM_SEQUENCE, judge(s, &message));
    message = rig_plant_batch(s->plant, 1, 2, false);
    EXPECT_EQ(WEFT_STREAM_SEQUENCE, judge(s, &message));
    finish(s);
}

TEST(consumer, refuses_garbage_items_and_bytes_behind_them)
{
    struct scene *s = begin(3);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 4, false);
    struct weft_stream_batch cut = message;
    cut.items.size -= 1;
    EXPECT_EQ(WEFT_STREAM_MALFORMED, judge(s, &cut));
    cut = message;
    cut.count = 3;
    EXPECT_EQ(WEFT_STREAM_MALFORMED, judge(s, &cut));
    static const uint8_t garbage[100] = {0xff};
    cut.items = (struct weft_bytes){garbage, sizeof(garbage)};
    EXPECT_EQ(WEFT_STREAM_MALFORMED, judge(s, &cut));
    cut = message;
    cut.proof = (struct weft_bytes){garbage, 31};
    EXPECT_EQ(WEFT_STREAM_MALFORMED, judge(s, &cut));
    finish(s);
}

TEST(consumer, refuses_proofs_that_do_not_lead_to_the_head)
{
    struct scene *s = begin(9);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 5, false);
    static uint8_t hashes[2048];
    memcpy(hashes, message.proof.data, message.proof.size);
    EXPECT_TRUE(message.proof.size >= 64);
    for (size_t i = 0; i < message.proof.size; i += 7) { /* FED-15 */
        hashes[i] ^= 1;
        struct weft_stream_batch other = message;
        other.proof.data = hashes;
        EXPECT_EQ(WEFT_STREAM_PROOF, judge(s, &other));
        hashes[i] ^= 1;
    }
    struct weft_stream_batch shorter = message;
    shorter.proof.size -= 32;
    EXPECT_EQ(WEFT_STREAM_PROOF, judge(s, &shorter));
    message.head_size = 9;
    EXPECT_EQ(WEFT_STREAM_HEAD, judge(s, &message));
    finish(s);
}

TEST(consumer, refuses_statements_that_are_in_no_signed_tree)
{
    struct scene *s = begin(4);
    /* Two statements change places: each is signed for, the order is not. */
    struct weft_buffer kept = s->plant->contents[2];
    s->plant->contents[2] = s->plant->contents[3];
    s->plant->contents[3] = kept;
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 5, false);
    EXPECT_EQ(WEFT_STREAM_PROOF, judge(s, &message));
    finish(s);
}

TEST(consumer, puts_what_cannot_be_read_into_quarantine_once_its_digest_is_told)
{
    struct scene *s = begin(4);
    s->plant->contents[2].data[40] ^= 0xff;
    s->plant->contents[2].size -= 3;
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 5, false);
    EXPECT_EQ(WEFT_STREAM_NEEDS_EXPLICIT, judge(s, &message));
    message = rig_plant_batch(s->plant, 0, 5, true);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(WEFT_STREAM_BAD_PROJECTION, s->batch.entries[2].fault);
    EXPECT_EQ(s->plant->contents[2].size, s->batch.entries[2].content.size);
    EXPECT_EQ(WEFT_STREAM_SOUND, s->batch.entries[3].fault);
    EXPECT_EQ(WEFT_OK, weft_consumer_take(&s->consumer, &s->batch, 3)); /* FED-16 */
    EXPECT_EQ(1, s->consumer.quarantined);
    EXPECT_EQ(5, s->consumer.stream.tree.size);
    finish(s);
}

TEST(consumer, puts_another_value_than_was_signed_into_quarantine)
{
    struct scene *s = begin(2);
    uint8_t *value = memmem(s->plant->contents[1].data, s->plant->contents[1].size, "FAIL", 4);
    EXPECT_TRUE(value != NULL);
    value[0] ^= 1;
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 3, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(WEFT_STREAM_DIGEST, s->batch.entries[1].fault);
    EXPECT_TRUE(s->batch.entries[1].reason.size > 0);
    /* And one whole statement in the place of another. */
    s->plant->contents[1].size = 0;
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&s->plant->contents[1], s->plant->contents[2].data,
                           s->plant->contents[2].size));
    message = rig_plant_batch(s->plant, 0, 3, true);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(WEFT_STREAM_DIGEST, s->batch.entries[1].fault);
    EXPECT_EQ(WEFT_STREAM_SOUND, s->batch.entries[2].fault);
    finish(s);
}

/* A leaf of a record that the plant's own code would not have sent. */
static void state_as(struct scene *s, const struct weft_record *record, const char *authority,
    const struct weft_contract_side *side)
{
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 77);
    struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_STATEMENT};
    struct weft_buffer content = {0};
    place.authority = weft_text_of(authority);
    EXPECT_EQ(WEFT_OK, weft_projection_make(record, &place, side, &arena, &content, &leaf.digest));
    rig_plant_add(s->plant, &leaf, &content);
    weft_buffer_destroy(&content);
    rig_plant_sign(s->plant);
    EXPECT_EQ(WEFT_STREAM_SOUND, hear_head(s));
}

static const struct weft_batch_entry *last_judged(struct scene *s)
{
    uint64_t first = s->consumer.stream.tree.size;
    uint32_t count = (uint32_t)(s->plant->provider.stream.tree.size - first);
    struct weft_stream_batch message = rig_plant_batch(s->plant, first, count, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(count, s->batch.count);
    return &s->batch.entries[count - 1];
}

TEST(consumer, puts_statements_outside_the_contract_into_quarantine)
{
    struct scene *s = begin(1);
    struct weft_record record = rig_record(5);
    record.kind = WEFT_TEXT("bom");
    const struct weft_contract_kind kind = {record.kind, WEFT_DISCLOSED};
    const struct weft_contract_side side = {.kinds = &kind, .kind_count = 1};
    state_as(s, &record, rig_site(RIG_SUPPLIER), &side);
    EXPECT_EQ(WEFT_STREAM_OUTSIDE, last_judged(s)->fault);
    finish(s);
}

TEST(consumer, puts_what_shows_more_than_the_mask_into_quarantine)
{
    struct scene *s = begin(1);
    struct weft_record record = rig_record(5);
    state_as(s, &record, rig_site(RIG_SUPPLIER), &s->plant->contract.sides[RIG_OEM]);
    EXPECT_EQ(WEFT_STREAM_MASK, last_judged(s)->fault);
    finish(s);
}

TEST(consumer, puts_statements_in_the_name_of_others_into_quarantine)
{
    static const char *const others[] = {"oem.example/plant1", "third.example/east"};
    for (int i = 0; i < 2; i++) {
        struct scene *s = begin(1);
        struct weft_record record = rig_record(5);
        state_as(s, &record, others[i], &s->plant->contract.sides[RIG_SUPPLIER]);
        EXPECT_EQ(WEFT_STREAM_UNAUTHORIZED, last_judged(s)->fault);
        /* A third party's may be forwarded where the contract says so; ours may not. FED-19 */
        s->plant->contract.sides[RIG_SUPPLIER].may_forward = true;
        s->consumer.stream.version = 0; /* only to let judge() take the changed contract */
        s->consumer.stream = (struct weft_stream){.version = 0};
        struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 1, false);
        EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
        EXPECT_EQ(WEFT_OK, weft_consumer_take(&s->consumer, &s->batch, 3));
        const struct weft_batch_entry *entry = last_judged(s);
        EXPECT_EQ(i == 0 ? WEFT_STREAM_UNAUTHORIZED : WEFT_STREAM_SOUND, entry->fault);
        EXPECT_EQ(i == 1, entry->is_forwarded);
        finish(s);
    }
}

TEST(consumer, marks_as_a_claim_what_the_other_party_has_authority_over)
{
    struct scene *s = begin(1);
    take(s, 0, 1);
    struct weft_contract_authority authority = {
        WEFT_TEXT("inspection"), WEFT_TEXT(""), RIG_SUPPLIER};
    s->plant->contract.authorities = &authority;
    s->plant->contract.authority_count = 1;
    EXPECT_TRUE(!last_judged(s)->is_claim);
    authority.party = RIG_OEM;
    EXPECT_EQ(WEFT_STREAM_SOUND, last_judged(s)->fault);
    EXPECT_TRUE(last_judged(s)->is_claim);
    authority.group = WEFT_TEXT("verdict");
    EXPECT_TRUE(last_judged(s)->is_claim);
    finish(s);
}

TEST(consumer, stops_at_the_bound_of_quarantine_and_goes_on_when_it_is_emptied)
{
    struct scene *s = begin(8);
    for (uint32_t i = 2; i < 8; i++) {
        uint8_t *value = memmem(s->plant->contents[i].data, s->plant->contents[i].size, "FAIL", 4);
        value[0] ^= 1;
    }
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 9, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(5, s->batch.count); /* the contract, a sound one, three of quarantine */
    EXPECT_EQ(WEFT_OK, weft_consumer_take(&s->consumer, &s->batch, 3));
    EXPECT_EQ(WEFT_CONSUMER_FULL, s->consumer.hold);
    message = rig_plant_batch(s->plant, 5, 4, false);
    EXPECT_EQ(WEFT_STREAM_HELD, judge(s, &message));
    const struct weft_batch none = {
        .before = weft_stream_tree(&s->consumer.stream), .head = s->consumer.head};
    EXPECT_EQ(WEFT_ESTATE, weft_consumer_take(&s->consumer, &none, 3));
    EXPECT_EQ(WEFT_EINVAL, weft_consumer_release(&s->consumer, 4, 3));
    EXPECT_EQ(WEFT_OK, weft_consumer_release(&s->consumer, 2, 3));
    EXPECT_EQ(WEFT_CONSUMER_TAKES, s->consumer.hold);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(2, s->batch.count);
    finish(s);
}

TEST(consumer, held_by_an_operator_or_frozen_takes_nothing)
{
    struct scene *s = begin(2);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 3, false);
    weft_consumer_hold(&s->consumer, true, 3);
    EXPECT_EQ(WEFT_STREAM_HELD, judge(s, &message));
    weft_consumer_freeze(&s->consumer);
    EXPECT_EQ(WEFT_STREAM_FROZEN, judge(s, &message));
    weft_consumer_hold(&s->consumer, false, 3);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    finish(s);
}

TEST(consumer, lets_local_policy_refuse_a_statement)
{
    struct scene *s = begin(2);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 3, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    const struct weft_msg why = {"not this asset"};
    weft_consumer_refuse(&s->batch.entries[1], &arena, &why);
    EXPECT_EQ(WEFT_STREAM_POLICY, s->batch.entries[1].fault);
    EXPECT_EQ(WEFT_OK, weft_consumer_take(&s->consumer, &s->batch, 3));
    EXPECT_EQ(1, s->consumer.quarantined);
    finish(s);
}

/* --- heads ----------------------------------------------------------------------------------- */

TEST(consumer, knows_a_rolled_back_head_and_a_split_view_by_name)
{
    struct scene *s = begin(5);
    struct weft_buffer older = rig_plant_head_at(s->plant, 4);
    struct weft_stream_head message = {.note = weft_buffer_as_text(&older)};
    struct weft_merkle_head head;
    EXPECT_EQ(WEFT_STREAM_ROLLED_BACK,
        weft_consumer_judge_head(&s->consumer, &message, &s->signers, &head, &s->msg));
    weft_buffer_destroy(&older);
    s->plant->hashes[3].bytes[0] ^= 1; /* another history, signed by the same keys */
    struct weft_buffer other = rig_plant_head_at(s->plant, 6);
    message.note = weft_buffer_as_text(&other);
    EXPECT_EQ(WEFT_STREAM_SPLIT,
        weft_consumer_judge_head(&s->consumer, &message, &s->signers, &head, &s->msg));
    weft_buffer_destroy(&other);
    finish(s);
}

/* FED-32: that one, and nothing else. */
TEST(consumer, gives_up_the_head_that_operators_say_is_lost)
{
    struct scene *s = begin(5);
    struct weft_stream_head again = rig_plant_head(s->plant, 0);
    const struct weft_merkle_head lost = s->consumer.head;
    struct weft_merkle_head other = lost, head;
    struct weft_consumer before;
    take(s, 0, 4);
    const struct weft_merkle_head base = weft_stream_tree(&s->consumer.stream);
    before = s->consumer;
    EXPECT_EQ(WEFT_ECONFLICT, weft_consumer_lose(&s->consumer, &lost, &lost, &s->msg));
    other.root.bytes[0] ^= 1;
    EXPECT_EQ(WEFT_ECONFLICT, weft_consumer_lose(&s->consumer, &other, &base, &s->msg));
    EXPECT_MEM(&before, &s->consumer, sizeof(before));
    weft_consumer_freeze(&s->consumer);
    EXPECT_EQ(WEFT_OK, weft_consumer_lose(&s->consumer, &lost, &base, &s->msg));
    EXPECT_EQ(WEFT_CONSUMER_FROZEN, s->consumer.hold); /* That is another act. */
    EXPECT_EQ(4, s->consumer.head.size);
    again.old_size = 4;
    struct weft_merkle_proof proof = rig_consistency(s->plant->hashes, 4, lost.size);
    again.proof = weft_stream_proof_bytes(&proof);
    EXPECT_EQ(WEFT_STREAM_ROLLED_BACK,
        weft_consumer_judge_head(&s->consumer, &again, &s->signers, &head, &s->msg));
    rig_plant_state(s->plant, 6);
    rig_plant_sign(s->plant); /* Another one that continues what is left. */
    EXPECT_EQ(WEFT_STREAM_SOUND, hear_head(s));
    weft_consumer_hold(&s->consumer, false, 3);
    take(s, 4, 3);
    const struct weft_merkle_head whole = weft_stream_tree(&s->consumer.stream);
    EXPECT_EQ(WEFT_EINVAL, weft_consumer_lose(&s->consumer, &whole, &whole, &s->msg));
    finish(s);
}

TEST(consumer, refuses_a_head_that_does_not_continue_the_one_it_knows)
{
    struct scene *s = begin(5);
    struct weft_merkle_head head;
    rig_plant_state(s->plant, 6);
    rig_plant_sign(s->plant);
    struct weft_stream_head message = rig_plant_head(s->plant, 3);
    EXPECT_EQ(WEFT_STREAM_SEQUENCE,
        weft_consumer_judge_head(&s->consumer, &message, &s->signers, &head, &s->msg));
    message = rig_plant_head(s->plant, 6);
    message.proof.size -= 32;
    EXPECT_EQ(WEFT_STREAM_PROOF,
        weft_consumer_judge_head(&s->consumer, &message, &s->signers, &head, &s->msg));
    message = rig_plant_head(s->plant, 6);
    EXPECT_EQ(WEFT_STREAM_SOUND,
        weft_consumer_judge_head(&s->consumer, &message, &s->signers, &head, &s->msg));
    struct weft_merkle_head known = s->consumer.head, none = {.size = 0};
    EXPECT_EQ(WEFT_ECONFLICT, weft_consumer_take_head(&s->consumer, &none, &head)); /* FED-17 */
    EXPECT_EQ(WEFT_OK, weft_consumer_take_head(&s->consumer, &known, &head));
    EXPECT_EQ(7, s->consumer.head.size);
    finish(s);
}

/* FED-26: its own proof says that it began otherwise than the one that is known. */
TEST(consumer, knows_a_split_view_by_a_larger_head_too)
{
    struct scene *s = begin(4);
    struct rig_plant *other = rig_plant_create(RIG_SUPPLIER);
    struct weft_merkle_head head;
    for (uint64_t i = 0; i < 8; i++) {
        rig_plant_state(other, 100 + i);
    }
    rig_plant_sign(other);
    struct weft_stream_head message = rig_plant_head(other, 5);
    EXPECT_EQ(WEFT_STREAM_SPLIT,
        weft_consumer_judge_head(&s->consumer, &message, &s->signers, &head, &s->msg));
    struct weft_merkle_proof proof = rig_consistency(s->plant->hashes, 5, 5);
    message.proof = weft_stream_proof_bytes(&proof);
    EXPECT_EQ(WEFT_STREAM_PROOF,
        weft_consumer_judge_head(&s->consumer, &message, &s->signers, &head, &s->msg));
    rig_plant_destroy(other);
    finish(s);
}

/* --- amendments ------------------------------------------------------------------------------ */

static void amend(struct scene *s, uint32_t signer, int64_t expires_ns)
{
    struct weft_contract next = rig_amend(&s->plant->contract, &s->plant->contract_note);
    next.link.expires_ns = expires_ns;
    next.sides[RIG_SUPPLIER].depth = 5;
    struct weft_buffer note = rig_contract_note(&next, signer);
    struct weft_buffer text = rig_contract_text(&next);
    const struct weft_stream_leaf leaf = {
        .kind = WEFT_STREAM_CONTRACT, .version = 2, .digest = weft_sha256(text.data, text.size)};
    rig_plant_add(s->plant, &leaf, &note);
    rig_plant_state(s->plant, 40);
    rig_plant_sign(s->plant);
    EXPECT_EQ(WEFT_STREAM_SOUND, hear_head(s));
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&text);
}

TEST(consumer, follows_an_amendment_at_its_place_in_the_stream)
{
    struct scene *s = begin(2);
    amend(s, WEFT_CONTRACT_PARTIES, RIG_NOW_NS + RIG_DAY_NS);
    take(s, 0, 5);
    EXPECT_EQ(2, s->consumer.stream.version);
    EXPECT_EQ(5, s->batch.entries[3].contract->sides[RIG_SUPPLIER].depth);
    finish(s);
}

TEST(consumer, takes_what_stands_before_an_unsigned_amendment_and_nothing_behind)
{
    struct scene *s = begin(2);
    amend(s, RIG_SUPPLIER, RIG_NOW_NS + RIG_DAY_NS);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 5, false);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(3, s->batch.count);
    EXPECT_EQ(WEFT_OK, weft_consumer_take(&s->consumer, &s->batch, 3));
    message = rig_plant_batch(s->plant, 3, 2, false);
    EXPECT_EQ(WEFT_STREAM_UNSIGNED_CONTRACT, judge(s, &message)); /* FED-20 */
    finish(s);
}

TEST(consumer, refuses_an_expired_amendment_unless_it_was_accepted_here)
{
    struct scene *s = begin(2);
    amend(s, WEFT_CONTRACT_PARTIES, RIG_NOW_NS + RIG_DAY_NS);
    take(s, 0, 3);
    s->terms.now_ns = RIG_NOW_NS + RIG_DAY_NS;
    struct weft_stream_batch message = rig_plant_batch(s->plant, 3, 2, false);
    EXPECT_EQ(WEFT_STREAM_EXPIRED_CONTRACT, judge(s, &message));
    struct weft_contract accepted = {.link = {.version = 2, .digest = s->plant->leaves[3].digest}};
    s->terms.next = &accepted;
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(2, s->batch.count);
    finish(s);
}

TEST(consumer, refuses_an_agreement_that_is_not_this_streams)
{
    struct scene *s = begin(2);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 3, false);
    s->terms.stream.agreement = WEFT_TEXT("lid-2026");
    EXPECT_EQ(WEFT_STREAM_UNSIGNED_CONTRACT, judge(s, &message));
    s->terms.stream.agreement = WEFT_TEXT("box-2026");
    s->terms.stream.provider = weft_text_of(rig_site(RIG_OEM));
    EXPECT_EQ(WEFT_STREAM_UNSIGNED_CONTRACT, judge(s, &message));
    s->terms.stream.provider = weft_text_of(rig_site(RIG_SUPPLIER));
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    finish(s);
}

/* --- huge ------------------------------------------------------------------------------------ */

TEST(consumer, puts_huge_fields_into_quarantine)
{
    static char large[WEFT_VALUE_SIZE_MAX + 1];
    struct scene *s = begin(1);
    struct weft_projection projection;
    struct weft_projection_item items[16];
    struct weft_buffer content = {0};
    const struct weft_bytes bytes = {s->plant->contents[1].data, s->plant->contents[1].size};
    memset(large, 'a', sizeof(large));
    EXPECT_EQ(WEFT_OK, weft_projection_decode(bytes, &arena, &projection, &s->msg));
    memcpy(items, projection.items, projection.item_count * sizeof(items[0]));
    for (uint32_t i = 0; i < projection.item_count; i++) {
        if (weft_text_is(items[i].path, "verdict")) {
            items[i].value = (struct weft_text){large, sizeof(large)};
        }
    }
    projection.items = items;
    EXPECT_EQ(WEFT_OK, weft_projection_encode(&projection, &content));
    struct weft_buffer kept = s->plant->contents[1];
    s->plant->contents[1] = content;
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 2, true);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(WEFT_STREAM_HUGE, s->batch.entries[1].fault);
    /* And one that is over the limit as a whole. */
    EXPECT_EQ(WEFT_OK, weft_buffer_reserve(&s->plant->contents[1], WEFT_PROJECTION_SIZE_MAX + 1));
    memset(s->plant->contents[1].data, 0, WEFT_PROJECTION_SIZE_MAX + 1);
    s->plant->contents[1].size = WEFT_PROJECTION_SIZE_MAX + 1;
    message = rig_plant_batch(s->plant, 0, 2, true);
    EXPECT_EQ(WEFT_STREAM_SOUND, judge(s, &message));
    EXPECT_EQ(WEFT_STREAM_HUGE, s->batch.entries[1].fault);
    weft_buffer_destroy(&kept);
    finish(s);
}
