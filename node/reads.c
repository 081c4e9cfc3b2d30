#include "node/reads.h"

#include <stdlib.h>
#include <time.h>

#include "node/mutant.h"
#include "proto/check.h"

enum {
    BATCH_QUERIES_MAX = 256,              /* Chosen: bounds a job to a few ms. */
    BATCH_ANSWERS_MAX = 64 * 1024 * 1024, /* Encoded answers of one job, bytes. */
    QUERIES_MAX = 65536,                  /* Waiting in all; above it WEFT_EBUSY. */
    WAIT_MS = 5000,                       /* For a round and for the index to be applied. */
    WORKING_MAX = 3, /* Jobs at once: one of libuv's four threads stays free. */
    SPARES_MAX = 8,
};

enum phase {
    FILLING,
    ASKING,
    WAITING,
    WORKING
};

struct slot {
    struct weft_waiter waiter;
    struct weft_query query;
    uint64_t park_until_ms; /* COMMITS with wait: answer even an empty page from then on. */
    size_t answer_offset;
    size_t answer_size; /* 0 after the job: nothing new yet, park it. */
};

struct weft_read_batch {
    uv_work_t work;
    struct weft_reads *reads;
    struct weft_read_batch *next;
    enum phase phase;
    uint64_t read_id;
    uint64_t index; /* Answer once this is applied. */
    uint64_t deadline_ms;
    uint64_t now_ms; /* When the job was dispatched. */
    struct weft_view *view;
    struct weft_arena queries; /* Texts of the queries. */
    struct weft_arena scratch; /* Of one answer. */
    struct weft_buffer answers;
    uint32_t count;
    bool is_parked; /* Waits for the next applied index, not for a round. */
    bool is_tried;  /* On the loop: what is left is for the pool. */
    struct slot slots[BATCH_QUERIES_MAX];
};

void weft_reads_init(struct weft_reads *r, uv_loop_t *loop, void *ctx,
    void (*answer)(void *ctx, const struct weft_waiter *waiter, struct weft_bytes message))
{
    *r = (struct weft_reads){.loop = loop, .ctx = ctx, .answer = answer, .next_id = 1};
}

void weft_reads_attach(struct weft_reads *r, struct weft_state *state, struct weft_replica *replica)
{
    weft_assert(r->working == 0);
    r->state = state;
    r->replica = replica;
}

bool weft_reads_is_idle(const struct weft_reads *r)
{
    return r->working == 0;
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
        b->queries.size_max = 4 * 1024 * 1024;
        b->scratch.size_max = 32 * 1024 * 1024;
        b->answers.size_max = BATCH_ANSWERS_MAX;
    }
    b->reads = r;
    b->next = NULL;
    b->phase = FILLING;
    b->count = 0;
    b->index = b->read_id = b->deadline_ms = 0;
    b->is_parked = b->is_tried = false;
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

static void batch_done(struct weft_read_batch *b)
{
    struct weft_reads *r = b->reads;
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

void weft_reads_refuse(
    struct weft_reads *r, const struct weft_waiter *waiter, enum weft_err err, const char *detail)
{
    struct weft_buffer out = {0};
    struct weft_client_message message = {.kind = WEFT_KIND_ERROR,
        .request_id = waiter->request_id,
        .error = {.err = err, .detail = weft_text_of(detail)}};
    if (weft_client_encode(&message, &out) == WEFT_OK) {
        r->answer(r->ctx, waiter, (struct weft_bytes){out.data, out.size});
    }
    weft_buffer_destroy(&out);
}

static void batch_refuse(struct weft_read_batch *b, enum weft_err err, const char *detail)
{
    for (uint32_t i = 0; i < b->count; i++) {
        weft_reads_refuse(b->reads, &b->slots[i].waiter, err, detail);
    }
    batch_done(b);
}

/* The query with its texts copied. False: no room. */
static bool copy_query(
    struct weft_arena *arena, const struct weft_query *query, struct weft_query *ret_copy)
{
    struct weft_query q = *query;
    struct weft_text *texts[] = {&q.asset, &q.asset_glob, &q.kind, &q.where_path, &q.where_value,
        &q.rels, &q.to_kind, &q.machine, &q.part};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i]->size > 0) {
            *texts[i] = weft_arena_text(arena, *texts[i]);
            if (texts[i]->data == NULL) {
                return false;
            }
        }
    }
    if (q.cursor.size > 0) {
        uint8_t *copy = weft_arena_alloc(arena, q.cursor.size);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, q.cursor.data, q.cursor.size);
        q.cursor.data = copy;
    }
    *ret_copy = q;
    return true;
}

