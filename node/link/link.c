#include "node/link/link.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/link/transport.h"
#include "proto/check.h"
#include "proto/limits.h"

/* Links: opening, closing, and what their users call. The life of one connection: conn.c. */

enum {
    QUEUE_SIZE_DEFAULT = 2 * WEFT_MESSAGE_SIZE_MAX,
    CONNECTIONS_DEFAULT = 1024,
    HANDSHAKE_DEFAULT_MS = 5000,
};

/* --- addresses --------------------------------------------------------------------------- */

enum weft_err weft_link_split_address(const char *address, char ret_host[WEFT_LINK_REMOTE_SIZE],
    char ret_port[8], struct weft_msg *msg)
{
    const char *colon = address != NULL ? strrchr(address, ':') : NULL;
    if (colon == NULL || strlen(address) >= WEFT_LINK_REMOTE_SIZE) {
        return weft_fail(msg, WEFT_EINVAL, "address \"%.100s\" is not host:port",
            address != NULL ? address : "");
    }
    const char *host = address;
    size_t host_size = (size_t)(colon - address), port_size = strlen(colon + 1);
    if (host_size >= 2 && host[0] == '[' && host[host_size - 1] == ']') {
        host++;
        host_size -= 2;
    } else if (memchr(host, ':', host_size) != NULL) {
        return weft_fail(
            msg, WEFT_EINVAL, "address \"%s\": an IPv6 host stands in brackets", address);
    }
    if (host_size == 0 || port_size == 0 || port_size > 5 ||
        strspn(colon + 1, "0123456789") != port_size || strtoul(colon + 1, NULL, 10) > 65535) {
        return weft_fail(msg, WEFT_EINVAL, "address \"%s\" is not host:port", address);
    }
    memcpy(ret_host, host, host_size);
    ret_host[host_size] = '\0';
    memcpy(ret_port, colon + 1, port_size + 1);
    return WEFT_OK;
}

bool weft_link_literal_address(const char *host, const char *port, struct sockaddr *ret_address)
{
    int number = (int)strtol(port, NULL, 10);
    return uv_ip4_addr(host, number, (struct sockaddr_in *)ret_address) == 0 ||
           uv_ip6_addr(host, number, (struct sockaddr_in6 *)ret_address) == 0;
}

enum weft_err weft_link_listen_address(
    const char *address, struct sockaddr_storage *ret_address, struct weft_msg *msg)
{
    char host[WEFT_LINK_REMOTE_SIZE], port[8];
    enum weft_err err = weft_link_split_address(address, host, port, msg);
    if (err != WEFT_OK || weft_link_literal_address(host, port, (struct sockaddr *)ret_address)) {
        return err;
    }
    /* A name: looked up once, at the start, when nobody waits for the loop yet. */
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, &found);
    if (result != 0) {
        return weft_fail(msg, WEFT_EINVAL, "listen at %s: %s", address, gai_strerror(result));
    }
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return WEFT_OK;
}

