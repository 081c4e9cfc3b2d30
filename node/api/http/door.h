/* node/api/http/door.h: the table of connections and what each is doing. Private to the room.
 *
 * A connection has one request at a time: libmicrohttpd takes pipelined ones in order. A request
 * that waits for an answer of the node is suspended there, and found again by its place in the
 * table and the generation it had. States and transitions: node/api/http/README.md. */
#ifndef WEFT_NODE_API_HTTP_DOOR_H
#define WEFT_NODE_API_HTTP_DOOR_H

#include <microhttpd.h>
#include <uv.h>

#include "node/api/http/capture.h"
#include "node/api/http/event.h"
#include "node/api/http/http.h"
#include "node/api/http/peer.h"
#include "node/api/http/reply.h"
#include "node/api/http/target.h"
#include "node/api/http/tokens.h"

enum {
    WEFT_HTTP_MEMORY_BYTES = 32 * 1024, /* Per connection in libmicrohttpd: bounds the head. */
    WEFT_HTTP_HEAD_MS = 10000,          /* From the first line, or the accept, to a whole head. */
    WEFT_HTTP_IDLE_MS = 60000,          /* Between two requests. */
    WEFT_HTTP_STALL_S = 30,             /* Without a byte in either direction. */
    WEFT_HTTP_TICK_MS = 250,            /* Deadlines are looked at so often. */
    WEFT_HTTP_BEAT_MS = 15000,          /* A stream that has nothing to say. */
    WEFT_HTTP_DRAIN_BYTES = 80 * 1024 * 1024, /* A chunked body is swallowed up to there. */
    WEFT_HTTP_ARENA_BYTES = 64 * 1024 * 1024,
    WEFT_HTTP_STREAM_RECORDS = 200, /* Per page of a stream. */
};

enum weft_http_state {
    WEFT_EXCHANGE_FREE,
    WEFT_EXCHANGE_IDLE,      /* Connected, no request. */
    WEFT_EXCHANGE_HEAD,      /* The request line is here. */
    WEFT_EXCHANGE_BODY,      /* The head is whole and let in. */
    WEFT_EXCHANGE_DOUBTING,  /* It is whole, and whom it is for is not known yet; suspended. */
    WEFT_EXCHANGE_ASKING,    /* The node has it; suspended. */
    WEFT_EXCHANGE_READY,     /* The reply is made. */
    WEFT_EXCHANGE_SENDING,   /* libmicrohttpd has the reply. */
    WEFT_EXCHANGE_STREAMING, /* Events, until somebody hangs up. */
};

/* A stream of events. */
struct weft_http_stream {
    struct weft_http_position position;
    struct weft_text glob;  /* In the request's arena. */
    struct weft_buffer out; /* Frames not yet sent. */
    size_t sent;            /* Of them. */
    bool is_asking;         /* A query of it is with the reads. */
    bool is_riding;         /* Another stream asks for the same: its answer is ours. */
    bool is_over;           /* Nothing more is to come. */
    uint64_t beat_ms;       /* When the next comment is due. */
};

struct weft_http_conn {
    struct weft_http *door;
    struct MHD_Connection *mhd;
    int fd;
    enum weft_http_state state;
    uint32_t generation;
    uint32_t next_free;
    uint64_t deadline_ms; /* Monotonic; UINT64_MAX: none. */
    bool is_suspended;
    bool is_inside;  /* Within libmicrohttpd's call: the answer is queued there. */
    bool is_hung_up; /* The socket is shut down; the end follows. */
    bool has_peer;   /* `peer` has been looked for. */
    char peer[WEFT_PRINCIPAL_URI_SIZE]; /* By certificate; "": nobody. */

    /* The request. */
    struct weft_arena arena;
    struct weft_text raw_target;
    struct weft_http_target target;
    enum weft_http_method method;
    enum weft_http_media media;
    struct weft_http_condition condition;
    struct weft_http_asked asked;
    char principal[WEFT_PRINCIPAL_URI_SIZE];
    bool is_doubtful; /* Its token is being verified: `principal` is not known yet. */
    bool is_refused;  /* The reply is made; what is still to come of the content is not kept. */
    bool has_warrant; /* The principal is known by a signed token. */
    struct weft_warrant warrant;
    struct weft_buffer body;
    uint64_t body_seen;     /* Bytes, those over the limit included. */
    uint64_t held_until_ms; /* Its answer is that it was refused, and waits; 0: no. */
    struct weft_http_reply reply;
    struct weft_http_stream stream;
};

