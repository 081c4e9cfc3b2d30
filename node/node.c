#include "node/node.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/forwarder.h"
#include "node/governing.h"
#include "node/join.h"
#include "node/label_reads.h"
#include "node/logger.h"
#include "node/notify.h"
#include "node/partnership.h"
#include "node/rebuild.h"
#include "node/replies.h"
#include "node/start.h"
#include "node/turn.h"
#include "node/wall.h"
#include "policy/checkpoint_note.h"
#include "proto/check.h"

enum {
    FIRST_TURN_MS = 50,
    LONG_READ_THREADS = 4,                    /* At most; chosen. */
    LABEL_READS_BYTES_MAX = 64 * 1024 * 1024, /* Chosen: one of the largest answers. */
};

_Noreturn void weft_node_fail(
    struct weft_node *node, const char *event, enum weft_err err, const struct weft_msg *msg)
{
    const char *next = "the node stops; see ops/runbooks";
    bool is_state =
        err == WEFT_ECORRUPT && node->state != NULL && strcmp(event, WEFT_NODE_STATE_FAILED) == 0;
    if (err == WEFT_ENOSPC) {
        next = "the node stops; free space on its disk, then start it again";
    } else if (is_state) {
        next = "the node stops, and makes its state anew at its next start";
    } else if (err == WEFT_ECORRUPT) {
        next = "the node stops; see ops/runbooks/corrupted-log.md";
    }
    weft_log(WEFT_LOG_ERROR, event, weft_kv("class", weft_err_name(err)),
        weft_kv("error", (const char *)msg->text), weft_kv("next", next));
    if (is_state) {
        weft_rebuild_mark(&node->datadir);
    }
    weft_notify_status("failed; see the log");
    weft_log_close();
    /* Not exit(): handlers and destructors must not touch state that is half changed. */
    _exit(1);
}

void weft_node_wake(struct weft_node *node)
{
    (void)uv_async_send(&node->again);
}

const char *weft_node_leader_address(struct weft_node *node)
{
    struct weft_replica_status status;
    if (node->replica == NULL) {
        return "";
    }
    weft_replica_status(node->replica, &status);
    const struct weft_configuration *conf = weft_replica_configuration(node->replica);
    for (uint32_t i = 0; i < conf->count; i++) {
        if (conf->members[i].id == status.leader_id) {
            return conf->members[i].client_address;
        }
    }
    return "";
}

enum weft_err weft_node_propose(
    struct weft_node *node, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    if (node->phase != WEFT_NODE_RUNNING || !node->is_leader) {
        return WEFT_ENOTLEADER;
    }
    if (item->type == WEFT_ITEM_COMMIT && !weft_governing_is_done(node)) { /* NOD-16 */
        return WEFT_EUNAVAILABLE;
    }
    return weft_proposer_add(&node->proposer, item, waiter);
}

enum weft_err weft_node_commit(
    struct weft_node *node, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    enum weft_err rv = weft_node_propose(node, item, waiter);
    if (rv == WEFT_ENOTLEADER && node->phase == WEFT_NODE_RUNNING && node->forwarder != NULL) {
        rv = weft_forwarder_commit(node->forwarder, item, waiter);
    }
    return rv;
}

void weft_node_place_question(struct weft_node *node, struct weft_warrants_question *question)
{
    struct weft_state_position position;
    weft_state_position(node->state, &position);
    question->authority = weft_state_authority(node->state);
    question->index = position.index + 1;
    question->time_ns = weft_wall_ns();
    question->now_ms = uv_now(&node->loop);
}

static void on_turn(uv_check_t *check)
{
    struct weft_node *node = check->data;
    if (node->phase == WEFT_NODE_RUNNING || node->phase == WEFT_NODE_HANDING_OVER) {
        weft_turn(node);
    }
    weft_damage_turn(node, uv_now(&node->loop));
}

/* Both only end the poll, so that the check handle runs. */
static void on_timer(uv_timer_t *timer)
{
    struct weft_node *node = timer->data;
    weft_node_wake(node);
}

static void on_async(uv_async_t *async)
{
    (void)async;
}

/* --- stop ------------------------------------------------------------------------------ */

