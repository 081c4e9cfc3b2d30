#include "node/partner_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/node/partner_fake.h"

static struct fake fake; /* Large. */

/* All but what is proposed at the customer's. */
static void go_on(int turns)
{
    for (int i = 0; i < turns; i++) {
        for (uint32_t s = 0; s < 2; s++) {
            while (fake_tell(&fake.sites[s])) {
            }
            while (fake.ends[s].wire_count > 0) {
                EXPECT_TRUE(fake_deliver(&fake.ends[s], 0));
                weft_partners_work(fake.sites[s].nodes[fake.ends[s].node]);
            }
        }
        while (fake_commit(&fake.sites[RIG_SUPPLIER])) {
        }
        fake_turn(&fake, 10);
    }
}

/* Head and batch are applied before either is told of; the policy is asked as the batch is. */
TEST(partner_refusals, what_is_refused_as_it_is_applied_is_refused_to_the_partner)
{
    fake_open(&fake, rig_plant_create);
    struct fake_site *west = &fake.sites[RIG_SUPPLIER], *oem = &fake.sites[RIG_OEM];
    fake_connect(&fake);
    fake_state(west, 0);
    fake_settle(&fake, 100);
    EXPECT_TRUE(fake_is_even(&fake));
    oem->state.unwanted = oem->state.consumer.stream.tree.size;
    fake_state(west, 1);
    go_on(40);
    EXPECT_EQ(2, oem->log_count);
    fake_commit_all(oem);
    EXPECT_EQ(1, oem->state.consumer.quarantined);
    fake_settle(&fake, 100);
    go_on(5); /* The refusal is behind the receipt. */
    EXPECT_EQ(1, west->state.refused);
    fake_close(&fake);
}
