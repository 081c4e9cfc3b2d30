/* jepsen/cluster/wish.h: the harness's side of the preloaded libraries and of test builds
 * (shim/page.h): makes a node's pages and maps them. */
#ifndef WEFT_JEPSEN_CLUSTER_WISH_H
#define WEFT_JEPSEN_CLUSTER_WISH_H

#include <stdbool.h>

#include "jepsen/cluster/shim/page.h"
#include "jepsen/core/text.h"

enum {
    JEP_WISH_PATH_BYTES = 400
};

struct jep_wish {
    struct jep_clock_page *clock;
    struct jep_disk_page *disk;
    struct jep_memory_page *memory;
    struct jep_fail_page *fail;
    /* NAME=VALUE for the environment of the process they are for. */
    char clock_env[JEP_WISH_PATH_BYTES];
    char disk_env[JEP_WISH_PATH_BYTES];
    char memory_env[JEP_WISH_PATH_BYTES];
    char fail_env[JEP_WISH_PATH_BYTES];
    char preload_env[3 * JEP_WISH_PATH_BYTES];
};

/* Files `directory`/clock, `directory`/pages and `directory`/fail; shims: where the libraries are.
 * Both clocks start true, both disks whole. */
bool jep_wish_create(struct jep_wish *wish, const char *directory, const char *shims,
    struct jep_message *message) __attribute__((warn_unused_result));
void jep_wish_destroy(struct jep_wish *wish);

/* Relaxed atomics, as the other side uses them. */
#define jep_wish_set(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define jep_wish_get(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

#endif
