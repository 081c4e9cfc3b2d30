/* Identifiers, times and units: the words that models are made of. */
#include "proto/model/dtmi.h"
#include "proto/model/lexical.h"
#include "proto/model/unit.h"
#include "tests/lib/test.h"

static enum weft_err parse(const char *text)
{
    struct weft_dtmi dtmi;
    struct weft_msg msg = {""};
    enum weft_err err = weft_dtmi_parse(weft_text_of(text), 128, &dtmi, &msg);
    EXPECT_EQ(err == WEFT_OK, msg.text[0] == '\0');
    return err;
}

TEST(dtmi, comes_apart_into_path_and_version)
{
    struct weft_dtmi dtmi;
    EXPECT_EQ(WEFT_OK, weft_dtmi_parse(WEFT_TEXT("dtmi:foo_bar:baz33:qux;12.7"), 128, &dtmi, NULL));
    EXPECT_TRUE(weft_text_is(dtmi.path, "dtmi:foo_bar:baz33:qux"));
    EXPECT_EQ(12, dtmi.major);
    EXPECT_EQ(7, dtmi.minor);
    EXPECT_EQ(WEFT_OK, weft_dtmi_parse(WEFT_TEXT("dtmi:a"), 128, &dtmi, NULL));
    EXPECT_EQ(0, dtmi.major);
    EXPECT_EQ(0, dtmi.minor);
}

TEST(dtmi, is_held_to_the_syntax_of_the_language)
{
    EXPECT_EQ(WEFT_OK, parse("dtmi:a:B2_c;999999999"));
    EXPECT_EQ(WEFT_OK, parse("dtmi:a;1.999999"));
    static const char *const bad[] = {"", "dtmi", "dtmi:", "dtmi:;1", "dtmi:a;", "dtmi:a;0",
        "dtmi:a;01", "dtmi:a;1.", "dtmi:a;1.0", "dtmi:a;1.01", "dtmi:a;1.1.1", "dtmi:a;x",
        "dtmi:a;1234567890", "dtmi:a;1.1234567", "dtmi:a::b;1", "dtmi:a:;1", "dtmi:1a;1",
        "dtmi:a_;1", "dtmi:a-b;1", "dtmi:a b;1", "dtmi:_sys;1", "dtmi:\xc3\xa4;1", "DTMI:a;1",
        "urn:a;1", "dtmi:dtdl:thing;1", "dtmi:standard:thing;1", "dtmi:a;1 "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, parse(bad[i]));
    }
    char text[200] = "dtmi:a;1";
    memset(text + 5, 'a', 121);
    memcpy(text + 126, ";1", 3);
    EXPECT_EQ(WEFT_OK, parse(text));
    memcpy(text + 126, "a;1", 4);
    EXPECT_EQ(WEFT_EINVAL, parse(text));
}

TEST(dtmi, names_of_elements_are_identifiers)
{
    EXPECT_TRUE(weft_dtdl_name_is_valid(WEFT_TEXT("interval_days")));
    EXPECT_TRUE(weft_dtdl_name_is_valid(WEFT_TEXT("A2")));
    static const char *const bad[] = {"", "_a", "a_", "2a", "a-b", "a b", "a/b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_dtdl_name_is_valid(weft_text_of(bad[i])));
    }
}

