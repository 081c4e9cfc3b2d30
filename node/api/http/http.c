#include "node/api/http/door.h"

#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/logger.h"
#include "node/node.h"
#include "proto/check.h"

uint64_t weft_http_now_ms(const struct weft_http *h)
{
    return uv_now(&h->node->loop);
}

const struct weft_http_stats *weft_http_stats(struct weft_http *h)
{
    return &h->stats;
}

struct weft_http_captures *weft_http_captures(struct weft_http *h)
{
    return h->captures;
}

/* --- the loop ---------------------------------------------------------------------------- */

/* Has the other end shut its side of the connection? libmicrohttpd does not look at the socket of a
 * request that is suspended, nor would reading tell while something unread lies before the end. */
static bool has_left(const struct weft_http_conn *c)
{
    struct pollfd socket = {.fd = c->fd, .events = POLLRDHUP};
    return poll(&socket, 1, 0) > 0 && (socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* NOD-408. A commit is under way, whoever still listens. */
static bool is_given_up(const struct weft_http_conn *c)
{
    bool is_waiting = c->state == WEFT_EXCHANGE_ASKING || c->state == WEFT_EXCHANGE_DOUBTING;
    return is_waiting && c->method != WEFT_HTTP_POST && has_left(c);
}

/* Deadlines that libmicrohttpd does not know: its own start again with every byte, so that a
 * client with one byte a second would live for ever (NOD-404). */
static void look_at_deadlines(struct weft_http *h)
{
    uint64_t now_ms = weft_http_now_ms(h);
    if (now_ms < h->tick_ms + WEFT_HTTP_TICK_MS) {
        return;
    }
    h->tick_ms = now_ms;
    for (uint32_t i = 0; i < h->conn_max; i++) {
        struct weft_http_conn *c = &h->conns[i];
        bool is_late = now_ms >= c->deadline_ms;
        if (c->state == WEFT_EXCHANGE_FREE || c->is_hung_up) {
            continue;
        }
        if (is_given_up(c)) {
            weft_http_hang_up(c);
        } else if (is_late &&
                   (c->state == WEFT_EXCHANGE_ASKING || c->state == WEFT_EXCHANGE_DOUBTING)) {
            weft_http_exchange_late(c);
        } else if (is_late) {
            h->stats.dropped_slow += c->state != WEFT_EXCHANGE_IDLE;
            weft_http_hang_up(c);
        }
    }
    weft_http_streams_turn(h);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct weft_http *h)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = WEFT_HTTP_TICK_MS;
    bool has_any = h->stats.connections > 0;
    if (MHD_get_timeout(h->daemon, &wait_ms) != MHD_YES || wait_ms > WEFT_HTTP_TICK_MS) {
        wait_ms = WEFT_HTTP_TICK_MS;
    }
    wait_ms = h->wants_run ? 0 : wait_ms;
    if (has_any || wait_ms < WEFT_HTTP_TICK_MS) {
        (void)uv_timer_start(&h->timer, on_timer, wait_ms, 0);
    } else {
        (void)uv_timer_stop(&h->timer);
    }
}

static void run(struct weft_http *h)
{
    if (h->daemon == NULL || h->is_running) {
        return;
    }
    h->is_running = true;
    h->wants_run = false;
    (void)MHD_run(h->daemon);
    h->is_running = false;
    arm(h);
    if (h->has_asked) {
        h->has_asked = false;
        weft_node_wake(h->node); /* What was asked for is acted on by a turn. */
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct weft_http *h = timer->data;
    look_at_deadlines(h);
    run(h);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    run(poll->data);
}

/* NOD-230: refusals whose principal has waited for them are told. */
static void tell_held(struct weft_http *h, uint64_t now_ms)
{
    uint64_t due_ms = UINT64_MAX;
    for (uint32_t i = 0; i < h->conn_max; i++) {
        struct weft_http_conn *c = &h->conns[i];
        if (c->state != WEFT_EXCHANGE_READY || c->held_until_ms == 0) {
            continue;
        }
        if (c->held_until_ms <= now_ms) {
            c->held_until_ms = 0;
            weft_http_resume(c);
        } else if (c->held_until_ms < due_ms) {
            due_ms = c->held_until_ms;
        }
    }
    h->held_due_ms = due_ms;
}

uint64_t weft_http_deadline(const struct weft_http *h)
{
    uint64_t due_ms = weft_http_captures_deadline(h->captures);
    return due_ms < h->held_due_ms ? due_ms : h->held_due_ms;
}

void weft_http_turn(struct weft_http *h, uint64_t applied_index)
{
    if (weft_http_now_ms(h) >= h->held_due_ms) {
        tell_held(h, weft_http_now_ms(h));
    }
    if (applied_index != h->applied_index) {
        h->applied_index = applied_index;
        weft_http_streams_turn(h);
    }
    if (weft_http_captures_turn(h->captures, weft_http_now_ms(h))) {
        weft_node_wake(h->node);
    }
}

void weft_http_resume(struct weft_http_conn *c)
{
    if (c->is_suspended) {
        struct weft_http *h = c->door;
        c->is_suspended = false;
        MHD_resume_connection(c->mhd);
        /* Nothing becomes readable by that: libmicrohttpd has to be run. Not from here, since this
         * may be within its own call; many that are resumed in one turn share one run. */
        if (!h->wants_run && !h->is_closing) {
            h->wants_run = true;
            (void)uv_timer_start(&h->timer, on_timer, 0, 0);
        }
    }
}

void weft_http_hang_up(struct weft_http_conn *c)
{
    if (!c->is_hung_up) {
        c->is_hung_up = true;
        (void)shutdown(c->fd, SHUT_RDWR);
        weft_http_resume(c);
    }
}

/* --- connections ------------------------------------------------------------------------- */

static struct weft_http_conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

void *weft_http_on_line(void *ctx, const char *target, struct MHD_Connection *mhd)
{
    struct weft_http_conn *c = conn_of(mhd);
    (void)ctx;
    if (c == NULL || c->is_hung_up) {
        return NULL;
    }
    c->state = WEFT_EXCHANGE_HEAD;
    c->deadline_ms = weft_http_now_ms(c->door) + WEFT_HTTP_HEAD_MS;
    c->raw_target = weft_arena_text(&c->arena, weft_text_of(target));
    return c;
}

static struct weft_http_conn *open_conn(struct weft_http *h, struct MHD_Connection *mhd)
{
    if (h->first_free == h->conn_max) {
        return NULL;
    }
    struct weft_http_conn *c = &h->conns[h->first_free];
    h->first_free = c->next_free;
    uint32_t generation = c->generation;
    *c = (struct weft_http_conn){.door = h,
        .mhd = mhd,
        .state = WEFT_EXCHANGE_IDLE,
        .generation = generation + 1,
        .deadline_ms = weft_http_now_ms(h) + WEFT_HTTP_HEAD_MS,
        .arena = {.size_max = WEFT_HTTP_ARENA_BYTES}};
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    h->stats.connections++;
    return c;
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
    struct weft_http *h = ctx;
    struct weft_http_conn *c = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = open_conn(h, mhd);
    } else if (c != NULL) {
        weft_http_exchange_end(c);
        c->state = WEFT_EXCHANGE_FREE;
        c->mhd = NULL;
        c->next_free = h->first_free;
        h->first_free = (uint32_t)(c - h->conns);
        h->stats.connections--;
    }
}

/* --- open and close ---------------------------------------------------------------------- */

static void on_mhd_log(void *ctx, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void on_mhd_log(void *ctx, const char *format, va_list args)
{
    char text[256];
    (void)ctx;
    (void)vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    weft_log(WEFT_LOG_DEBUG, "http_library", weft_kv("detail", (const char *)text));
}

/* "host:port" to an address that can be bound. */
static enum weft_err resolve(const char *address, struct sockaddr_storage *ret_address,
    bool *ret_is_v6, struct weft_msg *msg)
{
    char host[WEFT_ADDRESS_SIZE_MAX + 1];
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    (void)snprintf(host, sizeof(host), "%s", address);
    char *colon = strrchr(host, ':');
    if (colon == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "%s: host:port", address);
    }
    *colon = '\0';
    char *name = host;
    if (name[0] == '[' && colon > name && colon[-1] == ']') {
        colon[-1] = '\0';
        name++;
    }
    int status = getaddrinfo(name, colon + 1, &hints, &found);
    if (status != 0 || found->ai_addrlen > sizeof(*ret_address)) {
        return weft_fail(msg, WEFT_EINVAL, "%s: %s", address, gai_strerror(status));
    }
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    *ret_is_v6 = found->ai_family == AF_INET6;
    freeaddrinfo(found);
    return WEFT_OK;
}

static enum weft_err start_daemon(struct weft_http *h, struct weft_msg *msg)
{
    struct sockaddr_storage address;
    const char *listen = h->node->config.node.listen_http;
    bool is_v6 = false;
    enum weft_err err = resolve(listen, &address, &is_v6, msg);
    if (err != WEFT_OK) {
        return err;
    }
    unsigned flags = MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (is_v6 ? MHD_USE_IPv6 : 0);
    /* Without MHD_OPTION_LISTENING_ADDRESS_REUSE, which is SO_REUSEPORT: two nodes with one address
     * would share its clients and both be content. SO_REUSEADDR it sets by itself. */
    h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, weft_http_on_request, h,
        MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,      /* First: it is told of the others. */
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, /* */
        MHD_OPTION_CONNECTION_LIMIT, h->conn_max,          /* */
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEFT_HTTP_MEMORY_BYTES, /* */
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEFT_HTTP_STALL_S,         /* */
        MHD_OPTION_STRICT_FOR_CLIENT, 1,                                    /* */
        MHD_OPTION_HTTPS_MEM_TRUST, (const char *)h->root.data, /* Asks for a certificate. */
        MHD_OPTION_HTTPS_PRIORITIES, weft_http_priorities(),    /* */
        MHD_OPTION_HTTPS_CERT_CALLBACK, weft_http_credentials_callback(), /* */
        MHD_OPTION_URI_LOG_CALLBACK, weft_http_on_line, h,                /* */
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,                   /* */
        MHD_OPTION_NOTIFY_COMPLETED, weft_http_on_completed, h,           /* */
        MHD_OPTION_END);
    if (h->daemon == NULL) {
        return weft_fail(msg, WEFT_EUNAVAILABLE, "%s: cannot listen there; is it in use?", listen);
    }
    return WEFT_OK;
}

