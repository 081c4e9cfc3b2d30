#include "federation/cells/recall.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 8 << 20};
static struct weft_recall_impact *impacts;
static uint32_t impact_count;

static struct weft_digest subject(uint32_t n)
{
    return weft_sha256(&n, sizeof(n));
}

/* What was told: a list. */
struct told {
    struct weft_recall_delivery items[64];
    uint32_t count;
};

static bool was_told(void *ctx, const struct weft_digest *recall, struct weft_text customer,
    const struct weft_digest *of)
{
    (void)recall;
    const struct told *told = ctx;
    for (uint32_t i = 0; told != NULL && i < told->count; i++) {
        if (weft_text_equal(told->items[i].customer, customer) &&
            weft_digest_equal(&told->items[i].subject, of)) {
            return true;
        }
    }
    return false;
}

static struct weft_recall_delivery delivery(const char *customer, uint32_t n)
{
    return (struct weft_recall_delivery){weft_text_of(customer), subject(n)};
}

static void reach(const struct weft_recall_delivery *deliveries, uint32_t count, struct told *told)
{
    struct weft_digest recall = subject(999);
    EXPECT_EQ(WEFT_OK, weft_recall_reach(&recall, deliveries, count, was_told, told, &arena,
                           &impacts, &impact_count));
    for (uint32_t i = 0; told != NULL && i < impact_count; i++) {
        for (uint32_t k = 0; k < impacts[i].impact.subjects.count; k++) {
            told->items[told->count++] = (struct weft_recall_delivery){
                impacts[i].customer, impacts[i].impact.subjects.items[k]};
        }
    }
}

TEST(recall, reaches_each_customer_once_with_what_it_got)
{
    struct weft_recall_delivery deliveries[] = {delivery("c.example", 3), delivery("b.example", 1),
        delivery("c.example", 3), delivery("b.example", 2)};
    struct told told = {.count = 0};
    reach(deliveries, 4, &told);
    EXPECT_EQ(2, impact_count);
    EXPECT_TRUE(weft_text_is(impacts[0].customer, "b.example"));
    EXPECT_EQ(2, impacts[0].impact.subjects.count);
    EXPECT_TRUE(memcmp(&impacts[0].impact.subjects.items[0], &impacts[0].impact.subjects.items[1],
                    WEFT_DIGEST_SIZE) < 0);
    EXPECT_EQ(1, impacts[1].impact.subjects.count);
    struct weft_digest recall = subject(999);
    EXPECT_MEM(&recall, &impacts[0].impact.recall, sizeof(recall));
    reach(deliveries, 4, &told); /* Once more: nothing is due. */
    EXPECT_EQ(0, impact_count);
    deliveries[0] = delivery("c.example", 9);
    reach(deliveries, 4, &told);
    EXPECT_EQ(1, impact_count);
    EXPECT_EQ(1, impacts[0].impact.subjects.count);
    weft_arena_destroy(&arena);
}

TEST(recall, tells_what_has_no_room_in_one_statement_in_more_of_them)
{
    static struct weft_recall_delivery deliveries[2 * WEFT_RECALL_SUBJECTS_MAX + 1];
    for (uint32_t i = 0; i < 2 * WEFT_RECALL_SUBJECTS_MAX + 1; i++) {
        deliveries[i] = delivery("b.example", i);
    }
    reach(deliveries, 2 * WEFT_RECALL_SUBJECTS_MAX + 1, NULL);
    EXPECT_EQ(3, impact_count);
    EXPECT_EQ(1, impacts[2].impact.subjects.count);
    weft_arena_destroy(&arena);
}

