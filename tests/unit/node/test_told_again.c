/* Statements that are told again: fields disclosed later, fields erased, on both sides. */
#include <stdio.h>
#include <string.h>

#include "node/state/audit_read.h"
#include "node/state/machine.h"
#include "node/state/streams_parts.h"
#include "policy/audit_leaf.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

static void agree(struct rig_pair *pair, const char *name)
{
    rig_pair_start(pair, name);
    rig_pair_agree(pair);
    (void)rig_step(&pair->sites[RIG_OEM]);
    (void)rig_step(&pair->sites[RIG_SUPPLIER]);
}

/* Does the leaf at that sequence, as the site has it, hold the text? */
static bool holds(
    struct rig_site *site, enum weft_direction direction, uint64_t sequence, const char *text)
{
    struct weft_stream_source source;
    struct weft_buffer items = {0};
    uint32_t count;
    EXPECT_EQ(WEFT_OK, weft_stream_source(site->f.state, 0, direction, &source));
    EXPECT_EQ(WEFT_OK,
        weft_stream_source_items(&source, sequence, 1, 1, true, &items, &count, &site->msg));
    const bool is_there = memmem(items.data, items.size, text, strlen(text)) != NULL;
    weft_buffer_destroy(&items);
    return is_there;
}

/* How many leaves of its audit log are of that act about that subject, with one leaf as evidence.
 */
static uint32_t audited(struct rig_site *site, const char *act, const char *subject)
{
    const uint64_t size = weft_state_audit(site->f.state).size;
    struct weft_audit_reader reader;
    uint32_t found = 0;
    weft_audit_reader_init(&reader, site->f.state->store, NULL);
    for (uint64_t i = 0; i < size; i++) {
        struct weft_buffer log = {0};
        struct weft_audit_leaf leaf;
        EXPECT_EQ(WEFT_OK, weft_audit_read_leaves(&reader, i, 1, &log, &site->msg));
        struct weft_bytes bundle = {log.data, log.size}, text;
        EXPECT_EQ(WEFT_OK, weft_bundle_next(&bundle, &text));
        EXPECT_EQ(
            WEFT_OK, weft_audit_leaf_parse((struct weft_text){(const char *)text.data, text.size},
                         &leaf, &site->msg));
        found += weft_text_is(leaf.act, act) && weft_text_is(leaf.subject, subject) &&
                         leaf.evidence_count == 1
                     ? 1
                     : 0;
        weft_buffer_destroy(&log);
    }
    weft_audit_reader_close(&reader);
    return found;
}

static struct weft_record disclosure(const char *from, const char *path)
{
    static struct weft_field fields[3];
    fields[0] = (struct weft_field){WEFT_TEXT("act"), WEFT_TEXT("disclose"), WEFT_VALUE_TEXT};
    fields[1] = (struct weft_field){WEFT_TEXT("from"), weft_text_of(from), WEFT_VALUE_INT};
    fields[2] = (struct weft_field){WEFT_TEXT("path"), weft_text_of(path), WEFT_VALUE_TEXT};
    struct weft_record record = rig_act("disclose");
    record.fields = fields;
    record.field_count = 3;
    return record;
}

static struct weft_record redaction(const char *asset, uint64_t index, const char *path)
{
    static struct weft_field fields[4];
    static char number[24];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)index);
    fields[0] = (struct weft_field){WEFT_TEXT("index"), weft_text_of(number), WEFT_VALUE_INT};
    fields[1] = (struct weft_field){WEFT_TEXT("kind"), WEFT_TEXT("inspection"), WEFT_VALUE_TEXT};
    fields[2] = (struct weft_field){WEFT_TEXT("path"), weft_text_of(path), WEFT_VALUE_TEXT};
    fields[3] = (struct weft_field){WEFT_TEXT("reason"), WEFT_TEXT("told"), WEFT_VALUE_TEXT};
    return (struct weft_record){.kind = WEFT_TEXT("redaction"),
        .asset = weft_text_of(asset),
        .fields = fields,
        .field_count = 4};
}

