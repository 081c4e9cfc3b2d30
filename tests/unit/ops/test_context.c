#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/weft/context.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_context context;

/* Its own configuration directory, and nothing of the caller's environment. */
static void enter(void)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/config", test_directory());
    EXPECT_EQ(0, setenv("WEFT_CONFIG_DIR", path, 1));
    EXPECT_EQ(0, unsetenv("WEFT_CONTEXT"));
}

static const char *make_identity(const char *name)
{
    static char path[1024];
    static const char *const files[] = {"ca.crt", "tls.crt", "tls.key"};
    (void)snprintf(path, sizeof(path), "%s/%s", test_directory(), name);
    EXPECT_EQ(WEFT_OK, weft_files_make_directory(path, 0755, &message));
    for (int i = 0; i < 3; i++) {
        char file[1100];
        (void)snprintf(file, sizeof(file), "%s/%s", path, files[i]);
        EXPECT_EQ(
            WEFT_OK, weft_files_write(file, (struct weft_bytes){NULL, 0}, 0600, true, &message));
    }
    return path;
}

static void save(const char *name, const char *endpoints, const char *identity)
{
    struct weft_context c = {0};
    (void)snprintf(c.name, sizeof(c.name), "%s", name);
    (void)snprintf(c.identity, sizeof(c.identity), "%s", identity);
    EXPECT_EQ(WEFT_OK, weft_context_add_endpoints(&c, endpoints, &message));
    EXPECT_EQ(WEFT_OK, weft_context_save(&c, false, &message));
}

static enum weft_err resolve(const char *a, const char *b, const char *c, const char *d)
{
    struct weft_args args;
    char *argv[] = {
        (char *)"weft", (char *)"status", (char *)a, (char *)b, (char *)c, (char *)d, NULL};
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    EXPECT_EQ(WEFT_OK, weft_args_parse(argc, argv, &args, &message));
    enum weft_err err = weft_context_resolve(&args, &context, &message);
    weft_args_destroy(&args);
    return err;
}

TEST(context, endpoints_with_and_without_scheme)
{
    struct weft_context c = {0};
    EXPECT_EQ(WEFT_OK, weft_context_add_endpoints(
                           &c, "tls+tcp://127.0.0.1:7102,n2.example:1,[::1]:65535", &message));
    EXPECT_EQ(3, c.endpoint_count);
    EXPECT_TEXT("127.0.0.1:7102", c.endpoints[0]);
    EXPECT_TEXT("[::1]:65535", c.endpoints[2]);
    static const char *const bad[] = {"", "a", "a:", ":1", "a:1,", "a:65536", "a:1x", "a:-1",
        "http://h.example:1", "a:1,,b:2", "a/b:1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_context unused = {0};
        EXPECT_EQ(WEFT_EINVAL, weft_context_add_endpoints(&unused, bad[i], &message));
    }
}

TEST(context, seventeenth_endpoint_is_refused)
{
    struct weft_context c = {0};
    for (int i = 0; i < WEFT_CONTEXT_ENDPOINTS_MAX; i++) {
        EXPECT_EQ(WEFT_OK, weft_context_add_endpoints(&c, "a:1", &message));
    }
    EXPECT_EQ(WEFT_EINVAL, weft_context_add_endpoints(&c, "a:1", &message));
}

TEST(context, what_is_saved_is_loaded)
{
    enter();
    save("plant1", "a:1,b:2", "/some/where \"quoted\"");
    EXPECT_EQ(WEFT_OK, weft_context_load("plant1", &context, &message));
    EXPECT_TEXT("plant1", context.name);
    EXPECT_EQ(2, context.endpoint_count);
    EXPECT_TEXT("b:2", context.endpoints[1]);
    EXPECT_TEXT("/some/where \"quoted\"", context.identity);
}

TEST(context, second_of_a_name_needs_force)
{
    enter();
    save("plant1", "a:1", "/x");
    struct weft_context c = {.name = "plant1", .identity = "/y"};
    EXPECT_EQ(WEFT_ESTATE, weft_context_save(&c, false, &message));
    EXPECT_TRUE(strstr(message.text, "--force") != NULL);
    EXPECT_EQ(WEFT_OK, weft_context_save(&c, true, &message));
    EXPECT_EQ(WEFT_OK, weft_context_load("plant1", &context, &message));
    EXPECT_TEXT("/y", context.identity);
}

TEST(context, names_that_would_leave_the_directory_are_refused)
{
    enter();
    static const char *const bad[] = {"", "..", "../x", "a/b", ".hidden", "a b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, weft_context_load(bad[i], &context, &message));
        EXPECT_EQ(WEFT_EINVAL, weft_context_remove(bad[i], &message));
    }
    EXPECT_EQ(WEFT_ENOTFOUND, weft_context_load("absent", &context, &message));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_context_remove("absent", &message));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_context_use("absent", &message));
}

TEST(context, damaged_file_is_named_with_its_line)
{
    enter();
    save("plant1", "a:1", "/x");
    static const char *const bad[] = {"", "{", "[]", "{\"identity\":5}", "{\"endpoints\":\"a:1\"}",
        "{\"endpoints\":[5]}", "{\"endpoints\":[\"nowhere\"]}", "{\"colour\":1}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char path[1100];
        (void)snprintf(path, sizeof(path), "%s/plant1.json", getenv("WEFT_CONFIG_DIR"));
        EXPECT_EQ(WEFT_OK,
            weft_files_write(path, (struct weft_bytes){(const uint8_t *)bad[i], strlen(bad[i])},
                0600, true, &message));
        EXPECT_EQ(WEFT_EINVAL, weft_context_load("plant1", &context, &message));
        EXPECT_TRUE(strstr(message.text, "plant1.json") != NULL);
    }
}

