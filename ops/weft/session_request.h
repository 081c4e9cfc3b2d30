/* ops/weft/session_request.h: a line of `weft session` as a request of the client door.
 *
 * Strict: an unknown op, an unknown member, one of another op, or one of another type is an error
 * with line, column and pointer. What the members mean is told by `weft session --help`. */
#ifndef WEFT_OPS_SESSION_REQUEST_H
#define WEFT_OPS_SESSION_REQUEST_H

#include "ops/weft/client.h"

/* Everything in *ret_request lives in the arena. A commit without a request id has the zero id.
 * WEFT_EMALFORMED, WEFT_EINVAL, WEFT_ETOOBIG, WEFT_ENOMEM: `msg` starts with "line L, column C". */
WEFT_MUST_USE enum weft_err weft_session_request_parse(struct weft_text line, uint32_t line_number,
    struct weft_arena *arena, struct weft_client_message *ret_request, struct weft_msg *msg);

#endif
