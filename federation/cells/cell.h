/* federation/cells/cell.h: what counts of what several organizations state of one thing.
 *
 * A cell is a subject, a kind and a field group. It holds a set of statements; the answer (the
 * value that counts, whether there is a dispute, how each statement stands) is a pure function of
 * that set under the contract's rule: no order of arrival, no clock, no place where it is worked
 * out goes into it. Nothing is deleted: what does not count is a claim. Rules: README.md, "Rules".
 */
#ifndef WEFT_FEDERATION_CELLS_CELL_H
#define WEFT_FEDERATION_CELLS_CELL_H

#include "federation/cell_rule.h"
#include "federation/cells/cell_authority.h"

enum {
    WEFT_CELL_STATEMENTS_MAX = 4096,   /* of one cell; chosen: events of a unit's life */
    WEFT_CELL_NAMES_MAX = 1000,        /* that one names; specified: a record has 1,024 fields */
    WEFT_CELL_NAMES_TOTAL_MAX = 16384, /* that those of one cell name; chosen */
    WEFT_CELL_PARTIES = 2,             /* specified: federation.md, a contract is of two */
};

/* Verdicts, mildest first. Any other word, and one that is withheld, is held as the last. */
enum weft_verdict {
    WEFT_VERDICT_PASS,
    WEFT_VERDICT_CONDITIONAL,
    WEFT_VERDICT_FAIL,
    WEFT_VERDICT_BLOCK,
    WEFT_VERDICTS
};

/* "PASS", ... */
const char *weft_verdict_name(enum weft_verdict verdict);
/* The words are as they are written above. *ret_is_unknown: it is another one. */
enum weft_verdict weft_verdict_of(struct weft_text word, bool *ret_is_unknown);

enum weft_cell_act {
    WEFT_CELL_SAY,     /* That the cell has a value. */
    WEFT_CELL_RESOLVE, /* That it has one instead of what is named; counts when both parties do. */
    WEFT_CELL_RETRACT, /* That what is named, of one's own party, does not hold. */
};

/* One statement, as both sides see it: what the contract withholds from one of them is withheld
 * here on both (FED-102). Borrows. */
struct weft_cell_statement {
    struct weft_digest digest;
    enum weft_cell_act act;
    struct weft_text author; /* "<org>/<site>" */
    struct weft_cell_revision revision;
    int64_t time_ns;        /* For people. Nothing here looks at it (FED-101). */
    bool is_withheld;       /* SAY: there is a value, which is not disclosed. */
    struct weft_text value; /* SAY, RESOLVE. */
    /* RESOLVE, RETRACT: statements, ascending, each once. */
    const struct weft_digest *names;
    uint32_t name_count;
};

/* Ascending by digest, each once. In the caller's memory. */
struct weft_cell_set {
    struct weft_cell_statement *statements;
    uint32_t count;
    uint32_t capacity;
    uint32_t name_count; /* Of all of them. */
};

/* One that is there already changes nothing. WEFT_ETOOBIG: over capacity or a limit above.
 * WEFT_EINVAL: its names are not ascending, or a resolution or retract has none. */
WEFT_MUST_USE enum weft_err weft_cell_add(
    struct weft_cell_set *set, const struct weft_cell_statement *statement);

/* A set that breaks its rules, however it was filled, ends the process. */
void weft_cell_check(const struct weft_cell_set *set);

/* From the contract, and alike on both sides. Borrows. */
struct weft_cell_terms {
    enum weft_cell_rule rule;
    /* Organizations, or sites "<org>/<site>" where one organization's share. */
    struct weft_text parties[WEFT_CELL_PARTIES];
    const struct weft_cell_authority *authority; /* OWNER: of the cell's kind and field group. */
};

/* How a statement stands in an answer. */
enum {
    WEFT_CLAIM_COUNTS = 1 << 0,    /* Its author may state here; otherwise it is a claim. */
    WEFT_CLAIM_EFFECTIVE = 1 << 1, /* The value that counts is (also) its. */
    WEFT_CLAIM_OPEN = 1 << 2,      /* It is what there is to agree on: a dispute's, if there is. */
    WEFT_CLAIM_RETRACTED = 1 << 3,
    WEFT_CLAIM_SETTLED = 1 << 4,   /* Named by a resolution that counts. */
    WEFT_CLAIM_VALID = 1 << 5,     /* A resolution: both parties have stated it. */
    WEFT_CLAIM_EQUIVOCAL = 1 << 6, /* Its author has another statement of this revision. */
    WEFT_CLAIM_FENCED = 1 << 7,    /* OWNER: behind the handoff of what was its author's. */
    WEFT_CLAIM_FOREIGN = 1 << 8,   /* Of neither party. */
    WEFT_CLAIM_CURRENT = 1 << 9,   /* Its author's newest word. */
};

struct weft_cell_answer {
    bool has_value;             /* UNION: of the statements that are EFFECTIVE, never here. */
    bool is_disputed;           /* FED-105 */
    bool is_awaited;            /* MATCH, DUAL: the other party has yet to speak. */
    bool has_unknown_word;      /* JOIN: a word that nobody knows was held as BLOCK. */
    struct weft_text value;     /* Borrows: the set's, or static. */
    struct weft_digest dispute; /* If is_disputed (dispute.h). */
    uint32_t effective_count;
    uint32_t open_count;
    uint32_t count;
    const uint16_t *claims; /* Of the set's statements, WEFT_CLAIM_* each; in the arena. */
};

/* FED-100. The set is not changed; the answer borrows set and arena. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_cell_judge(const struct weft_cell_terms *terms,
    const struct weft_cell_set *set, struct weft_arena *arena, struct weft_cell_answer *ret_answer);

/* Which cell: SHA-256("weft-cell/v1" || newline || subject || text(kind) || text(group)), where
 * text(x) is be32(size of x) and its bytes. `subject` stands for its set of aliases (alias.h). */
struct weft_digest weft_cell_id(
    const struct weft_digest *subject, struct weft_text kind, struct weft_text group);

/* What both sides compare of a cell (shared.h): the value that counts, the dispute, and each
 * statement. SHA-256("weft-cell-state/v1" || newline || cell || flags, 1 byte || text(value) ||
 * dispute || be32(count) || of each statement its digest and be16 of how it stands). */
struct weft_digest weft_cell_state(const struct weft_digest *cell, const struct weft_cell_set *set,
    const struct weft_cell_answer *answer);

/* Is the author `party`, or a site of it? */
bool weft_cell_is_of(struct weft_text author, struct weft_text party);

#endif
