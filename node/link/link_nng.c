#include <nng/nng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/nng_engine.h"
#include "node/link/transport.h"

/* The nng transport: nng's TLS streams under our own frames.
 *
 * nng's patterns are not used: their listeners take a stranger's reset for their own end
 * (issue 1518), their dialers stop for good, their pipes outlive dead peers. Streams leave the
 * accept loop, the back-off and the deadlines to us. nng's threads do one thing: put a
 * finished operation into the mailbox. Each operation is its own place in it, so that it is
 * bounded by the operations there are: three a stream, one a door.
 *
 * Two rules follow from reading nng 1.5.2's tls_common.c:
 *  - an operation that waits on a dead TLS stream neither ends nor can be cancelled, only
 *    nng_stream_close ends it: so it always comes before nng_aio_free (LNK-11);
 *  - an error that comes while nobody receives is forgotten, and the next receive would wait
 *    for ever: weft_nng_engine_receive, and for paused streams a look at their socket. */

enum {
    RECEIVE_SIZE = 64 * 1024,
    PROBE_MS = 125,  /* chosen: half of how long a forgotten error may go unnoticed */
    CLOSE_MS = 3000, /* chosen: what nng has not given back by then is left behind */
};

enum op_type {
    OP_ACCEPT,
    OP_DIAL,
    OP_RECEIVE,
    OP_SEND
};

struct op {
    enum op_type type;
    struct door *door;
    struct weft_stream *stream; /* NULL: accept. */
    nng_aio *aio;
    TAILQ_ENTRY(op) posted;
    bool is_busy; /* The loop's: begun, and not yet taken from the mailbox. */
    int result;   /* nng's thread writes these before it posts. */
    size_t done_bytes;
    uint8_t *at; /* What a send still has to send, while it is busy. */
    size_t left_bytes;
};

struct weft_stream {
    TAILQ_ENTRY(weft_stream) all;
    struct door *door;
    struct weft_link_conn *conn; /* NULL: parted. */
    nng_stream *nng;             /* NULL until dialled. */
    nng_stream_dialer *dialer;   /* NULL if accepted. */
    struct op dial, receive, send;
    uint64_t dead_since;      /* The probe that first found it so; 0: none. */
    struct weft_queue flying; /* What `send` sends. */
    uint8_t *received;        /* RECEIVE_SIZE bytes; written by nng while `receive` is busy. */
};

/* The transport's part of a link. */
struct door {
    struct weft_link *link;
    uv_async_t async;
    uv_timer_t probe;
    uint64_t probes;
    uv_timer_t retry; /* Of accept; while closing, its bound. */
    uint32_t handles;
    uv_mutex_t lock; /* Of the three below; all else is the loop's. */
    TAILQ_HEAD(, op) mailbox;
    uint32_t configs; /* That nng has not freed, with the streams that hold them. */
    bool is_deaf;     /* Closed with operations left behind: nobody reads the mailbox. */
    TAILQ_HEAD(, weft_stream) streams; /* With a connection. */
    TAILQ_HEAD(, weft_stream) parted;  /* Without one any more: freed by sweep. */
    nng_stream_listener *listener;
    nng_tls_config *server, *client;
    struct op accept;
    bool is_reloading;
    bool is_closing;
    bool is_released; /* Closing: all that we hold of nng's has been given back. */
    bool is_closed;   /* And nng has freed it. */
};

/* --- mailbox ----------------------------------------------------------------------------- */

static void begin_send(struct op *op)
{
    nng_iov iov = {.iov_buf = op->at, .iov_len = op->left_bytes};
    (void)nng_aio_set_iov(op->aio, 1, &iov);
    nng_stream_send(op->stream->nng, op->aio);
}

/* On one of nng's threads. */
static void on_done(void *arg)
{
    struct op *op = arg;
    struct door *door = op->door;
    op->result = nng_aio_result(op->aio);
    op->done_bytes = nng_aio_count(op->aio);
    if (op->type == OP_SEND && op->result == 0 && op->done_bytes < op->left_bytes) {
        op->at += op->done_bytes; /* nng takes 16 KiB at a time: the rest needs no hop. */
        op->left_bytes -= op->done_bytes;
        begin_send(op);
        return;
    }
    uv_mutex_lock(&door->lock);
    if (!door->is_deaf) {
        bool was_empty = TAILQ_EMPTY(&door->mailbox);
        TAILQ_INSERT_TAIL(&door->mailbox, op, posted);
        if (was_empty) {
            (void)uv_async_send(&door->async);
        }
    }
    uv_mutex_unlock(&door->lock);
}

