/* jepsen/cluster/layout.h: what a node needs before it can start, made as a user makes it: a trust
 * root and keys by `weft pki`, a configuration file. */
#ifndef WEFT_JEPSEN_CLUSTER_LAYOUT_H
#define WEFT_JEPSEN_CLUSTER_LAYOUT_H

#include <stdbool.h>

#include "jepsen/cluster/plant.h"

enum {
    JEP_LAYOUT_GONE = 16 /* programs gone-N that may write below gone/, once they have a key */
};

/* Names of a cluster's organization and site; "oem.example/plant1" is both. */
const char *jep_layout_org(unsigned cluster);
const char *jep_layout_site(unsigned cluster);
const char *jep_layout_full(unsigned cluster);

/* Environment for every `weft` command: no settings of the user who runs the harness. */
extern const char *const jep_layout_env[];

/* Trust root of the cluster and the identity of its clients below `directory`/pki-N; gives the
 * directory of that identity. */
bool jep_layout_authority(const struct jep_plant_options *options, unsigned cluster,
    char *ret_identity, size_t size, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Directory `out`/bin, in which weftd is the test build of `bin` (weftd_mutants) and weft the usual
 * one. False: there is no test build. */
bool jep_layout_test_build(const char *bin, const char *out, char *ret_bin, size_t size,
    struct jep_message *message) __attribute__((warn_unused_result));
/* New key and certificate of the node, in place of what it has. */
bool jep_layout_keys(const struct jep_plant_options *options, const struct jep_node_info *node,
    struct jep_message *message) __attribute__((warn_unused_result));
/* Keys of the node, and its weftd.yaml, in its home. peers: client doors of the others of its
 * cluster, where a first start joins. */
bool jep_layout_node(const struct jep_plant_options *options, const struct jep_node_info *node,
    const char *const *peers, unsigned peers_count, struct jep_message *message)
    __attribute__((warn_unused_result));

#endif
