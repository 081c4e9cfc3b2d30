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

/* What is handed over, and how it ends; the memory of a value is taken back once it was told. */
static bool tell_all(struct weft_text text, uint64_t piece_max, struct weft_buffer *out)
{
    struct weft_json_reader r;
    struct weft_json *value = NULL;
    struct weft_msg msg = {""};
    enum weft_err err = WEFT_ENOTFOUND;
    size_t at = 0;
    fresh_arenas();
    weft_buffer_clear(out);
    weft_json_reader_init(&r, &tree, 1, NULL, choose_elements, NULL);
    while (err == WEFT_ENOTFOUND && !r.is_done) {
        size_t size = (size_t)test_random(piece_max + 1);
        size = size < text.size - at ? size : text.size - at;
        char *piece = malloc(size + 1);
        EXPECT_TRUE(piece != NULL);
        memcpy(piece, text.data + at, size);
        at += size;
        weft_json_reader_feed(&r, (struct weft_text){piece, size}, at == text.size);
        while ((err = weft_json_reader_next(&r, &value, &msg)) == WEFT_OK) {
            char pointer[128];
            weft_json_pointer(value, pointer, sizeof(pointer));
            EXPECT_EQ(
                WEFT_OK, weft_buffer_format(out, "%s %u:%u ", pointer, value->line, value->column));
            EXPECT_EQ(WEFT_OK, weft_json_write(out, value));
            if (!weft_json_reader_is_open_in(&r, &taken)) {
                weft_arena_reset(&taken);
            }
        }
        free(piece);
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_format(out, " %d %s", r.is_done ? 0 : (int)err, msg.text));
    weft_json_reader_close(&r);
    return r.is_done;
}

/* PRO-5 */
TEST(json_reader, the_same_values_are_handed_over_in_whatever_pieces_they_come)
{
    static const char seed_text[] =
        "{\"a\":[1],\"list\":[1,-2.5e+3 ,\"\\u00e4,]\",{\"list\":[true,\n[12,{}]]}, null,[3]],\n"
        " \"b\":{\"none\":[], \"\":0,\"list\":[{\"}\\\"\":\"\\\\\"},0]}}";
    struct weft_buffer whole = {.size = 0}, parts = {.size = 0};
    int accepted = 0, refused = 0;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof(seed_text)];
        memcpy(text, seed_text, sizeof(text));
        struct weft_text mutated = {text, sizeof(text) - 1};
        for (uint64_t n = test_random(3); n > 0; n--) {
            static const char alphabet[] = "{}[]\",:\\u0123456789eE+-. truefalsn\n\f\x80\xff";
            text[test_random(mutated.size)] = alphabet[test_random(sizeof(alphabet) - 1)];
        }
        bool is_good = tell_all(mutated, 1000 * 1000, &whole);
        EXPECT_EQ(is_good, tell_all(mutated, 1 + test_random(20), &parts));
        EXPECT_TRUE(whole.size == parts.size && memcmp(whole.data, parts.data, whole.size) == 0);
        accepted += is_good;
        refused += !is_good;
    }
    EXPECT_TRUE(accepted > 3000 && refused > 3000);
    weft_buffer_destroy(&whole);
    weft_buffer_destroy(&parts);
    free_arenas();
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
    static const char expects_end[] = "after array element, I expect ',' or ']'";
    static const struct {
        const char *text;
        uint32_t column;
        const char *reason;
    } bad[] = {{"[-]", 2, "malformed number, a digit is required after the minus sign"},
        {"[-x]", 2, "malformed number, a digit is required after the minus sign"},
        {"[1.e5]", 2, "malformed number, a digit is required after the decimal point"},
        {"[1e]", 2, "malformed number, a digit is required after the exponent"},
        {"[1e+]", 2, "malformed number, a digit is required after the exponent"},
        {"[0x10]", 3, "invalid char in json text"}, {"[1.5.2]", 5, "invalid char in json text"},
        {"[01]", 3, expects_end}, {"[1-2]", 3, expects_end}, {"[1true]", 3, expects_end},
        {"[.5]", 2, "invalid char in json text"}, {"[+1]", 2, "invalid char in json text"},
        {"[True]", 2, "invalid char in json text"}, {"[trues]", 6, "invalid char in json text"},
        {"[nul]", 2, "invalid string in json text"}, {"[-inf]", 2, "-inf is not a JSON number"}};
    static const char *const good[] = {
        "0", "-0", "10", "0.0", "1e5", "1E-5", "-12.50e+07", "true", "false", "null"};
    struct weft_json *root;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct weft_msg msg;
        char expected[128];
        fresh_arenas();
        EXPECT_EQ(
            WEFT_EMALFORMED, weft_json_parse(weft_text_of(bad[i].text), 1, &tree, &root, &msg));
        (void)snprintf(
            expected, sizeof(expected), "line 1, column %u: %s", bad[i].column, bad[i].reason);
        EXPECT_TEXT(expected, msg.text);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        fresh_arenas();
        EXPECT_EQ(WEFT_OK, weft_json_parse(weft_text_of(good[i]), 1, &tree, &root, NULL));
        EXPECT_TRUE(root->type != WEFT_JSON_NUMBER || weft_text_is(root->text, good[i]));
    }
    free_arenas();
}

