/* tests/fuzz/import_twice.h: an importer gives the same items however its text is cut, and each
 * passes its check; each refusal has a place. */
#ifndef WEFT_TESTS_FUZZ_IMPORT_TWICE_H
#define WEFT_TESTS_FUZZ_IMPORT_TWICE_H

#include <string.h>

#include "ops/import/importer.h"
#include "proto/check.h"

struct twice_count {
    uint32_t items, refused;
    uint8_t ids[16]; /* Of all items, folded. */
};

static inline void twice_take(struct weft_importer *importer, struct twice_count *count)
{
    for (;;) {
        struct weft_import_item item = {.record_count = 0};
        struct weft_msg msg = {""};
        enum weft_err err = weft_importer_next(importer, &item, &msg);
        if (err == WEFT_ENOTFOUND) {
            return;
        }
        if (err != WEFT_OK) {
            weft_assert(strncmp(msg.text, "line ", 5) == 0); /* PRO-5 */
            count->refused++;
            continue;
        }
        for (uint32_t i = 0; i < item.record_count; i++) {
            err = weft_record_check(&item.records[i], NULL, NULL);
            weft_assert(err == WEFT_OK); /* PRO-6 */
        }
        for (int i = 0; i < 16; i++) {
            count->ids[i] = (uint8_t)(count->ids[i] * 31 + item.id.bytes[i]);
        }
        count->items++;
    }
}

static inline struct twice_count twice_feed(
    const struct weft_importer_type *type, struct weft_text text, const char *map, size_t piece)
{
    struct twice_count count = {.items = 0};
    struct weft_importer *importer = NULL;
    const struct weft_import_options options = {
        .name = WEFT_TEXT("fuzz"), .option = weft_text_of(map)};
    if (weft_importer_create(type, &options, &importer, NULL) != WEFT_OK) {
        return count;
    }
    bool is_last = false;
    for (size_t at = 0; !is_last && !importer->is_over;) {
        size_t size = piece < text.size - at ? piece : text.size - at;
        is_last = at + size == text.size;
        weft_importer_feed(
            importer, (struct weft_bytes){(const uint8_t *)text.data + at, size}, is_last);
        at += size;
        twice_take(importer, &count);
    }
    weft_assert(importer->is_over); /* OPS-101 */
    weft_importer_destroy(importer);
    return count;
}

static inline void twice_import(
    const struct weft_importer_type *type, struct weft_text text, const char *map)
{
    struct twice_count whole = twice_feed(type, text, map, text.size + 1);
    struct twice_count pieces = twice_feed(type, text, map, 1 + text.size % 7);
    weft_assert(memcmp(&whole, &pieces, sizeof(whole)) == 0); /* PRO-5 */
}

#endif
