#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/group.h"
#include "jepsen/cluster/limits.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Resources that a machine runs short of: processor time, and descriptors. Seen to have happened
 * where the kernel counted that the node had to wait for its next share, and where calls of the
 * node were refused a descriptor (counted by the preloaded library). */

enum {
    PERCENT_MIN = 2, /* of one processor; a node of a plant under the usual load takes 3 to 10 */
    PERCENT_MAX = 20,
    BELOW_MAX = 8,      /* descriptors that are open above the limit */
    EVIDENCE_MS = 5000, /* for the first call that is refused */
    KNOCK_MS = 500,     /* for an answer that does not come */
    REFUSED_MAX = 50,   /* allocations; then there is memory again */
    AFTERMATH_MS = 1500 /* a node that takes an error to heart ends within this; chosen */
};

static struct {
    unsigned nodes;
    uint64_t refused; /* before */
} starved, crowded, short_of_memory;

/* --- plans ------------------------------------------------------------------------------- */

static void plan_nodes(struct jep_edn_list *map, struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena)
{
    bool is_leader = jep_rng_chance(rng, 1, 2);
    jep_aim_nodes(
        map, rng, shape, is_leader ? JEP_TARGET_LEADER : JEP_TARGET_MINORITY, arena, NULL);
}

JEP_PLAN(plan_cpu)
{
    struct jep_edn_list map = {0};
    plan_nodes(&map, rng, shape, arena);
    jep_edn_put(&map, "percent", jep_edn_int(jep_rng_between(rng, PERCENT_MIN, PERCENT_MAX)));
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_files)
{
    struct jep_edn_list map = {0};
    plan_nodes(&map, rng, shape, arena);
    jep_edn_put(&map, "below", jep_edn_int(jep_rng_between(rng, 1, BELOW_MAX)));
    return jep_edn_take_map(&map, arena);
}

/* Large ones are rare: a new client's TLS has some. */
JEP_PLAN(plan_memory)
{
    static const struct {
        int64_t at_least; /* bytes */
        int64_t passes_max;
    } sizes[] = {{1, 200}, {256, 100}, {4096, 20}, {16384, 2}};
    struct jep_edn_list map = {0};
    plan_nodes(&map, rng, shape, arena);
    size_t size = (size_t)jep_rng_below(rng, sizeof(sizes) / sizeof(sizes[0]));
    jep_edn_put(&map, "at-least", jep_edn_int(sizes[size].at_least));
    jep_edn_put(&map, "passes", jep_edn_int(jep_rng_between(rng, 0, sizes[size].passes_max)));
    jep_edn_put(&map, "times", jep_edn_int(jep_rng_between(rng, 1, REFUSED_MAX)));
    return jep_edn_take_map(&map, arena);
}

/* --- processor time ---------------------------------------------------------------------- */

JEP_ACT(start_cpu)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_message why;
    unsigned percent = (unsigned)jep_aim_int(plan, "percent");
    starved.nodes = 0;
    if (!jep_group_can(&why)) {
        *ret_value =
            jep_effect_skipped(plant, arena, jep_arena_text(arena, why.text, strlen(why.text)));
        return true;
    }
    unsigned nodes = jep_effect_nodes(plant, plan, NULL);
    if (nodes == 0) {
        *ret_value = jep_effect_skipped(plant, arena, "nobody leads");
        return true;
    }
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_part *p = &plant->parts[i];
        if ((nodes >> i & 1) == 0 || jep_node_state(plant, i) != JEP_NODE_UP) {
            continue;
        }
        if (!jep_group_limit(p->name, p->pid, percent, message)) {
            return false;
        }
        p->is_starved = true;
        starved.nodes |= 1u << i;
    }
    *ret_value = jep_effect_told(plant, starved.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(stop_cpu)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_group_stat sum = {0};
    (void)plan, (void)message;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((starved.nodes >> i & 1) != 0) {
            struct jep_group_stat stat = jep_group_stat(plant->parts[i].name);
            sum.periods += stat.periods;
            sum.throttled += stat.throttled;
            sum.throttled_ms += stat.throttled_ms;
            jep_part_heal_group(&plant->parts[i]);
        }
    }
    jep_evidence_int(&e, "periods", (int64_t)sum.periods);
    jep_evidence_int(&e, "throttled", (int64_t)sum.throttled);
    jep_evidence_int(&e, "throttled-ms", (int64_t)sum.throttled_ms);
    *ret_value = jep_effect_told(plant, starved.nodes,
        starved.nodes == 0  ? JEP_EFFECT_LATER
        : sum.throttled > 0 ? JEP_EFFECT_SEEN
                            : JEP_EFFECT_NONE,
        &e);
    starved.nodes = 0;
    return true;
}