static bool init_op(struct op *op, enum op_type type, struct door *door, struct weft_stream *s)
{
    op->type = type;
    op->door = door;
    op->stream = s;
    return nng_aio_alloc(&op->aio, on_done, op) == 0;
}

/* --- streams ----------------------------------------------------------------------------- */

static void free_stream(struct weft_stream *s)
{
    if (s->nng != NULL) {
        nng_stream_close(s->nng); /* LNK-11 */
    }
    if (s->dialer != NULL) {
        nng_stream_dialer_close(s->dialer);
    }
    nng_aio_free(s->dial.aio);
    nng_aio_free(s->receive.aio);
    nng_aio_free(s->send.aio);
    nng_stream_free(s->nng);
    nng_stream_dialer_free(s->dialer);
    weft_queue_destroy(&s->flying);
    free(s->received);
    TAILQ_REMOVE(&s->door->parted, s, all);
    free(s);
}

/* Takes `nng`, also on failure. The stream is parted until it is given a connection. */
static struct weft_stream *create_stream(struct door *door, nng_stream *nng)
{
    struct weft_stream *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        nng_stream_free(nng); /* Which closes it. */
        return NULL;
    }
    s->door = door;
    s->nng = nng;
    TAILQ_INSERT_TAIL(&door->parted, s, all);
    s->received = malloc(RECEIVE_SIZE);
    if (s->received == NULL || !init_op(&s->dial, OP_DIAL, door, s) ||
        !init_op(&s->receive, OP_RECEIVE, door, s) || !init_op(&s->send, OP_SEND, door, s)) {
        free_stream(s);
        return NULL;
    }
    return s;
}

static void join(struct weft_stream *s, struct weft_link_conn *conn)
{
    TAILQ_REMOVE(&s->door->parted, s, all);
    TAILQ_INSERT_TAIL(&s->door->streams, s, all);
    s->conn = conn;
}

static void begin_receive(struct weft_stream *s)
{
    if (s->nng == NULL || s->receive.is_busy || s->conn->is_paused) {
        return;
    }
    nng_iov iov = {.iov_buf = s->received, .iov_len = RECEIVE_SIZE};
    (void)nng_aio_set_iov(s->receive.aio, 1, &iov);
    s->receive.is_busy = true;
    weft_nng_engine_receive(s->nng, s->receive.aio);
}

static void flush(struct weft_link_conn *conn)
{
    struct weft_stream *s = conn->stream;
    if (s->nng == NULL || s->send.is_busy || weft_queue_size(&conn->out) == 0) {
        return; /* on_dialled or on_sent comes back here. */
    }
    weft_queue_destroy(&s->flying); /* Of a send that failed. */
    s->flying = conn->out;
    conn->out = (struct weft_queue){0};
    conn->flying_bytes = weft_queue_size(&s->flying);
    s->send.at = weft_queue_front(&s->flying);
    s->send.left_bytes = conn->flying_bytes;
    s->send.is_busy = true;
    begin_send(&s->send);
}

static void drop(struct weft_link_conn *conn)
{
    struct weft_stream *s = conn->stream;
    if (conn->is_secured) {
        flush(conn); /* nng tries the socket inside the call, with its first 16 KiB. */
    }
    conn->stream = NULL;
    s->conn = NULL;
    if (s->nng != NULL) {
        nng_stream_close(s->nng);
    }
    if (s->dialer != NULL) {
        nng_stream_dialer_close(s->dialer);
    }
    TAILQ_REMOVE(&s->door->streams, s, all);
    TAILQ_INSERT_TAIL(&s->door->parted, s, all);
    (void)uv_async_send(&s->door->async);
}

static void pause_reading(struct weft_link_conn *conn)
{
    begin_receive(conn->stream);
}

