/* What a consumer does with what comes: it judges ahead, begins anew when it was wrong, and leaves
 * alone who sends what no honest provider sends. And a provider from a backup. */
#include "federation/receiver.h"

#include <string.h>

#include "federation/recovery.h"
#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};

struct scene {
    struct rig_plant *plant;
    struct weft_receiver receiver;
    struct weft_consumer consumer; /* As it is applied. */
    struct weft_consumer_terms terms;
    struct weft_stream_signers signers;
    struct weft_receiver_entry entry;
    enum weft_stream_fault fault;
    struct weft_msg msg;
    uint64_t window_bytes;
    struct weft_window_run run;
    struct weft_merkle_right right;
};

static struct weft_stream_hello hello(struct scene *s)
{
    return weft_receiver_hello(
        &s->receiver, &s->consumer, &s->plant->contract.sides[RIG_SUPPLIER], 1000, s->window_bytes);
}

static struct scene *begin(uint32_t count)
{
    static struct scene s;
    weft_arena_reset(&arena);
    s = (struct scene){.plant = rig_plant_create(RIG_SUPPLIER),
        .signers = rig_heads_of(RIG_SUPPLIER),
        .terms = {.stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))},
            .orgs = rig_orgs(),
            .party = RIG_SUPPLIER,
            .now_ns = RIG_NOW_NS}};
    for (uint32_t i = 0; i < count; i++) {
        rig_plant_state(s.plant, i);
    }
    rig_plant_sign(s.plant);
    return &s;
}

static enum weft_receiver_act hear_head(struct scene *s)
{
    struct weft_stream_head message = rig_plant_head(s->plant, s->receiver.ahead.head.size);
    message.session = s->receiver.session;
    return weft_receiver_hear_head(
        &s->receiver, &message, &s->signers, &s->entry, &s->fault, &s->msg);
}

static enum weft_receiver_act hear(struct scene *s, const struct weft_stream_batch *message)
{
    s->terms.contract = s->receiver.ahead.stream.version > 0 ? &s->plant->contract : NULL;
    return weft_receiver_hear_batch(
        &s->receiver, &s->terms, message, 3, &arena, &s->entry, &s->fault, &s->msg);
}

static enum weft_receiver_act hear_batch(struct scene *s, uint64_t first, uint32_t count)
{
    struct weft_stream_batch message =
        rig_plant_batch(s->plant, first, count, s->receiver.is_explicit);
    message.session = s->receiver.session;
    return hear(s, &message);
}

static enum weft_receiver_act apply(struct scene *s)
{
    enum weft_err err =
        s->entry.is_batch ? weft_consumer_take(&s->consumer, &s->entry.batch, 3)
                          : weft_consumer_take_head(&s->consumer, &s->entry.known, &s->entry.head);
    return weft_receiver_applied(&s->receiver, &s->entry, err);
}

TEST(receiver, judges_ahead_and_answers_when_it_is_applied)
{
    struct scene *s = begin(8);
    struct weft_stream_hello said = hello(s);
    struct weft_receiver_entry first;
    uint64_t statements, bytes;
    EXPECT_EQ(1, said.session);
    EXPECT_EQ(1000, said.statements_until);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_head(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, apply(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, hear_head(s)); /* the same once more */
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 0, 4));
    first = s->entry;
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 4, 5));
    EXPECT_EQ(9, s->receiver.ahead.stream.tree.size);
    EXPECT_EQ(0, s->consumer.stream.tree.size);
    struct weft_receiver_entry second = s->entry;
    s->entry = first;
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
    s->entry = second;
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
    EXPECT_EQ(9, s->consumer.stream.tree.size);
    weft_receiver_grant(
        &s->receiver, &s->plant->contract.sides[RIG_SUPPLIER], 50, &statements, &bytes);
    EXPECT_EQ(1000, statements); /* what was granted is not taken back */
    EXPECT_TRUE(bytes > 20000000);
    rig_plant_destroy(s->plant);
}

TEST(receiver, begins_anew_when_another_entry_came_first)
{
    struct scene *s = begin(8);
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_head(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, apply(s));
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 0, 4));
    struct weft_receiver_entry late = s->entry;
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
    s->entry = late;
    EXPECT_EQ(WEFT_RECEIVER_GREETS, apply(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, hear_batch(s, 4, 2)); /* of before */
    EXPECT_EQ(2, hello(s).session);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 4, 2));
    struct weft_stream_batch message = rig_plant_batch(s->plant, 6, 1, false);
    message.session = 1;
    EXPECT_EQ(WEFT_RECEIVER_WAITS, hear(s, &message)); /* of another session */
    EXPECT_EQ(0, s->receiver.strikes);
    rig_plant_destroy(s->plant);
}

