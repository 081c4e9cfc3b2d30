/* jepsen/check/sums.h: what a sum of many changes may be at a read, when some of them are still on
 * their way or in doubt: the interval that bank and counter ask of a read. */
#ifndef WEFT_JEPSEN_CHECK_SUMS_H
#define WEFT_JEPSEN_CHECK_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "jepsen/core/edn.h"

/* Amounts beyond it are not understood, so that no sum of a history overflows. */
#define JEP_SUMS_AMOUNT_MAX ((int64_t)1 << 36)

/* Whether a value is a number within the limit. */
bool jep_sums_is_amount(const struct jep_edn *value);

/* Zeroed to start. */
struct jep_sums {
    int64_t certain;    /* changes that ended with :ok */
    int64_t begun_up;   /* positive changes invoked and not failed */
    int64_t begun_down; /* negative ones */
    int64_t certain_up; /* positive ones that ended with :ok */
    int64_t certain_down;
};

void jep_sums_begin(struct jep_sums *sums, int64_t change); /* not for one that fails later */
void jep_sums_end(struct jep_sums *sums, int64_t change);   /* :ok alone */
/* From the sums when the read was invoked and when it ended: low <= seen - initial <= high. */
void jep_sums_interval(const struct jep_sums *at_invoke, const struct jep_sums *at_end,
    int64_t *ret_low, int64_t *ret_high);

#endif
