#include "node/reads.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/mutant.h"
#include "node/wall.h"
#include "proto/check.h"

enum {
    BATCH_QUERIES_MAX = 256,              /* Chosen: bounds a job to a few ms. */
    BATCH_TEXTS_MAX = 4 * 1024 * 1024,    /* Of queries. */
    BATCH_ANSWERS_MAX = 64 * 1024 * 1024, /* Encoded answers of one job, bytes. */
    QUERIES_MAX = 65536,                  /* Waiting in all; above it WEFT_EBUSY. */
    WAIT_MS = 5000,                       /* For a round and for the index to be applied. */
    WORKING_MAX = 3, /* Jobs at once: one of libuv's four threads stays free. */
    SPARES_MAX = 8,
    AHEAD_MAX = 3, /* Batches whose answers may wait for a round: no more is kept for nothing. */
    IN_VAIN_PAUSE = 16, /* Batches. Chosen: where writes go on, so much is done twice at most. */
};

enum phase {
    FILLING,
    ASKING,
    WAITING
};

enum job {
    NONE,
    RUNNING,
    RAN
};

struct slot {
    struct weft_waiter waiter;
    struct weft_query query;
    uint64_t park_until_ms; /* COMMITS with wait: answer even an empty page from then on. */
    size_t answer_offset;
    size_t answer_size;       /* 0 after the job: nothing new yet, park it. */
    bool is_long;             /* After the job: hand it on. */
    struct weft_bytes report; /* Of what is labelled; empty: nothing is. */
};

struct weft_read_batch {
    uv_work_t work;
    struct weft_reads *reads;
    struct weft_read_batch *next;
    enum phase phase;
    enum job job;
    uint64_t read_id;
    uint64_t index;      /* Answer once this is applied. */
    uint64_t view_index; /* That the job's answers speak for. */
    uint64_t deadline_ms;
    uint64_t now_ms; /* When the job was dispatched. */
    struct weft_view *view;
    struct weft_arena queries; /* Texts of the queries. */
    struct weft_arena scratch; /* Of one answer. */
    struct weft_buffer answers;
    uint32_t count;
    uint32_t ahead_count;  /* Of them, those that may be answered while the round is under way. */
    bool is_parked;        /* Waits for the next applied index, not for a round. */
    bool is_tried;         /* On the loop: what is left is for the pool. */
    bool is_ahead;         /* Its job was started before its round had ended. */
    bool is_listed;        /* Among those that wait. */
    enum weft_err refusal; /* Once the job has ended; WEFT_OK: none. */
    const char *refusal_detail;
    struct slot slots[BATCH_QUERIES_MAX];
};

void weft_reads_init(struct weft_reads *r, uv_loop_t *loop, const struct weft_read_door *door,
    struct weft_long_reads *long_reads)
{
    *r = (struct weft_reads){.loop = loop, .door = *door, .long_reads = long_reads, .next_id = 1};
    r->waiting_tail = &r->waiting;
}

void weft_reads_attach(struct weft_reads *r, struct weft_state *state, struct weft_replica *replica)
{
    weft_assert(weft_reads_is_idle(r));
    r->state = state;
    r->replica = replica;
    r->applied_index = 0;
    r->is_held = false;
}

bool weft_reads_is_idle(const struct weft_reads *r)
{
    struct weft_long_reads_figures figures;
    weft_long_reads_figures(r->long_reads, &figures);
    return r->working == 0 && figures.running == 0;
}

void weft_reads_hold(struct weft_reads *r, bool is_held)
{
    r->is_held = is_held;
    if (is_held) {
        weft_long_reads_interrupt(r->long_reads);
    }
}

static struct weft_read_batch *batch_create(struct weft_reads *r)
{
    struct weft_read_batch *b = r->spare;
    if (b != NULL) {
        r->spare = b->next;
        r->spare_count--;
    } else {
        b = calloc(1, sizeof(*b));
        if (b == NULL) {
            return NULL;
        }
        b->queries.size_max = BATCH_TEXTS_MAX;
        b->scratch.size_max = 32 * 1024 * 1024;
        b->answers.size_max = BATCH_ANSWERS_MAX;
    }
    b->reads = r;
    b->next = NULL;
    b->phase = FILLING;
    b->job = NONE;
    b->count = b->ahead_count = 0;
    b->index = b->view_index = b->read_id = b->deadline_ms = 0;
    b->is_parked = b->is_tried = b->is_listed = b->is_ahead = false;
    b->refusal = WEFT_OK;
    weft_arena_reset(&b->queries);
    weft_buffer_clear(&b->answers);
    return b;
}

