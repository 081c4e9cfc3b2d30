/* What a site's own policy says of what partners state. */
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

static void label(struct rig_site *site, const char *asset, const char *name)
{
    const struct weft_field labels = {WEFT_TEXT("labels/[0]"), weft_text_of(name), WEFT_VALUE_TEXT};
    const struct weft_record record = {.kind = WEFT_TEXT("access_label"),
        .asset = weft_text_of(asset),
        .fields = &labels,
        .field_count = 1};
    rig_must(site, record);
}

static struct weft_record release(const char *from, const char *until)
{
    static struct weft_field fields[3];
    fields[0] = (struct weft_field){WEFT_TEXT("act"), WEFT_TEXT("release"), WEFT_VALUE_TEXT};
    fields[1] = (struct weft_field){WEFT_TEXT("from"), weft_text_of(from), WEFT_VALUE_INT};
    fields[2] = (struct weft_field){WEFT_TEXT("until"), weft_text_of(until), WEFT_VALUE_INT};
    struct weft_record record = rig_act("release");
    record.fields = fields;
    record.field_count = 3;
    return record;
}

static uint64_t filed(struct rig_site *site)
{
    struct weft_cells_sum sum;
    EXPECT_EQ(
        WEFT_OK, weft_cells_get_sum(site->f.state->cells, WEFT_TEXT(RIG_NAME), &sum, &site->msg));
    return sum.statements;
}

/* What was released and counts for nothing does not count because its row is lost. */
static void expect_not_filed_without_its_row(struct rig_pair *pair, uint64_t sequence)
{
    struct rig_site *oem = &pair->sites[RIG_OEM];
    struct weft_digest digest;
    struct weft_buffer item = rig_item_at(pair, sequence, &digest);
    const struct weft_key leaf = weft_key_of_leaf(0, WEFT_RECEIVED, sequence);
    struct weft_store_value value = {.handle = NULL};
    struct weft_store_batch *batch = weft_store_batch_create();
    EXPECT_EQ(WEFT_OK, weft_store_get(oem->f.state->store, NULL, &leaf, &value, &oem->msg));
    weft_store_batch_remove(batch, &leaf);
    EXPECT_EQ(WEFT_OK, weft_store_write(oem->f.state->store, batch, &oem->msg));
    weft_store_batch_destroy(batch);
    EXPECT_EQ(WEFT_EREFUSED,
        rig_refile(oem, sequence, &digest, (struct weft_bytes){item.data, item.size}));
    batch = weft_store_batch_create();
    weft_store_batch_put(batch, &leaf, value.bytes.data, value.bytes.size);
    EXPECT_EQ(WEFT_OK, weft_store_write(oem->f.state->store, batch, &oem->msg));
    weft_store_batch_destroy(batch);
    weft_store_release(&value);
    weft_buffer_destroy(&item);
}

/* NOD-292: to quarantine, with the policy's statement in the audit log; and out of it once the
 * policy says otherwise, to count as if it had come then. */
TEST(imports_policy, refuses_by_kind_and_asset_and_takes_what_it_refuses_no_more)
{
    static struct rig_pair pair;
    agree(&pair, "sealed");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    label(oem, "serial:box/2", "sealed");
    for (uint64_t i = 1; i <= 3; i++) {
        rig_must(west, rig_inspection(i, "PASS"));
    }
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_EQ(4, rig_consumer(oem)->stream.tree.size);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    EXPECT_EQ(2, filed(oem));
    EXPECT_EQ(1, audited(oem, "partner.refused", RIG_NAME " received 2"));
    rig_expect_sound(oem);
    rig_must(oem, release("2", "2")); /* The policy says what it said: it counts for nothing. */
    EXPECT_EQ(0, rig_consumer(oem)->quarantined);
    EXPECT_EQ(2, filed(oem));
    expect_not_filed_without_its_row(&pair, 2);
    EXPECT_EQ(2, filed(oem));
    rig_must(west, rig_inspection(2, "FAIL"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    label(oem, "serial:box/2", "open");
    rig_must(oem, release("4", "4"));
    EXPECT_EQ(0, rig_consumer(oem)->quarantined);
    EXPECT_EQ(3, filed(oem));
    rig_must(west, rig_inspection(2, "PASS"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_EQ(0, rig_consumer(oem)->quarantined);
    EXPECT_EQ(4, filed(oem));
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "sealed2", 13);
    rig_pair_stop(&pair);
}

/* NOD-295: what the policy refuses has room, too, or it comes again. */
TEST(imports_policy, refuses_no_more_than_quarantine_has_room_for)
{
    static struct rig_pair pair;
    agree(&pair, "bound");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    struct weft_accord *accord = weft_state_streams(west->f.state)->accords[0];
    struct weft_contract *lie = &accord->deeds[WEFT_ACCORD_SENT]->contract;
    const struct weft_contract truth = *lie;
    label(oem, "serial:box/9", "sealed");
    lie->sides[RIG_SUPPLIER].mask_count = 0;
    for (uint64_t i = 1; i <= 3; i++) {
        rig_must(west, rig_inspection(i, "PASS")); /* At fault, whoever judges them. */
    }
    *lie = truth;
    rig_must(west, rig_inspection(9, "PASS"));
    rig_sign(west);
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_SUPPLIER));
    EXPECT_EQ(WEFT_ECONFLICT, rig_send_batch(&pair, RIG_SUPPLIER, 5)); /* It ends before. */
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 4));
    EXPECT_EQ(3, rig_consumer(oem)->quarantined);
    EXPECT_EQ(WEFT_CONSUMER_FULL, rig_consumer(oem)->hold);
    rig_must(oem, release("1", "3"));
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 1));
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

