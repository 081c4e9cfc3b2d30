#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"

/* Links that are bad, not cut: all links between the nodes of one cluster. Seen to have happened
 * where the switch counted frames to which it did it. Clients' links stay good, so that what they
 * are told comes to them. */

static struct {
    unsigned nodes;
    struct jep_link_counts before;
} memory;

/* --- plans ------------------------------------------------------------------------------- */

static struct jep_edn plan_rule(
    struct jep_rng *rng, const struct jep_shape *shape, struct jep_arena *arena, const char *kind)
{
    struct jep_edn_list map = {0};
    bool is_mix = strcmp(kind, "mix") == 0;
    jep_edn_put(&map, "kind", jep_edn_keyword(kind));
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_ALL, arena, NULL);
    /* Each range reaches from what a bad network has to what the election timer (150 ms) takes for
     * a dead leader. Of a mix, each part is mild. */
    if (strcmp(kind, "delay") == 0 || is_mix) {
        jep_edn_put(
            &map, "delay-us", jep_edn_int(jep_rng_between(rng, 2000, is_mix ? 8000 : 40000)));
        jep_edn_put(&map, "jitter-us", jep_edn_int(jep_rng_between(rng, 0, is_mix ? 8000 : 40000)));
    }
    if (strcmp(kind, "loss") == 0 || is_mix) {
        jep_edn_put(
            &map, "loss-ppm", jep_edn_int(jep_rng_between(rng, 5000, is_mix ? 20000 : 200000)));
    }
    if (strcmp(kind, "duplicate") == 0 || is_mix) {
        jep_edn_put(&map, "duplicate-ppm", jep_edn_int(jep_rng_between(rng, 50000, 400000)));
    }
    if (strcmp(kind, "reorder") == 0 || is_mix) {
        jep_edn_put(&map, "reorder-ppm", jep_edn_int(jep_rng_between(rng, 50000, 300000)));
        jep_edn_put(&map, "reorder-us", jep_edn_int(jep_rng_between(rng, 1000, 20000)));
    }
    if (strcmp(kind, "corrupt") == 0) {
        jep_edn_put(&map, "corrupt-ppm", jep_edn_int(jep_rng_between(rng, 500, 20000)));
    }
    if (strcmp(kind, "rate") == 0) {
        jep_edn_put(&map, "rate-bytes-per-s", jep_edn_int(jep_rng_between(rng, 20000, 400000)));
    }
    return jep_edn_take_map(&map, arena);
}

#define PLAN_RULE(function, kind)                                                                  \
    JEP_PLAN(function)                                                                             \
    {                                                                                              \
        return plan_rule(rng, shape, arena, kind);                                                 \
    }

PLAN_RULE(plan_delay, "delay")
PLAN_RULE(plan_loss, "loss")
PLAN_RULE(plan_duplicate, "duplicate")
PLAN_RULE(plan_reorder, "reorder")
PLAN_RULE(plan_corrupt, "corrupt")
PLAN_RULE(plan_rate, "rate")
PLAN_RULE(plan_mix, "mix")

/* --- acting ------------------------------------------------------------------------------ */

static void read_rule(const struct jep_edn *plan, struct jep_link_rule *rule)
{
    rule->delay_us = (uint32_t)jep_aim_int(plan, "delay-us");
    rule->jitter_us = (uint32_t)jep_aim_int(plan, "jitter-us");
    rule->loss_ppm = (uint32_t)jep_aim_int(plan, "loss-ppm");
    rule->duplicate_ppm = (uint32_t)jep_aim_int(plan, "duplicate-ppm");
    rule->reorder_ppm = (uint32_t)jep_aim_int(plan, "reorder-ppm");
    rule->reorder_us = (uint32_t)jep_aim_int(plan, "reorder-us");
    rule->corrupt_ppm = (uint32_t)jep_aim_int(plan, "corrupt-ppm");
    rule->rate_bytes_per_s = (uint64_t)jep_aim_int(plan, "rate-bytes-per-s");
}

