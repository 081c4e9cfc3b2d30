#include <stdlib.h>
#include <string.h>

#include "federation/refusal.h"
#include "node/partner_parts.h"
#include "policy/checkpoint_note.h"
#include "tests/lib/test.h"
#include "tests/unit/node/partner_fake.h"

static struct fake fake; /* Large. */

enum {
    OEM = RIG_OEM,
    WEST = RIG_SUPPLIER
};

static struct weft_state *state_of(uint32_t party)
{
    return &fake.sites[party].state;
}

static uint64_t taken(uint32_t party)
{
    return state_of(party)->consumer.stream.tree.size;
}

static struct weft_stream_name stream_of(uint32_t provider)
{
    return (struct weft_stream_name){WEFT_TEXT("box-2026"), weft_text_of(rig_site(provider))};
}

static void state_some(uint32_t party, uint64_t from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        fake_state(&fake.sites[party], from + i);
    }
}

TEST(partner, what_one_states_the_other_takes_and_acknowledges)
{
    fake_open(&fake, rig_plant_create);
    state_some(WEST, 0, 20);
    state_some(OEM, 0, 7);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    EXPECT_TRUE(fake_is_even(&fake));
    EXPECT_EQ(21, taken(OEM));
    EXPECT_EQ(8, taken(WEST));
    /* And goes on, on the same connection. */
    state_some(WEST, 20, 30);
    fake_settle(&fake, 100);
    EXPECT_TRUE(fake_is_even(&fake));
    EXPECT_EQ(51, taken(OEM));
    struct weft_text note = weft_partners_note(fake.sites[WEST].nodes[0], 0, WEFT_SENT);
    EXPECT_TRUE(weft_text_starts(note, "supplier.example/west/sent/box-2026\n51\n"));
    note = weft_partners_note(fake.sites[OEM].nodes[0], 0, WEFT_RECEIVED);
    EXPECT_TRUE(weft_text_starts(note, "oem.example/plant1/received/box-2026\n51\n"));
    struct weft_partner_figures figures;
    EXPECT_TRUE(weft_partners_figures(fake.sites[WEST].nodes[0], 0, WEFT_SENT, &figures));
    EXPECT_TRUE(figures.is_connected);
    EXPECT_EQ(0, figures.lag);
    EXPECT_EQ(0, figures.lag_ms);
    EXPECT_TRUE(figures.bytes > 0);
    fake_close(&fake);
}

TEST(partner, nothing_is_sent_before_enough_nodes_have_signed_it)
{
    fake_open(&fake, rig_plant_create);
    fake_turn(&fake, WEFT_PARTNER_ALONE_MS);
    fake_connect(&fake);
    for (int i = 0; i < 50; i++) { /* All but what members say to each other. */
        while (fake_commit(&fake.sites[WEST])) {
        }
        fake.sites[WEST].line_count = 0;
        for (uint32_t k = 0; k < fake.ends[OEM].wire_count; k++) {
            struct weft_envelope envelope;
            struct weft_buffer *message = &fake.ends[OEM].wire[k];
            EXPECT_EQ(
                WEFT_OK, weft_envelope_decode((struct weft_bytes){message->data, message->size},
                             WEFT_STREAM_MESSAGE_SIZE_MAX, &envelope));
            EXPECT_TRUE(envelope.kind == WEFT_KIND_STREAM_HELLO);
        }
        fake_turn(&fake, 10);
    }
    EXPECT_EQ(1, state_of(WEST)->plant->provider.signed_head.size);
    EXPECT_EQ(0, weft_partners_note(fake.sites[WEST].nodes[0], 0, WEFT_SENT).size);
    fake_settle(&fake, 100); /* They may. */
    EXPECT_TRUE(fake_is_even(&fake));
    fake_close(&fake);
}

