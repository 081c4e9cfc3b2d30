#include <inttypes.h>
#include <string.h>

#include "jepsen/report/page.h"

enum {
    TIMELINES_MAX = 4,
    VALUE_BYTES = 400
};

static const char *why_of(const struct jep_edn *map)
{
    const struct jep_edn *why = jep_edn_get(map, "why");
    return why != NULL && why->type == JEP_EDN_STRING ? why->text : "";
}

void jep_page_checks(struct jep_page *page)
{
    jep_text_puts(&page->html, "<h2>Checks</h2>\n<table>\n");
    for (uint32_t i = 0; i < page->results.count; i++) {
        const struct jep_edn *check = &page->results.items[2 * i + 1];
        if (jep_edn_get(check, "valid?") == NULL) {
            continue;
        }
        jep_text_puts(&page->html, "<tr><td>");
        jep_page_text(page, page->results.items[2 * i].text);
        jep_text_puts(&page->html, "</td><td>");
        jep_page_verdict(page, jep_verdict_of(check));
        jep_text_puts(&page->html, "</td><td>");
        jep_page_text(page, why_of(check));
        jep_text_puts(&page->html, "</td></tr>\n");
    }
    jep_text_puts(&page->html, "</table>\n");
}

static void put_list(struct jep_page *page, const char *title, const struct jep_edn *list)
{
    if (list == NULL || !jep_edn_is_sequence(list) || list->count == 0) {
        return;
    }
    jep_text_printf(&page->html, "<p>%s</p><ul>", title);
    for (uint32_t i = 0; i < list->count; i++) {
        jep_text_puts(&page->html, "<li><code>");
        if (list->items[i].type == JEP_EDN_STRING) {
            jep_page_text(page, list->items[i].text);
        } else {
            jep_page_value(page, &list->items[i], VALUE_BYTES);
        }
        jep_text_puts(&page->html, "</code></li>");
    }
    jep_text_puts(&page->html, "</ul>\n");
}

/* A key whose history nothing explains. */
static void put_key(struct jep_page *page, const struct jep_edn *failure, bool has_timeline)
{
    const struct jep_edn *key = jep_edn_get(failure, "key"), *op = jep_edn_get(failure, "op");
    const struct jep_edn *until = jep_edn_get(failure, "explained-until");
    jep_text_puts(&page->html, "<h3>key ");
    jep_page_value(page, key, 100);
    jep_text_puts(&page->html, "</h3>\n<p>");
    jep_page_text(page, why_of(failure));
    jep_text_puts(&page->html, ".</p>\n");
    if (until != NULL && jep_edn_is_int(until)) {
        jep_text_printf(&page->html, "<p>Everything up to index %" PRId64 " can be explained.</p>",
            until->integer);
    }
    put_list(page, "Just before, the register could hold:", jep_edn_get(failure, "states"));
    put_list(page, "Under way, or in doubt, at that moment:", jep_edn_get(failure, "pending"));
    if (has_timeline) {
        jep_page_timeline(page, key, op);
    }
}

void jep_page_failures(struct jep_page *page)
{
    bool has_title = false;
    for (uint32_t i = 0; i < page->results.count; i++) {
        const struct jep_edn *check = &page->results.items[2 * i + 1];
        const struct jep_edn *keys = jep_edn_get(check, "failures");
        const struct jep_edn *anomalies = jep_edn_get(check, "anomalies");
        uint32_t keys_count = keys != NULL && jep_edn_is_sequence(keys) ? keys->count : 0;
        uint32_t count = anomalies != NULL && jep_edn_is_sequence(anomalies) ? anomalies->count : 0;
        if (keys_count + count > 0 && !has_title) {
            jep_text_puts(&page->html, "<h2>What was found</h2>\n");
            has_title = true;
        }
        for (uint32_t j = 0; j < keys_count; j++) {
            put_key(page, &keys->items[j], j < TIMELINES_MAX);
        }
        for (uint32_t j = 0; j < count; j++) {
            const struct jep_edn *name = jep_edn_get(&anomalies->items[j], "anomaly");
            jep_text_puts(&page->html, "<p><b>");
            jep_page_text(page, page->results.items[2 * i].text);
            jep_text_puts(&page->html, ": ");
            jep_page_text(page, name != NULL && name->type == JEP_EDN_KEYWORD ? name->text : "");
            jep_text_puts(&page->html, "</b> ");
            jep_page_text(page, why_of(&anomalies->items[j]));
            jep_text_puts(&page->html, "</p>\n");
            put_list(page, "where", jep_edn_get(&anomalies->items[j], "transactions"));
        }
    }
}

