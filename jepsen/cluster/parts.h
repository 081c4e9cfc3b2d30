/* jepsen/cluster/parts.h: what a plant is made of: for the plant itself and its nemeses, for nobody
 * outside this directory. The lock guards pid, state, is_member and the list of deaths, which other
 * threads ask for; everything else belongs to the thread that plays the nemesis. */
#ifndef WEFT_JEPSEN_CLUSTER_PARTS_H
#define WEFT_JEPSEN_CLUSTER_PARTS_H

#include <pthread.h>
#include <sys/types.h>

#include "jepsen/cluster/gate.h"
#include "jepsen/cluster/plant.h"
#include "jepsen/cluster/port.h"
#include "jepsen/cluster/process.h"
#include "jepsen/cluster/reach.h"
#include "jepsen/cluster/switch.h"
#include "jepsen/cluster/volume.h"
#include "jepsen/cluster/wish.h"

enum {
    JEP_PART_PATH_BYTES = 512,
    JEP_CLIENTS_PORT = 0, /* of the switch; node N has port N + 1 */
    /* All nodes' clocks are so far ahead of the harness's, so that a jump back does not come before
     * the first day of their certificates. Chosen: above the largest jump. */
    JEP_CLOCK_BASE_S = 24 * 60 * 60
};

struct jep_part {
    struct jep_node_info info;
    char name[8], ip[JEP_ADDRESS_BYTES], client[32], peer[32], door[32];
    char home[JEP_PART_PATH_BYTES], data[JEP_PART_PATH_BYTES];
    char scratch[JEP_PART_PATH_BYTES];
    struct jep_port port;
    struct jep_volume volume;
    struct jep_wish wish;
    pid_t pid; /* 0: no process */
    enum jep_node_state state;
    bool is_member;
    bool has_data;      /* it was started before, and its disk was not lost since */
    bool is_first;      /* its first start makes the site */
    bool runs_old;      /* options.old_bin */
    bool is_held;       /* down since it was told to, until it is told to start */
    bool may_exit;      /* a nemesis announced that this process may end with an exit code */
    bool may_be_killed; /* or be killed by its own preloaded library */
    bool may_crash;     /* or by another signal: it is refused memory */
    bool is_broken;     /* its file system turned read-only */
    bool is_filled;     /* a balloon is on it */
    bool is_starved;    /* in a control group of its own */
    bool is_damaged;    /* bytes of its data were changed, which it may notice much later */
    bool is_refused;    /* it refused to start with these data */
    unsigned starts;
    uint64_t files_before; /* what its process's limit was before it was lowered; 0: it was not */
};

/* A gateway of the first cluster: gate.h. */
struct jep_gate {
    char name[8], ip[JEP_ADDRESS_BYTES];
    char home[JEP_PART_PATH_BYTES], scratch[JEP_PART_PATH_BYTES];
    struct jep_port port; /* of the switch; gateway N has port count + 1 + N */
    struct jep_wish wish;
    pid_t pid; /* 0: no process */
    enum jep_node_state state;
    bool is_held; /* down since it was killed, until it is told to start */
    unsigned starts;
    unsigned ends; /* by itself, which nobody asked for */
};

struct jep_death {
    unsigned node;
    int status; /* of waitpid(2) */
    bool is_announced;
    bool has_core;
    char log[2048]; /* its last lines */
};

struct jep_plant {
    struct jep_plant_options options;
    char bin[JEP_PART_PATH_BYTES], old_bin[JEP_PART_PATH_BYTES], shims[JEP_PART_PATH_BYTES];
    char out[JEP_PART_PATH_BYTES], scratch[JEP_PART_PATH_BYTES], mutants[128];
    char identity[JEP_CLUSTERS_MAX][JEP_PART_PATH_BYTES];
    bool is_ext4;
    unsigned count;
    struct jep_part parts[JEP_NODES_MAX];
    unsigned gate_count;
    struct jep_gate gates[JEP_GATES_MAX];
    struct jep_wish people; /* whose clock is true, as the nodes' are */
    char people_env[JEP_PART_PATH_BYTES + 64];
    struct jep_port clients;
    struct jep_switch *sw;
    pthread_mutex_t lock;
    struct jep_death *deaths;
    size_t deaths_count, deaths_capacity;
    /* A node whose disk is lost, damaged or old, or that is no member for now, until it is whole
     * again: one at a time in each cluster, or acknowledged commits could be gone by right. -1:
     * none. */
    int disk_lost[JEP_CLUSTERS_MAX];
    bool was_restored[JEP_CLUSTERS_MAX]; /* from a backup: what came behind that is gone */
};

