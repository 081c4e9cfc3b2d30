/* Much that waits for a partner goes without a proof for each batch: a link that goes down in
 * between loses nothing, and who sends something else than he signed has nothing taken of it. */
#include <stdlib.h>

#include "node/partner_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/node/partner_fake.h"

enum {
    WAITING = 500
}; /* Statements, and what begins the stream. */

static struct fake fake;     /* Large. */
static uint64_t frame_bytes; /* As the receiver says, up to there; 0: he is of before. */

static const struct weft_partner_in *receiver_side(void)
{
    const struct weft_partners *p = fake.sites[RIG_OEM].nodes[fake.sites[RIG_OEM].leader];
    return p->exchange_count > 0 ? &p->exchanges[0]->in : NULL;
}

static uint32_t held_count(void)
{
    return receiver_side() != NULL ? receiver_side()->window.held_count : 0;
}

static struct fake_conn *end_of_receiver(void)
{
    return &fake.ends[fake.ends[0].site == &fake.sites[RIG_OEM] ? 0 : 1];
}

/* Does the next message to the receiver have that kind? */
static bool is_next(enum weft_partner_kind kind)
{
    const struct fake_conn *end = end_of_receiver();
    return end->wire_count > 0 && end->wire[0].data[4] == (uint8_t)kind;
}

static void begin(uint64_t said)
{
    frame_bytes = said;
    fake_open(&fake, rig_plant_create);
    for (uint64_t i = 0; i < WAITING; i++) {
        fake_state(&fake.sites[RIG_SUPPLIER], i);
    }
    fake_connect(&fake);
}

static void say_frames(struct fake_conn *end)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer other = {0};
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    if (end == end_of_receiver() || end->wire_count == 0 ||
        end->wire[0].data[4] != WEFT_KIND_STREAM_HELLO) {
        return;
    }
    EXPECT_EQ(
        WEFT_OK, weft_partner_decode(
                     (struct weft_bytes){end->wire[0].data, end->wire[0].size}, &arena, &m, &msg));
    m.hello.frame_bytes = frame_bytes;
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &other));
    weft_buffer_destroy(&end->wire[0]);
    end->wire[0] = other;
    weft_arena_destroy(&arena);
}

/* All happens in its order until that is the next message to the receiver, or so much is held. */
static void run_to(enum weft_partner_kind kind, uint32_t held)
{
    for (unsigned i = 0; i < 4000 && !is_next(kind) && (held == 0 || held_count() < held); i++) {
        for (uint32_t k = 0; k < 2; k++) {
            struct fake_conn *end = &fake.ends[k];
            while (fake_tell(&fake.sites[k])) {
            }
            say_frames(end);
            if (end->wire_count > 0 && !end->is_paused &&
                (end != end_of_receiver() || !is_next(kind))) {
                EXPECT_TRUE(fake_deliver(end, 0));
                weft_partners_work(fake.sites[k].nodes[end->node]);
            }
            (void)fake_commit(&fake.sites[k]);
        }
        fake_turn(&fake, 10);
    }
    EXPECT_TRUE(held == 0 ? is_next(kind) : held_count() >= held);
}

static uint64_t taken(void)
{
    return fake.sites[RIG_OEM].state.consumer.stream.tree.size;
}

/* Whatever was: all of it arrives, and nothing is held any more. */
static void end(void)
{
    for (int i = 0; i < 6; i++) {
        fake_settle(&fake, 100);
        fake_turn(&fake, WEFT_PARTNER_REFRESH_MS);
    }
    EXPECT_EQ(0, held_count());
    EXPECT_TRUE(fake_is_even(&fake));
    EXPECT_EQ(WAITING + 1, taken());
    fake_close(&fake);
}

/* FED-34, NOD-249 */
TEST(partner, what_waits_goes_as_a_window_and_a_crash_in_it_loses_nothing)
{
    begin(0);
    run_to(WEFT_KIND_STREAM_PROOF, 1);
    EXPECT_TRUE(taken() < WAITING + 1);
    fake_disconnect(&fake); /* What was held is gone, and comes again. */
    EXPECT_EQ(0, held_count());
    fake_connect(&fake);
    end();
}

