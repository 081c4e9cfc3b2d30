/* node/patience.h: how many refusals a principal gets before he has to wait.
 *
 * A commit that the policy refuses costs every node a place in an entry, a decision and a count in
 * the audit log, and whoever asks pays with a message. So each principal has a bucket of refusals:
 * a burst of them, then some a second. With none left his connections are not read from until what
 * he owes has come back; nothing of his is dropped, and nobody else waits. Who has used up half of
 * the burst has no more requests under way on a connection than he has refusals left, or thousands
 * would be refused before the first answer counts.
 *
 * A pure machine over a table of fixed size; time is an argument. Rules: node/README.md, "Who is
 * refused waits". */
#ifndef WEFT_NODE_PATIENCE_H
#define WEFT_NODE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "node/bucket.h"

enum {
    WEFT_PATIENCE_BURST = 512,   /* Chosen: an import that is wrong as a whole shows it. */
    WEFT_PATIENCE_TOKEN_MS = 10, /* Chosen: 100 a second cost each node 1 % of a core. */
    /* 30 s, chosen: who sends thousands ahead and is refused with all of them is back within the
     * patience of people. It bounds what waits, not what is counted. */
    WEFT_PATIENCE_DEBT_MAX = 3000,
    WEFT_PATIENCE_ACCOUNTS = 1024, /* Principals at a time; 40 KiB. */
    WEFT_PATIENCE_PROBES = 16,     /* Places that an account may have. */
    WEFT_PATIENCE_TOLD_MS = 10000, /* So often it is told of one. */
};

struct weft_patience_account {
    uint64_t key;
    struct weft_bucket bucket;
    uint64_t told_ms;
    bool is_used;
    bool is_told; /* At `told_ms`. */
};

struct weft_patience {
    struct weft_patience_account accounts[WEFT_PATIENCE_ACCOUNTS]; /* All zero: nobody's. */
    uint64_t paced; /* Refusals after which somebody had to wait. */
};

struct weft_patience_verdict {
    uint64_t wait_ms; /* Nothing of the principal is read for so long; 0: go on. */
    bool is_news;     /* To be told: not told lately. */
};

/* A request of the principal was refused. */
struct weft_patience_verdict weft_patience_charge(
    struct weft_patience *p, uint64_t key, uint64_t now_ms);

/* How long nothing of the principal is read, e.g. of a connection that is new. */
uint64_t weft_patience_wait_ms(struct weft_patience *p, uint64_t key, uint64_t now_ms);

/* How many requests one connection of the principal may have under way: at least 1; UINT32_MAX: he
 * is not in doubt. */
uint32_t weft_patience_ahead(struct weft_patience *p, uint64_t key, uint64_t now_ms);

#endif
