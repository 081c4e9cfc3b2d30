#include <stdlib.h>
#include <string.h>

#include "jepsen/check/append.h"

/* JEP-16. What is linked, and why it has to be so:
 *   ww  the key's order shows one append right after the other's;
 *   wr  a read ends with the other's append;
 *   rw  a read ends right before the other's append. An append that is committed and that no read
 *       of the key shows comes after the longest of them, and so after all of what read that far;
 *   time  one had ended before the other was invoked. */

static bool is_committed(const struct jep_append *append, uint32_t txn)
{
    return append->txns[txn].is_committed;
}

static uint32_t ends_at(const struct jep_append *append, uint32_t element)
{
    return jep_span_until(&append->txns[append->elements[element].txn].span);
}

/* Committed appends that no read showed: those that ended first say most. */
static void find_tails(struct jep_append *append)
{
    enum {
        TAIL_MAX = sizeof(append->keys[0].tail) / sizeof(append->keys[0].tail[0])
    };
    for (uint32_t e = 0; e < append->elements_count; e++) {
        const struct jep_element *element = &append->elements[e];
        struct jep_key *key = &append->keys[element->key];
        if (element->version != 0 || !key->is_read || !is_committed(append, element->txn)) {
            continue;
        }
        uint32_t until = ends_at(append, e);
        if (key->tail_count == TAIL_MAX && ends_at(append, key->tail[TAIL_MAX - 1]) <= until) {
            continue;
        }
        uint32_t at = key->tail_count < TAIL_MAX ? key->tail_count++ : TAIL_MAX - 1;
        while (at > 0 && ends_at(append, key->tail[at - 1]) > until) {
            key->tail[at] = key->tail[at - 1];
            at--;
        }
        key->tail[at] = e;
    }
}

static void link_versions(struct jep_append *append, struct jep_graph *graph)
{
    for (uint32_t k = 0; k < append->keys_count; k++) {
        const struct jep_key *key = &append->keys[k];
        for (uint32_t i = 0; i + 1 < key->count; i++) {
            uint32_t e = key->elements[i], next = key->elements[i + 1];
            if (e != JEP_NUMBER_NONE && next != JEP_NUMBER_NONE) {
                jep_graph_edge(
                    graph, append->elements[e].txn, append->elements[next].txn, JEP_EDGE_WW, next);
            }
        }
        uint32_t last = key->count > 0 ? key->elements[key->count - 1] : JEP_NUMBER_NONE;
        for (uint32_t i = 0; i < key->tail_count && last != JEP_NUMBER_NONE; i++) {
            jep_graph_edge(graph, append->elements[last].txn, append->elements[key->tail[i]].txn,
                JEP_EDGE_WW, key->tail[i]);
        }
    }
}

static void link_reads(struct jep_append *append, struct jep_graph *graph)
{
    for (uint32_t r = 0; r < append->reads_count; r++) {
        const struct jep_read *read = &append->reads[r];
        const struct jep_key *key = &append->keys[read->key];
        uint32_t e = read->count > 0
                         ? jep_append_find(append, read->key, &read->items[read->count - 1])
                         : JEP_NUMBER_NONE;
        if (e != JEP_NUMBER_NONE && is_committed(append, append->elements[e].txn)) {
            jep_graph_edge(graph, append->elements[e].txn, read->txn, JEP_EDGE_WR, e);
        }
        if (e != JEP_NUMBER_NONE && append->elements[e].version != read->count) {
            continue; /* out of order: told already */
        }
        if (read->count < key->count) {
            uint32_t next = key->elements[read->count];
            if (next != JEP_NUMBER_NONE) {
                jep_graph_edge(graph, read->txn, append->elements[next].txn, JEP_EDGE_RW, next);
            }
            continue;
        }
        for (uint32_t i = 0; i < key->tail_count; i++) {
            jep_graph_edge(
                graph, read->txn, append->elements[key->tail[i]].txn, JEP_EDGE_RW, key->tail[i]);
        }
    }
}

struct moment {
    uint32_t position;
    uint32_t txn;
    bool is_end;
};

static int by_position(const void *a, const void *b)
{
    const struct moment *one = a, *other = b;
    return (one->position > other->position) - (one->position < other->position);
}

/* A new moment with each end; who begins after it hangs on it. */
static void link_time(struct jep_append *append, struct jep_graph *graph)
{
    struct moment *moments = jep_alloc((size_t)append->txns_count * 2, sizeof(*moments));
    size_t count = 0;
    uint32_t last = JEP_NUMBER_NONE;
    for (uint32_t i = 0; i < append->txns_count; i++) {
        const struct jep_span *span = &append->txns[i].span;
        if (is_committed(append, i)) {
            moments[count++] = (struct moment){jep_span_from(span), i, false};
            if (span->type == JEP_OK) {
                moments[count++] = (struct moment){jep_span_until(span), i, true};
            }
        }
    }
    qsort(moments, count, sizeof(*moments), by_position);
    for (size_t i = 0; i < count; i++) {
        if (!moments[i].is_end) {
            if (last != JEP_NUMBER_NONE) {
                jep_graph_edge(graph, last, moments[i].txn, JEP_EDGE_MOMENT, 0);
            }
            continue;
        }
        uint32_t moment = jep_graph_node(graph);
        jep_graph_edge(graph, moments[i].txn, moment, JEP_EDGE_END, 0);
        if (last != JEP_NUMBER_NONE) {
            jep_graph_edge(graph, last, moment, JEP_EDGE_MOMENT, 0);
        }
        last = moment;
    }
    free(moments);
}

void jep_append_link(struct jep_append *append, struct jep_graph *graph)
{
    for (uint32_t i = 0; i < append->txns_count; i++) {
        (void)jep_graph_node(graph);
    }
    find_tails(append);
    link_versions(append, graph);
    link_reads(append, graph);
    if (!append->options->is_serializable_enough) {
        link_time(append, graph);
    }
    jep_graph_seal(graph);
}
