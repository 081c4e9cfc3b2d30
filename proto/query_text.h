/* proto/query_text.h: the parts of a query that people and programs write as text.
 *
 * A condition "PATH OP VALUE" (`weft find --where`, `/v1/records?where=`) and the cursor of a
 * page, which is bytes on the wire and hexadecimal digits in text. */
#ifndef WEFT_PROTO_QUERY_TEXT_H
#define WEFT_PROTO_QUERY_TEXT_H

#include "proto/client.h"

/* The condition into the query, borrowing from `text`. OP is one of = == != < <= > >= and, behind
 * a space, ~ (a glob). WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_query_parse_where(
    struct weft_text text, struct weft_query *query, struct weft_msg *msg);

/* Append the cursor as lower-case hexadecimal digits. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_query_format_cursor(
    struct weft_bytes cursor, struct weft_buffer *out);
/* The way back; the bytes are in the arena. WEFT_EINVAL: not what an answer gave; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_query_parse_cursor(struct weft_text text, struct weft_arena *arena,
    struct weft_bytes *ret_cursor, struct weft_msg *msg);

#endif
