#include "node/state/twin/effectivity.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

static struct weft_text t(const char *z)
{
    return weft_text_of(z);
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* NOD-302 */
TEST(effectivity, serials_are_the_last_segment_and_compare_by_the_value_of_their_digits)
{
    static const char *const order[] = {"", "1", "2", "10", "10a", "10b", "10b2", "10b10", "99",
        "100", "18446744073709551615", "18446744073709551616", "A", "A-1", "A0", "A9", "A10", "AB",
        "a1"};
    static const struct {
        const char *asset;
        const char *serial;
    } serials[] = {{"serial:box/7", "7"}, {"7", "7"}, {"serial:7", "7"}, {"a/b:c/d:e", "d:e"},
        {"a/", ""}, {"", ""}, {"urn:epc:id:sgtin:4012345.1.9", "4012345.1.9"}};
    int count = (int)(sizeof(order) / sizeof(order[0]));
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            EXPECT_EQ(sign(i - j), sign(weft_natural_compare(t(order[i]), t(order[j]))));
        }
    }
    EXPECT_EQ(0, weft_natural_compare(t("a007"), t("a7")));
    EXPECT_EQ(0, weft_natural_compare(t("0"), t("000")));
    EXPECT_EQ(-1, sign(weft_natural_compare(t("007"), t("8"))));
    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        char text[64];
        struct weft_text serial = weft_serial_of(t(serials[i].asset));
        (void)snprintf(
            text, sizeof(text), "%.*s", (int)serial.size, serial.size > 0 ? serial.data : "");
        EXPECT_TEXT(serials[i].serial, text);
    }
}

/* A total order: what random texts of few letters could break. */
TEST(effectivity, natural_order_is_transitive_and_numbers_agree_with_integers)
{
    static const char letters[] = "019aZ-.";
    for (int n = 0; n < 20000; n++) {
        char text[3][8];
        for (int i = 0; i < 3; i++) {
            size_t size = test_random(7);
            for (size_t c = 0; c < size; c++) {
                text[i][c] = letters[test_random(sizeof(letters) - 1)];
            }
            text[i][size] = '\0';
        }
        int ab = weft_natural_compare(t(text[0]), t(text[1]));
        int bc = weft_natural_compare(t(text[1]), t(text[2]));
        int ac = weft_natural_compare(t(text[0]), t(text[2]));
        EXPECT_EQ(-sign(ab), sign(weft_natural_compare(t(text[1]), t(text[0]))));
        EXPECT_TRUE(!(ab <= 0 && bc <= 0) || ac <= 0);
        EXPECT_TRUE(!(ab < 0 && bc <= 0) || ac < 0);
        int x = (int)test_random(2000), y = (int)test_random(2000);
        char a[16], b[16];
        (void)snprintf(a, sizeof(a), "s%0*d", (int)test_random(6), x);
        (void)snprintf(b, sizeof(b), "s%0*d", (int)test_random(6), y);
        EXPECT_EQ(sign(x - y), sign(weft_natural_compare(t(a), t(b))));
    }
}

static struct weft_effectivity serials(const char *from, const char *to)
{
    return (struct weft_effectivity){
        .form = WEFT_EFFECTIVITY_SERIAL, .serial_from = t(from), .serial_to = t(to)};
}

TEST(effectivity, each_form_holds_up_to_its_edges)
{
    const struct weft_moment release = {100, 7, 3};
    const struct weft_text lots[] = {t("lot:1"), t("lot:2")};
    struct weft_unit unit = {.asset = t("serial:box/10"), .lots = lots, .lot_count = 2};
    struct weft_effectivity e = serials("10", "10");
    EXPECT_TRUE(weft_effectivity_holds(&e, &unit, &release));
    e = serials("11", "");
    EXPECT_TRUE(!weft_effectivity_holds(&e, &unit, &release));
    e = serials("", "9");
    EXPECT_TRUE(!weft_effectivity_holds(&e, &unit, &release));
    e = serials("", "010");
    EXPECT_TRUE(weft_effectivity_holds(&e, &unit, &release));
    e = (struct weft_effectivity){.form = WEFT_EFFECTIVITY_LOT, .lot = t("lot:2")};
    EXPECT_TRUE(weft_effectivity_holds(&e, &unit, &release));
    e.lot = t("lot:3");
    EXPECT_TRUE(!weft_effectivity_holds(&e, &unit, &release));
    e.lot = unit.asset; /* The lot itself. */
    EXPECT_TRUE(weft_effectivity_holds(&e, &unit, &release));
    e = (struct weft_effectivity){.form = WEFT_EFFECTIVITY_BUILT,
        .has_from = true,
        .from_ns = 50,
        .has_to = true,
        .to_ns = 60};
    EXPECT_TRUE(!weft_effectivity_holds(&e, &unit, &release)); /* Not built. */
    unit.is_built = true;
    static const struct {
        int64_t at_ns;
        bool holds;
    } times[] = {{49, false}, {50, true}, {59, true}, {60, false}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        unit.built.at_ns = times[i].at_ns;
        EXPECT_EQ(times[i].holds, weft_effectivity_holds(&e, &unit, &release));
    }
    e = (struct weft_effectivity){.form = WEFT_EFFECTIVITY_NOW};
    static const struct {
        struct weft_moment built;
        bool holds;
    } builds[] = {{{99, 9, 9}, false}, {{101, 1, 1}, true}, {{100, 7, 3}, false},
        {{100, 7, 2}, false}, {{100, 7, 4}, true}, {{100, 8, 0}, true}};
    for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
        unit.built = builds[i].built;
        EXPECT_EQ(builds[i].holds, weft_effectivity_holds(&e, &unit, &release));
    }
    unit.is_built = false;
    EXPECT_TRUE(weft_effectivity_holds(&e, &unit, &release));
}