static enum weft_err batch_add(struct weft_read_batch *b, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t park_until_ms)
{
    struct slot *slot = &b->slots[b->count];
    *slot = (struct slot){.waiter = *waiter, .park_until_ms = park_until_ms};
    if (!copy_query(&b->queries, query, &slot->query)) {
        return WEFT_EBUSY;
    }
    b->count++;
    b->reads->count++;
    return WEFT_OK;
}

static void wait_for(struct weft_read_batch *b)
{
    b->next = b->reads->waiting;
    b->reads->waiting = b;
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
    }
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
    if (query->consistency == WEFT_MIN_INDEX) {
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
    struct weft_read_batch **filling = &r->filling[query->consistency == WEFT_STALE];
    if (*filling == NULL) {
        *filling = batch_create(r);
        if (*filling == NULL) {
            return WEFT_ENOMEM;
        }
    }
    enum weft_err rv = batch_add(*filling, query, waiter, park_until_ms);
    if (rv == WEFT_OK && (*filling)->count == BATCH_QUERIES_MAX) {
        struct weft_read_batch *full = *filling;
        *filling = NULL;
        batch_start(full, query->consistency != WEFT_STALE);
    }
    return rv;
}

/* Ages are told by the clock of the node that answers. */
static int64_t wall_clock_ns(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec * 1000000000 + now.tv_nsec
                                                    : 0;
}

/* Encodes the answer to one query behind those of others. False: memory alone does not answer it
 * at once, or `b->answers` has no room. */
static bool answer_one(struct weft_read_batch *b, struct slot *slot, bool is_on_loop)
{
    struct weft_msg msg = {""};
    struct weft_client_message message;
    weft_arena_reset(&b->scratch);
    slot->query.now_ns = wall_clock_ns();
    enum weft_err rv = (is_on_loop ? weft_view_query_memory : weft_view_query)(
        b->view, &slot->query, &b->scratch, &message, &msg);
    if (is_on_loop && rv == WEFT_EBUSY) {
        return false;
    }
    if (rv == WEFT_OK && slot->query.type == WEFT_QUERY_COMMITS && message.page.record_count == 0 &&
        message.page.cursor.size == 0 && b->now_ms < slot->park_until_ms) {
        slot->query.from_index = message.page.next_index;
        slot->query.from_index += weft_node_mutant(WEFT_NODE_MUTANT_WATCH_SKIPS) ? 1 : 0;
        return true;
    }
    slot->answer_offset = b->answers.size;
    if (rv == WEFT_OK) {
        message.request_id = slot->waiter.request_id;
        rv = weft_client_encode(&message, &b->answers);
        if (rv != WEFT_OK) {
            (void)weft_fail(&msg, rv, "the answer is too large; ask with a smaller limit");
        }
    }
    if (rv != WEFT_OK) {
        message = (struct weft_client_message){.kind = WEFT_KIND_ERROR,
            .request_id = slot->waiter.request_id,
            .error = {
                .err = rv, .detail = weft_text_of(msg.text), .index = weft_view_index(b->view)}};
        if (weft_client_encode(&message, &b->answers) != WEFT_OK) {
            return false;
        }
    }
    slot->answer_size = b->answers.size - slot->answer_offset;
    return true;
}

