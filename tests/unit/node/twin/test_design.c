#include "node/state/twin/design.h"

#include <stdio.h>
#include <string.h>

#include "node/state/twin/ring.h"
#include "tests/lib/test.h"

enum {
    ORDERS = 6,
    STATEMENTS = 4,
};

struct orders {
    struct weft_change_history histories[ORDERS];
    struct weft_change changes[ORDERS][STATEMENTS];
    struct weft_effectivity effectivity[ORDERS];
    struct weft_record records[ORDERS];
    struct weft_link links[ORDERS][2];
    char texts[ORDERS][4][32];
};

static const struct weft_text part = {"part:box", 8};

static void make_order(struct orders *o, int n, int from, int to)
{
    (void)snprintf(o->texts[n][0], 32, "change:%d", n);
    (void)snprintf(o->texts[n][1], 32, "part:box/rev/%d", n);
    (void)snprintf(o->texts[n][2], 32, "%d", from);
    (void)snprintf(o->texts[n][3], 32, "%d", to);
    o->links[n][0] = (struct weft_link){.rel = WEFT_TEXT("about"), .to = part};
    o->links[n][1] =
        (struct weft_link){.rel = WEFT_TEXT("introduces"), .to = weft_text_of(o->texts[n][1])};
    o->records[n] = (struct weft_record){.links = o->links[n], .link_count = 2};
    o->effectivity[n] = (struct weft_effectivity){.form = WEFT_EFFECTIVITY_SERIAL,
        .serial_from = weft_text_of(o->texts[n][2]),
        .serial_to = weft_text_of(o->texts[n][3])};
    o->histories[n] = (struct weft_change_history){
        .asset = weft_text_of(o->texts[n][0]), .changes = o->changes[n]};
}

static void state_order(struct orders *o, int n, enum weft_change_status status, uint64_t index)
{
    struct weft_change_history *h = &o->histories[n];
    o->changes[n][h->count++] =
        (struct weft_change){.moment = {.at_ns = (int64_t)index, .index = index},
            .status = status,
            .record = &o->records[n],
            .effectivity = &o->effectivity[n],
            .effectivity_count = 1};
}

/* NOD-305: against a model that replays the statements one by one. */
TEST(design, the_release_agreed_on_last_counts_for_its_units_at_any_time)
{
    int by_order = 0, by_base = 0;
    for (int round = 0; round < 400; round++) {
        struct orders o;
        int from[ORDERS], to[ORDERS];
        struct {
            int order;
            enum weft_change_status status;
        } log[ORDERS * STATEMENTS];
        int count = 0;
        memset(&o, 0, sizeof(o));
        for (int n = 0; n < ORDERS; n++) {
            from[n] = (int)test_random(20);
            to[n] = from[n] + (int)test_random(10);
            make_order(&o, n, from[n], to[n]);
        }
        for (int step = 0; step < ORDERS * STATEMENTS / 2; step++) {
            int n = (int)test_random(ORDERS);
            struct weft_change_history *h = &o.histories[n];
            enum weft_change_status status = (enum weft_change_status)test_random(4);
            if (h->count == STATEMENTS ||
                (h->count > 0 &&
                    !weft_change_may_follow(h->changes[h->count - 1].status, status))) {
                continue;
            }
            log[count].order = n;
            log[count++].status = status;
            state_order(&o, n, status, (uint64_t)count);
        }
        const struct weft_revision_state state = {{0, 0, 0}, WEFT_REVISION_RELEASED};
        const struct weft_revision base = {WEFT_TEXT("part:box/rev/base"), &state, 1};
        const struct weft_design design = {.part = part,
            .revisions = &base,
            .revision_count = 1,
            .changes = o.histories,
            .change_count = ORDERS};
        for (int question = 0; question < 40; question++) {
            int serial = (int)test_random(30), until = (int)test_random((uint64_t)count + 2);
            int released[ORDERS] = {0}, best = -1;
            char name[32];
            for (int i = 0; i < count && i + 1 < until; i++) {
                int n = log[i].order;
                released[n] = log[i].status != WEFT_CHANGE_RELEASED ? 0
                              : released[n] != 0                    ? released[n]
                                                                    : i + 1;
            }
            for (int n = 0; n < ORDERS; n++) {
                if (released[n] > 0 && serial >= from[n] && serial <= to[n] &&
                    (best < 0 || released[n] > released[best])) {
                    best = n;
                }
            }
            (void)snprintf(name, sizeof(name), "serial:box/%d", serial);
            const struct weft_unit unit = {.asset = weft_text_of(name)};
            const struct weft_moment moment = {until, 0, 0};
            struct weft_effective e = weft_design_effective(&design, &unit, &moment);
            const char *expected = best < 0 ? "part:box/rev/base" : o.texts[best][1];
            EXPECT_TRUE(weft_text_is(e.revision, expected));
            EXPECT_EQ(best < 0 ? 0 : released[best], e.since.index);
            by_order += best >= 0;
            by_base += best < 0;
        }
    }
    EXPECT_TRUE(by_order > 1000 && by_base > 1000);
}

