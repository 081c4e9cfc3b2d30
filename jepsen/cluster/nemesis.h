/* jepsen/cluster/nemesis.h: what breaks a plant, and how it shows that it did.
 *
 * A nemesis is planned before the run from the seed alone (plan: pure, so that one seed gives one
 * plan and a replay needs no plant), then started and stopped by the thread that plays it. What
 * only the running plant knows is a symbol in the plan (`:leader`, `:follower`) and resolved at the
 * start. start and stop may take seconds (a crash loop, a catch-up); they never take longer than
 * JEP_NEMESIS_MS.
 *
 * In the history: `:f :start-NAME` with the plan as its value, then again with what start gave;
 * `:f :stop-NAME` likewise. What start and stop give is a map:
 *
 *     {:nodes ["n2"], :took-effect true, :quorum true, :evidence {:dropped 1532, ...}}
 *
 * `:took-effect` is true only where the fault was *seen* to have happened (packets were dropped and
 * the leader was inside the cut; the process had ended; bytes that were not synced are gone; the
 * daemon got its ENOSPC; the offset was read back by the daemon). A nemesis none of whose
 * operations took effect proves nothing: coverage says unknown. `:quorum` is false if, as the plant
 * stands after the operation, some cluster has no majority that is up and connected: then no
 * progress may be demanded until a later operation says true. `:skipped "why"` stands where a fault
 * was left out because it would have gone beyond what Weft promises to survive (a second disk lost
 * at once). */
#ifndef WEFT_JEPSEN_CLUSTER_NEMESIS_H
#define WEFT_JEPSEN_CLUSTER_NEMESIS_H

#include "jepsen/cluster/env.h"
#include "jepsen/cluster/plant.h"
#include "jepsen/core/edn.h"
#include "jepsen/core/rng.h"

enum {
    JEP_NEMESIS_MS = 45000, /* chosen: a checkpoint catch-up on a busy machine */
    JEP_NEMESES_MAX = 112
};

/* What a plan depends on besides the seed. */
struct jep_shape {
    unsigned clusters;
    unsigned nodes;         /* of each cluster, without spares */
    unsigned spares;        /* of each cluster */
    unsigned partner_nodes; /* of each cluster but the first; 0: as many */
};

enum jep_nemesis_flag {
    JEP_NEMESIS_MAJORITY = 1 << 0,   /* may leave no quorum while it lasts */
    JEP_NEMESIS_DISK = 1 << 1,       /* a node's disk is lost: one at a time */
    JEP_NEMESIS_INSTANT = 1 << 2,    /* start does all of it; stop gives what is left to tell */
    JEP_NEMESIS_CONTROL = 1 << 3,    /* breaks nothing, or the harness: "all" leaves it out */
    JEP_NEMESIS_TEST_BUILD = 1 << 4, /* of weftd; left out where another one runs */
    JEP_NEMESIS_GATEWAYS = 1 << 5,   /* of plants with gateways: "all" leaves it out */
    JEP_NEMESIS_SITES = 1 << 6       /* of plants of several sites: "all" leaves it out */
};

struct jep_nemesis {
    const char *name;   /* "partition-leader" */
    const char *family; /* "partition": --nemesis takes either */
    unsigned needs;     /* bits of enum jep_capability */
    unsigned flags;
    struct jep_edn (*plan)(
        struct jep_rng *rng, const struct jep_shape *shape, struct jep_arena *arena);
    /* False: the harness itself failed (exit 3); the plant may be in any state. */
    bool (*start)(struct jep_plant *plant, const struct jep_edn *plan, struct jep_arena *arena,
        struct jep_edn *ret_value, struct jep_message *message);
    bool (*stop)(struct jep_plant *plant, const struct jep_edn *plan, struct jep_arena *arena,
        struct jep_edn *ret_value, struct jep_message *message);
};

/* All of them, in a fixed order; `none`, which does nothing and never takes effect, is the first,
 * and `broken-start` and `broken-stop`, which fail, follow. */
const struct jep_nemesis *const *jep_nemesis_all(size_t *ret_count);
const struct jep_nemesis *jep_nemesis_find(const char *name);
/* "partition,kill-leader" or "all": names and families, each nemesis once. False: an unknown name,
 * or more than JEP_NEMESES_MAX. "all" leaves out the controls and
 * those of gateways and of several sites. */
bool jep_nemesis_select(const char *list, const struct jep_nemesis **ret_nemeses, size_t *ret_count,
    struct jep_message *message) __attribute__((warn_unused_result));

/* The list names a nemesis, or a family, that a release build would leave out; "all" does not: what
 * runs under everything is what is delivered. */
bool jep_nemesis_wants_test_build(const char *list);

#endif