/* NOD-241. */
TEST(partner, a_receipt_leaves_after_the_commit_and_not_before)
{
    fake_open(&fake, rig_plant_create);
    state_some(WEST, 0, 5);
    fake_connect(&fake);
    for (int i = 0; i < 50; i++) { /* All but the OEM's log. */
        for (uint32_t s = 0; s < 2; s++) {
            while (fake_tell(&fake.sites[s])) {
            }
            while (fake.ends[s].wire_count > 0) {
                EXPECT_TRUE(fake_deliver(&fake.ends[s], 0));
            }
        }
        while (fake_commit(&fake.sites[WEST])) {
        }
        fake_turn(&fake, 10);
    }
    EXPECT_TRUE(fake.sites[OEM].log_count >= 2); /* Head and batch, ahead of their commit. */
    EXPECT_EQ(0, taken(OEM));
    EXPECT_EQ(0, state_of(WEST)->plant->provider.receipt.size);
    fake_settle(&fake, 100);
    EXPECT_EQ(6, state_of(WEST)->plant->provider.receipt.size);
    fake_close(&fake);
}

/* --- whatever happens ------------------------------------------------------------------------- */

enum happened {
    LOST,
    DOUBLED,
    REORDERED,
    CUT,
    LED_ANEW,
    ENTRIES_LOST,
    HAPPENED
};

static uint32_t happened[HAPPENED];

static void one_fault(uint64_t dice)
{
    struct fake_conn *end = &fake.ends[test_random(2)];
    uint32_t count = end->wire_count;
    struct fake_site *site = &fake.sites[test_random(2)];
    if (dice == 0 && count > 0) {
        uint32_t place = (uint32_t)test_random(count);
        struct weft_buffer lost = end->wire[place];
        end->wire_count--;
        memmove(&end->wire[place], &end->wire[place + 1],
            (end->wire_count - place) * sizeof(end->wire[0]));
        end->wire[end->wire_count] = (struct weft_buffer){.data = NULL};
        weft_buffer_destroy(&lost);
        happened[LOST]++;
    } else if (dice == 1 && count > 0 && count < FAKE_WIRE_MAX) {
        const struct weft_buffer *from = &end->wire[test_random(count)];
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&end->wire[count], from->data, from->size));
        end->wire_count++;
        happened[DOUBLED]++;
    } else if (dice == 2 && count > 1) {
        uint32_t a = (uint32_t)test_random(count);
        uint32_t b = (uint32_t)test_random(count);
        struct weft_buffer swapped = end->wire[a];
        end->wire[a] = end->wire[b];
        end->wire[b] = swapped;
        happened[REORDERED]++;
    } else if (dice == 3 && test_random(4) == 0) {
        fake_disconnect(&fake);
        happened[CUT]++;
    } else if (dice == 4 && test_random(4) == 0) {
        uint32_t keep = (uint32_t)test_random(site->log_count + 1U);
        happened[ENTRIES_LOST] += keep < site->log_count ? 1 : 0;
        fake_lead(&fake, site, (site->leader + 1) % FAKE_NODES, keep);
        happened[LED_ANEW]++;
    }
}

static void one_step(uint64_t *next)
{
    uint32_t s = (uint32_t)test_random(2);
    switch (test_random(12)) {
    case 0:
        fake_state(&fake.sites[s], next[s]++);
        break;
    case 1:
    case 2:
    case 3:
        if (fake.ends[s].wire_count > 0) {
            EXPECT_TRUE(fake_deliver(&fake.ends[s], 0));
        }
        break;
    case 4:
    case 5:
        (void)fake_commit(&fake.sites[s]);
        break;
    case 6:
    case 7:
        (void)fake_tell(&fake.sites[s]);
        break;
    case 8:
        weft_partners_work(fake.sites[s].nodes[fake.sites[s].leader]);
        break;
    case 9:
    case 10:
        fake_turn(&fake, 1 + test_random(30));
        break;
    default:
        one_fault(test_random(5));
        if (!fake.ends[0].is_up && test_random(3) == 0) {
            fake_connect(&fake);
        }
    }
}

TEST(partner, faults_lose_nothing_and_take_nothing_twice)
{
    memset(happened, 0, sizeof(happened));
    for (int run = 0; run < 40; run++) {
        uint64_t next[2] = {0, 0};
        fake_open(&fake, rig_plant_create);
        fake_connect(&fake);
        for (int step = 0; step < 600; step++) {
            one_step(next);
        }
        if (!fake.ends[0].is_up) {
            fake_connect(&fake);
        }
        for (int i = 0; i < 4; i++) { /* Pauses are over, and what was lost is asked for. */
            fake_settle(&fake, 100);
            fake_turn(&fake, WEFT_PARTNER_REFRESH_MS);
        }
        EXPECT_TRUE(fake_is_even(&fake));
        EXPECT_EQ(next[WEST] + 1, taken(OEM));
        EXPECT_EQ(next[OEM] + 1, taken(WEST));
        fake_close(&fake);
    }
    for (int i = 0; i < HAPPENED; i++) {
        EXPECT_TRUE(happened[i] > 0);
    }
}

