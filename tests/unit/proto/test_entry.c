#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "proto/entry.h"
#include "proto/limits.h"
#include "tests/lib/sample.h"
#include "tests/lib/test.h"

static const uint8_t seed[WEFT_SALT_SEED_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};

static struct weft_bytes bytes_of(const struct weft_buffer *b)
{
    return (struct weft_bytes){b->data, b->size};
}

/* Open and read to the end; the error that ended it. */
static enum weft_err read_all(struct weft_bytes entry, uint32_t *ret_count)
{
    struct weft_entry_reader reader;
    struct weft_entry_item item;
    *ret_count = 0;
    enum weft_err err = weft_entry_open(entry, &reader);
    while (err == WEFT_OK) {
        err = weft_entry_next(&reader, &item);
        *ret_count += err == WEFT_OK;
    }
    return err;
}

static void make(struct weft_buffer *out, const char *principal, const char *body)
{
    struct weft_entry_item item = {.type = WEFT_ITEM_COMMIT,
        .principal = weft_text_of(principal),
        .body = {(const uint8_t *)body, strlen(body)}};
    EXPECT_EQ(WEFT_OK, weft_entry_init(out));
    EXPECT_EQ(WEFT_OK, weft_entry_add(out, &item));
    weft_entry_seal(out, -5, seed);
}

TEST(entry, has_the_form_that_the_header_states)
{
    struct weft_buffer out = {0};
    make(&out, "anna", "123456789");
    const uint8_t head[] = {
        'W', 'B', '1', 0, 1, 0, 0, 0, 0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t item[] = {1, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 'a', 'n', 'n', 'a', 0,
        0, 0, 0, '1', '2', '3', '4', '5', '6', '7', '8', '9', 0, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(WEFT_ENTRY_HEADER_SIZE + sizeof(item), out.size);
    EXPECT_MEM(head, out.data, sizeof(head));
    EXPECT_MEM(seed, out.data + 16, sizeof(seed));
    EXPECT_MEM(item, out.data + WEFT_ENTRY_HEADER_SIZE, sizeof(item));
    weft_buffer_destroy(&out);
}

TEST(entry, warrant_stands_behind_the_principal_and_is_whole_or_not_there)
{
    struct weft_buffer out = {0};
    struct weft_entry_reader reader;
    const uint8_t item[] = {1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 'a', 'n', 'n', 'a', 0,
        0, 0, 0, 0x04, 0x03, 0x02, 0x01, 5, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, '1', 0, 0, 0, 0, 0, 0,
        0};
    struct weft_entry_item read, made = {.type = WEFT_ITEM_COMMIT,
                                     .has_warrant = true,
                                     .warrant = {0x01020304, 5, 7},
                                     .principal = WEFT_TEXT("anna"),
                                     .body = {(const uint8_t *)"1", 1}};
    EXPECT_EQ(WEFT_OK, weft_entry_init(&out));
    EXPECT_EQ(WEFT_OK, weft_entry_add(&out, &made));
    EXPECT_EQ(WEFT_ENTRY_HEADER_SIZE + sizeof(item), out.size);
    EXPECT_MEM(item, out.data + WEFT_ENTRY_HEADER_SIZE, sizeof(item));
    for (uint32_t size = 0; size < 32; size++) {
        out.data[WEFT_ENTRY_HEADER_SIZE + 12] = (uint8_t)size;
        EXPECT_EQ(WEFT_OK, weft_entry_open(bytes_of(&out), &reader));
        /* Of size 0 the warrant's bytes are no body followed by zeros. */
        EXPECT_EQ(size == WEFT_ENTRY_WARRANT_SIZE ? WEFT_OK : WEFT_EMALFORMED,
            weft_entry_next(&reader, &read));
    }
    weft_buffer_destroy(&out);
}

TEST(entry, gives_back_items_in_order_and_aligned)
{
    struct weft_buffer out = {0};
    struct weft_entry_item items[50];
    struct weft_arena arena = {.size_max = 1 << 20};
    struct sample s = {test_random(0), &arena};
    EXPECT_EQ(WEFT_OK, weft_entry_init(&out));
    for (int i = 0; i < 50; i++) {
        items[i].type = (enum weft_item_type)(WEFT_ITEM_COMMIT + test_random(3));
        items[i].has_warrant = test_random(2) != 0;
        items[i].warrant = (struct weft_warrant){
            (uint32_t)test_random(0), (uint32_t)test_random(0), (int64_t)test_random(0)};
        items[i].principal = sample_text(&s, WEFT_PRINCIPAL_SIZE_MAX);
        items[i].body = sample_bytes(&s, 100);
        EXPECT_EQ(WEFT_OK, weft_entry_add(&out, &items[i]));
    }
    weft_entry_seal(&out, INT64_MAX, seed);
    EXPECT_EQ(50, weft_entry_count(&out));
    struct weft_entry_reader reader;
    struct weft_entry_item item;
    EXPECT_EQ(WEFT_OK, weft_entry_open(bytes_of(&out), &reader));
    EXPECT_EQ(INT64_MAX, reader.time_ns);
    EXPECT_MEM(seed, reader.salt_seed, sizeof(seed));
    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(WEFT_OK, weft_entry_next(&reader, &item));
        EXPECT_EQ(items[i].type, item.type);
        EXPECT_TRUE(weft_text_equal(items[i].principal, item.principal));
        EXPECT_EQ(items[i].body.size, item.body.size);
        EXPECT_MEM(items[i].body.data, item.body.data, item.body.size);
        EXPECT_EQ(0, (uintptr_t)item.body.data & 7);
        EXPECT_EQ(items[i].has_warrant, item.has_warrant);
        if (item.has_warrant) {
            EXPECT_EQ(items[i].warrant.key_id, item.warrant.key_id);
            EXPECT_EQ(items[i].warrant.actions, item.warrant.actions);
            EXPECT_EQ(items[i].warrant.until_ns, item.warrant.until_ns);
        }
    }
    EXPECT_EQ(WEFT_ENOTFOUND, weft_entry_next(&reader, &item));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_entry_next(&reader, &item));
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
}

