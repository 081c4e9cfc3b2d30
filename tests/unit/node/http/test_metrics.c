#include <stdlib.h>
#include <string.h>

#include "node/api/http/metrics.h"
#include "tests/lib/test.h"

static struct weft_http_stats stats;
static uint64_t refused[WEFT_ERRS];

static const char *write_metrics(
    const struct weft_status *status, const struct weft_latency *l, struct weft_buffer *out)
{
    const struct weft_http_metrics m = {
        .status = status, .commit = l, .read = l, .refused = refused, .http = &stats};
    weft_buffer_clear(out);
    EXPECT_EQ(WEFT_OK, weft_http_metrics_write(&m, out));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(out, "", 1));
    return (const char *)out->data;
}

TEST(metrics, gauges_have_names_units_and_one_head_for_both_doors)
{
    struct weft_gauge gauges[] = {{WEFT_TEXT("records"), 3},
        {WEFT_TEXT("log_sync_ns_mean"), 1500000}, {WEFT_TEXT("client_accepted_total"), 4},
        {WEFT_TEXT("peer_accepted_total"), 5}, {WEFT_TEXT("something_new_total"), 6}};
    struct weft_status status = {
        .state = WEFT_TEXT("leader"), .gauges = gauges, .gauge_count = 5, .term = 7};
    struct weft_latency none = {.count = 0};
    struct weft_buffer out = {0};
    const char *text = write_metrics(&status, &none, &out);
    EXPECT_TRUE(strstr(text, "# TYPE weft_records gauge\nweft_records 3\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_raft_log_sync_mean_seconds 0.0015\n") != NULL);
    EXPECT_TRUE(strstr(text, "# TYPE weft_link_accepted_total counter\n"
                             "weft_link_accepted_total{door=\"client\"} 4\n"
                             "weft_link_accepted_total{door=\"peer\"} 5\n") != NULL);
    EXPECT_TRUE(strstr(text, "# TYPE weft_something_new_total counter\n"
                             "weft_something_new_total 6\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_node_role{role=\"leader\"} 1\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_node_role{role=\"follower\"} 0\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_raft_term 7\n") != NULL);
    weft_buffer_destroy(&out);
}

TEST(metrics, figures_of_partners_have_the_agreement_as_a_label)
{
    struct weft_gauge gauges[] = {{WEFT_TEXT("partner/box/sent/up"), 1},
        {WEFT_TEXT("partner/box/sent/lag_ms"), 1500}, {WEFT_TEXT("partner/box/received/up"), 0},
        {WEFT_TEXT("partner_accepted_total"), 2}};
    struct weft_status status = {.state = WEFT_TEXT("leader"), .gauges = gauges, .gauge_count = 4};
    struct weft_latency none = {.count = 0};
    struct weft_buffer out = {0};
    const char *text = write_metrics(&status, &none, &out);
    EXPECT_TRUE(
        strstr(text, "# TYPE weft_partner_up gauge\n"
                     "weft_partner_up{agreement=\"box\",direction=\"sent\"} 1\n"
                     "weft_partner_up{agreement=\"box\",direction=\"received\"} 0\n") != NULL);
    EXPECT_TRUE(strstr(text, "lag_seconds{agreement=\"box\",direction=\"sent\"} 1.5\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_link_accepted_total{door=\"partner\"} 2\n") != NULL);
    EXPECT_TRUE(strstr(text, "partner/box") == NULL);
    weft_buffer_destroy(&out);
}

TEST(metrics, histogram_is_cumulated_and_ends_with_all)
{
    struct weft_latency l = {.count = 0};
    weft_latency_add(&l, 0);
    weft_latency_add(&l, 100000); /* On a bound: below it. */
    weft_latency_add(&l, 100001);
    weft_latency_add(&l, 3600000000000u); /* Above the last. */
    struct weft_status status = {.state = WEFT_TEXT("follower")};
    struct weft_buffer out = {0};
    const char *text = write_metrics(&status, &l, &out);
    EXPECT_TRUE(strstr(text, "weft_commit_duration_seconds_bucket{le=\"0.0001\"} 2\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_commit_duration_seconds_bucket{le=\"0.00025\"} 3\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_commit_duration_seconds_bucket{le=\"10\"} 3\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_commit_duration_seconds_bucket{le=\"+Inf\"} 4\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_commit_duration_seconds_sum 3600.000200001\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_query_duration_seconds_count 4\n") != NULL);
    weft_buffer_destroy(&out);
}

TEST(metrics, refusals_and_answers_are_counted_by_reason)
{
    refused[WEFT_ECONFLICT] = 9;
    stats.requests[201] = 11;
    struct weft_latency none = {.count = 0};
    struct weft_status status = {.state = WEFT_TEXT("follower")};
    struct weft_buffer out = {0};
    const char *text = write_metrics(&status, &none, &out);
    EXPECT_TRUE(strstr(text, "weft_errors_total{reason=\"conflict\"} 9\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_errors_total{reason=\"busy\"} 0\n") != NULL);
    EXPECT_TRUE(strstr(text, "weft_http_requests_total{code=\"201\"} 11\n") != NULL);
    EXPECT_TRUE(strstr(text, "code=\"404\"") == NULL);
    struct weft_buffer small = {.size_max = 100};
    const struct weft_http_metrics m = {
        .status = &status, .commit = &none, .read = &none, .refused = refused, .http = &stats};
    EXPECT_EQ(WEFT_ETOOBIG, weft_http_metrics_write(&m, &small));
    weft_buffer_destroy(&small);
    weft_buffer_destroy(&out);
}
