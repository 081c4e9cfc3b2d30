#include "ops/import/decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DIGITS_MAX = 18, /* Fit into 63 bits. */
    LITERAL_SIZE_MAX = 64,
};

struct decimal {
    int64_t mantissa;
    unsigned scale; /* Digits behind the point. */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_at(struct weft_text t, size_t at)
{
    size_t n = 0;
    while (at + n < t.size && is_digit(t.data[at + n])) {
        n++;
    }
    return n;
}

/* JSON's grammar (RFC 8259, 6). Returns true and whether it has a fraction or an exponent. */
static bool is_number(struct weft_text t, bool *ret_is_real)
{
    size_t at = t.size > 0 && t.data[0] == '-';
    size_t n = digits_at(t, at);
    *ret_is_real = false;
    if (n == 0 || (n > 1 && t.data[at] == '0')) {
        return false;
    }
    at += n;
    if (at < t.size && t.data[at] == '.') {
        n = digits_at(t, at + 1);
        *ret_is_real = true;
        if (n == 0) {
            return false;
        }
        at += 1 + n;
    }
    if (at < t.size && (t.data[at] == 'e' || t.data[at] == 'E')) {
        at++;
        at += at < t.size && (t.data[at] == '+' || t.data[at] == '-');
        n = digits_at(t, at);
        *ret_is_real = true;
        if (n == 0) {
            return false;
        }
        at += n;
    }
    return at == t.size;
}

enum weft_value_type weft_decimal_type(struct weft_text literal)
{
    char text[LITERAL_SIZE_MAX + 1];
    bool is_real;
    if (literal.size > LITERAL_SIZE_MAX || !is_number(literal, &is_real)) {
        return WEFT_VALUE_TEXT;
    }
    memcpy(text, literal.data, literal.size);
    text[literal.size] = '\0';
    if (is_real) {
        return isfinite(strtod(text, NULL)) ? WEFT_VALUE_REAL : WEFT_VALUE_TEXT;
    }
    /* 19 digits may pass the range of int64. */
    return digits_at(literal, text[0] == '-') <= DIGITS_MAX ? WEFT_VALUE_INT : WEFT_VALUE_TEXT;
}

static enum weft_err parse(struct weft_text t, struct decimal *ret_d)
{
    struct decimal d = {0, 0};
    bool is_negative = t.size > 0 && t.data[0] == '-';
    bool has_point = false;
    unsigned digits = 0;
    for (size_t i = is_negative || (t.size > 0 && t.data[0] == '+'); i < t.size; i++) {
        if (t.data[i] == '.' && !has_point) {
            has_point = true;
        } else if (!is_digit(t.data[i])) {
            return WEFT_EINVAL;
        } else if (++digits > DIGITS_MAX) {
            return WEFT_ETOOBIG;
        } else {
            d.mantissa = d.mantissa * 10 + (t.data[i] - '0');
            d.scale += has_point;
        }
    }
    d.mantissa = is_negative ? -d.mantissa : d.mantissa;
    *ret_d = d;
    return digits > 0 ? WEFT_OK : WEFT_EINVAL;
}

static enum weft_err scale_to(struct decimal *d, unsigned scale)
{
    for (; d->scale < scale; d->scale++) {
        if (d->mantissa > INT64_MAX / 10 || d->mantissa < INT64_MIN / 10) {
            return WEFT_ETOOBIG;
        }
        d->mantissa *= 10;
    }
    return WEFT_OK;
}

enum weft_err weft_decimal_add(
    struct weft_text a, struct weft_text b, char ret_sum[WEFT_DECIMAL_SIZE])
{
    struct decimal x, y;
    enum weft_err err = parse(a, &x);
    err = err == WEFT_OK ? parse(b, &y) : err;
    if (err != WEFT_OK) {
        return err;
    }
    unsigned scale = x.scale > y.scale ? x.scale : y.scale;
    if (scale_to(&x, scale) != WEFT_OK || scale_to(&y, scale) != WEFT_OK ||
        (y.mantissa > 0 && x.mantissa > INT64_MAX - y.mantissa) ||
        (y.mantissa < 0 && x.mantissa < -INT64_MAX - y.mantissa)) {
        return WEFT_ETOOBIG;
    }
    int64_t sum = x.mantissa + y.mantissa;
    for (; scale > 0 && sum % 10 == 0; scale--) {
        sum /= 10;
    }
    uint64_t size = sum < 0 ? (uint64_t)-sum : (uint64_t)sum, unit = 1;
    for (unsigned i = 0; i < scale; i++) {
        unit *= 10;
    }
    int n = scale == 0
                ? snprintf(ret_sum, WEFT_DECIMAL_SIZE, "%s%" PRIu64, sum < 0 ? "-" : "", size)
                : snprintf(ret_sum, WEFT_DECIMAL_SIZE, "%s%" PRIu64 ".%0*" PRIu64,
                      sum < 0 ? "-" : "", size / unit, (int)scale, size % unit);
    return n > 0 && n < WEFT_DECIMAL_SIZE ? WEFT_OK : WEFT_ETOOBIG;
}
