/* federation/cells/workflow.h: the status of what two organizations do together, from its steps.
 *
 * Each step is a statement that names the steps which whoever took it knew. The status is a fold
 * over the set of steps of both streams, in an order that follows from them: a step comes behind
 * those it names, and of steps that do not know each other the lower in the table comes first. So
 * both sides have one status whatever came first, and a step that crossed another is seen by both.
 * Tables: README.md, "Workflows". */
#ifndef WEFT_FEDERATION_CELLS_WORKFLOW_H
#define WEFT_FEDERATION_CELLS_WORKFLOW_H

#include "federation/cells/act.h"

enum {
    WEFT_WORKFLOW_STEPS_MAX = 256,  /* of one; chosen: revisions of a change order, both ways */
    WEFT_WORKFLOW_NAMES_MAX = 4096, /* that all of them name; chosen: bounds a fold */
};

/* The words are in records and never change. */
enum weft_workflow {
    WEFT_WORKFLOW_CHANGE_ORDER,
    WEFT_WORKFLOW_NONCONFORMANCE,
    WEFT_WORKFLOW_QUALITY_NOTIFICATION,
    WEFT_WORKFLOWS
};

/* "change_order", ... */
const char *weft_workflow_name(enum weft_workflow workflow);
/* WEFT_WORKFLOWS: no such. */
enum weft_workflow weft_workflow_of(struct weft_text name);

/* Borrows. */
struct weft_workflow_step {
    struct weft_digest digest;
    struct weft_text author; /* "<org>/<site>" */
    struct weft_text step;   /* "accept", ... */
    struct weft_act_digests after;
};

enum weft_workflow_standing {
    WEFT_WORKFLOW_TAKEN,   /* It led from one state to the next. */
    WEFT_WORKFLOW_REFUSED, /* Not a step that its author may take there. */
    WEFT_WORKFLOW_CROSSED, /* The same, but for a step that it did not know and that came first. */
    WEFT_WORKFLOW_WAITING, /* For a step that it names and that is not here yet. */
    WEFT_WORKFLOW_FOREIGN, /* Of neither party. */
};

struct weft_workflow_status {
    const char *state; /* "PROPOSED", ...; "NONE" before the first. Static. */
    bool is_over;      /* Nothing leads out of the state. */
    bool is_opened;
    uint32_t opener;            /* Party, if is_opened. */
    uint32_t last;              /* Party that took the last step. */
    bool is_disputed;           /* Steps crossed: */
    struct weft_digest dispute; /* the id of those and what crossed them (dispute.h). */
    const uint8_t *standing;    /* enum weft_workflow_standing of each step given; in the arena. */
    /* Taken steps that no taken step names, ascending: what the next one names as `after`. */
    struct weft_act_digests heads;
};

/* `steps` in any order, each once. WEFT_ETOOBIG: over a limit above; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_workflow_fold(enum weft_workflow workflow,
    const struct weft_text parties[WEFT_CELL_PARTIES], const struct weft_workflow_step *steps,
    uint32_t count, struct weft_arena *arena, struct weft_workflow_status *ret_status);

/* May a party take the step now? */
bool weft_workflow_may(enum weft_workflow workflow, const struct weft_workflow_status *status,
    uint32_t party, struct weft_text step);

#endif
