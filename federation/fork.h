/* federation/fork.h: where two trees that should be one part from each other.
 *
 * One side asks, the other answers from its tree; each round goes four levels down, so that of a
 * million leaves the first that differs is found in six (federation/README.md, "Repair"). A
 * question has a few bytes of each own hash there, so that the answer is the first that differs and
 * what proves it; where those bytes hid a difference, all hashes are asked for. Where the other
 * tree's head is known, every answer is held to it: what is found is then proven. Pure: nodes of
 * the own tree are read by the caller, messages are bytes. */
#ifndef WEFT_FEDERATION_FORK_H
#define WEFT_FEDERATION_FORK_H

#include "federation/stream.h"

enum {
    WEFT_FORK_STEP = 4, /* levels in one round */
    WEFT_FORK_WIDTH = 1 << WEFT_FORK_STEP,
    WEFT_FORK_MARK_SIZE = 4, /* bytes of a hash in a question; chosen: a round more in 2^28 */
    WEFT_FORK_MESSAGE_SIZE_MAX = 4096, /* 64 hashes and what they are of; chosen, rounded up */
    /* Each step once more, if its marks told nothing. */
    WEFT_FORK_ROUNDS_MAX = 1 + 2 * ((WEFT_MERKLE_HEIGHT_MAX + WEFT_FORK_STEP - 1) / WEFT_FORK_STEP),
};

/* The root over leaves [index << height, (index + 1) << height), all of which are there. An error
 * of it is passed on. */
typedef enum weft_err weft_fork_node(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg);

enum weft_fork_state {
    WEFT_FORK_PEAKS, /* Asked for the roots of the largest full subtrees. */
    WEFT_FORK_NODES, /* Asked for the hashes below a node that differs. */
    WEFT_FORK_SAME,  /* The first `size` leaves are the same: one tree is the other's beginning. */
    WEFT_FORK_FOUND, /* Leaf `leaf` is the first that differs. */
    WEFT_FORK_STATES
};

/* Embed by value. */
struct weft_fork {
    enum weft_fork_state state;
    uint64_t size;                /* Leaves that both have. */
    unsigned height;              /* NODES: of the node that differs, ... */
    uint64_t index;               /* ...and its number at that height. */
    bool is_whole;                /* All hashes below it were asked for. */
    struct weft_digest theirs;    /* Its hash there; FOUND: the leaf's. */
    struct weft_merkle_head head; /* Of the other tree: answers are held to it if it has `size`. */
    uint64_t leaf;
    unsigned rounds; /* That were asked. */
};

/* Compare the first `size` leaves, which both trees have; `head` is what the other side has signed,
 * of any size; size 0: nothing is known. Appends the first question. WEFT_EINVAL: no leaves.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_fork_begin(struct weft_fork *fork, uint64_t size,
    const struct weft_merkle_head *head, struct weft_buffer *out, struct weft_msg *msg);
/* An answer came. Appends the next question, or nothing when it is SAME or FOUND.
 * WEFT_EMALFORMED: it is not an answer to what was asked. WEFT_EBADSIG: it does not lead to the
 * node, or head, that it is below, though all hashes were asked for. WEFT_ESTATE: nothing was
 * asked. WEFT_ENOMEM, and what `node` says; after any of them ask again from the beginning. */
WEFT_MUST_USE enum weft_err weft_fork_step(struct weft_fork *fork, struct weft_bytes answer,
    weft_fork_node *node, void *ctx, struct weft_buffer *out, struct weft_msg *msg);

/* Append the answer to a question, from a tree of `size` leaves. WEFT_EMALFORMED: it is none;
 * WEFT_EINVAL: about leaves that are not there. WEFT_ENOMEM, and what `node` says. `out` is then as
 * before. */
WEFT_MUST_USE enum weft_err weft_fork_answer(struct weft_bytes question, uint64_t size,
    weft_fork_node *node, void *ctx, struct weft_buffer *out, struct weft_msg *msg);

#endif
