#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* A node of a test build ends by SIGKILL at a place in its own code, when it gets there for the
 * n-th time. What brings it there is provoked where it does not come by itself. Seen to have
 * happened where the process wrote down the place's name, and is gone. */

enum {
    OFTEN_MAX = 40, /* times that a busy place is passed before */
    END_MS = 5000,
    CHECKPOINT_MS = 12000, /* 256 entries at the slowest workload's rate */
    TRIM_MS = 12000,
    INSTALL_MS = 10000,
    TRANSFERS = 4,
    COMMAND_MS = 2000,
    STATUS_MS = 1000,
    ALONE_MS_MIN = 500, /* more than two election timers: another leader is there */
    ALONE_MS_MAX = 1500
};

static struct {
    unsigned nodes; /* one bit */
} ended;

/* --- plans ------------------------------------------------------------------------------- */

static void put_point(struct jep_edn_list *map, struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, enum jep_target target, const char *const *points, int64_t times_max)
{
    size_t count = 0;
    while (points[count] != NULL) {
        count++;
    }
    jep_aim_nodes(map, rng, shape, target, arena, NULL);
    jep_edn_put(map, "point", jep_edn_keyword(points[jep_rng_below(rng, count)]));
    jep_edn_put(map, "times", jep_edn_int(jep_rng_between(rng, 1, times_max)));
}

static struct jep_edn plan_point(struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, enum jep_target target, const char *const *points, int64_t times_max)
{
    struct jep_edn_list map = {0};
    put_point(&map, rng, shape, arena, target, points, times_max);
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_write)
{
    static const char *const points[] = {
        "log-write", "log-sync", "log-mark", "apply", "applied", NULL};
    bool is_leader = jep_rng_chance(rng, 1, 2);
    return plan_point(
        rng, shape, arena, is_leader ? JEP_TARGET_LEADER : JEP_TARGET_ONE, points, OFTEN_MAX);
}

JEP_PLAN(plan_vote)
{
    static const char *const points[] = {"vote-persist", "meta-copy", NULL};
    return plan_point(rng, shape, arena, JEP_TARGET_ONE, points, 1);
}

JEP_PLAN(plan_truncate)
{
    static const char *const points[] = {"log-truncate", NULL};
    struct jep_edn_list map = {0};
    put_point(&map, rng, shape, arena, JEP_TARGET_LEADER, points, 1);
    jep_edn_put(&map, "alone-ms", jep_edn_int(jep_rng_between(rng, ALONE_MS_MIN, ALONE_MS_MAX)));
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_checkpoint)
{
    static const char *const points[] = {"checkpoint-rename", "checkpoint-sync", "log-trim", NULL};
    return plan_point(rng, shape, arena, JEP_TARGET_ONE, points, 1);
}

JEP_PLAN(plan_install)
{
    static const char *const points[] = {"install-swap", NULL};
    return plan_point(rng, shape, arena, JEP_TARGET_FOLLOWER, points, 1);
}

/* --- one that is armed ------------------------------------------------------------------- */

struct armed {
    struct jep_plant *plant;
    unsigned node;
    char point[JEP_FAIL_NAME_BYTES];
    int64_t since_ns;
};

static struct jep_fail_page *page_of(const struct armed *a)
{
    return a->plant->parts[a->node].wish.fail;
}

static bool has_ended(void *ctx)
{
    const struct armed *a = ctx;
    return jep_node_state(a->plant, a->node) == JEP_NODE_DOWN;
}

static void arm(struct armed *a, uint32_t times)
{
    struct jep_fail_page *page = page_of(a);
    a->plant->parts[a->node].may_be_killed = true;
    memset(page->ended_at, 0, sizeof(page->ended_at));
    memcpy(page->armed, a->point, sizeof(page->armed));
    a->since_ns = jep_now_ns();
    __atomic_store_n(&page->left, times, __ATOMIC_RELEASE);
}

