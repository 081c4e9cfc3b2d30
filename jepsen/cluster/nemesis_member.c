#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Members come and go, by the product's own commands, and a follower falls so far behind that only
 * a checkpoint brings it back. Seen to have happened where the site itself counts other voters (or
 * the node a checkpoint installed) afterwards. */

enum {
    COMMAND_MS = 10000,
    VOTERS_MS = 20000,
    TRIM_MS = 20000,
    CATCH_UP_MS = 20000
};

static struct {
    int node; /* + 1; 0: none */
    uint64_t last_index;
    unsigned voters;
} memory, behind;

/* --- common ------------------------------------------------------------------------------ */

JEP_PLAN(plan_follower)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_FOLLOWER, arena, NULL);
    jep_edn_put(&map, "draw", jep_edn_int(jep_rng_between(rng, 0, 1000000))); /* which of them */
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_leader)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_LEADER, arena, NULL);
    return jep_edn_take_map(&map, arena);
}

static void set_member(struct jep_plant *plant, unsigned node, bool is_member)
{
    (void)pthread_mutex_lock(&plant->lock);
    plant->parts[node].is_member = is_member;
    (void)pthread_mutex_unlock(&plant->lock);
}

/* Voters as the leader counts them; 0: nobody leads. */
static unsigned count_voters(const struct jep_plant *plant, unsigned cluster)
{
    struct jep_node_status s;
    int leader = jep_plant_leader(plant, cluster, 1000);
    return leader >= 0 && jep_node_status(plant, (unsigned)leader, 1000, &s) ? s.voters : 0;
}

struct wanted {
    struct jep_plant *plant;
    unsigned cluster, voters;
};

static bool has_voters(void *ctx)
{
    const struct wanted *w = ctx;
    return count_voters(w->plant, w->cluster) == w->voters;
}

static bool wait_voters(struct jep_plant *plant, unsigned cluster, unsigned voters)
{
    struct wanted w = {plant, cluster, voters};
    return jep_part_wait(has_voters, &w, VOTERS_MS);
}

/* Asks any node that is up, as often as it takes: a refusal while another change is under way, or
 * an answer lost with a leader, is asked again, and what counts is what the site says then. */
static bool command(
    struct jep_plant *plant, unsigned cluster, const char *verb, const char *name, unsigned voters)
{
    const char *const arguments[] = {"member", verb, name, NULL};
    struct jep_message ignored;
    bool is_answered = false;
    int64_t deadline = jep_now_ns() + VOTERS_MS * (int64_t)1000000;
    while (jep_now_ns() < deadline) {
        int leader = jep_plant_leader(plant, cluster, 1000);
        if (leader >= 0) {
            is_answered = jep_part_weft(plant, (unsigned)leader, arguments, COMMAND_MS, &ignored);
        }
        if (count_voters(plant, cluster) == voters) {
            return true;
        }
        jep_sleep_ms(is_answered ? 20 : 100);
    }
    return false;
}

