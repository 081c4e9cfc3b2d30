/* ops/import/decimal.h: numbers of foreign texts, kept as they are written.
 *
 * A measured 3.10 and a tolerance of -0.2 are decimal; sums of them are too, so that a limit
 * reads 2.9 and not 2.8999999999999999. */
#ifndef WEFT_OPS_IMPORT_DECIMAL_H
#define WEFT_OPS_IMPORT_DECIMAL_H

#include "proto/bytes.h"
#include "proto/record.h"

enum {
    WEFT_DECIMAL_SIZE = 32
};

/* INT or REAL if the literal is one of JSON's and in range; TEXT if it is anything else. */
enum weft_value_type weft_decimal_type(struct weft_text literal);

/* a + b, exactly, terminated. Both without an exponent, up to 18 digits.
 * WEFT_EINVAL, WEFT_ETOOBIG: it cannot be said exactly. */
WEFT_MUST_USE enum weft_err weft_decimal_add(
    struct weft_text a, struct weft_text b, char ret_sum[WEFT_DECIMAL_SIZE]);

#endif
