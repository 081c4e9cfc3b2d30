#include "policy/audit_leaf.h"

#include <stdlib.h>

#include "tests/lib/test.h"

#define D1 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D2 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEAD "weft-audit/v1\nn 1187\nentry 3 8812\ntime 2026-03-01T08:00:00.25Z\n"
#define TOP                                                                                        \
    "weft-audit/v1\nn 1187\nentry 3 8812\ntime 2026-03-01T08:00:00.250Z\nact command.approve\n"

static const char whole[] = TOP "actor " D1 "\nsubject plant1/line2/press 7\n"
                                "decision allow set-point@42:17\ncount 12\n"
                                "state PROPOSED APPROVED\nevidence " D2 "\nevidence " D1 "\n";

static enum weft_err parse(const char *text, struct weft_audit_leaf *ret, struct weft_msg *ret_msg)
{
    ret_msg->text[0] = '\0';
    return weft_audit_leaf_parse(weft_text_of(text), ret, ret_msg);
}

TEST(audit_leaf, says_what_its_text_says)
{
    struct weft_audit_leaf leaf;
    struct weft_msg msg;
    char digest[WEFT_DIGEST_TEXT_SIZE];
    EXPECT_EQ(WEFT_OK, parse(whole, &leaf, &msg));
    EXPECT_EQ(1187, leaf.number);
    EXPECT_EQ(3, leaf.term);
    EXPECT_EQ(8812, leaf.index);
    EXPECT_TRUE(leaf.time_ns == INT64_C(1772352000250000000));
    EXPECT_TRUE(weft_text_is(leaf.act, "command.approve"));
    EXPECT_TRUE(leaf.has_actor);
    weft_digest_format(&leaf.actor, digest);
    EXPECT_TEXT(D1, digest);
    EXPECT_TRUE(weft_text_is(leaf.subject, "plant1/line2/press 7"));
    EXPECT_EQ(WEFT_AUDIT_ALLOW, leaf.effect);
    EXPECT_TRUE(weft_text_is(leaf.statement, "set-point"));
    EXPECT_EQ(42, leaf.version);
    EXPECT_EQ(17, leaf.line);
    EXPECT_EQ(12, leaf.count);
    EXPECT_TRUE(weft_text_is(leaf.from, "PROPOSED") && weft_text_is(leaf.to, "APPROVED"));
    EXPECT_EQ(2, leaf.evidence_count);
}

/* POL-49 */
TEST(audit_leaf, has_one_text)
{
    static const char *const texts[] = {whole, TOP, TOP "decision deny\n",
        TOP "decision deny itar@1:2\n", TOP "subject x\n", TOP "count 2\n", TOP "state A B\n",
        TOP "evidence " D1 "\n",
        "weft-audit/v1\nn 0\nentry 0 18446744073709551615\ntime 1969-12-31T23:59:59Z\nact start\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct weft_audit_leaf leaf;
        struct weft_msg msg;
        struct weft_buffer out = {0};
        EXPECT_EQ(WEFT_OK, parse(texts[i], &leaf, &msg));
        EXPECT_EQ(WEFT_OK, weft_audit_leaf_encode(&leaf, &out, &msg));
        EXPECT_EQ(strlen(texts[i]), out.size);
        EXPECT_MEM(texts[i], out.data, out.size);
        weft_buffer_destroy(&out);
    }
}

TEST(audit_leaf, any_other_text_is_refused_with_its_line)
{
    static const char *const bad[][2] = {{HEAD "act a\n", "line 4"}, /* .25 is .250 */
        {"weft-audit/v1\nn 01\n", "line 3"}, {"weft-audit/v1\n", "line 2"},
        {"weft-audit/v1\nn 1\nentry 3\n", "line 3"},
        {"weft-audit/v1\nn 1\nentry 3 4 5\n", "line 3"},
        {"weft-audit/v1\nn 1\nentry 3 4\ntime now\n", "line 4"},
        {"weft-audit/v1\nn 1\nentry 3 4\ntime 2026-03-01T08:00:00Z\n", "line 5"},
        {"weft-audit/v1\nn 01\nentry 3 4\ntime 2026-03-01T08:00:00Z\nact a\n", "line 2"},
        {TOP "count 1\n", "line 6"}, {TOP "count 02\n", "line 6"}, {TOP "count x\n", "line 6"},
        {TOP "subject \n", "line 6"}, {TOP "decision \n", "line 6"},
        {TOP "decision maybe\n", "line 6"}, {TOP "decision allow \n", "line 6"},
        {TOP "decision allow x@1\n", "line 6"}, {TOP "decision allow x:1\n", "line 6"},
        {TOP "decision allow x@01:1\n", "line 6"}, {TOP "decision allow x@1:1 \n", "line 6"},
        {TOP "decision allow x y@1:1\n", "line 6"}, {TOP "actor x\n", "line 6"},
        {TOP "state A\n", "line 6"}, {TOP "evidence x\n", "line 6"},
        {TOP "decision deny\nsubject x\n", "line 7"}, {TOP "subject x\nsubject x\n", "line 7"},
        {TOP "\n", "line 6"}, {TOP "x", "line 6"}, {TOP "note hello\n", "line 6"},
        {TOP "decision deny", "line 6"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_audit_leaf leaf = {.number = 77};
        struct weft_msg msg;
        enum weft_err err = parse(bad[i][0], &leaf, &msg);
        EXPECT_EQ(WEFT_EMALFORMED, err);
        msg.text[6] = '\0';
        EXPECT_TEXT(bad[i][1], msg.text);
        EXPECT_EQ(77, leaf.number);
    }
}

TEST(audit_leaf, values_out_of_bounds_are_refused)
{
    static const char *const bad[] = {TOP "evidence " D1 "\nevidence " D2 "\n", /* descending */
        TOP "evidence " D1 "\nevidence " D1 "\n", TOP "state A B C\n", TOP "state  B\n",
        TOP "state A/ B\n", TOP "subject a\tb\n", TOP "subject \xff\n", TOP "count 0\n",
        TOP "decision deny x/y@1:1\n", TOP "decision deny @1:1\n",
        "weft-audit/v1\nn 1\nentry 3 4\ntime 2026-03-01T08:00:00Z\nact A\n",
        "weft-audit/v1\nn 1\nentry 3 4\ntime 2026-03-01T08:00:00Z\nact \n"};
    struct weft_audit_leaf leaf;
    struct weft_msg msg;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, parse(bad[i], &leaf, &msg));
    }
    EXPECT_EQ(WEFT_EVERSION, parse("weft-audit/v2\nn 1\n", &leaf, &msg));
    EXPECT_EQ(WEFT_EVERSION, parse("weft-audit/v1", &leaf, &msg));
    EXPECT_EQ(WEFT_EVERSION, parse("weft-audit/v1\r\n", &leaf, &msg));
    EXPECT_EQ(WEFT_EVERSION, parse("", &leaf, &msg));
    char *large = calloc(1, WEFT_LEAF_SIZE_MAX + 1);
    struct weft_text text = {large, WEFT_LEAF_SIZE_MAX + 1};
    EXPECT_EQ(WEFT_EMALFORMED, weft_audit_leaf_parse(text, &leaf, &msg));
    free(large);
}

