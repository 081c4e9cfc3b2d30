#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/committer.h"
#include "ops/weft/source.h"
#include "proto/limits.h"
#include "tests/lib/test.h"

/* What the commands read from people: lines of records. */

static struct weft_msg message;

static struct weft_source open_text(const char *text, size_t size)
{
    static char path[1024];
    struct weft_source source;
    (void)snprintf(path, sizeof(path), "%s/records.jsonl", test_directory());
    FILE *file = fopen(path, "wb");
    EXPECT_EQ(size, fwrite(text, 1, size, file));
    EXPECT_EQ(0, fclose(file));
    EXPECT_EQ(WEFT_OK, weft_source_open(path, &source, &message));
    return source;
}

TEST(source, records_come_line_by_line_and_blank_lines_do_not_count)
{
    static const char text[] =
        "{\"kind\":\"a\",\"asset\":\"x/1\"}\n\n  \r\n"
        "{\"kind\":\"b\",\"asset\":\"x/2\"}\r\n{\"kind\":\"c\",\"asset\":\"x/3\"}";
    struct weft_source source = open_text(text, sizeof(text) - 1);
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_record record;
    for (int round = 0; round < 2; round++) {
        static const uint32_t lines[] = {1, 4, 5};
        for (int i = 0; i < 3; i++) {
            EXPECT_EQ(WEFT_OK, weft_source_next(&source, &arena, &record, &message));
            EXPECT_EQ(lines[i], source.line);
            EXPECT_EQ('a' + i, record.kind.data[0]);
        }
        EXPECT_EQ(WEFT_ENOTFOUND, weft_source_next(&source, &arena, &record, &message));
        EXPECT_TRUE(source.is_seekable);
        EXPECT_EQ(WEFT_OK, weft_source_rewind(&source, &message));
    }
    weft_source_close(&source);
    weft_arena_destroy(&arena);
}

TEST(source, line_that_is_too_long_is_passed_over)
{
    size_t size = WEFT_JSON_LINE_SIZE_MAX + 3;
    char *text = malloc(size);
    EXPECT_TRUE(text != NULL);
    memset(text, 'x', size);
    text[size - 2] = '\n';
    text[size - 1] = 'y';
    struct weft_source source = open_text(text, size);
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_text line;
    EXPECT_EQ(WEFT_ETOOBIG, weft_source_line(&source, &arena, &line, &message));
    EXPECT_TRUE(strstr(message.text, "records.jsonl: line 1") != NULL);
    EXPECT_EQ(WEFT_OK, weft_source_line(&source, &arena, &line, &message));
    EXPECT_TRUE(weft_text_is(line, "y"));
    EXPECT_EQ(2, source.line);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_source_line(&source, &arena, &line, &message));
    weft_source_close(&source);
    weft_arena_destroy(&arena);
    free(text);
}

TEST(source, bad_line_is_named)
{
    static const char text[] =
        "{\"kind\":\"a\",\"asset\":\"x/1\"}\n{\"kind\":\"a\",\"colour\":1}\n";
    struct weft_source source = open_text(text, sizeof(text) - 1);
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_record record;
    EXPECT_EQ(WEFT_OK, weft_source_next(&source, &arena, &record, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_source_next(&source, &arena, &record, &message));
    EXPECT_TRUE(strstr(message.text, "records.jsonl: line 2") != NULL);
    EXPECT_TRUE(strstr(message.text, "colour") != NULL);
    weft_source_close(&source);
    weft_arena_destroy(&arena);
}

TEST(source, line_over_the_limit_is_refused_without_being_kept)
{
    size_t size = WEFT_JSON_LINE_SIZE_MAX + 10;
    char *text = malloc(size);
    memset(text, 'x', size);
    struct weft_source source = open_text(text, size);
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_record record;
    EXPECT_EQ(WEFT_ETOOBIG, weft_source_next(&source, &arena, &record, &message));
    EXPECT_TRUE(strstr(message.text, "line 1: longer than") != NULL);
    weft_source_close(&source);
    weft_arena_destroy(&arena);
    free(text);
}

TEST(source, file_that_cannot_be_read_is_wrong_usage)
{
    struct weft_source source;
    EXPECT_EQ(WEFT_EINVAL, weft_source_open("/nonexistent/file", &source, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_source_open("/", &source, &message));
}
