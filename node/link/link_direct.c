#include <netdb.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/transport.h"
#include "proto/check.h"

/* The direct transport: libuv's sockets, OpenSSL on top.
 *
 * Out: what waits at the end of a turn is sealed into as few records as possible, and goes to
 * the kernel in one write. In: up to 64 KiB at a time into one buffer of the link, out of
 * which OpenSSL decrypts straight into the connection's frames. */

enum {
    READ_SIZE = 64 * 1024,
    SEAL_SIZE_MAX = 256 * 1024, /* chosen: sealed at a time; more than a socket takes at once */
    SEALED_SIZE_MAX = 2 * SEAL_SIZE_MAX, /* With TLS's own answers (key updates) that wait. */
    KEEPALIVE_S = 30,                    /* chosen; only without heartbeats */
    /* A handshake costs 0.3 ms: what a turn of the loop spends on them at most, so that a
     * storm of strangers does not stop those who are in. Chosen. */
    HANDSHAKE_TURN_NS = 2000000,
};

struct weft_stream {
    uv_tcp_t tcp; /* First: libuv's handle is cast to the stream. */
    struct direct *direct;
    struct weft_link_conn *conn; /* NULL: parted; the stream is closing. */
    SSL *ssl;
    const uint8_t *source; /* What the read BIO gives: encrypted bytes of this turn. */
    size_t source_size;
    struct weft_queue sealed; /* What the write BIO took, on its way to the kernel. */
    struct weft_queue flying; /* What uv_write has; not touched while it does. */
    struct weft_queue held;   /* Encrypted bytes of a handshake that waits for its turn. */
    TAILQ_ENTRY(weft_stream) waiting;
    bool is_waiting;
    bool is_secured;
    bool is_resolving;
    bool is_closed; /* libuv is done with the handle. */
    uv_write_t write;
    uv_connect_t connect;
    uv_getaddrinfo_t resolve;
};

/* The transport's part of a link. */
struct direct {
    struct weft_link *link;
    uv_tcp_t tcp;
    uv_prepare_t turn; /* Gives waiting handshakes their share. */
    uv_idle_t spin;    /* Runs while one waits. */
    uv_timer_t retry;  /* Of a listener that stopped. */
    TAILQ_HEAD(, weft_stream) waiting;
    uint64_t turn_used_ns;
    uint32_t references; /* Streams and handles. */
    uint8_t buffer[READ_SIZE];
};

static void release_direct(struct direct *d)
{
    weft_assert(d->references > 0); /* LNK-8 */
    if (--d->references == 0) {
        struct weft_link *link = d->link;
        free(d);
        weft_link_transport_closed(link);
    }
}

/* --- BIO: between OpenSSL and our buffers ------------------------------------------------- */

static int bio_read(BIO *bio, char *buf, size_t size, size_t *ret_size)
{
    struct weft_stream *s = BIO_get_data(bio);
    size_t n = size < s->source_size ? size : s->source_size;
    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(buf, s->source, n);
    s->source += n;
    s->source_size -= n;
    *ret_size = n;
    return 1;
}

static int bio_write(BIO *bio, const char *buf, size_t size, size_t *ret_size)
{
    struct weft_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (weft_queue_size(&s->sealed) > SEALED_SIZE_MAX ||
        weft_queue_append(&s->sealed, buf, size) != WEFT_OK) {
        return 0; /* A peer that makes TLS answer without reading: the connection ends. */
    }
    *ret_size = size;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft");
    if (bio_method != NULL) {
        (void)BIO_meth_set_read_ex(bio_method, bio_read);
        (void)BIO_meth_set_write_ex(bio_method, bio_write);
        (void)BIO_meth_set_ctrl(bio_method, bio_ctrl);
    }
}

/* --- streams ----------------------------------------------------------------------------- */

static void free_stream(struct weft_stream *s)
{
    struct direct *d = s->direct;
    SSL_free(s->ssl);
    weft_queue_destroy(&s->sealed);
    weft_queue_destroy(&s->flying);
    weft_queue_destroy(&s->held);
    free(s);
    release_direct(d);
}

