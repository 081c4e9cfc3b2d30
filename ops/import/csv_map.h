/* ops/import/csv_map.h: how the rows of a table become records: the mapping file, in JSON.
 *
 * What may stand in it, with an example, is told in ops/import/README.md; a sample is
 * ops/samples/inspection.map.json. Pure. */
#ifndef WEFT_OPS_IMPORT_CSV_MAP_H
#define WEFT_OPS_IMPORT_CSV_MAP_H

#include "ops/import/csv_reader.h"
#include "proto/json.h"
#include "proto/record.h"

enum {
    WEFT_CSV_COLUMNS_MAX = 256, /* That a mapping names. */
};

/* A literal, or the cell of a column. */
struct weft_csv_piece {
    struct weft_text literal;
    uint32_t column; /* Place in weft_csv_map.columns; read only if is_column. */
    bool is_column;
};

struct weft_csv_template {
    struct weft_csv_piece *pieces;
    uint32_t count;
};

enum weft_csv_type {
    WEFT_CSV_TEXT,
    WEFT_CSV_INT,
    WEFT_CSV_REAL,
    WEFT_CSV_NUMBER, /* Either, as it is given. */
    WEFT_CSV_BOOL,
    WEFT_CSV_TIME,
};

/* One value of a row. */
struct weft_csv_value {
    struct weft_text path; /* Of the attribute. */
    struct weft_csv_template from;
    struct weft_text unit;   /* Empty: none. */
    struct weft_text format; /* TIME: empty: RFC 3339. */
    struct weft_text zone;   /* TIME: for texts without one; empty: they must have one. */
    enum weft_csv_type type;
    char decimal; /* '.' or ',' */
    bool is_required;
};

struct weft_csv_link {
    struct weft_text rel;
    struct weft_csv_template to;
    struct weft_csv_value *attrs;
    uint32_t attr_count;
    bool is_required;
};

/* A column that the mapping names. */
struct weft_csv_column {
    struct weft_text name;
    char pointer[128]; /* Where in the mapping it is first named. */
    uint32_t index;    /* In the table, once its header is known. */
};

struct weft_csv_map {
    char delimiter;
    struct weft_csv_template kind, asset;
    struct weft_csv_value at;
    bool has_at;
    struct weft_csv_value *attrs;
    struct weft_csv_link *links;
    uint32_t attr_count, link_count;
    struct weft_text *nothing; /* Cells that mean none, beside the empty one. */
    uint32_t nothing_count;
    struct weft_csv_column *columns;
    uint32_t column_count;
};

/* Everything is in the arena. WEFT_EMALFORMED, WEFT_EINVAL, WEFT_ETOOBIG, WEFT_ENOMEM: `msg` says
 * "mapping: line L, column C (pointer): reason". */
WEFT_MUST_USE enum weft_err weft_csv_map_read(struct weft_text text, struct weft_arena *arena,
    struct weft_csv_map *ret_map, struct weft_msg *msg);

/* --- csv_value.c: cells into values ----------------------------------------------------------- */

/* A row of the table: cells by the mapping's columns. */
struct weft_csv_row {
    const struct weft_csv_map *map;
    const struct weft_csv_cell *cells;
    struct weft_arena *arena;
    struct weft_msg *msg;
};

/* As many bytes of a text as a message shows, in whole characters. */
int weft_csv_shown(struct weft_text text);
/* Fill the template in. WEFT_ENOTFOUND: one of its cells means none; *ret_cell is that cell.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_csv_fill(const struct weft_csv_row *row,
    const struct weft_csv_template *from, struct weft_text *ret_text,
    const struct weft_csv_cell **ret_cell);
/* The cell that a message about the template names; NULL: it has none. */
const struct weft_csv_cell *weft_csv_cell_of(
    const struct weft_csv_row *row, const struct weft_csv_template *from);
/* "line L, column C (COLUMN): reason" */
enum weft_err weft_csv_fail(const struct weft_csv_row *row, const struct weft_csv_template *from,
    enum weft_err err, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* As fields: one, or with a unit two. WEFT_EINVAL, WEFT_ETOOBIG, WEFT_ENOMEM with a place. */
WEFT_MUST_USE enum weft_err weft_csv_add_value(const struct weft_csv_row *row,
    const struct weft_csv_value *value, struct weft_field **ret_fields, uint32_t *ret_count);
/* A TIME. *ret_found false: its cell means none. */
WEFT_MUST_USE enum weft_err weft_csv_time(const struct weft_csv_row *row,
    const struct weft_csv_value *value, int64_t *ret_ns, bool *ret_found);

#endif