static void batch_free(struct weft_read_batch *b)
{
    weft_arena_destroy(&b->queries);
    weft_arena_destroy(&b->scratch);
    weft_buffer_destroy(&b->answers);
    free(b);
}

static void end_ahead(struct weft_read_batch *b)
{
    b->reads->ahead -= b->is_ahead;
    b->is_ahead = false;
}

static void batch_done(struct weft_read_batch *b)
{
    struct weft_reads *r = b->reads;
    end_ahead(b);
    weft_assert(r->count >= b->count);
    r->count -= b->count;
    if (r->spare_count == SPARES_MAX || b->answers.capacity > 1024 * 1024) {
        batch_free(b);
        return;
    }
    b->next = r->spare;
    r->spare = b;
    r->spare_count++;
}

static void batch_refuse(struct weft_read_batch *b, enum weft_err err, const char *detail)
{
    for (uint32_t i = 0; i < b->count; i++) {
        weft_read_refuse(&b->reads->door, &b->slots[i].waiter, err, detail);
    }
    batch_done(b);
}

/* It waits no more: refused now, or when its job has ended. */
static void batch_drop(struct weft_read_batch *b, enum weft_err err, const char *detail)
{
    b->is_listed = false;
    if (b->job == RUNNING) {
        b->refusal = err;
        b->refusal_detail = detail;
    } else {
        batch_refuse(b, err, detail);
    }
}

static bool is_trace(const struct weft_query *query)
{
    return query->type == WEFT_QUERY_TRACE_FORWARD || query->type == WEFT_QUERY_TRACE_BACK ||
           query->type == WEFT_QUERY_RECALL;
}

/* The others are answered on the loop, parked, or by a thread of long reads. */
static bool may_go_ahead(const struct weft_query *query)
{
    return query->type != WEFT_QUERY_ASSET && query->type != WEFT_QUERY_COMMITS && !is_trace(query);
}

static enum weft_err batch_add(struct weft_read_batch *b, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t park_until_ms)
{
    struct slot *slot = &b->slots[b->count];
    *slot = (struct slot){.waiter = *waiter, .park_until_ms = park_until_ms};
    if (weft_read_copy(&b->queries, query, &slot->query) != WEFT_OK) {
        return WEFT_EBUSY;
    }
    b->count++;
    b->ahead_count += may_go_ahead(query);
    b->reads->count++;
    return WEFT_OK;
}

/* Behind those that came before: pages that were asked for ahead are answered in their order. */
static void wait_for(struct weft_read_batch *b)
{
    b->next = NULL;
    b->is_listed = true;
    *b->reads->waiting_tail = b;
    b->reads->waiting_tail = &b->next;
}

/* Whoever asks has gone past the budget of a short read. */
static enum weft_err is_long(void *ctx, struct weft_msg *msg)
{
    (void)ctx;
    return weft_fail(msg, WEFT_EBUSY, "it takes long");
}

/* Pages of a feed follow each other at once, and each ends within its own limit. */
static bool may_take_long(const struct weft_query *query)
{
    return query->type != WEFT_QUERY_COMMITS;
}

static enum weft_err ask_view(struct weft_read_batch *b, struct slot *slot, bool is_on_loop,
    struct weft_client_message *ret_message, struct weft_msg *msg)
{
    struct weft_yield yield = {.ask = is_long,
        .every = 1,
        .left = is_trace(&slot->query) ? WEFT_READS_SHORT_TRACE_STEPS : WEFT_READS_SHORT_STEPS};
    if (is_on_loop) {
        return weft_view_query_memory(b->view, &slot->query, &b->scratch, ret_message, msg);
    }
    weft_view_yield_with(b->view, may_take_long(&slot->query) ? &yield : NULL);
    enum weft_err rv = weft_view_query(b->view, &slot->query, &b->scratch, ret_message, msg);
    weft_view_yield_with(b->view, NULL);
    slot->is_long = yield.err != WEFT_OK;
    return rv;
}

