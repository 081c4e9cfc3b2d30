#include "node/warrants.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "node/bucket.h"
#include "node/mutant.h"
#include "node/logger.h"
#include "proto/arith.h"
#include "proto/check.h"

enum {
    BATCH_MAX = 8,        /* Notes that a thread takes at once: half a millisecond. */
    PROBES = 16,          /* Places that a share, or an id, may have. */
    WAYS = 4,             /* Places that a token may have. */
    PENALTIES_MAX = 4096, /* Connections that are not read from. */
    ALIGNMENT = 16,
};

struct job {
    struct job *next;
    struct share *share;
    struct weft_waiter waiter;
    struct weft_authority *authority;
    uint64_t index;
    int64_t time_ns;
    uint32_t kind;
    struct weft_text note; /* Both behind the struct. */
    struct weft_bytes request;
    struct weft_digest digest; /* Of the note. */
    /* The thread's, until it is done. */
    enum weft_err err;
    struct weft_warranted warranted;
    struct weft_msg msg;
};

struct share {
    uint64_t key;
    uint32_t count; /* Questions without verdict; 0 and no faults: the place is free. */
    size_t bytes;
    struct weft_bucket faults;
    bool is_used;
    /* Under the mutex. */
    struct job *head;
    struct job **tail;
    struct share *next; /* Of those that have something. */
};

struct token {
    struct weft_digest digest;
    uint64_t authority_index;
    uint64_t used;
    struct weft_warranted warranted;
};

struct id {
    struct weft_request_id id;
    int64_t until_ns;
};

struct penalty {
    struct weft_waiter waiter;
    uint64_t until_ms;
};

struct weft_warrants {
    struct weft_warrants_options options;
    struct weft_request_site site;
    struct weft_warrants_figures figures;
    size_t bytes;
    uint64_t uses;
    struct share shares[WEFT_WARRANTS_SHARES_MAX];
    struct token tokens[WEFT_WARRANTS_TOKENS_MAX];
    struct id ids[WEFT_WARRANTS_IDS_MAX];
    struct penalty penalties[PENALTIES_MAX];
    uint32_t penalty_first;
    uint32_t penalty_count;
    uv_async_t done;
    uv_timer_t timer;
    uint32_t handles;
    pthread_t threads[WEFT_WARRANTS_THREADS_MAX];
    uint32_t thread_count;
    bool is_closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    pthread_mutex_t mutex;
    pthread_cond_t wakes;
    /* Under the mutex. */
    struct share *first; /* Shares take turns. */
    struct share **last;
    struct job *finished;
    struct job **finished_tail;
    bool is_over;
};

/* --- the threads ----------------------------------------------------------------------------- */

static void queue_share(struct weft_warrants *w, struct share *share)
{
    share->next = NULL;
    *w->last = share;
    w->last = &share->next;
}

static struct share *unqueue_share(struct weft_warrants *w, struct share **at)
{
    struct share *share = *at;
    *at = share->next;
    if (*at == NULL) {
        w->last = at;
    }
    return share;
}

/* One of the share whose turn it is. Under the mutex. NULL: nothing waits. */
static struct job *take(struct weft_warrants *w)
{
    if (w->first == NULL) {
        return NULL;
    }
    struct share *share = unqueue_share(w, &w->first);
    struct job *job = share->head;
    weft_assert(job != NULL); /* NOD-17: in the row is who has something. */
    share->head = job->next;
    if (share->head == NULL) {
        share->tail = &share->head;
    } else {
        queue_share(w, share);
    }
    job->next = NULL;
    return job;
}

static void verify(const struct weft_warrants *w, struct job *job)
{
    const struct weft_request_context context = {.ring = weft_authority_keyring(job->authority),
        .site = w->site,
        .now_ns = job->time_ns,
        .index = job->index};
    struct weft_digest digest;
    if (job->kind != 0) {
        digest = weft_warrant_digest(job->kind, job->request);
    }
    job->err = weft_warrant_verify(
        job->note, &context, job->kind != 0 ? &digest : NULL, &job->warranted, &job->msg);
}

