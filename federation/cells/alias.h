/* federation/cells/alias.h: two names of one thing: who says so, who has to agree, what follows.
 *
 * Subjects that are the same thing form a set, and their cells are one cell, that of the set's
 * lowest subject. Whether two names are joined, and so every set, is a pure function of the set of
 * Alias statements. A set is found anew from its pairs, since a denial parts what was joined: that
 * is what a union-find cannot take back. Rules: README.md, "Aliases". */
#ifndef WEFT_FEDERATION_CELLS_ALIAS_H
#define WEFT_FEDERATION_CELLS_ALIAS_H

#include "federation/cells/cell.h"
#include "federation/cells/subject.h"

enum {
    WEFT_ALIAS_WORDS_MAX = 64, /* on one pair; chosen: a few sites change their minds */
    WEFT_ALIAS_SET_MAX = 64,   /* subjects of one thing; chosen: a name from each that handles it */
};

/* What an Alias statement says of a pair. Borrows. */
struct weft_alias_word {
    struct weft_digest digest;
    struct weft_text author;
    struct weft_cell_revision revision;
    bool is_denied; /* They are not the same. */
};

/* From the contract. */
struct weft_alias_terms {
    struct weft_text parties[WEFT_CELL_PARTIES];
    /* Either party's word joins, until the other denies it; otherwise each party joins its own
     * names, and both have to say so where a name of each is meant. */
    bool is_one_word_enough;
};

enum weft_alias_status {
    WEFT_ALIAS_NONE,     /* No party says anything. */
    WEFT_ALIAS_PROPOSED, /* To be confirmed: by whoever has not spoken. */
    WEFT_ALIAS_JOINED,
    WEFT_ALIAS_DENIED,
};

/* Of a pair, from all that is said of it, in whatever order. Confirming is to say the same.
 * WEFT_ETOOBIG: over WEFT_ALIAS_WORDS_MAX. */
WEFT_MUST_USE enum weft_err weft_alias_judge(const struct weft_alias_terms *terms,
    const struct weft_subject_name *a, const struct weft_subject_name *b,
    const struct weft_alias_word *words, uint32_t count, enum weft_alias_status *ret_status);

/* The subjects that are joined with one, up to max. An error is passed on; WEFT_ETOOBIG: more. */
typedef enum weft_err weft_alias_neighbours(void *ctx, const struct weft_digest *subject,
    uint32_t max, struct weft_digest *ret_subjects, uint32_t *ret_count);

struct weft_alias_set {
    uint32_t count;
    /* Joined with more than there is room for: each of them stands alone until some are denied.
     * Nobody can merge a plant's units into one by naming them all alike. */
    bool is_too_large;
    struct weft_digest subjects[WEFT_ALIAS_SET_MAX]; /* Ascending. [0] stands for all of them. */
};

/* The set that `subject` is in: at least itself. */
WEFT_MUST_USE enum weft_err weft_alias_find(const struct weft_digest *subject,
    weft_alias_neighbours *neighbours, void *ctx, struct weft_alias_set *ret_set);

/* An edge names a subject that may not have come yet, nor any of its aliases: it dangles, and
 * resolves by itself when one does. */
typedef bool weft_alias_is_known(void *ctx, const struct weft_digest *subject);
/* True: *ret_subject is the lowest of the target's set that is known. The same ctx for both. */
WEFT_MUST_USE enum weft_err weft_alias_resolve(const struct weft_digest *target,
    weft_alias_neighbours *neighbours, weft_alias_is_known *is_known, void *ctx,
    bool *ret_is_resolved, struct weft_digest *ret_subject);

#endif
