/* jepsen/check/findings.h: what a checker found wrong: counted by name, the first few told. */
#ifndef WEFT_JEPSEN_CHECK_FINDINGS_H
#define WEFT_JEPSEN_CHECK_FINDINGS_H

#include <stdint.h>

#include "jepsen/core/results.h"

enum {
    JEP_FINDINGS_SHOWN = 16, /* of a name; chosen: who has read sixteen knows */
    JEP_FINDING_NAMES_MAX = 32
};

/* Zeroed but for arena and result. */
struct jep_findings {
    struct jep_arena *arena;
    struct jep_result *result;
    struct {
        const char *name;
        uint64_t count;
    } counts[JEP_FINDING_NAMES_MAX];
    size_t names_count;
    struct jep_edn_list shown; /* {:anomaly name, :why text, ...} */
};

/* Lowers the result's verdict. name is a literal. */
void jep_found(struct jep_findings *findings, enum jep_verdict verdict, const char *name,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same, with why in the arena and a further entry. */
void jep_found_with(struct jep_findings *findings, enum jep_verdict verdict, const char *name,
    const char *why, const char *keyword, struct jep_edn value);
/* Puts :anomaly-counts and :anomalies into the result; empty afterwards. */
void jep_findings_put(struct jep_findings *findings);

#endif