static void deliver(struct weft_read_batch *b, const struct slot *slot)
{
    struct weft_reads *r = b->reads;
    r->answer(r->ctx, &slot->waiter,
        (struct weft_bytes){b->answers.data + slot->answer_offset, slot->answer_size});
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
        weft_reads_refuse(r, &slot->waiter, WEFT_EBUSY, "too many queries wait on this node");
        if (parked != NULL) {
            batch_done(parked);
        }
        return;
    }
    parked->is_parked = true;
    parked->phase = WAITING;
    parked->index = weft_view_index(b->view) + 1;
    parked->deadline_ms = slot->park_until_ms;
    wait_for(parked);
}

static void close_view(struct weft_read_batch *b)
{
    weft_view_close(b->view);
    b->view = NULL;
}

static void on_worked(uv_work_t *work, int status)
{
    struct weft_read_batch *b = work->data;
    struct weft_reads *r = b->reads;
    (void)status;
    for (uint32_t i = 0; i < b->count; i++) {
        struct slot *slot = &b->slots[i];
        if (slot->answer_size != 0) {
            deliver(b, slot);
        } else if (r->is_closing) {
            weft_reads_refuse(r, &slot->waiter, WEFT_ECLOSED, "the node is shutting down");
        } else if (slot->query.type == WEFT_QUERY_COMMITS && slot->park_until_ms != 0) {
            park(b, slot);
        } else {
            weft_reads_refuse(
                r, &slot->waiter, WEFT_EBUSY, "too much was asked at once; try again");
        }
    }
    r->served += b->count;
    close_view(b);
    batch_done(b);
    r->working--;
    if (r->is_closing && r->working == 0) {
        r->on_idle(r->ctx);
    }
}

/* Answer a batch that has what it waited for. False: it waits on, for a worker. */
static bool batch_dispatch(struct weft_read_batch *b)
{
    struct weft_reads *r = b->reads;
    struct weft_msg msg;
    if (b->is_tried && r->working >= WORKING_MAX) {
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
    if (r->working >= WORKING_MAX) {
        close_view(b);
        return false;
    }
    b->phase = WORKING;
    b->now_ms = r->now_ms;
    b->work.data = b;
    for (uint32_t i = 0; i < b->count; i++) {
        b->slots[i].answer_size = 0;
    }
    r->working++;
    int status = uv_queue_work(r->loop, &b->work, on_work, on_worked);
    weft_assert(status == 0);
    return true;
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
            batch_refuse(b, err, "no leader confirmed this read in time; try again");
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
    batch_refuse(b, WEFT_ETIMEDOUT,
        b->phase == ASKING ? "no leader confirmed this read in time; try again"
                           : "this node has not applied the index asked for in time");
    return true;
}

void weft_reads_turn(struct weft_reads *r, uint64_t applied_index, uint64_t now_ms)
{
    r->now_ms = now_ms;
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
}

uint64_t weft_reads_deadline(const struct weft_reads *r)
{
    uint64_t deadline_ms = UINT64_MAX;
    for (const struct weft_read_batch *b = r->waiting; b != NULL; b = b->next) {
        if (b->deadline_ms < deadline_ms) {
            deadline_ms = b->deadline_ms;
        }
    }
    return deadline_ms;
}

void weft_reads_close(struct weft_reads *r, void (*on_idle)(void *ctx))
{
    r->is_closing = true;
    r->on_idle = on_idle;
    for (int i = 0; i < 2; i++) {
        if (r->filling[i] != NULL) {
            batch_refuse(r->filling[i], WEFT_ECLOSED, "the node is shutting down");
            r->filling[i] = NULL;
        }
    }
    while (r->waiting != NULL) {
        struct weft_read_batch *b = r->waiting;
        r->waiting = b->next;
        batch_refuse(b, WEFT_ECLOSED, "the node is shutting down");
    }
    while (r->spare != NULL) {
        struct weft_read_batch *b = r->spare;
        r->spare = b->next;
        batch_free(b);
    }
    r->spare_count = SPARES_MAX; /* From now on batches are freed at once. */
    if (r->working == 0) {
        on_idle(r->ctx);
    }
}
