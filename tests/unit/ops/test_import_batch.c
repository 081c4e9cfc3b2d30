#include "ops/weft/import_batch.h"

#include <stdio.h>

#include "proto/limits.h"
#include "tests/lib/test.h"

static const struct weft_importer_type type = {.format = "test", .items = "things"};
static struct weft_import_batch *batch;

static void fresh(uint32_t items_max, size_t size_max)
{
    weft_import_batch_destroy(batch);
    EXPECT_EQ(WEFT_OK, weft_import_batch_create(items_max, size_max, &batch));
}

static void done(void)
{
    weft_import_batch_destroy(batch);
    batch = NULL;
}

/* An item of `count` records on the same asset; `expects` that it does not exist. */
static enum weft_err add(
    const char *asset, uint8_t id, uint32_t count, bool expects, enum weft_import_once once)
{
    static struct weft_record records[WEFT_COMMIT_RECORDS_MAX];
    static char memory[64], value[32];
    (void)snprintf(memory, sizeof(memory), "%s", asset);
    (void)snprintf(value, sizeof(value), "v-%s", asset);
    const struct weft_field field = {WEFT_TEXT("a"), weft_text_of(value), WEFT_VALUE_TEXT};
    const struct weft_link link = {WEFT_TEXT("rel"), weft_text_of(memory), &field, 1};
    for (uint32_t i = 0; i < count; i++) {
        records[i] = (struct weft_record){.kind = WEFT_TEXT("k"),
            .asset = weft_text_of(memory),
            .source = WEFT_TEXT("test:f#/1"),
            .has_expect = expects,
            .fields = &field,
            .field_count = 1,
            .links = &link,
            .link_count = 1};
    }
    const struct weft_import_item item = {.records = records,
        .record_count = count,
        .id = {{id}},
        .once = once,
        .place = {.line = 7, .column = 3, .pointer = "/p"}};
    enum weft_err err = weft_import_batch_add(batch, &type, &item, "file");
    memset(memory, '?', sizeof(memory)); /* The batch has copies. */
    memset(value, '?', sizeof(value));
    return err;
}

TEST(import_batch, an_item_is_copied_whole_with_its_place)
{
    fresh(4, 100000);
    EXPECT_EQ(WEFT_OK, add("a", 1, 2, false, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(2, batch->record_count);
    const struct weft_record *r = &batch->records[1];
    EXPECT_TRUE(weft_text_is(r->kind, "k") && weft_text_is(r->asset, "a"));
    EXPECT_TRUE(weft_text_is(r->source, "test:f#/1"));
    EXPECT_TRUE(weft_text_is(r->fields[0].path, "a") && weft_text_is(r->fields[0].value, "v-a"));
    EXPECT_TRUE(weft_text_is(r->links[0].to, "a") && weft_text_is(r->links[0].rel, "rel"));
    EXPECT_TRUE(weft_text_is(r->links[0].fields[0].value, "v-a"));
    EXPECT_TEXT("file: line 7 (/p)", batch->items[0].place);
    done();
}

/* OPS-101 */
TEST(import_batch, a_marker_stands_in_front_of_what_is_not_its_own_asset)
{
    fresh(4, 100000);
    EXPECT_EQ(WEFT_OK, add("a", 0xab, 2, false, WEFT_ONCE_BY_MARKER));
    EXPECT_EQ(3, batch->record_count);
    EXPECT_EQ(3, batch->items[0].record_count);
    const struct weft_record *marker = &batch->records[0];
    EXPECT_TRUE(weft_text_is(marker->kind, "import"));
    EXPECT_TRUE(weft_text_is(marker->asset, "import:test:ab000000000000000000000000000000"));
    EXPECT_TRUE(weft_text_is(marker->source, "test:f#/1"));
    EXPECT_TRUE(marker->has_expect && marker->expect_rev == 0);
    EXPECT_EQ(WEFT_OK, weft_record_check(marker, NULL, NULL));
    done();
}

/* OPS-102 */
TEST(import_batch, two_records_that_expect_the_same_asset_do_not_share_a_commit)
{
    fresh(8, 100000);
    EXPECT_EQ(WEFT_OK, add("a", 1, 1, true, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_OK, add("b", 2, 1, true, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_EBUSY, add("a", 1, 1, true, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_OK, add("m", 3, 1, false, WEFT_ONCE_BY_MARKER));
    EXPECT_EQ(WEFT_EBUSY, add("m", 3, 1, false, WEFT_ONCE_BY_MARKER));
    EXPECT_EQ(WEFT_OK, add("m", 4, 1, false, WEFT_ONCE_BY_MARKER));
    EXPECT_EQ(4, batch->item_count);
    EXPECT_EQ(6, batch->record_count);
    weft_import_batch_clear(batch);
    EXPECT_EQ(WEFT_OK, add("a", 1, 1, true, WEFT_ONCE_BY_ASSET));
    weft_import_batch_clear(batch);
    EXPECT_EQ(WEFT_EINVAL, add("a", 1, 2, true, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(0, batch->record_count);
    done();
}

TEST(import_batch, it_is_full_by_items_by_records_and_by_bytes)
{
    fresh(2, 100000);
    EXPECT_EQ(WEFT_OK, add("a", 1, 1, false, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_OK, add("b", 2, 1, false, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_EBUSY, add("c", 3, 1, false, WEFT_ONCE_BY_ASSET));
    fresh(8, 100000000);
    EXPECT_EQ(WEFT_OK, add("a", 1, WEFT_COMMIT_RECORDS_MAX - 1, false, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_EBUSY, add("b", 2, 2, false, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_EBUSY, add("b", 2, 1, false, WEFT_ONCE_BY_MARKER));
    EXPECT_EQ(WEFT_OK, add("b", 2, 1, false, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_ETOOBIG, add("c", 3, WEFT_COMMIT_RECORDS_MAX, false, WEFT_ONCE_BY_ASSET));
    fresh(8, 600);
    EXPECT_EQ(WEFT_OK, add("a", 1, 3, false, WEFT_ONCE_BY_ASSET)); /* Alone, whatever its size. */
    EXPECT_EQ(WEFT_EBUSY, add("b", 2, 1, false, WEFT_ONCE_BY_ASSET));
    done();
}

TEST(import_batch, its_id_is_that_of_its_item_or_made_of_all)
{
    fresh(8, 100000);
    EXPECT_EQ(WEFT_OK, add("a", 1, 1, false, WEFT_ONCE_BY_ASSET));
    EXPECT_EQ(WEFT_OK, add("b", 2, 1, false, WEFT_ONCE_BY_ASSET));
    struct weft_request_id one = weft_import_batch_id(batch, 1, 1);
    struct weft_request_id all = weft_import_batch_id(batch, 0, 2);
    struct weft_request_id again = weft_import_batch_id(batch, 0, 2);
    EXPECT_EQ(2, one.bytes[0]);
    EXPECT_MEM(&all, &again, sizeof(all));
    EXPECT_TRUE(memcmp(&all, &one, sizeof(all)) != 0);
    done();
}
