/* node/api/http/body.h: the content of a request as a commit. Pure.
 *
 * One object {"records": [...], "request_id": "..."}, or lines of records
 * (application/x-ndjson), which are one commit as well: all or nothing. Strict as everywhere:
 * unknown members are errors. */
#ifndef WEFT_NODE_API_HTTP_BODY_H
#define WEFT_NODE_API_HTTP_BODY_H

#include "node/api/http/header.h"
#include "proto/record.h"

enum {
    WEFT_HTTP_POINTER_SIZE = 256
};

struct weft_http_commit {
    struct weft_commit commit; /* In the arena, or borrowed from the text. */
    bool has_request_id;
};

/* `condition` becomes the `expect` of every record; the records are of one asset then, and say
 * nothing of a revision themselves. `ret_pointer` is an RFC 6901 pointer to the culprit in the
 * JSON form {"records": [...]}, also for lines, or empty.
 * WEFT_EMALFORMED, WEFT_EINVAL, WEFT_ETOOBIG: `msg` names the place; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_http_body_parse(struct weft_text text, enum weft_http_media media,
    const struct weft_http_condition *condition, struct weft_arena *arena,
    struct weft_http_commit *ret_commit, char ret_pointer[WEFT_HTTP_POINTER_SIZE],
    struct weft_msg *msg);

/* "/records/0/kind" of "line 1, column 5 (/records/0/kind): reason", behind `prefix`; the
 * prefix alone if the message names no place. */
void weft_http_pointer_of(
    const struct weft_msg *msg, const char *prefix, char ret_pointer[WEFT_HTTP_POINTER_SIZE]);

#endif
