/* The reading side of the index: beside the adding thread, below a span. */
#include <stdlib.h>

#include "node/state/lineage/memory.h"
#include "proto/check.h"

enum {
    MANY_EDGES = 4096, /* Of one call: as many as stay in a cache. */
};

/* --- edges ----------------------------------------------------------------------------------- */

void weft_edges_destroy(struct weft_edges *edges)
{
    free(edges->items);
    free(edges->refs);
    free(edges->ends);
    *edges = (struct weft_edges){.count = 0};
}

/* Room for one more in an array that doubles. */
static void *grow(void *array, uint32_t count, uint32_t *capacity, size_t item_size)
{
    if (count < *capacity) {
        return array;
    }
    uint32_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
    void *more = wanted > *capacity ? realloc(array, wanted * item_size) : NULL;
    if (more != NULL) {
        *capacity = wanted;
    }
    return more;
}

static inline enum weft_err add_edge(struct weft_edges *edges, const struct weft_edge *edge)
{
    if (edges->count == edges->capacity) {
        struct weft_edge *items =
            grow(edges->items, edges->count, &edges->capacity, sizeof(*items));
        if (items == NULL) {
            return WEFT_ENOMEM;
        }
        edges->items = items;
    }
    edges->items[edges->count++] = *edge;
    return WEFT_OK;
}

enum weft_err weft_edges_add(struct weft_edges *edges, const struct weft_edge *edge)
{
    return add_edge(edges, edge);
}

enum weft_err weft_edges_add_end(struct weft_edges *edges, const struct weft_edge_end *end)
{
    struct weft_edge_end *ends =
        grow(edges->ends, edges->end_count, &edges->end_capacity, sizeof(*ends));
    if (ends == NULL) {
        return WEFT_ENOMEM;
    }
    edges->ends = ends;
    ends[edges->end_count++] = *end;
    return WEFT_OK;
}

/* By peer, then in the order that decides what ends what: time, index, ordinal. */
static int compare_ends(const void *a, const void *b)
{
    const struct weft_edge_end *x = a, *y = b;
    if (x->peer != y->peer) {
        return x->peer < y->peer ? -1 : 1;
    }
    if (x->place.at_ns != y->place.at_ns) {
        return x->place.at_ns < y->place.at_ns ? -1 : 1;
    }
    if (x->place.index != y->place.index) {
        return x->place.index < y->place.index ? -1 : 1;
    }
    return x->place.ordinal < y->place.ordinal ? -1 : x->place.ordinal > y->place.ordinal;
}

bool weft_edges_is_behind(const struct weft_ref *end, const struct weft_ref *begin)
{
    const struct weft_edge_end x = {0, *end}, y = {0, *begin};
    return compare_ends(&x, &y) > 0;
}

void weft_edges_order_ends(struct weft_edges *edges)
{
    if (edges->end_count > 1) {
        qsort(edges->ends, edges->end_count, sizeof(*edges->ends), compare_ends);
    }
}

