/* Which labels assets have: the registry beside a plain list, and what records may say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/labels.h"
#include "tests/lib/test.h"

enum {
    NAMES = 400,
    WORDS = 9,
    STEPS = 4000,
    KEPT = 8,
};

/* A plain list: what was said last of each name. */
struct plain {
    uint64_t sets[NAMES]; /* Bits by the number of the word. */
};

static struct weft_msg msg;

/* Some of them below others. */
static struct weft_text name_of(uint32_t n, char text[64])
{
    int size = n % 4 == 0   ? snprintf(text, 64, "plant1/line%u", n / 40)
               : n % 4 == 1 ? snprintf(text, 64, "plant1/line%u/press%u", n / 40, n)
               : n % 4 == 2 ? snprintf(text, 64, "plant1/line%u/press%u/axis%u", n / 40, n - 1, n)
                            : snprintf(text, 64, "serial:%u", n);
    return (struct weft_text){text, (size_t)size};
}

static struct weft_text word_of(uint32_t n)
{
    static const char *const words[WORDS] = {
        "itar", "ear", "secret", "gdpr", "cui", "export-de", "a", "1", "x.y"};
    return weft_text_of(words[n]);
}

/* What it is, or is below. */
static uint64_t expected_of(const struct plain *plain, struct weft_text asset)
{
    uint64_t set = 0;
    char text[64];
    for (uint32_t i = 0; i < NAMES; i++) {
        struct weft_text name = name_of(i, text);
        bool is_prefix = asset.size >= name.size && memcmp(asset.data, name.data, name.size) == 0;
        if (is_prefix && (asset.size == name.size || asset.data[name.size] == '/')) {
            set |= plain->sets[i];
        }
    }
    return set;
}

static void expect_same(const struct weft_labels *labels, const struct plain *plain)
{
    struct weft_text names[WEFT_LABELS_MAX];
    char text[64];
    for (uint32_t i = 0; i < NAMES; i++) {
        uint64_t expected = expected_of(plain, name_of(i, text)), found = 0;
        uint32_t count = weft_labels_names(labels, weft_labels_of(labels, name_of(i, text)), names);
        for (uint32_t n = 0; n < count; n++) {
            for (uint32_t word = 0; word < WORDS; word++) {
                found |= weft_text_equal(names[n], word_of(word)) ? UINT64_C(1) << word : 0;
            }
        }
        EXPECT_EQ(expected, found);
    }
}

/* Names that are the same text (lines) share what was said last. */
static void say(struct plain *plain, uint32_t n, uint64_t set)
{
    char text[64], other[64];
    struct weft_text name = name_of(n, text);
    for (uint32_t i = 0; i < NAMES; i++) {
        if (weft_text_equal(name_of(i, other), name)) {
            plain->sets[i] = set;
        }
    }
}

/* NOD-180 */
TEST(labels, snapshots_say_what_a_plain_list_says_and_keep_saying_it)
{
    static struct plain plain, kept_plain[KEPT];
    struct weft_labels *labels = NULL, *kept[KEPT] = {NULL};
    char text[64];
    memset(&plain, 0, sizeof(plain));
    for (uint32_t step = 0; step < STEPS; step++) {
        struct weft_labels_said said = {.count = 0};
        uint32_t n = (uint32_t)test_random(NAMES);
        uint64_t set = test_random(3) == 0 ? 0 : test_random(1 << WORDS);
        for (uint32_t word = 0; word < WORDS; word++) {
            if ((set >> word & 1) != 0) {
                said.names[said.count++] = word_of(word);
            }
        }
        struct weft_labels *next;
        EXPECT_EQ(WEFT_OK, weft_labels_set(labels, name_of(n, text), &said, &next, &msg));
        say(&plain, n, set);
        if (step % (STEPS / KEPT) == 17) {
            kept[step / (STEPS / KEPT)] = weft_labels_retain(next);
            kept_plain[step / (STEPS / KEPT)] = plain;
        }
        weft_labels_release(labels);
        labels = next;
    }
    expect_same(labels, &plain);
    uint32_t count = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        bool is_first = i % 4 != 0 || i < 4 || i / 40 != (i - 4) / 40;
        count += is_first && plain.sets[i] != 0;
    }
    EXPECT_EQ(count, weft_labels_count(labels));
    weft_labels_release(labels);
    for (int i = 0; i < KEPT; i++) {
        expect_same(kept[i], &kept_plain[i]);
        weft_labels_release(kept[i]);
    }
}

