#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/transport.h"
#include "proto/check.h"

/* The life of a connection: states, deadlines, and what each end of it is called. The diagram
 * stands in transport.h. */

enum {
    LATE_MS = 50,   /* chosen: a timer that is later than this means that the loop was */
    GRACE_MS = 500, /* chosen: then the other end gets so long to show itself */
};

static const struct cause {
    const char *event;
    size_t counter; /* Offset in struct weft_link_stats; SIZE_MAX: none. */
} causes[WEFT_CAUSES] = {
    [WEFT_CAUSE_GONE] = {NULL, SIZE_MAX},
    [WEFT_CAUSE_UNREACHABLE] = {"link_unreachable", SIZE_MAX},
    [WEFT_CAUSE_TLS] = {"link_refused_tls", offsetof(struct weft_link_stats, refused_tls)},
    [WEFT_CAUSE_IDENTITY] = {"link_refused_identity",
        offsetof(struct weft_link_stats, refused_identity)},
    [WEFT_CAUSE_LIMIT] = {"link_refused_limit", offsetof(struct weft_link_stats, refused_limit)},
    [WEFT_CAUSE_MALFORMED] = {"link_dropped_malformed",
        offsetof(struct weft_link_stats, dropped_malformed)},
    [WEFT_CAUSE_OVERSIZED] = {"link_dropped_oversized",
        offsetof(struct weft_link_stats, dropped_oversized)},
    [WEFT_CAUSE_SILENT] = {"link_dropped_silent", offsetof(struct weft_link_stats, dropped_silent)},
    [WEFT_CAUSE_SLOW] = {"link_dropped_slow", offsetof(struct weft_link_stats, dropped_slow)},
    [WEFT_CAUSE_LOCAL] = {NULL, SIZE_MAX},
};

static uint64_t now_of(const struct weft_link_conn *conn)
{
    uint64_t now = uv_now(conn->link->options.loop);
    return now > 0 ? now : 1; /* 0 means never in the fields that hold a time. */
}

static bool is_stranger(const struct weft_link_conn *conn, enum weft_conn_state state)
{
    return !conn->is_dialled && state == WEFT_CONN_OPENING;
}

/* The only writer of conn->state, and of the counts and lists that follow from it. */
static void enter(struct weft_link_conn *conn, enum weft_conn_state state)
{
    struct weft_link *link = conn->link;
    if (is_stranger(conn, conn->state)) {
        TAILQ_REMOVE(&link->strangers, conn, strangers);
        link->stranger_count--;
    }
    if (!conn->is_dialled && conn->state == WEFT_CONN_UP) {
        link->up_count--;
    }
    conn->state = state;
    conn->is_suspect = false;
    if (is_stranger(conn, state)) {
        TAILQ_INSERT_TAIL(&link->strangers, conn, strangers);
        link->stranger_count++;
    }
    if (!conn->is_dialled && state == WEFT_CONN_UP) {
        link->up_count++;
    }
    weft_assert((conn->stream != NULL) ==
                (state == WEFT_CONN_OPENING || state == WEFT_CONN_UP)); /* LNK-3 */
}

static void on_timer(uv_timer_t *timer);

struct weft_link_conn *weft_conn_create(struct weft_link *link, bool is_dialled)
{
    struct weft_link_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        return NULL;
    }
    conn->link = link;
    conn->is_dialled = is_dialled;
    conn->retry_ms = WEFT_LINK_RETRY_MIN_MS;
    weft_framing_init(&conn->in, link->options.message_size_max);
    (void)uv_timer_init(link->options.loop, &conn->timer);
    conn->timer.data = conn;
    conn->state = WEFT_CONN_WAITING;
    link->handles++;
    TAILQ_INSERT_TAIL(&link->conns, conn, all);
    return conn;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct weft_link_conn *conn = handle->data;
    struct weft_link *link = conn->link;
    weft_framing_destroy(&conn->in);
    weft_queue_destroy(&conn->out);
    free(conn);
    weft_link_release(link);
}

static void clean(struct weft_link_conn *conn)
{
    struct weft_link *link = conn->link;
    if (conn->is_dirty) {
        TAILQ_REMOVE(&link->dirty, conn, dirty);
        link->dirty_count--;
        conn->is_dirty = false;
    }
}

