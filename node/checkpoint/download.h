/* node/checkpoint/download.h: downloads one checkpoint: the driver of node/checkpoint/fetcher.h.
 *
 * Files are written and hashed on a thread of its own into ".fetching" below the keeper's
 * directory; what is there and verified after a restart, and what a local checkpoint has with
 * the same digest, is not fetched again. When all is here the keeper adopts it: from then on
 * it is a local checkpoint like any other, ready for weft_install_prepare. All functions but
 * the callbacks' are the loop's; callbacks come only from inside weft_download_turn, _chunk
 * and _link. One at a time per keeper. */
#ifndef WEFT_NODE_CHECKPOINT_DOWNLOAD_H
#define WEFT_NODE_CHECKPOINT_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "node/checkpoint/keeper.h"
#include "proto/checkpoint.h"
#include "proto/err.h"

struct weft_download;

struct weft_download_io {
    void *ctx;
    /* Open the bulk connection to source `source` (the caller's numbering), then tell by
     * weft_download_link. Replaces one that is open. */
    void (*connect)(void *ctx, uint32_t source);
    void (*disconnect)(void *ctx);
    /* Send a request on it. Not WEFT_OK: as if the connection had gone down. Borrowed. */
    enum weft_err (*request)(void *ctx, const struct weft_fetch *fetch);
    /* Something for weft_download_turn. On the download's thread: only wake. */
    void (*wake)(void *ctx);
};

struct weft_download_options {
    const char *directory;      /* The keeper's. */
    struct weft_keeper *keeper; /* Kept. */
    struct weft_bytes manifest; /* Encoded, as offered; copied. */
    uint64_t cluster;
    uint32_t source_count; /* Who may have it; 0 is the one that offered it. */
    struct weft_download_io io;
};

enum weft_download_phase {
    WEFT_DOWNLOAD_RUNNING,
    WEFT_DOWNLOAD_STAGED, /* The keeper has it. */
    WEFT_DOWNLOAD_FAILED, /* Close it; the next offer starts anew from what is there. */
};

struct weft_download_status {
    enum weft_download_phase phase;
    enum weft_err err; /* FAILED: why, with text. */
    struct weft_msg msg;
    uint64_t total_bytes;
    uint64_t present_bytes; /* Written or reused. */
    uint64_t fetched_bytes; /* Came over the link. */
    uint64_t reused_bytes;
    uint32_t source;
    uint32_t jobs; /* Given to the thread, and their end not yet taken. */
};

/* Starts at once to look at what is there. WEFT_EMALFORMED, WEFT_EVERSION, WEFT_ETOOBIG: the
 * manifest; WEFT_EPEER: of another cluster; WEFT_ENOMEM, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_download_open(const struct weft_download_options *options,
    uint64_t now_ms, struct weft_download **ret_download, struct weft_msg *msg);
/* Stops; what is there stays for the next one. Waits for the piece being written or hashed. */
void weft_download_close(struct weft_download *download);

/* Name of what is being downloaded: an offer of the same one changes nothing. */
struct weft_text weft_download_name(const struct weft_download *download);

/* Take what the thread has done, and time. Call at the deadline (0: none) and when woken. */
void weft_download_turn(struct weft_download *download, uint64_t now_ms);
uint64_t weft_download_deadline(const struct weft_download *download);
/* A chunk from the present source. Whatever it holds. Copied. */
void weft_download_chunk(
    struct weft_download *download, const struct weft_chunk *chunk, uint64_t now_ms);
void weft_download_link(struct weft_download *download, bool is_up, uint64_t now_ms);
void weft_download_status(
    const struct weft_download *download, struct weft_download_status *ret_status);

#endif
