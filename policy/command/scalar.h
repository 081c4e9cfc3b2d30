/* policy/command/scalar.h: what commands, envelopes and receipts speak of: one value, one text.
 *
 *     42.5 rpm      a number with its unit (UCUM; "1" if it has none)
 *     true, false   a truth
 *     auto          a word
 *
 * A number is a canonical decimal, kept as a scaled 64-bit integer and never as a float: two
 * gateways and three replicas compare it alike. Units are compared as bytes and never converted
 * (ACT-2). */
#ifndef WEFT_POLICY_COMMAND_SCALAR_H
#define WEFT_POLICY_COMMAND_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_SCALAR_DIGITS = 9,            /* behind the point; chosen: nano of any unit */
    WEFT_SCALAR_NUMBER_TEXT_SIZE = 22, /* "-9223372036.854775807", terminated */
    WEFT_SCALAR_DURATION_TEXT_SIZE = 24,
    WEFT_SCALAR_WORD_SIZE_MAX = 63,
    WEFT_SCALAR_UNIT_SIZE_MAX = 32,  /* as proto/model/unit.h */
    WEFT_SCALAR_PATH_SIZE_MAX = 255, /* as a record's fields */
};

/* The number 1: 1e9, so that numbers reach to +-9223372036.854775807. */
#define WEFT_SCALAR_ONE INT64_C(1000000000)
/* Durations, ms: up to 366 days. */
#define WEFT_SCALAR_DURATION_MAX_MS (UINT64_C(366) * 24 * 3600 * 1000)

enum weft_scalar_type {
    WEFT_SCALAR_NUMBER,
    WEFT_SCALAR_TRUTH,
    WEFT_SCALAR_WORD,
};

/* Texts borrow. */
struct weft_scalar {
    enum weft_scalar_type type;
    bool truth;            /* TRUTH */
    int64_t number;        /* NUMBER, times WEFT_SCALAR_ONE */
    struct weft_text unit; /* NUMBER */
    struct weft_text word; /* WORD */
};

/* "-12.05": no leading or trailing zeros, no "-0", no exponent. False: another form, or it does not
 * fit; *ret_number is as before. */
bool weft_scalar_parse_number(struct weft_text text, int64_t *ret_number);
void weft_scalar_format_number(int64_t number, char ret_text[WEFT_SCALAR_NUMBER_TEXT_SIZE]);

/* "250ms", "20s", "10m", "2h", "7d": the largest unit that divides it, not 0. */
bool weft_scalar_parse_duration(struct weft_text text, uint64_t *ret_ms);
void weft_scalar_format_duration(uint64_t ms, char ret_text[WEFT_SCALAR_DURATION_TEXT_SIZE]);

/* False: none of the three. */
bool weft_scalar_parse(struct weft_text text, struct weft_scalar *ret_scalar);
/* WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_scalar_format(
    const struct weft_scalar *scalar, struct weft_buffer *out);

/* 1 to 63 of A-Z a-z 0-9 . _ -, first a letter, and neither "true" nor "false". */
bool weft_scalar_is_word(struct weft_text text);
/* 1 to 32 bytes of ASCII without spaces: what a UCUM code looks like. */
bool weft_scalar_is_unit(struct weft_text text);
/* A field's path: segments of A-Z a-z 0-9 . _ ~ [ ] - joined by '/', up to 255 bytes. */
bool weft_scalar_is_path(struct weft_text text);

/* Of one type, and numbers of one unit: only these can be compared. */
bool weft_scalar_is_alike(const struct weft_scalar *a, const struct weft_scalar *b);
/* Alike, and the same. */
bool weft_scalar_equal(const struct weft_scalar *a, const struct weft_scalar *b);
/* Are numbers a and b at most `distance` apart? Right for any numbers. */
bool weft_scalar_is_within(int64_t a, int64_t b, int64_t distance);

#endif
