#include "tests/sim/check.h"
#include "tests/sim/plant_client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"

enum {
    WAKE_IDLE,    /* Begin the next operation. */
    WAKE_TIMEOUT, /* Of an attempt. */
    WAKE_RETRY,
    WAKE_WAITED,
    WAKES,
    ATTEMPTS_MAX = 8,
    REQUEST_ID_AT = 8,     /* In the envelope. */
    PROBE = PLANT_CLIENTS, /* The client that only asks for a sign of life. */
};

void plant_put(struct weft_buffer *b, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (size < 0 || size >= (int)sizeof(text) ||
        weft_buffer_append(b, text, (size_t)size) != WEFT_OK) {
        abort();
    }
}

static void wake(struct plant_client *c, uint64_t kind, uint64_t delay_ms)
{
    struct sim_event event = {
        .type = SIM_EVENT_CLIENT, .life = c->id, .number = c->serial * WAKES + kind};
    sim_plan(c->plant->sim, &event, delay_ms);
}

/* --- the life of an operation ---------------------------------------------------------------- */

static void write_history(struct plant_client *c, const char *type, const char *error)
{
    struct plant *p = c->plant;
    struct sim *s = p->sim;
    weft_buffer_clear(&c->value);
    if (strcmp(type, "ok") == 0) {
        plant_op_completed(c, &c->value);
    } else {
        plant_op_invoked(c, &c->value);
    }
    sim_note(s, "%" PRId64 " %s %s %.*s", c->process, type, c->op.f,
        (int)(c->value.size < 200 ? c->value.size : 200), (const char *)c->value.data);
    if (c->op.workload == p->options->workload && c->op.f[0] != '-') {
        plant_history_add(p->history, s->now_ms, type, c->process, c->op.f, &c->value,
            strcmp(type, "invoke") == 0 ? 0 : c->node, error);
    }
}

void plant_begin(struct plant_client *c)
{
    c->is_busy = true;
    c->deadline_ms = c->plant->sim->now_ms + PLANT_OP_MS;
    c->op.step = 0;
    c->op.tries = 0;
    c->op.index = 0;
    weft_buffer_clear(&c->op.found);
    write_history(c, "invoke", NULL);
    plant_op_start(c);
}

void plant_finish(struct plant_client *c, const char *type, const char *error)
{
    struct plant *p = c->plant;
    bool is_unknown = strcmp(type, "info") == 0;
    c->was_ok = strcmp(type, "ok") == 0;
    write_history(c, type, error);
    plant_count(p, c->was_ok ? PLANT_OK : is_unknown ? PLANT_UNKNOWN : PLANT_FAIL);
    p->options->counts[PLANT_OPS + c->op.workload] += c->was_ok;
    c->process += is_unknown ? PLANT_CLIENTS + 1 : 0;
    c->is_busy = c->is_waiting = false;
    c->serial++;
    if (c->id < PLANT_CLIENTS) {
        wake(c, WAKE_IDLE, 2 + sim_random(p->sim, 40));
    }
}

static void give_up(struct plant_client *c, const char *why)
{
    if (c->is_commit && c->is_unknown) {
        plant_finish(c, "info", why);
        return;
    }
    if (c->is_commit) {
        plant_answer_refused(c->plant, &c->request_id);
    }
    plant_finish(c, "fail", why);
}

/* --- requests -------------------------------------------------------------------------------- */

static uint64_t choose_node(struct plant_client *c)
{
    struct sim *s = c->plant->sim;
    if (c->pinned != 0) {
        return c->pinned;
    }
    if (c->is_commit && c->leader != 0 && sim_chance(s, 850)) {
        return c->leader;
    }
    if (!c->is_commit && c->node != 0 && sim_chance(s, 700)) {
        return c->node; /* It has a connection. */
    }
    uint64_t id = 1 + sim_random(s, s->node_count);
    return s->nodes[id].is_used ? id : 1 + sim_random(s, 3);
}

