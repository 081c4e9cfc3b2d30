#include <inttypes.h>
#include <stdlib.h>

#include "jepsen/check/append.h"

enum {
    CIRCLE_EDGES_MAX = 4096, /* moments are edges too */
    SHOWN_BYTES = 120,
    WITH_TIME = 4 /* anomalies[n + 4] is anomalies[n] with real time */
};

/* The anomalies by what their circles are made of, the worst first. Those of one kind with real
 * time in them break strict serializability alone. */
static const struct anomaly {
    const char *name;
    struct jep_circle_kind circle;
    const char *breaks;
} anomalies[] = {
    {"G0", {JEP_EDGE_WW, JEP_EDGE_WW, 0}, "read-uncommitted"},
    {"G1c", {JEP_EDGE_WR, JEP_EDGE_WW | JEP_EDGE_WR, 0}, "read-committed"},
    {"G-single", {JEP_EDGE_RW, JEP_EDGE_WW | JEP_EDGE_WR, 0}, "snapshot-isolation"},
    {"G2-item", {JEP_EDGE_RW, JEP_EDGE_WW | JEP_EDGE_WR | JEP_EDGE_RW, JEP_EDGE_RW},
        "serializable"},
    {"G0-realtime", {JEP_EDGE_WW, JEP_EDGE_WW | JEP_EDGE_TIME, JEP_EDGE_END},
        "strict-serializable"},
    {"G1c-realtime", {JEP_EDGE_WR, JEP_EDGE_WW | JEP_EDGE_WR | JEP_EDGE_TIME, JEP_EDGE_END},
        "strict-serializable"},
    {"G-single-realtime", {JEP_EDGE_RW, JEP_EDGE_WW | JEP_EDGE_WR | JEP_EDGE_TIME, JEP_EDGE_END},
        "strict-serializable"},
    {"G2-item-realtime",
        {JEP_EDGE_RW, JEP_EDGE_WW | JEP_EDGE_WR | JEP_EDGE_RW | JEP_EDGE_TIME, JEP_EDGE_RW},
        "strict-serializable"},
};

struct story {
    struct jep_append *append;
    struct jep_edn_list transactions;
    struct jep_text why;
    uint32_t txns[64]; /* as they are named: T1 is txns[0] */
    uint32_t count;
};

static uint32_t name_of(struct story *story, uint32_t txn)
{
    for (uint32_t i = 0; i < story->count; i++) {
        if (story->txns[i] == txn) {
            return i + 1;
        }
    }
    if (story->count < sizeof(story->txns) / sizeof(story->txns[0])) {
        struct jep_arena *arena = story->append->arena;
        const char *words = jep_span_words(arena, &story->append->txns[txn].span);
        story->txns[story->count++] = txn;
        jep_edn_push(&story->transactions,
            jep_edn_string(jep_arena_format(arena, "T%" PRIu32 " = %s", story->count, words)));
    }
    return story->count;
}

static void tell_edge(struct story *story, uint32_t from, uint32_t to, const struct jep_edge *edge)
{
    struct jep_append *append = story->append;
    uint32_t a = name_of(story, from), b = name_of(story, to);
    const char *between = story->why.size > 0 ? "; " : "";
    if (edge->kind == JEP_EDGE_END || edge->kind == JEP_EDGE_MOMENT) {
        jep_text_printf(&story->why,
            "%sT%" PRIu32 " had ended (%" PRIu32 ") before T%" PRIu32 " was invoked (%" PRIu32 ")",
            between, a, jep_span_until(&append->txns[from].span), b,
            jep_span_from(&append->txns[to].span));
        return;
    }
    const struct jep_element *element = &append->elements[edge->why];
    const char *value = jep_edn_show(append->arena, &element->value, SHOWN_BYTES);
    const char *key = jep_edn_show(append->arena, &append->keys[element->key].key, SHOWN_BYTES);
    if (edge->kind == JEP_EDGE_WW) {
        jep_text_printf(&story->why,
            "%sT%" PRIu32 " appended to key %s before T%" PRIu32 " appended %s there", between, a,
            key, b, value);
    } else if (edge->kind == JEP_EDGE_WR) {
        jep_text_printf(&story->why,
            "%sT%" PRIu32 " appended %s to key %s, and T%" PRIu32 " read it", between, a, value,
            key, b);
    } else {
        jep_text_printf(&story->why,
            "%sT%" PRIu32 " read key %s without %s, which T%" PRIu32 " appended%s", between, a, key,
            value, b, element->version == 0 ? " (no read ever showed it)" : "");
    }
}