/* --- windows ---------------------------------------------------------------------------------- */

static bool get_terms(void *ctx, uint64_t version, struct weft_consumer_terms *ret_terms)
{
    struct scene *s = ctx;
    *ret_terms = s->terms;
    ret_terms->contract = version > 0 ? &s->plant->contract : NULL;
    ret_terms->next = &s->plant->contract;
    return true;
}

static enum weft_receiver_act hear_more(struct scene *s, uint64_t first, uint32_t count)
{
    const struct weft_stream_batch leaves = rig_plant_batch(s->plant, first, count, false);
    const struct weft_stream_more message = {
        .first = first, .items = leaves.items, .session = s->receiver.session};
    weft_window_destroy(&s->run);
    return weft_receiver_hear_more(
        &s->receiver, get_terms, s, &message, &arena, &s->run, &s->fault, &s->msg);
}

/* `flip`: that hash is another; -1: none. */
static enum weft_receiver_act hear_proof(struct scene *s, uint64_t size, int flip)
{
    const uint64_t head_size = s->plant->provider.signed_head.size;
    const struct weft_merkle_proof proof = rig_consistency(s->plant->hashes, size, head_size);
    struct weft_merkle_proof hashes;
    weft_merkle_right_pick(size, head_size, &proof, &hashes);
    if (flip >= 0) {
        EXPECT_TRUE((unsigned)flip < hashes.count);
        hashes.hashes[flip].bytes[5] ^= 1;
    }
    const struct weft_stream_proof message = {.size = size,
        .head_size = head_size,
        .hashes = weft_stream_proof_bytes(&hashes),
        .session = s->receiver.session};
    return weft_receiver_hear_proof(&s->receiver, &message, &s->right, &s->fault, &s->msg);
}

/* In one message; `known`: leaves right of which all is known, 0: none are; it ends a window if
 * is_end. */
static enum weft_receiver_act hear_leaves(
    struct scene *s, uint64_t first, uint32_t count, uint64_t known, bool is_end, int flip)
{
    const uint64_t head_size = s->plant->provider.signed_head.size, size = first + count;
    const struct weft_stream_batch leaves = rig_plant_batch(s->plant, first, count, false);
    const struct weft_merkle_proof proof = rig_consistency(s->plant->hashes, size, head_size);
    struct weft_merkle_proof hashes;
    weft_merkle_right_pick(size, head_size, &proof, &hashes);
    hashes.count -= weft_merkle_right_shared(known, size, head_size);
    if (flip >= 0) {
        EXPECT_TRUE((unsigned)flip < hashes.count);
        hashes.hashes[flip].bytes[5] ^= 1;
    }
    const struct weft_stream_leaves message = {.first = first,
        .is_proven = is_end,
        .head_size = is_end ? head_size : 0,
        .hashes = is_end ? weft_stream_proof_bytes(&hashes) : (struct weft_bytes){NULL, 0},
        .items = leaves.items,
        .session = s->receiver.session};
    weft_window_destroy(&s->run);
    return weft_receiver_hear_leaves(
        &s->receiver, get_terms, s, &message, &arena, &s->run, &s->right, &s->fault, &s->msg);
}

static struct scene *begin_window(uint32_t count)
{
    struct scene *s = begin(count);
    s->window_bytes = 1 << 20;
    EXPECT_EQ(1 << 20, hello(s).window_bytes);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_head(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, apply(s));
    return s;
}

static void end(struct scene *s)
{
    weft_window_destroy(&s->run);
    rig_plant_destroy(s->plant);
}

