/* Twins over a state: designs and change orders, configurations, issues, properties, what is
 * below; each as of any index. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/portrait.h"
#include "node/state/view.h"
#include "tests/lib/test.h"
#include "tests/unit/node/twin_rig.h"

#define BOX                                                                                        \
    "{\"kind\":\"part_type\",\"asset\":\"part:box\"}\n"                                            \
    "{\"kind\":\"part_revision\",\"asset\":\"part:box/rev/A\",\"attrs\":{\"status\":"              \
    "\"released\"},\"links\":[{\"rel\":\"revision_of\",\"to\":\"part:box\"}]}\n"                   \
    "{\"kind\":\"part_revision\",\"asset\":\"part:box/rev/B\",\"attrs\":{\"status\":"              \
    "\"released\"},\"links\":[{\"rel\":\"revision_of\",\"to\":\"part:box\"}]}\n"                   \
    "{\"kind\":\"bom\",\"asset\":\"part:box/rev/A\",\"links\":["                                   \
    "{\"rel\":\"bom_line\",\"to\":\"part:lid\",\"attrs\":{\"quantity\":1,\"find\":\"10\"}},"       \
    "{\"rel\":\"bom_line\",\"to\":\"part:screw\",\"attrs\":{\"quantity\":4,\"find\":\"20\","       \
    "\"designators\":[\"S1\",\"S2\",\"S3\",\"S4\"]}},"                                             \
    "{\"rel\":\"alternate\",\"to\":\"part:bolt\",\"attrs\":{\"find\":\"20\"}}]}\n"                 \
    "{\"kind\":\"bom\",\"asset\":\"part:box/rev/B\",\"links\":["                                   \
    "{\"rel\":\"bom_line\",\"to\":\"part:lid\",\"attrs\":{\"quantity\":1,\"find\":\"10\"}},"       \
    "{\"rel\":\"bom_line\",\"to\":\"part:screw\",\"attrs\":{\"quantity\":6,\"find\":\"20\"}}]}\n"  \
    "{\"kind\":\"part_type\",\"asset\":\"part:lid\"}\n"                                            \
    "{\"kind\":\"lot\",\"asset\":\"lot:screw/1\",\"links\":[{\"rel\":\"instance_of\",\"to\":"      \
    "\"part:screw\"}]}\n"                                                                          \
    "{\"kind\":\"lot\",\"asset\":\"lot:bolt/1\",\"links\":[{\"rel\":\"instance_of\",\"to\":"       \
    "\"part:bolt\"}]}"

#define ORDER(name, status, effectivity)                                                           \
    "{\"kind\":\"change_order\",\"asset\":\"change:" name "\",\"attrs\":{\"status\":\"" status     \
    "\",\"effectivity\":[" effectivity "]},\"links\":["                                            \
    "{\"rel\":\"about\",\"to\":\"part:box\"},"                                                     \
    "{\"rel\":\"replaces\",\"to\":\"part:box/rev/A\"},"                                            \
    "{\"rel\":\"introduces\",\"to\":\"part:box/rev/B\"}]}"
#define SERIALS(from, to) "{\"serial_from\":\"" from "\",\"serial_to\":\"" to "\"}"

static uint64_t build_to(struct rig *r, const char *serial, const char *revision, const char *lot,
    int screws, const char *at)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
        "{\"kind\":\"lid\",\"asset\":\"serial:lid/%s\",\"links\":[{\"rel\":\"instance_of\",\"to\":"
        "\"part:lid\"}]}\n"
        "{\"kind\":\"as_built\",\"asset\":\"serial:box/%s\"%s%s%s,\"links\":["
        "{\"rel\":\"instance_of\",\"to\":\"part:box%s\"},"
        "{\"rel\":\"consumes\",\"to\":\"serial:lid/%s\",\"attrs\":{\"find\":\"10\"}},"
        "{\"rel\":\"uses_lot\",\"to\":\"%s\",\"attrs\":{\"quantity\":%d,\"find\":\"20\"}}]}",
        serial, serial, at != NULL ? ",\"at\":\"" : "", at != NULL ? at : "",
        at != NULL ? "\"" : "", revision, serial, lot, screws);
    return rig_put(r, text);
}

static void expect_designed(struct rig *r, const char *asset, uint64_t as_of, const char *revision)
{
    rig_twin(r, asset, as_of);
    EXPECT_TEXT(revision, rig_get(r, "configuration/designed/revision"));
}

static const char *number(uint64_t n)
{
    static char texts[4][24];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    (void)snprintf(text, sizeof(texts[0]), "%" PRIu64, n);
    return text;
}

/* --- change orders --------------------------------------------------------------------------- */

