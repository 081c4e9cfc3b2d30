/* jepsen/cluster/aim.h: the words that plans of nemeses are made of: pure. A plan is a map; which
 * nodes it is about stands under `:nodes`, as their names, or as `:leader` or `:follower` where
 * only the running plant knows. */
#ifndef WEFT_JEPSEN_CLUSTER_AIM_H
#define WEFT_JEPSEN_CLUSTER_AIM_H

#include "jepsen/cluster/nemesis.h"

enum jep_target {
    JEP_TARGET_ONE, /* any node */
    JEP_TARGET_LEADER,
    JEP_TARGET_FOLLOWER, /* any node that does not lead */
    JEP_TARGET_MINORITY, /* as many as can be missed: 1 of 3, 2 of 5 */
    JEP_TARGET_MAJORITY, /* one more than can be missed */
    JEP_TARGET_ALL
};

/* JEP-43. {:cluster C :nodes ...} into a map that more may be put into. Spares are never among
 * them. The cluster is drawn; *ret_cluster (may be NULL) is which. */
void jep_aim_nodes(struct jep_edn_list *map, struct jep_rng *rng, const struct jep_shape *shape,
    enum jep_target target, struct jep_arena *arena, unsigned *ret_cluster);
/* All nodes of the cluster but its spares, in an order drawn: ["n3" "n1" "n2"]. */
struct jep_edn jep_aim_shuffled(
    struct jep_rng *rng, const struct jep_shape *shape, unsigned cluster, struct jep_arena *arena);
/* Nodes of a cluster without its spares. */
unsigned jep_aim_count(const struct jep_shape *shape, unsigned cluster);
/* "n1" of the first cluster, "m1" of the second, "l1" of the third. */
const char *jep_aim_name(unsigned cluster, unsigned number, struct jep_arena *arena);

/* Of a plan that the harness made itself: what is not there is 0 or NULL. */
int64_t jep_aim_int(const struct jep_edn *plan, const char *key);
const char *jep_aim_keyword(const struct jep_edn *plan, const char *key);

#endif