static void on_stream_closed(uv_handle_t *handle)
{
    struct weft_stream *s = (struct weft_stream *)handle;
    s->is_closed = true;
    if (!s->is_resolving) {
        free_stream(s);
    }
}

static void close_stream(struct weft_stream *s)
{
    if (s->is_waiting) {
        TAILQ_REMOVE(&s->direct->waiting, s, waiting);
        s->is_waiting = false;
    }
    if (s->is_resolving) {
        (void)uv_cancel((uv_req_t *)&s->resolve);
    }
    uv_close((uv_handle_t *)&s->tcp, on_stream_closed);
}

/* Failures here leave nothing behind. */
static struct weft_stream *create_stream(struct direct *d, bool is_dialled)
{
    struct weft_stream *s = calloc(1, sizeof(*s));
    BIO *bio = NULL;
    SSL_CTX *ctx = is_dialled ? d->link->tls.client : d->link->tls.server;
    if (s == NULL || (s->ssl = weft_tls_connection(ctx, is_dialled)) == NULL ||
        (bio = BIO_new(bio_method)) == NULL) {
        goto fail;
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio); /* Takes bio. */
    if (uv_tcp_init(d->link->options.loop, &s->tcp) != 0) {
        goto fail;
    }
    s->direct = d;
    d->references++;
    return s;
fail:
    if (s != NULL) {
        SSL_free(s->ssl);
    }
    free(s);
    return NULL;
}

static void set_socket_options(struct weft_stream *s)
{
    (void)uv_tcp_nodelay(&s->tcp, 1);
    if (s->direct->link->options.heartbeat_ms == 0) {
        (void)uv_tcp_keepalive(&s->tcp, 1, KEEPALIVE_S);
    }
}

/* --- out --------------------------------------------------------------------------------- */

static void flush(struct weft_link_conn *conn);

static void on_written(uv_write_t *request, int status)
{
    struct weft_stream *s = request->data;
    weft_queue_destroy(&s->flying);
    if (s->conn == NULL) {
        return;
    }
    if (status < 0) {
        weft_conn_fail(s->conn, WEFT_CAUSE_GONE, "write: %s", uv_strerror(status));
        return;
    }
    flush(s->conn);
}

/* Messages become records. False: OpenSSL failed. */
static bool seal(struct weft_stream *s, struct weft_queue *out)
{
    while (weft_queue_size(out) > 0 && weft_queue_size(&s->sealed) < SEAL_SIZE_MAX) {
        size_t done;
        ERR_clear_error();
        if (SSL_write_ex(s->ssl, weft_queue_front(out), weft_queue_size(out), &done) != 1) {
            return false;
        }
        weft_queue_consume(out, done);
        weft_tls_sealed(s->ssl, done);
        s->direct->link->stats.bytes_out += done;
    }
    return true;
}

/* Records go to the kernel; what it does not take at once, libuv keeps. 0 or libuv's error. */
static int push(struct weft_stream *s)
{
    size_t size = weft_queue_size(&s->sealed);
    if (size == 0 || weft_queue_size(&s->flying) > 0) {
        return 0;
    }
    uv_buf_t buf = uv_buf_init((char *)weft_queue_front(&s->sealed), (unsigned)size);
    int done = uv_try_write((uv_stream_t *)&s->tcp, &buf, 1);
    if (done < 0 && done != UV_EAGAIN) {
        return done;
    }
    weft_queue_consume(&s->sealed, done > 0 ? (size_t)done : 0);
    if (weft_queue_size(&s->sealed) == 0) {
        return 0;
    }
    s->flying = s->sealed;
    s->sealed = (struct weft_queue){0};
    buf = uv_buf_init((char *)weft_queue_front(&s->flying), (unsigned)weft_queue_size(&s->flying));
    s->write.data = s;
    return uv_write(&s->write, (uv_stream_t *)&s->tcp, &buf, 1, on_written);
}