TEST(recall, has_limits)
{
    static char names[WEFT_RECALL_CUSTOMERS_MAX + 1][16];
    static struct weft_recall_delivery deliveries[WEFT_RECALL_CUSTOMERS_MAX + 1];
    struct weft_digest recall = subject(999);
    struct weft_arena small = {.size_max = 64};
    for (uint32_t i = 0; i <= WEFT_RECALL_CUSTOMERS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "c%u.example", i);
        deliveries[i] = delivery(names[i], i);
    }
    reach(deliveries, WEFT_RECALL_CUSTOMERS_MAX, NULL);
    EXPECT_EQ(WEFT_RECALL_CUSTOMERS_MAX, impact_count);
    EXPECT_EQ(WEFT_ETOOBIG, weft_recall_reach(&recall, deliveries, WEFT_RECALL_CUSTOMERS_MAX + 1,
                                was_told, NULL, &arena, &impacts, &impact_count));
    EXPECT_EQ(WEFT_ENOMEM,
        weft_recall_reach(&recall, deliveries, 2, was_told, NULL, &small, &impacts, &impact_count));
    weft_arena_destroy(&small);
    weft_arena_destroy(&arena);
}

/* --- tiers ----------------------------------------------------------------------------------- */

enum {
    ORGS = 5,
    UNITS = 3,
};

static const char *const orgs[ORGS] = {
    "a.example", "b.example", "c.example", "d.example", "e.example"};
/* Who delivers to whom: a to b and c, both to d, d to e, and e back to a. */
static const bool delivers[ORGS][ORGS] = {{false, true, true, false, false},
    {false, false, false, true, false}, {false, false, false, true, false},
    {false, false, false, false, true}, {true, false, false, false, false}};

/* Every organization passes on what it gets: its units have those of who delivered inside. */
static void spread(uint32_t seed, struct told told[ORGS], uint32_t *ret_impacts)
{
    bool is_waiting[ORGS] = {true, false, false, false, false};
    uint32_t total = 0;
    for (uint32_t turns = 0; turns < 200; turns++) {
        uint32_t org = (uint32_t)((seed + turns * 7 + test_random(ORGS)) % ORGS);
        if (!is_waiting[org]) {
            continue;
        }
        is_waiting[org] = false;
        struct weft_recall_delivery deliveries[ORGS * UNITS];
        uint32_t count = 0;
        for (uint32_t to = 0; to < ORGS; to++) {
            for (uint32_t unit = 0; delivers[org][to] && unit < UNITS; unit++) {
                deliveries[count++] = delivery(orgs[to], 100 * org + unit);
            }
        }
        reach(deliveries, count, &told[org]);
        total += impact_count;
        for (uint32_t i = 0; i < impact_count; i++) {
            for (uint32_t to = 0; to < ORGS; to++) {
                is_waiting[to] = is_waiting[to] || weft_text_is(impacts[i].customer, orgs[to]);
            }
        }
    }
    *ret_impacts = total;
}

TEST(recall, goes_through_all_tiers_whatever_their_order_and_ends_in_a_ring)
{
    for (uint32_t seed = 0; seed < 50; seed++) {
        static struct told told[ORGS];
        uint32_t total = 0;
        memset(told, 0, sizeof(told));
        spread(seed, told, &total);
        EXPECT_EQ(6, total); /* One along each edge. */
        for (uint32_t org = 0; org < ORGS; org++) {
            uint32_t edges = 0;
            for (uint32_t to = 0; to < ORGS; to++) {
                edges += delivers[org][to];
            }
            EXPECT_EQ(edges * UNITS, told[org].count);
        }
        weft_arena_reset(&arena);
    }
    weft_arena_destroy(&arena);
}

/* --- acknowledgements ------------------------------------------------------------------------ */

static struct weft_recall_reply reply(const char *author, uint64_t index, uint64_t affected)
{
    return (struct weft_recall_reply){.author = weft_text_of(author),
        .revision = {1, index, 0},
        .acknowledgement = {
            .recall = subject(999), .affected = affected, .located = 1, .blocked = 1, .done = 1}};
}

