/* jepsen/cluster/plant.h: a plant of real processes: up to three sites of weftd nodes, each node in
 * a network namespace and on a file system of its own, joined by a switch that we wrote ourselves.
 * Everything is made from outside by the programs that a user has: keys by `weft pki`, members by
 * `weft member`, what a node thinks by `weft status` through its client door.
 *
 * Lives inside an enclosure (jepsen/cluster/enclosure.h), whose end ends all of it. One thread at a
 * time calls these functions (the one that plays the nemesis), except those marked "any thread".
 * Nodes are numbered from 0 over all clusters, spares last in their cluster; they are called n1,
 * n2 ... in the first cluster, m1, m2 ... in the second, l1, l2 ... in the third. Sites are each of
 * an organization of its own, and the first has an agreement with each other one (accord.h). */
#ifndef WEFT_JEPSEN_CLUSTER_PLANT_H
#define WEFT_JEPSEN_CLUSTER_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/edn.h"
#include "jepsen/core/text.h"

enum {
    JEP_CLUSTERS_MAX = 3,
    JEP_NODES_MAX = 16,         /* of all clusters, spares included */
    JEP_PLANT_START_MS = 60000, /* chosen: a busy machine; only ends what hangs */
};

enum jep_disk {
    JEP_DISK_AUTO, /* ext4 where the machine can, else tmpfs */
    JEP_DISK_EXT4, /* on a loop device: power cuts are real */
    JEP_DISK_TMPFS /* no power cuts */
};

enum jep_node_state {
    JEP_NODE_NEW, /* never started: it has no data */
    JEP_NODE_UP,
    JEP_NODE_PAUSED, /* SIGSTOP */
    JEP_NODE_DOWN,
};

struct jep_plant_options {
    const char *bin;        /* directory of weft and weftd */
    const char *old_bin;    /* of another build, for rolling restarts; NULL: none */
    const char *shims;      /* directory of libjep_clock.so and libjep_disk.so */
    const char *scratch;    /* of the enclosure: what shall end with it */
    const char *out;        /* directory of the run, exists: NAME/weftd.log, weftd.yaml, core */
    unsigned clusters;      /* 1 to JEP_CLUSTERS_MAX */
    unsigned nodes;         /* of each cluster: 1, 3, 5 or 7 */
    unsigned partner_nodes; /* of each but the first; 0: as many */
    unsigned spares;        /* of each cluster: prepared, started by the membership nemesis */
    enum jep_disk disk;
    uint64_t disk_bytes;         /* of each node; 0: 384 MiB */
    const char *mutants;         /* value of WEFT_MUTANTS for the nodes; NULL: none */
    unsigned election_ms;        /* 0: the product's default (150) */
    unsigned checkpoint_entries; /* 0: 256; small, so that checkpoints happen in a short run */
    unsigned trailing_entries;   /* 0: 32 */
    uint64_t seed;               /* of the switch's links */
    unsigned gates;              /* gateways of the first cluster: gate.h */
};

/* What does not change while the plant lives. */
struct jep_node_info {
    const char *name; /* "n2"; also its name in certificates */
    unsigned cluster; /* from 0 */
    unsigned number;  /* within its cluster, from 0 */
    bool is_spare;
    const char *ip;     /* "10.9.1.2" */
    const char *client; /* "10.9.1.2:7102", as weft --endpoint takes it */
    const char *peer;   /* "10.9.1.2:7101" */
    const char *door;   /* "10.9.1.2:7104": where partners meet it */
    const char *home;   /* directory below out: configuration, log, cores */
    const char *data;   /* its data directory, on its own file system */
    int netns;          /* file descriptor of its network namespace, for setns(2) */
};

struct jep_plant;

/* Makes namespaces, switch, file systems, keys and configuration; starts no node. NULL: failed, and
 * nothing is left. Keeps a copy of the options' texts. */
struct jep_plant *jep_plant_create(
    const struct jep_plant_options *options, struct jep_message *message);
/* Bootstraps the first node of each cluster, joins the others, waits until all but the spares are
 * voters and serve. */
