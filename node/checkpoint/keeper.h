/* node/checkpoint/keeper.h: keeps a node's local checkpoints: takes, verifies, serves, removes.
 *
 * A checkpoint is a directory "<index>-<term>" below `directory`: a file `manifest` and a
 * directory `files` whose names, sizes and digests the manifest gives. Taking one runs on the
 * keeper's own thread while writes go on; it appears by one rename, complete or not at all.
 * What a checkpoint is made of comes from a source, so that the keeper knows nothing of the
 * store. Layout and rules NOD-20n: node/checkpoint/README.md. */
#ifndef WEFT_NODE_CHECKPOINT_KEEPER_H
#define WEFT_NODE_CHECKPOINT_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/checkpoint.h"
#include "proto/err.h"

struct weft_keeper;

enum {
    WEFT_CHECKPOINT_NAME_SIZE = 48,   /* "<index>-<term>", terminated */
    WEFT_CHECKPOINT_PATH_SIZE = 1280, /* data directory and what is below it */
};

/* Who makes the files. All are called on the keeper's thread. */
struct weft_keeper_source {
    void *ctx;
    /* Write or hard-link a consistent copy into `directory`, which does not exist yet. */
    enum weft_err (*take)(void *ctx, const char *directory, struct weft_msg *msg);
    /* Say what the copy speaks for: everything of the manifest but name and files. Slices live
     * in the arena. */
    enum weft_err (*describe)(void *ctx, const char *directory, struct weft_arena *arena,
        struct weft_manifest *ret_manifest, struct weft_msg *msg);
    /* NULL: all that can be read is right. Is this the checksum that a file of the copy had when
     * it was written? Describe's arena still lives. WEFT_ECORRUPT: it is not. */
    enum weft_err (*check)(void *ctx, struct weft_text name, uint32_t crc32c, struct weft_msg *msg);
};

struct weft_keeper_options {
    const char *directory; /* Exists; the keeper's alone. */
    uint64_t cluster;      /* Checkpoints of another one are not taken over. 0: not known yet. */
    uint32_t kept;         /* Newest ones that stay; 0 means 2. */
    /* A result is ready, or a checkpoint was removed. On the keeper's thread: only wake. */
    void (*on_change)(void *ctx);
    void *on_change_ctx;
};

/* What open found besides good checkpoints. */
struct weft_keeper_start {
    uint32_t checkpoints;  /* Good ones. */
    uint32_t half_made;    /* Removed: never finished. */
    uint32_t damaged;      /* Renamed to "<name>.damaged" and left for the operator. */
    struct weft_msg first; /* What was wrong with the first damaged one. */
};

struct weft_keeper_result {
    enum weft_err err;
    struct weft_msg msg;
    uint64_t index; /* err OK: of the checkpoint, which may be an older one that still holds. */
    uint64_t term;
    bool is_new;           /* false: nothing had been applied since the newest one. */
    uint64_t file_bytes;   /* All files. */
    uint64_t hashed_bytes; /* The rest was known from the checkpoint before. */
    uint64_t duration_ms;
};

/* One that is kept. What it points to stays valid until WEFT_KEEPER_GONE_MAX others have been
 * removed after it. */
enum {
    WEFT_KEEPER_GONE_MAX = 4
};
struct weft_keeper_checkpoint {
    const struct weft_manifest *manifest;
    struct weft_bytes encoded; /* The manifest as it is offered to others. */
    const char *directory;     /* Of its files, for weft_install_prepare. */
    uint64_t file_bytes;
};

/* Removes what was half made, checks the manifest (checksum, plain names) and the presence and
 * size of every file of what is there. WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_keeper_open(const struct weft_keeper_options *options,
    struct weft_keeper **ret_keeper, struct weft_keeper_start *ret_start, struct weft_msg *msg);
/* Cancels what runs and waits for it (at most one piece of a file is hashed meanwhile, but a
 * source->take that has begun is waited for). NULL is fine. */
void weft_keeper_close(struct weft_keeper *keeper);

/* Those of a smaller index go when one of this index or above is kept, however many there are: what
 * they hold was redacted. With the next one that is taken. */
void weft_keeper_forget_below(struct weft_keeper *keeper, uint64_t index);

/* Start taking one. `source` is copied; its ctx is kept until the result is drained: the store
 * behind it must not be closed before (weft_keeper_wait). WEFT_EBUSY: one is being taken. */
WEFT_MUST_USE enum weft_err weft_keeper_take(
    struct weft_keeper *keeper, const struct weft_keeper_source *source);
bool weft_keeper_is_busy(const struct weft_keeper *keeper);
/* Give up what is being taken, if anything, and wait until the thread has let go of the
 * source. Its result is WEFT_ECLOSED. */
void weft_keeper_cancel(struct weft_keeper *keeper);

/* True if a checkpoint ended (once for each take). */
bool weft_keeper_drain(struct weft_keeper *keeper, struct weft_keeper_result *ret_result);

/* WEFT_ENOTFOUND: there is none. */
WEFT_MUST_USE enum weft_err weft_keeper_newest(
    const struct weft_keeper *keeper, struct weft_keeper_checkpoint *ret_checkpoint);
/* The one named "<index>-<term>". WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_keeper_find(const struct weft_keeper *keeper,
    struct weft_text name, struct weft_keeper_checkpoint *ret_checkpoint);

/* Keep a checkpoint until `until_ms` (monotonic) although newer ones come: it was offered to
 * somebody. A read pins for WEFT_KEEPER_PIN_MS by itself. Unknown names are ignored. */
enum {
    WEFT_KEEPER_PIN_MS = 120 * 1000
}; /* chosen: a fetcher gives up a source after 30 s */
void weft_keeper_pin(struct weft_keeper *keeper, struct weft_text name, uint64_t until_ms);

/* Answer a FETCH or FILE: reads into `buffer`, of at least fetch->size_bytes bytes, which
 * ret_chunk->data then borrows, as its names borrow those of `fetch`. What is wrong is said in
 * ret_chunk->err: WEFT_ENOTFOUND (checkpoint or file), WEFT_EINVAL (offset past the end, size 0
 * or over WEFT_CHUNK_SIZE_MAX), WEFT_EIO, WEFT_ECORRUPT (shorter than its manifest says). The
 * last piece of a file is shorter. Any thread. */
void weft_keeper_read(struct weft_keeper *keeper, const struct weft_fetch *fetch, uint64_t now_ms,
    uint8_t *buffer, struct weft_chunk *ret_chunk);

/* Where a local file with this content is, to be hard-linked instead of fetched. Any thread.
 * WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_keeper_locate(struct weft_keeper *keeper,
    const struct weft_digest *digest, uint64_t size_bytes,
    char ret_path[WEFT_CHECKPOINT_PATH_SIZE]);

/* Take over the complete directory `path` (a finished download, same file system), whose
 * manifest is `manifest`: writes the manifest file, syncs, renames into place. Long: worker.
 * An equal one that is here already is kept instead. WEFT_EPEER, WEFT_EIO, WEFT_ENOSPC. */
WEFT_MUST_USE enum weft_err weft_keeper_adopt(
    struct weft_keeper *keeper, const char *path, struct weft_bytes manifest, struct weft_msg *msg);

/* Digest of every file against the manifest: before a state is rebuilt from it, and for
 * check-data. Long: worker, or at start. WEFT_ECORRUPT names the file. WEFT_ECLOSED: cancelled. */
WEFT_MUST_USE enum weft_err weft_checkpoint_verify(const char *files_directory,
    const struct weft_manifest *manifest, const volatile bool *cancel, struct weft_msg *msg);

#endif