/* NOD-301, NOD-305 */
TEST(state_twin, a_released_change_order_shows_on_exactly_its_units_from_its_index_on)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, BOX);
    (void)build_to(&r, "9", "/rev/A", "lot:screw/1", 4, NULL);
    (void)build_to(&r, "10", "/rev/A", "lot:screw/1", 4, NULL);
    uint64_t draft = rig_put(&r, ORDER("CO-1", "draft", SERIALS("10", "20")));
    expect_designed(&r, "serial:box/10", 0, "part:box/rev/A");
    uint64_t release = rig_put(&r, ORDER("CO-1", "released", SERIALS("10", "20")));
    expect_designed(&r, "serial:box/9", 0, "part:box/rev/A");
    EXPECT_TEXT("ok", rig_get(&r, "health/status"));
    expect_designed(&r, "serial:box/10", 0, "part:box/rev/B");
    EXPECT_TEXT("change:CO-1", rig_get(&r, "configuration/designed/change_order"));
    EXPECT_TEXT(number(release), rig_get(&r, "configuration/designed/since_index"));
    EXPECT_TEXT("6", rig_get(&r, "configuration/designed/lines/1/quantity"));
    EXPECT_TEXT("#2", rig_get(&r, "configuration/out_of_date"));
    EXPECT_TEXT("revision", rig_get(&r, "configuration/out_of_date/0/kind"));
    EXPECT_TEXT("part:box/rev/B", rig_get(&r, "configuration/out_of_date/0/wanted"));
    EXPECT_TEXT("part:box/rev/A", rig_get(&r, "configuration/out_of_date/0/found"));
    EXPECT_TEXT(number(release), rig_get(&r, "configuration/out_of_date/0/since_index"));
    EXPECT_TEXT("quantity", rig_get(&r, "configuration/out_of_date/1/kind"));
    EXPECT_TEXT("attention", rig_get(&r, "health/status"));
    EXPECT_TEXT("out_of_date", rig_get(&r, "health/reasons/0"));
    /* As known before, nothing of it. */
    expect_designed(&r, "serial:box/10", release - 1, "part:box/rev/A");
    EXPECT_TEXT("#0", rig_get(&r, "configuration/out_of_date"));
    expect_designed(&r, "serial:box/10", draft, "part:box/rev/A");
    /* A release touches no unit. */
    rig_twin(&r, "serial:box/10", 0);
    EXPECT_TRUE(strtoull(rig_get(&r, "rev"), NULL, 10) < draft);
    uint64_t cancel = rig_put(&r, ORDER("CO-1", "cancelled", SERIALS("10", "20")));
    expect_designed(&r, "serial:box/10", cancel, "part:box/rev/A");
    expect_designed(&r, "serial:box/10", cancel - 1, "part:box/rev/B");
    rig_close(&r);
}

TEST(state_twin, a_build_to_a_superseded_revision_is_a_deviation_unless_a_concession_covers_it)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, BOX);
    (void)rig_put(&r, ORDER("CO-1", "released", "{\"now\":true}"));
    (void)build_to(&r, "1", "/rev/A", "lot:screw/1", 4, NULL);
    rig_twin(&r, "serial:box/1", 0);
    EXPECT_TEXT("#1", rig_get(&r, "configuration/deviations"));
    EXPECT_TEXT("revision", rig_get(&r, "configuration/deviations/0/kind"));
    EXPECT_TEXT("", rig_get(&r, "configuration/deviations/0/covered_by"));
    EXPECT_TEXT("deviation", rig_get(&r, "health/reasons/0"));
    EXPECT_TEXT("quantity", rig_get(&r, "configuration/out_of_date/0/kind"));
    (void)rig_put(&r,
        "{\"kind\":\"concession\",\"asset\":\"concession:1\",\"attrs\":{\"until\":"
        "\"2000-01-01T00:00:00Z\"},\"links\":[{\"rel\":\"covers\",\"to\":\"part:box\"},"
        "{\"rel\":\"allows\",\"to\":\"part:box/rev/A\"}]}");
    rig_twin(&r, "serial:box/1", 0);
    EXPECT_TEXT("", rig_get(&r, "configuration/deviations/0/covered_by"));
    (void)rig_put(&r,
        "{\"kind\":\"concession\",\"asset\":\"concession:2\",\"attrs\":{\"until\":"
        "\"2100-01-01T00:00:00Z\"},\"links\":[{\"rel\":\"covers\",\"to\":\"serial:box/1\"},"
        "{\"rel\":\"allows\",\"to\":\"part:box/rev/A\"}]}");
    rig_twin(&r, "serial:box/1", 0);
    EXPECT_TEXT("concession:2", rig_get(&r, "configuration/deviations/0/covered_by"));
    EXPECT_TEXT("out_of_date", rig_get(&r, "health/reasons/0"));
    rig_close(&r);
}