static void expect_sum(
    const struct weft_recall_reply *replies, uint32_t count, uint64_t affected, uint64_t awaited)
{
    static const struct weft_text told[] = {WEFT_TEXT("b.example"), WEFT_TEXT("c.example")};
    const struct weft_acknowledgement own = {.recall = subject(999), .affected = 10};
    struct weft_acknowledgement sum, turned_sum;
    struct weft_recall_reply turned[8];
    for (uint32_t i = 0; i < count; i++) {
        turned[i] = replies[count - 1 - i];
    }
    weft_recall_roll_up(&own, told, 2, replies, count, &sum);
    weft_recall_roll_up(&own, told, 2, turned, count, &turned_sum);
    EXPECT_EQ(affected, sum.affected);
    EXPECT_EQ(awaited, sum.awaited);
    EXPECT_MEM(&sum, &turned_sum, sizeof(sum));
}

TEST(recall, acknowledgements_roll_up_as_counts_of_each_sites_newest)
{
    struct weft_recall_reply replies[] = {reply("b.example/q1", 1, 5), reply("b.example/q1", 2, 7),
        reply("b.example/q2", 1, 3), reply("x.example/s", 1, 100), reply("c.example/r", 1, 2)};
    expect_sum(replies, 0, 10, 2);
    expect_sum(replies, 1, 15, 1);
    expect_sum(replies, 2, 17, 1);
    expect_sum(replies, 3, 20, 1);
    expect_sum(replies, 4, 20, 1); /* Nobody asked x.example. */
    expect_sum(replies, 5, 22, 0);
    replies[4].acknowledgement.recall = subject(1); /* Of another recall. */
    expect_sum(replies, 5, 20, 1);
    replies[0].revision.index = 2; /* Two of one revision: the larger counts. */
    expect_sum(replies, 2, 17, 1);
}

TEST(recall, counts_of_others_do_not_overflow)
{
    struct weft_recall_reply replies[] = {
        reply("b.example/q1", 1, INT64_MAX), reply("c.example/r", 1, INT64_MAX)};
    expect_sum(replies, 2, INT64_MAX, 0);
}

TEST(recall, counts_are_kept_tier_by_tier)
{
    static const struct weft_text told[] = {WEFT_TEXT("b.example"), WEFT_TEXT("c.example")};
    const struct weft_acknowledgement own = {.recall = subject(999), .affected = 10};
    struct weft_recall_reply replies[] = {reply("b.example/q1", 1, 7), reply("b.example/q2", 1, 2)};
    struct weft_acknowledgement sum;
    replies[0].acknowledgement.tiers = (struct weft_act_counts){{4, 3}, 2};
    replies[0].acknowledgement.awaited = 5;
    replies[0].acknowledgement.silent = (struct weft_act_counts){{1, 0, 4}, 3};
    weft_recall_roll_up(&own, told, 2, replies, 2, &sum);
    EXPECT_EQ(3, sum.tiers.count);
    EXPECT_EQ(10, sum.tiers.items[0]);
    EXPECT_EQ(6, sum.tiers.items[1]); /* Who says nothing of tiers has all of it. */
    EXPECT_EQ(3, sum.tiers.items[2]);
    EXPECT_EQ(4, sum.silent.count);
    EXPECT_EQ(1, sum.silent.items[0]); /* c.example */
    EXPECT_EQ(1, sum.silent.items[1]);
    EXPECT_EQ(4, sum.silent.items[3]);
    EXPECT_EQ(6, sum.awaited);
    struct weft_recall_reply deep = reply("b.example/q1", 9, 3);
    deep.acknowledgement.tiers.count = WEFT_ACT_TIERS_MAX;
    deep.acknowledgement.tiers.items[WEFT_ACT_TIERS_MAX - 1] = 2;
    deep.acknowledgement.tiers.items[WEFT_ACT_TIERS_MAX - 2] = 1;
    weft_recall_roll_up(&own, told, 2, &deep, 1, &sum);
    EXPECT_EQ(WEFT_ACT_TIERS_MAX, sum.tiers.count);
    EXPECT_EQ(3, sum.tiers.items[WEFT_ACT_TIERS_MAX - 1]); /* What is below the last is in it. */
}
