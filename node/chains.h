/* node/chains.h: the state chain at the last indexes applied here, to compare replicas by.
 *
 * A follower tells the leader its chain with each acknowledgement; where the leader remembers its
 * own at that index the two must be equal (NOD-7). A ring: what is forgotten is not compared. */
#ifndef WEFT_NODE_CHAINS_H
#define WEFT_NODE_CHAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/digest.h"

enum {
    WEFT_CHAINS_KEPT = 1024
};

/* Zero-initialized is empty. */
struct weft_chains {
    uint64_t index[WEFT_CHAINS_KEPT];
    struct weft_digest chain[WEFT_CHAINS_KEPT];
};

static inline void weft_chains_note(
    struct weft_chains *c, uint64_t index, const struct weft_digest *chain)
{
    c->index[index % WEFT_CHAINS_KEPT] = index;
    c->chain[index % WEFT_CHAINS_KEPT] = *chain;
}

static inline bool weft_chains_find(
    const struct weft_chains *c, uint64_t index, struct weft_digest *ret_chain)
{
    if (index == 0 || c->index[index % WEFT_CHAINS_KEPT] != index) {
        return false;
    }
    *ret_chain = c->chain[index % WEFT_CHAINS_KEPT];
    return true;
}

#endif
