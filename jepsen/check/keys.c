#include <inttypes.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/faults.h"
#include "jepsen/check/findings.h"

/* A key that was revoked: once the revocation is acknowledged, nothing that the key signs counts at
 * any node. The nemesis that revokes asks itself, and writes down what it was told. */

static int64_t number(const struct jep_edn *evidence, const char *key)
{
    const struct jep_edn *found = evidence != NULL ? jep_edn_get(evidence, key) : NULL;
    return found != NULL && jep_edn_is_int(found) ? found->integer : 0;
}

void jep_check_keys(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)options, (void)limits;
    struct jep_findings findings = {.arena = history->arena, .result = ret_result};
    struct jep_faults faults = jep_faults_find(history);
    int64_t refused = 0, revoked = 0;
    for (size_t i = 0; i < faults.count; i++) {
        const struct jep_fault *fault = &faults.faults[i];
        if (strcmp(fault->name, "keys-revoke") != 0 || fault->started == NULL) {
            continue;
        }
        const struct jep_edn *evidence = jep_edn_get(fault->started, "evidence");
        int64_t accepted = number(evidence, "accepted-after");
        revoked += number(evidence, "revoked");
        refused += number(evidence, "refused-after");
        if (accepted > 0) {
            jep_found(&findings, JEP_INVALID, "revoked-key-counted",
                "at %.1f s a key was revoked, and counted %" PRId64 " times afterwards: %s",
                (double)fault->begin_ns / 1e9, accepted,
                jep_edn_show(history->arena, evidence, 200));
        }
    }
    jep_result_put(ret_result, "revoked", jep_edn_int(revoked));
    jep_result_put(ret_result, "refused-after", jep_edn_int(refused));
    jep_findings_put(&findings);
    jep_faults_free(&faults);
}
