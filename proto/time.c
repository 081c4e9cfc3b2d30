#include "proto/time.h"

#include <stdbool.h>
#include <string.h>

#include "proto/check.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define SECONDS_PER_DAY INT64_C(86400)

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, and back. The year is
 * counted from March, so that the leap day is its last; an era is 400 years, 146,097 days. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *ret_month = march_month < 10 ? march_month + 3 : march_month - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
    const char *p;
    const char *end;
};

/* Exactly `digits` digits. */
static bool read_number(struct reader *r, int digits, int64_t *ret_number)
{
    int64_t number = 0;
    if (r->end - r->p < digits) {
        return false;
    }
    for (int i = 0; i < digits; i++) {
        if (r->p[i] < '0' || r->p[i] > '9') {
            return false;
        }
        number = number * 10 + (r->p[i] - '0');
    }
    r->p += digits;
    *ret_number = number;
    return true;
}

static bool read_one_of(struct reader *r, const char *set)
{
    if (r->p == r->end || *r->p == '\0' || strchr(set, *r->p) == NULL) {
        return false;
    }
    r->p++;
    return true;
}

/* Nothing, or '.' and 1 to 9 digits. */
static bool read_fraction(struct reader *r, int64_t *ret_ns)
{
    int64_t ns = 0, unit = NS_PER_SECOND;
    if (!read_one_of(r, ".")) {
        *ret_ns = 0;
        return true;
    }
    const char *start = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9') {
        if (unit == 1) {
            return false;
        }
        unit /= 10;
        ns += (*r->p - '0') * unit;
        r->p++;
    }
    *ret_ns = ns;
    return r->p > start;
}

/* 'Z' or "+hh:mm": seconds that local time is ahead of UTC. */
static enum weft_err read_zone(struct reader *r, int64_t *ret_offset_s, struct weft_msg *msg)
{
    int64_t hours, minutes;
    if (r->p == r->end) {
        return weft_fail(msg, WEFT_EINVAL, "time has no zone: it must end with Z or +hh:mm");
    }
    if (read_one_of(r, "Zz")) {
        *ret_offset_s = 0;
        return WEFT_OK;
    }
    bool is_behind = *r->p == '-';
    if (!read_one_of(r, "+-") || !read_number(r, 2, &hours) || !read_one_of(r, ":") ||
        !read_number(r, 2, &minutes)) {
        return weft_fail(msg, WEFT_EINVAL, "time zone must be Z or +hh:mm");
    }
    if (hours > 23 || minutes > 59) {
        return weft_fail(msg, WEFT_EINVAL, "time zone is out of range");
    }
    *ret_offset_s = (hours * 60 + minutes) * (is_behind ? -60 : 60);
    return WEFT_OK;
}

/* Year 1 to 9999 keeps seconds within int64; only nanoseconds can leave it. */
static enum weft_err combine(int64_t seconds, int64_t ns, int64_t *ret_ns, struct weft_msg *msg)
{
    int64_t total;
    /* Towards zero first: the lowest time fits in int64, its whole seconds alone do not. */
    if (seconds < 0 && ns > 0) {
        seconds += 1;
        ns -= NS_PER_SECOND;
    }
    if (__builtin_mul_overflow(seconds, NS_PER_SECOND, &total) ||
        __builtin_add_overflow(total, ns, &total)) {
        return weft_fail(msg, WEFT_EINVAL, "time is outside the years 1677 to 2262");
    }
    *ret_ns = total;
    return WEFT_OK;
}

enum weft_err weft_time_parse(struct weft_text text, int64_t *ret_ns, struct weft_msg *msg)
{
    struct reader r = {text.data, text.data + text.size};
    int64_t year, month, day, hour, minute, second, ns, offset_s = 0;
    if (text.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "time is empty");
    }
    if (!read_number(&r, 4, &year) || !read_one_of(&r, "-") || !read_number(&r, 2, &month) ||
        !read_one_of(&r, "-") || !read_number(&r, 2, &day) || !read_one_of(&r, "Tt ") ||
        !read_number(&r, 2, &hour) || !read_one_of(&r, ":") || !read_number(&r, 2, &minute) ||
        !read_one_of(&r, ":") || !read_number(&r, 2, &second)) {
        return weft_fail(
            msg, WEFT_EINVAL, "not an RFC 3339 time: it must look like 2017-07-28T08:16:42Z");
    }
    if (!read_fraction(&r, &ns)) {
        return weft_fail(msg, WEFT_EINVAL, "fraction of a second must have 1 to 9 digits");
    }
    enum weft_err err = read_zone(&r, &offset_s, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (r.p != r.end) {
        return weft_fail(msg, WEFT_EINVAL, "more behind the time");
    }
    if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) {
        return weft_fail(msg, WEFT_EINVAL, "no such day");
    }
    if (hour > 23 || minute > 59 || second > 60) {
        return weft_fail(msg, WEFT_EINVAL, "no such time of day");
    }
    if (second == 60) {
        second = 59;
        ns = NS_PER_SECOND - 1;
    }
    int64_t seconds = days_of_date(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 +
                      second - offset_s;
    return combine(seconds, ns, ret_ns, msg);
}

/* --- writing --------------------------------------------------------------------------------- */

static char *write_number(char *p, int64_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        p[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return p + digits;
}

void weft_time_format(int64_t ns, char ret_text[WEFT_TIME_TEXT_SIZE])
{
    int64_t seconds = ns / NS_PER_SECOND;
    int64_t fraction = ns % NS_PER_SECOND;
    if (fraction < 0) {
        seconds--;
        fraction += NS_PER_SECOND;
    }
    int64_t days = seconds / SECONDS_PER_DAY;
    int64_t rest = seconds % SECONDS_PER_DAY;
    if (rest < 0) {
        days--;
        rest += SECONDS_PER_DAY;
    }
    int64_t year, month, day;
    date_of_days(days, &year, &month, &day);
    weft_assert(year >= 1677 && year <= 2262); /* PRO-2: int64 of nanoseconds holds no more */

    char *p = write_number(ret_text, year, 4);
    *p++ = '-';
    p = write_number(p, month, 2);
    *p++ = '-';
    p = write_number(p, day, 2);
    *p++ = 'T';
    p = write_number(p, rest / 3600, 2);
    *p++ = ':';
    p = write_number(p, rest / 60 % 60, 2);
    *p++ = ':';
    p = write_number(p, rest % 60, 2);
    if (fraction != 0) {
        *p++ = '.';
        if (fraction % 1000000 == 0) {
            p = write_number(p, fraction / 1000000, 3);
        } else if (fraction % 1000 == 0) {
            p = write_number(p, fraction / 1000, 6);
        } else {
            p = write_number(p, fraction, 9);
        }
    }
    *p++ = 'Z';
    *p = '\0';
    weft_assert(p < ret_text + WEFT_TIME_TEXT_SIZE); /* PRO-2 */
}
