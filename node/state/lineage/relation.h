/* node/state/lineage/relation.h: what the links of one record say about what is inside what.
 *
 * Pure, and the one place that knows: the index in memory and the answers from the store both
 * get their edges here. The classes of rels are those of proto/thread.h. */
#ifndef WEFT_NODE_STATE_LINEAGE_RELATION_H
#define WEFT_NODE_STATE_LINEAGE_RELATION_H

#include <stdint.h>

#include "proto/thread.h"

struct weft_relation_link {
    uint64_t to;
    enum weft_rel rel;
};

enum {
    WEFT_RELATION_OF_ASSET = -1 /* The end is the record's asset, no link's target. */
};

/* From `at` on the child is inside the parent, or, if the rel is an END, no longer. Of EMPTIES both
 * are what was emptied. */
struct weft_relation {
    uint64_t parent;
    uint64_t child;
    int32_t parent_link; /* Whose target it is, or WEFT_RELATION_OF_ASSET. */
    int32_t child_link;
    uint32_t link; /* That states it. */
    enum weft_rel rel;
};

/* Relations of a record about `asset`, ordered by rel, then by link; at most one per link.
 * Returns their number. `ret` has room for link_count. */
uint32_t weft_relations_of(uint64_t asset, const struct weft_relation_link *links,
    uint32_t link_count, struct weft_relation *ret);

#endif
