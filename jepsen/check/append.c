#include "jepsen/check/append.h"

#include <stdlib.h>
#include <string.h>

/* Each read returns the whole list, so it tells the order of all versions before it: that is what
 * makes the anomalies of Adya (1999) visible from outside (Kingsbury and Alvaro, Elle, 2020). */

enum {
    SHOWN_BYTES = 300
};

uint32_t jep_append_find(struct jep_append *append, uint32_t key, const struct jep_edn *value)
{
    const struct jep_edn items[2] = {jep_edn_int(key), *value};
    const struct jep_edn pair = {.type = JEP_EDN_VECTOR, .count = 2, .items = items};
    return jep_table_find(&append->element_numbers, &pair);
}

/* --- What is in a transaction. --- */

static bool has_form(const struct jep_edn *mop)
{
    if (!jep_edn_is_vector(mop, 3)) {
        return false;
    }
    bool is_list = jep_edn_is_nil(&mop->items[2]) || mop->items[2].type == JEP_EDN_VECTOR ||
                   mop->items[2].type == JEP_EDN_LIST;
    return (jep_edn_is_keyword(&mop->items[0], "r") && is_list) ||
           (jep_edn_is_keyword(&mop->items[0], "append") && !jep_edn_is_nil(&mop->items[2]));
}

static bool is_append(const struct jep_edn *mop)
{
    return jep_edn_is_keyword(&mop->items[0], "append");
}

static uint32_t items_count(const struct jep_edn *list)
{
    return jep_edn_is_nil(list) ? 0 : list->count;
}

static uint32_t key_number(struct jep_append *append, const struct jep_edn *key)
{
    uint32_t number = jep_table_put(&append->key_numbers, key);
    if (number == append->keys_count) {
        if ((number & (number - 1)) == 0) {
            size_t capacity = number > 0 ? (size_t)number * 2 : 1;
            append->keys = jep_realloc(append->keys, capacity, sizeof(*append->keys));
        }
        append->keys[number] = (struct jep_key){.key = *key};
        append->keys_count++;
    }
    return number;
}

static void add_element(struct jep_append *append, uint32_t txn, uint32_t key,
    const struct jep_edn *value, const struct jep_edn *later, size_t later_count)
{
    struct jep_edn pair = jep_edn_pair(append->arena, jep_edn_int(key), *value);
    uint32_t number = jep_table_put(&append->element_numbers, &pair);
    if (number < append->elements_count) {
        jep_result_because(append->findings.result, append->arena, JEP_UNKNOWN,
            "%s was appended twice to key %s: written values have to be unique",
            jep_edn_show(append->arena, value, 100),
            jep_edn_show(append->arena, &append->keys[key].key, 100));
        return;
    }
    if ((number & (number - 1)) == 0) {
        size_t capacity = number > 0 ? (size_t)number * 2 : 1;
        append->elements = jep_realloc(append->elements, capacity, sizeof(*append->elements));
    }
    struct jep_element *element = &append->elements[append->elements_count++];
    *element = (struct jep_element){.txn = txn, .key = key, .value = *value, .is_last = true};
    for (size_t i = 0; i < later_count; i++) {
        if (is_append(&later[i]) && jep_edn_equal(&later[i].items[1], &append->keys[key].key)) {
            element->is_last = false;
        }
    }
}

/* What the mops before number `at` say that a read of the key has to show, as far as they say it:
 * what was read, then the own appends since; is_read says whether all of it is known. */
static void expect(
    const struct jep_edn *mops, size_t at, struct jep_edn_list *ret_expected, bool *ret_is_whole)
{
    size_t from = 0;
    *ret_is_whole = false;
    for (size_t i = 0; i < at; i++) {
        if (!is_append(&mops[i]) && jep_edn_equal(&mops[i].items[1], &mops[at].items[1])) {
            from = i + 1;
            *ret_is_whole = true;
            ret_expected->count = 0;
            for (uint32_t j = 0; j < items_count(&mops[i].items[2]); j++) {
                jep_edn_push(ret_expected, mops[i].items[2].items[j]);
            }
        }
    }
    for (size_t i = from; i < at; i++) {
        if (is_append(&mops[i]) && jep_edn_equal(&mops[i].items[1], &mops[at].items[1])) {
            jep_edn_push(ret_expected, mops[i].items[2]);
        }
    }
}

static bool ends_with(const struct jep_edn *list, const struct jep_edn_list *expected, bool whole)
{
    uint32_t count = items_count(list);
    if (count < expected->count || (whole && count != expected->count)) {
        return false;
    }
    for (size_t i = 0; i < expected->count; i++) {
        if (!jep_edn_equal(&list->items[count - expected->count + i], &expected->items[i])) {
            return false;
        }
    }
    return true;
}