/* --- hostile partners ------------------------------------------------------------------------- */

/* A head of the supplier's stream with a root of its own, signed by its own keys. */
static struct weft_buffer forged_note(uint64_t size, const struct weft_digest *root)
{
    struct weft_buffer text = {0}, note = {0};
    struct weft_msg msg = {""};
    struct weft_signer signers[2];
    const struct weft_checkpoint_note head = {
        .origin = weft_text_of(state_of(OEM)->terms.their_heads.origin), .head = {size, *root}};
    fake_signers(WEST, 2, signers);
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_encode(&head, &text, &msg));
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_buffer_as_text(&text), signers, 2, &note, &msg));
    weft_buffer_destroy(&text);
    return note;
}

static struct weft_buffer forged_head(uint64_t size, const char *seed)
{
    const struct weft_digest root = weft_sha256(seed, strlen(seed));
    return forged_note(size, &root);
}

/* The session of the hello that is on the wire to the supplier. */
static uint64_t session_of_hello(void)
{
    static struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    for (uint32_t i = 0; i < fake.ends[WEST].wire_count; i++) {
        const struct weft_buffer *bytes = &fake.ends[WEST].wire[i];
        EXPECT_EQ(WEFT_OK,
            weft_partner_decode((struct weft_bytes){bytes->data, bytes->size}, &arena, &m, &msg));
        if (m.kind == WEFT_KIND_STREAM_HELLO) {
            weft_arena_destroy(&arena);
            return m.hello.session;
        }
    }
    return 0;
}

/* The OEM has so many statements behind the contract, and its hello is on its way. */
static void take_a_story(uint32_t count)
{
    fake_open(&fake, rig_plant_create);
    state_some(WEST, 0, count);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    EXPECT_TRUE(fake_is_even(&fake));
    fake_connect(&fake);
    fake_turn(&fake, 6000);
}

static void hear_another_story(struct weft_stream_head head)
{
    head.session = session_of_hello();
    EXPECT_TRUE(head.session > 0);
    const struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_HEAD, .stream = stream_of(WEST), .head = head};
    fake_put(&fake.ends[OEM], &m);
    fake_settle(&fake, 1);
    for (int i = 0; i < 20; i++) {
        while (fake.ends[OEM].wire_count > 0) {
            EXPECT_TRUE(fake_deliver(&fake.ends[OEM], 0));
        }
        weft_partners_work(fake.sites[OEM].nodes[0]);
        while (fake_commit(&fake.sites[OEM])) {
        }
        fake_turn(&fake, 10);
    }
    EXPECT_EQ(WEFT_CONSUMER_FROZEN, state_of(OEM)->consumer.hold);
    EXPECT_EQ(1, state_of(OEM)->evidence);
    /* The other direction goes on. */
    state_some(OEM, 0, 5);
    fake_settle(&fake, 50);
    EXPECT_EQ(6, taken(WEST));
    fake_close(&fake);
}

TEST(partner, two_heads_of_one_size_freeze_the_stream_and_are_kept)
{
    take_a_story(3);
    struct weft_buffer note = forged_head(4, "another tree");
    hear_another_story((struct weft_stream_head){.note = weft_buffer_as_text(&note)});
    weft_buffer_destroy(&note);
}

/* It does not continue what is known, and its own proof says what it continues. */
TEST(partner, a_larger_head_that_began_otherwise_freezes_the_stream_as_well)
{
    struct rig_plant *other = rig_plant_create(RIG_SUPPLIER);
    for (uint64_t i = 0; i < 8; i++) {
        rig_plant_state(other, 100 + i);
    }
    struct weft_merkle_proof proof = rig_consistency(other->hashes, 5, 9);
    const struct weft_digest root = rig_plant_root_at(other, 9);
    take_a_story(4);
    struct weft_buffer note = forged_note(9, &root);
    hear_another_story((struct weft_stream_head){.note = weft_buffer_as_text(&note),
        .old_size = 5,
        .proof = weft_stream_proof_bytes(&proof)});
    weft_buffer_destroy(&note);
    rig_plant_destroy(other);
}

