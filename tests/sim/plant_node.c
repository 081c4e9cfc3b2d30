#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/checkpoint/install.h"
#include "node/checkpoint/tree.h"
#include "node/replies.h"
#include "tests/sim/plant.h"
#include "tests/sim/store.h"

static struct plant *current; /* One run at a time. */

struct plant *plant_current(void)
{
    return current;
}

void plant_count(struct plant *p, enum plant_count what)
{
    p->options->counts[what]++;
}

struct plant_node *plant_of(const struct weft_node *node)
{
    return (struct plant_node *)((uintptr_t)node - offsetof(struct plant_node, node));
}

static void plan(struct sim_node *n, enum sim_event_type type, uint64_t delay_ms)
{
    struct sim_event event = {.type = type, .node = n->id, .life = n->life};
    sim_plan(n->sim, &event, delay_ms);
}

/* A turn is due at the latest then. */
void plant_wake(struct plant_node *pn, uint64_t delay_ms)
{
    struct sim_node *n = pn->sim;
    uint64_t due_ms = n->sim->now_ms + delay_ms;
    if (n->tick_ms == 0 || due_ms < n->tick_ms) {
        n->tick_ms = due_ms;
        plan(n, SIM_EVENT_TICK, delay_ms);
    }
}

void plant_queue(struct plant_node *pn, struct plant_job *job)
{
    struct sim *s = pn->sim->sim;
    struct plant_job **at = &pn->jobs;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = job;
    plan(pn->sim, SIM_EVENT_JOB, sim_chance(s, 100) ? sim_random(s, 60) : sim_random(s, 3));
}

/* --- the disk of the state ------------------------------------------------------------------- */

static bool store_misses(void *ctx)
{
    struct plant *p = ctx;
    return sim_chance(p->sim, 150);
}

static enum weft_err store_write(void *ctx, const char *directory)
{
    struct plant *p = ctx;
    for (uint64_t id = 1; id <= p->sim->node_count; id++) {
        struct plant_node *pn = p->sim->nodes[id].plant;
        if (pn->write_faults > 0 && strcmp(pn->node.datadir.state, directory) == 0 &&
            --pn->write_faults == 0) {
            plant_count(p, PLANT_STATE_FAULTS);
            return WEFT_EIO;
        }
    }
    return WEFT_OK;
}

void plant_trouble(struct plant *p)
{
    struct sim *s = p->sim;
    struct sim_node *n = &s->nodes[1 + sim_random(s, s->node_count)];
    if (sim_chance(s, 10)) { /* Up to an hour off, or back to true. */
        int64_t off_ns = (int64_t)sim_random(s, UINT64_C(7200000000000)) - INT64_C(3600000000000);
        n->plant->clock_ns = sim_chance(s, 300) ? 0 : off_ns;
        plant_count(p, PLANT_CLOCK_JUMPS);
        sim_note(s, "clock of node %" PRIu64 " is off by %" PRId64 " ms", n->id,
            n->plant->clock_ns / 1000000);
    }
    if (sim_chance(s, 2)) {
        n->plant->write_faults = 1 + (uint32_t)sim_random(s, 4);
    }
    n->plant->loses_state = n->plant->loses_state || sim_chance(s, 2);
}

static struct sim_store_faults faults = {.misses = store_misses, .write = store_write};

/* --- a run ----------------------------------------------------------------------------------- */

void sim_kind_open(struct sim *s)
{
    struct plant *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        abort();
    }
    p->sim = s;
    p->options = (struct plant_options *)(uintptr_t)s->options.plant;
    p->model = model_create();
    s->plant = current = p;
    faults.ctx = p;
    sim_store_set_faults(&faults);
    plant_clients_open(p);
}

void sim_kind_begin(struct sim *s)
{
    plant_clients_begin(s->plant);
}

void sim_kind_probe(struct sim_node *leader)
{
    plant_clients_probe(leader->sim->plant, leader->id);
}

