#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/report/page.h"

enum {
    NAMES_MAX = 16,
    POINTS_MAX = 2500, /* of an operation; chosen: a page below a megabyte */
    BINS = 120,
    LANE = 16 /* pixels */
};

static struct jep_drawing whole_run(const struct jep_page *page, double height)
{
    return (struct jep_drawing){
        .width = 940, .height = height, .left = 90, .top = 8, .until_ns = page->faults.end_ns};
}

static size_t names_of(const struct jep_page *page, const char **names)
{
    size_t count = 0;
    for (size_t i = 0; i < page->spans_count; i++) {
        bool is_new = count < NAMES_MAX;
        for (size_t n = 0; n < count && is_new; n++) {
            is_new = names[n] != page->spans[i].invoke->f;
        }
        if (is_new) {
            names[count++] = page->spans[i].invoke->f;
        }
    }
    return count;
}

static void key(struct jep_page *page, const char *colour, const char *text)
{
    jep_text_printf(&page->html, "<span class=\"key\" style=\"background:%s\"></span>", colour);
    jep_page_text(page, text);
}

void jep_page_legend(struct jep_page *page)
{
    jep_text_puts(&page->html, "<p>");
    key(page, jep_colour_of_type(JEP_OK), "ok");
    key(page, jep_colour_of_type(JEP_FAIL), "fail");
    key(page, jep_colour_of_type(JEP_INFO), "unknown");
    for (size_t i = 0; i < page->faults.count; i++) {
        bool is_new = true;
        for (size_t j = 0; j < i && is_new; j++) {
            is_new = strcmp(page->faults.faults[i].name, page->faults.faults[j].name) != 0;
        }
        if (is_new) {
            key(page, jep_colour_of_fault(page->faults.faults[i].name),
                page->faults.faults[i].name);
        }
    }
    jep_text_puts(&page->html, "</p>\n");
}

/* From 0.1 ms at the bottom to 100 s at the top. */
static double latency_y(const struct jep_drawing *drawing, int64_t ns)
{
    double decades = log10(ns > 100000 ? (double)ns / 100000 : 1);
    double part = decades > 6 ? 1 : decades / 6;
    return drawing->top + drawing->height * (1 - part);
}

static void draw_latency_scale(struct jep_page *page, const struct jep_drawing *drawing)
{
    static const char *const labels[] = {
        "0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"};
    int64_t ns = 100000;
    for (size_t i = 0; i < 7; i++, ns *= 10) {
        double y = latency_y(drawing, ns);
        jep_text_printf(&page->html,
            "<path d=\"M%.1f %.1fh%.1f\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%.1f\" "
            "text-anchor=\"end\">%s</text>\n",
            drawing->left, y, drawing->width, drawing->left - 6, y + 4, labels[i]);
    }
}

static void draw_latencies(struct jep_page *page, const struct jep_drawing *drawing, const char *f)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < page->spans_count; i++) {
        count += page->spans[i].invoke->f == f && page->spans[i].end != NULL ? 1 : 0;
    }
    size_t each = count / POINTS_MAX + 1;
    for (size_t i = 0; i < page->spans_count; i++) {
        const struct jep_span *span = &page->spans[i];
        /* All that is not ok is shown; of the others every n-th. */
        if (span->invoke->f != f || span->end == NULL ||
            (span->type == JEP_OK && at++ % each != 0)) {
            continue;
        }
        jep_text_printf(&page->html, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.6\" fill=\"%s\"/>\n",
            jep_drawing_x(drawing, span->invoke->time_ns),
            latency_y(drawing, span->end->time_ns - span->invoke->time_ns),
            jep_colour_of_type(span->type));
    }
}

void jep_page_latencies(struct jep_page *page)
{
    const char *names[NAMES_MAX];
    size_t count = names_of(page, names);
    for (size_t n = 0; n < count; n++) {
        struct jep_drawing drawing = whole_run(page, 150);
        jep_text_puts(&page->html, "<h3>latency of :");
        jep_page_text(page, names[n]);
        jep_text_puts(&page->html, "</h3>\n");
        jep_drawing_open(page, &drawing);
        jep_drawing_time(page, &drawing);
        draw_latency_scale(page, &drawing);
        draw_latencies(page, &drawing, names[n]);
        jep_drawing_close(page);
    }
}

static void draw_rate(struct jep_page *page, const struct jep_drawing *drawing,
    const uint32_t *bins, uint32_t most, const char *colour)
{
    jep_text_printf(
        &page->html, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" d=\"", colour);
    for (size_t b = 0; b < BINS; b++) {
        double x = drawing->left + drawing->width * ((double)b + 0.5) / BINS;
        double y =
            drawing->top + drawing->height * (1 - (double)bins[b] / (double)(most > 0 ? most : 1));
        jep_text_printf(&page->html, "%s%.1f %.1f", b == 0 ? "M" : "L", x, y);
    }
    jep_text_puts(&page->html, "\"/>\n");
}