/* The second is judged while the first is not applied yet, so nothing is there to hold it against;
 * and a provider that is careful says neither of them again. */
TEST(partner, two_heads_at_once_freeze_the_stream_as_well)
{
    const char *const seeds[2] = {"one tree", "another tree"};
    fake_open(&fake, rig_plant_create);
    fake_connect(&fake);
    fake_turn(&fake, 10);
    EXPECT_EQ(0, session_of_hello()); /* Who was called may hang up. */
    fake_turn(&fake, WEFT_PARTNER_CALLED_MS);
    uint64_t session = session_of_hello();
    EXPECT_TRUE(session > 0);
    for (int i = 0; i < 2; i++) {
        struct weft_buffer note = forged_head(9, seeds[i]);
        const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HEAD,
            .stream = stream_of(WEST),
            .head = {.note = weft_buffer_as_text(&note), .session = session}};
        fake_put(&fake.ends[OEM], &m);
        EXPECT_TRUE(fake_deliver(&fake.ends[OEM], fake.ends[OEM].wire_count - 1));
        weft_buffer_destroy(&note);
    }
    weft_partners_work(fake.sites[OEM].nodes[0]);
    EXPECT_EQ(0, state_of(OEM)->consumer.head.size);
    for (int i = 0; i < 3; i++) {
        fake_turn(&fake, 10);
        fake_commit_all(&fake.sites[OEM]);
    }
    EXPECT_EQ(9, state_of(OEM)->consumer.head.size);
    EXPECT_EQ(WEFT_CONSUMER_FROZEN, state_of(OEM)->consumer.hold);
    EXPECT_EQ(1, state_of(OEM)->evidence);
    fake_close(&fake);
}

TEST(partner, garbage_ends_the_connection_and_proposes_nothing)
{
    fake_open(&fake, rig_plant_create);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    uint32_t proposed = fake.sites[OEM].proposed;
    struct fake_conn *end = &fake.ends[OEM];
    const struct weft_partner_message hello = {
        .kind = WEFT_KIND_STREAM_HELLO, .stream = stream_of(OEM)};
    for (int i = 0; i < 300; i++) {
        fake_put(end, &hello);
        struct weft_buffer *bytes = &end->wire[end->wire_count - 1];
        for (uint64_t k = 1 + test_random(8); k > 0; k--) {
            size_t place = 16 + (size_t)test_random(bytes->size - 16);
            bytes->data[place] ^= (uint8_t)(1U << test_random(8));
        }
        (void)fake_deliver(end, end->wire_count - 1); /* Dropped, or a hello of other numbers. */
    }
    EXPECT_EQ(proposed, fake.sites[OEM].proposed);
    fake_connect(&fake);
    state_some(WEST, 0, 3);
    fake_settle(&fake, 200);
    EXPECT_TRUE(fake_is_even(&fake));
    fake_close(&fake);
}

static void go_on(int turns)
{
    for (int i = 0; i < turns; i++) {
        for (uint32_t s = 0; s < 2; s++) {
            while (fake_tell(&fake.sites[s])) {
            }
            while (fake.ends[s].wire_count > 0) {
                EXPECT_TRUE(fake_deliver(&fake.ends[s], 0));
            }
            while (fake_commit(&fake.sites[s])) {
            }
        }
        fake_turn(&fake, 10);
    }
}