/* --- descriptors ------------------------------------------------------------------------- */

static uint64_t count_refused(const struct jep_plant *plant)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((crowded.nodes >> i & 1) != 0) {
            count += jep_wish_get(plant->parts[i].wish.disk->no_descriptor);
        }
    }
    return count;
}

static bool crowd(struct jep_plant *plant, unsigned node, unsigned below, struct jep_evidence *e,
    struct jep_message *message)
{
    struct jep_part *p = &plant->parts[node];
    unsigned next = jep_limits_next_file(p->pid);
    unsigned limit = jep_limits_files_below(next, below);
    jep_evidence_int(e, "next", next);
    jep_evidence_int(e, "limit", limit);
    p->may_exit = true; /* as over a disk that is full: its next file cannot be opened */
    if (!jep_limits_set_files(p->pid, limit, &p->files_before, message)) {
        p->files_before = 0;
        /* It may have ended just now. */
        return jep_node_state(plant, node) != JEP_NODE_UP;
    }
    return true;
}

JEP_ACT(start_files)
{
    struct jep_evidence e = {.arena = arena};
    unsigned below = (unsigned)jep_aim_int(plan, "below");
    unsigned nodes = jep_effect_nodes(plant, plan, NULL);
    crowded.nodes = 0;
    if (nodes == 0) {
        *ret_value = jep_effect_skipped(plant, arena, "nobody leads");
        return true;
    }
    for (unsigned i = 0; i < plant->count; i++) {
        bool is_up = (nodes >> i & 1) != 0 && jep_node_state(plant, i) == JEP_NODE_UP;
        if (is_up) {
            struct jep_evidence each = {.arena = arena};
            if (!crowd(plant, i, below, &each, message)) {
                return false;
            }
            jep_edn_put(&e.map, plant->parts[i].name, jep_edn_take_map(&each.map, arena));
            crowded.nodes |= 1u << i;
        }
    }
    crowded.refused = count_refused(plant);
    *ret_value = jep_effect_told(plant, crowded.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

/* Comes as a new client does, to each of them. Gives how many do not answer. */
static unsigned knock(struct jep_plant *plant, unsigned nodes)
{
    unsigned unanswered = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_node_status status;
        if ((nodes >> i & 1) != 0 && jep_node_state(plant, i) == JEP_NODE_UP) {
            unanswered += !jep_node_status(plant, i, KNOCK_MS, &status);
        }
    }
    return unanswered;
}

static unsigned count_ended(struct jep_plant *plant, unsigned nodes)
{
    unsigned ended = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        ended += (nodes >> i & 1) != 0 && jep_node_state(plant, i) == JEP_NODE_DOWN;
    }
    return ended;
}

static bool has_ended(void *ctx)
{
    return count_ended(ctx, crowded.nodes) > 0;
}

JEP_ACT(stop_files)
{
    struct jep_evidence e = {.arena = arena};
    bool is_good = true;
    unsigned unanswered = 0;
    int64_t deadline = jep_now_ns() + EVIDENCE_MS * (int64_t)1000000;
    (void)plan;
    do {
        unanswered += knock(plant, crowded.nodes);
    } while (crowded.nodes != 0 && count_refused(plant) == crowded.refused && !has_ended(plant) &&
             jep_now_ns() < deadline);
    int64_t refused = (int64_t)(count_refused(plant) - crowded.refused);
    if (crowded.nodes != 0 && unanswered == 0 && refused > 0) {
        (void)jep_part_wait(has_ended, plant, AFTERMATH_MS);
    }
    unsigned ended = count_ended(plant, crowded.nodes);
    for (unsigned i = 0; i < plant->count; i++) {
        if ((crowded.nodes >> i & 1) != 0) {
            jep_part_heal_files(plant, i);
            is_good =
                (jep_node_state(plant, i) != JEP_NODE_DOWN || jep_node_start(plant, i, message)) &&
                is_good;
        }
    }
    jep_evidence_int(&e, "refused-calls", refused);
    jep_evidence_int(&e, "unanswered", unanswered);
    jep_evidence_int(&e, "ended", ended);
    *ret_value = jep_effect_told(plant, crowded.nodes,
        crowded.nodes == 0 ? JEP_EFFECT_LATER
        : refused > 0      ? JEP_EFFECT_SEEN
                           : JEP_EFFECT_NONE,
        &e);
    crowded.nodes = 0;
    return is_good;
}

