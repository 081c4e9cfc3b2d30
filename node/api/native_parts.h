/* node/api/native_parts.h: the client door's table, between native.c and native_flow.c. Private. */
#ifndef WEFT_NODE_API_NATIVE_PARTS_H
#define WEFT_NODE_API_NATIVE_PARTS_H

#include "node/api/native.h"

struct weft_native_client {
    struct weft_link_conn *conn; /* NULL: free. */
    uint32_t generation;
    uint32_t unanswered;
    bool is_paused;          /* Too many of its requests are unanswered. */
    bool is_penalized;       /* Too many of its notes did not count. */
    uint64_t paced_until_ms; /* Too many of its requests were refused; 0: no. */
    uint64_t key;            /* Of its principal: weft_warrants_share. */
    uint32_t next_free;
};

struct weft_native {
    struct weft_node *node;
    struct weft_link *link;
    struct weft_native_client *clients;
    uint32_t client_max;
    uint32_t first_free; /* client_max: none. */
    uint32_t client_count;
    uint64_t paced_due_ms; /* The first who is paced goes on; UINT64_MAX: none is. */
    uint64_t requests;
    struct weft_arena arena;
    struct weft_buffer scratch;
    void (*on_closed)(void *ctx);
    void *ctx;
};

/* NULL: it is gone. */
struct weft_native_client *weft_native_find(
    struct weft_native *n, const struct weft_waiter *waiter);
bool weft_native_is_member(const struct weft_native *n, const struct weft_identity *identity);

/* --- native_flow.c: who is read from --------------------------------------------------------- */

/* A connection came up; one more request of it was read; one answer is on its way to it. */
void weft_native_flow_up(struct weft_native *n, struct weft_native_client *c);
void weft_native_flow_asked(struct weft_native *n, struct weft_native_client *c);
void weft_native_flow_answered(struct weft_native *n, struct weft_native_client *c);
/* A note of it came while too many of its bringer had not counted. */
void weft_native_flow_penalize(struct weft_native *n, const struct weft_waiter *waiter);

#endif