static void flush(struct weft_link_conn *conn)
{
    struct weft_stream *s = conn->stream;
    if (weft_queue_size(&s->flying) > 0) {
        return; /* on_written comes back here. */
    }
    if (s->is_secured && !seal(s, &conn->out)) {
        char reason[WEFT_TLS_REASON_SIZE];
        weft_tls_error(s->ssl, reason, sizeof(reason));
        weft_conn_fail(conn, WEFT_CAUSE_GONE, "TLS: %s", reason);
        return;
    }
    int result = push(s);
    if (result != 0) {
        weft_conn_fail(conn, WEFT_CAUSE_GONE, "write: %s", uv_strerror(result));
        return;
    }
    conn->flying_bytes = weft_queue_size(&s->flying);
    if (conn->flying_bytes == 0 && weft_queue_size(&conn->out) > 0) {
        weft_conn_mark_dirty(conn); /* The kernel takes more: after the others had their turn. */
    }
    weft_conn_sent(conn);
}

static void drop(struct weft_link_conn *conn)
{
    struct weft_stream *s = conn->stream;
    conn->stream = NULL;
    s->conn = NULL;
    if (s->is_secured && weft_queue_size(&s->flying) == 0 && seal(s, &conn->out)) {
        ERR_clear_error();
        (void)SSL_shutdown(s->ssl);
    }
    ERR_clear_error();
    size_t size = weft_queue_size(&s->sealed);
    if (size > 0 && weft_queue_size(&s->flying) == 0) {
        uv_buf_t buf = uv_buf_init((char *)weft_queue_front(&s->sealed), (unsigned)size);
        (void)uv_try_write((uv_stream_t *)&s->tcp, &buf, 1);
    }
    close_stream(s);
}

/* --- in ---------------------------------------------------------------------------------- */

/* False: not yet, or failed. */
static bool shake_hands(struct weft_stream *s)
{
    struct weft_link_conn *conn = s->conn;
    struct weft_identity identity;
    struct weft_msg reason;
    uint64_t begin_ns = uv_hrtime();
    ERR_clear_error();
    int done = SSL_do_handshake(s->ssl);
    int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, done);
    if (!conn->is_dialled) {
        s->direct->turn_used_ns += uv_hrtime() - begin_ns;
    }
    if (done != 1 && error != SSL_ERROR_WANT_READ) {
        char text[WEFT_TLS_REASON_SIZE];
        weft_tls_error(s->ssl, text, sizeof(text));
        weft_conn_fail(conn, WEFT_CAUSE_TLS, "%s", text);
        return false;
    }
    if (done != 1) {
        int result = push(s);
        if (result != 0) {
            weft_conn_fail(conn, WEFT_CAUSE_GONE, "write: %s", uv_strerror(result));
        }
        return false;
    }
    if (weft_tls_identity(s->ssl, &identity, &reason) != WEFT_OK) {
        weft_conn_fail(conn, WEFT_CAUSE_TLS, "%s", reason.text);
        return false;
    }
    s->is_secured = true;
    weft_conn_secured(conn, &identity);
    weft_conn_greet(conn);
    flush(conn); /* Our last flight, and the hello of a dialling end with it. */
    return s->conn != NULL;
}

static void fail_read(struct weft_stream *s, int error)
{
    char text[WEFT_TLS_REASON_SIZE];
    if (error == SSL_ERROR_ZERO_RETURN) {
        weft_conn_fail(s->conn, WEFT_CAUSE_GONE, "closed by the other end");
        return;
    }
    weft_tls_error(s->ssl, text, sizeof(text));
    weft_conn_fail(s->conn, s->conn->state == WEFT_CONN_UP ? WEFT_CAUSE_MALFORMED : WEFT_CAUSE_TLS,
        "TLS: %s", text);
}

