/* tests/sim/plant_history.h: what clients did and saw, one operation a line, as Jepsen writes it
 * (EDN; jepsen/core/README.md has the forms of the values). Only operations of the run's workload
 * are written. */
#ifndef WEFT_TESTS_SIM_PLANT_HISTORY_H
#define WEFT_TESTS_SIM_PLANT_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"

struct plant_history;
/* `path` NULL: everything is forgotten but what the trace's hash takes. */
struct plant_history *plant_history_open(const char *path);
void plant_history_close(struct plant_history *h);

/* `type` is "invoke", "ok", "fail" or "info"; `process` < 0: the nemesis. `value` is EDN. `node` 0:
 * none. `error` may be NULL. */
void plant_history_add(struct plant_history *h, uint64_t time_ms, const char *type, int64_t process,
    const char *f, const struct weft_buffer *value, uint64_t node, const char *error);

#endif
