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

#endif
