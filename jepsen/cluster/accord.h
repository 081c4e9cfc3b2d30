/* jepsen/cluster/accord.h: what the sites of a plant have agreed on: the first with each other one,
 * made as people make it (ops/runbooks/partners.md), by `weft partner`. Each side states its
 * inspections: of two verdicts the stricter one counts, what one cost is hidden from the other. */
#ifndef WEFT_JEPSEN_CLUSTER_ACCORD_H
#define WEFT_JEPSEN_CLUSTER_ACCORD_H

#include "jepsen/cluster/plant.h"

/* With the site `cluster`, which is not the first: "accord-2", "accord-3". */
const char *jep_accord_name(unsigned cluster);
/* The first node of a cluster that is up: `weft` finds the leader from there. */
unsigned jep_accord_door(const struct jep_plant *plant, unsigned cluster);
/* Every site is told of itself and of its partners, and all agreements are in force. Nothing where
 * there is one site. */
bool jep_accords_make(struct jep_plant *plant, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Site and partners are told of the keys that the site's nodes have by now, beside those that they
 * had: what was signed by those is still shown. */
bool jep_accords_rekey(struct jep_plant *plant, unsigned cluster, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Sites came back from backups: until no stream is fenced, at most 10 s. A head of which neither
 * side has all leaves is given up, by operators of both; `lost` gets each, "120 sha256:...". */
bool jep_accords_lose(struct jep_plant *plant, struct jep_arena *arena, struct jep_edn_list *lost,
    struct jep_message *message) __attribute__((warn_unused_result));

#endif
