#include "node/checkpoints.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/checkpoint/download.h"
#include "node/checkpoint/install.h"
#include "node/checkpoint/keeper.h"
#include "node/checkpoint/state_source.h"
#include "node/logger.h"
#include "node/node.h"
#include "node/replies.h"
#include "node/rebuild.h"
#include "proto/check.h"

enum {
    ASKERS_MAX = 16,
    RETRY_MS = 30000,     /* After a checkpoint that failed, e.g. on a full disk. */
    INSTALL_WAIT_MS = 10, /* For reads that still hold the old state. */
};

/* The leader's offer, copied: Raft gets this very message once everything of it is here. */
struct offer {
    uint64_t from;
    struct weft_install_snapshot snapshot;
    struct weft_buffer configuration;
    struct weft_buffer manifest;
    char address[WEFT_ADDRESS_SIZE_MAX + 1]; /* Peer door of `from`. */
};

enum install_phase {
    NOTHING,
    PREPARING,
    PREPARED
};

struct weft_checkpoint_work {
    struct weft_checkpoints *owner;
    struct weft_keeper *keeper;
    struct weft_state_source source;
    struct weft_download *download;
    struct offer offer;
    enum install_phase install;
    uv_work_t job; /* Prepare, then clean: one at a time. */
    bool job_runs;
    volatile bool cancel;
    enum weft_err job_err;
    struct weft_msg job_msg;
    struct weft_keeper_checkpoint staged;
    struct weft_waiter askers[ASKERS_MAX];
    uint32_t asker_count;
    uint64_t retry_ms;
    uint64_t now_ms;
    uint64_t purged_index;   /* What was redacted up to there is in no file of the state. */
    uint64_t purging_index;  /* The same, once the checkpoint that is being taken is there. */
    uint64_t scrub_index;    /* Of the last redaction that the log was told of. */
    uint64_t scrubbed_index; /* Of the last one that its files are known to be without. */
    bool scrub_again;        /* They may be now. */
    uint8_t *piece;          /* WEFT_CHUNK_SIZE_MAX bytes, for answers. */
    bool is_closing;
    void (*on_closed)(void *ctx);
    void *ctx;
};

/* --- what was redacted ----------------------------------------------------------------- */

/* A file that is there while a checkpoint may hold what was redacted while it was taken. The
 * keeper's sync of the directory, with which a checkpoint becomes durable, makes it so before. */
static void mark_path(const struct weft_checkpoint_work *w, char ret_path[PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/unpurged", w->owner->node->datadir.checkpoints);
}

/* Everything that was redacted so far goes with the next one that is taken, and with those before
 * it: NOD-156. */
static void begin_purge(struct weft_checkpoint_work *w)
{
    char path[PATH_MAX];
    uint64_t redacted = weft_state_redacted(w->owner->node->state);
    mark_path(w, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd); /* Without it a full disk is the next thing that is heard of. */
    }
    w->purging_index = redacted;
    w->source.is_purging = redacted > w->purged_index;
    if (w->source.is_purging) {
        weft_keeper_forget_below(w->keeper, w->owner->newest_index + 1);
    }
}

static void end_purge(struct weft_checkpoint_work *w)
{
    char path[PATH_MAX];
    mark_path(w, path);
    w->purged_index = w->purging_index;
    if (w->purged_index == weft_state_redacted(w->owner->node->state)) {
        (void)unlink(path);
    }
}

/* Files of the log are given up when it is trimmed: what was redacted goes with them. */
static void scrub(struct weft_checkpoint_work *w)
{
    struct weft_log *log = w->owner->node->log;
    uint64_t redacted = weft_state_redacted(w->owner->node->state);
    if (redacted > w->scrubbed_index && (redacted > w->scrub_index || w->scrub_again)) {
        w->scrub_index = redacted;
        if (log->engine->scrub(log, redacted)) {
            w->scrubbed_index = redacted;
            weft_log(WEFT_LOG_INFO, "log_scrubbed", weft_kv("index", redacted));
        }
    }
    w->scrub_again = false;
}

static void on_keeper_change(void *ctx)
{
    weft_node_wake(ctx);
}

