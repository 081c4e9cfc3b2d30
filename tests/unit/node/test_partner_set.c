#include <stdlib.h>
#include <string.h>

#include "federation/set_message.h"
#include "node/partner_parts.h"
#include "node/partner_set.h"
#include "tests/lib/test.h"
#include "tests/unit/node/partner_fake.h"

/* Both sides have the same streams, and one of them has not filed all of it. */

static struct fake fake; /* Large. */

enum {
    STATEMENTS = 40
};

static struct weft_state *state_of(uint32_t party)
{
    return &fake.sites[party].state;
}

static struct weft_partners *leader_of(uint32_t party)
{
    return fake.sites[party].nodes[fake.sites[party].leader];
}

/* All that is on the way arrives, in turns of 10 ms. */
static void go_on(uint32_t turns)
{
    for (uint32_t turn = 0; turn < turns; turn++) {
        for (uint32_t s = 0; s < 2; s++) {
            while (fake_tell(&fake.sites[s])) {
            }
            while (fake.ends[s].wire_count > 0 && !fake.ends[s].is_paused) {
                EXPECT_TRUE(fake_deliver(&fake.ends[s], 0));
                weft_partners_work(fake.sites[s].nodes[fake.ends[s].node]);
            }
            while (fake_commit(&fake.sites[s])) {
            }
        }
        fake_turn(&fake, 10);
    }
}

static void open_even(void)
{
    fake_open(&fake, rig_plant_create);
    for (uint32_t i = 0; i < STATEMENTS; i++) {
        fake_state(&fake.sites[i % 2], i);
    }
    fake_connect(&fake);
    fake_settle(&fake, 400);
    EXPECT_TRUE(fake_is_even(&fake));
    state_of(0)->has_sets = state_of(1)->has_sets = true;
}

/* The party has not filed every nth statement of a stream. */
static uint32_t lose(uint32_t party, bool is_own, uint32_t nth)
{
    struct weft_state *s = state_of(party);
    const uint64_t size =
        is_own ? s->plant->provider.stream.tree.size : s->consumer.stream.tree.size;
    uint32_t lost = 0;
    for (uint64_t i = 0; i < size; i++) {
        const struct weft_stream_leaf *leaf = is_own ? &s->plant->leaves[i] : &s->leaves[i];
        if (leaf->kind == WEFT_STREAM_STATEMENT && i % nth == nth - 1) {
            s->unfiled[s->unfiled_count++] = leaf->digest;
            lost++;
        }
    }
    return lost;
}

static bool says(uint32_t party, const char *line)
{
    struct weft_buffer lines = {0};
    EXPECT_EQ(WEFT_OK, weft_partners_set_lines(leader_of(party), 0, &lines));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&lines, "", 1));
    bool is_said = strstr((const char *)lines.data, line) != NULL;
    weft_buffer_destroy(&lines);
    return is_said;
}

static struct weft_partner_set_figures figures_of(uint32_t party)
{
    return weft_partners_set_figures(leader_of(party), 0);
}

TEST(partner_set, what_is_the_same_is_said_in_hellos_alone)
{
    open_even();
    go_on(7000);
    for (uint32_t s = 0; s < 2; s++) {
        EXPECT_EQ(0, figures_of(s).compared);
        EXPECT_TRUE(!figures_of(s).differs);
        EXPECT_TRUE(says(s, "set.state equal\n"));
    }
    fake_close(&fake);
}

/* NOD-310: they find out by themselves, and what either lacks is filed. */
TEST(partner_set, what_one_side_or_both_have_not_filed_is_found_and_filed)
{
    for (uint32_t which = 1; which < 16; which++) {
        open_even();
        uint32_t lost = 0;
        for (uint32_t i = 0; i < 4; i++) {
            lost += (which >> i & 1) != 0 ? lose(i / 2, i % 2 == 0, 3 + i) : 0;
        }
        EXPECT_TRUE(lost > 0);
        go_on(7000);
        for (uint32_t s = 0; s < 2; s++) {
            EXPECT_TRUE(says(s, "set.state equal\n"));
            EXPECT_TRUE(!figures_of(s).differs);
            EXPECT_EQ(0, figures_of(s).faults);
        }
        /* What neither has filed is no difference. */
        const uint32_t left = state_of(0)->unfiled_count, both = 2 * left;
        EXPECT_EQ(left, state_of(1)->unfiled_count);
        EXPECT_TRUE(both < lost);
        EXPECT_EQ(lost - both, state_of(0)->filed_again + state_of(1)->filed_again);
        EXPECT_EQ(lost - both, figures_of(0).filed + figures_of(1).filed);
        fake_close(&fake);
    }
}

