/* ops/import/canonical.h: a JSON value as one text, whatever its white space and the order of its
 * members: what the identity of a foreign item is a digest of. */
#ifndef WEFT_OPS_IMPORT_CANONICAL_H
#define WEFT_OPS_IMPORT_CANONICAL_H

#include "proto/json.h"

/* Append it: no white space, members by the bytes of their names at every level, numbers as their
 * literals. `left_out` (may be NULL) is a member that is not written. `arena` is scratch.
 * WEFT_ETOOBIG (more than 65,535 members, the buffer), WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_canonical_write(const struct weft_json *value,
    const struct weft_json *left_out, struct weft_arena *arena, struct weft_buffer *out);

#endif
