#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Restarts of one node after the other, each waited for: with the same build, or from one build to
 * another and back (--old-bin). Seen to have happened where each stopped with exit code 0, and
 * served again. */

enum {
    STOP_MS = 15000,
    SERVES_MS = 8000
};

static struct jep_edn plan_order(
    struct jep_rng *rng, const struct jep_shape *shape, struct jep_arena *arena)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_ALL, arena, NULL);
    return jep_edn_take_map(&map, arena);
}

/* One after the other, in the plan's order. False: the harness could not start one. */
static bool roll(struct jep_plant *plant, const struct jep_edn *plan, bool to_old,
    struct jep_arena *arena, struct jep_edn *ret_value, struct jep_message *message)
{
    struct jep_evidence e = {.arena = arena};
    const struct jep_edn *names = jep_edn_get(plan, "nodes");
    unsigned stopped = 0, serving = 0, count = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        int node = jep_plant_find(plant, names->items[i].text);
        if (node < 0 || !jep_node_is_member(plant, (unsigned)node) ||
            jep_node_state(plant, (unsigned)node) != JEP_NODE_UP) {
            continue;
        }
        count++;
        stopped += jep_node_stop(plant, (unsigned)node, STOP_MS);
        plant->parts[node].runs_old = to_old;
        if (!jep_node_start(plant, (unsigned)node, message)) {
            return false;
        }
        serving += jep_part_wait_serves(plant, (unsigned)node, SERVES_MS);
    }
    jep_evidence_int(&e, "nodes", count);
    jep_evidence_int(&e, "stopped-cleanly", stopped);
    jep_evidence_int(&e, "serve-again", serving);
    *ret_value = jep_effect_told(plant, jep_effect_named(plant, names),
        count > 0 && stopped == count && serving == count ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

JEP_ACT(start_restart)
{
    return roll(plant, plan, false, arena, ret_value, message);
}

JEP_ACT(stop_restart)
{
    struct jep_evidence e = {.arena = arena};
    (void)plan, (void)message;
    *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(start_upgrade)
{
    if (plant->options.old_bin == NULL) {
        *ret_value = jep_effect_skipped(plant, arena, "no other build given (--old-bin)");
        return true;
    }
    return roll(plant, plan, true, arena, ret_value, message);
}

JEP_ACT(stop_upgrade)
{
    if (plant->options.old_bin == NULL) {
        return stop_restart(plant, plan, arena, ret_value, message);
    }
    return roll(plant, plan, false, arena, ret_value, message);
}

const struct jep_nemesis jep_nemeses_upgrade[] = {
    {"rolling-restart", "restart", JEP_CAN_SIGNAL, JEP_NEMESIS_INSTANT, plan_order, start_restart,
        stop_restart},
    {"rolling-upgrade", "upgrade", JEP_CAN_SIGNAL, 0, plan_order, start_upgrade, stop_upgrade},
    {.name = NULL},
};
