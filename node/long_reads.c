#include "node/long_reads.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "federation/cells/tiers.h"
#include "node/pace.h"
#include "node/wall.h"
#include "proto/answer_json.h"
#include "proto/check.h"

enum {
    ASK_STEPS = 1024,          /* some 50 us of a trace; asking takes 0.5 us */
    BUSY_NS = 5 * 1000 * 1000, /* chosen: a gap between two commits of one client, and more */
    /* Measured, 100,000 names of 3 MB: 0.6 of the loop, and 1.4 of a client on the same machine. */
    SEND_NS_PER_BYTE = 2,
    ANSWER_SIZE_MAX = 64 * 1024 * 1024,
    SCRATCH_SIZE_MAX = 32 * 1024 * 1024,
    TEXTS_SIZE_MAX = 64 * 1024, /* of a query and a report; a message of the doors is smaller */
    CLIENT_SHARE = 4,           /* One client may fill a quarter of the queue. */
    STEP_STEPS = 26,            /* measured: a step as JSON 1.3 us, one of a search 0.05 us */
};

struct long_read {
    struct long_read *next;
    struct weft_waiter waiter;
    struct weft_query query;
    struct weft_arena texts;
    uint64_t deadline_ms;
    struct weft_view *view; /* While it runs. */
    struct weft_buffer answer;
    bool is_json;             /* The answer; else a message. */
    uint64_t index;           /* Of the state that it speaks for, where it is JSON. */
    struct weft_bytes report; /* Of what is labelled; empty: nothing is. */
    enum weft_err err;        /* WEFT_OK: answered, be it with an error that the query found. */
};

struct worker {
    struct weft_long_reads *owner;
    pthread_t thread;
    sem_t start;
    struct long_read *read; /* NULL: none. The thread's from start to is_done. */
    uint64_t deadline_ns;   /* Of it, by uv_hrtime. */
    atomic_int stop;        /* Not WEFT_OK: end with it. */
    atomic_bool is_done;
    atomic_bool is_over; /* The thread ends. */
    /* The thread's own. */
    struct weft_pace pace;
    struct weft_arena scratch;
    uint64_t cpu_ns;
    uint64_t sending_ns; /* What the last answer will cost the loop. */
};

struct weft_long_reads {
    struct weft_long_reads_options options;
    uv_async_t done;
    struct long_read *head;
    struct long_read **tail;
    uint32_t waiting;
    uint32_t running;
    uint32_t thread_count;
    uint64_t answered, refused, cancelled;
    atomic_uint_least64_t rested_ns;
    /* When commits were last seen in flight. */
    atomic_uint_least64_t busy_ns;
    atomic_bool is_in_flight;
    bool is_closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    struct worker workers[WEFT_LONG_READS_THREADS_MAX];
};

/* --- the thread ------------------------------------------------------------------------------ */

static bool is_busy(struct weft_long_reads *l, uint64_t now_ns)
{
    return atomic_load_explicit(&l->is_in_flight, memory_order_relaxed) ||
           now_ns < atomic_load_explicit(&l->busy_ns, memory_order_relaxed) + BUSY_NS;
}

/* What this thread has worked since it was asked the last time. */
static uint64_t worked_ns(struct worker *w)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    uint64_t cpu_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    uint64_t work_ns = cpu_ns - w->cpu_ns + w->sending_ns;
    w->cpu_ns = cpu_ns;
    w->sending_ns = 0;
    return work_ns;
}