bool jep_plant_start(struct jep_plant *plant, unsigned timeout_ms, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Ends every fault: links whole, disks and clocks true, paused nodes go on, nodes that are down are
 * started again (anew, if their disk was lost). Does not wait for them. False: a node cannot be
 * started; the others were. */
bool jep_plant_heal(struct jep_plant *plant, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Starts again what ended by itself, as an init system does (Restart=on-failure); nodes that a
 * nemesis holds down stay down. To be called between the nemesis's operations. */
bool jep_plant_supervise(struct jep_plant *plant, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Waits until every node that belongs to the site serves, votes and has a leader. */
bool jep_plant_wait_whole(struct jep_plant *plant, unsigned timeout_ms, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Ends all nodes (SIGKILL) and takes everything down. Takes NULL too. */
void jep_plant_destroy(struct jep_plant *plant);

/* Nodes of a cluster without its spares, and with them. */
unsigned jep_plant_nodes_of(const struct jep_plant_options *options, unsigned cluster);
unsigned jep_plant_size_of(const struct jep_plant_options *options, unsigned cluster);

/* Any thread. */
unsigned jep_plant_count(const struct jep_plant *plant);
const struct jep_node_info *jep_plant_node(const struct jep_plant *plant, unsigned node);
/* Node of that name, or -1. */
int jep_plant_find(const struct jep_plant *plant, const char *name);
/* Directory with ca.crt, tls.crt, tls.key of a person of the cluster's site. */
const char *jep_plant_identity(const struct jep_plant *plant, unsigned cluster);
/* By the first commit of each site, whose policy lets the identity do anything but write below
 * sealed/. A plant that also runs older builds is not: they know no policy. */
bool jep_plant_is_governed(const struct jep_plant *plant);
/* It came back from a backup, so that some of what was acknowledged is gone by right. */
bool jep_plant_was_restored(const struct jep_plant *plant, unsigned cluster);
enum jep_disk jep_plant_disk(const struct jep_plant *plant);
enum jep_node_state jep_node_state(const struct jep_plant *plant, unsigned node);
/* A vote in the site, as the last membership change left it; spares start without. */
bool jep_node_is_member(const struct jep_plant *plant, unsigned node);
/* A majority of the cluster's members is up, not paused, and connected in both directions with one
 * of its own, as the plant and the switch stand now. */
bool jep_plant_has_quorum(const struct jep_plant *plant, unsigned cluster);

/* What a node says of itself through its client door. */
struct jep_node_status {
    char state[24]; /* "leader", "follower", "joining" ... */
    uint64_t term;
    uint64_t leader_id; /* 0: it knows of none */
    uint64_t id;
    uint64_t commit_index;
    uint64_t applied_index;
    uint64_t first_log_index;
    uint64_t last_log_index;
    uint64_t checkpoint_index;
    uint64_t checkpoints_installed; /* since its start: fetched from another node */
    uint64_t elections;             /* since its start */
    char role[16];                  /* its own, as far as it knows: "voter", "standby" */
    unsigned members;
    unsigned voters;
};
/* Any thread. False: no answer in time. */
bool jep_node_status(const struct jep_plant *plant, unsigned node, unsigned timeout_ms,
    struct jep_node_status *ret_status) __attribute__((warn_unused_result));
/* Any thread. Asks all nodes of the cluster that are up, at once; arrays by node. Gives how many
 * answered in time. */
unsigned jep_plant_statuses(const struct jep_plant *plant, unsigned cluster, unsigned timeout_ms,
    struct jep_node_status ret_statuses[JEP_NODES_MAX], bool ret_is_known[JEP_NODES_MAX]);
/* Any thread. The node that says it leads in the highest term; -1: none. */
int jep_plant_leader(const struct jep_plant *plant, unsigned cluster, unsigned timeout_ms);

/* Each is harmless where it has nothing to do (a node that is down is killed: still down). */
bool jep_node_start(struct jep_plant *plant, unsigned node, struct jep_message *message)
    __attribute__((warn_unused_result));
/* SIGKILL, and waits for its end. */
void jep_node_kill(struct jep_plant *plant, unsigned node);
/* SIGTERM; after timeout_ms SIGKILL and false. */
bool jep_node_stop(struct jep_plant *plant, unsigned node, unsigned timeout_ms);
void jep_node_pause(struct jep_plant *plant, unsigned node);
void jep_node_resume(struct jep_plant *plant, unsigned node);
/* Kills it and throws its data away: the next start joins anew. */
bool jep_node_wipe(struct jep_plant *plant, unsigned node, struct jep_message *message)
    __attribute__((warn_unused_result));

/* Every end of a node that nobody here asked for: [{:node "n2" :status "signal 6" :core true :log
 * ["last lines"]}]; empty for a good run. Ends that a nemesis announced (a full disk stops a node,
 * with exit code 1) are left out; a crash by a signal never is. */
struct jep_edn jep_plant_deaths(struct jep_plant *plant, struct jep_arena *arena);
/* {"n1>n2" {:passed 1532, :cut 12, ...}, ...}: frames per directed link, for reports. */
struct jep_edn jep_plant_links(struct jep_plant *plant, struct jep_arena *arena);

#endif
