#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* A node of a test build ends by SIGKILL at a place in its own code, when it gets there for the
 * n-th time. What brings it there is provoked where it does not come by itself. Seen to have
 * happened where the process wrote down the place's name, and is gone. */

enum {
    OFTEN_MAX = 40, /* times that a busy place is passed before */
    END_MS = 10000,
    CHECKPOINT_MS = 40000, /* 256 entries; one that failed is tried again after 30 s */
    TRIM_MS = 20000,
    INSTALL_MS = 15000,
    TRANSFERS = 8,
    COMMAND_MS = 1000, /* it waits for a successor, which may have ended */
    STATUS_MS = 1000,
    /* An attempt to have a log truncated takes at most 13 s. */
    ATTEMPTS = 3,
    FRESH_MS = 2000,     /* at the rate of `jepsen break` a checkpoint comes every 1.3 s */
    FRESH_ENTRIES = 128, /* above a checkpoint, of the 256 until the next */
    MEET_MS = 5000       /* chosen: TCP tries again within a second of such a cut */
};

static struct {
    unsigned nodes; /* one bit */
} ended;

/* --- plans ------------------------------------------------------------------------------- */

static struct jep_edn plan_point(struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, enum jep_target target, const char *point, int64_t times_max)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, target, arena, NULL);
    jep_edn_put(&map, "point", jep_edn_keyword(point));
    jep_edn_put(&map, "times", jep_edn_int(jep_rng_between(rng, 1, times_max)));
    return jep_edn_take_map(&map, arena);
}

/* Wherever entries are written. */
#define PLAN_OFTEN(function, point)                                                                \
    JEP_PLAN(function)                                                                             \
    {                                                                                              \
        bool is_leader = jep_rng_chance(rng, 1, 2);                                                \
        return plan_point(                                                                         \
            rng, shape, arena, is_leader ? JEP_TARGET_LEADER : JEP_TARGET_ONE, point, OFTEN_MAX);  \
    }

#define PLAN_ONCE(function, point, target)                                                         \
    JEP_PLAN(function)                                                                             \
    {                                                                                              \
        return plan_point(rng, shape, arena, target, point, 1);                                    \
    }

PLAN_OFTEN(plan_log_write, "log-write")
PLAN_OFTEN(plan_log_sync, "log-sync")
PLAN_OFTEN(plan_log_mark, "log-mark")
PLAN_OFTEN(plan_apply, "apply")
PLAN_OFTEN(plan_applied, "applied")
PLAN_OFTEN(plan_audit_sign, "audit-sign")
PLAN_ONCE(plan_vote_persist, "vote-persist", JEP_TARGET_ONE)
PLAN_ONCE(plan_meta_copy, "meta-copy", JEP_TARGET_ONE)
PLAN_ONCE(plan_log_truncate, "log-truncate", JEP_TARGET_LEADER)
PLAN_ONCE(plan_log_trim, "log-trim", JEP_TARGET_ONE)
PLAN_ONCE(plan_checkpoint_rename, "checkpoint-rename", JEP_TARGET_ONE)
PLAN_ONCE(plan_checkpoint_sync, "checkpoint-sync", JEP_TARGET_ONE)
PLAN_ONCE(plan_install_swap, "install-swap", JEP_TARGET_FOLLOWER)

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
    memset(page->ended_at, 0, sizeof(page->ended_at));
    memcpy(page->armed, a->point, sizeof(page->armed));
    a->since_ns = jep_now_ns();
    a->plant->parts[a->node].may_be_killed = true;
    __atomic_store_n(&page->left, times, __ATOMIC_RELEASE);
}

