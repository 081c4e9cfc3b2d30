#include "node/state/twin/sheet.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "proto/check.h"
#include "proto/time.h"

enum {
    FIELDS_FIRST = 256,
    FIELD_OVERHEAD = 40, /* bytes of a field's table besides its texts, about */
};

void weft_sheet_init(struct weft_sheet *d, struct weft_arena *arena)
{
    *d = (struct weft_sheet){.arena = arena};
}

static void append_path(struct weft_sheet *d, const char *text, size_t size)
{
    if (size > sizeof(d->path) - d->path_size) {
        d->err = d->err == WEFT_OK ? WEFT_ETOOBIG : d->err;
        return;
    }
    memcpy(d->path + d->path_size, text, size);
    d->path_size += size;
}

static void enter(struct weft_sheet *d, const char *key)
{
    char element[16];
    weft_assert((key == NULL) == d->levels[d->depth].is_array);
    if (key == NULL) {
        (void)snprintf(element, sizeof(element), "[%" PRIu32 "]", d->levels[d->depth].elements);
        key = element;
    }
    d->levels[d->depth].elements++;
    if (d->path_size > 0) {
        append_path(d, "/", 1);
    }
    append_path(d, key, strlen(key));
}

static void leave(struct weft_sheet *d)
{
    d->path_size = d->levels[d->depth].path_size;
}

static void add(struct weft_sheet *d, enum weft_value_type type, struct weft_text value)
{
    if (d->err != WEFT_OK) {
        return;
    }
    d->size_bytes += FIELD_OVERHEAD + d->path_size + value.size;
    if (d->count == WEFT_DOCUMENT_FIELDS_MAX || d->size_bytes > WEFT_SHEET_SIZE_MAX) {
        d->err = WEFT_ETOOBIG;
        return;
    }
    if (d->count == d->capacity) {
        uint32_t capacity = d->capacity == 0 ? FIELDS_FIRST : d->capacity * 2;
        struct weft_field *fields = weft_arena_array(d->arena, capacity, sizeof(*fields));
        if (fields == NULL) {
            d->err = WEFT_ENOMEM;
            return;
        }
        if (d->count > 0) {
            memcpy(fields, d->fields, d->count * sizeof(*fields));
        }
        d->fields = fields;
        d->capacity = capacity;
    }
    struct weft_text path = weft_arena_text(d->arena, (struct weft_text){d->path, d->path_size});
    if (path.data == NULL) {
        d->err = WEFT_ENOMEM;
        return;
    }
    d->fields[d->count++] = (struct weft_field){path, value, type};
}

void weft_sheet_open(struct weft_sheet *d, const char *key, char bracket)
{
    weft_assert(d->depth + 1 < WEFT_SHEET_DEPTH_MAX);
    enter(d, key);
    d->depth++;
    d->levels[d->depth].path_size = d->path_size;
    d->levels[d->depth].elements = 0;
    d->levels[d->depth].is_array = bracket == '[';
}

void weft_sheet_close(struct weft_sheet *d)
{
    weft_assert(d->depth > 0);
    if (d->levels[d->depth].elements == 0) {
        add(d, d->levels[d->depth].is_array ? WEFT_VALUE_EMPTY_ARRAY : WEFT_VALUE_EMPTY_OBJECT,
            WEFT_TEXT(""));
    }
    d->depth--;
    leave(d);
}

void weft_sheet_field(
    struct weft_sheet *d, const char *key, enum weft_value_type type, struct weft_text value)
{
    enter(d, key);
    add(d, type, value);
    leave(d);
}

void weft_sheet_text(struct weft_sheet *d, const char *key, struct weft_text text)
{
    weft_sheet_field(d, key, WEFT_VALUE_TEXT, text);
}

void weft_sheet_maybe(struct weft_sheet *d, const char *key, struct weft_text text)
{
    if (text.size > 0) {
        weft_sheet_text(d, key, text);
    }
}

/* A literal made here lives in the arena. */
static void add_literal(
    struct weft_sheet *d, const char *key, enum weft_value_type type, const char *literal)
{
    struct weft_text copy = weft_arena_text(d->arena, weft_text_of(literal));
    d->err = copy.data == NULL && d->err == WEFT_OK ? WEFT_ENOMEM : d->err;
    weft_sheet_field(d, key, type, copy);
}

void weft_sheet_unsigned(struct weft_sheet *d, const char *key, uint64_t number)
{
    char literal[24];
    (void)snprintf(literal, sizeof(literal), "%" PRIu64, number);
    add_literal(d, key, WEFT_VALUE_INT, literal);
}

void weft_sheet_real(struct weft_sheet *d, const char *key, double number)
{
    char literal[40];
    if (!isfinite(number)) {
        weft_sheet_field(d, key, WEFT_VALUE_NULL, WEFT_TEXT(""));
        return;
    }
    (void)snprintf(literal, sizeof(literal), "%.12g", number);
    bool is_real = strpbrk(literal, ".e") != NULL;
    add_literal(d, key, is_real ? WEFT_VALUE_REAL : WEFT_VALUE_INT, literal);
}

void weft_sheet_bool(struct weft_sheet *d, const char *key, bool value)
{
    weft_sheet_field(d, key, WEFT_VALUE_BOOL, value ? WEFT_TEXT("true") : WEFT_TEXT("false"));
}

void weft_sheet_time(struct weft_sheet *d, const char *key, int64_t ns)
{
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(ns, text);
    add_literal(d, key, WEFT_VALUE_TEXT, text);
}

enum weft_err weft_sheet_end(const struct weft_sheet *d)
{
    weft_assert(d->depth == 0);
    return d->err;
}