TEST(labels, where_nothing_is_labelled_nothing_has_a_label)
{
    struct weft_labels *labels, *none;
    struct weft_labels_said said = {.names = {WEFT_TEXT("itar")}, .count = 1};
    EXPECT_EQ(0, weft_labels_of(NULL, WEFT_TEXT("x")));
    EXPECT_EQ(0, weft_labels_count(NULL));
    EXPECT_EQ(WEFT_OK, weft_labels_set(NULL, WEFT_TEXT("x"), &said, &labels, &msg));
    EXPECT_EQ(1, weft_labels_of(labels, WEFT_TEXT("x")));
    EXPECT_EQ(1, weft_labels_of(labels, WEFT_TEXT("x/y/z")));
    EXPECT_EQ(1, weft_labels_of(labels, WEFT_TEXT("x/")));
    EXPECT_EQ(0, weft_labels_of(labels, WEFT_TEXT("xy")));
    EXPECT_EQ(0, weft_labels_of(labels, WEFT_TEXT("a/x")));
    said.count = 0;
    EXPECT_EQ(WEFT_OK, weft_labels_set(labels, WEFT_TEXT("x"), &said, &none, &msg));
    EXPECT_EQ(0, weft_labels_count(none));
    EXPECT_EQ(0, weft_labels_of(none, WEFT_TEXT("x/y")));
    EXPECT_EQ(1, weft_labels_of(labels, WEFT_TEXT("x/y")));
    weft_labels_release(labels);
    weft_labels_release(none);
}

TEST(labels, more_than_the_limits_are_refused_and_change_nothing)
{
    struct weft_labels *labels = NULL, *next;
    struct weft_labels_said said = {.count = 1};
    char text[32];
    for (uint32_t i = 0; i < WEFT_LABELS_MAX; i++) {
        said.names[0] = (struct weft_text){text, (size_t)snprintf(text, sizeof(text), "l%u", i)};
        EXPECT_EQ(WEFT_OK, weft_labels_set(labels, WEFT_TEXT("x"), &said, &next, &msg));
        weft_labels_release(labels);
        labels = next;
    }
    said.names[0] = WEFT_TEXT("one-more");
    EXPECT_EQ(WEFT_ETOOBIG, weft_labels_set(labels, WEFT_TEXT("x"), &said, &next, &msg));
    said.names[0] = WEFT_TEXT("l7");
    for (uint32_t i = 1; i < WEFT_LABELLED_ASSETS_MAX; i++) {
        struct weft_text name = {text, (size_t)snprintf(text, sizeof(text), "serial:%u", i)};
        EXPECT_EQ(WEFT_OK, weft_labels_set(labels, name, &said, &next, &msg));
        weft_labels_release(labels);
        labels = next;
    }
    EXPECT_EQ(WEFT_LABELLED_ASSETS_MAX, weft_labels_count(labels));
    EXPECT_EQ(WEFT_ETOOBIG, weft_labels_set(labels, WEFT_TEXT("serial:0"), &said, &next, &msg));
    EXPECT_EQ(WEFT_OK, weft_labels_set(labels, WEFT_TEXT("serial:9"), &said, &next, &msg));
    weft_labels_release(next);
    said.count = 0;
    EXPECT_EQ(WEFT_OK, weft_labels_set(labels, WEFT_TEXT("serial:9"), &said, &next, &msg));
    EXPECT_EQ(WEFT_LABELLED_ASSETS_MAX - 1, weft_labels_count(next));
    weft_labels_release(next);
    weft_labels_release(labels);
}

