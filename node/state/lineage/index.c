/* The adding side of the index. */
#include <stdlib.h>
#include <string.h>

#include "node/state/lineage/memory.h"
#include "proto/check.h"

enum {
    PENDING_FIRST = 256,
    PENDING_KEPT_MAX = 65536, /* More is given back after the apply that needed it. */
    LIST_CAPACITY_FIRST = 4,
};

_Static_assert(WEFT_REL_LINEAGE_LAST < 16, "a rel fits beside a node");

struct weft_lineage *weft_lineage_create(uint64_t limit_bytes)
{
    struct weft_lineage *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return NULL;
    }
    atomic_init(&l->refs, 1);
    atomic_init(&l->has_events, false);
    l->stats.limit_bytes = limit_bytes;
    l->group_end = l->list_end = l->name_end = 1; /* 0 is none. */
    return l;
}

void weft_lineage_retain(struct weft_lineage *lineage)
{
    atomic_fetch_add(&lineage->refs, 1);
}

void weft_lineage_note_events(struct weft_lineage *lineage)
{
    atomic_store(&lineage->has_events, true);
}

static void free_all(void *const *chunks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free(chunks[i]);
    }
}

void weft_lineage_release(struct weft_lineage *lineage)
{
    if (lineage == NULL || atomic_fetch_sub(&lineage->refs, 1) > 1) {
        return;
    }
    free_all((void *const *)lineage->map, WEFT_LINEAGE_MAP_CHUNKS);
    free_all((void *const *)lineage->nodes, WEFT_LINEAGE_NODE_CHUNKS);
    free_all((void *const *)lineage->groups, WEFT_LINEAGE_WORD_CHUNKS);
    free_all((void *const *)lineage->lists, WEFT_LINEAGE_WORD_CHUNKS);
    free_all((void *const *)lineage->names, WEFT_LINEAGE_NAME_CHUNKS);
    free_all((void *const *)lineage->marks, WEFT_LINEAGE_MARK_CHUNKS);
    free(lineage->pending);
    free(lineage);
}

void weft_lineage_stats(const struct weft_lineage *lineage, struct weft_lineage_stats *ret_stats)
{
    *ret_stats = lineage->stats;
}

/* --- memory ---------------------------------------------------------------------------------- */

/* The chunk is there, or made. False: at the limit, or no memory. */
static bool have_chunk(
    struct weft_lineage *l, void **chunks, uint64_t chunk, uint64_t chunk_max, size_t size)
{
    if (chunk < chunk_max && chunks[chunk] != NULL) {
        return true;
    }
    if (chunk >= chunk_max || l->stats.used_bytes + size > l->stats.limit_bytes) {
        return false;
    }
    void *memory = calloc(1, size);
    if (memory == NULL) {
        return false;
    }
    __atomic_store_n(&chunks[chunk], memory, __ATOMIC_RELEASE);
    l->stats.used_bytes += size;
    return true;
}

/* Room for `count` items in a row, which lie in one chunk. 0: there is none. */
static uint32_t reserve(struct weft_lineage *l, void **chunks, uint32_t chunk_max, unsigned bits,
    size_t item_size, uint32_t *end, uint32_t count)
{
    uint64_t size = UINT64_C(1) << bits, offset = *end;
    if ((offset & (size - 1)) + count > size) {
        offset = (offset | (size - 1)) + 1;
    }
    if (!have_chunk(l, chunks, offset >> bits, chunk_max, item_size << bits)) {
        return 0;
    }
    *end = (uint32_t)(offset + count);
    return (uint32_t)offset;
}

static uint32_t reserve_words(
    struct weft_lineage *l, uint32_t **chunks, uint32_t *end, uint32_t count)
{
    return reserve(l, (void **)chunks, WEFT_LINEAGE_WORD_CHUNKS, WEFT_LINEAGE_WORD_BITS,
        sizeof(uint32_t), end, count);
}

