#include "jepsen/report/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "jepsen/check/check.h"
#include "jepsen/forge/forge.h"
#include "tests/lib/test.h"

static void put_file(const char *run, const char *name, const struct jep_text *text)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", run, name);
    EXPECT_TRUE(jep_text_write_file(text, path, NULL));
}

static void get_file(const char *run, const char *name, struct jep_text *ret_text)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", run, name);
    EXPECT_TRUE(jep_text_read_file(ret_text, path, 10000000, NULL));
}

/* A run as `jepsen run` leaves it. */
static void make_run(const char *run, const char *workload, const char *mutation)
{
    struct jep_forge_options options = {
        .workload = workload, .ops = 300, .keys = 3, .seed = 3, .mutation = mutation};
    struct jep_check_options check = {.workload = workload};
    struct jep_history *history = NULL;
    struct jep_edn results;
    struct jep_text text = {0};
    char path[1024];
    EXPECT_EQ(0, mkdir(run, 0755));
    EXPECT_TRUE(jep_forge(&options, &history, NULL));
    for (size_t i = 0; i < history->count; i++) {
        jep_op_write(&text, &history->ops[i]);
    }
    put_file(run, "history.edn", &text);
    EXPECT_TRUE(jep_check_history(history, &check, &results, NULL));
    struct jep_edn_list map = {0};
    for (size_t i = 0; i < (size_t)results.count * 2; i++) {
        jep_edn_push(&map, results.items[i]);
    }
    jep_edn_put(&map, "command", jep_edn_string("jepsen/run run --nemesis '<&>'"));
    results = jep_edn_take_map(&map, history->arena);
    (void)snprintf(path, sizeof(path), "%s/results.edn", run);
    EXPECT_TRUE(jep_results_write(&results, path, NULL));
    jep_history_destroy(history);
    jep_text_free(&text);
}

TEST(report, a_page_tells_the_verdict_the_reason_and_how_to_replay_it)
{
    char run[900];
    struct jep_text page = {0};
    (void)snprintf(run, sizeof(run), "%s/bad", test_directory());
    make_run(run, "register", "stale-read");
    EXPECT_TRUE(jep_report_write(run, NULL));
    get_file(run, "report.html", &page);
    static const char *const parts[] = {"<span class=\"mark INVALID\">INVALID</span> bad",
        "jepsen/run run --nemesis '&lt;&amp;&gt;'", "came after that and was over before",
        "stroke=\"#d00000\"", "partition-minority", ":dropped", "latency of :cas", "</html>"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strstr(page.bytes, parts[i]) == NULL) {
            EXPECT_TEXT(parts[i], "not in the page");
        }
    }
    EXPECT_TRUE(strstr(page.bytes, "http") == NULL); /* needs nothing beside it */
    EXPECT_TRUE(strstr(page.bytes, "'<&>'") == NULL);
    jep_text_free(&page);
}

TEST(report, the_index_counts_the_runs)
{
    char root[900], run[1000];
    struct jep_text page = {0};
    (void)snprintf(root, sizeof(root), "%s/runs", test_directory());
    EXPECT_EQ(0, mkdir(root, 0755));
    static const char *const runs[][3] = {
        {"one", "append", "write-skew"}, {"two", "set", NULL}, {"three", "counter", "no-evidence"}};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(run, sizeof(run), "%s/%s", root, runs[i][0]);
        make_run(run, runs[i][1], runs[i][2]);
        EXPECT_TRUE(jep_report_write(run, NULL));
    }
    EXPECT_TRUE(jep_report_index(root, NULL));
    get_file(root, "index.html", &page);
    EXPECT_TRUE(strstr(page.bytes, "3 runs: 1 valid, 1 unknown, 1 invalid.") != NULL);
    EXPECT_TRUE(strstr(page.bytes, "href=\"one/report.html\"") != NULL);
    EXPECT_TRUE(strstr(page.bytes, "G2-item") != NULL);
    jep_text_free(&page);
}

TEST(report, a_run_without_a_history_is_refused)
{
    struct jep_message message = {0};
    EXPECT_TRUE(!jep_report_write("/nonexistent/run", &message));
    EXPECT_TRUE(strstr(message.text, "history.edn") != NULL);
    EXPECT_TRUE(!jep_report_index("/nonexistent/root", &message));
}