static void tell_circle(struct jep_append *append, const char *name, const char *breaks,
    const struct jep_edge *edges, size_t count)
{
    struct story story = {.append = append};
    size_t i = 0;
    while (i < count) {
        size_t last = i;
        while (last < count && edges[last].to >= append->txns_count) {
            last++; /* moments */
        }
        if (last == count) {
            break; /* cut short */
        }
        tell_edge(&story, edges[i].from, edges[last].to, &edges[i]);
        i = last + 1;
    }
    jep_text_printf(&story.why, ": a contradiction (not %s)", breaks);
    struct jep_edn transactions = jep_edn_take_vector(&story.transactions, append->arena);
    jep_found_with(&append->findings, JEP_INVALID, name,
        jep_arena_text(append->arena, story.why.bytes, story.why.size), "transactions",
        transactions);
    jep_text_free(&story.why);
}

/* Two transactions of which one had ended before the other began, and comes after it all the same:
 * the commonest circle with time in it, found without a search. */
static bool find_backward_edge(struct jep_append *append, const struct jep_graph *graph,
    enum jep_edge_kind kind, struct jep_edge *ret_edges)
{
    for (size_t i = 0; i < graph->count; i++) {
        const struct jep_edge *edge = &graph->edges[i];
        if (edge->kind == kind &&
            jep_span_before(&append->txns[edge->to].span, &append->txns[edge->from].span)) {
            ret_edges[0] = *edge;
            ret_edges[1] =
                (struct jep_edge){.from = edge->to, .to = edge->from, .kind = JEP_EDGE_END};
            return true;
        }
    }
    return false;
}

/* Two circles that share a transaction are no circle of their own. */
static bool is_simple(const struct jep_append *append, const struct jep_edge *edges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count && edges[i].from < append->txns_count; j++) {
            if (edges[i].from == edges[j].from) {
                return false;
            }
        }
    }
    return true;
}

static size_t find_circle(struct jep_append *append, struct jep_graph *graph,
    const struct anomaly *anomaly, struct jep_limits *limits, struct jep_edge *edges)
{
    unsigned kinds = anomaly->circle.kinds | (unsigned)anomaly->circle.start;
    if (!jep_graph_components(graph, kinds)) {
        return 0;
    }
    if (anomaly->circle.also == JEP_EDGE_END &&
        find_backward_edge(append, graph, anomaly->circle.start, edges)) {
        return 2;
    }
    size_t count = jep_graph_circle(graph, &anomaly->circle, limits, edges, CIRCLE_EDGES_MAX);
    return is_simple(append, edges, count) ? count : 0;
}

void jep_append_circles(
    struct jep_append *append, struct jep_graph *graph, struct jep_limits *limits)
{
    unsigned all = JEP_EDGE_WW | JEP_EDGE_WR | JEP_EDGE_RW | JEP_EDGE_TIME;
    if (!jep_graph_components(graph, all)) {
        return;
    }
    struct jep_edge *edges = jep_alloc(CIRCLE_EDGES_MAX, sizeof(*edges));
    bool is_found[sizeof(anomalies) / sizeof(anomalies[0])] = {false};
    size_t found = 0;
    for (size_t i = 0; i < sizeof(anomalies) / sizeof(anomalies[0]); i++) {
        struct jep_limits mine = *limits; /* the steps of each kind, the deadline of all */
        if (i >= WITH_TIME && is_found[i - WITH_TIME]) {
            continue; /* the same with a detour */
        }
        size_t count = find_circle(append, graph, &anomalies[i], &mine, edges);
        is_found[i] = count > 0;
        if (count > 0) {
            tell_circle(append, anomalies[i].name, anomalies[i].breaks, edges, count);
            found++;
        }
    }
    if (found == 0) {
        /* There is one, whatever its kind; the steps did not suffice to name it. */
        jep_found(&append->findings, JEP_INVALID, "circle",
            "the transactions contradict each other, in a circle too long to tell within the "
            "limit");
    }
    free(edges);
}
