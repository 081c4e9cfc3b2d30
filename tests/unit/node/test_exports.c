/* What is sent: records in the streams they belong to, once, whatever stood in between. */
#include <stdio.h>
#include <string.h>

#include "node/state/machine.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

static uint64_t statements(struct rig_site *site)
{
    return rig_provider(site)->stream.statement_count;
}

/* The projection of the statement at that sequence. */
static struct weft_buffer content_of(struct rig_site *site, uint64_t sequence)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_stream_source source;
    struct weft_buffer items = {0};
    struct weft_msg msg = {""};
    uint32_t count;
    (void)value;
    EXPECT_EQ(WEFT_OK, weft_stream_source(site->f.state, 0, WEFT_SENT, &source));
    EXPECT_EQ(
        WEFT_OK, weft_stream_source_items(&source, sequence, 1, 1, false, &items, &count, &msg));
    EXPECT_EQ(1, count);
    return items;
}

static bool holds(const struct weft_buffer *buffer, const char *text)
{
    return memmem(buffer->data, buffer->size, text, strlen(text)) != NULL;
}

TEST(exports, records_of_agreed_kinds_are_in_the_stream_with_their_commit)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "direct");
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS")); /* Before there was anything. */
    rig_pair_agree(&pair);
    EXPECT_EQ(0, statements(west));
    EXPECT_TRUE(rig_step(west) > 0);
    EXPECT_EQ(1, statements(west));
    rig_must(west, rig_inspection(2, "FAIL"));
    rig_must(west, rig_link("shipment", "shipment:1", "about", "serial:box/2"));
    EXPECT_EQ(2, statements(west));
    EXPECT_EQ(0, rig_step(west));
    struct weft_buffer content = content_of(west, 2);
    EXPECT_TRUE(holds(&content, "FAIL"));
    EXPECT_TRUE(!holds(&content, "SECRET"));
    EXPECT_TRUE(holds(&content, "operator"));
    EXPECT_TRUE(!holds(&content, "op/17"));
    weft_buffer_destroy(&content);
    rig_expect_sound(west);
    EXPECT_EQ(2, statements(west));
    rig_pair_stop(&pair);
}

#if RIG_PART == 1 /* Not where faults are planted: the others find them. */
TEST(exports, what_a_policy_forbids_is_not_shared)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "policy");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    (void)rig_step(west);
    struct weft_field labels = {WEFT_TEXT("labels/[0]"), WEFT_TEXT("itar"), WEFT_VALUE_TEXT};
    const struct weft_record label = {.kind = WEFT_TEXT("access_label"),
        .asset = WEFT_TEXT("serial:box/7"),
        .fields = &labels,
        .field_count = 1};
    rig_must(west, label);
    rig_must(west, rig_inspection(7, "PASS"));
    rig_must(west, rig_inspection(8, "PASS"));
    EXPECT_EQ(1, statements(west));
    rig_pair_stop(&pair);
}

TEST(exports, what_is_committed_while_suspended_follows_the_resume)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "suspended");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    (void)rig_step(west);
    rig_must(west, rig_inspection(1, "PASS"));
    rig_must(west, rig_act("suspend"));
    for (uint64_t i = 2; i < 6; i++) {
        rig_must(west, rig_inspection(i, "PASS"));
        rig_reopen(west);
    }
    EXPECT_EQ(1, statements(west));
    EXPECT_EQ(0, rig_step(west));
    rig_must(west, rig_act("resume"));
    EXPECT_TRUE(rig_step(west) > 0);
    EXPECT_EQ(5, statements(west));
    rig_must(west, rig_inspection(6, "PASS"));
    EXPECT_EQ(6, statements(west));
    rig_expect_sound(west);
    rig_pair_stop(&pair);
}

