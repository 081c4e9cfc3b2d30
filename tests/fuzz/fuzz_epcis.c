/* EPCIS documents: every event gives a record that passes the check, or a refusal with a place. */
#include <stddef.h>
#include <stdint.h>

#include "ops/import/epcis.h"
#include "proto/check.h"
#include "tests/fuzz/import_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import_all(
    struct weft_epcis *e, struct weft_arena *scratch, struct weft_epcis_event *event)
{
    struct weft_msg msg;
    enum weft_err err;
    while ((err = weft_epcis_next(e, scratch, event, &msg)) != WEFT_ENOTFOUND) {
        if (err == WEFT_OK) {
            err = weft_record_check(&event->record, NULL, NULL);
            weft_assert(err == WEFT_OK); /* PRO-6 */
        } else {
            weft_assert(strncmp(msg.text, "line ", 5) == 0); /* PRO-5 */
        }
        weft_arena_reset(scratch);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_arena arena = {.size_max = 64 * 1024 * 1024};
    struct weft_arena scratch = {.size_max = 16 * 1024 * 1024};
    struct weft_epcis e;
    struct weft_epcis_event event;
    struct weft_msg msg;
    struct weft_text text = {(const char *)data, size};
    if (size <= 64 * 1024) {
        enum weft_err err = weft_epcis_open(&e, text, WEFT_TEXT("fuzz"), &arena, &msg);
        if (err == WEFT_OK) {
            import_all(&e, &scratch, &event);
        } else {
            weft_assert(strncmp(msg.text, "line ", 5) == 0); /* PRO-5 */
        }
    }
    weft_arena_destroy(&arena);
    weft_arena_destroy(&scratch);
    twice_import(&weft_epcis_importer, text, NULL);
    return 0;
}
