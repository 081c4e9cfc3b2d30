#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/checkpoint/install.h"
#include "node/replies.h"
#include "tests/sim/check.h"
#include "tests/sim/plant.h"

/* A life of a node begins: as node/start.c and node/rebuild.c. */

/* --- what the replica asks for: as node/start.c ---------------------------------------------- */

static void on_send(void *ctx, uint64_t to, const struct weft_peer_message *message)
{
    struct plant_node *pn = ctx;
    sim_send(pn->sim->sim, pn->sim->id, to, message);
}

static void on_offer(void *ctx, uint64_t from, const struct weft_install_snapshot *offer)
{
    struct sim_node *n = ((struct plant_node *)ctx)->sim;
    struct sim *s = n->sim;
    if (n->has_fetch && n->offer.last_index >= offer->last_index) {
        return;
    }
    weft_buffer_clear(&n->offer_bytes);
    struct weft_bytes configuration = offer->configuration, manifest = offer->manifest;
    if (weft_buffer_append(&n->offer_bytes, configuration.data, configuration.size) != WEFT_OK ||
        weft_buffer_pad(&n->offer_bytes, 8) != WEFT_OK) {
        abort();
    }
    size_t at = n->offer_bytes.size;
    if (weft_buffer_append(&n->offer_bytes, manifest.data, manifest.size) != WEFT_OK) {
        abort();
    }
    n->offer = *offer;
    n->offer.address = (struct weft_text){0}; /* Not fetched over any link. */
    n->offer.configuration = (struct weft_bytes){n->offer_bytes.data, configuration.size};
    n->offer.manifest = (struct weft_bytes){n->offer_bytes.data + at, manifest.size};
    n->offer_from = from;
    if (!n->has_fetch) {
        plant_plan(n, SIM_EVENT_FETCHED, 5 + sim_random(s, sim_chance(s, 200) ? 2000 : 200));
    }
    n->has_fetch = true;
}

static enum weft_err get_manifest(void *ctx, struct weft_bytes *ret_manifest)
{
    const struct plant_node *pn = ctx;
    if (pn->newest == NULL) {
        return WEFT_ENOTFOUND;
    }
    *ret_manifest = sim_kept_encoded(pn->newest);
    return WEFT_OK;
}

static void on_change(void *ctx)
{
    plant_wake(ctx, 0);
}

static void on_read(void *ctx, uint64_t read_id, enum weft_err err, uint64_t index)
{
    struct plant_node *pn = ctx;
    pn->sim->sim->counts[err == WEFT_OK ? SIM_READ : SIM_READ_FAILED]++;
    weft_reads_on_read(&pn->node.reads, read_id, err, index);
    plant_wake(pn, 0);
}

static void on_alarm(void *ctx, const char *event, const char *detail)
{
    struct plant_node *pn = ctx;
    pn->sim->sim->counts[SIM_ALARM]++;
    sim_fail(pn->sim->sim, "node %" PRIu64 ": alarm %s: %s", pn->sim->id, event, detail);
}

static void get_chain(void *ctx, uint64_t *ret_index, struct weft_digest *ret_chain)
{
    struct plant_node *pn = ctx;
    struct weft_state_position position;
    weft_state_position(pn->node.state, &position);
    *ret_index = position.index;
    *ret_chain = position.chain;
}

static void on_peer_applied(
    void *ctx, uint64_t member, uint64_t index, const struct weft_digest *chain)
{
    struct plant_node *pn = ctx;
    struct weft_digest own;
    if (weft_chains_find(&pn->node.chains, index, &own) && !weft_digest_equal(&own, chain)) {
        sim_fail(pn->sim->sim, "node %" PRIu64 " has another state at %" PRIu64 " than %" PRIu64,
            member, index, pn->sim->id);
    }
}

static struct weft_state_options state_options(const struct plant_node *pn)
{
    return (struct weft_state_options){.directory = pn->node.datadir.state,
        .site = pn->node.config.node.site,
        .org = pn->node.config.node.org,
        .cluster = SIM_CLUSTER,
        .cache_bytes = 1 << 20,
        .memtable_bytes = 1 << 20,
        /* Half of the nodes have an index of lineage; their answers are the same (NOD-111). */
        .lineage_bytes = pn->sim->id % 2 == 0 ? 4 << 20 : 0};
}

