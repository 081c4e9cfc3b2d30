#include "node/telemetry_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/limits.h"
#include "tests/lib/test.h"

/* NOD-11: what is read is what its name says, and what put has said is kept is on disk. */

static char directory[512];
static struct weft_msg msg;

static void open_store(void)
{
    (void)snprintf(directory, sizeof(directory), "%s", test_directory());
    EXPECT_EQ(WEFT_OK, weft_telemetry_store_open(directory, &msg));
}

static void path_of(const struct weft_digest *digest, char ret_path[1024])
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    (void)snprintf(ret_path, 1024, "%s/%.2s/%s", directory, text + 7, text + 7);
}

static bool put(const char *content, struct weft_digest *ret_digest)
{
    struct weft_bytes bytes = {(const uint8_t *)content, strlen(content)};
    bool was_there = false;
    *ret_digest = weft_sha256(bytes.data, bytes.size);
    EXPECT_EQ(WEFT_OK, weft_telemetry_store_put(directory, ret_digest, bytes, &was_there, &msg));
    return was_there;
}

static enum weft_err get(const struct weft_digest *digest, const char *expected)
{
    struct weft_buffer out = {0};
    enum weft_err err = weft_telemetry_store_get(directory, digest, &out, &msg);
    if (err == WEFT_OK) {
        EXPECT_EQ(strlen(expected), out.size);
        EXPECT_MEM(expected, out.data, out.size);
    } else {
        EXPECT_EQ(0, out.size);
    }
    weft_buffer_destroy(&out);
    return err;
}

static void overwrite(const char *path, const char *content)
{
    FILE *file = fopen(path, "wb");
    EXPECT_TRUE(file != NULL);
    EXPECT_EQ(strlen(content), fwrite(content, 1, strlen(content), file));
    EXPECT_EQ(0, fclose(file));
}

TEST(telemetry_store, gives_back_what_was_put)
{
    struct weft_digest a, b;
    open_store();
    EXPECT_TRUE(!put("block a", &a));
    EXPECT_TRUE(!put("block b", &b));
    EXPECT_TRUE(put("block a", &a));
    EXPECT_EQ(WEFT_OK, get(&a, "block a"));
    EXPECT_EQ(WEFT_OK, weft_telemetry_store_open(directory, &msg)); /* Another start. */
    EXPECT_EQ(WEFT_OK, get(&b, "block b"));
    struct weft_digest none = weft_sha256("none", 4);
    EXPECT_EQ(WEFT_ENOTFOUND, get(&none, ""));
}

TEST(telemetry_store, notices_damage_and_mends_it)
{
    struct weft_digest a;
    char path[1024];
    open_store();
    (void)put("block a", &a);
    path_of(&a, path);
    static const char *const damage[] = {"block b", "block", "", "block a and more"};
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        overwrite(path, damage[i]);
        EXPECT_EQ(WEFT_ECORRUPT, get(&a, ""));
        EXPECT_TRUE(strstr(msg.text, "is not what its name says") != NULL);
        EXPECT_TRUE(!put("block a", &a));
        EXPECT_EQ(WEFT_OK, get(&a, "block a"));
    }
}

TEST(telemetry_store, refuses_what_is_not_the_digests)
{
    struct weft_digest other = weft_sha256("other", 5);
    bool was_there;
    open_store();
    EXPECT_EQ(
        WEFT_EBADSIG, weft_telemetry_store_put(directory, &other,
                          (struct weft_bytes){(const uint8_t *)"block", 5}, &was_there, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_telemetry_store_put(
                               directory, &other, (struct weft_bytes){NULL, 0}, &was_there, &msg));
    EXPECT_EQ(WEFT_ENOTFOUND, get(&other, ""));
}

TEST(telemetry_store, holds_the_size_of_a_block)
{
    uint8_t *content = calloc(WEFT_BLOCK_SIZE_MAX + 1, 1);
    bool was_there;
    open_store();
    for (size_t over = 0; over < 2; over++) {
        struct weft_bytes bytes = {content, WEFT_BLOCK_SIZE_MAX + over};
        struct weft_digest digest = weft_sha256(bytes.data, bytes.size);
        EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK,
            weft_telemetry_store_put(directory, &digest, bytes, &was_there, &msg));
    }
    free(content);
}

TEST(telemetry_store, forgets_what_was_left_half_written)
{
    char path[1024];
    struct weft_digest a;
    open_store();
    (void)snprintf(path, sizeof(path), "%s/tmp/0", directory);
    overwrite(path, "half");
    EXPECT_EQ(WEFT_OK, weft_telemetry_store_open(directory, &msg));
    EXPECT_TRUE(access(path, F_OK) != 0);
    EXPECT_TRUE(!put("block a", &a));
}

TEST(telemetry_store, says_what_it_cannot_do)
{
    struct weft_digest a = weft_sha256("block a", 7);
    bool was_there;
    (void)snprintf(directory, sizeof(directory), "%s/none", test_directory());
    EXPECT_TRUE(weft_telemetry_store_open(directory, &msg) != WEFT_OK);
    EXPECT_TRUE(strncmp(msg.text, "telemetry: ", 11) == 0);
    EXPECT_TRUE(
        weft_telemetry_store_put(directory, &a, (struct weft_bytes){(const uint8_t *)"block a", 7},
            &was_there, &msg) != WEFT_OK);
}
