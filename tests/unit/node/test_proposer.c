#include "node/proposer.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

/* A replica that takes what it is given, as long as it leads and has room. */
static struct {
    bool is_leader;
    uint64_t next_index;
    uint32_t items;
    int64_t last_time_ns;
} replica;

enum weft_err weft_replica_propose(struct weft_replica *r, struct weft_bytes data, uint64_t now_ms,
    uint64_t *ret_index, uint64_t *ret_term, struct weft_msg *msg)
{
    struct weft_entry_reader reader;
    struct weft_entry_item item;
    (void)r, (void)now_ms, (void)msg;
    if (!replica.is_leader) {
        return WEFT_ENOTLEADER;
    }
    EXPECT_EQ(WEFT_OK, weft_entry_open(data, &reader));
    EXPECT_TRUE(reader.time_ns > replica.last_time_ns);
    replica.last_time_ns = reader.time_ns;
    while (weft_entry_next(&reader, &item) == WEFT_OK) {
        replica.items++;
    }
    *ret_index = replica.next_index++;
    *ret_term = 7;
    return WEFT_OK;
}

static void lead(void)
{
    memset(&replica, 0, sizeof(replica));
    replica.is_leader = true;
    replica.next_index = 10;
}

static enum weft_err add(
    struct weft_proposer *p, enum weft_item_type type, size_t size, uint64_t request_id)
{
    static uint64_t body[WEFT_ENTRY_SIZE_MAX / 8];
    const struct weft_waiter waiter = {.client = 1, .generation = 2, .request_id = request_id};
    const struct weft_entry_item item = {.type = type,
        .principal = WEFT_TEXT("spiffe://oem.example/op/ann"),
        .body = {(const uint8_t *)body, size}};
    return weft_proposer_add(p, &item, &waiter);
}

static enum weft_err flush(struct weft_proposer *p, int64_t now_ns)
{
    struct weft_msg msg;
    return weft_proposer_flush(p, NULL, now_ns, 0, &msg);
}

static void add_some(struct weft_proposer *p, uint32_t count, uint64_t request_id)
{
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_EQ(WEFT_OK, add(p, WEFT_ITEM_COMMIT, 64, request_id + i));
    }
}

TEST(proposer, packs_what_waits_into_one_entry)
{
    struct weft_proposer p;
    lead();
    weft_proposer_init(&p, 1 << 20, 4);
    for (uint64_t i = 0; i < 100; i++) {
        EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, 304, i));
    }
    EXPECT_EQ(WEFT_OK, flush(&p, 1000));
    EXPECT_EQ(100, replica.items);
    EXPECT_EQ(11, replica.next_index);
    struct weft_proposal *batch = weft_proposer_take(&p, 10, 7);
    EXPECT_TRUE(batch != NULL);
    EXPECT_EQ(100, batch->waiter_count);
    for (uint64_t i = 0; i < 100; i++) {
        EXPECT_EQ(i, batch->waiters[i].request_id);
    }
    weft_proposer_done(&p, batch);
    weft_proposer_close(&p);
}

TEST(proposer, keeps_the_limit_of_entries_in_flight)
{
    struct weft_proposer p;
    lead();
    weft_proposer_init(&p, 1 << 20, 2);
    const uint32_t worth = WEFT_PROPOSER_WORTH_ITEMS;
    for (uint64_t i = 0; i < 5; i++) {
        add_some(&p, worth, i * worth);
        EXPECT_EQ(WEFT_OK, flush(&p, 1000));
    }
    EXPECT_EQ(2 * worth, replica.items);
    weft_proposer_done(&p, weft_proposer_take(&p, 10, 7));
    EXPECT_EQ(WEFT_OK, flush(&p, 1000));
    EXPECT_EQ(5 * worth, replica.items); /* The other three in one. */
    EXPECT_EQ(13, replica.next_index);
    weft_proposer_close(&p);
}

TEST(proposer, keeps_a_little_for_when_the_entry_in_flight_is_applied)
{
    struct weft_proposer p;
    lead();
    weft_proposer_init(&p, 1 << 20, 4);
    add_some(&p, 1, 0);
    EXPECT_EQ(WEFT_OK, flush(&p, 1000));
    EXPECT_EQ(1, replica.items); /* Nothing is in flight: it waits for nothing. */
    for (uint32_t i = 1; i < WEFT_PROPOSER_WORTH_ITEMS; i++) {
        add_some(&p, 1, i);
        EXPECT_EQ(WEFT_OK, flush(&p, 1000));
        EXPECT_EQ(1, replica.items);
    }
    weft_proposer_done(&p, weft_proposer_take(&p, 10, 7));
    EXPECT_EQ(WEFT_OK, flush(&p, 1000));
    EXPECT_EQ(WEFT_PROPOSER_WORTH_ITEMS, replica.items);
    EXPECT_EQ(12, replica.next_index);
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, WEFT_PROPOSER_WORTH_BYTES, 100));
    EXPECT_EQ(WEFT_OK, flush(&p, 1000)); /* Much waits for nothing, be it one. */
    EXPECT_EQ(13, replica.next_index);
    weft_proposer_close(&p);
}

