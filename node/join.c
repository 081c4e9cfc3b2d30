#include "node/join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "proto/check.h"

enum {
    AGAIN_MS = 200,   /* Between two askings. */
    ANSWER_MS = 3000, /* An endpoint that says nothing for so long is left. */
};

struct weft_join {
    uv_loop_t *loop;
    struct weft_link *link;
    struct weft_link_conn *conn;
    uv_timer_t timer;
    const struct weft_config *config;
    char endpoints[WEFT_MEMBERS_MAX][WEFT_ADDRESS_SIZE_MAX + 1];
    uint32_t endpoint_count;
    uint32_t endpoint;
    char leader[WEFT_ADDRESS_SIZE_MAX + 1]; /* Where the last answer sent us; "": nowhere. */
    uint64_t member_id;
    uint64_t asked_ms; /* 0: no question is open. */
    void *ctx;
    void (*on_joined)(void *ctx, const struct weft_member_result *result);
    bool is_done;
    bool redial; /* The timer dials `leader`: not from inside a connection's callback. */
    struct weft_arena arena;
    uint32_t closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void ask(struct weft_join *j)
{
    const struct weft_config *config = j->config;
    struct weft_buffer out = {0};
    struct weft_client_message message = {.kind = WEFT_KIND_MEMBER,
        .request_id = 1,
        .member = {.action = WEFT_MEMBER_JOIN,
            .id = j->member_id,
            .name = weft_text_of(config->node.name),
            .peer_address = weft_text_of(config->node.advertise_peer),
            .client_address = weft_text_of(config->node.advertise_client),
            .wants_vote = true}};
    if (weft_client_encode(&message, &out) == WEFT_OK &&
        weft_link_send(j->conn, (struct weft_bytes){out.data, out.size}) == WEFT_OK) {
        j->asked_ms = uv_now(j->loop);
    }
    weft_buffer_destroy(&out);
}

static void dial(struct weft_join *j)
{
    struct weft_msg msg = {""};
    const char *address = j->leader[0] != '\0' ? j->leader : j->endpoints[j->endpoint];
    if (j->conn != NULL) {
        weft_link_conn_close(j->conn);
        j->conn = NULL;
    }
    j->asked_ms = uv_now(j->loop);
    if (weft_link_dial(j->link, address, &j->conn, &msg) != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "join_dial_failed", weft_kv("endpoint", address),
            weft_kv("error", (const char *)msg.text));
        j->conn = NULL;
    }
}

static void next_endpoint(struct weft_join *j)
{
    j->leader[0] = '\0';
    j->endpoint = (j->endpoint + 1) % j->endpoint_count;
    dial(j);
}

static void on_timer(uv_timer_t *timer)
{
    struct weft_join *j = timer->data;
    if (j->is_done) {
        return;
    }
    if (j->redial) {
        j->redial = false;
        dial(j);
    } else if (uv_now(j->loop) - j->asked_ms >= ANSWER_MS) {
        weft_log(WEFT_LOG_WARN, "join_no_answer",
            weft_kv("endpoint",
                (const char *)(j->leader[0] != '\0' ? j->leader : j->endpoints[j->endpoint])),
            weft_kv("error", j->conn != NULL ? weft_link_conn_error(j->conn) : ""),
            weft_kv("next", "trying the next endpoint"));
        next_endpoint(j);
    } else if (j->conn != NULL && weft_link_conn_is_up(j->conn)) {
        ask(j);
    }
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    struct weft_join *j = ctx;
    if (conn == j->conn && !j->is_done) {
        ask(j);
    }
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    (void)conn;
}

