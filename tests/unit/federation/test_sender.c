/* What is sent next: within the credit, under the head, and nothing twice; and files of messages.
 */
#include <string.h>

#include "federation/sender.h"
#include "federation/stream_file.h"
#include "proto/limits.h"
#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_stream_batch batch(uint64_t first, uint32_t count, size_t size)
{
    static uint8_t bytes[4096];
    return (struct weft_stream_batch){.first = first, .count = count, .items = {bytes, size}};
}

static enum weft_stream_fault take(
    struct weft_credit *credit, uint64_t first, uint32_t count, size_t size)
{
    struct weft_stream_batch message = batch(first, count, size);
    struct weft_msg msg = {""};
    struct weft_credit before = *credit;
    enum weft_stream_fault fault = weft_credit_take(credit, &message, &msg);
    if (fault != WEFT_STREAM_SOUND) {
        EXPECT_MEM(&before, credit, sizeof(before));
    }
    return fault;
}

TEST(credit, bounds_leaves_and_bytes)
{
    const struct weft_stream_hello hello = {
        .next = 10, .statements_until = 15, .bytes_until = 1000};
    struct weft_credit credit;
    weft_credit_open(&credit, &hello);
    EXPECT_EQ(5, weft_credit_leaves(&credit));
    EXPECT_EQ(1000, weft_credit_bytes(&credit));
    EXPECT_EQ(WEFT_STREAM_SEQUENCE, take(&credit, 11, 1, 10));
    EXPECT_EQ(WEFT_STREAM_FLOOD, take(&credit, 10, 6, 10));
    EXPECT_EQ(WEFT_STREAM_FLOOD, take(&credit, 10, 2, 1001));
    EXPECT_EQ(WEFT_STREAM_SOUND, take(&credit, 10, 2, 900));
    EXPECT_EQ(WEFT_STREAM_SOUND, take(&credit, 12, 1, 500)); /* one alone may pass the end */
    EXPECT_EQ(0, weft_credit_leaves(&credit));
    EXPECT_EQ(0, weft_credit_bytes(&credit));
    EXPECT_EQ(WEFT_STREAM_FLOOD, take(&credit, 13, 1, 1));
}

TEST(credit, grants_are_totals_that_are_never_taken_back)
{
    const struct weft_stream_hello hello = {.statements_until = 5, .bytes_until = 100};
    struct weft_credit credit;
    weft_credit_open(&credit, &hello);
    weft_credit_grant(&credit, 9, 50); /* FED-27 */
    EXPECT_EQ(9, weft_credit_leaves(&credit));
    EXPECT_EQ(100, weft_credit_bytes(&credit));
    weft_credit_grant(&credit, 7, 400);
    EXPECT_EQ(9, weft_credit_leaves(&credit));
    EXPECT_EQ(400, weft_credit_bytes(&credit));
    weft_credit_grant(&credit, UINT64_MAX, UINT64_MAX);
    EXPECT_EQ(WEFT_STREAM_SOUND, take(&credit, 0, 4000, 4000));
    EXPECT_EQ(UINT64_MAX - 4000, weft_credit_leaves(&credit));
}

TEST(credit, window_is_the_smaller_of_room_and_the_contracts_queue)
{
    struct weft_contract contract = rig_contract();
    uint64_t statements, bytes;
    weft_credit_window(&contract.sides[RIG_SUPPLIER], 7, 5, 50, &statements, &bytes);
    EXPECT_EQ(57, statements);
    EXPECT_EQ(20000005, bytes);
    weft_credit_window(&contract.sides[RIG_SUPPLIER], 7, 5, 1000000, &statements, &bytes);
    EXPECT_EQ(100007, statements);
    weft_credit_window(&contract.sides[RIG_SUPPLIER], UINT64_MAX, 5, 50, &statements, &bytes);
    EXPECT_EQ(UINT64_MAX, statements);
}

/* FED-28 */
TEST(sender, sends_the_head_first_and_then_what_is_under_it_within_the_credit)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_sender sender = {.is_open = false};
    struct weft_stream_hello hello = {.statements_until = 4, .bytes_until = 100000};
    for (uint64_t i = 0; i < 9; i++) {
        rig_plant_state(plant, i);
    }
    EXPECT_EQ(WEFT_SENDER_WAITS, weft_sender_next(&sender, &plant->provider).act);
    weft_sender_open(&sender, &hello);
    EXPECT_EQ(WEFT_SENDER_WAITS, weft_sender_next(&sender, &plant->provider).act); /* no head */
    rig_plant_sign(plant);
    struct weft_sender_effect effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_HEAD, effect.act);
    EXPECT_EQ(0, effect.old_size);
    EXPECT_EQ(10, effect.head_size);
    weft_sender_sent_head(&sender, 10);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_BATCH, effect.act);
    EXPECT_EQ(0, effect.first);
    EXPECT_EQ(4, effect.count_max);
    EXPECT_EQ(100000, effect.bytes_max);
    struct weft_stream_batch message = rig_plant_batch(plant, 0, 4, false);
    weft_sender_sent_batch(&sender, &message);
    EXPECT_EQ(WEFT_SENDER_WAITS, weft_sender_next(&sender, &plant->provider).act);
    weft_credit_grant(&sender.credit, 1000000, 100000000);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(4, effect.first);
    EXPECT_EQ(6, effect.count_max);
    EXPECT_EQ(WEFT_STREAM_ITEMS_SIZE_MAX, effect.bytes_max);
    message = rig_plant_batch(plant, 4, 6, false);
    weft_sender_sent_batch(&sender, &message);
    EXPECT_EQ(WEFT_SENDER_WAITS, weft_sender_next(&sender, &plant->provider).act);
    rig_plant_state(plant, 20);
    EXPECT_EQ(WEFT_SENDER_WAITS, weft_sender_next(&sender, &plant->provider).act); /* not signed */
    rig_plant_sign(plant);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_HEAD, effect.act);
    EXPECT_EQ(10, effect.old_size);
    weft_sender_close(&sender);
    EXPECT_EQ(WEFT_SENDER_WAITS, weft_sender_next(&sender, &plant->provider).act);
    rig_plant_destroy(plant);
}