void weft_conn_bury(struct weft_link_conn *conn)
{
    if (conn->state == WEFT_CONN_DEAD) {
        return;
    }
    if (conn->stream != NULL) {
        conn->link->transport->drop(conn);
    }
    clean(conn);
    enter(conn, WEFT_CONN_DEAD);
    TAILQ_REMOVE(&conn->link->conns, conn, all);
    uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
}

/* xorshift64* (Vigna, 2016): jitter needs no more. */
static uint32_t random_below(struct weft_link *link, uint32_t bound)
{
    uint64_t x = link->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    link->random = x;
    return (uint32_t)((x * 0x2545f4914f6cdd1du) >> 33) % bound;
}

/* Half of the back-off is fixed and half random, so that the peers of a node that comes back
 * do not all come at once. */
static void wait_for_retry(struct weft_link_conn *conn)
{
    uint32_t half = conn->retry_ms / 2;
    uint64_t wait_ms = half + random_below(conn->link, half + 1);
    conn->retry_ms =
        conn->retry_ms * 2 > WEFT_LINK_RETRY_MAX_MS ? WEFT_LINK_RETRY_MAX_MS : conn->retry_ms * 2;
    enter(conn, WEFT_CONN_WAITING);
    (void)uv_timer_start(&conn->timer, on_timer, wait_ms, 0);
}

void weft_conn_start(struct weft_link_conn *conn)
{
    (void)uv_timer_start(&conn->timer, on_timer, 0, 0);
}

static void report(struct weft_link_conn *conn, enum weft_link_cause cause);

static void dial(struct weft_link_conn *conn)
{
    struct weft_link *link = conn->link;
    struct weft_msg msg = {""};
    if (link->transport->dial(conn, &msg) != WEFT_OK) {
        (void)snprintf(
            conn->error, sizeof(conn->error), "%.*s", WEFT_LINK_ERROR_SIZE - 1, msg.text);
        report(conn, WEFT_CAUSE_UNREACHABLE);
        wait_for_retry(conn);
        return;
    }
    conn->is_secured = false;
    conn->deadline_ms = now_of(conn) + link->options.handshake_ms;
    enter(conn, WEFT_CONN_OPENING);
    (void)uv_timer_start(&conn->timer, on_timer, link->options.handshake_ms, 0);
}

struct weft_link_conn *weft_conn_accepted(
    struct weft_link *link, struct weft_stream *stream, const char *remote)
{
    link->stats.accepted++;
    if (link->stranger_count >= link->options.handshakes_max) {
        /* Honest handshakes take milliseconds: who has been at it longest gives way, so that
         * silent strangers cannot lock the others out (LNK-6). */
        weft_conn_fail(TAILQ_FIRST(&link->strangers), WEFT_CAUSE_LIMIT,
            "%u others wait to be authenticated", link->stranger_count);
    }
    struct weft_link_conn *conn = link->is_closing ? NULL : weft_conn_create(link, false);
    if (conn == NULL) {
        return NULL;
    }
    (void)snprintf(conn->remote, sizeof(conn->remote), "%s", remote);
    conn->stream = stream;
    conn->deadline_ms = now_of(conn) + link->options.handshake_ms;
    enter(conn, WEFT_CONN_OPENING);
    (void)uv_timer_start(&conn->timer, on_timer, link->options.handshake_ms, 0);
    return conn;
}

/* --- the end ----------------------------------------------------------------------------- */

/* Strangers by their host, since their port changes; others by their name. */
static void peer_of(const struct weft_link_conn *conn, char *ret_peer, size_t size)
{
    (void)snprintf(ret_peer, size, "%s", conn->is_secured ? conn->identity.uri : conn->remote);
    char *colon = strrchr(ret_peer, ':');
    if (!conn->is_secured && !conn->is_dialled && colon != NULL) {
        *colon = '\0';
    }
}

