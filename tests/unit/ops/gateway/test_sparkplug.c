/* Sparkplug B: payloads and topics, and what a device's messages mean. */
#include <stdlib.h>
#include <string.h>

#include "ops/gateway/sparkplug_device.h"
#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 1 << 20};
static struct weft_msg message;

#define NOW INT64_C(1772352000000)

/* --- payloads -------------------------------------------------------------------------------- */

TEST(sparkplug, payload_is_read_as_another_program_wrote_it)
{
    /* By protoc of the published field numbers: timestamp 1486144502122, seq 2, and a metric
     * "My Metric", alias 7, datatype 10 (Double), double 42.5. */
    static const uint8_t bytes[] = {0x08, 0xea, 0xf2, 0xf5, 0xa8, 0xa0, 0x2b, 0x12, 0x18, 0x0a,
        0x09, 'M', 'y', ' ', 'M', 'e', 't', 'r', 'i', 'c', 0x10, 0x07, 0x20, 0x0a, 0x69, 0, 0, 0, 0,
        0, 0x40, 0x45, 0x40, 0x18, 0x02};
    struct weft_sparkplug_payload payload;
    const struct weft_bytes whole = {bytes, sizeof(bytes)};
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_sparkplug_decode(whole, &arena, &payload, &message));
    EXPECT_EQ(1486144502122, payload.time_ms);
    EXPECT_TRUE(payload.has_seq && payload.seq == 2 && payload.metric_count == 1);
    EXPECT_TRUE(weft_text_is(payload.metrics[0].name, "My Metric"));
    EXPECT_TRUE(payload.metrics[0].has_alias && payload.metrics[0].alias == 7);
    EXPECT_EQ(WEFT_SPARKPLUG_REAL, payload.metrics[0].value);
    EXPECT_TRUE(payload.metrics[0].real == 42.5);
    EXPECT_EQ(1486144502122, payload.metrics[0].time_ms); /* The payload's, for want of its own. */
    struct weft_buffer again = {0};
    struct weft_sparkplug_metric metric = payload.metrics[0];
    metric.time_ms = 0;
    payload.metrics = &metric;
    EXPECT_EQ(WEFT_OK, weft_sparkplug_encode(&payload, &again));
    EXPECT_EQ(sizeof(bytes), again.size);
    EXPECT_MEM(bytes, again.data, again.size);
    weft_buffer_destroy(&again);
}

TEST(sparkplug, rubbish_and_too_much_are_refused)
{
    struct weft_sparkplug_payload payload;
    static uint8_t large[WEFT_SPARKPLUG_SIZE_MAX + 1];
    const struct weft_bytes rubbish = {(const uint8_t *)"\x12\xff\xff", 3},
                            much = {large, sizeof(large)};
    struct weft_arena small = {.size_max = 256};
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_EMALFORMED, weft_sparkplug_decode(rubbish, &arena, &payload, &message));
    EXPECT_EQ(WEFT_ETOOBIG, weft_sparkplug_decode(much, &arena, &payload, &message));
    for (size_t i = 0; i < 4096; i += 2) {
        large[i] = 0x12; /* An empty metric. */
        large[i + 1] = 0;
    }
    const struct weft_bytes many = {large, 4096};
    EXPECT_EQ(WEFT_EMALFORMED, weft_sparkplug_decode(many, &small, &payload, &message));
    weft_arena_destroy(&small);
}

TEST(sparkplug, topic_has_its_parts_and_no_others)
{
    struct weft_sparkplug_topic topic;
    EXPECT_TRUE(weft_sparkplug_topic_parse(WEFT_TEXT("spBv1.0/line2/DDATA/cell/press7"), &topic));
    EXPECT_TRUE(weft_text_is(topic.group, "line2") && weft_text_is(topic.type, "DDATA") &&
                weft_text_is(topic.node, "cell") && weft_text_is(topic.device, "press7"));
    EXPECT_TRUE(weft_sparkplug_topic_parse(WEFT_TEXT("spBv1.0/line2/NBIRTH/cell"), &topic));
    EXPECT_EQ(0, topic.device.size);
    EXPECT_TRUE(!weft_sparkplug_topic_parse(WEFT_TEXT("spAv1.0/line2/NBIRTH/cell"), &topic));
    EXPECT_TRUE(!weft_sparkplug_topic_parse(WEFT_TEXT("spBv1.0/line2/NBIRTH"), &topic));
    EXPECT_TRUE(!weft_sparkplug_topic_parse(WEFT_TEXT("spBv1.0/line2/DDATA/cell/a/b"), &topic));
    EXPECT_TRUE(!weft_sparkplug_topic_parse(WEFT_TEXT("spBv1.0//NBIRTH/cell"), &topic));
}

