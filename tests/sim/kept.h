/* tests/sim/kept.h: a checkpoint on a simulated node's disk, for files that know records of another
 * kind: node/checkpoint/record.h and proto/record.h have one name for two things. */
#ifndef WEFT_TESTS_SIM_KEPT_H
#define WEFT_TESTS_SIM_KEPT_H

#include "node/checkpoint/keeper.h"

struct sim_kept;

/* As weft_take_run; *ret_kept NULL: nothing was applied since `before` (may be NULL). */
WEFT_MUST_USE enum weft_err sim_kept_take(const struct weft_keeper_source *source,
    const char *staging, uint64_t cluster, const struct sim_kept *before,
    struct sim_kept **ret_kept, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err sim_kept_load(
    const char *path, struct sim_kept **ret_kept, struct weft_msg *msg);
void sim_kept_destroy(struct sim_kept *kept); /* Accepts NULL. */

const struct weft_manifest *sim_kept_manifest(const struct sim_kept *kept);
struct weft_bytes sim_kept_encoded(const struct sim_kept *kept);
const char *sim_kept_name(const struct sim_kept *kept);
const char *sim_kept_files(const struct sim_kept *kept); /* Directory. */

bool sim_kept_parse_name(const char *name, uint64_t *ret_index);
WEFT_MUST_USE enum weft_err sim_kept_write_manifest(
    const char *path, struct weft_bytes encoded, struct weft_msg *msg);

#endif