void weft_link_format_address(const struct sockaddr *address, char ret_text[WEFT_LINK_REMOTE_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool is_v6 = address->sa_family == AF_INET6;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    (void)(is_v6 ? uv_ip6_name(v6, host, sizeof(host)) : uv_ip4_name(v4, host, sizeof(host)));
    (void)snprintf(ret_text, WEFT_LINK_REMOTE_SIZE, is_v6 ? "[%s]:%u" : "%s:%u", host,
        (unsigned)ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
}

/* --- opening ----------------------------------------------------------------------------- */

static enum weft_err keep(
    const char *text, char *ret_text, size_t room, const char *what, struct weft_msg *msg)
{
    if (text == NULL || strlen(text) >= room) {
        return weft_fail(msg, WEFT_EINVAL, "%s is missing or longer than %zu", what, room - 1);
    }
    memcpy(ret_text, text, strlen(text) + 1);
    return WEFT_OK;
}

static void set_defaults(struct weft_link_options *o)
{
    if (o->message_size_max == 0) {
        o->message_size_max = WEFT_MESSAGE_SIZE_MAX;
    }
    if (o->queue_size_max == 0) {
        o->queue_size_max = QUEUE_SIZE_DEFAULT;
    }
    if (o->connections_max == 0) {
        o->connections_max = CONNECTIONS_DEFAULT;
    }
    if (o->handshake_ms == 0) {
        o->handshake_ms = HANDSHAKE_DEFAULT_MS;
    }
    if (o->handshakes_max == 0) {
        o->handshakes_max = WEFT_LINK_HANDSHAKES_MAX;
    }
    if (o->slow_ms == 0) {
        o->slow_ms = WEFT_LINK_SLOW_MS;
    }
}

/* Copies what the options point to. */
static enum weft_err keep_options(
    struct weft_link *link, const struct weft_link_options *options, struct weft_msg *msg)
{
    link->options = *options;
    set_defaults(&link->options);
    char host[WEFT_LINK_REMOTE_SIZE], port[8];
    enum weft_err err;
    if (options->callbacks.on_message == NULL || options->loop == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "a link needs a loop and on_message");
    }
    if (link->options.message_size_max > WEFT_MESSAGE_SIZE_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "message_size_max over %d", WEFT_MESSAGE_SIZE_MAX);
    }
    if ((err = keep(options->ca_file, link->ca_file, sizeof(link->ca_file), "CA file", msg)) !=
            WEFT_OK ||
        (err = keep(options->cert_file, link->cert_file, sizeof(link->cert_file), "certificate",
             msg)) != WEFT_OK ||
        (err = keep(options->key_file, link->key_file, sizeof(link->key_file), "key", msg)) !=
            WEFT_OK) {
        return err;
    }
    if (options->listen != NULL) {
        err = keep(options->listen, link->listen, sizeof(link->listen), "listen address", msg);
        if (err == WEFT_OK) {
            err = weft_link_split_address(link->listen, host, port, msg);
        }
        link->options.listen = link->listen;
    }
    return err;
}

static void on_prepare(uv_prepare_t *prepare);
static void on_closer(uv_timer_t *timer);

static void on_handle_closed(uv_handle_t *handle)
{
    weft_link_release(handle->data);
}

static void close_handles(struct weft_link *link)
{
    uv_close((uv_handle_t *)&link->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&link->idle, on_handle_closed);
    uv_close((uv_handle_t *)&link->closer, on_handle_closed);
}

static void open_handles(struct weft_link *link)
{
    (void)uv_prepare_init(link->options.loop, &link->prepare);
    (void)uv_idle_init(link->options.loop, &link->idle);
    (void)uv_timer_init(link->options.loop, &link->closer);
    link->prepare.data = link->idle.data = link->closer.data = link;
    (void)uv_prepare_start(&link->prepare, on_prepare);
    link->handles = 4; /* These, and the transport. */
}

enum weft_err weft_link_open(
    const struct weft_link_options *options, struct weft_link **ret_link, struct weft_msg *msg)
{
    struct weft_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a link");
    }
    TAILQ_INIT(&link->conns);
    TAILQ_INIT(&link->strangers);
    TAILQ_INIT(&link->dirty);
    link->random = (uv_hrtime() ^ ((uint64_t)getpid() << 40)) | 1;
    link->transport = options->type == WEFT_LINK_NNG ? &weft_transport_nng : &weft_transport_direct;
    enum weft_err err = keep_options(link, options, msg);
    if (err == WEFT_OK) {
        err = weft_tls_load(link->ca_file, link->cert_file, link->key_file, &link->tls, msg);
    }
    if (err != WEFT_OK) {
        free(link);
        return err;
    }
    /* A peer that resets must not end the process. OpenSSL and nng write without MSG_NOSIGNAL. */
    (void)signal(SIGPIPE, SIG_IGN);
    open_handles(link);
    err = link->transport->open(link, msg);
    if (err != WEFT_OK) {
        /* Its handles close in the loop's next turn; the caller has no link to wait for. */
        link->is_closing = true;
        close_handles(link);
        return err;
    }
    *ret_link = link;
    return WEFT_OK;
}

/* --- closing ----------------------------------------------------------------------------- */

