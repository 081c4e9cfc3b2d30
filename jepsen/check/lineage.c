#include <stdlib.h>

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"
#include "jepsen/core/table.h"

/* A unit is assembled of parts in one commit; a trace of the unit shows all parts of a commit or
 * none of them. Once the commit is acknowledged, or a trace showed it, every later trace does. */

struct assembly {
    const struct jep_span *span;
    uint32_t unit;
    uint32_t next; /* of the unit; JEP_NUMBER_NONE: none */
    uint32_t known_at;
    const struct jep_span *known_by;
};

struct lineage {
    struct jep_findings findings;
    struct jep_table units;
    uint32_t *first;        /* assembly by unit */
    struct jep_table parts; /* of [unit part] */
    uint32_t *assembly_of;  /* by part */
    struct assembly *assemblies;
    uint32_t assemblies_count;
    uint32_t *shown; /* parts by assembly, in the trace at hand */
    uint32_t *stamp; /* by part */
    struct jep_span *spans;
    size_t count;
    uint32_t traces;
    uint32_t whole; /* traces that showed something */
};

static bool has_form(const struct jep_span *span)
{
    return jep_edn_is_vector(span->value, 2) &&
           (jep_edn_is_sequence(&span->value->items[1]) || jep_edn_is_nil(&span->value->items[1]));
}

static uint32_t count_parts(const struct jep_span *span)
{
    return jep_edn_is_nil(&span->value->items[1]) ? 0 : span->value->items[1].count;
}

static void take_assembly(struct lineage *check, const struct jep_span *span)
{
    struct jep_arena *arena = check->findings.arena;
    const struct jep_edn *parts = &span->value->items[1];
    uint32_t before = check->units.count, number = check->assemblies_count++;
    uint32_t unit = jep_table_put(&check->units, &span->value->items[0]);
    check->assemblies[number] = (struct assembly){.span = span,
        .unit = unit,
        .next = unit == before ? JEP_NUMBER_NONE : check->first[unit],
        .known_at = span->type == JEP_OK ? jep_span_until(span) : UINT32_MAX,
        .known_by = span};
    check->first[unit] = number;
    for (uint32_t i = 0; i < count_parts(span); i++) {
        struct jep_edn pair = jep_edn_pair(arena, span->value->items[0], parts->items[i]);
        uint32_t parts_before = check->parts.count, part = jep_table_put(&check->parts, &pair);
        if (part != parts_before) {
            jep_found(&check->findings, JEP_UNKNOWN, "assembled-twice",
                "%s: parts have to be unique", jep_span_words(arena, span));
            continue;
        }
        if ((part & (part - 1)) == 0) {
            size_t capacity = part > 0 ? (size_t)part * 2 : 1;
            check->assembly_of = jep_realloc(check->assembly_of, capacity, sizeof(uint32_t));
            check->stamp = jep_realloc(check->stamp, capacity, sizeof(uint32_t));
        }
        check->assembly_of[part] = number;
        check->stamp[part] = 0;
    }
}

/* How many parts of each assembly the trace shows. */
static void count_shown(struct lineage *check, const struct jep_span *trace, bool is_telling)
{
    struct jep_arena *arena = check->findings.arena;
    const struct jep_edn *parts = &trace->value->items[1];
    for (uint32_t i = 0; i < count_parts(trace); i++) {
        struct jep_edn pair = jep_edn_pair(arena, trace->value->items[0], parts->items[i]);
        uint32_t part = jep_table_find(&check->parts, &pair);
        if (part == JEP_NUMBER_NONE) {
            jep_found(&check->findings, JEP_INVALID, "phantom", "%s: nobody put part %s into it",
                jep_span_words(arena, trace), jep_edn_show(arena, &parts->items[i], 100));
            continue;
        }
        if (check->stamp[part] == check->traces && is_telling) {
            jep_found(&check->findings, JEP_INVALID, "duplicate", "%s shows part %s twice",
                jep_span_words(arena, trace), jep_edn_show(arena, &parts->items[i], 100));
        }
        check->shown[check->assembly_of[part]] += check->stamp[part] != check->traces ? 1 : 0;
        check->stamp[part] = check->traces;
    }
}