TEST(sender, sends_nothing_while_its_stream_is_fenced)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_sender sender = {.is_open = false};
    const struct weft_stream_hello hello = {.statements_until = 4, .bytes_until = 100000};
    rig_plant_sign(plant);
    weft_sender_open(&sender, &hello);
    EXPECT_EQ(WEFT_SENDER_HEAD, weft_sender_next(&sender, &plant->provider).act);
    plant->provider.fence.size = 9;
    EXPECT_EQ(WEFT_SENDER_WAITS, weft_sender_next(&sender, &plant->provider).act);
    rig_plant_destroy(plant);
}

/* What was sent since the hello, or as it was asked for; then a proof, under the head of its
 * beginning. */
TEST(sender, windows_grow_with_what_came_and_end_under_the_head_that_they_began_under)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_sender sender = {.is_open = false};
    const struct weft_stream_hello hello = {
        .statements_until = 100000, .bytes_until = 1000000, .window_bytes = 6000};
    for (uint64_t i = 0; i < 600; i++) {
        rig_plant_state(plant, i);
    }
    rig_plant_sign(plant);
    weft_sender_open(&sender, &hello);
    weft_sender_sent_head(&sender, 601);
    struct weft_stream_batch leaves = batch(0, 10, 2000);
    EXPECT_EQ(WEFT_SENDER_MORE, weft_sender_next(&sender, &plant->provider).act);
    weft_sender_sent_more(&sender, &leaves);
    struct weft_sender_effect effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_PROOF, effect.act); /* the first is one message */
    EXPECT_EQ(10, effect.first);
    weft_sender_sent_proof(&sender);
    leaves = batch(10, 10, 1000);
    weft_sender_sent_more(&sender, &leaves); /* 1640 of 2000 */
    rig_plant_state(plant, 700);
    rig_plant_sign(plant);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_MORE, effect.act);
    EXPECT_EQ(601, effect.head_size);
    leaves = batch(20, 10, 4000);
    weft_sender_sent_more(&sender, &leaves);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_PROOF, effect.act);
    EXPECT_EQ(601, effect.head_size);
    weft_sender_sent_proof(&sender);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_HEAD, effect.act);
    weft_sender_sent_head(&sender, 602);
    leaves = batch(30, 400, 4000);
    weft_sender_sent_more(&sender, &leaves); /* over all that is held */
    EXPECT_EQ(6000, sender.window_limit);
    EXPECT_EQ(WEFT_SENDER_PROOF, weft_sender_next(&sender, &plant->provider).act);
    weft_sender_sent_proof(&sender);
    EXPECT_EQ(WEFT_SENDER_BATCH, weft_sender_next(&sender, &plant->provider).act); /* few wait */
    rig_plant_destroy(plant);
}

static struct weft_sender with_frames(struct rig_plant *plant)
{
    struct weft_sender sender = {.is_open = false};
    const struct weft_stream_hello hello = {.statements_until = 100000,
        .bytes_until = 1 << 30,
        .window_bytes = 1 << 24,
        .frame_bytes = 1 << 22};
    for (uint64_t i = 0; i < 3000; i++) {
        rig_plant_state(plant, i);
    }
    rig_plant_sign(plant);
    weft_sender_open(&sender, &hello);
    weft_sender_sent_head(&sender, 3001);
    return sender;
}