enum weft_err weft_checkpoints_open(
    struct weft_checkpoints *c, struct weft_node *node, struct weft_msg *msg)
{
    struct weft_checkpoint_work *w = calloc(1, sizeof(*w));
    uint8_t *piece = malloc(WEFT_CHUNK_SIZE_MAX);
    *c = (struct weft_checkpoints){.node = node};
    if (w == NULL || piece == NULL) {
        free(w);
        free(piece);
        return weft_fail(msg, WEFT_ENOMEM, "checkpoints: no memory");
    }
    w->owner = c;
    w->piece = piece;
    const struct weft_keeper_options options = {.directory = node->datadir.checkpoints,
        .cluster = node->datadir.identity.cluster,
        .kept = node->config.limits.checkpoints,
        .on_change = on_keeper_change,
        .on_change_ctx = node};
    struct weft_keeper_start start;
    enum weft_err rv = weft_keeper_open(&options, &w->keeper, &start, msg);
    if (rv != WEFT_OK) {
        free(piece);
        free(w);
        return weft_wrap(msg, rv, "checkpoints");
    }
    if (start.damaged > 0) {
        weft_log(WEFT_LOG_WARN, "checkpoint_damaged", weft_kv("count", start.damaged),
            weft_kv("error", (const char *)start.first.text),
            weft_kv("next", "set aside as *.damaged; a new one is taken in time"));
    }
    c->work = w;
    struct weft_keeper_checkpoint newest;
    if (weft_keeper_newest(w->keeper, &newest) == WEFT_OK) {
        c->newest_index = newest.manifest->index;
        c->newest_time_ns = newest.manifest->time_ns;
    }
    char mark[PATH_MAX];
    mark_path(w, mark);
    w->purged_index = access(mark, F_OK) == 0 ? 0 : c->newest_index;
    return WEFT_OK;
}

static void refuse_askers(struct weft_checkpoint_work *w, enum weft_err err, const char *detail)
{
    for (uint32_t i = 0; i < w->asker_count; i++) {
        weft_reply_refuse(w->owner->node, &w->askers[i], err, detail);
    }
    w->asker_count = 0;
}

static void offer_clear(struct offer *offer)
{
    weft_buffer_destroy(&offer->configuration);
    weft_buffer_destroy(&offer->manifest);
    *offer = (struct offer){0};
}

static void download_close(struct weft_checkpoint_work *w)
{
    if (w->download != NULL) {
        weft_download_close(w->download);
        w->download = NULL;
        weft_peers_bulk_close(w->owner->node->peers);
    }
}

static void finish_close(struct weft_checkpoint_work *w)
{
    void (*on_closed)(void *) = w->on_closed;
    void *ctx = w->ctx;
    weft_keeper_close(w->keeper);
    offer_clear(&w->offer);
    w->owner->work = NULL;
    free(w->piece);
    free(w);
    on_closed(ctx);
}

void weft_checkpoints_close(struct weft_checkpoints *c, void (*on_closed)(void *ctx), void *ctx)
{
    struct weft_checkpoint_work *w = c->work;
    w->is_closing = true;
    w->cancel = true;
    w->on_closed = on_closed;
    w->ctx = ctx;
    download_close(w);
    refuse_askers(w, WEFT_ECLOSED, "the node is shutting down");
    if (!w->job_runs) {
        finish_close(w);
    }
}

/* --- taking ---------------------------------------------------------------------------- */

static enum weft_err take(struct weft_checkpoint_work *w)
{
    struct weft_node *node = w->owner->node;
    w->source = (struct weft_state_source){
        .state = node->state, .options = weft_rebuild_state_options(node), .cancel = &w->cancel};
    begin_purge(w);
    w->source.options.lineage_bytes = 0; /* A copy is opened to be looked at, not to be asked. */
    struct weft_keeper_source source = weft_state_source(&w->source);
    return weft_keeper_take(w->keeper, &source);
}

static bool is_due(struct weft_checkpoint_work *w)
{
    const struct weft_node *node = w->owner->node;
    struct weft_state_position position;
    struct weft_log_stats stats;
    if (w->now_ms < w->retry_ms || w->install != NOTHING || weft_keeper_is_busy(w->keeper)) {
        return false;
    }
    weft_state_position(node->state, &position);
    if (position.index <= w->owner->newest_index) {
        return false;
    }
    if (w->owner->newest_index < node->log->engine->base_index(node->log)) {
        return true; /* One was damaged: a lost state could not be rebuilt from what is left. */
    }
    if (weft_state_redacted(node->state) > w->purged_index) {
        return true; /* What it destroyed is in the files until then. */
    }
    node->log->engine->stats(node->log, &stats);
    return stats.used_bytes > node->config.limits.log_bytes ||
           position.index - w->owner->newest_index >= node->config.limits.checkpoint_entries;
}

