#include <inttypes.h>
#include <stdlib.h>

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"
#include "jepsen/check/sums.h"

bool jep_sums_is_amount(const struct jep_edn *value)
{
    return jep_edn_is_int(value) && value->integer <= JEP_SUMS_AMOUNT_MAX &&
           value->integer >= -JEP_SUMS_AMOUNT_MAX;
}

void jep_sums_begin(struct jep_sums *sums, int64_t change)
{
    *(change > 0 ? &sums->begun_up : &sums->begun_down) += change;
}

void jep_sums_end(struct jep_sums *sums, int64_t change)
{
    sums->certain += change;
    *(change > 0 ? &sums->certain_up : &sums->certain_down) += change;
}

void jep_sums_interval(const struct jep_sums *at_invoke, const struct jep_sums *at_end,
    int64_t *ret_low, int64_t *ret_high)
{
    *ret_low = at_invoke->certain + at_end->begun_down - at_invoke->certain_down;
    *ret_high = at_invoke->certain + at_end->begun_up - at_invoke->certain_up;
}

/* One read under way. */
struct open_read {
    struct jep_sums at_invoke;
    int64_t most_seen; /* by reads that had ended before */
};

struct counter {
    struct jep_findings findings;
    struct jep_sums sums;
    struct open_read *open; /* by index of the invocation */
    int64_t most_seen;
    bool may_fall; /* something negative was added */
    uint64_t reads;
    uint64_t widest;
};

static void end_read(struct counter *counter, const struct jep_op *op, const struct open_read *open)
{
    int64_t low = 0, high = 0;
    jep_sums_interval(&open->at_invoke, &counter->sums, &low, &high);
    counter->reads++;
    counter->widest =
        (uint64_t)(high - low) > counter->widest ? (uint64_t)(high - low) : counter->widest;
    if (!jep_sums_is_amount(&op->value)) {
        jep_found(&counter->findings, JEP_UNKNOWN, "not-understood",
            "a read ended (%" PRIu64 ") without a number", op->index);
        return;
    }
    int64_t seen = op->value.integer;
    if (seen < low || seen > high) {
        jep_found(&counter->findings, JEP_INVALID, seen < low ? "lost" : "too-much",
            "process %" PRId64 " read %" PRId64 " (until %" PRIu64 "), possible were %" PRId64
            " to %" PRId64,
            op->process, seen, op->index, low, high);
    } else if (!counter->may_fall && seen < open->most_seen) {
        jep_found(&counter->findings, JEP_INVALID, "went-back",
            "process %" PRId64 " read %" PRId64 " (until %" PRIu64 "), after a read of %" PRId64
            " had ended",
            op->process, seen, op->index, open->most_seen);
    }
    counter->most_seen = seen > counter->most_seen ? seen : counter->most_seen;
}

static void take_op(struct counter *counter, const struct jep_history *history, size_t i)
{
    const struct jep_op *op = &history->ops[i];
    uint32_t pair = history->pairs[i];
    if (jep_edn_is_int(&op->value) && op->type == JEP_INVOKE && op->f[0] == 'a') {
        bool will_fail = pair != JEP_UNPAIRED && history->ops[pair].type == JEP_FAIL;
        if (!will_fail) {
            jep_sums_begin(&counter->sums, op->value.integer);
            counter->may_fall = counter->may_fall || op->value.integer < 0;
        }
    } else if (op->type == JEP_OK && op->f[0] == 'a') {
        jep_sums_end(&counter->sums, history->ops[pair].value.integer);
    } else if (op->type == JEP_INVOKE) {
        counter->open[i] = (struct open_read){counter->sums, counter->most_seen};
    } else if (op->type == JEP_OK) {
        end_read(counter, op, &counter->open[pair]);
    }
}

void jep_check_counter(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)options, (void)limits;
    struct counter counter = {.findings = {.arena = history->arena, .result = ret_result}};
    const char *add = jep_history_intern(history, "add"),
               *read = jep_history_intern(history, "read");
    counter.open = jep_alloc(history->count, sizeof(*counter.open));
    counter.most_seen = INT64_MIN;
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->process == JEP_NEMESIS || (op->f != add && op->f != read)) {
            continue;
        }
        if (op->f == add && op->type == JEP_INVOKE && !jep_sums_is_amount(&op->value)) {
            jep_found(&counter.findings, JEP_UNKNOWN, "not-understood",
                "an add of no number (%" PRIu64 ")", op->index);
            break;
        }
        take_op(&counter, history, i);
    }
    if (counter.reads == 0) {
        jep_found(&counter.findings, JEP_UNKNOWN, "vacuous", "nothing was read");
    }
    jep_result_put(ret_result, "reads", jep_edn_int((int64_t)counter.reads));
    jep_result_put(ret_result, "widest-interval", jep_edn_int((int64_t)counter.widest));
    jep_findings_put(&counter.findings);
    free(counter.open);
}
