#include <stdlib.h>

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"
#include "jepsen/core/table.h"

/* After Jepsen's set-full: every element is followed through every read. It is known from the end
 * of its add, or of a read that showed it, whichever was first; from then on each read that begins
 * has to show it. */

struct element {
    const struct jep_span *add; /* NULL: nobody added it */
    uint32_t known_at;          /* index, UINT32_MAX: never */
    const struct jep_span *known_by;
    const struct jep_span *last_seen; /* the read that showed it and was invoked last */
    const struct jep_span *missed;    /* the first read that had to show it and did not */
    uint32_t looked_for;              /* reads that had to show it */
    uint32_t stamp;                   /* number of the read that showed it last */
};

struct set_check {
    struct jep_findings findings;
    struct jep_table numbers;
    struct element *elements;
    struct jep_span *spans;
    size_t count;
    uint32_t reads;
    uint32_t acknowledged;
};

static struct element *element_of(struct set_check *check, const struct jep_edn *value)
{
    uint32_t before = check->numbers.count, number = jep_table_put(&check->numbers, value);
    if (number == before) {
        if ((number & (number - 1)) == 0) {
            size_t capacity = number > 0 ? (size_t)number * 2 : 1;
            check->elements = jep_realloc(check->elements, capacity, sizeof(struct element));
        }
        check->elements[number] = (struct element){.known_at = UINT32_MAX};
    }
    return &check->elements[number];
}

static bool is_read(const struct jep_span *span)
{
    return span->type == JEP_OK && jep_span_is(span, "read");
}

static void know(struct element *element, const struct jep_span *span)
{
    if (jep_span_until(span) < element->known_at) {
        element->known_at = jep_span_until(span);
        element->known_by = span;
    }
}

static void take_adds(struct set_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        const struct jep_span *span = &check->spans[i];
        if (!jep_span_is(span, "add")) {
            continue;
        }
        struct element *element = element_of(check, &span->invoke->value);
        if (element->add != NULL) {
            jep_found(&check->findings, JEP_UNKNOWN, "added-twice",
                "%s: elements have to be unique", jep_span_words(check->findings.arena, span));
        }
        element->add = span;
        if (span->type == JEP_OK) {
            check->acknowledged++;
            know(element, span);
        }
    }
}

/* What a read shows has to come from somewhere. */
static void take_shown(struct set_check *check, const struct jep_span *read,
    const struct jep_edn *value, uint32_t stamp)
{
    struct jep_arena *arena = check->findings.arena;
    struct element *element = element_of(check, value);
    if (element->stamp == stamp) {
        jep_found(&check->findings, JEP_INVALID, "duplicate", "%s: %s more than once",
            jep_span_words(arena, read), jep_edn_show(arena, value, 100));
    }
    element->stamp = stamp;
    element->last_seen = read; /* reads come by invocation */
    know(element, read);
    if (element->add == NULL || element->add->type == JEP_FAIL ||
        jep_span_from(element->add) > jep_span_until(read)) {
        jep_found(&check->findings, JEP_INVALID,
            element->add == NULL             ? "phantom"
            : element->add->type == JEP_FAIL ? "failed-but-seen"
                                             : "seen-before-added",
            "%s of process %lld (%u..%u): %s", jep_edn_show(arena, value, 100),
            (long long)read->invoke->process, jep_span_from(read), jep_span_until(read),
            element->add == NULL ? "nobody added it" : jep_span_words(arena, element->add));
    }
}

static void take_reads(struct set_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        const struct jep_span *read = &check->spans[i];
        if (!is_read(read)) {
            continue;
        }
        if (!jep_edn_is_sequence(read->value)) {
            jep_found(&check->findings, JEP_UNKNOWN, "not-understood", "%s",
                jep_span_words(check->findings.arena, read));
            continue;
        }
        check->reads++;
        for (uint32_t j = 0; j < read->value->count; j++) {
            take_shown(check, read, &read->value->items[j], check->reads);
        }
    }
}

static void look_for(struct set_check *check)
{
    uint32_t stamp = check->reads; /* above those of the first pass */
    for (size_t i = 0; i < check->count; i++) {
        const struct jep_span *read = &check->spans[i];
        if (!is_read(read) || !jep_edn_is_sequence(read->value)) {
            continue;
        }
        stamp++;
        for (uint32_t j = 0; j < read->value->count; j++) {
            element_of(check, &read->value->items[j])->stamp = stamp;
        }
        for (uint32_t e = 0; e < check->numbers.count; e++) {
            struct element *element = &check->elements[e];
            if (element->known_at >= jep_span_from(read)) {
                continue;
            }
            element->looked_for++;
            if (element->stamp != stamp && element->missed == NULL) {
                element->missed = read;
            }
        }
    }
}

static void tell(struct set_check *check, const struct jep_check_options *options)
{
    struct jep_arena *arena = check->findings.arena;
    uint32_t looked_for = 0, stable = 0;
    for (uint32_t e = 0; e < check->numbers.count; e++) {
        struct element *element = &check->elements[e];
        looked_for += element->looked_for > 0 ? 1 : 0;
        stable += element->looked_for > 0 && element->missed == NULL ? 1 : 0;
        if (element->missed == NULL) {
            continue;
        }
        bool is_back = element->last_seen != NULL &&
                       jep_span_from(element->last_seen) > jep_span_from(element->missed);
        jep_found(&check->findings, is_back && options->is_stale_allowed ? JEP_VALID : JEP_INVALID,
            is_back ? "stale" : "lost",
            "%s was there by %s, but process %lld's read (%u..%u) did not show it%s",
            jep_edn_show(arena, &check->numbers.values[e], 100),
            jep_span_words(arena, element->known_by), (long long)element->missed->invoke->process,
            jep_span_from(element->missed), jep_span_until(element->missed),
            is_back ? ", a later one did" : ", nor did any later one");
    }
    if (looked_for == 0) {
        jep_found(&check->findings, JEP_UNKNOWN, "vacuous",
            "no element that was known was looked for by a later read");
    }
    struct jep_result *result = check->findings.result;
    jep_result_put(result, "acknowledged", jep_edn_int(check->acknowledged));
    jep_result_put(result, "reads", jep_edn_int(check->reads));
    jep_result_put(result, "looked-for", jep_edn_int(looked_for));
    jep_result_put(result, "stable", jep_edn_int(stable));
    jep_findings_put(&check->findings);
}

void jep_check_set(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)limits; /* elements times reads: bounded by what the history holds */
    struct set_check check = {.findings = {.arena = history->arena, .result = ret_result}};
    check.count = jep_spans(history, &check.spans);
    take_adds(&check);
    take_reads(&check);
    look_for(&check);
    tell(&check, options);
    free(check.spans);
    free(check.elements);
    jep_table_free(&check.numbers);
}
