#include <inttypes.h>
#include <stdlib.h>

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"
#include "jepsen/core/table.h"

/* One state at one index: every node that says its digest at an index says the same one, whenever
 * it is asked. */

struct said {
    const struct jep_edn *digest;
    const struct jep_edn *node;
    const struct jep_span *by;
    bool is_compared; /* with another node's */
};

struct digests {
    struct jep_findings findings;
    struct jep_table indexes;
    struct said *said;
    uint32_t answers;
};

static void take(struct digests *check, const struct jep_span *span, const struct jep_edn *node,
    const struct jep_edn *answer)
{
    struct jep_arena *arena = check->findings.arena;
    if (!jep_edn_is_vector(answer, 2)) {
        jep_found(
            &check->findings, JEP_UNKNOWN, "not-understood", "%s", jep_span_words(arena, span));
        return;
    }
    const struct jep_edn *index = &answer->items[0], *digest = &answer->items[1];
    uint32_t before = check->indexes.count, number = jep_table_put(&check->indexes, index);
    check->answers++;
    if (number == before) {
        if ((number & (number - 1)) == 0) {
            size_t capacity = number > 0 ? (size_t)number * 2 : 1;
            check->said = jep_realloc(check->said, capacity, sizeof(*check->said));
        }
        check->said[number] = (struct said){.digest = digest, .node = node, .by = span};
        return;
    }
    struct said *said = &check->said[number];
    said->is_compared = said->is_compared || !jep_edn_equal(said->node, node);
    if (!jep_edn_equal(said->digest, digest)) {
        jep_found(&check->findings, JEP_INVALID, "diverged",
            "at index %s node %s says %s (%u), node %s says %s (%u)",
            jep_edn_show(arena, index, 40), jep_edn_show(arena, said->node, 40),
            jep_edn_show(arena, said->digest, 80), jep_span_until(said->by),
            jep_edn_show(arena, node, 40), jep_edn_show(arena, digest, 80), jep_span_until(span));
    }
}

void jep_check_digests(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)options, (void)limits;
    struct digests check = {.findings = {.arena = history->arena, .result = ret_result}};
    struct jep_span *spans = NULL;
    size_t count = jep_spans(history, &spans);
    uint32_t compared = 0;
    for (size_t i = 0; i < count; i++) {
        if (!jep_span_is(&spans[i], "digest") || spans[i].type != JEP_OK) {
            continue;
        }
        const struct jep_edn *value = spans[i].value;
        for (uint32_t j = 0; value->type == JEP_EDN_MAP && j < value->count; j++) {
            take(&check, &spans[i], &value->items[2 * j], &value->items[2 * j + 1]);
        }
    }
    for (uint32_t i = 0; i < check.indexes.count; i++) {
        compared += check.said[i].is_compared ? 1 : 0;
    }
    if (compared == 0) {
        jep_found(
            &check.findings, JEP_UNKNOWN, "vacuous", "no two nodes said their digest at one index");
    }
    jep_result_put(ret_result, "answers", jep_edn_int(check.answers));
    jep_result_put(ret_result, "indexes-compared", jep_edn_int(compared));
    jep_findings_put(&check.findings);
    free(check.said);
    free(spans);
    jep_table_free(&check.indexes);
}
