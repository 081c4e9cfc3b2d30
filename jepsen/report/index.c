#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jepsen/report/page.h"
#include "jepsen/report/report.h"

enum {
    PATH_BYTES = 4096,
    RUNS_MAX = 100000
};

#define RESULTS_BYTES_MAX ((size_t)64 << 20)

struct run {
    char *name;
    int64_t written_s; /* results.edn */
};

static int newest_first(const void *a, const void *b)
{
    const struct run *one = a, *other = b;
    return one->written_s != other->written_s ? (one->written_s < other->written_s ? 1 : -1)
                                              : strcmp(other->name, one->name);
}

static size_t find_runs(DIR *directory, const char *root, struct run **ret_runs)
{
    struct dirent *entry = NULL;
    size_t count = 0;
    while (count < RUNS_MAX && (entry = readdir(directory)) != NULL) {
        char path[PATH_BYTES];
        struct stat status;
        (void)snprintf(path, sizeof(path), "%s/%s/results.edn", root, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &status) != 0) {
            continue;
        }
        *ret_runs = jep_realloc(*ret_runs, count + 1, sizeof(**ret_runs));
        (*ret_runs)[count++] =
            (struct run){.name = strdup(entry->d_name), .written_s = status.st_mtime};
    }
    return count;
}

static void put_cell(struct jep_page *page, const struct jep_edn *map, const char *key)
{
    const struct jep_edn *value = map != NULL ? jep_edn_get(map, key) : NULL;
    jep_text_puts(&page->html, "<td>");
    if (value != NULL && value->type == JEP_EDN_STRING) {
        jep_page_text(page, value->text);
    } else if (value != NULL) {
        jep_page_value(page, value, 100);
    }
    jep_text_puts(&page->html, "</td>");
}

static enum jep_verdict put_run(struct jep_page *page, const char *root, const char *name)
{
    char path[PATH_BYTES];
    struct jep_text text = {0};
    struct jep_edn results = {.type = JEP_EDN_MAP};
    struct jep_arena *arena = page->history->arena;
    (void)snprintf(path, sizeof(path), "%s/%s/results.edn", root, name);
    if (!jep_text_read_file(&text, path, RESULTS_BYTES_MAX, NULL) ||
        !jep_edn_parse(arena, text.bytes, text.size, &results, NULL)) {
        results = (struct jep_edn){.type = JEP_EDN_MAP}; /* shown as unknown */
    }
    jep_text_puts(&page->html, "<tr><td>");
    jep_page_verdict(page, jep_verdict_of(&results));
    jep_text_puts(&page->html, "</td><td><a href=\"");
    jep_page_text(page, name);
    jep_text_puts(&page->html, "/report.html\">");
    jep_page_text(page, name);
    jep_text_puts(&page->html, "</a></td>");
    put_cell(page, jep_edn_get(&results, "options"), "workload");
    put_cell(page, jep_edn_get(&results, "options"), "nemesis");
    put_cell(page, jep_edn_get(&results, "options"), "seed");
    jep_text_puts(&page->html, "<td>");
    for (uint32_t i = 0; results.type == JEP_EDN_MAP && i < results.count; i++) {
        const struct jep_edn *check = &results.items[2 * i + 1];
        const struct jep_edn *why = jep_edn_get(check, "why");
        if (why != NULL && jep_edn_get(check, "valid?") != NULL &&
            jep_verdict_of(check) == jep_verdict_of(&results) &&
            jep_verdict_of(check) != JEP_VALID) {
            jep_page_value(page, why, 300);
            break;
        }
    }
    jep_text_puts(&page->html, "</td></tr>\n");
    jep_text_free(&text);
    return jep_verdict_of(&results);
}

bool jep_report_index(const char *root, struct jep_message *message)
{
    char path[PATH_BYTES];
    struct run *runs = NULL;
    struct jep_page page = {.run = root};
    size_t counts[3] = {0};
    DIR *directory = opendir(root);
    if (directory == NULL) {
        return jep_failed(message, "%s: cannot read: %s", root, strerror(errno));
    }
    size_t count = find_runs(directory, root, &runs);
    (void)closedir(directory);
    if (count > 0) {
        qsort(runs, count, sizeof(*runs), newest_first);
    }
    page.history = jep_history_create(); /* for its arena */
    jep_text_printf(&page.html,
        "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>runs</title><style>%s</style>"
        "</head><body><h1>Runs</h1>\n<table><tr><th></th><th>run</th><th>workload</th>"
        "<th>nemesis</th><th>seed</th><th>why</th></tr>\n",
        jep_page_style);
    for (size_t i = 0; i < count; i++) {
        counts[put_run(&page, root, runs[i].name)]++;
        free(runs[i].name);
    }
    jep_text_printf(&page.html,
        "</table>\n<p>%zu runs: %zu valid, %zu unknown, %zu invalid.</p></body></html>\n", count,
        counts[JEP_VALID], counts[JEP_UNKNOWN], counts[JEP_INVALID]);
    (void)snprintf(path, sizeof(path), "%s/index.html", root);
    bool good = jep_text_write_file(&page.html, path, message);
    jep_text_free(&page.html);
    jep_history_destroy(page.history);
    free(runs);
    return good;
}