/* --- nodes ----------------------------------------------------------------------------------- */

static bool set_name(struct weft_lineage *l, struct weft_lineage_node *node, struct weft_text name)
{
    if (name.size == 0 || node->name != 0) {
        return true;
    }
    weft_assert(name.size <= UINT8_MAX); /* NOD-101 */
    uint32_t offset = reserve(l, (void **)l->names, WEFT_LINEAGE_NAME_CHUNKS,
        WEFT_LINEAGE_NAME_BITS, 1, &l->name_end, (uint32_t)name.size + 1);
    if (offset == 0) {
        return false;
    }
    uint8_t *p =
        &l->names[offset >> WEFT_LINEAGE_NAME_BITS][offset & ((1U << WEFT_LINEAGE_NAME_BITS) - 1)];
    *p = (uint8_t)name.size;
    memcpy(p + 1, name.data, name.size);
    __atomic_store_n(&node->name, offset, __ATOMIC_RELEASE);
    return true;
}

/* The asset's node, made if need be. 0: at the limit. */
static uint32_t node_of(struct weft_lineage *l, uint64_t asset, const struct weft_lineage_end *end)
{
    const uint32_t mask = (1U << WEFT_LINEAGE_MAP_BITS) - 1;
    if (asset > WEFT_LINEAGE_ASSETS_MAX ||
        !have_chunk(l, (void **)l->map, asset >> WEFT_LINEAGE_MAP_BITS, WEFT_LINEAGE_MAP_CHUNKS,
            sizeof(uint32_t) << WEFT_LINEAGE_MAP_BITS)) {
        return 0;
    }
    uint32_t *place = &l->map[asset >> WEFT_LINEAGE_MAP_BITS][asset & mask];
    if (*place != 0) {
        return *place;
    }
    uint32_t number = l->node_count + 1;
    if (number > WEFT_LINEAGE_NODES_MAX ||
        !have_chunk(l, (void **)l->nodes, number >> WEFT_LINEAGE_NODE_BITS,
            WEFT_LINEAGE_NODE_CHUNKS, sizeof(struct weft_lineage_node) << WEFT_LINEAGE_NODE_BITS)) {
        return 0;
    }
    struct weft_lineage_node *node = weft_lineage_at_node(l, number);
    node->asset = (uint32_t)asset;
    node->known = end != NULL && end->is_known ? 1 : 0;
    if (end != NULL && !set_name(l, node, end->name)) {
        return 0;
    }
    l->node_count = number;
    l->stats.nodes = number;
    __atomic_store_n(place, number, __ATOMIC_RELEASE);
    return number;
}

static void set_bits(uint32_t *word, uint32_t bits)
{
    __atomic_store_n(word, *word | bits, __ATOMIC_RELEASE);
}

/* --- lists of parents ------------------------------------------------------------------------ */

static uint32_t new_block(struct weft_lineage *l, uint32_t older, uint32_t capacity)
{
    uint32_t offset = reserve_words(l, l->lists, &l->list_end, WEFT_LIST_ENTRIES + 2 * capacity);
    if (offset != 0) {
        uint32_t *block = weft_lineage_at_word(l->lists, offset);
        block[WEFT_LIST_OLDER] = older;
        block[WEFT_LIST_CAPACITY] = capacity;
    }
    return offset;
}

static void append(uint32_t *block, uint32_t entry, uint32_t group)
{
    uint32_t count = block[WEFT_LIST_COUNT];
    weft_assert(count < block[WEFT_LIST_CAPACITY]); /* NOD-110 */
    block[WEFT_LIST_ENTRIES + 2 * count] = entry;
    block[WEFT_LIST_ENTRIES + 2 * count + 1] = group;
    __atomic_store_n(&block[WEFT_LIST_COUNT], count + 1, __ATOMIC_RELEASE);
}