TEST(design, the_base_is_the_revision_released_first_that_no_release_introduces)
{
    const struct weft_revision_state states[] = {{{9, 9, 0}, WEFT_REVISION_DRAFT},
        {{10, 10, 0}, WEFT_REVISION_RELEASED}, {{11, 11, 1}, WEFT_REVISION_RELEASED},
        {{12, 12, 0}, WEFT_REVISION_OBSOLETE}};
    struct weft_revision revisions[] = {{WEFT_TEXT("part:box/rev/10"), &states[2], 1},
        {WEFT_TEXT("part:box/rev/9"), &states[2], 1}, {WEFT_TEXT("part:box/rev/X"), states, 1},
        {WEFT_TEXT("part:box/rev/0"), states, 4}};
    struct weft_design design = {.part = part, .revisions = revisions, .revision_count = 3};
    const struct weft_unit unit = {.asset = WEFT_TEXT("serial:box/1")};
    struct weft_effective e = weft_design_effective(&design, &unit, NULL);
    EXPECT_TRUE(weft_text_is(e.revision, "part:box/rev/9")); /* One commit: by natural order. */
    design.revision_count = 4;
    e = weft_design_effective(&design, &unit, NULL);
    EXPECT_TRUE(weft_text_is(e.revision, "part:box/rev/0")); /* Obsolete, and still the first. */
    EXPECT_EQ(WEFT_REVISION_OBSOLETE, e.status);
    EXPECT_EQ(10, e.since.index);
    struct orders o;
    memset(&o, 0, sizeof(o));
    make_order(&o, 0, 5, 5);
    design.changes = o.histories;
    design.change_count = 1;
    state_order(&o, 0, WEFT_CHANGE_DRAFT, 20); /* Introduces part:box/rev/0: not yet. */
    e = weft_design_effective(&design, &unit, NULL);
    EXPECT_TRUE(weft_text_is(e.revision, "part:box/rev/0"));
    state_order(&o, 0, WEFT_CHANGE_RELEASED, 21);
    e = weft_design_effective(&design, &unit, NULL);
    EXPECT_TRUE(weft_text_is(e.revision, "part:box/rev/9"));
    const struct weft_moment early = {1, 1, 0};
    e = weft_design_effective(&design, &unit, &early);
    EXPECT_TRUE(e.revision.size > 0); /* Recorded after what was built to it. */
    design.revision_count = 0;
    e = weft_design_effective(&design, &unit, NULL);
    EXPECT_EQ(0, e.revision.size);
    o.links[0][0].rel = WEFT_TEXT("replaces"); /* No longer about it. */
    e = weft_design_effective(&design, &unit, NULL);
    EXPECT_TRUE(weft_text_is(e.revision, "part:box"));
}

