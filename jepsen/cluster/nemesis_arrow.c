#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* The leader is killed as soon as the site's feed shows a command taking a certain arrow: proposed,
 * approved, selected, sent, received, done, verified, asked about. Who watches is the harness,
 * through a node that does not lead. And clocks of nodes that jump by seconds, not hours: entries'
 * times never go back, so that behind a jump of hours every command would be too old. */

enum {
    SEEN_MS = 6000, /* until the arrow is seen */
    LOOK_MS = 20,
    JUMP_LOG2_MIN = 2, /* 4 ms */
    JUMP_LOG2_MAX = 13 /* 8 s */
};

static const struct {
    const char *arrow;
    const char *mark; /* in what `weft watch` prints of its record */
} arrows[] = {
    {"propose", "weft-command/v1"},
    {"approve", "weft-approval/v1"},
    {"select", "\"select\""},
    {"dispatch", "\"dispatch\""},
    {"accepted", "outcome accepted"},
    {"done", "outcome done"},
    {"verify", "\"verify\""},
    {"ask", "\"ask\""},
};

enum {
    ARROWS = sizeof(arrows) / sizeof(arrows[0]) - 1 /* drawn: nobody asks unless something broke */
};

static struct {
    unsigned nodes;
    uint64_t term;
    bool is_seen;
    uint64_t reads[JEP_NODES_MAX];
} memory;

JEP_PLAN(plan_arrow)
{
    struct jep_edn_list map = {0};
    jep_edn_put(&map, "at", jep_edn_keyword(arrows[jep_rng_below(rng, ARROWS)].arrow));
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_LEADER, arena, NULL);
    return jep_edn_take_map(&map, arena);
}

static const char *mark_of(const struct jep_edn *plan)
{
    const char *at = jep_aim_keyword(plan, "at");
    for (size_t i = 0; at != NULL && i < sizeof(arrows) / sizeof(arrows[0]); i++) {
        if (strcmp(at, arrows[i].arrow) == 0) {
            return arrows[i].mark;
        }
    }
    return "";
}

/* A node that is up and does not lead. */
static unsigned other_than(const struct jep_plant *plant, unsigned leader)
{
    for (unsigned i = 0; i < plant->count; i++) {
        if (i != leader && jep_node_is_member(plant, i) &&
            jep_node_state(plant, i) == JEP_NODE_UP) {
            return i;
        }
    }
    return leader;
}

/* Until the feed shows the mark: then the nodes are killed at once. */
static void kill_at(struct jep_plant *plant, unsigned node, const char *mark)
{
    char weft[JEP_PART_PATH_BYTES + 16];
    struct jep_capture feed;
    struct jep_message ignored;
    size_t looked = 0;
    (void)snprintf(weft, sizeof(weft), "%s/weft", plant->bin);
    const char *const argv[] = {weft, "watch", "--asset", "command:*", "-o", "jsonl", "--endpoint",
        plant->parts[node].client, "--identity", plant->identity[0], "-q", NULL};
    if (!jep_capture_start(&feed, argv, jep_layout_env, NULL, &ignored)) {
        return;
    }
    int64_t deadline = jep_now_ns() + SEEN_MS * INT64_C(1000000);
    for (unsigned lines = 1; !memory.is_seen && jep_capture_lines(&feed, lines, deadline);
         lines++) {
        memory.is_seen = strstr(feed.stdout_text.bytes + looked, mark) != NULL;
        const char *last = strrchr(feed.stdout_text.bytes, '\n');
        looked = last != NULL ? (size_t)(last - feed.stdout_text.bytes) : 0;
    }
    if (memory.is_seen) {
        jep_part_kill_all(plant, memory.nodes);
    }
    (void)jep_capture_finish(&feed, jep_now_ns());
    jep_capture_free(&feed);
}