static void put_number(struct jep_page *page, const struct jep_edn *map, const char *key)
{
    const struct jep_edn *value = map != NULL ? jep_edn_get(map, key) : NULL;
    jep_text_puts(&page->html, "<td class=\"n\">");
    if (value != NULL) {
        jep_page_value(page, value, 40);
    }
    jep_text_puts(&page->html, "</td>");
}

/* Counts of coverage and latencies of performance, side by side. */
void jep_page_operations(struct jep_page *page)
{
    const struct jep_edn *coverage = jep_edn_get(&page->results, "coverage");
    const struct jep_edn *performance = jep_edn_get(&page->results, "performance");
    const struct jep_edn *counts = coverage != NULL ? jep_edn_get(coverage, "operations") : NULL;
    const struct jep_edn *latencies =
        performance != NULL ? jep_edn_get(performance, "latencies") : NULL;
    static const char *const outcomes[] = {"ok", "fail", "info"};
    static const char *const measures[] = {"per-second", "p50-ms", "p95-ms", "p99-ms", "max-ms"};
    if (counts == NULL || counts->type != JEP_EDN_MAP) {
        return;
    }
    jep_text_puts(&page->html, "<h2>Operations</h2>\n<table><tr><th></th>");
    for (size_t i = 0; i < 3; i++) {
        jep_text_printf(&page->html, "<th class=\"n\">%s</th>", outcomes[i]);
    }
    for (size_t i = 0; i < 5; i++) {
        jep_text_printf(&page->html, "<th class=\"n\">%s</th>", measures[i]);
    }
    jep_text_puts(&page->html, "</tr>\n");
    for (uint32_t i = 0; i < counts->count; i++) {
        const struct jep_edn *latency =
            latencies != NULL ? jep_edn_find(latencies, &counts->items[2 * i]) : NULL;
        jep_text_puts(&page->html, "<tr><td>");
        jep_page_value(page, &counts->items[2 * i], 40);
        jep_text_puts(&page->html, "</td>");
        for (size_t j = 0; j < 3; j++) {
            put_number(page, &counts->items[2 * i + 1], outcomes[j]);
        }
        for (size_t j = 0; j < 5; j++) {
            put_number(page, latency, measures[j]);
        }
        jep_text_puts(&page->html, "</tr>\n");
    }
    jep_text_puts(&page->html, "</table>\n");
}

static void put_evidence(struct jep_page *page, const struct jep_edn *value)
{
    const struct jep_edn *evidence = value != NULL ? jep_edn_get(value, "evidence") : NULL;
    const struct jep_edn *skipped = value != NULL ? jep_edn_get(value, "skipped") : NULL;
    if (evidence != NULL) {
        jep_page_value(page, evidence, VALUE_BYTES);
    }
    if (skipped != NULL) {
        jep_text_puts(&page->html, " skipped: ");
        jep_page_value(page, skipped, VALUE_BYTES);
    }
}

/* Each fault with its evidence: counters of the links stand there too. */
void jep_page_nemeses(struct jep_page *page)
{
    if (page->faults.count == 0) {
        return;
    }
    jep_text_puts(&page->html,
        "<h2>Faults</h2>\n<table><tr><th>fault</th><th class=\"n\">from s</th>"
        "<th class=\"n\">until s</th><th>took effect</th><th>quorum</th><th>nodes</th>"
        "<th>evidence at the start</th><th>at the end</th></tr>\n");
    for (size_t i = 0; i < page->faults.count; i++) {
        const struct jep_fault *fault = &page->faults.faults[i];
        const struct jep_edn *nodes =
            fault->started != NULL ? jep_edn_get(fault->started, "nodes") : NULL;
        jep_text_puts(&page->html, "<tr><td>");
        jep_page_text(page, fault->name);
        jep_text_printf(&page->html,
            "</td><td class=\"n\">%.2f</td><td class=\"n\">%.2f</td><td>%s</td><td>%s</td><td>",
            (double)fault->begin_ns / 1e9, (double)fault->end_ns / 1e9,
            fault->took_effect ? "yes" : "<b>no</b>", fault->is_quorum_kept ? "kept" : "none");
        if (nodes != NULL) {
            jep_page_value(page, nodes, 100);
        }
        jep_text_puts(&page->html, "</td><td><code>");
        put_evidence(page, fault->started);
        jep_text_puts(&page->html, "</code></td><td><code>");
        put_evidence(page, fault->stopped);
        jep_text_puts(&page->html, "</code></td></tr>\n");
    }
    jep_text_puts(&page->html, "</table>\n");
}
