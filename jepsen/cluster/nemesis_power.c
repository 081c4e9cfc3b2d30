#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"
#include "jepsen/cluster/survey.h"

/* The power goes: the processes end, and what was not synced is gone with them. Syncs are made slow
 * for a moment before, so that something is under way. Seen to have happened where blocks are gone
 * that the processes had written. A torn write: the power goes in the middle of a write to the log,
 * of which the first sectors are on the disk. */

enum {
    SYNC_DELAY_US_MIN = 2000,
    SYNC_DELAY_US_MAX = 30000,
    WINDOW_MS_MIN = 50,
    WINDOW_MS_MAX = 400,
    OTHERS_MS = 300,     /* for the others' writes: without the first there may be none */
    TORN_WAIT_MS = 5000, /* for the next write to the log */
};

static unsigned nodes_down;

/* --- plans ------------------------------------------------------------------------------- */

static struct jep_edn plan_power(struct jep_rng *rng, const struct jep_shape *shape,
    struct jep_arena *arena, enum jep_target target)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, target, arena, NULL);
    jep_edn_put(&map, "sync-delay-us",
        jep_edn_int(jep_rng_between(rng, SYNC_DELAY_US_MIN, SYNC_DELAY_US_MAX)));
    jep_edn_put(&map, "window-ms", jep_edn_int(jep_rng_between(rng, WINDOW_MS_MIN, WINDOW_MS_MAX)));
    jep_edn_put(&map, "torn-part", jep_edn_int(jep_rng_between(rng, 0, 999999)));
    return jep_edn_take_map(&map, arena);
}

JEP_PLAN(plan_one)
{
    return plan_power(rng, shape, arena, JEP_TARGET_ONE);
}

JEP_PLAN(plan_leader)
{
    return plan_power(rng, shape, arena, JEP_TARGET_LEADER);
}

JEP_PLAN(plan_all)
{
    return plan_power(rng, shape, arena, JEP_TARGET_ALL);
}

/* --- acting ------------------------------------------------------------------------------ */

static void slow_syncs(struct jep_plant *plant, unsigned nodes, uint32_t delay_us)
{
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes >> i & 1) != 0) {
            struct jep_disk_page *page = plant->parts[i].wish.disk;
            jep_wish_set(page->areas, 1u << JEP_AREA_LOG | 1u << JEP_AREA_STATE);
            jep_wish_set(page->sync_delay_us, delay_us);
        }
    }
}

static bool cut_one(struct jep_plant *plant, unsigned node, struct jep_arena *arena,
    struct jep_survey_loss *sum, struct jep_message *message)
{
    struct jep_part *p = &plant->parts[node];
    struct jep_survey before, after;
    if (!jep_survey_take(p->volume.mount_point, arena, &before, message) ||
        !jep_volume_cut(&p->volume, message) ||
        !jep_survey_take(p->volume.mount_point, arena, &after, message)) {
        return false;
    }
    struct jep_survey_loss loss = jep_survey_compare(&before, &after, "raft/");
    sum->files += loss.files;
    sum->blocks += loss.blocks;
    sum->marked += loss.marked;
    return true;
}

/* Surveys are 100 bytes a block and of no use afterwards: an arena of their own. */
static bool cut_all(struct jep_plant *plant, unsigned nodes, struct jep_survey_loss *ret_loss,
    struct jep_message *message)
{
    struct jep_arena *arena = jep_arena_create();
    bool is_cut = true;
    memset(ret_loss, 0, sizeof(*ret_loss));
    for (unsigned i = 0; i < plant->count && is_cut; i++) {
        if ((nodes >> i & 1) != 0) {
            is_cut = cut_one(plant, i, arena, ret_loss, message);
        }
    }
    jep_arena_destroy(arena);
    return is_cut;
}

