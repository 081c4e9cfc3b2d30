#include "ops/weft/client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ops/weft/net.h"
#include "ops/weft/speaker.h"
#include "proto/check.h"

enum {
    BACKOFF_MIN_MS = 20,
    BACKOFF_MAX_MS = 500,
    /* While nobody leads, one request asks in the name of all. Chosen: an election takes 250 to
     * 500 ms by default, and what is lost after it is half of this. */
    PROBE_MIN_MS = 20,
    PROBE_MAX_MS = 250,
    PROBES_PER_ENDPOINT = 8, /* Then another node is asked: this one may be cut off. */
    CONNECT_MS = 1500,       /* Not up by then: another endpoint is tried. */
    DISTRUST_MS = 1000,      /* So long an endpoint that failed is not believed to lead. */
    SLOTS_MIN = 64,
};

enum request_state {
    REQUEST_WAITING, /* To be sent, not before retry_ms. */
    REQUEST_SENT,
};

struct request {
    struct request *next, *previous; /* In the order of submission. */
    struct weft_buffer message;
    enum request_state state;
    uint32_t slot;
    uint32_t generation;
    uint32_t attempts;
    bool was_sent;
    bool may_repeat; /* Sending it twice does no harm. */
    uint64_t retry_ms;
    uint64_t deadline_ms;
    weft_client_on_answer *on_answer;
    void *ctx;
};

struct endpoint {
    char address[WEFT_ADDRESS_SIZE_MAX + 1];
    uint64_t failed_ms; /* When it last did not come up, or went down; 0: never. */
};

struct weft_client {
    struct weft_net *net;
    struct weft_client *next; /* In the net's list. */
    struct endpoint endpoints[WEFT_CONTEXT_ENDPOINTS_MAX];
    uint32_t endpoint_count;
    uint32_t current;
    bool is_pinned;
    bool is_once;     /* Nothing is sent a second time. */
    bool is_in_doubt; /* Of the request that was finished last. */
    uint64_t timeout_ms;

    struct weft_link_conn *conn; /* NULL: to be dialled, not before dial_ms. */
    bool is_up;
    bool is_full;      /* The link's queue: on_drained goes on. */
    bool is_probing;   /* Nobody led when last asked: one request at a time. */
    uint32_t probes;   /* Since somebody led. */
    uint32_t failures; /* Connections in a row that gave no answer. */
    uint64_t dial_ms;
    uint64_t dialled_ms;
    char last_error[256];

    struct request *head, *tail;
    struct request **slots;
    uint32_t slot_count;
    uint32_t free_count;
    uint32_t *free_slots;
    uint32_t outstanding;
    uint32_t waiting;
    uint32_t generation;
    uint64_t repeats;
};

static uint64_t now_of(const struct weft_client *c)
{
    return uv_now(&c->net->loop);
}

struct weft_client *weft_client_next(const struct weft_client *c)
{
    return c->next;
}

