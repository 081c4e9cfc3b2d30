/* jepsen/cluster/env.h: what this machine can break. Each capability has a positive control (the
 * fault, done on purpose, is seen) and a negative one (without the fault, nothing is seen): a fault
 * that silently does nothing is the commonest bug of a harness. */
#ifndef WEFT_JEPSEN_CLUSTER_ENV_H
#define WEFT_JEPSEN_CLUSTER_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "jepsen/core/text.h"

enum jep_capability {
    JEP_CAN_ENCLOSE = 1 << 0,  /* process, mount and network namespaces that end with us */
    JEP_CAN_LINK = 1 << 1,     /* TAP devices: the switch, cuts, delay, loss */
    JEP_CAN_SIGNAL = 1 << 2,   /* kill, pause */
    JEP_CAN_TMPFS = 1 << 3,    /* full disks */
    JEP_CAN_EXT4 = 1 << 4,     /* loop devices with ext4 */
    JEP_CAN_CUT = 1 << 5,      /* power cuts: ext4's shutdown ioctl */
    JEP_CAN_CLOCK = 1 << 6,    /* preloaded clock */
    JEP_CAN_DISK = 1 << 7,     /* preloaded write and sync errors */
    JEP_CAN_READONLY = 1 << 8, /* a file system that turns read-only under a writer */
    JEP_CAN_LIMIT = 1 << 9,    /* resource limits of one process */
    JEP_CAN_QUOTA = 1 << 10,   /* control groups with a quota of processor time */
    JEP_CAN_MEMORY = 1 << 11,  /* preloaded refusals of memory */
    JEP_CAN_RUN = JEP_CAN_ENCLOSE | JEP_CAN_LINK | JEP_CAN_SIGNAL | JEP_CAN_TMPFS
    /* without these nothing runs: exit 77 */
};

struct jep_env {
    unsigned can;           /* bits of enum jep_capability */
    struct jep_message why; /* the first thing that is missing, if any */
};

/* Where the preloaded libraries of this build are: beside the program, ../lib. */
void jep_env_shims(char *ret_path, size_t size);

/* Probes once, inside the enclosure it is called in (about 2 s). scratch: of the enclosure; shims:
 * directory of the preloaded libraries. A line for each capability is written to table; NULL:
 * none. */
void jep_env_probe(const char *scratch, const char *shims, FILE *table, struct jep_env *ret_env);
const char *jep_env_name(enum jep_capability one);

/* The verb `env`: enters an enclosure, probes, prints the table. Exit code: 0 all there, 77
 * something of JEP_CAN_RUN is missing, 2 something else is missing and --strict was given. */
int jep_verb_env(int argc, char **argv);

#endif