static void rest(struct worker *w, uint64_t ns)
{
    const struct timespec time = {
        .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    (void)nanosleep(&time, NULL);
    (void)atomic_fetch_add_explicit(&w->owner->rested_ns, ns, memory_order_relaxed);
}

static enum weft_err is_stopped(struct worker *w, uint64_t now_ns, struct weft_msg *msg)
{
    enum weft_err stop = (enum weft_err)atomic_load_explicit(&w->stop, memory_order_relaxed);
    if (stop == WEFT_OK && now_ns >= w->deadline_ns) {
        return weft_fail(msg, WEFT_ETIMEDOUT,
            "not answered within %u ms (timers.request_ms); ask for less, or again",
            w->owner->options.answer_ms);
    }
    return stop == WEFT_OK ? WEFT_OK
                           : weft_fail(msg, stop, "interrupted before it was answered; ask again");
}

/* NOD-12: gives way to commits, and goes on. */
static enum weft_err ask(void *ctx, struct weft_msg *msg)
{
    struct worker *w = ctx;
    uint64_t work_ns = worked_ns(w);
    for (;;) {
        uint64_t now_ns = uv_hrtime();
        enum weft_err rv = is_stopped(w, now_ns, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        uint64_t rest_ns = weft_pace_step(&w->pace, now_ns, work_ns, is_busy(w->owner, now_ns));
        if (rest_ns == 0) {
            return WEFT_OK;
        }
        rest(w, rest_ns);
        work_ns = 0;
    }
}

struct writing {
    struct weft_yield *yield;
    uint32_t steps; /* What an item costs. */
};

static enum weft_err on_item(void *ctx, struct weft_writer *writer)
{
    const struct writing *writing = ctx;
    (void)writer;
    return weft_yield_step(writing->yield, writing->steps);
}

/* A trace for the HTTP door becomes JSON here: 20,000 steps took the loop 20 to 30 ms. What cannot
 * be written so goes as a message, of which the door tells what is wrong. */
static void render(
    struct long_read *read, const struct weft_trace_result *trace, struct weft_yield *yield)
{
    struct weft_writer writer = {.out = read->answer};
    struct weft_arena scratch = {.size_max = SCRATCH_SIZE_MAX};
    struct writing writing = {yield, read->query.ids_only ? 1 : STEP_STEPS};
    const struct weft_answer_items items = {.ctx = &writing, .on_item = on_item};
    enum weft_err rv =
        weft_answer_write_trace(&writer, NULL, trace, read->query.ids_only, &scratch, &items);
    weft_arena_destroy(&scratch);
    read->answer = writer.out;
    read->index = trace->index;
    read->is_json = rv == WEFT_OK && !writer.is_broken;
    if (!read->is_json) {
        weft_buffer_clear(&read->answer);
    }
}

/* Touches the read, and nothing else of the loop's (NOD-14). */
static void answer(struct worker *w, struct long_read *read)
{
    struct weft_msg msg = {""};
    struct weft_client_message message;
    struct weft_yield yield = {.ctx = w, .ask = ask, .every = ASK_STEPS, .left = ASK_STEPS};
    weft_arena_reset(&w->scratch);
    enum weft_err rv = ask(w, &msg); /* It may owe rest for the read before. */
    if (rv == WEFT_OK) {
        read->query.now_ns = weft_wall_ns();
        weft_view_yield_with(read->view, &yield);
        rv = weft_view_query(read->view, &read->query, &w->scratch, &message, &msg);
        weft_view_yield_with(read->view, NULL);
        if (rv == WEFT_OK && read->waiter.door == WEFT_DOOR_HTTP &&
            message.kind == WEFT_KIND_TRACE_RESULT) {
            render(read, &message.trace, &yield);
        }
        if (rv == WEFT_OK &&
            weft_read_report(read->view, &read->query, &read->texts, &read->report) != WEFT_OK) {
            rv = weft_fail(&msg, WEFT_ENOMEM, "no memory for the answer");
            read->is_json = false;
            weft_buffer_clear(&read->answer);
        }
        if (rv == WEFT_OK && yield.err != WEFT_OK) {
            rv = weft_fail(&msg, yield.err, "%s", yield.msg.text);
        }
        read->err = yield.err;
    } else {
        read->err = rv;
    }
    if (!read->is_json && weft_read_encode(read->view, rv, &message, read->waiter.request_id, &msg,
                              &read->answer) != WEFT_OK) {
        weft_buffer_clear(&read->answer);
    }
    w->sending_ns = read->answer.size * SEND_NS_PER_BYTE;
}

/* Of a batch thread the scheduler knows that it does not mind waiting: it pushes nobody off a
 * processor when it wakes, and the loop pushes it off. Not a nice value, and not the idle class:
 * the thread takes locks inside RocksDB and malloc for microseconds, and who is preempted there
 * must soon have the processor again, or the loop waits for it. The pace keeps it small. */
static void yield_processor(void)
{
    const struct sched_param none = {.sched_priority = 0};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    sigset_t all; /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    (void)pthread_setname_np(pthread_self(), "weft-long-read");
    yield_processor();
    weft_pace_init(&w->pace, w->owner->options.share_percent, uv_hrtime());
    for (;;) {
        while (sem_wait(&w->start) != 0) {
            weft_assert(errno == EINTR);
        }
        if (atomic_load(&w->is_over)) {
            return NULL;
        }
        answer(w, w->read);
        atomic_store(&w->is_done, true);
        (void)uv_async_send(&w->owner->done);
    }
}

/* --- the loop -------------------------------------------------------------------------------- */

static void free_read(struct long_read *read)
{
    weft_arena_destroy(&read->texts);
    weft_buffer_destroy(&read->answer);
    free(read);
}

static void deliver(struct weft_long_reads *l, struct worker *w)
{
    struct long_read *read = w->read;
    const struct weft_read_door *door = &l->options.door;
    w->read = NULL;
    l->running--;
    l->cancelled += read->err != WEFT_OK;
    l->answered++;
    weft_view_close(read->view);
    const struct weft_read_note note = {read->query.principal, read->report};
    if (read->report.size > 0 && (read->is_json || read->answer.size > 0)) {
        door->hold(door->ctx, &read->waiter, &note, &read->answer, read->is_json, read->index);
    } else if (read->is_json) {
        door->give_json(door->ctx, &read->waiter, read->index, &read->answer);
    } else if (read->answer.size > 0) {
        door->give(door->ctx, &read->waiter, &read->answer);
    } else {
        weft_read_refuse(door, &read->waiter, WEFT_ENOMEM, "no memory for the answer");
    }
    free_read(read);
    if (l->running == 0) {
        uv_unref((uv_handle_t *)&l->done);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct weft_long_reads *l = handle->data;
    void (*on_closed)(void *) = l->on_closed;
    void *ctx = l->closed_ctx;
    free(l);
    on_closed(ctx);
}

/* Nothing runs: the threads wait at their semaphores. */
static void end(struct weft_long_reads *l)
{
    for (uint32_t i = 0; i < l->thread_count; i++) {
        struct worker *w = &l->workers[i];
        atomic_store(&w->is_over, true);
        (void)sem_post(&w->start);
        (void)pthread_join(w->thread, NULL);
        (void)sem_destroy(&w->start);
        weft_arena_destroy(&w->scratch);
    }
    l->thread_count = 0;
    uv_close((uv_handle_t *)&l->done, on_handle_closed);
}

static void on_done(uv_async_t *async)
{
    struct weft_long_reads *l = async->data;
    for (uint32_t i = 0; i < l->thread_count; i++) {
        struct worker *w = &l->workers[i];
        if (w->read != NULL && atomic_load(&w->is_done)) {
            deliver(l, w);
        }
    }
    if (l->is_closing && l->running == 0 && l->thread_count > 0) {
        end(l);
    }
}

static bool start_thread(struct weft_long_reads *l)
{
    struct worker *w = &l->workers[l->thread_count];
    w->owner = l;
    w->scratch.size_max = SCRATCH_SIZE_MAX;
    if (sem_init(&w->start, 0, 0) != 0) {
        return false;
    }
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        (void)sem_destroy(&w->start);
        return false;
    }
    l->thread_count++;
    return true;
}

static void ignore_closed(void *ctx)
{
    (void)ctx;
}

enum weft_err weft_long_reads_open(const struct weft_long_reads_options *options,
    struct weft_long_reads **ret_long, struct weft_msg *msg)
{
    weft_assert(options->threads >= 1 && options->threads <= WEFT_LONG_READS_THREADS_MAX);
    struct weft_long_reads *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "long reads: no memory");
    }
    l->options = *options;
    l->tail = &l->head;
    int status = uv_async_init(options->loop, &l->done, on_done);
    weft_assert(status == 0);
    l->done.data = l;
    uv_unref((uv_handle_t *)&l->done); /* Only a read that runs keeps a loop going. */
    for (uint32_t i = 0; i < options->threads; i++) {
        if (!start_thread(l)) {
            weft_long_reads_close(l, ignore_closed, NULL);
            return weft_fail(msg, WEFT_ENOMEM, "long reads: no thread");
        }
    }
    *ret_long = l;
    return WEFT_OK;
}

