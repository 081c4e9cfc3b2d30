#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "node/checkpoint/install.h"
#include "node/checkpoint/tree.h"
#include "node/replies.h"
#include "tests/sim/check.h"
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

void plant_plan(struct sim_node *n, enum sim_event_type type, uint64_t delay_ms)
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
        plant_plan(n, SIM_EVENT_TICK, delay_ms);
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
    plant_plan(pn->sim, SIM_EVENT_JOB, sim_chance(s, 100) ? sim_random(s, 60) : sim_random(s, 3));
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
    if (sim_chance(s, 10)) {
        sim_cut_leader(s);
    }
    if (sim_chance(s, 30)) { /* A run is short: more of them than sim_operate makes. */
        sim_change_members(s);
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
    /* Large tables come from the kernel, as zeros: else calloc clears 28 MB for each start of a
     * node (measured: half of a run). */
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
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

/* The state can be made again: of the log alone, or of a checkpoint that reaches it. A log that was
 * reset to a state ahead of it (RFT-8) has neither until the next checkpoint: who loses the state
 * then has lost the node, is told so at the start, and joins anew. */
static bool can_rebuild(const struct sim_node *n)
{
    const struct sim_kept *newest = n->plant->newest;
    uint64_t base_index = n->log->engine->base_index(n->log);
    return base_index == 0 || (newest != NULL && sim_kept_manifest(newest)->index >= base_index);
}

void sim_node_crash(struct sim_node *n, uint64_t down_ms)
{
    struct sim *s = n->sim;
    struct plant_node *pn = n->plant;
    bool loses_state = pn->loses_state && can_rebuild(n);
    s->counts[SIM_CRASH]++;
    s->counts[SIM_LOST_WRITES] += weft_log_memory_pending(n->log) > 0;
    end_life(pn, true);
    pn->write_faults = 0;
    if (loses_state) {
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
        plant_plan(n, SIM_EVENT_RESTART, down_ms);
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

void plant_note_error(struct sim_node *n, const char *what, const struct weft_msg *msg)
{
    const char *directory = n->sim->plant->options->directory;
    const char *at = strstr(msg->text, directory);
    int before = (int)(at != NULL ? at - msg->text : 0);
    const char *rest = at != NULL ? at + strlen(directory) : msg->text;
    sim_note(n->sim, "node %" PRIu64 " %s: %.*s%s", n->id, what, before, msg->text, rest);
}

/* Errors that end a process: a planted one restarts it, damage is what the run was to find. */
static void die(struct sim_node *n, enum weft_err rv, const struct weft_msg *msg)
{
    struct sim *s = n->sim;
    if (rv != WEFT_EIO && rv != WEFT_ENOSPC && rv != WEFT_ENOMEM) {
        sim_fail(s, "node %" PRIu64 " stops: %s: %s", n->id, weft_err_name(rv), msg->text);
        return;
    }
    s->counts[rv == WEFT_ENOSPC ? SIM_DISK_FULL : SIM_DISK_ERROR]++;
    plant_note_error(n, "stops", msg);
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
        plant_plan(n, SIM_EVENT_SYNC, sim_chance(s, 50) ? sim_random(s, 80) : sim_random(s, 4));
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
    weft_reads_hold(&pn->node.reads, true);
    if (!weft_reads_is_idle(&pn->node.reads) || pn->node.digests.working > 0) {
        plant_plan(n, SIM_EVENT_FETCHED, 10); /* Views of the old state end by themselves. */
        return;
    }
    n->has_fetch = false;
    if (!plant_checkpoint_fetch(pn)) {
        weft_reads_hold(&pn->node.reads, false);
        return;
    }
    enum weft_err rv = weft_replica_install(
        n->replica, &n->offer, n->offer_from, n->sim->now_ms, &is_installed, &msg);
    if (rv == WEFT_OK && is_installed) {
        must(weft_install_clean(pn->node.datadir.state, &msg), &msg);
    } else if (rv == WEFT_OK) {
        weft_reads_hold(&pn->node.reads, false);
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
