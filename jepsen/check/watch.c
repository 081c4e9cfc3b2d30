#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"
#include "jepsen/core/table.h"

/* The feed is one sequence of commits by index. Every watch shows a piece of it, from the index it
 * asked for to the last it got, whole and in order; an acknowledged commit stands at the index that
 * its client was told, and after every commit that had been acknowledged before it was invoked. */

struct commit {
    const struct jep_span *span; /* NULL: nobody asked for it */
    int64_t index;               /* 0: not known */
    const struct jep_span *by;   /* who told the index: the commit itself or a watch */
};

struct place {
    int64_t index;
    const struct jep_edn *ids; /* of a watch; NULL: an acknowledgement alone */
    const struct jep_span *by;
};

struct watch_check {
    struct jep_findings findings;
    struct jep_table numbers; /* ids */
    struct commit *commits;
    struct jep_table indexes;
    struct place *places; /* by number of the index, then sorted by index */
    struct jep_span *spans;
    size_t count;
    uint32_t watches;
    uint64_t events;
};

static struct commit *commit_of(struct watch_check *check, const struct jep_edn *id)
{
    uint32_t before = check->numbers.count, number = jep_table_put(&check->numbers, id);
    if (number == before) {
        if ((number & (number - 1)) == 0) {
            size_t capacity = number > 0 ? (size_t)number * 2 : 1;
            check->commits = jep_realloc(check->commits, capacity, sizeof(struct commit));
        }
        check->commits[number] = (struct commit){0};
    }
    return &check->commits[number];
}

static struct place *place_of(struct watch_check *check, int64_t index)
{
    struct jep_edn value = jep_edn_int(index);
    uint32_t before = check->indexes.count, number = jep_table_put(&check->indexes, &value);
    if (number == before) {
        if ((number & (number - 1)) == 0) {
            size_t capacity = number > 0 ? (size_t)number * 2 : 1;
            check->places = jep_realloc(check->places, capacity, sizeof(struct place));
        }
        check->places[number] = (struct place){.index = index};
    }
    return &check->places[number];
}

static const char *words(struct watch_check *check, const struct jep_span *span)
{
    return jep_span_words(check->findings.arena, span);
}

static const char *shown(struct watch_check *check, const struct jep_edn *value)
{
    return jep_edn_show(check->findings.arena, value, 100);
}

/* The id stands at the index: said by the commit's own answer or by a watch. */
static void set_index(
    struct watch_check *check, const struct jep_edn *id, int64_t index, const struct jep_span *by)
{
    struct commit *commit = commit_of(check, id);
    if (commit->by == NULL) {
        commit->index = index;
        commit->by = by;
    } else if (commit->index != index) {
        const struct jep_edn *there = place_of(check, commit->index)->ids;
        bool is_twice = jep_span_is(by, "watch") && there != NULL;
        for (uint32_t i = 0; is_twice && !jep_edn_equal(&there->items[i], id); i++) {
            is_twice = i + 1 < there->count;
        }
        jep_found(&check->findings, JEP_INVALID, is_twice ? "twice" : "wrong-index",
            "commit %s stands at %" PRId64 " by %s and at %" PRId64 " by %s", shown(check, id),
            commit->index, words(check, commit->by), index, words(check, by));
    }
}

static void take_commits(struct watch_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        const struct jep_span *span = &check->spans[i];
        if (!jep_span_is(span, "append-commit")) {
            continue;
        }
        const struct jep_edn *id = &span->invoke->value;
        commit_of(check, id)->span = span;
        if (span->type != JEP_OK) {
            continue;
        }
        if (!jep_edn_is_vector(span->value, 2) || !jep_edn_is_int(&span->value->items[0]) ||
            !jep_edn_equal(&span->value->items[1], id)) {
            jep_found(&check->findings, JEP_UNKNOWN, "not-understood", "%s", words(check, span));
            continue;
        }
        set_index(check, id, span->value->items[0].integer, span);
        struct place *place = place_of(check, span->value->items[0].integer);
        place->by = place->by == NULL ? span : place->by;
    }
}

static bool has_form(const struct jep_span *span)
{
    const struct jep_edn *from = jep_edn_get(span->value, "from");
    const struct jep_edn *events = jep_edn_get(span->value, "events");
    bool good =
        from != NULL && jep_edn_is_int(from) && events != NULL && jep_edn_is_sequence(events);
    for (uint32_t i = 0; good && i < events->count; i++) {
        good = jep_edn_is_vector(&events->items[i], 2) &&
               jep_edn_is_int(&events->items[i].items[0]) &&
               jep_edn_is_sequence(&events->items[i].items[1]);
    }
    return good;
}

static void take_event(
    struct watch_check *check, const struct jep_span *span, const struct jep_edn *event)
{
    const struct jep_edn *ids = &event->items[1];
    int64_t index = event->items[0].integer;
    struct place *place = place_of(check, index);
    check->events++;
    if (place->ids != NULL && !jep_edn_equal(place->ids, ids)) {
        jep_found(&check->findings, JEP_INVALID, "disagree",
            "at %" PRId64 " there is %s by %s and %s by %s", index, shown(check, place->ids),
            words(check, place->by), shown(check, ids), words(check, span));
        return;
    }
    if (place->ids == NULL) {
        place->ids = ids;
        place->by = span;
    }
    for (uint32_t i = 0; i < ids->count; i++) {
        const struct commit *commit = commit_of(check, &ids->items[i]);
        const struct jep_span *asked = commit->span;
        for (uint32_t j = 0; j < i; j++) {
            if (jep_edn_equal(&ids->items[i], &ids->items[j])) {
                jep_found(&check->findings, JEP_INVALID, "twice", "%s shows %s twice at %" PRId64,
                    words(check, span), shown(check, &ids->items[i]), index);
            }
        }
        if (asked == NULL || asked->type == JEP_FAIL ||
            jep_span_from(asked) > jep_span_until(span)) {
            jep_found(&check->findings, JEP_INVALID,
                asked == NULL             ? "phantom"
                : asked->type == JEP_FAIL ? "failed-but-seen"
                                          : "seen-before-invoked",
                "at %" PRId64 " %s shows %s: %s", index, words(check, span),
                shown(check, &ids->items[i]),
                asked == NULL ? "nobody committed it" : words(check, asked));
        }
        set_index(check, &ids->items[i], index, span);
    }
}