static uint64_t backoff_ms(uint32_t attempts)
{
    uint64_t wait = (uint64_t)BACKOFF_MIN_MS << (attempts < 8 ? attempts : 8);
    return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

/* --- requests ---------------------------------------------------------------------------- */

static enum weft_err grow(struct weft_client *c)
{
    uint32_t count = c->slot_count == 0 ? SLOTS_MIN : c->slot_count * 2;
    if (count > WEFT_CLIENT_REQUESTS_MAX) {
        return WEFT_EBUSY;
    }
    struct request **slots = realloc(c->slots, count * sizeof(struct request *));
    c->slots = slots != NULL ? slots : c->slots;
    uint32_t *free_slots = realloc(c->free_slots, count * sizeof(*free_slots));
    c->free_slots = free_slots != NULL ? free_slots : c->free_slots;
    if (slots == NULL || free_slots == NULL) {
        return WEFT_ENOMEM;
    }
    for (; c->slot_count < count; c->slot_count++) {
        struct request *r = calloc(1, sizeof(*r));
        if (r == NULL) {
            return c->free_count > 0 ? WEFT_OK : WEFT_ENOMEM;
        }
        r->slot = c->slot_count;
        c->slots[r->slot] = r;
        c->free_slots[c->free_count++] = r->slot;
    }
    return WEFT_OK;
}

static void append(struct weft_client *c, struct request *r)
{
    r->next = NULL;
    r->previous = c->tail;
    if (c->tail != NULL) {
        c->tail->next = r;
    } else {
        c->head = r;
    }
    c->tail = r;
    c->outstanding++;
    c->waiting++;
}

/* Out of the list, its slot free again; its memory is kept for the next. */
static void release(struct weft_client *c, struct request *r)
{
    *(r->previous != NULL ? &r->previous->next : &c->head) = r->next;
    *(r->next != NULL ? &r->next->previous : &c->tail) = r->previous;
    c->waiting -= r->state == REQUEST_WAITING ? 1 : 0;
    c->outstanding--;
    r->generation = 0;
    c->free_slots[c->free_count++] = r->slot;
}

/* The only caller of a request's callback (OPS-3): afterwards its slot is free. */
static void finish(struct weft_client *c, struct request *r, enum weft_err err,
    const struct weft_client_message *answer, const struct weft_msg *msg)
{
    weft_client_on_answer *on_answer = r->on_answer;
    void *ctx = r->ctx;
    c->is_in_doubt = answer == NULL && r->was_sent;
    release(c, r);
    on_answer(ctx, err, answer, msg);
}

static void put_back(struct weft_client *c, struct request *r, uint64_t retry_ms)
{
    c->waiting += r->state == REQUEST_SENT ? 1 : 0;
    r->state = REQUEST_WAITING;
    r->retry_ms = retry_ms;
}

static void send_waiting(struct weft_client *c)
{
    uint64_t now_ms = now_of(c);
    if (c->is_probing && c->outstanding > c->waiting) {
        return; /* The probe is out. */
    }
    for (struct request *r = c->head; r != NULL && c->waiting > 0 && c->is_up && !c->is_full;
         r = r->next) {
        if (r->state != REQUEST_WAITING || r->retry_ms > now_ms) {
            continue;
        }
        enum weft_err err =
            weft_link_send(c->conn, (struct weft_bytes){r->message.data, r->message.size});
        if (err == WEFT_EBUSY) {
            c->is_full = true;
        }
        if (err != WEFT_OK) {
            return; /* Later: when it is drained, up again, or there is memory. */
        }
        c->repeats += r->was_sent ? 1 : 0;
        r->was_sent = true;
        r->state = REQUEST_SENT;
        c->waiting--;
        if (c->is_probing) {
            return;
        }
    }
}

/* The connection is gone: what was sent on it is sent again, in order (OPS-2), unless that
 * could do it twice (OPS-1). */
static void recall(struct weft_client *c)
{
    struct request *next;
    for (struct request *r = c->head; r != NULL; r = next) {
        next = r->next;
        if (r->state == REQUEST_SENT && r->may_repeat) {
            put_back(c, r, 0);
        }
    }
    for (struct request *r = c->head; r != NULL; r = next) {
        next = r->next;
        if (r->state == REQUEST_SENT) {
            struct weft_msg msg;
            (void)weft_fail(&msg, WEFT_EUNAVAILABLE,
                "%s: the connection was lost before the answer; whether it was done is not "
                "known%s",
                c->endpoints[c->current].address,
                c->is_once ? "" : ": look (weft member list) before trying again");
            finish(c, r, WEFT_EUNAVAILABLE, NULL, &msg);
            next = c->head; /* The callback may have changed the list. */
        }
    }
}

/* --- the connection ---------------------------------------------------------------------- */

static void dial(struct weft_client *c)
{
    struct weft_msg msg;
    c->dialled_ms = now_of(c);
    if (weft_link_dial(c->net->link, c->endpoints[c->current].address, &c->conn, &msg) != WEFT_OK) {
        c->conn = NULL;
        (void)snprintf(c->last_error, sizeof(c->last_error), "%.255s", msg.text);
        c->dial_ms = c->dialled_ms + backoff_ms(c->failures++);
        c->current = (c->current + 1) % c->endpoint_count;
        return;
    }
    weft_link_conn_set_user(c->conn, c);
}

static void hang_up(struct weft_client *c)
{
    if (c->conn != NULL) {
        weft_link_conn_close(c->conn);
    }
    c->conn = NULL;
    c->is_up = false;
    c->is_full = false;
}

/* Leave the endpoint in use for another one. */
static void move_to(struct weft_client *c, uint32_t endpoint, uint64_t dial_ms)
{
    hang_up(c);
    c->current = endpoint;
    c->dial_ms = dial_ms;
    recall(c);
}

static void note_failure(struct weft_client *c)
{
    const char *error = c->conn != NULL ? weft_link_conn_error(c->conn) : "";
    (void)snprintf(c->last_error, sizeof(c->last_error), "%s: %.180s",
        c->endpoints[c->current].address, error[0] != '\0' ? error : "no answer");
    c->endpoints[c->current].failed_ms = now_of(c);
}

/* A round over all endpoints without an answer is waited after, longer each time. */
static void try_next(struct weft_client *c)
{
    uint32_t round = c->failures / c->endpoint_count;
    uint64_t wait_ms = c->failures < c->endpoint_count ? 0 : backoff_ms(round);
    c->failures++;
    note_failure(c);
    move_to(c, (c->current + 1) % c->endpoint_count, now_of(c) + wait_ms);
    if (wait_ms == 0) {
        dial(c);
    }
}

void weft_client_on_up(struct weft_client *c)
{
    c->is_up = true;
    send_waiting(c);
}

void weft_client_on_down(struct weft_client *c)
{
    c->is_up = false;
    try_next(c);
}

void weft_client_on_drained(struct weft_client *c)
{
    c->is_full = false;
    send_waiting(c);
}

/* The endpoint with this address, made if need be; `endpoint_count` if it cannot be. */
static uint32_t endpoint_of(struct weft_client *c, struct weft_text address)
{
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        if (weft_text_is(address, c->endpoints[i].address)) {
            return i;
        }
    }
    if (address.size == 0 || address.size > WEFT_ADDRESS_SIZE_MAX ||
        c->endpoint_count == WEFT_CONTEXT_ENDPOINTS_MAX) {
        return c->endpoint_count;
    }
    struct endpoint *e = &c->endpoints[c->endpoint_count];
    *e = (struct endpoint){{0}, 0};
    memcpy(e->address, address.data, address.size);
    return c->endpoint_count++;
}

