#include "jepsen/cluster/effect.h"

#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/process.h"

enum {
    STATUS_MS = 1000
};

unsigned jep_effect_cluster(const struct jep_edn *plan)
{
    return (unsigned)jep_aim_int(plan, "cluster") % JEP_CLUSTERS_MAX;
}

unsigned jep_effect_named(const struct jep_plant *plant, const struct jep_edn *names)
{
    unsigned nodes = 0;
    for (uint32_t i = 0; names != NULL && jep_edn_is_sequence(names) && i < names->count; i++) {
        int node = names->items[i].type == JEP_EDN_STRING
                       ? jep_plant_find(plant, names->items[i].text)
                       : -1;
        nodes |= node >= 0 ? 1u << node : 0;
    }
    return nodes;
}

static int wait_for_leader(const struct jep_plant *plant, unsigned cluster)
{
    int64_t deadline = jep_now_ns() + (int64_t)JEP_LEADER_WAIT_MS * 1000000;
    int leader;
    while ((leader = jep_plant_leader(plant, cluster, STATUS_MS)) < 0 && jep_now_ns() < deadline) {
        jep_sleep_ms(20);
    }
    return leader;
}

/* The first one that does not lead, from a place that changes with the plan. */
static unsigned follower(const struct jep_plant *plant, const struct jep_edn *plan, int leader)
{
    unsigned cluster = jep_effect_cluster(plan);
    unsigned from = (unsigned)(jep_edn_hash(plan) % plant->count);
    for (unsigned i = 0; i < plant->count; i++) {
        unsigned node = (from + i) % plant->count;
        if (plant->parts[node].info.cluster == cluster && (int)node != leader &&
            jep_node_is_member(plant, node) && jep_node_state(plant, node) == JEP_NODE_UP) {
            return 1u << node;
        }
    }
    return 0;
}

unsigned jep_effect_nodes(
    const struct jep_plant *plant, const struct jep_edn *plan, int *ret_leader)
{
    const struct jep_edn *nodes = jep_edn_get(plan, "nodes");
    bool is_symbol = nodes != NULL && nodes->type == JEP_EDN_KEYWORD;
    int leader = -1;
    if (is_symbol || ret_leader != NULL) {
        leader = wait_for_leader(plant, jep_effect_cluster(plan));
    }
    if (ret_leader != NULL) {
        *ret_leader = leader;
    }
    if (!is_symbol) {
        return jep_effect_named(plant, nodes);
    }
    if (strcmp(nodes->text, "follower") == 0) {
        return follower(plant, plan, leader);
    }
    return leader >= 0 ? 1u << leader : 0;
}

uint64_t jep_effect_term(const struct jep_plant *plant, unsigned cluster)
{
    struct jep_node_status s[JEP_NODES_MAX];
    bool is_known[JEP_NODES_MAX];
    uint64_t term = 0;
    (void)jep_plant_statuses(plant, cluster, STATUS_MS, s, is_known);
    for (unsigned i = 0; i < plant->count; i++) {
        term = is_known[i] && s[i].term > term ? s[i].term : term;
    }
    return term;
}

void jep_evidence_int(struct jep_evidence *e, const char *key, int64_t value)
{
    jep_edn_put(&e->map, key, jep_edn_int(value));
}

void jep_evidence_text(struct jep_evidence *e, const char *key, const char *value)
{
    jep_edn_put(&e->map, key, jep_edn_string_copy(e->arena, value));
}

void jep_evidence_bool(struct jep_evidence *e, const char *key, bool value)
{
    jep_edn_put(&e->map, key, jep_edn_bool(value));
}

void jep_evidence_node(
    struct jep_evidence *e, const char *key, const struct jep_plant *plant, int node)
{
    jep_edn_put(&e->map, key,
        node >= 0 ? jep_edn_string_copy(e->arena, plant->parts[node].name) : jep_edn_nil());
}

static bool have_quorum(const struct jep_plant *plant)
{
    bool have = true;
    for (unsigned c = 0; c < plant->options.clusters; c++) {
        have = have && jep_plant_has_quorum(plant, c);
    }
    return have;
}

static struct jep_edn names_of(
    const struct jep_plant *plant, unsigned nodes, struct jep_arena *arena)
{
    struct jep_edn_list names = {0};
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes >> i & 1) != 0) {
            jep_edn_push(&names, jep_edn_string_copy(arena, plant->parts[i].name));
        }
    }
    return jep_edn_take_vector(&names, arena);
}

struct jep_edn jep_effect_told(const struct jep_plant *plant, unsigned nodes,
    enum jep_effect effect, struct jep_evidence *evidence)
{
    struct jep_edn_list map = {0};
    jep_edn_put(&map, "nodes", names_of(plant, nodes, evidence->arena));
    if (effect != JEP_EFFECT_LATER) {
        jep_edn_put(&map, "took-effect", jep_edn_bool(effect == JEP_EFFECT_SEEN));
    }
    jep_edn_put(&map, "quorum", jep_edn_bool(have_quorum(plant)));
    jep_edn_put(&map, "evidence", jep_edn_take_map(&evidence->map, evidence->arena));
    return jep_edn_take_map(&map, evidence->arena);
}

struct jep_edn jep_effect_skipped(
    const struct jep_plant *plant, struct jep_arena *arena, const char *why)
{
    struct jep_edn_list map = {0};
    jep_edn_put(&map, "skipped", jep_edn_string_copy(arena, why));
    jep_edn_put(&map, "took-effect", jep_edn_bool(false));
    jep_edn_put(&map, "quorum", jep_edn_bool(have_quorum(plant)));
    return jep_edn_take_map(&map, arena);
}
