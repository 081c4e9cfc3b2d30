/* node/link/transport.h: the inside of a link: what the supervisor and its transports share.
 *
 * Private to node/link. The supervisor (link.c, conn.c) owns links and connections: states,
 * deadlines, queues, counters, callbacks. A transport (link_direct.c, link_nng.c) owns
 * streams: sockets, TLS, threads. A connection has at most one stream at a time; a stream
 * that lost its connection closes itself in the background. Everything here runs on the
 * loop's thread. States, invariants LNK-1 to LNK-12 and limits: node/link/README.md. */
#ifndef WEFT_NODE_LINK_TRANSPORT_H
#define WEFT_NODE_LINK_TRANSPORT_H

#include <sys/queue.h>

#include "node/link/framing.h"
#include "node/link/limiter.h"
#include "node/link/link.h"
#include "node/link/queue.h"
#include "node/link/tls.h"

enum {
    WEFT_LINK_RETRY_MIN_MS = 50,    /* specified: link.h */
    WEFT_LINK_RETRY_MAX_MS = 1000,  /* specified: link.h */
    WEFT_LINK_SLOW_MS = 10000,      /* chosen: a stalled disk of the other end may take seconds */
    WEFT_LINK_HANDSHAKES_MAX = 256, /* chosen: strangers at a time; the oldest gives way */
    WEFT_LINK_HEARTBEAT_MAX_MS = 60000, /* chosen: the slowest that another end may ask for */
    WEFT_LINK_ACCEPT_RETRY_MS = 100,    /* chosen: e.g. out of descriptors */
    WEFT_LINK_BACKLOG = 512,            /* chosen: a turn of the loop may take 50 ms at 10,000/s */
    WEFT_LINK_REMOTE_SIZE = 264,        /* "host:port", host up to WEFT_ADDRESS_SIZE_MAX */
    WEFT_LINK_FILE_SIZE = 512,
    WEFT_LINK_ERROR_SIZE = 256,
};

/*            dial, timer        hello of the other end
 *   WAITING ------------> OPENING ------------------> UP         dialled
 *      ^                     |                         |
 *      +---------------------+-------------------------+ fail
 *
 *            accept          hello of the other end
 *            ------> OPENING ------------------> UP              accepted
 *                       |                         |
 *                       +-------> DEAD <----------+ fail
 *
 *   Any state: DEAD on weft_link_conn_close; memory goes when its timer has closed. */
enum weft_conn_state {
    WEFT_CONN_WAITING,
    WEFT_CONN_OPENING,
    WEFT_CONN_UP,
    WEFT_CONN_DEAD
};

/* Why a connection ended; each has a counter and an event's name (conn.c, causes). */
enum weft_link_cause {
    WEFT_CAUSE_GONE = 1, /* The other end closed, reset or vanished. */
    WEFT_CAUSE_UNREACHABLE,
    WEFT_CAUSE_TLS,      /* Not TLS, not authenticated, not in time. */
    WEFT_CAUSE_IDENTITY, /* Authenticated, and not welcome. */
    WEFT_CAUSE_LIMIT,
    WEFT_CAUSE_MALFORMED,
    WEFT_CAUSE_OVERSIZED,
    WEFT_CAUSE_SILENT,
    WEFT_CAUSE_SLOW,
    WEFT_CAUSE_LOCAL, /* We closed, or lack memory. */
    WEFT_CAUSES,
    /* Of doors rather than connections; only the key of an event. */
    WEFT_CAUSE_ACCEPT = WEFT_CAUSES,
    WEFT_CAUSE_REOPENED,
    WEFT_CAUSE_CLOSE_LATE,
};

struct weft_stream; /* A transport's. */

struct weft_link_conn {
    struct weft_link *link;
    TAILQ_ENTRY(weft_link_conn) all;
    TAILQ_ENTRY(weft_link_conn) strangers; /* While accepted and OPENING, oldest first. */
    TAILQ_ENTRY(weft_link_conn) dirty;     /* While is_dirty. */
    uv_timer_t timer;
    enum weft_conn_state state;
    struct weft_stream *stream; /* NULL while WAITING or DEAD. */
    struct weft_framing in;
    struct weft_queue out; /* Messages that the transport has not taken yet. */
    size_t flying_bytes;   /* Taken by the transport, not yet by the kernel. */
    void *user;
    uint64_t heard_ms, sent_ms, deadline_ms;
    uint64_t silence_ms; /* 3 heartbeats of the slower end; 0: none are sent. */
    uint64_t full_ms;    /* Since when the queue is full; 0: it is not. */
    uint32_t retry_ms;
    bool is_dialled;
    bool is_dirty;
    bool is_secured; /* TLS is done; `identity` is filled in. */
    bool is_paused;
    bool is_resumed; /* Not paused any more; what waits in `in` is to be delivered. */
    bool is_suspect; /* A deadline passed; it gets one more turn of the loop. */
    struct weft_identity identity;
    char expected[WEFT_IDENTITY_SIZE];  /* "": anybody whom `admit` admits. */
    char remote[WEFT_LINK_REMOTE_SIZE]; /* "host:port". */
    char error[WEFT_LINK_ERROR_SIZE];
};