struct weft_http {
    struct weft_node *node;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    struct weft_http_conn *conns;
    uint32_t conn_max;
    uint32_t first_free;
    uint64_t tick_ms; /* Deadlines were looked at. */
    uint64_t applied_index;
    uint64_t held_due_ms; /* The first answer that is held goes out; UINT64_MAX: none is. */
    bool is_running;      /* Inside MHD_run. */
    bool is_closing;
    bool wants_run; /* Somebody was resumed. */
    bool has_asked; /* A waiter was given out: a turn of the node is wanted. */
    struct weft_http_credentials *credentials;
    struct weft_buffer cert, key, root; /* PEM. The key is wiped. */
    struct weft_http_tokens tokens;
    struct weft_http_captures *captures;
    struct weft_arena scratch;
    struct weft_http_stats stats;
    uint32_t closing; /* Handles still to close. */
    void (*on_closed)(void *ctx);
    void *ctx;
};

/* --- http.c ------------------------------------------------------------------------------ */

/* Let libmicrohttpd go on with it, soon. */
void weft_http_resume(struct weft_http_conn *c);
/* The socket is shut down; libmicrohttpd finds out and ends the connection. */
void weft_http_hang_up(struct weft_http_conn *c);
uint64_t weft_http_now_ms(const struct weft_http *h);

/* --- exchange.c -------------------------------------------------------------------------- */

/* libmicrohttpd's callbacks. */
void *weft_http_on_line(void *ctx, const char *target, struct MHD_Connection *mhd);
enum MHD_Result weft_http_on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_size,
    void **request);
void weft_http_on_completed(
    void *ctx, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode code);
/* The request of the connection is over, or was never there. */
void weft_http_exchange_end(struct weft_http_conn *c);
/* The reply stands in c->reply. */
void weft_http_exchange_ready(struct weft_http_conn *c);
/* A problem is the reply. `status` 0: that of the code. */
void weft_http_exchange_refuse(
    struct weft_http_conn *c, enum weft_err err, unsigned status, const char *detail);
/* For whom the request is: `err` WEFT_OK, or why that is not told. */
void weft_http_exchange_believe(
    struct weft_http_conn *c, enum weft_err err, const struct weft_msg *msg);
/* Its deadline has passed. */
void weft_http_exchange_late(struct weft_http_conn *c);
struct weft_waiter weft_http_waiter(const struct weft_http_conn *c);

/* --- dispatch.c -------------------------------------------------------------------------- */

/* The request is whole: answer it or hand it to the node. */
void weft_http_dispatch(struct weft_http_conn *c);

/* --- feed.c ------------------------------------------------------------------------------ */

/* GET /v1/commits as events: queues the response. */
enum MHD_Result weft_http_stream_start(struct weft_http_conn *c);
void weft_http_stream_end(struct weft_http_conn *c);
void weft_http_stream_answer(struct weft_http_conn *c, const struct weft_client_message *message);
/* Streams that wait ask for what is there by now; dead ones are found out. */
void weft_http_streams_turn(struct weft_http *h);

/* --- who.c ------------------------------------------------------------------------------- */

/* Sets c->principal, or c->is_doubtful: a verdict follows. WEFT_EPEER with a reason: nobody we
 * know. WEFT_EBUSY. */
WEFT_MUST_USE enum weft_err weft_http_identify(struct weft_http_conn *c, struct weft_msg *msg);
/* Is a signed token good for what is asked? If not, `msg` has what is told. */
WEFT_MUST_USE enum weft_err weft_http_check_token(
    const struct weft_http_conn *c, struct weft_msg *msg);
/* Does it still count? */
bool weft_http_is_warranted(const struct weft_http_conn *c);
/* Certificate, key, root and tokens from their files. */
WEFT_MUST_USE enum weft_err weft_http_load_files(struct weft_http *h, struct weft_msg *msg);

#endif
