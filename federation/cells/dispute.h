/* federation/cells/dispute.h: a disagreement has a name that both sides work out alone.
 *
 * The id of a dispute is the digest of the sorted digests of the statements that disagree; so both
 * sides know it without a message, and a resolution that names other statements is about another
 * dispute. Rules: README.md, "Disputes". */
#ifndef WEFT_FEDERATION_CELLS_DISPUTE_H
#define WEFT_FEDERATION_CELLS_DISPUTE_H

#include "federation/cells/cell.h"

/* SHA-256("weft-dispute/v1" || newline || the digests). They are ascending. */
struct weft_digest weft_dispute_id(const struct weft_digest *digests, uint32_t count);

/* The statements of an answer's dispute, ascending, in the arena: what a resolution of it names.
 * WEFT_ENOTFOUND: there is none. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_dispute_statements(const struct weft_cell_set *set,
    const struct weft_cell_answer *answer, struct weft_arena *arena,
    struct weft_digest **ret_digests, uint32_t *ret_count);

/* Does a resolution that names these settle the dispute, so that what it says will count and
 * nothing is open but it? WEFT_ENOTFOUND: there is no dispute. WEFT_ECONFLICT: it leaves one of the
 * dispute's statements out; *ret_left_out is the first. (It may name more: they are settled too.)
 */
WEFT_MUST_USE enum weft_err weft_dispute_check(const struct weft_cell_set *set,
    const struct weft_cell_answer *answer, const struct weft_digest *names, uint32_t name_count,
    struct weft_digest *ret_left_out);

#endif
