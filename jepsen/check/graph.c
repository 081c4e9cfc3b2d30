#include "jepsen/check/graph.h"

#include <stdlib.h>
#include <string.h>

#include "jepsen/core/arena.h"

uint32_t jep_graph_node(struct jep_graph *graph)
{
    return graph->nodes++;
}

void jep_graph_edge(
    struct jep_graph *graph, uint32_t from, uint32_t to, enum jep_edge_kind kind, uint32_t why)
{
    if (from == to) {
        return;
    }
    if (graph->count == graph->capacity) {
        graph->capacity = graph->capacity > 0 ? graph->capacity * 2 : 1024;
        graph->edges = jep_realloc(graph->edges, graph->capacity, sizeof(*graph->edges));
    }
    graph->edges[graph->count++] =
        (struct jep_edge){.from = from, .to = to, .kind = kind, .why = why};
}

void jep_graph_seal(struct jep_graph *graph)
{
    struct jep_edge *sorted = jep_alloc(graph->count, sizeof(*sorted));
    graph->first = jep_alloc((size_t)graph->nodes + 2, sizeof(*graph->first));
    graph->component = jep_alloc(graph->nodes, sizeof(*graph->component));
    for (size_t i = 0; i < graph->count; i++) {
        graph->first[graph->edges[i].from + 2]++;
    }
    for (size_t n = 2; n < (size_t)graph->nodes + 2; n++) {
        graph->first[n] += graph->first[n - 1];
    }
    for (size_t i = 0; i < graph->count; i++) {
        sorted[graph->first[graph->edges[i].from + 1]++] = graph->edges[i];
    }
    free(graph->edges);
    graph->edges = sorted;
}

void jep_graph_free(struct jep_graph *graph)
{
    free(graph->edges);
    free(graph->first);
    free(graph->component);
    memset(graph, 0, sizeof(*graph));
}

/* Tarjan's algorithm with its own stack: a history's chain of moments is deep. */
struct tarjan {
    uint32_t *order; /* 0: not seen */
    uint32_t *low;
    size_t *at; /* next edge to follow */
    uint32_t *path;
    uint32_t *open;
    size_t path_count;
    size_t open_count;
    uint32_t next_order;
    bool *is_open;
    bool has_circle;
};

static void enter(struct tarjan *t, const struct jep_graph *graph, uint32_t node)
{
    t->order[node] = t->low[node] = ++t->next_order;
    t->at[node] = graph->first[node];
    t->path[t->path_count++] = node;
    t->open[t->open_count++] = node;
    t->is_open[node] = true;
}

static void leave(struct tarjan *t, struct jep_graph *graph, uint32_t node)
{
    t->path_count--;
    if (t->path_count > 0) {
        uint32_t parent = t->path[t->path_count - 1];
        t->low[parent] = t->low[node] < t->low[parent] ? t->low[node] : t->low[parent];
    }
    if (t->low[node] != t->order[node]) {
        return;
    }
    uint32_t member = 0;
    size_t size = 0;
    do {
        member = t->open[--t->open_count];
        t->is_open[member] = false;
        graph->component[member] = node;
        size++;
    } while (member != node);
    t->has_circle = t->has_circle || size > 1;
}

static void walk(struct tarjan *t, struct jep_graph *graph, unsigned kinds)
{
    while (t->path_count > 0) {
        uint32_t node = t->path[t->path_count - 1];
        if (t->at[node] == graph->first[node + 1]) {
            leave(t, graph, node);
            continue;
        }
        const struct jep_edge *edge = &graph->edges[t->at[node]++];
        if (((unsigned)edge->kind & kinds) == 0) {
            continue;
        }
        if (t->order[edge->to] == 0) {
            enter(t, graph, edge->to);
        } else if (t->is_open[edge->to] && t->order[edge->to] < t->low[node]) {
            t->low[node] = t->order[edge->to];
        }
    }
}

bool jep_graph_components(struct jep_graph *graph, unsigned kinds)
{
    size_t nodes = graph->nodes;
    struct tarjan t = {.order = jep_alloc(nodes, sizeof(*t.order)),
        .low = jep_alloc(nodes, sizeof(*t.low)),
        .at = jep_alloc(nodes, sizeof(*t.at)),
        .path = jep_alloc(nodes, sizeof(*t.path)),
        .open = jep_alloc(nodes, sizeof(*t.open)),
        .is_open = jep_alloc(nodes, sizeof(*t.is_open))};
    for (uint32_t node = 0; node < graph->nodes; node++) {
        if (t.order[node] == 0) {
            enter(&t, graph, node);
            walk(&t, graph, kinds);
        }
    }
    free(t.order);
    free(t.low);
    free(t.at);
    free(t.path);
    free(t.open);
    free(t.is_open);
    return t.has_circle;
}

