/* node/digests.h: state digests at an agreed index, for comparing replicas.
 *
 * A DIGEST item in the log makes every replica take a view at exactly its index and digest it on
 * a worker thread, while writes go on. The last few results are kept in memory. The loop's. */
#ifndef WEFT_NODE_DIGESTS_H
#define WEFT_NODE_DIGESTS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "node/state/state.h"
#include "proto/client.h"

enum {
    WEFT_DIGESTS_KEPT = 8
};

struct weft_digests {
    uv_loop_t *loop;
    struct weft_digest_result results[WEFT_DIGESTS_KEPT]; /* A ring; index 0: free. */
    uint32_t next;
    uint32_t working;
    volatile bool cancel;
    void (*on_idle)(void *ctx);
    void *ctx;
    /* Set by the owner, or NULL: the state is damaged. */
    void (*on_corrupt)(void *ctx, const struct weft_msg *msg);
    void *on_corrupt_ctx;
};

void weft_digests_init(struct weft_digests *d, uv_loop_t *loop);
/* The state stands at `index`, which holds a marker. WEFT_OK also when too much is under way:
 * the result then stays away and the asker's deadline ends it. */
WEFT_MUST_USE enum weft_err weft_digests_take(
    struct weft_digests *d, struct weft_state *state, uint64_t index, struct weft_msg *msg);
/* WEFT_ENOTFOUND: no such marker was seen here (yet), or it was forgotten. */
WEFT_MUST_USE enum weft_err weft_digests_find(
    const struct weft_digests *d, uint64_t index, struct weft_digest_result *ret_result);
/* Cancel what works, then on_idle(ctx). */
void weft_digests_close(struct weft_digests *d, void (*on_idle)(void *ctx), void *ctx);

#endif
