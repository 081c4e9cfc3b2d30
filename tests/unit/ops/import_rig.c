#include "tests/unit/ops/import_rig.h"

#include <stdlib.h>

#include "proto/record_json.h"

enum {
    SCRATCH_SIZE_MAX = 64 * 1024 * 1024
};

static void put(struct weft_buffer *out, const char *text)
{
    EXPECT_EQ(WEFT_OK, weft_buffer_text(out, weft_text_of(text)));
}

static void take_item(struct imported *im, const struct weft_import_item *item)
{
    struct weft_arena arena = {.size_max = SCRATCH_SIZE_MAX};
    static const struct weft_request_id none;
    EXPECT_TRUE(item->record_count > 0);
    EXPECT_TRUE(memcmp(&item->id, &none, sizeof(none)) != 0);
    EXPECT_TRUE(item->place.line > 0);
    for (uint32_t i = 0; i < item->record_count; i++) {
        const struct weft_record *record = &item->records[i];
        struct weft_msg msg = {""};
        enum weft_err err = weft_record_check(record, NULL, &msg);
        EXPECT_TEXT("", msg.text);
        EXPECT_EQ(WEFT_OK, err);
        if (item->once == WEFT_ONCE_BY_ASSET) {
            EXPECT_TRUE(record->has_expect && record->expect_rev == 0);
        }
        EXPECT_EQ(WEFT_OK, weft_record_to_json(record, NULL, &arena, &im->lines));
        put(&im->lines, "\n");
        im->records++;
    }
    weft_arena_destroy(&arena);
    im->items++;
}

static void take_all(struct imported *im, struct weft_importer *importer)
{
    for (;;) {
        struct weft_import_item item = {.record_count = 0};
        struct weft_msg msg = {""};
        enum weft_err err = weft_importer_next(importer, &item, &msg);
        if (err == WEFT_ENOTFOUND) {
            return;
        }
        if (err == WEFT_OK) {
            take_item(im, &item);
            continue;
        }
        EXPECT_TRUE(err == WEFT_EINVAL || err == WEFT_EMALFORMED || err == WEFT_ETOOBIG);
        put(&im->lines, "! ");
        put(&im->lines, msg.text);
        put(&im->lines, "\n");
        im->refused++;
    }
}

struct imported import_text(const struct weft_importer_type *type, struct weft_text text,
    const char *name, const char *map, uint64_t piece_max)
{
    struct imported im = {.items = 0};
    struct weft_importer *importer = NULL;
    struct weft_msg msg = {""};
    const struct weft_import_options options = {
        .name = weft_text_of(name), .option = weft_text_of(map)};
    enum weft_err err = weft_importer_create(type, &options, &importer, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    bool is_last = false;
    for (size_t at = 0; !is_last && !importer->is_over;) {
        size_t size = (size_t)test_random(piece_max) + 1;
        size = size < text.size - at ? size : text.size - at;
        is_last = at + size == text.size;
        uint8_t *piece = malloc(size + 1);
        EXPECT_TRUE(piece != NULL);
        memcpy(piece, text.data + at, size);
        at += size;
        weft_importer_feed(importer, (struct weft_bytes){piece, size}, is_last);
        take_all(&im, importer);
        free(piece);
    }
    EXPECT_TRUE(importer->is_over);
    im.notice = importer->notice;
    weft_importer_destroy(importer);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&im.lines, "", 1));
    return im;
}

void free_imported(struct imported *imported)
{
    weft_buffer_destroy(&imported->lines);
}

void expect_same_in_pieces(
    const struct weft_importer_type *type, struct weft_text text, const char *map, int rounds)
{
    struct imported whole = import_text(type, text, "f", map, text.size + 1);
    for (int i = 0; i < rounds; i++) {
        struct imported pieces = import_text(type, text, "f", map, 1 + test_random(200));
        EXPECT_TEXT((const char *)whole.lines.data, (const char *)pieces.lines.data);
        free_imported(&pieces);
    }
    free_imported(&whole);
}

void expect_imported(
    const struct weft_importer_type *type, const char *text, const char *map, const char *expected)
{
    struct imported im = import_text(type, weft_text_of(text), "", map, 1000);
    EXPECT_TEXT(expected, (const char *)im.lines.data);
    free_imported(&im);
    expect_same_in_pieces(type, weft_text_of(text), map, 5);
}

void expect_map_refused(
    const struct weft_importer_type *type, const char *map, const char *expected)
{
    struct weft_importer *importer = NULL;
    struct weft_msg msg = {""};
    const struct weft_import_options options = {.option = weft_text_of(map)};
    enum weft_err err = weft_importer_create(type, &options, &importer, &msg);
    EXPECT_TEXT(expected, msg.text);
    EXPECT_TRUE(err != WEFT_OK && importer == NULL);
}
