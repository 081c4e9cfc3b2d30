#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Partitions: links between nodes of one cluster are cut, per direction; clients reach every node.
 * Seen to have happened where frames were dropped, and some link of the leader was among those. */

enum {
    FLAP_MS_MIN = 200, /* about one election timer, and several */
    FLAP_MS_MAX = 2000,
    ASLEEP_MS_MIN = 1200, /* chosen: beside the election about what a client waits, 1.5 s */
    ASLEEP_MS_MAX = 2400
};

static struct {
    struct jep_reach reach; /* is_cut of this family's own */
    unsigned first, nodes;
    int leader;
    bool leader_is_cut;
    uint64_t dropped; /* before */
} memory;

/* --- plans ------------------------------------------------------------------------------- */

static struct jep_edn plan_kind(struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, const char *kind, enum jep_target target)
{
    struct jep_edn_list map = {0};
    unsigned cluster;
    jep_edn_put(&map, "kind", jep_edn_keyword(kind));
    jep_aim_nodes(&map, rng, shape, target, arena, &cluster);
    jep_edn_put(&map, "order", jep_aim_shuffled(rng, shape, cluster, arena));
    if (strcmp(kind, "flap") == 0) {
        jep_edn_put(&map, "flap-ms", jep_edn_int(jep_rng_between(rng, FLAP_MS_MIN, FLAP_MS_MAX)));
    }
    if (strcmp(kind, "one-way") == 0) {
        jep_edn_put(&map, "direction", jep_edn_keyword(jep_rng_chance(rng, 1, 2) ? "in" : "out"));
    }
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_one)
{
    return plan_kind(rng, shape, arena, "group", JEP_TARGET_ONE);
}

JEP_PLAN(plan_leader)
{
    return plan_kind(rng, shape, arena, "group", JEP_TARGET_LEADER);
}

/* Longer than clients wait for an answer, so that they have found the next leader. */
JEP_PLAN(plan_deposed)
{
    struct jep_edn_list map = {0};
    unsigned cluster;
    jep_edn_put(&map, "kind", jep_edn_keyword("group"));
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_LEADER, arena, &cluster);
    jep_edn_put(&map, "asleep-ms", jep_edn_int(jep_rng_between(rng, ASLEEP_MS_MIN, ASLEEP_MS_MAX)));
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_halves)
{
    return plan_kind(rng, shape, arena, "group", JEP_TARGET_MINORITY);
}

JEP_PLAN(plan_ring)
{
    return plan_kind(rng, shape, arena, "ring", JEP_TARGET_ALL);
}

JEP_PLAN(plan_bridge)
{
    return plan_kind(rng, shape, arena, "bridge", JEP_TARGET_MINORITY);
}

JEP_PLAN(plan_one_way)
{
    return plan_kind(rng, shape, arena, "one-way", JEP_TARGET_LEADER);
}

JEP_PLAN(plan_flap)
{
    return plan_kind(rng, shape, arena, "flap", JEP_TARGET_MINORITY);
}

JEP_PLAN(plan_all)
{
    return plan_kind(rng, shape, arena, "all", JEP_TARGET_ALL);
}

/* --- cutting ----------------------------------------------------------------------------- */

/* The plan's order as numbers within the cluster. */
static void read_order(const struct jep_plant *plant, const struct jep_edn *plan, unsigned first,
    unsigned *order, unsigned count)
{
    const struct jep_edn *names = jep_edn_get(plan, "order");
    for (unsigned i = 0; i < count; i++) {
        int node =
            names != NULL && i < names->count ? jep_plant_find(plant, names->items[i].text) : -1;
        order[i] = node >= (int)first ? (unsigned)node - first : i;
    }
}

static void cut_one_way(struct jep_reach *reach, const bool *in_group, bool is_in)
{
    for (unsigned i = 0; i < reach->count; i++) {
        for (unsigned k = 0; k < reach->count; k++) {
            if (in_group[i] && !in_group[k]) {
                reach->is_cut[is_in ? k : i][is_in ? i : k] = true;
            }
        }
    }
}

