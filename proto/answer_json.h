/* proto/answer_json.h: the JSON form of answers, one for `weft -o json` and the HTTP door.
 *
 * Writes into a weft_writer, which keeps errors; where a record's fields can contradict each other
 * an error is returned too. Members that have nothing to say are left out. */
#ifndef WEFT_PROTO_ANSWER_JSON_H
#define WEFT_PROTO_ANSWER_JSON_H

#include "proto/client.h"
#include "proto/writer.h"

/* {"index": 123, "time": "...", "records": [{"asset": "...", "rev": 123, "digest": "..."}],
 * "request_id": "...", "repeated": true}. */
void weft_answer_write_commit(struct weft_writer *w, const struct weft_commit_result *result);

/* A member, or an element (`key` NULL): the record with index, time and digest. `arena` is
 * scratch. WEFT_EMALFORMED, WEFT_ETOOBIG, WEFT_ENOMEM: the writer is broken then. */
WEFT_MUST_USE enum weft_err weft_answer_write_record(struct weft_writer *w, const char *key,
    const struct weft_stored_record *stored, struct weft_arena *arena);
/* {"asset": "...", "rev": 12, "records": [...], "index": 34, "cursor": "...", "next_index": 35}:
 * asset and rev where the page is of one asset (`asset` not empty), next_index where it is of the
 * feed. Errors as above. */
WEFT_MUST_USE enum weft_err weft_answer_write_page(struct weft_writer *w, struct weft_text asset,
    const struct weft_page *page, struct weft_arena *arena);

/* The object that a twin or a difference is. Errors as above. */
WEFT_MUST_USE enum weft_err weft_answer_write_document(
    struct weft_writer *w, const struct weft_document *document, struct weft_arena *arena);

/* For who takes a long answer away while it is written: called behind each element, and what it
 * finds in the writer it may empty. Anything but WEFT_OK ends the writing. */
struct weft_answer_items {
    void *ctx;
    enum weft_err (*on_item)(void *ctx, struct weft_writer *w);
};

/* {"index": 12, "steps_total": 3, "answers_total": 2, "depth_reached": 1, "has_cycles": false,
 * "steps": [...], "records": [...], "cursor": "..."}: a trace or recall, or a page of one; records
 * and cursor where there are any. With `ids_only` it has "assets" instead of steps and does not
 * tell of cycles. `items` may be NULL. Errors as above, and those of on_item. */
WEFT_MUST_USE enum weft_err weft_answer_write_trace(struct weft_writer *w,
    const struct weft_trace_result *trace, bool ids_only, struct weft_arena *arena,
    const struct weft_answer_items *items);
/* An element: {"step": 1, "asset": "...", "depth": 1, "from": 0, "rel": "...", ...}. */
void weft_answer_write_step(
    struct weft_writer *w, uint32_t number, const struct weft_trace_step *step);
/* The next line of the names of ids_only; *rest moves behind it. False: there is none. */
bool weft_answer_next_name(struct weft_text *rest, struct weft_text *ret_name);

/* {"site": ..., "org": ..., "node": ..., "state": ..., members, gauges}. */
void weft_answer_write_status(struct weft_writer *w, const struct weft_status *status);
/* The members of that object that speak of the answering node alone, without its name: into an
 * object that is open already. */
void weft_answer_write_node(struct weft_writer *w, const struct weft_status *status);
/* "voter", "standby", "spare". */
const char *weft_answer_role_name(enum weft_role role);

/* A problem of RFC 9457: type "urn:weft:problem:<name of the code>", title, status, detail,
 * pointer, present_rev, leader, index. `status` is HTTP's. */
void weft_answer_write_problem(
    struct weft_writer *w, const struct weft_error_answer *error, unsigned status);

#endif