static void destroy(struct weft_http *h)
{
    weft_http_captures_destroy(h->captures);
    weft_http_credentials_destroy(h->credentials);
    weft_buffer_destroy(&h->cert);
    weft_buffer_destroy(&h->key);
    weft_buffer_destroy(&h->root);
    weft_arena_destroy(&h->scratch);
    free(h->conns);
    free(h);
}

enum weft_err weft_http_open(
    struct weft_node *node, struct weft_http **ret_http, struct weft_msg *msg)
{
    struct weft_http *h = calloc(1, sizeof(*h));
    uint32_t conn_max = node->config.limits.http_connections;
    struct weft_http_conn *conns = calloc(conn_max, sizeof(*conns));
    if (h == NULL || conns == NULL) {
        free(h);
        free(conns);
        return weft_fail(msg, WEFT_ENOMEM, "HTTP door: no memory");
    }
    h->node = node;
    h->conns = conns;
    h->conn_max = conn_max;
    h->held_due_ms = UINT64_MAX;
    h->scratch.size_max = WEFT_HTTP_ARENA_BYTES;
    for (uint32_t i = 0; i < conn_max; i++) {
        conns[i].next_free = i + 1;
    }
    enum weft_err err = weft_http_load_files(h, msg);
    if (err == WEFT_OK) {
        err = weft_http_captures_open(node, &h->captures);
    }
    if (err == WEFT_OK) {
        err = start_daemon(h, msg);
    }
    if (err != WEFT_OK) {
        destroy(h);
        return weft_wrap(msg, err, "HTTP door");
    }
    int fd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int status = uv_poll_init(&node->loop, &h->poll, fd);
    status |= uv_timer_init(&node->loop, &h->timer);
    weft_assert(status == 0);
    h->poll.data = h;
    h->timer.data = h;
    (void)uv_poll_start(&h->poll, UV_READABLE, on_poll);
    run(h);
    *ret_http = h;
    return WEFT_OK;
}

