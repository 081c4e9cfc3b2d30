/* The journal of a gateway: what it gives back, what it makes of damage, what it leaves behind. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/gateway/journal.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_journal_start found;
static uint8_t seen[1024][64];
static size_t seen_size[1024];
static uint32_t seen_count;

static enum weft_err on_frame(void *ctx, struct weft_bytes frame, struct weft_msg *msg)
{
    (void)ctx, (void)msg;
    EXPECT_TRUE(seen_count < 1024 && frame.size <= 64);
    memcpy(seen[seen_count], frame.data, frame.size);
    seen_size[seen_count++] = frame.size;
    return WEFT_OK;
}

static struct weft_journal *open_journal(void)
{
    struct weft_journal *journal = NULL;
    seen_count = 0;
    EXPECT_EQ(
        WEFT_OK, weft_journal_open(test_directory(), on_frame, NULL, &journal, &found, &message));
    return journal;
}

static enum weft_err open_error(void)
{
    struct weft_journal *journal = NULL;
    seen_count = 0;
    return weft_journal_open(test_directory(), on_frame, NULL, &journal, &found, &message);
}

static const char *path(void)
{
    static char text[1024];
    (void)snprintf(text, sizeof(text), "%s/journal", test_directory());
    return text;
}

static void append(struct weft_journal *journal, const char *text)
{
    const struct weft_bytes frame = {(const uint8_t *)text, strlen(text)};
    EXPECT_EQ(WEFT_OK, weft_journal_append(journal, frame, &message));
}

static bool is_seen(uint32_t number, const char *text)
{
    return number < seen_count && seen_size[number] == strlen(text) &&
           memcmp(seen[number], text, strlen(text)) == 0;
}

static void write_at(off_t place, const void *data, size_t size)
{
    int fd = open(path(), O_RDWR);
    EXPECT_TRUE(fd >= 0);
    EXPECT_EQ(size, pwrite(fd, data, size, place));
    (void)close(fd);
}

static off_t file_size(void)
{
    struct stat info;
    EXPECT_EQ(0, stat(path(), &info));
    return info.st_size;
}

TEST(journal, gives_back_what_was_appended_in_order)
{
    struct weft_journal *journal = open_journal();
    EXPECT_TRUE(found.is_new);
    append(journal, "one");
    append(journal, "two");
    weft_journal_close(journal);
    journal = open_journal();
    EXPECT_EQ(2, found.frames);
    EXPECT_EQ(0, found.torn_bytes);
    EXPECT_TRUE(!found.is_new && is_seen(0, "one") && is_seen(1, "two"));
    append(journal, "three");
    weft_journal_close(journal);
    journal = open_journal();
    EXPECT_TRUE(is_seen(2, "three"));
    weft_journal_close(journal);
}

TEST(journal, torn_tail_of_any_length_is_cut_off_and_told)
{
    struct weft_journal *journal = open_journal();
    append(journal, "one");
    off_t whole = file_size();
    append(journal, "a longer frame that is torn");
    off_t end = file_size();
    weft_journal_close(journal);
    for (off_t size = end - 1; size > whole; size--) {
        EXPECT_EQ(0, truncate(path(), size));
        journal = open_journal();
        EXPECT_EQ(1, found.frames);
        EXPECT_EQ(size - whole, found.torn_bytes);
        EXPECT_EQ(whole, file_size());
        append(journal, "a longer frame that is torn");
        weft_journal_close(journal);
        EXPECT_EQ(end, file_size());
    }
    EXPECT_EQ(0, truncate(path(), 5)); /* Of the very first one, too. */
    journal = open_journal();
    EXPECT_TRUE(found.is_new);
    weft_journal_close(journal);
}

TEST(journal, damage_in_front_of_a_whole_frame_is_not_guessed_at)
{
    struct weft_journal *journal = open_journal();
    append(journal, "one");
    off_t second = file_size();
    append(journal, "two");
    append(journal, "three");
    weft_journal_close(journal);
    for (off_t place = 0; place < second + 8 + 3; place++) {
        uint8_t was, bad;
        int fd = open(path(), O_RDONLY);
        EXPECT_EQ(1, pread(fd, &was, 1, place));
        (void)close(fd);
        bad = was ^ 0x10;
        write_at(place, &bad, 1);
        EXPECT_EQ(WEFT_ECORRUPT, open_error()); /* GW-7 */
        write_at(place, &was, 1);
    }
    weft_journal_close(open_journal());
    EXPECT_EQ(3, found.frames);
}

TEST(journal, frame_from_another_place_does_not_count)
{
    uint8_t bytes[64];
    struct weft_journal *journal = open_journal();
    append(journal, "one");
    off_t first = 8, second = file_size();
    weft_journal_close(journal);
    int fd = open(path(), O_RDWR);
    EXPECT_EQ(second - first, pread(fd, bytes, (size_t)(second - first), first));
    EXPECT_EQ(second - first, pwrite(fd, bytes, (size_t)(second - first), second));
    (void)close(fd);
    weft_journal_close(open_journal());
    EXPECT_EQ(1, found.frames);
    EXPECT_EQ(second - first, found.torn_bytes);
}

TEST(journal, second_process_is_kept_out)
{
    struct weft_journal *journal = open_journal();
    EXPECT_EQ(WEFT_EBUSY, open_error());
    weft_journal_close(journal);
    weft_journal_close(open_journal());
}

TEST(journal, refuses_frames_of_no_size_and_too_large_ones)
{
    static uint8_t large[WEFT_JOURNAL_FRAME_SIZE_MAX + 1];
    struct weft_journal *journal = open_journal();
    const struct weft_bytes none = {large, 0}, much = {large, sizeof(large)};
    EXPECT_EQ(WEFT_ETOOBIG, weft_journal_append(journal, none, &message));
    EXPECT_EQ(WEFT_ETOOBIG, weft_journal_append(journal, much, &message));
    append(journal, "goes on");
    weft_journal_close(journal);
}

static enum weft_err next_of_three(void *ctx, struct weft_buffer *out, bool *ret_is_last)
{
    int *count = ctx;
    *ret_is_last = ++*count == 3;
    return *count == 2 ? WEFT_OK : weft_buffer_text(out, WEFT_TEXT("new"));
}

static enum weft_err next_without_memory(void *ctx, struct weft_buffer *out, bool *ret_is_last)
{
    (void)ctx, (void)out, (void)ret_is_last;
    return WEFT_ENOMEM;
}

TEST(journal, is_rewritten_whole_or_stays_as_it_was)
{
    int count = 0;
    struct weft_journal *journal = open_journal();
    append(journal, "old");
    EXPECT_EQ(WEFT_ENOMEM, weft_journal_rewrite(journal, next_without_memory, NULL, &message));
    append(journal, "old too");
    weft_journal_close(journal);
    journal = open_journal();
    EXPECT_TRUE(seen_count == 2 && is_seen(1, "old too"));
    EXPECT_EQ(WEFT_OK, weft_journal_rewrite(journal, next_of_three, &count, &message));
    append(journal, "behind");
    EXPECT_EQ(file_size(), weft_journal_size(journal));
    weft_journal_close(journal);
    journal = open_journal();
    EXPECT_TRUE(seen_count == 3 && is_seen(0, "new") && is_seen(1, "new") && is_seen(2, "behind"));
    weft_journal_close(journal);
}
