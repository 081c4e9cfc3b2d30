/* proto/record.h: the record and the commit as plain structs.
 *
 * A record is an immutable, typed statement about one asset. Its attributes are a flat list of
 * fields, each a path and a scalar: a JSON object {"flatness": {"value": 0.014, "unit": "mm"}}
 * is the fields flatness/value and flatness/unit, so that each can be disclosed or withheld by
 * itself (federation) and addressed by policy. proto/record_json.h turns JSON into fields and
 * back without loss. All slices borrow from the message or text that was decoded. */
#ifndef WEFT_PROTO_RECORD_H
#define WEFT_PROTO_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

/* The numbers are on the wire and in digests: they never change. */
enum weft_value_type {
    WEFT_VALUE_NULL = 0,         /* value is empty */
    WEFT_VALUE_BOOL = 1,         /* "true" or "false" */
    WEFT_VALUE_INT = 2,          /* JSON integer literal as given, in the range of int64 */
    WEFT_VALUE_REAL = 3,         /* JSON number literal as given, finite as a double */
    WEFT_VALUE_TEXT = 4,         /* UTF-8; times are RFC 3339 texts */
    WEFT_VALUE_EMPTY_OBJECT = 5, /* {} : it has no field of its own */
    WEFT_VALUE_EMPTY_ARRAY = 6,  /* [] */
    WEFT_VALUE_TYPES,
    /* Of stored records alone: the value was redacted; its leaf (proto/statement.h), as
     * weft_digest_format has it, stands for it. No commit has one. */
    WEFT_VALUE_REDACTED = WEFT_VALUE_TYPES
};

struct weft_field {
    /* Segments joined by '/'. In a segment '~' is "~0" and '/' is "~1" (RFC 6901); an array's
     * element is "[N]", and a key that starts with '[' has it written "~2". */
    struct weft_text path;
    struct weft_text value;
    enum weft_value_type type;
};

struct weft_link {
    struct weft_text rel;            /* `consumes`, `uses_lot`, `made_on`, ... */
    struct weft_text to;             /* Asset id; it need not exist yet. */
    const struct weft_field *fields; /* Of the link: quantity, reference designator. */
    uint32_t field_count;
};

struct weft_record {
    struct weft_text kind;
    struct weft_text asset;
    struct weft_text source; /* Empty: not given. */
    struct weft_text author; /* Empty in a request: the principal becomes the author. */
    int64_t at_ns;           /* When it was true, ns since 1970 UTC; read only if has_at. */
    bool has_at;             /* false: the commit's time. */
    bool has_expect;
    uint64_t expect_rev; /* Read only if has_expect; 0: the asset must not exist. */
    const struct weft_field *fields;
    const struct weft_link *links;
    uint32_t field_count;
    uint32_t link_count;
};

struct weft_request_id {
    uint8_t bytes[16];
};

struct weft_commit {
    struct weft_request_id request_id;
    const struct weft_record *records;
    uint32_t record_count; /* 1 to WEFT_COMMIT_RECORDS_MAX. */
};

/* Every rule that a record obeys by itself: ids, sizes, counts, UTF-8, numbers in range, no
 * path twice. `ret_pointer` (may be NULL) receives an RFC 6901 pointer to the culprit in the
 * record's JSON form, e.g. "/attrs/flatness/value" or "/links/3/to".
 *
 * WEFT_EINVAL, WEFT_EMALFORMED (not UTF-8), WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_record_check(
    const struct weft_record *record, char ret_pointer[256], struct weft_msg *msg);

/* "<base>/attrs/<path>" as an RFC 6901 pointer, cut at its end. `base` is "" or "/links/3"; `path`
 * a field's, or its first segments; without data: "<base>/attrs". */
void weft_record_pointer(const char *base, struct weft_text path, char ret_pointer[256]);

/* An asset id: 1 to 255 bytes of UTF-8, no control characters, no space at either end. */
bool weft_asset_is_valid(struct weft_text asset);
/* A kind or rel: 1 to 63 of [a-z0-9_.-], starting with a letter or digit. */
bool weft_name_is_valid(struct weft_text name);
/* The literal of a JSON number, as RFC 8259, section 6 has it, of any size. */
bool weft_record_is_number(struct weft_text literal);

#endif
