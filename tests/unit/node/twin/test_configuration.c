#include "node/state/twin/configuration.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

enum {
    ASSETS = 6,
    EVENTS = 24,
};

static const struct weft_link link_of = {.rel = {"installs", 8}};
static const struct weft_link for_good = {.rel = {"consumes", 8}};

/* NOD-307: against a model that replays moment by moment. The last two assets are used up: what
 * takes out all leaves them. */
TEST(configuration, what_is_inside_follows_from_the_events_in_their_order_of_truth)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    int ended = 0, emptied = 0;
    for (int round = 0; round < 2000; round++) {
        struct weft_material events[EVENTS], shuffled[EVENTS];
        static const char *const names[ASSETS] = {"a", "b", "c", "d", "e", "f"};
        uint32_t count = (uint32_t)test_random(EVENTS + 1), moments = 0;
        bool is_inside[2][ASSETS] = {{false}};
        /* In order: of one moment first all ends, then all beginnings. */
        for (uint32_t i = 0; i < count; i++) {
            bool is_end = test_random(3) == 0;
            if (i == 0 || test_random(2) == 0 || (is_end && !events[i - 1].is_end)) {
                moments++;
            }
            uint32_t asset = (uint32_t)test_random(ASSETS);
            events[i] = (struct weft_material){.moment = {moments / 2, moments, 0},
                .component = weft_text_of(names[asset]),
                .is_end = is_end,
                .is_build = !is_end && test_random(2) == 0};
            events[i].link = asset < ASSETS - 2 ? &link_of : &for_good;
            events[i].is_end_of_all = is_end && test_random(8) == 0;
            is_inside[0][asset] = is_inside[0][asset] || events[i].is_build;
            for (uint32_t a = 0; events[i].is_end_of_all && a < ASSETS - 2; a++) {
                is_inside[1][a] = false;
            }
            is_inside[1][asset] = events[i].is_end_of_all ? is_inside[1][asset] : !is_end;
            ended += is_end;
            emptied += events[i].is_end_of_all;
        }
        for (uint32_t i = 0; i < count; i++) {
            uint32_t j = (uint32_t)test_random(i + 1);
            shuffled[i] = shuffled[j];
            shuffled[j] = events[i];
        }
        for (int maintained = 0; maintained < 2; maintained++) {
            struct weft_component *components;
            uint32_t found;
            EXPECT_EQ(WEFT_OK, weft_configuration_fold(
                                   shuffled, count, maintained == 0, &arena, &components, &found));
            bool is_found[ASSETS] = {false};
            for (uint32_t i = 0; i < found; i++) {
                is_found[components[i].asset.data[0] - 'a'] = true;
            }
            for (int a = 0; a < ASSETS; a++) {
                EXPECT_EQ(is_inside[maintained][a], is_found[a]);
            }
        }
        weft_arena_reset(&arena);
    }
    EXPECT_TRUE(ended > 1000 && emptied > 100);
    arena.size_max = 0;
    weft_arena_destroy(&arena);
    struct weft_component *components;
    uint32_t found;
    EXPECT_EQ(WEFT_ENOMEM, weft_configuration_fold(NULL, 0, true, &arena, &components, &found));
}

TEST(configuration, one_record_may_name_a_lot_for_several_places_and_an_end_takes_all)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    const struct weft_field find = {WEFT_TEXT("find"), WEFT_TEXT("20"), WEFT_VALUE_TEXT};
    const struct weft_link links[] = {{.rel = WEFT_TEXT("uses_lot")},
        {.rel = WEFT_TEXT("uses_lot"), .fields = &find, .field_count = 1}};
    struct weft_material events[] = {
        {.moment = {1, 1, 0}, .component = WEFT_TEXT("l"), .link = &links[0], .is_build = true},
        {.moment = {1, 1, 0}, .component = WEFT_TEXT("l"), .link = &links[1], .is_build = true},
        {.moment = {2, 2, 0}, .component = WEFT_TEXT("l"), .link = &links[0], .is_build = true},
        {.moment = {3, 3, 0}, .component = WEFT_TEXT("l"), .link = &links[0], .is_end = true}};
    struct weft_component *components;
    uint32_t count;
    EXPECT_EQ(WEFT_OK, weft_configuration_fold(events, 3, false, &arena, &components, &count));
    EXPECT_EQ(2, count);
    EXPECT_TRUE(weft_text_is(components[1].find, "20"));
    EXPECT_TRUE(!components[0].is_counted);
    EXPECT_EQ(WEFT_OK, weft_configuration_fold(events, 4, false, &arena, &components, &count));
    EXPECT_EQ(0, count);
    EXPECT_EQ(WEFT_OK, weft_configuration_fold(events, 4, true, &arena, &components, &count));
    EXPECT_EQ(2, count);
    weft_arena_destroy(&arena);
    static const struct {
        const char *kind;
        const char *rel;
        bool is_build;
    } cases[] = {{"as_built", "installs", true}, {"genealogy", "contains", true},
        {"installation", "installs", false}, {"repair", "consumes", false},
        {"something", "consumes", true}, {"something", "contains", false},
        {"epcis.transformation", "input", true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_EQ(cases[i].is_build,
            weft_material_is_build(weft_text_of(cases[i].kind), weft_text_of(cases[i].rel)));
    }
}

