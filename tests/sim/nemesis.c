#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim_node *any_node(struct sim *s)
{
    return &s->nodes[1 + sim_random(s, s->node_count)];
}

struct sim_node *sim_any_running(struct sim *s)
{
    for (int i = 0; i < 8; i++) {
        struct sim_node *n = any_node(s);
        if (n->replica != NULL && n->paused_until_ms <= s->now_ms) {
            return n;
        }
    }
    return NULL;
}

static struct weft_replica_member newcomer(const struct sim_node *n, bool wants_vote)
{
    struct weft_replica_member m = {
        .id = n->id, .role = WEFT_ROLE_STANDBY, .wants_vote = wants_vote};
    (void)snprintf(m.name, sizeof(m.name), "n%" PRIu64, n->id);
    (void)snprintf(m.peer_address, sizeof(m.peer_address), "p%" PRIu64, n->id);
    (void)snprintf(m.client_address, sizeof(m.client_address), "c%" PRIu64, n->id);
    return m;
}

/* An operator asks the leader for a change that the seed draws. */
void sim_change_members(struct sim *s)
{
    struct sim_node *leader = sim_leader(s);
    struct sim_node *n = any_node(s);
    struct weft_msg msg = {""};
    uint64_t index;
    enum weft_err rv;
    bool is_member = false;
    if (leader == NULL || leader->paused_until_ms > s->now_ms) {
        return;
    }
    const struct weft_configuration *c = weft_replica_configuration(leader->replica);
    for (uint32_t i = 0; i < c->count; i++) {
        is_member = is_member || c->members[i].id == n->id;
    }
    if (!is_member) {
        struct weft_replica_member m = newcomer(n, sim_chance(s, 800));
        rv = weft_replica_member_add(leader->replica, &m, s->now_ms, &index, &msg);
        s->counts[SIM_ADDED] += rv == WEFT_OK;
        if (rv == WEFT_OK && !n->is_used) {
            sim_node_start(n);
        }
    } else if (sim_chance(s, 400)) {
        rv = weft_replica_member_remove(leader->replica, n->id, false, s->now_ms, &index, &msg);
        s->counts[SIM_REMOVED] += rv == WEFT_OK;
        s->counts[SIM_LEADER_REMOVED] += rv == WEFT_OK && leader == n;
    } else {
        enum weft_role role = (enum weft_role)sim_random(s, 3);
        rv = weft_replica_member_assign(
            leader->replica, n->id, role, false, s->now_ms, &index, &msg);
        s->counts[role == WEFT_ROLE_VOTER ? SIM_PROMOTED : SIM_DEMOTED] += rv == WEFT_OK;
    }
    sim_note(
        s, "change of node %" PRIu64 " by %" PRIu64 ": %s", n->id, leader->id, weft_err_name(rv));
    if (leader->replica != NULL) {
        sim_node_after(leader, rv, &msg);
    }
}

static void transfer(struct sim *s)
{
    struct sim_node *leader = sim_leader(s);
    struct weft_msg msg = {""};
    if (leader != NULL && leader->paused_until_ms <= s->now_ms) {
        uint64_t to = sim_chance(s, 500) ? 0 : any_node(s)->id;
        enum weft_err rv = weft_replica_transfer(leader->replica, to, s->now_ms, &msg);
        s->counts[SIM_TRANSFER] += rv == WEFT_OK;
        sim_note(
            s, "transfer from %" PRIu64 " to %" PRIu64 ": %s", leader->id, to, weft_err_name(rv));
        sim_node_after(leader, rv, &msg);
    }
}

void sim_operate(struct sim *s)
{
    if (sim_chance(s, 15)) {
        sim_change_members(s);
    }
    if (sim_chance(s, 10)) {
        transfer(s);
    }
    if (sim_chance(s, 25)) {
        sim_node_checkpoint(any_node(s));
    }
}

static void cut(struct sim *s, uint64_t from, uint64_t to, bool is_cut)
{
    s->network.is_cut[from][to] = is_cut;
}

static void cut_nothing(struct sim *s)
{
    memset(s->network.is_cut, 0, sizeof(s->network.is_cut));
}

/* Two sides that do not hear of each other; or one node that is only heard, or only hears. */
static void partition(struct sim *s)
{
    cut_nothing(s);
    if (sim_chance(s, 350)) {
        struct sim_node *leader = sim_leader(s);
        uint64_t deaf = leader != NULL && sim_chance(s, 500) ? leader->id : any_node(s)->id;
        bool is_deaf = sim_chance(s, 500);
        for (uint64_t id = 1; id <= s->node_count; id++) {
            cut(s, is_deaf ? id : deaf, is_deaf ? deaf : id, true);
        }
        s->counts[SIM_ONE_WAY]++;
        sim_note(s, "node %" PRIu64 " %s", deaf, is_deaf ? "hears nothing" : "is not heard");
        return;
    }
    uint64_t side = sim_random(s, 0);
    struct sim_node *leader = sim_leader(s);
    if (leader != NULL && sim_chance(s, 400)) { /* The leader alone, or with one other. */
        side = UINT64_C(1) << leader->id;
        side |= sim_chance(s, 500) ? UINT64_C(1) << any_node(s)->id : 0;
    }
    for (uint64_t a = 1; a <= s->node_count; a++) {
        for (uint64_t b = 1; b <= s->node_count; b++) {
            cut(s, a, b, (side >> a & 1) != (side >> b & 1));
        }
    }
    s->counts[SIM_PARTITION]++;
    sim_note(s, "partition %" PRIx64, side & 0xff);
}