static void expect_shared(struct rig_pair *pair)
{
    struct weft_cells_sum sums[2];
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_EQ(WEFT_OK, weft_cells_get_sum(pair->sites[i].f.state->cells, WEFT_TEXT(RIG_NAME),
                               &sums[i], &pair->sites[i].msg));
        EXPECT_TRUE(sums[i].is_settled);
    }
    EXPECT_TRUE(weft_digest_equal(&sums[0].shared, &sums[1].shared));
}

static void finish(struct rig_pair *pair)
{
    rig_expect_equal(pair, RIG_SUPPLIER);
    expect_shared(pair);
    for (uint32_t i = 0; i < 2; i++) {
        rig_expect_sound(&pair->sites[i]);
        rig_expect_replayed(&pair->sites[i], i == 0 ? "again0" : "again1", 13);
    }
    rig_pair_stop(pair);
}

/* NOD-290: what was committed is shown later, under the old digest; both sides have it audited. */
TEST(told_again, a_committed_field_is_disclosed_later)
{
    static struct rig_pair pair;
    agree(&pair, "disclosed");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS"));
    rig_must(west, rig_inspection(2, "PASS"));
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 1, "op/17"));
    rig_must(west, disclosure("1", "operator"));
    rig_reopen(west); /* It is owed, wherever the site stopped. */
    EXPECT_TRUE(rig_step(west) > 0);
    EXPECT_EQ(0, rig_step(west));
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_EQ(4, rig_consumer(oem)->stream.tree.size);
    EXPECT_EQ(0, rig_consumer(oem)->quarantined);
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 3, "op/17"));
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 3, "SECRET"));
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 2, "op/17"));
    EXPECT_EQ(1, audited(west, "partner.disclosed", RIG_NAME " sent 3"));
    EXPECT_EQ(1, audited(oem, "partner.disclosed", RIG_NAME " received 3"));
    EXPECT_EQ(WEFT_ESTATE, rig_commit(west, disclosure("1", "operator")));
    EXPECT_EQ(
        WEFT_ESTATE, rig_commit(west, disclosure("3", "verdict"))); /* Shown from the first. */
    finish(&pair);
}

TEST(told_again, what_the_agreement_hides_is_not_disclosed)
{
    static struct rig_pair pair;
    agree(&pair, "hidden");
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS"));
    EXPECT_EQ(WEFT_EREFUSED, rig_commit(west, disclosure("1", "cost")));
    EXPECT_EQ(WEFT_ENOTFOUND, rig_commit(west, disclosure("0", "operator")));
    EXPECT_EQ(WEFT_ENOTFOUND, rig_commit(west, disclosure("2", "operator")));
    EXPECT_EQ(WEFT_EINVAL, rig_commit(west, disclosure("1", "")));
    const struct weft_field labels = {WEFT_TEXT("labels/[0]"), WEFT_TEXT("itar"), WEFT_VALUE_TEXT};
    const struct weft_record label = {.kind = WEFT_TEXT("access_label"),
        .asset = WEFT_TEXT("serial:box/1"),
        .fields = &labels,
        .field_count = 1};
    rig_must(west, label); /* The policy does not share what is labelled so. */
    EXPECT_EQ(WEFT_EREFUSED, rig_commit(west, disclosure("1", "operator")));
    EXPECT_EQ(0, rig_step(west));
    rig_pair_stop(&pair);
}