TEST(partner_set, an_audit_compares_now)
{
    for (uint32_t s = 0; s < 2; s++) {
        open_even();
        go_on(3100);
        EXPECT_EQ(0, figures_of(s).compared);
        EXPECT_EQ(WEFT_OK, weft_partners_audit(leader_of(s), 0));
        EXPECT_TRUE(says(s, "set.state waits\n"));
        go_on(3);
        EXPECT_TRUE(says(s, "set.state equal\n"));
        EXPECT_TRUE(says(s, "set.statements 40\nset.lacking 0\n"));
        EXPECT_EQ(1, figures_of(s).compared);
        fake_disconnect(&fake);
        EXPECT_EQ(WEFT_EUNAVAILABLE, weft_partners_audit(leader_of(s), 0));
        fake_close(&fake);
    }
}

/* What is in quarantine is filed at the provider alone, which is told by its name. */
TEST(partner_set, what_is_in_quarantine_is_told_and_not_filed)
{
    open_even();
    struct weft_state *oem = state_of(RIG_OEM);
    for (uint64_t i = 0; oem->faults[5] == WEFT_STREAM_SOUND && i < 10; i++) {
        oem->faults[5] = WEFT_STREAM_POLICY;
        oem->consumer.quarantined = 1;
    }
    go_on(7000);
    EXPECT_EQ(0, oem->filed_again);
    EXPECT_TRUE(says(RIG_OEM, "in quarantine: policy\n"));
    EXPECT_TRUE(says(RIG_OEM, "set.state differs\n"));
    EXPECT_TRUE(figures_of(RIG_OEM).differs && figures_of(RIG_SUPPLIER).differs);
    const uint64_t compared = figures_of(RIG_OEM).compared;
    go_on(10000); /* It is known, and not compared again. */
    EXPECT_EQ(compared, figures_of(RIG_OEM).compared);
    fake_close(&fake);
}

/* --- a partner that lies ---------------------------------------------------------------------- */

static void put(const struct weft_set_message *m)
{
    struct weft_buffer body = {0};
    EXPECT_EQ(WEFT_OK, weft_set_encode(m, &body));
    const struct weft_partner_message message = {.kind = WEFT_KIND_STREAM_SET,
        .stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))},
        .body = {body.data, body.size}};
    fake_put(&fake.ends[RIG_OEM], &message);
    weft_buffer_destroy(&body);
}

/* The newest message to the supplier, about sets. */
static struct weft_set_message heard(struct weft_arena *arena)
{
    struct fake_conn *end = &fake.ends[RIG_SUPPLIER];
    struct weft_partner_message m;
    struct weft_set_message set = {.session = 0};
    struct weft_msg msg;
    for (uint32_t i = 0; i < end->wire_count; i++) {
        const struct weft_bytes bytes = {end->wire[i].data, end->wire[i].size};
        EXPECT_EQ(WEFT_OK, weft_partner_decode(bytes, arena, &m, &msg));
        if (m.kind == WEFT_KIND_STREAM_SET) {
            EXPECT_EQ(WEFT_OK, weft_set_decode(m.body, &set));
        }
    }
    return set;
}

static void deliver_to_oem(void)
{
    while (fake.ends[RIG_OEM].wire_count > 0) {
        EXPECT_TRUE(fake_deliver(&fake.ends[RIG_OEM], 0));
    }
}

static struct weft_set_message begin_of_liar(uint64_t session, const uint8_t *turn, size_t size)
{
    const struct weft_state *oem = state_of(RIG_OEM);
    return (struct weft_set_message){.what = WEFT_SET_COMPARE,
        .session = session,
        .sent = oem->consumer.stream.tree.size,
        .received = oem->plant->provider.stream.tree.size,
        .shared = {{1}},
        .turn = {turn, size}};
}