/* NOD-291, of what the policy kept out: nothing of it counts, and it is erased all the same. */
TEST(imports_policy, keeps_nothing_in_quarantine_that_a_partner_erases)
{
    static struct rig_pair pair;
    agree(&pair, "apart");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    label(oem, "serial:box/1", "sealed");
    rig_must(west, rig_inspection(1, "UNIQUE-VERDICT"));
    const uint64_t index = west->f.index;
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    label(oem, "serial:box/1", "open");
    rig_must(west, redaction("serial:box/1", index, "verdict"));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    EXPECT_EQ(1, audited(oem, "partner.erased", RIG_NAME " received 2"));
    EXPECT_EQ(oem->f.index, weft_state_redacted(oem->f.state));
    rig_must(oem, release("1", "1"));
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "apart2", 13);
    rig_pair_stop(&pair);
}

/* A site that must keep what a partner erases says so by its policy, and by a refusal. */
TEST(imports_policy, may_keep_what_a_partner_erases_until_it_says_otherwise)
{
    static struct rig_pair pair;
    agree(&pair, "kept");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "UNIQUE-VERDICT"));
    const uint64_t index = west->f.index;
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    label(oem, "serial:box/1", "kept");
    rig_must(west, redaction("serial:box/1", index, "verdict"));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    EXPECT_EQ(1, audited(oem, "partner.refused", RIG_NAME " received 2"));
    label(oem, "serial:box/1", "open");
    rig_must(oem, release("2", "2"));
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    EXPECT_EQ(1, audited(oem, "partner.erased", RIG_NAME " received 2"));
    EXPECT_EQ(oem->f.index, weft_state_redacted(oem->f.state));
    expect_shared(&pair);
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "kept2", 13);
    rig_pair_stop(&pair);
}

static void release_all(struct rig_site *site)
{
    char last[24];
    (void)snprintf(
        last, sizeof(last), "%llu", (unsigned long long)rig_consumer(site)->stream.tree.size - 1);
    rig_must(site, release("0", last));
    EXPECT_EQ(0, rig_consumer(site)->quarantined);
}

/* NOD-291: of a row that an erasure may have reached nothing is kept, and nothing is released. */
TEST(imports_policy, releases_nothing_of_a_row_that_was_emptied)
{
    static struct rig_pair pair;
    agree(&pair, "emptied");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    const uint32_t rows = WEFT_FLOW_TOLD_MAX + 2;
    label(oem, "serial:box/1", "sealed");
    rig_must(west, rig_inspection(1, "UNIQUE-VERDICT"));
    rig_tell_again(west, 1, WEFT_FLOW_TOLD_MAX + 1);
    rig_sign(west);
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_SUPPLIER));
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 1000));
    while (rig_consumer(oem)->stream.tree.size <= rows) { /* Quarantine is full, and is emptied. */
        release_all(oem);
        EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 1000));
    }
    EXPECT_TRUE(rig_consumer(oem)->quarantined > 0);
    EXPECT_TRUE(holds(oem, WEFT_RECEIVED, 1, "UNIQUE-VERDICT"));
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, rows, "UNIQUE-VERDICT"));
    label(oem, "serial:box/1", "open");
    release_all(oem);
    EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, rows, "UNIQUE-VERDICT"));
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "emptied2", 13);
    rig_pair_stop(&pair);
}

/* NOD-291: the first telling is released, and in the same write batch comes a third one: it stands
 * behind the second one, which is in the store alone. */
TEST(imports_policy, releases_a_telling_that_is_not_the_last_however_entries_are_batched)
{
    static struct rig_pair pair;
    struct rig_twin twin;
    agree(&pair, "first");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    label(oem, "serial:box/1", "sealed");
    rig_must(west, rig_inspection(1, "UNIQUE-VERDICT"));
    const uint64_t index = west->f.index;
    rig_tell_again(west, 1, 1);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_EQ(2, rig_consumer(oem)->quarantined);
    label(oem, "serial:box/1", "open");
    rig_tell_again(west, 2, 1);
    rig_twin_open(&twin, oem, "first-twin");
    rig_must(oem, release("1", "1"));
    EXPECT_EQ(1, rig_consumer(oem)->quarantined);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_TRUE(rig_links(oem, WEFT_RECEIVED, 1, 0, 0));
    EXPECT_TRUE(rig_links(oem, WEFT_RECEIVED, 2, 2, 1));
    EXPECT_TRUE(rig_links(oem, WEFT_RECEIVED, 3, 3, 2));
    rig_twin_expect_same(&twin, oem);
    rig_must(west, redaction("serial:box/1", index, "verdict"));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    for (uint64_t i = 1; i <= 4; i++) {
        EXPECT_TRUE(!holds(oem, WEFT_RECEIVED, i, "UNIQUE-VERDICT"));
    }
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "first2", 13);
    rig_pair_stop(&pair);
}
