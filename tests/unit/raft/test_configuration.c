#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raft/configuration.h"
#include "tests/lib/test.h"
#include "tests/unit/raft/group.h"

static struct weft_configuration three(void)
{
    struct weft_configuration c = {.count = 3};
    for (uint64_t id = 1; id <= 3; id++) {
        c.members[id - 1] = group_member(id);
    }
    c.members[2].role = WEFT_ROLE_STANDBY;
    c.members[2].wants_vote = false;
    return c;
}

TEST(configuration, bytes_are_those_of_the_library)
{
    struct weft_configuration c = three();
    struct raft_configuration theirs;
    struct raft_buffer expected;
    struct weft_buffer out = {0};
    raft_configuration_init(&theirs);
    for (uint32_t i = 0; i < c.count; i++) {
        char text[WEFT_CONFIGURATION_TEXT_SIZE];
        EXPECT_EQ(WEFT_OK, weft_configuration_format(&c.members[i], text, NULL));
        EXPECT_EQ(
            0, raft_configuration_add(&theirs, c.members[i].id, text, (int)c.members[i].role));
    }
    EXPECT_EQ(0, raft_configuration_encode(&theirs, &expected));
    EXPECT_EQ(WEFT_OK, weft_configuration_encode(&c, &out));
    EXPECT_EQ(expected.len, out.size);
    EXPECT_MEM(expected.base, out.data, out.size);
    raft_free(expected.base);
    raft_configuration_close(&theirs);
    weft_buffer_destroy(&out);
}

TEST(configuration, survives_a_round_trip)
{
    struct weft_configuration c = three(), back;
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_configuration_encode(&c, &out));
    EXPECT_EQ(
        WEFT_OK, weft_configuration_decode((struct weft_bytes){out.data, out.size}, &back, &msg));
    EXPECT_EQ(3, back.count);
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_EQ(c.members[i].id, back.members[i].id);
        EXPECT_EQ(c.members[i].role, back.members[i].role);
        EXPECT_EQ(c.members[i].wants_vote, back.members[i].wants_vote);
        EXPECT_TEXT(c.members[i].name, back.members[i].name);
        EXPECT_TEXT(c.members[i].peer_address, back.members[i].peer_address);
        EXPECT_TEXT(c.members[i].client_address, back.members[i].client_address);
    }
    weft_buffer_destroy(&out);
}

/* Every cut and many flips of good bytes: refused, or read as something well-formed. */
TEST(configuration, damaged_bytes_are_refused_without_reading_past_them)
{
    struct weft_configuration c = three(), back;
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_OK, weft_configuration_encode(&c, &out));
    uint8_t *copy;
    for (size_t size = 0; size < out.size; size++) {
        copy = malloc(size + 1); /* Its own block, so that a sanitizer sees the end. */
        memcpy(copy, out.data, size);
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_configuration_decode((struct weft_bytes){copy, size}, &back, NULL));
        free(copy);
    }
    uint32_t refused = 0;
    for (size_t bit = 0; bit < out.size * 8; bit++) {
        copy = malloc(out.size);
        memcpy(copy, out.data, out.size);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused +=
            weft_configuration_decode((struct weft_bytes){copy, out.size}, &back, NULL) != WEFT_OK;
        free(copy);
    }
    EXPECT_TRUE(refused > out.size); /* Flips in texts and ids make other texts and ids. */
    weft_buffer_destroy(&out);
}

TEST(configuration, the_same_member_twice_is_refused)
{
    struct weft_configuration c = three();
    struct weft_replica_member same_id = group_member(9), same_name = group_member(9);
    same_id.id = 2;
    (void)snprintf(same_name.name, sizeof(same_name.name), "n2");
    EXPECT_EQ(WEFT_ESTATE, weft_configuration_add(&c, &same_id, NULL));
    EXPECT_EQ(WEFT_ESTATE, weft_configuration_add(&c, &same_name, NULL));
    EXPECT_EQ(3, c.count);
}

