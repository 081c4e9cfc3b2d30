/* jepsen/core/results.h: what checks say, in Jepsen's form: each check gives a map with :valid?,
 * and the whole is as good as the worst of them: false over :unknown over true. */
#ifndef WEFT_JEPSEN_CORE_RESULTS_H
#define WEFT_JEPSEN_CORE_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "jepsen/core/edn.h"

/* In the order of the lattice: the larger is the worse. */
enum jep_verdict {
    JEP_VALID,
    JEP_UNKNOWN, /* a limit, a lack of coverage or of evidence: not a pass */
    JEP_INVALID
};

/* Exit codes of the harness. */
enum jep_exit {
    JEP_EXIT_VALID = 0,
    JEP_EXIT_INVALID = 1,
    JEP_EXIT_UNKNOWN = 2,
    JEP_EXIT_HARNESS = 3,    /* the harness itself failed, or was called wrongly */
    JEP_EXIT_CANNOT_RUN = 77 /* not on this machine */
};

enum jep_verdict jep_verdict_worse(enum jep_verdict a, enum jep_verdict b);
struct jep_edn jep_verdict_edn(enum jep_verdict verdict); /* true, :unknown, false */
const char *jep_verdict_name(enum jep_verdict verdict);   /* "valid", "unknown", "INVALID" */
enum jep_exit jep_verdict_exit(enum jep_verdict verdict);
/* Of a results map; a map without :valid? is JEP_UNKNOWN. */
enum jep_verdict jep_verdict_of(const struct jep_edn *results);

/* What one check found: a verdict and a map of details. Zeroed, it is valid and has said nothing.
 */
struct jep_result {
    enum jep_verdict verdict;
    struct jep_edn_list details; /* keyword, value, keyword, value ... */
};

/* Never makes it better. */
void jep_result_lower(struct jep_result *result, enum jep_verdict verdict);
/* As above, and :why says it (the first reason of the worst verdict stays). */
void jep_result_because(struct jep_result *result, struct jep_arena *arena,
    enum jep_verdict verdict, const char *format, ...) __attribute__((format(printf, 4, 5)));
void jep_result_put(struct jep_result *result, const char *keyword, struct jep_edn value);
/* {:valid? ..., details ...}; the result is empty afterwards. */
struct jep_edn jep_result_take(struct jep_result *result, struct jep_arena *arena);

/* Several checks as one map: {:valid? worst, :name {...}, ...}. Zeroed to start. */
struct jep_results {
    enum jep_verdict verdict;
    struct jep_edn_list checks;
};

/* Keeps name (a literal). The result is empty afterwards. */
void jep_results_add(struct jep_results *results, struct jep_arena *arena, const char *name,
    struct jep_result *result);
struct jep_edn jep_results_take(struct jep_results *results, struct jep_arena *arena);

/* results.edn, replaced in one rename. */
bool jep_results_write(const struct jep_edn *results, const char *path, struct jep_message *message)
    __attribute__((warn_unused_result));

#endif
