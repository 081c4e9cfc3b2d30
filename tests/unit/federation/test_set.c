/* What partners say of the sets that both have filed, and a set as a list. */
#include <stdlib.h>
#include <string.h>

#include "federation/set_message.h"
#include "federation/trie_list.h"
#include "proto/arith.h"
#include "tests/lib/test.h"

static struct weft_digest member_of(uint64_t number)
{
    uint8_t bytes[8];
    weft_put_be64(bytes, number);
    return weft_sha256(bytes, sizeof(bytes));
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

static void fill(struct weft_trie_list *list, struct weft_digest *members, uint32_t count)
{
    qsort(members, count, sizeof(*members), compare);
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_EQ(WEFT_OK, weft_trie_list_add(list, &members[i]));
        EXPECT_EQ(WEFT_EINVAL, weft_trie_list_add(list, &members[i]));
    }
    EXPECT_EQ(WEFT_OK, weft_trie_list_seal(list));
}

/* --- the list -------------------------------------------------------------------------------- */

static void expect_same(
    struct weft_trie_view *list, struct weft_trie_view *trie, const struct weft_trie_prefix *prefix)
{
    struct weft_trie_children a, b;
    struct weft_digest some[2][8];
    uint32_t counts[2];
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, list->children(list->ctx, prefix, &a, &msg));
    EXPECT_EQ(WEFT_OK, trie->children(trie->ctx, prefix, &b, &msg));
    EXPECT_EQ(b.count, a.count);
    EXPECT_MEM(b.counts, a.counts, sizeof(a.counts));
    EXPECT_MEM(b.hashes, a.hashes, sizeof(a.hashes));
    EXPECT_EQ(WEFT_OK, list->members(list->ctx, prefix, 8, some[0], &counts[0], &msg));
    EXPECT_EQ(WEFT_OK, trie->members(trie->ctx, prefix, 8, some[1], &counts[1], &msg));
    EXPECT_EQ(counts[1], counts[0]);
    EXPECT_MEM(some[1], some[0], counts[0] * sizeof(some[0][0]));
}

/* FED-23: nodes of one set are the same, however it is kept. */
TEST(trie_list, is_the_trie_of_its_members_at_every_prefix)
{
    for (unsigned round = 0; round < 60; round++) {
        struct weft_digest members[400];
        struct weft_trie_list list = {.members = NULL};
        struct weft_trie trie = {.members = NULL};
        const uint32_t count = (uint32_t)test_random(round % 4 == 0 ? 3 : 400);
        bool is_new;
        for (uint32_t i = 0; i < count; i++) {
            members[i] = member_of(round * 1000 + i);
            if (round % 3 == 0) { /* Many digits in common. */
                memset(members[i].bytes, 0x5a, round % 5 * 7);
            }
            EXPECT_EQ(WEFT_OK, weft_trie_add(&trie, &members[i], &is_new));
            EXPECT_TRUE(is_new);
        }
        fill(&list, members, count);
        struct weft_trie_view a = weft_trie_list_view(&list), b = weft_trie_view_of(&trie);
        struct weft_trie_prefix prefix = {.depth = 0};
        expect_same(&a, &b, &prefix);
        for (unsigned k = 0; k < 40 && count > 0; k++) {
            const struct weft_digest *member = &members[test_random(count)];
            const unsigned depth = (unsigned)test_random(WEFT_TRIE_DEPTH_MAX + 1);
            prefix = (struct weft_trie_prefix){.depth = 0};
            while (prefix.depth < depth) {
                const unsigned digit = test_random(50) == 0 ? (unsigned)test_random(16)
                                                            : weft_trie_digit(member, prefix.depth);
                prefix = weft_trie_below(&prefix, digit);
                expect_same(&a, &b, &prefix);
            }
        }
        weft_trie_list_destroy(&list);
        weft_trie_destroy(&trie);
    }
}

/* FED-24 */
TEST(trie_list, does_no_more_work_for_the_other_side_than_is_bounded)
{
    struct weft_digest members[300];
    struct weft_trie_list list = {.members = NULL};
    struct weft_trie_prefix prefix = {.depth = 0};
    struct weft_trie_children children;
    struct weft_msg msg = {""};
    enum weft_err err = WEFT_OK;
    uint64_t asked = 0;
    for (uint32_t i = 0; i < 300; i++) {
        members[i] = member_of(i);
        memset(members[i].bytes, 0x77, 16);
    }
    fill(&list, members, 300);
    struct weft_trie_view view = weft_trie_list_view(&list);
    while (prefix.depth < 20) {
        prefix = weft_trie_below(&prefix, 7);
    }
    for (; err == WEFT_OK && asked < WEFT_TRIE_LIST_WORK_MAX; asked++) {
        err = view.children(view.ctx, &prefix, &children, &msg);
    }
    EXPECT_EQ(WEFT_ETOOBIG, err);
    EXPECT_TRUE(asked <= WEFT_TRIE_LIST_WORK_MAX / 300 + 1);
    weft_trie_list_destroy(&list);
}

/* --- messages -------------------------------------------------------------------------------- */