/* --- answers ----------------------------------------------------------------------------- */

/* Nobody can do it for the moment. All requests wait; the oldest is sent again soon. */
static void probe(struct weft_client *c, struct request *r)
{
    uint64_t now_ms = now_of(c);
    uint64_t wait_ms = (uint64_t)PROBE_MIN_MS << (c->probes / (2 * PROBES_PER_ENDPOINT));
    put_back(c, r, now_ms + (wait_ms < PROBE_MAX_MS ? wait_ms : PROBE_MAX_MS));
    if (!c->is_probing) {
        c->is_probing = true;
        return;
    }
    c->probes += c->probes < 8 * PROBES_PER_ENDPOINT ? 1 : 0;
    if (c->probes % PROBES_PER_ENDPOINT == 0 && !c->is_pinned && c->endpoint_count > 1) {
        move_to(c, (c->current + 1) % c->endpoint_count, now_ms);
        dial(c);
    }
}

static void end_probing(struct weft_client *c)
{
    c->probes = 0;
    if (c->is_probing) {
        c->is_probing = false;
        send_waiting(c);
    }
}

static void follow_leader(struct weft_client *c, struct request *r, struct weft_text leader)
{
    uint64_t now_ms = now_of(c);
    uint32_t known = c->endpoint_count;
    uint32_t endpoint = endpoint_of(c, leader);
    bool is_usable = endpoint < c->endpoint_count && endpoint != c->current;
    bool is_trusted = is_usable && (endpoint >= known || c->endpoints[endpoint].failed_ms == 0 ||
                                       now_ms - c->endpoints[endpoint].failed_ms > DISTRUST_MS);
    if (!is_trusted) {
        probe(c, r);
        return;
    }
    put_back(c, r, 0);
    move_to(c, endpoint, now_ms);
    dial(c);
}

