#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Gateways: killed at any time, or within a step that is seen in their files; paused; cut off from
 * all nodes, both ways or one: what is lost from the gateway is a receipt, what is lost from the
 * nodes is its acknowledgement, so that it comes twice; their clocks jump. */

enum {
    JUMP_LOG2_MIN = 2,    /* 4 ms */
    JUMP_LOG2_MAX = 14,   /* 16 s: three times what a leaf is good for */
    STEP_MS = 6000,       /* until something is seen to be written */
    AFTER_US_MAX = 40000, /* a press answers after 20 ms */
    FLAP_MS_MIN = 100,
    FLAP_MS_MAX = 800
};

static struct {
    unsigned gates; /* bits */
    uint64_t cut[JEP_GATES_MAX][2], reads[JEP_GATES_MAX];
    unsigned ended;
    int64_t since_ns;
} memory;

/* --- whom -------------------------------------------------------------------------------- */

/* {:gateways ["gw1"]}, or both, one time in four. */
static void aim(struct jep_edn_list *map, struct jep_rng *rng, struct jep_arena *arena)
{
    struct jep_edn names[2] = {jep_edn_string("gw1"), jep_edn_string("gw2")};
    size_t first = jep_rng_below(rng, 2);
    bool is_both = jep_rng_chance(rng, 1, 4);
    jep_edn_put(map, "gateways",
        is_both ? jep_edn_vector(arena, names, 2) : jep_edn_vector(arena, &names[first], 1));
}

static unsigned gates_of(const struct jep_plant *plant, const struct jep_edn *plan)
{
    const struct jep_edn *names = jep_edn_get(plan, "gateways");
    unsigned gates = 0;
    for (uint32_t i = 0; names != NULL && i < names->count; i++) {
        for (unsigned g = 0; g < jep_gates_count(plant); g++) {
            gates |= strcmp(names->items[i].text, jep_gate_name(plant, g)) == 0 ? 1u << g : 0;
        }
    }
    return gates;
}

static bool begin(struct jep_plant *plant, const struct jep_edn *plan)
{
    memset(&memory, 0, sizeof(memory));
    memory.gates = gates_of(plant, plan);
    memory.since_ns = jep_now_ns();
    return memory.gates != 0;
}

static bool tell(const struct jep_plant *plant, enum jep_effect effect, struct jep_evidence *e,
    struct jep_edn *ret_value)
{
    struct jep_edn told = jep_effect_told(plant, 0, effect, e);
    struct jep_edn_list map = {0}, names = {0};
    for (uint32_t i = 0; i < 2 * told.count; i++) {
        jep_edn_push(&map, told.items[i]);
    }
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        if ((memory.gates >> g & 1) != 0) {
            jep_edn_push(&names, jep_edn_string_copy(e->arena, jep_gate_name(plant, g)));
        }
    }
    jep_edn_put(&map, "gateways", jep_edn_take_vector(&names, e->arena));
    *ret_value = jep_edn_take_map(&map, e->arena);
    return true;
}

static bool skip(struct jep_plant *plant, struct jep_arena *arena, struct jep_edn *ret_value)
{
    *ret_value = jep_effect_skipped(plant, arena, "no such gateway");
    return true;
}

JEP_PLAN(plan_gates)
{
    struct jep_edn_list map = {0};
    (void)shape;
    aim(&map, rng, arena);
    return jep_edn_take_map(&map, arena);
}

/* --- killed ------------------------------------------------------------------------------ */

static void kill_all(struct jep_plant *plant)
{
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        if ((memory.gates >> g & 1) != 0 && jep_gate_kill(plant, g)) {
            memory.ended |= 1u << g;
        }
    }
}

JEP_ACT(start_kill)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    if (!begin(plant, plan)) {
        return skip(plant, arena, ret_value);
    }
    kill_all(plant);
    jep_evidence_int(&e, "ended", __builtin_popcount(memory.ended));
    return tell(
        plant, memory.ended == memory.gates ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e, ret_value);
}

JEP_ACT(stop_kill)
{
    struct jep_evidence e = {.arena = arena};
    bool is_started = true;
    (void)plan;
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        if ((memory.gates >> g & 1) != 0) {
            is_started = jep_gate_start(plant, g, message) && is_started;
        }
    }
    (void)tell(plant, JEP_EFFECT_LATER, &e, ret_value);
    return is_started;
}

/* --- killed within a step ---------------------------------------------------------------- */

/* :journal: what is to be durable is being written (begun, receipts, ends); :told: the machine has
 * just been told. Then so many microseconds later. */
JEP_PLAN(plan_step)
{
    struct jep_edn_list map = {0};
    (void)shape;
    bool is_told = jep_rng_chance(rng, 1, 2);
    bool is_at_once = jep_rng_chance(rng, 1, 2);
    int64_t after_us = jep_rng_between(rng, 0, AFTER_US_MAX);
    jep_edn_put(&map, "at", jep_edn_keyword(is_told ? "told" : "journal"));
    jep_edn_put(&map, "after-us", jep_edn_int(is_at_once ? 0 : after_us));
    aim(&map, rng, arena);
    return jep_edn_take_map(&map, arena);
}

