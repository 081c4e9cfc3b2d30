#include "node/telemetry_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "proto/check.h"

enum {
    TICK_MS = 100,
    ARENA_SIZE_MAX = 4 * 1024 * 1024,
};

/* A block that is searched. */
struct want {
    uint64_t id; /* Of its requests; 0: free. */
    struct weft_digest digest;
    uint32_t member;   /* Asked now. */
    uint64_t since_ms; /* When its turn came. */
    bool is_sent;
    bool has_silent; /* A member did not answer. */
};

struct member {
    char address[WEFT_ADDRESS_SIZE_MAX + 1];
    struct weft_link_conn *conn;
};

struct weft_telemetry_fetch {
    uv_loop_t *loop;
    const struct weft_config *config;
    weft_telemetry_members *members_of;
    weft_telemetry_on_found *on_found;
    void *ctx;
    struct weft_link *link; /* NULL: nothing was ever wanted. */
    uv_timer_t timer;
    struct want wants[WEFT_FETCH_WANTS_MAX];
    uint64_t id_next;
    struct member members[WEFT_MEMBERS_MAX];
    uint32_t member_count; /* Of the searches under way. */
    struct weft_arena arena;
    struct weft_buffer scratch;
    bool is_closing;
    uint32_t closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static bool is_idle(const struct weft_telemetry_fetch *f)
{
    for (uint32_t i = 0; i < WEFT_FETCH_WANTS_MAX; i++) {
        if (f->wants[i].id != 0) {
            return false;
        }
    }
    return true;
}

static void end(
    struct weft_telemetry_fetch *f, struct want *w, enum weft_err err, struct weft_bytes content)
{
    const struct weft_digest digest = w->digest;
    *w = (struct want){.id = 0};
    f->on_found(f->ctx, &digest, err, content);
}

/* Ask the member whose turn it is, as soon as it can be reached. */
static void ask(struct weft_telemetry_fetch *f, struct want *w)
{
    struct member *m = &f->members[w->member];
    const struct weft_client_message message = {.kind = WEFT_KIND_BLOCK_GET,
        .request_id = w->id,
        .block_get = {.digest = w->digest, .is_local = true}};
    if (m->conn == NULL) {
        struct weft_msg msg = {""};
        if (weft_link_dial(f->link, m->address, &m->conn, &msg) != WEFT_OK) {
            m->conn = NULL; /* Its time passes; then the next one is asked. */
            return;
        }
    }
    if (w->is_sent || !weft_link_conn_is_up(m->conn)) {
        return;
    }
    weft_buffer_clear(&f->scratch);
    w->is_sent =
        weft_client_encode(&message, &f->scratch) == WEFT_OK &&
        weft_link_send(m->conn, (struct weft_bytes){f->scratch.data, f->scratch.size}) == WEFT_OK;
}

static void ask_next(struct weft_telemetry_fetch *f, struct want *w)
{
    w->member++;
    w->is_sent = false;
    w->since_ms = uv_now(f->loop);
    if (w->member < f->member_count) {
        ask(f, w);
        return;
    }
    end(f, w, w->has_silent ? WEFT_EUNAVAILABLE : WEFT_ENOTFOUND, (struct weft_bytes){NULL, 0});
}

/* Nothing is wanted: nobody is to be held. */
static void hang_up(struct weft_telemetry_fetch *f)
{
    for (uint32_t i = 0; i < f->member_count; i++) {
        if (f->members[i].conn != NULL) {
            weft_link_conn_close(f->members[i].conn);
            f->members[i].conn = NULL;
        }
    }
    f->member_count = 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct weft_telemetry_fetch *f = timer->data;
    uint64_t now_ms = uv_now(f->loop);
    for (uint32_t i = 0; i < WEFT_FETCH_WANTS_MAX && !f->is_closing; i++) {
        struct want *w = &f->wants[i];
        if (w->id == 0) {
            continue;
        }
        if (w->member >= f->member_count || now_ms - w->since_ms >= WEFT_FETCH_ANSWER_MS) {
            w->has_silent = w->has_silent || w->member < f->member_count;
            ask_next(f, w);
        } else {
            ask(f, w);
        }
    }
    if (is_idle(f) && !f->is_closing) {
        hang_up(f);
        (void)uv_timer_stop(&f->timer);
    }
}

/* --- the link -------------------------------------------------------------------------------- */

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes bytes)
{
    struct weft_telemetry_fetch *f = ctx;
    struct weft_client_message message;
    struct weft_msg msg;
    struct want *w = NULL;
    (void)envelope;
    weft_arena_reset(&f->arena);
    enum weft_err rv = weft_client_decode(bytes, &f->arena, &message, NULL, &msg);
    if (rv != WEFT_OK || f->is_closing) {
        return rv;
    }
    for (uint32_t i = 0; i < WEFT_FETCH_WANTS_MAX; i++) {
        if (f->wants[i].id == message.request_id && message.request_id != 0) {
            w = &f->wants[i];
        }
    }
    if (w == NULL || w->member >= f->member_count || f->members[w->member].conn != conn) {
        return WEFT_OK; /* Too late, or not whom we asked. */
    }
    if (message.kind == WEFT_KIND_BLOCK_RESULT) {
        struct weft_digest found =
            weft_sha256(message.block.content.data, message.block.content.size);
        if (weft_digest_equal(&found, &w->digest)) { /* NOD-11 */
            end(f, w, WEFT_OK, message.block.content);
            return WEFT_OK;
        }
        weft_log(WEFT_LOG_WARN, "telemetry_wrong_block",
            weft_kv("from", (const char *)f->members[w->member].address),
            weft_kv("next", "asking the next member"));
    } else if (message.kind == WEFT_KIND_ERROR &&
               weft_err_class(message.error.err) == WEFT_CLASS_RETRY) {
        w->has_silent = true;
    }
    ask_next(f, w);
    return WEFT_OK;
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    struct weft_telemetry_fetch *f = ctx;
    for (uint32_t i = 0; i < WEFT_FETCH_WANTS_MAX && !f->is_closing; i++) {
        struct want *w = &f->wants[i];
        if (w->id != 0 && w->member < f->member_count && f->members[w->member].conn == conn) {
            ask(f, w);
        }
    }
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    struct weft_telemetry_fetch *f = ctx;
    for (uint32_t i = 0; i < WEFT_FETCH_WANTS_MAX; i++) {
        struct want *w = &f->wants[i];
        if (w->id != 0 && w->member < f->member_count && f->members[w->member].conn == conn) {
            w->is_sent = false; /* It is asked again when the connection is back, or passed over. */
        }
    }
}