/* --- what operations brought ------------------------------------------------------------- */

/* An error of receive or send, in the words of whoever knows best. */
static void fail_stream(struct weft_stream *s, int result)
{
    struct weft_nng_report report;
    weft_nng_engine_report(s->nng, &report);
    if (report.reason[0] != '\0') {
        weft_conn_fail(s->conn,
            s->conn->state == WEFT_CONN_UP ? WEFT_CAUSE_MALFORMED : WEFT_CAUSE_TLS, "TLS: %s",
            report.reason);
    } else {
        weft_conn_fail(s->conn, WEFT_CAUSE_GONE, "%s",
            result == NNG_ECONNSHUT || result == NNG_ECLOSED ? "closed by the other end"
                                                             : nng_strerror(result));
    }
}

static void on_received(struct weft_stream *s)
{
    struct weft_link_conn *conn = s->conn;
    size_t size = s->receive.done_bytes, room_size;
    uint8_t *room;
    if (s->receive.result != 0) {
        fail_stream(s, s->receive.result);
        return;
    }
    if (!conn->is_secured) {
        struct weft_nng_report report;
        weft_nng_engine_report(s->nng, &report);
        if (!report.is_secured) {
            weft_conn_fail(conn, WEFT_CAUSE_TLS, "%s", report.reason);
            return;
        }
        weft_conn_secured(conn, &report.identity);
    }
    for (size_t at = 0; at < size;) {
        if (weft_framing_room(&conn->in, &room, &room_size) != WEFT_OK) {
            weft_conn_fail(conn, WEFT_CAUSE_LOCAL, "no memory for what was received");
            return;
        }
        size_t n = room_size < size - at ? room_size : size - at;
        memcpy(room, s->received + at, n);
        at += n;
        weft_conn_received(conn, n);
        if (s->conn == NULL) {
            return;
        }
    }
    begin_receive(s);
}

static void on_sent(struct weft_stream *s)
{
    struct weft_link_conn *conn = s->conn;
    if (s->send.result != 0) {
        fail_stream(s, s->send.result);
        return;
    }
    s->door->link->stats.bytes_out += weft_queue_size(&s->flying);
    weft_queue_destroy(&s->flying);
    conn->flying_bytes = 0;
    flush(conn); /* First, so that nng works while callbacks do. */
    weft_conn_sent(conn);
}

static void on_dialled(struct weft_stream *s)
{
    s->nng = s->dial.result == 0 ? nng_aio_get_output(s->dial.aio, 0) : NULL;
    if (s->conn == NULL) {
        return; /* Parted meanwhile; freed with its stream. */
    }
    if (s->nng == NULL) {
        weft_conn_fail(s->conn, WEFT_CAUSE_UNREACHABLE, "%s", nng_strerror(s->dial.result));
        return;
    }
    begin_receive(s);
    weft_conn_greet(s->conn); /* Waits in nng until the other end has proved itself. */
}

/* --- accepting --------------------------------------------------------------------------- */

static void begin_accept(struct door *door)
{
    door->accept.is_busy = true;
    nng_stream_listener_accept(door->listener, door->accept.aio);
}

static void format_address(const nng_sockaddr *from, char ret_text[WEFT_LINK_REMOTE_SIZE])
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = from->s_in.sa_port};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = from->s_in6.sa_port};
    v4.sin_addr.s_addr = from->s_in.sa_addr;
    memcpy(&v6.sin6_addr, from->s_in6.sa_addr, sizeof(v6.sin6_addr));
    weft_link_format_address(
        from->s_family == NNG_AF_INET6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, ret_text);
}

static void take_stranger(struct door *door, nng_stream *nng)
{
    nng_sockaddr peer;
    char remote[WEFT_LINK_REMOTE_SIZE] = "?";
    if (nng_stream_get_addr(nng, NNG_OPT_REMADDR, &peer) == 0) {
        format_address(&peer, remote);
    }
    struct weft_stream *s = create_stream(door, nng);
    if (s == NULL) {
        return;
    }
    struct weft_link_conn *conn = weft_conn_accepted(door->link, s, remote);
    if (conn == NULL) {
        free_stream(s);
        return;
    }
    join(s, conn);
    begin_receive(s);
}