enum weft_err weft_http_reload(struct weft_http *h, struct weft_msg *msg)
{
    enum weft_err err = weft_http_load_files(h, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "HTTP door");
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct weft_http *h = handle->data;
    if (--h->closing == 0) {
        void (*on_closed)(void *) = h->on_closed;
        void *ctx = h->ctx;
        destroy(h);
        on_closed(ctx);
    }
}

void weft_http_close(struct weft_http *h, void (*on_closed)(void *ctx), void *ctx)
{
    h->is_closing = true;
    h->on_closed = on_closed;
    h->ctx = ctx;
    for (uint32_t i = 0; i < h->conn_max; i++) {
        struct weft_http_conn *c = &h->conns[i];
        if (c->state == WEFT_EXCHANGE_ASKING || c->state == WEFT_EXCHANGE_DOUBTING) {
            weft_http_exchange_refuse(c, WEFT_ECLOSED, 0, "the node is shutting down");
            weft_http_exchange_ready(c);
        } else if (c->state == WEFT_EXCHANGE_STREAMING) {
            c->stream.is_over = true;
        }
        if (c->state != WEFT_EXCHANGE_FREE) {
            weft_http_resume(c);
        }
    }
    (void)uv_poll_stop(&h->poll);
    (void)uv_timer_stop(&h->timer);
    run(h); /* What can be written without waiting is written. */
    run(h);
    MHD_stop_daemon(h->daemon);
    h->daemon = NULL;
    h->closing = 2;
    uv_close((uv_handle_t *)&h->poll, on_handle_closed);
    uv_close((uv_handle_t *)&h->timer, on_handle_closed);
}