void weft_link_release(struct weft_link *link)
{
    weft_assert(link->handles > 0); /* LNK-8 */
    if (--link->handles > 0) {
        return;
    }
    void (*on_closed)(void *) = link->on_closed;
    void *ctx = link->closed_ctx;
    weft_tls_destroy(&link->tls);
    free(link);
    if (on_closed != NULL) {
        on_closed(ctx);
    }
}

void weft_link_transport_closed(struct weft_link *link)
{
    weft_link_release(link);
}

static void on_closer(uv_timer_t *timer)
{
    struct weft_link *link = timer->data;
    struct weft_link_conn *conn;
    while ((conn = TAILQ_FIRST(&link->conns)) != NULL) {
        weft_conn_fail(conn, WEFT_CAUSE_LOCAL, "closed here");
        weft_conn_bury(conn); /* If it was WAITING. */
    }
    close_handles(link);
    link->transport->close(link);
}

void weft_link_close(struct weft_link *link, void (*on_closed)(void *ctx), void *ctx)
{
    if (link->is_closing) {
        weft_unreachable("a link is closed twice"); /* LNK-8 */
    }
    link->is_closing = true;
    link->on_closed = on_closed;
    link->closed_ctx = ctx;
    (void)uv_timer_start(&link->closer, on_closer, 0, 0);
}

/* --- a turn of the loop ------------------------------------------------------------------ */

void weft_link_on_idle(uv_idle_t *idle)
{
    (void)idle; /* It only keeps poll from waiting before on_prepare has run. */
}

/* First what was read before the pause, then more: otherwise each pause would add to what
 * waits, without end (LNK-12). */
static void resume(struct weft_link_conn *conn)
{
    conn->is_resumed = false;
    weft_conn_deliver(conn);
    if (conn->stream != NULL && !conn->is_paused) {
        conn->link->transport->pause(conn);
    }
}

/* Before the loop waits: what was sent in this turn goes out together (LNK-5). Callbacks may
 * send more; that waits for the next turn, so that no peer holds the loop. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct weft_link *link = prepare->data;
    for (uint32_t count = link->dirty_count; count > 0; count--) {
        struct weft_link_conn *conn = TAILQ_FIRST(&link->dirty);
        if (conn == NULL) {
            break;
        }
        TAILQ_REMOVE(&link->dirty, conn, dirty);
        link->dirty_count--;
        conn->is_dirty = false;
        if (conn->is_resumed) {
            resume(conn);
        }
        if (conn->stream != NULL) {
            link->transport->flush(conn);
        }
    }
    if (link->dirty_count == 0) {
        (void)uv_idle_stop(&link->idle);
    }
}

void weft_link_event(struct weft_link *link, enum weft_link_cause cause, const char *event,
    const char *peer, const char *text)
{
    const struct weft_link_callbacks *calls = &link->options.callbacks;
    uint64_t swallowed;
    if (calls->on_event == NULL || !weft_limiter_hit(&link->limiter, (int)cause, peer,
                                       uv_now(link->options.loop), &swallowed)) {
        return;
    }
    if (swallowed == 0) {
        calls->on_event(calls->ctx, event, text);
        return;
    }
    char counted[1024];
    (void)snprintf(counted, sizeof(counted), "%s (and %llu like it before)", text,
        (unsigned long long)swallowed);
    calls->on_event(calls->ctx, event, counted);
}

/* --- for users --------------------------------------------------------------------------- */

const char *weft_link_address(const struct weft_link *link)
{
    return link->address;
}

void weft_link_stats(const struct weft_link *link, struct weft_link_stats *ret_stats)
{
    *ret_stats = link->stats;
}

enum weft_err weft_link_check_root(
    struct weft_text pem, const char *org, struct weft_digest *ret_root, struct weft_msg *msg)
{
    return weft_tls_check_root(pem, org, ret_root, msg);
}