void sim_kind_end(struct sim *s)
{
    plant_clients_end(s->plant);
}

void sim_kind_close(struct sim *s)
{
    struct plant *p = s->plant;
    plant_clients_close(p);
    model_destroy(p->model);
    sim_store_set_faults(NULL);
    free(p->outcomes);
    free(p->items);
    free(p);
    current = NULL;
}

void sim_kind_drop(const struct sim_event *event)
{
    if (event->type == SIM_EVENT_DOOR || event->type == SIM_EVENT_ANSWER) {
        free(event->payload);
    }
}

void sim_client(struct sim *s, const struct sim_event *event)
{
    if (event->type == SIM_EVENT_ANSWER) {
        plant_client_answer(s->plant, event->payload);
    } else {
        plant_client_wake(s->plant, event);
    }
}

static void must(enum weft_err rv, const struct weft_msg *msg)
{
    if (rv != WEFT_OK) {
        (void)fprintf(stderr, "simulation: %s\n", msg->text);
        abort();
    }
}

static void name_places(struct plant_node *pn)
{
    struct weft_msg msg = {""};
    struct weft_datadir *d = &pn->node.datadir;
    const struct plant *p = pn->sim->sim->plant;
    (void)snprintf(pn->directory, sizeof(pn->directory), "%.900s/n%" PRIu64, p->options->directory,
        pn->sim->id);
    (void)snprintf(d->state, sizeof(d->state), "%.990s/state", pn->directory);
    (void)snprintf(d->checkpoints, sizeof(d->checkpoints), "%.990s/checkpoints", pn->directory);
    (void)snprintf(pn->checkpoints, sizeof(pn->checkpoints), "%.990s/checkpoints", pn->directory);
    must(weft_tree_make(pn->directory, &msg), &msg);
    must(weft_tree_make(pn->checkpoints, &msg), &msg);
}

void sim_node_init(struct sim *s, uint64_t id, const struct weft_configuration *first)
{
    struct sim_node *n = &s->nodes[id];
    struct weft_log_memory_options options = {0};
    struct weft_msg msg = {""};
    must(weft_log_memory_create(&options, &n->log), &msg);
    n->sim = s;
    n->id = id;
    n->spied.engine = &sim_spy_engine;
    n->states = calloc(1, sizeof(*n->states));
    n->state_count = 1;
    n->plant = calloc(1, sizeof(*n->plant));
    if (n->states == NULL || n->plant == NULL) {
        abort();
    }
    n->plant->sim = n;
    name_places(n->plant);
    if (first != NULL) {
        struct weft_buffer bytes = {0};
        must(weft_configuration_encode(first, &bytes), &msg);
        struct weft_peer_entry entry = {1, WEFT_ENTRY_CHANGE, {bytes.data, bytes.size}};
        must(n->log->engine->set_term(n->log, 1, 0, &msg), &msg);
        must(sim_spy_engine.append(&n->spied, 1, &entry, 1, &msg), &msg);
        weft_buffer_destroy(&bytes);
    }
    weft_log_memory_restart(n->log, &n->log_start);
}

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
    n->offer.configuration = (struct weft_bytes){n->offer_bytes.data, configuration.size};
    n->offer.manifest = (struct weft_bytes){n->offer_bytes.data + at, manifest.size};
    n->offer_from = from;
    if (!n->has_fetch) {
        plan(n, SIM_EVENT_FETCHED, 5 + sim_random(s, sim_chance(s, 200) ? 2000 : 200));
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
        .lineage_bytes = 4 << 20};
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
    const struct weft_read_door door = {node, deliver, give, is_awaited};
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
    sim_note(pn->sim->sim, "node %" PRIu64 " rebuilds: %s", pn->sim->id, msg->text);
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
    must(open_reads(node, &msg), &msg);
    weft_digests_init(&node->digests, &node->loop);
    node->checkpoints.node = node;
    plant_checkpoint_load(pn);
    current->acting = pn;
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

/* --- stop ------------------------------------------------------------------------------------ */

