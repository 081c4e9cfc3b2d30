#include "node/api/http/door.h"

#include <string.h>

#include "node/node.h"
#include "proto/check.h"

/* Streams of events. A stream pulls: it asks for the next page when the last one is sent, so a
 * client that reads slowly costs one page and holds up nobody. Streams of one principal that stand
 * at the same place share one query and one rendering: one asks, the others ride. */

static bool is_same_question(const struct weft_http_stream *a, const struct weft_http_stream *b)
{
    const struct weft_buffer *x = &a->position.cursor, *y = &b->position.cursor;
    return a->position.next_index == b->position.next_index && x->size == y->size &&
           (x->size == 0 || memcmp(x->data, y->data, x->size) == 0) &&
           weft_text_equal(a->glob, b->glob);
}

static bool is_waiting(const struct weft_http_conn *c)
{
    return c->state == WEFT_EXCHANGE_STREAMING && !c->is_hung_up && !c->stream.is_over &&
           !c->stream.is_asking && !c->stream.is_riding && c->stream.out.size == 0;
}

static void ask(struct weft_http_conn *c)
{
    struct weft_http *h = c->door;
    struct weft_http_stream *s = &c->stream;
    if (s->position.cursor.size == 0 && s->position.next_index > h->applied_index) {
        return; /* weft_http_turn comes back when there is more. */
    }
    if (!weft_http_is_warranted(c)) {
        s->is_over = true; /* The client comes back with another token. */
        weft_http_resume(c);
        return;
    }
    for (uint32_t i = 0; i < h->conn_max; i++) {
        const struct weft_http_conn *other = &h->conns[i];
        if (other->state == WEFT_EXCHANGE_STREAMING && other->stream.is_asking &&
            is_same_question(&other->stream, s) && strcmp(other->principal, c->principal) == 0) {
            s->is_riding = true;
            return;
        }
    }
    struct weft_query query = {.type = WEFT_QUERY_COMMITS,
        .consistency = WEFT_STALE, /* What is applied is agreed, in the same order everywhere. */
        .asset_glob = s->glob,
        .from_index = s->position.next_index,
        .limit = WEFT_HTTP_STREAM_RECORDS,
        .cursor = {s->position.cursor.data, s->position.cursor.size},
        .principal = weft_text_of(c->principal),
        .has_warrant = c->has_warrant,
        .warrant = c->warrant};
    struct weft_waiter waiter = weft_http_waiter(c);
    waiter.asked_ns = 0;
    s->is_asking = weft_reads_add(&h->node->reads, &query, &waiter, weft_http_now_ms(h)) == WEFT_OK;
    /* The answer before may have come in the turn that is on, whose reads have had their share. And
     * if too many wait, the next turn asks again. */
    weft_node_wake(h->node);
}

/* --- answers ----------------------------------------------------------------------------- */

static void beat_later(struct weft_http_conn *c)
{
    c->stream.beat_ms = weft_http_now_ms(c->door) + WEFT_HTTP_BEAT_MS;
}

/* Frames of the page behind what waits to be sent. */
static void take(struct weft_http_conn *c, const struct weft_page *page)
{
    struct weft_http_stream *s = &c->stream;
    enum weft_err err = weft_http_event_take(&s->position, page, &c->door->scratch, &s->out);
    weft_arena_reset(&c->door->scratch);
    if (err != WEFT_OK) {
        weft_http_hang_up(c); /* It comes back with Last-Event-ID; half a page is not sent. */
    }
}

/* Is all of the page new to a stream at this position? */
static bool is_before(const struct weft_http_position *p, const struct weft_page *page)
{
    return page->record_count == 0 || !p->has_last || p->last_index < page->records[0].index;
}

/* The rider stood where the asker stood: it gets the same frames, without rendering them. */
static void take_over(struct weft_http_conn *rider, const struct weft_http_conn *asker,
    const struct weft_http_position *asked, const struct weft_page *page)
{
    struct weft_http_position *p = &rider->stream.position;
    const struct weft_http_position *now = &asker->stream.position;
    const struct weft_buffer *frames = &asker->stream.out;
    if (asker->is_hung_up || !is_before(asked, page) || !is_before(p, page)) {
        take(rider, page);
        return;
    }
    weft_buffer_clear(&p->cursor);
    if (weft_buffer_append(&rider->stream.out, frames->data, frames->size) != WEFT_OK ||
        weft_buffer_append(&p->cursor, now->cursor.data, now->cursor.size) != WEFT_OK) {
        weft_http_hang_up(rider);
        return;
    }
    p->next_index = now->next_index;
    if (page->record_count > 0) {
        p->has_last = true;
        p->last_index = now->last_index;
        p->last_ordinal = now->last_ordinal;
    }
}

