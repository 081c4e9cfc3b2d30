/* node/state/twin/bom.h: what a revision calls for, what a unit holds, and the difference.
 *
 * A BOM is a document (kind `bom`, asset: the revision): links `bom_line` to component part types
 * or revisions with `quantity`, `unit`, `find`, `designators`; links `alternate` with the `find`
 * of the line they may stand in for. A component fits a line by its part type, and by its
 * revision where both are known; `find` on both sides decides first (NOD-306). */
#ifndef WEFT_NODE_STATE_TWIN_BOM_H
#define WEFT_NODE_STATE_TWIN_BOM_H

#include "node/state/twin/fact.h"

/* A part type, or one revision of it. */
struct weft_part {
    struct weft_text type;
    struct weft_text revision; /* Empty: any, or not known. */
};

struct weft_alternate {
    struct weft_text to;
    struct weft_part part; /* Resolved by the reader, as that of a line. */
    struct weft_text find;
};

struct weft_bom_line {
    struct weft_text to;
    struct weft_part part;
    struct weft_text quantity; /* As given; empty: one. */
    struct weft_text unit;
    struct weft_text find;
    const struct weft_link *link; /* For its designators. */
};

struct weft_bom {
    struct weft_moment moment;
    struct weft_bom_line *lines;
    uint32_t line_count;
    struct weft_alternate *alternates;
    uint32_t alternate_count;
};

/* Something inside a unit. */
struct weft_component {
    struct weft_text asset;
    struct weft_part part; /* What it is an instance of; type empty: not known. */
    struct weft_text quantity;
    struct weft_text unit;
    struct weft_text find;
    struct weft_text rel;
    struct weft_text evidence; /* The asset whose record says so. */
    struct weft_moment since;
    bool is_counted; /* One thing, or a quantity is given: it can be counted. */
};

enum weft_difference_kind {
    WEFT_DIFFERENCE_REVISION = 1, /* The unit is of another revision. */
    WEFT_DIFFERENCE_MISSING,      /* A line without a component. */
    WEFT_DIFFERENCE_UNEXPECTED,   /* A component that no line calls for. */
    WEFT_DIFFERENCE_COMPONENT,    /* A component of another revision than the line calls for. */
    WEFT_DIFFERENCE_QUANTITY,     /* Too few or too many. */
};

struct weft_difference {
    enum weft_difference_kind kind;
    struct weft_text find;
    struct weft_part wanted;     /* Of the line; REVISION: the revision that counts. */
    struct weft_part found;      /* Of the component; REVISION: the unit's. */
    struct weft_text component;  /* Empty: none. */
    struct weft_text quantity;   /* Wanted, as given. QUANTITY alone. */
    struct weft_text unit;       /* Its. */
    double quantity_found;       /* QUANTITY alone. */
    struct weft_text covered_by; /* A concession; empty: none. */
};

const char *weft_difference_kind_name(enum weft_difference_kind kind);

/* Lines with their `part` still empty. Arrays are in the arena, texts borrow. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_bom_read(const struct weft_record *record,
    const struct weft_moment *moment, struct weft_arena *arena, struct weft_bom *ret_bom);

/* Is `have` what `want` calls for? An unknown revision is given the benefit of the doubt. */
bool weft_part_fits(const struct weft_part *want, const struct weft_part *have);

/* What the components lack or have beyond the lines, in order of lines, then of components. The
 * array is in the arena. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_bom_compare(const struct weft_bom *bom,
    const struct weft_component *components, uint32_t component_count, struct weft_arena *arena,
    struct weft_difference **ret_differences, uint32_t *ret_count);

#endif
