/* QIF documents, in pieces: every item's records pass the check, or there is a refusal with a
 * place. The first byte says how large the pieces are and whether a map is used. */
#include <stddef.h>
#include <stdint.h>

#include "ops/import/qif.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_all(struct weft_importer *importer)
{
    for (;;) {
        struct weft_import_item item = {.record_count = 0};
        struct weft_msg msg;
        enum weft_err err = weft_importer_next(importer, &item, &msg);
        if (err == WEFT_ENOTFOUND) {
            return;
        }
        if (err != WEFT_OK) {
            weft_assert(strncmp(msg.text, "line ", 5) == 0); /* PRO-5 */
            continue;
        }
        weft_assert(item.record_count > 0);
        for (uint32_t i = 0; i < item.record_count; i++) {
            err = weft_record_check(&item.records[i], NULL, NULL);
            weft_assert(err == WEFT_OK); /* PRO-6 */
        }
    }
}

static void feed_all(struct weft_importer *importer, const uint8_t *data, size_t size, size_t step)
{
    for (size_t at = 0; !importer->is_over; at += step) {
        size_t piece = at >= size ? 0 : size - at < step ? size - at : step;
        weft_importer_feed(
            importer, (struct weft_bytes){data + (piece > 0 ? at : 0), piece}, at + step > size);
        take_all(importer);
        if (at + step > size) {
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char map[] = "{\"parts\": {\"*b*\": \"box\"}, \"serial\": \"*{number#}*\","
                              " \"linear_unit\": \"mm\", \"time\": \"{year#}*\"}";
    if (size == 0 || size > 64 * 1024) {
        return 0;
    }
    struct weft_importer *importer = NULL;
    struct weft_msg msg;
    const struct weft_import_options options = {
        .name = WEFT_TEXT("2017 fuzz"), .option = weft_text_of((data[0] & 1) != 0 ? map : NULL)};
    enum weft_err err = weft_importer_create(&weft_qif_importer, &options, &importer, &msg);
    weft_assert(err == WEFT_OK);
    size_t step = 1 + (size_t)(data[0] >> 1) * 64;
    feed_all(importer, data + 1, size - 1, step);
    if (importer->wants_again) {
        feed_all(importer, data + 1, size - 1, step);
    }
    weft_importer_destroy(importer);
    return 0;
}