static void on_closed(void *ctx)
{
    (void)ctx;
}

static void run_jobs(struct plant_node *pn)
{
    while (pn->jobs != NULL) {
        struct plant_job *job = pn->jobs;
        pn->jobs = job->next;
        job->work(job->request);
        job->after(job->request, 0);
        free(job);
    }
}

/* Everything that a process has in memory. Nothing of it is heard outside. */
static void end_life(struct plant_node *pn, bool is_crash)
{
    struct weft_node *node = &pn->node;
    pn->is_dead = true;
    weft_reads_close(&node->reads, on_closed, NULL);
    weft_digests_close(&node->digests, on_closed, NULL);
    run_jobs(pn);
    if (node->native != NULL) {
        plant_door_crash(pn);
        weft_native_close(node->native, on_closed, NULL);
        node->native = NULL;
    }
    weft_proposer_close(&node->proposer);
    if (node->state != NULL) {
        if (is_crash) {
            sim_store_crash(node->datadir.state);
        }
        weft_state_close(node->state);
        if (is_crash) {
            sim_store_crashed(node->datadir.state);
        }
        node->state = NULL;
    }
    weft_replica_destroy(node->replica);
    node->replica = pn->sim->replica = NULL;
    weft_arena_destroy(&node->arena);
    plant_checkpoint_forget(pn);
}

void sim_node_crash(struct sim_node *n, uint64_t down_ms)
{
    struct sim *s = n->sim;
    struct plant_node *pn = n->plant;
    s->counts[SIM_CRASH]++;
    s->counts[SIM_LOST_WRITES] += weft_log_memory_pending(n->log) > 0;
    end_life(pn, true);
    pn->write_faults = 0;
    if (pn->loses_state) {
        struct weft_msg msg = {""};
        pn->loses_state = false;
        must(weft_tree_remove(pn->node.datadir.state, &msg), &msg);
    }
    n->life++;
    weft_log_memory_set_capacity(n->log, 0);
    weft_log_memory_crash(n->log, sim_random(s, 0), &n->log_start);
    s->counts[SIM_TORN_WRITES] += n->log_start.dropped_bytes > 0;
    sim_note(
        s, "node %" PRIu64 " crashes, keeps log up to %" PRIu64, n->id, n->log_start.last_index);
    if (down_ms != UINT64_MAX) {
        plan(n, SIM_EVENT_RESTART, down_ms);
    }
}

static void check_data(struct plant_node *pn)
{
    struct weft_state_check check = {.directory = pn->node.datadir.state};
    struct weft_msg msg = {""};
    enum weft_err rv = weft_state_check(&check, &msg);
    if (rv != WEFT_OK && rv != WEFT_ENOTFOUND) {
        sim_fail(pn->sim->sim, "node %" PRIu64 ": the state on disk: %s", pn->sim->id, msg.text);
    }
}

void sim_node_close(struct sim_node *n)
{
    struct plant_node *pn = n->plant;
    struct weft_msg msg = {""};
    bool was_up = n->replica != NULL;
    if (was_up || pn->node.state != NULL) {
        end_life(pn, false);
    }
    if (was_up && !n->sim->has_failed && n->sim->plant->options->check_data) {
        check_data(pn);
    }
    must(weft_tree_remove(pn->directory, &msg), &msg);
    n->log->engine->close(n->log);
    weft_buffer_destroy(&n->offer_bytes);
    free(n->states);
    free(pn);
}

/* --- turns ----------------------------------------------------------------------------------- */

/* Errors that end a process: a planted one restarts it, damage is what the run was to find. */
static void die(struct sim_node *n, enum weft_err rv, const struct weft_msg *msg)
{
    struct sim *s = n->sim;
    if (rv != WEFT_EIO && rv != WEFT_ENOSPC && rv != WEFT_ENOMEM) {
        sim_fail(s, "node %" PRIu64 " stops: %s: %s", n->id, weft_err_name(rv), msg->text);
        return;
    }
    s->counts[rv == WEFT_ENOSPC ? SIM_DISK_FULL : SIM_DISK_ERROR]++;
    sim_note(s, "node %" PRIu64 " stops: %s", n->id, msg->text);
    sim_node_crash(n, 100 + sim_random(s, 400));
}

