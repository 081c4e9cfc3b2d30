#include "ops/weft/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/check.h"

uint64_t weft_monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

enum weft_err weft_output_format(
    const struct weft_args *args, enum weft_format *ret_format, struct weft_msg *msg)
{
    static const char *const names[] = {"table", "json", "jsonl"};
    const char *text = weft_args_text(args, "output", NULL);
    if (text == NULL) {
        *ret_format = isatty(STDOUT_FILENO) == 1 ? WEFT_FORMAT_TABLE : WEFT_FORMAT_JSON;
        return WEFT_OK;
    }
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_format = (enum weft_format)i;
            return WEFT_OK;
        }
    }
    const char *nearest = weft_args_nearest(text, names, 3);
    return weft_fail(msg, WEFT_EINVAL, "--output %.40s: table, json or jsonl%s%s%s", text,
        nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "?" : "");
}

/* --- tables ------------------------------------------------------------------------------ */

void weft_table_init(struct weft_table *t, const char *heads)
{
    *t = (struct weft_table){0};
    while (*heads != '\0') {
        weft_assert(t->columns < WEFT_TABLE_COLUMNS_MAX);
        bool is_right = *heads == '>';
        heads += is_right ? 1 : 0;
        size_t size = strcspn(heads, "|");
        t->is_right[t->columns++] = is_right;
        weft_table_cell(t, (struct weft_text){heads, size});
        heads += size + (heads[size] == '|' ? 1 : 0);
    }
}

void weft_table_cell(struct weft_table *t, struct weft_text text)
{
    for (size_t i = 0; i < text.size && !t->is_broken; i++) {
        /* What could move the cursor or end the cell becomes '?'. C1 controls are the UTF-8
         * bytes c2 80 to c2 9f. */
        unsigned char c = (unsigned char)text.data[i];
        bool is_c1 = c >= 0x80 && c <= 0x9f && i > 0 && (unsigned char)text.data[i - 1] == 0xc2;
        char shown = c < 0x20 || c == 0x7f || is_c1 ? '?' : (char)c;
        t->is_broken = weft_buffer_append(&t->cells, &shown, 1) != WEFT_OK;
    }
    t->is_broken = t->is_broken || weft_buffer_append(&t->cells, "", 1) != WEFT_OK;
    t->cell_count++;
}

void weft_table_format(struct weft_table *t, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t used = size < 0 ? 0 : (size_t)size;
    weft_table_cell(t, (struct weft_text){text, used < sizeof(text) ? used : sizeof(text) - 1});
}

