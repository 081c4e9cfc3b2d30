#include <string.h>

#include "policy/principal.h"
#include "tests/lib/test.h"

static enum weft_err parse(const char *uri, struct weft_principal *ret_principal)
{
    struct weft_msg msg;
    return weft_principal_parse_uri(weft_text_of(uri), ret_principal, &msg);
}

TEST(principal, uri_gives_back_its_parts)
{
    struct weft_principal p;
    EXPECT_EQ(WEFT_OK, parse("spiffe://oem.example/plant1/node/n2", &p));
    EXPECT_EQ(WEFT_PRINCIPAL_NODE, p.class);
    EXPECT_TEXT("oem.example", p.org);
    EXPECT_TEXT("plant1", p.site);
    EXPECT_TEXT("n2", p.name);

    char uri[WEFT_PRINCIPAL_URI_SIZE];
    weft_principal_format_uri(&p, uri);
    EXPECT_TEXT("spiffe://oem.example/plant1/node/n2", uri);
}

TEST(principal, every_class_has_a_word_that_parses)
{
    for (int c = 0; c < WEFT_PRINCIPAL_CLASSES; c++) {
        struct weft_principal made, parsed;
        struct weft_msg msg;
        char uri[WEFT_PRINCIPAL_URI_SIZE];
        EXPECT_EQ(WEFT_OK,
            weft_principal_make((enum weft_principal_class)c, "a.example", "s", "n", &made, &msg));
        weft_principal_format_uri(&made, uri);
        EXPECT_EQ(WEFT_OK, parse(uri, &parsed));
        EXPECT_EQ(c, parsed.class);
    }
}

TEST(principal, uri_of_another_shape_is_refused)
{
    static const char *const bad[] = {
        "",
        "spiffe://",
        "https://oem.example/plant1/node/n2",
        "spiffe://oem.example/plant1/node",
        "spiffe://oem.example/plant1/node/",
        "spiffe://oem.example/plant1/node/n2/",
        "spiffe://oem.example/plant1/node/n2/x",
        "spiffe://oem.example//node/n2",
        "spiffe:///plant1/node/n2",
        "spiffe://OEM.example/plant1/node/n2",
        "spiffe://oem.example:443/plant1/node/n2",
        "spiffe://user@oem.example/plant1/node/n2",
        "spiffe://oem.example/plant1/admin/n2",
        "spiffe://oem.example/plant1/NODE/n2",
        "spiffe://oem.example/plant1/node/n2?x=1",
        "spiffe://oem.example/plant1/node/n2#x",
        "spiffe://oem.example/plant1/node/n%32",
        "spiffe://oem.example/../node/n2",
        "spiffe://oem.example/plant1/node/..",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_principal p;
        EXPECT_EQ(WEFT_EINVAL, parse(bad[i], &p));
    }
    struct weft_principal p;
    struct weft_msg msg;
    EXPECT_EQ(
        WEFT_EINVAL, weft_principal_parse_uri(
                         (struct weft_text){"spiffe://oem.example/plant1/node/n\0", 35}, &p, &msg));
}

TEST(principal, part_of_63_bytes_passes_and_of_64_does_not)
{
    char part[65];
    memset(part, 'a', sizeof(part));
    part[63] = '\0';
    struct weft_principal p;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_principal_make(WEFT_PRINCIPAL_NODE, part, part, part, &p, &msg));
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    weft_principal_format_uri(&p, uri);
    EXPECT_EQ(WEFT_OK, parse(uri, &p));
    part[63] = 'a';
    part[64] = '\0';
    EXPECT_EQ(WEFT_EINVAL, weft_principal_make(WEFT_PRINCIPAL_NODE, "o", "s", part, &p, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_principal_make(WEFT_PRINCIPAL_NODE, "o", part, "n", &p, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_principal_make(WEFT_PRINCIPAL_NODE, part, "s", "n", &p, &msg));
}

TEST(principal, name_of_a_key_is_the_uri_without_its_scheme)
{
    struct weft_principal p, uri;
    char text[WEFT_PRINCIPAL_TEXT_SIZE];
    EXPECT_EQ(WEFT_OK, weft_principal_parse(WEFT_TEXT("oem.example/plant1/op/ann"), &p, NULL));
    EXPECT_EQ(WEFT_OK, parse("spiffe://oem.example/plant1/op/ann", &uri));
    EXPECT_TRUE(weft_principal_equal(&p, &uri));
    weft_principal_format(&p, text);
    EXPECT_TEXT("oem.example/plant1/op/ann", text);
    uri.class = WEFT_PRINCIPAL_SVC;
    EXPECT_TRUE(!weft_principal_equal(&p, &uri));
    static const char *const bad[] = {"", "spiffe://oem.example/plant1/op/ann", "a/b/op",
        "a/b/op/c/", "a/b/op/c/d", "/b/op/c", "a/b/org/c", "a/b/op/c d", "a/b/op/"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, weft_principal_parse(weft_text_of(bad[i]), &p, NULL));
    }
}