TEST(state_twin, what_was_built_before_from_now_keeps_its_design_whenever_that_becomes_known)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, BOX);
    (void)rig_put(&r, ORDER("CO-1", "released", "{\"now\":true}"));
    (void)build_to(&r, "1", "/rev/A", "lot:screw/1", 4, "2020-01-01T00:00:00Z");
    (void)build_to(&r, "2", "/rev/B", "lot:screw/1", 6, NULL);
    expect_designed(&r, "serial:box/1", 0, "part:box/rev/A");
    EXPECT_TEXT("#0", rig_get(&r, "configuration/deviations"));
    expect_designed(&r, "serial:box/2", 0, "part:box/rev/B");
    EXPECT_TEXT("#0", rig_get(&r, "configuration/deviations"));
    EXPECT_TEXT("ok", rig_get(&r, "health/status"));
    /* Not built yet: it will be built to B. */
    (void)rig_put(&r, "{\"kind\":\"plan\",\"asset\":\"serial:box/3\",\"links\":[{\"rel\":"
                      "\"instance_of\",\"to\":\"part:box\"}]}");
    expect_designed(&r, "serial:box/3", 0, "part:box/rev/B");
    rig_close(&r);
}

TEST(state_twin, components_are_held_against_the_bom_with_its_alternates)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, BOX);
    (void)build_to(&r, "1", "/rev/A", "lot:bolt/1", 4, NULL);
    rig_twin(&r, "serial:box/1", 0);
    EXPECT_TEXT("#0", rig_get(&r, "configuration/deviations"));
    EXPECT_TEXT("#4", rig_get(&r, "configuration/designed/lines/1/designators"));
    EXPECT_TEXT("part:bolt", rig_get(&r, "configuration/designed/lines/1/alternates/0"));
    EXPECT_TEXT("#2", rig_get(&r, "configuration/built/components"));
    (void)build_to(&r, "2", "", "lot:screw/1", 3, NULL);
    rig_twin(&r, "serial:box/2", 0);
    EXPECT_TEXT("part:box/rev/A", rig_get(&r, "part/revision"));
    EXPECT_TEXT("true", rig_get(&r, "part/is_assumed"));
    EXPECT_TEXT("#1", rig_get(&r, "configuration/deviations"));
    EXPECT_TEXT("quantity", rig_get(&r, "configuration/deviations/0/kind"));
    EXPECT_TEXT("3", rig_get(&r, "configuration/deviations/0/quantity_found"));
    EXPECT_TEXT("#0", rig_get(&r, "configuration/out_of_date"));
    rig_close(&r);
}

