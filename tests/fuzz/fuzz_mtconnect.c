/* Adapter logs and device models: the input is a model, a zero byte, and a log; without a zero byte
 * a log alone. The blocks unpacked are the log again, whatever it is. */
#include <stddef.h>
#include <stdint.h>

#include "ops/import/mtconnect.h"
#include "ops/import/telemetry_block.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(const struct weft_import_item *item, struct weft_buffer *unpacked)
{
    if (item->record_count == 0) {
        enum weft_err err = weft_block_unpack(item->block, unpacked);
        weft_assert(err == WEFT_OK);
    }
    for (uint32_t i = 0; i < item->record_count; i++) {
        enum weft_err err = weft_record_check(&item->records[i], NULL, NULL);
        weft_assert(err == WEFT_OK); /* PRO-6 */
    }
}

static void import_log(struct weft_importer *importer, struct weft_bytes log)
{
    struct weft_buffer unpacked = {0};
    weft_importer_feed(importer, log, true);
    for (;;) {
        struct weft_import_item item = {.record_count = 0};
        struct weft_msg msg;
        enum weft_err err = weft_importer_next(importer, &item, &msg);
        if (err == WEFT_ENOTFOUND) {
            break;
        }
        if (err == WEFT_OK) {
            take(&item, &unpacked);
        } else {
            weft_assert(strncmp(msg.text, "line ", 5) == 0); /* PRO-5 */
        }
    }
    weft_assert(unpacked.size == log.size);
    weft_assert(log.size == 0 || memcmp(unpacked.data, log.data, log.size) == 0); /* OPS-104 */
    weft_buffer_destroy(&unpacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char map[] = "{\"file\": \"{part}-{machine}-{number#}\"}";
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    struct weft_importer *importer = NULL;
    struct weft_msg msg;
    struct weft_import_options options = {
        .name = WEFT_TEXT("Box-mill-7"), .option = weft_text_of(map)};
    if (size > 64 * 1024) {
        return 0;
    }
    if (zero != NULL) {
        options.model = (struct weft_text){(const char *)data, (size_t)(zero - data)};
        size -= options.model.size + 1;
        data = zero + 1;
    }
    if (weft_importer_create(&weft_mtconnect_importer, &options, &importer, &msg) == WEFT_OK) {
        import_log(importer, (struct weft_bytes){data, size});
    }
    weft_importer_destroy(importer);
    return 0;
}
