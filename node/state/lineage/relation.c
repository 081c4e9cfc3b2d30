#include "node/state/lineage/relation.h"

/* The link that names the record's only parent; WEFT_RELATION_OF_ASSET: none, or several. */
static int32_t find_parent(const struct weft_relation_link *links, uint32_t link_count)
{
    int32_t parent = WEFT_RELATION_OF_ASSET;
    for (uint32_t i = 0; i < link_count; i++) {
        if (links[i].rel != WEFT_REL_PARENT) {
            continue;
        }
        if (parent != WEFT_RELATION_OF_ASSET && links[parent].to != links[i].to) {
            return WEFT_RELATION_OF_ASSET;
        }
        parent = parent == WEFT_RELATION_OF_ASSET ? (int32_t)i : parent;
    }
    return parent;
}

static struct weft_relation relate(
    uint64_t asset, const struct weft_relation_link *links, uint32_t link, int32_t parent)
{
    const struct weft_rel_traits *traits = weft_thread_rel_traits(links[link].rel);
    struct weft_relation r = {.parent = asset,
        .child = links[link].to,
        .parent_link = WEFT_RELATION_OF_ASSET,
        .child_link = (int32_t)link,
        .link = link,
        .rel = links[link].rel};
    if (r.rel == WEFT_REL_EMPTIES) {
        r.parent = r.child; /* Of whatever is in it: no child has a name. */
        r.parent_link = (int32_t)link;
    } else if (traits->is_asset_inside) {
        r.parent = links[link].to;
        r.parent_link = (int32_t)link;
        r.child = asset;
        r.child_link = WEFT_RELATION_OF_ASSET;
    } else if (traits->uses_parent && parent != WEFT_RELATION_OF_ASSET) {
        r.parent = links[parent].to;
        r.parent_link = parent;
    }
    return r;
}

uint32_t weft_relations_of(uint64_t asset, const struct weft_relation_link *links,
    uint32_t link_count, struct weft_relation *ret)
{
    uint32_t present = 0, count = 0;
    for (uint32_t i = 0; i < link_count; i++) {
        present |= links[i].rel <= WEFT_REL_LINEAGE_LAST ? UINT32_C(1) << links[i].rel : 0;
    }
    present &= ~(UINT32_C(1) << WEFT_REL_OTHER);
    if (present == 0) {
        return 0;
    }
    int32_t parent = find_parent(links, link_count);
    for (unsigned rel = WEFT_REL_OTHER + 1; rel <= WEFT_REL_LINEAGE_LAST; rel++) {
        for (uint32_t i = 0; (present >> rel & 1) != 0 && i < link_count; i++) {
            if (links[i].rel == (enum weft_rel)rel) {
                ret[count++] = relate(asset, links, i, parent);
            }
        }
    }
    return count;
}
