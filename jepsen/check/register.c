#include "jepsen/check/check.h"

#include <stdlib.h>
#include <string.h>

#include "jepsen/check/span.h"
#include "jepsen/check/linear.h"
#include "jepsen/core/table.h"

/* One key's history, as calls and as the numbers that the search works on. */
struct key_history {
    struct jep_edn key;
    struct jep_span *calls;
    struct jep_linear_op *ops; /* of calls[numbers[i]] */
    uint32_t *numbers;
    size_t calls_count;
    size_t ops_count;
    struct jep_table values;
};

static const struct jep_edn absent = {.type = JEP_EDN_KEYWORD, .count = 6, .text = "absent"};

static bool is_register(const struct jep_span *call)
{
    return jep_span_is(call, "read") || jep_span_is(call, "write") || jep_span_is(call, "cas");
}

/* [k v], [k [old new]] for cas. What has another form is a fault of the harness. */
static bool has_form(const struct jep_span *call)
{
    if (!jep_edn_is_vector(call->value, 2)) {
        return false;
    }
    const struct jep_edn *argument = &call->value->items[1];
    if (jep_span_is(call, "cas")) {
        return jep_edn_is_vector(argument, 2) && !jep_edn_is_nil(&argument->items[1]);
    }
    return jep_span_is(call, "read") || !jep_edn_is_nil(argument);
}

static void add_op(struct key_history *key, size_t number)
{
    const struct jep_span *call = &key->calls[number];
    const struct jep_edn *argument = &call->value->items[1];
    struct jep_linear_op op = {.invoke = jep_span_from(call), .end = jep_span_until(call)};
    if (call->type == JEP_FAIL || (call->type == JEP_INFO && jep_span_is(call, "read"))) {
        return;
    }
    if (jep_span_is(call, "cas")) {
        op.kind = JEP_LINEAR_CAS;
        op.expected = jep_table_put(&key->values, &argument->items[0]);
        op.value = jep_table_put(&key->values, &argument->items[1]);
    } else {
        op.kind = jep_span_is(call, "read") ? JEP_LINEAR_READ : JEP_LINEAR_WRITE;
        op.value = jep_table_put(&key->values, argument);
    }
    key->numbers[key->ops_count] = (uint32_t)number;
    key->ops[key->ops_count++] = op;
}

/* The value that a call found, if it found one. */
static const struct jep_edn *found_by(const struct jep_span *call)
{
    const struct jep_edn *argument = &call->value->items[1];
    return jep_span_is(call, "read")  ? argument
           : jep_span_is(call, "cas") ? &argument->items[0]
                                      : NULL;
}

static const struct jep_edn *written_by(const struct jep_span *call)
{
    const struct jep_edn *argument = &call->value->items[1];
    return jep_span_is(call, "read")  ? NULL
           : jep_span_is(call, "cas") ? &argument->items[1]
                                      : argument;
}

/* A certain write of something else that lies between the write of a value and who found it. */
static const struct jep_span *find_between(
    const struct key_history *key, const struct jep_span *write, const struct jep_span *finder)
{
    const struct jep_edn *value = found_by(finder);
    for (size_t i = key->calls_count; i-- > 0;) {
        const struct jep_span *call = &key->calls[i];
        const struct jep_edn *written = written_by(call);
        if (call != finder && call->type == JEP_OK && written != NULL &&
            !jep_edn_equal(written, value) && jep_span_before(call, finder) &&
            (write == NULL || jep_span_before(write, call))) {
            return call;
        }
    }
    return NULL;
}

/* The one write of a value, or how many there are. */
static size_t find_writes(const struct key_history *key, const struct jep_edn *value,
    const struct jep_span **ret_write, const struct jep_span **ret_failed)
{
    size_t count = 0;
    *ret_write = *ret_failed = NULL;
    for (size_t i = 0; i < key->calls_count; i++) {
        const struct jep_span *call = &key->calls[i];
        const struct jep_edn *written = written_by(call);
        if (written != NULL && jep_edn_equal(written, value)) {
            *(call->type == JEP_FAIL ? ret_failed : ret_write) = call;
            count += call->type == JEP_FAIL ? 0 : 1;
        }
    }
    return count;
}

static const char *unexplained(
    struct jep_arena *arena, const char *who, const struct jep_edn *states)
{
    return jep_arena_format(arena,
        "no order of the operations explains %s: just before it ended the register could hold %s",
        who, states->count > 0 ? jep_edn_show(arena, states, 200) : "nothing");
}