TEST(exports, a_wider_scope_appends_what_comes_into_it_and_nothing_twice)
{
    static struct rig_pair pair;
    static const struct weft_contract_kind kinds[] = {
        {WEFT_TEXT("inspection"), WEFT_DISCLOSED}, {WEFT_TEXT("shipment"), WEFT_DISCLOSED}};
    rig_pair_start(&pair, "wider");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    (void)rig_step(west);
    for (uint64_t i = 0; i < 3; i++) {
        rig_must(west, rig_inspection(i, "PASS"));
        rig_must(west, rig_link("shipment", "shipment:1", "about", "serial:box/1"));
    }
    EXPECT_EQ(3, statements(west));
    struct weft_contract wider = rig_contract();
    wider.sides[RIG_SUPPLIER].kinds = kinds;
    wider.sides[RIG_SUPPLIER].kind_count = 2;
    rig_amend(&pair, &wider, true, true);
    EXPECT_EQ(2, rig_provider(west)->stream.version);
    (void)rig_step(west);
    EXPECT_EQ(6, statements(west));
    rig_reopen(west);
    struct weft_contract narrow = rig_contract();
    rig_amend(&pair, &narrow, true, true);
    (void)rig_step(west);
    EXPECT_EQ(6, statements(west));
    rig_expect_sound(west);
    rig_pair_stop(&pair);
}

/* NOD-194: what was shipped, and what is inside of it to the depth that was agreed. */
TEST(exports, units_that_are_shipped_bring_what_is_inside_of_them)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "shipped");
    struct weft_contract contract = rig_contract();
    contract.sides[RIG_SUPPLIER].depth = 1;
    rig_amend(&pair, &contract, true, true);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    (void)rig_step(west);
    for (uint64_t i = 1; i <= 4; i++) {
        rig_must(west, rig_inspection(i, "PASS"));
    }
    /* 3 inside 2 inside 1; 4 by itself, a unit too. */
    rig_must(west, rig_link("as_built", "serial:box/1", "consumes", "serial:box/2"));
    rig_must(west, rig_link("as_built", "serial:box/2", "consumes", "serial:box/3"));
    rig_must(west, rig_link("part", "serial:box/4", "instance_of", "part:box"));
    (void)rig_step(west);
    const uint64_t before = statements(west); /* Those that were no units yet when they came. */
    rig_must(west, rig_inspection(4, "FAIL"));
    rig_must(west, rig_inspection(3, "FAIL"));
    rig_must(west, rig_inspection(2, "FAIL"));
    EXPECT_EQ(before, statements(west));
    rig_must(west, rig_link("shipment", "serial:box/1", "shipped_to", "customer:north"));
    rig_reopen(west);
    (void)rig_step(west);
    EXPECT_EQ(before + 1, statements(west)); /* The second one of 2. */
    rig_must(west, rig_inspection(2, "PASS"));
    rig_must(west, rig_inspection(3, "PASS")); /* Too deep. */
    EXPECT_EQ(before + 2, statements(west));
    rig_must(west, rig_link("as_built", "serial:box/1", "consumes", "serial:box/4"));
    (void)rig_step(west);
    EXPECT_EQ(before + 3, statements(west));
    rig_expect_sound(west);
    rig_pair_stop(&pair);
}

