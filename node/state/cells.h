/* node/state/cells.h: what counts of what partners and this site state, in the replicated state.
 *
 * Apply feeds each statement of each agreement, as it stands in either of its streams, by one call
 * (weft_cells_take); values, disputes, aliases and the shared digest of the agreement follow in the
 * same batch (weft_cells_end_entry). What they come to is decided in federation/cells alone; here
 * it is kept. Keys `z` of the store; rules, keys and limits: node/state/README.md, Cells. One
 * thread, apply's; views read the rows for themselves (cells_read.h). */
#ifndef WEFT_NODE_STATE_CELLS_H
#define WEFT_NODE_STATE_CELLS_H

#include "federation/contract.h"
#include "node/state/store.h"

struct weft_cells;

/* The store and the batch that apply fills are borrowed until destroy. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_cells_create(struct weft_store *store,
    struct weft_store_batch *batch, struct weft_cells **ret_cells, struct weft_msg *msg);
void weft_cells_destroy(struct weft_cells *cells); /* Accepts NULL. */

/* A version of an agreement is in force: its leaf `contract` came into either of its streams, in
 * apply. `text` is the agreement's, which was decoded and accepted before (weft-agreement/v1, not
 * the note). The first call for an agreement comes before its first statement. A version that is
 * not above the newest that came changes nothing, so each side may tell it for each stream; one
 * that is judges all cells of the agreement anew. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM: the apply
 * has failed. */
WEFT_MUST_USE enum weft_err weft_cells_agree(
    struct weft_cells *cells, struct weft_text text, struct weft_msg *msg);

/* A statement, as it stands in a stream. Borrowed until the call returns. */
struct weft_cells_statement {
    const struct weft_contract *contract; /* In force at its leaf, in its stream. */
    uint32_t party;                       /* Provider of that stream: 0 or 1. */
    uint64_t sequence;                    /* Its leaf, in that stream. */
    struct weft_digest digest;            /* leaf->digest. */
    /* As weft_provider_select made it, or as it came: in the encoding that the stream has. Of
     * received ones those alone that were verified (weft_batch_verify) and taken, claims too; what
     * goes to quarantine is not told. */
    struct weft_bytes projection;
    /* No stream of the agreement can have told it before: where it was filed is not looked for. */
    bool is_first;
};

/* File it. Once for each statement leaf, of own streams and of partners', in apply, after the leaf
 * was appended or taken; the same digest again, with another projection of it (a redacted field was
 * erased, a field was disclosed later), takes the place of what was shown before. No content of a
 * statement is an error: what belongs nowhere is kept as such (`weft_cells_left_over`).
 * WEFT_ESTATE: no version of the agreement was told. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM: the
 * apply has failed. */
WEFT_MUST_USE enum weft_err weft_cells_take(
    struct weft_cells *cells, const struct weft_cells_statement *statement, struct weft_msg *msg);

/* Behind the last item of an entry, in apply: cells that changed are judged, and so much of what is
 * still to be judged anew (after a handoff, an alias or an amendment) as one entry may do.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_cells_end_entry(struct weft_cells *cells, struct weft_msg *msg);
/* Once for each write of the batch, before it: all that has changed. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_cells_put(struct weft_cells *cells, struct weft_msg *msg);
/* The batch is written: the store holds everything. */
void weft_cells_settle(struct weft_cells *cells);

/* Of an agreement, as it is with what was taken in this entry and judged. */
struct weft_cells_sum {
    struct weft_digest shared; /* federation/cells/shared.h: both sides' is the same. */
    uint64_t statements;       /* Filed, of both parties. */
    uint64_t disputes;
    uint64_t proposed;  /* Pairs of aliases to be confirmed. */
    uint64_t unnamed;   /* Subjects without a usable serial, which no alias has joined. */
    uint64_t left_over; /* Statements, or links of them, that belong to no cell. */
    uint64_t dangling;  /* Edges to a subject of which nobody has stated anything. */
    bool is_settled;    /* Nothing is left to be judged anew: the digest is comparable. */
};
/* WEFT_ENOTFOUND: no such agreement. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_cells_get_sum(struct weft_cells *cells, struct weft_text agreement,
    struct weft_cells_sum *ret_sum, struct weft_msg *msg);

struct weft_state;
/* The same of a state, for status; between two applies. */
WEFT_MUST_USE enum weft_err weft_state_cells_sum(struct weft_state *state,
    struct weft_text agreement, struct weft_cells_sum *ret_sum, struct weft_msg *msg);

struct weft_view;
/* A statement that is filed. Anything but WEFT_OK ends the walk, and is passed on. */
typedef enum weft_err weft_cells_on_filed(
    void *ctx, const struct weft_digest *statement, struct weft_msg *msg);
/* All that is filed under an agreement, of both sides, as this one has it, ascending. Any thread;
 * it asks the view's yield. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_view_filed(struct weft_view *view, struct weft_text agreement,
    weft_cells_on_filed *on_filed, void *ctx, struct weft_msg *msg);

#endif