TEST(state_twin, maintenance_changes_what_is_maintained_and_not_what_was_built)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, BOX);
    uint64_t built = build_to(&r, "1", "/rev/A", "lot:screw/1", 4, NULL);
    (void)rig_put(&r,
        "{\"kind\":\"lid\",\"asset\":\"serial:lid/77\",\"links\":[{\"rel\":\"instance_of\",\"to\":"
        "\"part:lid\"}]}\n"
        "{\"kind\":\"replacement\",\"asset\":\"serial:box/1\",\"links\":["
        "{\"rel\":\"installs\",\"to\":\"serial:lid/77\"},"
        "{\"rel\":\"removes\",\"to\":\"serial:lid/1\"}]}");
    rig_twin(&r, "serial:box/1", 0);
    EXPECT_TEXT("serial:lid/1", rig_get(&r, "configuration/built/components/0/asset"));
    EXPECT_TEXT("lot:screw/1", rig_get(&r, "configuration/maintained/components/0/asset"));
    EXPECT_TEXT("serial:lid/77", rig_get(&r, "configuration/maintained/components/1/asset"));
    EXPECT_TEXT("#2", rig_get(&r, "configuration/maintained/components"));
    EXPECT_TEXT("#0", rig_get(&r, "configuration/out_of_date"));
    struct weft_query diff = {.type = WEFT_QUERY_DIFF,
        .asset = WEFT_TEXT("serial:box/1"),
        .left = WEFT_TWIN_BUILT,
        .right = WEFT_TWIN_MAINTAINED};
    EXPECT_EQ(WEFT_OK, rig_ask(&r, &diff));
    EXPECT_TEXT("2", rig_get(&r, "count"));
    EXPECT_TEXT("serial:lid/1", rig_get(&r, "differences/0/name"));
    EXPECT_TEXT("part:lid", rig_get(&r, "differences/0/left/part"));
    EXPECT_TEXT("serial:lid/77", rig_get(&r, "differences/1/name"));
    diff.other_as_of = built;
    EXPECT_EQ(WEFT_OK, rig_ask(&r, &diff));
    EXPECT_TEXT("0", rig_get(&r, "count"));
    uint64_t removal = rig_put(&r,
        "{\"kind\":\"removal\",\"asset\":\"serial:lid/77\",\"links\":[{\"rel\":\"removed_from\","
        "\"to\":\"serial:box/1\"}]}");
    rig_twin(&r, "serial:box/1", 0);
    EXPECT_TEXT("missing", rig_get(&r, "configuration/out_of_date/0/kind"));
    EXPECT_TEXT(number(removal), rig_get(&r, "configuration/out_of_date/0/since_index"));
    rig_close(&r);
}

TEST(state_twin, what_empties_a_container_takes_out_whatever_can_be_taken_out)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, "{\"kind\":\"as_built\",\"asset\":\"pallet:1\",\"links\":["
                      "{\"rel\":\"consumes\",\"to\":\"wood:1\"}]}");
    (void)rig_put(&r, "{\"kind\":\"epcis.aggregation\",\"asset\":\"event:1\",\"links\":["
                      "{\"rel\":\"parent\",\"to\":\"pallet:1\"},"
                      "{\"rel\":\"contains\",\"to\":\"box:1\"}]}");
    uint64_t full = rig_put(&r, "{\"kind\":\"a\",\"asset\":\"box:2\",\"links\":["
                                "{\"rel\":\"part_of\",\"to\":\"pallet:1\"}]}");
    rig_twin(&r, "pallet:1", 0);
    EXPECT_TEXT("#3", rig_get(&r, "configuration/maintained/components"));
    (void)rig_put(&r, "{\"kind\":\"epcis.aggregation\",\"asset\":\"event:2\",\"links\":["
                      "{\"rel\":\"parent\",\"to\":\"pallet:1\"},"
                      "{\"rel\":\"empties\",\"to\":\"pallet:1\"}]}");
    rig_twin(&r, "pallet:1", 0);
    EXPECT_TEXT("#1", rig_get(&r, "configuration/maintained/components"));
    EXPECT_TEXT("wood:1", rig_get(&r, "configuration/maintained/components/0/asset"));
    (void)rig_put(&r, "{\"kind\":\"a\",\"asset\":\"box:2\",\"links\":["
                      "{\"rel\":\"part_of\",\"to\":\"pallet:1\"}]}");
    rig_twin(&r, "pallet:1", 0);
    EXPECT_TEXT("box:2", rig_get(&r, "configuration/maintained/components/1/asset"));
    EXPECT_TEXT("#2", rig_get(&r, "configuration/maintained/components"));
    rig_twin(&r, "pallet:1", full);
    EXPECT_TEXT("#3", rig_get(&r, "configuration/maintained/components"));
    rig_close(&r);
}

/* --- issues, properties, what is below ------------------------------------------------------- */