TEST(design, superseding_reaches_through_others_and_rings_of_it_end)
{
    struct orders o;
    bool scratch[3];
    memset(&o, 0, sizeof(o));
    for (int n = 0; n < 3; n++) {
        make_order(&o, n, 0, 9);
        o.links[n][0].rel = WEFT_TEXT("supersedes");
        state_order(&o, n, WEFT_CHANGE_DRAFT, (uint64_t)n + 1);
    }
    o.links[0][0].to = o.histories[1].asset;
    o.links[1][0].to = o.histories[2].asset;
    o.links[2][0].to = o.histories[1].asset; /* A ring of 1 and 2. */
    const struct weft_change *first = &o.changes[0][0];
    EXPECT_TRUE(weft_change_supersedes(o.histories, 3, first, o.histories[2].asset, scratch));
    EXPECT_TRUE(!weft_change_supersedes(o.histories, 3, first, o.histories[0].asset, scratch));
    EXPECT_TRUE(!weft_change_supersedes(o.histories, 1, first, o.histories[2].asset, scratch));
}

/* --- rings ----------------------------------------------------------------------------------- */

/* A chain of numbers, node n above n + 1, up to `end`. */
static enum weft_err chain(void *ctx, struct weft_ring *ring, uint64_t node, bool is_down)
{
    uint64_t end = *(const uint64_t *)ctx;
    if (is_down && node < end) {
        weft_ring_enter(ring, node + 1);
    } else if (!is_down && node > 0) {
        weft_ring_enter(ring, node - 1);
    }
    return end == 13 && node == 13 ? WEFT_EIO : WEFT_OK;
}

TEST(design, a_ring_is_found_from_both_ends_within_the_limit_or_said_not_to_be)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_ring ring;
    bool closes;
    uint64_t end = 100, above = 5, below = 95;
    EXPECT_EQ(WEFT_OK, weft_ring_init(&ring, &arena));
    EXPECT_EQ(WEFT_OK, weft_ring_search(&ring, &above, 1, &below, 1, chain, &end, &closes));
    EXPECT_TRUE(!closes);
    EXPECT_EQ(WEFT_OK, weft_ring_search(&ring, &below, 1, &above, 1, chain, &end, &closes));
    EXPECT_TRUE(closes);
    EXPECT_EQ(WEFT_OK, weft_ring_search(&ring, &below, 1, &below, 1, chain, &end, &closes));
    EXPECT_TRUE(closes);
    EXPECT_EQ(WEFT_OK, weft_ring_search(&ring, &below, 1, &above, 0, chain, &end, &closes));
    EXPECT_TRUE(!closes);
    /* One more node than there is room for: both sides run on. */
    end = UINT64_MAX - 2;
    above = 1000 * 1000;
    below = above + 2 * WEFT_RING_NODES_MAX;
    EXPECT_EQ(WEFT_ETOOBIG, weft_ring_search(&ring, &above, 1, &below, 1, chain, &end, &closes));
    above = below + WEFT_RING_NODES_MAX;
    EXPECT_EQ(WEFT_ETOOBIG, weft_ring_search(&ring, &above, 1, &below, 1, chain, &end, &closes));
    above = below + WEFT_RING_NODES_MAX - 1;
    EXPECT_EQ(WEFT_OK, weft_ring_search(&ring, &above, 1, &below, 1, chain, &end, &closes));
    EXPECT_TRUE(closes);
    end = 13;
    above = 1;
    below = 13;
    EXPECT_EQ(WEFT_EIO, weft_ring_search(&ring, &below, 1, &above, 1, chain, &end, &closes));
    weft_arena_destroy(&arena);
    arena.size_max = 1000;
    EXPECT_EQ(WEFT_ENOMEM, weft_ring_init(&ring, &arena));
    weft_arena_destroy(&arena);
}
