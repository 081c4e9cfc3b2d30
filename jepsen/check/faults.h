/* jepsen/check/faults.h: what was broken, from when to when, as the nemesis wrote it down (see
 * jepsen/core/README.md, "What a nemesis writes"), and when progress could be demanded. */
#ifndef WEFT_JEPSEN_CHECK_FAULTS_H
#define WEFT_JEPSEN_CHECK_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/history.h"

struct jep_fault {
    const char *name;  /* without start- */
    int64_t begin_ns;  /* its start was asked for */
    int64_t active_ns; /* its start was done */
    int64_t heal_ns;   /* its stop was asked for; the end of the history if it never was */
    int64_t end_ns;    /* its stop was done */
    bool is_stopped;
    bool took_effect;
    bool is_skipped;
    bool is_quorum_kept;
    const struct jep_edn *started; /* what start gave; NULL: nothing */
    const struct jep_edn *stopped;
};

/* From at_ns on, until the next: whether a majority was up and connected, and no fault was just
 * being started or stopped. */
struct jep_quorum {
    int64_t at_ns;
    bool is_there;
};

struct jep_faults {
    struct jep_fault *faults; /* by begin */
    size_t count;
    struct jep_quorum *quorums; /* the first is at 0 */
    size_t quorums_count;
    int64_t end_ns; /* of the history */
};

/* Borrows the history. */
struct jep_faults jep_faults_find(const struct jep_history *history);
void jep_faults_free(struct jep_faults *faults);
/* Whether any fault was starting, active or stopping at that time. */
bool jep_faults_any(const struct jep_faults *faults, int64_t at_ns);
/* How much of that time lies in peace: under no fault, and settled after one. What is to make
 * progress makes it then, however soon the next fault comes. */
int64_t jep_faults_peace_ns(const struct jep_faults *faults, int64_t from_ns, int64_t until_ns);

/* Names of operations that write, whatever the workload. */
bool jep_is_write(const struct jep_op *op);
/* The longest time without a successful write, though one was asked for, between two times, and
 * when it began. */
int64_t jep_write_gap_ns(
    const struct jep_history *history, int64_t from_ns, int64_t until_ns, int64_t *ret_at_ns);

#endif
