/* jepsen/cluster/files.h: whole directories: removed, copied, looked through. */
#ifndef WEFT_JEPSEN_CLUSTER_FILES_H
#define WEFT_JEPSEN_CLUSTER_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/arena.h"
#include "jepsen/core/text.h"

/* The path and all below it; one that is not there is removed. Stays on its file system. */
bool jep_files_remove(const char *path, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Directories and regular files, with their modes; `to` must not exist. Holes are not kept. */
bool jep_files_copy(const char *from, const char *to, struct jep_message *message)
    __attribute__((warn_unused_result));

struct jep_file {
    const char *path; /* whole */
    uint64_t size;
};

struct jep_files {
    struct jep_file *items; /* by path */
    size_t count;
};

/* The regular files below `directory` (none if it is not there), in the arena. */
struct jep_files jep_files_list(const char *directory, struct jep_arena *arena);

#endif