/* The child's list has this group as well. */
static bool add_parent(struct weft_lineage *l, uint32_t child, uint32_t entry, uint32_t group)
{
    struct weft_lineage_node *node = weft_lineage_at_node(l, child);
    uint32_t head = node->forward;
    if (head == 0) {
        node->only = entry;
        __atomic_store_n(&node->forward, WEFT_LINEAGE_ONE | group, __ATOMIC_RELEASE);
        return true;
    }
    if ((head & WEFT_LINEAGE_ONE) != 0) {
        uint32_t offset = new_block(l, 0, LIST_CAPACITY_FIRST);
        if (offset == 0) {
            return false;
        }
        uint32_t *block = weft_lineage_at_word(l->lists, offset);
        append(block, node->only, head & ~WEFT_LINEAGE_ONE);
        append(block, entry, group);
        __atomic_store_n(&node->forward, offset, __ATOMIC_RELEASE);
        return true;
    }
    uint32_t *block = weft_lineage_at_word(l->lists, head);
    uint32_t capacity = block[WEFT_LIST_CAPACITY];
    if (block[WEFT_LIST_COUNT] < capacity) {
        append(block, entry, group);
        return true;
    }
    uint32_t offset =
        new_block(l, head, capacity < WEFT_LIST_CAPACITY_MAX ? 2 * capacity : capacity);
    if (offset == 0) {
        return false;
    }
    append(weft_lineage_at_word(l->lists, offset), entry, group);
    __atomic_store_n(&node->forward, offset, __ATOMIC_RELEASE);
    return true;
}

/* --- groups ---------------------------------------------------------------------------------- */

static bool mark(struct weft_lineage *l, uint64_t index, uint32_t offset)
{
    if (l->groups_since_mark > 0) {
        l->groups_since_mark--;
        return true;
    }
    if (!have_chunk(l, (void **)l->marks, l->mark_count >> WEFT_LINEAGE_MARK_BITS,
            WEFT_LINEAGE_MARK_CHUNKS, sizeof(struct weft_lineage_mark) << WEFT_LINEAGE_MARK_BITS)) {
        return false;
    }
    l->marks[l->mark_count >> WEFT_LINEAGE_MARK_BITS]
            [l->mark_count & ((1U << WEFT_LINEAGE_MARK_BITS) - 1)] =
        (struct weft_lineage_mark){.index = index, .offset = offset};
    __atomic_store_n(&l->mark_count, l->mark_count + 1, __ATOMIC_RELEASE);
    l->groups_since_mark = WEFT_LINEAGE_MARK_GROUPS - 1;
    return true;
}

/* A group of `count` children, whose words the caller fills in before it is linked. 0: none. */
static uint32_t begin_group(
    struct weft_lineage *l, const struct weft_ref *place, uint32_t parent, uint32_t count)
{
    if (place->index > WEFT_LINEAGE_INDEX_MAX) {
        return 0;
    }
    uint32_t offset = reserve_words(l, l->groups, &l->group_end, WEFT_GROUP_CHILDREN + count);
    if (offset == 0 || !mark(l, place->index, offset)) {
        return 0;
    }
    uint32_t *group = weft_lineage_at_word(l->groups, offset);
    uint32_t in_pack = place->ordinal - place->first;
    weft_assert(in_pack <= UINT16_MAX); /* NOD-110: a pack of 4 KiB has fewer records */
    group[WEFT_GROUP_COUNT] = count | in_pack << 16;
    group[WEFT_GROUP_PARENT] = parent;
    group[WEFT_GROUP_OLDER] = weft_lineage_at_node(l, parent)->back;
    weft_group_set_u64(group, WEFT_GROUP_AT, (uint64_t)place->at_ns);
    weft_group_set_u64(
        group, WEFT_GROUP_PLACE, weft_lineage_pack_place(place->index, place->ordinal));
    return offset;
}

