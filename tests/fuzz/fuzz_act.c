/* Acts: any stored record; one that is an act is written and read again, to the same fields. */
#include "federation/cells/act.h"
#include "proto/check.h"
#include "proto/stored.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weft_arena arena = {.size_max = 64 << 20};

/* The value of a field of the record; NULL: it has none. */
static const struct weft_field *find(const struct weft_record *record, struct weft_text path)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_equal(record->fields[i].path, path)) {
            return &record->fields[i];
        }
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_digest digest;
    struct weft_record record;
    struct weft_act act;
    struct weft_msg msg = {""};
    struct weft_field *fields = NULL;
    uint32_t count = 0;
    weft_arena_reset(&arena);
    if (weft_stored_decode((struct weft_bytes){data, size}, &arena, &digest, &record) != WEFT_OK ||
        weft_stored_check(&record) != WEFT_OK) {
        return 0;
    }
    if (weft_act_decode(&record, &arena, &act, &msg) != WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-121 */
        return 0;
    }
    enum weft_err err = weft_act_encode(&act, &arena, &fields, &count, &msg);
    weft_assert(err == WEFT_OK && count == record.field_count); /* FED-121 */
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_field *field = find(&record, fields[i].path);
        weft_assert(field != NULL && field->type == fields[i].type); /* FED-121 */
        weft_assert(weft_text_equal(field->value, fields[i].value)); /* FED-121 */
    }
    return 0;
}
