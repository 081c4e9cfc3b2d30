#include <string.h>

#include "node/api/http/target.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_arena arena = {.size_max = 1024 * 1024};
static struct weft_http_target target;

static enum weft_err parse(const char *text)
{
    weft_arena_reset(&arena);
    return weft_http_target_parse(weft_text_of(text), &arena, &target, &message);
}

static void expect_id(enum weft_http_resource resource, const char *id, const char *text)
{
    EXPECT_EQ(WEFT_OK, parse(text));
    EXPECT_EQ(resource, target.resource);
    EXPECT_TRUE(weft_text_is(target.id, id));
}

TEST(target, every_rule_is_found_by_its_own_path)
{
    for (int i = 0; i < WEFT_HTTP_RESOURCES; i++) {
        const struct weft_http_rule *rule = weft_http_rule((enum weft_http_resource)i);
        EXPECT_EQ(WEFT_OK, parse(rule->path));
        EXPECT_EQ(i, target.resource);
        EXPECT_TRUE(target.rule == rule);
        EXPECT_TRUE((rule->methods & WEFT_HTTP_POST) == 0 || rule->body_max > 0);
    }
}

TEST(target, id_may_be_encoded_whole_or_have_its_slashes)
{
    expect_id(WEFT_HTTP_ASSET, "serial:box/7", "/v1/assets/serial:box/7");
    expect_id(WEFT_HTTP_ASSET, "serial:box/7", "/v1/assets/serial%3Abox%2f7");
    expect_id(WEFT_HTTP_STORY, "serial:box/7", "/v1/assets/serial:box/7/story");
    expect_id(WEFT_HTTP_STORY, "serial:box/7", "/v1/assets/serial%3abox%2F7/story?limit=1");
    expect_id(WEFT_HTTP_ASSET, "a/story", "/v1/assets/a%2Fstory");
    expect_id(WEFT_HTTP_STORY, "a/story", "/v1/assets/a%2Fstory/story");
    expect_id(WEFT_HTTP_STORY, "a/story", "/v1/assets/a/story/story");
    expect_id(WEFT_HTTP_ASSET, "a+b \xc3\xa4", "/v1/assets/a+b%20%c3%A4");
    expect_id(WEFT_HTTP_ASSET, "story", "/v1/assets/story");
    expect_id(WEFT_HTTP_ASSET_RECORDS, "a/b", "/v1/assets/a/b/records");
    expect_id(WEFT_HTTP_ASSET_RECORDS, "a/records", "/v1/assets/a%2Frecords/records?limit=1");
    expect_id(WEFT_HTTP_STORY, "a/records", "/v1/assets/a/records/story");
    expect_id(WEFT_HTTP_TRACE_FORWARD, "lot:a/22", "/v1/trace/forward/lot:a/22");
    expect_id(WEFT_HTTP_TRACE_BACK, "serial:box/7", "/v1/trace/back/serial%3Abox%2F7?depth=1");
    expect_id(WEFT_HTTP_TRACE_BACK, "a/story", "/v1/trace/back/a/story");
}

TEST(target, what_no_asset_can_be_called_is_refused)
{
    static const char *const bad[] = {"/v1/assets/", "/v1/assets//story", "/v1/assets/%",
        "/v1/assets/%4", "/v1/assets/%4g", "/v1/assets/%g4", "/v1/assets/%00", "/v1/assets/a%0a",
        "/v1/assets//records", "/v1/trace/back/", "/v1/trace/forward/%00", "/v1/assets/%20a",
        "/v1/assets/%ff", "/v1/assets/%ed%a0%80", "/v1/assets/a%7f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, parse(bad[i]));
    }
    char longest[400] = "/v1/assets/";
    memset(longest + strlen(longest), 'x', 255);
    EXPECT_EQ(WEFT_OK, parse(longest));
    strcat(longest, "x");
    EXPECT_EQ(WEFT_EINVAL, parse(longest));
}

TEST(target, paths_are_taken_as_they_are)
{
    static const char *const unknown[] = {"", "/", "*", "/v1", "/v1/", "/v1/commits/",
        "/V1/commits", "/v1/%63ommits", "//v1/commits", "/v1//commits", "/v1/assets", "/healthz/",
        "/v1/trace", "/v1/trace/", "/v1/trace/back", "/v1/trace/up/a", "/v1/trace/%62ack/a",
        "/v1/recall/", "v1/commits", "http://localhost/v1/commits"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        EXPECT_EQ(WEFT_ENOTFOUND, parse(unknown[i]));
    }
}

/* Files of the audit log have the names that they have; behind others an asset is named. */
TEST(target, what_is_told_beside_the_audit_log_names_an_asset)
{
    EXPECT_EQ(WEFT_OK, parse("/v1/audit/across/serial%3Abox/7%208"));
    EXPECT_TRUE(weft_text_is(target.id, "across/serial:box/7 8"));
    EXPECT_EQ(WEFT_OK, parse("/v1/audit/cells/*/asset/a"));
    EXPECT_EQ(WEFT_OK, parse("/v1/audit/ask/a"));
    EXPECT_EQ(WEFT_EINVAL, parse("/v1/audit/across/"));
    EXPECT_EQ(WEFT_EINVAL, parse("/v1/audit/ask/%00"));
    EXPECT_EQ(WEFT_OK, parse("/v1/audit/tile/0/%30"));
    EXPECT_TRUE(weft_text_is(target.id, "tile/0/%30"));
}