/* Looks whether the process ended by itself, and writes it down. */
void jep_part_look(struct jep_plant *plant, unsigned node);
/* JEP-44. False: another node of its cluster is not whole yet, or this one is down by another
 * fault: then nothing may be done to this one's disk or membership. True: nothing to another one,
 * until jep_part_give_back. */
bool jep_part_take_disk(struct jep_plant *plant, unsigned node);
/* Called once the node is whole again. */
void jep_part_give_back(struct jep_plant *plant, unsigned node);
/* As jep_node_start, with an option of weftd's ("--drop-damaged-log"); NULL: none. */
bool jep_part_start_with(struct jep_plant *plant, unsigned node, const char *option,
    struct jep_message *message) __attribute__((warn_unused_result));
/* Its program with that option, which does something and ends with 0: "--restore=DIR". The node is
 * down. */
bool jep_part_run(struct jep_plant *plant, unsigned node, const char *option, unsigned timeout_ms,
    struct jep_message *message) __attribute__((warn_unused_result));
/* SIGKILL to all of them (bits) before any is waited for. */
void jep_part_kill_all(struct jep_plant *plant, unsigned nodes);
/* Its clock is true. */
void jep_part_heal_clock_wish(struct jep_part *part);
/* It has its share of the processor. */
void jep_part_heal_group(struct jep_part *part);
/* Its process may open files again. */
void jep_part_heal_files(struct jep_plant *plant, unsigned node);
/* Its disk does what it is told, at once. */
void jep_part_heal_disk_wish(struct jep_part *part);
/* Its file system is writable and has room. Kills the node where it must. */
bool jep_part_heal_disk(struct jep_plant *plant, unsigned node, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Members, states and cuts of the cluster as they are now. Numbers are within the cluster;
 * *ret_first is the node with number 0. */
void jep_part_reach(const struct jep_plant *plant, unsigned cluster, struct jep_reach *ret_reach,
    unsigned *ret_first);
/* `weft ARGUMENTS...` (ends with NULL) with the cluster's identity at that node's client door. */
bool jep_part_weft(const struct jep_plant *plant, unsigned node, const char *const *arguments,
    unsigned timeout_ms, struct jep_message *message) __attribute__((warn_unused_result));
/* The same, with what it prints added to `said`. False: it did not exit with 0 in time. */
bool jep_part_weft_said(const struct jep_plant *plant, unsigned node, const char *const *arguments,
    unsigned timeout_ms, struct jep_text *said) __attribute__((warn_unused_result));
/* The same, told by weft's exit code; -1: not in time, or not started. */
int jep_part_ask(const struct jep_plant *plant, unsigned node, const char *const *arguments,
    unsigned timeout_ms);
/* A session with that node that is connected and waits: a line written to *ret_feed is asked of the
 * node at once. False: it did not answer in time. True: close *ret_feed, then finish and free the
 * capture. */
bool jep_part_session(const struct jep_plant *plant, unsigned node, unsigned timeout_ms,
    struct jep_capture *capture, int *ret_feed) __attribute__((warn_unused_result));
/* The node is up and answers as a voter, follower or leader, within the time. */
bool jep_part_wait_serves(struct jep_plant *plant, unsigned node, unsigned timeout_ms);
/* A bool of a predicate that becomes true within the time; looks every 20 ms. */
bool jep_part_wait(bool (*is_true)(void *ctx), void *ctx, unsigned timeout_ms);

#endif
