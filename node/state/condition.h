/* node/state/condition.h: what `find` filters by: globs of asset ids, conditions on one field.
 *
 * Numbers compare as the decimal numbers they are written as, exactly, whatever their size:
 * 9007199254740993 is not 9007199254740992, and 1.50 equals 15e-1. Texts compare by bytes. */
#ifndef WEFT_NODE_STATE_CONDITION_H
#define WEFT_NODE_STATE_CONDITION_H

#include <stdbool.h>

#include "proto/bytes.h"
#include "proto/client.h"
#include "proto/err.h"
#include "proto/record.h"

/* '*' stands for any run of bytes, '?' for one. An empty glob fits everything. */
bool weft_glob_fits(struct weft_text glob, struct weft_text text);
/* What every text that fits starts with; all of the glob if it has no wildcard. */
struct weft_text weft_glob_prefix(struct weft_text glob);

/* A JSON number literal, as in proto/record.h's INT and REAL? */
bool weft_number_is_valid(struct weft_text text);
/* Below 0, 0, above 0. Both must be valid. */
int weft_number_compare(struct weft_text a, struct weft_text b);

struct weft_condition {
    struct weft_text path;
    struct weft_text value;
    enum weft_operator op; /* NONE: no condition. */
    bool is_number;        /* `value` is a number literal. */
};

/* WEFT_EINVAL: an operator without a path, a path without an operator, an unknown operator. */
WEFT_MUST_USE enum weft_err weft_condition_init(
    const struct weft_query *query, struct weft_condition *ret_condition, struct weft_msg *msg);

/* A number against a number: by value. A number against what is none: unequal, and in no order.
 * Anything else, and GLOB always: by the bytes of the text. */
bool weft_condition_holds(
    const struct weft_condition *condition, enum weft_value_type type, struct weft_text value);

#endif