static bool tell(struct jep_plant *plant, unsigned node, unsigned before, unsigned wanted,
    bool is_done, struct jep_arena *arena, struct jep_edn *ret_value)
{
    struct jep_evidence e = {.arena = arena};
    jep_evidence_int(&e, "voters-before", before);
    jep_evidence_int(&e, "voters-after",
        is_done ? wanted : count_voters(plant, plant->parts[node].info.cluster));
    *ret_value =
        jep_effect_told(plant, 1u << node, is_done ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

static bool skip(
    struct jep_plant *plant, struct jep_arena *arena, struct jep_edn *ret_value, const char *why)
{
    memory.node = 0;
    *ret_value = jep_effect_skipped(plant, arena, why);
    return true;
}

static bool nothing_to_stop(
    struct jep_plant *plant, struct jep_arena *arena, struct jep_edn *ret_value)
{
    struct jep_evidence e = {.arena = arena};
    *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
    return true;
}

/* --- grow -------------------------------------------------------------------------------- */

static int spare_of(const struct jep_plant *plant, unsigned cluster)
{
    for (unsigned i = 0; i < plant->count; i++) {
        const struct jep_node_info *info = &plant->parts[i].info;
        if (info->cluster == cluster && info->is_spare && !jep_node_is_member(plant, i)) {
            return (int)i;
        }
    }
    return -1;
}

JEP_ACT(start_grow)
{
    unsigned cluster = jep_effect_cluster(plan);
    int spare = spare_of(plant, cluster);
    memory.voters = count_voters(plant, cluster);
    if (spare < 0 || memory.voters == 0) {
        return skip(plant, arena, ret_value, spare < 0 ? "no spare node" : "nobody leads");
    }
    if (!jep_part_take_disk(plant, (unsigned)spare)) {
        return skip(plant, arena, ret_value, "not all others are whole");
    }
    memory.node = spare + 1;
    if (!jep_node_wipe(plant, (unsigned)spare, message) ||
        !jep_node_start(plant, (unsigned)spare, message)) {
        return false;
    }
    bool is_done = wait_voters(plant, cluster, memory.voters + 1);
    set_member(plant, (unsigned)spare, true);
    jep_part_give_back(plant, (unsigned)spare);
    return tell(
        plant, (unsigned)spare, memory.voters, memory.voters + 1, is_done, arena, ret_value);
}

JEP_ACT(stop_grow)
{
    unsigned node = (unsigned)(memory.node - 1);
    (void)plan;
    if (memory.node == 0) {
        return nothing_to_stop(plant, arena, ret_value);
    }
    memory.node = 0;
    unsigned cluster = plant->parts[node].info.cluster, before = count_voters(plant, cluster);
    bool is_done = command(plant, cluster, "remove", plant->parts[node].name, memory.voters);
    if (is_done) {
        set_member(plant, node, false);
        if (!jep_node_wipe(plant, node, message)) {
            return false;
        }
    }
    return tell(plant, node, before, memory.voters, is_done, arena, ret_value);
}

/* --- shrink, and grow again -------------------------------------------------------------- */

JEP_ACT(start_shrink)
{
    unsigned nodes = jep_effect_nodes(plant, plan, NULL), cluster = jep_effect_cluster(plan);
    unsigned node = nodes != 0 ? (unsigned)__builtin_ctz(nodes) : 0;
    (void)message;
    memory.voters = count_voters(plant, cluster);
    if (nodes == 0 || memory.voters < 3) {
        return skip(plant, arena, ret_value, "nobody leads, or too few vote");
    }
    if (!jep_part_take_disk(plant, node)) {
        return skip(plant, arena, ret_value, "not all others are whole");
    }
    memory.node = (int)node + 1;
    bool is_done = command(plant, cluster, "remove", plant->parts[node].name, memory.voters - 1);
    if (is_done) {
        set_member(plant, node, false);
        plant->parts[node].may_exit = true; /* nobody speaks with it any more */
    } else {
        memory.node = 0;
        jep_part_give_back(plant, node);
    }
    return tell(plant, node, memory.voters, memory.voters - 1, is_done, arena, ret_value);
}

static bool join_anew(struct jep_plant *plant, unsigned node, unsigned before,
    struct jep_arena *arena, struct jep_edn *ret_value, struct jep_message *message)
{
    if (!jep_node_wipe(plant, node, message) || !jep_node_start(plant, node, message)) {
        return false;
    }
    set_member(plant, node, true);
    bool is_done = wait_voters(plant, plant->parts[node].info.cluster, memory.voters) &&
                   jep_part_wait_serves(plant, node, CATCH_UP_MS);
    if (is_done) {
        jep_part_give_back(plant, node);
    }
    return tell(plant, node, before, memory.voters, is_done, arena, ret_value);
}

JEP_ACT(stop_shrink)
{
    unsigned node = (unsigned)(memory.node - 1);
    (void)plan;
    if (memory.node == 0) {
        return nothing_to_stop(plant, arena, ret_value);
    }
    memory.node = 0;
    unsigned before = count_voters(plant, plant->parts[node].info.cluster);
    return join_anew(plant, node, before, arena, ret_value, message);
}

/* --- replace ----------------------------------------------------------------------------- */

JEP_ACT(start_replace)
{
    struct jep_evidence e = {.arena = arena};
    unsigned nodes = jep_effect_nodes(plant, plan, NULL), cluster = jep_effect_cluster(plan);
    unsigned node = nodes != 0 ? (unsigned)__builtin_ctz(nodes) : 0;
    memory.voters = count_voters(plant, cluster);
    if (nodes == 0 || memory.voters == 0) {
        return skip(plant, arena, ret_value, "nobody leads");
    }
    if (!jep_part_take_disk(plant, node)) {
        return skip(plant, arena, ret_value, "not all others are whole");
    }
    memory.node = (int)node + 1;
    if (!jep_node_wipe(plant, node, message)) {
        return false;
    }
    *ret_value = jep_effect_told(plant, 1u << node, JEP_EFFECT_LATER, &e);
    return true;
}

/* --- hand over --------------------------------------------------------------------------- */

JEP_ACT(start_transfer)
{
    struct jep_evidence e = {.arena = arena};
    static const char *const arguments[] = {"member", "transfer", NULL};
    unsigned cluster = jep_effect_cluster(plan);
    int before = jep_plant_leader(plant, cluster, 1000);
    struct jep_message ignored;
    (void)message;
    if (before < 0) {
        return skip(plant, arena, ret_value, "nobody leads");
    }
    bool is_done = jep_part_weft(plant, (unsigned)before, arguments, COMMAND_MS, &ignored);
    int after = jep_plant_leader(plant, cluster, 1000);
    jep_evidence_node(&e, "leader-before", plant, before);
    jep_evidence_node(&e, "leader-after", plant, after);
    jep_evidence_bool(&e, "answered-done", is_done);
    *ret_value = jep_effect_told(
        plant, 1u << before, after >= 0 && after != before ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

JEP_ACT(stop_transfer)
{
    (void)plan, (void)message;
    return nothing_to_stop(plant, arena, ret_value);
}

/* --- behind the trimmed log -------------------------------------------------------------- */

JEP_ACT(start_behind)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_node_status s = {.last_log_index = 0};
    unsigned nodes = jep_effect_nodes(plant, plan, NULL);
    unsigned node = nodes != 0 ? (unsigned)__builtin_ctz(nodes) : 0;
    (void)message;
    behind.node = 0;
    if (nodes == 0 || !jep_node_status(plant, node, 1000, &s)) {
        *ret_value = jep_effect_skipped(plant, arena, "no follower answers");
        return true;
    }
    behind.node = (int)node + 1;
    jep_node_kill(plant, node);
    behind.last_index = s.last_log_index;
    jep_evidence_int(&e, "last-index", (int64_t)s.last_log_index);
    *ret_value = jep_effect_told(plant, nodes, JEP_EFFECT_LATER, &e);
    return true;
}

static bool is_trimmed(void *ctx)
{
    const struct jep_plant *plant = ctx;
    unsigned node = (unsigned)(behind.node - 1);
    int leader = jep_plant_leader(plant, plant->parts[node].info.cluster, 1000);
    struct jep_node_status s;
    return leader >= 0 && jep_node_status(plant, (unsigned)leader, 1000, &s) &&
           s.first_log_index > behind.last_index + 1;
}

static bool has_installed(void *ctx)
{
    const struct jep_plant *plant = ctx;
    struct jep_node_status s;
    return jep_node_status(plant, (unsigned)(behind.node - 1), 1000, &s) &&
           s.checkpoints_installed > 0 && s.applied_index > behind.last_index;
}

JEP_ACT(stop_behind)
{
    struct jep_evidence e = {.arena = arena};
    (void)plan;
    if (behind.node == 0) {
        return nothing_to_stop(plant, arena, ret_value);
    }
    unsigned node = (unsigned)(behind.node - 1);
    bool was_trimmed = jep_part_wait(is_trimmed, plant, TRIM_MS);
    if (!jep_node_start(plant, node, message)) {
        return false;
    }
    bool is_back = was_trimmed && jep_part_wait(has_installed, plant, CATCH_UP_MS);
    behind.node = 0;
    jep_evidence_bool(&e, "trimmed", was_trimmed);
    jep_evidence_bool(&e, "checkpoint-installed", is_back);
    *ret_value =
        jep_effect_told(plant, 1u << node, is_back ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

const struct jep_nemesis jep_nemeses_member[] = {
    {"member-grow", "member", JEP_CAN_SIGNAL, 0, plan_follower, start_grow, stop_grow},
    {"member-shrink", "member", JEP_CAN_SIGNAL, JEP_NEMESIS_DISK, plan_follower, start_shrink,
        stop_shrink},
    {"member-remove-leader", "member", JEP_CAN_SIGNAL, JEP_NEMESIS_DISK, plan_leader, start_shrink,
        stop_shrink},
    {"member-replace", "member", JEP_CAN_SIGNAL, JEP_NEMESIS_DISK, plan_follower, start_replace,
        stop_shrink},
    {"member-transfer", "member", JEP_CAN_SIGNAL, JEP_NEMESIS_INSTANT, plan_leader, start_transfer,
        stop_transfer},
    {"checkpoint-catchup", "checkpoint", JEP_CAN_SIGNAL, 0, plan_follower, start_behind,
        stop_behind},
    {.name = NULL},
};