static void take_watches(struct watch_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        const struct jep_span *span = &check->spans[i];
        if (!jep_span_is(span, "watch") || span->type != JEP_OK) {
            continue;
        }
        if (!has_form(span)) {
            jep_found(&check->findings, JEP_UNKNOWN, "not-understood", "%s", words(check, span));
            continue;
        }
        const struct jep_edn *events = jep_edn_get(span->value, "events");
        int64_t last = jep_edn_get(span->value, "from")->integer - 1;
        check->watches++;
        for (uint32_t e = 0; e < events->count; e++) {
            int64_t index = events->items[e].items[0].integer;
            if (index <= last) {
                jep_found(&check->findings, JEP_INVALID, index == last ? "twice" : "out-of-order",
                    "%s shows %" PRId64 " after %" PRId64, words(check, span), index, last);
            }
            last = index > last ? index : last;
            take_event(check, span, &events->items[e]);
        }
    }
}

static int by_index(const void *a, const void *b)
{
    const struct place *one = a, *other = b;
    return (one->index > other->index) - (one->index < other->index);
}

/* Whatever stands between a watch's first index and its last is in it. */
static void find_gaps(struct watch_check *check)
{
    size_t count = check->indexes.count;
    if (count > 0) {
        qsort(check->places, count, sizeof(*check->places), by_index);
    }
    for (size_t i = 0; i < check->count; i++) {
        const struct jep_span *span = &check->spans[i];
        if (!jep_span_is(span, "watch") || span->type != JEP_OK || !has_form(span)) {
            continue;
        }
        const struct jep_edn *events = jep_edn_get(span->value, "events");
        int64_t from = jep_edn_get(span->value, "from")->integer;
        size_t low = 0, high = count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (check->places[middle].index < from) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for (uint32_t e = 0; e < events->count; e++) {
            int64_t index = events->items[e].items[0].integer;
            if (low < count && check->places[low].index < index) {
                jep_found(&check->findings, JEP_INVALID, "gap",
                    "%s shows %" PRId64 " and not %" PRId64 " before it, which is there by %s",
                    words(check, span), index, check->places[low].index,
                    words(check, check->places[low].by));
                break; /* one of a watch tells enough */
            }
            low += low < count && check->places[low].index == index ? 1 : 0;
        }
    }
}

/* Real time: later commits stand later. */
static void find_reordered(struct watch_check *check, const struct jep_history *history)
{
    int64_t newest = 0; /* index of a commit that had been acknowledged */
    const struct jep_op *by = NULL;
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->process == JEP_NEMESIS || strcmp(op->f, "append-commit") != 0) {
            continue;
        }
        if (op->type == JEP_OK && jep_edn_is_vector(&op->value, 2) &&
            jep_edn_is_int(&op->value.items[0]) && op->value.items[0].integer > newest) {
            newest = op->value.items[0].integer;
            by = op;
        }
        if (op->type != JEP_INVOKE) {
            continue;
        }
        const struct commit *commit = commit_of(check, &op->value);
        if (commit->by != NULL && by != NULL && commit->index <= newest) {
            jep_found(&check->findings, JEP_INVALID, "reordered",
                "commit %s was invoked (%" PRIu64 ") after one at %" PRId64
                " had been acknowledged (%" PRIu64 "), and stands at %" PRId64,
                shown(check, &op->value), op->index, newest, by->index, commit->index);
        }
    }
}

static void find_unseen(struct watch_check *check)
{
    uint64_t unseen = 0;
    const struct place *first = NULL;
    for (uint32_t i = 0; i < check->indexes.count; i++) {
        if (check->places[i].ids == NULL) {
            unseen++;
            first = first == NULL ? &check->places[i] : first;
        }
    }
    if (check->watches == 0 || check->events == 0) {
        jep_found(&check->findings, JEP_UNKNOWN, "vacuous", "no watch showed anything");
    } else if (first != NULL) {
        jep_found(&check->findings, JEP_UNKNOWN, "unseen",
            "%" PRIu64 " acknowledged commits were shown by no watch, the first %s", unseen,
            words(check, first->by));
    }
}

void jep_check_watch(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)options, (void)limits;
    struct watch_check check = {.findings = {.arena = history->arena, .result = ret_result}};
    check.count = jep_spans(history, &check.spans);
    take_commits(&check);
    take_watches(&check);
    find_reordered(&check, history);
    find_gaps(&check); /* sorts places: by number no longer */
    find_unseen(&check);
    jep_result_put(ret_result, "watches", jep_edn_int(check.watches));
    jep_result_put(ret_result, "events", jep_edn_int((int64_t)check.events));
    jep_result_put(ret_result, "commits", jep_edn_int(check.numbers.count));
    jep_findings_put(&check.findings);
    free(check.spans);
    free(check.commits);
    free(check.places);
    jep_table_free(&check.numbers);
    jep_table_free(&check.indexes);
}