static void on_page(struct weft_http_conn *c, const struct weft_page *page)
{
    struct weft_http *h = c->door;
    struct weft_http_stream asked = c->stream; /* The question; its cursor is copied below. */
    struct weft_buffer cursor = {0};
    if (weft_buffer_append(&cursor, asked.position.cursor.data, asked.position.cursor.size) !=
        WEFT_OK) {
        weft_http_hang_up(c);
        return;
    }
    asked.position.cursor = cursor;
    take(c, page);
    for (uint32_t i = 0; i < h->conn_max; i++) {
        struct weft_http_conn *rider = &h->conns[i];
        if (rider != c && rider->state == WEFT_EXCHANGE_STREAMING && rider->stream.is_riding &&
            is_same_question(&rider->stream, &asked) &&
            strcmp(rider->principal, c->principal) == 0) {
            rider->stream.is_riding = false;
            take_over(rider, c, &asked.position, page);
            h->stats.events += page->record_count;
            if (rider->stream.out.size > 0) {
                weft_http_resume(rider);
            }
        }
    }
    weft_buffer_destroy(&cursor);
    h->stats.events += page->record_count;
    if (c->stream.out.size > 0) {
        weft_http_resume(c);
    }
}

void weft_http_stream_answer(struct weft_http_conn *c, const struct weft_client_message *message)
{
    struct weft_http_stream *s = &c->stream;
    if (!s->is_asking) {
        return;
    }
    s->is_asking = false;
    if (message->kind == WEFT_KIND_PAGE) {
        on_page(c, &message->page);
    } else if (message->kind == WEFT_KIND_ERROR) {
        enum weft_err err = message->error.err;
        if (s->position.cursor.size > 0 && (err == WEFT_EINVAL || err == WEFT_EMALFORMED)) {
            weft_http_position_rewind(&s->position);
        } else if (weft_err_class(err) != WEFT_CLASS_RETRY) {
            s->is_over = true; /* The client comes back, to another node if this one is closing. */
            weft_http_resume(c);
        }
    }
    weft_http_streams_turn(c->door);
}

void weft_http_streams_turn(struct weft_http *h)
{
    uint64_t now_ms = weft_http_now_ms(h);
    if (h->stats.streams == 0) {
        return;
    }
    for (uint32_t i = 0; i < h->conn_max; i++) {
        struct weft_http_conn *c = &h->conns[i];
        if (is_waiting(c) && now_ms >= c->stream.beat_ms) {
            beat_later(c);
            if (weft_http_event_beat(&c->stream.out) == WEFT_OK) {
                weft_http_resume(c);
            }
        } else if (is_waiting(c)) {
            ask(c);
        }
    }
}

/* --- libmicrohttpd's side ----------------------------------------------------------------- */

static ssize_t on_read(void *ctx, uint64_t position, char *buffer, size_t size)
{
    struct weft_http_conn *c = ctx;
    struct weft_http_stream *s = &c->stream;
    (void)position;
    size_t left = s->out.size - s->sent;
    if (left > 0) {
        size_t taken = left < size ? left : size;
        memcpy(buffer, s->out.data + s->sent, taken);
        s->sent += taken;
        if (s->sent == s->out.size) {
            weft_buffer_clear(&s->out);
            s->sent = 0;
        }
        beat_later(c);
        return (ssize_t)taken;
    }
    if (s->is_over || c->is_hung_up) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (!s->is_asking && !s->is_riding) {
        ask(c);
    }
    c->is_suspended = true;
    MHD_suspend_connection(c->mhd);
    return 0;
}

enum MHD_Result weft_http_stream_start(struct weft_http_conn *c)
{
    struct weft_http *h = c->door;
    h->stats.streams++;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16 * 1024, on_read, c, NULL);
    if (response == NULL || weft_http_event_head(&c->stream.out) != WEFT_OK) {
        if (response != NULL) {
            MHD_destroy_response(response);
        }
        return MHD_NO;
    }
    c->stream.out.size_max = WEFT_ANSWER_SIZE_MAX * 2;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(response, "X-Accel-Buffering", "no");
    enum MHD_Result result = MHD_queue_response(c->mhd, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    c->deadline_ms = UINT64_MAX;
    h->stats.requests[MHD_HTTP_OK]++;
    beat_later(c);
    return result;
}

void weft_http_stream_end(struct weft_http_conn *c)
{
    struct weft_http *h = c->door;
    struct weft_http_stream *s = &c->stream;
    weft_assert(h->stats.streams > 0); /* NOD-401 */
    h->stats.streams--;
    /* Who rode on its question asks again at the next tick. */
    for (uint32_t i = 0; s->is_asking && i < h->conn_max; i++) {
        h->conns[i].stream.is_riding = false;
    }
    weft_buffer_destroy(&s->out);
    weft_buffer_destroy(&s->position.cursor);
    *s = (struct weft_http_stream){0};
}