/* All return at once; failures come later as weft_conn_fail, unless said otherwise. */
struct weft_transport {
    /* Starts listening if asked to, and fills link->address. On failure it has closed itself
     * as by `close`. */
    enum weft_err (*open)(struct weft_link *link, struct weft_msg *msg);
    /* Stops listening; then, once no stream is left, weft_link_transport_closed. */
    void (*close)(struct weft_link *link);
    /* Gives conn a stream that dials conn->remote. On failure it has none. */
    enum weft_err (*dial)(struct weft_link_conn *conn, struct weft_msg *msg);
    /* Takes what it can of conn->out and sends it. May call weft_conn_fail. */
    void (*flush)(struct weft_link_conn *conn);
    /* Stops or goes on reading, as conn->is_paused says. */
    void (*pause)(struct weft_link_conn *conn);
    /* Parts conn and its stream. What waits goes out as far as the kernel takes it at once,
     * then TLS's close_notify. Calls nothing back. */
    void (*drop)(struct weft_link_conn *conn);
    /* link->tls was replaced. NULL: nothing to do. */
    enum weft_err (*reload)(struct weft_link *link, struct weft_msg *msg);
    /* Memory that `conn` does not need while it is quiet. NULL: none. */
    void (*release)(struct weft_link_conn *conn);
};

extern const struct weft_transport weft_transport_direct;
extern const struct weft_transport weft_transport_nng;

struct weft_link {
    struct weft_link_options options;
    struct weft_tls tls;
    const struct weft_transport *transport;
    void *listener; /* The transport's. */
    TAILQ_HEAD(, weft_link_conn) conns;
    TAILQ_HEAD(, weft_link_conn) strangers;
    TAILQ_HEAD(, weft_link_conn) dirty;
    uint32_t dirty_count;
    uint32_t stranger_count, up_count; /* Accepted ones. */
    uv_prepare_t prepare;              /* Flushes what was sent in this turn. */
    uv_idle_t idle; /* Runs while something is to be flushed: poll does not wait. */
    uv_timer_t closer;
    uint32_t handles; /* Of libuv, and one for an open transport. */
    bool is_closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    uint64_t random;
    struct weft_link_stats stats;
    struct weft_limiter limiter;
    char listen[WEFT_LINK_REMOTE_SIZE];
    char ca_file[WEFT_LINK_FILE_SIZE], cert_file[WEFT_LINK_FILE_SIZE];
    char key_file[WEFT_LINK_FILE_SIZE];
    char address[WEFT_LINK_REMOTE_SIZE];
};

/* --- supervisor, called by transports ---------------------------------------------------- */

/* A stranger at the door: a connection in OPENING, or NULL: no memory, closing. */
struct weft_link_conn *weft_conn_accepted(
    struct weft_link *link, struct weft_stream *stream, const char *remote);
/* TLS is done and the certificate good. */
void weft_conn_secured(struct weft_link_conn *conn, const struct weft_identity *identity);
/* Puts a dialling end's hello into `out`; it may leave as soon as TLS is done. */
void weft_conn_greet(struct weft_link_conn *conn);
/* `size` bytes were put into conn->in. Messages are delivered; conn may have lost its stream
 * afterwards, which the transport checks by its own pointer. */
void weft_conn_received(struct weft_link_conn *conn, size_t size);
/* The kernel took bytes: flying_bytes or out shrank. */
void weft_conn_sent(struct weft_link_conn *conn);
/* It is over, for that reason. The stream is dropped. */
void weft_conn_fail(struct weft_link_conn *conn, enum weft_link_cause cause, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* Something of it is to be flushed at the end of this turn. */
void weft_conn_mark_dirty(struct weft_link_conn *conn);
/* A limited event: `peer` is the key of the limit, `text` what is said. */
void weft_link_event(struct weft_link *link, enum weft_link_cause cause, const char *event,
    const char *peer, const char *text);
void weft_link_transport_closed(struct weft_link *link);

/* --- between link.c and conn.c ----------------------------------------------------------- */

struct weft_link_conn *weft_conn_create(struct weft_link *link, bool is_dialled);
void weft_conn_start(struct weft_link_conn *conn); /* Dialled: the first attempt. */
void weft_conn_arm(struct weft_link_conn *conn);
/* Into DEAD; the memory goes later. Calls nothing back. */
void weft_conn_bury(struct weft_link_conn *conn);
void weft_conn_deliver(struct weft_link_conn *conn);
void weft_link_release(struct weft_link *link); /* One handle less. */
void weft_link_on_idle(uv_idle_t *idle);

/* "host:port" or "[v6]:port" into its parts. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_link_split_address(const char *address,
    char ret_host[WEFT_LINK_REMOTE_SIZE], char ret_port[8], struct weft_msg *msg);
/* True if host is an address rather than a name. `ret_address` has room for any. */
bool weft_link_literal_address(const char *host, const char *port, struct sockaddr *ret_address);
/* Where to listen; a name is looked up here and now. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_link_listen_address(
    const char *address, struct sockaddr_storage *ret_address, struct weft_msg *msg);
void weft_link_format_address(const struct sockaddr *address, char ret_text[WEFT_LINK_REMOTE_SIZE]);

#endif