TEST(target, direction_that_is_none_is_answered_with_those_that_are)
{
    EXPECT_EQ(WEFT_ENOTFOUND, parse("/v1/trace/sideways/serial:box/7"));
    EXPECT_TRUE(strstr(message.text, "/v1/trace/forward/{id}") != NULL);
    EXPECT_TRUE(strstr(message.text, "/v1/trace/back/{id}") != NULL);
}

TEST(target, parameters_are_decoded_and_plus_is_a_space)
{
    struct weft_text value;
    EXPECT_EQ(WEFT_OK, parse("/v1/records?where=a+%3D+%22b%2Bc%22&kind=&&limit=5&flag"));
    EXPECT_TRUE(weft_http_target_param(&target, "where", &value));
    EXPECT_TRUE(weft_text_is(value, "a = \"b+c\""));
    EXPECT_TRUE(weft_http_target_param(&target, "kind", &value) && value.size == 0);
    EXPECT_TRUE(weft_http_target_param(&target, "limit", &value) && weft_text_is(value, "5"));
    EXPECT_TRUE(weft_http_target_param(&target, "flag", &value) && value.size == 0);
    EXPECT_TRUE(!weft_http_target_param(&target, "cursor", &value));
    EXPECT_EQ(4, target.param_count);
    EXPECT_EQ(WEFT_EINVAL, parse("/v1/records?a=%x"));
    EXPECT_EQ(WEFT_EINVAL, parse("/v1/records?%ff=1"));
}

TEST(target, parameters_and_size_have_limits)
{
    char text[WEFT_HTTP_TARGET_SIZE_MAX + 2] = "/v1/records?";
    for (int i = 0; i < WEFT_HTTP_PARAMS_MAX; i++) {
        strcat(text, "a&");
    }
    EXPECT_EQ(WEFT_OK, parse(text));
    strcat(text, "a");
    EXPECT_EQ(WEFT_ETOOBIG, parse(text));
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "/v1/records?", 12);
    text[WEFT_HTTP_TARGET_SIZE_MAX] = '\0';
    EXPECT_EQ(WEFT_OK, parse(text));
    text[WEFT_HTTP_TARGET_SIZE_MAX] = 'x';
    EXPECT_EQ(WEFT_ETOOBIG, parse(text));
    arena.size_max = 16;
    weft_arena_destroy(&arena);
    EXPECT_EQ(WEFT_ETOOBIG, parse("/v1/assets/abcdefghijklmnopqrstuvwxyz"));
    arena.size_max = 1024 * 1024;
}

TEST(target, unknown_and_repeated_parameters_are_refused)
{
    EXPECT_EQ(WEFT_OK, parse("/v1/records?kind=a&limit=1"));
    EXPECT_EQ(WEFT_OK, weft_http_target_check_params(&target, WEFT_HTTP_GET, &message));
    EXPECT_EQ(WEFT_OK, parse("/v1/records?kind=a&kind=b"));
    EXPECT_EQ(WEFT_EINVAL, weft_http_target_check_params(&target, WEFT_HTTP_GET, &message));
    EXPECT_TRUE(strstr(message.text, "twice") != NULL);
    EXPECT_EQ(WEFT_OK, parse("/v1/records?kin=a"));
    EXPECT_EQ(WEFT_EINVAL, weft_http_target_check_params(&target, WEFT_HTTP_GET, &message));
    EXPECT_TRUE(strstr(message.text, "\"kin\"") != NULL && strstr(message.text, "kind") != NULL);
    EXPECT_EQ(WEFT_OK, parse("/v1/commits?from=1"));
    EXPECT_EQ(WEFT_EINVAL, weft_http_target_check_params(&target, WEFT_HTTP_POST, &message));
    EXPECT_EQ(WEFT_OK, parse("/v1/records?=1"));
    EXPECT_EQ(WEFT_EINVAL, weft_http_target_check_params(&target, WEFT_HTTP_GET, &message));
}

TEST(target, methods_are_known_by_their_names)
{
    char allow[32];
    EXPECT_EQ(WEFT_HTTP_GET, weft_http_method_parse("GET"));
    EXPECT_EQ(WEFT_HTTP_HEAD, weft_http_method_parse("HEAD"));
    EXPECT_EQ(WEFT_HTTP_POST, weft_http_method_parse("POST"));
    EXPECT_EQ(WEFT_HTTP_OTHER, weft_http_method_parse("get"));
    weft_http_allow(weft_http_rule(WEFT_HTTP_COMMITS), allow);
    EXPECT_TEXT("GET, HEAD, POST", allow);
    weft_http_allow(weft_http_rule(WEFT_HTTP_STATUS), allow);
    EXPECT_TEXT("GET, HEAD", allow);
}