/* --- the queue ------------------------------------------------------------------------------- */

static bool is_same_client(const struct weft_waiter *a, const struct weft_waiter *b)
{
    return a->door == b->door && a->client == b->client && a->generation == b->generation;
}

static uint32_t count_of_client(const struct weft_long_reads *l, const struct weft_waiter *waiter)
{
    uint32_t count = 0;
    for (const struct long_read *read = l->head; read != NULL; read = read->next) {
        count += is_same_client(&read->waiter, waiter);
    }
    return count;
}

enum weft_err weft_long_reads_add(struct weft_long_reads *l, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms)
{
    uint32_t client_max = (l->options.waiting_max + CLIENT_SHARE - 1) / CLIENT_SHARE;
    if (l->is_closing) {
        return WEFT_ECLOSED;
    }
    if (l->waiting >= l->options.waiting_max || count_of_client(l, waiter) >= client_max) {
        l->refused++;
        return WEFT_EBUSY;
    }
    struct long_read *read = calloc(1, sizeof(*read));
    if (read == NULL) {
        return WEFT_ENOMEM;
    }
    read->texts.size_max = TEXTS_SIZE_MAX;
    if (query->type == WEFT_QUERY_AUDIT && weft_text_starts(query->asset, "across/")) {
        read->texts.size_max += WEFT_TIERS_SIZE_MAX; /* What partners told: node/questions.h. */
    }
    read->answer.size_max = ANSWER_SIZE_MAX;
    read->waiter = *waiter;
    read->deadline_ms = now_ms + l->options.answer_ms;
    if (weft_read_copy(&read->texts, query, &read->query) != WEFT_OK) {
        free_read(read);
        return WEFT_ENOMEM;
    }
    *l->tail = read;
    l->tail = &read->next;
    l->waiting++;
    return WEFT_OK;
}