TEST(partner, another_leader_holds_nothing_of_a_window)
{
    begin(0);
    run_to(WEFT_KIND_STREAM_PROOF, 1);
    struct fake_site *oem = &fake.sites[RIG_OEM];
    const struct weft_partners *before = oem->nodes[oem->leader];
    oem->leader = (oem->leader + 1) % FAKE_NODES;
    fake_turn(&fake, 10);
    EXPECT_EQ(0, before->exchanges[0]->in.window.held_count);
    EXPECT_TRUE(taken() < WAITING + 1);
    fake_disconnect(&fake);
    fake_connect(&fake);
    end();
}

TEST(partner, of_a_window_nothing_is_taken_while_operators_hold_the_stream)
{
    begin(0);
    run_to(WEFT_KIND_STREAM_PROOF, 0);
    const uint64_t before = taken();
    fake.sites[RIG_OEM].state.consumer.hold = WEFT_CONSUMER_HELD;
    fake_settle(&fake, 100);
    fake_turn(&fake, WEFT_PARTNER_REFRESH_MS);
    fake_settle(&fake, 100);
    EXPECT_EQ(before, taken());
    EXPECT_EQ(0, held_count());
    fake.sites[RIG_OEM].state.consumer.hold = WEFT_CONSUMER_TAKES;
    end();
}

/* The message with one leaf told in place of the one behind it: each is sound by itself. */
static void tell_twice(struct weft_buffer *message)
{
    struct weft_arena arena = {.size_max = 8 << 20};
    struct weft_buffer items = {0};
    struct weft_stream_item item, before;
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK,
        weft_partner_decode((struct weft_bytes){message->data, message->size}, &arena, &m, &msg));
    const bool is_more = m.kind == WEFT_KIND_STREAM_MORE;
    struct weft_bytes rest = is_more ? m.more.items : m.leaves.items;
    for (int i = 0; rest.size > 0; i++) {
        EXPECT_EQ(WEFT_OK, weft_stream_item_next(&rest, &item));
        before = i == (is_more ? 10 : 1) ? before : item;
        EXPECT_EQ(WEFT_OK, weft_stream_item_append(&items, &before));
    }
    *(is_more ? &m.more.items : &m.leaves.items) = (struct weft_bytes){items.data, items.size};
    struct weft_buffer other = {0};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &other));
    weft_buffer_destroy(message);
    *message = other;
    weft_buffer_destroy(&items);
    weft_arena_destroy(&arena);
}

TEST(partner, window_of_other_leaves_than_were_signed_is_dropped_whole)
{
    begin(0);
    run_to(WEFT_KIND_STREAM_MORE, 0);
    const uint64_t before = taken();
    tell_twice(&end_of_receiver()->wire[0]);
    run_to(WEFT_KIND_STREAM_PROOF, 0);
    EXPECT_TRUE(held_count() > 0);
    EXPECT_TRUE(fake_deliver(end_of_receiver(), 0));
    weft_partners_work(fake.sites[RIG_OEM].nodes[end_of_receiver()->node]);
    EXPECT_EQ(0, held_count());
    EXPECT_EQ(1, receiver_side()->faults);
    EXPECT_EQ(1, receiver_side()->receiver.strikes);
    EXPECT_EQ(before, taken());
    end();
}

/* Else it would wait for what is held, and the proof of that for it. */
TEST(partner, head_in_an_open_window_ends_it_at_once)
{
    begin(0);
    run_to(WEFT_KIND_STREAM_PROOF, 0);
    const struct weft_state *oem = &fake.sites[RIG_OEM].state;
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HEAD,
        .stream = {oem->terms.name, oem->terms.partner},
        .head = {.note = weft_buffer_as_text(&oem->head_note),
            .session = receiver_side()->receiver.session}};
    fake_put(end_of_receiver(), &m);
    EXPECT_TRUE(held_count() > 0);
    EXPECT_TRUE(fake_deliver(end_of_receiver(), end_of_receiver()->wire_count - 1));
    weft_partners_work(fake.sites[RIG_OEM].nodes[end_of_receiver()->node]);
    EXPECT_EQ(0, held_count());
    EXPECT_EQ(0, receiver_side()->receiver.strikes);
    end();
}

