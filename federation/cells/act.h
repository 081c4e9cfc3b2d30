/* federation/cells/act.h: what statements say that are about other statements: records, and back.
 *
 * Resolutions, retracts, handoffs, aliases, recalls, impacts, acknowledgements and steps of
 * workflows are records like all others, so they travel in the same streams and are signed and
 * projected alike. Each kind has its fields, each in one form; a record that has another field, or
 * lacks one, is no such act. Kinds and fields: README.md, "Acts". */
#ifndef WEFT_FEDERATION_CELLS_ACT_H
#define WEFT_FEDERATION_CELLS_ACT_H

#include "federation/cells/alias.h"
#include "federation/cells/cell_authority.h"
#include "proto/record.h"

enum {
    WEFT_ACT_TEXT_SIZE_MAX = 4096, /* bytes of one value; chosen: a reason in some sentences */
    WEFT_ACT_TIERS_MAX = 16,       /* chosen: as WEFT_TIERS_DEPTH_MAX */
};

/* The words are in records and never change. */
enum weft_act_kind {
    WEFT_ACT_RESOLUTION,
    WEFT_ACT_RETRACT,
    WEFT_ACT_HANDOFF,
    WEFT_ACT_ALIAS,
    WEFT_ACT_RECALL,
    WEFT_ACT_IMPACT,
    WEFT_ACT_ACKNOWLEDGEMENT,
    WEFT_ACT_STEP,
    WEFT_ACT_KINDS
};

/* "resolution", ... */
const char *weft_act_kind_name(enum weft_act_kind kind);
/* WEFT_ACT_KINDS: a record of this kind is no act. */
enum weft_act_kind weft_act_kind_of(struct weft_text name);

/* Ascending, each once. */
struct weft_act_digests {
    const struct weft_digest *items;
    uint32_t count; /* At most WEFT_CELL_NAMES_MAX. */
};

/* Both parties state the same one (FED-108). */
struct weft_resolution {
    struct weft_text kind; /* Of the cell. */
    struct weft_text group;
    struct weft_text value;
    struct weft_act_digests names;
};

struct weft_retract {
    struct weft_text reason;
    struct weft_act_digests names;
    struct weft_act_digests corrections; /* What holds instead; may be none (EPCIS 2.0, 7.4.1.3). */
};

struct weft_alias {
    struct weft_subject_name a;
    struct weft_subject_name b;
    bool is_same;
};

/* What was delivered has a fault. */
struct weft_recall {
    struct weft_text action; /* "stop", "return", "inspect": a word that the contract gives. */
    struct weft_text reason;
    struct weft_act_digests subjects; /* Lots and units. */
};

/* Whom it reached: what we delivered to you has a recalled thing inside. */
struct weft_impact {
    struct weft_digest recall; /* Digest of the Recall statement, through all tiers. */
    struct weft_act_digests subjects;
};

/* Numbers by tier: whoever states them, its customers, theirs, ... */
struct weft_act_counts {
    uint64_t items[WEFT_ACT_TIERS_MAX];
    uint64_t count; /* 0: it is not said. */
};

/* How far it is done, at whoever states it and below: counts of units, by path. */
struct weft_acknowledgement {
    struct weft_digest recall;
    uint64_t affected;
    uint64_t located;
    uint64_t blocked;
    uint64_t done;
    uint64_t awaited; /* Customers that were told and have not acknowledged. */
    /* `affected` and `awaited`, tier by tier. */
    struct weft_act_counts tiers;
    struct weft_act_counts silent;
};

/* One step of a change order, non-conformance or quality notification. */
struct weft_step {
    struct weft_text workflow; /* "change_order", ... (workflow.h) */
    struct weft_digest subject;
    struct weft_text step; /* "accept", ... */
    struct weft_act_digests
        after; /* Steps that whoever takes this one knew last; none: it opens. */
};

/* Read under a switch on its kind. Borrows the record; digests are in the arena. */
struct weft_act {
    enum weft_act_kind kind;
    union {
        struct weft_resolution resolution;
        struct weft_retract retract;
        struct weft_handoff handoff;
        struct weft_alias alias;
        struct weft_recall recall;
        struct weft_impact impact;
        struct weft_acknowledgement acknowledgement;
        struct weft_step step;
    };
};

/* The record is one that a weft_record_check has passed, or what a partner shows of one.
 * WEFT_EINVAL: its kind is no act's. WEFT_EMALFORMED: a field is missing, unknown, of another type
 * or not in its one form; `msg` names it. WEFT_ETOOBIG: over a limit. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_act_decode(const struct weft_record *record,
    struct weft_arena *arena, struct weft_act *ret_act, struct weft_msg *msg);
/* The fields of a record of the act's kind, in the arena; texts are borrowed. What is written
 * decodes, to the same: WEFT_EINVAL: it breaks a rule. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_act_encode(const struct weft_act *act, struct weft_arena *arena,
    struct weft_field **ret_fields, uint32_t *ret_count, struct weft_msg *msg);

#endif
