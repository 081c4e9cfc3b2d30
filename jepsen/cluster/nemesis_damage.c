#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/damage.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/files.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* One node's disk returns something else than what was written: bits and blocks changed, the end
 * gone, an old directory put back. The node is down meanwhile, all others are whole, and have all
 * that it had acknowledged: so nothing that Weft promises is taken away. The way back is the one of
 * the runbooks: a node that refuses its disk joins anew with an empty one.
 *
 * Seen to have happened where the file is otherwise than before, in a place that was in use. What
 * the node made of it (refused to start, went on) is told, and judged by the other checks. */

enum {
    STOP_MS = 15000,
    FIRST_MS = 10000,   /* 256 entries at 30 a second */
    REACTION_MS = 6000, /* to refuse its disk, or to serve: reading a log of 64 MiB takes 1 s */
    LEVEL_MS = 5000,    /* for the others to have what it had */
    BACK_MS = 25000
};

static struct {
    int node; /* + 1; 0: none */
    bool has_refused;
} memory;

/* --- plans ------------------------------------------------------------------------------- */

enum {
    EITHER = -1 /* JEP_DAMAGE_FLIP or JEP_DAMAGE_BLOCK */
};

static struct jep_edn plan_damage(struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, enum jep_damage_part part, int how, int from_ppm, int to_ppm)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_ONE, arena, NULL);
    if (how == EITHER) {
        how = jep_rng_chance(rng, 1, 2) ? JEP_DAMAGE_FLIP : JEP_DAMAGE_BLOCK;
    }
    jep_edn_put(&map, "part", jep_edn_int(part));
    jep_edn_put(&map, "how", jep_edn_int(how));
    jep_edn_put(&map, "place-ppm", jep_edn_int(jep_rng_between(rng, from_ppm, to_ppm)));
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_log)
{
    return plan_damage(rng, shape, arena, JEP_DAMAGE_LOG, EITHER, 50000, 900000);
}

JEP_PLAN(plan_meta)
{
    return plan_damage(rng, shape, arena, JEP_DAMAGE_META, EITHER, 50000, 900000);
}

JEP_PLAN(plan_state)
{
    return plan_damage(rng, shape, arena, JEP_DAMAGE_STATE, EITHER, 50000, 900000);
}

JEP_PLAN(plan_checkpoint)
{
    return plan_damage(rng, shape, arena, JEP_DAMAGE_CHECKPOINT, EITHER, 50000, 900000);
}

JEP_PLAN(plan_truncate)
{
    return plan_damage(rng, shape, arena, JEP_DAMAGE_LOG, JEP_DAMAGE_TRUNCATE, 0, 999999);
}

/* The log says something else, in form, near its end; and the state is gone, so that it is read. */
JEP_PLAN(plan_reread)
{
    return plan_damage(rng, shape, arena, JEP_DAMAGE_LOG, JEP_DAMAGE_DIGIT, 900000, 990000);
}

JEP_PLAN(plan_old)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_ONE, arena, NULL);
    jep_edn_put(&map, "age-ms", jep_edn_int(jep_rng_between(rng, 500, 3000)));
    return jep_edn_take_map(&map, arena);
}

/* --- the others have it all -------------------------------------------------------------- */

struct level {
    struct jep_plant *plant;
    unsigned node;
    uint64_t index;
};

/* Looks at all members but the node: all answer, know a leader, and have applied the index. */
static bool others_are_level(void *ctx)
{
    struct level *level = ctx;
    struct jep_node_status s[JEP_NODES_MAX];
    bool is_known[JEP_NODES_MAX], is_level = true;
    unsigned cluster = level->plant->parts[level->node].info.cluster;
    uint64_t last = 0;
    (void)jep_plant_statuses(level->plant, cluster, 1000, s, is_known);
    for (unsigned i = 0; i < level->plant->count; i++) {
        if (i != level->node && level->plant->parts[i].info.cluster == cluster &&
            jep_node_is_member(level->plant, i)) {
            is_level = is_level && is_known[i] && s[i].leader_id != 0 && level->index > 0 &&
                       s[i].applied_index >= level->index;
            last = is_known[i] && s[i].last_log_index > last ? s[i].last_log_index : last;
        }
    }
    /* What the node helped to commit is in the log of one of them: the first look says how far. */
    level->index = level->index > 0 ? level->index : last;
    return is_level;
}

/* Takes the node down, and waits until the others have applied all that it had acknowledged. Where
 * that does not happen, *ret_is_down is false, and the node started again. */