/* Take *at, one that waits, out of the queue. */
static struct long_read *take(struct weft_long_reads *l, struct long_read **at)
{
    struct long_read *read = *at;
    *at = read->next;
    if (*at == NULL) {
        l->tail = at;
    }
    l->waiting--;
    return read;
}

/* Those that nobody waits for, or whose time is up. */
static void give_up(struct weft_long_reads *l, uint64_t now_ms)
{
    const struct weft_read_door *door = &l->options.door;
    for (struct long_read **at = &l->head; *at != NULL;) {
        bool is_late = now_ms >= (*at)->deadline_ms;
        if (!is_late && door->is_awaited(door->ctx, &(*at)->waiter)) {
            at = &(*at)->next;
            continue;
        }
        struct long_read *read = take(l, at);
        weft_read_refuse(door, &read->waiter, WEFT_ETIMEDOUT,
            "long reads before it took all of its time (timers.request_ms); try again");
        l->answered++;
        l->cancelled++;
        free_read(read);
    }
    for (uint32_t i = 0; i < l->thread_count; i++) {
        struct worker *w = &l->workers[i];
        if (w->read != NULL && !door->is_awaited(door->ctx, &w->read->waiter)) {
            atomic_store(&w->stop, WEFT_ECLOSED);
        }
    }
}

static void start(struct weft_long_reads *l, struct worker *w, struct long_read *read,
    struct weft_view *view, uint64_t now_ms)
{
    read->next = NULL;
    read->view = view;
    w->read = read;
    w->deadline_ns = uv_hrtime() + (read->deadline_ms - now_ms) * 1000000;
    atomic_store(&w->stop, WEFT_OK);
    atomic_store(&w->is_done, false);
    if (l->running++ == 0) {
        uv_ref((uv_handle_t *)&l->done);
    }
    (void)sem_post(&w->start);
}