static void on_handle_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void all_closed(struct weft_node *node)
{
    struct weft_msg msg = {""};
    node->phase = WEFT_NODE_STOPPED;
    if (node->state != NULL) {
        if (weft_state_flush(node->state, &msg) != WEFT_OK) {
            weft_log(WEFT_LOG_WARN, "flush_failed", weft_kv("error", (const char *)msg.text),
                weft_kv("next", "the raft log brings the state forward at the next start"));
        }
        weft_state_close(node->state);
        node->state = NULL;
    }
    if (node->replica != NULL) {
        weft_replica_destroy(node->replica);
        node->replica = NULL;
    }
    if (node->log != NULL) {
        node->log->engine->close(node->log);
        node->log = NULL;
    }
    uv_close((uv_handle_t *)&node->synced, on_handle_closed);
    uv_close((uv_handle_t *)&node->again, on_handle_closed);
    uv_close((uv_handle_t *)&node->turn, on_handle_closed);
    uv_close((uv_handle_t *)&node->timer, on_handle_closed);
    for (size_t i = 0; i < sizeof(node->signals) / sizeof(node->signals[0]); i++) {
        uv_close((uv_handle_t *)&node->signals[i], on_handle_closed);
    }
}

static void one_closed(void *ctx)
{
    struct weft_node *node = ctx;
    weft_assert(node->closing > 0);
    if (--node->closing == 0) {
        all_closed(node);
    }
}

void weft_node_close_parts(struct weft_node *node)
{
    node->phase = WEFT_NODE_STOPPING;
    if (node->native != NULL && node->replica != NULL) {
        weft_turn_lose_proposals(node);
    }
    weft_label_reads_close(node->label_reads);
    node->label_reads = NULL;
    weft_bundles_close(node);
    node->closing = 1; /* Held until everything below has been told. */
    node->closing += 4 + (node->native != NULL) + (node->http != NULL) + (node->forwarder != NULL) +
                     (node->peers != NULL) + (node->join != NULL) +
                     (node->checkpoints.work != NULL) + (node->telemetry != NULL) +
                     (node->audit_sign != NULL) + (node->warrants != NULL) +
                     (node->witnessing != NULL);
    weft_reads_close(&node->reads, one_closed, node);
    weft_digests_close(&node->digests, one_closed, node);
    weft_recaller_close(node, one_closed, node);
    weft_questions_close(node, one_closed, node);
    if (node->checkpoints.work != NULL) {
        weft_checkpoints_close(&node->checkpoints, one_closed, node);
    }
    if (node->telemetry != NULL) {
        weft_telemetry_close(node->telemetry, one_closed, node);
    }
    if (node->audit_sign != NULL) {
        weft_audit_sign_close(node->audit_sign, one_closed, node);
        node->audit_sign = NULL;
    }
    if (node->warrants != NULL) {
        weft_warrants_close(node->warrants, one_closed, node);
        node->warrants = NULL;
    }
    if (node->witnessing != NULL) {
        weft_witnessing_close(node->witnessing, one_closed, node);
        node->witnessing = NULL;
    }
    node->closing += weft_partnership_parts(node);
    weft_partnership_close(node, one_closed, node);
    if (node->join != NULL) {
        weft_join_close(node->join, one_closed, node);
    }
    if (node->native != NULL) {
        weft_native_close(node->native, one_closed, node);
    }
    if (node->forwarder != NULL) {
        weft_forwarder_close(node->forwarder, one_closed, node);
        node->forwarder = NULL;
    }
    if (node->http != NULL) {
        weft_http_close(node->http, one_closed, node);
        node->http = NULL; /* Answers that still come find no door. */
    }
    if (node->peers != NULL) {
        weft_peers_close(node->peers, one_closed, node);
    }
    one_closed(node);
}

static void stop(struct weft_node *node)
{
    struct weft_msg msg = {""};
    if (node->phase >= WEFT_NODE_HANDING_OVER) {
        return;
    }
    weft_notify_stopping("stopping");
    weft_log(WEFT_LOG_INFO, "stopping", weft_kv("leader", (int)node->is_leader));
    if (node->phase == WEFT_NODE_RUNNING && node->is_leader) {
        uint64_t now_ms = uv_now(&node->loop);
        weft_turn_lose_proposals(node); /* Their clients go on with the next leader. */
        if (weft_replica_transfer(node->replica, 0, now_ms, &msg) == WEFT_OK) {
            node->phase = WEFT_NODE_HANDING_OVER;
            node->stop_deadline_ms = now_ms + node->config.timers.shutdown_ms;
            weft_turn_arm(node, now_ms);
            return;
        }
        weft_log(WEFT_LOG_INFO, "no_hand_over", weft_kv("reason", (const char *)msg.text));
    }
    weft_node_close_parts(node);
}

