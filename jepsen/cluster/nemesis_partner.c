#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"

/* The line between two organizations: every link between a node of one and a node of the other is
 * cut, in one direction or both, for good or every other moment, or is slow. Within each site all
 * is well. Seen to have happened where the switch dropped, or delayed, frames between the two. */

enum {
    FLAP_MS_MIN = 200, /* about as long as a connection takes to be made, and several */
    FLAP_MS_MAX = 2000,
    DELAY_US_MIN = 20000, /* another city, another continent by satellite */
    DELAY_US_MAX = 600000,
    RATE_MIN = 8000, /* bytes a second: some records each */
    RATE_MAX = 200000
};

static struct {
    unsigned a, b; /* clusters; both 0: nothing is under way */
    bool is_one_way;
    struct jep_link_counts before;
} memory;

/* --- plans ------------------------------------------------------------------------------- */

/* The first site has an agreement with each other one: :from and :to, in the order drawn. */
static struct jep_edn plan_kind(
    struct jep_rng *rng, const struct jep_shape *shape, struct jep_arena *arena, const char *kind)
{
    struct jep_edn_list map = {0};
    int64_t other = shape->clusters > 1 ? jep_rng_between(rng, 1, shape->clusters - 1) : 0;
    bool is_turned = jep_rng_chance(rng, 1, 2);
    jep_edn_put(&map, "kind", jep_edn_keyword(kind));
    jep_edn_put(&map, "from", jep_edn_int(is_turned ? other : 0));
    jep_edn_put(&map, "to", jep_edn_int(is_turned ? 0 : other));
    if (strcmp(kind, "flap") == 0) {
        jep_edn_put(&map, "flap-ms", jep_edn_int(jep_rng_between(rng, FLAP_MS_MIN, FLAP_MS_MAX)));
    }
    if (strcmp(kind, "slow") == 0) {
        int64_t delay_us = jep_rng_between(rng, DELAY_US_MIN, DELAY_US_MAX);
        jep_edn_put(&map, "delay-us", jep_edn_int(delay_us));
        jep_edn_put(
            &map, "rate-bytes-per-s", jep_edn_int(jep_rng_between(rng, RATE_MIN, RATE_MAX)));
    }
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_cut)
{
    return plan_kind(rng, shape, arena, "cut");
}

JEP_PLAN(plan_one_way)
{
    return plan_kind(rng, shape, arena, "one-way");
}

JEP_PLAN(plan_slow)
{
    return plan_kind(rng, shape, arena, "slow");
}

JEP_PLAN(plan_flap)
{
    return plan_kind(rng, shape, arena, "flap");
}

/* --- acting ------------------------------------------------------------------------------ */

static bool is_between(const struct jep_plant *plant, unsigned from, unsigned to)
{
    unsigned a = plant->parts[from].info.cluster, b = plant->parts[to].info.cluster;
    return (a == memory.a && b == memory.b) ||
           (!memory.is_one_way && a == memory.b && b == memory.a);
}

static void set_rules(struct jep_plant *plant, const struct jep_link_rule *rule)
{
    for (unsigned i = 0; i < plant->count; i++) {
        for (unsigned k = 0; k < plant->count; k++) {
            if (i != k && is_between(plant, i, k)) {
                jep_switch_set(plant->sw, i + 1, k + 1, rule);
            }
        }
    }
}

static struct jep_link_counts sum_counts(const struct jep_plant *plant)
{
    struct jep_link_counts sum = {0};
    for (unsigned i = 0; i < plant->count; i++) {
        for (unsigned k = 0; k < plant->count; k++) {
            struct jep_link_counts c;
            if (i != k && is_between(plant, i, k)) {
                jep_switch_counts(plant->sw, i + 1, k + 1, &c);
                sum.passed += c.passed;
                sum.cut += c.cut;
                sum.delayed += c.delayed;
            }
        }
    }
    return sum;
}

JEP_ACT(start)
{
    struct jep_evidence e = {.arena = arena};
    const char *kind = jep_aim_keyword(plan, "kind");
    struct jep_link_rule rule = {.is_cut = strcmp(kind, "slow") != 0,
        .flap_ms = (uint32_t)jep_aim_int(plan, "flap-ms"),
        .delay_us = (uint32_t)jep_aim_int(plan, "delay-us"),
        .rate_bytes_per_s = (uint64_t)jep_aim_int(plan, "rate-bytes-per-s")};
    (void)message;
    memory.a = (unsigned)jep_aim_int(plan, "from");
    memory.b = (unsigned)jep_aim_int(plan, "to");
    memory.is_one_way = strcmp(kind, "one-way") == 0;
    if (memory.a == memory.b) {
        *ret_value = jep_effect_skipped(plant, arena, "there is one site");
        return true;
    }
    memory.before = sum_counts(plant);
    set_rules(plant, &rule);
    *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(stop)
{
    static const struct jep_link_rule whole;
    struct jep_evidence e = {.arena = arena};
    struct jep_link_counts now = sum_counts(plant);
    int64_t cut = (int64_t)(now.cut - memory.before.cut);
    int64_t delayed = (int64_t)(now.delayed - memory.before.delayed);
    (void)plan, (void)message;
    if (memory.a != memory.b) {
        set_rules(plant, &whole);
    }
    jep_evidence_int(&e, "cut", cut);
    jep_evidence_int(&e, "delayed", delayed);
    jep_evidence_int(&e, "passed", (int64_t)(now.passed - memory.before.passed));
    *ret_value =
        jep_effect_told(plant, 0, cut + delayed > 0 ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    memset(&memory, 0, sizeof(memory));
    return true;
}

#define PARTNER(name, plan)                                                                        \
    {                                                                                              \
        "partner-" name, "partner", JEP_CAN_LINK, JEP_NEMESIS_SITES, plan, start, stop             \
    }

const struct jep_nemesis jep_nemeses_partner[] = {
    PARTNER("cut", plan_cut),
    PARTNER("one-way", plan_one_way),
    PARTNER("slow", plan_slow),
    PARTNER("flap", plan_flap),
    {.name = NULL},
};