static void cut_all(struct jep_reach *reach)
{
    for (unsigned i = 0; i < reach->count; i++) {
        for (unsigned k = 0; k < reach->count; k++) {
            reach->is_cut[i][k] = i != k;
        }
    }
}

/* The first in the order that is not in the group and does not lead: a leader that reaches
 * everybody would notice nothing. */
static unsigned choose_bridge(
    const unsigned *order, unsigned count, const bool *in_group, unsigned first)
{
    unsigned bridge = order[0];
    for (unsigned i = count; i-- > 0;) {
        if (!in_group[order[i]] && (int)(first + order[i]) != memory.leader) {
            bridge = order[i];
        }
    }
    return bridge;
}

/* What the plan cuts, into an empty reach. */
static void decide(const struct jep_plant *plant, const struct jep_edn *plan, unsigned nodes,
    unsigned first, struct jep_reach *reach)
{
    const char *kind = jep_aim_keyword(plan, "kind");
    bool in_group[JEP_REACH_MAX] = {false};
    unsigned order[JEP_REACH_MAX] = {0};
    const unsigned count = jep_plant_nodes_of(&plant->options, jep_effect_cluster(plan));
    for (unsigned i = 0; i < reach->count; i++) {
        in_group[i] = (nodes >> (first + i) & 1) != 0;
    }
    if (strcmp(kind, "ring") == 0) {
        reach->count = count; /* spares are no part of it */
        read_order(plant, plan, first, order, reach->count);
        jep_reach_cut_ring(reach, order);
    } else if (strcmp(kind, "bridge") == 0) {
        read_order(plant, plan, first, order, count);
        jep_reach_cut_bridge(reach, in_group, choose_bridge(order, count, in_group, first));
    } else if (strcmp(kind, "one-way") == 0) {
        cut_one_way(reach, in_group, strcmp(jep_aim_keyword(plan, "direction"), "in") == 0);
    } else if (strcmp(kind, "all") == 0) {
        cut_all(reach);
    } else {
        jep_reach_cut_group(reach, in_group);
    }
}

static void set_cuts(struct jep_plant *plant, bool is_cut, uint32_t flap_ms)
{
    const struct jep_reach *r = &memory.reach;
    for (unsigned i = 0; i < r->count; i++) {
        for (unsigned k = 0; k < r->count; k++) {
            struct jep_link_rule rule;
            if (i == k || !r->is_cut[i][k]) {
                continue;
            }
            unsigned from = memory.first + i + 1, to = memory.first + k + 1;
            jep_switch_rule(plant->sw, from, to, &rule); /* what else is wrong with it stays */
            rule.is_cut = is_cut;
            rule.flap_ms = flap_ms;
            jep_switch_set(plant->sw, from, to, &rule);
        }
    }
}

static uint64_t dropped(const struct jep_plant *plant)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < memory.reach.count; i++) {
        for (unsigned k = 0; k < memory.reach.count; k++) {
            struct jep_link_counts counts;
            if (memory.reach.is_cut[i][k]) {
                jep_switch_counts(plant->sw, memory.first + i + 1, memory.first + k + 1, &counts);
                sum += counts.cut;
            }
        }
    }
    return sum;
}

static bool is_touched(const struct jep_reach *reach, unsigned number)
{
    for (unsigned i = 0; i < reach->count; i++) {
        if (number < reach->count && (reach->is_cut[number][i] || reach->is_cut[i][number])) {
            return true;
        }
    }
    return false;
}

/* What the plan cuts, and whom it hits. False: it means a leader, and there is none. */
static bool aim(const struct jep_plant *plant, const struct jep_edn *plan)
{
    memset(&memory, 0, sizeof(memory));
    memory.nodes = jep_effect_nodes(plant, plan, &memory.leader);
    if (memory.nodes == 0) {
        return false;
    }
    jep_part_reach(plant, jep_effect_cluster(plan), &memory.reach, &memory.first);
    memset(memory.reach.is_cut, 0, sizeof(memory.reach.is_cut));
    decide(plant, plan, memory.nodes, memory.first, &memory.reach);
    memory.leader_is_cut =
        memory.leader >= 0 && is_touched(&memory.reach, (unsigned)memory.leader - memory.first);
    memory.dropped = dropped(plant);
    return true;
}