/* Why nothing explains the call, in words, where the cause is one of the common ones. */
static const char *explain(struct jep_arena *arena, const struct key_history *key,
    const struct jep_span *call, const struct jep_edn *states)
{
    const char *who = jep_span_words(arena, call);
    const struct jep_edn *value = found_by(call);
    const struct jep_span *write = NULL, *failed = NULL, *between = NULL;
    if (value == NULL) {
        return unexplained(arena, who, states);
    }
    const char *shown = jep_edn_show(arena, value, 100);
    bool is_initial = jep_edn_equal(value, &absent);
    size_t writes = find_writes(key, value, &write, &failed) + (is_initial ? 1 : 0);
    if (jep_edn_is_nil(value)) {
        return jep_arena_format(arena,
            "%s found nil, which nobody writes: an empty register is "
            ":absent",
            who);
    }
    if (writes == 0 && failed != NULL) {
        return jep_arena_format(arena,
            "%s found %s, which only %s wrote: it certainly did not "
            "happen",
            who, shown, jep_span_words(arena, failed));
    }
    if (writes == 0) {
        return jep_arena_format(arena, "%s found %s, which nobody wrote", who, shown);
    }
    if (writes == 1 && write != NULL && jep_span_until(call) < jep_span_from(write)) {
        return jep_arena_format(
            arena, "%s found %s before %s was invoked", who, shown, jep_span_words(arena, write));
    }
    if (writes == 1) {
        between = find_between(key, write, call);
    }
    if (between != NULL) {
        return jep_arena_format(arena,
            "%s found %s%s%s, although %s came after that and was over "
            "before",
            who, shown, write != NULL ? " of " : ", the initial value",
            write != NULL ? jep_span_words(arena, write) : "", jep_span_words(arena, between));
    }
    return unexplained(arena, who, states);
}

/* What else was going on when the call ended. */
static struct jep_edn list_pending(
    struct jep_arena *arena, const struct key_history *key, const struct jep_span *failing)
{
    struct jep_edn_list pending = {0};
    for (size_t i = 0; i < key->calls_count && pending.count < JEP_CHECK_FAILURES_SHOWN; i++) {
        const struct jep_span *call = &key->calls[i];
        if (call != failing && call->type != JEP_FAIL &&
            jep_span_from(call) < jep_span_until(failing) &&
            jep_span_until(call) > jep_span_until(failing)) {
            jep_edn_push(&pending, jep_edn_string(jep_span_words(arena, call)));
        }
    }
    return jep_edn_take_vector(&pending, arena);
}

static struct jep_edn tell_failure(
    struct jep_arena *arena, const struct key_history *key, const struct jep_linear_answer *answer)
{
    const struct jep_span *call = &key->calls[key->numbers[answer->failing]];
    struct jep_edn_list failure = {0}, states = {0};
    for (size_t i = 0; i < answer->states_count; i++) {
        jep_edn_push(&states, key->values.values[answer->states[i]]);
    }
    jep_edn_put(&failure, "key", key->key);
    struct jep_edn possible = jep_edn_take_vector(&states, arena);
    jep_edn_put(&failure, "why", jep_edn_string(explain(arena, key, call, &possible)));
    jep_edn_put(&failure, "op", jep_op_edn(arena, call->end));
    jep_edn_put(&failure, "explained-until", jep_edn_int((int64_t)call->end->index - 1));
    jep_edn_put(&failure, "states", possible);
    jep_edn_put(&failure, "pending", list_pending(arena, key, call));
    return jep_edn_take_map(&failure, arena);
}

struct totals {
    uint64_t operations;
    uint64_t dropped;
    uint64_t looked_at;
    uint64_t unknown_keys;
    uint64_t failed_keys;
    uint32_t width;
    struct jep_edn_list failures;
};

