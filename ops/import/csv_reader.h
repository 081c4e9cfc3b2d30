/* ops/import/csv_reader.h: comma-separated values (RFC 4180) as they come, row by row. Pure.
 *
 * Lines end with CRLF or LF; cells may be quoted, and then hold delimiters, quotes ("") and line
 * ends. UTF-8, with or without a byte order mark. Blank lines are passed over. What is wrong in a
 * row refuses that row; reading goes on with the next line. */
#ifndef WEFT_OPS_IMPORT_CSV_READER_H
#define WEFT_OPS_IMPORT_CSV_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_CSV_CELLS_MAX = 4096,
    WEFT_CSV_ROW_SIZE_MAX = 1024 * 1024, /* bytes; chosen: a quote that is never closed ends here */
};

struct weft_csv_cell {
    struct weft_text text; /* Without quotes. */
    uint64_t line;         /* From 1. */
    uint32_t column;       /* From 1, in bytes. */
    size_t offset;         /* Private. */
};

enum weft_csv_state {
    WEFT_CSV_CELL,   /* A cell begins. */
    WEFT_CSV_PLAIN,  /* In one without quotes. */
    WEFT_CSV_QUOTED, /* In one with quotes. */
    WEFT_CSV_QUOTE,  /* A quote within one: its end, or half of two. */
    WEFT_CSV_RETURN, /* Behind CR: LF must follow. */
    WEFT_CSV_SKIP,   /* The row was refused: to the end of the line. */
};

struct weft_csv_reader {
    char delimiter;
    enum weft_csv_state state;
    struct weft_text chunk;
    size_t at;
    bool is_last, is_over;
    bool is_given; /* A row was: the next call begins another. */
    uint8_t mark;  /* Bytes of a byte order mark there were so far; 3: none can come. */
    uint64_t offset, line_start, line; /* Of the chunk; of the line; from 1. */
    struct weft_buffer bytes;          /* Of the row's cells. */
    struct weft_csv_cell *cells;
    uint32_t cell_count, cell_capacity;
    uint64_t row_line; /* The row's first. */
};

void weft_csv_reader_init(struct weft_csv_reader *r, char delimiter);
/* Borrowed until weft_csv_reader_next has said WEFT_ENOTFOUND. */
void weft_csv_reader_feed(struct weft_csv_reader *r, struct weft_text chunk, bool is_last);
/* The next row: r->cells and r->cell_count, valid until the next call.
 * WEFT_ENOTFOUND: more bytes are wanted, or, with is_over, there are no more rows.
 * WEFT_EMALFORMED, WEFT_ETOOBIG: a row is refused; `msg` says "line L, column C: reason".
 * WEFT_ENOMEM: is_over. */
WEFT_MUST_USE enum weft_err weft_csv_reader_next(struct weft_csv_reader *r, struct weft_msg *msg);
void weft_csv_reader_close(struct weft_csv_reader *r);

#endif