/* A window ends where it lacks few hashes; with all that there is it ends in any case. */
TEST(sender, messages_that_say_their_proof_end_windows_at_round_places)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_sender sender = with_frames(plant);
    bool is_end = false;
    struct weft_sender_effect effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_LEAVES, effect.act);
    EXPECT_EQ(WEFT_STREAM_MORE_SIZE_MAX, effect.bytes_max); /* at first */
    struct weft_stream_batch leaves = batch(0, 700, 3 << 20);
    EXPECT_EQ(512, weft_sender_cut(&sender, &leaves, &is_end)); /* the first is one message */
    EXPECT_TRUE(is_end);
    leaves = batch(0, 512, 3 << 20);
    weft_sender_sent_leaves(&sender, &leaves, is_end);
    EXPECT_EQ(512, sender.known);
    EXPECT_EQ(0, sender.window_bytes);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(3 << 20, effect.bytes_max); /* as much as came, ... */
    leaves = batch(512, 100, 1 << 20);
    EXPECT_EQ(100, weft_sender_cut(&sender, &leaves, &is_end));
    EXPECT_TRUE(!is_end);
    weft_sender_sent_leaves(&sender, &leaves, is_end);
    EXPECT_EQ(512, sender.known);
    leaves = batch(612, 100, 1 << 20); /* over half of 3 MiB, and 640 is round */
    EXPECT_EQ(28, weft_sender_cut(&sender, &leaves, &is_end));
    EXPECT_TRUE(is_end);
    leaves = batch(612, 10, 1 << 20); /* no round place in it, ... */
    EXPECT_EQ(10, weft_sender_cut(&sender, &leaves, &is_end));
    EXPECT_TRUE(!is_end);
    leaves = batch(612, 10, 2 << 20); /* ...but it is as much as a window may have */
    EXPECT_EQ(10, weft_sender_cut(&sender, &leaves, &is_end));
    EXPECT_TRUE(is_end);
    leaves = batch(612, 28, 1 << 20);
    weft_sender_sent_leaves(&sender, &leaves, true);
    EXPECT_EQ(640, sender.known);
    leaves = batch(640, 2361, 1 << 20);
    EXPECT_EQ(2361, weft_sender_cut(&sender, &leaves, &is_end));
    EXPECT_TRUE(is_end);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_STREAM_LEAVES_SIZE_MAX, effect.bytes_max); /* ...up to what fits */
    EXPECT_EQ(2361, effect.count_max);
    leaves = batch(640, 2361, 1 << 20);
    weft_sender_sent_leaves(&sender, &leaves, true);
    rig_plant_state(plant, 4000);
    rig_plant_sign(plant);
    effect = weft_sender_next(&sender, &plant->provider);
    EXPECT_EQ(WEFT_SENDER_HEAD, effect.act);
    EXPECT_TRUE(effect.is_right); /* He has all that is left of it. */
    weft_sender_sent_head(&sender, 3002);
    EXPECT_EQ(0, sender.known);
    weft_sender_sent_right(&sender);
    EXPECT_EQ(3001, sender.known);
    rig_plant_destroy(plant);
}

/* --- files ----------------------------------------------------------------------------------- */

TEST(stream_file, is_the_messages_of_a_link_one_behind_the_other)
{
    static struct weft_arena arena = {.size_max = 8 << 20};
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_partner_message m = {
        .stream = {plant->contract.name, weft_text_of(rig_site(RIG_SUPPLIER))}};
    struct weft_buffer file = {0};
    struct weft_msg msg = {""};
    rig_plant_state(plant, 1);
    rig_plant_sign(plant);
    EXPECT_EQ(WEFT_OK, weft_stream_file_begin(&file));
    m.kind = WEFT_KIND_STREAM_HEAD;
    m.head = rig_plant_head(plant, 0);
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &file));
    m.kind = WEFT_KIND_STREAM_BATCH;
    m.batch = rig_plant_batch(plant, 0, 2, false);
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &file));
    EXPECT_EQ(WEFT_OK, weft_stream_file_open((struct weft_bytes){file.data, file.size}, &msg));
    struct weft_bytes rest = {file.data + 16, file.size - 16}, cut = rest;
    EXPECT_EQ(WEFT_OK, weft_stream_file_next(&rest, &arena, &m, &msg));
    EXPECT_EQ(WEFT_KIND_STREAM_HEAD, m.kind);
    EXPECT_EQ(WEFT_OK, weft_stream_file_next(&rest, &arena, &m, &msg));
    EXPECT_EQ(WEFT_KIND_STREAM_BATCH, m.kind);
    EXPECT_EQ(2, m.batch.count);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_stream_file_next(&rest, &arena, &m, &msg));
    cut.size -= 8;
    EXPECT_EQ(WEFT_OK, weft_stream_file_next(&cut, &arena, &m, &msg));
    EXPECT_EQ(WEFT_EMALFORMED, weft_stream_file_next(&cut, &arena, &m, &msg));
    EXPECT_TEXT("the last message is cut short", msg.text);
    cut.size = 9;
    EXPECT_EQ(WEFT_EMALFORMED, weft_stream_file_next(&cut, &arena, &m, &msg));
    file.data[13] = '2';
    EXPECT_EQ(WEFT_EVERSION, weft_stream_file_open((struct weft_bytes){file.data, 16}, &msg));
    EXPECT_EQ(WEFT_EVERSION, weft_stream_file_open((struct weft_bytes){file.data, 15}, &msg));
    file.data[0] = 'W';
    EXPECT_EQ(WEFT_EMALFORMED, weft_stream_file_open((struct weft_bytes){file.data, 16}, &msg));
    weft_buffer_destroy(&file);
    rig_plant_destroy(plant);
}
