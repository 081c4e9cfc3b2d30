#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/checkpoint.h"
#include "tests/sim/check.h"
#include "tests/sim/sim.h"

static void push_state(struct sim_node *n, struct sim_state state)
{
    if (n->state_count == n->state_capacity) {
        n->state_capacity = 2 * n->state_capacity + 64;
        n->states = realloc(n->states, n->state_capacity * sizeof(*n->states));
        if (n->states == NULL) {
            abort();
        }
    }
    n->states[n->state_count++] = state;
}

void sim_node_init(struct sim *s, uint64_t id, const struct weft_configuration *first)
{
    struct sim_node *n = &s->nodes[id];
    struct weft_log_memory_options options = {0};
    struct weft_msg msg = {""};
    enum weft_err rv = weft_log_memory_create(&options, &n->log);
    n->sim = s;
    n->id = id;
    n->spied.engine = &sim_spy_engine;
    push_state(n, (struct sim_state){0});
    if (rv == WEFT_OK && first != NULL) {
        struct weft_buffer bytes = {0};
        rv = weft_configuration_encode(first, &bytes);
        struct weft_peer_entry entry = {1, WEFT_ENTRY_CHANGE, {bytes.data, bytes.size}};
        if (rv == WEFT_OK) {
            rv = n->log->engine->set_term(n->log, 1, 0, &msg);
        }
        if (rv == WEFT_OK) {
            rv = sim_spy_engine.append(&n->spied, 1, &entry, 1, &msg);
        }
        weft_buffer_destroy(&bytes);
    }
    if (rv != WEFT_OK) {
        abort();
    }
    weft_log_memory_restart(n->log, &n->log_start);
}

void sim_node_close(struct sim_node *n)
{
    weft_replica_destroy(n->replica);
    n->log->engine->close(n->log);
    weft_buffer_destroy(&n->manifest);
    weft_buffer_destroy(&n->offer_bytes);
    free(n->states);
}

static void on_send(void *ctx, uint64_t to, const struct weft_peer_message *message)
{
    struct sim_node *n = ctx;
    sim_send(n->sim, n->id, to, message);
}

static void plan(struct sim_node *n, enum sim_event_type type, uint64_t delay_ms)
{
    struct sim_event event = {.type = type, .node = n->id, .life = n->life};
    sim_plan(n->sim, &event, delay_ms);
}

static void on_offer(void *ctx, uint64_t from, const struct weft_install_snapshot *offer)
{
    struct sim_node *n = ctx;
    struct sim *s = n->sim;
    if (n->has_fetch && n->offer.last_index >= offer->last_index) {
        return;
    }
    weft_buffer_clear(&n->offer_bytes);
    if (weft_buffer_append(&n->offer_bytes, offer->configuration.data, offer->configuration.size) !=
            WEFT_OK ||
        weft_buffer_append(&n->offer_bytes, offer->manifest.data, offer->manifest.size) !=
            WEFT_OK) {
        abort();
    }
    n->offer = *offer;
    n->offer.address = (struct weft_text){0}; /* Not fetched over any link. */
    n->offer.configuration = (struct weft_bytes){n->offer_bytes.data, offer->configuration.size};
    n->offer.manifest =
        (struct weft_bytes){n->offer_bytes.data + offer->configuration.size, offer->manifest.size};
    n->offer_from = from;
    if (!n->has_fetch) {
        plan(n, SIM_EVENT_FETCHED, 5 + sim_random(s, sim_chance(s, 200) ? 2000 : 200));
    }
    n->has_fetch = true;
}

static uint64_t chain_of(const struct weft_digest *digest)
{
    uint64_t chain;
    memcpy(&chain, digest->bytes, sizeof(chain));
    return chain;
}

static enum weft_err on_install(
    void *ctx, const struct weft_install_snapshot *offer, struct weft_msg *msg)
{
    struct sim_node *n = ctx;
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_manifest manifest;
    enum weft_err rv = weft_manifest_decode(offer->manifest, &arena, &manifest);
    if (rv == WEFT_OK) {
        struct sim_state state = {
            offer->last_index, offer->last_term, chain_of(&manifest.chain), offer->conf_index};
        sim_check_install(n, state.index, state.term, state.chain);
        n->state_count = 0;
        push_state(n, state);
        n->floor_index = state.index;
        n->checkpoint_index = state.index;
        n->next_expected = state.index + 1;
        weft_buffer_clear(&n->manifest);
        rv = weft_buffer_append(&n->manifest, offer->manifest.data, offer->manifest.size);
        n->sim->counts[SIM_INSTALL]++;
        sim_note(n->sim, "node %" PRIu64 " installs %" PRIu64, n->id, state.index);
    }
    weft_arena_destroy(&arena);
    return rv == WEFT_OK ? WEFT_OK : weft_fail(msg, rv, "manifest");
}

