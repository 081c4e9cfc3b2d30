#include "policy/command/demand.h"
#include "tests/lib/test.h"

#define NOW_NS INT64_C(1772352000000000000) /* 2026-03-01T08:00:00Z */
#define MS_NS INT64_C(1000000)

static struct weft_demand demand(const char *text)
{
    struct weft_demand read = {.sign = WEFT_DEMAND_EQUAL};
    struct weft_buffer again = {0};
    EXPECT_TRUE(weft_demand_parse(weft_text_of(text), &read));
    EXPECT_EQ(WEFT_OK, weft_demand_format(&read, &again));
    EXPECT_TRUE(weft_text_is(weft_buffer_as_text(&again), text));
    weft_buffer_destroy(&again);
    return read;
}

static struct weft_outcome outcome(const char *text)
{
    struct weft_outcome read = {.by_ms = 0};
    struct weft_buffer again = {0};
    EXPECT_TRUE(weft_outcome_parse(weft_text_of(text), &read));
    EXPECT_EQ(WEFT_OK, weft_outcome_format(&read, &again));
    EXPECT_TRUE(weft_text_is(weft_buffer_as_text(&again), text));
    weft_buffer_destroy(&again);
    return read;
}

static struct weft_reading reading(const char *text)
{
    struct weft_reading read = {.at_ns = 0};
    struct weft_buffer again = {0};
    EXPECT_TRUE(weft_reading_parse(weft_text_of(text), &read));
    EXPECT_EQ(WEFT_OK, weft_reading_format(&read, &again));
    EXPECT_TRUE(weft_text_is(weft_buffer_as_text(&again), text));
    weft_buffer_destroy(&again);
    return read;
}

TEST(demand, texts_have_one_form)
{
    static const char *const demands[] = {"", "a", "a =", "a = ", "a=true", "a  = true",
        "a == true", "a = 5", "a <= true", "a >= auto", " a = true", "a < 5 mm",
        "a = true fresh 2s"};
    static const char *const outcomes[] = {"speed = 42.5 rpm by 20s", "speed = 42.5 +- 0.5 rpm",
        "speed = 42.5 +- -1 rpm by 20s", "speed = 42.5 +- 0.5 by 20s",
        "speed >= 42.5 +- 0.5 rpm by 20s", "clamp = true", "clamp = true by 0s",
        "clamp = true +- 1 rpm by 2s", "speed = 42.5 +- 0.5 rpm by 60s"};
    static const char *const readings[] = {"speed = 42.5 rpm", "speed = 42.5 rpm at now",
        "speed = 42.5 rpm at 2026-03-01T08:00:00Z",
        "speed != 42.5 rpm at 2026-03-01T08:00:00.000Z"};
    struct weft_demand d;
    struct weft_outcome o;
    struct weft_reading r;
    for (size_t i = 0; i < sizeof(demands) / sizeof(demands[0]); i++) {
        EXPECT_TRUE(!weft_demand_parse(weft_text_of(demands[i]), &d));
    }
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        EXPECT_TRUE(!weft_outcome_parse(weft_text_of(outcomes[i]), &o));
    }
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        EXPECT_TRUE(!weft_reading_parse(weft_text_of(readings[i]), &r));
    }
    (void)demand("a/b != auto");
    (void)outcome("clamp = true by 2s");
    (void)outcome("speed = -1 +- 0 Cel by 250ms");
    (void)reading("mode = auto at 2026-03-01T08:00:00.250Z");
}

TEST(demand, is_met_by_the_newest_reading_that_can_be_compared)
{
    const struct weft_reading readings[] = {
        reading("guard/closed = false at 2026-03-01T07:59:50.000Z"),
        reading("guard/closed = true at 2026-03-01T07:59:59.000Z"),
        reading("speed = 40 rpm at 2026-03-01T08:00:00.000Z")};
    static const struct {
        const char *text;
        enum weft_demand_verdict verdict;
    } cases[] = {
        {"guard/closed = true", WEFT_DEMAND_MET},
        {"guard/closed = false", WEFT_DEMAND_UNMET},
        {"guard/closed != false", WEFT_DEMAND_MET},
        {"guard/closed = auto", WEFT_DEMAND_UNREAD},
        {"speed = 40 rpm", WEFT_DEMAND_MET},
        {"speed <= 40 rpm", WEFT_DEMAND_MET},
        {"speed <= 39.999999999 rpm", WEFT_DEMAND_UNMET},
        {"speed >= 40 rpm", WEFT_DEMAND_MET},
        {"speed >= 40.000000001 rpm", WEFT_DEMAND_UNMET},
        {"speed <= 40 /min", WEFT_DEMAND_UNREAD}, /* ACT-3 */
        {"pressure != 40 bar", WEFT_DEMAND_UNREAD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_demand d = demand(cases[i].text);
        EXPECT_EQ(cases[i].verdict, weft_demand_judge(&d, readings, 3, NOW_NS, 0));
    }
}

TEST(demand, is_met_by_what_was_read_in_time_alone)
{
    const struct weft_reading readings[] = {
        reading("guard/closed = true at 2026-03-01T07:59:59.000Z")};
    struct weft_demand d = demand("guard/closed = true");
    EXPECT_EQ(WEFT_DEMAND_MET, weft_demand_judge(&d, readings, 1, NOW_NS, 1000));
    EXPECT_EQ(WEFT_DEMAND_UNREAD, weft_demand_judge(&d, readings, 1, NOW_NS, 999));
    EXPECT_EQ(WEFT_DEMAND_UNREAD, weft_demand_judge(&d, readings, 1, NOW_NS + 1, 1000));
    EXPECT_EQ(WEFT_DEMAND_MET, weft_demand_judge(&d, readings, 1, NOW_NS - 2000 * MS_NS, 1000));
    EXPECT_EQ(WEFT_DEMAND_UNREAD, weft_demand_judge(&d, readings, 1, NOW_NS - 2001 * MS_NS, 1000));
}

TEST(demand, outcome_is_shown_between_the_act_and_its_time)
{
    struct weft_outcome o = outcome("speed = 42.5 +- 0.5 rpm by 20s");
    struct weft_reading r = reading("speed = 42 rpm at 2026-03-01T08:00:20.000Z");
    EXPECT_TRUE(weft_outcome_is_shown(&o, &r, NOW_NS));
    EXPECT_TRUE(!weft_outcome_is_shown(&o, &r, NOW_NS - 1));
    EXPECT_TRUE(weft_outcome_is_shown(&o, &r, NOW_NS + 20000 * MS_NS));
    EXPECT_TRUE(!weft_outcome_is_shown(&o, &r, NOW_NS + 20000 * MS_NS + 1));
    r = reading("speed = 41.999999999 rpm at 2026-03-01T08:00:10.000Z");
    EXPECT_TRUE(!weft_outcome_is_shown(&o, &r, NOW_NS));
    r = reading("speed = 43 rpm at 2026-03-01T08:00:10.000Z");
    EXPECT_TRUE(weft_outcome_is_shown(&o, &r, NOW_NS));
    r = reading("speed = 42.5 /min at 2026-03-01T08:00:10.000Z");
    EXPECT_TRUE(!weft_outcome_is_shown(&o, &r, NOW_NS));
    o = outcome("clamp = true by 2s");
    r = reading("clamp = true at 2026-03-01T08:00:01.000Z");
    EXPECT_TRUE(weft_outcome_is_shown(&o, &r, NOW_NS));
    r = reading("clamp = false at 2026-03-01T08:00:01.000Z");
    EXPECT_TRUE(!weft_outcome_is_shown(&o, &r, NOW_NS));
}