/* Everything in `source` becomes messages. */
static void pump(struct weft_stream *s)
{
    if (!s->is_secured && !shake_hands(s)) {
        return;
    }
    for (;;) {
        uint8_t *room;
        size_t size, got = 0;
        if (weft_framing_room(&s->conn->in, &room, &size) != WEFT_OK) {
            weft_conn_fail(s->conn, WEFT_CAUSE_LOCAL, "no memory for what was received");
            return;
        }
        ERR_clear_error();
        int done = SSL_read_ex(s->ssl, room, size, &got);
        int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, done);
        if (done == 1) {
            weft_conn_received(s->conn, got);
            if (s->conn == NULL) {
                return;
            }
            if (s->source_size == 0 && SSL_pending(s->ssl) == 0) {
                break; /* Asking once more would only say so. */
            }
        } else if (error == SSL_ERROR_WANT_READ) {
            break;
        } else {
            fail_read(s, error);
            return;
        }
    }
    if (weft_queue_size(&s->sealed) > 0) { /* TLS has an answer of its own, e.g. a key update. */
        weft_conn_mark_dirty(s->conn);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct weft_stream *s = (struct weft_stream *)handle;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)s->direct->buffer, READ_SIZE);
}

/* Keeps the bytes of a handshake until its turn; nothing more is read meanwhile. */
static void hold(struct weft_stream *s, const uint8_t *bytes, size_t size)
{
    struct direct *d = s->direct;
    (void)uv_read_stop((uv_stream_t *)&s->tcp);
    if (weft_queue_append(&s->held, bytes, size) != WEFT_OK) {
        weft_conn_fail(s->conn, WEFT_CAUSE_LOCAL, "no memory for a handshake");
        return;
    }
    if (TAILQ_EMPTY(&d->waiting)) {
        (void)uv_idle_start(&d->spin, weft_link_on_idle);
    }
    TAILQ_INSERT_TAIL(&d->waiting, s, waiting);
    s->is_waiting = true;
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct weft_stream *s = (struct weft_stream *)stream;
    if (s->conn == NULL || size == 0) {
        return;
    }
    if (size < 0) {
        weft_conn_fail(s->conn, WEFT_CAUSE_GONE, "%s",
            size == UV_EOF ? "closed by the other end" : uv_strerror((int)size));
        return;
    }
    if (!s->is_secured && !s->conn->is_dialled && s->direct->turn_used_ns >= HANDSHAKE_TURN_NS) {
        hold(s, (const uint8_t *)buf->base, (size_t)size);
        return;
    }
    s->source = (const uint8_t *)buf->base;
    s->source_size = (size_t)size;
    pump(s);
}

/* Once a turn: the handshakes that wait get their share. */
static void on_turn(uv_prepare_t *prepare)
{
    struct direct *d = prepare->data;
    struct weft_stream *s;
    d->turn_used_ns = 0;
    while (d->turn_used_ns < HANDSHAKE_TURN_NS && (s = TAILQ_FIRST(&d->waiting)) != NULL) {
        struct weft_queue held = s->held;
        TAILQ_REMOVE(&d->waiting, s, waiting);
        s->is_waiting = false;
        s->held = (struct weft_queue){0};
        s->source = weft_queue_front(&held);
        s->source_size = weft_queue_size(&held);
        (void)uv_read_start((uv_stream_t *)&s->tcp, on_room, on_read);
        pump(s);
        weft_queue_destroy(&held);
    }
    if (TAILQ_EMPTY(&d->waiting)) {
        (void)uv_idle_stop(&d->spin);
    }
}

static void pause_reading(struct weft_link_conn *conn)
{
    uv_stream_t *stream = (uv_stream_t *)&conn->stream->tcp;
    (void)(conn->is_paused ? uv_read_stop(stream) : uv_read_start(stream, on_room, on_read));
}

/* --- doors ------------------------------------------------------------------------------- */

static void on_listener_closed(uv_handle_t *handle);

/* Out of descriptors passes. Anything else would come again at once and for ever: the listener
 * is opened anew. */
