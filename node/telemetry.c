#include "node/telemetry.h"

#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/node.h"
#include "node/replies.h"
#include "node/telemetry_fetch.h"
#include "node/telemetry_store.h"
#include "proto/check.h"

/* A block in the hands of the pool. */
struct job {
    uv_work_t work;
    struct weft_telemetry *telemetry;
    enum {
        PUT,
        GET,
        KEEP /* A fetched block: nobody waits for it. */
    } what;
    struct weft_digest digest;
    struct weft_buffer content;
    struct weft_waiter waiter;
    bool is_local;
    bool was_there;
    enum weft_err err;
    struct weft_msg msg;
};

/* A client that waits for a block to be fetched. */
struct waiting {
    struct weft_digest digest;
    struct weft_waiter waiter;
};

struct weft_telemetry {
    struct weft_node *node;
    struct weft_telemetry_fetch *fetch;
    uint32_t jobs;
    struct waiting waiting[WEFT_TELEMETRY_WAITERS_MAX];
    uint32_t waiting_count;
    struct weft_telemetry_counts counts;
    bool is_closing;
    bool is_fetch_closed;
    void (*on_closed)(void *ctx);
    void *ctx;
};

static void finish_close(struct weft_telemetry *t)
{
    if (t->is_closing && t->is_fetch_closed && t->jobs == 0) {
        void (*on_closed)(void *) = t->on_closed;
        void *ctx = t->ctx;
        free(t);
        on_closed(ctx);
    }
}

/* --- answers --------------------------------------------------------------------------------- */

static void answer_content(struct weft_telemetry *t, const struct weft_waiter *waiter,
    const struct weft_digest *digest, struct weft_bytes content)
{
    const struct weft_client_message message = {.kind = WEFT_KIND_BLOCK_RESULT,
        .request_id = waiter->request_id,
        .block = {.digest = *digest, .content = content}};
    t->counts.got++;
    weft_reply(t->node, waiter, &message);
}

static void on_put(struct weft_telemetry *t, const struct job *job)
{
    const struct weft_client_message message = {.kind = WEFT_KIND_BLOCK_PUT_RESULT,
        .request_id = job->waiter.request_id,
        .block_put_result = {.digest = job->digest, .was_there = job->was_there}};
    if (job->err != WEFT_OK) {
        if (job->err == WEFT_EIO || job->err == WEFT_ENOSPC) {
            weft_log(WEFT_LOG_ERROR, "telemetry_put_failed",
                weft_kv("error", (const char *)job->msg.text),
                weft_kv("next", "refused; the client counts the other members"));
        }
        weft_reply_refuse(t->node, &job->waiter, job->err, job->msg.text);
        return;
    }
    t->counts.put++;
    weft_reply(t->node, &job->waiter, &message);
}

static void search(struct weft_telemetry *t, const struct job *job)
{
    struct weft_msg msg = {""};
    if (t->waiting_count == WEFT_TELEMETRY_WAITERS_MAX) {
        weft_reply_refuse(t->node, &job->waiter, WEFT_EBUSY,
            "too many wait for blocks of telemetry on this node; try again");
        return;
    }
    enum weft_err rv = weft_telemetry_fetch_want(t->fetch, &job->digest, &msg);
    if (rv != WEFT_OK) {
        weft_reply_refuse(t->node, &job->waiter, rv, msg.text);
        return;
    }
    t->waiting[t->waiting_count++] = (struct waiting){job->digest, job->waiter};
}

