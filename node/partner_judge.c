#include "node/partner_judge.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "node/logger.h"
#include "proto/check.h"

struct queue {
    struct weft_partner_job *head;
    struct weft_partner_job **tail;
};

struct weft_partner_judge {
    struct weft_partner_judge_options options;
    uv_async_t done;
    pthread_t threads[WEFT_PARTNER_JUDGE_THREADS_MAX];
    uint32_t thread_count;
    bool is_closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    pthread_mutex_t mutex;
    pthread_cond_t wakes;
    /* Under the mutex. */
    struct queue asked, judged;
    bool is_over;
};

/* --- queues ---------------------------------------------------------------------------------- */

static void clear(struct queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

static void push(struct queue *q, struct weft_partner_job *job)
{
    job->next = NULL;
    *q->tail = job;
    q->tail = &job->next;
}

static struct weft_partner_job *pop(struct queue *q)
{
    struct weft_partner_job *job = q->head;
    if (job != NULL) {
        q->head = job->next;
        q->tail = q->head == NULL ? &q->head : q->tail;
    }
    return job;
}

static void free_all(struct queue *q)
{
    struct weft_partner_job *job;
    while ((job = pop(q)) != NULL) {
        weft_partner_job_free(job);
    }
}

/* --- jobs ------------------------------------------------------------------------------------ */

struct weft_partner_job *weft_partner_job_make(struct weft_buffer *message)
{
    struct weft_partner_job *job = calloc(1, sizeof(*job));
    if (job != NULL) {
        job->arena.size_max = WEFT_BATCH_MEMORY_MAX;
        job->message = *message;
        *message = (struct weft_buffer){.data = NULL};
    }
    return job;
}

void weft_partner_job_free(struct weft_partner_job *job)
{
    if (job != NULL) {
        weft_terms_release(job->terms);
        weft_buffer_destroy(&job->message);
        weft_arena_destroy(&job->arena);
        weft_window_destroy(&job->run);
        for (uint32_t i = 0; i < job->run_count; i++) {
            weft_window_destroy(&job->runs[i]);
        }
        free(job);
    }
}

/* The version that is in force where the receiver stands, which judges ahead of what is applied. */
static const struct weft_contract *version_of(const struct weft_terms *terms, uint64_t version)
{
    const struct weft_contract *const known[] = {terms->received, terms->next, terms->newest};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] != NULL && known[i]->link.version == version) {
            return known[i];
        }
    }
    return NULL;
}

/* weft_receiver_terms; ctx: struct weft_partner_job */
static bool get_terms(void *ctx, uint64_t version, struct weft_consumer_terms *ret_terms)
{
    const struct weft_partner_job *job = ctx;
    *ret_terms = weft_terms_of_consumer(job->terms, job->now_ns);
    ret_terms->contract = version_of(job->terms, version);
    ret_terms->next = version_of(job->terms, version + 1);
    return ret_terms->contract != NULL || (version == 0 && ret_terms->next != NULL);
}

static void judge_batch(struct weft_partner_job *job, const struct weft_stream_batch *batch)
{
    struct weft_consumer_terms terms;
    if (!get_terms(job, job->receiver.ahead.stream.version, &terms)) {
        job->receiver.is_open = false;
        job->act = WEFT_RECEIVER_GREETS; /* Once the amendment is applied. */
        job->fault = weft_stream_fail(
            &job->msg, WEFT_STREAM_SEQUENCE, "a version of the agreement is not applied here yet");
        return;
    }
    const struct weft_contract *contract = terms.contract != NULL ? terms.contract : terms.next;
    job->act = weft_receiver_hear_batch(&job->receiver, &terms, batch,
        contract->sides[terms.party].quarantine_statements, &job->arena, &job->entry, &job->fault,
        &job->msg);
}

static void judge_window(struct weft_partner_job *job, const struct weft_partner_message *m)
{
    struct weft_arena scratch = {.size_max = WEFT_BATCH_MEMORY_MAX};
    job->is_window = true;
    if (m->kind == WEFT_KIND_STREAM_MORE) {
        job->items = m->more.items;
        job->act = weft_receiver_hear_more(
            &job->receiver, get_terms, job, &m->more, &scratch, &job->run, &job->fault, &job->msg);
    } else if (m->kind == WEFT_KIND_STREAM_LEAVES) {
        job->items = m->leaves.items;
        job->act = weft_receiver_hear_leaves(&job->receiver, get_terms, job, &m->leaves, &scratch,
            &job->run, &job->right, &job->fault, &job->msg);
    } else {
        job->act = weft_receiver_hear_proof(
            &job->receiver, &m->proof, &job->right, &job->fault, &job->msg);
    }
    if (job->act == WEFT_RECEIVER_PROPOSES) { /* From the end: this message's own comes last. */
        struct weft_merkle_right right = job->right;
        weft_window_prove(&job->run, &right);
        for (uint32_t i = job->run_count; i > 0; i--) {
            weft_window_prove(&job->runs[i - 1], &right);
        }
    }
    weft_arena_destroy(&scratch);
}