/* NOD-311, NOD-312: he claims a statement that is none, and gives another one for it. */
TEST(partner_set, a_lie_costs_a_message_and_nothing_goes_into_the_log)
{
    static const uint8_t have[] = {0, 3, 0, 1, 0xee, 0xee}; /* ALL: one member, which nobody has. */
    uint8_t turn[4 + WEFT_DIGEST_SIZE] = {0};
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer list = {0};
    open_even();
    memcpy(turn, have, 4);
    memset(turn + 4, 0xee, WEFT_DIGEST_SIZE);
    const uint32_t log = fake.sites[RIG_OEM].log_count;
    struct weft_set_message m = begin_of_liar(77, turn, sizeof(turn));
    put(&m);
    deliver_to_oem();
    EXPECT_EQ(WEFT_SET_COMPARE, heard(&arena).what); /* What he says he lacks: HAVE. */
    put(&(struct weft_set_message){.what = WEFT_SET_END, .session = 77});
    deliver_to_oem();
    m = heard(&arena);
    EXPECT_EQ(WEFT_SET_WANT, m.what);
    EXPECT_EQ(WEFT_DIGEST_SIZE, m.list.size);
    struct weft_set_given given = {.is_there = true,
        .party = RIG_SUPPLIER,
        .sequence = 3,
        .item = {(const uint8_t *)"garbage", 7}};
    memset(given.digest.bytes, 0xee, WEFT_DIGEST_SIZE);
    EXPECT_EQ(WEFT_OK, weft_set_give(&given, &list));
    put(&(struct weft_set_message){
        .what = WEFT_SET_GIVE, .session = 77, .list = {list.data, list.size}});
    deliver_to_oem();
    EXPECT_EQ(log, fake.sites[RIG_OEM].log_count);
    EXPECT_EQ(1, figures_of(RIG_OEM).faults);
    EXPECT_TRUE(says(RIG_OEM, "what the partner gives is not that statement\n"));
    EXPECT_TRUE(says(RIG_OEM, "set.state differs\n"));
    m = begin_of_liar(78, turn, sizeof(turn)); /* At once again: he waits. */
    put(&m);
    deliver_to_oem();
    m = heard(&arena);
    EXPECT_TRUE(m.what == WEFT_SET_END && m.end == WEFT_SET_BUSY && m.session == 78);
    weft_buffer_destroy(&list);
    weft_arena_destroy(&arena);
    fake_close(&fake);
}

TEST(partner_set, garbage_and_endless_turns_end_a_comparison)
{
    static const uint8_t root[1 + 2 + 20] = {0, 1, 0, 9};
    static const uint8_t more[1] = {1};
    struct weft_arena arena = {.size_max = 1 << 20};
    open_even();
    struct weft_set_message m = begin_of_liar(5, root, sizeof(root));
    m.sent++; /* Another place of the streams. */
    put(&m);
    deliver_to_oem();
    EXPECT_EQ(WEFT_SET_MOVED, heard(&arena).end);
    m.sent--;
    put(&m);
    deliver_to_oem();
    m = begin_of_liar(5, more, sizeof(more));
    for (uint32_t i = 0; i < WEFT_PARTNER_SET_TURNS_MAX; i++) {
        EXPECT_TRUE(says(RIG_OEM, "set.state compares\n"));
        put(&m);
        deliver_to_oem();
    }
    EXPECT_TRUE(says(RIG_OEM, "set.state undone\n"));
    EXPECT_EQ(1, figures_of(RIG_OEM).faults);
    go_on(WEFT_PARTNER_SET_AGAIN_MS / 10 + 1);
    m = begin_of_liar(6, (const uint8_t *)"garbage", 7);
    put(&m);
    deliver_to_oem();
    EXPECT_EQ(2, figures_of(RIG_OEM).faults);
    EXPECT_TRUE(says(RIG_OEM, "set.state undone\n"));
    const struct weft_partner_message none = {.kind = WEFT_KIND_STREAM_SET,
        .stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))},
        .body = {(const uint8_t *)"no message", 10}};
    fake_put(&fake.ends[RIG_OEM], &none);
    deliver_to_oem();
    EXPECT_EQ(3, figures_of(RIG_OEM).faults);
    weft_arena_destroy(&arena);
    fake_close(&fake);
}

