#include "node/state/lineage/search.h"

#include <stdlib.h>

#include "proto/check.h"

enum {
    REACHED_FIRST = 64,
    BITS = 64,
};

void weft_search_init(struct weft_search *search, struct weft_around *around, bool is_forward)
{
    *search = (struct weft_search){.around = around, .is_forward = is_forward};
}

void weft_search_settle(struct weft_search *search)
{
    free(search->entered);
    free(search->places);
    free(search->edges);
    weft_edges_destroy(&search->around_some);
    search->entered = NULL;
    search->places = NULL;
    search->edges = NULL;
    search->numbers = search->edge_count = search->edge_capacity = 0;
}

void weft_search_close(struct weft_search *search)
{
    weft_search_settle(search);
    free(search->reached);
    *search = (struct weft_search){.around = NULL};
}

static enum weft_err no_memory(const struct weft_search *s)
{
    return weft_fail(s->around->run->msg, WEFT_ENOMEM, "the assets of a trace");
}

/* Larger, with zeros in what is new: pages as they are touched. */
static void *extend(void *array, size_t size, size_t wanted)
{
    void *more = calloc(1, wanted);
    if (more != NULL && size > 0) {
        memcpy(more, array, size);
    }
    free(array);
    return more;
}

/* Room for a number. */
static enum weft_err reserve_number(struct weft_search *s, uint32_t number)
{
    if (number < s->numbers) {
        return WEFT_OK;
    }
    uint32_t wanted = s->numbers == 0 ? s->around->base + REACHED_FIRST : 2 * s->numbers;
    while (wanted <= number) {
        wanted *= 2;
    }
    wanted = (wanted + BITS - 1) / BITS * BITS;
    s->entered = extend(s->entered, s->numbers / 8, wanted / 8);
    if (s->wants_cycles) {
        s->places = extend(s->places, s->numbers * sizeof(*s->places), wanted * sizeof(*s->places));
    }
    bool has_memory = s->entered != NULL && (s->places != NULL || !s->wants_cycles);
    s->numbers = has_memory ? wanted : 0;
    return has_memory ? WEFT_OK : no_memory(s);
}

static bool is_entered(const struct weft_search *s, uint32_t number)
{
    return (s->entered[number / BITS] >> (number % BITS) & 1) != 0;
}

static enum weft_err grow(struct weft_search *s)
{
    if (s->count == WEFT_SEARCH_ASSETS_MAX) {
        return weft_fail(s->around->run->msg, WEFT_ETOOBIG,
            "over %d assets are reached: ask with a depth or for fewer rels",
            WEFT_SEARCH_ASSETS_MAX);
    }
    uint32_t capacity = s->capacity == 0 ? REACHED_FIRST : 2 * s->capacity;
    struct weft_reached *array = realloc(s->reached, capacity * sizeof(*array));
    if (array == NULL) {
        return no_memory(s);
    }
    s->reached = array;
    s->capacity = capacity;
    return WEFT_OK;
}