TEST(state_twin, issues_open_and_close_with_their_records)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, "{\"kind\":\"thing\",\"asset\":\"u/1\"}");
    (void)rig_put(
        &r, "{\"kind\":\"inspection\",\"asset\":\"u/1\",\"attrs\":{\"verdict\":\"FAIL\"}}");
    (void)rig_put(&r,
        "{\"kind\":\"nonconformance\",\"asset\":\"nc:1\",\"attrs\":{\"status\":\"open\"},"
        "\"links\":[{\"rel\":\"about\",\"to\":\"u/1\"}]}");
    rig_twin(&r, "u/1", 0);
    EXPECT_TEXT("#2", rig_get(&r, "issues"));
    EXPECT_TEXT("nonconformance", rig_get(&r, "issues/0/kind"));
    EXPECT_TEXT("nc:1", rig_get(&r, "issues/0/asset"));
    EXPECT_TEXT("FAIL", rig_get(&r, "issues/1/detail"));
    EXPECT_TEXT("degraded", rig_get(&r, "health/status"));
    uint64_t disposed = rig_put(&r,
        "{\"kind\":\"disposition\",\"asset\":\"nc:1\",\"attrs\":{\"decision\":\"rework\","
        "\"released\":false}}");
    rig_twin(&r, "u/1", 0);
    EXPECT_TEXT("disposition", rig_get(&r, "issues/1/kind"));
    EXPECT_TEXT("rework", rig_get(&r, "issues/1/detail"));
    (void)rig_put(&r,
        "{\"kind\":\"disposition\",\"asset\":\"nc:1\",\"attrs\":{\"decision\":\"rework\","
        "\"released\":true}}\n"
        "{\"kind\":\"inspection\",\"asset\":\"u/1\",\"attrs\":{\"verdict\":\"PASS\"}}");
    rig_twin(&r, "u/1", 0);
    EXPECT_TEXT("#0", rig_get(&r, "issues"));
    EXPECT_TEXT("ok", rig_get(&r, "health/status"));
    rig_twin(&r, "u/1", disposed);
    EXPECT_TEXT("#3", rig_get(&r, "issues"));
    (void)rig_put(&r,
        "{\"kind\":\"failure\",\"asset\":\"u/1\",\"attrs\":{\"mode\":\"leak\"}}\n"
        "{\"kind\":\"warranty_claim\",\"asset\":\"claim:1\",\"links\":[{\"rel\":\"about\",\"to\":"
        "\"u/1\"}]}\n"
        "{\"kind\":\"maintenance_plan\",\"asset\":\"u/1\",\"at\":\"2001-01-01T00:00:00Z\","
        "\"attrs\":{\"interval_days\":30}}");
    rig_twin(&r, "u/1", 0);
    EXPECT_TEXT("failed", rig_get(&r, "health/status"));
    EXPECT_TEXT("#3", rig_get(&r, "issues"));
    EXPECT_TEXT("warranty", rig_get(&r, "issues/0/kind"));
    EXPECT_TEXT("leak", rig_get(&r, "issues/1/detail"));
    EXPECT_TEXT("2001-01-31T00:00:00Z", rig_get(&r, "issues/2/due"));
    (void)rig_put(&r,
        "{\"kind\":\"repair\",\"asset\":\"u/1\"}\n{\"kind\":\"maintenance\",\"asset\":\"u/1\"}\n"
        "{\"kind\":\"warranty_claim\",\"asset\":\"claim:1\",\"attrs\":{\"status\":\"settled\"},"
        "\"links\":[{\"rel\":\"about\",\"to\":\"u/1\"}]}");
    rig_twin(&r, "u/1", 0);
    EXPECT_TEXT("#0", rig_get(&r, "issues"));
    rig_close(&r);
}