static bool take_down(struct jep_plant *plant, unsigned node, bool is_clean, bool *ret_is_down,
    struct jep_message *message)
{
    struct level level = {plant, node, 0};
    *ret_is_down = false;
    if (!jep_part_take_disk(plant, node)) {
        return true;
    }
    if (is_clean) {
        (void)jep_node_stop(plant, node, STOP_MS);
    } else {
        jep_node_kill(plant, node);
    }
    *ret_is_down = jep_part_wait(others_are_level, &level, LEVEL_MS);
    if (*ret_is_down) {
        return true;
    }
    jep_part_give_back(plant, node);
    return jep_node_start(plant, node, message);
}

/* --- what the node makes of it ----------------------------------------------------------- */

static bool has_reacted(void *ctx)
{
    struct level *level = ctx;
    struct jep_node_status s;
    if (jep_node_state(level->plant, level->node) == JEP_NODE_DOWN) {
        return true;
    }
    return jep_node_status(level->plant, level->node, 500, &s) && strcmp(s.role, "voter") == 0 &&
           s.leader_id != 0;
}

static bool start_and_see(
    struct jep_plant *plant, unsigned node, struct jep_evidence *e, struct jep_message *message)
{
    struct level level = {plant, node, 0};
    if (!jep_node_start(plant, node, message)) {
        return false;
    }
    plant->parts[node].may_exit = true;
    bool has = jep_part_wait(has_reacted, &level, REACTION_MS);
    memory.has_refused = jep_node_state(plant, node) == JEP_NODE_DOWN;
    jep_evidence_text(e, "reaction",
        memory.has_refused ? "refused to start"
        : has              ? "serves"
                           : "neither ended nor serves");
    if (memory.has_refused) {
        plant->parts[node].is_held = true; /* no init system may try for ever */
    }
    return true;
}

static bool has_checkpoint(void *ctx)
{
    const struct level *level = ctx;
    struct jep_node_status s;
    return jep_node_status(level->plant, level->node, 500, &s) && s.checkpoint_index > 0;
}

/* So that the checkpoint is needed, and the log behind it. */
static bool lose_state(struct jep_plant *plant, unsigned node, struct jep_message *message)
{
    char state[JEP_PART_PATH_BYTES + 8];
    (void)snprintf(state, sizeof(state), "%s/state", plant->parts[node].data);
    return jep_files_remove(state, message);
}

JEP_ACT(start_damage)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_damage damage;
    unsigned nodes = jep_effect_nodes(plant, plan, NULL), node = (unsigned)__builtin_ctz(nodes);
    enum jep_damage_part part = (enum jep_damage_part)jep_aim_int(plan, "part");
    bool is_down;
    struct level level = {plant, node, 0};
    memory.node = 0;
    if (part == JEP_DAMAGE_CHECKPOINT) { /* The first is taken a few seconds after the start. */
        (void)jep_part_wait(has_checkpoint, &level, FIRST_MS);
    }
    if (!take_down(plant, node, part == JEP_DAMAGE_STATE, &is_down, message)) {
        return false;
    }
    if (!is_down) {
        *ret_value = jep_effect_skipped(plant, arena, "not all others are whole");
        return true;
    }
    memory.node = (int)node + 1;
    enum jep_damage_how how = (enum jep_damage_how)jep_aim_int(plan, "how");
    bool is_state_lost = part == JEP_DAMAGE_CHECKPOINT || how == JEP_DAMAGE_DIGIT;
    if (is_state_lost && !lose_state(plant, node, message)) {
        return false;
    }
    if (!jep_damage_do(plant->parts[node].data, part, how, (uint32_t)jep_aim_int(plan, "place-ppm"),
            &damage, message)) {
        return false;
    }
    plant->parts[node].is_damaged = plant->parts[node].is_damaged || damage.bytes > 0;
    if (!start_and_see(plant, node, &e, message)) {
        return false;
    }
    if (damage.bytes == 0) {
        *ret_value = jep_effect_skipped(plant, arena, "there is no such file yet");
        return true;
    }
    jep_evidence_text(&e, "file", damage.file);
    jep_evidence_int(&e, "offset", (int64_t)damage.offset);
    jep_evidence_int(&e, "bytes", (int64_t)damage.bytes);
    *ret_value = jep_effect_told(plant, nodes, JEP_EFFECT_SEEN, &e);
    return true;
}

/* --- an old directory -------------------------------------------------------------------- */

