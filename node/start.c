#include "node/start.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "node/governing.h"
#include "node/join.h"
#include "node/logger.h"
#include "node/node.h"
#include "node/rebuild.h"

enum {
    FREE_BYTES_MIN = 8 * 1024 * 1024
}; /* Chosen: manifests, a memtable's first file, logs. */

static void io_send(void *ctx, uint64_t to, const struct weft_peer_message *message)
{
    struct weft_node *node = ctx;
    if (node->peers != NULL) {
        weft_peers_send(node->peers, to, message);
    }
}

static void io_on_offer(void *ctx, uint64_t from, const struct weft_install_snapshot *offer)
{
    struct weft_node *node = ctx;
    weft_checkpoints_offer(&node->checkpoints, from, offer);
}

static enum weft_err io_on_install(
    void *ctx, const struct weft_install_snapshot *offer, struct weft_msg *msg)
{
    struct weft_node *node = ctx;
    return weft_checkpoints_install(&node->checkpoints, offer, msg);
}

static enum weft_err io_get_manifest(void *ctx, struct weft_bytes *ret_manifest)
{
    struct weft_node *node = ctx;
    return weft_checkpoints_manifest(&node->checkpoints, ret_manifest);
}

/* Told lazily: the next turn looks at the replica's status. */
static void io_on_change(void *ctx)
{
    weft_node_wake(ctx);
}

static void io_on_read(void *ctx, uint64_t read_id, enum weft_err err, uint64_t index)
{
    struct weft_node *node = ctx;
    weft_reads_on_read(&node->reads, read_id, err, index);
    weft_node_wake(node);
}

static void io_on_alarm(void *ctx, const char *event, const char *detail)
{
    struct weft_node *node = ctx;
    node->alarms++;
    weft_log(WEFT_LOG_ERROR, event, weft_kv("detail", detail),
        weft_kv("next", "contained; report this line"));
}

/* On the disk thread. */
static void on_sync(void *ctx)
{
    struct weft_node *node = ctx;
    (void)uv_async_send(&node->synced);
}

static enum weft_err peers_on_message(
    void *ctx, uint64_t from, const struct weft_peer_message *message)
{
    struct weft_node *node = ctx;
    struct weft_msg msg = {""};
    if (node->phase != WEFT_NODE_RUNNING && node->phase != WEFT_NODE_HANDING_OVER) {
        return WEFT_OK;
    }
    if (message->kind == WEFT_KIND_AUDIT_LINE) {
        if (message->audit_line.origin.size > 0 && node->partners != NULL) {
            weft_partners_receive_line(node->partners, from, &message->audit_line);
        } else if (message->audit_line.origin.size == 0 && node->audit_sign != NULL) {
            weft_audit_sign_receive(node->audit_sign, from, &message->audit_line);
        }
        return WEFT_OK;
    }
    enum weft_err rv =
        weft_replica_receive(node->replica, from, message, uv_now(&node->loop), &msg);
    if (rv == WEFT_EPEER || rv == WEFT_EMALFORMED) {
        weft_log(WEFT_LOG_WARN, "peer_message_dropped", weft_kv("from", from),
            weft_kv("kind", (int)message->kind), weft_kv("error", (const char *)msg.text));
        return WEFT_OK; /* Counted by the replica; stale messages are no reason to hang up. */
    }
    if (rv != WEFT_OK) {
        weft_node_fail(node, "raft_failed", rv, &msg);
    }
    return WEFT_OK;
}

static void peers_on_fetch(void *ctx, struct weft_link_conn *conn, const struct weft_fetch *fetch)
{
    struct weft_node *node = ctx;
    weft_checkpoints_on_fetch(&node->checkpoints, conn, fetch);
}

static void peers_on_chunk(void *ctx, const struct weft_chunk *chunk)
{
    struct weft_node *node = ctx;
    weft_checkpoints_on_chunk(&node->checkpoints, chunk);
    weft_node_wake(node);
}

static void peers_on_bulk_up(void *ctx)
{
    struct weft_node *node = ctx;
    weft_checkpoints_on_bulk(&node->checkpoints, true);
}

static void peers_on_bulk_down(void *ctx)
{
    struct weft_node *node = ctx;
    weft_checkpoints_on_bulk(&node->checkpoints, false);
}

/* What this node has applied, for the leader to compare (NOD-7). */
static void io_get_chain(void *ctx, uint64_t *ret_index, struct weft_digest *ret_chain)
{
    struct weft_node *node = ctx;
    struct weft_state_position position;
    weft_state_position(node->state, &position);
    *ret_index = position.index;
    *ret_chain = position.chain;
}

