#include "policy/command/scalar.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/check.h"

/* --- numbers --------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The magnitude, times WEFT_SCALAR_ONE. ACT-1: each number has this one text. */
static bool parse_magnitude(struct weft_text text, uint64_t *ret_magnitude)
{
    struct weft_text fraction = text, whole;
    uint64_t number = 0;
    bool has_point = weft_text_cut(&fraction, '.', &whole);
    if (whole.size == 0 || (whole.size > 1 && whole.data[0] == '0')) {
        return false;
    }
    if (has_point && (fraction.size == 0 || fraction.size > WEFT_SCALAR_DIGITS ||
                         fraction.data[fraction.size - 1] == '0')) {
        return false;
    }
    size_t fraction_size = has_point ? fraction.size : 0;
    for (size_t i = 0; i < whole.size + WEFT_SCALAR_DIGITS; i++) {
        char digit = i < whole.size                   ? whole.data[i]
                     : i - whole.size < fraction_size ? fraction.data[i - whole.size]
                                                      : '0';
        if (!is_digit(digit) || number > (UINT64_MAX - 9) / 10) {
            return false;
        }
        number = number * 10 + (uint64_t)(digit - '0');
    }
    *ret_magnitude = number;
    return true;
}

bool weft_scalar_parse_number(struct weft_text text, int64_t *ret_number)
{
    bool is_negative = text.size > 0 && text.data[0] == '-';
    uint64_t magnitude;
    if (is_negative) {
        text.data++;
        text.size--;
    }
    if (!parse_magnitude(text, &magnitude) || magnitude > INT64_MAX ||
        (is_negative && magnitude == 0)) {
        return false;
    }
    *ret_number = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

void weft_scalar_format_number(int64_t number, char ret_text[WEFT_SCALAR_NUMBER_TEXT_SIZE])
{
    weft_assert(number != INT64_MIN); /* ACT-1: no text gives it */
    uint64_t magnitude = (uint64_t)(number < 0 ? -number : number);
    uint64_t fraction = magnitude % (uint64_t)WEFT_SCALAR_ONE;
    int size = snprintf(ret_text, WEFT_SCALAR_NUMBER_TEXT_SIZE, "%s%" PRIu64, number < 0 ? "-" : "",
        magnitude / (uint64_t)WEFT_SCALAR_ONE);
    if (fraction > 0) {
        size += snprintf(
            ret_text + size, WEFT_SCALAR_NUMBER_TEXT_SIZE - (size_t)size, ".%09" PRIu64, fraction);
        while (ret_text[size - 1] == '0') {
            ret_text[--size] = '\0';
        }
    }
}

bool weft_scalar_is_within(int64_t a, int64_t b, int64_t distance)
{
    uint64_t apart = a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
    return distance >= 0 && apart <= (uint64_t)distance;
}

/* --- durations ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint64_t ms;
} spans[] = {
    {"d", UINT64_C(24) * 3600 * 1000},
    {"h", UINT64_C(3600) * 1000},
    {"m", UINT64_C(60) * 1000},
    {"s", 1000},
    {"ms", 1},
};

void weft_scalar_format_duration(uint64_t ms, char ret_text[WEFT_SCALAR_DURATION_TEXT_SIZE])
{
    size_t i = 0;
    while (ms % spans[i].ms != 0) {
        i++;
    }
    (void)snprintf(
        ret_text, WEFT_SCALAR_DURATION_TEXT_SIZE, "%" PRIu64 "%s", ms / spans[i].ms, spans[i].name);
}

bool weft_scalar_parse_duration(struct weft_text text, uint64_t *ret_ms)
{
    char again[WEFT_SCALAR_DURATION_TEXT_SIZE];
    size_t digits = 0;
    uint64_t number;
    while (digits < text.size && is_digit(text.data[digits])) {
        digits++;
    }
    if (!weft_text_exact_number((struct weft_text){text.data, digits}, &number) || number == 0 ||
        number > WEFT_SCALAR_DURATION_MAX_MS) {
        return false;
    }
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        if (weft_text_is(
                (struct weft_text){text.data + digits, text.size - digits}, spans[i].name)) {
            uint64_t ms = number * spans[i].ms; /* below 2^63: both factors are below 2^35 */
            weft_scalar_format_duration(ms, again);
            if (ms > WEFT_SCALAR_DURATION_MAX_MS || !weft_text_is(text, again)) {
                return false;
            }
            *ret_ms = ms;
            return true;
        }
    }
    return false;
}

