#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Processes: killed, paused, stopped as an operator would, and killed over and over. Seen to have
 * happened where the process is gone (or is stopped, says the kernel), and, of a leader, where a
 * later term came. */

enum {
    STOP_MS = 15000, /* timers.shutdown_ms of the product is 10 s */
    LOOPS_MIN = 3,
    LOOPS_MAX = 8,
    LOOP_GAP_MS_MIN = 20,
    LOOP_GAP_MS_MAX = 600, /* from before it listens to after it has joined in */
    STUTTERS = 25,
    STUTTER_MS_MIN = 20,
    STUTTER_MS_MAX = 140 /* below the election timer of 150 ms */
};

struct memory {
    unsigned nodes, was_leader;
    uint64_t term;
    unsigned ended;
    int64_t since_ns;
};
static struct memory killed, paused, stopped;

/* --- plans ------------------------------------------------------------------------------- */

static struct jep_edn plan_target(struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, enum jep_target target)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, target, arena, NULL);
    return jep_edn_take_map(&map, arena);
}

#define PLAN_TARGET(function, target)                                                              \
    JEP_PLAN(function)                                                                             \
    {                                                                                              \
        return plan_target(rng, shape, arena, target);                                             \
    }

PLAN_TARGET(plan_one, JEP_TARGET_ONE)
PLAN_TARGET(plan_leader, JEP_TARGET_LEADER)
PLAN_TARGET(plan_minority, JEP_TARGET_MINORITY)
PLAN_TARGET(plan_majority, JEP_TARGET_MAJORITY)
PLAN_TARGET(plan_all, JEP_TARGET_ALL)

static struct jep_edn plan_loop(struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, enum jep_target target)
{
    struct jep_edn_list map = {0}, gaps = {0};
    int64_t count = jep_rng_between(rng, LOOPS_MIN, LOOPS_MAX);
    jep_aim_nodes(&map, rng, shape, target, arena, NULL);
    for (int64_t i = 0; i < count; i++) {
        jep_edn_push(&gaps, jep_edn_int(jep_rng_between(rng, LOOP_GAP_MS_MIN, LOOP_GAP_MS_MAX)));
    }
    jep_edn_put(&map, "gaps-ms", jep_edn_take_vector(&gaps, arena));
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_loop_minority)
{
    return plan_loop(rng, shape, arena, JEP_TARGET_MINORITY);
}

JEP_PLAN(plan_loop_majority)
{
    return plan_loop(rng, shape, arena, JEP_TARGET_MAJORITY);
}

/* --- common ------------------------------------------------------------------------------ */

static bool begin(struct memory *m, const struct jep_plant *plant, const struct jep_edn *plan)
{
    int leader;
    memset(m, 0, sizeof(*m));
    m->nodes = jep_effect_nodes(plant, plan, &leader);
    m->was_leader = leader >= 0 ? 1u << leader & m->nodes : 0;
    m->term = m->was_leader != 0 ? jep_effect_term(plant, jep_effect_cluster(plan)) : 0;
    m->since_ns = jep_now_ns();
    return m->nodes != 0;
}

/* Of a leader: the term that the others are in by now. */
static uint64_t term_after(
    const struct memory *m, const struct jep_plant *plant, const struct jep_edn *plan)
{
    return m->was_leader != 0 ? jep_effect_term(plant, jep_effect_cluster(plan)) : 0;
}

/* What is told at the stop of each: ended, and of a leader the terms. */
static struct jep_edn tell(const struct memory *m, const struct jep_plant *plant, uint64_t term,
    unsigned done, struct jep_arena *arena)
{
    struct jep_evidence e = {.arena = arena};
    jep_evidence_int(&e, "count", __builtin_popcount(done));
    jep_evidence_int(&e, "ms", (jep_now_ns() - m->since_ns) / 1000000);
    if (m->was_leader != 0) {
        jep_evidence_bool(&e, "leader", true);
        jep_evidence_int(&e, "term-before", (int64_t)m->term);
        jep_evidence_int(&e, "term-after", (int64_t)term);
    }
    return jep_effect_told(
        plant, m->nodes, done == m->nodes && done != 0 ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
}

static bool start_all(struct jep_plant *plant, unsigned nodes, struct jep_message *message)
{
    bool is_started = true;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes >> i & 1) != 0) {
            is_started = jep_node_start(plant, i, message) && is_started;
        }
    }
    return is_started;
}