static void io_on_peer_applied(
    void *ctx, uint64_t member, uint64_t index, const struct weft_digest *chain)
{
    struct weft_node *node = ctx;
    struct weft_digest own;
    if (weft_chains_find(&node->chains, index, &own) && !weft_digest_equal(&own, chain)) {
        node->alarms++;
        weft_log(WEFT_LOG_ERROR, "state_diverged", weft_kv("member", member),
            weft_kv("index", index),
            weft_kv("next", "compare with weft status --digest; wipe the odd one and --join it"));
    }
}

static enum weft_err open_peers(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    const struct weft_peers_options options = {
        .link = {.loop = &node->loop,
            .type = config->link.peer,
            .listen = config->node.listen_peer,
            .ca_file = config->tls.ca,
            .cert_file = config->tls.cert,
            .key_file = config->tls.key,
            .message_size_max = WEFT_MESSAGE_SIZE_MAX,
            .queue_size_max = config->limits.peer_queue_bytes,
            .connections_max = 8 * WEFT_MEMBERS_MAX,
            .handshake_ms = config->timers.handshake_ms,
            .heartbeat_ms = config->timers.link_heartbeat_ms},
        .org = config->node.org,
        .site = config->node.site,
        .self_id = node->datadir.identity.member_id,
        .cluster = node->datadir.identity.cluster,
        .incarnation = node->incarnation,
        .callbacks = {.ctx = node,
            .on_message = peers_on_message,
            .on_fetch = peers_on_fetch,
            .on_chunk = peers_on_chunk,
            .on_bulk_up = peers_on_bulk_up,
            .on_bulk_down = peers_on_bulk_down}};
    return weft_peers_open(&options, &node->peers, msg);
}

static enum weft_err open_log(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_log_options options = {.directory = node->datadir.raft,
        .cluster = node->datadir.identity.cluster,
        .segment_size_bytes = WEFT_START_SEGMENT_BYTES,
        .cache_size_max = 32 * 1024 * 1024,
        .reserve_bytes = 1024 * 1024,
        .drop_damaged_tail = node->options.drop_damaged_log,
        .on_sync = on_sync,
        .on_sync_ctx = node};
    enum weft_err rv = weft_log_disk_open(&options, &node->log, &node->log_start, msg);
    if (rv == WEFT_OK && node->log_start.dropped_bytes > 0) {
        weft_log(WEFT_LOG_WARN, "log_tail_dropped", weft_kv("bytes", node->log_start.dropped_bytes),
            weft_kv("last_index", node->log_start.last_index),
            weft_kv("next", "it was never acknowledged; nothing is lost"));
    }
    return rv == WEFT_OK ? rv : weft_wrap(msg, rv, "raft log");
}

static enum weft_err open_replica(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    struct weft_state_position position;
    struct weft_replica_options options = {.id = node->datadir.identity.member_id,
        .cluster = node->datadir.identity.cluster,
        .incarnation = node->incarnation,
        .election_ms = config->timers.election_ms,
        .heartbeat_ms = config->timers.heartbeat_ms,
        .inflight_max = config->limits.inflight_entries,
        .seed = (uint32_t)node->incarnation,
        .trailing = config->limits.trailing_entries,
        .trailing_bytes = config->limits.log_bytes / 2,
        .log = node->log,
        .log_start = node->log_start};
    weft_state_position(node->state, &position);
    options.state_index = position.index;
    options.state_term = position.term;
    if (position.configuration.size > 0) {
        enum weft_err rv =
            weft_configuration_decode(position.configuration, &options.configuration, msg);
        if (rv != WEFT_OK) {
            return weft_wrap(msg, rv, "configuration in the state");
        }
        options.configuration.index = position.conf_index;
    }
    node->proposer.last_time_ns = position.time_ns;
    const struct weft_replica_io io = {.ctx = node,
        .send = io_send,
        .on_offer = io_on_offer,
        .on_install = io_on_install,
        .get_manifest = io_get_manifest,
        .on_change = io_on_change,
        .on_read = io_on_read,
        .on_alarm = io_on_alarm,
        .get_chain = io_get_chain,
        .on_peer_applied = io_on_peer_applied};
    uv_update_time(&node->loop);
    return weft_replica_create(&options, &io, uv_now(&node->loop), &node->replica, msg);
}

static enum weft_err bootstrap(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    struct weft_replica_member self = {
        .id = node->datadir.identity.member_id, .role = WEFT_ROLE_VOTER, .wants_vote = true};
    (void)snprintf(self.name, sizeof(self.name), "%s", config->node.name);
    (void)snprintf(self.peer_address, sizeof(self.peer_address), "%s", config->node.advertise_peer);
    (void)snprintf(
        self.client_address, sizeof(self.client_address), "%s", config->node.advertise_client);
    enum weft_err rv = weft_replica_bootstrap(node->log, &self, msg);
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "bootstrap");
    }
    /* The replica starts from what is durable: read it back. */
    node->log->engine->close(node->log);
    node->log = NULL;
    rv = open_log(node, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_log(WEFT_LOG_INFO, "bootstrapped", weft_kv("site", (const char *)config->node.site),
        weft_kv("cluster", node->datadir.identity.cluster));
    return WEFT_OK;
}