/* --- words ----------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_of(struct weft_text text, const char *marks)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!is_letter(c) && !is_digit(c) && (c == '\0' || strchr(marks, c) == NULL)) {
            return false;
        }
    }
    return true;
}

bool weft_scalar_is_word(struct weft_text text)
{
    return text.size > 0 && text.size <= WEFT_SCALAR_WORD_SIZE_MAX && is_letter(text.data[0]) &&
           is_of(text, "._-") && !weft_text_is(text, "true") && !weft_text_is(text, "false");
}

bool weft_scalar_is_unit(struct weft_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return text.size > 0 && text.size <= WEFT_SCALAR_UNIT_SIZE_MAX;
}

bool weft_scalar_is_path(struct weft_text text)
{
    bool is_inside = false; /* Of a segment. */
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '/' && !is_inside) {
            return false;
        }
        is_inside = text.data[i] != '/';
    }
    return is_inside && text.size <= WEFT_SCALAR_PATH_SIZE_MAX && is_of(text, "._~[]-/");
}

/* --- scalars --------------------------------------------------------------------------------- */

bool weft_scalar_parse(struct weft_text text, struct weft_scalar *ret_scalar)
{
    struct weft_scalar scalar = {.type = WEFT_SCALAR_TRUTH};
    struct weft_text number;
    if (weft_text_is(text, "true") || weft_text_is(text, "false")) {
        scalar.truth = weft_text_is(text, "true");
    } else if (weft_scalar_is_word(text)) {
        scalar.type = WEFT_SCALAR_WORD;
        scalar.word = text;
    } else {
        scalar.type = WEFT_SCALAR_NUMBER;
        scalar.unit = text;
        if (!weft_text_cut(&scalar.unit, ' ', &number) ||
            !weft_scalar_parse_number(number, &scalar.number) ||
            !weft_scalar_is_unit(scalar.unit)) {
            return false;
        }
    }
    *ret_scalar = scalar;
    return true;
}

enum weft_err weft_scalar_format(const struct weft_scalar *scalar, struct weft_buffer *out)
{
    char number[WEFT_SCALAR_NUMBER_TEXT_SIZE];
    switch (scalar->type) {
    case WEFT_SCALAR_NUMBER:
        weft_scalar_format_number(scalar->number, number);
        return weft_buffer_format(
            out, "%s %.*s", number, (int)scalar->unit.size, scalar->unit.data);
    case WEFT_SCALAR_TRUTH:
        return weft_buffer_text(out, scalar->truth ? WEFT_TEXT("true") : WEFT_TEXT("false"));
    case WEFT_SCALAR_WORD:
        return weft_buffer_text(out, scalar->word);
    }
    weft_unreachable("a scalar's type");
}

bool weft_scalar_is_alike(const struct weft_scalar *a, const struct weft_scalar *b)
{
    return a->type == b->type &&
           (a->type != WEFT_SCALAR_NUMBER || weft_text_equal(a->unit, b->unit));
}

bool weft_scalar_equal(const struct weft_scalar *a, const struct weft_scalar *b)
{
    if (!weft_scalar_is_alike(a, b)) {
        return false;
    }
    switch (a->type) {
    case WEFT_SCALAR_NUMBER:
        return a->number == b->number;
    case WEFT_SCALAR_TRUTH:
        return a->truth == b->truth;
    case WEFT_SCALAR_WORD:
        return weft_text_equal(a->word, b->word);
    }
    weft_unreachable("a scalar's type");
}