TEST(state_twin, properties_are_the_newest_of_each_with_age_and_wish)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r,
        "{\"kind\":\"reported\",\"asset\":\"m/1\",\"at\":\"2023-01-01T00:00:00Z\",\"attrs\":"
        "{\"speed\":{\"value\":1.50,\"unit\":\"m/s\",\"quality\":\"good\"},\"door\":\"open\"}}");
    (void)rig_put(&r,
        "{\"kind\":\"reported\",\"asset\":\"m/1\",\"at\":\"2023-01-01T00:01:00Z\",\"attrs\":"
        "{\"door\":\"shut\"}}\n"
        "{\"kind\":\"reported\",\"asset\":\"m/1\",\"at\":\"2022-01-01T00:00:00Z\",\"attrs\":"
        "{\"door\":\"ajar\",\"old\":1}}\n"
        "{\"kind\":\"desired\",\"asset\":\"m/1\",\"attrs\":{\"speed\":{\"value\":2,\"unit\":"
        "\"m/s\"},\"door\":\"shut\",\"gone\":1}}");
    (void)rig_put(&r,
        "{\"kind\":\"desired\",\"asset\":\"m/1\",\"attrs\":{\"gone\":null}}\n"
        "{\"kind\":\"twin_policy\",\"asset\":\"m/1\",\"attrs\":{\"freshness\":{\"door\":90,\"*\":"
        "100000000}}}");
    struct weft_query query = {.type = WEFT_QUERY_TWIN,
        .asset = WEFT_TEXT("m/1"),
        .sections = WEFT_TWIN_PROPERTIES,
        .has_at = true,
        .at_ns = INT64_C(1672531320) * 1000000000};
    EXPECT_EQ(WEFT_OK, rig_ask(&r, &query)); /* 00:02:00: the wishes are of a later time. */
    EXPECT_TEXT("60", rig_get(&r, "properties/reported/0/age_s"));
    EXPECT_TEXT("shut", rig_get(&r, "properties/reported/0/value"));
    EXPECT_TEXT("#0", rig_get(&r, "properties/desired"));
    EXPECT_TEXT("", rig_get(&r, "values"));
    rig_twin(&r, "m/1", 0);
    EXPECT_TEXT("#3", rig_get(&r, "properties/reported"));
    EXPECT_TEXT("true", rig_get(&r, "properties/reported/0/is_stale"));
    EXPECT_TEXT("1.50", rig_get(&r, "properties/reported/2/value"));
    EXPECT_TEXT("good", rig_get(&r, "properties/reported/2/quality"));
    EXPECT_TEXT("#2", rig_get(&r, "properties/desired"));
    EXPECT_TEXT("true", rig_get(&r, "properties/desired/0/is_met"));
    EXPECT_TEXT("false", rig_get(&r, "properties/desired/1/is_met"));
    EXPECT_TEXT("-0.5", rig_get(&r, "properties/desired/1/difference"));
    EXPECT_TEXT("stale", rig_get(&r, "health/reasons/0"));
    EXPECT_TEXT("desired", rig_get(&r, "health/reasons/1"));
    rig_close(&r);
}

TEST(state_twin, a_line_shows_what_is_below_it_and_nothing_else)
{
    struct rig r;
    rig_open(&r);
    uint64_t first = rig_put(&r, "{\"kind\":\"machine\",\"asset\":\"p/line2/a\"}\n"
                                 "{\"kind\":\"machine\",\"asset\":\"p/line2/b/x\"}\n"
                                 "{\"kind\":\"machine\",\"asset\":\"p/line22/c\"}");
    (void)rig_put(&r, "{\"kind\":\"failure\",\"asset\":\"p/line2/b/x\"}\n"
                      "{\"kind\":\"retirement\",\"asset\":\"p/line2/a\"}\n"
                      "{\"kind\":\"failure\",\"asset\":\"p/line22/c\"}");
    rig_twin(&r, "p/line2", 0);
    EXPECT_TEXT("0", rig_get(&r, "rev"));
    EXPECT_TEXT("2", rig_get(&r, "below/assets"));
    EXPECT_TEXT("1", rig_get(&r, "below/retired"));
    EXPECT_TEXT("failed", rig_get(&r, "below/worst"));
    EXPECT_TEXT("1", rig_get(&r, "below/issues/failure"));
    EXPECT_TEXT("p/line2/b/x", rig_get(&r, "below/not_ok/0/asset"));
    rig_twin(&r, "p", first);
    EXPECT_TEXT("3", rig_get(&r, "below/assets"));
    EXPECT_TEXT("ok", rig_get(&r, "below/worst"));
    struct weft_query query = {.type = WEFT_QUERY_TWIN, .asset = WEFT_TEXT("p/line2/c")};
    EXPECT_EQ(WEFT_ENOTFOUND, rig_ask(&r, &query));
    query.asset = WEFT_TEXT("p/line");
    EXPECT_EQ(WEFT_ENOTFOUND, rig_ask(&r, &query));
    query.asset = WEFT_TEXT("p/line2");
    query.as_of = r.f.index + 1;
    EXPECT_EQ(WEFT_EUNAVAILABLE, rig_ask(&r, &query));
    rig_close(&r);
}