static bool is_later_page(const struct long_read *read)
{
    return read->query.cursor.size > 0 && read->query.type != WEFT_QUERY_FIND;
}

/* Pages of one answer that were asked for ahead are worked at one after another: they share what
 * was searched for. */
static bool may_start(const struct weft_long_reads *l, const struct long_read *read)
{
    for (uint32_t i = 0; i < l->thread_count && is_later_page(read); i++) {
        const struct long_read *other = l->workers[i].read;
        if (other != NULL && is_later_page(other) &&
            is_same_client(&other->waiter, &read->waiter)) {
            return false;
        }
    }
    return true;
}

static struct long_read *take_first(struct weft_long_reads *l)
{
    struct long_read **at = &l->head;
    while (*at != NULL && !may_start(l, *at)) {
        at = &(*at)->next;
    }
    return *at != NULL ? take(l, at) : NULL;
}

void weft_long_reads_turn(struct weft_long_reads *l, struct weft_state *state, uint64_t now_ms)
{
    if (l->waiting + l->running == 0) {
        return;
    }
    give_up(l, now_ms);
    for (uint32_t i = 0; i < l->thread_count && l->head != NULL && state != NULL; i++) {
        struct worker *w = &l->workers[i];
        struct weft_msg msg;
        struct weft_view *view;
        if (w->read != NULL || l->is_closing) {
            continue;
        }
        struct long_read *read = take_first(l);
        if (read == NULL) {
            return;
        }
        enum weft_err rv = weft_view_open(state, &view, &msg);
        if (rv == WEFT_OK) {
            start(l, w, read, view, now_ms);
        } else {
            weft_read_refuse(&l->options.door, &read->waiter, rv, msg.text);
            l->answered++;
            free_read(read);
        }
    }
}

bool weft_long_reads_is_free(struct weft_long_reads *l)
{
    return l->waiting + l->running == 0 && !is_busy(l, uv_hrtime());
}

uint64_t weft_long_reads_deadline(const struct weft_long_reads *l)
{
    return l->head != NULL ? l->head->deadline_ms : UINT64_MAX; /* In order of arrival. */
}

static void stop_all(struct weft_long_reads *l, enum weft_err err)
{
    for (uint32_t i = 0; i < l->thread_count; i++) {
        if (l->workers[i].read != NULL) {
            atomic_store(&l->workers[i].stop, (int)err);
        }
    }
}

void weft_long_reads_interrupt(struct weft_long_reads *l)
{
    stop_all(l, WEFT_EUNAVAILABLE);
}

void weft_long_reads_close(struct weft_long_reads *l, void (*on_closed)(void *ctx), void *ctx)
{
    l->is_closing = true;
    l->on_closed = on_closed;
    l->closed_ctx = ctx;
    while (l->head != NULL) {
        struct long_read *read = take(l, &l->head);
        weft_read_refuse(
            &l->options.door, &read->waiter, WEFT_ECLOSED, "the node is shutting down");
        free_read(read);
    }
    stop_all(l, WEFT_ECLOSED);
    if (l->running == 0) {
        end(l);
    }
}

void weft_long_reads_note_commits(struct weft_long_reads *l, bool are_in_flight)
{
    if (are_in_flight || atomic_load_explicit(&l->is_in_flight, memory_order_relaxed)) {
        atomic_store_explicit(&l->busy_ns, uv_hrtime(), memory_order_relaxed);
    }
    atomic_store_explicit(&l->is_in_flight, are_in_flight, memory_order_relaxed);
}

void weft_long_reads_figures(
    const struct weft_long_reads *l, struct weft_long_reads_figures *ret_figures)
{
    if (l == NULL) {
        *ret_figures = (struct weft_long_reads_figures){.waiting = 0};
        return;
    }
    *ret_figures = (struct weft_long_reads_figures){.waiting = l->waiting,
        .running = l->running,
        .answered = l->answered,
        .refused = l->refused,
        .cancelled = l->cancelled,
        .rested_ns = atomic_load_explicit(&l->rested_ns, memory_order_relaxed)};
}

uint32_t weft_long_reads_waiting_max(const struct weft_long_reads *l)
{
    return l->options.waiting_max;
}
