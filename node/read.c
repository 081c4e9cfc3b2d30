#include "node/read.h"

enum weft_err weft_read_copy(
    struct weft_arena *arena, const struct weft_query *query, struct weft_query *ret_copy)
{
    struct weft_query q = *query;
    struct weft_text *texts[] = {&q.asset, &q.asset_glob, &q.kind, &q.where_path, &q.where_value,
        &q.rels, &q.to_kind, &q.machine, &q.part, &q.differs_path, &q.differs_by, &q.principal};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i]->size > 0) {
            *texts[i] = weft_arena_text(arena, *texts[i]);
            if (texts[i]->data == NULL) {
                return WEFT_EBUSY;
            }
        }
    }
    if (q.cursor.size > 0) {
        uint8_t *copy = weft_arena_alloc(arena, q.cursor.size);
        if (copy == NULL) {
            return WEFT_EBUSY;
        }
        memcpy(copy, q.cursor.data, q.cursor.size);
        q.cursor.data = copy;
    }
    *ret_copy = q;
    return WEFT_OK;
}

enum weft_err weft_read_report(const struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_bytes *ret_report)
{
    struct weft_read_report report;
    struct weft_buffer bytes = {.size_max = WEFT_READ_REPORT_SIZE_MAX};
    *ret_report = (struct weft_bytes){NULL, 0};
    weft_view_report(view, query, &report);
    if (report.count == 0) {
        return WEFT_OK;
    }
    bool is_made = weft_read_report_encode(&report, &bytes) == WEFT_OK;
    uint8_t *copy = is_made ? weft_arena_alloc(arena, bytes.size) : NULL;
    if (copy != NULL) {
        memcpy(copy, bytes.data, bytes.size);
        *ret_report = (struct weft_bytes){copy, bytes.size};
    }
    weft_buffer_destroy(&bytes);
    return copy != NULL ? WEFT_OK : WEFT_EBUSY;
}

enum weft_err weft_read_err(const struct weft_view *view, enum weft_err err, struct weft_msg *msg)
{
    if (err != WEFT_ECORRUPT || !weft_view_is_damaged(view)) {
        return err;
    }
    return weft_fail(msg, WEFT_EUNAVAILABLE,
        "the state of this node is damaged and is made anew: ask another node, or this one again "
        "in a while");
}

enum weft_err weft_read_encode(const struct weft_view *view, enum weft_err err,
    struct weft_client_message *message, uint64_t request_id, struct weft_msg *msg,
    struct weft_buffer *out)
{
    if (err == WEFT_OK) {
        message->request_id = request_id;
        err = weft_client_encode(message, out);
        if (err == WEFT_OK) {
            return WEFT_OK;
        }
        (void)weft_fail(msg, err, "the answer is too large; ask with a smaller limit");
    }
    err = weft_read_err(view, err, msg);
    const struct weft_client_message error = {.kind = WEFT_KIND_ERROR,
        .request_id = request_id,
        .error = {.err = err, .detail = weft_text_of(msg->text), .index = weft_view_index(view)}};
    return weft_client_encode(&error, out);
}

void weft_read_refuse(const struct weft_read_door *door, const struct weft_waiter *waiter,
    enum weft_err err, const char *detail)
{
    struct weft_buffer out = {0};
    const struct weft_client_message message = {.kind = WEFT_KIND_ERROR,
        .request_id = waiter->request_id,
        .error = {.err = err, .detail = weft_text_of(detail)}};
    if (weft_client_encode(&message, &out) == WEFT_OK) {
        door->answer(door->ctx, waiter, (struct weft_bytes){out.data, out.size});
    }
    weft_buffer_destroy(&out);
}