/* What yajl says of a comma or colon is said of its own place, not of what follows. */
TEST(json_reader, a_separator_too_many_is_refused_at_its_place)
{
    static const struct {
        const char *text;
        uint32_t column;
    } bad[] = {{"[,1]", 2}, {"[1,,2]", 4}, {"[1 ,\t, 2]", 6}, {"{,}", 2}, {"{\"a\"::1}", 6},
        {"{\"a\":,1}", 6}, {"{\"a\":1 :}", 8}, {"{\"a\":1,,}", 8}, {"{\"a\",1}", 5}, {"[1:2]", 3},
        {"[1] ,", 5}, {"[1,/", 4}, {"{\"a\":1 2}", 8}, {"{\"a\":1  \"b\"}", 9}};
    struct weft_json *root;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct weft_msg msg;
        char expected[32];
        fresh_arenas();
        EXPECT_EQ(
            WEFT_EMALFORMED, weft_json_parse(weft_text_of(bad[i].text), 1, &tree, &root, &msg));
        (void)snprintf(expected, sizeof(expected), "line 1, column %u: ", bad[i].column);
        EXPECT_TRUE(strncmp(expected, msg.text, strlen(expected)) == 0);
    }
    free_arenas();
}

static struct weft_arena *choose_all_elements(void *ctx, const struct weft_json *value)
{
    (void)ctx;
    return value->parent != NULL && value->parent->type == WEFT_JSON_ARRAY ? &taken : NULL;
}

/* Both end where the bracket is read; the memory is not free before the second was given. */
TEST(json_reader, a_number_and_the_array_around_it_are_handed_over_in_turn)
{
    for (int is_split = 0; is_split < 2; is_split++) {
        struct weft_json_reader r;
        struct weft_json *value = NULL;
        fresh_arenas();
        weft_json_reader_init(&r, &tree, 1, NULL, choose_all_elements, NULL);
        if (is_split != 0) {
            weft_json_reader_feed(&r, WEFT_TEXT("[[1,1"), false);
            EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, NULL));
            EXPECT_EQ(WEFT_ENOTFOUND, weft_json_reader_next(&r, &value, NULL));
            weft_json_reader_feed(&r, WEFT_TEXT("2],{}]"), true);
        } else {
            weft_json_reader_feed(&r, WEFT_TEXT("[[1,12],{}]"), true);
            EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, NULL));
        }
        EXPECT_TEXT("1", value->text.data);
        EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, NULL));
        EXPECT_TEXT("12", value->text.data);
        EXPECT_EQ(5, value->column);
        EXPECT_TRUE(weft_json_reader_is_open_in(&r, &taken));
        EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, NULL));
        EXPECT_EQ(WEFT_JSON_ARRAY, value->type);
        EXPECT_EQ(2, value->count);
        EXPECT_TRUE(!weft_json_reader_is_open_in(&r, &taken));
        EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, NULL));
        EXPECT_EQ(WEFT_JSON_OBJECT, value->type);
        EXPECT_EQ(WEFT_ENOTFOUND, weft_json_reader_next(&r, &value, NULL));
        EXPECT_TRUE(r.is_done);
        weft_json_reader_close(&r);
    }
    free_arenas();
}

/* yajl reads a token that it gets in parts from its beginning each time: it gets none so. */
TEST(json_reader, a_string_of_16_mb_full_of_brackets_is_read_in_pieces_of_4_kb)
{
    enum {
        PIECE = 4096,
        PIECES = 4096,
    };
    static char piece[PIECE];
    struct weft_json_reader r;
    struct weft_json *value = NULL;
    fresh_arenas();
    taken.size_max = 2u * PIECE * PIECES;
    memset(piece, ']', PIECE);
    piece[7] = '\\';
    piece[8] = '"';
    weft_json_reader_init(&r, &tree, 1, NULL, choose_all_elements, NULL);
    weft_json_reader_feed(&r, WEFT_TEXT("[\""), false);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_json_reader_next(&r, &value, NULL));
    for (int i = 0; i < PIECES; i++) {
        weft_json_reader_feed(&r, (struct weft_text){piece, PIECE}, false);
        EXPECT_EQ(WEFT_ENOTFOUND, weft_json_reader_next(&r, &value, NULL));
    }
    weft_json_reader_feed(&r, WEFT_TEXT("\"]"), true);
    EXPECT_EQ(WEFT_OK, weft_json_reader_next(&r, &value, NULL));
    EXPECT_EQ((size_t)(PIECE - 1) * PIECES, value->text.size);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_json_reader_next(&r, &value, NULL));
    EXPECT_TRUE(r.is_done);
    weft_json_reader_close(&r);
    free_arenas();
}