JEP_ACT(start)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    if (!aim(plant, plan)) {
        *ret_value = jep_effect_skipped(plant, arena, "nobody leads");
        return true;
    }
    set_cuts(plant, true, (uint32_t)jep_aim_int(plan, "flap-ms"));
    jep_evidence_node(&e, "leader", plant, memory.leader);
    jep_evidence_bool(&e, "leader-cut", memory.leader_is_cut);
    *ret_value = jep_effect_told(plant, memory.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

struct election {
    const struct jep_plant *plant;
    unsigned cluster;
};

static bool does_another_lead(void *ctx)
{
    const struct election *election = ctx;
    int leader = jep_plant_leader(election->plant, election->cluster, 500);
    return leader >= 0 && leader != memory.leader;
}

/* The leader stops as a process of a machine that swaps, is cut off meanwhile, and goes on once
 * another leads: it takes itself for the leader until its timer has run once more, and clients ask
 * it. */
JEP_ACT(start_deposed)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    if (!aim(plant, plan)) {
        *ret_value = jep_effect_skipped(plant, arena, "nobody leads");
        return true;
    }
    struct election election = {plant, jep_effect_cluster(plan)};
    uint64_t term = jep_effect_term(plant, election.cluster);
    jep_node_pause(plant, (unsigned)memory.leader);
    set_cuts(plant, true, 0);
    bool is_deposed = jep_part_wait(does_another_lead, &election, JEP_LEADER_WAIT_MS);
    jep_sleep_ms((unsigned)jep_aim_int(plan, "asleep-ms"));
    uint64_t later = jep_effect_term(plant, election.cluster);
    jep_node_resume(plant, (unsigned)memory.leader);
    jep_evidence_node(&e, "leader", plant, memory.leader);
    jep_evidence_bool(&e, "deposed", is_deposed);
    jep_evidence_int(&e, "term-before", (int64_t)term);
    jep_evidence_int(&e, "term-after", (int64_t)later);
    *ret_value = jep_effect_told(plant, memory.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    uint64_t now = dropped(plant) - memory.dropped;
    int leader = jep_plant_leader(plant, jep_effect_cluster(plan), 1000);
    set_cuts(plant, false, 0);
    jep_evidence_int(&e, "dropped", (int64_t)now);
    jep_evidence_node(&e, "leader", plant, memory.leader);
    jep_evidence_bool(&e, "leader-cut", memory.leader_is_cut);
    jep_evidence_node(&e, "leader-after", plant, leader);
    *ret_value = jep_effect_told(plant, memory.nodes,
        now > 0 && memory.leader_is_cut ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    memset(&memory, 0, sizeof(memory));
    return true;
}

#define PARTITION(name, flags, plan)                                                               \
    {                                                                                              \
        "partition-" name, "partition", JEP_CAN_LINK, flags, plan, start, stop                     \
    }

const struct jep_nemesis jep_nemeses_partition[] = {
    PARTITION("one", 0, plan_one),
    PARTITION("leader", 0, plan_leader),
    {"partition-deposed", "partition", JEP_CAN_LINK | JEP_CAN_SIGNAL, 0, plan_deposed,
        start_deposed, stop},
    PARTITION("halves", 0, plan_halves),
    PARTITION("ring", JEP_NEMESIS_MAJORITY, plan_ring),
    PARTITION("bridge", 0, plan_bridge),
    PARTITION("one-way", 0, plan_one_way),
    PARTITION("flapping", 0, plan_flap),
    PARTITION("all", JEP_NEMESIS_MAJORITY, plan_all),
    {.name = NULL},
};
