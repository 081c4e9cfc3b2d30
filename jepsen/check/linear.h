/* jepsen/check/linear.h: is a history of one register linearizable? Wing and Gong's search (Testing
 * and verifying concurrent objects, 1993) in the just-in-time form of Lowe (Testing for
 * linearizability, 2017): it walks the history once and keeps every configuration (value, pending
 * operations that have taken effect) that explains it so far, each once. When none is left, the
 * operation that ends there cannot be explained. What it prunes, and why that is sound, is told in
 * linear.c and README.md. It works on numbers; check/register.c makes them from a history. */
#ifndef WEFT_JEPSEN_CHECK_LINEAR_H
#define WEFT_JEPSEN_CHECK_LINEAR_H

#include <stddef.h>
#include <stdint.h>

#include "jepsen/check/limits.h"
#include "jepsen/core/results.h"

#define JEP_LINEAR_OPEN UINT32_MAX /* end of an operation whose outcome is unknown */

enum {
    JEP_LINEAR_PENDING_MAX = 1024, /* chosen: 16 words of mask; runs have some 20 */
    JEP_LINEAR_STATES_SHOWN = 16
};

enum jep_linear_kind {
    JEP_LINEAR_READ,  /* saw `value` */
    JEP_LINEAR_WRITE, /* wrote `value` */
    JEP_LINEAR_CAS    /* found `expected`, wrote `value` */
};

/* Values are numbers below values_count. A read whose outcome is unknown, and what certainly did
 * not happen, is not given. */
struct jep_linear_op {
    enum jep_linear_kind kind;
    uint32_t value;
    uint32_t expected;
    uint32_t invoke; /* position of the invocation; positions of one history are all different */
    uint32_t end;    /* position of the end, or JEP_LINEAR_OPEN */
};

struct jep_linear_history {
    const struct jep_linear_op *ops; /* by invoke, rising */
    size_t count;
    uint32_t values_count;
    uint32_t initial; /* the value before the first operation */
};

struct jep_linear_answer {
    enum jep_verdict verdict;
    uint32_t failing;   /* JEP_INVALID: number of the operation that cannot be explained */
    uint64_t looked_at; /* configurations */
    uint32_t width;     /* most configurations kept at once */
    const char *limit;  /* JEP_UNKNOWN: what ran out */
    uint32_t states[JEP_LINEAR_STATES_SHOWN]; /* values possible at the end, or before it failed */
    size_t states_count;
    uint32_t dropped; /* unknown operations whose value nobody saw */
};

/* Borrows all. JEP_UNKNOWN: a limit was reached first. */
void jep_linear_check(const struct jep_linear_history *history, struct jep_limits *limits,
    struct jep_linear_answer *ret_answer);

#endif
