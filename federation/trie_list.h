/* federation/trie_list.h: a set of statement digests in their order, as it is compared (trie.h).
 *
 * For a set that is read once, compared and dropped: 32 bytes for a member, and the nodes of the
 * first four levels, 2.5 MB. What lies below those is worked out each time that it is asked for, of
 * the few members that are there; how much in all is bounded, since whoever is on the other side of
 * a comparison says what is looked at. */
#ifndef WEFT_FEDERATION_TRIE_LIST_H
#define WEFT_FEDERATION_TRIE_LIST_H

#include "federation/trie.h"

enum {
    WEFT_TRIE_LIST_MEMBERS_MAX = 1 << 22, /* chosen: 128 MiB */
    WEFT_TRIE_LIST_LEVELS = 4,            /* specified: 65,536 nodes on the last */
    /* Hashes that one comparison may ask for below them. Chosen: 2 s of a processor, and some
     * thousand differences among WEFT_TRIE_LIST_MEMBERS_MAX. */
    WEFT_TRIE_LIST_WORK_MAX = 4 * 1024 * 1024,
};

struct weft_trie_list_node {
    struct weft_digest hash;
    uint32_t count; /* Members below it. */
};

/* Embed by value; zero-initialized is the empty set. Owns its memory. */
struct weft_trie_list {
    struct weft_digest *members;
    uint32_t count, capacity;
    struct weft_trie_list_node *nodes; /* Level by level; NULL: not sealed. */
    uint64_t work;                     /* Hashes that may still be worked out. */
};

/* Behind all that were added. WEFT_EINVAL: it is not; WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_trie_list_add(
    struct weft_trie_list *list, const struct weft_digest *member);
/* All were added: the nodes are made. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_trie_list_seal(struct weft_trie_list *list);
/* Of one that is sealed, which is kept as its ctx. WEFT_ETOOBIG: more was asked for than may be. */
struct weft_trie_view weft_trie_list_view(struct weft_trie_list *list);
void weft_trie_list_destroy(struct weft_trie_list *list);

#endif