TEST(lexical, a_date_is_a_day_that_there_was)
{
    static const char *const good[] = {
        "2017-07-28", "0001-01-01", "9999-12-31", "2000-02-29", "2024-02-29", "2023-02-28"};
    static const char *const bad[] = {"", "2017-7-28", "2017-07-28Z", "2017-07-32", "2017-13-01",
        "2017-00-01", "2017-01-00", "1900-02-29", "2023-02-29", "0000-01-01", "17-07-28",
        "2017/07/28", "2017-04-31", "2017-07-2"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT_TRUE(weft_lexical_is_date(weft_text_of(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_lexical_is_date(weft_text_of(bad[i])));
    }
}

TEST(lexical, a_time_may_have_fraction_and_zone)
{
    static const char *const good[] = {"08:16:42", "23:59:60", "08:16:42.123456789", "00:00:00Z",
        "08:16:42.5+02:00", "08:16:42-11:30", "08:16:42z"};
    static const char *const bad[] = {"", "8:16:42", "24:00:00", "08:60:00", "08:16:61", "08:16",
        "08:16:42.", "08:16:42+2:00", "08:16:42+24:00", "08:16:42+", "08:16:42Zx", "T08:16:42"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT_TRUE(weft_lexical_is_time(weft_text_of(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_lexical_is_time(weft_text_of(bad[i])));
    }
}

TEST(lexical, a_duration_has_its_parts_in_order_and_each_once)
{
    static const char *const good[] = {"P1Y2M10DT2H30M", "PT1.5S", "P3W", "P1D", "PT0S", "P1.5D",
        "PT36H", "P0.5W", "P1YT1S", "PT1,5M"};
    static const char *const bad[] = {"", "P", "PT", "1D", "P1", "P1S", "PT1D", "P1DT", "P1M1Y",
        "P1D1D", "P1W1D", "P1.5DT1H", "P.5D", "P1.D", "-P1D", "P1D ", "PT1M1H"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT_TRUE(weft_lexical_is_duration(weft_text_of(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_lexical_is_duration(weft_text_of(bad[i])));
    }
}

TEST(unit, a_unit_of_the_language_has_the_code_of_ucum)
{
    static const struct {
        const char *semantic, *unit, *ucum;
    } rows[] = {{"Length", "millimetre", "mm"}, {"Distance", "inch", "[in_i]"},
        {"Temperature", "degreeCelsius", "Cel"}, {"Pressure", "millimetresOfMercury", "mm[Hg]"},
        {"RelativeHumidity", "percent", "%"}, {"Angle", "secondOfArc", "''"},
        {"AngularVelocity", "revolutionPerMinute", "{rev}/min"},
        {"Humidity", "gramPerCubicMetre", "g/m3"}, {"Luminosity", "watt", "W"},
        {"TimeSpan", "minute", "min"}, {"VolumeFlowRate", "millilitrePerSecond", "mL/s"},
        {"Mass", "slug", NULL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct weft_unit_type type, semantic = weft_unit_type_of(weft_text_of(rows[i].semantic));
        const char *ucum = "";
        EXPECT_TRUE(weft_unit_find(weft_text_of(rows[i].unit), &type, &ucum));
        EXPECT_TRUE(type.id != 0);
        EXPECT_EQ(semantic.id, type.id);
        EXPECT_TRUE((ucum == NULL) == (rows[i].ucum == NULL));
        if (ucum != NULL) {
            EXPECT_TEXT(rows[i].ucum, ucum);
            EXPECT_EQ(type.id, weft_unit_type_of_ucum(weft_text_of(ucum)).id);
        }
    }
}

TEST(unit, what_is_not_in_the_table_is_not_found)
{
    struct weft_unit_type type;
    const char *ucum;
    EXPECT_TRUE(!weft_unit_find(WEFT_TEXT("mm"), &type, &ucum));
    EXPECT_TRUE(!weft_unit_find(WEFT_TEXT("Millimetre"), &type, &ucum));
    EXPECT_EQ(0, weft_unit_type_of(WEFT_TEXT("Hardness")).id);
    EXPECT_EQ(0, weft_unit_type_of_ucum(WEFT_TEXT("millimetre")).id);
    EXPECT_TEXT("none", weft_unit_type_name((struct weft_unit_type){0}));
}

TEST(unit, every_unit_type_but_the_reactive_ones_has_codes)
{
    uint32_t codes = 0, types = 0;
    for (uint16_t id = 1; id < 100; id++) {
        struct weft_unit_type type = {id};
        if (strcmp(weft_unit_type_name(type), "none") == 0) {
            break;
        }
        bool is_reactive = strncmp(weft_unit_type_name(type), "Reactive", 8) == 0;
        EXPECT_TRUE((weft_unit_ucum_nth(type, 0) == NULL) == is_reactive);
        types++;
        for (uint32_t n = 0; weft_unit_ucum_nth(type, n) != NULL; n++) {
            struct weft_text ucum = weft_text_of(weft_unit_ucum_nth(type, n));
            EXPECT_TRUE(weft_unit_ucum_is_plausible(ucum));
            EXPECT_EQ(id, weft_unit_type_of_ucum(ucum).id); /* A code stands for one unit. */
            codes++;
        }
    }
    EXPECT_EQ(43, types);
    EXPECT_EQ(215, codes); /* Of 240 units. */
}

TEST(unit, a_code_is_ascii_without_spaces)
{
    EXPECT_TRUE(weft_unit_ucum_is_plausible(WEFT_TEXT("10*3.[Btu_IT]/h")));
    EXPECT_TRUE(!weft_unit_ucum_is_plausible(WEFT_TEXT("")));
    EXPECT_TRUE(!weft_unit_ucum_is_plausible(WEFT_TEXT("m m")));
    EXPECT_TRUE(!weft_unit_ucum_is_plausible(WEFT_TEXT("\xc2\xb5m")));
    EXPECT_TRUE(weft_unit_ucum_is_plausible(WEFT_TEXT("mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm")));
    EXPECT_TRUE(!weft_unit_ucum_is_plausible(WEFT_TEXT("mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm")));
}