/* Requests that come together often have one token. */
static void verify_batch(const struct weft_warrants *w, struct job *const *jobs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct job *same = NULL;
        for (uint32_t k = 0; k < i && same == NULL; k++) {
            bool is_same = jobs[k]->err == WEFT_OK && jobs[k]->warranted.is_token &&
                           jobs[k]->authority == jobs[i]->authority &&
                           weft_digest_equal(&jobs[k]->digest, &jobs[i]->digest);
            same = is_same ? jobs[k] : NULL;
        }
        if (same != NULL) {
            jobs[i]->err = WEFT_OK;
            jobs[i]->warranted = same->warranted;
        } else {
            verify(w, jobs[i]);
        }
    }
}

uint32_t weft_warrants_work(struct weft_warrants *w)
{
    struct job *jobs[BATCH_MAX];
    uint32_t count = 0;
    (void)pthread_mutex_lock(&w->mutex);
    while (count < BATCH_MAX && (jobs[count] = take(w)) != NULL) {
        count++;
    }
    (void)pthread_mutex_unlock(&w->mutex);
    verify_batch(w, jobs, count);
    (void)pthread_mutex_lock(&w->mutex);
    for (uint32_t i = 0; i < count; i++) {
        *w->finished_tail = jobs[i];
        w->finished_tail = &jobs[i]->next;
    }
    (void)pthread_mutex_unlock(&w->mutex);
    if (count > 0) {
        (void)uv_async_send(&w->done);
    }
    return count;
}