static enum weft_err open_listener(struct door *door, const char *address, struct weft_msg *msg)
{
    char url[WEFT_LINK_REMOTE_SIZE + 16];
    nng_stream_listener *l = NULL;
    nng_sockaddr bound;
    (void)snprintf(url, sizeof(url), "tls+tcp://%s", address);
    int result = nng_stream_listener_alloc(&l, url);
    if (result != 0 ||
        (result = nng_stream_listener_set_ptr(l, NNG_OPT_TLS_CONFIG, door->server)) != 0 ||
        (result = nng_stream_listener_set_bool(l, NNG_OPT_TCP_NODELAY, true)) != 0 ||
        (result = nng_stream_listener_listen(l)) != 0 ||
        (result = nng_stream_listener_get_addr(l, NNG_OPT_LOCADDR, &bound)) != 0) {
        nng_stream_listener_free(l);
        return weft_fail(msg, result == NNG_EADDRINUSE ? WEFT_EUNAVAILABLE : WEFT_EINVAL,
            "listen at %s: %s", address, nng_strerror(result));
    }
    format_address(&bound, door->link->address);
    door->listener = l;
    return WEFT_OK;
}

static void on_retry(uv_timer_t *timer)
{
    struct door *door = timer->data;
    struct weft_link *link = door->link;
    struct weft_msg msg;
    if (door->listener == NULL) {
        if (open_listener(door, link->address, &msg) != WEFT_OK) {
            weft_link_event(link, WEFT_CAUSE_ACCEPT, "link_accept_failed", link->address, msg.text);
            (void)uv_timer_start(&door->retry, on_retry, WEFT_LINK_ACCEPT_RETRY_MS, 0);
            return;
        }
        link->stats.listener_reopened++;
        weft_link_event(link, WEFT_CAUSE_REOPENED, "link_listener_reopened", link->address,
            "the listener had stopped; opened again");
    }
    begin_accept(door);
}

static void on_accepted(struct door *door)
{
    int result = door->accept.result;
    if (result == 0) {
        nng_stream *nng = nng_aio_get_output(door->accept.aio, 0);
        if (door->is_closing) {
            nng_stream_free(nng);
        } else {
            take_stranger(door, nng);
        }
    }
    if (door->is_closing) {
        return;
    }
    if (result == 0 || door->is_reloading) {
        door->is_reloading = false;
        begin_accept(door);
        return;
    }
    weft_link_event(door->link, WEFT_CAUSE_ACCEPT, "link_accept_failed", door->link->address,
        nng_strerror(result));
    if (result != NNG_ENOMEM && result != NNG_ENOFILES && result != NNG_ECONNABORTED) {
        nng_stream_listener_free(door->listener);
        door->listener = NULL;
    }
    (void)uv_timer_start(&door->retry, on_retry, WEFT_LINK_ACCEPT_RETRY_MS, 0);
}

static void take(struct op *op)
{
    struct weft_stream *s = op->stream;
    op->is_busy = false;
    if (op->type == OP_ACCEPT) {
        on_accepted(op->door);
        return;
    }
    if (op->type == OP_DIAL) {
        on_dialled(s);
    } else if (s->conn != NULL && op->type == OP_RECEIVE) {
        on_received(s);
    } else if (s->conn != NULL) {
        on_sent(s);
    }
}

/* Streams whose operations have all come back. Not inside the calls that part them, since
 * these come from the middle of their own work. */
static void sweep(struct door *door)
{
    struct weft_stream *s = TAILQ_FIRST(&door->parted);
    while (s != NULL) {
        struct weft_stream *next = TAILQ_NEXT(s, all);
        if (!s->dial.is_busy && !s->receive.is_busy && !s->send.is_busy) {
            free_stream(s);
        }
        s = next;
    }
}

static void close_if_done(struct door *door);

static void on_async(uv_async_t *async)
{
    struct door *door = async->data;
    TAILQ_HEAD(, op) taken = TAILQ_HEAD_INITIALIZER(taken);
    struct op *op;
    uv_mutex_lock(&door->lock);
    TAILQ_CONCAT(&taken, &door->mailbox, posted);
    uv_mutex_unlock(&door->lock);
    while ((op = TAILQ_FIRST(&taken)) != NULL) {
        TAILQ_REMOVE(&taken, op, posted);
        take(op);
    }
    sweep(door);
    close_if_done(door);
}

