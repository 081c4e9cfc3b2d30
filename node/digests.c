#include "node/digests.h"

#include <stdlib.h>

#include "node/logger.h"
#include "proto/check.h"

enum {
    WORKING_MAX = 2
}; /* Views held open at once: each keeps old files alive. */

struct job {
    uv_work_t work;
    struct weft_digests *digests;
    struct weft_view *view;
    uint64_t index;
    struct weft_digest_result result;
    struct weft_msg msg;
    enum weft_err err;
};

void weft_digests_init(struct weft_digests *d, uv_loop_t *loop)
{
    *d = (struct weft_digests){.loop = loop};
}

static struct weft_digest_result *slot_of(struct weft_digests *d, uint64_t index)
{
    for (uint32_t i = 0; i < WEFT_DIGESTS_KEPT; i++) {
        if (d->results[i].index == index) {
            return &d->results[i];
        }
    }
    return NULL;
}

static void on_work(uv_work_t *work)
{
    struct job *job = work->data;
    job->err = weft_view_digest(job->view, &job->digests->cancel, &job->result, &job->msg);
}

static void on_worked(uv_work_t *work, int status)
{
    struct job *job = work->data;
    struct weft_digests *d = job->digests;
    (void)status;
    struct weft_digest_result *slot = slot_of(d, job->index);
    if (slot != NULL && job->err == WEFT_OK) {
        *slot = job->result;
        slot->index = job->index;
        slot->is_done = true;
    } else if (job->err != WEFT_OK && job->err != WEFT_ECLOSED) {
        weft_log(WEFT_LOG_ERROR, "digest_failed", weft_kv("index", job->index),
            weft_kv("error", (const char *)job->msg.text),
            weft_kv("next", "check this node's disk; weft check-data reads it offline"));
    }
    weft_view_close(job->view);
    if (job->err == WEFT_ECORRUPT && d->on_corrupt != NULL) {
        d->on_corrupt(d->on_corrupt_ctx, &job->msg);
    }
    free(job);
    d->working--;
    if (d->on_idle != NULL && d->working == 0) {
        d->on_idle(d->ctx);
    }
}

enum weft_err weft_digests_take(
    struct weft_digests *d, struct weft_state *state, uint64_t index, struct weft_msg *msg)
{
    if (d->cancel || d->working == WORKING_MAX) {
        weft_log(WEFT_LOG_WARN, "digest_skipped", weft_kv("index", index));
        return WEFT_OK;
    }
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "digest at index %llu", (unsigned long long)index);
    }
    enum weft_err rv = weft_view_open(state, &job->view, msg);
    if (rv != WEFT_OK) {
        free(job);
        return rv;
    }
    weft_assert(weft_view_index(job->view) == index); /* NOD-4 */
    job->digests = d;
    job->index = index;
    job->work.data = job;
    d->results[d->next++ % WEFT_DIGESTS_KEPT] = (struct weft_digest_result){.index = index};
    d->working++;
    int status = uv_queue_work(d->loop, &job->work, on_work, on_worked);
    weft_assert(status == 0);
    return WEFT_OK;
}

enum weft_err weft_digests_find(
    const struct weft_digests *d, uint64_t index, struct weft_digest_result *ret_result)
{
    for (uint32_t i = 0; i < WEFT_DIGESTS_KEPT; i++) {
        if (d->results[i].index == index && index != 0) {
            *ret_result = d->results[i];
            return WEFT_OK;
        }
    }
    return WEFT_ENOTFOUND;
}

void weft_digests_close(struct weft_digests *d, void (*on_idle)(void *ctx), void *ctx)
{
    d->cancel = true;
    d->on_idle = on_idle;
    d->ctx = ctx;
    if (d->working == 0) {
        on_idle(ctx);
    }
}
