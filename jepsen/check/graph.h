/* jepsen/check/graph.h: who must have come before whom, and a shortest circle in it. Adya's graph
 * (Weak consistency, 1999, chapter 3): transactions and what one's reads and writes say of another.
 * Real time is a chain of moments between them, so that it takes no more edges than operations. */
#ifndef WEFT_JEPSEN_CHECK_GRAPH_H
#define WEFT_JEPSEN_CHECK_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/check/limits.h"

enum jep_edge_kind {
    JEP_EDGE_WW = 1,     /* overwrote, appended after */
    JEP_EDGE_WR = 2,     /* read what the other wrote */
    JEP_EDGE_RW = 4,     /* read what the other then overwrote */
    JEP_EDGE_END = 8,    /* real time: from a transaction to the moment it had ended */
    JEP_EDGE_MOMENT = 16 /* real time: from a moment to a later one, or to who began after it */
};

#define JEP_EDGE_TIME ((unsigned)JEP_EDGE_END | (unsigned)JEP_EDGE_MOMENT)

struct jep_edge {
    uint32_t from;
    uint32_t to;
    enum jep_edge_kind kind;
    uint32_t why; /* of the caller */
};

struct jep_graph {
    uint32_t nodes;
    struct jep_edge *edges; /* after sealing: by from */
    size_t count;
    size_t capacity;
    size_t *first;       /* edges of node n: first[n] to first[n + 1] */
    uint32_t *component; /* by the last jep_graph_components */
};

/* Zeroed to start. */
uint32_t jep_graph_node(struct jep_graph *graph);
/* An edge from a node to itself is left out. */
void jep_graph_edge(
    struct jep_graph *graph, uint32_t from, uint32_t to, enum jep_edge_kind kind, uint32_t why);
/* No more nodes and edges after this. */
void jep_graph_seal(struct jep_graph *graph);
void jep_graph_free(struct jep_graph *graph);

/* Strongly connected components by edges of these kinds (Tarjan 1972). Returns whether one has more
 * than one node, that is, whether there is a circle. */
bool jep_graph_components(struct jep_graph *graph, unsigned kinds);

/* What circle is looked for: one edge of kind `start`, the others of `kinds`, among them at least
 * one of `also` (0: none). */
struct jep_circle_kind {
    enum jep_edge_kind start;
    unsigned kinds;
    unsigned also;
};

/* A circle with the fewest transactions, as far as the steps allow: edges into ret_edges (at most
 * max), in order, the start first. Real time counts once, however many moments lie in between.
 * Returns their number, 0 for none. Components of start | kinds must be there. */
size_t jep_graph_circle(struct jep_graph *graph, const struct jep_circle_kind *kind,
    struct jep_limits *limits, struct jep_edge *ret_edges, size_t max);

#endif
