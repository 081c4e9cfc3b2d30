/* node/long_reads.h in virtual time: each long read is a job of the simulation's, which runs when
 * the seed says; pace and threads are left out (tests/unit/node has them). */
#include <stdlib.h>

#include "node/long_reads.h"
#include "tests/sim/plant.h"

struct job {
    uv_work_t work;
    struct weft_long_reads *owner;
    struct job *next;
    struct weft_waiter waiter;
    struct weft_query query;
    struct weft_arena texts;
    struct weft_view *view;
    struct weft_buffer answer;
    bool is_interrupted;
};

struct weft_long_reads {
    struct weft_long_reads_options options;
    struct job *waiting;
    struct job *working;
    struct weft_long_reads_figures figures;
    uv_work_t end;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

enum weft_err weft_long_reads_open(const struct weft_long_reads_options *options,
    struct weft_long_reads **ret_long, struct weft_msg *msg)
{
    struct weft_long_reads *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for long reads");
    }
    l->options = *options;
    *ret_long = l;
    return WEFT_OK;
}

static void job_free(struct job *job)
{
    weft_arena_destroy(&job->texts);
    weft_buffer_destroy(&job->answer);
    free(job);
}

enum weft_err weft_long_reads_add(struct weft_long_reads *l, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms)
{
    (void)now_ms;
    struct job *job = l->figures.waiting < l->options.waiting_max ? calloc(1, sizeof(*job)) : NULL;
    if (job == NULL) {
        l->figures.refused++;
        return WEFT_EBUSY;
    }
    job->texts.size_max = 64 * 1024;
    job->answer.size_max = 64 * 1024 * 1024;
    job->owner = l;
    job->waiter = *waiter;
    if (weft_read_copy(&job->texts, query, &job->query) != WEFT_OK) {
        job_free(job);
        return WEFT_EBUSY;
    }
    struct job **last = &l->waiting;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = job;
    l->figures.waiting++;
    return WEFT_OK;
}

static void on_work(uv_work_t *work)
{
    struct job *job = work->data;
    struct weft_arena scratch = {.size_max = 32 * 1024 * 1024};
    struct weft_client_message message;
    struct weft_msg msg = {""};
    enum weft_err rv = weft_view_query(job->view, &job->query, &scratch, &message, &msg);
    rv = weft_read_encode(job->view, rv, &message, job->waiter.request_id, &msg, &job->answer);
    if (rv != WEFT_OK) {
        abort();
    }
    weft_arena_destroy(&scratch);
}

static void on_worked(uv_work_t *work, int status)
{
    struct job *job = work->data;
    struct weft_long_reads *l = job->owner;
    struct job **at = &l->working;
    (void)status;
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    l->figures.running--;
    weft_view_close(job->view);
    if (job->is_interrupted) {
        weft_read_refuse(&l->options.door, &job->waiter, WEFT_EUNAVAILABLE, "ask again");
    } else {
        l->options.door.give(l->options.door.ctx, &job->waiter, &job->answer);
    }
    l->figures.answered++;
    job_free(job);
}

static void start(struct weft_long_reads *l, struct job *job, struct weft_state *state)
{
    struct weft_msg msg = {""};
    enum weft_err rv = weft_view_open(state, &job->view, &msg);
    if (rv != WEFT_OK) {
        weft_read_refuse(&l->options.door, &job->waiter, rv, msg.text);
        job_free(job);
        return;
    }
    job->work.data = job;
    job->next = l->working;
    l->working = job;
    l->figures.running++;
    if (sim_uv_queue_work(l->options.loop, &job->work, on_work, on_worked) != 0) {
        abort();
    }
}

void weft_long_reads_turn(struct weft_long_reads *l, struct weft_state *state, uint64_t now_ms)
{
    (void)now_ms;
    while (state != NULL && l->waiting != NULL && l->figures.running < l->options.threads) {
        struct job *job = l->waiting;
        l->waiting = job->next;
        l->figures.waiting--;
        if (l->options.door.is_awaited(l->options.door.ctx, &job->waiter)) {
            start(l, job, state);
        } else {
            l->figures.cancelled++;
            job_free(job);
        }
    }
}

uint64_t weft_long_reads_deadline(const struct weft_long_reads *l)
{
    (void)l;
    return UINT64_MAX;
}

bool weft_long_reads_is_free(struct weft_long_reads *l)
{
    return l->figures.waiting == 0 && l->figures.running < l->options.threads;
}

void weft_long_reads_interrupt(struct weft_long_reads *l)
{
    for (struct job *job = l->working; job != NULL; job = job->next) {
        job->is_interrupted = true;
    }
}

void weft_long_reads_note_commits(struct weft_long_reads *l, bool are_in_flight)
{
    (void)l, (void)are_in_flight;
}

void weft_long_reads_figures(
    const struct weft_long_reads *l, struct weft_long_reads_figures *ret_figures)
{
    *ret_figures = l != NULL ? l->figures : (struct weft_long_reads_figures){0};
}

uint32_t weft_long_reads_waiting_max(const struct weft_long_reads *l)
{
    return l->options.waiting_max;
}

static void end_nothing(uv_work_t *work)
{
    (void)work;
}

/* Behind all jobs, since they are carried out in their order. */
static void on_end(uv_work_t *work, int status)
{
    struct weft_long_reads *l = work->data;
    (void)status;
    if (l->figures.running > 0) {
        abort();
    }
    l->on_closed(l->closed_ctx);
    free(l);
}

void weft_long_reads_close(struct weft_long_reads *l, void (*on_closed)(void *ctx), void *ctx)
{
    while (l->waiting != NULL) {
        struct job *job = l->waiting;
        l->waiting = job->next;
        weft_read_refuse(&l->options.door, &job->waiter, WEFT_ECLOSED, "the node is shutting down");
        job_free(job);
    }
    weft_long_reads_interrupt(l);
    l->on_closed = on_closed;
    l->closed_ctx = ctx;
    l->end.data = l;
    if (sim_uv_queue_work(l->options.loop, &l->end, end_nothing, on_end) != 0) {
        abort();
    }
}
