/* proto/json.h: JSON (RFC 8259) to and from a small tree; parsed by json_reader.h.
 *
 * Strict: UTF-8 only, no comments, no duplicate keys, no NaN, depth at most
 * WEFT_JSON_DEPTH_MAX. Numbers keep their literal text. Every value knows its line and column,
 * so that an error can name the place. Nodes live in the caller's arena. */
#ifndef WEFT_PROTO_JSON_H
#define WEFT_PROTO_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum weft_json_type {
    WEFT_JSON_NULL,
    WEFT_JSON_BOOL,
    WEFT_JSON_NUMBER,
    WEFT_JSON_STRING,
    WEFT_JSON_ARRAY,
    WEFT_JSON_OBJECT,
};

struct weft_json {
    enum weft_json_type type;
    bool boolean;
    uint32_t line;           /* From 1. */
    uint32_t column;         /* From 1, in bytes. */
    struct weft_text key;    /* Of a member of an object. */
    struct weft_text text;   /* STRING: unescaped. NUMBER: the literal. */
    struct weft_json *first; /* ARRAY, OBJECT: children in order. */
    struct weft_json *next;  /* Sibling. */
    struct weft_json *parent;
    uint32_t count; /* Children. */
    uint32_t index; /* Place among the parent's children, from 0. */
};

/* One value and nothing but white space behind it. `first_line` is the number of the text's
 * first line in its file. On error `msg` says "line L, column C: reason".
 *
 * WEFT_EMALFORMED, WEFT_ETOOBIG (depth, arena), WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_json_parse(struct weft_text text, uint32_t first_line,
    struct weft_arena *arena, struct weft_json **ret_root, struct weft_msg *msg);

/* The same for foreign documents: members named `repeatable` may be there more than once. All
 * of them are in the tree, in order. */
WEFT_MUST_USE enum weft_err weft_json_parse_foreign(struct weft_text text, uint32_t first_line,
    const char *repeatable, struct weft_arena *arena, struct weft_json **ret_root,
    struct weft_msg *msg);

/* NULL when there is no such member or `object` is not an object. */
const struct weft_json *weft_json_get(const struct weft_json *object, const char *key);

/* RFC 6901 pointer from the root to `value`, cut at `size`. */
void weft_json_pointer(const struct weft_json *value, char *ret_pointer, size_t size);

/* The value that an RFC 6901 pointer names below `value`, or the innermost one on the way. */
const struct weft_json *weft_json_at(const struct weft_json *value, const char *pointer);

/* Put "line L, column C (pointer): " in front of the reason in `msg`. `member` (may be NULL) is
 * the name of a member that `at` ought to have. Returns `err`. */
enum weft_err weft_json_place(
    const struct weft_json *at, const char *member, struct weft_msg *msg, enum weft_err err);
/* The same with a reason of its own. */
enum weft_err weft_json_fail(const struct weft_json *at, struct weft_msg *msg, enum weft_err err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* WEFT_EINVAL with a place unless `value` is of that type. */
WEFT_MUST_USE enum weft_err weft_json_expect(
    const struct weft_json *value, enum weft_json_type type, struct weft_msg *msg);

/* Writer: append a JSON string literal, quotes included. Text must be UTF-8. */
WEFT_MUST_USE enum weft_err weft_json_quote(struct weft_buffer *out, struct weft_text text);
/* Write a tree back, compact; numbers as their literals. */
WEFT_MUST_USE enum weft_err weft_json_write(struct weft_buffer *out, const struct weft_json *value);

#endif
