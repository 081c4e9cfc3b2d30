/* federation/cells/intake.h: what of a statement goes into which cell, under a contract.
 *
 * Both sides hold a statement as the same projection: the provider in its stream, the consumer as
 * it came. What a projection shows is parted by field groups, each of which is one cell's; what it
 * says about other statements (act.h) is given as the machines here take it; its material links are
 * edges, on which both sides of an assembly have their say. So both sides feed the same (FED-102).
 * Rules: README.md, "Intake". */
#ifndef WEFT_FEDERATION_CELLS_INTAKE_H
#define WEFT_FEDERATION_CELLS_INTAKE_H

#include "federation/cells/workflow.h"
#include "federation/projection.h"

/* What a statement says to one cell of its subject and kind. */
struct weft_intake_part {
    struct weft_text group; /* The cell's; borrows the contract. */
    enum weft_cell_rule rule;
    uint32_t authority;                   /* Party, by contract; or WEFT_CONTRACT_NOBODY. */
    struct weft_cell_statement statement; /* SAY. Borrows projection and arena. */
};

/* One part for each group of which the projection shows or names a field, by the group's first one.
 * `@at`, `@author` and `@source` are no fields of a group. `projection` was verified, `digest` is
 * the statement's. WEFT_EMALFORMED: a link that is none; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_intake_parts(const struct weft_contract *contract,
    const struct weft_projection *projection, const struct weft_digest *digest,
    struct weft_arena *arena, struct weft_intake_part **ret_parts, uint32_t *ret_count,
    struct weft_msg *msg);

/* A statement about statements. Which of the others is set follows from act.kind. */
struct weft_intake_act {
    struct weft_act act;
    struct weft_cell_statement statement;  /* RESOLUTION, RETRACT. */
    struct weft_handoff_statement handoff; /* HANDOFF. */
    struct weft_alias_word word;           /* ALIAS. */
    struct weft_workflow_step step;        /* STEP. */
};

/* WEFT_EINVAL: its kind is no act's. As weft_act_decode; a field that is withheld is missing. */
WEFT_MUST_USE enum weft_err weft_intake_act(const struct weft_projection *projection,
    const struct weft_digest *digest, struct weft_arena *arena, struct weft_intake_act *ret_act,
    struct weft_msg *msg);

/* That one thing is inside another, or is no more. */
struct weft_intake_edge {
    struct weft_subject_name parent; /* Keys are in the arena. */
    struct weft_subject_name child;
    enum weft_cell_rule rule;             /* Of "@link/<rel>" in the contract. */
    struct weft_cell_statement statement; /* "in" or "out". */
};

/* One for each link that carries material or ends it, and whose ends have names. Of `empties` none:
 * it names no child. As weft_intake_parts. */
WEFT_MUST_USE enum weft_err weft_intake_edges(const struct weft_contract *contract,
    const struct weft_projection *projection, const struct weft_digest *digest,
    struct weft_arena *arena, struct weft_intake_edge **ret_edges, uint32_t *ret_count,
    struct weft_msg *msg);

/* The subject of an edge's cell: SHA-256("weft-edge/v1" || newline || parent || child), of the
 * lowest of their sets of aliases. */
struct weft_digest weft_intake_edge_subject(
    const struct weft_digest *parent, const struct weft_digest *child);

#endif