static void answer_asker(struct weft_checkpoint_work *w, const struct weft_waiter *waiter)
{
    struct weft_node *node = w->owner->node;
    struct weft_keeper_checkpoint newest;
    if (weft_keeper_newest(w->keeper, &newest) != WEFT_OK) {
        weft_reply_refuse(node, waiter, WEFT_ENOTFOUND, "there is no checkpoint yet");
        return;
    }
    weft_keeper_pin(w->keeper, newest.manifest->name, w->now_ms + WEFT_KEEPER_PIN_MS);
    const struct weft_client_message message = {.kind = WEFT_KIND_CHECKPOINT_RESULT,
        .request_id = waiter->request_id,
        .checkpoint_result = {.manifest = newest.encoded}};
    weft_reply(node, waiter, &message);
}

static void on_taken(struct weft_checkpoint_work *w, const struct weft_keeper_result *result)
{
    struct weft_node *node = w->owner->node;
    struct weft_msg msg = {""};
    if (result->err == WEFT_ECORRUPT) {
        weft_node_fail(node, WEFT_NODE_STATE_FAILED, result->err, &result->msg);
    }
    if (result->err != WEFT_OK) {
        if (result->err != WEFT_ECLOSED) {
            weft_log(WEFT_LOG_ERROR, "checkpoint_failed",
                weft_kv("error", (const char *)result->msg.text),
                weft_kv("next", "tried again in 30 s; the log grows meanwhile"));
        }
        w->retry_ms = w->now_ms + RETRY_MS;
        refuse_askers(w, result->err, result->msg.text);
        return;
    }
    struct weft_state_position position;
    weft_state_position(w->owner->node->state, &position);
    w->owner->newest_index = result->index;
    w->owner->newest_time_ns = position.time_ns; /* Within what was applied while it was taken. */
    w->owner->taken += result->is_new;
    weft_log(WEFT_LOG_INFO, "checkpoint", weft_kv("index", result->index),
        weft_kv("bytes", result->file_bytes), weft_kv("hashed_bytes", result->hashed_bytes),
        weft_kv("ms", result->duration_ms));
    enum weft_err rv =
        weft_replica_checkpointed(node->replica, result->index, result->term, w->now_ms, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, "raft_failed", rv, &msg);
    }
    end_purge(w);
    w->scrub_again = true;
    for (uint32_t i = 0; i < w->asker_count; i++) {
        answer_asker(w, &w->askers[i]);
    }
    w->asker_count = 0;
}

/* --- fetching -------------------------------------------------------------------------- */

static void io_connect(void *ctx, uint32_t source)
{
    struct weft_checkpoint_work *w = ctx;
    struct weft_msg msg = {""};
    (void)source; /* There is one: the node that made the offer. */
    if (weft_peers_bulk_open(w->owner->node->peers, w->offer.address, &msg) != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "bulk_failed", weft_kv("error", (const char *)msg.text));
    }
}

static void io_disconnect(void *ctx)
{
    struct weft_checkpoint_work *w = ctx;
    weft_peers_bulk_close(w->owner->node->peers);
}

static enum weft_err io_request(void *ctx, const struct weft_fetch *fetch)
{
    struct weft_checkpoint_work *w = ctx;
    return weft_peers_bulk_fetch(w->owner->node->peers, fetch);
}

static void io_wake(void *ctx)
{
    struct weft_checkpoint_work *w = ctx;
    weft_node_wake(w->owner->node);
}

/* The offering node's peer door: as it says itself, since the offer's configuration may be from
 * before it came (NOD-206). A leader that is on its way out of the group has no address in it any
 * more and says nothing. */
static bool find_address(const struct weft_install_snapshot *offer, uint64_t from,
    char ret_address[WEFT_ADDRESS_SIZE_MAX + 1])
{
    if (offer->address.size > 0) {
        return weft_config_is_address(offer->address, ret_address);
    }
    struct weft_configuration *conf = malloc(sizeof(*conf));
    struct weft_msg msg;
    bool is_found = false;
    if (conf == NULL) {
        return false;
    }
    if (weft_configuration_decode(offer->configuration, conf, &msg) == WEFT_OK) {
        for (uint32_t i = 0; i < conf->count && !is_found; i++) {
            is_found = conf->members[i].id == from;
            if (is_found) {
                (void)snprintf(
                    ret_address, WEFT_ADDRESS_SIZE_MAX + 1, "%s", conf->members[i].peer_address);
            }
        }
    }
    free(conf);
    return is_found;
}

