/* federation/cells/basis.h: a build, and the revision that its builder knew.
 *
 * A build names the statements that it relied on (its basis). A change order that counts for the
 * unit and that the build did not know crossed it: a deviation. One that it knew and did not follow
 * is a dispute. Neither overwrites the other. A pure function of the set of change orders, whatever
 * organization released them; which units one counts for is asked of whoever knows units
 * (effectivity). */
#ifndef WEFT_FEDERATION_CELLS_BASIS_H
#define WEFT_FEDERATION_CELLS_BASIS_H

#include "federation/cells/act.h"

enum {
    WEFT_BASIS_CHANGES_MAX = 256, /* released ones about one part type; chosen */
};

/* Does it count for the unit? */
enum weft_basis_effect {
    WEFT_BASIS_NOT_EFFECTIVE,
    WEFT_BASIS_EFFECTIVE,
    WEFT_BASIS_UNKNOWN, /* Of the unit is not known what would tell: its lot, when it was built. */
};

/* A released change order. Borrows. */
struct weft_basis_change {
    struct weft_digest digest;          /* Of the statement that released it. */
    struct weft_text revision;          /* That it introduces: "part:box/rev/B". */
    struct weft_act_digests supersedes; /* Releases that it takes the place of. */
    enum weft_basis_effect effect;
};

/* Borrows. */
struct weft_basis_build {
    struct weft_digest digest;
    struct weft_text revision;     /* That it was built to. */
    struct weft_act_digests basis; /* That it relied on. */
    bool is_allowed;               /* A concession covers it: deviations are permitted. */
};

enum weft_basis_finding {
    WEFT_BASIS_CONFORMS,  /* It was built to what counts. */
    WEFT_BASIS_DEVIATES,  /* To what counted as far as it knew; a change crossed it. */
    WEFT_BASIS_PERMITTED, /* A deviation that a concession covers. */
    WEFT_BASIS_DISPUTED,  /* It knew better; or change orders contradict each other. */
    WEFT_BASIS_AWAITED,   /* What would tell is not known here yet. */
};

struct weft_basis_answer {
    enum weft_basis_finding finding;
    struct weft_text revision; /* That counts; empty: none does, or several. */
    /* DEVIATES, PERMITTED, DISPUTED: its id, of the build and the releases that count (dispute.h).
     */
    struct weft_digest dispute;
    uint32_t count;                    /* Releases that count. */
    const struct weft_digest *digests; /* Theirs, ascending; in the arena. */
};

/* `initial`: the revision that counts without a change order; empty: not known. Changes in any
 * order, each once. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_basis_judge(const struct weft_basis_build *build,
    struct weft_text initial, const struct weft_basis_change *changes, uint32_t count,
    struct weft_arena *arena, struct weft_basis_answer *ret_answer);

#endif