/* Of enough nodes, so that the partner can show it to anybody. */
TEST(partner, what_goes_to_quarantine_is_refused_by_name_and_the_rest_goes_on)
{
    fake_open(&fake, rig_plant_create);
    struct rig_plant *plant = state_of(WEST)->plant;
    struct weft_buffer junk = {0};
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&junk, WEFT_TEXT("no projection")));
    state_some(WEST, 0, 3);
    for (uint8_t i = 0; i < 2; i++) {
        const struct weft_stream_leaf leaf = {
            .kind = WEFT_STREAM_STATEMENT, .digest = weft_sha256(&i, 1)};
        rig_plant_add(plant, &leaf, &junk);
        state_some(WEST, 10 + i, 1);
    }
    fake_connect(&fake);
    fake_settle(&fake, 100);
    EXPECT_TRUE(fake_is_even(&fake));
    go_on(5); /* The refusal is behind the receipt. */
    EXPECT_EQ(2, state_of(OEM)->consumer.quarantined);
    EXPECT_TRUE(state_of(WEST)->refusals > 0);
    EXPECT_EQ(0, state_of(OEM)->refusals);
    struct weft_partner_figures figures;
    EXPECT_TRUE(weft_partners_figures(fake.sites[OEM].nodes[0], 0, WEFT_RECEIVED, &figures));
    EXPECT_EQ(2, figures.quarantined);
    weft_buffer_destroy(&junk);
    fake_close(&fake);
}

/* More than a note has lines for. */
TEST(partner, all_that_goes_to_quarantine_is_refused_however_many_there_are)
{
    fake_open(&fake, rig_plant_create);
    struct rig_plant *plant = state_of(WEST)->plant;
    struct weft_buffer junk = {0};
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&junk, WEFT_TEXT("no projection")));
    fake_connect(&fake);
    fake_settle(&fake, 100);
    state_of(OEM)->contract.sides[WEST].quarantine_statements = 2000;
    for (uint32_t i = 0; i < 700; i++) {
        const struct weft_stream_leaf leaf = {
            .kind = WEFT_STREAM_STATEMENT, .digest = weft_sha256(&i, sizeof(i))};
        rig_plant_add(plant, &leaf, &junk);
    }
    fake_settle(&fake, 100);
    go_on(20);
    EXPECT_EQ(700, state_of(OEM)->consumer.quarantined);
    EXPECT_TRUE(state_of(WEST)->refusals > 2);
    EXPECT_EQ(700, state_of(WEST)->refused);
    weft_buffer_destroy(&junk);
    fake_close(&fake);
}

/* NOD-245: valid ones, so that nothing else bounds them. */
TEST(partner, refusals_that_come_again_and_again_do_not_fill_the_log)
{
    static struct weft_arena arena = {.size_max = 1 << 20};
    const uint8_t one = 1;
    const struct weft_refusal_line line = {.sequence = 1,
        .statement = weft_sha256(&one, 1),
        .fault = WEFT_STREAM_MASK,
        .reason = WEFT_TEXT("it shows too much")};
    const struct weft_refusal refusal = {.agreement = WEFT_TEXT("box-2026"),
        .provider = weft_text_of(rig_site(WEST)),
        .receiver = weft_text_of(rig_site(OEM)),
        .lines = &line,
        .line_count = 1};
    struct weft_buffer text = {0}, note = {0};
    struct weft_signer signers[2];
    struct weft_msg msg = {""};
    fake_open(&fake, rig_plant_create);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    fake_signers(OEM, 2, signers);
    EXPECT_EQ(WEFT_OK, weft_refusal_encode(&refusal, &arena, &text, &msg));
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_buffer_as_text(&text), signers, 2, &note, &msg));
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_REFUSAL,
        .stream = stream_of(WEST),
        .text = weft_buffer_as_text(&note)};
    for (int i = 0; i < 200; i++) {
        fake_put(&fake.ends[WEST], &m);
        EXPECT_TRUE(fake_deliver(&fake.ends[WEST], fake.ends[WEST].wire_count - 1));
        while (fake_commit(&fake.sites[WEST])) {
        }
        fake_turn(&fake, 10);
    }
    EXPECT_TRUE(state_of(WEST)->refusals >= 32);
    EXPECT_TRUE(state_of(WEST)->refusals <= 36);
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
    fake_close(&fake);
}