static enum weft_err get_manifest(void *ctx, struct weft_bytes *ret_manifest)
{
    struct sim_node *n = ctx;
    *ret_manifest = (struct weft_bytes){n->manifest.data, n->manifest.size};
    return n->manifest.size > 0 ? WEFT_OK : WEFT_ENOTFOUND;
}

static void on_change(void *ctx)
{
    (void)ctx; /* sim_node_after looks at the role after each call. */
}

static void on_read(void *ctx, uint64_t read_id, enum weft_err err, uint64_t index)
{
    struct sim_node *n = ctx;
    struct sim *s = n->sim;
    for (uint32_t i = 0; i < n->read_count; i++) {
        if (n->reads[i].id != read_id) {
            continue;
        }
        uint64_t floor = n->reads[i].floor;
        n->reads[i] = n->reads[--n->read_count];
        s->counts[err == WEFT_OK ? SIM_READ : SIM_READ_FAILED]++;
        if (err == WEFT_OK) {
            sim_check_read(n, floor, index, sim_node_state(n)->index);
        }
        return;
    }
    sim_fail(s, "node %" PRIu64 ": read %" PRIu64 " was answered twice", n->id, read_id);
}

static void on_alarm(void *ctx, const char *event, const char *detail)
{
    struct sim_node *n = ctx;
    n->sim->counts[SIM_ALARM]++;
    sim_note(n->sim, "node %" PRIu64 " alarm %s: %s", n->id, event, detail);
    /* No member of a simulated group lies or loses what it acknowledged. */
    sim_fail(n->sim, "node %" PRIu64 ": alarm %s: %s", n->id, event, detail);
}

static void get_chain(void *ctx, uint64_t *ret_index, struct weft_digest *ret_chain)
{
    struct sim_node *n = ctx;
    memset(ret_chain, 0, sizeof(*ret_chain));
    *ret_index = sim_node_state(n)->index;
    memcpy(ret_chain->bytes, &sim_node_state(n)->chain, sizeof(uint64_t));
}

/* A leader compares what the others have applied with its own history. */
static void on_peer_applied(
    void *ctx, uint64_t member, uint64_t index, const struct weft_digest *chain)
{
    struct sim_node *n = ctx;
    for (size_t i = n->state_count; i > 0; i--) {
        if (n->states[i - 1].index == index && n->states[i - 1].chain != chain_of(chain)) {
            sim_fail(n->sim, "node %" PRIu64 " has another state at %" PRIu64 " than %" PRIu64,
                member, index, n->id);
        }
        if (n->states[i - 1].index <= index) {
            return;
        }
    }
}

void sim_node_start(struct sim_node *n)
{
    struct sim *s = n->sim;
    const struct sim_state *state = sim_node_state(n);
    struct weft_msg msg = {""};
    n->life++;
    n->is_used = true;
    n->tick_ms = 0;
    n->is_sync_scheduled = false;
    n->is_apply_scheduled = false;
    n->has_fetch = false;
    n->proposal_count = 0;
    n->read_count = 0;
    n->next_expected = state->index + 1;
    n->floor_index = state->index; /* What is there after a crash is on the disk. */
    uint64_t incarnation = sim_random(s, UINT64_C(1) << 60) + 1;
    uint32_t seed = (uint32_t)sim_random(s, UINT32_MAX);
    struct weft_replica_options options = {.id = n->id,
        .cluster = SIM_CLUSTER,
        .incarnation = incarnation,
        .election_ms = SIM_ELECTION_MS,
        .heartbeat_ms = SIM_HEARTBEAT_MS,
        .inflight_max = 4,
        .seed = seed,
        .trailing = s->options.seed % 3 == 0 ? 0 : 10,
        .log = &n->spied,
        .log_start = n->log_start,
        .state_index = state->index,
        .state_term = state->term};
    struct weft_replica_io io = {.ctx = n,
        .send = on_send,
        .on_offer = on_offer,
        .on_install = on_install,
        .get_manifest = get_manifest,
        .on_change = on_change,
        .on_read = on_read,
        .on_alarm = on_alarm,
        .get_chain = get_chain,
        .on_peer_applied = on_peer_applied};
    if (state->index > 0) {
        options.configuration = *sim_check_configuration_at(s, state->conf_index);
    }
    if (state->index > n->log_start.last_index) {
        s->counts[SIM_STATE_AHEAD]++;
    }
    sim_note(s,
        "node %" PRIu64 " starts at %" PRIu64 ", log %" PRIu64 " to %" PRIu64 ", term %" PRIu64,
        n->id, state->index, n->log_start.base_index, n->log_start.last_index, n->log_start.term);
    enum weft_err rv = weft_replica_create(&options, &io, s->now_ms, &n->replica, &msg);
    if (rv != WEFT_OK) {
        n->replica = NULL;
        sim_fail(s, "node %" PRIu64 " does not start: %s: %s", n->id, weft_err_name(rv), msg.text);
        return;
    }
    sim_node_after(n, WEFT_OK, &msg);
}