static unsigned in_state(const struct jep_plant *plant, unsigned nodes, enum jep_node_state state)
{
    unsigned found = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes >> i & 1) != 0 && jep_node_state(plant, i) == state) {
            found |= 1u << i;
        }
    }
    return found;
}

/* --- kill -------------------------------------------------------------------------------- */

JEP_ACT(start_kill)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    if (!begin(&killed, plant, plan)) {
        *ret_value = jep_effect_skipped(plant, arena, "nobody leads");
        return true;
    }
    jep_part_kill_all(plant, killed.nodes);
    killed.ended = in_state(plant, killed.nodes, JEP_NODE_DOWN);
    *ret_value = jep_effect_told(plant, killed.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(stop_kill)
{
    uint64_t term = term_after(&killed, plant, plan);
    bool is_started = start_all(plant, killed.nodes, message);
    *ret_value = tell(&killed, plant, term, killed.ended, arena);
    return is_started;
}

/* --- pause ------------------------------------------------------------------------------- */

/* What the kernel says of it: 'T', stopped by a signal (proc(5), stat). */
static bool is_stopped(pid_t pid)
{
    char path[64], state = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(path, "re");
    if (stat == NULL) {
        return false;
    }
    bool is_read = fscanf(stat, "%*d (%*[^)]) %c", &state) == 1;
    (void)fclose(stat);
    return is_read && state == 'T';
}

static unsigned seen_stopped(const struct jep_plant *plant, unsigned nodes)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes >> i & 1) != 0 && plant->parts[i].pid > 0 && is_stopped(plant->parts[i].pid)) {
            seen |= 1u << i;
        }
    }
    return seen;
}