static bool copy_old(struct jep_plant *plant, unsigned node, const char *old, uint64_t *ret_index,
    struct jep_message *message)
{
    struct jep_node_status s;
    *ret_index = jep_node_status(plant, node, 1000, &s) ? s.last_log_index : 0;
    jep_node_kill(plant, node);
    return jep_files_remove(old, message) &&
           jep_files_copy(plant->parts[node].data, old, message) &&
           jep_node_start(plant, node, message);
}

static bool put_back(
    struct jep_plant *plant, unsigned node, const char *old, struct jep_message *message)
{
    const char *data = plant->parts[node].data;
    return jep_files_remove(data, message) && jep_files_copy(old, data, message) &&
           jep_files_remove(old, message);
}

JEP_ACT(start_old)
{
    struct jep_evidence e = {.arena = arena};
    unsigned nodes = jep_effect_nodes(plant, plan, NULL), node = (unsigned)__builtin_ctz(nodes);
    char old[JEP_PART_PATH_BYTES + 8];
    struct jep_node_status s;
    uint64_t before, now = 0;
    bool is_down;
    memory.node = 0;
    (void)snprintf(old, sizeof(old), "%s/old", plant->parts[node].scratch);
    if (!jep_part_take_disk(plant, node)) {
        *ret_value = jep_effect_skipped(plant, arena, "not all others are whole");
        return true;
    }
    if (!copy_old(plant, node, old, &before, message)) {
        return false;
    }
    (void)jep_part_wait_serves(plant, node, BACK_MS);
    jep_sleep_ms((unsigned)jep_aim_int(plan, "age-ms"));
    now = jep_node_status(plant, node, 1000, &s) ? s.last_log_index : 0;
    jep_part_give_back(plant, node);
    if (!take_down(plant, node, false, &is_down, message)) {
        return false;
    }
    if (!is_down) {
        *ret_value = jep_effect_skipped(plant, arena, "not all others are whole");
        return jep_files_remove(old, message);
    }
    memory.node = (int)node + 1;
    if (!put_back(plant, node, old, message) || !start_and_see(plant, node, &e, message)) {
        return false;
    }
    jep_evidence_int(&e, "index-of-copy", (int64_t)before);
    jep_evidence_int(&e, "index-before", (int64_t)now);
    *ret_value =
        jep_effect_told(plant, nodes, now > before ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

/* --- the way back ------------------------------------------------------------------------ */

static bool is_level(void *ctx)
{
    const struct level *level = ctx;
    struct jep_node_status s;
    return jep_node_status(level->plant, level->node, 1000, &s) &&
           s.applied_index >= level->index && s.leader_id != 0 && strcmp(s.role, "voter") == 0;
}

static bool catches_up(struct jep_plant *plant, unsigned node, unsigned timeout_ms)
{
    struct jep_node_status s;
    int leader = jep_plant_leader(plant, plant->parts[node].info.cluster, 1000);
    struct level level = {plant, node, 0};
    if (leader < 0 || !jep_node_status(plant, (unsigned)leader, 1000, &s)) {
        return false;
    }
    level.index = s.commit_index;
    return jep_part_wait(is_level, &level, timeout_ms);
}

JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    unsigned node = (unsigned)(memory.node > 0 ? memory.node - 1 : 0);
    (void)plan;
    if (memory.node == 0) {
        *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
        return true;
    }
    memory.node = 0;
    bool is_back = !memory.has_refused && catches_up(plant, node, REACTION_MS);
    jep_evidence_text(&e, "way-back", is_back ? "by itself" : "wiped, joined anew");
    if (!is_back) {
        if (!jep_node_wipe(plant, node, message) || !jep_node_start(plant, node, message)) {
            return false;
        }
        is_back = catches_up(plant, node, BACK_MS);
    }
    jep_evidence_bool(&e, "is-back", is_back);
    if (is_back) {
        jep_part_give_back(plant, node);
    }
    *ret_value = jep_effect_told(plant, 1u << node, JEP_EFFECT_LATER, &e);
    return true;
}

#define DAMAGE(name, plan, start)                                                                  \
    {                                                                                              \
        "damage-" name, "damage", JEP_CAN_SIGNAL, JEP_NEMESIS_DISK, plan, start, stop              \
    }

const struct jep_nemesis jep_nemeses_damage[] = {
    DAMAGE("log", plan_log, start_damage),
    DAMAGE("meta", plan_meta, start_damage),
    DAMAGE("state", plan_state, start_damage),
    DAMAGE("checkpoint", plan_checkpoint, start_damage),
    DAMAGE("reread", plan_reread, start_damage),
    DAMAGE("truncate", plan_truncate, start_damage),
    DAMAGE("old", plan_old, start_old),
    {.name = NULL},
};
