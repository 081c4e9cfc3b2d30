/* node/api/http/http.h: the HTTP door: MES, ERP, scripts and browsers over HTTPS and JSON.
 *
 * libmicrohttpd with its epoll descriptor on our loop; requests take the same ways as those of the
 * native door (proposer, reads, status). Identity is a certificate of the organization or a bearer
 * token. What is served, the limits and the rules NOD-4nn: node/api/http/README.md. The loop's. */
#ifndef WEFT_NODE_API_HTTP_HTTP_H
#define WEFT_NODE_API_HTTP_HTTP_H

#include "node/proposer.h"
#include "proto/client.h"

struct weft_node;
struct weft_http;
struct weft_http_captures;
struct weft_warrants_verdict;

struct weft_http_stats {
    uint64_t requests[600]; /* Answered, by HTTP status. */
    uint32_t connections;
    uint32_t streams;
    uint64_t events;          /* Sent on streams. */
    uint64_t refused_peer;    /* Requests whose certificate or token is nobody's. */
    uint64_t dropped_slow;    /* Hung up on: head, body or reading took too long. */
    uint64_t dropped_gone;    /* The client went away before its answer. */
    uint64_t dropped_endless; /* Chunked bodies that went on past every limit. */
};

/* Opens the door of node->config: its listen_http is given. WEFT_EINVAL: address, TLS files or
 * token file; WEFT_EUNAVAILABLE: the address is in use; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_http_open(
    struct weft_node *node, struct weft_http **ret_http, struct weft_msg *msg);
/* Answers what is still open with 503 and hangs up; on_closed in a later turn of the loop. */
void weft_http_close(struct weft_http *h, void (*on_closed)(void *ctx), void *ctx);
/* Certificate, key, trust root and tokens are read again; what was stays in force on error. */
WEFT_MUST_USE enum weft_err weft_http_reload(struct weft_http *h, struct weft_msg *msg);

/* For node/replies.c: an answer for the request that waits there; one that is gone is not
 * missed. */
void weft_http_answer(struct weft_http *h, const struct weft_waiter *waiter,
    const struct weft_client_message *message);
/* The same of a trace of this index that is JSON already; takes the buffer's memory. */
void weft_http_answer_json(struct weft_http *h, const struct weft_waiter *waiter, uint64_t index,
    struct weft_buffer *json);
/* The same of a text of that type, which lives on. */
void weft_http_answer_text(struct weft_http *h, const struct weft_waiter *waiter, unsigned status,
    const char *type, struct weft_text text);
void weft_http_answer_bytes(
    struct weft_http *h, const struct weft_waiter *waiter, struct weft_bytes message);

/* What became of the token that came with a request. */
void weft_http_verdict(struct weft_http *h, const struct weft_warrants_verdict *verdict);

/* For node/replies.c: the request was refused, and the answer follows. */
void weft_http_refused(struct weft_http *h, const struct weft_waiter *waiter);

/* Does the request still wait there? */
bool weft_http_is_awaited(struct weft_http *h, const struct weft_waiter *waiter);

/* Each turn of the node, before its reads: streams ask for what is new. */
void weft_http_turn(struct weft_http *h, uint64_t applied_index);
/* When the next one is due; UINT64_MAX: none. */
uint64_t weft_http_deadline(const struct weft_http *h);

/* The imports of this door. */
struct weft_http_captures *weft_http_captures(struct weft_http *h);

const struct weft_http_stats *weft_http_stats(struct weft_http *h);

#endif
