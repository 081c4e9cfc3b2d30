/* node/state/refused.h: what a partner refused of a stream: his signed note, held to the terms.
 *
 * Apart, since a refusal is two things here: a partner's (federation/refusal.h), and a commit's. */
#ifndef WEFT_NODE_STATE_REFUSED_H
#define WEFT_NODE_STATE_REFUSED_H

#include "node/state/streams.h"

/* How many statements it names. As weft_refusal_verify; WEFT_EPEER: of another stream. */
WEFT_MUST_USE enum weft_err weft_refused_read(struct weft_text note, const struct weft_terms *terms,
    struct weft_arena *arena, uint32_t *ret_count, struct weft_msg *msg);

#endif
