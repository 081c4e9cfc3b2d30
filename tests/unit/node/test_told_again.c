/* Statements that are told again: fields disclosed later, fields erased, on both sides. */
#include <stdio.h>
#include <string.h>

#include "node/state/audit_read.h"
#include "node/state/machine.h"
#include "node/state/streams_parts.h"
#include "policy/audit_leaf.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_again.h"

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

/* As no honest site does: a statement of these bytes, whatever is in them. `earlier`: where it was
 * told before, 0: nowhere. */
static void state_raw(struct rig_site *west, const struct weft_digest *statement,
    struct weft_bytes content, uint64_t earlier)
{
    struct weft_accord *accord = weft_state_streams(west->f.state)->accords[0];
    struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_STATEMENT, .digest = *statement};
    struct weft_store_batch *batch = weft_store_batch_create();
    EXPECT_EQ(WEFT_STREAM_SOUND, weft_provider_append(&accord->sent.provider, &leaf, &west->msg));
    const struct weft_flow_leaf row = {.leaf = leaf,
        .content = content,
        .earlier = earlier > 0 ? earlier + 1 : 0,
        .told = earlier > 0 ? 1 : 0};
    EXPECT_EQ(WEFT_OK, weft_flow_append(&accord->flows[WEFT_SENT], &row, batch, &west->msg));
    EXPECT_EQ(WEFT_OK, weft_store_write(west->f.state->store, batch, &west->msg));
    weft_streams_settle(weft_state_streams(west->f.state));
    weft_store_batch_destroy(batch);
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
    const struct weft_digest statement = leaf.leaf.digest;
    weft_store_release(&value);
    rig_must(west, redaction("serial:box/1", index, "verdict"));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 2, "UNIQUE-VERDICT"));
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 2, "SECRET")); /* Else it is as it came. */
    EXPECT_EQ(1, audited(oem, "partner.erased", RIG_NAME " received 3"));
    state_raw(west, &statement, (struct weft_bytes){kept.data, kept.size}, 3); /* Once more. */
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

enum {
    BLOBS = 13
};

/* Three tellings of one statement: texts that make the projection as large as one may be, and of a
 * name its hash; the name, too, which is shorter; neither, and the verdict erased. */
static struct weft_digest make_largest(
    const struct weft_contract_side *side, struct weft_arena *arena, struct weft_buffer rows[3])
{
    static char text[WEFT_VALUE_SIZE_MAX], names[BLOBS][24];
    static const uint8_t seed[WEFT_SALT_SEED_SIZE];
    const struct weft_statement_place place = {.authority = WEFT_TEXT("supplier.example/west"),
        .authority_epoch = 1,
        .index = 1000,
        .time_ns = SIGNERS_NOW_NS,
        .salt_seed = seed};
    struct weft_text paths[BLOBS + 1];
    struct weft_field fields[BLOBS + 2];
    for (int i = 0; i < BLOBS; i++) { /* Below `operator`: committed, and disclosed. */
        (void)snprintf(names[i], sizeof(names[i]), "operator/blob/%c", 'a' + i);
        paths[i] = weft_text_of(names[i]);
        fields[i] = (struct weft_field){paths[i], {text, i > 0 ? 65000 : 1000}, WEFT_VALUE_TEXT};
    }
    paths[BLOBS] = WEFT_TEXT("operator/name");
    fields[BLOBS] = (struct weft_field){paths[BLOBS], WEFT_TEXT("x"), WEFT_VALUE_TEXT};
    fields[BLOBS + 1] = (struct weft_field){WEFT_TEXT("verdict"), WEFT_TEXT("V"), WEFT_VALUE_TEXT};
    const struct weft_record record = {.kind = WEFT_TEXT("inspection"),
        .asset = WEFT_TEXT("serial:box/1"),
        .author = WEFT_TEXT("somebody"),
        .has_at = true,
        .at_ns = SIGNERS_NOW_NS,
        .fields = fields,
        .field_count = BLOBS + 2};
    struct weft_digest digest;
    struct weft_projection projection;
    struct weft_buffer whole = {0};
    struct weft_msg msg = {""};
    memset(text, 'b', sizeof(text));
    for (int i = 0; i < 2; i++) {
        weft_buffer_clear(&rows[0]);
        EXPECT_EQ(WEFT_OK, weft_projection_make_shown(
                               &record, &place, side, paths, BLOBS, arena, &rows[0], &digest));
        fields[0].value.size += WEFT_PROJECTION_SIZE_MAX - rows[0].size;
    }
    EXPECT_EQ(WEFT_PROJECTION_SIZE_MAX, rows[0].size);
    EXPECT_EQ(WEFT_OK, weft_projection_make_shown(
                           &record, &place, side, paths, BLOBS + 1, arena, &rows[1], &digest));
    EXPECT_TRUE(rows[1].size < rows[0].size);
    EXPECT_EQ(WEFT_OK, weft_projection_make(&record, &place, side, arena, &whole, &digest));
    EXPECT_EQ(WEFT_OK, weft_projection_decode(
                           (struct weft_bytes){whole.data, whole.size}, arena, &projection, &msg));
    EXPECT_EQ(WEFT_OK, weft_projection_erase(&projection, WEFT_TEXT("verdict"), arena, &rows[2]));
    weft_buffer_destroy(&whole);
    return digest;
}

