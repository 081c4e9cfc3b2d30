/* jepsen/cluster/effect.h: a fault under way: what its start has to remember for its stop, and how
 * both are told. One fault of a family at a time (nemesis.h), so its memory is the family's. */
#ifndef WEFT_JEPSEN_CLUSTER_EFFECT_H
#define WEFT_JEPSEN_CLUSTER_EFFECT_H

#include "jepsen/cluster/nemesis.h"
#include "jepsen/cluster/parts.h"

enum {
    JEP_LEADER_WAIT_MS = 3000 /* chosen: twenty election timers */
};

/* Bits: the nodes that the plan's :nodes names or means as the plant is now. 0: it means a leader,
 * and there is none. *ret_leader (may be NULL): who leads the plan's cluster, or -1; asked for only
 * if ret_leader is given or the plan needs it. */
unsigned jep_effect_nodes(
    const struct jep_plant *plant, const struct jep_edn *plan, int *ret_leader);
unsigned jep_effect_cluster(const struct jep_edn *plan);
/* Nodes of a vector of names. */
unsigned jep_effect_named(const struct jep_plant *plant, const struct jep_edn *names);
/* Highest term that a node of the cluster tells; 0: none answers. */
uint64_t jep_effect_term(const struct jep_plant *plant, unsigned cluster);

/* Evidence, put together key by key, then taken as what start or stop gives. */
struct jep_evidence {
    struct jep_arena *arena;
    struct jep_edn_list map;
};

void jep_evidence_int(struct jep_evidence *e, const char *key, int64_t value);
void jep_evidence_text(struct jep_evidence *e, const char *key, const char *value);
void jep_evidence_bool(struct jep_evidence *e, const char *key, bool value);
/* A node's name; -1: nil. */
void jep_evidence_node(
    struct jep_evidence *e, const char *key, const struct jep_plant *plant, int node);

/* JEP-42. */
enum jep_effect {
    JEP_EFFECT_NONE,  /* looked for and not seen */
    JEP_EFFECT_LATER, /* the stop will tell */
    JEP_EFFECT_SEEN
};

/* {:nodes [...] :took-effect ... :quorum ... :evidence {...}}. */
struct jep_edn jep_effect_told(const struct jep_plant *plant, unsigned nodes,
    enum jep_effect effect, struct jep_evidence *evidence);
/* {:skipped "why" :took-effect false ...}. */
struct jep_edn jep_effect_skipped(
    const struct jep_plant *plant, struct jep_arena *arena, const char *why);

#endif