/* Nothing ends there any more. True: it did. */
static bool disarm(struct armed *a)
{
    struct jep_fail_page *page = page_of(a);
    uint32_t left = __atomic_exchange_n(&page->left, 0, __ATOMIC_ACQ_REL);
    /* Whoever counted down to zero is about to end. */
    if (left == 0 && a->since_ns != 0) {
        (void)jep_part_wait(has_ended, a, END_MS);
    }
    bool is_down = jep_node_state(a->plant, a->node) == JEP_NODE_DOWN;
    if (!is_down) {
        a->plant->parts[a->node].may_be_killed = false;
    } else {
        a->plant->parts[a->node].is_held = true;
    }
    return is_down && strncmp(page->ended_at, a->point, sizeof(a->point)) == 0;
}

/* False: left out, and *ret_value says why. */
static bool choose(struct armed *a, struct jep_plant *plant, const struct jep_edn *plan,
    struct jep_arena *arena, struct jep_edn *ret_value)
{
    unsigned nodes = jep_effect_nodes(plant, plan, NULL);
    unsigned node = nodes != 0 ? (unsigned)__builtin_ctz(nodes) : 0;
    ended.nodes = 0;
    *a = (struct armed){.plant = plant, .node = node};
    (void)snprintf(a->point, sizeof(a->point), "fp-%s", jep_aim_keyword(plan, "point"));
    const char *why = nodes == 0                                   ? "nobody leads"
                      : jep_node_state(plant, node) != JEP_NODE_UP ? "it is down already"
                      : jep_wish_get(page_of(a)->present) == 0     ? "no test build of weftd"
                                                                   : NULL;
    if (why != NULL) {
        *ret_value = jep_effect_skipped(plant, arena, why);
        return false;
    }
    ended.nodes = 1u << node;
    return true;
}