/* What stands in place of a short value is longer than it: where a row has no room for that it has
 * what the last one has. */
TEST(told_again, what_is_erased_goes_from_rows_that_have_no_room_for_its_hash)
{
    static struct rig_pair pair;
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer rows[3] = {{0}, {0}, {0}};
    struct weft_projection projection;
    agree(&pair, "huge");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    struct weft_accord *accord = weft_state_streams(west->f.state)->accords[0];
    const struct weft_contract *contract = &accord->deeds[WEFT_ACCORD_SENT]->contract;
    const struct weft_digest digest = make_largest(&contract->sides[RIG_SUPPLIER], &arena, rows);
    for (uint64_t i = 0; i < 3; i++) {
        state_raw(west, &digest, (struct weft_bytes){rows[i].data, rows[i].size}, i);
    }
    rig_transfer(&pair, RIG_SUPPLIER, 1);
    EXPECT_EQ(0, rig_consumer(oem)->quarantined);
    for (uint64_t i = 1; i <= 3; i++) {
        struct weft_store_value value = {.handle = NULL};
        struct weft_flow_leaf leaf;
        weft_arena_reset(&arena);
        EXPECT_EQ(WEFT_OK, weft_flow_get(oem->f.state->store, NULL, 0, WEFT_RECEIVED, i, &value,
                               &leaf, &oem->msg));
        EXPECT_EQ(WEFT_OK, weft_projection_decode(leaf.content, &arena, &projection, &oem->msg));
        const struct weft_projection_item *item =
            weft_projection_find(&projection, WEFT_TEXT("verdict"));
        EXPECT_TRUE(item != NULL && item->shape == WEFT_PROJECTION_ERASED);
        weft_store_release(&value);
    }
    rig_expect_sound(oem);
    for (int i = 0; i < 3; i++) {
        weft_buffer_destroy(&rows[i]);
    }
    weft_arena_destroy(&arena);
    rig_pair_stop(&pair);
}

/* To the three leaves that a head of the partner's continues otherwise. */
static void go_back(struct rig_pair *pair)
{
    struct rig_site *west = &pair->sites[RIG_SUPPLIER];
    struct weft_partner_message shown = {.kind = WEFT_KIND_STREAM_HEAD,
        .head = {.note = rig_agreement(&pair->sites[RIG_OEM]).head_note}};
    EXPECT_EQ(WEFT_OK, rig_message(west, WEFT_STREAM_ACT_FENCE, 0, RIG_SUPPLIER, &shown));
    const struct weft_stream_entry rewind = {
        .act = WEFT_STREAM_ACT_REWIND, .number = 3, .agreement = WEFT_TEXT(RIG_NAME)};
    EXPECT_EQ(WEFT_OK, rig_item(west, &rewind));
    EXPECT_EQ(3, rig_provider(west)->stream.tree.size);
    rig_expect_sound(west); /* Where statements stand, too: where they did before. */
}

/* What the partner has of them up to that head. */
static void recover(struct rig_pair *pair, uint64_t head_size)
{
    struct rig_site *oem = &pair->sites[RIG_OEM], *west = &pair->sites[RIG_SUPPLIER];
    struct weft_stream_source source;
    struct weft_buffer items = {0};
    uint32_t count;
    EXPECT_EQ(WEFT_OK, weft_stream_source(oem->f.state, 0, WEFT_RECEIVED, &source));
    EXPECT_EQ(
        WEFT_OK, weft_stream_source_items(&source, 3, 10, 100000, true, &items, &count, &oem->msg));
    struct weft_partner_message batch = {.kind = WEFT_KIND_STREAM_BATCH,
        .batch = {
            .first = 3, .count = count, .items = {items.data, items.size}, .head_size = head_size}};
    EXPECT_EQ(WEFT_OK, rig_message(west, WEFT_STREAM_ACT_RECOVER, 3 + count, RIG_SUPPLIER, &batch));
    EXPECT_TRUE(!weft_provider_is_fenced(rig_provider(west)));
    weft_buffer_destroy(&items);
}

