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

/* He acknowledges by such keys: his receipt is not forgotten. */
TEST(partner_keys, a_receipt_by_keys_that_are_told_later_is_asked_for)
{
    fake_open(&fake, rig_plant_create);
    struct weft_state *west = &fake.sites[RIG_SUPPLIER].state;
    struct weft_terms older = west->terms;
    older.their_receipts.verifiers = west->keys[0]; /* Not his. */
    west->older = &older;
    fake_state(&fake.sites[RIG_SUPPLIER], 0);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    EXPECT_EQ(2, fake.sites[RIG_OEM].state.consumer.stream.tree.size);
    EXPECT_EQ(0, west->plant->provider.receipt.size);
    west->older = NULL;
    uint64_t told_ms = fake.now_ms;
    fake_settle(&fake, 1000);
    EXPECT_TRUE(fake_is_even(&fake));
    EXPECT_TRUE(fake.now_ms - told_ms < WEFT_PARTNER_ASK_MS);
    fake_close(&fake);
}