static bool offer_copy(struct offer *copy, uint64_t from, const struct weft_install_snapshot *offer)
{
    offer_clear(copy);
    copy->from = from;
    copy->snapshot = *offer;
    if (!find_address(offer, from, copy->address) ||
        weft_buffer_append(&copy->configuration, offer->configuration.data,
            offer->configuration.size) != WEFT_OK ||
        weft_buffer_append(&copy->manifest, offer->manifest.data, offer->manifest.size) !=
            WEFT_OK) {
        offer_clear(copy);
        return false;
    }
    copy->snapshot.configuration =
        (struct weft_bytes){copy->configuration.data, copy->configuration.size};
    copy->snapshot.manifest = (struct weft_bytes){copy->manifest.data, copy->manifest.size};
    copy->snapshot.address = (struct weft_text){0}; /* Kept in `address`. */
    return true;
}

void weft_checkpoints_offer(
    struct weft_checkpoints *c, uint64_t from, const struct weft_install_snapshot *offer)
{
    struct weft_checkpoint_work *w = c->work;
    struct weft_node *node = c->node;
    struct weft_msg msg = {""};
    if (w == NULL || w->is_closing || w->install != NOTHING) {
        return;
    }
    bool is_same = offer->last_index == w->offer.snapshot.last_index &&
                   offer->last_term == w->offer.snapshot.last_term && from == w->offer.from;
    if (w->download != NULL && is_same) {
        w->offer.snapshot.term = offer->term;
        return;
    }
    download_close(w);
    if (!offer_copy(&w->offer, from, offer)) {
        weft_log(WEFT_LOG_WARN, "offer_unusable", weft_kv("from", from),
            weft_kv("next", "waiting for the next offer"));
        return;
    }
    const struct weft_download_options options = {.directory = node->datadir.checkpoints,
        .keeper = w->keeper,
        .manifest = w->offer.snapshot.manifest,
        .cluster = node->datadir.identity.cluster,
        .source_count = 1,
        .io = {.ctx = w,
            .connect = io_connect,
            .disconnect = io_disconnect,
            .request = io_request,
            .wake = io_wake}};
    enum weft_err rv = weft_download_open(&options, uv_now(&node->loop), &w->download, &msg);
    if (rv != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "offer_unusable", weft_kv("error", (const char *)msg.text));
        w->download = NULL;
        return;
    }
    weft_log(WEFT_LOG_INFO, "checkpoint_fetch", weft_kv("index", offer->last_index),
        weft_kv("from", (const char *)w->offer.address));
}

void weft_checkpoints_on_chunk(struct weft_checkpoints *c, const struct weft_chunk *chunk)
{
    if (c->work != NULL && c->work->download != NULL) {
        weft_download_chunk(c->work->download, chunk, uv_now(&c->node->loop));
    }
}

void weft_checkpoints_on_bulk(struct weft_checkpoints *c, bool is_up)
{
    if (c->work != NULL && c->work->download != NULL) {
        weft_download_link(c->work->download, is_up, uv_now(&c->node->loop));
        weft_node_wake(c->node);
    }
}

/* --- installing ------------------------------------------------------------------------ */

static void on_prepare(uv_work_t *job)
{
    struct weft_checkpoint_work *w = job->data;
    /* The download has verified every file a moment ago. */
    w->job_err = weft_install_prepare(w->staged.directory, w->staged.manifest,
        w->owner->node->datadir.state, false, &w->cancel, &w->job_msg);
}

static void on_prepared(uv_work_t *job, int status)
{
    struct weft_checkpoint_work *w = job->data;
    (void)status;
    w->job_runs = false;
    if (w->is_closing) {
        finish_close(w);
        return;
    }
    w->install = w->job_err == WEFT_OK ? PREPARED : NOTHING;
    if (w->job_err != WEFT_OK) {
        weft_log(WEFT_LOG_ERROR, "install_failed", weft_kv("error", (const char *)w->job_msg.text),
            weft_kv("next", "waiting for the next offer"));
    }
    weft_node_wake(w->owner->node);
}