/* Nothing is known to have happened: try again, perhaps elsewhere. True if so. Also past the
 * deadline, which time_out alone tells: else it would be chance whether a caller hears of the
 * deadline or of what a node said last. */
static bool try_again(
    struct weft_client *c, struct request *r, const struct weft_error_answer *error)
{
    uint64_t now_ms = now_of(c);
    bool is_retry = weft_err_class(error->err) == WEFT_CLASS_RETRY;
    /* A timeout at the node leaves the outcome open. */
    bool may_retry = error->err != WEFT_ETIMEDOUT || r->may_repeat;
    if (!is_retry || !may_retry || c->is_once || (c->is_pinned && error->err == WEFT_ENOTLEADER)) {
        return false;
    }
    r->attempts++;
    (void)snprintf(c->last_error, sizeof(c->last_error), "%s: %s%s%.*s",
        c->endpoints[c->current].address, weft_err_name(error->err),
        error->detail.size > 0 ? ": " : "",
        (int)(error->detail.size < 120 ? error->detail.size : 120), error->detail.data);
    if (error->err == WEFT_ENOTLEADER) {
        follow_leader(c, r, error->leader);
        return true;
    }
    if (error->err == WEFT_EUNAVAILABLE) {
        probe(c, r);
    } else {
        put_back(c, r, now_ms + backoff_ms(r->attempts));
    }
    return true;
}

static void answer_error(
    struct weft_client *c, struct request *r, const struct weft_client_message *message)
{
    const struct weft_error_answer *error = &message->error;
    struct weft_msg msg;
    if (try_again(c, r, error)) {
        return;
    }
    end_probing(c);
    (void)weft_fail(&msg, error->err, "%s%s%.*s%s%.*s", weft_err_name(error->err),
        error->detail.size > 0 ? ": " : "",
        (int)(error->detail.size < 300 ? error->detail.size : 300), error->detail.data,
        error->pointer.size > 0 ? " at " : "",
        (int)(error->pointer.size < 120 ? error->pointer.size : 120), error->pointer.data);
    if (error->err == WEFT_ECONFLICT) {
        size_t used = strlen(msg.text);
        (void)snprintf(msg.text + used, sizeof(msg.text) - used, " (present revision %" PRIu64 ")",
            error->present_rev);
    }
    finish(c, r, error->err != WEFT_OK ? error->err : WEFT_EMALFORMED, message, &msg);
}

enum weft_err weft_client_on_message(struct weft_client *c, struct weft_bytes bytes)
{
    struct weft_client_message message;
    struct weft_msg msg;
    weft_arena_reset(&c->net->arena);
    enum weft_err err = weft_client_decode(bytes, &c->net->arena, &message, NULL, &msg);
    if (err != WEFT_OK) {
        return err;
    }
    uint32_t slot = (uint32_t)message.request_id;
    uint32_t generation = (uint32_t)(message.request_id >> 32);
    c->failures = 0;
    if (slot >= c->slot_count || generation == 0 || c->slots[slot]->generation != generation) {
        return WEFT_OK; /* Of a request that has timed out here. */
    }
    struct request *r = c->slots[slot];
    if (message.kind == WEFT_KIND_ERROR) {
        answer_error(c, r, &message);
    } else {
        end_probing(c);
        finish(c, r, WEFT_OK, &message, NULL);
    }
    return WEFT_OK;
}

/* --- time -------------------------------------------------------------------------------- */

