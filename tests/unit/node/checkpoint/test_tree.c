#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "node/checkpoint/tree.h"
#include "tests/lib/test.h"

/* Small files, as nodes keep what they have signed. */

static char directory[600], path[640];

static void begin(const char *name)
{
    struct weft_msg msg = {""};
    (void)snprintf(directory, sizeof(directory), "%s/%s", test_directory(), name);
    (void)snprintf(path, sizeof(path), "%s/signed", directory);
    EXPECT_EQ(WEFT_OK, weft_tree_remove(directory, &msg));
    EXPECT_EQ(WEFT_OK, weft_tree_make(directory, &msg));
}

static enum weft_err write_text(const char *text)
{
    struct weft_msg msg = {""};
    struct weft_buffer bytes = {.data = (uint8_t *)text, .size = strlen(text)};
    return weft_tree_replace(directory, path, &bytes, &msg);
}

static bool has_text(const char *text)
{
    struct weft_msg msg = {""};
    struct weft_buffer bytes = {.size_max = 100000};
    bool is_found = false;
    EXPECT_EQ(WEFT_OK, weft_tree_read(path, &bytes, &is_found, &msg));
    bool is_it = is_found && weft_text_is(weft_buffer_as_text(&bytes), text);
    weft_buffer_destroy(&bytes);
    return is_it;
}

TEST(tree, a_file_that_is_not_there_is_told_so)
{
    struct weft_msg msg = {""};
    struct weft_buffer bytes = {.size_max = 10};
    bool is_found = true;
    begin("tree-none");
    EXPECT_EQ(WEFT_OK, weft_tree_read(path, &bytes, &is_found, &msg));
    EXPECT_TRUE(!is_found && bytes.size == 0);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_tree_read(path, &bytes, NULL, &msg));
    EXPECT_TRUE(strstr(msg.text, path) != NULL);
    EXPECT_EQ(WEFT_EIO, weft_tree_read(directory, &bytes, &is_found, &msg));
    EXPECT_TRUE(is_found);
}

TEST(tree, a_file_is_read_whole_or_not)
{
    static char large[20001];
    struct weft_msg msg = {""};
    struct weft_buffer bytes = {.size_max = 20000};
    begin("tree-large");
    memset(large, 'x', 20000);
    EXPECT_EQ(WEFT_OK, write_text(large));
    EXPECT_TRUE(has_text(large));
    EXPECT_EQ(WEFT_OK, weft_tree_read(path, &bytes, NULL, &msg));
    EXPECT_EQ(20000, bytes.size);
    EXPECT_EQ(WEFT_ETOOBIG, weft_tree_read(path, &bytes, NULL, &msg)); /* Behind what is there. */
    weft_buffer_destroy(&bytes);
}

static jmp_buf gone;
static int left;

static void end_there(const char *operation, const char *at)
{
    (void)operation, (void)at;
    if (left-- == 0) {
        longjmp(gone, 1);
    }
}

/* As where the process ends at any step. */
TEST(tree, a_file_is_as_it_was_or_as_it_is_to_be)
{
    struct stat st;
    volatile int kept = 0;
    begin("tree-replace");
    EXPECT_EQ(WEFT_OK, write_text("one"));
    EXPECT_EQ(0, stat(path, &st));
    EXPECT_EQ(0600, st.st_mode & 0777);
    weft_tree_on_change = end_there;
    for (volatile int steps = 0; steps < 100; steps++) {
        left = steps;
        if (setjmp(gone) == 0) {
            EXPECT_EQ(WEFT_OK, write_text("two"));
            break;
        }
        EXPECT_TRUE(has_text("one") || has_text("two"));
        kept++;
    }
    weft_tree_on_change = NULL;
    EXPECT_TRUE(kept >= 3);
    EXPECT_TRUE(has_text("two"));
    EXPECT_EQ(WEFT_OK, write_text("")); /* What an end left behind is in nobody's way. */
    EXPECT_TRUE(has_text(""));
}