static void on_clean(uv_work_t *job)
{
    struct weft_checkpoint_work *w = job->data;
    w->job_err = weft_install_clean(w->owner->node->datadir.state, &w->job_msg);
}

static void on_cleaned(uv_work_t *job, int status)
{
    struct weft_checkpoint_work *w = job->data;
    (void)status;
    w->job_runs = false;
    if (w->is_closing) {
        finish_close(w);
    } else if (w->job_err != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "clean_failed", weft_kv("error", (const char *)w->job_msg.text),
            weft_kv("next", "removed at the next start"));
    }
}

static void start_job(
    struct weft_checkpoint_work *w, void (*work)(uv_work_t *), void (*after)(uv_work_t *, int))
{
    weft_assert(!w->job_runs);
    w->job_runs = true;
    w->job.data = w;
    int status = uv_queue_work(&w->owner->node->loop, &w->job, work, after);
    weft_assert(status == 0);
}

enum weft_err weft_checkpoints_install(
    struct weft_checkpoints *c, const struct weft_install_snapshot *offer, struct weft_msg *msg)
{
    struct weft_node *node = c->node;
    weft_assert(c->work->install == PREPARED);
    weft_assert(weft_reads_is_idle(&node->reads));
    weft_keeper_cancel(c->work->keeper); /* It may be reading the state that goes away. */
    weft_state_close(node->state);
    node->state = NULL;
    enum weft_err rv = weft_install_commit(node->datadir.state, msg);
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "install checkpoint %llu", (unsigned long long)offer->last_index);
    }
    const struct weft_state_options options = weft_rebuild_state_options(node);
    rv = weft_state_open(&options, &node->state, msg);
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "installed checkpoint");
    }
    weft_rebuild_watch_lineage(node);
    weft_reads_attach(&node->reads, node->state, node->replica);
    struct weft_state_position position;
    weft_state_position(node->state, &position);
    node->proposer.last_time_ns = position.time_ns;
    c->installed++;
    c->newest_index = offer->last_index;
    c->newest_time_ns = position.time_ns;
    c->work->purged_index = 0; /* Whose it was may have been taken while something was redacted. */
    weft_log(WEFT_LOG_INFO, "checkpoint_installed", weft_kv("index", position.index),
        weft_kv("records", position.records));
    return WEFT_OK;
}

static void install(struct weft_checkpoint_work *w)
{
    struct weft_node *node = w->owner->node;
    struct weft_msg msg = {""};
    bool is_installed = false;
    if (node->digests.working > 0 || !weft_recaller_is_idle(node) ||
        !weft_questions_is_idle(node) ||
        (node->partners != NULL && !weft_partners_is_idle(node->partners))) {
        return; /* They end by themselves; the next turn looks again. */
    }
    weft_reads_hold(&node->reads, true);
    if (!weft_reads_is_idle(&node->reads)) {
        return;
    }
    enum weft_err rv = weft_replica_install(
        node->replica, &w->offer.snapshot, w->offer.from, w->now_ms, &is_installed, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, "raft_failed", rv, &msg);
    }
    w->install = NOTHING;
    offer_clear(&w->offer);
    if (is_installed) {
        start_job(w, on_clean, on_cleaned);
        return;
    }
    weft_reads_hold(&node->reads, false);
    weft_log(WEFT_LOG_INFO, "install_declined", weft_kv("reason", "out of date"));
    if (weft_install_discard(node->datadir.state, &msg) != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "clean_failed", weft_kv("error", (const char *)msg.text));
    }
}

static void look_at_download(struct weft_checkpoint_work *w)
{
    struct weft_download_status status;
    weft_download_turn(w->download, w->now_ms);
    weft_download_status(w->download, &status);
    if (status.phase == WEFT_DOWNLOAD_RUNNING) {
        return;
    }
    if (status.phase == WEFT_DOWNLOAD_FAILED) {
        weft_log(WEFT_LOG_WARN, "checkpoint_fetch_failed",
            weft_kv("error", (const char *)status.msg.text),
            weft_kv("next", "the next offer goes on from what is here"));
        download_close(w);
        offer_clear(&w->offer);
        return;
    }
    if (w->job_runs) {
        return;
    }
    weft_log(WEFT_LOG_INFO, "checkpoint_fetched", weft_kv("fetched_bytes", status.fetched_bytes),
        weft_kv("reused_bytes", status.reused_bytes));
    w->owner->fetched++;
    struct weft_text name = weft_download_name(w->download);
    enum weft_err rv = weft_keeper_find(w->keeper, name, &w->staged);
    if (rv == WEFT_OK) {
        weft_keeper_pin(w->keeper, name, w->now_ms + WEFT_KEEPER_PIN_MS);
        w->install = PREPARING;
        start_job(w, on_prepare, on_prepared);
    }
    download_close(w);
}

