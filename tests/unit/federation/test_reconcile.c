/* Sets: a trie whose root follows from its members, and two sides that find what each lacks. */
#include "federation/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "tests/lib/test.h"

static struct weft_digest member_of(uint64_t number)
{
    uint8_t bytes[8];
    weft_put_be64(bytes, number);
    return weft_sha256(bytes, sizeof(bytes));
}

static void add(struct weft_trie *trie, const struct weft_digest *member)
{
    bool is_new;
    EXPECT_EQ(WEFT_OK, weft_trie_add(trie, member, &is_new));
}

static void fill(struct weft_trie *trie, uint64_t from, uint64_t until)
{
    for (uint64_t i = from; i < until; i++) {
        struct weft_digest member = member_of(i);
        add(trie, &member);
    }
}

TEST(trie, root_follows_from_the_set_and_not_from_the_order)
{
    for (unsigned round = 0; round < 50; round++) {
        struct weft_trie a = {0}, b = {0};
        uint64_t count = 1 + test_random(200), shift = test_random(count);
        fill(&a, 0, count);
        for (uint64_t i = 0; i < count; i++) { /* FED-23 */
            struct weft_digest member = member_of((i + shift) % count);
            add(&b, &member);
            if (test_random(7) == 0) {
                (void)weft_trie_root(&b); /* worked out on the way or not */
            }
        }
        struct weft_digest first = weft_trie_root(&a), second = weft_trie_root(&b);
        EXPECT_MEM(first.bytes, second.bytes, WEFT_DIGEST_SIZE);
        struct weft_digest more = member_of(count + round);
        EXPECT_TRUE(!weft_trie_has(&b, &more));
        add(&b, &more);
        EXPECT_TRUE(weft_trie_has(&b, &more));
        second = weft_trie_root(&b);
        EXPECT_TRUE(!weft_digest_equal(&first, &second));
        weft_trie_destroy(&a);
        weft_trie_destroy(&b);
    }
}

TEST(trie, members_that_agree_in_63_digits_are_told_apart)
{
    struct weft_trie trie = {0};
    struct weft_digest a = {{7}}, b = {{7}};
    bool is_new;
    a.bytes[31] = 1;
    b.bytes[31] = 2;
    add(&trie, &a);
    add(&trie, &b);
    EXPECT_EQ(WEFT_OK, weft_trie_add(&trie, &a, &is_new));
    EXPECT_TRUE(!is_new);
    EXPECT_EQ(2, trie.member_count);
    EXPECT_TRUE(weft_trie_has(&trie, &a) && weft_trie_has(&trie, &b));
    struct weft_digest root = weft_trie_root(&trie), zero = {{0}};
    EXPECT_TRUE(!weft_digest_equal(&root, &zero));
    weft_trie_destroy(&trie);
}

/* --- two sides ------------------------------------------------------------------------------- */

struct side {
    struct weft_trie trie;
    struct weft_trie found; /* What it was told that it lacks. */
    struct weft_reconcile machine;
};

static enum weft_err on_missing(void *ctx, const struct weft_digest *member, struct weft_msg *msg)
{
    struct side *side = ctx;
    (void)msg;
    EXPECT_TRUE(!weft_trie_has(&side->trie, member)); /* FED-24 */
    add(&side->found, member);
    return WEFT_OK;
}

static void begin(struct side *side)
{
    struct weft_trie_view view = weft_trie_view_of(&side->trie);
    weft_reconcile_init(&side->machine, &view, on_missing, side);
}

static void end(struct side *side)
{
    weft_reconcile_destroy(&side->machine);
    weft_trie_destroy(&side->trie);
    weft_trie_destroy(&side->found);
}

struct cost {
    size_t bytes;
    unsigned messages;
};

static struct cost run(struct side *a, struct side *b)
{
    struct weft_buffer message = {0}, next = {0};
    struct weft_msg msg = {""};
    struct cost cost = {0};
    begin(a);
    begin(b);
    EXPECT_EQ(WEFT_OK, weft_reconcile_begin(&a->machine, &message, &msg));
    for (struct side *side = b; message.size > 0; side = side == a ? b : a) {
        EXPECT_TRUE(message.size <= WEFT_RECONCILE_MESSAGE_SIZE_MAX);
        cost.bytes += message.size;
        cost.messages++;
        weft_buffer_clear(&next);
        EXPECT_EQ(WEFT_OK, weft_reconcile_step(&side->machine,
                               (struct weft_bytes){message.data, message.size}, &next, &msg));
        EXPECT_TEXT("", msg.text);
        struct weft_buffer kept = message;
        message = next;
        next = kept;
    }
    weft_buffer_destroy(&message);
    weft_buffer_destroy(&next);
    return cost;
}

/* Each was told exactly what the other has and it has not. */
static void expect_found(const struct side *a, const struct side *b)
{
    uint32_t lacking = 0;
    for (uint32_t i = 0; i < b->trie.member_count; i++) {
        if (!weft_trie_has(&a->trie, &b->trie.members[i])) {
            lacking++;
            EXPECT_TRUE(weft_trie_has(&a->found, &b->trie.members[i]));
        }
    }
    EXPECT_EQ(lacking, a->found.member_count);
}

TEST(reconcile, random_sets_find_what_each_lacks)
{
    for (unsigned round = 0; round < 200; round++) {
        struct side a = {0}, b = {0};
        uint64_t size = test_random(round % 10 == 0 ? 3000 : 100);
        uint64_t lost_a = 1 + test_random(20), lost_b = 1 + test_random(20);
        for (uint64_t i = 0; i < size; i++) {
            struct weft_digest member = member_of(i + round * 10000);
            bool is_lost = test_random(lost_a) == 0 && round % 3 != 0;
            if (!is_lost) {
                add(&a.trie, &member);
            }
            is_lost = test_random(lost_b) == 0 && round % 3 != 1;
            if (!is_lost) {
                add(&b.trie, &member);
            }
        }
        (void)run(&a, &b);
        expect_found(&a, &b);
        expect_found(&b, &a);
        end(&a);
        end(&b);
    }
}

