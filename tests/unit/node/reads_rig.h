/* tests/unit/node/reads_rig.h: node/reads.h beside fakes of the state and the replica. */
#ifndef WEFT_TESTS_UNIT_NODE_READS_RIG_H
#define WEFT_TESTS_UNIT_NODE_READS_RIG_H

#include <stdatomic.h>

#include "node/reads.h"

/* A view knows only its index. */
struct weft_view {
    uint64_t index;
    struct weft_yield *yield;
    bool is_labelled; /* What was answered last. */
};

struct reads_fake {
    uint64_t applied;
    uint32_t views_open;
    uint32_t views_taken;
    uint64_t rounds[64];
    uint32_t round_count;
    uint64_t feed_end;     /* COMMITS finds records below this index. */
    atomic_uint worked;    /* Queries that a worker answered. */
    atomic_uint unbounded; /* Of those without a budget of steps. */
    bool is_gone;          /* Nobody waits for anything. */
    bool is_damaged;       /* The state's files, as its readers found. */
};

extern struct reads_fake reads_fake;

struct answers {
    uint32_t pages;
    uint32_t errors;
    enum weft_err last_err;
    char last_detail[512];
    uint64_t last_index;
    uint32_t last_records;
    uint32_t held;
    bool is_idle;
};

struct fixture {
    uv_loop_t loop;
    struct weft_reads reads;
    struct answers answers;
};

/* At applied index 8; closed by reads_stop, which wants that no view is open. */
void reads_start(struct fixture *f);
void reads_stop(struct fixture *f);
void reads_turn(struct fixture *f, uint64_t now_ms);
/* At 100 ms: an asset, a story. "on disk" is not in memory; "long", "endless": steps; "damaged":
 * WEFT_ECORRUPT. */
void reads_ask(
    struct fixture *f, enum weft_consistency consistency, const char *asset, uint64_t request_id);
void reads_ask_story_as(
    struct fixture *f, enum weft_consistency consistency, const char *asset, uint64_t request_id);
void reads_ask_story(struct fixture *f, const char *asset, uint64_t request_id); /* Stale. */
struct weft_long_reads_figures reads_figures(const struct fixture *f);

#endif
