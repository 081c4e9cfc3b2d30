#include "node/recaller.h"

#include <stdlib.h>

#include "node/logger.h"
#include "node/node.h"
#include "node/state/recalls.h"
#include "node/state/yield.h"
#include "policy/principal.h"
#include "proto/check.h"
#include "proto/codec.h"

enum {
    COMMITS_MAX = 64,   /* of one look: the next one goes on */
    YIELD_EVERY = 4096, /* steps between two looks whether it is to end; about 1 ms */
    REPEATS_LOGGED = 3, /* looks that propose the same, before it is called refused */
    REPEATS_SHIFT = 8,  /* 250 ms << 8: the longest wait */
};

/* One look. */
struct weft_recaller_job {
    uv_work_t work;
    struct weft_node *node;
    struct weft_view *view;
    struct weft_yield yield;
    uint64_t term;
    uint64_t began_ns;
    char principal[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_buffer commits[COMMITS_MAX];
    uint32_t count;
    uint32_t recalls;
    struct weft_sha256 all;
    enum weft_err err;
    struct weft_msg msg;
};

static void free_job(struct weft_recaller_job *job)
{
    for (uint32_t i = 0; i < job->count; i++) {
        weft_buffer_destroy(&job->commits[i]);
    }
    free(job);
}

/* --- on a thread ----------------------------------------------------------------------------- */

static enum weft_err ask(void *ctx, struct weft_msg *msg)
{
    const struct weft_recaller_job *job = ctx;
    return job->node->recaller.cancel ? weft_fail(msg, WEFT_ECLOSED, "recalls: it is to end")
                                      : WEFT_OK;
}

/* What it says, and what this site had acknowledged before: counts may come back to what they once
 * were. NOD-272: so the same commit is one, and the next one another. */
static struct weft_request_id request_id_of(
    struct weft_bytes body, const struct weft_recalls_account *account)
{
    static const char label[] = "weft-recall-told/v1\n";
    struct weft_request_id id;
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label) - 1);
    weft_sha256_update(&hash, account->recall.bytes, WEFT_DIGEST_SIZE);
    for (uint32_t i = 0; i < account->upstream_count; i++) {
        uint8_t revision[8];
        const struct weft_recalls_act *newest = account->upstreams[i].newest;
        weft_put_be64(revision, newest != NULL ? newest->revision.index : 0);
        weft_sha256_update(&hash, revision, sizeof(revision));
    }
    weft_sha256_update(&hash, body.data, body.size);
    struct weft_digest digest = weft_sha256_final(&hash);
    memcpy(id.bytes, digest.bytes, sizeof(id.bytes));
    return id;
}

static enum weft_err on_due(void *ctx, const struct weft_digest *recall,
    const struct weft_recalls_account *account, const struct weft_record *records, uint32_t count)
{
    struct weft_recaller_job *job = ctx;
    struct weft_commit commit = {.records = records, .record_count = count};
    (void)recall;
    if (job->count == COMMITS_MAX) {
        return WEFT_OK;
    }
    struct weft_buffer *body = &job->commits[job->count++];
    *body = (struct weft_buffer){.size_max = WEFT_COMMIT_SIZE_MAX};
    enum weft_err err = weft_commit_encode(&commit, body);
    if (err == WEFT_OK) {
        commit.request_id = request_id_of((struct weft_bytes){body->data, body->size}, account);
        weft_sha256_update(&job->all, commit.request_id.bytes, sizeof(commit.request_id.bytes));
        weft_buffer_clear(body);
        err = weft_commit_encode(&commit, body);
    }
    return err == WEFT_OK ? err : weft_fail(&job->msg, err, "what is due of a recall");
}

static void on_work(uv_work_t *work)
{
    struct weft_recaller_job *job = work->data;
    job->err = weft_view_recalls(
        job->view, weft_text_of(job->principal), on_due, job, &job->recalls, &job->msg);
}

/* --- on the loop ----------------------------------------------------------------------------- */

static void propose(struct weft_node *node, const struct weft_recaller_job *job)
{
    const struct weft_waiter nobody = {.client = UINT32_MAX, .door = WEFT_DOOR_CLIENT};
    for (uint32_t i = 0; i < job->count; i++) {
        const struct weft_entry_item item = {.type = WEFT_ITEM_COMMIT,
            .principal = weft_text_of(job->principal),
            .body = {job->commits[i].data, job->commits[i].size}};
        if (weft_proposer_add(&node->proposer, &item, &nobody) != WEFT_OK) {
            return; /* It is due at the next look, too. */
        }
        node->recaller.commits++;
    }
}

/* The same as last time: it did not get in, and trying at once will not help. */
static void note_repeats(struct weft_recaller *r, struct weft_recaller_job *job)
{
    struct weft_digest digest = weft_sha256_final(&job->all);
    bool is_same = job->count > 0 && memcmp(r->proposed, digest.bytes, sizeof(r->proposed)) == 0;
    memcpy(r->proposed, digest.bytes, sizeof(r->proposed));
    r->repeats = is_same ? r->repeats + 1 : 0;
    if (r->repeats == REPEATS_LOGGED) {
        weft_log(WEFT_LOG_WARN, "recall_not_told", weft_kv("commits", job->count),
            weft_kv("next", "let nodes of the site create and write impact and acknowledgement on "
                            "partner:... by its policy"));
    }
}