/* The leader hears nothing, or is alone: until the nemesis comes again. */
void sim_cut_leader(struct sim *s)
{
    const struct sim_node *leader = sim_leader(s);
    bool is_heard = sim_chance(s, 500);
    if (leader == NULL || s->is_healing) {
        return;
    }
    cut_nothing(s);
    for (uint64_t id = 1; id <= s->node_count; id++) {
        cut(s, id, leader->id, true);
        cut(s, leader->id, id, !is_heard);
    }
    s->counts[is_heard ? SIM_ONE_WAY : SIM_PARTITION]++;
    sim_note(s, "leader %" PRIu64 " %s", leader->id, is_heard ? "hears nothing" : "is alone");
}

static void weather(struct sim *s)
{
    static const uint32_t levels[] = {0, 0, 10, 50, 200};
    s->network.loss_permille = levels[sim_random(s, 5)];
    s->network.duplicate_permille = levels[sim_random(s, 5)];
    s->network.slow_permille = levels[sim_random(s, 5)];
}

static struct sim_node *a_victim(struct sim *s)
{
    struct sim_node *leader = sim_leader(s);
    return leader != NULL && sim_chance(s, 400) ? leader : sim_any_running(s);
}

static void crash(struct sim *s)
{
    bool all = sim_chance(s, 100); /* Power of the whole hall. */
    for (uint64_t id = 1; id <= s->node_count && all; id++) {
        if (s->nodes[id].replica != NULL) {
            sim_node_crash(&s->nodes[id], 20 + sim_random(s, 300));
        }
    }
    struct sim_node *n = all ? NULL : a_victim(s);
    if (n != NULL) {
        sim_node_crash(n, 1 + sim_random(s, sim_chance(s, 300) ? 3000 : 300));
    }
}

static void break_disk(struct sim *s)
{
    static const enum weft_log_memory_op ops[] = {WEFT_LOG_MEMORY_APPEND, WEFT_LOG_MEMORY_TRUNCATE,
        WEFT_LOG_MEMORY_SET_TERM, WEFT_LOG_MEMORY_TRIM, WEFT_LOG_MEMORY_RESET, WEFT_LOG_MEMORY_READ,
        WEFT_LOG_MEMORY_SYNC};
    struct sim_node *n = a_victim(s);
    if (n == NULL) {
        return;
    }
    if (sim_chance(s, 300)) {
        struct weft_log_stats stats;
        n->log->engine->stats(n->log, &stats);
        weft_log_memory_set_capacity(n->log, stats.used_bytes + 1 + sim_random(s, 2000));
    } else {
        uint64_t nth = 1 + sim_random(s, 4); /* Statements: a seed is one run by any compiler. */
        enum weft_log_memory_op op = ops[sim_random(s, 7)];
        weft_log_memory_fail(n->log, op, nth, WEFT_EIO);
    }
}

void sim_calm(struct sim *s)
{
    struct weft_log_start ignored;
    (void)ignored;
    cut_nothing(s);
    s->network.loss_permille = 0;
    s->network.duplicate_permille = 0;
    s->network.slow_permille = 0;
    for (uint64_t id = 1; id <= s->node_count; id++) {
        weft_log_memory_set_capacity(s->nodes[id].log, 0);
        for (int op = 0; op < WEFT_LOG_MEMORY_OPS; op++) {
            weft_log_memory_fail(s->nodes[id].log, (enum weft_log_memory_op)op, 0, WEFT_EIO);
        }
    }
}

void sim_nemesis(struct sim *s)
{
    struct sim_event next = {.type = SIM_EVENT_NEMESIS};
    struct sim_node *n;
    if (s->is_healing) {
        return;
    }
    switch (sim_random(s, 9)) {
    case 0:
    case 1:
        partition(s);
        break;
    case 2:
    case 3:
        cut_nothing(s);
        break;
    case 4:
        weather(s);
        break;
    case 5:
    case 6:
        crash(s);
        break;
    case 7:
        break_disk(s);
        break;
    case 8:
        n = sim_any_running(s);
        if (n != NULL) {
            n->paused_until_ms = s->now_ms + sim_random(s, 5 * SIM_ELECTION_MS);
            s->counts[SIM_PAUSE]++;
        }
        break;
    }
    sim_plan(s, &next, 20 + sim_random(s, 600));
}