/* NOD-311: who says each word late has the place no longer than anybody. */
TEST(partner_set, who_takes_long_is_not_waited_for_and_rests_as_long)
{
    static const uint8_t root[1 + 2 + 20] = {0, 1, 0, 9}, more[1] = {1};
    struct weft_arena arena = {.size_max = 1 << 20};
    open_even();
    struct weft_set_message m = begin_of_liar(5, root, sizeof(root));
    const uint64_t begun_ms = fake.now_ms;
    uint32_t turns = 0;
    for (; turns == 0 || says(RIG_OEM, "set.state compares\n"); turns++) {
        put(&m);
        deliver_to_oem();
        m = begin_of_liar(5, more, sizeof(more));
        for (uint32_t ms = 0; ms < WEFT_PARTNER_SET_WAIT_MS - 1000; ms += 500) {
            fake_turn(&fake, 500);
            fake.ends[RIG_SUPPLIER].wire_count = fake.ends[RIG_OEM].wire_count = 0;
        }
        EXPECT_TRUE(turns < 10);
    }
    EXPECT_TRUE(fake.now_ms - begun_ms < WEFT_PARTNER_SET_LONG_MS + WEFT_PARTNER_SET_WAIT_MS);
    EXPECT_TRUE(says(RIG_OEM, "set.why the partner takes too long\n"));
    EXPECT_EQ(0, figures_of(RIG_OEM).faults);
    m = begin_of_liar(6, root, sizeof(root)); /* More than 10 s later, and less than 120 s. */
    put(&m);
    deliver_to_oem();
    m = heard(&arena);
    EXPECT_TRUE(m.what == WEFT_SET_END && m.end == WEFT_SET_BUSY && m.session == 6);
    weft_arena_destroy(&arena);
    fake_close(&fake);
}

/* He wants the newest statement that the OEM has, in the session that he began last. */
static bool gets_newest(uint64_t session, struct weft_arena *arena)
{
    const struct rig_plant *plant = state_of(RIG_OEM)->plant;
    const struct weft_digest wanted = plant->leaves[plant->provider.stream.tree.size - 1].digest;
    struct weft_set_given given;
    put(&(struct weft_set_message){
        .what = WEFT_SET_WANT, .session = session, .list = {wanted.bytes, sizeof(wanted)}});
    deliver_to_oem();
    const struct weft_set_message m = heard(arena);
    struct weft_bytes list = m.list;
    return m.what == WEFT_SET_GIVE && weft_set_given_next(&list, &given) && given.is_there;
}

/* NOD-314 */
TEST(partner_set, what_was_not_taken_of_the_partner_is_not_given_nor_compared)
{
    static const uint8_t root[1 + 2 + 20] = {0, 1, 0, 9};
    struct weft_arena arena = {.size_max = 4 << 20};
    open_even();
    struct weft_state *oem = state_of(RIG_OEM);
    struct weft_provider *provider = &oem->plant->provider;
    struct weft_set_message m = begin_of_liar(5, root, sizeof(root));
    const struct weft_merkle_head taken = provider->receipt;
    provider->receipt.size--; /* As if he had not acknowledged the last one. */
    put(&m);
    deliver_to_oem();
    EXPECT_EQ(WEFT_SET_MOVED, heard(&arena).end);
    provider->receipt = taken;
    provider->rival = (struct weft_merkle_head){.size = 1};
    put(&m);
    deliver_to_oem();
    EXPECT_EQ(WEFT_SET_MOVED, heard(&arena).end);
    provider->rival.size = 0;
    put(&m);
    deliver_to_oem();
    EXPECT_EQ(WEFT_SET_COMPARE, heard(&arena).what);
    put(&(struct weft_set_message){.what = WEFT_SET_END, .session = 5});
    deliver_to_oem();
    EXPECT_TRUE(gets_newest(5, &arena));
    provider->receipt.size--;
    EXPECT_TRUE(!gets_newest(5, &arena));
    provider->receipt = taken;
    provider->rival = (struct weft_merkle_head){.size = 1};
    EXPECT_TRUE(!gets_newest(5, &arena));
    provider->rival.size = 0;
    EXPECT_TRUE(gets_newest(5, &arena));
    weft_arena_destroy(&arena);
    fake_close(&fake);
}

