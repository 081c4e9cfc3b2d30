#include "proto/model/lexical.h"

/* A text and how far it was read. */
struct cursor {
    struct weft_text text;
    size_t at;
};

static bool is_digit_at(const struct cursor *c)
{
    return c->at < c->text.size && c->text.data[c->at] >= '0' && c->text.data[c->at] <= '9';
}

static bool take(struct cursor *c, char what)
{
    if (c->at < c->text.size && c->text.data[c->at] == what) {
        c->at++;
        return true;
    }
    return false;
}

/* Exactly `digits` of them. */
static bool take_number(struct cursor *c, unsigned digits, unsigned *ret_number)
{
    unsigned value = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (!is_digit_at(c)) {
            return false;
        }
        value = value * 10 + (unsigned)(c->text.data[c->at++] - '0');
    }
    *ret_number = value;
    return true;
}

/* One digit or more. */
static bool take_digits(struct cursor *c)
{
    size_t start = c->at;
    while (is_digit_at(c)) {
        c->at++;
    }
    return c->at > start;
}

bool weft_lexical_is_date(struct weft_text text)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct cursor c = {text, 0};
    unsigned year, month, day;
    if (!take_number(&c, 4, &year) || !take(&c, '-') || !take_number(&c, 2, &month) ||
        !take(&c, '-') || !take_number(&c, 2, &day) || c.at != text.size) {
        return false;
    }
    if (year == 0 || month == 0 || month > 12 || day == 0) {
        return false;
    }
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

static bool take_hour_minute(struct cursor *c)
{
    unsigned hour, minute;
    return take_number(c, 2, &hour) && take(c, ':') && take_number(c, 2, &minute) && hour < 24 &&
           minute < 60;
}

bool weft_lexical_is_time(struct weft_text text)
{
    struct cursor c = {text, 0};
    unsigned second;
    if (!take_hour_minute(&c) || !take(&c, ':') || !take_number(&c, 2, &second) || second > 60) {
        return false;
    }
    if (take(&c, '.') && !take_digits(&c)) {
        return false;
    }
    if (c.at < text.size && !take(&c, 'Z') && !take(&c, 'z')) {
        if ((!take(&c, '+') && !take(&c, '-')) || !take_hour_minute(&c)) {
            return false;
        }
    }
    return c.at == text.size;
}

/* Numbers with designators out of `order`, each at most once. *ret_fraction: the last had one. */
static bool take_parts(struct cursor *c, const char *order, unsigned *ret_count, bool *ret_fraction)
{
    while (is_digit_at(c)) {
        if (*ret_fraction || !take_digits(c)) {
            return false;
        }
        if (take(c, '.') || take(c, ',')) {
            *ret_fraction = true;
            if (!take_digits(c)) {
                return false;
            }
        }
        const char *found = c->at < c->text.size && c->text.data[c->at] != '\0'
                                ? strchr(order, c->text.data[c->at])
                                : NULL;
        if (found == NULL) {
            return false;
        }
        order = found + 1;
        c->at++;
        (*ret_count)++;
    }
    return true;
}

bool weft_lexical_is_duration(struct weft_text text)
{
    struct cursor c = {text, 0};
    unsigned count = 0, time_count = 0;
    bool has_fraction = false;
    if (!take(&c, 'P')) {
        return false;
    }
    size_t start = c.at;
    if (!take_parts(&c, "W", &count, &has_fraction) || count == 0) {
        c.at = start;
        count = 0;
        has_fraction = false;
        if (!take_parts(&c, "YMD", &count, &has_fraction)) {
            return false;
        }
        if (take(&c, 'T')) {
            if (!take_parts(&c, "HMS", &time_count, &has_fraction) || time_count == 0) {
                return false;
            }
        }
    }
    return c.at == text.size && count + time_count > 0;
}