/* NOD-242. */
TEST(partner, who_says_too_much_is_not_read_from_for_a_while)
{
    fake_open(&fake, rig_plant_create);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    struct fake_conn *end = &fake.ends[OEM];
    const struct weft_partner_message notice = {.kind = WEFT_KIND_STREAM_NOTICE,
        .stream = stream_of(WEST),
        .notice = {.fault = WEFT_STREAM_ENDED, .reason = WEFT_TEXT("again")}};
    int count = 0;
    while (!end->is_paused && count < 5000) {
        fake_put(end, &notice);
        EXPECT_TRUE(fake_deliver(end, end->wire_count - 1));
        count++;
    }
    EXPECT_TRUE(end->is_paused);
    EXPECT_TRUE(count <= WEFT_PARTNERS_BURST);
    fake_turn(&fake, 200);
    EXPECT_TRUE(!end->is_paused);
    state_some(WEST, 0, 3);
    fake_settle(&fake, 200);
    EXPECT_TRUE(fake_is_even(&fake));
    fake_close(&fake);
}

/* NOD-242: a question of a hundred bytes makes much be read; who asks again and again gets a
 * second's worth, and who waits for each answer gets them all. */
TEST(partner, who_wants_his_own_back_again_and_again_waits)
{
    const struct weft_partner_message hello = {
        .kind = WEFT_KIND_STREAM_HELLO, .stream = stream_of(WEST)};
    fake_open(&fake, rig_plant_create);
    state_some(WEST, 0, 400);
    fake_connect(&fake);
    fake_settle(&fake, 200);
    EXPECT_TRUE(fake_is_even(&fake));
    struct fake_conn *end = &fake.ends[OEM];
    uint32_t answers = 0, asked = 0;
    size_t size = 0;
    for (; asked < WEFT_PARTNERS_BURST && !end->is_paused; asked++) {
        uint32_t before = end->other->wire_count;
        fake_put(end, &hello);
        EXPECT_TRUE(fake_deliver(end, end->wire_count - 1));
        answers += end->other->wire_count > before ? 1 : 0;
        size = answers == 1 ? end->other->wire[end->other->wire_count - 1].size : size;
        while (end->other->wire_count > 0) {
            (void)fake_deliver(end->other, end->other->wire_count - 1);
        }
    }
    EXPECT_TRUE(size > 4 * WEFT_PARTNER_ANSWER_BYTES);
    EXPECT_TRUE(end->is_paused);
    EXPECT_EQ(asked, answers);
    EXPECT_TRUE(answers * (size / WEFT_PARTNER_ANSWER_BYTES) <= 2 * WEFT_PARTNERS_BURST);
    fake_put(end, &hello); /* What was on its way when it was paused. */
    uint32_t before = end->other->wire_count;
    (void)fake_deliver(end, end->wire_count - 1);
    EXPECT_EQ(before, end->other->wire_count);
    fake_turn(&fake, 1000);
    EXPECT_TRUE(!end->is_paused);
    fake_put(end, &hello);
    EXPECT_TRUE(fake_deliver(end, end->wire_count - 1));
    EXPECT_EQ(before + 1, end->other->wire_count);
    fake_close(&fake);
}

/* Messages of what is judged are bounded. */
TEST(partner, a_flood_of_batches_is_refused_without_a_judgement)
{
    static uint8_t items[4096];
    fake_open(&fake, rig_plant_create);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    fake_connect(&fake);
    fake_turn(&fake, 6000);
    const struct weft_partner_message batch = {.kind = WEFT_KIND_STREAM_BATCH,
        .stream = stream_of(WEST),
        .batch = {.first = 77,
            .count = 3,
            .items = {items, sizeof(items)},
            .head_size = 100,
            .session = session_of_hello()}};
    uint32_t proposed = fake.sites[OEM].proposed;
    for (int i = 0; i < 30; i++) {
        fake_put(&fake.ends[OEM], &batch);
        EXPECT_TRUE(fake_deliver(&fake.ends[OEM], fake.ends[OEM].wire_count - 1));
    }
    weft_partners_work(fake.sites[OEM].nodes[0]);
    EXPECT_EQ(proposed, fake.sites[OEM].proposed);
    fake_turn(&fake, 70000);
    state_some(WEST, 0, 3);
    fake_settle(&fake, 200);
    EXPECT_TRUE(fake_is_even(&fake));
    fake_close(&fake);
}

