#include "tests/unit/node/stream_again.h"

#include "node/state/machine.h"
#include "node/state/streams_parts.h"
#include "tests/lib/test.h"

void rig_tell_again(struct rig_site *site, uint64_t sequence, int times)
{
    struct weft_accord *accord = weft_state_streams(site->f.state)->accords[0];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    EXPECT_EQ(WEFT_OK, weft_flow_get(site->f.state->store, NULL, 0, WEFT_SENT, sequence, &value,
                           &leaf, &site->msg));
    struct weft_store_batch *batch = weft_store_batch_create();
    for (int i = 1; i <= times; i++) {
        struct weft_stream_leaf again = leaf.leaf;
        EXPECT_EQ(
            WEFT_STREAM_SOUND, weft_provider_append(&accord->sent.provider, &again, &site->msg));
        struct weft_flow_leaf row = {.leaf = again, .content = leaf.content};
        if (i < WEFT_FLOW_TOLD_MAX) {
            row.earlier = sequence + (uint64_t)i;
            row.told = (uint32_t)i;
        }
        EXPECT_EQ(WEFT_OK, weft_flow_append(&accord->flows[WEFT_SENT], &row, batch, &site->msg));
    }
    EXPECT_EQ(WEFT_OK, weft_store_write(site->f.state->store, batch, &site->msg));
    weft_streams_settle(weft_state_streams(site->f.state));
    weft_store_batch_destroy(batch);
    weft_store_release(&value);
}