void jep_page_rates(struct jep_page *page)
{
    const char *names[NAMES_MAX];
    size_t count = names_of(page, names);
    int64_t bin_ns = page->faults.end_ns / BINS + 1;
    for (size_t n = 0; n < count; n++) {
        struct jep_drawing drawing = whole_run(page, 90);
        uint32_t bins[4][BINS] = {{0}}, most = 0;
        for (size_t i = 0; i < page->spans_count; i++) {
            const struct jep_span *span = &page->spans[i];
            if (span->invoke->f == names[n] && span->end != NULL) {
                uint32_t *bin = &bins[span->type][span->end->time_ns / bin_ns];
                (*bin)++;
                most = *bin > most ? *bin : most;
            }
        }
        jep_text_puts(&page->html, "<h3>rate of :");
        jep_page_text(page, names[n]);
        jep_text_printf(&page->html, ", at most %.0f/s</h3>\n", most * 1e9 / (double)bin_ns);
        jep_drawing_open(page, &drawing);
        jep_drawing_time(page, &drawing);
        draw_rate(page, &drawing, bins[JEP_OK], most, jep_colour_of_type(JEP_OK));
        draw_rate(page, &drawing, bins[JEP_FAIL], most, jep_colour_of_type(JEP_FAIL));
        draw_rate(page, &drawing, bins[JEP_INFO], most, jep_colour_of_type(JEP_INFO));
        jep_drawing_close(page);
    }
}

static size_t lane_of(const char **lanes, size_t *count, const char *node)
{
    size_t lane = 0;
    while (lane < *count && strcmp(lanes[lane], node) != 0) {
        lane++;
    }
    if (lane == *count && *count < NAMES_MAX) {
        lanes[(*count)++] = node;
    }
    return lane < NAMES_MAX ? lane : NAMES_MAX - 1;
}

static const char *leader_in(const struct jep_op *op)
{
    const struct jep_edn *leader = jep_edn_get(&op->value, "leader");
    return leader != NULL && leader->type == JEP_EDN_STRING ? leader->text : NULL;
}

static bool is_leader_op(const struct jep_op *op)
{
    return op->process == JEP_NEMESIS && strcmp(op->f, "leader") == 0;
}

static void draw_leader(struct jep_page *page, const struct jep_drawing *drawing, size_t lane,
    const struct jep_op *op, int64_t until_ns)
{
    const struct jep_edn *term = jep_edn_get(&op->value, "term");
    double from = jep_drawing_x(drawing, op->time_ns), until = jep_drawing_x(drawing, until_ns);
    double y = drawing->top + LANE * (double)lane;
    jep_text_printf(&page->html,
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"#5b8c5a\"><title>%s from "
        "%.2f s to %.2f s</title></rect>\n",
        from, y + 2, until - from > 1 ? until - from : 1, LANE - 4, leader_in(op),
        (double)op->time_ns / 1e9, (double)until_ns / 1e9);
    if (term != NULL && jep_edn_is_int(term) && until - from > 18) {
        jep_text_printf(&page->html,
            "<text x=\"%.1f\" y=\"%.1f\" style=\"fill:#fff\">%" PRId64 "</text>\n", from + 3,
            y + LANE - 4, term->integer);
    }
}

void jep_page_leaders(struct jep_page *page)
{
    const struct jep_history *history = page->history;
    const char *lanes[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < history->count; i++) {
        if (is_leader_op(&history->ops[i]) && leader_in(&history->ops[i]) != NULL) {
            (void)lane_of(lanes, &count, leader_in(&history->ops[i]));
        }
    }
    if (count == 0) {
        return;
    }
    struct jep_drawing drawing = whole_run(page, LANE * (double)count);
    const struct jep_op *last = NULL;
    jep_text_puts(&page->html, "<h2>Leaders and their terms</h2>\n");
    jep_drawing_open(page, &drawing);
    jep_drawing_time(page, &drawing);
    for (size_t lane = 0; lane < count; lane++) {
        jep_text_printf(&page->html, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
            drawing.left - 6, drawing.top + LANE * ((double)lane + 0.8));
        jep_page_text(page, lanes[lane]);
        jep_text_puts(&page->html, "</text>\n");
    }
    for (size_t i = 0; i <= history->count; i++) {
        const struct jep_op *op = i < history->count ? &history->ops[i] : NULL;
        if (op != NULL && !is_leader_op(op)) {
            continue;
        }
        if (last != NULL && leader_in(last) != NULL) {
            draw_leader(page, &drawing, lane_of(lanes, &count, leader_in(last)), last,
                op != NULL ? op->time_ns : page->faults.end_ns);
        }
        last = op;
    }
    jep_drawing_close(page);
}
