/* node/state/lineage/memory.h: what struct weft_lineage holds: for the files of the index alone.
 *
 * Arrays that grow without moving: a table of chunks, each published by a release and found by
 * an acquire. Offsets of groups and lists count words of 4 bytes. */
#ifndef WEFT_NODE_STATE_LINEAGE_MEMORY_H
#define WEFT_NODE_STATE_LINEAGE_MEMORY_H

#include <stdatomic.h>

#include "node/state/lineage/index.h"

enum {
    WEFT_LINEAGE_MAP_BITS = 14,  /* assets to a chunk of the map, 64 KiB */
    WEFT_LINEAGE_NODE_BITS = 13, /* nodes to a chunk, 192 KiB */
    WEFT_LINEAGE_WORD_BITS = 16, /* words to a chunk of groups or lists, 256 KiB */
    WEFT_LINEAGE_NAME_BITS = 18, /* bytes to a chunk of names */
    WEFT_LINEAGE_MARK_BITS = 12, /* marks to a chunk, 64 KiB */
    WEFT_LINEAGE_MAP_CHUNKS = 1 << (32 - WEFT_LINEAGE_MAP_BITS),
    WEFT_LINEAGE_NODE_CHUNKS = 1 << (28 - WEFT_LINEAGE_NODE_BITS),
    WEFT_LINEAGE_WORD_CHUNKS = (1 << (30 - WEFT_LINEAGE_WORD_BITS)) - 1, /* 4 GiB */
    WEFT_LINEAGE_NAME_CHUNKS = 1 << (32 - WEFT_LINEAGE_NAME_BITS),
    WEFT_LINEAGE_MARK_CHUNKS = 1024,
    WEFT_LINEAGE_MARK_GROUPS = 256, /* groups from one mark to the next; looked through in 2 us */
};

/* A group: its words, then a word for each child: node and, in the upper 4 bits, rel. */
enum {
    WEFT_GROUP_COUNT, /* Of children, 16 bits; above, the record's place in its pack. 0: the rest of
                       * the chunk is not used. */
    WEFT_GROUP_PARENT,
    WEFT_GROUP_OLDER,                     /* The parent's group before; 0: none. */
    WEFT_GROUP_AT,                        /* Two words. */
    WEFT_GROUP_PLACE = WEFT_GROUP_AT + 2, /* Two words: index * 2^24 + ordinal. */
    WEFT_GROUP_CHILDREN = WEFT_GROUP_PLACE + 2,
};

/* A block of a node's list of parents: its words, then two for each: node and rel, group. */
enum {
    WEFT_LIST_OLDER,
    WEFT_LIST_CAPACITY,
    WEFT_LIST_COUNT, /* Atomic. */
    WEFT_LIST_ENTRIES,
    WEFT_LIST_CAPACITY_MAX = 4096,
};

#define WEFT_LINEAGE_REL_SHIFT 28
#define WEFT_LINEAGE_NODE_MASK WEFT_LINEAGE_NODES_MAX
#define WEFT_LINEAGE_ONE (UINT32_C(1) << 31)            /* In `forward`: the one group itself. */
#define WEFT_LINEAGE_ENDS_OF_PARENT (UINT32_C(1) << 31) /* In `known`. */
#define WEFT_LINEAGE_ENDS_OF_CHILD (UINT32_C(1) << 30)
#define WEFT_LINEAGE_KNOWN_MASK (WEFT_LINEAGE_ENDS_OF_CHILD - 1)
#define WEFT_LINEAGE_ORDINAL_BITS 24

struct weft_lineage_node { /* 24 bytes. */
    uint32_t asset;
    uint32_t name;    /* Offset; 0: none. Its size is the byte there. Atomic. */
    uint32_t back;    /* Its newest group; 0: none. Atomic. */
    uint32_t forward; /* Its newest block, or ONE and a group; 0: none. Atomic. */
    uint32_t only;    /* Once `forward` has ONE: parent and rel, as a list has them. */
    uint32_t known;   /* End of the groups when its first own record came; 0: none did. Atomic. */
};