static void on_get(struct weft_telemetry *t, const struct job *job)
{
    if (job->err == WEFT_OK) {
        answer_content(t, &job->waiter, &job->digest,
            (struct weft_bytes){job->content.data, job->content.size});
        return;
    }
    if (job->err == WEFT_ECORRUPT || job->err == WEFT_EIO) {
        t->counts.damaged++;
        weft_log(WEFT_LOG_ERROR, "telemetry_damaged", weft_kv("error", (const char *)job->msg.text),
            weft_kv("next", "fetched from another member when it is asked for"));
    }
    if (job->is_local) {
        weft_reply_refuse(
            t->node, &job->waiter, WEFT_ENOTFOUND, "this node does not hold that block");
    } else {
        search(t, job);
    }
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void on_work(uv_work_t *work)
{
    struct job *job = work->data;
    const char *directory = job->telemetry->node->datadir.telemetry;
    const struct weft_bytes content = {job->content.data, job->content.size};
    job->err = job->what == GET
                   ? weft_telemetry_store_get(directory, &job->digest, &job->content, &job->msg)
                   : weft_telemetry_store_put(
                         directory, &job->digest, content, &job->was_there, &job->msg);
}

static void on_worked(uv_work_t *work, int status)
{
    struct job *job = work->data;
    struct weft_telemetry *t = job->telemetry;
    (void)status;
    t->jobs--;
    if (!t->is_closing) {
        switch (job->what) {
        case PUT:
            on_put(t, job);
            break;
        case GET:
            on_get(t, job);
            break;
        case KEEP:
            if (job->err != WEFT_OK) {
                weft_log(WEFT_LOG_WARN, "telemetry_not_kept",
                    weft_kv("error", (const char *)job->msg.text),
                    weft_kv("next", "fetched again when it is asked for"));
            }
            break;
        }
    }
    weft_buffer_destroy(&job->content);
    free(job);
    finish_close(t);
}

/* NULL: too many, or no memory. */
static struct job *job_of(
    struct weft_telemetry *t, const struct weft_digest *digest, struct weft_bytes content)
{
    struct job *job = t->jobs < WEFT_TELEMETRY_JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;
    if (job == NULL) {
        return NULL;
    }
    job->telemetry = t;
    job->digest = *digest;
    job->work.data = job;
    if (content.size > 0 &&
        weft_buffer_append(&job->content, content.data, content.size) != WEFT_OK) {
        free(job);
        return NULL;
    }
    return job;
}

static void start(struct job *job)
{
    job->telemetry->jobs++;
    int status = uv_queue_work(&job->telemetry->node->loop, &job->work, on_work, on_worked);
    weft_assert(status == 0);
}

/* --- the doors ------------------------------------------------------------------------------- */

void weft_telemetry_put(
    struct weft_telemetry *t, const struct weft_block *block, const struct weft_waiter *waiter)
{
    struct job *job = job_of(t, &block->digest, block->content);
    if (job == NULL) {
        weft_reply_refuse(t->node, waiter, WEFT_EBUSY,
            "too many blocks of telemetry are on their way to this node's disk; try again");
        return;
    }
    job->what = PUT;
    job->waiter = *waiter;
    start(job);
}

void weft_telemetry_get(
    struct weft_telemetry *t, const struct weft_block_get *get, const struct weft_waiter *waiter)
{
    struct job *job = job_of(t, &get->digest, (struct weft_bytes){NULL, 0});
    if (job == NULL) {
        weft_reply_refuse(t->node, waiter, WEFT_EBUSY,
            "too many blocks of telemetry are being read on this node; try again");
        return;
    }
    job->what = GET;
    job->waiter = *waiter;
    job->is_local = get->is_local;
    start(job);
}

/* A search has ended: tell all who wait for it. */
static void on_found(
    void *ctx, const struct weft_digest *digest, enum weft_err err, struct weft_bytes content)
{
    struct weft_telemetry *t = ctx;
    uint32_t kept = 0;
    if (err == WEFT_OK) {
        struct job *job = job_of(t, digest, content);
        t->counts.fetched++;
        if (job != NULL) { /* Else it is fetched again next time. */
            job->what = KEEP;
            start(job);
        }
    }
    for (uint32_t i = 0; i < t->waiting_count; i++) {
        const struct waiting w = t->waiting[i];
        if (!weft_digest_equal(&w.digest, digest)) {
            t->waiting[kept++] = w;
        } else if (err == WEFT_OK) {
            answer_content(t, &w.waiter, digest, content);
        } else {
            weft_reply_refuse(t->node, &w.waiter, err,
                err == WEFT_ENOTFOUND ? "no member of the site holds that block"
                                      : "this node lacks the block and not every other member "
                                        "could be asked");
        }
    }
    t->waiting_count = kept;
}

static uint32_t members(void *ctx, char ret_addresses[WEFT_MEMBERS_MAX][WEFT_ADDRESS_SIZE_MAX + 1])
{
    const struct weft_telemetry *t = ctx;
    uint64_t self_id = t->node->datadir.identity.member_id;
    uint32_t count = 0;
    const struct weft_configuration *conf = weft_replica_configuration(t->node->replica);
    for (uint32_t i = 0; i < conf->count && count < WEFT_MEMBERS_MAX; i++) {
        if (conf->members[i].id != self_id && conf->members[i].client_address[0] != '\0') {
            memcpy(
                ret_addresses[count++], conf->members[i].client_address, WEFT_ADDRESS_SIZE_MAX + 1);
        }
    }
    return count;
}

enum weft_err weft_telemetry_open(
    struct weft_node *node, struct weft_telemetry **ret_telemetry, struct weft_msg *msg)
{
    struct weft_telemetry *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "telemetry: no memory");
    }
    t->node = node;
    enum weft_err rv = weft_telemetry_store_open(node->datadir.telemetry, msg);
    if (rv == WEFT_OK) {
        rv = weft_telemetry_fetch_create(
            &node->loop, &node->config, members, on_found, t, &t->fetch);
        rv = rv == WEFT_OK ? rv : weft_fail(msg, rv, "telemetry: no memory");
    }
    if (rv != WEFT_OK) {
        free(t);
        return rv;
    }
    *ret_telemetry = t;
    return WEFT_OK;
}

static void on_fetch_closed(void *ctx)
{
    struct weft_telemetry *t = ctx;
    t->is_fetch_closed = true;
    finish_close(t);
}

void weft_telemetry_close(struct weft_telemetry *t, void (*on_closed)(void *ctx), void *ctx)
{
    t->is_closing = true;
    t->on_closed = on_closed;
    t->ctx = ctx;
    weft_telemetry_fetch_close(t->fetch, on_fetch_closed, t);
}

void weft_telemetry_counts(const struct weft_telemetry *t, struct weft_telemetry_counts *ret_counts)
{
    *ret_counts = t->counts;
}
