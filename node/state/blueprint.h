/* node/state/blueprint.h: reads the design documents of part types out of the state.
 *
 * Never by a scan: revisions and change orders of a part type are found by what links to it. */
#ifndef WEFT_NODE_STATE_BLUEPRINT_H
#define WEFT_NODE_STATE_BLUEPRINT_H

#include "node/state/dossier.h"
#include "node/state/twin/bom.h"
#include "node/state/twin/design.h"

enum {
    WEFT_BLUEPRINT_ORDERS_MAX = 4096, /* change orders about one part type; chosen */
};

/* All change orders that ever spoke about the part type. Errors: those of the dossier. */
WEFT_MUST_USE enum weft_err weft_blueprint_changes(struct weft_dossier *dossier, uint64_t part,
    struct weft_change_history **ret_histories, uint32_t *ret_count);
/* Statements of one change order; none if it is not one. */
WEFT_MUST_USE enum weft_err weft_blueprint_history(
    struct weft_dossier *dossier, uint64_t asset, struct weft_change_history *ret_history);
WEFT_MUST_USE enum weft_err weft_blueprint_design(
    struct weft_dossier *dossier, struct weft_text part, struct weft_design *ret_design);
/* A part type is its own type; a revision is one of the part type that it is `revision_of`. */
WEFT_MUST_USE enum weft_err weft_blueprint_part(
    struct weft_dossier *dossier, struct weft_text asset, struct weft_part *ret_part);
/* The BOM of the revision that was agreed on last among those true before `until` (NULL: all),
 * else the first of all; *ret_found false: none. */
WEFT_MUST_USE enum weft_err weft_blueprint_bom(struct weft_dossier *dossier,
    struct weft_text revision, const struct weft_moment *until, struct weft_bom *ret_bom,
    bool *ret_found);

#endif