static void *run(void *arg)
{
    struct weft_warrants *w = arg;
    sigset_t all; /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    (void)pthread_setname_np(pthread_self(), "weft-warrant");
    (void)pthread_mutex_lock(&w->mutex);
    while (!w->is_over) {
        if (w->first == NULL) {
            (void)pthread_cond_wait(&w->wakes, &w->mutex);
            continue;
        }
        (void)pthread_mutex_unlock(&w->mutex);
        (void)weft_warrants_work(w);
        (void)pthread_mutex_lock(&w->mutex);
    }
    (void)pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* --- tokens that are known ------------------------------------------------------------------- */

static struct token *token_set(struct weft_warrants *w, const struct weft_digest *digest)
{
    uint32_t sets = WEFT_WARRANTS_TOKENS_MAX / WAYS;
    return &w->tokens[weft_get_be32(digest->bytes) % sets * WAYS];
}

/* What governs the site has not changed since, so that the keyring says the same. */
static bool recall(struct weft_warrants *w, const struct weft_warrants_question *question,
    const struct weft_digest *digest, struct weft_warranted *ret_warranted)
{
    struct token *set = token_set(w, digest);
    for (uint32_t i = 0; i < WAYS; i++) {
        if (set[i].used != 0 && weft_digest_equal(&set[i].digest, digest) &&
            (set[i].authority_index == weft_authority_index(question->authority) ||
                weft_node_mutant(WEFT_NODE_MUTANT_REVOKED_KNOWN)) &&
            question->time_ns <= set[i].warranted.warrant.until_ns) {
            set[i].used = ++w->uses;
            *ret_warranted = set[i].warranted;
            return true;
        }
    }
    return false;
}

static void remember(struct weft_warrants *w, const struct job *job)
{
    struct token *set = token_set(w, &job->digest), *oldest = set;
    for (uint32_t i = 0; i < WAYS; i++) {
        if (weft_digest_equal(&set[i].digest, &job->digest)) {
            oldest = &set[i];
            break;
        }
        oldest = set[i].used < oldest->used ? &set[i] : oldest;
    }
    *oldest = (struct token){.digest = job->digest,
        .authority_index = weft_authority_index(job->authority),
        .used = ++w->uses,
        .warranted = job->warranted};
}

enum weft_err weft_warrants_note_id(
    struct weft_warrants *w, const struct weft_request_id *id, int64_t until_ns, int64_t now_ns)
{
    struct id *room = NULL;
    uint32_t start = weft_get_be32(id->bytes);
    for (uint32_t i = 0; i < PROBES; i++) {
        struct id *at = &w->ids[(start + i) % WEFT_WARRANTS_IDS_MAX];
        bool is_over = at->until_ns < now_ns;
        if (!is_over && memcmp(&at->id, id, sizeof(*id)) == 0) {
            return WEFT_ECONFLICT;
        }
        room = room == NULL && is_over ? at : room;
    }
    if (room == NULL) {
        return WEFT_EBUSY;
    }
    *room = (struct id){*id, until_ns};
    return WEFT_OK;
}

/* --- shares ---------------------------------------------------------------------------------- */

/* FNV-1a. Certificates are given out by the organization: nobody seeks one that meets another's. */
uint64_t weft_warrants_share(const char *bringer)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *p = bringer; *p != '\0'; p++) {
        hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Its place, or a free one; NULL: there is none. */
static struct share *share_of(struct weft_warrants *w, uint64_t key, uint64_t now_ms)
{
    struct share *room = NULL;
    for (uint32_t i = 0; i < PROBES; i++) {
        struct share *at = &w->shares[(key + i) % WEFT_WARRANTS_SHARES_MAX];
        if (at->is_used) {
            weft_bucket_refill(
                &at->faults, WEFT_WARRANTS_FAULTS_MAX, WEFT_WARRANTS_FAULT_MS, now_ms);
        }
        if (at->is_used && at->key == key) {
            return at;
        }
        bool is_free =
            !at->is_used || (at->count == 0 && at->faults.left == WEFT_WARRANTS_FAULTS_MAX);
        room = room == NULL && is_free ? at : room;
    }
    if (room != NULL) { /* No thread knows it: it has nothing. */
        *room = (struct share){.key = key,
            .faults = {.left = WEFT_WARRANTS_FAULTS_MAX, .refilled_ms = now_ms},
            .is_used = true};
        room->tail = &room->head;
    }
    return room;
}

/* --- questions ------------------------------------------------------------------------------- */

static struct job *make_job(const struct weft_warrants_question *question)
{
    size_t request = (sizeof(struct job) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    size_t note = request + question->request.size;
    uint8_t *block = malloc(note + question->note.size);
    struct job *job = (struct job *)(void *)block;
    if (job == NULL) {
        return NULL;
    }
    if (question->request.size > 0) {
        memcpy(block + request, question->request.data, question->request.size);
    }
    memcpy(block + note, question->note.data, question->note.size);
    *job = (struct job){.waiter = question->waiter,
        .authority = weft_authority_retain(question->authority),
        .index = question->index,
        .time_ns = question->time_ns,
        .kind = question->kind,
        .note = {(const char *)block + note, question->note.size},
        .request = {block + request, question->request.size}};
    return job;
}

static size_t size_of(size_t note, size_t request)
{
    return sizeof(struct job) + note + request;
}

static void free_job(struct job *job)
{
    weft_authority_release(job->authority);
    free(job);
}

static enum weft_err drop(struct weft_warrants *w)
{
    w->figures.dropped++;
    return WEFT_EBUSY;
}

static enum weft_err enqueue(struct weft_warrants *w, struct share *share,
    const struct weft_warrants_question *question, const struct weft_digest *digest)
{
    size_t size = size_of(question->note.size, question->request.size);
    if (share->bytes + size > WEFT_WARRANTS_SHARE_BYTES_MAX ||
        w->bytes + size > WEFT_WARRANTS_BYTES_MAX) {
        return drop(w);
    }
    struct job *job = make_job(question);
    if (job == NULL) {
        return WEFT_ENOMEM;
    }
    job->share = share;
    job->digest = *digest;
    share->count++;
    share->bytes += size;
    w->bytes += size;
    if (w->figures.waiting++ == 0) {
        uv_ref((uv_handle_t *)&w->done);
    }
    (void)pthread_mutex_lock(&w->mutex);
    if (share->head == NULL) {
        queue_share(w, share);
    }
    *share->tail = job;
    share->tail = &job->next;
    (void)pthread_cond_signal(&w->wakes);
    (void)pthread_mutex_unlock(&w->mutex);
    return WEFT_OK;
}

enum weft_err weft_warrants_ask(struct weft_warrants *w,
    const struct weft_warrants_question *question, struct weft_warrants_answer *ret_answer)
{
    struct weft_digest digest = weft_sha256(question->note.data, question->note.size);
    *ret_answer = (struct weft_warrants_answer){.is_known = false};
    if (w->is_closing) {
        return WEFT_EUNAVAILABLE;
    }
    if (recall(w, question, &digest, &ret_answer->warranted)) {
        ret_answer->is_known = true;
        w->figures.recalled++;
        return WEFT_OK;
    }
    struct share *share = share_of(w, question->share, question->now_ms);
    if (share == NULL) {
        return drop(w);
    }
    /* Who has had faults asks no more at once than he may still have: or the next flood would be in
     * the queue before the first verdict. */
    bool is_doubted = share->faults.left <= WEFT_WARRANTS_FAULTS_MAX / 2;
    if (is_doubted && share->count >= (uint32_t)share->faults.left) {
        ret_answer->is_disgraced = true;
        return drop(w);
    }
    if (share->count >= WEFT_WARRANTS_SHARE_MAX ||
        w->figures.waiting >= WEFT_WARRANTS_WAITING_MAX) {
        return drop(w);
    }
    return enqueue(w, share, question, &digest);
}

/* --- verdicts -------------------------------------------------------------------------------- */

/* What the share has in the queue; nobody will look at it. */
static void take_back(struct weft_warrants *w, struct share *share, struct job **tail)
{
    (void)pthread_mutex_lock(&w->mutex);
    struct share **at = &w->first;
    while (*at != NULL && *at != share) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        (void)unqueue_share(w, at);
        *tail = share->head;
        share->head = NULL;
        share->tail = &share->head;
    }
    (void)pthread_mutex_unlock(&w->mutex);
    for (; *tail != NULL; tail = &(*tail)->next) {
        (*tail)->err = weft_fail(&(*tail)->msg, WEFT_EBUSY, "too many notes before did not count");
    }
}

static void settle(struct weft_warrants *w, struct job *job)
{
    struct share *share = job->share;
    share->count--;
    share->bytes -= size_of(job->note.size, job->request.size);
    w->bytes -= size_of(job->note.size, job->request.size);
    if (job->err == WEFT_OK) {
        w->figures.verified++;
        if (job->warranted.is_token) {
            remember(w, job);
        }
    } else if (job->err == WEFT_EBUSY) {
        w->figures.dropped++;
    } else {
        w->figures.refused++;
        if (job->err != WEFT_ENOMEM) {
            weft_bucket_take(&share->faults, 0);
        }
    }
    if (--w->figures.waiting == 0) {
        uv_unref((uv_handle_t *)&w->done);
    }
}

static void on_done(uv_async_t *async)
{
    struct weft_warrants *w = async->data;
    (void)pthread_mutex_lock(&w->mutex);
    struct job *job = w->finished;
    w->finished = NULL;
    w->finished_tail = &w->finished;
    (void)pthread_mutex_unlock(&w->mutex);
    while (job != NULL) {
        const struct weft_warrants_verdict verdict = {.waiter = job->waiter,
            .err = job->err,
            .warranted = job->warranted,
            .kind = job->kind,
            .request = job->request,
            .msg = job->msg};
        settle(w, job);
        if (job->share->faults.left == 0 && job->err != WEFT_EBUSY) {
            struct job **tail = &job->next;
            while (*tail != NULL) {
                tail = &(*tail)->next;
            }
            take_back(w, job->share, tail);
        }
        struct job *next = job->next;
        w->options.on_verdict(w->options.ctx, &verdict);
        free_job(job);
        job = next;
    }
}

/* --- who is not listened to ------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    struct weft_warrants *w = timer->data;
    uint64_t now_ms = uv_now(w->options.loop);
    while (w->penalty_count > 0 && w->penalties[w->penalty_first].until_ms <= now_ms) {
        struct weft_waiter waiter = w->penalties[w->penalty_first].waiter;
        w->penalty_first = (w->penalty_first + 1) % PENALTIES_MAX;
        w->penalty_count--;
        w->options.on_calm(w->options.ctx, &waiter);
    }
    if (w->penalty_count > 0) {
        (void)uv_timer_start(timer, on_timer, w->penalties[w->penalty_first].until_ms - now_ms, 0);
    }
}

bool weft_warrants_penalize(
    struct weft_warrants *w, const struct weft_waiter *waiter, uint64_t now_ms)
{
    if (w->penalty_count == PENALTIES_MAX || w->is_closing) {
        return false;
    }
    uint32_t at = (w->penalty_first + w->penalty_count) % PENALTIES_MAX;
    uint64_t until_ms = now_ms + WEFT_WARRANTS_PENALTY_MS, loop_ms = uv_now(w->options.loop);
    w->penalties[at] = (struct penalty){*waiter, until_ms};
    if (w->penalty_count++ == 0) {
        (void)uv_timer_start(&w->timer, on_timer, until_ms > loop_ms ? until_ms - loop_ms : 0, 0);
    }
    return true;
}

/* --- open and close -------------------------------------------------------------------------- */

enum weft_err weft_warrants_open(const struct weft_warrants_options *options,
    struct weft_warrants **ret_warrants, struct weft_msg *msg)
{
    weft_assert(options->threads <= WEFT_WARRANTS_THREADS_MAX);
    struct weft_warrants *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "warrants: no memory");
    }
    w->options = *options;
    (void)snprintf(w->site.org, sizeof(w->site.org), "%s", options->org);
    (void)snprintf(w->site.site, sizeof(w->site.site), "%s", options->site);
    w->last = &w->first;
    w->finished_tail = &w->finished;
    int status = pthread_mutex_init(&w->mutex, NULL);
    status |= pthread_cond_init(&w->wakes, NULL);
    status |= uv_async_init(options->loop, &w->done, on_done);
    status |= uv_timer_init(options->loop, &w->timer);
    weft_assert(status == 0);
    w->done.data = w;
    w->timer.data = w;
    uv_unref((uv_handle_t *)&w->done); /* Only a question keeps a loop going. */
    uv_unref((uv_handle_t *)&w->timer);
    while (w->thread_count < options->threads) {
        if (pthread_create(&w->threads[w->thread_count], NULL, run, w) != 0) {
            weft_warrants_close(w, NULL, NULL);
            return weft_fail(msg, WEFT_ENOMEM, "warrants: no thread");
        }
        w->thread_count++;
    }
    *ret_warrants = w;
    return WEFT_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct weft_warrants *w = handle->data;
    if (--w->handles > 0) {
        return;
    }
    void (*on_closed)(void *) = w->on_closed;
    void *ctx = w->closed_ctx;
    (void)pthread_cond_destroy(&w->wakes);
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
    if (on_closed != NULL) {
        on_closed(ctx);
    }
}