static void check_key(struct jep_arena *arena, struct key_history *key,
    const struct jep_limits *limits, struct totals *totals, struct jep_result *result)
{
    struct jep_limits mine = *limits; /* steps are those of a key, the deadline is that of all */
    struct jep_linear_answer answer;
    uint32_t initial = jep_table_put(&key->values, &absent);
    for (size_t i = 0; i < key->calls_count; i++) {
        add_op(key, i);
    }
    struct jep_linear_history history = {.ops = key->ops,
        .count = key->ops_count,
        .values_count = key->values.count,
        .initial = initial};
    jep_linear_check(&history, &mine, &answer);
    totals->operations += key->ops_count;
    totals->dropped += answer.dropped;
    totals->looked_at += answer.looked_at;
    totals->width = answer.width > totals->width ? answer.width : totals->width;
    if (answer.verdict == JEP_UNKNOWN) {
        totals->unknown_keys++;
        jep_result_because(result, arena, JEP_UNKNOWN, "key %s: out of %s",
            jep_edn_show(arena, &key->key, 100), answer.limit);
    } else if (answer.verdict == JEP_INVALID) {
        totals->failed_keys++;
        if (totals->failures.count < JEP_CHECK_FAILURES_SHOWN) {
            struct jep_edn failure = tell_failure(arena, key, &answer);
            jep_result_because(result, arena, JEP_INVALID, "key %s: %s",
                jep_edn_show(arena, &key->key, 100), jep_edn_get(&failure, "why")->text);
            jep_edn_push(&totals->failures, failure);
        }
    }
}

/* Calls by key, in the order of their invocation: offsets[k] to offsets[k + 1]. */
static struct jep_span *sort_by_key(const struct jep_span *calls, const uint32_t *key_of,
    size_t count, uint32_t keys_count, size_t **ret_offsets)
{
    struct jep_span *sorted = jep_alloc(count, sizeof(*sorted));
    size_t *offsets = jep_alloc((size_t)keys_count + 2, sizeof(*offsets));
    for (size_t i = 0; i < count; i++) {
        offsets[key_of[i] + 2]++;
    }
    for (size_t k = 2; k < (size_t)keys_count + 2; k++) {
        offsets[k] += offsets[k - 1];
    }
    for (size_t i = 0; i < count; i++) {
        sorted[offsets[key_of[i] + 1]++] = calls[i];
    }
    *ret_offsets = offsets;
    return sorted;
}

static void put_totals(
    struct jep_arena *arena, struct jep_result *result, struct totals *totals, uint32_t keys_count)
{
    jep_result_put(result, "keys", jep_edn_int(keys_count));
    jep_result_put(result, "operations", jep_edn_int((int64_t)totals->operations));
    jep_result_put(result, "unknown-writes-dropped", jep_edn_int((int64_t)totals->dropped));
    jep_result_put(result, "configurations", jep_edn_int((int64_t)totals->looked_at));
    jep_result_put(result, "widest", jep_edn_int(totals->width));
    jep_result_put(result, "failed-keys", jep_edn_int((int64_t)totals->failed_keys));
    jep_result_put(result, "undecided-keys", jep_edn_int((int64_t)totals->unknown_keys));
    jep_result_put(result, "failures", jep_edn_take_vector(&totals->failures, arena));
}

void jep_check_register(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)options;
    struct jep_span *calls = NULL;
    size_t all = jep_spans(history, &calls), count = 0;
    uint32_t *key_of = jep_alloc(all, sizeof(*key_of));
    struct jep_table keys = {0};
    for (size_t i = 0; i < all; i++) {
        if (!is_register(&calls[i])) {
            continue;
        }
        if (!has_form(&calls[i])) {
            jep_result_because(ret_result, history->arena, JEP_UNKNOWN, "not understood: %s",
                jep_span_words(history->arena, &calls[i]));
            continue;
        }
        key_of[count] = jep_table_put(&keys, &calls[i].value->items[0]);
        calls[count++] = calls[i];
    }
    size_t *offsets = NULL;
    struct jep_span *sorted = sort_by_key(calls, key_of, count, keys.count, &offsets);
    struct totals totals = {0};
    struct key_history key = {.ops = jep_alloc(count, sizeof(*key.ops)),
        .numbers = jep_alloc(count, sizeof(*key.numbers))};
    for (uint32_t k = 0; k < keys.count; k++) {
        key.key = keys.values[k];
        key.calls = sorted + offsets[k];
        key.calls_count = offsets[k + 1] - offsets[k];
        key.ops_count = 0;
        check_key(history->arena, &key, limits, &totals, ret_result);
        jep_table_free(&key.values);
    }
    put_totals(history->arena, ret_result, &totals, keys.count);
    free(key.ops);
    free(key.numbers);
    free(sorted);
    free(offsets);
    jep_table_free(&keys);
    free(key_of);
    free(calls);
}
