#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/span.h"

/* Latencies by operation and outcome. It judges nothing. */

enum {
    NAMES_MAX = 64
};

static int by_value(const void *a, const void *b)
{
    const int64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static struct jep_edn thousandths(int64_t ns)
{
    int64_t us = ns / 1000; /* three places are enough */
    return jep_edn_float((double)us / 1e3);
}

/* The value below which that many of a thousand lie. */
static int64_t quantile(const int64_t *sorted, size_t count, size_t thousandths)
{
    size_t at = count * thousandths / 1000;
    return sorted[at < count ? at : count - 1];
}

static void put_one(struct jep_arena *arena, const struct jep_span *spans, size_t count,
    const char *f, int64_t duration_ns, struct jep_edn_list *ret_map)
{
    int64_t *latencies = jep_alloc(count, sizeof(*latencies));
    size_t oks = 0;
    for (size_t i = 0; i < count; i++) {
        if (spans[i].invoke->f == f && spans[i].type == JEP_OK) {
            latencies[oks++] = spans[i].end->time_ns - spans[i].invoke->time_ns;
        }
    }
    if (oks > 0) {
        struct jep_edn_list map = {0};
        qsort(latencies, oks, sizeof(*latencies), by_value);
        jep_edn_put(&map, "ok", jep_edn_int((int64_t)oks));
        jep_edn_put(&map, "per-second",
            jep_edn_float(duration_ns > 0
                              ? (double)(int64_t)((double)oks * 1e10 / (double)duration_ns) / 10
                              : 0));
        jep_edn_put(&map, "p50-ms", thousandths(quantile(latencies, oks, 500)));
        jep_edn_put(&map, "p95-ms", thousandths(quantile(latencies, oks, 950)));
        jep_edn_put(&map, "p99-ms", thousandths(quantile(latencies, oks, 990)));
        jep_edn_put(&map, "max-ms", thousandths(latencies[oks - 1]));
        jep_edn_put(ret_map, f, jep_edn_take_map(&map, arena));
    }
    free(latencies);
}

void jep_check_performance(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)options, (void)limits;
    struct jep_span *spans = NULL;
    size_t count = jep_spans(history, &spans), names_count = 0;
    const char *names[NAMES_MAX];
    struct jep_edn_list map = {0};
    int64_t duration_ns = history->count > 0 ? history->ops[history->count - 1].time_ns : 0;
    for (size_t i = 0; i < count; i++) {
        bool is_new = names_count < NAMES_MAX;
        for (size_t n = 0; n < names_count && is_new; n++) {
            is_new = names[n] != spans[i].invoke->f;
        }
        if (is_new) {
            names[names_count++] = spans[i].invoke->f;
        }
    }
    for (size_t n = 0; n < names_count; n++) {
        put_one(history->arena, spans, count, names[n], duration_ns, &map);
    }
    jep_result_put(ret_result, "duration-s", thousandths(duration_ns / 1000));
    jep_result_put(ret_result, "latencies", jep_edn_take_map(&map, history->arena));
    free(spans);
}