TEST(window, what_is_proven_later_becomes_batches_that_carry_their_proof)
{
    struct scene *s = begin_window(20);
    EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_more(s, 0, 5));
    struct weft_window_run first = s->run;
    s->run = (struct weft_window_run){.parts = {.data = NULL}};
    EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_more(s, 5, 8));
    EXPECT_EQ(0, s->consumer.stream.tree.size);
    EXPECT_EQ(13, s->receiver.ahead.stream.tree.size);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_proof(s, 13, -1));
    EXPECT_EQ(13, s->right.first);
    weft_window_prove(&s->run, &s->right); /* FED-34 */
    weft_window_prove(&first, &s->right);
    struct weft_window_run *const runs[] = {&first, &s->run};
    for (uint64_t i = 0, place = 0; i < 2; i++) {
        const struct weft_window_part *part = weft_window_part_at(runs[i], 0);
        EXPECT_EQ(1, weft_window_part_count(runs[i]));
        const struct weft_stream_batch items = rig_plant_batch(s->plant, place, part->count, false);
        const struct weft_stream_batch message = weft_window_batch(part, items.items, 21, 1);
        EXPECT_EQ(place, message.first);
        EXPECT_EQ(items.proof.size, message.proof.size); /* As if it had come with it. */
        EXPECT_MEM(items.proof.data, message.proof.data, items.proof.size);
        s->terms.contract = place > 0 ? &s->plant->contract : NULL;
        EXPECT_EQ(WEFT_STREAM_SOUND, weft_consumer_judge_batch(&s->consumer, &s->terms, &message,
                                         &arena, &s->entry.batch, &s->msg));
        s->entry.is_batch = true;
        EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
        place += part->count;
    }
    EXPECT_EQ(13, s->consumer.stream.tree.size);
    EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_more(s, 13, 8)); /* The next one ends with the head. */
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_proof(s, 21, -1));
    EXPECT_EQ(0, s->receiver.strikes);
    weft_window_destroy(&first);
    end(s);
}

/* FED-34: of each end only what is not known by those before it. */
TEST(window, hashes_that_one_brought_are_not_brought_again)
{
    struct scene *s = begin_window(60); /* 61 leaves */
    EXPECT_TRUE(hello(s).frame_bytes > 0);
    EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_leaves(s, 0, 5, 0, false, -1));
    EXPECT_EQ(0, s->receiver.right.first);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 5, 7, 0, true, -1));
    EXPECT_EQ(12, s->right.first);
    EXPECT_EQ(12, s->receiver.right.first);
    EXPECT_EQ(0, s->receiver.window_bytes);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 12, 4, 12, true, -1)); /* with none */
    EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_leaves(s, 16, 4, 16, false, -1));
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 20, 2, 16, true, -1));
    weft_window_prove(&s->run, &s->right);
    const struct weft_stream_batch items = rig_plant_batch(s->plant, 20, 2, false);
    const struct weft_stream_batch message =
        weft_window_batch(weft_window_part_at(&s->run, 0), items.items, 61, 1);
    EXPECT_EQ(items.proof.size, message.proof.size); /* As if it had come with it. */
    EXPECT_MEM(items.proof.data, message.proof.data, items.proof.size);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 22, 39, 22, true, -1));
    EXPECT_EQ(61, s->receiver.ahead.stream.tree.size);
    EXPECT_EQ(0, s->receiver.strikes);
    end(s);
}

/* Of the other plant, or ours, from so many leaves on. */
static enum weft_receiver_act hear_right(
    struct scene *s, struct rig_plant *plant, uint64_t old_size, int flip)
{
    struct weft_stream_head message = rig_plant_head(plant, old_size);
    struct weft_merkle_proof proof, right;
    EXPECT_EQ(WEFT_OK, weft_stream_proof_parse(message.proof, &proof));
    weft_merkle_right_pick(old_size, plant->provider.signed_head.size, &proof, &right);
    if (flip >= 0) {
        right.hashes[flip].bytes[7] ^= 1;
    }
    message.proof = (struct weft_bytes){NULL, 0};
    message.right = weft_stream_proof_bytes(&right);
    message.session = s->receiver.session;
    return weft_receiver_hear_head(
        &s->receiver, &message, &s->signers, &s->entry, &s->fault, &s->msg);
}

