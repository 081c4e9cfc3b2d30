/* Histories: whatever keeps the rules of a history is judged by every checker, within its limits.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "jepsen/check/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jep_history *history = NULL;
    struct jep_edn results;
    if (size > 64 * 1024 || !jep_history_parse((const char *)data, size, &history, NULL)) {
        return 0;
    }
    for (const char *const *workload = jep_check_workloads(); *workload != NULL; workload++) {
        struct jep_check_options options = {.workload = *workload, .steps_max = 20000};
        if (!jep_check_history(history, &options, &results, NULL) ||
            jep_edn_get(&results, "valid?") == NULL) {
            abort();
        }
    }
    jep_history_destroy(history);
    return 0;
}
