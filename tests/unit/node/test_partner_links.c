#include <string.h>

#include "node/partner_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/node/partner_fake.h"

/* Two partners that call each other have two connections, and what is said on one may be heard
 * behind what was said later on the other: a site that stood still for a while reads what came
 * meanwhile connection by connection. */

static struct fake fake; /* Large. */
static struct fake_conn other[2];

static void open_both(void)
{
    fake_open(&fake, rig_plant_create);
    fake_state(&fake.sites[RIG_SUPPLIER], 0);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    EXPECT_TRUE(fake_is_even(&fake));
    memset(other, 0, sizeof(other));
    for (uint32_t i = 0; i < 2; i++) {
        other[i] = fake.ends[i];
        memset(other[i].wire, 0, sizeof(other[i].wire));
        other[i].wire_count = 0;
        other[i].other = &other[1 - i];
        other[i].is_dialled = !fake.ends[i].is_dialled;
        weft_partners_up(other[i].site->nodes[other[i].node], &other[i], rig_site(1 - i));
    }
}

static void hear_all(struct fake_conn *end)
{
    while (end->wire_count > 0) {
        EXPECT_TRUE(fake_deliver(end, 0));
    }
}

/* The hello before the one that counts at the OEM, as the supplier hears it now. */
static void hear_old_hello(void)
{
    const struct weft_consumer *consumer = &fake.sites[RIG_OEM].state.consumer;
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HELLO,
        .stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))},
        .hello = weft_consumer_hello(consumer)};
    m.hello.statements_until = m.hello.next + 100;
    m.hello.bytes_until = 1 << 20;
    fake_put(&other[RIG_SUPPLIER], &m);
    hear_all(&other[RIG_SUPPLIER]);
}

/* How long it takes until both are even again; both connections deliver. */
static uint64_t even_after(void)
{
    uint64_t from_ms = fake.now_ms;
    fake_state(&fake.sites[RIG_SUPPLIER], 1);
    for (int i = 0; i < 1000 && !fake_is_even(&fake); i++) {
        for (uint32_t s = 0; s < 2; s++) {
            hear_all(&other[s]);
        }
        fake_settle(&fake, 1);
    }
    EXPECT_TRUE(fake_is_even(&fake));
    return fake.now_ms - from_ms;
}

static void close_both(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (other[i].is_up) {
            weft_partners_down(other[i].site->nodes[other[i].node], &other[i]);
        }
        for (uint32_t k = 0; k < FAKE_WIRE_MAX; k++) {
            weft_buffer_destroy(&other[i].wire[k]);
        }
    }
    fake_close(&fake);
}

TEST(partner_links, an_old_hello_of_a_connection_that_ends_is_asked_for_anew)
{
    open_both();
    hear_old_hello();
    for (uint32_t i = 0; i < 2; i++) {
        other[i].is_up = false;
        weft_partners_down(other[i].site->nodes[other[i].node], &other[i]);
    }
    EXPECT_TRUE(even_after() < 2 * WEFT_PARTNER_ASK_MS);
    close_both();
}

TEST(partner_links, what_comes_by_the_other_connection_makes_a_hello_anew)
{
    open_both();
    hear_old_hello();
    EXPECT_TRUE(even_after() < 2 * WEFT_PARTNER_ASTRAY_MS);
    close_both();
}

/* Nobody is asked who has all, or is not there. */
TEST(partner_links, nothing_is_asked_in_peace)
{
    open_both();
    hear_old_hello();
    other[RIG_SUPPLIER].is_up = false;
    weft_partners_down(fake.sites[RIG_SUPPLIER].nodes[0], &other[RIG_SUPPLIER]);
    fake_settle(&fake, 10);
    for (uint32_t s = 0; s < 2; s++) {
        hear_all(&fake.ends[s]);
    }
    for (int i = 0; i < 200; i++) {
        fake_turn(&fake, 100);
    }
    EXPECT_EQ(0, fake.ends[RIG_OEM].wire_count);
    close_both();
}

static enum weft_err ask_west(void)
{
    const struct weft_agreement a = {
        .name = WEFT_TEXT("box-2026"), .terms = &fake.sites[RIG_OEM].state.terms};
    static const uint8_t body[] = {1};
    return weft_partners_ask(
        fake.sites[RIG_OEM].nodes[0], &a, true, (struct weft_bytes){body, sizeof(body)});
}