/* The entry has the whole proof all the same, and leaves under that head bring the less. */
TEST(window, of_a_head_s_proof_only_what_is_right_of_the_own_leaves_comes)
{
    for (int i = 0; i < 3; i++) {
        struct scene *s = begin_window(20);
        EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 0, 21, 0, true, -1));
        for (uint64_t k = 20; k < 60; k++) {
            rig_plant_state(s->plant, k);
        }
        rig_plant_sign(s->plant);
        const struct weft_merkle_proof whole = rig_consistency(s->plant->hashes, 21, 61);
        if (i == 0) {
            EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_right(s, s->plant, 21, -1));
            EXPECT_TRUE(s->entry.is_completed);
            EXPECT_EQ(whole.count, s->entry.proof.count);
            EXPECT_MEM(whole.hashes, s->entry.proof.hashes, whole.count * sizeof(whole.hashes[0]));
            EXPECT_EQ(21, s->receiver.right.first);
            EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 21, 3, 21, true, -1)); /* none */
            EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 24, 1, 24, true, -1));
        } else if (i == 1) {
            EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_right(s, s->plant, 21, 0));
            EXPECT_EQ(WEFT_STREAM_PROOF, s->fault);
            const struct weft_stream_hello said = hello(s); /* wants all of it */
            EXPECT_EQ(0, said.window_bytes + said.frame_bytes);
        } else { /* there are 21 */
            EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_right(s, s->plant, 20, -1));
            EXPECT_EQ(WEFT_STREAM_SEQUENCE, s->fault);
            EXPECT_EQ(0, s->receiver.strikes);
        }
        end(s);
    }
}

TEST(window, two_trees_are_found_by_a_head_that_brings_what_is_right_alone)
{
    struct scene *s = begin_window(20);
    struct rig_plant *other = rig_plant_create(RIG_SUPPLIER);
    for (uint64_t k = 100; k < 120; k++) {
        rig_plant_state(other, k);
    }
    rig_plant_sign(other);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 0, 12, 0, true, -1));
    EXPECT_EQ(WEFT_RECEIVER_FREEZES, hear_right(s, other, 12, -1));
    EXPECT_EQ(WEFT_STREAM_SPLIT, s->fault);
    rig_plant_destroy(other);
    end(s);
}

TEST(window, what_is_known_of_another_head_or_hello_is_no_proof)
{
    for (int i = 0; i < 3; i++) {
        struct scene *s = begin_window(60);
        EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_leaves(s, 0, 12, 0, true, -1));
        if (i == 0) { /* a hash that is another */
            EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_leaves(s, 12, 5, 12, true, 0));
            EXPECT_EQ(WEFT_STREAM_PROOF, s->fault);
        } else if (i == 1) { /* those that are known */
            EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_leaves(s, 12, 5, 0, true, -1));
            EXPECT_EQ(WEFT_STREAM_PROOF, s->fault);
        } else { /* another head since */
            rig_plant_state(s->plant, 60);
            rig_plant_sign(s->plant);
            EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_head(s));
            EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_leaves(s, 12, 5, 12, true, -1));
            EXPECT_EQ(WEFT_STREAM_PROOF, s->fault);
        }
        EXPECT_EQ(12, s->receiver.plain_until - 5);
        (void)hello(s);
        EXPECT_EQ(0, s->receiver.right.first);
        end(s);
    }
}

TEST(window, is_given_up_whole_if_it_is_not_what_was_signed)
{
    for (int i = 0; i < 3; i++) {
        struct scene *s = begin_window(20);
        if (i == 0) { /* a proof that leads elsewhere */
            EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_more(s, 0, 12));
            EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_proof(s, 12, 0));
            EXPECT_EQ(WEFT_STREAM_PROOF, s->fault);
        } else if (i == 1) { /* leaves of another tree */
            s->plant->contents[3].data[40] ^= 1;
            enum weft_receiver_act act = hear_more(s, 0, 12);
            act = act == WEFT_RECEIVER_HOLDS ? hear_proof(s, 12, -1) : act;
            EXPECT_EQ(WEFT_RECEIVER_GREETS, act);
        } else { /* a proof of nothing */
            EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_proof(s, 12, -1));
            EXPECT_EQ(WEFT_STREAM_SEQUENCE, s->fault);
        }
        EXPECT_EQ(0, s->consumer.stream.tree.size);
        EXPECT_EQ(0, hello(s).window_bytes); /* batch by batch now */
        EXPECT_EQ(0, s->receiver.ahead.stream.tree.size);
        EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_more(s, 0, 2));
        EXPECT_EQ(WEFT_STREAM_FLOOD, s->fault);
        end(s);
    }
}

TEST(window, holds_no_more_than_was_said)
{
    struct scene *s = begin(40);
    s->window_bytes = 2000;
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_head(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, apply(s));
    EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_more(s, 0, 1));
    uint64_t first = 1;
    while (s->receiver.window_bytes < 2000) {
        EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_more(s, first++, 1));
    }
    EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_more(s, first, 1)); /* FED-34 */
    EXPECT_EQ(WEFT_STREAM_FLOOD, s->fault);
    EXPECT_EQ(1, s->receiver.strikes);
    end(s);
}