static void add_read(struct jep_append *append, uint32_t txn, const struct jep_edn *mops, size_t at)
{
    const struct jep_edn *list = &mops[at].items[2];
    struct jep_edn_list expected = {0};
    bool is_whole = false;
    uint32_t count = items_count(list);
    expect(mops, at, &expected, &is_whole);
    if (!ends_with(list, &expected, is_whole)) {
        struct jep_edn wanted = jep_edn_take_vector(&expected, append->arena);
        jep_found(&append->findings, JEP_INVALID, "internal",
            "%s read %s from key %s, but what it did before asks "
            "for %s%s",
            jep_span_words(append->arena, &append->txns[txn].span),
            jep_edn_show(append->arena, list, SHOWN_BYTES),
            jep_edn_show(append->arena, &mops[at].items[1], 100), is_whole ? "" : "an end of ",
            jep_edn_show(append->arena, &wanted, SHOWN_BYTES));
        return;
    }
    uint32_t own = is_whole ? count : (uint32_t)expected.count;
    free(expected.items);
    if (is_whole) {
        return; /* says nothing that the read before did not say */
    }
    if ((append->reads_count & (append->reads_count - 1)) == 0) {
        size_t capacity = append->reads_count > 0 ? (size_t)append->reads_count * 2 : 1;
        append->reads = jep_realloc(append->reads, capacity, sizeof(*append->reads));
    }
    append->reads[append->reads_count++] = (struct jep_read){.txn = txn,
        .key = key_number(append, &mops[at].items[1]),
        .items = count > 0 ? list->items : NULL,
        .count = count - own,
        .whole = count};
}

static bool take_apart(struct jep_append *append, const struct jep_span *span)
{
    uint32_t txn = append->txns_count;
    const struct jep_edn *value = span->value;
    bool good = jep_edn_is_sequence(value) && value->type != JEP_EDN_SET;
    for (size_t i = 0; good && i < value->count; i++) {
        good = has_form(&value->items[i]);
    }
    if (!good) {
        jep_result_because(append->findings.result, append->arena, JEP_UNKNOWN,
            "not understood: %s", jep_span_words(append->arena, span));
        return false;
    }
    append->txns[txn] = (struct jep_txn){
        .span = *span, .is_committed = span->type == JEP_OK, .first_read = append->reads_count};
    append->txns_count++;
    for (size_t i = 0; i < value->count; i++) {
        const struct jep_edn *mop = &value->items[i];
        uint32_t key = key_number(append, &mop->items[1]);
        if (is_append(mop)) {
            add_element(append, txn, key, &mop->items[2], mop + 1, value->count - i - 1);
        } else if (span->type == JEP_OK) {
            add_read(append, txn, value->items, i);
        }
    }
    append->txns[txn].reads_count = append->reads_count - append->txns[txn].first_read;
    return true;
}

/* --- The order of versions, and reads that have no place in it. --- */

static const char *key_shown(struct jep_append *append, uint32_t key)
{
    return jep_edn_show(append->arena, &append->keys[key].key, 100);
}

static void find_longest(struct jep_append *append)
{
    for (uint32_t i = 0; i < append->reads_count; i++) {
        const struct jep_read *read = &append->reads[i];
        struct jep_key *key = &append->keys[read->key];
        if (!key->is_read || read->whole > key->count) {
            key->items = read->items;
            key->count = read->whole;
            key->by = read->txn;
        }
        key->is_read = true;
    }
}

static void tell_version(struct jep_append *append, uint32_t number, uint32_t at, const char *name,
    const char *what, const struct jep_span *writer)
{
    const struct jep_key *key = &append->keys[number];
    jep_found(&append->findings, JEP_INVALID, name, "%s read %s from key %s, %s%s",
        jep_span_words(append->arena, &append->txns[key->by].span),
        jep_edn_show(append->arena, &key->items[at], 100), key_shown(append, number), what,
        writer != NULL ? jep_span_words(append->arena, writer) : "");
}

