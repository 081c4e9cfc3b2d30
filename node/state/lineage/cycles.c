/* Who is inside itself: the strongly connected components of what a search has followed
 * (Tarjan 1972), without recursion, since a chain may be as long as the search. */
#include <stdlib.h>

#include "node/state/lineage/search.h"

struct component_search {
    struct weft_search *search;
    uint32_t *first; /* By place: its first edge in `targets`; one more at the end. */
    uint32_t *targets;
    uint32_t *next;  /* By place: the edge to look at. */
    uint32_t *order; /* When a place was entered, from 1; 0: not yet. */
    uint32_t *low;   /* The earliest that it leads back to. */
    uint32_t *path;
    uint32_t path_count;
    uint32_t *open; /* Entered, not yet of a component. */
    uint32_t open_count;
    bool *is_open;
    uint32_t entered;
};

/* Edges by where they start. */
static void sort_edges(struct component_search *c)
{
    const struct weft_search *s = c->search;
    for (uint32_t i = 0; i < s->edge_count; i++) {
        c->first[s->edges[i].from + 1]++;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        c->first[i + 1] += c->first[i];
        c->next[i] = c->first[i];
    }
    for (uint32_t i = 0; i < s->edge_count; i++) {
        c->targets[c->next[s->edges[i].from]++] = s->edges[i].to;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        c->next[i] = c->first[i];
    }
}

static void begin(struct component_search *c, uint32_t place)
{
    c->order[place] = c->low[place] = ++c->entered;
    c->path[c->path_count++] = place;
    c->open[c->open_count++] = place;
    c->is_open[place] = true;
}

/* A component of one is a cycle only if it leads to itself. */
static bool leads_to_itself(const struct component_search *c, uint32_t place)
{
    for (uint32_t i = c->first[place]; i < c->first[place + 1]; i++) {
        if (c->targets[i] == place) {
            return true;
        }
    }
    return false;
}

static void end(struct component_search *c, uint32_t place)
{
    c->path_count--;
    if (c->path_count > 0) {
        uint32_t before = c->path[c->path_count - 1];
        c->low[before] = c->low[place] < c->low[before] ? c->low[place] : c->low[before];
    }
    if (c->low[place] != c->order[place]) {
        return;
    }
    bool is_cycle = c->open[c->open_count - 1] != place || leads_to_itself(c, place);
    uint32_t member;
    do {
        member = c->open[--c->open_count];
        c->is_open[member] = false;
        c->search->reached[member].is_cycle = is_cycle;
    } while (member != place);
    c->search->has_cycles = c->search->has_cycles || is_cycle;
}

static enum weft_err run(struct component_search *c)
{
    for (uint32_t start = 0; start < c->search->count; start++) {
        enum weft_err rv = weft_run_yield(c->search->around->run, 1);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (c->order[start] != 0) {
            continue;
        }
        begin(c, start);
        while (c->path_count > 0) {
            uint32_t place = c->path[c->path_count - 1];
            if (c->next[place] == c->first[place + 1]) {
                end(c, place);
                continue;
            }
            uint32_t to = c->targets[c->next[place]++];
            if (c->order[to] == 0) {
                begin(c, to);
            } else if (c->is_open[to] && c->order[to] < c->low[place]) {
                c->low[place] = c->order[to];
            }
        }
    }
    return WEFT_OK;
}

enum weft_err weft_search_mark_cycles(struct weft_search *search)
{
    size_t count = search->count;
    struct component_search c = {.search = search,
        .first = calloc(count + 1, sizeof(uint32_t)),
        .targets = calloc((size_t)search->edge_count + 1, sizeof(uint32_t)),
        .next = calloc(count, sizeof(uint32_t)),
        .order = calloc(count, sizeof(uint32_t)),
        .low = calloc(count, sizeof(uint32_t)),
        .path = calloc(count, sizeof(uint32_t)),
        .open = calloc(count, sizeof(uint32_t)),
        .is_open = calloc(count, sizeof(bool))};
    bool has_memory = c.first != NULL && c.targets != NULL && c.next != NULL && c.order != NULL &&
                      c.low != NULL && c.path != NULL && c.open != NULL && c.is_open != NULL;
    enum weft_err rv = WEFT_ENOMEM;
    if (has_memory) {
        sort_edges(&c);
        rv = run(&c);
    }
    free(c.first);
    free(c.targets);
    free(c.next);
    free(c.order);
    free(c.low);
    free(c.path);
    free(c.open);
    free(c.is_open);
    return has_memory ? rv : weft_fail(search->around->run->msg, rv, "the cycles of a trace");
}
