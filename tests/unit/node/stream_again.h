/* tests/unit/node/stream_again.h: statements that a site tells again and again. */
#ifndef WEFT_TESTS_UNIT_NODE_STREAM_AGAIN_H
#define WEFT_TESTS_UNIT_NODE_STREAM_AGAIN_H

#include "tests/unit/node/stream_rig.h"

/* That leaf of its stream so many times more behind the last one, as no honest site does. */
void rig_tell_again(struct rig_site *site, uint64_t sequence, int times);
/* What stands in that place of what the supplier sends, as an item; and which statement it is. */
struct weft_buffer rig_item_at(
    struct rig_pair *pair, uint64_t sequence, struct weft_digest *ret_digest);
/* FILE of that item, of the supplier's. */
enum weft_err rig_refile(struct rig_site *site, uint64_t sequence, const struct weft_digest *digest,
    struct weft_bytes item);

/* Where that statement was told last, as the site has it; UINT64_MAX: nowhere. */
uint64_t rig_place(
    struct rig_site *site, enum weft_direction direction, const struct weft_digest *statement);
/* Does the row say that its statement was told at `earlier` - 1 before, so many times in all? */
bool rig_links(struct rig_site *site, enum weft_direction direction, uint64_t sequence,
    uint64_t earlier, uint32_t told);

/* A copy of a site's state, which has so many of its entries. */
struct rig_twin {
    struct fixture f;
    uint32_t taped;
};

void rig_twin_open(struct rig_twin *twin, struct rig_site *site, const char *name);
/* What the site has applied since, entry by entry, makes the same of the copy in one write batch,
 * byte for byte. The copy is closed. */
void rig_twin_expect_same(struct rig_twin *twin, struct rig_site *site);

#endif