/* The state stands where the judge knows that it may. */
static void note_state(struct plant_node *pn)
{
    struct sim_node *n = pn->sim;
    struct weft_state_position position;
    weft_state_position(pn->node.state, &position);
    if (position.index > sim_check_applied_max(n->sim)) {
        sim_fail(n->sim, "node %" PRIu64 " starts from %" PRIu64 ", which nobody has applied",
            n->id, position.index);
        return;
    }
    n->states[0] = sim_check_state_at(n->sim, position.index);
    n->next_expected = position.index + 1;
    if (position.index > 0) {
        plant_judge_chain(pn, position.index, &position.chain);
    }
}

static enum weft_err on_install(
    void *ctx, const struct weft_install_snapshot *offer, struct weft_msg *msg)
{
    struct plant_node *pn = ctx;
    struct sim_node *n = pn->sim;
    const struct weft_state_options options = state_options(pn);
    struct sim_state agreed = {0};
    if (offer->last_index <= sim_check_applied_max(n->sim)) {
        agreed = sim_check_state_at(n->sim, offer->last_index);
    }
    sim_check_install(n, offer->last_index, offer->last_term, agreed.chain);
    weft_state_close(pn->node.state);
    pn->node.state = NULL;
    enum weft_err rv = weft_install_commit(pn->node.datadir.state, msg);
    if (rv == WEFT_OK) {
        rv = weft_state_open(&options, &pn->node.state, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_reads_attach(&pn->node.reads, pn->node.state, pn->node.replica);
    struct weft_state_position position;
    weft_state_position(pn->node.state, &position);
    pn->node.proposer.last_time_ns = position.time_ns;
    pn->node.checkpoints.newest_index = offer->last_index;
    note_state(pn);
    n->sim->counts[SIM_INSTALL]++;
    sim_note(n->sim, "node %" PRIu64 " installs %" PRIu64, n->id, position.index);
    if (sim_chance(n->sim, 150)) {
        plant_count(n->sim->plant, PLANT_CUT_INSTALLS);
        return weft_fail(msg, WEFT_EIO, "killed after the swap");
    }
    return WEFT_OK;
}

/* --- start ----------------------------------------------------------------------------------- */

static void configure(struct plant_node *pn)
{
    struct weft_config *c = &pn->node.config;
    c->policy.is_ungoverned = true; /* What is judged here is agreement. */
    (void)snprintf(c->node.name, sizeof(c->node.name), "n%" PRIu64, pn->sim->id);
    (void)snprintf(c->node.site, sizeof(c->node.site), "plant1");
    (void)snprintf(c->node.org, sizeof(c->node.org), "acme.example");
    c->limits.connections = 4 * PLANT_CLIENTS;
    c->limits.requests = 64;
    c->limits.client_queue_bytes = 1 << 20;
    c->limits.waiting_bytes = 1 << 20;
    c->limits.inflight_entries = 4;
}

static void deliver(void *ctx, const struct weft_waiter *waiter, struct weft_bytes message)
{
    weft_reply_bytes(ctx, waiter, message);
}

static void give(void *ctx, const struct weft_waiter *waiter, struct weft_buffer *message)
{
    weft_reply_give(ctx, waiter, message);
}

static bool is_awaited(void *ctx, const struct weft_waiter *waiter)
{
    return weft_reply_is_awaited(ctx, waiter);
}

static enum weft_err open_reads(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_read_door door = {
        .ctx = node, .answer = deliver, .give = give, .is_awaited = is_awaited};
    const struct weft_long_reads_options options = {
        .loop = &node->loop, .door = door, .threads = 2, .waiting_max = 8};
    struct weft_long_reads *long_reads;
    enum weft_err rv = weft_long_reads_open(&options, &long_reads, msg);
    if (rv == WEFT_OK) {
        weft_reads_init(&node->reads, &node->loop, &door, long_reads);
    }
    return rv;
}

/* As weft_rebuild_open_state: what is there, or the newest checkpoint, or nothing. */
static enum weft_err open_state(struct plant_node *pn, struct weft_msg *msg)
{
    const struct weft_state_options options = state_options(pn);
    enum weft_install_outcome outcome;
    struct weft_state_position position;
    enum weft_err rv = weft_install_recover(options.directory, &outcome, msg);
    if (rv == WEFT_OK) {
        rv = weft_state_open(&options, &pn->node.state, msg);
    }
    if (rv == WEFT_OK) {
        weft_state_position(pn->node.state, &position);
        if (position.index >= pn->sim->log_start.base_index) {
            return WEFT_OK;
        }
        weft_state_close(pn->node.state);
        pn->node.state = NULL;
        rv = weft_fail(msg, WEFT_ECORRUPT,
            "the state ends at %" PRIu64 ", the log begins at %" PRIu64, position.index,
            pn->sim->log_start.base_index + 1);
    }
    if (rv != WEFT_ECORRUPT) {
        return rv;
    }
    plant_note_error(pn->sim, "rebuilds", msg);
    plant_count(pn->sim->sim->plant, PLANT_REBUILT);
    rv = plant_checkpoint_rebuild(pn, msg);
    return rv == WEFT_OK ? weft_state_open(&options, &pn->node.state, msg) : rv;
}

static enum weft_err open_replica(struct plant_node *pn, struct weft_msg *msg)
{
    struct sim_node *n = pn->sim;
    struct sim *s = n->sim;
    struct weft_state_position position;
    weft_state_position(pn->node.state, &position);
    struct weft_replica_options options = {.id = n->id,
        .cluster = SIM_CLUSTER,
        .incarnation = pn->node.incarnation,
        .election_ms = SIM_ELECTION_MS,
        .heartbeat_ms = SIM_HEARTBEAT_MS,
        .inflight_max = 4,
        .seed = (uint32_t)pn->node.incarnation,
        .trailing = s->options.seed % 3 == 0 ? 0 : 10,
        .log = &n->spied,
        .log_start = n->log_start,
        .state_index = position.index,
        .state_term = position.term};
    if (position.configuration.size > 0) {
        enum weft_err rv =
            weft_configuration_decode(position.configuration, &options.configuration, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        options.configuration.index = position.conf_index;
    }
    pn->node.proposer.last_time_ns = position.time_ns;
    const struct weft_replica_io io = {.ctx = pn,
        .send = on_send,
        .on_offer = on_offer,
        .on_install = on_install,
        .get_manifest = get_manifest,
        .on_change = on_change,
        .on_read = on_read,
        .on_alarm = on_alarm,
        .get_chain = get_chain,
        .on_peer_applied = on_peer_applied};
    s->counts[SIM_STATE_AHEAD] += position.index > n->log_start.last_index;
    sim_note(s,
        "node %" PRIu64 " starts at %" PRIu64 ", log %" PRIu64 " to %" PRIu64 ", term %" PRIu64,
        n->id, position.index, n->log_start.base_index, n->log_start.last_index, n->log_start.term);
    return weft_replica_create(&options, &io, s->now_ms, &pn->node.replica, msg);
}

void sim_node_start(struct sim_node *n)
{
    struct plant_node *pn = n->plant;
    struct weft_node *node = &pn->node;
    struct weft_msg msg = {""};
    n->life++;
    n->is_used = true;
    n->tick_ms = 0;
    n->is_sync_scheduled = false;
    n->has_fetch = false;
    pn->is_dead = false;
    const struct weft_datadir datadir = node->datadir;
    *node = (struct weft_node){.phase = WEFT_NODE_STARTING, .datadir = datadir};
    node->datadir.identity =
        (struct weft_datadir_identity){.member_id = n->id, .cluster = SIM_CLUSTER};
    node->incarnation = sim_random(n->sim, UINT64_C(1) << 60) + 1;
    node->arena.size_max = 64 * 1024 * 1024;
    node->log = &n->spied;
    configure(pn);
    weft_proposer_init(
        &node->proposer, node->config.limits.waiting_bytes, node->config.limits.inflight_entries);
    if (open_reads(node, &msg) != WEFT_OK) {
        abort();
    }
    weft_digests_init(&node->digests, &node->loop);
    node->checkpoints.node = node;
    plant_checkpoint_load(pn);
    plant_current()->acting = pn;
    enum weft_err rv = open_state(pn, &msg);
    if (rv == WEFT_OK) {
        note_state(pn);
        rv = open_replica(pn, &msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_native_open(node, &node->native, &msg);
    }
    if (rv == WEFT_EIO) { /* Planted; systemd starts it again. */
        n->sim->counts[SIM_DISK_ERROR]++;
        sim_node_crash(n, 100 + sim_random(n->sim, 400));
        return;
    }
    if (rv != WEFT_OK) {
        sim_fail(
            n->sim, "node %" PRIu64 " does not start: %s: %s", n->id, weft_err_name(rv), msg.text);
        return;
    }
    n->replica = node->replica;
    weft_reads_attach(&node->reads, node->state, node->replica);
    node->phase = WEFT_NODE_RUNNING;
    sim_node_after(n, WEFT_OK, &msg);
}
