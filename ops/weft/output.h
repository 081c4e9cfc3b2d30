/* ops/weft/output.h: answers as a table for people or as JSON for programs; progress on stderr.
 *
 * Default: a table on a terminal and JSON otherwise. A table is laid out when it is printed, by
 * the width of its columns; a text from a record cannot put control characters on a terminal.
 * JSON is written by proto/writer.h, which prints nothing: that is done here. */
#ifndef WEFT_OPS_OUTPUT_H
#define WEFT_OPS_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ops/weft/args.h"
#include "proto/bytes.h"
#include "proto/writer.h"

enum weft_format {
    WEFT_FORMAT_TABLE,
    WEFT_FORMAT_JSON,
    WEFT_FORMAT_JSONL
};

/* -o; WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_output_format(
    const struct weft_args *args, enum weft_format *ret_format, struct weft_msg *msg);

/* --- tables ----------------------------------------------------------------------------- */

enum {
    WEFT_TABLE_COLUMNS_MAX = 16
};

struct weft_table {
    int columns;
    bool is_right[WEFT_TABLE_COLUMNS_MAX]; /* Numbers. */
    struct weft_buffer cells;              /* Terminated texts, row by row, the heads first. */
    size_t cell_count;
    bool is_broken; /* Memory ran out; printing says so. */
};

/* `heads` separated by '|'; a head that starts with '>' is right-aligned: "NODE|>TERM". */
void weft_table_init(struct weft_table *t, const char *heads);
void weft_table_cell(struct weft_table *t, struct weft_text text);
void weft_table_format(struct weft_table *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Print and empty it. The last column is not padded. */
void weft_table_print(struct weft_table *t, FILE *out);
/* The end of a list: the table is printed, or the array is closed and printed unless `err` says
 * that the list failed. Both are gone then. Returns `err`, else what printing came to. */
WEFT_MUST_USE enum weft_err weft_output_end(enum weft_format format, struct weft_table *t,
    struct weft_writer *w, enum weft_err err, struct weft_msg *msg);

/* Columns that `text` takes on a terminal (wide characters count twice). */
int weft_output_width(struct weft_text text);

/* --- JSON ------------------------------------------------------------------------------- */

/* Print what the writer holds so far, in the middle of a document, and empty it. WEFT_EIO:
 * nobody reads any more. */
WEFT_MUST_USE enum weft_err weft_writer_flush(
    struct weft_writer *w, FILE *out, struct weft_msg *msg);
/* Print with an end of line, and empty it. */
WEFT_MUST_USE enum weft_err weft_writer_print(
    struct weft_writer *w, FILE *out, struct weft_msg *msg);

/* --- progress --------------------------------------------------------------------------- */

/* A bar on stderr if that is a terminal and -q is not given; nothing otherwise. */
struct weft_progress {
    bool is_on;
    const char *what;
    const char *unit; /* "records"; "bytes" are shown as MiB. */
    uint64_t total;   /* 0: not known. */
    uint64_t start_ns;
    uint64_t shown_ns;
};

void weft_progress_start(struct weft_progress *p, const struct weft_args *args, const char *what,
    const char *unit, uint64_t total);
void weft_progress_show(struct weft_progress *p, uint64_t done);
/* Take the bar away. */
void weft_progress_end(struct weft_progress *p);

uint64_t weft_monotonic_ns(void);

#endif