/* --- against a BOM --------------------------------------------------------------------------- */

static struct weft_bom_line line(const char *type, const char *quantity, const char *find)
{
    return (struct weft_bom_line){.to = weft_text_of(type),
        .part = {.type = weft_text_of(type)},
        .quantity = weft_text_of(quantity),
        .find = weft_text_of(find)};
}

static struct weft_component part(const char *type, const char *quantity, const char *find)
{
    return (struct weft_component){.asset = weft_text_of("x"),
        .part = {.type = weft_text_of(type)},
        .quantity = weft_text_of(quantity),
        .find = weft_text_of(find),
        .is_counted = true};
}

static const char *compare(struct weft_bom_line *lines, uint32_t line_count,
    struct weft_component *components, uint32_t component_count)
{
    static char text[256];
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_alternate alternates[] = {
        {.part = {.type = WEFT_TEXT("bolt")}, .find = WEFT_TEXT("20")}};
    const struct weft_bom bom = {
        .lines = lines, .line_count = line_count, .alternates = alternates, .alternate_count = 1};
    struct weft_difference *differences;
    uint32_t count;
    EXPECT_EQ(
        WEFT_OK, weft_bom_compare(&bom, components, component_count, &arena, &differences, &count));
    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_difference *d = &differences[i];
        struct weft_text what = d->wanted.type.size > 0 ? d->wanted.type : d->found.type;
        size_t size = strlen(text);
        (void)snprintf(text + size, sizeof(text) - size, "%s%s:%.*s", size > 0 ? " " : "",
            weft_difference_kind_name(d->kind), (int)what.size, what.data);
    }
    weft_arena_destroy(&arena);
    return text;
}

/* NOD-306 */
TEST(configuration, lines_and_components_are_matched_by_place_part_and_revision)
{
    struct weft_bom_line lines[] = {line("lid", "", "10"), line("screw", "4", "20")};
    struct weft_component c[] = {part("lid", "", ""), part("screw", "4.0", "20"), part("", "", "")};
    EXPECT_TEXT("", compare(lines, 2, c, 2));
    EXPECT_TEXT("missing:lid missing:screw", compare(lines, 2, c, 0));
    EXPECT_TEXT("missing:screw", compare(lines, 2, c, 1));
    c[1] = part("bolt", "4", "20");
    EXPECT_TEXT("", compare(lines, 2, c, 2)); /* An alternate of its place alone. */
    c[1] = part("bolt", "4", "10");
    EXPECT_TEXT("unexpected:bolt missing:screw", compare(lines, 2, c, 2));
    c[1] = part("screw", "3", "");
    c[2] = part("screw", "1", "");
    EXPECT_TEXT("quantity:screw", compare(lines, 2, c, 2));
    EXPECT_TEXT("", compare(lines, 2, c, 3));
    c[2].is_counted = false;
    c[2].quantity = weft_text_of("");
    c[1].quantity = weft_text_of("9");
    EXPECT_TEXT("", compare(lines, 2, c, 3)); /* Nobody knows how many. */
    c[1] = part("screw", "4", "");
    c[1].unit = weft_text_of("kg");
    lines[1].unit = weft_text_of("g");
    EXPECT_TEXT("", compare(lines, 2, c, 2)); /* Of other units: not compared. */
    /* Revisions: an unknown one fits, another one is said to be another. */
    lines[0].part.revision = weft_text_of("lid/B");
    EXPECT_TEXT("", compare(lines, 1, c, 1));
    c[0].part.revision = weft_text_of("lid/A");
    EXPECT_TEXT("component:lid", compare(lines, 1, c, 1));
    c[0].part.revision = weft_text_of("lid/B");
    EXPECT_TEXT("", compare(lines, 1, c, 1));
    /* Two lines of one part fill one after the other; decimals add up. */
    struct weft_bom_line two[] = {line("glue", "0.3", "1"), line("glue", "0.5", "2")};
    struct weft_component glue[] = {
        part("glue", "0.1", ""), part("glue", "0.2", ""), part("glue", "0.5", "")};
    EXPECT_TEXT("", compare(two, 2, glue, 3));
    two[1].quantity = weft_text_of("0");
    EXPECT_TEXT("", compare(two, 2, glue, 2));
}
