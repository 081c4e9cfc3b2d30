#include <stdio.h>
#include <string.h>

#include "node/link/identity.h"
#include "tests/lib/test.h"

static enum weft_err parse(const char *uri, struct weft_identity *ret_id)
{
    struct weft_msg msg = {""};
    enum weft_err err = weft_identity_parse(weft_text_of(uri), ret_id, &msg);
    EXPECT_EQ(err != WEFT_OK, msg.text[0] != '\0');
    return err;
}

TEST(identity, a_name_with_a_site_has_four_parts)
{
    struct weft_identity id;
    EXPECT_EQ(WEFT_OK, parse("spiffe://oem.example/plant1/node/n2", &id));
    EXPECT_TEXT("spiffe://oem.example/plant1/node/n2", id.uri);
    EXPECT_TEXT("oem.example", id.org);
    EXPECT_TEXT("plant1", id.site);
    EXPECT_TEXT("node", id.class);
    EXPECT_TEXT("n2", id.name);
}

TEST(identity, a_name_without_a_site_has_three)
{
    struct weft_identity id;
    EXPECT_EQ(WEFT_OK, parse("spiffe://oem.example/op/Ann_B-1.2", &id));
    EXPECT_TEXT("", id.site);
    EXPECT_TEXT("op", id.class);
    EXPECT_TEXT("Ann_B-1.2", id.name);
}

TEST(identity, everything_else_is_refused_and_leaves_the_result_alone)
{
    static const char *const bad[] = {"", "spiffe://", "spiffe:/a/b/c/d",
        "http://oem.example/b/c/d", "SPIFFE://a/b/c/d", "spiffe://a", "spiffe://a/b",
        "spiffe://a/b/c/d/e", "spiffe:///b/c/d", "spiffe://a//c/d", "spiffe://a/b/c/",
        "spiffe://a/b/c/d/", "spiffe://a/./c/d", "spiffe://a/b/../d", "spiffe://A/b/c/d",
        "spiffe://a:80/b/c/d", "spiffe://a/b/c/d?x", "spiffe://a/b/c/d#x", "spiffe://a/b/c/%64",
        "spiffe://a/b/c/d e", "spiffe://@a/b/c/d", "spiffe://a/b/c/\xc3\xa9",
        "spiffe://a/b/a-class-of-16-chs/d", " spiffe://a/b/c/d"};
    struct weft_identity id, before;
    memset(&id, 0x5a, sizeof(id));
    before = id;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i], &id) != WEFT_EMALFORMED) {
            EXPECT_TEXT("refused", bad[i]);
        }
        EXPECT_MEM(&before, &id, sizeof(id));
    }
}

TEST(identity, a_zero_byte_does_not_end_a_name)
{
    struct weft_identity id;
    struct weft_msg msg;
    static const char uri[] = "spiffe://a/b/node/n1\0.evil";
    EXPECT_EQ(
        WEFT_EMALFORMED, weft_identity_parse((struct weft_text){uri, sizeof(uri) - 1}, &id, &msg));
}

TEST(identity, lengths_are_bounded_from_both_sides)
{
    struct weft_identity id;
    char name[80], uri[400];
    memset(name, 'n', sizeof(name));
    (void)snprintf(uri, sizeof(uri), "spiffe://a/b/c/%.63s", name);
    EXPECT_EQ(WEFT_OK, parse(uri, &id));
    (void)snprintf(uri, sizeof(uri), "spiffe://a/b/c/%.64s", name);
    EXPECT_EQ(WEFT_EMALFORMED, parse(uri, &id));
    (void)snprintf(uri, sizeof(uri), "spiffe://%.63s/%.63s/%.15s/%.63s", name, name, name, name);
    EXPECT_EQ(WEFT_OK, parse(uri, &id));
    (void)snprintf(uri, sizeof(uri), "spiffe://%.64s/b/c/d", name);
    EXPECT_EQ(WEFT_EMALFORMED, parse(uri, &id));
    (void)snprintf(uri, sizeof(uri), "spiffe://a/%.64s/c/d", name);
    EXPECT_EQ(WEFT_EMALFORMED, parse(uri, &id));
    (void)snprintf(uri, sizeof(uri), "spiffe://a/b/%.16s/d", name);
    EXPECT_EQ(WEFT_EMALFORMED, parse(uri, &id));
}
