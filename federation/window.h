/* federation/window.h: leaves that were judged and are not proven yet, and the batches that they
 * become once they are.
 *
 * A window is what came since the last proof. Who receives has the compact range before it and the
 * leaves themselves, so of a proof he lacks only what is right of the window's end; with that he
 * makes the proof of every batch in it, as if it had come with one (policy/merkle_right.h). */
#ifndef WEFT_FEDERATION_WINDOW_H
#define WEFT_FEDERATION_WINDOW_H

#include "federation/batch.h"
#include "policy/merkle_right.h"

enum {
    WEFT_WINDOW_PART_LEAVES = 512,     /* In one batch; chosen: some 2 ms of apply. */
    WEFT_WINDOW_MESSAGE_LEAVES = 8192, /* In one message of kind 141, ... */
    WEFT_WINDOW_FRAME_LEAVES = 16384,  /* ...and in one that says how many hashes prove it. */
    WEFT_WINDOW_LEAF_BYTES = 64,       /* Its hash, and its share of a batch's range and proof. */
    WEFT_WINDOW_OPEN_LEAVES = 256,     /* Fewer are sent with their proof; chosen. */
};

/* What becomes one batch. */
struct weft_window_part {
    uint64_t first;
    uint32_t count;
    size_t at, size;                /* Of its items, in its message's. */
    struct weft_merkle_range after; /* The tree that ends with it. */
    struct weft_merkle_proof proof; /* From there to the head; once it is proven. */
};

/* Of one message. Zero-initialized is empty; destroy frees it. */
struct weft_window_run {
    struct weft_buffer parts;  /* struct weft_window_part */
    struct weft_buffer hashes; /* Of all leaves. */
};

/* What so much of it counts for, in the window's bytes. */
static inline uint64_t weft_window_cost(uint64_t leaves, uint64_t items_size)
{
    return items_size + leaves * WEFT_WINDOW_LEAF_BYTES;
}
static inline uint32_t weft_window_part_count(const struct weft_window_run *run)
{
    return (uint32_t)(run->parts.size / sizeof(struct weft_window_part));
}
static inline struct weft_window_part *weft_window_part_at(
    const struct weft_window_run *run, uint32_t i)
{
    return (struct weft_window_part *)(void *)run->parts.data + i;
}
/* Leaves in these bytes. WEFT_EMALFORMED; WEFT_ETOOBIG: over WEFT_WINDOW_FRAME_LEAVES. */
WEFT_MUST_USE enum weft_err weft_window_count(struct weft_bytes items, uint32_t *ret_count);
/* A power of two: a message of so many leaves that ends with a multiple of it is hardly shorter. */
static inline uint64_t weft_window_round(uint32_t count)
{
    return count < 16 ? 1 : UINT64_C(1) << (28 - __builtin_clz(count));
}
/* The largest multiple of a power of two that is no more than `count` leaves, up to `end`: where a
 * window of about so many ends, for which hardly any hash is lacking then. */
static inline uint64_t weft_window_round_end(uint64_t count, uint64_t end)
{
    return end & ~((UINT64_C(1) << (63 - __builtin_clzll(count))) - 1);
}
/* The next part's bytes, off `rest`, of which weft_window_count has counted all. */
struct weft_bytes weft_window_take_part(struct weft_bytes *rest, uint32_t *ret_count);
/* Cut items behind the first `count` of them. */
struct weft_bytes weft_window_cut(struct weft_bytes items, uint32_t count);
/* What was judged, behind what is there. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_window_add(
    struct weft_window_run *run, const struct weft_batch *batch, size_t at, size_t size);
/* FED-34: `right` is of the end of this run, or of what comes behind; afterwards it is of its
 * beginning, if anything is left of that. Each part has its proof then. */
void weft_window_prove(struct weft_window_run *run, struct weft_merkle_right *right);
/* The part as a message that came with its proof; borrows. */
struct weft_stream_batch weft_window_batch(const struct weft_window_part *part,
    struct weft_bytes items, uint64_t head_size, uint64_t session);
void weft_window_destroy(struct weft_window_run *run);

#endif