TEST(window, nothing_is_taken_past_what_is_not_proven)
{
    struct scene *s = begin_window(20);
    EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_more(s, 0, 5));
    EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_batch(s, 5, 3)); /* its proof would hold */
    EXPECT_EQ(WEFT_STREAM_SEQUENCE, s->fault);
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 0, 8));
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
    EXPECT_EQ(0, s->receiver.strikes);
    end(s);
}

TEST(window, what_is_not_taken_whole_comes_again_batch_by_batch)
{
    struct scene *s = begin_window(12);
    s->consumer.quarantined = 0;
    s->consumer.hold = WEFT_CONSUMER_HELD;
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_more(s, 0, 5));
    EXPECT_EQ(WEFT_STREAM_HELD, s->fault);
    s->consumer.hold = WEFT_CONSUMER_TAKES;
    EXPECT_EQ(0, hello(s).window_bytes);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 0, 5));
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
    EXPECT_TRUE(hello(s).window_bytes > 0);
    EXPECT_EQ(0, s->receiver.strikes);
    end(s);
}

/* A head's proof would hold too: it is for who has taken all before it. */
TEST(window, no_head_comes_in_an_open_window)
{
    struct scene *s = begin_window(20);
    EXPECT_EQ(WEFT_RECEIVER_HOLDS, hear_more(s, 0, 5));
    EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_head(s));
    EXPECT_EQ(WEFT_STREAM_SEQUENCE, s->fault);
    EXPECT_EQ(0, s->receiver.strikes);
    EXPECT_TRUE(hello(s).window_bytes > 0);
    end(s);
}

/* Else all that waits would come with a proof each, and a receipt. */
TEST(window, is_wanted_again_once_what_one_was_given_up_for_is_behind)
{
    enum {
        MANY = WEFT_RECEIVER_AGAIN_LEAVES + 2 * WEFT_WINDOW_PART_LEAVES
    };
    struct scene *s = begin_window(MANY);
    s->consumer.hold = WEFT_CONSUMER_HELD;
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_more(s, 0, 5));
    s->consumer.hold = WEFT_CONSUMER_TAKES;
    EXPECT_EQ(0, hello(s).window_bytes);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 0, WEFT_WINDOW_PART_LEAVES - 1));
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, WEFT_WINDOW_PART_LEAVES - 1, 1));
    EXPECT_EQ(WEFT_RECEIVER_GREETS, apply(s));
    EXPECT_TRUE(hello(s).window_bytes > 0);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, WEFT_WINDOW_PART_LEAVES, 1));
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s)); /* once */
    end(s);
}

TEST(receiver, stops_after_three_transfers_that_no_honest_provider_sends)
{
    struct scene *s = begin(8);
    for (uint32_t i = 1; i <= WEFT_RECEIVER_STRIKES_MAX; i++) {
        (void)hello(s);
        enum weft_receiver_act act = hear_head(s);
        if (act == WEFT_RECEIVER_PROPOSES) {
            EXPECT_EQ(WEFT_RECEIVER_WAITS, apply(s));
        }
        struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 4, false);
        message.session = s->receiver.session;
        message.items.size--;
        act = hear(s, &message);
        EXPECT_EQ(WEFT_STREAM_MALFORMED, s->fault);
        EXPECT_EQ(i, s->receiver.strikes);
        EXPECT_EQ(i < WEFT_RECEIVER_STRIKES_MAX ? WEFT_RECEIVER_GREETS : WEFT_RECEIVER_STOPS, act);
    }
    rig_plant_destroy(s->plant);
}

TEST(receiver, forgives_once_a_batch_is_applied)
{
    struct scene *s = begin(8);
    s->receiver.strikes = WEFT_RECEIVER_STRIKES_MAX - 1;
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_head(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, apply(s));
    EXPECT_EQ(WEFT_RECEIVER_STRIKES_MAX - 1, s->receiver.strikes);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 0, 4));
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
    EXPECT_EQ(0, s->receiver.strikes);
    rig_plant_destroy(s->plant);
}