/* Here nothing is lacking, and there it is: each goes on by itself. */
TEST(partner_set, what_the_partner_lacks_is_given_while_this_side_begins_another_one)
{
    static const uint8_t root[1 + 2 + 20] = {0, 1, 0, 9};
    struct weft_arena arena = {.size_max = 4 << 20};
    open_even();
    struct weft_set_message m = begin_of_liar(5, root, sizeof(root));
    put(&m);
    deliver_to_oem();
    EXPECT_EQ(WEFT_SET_COMPARE, heard(&arena).what);
    put(&(struct weft_set_message){.what = WEFT_SET_END, .session = 5});
    deliver_to_oem();
    EXPECT_TRUE(says(RIG_OEM, "set.state differs\n"));
    EXPECT_EQ(WEFT_OK, weft_partners_audit(leader_of(RIG_OEM), 0));
    fake_turn(&fake, 10);
    m = heard(&arena);
    EXPECT_TRUE(m.what == WEFT_SET_COMPARE && m.session != 5);
    EXPECT_TRUE(says(RIG_OEM, "set.state compares\n"));
    EXPECT_TRUE(gets_newest(5, &arena));
    EXPECT_TRUE(says(RIG_OEM, "set.state compares\n"));
    put(&(struct weft_set_message){.what = WEFT_SET_END, .session = m.session});
    deliver_to_oem();
    EXPECT_EQ(0, figures_of(RIG_OEM).faults);
    (void)gets_newest(5, &arena); /* It is over. */
    EXPECT_EQ(1, figures_of(RIG_OEM).faults);
    weft_arena_destroy(&arena);
    fake_close(&fake);
}

/* NOD-315: which may have the same address. */
TEST(partner_set, on_another_connection_nothing_of_the_one_before_is_said)
{
    static const uint8_t root[1 + 2 + 20] = {0, 1, 0, 9};
    struct weft_arena arena = {.size_max = 4 << 20};
    open_even();
    struct weft_set_message m = begin_of_liar(5, root, sizeof(root));
    put(&m);
    EXPECT_TRUE(fake_deliver(&fake.ends[RIG_OEM], 0));
    EXPECT_EQ(WEFT_SET_COMPARE, heard(&arena).what);
    fake_connect(&fake);
    put(&(struct weft_set_message){.what = WEFT_SET_END, .session = 5, .end = WEFT_SET_DONE});
    fake_turn(&fake, 10);
    EXPECT_TRUE(says(RIG_OEM, "set.why the partner is not there any more\n"));
    deliver_to_oem();
    EXPECT_TRUE(!gets_newest(5, &arena));
    EXPECT_EQ(1, figures_of(RIG_OEM).faults);
    weft_arena_destroy(&arena);
    fake_close(&fake);
}

/* A partner who goes silent in the middle, or a leader that is lost, leaves nothing behind. */
TEST(partner_set, what_is_broken_off_begins_anew)
{
    open_even();
    const uint32_t lost = lose(RIG_OEM, false, 4);
    go_on(3100);
    for (uint32_t round = 0; round < 4; round++) {
        (void)!weft_partners_audit(leader_of(RIG_SUPPLIER), 0);
        fake_turn(&fake, 10);
        fake_turn(&fake, 10);
        fake_disconnect(&fake);
        if (round % 2 == 0) {
            fake_lead(&fake, &fake.sites[round / 2], (fake.sites[round / 2].leader + 1) % 3, 0);
        }
        fake_connect(&fake);
        go_on(10);
    }
    go_on(10000);
    EXPECT_EQ(0, state_of(RIG_OEM)->unfiled_count);
    EXPECT_EQ(lost, state_of(RIG_OEM)->filed_again);
    fake_close(&fake);
}
