/* Properties, issues, health, the document. */
#include <stdio.h>
#include <string.h>

#include "node/state/twin/issue.h"
#include "node/state/twin/property.h"
#include "node/state/twin/sheet.h"
#include "tests/lib/test.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

static struct weft_stored_record statement(
    int64_t at_ns, uint64_t index, const struct weft_field *fields, uint32_t count)
{
    return (struct weft_stored_record){.index = index,
        .record = {.asset = WEFT_TEXT("a"),
            .at_ns = at_ns,
            .has_at = true,
            .fields = fields,
            .field_count = count}};
}

/* --- properties ------------------------------------------------------------------------------ */

/* NOD-308: against a table that is written in the order of truth. */
TEST(twin_state, of_each_property_the_newest_counts_in_whatever_order_they_are_read)
{
    enum {
        NAMES = 5,
        RECORDS = 12
    };
    static const char *const names[NAMES] = {"p", "q", "r/s", "t", "u"};
    struct weft_arena arena = {.size_max = 1 << 20};
    int taken_back = 0;
    for (int round = 0; round < 500; round++) {
        struct weft_field fields[RECORDS][NAMES];
        char texts[RECORDS][8];
        struct weft_stored_record records[RECORDS];
        int expected[NAMES];
        memset(expected, 0xff, sizeof(expected));
        for (int i = 0; i < RECORDS; i++) { /* Number i is true before i + 1. */
            uint32_t count = 0;
            (void)snprintf(texts[i], sizeof(texts[i]), "%d", i);
            for (int n = 0; n < NAMES; n++) {
                if (test_random(3) == 0) {
                    bool is_null = test_random(5) == 0;
                    fields[i][count++] = (struct weft_field){weft_text_of(names[n]),
                        is_null ? WEFT_TEXT("") : weft_text_of(texts[i]),
                        is_null ? WEFT_VALUE_NULL : WEFT_VALUE_INT};
                    expected[n] = is_null ? -1 : i;
                    taken_back += is_null;
                }
            }
            records[i] = statement(i / 2, (uint64_t)i, fields[i], count);
        }
        struct weft_properties table;
        EXPECT_EQ(WEFT_OK, weft_properties_init(&table, &arena));
        uint64_t start = test_random(RECORDS), step = test_random(2) == 0 ? 1 : RECORDS - 1;
        for (uint64_t i = 0; i < RECORDS; i++) {
            weft_properties_offer(&table, &records[(start + i * step) % RECORDS]);
        }
        weft_properties_close(&table);
        uint32_t count = 0;
        for (int n = 0; n < NAMES; n++) {
            const struct weft_property *p = weft_properties_find(&table, weft_text_of(names[n]));
            EXPECT_EQ(expected[n] >= 0, p != NULL);
            EXPECT_TRUE(p == NULL || weft_text_is(p->value->value, texts[expected[n]]));
            count += p != NULL;
        }
        EXPECT_EQ(count, table.count);
        weft_arena_reset(&arena);
    }
    EXPECT_TRUE(taken_back > 100);
    weft_arena_destroy(&arena);
}