static void expect_again(const struct weft_set_message *m)
{
    struct weft_buffer bytes = {0}, again = {0};
    struct weft_set_message read;
    EXPECT_EQ(WEFT_OK, weft_set_encode(m, &bytes));
    EXPECT_EQ(WEFT_OK, weft_set_decode((struct weft_bytes){bytes.data, bytes.size}, &read));
    EXPECT_EQ(m->what, read.what);
    EXPECT_EQ(m->session, read.session);
    EXPECT_EQ(m->sent, read.sent);
    EXPECT_EQ(m->received, read.received);
    EXPECT_MEM(m->shared.bytes, read.shared.bytes, WEFT_DIGEST_SIZE);
    EXPECT_EQ(m->end, read.end);
    EXPECT_EQ(WEFT_OK, weft_set_encode(&read, &again));
    EXPECT_EQ(bytes.size, again.size);
    EXPECT_MEM(bytes.data, again.data, again.size);
    for (size_t size = 0; size < bytes.size; size++) { /* FED-35: none of it is cut short. */
        enum weft_err err = weft_set_decode((struct weft_bytes){bytes.data, size}, &read);
        EXPECT_TRUE(err == WEFT_EMALFORMED ||
                    (m->what == WEFT_SET_WANT && (size - 9) % WEFT_DIGEST_SIZE == 0) ||
                    (m->what == WEFT_SET_COMPARE && size > 9 + 48));
    }
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&again);
}

TEST(set_message, says_what_it_said)
{
    struct weft_buffer list = {0};
    struct weft_digest wanted[3] = {{{1}}, {{2}}, {{3}}};
    const struct weft_set_given given[2] = {
        {.digest = {{9}}}, {.digest = {{8}},
                               .is_there = true,
                               .party = 1,
                               .sequence = 77,
                               .item = {(const uint8_t *)"abc", 3}}};
    struct weft_set_given read;
    expect_again(&(struct weft_set_message){.what = WEFT_SET_COMPARE,
        .session = 5,
        .sent = 6,
        .received = 7,
        .shared = {{8}},
        .turn = {(const uint8_t *)"turn", 4}});
    expect_again(&(struct weft_set_message){
        .what = WEFT_SET_WANT, .session = 1, .list = {wanted[0].bytes, sizeof(wanted)}});
    for (int i = 0; i < WEFT_SET_ENDS; i++) {
        expect_again(&(struct weft_set_message){.what = WEFT_SET_END, .end = (enum weft_set_end)i});
        EXPECT_TRUE(weft_set_end_name((enum weft_set_end)i) != NULL);
    }
    EXPECT_EQ(WEFT_OK, weft_set_give(&given[0], &list));
    EXPECT_EQ(WEFT_OK, weft_set_give(&given[1], &list));
    const struct weft_set_message give = {
        .what = WEFT_SET_GIVE, .session = 3, .list = {list.data, list.size}};
    struct weft_buffer bytes = {0};
    struct weft_set_message m;
    EXPECT_EQ(WEFT_OK, weft_set_encode(&give, &bytes));
    EXPECT_EQ(WEFT_OK, weft_set_decode((struct weft_bytes){bytes.data, bytes.size}, &m));
    EXPECT_TRUE(weft_set_given_next(&m.list, &read) && !read.is_there);
    EXPECT_EQ(9, read.digest.bytes[0]);
    EXPECT_TRUE(weft_set_given_next(&m.list, &read) && read.is_there);
    EXPECT_EQ(1, read.party);
    EXPECT_EQ(77, read.sequence);
    EXPECT_EQ(3, read.item.size);
    EXPECT_TRUE(!weft_set_given_next(&m.list, &read));
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&list);
}

TEST(set_message, of_another_form_is_none)
{
    struct weft_set_message m;
    uint8_t bytes[9 + (WEFT_SET_WANT_MAX + 1) * WEFT_DIGEST_SIZE] = {WEFT_SET_WANT};
    EXPECT_EQ(WEFT_EMALFORMED, weft_set_decode((struct weft_bytes){bytes, 9}, &m));
    EXPECT_EQ(WEFT_OK, weft_set_decode((struct weft_bytes){bytes, 9 + 32}, &m));
    EXPECT_EQ(WEFT_EMALFORMED, weft_set_decode((struct weft_bytes){bytes, 9 + 64}, &m)); /* twice */
    for (unsigned i = 0; i <= WEFT_SET_WANT_MAX; i++) {
        bytes[9 + i * WEFT_DIGEST_SIZE] = (uint8_t)i;
    }
    EXPECT_EQ(WEFT_OK, weft_set_decode((struct weft_bytes){bytes, sizeof(bytes) - 32}, &m));
    EXPECT_EQ(WEFT_EMALFORMED, weft_set_decode((struct weft_bytes){bytes, sizeof(bytes)}, &m));
    bytes[0] = WEFT_SET_END;
    bytes[9] = WEFT_SET_ENDS;
    EXPECT_EQ(WEFT_EMALFORMED, weft_set_decode((struct weft_bytes){bytes, 10}, &m));
    bytes[0] = 0;
    EXPECT_EQ(WEFT_EMALFORMED, weft_set_decode((struct weft_bytes){bytes, 10}, &m));
    bytes[0] = WEFT_SET_END + 1;
    EXPECT_EQ(WEFT_EMALFORMED, weft_set_decode((struct weft_bytes){bytes, 10}, &m));
    bytes[0] = WEFT_SET_GIVE;
    memset(bytes + 9, 0, 66);
    EXPECT_EQ(WEFT_OK, weft_set_decode((struct weft_bytes){bytes, 9 + 33}, &m));
    bytes[9 + 33 + 32] = 3; /* No party, behind one that is given. */
    EXPECT_EQ(WEFT_EMALFORMED, weft_set_decode((struct weft_bytes){bytes, 9 + 66}, &m));
    bytes[9 + 32] = 3;
    EXPECT_EQ(WEFT_EMALFORMED, weft_set_decode((struct weft_bytes){bytes, 9 + 33}, &m));
}