TEST(state_twin, a_line_of_which_nothing_is_said_shows_what_is_below_it_whatever_is_asked_for)
{
    static const uint32_t sections[] = {WEFT_TWIN_VALUES, WEFT_TWIN_PROPERTIES,
        WEFT_TWIN_CONFIGURATION, WEFT_TWIN_ISSUES, WEFT_TWIN_BELOW};
    struct rig r;
    rig_open(&r);
    rig_put(&r, "{\"kind\":\"failure\",\"asset\":\"p/line2/a\",\"attrs\":{\"n\":1}}\n"
                "{\"kind\":\"note\",\"asset\":\"q\",\"attrs\":{\"n\":1}}\n"
                "{\"kind\":\"note\",\"asset\":\"q/b\",\"attrs\":{\"n\":1}}");
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        struct weft_query query = {
            .type = WEFT_QUERY_TWIN, .asset = WEFT_TEXT("p"), .sections = sections[i]};
        EXPECT_EQ(WEFT_OK, rig_ask(&r, &query));
        EXPECT_TEXT("0", rig_get(&r, "rev"));
        EXPECT_TEXT("1", rig_get(&r, "below/assets"));
        EXPECT_TEXT("failed", rig_get(&r, "below/worst"));
        EXPECT_TEXT(sections[i] == WEFT_TWIN_VALUES ? "#0" : "", rig_get(&r, "values"));
        query.asset = WEFT_TEXT("p/line"); /* Half a name is none. */
        EXPECT_EQ(WEFT_ENOTFOUND, rig_ask(&r, &query));
        query.asset = WEFT_TEXT("q"); /* Of this something is said: only what is asked for. */
        EXPECT_EQ(WEFT_OK, rig_ask(&r, &query));
        EXPECT_TEXT(sections[i] == WEFT_TWIN_BELOW ? "1" : "", rig_get(&r, "below/assets"));
    }
    rig_close(&r);
}

TEST(state_twin, a_diff_of_two_times_tells_what_changed_between_them)
{
    struct rig r;
    rig_open(&r);
    uint64_t first = rig_put(&r, "{\"kind\":\"a\",\"asset\":\"d/"
                                 "1\",\"attrs\":{\"n\":{\"value\":1,\"unit\":\"mm\"},\"x\":5}}");
    (void)rig_put(&r,
        "{\"kind\":\"a\",\"asset\":\"d/1\",\"attrs\":{\"n\":{\"value\":2,\"unit\":\"mm\"},\"y\":6},"
        "\"links\":[{\"rel\":\"made_on\",\"to\":\"m/1\"}]}\n"
        "{\"kind\":\"failure\",\"asset\":\"d/1\"}");
    struct weft_query query = {.type = WEFT_QUERY_DIFF, .asset = WEFT_TEXT("d/1"), .as_of = first};
    EXPECT_EQ(WEFT_OK, rig_ask(&r, &query));
    static const char *const expected[][4] = {{"health", "health", "ok", "failed"},
        {"value", "n/value", "1", "2"}, {"value", "x", "5", ""}, {"value", "y", "", "6"},
        {"link", "made_on", "", "m/1"}, {"issue", "failure", "", "d/1"}};
    EXPECT_TEXT("6", rig_get(&r, "count"));
    for (int i = 0; i < 6; i++) {
        static const char *const members[] = {"what", "name", "left", "right"};
        for (int m = 0; m < 4; m++) {
            char pointer[64];
            (void)snprintf(pointer, sizeof(pointer), "differences/%d/%s", i, members[m]);
            EXPECT_TEXT(expected[i][m], rig_get(&r, pointer));
        }
    }
    query.other_as_of = first;
    EXPECT_EQ(WEFT_OK, rig_ask(&r, &query));
    EXPECT_TEXT("0", rig_get(&r, "count"));
    query.left = WEFT_TWIN_BUILT;
    EXPECT_EQ(WEFT_EINVAL, rig_ask(&r, &query));
    query.asset = WEFT_TEXT("d/2");
    query.left = WEFT_TWIN_UNSPECIFIED;
    EXPECT_EQ(WEFT_ENOTFOUND, rig_ask(&r, &query));
    query.other_as_of = r.f.index + 1;
    EXPECT_EQ(WEFT_EUNAVAILABLE, rig_ask(&r, &query));
    rig_close(&r);
}