static inline enum weft_err append(struct weft_search *s, const struct weft_reached *reached)
{
    if (s->count == s->capacity || s->count == WEFT_SEARCH_ASSETS_MAX) {
        enum weft_err rv = grow(s);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    s->reached[s->count++] = *reached;
    return WEFT_OK;
}

enum weft_err weft_search_append(struct weft_search *search, const struct weft_reached *reached)
{
    return append(search, reached);
}

static inline enum weft_err enter(struct weft_search *s, const struct weft_reached *reached)
{
    s->entered[reached->number / BITS] |= UINT64_C(1) << (reached->number % BITS);
    if (s->places != NULL) {
        s->places[reached->number] = s->count;
    }
    return append(s, reached);
}

enum weft_err weft_search_enter(struct weft_search *search, uint64_t asset)
{
    struct weft_reached reached = {.from = search->count, .is_answer = 1};
    enum weft_err rv = weft_around_number(search->around, asset, &reached.number);
    if (rv == WEFT_OK) {
        rv = reserve_number(search, reached.number);
    }
    if (rv != WEFT_OK || is_entered(search, reached.number)) {
        return rv;
    }
    return enter(search, &reached);
}

static enum weft_err keep_edge(struct weft_search *s, uint32_t from, uint32_t to)
{
    if (s->edge_count == s->edge_capacity) {
        uint32_t capacity = s->edge_capacity == 0 ? REACHED_FIRST : 2 * s->edge_capacity;
        struct weft_search_edge *edges = realloc(s->edges, capacity * sizeof(*edges));
        if (edges == NULL) {
            return no_memory(s);
        }
        s->edges = edges;
        s->edge_capacity = capacity;
    }
    s->edges[s->edge_count++] = (struct weft_search_edge){from, to};
    /* Depth cannot rise all the way round a cycle. */
    s->may_have_cycles = s->may_have_cycles || s->reached[to].depth <= s->reached[from].depth;
    return WEFT_OK;
}

static enum weft_err follow(struct weft_search *s, uint32_t from, const struct weft_edge *edge)
{
    enum weft_err rv = edge->peer < s->numbers ? WEFT_OK : reserve_number(s, edge->peer);
    if (rv == WEFT_OK && !is_entered(s, edge->peer)) {
        const struct weft_reached reached = {.number = edge->peer,
            .from = from,
            .evidence = edge->evidence,
            .depth = s->reached[from].depth + 1,
            .is_answer = 1,
            .has_ended = edge->has_ended,
            .rel = edge->rel & 31U};
        rv = enter(s, &reached);
    }
    if (rv == WEFT_OK && s->wants_cycles) {
        rv = keep_edge(s, from, s->places[edge->peer]);
    }
    return rv;
}

static bool goes_on(const struct weft_search *s, uint32_t place)
{
    return s->depth_max == 0 || s->reached[place].depth < s->depth_max;
}

/* Where the edges lead that start at a place: those of `around_some` in [from, end). */
static enum weft_err expand(struct weft_search *s, uint32_t place, uint32_t from, uint32_t end)
{
    bool is_followed = goes_on(s, place);
    enum weft_err rv = WEFT_OK;
    s->reached[place].is_leaf = from == end;
    for (uint32_t i = from; is_followed && i < end && rv == WEFT_OK; i++) {
        rv = follow(s, place, &s->around_some.items[i]);
    }
    return rv == WEFT_OK ? weft_run_yield(s->around->run, 1 + end - from) : rv;
}

static enum weft_err too_many_links(const struct weft_search *s)
{
    uint64_t looked_max =
        s->around->lineage != NULL ? WEFT_SEARCH_LINKS_MAX : WEFT_SEARCH_STORE_LINKS_MAX;
    if (s->around_some.looked <= looked_max) {
        return WEFT_OK;
    }
    return weft_fail(s->around->run->msg, WEFT_ETOOBIG,
        "over %llu links were looked at: ask with a depth or for fewer rels",
        (unsigned long long)looked_max);
}

/* Of those whose turn comes soon. */
static void prefetch(const struct weft_search *s)
{
    const struct weft_lineage *lineage = s->around->lineage;
    for (uint32_t i = 0; i < WEFT_LINEAGE_BATCH; i++) {
        uint32_t soon = s->expanded + WEFT_LINEAGE_BATCH + i, later = soon + WEFT_LINEAGE_BATCH;
        if (later < s->count && s->reached[later].number <= s->around->base) {
            weft_lineage_prefetch(lineage, s->reached[later].number);
        }
        if (soon < s->count && s->reached[soon].number <= s->around->base) {
            weft_lineage_prefetch_links(
                lineage, &s->around->question, s->reached[soon].number, s->is_forward);
        }
    }
}

/* The next ones that were reached, several at once: their edges do not depend on who was entered
 * before, and are followed in the same order. */
static enum weft_err expand_some(struct weft_search *s)
{
    struct weft_edges *edges = &s->around_some;
    uint32_t numbers[WEFT_LINEAGE_BATCH], ends[WEFT_LINEAGE_BATCH], done = 0, count = 0, from = 0;
    uint32_t first = s->expanded;
    for (; count < WEFT_LINEAGE_BATCH && first + count < s->count; count++) {
        if (!goes_on(s, first + count) && !s->wants_leaves) {
            break;
        }
        numbers[count] = s->reached[first + count].number;
    }
    if (count == 0) {
        s->expanded++;
        return WEFT_OK;
    }
    if (s->around->lineage != NULL) {
        prefetch(s);
    }
    enum weft_err rv =
        weft_around_edges(s->around, numbers, count, s->is_forward, edges, ends, &done);
    rv = rv == WEFT_OK ? too_many_links(s) : rv;
    rv =
        rv == WEFT_OK ? weft_sight_edges(s->around, numbers, s->is_forward, edges, ends, done) : rv;
    for (uint32_t i = 0; i < done && rv == WEFT_OK; i++) {
        rv = expand(s, first + i, from, ends[i]);
        from = ends[i];
        s->expanded++;
    }
    return rv;
}

enum weft_err weft_search_run(struct weft_search *search)
{
    enum weft_err rv = WEFT_OK;
    while (search->expanded < search->count && rv == WEFT_OK) {
        rv = expand_some(search);
    }
    return rv == WEFT_OK && search->may_have_cycles ? weft_search_mark_cycles(search) : rv;
}
