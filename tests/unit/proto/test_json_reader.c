#include "proto/json_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/test.h"

static struct weft_arena tree, taken;

static void fresh_arenas(void)
{
    weft_arena_reset(&tree);
    weft_arena_reset(&taken);
    tree.size_max = taken.size_max = 16 * 1024 * 1024;
}

static void free_arenas(void)
{
    weft_arena_destroy(&tree);
    weft_arena_destroy(&taken);
}

/* In pieces of at most `piece_max` bytes, each in memory of its own, so that what is read outside
 * it is found. */
static enum weft_err read_in_pieces(
    struct weft_text text, uint64_t piece_max, struct weft_json **ret_root, struct weft_msg *msg)
{
    struct weft_json_reader r;
    struct weft_json *value = NULL;
    enum weft_err err = WEFT_ENOTFOUND;
    size_t at = 0;
    weft_json_reader_init(&r, &tree, 1, NULL, NULL, NULL);
    while (err == WEFT_ENOTFOUND && !r.is_done) {
        size_t size = (size_t)test_random(piece_max + 1);
        size = size < text.size - at ? size : text.size - at;
        char *piece = malloc(size + 1);
        EXPECT_TRUE(piece != NULL);
        memcpy(piece, text.data + at, size);
        at += size;
        weft_json_reader_feed(
            &r, (struct weft_text){piece, size}, at == text.size && test_random(2) == 0);
        err = weft_json_reader_next(&r, &value, msg);
        free(piece);
    }
    *ret_root = r.root;
    weft_json_reader_close(&r);
    return r.is_done ? WEFT_OK : err;
}

static void expect_same(const struct weft_json *a, const struct weft_json *b)
{
    EXPECT_EQ(a->type, b->type);
    EXPECT_EQ(a->line, b->line);
    EXPECT_EQ(a->column, b->column);
    EXPECT_EQ(a->count, b->count);
    EXPECT_EQ(a->boolean, b->boolean);
    EXPECT_TRUE(weft_text_equal(a->key, b->key));
    EXPECT_TRUE(weft_text_equal(a->text, b->text));
    const struct weft_json *y = b->first;
    for (const struct weft_json *x = a->first; x != NULL; x = x->next) {
        EXPECT_TRUE(y != NULL && x->parent == a && y->parent == b);
        expect_same(x, y);
        y = y->next;
    }
    EXPECT_TRUE(y == NULL);
}

/* PRO-5 */
TEST(json_reader, a_text_is_the_same_in_whatever_pieces_it_comes)
{
    static const char seed_text[] =
        "\xef\xbb\xbf{\"a\":[1,-2.5e+3,\"\\u00e4\\ud83d\\ude00\",null,{\"b\":true}],\n"
        " \"c\\n\":{\"d\":[],\"\":0, \"\xe2\x82\xac\":false},\"e\\\\\":\"\\\"\"}";
    struct weft_arena whole = {.size_max = 1024 * 1024};
    int accepted = 0, refused = 0;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof(seed_text)];
        memcpy(text, seed_text, sizeof(text));
        struct weft_text mutated = {text, sizeof(text) - 1};
        for (uint64_t n = test_random(3); n > 0; n--) {
            static const char alphabet[] = "{}[]\",:\\u0123456789eE+-. truefalsn\n\x80\xff";
            text[test_random(mutated.size)] = alphabet[test_random(sizeof(alphabet) - 1)];
        }
        struct weft_json *expected = NULL, *root = NULL;
        struct weft_msg reason = {""}, msg = {""};
        fresh_arenas();
        weft_arena_reset(&whole);
        enum weft_err err = weft_json_parse(mutated, 1, &whole, &expected, &reason);
        EXPECT_EQ(err, read_in_pieces(mutated, 1 + test_random(40), &root, &msg));
        EXPECT_TEXT(reason.text, msg.text);
        if (err == WEFT_OK) {
            expect_same(expected, root);
        }
        accepted += err == WEFT_OK;
        refused += err != WEFT_OK;
    }
    EXPECT_TRUE(accepted > 5000 && refused > 5000);
    weft_arena_destroy(&whole);
    free_arenas();
}

/* Elements of any array under "list". */
static struct weft_arena *choose_elements(void *ctx, const struct weft_json *value)
{
    (void)ctx;
    bool is_element = value->parent != NULL && value->parent->type == WEFT_JSON_ARRAY &&
                      weft_text_is(value->parent->key, "list");
    return is_element ? &taken : NULL;
}

TEST(json_reader, chosen_values_are_handed_over_with_their_place_and_not_kept)
{
    struct weft_text text = WEFT_TEXT("{\"x\":[5],\n\"list\":[7,{\"a\":[1]},\"s\",[]],\n\"y\":2}");
    struct weft_json_reader r;
    struct weft_json *value = NULL;
    char pointer[64];
    fresh_arenas();
    weft_json_reader_init(&r, &tree, 1, NULL, choose_elements, NULL);
    weft_json_reader_feed(&r, text, true);
    static const enum weft_json_type types[] = {
        WEFT_JSON_NUMBER, WEFT_JSON_OBJECT, WEFT_JSON_STRING, WEFT_JSON_ARRAY};
    static const uint32_t columns[] = {9, 11, 21, 25};
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, NULL));
        EXPECT_EQ(types[i], value->type);
        EXPECT_EQ(2, value->line);
        EXPECT_EQ(columns[i], value->column);
        EXPECT_EQ(i, value->index);
        weft_json_pointer(value, pointer, sizeof(pointer));
        char expected[16];
        (void)snprintf(expected, sizeof(expected), "/list/%u", i);
        EXPECT_TEXT(expected, pointer);
    }
    EXPECT_TRUE(!r.is_done);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_json_reader_next(&r, &value, NULL));
    EXPECT_TRUE(r.is_done);
    const struct weft_json *list = weft_json_get(r.root, "list");
    EXPECT_EQ(4, list->count);
    EXPECT_TRUE(list->first == NULL);
    EXPECT_EQ(1, weft_json_get(r.root, "x")->first->parent->count);
    EXPECT_TEXT("2", weft_json_get(r.root, "y")->text.data);
    weft_json_reader_close(&r);
    free_arenas();
}

