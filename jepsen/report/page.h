/* jepsen/report/page.h: what the parts of a page share: the run, escaped text, a drawing over time.
 * A part adds its piece of HTML to the page's text. */
#ifndef WEFT_JEPSEN_REPORT_PAGE_H
#define WEFT_JEPSEN_REPORT_PAGE_H

#include "jepsen/check/faults.h"
#include "jepsen/check/span.h"
#include "jepsen/core/results.h"

struct jep_page {
    const char *run; /* directory */
    struct jep_history *history;
    struct jep_faults faults;
    struct jep_span *spans;
    size_t spans_count;
    struct jep_edn results; /* a map; empty without results.edn */
    struct jep_text html;
};

/* Text with & < > " escaped. */
void jep_page_text(struct jep_page *page, const char *text);
/* A value on one line, escaped, cut after max_bytes. */
void jep_page_value(struct jep_page *page, const struct jep_edn *value, size_t max_bytes);
/* "valid", "unknown", "INVALID" as a coloured mark. */
void jep_page_verdict(struct jep_page *page, enum jep_verdict verdict);
/* The style sheet, for the index too. */
extern const char jep_page_style[];

/* A drawing with time along x. */
struct jep_drawing {
    double width, height; /* of the field, in pixels */
    double left, top;     /* margins */
    int64_t from_ns, until_ns;
};

void jep_drawing_open(struct jep_page *page, const struct jep_drawing *drawing);
/* Seconds below the field, faults shaded in Jepsen's colours within it. */
void jep_drawing_time(struct jep_page *page, const struct jep_drawing *drawing);
void jep_drawing_close(struct jep_page *page);
double jep_drawing_x(const struct jep_drawing *drawing, int64_t time_ns);

/* Jepsen's colours. */
const char *jep_colour_of_type(enum jep_op_type type);
const char *jep_colour_of_fault(const char *name);

/* charts.c */
void jep_page_legend(struct jep_page *page);
void jep_page_latencies(struct jep_page *page);
void jep_page_rates(struct jep_page *page);
void jep_page_leaders(struct jep_page *page);
/* timeline.c: operations of a key by process around one that failed (NULL: the first ones). */
void jep_page_timeline(
    struct jep_page *page, const struct jep_edn *key, const struct jep_edn *failing_op);
/* tables.c */
void jep_page_checks(struct jep_page *page);
void jep_page_failures(struct jep_page *page);
void jep_page_operations(struct jep_page *page);
void jep_page_nemeses(struct jep_page *page);

#endif
