/* A statement that stands in a stream is filed once more: of what is there, of nothing else. */
#include <stdio.h>
#include <string.h>

#include "node/state/cells.h"
#include "node/state/machine.h"
#include "node/state/streams_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_again.h"

static struct rig_pair pair;

static void begin(const char *name)
{
    rig_pair_start(&pair, name);
    rig_pair_agree(&pair);
    (void)rig_step(&pair.sites[RIG_OEM]);
    (void)rig_step(&pair.sites[RIG_SUPPLIER]);
    for (uint64_t i = 1; i < 6; i++) {
        rig_must(&pair.sites[RIG_SUPPLIER], rig_inspection(i, i == 3 ? "FAIL" : "PASS"));
    }
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
}

static struct weft_digest shared_of(struct rig_site *site)
{
    struct weft_cells_sum sum;
    EXPECT_EQ(WEFT_OK, weft_state_cells_sum(site->f.state, WEFT_TEXT(RIG_NAME), &sum, &site->msg));
    EXPECT_TRUE(sum.is_settled);
    return sum.shared;
}

/* FED-36 */
TEST(refile, of_each_side_what_stands_there_changes_nothing_that_is_filed)
{
    begin("again");
    const struct weft_digest before = shared_of(&pair.sites[RIG_OEM]);
    for (uint64_t i = 1; i < 6; i++) {
        struct weft_digest digest;
        struct weft_buffer item = rig_item_at(&pair, i, &digest);
        for (uint32_t s = 0; s < 2; s++) {
            EXPECT_EQ(WEFT_OK,
                rig_refile(&pair.sites[s], i, &digest, (struct weft_bytes){item.data, item.size}));
            const struct weft_digest after = shared_of(&pair.sites[s]);
            EXPECT_MEM(before.bytes, after.bytes, WEFT_DIGEST_SIZE);
        }
        weft_buffer_destroy(&item);
    }
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_expect_replayed(&pair.sites[RIG_OEM], "again-oem", 8);
    rig_expect_sound(&pair.sites[RIG_OEM]);
    rig_expect_sound(&pair.sites[RIG_SUPPLIER]);
    rig_pair_stop(&pair);
}

/* FED-36: whoever leads is not believed. */
TEST(refile, nothing_else_is_filed)
{
    begin("else");
    struct rig_site *oem = &pair.sites[RIG_OEM];
    const struct weft_digest before = shared_of(oem);
    struct weft_digest second, third, changed;
    struct weft_buffer one = rig_item_at(&pair, 2, &second), other = rig_item_at(&pair, 3, &third);
    const struct weft_bytes item = {one.data, one.size};
    EXPECT_EQ(WEFT_ECONFLICT, rig_refile(oem, 3, &second, item)); /* Another place. */
    EXPECT_EQ(WEFT_ECONFLICT, rig_refile(oem, 0, &second, item)); /* The contract's. */
    EXPECT_EQ(WEFT_ECONFLICT, rig_refile(oem, 99, &second, item));
    EXPECT_EQ(WEFT_ECONFLICT, rig_refile(oem, UINT64_MAX, &second, item));
    changed = second;
    changed.bytes[31] ^= 1;
    EXPECT_EQ(WEFT_ECONFLICT, rig_refile(oem, 2, &changed, item)); /* One that nobody has stated. */
    EXPECT_EQ(
        WEFT_EREFUSED, rig_refile(oem, 2, &second, (struct weft_bytes){other.data, other.size}));
    EXPECT_EQ(
        WEFT_EREFUSED, rig_refile(oem, 2, &second, (struct weft_bytes){one.data, one.size - 1}));
    EXPECT_EQ(WEFT_EREFUSED, rig_refile(oem, 2, &second, (struct weft_bytes){one.data, 0}));
    size_t refused = 0;
    for (size_t i = 33; i < one.size; i++) { /* Behind kind and digest: each byte of it. */
        one.data[i] ^= 0x20;
        refused += rig_refile(oem, 2, &second, item) == WEFT_EREFUSED ? 1 : 0;
        one.data[i] ^= 0x20;
    }
    /* All but the name of a field that is named alone, which the digest does not cover. */
    EXPECT_TRUE(refused > 0 && refused + 33 + strlen("operator") >= one.size);
    const struct weft_digest after = shared_of(oem);
    EXPECT_MEM(before.bytes, after.bytes, WEFT_DIGEST_SIZE);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_expect_sound(oem);
    weft_buffer_destroy(&one);
    weft_buffer_destroy(&other);
    rig_pair_stop(&pair);
}

