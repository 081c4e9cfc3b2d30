#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"
#include "jepsen/core/table.h"

/* A question about the past has one answer, whoever is asked, and whenever. The answers about one
 * key are also a story: each value came from a write, and one that was overwritten is not back at a
 * later index. Who asks for a state not before an index at which the key was written (`after`) gets
 * no earlier one, and what it gets is a question about that state's own index. */

struct question {
    uint32_t key;
    int64_t index;
    struct jep_edn answer;
    const struct jep_span *by;
    uint32_t asked;
    bool is_on_other_node; /* asked again there */
};

struct as_of {
    struct jep_findings findings;
    struct jep_table numbers; /* of [k index] */
    struct jep_table keys;
    struct question *questions;
    struct jep_table values; /* of [k v] that were written */
    const struct jep_span **writes;
    struct jep_span *spans;
    size_t count;
};

static void take_writes(struct as_of *check)
{
    check->writes = jep_alloc(check->count, sizeof(struct jep_span *));
    for (size_t i = 0; i < check->count; i++) {
        if (jep_span_is(&check->spans[i], "write")) {
            check->writes[jep_table_put(&check->values, &check->spans[i].invoke->value)] =
                &check->spans[i];
        }
    }
}

static void check_origin(struct as_of *check, const struct jep_span *span)
{
    struct jep_arena *arena = check->findings.arena;
    const struct jep_edn *answer = &span->value->items[2];
    if (jep_edn_is_keyword(answer, "absent") || check->values.count == 0) {
        return; /* or a history that holds no writes */
    }
    struct jep_edn pair = jep_edn_pair(arena, span->value->items[0], *answer);
    uint32_t number = jep_table_find(&check->values, &pair);
    if (number == JEP_NUMBER_NONE) {
        jep_found(&check->findings, JEP_INVALID, "phantom", "%s: nobody wrote it",
            jep_span_words(arena, span));
    } else if (check->writes[number]->type == JEP_FAIL ||
               jep_span_from(check->writes[number]) > jep_span_until(span)) {
        jep_found(&check->findings, JEP_INVALID,
            check->writes[number]->type == JEP_FAIL ? "failed-but-seen" : "seen-before-written",
            "%s: %s", jep_span_words(arena, span), jep_span_words(arena, check->writes[number]));
    }
}

/* items: key, index, answer. */
static void take_answer(
    struct as_of *check, const struct jep_span *span, const struct jep_edn *items)
{
    struct jep_arena *arena = check->findings.arena;
    struct jep_edn pair = jep_edn_pair(arena, items[0], items[1]);
    uint32_t before = check->numbers.count, number = jep_table_put(&check->numbers, &pair);
    struct question *question = &check->questions[number];
    if (number == before) {
        *question = (struct question){.key = jep_table_put(&check->keys, &items[0]),
            .index = items[1].integer,
            .answer = items[2],
            .by = span};
    } else if (!jep_edn_equal(&question->answer, &items[2])) {
        jep_found(&check->findings, JEP_INVALID, "changed",
            "key %s as of %" PRId64 " was %s by %s and %s by %s",
            jep_edn_show(arena, &items[0], 100), items[1].integer,
            jep_edn_show(arena, &question->answer, 100), jep_span_words(arena, question->by),
            jep_edn_show(arena, &items[2], 100), jep_span_words(arena, span));
    }
    question->asked++;
    question->is_on_other_node =
        question->is_on_other_node || question->by->end->node != span->end->node;
    check_origin(check, span);
}

/* [k index answer state's-index]. */
static void take_after(struct as_of *check, const struct jep_span *span)
{
    struct jep_arena *arena = check->findings.arena;
    const struct jep_edn *items = span->value->items;
    bool is_absent = jep_edn_is_keyword(&items[2], "absent");
    if (is_absent || items[3].integer < items[1].integer) {
        jep_found(&check->findings, JEP_INVALID, "too-early", "%s: %s", jep_span_words(arena, span),
            is_absent ? "it was written by then" : "the state is from before the index");
    }
    if (!is_absent) {
        struct jep_edn question[] = {items[0], items[3], items[2]};
        take_answer(check, span, question);
    }
}

static int by_key_and_index(const void *a, const void *b)
{
    const struct question *one = a, *other = b;
    if (one->key != other->key) {
        return one->key < other->key ? -1 : 1;
    }
    return (one->index > other->index) - (one->index < other->index);
}

/* Values are unique: one that comes, goes and comes again was not overwritten, or is back. */
static void find_returns(struct as_of *check)
{
    struct jep_arena *arena = check->findings.arena;
    struct jep_table seen = {0};
    uint32_t count = check->numbers.count;
    if (count > 0) {
        qsort(check->questions, count, sizeof(*check->questions), by_key_and_index);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct question *question = &check->questions[i], *last = question - 1;
        bool is_first = i == 0 || last->key != question->key;
        if (!is_first && jep_edn_equal(&last->answer, &question->answer)) {
            continue;
        }
        struct jep_edn pair =
            jep_edn_pair(arena, check->keys.values[question->key], question->answer);
        uint32_t before = seen.count;
        if (jep_table_put(&seen, &pair) != before) {
            jep_found(&check->findings, JEP_INVALID, "went-back",
                "key %s is %s again as of %" PRId64 ", after %s as of %" PRId64,
                jep_edn_show(arena, &check->keys.values[question->key], 100),
                jep_edn_show(arena, &question->answer, 100), question->index,
                jep_edn_show(arena, &last->answer, 100), last->index);
        }
    }
    jep_table_free(&seen);
}

void jep_check_as_of(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)options, (void)limits;
    struct as_of check = {.findings = {.arena = history->arena, .result = ret_result}};
    uint32_t repeated = 0, elsewhere = 0, after = 0;
    check.count = jep_spans(history, &check.spans);
    check.questions = jep_alloc(check.count, sizeof(*check.questions));
    take_writes(&check);
    for (size_t i = 0; i < check.count; i++) {
        const struct jep_span *span = &check.spans[i];
        bool is_after = jep_span_is(span, "after");
        if ((!is_after && !jep_span_is(span, "as-of")) || span->type != JEP_OK) {
            continue;
        }
        if (!jep_edn_is_vector(span->value, is_after ? 4 : 3) ||
            !jep_edn_is_int(&span->value->items[1]) ||
            (is_after && !jep_edn_is_int(&span->value->items[3]))) {
            jep_found(&check.findings, JEP_UNKNOWN, "not-understood", "%s",
                jep_span_words(history->arena, span));
        } else if (is_after) {
            after++;
            take_after(&check, span);
        } else {
            take_answer(&check, span, span->value->items);
        }
    }
    for (uint32_t i = 0; i < check.numbers.count; i++) {
        repeated += check.questions[i].asked > 1 ? 1 : 0;
        elsewhere += check.questions[i].is_on_other_node ? 1 : 0;
    }
    find_returns(&check);
    if (repeated == 0) {
        jep_found(&check.findings, JEP_UNKNOWN, "vacuous", "no question was asked twice");
    }
    jep_result_put(ret_result, "questions", jep_edn_int(check.numbers.count));
    jep_result_put(ret_result, "asked-after", jep_edn_int(after));
    jep_result_put(ret_result, "asked-again", jep_edn_int(repeated));
    jep_result_put(ret_result, "asked-on-other-nodes", jep_edn_int(elsewhere));
    jep_findings_put(&check.findings);
    free(check.spans);
    free(check.questions);
    free(check.writes);
    jep_table_free(&check.numbers);
    jep_table_free(&check.keys);
    jep_table_free(&check.values);
}