/* The site as it was once it had told two statements; its partner has one more. That head. */
static struct weft_merkle_head lose_one(struct rig_pair *pair, const char *name)
{
    struct rig_site *west = &pair->sites[RIG_SUPPLIER];
    char copy[600];
    (void)snprintf(copy, sizeof(copy), "%s/%s", test_directory(), name);
    EXPECT_EQ(WEFT_OK, weft_state_checkpoint(west->f.state, copy, &west->msg));
    rig_must(west, rig_inspection(3, "LOST"));
    rig_transfer(pair, RIG_SUPPLIER, 10);
    const struct weft_merkle_head head = rig_provider(west)->signed_head;
    fixture_close(&west->f);
    (void)snprintf(west->f.directory, sizeof(west->f.directory), "%s", copy);
    fixture_open(&west->f);
    return head;
}

/* Leaves that nobody signed give way to those that were, and what they told is told all the same:
 * NOD-290. */
TEST(told_again, what_goes_with_a_rewind_is_told_once_more)
{
    static struct rig_pair pair;
    agree(&pair, "rewound");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS"));
    rig_must(west, rig_inspection(2, "UNIQUE-VERDICT"));
    const uint64_t index = west->f.index;
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    const struct weft_merkle_head head = lose_one(&pair, "rewound-copy");
    rig_must(west, disclosure("1", "operator"));
    EXPECT_TRUE(rig_step(west) > 0);
    rig_must(west, redaction("serial:box/2", index, "verdict"));
    EXPECT_TRUE(rig_step(west) > 0);
    EXPECT_EQ(5, rig_provider(west)->stream.tree.size);
    go_back(&pair);
    recover(&pair, head.size);
    EXPECT_TRUE(rig_step(west) > 0);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    EXPECT_EQ(6, rig_consumer(oem)->stream.tree.size);
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 4, "op/17") || holds(oem, WEFT_RECEIVED, 5, "op/17"));
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 2, "UNIQUE-VERDICT"));
    rig_expect_sound(west);
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

/* In one write batch: of one statement it is put where it stands, of others it is forgotten. */
TEST(told_again, a_rewind_puts_one_statement_back_and_forgets_others)
{
    static struct rig_pair pair;
    struct weft_digest first, second, between, last;
    agree(&pair, "both");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS"));
    rig_must(west, rig_inspection(2, "PASS"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    const struct weft_merkle_head head = lose_one(&pair, "both-copy");
    rig_must(west, rig_inspection(4, "PASS"));
    rig_must(west, disclosure("1", "operator"));
    EXPECT_TRUE(rig_step(west) > 0);
    rig_must(west, disclosure("3", "operator"));
    EXPECT_TRUE(rig_step(west) > 0);
    rig_must(west, rig_inspection(5, "PASS"));
    const uint64_t sequences[] = {1, 2, 3, 6};
    struct weft_digest *const digests[] = {&first, &second, &between, &last};
    for (int i = 0; i < 4; i++) {
        struct weft_buffer item = rig_item_at(&pair, sequences[i], digests[i]);
        weft_buffer_destroy(&item);
    }
    EXPECT_EQ(4, rig_place(west, WEFT_SENT, &first));
    EXPECT_EQ(5, rig_place(west, WEFT_SENT, &between));
    EXPECT_EQ(6, rig_place(west, WEFT_SENT, &last));
    go_back(&pair);
    EXPECT_EQ(1, rig_place(west, WEFT_SENT, &first));
    EXPECT_EQ(2, rig_place(west, WEFT_SENT, &second));
    EXPECT_EQ(UINT64_MAX, rig_place(west, WEFT_SENT, &between));
    EXPECT_EQ(UINT64_MAX, rig_place(west, WEFT_SENT, &last));
    recover(&pair, head.size);
    EXPECT_TRUE(rig_step(west) > 0);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    const uint64_t place = rig_place(west, WEFT_SENT, &first);
    EXPECT_TRUE(place > 3 && place == rig_place(oem, WEFT_RECEIVED, &first));
    EXPECT_TRUE(rig_links(west, WEFT_SENT, place, 2, 1));
    EXPECT_TRUE(rig_links(oem, WEFT_RECEIVED, place, 2, 1));
    EXPECT_TRUE(rig_place(west, WEFT_SENT, &between) != UINT64_MAX);
    EXPECT_TRUE(rig_place(west, WEFT_SENT, &last) != UINT64_MAX);
    rig_expect_sound(west);
    rig_expect_sound(oem);
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
    rig_tell_again(west, 1, WEFT_FLOW_TOLD_MAX + 1);
    rig_sign(west);
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_SUPPLIER));
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 1000));
    EXPECT_EQ(WEFT_FLOW_TOLD_MAX + 3, rig_consumer(oem)->stream.tree.size);
    EXPECT_EQ(2, rig_consumer(oem)->quarantined);
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "often2", 13);
    rig_pair_stop(&pair);
}