static void watch_role(struct sim_node *n)
{
    struct weft_replica_status status;
    weft_replica_status(n->replica, &status);
    if (strcmp(status.state, "leader") == 0 && status.term != n->leader_term) {
        n->leader_term = status.term;
        n->sim->counts[SIM_LEADER]++;
        sim_note(n->sim, "node %" PRIu64 " leads term %" PRIu64, n->id, status.term);
        sim_check_leader(n, status.term);
    }
    if (status.wants_checkpoint && sim_chance(n->sim, 100)) {
        sim_node_checkpoint(n);
    }
}

static void plan_sync(struct sim_node *n)
{
    struct sim *s = n->sim;
    if (!n->is_sync_scheduled && weft_log_memory_pending(n->log) > 0) {
        n->is_sync_scheduled = true;
        plan(n, SIM_EVENT_SYNC, sim_chance(s, 50) ? sim_random(s, 80) : sim_random(s, 4));
    }
}

void sim_node_after(struct sim_node *n, enum weft_err rv, const struct weft_msg *msg)
{
    if (rv != WEFT_OK && weft_err_class(rv) != WEFT_CLASS_RETRY &&
        weft_err_class(rv) != WEFT_CLASS_REFUSED && weft_err_class(rv) != WEFT_CLASS_INPUT) {
        die(n, rv, msg);
        return;
    }
    watch_role(n);
    plan_sync(n);
    plant_wake(n->plant, sim_random(n->sim, 2));
}

/* Runs `act`, which may end in weft_node_fail. */
static void guarded(struct plant_node *pn, void (*act)(struct plant_node *pn, void *ctx), void *ctx)
{
    struct plant *p = pn->sim->sim->plant;
    p->acting = pn;
    if (setjmp(p->failed) != 0) {
        die(p->acting->sim, p->failed_err, &p->failed_msg);
        return;
    }
    act(pn, ctx);
    watch_role(pn->sim);
    plan_sync(pn->sim);
}

static void act_turn(struct plant_node *pn, void *ctx)
{
    (void)ctx;
    weft_turn(&pn->node);
}

static void act_door(struct plant_node *pn, void *ctx)
{
    plant_door_event(pn, ctx);
    plant_wake(pn, sim_random(pn->sim->sim, 2));
}

static void act_job(struct plant_node *pn, void *ctx)
{
    struct plant_job *job = ctx;
    job->work(job->request);
    job->after(job->request, 0);
    free(job);
    plant_count(pn->sim->sim->plant, PLANT_JOBS);
    plant_wake(pn, 0);
}

/* In the place of weft_state_apply, for node/turn.c. */
enum weft_err sim_state_apply(struct weft_state *state, const struct weft_log_entry *entries,
    uint32_t entry_count, bool with_results, struct weft_arena *arena,
    struct weft_applied_item **ret_items, uint32_t *ret_count, struct weft_msg *msg);

