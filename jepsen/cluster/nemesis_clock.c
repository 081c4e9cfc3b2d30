#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Wall clocks that jump, run fast or slow, or jump to and fro. The monotonic clock, which timers
 * use, stays true. Seen to have happened where every node concerned has read its clock since and
 * was told another time than the true one. */

enum {
    JUMP_LOG2_MIN = 2,  /* 4 ms */
    JUMP_LOG2_MAX = 24, /* 4.6 h; below JEP_CLOCK_BASE_S */
    DRIFT_PPM_MAX = 500000,
    STROBE_MS_MIN = 1,
    STROBE_MS_MAX = 500
};

static struct {
    unsigned nodes;
    uint64_t reads[JEP_NODES_MAX], changes[JEP_NODES_MAX];
} memory;

/* --- plans ------------------------------------------------------------------------------- */

static int64_t jump_ms(struct jep_rng *rng)
{
    int64_t size = (int64_t)1 << jep_rng_between(rng, JUMP_LOG2_MIN, JUMP_LOG2_MAX);
    return jep_rng_chance(rng, 1, 2) ? size : -size;
}

static struct jep_edn plan_clock(
    struct jep_rng *rng, const struct jep_shape *shape, struct jep_arena *arena, const char *kind)
{
    static const enum jep_target targets[] = {JEP_TARGET_ONE, JEP_TARGET_MINORITY,
        JEP_TARGET_MAJORITY, JEP_TARGET_ALL, JEP_TARGET_LEADER};
    struct jep_edn_list map = {0}, numbers = {0};
    jep_edn_put(&map, "kind", jep_edn_keyword(kind));
    jep_aim_nodes(&map, rng, shape, targets[jep_rng_below(rng, 5)], arena, NULL);
    /* Each node has its own: by its number. */
    for (unsigned i = 0; i < shape->nodes; i++) {
        bool is_drift = strcmp(kind, "drift") == 0;
        jep_edn_push(&numbers,
            jep_edn_int(
                is_drift ? jep_rng_between(rng, -DRIFT_PPM_MAX, DRIFT_PPM_MAX) : jump_ms(rng)));
    }
    jep_edn_put(
        &map, strcmp(kind, "drift") == 0 ? "ppm" : "jump-ms", jep_edn_take_vector(&numbers, arena));
    if (strcmp(kind, "strobe") == 0) {
        jep_edn_put(
            &map, "every-ms", jep_edn_int(jep_rng_between(rng, STROBE_MS_MIN, STROBE_MS_MAX)));
    }
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_jump)
{
    return plan_clock(rng, shape, arena, "jump");
}

JEP_PLAN(plan_drift)
{
    return plan_clock(rng, shape, arena, "drift");
}

JEP_PLAN(plan_strobe)
{
    return plan_clock(rng, shape, arena, "strobe");
}

/* --- acting ------------------------------------------------------------------------------ */

static int64_t number_of(const struct jep_edn *plan, const char *key, unsigned at)
{
    const struct jep_edn *numbers = jep_edn_get(plan, key);
    return numbers != NULL && at < numbers->count ? numbers->items[at].integer : 0;
}

static void set_clock(struct jep_part *p, const struct jep_edn *plan)
{
    struct jep_clock_page *page = p->wish.clock;
    int64_t jump_ns = number_of(plan, "jump-ms", p->info.number) * 1000000;
    if (strcmp(jep_aim_keyword(plan, "kind"), "strobe") == 0) {
        jep_wish_set(page->strobe_ns, jump_ns);
        jep_wish_set(page->strobe_ms, jep_aim_int(plan, "every-ms"));
        return;
    }
    jep_wish_set(page->drift_since_ns, jep_now_ns());
    jep_wish_set(page->drift_ppm, number_of(plan, "ppm", p->info.number));
    jep_wish_set(page->offset_ns, (int64_t)JEP_CLOCK_BASE_S * 1000000000 + jump_ns);
}

JEP_ACT(start)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    memory.nodes = jep_effect_nodes(plant, plan, NULL);
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_part *p = &plant->parts[i];
        if ((memory.nodes >> i & 1) != 0) {
            memory.reads[i] = jep_wish_get(p->wish.clock->reads);
            memory.changes[i] = jep_wish_get(p->wish.clock->changes);
            set_clock(p, plan);
        }
    }
    *ret_value = jep_effect_told(plant, memory.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    bool is_strobe = strcmp(jep_aim_keyword(plan, "kind"), "strobe") == 0;
    bool is_seen = memory.nodes != 0;
    int64_t reads = 0, changes = 0, furthest_ms = 0;
    (void)message;
    for (unsigned i = 0; i < plant->count; i++) {
        const struct jep_clock_page *page = plant->parts[i].wish.clock;
        if ((memory.nodes >> i & 1) == 0) {
            continue;
        }
        int64_t read = (int64_t)(jep_wish_get(page->reads) - memory.reads[i]);
        int64_t changed = (int64_t)(jep_wish_get(page->changes) - memory.changes[i]);
        int64_t off_ms =
            (jep_wish_get(page->last_offset_ns) - (int64_t)JEP_CLOCK_BASE_S * 1000000000) / 1000000;
        furthest_ms = llabs(off_ms) > llabs(furthest_ms) ? off_ms : furthest_ms;
        reads += read;
        changes += changed;
        is_seen = is_seen && read > 0 && (is_strobe ? changed > 1 : off_ms != 0);
        jep_part_heal_clock_wish(&plant->parts[i]);
    }
    jep_evidence_int(&e, "reads", reads);
    jep_evidence_int(&e, "offset-ms", furthest_ms);
    jep_evidence_int(&e, "changes", changes);
    *ret_value =
        jep_effect_told(plant, memory.nodes, is_seen ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    memory.nodes = 0;
    return true;
}

const struct jep_nemesis jep_nemeses_clock[] = {
    {"clock-jump", "clock", JEP_CAN_CLOCK, 0, plan_jump, start, stop},
    {"clock-drift", "clock", JEP_CAN_CLOCK, 0, plan_drift, start, stop},
    {"clock-strobe", "clock", JEP_CAN_CLOCK, 0, plan_strobe, start, stop},
    {.name = NULL},
};
