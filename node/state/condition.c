#include "node/state/condition.h"

/* --- globs ----------------------------------------------------------------------------------- */

/* Only the last '*' is ever tried again: what an earlier one took can be taken by it. So the
 * work is at most the product of the sizes. */
bool weft_glob_fits(struct weft_text glob, struct weft_text text)
{
    size_t g = 0, t = 0, star = SIZE_MAX, star_text = 0;
    if (glob.size == 0) {
        return true;
    }
    while (t < text.size) {
        if (g < glob.size && glob.data[g] == '*') {
            star = g++;
            star_text = t;
        } else if (g < glob.size && (glob.data[g] == '?' || glob.data[g] == text.data[t])) {
            g++;
            t++;
        } else if (star != SIZE_MAX) {
            g = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (g < glob.size && glob.data[g] == '*') {
        g++;
    }
    return g == glob.size;
}

struct weft_text weft_glob_prefix(struct weft_text glob)
{
    size_t n = 0;
    while (n < glob.size && glob.data[n] != '*' && glob.data[n] != '?') {
        n++;
    }
    return (struct weft_text){glob.data, n};
}

/* --- numbers --------------------------------------------------------------------------------- */

/* 0.d1 d2 d3 ... times 10 to the exponent; the digits lie in up to two runs, without zeros in
 * front. Zero has no digits. */
struct decimal {
    bool is_negative;
    int64_t exponent;
    struct weft_text runs[2];
};

enum {
    EXPONENT_MAX = 1000000
}; /* Beyond, literals are not finite doubles but for zero. */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct weft_text take_digits(struct weft_text text, size_t *at)
{
    size_t from = *at;
    if (text.size == 0) {
        return text; /* No address is made of an absent text's. */
    }
    while (*at < text.size && is_digit(text.data[*at])) {
        (*at)++;
    }
    return (struct weft_text){text.data + from, *at - from};
}

static void drop_zeros(struct weft_text *run, int64_t *dropped)
{
    while (run->size > 0 && run->data[0] == '0') {
        run->data++;
        run->size--;
        (*dropped)++;
    }
}

static bool take_exponent(struct weft_text text, size_t *at, int64_t *ret_exponent)
{
    *ret_exponent = 0;
    if (*at == text.size || (text.data[*at] != 'e' && text.data[*at] != 'E')) {
        return true;
    }
    (*at)++;
    bool is_negative = *at < text.size && text.data[*at] == '-';
    if (*at < text.size && (text.data[*at] == '-' || text.data[*at] == '+')) {
        (*at)++;
    }
    struct weft_text digits = take_digits(text, at);
    for (size_t i = 0; i < digits.size; i++) {
        if (*ret_exponent < EXPONENT_MAX) {
            *ret_exponent = *ret_exponent * 10 + (digits.data[i] - '0');
        }
    }
    *ret_exponent = is_negative ? -*ret_exponent : *ret_exponent;
    return digits.size > 0;
}

/* RFC 8259, section 6. */
static bool parse(struct weft_text text, struct decimal *ret_decimal)
{
    size_t at = 0;
    struct decimal d = {.is_negative = text.size > 0 && text.data[0] == '-'};
    int64_t exponent, dropped = 0;
    at += d.is_negative;
    struct weft_text whole = take_digits(text, &at);
    struct weft_text fraction = {text.data, 0};
    if (whole.size == 0 || (whole.size > 1 && whole.data[0] == '0')) {
        return false;
    }
    if (at < text.size && text.data[at] == '.') {
        at++;
        fraction = take_digits(text, &at);
        if (fraction.size == 0) {
            return false;
        }
    }
    if (!take_exponent(text, &at, &exponent) || at != text.size) {
        return false;
    }
    drop_zeros(&whole, &dropped);
    d.exponent = exponent + (int64_t)whole.size;
    if (whole.size == 0) {
        dropped = 0;
        drop_zeros(&fraction, &dropped);
        d.exponent = exponent - dropped;
    }
    d.runs[0] = whole;
    d.runs[1] = fraction;
    *ret_decimal = d;
    return true;
}

bool weft_number_is_valid(struct weft_text text)
{
    struct decimal d;
    return parse(text, &d);
}

static int digit_at(const struct decimal *d, size_t n)
{
    if (n < d->runs[0].size) {
        return d->runs[0].data[n] - '0';
    }
    n -= d->runs[0].size;
    return n < d->runs[1].size ? d->runs[1].data[n] - '0' : 0;
}

static bool is_zero(const struct decimal *d)
{
    return d->runs[0].size == 0 && d->runs[1].size == 0;
}

static int compare_size(const struct decimal *a, const struct decimal *b)
{
    if (is_zero(a) || is_zero(b)) {
        return (int)is_zero(b) - (int)is_zero(a);
    }
    if (a->exponent != b->exponent) {
        return a->exponent < b->exponent ? -1 : 1;
    }
    size_t a_size = a->runs[0].size + a->runs[1].size;
    size_t b_size = b->runs[0].size + b->runs[1].size;
    for (size_t i = 0; i < a_size || i < b_size; i++) {
        int difference = digit_at(a, i) - digit_at(b, i);
        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}

int weft_number_compare(struct weft_text a, struct weft_text b)
{
    struct decimal x, y;
    if (!parse(a, &x) || !parse(b, &y)) {
        return weft_text_compare(a, b);
    }
    bool x_negative = x.is_negative && !is_zero(&x);
    bool y_negative = y.is_negative && !is_zero(&y);
    if (x_negative != y_negative) {
        return x_negative ? -1 : 1;
    }
    return x_negative ? compare_size(&y, &x) : compare_size(&x, &y);
}

/* --- conditions ------------------------------------------------------------------------------ */

enum weft_err weft_condition_init(
    const struct weft_query *query, struct weft_condition *ret_condition, struct weft_msg *msg)
{
    if ((query->where_op == WEFT_OP_NONE) != (query->where_path.size == 0)) {
        return weft_fail(msg, WEFT_EINVAL, "a condition needs a path and an operator");
    }
    if (query->where_op < WEFT_OP_NONE || query->where_op > WEFT_OP_GLOB) {
        return weft_fail(msg, WEFT_EINVAL, "there is no operator %d", (int)query->where_op);
    }
    *ret_condition = (struct weft_condition){.path = query->where_path,
        .value = query->where_value,
        .op = query->where_op,
        .is_number = weft_number_is_valid(query->where_value)};
    return WEFT_OK;
}

bool weft_condition_holds(
    const struct weft_condition *c, enum weft_value_type type, struct weft_text value)
{
    bool is_number = type == WEFT_VALUE_INT || type == WEFT_VALUE_REAL;
    int order;
    if (type == WEFT_VALUE_REDACTED) {
        return false; /* Nothing holds of what is not there any more. */
    }
    if (c->op == WEFT_OP_GLOB) {
        return weft_glob_fits(c->value, value);
    }
    if (is_number && c->is_number) {
        order = weft_number_compare(value, c->value);
    } else if (is_number) {
        return c->op == WEFT_OP_NE;
    } else {
        order = weft_text_compare(value, c->value);
    }
    switch (c->op) {
    case WEFT_OP_EQ:
        return order == 0;
    case WEFT_OP_NE:
        return order != 0;
    case WEFT_OP_LT:
        return order < 0;
    case WEFT_OP_LE:
        return order <= 0;
    case WEFT_OP_GT:
        return order > 0;
    case WEFT_OP_GE:
        return order >= 0;
    case WEFT_OP_NONE:
    case WEFT_OP_GLOB:
        break;
    }
    return true;
}
