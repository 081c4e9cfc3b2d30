#include "ops/import/csv_reader.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    CELLS_FIRST = 32
};

/* --- places and errors ----------------------------------------------------------------------- */

static uint32_t column_of(const struct weft_csv_reader *r)
{
    uint64_t column = r->offset + r->at - r->line_start + 1;
    return column < UINT32_MAX ? (uint32_t)column : UINT32_MAX;
}

/* The row is refused; it ends with its line. */
static enum weft_err refuse(struct weft_csv_reader *r, enum weft_err err, uint64_t line,
    uint32_t column, const char *reason, struct weft_msg *msg)
{
    r->state = WEFT_CSV_SKIP;
    return weft_fail(msg, err, "line %" PRIu64 ", column %u: %s", line, column, reason);
}

static enum weft_err refuse_here(
    struct weft_csv_reader *r, enum weft_err err, const char *reason, struct weft_msg *msg)
{
    return refuse(r, err, r->line, column_of(r), reason, msg);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void begin_row(struct weft_csv_reader *r)
{
    weft_buffer_clear(&r->bytes);
    r->cell_count = 0;
    r->state = WEFT_CSV_CELL;
}

static enum weft_err begin_cell(struct weft_csv_reader *r, struct weft_msg *msg)
{
    if (r->cell_count == WEFT_CSV_CELLS_MAX) {
        return refuse_here(r, WEFT_ETOOBIG, "more than 4096 cells in a row", msg);
    }
    if (r->cell_count == r->cell_capacity) {
        uint32_t capacity = r->cell_capacity == 0 ? CELLS_FIRST : r->cell_capacity * 2;
        struct weft_csv_cell *cells = realloc(r->cells, capacity * sizeof(*cells));
        if (cells == NULL) {
            r->is_over = true;
            return weft_fail(msg, WEFT_ENOMEM, "no memory for a row");
        }
        r->cells = cells;
        r->cell_capacity = capacity;
    }
    r->row_line = r->cell_count == 0 ? r->line : r->row_line;
    r->cells[r->cell_count++] =
        (struct weft_csv_cell){.line = r->line, .column = column_of(r), .offset = r->bytes.size};
    return WEFT_OK;
}

static enum weft_err append(
    struct weft_csv_reader *r, const char *data, size_t size, struct weft_msg *msg)
{
    enum weft_err err = weft_buffer_append(&r->bytes, data, size);
    if (err == WEFT_ETOOBIG) {
        const struct weft_csv_cell *cell = &r->cells[r->cell_count - 1];
        bool is_quoted = r->state == WEFT_CSV_QUOTED;
        r->is_over = is_quoted; /* Where the next row begins cannot be told. */
        return refuse(r, err, cell->line, cell->column,
            is_quoted ? "a row of more than 1 MiB; this quote is perhaps never closed"
                      : "a row of more than 1 MiB",
            msg);
    }
    if (err != WEFT_OK) {
        r->is_over = true;
    }
    return err;
}

static void next_line(struct weft_csv_reader *r)
{
    r->line++;
    r->line_start = r->offset + r->at;
}

/* Set the texts, and hold them to UTF-8. */
static enum weft_err end_row(struct weft_csv_reader *r, struct weft_msg *msg)
{
    const char *bytes = (const char *)r->bytes.data;
    for (uint32_t i = 0; i < r->cell_count; i++) {
        struct weft_csv_cell *cell = &r->cells[i];
        size_t end = i + 1 < r->cell_count ? cell[1].offset : r->bytes.size;
        /* A row of empty cells has no bytes at all. */
        cell->text =
            (struct weft_text){end > cell->offset ? bytes + cell->offset : "", end - cell->offset};
        if (cell->text.size > 0 && !weft_text_is_utf8(cell->text)) {
            enum weft_err err = refuse(r, WEFT_EMALFORMED, cell->line, cell->column,
                "not UTF-8 (perhaps Latin-1 or Windows-1252: convert it first)", msg);
            r->state = WEFT_CSV_CELL; /* The line is over already. */
            return err;
        }
    }
    return WEFT_OK;
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* How many bytes from here on belong to the cell as they are. */
static size_t plain_size(const struct weft_csv_reader *r)
{
    const char *p = r->chunk.data + r->at;
    size_t left = r->chunk.size - r->at, size = 0;
    bool is_quoted = r->state == WEFT_CSV_QUOTED;
    while (size < left) {
        char c = p[size];
        bool ends = is_quoted
                        ? c == '"' || c == '\n' || c == '\0'
                        : c == r->delimiter || c == '"' || c == '\n' || c == '\r' || c == '\0';
        if (ends) {
            break;
        }
        size++;
    }
    return size;
}

/* Behind the line's end. *ret_is_row: it was not blank. */
static void end_line(struct weft_csv_reader *r, bool *ret_is_row)
{
    r->at++;
    next_line(r);
    *ret_is_row = r->cell_count > 0;
    r->state = WEFT_CSV_CELL;
}

/* What ends a cell, or must not stand where it is. */
static enum weft_err read_special(struct weft_csv_reader *r, bool *ret_is_row, struct weft_msg *msg)
{
    char c = r->chunk.data[r->at];
    if (c == '\0') {
        return refuse_here(r, WEFT_EMALFORMED, "zero byte", msg);
    }
    if (c == '\n') {
        end_line(r, ret_is_row);
        return WEFT_OK;
    }
    if (c == '\r') {
        r->state = WEFT_CSV_RETURN;
        r->at++;
        return WEFT_OK;
    }
    if (c == r->delimiter) {
        r->at++;
        r->state = WEFT_CSV_CELL;
        return begin_cell(r, msg); /* The cell behind it is there, even if empty. */
    }
    return refuse_here(r, WEFT_EMALFORMED,
        r->state == WEFT_CSV_QUOTE ? "text behind a closing quote"
                                   : "a quote within a cell that does not begin with one",
        msg);
}

static enum weft_err read_quoted(struct weft_csv_reader *r, struct weft_msg *msg)
{
    size_t size = plain_size(r);
    enum weft_err err = append(r, r->chunk.data + r->at, size, msg);
    if (err != WEFT_OK) {
        return err;
    }
    r->at += size;
    if (r->at == r->chunk.size) {
        return WEFT_OK;
    }
    char c = r->chunk.data[r->at];
    if (c == '\0') {
        return refuse_here(r, WEFT_EMALFORMED, "zero byte", msg);
    }
    if (c == '"') {
        r->state = WEFT_CSV_QUOTE;
        r->at++;
        return WEFT_OK;
    }
    err = append(r, "\n", 1, msg);
    r->at++;
    next_line(r);
    return err;
}

static enum weft_err read_cell(struct weft_csv_reader *r, bool *ret_is_row, struct weft_msg *msg)
{
    char c = r->chunk.data[r->at];
    bool is_blank = r->cell_count == 0 && (c == '\n' || c == '\r');
    enum weft_err err = WEFT_OK;
    if (r->cell_count == 0 && !is_blank) {
        err = begin_cell(r, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (c == '"') {
        r->state = WEFT_CSV_QUOTED;
        r->at++;
        return WEFT_OK;
    }
    r->state = WEFT_CSV_PLAIN;
    return is_blank || c == r->delimiter ? read_special(r, ret_is_row, msg) : WEFT_OK;
}

static enum weft_err read_plain(struct weft_csv_reader *r, bool *ret_is_row, struct weft_msg *msg)
{
    size_t size = plain_size(r);
    enum weft_err err = append(r, r->chunk.data + r->at, size, msg);
    r->at += err == WEFT_OK ? size : 0;
    return err == WEFT_OK && r->at < r->chunk.size ? read_special(r, ret_is_row, msg) : err;
}

static void skip_line(struct weft_csv_reader *r)
{
    const char *p = r->chunk.data + r->at;
    const char *end = memchr(p, '\n', r->chunk.size - r->at);
    r->at = end != NULL ? (size_t)(end - r->chunk.data) + 1 : r->chunk.size;
    if (end != NULL) {
        next_line(r);
        begin_row(r);
    }
}

static enum weft_err read_byte(struct weft_csv_reader *r, bool *ret_is_row, struct weft_msg *msg)
{
    switch (r->state) {
    case WEFT_CSV_CELL:
        return read_cell(r, ret_is_row, msg);
    case WEFT_CSV_PLAIN:
        return read_plain(r, ret_is_row, msg);
    case WEFT_CSV_QUOTED:
        return read_quoted(r, msg);
    case WEFT_CSV_QUOTE:
        if (r->chunk.data[r->at] != '"') {
            return read_special(r, ret_is_row, msg);
        }
        r->at++;
        r->state = WEFT_CSV_QUOTED;
        return append(r, "\"", 1, msg);
    case WEFT_CSV_RETURN:
        if (r->chunk.data[r->at] != '\n') {
            return refuse_here(
                r, WEFT_EMALFORMED, "a carriage return without a line feed behind it", msg);
        }
        end_line(r, ret_is_row);
        return WEFT_OK;
    case WEFT_CSV_SKIP:
        skip_line(r);
        return WEFT_OK;
    }
    return WEFT_EINVAL;
}

/* There is no more: the last line may lack its end. */
static enum weft_err end_text(struct weft_csv_reader *r, struct weft_msg *msg)
{
    r->is_over = true;
    if (r->state == WEFT_CSV_QUOTED) {
        const struct weft_csv_cell *cell = &r->cells[r->cell_count - 1];
        return refuse(
            r, WEFT_EMALFORMED, cell->line, cell->column, "this quote is never closed", msg);
    }
    if (r->state == WEFT_CSV_RETURN) {
        return refuse_here(
            r, WEFT_EMALFORMED, "a carriage return without a line feed behind it", msg);
    }
    return r->cell_count > 0 && r->state != WEFT_CSV_SKIP ? end_row(r, msg) : WEFT_ENOTFOUND;
}

/* A byte order mark of UTF-8 is left out; one of UTF-16 says what is wrong. */
static enum weft_err read_mark(struct weft_csv_reader *r, struct weft_msg *msg)
{
    static const char mark[] = "\xef\xbb\xbf";
    char c = r->chunk.data[r->at];
    if (r->mark == 0 && (c == '\xff' || c == '\xfe')) {
        r->is_over = true;
        return weft_fail(
            msg, WEFT_EMALFORMED, "line 1, column 1: this is UTF-16: convert it to UTF-8 first");
    }
    if (c == mark[r->mark]) {
        r->at++;
        r->mark++;
        r->line_start += r->mark == 3 ? 3 : 0;
        return WEFT_OK;
    }
    /* The beginning of another character: it belongs to the first cell. */
    enum weft_err err = WEFT_OK;
    if (r->mark > 0) {
        err = begin_cell(r, msg);
        r->cells[0].column = 1;
        r->state = WEFT_CSV_PLAIN;
        err = err == WEFT_OK ? append(r, mark, r->mark, msg) : err;
    }
    r->mark = 3;
    return err;
}

/* --- for users ------------------------------------------------------------------------------- */

void weft_csv_reader_init(struct weft_csv_reader *r, char delimiter)
{
    *r = (struct weft_csv_reader){
        .delimiter = delimiter, .line = 1, .bytes = {.size_max = WEFT_CSV_ROW_SIZE_MAX}};
}

void weft_csv_reader_feed(struct weft_csv_reader *r, struct weft_text chunk, bool is_last)
{
    r->offset += r->chunk.size;
    r->chunk = chunk;
    r->at = 0;
    r->is_last = is_last;
}

enum weft_err weft_csv_reader_next(struct weft_csv_reader *r, struct weft_msg *msg)
{
    bool is_row = false;
    if (r->is_over) {
        return WEFT_ENOTFOUND;
    }
    if (r->is_given) {
        begin_row(r);
        r->is_given = false;
    }
    while (!is_row) {
        if (r->at == r->chunk.size) {
            return r->is_last ? end_text(r, msg) : WEFT_ENOTFOUND;
        }
        enum weft_err err = r->mark < 3 ? read_mark(r, msg) : read_byte(r, &is_row, msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    r->is_given = true;
    return end_row(r, msg);
}

void weft_csv_reader_close(struct weft_csv_reader *r)
{
    weft_buffer_destroy(&r->bytes);
    free(r->cells);
}
