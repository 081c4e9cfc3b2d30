/* proto/query_text.h: the parts of a query that people and programs write as text, for the command
 * and the HTTP door alike.
 *
 * A condition "PATH OP VALUE" (`weft find --where`, `/v1/records?where=`), what was known by an
 * index or a time, parts and sections by their names, and the cursor of a page, which is bytes on
 * the wire and hexadecimal digits in text. Messages do not name the option: the caller does. */
#ifndef WEFT_PROTO_QUERY_TEXT_H
#define WEFT_PROTO_QUERY_TEXT_H

#include "proto/client.h"
#include "proto/limits.h"

enum {
    WEFT_QUERY_PART_SIZE = WEFT_ASSET_SIZE_MAX + 1
};

/* The condition into the query, borrowing from `text`. OP is one of = == != < <= > >= and, behind
 * a space, ~ (a glob). WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_query_parse_where(
    struct weft_text text, struct weft_query *query, struct weft_msg *msg);

/* An index, or an RFC 3339 time: into as_of or as_of_ns. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_query_parse_as_of(
    struct weft_text text, struct weft_query *query, struct weft_msg *msg);

/* Names of sections of a twin with commas between, into the query's bits. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_query_parse_sections(
    struct weft_text text, struct weft_query *query, struct weft_msg *msg);

/* A part type, or with a revision (which may be empty) "TYPE/rev/REVISION", into the query, which
 * borrows from `buffer`. WEFT_EINVAL: a revision of nothing, or together no id of an asset. */
WEFT_MUST_USE enum weft_err weft_query_parse_part(struct weft_text type, struct weft_text revision,
    char buffer[WEFT_QUERY_PART_SIZE], struct weft_query *query, struct weft_msg *msg);

/* Append the cursor as lower-case hexadecimal digits. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_query_format_cursor(
    struct weft_bytes cursor, struct weft_buffer *out);
/* The way back; the bytes are in the arena. WEFT_EINVAL: not what an answer gave; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_query_parse_cursor(struct weft_text text, struct weft_arena *arena,
    struct weft_bytes *ret_cursor, struct weft_msg *msg);

#endif