/* --- memory ------------------------------------------------------------------------------ */

static uint64_t count_unserved(const struct jep_plant *plant)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((short_of_memory.nodes >> i & 1) != 0) {
            count += jep_wish_get(plant->parts[i].wish.memory->refused);
        }
    }
    return count;
}

static void refuse(const struct jep_plant *plant, unsigned node, const struct jep_edn *plan)
{
    struct jep_memory_page *page = plant->parts[node].wish.memory;
    jep_wish_set(page->at_least, (uint64_t)jep_aim_int(plan, "at-least"));
    jep_wish_set(page->passes, (uint32_t)jep_aim_int(plan, "passes"));
    __atomic_store_n(&page->left, (uint32_t)jep_aim_int(plan, "times"), __ATOMIC_RELEASE);
}

/* It may serve on or stop; or crash, since foreign code in it does: RocksDB throws, and does not
 * look at what its caches and LZ4 get. */
JEP_ACT(start_memory)
{
    struct jep_evidence e = {.arena = arena};
    unsigned nodes = jep_effect_nodes(plant, plan, NULL);
    (void)message;
    short_of_memory.nodes = 0;
    if (nodes == 0) {
        *ret_value = jep_effect_skipped(plant, arena, "nobody leads");
        return true;
    }
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_part *p = &plant->parts[i];
        if ((nodes >> i & 1) != 0 && jep_node_state(plant, i) == JEP_NODE_UP) {
            p->may_exit = true;
            p->may_crash = true;
            jep_limits_no_core(p->pid);
            short_of_memory.nodes |= 1u << i;
        }
    }
    short_of_memory.refused = count_unserved(plant);
    for (unsigned i = 0; i < plant->count; i++) {
        if ((short_of_memory.nodes >> i & 1) != 0) {
            refuse(plant, i, plan);
        }
    }
    *ret_value = jep_effect_told(plant, short_of_memory.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

static bool has_crashed(void *ctx)
{
    return count_ended(ctx, short_of_memory.nodes) > 0;
}

/* There is memory again. */
JEP_ACT(stop_memory)
{
    struct jep_evidence e = {.arena = arena};
    bool is_good = true;
    unsigned nodes = short_of_memory.nodes;
    int64_t deadline = jep_now_ns() + EVIDENCE_MS * (int64_t)1000000;
    (void)plan;
    while (
        nodes != 0 && count_unserved(plant) == short_of_memory.refused && jep_now_ns() < deadline) {
        (void)knock(plant, nodes);
    }
    int64_t refused = (int64_t)(count_unserved(plant) - short_of_memory.refused);
    if (refused > 0) {
        (void)jep_part_wait(has_crashed, plant, AFTERMATH_MS);
    }
    jep_evidence_int(&e, "refused", refused);
    jep_evidence_int(&e, "ended", count_ended(plant, nodes));
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes >> i & 1) != 0) {
            jep_wish_set(plant->parts[i].wish.memory->left, 0);
            is_good =
                (jep_node_state(plant, i) != JEP_NODE_DOWN || jep_node_start(plant, i, message)) &&
                is_good;
        }
    }
    *ret_value = jep_effect_told(plant, nodes,
        nodes == 0    ? JEP_EFFECT_LATER
        : refused > 0 ? JEP_EFFECT_SEEN
                      : JEP_EFFECT_NONE,
        &e);
    short_of_memory.nodes = 0;
    return is_good;
}

const struct jep_nemesis jep_nemeses_resource[] = {
    {"resource-cpu", "resources", JEP_CAN_QUOTA, 0, plan_cpu, start_cpu, stop_cpu},
    {"resource-files", "resources", JEP_CAN_LIMIT | JEP_CAN_DISK, 0, plan_files, start_files,
        stop_files},
    {"resource-memory", "resources", JEP_CAN_MEMORY, 0, plan_memory, start_memory, stop_memory},
    {.name = NULL},
};