static void reload(struct weft_node *node)
{
    struct weft_msg msg = {""};
    struct weft_config config;
    weft_notify_reloading();
    enum weft_err rv = weft_config_load(node->options.config_path, &config, &msg);
    if (rv == WEFT_OK) {
        rv = weft_config_check_reload(&node->config, &config, &msg);
    }
    if (rv == WEFT_OK) {
        node->config.log.level = config.log.level;
        node->config.limits.requests = config.limits.requests;
        weft_log_set_level(config.log.level);
        rv = weft_log_reopen(&msg);
    }
    if (rv == WEFT_OK && node->native != NULL) {
        rv = weft_link_reload(weft_native_link(node->native), &msg);
    }
    if (rv == WEFT_OK && node->http != NULL) {
        (void)snprintf(
            node->config.http.tokens, sizeof(node->config.http.tokens), "%s", config.http.tokens);
        rv = weft_http_reload(node->http, &msg);
    }
    if (rv == WEFT_OK && node->forwarder != NULL) {
        rv = weft_forwarder_reload(node->forwarder, &msg);
    }
    if (rv == WEFT_OK && node->peers != NULL) {
        rv = weft_link_reload(weft_peers_link(node->peers), &msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_partnership_reload(node, &msg);
    }
    if (rv != WEFT_OK) {
        weft_log(WEFT_LOG_ERROR, "reload_failed", weft_kv("error", (const char *)msg.text),
            weft_kv("next", "the former settings stay in force"));
    } else {
        weft_log(WEFT_LOG_INFO, "reloaded", weft_kv("config", node->options.config_path));
    }
    weft_notify_ready("reloaded");
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct weft_node *node = handle->data;
    if (signum == SIGHUP) {
        reload(node);
    } else {
        stop(node);
    }
}

/* --- life ------------------------------------------------------------------------------ */

static void open_loop(struct weft_node *node)
{
    static const int signums[] = {SIGTERM, SIGINT, SIGHUP};
    int status = uv_loop_init(&node->loop);
    status |= uv_async_init(&node->loop, &node->synced, on_async);
    status |= uv_async_init(&node->loop, &node->again, on_async);
    status |= uv_check_init(&node->loop, &node->turn);
    status |= uv_timer_init(&node->loop, &node->timer);
    weft_assert(status == 0);
    node->turn.data = node;
    node->timer.data = node;
    (void)uv_check_start(&node->turn, on_turn);
    (void)uv_timer_start(&node->timer, on_timer, FIRST_TURN_MS, 0);
    for (size_t i = 0; i < sizeof(signums) / sizeof(signums[0]); i++) {
        status = uv_signal_init(&node->loop, &node->signals[i]);
        weft_assert(status == 0);
        node->signals[i].data = node;
        (void)uv_signal_start(&node->signals[i], on_signal, signums[i]);
    }
}

static void reads_answer(void *ctx, const struct weft_waiter *waiter, struct weft_bytes message)
{
    weft_reply_bytes(ctx, waiter, message);
}

static void reads_give(void *ctx, const struct weft_waiter *waiter, struct weft_buffer *message)
{
    weft_reply_give(ctx, waiter, message);
}

static void reads_give_json(
    void *ctx, const struct weft_waiter *waiter, uint64_t index, struct weft_buffer *json)
{
    weft_reply_give_json(ctx, waiter, index, json);
}

static void reads_hold(void *ctx, const struct weft_waiter *waiter,
    const struct weft_read_note *note, struct weft_buffer *answer, bool is_json, uint64_t index)
{
    struct weft_node *node = ctx;
    if (node->label_reads == NULL) {
        weft_reply_refuse(node, waiter, WEFT_ECLOSED, "the node is shutting down");
        return;
    }
    weft_label_reads_hold(node->label_reads, waiter, note, answer, is_json, index);
}

/* Here or at the leader, as a commit. */
static enum weft_err label_reads_propose(
    void *ctx, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    struct weft_node *node = ctx;
    weft_node_wake(node);
    return weft_node_commit(node, item, waiter);
}

static void label_reads_refuse(
    void *ctx, const struct weft_waiter *waiter, enum weft_err err, const char *detail)
{
    weft_reply_refuse(ctx, waiter, err, detail);
}

static bool reads_is_awaited(void *ctx, const struct weft_waiter *waiter)
{
    return weft_reply_is_awaited(ctx, waiter);
}

/* A core is left to the loop and to those who ask, on a machine of two cores as well. */
static uint32_t half_of_cores(uint32_t max)
{
    uint32_t half = uv_available_parallelism() / 2;
    return half < 1 ? 1 : half > max ? max : half;
}

static enum weft_err open_reads(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    const struct weft_read_door door = {.ctx = node,
        .answer = reads_answer,
        .give = reads_give,
        .is_awaited = reads_is_awaited,
        .give_json = reads_give_json,
        .hold = reads_hold};
    const struct weft_label_reads_options label_options = {.ctx = node,
        .propose = label_reads_propose,
        .refuse = label_reads_refuse,
        .door = door,
        .bytes_max = LABEL_READS_BYTES_MAX};
    const struct weft_long_reads_options options = {.loop = &node->loop,
        .door = door,
        .threads = config->limits.long_reads != 0 ? config->limits.long_reads
                                                  : half_of_cores(LONG_READ_THREADS),
        .waiting_max = config->limits.long_reads_waiting,
        .share_percent = config->limits.long_reads_percent,
        .answer_ms = config->timers.request_ms};
    struct weft_long_reads *long_reads;
    enum weft_err rv = weft_long_reads_open(&options, &long_reads, msg);
    if (rv == WEFT_OK) {
        weft_bundles_init(&node->bundles);
        weft_questions_init(&node->questions);
        weft_reads_init(&node->reads, &node->loop, &door, long_reads);
        rv = weft_label_reads_open(&label_options, &node->label_reads);
        rv = rv == WEFT_OK ? rv : weft_fail(msg, rv, "reads of what is labelled: no memory");
    }
    return rv;
}

/* Found by reading all of it. Others serve; what goes on with a damaged state answers no digest any
 * more, and would fail at the next compaction. */
static void on_corrupt(void *ctx, const struct weft_msg *msg)
{
    weft_node_fail(ctx, WEFT_NODE_STATE_FAILED, WEFT_ECORRUPT, msg);
}

static void tell_audit(void *ctx, const struct weft_audit_line *line)
{
    struct weft_node *node = ctx;
    const struct weft_peer_message message = {.kind = WEFT_KIND_AUDIT_LINE, .audit_line = *line};
    if (node->peers != NULL) {
        weft_peers_tell(node->peers, &message);
    }
}

static void wake_audit(void *ctx)
{
    weft_node_wake(ctx);
}

/* Its key lies beside the certificate. */
static enum weft_err open_audit(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    char directory[PATH_MAX], key[PATH_MAX], origin[WEFT_ORIGIN_SIZE_MAX + 1];
    (void)snprintf(directory, sizeof(directory), "%s/audit", config->node.data);
    weft_config_beside(config, "log.key", key, sizeof(key));
    (void)snprintf(origin, sizeof(origin), "%s/%s/audit", config->node.org, config->node.site);
    const struct weft_audit_sign_options options = {.loop = &node->loop,
        .directory = directory,
        .key_file = key,
        .origin = origin,
        .self_id = node->datadir.identity.member_id,
        .ctx = node,
        .tell = tell_audit,
        .wake = wake_audit};
    return weft_audit_sign_open(&options, &node->audit_sign, msg);
}

static void on_verdict(void *ctx, const struct weft_warrants_verdict *verdict)
{
    struct weft_node *node = ctx;
    if (verdict->waiter.door == WEFT_DOOR_CLIENT && node->native != NULL) {
        weft_native_verdict(node->native, verdict);
    } else if (verdict->waiter.door == WEFT_DOOR_HTTP && node->http != NULL) {
        weft_http_verdict(node->http, verdict);
    }
}

static void on_calm(void *ctx, const struct weft_waiter *waiter)
{
    struct weft_node *node = ctx;
    if (node->native != NULL) {
        weft_native_calm(node->native, waiter);
    }
}

static enum weft_err open_warrants(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_warrants_options options = {.loop = &node->loop,
        .org = node->config.node.org,
        .site = node->config.node.site,
        .threads = half_of_cores(WEFT_WARRANTS_THREADS_MAX),
        .ctx = node,
        .on_verdict = on_verdict,
        .on_calm = on_calm};
    return weft_warrants_open(&options, &node->warrants, msg);
}

static void answer_witness(void *ctx, const struct weft_waiter *waiter, unsigned status,
    const char *type, struct weft_text text)
{
    struct weft_node *node = ctx;
    if (node->http != NULL) {
        weft_http_answer_text(node->http, waiter, status, type, text);
    }
}

/* Its files lie beside the certificate. */
static enum weft_err open_witness(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    char directory[PATH_MAX], key[PATH_MAX], logs[PATH_MAX], log_key[PATH_MAX];
    char name[WEFT_SIGNER_NAME_SIZE_MAX + 1];
    (void)snprintf(directory, sizeof(directory), "%s/audit/witness", config->node.data);
    weft_config_beside(config, "witness.key", key, sizeof(key));
    weft_config_beside(config, "witness.logs", logs, sizeof(logs));
    weft_config_beside(config, "log.key", log_key, sizeof(log_key));
    (void)snprintf(
        name, sizeof(name), "%s/%s/wit/%s", config->node.org, config->node.site, config->node.name);
    const struct weft_witnessing_options options = {.loop = &node->loop,
        .directory = directory,
        .key_file = key,
        .logs_file = logs,
        .log_key_file = log_key,
        .name = name,
        .ctx = node,
        .answer = answer_witness};
    return weft_witnessing_open(&options, &node->witnessing, msg);
}

static enum weft_err open_node(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    node->incarnation = weft_start_random_id();
    node->arena.size_max = 64 * 1024 * 1024;
    weft_proposer_init(
        &node->proposer, config->limits.waiting_bytes, config->limits.inflight_entries);
    weft_digests_init(&node->digests, &node->loop);
    node->digests.on_corrupt = on_corrupt;
    node->digests.on_corrupt_ctx = node;
    weft_membership_init(&node->membership, node);
    enum weft_err rv = weft_datadir_open(config->node.data, config->node.org, config->node.site,
        config->node.name, node->options.start != WEFT_START_NORMAL || config->peers.count > 0,
        &node->datadir, msg);
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "data directory");
    }
    rv = open_reads(node, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    rv = weft_telemetry_open(node, &node->telemetry, msg);
    if (rv == WEFT_OK) {
        rv = open_audit(node, msg);
    }
    if (rv == WEFT_OK) {
        rv = open_warrants(node, msg);
    }
    if (rv == WEFT_OK) {
        rv = open_witness(node, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_partnership_open(node, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_start_group(node, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_native_open(node, &node->native, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_forwarder_open(node, &node->forwarder, msg);
    }
    if (rv == WEFT_OK && config->node.listen_http[0] != '\0') {
        rv = weft_http_open(node, &node->http, msg);
    }
    return rv;
}

int weft_node_run(const struct weft_node_options *options)
{
    struct weft_node *node = calloc(1, sizeof(*node));
    struct weft_msg msg = {""};
    if (node == NULL) {
        (void)fprintf(stderr, "weftd: no memory\n");
        return 1;
    }
    node->options = *options;
    (void)signal(SIGPIPE, SIG_IGN);
    enum weft_err rv = weft_config_load(options->config_path, &node->config, &msg);
    if (rv == WEFT_OK) {
        rv = weft_config_check_files(&node->config, &msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_log_to(
            node->config.log.level, node->config.log.file, node->config.node.name, &msg);
    }
    if (rv != WEFT_OK) {
        (void)fprintf(stderr, "weftd: %s\n", msg.text);
        free(node);
        return 2;
    }
    open_loop(node);
    weft_log(WEFT_LOG_INFO, "starting", weft_kv("version", WEFT_VERSION),
        weft_kv("config", options->config_path));
    rv = open_node(node, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, "start_failed", rv, &msg);
    }
    (void)uv_run(&node->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&node->loop);
    weft_proposer_close(&node->proposer);
    weft_arena_destroy(&node->arena);
    weft_datadir_close(&node->datadir);
    weft_log(WEFT_LOG_INFO, "stopped", weft_kv("commits", node->commits));
    weft_log_close();
    int exit_code = node->exit_code;
    free(node);
    return exit_code;
}