static int64_t size_of(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? (int64_t)found.st_size : 0;
}

/* Bytes of what its machines were told, or of its journal. */
static int64_t written(const struct jep_plant *plant, unsigned gate, bool is_told)
{
    char path[JEP_PART_PATH_BYTES + 32];
    int64_t bytes = 0;
    if (!is_told) {
        (void)snprintf(path, sizeof(path), "%s/data/journal", jep_gate_home(plant, gate));
        return size_of(path);
    }
    for (unsigned m = 1; m <= JEP_GATE_MACHINES; m++) {
        (void)snprintf(path, sizeof(path), "%s/press%u/told", jep_gate_home(plant, gate), m);
        bytes += size_of(path);
    }
    return bytes;
}

static void sleep_us(int64_t us)
{
    int64_t until = jep_now_ns() + us * 1000;
    while (jep_now_ns() < until) { /* At most 40 ms; a sleep is not that exact. */
    }
}

JEP_ACT(start_step)
{
    struct jep_evidence e = {.arena = arena};
    bool is_told = strcmp(jep_aim_keyword(plan, "at"), "told") == 0, is_seen = false;
    int64_t before[JEP_GATES_MAX] = {0};
    (void)message;
    if (!begin(plant, plan)) {
        return skip(plant, arena, ret_value);
    }
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        before[g] = written(plant, g, is_told);
    }
    int64_t deadline = memory.since_ns + STEP_MS * INT64_C(1000000);
    while (!is_seen && jep_now_ns() < deadline) {
        for (unsigned g = 0; g < jep_gates_count(plant); g++) {
            is_seen = is_seen ||
                      ((memory.gates >> g & 1) != 0 && written(plant, g, is_told) != before[g]);
        }
    }
    sleep_us(is_seen ? jep_aim_int(plan, "after-us") : 0);
    kill_all(plant);
    jep_evidence_bool(&e, "seen", is_seen);
    jep_evidence_int(&e, "ended", __builtin_popcount(memory.ended));
    return tell(plant, is_seen && memory.ended == memory.gates ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE,
        &e, ret_value);
}

/* --- paused ------------------------------------------------------------------------------ */

JEP_ACT(start_pause)
{
    struct jep_evidence e = {.arena = arena};
    unsigned paused = 0;
    (void)message;
    if (!begin(plant, plan)) {
        return skip(plant, arena, ret_value);
    }
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        paused |= (memory.gates >> g & 1) != 0 && jep_gate_pause(plant, g) ? 1u << g : 0;
    }
    jep_evidence_int(&e, "paused", __builtin_popcount(paused));
    return tell(plant, paused == memory.gates ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e, ret_value);
}

JEP_ACT(stop_pause)
{
    struct jep_evidence e = {.arena = arena};
    (void)plan, (void)message;
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        if ((memory.gates >> g & 1) != 0) {
            (void)jep_gate_resume(plant, g);
        }
    }
    return tell(plant, JEP_EFFECT_LATER, &e, ret_value);
}

/* --- cut off ----------------------------------------------------------------------------- */

JEP_PLAN(plan_flap)
{
    struct jep_edn_list map = {0};
    (void)shape;
    jep_edn_put(&map, "flap-ms", jep_edn_int(jep_rng_between(rng, FLAP_MS_MIN, FLAP_MS_MAX)));
    aim(&map, rng, arena);
    return jep_edn_take_map(&map, arena);
}

/* Of the gateway's links with all nodes: [0] from it, [1] to it. */
static void count_cuts(struct jep_plant *plant, unsigned gate, uint64_t ret_cut[2])
{
    unsigned port = plant->count + 1 + gate;
    ret_cut[0] = ret_cut[1] = 0;
    for (unsigned n = 1; n <= plant->count; n++) {
        struct jep_link_counts from, to;
        jep_switch_counts(plant->sw, port, n, &from);
        jep_switch_counts(plant->sw, n, port, &to);
        ret_cut[0] += from.cut;
        ret_cut[1] += to.cut;
    }
}

static void set_links(
    struct jep_plant *plant, unsigned gate, bool is_mute, bool is_deaf, uint32_t flap_ms)
{
    unsigned port = plant->count + 1 + gate;
    struct jep_link_rule from = {.is_cut = is_mute, .flap_ms = flap_ms};
    struct jep_link_rule to = {.is_cut = is_deaf, .flap_ms = flap_ms};
    for (unsigned n = 1; n <= plant->count; n++) {
        jep_switch_set(plant->sw, port, n, &from);
        jep_switch_set(plant->sw, n, port, &to);
    }
}