/* NOD-198 */
TEST(exports, a_redaction_goes_through_streams_and_changes_no_digest)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "redacted");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    (void)rig_step(west);
    rig_must(west, rig_inspection(1, "UNIQUE-VERDICT"));
    char index[24];
    (void)snprintf(index, sizeof(index), "%llu", (unsigned long long)west->f.index);
    const struct weft_merkle_head tree = weft_stream_tree(&rig_provider(west)->stream);
    struct weft_buffer content = content_of(west, 1);
    EXPECT_TRUE(holds(&content, "UNIQUE-VERDICT"));
    weft_buffer_destroy(&content);
    const struct weft_field fields[] = {{WEFT_TEXT("index"), weft_text_of(index), WEFT_VALUE_INT},
        {WEFT_TEXT("kind"), WEFT_TEXT("inspection"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("path"), WEFT_TEXT("verdict"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("reason"), WEFT_TEXT("told"), WEFT_VALUE_TEXT}};
    const struct weft_record redaction = {.kind = WEFT_TEXT("redaction"),
        .asset = WEFT_TEXT("serial:box/1"),
        .fields = fields,
        .field_count = 4};
    rig_must(west, redaction);
    content = content_of(west, 1);
    EXPECT_TRUE(!holds(&content, "UNIQUE-VERDICT"));
    weft_buffer_destroy(&content);
    const struct weft_merkle_head after = weft_stream_tree(&rig_provider(west)->stream);
    EXPECT_TRUE(weft_digest_equal(&tree.root, &after.root));
    rig_expect_sound(west);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_pair_stop(&pair);
}

TEST(exports, only_what_is_signed_is_acknowledged)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "signed");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    (void)rig_step(west);
    rig_must(west, rig_inspection(1, "PASS"));
    struct weft_stream_entry sign = {
        .act = WEFT_STREAM_ACT_SIGN, .number = 2, .agreement = WEFT_TEXT(RIG_NAME)};
    EXPECT_EQ(WEFT_ECONFLICT, rig_item(west, &sign)); /* Of another tree. */
    sign.number = 3;
    EXPECT_EQ(WEFT_EINVAL, rig_item(west, &sign));
    EXPECT_EQ(0, rig_provider(west)->signed_head.size);
    rig_transfer(&pair, RIG_SUPPLIER, 1);
    EXPECT_EQ(2, rig_provider(west)->receipt.size);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    /* A receipt under another name. */
    const struct weft_merkle_head tree = weft_stream_tree(&rig_provider(west)->stream);
    struct weft_buffer note = rig_head_note(RIG_OEM, "oem.example/plant1/received/other", &tree);
    struct weft_partner_message message = {
        .kind = WEFT_KIND_STREAM_RECEIPT, .receipt = {.note = weft_buffer_as_text(&note)}};
    EXPECT_EQ(WEFT_EREFUSED, rig_message(west, WEFT_STREAM_ACT_RECEIPT, 0, RIG_SUPPLIER, &message));
    weft_buffer_destroy(&note);
    /* Nobody but a node. */
    test_entry_begin(&west->f.entry);
    test_entry_item(
        &west->f.entry, WEFT_ITEM_STREAM, "spiffe://supplier.example/west/op/ann", "x", 1);
    fixture_apply(&west->f);
    EXPECT_EQ(WEFT_EREFUSED, west->f.items[0].err);
    rig_pair_stop(&pair);
}

#endif

/* Copies of a state, by its own checkpoint. */
static void restore_at(struct rig_site *site, const char *copy, uint64_t now_s)
{
    fixture_close(&site->f);
    (void)snprintf(site->f.directory, sizeof(site->f.directory), "%s", copy);
    site->f.options.cluster++;
    site->f.options.take_over = true;
    site->f.options.take_over_s = now_s;
    fixture_open(&site->f);
    site->f.options.take_over = false;
}

static void restore(struct rig_site *site, const char *copy)
{
    restore_at(site, copy, 0); /* Its clock is wrong: epochs rise all the same. */
}

/* Its own leaves, from what the partner has: until the head of so many. */
static enum weft_err recover(struct rig_pair *pair, uint64_t first, uint64_t head_size)
{
    struct rig_site *west = &pair->sites[RIG_SUPPLIER], *oem = &pair->sites[RIG_OEM];
    struct weft_stream_source source;
    struct weft_buffer items = {0};
    struct weft_merkle_proof proof = {.count = 0};
    uint32_t count;
    EXPECT_EQ(WEFT_OK, weft_stream_source(oem->f.state, 0, WEFT_RECEIVED, &source));
    EXPECT_EQ(WEFT_OK,
        weft_stream_source_items(&source, first, 10, 100000, true, &items, &count, &oem->msg));
    struct weft_partner_message batch = {.kind = WEFT_KIND_STREAM_BATCH,
        .batch = {.first = first,
            .count = count,
            .items = {items.data, items.size},
            .head_size = head_size,
            .proof = weft_stream_proof_bytes(&proof)}};
    enum weft_err err =
        rig_message(west, WEFT_STREAM_ACT_RECOVER, first + count, RIG_SUPPLIER, &batch);
    EXPECT_TEXT("", west->msg.text);
    weft_buffer_destroy(&items);
    return err;
}

static uint64_t disputes(struct rig_site *site)
{
    struct weft_cells_sum sum = {.disputes = UINT64_MAX};
    EXPECT_EQ(WEFT_OK, weft_state_cells_sum(site->f.state, WEFT_TEXT(RIG_NAME), &sum, &site->msg));
    return sum.disputes;
}