/* Two overlap exactly if some unit is in both: asked of every unit there can be. */
TEST(effectivity, overlap_means_that_some_unit_is_in_both)
{
    int overlapping = 0;
    for (int n = 0; n < 5000; n++) {
        struct weft_effectivity e[2];
        char texts[2][2][8];
        struct weft_moment release[2];
        int form = (int)test_random(3);
        for (int i = 0; i < 2; i++) {
            int from = (int)test_random(12), to = from + (int)test_random(4);
            bool has_from = test_random(4) != 0, has_to = test_random(4) != 0;
            release[i] = (struct weft_moment){(int64_t)test_random(12), 5, 0};
            (void)snprintf(texts[i][0], 8, "%d", from);
            (void)snprintf(texts[i][1], 8, "%d", to);
            e[i] = form == 0   ? serials(has_from ? texts[i][0] : "", has_to ? texts[i][1] : "")
                   : form == 1 ? (struct weft_effectivity){.form = WEFT_EFFECTIVITY_BUILT,
                                     .from_ns = from,
                                     .to_ns = to + 1,
                                     .has_from = has_from,
                                     .has_to = has_to}
                               : (struct weft_effectivity){.form = WEFT_EFFECTIVITY_NOW};
        }
        if (form == 2) {
            e[1].form = WEFT_EFFECTIVITY_BUILT;
            e[1].has_from = false;
            e[1].has_to = true;
            e[1].to_ns = (int64_t)test_random(14);
        }
        bool is_shared = false;
        for (int u = -1; u < 20 && !is_shared; u++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "%d", u < 0 ? 0 : u);
            struct weft_unit unit = {.asset = t(name), .is_built = true, .built = {u, 6, 0}};
            is_shared = weft_effectivity_holds(&e[0], &unit, &release[0]) &&
                        weft_effectivity_holds(&e[1], &unit, &release[1]);
        }
        EXPECT_EQ(
            is_shared, weft_effectivity_overlaps(&e[0], release[0].at_ns, &e[1], release[1].at_ns));
        EXPECT_EQ(
            is_shared, weft_effectivity_overlaps(&e[1], release[1].at_ns, &e[0], release[0].at_ns));
        overlapping += is_shared;
    }
    EXPECT_TRUE(overlapping > 500 && overlapping < 4500);
    struct weft_effectivity lot = {.form = WEFT_EFFECTIVITY_LOT, .lot = t("a")};
    struct weft_effectivity range = serials("", "");
    EXPECT_TRUE(!weft_effectivity_overlaps(&lot, 0, &range, 0));
    EXPECT_TRUE(weft_effectivity_overlaps(&lot, 0, &lot, 0));
    EXPECT_TRUE(weft_effectivity_equal(&lot, &lot));
    EXPECT_TRUE(!weft_effectivity_equal(&lot, &range));
}

TEST(effectivity, more_objects_than_the_limit_are_refused)
{
    struct weft_field fields[WEFT_EFFECTIVITY_MAX + 1];
    static char texts[WEFT_EFFECTIVITY_MAX + 1][2][40];
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_effectivity *items;
    struct weft_msg msg;
    char pointer[256];
    uint32_t count;
    for (int i = 0; i <= WEFT_EFFECTIVITY_MAX; i++) {
        (void)snprintf(texts[i][0], 40, "effectivity/[%d]/lot", i);
        (void)snprintf(texts[i][1], 40, "lot:%d", i);
        fields[i] = (struct weft_field){t(texts[i][0]), t(texts[i][1]), WEFT_VALUE_TEXT};
    }
    struct weft_record record = {.fields = fields, .field_count = WEFT_EFFECTIVITY_MAX};
    EXPECT_EQ(WEFT_OK, weft_effectivity_read(&record, &arena, &items, &count, pointer, &msg));
    EXPECT_EQ(WEFT_EFFECTIVITY_MAX, count);
    record.field_count++;
    EXPECT_EQ(WEFT_ETOOBIG, weft_effectivity_read(&record, &arena, &items, &count, pointer, &msg));
    arena.size_max = 0;
    EXPECT_EQ(WEFT_ENOMEM, weft_effectivity_read(&record, &arena, &items, &count, pointer, &msg));
    weft_arena_destroy(&arena);
}