/* East Asian wide and emoji ranges, coarse: a misjudged width costs alignment, nothing else. */
static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
           (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

int weft_output_width(struct weft_text text)
{
    int width = 0;
    for (size_t i = 0; i < text.size;) {
        unsigned char lead = (unsigned char)text.data[i];
        size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        uint32_t c = size == 1 ? lead : lead & (0xffu >> (size + 1));
        for (size_t k = 1; k < size && i + k < text.size; k++) {
            c = c << 6 | ((unsigned char)text.data[i + k] & 0x3f);
        }
        bool is_combining = c >= 0x300 && c <= 0x36f;
        width += is_combining ? 0 : is_wide(c) ? 2 : 1;
        i += size;
    }
    return width;
}

static void print_cell(
    const struct weft_table *t, const char *cell, int column, int width, FILE *out)
{
    int pad = width - weft_output_width(weft_text_of(cell));
    bool is_last = column == t->columns - 1;
    if (t->is_right[column]) {
        (void)fprintf(out, "%*s%s", pad, "", cell);
    } else {
        (void)fprintf(out, "%s%*s", cell, is_last ? 0 : pad, "");
    }
    (void)fputs(is_last ? "\n" : "  ", out);
}

void weft_table_print(struct weft_table *t, FILE *out)
{
    int widths[WEFT_TABLE_COLUMNS_MAX] = {0};
    weft_assert(t->cell_count % (size_t)t->columns == 0);
    if (t->is_broken) {
        (void)fprintf(stderr, "weft: no memory for the table; try -o jsonl\n");
    } else {
        const char *cell = (const char *)t->cells.data;
        for (size_t i = 0; i < t->cell_count; i++) {
            int width = weft_output_width(weft_text_of(cell));
            int column = (int)(i % (size_t)t->columns);
            widths[column] = width > widths[column] ? width : widths[column];
            cell += strlen(cell) + 1;
        }
        cell = (const char *)t->cells.data;
        for (size_t i = 0; i < t->cell_count; i++) {
            int column = (int)(i % (size_t)t->columns);
            print_cell(t, cell, column, widths[column], out);
            cell += strlen(cell) + 1;
        }
    }
    weft_buffer_destroy(&t->cells);
    t->cell_count = 0;
}

enum weft_err weft_output_end(enum weft_format format, struct weft_table *t, struct weft_writer *w,
    enum weft_err err, struct weft_msg *msg)
{
    if (format == WEFT_FORMAT_JSON && err == WEFT_OK) {
        weft_writer_close(w, ']');
        err = weft_writer_print(w, stdout, msg);
    }
    weft_writer_destroy(w);
    if (format == WEFT_FORMAT_TABLE) {
        weft_table_print(t, stdout);
    } else {
        weft_buffer_destroy(&t->cells);
    }
    return err;
}

/* --- JSON -------------------------------------------------------------------------------- */

enum weft_err weft_writer_flush(struct weft_writer *w, FILE *out, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    if (w->is_broken) {
        err = weft_fail(msg, WEFT_ENOMEM, "no memory for the output");
    } else if (fwrite(w->out.data, 1, w->out.size, out) != w->out.size || fflush(out) != 0) {
        err = weft_fail(msg, WEFT_EIO, "cannot write the output: %s", strerror(errno));
    }
    weft_buffer_clear(&w->out);
    return err;
}

enum weft_err weft_writer_print(struct weft_writer *w, FILE *out, struct weft_msg *msg)
{
    weft_writer_end_line(w);
    return weft_writer_flush(w, out, msg);
}

/* --- progress ---------------------------------------------------------------------------- */

enum {
    BAR_SIZE = 30,
    SHOW_EVERY_NS = 100000000
};

void weft_progress_start(struct weft_progress *p, const struct weft_args *args, const char *what,
    const char *unit, uint64_t total)
{
    *p =
        (struct weft_progress){.is_on = isatty(STDERR_FILENO) == 1 && !weft_args_has(args, "quiet"),
            .what = what,
            .unit = unit,
            .total = total,
            .start_ns = weft_monotonic_ns()};
}

void weft_progress_show(struct weft_progress *p, uint64_t done)
{
    uint64_t now_ns = weft_monotonic_ns();
    if (!p->is_on || now_ns - p->shown_ns < SHOW_EVERY_NS) {
        return;
    }
    p->shown_ns = now_ns;
    bool is_bytes = strcmp(p->unit, "bytes") == 0;
    double scale = is_bytes ? 1048576.0 : 1;
    double seconds = (double)(now_ns - p->start_ns) / 1e9;
    double rate = seconds > 0 ? (double)done / scale / seconds : 0;
    (void)fprintf(stderr, "\r%s ", p->what);
    if (p->total > 0) {
        int full = done >= p->total ? BAR_SIZE : (int)((double)done / (double)p->total * BAR_SIZE);
        (void)fprintf(stderr, "[%.*s%*s] %3.0f %% ", full, "##############################",
            BAR_SIZE - full, "", 100.0 * (double)done / (double)p->total);
    }
    if (is_bytes) {
        (void)fprintf(stderr, "%.1f MiB, %.1f MiB/s\x1b[K", (double)done / scale, rate);
    } else {
        (void)fprintf(stderr, "%" PRIu64 " %s, %.0f/s\x1b[K", done, p->unit, rate);
    }
    (void)fflush(stderr);
}

void weft_progress_end(struct weft_progress *p)
{
    if (p->is_on && p->shown_ns != 0) {
        (void)fprintf(stderr, "\r\x1b[K");
    }
    p->is_on = false;
}