static void on_error(struct weft_join *j, const struct weft_error_answer *error)
{
    char detail[256];
    (void)snprintf(detail, sizeof(detail), "%.*s", (int)error->detail.size, error->detail.data);
    if (error->err == WEFT_ENOTLEADER && error->leader.size > 0 &&
        error->leader.size <= WEFT_ADDRESS_SIZE_MAX) {
        char leader[WEFT_ADDRESS_SIZE_MAX + 1];
        memcpy(leader, error->leader.data, error->leader.size);
        leader[error->leader.size] = '\0';
        if (strcmp(leader, j->leader) != 0) {
            memcpy(j->leader, leader, sizeof(leader));
            j->redial = true;
            (void)uv_timer_start(&j->timer, on_timer, 0, AGAIN_MS);
        }
        return;
    }
    if (weft_err_class(error->err) != WEFT_CLASS_RETRY) {
        weft_log(WEFT_LOG_ERROR, "join_refused", weft_kv("reason", (const char *)detail),
            weft_kv("next", "asking again until it is admitted"));
    }
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes bytes)
{
    struct weft_join *j = ctx;
    struct weft_client_message message;
    struct weft_msg msg = {""};
    (void)envelope;
    if (conn != j->conn || j->is_done) {
        return WEFT_OK;
    }
    weft_arena_reset(&j->arena);
    enum weft_err rv = weft_client_decode(bytes, &j->arena, &message, NULL, &msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (message.kind == WEFT_KIND_ERROR) {
        on_error(j, &message.error);
    } else if (message.kind == WEFT_KIND_MEMBER_RESULT) {
        j->is_done = true;
        uv_timer_stop(&j->timer);
        j->on_joined(j->ctx, &message.member_result);
    }
    return WEFT_OK;
}

static void on_event(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    weft_log(WEFT_LOG_WARN, event, weft_kv("door", "join"), weft_kv("detail", detail));
}

enum weft_err weft_join_start(uv_loop_t *loop, const struct weft_config *config,
    const char *const *endpoints, uint32_t endpoint_count, uint64_t member_id, void *ctx,
    void (*on_joined)(void *ctx, const struct weft_member_result *result),
    struct weft_join **ret_join, struct weft_msg *msg)
{
    struct weft_join *j = calloc(1, sizeof(*j));
    if (j == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "join: no memory");
    }
    j->loop = loop;
    j->config = config;
    j->member_id = member_id;
    j->ctx = ctx;
    j->on_joined = on_joined;
    j->arena.size_max = 1024 * 1024;
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; i < endpoint_count && i < WEFT_MEMBERS_MAX && rv == WEFT_OK; i++) {
        rv = weft_config_parse_address(endpoints[i], j->endpoints[i], msg);
        j->endpoint_count++;
    }
    if (rv == WEFT_OK && j->endpoint_count == 0) {
        rv = weft_fail(msg, WEFT_EINVAL, "join: no endpoint is given");
    }
    struct weft_link_options link = {.loop = loop,
        .type = config->link.client,
        .ca_file = config->tls.ca,
        .cert_file = config->tls.cert,
        .key_file = config->tls.key,
        .message_size_max = WEFT_CLIENT_MESSAGE_SIZE_MAX,
        .queue_size_max = WEFT_CLIENT_MESSAGE_SIZE_MAX,
        .connections_max = 1,
        .handshake_ms = config->timers.handshake_ms,
        .heartbeat_ms = config->timers.link_heartbeat_ms,
        .callbacks = {.ctx = j,
            .on_up = on_up,
            .on_message = on_message,
            .on_down = on_down,
            .on_event = on_event}};
    if (rv == WEFT_OK) {
        rv = weft_link_open(&link, &j->link, msg);
    }
    if (rv != WEFT_OK) {
        free(j);
        return weft_wrap(msg, rv, "join");
    }
    (void)uv_timer_init(loop, &j->timer);
    j->timer.data = j;
    dial(j);
    (void)uv_timer_start(&j->timer, on_timer, AGAIN_MS, AGAIN_MS);
    *ret_join = j;
    return WEFT_OK;
}

static void one_closed(struct weft_join *j)
{
    weft_assert(j->closing > 0);
    if (--j->closing == 0) {
        void (*on_closed)(void *) = j->on_closed;
        void *ctx = j->closed_ctx;
        weft_arena_destroy(&j->arena);
        free(j);
        on_closed(ctx);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    one_closed(handle->data);
}

static void on_link_closed(void *ctx)
{
    one_closed(ctx);
}

void weft_join_close(struct weft_join *j, void (*on_closed)(void *ctx), void *ctx)
{
    j->is_done = true;
    j->closing = 2;
    j->on_closed = on_closed;
    j->closed_ctx = ctx;
    uv_close((uv_handle_t *)&j->timer, on_timer_closed);
    weft_link_close(j->link, on_link_closed, j);
}