void weft_warrants_close(struct weft_warrants *w, void (*on_closed)(void *ctx), void *ctx)
{
    struct job *job;
    w->is_closing = true;
    w->on_closed = on_closed;
    w->closed_ctx = ctx;
    (void)pthread_mutex_lock(&w->mutex);
    w->is_over = true;
    (void)pthread_cond_broadcast(&w->wakes);
    (void)pthread_mutex_unlock(&w->mutex);
    for (uint32_t i = 0; i < w->thread_count; i++) {
        (void)pthread_join(w->threads[i], NULL); /* At most a batch. */
    }
    while ((job = take(w)) != NULL) {
        free_job(job);
    }
    while ((job = w->finished) != NULL) {
        w->finished = job->next;
        free_job(job);
    }
    w->handles = 2;
    uv_close((uv_handle_t *)&w->done, on_handle_closed);
    uv_close((uv_handle_t *)&w->timer, on_handle_closed);
}

void weft_warrants_figures(const struct weft_warrants *w, struct weft_warrants_figures *ret)
{
    *ret = w->figures;
}

enum weft_err weft_warrants_tell(const char *door, const char *bringer, enum weft_err err,
    const struct weft_msg *why, struct weft_msg *ret_detail)
{
    uint64_t number = 0;
    char correlation[17];
    if (err == WEFT_EBUSY || err == WEFT_ENOMEM || err == WEFT_EUNAVAILABLE) {
        return weft_fail(ret_detail, err, "too many notes wait on this node; try again");
    }
    /* Without random bytes it is told all the same: the number is for finding a line of the log. */
    (void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
    (void)snprintf(correlation, sizeof(correlation), "%016" PRIx64, number);
    weft_log(WEFT_LOG_WARN, "note_refused", weft_kv("door", door), weft_kv("bringer", bringer),
        weft_kv("correlation", (const char *)correlation), weft_kv("code", weft_err_name(err)),
        weft_kv("reason", (const char *)why->text));
    return weft_fail(ret_detail, err == WEFT_EREFUSED ? WEFT_EREFUSED : WEFT_EPEER,
        "not authorized (correlation %s)", correlation);
}