TEST(receiver, asks_for_explicit_items_once_and_takes_a_second_refusal_ill)
{
    struct scene *s = begin(3);
    s->plant->contents[2].size -= 3;
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_head(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, apply(s));
    EXPECT_EQ(WEFT_RECEIVER_GREETS, hear_batch(s, 0, 4));
    EXPECT_EQ(WEFT_STREAM_NEEDS_EXPLICIT, s->fault);
    EXPECT_EQ(0, s->receiver.strikes);
    EXPECT_TRUE(hello(s).is_explicit);
    struct weft_stream_batch message = rig_plant_batch(s->plant, 0, 4, false);
    message.session = s->receiver.session;
    EXPECT_EQ(WEFT_RECEIVER_GREETS, hear(s, &message));
    EXPECT_EQ(1, s->receiver.strikes);
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_batch(s, 0, 4));
    EXPECT_EQ(WEFT_STREAM_BAD_PROJECTION, s->entry.batch.entries[2].fault);
    EXPECT_EQ(WEFT_RECEIVER_RECEIPTS, apply(s));
    EXPECT_TRUE(!hello(s).is_explicit);
    rig_plant_destroy(s->plant);
}

TEST(receiver, freezes_on_two_histories_and_shows_a_provider_what_it_lost)
{
    struct scene *s = begin(8);
    (void)hello(s);
    EXPECT_EQ(WEFT_RECEIVER_PROPOSES, hear_head(s));
    EXPECT_EQ(WEFT_RECEIVER_WAITS, apply(s));
    s->plant->hashes[3].bytes[0] ^= 1;
    struct weft_buffer other = rig_plant_head_at(s->plant, 9);
    struct weft_stream_head message = {
        .note = weft_buffer_as_text(&other), .session = s->receiver.session};
    EXPECT_EQ(WEFT_RECEIVER_FREEZES, weft_receiver_hear_head(&s->receiver, &message, &s->signers,
                                         &s->entry, &s->fault, &s->msg));
    EXPECT_EQ(WEFT_STREAM_SPLIT, s->fault);
    (void)hello(s);
    struct weft_stream_notice notice = {.fault = WEFT_STREAM_POLICY};
    EXPECT_EQ(WEFT_RECEIVER_WAITS, weft_receiver_hear_notice(&s->receiver, &notice));
    notice.fault = 60000;
    EXPECT_EQ(WEFT_RECEIVER_WAITS, weft_receiver_hear_notice(&s->receiver, &notice));
    notice.fault = WEFT_STREAM_BEHIND;
    EXPECT_EQ(WEFT_RECEIVER_SHOWS, weft_receiver_hear_notice(&s->receiver, &notice));
    weft_buffer_destroy(&other);
    rig_plant_destroy(s->plant);
}

/* FED-29: each fault has its reaction; those of statements stop nothing. */
TEST(receiver, has_a_reaction_to_each_fault)
{
    for (unsigned i = 0; i < WEFT_STREAM_FAULTS; i++) {
        enum weft_stream_fault fault = (enum weft_stream_fault)i;
        if (strcmp(weft_stream_fault_name(i), "unknown-fault") == 0) {
            continue;
        }
        enum weft_receiver_act act = weft_receiver_react(fault);
        EXPECT_EQ(fault == WEFT_STREAM_SOUND, act == WEFT_RECEIVER_PROPOSES);
        EXPECT_TRUE(!weft_receiver_is_strike(fault) || act == WEFT_RECEIVER_GREETS);
        if (weft_stream_fault_is_of_statement(fault)) {
            EXPECT_EQ(WEFT_RECEIVER_WAITS, act);
            EXPECT_TRUE(!weft_receiver_is_strike(fault));
        }
    }
    EXPECT_TRUE(weft_receiver_is_strike(WEFT_STREAM_FLOOD));
    EXPECT_TRUE(!weft_receiver_is_strike(WEFT_STREAM_SEQUENCE));
}

/* --- recovery -------------------------------------------------------------------------------- */

static enum weft_err node_of(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg)
{
    struct weft_digest hashes[64];
    const struct rig_plant *plant = ctx;
    (void)msg;
    EXPECT_TRUE(height <= 6);
    memcpy(hashes, plant->hashes + (index << height), sizeof(hashes[0]) << height);
    *ret_hash = weft_merkle_fold(hashes, (size_t)1 << height);
    return WEFT_OK;
}

static struct rig_plant *plant_of(uint64_t common, uint64_t other, bool is_signed)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    for (uint64_t i = 0; i < common + other; i++) {
        rig_plant_state(plant, i < common ? i : i + 100);
    }
    if (is_signed) {
        rig_plant_sign(plant);
    }
    return plant;
}

