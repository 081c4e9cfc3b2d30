#include <errno.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Disks of a minority that are full, fail, are slow, or turn read-only. Seen to have happened where
 * the node itself was told so by a call (counted by the preloaded library), whether the fault is
 * the kernel's or the library's own. A node that stops over it may: an exit code is announced, a
 * crash never is. */

enum {
    FILL_MS = 4000,     /* the balloon is blown up again and again for so long */
    EVIDENCE_MS = 5000, /* for the first call that fails: state is synced at checkpoints alone */
    AFTERMATH_MS = 1500 /* a node that takes an error to heart ends within this; chosen */
};

static struct {
    unsigned nodes;
    uint64_t failed, delayed, no_space, io_errors, read_only; /* before */
} memory;

/* --- plans ------------------------------------------------------------------------------- */

static struct jep_edn plan_disk(struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, const char *kind, enum jep_target target)
{
    /* The state alone is written at checkpoints, a few times in a run: a fault would wait in vain.
     */
    static const char *const areas[] = {"log", "both"};
    static const char *const calls[] = {"write", "sync", "both"};
    struct jep_edn_list map = {0};
    jep_edn_put(&map, "kind", jep_edn_keyword(kind));
    jep_aim_nodes(&map, rng, shape, target, arena, NULL);
    if (strcmp(kind, "eio") == 0 || strcmp(kind, "enospc") == 0) {
        jep_edn_put(&map, "area", jep_edn_keyword(areas[jep_rng_below(rng, 2)]));
        jep_edn_put(&map, "calls", jep_edn_keyword(calls[jep_rng_below(rng, 3)]));
        /* All of them, or one in a while. */
        jep_edn_put(&map, "per-million",
            jep_edn_int(jep_rng_chance(rng, 1, 2) ? 1000000 : jep_rng_between(rng, 10000, 300000)));
    }
    if (strcmp(kind, "slow") == 0) {
        jep_edn_put(&map, "area", jep_edn_keyword("both"));
        jep_edn_put(&map, "sync-delay-us", jep_edn_int(jep_rng_between(rng, 5000, 400000)));
    }
    return jep_edn_take_map(&map, arena);
}

#define PLAN_DISK(function, kind, target)                                                          \
    JEP_PLAN(function)                                                                             \
    {                                                                                              \
        return plan_disk(rng, shape, arena, kind, target);                                         \
    }

PLAN_DISK(plan_full, "full", JEP_TARGET_ONE)
PLAN_DISK(plan_eio, "eio", JEP_TARGET_ONE)
PLAN_DISK(plan_enospc, "enospc", JEP_TARGET_ONE)
PLAN_DISK(plan_slow, "slow", JEP_TARGET_MINORITY)
PLAN_DISK(plan_slow_leader, "slow", JEP_TARGET_LEADER)
PLAN_DISK(plan_readonly, "readonly", JEP_TARGET_ONE)

/* --- acting ------------------------------------------------------------------------------ */

static uint32_t areas_of(const struct jep_edn *plan)
{
    const char *area = jep_aim_keyword(plan, "area");
    return (strcmp(area, "state") != 0 ? 1u << JEP_AREA_LOG : 0) |
           (strcmp(area, "log") != 0 ? 1u << JEP_AREA_STATE : 0);
}

static uint32_t calls_of(const struct jep_edn *plan)
{
    const char *calls = jep_aim_keyword(plan, "calls");
    return (strcmp(calls, "sync") != 0 ? JEP_CALL_WRITE | JEP_CALL_ALLOCATE : 0) |
           (strcmp(calls, "write") != 0 ? JEP_CALL_SYNC : 0);
}

static void wish(struct jep_disk_page *page, const struct jep_edn *plan, const char *kind)
{
    jep_wish_set(page->areas, areas_of(plan));
    jep_wish_set(page->sync_delay_us, (uint32_t)jep_aim_int(plan, "sync-delay-us"));
    if (strcmp(kind, "slow") != 0) {
        jep_wish_set(page->error, strcmp(kind, "eio") == 0 ? EIO : ENOSPC);
        jep_wish_set(page->per_million, (uint32_t)jep_aim_int(plan, "per-million"));
        jep_wish_set(page->calls, calls_of(plan));
    }
}

static void count(const struct jep_plant *plant, unsigned nodes, uint64_t counts[5])
{
    memset(counts, 0, 5 * sizeof(counts[0]));
    for (unsigned i = 0; i < plant->count; i++) {
        const struct jep_disk_page *page = plant->parts[i].wish.disk;
        if ((nodes >> i & 1) != 0) {
            counts[0] += jep_wish_get(page->failed);
            counts[1] += jep_wish_get(page->delayed);
            counts[2] += jep_wish_get(page->no_space);
            counts[3] += jep_wish_get(page->io_errors);
            counts[4] += jep_wish_get(page->read_only);
        }
    }
}

