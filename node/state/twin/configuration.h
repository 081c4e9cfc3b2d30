/* node/state/twin/configuration.h: what is inside a unit: as built, and as maintained since.
 *
 * Both follow from events: something begins or ends to be inside. As built holds what the
 * records of its making say; as maintained folds in all later ones in the order of truth. Within
 * one record what ends comes before what begins: a replacement removes and installs (NOD-307). */
#ifndef WEFT_NODE_STATE_TWIN_CONFIGURATION_H
#define WEFT_NODE_STATE_TWIN_CONFIGURATION_H

#include "node/state/twin/bom.h"

struct weft_material {
    struct weft_moment moment;
    struct weft_text component;
    struct weft_text evidence;
    const struct weft_link *link;
    bool is_end;
    bool is_end_of_all; /* Of all that can end; no component. */
    bool is_build;      /* A record of its making says so. */
};

/* Does a link by this rel of a record of this kind speak of the making of a unit? Records of
 * manufacturing do, and links that say of what something was made, unless service used it up. */
bool weft_material_is_build(struct weft_text kind, struct weft_text rel);

/* Sorts `events`. Components, without their parts, in the order in which they came to be inside;
 * what several records say of the same component counts once, as the first says it.
 * `built_only`: as built. The array is in the arena. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_configuration_fold(struct weft_material *events, uint32_t count,
    bool built_only, struct weft_arena *arena, struct weft_component **ret_components,
    uint32_t *ret_count);

#endif
