/* jepsen/cluster/group.h: control groups (version 1) that keep one node's process short of
 * processor time. A group has a name outside of every namespace, which no kernel takes away with
 * its processes: a warden does, a process outside the enclosure that outlives all of it (JEP-41).
 *
 * Groups are made only where this process stands in the root of the hierarchy. Elsewhere somebody
 * else manages the groups, and there is one writer to each. */
#ifndef WEFT_JEPSEN_CLUSTER_GROUP_H
#define WEFT_JEPSEN_CLUSTER_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "jepsen/core/text.h"

enum {
    /* The least that the kernel takes: what a node does at once is cut in pieces, however little
     * it does in all. The period follows from the share: 1 % is 1 ms of each 100 ms. */
    JEP_GROUP_QUOTA_US = 1000
};

/* Of cpu.stat, since the group was made. */
struct jep_group_stat {
    uint64_t periods;      /* in which a process of it wanted to run */
    uint64_t throttled;    /* of these: it had to wait for the next one */
    uint64_t throttled_ms; /* in all, of each processor */
};

/* Outside, before namespaces are made and threads started: names this run's groups and starts the
 * warden, where groups can be made at all. The warden holds no descriptor of the caller's and ends
 * once all processes of the run have. */
void jep_group_watch(void);
/* Whether groups can be made: watch was called and found a hierarchy. Else why not. */
bool jep_group_can(struct jep_message *why);

/* All threads of the process get `percent` of one processor. `name` is a file name, one process
 * each; 100 and more: no quota, the process is counted alone. False: nothing has changed. */
bool jep_group_limit(const char *name, pid_t pid, unsigned percent, struct jep_message *message)
    __attribute__((warn_unused_result));
/* All zero if there is no such group. */
struct jep_group_stat jep_group_stat(const char *name);
/* Its processes go back to where they were; the group is gone. Harmless if there is none. */
void jep_group_release(const char *name);

/* Pure: the path of this controller's group in the text of /proc/PID/cgroup. False: not there. */
bool jep_group_find(const char *text, const char *controller, char *ret_path, size_t size);
/* Pure: of a text like that of cpu.stat. */
struct jep_group_stat jep_group_parse(const char *text);

#endif