/* Whatever became of its row: what this site refused it has refused. */
TEST(refile, what_is_in_quarantine_is_not_made_anew)
{
    begin("refused");
    struct rig_site *oem = &pair.sites[RIG_OEM];
    struct weft_digest digest;
    struct weft_buffer item = rig_item_at(&pair, 3, &digest);
    const struct weft_bytes bytes = {item.data, item.size};
    const struct weft_key leaf = weft_key_of_leaf(0, WEFT_RECEIVED, 3),
                          quarantine = weft_key_of_quarantine(0, 3);
    struct weft_store_batch *batch = weft_store_batch_create();
    weft_store_batch_remove(batch, &leaf);
    weft_store_batch_put(batch, &quarantine, "", 0);
    EXPECT_EQ(WEFT_OK, weft_store_write(oem->f.state->store, batch, &oem->msg));
    weft_store_batch_destroy(batch);
    EXPECT_EQ(WEFT_EREFUSED, rig_refile(oem, 3, &digest, bytes));
    batch = weft_store_batch_create();
    weft_store_batch_remove(batch, &quarantine);
    EXPECT_EQ(WEFT_OK, weft_store_write(oem->f.state->store, batch, &oem->msg));
    weft_store_batch_destroy(batch);
    EXPECT_EQ(WEFT_OK, rig_refile(oem, 3, &digest, bytes));
    rig_expect_sound(oem);
    weft_buffer_destroy(&item);
    rig_pair_stop(&pair);
}

/* What is lost is had of the partner, if it is what was signed and agreed. */
TEST(refile, a_row_that_is_lost_is_made_of_what_the_partner_has)
{
    begin("row");
    struct weft_digest digest, other_digest;
    struct weft_buffer item = rig_item_at(&pair, 3, &digest),
                       other = rig_item_at(&pair, 2, &other_digest);
    const struct weft_bytes bytes = {item.data, item.size};
    const struct weft_digest before = shared_of(&pair.sites[RIG_OEM]);
    for (uint32_t s = 0; s < 2; s++) {
        struct rig_site *site = &pair.sites[s];
        const enum weft_direction direction = s == RIG_OEM ? WEFT_RECEIVED : WEFT_SENT;
        struct weft_stream_source source;
        uint64_t sequence = 0;
        struct weft_store_batch *batch = weft_store_batch_create();
        struct weft_key leaf = weft_key_of_leaf(0, direction, 3),
                        place = weft_key_of_statement(0, direction, &digest);
        weft_store_batch_remove(batch, &leaf);
        weft_store_batch_remove(batch, &place);
        EXPECT_EQ(WEFT_OK, weft_store_write(site->f.state->store, batch, &site->msg));
        weft_store_batch_destroy(batch);
        EXPECT_EQ(WEFT_OK, weft_stream_source(site->f.state, 0, direction, &source));
        EXPECT_EQ(WEFT_ENOTFOUND, weft_stream_source_find(&source, &digest, &sequence, &site->msg));
        EXPECT_EQ(WEFT_EREFUSED,
            rig_refile(site, 3, &digest, (struct weft_bytes){other.data, other.size}));
        EXPECT_EQ(WEFT_OK, rig_refile(site, 3, &digest, bytes));
        EXPECT_EQ(WEFT_OK, weft_stream_source(site->f.state, 0, direction, &source));
        EXPECT_EQ(WEFT_OK, weft_stream_source_find(&source, &digest, &sequence, &site->msg));
        EXPECT_EQ(3, sequence);
        const struct weft_digest after = shared_of(site);
        EXPECT_MEM(before.bytes, after.bytes, WEFT_DIGEST_SIZE);
        rig_expect_sound(site); /* Offline: leaves, tiles, places. */
    }
    rig_must(&pair.sites[RIG_SUPPLIER], rig_inspection(9, "PASS"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    weft_buffer_destroy(&item);
    weft_buffer_destroy(&other);
    rig_pair_stop(&pair);
}

/* The row of that sequence is lost; where its statement stands is not. */
static void lose_row(struct fixture *f, enum weft_direction direction, uint64_t sequence)
{
    const struct weft_key leaf = weft_key_of_leaf(0, direction, sequence);
    struct weft_store_batch *batch = weft_store_batch_create();
    weft_store_batch_remove(batch, &leaf);
    EXPECT_EQ(WEFT_OK, weft_store_write(f->state->store, batch, &f->msg));
    weft_store_batch_destroy(batch);
}

static bool holds(struct rig_site *site, uint64_t sequence, const char *text)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    EXPECT_EQ(WEFT_OK, weft_flow_get(site->f.state->store, NULL, 0, WEFT_RECEIVED, sequence, &value,
                           &leaf, &site->msg));
    const bool is_there = memmem(leaf.content.data, leaf.content.size, text, strlen(text)) != NULL;
    weft_store_release(&value);
    return is_there;
}

static struct weft_record redaction(uint64_t index)
{
    static struct weft_field fields[4];
    static char number[24];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)index);
    fields[0] = (struct weft_field){WEFT_TEXT("index"), weft_text_of(number), WEFT_VALUE_INT};
    fields[1] = (struct weft_field){WEFT_TEXT("kind"), WEFT_TEXT("inspection"), WEFT_VALUE_TEXT};
    fields[2] = (struct weft_field){WEFT_TEXT("path"), WEFT_TEXT("verdict"), WEFT_VALUE_TEXT};
    fields[3] = (struct weft_field){WEFT_TEXT("reason"), WEFT_TEXT("told"), WEFT_VALUE_TEXT};
    return (struct weft_record){.kind = WEFT_TEXT("redaction"),
        .asset = WEFT_TEXT("serial:box/7"),
        .fields = fields,
        .field_count = 4};
}