/* The state falls back to any that may have been flushed; it may be ahead of the log. */
static void lose_state(struct sim_node *n)
{
    struct sim *s = n->sim;
    if (sim_chance(s, 500)) {
        return;
    }
    size_t keep = n->state_count;
    while (keep > 1 && n->states[keep - 1].index > n->floor_index) {
        keep--;
    }
    n->state_count = keep + sim_random(s, n->state_count - keep + 1);
}

void sim_node_crash(struct sim_node *n, uint64_t down_ms)
{
    struct sim *s = n->sim;
    s->counts[SIM_CRASH]++;
    s->counts[SIM_LOST_WRITES] += weft_log_memory_pending(n->log) > 0;
    weft_replica_destroy(n->replica);
    n->replica = NULL;
    n->life++;
    weft_log_memory_set_capacity(n->log, 0);
    weft_log_memory_crash(n->log, sim_random(s, 0), &n->log_start);
    s->counts[SIM_TORN_WRITES] += n->log_start.dropped_bytes > 0;
    lose_state(n);
    sim_note(s, "node %" PRIu64 " crashes, keeps log up to %" PRIu64 " and state %" PRIu64, n->id,
        n->log_start.last_index, sim_node_state(n)->index);
    if (down_ms != UINT64_MAX) {
        plan(n, SIM_EVENT_RESTART, down_ms);
    }
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
}

void sim_node_after(struct sim_node *n, enum weft_err rv, const struct weft_msg *msg)
{
    struct sim *s = n->sim;
    if (rv == WEFT_ECORRUPT) {
        sim_fail(s, "node %" PRIu64 " stops: %s", n->id, msg->text);
        return;
    }
    if (rv == WEFT_EIO || rv == WEFT_ENOSPC || rv == WEFT_ENOMEM) {
        s->counts[rv == WEFT_ENOSPC ? SIM_DISK_FULL : SIM_DISK_ERROR]++;
        sim_node_crash(n, 100 + sim_random(s, 400));
        return;
    }
    watch_role(n);
    if (!n->is_sync_scheduled && weft_log_memory_pending(n->log) > 0) {
        n->is_sync_scheduled = true;
        plan(n, SIM_EVENT_SYNC, sim_chance(s, 50) ? sim_random(s, 80) : sim_random(s, 4));
    }
    if (!n->is_apply_scheduled) {
        struct weft_replica_status status;
        weft_replica_status(n->replica, &status);
        if (status.commit_index > sim_node_state(n)->index) {
            n->is_apply_scheduled = true;
            plan(n, SIM_EVENT_APPLY, sim_chance(s, 100) ? sim_random(s, 40) : sim_random(s, 2));
        }
    }
    struct weft_replica_status status;
    weft_replica_status(n->replica, &status);
    if (status.wants_checkpoint && sim_chance(s, 100)) {
        sim_node_checkpoint(n);
        return; /* It was called again from there. */
    }
    uint64_t due = weft_replica_deadline(n->replica);
    due = due > s->now_ms ? due : s->now_ms;
    if (n->tick_ms == 0 || due < n->tick_ms) {
        n->tick_ms = due;
        plan(n, SIM_EVENT_TICK, due - s->now_ms);
    }
}

static void acknowledge(struct sim_node *n, const struct weft_log_entry *entry)
{
    for (uint32_t i = 0; i < n->proposal_count; i++) {
        const struct sim_proposal *p = &n->proposals[i];
        if (p->index != entry->index) {
            continue;
        }
        if (p->term == entry->term) {
            n->sim->counts[SIM_ACKNOWLEDGED]++;
            sim_check_acknowledge(n->sim, p->index, p->term, p->value);
        }
        n->proposals[i] = n->proposals[--n->proposal_count];
        return;
    }
}