static bool cut(struct jep_plant *plant, const struct jep_edn *plan, struct jep_arena *arena,
    struct jep_edn *ret_value, bool is_mute, bool is_deaf)
{
    struct jep_evidence e = {.arena = arena};
    if (!begin(plant, plan)) {
        return skip(plant, arena, ret_value);
    }
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        if ((memory.gates >> g & 1) != 0) {
            count_cuts(plant, g, memory.cut[g]);
            set_links(plant, g, is_mute, is_deaf, (uint32_t)jep_aim_int(plan, "flap-ms"));
        }
    }
    return tell(plant, JEP_EFFECT_LATER, &e, ret_value);
}

JEP_ACT(start_cut)
{
    (void)message;
    return cut(plant, plan, arena, ret_value, true, true);
}

JEP_ACT(start_mute)
{
    (void)message;
    return cut(plant, plan, arena, ret_value, true, false);
}

JEP_ACT(start_deaf)
{
    (void)message;
    return cut(plant, plan, arena, ret_value, false, true);
}

JEP_ACT(stop_cut)
{
    struct jep_evidence e = {.arena = arena};
    uint64_t from = 0, to = 0;
    bool is_seen = memory.gates != 0;
    (void)plan, (void)message;
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        uint64_t now[2];
        if ((memory.gates >> g & 1) == 0) {
            continue;
        }
        count_cuts(plant, g, now);
        from += now[0] - memory.cut[g][0];
        to += now[1] - memory.cut[g][1];
        is_seen = is_seen && now[0] + now[1] > memory.cut[g][0] + memory.cut[g][1];
        set_links(plant, g, false, false, 0);
    }
    jep_evidence_int(&e, "dropped-from", (int64_t)from);
    jep_evidence_int(&e, "dropped-to", (int64_t)to);
    return tell(plant, is_seen ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e, ret_value);
}

/* --- clocks ------------------------------------------------------------------------------ */

JEP_PLAN(plan_clock)
{
    struct jep_edn_list map = {0};
    (void)shape;
    int64_t size = (int64_t)1 << jep_rng_between(rng, JUMP_LOG2_MIN, JUMP_LOG2_MAX);
    bool is_ahead = jep_rng_chance(rng, 1, 2);
    jep_edn_put(&map, "jump-ms", jep_edn_int(is_ahead ? size : -size));
    aim(&map, rng, arena);
    return jep_edn_take_map(&map, arena);
}

JEP_ACT(start_clock)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    if (!begin(plant, plan)) {
        return skip(plant, arena, ret_value);
    }
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        struct jep_clock_page *page = plant->gates[g].wish.clock;
        if ((memory.gates >> g & 1) != 0) {
            memory.reads[g] = jep_wish_get(page->reads);
            jep_wish_set(page->offset_ns,
                (int64_t)JEP_CLOCK_BASE_S * 1000000000 + jep_aim_int(plan, "jump-ms") * 1000000);
        }
    }
    return tell(plant, JEP_EFFECT_LATER, &e, ret_value);
}

JEP_ACT(stop_clock)
{
    struct jep_evidence e = {.arena = arena};
    bool is_seen = memory.gates != 0;
    int64_t reads = 0, furthest_ms = 0;
    (void)plan, (void)message;
    for (unsigned g = 0; g < jep_gates_count(plant); g++) {
        struct jep_clock_page *page = plant->gates[g].wish.clock;
        if ((memory.gates >> g & 1) == 0) {
            continue;
        }
        int64_t read = (int64_t)(jep_wish_get(page->reads) - memory.reads[g]);
        int64_t off_ms =
            (jep_wish_get(page->last_offset_ns) - (int64_t)JEP_CLOCK_BASE_S * 1000000000) / 1000000;
        furthest_ms = llabs(off_ms) > llabs(furthest_ms) ? off_ms : furthest_ms;
        reads += read;
        is_seen = is_seen && read > 0 && off_ms != 0;
        jep_wish_set(page->offset_ns, (int64_t)JEP_CLOCK_BASE_S * 1000000000);
    }
    jep_evidence_int(&e, "reads", reads);
    jep_evidence_int(&e, "offset-ms", furthest_ms);
    return tell(plant, is_seen ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e, ret_value);
}

#define GATEWAY(name, flags, plan, start, stop)                                                    \
    {                                                                                              \
        "gateway-" name, "gateway", JEP_CAN_SIGNAL, JEP_NEMESIS_GATEWAYS | (flags), plan, start,   \
            stop                                                                                   \
    }

const struct jep_nemesis jep_nemeses_gateway[] = {
    GATEWAY("kill", 0, plan_gates, start_kill, stop_kill),
    GATEWAY("step", JEP_NEMESIS_INSTANT, plan_step, start_step, stop_kill),
    GATEWAY("pause", 0, plan_gates, start_pause, stop_pause),
    GATEWAY("cut", 0, plan_gates, start_cut, stop_cut),
    GATEWAY("flap", 0, plan_flap, start_cut, stop_cut),
    GATEWAY("mute", 0, plan_gates, start_mute, stop_cut),
    GATEWAY("deaf", 0, plan_gates, start_deaf, stop_cut),
    GATEWAY("clock", 0, plan_clock, start_clock, stop_clock),
    {.name = NULL},
};