/* What began so has been ended if the peer's last END comes behind it. */
bool weft_edges_has_ended(
    const struct weft_edges *edges, uint32_t peer, const struct weft_ref *place)
{
    const struct weft_edge_end key = {
        peer, {.at_ns = INT64_MAX, .index = UINT64_MAX, .ordinal = UINT32_MAX}};
    const struct weft_edge_end begin = {peer, *place};
    uint32_t low = 0, high = edges->end_count; /* The first behind all of the peer's. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_ends(&edges->ends[middle], &key) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && edges->ends[low - 1].peer == peer &&
           compare_ends(&edges->ends[low - 1], &begin) > 0;
}

static enum weft_err add_ref(struct weft_edges *edges, uint32_t *count, uint32_t ref)
{
    uint32_t *refs = grow(edges->refs, *count, &edges->ref_capacity, sizeof(*refs));
    if (refs == NULL) {
        return WEFT_ENOMEM;
    }
    edges->refs = refs;
    refs[(*count)++] = ref;
    return WEFT_OK;
}

/* --- spans and nodes ------------------------------------------------------------------------- */

struct weft_lineage_span weft_lineage_span(const struct weft_lineage *lineage)
{
    return (struct weft_lineage_span){lineage->node_count, lineage->group_end};
}

bool weft_lineage_has_events(const struct weft_lineage *lineage)
{
    return atomic_load(&lineage->has_events);
}

uint32_t weft_lineage_end_of_index(
    const struct weft_lineage *lineage, uint32_t from, uint32_t groups, uint64_t index)
{
    uint32_t end = from;
    for (uint32_t group = from; group < groups;) {
        const uint32_t *g = weft_lineage_at_group(lineage, group);
        if (g[WEFT_GROUP_COUNT] == 0) {
            group = (group | ((1U << WEFT_LINEAGE_WORD_BITS) - 1)) + 1;
            continue;
        }
        if (weft_group_u64(g, WEFT_GROUP_PLACE) >> WEFT_LINEAGE_ORDINAL_BITS > index) {
            break;
        }
        group += WEFT_GROUP_CHILDREN + weft_group_count(g);
        end = group;
    }
    return end;
}

static const struct weft_lineage_mark *mark_at(const struct weft_lineage *l, uint32_t number)
{
    const struct weft_lineage_mark *chunk =
        __atomic_load_n(&l->marks[number >> WEFT_LINEAGE_MARK_BITS], __ATOMIC_ACQUIRE);
    return &chunk[number & ((1U << WEFT_LINEAGE_MARK_BITS) - 1)];
}

struct weft_lineage_span weft_lineage_span_as_of(
    const struct weft_lineage *lineage, struct weft_lineage_span span, uint64_t index)
{
    uint32_t low = 0, high = __atomic_load_n(&lineage->mark_count, __ATOMIC_ACQUIRE);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mark_at(lineage, middle)->index <= index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint32_t group = low > 0 ? mark_at(lineage, low - 1)->offset : 1;
    uint32_t end = weft_lineage_end_of_index(lineage, group, span.groups, index);
    span.groups = end < span.groups ? end : span.groups;
    return span;
}

uint32_t weft_lineage_node(
    const struct weft_lineage *lineage, struct weft_lineage_span span, uint64_t asset)
{
    uint64_t chunk = asset >> WEFT_LINEAGE_MAP_BITS;
    if (chunk >= WEFT_LINEAGE_MAP_CHUNKS) {
        return 0;
    }
    const uint32_t *map = __atomic_load_n(&lineage->map[chunk], __ATOMIC_ACQUIRE);
    if (map == NULL) {
        return 0;
    }
    uint32_t node =
        __atomic_load_n(&map[asset & ((1U << WEFT_LINEAGE_MAP_BITS) - 1)], __ATOMIC_ACQUIRE);
    return node <= span.nodes ? node : 0;
}

uint64_t weft_lineage_asset(const struct weft_lineage *lineage, uint32_t node)
{
    return weft_lineage_at_node(lineage, node)->asset;
}

struct weft_text weft_lineage_name(const struct weft_lineage *lineage, uint32_t node)
{
    uint32_t offset = __atomic_load_n(&weft_lineage_at_node(lineage, node)->name, __ATOMIC_ACQUIRE);
    weft_assert(offset != 0); /* NOD-110 */
    const uint8_t *p = weft_lineage_at_name(lineage, offset);
    return (struct weft_text){(const char *)p + 1, *p};
}

void weft_lineage_prefetch(const struct weft_lineage *lineage, uint32_t node)
{
    __builtin_prefetch(weft_lineage_at_node(lineage, node));
}

void weft_lineage_prefetch_links(const struct weft_lineage *lineage,
    const struct weft_lineage_question *question, uint32_t node, bool is_forward)
{
    const struct weft_lineage_node *n = weft_lineage_at_node(lineage, node);
    uint32_t head = __atomic_load_n(is_forward ? &n->forward : &n->back, __ATOMIC_ACQUIRE);
    if (head == 0) {
        return;
    }
    if (!is_forward) {
        const uint32_t *group = weft_lineage_at_group(lineage, head);
        __builtin_prefetch(group);
        __builtin_prefetch(group + WEFT_GROUP_CHILDREN + 2); /* Of few children the last. */
    } else if ((head & WEFT_LINEAGE_ONE) == 0) {
        __builtin_prefetch(weft_lineage_at_word(lineage->lists, head));
    } else if (question->at_ns != INT64_MAX) {
        weft_lineage_prefetch_evidence(lineage, head & ~WEFT_LINEAGE_ONE);
    }
}

void weft_lineage_prefetch_evidence(const struct weft_lineage *lineage, uint32_t evidence)
{
    __builtin_prefetch(weft_lineage_at_group(lineage, evidence));
}

void weft_lineage_prefetch_name(const struct weft_lineage *lineage, uint32_t node)
{
    uint32_t offset = __atomic_load_n(&weft_lineage_at_node(lineage, node)->name, __ATOMIC_RELAXED);
    __builtin_prefetch(weft_lineage_at_name(lineage, offset));
}

/* NOD-112: the groups that were there when the first own record came end at `known`. Up to an
 * index they end above that only if the index is at or above the record's, and below it only if
 * it is below. */
enum weft_lineage_known weft_lineage_is_known(
    const struct weft_lineage *lineage, struct weft_lineage_span span, uint32_t node)
{
    uint32_t known = __atomic_load_n(&weft_lineage_at_node(lineage, node)->known, __ATOMIC_ACQUIRE);
    known &= WEFT_LINEAGE_KNOWN_MASK;
    if (known == 0 || known > span.groups) {
        return WEFT_LINEAGE_UNKNOWN;
    }
    return known < span.groups ? WEFT_LINEAGE_KNOWN : WEFT_LINEAGE_UNSURE;
}

static struct weft_ref place_of(const uint32_t *group)
{
    uint64_t place = weft_group_u64(group, WEFT_GROUP_PLACE);
    uint32_t ordinal = (uint32_t)(place & ((1U << WEFT_LINEAGE_ORDINAL_BITS) - 1));
    return (struct weft_ref){.at_ns = (int64_t)weft_group_u64(group, WEFT_GROUP_AT),
        .index = place >> WEFT_LINEAGE_ORDINAL_BITS,
        .ordinal = ordinal,
        .first = ordinal - (group[WEFT_GROUP_COUNT] >> 16)};
}

static int64_t at_of(const uint32_t *group)
{
    return (int64_t)weft_group_u64(group, WEFT_GROUP_AT);
}

struct weft_ref weft_lineage_evidence(const struct weft_lineage *lineage, uint32_t evidence)
{
    return place_of(weft_lineage_at_group(lineage, evidence));
}

/* --- walking --------------------------------------------------------------------------------- */

/* What a link says: one entry of a list or of a group, with the group that states it. */
struct link {
    uint32_t entry; /* Peer and rel. */
    uint32_t group;
};

/* Around which node, and which way, links are looked at. */
struct around {
    const struct weft_lineage *lineage;
    const struct weft_lineage_question *question;
    struct weft_edges *edges;
    bool is_forward;
};

typedef enum weft_err on_link(const struct around *a, struct link link);

/* An END that is true by then: keep it. Of a node's own containers EMPTIES tells nothing here:
 * there it stands in the list of the container. */
static enum weft_err take_end(const struct around *a, struct link link)
{
    const uint32_t *group = weft_lineage_at_group(a->lineage, link.group);
    uint32_t rel = link.entry >> WEFT_LINEAGE_REL_SHIFT;
    bool is_of_all = rel == WEFT_REL_EMPTIES;
    if (!weft_lineage_is_end(rel) || at_of(group) > a->question->at_ns ||
        (is_of_all && a->is_forward)) {
        return WEFT_OK;
    }
    const struct weft_edge_end end = {
        is_of_all ? WEFT_EDGES_ALL : link.entry & WEFT_LINEAGE_NODE_MASK, place_of(group)};
    return weft_edges_add_end(a->edges, &end);
}

static bool may_be_emptied(const struct weft_lineage *l, uint32_t parent)
{
    const uint32_t wanted = WEFT_LINEAGE_ENDS_OF_PARENT | WEFT_LINEAGE_ENDS_OF_CHILD;
    uint32_t known = __atomic_load_n(&weft_lineage_at_node(l, parent)->known, __ATOMIC_ACQUIRE);
    return (known & wanted) == wanted; /* EMPTIES sets both. */
}

/* Is it EMPTIES, which the question sees, behind what began so? */
static bool is_emptying(const struct around *a, struct link link, const struct weft_ref *begin)
{
    if (link.entry >> WEFT_LINEAGE_REL_SHIFT != WEFT_REL_EMPTIES ||
        link.group >= a->question->span.groups) {
        return false;
    }
    const uint32_t *group = weft_lineage_at_group(a->lineage, link.group);
    const struct weft_ref place = place_of(group);
    return place.at_ns <= a->question->at_ns && weft_edges_is_behind(&place, begin);
}

/* Of a node whose `forward` says that there is one. */
static inline struct link only_link(const struct weft_lineage_node *node, uint32_t head)
{
    return (struct link){node->only, head & ~WEFT_LINEAGE_ONE};
}

/* Has the container been emptied since? It stands in its own list of parents then, which as a rule
 * is short. */
static bool is_emptied(const struct around *a, uint32_t parent, const struct weft_ref *begin)
{
    const struct weft_lineage *l = a->lineage;
    const struct weft_lineage_node *n = weft_lineage_at_node(l, parent);
    uint32_t head = __atomic_load_n(&n->forward, __ATOMIC_ACQUIRE);
    if ((head & WEFT_LINEAGE_ONE) != 0) {
        a->edges->looked++;
        return is_emptying(a, only_link(n, head), begin);
    }
    for (uint32_t at = head; at != 0; at = weft_lineage_at_word(l->lists, at)[WEFT_LIST_OLDER]) {
        const uint32_t *block = weft_lineage_at_word(l->lists, at);
        uint32_t count = __atomic_load_n(&block[WEFT_LIST_COUNT], __ATOMIC_ACQUIRE);
        a->edges->looked += count;
        for (uint32_t i = 0; i < count; i++) {
            struct link link = {
                block[WEFT_LIST_ENTRIES + 2 * i], block[WEFT_LIST_ENTRIES + 2 * i + 1]};
            if (is_emptying(a, link, begin)) {
                return true;
            }
        }
    }
    return false;
}

/* Is what began so over by then? *ret_has_ended: an END says so, of a kind that can end or not. */
static bool is_over(const struct around *a, struct link link, bool can_end, bool asks_container,
    bool *ret_has_ended)
{
    const uint32_t *group = weft_lineage_at_group(a->lineage, link.group);
    const struct weft_ref place = place_of(group);
    uint32_t peer = link.entry & WEFT_LINEAGE_NODE_MASK;
    if (place.at_ns > a->question->at_ns) {
        return true; /* It has not begun. */
    }
    *ret_has_ended = weft_edges_has_ended(a->edges, peer, &place);
    return can_end && (*ret_has_ended || weft_edges_has_ended(a->edges, WEFT_EDGES_ALL, &place) ||
                          (asks_container && is_emptied(a, peer, &place)));
}

/* A material link that is true by then and was asked for: an edge, unless it has ended. */
static inline enum weft_err take_edge(const struct around *a, struct link link)
{
    const struct weft_lineage_question *q = a->question;
    uint32_t rel = link.entry >> WEFT_LINEAGE_REL_SHIFT;
    uint32_t peer = link.entry & WEFT_LINEAGE_NODE_MASK;
    bool has_ended = false;
    if ((q->rels >> rel & 1) == 0 || weft_lineage_is_end(rel)) {
        return WEFT_OK;
    }
    bool can_end = (q->ending >> rel & 1) != 0;
    bool asks_container = can_end && a->is_forward && may_be_emptied(a->lineage, peer);
    if ((q->at_ns != INT64_MAX || a->edges->end_count > 0 || asks_container) &&
        is_over(a, link, can_end, asks_container, &has_ended)) {
        return WEFT_OK;
    }
    const struct weft_edge edge = {
        .peer = peer, .evidence = link.group, .rel = (uint8_t)rel, .has_ended = has_ended};
    return add_edge(a->edges, &edge);
}

static enum weft_err take_one(const struct around *a, struct link link)
{
    return take_edge(a, link);
}

/* Blocks of the list, newest first, into edges->refs. */
static enum weft_err find_blocks(
    const struct weft_lineage *l, uint32_t head, struct weft_edges *edges, uint32_t *ret_count)
{
    *ret_count = 0;
    for (uint32_t block = head; block != 0;
         block = weft_lineage_at_word(l->lists, block)[WEFT_LIST_OLDER]) {
        enum weft_err rv = add_ref(edges, ret_count, block);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}

/* The node's parents that the span has, oldest first. */
static enum weft_err walk_list(const struct around *a, uint32_t block_count, on_link *take)
{
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = block_count; i > 0 && rv == WEFT_OK; i--) {
        const uint32_t *block = weft_lineage_at_word(a->lineage->lists, a->edges->refs[i - 1]);
        uint32_t count = __atomic_load_n(&block[WEFT_LIST_COUNT], __ATOMIC_ACQUIRE);
        a->edges->looked += count;
        for (uint32_t j = 0; j < count && rv == WEFT_OK; j++) {
            struct link link = {
                block[WEFT_LIST_ENTRIES + 2 * j], block[WEFT_LIST_ENTRIES + 2 * j + 1]};
            if (link.group >= a->question->span.groups) {
                return WEFT_OK; /* Groups rise: all behind it are newer. */
            }
            rv = take(a, link);
        }
    }
    return rv;
}

static enum weft_err take_parents(const struct around *a, uint32_t node)
{
    const struct weft_lineage_node *n = weft_lineage_at_node(a->lineage, node);
    uint32_t head = __atomic_load_n(&n->forward, __ATOMIC_ACQUIRE);
    if ((head & WEFT_LINEAGE_ONE) != 0) {
        const struct link only = only_link(n, head);
        a->edges->looked++;
        return only.group < a->question->span.groups ? take_edge(a, only) : WEFT_OK;
    }
    uint32_t count;
    enum weft_err rv = find_blocks(a->lineage, head, a->edges, &count);
    bool has_ends =
        (__atomic_load_n(&n->known, __ATOMIC_ACQUIRE) & WEFT_LINEAGE_ENDS_OF_CHILD) != 0;
    if (rv == WEFT_OK && has_ends) {
        rv = walk_list(a, count, take_end);
        weft_edges_order_ends(a->edges);
    }
    return rv == WEFT_OK ? walk_list(a, count, take_one) : rv;
}

/* The node's children that the span has, oldest first. */
static enum weft_err walk_groups(const struct around *a, uint32_t group_count, on_link *take)
{
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = group_count; i > 0 && rv == WEFT_OK; i--) {
        uint32_t group = a->edges->refs[i - 1];
        const uint32_t *g = weft_lineage_at_group(a->lineage, group);
        uint32_t count = weft_group_count(g);
        a->edges->looked += count;
        for (uint32_t j = 0; j < count && rv == WEFT_OK; j++) {
            rv = take(a, (struct link){g[WEFT_GROUP_CHILDREN + j], group});
        }
    }
    return rv;
}