static void on_accept_failed(struct direct *d, int error)
{
    weft_link_event(
        d->link, WEFT_CAUSE_ACCEPT, "link_accept_failed", d->link->address, uv_strerror(error));
    if (error != UV_EMFILE && error != UV_ENFILE && error != UV_ENOMEM && error != UV_ENOBUFS) {
        uv_close((uv_handle_t *)&d->tcp, on_listener_closed);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct direct *d = server->data;
    struct sockaddr_storage peer;
    int size = sizeof(peer);
    char remote[WEFT_LINK_REMOTE_SIZE] = "?";
    if (status < 0) {
        on_accept_failed(d, status);
        return;
    }
    struct weft_stream *s = create_stream(d, false);
    if (s == NULL) {
        /* libuv looks at the listener no more before this connection is accepted, which without
         * memory it cannot be: the door would be deaf for good. */
        weft_link_event(d->link, WEFT_CAUSE_ACCEPT, "link_accept_failed", d->link->address,
            "no memory for a connection");
        uv_close((uv_handle_t *)&d->tcp, on_listener_closed);
        return;
    }
    if (uv_accept(server, (uv_stream_t *)&s->tcp) != 0) {
        close_stream(s);
        return;
    }
    if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&peer, &size) == 0) {
        weft_link_format_address((struct sockaddr *)&peer, remote);
    }
    set_socket_options(s);
    s->conn = weft_conn_accepted(d->link, s, remote);
    if (s->conn == NULL) {
        close_stream(s);
        return;
    }
    (void)uv_read_start((uv_stream_t *)&s->tcp, on_room, on_read);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct weft_stream *s = request->data;
    if (s->conn == NULL) {
        return;
    }
    if (status < 0) {
        weft_conn_fail(s->conn, WEFT_CAUSE_UNREACHABLE, "%s", uv_strerror(status));
        return;
    }
    set_socket_options(s);
    (void)uv_read_start((uv_stream_t *)&s->tcp, on_room, on_read);
    pump(s);
}

static int connect_to(struct weft_stream *s, const struct sockaddr *address)
{
    s->connect.data = s;
    return uv_tcp_connect(&s->connect, &s->tcp, address, on_connected);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct weft_stream *s = request->data;
    s->is_resolving = false;
    if (s->is_closed) {
        free_stream(s);
    } else if (s->conn != NULL) {
        int result = status != 0 ? status : connect_to(s, found->ai_addr);
        if (result != 0) {
            weft_conn_fail(s->conn, WEFT_CAUSE_UNREACHABLE, "%s", uv_strerror(result));
        }
    }
    uv_freeaddrinfo(found);
}

static enum weft_err dial(struct weft_link_conn *conn, struct weft_msg *msg)
{
    char host[WEFT_LINK_REMOTE_SIZE], port[8];
    struct sockaddr_storage address;
    enum weft_err err = weft_link_split_address(conn->remote, host, port, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct direct *d = conn->link->listener;
    struct weft_stream *s = create_stream(d, true);
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a connection");
    }
    int result;
    if (weft_link_literal_address(host, port, (struct sockaddr *)&address)) {
        result = connect_to(s, (struct sockaddr *)&address);
    } else {
        static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        s->resolve.data = s;
        result =
            uv_getaddrinfo(d->link->options.loop, &s->resolve, on_resolved, host, port, &hints);
        s->is_resolving = result == 0;
    }
    if (result != 0) {
        close_stream(s);
        return weft_fail(msg, WEFT_EUNAVAILABLE, "%s", uv_strerror(result));
    }
    s->conn = conn;
    conn->stream = s;
    return WEFT_OK;
}