/* --- dialling ---------------------------------------------------------------------------- */

static enum weft_err dial(struct weft_link_conn *conn, struct weft_msg *msg)
{
    struct door *door = conn->link->listener;
    char url[WEFT_LINK_REMOTE_SIZE + 16];
    struct weft_stream *s = create_stream(door, NULL);
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a connection");
    }
    (void)snprintf(url, sizeof(url), "tls+tcp://%s", conn->remote);
    int result = nng_stream_dialer_alloc(&s->dialer, url);
    if (result != 0 ||
        (result = nng_stream_dialer_set_ptr(s->dialer, NNG_OPT_TLS_CONFIG, door->client)) != 0) {
        free_stream(s);
        return weft_fail(msg, WEFT_EUNAVAILABLE, "%s", nng_strerror(result));
    }
    (void)nng_stream_dialer_set_bool(s->dialer, NNG_OPT_TCP_NODELAY, true);
    join(s, conn);
    conn->stream = s;
    s->dial.is_busy = true;
    nng_stream_dialer_dial(s->dialer, s->dial.aio);
    return WEFT_OK;
}

/* --- watching ---------------------------------------------------------------------------- */

/* Dead for two probes: what came before its end has been taken from the mailbox by then. */
static struct weft_stream *find_dead(struct door *door)
{
    struct weft_stream *s;
    nng_sockaddr peer;
    TAILQ_FOREACH(s, &door->streams, all)
    {
        if (s->nng == NULL || nng_stream_get_addr(s->nng, NNG_OPT_REMADDR, &peer) == 0) {
            continue;
        }
        if (s->dead_since != 0 && s->dead_since < door->probes) {
            return s;
        }
        s->dead_since = door->probes;
    }
    return NULL;
}

static void on_probe(uv_timer_t *timer)
{
    struct door *door = timer->data;
    struct weft_stream *s;
    door->probes++;
    /* Callbacks may close any stream: the search begins anew each time. */
    while ((s = find_dead(door)) != NULL) {
        fail_stream(s, NNG_ECLOSED);
    }
}

/* --- opening and closing ----------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct door *door = handle->data;
    if (--door->handles > 0) {
        return;
    }
    struct weft_link *link = door->link;
    if (!door->is_deaf) { /* Else nng's threads may still look at it: left behind. */
        uv_mutex_destroy(&door->lock);
        free(door);
    }
    weft_link_transport_closed(link);
}

static void close_handles(struct door *door)
{
    door->is_closed = true;
    uv_close((uv_handle_t *)&door->async, on_handle_closed);
    uv_close((uv_handle_t *)&door->probe, on_handle_closed);
    uv_close((uv_handle_t *)&door->retry, on_handle_closed);
}

static void free_configs(struct door *door)
{
    if (door->server != NULL) {
        nng_tls_config_free(door->server);
    }
    if (door->client != NULL) {
        nng_tls_config_free(door->client);
    }
}

/* On any thread: nng has freed a configuration, and thus every stream that was made with it. */
static void on_config_freed(void *ctx)
{
    struct door *door = ctx;
    uv_mutex_lock(&door->lock);
    door->configs--;
    if (!door->is_deaf) {
        (void)uv_async_send(&door->async);
    }
    uv_mutex_unlock(&door->lock);
}

static void close_if_done(struct door *door)
{
    if (!door->is_closing || door->is_closed || door->accept.is_busy ||
        !TAILQ_EMPTY(&door->streams) || !TAILQ_EMPTY(&door->parted)) {
        return;
    }
    if (!door->is_released) {
        door->is_released = true;
        nng_aio_free(door->accept.aio);
        nng_stream_listener_free(door->listener);
        free_configs(door);
    }
    uv_mutex_lock(&door->lock);
    bool is_done = door->configs == 0;
    uv_mutex_unlock(&door->lock);
    if (is_done) {
        close_handles(door);
    }
}

