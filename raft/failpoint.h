/* raft/failpoint.h: places at which a test can end the process, as a kill at just that moment
 * would.
 *
 * Only the test libraries that are built with WEFT_RAFT_MUTANTS have them (mutant.h); in the
 * product each vanishes, and with it its name. A point stands between two steps that a crash must
 * be able to come between: what was before it is done, what is behind it is not.
 *
 * The page is a file that the harness and the process map. The harness writes a name and then a
 * count; the process counts down whenever it gets to that place, and the one that comes to zero
 * writes the name below and sends itself SIGKILL. */
#ifndef WEFT_RAFT_FAILPOINT_H
#define WEFT_RAFT_FAILPOINT_H

#ifdef WEFT_RAFT_MUTANTS
#include <stdbool.h>
#include <stdint.h>

#define WEFT_FAILPOINT_ENV "WEFT_FAILPOINTS" /* path of the page; without it there are none */

enum weft_failpoint {
    WEFT_FAILPOINT_LOG_WRITE,         /* Before a piece of a batch is written to its segment. */
    WEFT_FAILPOINT_LOG_SYNC,          /* A batch is written and not synced. */
    WEFT_FAILPOINT_LOG_MARK,          /* It is synced, and nobody knows yet. */
    WEFT_FAILPOINT_VOTE_PERSIST,      /* Before term and vote are stored. */
    WEFT_FAILPOINT_META_COPY,         /* One copy of the log's record is new, the other old. */
    WEFT_FAILPOINT_LOG_TRUNCATE,      /* Before the end of the log is cut off. */
    WEFT_FAILPOINT_LOG_TRIM,          /* A checkpoint is there, the log is to be trimmed to it. */
    WEFT_FAILPOINT_APPLY,             /* Entries are applied in memory, the store has none. */
    WEFT_FAILPOINT_APPLIED,           /* The store has them, nobody was told. */
    WEFT_FAILPOINT_CHECKPOINT_RENAME, /* A checkpoint is complete under its first name. */
    WEFT_FAILPOINT_CHECKPOINT_SYNC,   /* It has its name, which is not synced. */
    WEFT_FAILPOINT_INSTALL_SWAP,      /* The old state has moved, the new one has not. */
    WEFT_FAILPOINT_AUDIT_SIGN,        /* A tree is put down as signed, and nobody has the line. */
    WEFT_FAILPOINTS,
};

enum {
    WEFT_FAILPOINT_NAME_SIZE = 32
};

/* Fields behind the first name are read and written with atomics. */
struct weft_failpoint_page {
    char armed[WEFT_FAILPOINT_NAME_SIZE];
    uint32_t left;    /* Times until it ends; 0: not armed. Written last, read first. */
    uint32_t present; /* The process that maps it. */
    char ended_at[WEFT_FAILPOINT_NAME_SIZE];
};

const char *weft_failpoint_name(enum weft_failpoint point);
/* Maps the page; a caller's `path` may be NULL: none. False: it cannot be mapped. */
bool weft_failpoint_open(const char *path);
/* Pure: whether a process that gets to this place now ends there; counts down. */
bool weft_failpoint_is_due(struct weft_failpoint_page *page, enum weft_failpoint point);
/* Any thread. Does not return if it is due. */
void weft_failpoint_reached(enum weft_failpoint point);

#define weft_failpoint(point) weft_failpoint_reached(point)
#else
#define weft_failpoint(point) ((void)0)
#endif

#endif
