/* For the state's own tests over the store in memory: now and then a read finds its block not in
 * memory, as RocksDB's reads do. Links in; nothing calls it. */
#include "tests/sim/store.h"

enum {
    MISSES_EVERY = 97 /* A prime: no pattern of the test's keeps pace with it. */
};

static bool misses(void *ctx)
{
    unsigned *reads = ctx;
    return ++*reads % MISSES_EVERY == 0;
}

static enum weft_err write(void *ctx, const char *directory)
{
    (void)ctx, (void)directory;
    return WEFT_OK;
}

__attribute__((constructor)) static void plant(void)
{
    static unsigned reads;
    static const struct sim_store_faults faults = {&reads, misses, write};
    sim_store_set_faults(&faults);
}