/* Encodes the answer to one query behind those of others. False: memory alone does not answer it
 * at once, or `b->answers` has no room. */
static bool answer_one(struct weft_read_batch *b, struct slot *slot, bool is_on_loop)
{
    struct weft_msg msg = {""};
    struct weft_client_message message;
    weft_arena_reset(&b->scratch);
    slot->query.now_ns = weft_wall_ns();
    enum weft_err rv = ask_view(b, slot, is_on_loop, &message, &msg);
    if ((is_on_loop && rv == WEFT_EBUSY) || slot->is_long) {
        return false;
    }
    if (rv == WEFT_OK && slot->query.type == WEFT_QUERY_COMMITS && message.page.record_count == 0 &&
        message.page.cursor.size == 0 && b->now_ms < slot->park_until_ms) {
        slot->query.from_index = message.page.next_index;
        slot->query.cursor = (struct weft_bytes){NULL, 0}; /* It pins what there was then. */
        slot->query.from_index += weft_node_mutant(WEFT_NODE_MUTANT_WATCH_SKIPS) ? 1 : 0;
        return true;
    }
    if (rv == WEFT_OK &&
        weft_read_report(b->view, &slot->query, &b->queries, &slot->report) != WEFT_OK) {
        return false;
    }
    slot->answer_offset = b->answers.size;
    if (weft_read_encode(b->view, rv, &message, slot->waiter.request_id, &msg, &b->answers) !=
        WEFT_OK) {
        return false;
    }
    slot->answer_size = b->answers.size - slot->answer_offset;
    return true;
}

static void deliver(struct weft_read_batch *b, const struct slot *slot)
{
    struct weft_reads *r = b->reads;
    const struct weft_bytes answer = {b->answers.data + slot->answer_offset, slot->answer_size};
    struct weft_buffer copy = {.size_max = WEFT_MESSAGE_SIZE_MAX};
    if (slot->report.size == 0) {
        r->door.answer(r->door.ctx, &slot->waiter, answer);
    } else if (weft_buffer_append(&copy, answer.data, answer.size) == WEFT_OK) {
        const struct weft_read_note note = {slot->query.principal, slot->report};
        r->door.hold(r->door.ctx, &slot->waiter, &note, &copy, false, 0);
    } else {
        weft_read_refuse(&r->door, &slot->waiter, WEFT_ENOMEM, "no memory for the answer");
    }
    weft_buffer_destroy(&copy);
}

/* A trace is not tried by the pool first if it waits for nobody here. Nor is a later page: what
 * was searched for the page before is on the state's shelf, and a budget that ends in the middle
 * would lose it. */
static bool is_long_at_once(struct weft_reads *r, const struct weft_query *query)
{
    return is_trace(query) && (query->cursor.size > 0 || weft_long_reads_is_free(r->long_reads));
}

/* The slot is done with: who waits is answered in time. */
static void hand_on(struct weft_reads *r, const struct slot *slot)
{
    char text[160];
    enum weft_err rv = weft_long_reads_add(r->long_reads, &slot->query, &slot->waiter, r->now_ms);
    if (rv != WEFT_OK) {
        (void)snprintf(text, sizeof(text),
            "this query takes long, and of %u such that may wait here at once "
            "(limits.long_reads_waiting) one client has at most a quarter; try again",
            weft_long_reads_waiting_max(r->long_reads));
        weft_read_refuse(&r->door, &slot->waiter, rv, text);
    }
}

/* Answers what memory answers at once, and keeps the rest: most queries ask for little, and a
 * worker costs two switches of threads. NOD-10: so many to a turn, each without a disk and
 * within the budget of weft_view_query_memory. */