static uint64_t rest_ms(const struct weft_recaller *r, uint64_t took_ns)
{
    uint64_t rest = took_ns / 1000000 * WEFT_RECALLER_REST;
    uint32_t shift = r->repeats < REPEATS_SHIFT ? r->repeats : REPEATS_SHIFT;
    uint64_t again = (uint64_t)WEFT_RECALLER_EVERY_MS << shift;
    again = again < WEFT_RECALLER_WAIT_MS ? again : WEFT_RECALLER_WAIT_MS;
    return rest > again ? rest : again;
}

static void on_worked(uv_work_t *work, int status)
{
    struct weft_recaller_job *job = work->data;
    struct weft_node *node = job->node;
    struct weft_recaller *r = &node->recaller;
    (void)status;
    weft_view_close(job->view);
    r->job = NULL;
    if (job->err == WEFT_OK && node->is_leader && node->term == job->term && !r->is_closed) {
        r->recalls = job->recalls;
        propose(node, job);
        note_repeats(r, job);
    } else if (job->err != WEFT_OK && job->err != WEFT_ECLOSED) {
        weft_log(WEFT_LOG_ERROR, "recalls_failed", weft_kv("error", (const char *)job->msg.text),
            weft_kv("next", "it is tried again"));
    }
    r->next_ms = uv_now(&node->loop) + rest_ms(r, uv_hrtime() - job->began_ns);
    free_job(job);
    if (r->is_closed) {
        r->on_closed(r->ctx);
    } else {
        weft_node_wake(node);
    }
}

static enum weft_err begin(struct weft_node *node, struct weft_msg *msg)
{
    struct weft_principal self;
    struct weft_recaller_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "look at recalls");
    }
    enum weft_err err = weft_principal_make(WEFT_PRINCIPAL_NODE, node->config.node.org,
        node->config.node.site, node->config.node.name, &self, msg);
    err = err == WEFT_OK ? weft_view_open(node->state, &job->view, msg) : err;
    if (err != WEFT_OK) {
        free(job);
        return err;
    }
    weft_principal_format_uri(&self, job->principal);
    job->node = node;
    job->term = node->term;
    job->work.data = job;
    job->began_ns = uv_hrtime();
    job->yield =
        (struct weft_yield){.ctx = job, .ask = ask, .every = YIELD_EVERY, .left = YIELD_EVERY};
    weft_sha256_init(&job->all);
    weft_view_yield_with(job->view, &job->yield);
    node->recaller.job = job;
    node->recaller.cancel = false;
    int status = uv_queue_work(&node->loop, &job->work, on_work, on_worked);
    weft_assert(status == 0);
    return WEFT_OK;
}

/* Is there anything to look at: partners, and what was applied since, in this term? Of a state that
 * has not applied anything of this term what was proposed before may still come. */
static bool is_due(const struct weft_node *node, const struct weft_state_position *position)
{
    const struct weft_recaller *r = &node->recaller;
    return node->is_leader && node->phase == WEFT_NODE_RUNNING && r->job == NULL && !r->is_closed &&
           position->term == node->term &&
           (r->index != position->index || r->term != node->term || r->repeats > 0) &&
           weft_streams_count(weft_state_streams(node->state)) > 0;
}

void weft_recaller_turn(struct weft_node *node, uint64_t now_ms)
{
    struct weft_recaller *r = &node->recaller;
    struct weft_state_position position;
    struct weft_msg msg = {""};
    if (node->state == NULL) {
        return;
    }
    weft_state_position(node->state, &position);
    if (!is_due(node, &position) || now_ms < r->next_ms) {
        return;
    }
    r->index = position.index;
    r->term = node->term;
    enum weft_err err = begin(node, &msg);
    if (err != WEFT_OK) {
        r->next_ms = now_ms + WEFT_RECALLER_EVERY_MS;
        weft_log(WEFT_LOG_ERROR, "recalls_failed", weft_kv("error", (const char *)msg.text),
            weft_kv("next", "it is tried again"));
    }
}

uint64_t weft_recaller_deadline(const struct weft_node *node)
{
    struct weft_state_position position;
    if (node->state == NULL) {
        return UINT64_MAX;
    }
    weft_state_position(node->state, &position);
    return is_due(node, &position) ? node->recaller.next_ms : UINT64_MAX;
}

bool weft_recaller_is_idle(struct weft_node *node)
{
    node->recaller.cancel = true;
    return node->recaller.job == NULL;
}

void weft_recaller_close(struct weft_node *node, void (*on_closed)(void *ctx), void *ctx)
{
    struct weft_recaller *r = &node->recaller;
    r->cancel = true;
    r->is_closed = true;
    r->on_closed = on_closed;
    r->ctx = ctx;
    if (r->job == NULL) {
        on_closed(ctx);
    }
}
