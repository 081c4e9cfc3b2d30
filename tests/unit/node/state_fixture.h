/* tests/unit/node/state_fixture.h: a state in a directory of the test, and entries to feed it. */
#ifndef WEFT_TESTS_UNIT_NODE_STATE_FIXTURE_H
#define WEFT_TESTS_UNIT_NODE_STATE_FIXTURE_H

#include "node/state/state.h"
#include "tests/lib/entries.h"

struct fixture {
    struct weft_state_options options;
    char directory[600];
    struct weft_state *state;
    struct test_entry entry;
    struct weft_arena arena;
    struct weft_msg msg;
    uint64_t index; /* Of the last entry. */
    int64_t time_ns;
    struct weft_applied_item *items; /* Of the last apply. */
    uint32_t item_count;
};

/* Below test_directory(); not yet open. */
void fixture_init(struct fixture *f, const char *name);
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
void fixture_destroy(struct fixture *f);

/* Apply what stands in f->entry as the next entry, and expect it to be taken. */
void fixture_apply(struct fixture *f);
/* A commit by person/17 alone in its entry. Its item. */
const struct weft_applied_item *fixture_commit(
    struct fixture *f, uint64_t request, const struct weft_record *records, uint32_t count);

/* A record of kind "test" on an asset, without fields. */
struct weft_record fixture_record(const char *asset);

/* The entry of that index in a fixed random history: the same whenever it is asked for. Commits
 * with and without ids, retries, preconditions that hold and that do not, links, both times;
 * barriers and configurations. */
struct weft_log_entry fixture_history(struct test_entry *e, uint64_t index);
/* Apply the history from where the state is up to `last`, `batch_max` entries at once at most. */
void fixture_replay(struct fixture *f, uint64_t last, uint32_t batch_max, bool with_results);

/* Digest of the state as it is. */
struct weft_digest_result fixture_digest(struct fixture *f);

#endif