TEST(sparkplug, value_goes_there_and_back_in_each_type_that_holds_it)
{
    static const struct {
        uint32_t datatype;
        int64_t number; /* Scaled. */
        bool is_held;
    } cases[] = {
        {WEFT_SPARKPLUG_INT8, -128 * WEFT_SCALAR_ONE, true},
        {WEFT_SPARKPLUG_INT8, 128 * WEFT_SCALAR_ONE, false},
        {WEFT_SPARKPLUG_UINT8, 255 * WEFT_SCALAR_ONE, true},
        {WEFT_SPARKPLUG_UINT8, -WEFT_SCALAR_ONE, false},
        {WEFT_SPARKPLUG_INT16, -32768 * WEFT_SCALAR_ONE, true},
        {WEFT_SPARKPLUG_INT32, -2147483648 * WEFT_SCALAR_ONE, true},
        {WEFT_SPARKPLUG_UINT32, 4294967295 * WEFT_SCALAR_ONE, true},
        {WEFT_SPARKPLUG_UINT32, 4294967296 * WEFT_SCALAR_ONE, false},
        {WEFT_SPARKPLUG_INT64, -9223372036 * WEFT_SCALAR_ONE, true},
        {WEFT_SPARKPLUG_INT32, WEFT_SCALAR_ONE / 2, false},
        {WEFT_SPARKPLUG_DOUBLE, 42500000001, true},
        {WEFT_SPARKPLUG_FLOAT, 42 * WEFT_SCALAR_ONE + WEFT_SCALAR_ONE / 2, true},
        {WEFT_SPARKPLUG_BOOLEAN, WEFT_SCALAR_ONE, false},
        {WEFT_SPARKPLUG_UNKNOWN, WEFT_SCALAR_ONE, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct weft_scalar scalar = {
            .type = WEFT_SCALAR_NUMBER, .number = cases[i].number, .unit = WEFT_TEXT("rpm")};
        struct weft_scalar back;
        struct weft_sparkplug_metric metric = {.name = WEFT_TEXT("x")};
        EXPECT_EQ(cases[i].is_held, weft_sparkplug_write(&scalar, cases[i].datatype, &metric));
        if (cases[i].is_held) {
            EXPECT_TRUE(weft_sparkplug_read(&metric, cases[i].datatype, WEFT_TEXT("rpm"), &back));
            EXPECT_TRUE(weft_scalar_equal(&scalar, &back));
            EXPECT_TRUE(!weft_sparkplug_read(&metric, cases[i].datatype, WEFT_TEXT(""), &back));
        }
    }
}

TEST(sparkplug, number_that_does_not_fit_is_no_value)
{
    static const double reals[] = {1e10, -1e10, 1.0 / 0.0, 0.0 / 0.0};
    struct weft_scalar scalar;
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        const struct weft_sparkplug_metric metric = {
            .value = WEFT_SPARKPLUG_REAL, .real = reals[i]};
        EXPECT_TRUE(!weft_sparkplug_read(&metric, WEFT_SPARKPLUG_DOUBLE, WEFT_TEXT("1"), &scalar));
    }
    const struct weft_sparkplug_metric word = {
        .value = WEFT_SPARKPLUG_WORDS, .words = WEFT_TEXT("two words")};
    EXPECT_TRUE(!weft_sparkplug_read(&word, WEFT_SPARKPLUG_STRING, WEFT_TEXT(""), &scalar));
}

/* --- a device -------------------------------------------------------------------------------- */

static struct weft_sparkplug_device device;

static void begin(void)
{
    device = (struct weft_sparkplug_device){
        .group = WEFT_TEXT("line2"), .node = WEFT_TEXT("cell"), .device = WEFT_TEXT("press7")};
    EXPECT_TRUE(weft_sparkplug_track(&device, WEFT_TEXT("Outputs/Speed"), WEFT_TEXT("speed"),
                    WEFT_TEXT("rpm")) != NULL);
    EXPECT_TRUE(weft_sparkplug_track(&device, WEFT_TEXT("Guard/Closed"), WEFT_TEXT("guard/closed"),
                    WEFT_TEXT("")) != NULL);
}

static enum weft_sparkplug_news hear(const char *type, const char *of, uint64_t seq,
    const struct weft_sparkplug_metric *metrics, uint32_t count)
{
    const struct weft_sparkplug_topic topic = {
        WEFT_TEXT("line2"), weft_text_of(type), WEFT_TEXT("cell"), weft_text_of(of)};
    const struct weft_sparkplug_payload payload = {.time_ms = NOW,
        .has_seq = strcmp(type, "NDEATH") != 0,
        .seq = seq,
        .metric_count = count,
        .metrics = metrics};
    return weft_sparkplug_hear(&device, &topic, &payload, NOW);
}

static struct weft_sparkplug_metric speed_of(double real, uint64_t time_ms, bool by_alias)
{
    return (struct weft_sparkplug_metric){
        .name = by_alias ? WEFT_TEXT("") : WEFT_TEXT("Outputs/Speed"),
        .has_alias = true,
        .alias = 3,
        .time_ms = time_ms,
        .datatype = by_alias ? 0 : WEFT_SPARKPLUG_DOUBLE,
        .value = WEFT_SPARKPLUG_REAL,
        .real = real};
}