TEST(twin_state, a_value_its_unit_and_quality_are_one_property)
{
    static const struct weft_field fields[] = {
        {WEFT_TEXT("speed/quality"), WEFT_TEXT("good"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("speed/value"), WEFT_TEXT("1.50"), WEFT_VALUE_REAL},
        {WEFT_TEXT("speed/unit"), WEFT_TEXT("m/s"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("other/unit"), WEFT_TEXT("x"), WEFT_VALUE_TEXT}};
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_stored_record record = statement(1, 1, fields, 4);
    struct weft_properties table;
    EXPECT_EQ(WEFT_OK, weft_properties_init(&table, &arena));
    weft_properties_offer(&table, &record);
    weft_properties_close(&table);
    EXPECT_EQ(2, table.count); /* A unit without a value is a property like others. */
    struct weft_property speed = *weft_properties_find(&table, WEFT_TEXT("speed"));
    EXPECT_TRUE(weft_text_is(speed.unit, "m/s"));
    EXPECT_TRUE(weft_text_is(speed.quality, "good"));
    struct weft_field same = {WEFT_TEXT("speed"), WEFT_TEXT("15e-1"), WEFT_VALUE_REAL};
    struct weft_property other = {.value = &same};
    EXPECT_TRUE(weft_property_equal(&speed, &other));
    other.unit = WEFT_TEXT("km/h");
    EXPECT_TRUE(!weft_property_equal(&speed, &other));
    same.type = WEFT_VALUE_TEXT;
    other.unit = WEFT_TEXT("m/s");
    EXPECT_TRUE(!weft_property_equal(&speed, &other));
    weft_arena_destroy(&arena);
}

/* What a command wants of a machine (node/state/commands_follow.c). */
TEST(twin_state, wish_is_met_within_its_tolerance)
{
    static const struct weft_field wish[] = {
        {WEFT_TEXT("speed/value"), WEFT_TEXT("42.5"), WEFT_VALUE_REAL},
        {WEFT_TEXT("speed/unit"), WEFT_TEXT("rpm"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("speed/tolerance"), WEFT_TEXT("0.1"), WEFT_VALUE_REAL},
    };
    static const struct {
        const char *value;
        bool is_met;
    } found[] = {
        {"42.5", true}, {"42.4", true}, {"42.6", true}, {"42.39", false}, {"42.61", false}};
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_stored_record record = statement(1, 1, wish, 3);
    struct weft_properties table;
    EXPECT_EQ(WEFT_OK, weft_properties_init(&table, &arena));
    weft_properties_offer(&table, &record);
    weft_properties_close(&table);
    EXPECT_EQ(1, table.count); /* All three are one. */
    EXPECT_TRUE(weft_text_is(table.items[0].tolerance, "0.1"));
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        const struct weft_field field = {
            WEFT_TEXT("speed"), weft_text_of(found[i].value), WEFT_VALUE_REAL};
        const struct weft_property is = {.value = &field, .unit = WEFT_TEXT("rpm")};
        EXPECT_EQ(found[i].is_met, weft_property_equal(&table.items[0], &is));
    }
    weft_arena_destroy(&arena);
}

TEST(twin_state, more_properties_than_the_limit_are_told_to_be_left_out)
{
    static struct weft_field fields[WEFT_PROPERTIES_MAX + 1];
    static char names[WEFT_PROPERTIES_MAX + 1][8];
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_properties table;
    for (int i = 0; i <= WEFT_PROPERTIES_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%d", i);
        fields[i] = (struct weft_field){weft_text_of(names[i]), WEFT_TEXT("1"), WEFT_VALUE_INT};
    }
    for (uint32_t more = 0; more < 2; more++) {
        struct weft_stored_record r = statement(1, 1, fields, WEFT_PROPERTIES_MAX + more);
        EXPECT_EQ(WEFT_OK, weft_properties_init(&table, &arena));
        weft_properties_offer(&table, &r);
        weft_properties_close(&table);
        EXPECT_EQ(WEFT_PROPERTIES_MAX, table.count);
        EXPECT_EQ(more == 1, table.is_full);
    }
    weft_arena_destroy(&arena);
    arena.size_max = 10;
    EXPECT_EQ(WEFT_ENOMEM, weft_properties_init(&table, &arena));
    weft_arena_destroy(&arena);
}

TEST(twin_state, freshness_is_that_of_the_first_policy_that_names_the_property)
{
    static const struct weft_field own[] = {
        {WEFT_TEXT("freshness/a"), WEFT_TEXT("5"), WEFT_VALUE_INT},
        {WEFT_TEXT("freshness/*"), WEFT_TEXT("50"), WEFT_VALUE_INT}};
    static const struct weft_field type[] = {
        {WEFT_TEXT("freshness/a"), WEFT_TEXT("6"), WEFT_VALUE_INT},
        {WEFT_TEXT("freshness/b"), WEFT_TEXT("7.5"), WEFT_VALUE_REAL}};
    const struct weft_record records[] = {
        {.fields = own, .field_count = 2}, {.fields = type, .field_count = 2}};
    const struct weft_record *policies[] = {&records[0], &records[1]};
    double seconds = 0;
    EXPECT_TRUE(weft_freshness_of(policies, 2, WEFT_TEXT("a"), &seconds) &&
                (int)(2 * seconds) == (int)(2 * 5));
    EXPECT_TRUE(weft_freshness_of(policies, 2, WEFT_TEXT("b"), &seconds) &&
                (int)(2 * seconds) == (int)(2 * 7.5));
    EXPECT_TRUE(weft_freshness_of(policies, 2, WEFT_TEXT("c"), &seconds) &&
                (int)(2 * seconds) == (int)(2 * 50));
    EXPECT_TRUE(!weft_freshness_of(policies + 1, 1, WEFT_TEXT("c"), &seconds));
}

/* --- issues ---------------------------------------------------------------------------------- */

/* NOD-309 */
TEST(twin_state, each_rule_opens_and_closes_at_its_edge)
{
    static const struct weft_field released = {
        WEFT_TEXT("released"), WEFT_TEXT("true"), WEFT_VALUE_BOOL};
    static const struct weft_field pending = {
        WEFT_TEXT("released"), WEFT_TEXT("false"), WEFT_VALUE_BOOL};
    static const struct weft_field cancelled = {
        WEFT_TEXT("status"), WEFT_TEXT("cancelled"), WEFT_VALUE_TEXT};
    static const struct {
        const char *verdict;
        enum weft_health health;
    } verdicts[] = {{"PASS", WEFT_HEALTH_OK}, {"CONDITIONAL", WEFT_HEALTH_ATTENTION},
        {"FAIL", WEFT_HEALTH_DEGRADED}, {"BLOCK", WEFT_HEALTH_FAILED}, {"", WEFT_HEALTH_OK}};
    struct weft_issue issue;
    struct weft_stored_record first = statement(5, 5, NULL, 0), later = statement(5, 6, NULL, 0);
    EXPECT_TRUE(!weft_issue_failure(NULL, &first, &issue));
    EXPECT_TRUE(weft_issue_failure(&first, NULL, &issue));
    EXPECT_TRUE(!weft_issue_failure(&first, &later, &issue));
    EXPECT_TRUE(weft_issue_failure(&later, &first, &issue));
    EXPECT_EQ(WEFT_HEALTH_FAILED, issue.health);
    EXPECT_TRUE(!weft_issue_verdict(NULL, &issue));
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        struct weft_field field = {
            WEFT_TEXT("verdict"), weft_text_of(verdicts[i].verdict), WEFT_VALUE_TEXT};
        struct weft_stored_record r = statement(1, 1, &field, 1);
        issue.health = WEFT_HEALTH_OK;
        EXPECT_EQ(verdicts[i].health != WEFT_HEALTH_OK, weft_issue_verdict(&r, &issue));
        EXPECT_EQ(verdicts[i].health, issue.health);
    }
    struct weft_stored_record open = statement(1, 1, &pending, 1);
    struct weft_stored_record closed = statement(1, 1, &released, 1);
    struct weft_stored_record raised = statement(1, 1, &cancelled, 1);
    EXPECT_TRUE(weft_issue_nonconformance(&first, NULL, &issue));
    EXPECT_TRUE(weft_issue_nonconformance(&first, &open, &issue));
    EXPECT_TRUE(!weft_issue_nonconformance(&first, &closed, &issue));
    EXPECT_TRUE(!weft_issue_nonconformance(&raised, NULL, &issue));
    EXPECT_TRUE(!weft_issue_nonconformance(NULL, NULL, &issue));
    EXPECT_TRUE(!weft_issue_disposition(&first, NULL, &issue));
    EXPECT_TRUE(weft_issue_disposition(&first, &open, &issue));
    EXPECT_TRUE(!weft_issue_disposition(&first, &closed, &issue));
    EXPECT_TRUE(weft_issue_warranty(&first, &issue));
    EXPECT_TRUE(!weft_issue_warranty(&raised, &issue));
    EXPECT_TRUE(!weft_issue_warranty(NULL, &issue));
}

TEST(twin_state, maintenance_is_due_after_what_was_done_last_and_overdue_past_that)
{
    static const struct weft_field interval = {
        WEFT_TEXT("interval_days"), WEFT_TEXT("2"), WEFT_VALUE_INT};
    static const struct weft_field far = {
        WEFT_TEXT("interval_days"), WEFT_TEXT("1e300"), WEFT_VALUE_REAL};
    static const struct weft_field both[] = {
        {WEFT_TEXT("interval_days"), WEFT_TEXT("0.5"), WEFT_VALUE_REAL},
        {WEFT_TEXT("due"), WEFT_TEXT("1970-01-11T00:00:00Z"), WEFT_VALUE_TEXT}};
    struct weft_stored_record plan = statement(3 * DAY_NS, 9, &interval, 1);
    struct weft_stored_record done = statement(1 * DAY_NS, 5, NULL, 0);
    const struct weft_moment built = {2 * DAY_NS, 1, 0};
    struct weft_issue issue;
    int64_t due_ns;
    EXPECT_TRUE(weft_maintenance_due(&plan, NULL, NULL, &due_ns) && due_ns == 5 * DAY_NS);
    EXPECT_TRUE(weft_maintenance_due(&plan, NULL, &built, &due_ns) && due_ns == 4 * DAY_NS);
    EXPECT_TRUE(weft_maintenance_due(&plan, &done, &built, &due_ns) && due_ns == 3 * DAY_NS);
    EXPECT_TRUE(!weft_issue_maintenance(&plan, &done, &built, 3 * DAY_NS, &issue));
    EXPECT_TRUE(weft_issue_maintenance(&plan, &done, &built, 3 * DAY_NS + 1, &issue));
    EXPECT_EQ(3 * DAY_NS, issue.due_ns);
    EXPECT_TRUE(!weft_issue_maintenance(NULL, &done, &built, INT64_MAX, &issue));
    plan.record.fields = both;
    plan.record.field_count = 2;
    EXPECT_TRUE(weft_maintenance_due(&plan, &done, NULL, &due_ns) && due_ns == 10 * DAY_NS);
    done.record.at_ns = 3 * DAY_NS; /* Since the plan. */
    EXPECT_TRUE(
        weft_maintenance_due(&plan, &done, NULL, &due_ns) && due_ns == 3 * DAY_NS + DAY_NS / 2);
    plan.record.fields = &both[1];
    plan.record.field_count = 1;
    EXPECT_TRUE(!weft_maintenance_due(&plan, &done, NULL, &due_ns));
    plan.record.fields = &far;
    EXPECT_TRUE(weft_maintenance_due(&plan, &done, NULL, &due_ns) && due_ns == INT64_MAX);
    plan.record.field_count = 0;
    EXPECT_TRUE(!weft_maintenance_due(&plan, &done, NULL, &due_ns));
}

/* --- the document ---------------------------------------------------------------------------- */

TEST(twin_state, a_sheet_writes_paths_of_a_record_and_says_when_it_is_too_large)
{
    struct weft_arena arena = {.size_max = 32 << 20};
    struct weft_sheet s;
    weft_sheet_init(&s, &arena);
    weft_sheet_unsigned(&s, "n", 7);
    weft_sheet_open(&s, "list", '[');
    weft_sheet_text(&s, NULL, WEFT_TEXT("x"));
    weft_sheet_open(&s, NULL, '{');
    weft_sheet_real(&s, "r", 0.1);
    weft_sheet_real(&s, "whole", 3);
    weft_sheet_real(&s, "none", 1.0 / 0.0);
    weft_sheet_maybe(&s, "gone", WEFT_TEXT(""));
    weft_sheet_close(&s);
    weft_sheet_open(&s, NULL, '[');
    weft_sheet_close(&s);
    weft_sheet_close(&s);
    weft_sheet_open(&s, "o", '{');
    weft_sheet_close(&s);
    weft_sheet_bool(&s, "b", true);
    weft_sheet_time(&s, "t", 0);
    static const struct {
        const char *path;
        const char *value;
        enum weft_value_type type;
    } expected[] = {{"n", "7", WEFT_VALUE_INT}, {"list/[0]", "x", WEFT_VALUE_TEXT},
        {"list/[1]/r", "0.1", WEFT_VALUE_REAL}, {"list/[1]/whole", "3", WEFT_VALUE_INT},
        {"list/[1]/none", "", WEFT_VALUE_NULL}, {"list/[2]", "", WEFT_VALUE_EMPTY_ARRAY},
        {"o", "", WEFT_VALUE_EMPTY_OBJECT}, {"b", "true", WEFT_VALUE_BOOL},
        {"t", "1970-01-01T00:00:00Z", WEFT_VALUE_TEXT}};
    EXPECT_EQ(WEFT_OK, weft_sheet_end(&s));
    EXPECT_EQ(sizeof(expected) / sizeof(expected[0]), s.count);
    for (uint32_t i = 0; i < s.count; i++) {
        EXPECT_TRUE(weft_text_is(s.fields[i].path, expected[i].path));
        EXPECT_TRUE(weft_text_is(s.fields[i].value, expected[i].value));
        EXPECT_EQ(expected[i].type, s.fields[i].type);
    }
    weft_sheet_open(&s, "more", '[');
    while (s.err == WEFT_OK && s.count < WEFT_DOCUMENT_FIELDS_MAX + 1) {
        weft_sheet_text(&s, NULL, WEFT_TEXT("0123456789"));
    }
    weft_sheet_close(&s);
    EXPECT_EQ(WEFT_ETOOBIG, weft_sheet_end(&s));
    EXPECT_TRUE(s.size_bytes > WEFT_SHEET_SIZE_MAX || s.count == WEFT_DOCUMENT_FIELDS_MAX);
    weft_arena_destroy(&arena);
    arena = (struct weft_arena){.size_max = 16};
    weft_sheet_init(&s, &arena);
    weft_sheet_unsigned(&s, "n", 7);
    EXPECT_EQ(WEFT_ENOMEM, weft_sheet_end(&s));
    weft_arena_destroy(&arena);
}