/* NULL: good links again. What another nemesis cut stays cut. */
static void set_rules(struct jep_plant *plant, unsigned nodes, const struct jep_edn *plan)
{
    for (unsigned i = 0; i < plant->count; i++) {
        for (unsigned k = 0; k < plant->count; k++) {
            struct jep_link_rule before, rule = {0};
            if (i == k || (nodes >> i & 1) == 0 || (nodes >> k & 1) == 0) {
                continue;
            }
            jep_switch_rule(plant->sw, i + 1, k + 1, &before);
            rule.is_cut = before.is_cut;
            rule.flap_ms = before.flap_ms;
            if (plan != NULL) {
                read_rule(plan, &rule);
            }
            jep_switch_set(plant->sw, i + 1, k + 1, &rule);
        }
    }
}

static void add_counts(struct jep_link_counts *sum, const struct jep_link_counts *c)
{
    sum->passed += c->passed;
    sum->lost += c->lost;
    sum->overflowed += c->overflowed;
    sum->delayed += c->delayed;
    sum->delay_us += c->delay_us;
    sum->duplicated += c->duplicated;
    sum->reordered += c->reordered;
    sum->corrupted += c->corrupted;
}

static struct jep_link_counts sum_counts(const struct jep_plant *plant, unsigned nodes)
{
    struct jep_link_counts sum = {0};
    for (unsigned i = 0; i < plant->count; i++) {
        for (unsigned k = 0; k < plant->count; k++) {
            struct jep_link_counts c;
            if (i != k && (nodes >> i & 1) != 0 && (nodes >> k & 1) != 0) {
                jep_switch_counts(plant->sw, i + 1, k + 1, &c);
                add_counts(&sum, &c);
            }
        }
    }
    return sum;
}

JEP_ACT(start)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    memory.nodes = jep_effect_nodes(plant, plan, NULL);
    memory.before = sum_counts(plant, memory.nodes);
    set_rules(plant, memory.nodes, plan);
    *ret_value = jep_effect_told(plant, memory.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

/* Whether everything that the plan asks for was counted at least once. */
static bool is_seen(const struct jep_edn *plan, const struct jep_link_counts *d)
{
    return (jep_aim_int(plan, "delay-us") == 0 || d->delayed > 0) &&
           (jep_aim_int(plan, "loss-ppm") == 0 || d->lost > 0) &&
           (jep_aim_int(plan, "duplicate-ppm") == 0 || d->duplicated > 0) &&
           (jep_aim_int(plan, "reorder-ppm") == 0 || d->reordered > 0) &&
           (jep_aim_int(plan, "corrupt-ppm") == 0 || d->corrupted > 0) &&
           (jep_aim_int(plan, "rate-bytes-per-s") == 0 || d->delayed > 0);
}

JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_link_counts now = sum_counts(plant, memory.nodes), *b = &memory.before;
    (void)message;
    struct jep_link_counts d = {.passed = now.passed - b->passed,
        .lost = now.lost - b->lost,
        .overflowed = now.overflowed - b->overflowed,
        .delayed = now.delayed - b->delayed,
        .delay_us = now.delay_us - b->delay_us,
        .duplicated = now.duplicated - b->duplicated,
        .reordered = now.reordered - b->reordered,
        .corrupted = now.corrupted - b->corrupted};
    set_rules(plant, memory.nodes, NULL);
    jep_evidence_int(&e, "passed", (int64_t)d.passed);
    jep_evidence_int(&e, "lost", (int64_t)d.lost);
    jep_evidence_int(&e, "overflowed", (int64_t)d.overflowed);
    jep_evidence_int(&e, "delayed", (int64_t)d.delayed);
    jep_evidence_int(&e, "delay-us-mean", d.delayed > 0 ? (int64_t)(d.delay_us / d.delayed) : 0);
    jep_evidence_int(&e, "duplicated", (int64_t)d.duplicated);
    jep_evidence_int(&e, "reordered", (int64_t)d.reordered);
    jep_evidence_int(&e, "corrupted", (int64_t)d.corrupted);
    *ret_value = jep_effect_told(
        plant, memory.nodes, is_seen(plan, &d) ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

#define LINK(name, plan)                                                                           \
    {                                                                                              \
        "link-" name, "link", JEP_CAN_LINK, 0, plan, start, stop                                   \
    }

const struct jep_nemesis jep_nemeses_link[] = {
    LINK("delay", plan_delay),
    LINK("loss", plan_loss),
    LINK("duplicate", plan_duplicate),
    LINK("reorder", plan_reorder),
    LINK("corrupt", plan_corrupt),
    LINK("rate", plan_rate),
    LINK("mix", plan_mix),
    {.name = NULL},
};