/* NOD-297: nothing here answers questions, so hellos of both say that they know none. */
TEST(partner_links, a_question_goes_to_who_said_that_he_knows_them)
{
    struct weft_partner_message hello = {.kind = WEFT_KIND_STREAM_HELLO,
        .stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_OEM))}};
    fake_open(&fake, rig_plant_create);
    EXPECT_EQ(WEFT_EUNAVAILABLE, ask_west());
    fake_connect(&fake);
    EXPECT_EQ(WEFT_EUNAVAILABLE, ask_west()); /* He has said nothing yet. */
    fake_settle(&fake, 20);
    EXPECT_EQ(WEFT_EVERSION, ask_west());
    hello.hello.knows_questions = true;
    fake_put(&fake.ends[RIG_OEM], &hello);
    EXPECT_TRUE(fake_deliver(&fake.ends[RIG_OEM], 0));
    const uint32_t before = fake.ends[RIG_SUPPLIER].wire_count;
    EXPECT_EQ(WEFT_OK, ask_west());
    EXPECT_EQ(before + 1, fake.ends[RIG_SUPPLIER].wire_count);
    fake_disconnect(&fake);
    EXPECT_EQ(WEFT_EUNAVAILABLE, ask_west());
    fake_close(&fake);
}

/* Receipts of the OEM in so long; its partner's hellos say that he has one for so many leaves, or
 * UINT64_MAX: what is so. */
static uint32_t receipts_in(uint64_t ms, uint64_t said)
{
    struct fake_conn *west = &fake.ends[RIG_SUPPLIER], *oem = &fake.ends[RIG_OEM];
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    uint32_t count = 0;
    for (uint64_t passed = 0; passed < ms; passed += 10) {
        fake_turn(&fake, 10);
        for (uint32_t k = 0; k < 2; k++) {
            while (fake_tell(&fake.sites[k])) {
            }
        }
        for (; west->wire_count > 0; EXPECT_TRUE(fake_deliver(west, 0))) {
            count += west->wire[0].data[4] == WEFT_KIND_STREAM_RECEIPT;
        }
        for (; oem->wire_count > 0; EXPECT_TRUE(fake_deliver(oem, 0))) {
            struct weft_buffer *wire = &oem->wire[0];
            EXPECT_EQ(WEFT_OK,
                weft_partner_decode((struct weft_bytes){wire->data, wire->size}, &arena, &m, &msg));
            if (m.kind == WEFT_KIND_STREAM_HELLO && said != UINT64_MAX) {
                m.hello.acknowledged = said;
                weft_buffer_clear(wire);
                EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, wire));
            }
        }
        for (uint32_t k = 0; k < 2; k++) {
            fake_commit_all(&fake.sites[k]);
        }
    }
    weft_arena_destroy(&arena);
    return count;
}

TEST(partner_links, a_receipt_that_he_says_he_has_is_not_said_again)
{
    fake_open(&fake, rig_plant_create);
    fake_state(&fake.sites[RIG_SUPPLIER], 0);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    EXPECT_TRUE(fake_is_even(&fake));
    fake_connect(&fake);
    EXPECT_EQ(0, receipts_in(2 * WEFT_PARTNER_AGAIN_RECEIPT_MS, UINT64_MAX));
    fake_connect(&fake); /* It is lost there. */
    EXPECT_EQ(1, receipts_in(WEFT_PARTNER_AGAIN_RECEIPT_MS / 2, 1));
    fake_connect(&fake); /* He does not say. */
    EXPECT_EQ(0, receipts_in(WEFT_PARTNER_AGAIN_RECEIPT_MS / 2, 0));
    EXPECT_EQ(1, receipts_in(2 * WEFT_PARTNER_AGAIN_RECEIPT_MS, 0));
    fake_close(&fake);
}

TEST(partner_links, who_is_called_hears_nothing_until_he_says_something)
{
    bool is_greeted = false;
    fake_open(&fake, rig_plant_create);
    fake_connect(&fake);
    struct fake_conn *caller = &fake.ends[fake.ends[0].is_dialled ? 0 : 1];
    fake_turn(&fake, 10);
    EXPECT_EQ(0, caller->other->wire_count);
    EXPECT_TRUE(caller->wire_count > 0);
    hear_all(caller);
    fake_turn(&fake, 10); /* And nothing waits for the rest of the time. */
    for (uint32_t i = 0; i < caller->other->wire_count; i++) {
        is_greeted = is_greeted || caller->other->wire[i].data[4] == WEFT_KIND_STREAM_HELLO;
    }
    EXPECT_TRUE(is_greeted);
    fake_disconnect(&fake);
    fake_close(&fake);
}