TEST(partner, window_that_is_never_proven_is_given_up)
{
    begin(0);
    run_to(WEFT_KIND_STREAM_PROOF, 0);
    const uint64_t before = taken();
    struct weft_buffer *proof = &end_of_receiver()->wire[0];
    proof->data[8] ^= 64; /* of another session, and so of none */
    EXPECT_TRUE(fake_deliver(end_of_receiver(), 0));
    weft_partners_work(fake.sites[RIG_OEM].nodes[end_of_receiver()->node]);
    EXPECT_TRUE(held_count() > 0);
    EXPECT_EQ(before, taken());
    end();
}

/* On a slow link what was under way when hello was said comes for long; but not for ever. */
TEST(partner, what_is_late_is_no_silence_for_a_while)
{
    begin(0);
    run_to(WEFT_KIND_STREAM_PROOF, 0);
    const struct weft_state *oem = &fake.sites[RIG_OEM].state;
    const uint64_t session = receiver_side()->receiver.session;
    const struct weft_partner_message late = {.kind = WEFT_KIND_STREAM_PROOF,
        .stream = {oem->terms.name, oem->terms.partner},
        .proof = {.size = 1, .head_size = 1, .session = session ^ UINT64_C(1) << 33}};
    for (uint64_t ms = 0; ms < 2 * WEFT_PARTNER_REFRESH_MS; ms += WEFT_PARTNER_STALLED_MS) {
        EXPECT_TRUE(ms + WEFT_PARTNER_STALLED_MS > WEFT_PARTNER_REFRESH_MS ||
                    receiver_side()->receiver.session == session);
        fake_put(end_of_receiver(), &late);
        EXPECT_TRUE(fake_deliver(end_of_receiver(), end_of_receiver()->wire_count - 1));
        fake_turn(&fake, WEFT_PARTNER_STALLED_MS);
    }
    EXPECT_TRUE(receiver_side()->receiver.session != session);
    end();
}

TEST(partner, proof_without_a_window_and_leaves_of_another_session_take_nothing)
{
    begin(0);
    run_to(WEFT_KIND_STREAM_MORE, 0);
    const uint64_t before = taken(), session = receiver_side()->receiver.session;
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_MORE,
        .more = {before, {(const uint8_t *)"\1", 1}, session ^ UINT64_C(1) << 33}};
    fake_put(end_of_receiver(), &m); /* behind the window, of no stream */
    m = (struct weft_partner_message){
        .kind = WEFT_KIND_STREAM_PROOF, .proof = {.size = 1, .head_size = 1, .session = session}};
    fake_put(end_of_receiver(), &m);
    struct weft_buffer *wire = end_of_receiver()->wire;
    const uint32_t last = end_of_receiver()->wire_count - 1;
    struct weft_buffer kept = wire[0];
    wire[0] = wire[last]; /* The proof comes first. */
    wire[last] = kept;
    EXPECT_TRUE(fake_deliver(end_of_receiver(), 0));
    weft_partners_work(fake.sites[RIG_OEM].nodes[end_of_receiver()->node]);
    EXPECT_TRUE(receiver_side()->faults > 0);
    EXPECT_TRUE(receiver_side()->receiver.is_plain);
    EXPECT_EQ(before, taken());
    end();
}

/* FED-34: so small messages that several of them are one window. */
TEST(partner, window_whose_last_message_has_its_proof_survives_a_crash_in_it)
{
    begin(16000);
    run_to(WEFT_KIND_STREAM_SET, 2);
    const uint64_t proven = receiver_side()->receiver.right.first;
    EXPECT_TRUE(proven > 0 && proven < receiver_side()->receiver.ahead.stream.tree.size);
    EXPECT_TRUE(receiver_side()->receiver.window_bytes > 0);
    EXPECT_TRUE(taken() <= proven); /* What is proven may be under way. */
    fake_disconnect(&fake);
    EXPECT_EQ(0, held_count());
    fake_connect(&fake);
    end();
}