JEP_ACT(start_arrow)
{
    struct jep_evidence e = {.arena = arena};
    int leader;
    (void)message;
    memset(&memory, 0, sizeof(memory));
    memory.nodes = jep_effect_nodes(plant, plan, &leader);
    if (memory.nodes == 0 || jep_gates_count(plant) == 0) {
        memory.nodes = 0;
        *ret_value = jep_effect_skipped(
            plant, arena, jep_gates_count(plant) == 0 ? "no gateways" : "nobody leads");
        return true;
    }
    memory.term = jep_effect_term(plant, jep_effect_cluster(plan));
    kill_at(plant, other_than(plant, (unsigned)leader), mark_of(plan));
    jep_evidence_bool(&e, "seen", memory.is_seen);
    *ret_value = jep_effect_told(plant, memory.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

struct later {
    struct jep_plant *plant;
    unsigned cluster;
    uint64_t term;
};

static bool is_later(void *ctx)
{
    struct later *later = ctx;
    later->term = jep_effect_term(later->plant, later->cluster);
    return later->term > memory.term;
}

JEP_ACT(stop_arrow)
{
    struct jep_evidence e = {.arena = arena};
    bool is_started = true;
    struct later later = {.plant = plant, .cluster = jep_effect_cluster(plan)};
    if (memory.is_seen) { /* Seen late, it has not been away for long. */
        (void)jep_part_wait(is_later, &later, JEP_LEADER_WAIT_MS);
    }
    for (unsigned i = 0; i < plant->count; i++) {
        if ((memory.nodes >> i & 1) != 0) {
            is_started = jep_node_start(plant, i, message) && is_started;
        }
    }
    jep_evidence_bool(&e, "seen", memory.is_seen);
    jep_evidence_int(&e, "term-before", (int64_t)memory.term);
    jep_evidence_int(&e, "term-after", (int64_t)later.term);
    *ret_value = jep_effect_told(plant, memory.nodes,
        memory.is_seen && later.term > memory.term ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return is_started;
}

/* --- clocks of nodes --------------------------------------------------------------------- */

JEP_PLAN(plan_seconds)
{
    struct jep_edn_list map = {0};
    int64_t size = (int64_t)1 << jep_rng_between(rng, JUMP_LOG2_MIN, JUMP_LOG2_MAX);
    bool is_ahead = jep_rng_chance(rng, 1, 2), is_leader = jep_rng_chance(rng, 1, 2);
    jep_edn_put(&map, "jump-ms", jep_edn_int(is_ahead ? size : -size));
    jep_aim_nodes(
        &map, rng, shape, is_leader ? JEP_TARGET_LEADER : JEP_TARGET_MINORITY, arena, NULL);
    return jep_edn_take_map(&map, arena);
}

JEP_ACT(start_seconds)
{
    struct jep_evidence e = {.arena = arena};
    (void)message;
    memset(&memory, 0, sizeof(memory));
    memory.nodes = jep_effect_nodes(plant, plan, NULL);
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_clock_page *page = plant->parts[i].wish.clock;
        if ((memory.nodes >> i & 1) != 0) {
            memory.reads[i] = jep_wish_get(page->reads);
            jep_wish_set(page->offset_ns,
                (int64_t)JEP_CLOCK_BASE_S * 1000000000 + jep_aim_int(plan, "jump-ms") * 1000000);
        }
    }
    *ret_value = jep_effect_told(plant, memory.nodes, JEP_EFFECT_LATER, &e);
    return true;
}

JEP_ACT(stop_seconds)
{
    struct jep_evidence e = {.arena = arena};
    bool is_seen = memory.nodes != 0;
    int64_t reads = 0;
    (void)plan, (void)message;
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_clock_page *page = plant->parts[i].wish.clock;
        if ((memory.nodes >> i & 1) != 0) {
            int64_t read = (int64_t)(jep_wish_get(page->reads) - memory.reads[i]);
            is_seen = is_seen && read > 0 &&
                      jep_wish_get(page->last_offset_ns) != (int64_t)JEP_CLOCK_BASE_S * 1000000000;
            reads += read;
            jep_part_heal_clock_wish(&plant->parts[i]);
        }
    }
    jep_evidence_int(&e, "reads", reads);
    *ret_value =
        jep_effect_told(plant, memory.nodes, is_seen ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

const struct jep_nemesis jep_nemeses_arrow[] = {
    {"arrow-leader", "arrow", JEP_CAN_SIGNAL, JEP_NEMESIS_GATEWAYS, plan_arrow, start_arrow,
        stop_arrow},
    {"clock-seconds", "clock-seconds", JEP_CAN_CLOCK, JEP_NEMESIS_GATEWAYS, plan_seconds,
        start_seconds, stop_seconds},
    {.name = NULL},
};
