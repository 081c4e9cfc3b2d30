#include "jepsen/cluster/aim.h"

const char *jep_aim_name(unsigned cluster, unsigned number, struct jep_arena *arena)
{
    return jep_arena_format(arena, "%c%u", "nml"[cluster], number + 1);
}

unsigned jep_aim_count(const struct jep_shape *shape, unsigned cluster)
{
    return cluster > 0 && shape->partner_nodes > 0 ? shape->partner_nodes : shape->nodes;
}

struct jep_edn jep_aim_shuffled(
    struct jep_rng *rng, const struct jep_shape *shape, unsigned cluster, struct jep_arena *arena)
{
    struct jep_edn names[JEP_NODES_MAX];
    const unsigned count = jep_aim_count(shape, cluster);
    for (unsigned i = 0; i < count; i++) {
        names[i] = jep_edn_string(jep_aim_name(cluster, i, arena));
    }
    jep_rng_shuffle(rng, names, count, sizeof(names[0]));
    return jep_edn_vector(arena, names, count);
}

static unsigned size_of(unsigned nodes, enum jep_target target)
{
    switch (target) {
    case JEP_TARGET_MINORITY:
        return nodes > 2 ? (nodes - 1) / 2 : 1;
    case JEP_TARGET_MAJORITY:
        return nodes / 2 + 1;
    case JEP_TARGET_ALL:
        return nodes;
    case JEP_TARGET_ONE:
    case JEP_TARGET_LEADER:
    case JEP_TARGET_FOLLOWER:
        return 1;
    }
    return 1;
}

void jep_aim_nodes(struct jep_edn_list *map, struct jep_rng *rng, const struct jep_shape *shape,
    enum jep_target target, struct jep_arena *arena, unsigned *ret_cluster)
{
    unsigned cluster = (unsigned)jep_rng_below(rng, shape->clusters);
    struct jep_edn nodes = jep_aim_shuffled(rng, shape, cluster, arena);
    nodes.count = size_of(jep_aim_count(shape, cluster), target);
    if (target == JEP_TARGET_LEADER) {
        nodes = jep_edn_keyword("leader");
    } else if (target == JEP_TARGET_FOLLOWER) {
        nodes = jep_edn_keyword("follower");
    }
    jep_edn_put(map, "cluster", jep_edn_int(cluster));
    jep_edn_put(map, "nodes", nodes);
    if (ret_cluster != NULL) {
        *ret_cluster = cluster;
    }
}

int64_t jep_aim_int(const struct jep_edn *plan, const char *key)
{
    const struct jep_edn *value = jep_edn_get(plan, key);
    return value != NULL && jep_edn_is_int(value) ? value->integer : 0;
}

const char *jep_aim_keyword(const struct jep_edn *plan, const char *key)
{
    const struct jep_edn *value = jep_edn_get(plan, key);
    return value != NULL && value->type == JEP_EDN_KEYWORD ? value->text : "";
}
