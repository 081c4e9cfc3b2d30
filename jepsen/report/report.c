#include "jepsen/report/report.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jepsen/report/page.h"

enum {
    PATH_BYTES = 4096,
    FILES_MAX = 200
};

#define RESULTS_BYTES_MAX ((size_t)64 << 20)

static void put_options(struct jep_page *page)
{
    const struct jep_edn *options = jep_edn_get(&page->results, "options");
    const struct jep_edn *command = jep_edn_get(&page->results, "command");
    const struct jep_edn *summary = jep_edn_get(&page->results, "summary");
    if (command != NULL && command->type == JEP_EDN_STRING) {
        jep_text_puts(&page->html, "<p>The command that replays it:</p><pre>");
        jep_page_text(page, command->text);
        jep_text_puts(&page->html, "</pre>\n");
    }
    if (options != NULL && options->type == JEP_EDN_MAP) {
        jep_text_puts(&page->html, "<p><code>");
        jep_page_value(page, options, 2000);
        jep_text_puts(&page->html, "</code></p>\n");
    }
    if (summary != NULL) {
        jep_text_puts(&page->html, "<p><code>");
        jep_page_value(page, summary, 2000);
        jep_text_puts(&page->html, "</code></p>\n");
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What lies beside the page: the history, the schedule, logs and cores. */
static void put_files(struct jep_page *page)
{
    DIR *directory = opendir(page->run);
    const char *names[FILES_MAX];
    size_t count = 0;
    struct dirent *entry = NULL;
    while (directory != NULL && count < FILES_MAX && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "report.html") != 0) {
            names[count++] =
                jep_arena_text(page->history->arena, entry->d_name, strlen(entry->d_name));
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    qsort(names, count, sizeof(names[0]), by_name);
    jep_text_puts(&page->html, "<h2>Files</h2>\n<p>");
    for (size_t i = 0; i < count; i++) {
        jep_text_puts(&page->html, "<a href=\"");
        jep_page_text(page, names[i]);
        jep_text_puts(&page->html, "\">");
        jep_page_text(page, names[i]);
        jep_text_puts(&page->html, "</a> ");
    }
    jep_text_puts(&page->html, "</p>\n");
}

static const struct jep_edn *first_key(const struct jep_page *page)
{
    for (size_t i = 0; i < page->spans_count; i++) {
        const struct jep_span *span = &page->spans[i];
        if (jep_edn_is_vector(span->value, 2) && !jep_span_is(span, "txn")) {
            return &span->value->items[0];
        }
    }
    return NULL;
}

static void put_page(struct jep_page *page)
{
    static const struct jep_edn any = {.type = JEP_EDN_NIL};
    const char *slash = strrchr(page->run, '/');
    const struct jep_edn *key = first_key(page);
    jep_text_puts(&page->html, "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>");
    jep_page_text(page, slash != NULL ? slash + 1 : page->run);
    jep_text_printf(&page->html, "</title><style>%s</style></head><body>\n<h1>", jep_page_style);
    jep_page_verdict(page, jep_verdict_of(&page->results));
    jep_text_puts(&page->html, " ");
    jep_page_text(page, slash != NULL ? slash + 1 : page->run);
    jep_text_puts(&page->html, "</h1>\n");
    put_options(page);
    jep_page_checks(page);
    jep_page_failures(page);
    jep_page_operations(page);
    jep_page_nemeses(page);
    jep_page_leaders(page);
    jep_text_puts(&page->html, "<h2>Latency and rate</h2>\n");
    jep_page_legend(page);
    jep_page_latencies(page);
    jep_page_rates(page);
    jep_text_puts(&page->html, "<h2>How it begins</h2>\n");
    jep_page_timeline(page, key != NULL ? key : &any, NULL);
    put_files(page);
    jep_text_puts(&page->html, "</body></html>\n");
}

bool jep_report_write(const char *run, struct jep_message *message)
{
    char path[PATH_BYTES];
    struct jep_page page = {.run = run, .results = {.type = JEP_EDN_MAP}};
    struct jep_text text = {0};
    struct stat status;
    (void)snprintf(path, sizeof(path), "%s/history.edn", run);
    if (!jep_history_read(path, &page.history, message)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/results.edn", run);
    bool good =
        stat(path, &status) != 0 ||
        (jep_text_read_file(&text, path, RESULTS_BYTES_MAX, message) &&
            jep_edn_parse(page.history->arena, text.bytes, text.size, &page.results, message));
    if (good && page.results.type == JEP_EDN_MAP) {
        page.faults = jep_faults_find(page.history);
        page.spans_count = jep_spans(page.history, &page.spans);
        put_page(&page);
        (void)snprintf(path, sizeof(path), "%s/report.html", run);
        good = jep_text_write_file(&page.html, path, message);
    }
    jep_text_free(&text);
    jep_text_free(&page.html);
    jep_faults_free(&page.faults);
    free(page.spans);
    jep_history_destroy(page.history);
    return good;
}