/* Refused before anything is begun, with a remedy. */
static enum weft_err check_space(const struct weft_node *node, struct weft_msg *msg)
{
    uint64_t free_bytes, used_bytes;
    enum weft_err rv = weft_datadir_space(node->config.node.data, &free_bytes, &used_bytes);
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "free space of %s", node->config.node.data);
    }
    if (free_bytes < FREE_BYTES_MIN) {
        return weft_fail(msg, WEFT_ENOSPC, "%s has %llu bytes free, a start needs %d",
            node->config.node.data, (unsigned long long)free_bytes, FREE_BYTES_MIN);
    }
    return WEFT_OK;
}

/* The directory knows its group: open everything that serves it. */
static enum weft_err open_group(struct weft_node *node, bool is_first, struct weft_msg *msg)
{
    enum weft_err rv = check_space(node, msg);
    if (rv == WEFT_OK) {
        rv = open_log(node, msg);
    }
    if (rv == WEFT_OK && is_first && node->log_start.last_index == 0) {
        rv = bootstrap(node, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_checkpoints_open(&node->checkpoints, node, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_rebuild_open_state(node, msg);
    }
    if (rv == WEFT_OK) {
        rv = open_replica(node, msg);
    }
    if (rv == WEFT_OK) {
        rv = open_peers(node, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_reads_attach(&node->reads, node->state, node->replica);
    node->phase = WEFT_NODE_RUNNING;
    weft_log(WEFT_LOG_INFO, "running", weft_kv("member", node->datadir.identity.member_id),
        weft_kv("term", node->log_start.term), weft_kv("last", node->log_start.last_index));
    weft_governing_warn(node);
    weft_node_wake(node);
    return WEFT_OK;
}

static void join_closed(void *ctx)
{
    struct weft_node *node = ctx;
    struct weft_msg msg = {""};
    node->join = NULL;
    if (node->phase != WEFT_NODE_JOINING) {
        return;
    }
    enum weft_err rv = open_group(node, false, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, "start_failed", rv, &msg);
    }
}

static void on_joined(void *ctx, const struct weft_member_result *result)
{
    struct weft_node *node = ctx;
    struct weft_msg msg = {""};
    enum weft_err rv = weft_datadir_set_cluster(&node->datadir, result->cluster, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, "join_failed", rv, &msg);
    }
    weft_log(WEFT_LOG_INFO, "joined", weft_kv("cluster", result->cluster),
        weft_kv("members", result->member_count));
    weft_join_close(node->join, join_closed, node);
}

static enum weft_err start_join(struct weft_node *node, struct weft_msg *msg)
{
    const char *endpoints[WEFT_MEMBERS_MAX + 1];
    uint32_t count = 0;
    if (node->options.join_endpoint != NULL) {
        endpoints[count++] = node->options.join_endpoint;
    }
    for (uint32_t i = 0; i < node->config.peers.count && count <= WEFT_MEMBERS_MAX - 1; i++) {
        endpoints[count++] = node->config.peers.endpoints[i];
    }
    if (count == 0) {
        return weft_fail(msg, WEFT_EINVAL,
            "this data directory belongs to no group yet: start the first node of a site with "
            "--bootstrap, a further one with --join HOST:PORT (client door of any node)");
    }
    node->phase = WEFT_NODE_JOINING;
    weft_log(WEFT_LOG_INFO, "joining", weft_kv("endpoint", endpoints[0]),
        weft_kv("member", node->datadir.identity.member_id));
    return weft_join_start(&node->loop, &node->config, endpoints, count,
        node->datadir.identity.member_id, node, on_joined, &node->join, msg);
}

uint64_t weft_start_random_id(void)
{
    uint64_t id = 0;
    while (id == 0) {
        if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
            id = 0;
        }
        id >>= 1;
    }
    return id;
}

enum weft_err weft_start_group(struct weft_node *node, struct weft_msg *msg)
{
    bool is_first = node->options.start == WEFT_START_BOOTSTRAP;
    if (node->datadir.identity.cluster != 0) {
        /* --bootstrap and --join are answers to a question that is settled: repeating the
         * command line of the first start does no harm. */
        return open_group(node, is_first, msg);
    }
    if (!is_first) {
        return start_join(node, msg);
    }
    enum weft_err rv = weft_governing_check_start(node, msg);
    if (rv == WEFT_OK) {
        rv = weft_datadir_set_cluster(&node->datadir, weft_start_random_id(), msg);
    }
    return rv == WEFT_OK ? open_group(node, true, msg) : rv;
}