static void check_assembly(
    struct lineage *check, const struct jep_span *trace, struct assembly *assembly, uint32_t shown)
{
    struct jep_arena *arena = check->findings.arena;
    const struct jep_span *span = assembly->span;
    uint32_t all = count_parts(span);
    if (shown != 0 && shown != all) {
        jep_found(&check->findings, JEP_INVALID, "half-a-commit", "%s shows %u of %u parts of %s",
            jep_span_words(arena, trace), shown, all, jep_span_words(arena, span));
    }
    if (shown == 0) {
        return;
    }
    if (span->type == JEP_FAIL || jep_span_from(span) > jep_span_until(trace)) {
        jep_found(&check->findings, JEP_INVALID,
            span->type == JEP_FAIL ? "failed-but-seen" : "seen-before-assembled", "%s shows %s",
            jep_span_words(arena, trace), jep_span_words(arena, span));
    }
    if (jep_span_until(trace) < assembly->known_at) {
        assembly->known_at = jep_span_until(trace);
        assembly->known_by = trace;
    }
}

/* first pass: what is shown; second: what had to be. */
static void take_traces(struct lineage *check, bool is_first)
{
    struct jep_arena *arena = check->findings.arena;
    for (size_t i = 0; i < check->count; i++) {
        const struct jep_span *trace = &check->spans[i];
        if (!jep_span_is(trace, "trace") || trace->type != JEP_OK || !has_form(trace)) {
            continue;
        }
        check->traces++;
        check->whole += is_first && count_parts(trace) > 0 ? 1 : 0;
        uint32_t unit = jep_table_find(&check->units, &trace->value->items[0]);
        count_shown(check, trace, is_first);
        for (uint32_t a = unit != JEP_NUMBER_NONE ? check->first[unit] : JEP_NUMBER_NONE;
             a != JEP_NUMBER_NONE; a = check->assemblies[a].next) {
            struct assembly *assembly = &check->assemblies[a];
            if (is_first) {
                check_assembly(check, trace, assembly, check->shown[a]);
            } else if (assembly->known_at < jep_span_from(trace) && check->shown[a] == 0 &&
                       count_parts(assembly->span) > 0) {
                jep_found(&check->findings, JEP_INVALID, "vanished",
                    "%s does not show %s, which was there by %s", jep_span_words(arena, trace),
                    jep_span_words(arena, assembly->span),
                    jep_span_words(arena, assembly->known_by));
            }
            check->shown[a] = 0;
        }
    }
}

void jep_check_lineage(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)options, (void)limits;
    struct lineage check = {.findings = {.arena = history->arena, .result = ret_result}};
    check.count = jep_spans(history, &check.spans);
    check.assemblies = jep_alloc(check.count, sizeof(*check.assemblies));
    check.shown = jep_alloc(check.count, sizeof(*check.shown));
    check.first = jep_alloc(check.count, sizeof(*check.first));
    for (size_t i = 0; i < check.count; i++) {
        const struct jep_span *span = &check.spans[i];
        if (!jep_span_is(span, "assemble") && !jep_span_is(span, "trace")) {
            continue;
        }
        if (!has_form(span)) {
            jep_found(&check.findings, JEP_UNKNOWN, "not-understood", "%s",
                jep_span_words(history->arena, span));
        } else if (jep_span_is(span, "assemble")) {
            take_assembly(&check, span);
        }
    }
    take_traces(&check, true);
    uint32_t traces = check.traces;
    take_traces(&check, false);
    if (check.whole == 0) {
        jep_found(&check.findings, JEP_UNKNOWN, "vacuous", "no trace showed a part");
    }
    jep_result_put(ret_result, "units", jep_edn_int(check.units.count));
    jep_result_put(ret_result, "traces", jep_edn_int(traces));
    jep_result_put(ret_result, "with-parts", jep_edn_int(check.whole));
    jep_findings_put(&check.findings);
    free(check.spans);
    free(check.assemblies);
    free(check.shown);
    free(check.first);
    free(check.assembly_of);
    free(check.stamp);
    jep_table_free(&check.units);
    jep_table_free(&check.parts);
}