static void attempt(struct plant_client *c)
{
    c->serial++;
    c->attempts++;
    c->is_waiting = true;
    weft_put_le64(c->request.data + REQUEST_ID_AT, c->serial);
    plant_send(c->plant, c->id, c->node, (struct weft_bytes){c->request.data, c->request.size});
    wake(c, WAKE_TIMEOUT, PLANT_ATTEMPT_MS);
}

static void send_first(struct plant_client *c, const struct weft_client_message *message)
{
    weft_buffer_clear(&c->request);
    if (weft_client_encode(message, &c->request) != WEFT_OK) {
        abort();
    }
    c->attempts = 0;
    c->is_unknown = false;
    attempt(c);
}

void plant_ask(struct plant_client *c, const char *asset)
{
    (void)snprintf(c->asset, sizeof(c->asset), "%s", asset);
    if (c->query.type == WEFT_QUERY_FIND || c->query.type == WEFT_QUERY_COMMITS) {
        c->query.asset_glob = weft_text_of(c->asset);
    } else {
        c->query.asset = weft_text_of(c->asset);
    }
    c->is_commit = false;
    c->page_index = 0;
    c->page_place =
        c->query.type == WEFT_QUERY_COMMITS ? model_place(c->plant->model, c->query.from_index) : 0;
    c->floor = c->plant->told_max;
    c->node = choose_node(c);
    const struct weft_client_message m = {.kind = WEFT_KIND_QUERY, .query = c->query};
    send_first(c, &m);
}

void plant_ask_again(struct plant_client *c, struct weft_bytes cursor)
{
    if (cursor.size > sizeof(c->cursor)) {
        abort();
    }
    plant_count(c->plant, PLANT_PAGES);
    memcpy(c->cursor, cursor.data, cursor.size);
    c->query.cursor = (struct weft_bytes){c->cursor, cursor.size};
    /* Any node can go on with it, once it has applied what the first page spoke for. */
    c->query.consistency = WEFT_MIN_INDEX;
    c->query.min_index = c->page_index;
    c->node = choose_node(c);
    const struct weft_client_message m = {.kind = WEFT_KIND_QUERY, .query = c->query};
    send_first(c, &m);
}

void plant_ask_digest(struct plant_client *c, uint64_t node, uint64_t index)
{
    c->is_commit = false;
    c->node = node;
    const struct weft_client_message m = {.kind = WEFT_KIND_DIGEST, .digest = {.index = index}};
    send_first(c, &m);
}

void plant_commit(struct plant_client *c, const struct weft_record *records, uint32_t count)
{
    struct sim *s = c->plant->sim;
    for (size_t i = 0; i < sizeof(c->request_id.bytes); i++) {
        c->request_id.bytes[i] = (uint8_t)sim_random(s, 256);
    }
    c->is_commit = true;
    c->node = choose_node(c);
    s->counts[SIM_PROPOSED]++;
    const struct weft_client_message m = {.kind = WEFT_KIND_COMMIT,
        .commit = {.request_id = c->request_id, .records = records, .record_count = count}};
    send_first(c, &m);
}

void plant_wait(struct plant_client *c, uint64_t delay_ms)
{
    c->is_waiting = false;
    c->serial++;
    wake(c, WAKE_WAITED, delay_ms);
}

/* Ask again, with the same request id, or leave it. */
static void retry(struct plant_client *c, uint32_t permille, uint64_t delay_ms, const char *why)
{
    struct sim *s = c->plant->sim;
    c->is_waiting = false;
    if (c->attempts >= ATTEMPTS_MAX || s->now_ms + delay_ms >= c->deadline_ms ||
        !sim_chance(s, permille)) {
        give_up(c, why);
        return;
    }
    if (c->is_commit) {
        plant_count(c->plant, PLANT_RETRIED);
    }
    c->node = choose_node(c);
    c->serial++;
    wake(c, WAKE_RETRY, delay_ms);
}

static void on_lost(struct plant_client *c, const char *why)
{
    c->is_unknown = true;
    c->leader = 0;
    retry(c, c->is_commit ? 700 : 500, sim_random(c->plant->sim, 50), why);
}

/* --- answers --------------------------------------------------------------------------------- */