enum weft_err sim_state_apply(struct weft_state *state, const struct weft_log_entry *entries,
    uint32_t entry_count, bool with_results, struct weft_arena *arena,
    struct weft_applied_item **ret_items, uint32_t *ret_count, struct weft_msg *msg)
{
    struct plant_node *pn = current->acting;
    struct sim_node *n = pn->sim;
    struct weft_state_position position;
    for (uint32_t i = 0; i < entry_count; i++) {
        plant_judge_entry(pn, &entries[i], &n->states[0]);
    }
    enum weft_err rv = weft_state_apply(
        state, entries, entry_count, with_results, arena, ret_items, ret_count, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    plant_judge_items(pn, *ret_items, *ret_count);
    weft_state_position(state, &position);
    plant_judge_chain(pn, position.index, &position.chain);
    sim_note(n->sim, "node %" PRIu64 " applied %" PRIu64 " chain %02x%02x%02x%02x", n->id,
        position.index, position.chain.bytes[0], position.chain.bytes[1], position.chain.bytes[2],
        position.chain.bytes[3]);
    if (sim_chance(n->sim, 30)) { /* The memtable is full. */
        plant_count(current, PLANT_FLUSHES);
        rv = weft_state_flush(state, msg);
    }
    return rv;
}

/* --- events ---------------------------------------------------------------------------------- */

void sim_node_checkpoint(struct sim_node *n)
{
    if (n->replica != NULL) {
        plant_checkpoint_take(n->plant);
    }
}

static void receive(struct sim_node *n, const struct sim_message *message)
{
    struct weft_msg msg = {""};
    struct sim *s = n->sim;
    enum weft_err rv = weft_replica_receive(
        n->replica, sim_message_from(message), sim_message(message), s->now_ms, &msg);
    if (rv == WEFT_EPEER || rv == WEFT_EMALFORMED) {
        sim_fail(s, "node %" PRIu64 ": %s", n->id, msg.text);
        return;
    }
    sim_node_after(n, rv, &msg);
}

static void fetched(struct sim_node *n)
{
    struct plant_node *pn = n->plant;
    struct weft_msg msg = {""};
    bool is_installed = false;
    if (!weft_reads_is_idle(&pn->node.reads) || pn->node.digests.working > 0) {
        plan(n, SIM_EVENT_FETCHED, 10); /* Views of the old state end by themselves. */
        return;
    }
    n->has_fetch = false;
    if (!plant_checkpoint_fetch(pn)) {
        return;
    }
    enum weft_err rv = weft_replica_install(
        n->replica, &n->offer, n->offer_from, n->sim->now_ms, &is_installed, &msg);
    if (rv == WEFT_OK && is_installed) {
        must(weft_install_clean(pn->node.datadir.state, &msg), &msg);
    } else if (rv == WEFT_OK) {
        must(weft_install_discard(pn->node.datadir.state, &msg), &msg);
    }
    sim_node_after(n, rv, &msg);
}

void sim_node_event(struct sim_node *n, const struct sim_event *event)
{
    struct sim *s = n->sim;
    struct plant_node *pn = n->plant;
    if (event->type == SIM_EVENT_RESTART) {
        if (n->replica == NULL && n->life == event->life) {
            sim_node_start(n);
        }
        return;
    }
    if (event->type == SIM_EVENT_DOOR && n->replica == NULL) {
        plant_door_drop(event);
        return;
    }
    bool is_from_outside = event->type == SIM_EVENT_DELIVER || event->type == SIM_EVENT_DOOR;
    if (n->replica == NULL || (!is_from_outside && n->life != event->life)) {
        return;
    }
    s->plant->acting = pn;
    if (event->type == SIM_EVENT_DELIVER) {
        receive(n, event->message);
    } else if (event->type == SIM_EVENT_DOOR) {
        guarded(pn, act_door, (void *)(uintptr_t)event);
    } else if (event->type == SIM_EVENT_TICK) {
        if (s->now_ms >= n->tick_ms) {
            n->tick_ms = 0;
            guarded(pn, act_turn, NULL);
        }
    } else if (event->type == SIM_EVENT_SYNC) {
        n->is_sync_scheduled = false;
        weft_log_memory_sync(n->log, sim_chance(s, 200) ? 1 : UINT64_MAX);
        plan_sync(n);
        plant_wake(pn, 0);
    } else if (event->type == SIM_EVENT_JOB) {
        struct plant_job *job = pn->jobs;
        pn->jobs = job->next;
        guarded(pn, act_job, job);
    } else if (event->type == SIM_EVENT_TAKEN) {
        plant_checkpoint_taken(pn);
    } else if (event->type == SIM_EVENT_FETCHED) {
        fetched(n);
    }
}