/* Until the node was refused room, or ended over it: what it frees is taken too. */
static void fill(struct jep_plant *plant, unsigned node, uint64_t *taken)
{
    struct jep_part *p = &plant->parts[node];
    int64_t deadline = jep_now_ns() + FILL_MS * (int64_t)1000000;
    uint64_t before = jep_wish_get(p->wish.disk->no_space);
    p->is_filled = true;
    do {
        *taken += jep_volume_fill(&p->volume);
        jep_sleep_ms(10);
    } while (jep_wish_get(p->wish.disk->no_space) == before &&
             jep_node_state(plant, node) == JEP_NODE_UP && jep_now_ns() < deadline);
}

JEP_ACT(start)
{
    struct jep_evidence e = {.arena = arena};
    const char *kind = jep_aim_keyword(plan, "kind");
    uint64_t counts[5], taken = 0;
    if (strcmp(kind, "readonly") == 0 && !plant->is_ext4) {
        memory.nodes = 0;
        *ret_value = jep_effect_skipped(plant, arena, "a tmpfs does not turn read-only");
        return true;
    }
    memory.nodes = jep_effect_nodes(plant, plan, NULL);
    count(plant, memory.nodes, counts);
    memory.failed = counts[0], memory.delayed = counts[1], memory.no_space = counts[2];
    memory.io_errors = counts[3], memory.read_only = counts[4];
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_part *p = &plant->parts[i];
        if ((memory.nodes >> i & 1) == 0) {
            continue;
        }
        p->may_exit = strcmp(kind, "slow") != 0;
        if (strcmp(kind, "full") == 0) {
            fill(plant, i, &taken);
        } else if (strcmp(kind, "readonly") == 0) {
            p->is_broken = jep_volume_break(&p->volume, message);
            if (!p->is_broken) {
                return false;
            }
        } else {
            wish(p->wish.disk, plan, kind);
        }
    }
    jep_evidence_int(&e, "taken-bytes", (int64_t)taken);
    *ret_value = jep_effect_told(plant, memory.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

static bool has_ended(void *ctx)
{
    const struct jep_plant *plant = ctx;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((memory.nodes >> i & 1) != 0 && jep_node_state(plant, i) == JEP_NODE_UP) {
            return false;
        }
    }
    return true;
}

/* Whether a call of theirs was refused since the start, or one of them ended. */
static bool has_noticed(void *ctx)
{
    uint64_t n[5];
    count(ctx, memory.nodes, n);
    return n[0] > memory.failed || n[2] > memory.no_space || n[3] > memory.io_errors ||
           n[4] > memory.read_only || has_ended(ctx);
}

JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    bool is_slow = strcmp(jep_aim_keyword(plan, "kind"), "slow") == 0, is_good = true;
    uint64_t n[5];
    unsigned ended = 0;
    if (!is_slow && memory.nodes != 0) {
        (void)jep_part_wait(has_noticed, plant, EVIDENCE_MS);
    }
    count(plant, memory.nodes, n);
    uint64_t errors = n[0] - memory.failed + n[2] - memory.no_space + n[3] - memory.io_errors +
                      n[4] - memory.read_only;
    uint64_t delayed = n[1] - memory.delayed;
    if (!is_slow && errors > 0) {
        (void)jep_part_wait(has_ended, plant, AFTERMATH_MS);
    }
    for (unsigned i = 0; i < plant->count; i++) {
        if ((memory.nodes >> i & 1) != 0) {
            ended += jep_node_state(plant, i) == JEP_NODE_DOWN;
            jep_part_heal_disk_wish(&plant->parts[i]);
            is_good =
                jep_part_heal_disk(plant, i, message) &&
                (jep_node_state(plant, i) != JEP_NODE_DOWN || jep_node_start(plant, i, message)) &&
                is_good;
        }
    }
    jep_evidence_int(&e, "failed-calls", (int64_t)(n[0] - memory.failed));
    jep_evidence_int(&e, "no-space", (int64_t)(n[2] - memory.no_space));
    jep_evidence_int(&e, "io-errors", (int64_t)(n[3] - memory.io_errors));
    jep_evidence_int(&e, "read-only", (int64_t)(n[4] - memory.read_only));
    jep_evidence_int(&e, "delayed-syncs", (int64_t)delayed);
    jep_evidence_int(&e, "ended", ended);
    /* Nothing was done, nothing is told of it. */
    if (memory.nodes == 0) {
        *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
        return is_good;
    }
    bool is_seen = is_slow ? delayed > 0 : errors > 0;
    *ret_value =
        jep_effect_told(plant, memory.nodes, is_seen ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    memory.nodes = 0;
    return is_good;
}

const struct jep_nemesis jep_nemeses_disk[] = {
    {"disk-full", "disk", JEP_CAN_TMPFS | JEP_CAN_DISK, 0, plan_full, start, stop},
    {"disk-eio", "disk", JEP_CAN_DISK, 0, plan_eio, start, stop},
    {"disk-enospc", "disk", JEP_CAN_DISK, 0, plan_enospc, start, stop},
    {"disk-slow", "disk", JEP_CAN_DISK, 0, plan_slow, start, stop},
    {"disk-slow-leader", "disk", JEP_CAN_DISK, 0, plan_slow_leader, start, stop},
    {"disk-readonly", "disk", JEP_CAN_READONLY | JEP_CAN_DISK, 0, plan_readonly, start, stop},
    {.name = NULL},
};