/* NOD-199 */
TEST(exports, a_site_from_a_backup_is_fenced_and_gets_its_own_back)
{
    static struct rig_pair pair;
    char copy[700];
    rig_pair_start(&pair, "backup");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    (void)rig_step(west);
    rig_must(west, rig_inspection(1, "PASS"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    (void)snprintf(copy, sizeof(copy), "%s/copy", test_directory());
    EXPECT_EQ(WEFT_OK, weft_state_checkpoint(west->f.state, copy, &west->msg));
    rig_must(west, rig_inspection(2, "LOST"));
    rig_must(west, rig_inspection(3, "LOST"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    const struct weft_merkle_head head = rig_provider(west)->signed_head;
    restore(west, copy);
    rig_reopen(west);
    EXPECT_TRUE(rig_provider(west)->is_unsure);
    rig_must(west, rig_inspection(2, "ANEW"));
    EXPECT_EQ(2, rig_provider(west)->stream.tree.size);
    struct weft_stream_entry sign = {
        .act = WEFT_STREAM_ACT_SIGN, .number = 2, .agreement = WEFT_TEXT(RIG_NAME)};
    EXPECT_EQ(WEFT_ESTATE, rig_item(west, &sign));
    EXPECT_EQ(0, rig_step(west));
    /* The partner greets: it has more. It shows the head. */
    struct weft_partner_message hello = {
        .kind = WEFT_KIND_STREAM_HELLO, .hello = weft_consumer_hello(rig_consumer(oem))};
    EXPECT_EQ(WEFT_ESTATE, rig_message(west, WEFT_STREAM_ACT_SURE, 0, RIG_SUPPLIER, &hello));
    struct weft_partner_message shown = {
        .kind = WEFT_KIND_STREAM_HEAD, .head = {.note = rig_agreement(oem).head_note}};
    EXPECT_EQ(WEFT_OK, rig_message(west, WEFT_STREAM_ACT_FENCE, 0, RIG_SUPPLIER, &shown));
    EXPECT_EQ(head.size, rig_provider(west)->fence.size);
    rig_reopen(west);
    EXPECT_EQ(WEFT_OK, recover(&pair, 2, head.size));
    EXPECT_TRUE(!weft_provider_is_fenced(rig_provider(west)));
    EXPECT_TRUE(rig_step(west) > 0);
    EXPECT_EQ(head.size + 1, rig_provider(west)->stream.tree.size); /* "ANEW" is behind them. */
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_expect_sound(west);
    EXPECT_EQ(0, disputes(west)); /* Of one index, and not of one revision. */
    EXPECT_EQ(0, disputes(oem));
    rig_pair_stop(&pair);
}

#if RIG_PART == 1 /* Not where faults are planted: the others find them. */
/* The backup is older than the agreement, which is brought in again: what was signed under it
 * stands. */
TEST(exports, an_agreement_that_a_backup_does_not_know_begins_where_it_was)
{
    static struct rig_pair pair;
    char copy[700];
    rig_pair_start(&pair, "older");
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    (void)snprintf(copy, sizeof(copy), "%s/copy", test_directory());
    EXPECT_EQ(WEFT_OK, weft_state_checkpoint(west->f.state, copy, &west->msg));
    const struct weft_contract before = pair.contract;
    rig_pair_agree(&pair);
    (void)rig_step(west);
    rig_must(west, rig_inspection(1, "LOST"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    const struct weft_merkle_head head = rig_provider(west)->signed_head;
    restore(west, copy);
    pair.contract = before; /* Version 1 once more. */
    struct weft_contract contract = rig_contract();
    rig_amend(&pair, &contract, false, true);
    EXPECT_TRUE(rig_provider(west)->is_unsure);
    rig_must(west, rig_inspection(1, "ANEW"));
    EXPECT_EQ(0, rig_provider(west)->stream.tree.size);
    EXPECT_EQ(0, rig_step(west));
    rig_reopen(west);
    struct weft_partner_message shown = {
        .kind = WEFT_KIND_STREAM_HEAD, .head = {.note = rig_agreement(oem).head_note}};
    EXPECT_EQ(WEFT_OK, rig_message(west, WEFT_STREAM_ACT_FENCE, 0, RIG_SUPPLIER, &shown));
    EXPECT_EQ(head.size, rig_provider(west)->fence.size);
    EXPECT_EQ(WEFT_OK, recover(&pair, 0, head.size));
    EXPECT_TRUE(!weft_provider_is_fenced(rig_provider(west)));
    EXPECT_TRUE(rig_step(west) > 0);
    EXPECT_EQ(head.size + 1, rig_provider(west)->stream.tree.size); /* "ANEW" is behind them. */
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_expect_sound(west);
    rig_pair_stop(&pair);
}

/* Without a loss the partner's hello is enough; statements from then on have the next epoch. */
TEST(exports, a_site_from_a_backup_that_lost_nothing_goes_on)
{
    static struct rig_pair pair;
    char copy[700];
    rig_pair_start(&pair, "sure");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    (void)rig_step(west);
    rig_must(west, rig_inspection(1, "PASS"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    (void)snprintf(copy, sizeof(copy), "%s/copy", test_directory());
    EXPECT_EQ(WEFT_OK, weft_state_checkpoint(west->f.state, copy, &west->msg));
    restore(west, copy);
    rig_must(west, rig_inspection(2, "PASS"));
    EXPECT_EQ(1, statements(west));
    struct weft_partner_message hello = {
        .kind = WEFT_KIND_STREAM_HELLO, .hello = weft_consumer_hello(rig_consumer(oem))};
    EXPECT_EQ(WEFT_OK, rig_message(west, WEFT_STREAM_ACT_SURE, 0, RIG_SUPPLIER, &hello));
    EXPECT_TRUE(rig_step(west) > 0);
    EXPECT_EQ(2, statements(west));
    EXPECT_EQ(2, weft_epochs_at(&west->f.state->epochs, west->f.index));
    rig_expect_sound(west); /* Digests of both epochs. */
    EXPECT_EQ(2, weft_epochs_at(&west->f.state->epochs, west->f.index));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_pair_stop(&pair);
}

/* What a backup knows does not tell that it was restored before: the clock does. */
TEST(exports, each_restore_has_an_epoch_of_its_own_whatever_its_backup_knows)
{
    static struct rig_pair pair;
    char copies[3][700];
    rig_pair_start(&pair, "twice");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    const struct weft_epochs *epochs;
    rig_must(west, rig_inspection(1, "PASS"));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(copies[i], sizeof(copies[i]), "%s/copy%d", test_directory(), i);
        EXPECT_EQ(WEFT_OK, weft_state_checkpoint(west->f.state, copies[i], &west->msg));
    }
    const uint64_t index = west->f.index;
    restore_at(west, copies[0], 1000);
    epochs = &west->f.state->epochs;
    EXPECT_EQ(1, weft_epochs_at(epochs, index));
    EXPECT_EQ(1000, weft_epochs_at(epochs, index + 1));
    west->f.index = index;
    restore_at(west, copies[1], 1007);
    epochs = &west->f.state->epochs;
    EXPECT_EQ(1007, weft_epochs_at(epochs, index + 1));
    /* Once more, before anything was stated: and the clock is behind. */
    (void)snprintf(copies[2], sizeof(copies[2]), "%s/copy2", test_directory());
    EXPECT_EQ(WEFT_OK, weft_state_checkpoint(west->f.state, copies[2], &west->msg));
    restore_at(west, copies[2], 900);
    epochs = &west->f.state->epochs;
    EXPECT_EQ(1, epochs->count);
    EXPECT_EQ(1, weft_epochs_at(epochs, index));
    EXPECT_EQ(1008, weft_epochs_at(epochs, index + 1));
    rig_reopen(west);
    EXPECT_EQ(1008, weft_epochs_at(&west->f.state->epochs, index + 1));
    rig_pair_stop(&pair);
}

/* FED-32: the partner knows of a head, and has not all of its leaves; the backup has fewer. */
TEST(exports, a_head_whose_leaves_nobody_has_is_given_up_by_both)
{
    static struct rig_pair pair;
    char copy[700];
    rig_pair_start(&pair, "given-up");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    (void)rig_step(west);
    (void)snprintf(copy, sizeof(copy), "%s/copy", test_directory());
    EXPECT_EQ(WEFT_OK, weft_state_checkpoint(west->f.state, copy, &west->msg));
    for (uint64_t i = 0; i < 6; i++) {
        rig_must(west, rig_inspection(i, "LOST"));
    }
    rig_sign(west);
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_SUPPLIER));
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 3));
    const struct weft_merkle_head head = rig_consumer(oem)->head;
    const struct weft_merkle_head base = weft_stream_tree(&rig_consumer(oem)->stream);
    EXPECT_EQ(WEFT_ECONFLICT, rig_commit(oem, rig_lost("supersede", &head, &head)));
    restore(west, copy);
    rig_must(west, rig_inspection(9, "ANEW"));
    struct weft_partner_message shown = {
        .kind = WEFT_KIND_STREAM_HEAD, .head = {.note = rig_agreement(oem).head_note}};
    EXPECT_EQ(WEFT_OK, rig_message(west, WEFT_STREAM_ACT_FENCE, 0, RIG_SUPPLIER, &shown));
    EXPECT_EQ(WEFT_ECONFLICT, rig_commit(oem, rig_lost("supersede", &base, &base)));
    EXPECT_EQ(WEFT_EINVAL, rig_commit(west, rig_act("lose"))); /* Which one? */
    rig_must(oem, rig_lost("supersede", &head, &base));
    rig_must(west, rig_lost("lose", &head, &base));
    EXPECT_EQ(base.size, rig_provider(west)->fence.size);
    EXPECT_EQ(0, rig_agreement(oem).head_note.size);
    rig_reopen(oem);
    rig_reopen(west);
    EXPECT_EQ(1, rig_provider(west)->lost.count);
    EXPECT_TRUE(weft_lost_has(&rig_consumer(oem)->lost, &head));
    EXPECT_EQ(WEFT_OK, recover(&pair, rig_provider(west)->stream.tree.size, base.size));
    EXPECT_TRUE(!weft_provider_is_fenced(rig_provider(west)));
    EXPECT_TRUE(rig_step(west) > 0);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    EXPECT_EQ(base.size + 1, rig_consumer(oem)->stream.tree.size);
    rig_expect_sound(west);
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

/* Nobody noticed, and other leaves stand where those were that are lost. */
TEST(exports, leaves_that_nobody_signed_give_way_to_those_that_were)
{
    static struct rig_pair pair;
    char copy[700];
    rig_pair_start(&pair, "rewind");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    (void)rig_step(west);
    for (uint64_t i = 0; i < 300; i++) { /* Over a tile. */
        rig_must(west, rig_inspection(i, "PASS"));
    }
    rig_transfer(&pair, RIG_SUPPLIER, 200);
    (void)snprintf(copy, sizeof(copy), "%s/copy", test_directory());
    EXPECT_EQ(WEFT_OK, weft_state_checkpoint(west->f.state, copy, &west->msg));
    rig_must(west, rig_inspection(301, "LOST"));
    rig_must(west, rig_act("suspend"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    const struct weft_merkle_head head = rig_provider(west)->signed_head;
    fixture_close(&west->f);
    (void)snprintf(west->f.directory, sizeof(west->f.directory), "%s", copy);
    fixture_open(&west->f);
    for (uint64_t i = 400; i < 600; i++) {
        rig_must(west, rig_inspection(i, "ANEW"));
    }
    struct weft_partner_message shown = {
        .kind = WEFT_KIND_STREAM_HEAD, .head = {.note = rig_agreement(oem).head_note}};
    EXPECT_EQ(WEFT_OK, rig_message(west, WEFT_STREAM_ACT_FENCE, 0, RIG_SUPPLIER, &shown));
    EXPECT_TRUE(weft_provider_is_behind(rig_provider(west)));
    struct weft_stream_entry rewind = {
        .act = WEFT_STREAM_ACT_REWIND, .number = 300, .agreement = WEFT_TEXT(RIG_NAME)};
    EXPECT_EQ(WEFT_ESTATE, rig_item(west, &rewind)); /* Behind what was signed. */
    rewind.number = 301;
    EXPECT_EQ(WEFT_OK, rig_item(west, &rewind));
    EXPECT_EQ(301, rig_provider(west)->stream.tree.size);
    rig_expect_sound(west);
    struct weft_stream_source source;
    struct weft_buffer items = {0};
    struct weft_merkle_proof proof = {.count = 0};
    uint32_t count;
    EXPECT_EQ(WEFT_OK, weft_stream_source(oem->f.state, 0, WEFT_RECEIVED, &source));
    EXPECT_EQ(WEFT_OK,
        weft_stream_source_items(&source, 301, 10, 100000, true, &items, &count, &oem->msg));
    struct weft_partner_message batch = {.kind = WEFT_KIND_STREAM_BATCH,
        .batch = {.first = 301,
            .count = count,
            .items = {items.data, items.size},
            .head_size = head.size,
            .proof = weft_stream_proof_bytes(&proof)}};
    EXPECT_EQ(
        WEFT_OK, rig_message(west, WEFT_STREAM_ACT_RECOVER, 301 + count, RIG_SUPPLIER, &batch));
    EXPECT_TRUE(!weft_provider_is_fenced(rig_provider(west)));
    EXPECT_EQ(WEFT_AGREEMENT_SUSPENDED, rig_agreement(west).state);
    rig_must(west, rig_act("resume"));
    EXPECT_TRUE(rig_step(west) > 0);
    EXPECT_EQ(300 + 1 + 200, statements(west));
    rig_transfer(&pair, RIG_SUPPLIER, 100);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_expect_sound(west);
    weft_buffer_destroy(&items);
    rig_pair_stop(&pair);
}

/* NOD-195: random histories on two replicas, one of which is opened anew at each step and applies
 * one by one. */
TEST(exports, replicas_send_the_same_however_they_were_batched)
{
    static struct rig_pair a, b;
    rig_pair_start(&a, "random-a");
    rig_pair_start(&b, "random-b");
    struct weft_contract contract = rig_contract();
    static const struct weft_text parts[] = {WEFT_TEXT("part:box")};
    contract.sides[RIG_SUPPLIER].depth = 1;
    contract.sides[RIG_SUPPLIER].parts = parts;
    contract.sides[RIG_SUPPLIER].part_count = 1;
    rig_amend(&a, &contract, true, true);
    struct weft_contract again = rig_contract();
    again.sides[RIG_SUPPLIER] = contract.sides[RIG_SUPPLIER];
    rig_amend(&b, &again, true, true);
    for (int round = 0; round < 60 / RIG_PART; round++) {
        char asset[32], other[32];
        uint64_t what = test_random(10);
        (void)snprintf(asset, sizeof(asset), "serial:box/%u", (unsigned)test_random(6));
        (void)snprintf(other, sizeof(other), "serial:box/%u", (unsigned)test_random(6));
        struct weft_record record =
            what < 4    ? rig_inspection(test_random(6), "PASS")
            : what == 4 ? rig_link("as_built", asset, "consumes", other)
            : what == 5 ? rig_link("as_built", asset, "instance_of", "part:box")
            : what == 6 ? rig_link("shipment", asset, "shipped_to", "customer:north")
            : what == 7 ? rig_act("suspend")
                        : rig_act("resume");
        EXPECT_EQ(
            rig_commit(&a.sites[RIG_SUPPLIER], record), rig_commit(&b.sites[RIG_SUPPLIER], record));
        if (test_random(3) == 0) {
            EXPECT_EQ(rig_step(&a.sites[RIG_SUPPLIER]), rig_step(&b.sites[RIG_SUPPLIER]));
        }
        rig_reopen(&b.sites[RIG_SUPPLIER]);
    }
    const struct weft_digest_result x = fixture_digest(&a.sites[RIG_SUPPLIER].f);
    const struct weft_digest_result y = fixture_digest(&b.sites[RIG_SUPPLIER].f);
    EXPECT_TRUE(weft_digest_equal(&x.digest, &y.digest));
    EXPECT_TRUE(RIG_PART > 1 || statements(&a.sites[RIG_SUPPLIER]) > 0);
    rig_expect_replayed(&a.sites[RIG_SUPPLIER], "twin", 30);
    rig_expect_sound(&a.sites[RIG_SUPPLIER]);
    rig_pair_stop(&a);
    rig_pair_stop(&b);
}
#endif