TEST(partner, such_a_window_of_other_leaves_than_were_signed_is_dropped_whole)
{
    begin(16000);
    run_to(WEFT_KIND_STREAM_SET, 1);
    const uint64_t proven = receiver_side()->receiver.right.first;
    EXPECT_TRUE(receiver_side()->receiver.window_bytes > 0);
    run_to(WEFT_KIND_STREAM_LEAVES, 0);
    tell_twice(&end_of_receiver()->wire[0]);
    for (int i = 0; i < 1000 && receiver_side()->faults == 0; i++) {
        if (is_next(WEFT_KIND_STREAM_LEAVES)) {
            EXPECT_TRUE(fake_deliver(end_of_receiver(), 0));
            weft_partners_work(fake.sites[RIG_OEM].nodes[end_of_receiver()->node]);
        }
        (void)fake_commit(&fake.sites[RIG_OEM]);
        fake_turn(&fake, 10);
    }
    EXPECT_EQ(1, receiver_side()->faults);
    EXPECT_EQ(1, receiver_side()->receiver.strikes);
    EXPECT_EQ(0, held_count());
    EXPECT_EQ(proven, taken());
    end();
}

static struct weft_partner_out *sender_side(void)
{
    const struct fake_site *site = &fake.sites[RIG_SUPPLIER];
    const struct weft_partners *p = site->nodes[site->leader];
    return p->exchange_count > 0 ? &p->exchanges[0]->out : NULL;
}

/* FED-28: of what is read already no more is sent than the last hello grants, whatever session it
 * says. */
TEST(partner, hello_that_grants_less_than_what_is_read_is_kept_to)
{
    begin(16000);
    for (int i = 0; i < 4000 && (sender_side() == NULL || sender_side()->frame.count < 2 ||
                                    end_of_receiver()->wire_count > 0 || taken() == 0 ||
                                    receiver_side()->receiver.ahead.stream.tree.size !=
                                        sender_side()->frame.first);
         i++) {
        for (uint32_t k = 0; k < 2; k++) {
            struct fake_conn *end = &fake.ends[k];
            while (fake_tell(&fake.sites[k])) {
            }
            say_frames(end);
            if (end->wire_count > 0) {
                EXPECT_TRUE(fake_deliver(end, 0));
                weft_partners_work(fake.sites[k].nodes[end->node]);
            }
            fake_commit_all(&fake.sites[k]);
        }
        if (end_of_receiver()->wire_count == 0) {
            fake_turn(&fake, 10);
            while (end_of_receiver()->wire_count > 0) {
                EXPECT_TRUE(fake_deliver(end_of_receiver(), 0));
                weft_partners_work(fake.sites[RIG_OEM].nodes[end_of_receiver()->node]);
            }
        }
    }
    EXPECT_TRUE(sender_side()->frame.count >= 2 && taken() < WAITING / 4);
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HELLO,
        .stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))},
        .hello = weft_consumer_hello(&receiver_side()->receiver.ahead)};
    m.hello.session = sender_side()->sender.session;
    m.hello.statements_until = 2 * WAITING;
    m.hello.bytes_until = 1; /* Of one leaf, the end may come all the same. */
    m.hello.window_bytes = 1 << 20;
    m.hello.frame_bytes = 16000;
    fake_put(end_of_receiver()->other, &m);
    while (end_of_receiver()->other->wire_count > 0) {
        EXPECT_TRUE(fake_deliver(end_of_receiver()->other, 0));
    }
    EXPECT_EQ(m.hello.next, sender_side()->frame.first);
    fake_turn(&fake, 10);
    EXPECT_EQ(m.hello.next + 1, sender_side()->sender.credit.next);
    fake_disconnect(&fake);
    fake_close(&fake);
}

