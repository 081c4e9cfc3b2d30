#include <stdio.h>
#include <string.h>

#include "node/api/http/tokens.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_http_tokens tokens;

#define URI "spiffe://oem.example/plant1/svc/mes"
#define HEX64 "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" /* of "test" */

static enum weft_err parse(const char *text)
{
    return weft_http_tokens_parse(weft_text_of(text), "oem.example", "plant1", &tokens, &message);
}

/* NOD-403. */
TEST(tokens, token_is_found_by_its_digest_wherever_it_stands)
{
    static char text[WEFT_HTTP_TOKENS_MAX * 200];
    for (int place = 0; place < 3; place++) {
        size_t used = 0;
        for (int i = 0; i < 3; i++) {
            char token[16];
            (void)snprintf(token, sizeof(token), i == place ? "test" : "other%d", i);
            struct weft_digest digest = weft_sha256(token, strlen(token));
            char shown[WEFT_DIGEST_TEXT_SIZE];
            weft_digest_format(&digest, shown);
            used += (size_t)snprintf(text + used, sizeof(text) - used,
                "spiffe://oem.example/plant1/svc/p%d %s\n", i, shown);
        }
        EXPECT_EQ(WEFT_OK, parse(text));
        const char *uri = weft_http_tokens_find(&tokens, WEFT_TEXT("test"));
        EXPECT_TRUE(uri != NULL && uri[strlen(uri) - 1] == '0' + place);
        EXPECT_TRUE(weft_http_tokens_find(&tokens, WEFT_TEXT("tes")) == NULL);
        EXPECT_TRUE(weft_http_tokens_find(&tokens, WEFT_TEXT("")) == NULL);
    }
}

TEST(tokens, comments_and_blank_lines_are_passed_over)
{
    EXPECT_EQ(WEFT_OK, parse("# mine\r\n\n  \n" URI "  sha256:" HEX64 " \r\n"));
    EXPECT_EQ(1, tokens.count);
    EXPECT_TEXT(URI, weft_http_tokens_find(&tokens, WEFT_TEXT("test")));
    EXPECT_EQ(WEFT_OK, parse(""));
    EXPECT_EQ(0, tokens.count);
    EXPECT_TRUE(weft_http_tokens_find(&tokens, WEFT_TEXT("test")) == NULL);
}

TEST(tokens, bad_line_is_named_and_nothing_changes)
{
    EXPECT_EQ(WEFT_OK, parse(URI " sha256:" HEX64));
    static const char *const bad[] = {
        "spiffe://oem.example/plant1/svc/mes",
        "spiffe://oem.example/plant1/svc/mes md5:00",
        "spiffe://oem.example/plant1/svc/mes sha256:00",
        "spiffe://oem.example/plant1/svc/mes " HEX64,
        "spiffe://oem.example/plant1/svc/mes sha256:" HEX64 "00",
        "spiffe://oem.example/plant1/svc/mes "
        "sha256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822C"
        "D15D6C15B0F00A08",
        "spiffe://oem.example/plant2/svc/mes sha256:" HEX64,
        "spiffe://other.example/plant1/svc/mes sha256:" HEX64,
        "spiffe://oem.example/plant1/node/n1 sha256:" HEX64,
        "spiffe://oem.example/plant1/partner/n1 sha256:" HEX64,
        "mes sha256:" HEX64,
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[400];
        (void)snprintf(text, sizeof(text), "\n%s\n", bad[i]);
        EXPECT_EQ(WEFT_EINVAL, parse(text));
        EXPECT_TRUE(strncmp(message.text, "line 2: ", 8) == 0);
        EXPECT_EQ(1, tokens.count);
    }
}

TEST(tokens, there_are_so_many_at_most)
{
    static char text[(WEFT_HTTP_TOKENS_MAX + 1) * 130];
    size_t used = 0;
    for (int i = 0; i < WEFT_HTTP_TOKENS_MAX; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, URI " sha256:" HEX64 "\n");
    }
    EXPECT_EQ(WEFT_OK, parse(text));
    EXPECT_EQ(WEFT_HTTP_TOKENS_MAX, tokens.count);
    (void)snprintf(text + used, sizeof(text) - used, URI " sha256:" HEX64 "\n");
    EXPECT_EQ(WEFT_ETOOBIG, parse(text));
    static char longest[WEFT_HTTP_TOKEN_SIZE_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    EXPECT_TRUE(
        weft_http_tokens_find(&tokens, (struct weft_text){longest, sizeof(longest)}) == NULL);
}
