#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/faults.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"

/* JEP-17. A check that saw nothing proves nothing: each operation has to have succeeded often, and
 * again and again while a quorum could talk; each nemesis has to have taken effect. Otherwise the
 * verdict is :unknown, which is not a pass. */

enum {
    NAMES_MAX = 64,
    OK_MIN = 20
};

#define WINDOW_NS ((int64_t)10 * 1000000000)

struct operation {
    const char *f;
    uint64_t counts[4]; /* by enum jep_op_type */
    int64_t first_ns;   /* of its invocations */
    int64_t last_ns;
};

struct coverage {
    struct jep_findings findings;
    struct jep_faults faults;
    struct operation operations[NAMES_MAX];
    size_t count;
    int64_t window_ns;
    uint64_t windows;
};

static struct operation *operation_of(struct coverage *coverage, const char *f)
{
    size_t i = 0;
    while (i < coverage->count && coverage->operations[i].f != f) {
        i++;
    }
    if (i == NAMES_MAX) {
        return &coverage->operations[NAMES_MAX - 1];
    }
    if (i == coverage->count) {
        coverage->operations[coverage->count++] = (struct operation){.f = f, .first_ns = -1};
    }
    return &coverage->operations[i];
}

static void count_operations(struct coverage *coverage, const struct jep_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->process == JEP_NEMESIS) {
            continue;
        }
        struct operation *operation = operation_of(coverage, op->f);
        operation->counts[op->type]++;
        if (op->type == JEP_INVOKE) {
            operation->first_ns = operation->first_ns < 0 ? op->time_ns : operation->first_ns;
            operation->last_ns = op->time_ns;
        }
    }
}

/* Windows of one stretch in which a quorum could talk: from one success to the next. */
static void check_stretch(struct coverage *coverage, const struct jep_history *history,
    const struct operation *operation, int64_t from_ns, int64_t until_ns)
{
    from_ns = from_ns > operation->first_ns ? from_ns : operation->first_ns;
    until_ns = until_ns < operation->last_ns ? until_ns : operation->last_ns;
    int64_t last_ns = from_ns;
    if (until_ns - from_ns < coverage->window_ns) {
        return;
    }
    coverage->windows += (uint64_t)((until_ns - from_ns) / coverage->window_ns);
    for (size_t i = 0; i <= history->count; i++) {
        bool is_end = i == history->count || history->ops[i].time_ns > until_ns;
        int64_t at_ns = is_end ? until_ns : history->ops[i].time_ns;
        if (!is_end && (history->ops[i].f != operation->f || history->ops[i].type != JEP_OK ||
                           at_ns < from_ns)) {
            continue;
        }
        if (at_ns - last_ns > coverage->window_ns) {
            jep_found(&coverage->findings, JEP_UNKNOWN, "nothing-succeeded",
                "no :%s succeeded from %.1f s to %.1f s, although a quorum could talk",
                operation->f, (double)last_ns / 1e9, (double)at_ns / 1e9);
        }
        last_ns = at_ns;
        if (is_end) {
            break;
        }
    }
}

static void check_operations(struct coverage *coverage, const struct jep_history *history,
    uint64_t ok_min, struct jep_edn_list *ret_counts)
{
    const struct jep_faults *faults = &coverage->faults;
    for (size_t i = 0; i < coverage->count; i++) {
        const struct operation *operation = &coverage->operations[i];
        struct jep_edn_list counts = {0};
        static const enum jep_op_type types[] = {JEP_OK, JEP_FAIL, JEP_INFO};
        for (size_t t = 0; t < 3; t++) {
            jep_edn_put(&counts, jep_op_type_name(types[t]),
                jep_edn_int((int64_t)operation->counts[types[t]]));
        }
        jep_edn_put(ret_counts, operation->f, jep_edn_take_map(&counts, coverage->findings.arena));
        /* Digests and audit logs are compared at the end, beside whatever the workload is. */
        bool is_aside =
            coverage->count > 1 &&
            (strcmp(operation->f, "digest") == 0 || strcmp(operation->f, "audit") == 0 ||
                strcmp(operation->f, "actuation") == 0 || strcmp(operation->f, "account") == 0);
        uint64_t needed = is_aside ? 1 : ok_min;
        if (operation->counts[JEP_OK] < needed) {
            jep_found(&coverage->findings, JEP_UNKNOWN, "too-few",
                ":%s succeeded %" PRIu64 " times, %" PRIu64 " are needed", operation->f,
                operation->counts[JEP_OK], needed);
        }
        for (size_t q = 0; q < faults->quorums_count && !is_aside; q++) {
            if (faults->quorums[q].is_there) {
                check_stretch(coverage, history, operation, faults->quorums[q].at_ns,
                    q + 1 < faults->quorums_count ? faults->quorums[q + 1].at_ns : faults->end_ns);
            }
        }
    }
}

static bool is_first_of_name(const struct jep_faults *faults, size_t number)
{
    for (size_t i = 0; i < number; i++) {
        if (strcmp(faults->faults[i].name, faults->faults[number].name) == 0) {
            return false;
        }
    }
    return true;
}

/* A nemesis none of whose operations took effect proves nothing. */
static void check_nemeses(struct coverage *coverage, struct jep_edn_list *ret_nemeses)
{
    const struct jep_faults *faults = &coverage->faults;
    for (size_t i = 0; i < faults->count; i++) {
        int64_t started = 0, took_effect = 0, skipped = 0;
        if (!is_first_of_name(faults, i)) {
            continue;
        }
        for (size_t j = i; j < faults->count; j++) {
            if (strcmp(faults->faults[j].name, faults->faults[i].name) == 0) {
                started++;
                took_effect += faults->faults[j].took_effect ? 1 : 0;
                skipped += faults->faults[j].is_skipped ? 1 : 0;
            }
        }
        struct jep_edn_list map = {0};
        jep_edn_put(&map, "started", jep_edn_int(started));
        jep_edn_put(&map, "took-effect", jep_edn_int(took_effect));
        jep_edn_put(&map, "skipped", jep_edn_int(skipped));
        jep_edn_put(
            ret_nemeses, faults->faults[i].name, jep_edn_take_map(&map, coverage->findings.arena));
        if (took_effect == 0) {
            jep_found(&coverage->findings, JEP_UNKNOWN, "no-evidence",
                "%s was started %" PRId64 " times and never seen to take effect",
                faults->faults[i].name, started);
        }
    }
}

void jep_check_coverage(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)limits;
    struct coverage *coverage = jep_alloc(1, sizeof(*coverage));
    struct jep_edn_list counts = {0}, nemeses = {0};
    coverage->findings = (struct jep_findings){.arena = history->arena, .result = ret_result};
    coverage->faults = jep_faults_find(history);
    coverage->window_ns = options->window_ns > 0 ? options->window_ns : WINDOW_NS;
    count_operations(coverage, history);
    check_operations(coverage, history, options->ok_min > 0 ? options->ok_min : OK_MIN, &counts);
    check_nemeses(coverage, &nemeses);
    if (coverage->count == 0) {
        jep_found(&coverage->findings, JEP_UNKNOWN, "vacuous", "no client did anything");
    }
    jep_result_put(ret_result, "operations", jep_edn_take_map(&counts, history->arena));
    jep_result_put(ret_result, "windows", jep_edn_int((int64_t)coverage->windows));
    jep_result_put(ret_result, "nemeses", jep_edn_take_map(&nemeses, history->arena));
    jep_findings_put(&coverage->findings);
    jep_faults_free(&coverage->faults);
    free(coverage);
}