TEST(proposer, starts_a_second_entry_when_the_first_is_full)
{
    struct weft_proposer p;
    lead();
    weft_proposer_init(&p, 8 << 20, 4);
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, WEFT_COMMIT_SIZE_MAX, 0));
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, WEFT_COMMIT_SIZE_MAX, 1));
    EXPECT_EQ(WEFT_OK, flush(&p, 1000));
    EXPECT_EQ(12, replica.next_index);
    weft_proposer_close(&p);
}

TEST(proposer, refuses_over_its_byte_budget_and_admits_again)
{
    struct weft_proposer p;
    lead();
    replica.is_leader = false;
    weft_proposer_init(&p, 1000, 4);
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, 800, 0));
    EXPECT_EQ(WEFT_EBUSY, add(&p, WEFT_ITEM_COMMIT, 800, 1));
    EXPECT_EQ(WEFT_OK, flush(&p, 1)); /* Does not lead: it stays queued. */
    EXPECT_EQ(WEFT_EBUSY, add(&p, WEFT_ITEM_COMMIT, 800, 1));
    replica.is_leader = true;
    EXPECT_EQ(WEFT_OK, flush(&p, 1));
    EXPECT_EQ(0, p.waiting_bytes);
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, 800, 1));
    weft_proposer_close(&p);
}

/* NOD-4: a digest marker is alone in its entry, on both sides. */
TEST(proposer, gives_a_digest_marker_its_own_entry)
{
    struct weft_proposer p;
    lead();
    weft_proposer_init(&p, 1 << 20, 8);
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, 64, 0));
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_DIGEST, 8, 1));
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, 64, 2));
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_DIGEST, 8, 3));
    EXPECT_EQ(WEFT_OK, flush(&p, 1));
    static const uint64_t request[] = {0, 1, 2, 3};
    for (uint64_t i = 0; i < 4; i++) {
        struct weft_proposal *batch = weft_proposer_take(&p, 10 + i, 7);
        EXPECT_TRUE(batch != NULL);
        EXPECT_EQ(1, batch->waiter_count);
        EXPECT_EQ(request[i], batch->waiters[0].request_id);
        weft_proposer_done(&p, batch);
    }
    EXPECT_EQ(14, replica.next_index);
    weft_proposer_close(&p);
}

/* NOD-2 is asserted by the replica above: the clock steps back, the entries' times do not. */
TEST(proposer, keeps_entry_times_monotone_when_the_clock_jumps)
{
    struct weft_proposer p;
    static const int64_t clock_ns[] = {1000, 2000, 500, 500, 3000};
    lead();
    weft_proposer_init(&p, 1 << 20, 8);
    for (size_t i = 0; i < 5; i++) {
        add_some(&p, WEFT_PROPOSER_WORTH_ITEMS, i * WEFT_PROPOSER_WORTH_ITEMS);
        EXPECT_EQ(WEFT_OK, flush(&p, clock_ns[i]));
    }
    EXPECT_EQ(3000, replica.last_time_ns);
    EXPECT_EQ(5 * WEFT_PROPOSER_WORTH_ITEMS, replica.items);
    weft_proposer_close(&p);
}

TEST(proposer, tells_lost_proposals_from_those_never_made)
{
    struct weft_proposer p;
    bool is_unknown = false;
    lead();
    weft_proposer_init(&p, 1 << 20, 1);
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, 64, 0));
    EXPECT_EQ(WEFT_OK, flush(&p, 1));
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, 64, 1));
    struct weft_proposal *batch = weft_proposer_take_lost(&p, &is_unknown);
    EXPECT_TRUE(batch != NULL && !is_unknown);
    EXPECT_EQ(1, batch->waiters[0].request_id);
    weft_proposer_done(&p, batch);
    batch = weft_proposer_take_lost(&p, &is_unknown);
    EXPECT_TRUE(batch != NULL && is_unknown);
    EXPECT_EQ(0, batch->waiters[0].request_id);
    weft_proposer_done(&p, batch);
    EXPECT_TRUE(weft_proposer_take_lost(&p, &is_unknown) == NULL);
    EXPECT_TRUE(weft_proposer_take(&p, 10, 7) == NULL);
    weft_proposer_close(&p);
}

/* The entry at our index is another leader's: nobody may be answered by it. */
TEST(proposer, does_not_answer_by_an_entry_of_another_term)
{
    struct weft_proposer p;
    lead();
    weft_proposer_init(&p, 1 << 20, 1);
    EXPECT_EQ(WEFT_OK, add(&p, WEFT_ITEM_COMMIT, 64, 0));
    EXPECT_EQ(WEFT_OK, flush(&p, 1));
    EXPECT_TRUE(weft_proposer_take(&p, 10, 8) == NULL);
    EXPECT_TRUE(weft_proposer_take(&p, 11, 7) == NULL);
    struct weft_proposal *batch = weft_proposer_take(&p, 10, 7);
    EXPECT_TRUE(batch != NULL);
    weft_proposer_done(&p, batch);
    weft_proposer_close(&p);
}