/* nng has not given everything back. What is left leaks, once, rather than hold up the end
 * of the process. */
static void on_late(uv_timer_t *timer)
{
    struct door *door = timer->data;
    uv_mutex_lock(&door->lock);
    door->is_deaf = true;
    uv_mutex_unlock(&door->lock);
    weft_link_event(door->link, WEFT_CAUSE_CLOSE_LATE, "link_close_late", door->link->address,
        "nng did not end its operations in time; left behind");
    close_handles(door);
}

static void close_door(struct weft_link *link)
{
    struct door *door = link->listener;
    door->is_closing = true;
    (void)uv_timer_stop(&door->probe);
    (void)uv_timer_start(&door->retry, on_late, CLOSE_MS, 0);
    if (door->listener != NULL) {
        nng_stream_listener_close(door->listener);
    }
    (void)uv_async_send(&door->async);
}

static enum weft_err make_config(
    struct door *door, SSL_CTX *ctx, bool is_server, nng_tls_config **ret_config)
{
    enum weft_err err = weft_nng_engine_config(ctx, is_server, on_config_freed, door, ret_config);
    if (err == WEFT_OK) {
        uv_mutex_lock(&door->lock);
        door->configs++;
        uv_mutex_unlock(&door->lock);
    }
    return err;
}

static enum weft_err make_configs(struct door *door, struct weft_msg *msg)
{
    const struct weft_tls *tls = &door->link->tls;
    nng_tls_config *server = NULL, *client = NULL;
    if (make_config(door, tls->server, true, &server) != WEFT_OK ||
        make_config(door, tls->client, false, &client) != WEFT_OK) {
        if (server != NULL) {
            nng_tls_config_free(server);
        }
        return weft_fail(msg, WEFT_ENOMEM, "no memory for TLS");
    }
    free_configs(door);
    door->server = server;
    door->client = client;
    return WEFT_OK;
}

static enum weft_err reload(struct weft_link *link, struct weft_msg *msg)
{
    struct door *door = link->listener;
    enum weft_err err = make_configs(door, msg);
    if (err == WEFT_OK && door->listener != NULL) {
        (void)nng_stream_listener_set_ptr(door->listener, NNG_OPT_TLS_CONFIG, door->server);
        if (door->accept.is_busy) {
            /* The accept under way has already taken the old configuration. */
            door->is_reloading = true;
            nng_aio_cancel(door->accept.aio);
        }
    }
    return err;
}

static enum weft_err open_door(struct weft_link *link, struct weft_msg *msg)
{
    struct door *door = calloc(1, sizeof(*door));
    uv_loop_t *loop = link->options.loop;
    if (door == NULL || uv_async_init(loop, &door->async, on_async) != 0) {
        free(door);
        weft_link_transport_closed(link);
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a link");
    }
    (void)uv_mutex_init(&door->lock);
    door->link = link;
    link->listener = door;
    TAILQ_INIT(&door->mailbox);
    TAILQ_INIT(&door->streams);
    TAILQ_INIT(&door->parted);
    (void)uv_timer_init(loop, &door->probe);
    (void)uv_timer_init(loop, &door->retry);
    door->handles = 3;
    door->async.data = door->probe.data = door->retry.data = door;
    enum weft_err err = weft_nng_engine_install(msg);
    if (err == WEFT_OK) {
        err = make_configs(door, msg);
    }
    if (err == WEFT_OK && !init_op(&door->accept, OP_ACCEPT, door, NULL)) {
        err = weft_fail(msg, WEFT_ENOMEM, "no memory for a link");
    }
    if (err == WEFT_OK && link->options.listen != NULL) {
        err = open_listener(door, link->listen, msg);
    }
    if (err != WEFT_OK) {
        close_door(link);
        return err;
    }
    if (door->listener != NULL) {
        begin_accept(door);
    }
    (void)uv_timer_start(&door->probe, on_probe, PROBE_MS, PROBE_MS);
    return WEFT_OK;
}

const struct weft_transport weft_transport_nng = {
    .open = open_door,
    .close = close_door,
    .dial = dial,
    .flush = flush,
    .pause = pause_reading,
    .drop = drop,
    .reload = reload,
    .release = NULL,
};