/* The processes are gone; the rest of it. */
static bool lose_power(struct jep_plant *plant, struct jep_arena *arena, uint64_t torn_bytes,
    struct jep_edn *ret_value, struct jep_message *message)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_survey_loss loss;
    slow_syncs(plant, nodes_down, 0);
    if (!cut_all(plant, nodes_down, &loss, message)) {
        return false;
    }
    jep_evidence_int(&e, "lost-files", (int64_t)loss.files);
    jep_evidence_int(&e, "lost-blocks", (int64_t)loss.blocks);
    jep_evidence_int(&e, "lost-log-blocks", (int64_t)loss.marked);
    jep_evidence_int(&e, "torn-bytes", (int64_t)torn_bytes);
    *ret_value = jep_effect_told(plant, nodes_down,
        loss.blocks > 0 || torn_bytes > 0 ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

static bool skip(const struct jep_plant *plant, struct jep_arena *arena, struct jep_edn *ret_value)
{
    *ret_value = jep_effect_skipped(
        plant, arena, plant->is_ext4 ? "nobody leads" : "no power cut on a tmpfs");
    return true;
}

JEP_ACT(start)
{
    nodes_down = plant->is_ext4 ? jep_effect_nodes(plant, plan, NULL) : 0;
    if (nodes_down == 0) {
        return skip(plant, arena, ret_value);
    }
    slow_syncs(plant, nodes_down, (uint32_t)jep_aim_int(plan, "sync-delay-us"));
    jep_sleep_ms((unsigned)jep_aim_int(plan, "window-ms"));
    jep_part_kill_all(plant, nodes_down);
    return lose_power(plant, arena, 0, ret_value, message);
}

static unsigned still_up(const struct jep_plant *plant)
{
    unsigned up = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes_down >> i & 1) != 0 && jep_node_state(plant, i) == JEP_NODE_UP) {
            up |= 1u << i;
        }
    }
    return up;
}

static bool has_one_ended(void *ctx)
{
    return still_up(ctx) != nodes_down;
}

static bool have_all_ended(void *ctx)
{
    return still_up(ctx) == 0;
}

JEP_ACT(start_torn)
{
    uint64_t torn_before = 0, torn = 0;
    nodes_down = plant->is_ext4 ? jep_effect_nodes(plant, plan, NULL) : 0;
    if (nodes_down == 0) {
        return skip(plant, arena, ret_value);
    }
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes_down >> i & 1) != 0) {
            struct jep_part *p = &plant->parts[i];
            torn_before += jep_wish_get(p->wish.disk->torn_bytes);
            p->may_be_killed = true;
            jep_wish_set(p->wish.disk->torn_part, (uint32_t)jep_aim_int(plan, "torn-part"));
            jep_wish_set(p->wish.disk->torn, 1);
        }
    }
    (void)jep_part_wait(has_one_ended, plant, TORN_WAIT_MS);
    (void)jep_part_wait(have_all_ended, plant, OTHERS_MS);
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes_down >> i & 1) != 0) {
            jep_wish_set(plant->parts[i].wish.disk->torn, 0);
            torn += jep_wish_get(plant->parts[i].wish.disk->torn_bytes);
            plant->parts[i].is_held = true;
        }
    }
    jep_part_kill_all(plant, nodes_down); /* where nothing was written */
    return lose_power(plant, arena, torn - torn_before, ret_value, message);
}

JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    bool is_started = true;
    (void)plan;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes_down >> i & 1) != 0) {
            is_started = jep_node_start(plant, i, message) && is_started;
        }
    }
    *ret_value = jep_effect_told(plant, nodes_down, JEP_EFFECT_LATER, &e);
    nodes_down = 0;
    return is_started;
}

const struct jep_nemesis jep_nemeses_power[] = {
    {"power-one", "power", JEP_CAN_CUT | JEP_CAN_DISK, JEP_NEMESIS_INSTANT, plan_one, start, stop},
    {"power-leader", "power", JEP_CAN_CUT | JEP_CAN_DISK, JEP_NEMESIS_INSTANT, plan_leader, start,
        stop},
    {"power-all", "power", JEP_CAN_CUT | JEP_CAN_DISK, JEP_NEMESIS_INSTANT | JEP_NEMESIS_MAJORITY,
        plan_all, start, stop},
    {"power-torn", "power", JEP_CAN_CUT | JEP_CAN_DISK, JEP_NEMESIS_INSTANT, plan_one, start_torn,
        stop},
    {"power-torn-all", "power", JEP_CAN_CUT | JEP_CAN_DISK,
        JEP_NEMESIS_INSTANT | JEP_NEMESIS_MAJORITY, plan_all, start_torn, stop},
    {.name = NULL},
};