/* --- a turn, and the doors ------------------------------------------------------------- */

void weft_checkpoints_turn(struct weft_checkpoints *c, uint64_t now_ms)
{
    struct weft_checkpoint_work *w = c->work;
    struct weft_keeper_result result;
    w->now_ms = now_ms;
    /* Draining frees checkpoints that are gone: not while one is being prepared from. */
    if (w->install == NOTHING && weft_keeper_drain(w->keeper, &result)) {
        on_taken(w, &result);
    }
    if (w->download != NULL) {
        look_at_download(w);
    }
    if (w->install == PREPARED) {
        install(w);
    }
    if (w->owner->node->state != NULL) {
        scrub(w);
    }
    if (is_due(w) && take(w) != WEFT_OK) {
        w->retry_ms = now_ms + RETRY_MS;
    }
}

uint64_t weft_checkpoints_deadline(const struct weft_checkpoints *c)
{
    const struct weft_checkpoint_work *w = c->work;
    uint64_t deadline_ms = w->install == PREPARED ? w->now_ms + INSTALL_WAIT_MS : UINT64_MAX;
    if (w->download != NULL && weft_download_deadline(w->download) != 0 &&
        weft_download_deadline(w->download) < deadline_ms) {
        deadline_ms = weft_download_deadline(w->download);
    }
    return deadline_ms;
}

enum weft_err weft_checkpoints_manifest(struct weft_checkpoints *c, struct weft_bytes *ret_manifest)
{
    struct weft_checkpoint_work *w = c->work;
    struct weft_keeper_checkpoint newest;
    enum weft_err rv = weft_keeper_newest(w->keeper, &newest);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_keeper_pin(w->keeper, newest.manifest->name, w->now_ms + WEFT_KEEPER_PIN_MS);
    *ret_manifest = newest.encoded;
    return WEFT_OK;
}

void weft_checkpoints_on_fetch(
    struct weft_checkpoints *c, struct weft_link_conn *conn, const struct weft_fetch *fetch)
{
    struct weft_chunk chunk;
    if (c->work == NULL) {
        return;
    }
    weft_keeper_read(c->work->keeper, fetch, uv_now(&c->node->loop), c->work->piece, &chunk);
    if (weft_peers_answer(c->node->peers, conn, &chunk) != WEFT_OK) {
        /* Its queue is full: the fetcher asks again after its silence deadline. */
        weft_log(WEFT_LOG_DEBUG, "chunk_unsent", weft_kv("offset", fetch->offset));
    }
}

void weft_checkpoints_request(struct weft_checkpoints *c,
    const struct weft_checkpoint_request *request, const struct weft_waiter *waiter)
{
    struct weft_checkpoint_work *w = c->work;
    if (request->newest && c->newest_index > 0) {
        answer_asker(w, waiter);
        return;
    }
    if (w->asker_count == ASKERS_MAX) {
        weft_reply_refuse(c->node, waiter, WEFT_EBUSY, "too many ask for checkpoints");
        return;
    }
    enum weft_err rv = take(w);
    if (rv != WEFT_OK && rv != WEFT_EBUSY) {
        weft_reply_refuse(c->node, waiter, rv, "a checkpoint cannot be taken");
        return;
    }
    w->askers[w->asker_count++] = *waiter;
}

void weft_checkpoints_file(
    struct weft_checkpoints *c, const struct weft_fetch *fetch, const struct weft_waiter *waiter)
{
    struct weft_client_message message = {
        .kind = WEFT_KIND_FILE_RESULT, .request_id = waiter->request_id};
    weft_keeper_read(
        c->work->keeper, fetch, uv_now(&c->node->loop), c->work->piece, &message.file_result);
    weft_reply(c->node, waiter, &message);
}

struct weft_keeper *weft_checkpoints_keeper(struct weft_checkpoints *c)
{
    return c->work->keeper;
}