TEST(configuration, texts_with_spaces_or_nothing_in_them_are_refused)
{
    static const char *const bad[] = {"", "a b", "a\nb", "\x7f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_configuration c = three();
        struct weft_replica_member m = group_member(9);
        (void)snprintf(m.name, sizeof(m.name), "%s", bad[i]);
        EXPECT_EQ(WEFT_EINVAL, weft_configuration_add(&c, &m, NULL));
        m = group_member(9);
        (void)snprintf(m.client_address, sizeof(m.client_address), "%s", bad[i]);
        EXPECT_EQ(WEFT_EINVAL, weft_configuration_add(&c, &m, NULL));
        m = group_member(9);
        m.id = 0;
        EXPECT_EQ(WEFT_EINVAL, weft_configuration_add(&c, &m, NULL));
    }
}

TEST(configuration, a_members_text_has_one_form)
{
    struct weft_replica_member m = {0};
    EXPECT_EQ(WEFT_OK, weft_configuration_parse("n p:1 c:1 vote", &m, NULL));
    EXPECT_TRUE(m.wants_vote);
    EXPECT_EQ(WEFT_OK, weft_configuration_parse("n p:1 c:1 novote", &m, NULL));
    EXPECT_TRUE(!m.wants_vote);
    static const char *const bad[] = {"", "n", "n p:1 c:1", "n p:1 c:1 ", "n p:1 c:1 maybe",
        "n p:1 c:1 vote ", " n p:1 c:1 vote", "n  p:1 c:1 vote", "n p:1 c:1 vote more"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, weft_configuration_parse(bad[i], &m, NULL));
    }
}

TEST(configuration, holds_sixteen_members_and_seven_voters)
{
    struct weft_configuration c = {0};
    for (uint64_t id = 1; id <= WEFT_MEMBERS_MAX; id++) {
        struct weft_replica_member m = group_member(id);
        m.role = WEFT_ROLE_STANDBY;
        EXPECT_EQ(WEFT_OK, weft_configuration_add(&c, &m, NULL));
    }
    struct weft_replica_member one_more = group_member(99);
    EXPECT_EQ(WEFT_ETOOBIG, weft_configuration_add(&c, &one_more, NULL));
    for (uint64_t id = 1; id <= WEFT_VOTERS_MAX; id++) {
        EXPECT_EQ(WEFT_OK, weft_configuration_assign(&c, id, WEFT_ROLE_VOTER, true, NULL));
    }
    EXPECT_EQ(WEFT_ETOOBIG, weft_configuration_assign(&c, 8, WEFT_ROLE_VOTER, true, NULL));
    EXPECT_EQ(WEFT_VOTERS_MAX, weft_configuration_voters(&c));
}

TEST(configuration, the_last_voter_stays)
{
    struct weft_configuration c = three();
    EXPECT_EQ(WEFT_OK, weft_configuration_remove(&c, 1, NULL));
    EXPECT_TRUE(weft_configuration_is_sole_voter(&c, 2));
    EXPECT_EQ(WEFT_EREFUSED, weft_configuration_remove(&c, 2, NULL));
    EXPECT_EQ(WEFT_EREFUSED, weft_configuration_assign(&c, 2, WEFT_ROLE_SPARE, false, NULL));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_configuration_remove(&c, 1, NULL));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_configuration_assign(&c, 1, WEFT_ROLE_SPARE, false, NULL));
    EXPECT_EQ(WEFT_ESTATE, weft_configuration_assign(&c, 2, WEFT_ROLE_VOTER, true, NULL));
    EXPECT_EQ(2, c.count);
}

TEST(configuration, a_change_keeps_the_order_of_the_others)
{
    struct weft_configuration c = three();
    EXPECT_EQ(WEFT_OK, weft_configuration_assign(&c, 3, WEFT_ROLE_VOTER, true, NULL));
    EXPECT_EQ(WEFT_OK, weft_configuration_remove(&c, 2, NULL));
    EXPECT_EQ(1, c.members[0].id);
    EXPECT_EQ(3, c.members[1].id);
}
