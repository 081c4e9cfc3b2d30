/* Cells of a row into the values of a record. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ops/import/csv_map.h"
#include "proto/limits.h"
#include "proto/record_json.h"
#include "proto/time.h"

enum {
    TIME_SIZE_MAX = 64,
    SHOWN_MAX = 60, /* Bytes of a cell in a message. */
};

/* --- cells ----------------------------------------------------------------------------------- */

static const struct weft_csv_cell *cell_at(const struct weft_csv_row *row, uint32_t column)
{
    return &row->cells[row->map->columns[column].index];
}

static bool is_nothing(const struct weft_csv_row *row, struct weft_text text)
{
    bool is = text.size == 0;
    for (uint32_t i = 0; i < row->map->nothing_count && !is; i++) {
        is = weft_text_equal(text, row->map->nothing[i]);
    }
    return is;
}

const struct weft_csv_cell *weft_csv_cell_of(
    const struct weft_csv_row *row, const struct weft_csv_template *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        if (from->pieces[i].is_column) {
            return cell_at(row, from->pieces[i].column);
        }
    }
    return NULL;
}

static void without_controls(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

enum weft_err weft_csv_fail(const struct weft_csv_row *row, const struct weft_csv_template *from,
    enum weft_err err, const char *format, ...)
{
    const struct weft_csv_cell *cell = weft_csv_cell_of(row, from);
    struct weft_text name = WEFT_TEXT("");
    for (uint32_t i = from->count; i > 0; i--) {
        if (from->pieces[i - 1].is_column) {
            name = row->map->columns[from->pieces[i - 1].column].name;
        }
    }
    cell = cell != NULL ? cell : row->cells;
    if (row->msg != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(row->msg->text, sizeof(row->msg->text), format, args);
        va_end(args);
        without_controls(row->msg->text);
    }
    return weft_wrap(row->msg, err, "line %" PRIu64 ", column %u (%.*s)",
        cell != NULL ? cell->line : 0, cell != NULL ? cell->column : 0, weft_csv_shown(name),
        name.data);
}

int weft_csv_shown(struct weft_text text)
{
    return (int)(text.size <= SHOWN_MAX
                     ? text.size
                     : weft_text_utf8_prefix((struct weft_text){text.data, SHOWN_MAX}));
}

enum weft_err weft_csv_fill(const struct weft_csv_row *row, const struct weft_csv_template *from,
    struct weft_text *ret_text, const struct weft_csv_cell **ret_cell)
{
    size_t size = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct weft_csv_piece *piece = &from->pieces[i];
        struct weft_text text = piece->literal;
        if (piece->is_column) {
            text = cell_at(row, piece->column)->text;
            if (is_nothing(row, text)) {
                *ret_cell = cell_at(row, piece->column);
                return WEFT_ENOTFOUND;
            }
        }
        size += text.size;
    }
    char *out = weft_arena_alloc(row->arena, size + 1);
    if (out == NULL) {
        return WEFT_ENOMEM;
    }
    *ret_text = (struct weft_text){out, size};
    for (uint32_t i = 0; i < from->count; i++) {
        const struct weft_csv_piece *piece = &from->pieces[i];
        struct weft_text text =
            piece->is_column ? cell_at(row, piece->column)->text : piece->literal;
        if (text.size > 0) {
            memcpy(out, text.data, text.size);
        }
        out += text.size;
    }
    return WEFT_OK;
}

/* --- times ----------------------------------------------------------------------------------- */