static bool link_group(struct weft_lineage *l, uint32_t offset)
{
    const uint32_t *group = weft_lineage_at_group(l, offset);
    struct weft_lineage_node *parent = weft_lineage_at_node(l, group[WEFT_GROUP_PARENT]);
    for (uint32_t i = 0; i < weft_group_count(group); i++) {
        uint32_t word = group[WEFT_GROUP_CHILDREN + i];
        uint32_t child = word & WEFT_LINEAGE_NODE_MASK;
        if (weft_lineage_is_end(word >> WEFT_LINEAGE_REL_SHIFT)) {
            set_bits(&parent->known, WEFT_LINEAGE_ENDS_OF_PARENT);
            set_bits(&weft_lineage_at_node(l, child)->known, WEFT_LINEAGE_ENDS_OF_CHILD);
        }
        uint32_t entry = group[WEFT_GROUP_PARENT] | (word & ~WEFT_LINEAGE_NODE_MASK);
        if (!add_parent(l, child, entry, offset)) {
            return false;
        }
    }
    __atomic_store_n(&parent->back, offset, __ATOMIC_RELEASE);
    l->stats.groups++;
    l->stats.edges += weft_group_count(group);
    return true;
}

/* The first of the pending, and those of the same record and parent behind it. */
static bool add_group(struct weft_lineage *l, const struct weft_lineage_pending *pending,
    uint32_t count, uint32_t first)
{
    struct weft_ref place = pending->place;
    place.first = first;
    uint32_t parent = node_of(l, pending->parent, &pending->parent_end);
    uint32_t offset = parent != 0 ? begin_group(l, &place, parent, count) : 0;
    if (offset == 0) {
        return false;
    }
    uint32_t *words = weft_lineage_at_word(l->groups, offset);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t child = node_of(l, pending[i].child, &pending[i].child_end);
        if (child == 0) {
            return false;
        }
        words[WEFT_GROUP_CHILDREN + i] = child | (uint32_t)pending[i].rel << WEFT_LINEAGE_REL_SHIFT;
    }
    return link_group(l, offset);
}

static void note_record(struct weft_lineage *l, uint64_t asset)
{
    uint64_t chunk = asset >> WEFT_LINEAGE_MAP_BITS;
    uint32_t number = chunk < WEFT_LINEAGE_MAP_CHUNKS && l->map[chunk] != NULL
                          ? l->map[chunk][asset & ((1U << WEFT_LINEAGE_MAP_BITS) - 1)]
                          : 0;
    if (number != 0) {
        struct weft_lineage_node *node = weft_lineage_at_node(l, number);
        if ((node->known & WEFT_LINEAGE_KNOWN_MASK) == 0) {
            set_bits(&node->known, l->group_end);
        }
    }
}

static void give_up(struct weft_lineage *l)
{
    l->stats.is_given_up = true;
    l->pending_count = 0;
    free(l->pending);
    l->pending = NULL;
    l->pending_capacity = 0;
}

/* --- staging --------------------------------------------------------------------------------- */

static struct weft_lineage_pending *next_pending(struct weft_lineage *l)
{
    if (l->stats.is_given_up || l->wants_to_give_up) {
        return NULL;
    }
    if (l->pending_count == l->pending_capacity) {
        uint32_t capacity = l->pending_capacity == 0 ? PENDING_FIRST : 2 * l->pending_capacity;
        struct weft_lineage_pending *pending = realloc(l->pending, capacity * sizeof(*pending));
        if (pending == NULL) {
            l->wants_to_give_up = true;
            return NULL;
        }
        l->pending = pending;
        l->pending_capacity = capacity;
    }
    return &l->pending[l->pending_count++];
}

void weft_lineage_stage(struct weft_lineage *lineage, const struct weft_ref *place,
    const struct weft_relation *relation, const struct weft_lineage_end *parent,
    const struct weft_lineage_end *child)
{
    struct weft_lineage_pending *pending = next_pending(lineage);
    if (pending != NULL) {
        *pending = (struct weft_lineage_pending){.parent = relation->parent,
            .child = relation->child,
            .place = *place,
            .parent_end = *parent,
            .child_end = *child,
            .rel = relation->rel};
    }
}