static bool tell(
    struct armed *a, uint32_t times, struct jep_arena *arena, struct jep_edn *ret_value)
{
    struct jep_evidence e = {.arena = arena};
    bool is_seen = disarm(a);
    jep_evidence_int(&e, "times", times);
    jep_evidence_text(&e, "ended-at", page_of(a)->ended_at);
    jep_evidence_int(&e, "ms", (jep_now_ns() - a->since_ns) / 1000000);
    *ret_value =
        jep_effect_told(a->plant, 1u << a->node, is_seen ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

/* --- acting ------------------------------------------------------------------------------ */

static bool arm_and_wait(struct jep_plant *plant, const struct jep_edn *plan,
    struct jep_arena *arena, struct jep_edn *ret_value, unsigned wait_ms)
{
    struct armed a;
    uint32_t times = (uint32_t)jep_aim_int(plan, "times");
    if (choose(&a, plant, plan, arena, ret_value)) {
        arm(&a, times);
        (void)jep_part_wait(has_ended, &a, wait_ms);
        return tell(&a, times, arena, ret_value);
    }
    return true;
}

JEP_ACT(start_write)
{
    (void)message;
    return arm_and_wait(plant, plan, arena, ret_value, END_MS);
}

JEP_ACT(start_checkpoint)
{
    (void)message;
    return arm_and_wait(plant, plan, arena, ret_value, CHECKPOINT_MS);
}

/* Terms change when the leader hands over. */
JEP_ACT(start_vote)
{
    static const char *const arguments[] = {"member", "transfer", NULL};
    struct armed a;
    struct jep_message ignored;
    (void)message;
    if (!choose(&a, plant, plan, arena, ret_value)) {
        return true;
    }
    arm(&a, 1);
    for (int i = 0; i < TRANSFERS && !has_ended(&a); i++) {
        int leader = jep_plant_leader(plant, jep_effect_cluster(plan), STATUS_MS);
        if (leader >= 0) {
            (void)!jep_part_weft(plant, (unsigned)leader, arguments, COMMAND_MS, &ignored);
        }
        (void)jep_part_wait(has_ended, &a, END_MS / TRANSFERS);
    }
    return tell(&a, 1, arena, ret_value);
}

/* What else is wrong with its links stays, cuts of a partition among it. */
static void set_alone(struct jep_plant *plant, unsigned node, bool is_alone)
{
    static bool was_cut[JEP_NODES_MAX][2];
    for (unsigned other = 0; other < plant->count; other++) {
        struct jep_link_rule rule;
        for (int way = 0; way < 2 && other != node; way++) {
            unsigned from = way == 0 ? node + 1 : other + 1, to = way == 0 ? other + 1 : node + 1;
            jep_switch_rule(plant->sw, from, to, &rule);
            if (is_alone) {
                was_cut[other][way] = rule.is_cut;
            }
            rule.is_cut = is_alone || was_cut[other][way];
            jep_switch_set(plant->sw, from, to, &rule);
        }
    }
}

/* A leader that was alone has entries that nobody else has. */
JEP_ACT(start_truncate)
{
    struct armed a;
    (void)message;
    if (!choose(&a, plant, plan, arena, ret_value)) {
        return true;
    }
    set_alone(plant, a.node, true);
    jep_sleep_ms((unsigned)jep_aim_int(plan, "alone-ms"));
    arm(&a, 1);
    set_alone(plant, a.node, false);
    (void)jep_part_wait(has_ended, &a, END_MS);
    return tell(&a, 1, arena, ret_value);
}

struct behind {
    struct jep_plant *plant;
    unsigned cluster;
    uint64_t last_index;
};

static bool is_trimmed(void *ctx)
{
    const struct behind *b = ctx;
    int leader = jep_plant_leader(b->plant, b->cluster, STATUS_MS);
    struct jep_node_status s;
    return leader >= 0 && jep_node_status(b->plant, (unsigned)leader, STATUS_MS, &s) &&
           s.first_log_index > b->last_index + 1;
}

/* Who was down until the log was trimmed gets a checkpoint. */
JEP_ACT(start_install)
{
    struct armed a;
    struct jep_node_status s;
    if (!choose(&a, plant, plan, arena, ret_value)) {
        return true;
    }
    if (!jep_node_status(plant, a.node, STATUS_MS, &s)) {
        ended.nodes = 0;
        *ret_value = jep_effect_skipped(plant, arena, "no follower answers");
        return true;
    }
    struct behind b = {plant, plant->parts[a.node].info.cluster, s.last_log_index};
    jep_node_kill(plant, a.node);
    (void)jep_part_wait(is_trimmed, &b, TRIM_MS);
    if (!jep_node_start(plant, a.node, message)) {
        return false;
    }
    arm(&a, 1);
    (void)jep_part_wait(has_ended, &a, INSTALL_MS);
    return tell(&a, 1, arena, ret_value);
}

/* Started as an operator would. */
JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    bool is_started = true;
    (void)plan;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((ended.nodes >> i & 1) != 0) {
            is_started = jep_node_start(plant, i, message) && is_started;
        }
    }
    *ret_value = jep_effect_told(plant, ended.nodes, JEP_EFFECT_LATER, &e);
    ended.nodes = 0;
    return is_started;
}

#define FAILPOINT(name, plan, start)                                                               \
    {                                                                                              \
        "failpoint-" name, "failpoint", JEP_CAN_SIGNAL,                                            \
            JEP_NEMESIS_INSTANT | JEP_NEMESIS_TEST_BUILD, plan, start, stop                        \
    }

const struct jep_nemesis jep_nemeses_failpoint[] = {
    FAILPOINT("write", plan_write, start_write),
    FAILPOINT("vote", plan_vote, start_vote),
    FAILPOINT("truncate", plan_truncate, start_truncate),
    FAILPOINT("checkpoint", plan_checkpoint, start_checkpoint),
    FAILPOINT("install", plan_install, start_install),
    {.name = NULL},
};