static void be_born(uint64_t bd_seq)
{
    const struct weft_sparkplug_metric own = {.name = WEFT_TEXT("bdSeq"),
        .datatype = WEFT_SPARKPLUG_INT64,
        .value = WEFT_SPARKPLUG_INTEGER,
        .integer = bd_seq};
    const struct weft_sparkplug_metric speed = speed_of(40, NOW, false);
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("NBIRTH", "", 0, &own, 1));
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("DBIRTH", "press7", 1, &speed, 1));
}

/* 0: it is not known. */
static int64_t speed_now(int64_t *ret_at_ms)
{
    struct weft_reading readings[WEFT_SPARKPLUG_TRACKED_MAX];
    uint32_t count = weft_sparkplug_readings(&device, readings);
    const struct weft_reading *reading = weft_reading_find(readings, count, WEFT_TEXT("speed"));
    if (ret_at_ms != NULL && reading != NULL) {
        *ret_at_ms = reading->at_ns / 1000000;
    }
    return reading != NULL ? reading->value.number : 0;
}

TEST(sparkplug, values_count_from_a_birth_on_and_come_by_alias)
{
    int64_t at_ms = 0;
    const struct weft_sparkplug_metric early = speed_of(41, NOW, true);
    begin();
    EXPECT_EQ(WEFT_SPARKPLUG_ASK, hear("DDATA", "press7", 0, &early, 1));
    EXPECT_EQ(0, speed_now(NULL));
    be_born(5);
    EXPECT_EQ(40 * WEFT_SCALAR_ONE, speed_now(&at_ms));
    const struct weft_sparkplug_metric ahead = speed_of(42, NOW + 5000, true);
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("DDATA", "press7", 2, &ahead, 1));
    EXPECT_EQ(42 * WEFT_SCALAR_ONE, speed_now(&at_ms));
    EXPECT_EQ(NOW, at_ms); /* A clock that runs ahead makes nothing fresh. */
    const struct weft_sparkplug_metric past = speed_of(17, NOW - 1000, true);
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("DDATA", "press7", 3, &past, 1));
    EXPECT_EQ(42 * WEFT_SCALAR_ONE, speed_now(NULL));
    const struct weft_sparkplug_metric null = {
        .has_alias = true, .alias = 3, .time_ms = NOW, .is_null = true};
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("DDATA", "press7", 4, &null, 1));
    EXPECT_EQ(0, speed_now(NULL));
}

TEST(sparkplug, gap_in_the_sequence_makes_everything_unknown)
{
    const struct weft_sparkplug_metric speed = speed_of(41, NOW, true);
    begin();
    be_born(5);
    EXPECT_EQ(WEFT_SPARKPLUG_NOTHING, hear("DDATA", "other", 2, &speed, 1)); /* Counts, too. */
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("DDATA", "press7", 3, &speed, 1));
    EXPECT_EQ(WEFT_SPARKPLUG_ASK, hear("DDATA", "press7", 5, &speed, 1));
    EXPECT_EQ(0, speed_now(NULL));
    EXPECT_EQ(WEFT_SPARKPLUG_ASK, hear("DDATA", "press7", 6, &speed, 1));
    be_born(6);
    for (uint64_t seq = 2; seq < 520; seq++) { /* 0 behind 255 */
        EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("DDATA", "press7", seq % 256, &speed, 1));
    }
    EXPECT_EQ(41 * WEFT_SCALAR_ONE, speed_now(NULL));
}

TEST(sparkplug, death_of_this_life_counts_and_of_another_one_does_not)
{
    const struct weft_sparkplug_metric old = {
        .name = WEFT_TEXT("bdSeq"), .value = WEFT_SPARKPLUG_INTEGER, .integer = 4};
    struct weft_sparkplug_metric own = old;
    own.integer = 5;
    begin();
    be_born(5);
    EXPECT_EQ(WEFT_SPARKPLUG_NOTHING, hear("NDEATH", "", 0, &old, 1));
    EXPECT_EQ(40 * WEFT_SCALAR_ONE, speed_now(NULL));
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("NDEATH", "", 0, &own, 1));
    EXPECT_EQ(0, speed_now(NULL));
    be_born(6);
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("DDEATH", "press7", 2, NULL, 0));
    EXPECT_EQ(0, speed_now(NULL));
}

TEST(sparkplug, historical_value_is_not_one_of_now)
{
    struct weft_sparkplug_metric speed = speed_of(55, NOW, true);
    begin();
    be_born(5);
    speed.is_historical = true;
    EXPECT_EQ(WEFT_SPARKPLUG_CHANGED, hear("DDATA", "press7", 2, &speed, 1));
    EXPECT_EQ(40 * WEFT_SCALAR_ONE, speed_now(NULL));
}