void weft_lineage_stage_record(
    struct weft_lineage *lineage, const struct weft_ref *place, uint64_t asset)
{
    struct weft_lineage_pending *pending = next_pending(lineage);
    if (pending != NULL) {
        *pending = (struct weft_lineage_pending){.parent = asset, .place = *place};
    }
}

static bool is_same_group(
    const struct weft_lineage_pending *a, const struct weft_lineage_pending *b)
{
    return b->child != 0 && a->parent == b->parent && a->place.index == b->place.index &&
           a->place.ordinal == b->place.ordinal;
}

bool weft_lineage_publish(
    struct weft_lineage *lineage, uint32_t (*first)(void *ctx, uint32_t record), void *ctx)
{
    struct weft_lineage *l = lineage;
    if (l->stats.is_given_up) {
        return true;
    }
    bool fits = !l->wants_to_give_up;
    uint32_t record = 0;
    for (uint32_t i = 0; fits && i < l->pending_count;) {
        const struct weft_lineage_pending *pending = &l->pending[i];
        uint32_t count = 1;
        if (pending->child == 0) {
            note_record(l, pending->parent);
            record++;
        } else {
            while (i + count < l->pending_count && is_same_group(pending, &pending[count])) {
                count++;
            }
            fits = add_group(l, pending, count, first(ctx, record));
        }
        i += count;
    }
    if (!fits) {
        give_up(l);
        return false;
    }
    l->pending_count = 0;
    if (l->pending_capacity > PENDING_KEPT_MAX) {
        free(l->pending);
        l->pending = NULL;
        l->pending_capacity = 0;
    }
    return true;
}

/* --- loading --------------------------------------------------------------------------------- */

static uint32_t first_of_loaded(void *ctx, uint32_t record)
{
    (void)record;
    return *(const uint32_t *)ctx;
}

void weft_lineage_add(struct weft_lineage *lineage, const struct weft_ref *place,
    const struct weft_relation *relations, uint32_t relation_count)
{
    static const struct weft_lineage_end nameless;
    uint32_t first = place->first;
    for (uint32_t i = 0; i < relation_count; i++) {
        weft_lineage_stage(lineage, place, &relations[i], &nameless, &nameless);
    }
    (void)weft_lineage_publish(lineage, first_of_loaded, &first);
}

void weft_lineage_set_name(struct weft_lineage *lineage, uint64_t asset, struct weft_text name)
{
    const struct weft_lineage_span span = weft_lineage_span(lineage);
    uint32_t node = weft_lineage_node(lineage, span, asset);
    if (node != 0 && !lineage->stats.is_given_up &&
        !set_name(lineage, weft_lineage_at_node(lineage, node), name)) {
        give_up(lineage);
    }
}

struct arrival {
    uint64_t index;
    uint32_t node;
};

static int compare_arrivals(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

void weft_lineage_set_known(
    struct weft_lineage *lineage, const uint64_t *first_index, uint64_t asset_max)
{
    struct arrival *arrivals = calloc((size_t)lineage->node_count + 1, sizeof(*arrivals));
    if (arrivals == NULL) {
        give_up(lineage);
        return;
    }
    uint32_t count = 0, group = 1;
    for (uint32_t node = 1; node <= lineage->node_count; node++) {
        uint64_t asset = weft_lineage_at_node(lineage, node)->asset;
        if (asset <= asset_max && first_index[asset] != 0) {
            arrivals[count++] = (struct arrival){first_index[asset], node};
        }
    }
    qsort(arrivals, count, sizeof(*arrivals), compare_arrivals);
    for (uint32_t i = 0; i < count; i++) {
        group = weft_lineage_end_of_index(lineage, group, lineage->group_end, arrivals[i].index);
        set_bits(&weft_lineage_at_node(lineage, arrivals[i].node)->known, group);
    }
    free(arrivals);
}