TEST(state_twin, what_was_known_by_a_time_is_what_was_known_at_the_last_index_then)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, "{\"kind\":\"a\",\"asset\":\"d/1\",\"attrs\":{\"x\":1}}");
    int64_t first_ns = r.f.time_ns;
    (void)rig_put(&r, "{\"kind\":\"a\",\"asset\":\"d/1\",\"attrs\":{\"x\":2}}");
    int64_t second_ns = r.f.time_ns;
    struct weft_query query = {.type = WEFT_QUERY_TWIN,
        .asset = WEFT_TEXT("d/1"),
        .has_as_of_ns = true,
        .now_ns = second_ns + 1000000};
    const struct {
        int64_t by_ns;
        const char *value;
    } cases[] = {{first_ns, "1"}, {second_ns - 1, "1"}, {second_ns, "2"}, {INT64_MAX, "2"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        query.as_of_ns = cases[i].by_ns;
        EXPECT_EQ(WEFT_OK, rig_ask(&r, &query));
        EXPECT_TEXT(cases[i].value, rig_get(&r, "values/0/value"));
    }
    query.as_of_ns = first_ns - 1;
    EXPECT_EQ(WEFT_ENOTFOUND, rig_ask(&r, &query));
    query.as_of_ns = INT64_MIN;
    EXPECT_EQ(WEFT_ENOTFOUND, rig_ask(&r, &query));
    /* Of a difference both sides, unless they name an index. */
    query = (struct weft_query){.type = WEFT_QUERY_DIFF,
        .asset = WEFT_TEXT("d/1"),
        .has_as_of_ns = true,
        .as_of_ns = first_ns};
    EXPECT_EQ(WEFT_OK, rig_ask(&r, &query));
    EXPECT_TEXT("0", rig_get(&r, "count"));
    query.other_as_of = r.f.index;
    EXPECT_EQ(WEFT_OK, rig_ask(&r, &query));
    EXPECT_TEXT("1", rig_get(&r, "count"));
    EXPECT_TEXT("1", rig_get(&r, "differences/0/left"));
    rig_close(&r);
}

TEST(state_twin, what_takes_too_long_to_look_through_is_told_to_be_missing)
{
    static const struct {
        uint64_t steps_max;
        bool is_cut;
    } cases[] = {{1, true}, {30, true}, {1000, false}};
    struct rig r;
    rig_open(&r);
    for (int i = 0; i < 40; i++) {
        (void)rig_put(&r, "{\"kind\":\"reported\",\"asset\":\"m/1\",\"attrs\":{\"n\":1}}");
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_view *view;
        struct weft_portrait p;
        struct weft_loader loader;
        struct weft_msg msg;
        weft_arena_reset(&r.arena);
        EXPECT_EQ(WEFT_OK, weft_view_open(r.f.state, &view, &msg));
        weft_loader_init(&loader, view->store, view->snapshot);
        struct weft_dossier dossier = {.store = view->store,
            .snapshot = view->snapshot,
            .walk = weft_store_walk_create(view->store, view->snapshot, false),
            .loader = &loader,
            .arena = &r.arena,
            .msg = &msg,
            .as_of = view->index,
            .at_ns = INT64_MAX};
        EXPECT_EQ(
            WEFT_OK, weft_portrait_take(&p, &dossier, WEFT_TEXT("m/1"), 0, cases[i].steps_max));
        EXPECT_EQ(cases[i].is_cut, p.is_cut);
        EXPECT_EQ(cases[i].is_cut ? 0 : 1, p.reported.count);
        weft_store_walk_destroy(dossier.walk);
        weft_loader_close(&loader);
        weft_view_close(view);
    }
    rig_twin(&r, "m/1", 0);
    EXPECT_TEXT("true", rig_get(&r, "is_complete"));
    rig_close(&r);
}