/* Of what a leaf names and does not show nobody knows how old it is: it is told again all the same.
 */
TEST(told_again, what_came_as_something_else_is_told_again)
{
    static struct rig_pair pair;
    agree(&pair, "else");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    struct weft_store_value value = {.handle = NULL};
    struct weft_store_batch *batch = weft_store_batch_create();
    struct weft_buffer kept = {0};
    struct weft_flow_leaf leaf;
    rig_must(west, rig_inspection(1, "PASS"));
    EXPECT_EQ(WEFT_OK,
        weft_flow_get(west->f.state->store, NULL, 0, WEFT_SENT, 1, &value, &leaf, &west->msg));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&kept, leaf.content.data, leaf.content.size));
    pair.is_explicit = true;
    leaf.content = (struct weft_bytes){(const uint8_t *)"else", 4};
    EXPECT_EQ(
        WEFT_OK, weft_flow_replace(&weft_state_streams(west->f.state)->accords[0]->flows[WEFT_SENT],
                     1, &leaf, batch, &west->msg));
    EXPECT_EQ(WEFT_OK, weft_store_write(west->f.state->store, batch, &west->msg));
    weft_streams_settle(weft_state_streams(west->f.state));
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    state_raw(west, &leaf.leaf.digest, (struct weft_bytes){kept.data, kept.size}, 0);
    weft_store_release(&value);
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    EXPECT_EQ(WEFT_OK,
        weft_flow_get(oem->f.state->store, NULL, 0, WEFT_RECEIVED, 2, &value, &leaf, &oem->msg));
    EXPECT_EQ(2, leaf.earlier);
    EXPECT_EQ(1, leaf.told);
    weft_store_release(&value);
    weft_store_batch_destroy(batch);
    weft_buffer_destroy(&kept);
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "else2", 13);
    rig_pair_stop(&pair);
}

/* The same of one whose revision is nearly the largest one: behind no revision is it new. */
TEST(told_again, what_came_as_something_else_is_told_again_whatever_its_epoch)
{
    static struct rig_pair pair;
    static const uint8_t seed[WEFT_SALT_SEED_SIZE];
    const struct weft_statement_place place = {.authority = WEFT_TEXT("supplier.example/west"),
        .authority_epoch = UINT64_MAX,
        .index = 1000,
        .time_ns = SIGNERS_NOW_NS,
        .salt_seed = seed};
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer content = {0};
    struct weft_digest digest;
    agree(&pair, "epoch");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    struct weft_accord *accord = weft_state_streams(west->f.state)->accords[0];
    const struct weft_contract *contract = &accord->deeds[WEFT_ACCORD_SENT]->contract;
    struct weft_record record = rig_inspection(1, "UNIQUE-VERDICT");
    record.author = WEFT_TEXT("somebody");
    record.has_at = true;
    record.at_ns = SIGNERS_NOW_NS;
    EXPECT_EQ(WEFT_OK, weft_projection_make(&record, &place, &contract->sides[RIG_SUPPLIER], &arena,
                           &content, &digest));
    pair.is_explicit = true;
    state_raw(west, &digest, (struct weft_bytes){(const uint8_t *)"else", 4}, 0);
    rig_transfer(&pair, RIG_SUPPLIER, 5);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    for (uint64_t i = 2; i <= 3; i++) {
        state_raw(west, &digest, (struct weft_bytes){content.data, content.size}, i - 1);
        rig_transfer(&pair, RIG_SUPPLIER, 5);
        EXPECT_EQ(1, rig_consumer(oem)->quarantined);
        EXPECT_TRUE(rig_links(oem, WEFT_RECEIVED, i, i, (uint32_t)i - 1));
    }
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&content);
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "epoch2", 13);
    rig_pair_stop(&pair);
}