static void report(struct weft_link_conn *conn, enum weft_link_cause cause)
{
    struct weft_link *link = conn->link;
    const struct cause *c = &causes[cause];
    if (c->counter != SIZE_MAX) {
        (*(uint64_t *)((char *)&link->stats + c->counter))++;
    }
    if (c->event != NULL) {
        char peer[WEFT_IDENTITY_SIZE + 16], text[2 * WEFT_IDENTITY_SIZE + 300];
        peer_of(conn, peer, sizeof(peer));
        (void)snprintf(text, sizeof(text), "%s%s%s: %s; %s", peer, conn->is_secured ? " at " : "",
            conn->is_secured ? conn->remote : "", conn->error,
            conn->is_dialled ? "tried again" : "dropped");
        weft_link_event(link, cause, c->event, peer, text);
    }
}

void weft_conn_fail(
    struct weft_link_conn *conn, enum weft_link_cause cause, const char *format, ...)
{
    struct weft_link *link = conn->link;
    if (conn->state != WEFT_CONN_OPENING && conn->state != WEFT_CONN_UP) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(conn->error, sizeof(conn->error), format, args);
    va_end(args);
    bool was_up = conn->state == WEFT_CONN_UP;
    if (cause == WEFT_CAUSE_GONE && !was_up) {
        cause = conn->is_dialled ? WEFT_CAUSE_UNREACHABLE : WEFT_CAUSE_TLS;
    }
    report(conn, cause);
    if (conn->stream == NULL) {
        return; /* The event's listener has closed it. */
    }
    if (conn->is_dialled && !link->is_closing) {
        link->transport->drop(conn);
        clean(conn);
        weft_framing_reset(&conn->in);
        weft_queue_destroy(&conn->out);
        conn->flying_bytes = 0;
        conn->full_ms = 0;
        conn->is_paused = conn->is_resumed = conn->is_secured = false;
        wait_for_retry(conn);
    } else {
        weft_conn_bury(conn);
    }
    if (was_up) {
        link->stats.disconnects++;
        if (link->options.callbacks.on_down != NULL) {
            link->options.callbacks.on_down(link->options.callbacks.ctx, conn);
        }
    }
}

/* --- deadlines --------------------------------------------------------------------------- */

static void say_hello(struct weft_link_conn *conn)
{
    uint8_t frame[WEFT_ENVELOPE_SIZE];
    struct weft_envelope envelope = {.size_bytes = WEFT_ENVELOPE_SIZE,
        .kind = WEFT_KIND_HEARTBEAT,
        .version = WEFT_ENVELOPE_VERSION,
        .request_id = conn->link->options.heartbeat_ms};
    weft_envelope_encode(&envelope, frame);
    if (weft_queue_append(&conn->out, frame, sizeof(frame)) == WEFT_OK) {
        weft_conn_mark_dirty(conn);
    } /* Without memory it is not sent now; the next timer tries again. */
}

void weft_conn_arm(struct weft_link_conn *conn)
{
    const struct weft_link_options *o = &conn->link->options;
    uint64_t now = now_of(conn), due = UINT64_MAX;
    if (conn->state != WEFT_CONN_UP) {
        return; /* The other states have set their one timer when they were entered. */
    }
    if (o->heartbeat_ms > 0) {
        uint64_t send_due = conn->sent_ms + o->heartbeat_ms;
        uint64_t silent_due = conn->heard_ms + conn->silence_ms;
        due = conn->is_paused || send_due < silent_due ? send_due : silent_due;
    }
    if (conn->full_ms > 0 && conn->full_ms + o->slow_ms < due) {
        due = conn->full_ms + o->slow_ms;
    }
    if (due == UINT64_MAX) {
        (void)uv_timer_stop(&conn->timer);
    } else {
        (void)uv_timer_start(&conn->timer, on_timer, due > now ? due - now : 1, 0);
    }
}

/* A deadline has passed. What would have met it may lie in the socket: one more turn decides.
 * If the loop itself was late (stopped, swapped out, a long turn), perhaps because the whole
 * machine was, the other end gets time to speak (LNK-7). */
static bool is_given_a_turn(struct weft_link_conn *conn, uint64_t due_ms)
{
    if (conn->is_suspect) {
        return false;
    }
    conn->is_suspect = true;
    bool is_late = now_of(conn) - due_ms > LATE_MS;
    (void)uv_timer_start(&conn->timer, on_timer, is_late ? GRACE_MS : 1, 0);
    return true;
}

