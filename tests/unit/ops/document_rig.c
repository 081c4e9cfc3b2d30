#include "tests/unit/ops/document_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "proto/record_json.h"

struct rig rig;

void rig_free(void)
{
    weft_buffer_destroy(&rig.records);
    for (uint32_t i = 0; i < rig.block_count; i++) {
        weft_buffer_destroy(&rig.blocks[i]);
    }
    memset(&rig, 0, sizeof(rig));
}

static void take_block(const struct weft_import_item *item)
{
    struct weft_digest digest = weft_sha256(item->block.data, item->block.size);
    EXPECT_TRUE(weft_digest_equal(&digest, &item->block_digest));
    EXPECT_TRUE(item->block.size > 0 && item->block.size <= WEFT_BLOCK_SIZE_MAX);
    EXPECT_TRUE(rig.block_count < RIG_BLOCKS_MAX);
    rig.digests[rig.block_count] = digest;
    EXPECT_EQ(WEFT_OK,
        weft_buffer_append(&rig.blocks[rig.block_count++], item->block.data, item->block.size));
}

static void take_item(const struct weft_import_item *item)
{
    static const struct weft_request_id zero;
    struct weft_arena arena = {.size_max = 64 << 20};
    EXPECT_TRUE(memcmp(&item->id, &zero, sizeof(zero)) != 0);
    EXPECT_TRUE(rig.item_count < RIG_IMPORTS_MAX);
    rig.ids[rig.item_count] = item->id;
    rig.places[rig.item_count++] = item->place;
    for (uint32_t i = 0; i < item->record_count; i++) {
        char pointer[256];
        struct weft_msg msg = {""};
        enum weft_err err = weft_record_check(&item->records[i], pointer, &msg);
        EXPECT_TEXT("", msg.text);
        EXPECT_EQ(WEFT_OK, err);
        EXPECT_EQ(WEFT_OK, weft_record_to_json(&item->records[i], NULL, &arena, &rig.records));
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&rig.records, "\n", 1));
        rig.record_count++;
        weft_arena_reset(&arena);
    }
    weft_arena_destroy(&arena);
}

static void take_items(struct weft_importer *importer)
{
    for (;;) {
        struct weft_import_item item = {.record_count = 0};
        struct weft_msg msg = {""};
        enum weft_err err = weft_importer_next(importer, &item, &msg);
        if (err == WEFT_ENOTFOUND) {
            return;
        }
        if (err != WEFT_OK) {
            rig.refused++;
            rig.err = err;
            rig.msg = msg;
        } else if (item.record_count == 0) {
            take_block(&item);
        } else {
            take_item(&item);
        }
    }
}

static void feed_all(struct weft_importer *importer, struct weft_text text, size_t step)
{
    step = step > 0 ? step : text.size + 1;
    for (size_t at = 0; !importer->is_over; at += step) {
        size_t size = at >= text.size ? 0 : text.size - at < step ? text.size - at : step;
        uint8_t *copy = malloc(size + 1); /* So that a sanitizer sees what is read after it. */
        memcpy(copy, text.data + (size > 0 ? at : 0), size);
        bool is_last = at + step > text.size;
        weft_importer_feed(importer, (struct weft_bytes){copy, size}, is_last);
        take_items(importer);
        free(copy);
        if (is_last) {
            return;
        }
    }
}

bool rig_run(
    const struct weft_importer_type *type, struct weft_text text, const struct rig_options *options)
{
    struct weft_importer *importer = NULL;
    const struct weft_import_options o = {.name = weft_text_of(options->name),
        .option = weft_text_of(options->map),
        .model = weft_text_of(options->model)};
    rig_free();
    rig.records.size_max = 256 << 20;
    rig.err = weft_importer_create(type, &o, &importer, &rig.msg);
    if (rig.err != WEFT_OK) {
        EXPECT_TRUE(importer == NULL);
        return false;
    }
    feed_all(importer, text, options->step);
    if (importer->wants_again) {
        feed_all(importer, text, options->step);
    }
    EXPECT_TRUE(importer->is_over);
    rig.notice = importer->notice;
    weft_importer_destroy(importer);
    return true;
}

const char *rig_records(void)
{
    EXPECT_EQ(WEFT_OK, weft_buffer_reserve(&rig.records, 1));
    rig.records.data[rig.records.size] = '\0';
    return (const char *)rig.records.data;
}

void rig_expect_holds(const char *piece)
{
    if (strstr(rig_records(), piece) == NULL) {
        EXPECT_TEXT(piece, rig_records()); /* Prints both. */
    }
}

void rig_expect_lacks(const char *piece)
{
    if (strstr(rig_records(), piece) != NULL) {
        EXPECT_TEXT("", piece);
    }
}

void rig_expect_refused(const struct weft_importer_type *type, const char *text,
    const struct rig_options *options, enum weft_err expected, const char *reason)
{
    bool is_created = rig_run(type, weft_text_of(text), options);
    EXPECT_TEXT(reason, rig.msg.text);
    EXPECT_EQ(expected, rig.err);
    EXPECT_EQ(0, rig.record_count);
    EXPECT_EQ(is_created ? 1 : 0, rig.refused);
    rig_free();
}
