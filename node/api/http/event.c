#include "node/api/http/event.h"

#include "proto/check.h"
#include "proto/record_json.h"

void weft_http_position_resume(
    struct weft_http_position *p, uint64_t last_index, uint32_t last_ordinal)
{
    p->next_index = last_index;
    p->has_last = true;
    p->last_index = last_index;
    p->last_ordinal = last_ordinal;
    weft_buffer_clear(&p->cursor);
}

void weft_http_position_rewind(struct weft_http_position *p)
{
    p->next_index = p->has_last ? p->last_index : p->next_index;
    weft_buffer_clear(&p->cursor);
}

/* NOD-405. */
static bool is_new(const struct weft_http_position *p, const struct weft_stored_record *record)
{
    return !p->has_last || record->index > p->last_index ||
           (record->index == p->last_index && record->ordinal > p->last_ordinal);
}

static enum weft_err put_frame(
    struct weft_buffer *out, const struct weft_stored_record *record, struct weft_arena *arena)
{
    char id[WEFT_HTTP_EVENT_ID_SIZE];
    weft_http_event_id_format(record->index, record->ordinal, id);
    enum weft_err err = weft_buffer_format(out, "id: %s\nevent: record\ndata: ", id);
    if (err == WEFT_OK) {
        /* Free of line ends: control characters are escaped in JSON. */
        err = weft_record_to_json(&record->record, record, arena, out);
    }
    return err == WEFT_OK ? weft_buffer_text(out, WEFT_TEXT("\n\n")) : err;
}

enum weft_err weft_http_event_take(struct weft_http_position *p, const struct weft_page *page,
    struct weft_arena *arena, struct weft_buffer *out)
{
    for (uint32_t i = 0; i < page->record_count; i++) {
        const struct weft_stored_record *record = &page->records[i];
        if (!is_new(p, record)) {
            continue;
        }
        enum weft_err err = put_frame(out, record, arena);
        if (err != WEFT_OK) {
            return err;
        }
        p->has_last = true;
        p->last_index = record->index;
        p->last_ordinal = record->ordinal;
    }
    p->next_index = page->next_index > p->next_index ? page->next_index : p->next_index;
    weft_buffer_clear(&p->cursor);
    return weft_buffer_append(&p->cursor, page->cursor.data, page->cursor.size);
}

enum weft_err weft_http_event_beat(struct weft_buffer *out)
{
    return weft_buffer_text(out, WEFT_TEXT(":\n\n"));
}

enum weft_err weft_http_event_head(struct weft_buffer *out)
{
    return weft_buffer_text(out, WEFT_TEXT("retry: 1000\n\n"));
}