static void time_out(struct weft_client *c, uint64_t now_ms)
{
    for (;;) {
        struct request *r = c->head;
        while (r != NULL && r->deadline_ms > now_ms) {
            r = r->next;
        }
        if (r == NULL) {
            return;
        }
        struct weft_msg msg;
        bool was_sent = r->was_sent;
        (void)weft_fail(&msg, WEFT_ETIMEDOUT, "no answer within %" PRIu64 " ms (%s)%s",
            c->timeout_ms,
            c->last_error[0] != '\0' ? c->last_error : c->endpoints[c->current].address,
            was_sent ? "; whether it was done is not known" : "");
        finish(c, r, WEFT_ETIMEDOUT, NULL, &msg);
    }
}

/* Who asks one certain node wants to know that it cannot be reached, not to wait for it. */
static void fail_all(struct weft_client *c)
{
    note_failure(c);
    while (c->head != NULL) {
        struct weft_msg msg;
        (void)weft_fail(&msg, WEFT_EUNAVAILABLE, "%s", c->last_error);
        finish(c, c->head, WEFT_EUNAVAILABLE, NULL, &msg);
    }
}

bool weft_client_tick(struct weft_client *c, uint64_t now_ms)
{
    if (c->outstanding == 0) {
        return false;
    }
    time_out(c, now_ms);
    if (c->outstanding == 0) {
        return false;
    }
    if (c->conn == NULL && now_ms >= c->dial_ms) {
        dial(c);
    } else if (c->conn != NULL && !c->is_up) {
        /* The link itself dials again and again; with other endpoints, those are tried. */
        bool has_failed = weft_link_conn_error(c->conn)[0] != '\0';
        if (has_failed && c->is_pinned) {
            fail_all(c);
        } else if ((has_failed || now_ms - c->dialled_ms > CONNECT_MS) && c->endpoint_count > 1) {
            try_next(c);
        } else if (has_failed) {
            note_failure(c);
        }
    } else if (c->is_up) {
        send_waiting(c);
    }
    return c->outstanding > 0;
}

/* --- for users --------------------------------------------------------------------------- */

static struct weft_client *create(struct weft_net *net, uint64_t timeout_ms, bool is_pinned)
{
    struct weft_client *c = calloc(1, sizeof(*c));
    if (c != NULL) {
        c->net = net;
        c->timeout_ms = timeout_ms;
        c->is_pinned = is_pinned;
        c->next = net->clients;
        net->clients = c;
    }
    return c;
}

enum weft_err weft_client_create(struct weft_net *net, const struct weft_context *context,
    uint64_t timeout_ms, bool is_pinned, struct weft_client **ret_client, struct weft_msg *msg)
{
    struct weft_client *c = create(net, timeout_ms, is_pinned);
    if (c == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a connection");
    }
    c->endpoint_count = is_pinned ? 1 : context->endpoint_count;
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        memcpy(c->endpoints[i].address, context->endpoints[i], sizeof(c->endpoints[i].address));
    }
    dial(c);
    *ret_client = c;
    return WEFT_OK;
}

enum weft_err weft_client_pin(struct weft_net *net, const char *endpoint, uint64_t timeout_ms,
    struct weft_client **ret_client, struct weft_msg *msg)
{
    struct weft_context context = {0};
    enum weft_err err = weft_context_add_endpoints(&context, endpoint, msg);
    return err == WEFT_OK ? weft_client_create(net, &context, timeout_ms, true, ret_client, msg)
                          : err;
}

void weft_client_attempt_once(struct weft_client *client)
{
    client->is_once = true;
}

void weft_client_destroy(struct weft_client *client)
{
    if (client == NULL) {
        return;
    }
    struct weft_client **at = &client->net->clients;
    while (*at != client) {
        at = &(*at)->next;
    }
    *at = client->next;
    hang_up(client);
    for (uint32_t i = 0; i < client->slot_count; i++) {
        weft_buffer_destroy(&client->slots[i]->message);
        free(client->slots[i]);
    }
    free(client->slots);
    free(client->free_slots);
    free(client);
}

