/* jepsen/check/check.h: judges a history by the rules of its workload and says why. It believes the
 * history alone, and shares no code with what made it. One function for all; each checker has a
 * file of its own, and what each of them holds is told in README.md. */
#ifndef WEFT_JEPSEN_CHECK_CHECK_H
#define WEFT_JEPSEN_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/check/limits.h"
#include "jepsen/core/history.h"
#include "jepsen/core/results.h"

enum {
    JEP_CHECK_FAILURES_SHOWN = 16, /* chosen: who has read sixteen knows */
    /* A node waits for one to two times what its configuration says (Raft's randomized timeouts,
     * 5.2 of the extended paper), so the timeout of an election is twice that. */
    JEP_CHECK_ELECTION_TIMERS = 2
};

/* Zeroed, they are the defaults of README.md. */
struct jep_check_options {
    const char *workload;        /* NULL: guessed from the operations */
    bool is_coverage_off;        /* judge safety alone: fixtures, short histories */
    bool is_serializable_enough; /* append: real time is not asked for */
    bool is_stale_allowed;       /* set: an element may be seen late, but not be lost */
    int64_t time_limit_ms;       /* of all checks together; 0: 60 s */
    size_t memory_bytes;         /* of a search; 0: 512 MiB */
    uint64_t steps_max;          /* of a search; 0: 50 million */
    uint32_t ok_min;             /* of each operation; 0: 20 */
    int64_t window_ns;           /* in which something must succeed; 0: 10 s */
    int64_t recovery_ns;         /* after a heal, until each node succeeds; 0: 10 s */
    int64_t election_timeout_ns; /* a leader within three of them after a heal; 0: not checked */
    int64_t write_gap_ns; /* longest time without a write under faults of a minority; 0: 5 s */
    const struct jep_edn *accounts; /* bank: {a n, ...} at the start; NULL: the first read's sum */
};

/* A checker of one question. It puts its findings into ret_result, which starts zeroed. */
typedef void jep_checker(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result);

jep_checker jep_check_register;
jep_checker jep_check_append;
jep_checker jep_check_set;
jep_checker jep_check_bank;
jep_checker jep_check_counter;
jep_checker jep_check_watch;
jep_checker jep_check_as_of;
jep_checker jep_check_lineage;
jep_checker jep_check_digests;
jep_checker jep_check_audit;
jep_checker jep_check_actuation;
jep_checker jep_check_federation;
jep_checker jep_check_keys;
jep_checker jep_check_coverage;
jep_checker jep_check_recovery;
jep_checker jep_check_performance;

/* Every check of the workload, as one results map in the history's arena. False: the workload is
 * not known, or cannot be guessed. */
bool jep_check_history(struct jep_history *history, const struct jep_check_options *options,
    struct jep_edn *ret_results, struct jep_message *message) __attribute__((warn_unused_result));

/* Names of workloads, ended by NULL. */
const char *const *jep_check_workloads(void);

#endif
