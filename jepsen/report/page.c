#include "jepsen/report/page.h"

#include <string.h>

const char jep_page_style[] =
    "body{font:14px/1.45 sans-serif;margin:1.5em auto;max-width:1080px;color:#222}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin:1.6em 0 .4em;border-bottom:1px solid #ccc}"
    "table{border-collapse:collapse}td,th{padding:.15em .7em;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #eee}td.n,th.n{text-align:right}code,pre{font:12px/1.4 monospace;"
    "background:#f6f6f6}pre{padding:.6em;overflow-x:auto;white-space:pre-wrap}"
    ".mark{padding:.05em .5em;border-radius:.3em;font-weight:bold}"
    ".valid{background:#bfe6bf}.unknown{background:#ffe2a8}.INVALID{background:#ffb3b3}"
    "svg{background:#fff;display:block;margin:.4em 0}svg text{font:11px sans-serif;fill:#444}"
    ".key{display:inline-block;width:.9em;height:.9em;margin:0 .3em 0 1em;vertical-align:-.1em}";

void jep_page_text(struct jep_page *page, const char *text)
{
    size_t start = 0, i = 0;
    for (; text[i] != '\0'; i++) {
        const char *escaped = text[i] == '&'   ? "&amp;"
                              : text[i] == '<' ? "&lt;"
                              : text[i] == '>' ? "&gt;"
                              : text[i] == '"' ? "&quot;"
                                               : NULL;
        if (escaped != NULL) {
            jep_text_add(&page->html, text + start, i - start);
            jep_text_puts(&page->html, escaped);
            start = i + 1;
        }
    }
    jep_text_add(&page->html, text + start, i - start);
}

void jep_page_value(struct jep_page *page, const struct jep_edn *value, size_t max_bytes)
{
    jep_page_text(page, jep_edn_show(page->history->arena, value, max_bytes));
}

void jep_page_verdict(struct jep_page *page, enum jep_verdict verdict)
{
    const char *name = jep_verdict_name(verdict);
    jep_text_printf(&page->html, "<span class=\"mark %s\">%s</span>", name, name);
}

const char *jep_colour_of_type(enum jep_op_type type)
{
    static const char *const colours[] = {"#888888", "#81bffc", "#ff1e90", "#ffa400"};
    return colours[type];
}

/* Those of jepsen.nemesis.combined, by family; grey for what it does not know. */
const char *jep_colour_of_fault(const char *name)
{
    static const char *const colours[][2] = {{"partition", "#e9dca0"}, {"bridge", "#e9dca0"},
        {"kill", "#e9a4a0"}, {"stop", "#e9a4a0"}, {"crash", "#e9a4a0"}, {"pause", "#a0b1e9"},
        {"clock", "#a0e9e3"}, {"power", "#e9a0d8"}, {"disk", "#c8b18f"}, {"full", "#c8b18f"},
        {"damage", "#d2e9a0"}, {"flip", "#d2e9a0"}, {"truncate", "#d2e9a0"}, {"member", "#b8a0e9"},
        {"grow", "#b8a0e9"}, {"shrink", "#b8a0e9"}, {"link", "#d1e8a0"}, {"delay", "#d1e8a0"},
        {"loss", "#d1e8a0"}, {"packet", "#d1e8a0"}};
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
        if (strstr(name, colours[i][0]) != NULL) {
            return colours[i][1];
        }
    }
    return "#cccccc";
}

double jep_drawing_x(const struct jep_drawing *drawing, int64_t time_ns)
{
    int64_t span_ns =
        drawing->until_ns > drawing->from_ns ? drawing->until_ns - drawing->from_ns : 1;
    double part = (double)(time_ns - drawing->from_ns) / (double)span_ns;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return drawing->left + part * drawing->width;
}

void jep_drawing_open(struct jep_page *page, const struct jep_drawing *drawing)
{
    jep_text_printf(&page->html, "<svg width=\"%.0f\" height=\"%.0f\">\n",
        drawing->left + drawing->width + 20, drawing->top + drawing->height + 30);
}

void jep_drawing_close(struct jep_page *page)
{
    jep_text_puts(&page->html, "</svg>\n");
}

/* Between marks of time: 1, 2 or 5 times a power of ten, some ten of them. */
static int64_t time_step(int64_t span_ns)
{
    int64_t step_ns = 1000;
    static const int64_t factors[] = {1, 2, 5};
    for (size_t i = 0; step_ns * factors[i % 3] * 12 < span_ns; i++) {
        step_ns *= i % 3 == 2 ? 10 : 1;
        if (step_ns * factors[(i + 1) % 3] * 12 >= span_ns) {
            return step_ns * factors[(i + 1) % 3];
        }
    }
    return step_ns;
}

void jep_drawing_time(struct jep_page *page, const struct jep_drawing *drawing)
{
    struct jep_text *html = &page->html;
    double bottom = drawing->top + drawing->height;
    for (size_t i = 0; i < page->faults.count; i++) {
        const struct jep_fault *fault = &page->faults.faults[i];
        double from = jep_drawing_x(drawing, fault->begin_ns);
        double until = jep_drawing_x(drawing, fault->end_ns);
        if (fault->is_skipped || fault->end_ns < drawing->from_ns ||
            fault->begin_ns > drawing->until_ns) {
            continue;
        }
        jep_text_printf(html,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" "
            "opacity=\"0.6\"><title>",
            from, drawing->top, until - from > 1 ? until - from : 1, drawing->height,
            jep_colour_of_fault(fault->name));
        jep_page_text(page, fault->name);
        jep_text_printf(html, " %.2f s to %.2f s%s</title></rect>\n", (double)fault->begin_ns / 1e9,
            (double)fault->end_ns / 1e9, fault->took_effect ? "" : ", not seen to take effect");
    }
    int64_t step_ns = time_step(drawing->until_ns - drawing->from_ns);
    int64_t at_ns = (drawing->from_ns + step_ns - 1) / step_ns * step_ns;
    for (; at_ns <= drawing->until_ns; at_ns += step_ns) {
        double x = jep_drawing_x(drawing, at_ns);
        jep_text_printf(html,
            "<path d=\"M%.1f %.1fv5\" stroke=\"#888\"/><text x=\"%.1f\" y=\"%.1f\" "
            "text-anchor=\"middle\">%g s</text>\n",
            x, bottom, x, bottom + 17, (double)at_ns / 1e9);
    }
    jep_text_printf(html,
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
        "stroke=\"#888\"/>\n",
        drawing->left, drawing->top, drawing->width, drawing->height);
}