enum weft_err weft_link_reload(struct weft_link *link, struct weft_msg *msg)
{
    struct weft_tls tls;
    enum weft_err err = weft_tls_load(link->ca_file, link->cert_file, link->key_file, &tls, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_tls old = link->tls;
    link->tls = tls;
    err = link->transport->reload != NULL ? link->transport->reload(link, msg) : WEFT_OK;
    if (err != WEFT_OK) {
        link->tls = old;
        weft_tls_destroy(&tls);
        return err;
    }
    weft_tls_destroy(&old); /* Connections hold their own reference. */
    return WEFT_OK;
}

enum weft_err weft_link_dial(struct weft_link *link, const char *address,
    struct weft_link_conn **ret_conn, struct weft_msg *msg)
{
    char host[WEFT_LINK_REMOTE_SIZE], port[8];
    enum weft_err err = weft_link_split_address(address, host, port, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (link->is_closing) {
        return weft_fail(msg, WEFT_ECLOSED, "the link is closing");
    }
    struct weft_link_conn *conn = weft_conn_create(link, true);
    if (conn == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a connection");
    }
    (void)snprintf(conn->remote, sizeof(conn->remote), "%s", address);
    weft_conn_start(conn);
    *ret_conn = conn;
    return WEFT_OK;
}

/* Is there room in its queue for a message of so many bytes? */
static enum weft_err admit_message(struct weft_link_conn *conn, size_t size)
{
    weft_assert(size >= WEFT_ENVELOPE_SIZE); /* LNK-10 */
    if (conn->state != WEFT_CONN_UP) {
        return WEFT_EUNAVAILABLE;
    }
    size_t waiting = weft_queue_size(&conn->out) + conn->flying_bytes;
    /* An empty queue takes any message, or one larger than the limit could never leave. */
    if (waiting > 0 && (waiting > conn->link->options.queue_size_max ||
                           size > conn->link->options.queue_size_max - waiting)) {
        if (conn->full_ms == 0) {
            uint64_t now = uv_now(conn->link->options.loop);
            conn->full_ms = now > 0 ? now : 1;
            weft_conn_arm(conn);
        }
        return WEFT_EBUSY;
    }
    return WEFT_OK;
}

static enum weft_err note_queued(struct weft_link_conn *conn, enum weft_err err)
{
    if (err != WEFT_OK) {
        return err;
    }
    conn->link->stats.messages_out++;
    weft_conn_mark_dirty(conn);
    return WEFT_OK;
}

enum weft_err weft_link_send(struct weft_link_conn *conn, struct weft_bytes message)
{
    enum weft_err err = admit_message(conn, message.size);
    return err == WEFT_OK
               ? note_queued(conn, weft_queue_append(&conn->out, message.data, message.size))
               : err;
}

enum weft_err weft_link_give(struct weft_link_conn *conn, struct weft_buffer *message)
{
    enum weft_err err = admit_message(conn, message->size);
    return err == WEFT_OK ? note_queued(conn, weft_queue_take(&conn->out, message)) : err;
}

void weft_link_conn_close(struct weft_link_conn *conn)
{
    if (conn->state == WEFT_CONN_UP) {
        conn->link->stats.disconnects++;
    }
    weft_conn_bury(conn);
}

void weft_link_conn_expect(struct weft_link_conn *conn, const char *uri)
{
    (void)snprintf(conn->expected, sizeof(conn->expected), "%s", uri != NULL ? uri : "");
}

bool weft_link_conn_is_up(const struct weft_link_conn *conn)
{
    return conn->state == WEFT_CONN_UP;
}

const struct weft_identity *weft_link_conn_identity(const struct weft_link_conn *conn)
{
    return &conn->identity;
}

void weft_link_conn_set_user(struct weft_link_conn *conn, void *user)
{
    conn->user = user;
}

void *weft_link_conn_user(const struct weft_link_conn *conn)
{
    return conn->user;
}

const char *weft_link_conn_remote(const struct weft_link_conn *conn)
{
    return conn->remote;
}

const char *weft_link_conn_error(const struct weft_link_conn *conn)
{
    return conn->error;
}

void weft_link_conn_pause(struct weft_link_conn *conn, bool is_paused)
{
    if (conn->state != WEFT_CONN_UP || conn->is_paused == is_paused) {
        return;
    }
    conn->is_paused = is_paused;
    conn->is_resumed = !is_paused;
    if (is_paused) {
        conn->link->transport->pause(conn);
    } else {
        conn->heard_ms = uv_now(conn->link->options.loop);
        weft_conn_mark_dirty(conn);
    }
    weft_conn_arm(conn);
}