/* --- opening and closing ----------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    release_direct(handle->data);
}

static void close_direct(struct weft_link *link)
{
    struct direct *d = link->listener;
    if (!uv_is_closing((uv_handle_t *)&d->tcp)) {
        uv_close((uv_handle_t *)&d->tcp, on_handle_closed);
    }
    uv_close((uv_handle_t *)&d->turn, on_handle_closed);
    uv_close((uv_handle_t *)&d->spin, on_handle_closed);
    uv_close((uv_handle_t *)&d->retry, on_handle_closed);
}

static enum weft_err listen_at(struct direct *d, const char *where, struct weft_msg *msg)
{
    struct weft_link *link = d->link;
    struct sockaddr_storage address;
    int size = sizeof(address);
    enum weft_err err = weft_link_listen_address(where, &address, msg);
    if (err != WEFT_OK) {
        return err;
    }
    int result = uv_tcp_bind(&d->tcp, (struct sockaddr *)&address, 0);
    if (result == 0) {
        result = uv_listen((uv_stream_t *)&d->tcp, WEFT_LINK_BACKLOG, on_connection);
    }
    if (result == 0) {
        result = uv_tcp_getsockname(&d->tcp, (struct sockaddr *)&address, &size);
    }
    if (result != 0) {
        return weft_fail(msg, result == UV_EADDRINUSE ? WEFT_EUNAVAILABLE : WEFT_EINVAL,
            "listen at %s: %s", where, uv_strerror(result));
    }
    weft_link_format_address((struct sockaddr *)&address, link->address);
    return WEFT_OK;
}

static void on_retry(uv_timer_t *timer)
{
    struct direct *d = timer->data;
    struct weft_link *link = d->link;
    struct weft_msg msg;
    if (listen_at(d, link->address, &msg) != WEFT_OK) {
        weft_link_event(link, WEFT_CAUSE_ACCEPT, "link_accept_failed", link->address, msg.text);
        uv_close((uv_handle_t *)&d->tcp, on_listener_closed);
        return;
    }
    link->stats.listener_reopened++;
    weft_link_event(link, WEFT_CAUSE_REOPENED, "link_listener_reopened", link->address,
        "the listener had stopped; opened again");
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct direct *d = handle->data;
    if (uv_is_closing((uv_handle_t *)&d->retry)) {
        release_direct(d); /* The link is closing. */
        return;
    }
    (void)uv_tcp_init(d->link->options.loop, &d->tcp);
    d->tcp.data = d;
    (void)uv_timer_start(&d->retry, on_retry, WEFT_LINK_ACCEPT_RETRY_MS, 0);
}

static enum weft_err open_direct(struct weft_link *link, struct weft_msg *msg)
{
    (void)pthread_once(&once, make_bio_method);
    struct direct *d = calloc(1, sizeof(*d));
    if (d == NULL || bio_method == NULL) {
        free(d);
        weft_link_transport_closed(link);
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a link");
    }
    uv_loop_t *loop = link->options.loop;
    d->link = link;
    TAILQ_INIT(&d->waiting);
    (void)uv_tcp_init(loop, &d->tcp);
    (void)uv_prepare_init(loop, &d->turn);
    (void)uv_idle_init(loop, &d->spin);
    (void)uv_timer_init(loop, &d->retry);
    d->tcp.data = d->turn.data = d->spin.data = d->retry.data = d;
    d->references = 4;
    link->listener = d;
    if (link->options.listen != NULL) {
        enum weft_err err = listen_at(d, link->listen, msg);
        if (err != WEFT_OK) {
            close_direct(link);
            return err;
        }
    }
    (void)uv_prepare_start(&d->turn, on_turn);
    return WEFT_OK;
}

static void release(struct weft_link_conn *conn)
{
    weft_queue_release(&conn->stream->sealed);
    (void)SSL_free_buffers(conn->stream->ssl); /* 34 KiB; 0 if a record is under way. */
}

const struct weft_transport weft_transport_direct = {
    .open = open_direct,
    .close = close_direct,
    .dial = dial,
    .flush = flush,
    .pause = pause_reading,
    .drop = drop,
    .reload = NULL, /* Streams take link->tls when they are made. */
    .release = release,
};