static void answer_on_loop(struct weft_read_batch *b)
{
    struct weft_reads *r = b->reads;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        struct slot *slot = &b->slots[i];
        bool is_answered = false;
        if (slot->query.type == WEFT_QUERY_ASSET && r->loop_left > 0) {
            r->loop_left--;
            weft_buffer_clear(&b->answers);
            is_answered = answer_one(b, slot, true);
        }
        if (is_answered) {
            deliver(b, slot);
        } else if (is_long_at_once(r, &slot->query)) {
            hand_on(r, slot);
        } else {
            b->slots[kept++] = *slot;
        }
    }
    weft_buffer_clear(&b->answers);
    r->served += b->count - kept;
    r->count -= b->count - kept;
    b->count = kept;
    b->is_tried = true;
}

/* On a worker thread: touches the batch alone. */
static void on_work(uv_work_t *work)
{
    struct weft_read_batch *b = work->data;
    for (uint32_t i = 0; i < b->count; i++) {
        (void)answer_one(b, &b->slots[i], false);
        /* Messages start at multiples of 8, as the encoder wants it. */
        if (weft_buffer_pad(&b->answers, 8) != WEFT_OK) {
            return;
        }
    }
}

static void park(struct weft_read_batch *b, const struct slot *slot)
{
    struct weft_reads *r = b->reads;
    struct weft_read_batch *parked = batch_create(r);
    if (parked == NULL ||
        batch_add(parked, &slot->query, &slot->waiter, slot->park_until_ms) != WEFT_OK) {
        weft_read_refuse(&r->door, &slot->waiter, WEFT_EBUSY, "too many queries wait on this node");
        if (parked != NULL) {
            batch_done(parked);
        }
        return;
    }
    parked->is_parked = true;
    parked->phase = WAITING;
    parked->index = b->view_index + 1;
    parked->deadline_ms = slot->park_until_ms;
    wait_for(parked);
}

static void close_view(struct weft_read_batch *b)
{
    weft_view_close(b->view);
    b->view = NULL;
}

static void tell_idle(struct weft_reads *r)
{
    if (r->is_closing && r->is_long_closed && r->working == 0) {
        r->on_idle(r->idle_ctx);
    }
}

/* Answers go out, or what there is instead of them. */
static void batch_finish(struct weft_read_batch *b)
{
    struct weft_reads *r = b->reads;
    for (uint32_t i = 0; i < b->count; i++) {
        struct slot *slot = &b->slots[i];
        if (slot->answer_size != 0) {
            deliver(b, slot);
        } else if (slot->is_long && !r->is_closing) {
            hand_on(r, slot);
        } else if (r->is_closing) {
            weft_read_refuse(&r->door, &slot->waiter, WEFT_ECLOSED, "the node is shutting down");
        } else if (slot->query.type == WEFT_QUERY_COMMITS && slot->park_until_ms != 0) {
            park(b, slot);
        } else {
            weft_read_refuse(
                &r->door, &slot->waiter, WEFT_EBUSY, "too much was asked at once; try again");
        }
    }
    r->served += b->count;
    batch_done(b);
}

/* One that went ahead waits on for its round: the turn that follows looks at it. */
static void on_worked(uv_work_t *work, int status)
{
    struct weft_read_batch *b = work->data;
    struct weft_reads *r = b->reads;
    (void)status;
    b->job = RAN;
    close_view(b);
    r->working--;
    if (b->refusal != WEFT_OK) {
        batch_refuse(b, b->refusal, b->refusal_detail);
    } else if (!b->is_listed) {
        batch_finish(b);
    }
    tell_idle(r);
}

/* Its view is open. */
static void start_job(struct weft_read_batch *b)
{
    struct weft_reads *r = b->reads;
    b->job = RUNNING;
    b->view_index = weft_view_index(b->view);
    b->now_ms = r->now_ms;
    b->work.data = b;
    for (uint32_t i = 0; i < b->count; i++) {
        b->slots[i].answer_size = 0;
        b->slots[i].is_long = false;
        b->slots[i].report.size = 0;
    }
    r->working++;
    int status = uv_queue_work(r->loop, &b->work, on_work, on_worked);
    weft_assert(status == 0);
}

/* While its round is under way, a job of the pool answers from what is applied now, and its answers
 * are kept. If the round ends with an index that their view has, they are as good as those of a
 * view that is opened then; else they are dropped (NOD-20). So a story takes the longer of the two
 * and not both. */