TEST(labels, a_record_says_labels_and_a_reason_and_nothing_else)
{
    static const struct {
        const char *path, *value;
        enum weft_value_type type;
        const char *pointer; /* NULL: it is one. */
    } cases[] = {{"labels/[0]", "itar", WEFT_VALUE_TEXT, NULL},
        {"labels/[12]", "export-de.2", WEFT_VALUE_TEXT, NULL},
        {"labels", "", WEFT_VALUE_EMPTY_ARRAY, NULL},
        {"labels", "itar", WEFT_VALUE_TEXT, "/records/3/attrs/labels"},
        {"labels", "", WEFT_VALUE_EMPTY_OBJECT, "/records/3/attrs/labels"},
        {"labels/[0]", "ITAR", WEFT_VALUE_TEXT, "/records/3/attrs/labels/0"},
        {"labels/[0]", "a_b", WEFT_VALUE_TEXT, "/records/3/attrs/labels/0"},
        {"labels/[0]", "a/b", WEFT_VALUE_TEXT, "/records/3/attrs/labels/0"},
        {"labels/[0]", "", WEFT_VALUE_TEXT, "/records/3/attrs/labels/0"},
        {"labels/[0]", "1234567890123456789012345678901234567890123456789", WEFT_VALUE_TEXT,
            "/records/3/attrs/labels/0"},
        {"labels/[0]", "1", WEFT_VALUE_INT, "/records/3/attrs/labels/0"},
        {"labels/itar", "true", WEFT_VALUE_BOOL, "/records/3/attrs/labels/itar"},
        {"labels/[0]/x", "itar", WEFT_VALUE_TEXT, "/records/3/attrs/labels/0/x"},
        {"note", "itar", WEFT_VALUE_TEXT, "/records/3/attrs/note"},
        {"reason", "1", WEFT_VALUE_INT, "/records/3/attrs/reason"}};
    struct weft_labels_said said;
    char pointer[256];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct weft_field fields[] = {
            {WEFT_TEXT("reason"), WEFT_TEXT("22 CFR 120.54"), WEFT_VALUE_TEXT},
            {weft_text_of(cases[i].path), weft_text_of(cases[i].value), cases[i].type}};
        const bool has_reason = strcmp(cases[i].path, "reason") != 0;
        const struct weft_record record = {
            .fields = fields + !has_reason, .field_count = 1 + has_reason};
        bool is_one = weft_labels_read(&record, "/records/3", &said, pointer, &msg);
        EXPECT_EQ(cases[i].pointer == NULL, is_one);
        if (cases[i].pointer != NULL) {
            EXPECT_TEXT(cases[i].pointer, pointer);
        } else {
            EXPECT_EQ(cases[i].type == WEFT_VALUE_TEXT, said.count);
        }
    }
    const struct weft_field reason = {
        WEFT_TEXT("reason"), WEFT_TEXT("22 CFR 120.54"), WEFT_VALUE_TEXT};
    const struct weft_record bare = {.fields = &reason, .field_count = 1};
    EXPECT_TRUE(!weft_labels_read(&bare, "/records/3", &said, pointer, &msg));
    EXPECT_TEXT("/records/3/attrs", pointer);
    const struct weft_field one = {WEFT_TEXT("labels/[0]"), WEFT_TEXT("itar"), WEFT_VALUE_TEXT};
    const struct weft_link link = {.rel = WEFT_TEXT("x"), .to = WEFT_TEXT("y")};
    const struct weft_record linked = {
        .fields = &one, .field_count = 1, .links = &link, .link_count = 1};
    EXPECT_TRUE(!weft_labels_read(&linked, "/records/3", &said, pointer, &msg));
}
