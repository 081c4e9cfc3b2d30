/* jepsen/cluster/enclosure.h: one set of namespaces around a whole run, which ends with it. The
 * caller's process stays outside as a shell of the run; the rest goes on inside, as a child of a
 * small init. Whoever of the three dies, by whatever signal, the kernel ends every process inside,
 * and with the last of them mounts, loop devices (autoclear), network devices and rules are gone:
 * nothing of them has a name outside.
 *
 * Inside: process, mount, network, IPC and host-name namespaces, a new /proc, a tmpfs as scratch,
 * and, if the caller is not root, a user namespace in which it is. */
#ifndef WEFT_JEPSEN_CLUSTER_ENCLOSURE_H
#define WEFT_JEPSEN_CLUSTER_ENCLOSURE_H

#include <stdbool.h>

#include "jepsen/core/text.h"

/* Where the tmpfs of an enclosure is mounted, inside alone: below the directory given to enter. */
struct jep_enclosure {
    char scratch[1024];
    bool is_root; /* of the machine: loop devices can be mounted */
};

/* Call before any thread is started. Returns true inside the enclosure only; the process that
 * called waits for the inner one, passes SIGINT and SIGTERM on, and exits as it does (128 + N for
 * signal N; handlers of atexit(3) run in both). False: namespaces cannot be made here, nothing
 * happened, the caller goes on as it was. `mount_point`: an existing directory that is covered by
 * the scratch, inside. */
bool jep_enclosure_enter(const char *mount_point, struct jep_enclosure *ret_enclosure,
    struct jep_message *message) __attribute__((warn_unused_result));

#endif
