#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/report/page.h"

/* What happened to a key, a lane for each process, around the operation that nothing explains. */

enum {
    SHOWN_MAX = 36, /* operations; chosen: a drawing that can be read */
    LANE = 20,
    LABEL_BYTES = 24
};

static bool touches_append(const struct jep_edn *txn, const struct jep_edn *key)
{
    for (uint32_t i = 0; jep_edn_is_sequence(txn) && i < txn->count; i++) {
        if (jep_edn_is_vector(&txn->items[i], 3) && jep_edn_equal(&txn->items[i].items[1], key)) {
            return true;
        }
    }
    return false;
}

static bool touches(const struct jep_span *span, const struct jep_edn *key)
{
    if (jep_edn_is_nil(key)) {
        return true;
    }
    if (jep_span_is(span, "txn")) {
        return touches_append(span->value, key);
    }
    return jep_edn_is_sequence(span->value) && span->value->count > 0 &&
           jep_edn_equal(&span->value->items[0], key);
}

/* The operations of the key to show: those that begin before the failing one ends, the last ones
 * and a few after. */
static size_t choose(const struct jep_page *page, const struct jep_edn *key, int64_t failing,
    const struct jep_span **shown)
{
    size_t count = 0, after = 0;
    for (size_t i = 0; i < page->spans_count && after < SHOWN_MAX / 6; i++) {
        const struct jep_span *span = &page->spans[i];
        if (!touches(span, key)) {
            continue;
        }
        if (count == SHOWN_MAX) {
            if (failing < 0) {
                break;
            }
            memmove(shown, shown + 1, (SHOWN_MAX - 1) * sizeof(*shown));
            count--;
        }
        shown[count++] = span;
        after += failing >= 0 && (int64_t)span->invoke->index > failing ? 1 : 0;
    }
    return count;
}

static const char *label_of(struct jep_arena *arena, const struct jep_span *span)
{
    bool is_keyed = jep_edn_is_vector(span->value, 2) && !jep_span_is(span, "txn");
    const struct jep_edn *value = is_keyed ? &span->value->items[1] : span->value;
    return jep_arena_format(
        arena, "%s %s", span->invoke->f, jep_edn_show(arena, value, LABEL_BYTES));
}

static size_t lane_of(int64_t *lanes, size_t *count, int64_t process)
{
    size_t lane = 0;
    while (lane < *count && lanes[lane] != process) {
        lane++;
    }
    if (lane == *count) {
        lanes[(*count)++] = process;
    }
    return lane;
}

static void draw_span(struct jep_page *page, const struct jep_drawing *drawing,
    const struct jep_span *span, size_t lane, bool is_failing)
{
    double from = jep_drawing_x(drawing, span->invoke->time_ns);
    double until = span->type == JEP_INFO || span->end == NULL
                       ? drawing->left + drawing->width
                       : jep_drawing_x(drawing, span->end->time_ns);
    double y = drawing->top + LANE * (double)lane;
    jep_text_printf(&page->html,
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"%s\" "
        "stroke=\"%s\" stroke-width=\"%d\"><title>",
        from, y + 2, until - from > 2 ? until - from : 2, LANE - 4, jep_colour_of_type(span->type),
        is_failing ? "#d00000" : "#888888", is_failing ? 3 : 1);
    jep_page_text(page, jep_span_words(page->history->arena, span));
    jep_text_printf(&page->html,
        "</title></rect><text x=\"%.1f\" y=\"%.1f\" style=\"pointer-events:none\">", from + 3,
        y + LANE - 6);
    jep_page_text(page, label_of(page->history->arena, span));
    jep_text_puts(&page->html, "</text>\n");
}

void jep_page_timeline(
    struct jep_page *page, const struct jep_edn *key, const struct jep_edn *failing_op)
{
    const struct jep_span *shown[SHOWN_MAX];
    int64_t lanes[SHOWN_MAX];
    size_t lanes_count = 0;
    const struct jep_edn *index = failing_op != NULL ? jep_edn_get(failing_op, "index") : NULL;
    int64_t failing = index != NULL && jep_edn_is_int(index) ? index->integer : -1;
    size_t count = choose(page, key, failing, shown);
    struct jep_drawing drawing = {.width = 940, .left = 90, .top = 8};
    if (count == 0) {
        return;
    }
    drawing.from_ns = shown[0]->invoke->time_ns;
    for (size_t i = 0; i < count; i++) {
        const struct jep_span *span = shown[i];
        int64_t end_ns = span->type != JEP_INFO ? span->end->time_ns : span->invoke->time_ns;
        drawing.until_ns = end_ns > drawing.until_ns ? end_ns : drawing.until_ns;
        (void)lane_of(lanes, &lanes_count, span->invoke->process);
    }
    drawing.height = LANE * (double)lanes_count;
    jep_drawing_open(page, &drawing);
    jep_drawing_time(page, &drawing);
    for (size_t lane = 0; lane < lanes_count; lane++) {
        jep_text_printf(&page->html,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">process %" PRId64 "</text>\n",
            drawing.left - 6, drawing.top + LANE * ((double)lane + 0.7), lanes[lane]);
    }
    for (size_t i = 0; i < count; i++) {
        draw_span(page, &drawing, shown[i], lane_of(lanes, &lanes_count, shown[i]->invoke->process),
            shown[i]->end != NULL && (int64_t)shown[i]->end->index == failing);
    }
    jep_drawing_close(page);
}