struct weft_lineage_mark {
    uint64_t index; /* Of the group at `offset`; all before it have this index or less. */
    uint32_t offset;
};

struct weft_lineage_pending {
    uint64_t parent;
    uint64_t child; /* 0: only tells that the parent has a record of its own. */
    struct weft_ref place;
    struct weft_lineage_end parent_end;
    struct weft_lineage_end child_end;
    enum weft_rel rel;
};

struct weft_lineage {
    atomic_uint refs;
    atomic_bool has_events;
    struct weft_lineage_stats stats;
    bool wants_to_give_up;
    struct weft_lineage_pending *pending;
    uint32_t pending_count;
    uint32_t pending_capacity;
    /* Of the adding thread; readers have a span. */
    uint32_t group_end;
    uint32_t list_end;
    uint32_t name_end;
    uint32_t node_count;
    uint32_t groups_since_mark;
    uint32_t mark_count; /* Atomic. */
    /* Atomic, each. */
    uint32_t *map[WEFT_LINEAGE_MAP_CHUNKS];
    struct weft_lineage_node *nodes[WEFT_LINEAGE_NODE_CHUNKS];
    uint32_t *groups[WEFT_LINEAGE_WORD_CHUNKS];
    uint32_t *lists[WEFT_LINEAGE_WORD_CHUNKS];
    uint8_t *names[WEFT_LINEAGE_NAME_CHUNKS];
    struct weft_lineage_mark *marks[WEFT_LINEAGE_MARK_CHUNKS];
};

static inline struct weft_lineage_node *weft_lineage_at_node(
    const struct weft_lineage *l, uint32_t node)
{
    struct weft_lineage_node *chunk =
        __atomic_load_n(&l->nodes[node >> WEFT_LINEAGE_NODE_BITS], __ATOMIC_ACQUIRE);
    return &chunk[node & ((1U << WEFT_LINEAGE_NODE_BITS) - 1)];
}

static inline uint32_t *weft_lineage_at_word(uint32_t *const *chunks, uint32_t offset)
{
    uint32_t *chunk = __atomic_load_n(&chunks[offset >> WEFT_LINEAGE_WORD_BITS], __ATOMIC_ACQUIRE);
    return &chunk[offset & ((1U << WEFT_LINEAGE_WORD_BITS) - 1)];
}

static inline const uint32_t *weft_lineage_at_group(const struct weft_lineage *l, uint32_t group)
{
    return weft_lineage_at_word(l->groups, group);
}

static inline const uint8_t *weft_lineage_at_name(const struct weft_lineage *l, uint32_t name)
{
    const uint8_t *chunk =
        __atomic_load_n(&l->names[name >> WEFT_LINEAGE_NAME_BITS], __ATOMIC_ACQUIRE);
    return &chunk[name & ((1U << WEFT_LINEAGE_NAME_BITS) - 1)];
}

/* Where the groups of `index` and below end, of those from the end of one, `from`, up to `groups`.
 * What is left free at the end of a chunk belongs to none. */
uint32_t weft_lineage_end_of_index(
    const struct weft_lineage *lineage, uint32_t from, uint32_t groups, uint64_t index);

static inline uint32_t weft_group_count(const uint32_t *group)
{
    return group[WEFT_GROUP_COUNT] & UINT16_MAX;
}

static inline uint64_t weft_group_u64(const uint32_t *group, unsigned word)
{
    return (uint64_t)group[word] | (uint64_t)group[word + 1] << 32;
}

static inline void weft_group_set_u64(uint32_t *group, unsigned word, uint64_t value)
{
    group[word] = (uint32_t)value;
    group[word + 1] = (uint32_t)(value >> 32);
}

static inline uint64_t weft_lineage_pack_place(uint64_t index, uint32_t ordinal)
{
    return index << WEFT_LINEAGE_ORDINAL_BITS | ordinal;
}

static inline bool weft_lineage_is_end(uint32_t rel)
{
    return rel > WEFT_REL_MATERIAL_LAST;
}

#endif