/* --- answers ----------------------------------------------------------------------------- */

static struct weft_http_conn *find(struct weft_http *h, const struct weft_waiter *waiter)
{
    struct weft_http_conn *c = waiter->client < h->conn_max ? &h->conns[waiter->client] : NULL;
    bool is_there = c != NULL && c->generation == waiter->generation &&
                    (c->state == WEFT_EXCHANGE_ASKING || c->state == WEFT_EXCHANGE_BODY ||
                        c->state == WEFT_EXCHANGE_STREAMING);
    return is_there && !c->is_hung_up ? c : NULL;
}

bool weft_http_is_awaited(struct weft_http *h, const struct weft_waiter *waiter)
{
    return find(h, waiter) != NULL;
}

void weft_http_verdict(struct weft_http *h, const struct weft_warrants_verdict *verdict)
{
    uint32_t place = verdict->waiter.client;
    struct weft_http_conn *c = place < h->conn_max ? &h->conns[place] : NULL;
    struct weft_msg detail = {""};
    if (c == NULL || c->generation != verdict->waiter.generation || !c->is_doubtful ||
        c->is_hung_up) {
        return;
    }
    enum weft_err err = verdict->err;
    if (err == WEFT_OK) {
        weft_principal_format_uri(&verdict->warranted.principal, c->principal);
        c->has_warrant = true;
        c->warrant = verdict->warranted.warrant;
    } else {
        err = weft_warrants_tell(
            "http", c->peer[0] != '\0' ? c->peer : "", err, &verdict->msg, &detail);
    }
    weft_http_exchange_believe(c, err, &detail);
}

/* The answer is held rather than the next request: MHD reads nothing of the connection meanwhile,
 * and who opens another finds that its answer waits longer. */
void weft_http_refused(struct weft_http *h, const struct weft_waiter *waiter)
{
    struct weft_http_conn *c = find(h, waiter);
    if (c == NULL || c->state != WEFT_EXCHANGE_ASKING) {
        return;
    }
    uint64_t wait_ms = weft_reply_pace(h->node, c->principal);
    if (wait_ms > 0) {
        c->held_until_ms = weft_http_now_ms(h) + wait_ms;
        h->held_due_ms = c->held_until_ms < h->held_due_ms ? c->held_until_ms : h->held_due_ms;
    }
}

void weft_http_answer(struct weft_http *h, const struct weft_waiter *waiter,
    const struct weft_client_message *message)
{
    struct weft_http_conn *c = find(h, waiter);
    if (c == NULL) {
        return;
    }
    if (c->state == WEFT_EXCHANGE_STREAMING) {
        weft_http_stream_answer(c, message);
        return;
    }
    weft_http_reply_message(&c->reply, &c->asked, message, &h->scratch);
    weft_arena_reset(&h->scratch);
    weft_http_exchange_ready(c);
}

void weft_http_answer_json(
    struct weft_http *h, const struct weft_waiter *waiter, uint64_t index, struct weft_buffer *json)
{
    struct weft_http_conn *c = find(h, waiter);
    if (c == NULL) {
        return;
    }
    weft_http_reply_reset(&c->reply);
    weft_buffer_destroy(&c->reply.body.out);
    c->reply.body.out = *json;
    *json = (struct weft_buffer){.size = 0};
    c->reply.index = index;
    weft_http_exchange_ready(c);
}

void weft_http_answer_text(struct weft_http *h, const struct weft_waiter *waiter, unsigned status,
    const char *type, struct weft_text text)
{
    struct weft_http_conn *c = find(h, waiter);
    if (c == NULL) {
        return;
    }
    weft_http_reply_reset(&c->reply);
    c->reply.status = status;
    c->reply.content_type = type;
    if (weft_buffer_text(&c->reply.body.out, text) != WEFT_OK) {
        c->reply.status = 500;
    }
    weft_http_exchange_ready(c);
}

void weft_http_answer_bytes(
    struct weft_http *h, const struct weft_waiter *waiter, struct weft_bytes bytes)
{
    struct weft_arena arena = {.size_max = WEFT_HTTP_ARENA_BYTES};
    struct weft_client_message message;
    struct weft_msg msg = {""};
    if (find(h, waiter) == NULL) {
        return;
    }
    if (weft_client_decode(bytes, &arena, &message, NULL, &msg) != WEFT_OK) {
        message = (struct weft_client_message){.kind = WEFT_KIND_ERROR,
            .error = {.err = WEFT_ENOMEM, .detail = weft_text_of(msg.text)}};
    }
    weft_http_answer(h, waiter, &message);
    weft_arena_destroy(&arena);
}