static void go_ahead(struct weft_read_batch *b)
{
    struct weft_reads *r = b->reads;
    struct weft_msg msg;
    if (b->ahead_count < b->count || r->ahead == AHEAD_MAX || r->working >= WORKING_MAX ||
        r->is_held) {
        return;
    }
    if (r->in_vain > 0) {
        r->in_vain--;
        return;
    }
    if (weft_view_open(r->state, &b->view, &msg) == WEFT_OK) {
        b->is_tried = true; /* Nothing of it is for the loop. */
        b->is_ahead = true;
        r->ahead++;
        start_job(b);
    }
}

/* Answer a batch that has what it waited for. False: it waits on, for a worker. */
static bool batch_dispatch(struct weft_read_batch *b)
{
    struct weft_reads *r = b->reads;
    struct weft_msg msg;
    if (b->job == RUNNING) {
        return false;
    }
    if (b->job == RAN && b->index <= b->view_index) {
        batch_finish(b);
        return true;
    }
    if (b->job == RAN) {
        b->job = NONE;
        end_ahead(b);
        r->in_vain = IN_VAIN_PAUSE;
        weft_buffer_clear(&b->answers);
    }
    if (b->is_tried && (r->working >= WORKING_MAX || r->is_held)) {
        return false;
    }
    enum weft_err rv = weft_view_open(r->state, &b->view, &msg);
    if (rv != WEFT_OK) {
        batch_refuse(b, rv, msg.text);
        return true;
    }
    if (!b->is_tried) {
        answer_on_loop(b);
    }
    if (b->count == 0) {
        close_view(b);
        batch_done(b);
        return true;
    }
    if (r->working >= WORKING_MAX || r->is_held) {
        close_view(b);
        return false;
    }
    b->is_listed = false;
    start_job(b);
    return true;
}

/* Start the round of a full or finished batch, or let it wait for its index. */
static void batch_start(struct weft_read_batch *b, bool is_linearizable)
{
    struct weft_reads *r = b->reads;
    is_linearizable = is_linearizable && !weft_node_mutant(WEFT_NODE_MUTANT_READ_UNASKED);
    b->deadline_ms = r->now_ms + WAIT_MS;
    b->phase = is_linearizable ? ASKING : WAITING;
    wait_for(b);
    if (is_linearizable) {
        b->read_id = r->next_id++;
        weft_replica_read(r->replica, b->read_id, r->now_ms);
        go_ahead(b);
    }
}

/* What the last turn had applied already needs no batch, view and job of its own: it is one of
 * those that may be answered at once. */
static bool has_to_wait(const struct weft_reads *r, const struct weft_query *query)
{
    return query->consistency == WEFT_MIN_INDEX && query->min_index > r->applied_index;
}

enum weft_err weft_reads_add(struct weft_reads *r, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms)
{
    if (r->replica == NULL || r->is_closing) {
        return WEFT_EUNAVAILABLE;
    }
    if (r->count >= QUERIES_MAX) {
        return WEFT_EBUSY;
    }
    r->now_ms = now_ms;
    uint64_t park_until_ms = query->wait_ms != 0 ? now_ms + query->wait_ms : 0;
    if (has_to_wait(r, query)) {
        struct weft_read_batch *single = batch_create(r);
        if (single == NULL) {
            return WEFT_ENOMEM;
        }
        enum weft_err rv = batch_add(single, query, waiter, park_until_ms);
        if (rv != WEFT_OK) {
            batch_done(single);
            return rv;
        }
        single->index = weft_node_mutant(WEFT_NODE_MUTANT_MIN_INDEX_IGNORED) ? 0 : query->min_index;
        batch_start(single, false);
        return WEFT_OK;
    }
    const bool is_linearizable = query->consistency == WEFT_LINEARIZABLE;
    struct weft_read_batch **filling = &r->filling[!is_linearizable];
    if (*filling == NULL) {
        *filling = batch_create(r);
        if (*filling == NULL) {
            return WEFT_ENOMEM;
        }
    }
    enum weft_err rv = batch_add(*filling, query, waiter, park_until_ms);
    /* What partners told takes some 2 MiB: the next one is not refused for it. */
    if (rv == WEFT_OK && ((*filling)->count == BATCH_QUERIES_MAX ||
                             (*filling)->queries.used_bytes > BATCH_TEXTS_MAX / 4)) {
        struct weft_read_batch *full = *filling;
        *filling = NULL;
        batch_start(full, is_linearizable);
    }
    return rv;
}