TEST(audit_leaf, has_room_for_sixteen_commitments_and_refuses_what_encode_cannot_say)
{
    struct weft_audit_leaf leaf = {
        .act = WEFT_TEXT("a"), .count = 1, .evidence_count = WEFT_AUDIT_EVIDENCE_MAX};
    struct weft_buffer out = {0};
    struct weft_msg msg;
    for (unsigned i = 0; i < WEFT_AUDIT_EVIDENCE_MAX; i++) {
        leaf.evidence[i].bytes[0] = (uint8_t)i;
    }
    EXPECT_EQ(WEFT_OK, weft_audit_leaf_encode(&leaf, &out, &msg));
    size_t size = out.size;
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&out, WEFT_TEXT("evidence " D1 "\n")));
    struct weft_audit_leaf back;
    EXPECT_EQ(WEFT_OK,
        weft_audit_leaf_parse((struct weft_text){(const char *)out.data, size}, &back, &msg));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_audit_leaf_parse((struct weft_text){(const char *)out.data, out.size}, &back, &msg));
    leaf.evidence_count++;
    EXPECT_EQ(WEFT_EINVAL, weft_audit_leaf_encode(&leaf, &out, &msg));
    leaf.evidence_count = 0;
    leaf.statement = WEFT_TEXT("x");
    EXPECT_EQ(WEFT_EINVAL, weft_audit_leaf_encode(&leaf, &out, &msg)); /* Nothing was decided. */
    leaf.effect = WEFT_AUDIT_EFFECTS;
    EXPECT_EQ(WEFT_EINVAL, weft_audit_leaf_encode(&leaf, &out, &msg));
    leaf.effect = WEFT_AUDIT_DENY;
    leaf.to = WEFT_TEXT("A");
    EXPECT_EQ(WEFT_EINVAL, weft_audit_leaf_encode(&leaf, &out, &msg));
    leaf.from = WEFT_TEXT("B");
    struct weft_buffer small = {.size_max = 50};
    EXPECT_EQ(WEFT_ETOOBIG, weft_audit_leaf_encode(&leaf, &small, &msg));
    EXPECT_EQ(0, small.size);
    weft_buffer_destroy(&small);
    weft_buffer_destroy(&out);
}

/* POL-50 */
TEST(audit_leaf, one_follows_the_other)
{
    struct weft_audit_order order = {0};
    struct weft_audit_leaf leaf = {.number = 0, .term = 2, .index = 10, .time_ns = 100};
    EXPECT_EQ(WEFT_OK, weft_audit_order_step(&order, &leaf, NULL));
    EXPECT_EQ(WEFT_EMALFORMED, weft_audit_order_step(&order, &leaf, NULL));
    leaf.number = 2;
    EXPECT_EQ(WEFT_EMALFORMED, weft_audit_order_step(&order, &leaf, NULL));
    leaf.number = 1;
    leaf.term = 1;
    EXPECT_EQ(WEFT_EMALFORMED, weft_audit_order_step(&order, &leaf, NULL));
    leaf.term = 2;
    leaf.index = 9;
    EXPECT_EQ(WEFT_EMALFORMED, weft_audit_order_step(&order, &leaf, NULL));
    leaf.index = 10;
    leaf.time_ns = 99;
    EXPECT_EQ(WEFT_EMALFORMED, weft_audit_order_step(&order, &leaf, NULL));
    leaf.time_ns = 100;
    EXPECT_EQ(WEFT_OK, weft_audit_order_step(&order, &leaf, NULL));
    EXPECT_EQ(2, order.next);
}