static void number_versions(struct jep_append *append, uint32_t number)
{
    struct jep_key *key = &append->keys[number];
    struct jep_table seen = {0};
    key->elements = jep_arena_array(append->arena, key->count, sizeof(*key->elements));
    for (uint32_t i = 0; i < key->count; i++) {
        key->elements[i] = JEP_NUMBER_NONE;
    }
    for (uint32_t i = 0; i < key->count; i++) {
        if (jep_table_put(&seen, &key->items[i]) != i) {
            tell_version(append, number, i, "duplicate-elements", "more than once", NULL);
            break; /* what follows has no order that can be told */
        }
        uint32_t e = jep_append_find(append, number, &key->items[i]);
        if (e == JEP_NUMBER_NONE) {
            tell_version(append, number, i, "phantom", "which nobody appended", NULL);
            continue;
        }
        struct jep_txn *writer = &append->txns[append->elements[e].txn];
        append->elements[e].version = i + 1;
        if (writer->span.type == JEP_FAIL) {
            tell_version(append, number, i, "G1a",
                "which was appended by what certainly did not happen: ", &writer->span);
            continue;
        }
        writer->is_committed = true;
        key->elements[i] = e;
    }
    jep_table_free(&seen);
}

static void check_prefix(struct jep_append *append, const struct jep_read *read)
{
    const struct jep_key *key = &append->keys[read->key];
    uint32_t i = 0;
    while (i < read->whole &&
           (read->items == key->items || jep_edn_equal(&read->items[i], &key->items[i]))) {
        i++;
    }
    if (i < read->whole) {
        struct jep_edn one = {.type = JEP_EDN_VECTOR, .count = read->whole, .items = read->items};
        struct jep_edn other = {.type = JEP_EDN_VECTOR, .count = key->count, .items = key->items};
        jep_found(&append->findings, JEP_INVALID, "incompatible-order",
            "key %s: %s read %s, %s read %s; one has to be the "
            "beginning of the other",
            key_shown(append, read->key),
            jep_span_words(append->arena, &append->txns[read->txn].span),
            jep_edn_show(append->arena, &one, SHOWN_BYTES),
            jep_span_words(append->arena, &append->txns[key->by].span),
            jep_edn_show(append->arena, &other, SHOWN_BYTES));
    }
}

/* G1b: the last that was read was not the last that its transaction appended. */
static void check_intermediate(struct jep_append *append, const struct jep_read *read)
{
    if (read->count == 0) {
        return;
    }
    uint32_t e = jep_append_find(append, read->key, &read->items[read->count - 1]);
    if (e != JEP_NUMBER_NONE && !append->elements[e].is_last &&
        append->elements[e].txn != read->txn) {
        jep_found(&append->findings, JEP_INVALID, "G1b",
            "%s read key %s up to %s, in the middle of %s",
            jep_span_words(append->arena, &append->txns[read->txn].span),
            key_shown(append, read->key),
            jep_edn_show(append->arena, &append->elements[e].value, 100),
            jep_span_words(append->arena, &append->txns[append->elements[e].txn].span));
    }
}

static void put_results(struct jep_append *append, const struct jep_graph *graph)
{
    struct jep_result *result = append->findings.result;
    uint32_t committed = 0;
    for (uint32_t i = 0; i < append->txns_count; i++) {
        committed += append->txns[i].is_committed ? 1 : 0;
    }
    jep_result_put(result, "transactions", jep_edn_int(append->txns_count));
    jep_result_put(result, "committed", jep_edn_int(committed));
    jep_result_put(result, "keys", jep_edn_int(append->keys_count));
    jep_result_put(result, "edges", jep_edn_int((int64_t)graph->count));
    jep_findings_put(&append->findings);
}

void jep_check_append(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    struct jep_span *spans = NULL;
    size_t count = jep_spans(history, &spans);
    struct jep_graph graph = {0};
    struct jep_append append = {.history = history,
        .options = options,
        .arena = history->arena,
        .findings = {.arena = history->arena, .result = ret_result},
        .txns = jep_alloc(count, sizeof(*append.txns))};
    for (size_t i = 0; i < count; i++) {
        if (jep_span_is(&spans[i], "txn")) {
            (void)take_apart(&append, &spans[i]);
        }
    }
    find_longest(&append);
    for (uint32_t key = 0; key < append.keys_count; key++) {
        number_versions(&append, key);
    }
    for (uint32_t i = 0; i < append.reads_count; i++) {
        check_prefix(&append, &append.reads[i]);
        check_intermediate(&append, &append.reads[i]);
    }
    jep_append_link(&append, &graph);
    jep_append_circles(&append, &graph, limits);
    put_results(&append, &graph);
    jep_graph_free(&graph);
    jep_table_free(&append.element_numbers);
    jep_table_free(&append.key_numbers);
    free(append.keys);
    free(append.reads);
    free(append.elements);
    free(append.txns);
    free(spans);
}