/* NOD-291: and once it is redacted, nobody has it. */
TEST(told_again, what_is_redacted_is_erased_at_the_partner_too)
{
    static struct rig_pair pair;
    agree(&pair, "erased");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "UNIQUE-VERDICT"));
    const uint64_t index = west->f.index;
    rig_must(west, disclosure("1", "operator"));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 1);
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 2, "UNIQUE-VERDICT"));
    EXPECT_EQ(0, weft_state_redacted(oem->f.state));
    rig_must(west, redaction("serial:box/1", index, "verdict"));
    EXPECT_TRUE(!holds(west, WEFT_SENT, 1, "UNIQUE-VERDICT"));
    EXPECT_TRUE(!holds(west, WEFT_SENT, 2, "UNIQUE-VERDICT"));
    EXPECT_TRUE(rig_step(west) > 0);
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_EQ(0, rig_consumer(oem)->quarantined);
    for (uint64_t i = 1; i <= 3; i++) {
        EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, i, "UNIQUE-VERDICT"));
    }
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 3, "op/17")); /* Else nothing is taken back. */
    EXPECT_EQ(oem->f.index, weft_state_redacted(oem->f.state));
    EXPECT_EQ(1, audited(west, "partner.erased", RIG_NAME " sent 3"));
    EXPECT_EQ(1, audited(oem, "partner.erased", RIG_NAME " received 3"));
    rig_must(west, redaction("serial:box/1", index, "operator"));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    for (uint64_t i = 1; i <= 4; i++) {
        EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, i, "op/17"));
    }
    finish(&pair);
}

/* All of it in one message: what stands in the same batch is found as what stands in the store. */
TEST(told_again, one_message_may_tell_a_statement_and_take_a_field_of_it_back)
{
    static struct rig_pair pair;
    agree(&pair, "at_once");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    for (uint64_t i = 1; i <= 3; i++) {
        rig_must(west, rig_inspection(i, "UNIQUE-VERDICT"));
        const uint64_t index = west->f.index;
        char asset[32];
        (void)snprintf(asset, sizeof(asset), "serial:box/%llu", (unsigned long long)i);
        rig_must(west, disclosure(i == 1 ? "1" : i == 2 ? "4" : "7", "operator"));
        (void)rig_step(west);
        rig_must(west, redaction(asset, index, "verdict"));
        (void)rig_step(west);
    }
    rig_transfer(&pair, RIG_SUPPLIER, 100);
    for (uint64_t i = 1; i <= 9; i++) {
        EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, i, "UNIQUE-VERDICT"));
    }
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 9, "op/17"));
    finish(&pair);
}

/* As no honest site does: the statement of its first leaf once more, as these bytes. */
static void retell(struct rig_site *west, struct weft_bytes content, uint64_t earlier)
{
    struct weft_accord *accord = weft_state_streams(west->f.state)->accords[0];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    EXPECT_EQ(WEFT_OK,
        weft_flow_get(west->f.state->store, NULL, 0, WEFT_SENT, 1, &value, &leaf, &west->msg));
    struct weft_stream_leaf again = leaf.leaf;
    struct weft_store_batch *batch = weft_store_batch_create();
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_append(&accord->sent.provider, &again, &west->msg));
    const struct weft_flow_leaf row = {
        .leaf = again, .content = content, .earlier = earlier + 1, .told = 1};
    EXPECT_EQ(WEFT_OK, weft_flow_append(&accord->flows[WEFT_SENT], &row, batch, &west->msg));
    EXPECT_EQ(WEFT_OK, weft_store_write(west->f.state->store, batch, &west->msg));
    weft_streams_settle(weft_state_streams(west->f.state));
    weft_store_batch_destroy(batch);
    weft_store_release(&value);
}

