/* federation/cells/cell_authority.h: who may state a (kind, field group), term by term.
 *
 * A contract names the first holder. Authority moves by a Handoff alone, which the old and the new
 * holder both state: it begins the next term and says where the old one's word ends. What the old
 * holder states behind that is a claim (fencing); the new one's word begins behind its own half. A
 * pure function of the set of handoffs: in whatever order they come, authority is the same. Rules:
 * README.md, "Authority". */
#ifndef WEFT_FEDERATION_CELLS_CELL_AUTHORITY_H
#define WEFT_FEDERATION_CELLS_CELL_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_CELL_AUTHORITY_TERMS_MAX = 64, /* of one field group; chosen: a part moves a few times */
    WEFT_CELL_AUTHORITY_HANDOFFS_MAX =
        256, /* statements that are looked at; chosen: two a term, twice */
};

/* A revision: the place of a record in the log of whoever states it. Behind a restore a log gives
 * indexes again; its epoch has risen, so what comes later is larger all the same (FED-132). */
struct weft_cell_revision {
    uint64_t epoch; /* From 1. */
    uint64_t index;
    uint32_t ordinal;
};

static inline int weft_cell_revision_compare(
    struct weft_cell_revision a, struct weft_cell_revision b)
{
    if (a.epoch != b.epoch) {
        return a.epoch < b.epoch ? -1 : 1;
    }
    if (a.index != b.index) {
        return a.index < b.index ? -1 : 1;
    }
    return a.ordinal < b.ordinal ? -1 : a.ordinal > b.ordinal;
}

/* Borrows its texts. */
struct weft_handoff {
    struct weft_text kind;
    struct weft_text group; /* Empty: all fields. */
    struct weft_text from;  /* "<org>/<site>" */
    struct weft_text to;
    uint64_t epoch; /* Number of the new term: that of `from`, plus 1. */
    /* The last of `from` that is not a claim: both sign where, whatever their headers say. */
    struct weft_cell_revision until;
};

struct weft_handoff_statement {
    struct weft_digest digest;
    struct weft_text author;
    struct weft_cell_revision revision;
    struct weft_handoff handoff;
};

struct weft_cell_authority_term {
    struct weft_text holder;
    uint64_t number;
    struct weft_cell_revision since; /* Where its holder took it over; of the first one zeros. */
    bool has_end;
    struct weft_cell_revision until; /* Read only if has_end. */
};

struct weft_cell_authority {
    uint32_t count;
    struct weft_cell_authority_term terms[WEFT_CELL_AUTHORITY_TERMS_MAX];
    /* Two handoffs of the last term are signed by both sides: nobody has it any more until the
     * contract says who. The statements of the old holder prove it. */
    bool is_forked;
    struct weft_digest fork[2]; /* Ascending. */
};

/* `holder` has it in term `number`, by contract. Of `statements` those of this kind and group
 * count; texts are borrowed. WEFT_ETOOBIG: over WEFT_CELL_AUTHORITY_HANDOFFS_MAX, or more terms
 * than there is room for; *ret_authority is then untouched. */
WEFT_MUST_USE enum weft_err weft_cell_authority_fold(struct weft_text kind, struct weft_text group,
    struct weft_text holder, uint64_t number, const struct weft_handoff_statement *statements,
    uint32_t count, struct weft_cell_authority *ret_authority);

enum weft_cell_authority_standing {
    WEFT_CELL_AUTHORITY_HOLDS,
    WEFT_CELL_AUTHORITY_FENCED, /* It was the holder's, and comes behind the end. */
    WEFT_CELL_AUTHORITY_NONE,
};

/* HOLDS: *ret_term is in which of its terms; of two that it is in the later. */
enum weft_cell_authority_standing weft_cell_authority_standing(
    const struct weft_cell_authority *authority, struct weft_text author,
    struct weft_cell_revision revision, uint32_t *ret_term);

#endif