/* Nothing was sent for a while: a heartbeat, and memory that a busy connection keeps goes. */
static void be_quiet(struct weft_link_conn *conn, uint64_t now)
{
    const struct weft_transport *transport = conn->link->transport;
    if (weft_queue_size(&conn->out) + conn->flying_bytes == 0) {
        weft_queue_release(&conn->out);
        say_hello(conn);
    }
    weft_framing_release(&conn->in);
    if (transport->release != NULL) {
        transport->release(conn);
    }
    conn->sent_ms = now; /* Bytes that wait are a heartbeat of their own. */
}

static void on_up_timer(struct weft_link_conn *conn)
{
    const struct weft_link_options *o = &conn->link->options;
    uint64_t now = now_of(conn);
    uint64_t silent_due = conn->heard_ms + conn->silence_ms;
    uint64_t slow_due = conn->full_ms + o->slow_ms;
    bool is_silent = o->heartbeat_ms > 0 && !conn->is_paused && now >= silent_due;
    bool is_slow = conn->full_ms > 0 && now >= slow_due;
    if (o->heartbeat_ms > 0 && now >= conn->sent_ms + o->heartbeat_ms) {
        be_quiet(conn, now);
    }
    if ((is_silent && is_given_a_turn(conn, silent_due)) ||
        (is_slow && is_given_a_turn(conn, slow_due))) {
        return;
    }
    if (is_silent) {
        weft_conn_fail(conn, WEFT_CAUSE_SILENT, "silent for %llu ms",
            (unsigned long long)(now - conn->heard_ms));
    } else if (is_slow) {
        weft_conn_fail(conn, WEFT_CAUSE_SLOW, "reads nothing: queue full for %llu ms",
            (unsigned long long)(now - conn->full_ms));
    } else {
        conn->is_suspect = false;
        weft_conn_arm(conn);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct weft_link_conn *conn = timer->data;
    switch (conn->state) {
    case WEFT_CONN_WAITING:
        dial(conn);
        return;
    case WEFT_CONN_OPENING:
        if (!is_given_a_turn(conn, conn->deadline_ms)) {
            weft_conn_fail(conn, conn->is_dialled ? WEFT_CAUSE_UNREACHABLE : WEFT_CAUSE_TLS,
                "%s within %u ms", conn->is_dialled ? "no answer" : "not authenticated",
                conn->link->options.handshake_ms);
        }
        return;
    case WEFT_CONN_UP:
        on_up_timer(conn);
        return;
    case WEFT_CONN_DEAD:
        return;
    }
}

/* --- traffic ----------------------------------------------------------------------------- */

void weft_conn_mark_dirty(struct weft_link_conn *conn)
{
    struct weft_link *link = conn->link;
    if (!conn->is_dirty) {
        conn->is_dirty = true;
        TAILQ_INSERT_TAIL(&link->dirty, conn, dirty);
        if (link->dirty_count++ == 0) {
            (void)uv_idle_start(&link->idle, weft_link_on_idle);
        }
    }
}

void weft_conn_secured(struct weft_link_conn *conn, const struct weft_identity *identity)
{
    conn->identity = *identity;
    conn->is_secured = true;
}

void weft_conn_greet(struct weft_link_conn *conn)
{
    if (conn->is_dialled) {
        say_hello(conn); /* LNK-4: the dialling end speaks first. */
    }
}

/* The first message of the other end: it is authenticated, and (if we dialled) has admitted
 * us. Now it is our turn to admit it. False: it is gone. */
static bool admit(struct weft_link_conn *conn, const struct weft_envelope *envelope)
{
    struct weft_link *link = conn->link;
    const struct weft_link_callbacks *calls = &link->options.callbacks;
    struct weft_msg reason = {"not admitted"};
    weft_assert(conn->is_secured); /* LNK-4 */
    if (envelope->kind != WEFT_KIND_HEARTBEAT) {
        weft_conn_fail(conn, WEFT_CAUSE_MALFORMED, "message kind %u before the hello",
            (unsigned)envelope->kind);
    } else if (conn->expected[0] != '\0' && strcmp(conn->expected, conn->identity.uri) != 0) {
        weft_conn_fail(
            conn, WEFT_CAUSE_IDENTITY, "it is %s, expected %s", conn->identity.uri, conn->expected);
    } else if (calls->admit != NULL &&
               !calls->admit(calls->ctx, &conn->identity, conn->is_dialled, &reason)) {
        weft_conn_fail(conn, WEFT_CAUSE_IDENTITY, "%s", reason.text);
    } else if (!conn->is_dialled && link->up_count >= link->options.connections_max) {
        weft_conn_fail(conn, WEFT_CAUSE_LIMIT, "%u connections are open", link->up_count);
    }
    return conn->state == WEFT_CONN_OPENING;
}

static void come_up(struct weft_link_conn *conn, const struct weft_envelope *hello)
{
    struct weft_link *link = conn->link;
    /* The hello's request id is the other end's heartbeat: who sends less often than we do is
     * not dropped for it. */
    uint64_t theirs_ms = hello->request_id < WEFT_LINK_HEARTBEAT_MAX_MS
                             ? hello->request_id
                             : WEFT_LINK_HEARTBEAT_MAX_MS;
    uint64_t ours_ms = link->options.heartbeat_ms;
    conn->silence_ms = 3 * (theirs_ms > ours_ms ? theirs_ms : ours_ms);
    enter(conn, WEFT_CONN_UP);
    conn->retry_ms = WEFT_LINK_RETRY_MIN_MS;
    conn->heard_ms = conn->sent_ms = now_of(conn);
    conn->full_ms = 0;
    link->stats.connects++;
    if (!conn->is_dialled) {
        say_hello(conn);
    }
    weft_conn_arm(conn);
    if (link->options.callbacks.on_up != NULL) {
        link->options.callbacks.on_up(link->options.callbacks.ctx, conn);
    }
}

static void on_frame(
    struct weft_link_conn *conn, const struct weft_envelope *envelope, struct weft_bytes message)
{
    struct weft_link *link = conn->link;
    const struct weft_link_callbacks *calls = &link->options.callbacks;
    if (conn->state == WEFT_CONN_OPENING) {
        if (admit(conn, envelope)) {
            come_up(conn, envelope);
        }
        return;
    }
    if (envelope->kind == WEFT_KIND_HEARTBEAT) {
        return;
    }
    link->stats.messages_in++;
    enum weft_err err = calls->on_message(calls->ctx, conn, envelope, message);
    if (err != WEFT_OK) {
        weft_conn_fail(conn, WEFT_CAUSE_MALFORMED, "message kind %u: %s", (unsigned)envelope->kind,
            weft_err_name(err));
    }
}

void weft_conn_deliver(struct weft_link_conn *conn)
{
    struct weft_stream *stream = conn->stream;
    while (conn->stream != NULL && conn->stream == stream && !conn->is_paused) {
        struct weft_envelope envelope;
        struct weft_bytes message;
        enum weft_err err = weft_framing_next(&conn->in, &envelope, &message);
        if (err == WEFT_ETOOBIG) {
            weft_conn_fail(conn, WEFT_CAUSE_OVERSIZED, "a message larger than %zu bytes",
                conn->in.message_size_max);
            return;
        }
        if (err != WEFT_OK) {
            weft_conn_fail(conn, WEFT_CAUSE_MALFORMED, "frame: %s", weft_err_name(err));
            return;
        }
        if (message.data == NULL) {
            return;
        }
        on_frame(conn, &envelope, message);
    }
}

void weft_conn_received(struct weft_link_conn *conn, size_t size)
{
    weft_framing_fill(&conn->in, size);
    conn->link->stats.bytes_in += size;
    conn->heard_ms = now_of(conn);
    if (conn->is_suspect) {
        conn->is_suspect = false;
        weft_conn_arm(conn); /* Its heartbeats go on. */
    }
    weft_conn_deliver(conn);
}

void weft_conn_sent(struct weft_link_conn *conn)
{
    struct weft_link *link = conn->link;
    const struct weft_link_callbacks *calls = &link->options.callbacks;
    size_t waiting = weft_queue_size(&conn->out) + conn->flying_bytes;
    conn->sent_ms = now_of(conn);
    if (conn->full_ms > 0 && waiting <= link->options.queue_size_max / 2) {
        conn->full_ms = 0;
        conn->is_suspect = false;
        if (conn->state == WEFT_CONN_UP && calls->on_drained != NULL) {
            calls->on_drained(calls->ctx, conn);
        }
    }
}