/* What is read once more in vain would be read for ever. */
TEST(partner, leaf_larger_than_the_rest_of_a_message_comes_with_the_next_one)
{
    enum {
        LARGE = 600 * 1024,
        COUNT = 8
    };
    static const uint8_t zeros[LARGE];
    fake_open(&fake, rig_plant_create);
    for (uint32_t i = 0; i < COUNT + 300; i++) {
        struct weft_buffer content = {0};
        const struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_STATEMENT, .digest = {{1}}};
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&content, zeros, i < COUNT ? LARGE : 64));
        rig_plant_add(fake.sites[RIG_SUPPLIER].state.plant, &leaf, &content);
        weft_buffer_destroy(&content);
    }
    fake_connect(&fake);
    for (int i = 0; i < 200; i++) {
        struct weft_partner_out *out = sender_side();
        for (uint32_t k = 0; k < 2; k++) {
            while (fake_tell(&fake.sites[k])) {
            }
            fake_commit_all(&fake.sites[k]);
        }
        while (end_of_receiver()->other->wire_count > 0) {
            EXPECT_TRUE(fake_deliver(end_of_receiver()->other, 0));
        }
        if (out != NULL && out->sender.is_open) { /* As if so much had come. */
            out->sender.credit.bytes = out->sender.window_max = 16 << 20;
            out->sender.frame_max = WEFT_STREAM_LEAVES_SIZE_MAX;
            out->sender.credit.bytes_until = out->sender.credit.statements_until = 1 << 30;
        }
        fake_turn(&fake, 10);
    }
    EXPECT_EQ(COUNT + 301, sender_side()->sender.credit.next);
    fake_disconnect(&fake);
    fake_close(&fake);
}

/* What has no end would be waited for; what is held says so at once. */
TEST(partner, more_messages_without_a_proof_than_are_held_end_a_window)
{
    begin(16000);
    run_to(WEFT_KIND_STREAM_SET, 1);
    struct weft_partner_in *in = (struct weft_partner_in *)receiver_side();
    while (in->window.held_count > 0 && in->window.held[0].is_proven) {
        (void)fake_commit(&fake.sites[RIG_OEM]);
        fake_turn(&fake, 10);
    }
    EXPECT_TRUE(held_count() > 0);
    in->window.held[0].cost += 2 * (uint64_t)WEFT_PARTNER_WINDOW_BYTES;
    run_to(WEFT_KIND_STREAM_LEAVES, 0);
    EXPECT_TRUE(fake_deliver(end_of_receiver(), 0));
    weft_partners_work(fake.sites[RIG_OEM].nodes[end_of_receiver()->node]);
    EXPECT_EQ(0, held_count());
    EXPECT_TRUE(in->receiver.is_plain);
    end();
}

/* NOD-249: of all streams. */
TEST(partner, who_holds_much_asks_for_no_window_and_takes_no_more)
{
    struct weft_partners *p = calloc(1, sizeof(*p));
    struct weft_partner_exchange *of[2] = {calloc(1, sizeof(*of[0])), calloc(1, sizeof(*of[0]))};
    struct weft_partner_job job = {.number = 0};
    EXPECT_TRUE(p != NULL && of[0] != NULL && of[1] != NULL);
    p->exchanges = of;
    p->exchange_count = 2;
    of[1]->number = 1;
    struct weft_partner_window *window = &of[0]->in.window;
    window->held_count = 1;
    window->held[0].cost = WEFT_PARTNER_WINDOWS_BYTES / 2 - 1;
    EXPECT_EQ(WEFT_PARTNER_WINDOW_BYTES, weft_partner_window_offer(p, of[1]));
    EXPECT_EQ(1, of[1]->in.receiver.session >> 32); /* names the stream */
    window->held[0].cost++;
    EXPECT_EQ(0, weft_partner_window_offer(p, of[1]));
    window->held[0].cost = WEFT_PARTNER_WINDOWS_BYTES - 1;
    EXPECT_TRUE(weft_partner_window_hold(p, &of[1]->in, &job));
    EXPECT_TRUE(!of[1]->in.receiver.is_plain);
    window->held[0].cost++;
    EXPECT_TRUE(!weft_partner_window_hold(p, &of[1]->in, &job));
    EXPECT_TRUE(of[1]->in.receiver.is_plain);
    weft_partner_window_drop(&of[0]->in);
    weft_partner_window_drop(&of[1]->in);
    EXPECT_EQ(WEFT_PARTNER_WINDOW_BYTES, weft_partner_window_offer(p, of[1]));
    free(of[0]);
    free(of[1]);
    free(p);
}