JEP_ACT(start_pause)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    if (!begin(&paused, plant, plan)) {
        *ret_value = jep_effect_skipped(plant, arena, "nobody leads");
        return true;
    }
    for (unsigned i = 0; i < plant->count; i++) {
        if ((paused.nodes >> i & 1) != 0) {
            jep_node_pause(plant, i);
        }
    }
    *ret_value = jep_effect_told(plant, paused.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(stop_pause)
{
    (void)message;
    unsigned seen = seen_stopped(plant, paused.nodes);
    uint64_t term = term_after(&paused, plant, plan);
    for (unsigned i = 0; i < plant->count; i++) {
        if ((paused.nodes >> i & 1) != 0) {
            jep_node_resume(plant, i);
        }
    }
    *ret_value = tell(&paused, plant, term, seen, arena);
    return true;
}

/* --- clean stop -------------------------------------------------------------------------- */

JEP_ACT(start_stop)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    if (!begin(&stopped, plant, plan)) {
        *ret_value = jep_effect_skipped(plant, arena, "nobody leads");
        return true;
    }
    for (unsigned i = 0; i < plant->count; i++) {
        bool is_up = jep_node_state(plant, i) == JEP_NODE_UP;
        if ((stopped.nodes >> i & 1) != 0 && is_up && jep_node_stop(plant, i, STOP_MS)) {
            stopped.ended |= 1u << i;
        }
    }
    *ret_value = jep_effect_told(plant, stopped.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(stop_stop)
{
    uint64_t term = term_after(&stopped, plant, plan);
    bool is_started = start_all(plant, stopped.nodes, message);
    *ret_value = tell(&stopped, plant, term, stopped.ended, arena);
    return is_started;
}

/* --- crash loop -------------------------------------------------------------------------- */

JEP_ACT(start_loop)
{
    struct jep_evidence e = {.arena = arena};
    const struct jep_edn *gaps = jep_edn_get(plan, "gaps-ms");
    unsigned nodes = jep_effect_nodes(plant, plan, NULL), ended = 0;
    for (uint32_t i = 0; gaps != NULL && i < gaps->count; i++) {
        jep_part_kill_all(plant, nodes);
        ended += (unsigned)__builtin_popcount(in_state(plant, nodes, JEP_NODE_DOWN));
        if (!start_all(plant, nodes, message)) {
            return false;
        }
        jep_sleep_ms((unsigned)gaps->items[i].integer);
    }
    jep_evidence_int(&e, "ended", ended);
    *ret_value = jep_effect_told(plant, nodes, ended > 0 ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

JEP_ACT(stop_loop)
{
    struct jep_evidence e = {.arena = arena};
    unsigned nodes = jep_effect_nodes(plant, plan, NULL);
    unsigned up = in_state(plant, nodes, JEP_NODE_UP);
    jep_evidence_int(&e, "up", __builtin_popcount(up));
    bool is_started = start_all(plant, nodes, message);
    *ret_value = jep_effect_told(plant, nodes, JEP_EFFECT_LATER, &e);
    return is_started;
}

/* --- stutter ----------------------------------------------------------------------------- */

/* A process that gets the processor now and then: never silent for long enough to be dead. */
JEP_PLAN(plan_stutter)
{
    struct jep_edn_list map = {0}, pauses = {0};
    bool is_leader = jep_rng_chance(rng, 1, 2);
    jep_aim_nodes(
        &map, rng, shape, is_leader ? JEP_TARGET_LEADER : JEP_TARGET_MINORITY, arena, NULL);
    for (int i = 0; i < STUTTERS; i++) {
        int64_t still_ms = jep_rng_between(rng, STUTTER_MS_MIN, STUTTER_MS_MAX);
        jep_edn_push(&pauses, jep_edn_int(still_ms));
        jep_edn_push(&pauses, jep_edn_int(jep_rng_between(rng, 5, still_ms)));
    }
    jep_edn_put(&map, "still-and-go-ms", jep_edn_take_vector(&pauses, arena));
    return jep_edn_take_map(&map, arena);
}

JEP_ACT(start_stutter)
{
    struct jep_evidence e = {.arena = arena};
    const struct jep_edn *pauses = jep_edn_get(plan, "still-and-go-ms");
    unsigned nodes = jep_effect_nodes(plant, plan, NULL), seen = 0;
    int64_t still_ms = 0;
    (void)message;
    for (uint32_t i = 0; pauses != NULL && i + 1 < pauses->count; i += 2) {
        for (unsigned node = 0; node < plant->count; node++) {
            if ((nodes >> node & 1) != 0) {
                jep_node_pause(plant, node);
            }
        }
        jep_sleep_ms((unsigned)pauses->items[i].integer);
        seen |= seen_stopped(plant, nodes);
        still_ms += pauses->items[i].integer;
        for (unsigned node = 0; node < plant->count; node++) {
            if ((nodes >> node & 1) != 0) {
                jep_node_resume(plant, node);
            }
        }
        jep_sleep_ms((unsigned)pauses->items[i + 1].integer);
    }
    jep_evidence_int(&e, "still-ms", still_ms);
    *ret_value = jep_effect_told(
        plant, nodes, seen == nodes && nodes != 0 ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

JEP_ACT(stop_stutter)
{
    struct jep_evidence e = {.arena = arena};
    (void)plan, (void)message;
    *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
    return true;
}

#define PROCESS(family, name, flags, plan, start, stop)                                            \
    {                                                                                              \
        family "-" name, family, JEP_CAN_SIGNAL, flags, plan, start, stop                          \
    }

const struct jep_nemesis jep_nemeses_process[] = {
    PROCESS("kill", "one", 0, plan_one, start_kill, stop_kill),
    PROCESS("kill", "leader", 0, plan_leader, start_kill, stop_kill),
    PROCESS("kill", "minority", 0, plan_minority, start_kill, stop_kill),
    PROCESS("kill", "majority", JEP_NEMESIS_MAJORITY, plan_majority, start_kill, stop_kill),
    PROCESS("kill", "all", JEP_NEMESIS_MAJORITY, plan_all, start_kill, stop_kill),
    PROCESS("pause", "one", 0, plan_one, start_pause, stop_pause),
    PROCESS("pause", "leader", 0, plan_leader, start_pause, stop_pause),
    PROCESS("pause", "minority", 0, plan_minority, start_pause, stop_pause),
    PROCESS("pause", "majority", JEP_NEMESIS_MAJORITY, plan_majority, start_pause, stop_pause),
    PROCESS("pause", "all", JEP_NEMESIS_MAJORITY, plan_all, start_pause, stop_pause),
    PROCESS("stop", "one", 0, plan_one, start_stop, stop_stop),
    PROCESS("stop", "leader", 0, plan_leader, start_stop, stop_stop),
    PROCESS("stop", "majority", JEP_NEMESIS_MAJORITY, plan_majority, start_stop, stop_stop),
    PROCESS("crash-loop", "minority", 0, plan_loop_minority, start_loop, stop_loop),
    PROCESS(
        "crash-loop", "majority", JEP_NEMESIS_MAJORITY, plan_loop_majority, start_loop, stop_loop),
    {"stutter", "stutter", JEP_CAN_SIGNAL, JEP_NEMESIS_INSTANT, plan_stutter, start_stutter,
        stop_stutter},
    {.name = NULL},
};