TEST(reconcile, an_empty_side_is_told_everything)
{
    for (int turn = 0; turn < 2; turn++) {
        struct side a = {0}, b = {0};
        fill(&a.trie, 0, 20000);
        struct cost cost = turn == 0 ? run(&a, &b) : run(&b, &a);
        EXPECT_EQ(20000, b.found.member_count);
        EXPECT_EQ(0, a.found.member_count);
        EXPECT_TRUE(cost.bytes < 20000 * 40);
        end(&a);
        end(&b);
    }
}

TEST(reconcile, equal_sets_take_one_message_each_way_at_most)
{
    struct side a = {0}, b = {0};
    fill(&a.trie, 0, 1000);
    fill(&b.trie, 0, 1000);
    struct cost cost = run(&a, &b);
    EXPECT_EQ(1, cost.messages);
    EXPECT_TRUE(cost.bytes < 32);
    end(&a);
    end(&b);
}

enum {
    NODE_SIZE = 104, /* struct weft_trie_node: a hash, 16 children, a count, a flag */
#ifdef WEFT_SANITIZED
    LARGE = 100000,
#else
    LARGE = 1000000,
#endif
};

static struct cost cost_of(struct side *a, struct side *b, unsigned differences)
{
    struct cost cost = run(a, b);
    EXPECT_EQ(differences, b->found.member_count);
    EXPECT_EQ(0, a->found.member_count);
    (void)printf("%u of %d differ: %zu bytes in %u messages\n", differences, LARGE, cost.bytes,
        cost.messages);
    weft_reconcile_destroy(&a->machine);
    weft_reconcile_destroy(&b->machine);
    weft_trie_destroy(&b->found);
    return cost;
}

/* Half of the time of this program is filling. */
static void copy(struct weft_trie *to, const struct weft_trie *from)
{
    *to = *from;
    to->members = malloc(from->member_capacity * sizeof(*to->members));
    to->nodes = malloc(from->node_capacity * (size_t)NODE_SIZE);
    EXPECT_TRUE(to->members != NULL && to->nodes != NULL);
    memcpy(to->members, from->members, from->member_count * sizeof(*to->members));
    memcpy(to->nodes, from->nodes, from->node_count * (size_t)NODE_SIZE);
}

TEST(reconcile, costs_what_differs_and_not_what_is_there)
{
    struct side a = {0}, b = {0};
    fill(&b.trie, 100, LARGE);
    (void)weft_trie_root(&b.trie);
    copy(&a.trie, &b.trie);
    fill(&a.trie, 0, 100);
    struct cost cost = cost_of(&a, &b, 100);
    EXPECT_TRUE(cost.bytes < 100 * 1024);
    EXPECT_TRUE(cost.messages <= 12); /* six round trips */
    fill(&b.trie, 1, 100);
    cost = cost_of(&a, &b, 1);
    EXPECT_TRUE(cost.bytes < 3 * 1024);
    EXPECT_TRUE(cost.messages <= 12);
    weft_trie_destroy(&a.trie);
    weft_trie_destroy(&b.trie);
}

/* --- hostile --------------------------------------------------------------------------------- */

TEST(reconcile, garbage_is_refused_and_costs_no_more_than_its_bound)
{
    static uint8_t bytes[WEFT_RECONCILE_MESSAGE_SIZE_MAX + 1];
    struct side a = {0};
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    fill(&a.trie, 0, 2000);
    begin(&a);
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_reconcile_step(&a.machine, (struct weft_bytes){bytes, 0}, &out, &msg));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_reconcile_step(&a.machine, (struct weft_bytes){bytes, sizeof(bytes)}, &out, &msg));
    for (unsigned round = 0; round < 2000; round++) {
        size_t size = 1 + test_random(200);
        bytes[0] = 0;
        for (size_t i = 1; i < size; i++) {
            bytes[i] = (uint8_t)test_random(i % 3 == 1 ? 7 : 256);
        }
        weft_buffer_clear(&out);
        enum weft_err err =
            weft_reconcile_step(&a.machine, (struct weft_bytes){bytes, size}, &out, &msg);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_EMALFORMED);
        EXPECT_TRUE(out.size <= WEFT_RECONCILE_MESSAGE_SIZE_MAX);
    }
    weft_buffer_destroy(&out);
    end(&a);
}

TEST(reconcile, who_wants_everything_again_and_again_is_stopped)
{
    static uint8_t bytes[WEFT_RECONCILE_MESSAGE_SIZE_MAX];
    struct side a = {0};
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    enum weft_err err = WEFT_OK;
    fill(&a.trie, 0, 200);
    begin(&a);
    for (size_t i = 1; i + 2 <= sizeof(bytes); i += 2) {
        bytes[i] = 5; /* WANT, depth 0 */
        bytes[i + 1] = 0;
    }
    for (unsigned turn = 0; err == WEFT_OK && turn < 3; turn++) {
        weft_buffer_clear(&out);
        err = weft_reconcile_step(
            &a.machine, (struct weft_bytes){bytes, sizeof(bytes) - 1}, &out, &msg);
        EXPECT_TRUE(out.size <= WEFT_RECONCILE_MESSAGE_SIZE_MAX);
    }
    EXPECT_EQ(WEFT_ETOOBIG, err);
    weft_buffer_destroy(&out);
    end(&a);
}
