/* node/state/yield.h: where a query that takes long asks whether it may go on.
 *
 * Whoever queries a view gives it one of these; each link or key that the query looks at is a
 * step, and after every so many of them it asks. The answer may take its time (others go first),
 * and it may be no: then the query ends with that error, and nothing of it is kept. Walks of the
 * store ask for themselves. No locks are held while it asks. Header only. */
#ifndef WEFT_NODE_STATE_YIELD_H
#define WEFT_NODE_STATE_YIELD_H

#include <stdint.h>

#include "proto/err.h"

struct weft_yield {
    void *ctx;
    /* WEFT_OK: go on. */
    enum weft_err (*ask)(void *ctx, struct weft_msg *msg);
    uint32_t every;      /* Steps; at least 1. */
    uint32_t left;       /* Until it is asked again; at first, until it is asked the first time. */
    enum weft_err err;   /* Once it said no: the same from then on. */
    struct weft_msg msg; /* Of err. */
};

static inline enum weft_err weft_yield_ask(struct weft_yield *y)
{
    if (y->err == WEFT_OK) {
        y->left = y->every;
        y->err = y->ask(y->ctx, &y->msg);
    }
    return y->err;
}

/* `y` may be NULL: then nobody is asked. */
static inline enum weft_err weft_yield_step(struct weft_yield *y, uint32_t steps)
{
    if (y == NULL) {
        return WEFT_OK;
    }
    if (y->left > steps && y->err == WEFT_OK) {
        y->left -= steps;
        return WEFT_OK;
    }
    return weft_yield_ask(y);
}

#endif
