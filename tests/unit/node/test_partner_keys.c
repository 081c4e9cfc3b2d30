#include "node/partner_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/node/partner_fake.h"

static struct fake fake; /* Large. */

/* He signs by keys that this site hears of a little later: he is left alone no longer than that. */
TEST(partner_keys, other_keys_of_a_partner_end_that_he_is_left_alone)
{
    fake_open(&fake, rig_plant_create);
    struct weft_state *oem = &fake.sites[RIG_OEM].state;
    struct weft_terms older = oem->terms;
    older.their_heads.verifiers = oem->keys[0]; /* Not his. */
    oem->older = &older;
    for (uint64_t i = 0; i < 5; i++) {
        fake_state(&fake.sites[RIG_SUPPLIER], i);
    }
    fake_connect(&fake);
    for (int i = 0; i < 10; i++) {
        fake_settle(&fake, 20);
        fake_turn(&fake, 1000);
    }
    EXPECT_EQ(0, oem->consumer.stream.tree.size);
    oem->older = NULL;
    uint64_t told_ms = fake.now_ms;
    fake_settle(&fake, 100);
    EXPECT_EQ(6, oem->consumer.stream.tree.size);
    EXPECT_TRUE(fake.now_ms - told_ms < WEFT_PARTNER_STOPPED_MS / 4);
    fake_close(&fake);
}
