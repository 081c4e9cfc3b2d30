/* node/state/twin/sheet.h: builds the answer to TWIN and DIFF: a JSON object as flat fields.
 *
 * The form is that of proto/record.h (a path and a scalar each) without a record's limit on
 * their number. Keys are ours alone: short names without '/', '~' or '['; what comes from
 * records stands in values. An error sticks and is asked for once, at the end. */
#ifndef WEFT_NODE_STATE_TWIN_SHEET_H
#define WEFT_NODE_STATE_TWIN_SHEET_H

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/record.h"

enum {
    WEFT_SHEET_DEPTH_MAX = 10,
    WEFT_SHEET_SIZE_MAX = 2 * 1024 * 1024,
};

struct weft_sheet {
    struct weft_arena *arena;
    struct weft_field *fields;
    uint32_t count;
    uint32_t capacity;
    size_t size_bytes; /* About what it will be, encoded. */
    enum weft_err err; /* The first there was. */
    char path[WEFT_PATH_SIZE_MAX];
    size_t path_size;
    struct {
        size_t path_size; /* Of the container's own path. */
        uint32_t elements;
        bool is_array;
    } levels[WEFT_SHEET_DEPTH_MAX];
    int depth; /* The root is level 0 and an object. */
};

void weft_sheet_init(struct weft_sheet *sheet, struct weft_arena *arena);
/* `key` NULL: the next element of an array. */
void weft_sheet_open(struct weft_sheet *sheet, const char *key, char bracket);
void weft_sheet_close(struct weft_sheet *sheet);
/* `value` is kept, not copied. */
void weft_sheet_field(
    struct weft_sheet *sheet, const char *key, enum weft_value_type type, struct weft_text value);
void weft_sheet_text(struct weft_sheet *sheet, const char *key, struct weft_text text);
/* Left out if it is empty. */
void weft_sheet_maybe(struct weft_sheet *sheet, const char *key, struct weft_text text);
void weft_sheet_unsigned(struct weft_sheet *sheet, const char *key, uint64_t number);
void weft_sheet_real(struct weft_sheet *sheet, const char *key, double number);
void weft_sheet_bool(struct weft_sheet *sheet, const char *key, bool value);
void weft_sheet_time(struct weft_sheet *sheet, const char *key, int64_t ns);
/* WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_sheet_end(const struct weft_sheet *sheet);

#endif
