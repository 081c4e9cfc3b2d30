/* ops/weft/committer.h: records into commits: batches, so many of them sent ahead, each answer
 * printed as it comes. What put and the importers share. */
#ifndef WEFT_OPS_COMMITTER_H
#define WEFT_OPS_COMMITTER_H

#include "ops/weft/client.h"
#include "ops/weft/output.h"
#include "proto/record.h"
#include "proto/request_id.h"

enum {
    WEFT_COMMITTER_OUTSTANDING_MAX = 256
};

/* Called for each commit that was agreed. */
typedef void weft_committer_on_commit(
    void *ctx, const struct weft_commit_result *result, uint32_t first_line, uint32_t last_line);

struct weft_committer {
    struct weft_client *client;
    uint32_t batch_max; /* Records in one commit. */
    uint32_t outstanding_max;
    bool is_atomic; /* Everything must fit into one commit. */
    bool has_request_id;
    struct weft_request_id request_id; /* Batch n commits under the n-th id derived from it. */
    weft_committer_on_commit *on_commit;
    void *ctx;

    /* The batch being filled. */
    struct weft_arena arena;
    struct weft_record *records;
    uint32_t count;
    size_t size_bytes;
    uint32_t first_line, last_line;

    uint64_t batches;
    uint64_t committed; /* Records agreed. */
    uint64_t commits;
    uint64_t repeated; /* Commits that had been agreed before under the same id. */
    enum weft_err err; /* The first failure; nothing more is sent after it. */
    struct weft_msg msg;
};

/* `batch_max` 0: atomic. The zero request id: drawn at random per commit. */
WEFT_MUST_USE enum weft_err weft_committer_init(struct weft_committer *c,
    struct weft_client *client, uint32_t batch_max, uint32_t outstanding_max,
    weft_committer_on_commit *on_commit, void *ctx, struct weft_msg *msg);
/* Where the next record's memory is to be: valid until it is sent. */
struct weft_arena *weft_committer_arena(struct weft_committer *c);
/* Add one record from line `line`; sends a batch when it is full, and waits while too many are
 * out. Errors are those of any commit so far, or WEFT_ETOOBIG when it is atomic. */
WEFT_MUST_USE enum weft_err weft_committer_add(struct weft_committer *c,
    const struct weft_record *record, uint32_t line, struct weft_msg *msg);
/* Send what is left, even if the batch is not full. */
WEFT_MUST_USE enum weft_err weft_committer_flush(struct weft_committer *c, struct weft_msg *msg);
/* Flush, and wait for all answers. */
WEFT_MUST_USE enum weft_err weft_committer_finish(struct weft_committer *c, struct weft_msg *msg);
/* Forget what is not sent, and wait for what is. */
void weft_committer_abandon(struct weft_committer *c);
void weft_committer_destroy(struct weft_committer *c);

#endif
