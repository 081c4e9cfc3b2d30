/* jepsen/cluster/reach.h: who reaches whom, and whether that is enough to go on: pure. Numbers are
 * those of the nodes of one cluster. */
#ifndef WEFT_JEPSEN_CLUSTER_REACH_H
#define WEFT_JEPSEN_CLUSTER_REACH_H

#include <stdbool.h>

enum {
    JEP_REACH_MAX = 16
};

struct jep_reach {
    unsigned count;
    bool is_member[JEP_REACH_MAX];
    bool is_up[JEP_REACH_MAX];
    bool is_cut[JEP_REACH_MAX][JEP_REACH_MAX]; /* [from][to] */
};

/* Some member that is up has, with itself, a majority of members up and reached both ways: it can
 * lead. */
bool jep_reach_has_quorum(const struct jep_reach *reach);

/* Both directions between every node of one group and every node outside it. in_group: of count. */
void jep_reach_cut_group(struct jep_reach *reach, const bool *in_group);
/* Each node sees a majority, no two the same one: a ring, where everybody keeps the neighbours that
 * make up a majority with it. order: the nodes around the ring. With 3 nodes nobody can lose one
 * neighbour and keep a majority, so there the frames to the next one alone are cut. */
void jep_reach_cut_ring(struct jep_reach *reach, const unsigned *order);
/* Two groups that do not reach each other, and a bridge that reaches both. */
void jep_reach_cut_bridge(struct jep_reach *reach, const bool *in_group, unsigned bridge);

#endif