/* A way back from an edge's end to its beginning: breadth first over (node, has an `also` edge been
 * taken), where moments cost nothing. */
struct way {
    uint32_t *seen;   /* round in which it was reached */
    uint32_t *length; /* transactions until there */
    size_t *by;       /* edge by which */
    uint32_t *before; /* place before it */
    uint32_t *queue;  /* a ring: cheap ones at its front */
    size_t ring;
    uint32_t round;
};

static void way_init(struct way *way, const struct jep_graph *graph)
{
    size_t places = (size_t)graph->nodes * 2;
    way->seen = jep_alloc(places, sizeof(*way->seen));
    way->length = jep_alloc(places, sizeof(*way->length));
    way->by = jep_alloc(places, sizeof(*way->by));
    way->before = jep_alloc(places, sizeof(*way->before));
    /* A place is queued again only if it became cheaper: by an edge at most. */
    way->ring = places + graph->count * 2 + 2;
    way->queue = jep_alloc(way->ring, sizeof(*way->queue));
    way->round = 0;
}

static void way_free(struct way *way)
{
    free(way->seen);
    free(way->length);
    free(way->by);
    free(way->before);
    free(way->queue);
}

/* Length of the shortest way from `from` to `to` below max, or max if there is none. */
static uint32_t way_find(struct way *way, const struct jep_graph *graph,
    const struct jep_circle_kind *kind, const struct jep_edge *start, uint32_t max,
    struct jep_limits *limits)
{
    uint32_t goal = start->from * 2 + (kind->also != 0 ? 1 : 0), first = start->to * 2;
    size_t head = 0, tail = 0;
    way->round++;
    way->seen[first] = way->round;
    way->length[first] = 1;
    way->queue[tail++] = first;
    while (head != tail) {
        uint32_t place = way->queue[head], node = place / 2;
        head = (head + 1) % way->ring;
        if (place == goal) {
            return way->length[place];
        }
        size_t edges = graph->first[node + 1] - graph->first[node];
        if (way->length[place] >= max || !jep_limits_step(limits, edges + 1)) {
            return max;
        }
        for (size_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
            const struct jep_edge *edge = &graph->edges[e];
            if (((unsigned)edge->kind & kind->kinds) == 0 ||
                graph->component[edge->to] != graph->component[node]) {
                continue;
            }
            bool has_also = place % 2 == 1 || ((unsigned)edge->kind & kind->also) != 0;
            uint32_t next = edge->to * 2 + (has_also && kind->also != 0 ? 1 : 0);
            uint32_t cost = edge->kind == JEP_EDGE_MOMENT ? 0 : 1;
            uint32_t length = way->length[place] + cost;
            if (way->seen[next] == way->round && way->length[next] <= length) {
                continue;
            }
            way->seen[next] = way->round;
            way->length[next] = length;
            way->by[next] = e;
            way->before[next] = place;
            if (cost == 0) {
                head = (head + way->ring - 1) % way->ring;
                way->queue[head] = next;
            } else {
                way->queue[tail] = next;
                tail = (tail + 1) % way->ring;
            }
        }
    }
    return max;
}

static size_t way_tell(const struct way *way, const struct jep_graph *graph,
    const struct jep_circle_kind *kind, const struct jep_edge *start, struct jep_edge *ret_edges,
    size_t max)
{
    uint32_t place = start->from * 2 + (kind->also != 0 ? 1 : 0);
    size_t count = 1;
    for (uint32_t p = place; p != start->to * 2; p = way->before[p]) {
        count++;
    }
    size_t at = count;
    for (uint32_t p = place; p != start->to * 2; p = way->before[p]) {
        at--;
        if (at < max) {
            ret_edges[at] = graph->edges[way->by[p]];
        }
    }
    ret_edges[0] = *start;
    return count < max ? count : max;
}

size_t jep_graph_circle(struct jep_graph *graph, const struct jep_circle_kind *kind,
    struct jep_limits *limits, struct jep_edge *ret_edges, size_t max)
{
    struct way way;
    uint32_t best = UINT32_MAX;
    size_t count = 0;
    way_init(&way, graph);
    for (size_t i = 0; i < graph->count && best > 2 && limits->steps_left > 0; i++) {
        const struct jep_edge *start = &graph->edges[i];
        if (start->kind != kind->start ||
            graph->component[start->from] != graph->component[start->to]) {
            continue;
        }
        uint32_t length = way_find(&way, graph, kind, start, best, limits);
        if (length < best) {
            best = length;
            count = way_tell(&way, graph, kind, start, ret_edges, max);
        }
    }
    way_free(&way);
    return count;
}