static void on_event(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    weft_log(WEFT_LOG_DEBUG, event, weft_kv("door", "telemetry"), weft_kv("detail", detail));
}

static enum weft_err open_link(struct weft_telemetry_fetch *f, struct weft_msg *msg)
{
    const struct weft_config *config = f->config;
    const struct weft_link_options options = {.loop = f->loop,
        .type = config->link.client,
        .ca_file = config->tls.ca,
        .cert_file = config->tls.cert,
        .key_file = config->tls.key,
        .message_size_max = WEFT_ANSWER_SIZE_MAX,
        .queue_size_max = WEFT_CLIENT_MESSAGE_SIZE_MAX,
        .connections_max = WEFT_MEMBERS_MAX,
        .handshake_ms = config->timers.handshake_ms,
        .heartbeat_ms = config->timers.link_heartbeat_ms,
        .callbacks = {.ctx = f,
            .on_up = on_up,
            .on_message = on_message,
            .on_down = on_down,
            .on_event = on_event}};
    enum weft_err rv = weft_link_open(&options, &f->link, msg);
    return rv == WEFT_OK ? rv : weft_wrap(msg, rv, "telemetry");
}

/* --- life ------------------------------------------------------------------------------------ */

enum weft_err weft_telemetry_fetch_create(uv_loop_t *loop, const struct weft_config *config,
    weft_telemetry_members *members, weft_telemetry_on_found *on_found, void *ctx,
    struct weft_telemetry_fetch **ret_fetch)
{
    struct weft_telemetry_fetch *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return WEFT_ENOMEM;
    }
    f->loop = loop;
    f->config = config;
    f->members_of = members;
    f->on_found = on_found;
    f->ctx = ctx;
    f->id_next = 1;
    f->arena.size_max = ARENA_SIZE_MAX;
    (void)uv_timer_init(loop, &f->timer);
    f->timer.data = f;
    *ret_fetch = f;
    return WEFT_OK;
}

enum weft_err weft_telemetry_fetch_want(
    struct weft_telemetry_fetch *f, const struct weft_digest *digest, struct weft_msg *msg)
{
    struct want *free_want = NULL;
    for (uint32_t i = 0; i < WEFT_FETCH_WANTS_MAX; i++) {
        struct want *w = &f->wants[i];
        if (w->id != 0 && weft_digest_equal(&w->digest, digest)) {
            return WEFT_OK;
        }
        free_want = w->id == 0 ? w : free_want;
    }
    if (free_want == NULL) {
        return weft_fail(
            msg, WEFT_EBUSY, "this node is fetching %d blocks; try again", WEFT_FETCH_WANTS_MAX);
    }
    if (is_idle(f)) {
        char addresses[WEFT_MEMBERS_MAX][WEFT_ADDRESS_SIZE_MAX + 1];
        hang_up(f);
        f->member_count = f->members_of(f->ctx, addresses);
        for (uint32_t i = 0; i < f->member_count; i++) {
            memcpy(f->members[i].address, addresses[i], sizeof(addresses[i]));
        }
    }
    enum weft_err rv = f->link == NULL ? open_link(f, msg) : WEFT_OK;
    if (rv != WEFT_OK) {
        return rv;
    }
    *free_want = (struct want){.id = f->id_next++, .digest = *digest, .since_ms = uv_now(f->loop)};
    (void)uv_timer_start(&f->timer, on_timer, 0, TICK_MS);
    return WEFT_OK;
}

static void one_closed(struct weft_telemetry_fetch *f)
{
    weft_assert(f->closing > 0);
    if (--f->closing == 0) {
        void (*on_closed)(void *) = f->on_closed;
        void *ctx = f->closed_ctx;
        weft_arena_destroy(&f->arena);
        weft_buffer_destroy(&f->scratch);
        free(f);
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

void weft_telemetry_fetch_close(
    struct weft_telemetry_fetch *f, void (*on_closed)(void *ctx), void *ctx)
{
    f->is_closing = true;
    f->on_closed = on_closed;
    f->closed_ctx = ctx;
    f->closing = 1 + (f->link != NULL);
    uv_close((uv_handle_t *)&f->timer, on_timer_closed);
    if (f->link != NULL) {
        weft_link_close(f->link, on_link_closed, f);
    }
}