static uint64_t node_of_address(struct weft_text address)
{
    return address.size >= 2 && address.data[0] == 'c' ? (uint64_t)(address.data[1] - '0') : 0;
}

static void on_error(struct plant_client *c, const struct weft_error_answer *error)
{
    struct sim *s = c->plant->sim;
    uint64_t leader = node_of_address(error->leader);
    switch (weft_err_class(error->err)) {
    case WEFT_CLASS_RETRY:
    case WEFT_CLASS_CLOSING:
        c->leader = leader;
        if (error->err != WEFT_ENOTLEADER && error->err != WEFT_EBUSY) {
            c->is_unknown = true; /* Nobody says that nothing happened. */
        }
        retry(c, c->op.type == OP_PROBE ? 1000 : 550, leader != 0 ? 0 : 5 + sim_random(s, 60),
            weft_err_name(error->err));
        return;
    case WEFT_CLASS_REFUSED:
        c->is_waiting = false;
        if (error->err == WEFT_ENOTFOUND && !c->is_commit) {
            const struct weft_client_message m = {.kind = WEFT_KIND_ERROR, .error = *error};
            if (c->op.type != OP_DIGEST) {
                plant_answer_none(c, error->index);
            }
            plant_op_answered(c, &m);
            return;
        }
        if (error->err == WEFT_ECONFLICT && c->is_commit) {
            plant_count(c->plant, PLANT_CONFLICTS);
            give_up(c, "conflict");
            return;
        }
        break;
    case WEFT_CLASS_OK:
    case WEFT_CLASS_INPUT:
    case WEFT_CLASS_LIMIT:
    case WEFT_CLASS_DAMAGED:
        break;
    }
    sim_fail(s, "node %" PRIu64 " answers client %u: %s: %.*s", c->node, c->id,
        weft_err_name(error->err), (int)error->detail.size, error->detail.data);
}

static void on_message(struct plant_client *c, const struct weft_client_message *m)
{
    if (m->kind == WEFT_KIND_ERROR) {
        on_error(c, &m->error);
        return;
    }
    c->is_waiting = false;
    if (c->is_commit != (m->kind == WEFT_KIND_COMMIT_RESULT)) {
        sim_fail(c->plant->sim, "node %" PRIu64 " answers by a message of kind %d", c->node,
            (int)m->kind);
        return;
    }
    if (m->kind == WEFT_KIND_COMMIT_RESULT) {
        plant_answer_commit(c, &m->commit_result);
        c->op.index = m->commit_result.index;
    } else if (m->kind == WEFT_KIND_PAGE) {
        plant_answer_page(c, &m->page);
    } else if (m->kind == WEFT_KIND_TRACE_RESULT) {
        plant_answer_trace(c, &m->trace);
    }
    if (!c->plant->sim->has_failed) {
        plant_op_answered(c, m);
    }
}

void plant_client_answer(struct plant *p, const struct plant_answer *answer)
{
    struct plant_client *c = &p->clients[answer->client];
    struct weft_client_message message;
    struct weft_msg msg = {""};
    if (answer->is_reset) {
        if (c->is_waiting && c->node == answer->node) {
            plant_count(p, PLANT_RESETS);
            on_lost(c, "reset");
        }
        return;
    }
    weft_arena_reset(&c->arena);
    enum weft_err rv = weft_client_decode(
        (struct weft_bytes){answer->bytes, answer->size}, &c->arena, &message, NULL, &msg);
    if (rv != WEFT_OK) {
        sim_fail(p->sim, "node %" PRIu64 " answers what is no message: %s", answer->node, msg.text);
        return;
    }
    if (c->is_waiting && message.request_id == c->serial && c->node == answer->node) {
        on_message(c, &message);
    } /* Else an answer that nobody waits for any more. */
}

void plant_client_wake(struct plant *p, const struct sim_event *event)
{
    struct plant_client *c = &p->clients[event->life];
    if (event->number / WAKES != c->serial) {
        return;
    }
    switch (event->number % WAKES) {
    case WAKE_IDLE:
        if (!c->is_busy && !p->sim->is_healing) {
            if (plant_op_choose(c)) {
                plant_begin(c);
            } else {
                wake(c, WAKE_IDLE, 50);
            }
            sim_operate(p->sim);
            plant_trouble(p);
        }
        return;
    case WAKE_TIMEOUT:
        if (c->is_waiting) {
            on_lost(c, "timeout");
        }
        return;
    case WAKE_RETRY:
        attempt(c);
        return;
    case WAKE_WAITED:
        plant_op_waited(c);
        return;
    }
}

