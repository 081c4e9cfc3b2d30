/* node/api/http/event.h: the feed as server-sent events (WHATWG HTML, 9.2). Pure.
 *
 * One record is one event; its id is the record's place in the log, "<index>-<ordinal>", which is
 * the same on every node and in every term. So whoever comes back with Last-Event-ID, to any
 * node, goes on behind it: no gap and no duplicate (NOD-405). */
#ifndef WEFT_NODE_API_HTTP_EVENT_H
#define WEFT_NODE_API_HTTP_EVENT_H

#include "node/api/http/header.h"
#include "proto/client.h"
#include "proto/writer.h"

/* How far a stream has come. */
struct weft_http_position {
    uint64_t next_index; /* Ask from here. */
    bool has_last;
    uint64_t last_index; /* Of the last record that was sent. */
    uint32_t last_ordinal;
    struct weft_buffer cursor; /* In the middle of an index; empty: at the start of next_index. */
};

/* Behind the event `id`. */
void weft_http_position_resume(
    struct weft_http_position *p, uint64_t last_index, uint32_t last_ordinal);
/* The cursor is not taken any more: ask for the index again; what was sent is left out. */
void weft_http_position_rewind(struct weft_http_position *p);

/* Append the frames of those records of the page that are behind the position, and move it.
 * WEFT_ENOMEM, WEFT_ETOOBIG, WEFT_EMALFORMED: what stands in `out` cannot be used. */
WEFT_MUST_USE enum weft_err weft_http_event_take(struct weft_http_position *p,
    const struct weft_page *page, struct weft_arena *arena, struct weft_buffer *out);

/* A comment, so that a connection that is dead is found out. */
WEFT_MUST_USE enum weft_err weft_http_event_beat(struct weft_buffer *out);
/* The head of a stream: how long a client waits before it comes back. */
WEFT_MUST_USE enum weft_err weft_http_event_head(struct weft_buffer *out);

#endif