void weft_reads_on_read(struct weft_reads *r, uint64_t read_id, enum weft_err err, uint64_t index)
{
    for (struct weft_read_batch **at = &r->waiting; *at != NULL; at = &(*at)->next) {
        struct weft_read_batch *b = *at;
        if (b->phase != ASKING || b->read_id != read_id) {
            continue;
        }
        if (err != WEFT_OK) {
            *at = b->next;
            r->waiting_tail = *at == NULL ? at : r->waiting_tail;
            batch_drop(b, err, "no leader confirmed this read in time; try again");
            return;
        }
        b->phase = WAITING;
        b->index = index;
        return;
    }
}

/* False: it waits on, for a worker. */
static bool give_up(struct weft_read_batch *b)
{
    if (b->is_parked) {
        return batch_dispatch(b); /* Its time is up: the job now answers with an empty page. */
    }
    batch_drop(b, WEFT_ETIMEDOUT,
        b->phase == ASKING ? "no leader confirmed this read in time; try again"
                           : "this node has not applied the index asked for in time");
    return true;
}

void weft_reads_turn(struct weft_reads *r, uint64_t applied_index, uint64_t now_ms)
{
    r->now_ms = now_ms;
    r->applied_index = applied_index;
    r->loop_left = WEFT_READS_ON_LOOP;
    for (int i = 0; i < 2; i++) {
        if (r->filling[i] != NULL) {
            struct weft_read_batch *b = r->filling[i];
            r->filling[i] = NULL;
            batch_start(b, i == 0);
        }
    }
    struct weft_read_batch **at = &r->waiting;
    while (*at != NULL) {
        struct weft_read_batch *b = *at, *next = b->next;
        bool is_ready = b->phase == WAITING && b->index <= applied_index;
        bool is_late = now_ms >= b->deadline_ms;
        if ((is_ready && batch_dispatch(b)) || (!is_ready && is_late && give_up(b))) {
            *at = next;
        } else {
            at = &b->next;
        }
    }
    r->waiting_tail = at;
    weft_long_reads_turn(r->long_reads, r->is_held ? NULL : r->state, now_ms);
}

uint64_t weft_reads_deadline(const struct weft_reads *r)
{
    uint64_t deadline_ms = weft_long_reads_deadline(r->long_reads);
    for (const struct weft_read_batch *b = r->waiting; b != NULL; b = b->next) {
        if (b->deadline_ms < deadline_ms) {
            deadline_ms = b->deadline_ms;
        }
    }
    return deadline_ms;
}

static void on_long_closed(void *ctx)
{
    struct weft_reads *r = ctx;
    r->is_long_closed = true;
    r->long_reads = NULL;
    tell_idle(r);
}

void weft_reads_close(struct weft_reads *r, void (*on_idle)(void *ctx), void *ctx)
{
    r->is_closing = true;
    r->on_idle = on_idle;
    r->idle_ctx = ctx;
    for (int i = 0; i < 2; i++) {
        if (r->filling[i] != NULL) {
            batch_refuse(r->filling[i], WEFT_ECLOSED, "the node is shutting down");
            r->filling[i] = NULL;
        }
    }
    while (r->waiting != NULL) {
        struct weft_read_batch *b = r->waiting;
        r->waiting = b->next;
        batch_drop(b, WEFT_ECLOSED, "the node is shutting down");
    }
    r->waiting_tail = &r->waiting;
    while (r->spare != NULL) {
        struct weft_read_batch *b = r->spare;
        r->spare = b->next;
        batch_free(b);
    }
    r->spare_count = SPARES_MAX; /* From now on batches are freed at once. */
    weft_long_reads_close(r->long_reads, on_long_closed, r);
}