TEST(context, options_come_before_contexts_and_the_variable_before_the_one_in_use)
{
    enter();
    const char *identity = make_identity("me");
    save("one", "one:1", identity);
    save("two", "two:2", identity);
    save("three", "three:3", identity);
    EXPECT_EQ(WEFT_EINVAL, resolve(NULL, NULL, NULL, NULL));
    EXPECT_TRUE(strstr(message.text, "weft context add") != NULL);
    EXPECT_EQ(WEFT_OK, weft_context_use("one", &message));
    EXPECT_EQ(WEFT_OK, resolve(NULL, NULL, NULL, NULL));
    EXPECT_TEXT("one:1", context.endpoints[0]);
    EXPECT_EQ(0, setenv("WEFT_CONTEXT", "two", 1));
    EXPECT_EQ(WEFT_OK, resolve(NULL, NULL, NULL, NULL));
    EXPECT_TEXT("two:2", context.endpoints[0]);
    EXPECT_EQ(WEFT_OK, resolve("--context", "three", NULL, NULL));
    EXPECT_TEXT("three:3", context.endpoints[0]);
    EXPECT_EQ(WEFT_OK, resolve("--context", "three", "--endpoint", "own:4,own:5"));
    EXPECT_EQ(2, context.endpoint_count);
    EXPECT_TEXT("own:4", context.endpoints[0]);
    EXPECT_TEXT(identity, context.identity);
    EXPECT_EQ(WEFT_ENOTFOUND, resolve("--context", "four", NULL, NULL));
    EXPECT_EQ(0, unsetenv("WEFT_CONTEXT"));
}

TEST(context, identity_without_its_files_is_refused_by_name)
{
    enter();
    const char *identity = make_identity("me");
    char path[1100];
    EXPECT_EQ(WEFT_OK, resolve("--endpoint", "a:1", "--identity", identity));
    (void)snprintf(path, sizeof(path), "%s/tls.key", identity);
    EXPECT_EQ(0, unlink(path));
    EXPECT_EQ(WEFT_EINVAL, resolve("--endpoint", "a:1", "--identity", identity));
    EXPECT_TRUE(strstr(message.text, "tls.key") != NULL);
}

static void count_name(void *ctx, const char *name)
{
    char *all = ctx;
    (void)strcat(strcat(all, name), " ");
}

TEST(context, list_is_sorted_and_passes_over_other_files)
{
    char all[256] = "";
    char path[1100];
    enter();
    EXPECT_EQ(WEFT_OK, weft_context_list(count_name, all, &message));
    EXPECT_TEXT("", all);
    save("b", "a:1", "/x");
    save("a", "a:1", "/x");
    (void)snprintf(path, sizeof(path), "%s/note.txt", getenv("WEFT_CONFIG_DIR"));
    EXPECT_EQ(WEFT_OK, weft_files_write(path, (struct weft_bytes){NULL, 0}, 0600, true, &message));
    EXPECT_EQ(WEFT_OK, weft_context_list(count_name, all, &message));
    EXPECT_TEXT("a b ", all);
    EXPECT_EQ(WEFT_OK, weft_context_remove("a", &message));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_context_load("a", &context, &message));
}

TEST(files, key_is_private_from_the_start_and_nothing_is_left_beside_it)
{
    char path[1100], beside[1200];
    struct stat st;
    static const uint8_t key[] = "secret";
    (void)snprintf(path, sizeof(path), "%s/key", test_directory());
    (void)umask(0);
    EXPECT_EQ(WEFT_OK, weft_files_write(path, (struct weft_bytes){key, 6}, 0600, false, &message));
    EXPECT_EQ(0, stat(path, &st));
    EXPECT_EQ(0600, st.st_mode & 07777);
    EXPECT_EQ(
        WEFT_ESTATE, weft_files_write(path, (struct weft_bytes){key, 3}, 0600, false, &message));
    EXPECT_EQ(0, stat(path, &st));
    EXPECT_EQ(6, st.st_size);
    (void)snprintf(beside, sizeof(beside), "%s.%ld.new", path, (long)getpid());
    EXPECT_TRUE(stat(beside, &st) != 0);
    EXPECT_EQ(WEFT_OK, weft_files_write(path, (struct weft_bytes){key, 3}, 0600, true, &message));
    EXPECT_EQ(0, stat(path, &st));
    EXPECT_EQ(3, st.st_size);
}

TEST(files, reading_stops_at_the_limit)
{
    char path[1100];
    static uint8_t block[100];
    struct weft_buffer out = {.size_max = 100};
    (void)snprintf(path, sizeof(path), "%s/file", test_directory());
    EXPECT_EQ(WEFT_OK,
        weft_files_write(path, (struct weft_bytes){block, sizeof(block)}, 0600, true, &message));
    EXPECT_EQ(WEFT_OK, weft_files_read(path, &out, &message));
    EXPECT_EQ(100, out.size);
    weft_buffer_destroy(&out);
    out.size_max = 99;
    EXPECT_EQ(WEFT_ETOOBIG, weft_files_read(path, &out, &message));
    weft_buffer_destroy(&out);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_files_read("/nonexistent/file", &out, &message));
    EXPECT_EQ(WEFT_EIO, weft_files_read("/", &out, &message));
    weft_buffer_destroy(&out);
}