/* --- a run ----------------------------------------------------------------------------------- */

void plant_clients_open(struct plant *p)
{
    p->history = plant_history_open(p->options->history);
    plant_answer_open(p);
    p->clients = calloc(PLANT_CLIENTS + 1, sizeof(*p->clients));
    if (p->clients == NULL) {
        abort();
    }
    for (uint32_t i = 0; i <= PLANT_CLIENTS; i++) {
        p->clients[i] = (struct plant_client){
            .plant = p, .id = i, .process = i, .watch_next = 1, .arena = {.size_max = 16 << 20}};
    }
}

void plant_clients_close(struct plant *p)
{
    for (uint32_t i = 0; i <= PLANT_CLIENTS; i++) {
        struct plant_client *c = &p->clients[i];
        weft_buffer_destroy(&c->op.found);
        weft_buffer_destroy(&c->request);
        weft_buffer_destroy(&c->value);
        weft_arena_destroy(&c->arena);
    }
    plant_history_close(p->history);
    plant_answer_close(p);
    free(p->clients);
}

void plant_clients_begin(struct plant *p)
{
    for (uint32_t i = 0; i < PLANT_CLIENTS; i++) {
        wake(&p->clients[i], WAKE_IDLE, 1 + sim_random(p->sim, 300));
    }
}

void plant_clients_probe(struct plant *p, uint64_t node)
{
    struct plant_client *c = &p->clients[PROBE];
    if (!c->is_busy) {
        c->op.type = OP_PROBE;
        c->op.f = "-probe";
        c->leader = node;
        plant_begin(c);
    }
}

static void await(struct plant *p, struct plant_client *c, const char *what)
{
    struct sim *s = p->sim;
    uint64_t end_ms = s->now_ms + 60 * SIM_ELECTION_MS;
    while (c->is_busy && !s->has_failed) {
        if (s->now_ms >= end_ms) {
            sim_fail(s, "client %u: %s: no answer %d ms after healing", c->id, what,
                60 * SIM_ELECTION_MS);
            return;
        }
        sim_run_until(s, s->now_ms + 5);
    }
}

static bool is_member(const struct sim *s, uint64_t id)
{
    const struct weft_configuration *c = sim_check_configuration(s);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->members[i].id == id) {
            return c->members[i].role != WEFT_ROLE_SPARE;
        }
    }
    return false;
}

/* Final reads, from every member. A node that does not know who leads yet is asked again. */
static void read_all(struct plant *p, uint64_t node)
{
    struct plant_client *c = &p->clients[0];
    bool is_last = false;
    for (uint32_t n = 0; !is_last && !p->sim->has_failed; n++) {
        for (uint32_t tries = 0; tries < 20 && !p->sim->has_failed; tries++) {
            c->pinned = node;
            plant_op_final(c, n, &is_last);
            plant_begin(c);
            await(p, c, "final read");
            if (c->was_ok) {
                break;
            }
            sim_run_until(p->sim, p->sim->now_ms + SIM_HEARTBEAT_MS);
        }
        if (!c->was_ok) {
            sim_fail(p->sim, "node %" PRIu64 ": a final read (%s) does not succeed", node, c->op.f);
        }
    }
    c->pinned = 0;
}

void plant_clients_end(struct plant *p)
{
    for (uint32_t i = 0; i <= PLANT_CLIENTS; i++) {
        await(p, &p->clients[i], "last operation");
    }
    for (uint64_t id = 1; id <= p->sim->node_count && !p->sim->has_failed; id++) {
        if (p->sim->nodes[id].replica != NULL && is_member(p->sim, id)) {
            read_all(p, id);
        }
    }
    if (!p->sim->has_failed) {
        plant_answer_end(p);
    }
}