TEST(entry, takes_commits_up_to_its_count_and_no_more)
{
    struct weft_buffer out = {0};
    const uint8_t body[8] = {0};
    const struct weft_entry_item item = {.type = WEFT_ITEM_DIGEST, .body = {body, sizeof(body)}};
    EXPECT_EQ(WEFT_OK, weft_entry_init(&out));
    for (int i = 0; i < WEFT_ENTRY_COMMITS_MAX; i++) {
        EXPECT_EQ(WEFT_OK, weft_entry_add(&out, &item));
    }
    size_t size = out.size;
    EXPECT_EQ(WEFT_ETOOBIG, weft_entry_add(&out, &item));
    EXPECT_EQ(size, out.size);
    uint32_t count;
    EXPECT_EQ(WEFT_ENOTFOUND, read_all(bytes_of(&out), &count));
    EXPECT_EQ(WEFT_ENTRY_COMMITS_MAX, count);
    weft_put_le32(out.data + 4, WEFT_ENTRY_COMMITS_MAX + 1);
    EXPECT_EQ(WEFT_EMALFORMED, read_all(bytes_of(&out), &count));
    weft_buffer_destroy(&out);
}

TEST(entry, takes_bytes_up_to_its_size_and_no_more)
{
    struct weft_buffer out = {0};
    size_t room = WEFT_ENTRY_SIZE_MAX - WEFT_ENTRY_HEADER_SIZE - 16;
    uint8_t *body = calloc(1, room + 1);
    struct weft_entry_item item = {.type = WEFT_ITEM_COMMIT, .body = {body, room + 1}};
    EXPECT_EQ(WEFT_OK, weft_entry_init(&out));
    EXPECT_EQ(WEFT_ETOOBIG, weft_entry_add(&out, &item));
    EXPECT_EQ(WEFT_ENTRY_HEADER_SIZE, out.size);
    EXPECT_EQ(0, weft_entry_count(&out));
    item.body.size = room;
    EXPECT_EQ(WEFT_OK, weft_entry_add(&out, &item));
    EXPECT_EQ(WEFT_ENTRY_SIZE_MAX, out.size);
    item.body.size = 0;
    EXPECT_EQ(WEFT_ETOOBIG, weft_entry_add(&out, &item));
    uint32_t count;
    EXPECT_EQ(WEFT_ENOTFOUND, read_all(bytes_of(&out), &count));
    EXPECT_EQ(1, count);
    item.body.size = SIZE_MAX; /* Nothing wraps around. */
    EXPECT_EQ(WEFT_ETOOBIG, weft_entry_add(&out, &item));
    free(body);
    weft_buffer_destroy(&out);
}