/* A free request with its ids set; its message is empty. */
static enum weft_err take_slot(struct weft_client *c, struct request **ret_request)
{
    if (c->free_count == 0) {
        enum weft_err err = grow(c);
        if (err != WEFT_OK) {
            return err;
        }
    }
    struct request *r = c->slots[c->free_slots[--c->free_count]];
    c->generation = c->generation == UINT32_MAX ? 1 : c->generation + 1;
    r->generation = c->generation;
    weft_buffer_clear(&r->message);
    *ret_request = r;
    return WEFT_OK;
}

static void give_back(struct weft_client *c, struct request *r)
{
    r->generation = 0;
    c->free_slots[c->free_count++] = r->slot;
}

static void start(struct weft_client *c, struct request *r, uint16_t kind,
    weft_client_on_answer *on_answer, void *ctx)
{
    /* The loop's time is as old as its last turn, and much may have been done since. */
    uv_update_time(&c->net->loop);
    r->state = REQUEST_WAITING;
    r->attempts = 0;
    r->retry_ms = 0;
    r->was_sent = false;
    r->may_repeat = kind != WEFT_KIND_MEMBER && !c->is_once;
    r->deadline_ms = now_of(c) + c->timeout_ms;
    r->on_answer = on_answer;
    r->ctx = ctx;
    bool is_first = c->waiting == 0;
    append(c, r);
    if (is_first && c->is_up && !c->is_full && !c->is_probing &&
        weft_link_send(c->conn, (struct weft_bytes){r->message.data, r->message.size}) == WEFT_OK) {
        r->was_sent = true;
        r->state = REQUEST_SENT;
        c->waiting--;
    }
}

static uint64_t request_id_of(const struct request *r)
{
    return (uint64_t)r->generation << 32 | r->slot;
}

static enum weft_err speak(struct weft_client *c, struct request *r)
{
    return c->net->speaker != NULL ? weft_speaker_wrap(c->net->speaker, &r->message) : WEFT_OK;
}

enum weft_err weft_client_submit(struct weft_client *c, const struct weft_client_message *message,
    weft_client_on_answer *on_answer, void *ctx)
{
    struct request *r;
    enum weft_err err = take_slot(c, &r);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_client_message own = *message;
    own.request_id = request_id_of(r);
    err = weft_client_encode(&own, &r->message);
    if (err == WEFT_OK) {
        err = speak(c, r);
    }
    if (err == WEFT_OK && r->message.size > WEFT_CLIENT_MESSAGE_SIZE_MAX) {
        err = WEFT_ETOOBIG;
    }
    if (err != WEFT_OK) {
        give_back(c, r);
        return err;
    }
    start(c, r, (uint16_t)message->kind, on_answer, ctx);
    return WEFT_OK;
}

enum weft_err weft_client_submit_raw(
    struct weft_client *c, struct weft_bytes message, weft_client_on_answer *on_answer, void *ctx)
{
    struct weft_envelope envelope;
    struct request *r;
    enum weft_err err = weft_envelope_decode(message, WEFT_CLIENT_MESSAGE_SIZE_MAX, &envelope);
    if (err == WEFT_OK) {
        err = take_slot(c, &r);
    }
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_buffer_append(&r->message, message.data, message.size);
    if (err != WEFT_OK) {
        give_back(c, r);
        return err;
    }
    envelope.request_id = request_id_of(r);
    weft_envelope_encode(&envelope, r->message.data);
    err = speak(c, r);
    if (err != WEFT_OK) {
        give_back(c, r);
        return err;
    }
    start(c, r, envelope.kind, on_answer, ctx);
    return WEFT_OK;
}

uint32_t weft_client_outstanding(const struct weft_client *c)
{
    return c->outstanding;
}

bool weft_client_is_in_doubt(const struct weft_client *c)
{
    return c->is_in_doubt;
}

uint64_t weft_client_repeats(const struct weft_client *c)
{
    return c->repeats;
}

struct weft_net *weft_client_net(const struct weft_client *c)
{
    return c->net;
}

const char *weft_client_endpoint(const struct weft_client *c)
{
    return c->endpoints[c->current].address;
}