/* The value of `count` digits; -1: they are none. */
static int64_t digits(struct weft_text text, size_t at, size_t count)
{
    int64_t value = 0;
    if (text.size < at || text.size - at < count) {
        return -1;
    }
    for (size_t i = at; i < at + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

/* By a format of YYYY MM DD hh mm ss and fff, each of as many digits as it has letters; anything
 * else stands for itself. Written as RFC 3339 without a zone. False: the text does not fit. */
static bool read_format(
    struct weft_text text, struct weft_text format, char ret_time[TIME_SIZE_MAX])
{
    static const char letters[] = "YMDhmsf";
    int64_t parts[] = {0, 1, 1, 0, 0, 0, 0};
    size_t at = 0;
    for (size_t i = 0; i < format.size;) {
        const char *letter = strchr(letters, format.data[i]);
        size_t count = 1;
        while (letter != NULL && i + count < format.size && format.data[i + count] == *letter) {
            count++;
        }
        if (letter != NULL) {
            int64_t value = count <= 9 ? digits(text, at, count) : -1;
            if (value < 0) {
                return false;
            }
            for (size_t n = count; *letter == 'f' && n < 9; n++) {
                value *= 10;
            }
            parts[letter - letters] = value;
        } else if (at >= text.size || text.data[at] != format.data[i]) {
            return false;
        }
        at += count;
        i += count;
    }
    int size = snprintf(ret_time, TIME_SIZE_MAX,
        "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64
        ".%09" PRId64,
        parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]);
    return at == text.size && size > 0 && size < TIME_SIZE_MAX;
}

static enum weft_err parse_time(const struct weft_csv_row *row, const struct weft_csv_value *value,
    struct weft_text text, int64_t *ret_ns)
{
    char time[TIME_SIZE_MAX], zoned[TIME_SIZE_MAX + 8];
    struct weft_msg reason = {""};
    if (value->format.size > 0 && !read_format(text, value->format, time)) {
        return weft_csv_fail(row, &value->from, WEFT_EINVAL, "'%.*s' is not like '%.*s'",
            weft_csv_shown(text), text.data, weft_csv_shown(value->format), value->format.data);
    }
    struct weft_text plain = value->format.size > 0 ? weft_text_of(time) : text;
    if (weft_time_parse(plain, ret_ns, &reason) == WEFT_OK) {
        return WEFT_OK;
    }
    if (value->zone.size > 0 && plain.size < TIME_SIZE_MAX) {
        int size = snprintf(zoned, sizeof(zoned), "%.*s%.*s", (int)plain.size, plain.data,
            (int)value->zone.size, value->zone.data);
        struct weft_text whole = {zoned, size > 0 ? (size_t)size : 0};
        if (weft_time_parse(whole, ret_ns, &reason) == WEFT_OK) {
            return WEFT_OK;
        }
    }
    return weft_csv_fail(
        row, &value->from, WEFT_EINVAL, "'%.*s': %s", weft_csv_shown(text), text.data, reason.text);
}

enum weft_err weft_csv_time(const struct weft_csv_row *row, const struct weft_csv_value *value,
    int64_t *ret_ns, bool *ret_found)
{
    struct weft_text text;
    const struct weft_csv_cell *cell;
    enum weft_err err = weft_csv_fill(row, &value->from, &text, &cell);
    *ret_found = err == WEFT_OK;
    if (err == WEFT_OK) {
        return parse_time(row, value, text, ret_ns);
    }
    if (err == WEFT_ENOTFOUND && !value->is_required) {
        return WEFT_OK;
    }
    return err == WEFT_ENOTFOUND
               ? weft_csv_fail(row, &value->from, WEFT_EINVAL, "is empty, but required")
               : weft_csv_fail(row, &value->from, err, "out of memory");
}

/* --- values ---------------------------------------------------------------------------------- */

static struct weft_text without_spaces(struct weft_text text)
{
    while (text.size > 0 && text.data[0] == ' ') {
        text = (struct weft_text){text.data + 1, text.size - 1};
    }
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

/* The literal of a JSON number: a sign in front and a decimal comma are put right. */
static enum weft_err read_number(const struct weft_csv_row *row, const struct weft_csv_value *value,
    struct weft_text text, struct weft_field *field)
{
    struct weft_text literal = without_spaces(text);
    char *comma =
        value->decimal == ',' && literal.size > 0 ? memchr(literal.data, ',', literal.size) : NULL;
    bool has_dot = comma != NULL || (value->decimal == '.' && literal.size > 0 &&
                                        memchr(literal.data, '.', literal.size) != NULL);
    if (comma != NULL) {
        *comma = '.'; /* In the row's own copy. */
    }
    if (literal.size > 1 && literal.data[0] == '+') {
        literal = (struct weft_text){literal.data + 1, literal.size - 1};
    }
    bool is_good =
        weft_record_is_number(literal) &&
        (value->decimal == '.' || comma != NULL || memchr(literal.data, '.', literal.size) == NULL);
    bool is_real = is_good && (has_dot || memchr(literal.data, 'e', literal.size) != NULL ||
                                  memchr(literal.data, 'E', literal.size) != NULL);
    if (comma != NULL && !is_good) {
        *comma = ',';
    }
    if (!is_good || (value->type == WEFT_CSV_INT && is_real)) {
        return weft_csv_fail(row, &value->from, WEFT_EINVAL, "'%.*s' is not %s",
            weft_csv_shown(text), text.data,
            value->type == WEFT_CSV_INT ? "a whole number" : "a number");
    }
    if (value->type == WEFT_CSV_REAL && !is_real) {
        char *real = weft_arena_alloc(row->arena, literal.size + 3);
        if (real == NULL) {
            return weft_csv_fail(row, &value->from, WEFT_ENOMEM, "out of memory");
        }
        memcpy(real, literal.data, literal.size);
        memcpy(real + literal.size, ".0", 3);
        literal = (struct weft_text){real, literal.size + 2};
        is_real = true;
    }
    field->value = literal;
    field->type = is_real ? WEFT_VALUE_REAL : WEFT_VALUE_INT;
    return WEFT_OK;
}

static enum weft_err read_bool(const struct weft_csv_row *row, const struct weft_csv_value *value,
    struct weft_text text, struct weft_field *field)
{
    static const struct {
        const char *text;
        bool is_true;
    } words[] = {{"true", true}, {"TRUE", true}, {"True", true}, {"1", true}, {"yes", true},
        {"false", false}, {"FALSE", false}, {"False", false}, {"0", false}, {"no", false}};
    struct weft_text word = without_spaces(text);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (weft_text_is(word, words[i].text)) {
            field->value = words[i].is_true ? WEFT_TEXT("true") : WEFT_TEXT("false");
            field->type = WEFT_VALUE_BOOL;
            return WEFT_OK;
        }
    }
    return weft_csv_fail(row, &value->from, WEFT_EINVAL,
        "'%.*s' is not true or false, yes or no, 1 or 0", weft_csv_shown(text), text.data);
}

static enum weft_err read_value(const struct weft_csv_row *row, const struct weft_csv_value *value,
    struct weft_text text, struct weft_field *field)
{
    char time[WEFT_TIME_TEXT_SIZE];
    int64_t ns = 0;
    enum weft_err err;
    switch (value->type) {
    case WEFT_CSV_TEXT:
        field->value = text;
        field->type = WEFT_VALUE_TEXT;
        return WEFT_OK;
    case WEFT_CSV_INT:
    case WEFT_CSV_REAL:
    case WEFT_CSV_NUMBER:
        return read_number(row, value, text, field);
    case WEFT_CSV_BOOL:
        return read_bool(row, value, text, field);
    case WEFT_CSV_TIME:
        break;
    }
    err = parse_time(row, value, text, &ns);
    if (err != WEFT_OK) {
        return err;
    }
    weft_time_format(ns, time);
    field->value = weft_arena_text(row->arena, weft_text_of(time));
    field->type = WEFT_VALUE_TEXT;
    return field->value.data != NULL
               ? WEFT_OK
               : weft_csv_fail(row, &value->from, WEFT_ENOMEM, "out of memory");
}

static enum weft_err add_field(const struct weft_csv_row *row, const struct weft_csv_value *value,
    const char *segment, struct weft_field field, struct weft_field **ret_fields,
    uint32_t *ret_count)
{
    enum weft_err err = WEFT_OK;
    field.path = value->path;
    if (segment != NULL) {
        err = weft_path_add(row->arena, value->path, weft_text_of(segment), &field.path);
    }
    if (err == WEFT_OK) {
        err = weft_field_add(row->arena, ret_fields, ret_count, field);
    }
    return err == WEFT_OK ? WEFT_OK
                          : weft_csv_fail(row, &value->from, err, "cannot be kept as attribute");
}

enum weft_err weft_csv_add_value(const struct weft_csv_row *row, const struct weft_csv_value *value,
    struct weft_field **ret_fields, uint32_t *ret_count)
{
    struct weft_text text;
    const struct weft_csv_cell *cell = NULL;
    struct weft_field field = {.type = WEFT_VALUE_TEXT};
    enum weft_err err = weft_csv_fill(row, &value->from, &text, &cell);
    if (err == WEFT_ENOTFOUND) {
        return value->is_required
                   ? weft_csv_fail(row, &value->from, WEFT_EINVAL, "is empty, but required")
                   : WEFT_OK;
    }
    if (err != WEFT_OK) {
        return weft_csv_fail(row, &value->from, err, "out of memory");
    }
    err = read_value(row, value, text, &field);
    if (err != WEFT_OK) {
        return err;
    }
    if (value->unit.size == 0) {
        return add_field(row, value, NULL, field, ret_fields, ret_count);
    }
    err = add_field(row, value, "value", field, ret_fields, ret_count);
    const struct weft_field unit = {.value = value->unit, .type = WEFT_VALUE_TEXT};
    return err == WEFT_OK ? add_field(row, value, "unit", unit, ret_fields, ret_count) : err;
}
