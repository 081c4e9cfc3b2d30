/* node/api/http/capture.h: imports over HTTP: what takes longer than a request.
 *
 * A document is taken whole and answered 202; its events become commits one by one, so many ahead,
 * on the ways of every other commit, and whoever asks for the job hears how far it is. A job lives
 * in this node's memory: it ends with the process, and is started again by posting the document
 * again, which states nothing twice (ops/import/README.md). The loop's. */
#ifndef WEFT_NODE_API_HTTP_CAPTURE_H
#define WEFT_NODE_API_HTTP_CAPTURE_H

#include "node/proposer.h"
#include "proto/client.h"
#include "proto/writer.h"

struct weft_node;
struct weft_http_captures;

enum {
    WEFT_HTTP_CAPTURES_KEPT = 64,   /* Jobs that can be asked for, finished ones included. */
    WEFT_HTTP_CAPTURES_RUNNING = 4, /* At once: each holds its document. */
    WEFT_HTTP_CAPTURE_AHEAD = 64, /* Commits of a job on their way; fills the entries in flight. */
    WEFT_HTTP_CAPTURE_ERRORS = 100, /* Kept of a job, the first ones. */
};

WEFT_MUST_USE enum weft_err weft_http_captures_open(
    struct weft_node *node, struct weft_http_captures **ret_captures);
void weft_http_captures_destroy(struct weft_http_captures *captures);

/* Takes the text (empties the buffer) if it is WEFT_OK. `name` is that of the document, for the
 * records' source; `warrant` that by which the principal is known, NULL: a certificate. WEFT_EBUSY:
 * enough run already. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_http_captures_start(struct weft_http_captures *captures,
    struct weft_buffer *text, struct weft_text name, const char *principal,
    const struct weft_warrant *warrant, uint64_t *ret_job, struct weft_msg *msg);
/* An object as openapi.json has it. WEFT_ENOTFOUND: no such job of this principal, or it was
 * forgotten. */
WEFT_MUST_USE enum weft_err weft_http_captures_write(const struct weft_http_captures *captures,
    uint64_t job, const char *principal, struct weft_writer *w);

/* For node/replies.c. */
void weft_http_captures_answer(struct weft_http_captures *captures,
    const struct weft_waiter *waiter, const struct weft_client_message *message);
/* Each turn: a few more events of each job. True: there is more to do at once. */
bool weft_http_captures_turn(struct weft_http_captures *captures, uint64_t now_ms);
/* When a job that waits because it was refused too often goes on; UINT64_MAX: none waits. */
uint64_t weft_http_captures_deadline(const struct weft_http_captures *captures);

#endif