static void apply(struct sim_node *n)
{
    struct sim *s = n->sim;
    struct weft_log_entry entries[16];
    struct weft_msg msg = {""};
    uint32_t count = 0;
    n->is_apply_scheduled = false;
    enum weft_err rv = weft_replica_next(
        n->replica, 1 << 20, 1 + (uint32_t)sim_random(s, 16), entries, &count, &msg);
    for (uint32_t i = 0; i < count && rv == WEFT_OK && !s->has_failed; i++) {
        if (entries[i].index != n->next_expected) {
            sim_fail(s, "node %" PRIu64 " is given %" PRIu64 " to apply, not %" PRIu64, n->id,
                entries[i].index, n->next_expected);
            return;
        }
        n->next_expected++;
        push_state(n, sim_check_apply(n, &entries[i]));
        acknowledge(n, &entries[i]);
    }
    if (rv == WEFT_OK && count > 0) {
        sim_note(s, "node %" PRIu64 " applied %" PRIu64 " chain %" PRIx64, n->id,
            sim_node_state(n)->index, sim_node_state(n)->chain);
        rv = weft_replica_applied(n->replica, sim_node_state(n)->index, s->now_ms, &msg);
    }
    sim_node_after(n, rv, &msg);
}

static void fetched(struct sim_node *n)
{
    struct weft_msg msg = {""};
    bool installed = false;
    n->has_fetch = false;
    enum weft_err rv = weft_replica_install(
        n->replica, &n->offer, n->offer_from, n->sim->now_ms, &installed, &msg);
    sim_node_after(n, rv, &msg);
}

void sim_node_checkpoint(struct sim_node *n)
{
    const struct sim_state *state = sim_node_state(n);
    struct weft_buffer bytes = {0};
    struct weft_msg msg = {""};
    if (n->replica == NULL || state->index <= n->checkpoint_index) {
        return;
    }
    struct weft_manifest manifest = {.name = WEFT_TEXT("c"),
        .site = WEFT_TEXT("s"),
        .cluster = SIM_CLUSTER,
        .index = state->index,
        .term = state->term,
        .conf_index = state->conf_index};
    memcpy(manifest.chain.bytes, &state->chain, sizeof(state->chain));
    if (weft_configuration_encode(sim_check_configuration_at(n->sim, state->conf_index), &bytes) !=
        WEFT_OK) {
        abort();
    }
    manifest.configuration = (struct weft_bytes){bytes.data, bytes.size};
    weft_buffer_clear(&n->manifest);
    if (weft_manifest_encode(&manifest, &n->manifest) != WEFT_OK) {
        abort();
    }
    weft_buffer_destroy(&bytes);
    n->sim->counts[SIM_CHECKPOINT]++;
    struct sim_state kept = *state;
    n->floor_index = kept.index;
    n->checkpoint_index = kept.index;
    n->state_count = 0;
    push_state(n, kept);
    sim_note(n->sim, "node %" PRIu64 " checkpoint %" PRIu64, n->id, kept.index);
    enum weft_err rv =
        weft_replica_checkpointed(n->replica, kept.index, kept.term, n->sim->now_ms, &msg);
    sim_node_after(n, rv, &msg);
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

void sim_node_event(struct sim_node *n, const struct sim_event *event)
{
    struct sim *s = n->sim;
    struct weft_msg msg = {""};
    if (event->type == SIM_EVENT_RESTART) {
        if (n->replica == NULL && n->life == event->life) {
            sim_node_start(n);
        }
        return;
    }
    if (n->replica == NULL || (event->type != SIM_EVENT_DELIVER && n->life != event->life)) {
        return;
    }
    if (event->type == SIM_EVENT_DELIVER) {
        receive(n, event->message);
    } else if (event->type == SIM_EVENT_TICK) {
        n->tick_ms = s->now_ms >= n->tick_ms ? 0 : n->tick_ms;
        sim_node_after(n, weft_replica_tick(n->replica, s->now_ms, &msg), &msg);
    } else if (event->type == SIM_EVENT_SYNC) {
        n->is_sync_scheduled = false;
        weft_log_memory_sync(n->log, sim_chance(s, 200) ? 1 : UINT64_MAX);
        sim_node_after(n, weft_replica_synced(n->replica, s->now_ms, &msg), &msg);
    } else if (event->type == SIM_EVENT_APPLY) {
        apply(n);
    } else if (event->type == SIM_EVENT_FETCHED) {
        fetched(n);
    }
}