static struct weft_arena *choose_root(void *ctx, const struct weft_json *value)
{
    (void)ctx;
    return value->parent == NULL ? &taken : NULL;
}

TEST(json_reader, the_root_can_be_handed_over_too)
{
    static const char *const texts[] = {"{\"a\":{}}", " 12 ", "\"x\"", "[[],1]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct weft_json_reader r;
        struct weft_json *value = NULL;
        fresh_arenas();
        weft_json_reader_init(&r, &tree, 1, NULL, choose_root, NULL);
        weft_json_reader_feed(&r, weft_text_of(texts[i]), true);
        EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, NULL));
        EXPECT_EQ(0, tree.used_bytes);
        EXPECT_EQ(WEFT_ENOTFOUND, weft_json_reader_next(&r, &value, NULL));
        EXPECT_TRUE(r.is_done && r.root == NULL);
        weft_json_reader_close(&r);
    }
    free_arenas();
}

TEST(json_reader, a_text_of_64_mb_is_read_in_the_memory_of_its_largest_value)
{
    enum {
        PIECE = 64 * 1024,
        PIECES = 1024,
    };
    static const char element[] = "{\"number\": 12345, \"text\": \"abcdefgh\"},\n";
    static char piece[PIECE];
    struct weft_json_reader r;
    struct weft_json *value = NULL;
    size_t at = 0;
    uint64_t values = 0;
    fresh_arenas();
    tree.size_max = taken.size_max = 4096;
    weft_json_reader_init(&r, &tree, 1, NULL, choose_elements, NULL);
    weft_json_reader_feed(&r, WEFT_TEXT("{\"list\":[\n"), false);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_json_reader_next(&r, &value, NULL));
    for (int i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < PIECE; j++) {
            piece[j] = element[at++ % (sizeof(element) - 1)];
        }
        weft_json_reader_feed(&r, (struct weft_text){piece, PIECE}, false);
        while (weft_json_reader_next(&r, &value, NULL) == WEFT_OK) {
            EXPECT_EQ(values, value->index);
            EXPECT_EQ(values + 2, value->line);
            values++;
            weft_arena_reset(&taken);
        }
        EXPECT_EQ(WEFT_OK, r.err);
    }
    EXPECT_EQ((uint64_t)PIECE * PIECES / (sizeof(element) - 1), values);
    weft_json_reader_close(&r);
    free_arenas();
}

TEST(json_reader, what_was_refused_stays_refused)
{
    struct weft_json_reader r;
    struct weft_json *value = NULL;
    struct weft_msg msg;
    fresh_arenas();
    weft_json_reader_init(&r, &tree, 1, NULL, choose_elements, NULL);
    weft_json_reader_feed(&r, WEFT_TEXT("{\"list\":[1,?"), false);
    EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, &msg));
    EXPECT_EQ(WEFT_EMALFORMED, weft_json_reader_next(&r, &value, &msg));
    EXPECT_TEXT("line 1, column 12: invalid char in json text", msg.text);
    EXPECT_EQ(WEFT_EMALFORMED, weft_json_reader_next(&r, &value, &msg));
    EXPECT_TRUE(!r.is_done);
    weft_json_reader_close(&r);
    free_arenas();
}

TEST(json_reader, words_are_numbers_literals_or_nothing)
{
    static const struct {
        const char *word;
        size_t offset;
        const char *reason;
    } bad[] = {{"-", 0, "malformed number, a digit is required after the minus sign"},
        {"-x", 0, "malformed number, a digit is required after the minus sign"},
        {"1.e5", 0, "malformed number, a digit is required after the decimal point"},
        {"1e", 0, "malformed number, a digit is required after the exponent"},
        {"1e+", 0, "malformed number, a digit is required after the exponent"},
        {"0x10", 1, "invalid char in json text"}, {"1.5.2", 3, "invalid char in json text"},
        {"01", 1, NULL}, {"1-2", 1, NULL}, {".5", 0, "invalid char in json text"},
        {"+1", 0, "invalid char in json text"}, {"True", 0, "invalid char in json text"},
        {"trues", 0, "invalid string in json text"}, {"-inf", 0, "-inf is not a JSON number"}};
    static const char *const good[] = {
        "0", "-0", "10", "0.0", "1e5", "1E-5", "-12.50e+07", "true", "false", "null"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        enum weft_json_type type;
        struct weft_json_fault fault = {99, "?"};
        EXPECT_EQ(WEFT_EMALFORMED, weft_json_classify(weft_text_of(bad[i].word), &type, &fault));
        EXPECT_EQ(bad[i].offset, fault.offset);
        if (bad[i].reason == NULL) {
            EXPECT_TRUE(fault.reason == NULL);
        } else {
            EXPECT_TEXT(bad[i].reason, fault.reason);
        }
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        enum weft_json_type type;
        struct weft_json_fault fault;
        EXPECT_EQ(WEFT_OK, weft_json_classify(weft_text_of(good[i]), &type, &fault));
    }
}