TEST(entry, holds_principals_to_their_limit)
{
    char principal[WEFT_PRINCIPAL_SIZE_MAX + 1];
    memset(principal, 'p', sizeof(principal));
    struct weft_buffer out = {0};
    struct weft_entry_item item = {
        .type = WEFT_ITEM_COMMIT, .principal = {principal, WEFT_PRINCIPAL_SIZE_MAX + 1}};
    EXPECT_EQ(WEFT_OK, weft_entry_init(&out));
    EXPECT_EQ(WEFT_ETOOBIG, weft_entry_add(&out, &item));
    item.principal.size--;
    EXPECT_EQ(WEFT_OK, weft_entry_add(&out, &item));
    weft_put_le32(out.data + WEFT_ENTRY_HEADER_SIZE + 4, WEFT_PRINCIPAL_SIZE_MAX + 1);
    uint32_t count;
    EXPECT_EQ(WEFT_EMALFORMED, read_all(bytes_of(&out), &count));
    weft_buffer_destroy(&out);
}

/* Each byte that must have a certain value, set to another one. */
TEST(entry, refuses_what_is_not_its_form)
{
    static const struct {
        size_t offset;
        uint8_t value;
        enum weft_err err;
    } cases[] = {
        {0, 'X', WEFT_EMALFORMED}, {1, 'X', WEFT_EMALFORMED}, {2, '2', WEFT_EVERSION},
        {3, 1, WEFT_EVERSION}, {4, 0, WEFT_EMALFORMED}, /* Bytes behind the last item. */
        {4, 2, WEFT_EMALFORMED},                        /* An item that is not there. */
        {WEFT_ENTRY_HEADER_SIZE, 0, WEFT_EMALFORMED},   /* Unknown types. */
        {WEFT_ENTRY_HEADER_SIZE, 5, WEFT_EMALFORMED},
        {WEFT_ENTRY_HEADER_SIZE + 11, 1, WEFT_EMALFORMED},    /* Body far too long. */
        {WEFT_ENTRY_HEADER_SIZE + 8, 17, WEFT_EMALFORMED},    /* Body a little too long. */
        {WEFT_ENTRY_HEADER_SIZE + 12, 1, WEFT_EMALFORMED},    /* Not zero. */
        {WEFT_ENTRY_HEADER_SIZE + 16, 0xff, WEFT_EMALFORMED}, /* Principal is not UTF-8. */
        {WEFT_ENTRY_HEADER_SIZE + 20, 1, WEFT_EMALFORMED},    /* Padding of the principal. */
        {WEFT_ENTRY_HEADER_SIZE + 39, 1, WEFT_EMALFORMED},    /* Padding of the body. */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_buffer out = {0};
        uint32_t count;
        make(&out, "anna", "123456789");
        EXPECT_EQ(WEFT_ENOTFOUND, read_all(bytes_of(&out), &count));
        out.data[cases[i].offset] = cases[i].value;
        EXPECT_EQ(cases[i].err, read_all(bytes_of(&out), &count));
        weft_buffer_destroy(&out);
    }
}

TEST(entry, refuses_every_truncation)
{
    struct weft_buffer out = {0};
    make(&out, "anna", "123456789");
    for (size_t size = 0; size < out.size; size++) {
        uint8_t *copy = malloc(size + 1); /* Exact, so that a sanitizer sees one byte too far. */
        memcpy(copy, out.data, size);
        uint8_t *exact = realloc(copy, size > 0 ? size : 1);
        uint32_t count;
        EXPECT_EQ(WEFT_EMALFORMED, read_all((struct weft_bytes){exact, size}, &count));
        free(exact);
    }
    weft_buffer_destroy(&out);
}

TEST(entry, survives_flipped_bits)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer out = {0};
    uint32_t count, refused = 0, taken = 0;
    for (int i = 0; i < 2000; i++) {
        struct sample s = {test_random(0), &arena};
        sample_entry(&s, &out);
        out.data[test_random(out.size)] ^= (uint8_t)(1u << test_random(8));
        enum weft_err err = read_all(bytes_of(&out), &count);
        refused += err != WEFT_ENOTFOUND;
        taken += err == WEFT_ENOTFOUND;
        weft_arena_reset(&arena);
    }
    EXPECT_TRUE(refused > 50 && taken > 50); /* Both were reached. */
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
}
