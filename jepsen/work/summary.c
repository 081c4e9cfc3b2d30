#include "jepsen/work/summary.h"

#include <string.h>

#include "jepsen/check/faults.h"

/* All faults of the name of faults[first], if it is the first of its name. */
static void add_fault(const struct jep_history *history, const struct jep_faults *faults,
    size_t first, struct jep_edn_list *list)
{
    const char *name = faults->faults[first].name;
    unsigned made = 0, seen = 0, skipped = 0;
    int64_t gap_ns = 0, at_ns;
    for (size_t i = 0; i < faults->count; i++) {
        const struct jep_fault *fault = &faults->faults[i];
        if (strcmp(fault->name, name) != 0) {
            continue;
        }
        if (i < first) {
            return;
        }
        /* From its start being asked for to its end: nothing is judged by it. */
        int64_t own_ns = jep_write_gap_ns(history, fault->begin_ns, fault->end_ns, &at_ns);
        made++;
        seen += fault->took_effect ? 1 : 0;
        skipped += fault->is_skipped ? 1 : 0;
        gap_ns = own_ns > gap_ns ? own_ns : gap_ns;
    }
    struct jep_edn_list map = {0};
    jep_edn_put(&map, "made", jep_edn_int(made));
    jep_edn_put(&map, "seen", jep_edn_int(seen));
    jep_edn_put(&map, "skipped", jep_edn_int(skipped));
    jep_edn_put(&map, "write-gap-ms", jep_edn_int(gap_ns / 1000000));
    jep_edn_push(list, jep_edn_string(name));
    jep_edn_push(list, jep_edn_take_map(&map, history->arena));
}

struct jep_edn jep_summary(const struct jep_history *history)
{
    struct jep_faults faults = jep_faults_find(history);
    struct jep_edn_list list = {0}, map = {0};
    unsigned types[JEP_INFO + 1] = {0};
    for (size_t i = 0; i < history->count; i++) {
        if (history->ops[i].process != JEP_NEMESIS) {
            types[history->ops[i].type]++;
        }
    }
    for (size_t i = 0; i < faults.count; i++) {
        add_fault(history, &faults, i, &list);
    }
    jep_edn_put(&map, "invoked", jep_edn_int(types[JEP_INVOKE]));
    jep_edn_put(&map, "ok", jep_edn_int(types[JEP_OK]));
    jep_edn_put(&map, "fail", jep_edn_int(types[JEP_FAIL]));
    jep_edn_put(&map, "info", jep_edn_int(types[JEP_INFO]));
    jep_edn_put(&map, "faults", jep_edn_take_map(&list, history->arena));
    jep_faults_free(&faults);
    return jep_edn_take_map(&map, history->arena);
}
