/* tests/sim/store.h: the disk below a simulated node's state: crashes, and what goes wrong there.
 *
 * store_memory.c takes the place of node/state/store.c and keeps all of it; store_rocksdb.c plays
 * the crashes with the product's store, by keeping the files as they are on the disk. */
#ifndef WEFT_TESTS_SIM_STORE_H
#define WEFT_TESTS_SIM_STORE_H

#include <stdbool.h>

#include "proto/err.h"

struct sim_store_faults { /* Of store_memory.c alone. */
    void *ctx;
    bool (*misses)(void *ctx); /* A read that memory alone is to answer, does not. */
    enum weft_err (*write)(void *ctx, const char *directory); /* Before each write. */
};
void sim_store_set_faults(const struct sim_store_faults *faults);

/* The power fails under the open state in `directory`: its next close leaves on the disk what was
 * durable now. sim_store_crashed: it is closed. */
void sim_store_crash(const char *directory);
void sim_store_crashed(const char *directory);

#endif
