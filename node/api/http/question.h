/* node/api/http/question.h: what a reading request asks: the parameters of its target as a query.
 * Pure.
 *
 * Parameters are called as the options of the command that asks the same (`weft trace --depth`),
 * and read by the same functions (proto/query_text.h). Every message names the parameter. */
#ifndef WEFT_NODE_API_HTTP_QUESTION_H
#define WEFT_NODE_API_HTTP_QUESTION_H

#include "node/api/http/target.h"
#include "proto/client.h"

/* A number of a parameter from `min` to `max`; not given: *number is as before. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_http_question_number(const struct weft_http_target *target,
    const char *name, uint64_t min, uint64_t max, uint64_t *number, struct weft_msg *msg);

/* The query of a target whose resource is one that is read by a query; consistency is the
 * headers' (header.h). The query borrows from the target and the arena. WEFT_EINVAL; WEFT_ENOMEM,
 * WEFT_ETOOBIG: the arena. */
WEFT_MUST_USE enum weft_err weft_http_question_parse(const struct weft_http_target *target,
    struct weft_arena *arena, struct weft_query *ret_query, struct weft_msg *msg);

#endif