/* NOD-291: what was told again since stands there, and what is erased goes from there, too;
 * whatever stands in the same write batch. */
TEST(refile, a_row_that_is_made_anew_takes_no_later_ones_place)
{
    struct rig_twin twin;
    struct weft_digest digest;
    begin("later");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(7, "UNIQUE-VERDICT"));
    const uint64_t index = west->f.index;
    rig_tell_again(west, 6, 1);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    struct weft_buffer item = rig_item_at(&pair, 6, &digest);
    const struct weft_bytes bytes = {item.data, item.size};
    lose_row(&west->f, WEFT_SENT, 6);
    EXPECT_EQ(WEFT_OK, rig_refile(west, 6, &digest, bytes));
    EXPECT_EQ(7, rig_place(west, WEFT_SENT, &digest));
    rig_tell_again(west, 7, 1);
    rig_twin_open(&twin, oem, "later-twin");
    lose_row(&twin.f, WEFT_RECEIVED, 6);
    lose_row(&oem->f, WEFT_RECEIVED, 6);
    EXPECT_EQ(WEFT_OK, rig_refile(oem, 6, &digest, bytes));
    EXPECT_EQ(7, rig_place(oem, WEFT_RECEIVED, &digest));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    EXPECT_EQ(8, rig_place(oem, WEFT_RECEIVED, &digest));
    EXPECT_TRUE(rig_links(oem, WEFT_RECEIVED, 7, 7, 1));
    EXPECT_TRUE(rig_links(oem, WEFT_RECEIVED, 8, 8, 2));
    rig_twin_expect_same(&twin, oem);
    EXPECT_TRUE(holds(oem, 7, "UNIQUE-VERDICT"));
    rig_must(west, redaction(index));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    for (uint64_t i = 6; i <= 9; i++) {
        EXPECT_TRUE(!holds(oem, i, "UNIQUE-VERDICT"));
    }
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_expect_sound(oem);
    rig_expect_sound(west);
    weft_buffer_destroy(&item);
    rig_pair_stop(&pair);
}