/* NOD-291, of what is at fault: what shows too much loses what is erased, whenever it comes. */
TEST(told_again, what_is_redacted_is_erased_in_quarantine_too)
{
    static struct rig_pair pair;
    agree(&pair, "fault");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    struct weft_accord *accord = weft_state_streams(west->f.state)->accords[0];
    struct weft_contract *lie = &accord->deeds[WEFT_ACCORD_SENT]->contract;
    const struct weft_contract truth = *lie;
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    rig_must(west, rig_inspection(1, "UNIQUE-VERDICT"));
    const uint64_t index = west->f.index;
    rig_must(west, disclosure("1", "operator"));
    lie->sides[RIG_SUPPLIER].mask_count = 0;
    (void)rig_step(west);
    *lie = truth;
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 2, "UNIQUE-VERDICT"));
    EXPECT_EQ(WEFT_OK,
        weft_flow_get(west->f.state->store, NULL, 0, WEFT_SENT, 2, &value, &leaf, &west->msg));
    struct weft_buffer kept = {0};
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&kept, leaf.content.data, leaf.content.size));
    weft_store_release(&value);
    rig_must(west, redaction("serial:box/1", index, "verdict"));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 2, "UNIQUE-VERDICT"));
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 2, "SECRET")); /* Else it is as it came. */
    EXPECT_EQ(1, audited(oem, "partner.erased", RIG_NAME " received 3"));
    retell(west, (struct weft_bytes){kept.data, kept.size}, 3); /* And once more, behind it. */
    EXPECT_TRUE(holds(west, WEFT_SENT, 4, "UNIQUE-VERDICT"));
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_EQ(2, rig_consumer(oem)->quarantined);
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 4, "UNIQUE-VERDICT"));
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 4, "SECRET"));
    weft_buffer_destroy(&kept);
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "fault2", 13);
    rig_pair_stop(&pair);
}

/* A claim is one statement, however often it is told. */
TEST(told_again, a_claim_counts_once)
{
    static struct rig_pair pair;
    agree(&pair, "claim");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(oem, rig_inspection(1, "PASS")); /* Over which the supplier has authority. */
    const uint64_t index = oem->f.index;
    rig_must(oem, rig_inspection(2, "PASS"));
    rig_transfer(&pair, RIG_OEM, 5);
    EXPECT_EQ(2, rig_agreement(west).claim_count);
    rig_must(oem, redaction("serial:box/1", index, "verdict"));
    (void)rig_step(oem);
    rig_transfer(&pair, RIG_OEM, 5);
    EXPECT_EQ(3, rig_consumer(west)->stream.statement_count);
    EXPECT_EQ(2, rig_agreement(west).claim_count);
    rig_expect_sound(west);
    rig_pair_stop(&pair);
}

/* What is told too often goes to quarantine, by name; nothing of it is lost. */
TEST(told_again, one_statement_is_told_so_often_and_no_more)
{
    static struct rig_pair pair;
    agree(&pair, "often");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS"));
    struct weft_accord *accord = weft_state_streams(west->f.state)->accords[0];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    EXPECT_EQ(WEFT_OK,
        weft_flow_get(west->f.state->store, NULL, 0, WEFT_SENT, 1, &value, &leaf, &west->msg));
    struct weft_store_batch *batch = weft_store_batch_create();
    for (int i = 1; i < WEFT_FLOW_TOLD_MAX + 2; i++) { /* As no honest site does. */
        struct weft_stream_leaf again = leaf.leaf;
        EXPECT_EQ(
            WEFT_STREAM_SOUND, weft_provider_append(&accord->sent.provider, &again, &west->msg));
        struct weft_flow_leaf row = {.leaf = again, .content = leaf.content};
        if (i < WEFT_FLOW_TOLD_MAX) {
            row.earlier = (uint64_t)i + 1;
            row.told = (uint32_t)i;
        }
        EXPECT_EQ(WEFT_OK, weft_flow_append(&accord->flows[WEFT_SENT], &row, batch, &west->msg));
    }
    EXPECT_EQ(WEFT_OK, weft_store_write(west->f.state->store, batch, &west->msg));
    weft_streams_settle(weft_state_streams(west->f.state));
    weft_store_batch_destroy(batch);
    weft_store_release(&value);
    rig_sign(west);
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_SUPPLIER));
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 1000));
    EXPECT_EQ(WEFT_FLOW_TOLD_MAX + 3, rig_consumer(oem)->stream.tree.size);
    EXPECT_EQ(2, rig_consumer(oem)->quarantined);
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "often2", 13);
    rig_pair_stop(&pair);
}
