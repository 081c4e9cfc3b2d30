/* jepsen/check/span.h: a client's operation as one thing: its invocation and its end. */
#ifndef WEFT_JEPSEN_CHECK_SPAN_H
#define WEFT_JEPSEN_CHECK_SPAN_H

#include <stdbool.h>
#include <stddef.h>

#include "jepsen/core/history.h"

struct jep_span {
    const struct jep_op *invoke;
    const struct jep_op *end;    /* NULL: cut off by the end of the run */
    enum jep_op_type type;       /* JEP_OK, JEP_FAIL or JEP_INFO, which a call without end is too */
    const struct jep_edn *value; /* what came back if JEP_OK, else what was asked */
};

/* All calls of clients by invocation. Gives *ret_calls, for free(). */
size_t jep_spans(const struct jep_history *history, struct jep_span **ret_calls);

bool jep_span_is(const struct jep_span *call, const char *f);
/* Certainly over before the other began. */
bool jep_span_before(const struct jep_span *call, const struct jep_span *other);
/* Where it lies in real time: its indexes; UINT32_MAX for an end that is not known. */
uint32_t jep_span_from(const struct jep_span *call);
uint32_t jep_span_until(const struct jep_span *call);

/* For people: `process 3's :read [0 17] (12..15)`; the numbers are indexes of the history. */
const char *jep_span_words(struct jep_arena *arena, const struct jep_span *call);
/* The line of an operation as a value, for results. */
struct jep_edn jep_op_edn(struct jep_arena *arena, const struct jep_op *op);

#endif