/* Nothing ends there any more. True: it did (JEP-42). */
static bool disarm(struct armed *a)
{
    struct jep_fail_page *page = page_of(a);
    uint32_t left = __atomic_exchange_n(&page->left, 0, __ATOMIC_ACQ_REL);
    if (a->since_ns == 0) {
        return false; /* it was never armed */
    }
    /* Whoever counted down to zero is about to end. */
    if (left == 0) {
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

static bool tell_seen(
    struct armed *a, bool is_seen, struct jep_evidence *e, struct jep_edn *ret_value)
{
    jep_evidence_text(e, "ended-at", page_of(a)->ended_at);
    jep_evidence_int(e, "ms", a->since_ns != 0 ? (jep_now_ns() - a->since_ns) / 1000000 : 0);
    *ret_value =
        jep_effect_told(a->plant, 1u << a->node, is_seen ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, e);
    return true;
}

static bool tell(
    struct armed *a, uint32_t times, struct jep_arena *arena, struct jep_edn *ret_value)
{
    struct jep_evidence e = {.arena = arena};
    jep_evidence_int(&e, "times", times);
    return tell_seen(a, disarm(a), &e, ret_value);
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

JEP_ACT(start_often)
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

/* --- a log that has to be truncated ------------------------------------------------------ */

/* A leader that is alone appends entries that nobody else has, and truncates them when it meets a
 * later leader, if that one's log still reaches down to them: else it takes a checkpoint. So it is
 * left alone soon after a checkpoint, and meets the later leader among no more nodes than make a
 * majority with it: then nothing is committed, hence nothing trimmed, before it has truncated. */

struct deposed {
    struct armed *armed;
    unsigned cluster;
    int leader;                        /* the later one; -1: none yet */
    uint64_t last_index, commit_index; /* of the one alone, when there was a later one */
};

static bool was_cut[JEP_NODES_MAX + 1][JEP_NODES_MAX + 1]; /* by another fault: that stays */

static void remember_cuts(struct jep_plant *plant)
{
    struct jep_link_rule rule;
    for (unsigned from = 1; from <= plant->count; from++) {
        for (unsigned to = 1; to <= plant->count; to++) {
            if (from != to) {
                jep_switch_rule(plant->sw, from, to, &rule);
                was_cut[from][to] = rule.is_cut;
            }
        }
    }
}

/* Nodes (bits) that reach each other and nobody else; 0: everybody reaches everybody. */
static void set_apart(struct jep_plant *plant, unsigned nodes)
{
    struct jep_link_rule rule;
    for (unsigned from = 1; from <= plant->count; from++) {
        for (unsigned to = 1; to <= plant->count; to++) {
            if (from != to) {
                jep_switch_rule(plant->sw, from, to, &rule);
                rule.is_cut =
                    was_cut[from][to] || (nodes >> (from - 1) & 1) != (nodes >> (to - 1) & 1);
                jep_switch_set(plant->sw, from, to, &rule);
            }
        }
    }
}

/* Of each that could lead next. */
static bool are_checkpoints_new(void *ctx)
{
    const struct deposed *d = ctx;
    struct jep_node_status s[JEP_NODES_MAX];
    bool is_known[JEP_NODES_MAX], are_new = true;
    unsigned known = jep_plant_statuses(d->armed->plant, d->cluster, STATUS_MS, s, is_known);
    for (unsigned i = 0; i < d->armed->plant->count; i++) {
        are_new = are_new &&
                  (!is_known[i] || s[i].last_log_index - s[i].checkpoint_index < FRESH_ENTRIES);
    }
    return known > 0 && are_new;
}

static bool does_another_lead(void *ctx)
{
    struct deposed *d = ctx;
    struct jep_plant *plant = d->armed->plant;
    struct jep_node_status s[JEP_NODES_MAX];
    bool is_known[JEP_NODES_MAX];
    unsigned alone = d->armed->node;
    (void)jep_plant_statuses(plant, d->cluster, STATUS_MS, s, is_known);
    for (unsigned i = 0; i < plant->count; i++) {
        if (i != alone && is_known[i] && is_known[alone] && strcmp(s[i].state, "leader") == 0 &&
            s[i].term > s[alone].term) {
            d->leader = (int)i;
            d->last_index = s[alone].last_log_index;
            d->commit_index = s[alone].commit_index;
        }
    }
    return d->leader >= 0;
}

/* Both leaders, and of the others so many that they are a majority only with both. */
static unsigned bare_majority(const struct deposed *d)
{
    const struct jep_plant *plant = d->armed->plant;
    unsigned nodes = 1u << d->armed->node | 1u << d->leader, members = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        members += plant->parts[i].info.cluster == d->cluster && jep_node_is_member(plant, i);
    }
    for (unsigned i = 0; i < plant->count; i++) {
        if ((unsigned)__builtin_popcount(nodes) < members / 2 + 1 &&
            plant->parts[i].info.cluster == d->cluster && jep_node_is_member(plant, i) &&
            jep_node_state(plant, i) == JEP_NODE_UP) {
            nodes |= 1u << i;
        }
    }
    return nodes;
}

/* An attempt. A digest's marker is an entry that changes nothing. */
static void have_truncated(struct deposed *d)
{
    static const char marker[] = "{\"op\":\"digest\"}\n";
    struct armed *a = d->armed;
    struct jep_capture session;
    int feed = 0;
    (void)jep_part_wait(are_checkpoints_new, d, FRESH_MS);
    if (!jep_part_session(a->plant, a->node, STATUS_MS, &session, &feed)) {
        return;
    }
    remember_cuts(a->plant);
    set_apart(a->plant, 1u << a->node);
    bool is_asked = write(feed, marker, sizeof(marker) - 1) > 0;
    if (is_asked && jep_part_wait(does_another_lead, d, JEP_LEADER_WAIT_MS)) {
        arm(a, 1);
        set_apart(a->plant, bare_majority(d));
        (void)jep_part_wait(has_ended, a, MEET_MS);
    }
    set_apart(a->plant, 0);
    (void)close(feed);
    (void)jep_capture_finish(&session, jep_now_ns());
    jep_capture_free(&session);
}

JEP_ACT(start_truncate)
{
    struct armed a;
    struct deposed d;
    struct jep_evidence e = {.arena = arena};
    bool is_seen = false;
    int64_t attempts = 0;
    (void)message;
    do {
        if (!choose(&a, plant, plan, arena, ret_value)) {
            return true;
        }
        d = (struct deposed){.armed = &a, .cluster = jep_effect_cluster(plan), .leader = -1};
        have_truncated(&d);
        is_seen = disarm(&a);
        attempts++;
    } while (!is_seen && attempts < ATTEMPTS);
    jep_evidence_int(&e, "attempts", attempts);
    jep_evidence_int(&e, "last-index", (int64_t)d.last_index);
    jep_evidence_int(&e, "commit-index", (int64_t)d.commit_index);
    return tell_seen(&a, is_seen, &e, ret_value);
}

/* --- a state that has to be replaced ----------------------------------------------------- */

struct behind {
    struct jep_plant *plant;
    unsigned cluster;
    uint64_t last_index;
};

/* Whoever leads by the time. */
static bool are_trimmed(void *ctx)
{
    const struct behind *b = ctx;
    struct jep_node_status s[JEP_NODES_MAX];
    bool is_known[JEP_NODES_MAX];
    unsigned trimmed = 0;
    unsigned known = jep_plant_statuses(b->plant, b->cluster, STATUS_MS, s, is_known);
    for (unsigned i = 0; i < b->plant->count; i++) {
        trimmed += is_known[i] && s[i].first_log_index > b->last_index + 1;
    }
    return trimmed > 0 && trimmed == known;
}

/* Who was down until the logs were trimmed gets a checkpoint. */
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
    (void)jep_part_wait(are_trimmed, &b, TRIM_MS);
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
    FAILPOINT("log-write", plan_log_write, start_often),
    FAILPOINT("log-sync", plan_log_sync, start_often),
    FAILPOINT("log-mark", plan_log_mark, start_often),
    FAILPOINT("apply", plan_apply, start_often),
    FAILPOINT("applied", plan_applied, start_often),
    FAILPOINT("audit-sign", plan_audit_sign, start_often),
    FAILPOINT("vote-persist", plan_vote_persist, start_vote),
    FAILPOINT("meta-copy", plan_meta_copy, start_vote),
    FAILPOINT("log-truncate", plan_log_truncate, start_truncate),
    FAILPOINT("log-trim", plan_log_trim, start_checkpoint),
    FAILPOINT("checkpoint-rename", plan_checkpoint_rename, start_checkpoint),
    FAILPOINT("checkpoint-sync", plan_checkpoint_sync, start_checkpoint),
    FAILPOINT("install-swap", plan_install_swap, start_install),
    {.name = NULL},
};
