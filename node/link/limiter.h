/* node/link/limiter.h: at most one line per peer and cause in ten seconds, with a count.
 *
 * A pure machine: a small table of (cause, peer), the oldest forgotten first. Time enters as
 * an argument. A flood of strangers from many addresses is told as "many" once the table
 * turns over too fast, so that the log stays bounded whatever happens outside. */
#ifndef WEFT_NODE_LINK_LIMITER_H
#define WEFT_NODE_LINK_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WEFT_LIMITER_ENTRIES_MAX = 64,  /* chosen: 64 lines in ten seconds at most */
    WEFT_LIMITER_WINDOW_MS = 10000, /* specified: once per peer and cause per 10 s */
    WEFT_LIMITER_PEER_SIZE = 128,
};

struct weft_limiter_entry {
    uint64_t since_ms; /* Start of its window; the entry is free if `cause` is 0. */
    uint64_t count;    /* Swallowed since then. */
    int cause;
    char peer[WEFT_LIMITER_PEER_SIZE];
};

struct weft_limiter {
    struct weft_limiter_entry entries[WEFT_LIMITER_ENTRIES_MAX];
    uint64_t overflow_since_ms;
    uint64_t overflow_count;
};

/* One more event (`cause` > 0) of `peer`. True: say it, and that *ret_count others of the kind
 * were swallowed before it. */
bool weft_limiter_hit(
    struct weft_limiter *l, int cause, const char *peer, uint64_t now_ms, uint64_t *ret_count);

#endif
