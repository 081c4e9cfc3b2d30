/* node/state/room.h: is there room in the state for a commit?
 *
 * Pure, and the same on every replica: a commit that passes a limit of the state is refused before
 * anything of it is staged. Limits: node/state/README.md. */
#ifndef WEFT_NODE_STATE_ROOM_H
#define WEFT_NODE_STATE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/state.h"

/* `position`: with what the entry has done so far; `ordinal`: of the commit's first record. */
bool weft_room_has(struct weft_state *state, const struct weft_state_position *position,
    uint32_t ordinal, const struct weft_commit *commit);

#endif