TEST(partner, a_message_counts_for_agreements_with_whose_connection_it_is)
{
    fake_open(&fake, rig_plant_create);
    fake_connect(&fake);
    fake_disconnect(&fake);
    struct fake_conn *end = &fake.ends[OEM];
    end->is_up = fake.ends[WEST].is_up = true;
    weft_partners_up(fake.sites[OEM].nodes[0], end, "other.example/east");
    const struct weft_partner_message hello = {
        .kind = WEFT_KIND_STREAM_HELLO, .stream = stream_of(OEM)};
    fake_put(end, &hello);
    EXPECT_TRUE(fake_deliver(end, 0));
    struct weft_partner_figures figures;
    EXPECT_TRUE(weft_partners_figures(fake.sites[OEM].nodes[0], 0, WEFT_SENT, &figures));
    EXPECT_TRUE(!figures.is_connected);
    EXPECT_EQ(1, fake.ends[WEST].wire_count); /* It is told that there is none. */
    fake.ends[WEST].is_up = false;
    fake_close(&fake);
}

/* NOD-244. */
TEST(partner, no_more_is_taken_than_the_agreements_rate)
{
    fake_open(&fake, rig_plant_create);
    state_of(OEM)->contract.sides[WEST].rate_statements = 50;
    state_some(WEST, 0, 400);
    fake_connect(&fake);
    uint64_t began = fake.now_ms, last = 0;
    while (!fake_is_even(&fake) && fake.now_ms - began < 30000) {
        fake_settle(&fake, 10);
        uint64_t most = 50 + (fake.now_ms - began) / 20 + 1;
        EXPECT_TRUE(taken(OEM) <= most);
        last = taken(OEM);
    }
    EXPECT_EQ(401, last);
    EXPECT_TRUE(fake.now_ms - began >= 7000);
    EXPECT_TRUE(fake.now_ms - began < 12000);
    fake_close(&fake);
}

/* A partner who reads nothing: what waits for him is bounded, and what he is owed is kept. */
TEST(partner, a_slow_partner_is_waited_for)
{
    fake_open(&fake, rig_plant_create);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    fake.ends[WEST].is_full = true; /* The supplier's queue to the OEM. */
    state_some(WEST, 0, 200);
    for (int i = 0; i < 50; i++) {
        while (fake_tell(&fake.sites[WEST])) {
        }
        while (fake_commit(&fake.sites[WEST])) {
        }
        fake_turn(&fake, 20);
    }
    EXPECT_EQ(0, fake.ends[OEM].wire_count);
    fake.ends[WEST].is_full = false;
    weft_partners_drained(fake.sites[WEST].nodes[0], &fake.ends[WEST]);
    fake_settle(&fake, 200);
    EXPECT_TRUE(fake_is_even(&fake));
    EXPECT_EQ(201, taken(OEM));
    fake_close(&fake);
}

/* The supplier comes from a backup: its partner has what it lost, and gives it back. */
TEST(partner, a_provider_from_a_backup_gets_its_own_back)
{
    fake_open(&fake, rig_plant_create);
    struct rig_plant *plant = state_of(WEST)->plant;
    state_some(WEST, 0, 10);
    fake_connect(&fake);
    fake_settle(&fake, 100);
    struct weft_provider backup = plant->provider;
    state_some(WEST, 10, 15);
    fake_settle(&fake, 100);
    EXPECT_EQ(26, taken(OEM));
    fake_disconnect(&fake);
    plant->provider = backup;
    weft_provider_restore(&plant->provider);
    for (uint64_t i = 11; i < 26; i++) {
        plant->hashes[i] = weft_sha256("lost", 4);
        weft_buffer_clear(&plant->contents[i]);
    }
    fake_lead(&fake, &fake.sites[WEST], 1, 0);
    fake_connect(&fake);
    for (int i = 0; i < 20; i++) {
        fake_settle(&fake, 20);
        fake_turn(&fake, 1000);
    }
    EXPECT_EQ(26, plant->provider.stream.tree.size);
    EXPECT_TRUE(!weft_provider_is_fenced(&plant->provider));
    state_some(WEST, 100, 5);
    fake_settle(&fake, 200);
    EXPECT_TRUE(fake_is_even(&fake));
    EXPECT_EQ(31, taken(OEM));
    fake_close(&fake);
}