/* Questions and answers until there is something else to do. */
static enum weft_recovery_act ask(
    struct weft_recovery *recovery, struct rig_plant *plant, struct rig_plant *whole)
{
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_buffer question = {0}, answer = {0};
    struct weft_msg msg = {""};
    enum weft_recovery_act act;
    EXPECT_EQ(
        WEFT_STREAM_SOUND, weft_provider_fence(&plant->provider, weft_buffer_as_text(&whole->head),
                               &signers, rig_plant_root, plant, &msg));
    EXPECT_EQ(WEFT_OK, weft_recovery_begin(recovery, &plant->provider, &question, &act, &msg));
    while (act == WEFT_RECOVERY_ASKS) {
        weft_buffer_clear(&answer);
        EXPECT_EQ(WEFT_OK, weft_fork_answer((struct weft_bytes){question.data, question.size},
                               whole->provider.stream.tree.size, node_of, whole, &answer, &msg));
        weft_buffer_clear(&question);
        EXPECT_EQ(WEFT_OK, weft_recovery_hear_fork(recovery, &plant->provider,
                               (struct weft_bytes){answer.data, answer.size}, node_of, plant,
                               &question, &act, &msg));
    }
    weft_buffer_destroy(&question);
    weft_buffer_destroy(&answer);
    return act;
}

TEST(recovery, of_a_beginning_wants_the_rest)
{
    struct rig_plant *whole = plant_of(20, 0, true), *plant = plant_of(7, 0, true);
    struct weft_recovery recovery;
    struct weft_batch batch;
    struct weft_msg msg = {""};
    enum weft_stream_fault fault;
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_RECOVERY_WANTS, ask(&recovery, plant, whole));
    EXPECT_EQ(8, recovery.next);
    struct weft_stream_batch message = rig_plant_batch(whole, 9, 3, false);
    EXPECT_EQ(WEFT_RECOVERY_WAITS, weft_recovery_hear_batch(&recovery, &plant->provider, &message,
                                       &arena, &batch, &fault, &msg));
    EXPECT_EQ(WEFT_STREAM_SEQUENCE, fault);
    for (uint64_t first = 8; first < 21;) {
        uint32_t count = first < 18 ? 10 : 3;
        message = rig_plant_batch(whole, first, count, false);
        EXPECT_EQ(WEFT_RECOVERY_APPENDS, weft_recovery_hear_batch(&recovery, &plant->provider,
                                             &message, &arena, &batch, &fault, &msg));
        EXPECT_EQ(WEFT_RECOVERY_WAITS, weft_recovery_hear_batch(&recovery, &plant->provider,
                                           &message, &arena, &batch, &fault, &msg));
        for (uint32_t i = 0; i < batch.count; i++) {
            EXPECT_EQ(WEFT_STREAM_SOUND,
                weft_provider_recover(&plant->provider, &batch.entries[i].leaf, &msg));
        }
        first += count;
        EXPECT_EQ(first < 21 ? WEFT_RECOVERY_WANTS : WEFT_RECOVERY_ENDS,
            weft_recovery_applied(&recovery, &plant->provider));
    }
    EXPECT_EQ(21, plant->provider.signed_head.size);
    rig_plant_destroy(whole);
    rig_plant_destroy(plant);
}

TEST(recovery, of_other_leaves_goes_back_unless_they_were_signed)
{
    struct rig_plant *whole = plant_of(20, 0, true), *plant = plant_of(7, 4, false);
    struct rig_plant *liar = plant_of(7, 4, true);
    struct weft_recovery recovery;
    EXPECT_EQ(WEFT_RECOVERY_REWINDS, ask(&recovery, plant, whole));
    EXPECT_EQ(8, recovery.next);
    EXPECT_EQ(WEFT_RECOVERY_SPLITS, ask(&recovery, liar, whole)); /* FED-30 */
    rig_plant_destroy(whole);
    rig_plant_destroy(plant);
    rig_plant_destroy(liar);
}

TEST(recovery, waits_when_there_is_nothing_to_recover)
{
    struct rig_plant *plant = plant_of(7, 0, true);
    struct weft_recovery recovery;
    EXPECT_EQ(WEFT_RECOVERY_WAITS, ask(&recovery, plant, plant));
    EXPECT_EQ(WEFT_RECOVERY_ENDS, weft_recovery_applied(&recovery, &plant->provider));
    rig_plant_destroy(plant);
}
