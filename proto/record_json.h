/* proto/record_json.h: a record's JSON form (design: interfaces, "A record as JSON").
 *
 * Reading is strict: unknown members are errors with line, column and pointer. Writing gives
 * back attributes in the order and with the numbers they came with. */
#ifndef WEFT_PROTO_RECORD_JSON_H
#define WEFT_PROTO_RECORD_JSON_H

#include "proto/client.h"
#include "proto/json.h"
#include "proto/record.h"

/* Everything it points to is in the arena or borrowed from the tree.
 * WEFT_EINVAL, WEFT_EMALFORMED, WEFT_ETOOBIG: `msg` starts with "line L, column C (pointer): ". */
WEFT_MUST_USE enum weft_err weft_record_from_json(const struct weft_json *object,
    struct weft_arena *arena, struct weft_record *ret_record, struct weft_msg *msg);

/* Flatten any JSON value below `path` into fields, appended to the array at *ret_fields (grown
 * in the arena). For importers, which keep user extensions whole. Messages start with line,
 * column and pointer. WEFT_EINVAL, WEFT_ETOOBIG, WEFT_ENOMEM: fields may have been appended. */
WEFT_MUST_USE enum weft_err weft_fields_from_json(const struct weft_json *value,
    struct weft_text path, struct weft_arena *arena, struct weft_field **ret_fields,
    uint32_t *ret_count, struct weft_msg *msg);

/* Append one field to such an array. *ret_fields is NULL at first, then only what these two
 * functions made of it. WEFT_ETOOBIG past WEFT_RECORD_FIELDS_MAX, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_field_add(struct weft_arena *arena, struct weft_field **ret_fields,
    uint32_t *ret_count, struct weft_field field);

/* Append "/segment" for a member of that name to a path ("segment" to an empty one), escaped.
 * The path is in the arena. WEFT_EINVAL (empty name), WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_path_add(struct weft_arena *arena, struct weft_text path,
    struct weft_text name, struct weft_text *ret_path);

/* Append the JSON object that `fields` came from. `arena` is scratch. Elements of
 * an array that are not there (withheld ones) are written as null.
 * WEFT_EMALFORMED (fields contradict each other), WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_fields_to_json(const struct weft_field *fields,
    uint32_t field_count, struct weft_arena *arena, struct weft_buffer *out);

/* Append one line-free JSON object; with `stored` not NULL also index, time and digest. */
WEFT_MUST_USE enum weft_err weft_record_to_json(const struct weft_record *record,
    const struct weft_stored_record *stored, struct weft_arena *arena, struct weft_buffer *out);

#endif
