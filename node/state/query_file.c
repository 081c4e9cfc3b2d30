#include "node/state/query_file.h"

#include <string.h>

bool weft_query_file_is(struct weft_text path, const char *stem)
{
    const size_t size = strlen(stem);
    return weft_text_starts(path, stem) && (path.size == size || path.data[size] == '/');
}

enum weft_err weft_query_file_end(struct weft_view *view, enum weft_err err,
    const struct weft_buffer *out, struct weft_arena *arena, struct weft_client_message *ret_answer,
    struct weft_msg *msg)
{
    uint8_t *copy = err == WEFT_OK && out->size > 0 ? weft_arena_alloc(arena, out->size) : NULL;
    if (err == WEFT_OK && out->size > 0 && copy == NULL) {
        err = weft_fail(msg, WEFT_ENOMEM, "an answer");
    }
    if (err != WEFT_OK) {
        weft_labels_begin(&view->tally, NULL);
        return err;
    }
    if (copy != NULL) {
        memcpy(copy, out->data, out->size);
    }
    *ret_answer = (struct weft_client_message){.kind = WEFT_KIND_AUDIT_RESULT,
        .audit = {.index = view->index, .content = {copy, out->size}}};
    return WEFT_OK;
}