static enum weft_err take_children(const struct around *a, uint32_t node)
{
    const struct weft_lineage *l = a->lineage;
    const struct weft_lineage_node *n = weft_lineage_at_node(l, node);
    uint32_t count = 0;
    enum weft_err rv = WEFT_OK;
    for (uint32_t group = __atomic_load_n(&n->back, __ATOMIC_ACQUIRE); group != 0 && rv == WEFT_OK;
         group = weft_lineage_at_group(l, group)[WEFT_GROUP_OLDER]) {
        if (group < a->question->span.groups) {
            rv = add_ref(a->edges, &count, group);
        }
    }
    bool has_ends =
        (__atomic_load_n(&n->known, __ATOMIC_ACQUIRE) & WEFT_LINEAGE_ENDS_OF_PARENT) != 0;
    if (rv == WEFT_OK && has_ends) {
        rv = walk_groups(a, count, take_end);
        weft_edges_order_ends(a->edges);
    }
    return rv == WEFT_OK ? walk_groups(a, count, take_one) : rv;
}

enum weft_err weft_lineage_edges(const struct weft_lineage *lineage,
    const struct weft_lineage_question *question, const uint32_t *nodes, uint32_t count,
    bool is_forward, struct weft_edges *ret_edges, uint32_t *ret_ends, uint32_t *ret_done)
{
    const struct around around = {lineage, question, ret_edges, is_forward};
    enum weft_err rv = WEFT_OK;
    uint32_t done = 0;
    weft_assert(count > 0 && count <= WEFT_LINEAGE_BATCH);
    ret_edges->count = 0;
    for (; done < count && rv == WEFT_OK && (done == 0 || ret_edges->count < MANY_EDGES); done++) {
        ret_edges->end_count = 0;
        if (nodes[done] != 0) {
            rv = is_forward ? take_parents(&around, nodes[done])
                            : take_children(&around, nodes[done]);
        }
        ret_ends[done] = ret_edges->count;
    }
    *ret_done = done;
    return rv;
}
