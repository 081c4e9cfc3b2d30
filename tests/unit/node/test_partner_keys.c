#include <string.h>

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

/* --- a site that was set back and does not know ----------------------------------------------- */

/* A turn in which the customer hears of heads and of nothing under them. */
static void hear_heads(void)
{
    struct fake_conn *end = &fake.ends[RIG_OEM];
    for (uint32_t k = end->wire_count; k > 0; k--) {
        struct weft_envelope envelope;
        struct weft_buffer *message = &end->wire[k - 1];
        EXPECT_EQ(WEFT_OK, weft_envelope_decode((struct weft_bytes){message->data, message->size},
                               WEFT_STREAM_MESSAGE_SIZE_MAX, &envelope));
        if (envelope.kind == WEFT_KIND_STREAM_BATCH) {
            weft_buffer_destroy(message);
            memmove(message, message + 1, (end->wire_count - k) * sizeof(*message));
            end->wire_count--;
            end->wire[end->wire_count] = (struct weft_buffer){.data = NULL};
        }
    }
    for (uint32_t s = 0; s < 2; s++) {
        while (fake_tell(&fake.sites[s])) {
        }
        while (fake.ends[s].wire_count > 0 && s != RIG_OEM) {
            EXPECT_TRUE(fake_deliver(&fake.ends[s], 0));
        }
        while (fake_commit(&fake.sites[s])) {
        }
    }
    while (end->wire_count > 0) {
        struct weft_envelope envelope;
        EXPECT_EQ(
            WEFT_OK, weft_envelope_decode((struct weft_bytes){end->wire[0].data, end->wire[0].size},
                         WEFT_STREAM_MESSAGE_SIZE_MAX, &envelope));
        if (envelope.kind == WEFT_KIND_STREAM_BATCH) {
            break;
        }
        EXPECT_TRUE(fake_deliver(end, 0));
    }
    fake_turn(&fake, 10);
}

/* FED-13, NOD-243: it is asked where it stands before it signs, and what it hears stops it. */
TEST(partner_keys, a_site_that_was_set_back_signs_nothing_beside_a_head_that_its_partner_has)
{
    fake_open(&fake, rig_plant_create);
    struct weft_state *west = &fake.sites[RIG_SUPPLIER].state;
    struct weft_state *oem = &fake.sites[RIG_OEM].state;
    fake_state(&fake.sites[RIG_SUPPLIER], 0);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    const struct weft_provider backup = west->plant->provider;
    const uint64_t before = backup.stream.tree.size;
    for (uint64_t i = 1; i < 5; i++) {
        fake_state(&fake.sites[RIG_SUPPLIER], i);
    }
    for (int i = 0; i < 100 && oem->consumer.head.size == before; i++) {
        hear_heads();
    }
    EXPECT_EQ(before + 4, oem->consumer.head.size);
    EXPECT_EQ(before, oem->consumer.stream.tree.size);
    west->plant->provider = backup;
    fake_lead(&fake, &fake.sites[RIG_SUPPLIER], 1, 0);
    for (uint64_t i = 20; i < 28; i++) {
        fake_state(&fake.sites[RIG_SUPPLIER], i);
    }
    for (int i = 0; i < 50; i++) {
        while (fake_tell(&fake.sites[RIG_SUPPLIER]) || fake_commit(&fake.sites[RIG_SUPPLIER])) {
        }
        fake_turn(&fake, 10);
    }
    EXPECT_EQ(before, west->plant->provider.signed_head.size);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    EXPECT_EQ(before, west->plant->provider.signed_head.size);
    EXPECT_EQ(before + 4, west->plant->provider.fence.size);
    EXPECT_EQ(before + 4, oem->consumer.head.size);
    EXPECT_EQ(WEFT_CONSUMER_TAKES, oem->consumer.hold);
    fake_close(&fake);
}
