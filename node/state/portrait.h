/* node/state/portrait.h: everything that a twin says of one asset, read and worked out.
 *
 * One pass over what bears on the asset, never over the store: its own records, those that link
 * to it, the design of its part type, its components' part types. What it all means is decided
 * in node/state/twin; what is written of it, in query_twin.c and query_diff.c. */
#ifndef WEFT_NODE_STATE_PORTRAIT_H
#define WEFT_NODE_STATE_PORTRAIT_H

#include "node/state/blueprint.h"
#include "node/state/twin/configuration.h"
#include "node/state/twin/issue.h"
#include "node/state/twin/property.h"

/* What the asset holds at one time, against what it ought to. */
struct weft_contents {
    struct weft_component *components;
    uint32_t component_count;
};

struct weft_portrait {
    struct weft_dossier *dossier;
    struct weft_text name;
    uint64_t asset; /* 0: never mentioned. */
    uint64_t rev;   /* 0: no record of its own. */
    int64_t now_ns; /* Ages are counted from here. */

    /* Of each kind the current statement, the newest in the order of truth first. */
    const struct weft_stored_record **newest;
    uint32_t newest_count;
    const struct weft_stored_record *retirement; /* NULL: in service. */

    struct weft_unit unit;
    struct weft_part part;     /* Type empty: of none that is known. Revision: built to. */
    struct weft_text revision; /* That it has now; empty: not known. */
    bool is_assumed;           /* Nobody states it: the one that counted when it was built. */

    struct weft_design design;
    struct weft_effective designed; /* What counts for it now... */
    struct weft_bom bom;
    bool has_bom;
    struct weft_effective designed_then; /* ...and when it was built. */
    struct weft_moment design_since;     /* Of what counts now, its BOM included. */
    bool has_design_since;

    struct weft_material *events; /* In order of truth. */
    uint32_t event_count;
    struct weft_contents built;
    struct weft_contents maintained;
    struct weft_difference *deviations;
    uint32_t deviation_count;
    uint32_t uncovered_count; /* Of them. */
    struct weft_difference *outdated;
    struct weft_moment *outdated_since;
    uint32_t outdated_count;

    struct weft_properties reported;
    struct weft_properties desired;
    const struct weft_record *policies[2]; /* Its own, then its part type's. */
    uint32_t policy_count;

    struct weft_issue *issues;
    uint32_t issue_count;
    uint32_t issue_capacity;
    enum weft_health health;

    uint64_t steps; /* Keys and records looked at. */
    bool is_cut;    /* Some of it took more than it may: what is told is not all. */
};

enum {
    WEFT_PORTRAIT_STEPS_MAX = 100 * 1000 /* keys and records for each of its steps; about 0.5 s */
};

/* Reads all of it; texts and arrays are in the dossier's arena. No error if there is no such
 * asset: `rev` is 0. Each step may look at `steps_max` keys and records; one that would need more
 * tells nothing, and is_cut is set. Errors: those of the dossier but WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_portrait_take(struct weft_portrait *portrait,
    struct weft_dossier *dossier, struct weft_text name, int64_t now_ns, uint64_t steps_max);

/* Its steps, in this order: who it is, what is inside it, how that differs from its design, its
 * properties, its issues. */
WEFT_MUST_USE enum weft_err weft_portrait_identify(struct weft_portrait *portrait);
WEFT_MUST_USE enum weft_err weft_portrait_unpack(struct weft_portrait *portrait);
WEFT_MUST_USE enum weft_err weft_portrait_compare(struct weft_portrait *portrait);
WEFT_MUST_USE enum weft_err weft_portrait_measure(struct weft_portrait *portrait);
WEFT_MUST_USE enum weft_err weft_portrait_worry(struct weft_portrait *portrait);

/* How old a reported property is, and how old it may be. False: nobody wants to know. */
bool weft_portrait_freshness(const struct weft_portrait *portrait,
    const struct weft_property *property, double *ret_age_s, double *ret_freshness_s);

#endif
