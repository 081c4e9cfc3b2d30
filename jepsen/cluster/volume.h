/* jepsen/cluster/volume.h: one node's file system, which can be full, cut off from its power,
 * turned read-only by an error, or empty again. ext4 on a loop device over memory, or a tmpfs. Both
 * are gone with the enclosure: the loop device clears itself when the last descriptor and the mount
 * of it are gone. */
#ifndef WEFT_JEPSEN_CLUSTER_VOLUME_H
#define WEFT_JEPSEN_CLUSTER_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "jepsen/core/text.h"

enum {
    JEP_VOLUME_PATH_BYTES = 640
};

struct jep_volume {
    char mount_point[JEP_VOLUME_PATH_BYTES]; /* "" until made */
    char device[32];                         /* "/dev/loop7"; "" for a tmpfs */
    int loop;                                /* keeps the device through an unmount; -1 */
    uint64_t size_bytes;
    bool is_mounted;
};

/* Makes `directory`/disk and mounts it there. */
bool jep_volume_create(struct jep_volume *volume, const char *directory, bool is_ext4,
    uint64_t size_bytes, struct jep_message *message) __attribute__((warn_unused_result));
/* Unmounts, and forgets the device. Zeroed ones too. */
void jep_volume_destroy(struct jep_volume *volume);

/* ext4 alone, and nobody has a file open on it: what was not synced is thrown away, as when the
 * power goes; then it is mounted again, and its journal replayed. */
bool jep_volume_cut(struct jep_volume *volume, struct jep_message *message)
    __attribute__((warn_unused_result));
/* ext4 alone: it finds an error in itself, and turns read-only under whoever writes. */
bool jep_volume_break(struct jep_volume *volume, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Nobody has a file open on it: unmounts, checks (e2fsck) and mounts it again, writable. */
bool jep_volume_repair(struct jep_volume *volume, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Takes all room that is left, in one file of the harness's; again: what became free meanwhile. The
 * bytes taken by this call. */
uint64_t jep_volume_fill(struct jep_volume *volume);
/* Gives the room back. */
void jep_volume_drain(struct jep_volume *volume);
/* Room left, in bytes. */
uint64_t jep_volume_free(const struct jep_volume *volume);

#endif