/* What the log has of a head is what every replica can verify by itself, of before too. */
static void complete(struct weft_partner_job *job, struct weft_partner_message *m)
{
    struct weft_buffer whole = {.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    m->head.right = (struct weft_bytes){NULL, 0};
    m->head.proof = weft_stream_proof_bytes(&job->entry.proof);
    if (weft_partner_encode(m, &whole) != WEFT_OK) {
        job->receiver.is_open = false;
        job->act = WEFT_RECEIVER_GREETS; /* There is no memory. */
    }
    weft_buffer_destroy(&job->message);
    job->message = whole;
}

static void judge(struct weft_partner_job *job)
{
    struct weft_partner_message m;
    if (weft_partner_decode((struct weft_bytes){job->message.data, job->message.size}, &job->arena,
            &m, &job->msg) != WEFT_OK) {
        job->act = WEFT_RECEIVER_STOPS; /* It decoded on the loop: there is no memory. */
        job->fault = WEFT_STREAM_TOO_BIG;
        return;
    }
    if (weft_partner_is_of_window(m.kind)) {
        judge_window(job, &m);
        return;
    }
    weft_assert(m.kind == WEFT_KIND_STREAM_HEAD || m.kind == WEFT_KIND_STREAM_BATCH); /* NOD-241 */
    if (m.kind == WEFT_KIND_STREAM_BATCH) {
        judge_batch(job, &m.batch);
    } else {
        job->act = weft_receiver_hear_head(
            &job->receiver, &m.head, &job->terms->their_heads, &job->entry, &job->fault, &job->msg);
        if (job->act == WEFT_RECEIVER_PROPOSES && job->entry.is_completed) {
            complete(job, &m);
        }
    }
}

/* --- threads --------------------------------------------------------------------------------- */

bool weft_partner_judge_work(struct weft_partner_judge *w)
{
    (void)pthread_mutex_lock(&w->mutex);
    struct weft_partner_job *job = pop(&w->asked);
    (void)pthread_mutex_unlock(&w->mutex);
    if (job == NULL) {
        return false;
    }
    judge(job);
    (void)pthread_mutex_lock(&w->mutex);
    push(&w->judged, job);
    (void)pthread_mutex_unlock(&w->mutex);
    if (w->options.threads > 0) {
        (void)uv_async_send(&w->done);
    }
    return true;
}

static void *run(void *arg)
{
    struct weft_partner_judge *w = arg;
    sigset_t all; /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    (void)pthread_setname_np(pthread_self(), "weft-partner");
    (void)pthread_mutex_lock(&w->mutex);
    while (!w->is_over) {
        if (w->asked.head == NULL) {
            (void)pthread_cond_wait(&w->wakes, &w->mutex);
            continue;
        }
        (void)pthread_mutex_unlock(&w->mutex);
        (void)weft_partner_judge_work(w);
        (void)pthread_mutex_lock(&w->mutex);
    }
    (void)pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* --- the loop -------------------------------------------------------------------------------- */

void weft_partner_judge_ask(struct weft_partner_judge *w, struct weft_partner_job *job)
{
    (void)pthread_mutex_lock(&w->mutex);
    push(&w->asked, job);
    (void)pthread_cond_signal(&w->wakes);
    (void)pthread_mutex_unlock(&w->mutex);
}

void weft_partner_judge_settle(struct weft_partner_judge *w)
{
    struct weft_partner_job *job;
    do {
        (void)pthread_mutex_lock(&w->mutex);
        job = pop(&w->judged);
        (void)pthread_mutex_unlock(&w->mutex);
        if (job != NULL && !w->is_closing) {
            w->options.on_judged(w->options.ctx, job);
        }
        weft_partner_job_free(job);
    } while (job != NULL);
}

static void on_done(uv_async_t *async)
{
    weft_partner_judge_settle(async->data);
}

static void finish_close(struct weft_partner_judge *w)
{
    void (*on_closed)(void *) = w->on_closed;
    void *ctx = w->closed_ctx;
    free_all(&w->asked);
    free_all(&w->judged);
    (void)pthread_cond_destroy(&w->wakes);
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
    on_closed(ctx);
}

static void async_closed(uv_handle_t *handle)
{
    finish_close(handle->data);
}

enum weft_err weft_partner_judge_open(const struct weft_partner_judge_options *options,
    struct weft_partner_judge **ret_judge, struct weft_msg *msg)
{
    struct weft_partner_judge *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "threads for partners");
    }
    w->options = *options;
    clear(&w->asked);
    clear(&w->judged);
    (void)pthread_mutex_init(&w->mutex, NULL);
    (void)pthread_cond_init(&w->wakes, NULL);
    if (options->threads > 0) {
        (void)uv_async_init(options->loop, &w->done, on_done);
        uv_unref((uv_handle_t *)&w->done);
        w->done.data = w;
    }
    while (w->thread_count < options->threads && w->thread_count < WEFT_PARTNER_JUDGE_THREADS_MAX &&
           pthread_create(&w->threads[w->thread_count], NULL, run, w) == 0) {
        w->thread_count++;
    }
    *ret_judge = w;
    if (options->threads > 0 && w->thread_count == 0) {
        weft_log(WEFT_LOG_ERROR, "partner_threads",
            weft_kv("next", "no thread: what partners send is not taken by this node"));
    }
    return WEFT_OK;
}

void weft_partner_judge_close(struct weft_partner_judge *w, void (*on_closed)(void *ctx), void *ctx)
{
    w->is_closing = true;
    w->on_closed = on_closed;
    w->closed_ctx = ctx;
    (void)pthread_mutex_lock(&w->mutex);
    w->is_over = true;
    (void)pthread_cond_broadcast(&w->wakes);
    (void)pthread_mutex_unlock(&w->mutex);
    for (uint32_t i = 0; i < w->thread_count; i++) {
        (void)pthread_join(w->threads[i], NULL);
    }
    if (w->options.threads > 0) {
        uv_close((uv_handle_t *)&w->done, async_closed);
    } else {
        finish_close(w);
    }
}
