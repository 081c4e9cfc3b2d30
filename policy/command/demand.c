#include "policy/command/demand.h"

#include "policy/document.h"
#include "proto/check.h"

static const int64_t ms_ns = 1000 * 1000;

static const char *const signs[WEFT_DEMAND_SIGNS] = {
    [WEFT_DEMAND_EQUAL] = "=",
    [WEFT_DEMAND_OTHER] = "!=",
    [WEFT_DEMAND_AT_MOST] = "<=",
    [WEFT_DEMAND_AT_LEAST] = ">=",
};

/* --- texts ----------------------------------------------------------------------------------- */

/* "PATH SIGN rest". */
static bool cut_path(
    struct weft_text *rest, struct weft_text *ret_path, enum weft_demand_sign *ret_sign)
{
    struct weft_text sign;
    if (!weft_text_cut(rest, ' ', ret_path) || !weft_scalar_is_path(*ret_path) ||
        !weft_text_cut(rest, ' ', &sign)) {
        return false;
    }
    for (int i = 0; i < WEFT_DEMAND_SIGNS; i++) {
        if (weft_text_is(sign, signs[i])) {
            *ret_sign = (enum weft_demand_sign)i;
            return true;
        }
    }
    return false;
}

/* Splits at the last `mark`, a text between blanks, of which a value has none. */
static bool split(struct weft_text text, const char *mark, struct weft_text *ret_before,
    struct weft_text *ret_behind)
{
    size_t size = strlen(mark);
    for (size_t i = text.size; i-- > 0;) {
        if (text.size - i >= size && memcmp(text.data + i, mark, size) == 0) {
            *ret_before = (struct weft_text){text.data, i};
            *ret_behind = (struct weft_text){text.data + i + size, text.size - i - size};
            return true;
        }
    }
    return false;
}

bool weft_demand_parse(struct weft_text text, struct weft_demand *ret_demand)
{
    struct weft_demand demand = {.sign = WEFT_DEMAND_EQUAL};
    if (!cut_path(&text, &demand.path, &demand.sign) || !weft_scalar_parse(text, &demand.value)) {
        return false;
    }
    bool is_order = demand.sign == WEFT_DEMAND_AT_MOST || demand.sign == WEFT_DEMAND_AT_LEAST;
    if (is_order && demand.value.type != WEFT_SCALAR_NUMBER) {
        return false;
    }
    *ret_demand = demand;
    return true;
}

/* "42.5 +- 0.5 rpm", or a scalar that is no number. */
static bool parse_tolerance(struct weft_text text, struct weft_outcome *outcome)
{
    struct weft_text number, tolerance, unit;
    if (!split(text, " +- ", &number, &unit)) {
        return weft_scalar_parse(text, &outcome->value) &&
               outcome->value.type != WEFT_SCALAR_NUMBER;
    }
    outcome->value.type = WEFT_SCALAR_NUMBER;
    bool is_cut = weft_text_cut(&unit, ' ', &tolerance);
    outcome->value.unit = unit;
    return is_cut && weft_scalar_is_unit(unit) &&
           weft_scalar_parse_number(number, &outcome->value.number) &&
           weft_scalar_parse_number(tolerance, &outcome->tolerance) && outcome->tolerance >= 0;
}

bool weft_outcome_parse(struct weft_text text, struct weft_outcome *ret_outcome)
{
    struct weft_outcome outcome = {.tolerance = 0};
    enum weft_demand_sign sign;
    struct weft_text value, by;
    if (!cut_path(&text, &outcome.path, &sign) || sign != WEFT_DEMAND_EQUAL ||
        !split(text, " by ", &value, &by) || !weft_scalar_parse_duration(by, &outcome.by_ms) ||
        !parse_tolerance(value, &outcome)) {
        return false;
    }
    *ret_outcome = outcome;
    return true;
}

bool weft_reading_parse(struct weft_text text, struct weft_reading *ret_reading)
{
    struct weft_reading reading = {.at_ns = 0};
    enum weft_demand_sign sign;
    struct weft_text value, at;
    if (!cut_path(&text, &reading.path, &sign) || sign != WEFT_DEMAND_EQUAL ||
        !split(text, " at ", &value, &at) || !weft_document_parse_time(at, &reading.at_ns) ||
        !weft_scalar_parse(value, &reading.value)) {
        return false;
    }
    *ret_reading = reading;
    return true;
}

enum weft_err weft_demand_format(const struct weft_demand *demand, struct weft_buffer *out)
{
    weft_assert((unsigned)demand->sign < WEFT_DEMAND_SIGNS); /* ACT-1 */
    enum weft_err err = weft_buffer_format(
        out, "%.*s %s ", (int)demand->path.size, demand->path.data, signs[demand->sign]);
    return err == WEFT_OK ? weft_scalar_format(&demand->value, out) : err;
}

static enum weft_err format_expected(const struct weft_outcome *outcome, struct weft_buffer *out)
{
    char number[WEFT_SCALAR_NUMBER_TEXT_SIZE], tolerance[WEFT_SCALAR_NUMBER_TEXT_SIZE];
    if (outcome->value.type != WEFT_SCALAR_NUMBER) {
        return weft_scalar_format(&outcome->value, out);
    }
    weft_scalar_format_number(outcome->value.number, number);
    weft_scalar_format_number(outcome->tolerance, tolerance);
    return weft_buffer_format(out, "%s +- %s %.*s", number, tolerance,
        (int)outcome->value.unit.size, outcome->value.unit.data);
}

enum weft_err weft_outcome_format(const struct weft_outcome *outcome, struct weft_buffer *out)
{
    char by[WEFT_SCALAR_DURATION_TEXT_SIZE];
    if (outcome->by_ms == 0) {
        return WEFT_EINVAL;
    }
    weft_scalar_format_duration(outcome->by_ms, by);
    enum weft_err err =
        weft_buffer_format(out, "%.*s = ", (int)outcome->path.size, outcome->path.data);
    if (err == WEFT_OK) {
        err = format_expected(outcome, out);
    }
    return err == WEFT_OK ? weft_buffer_format(out, " by %s", by) : err;
}

enum weft_err weft_reading_format(const struct weft_reading *reading, struct weft_buffer *out)
{
    char at[WEFT_DOCUMENT_TIME_TEXT_SIZE];
    if (reading->at_ns < 0) {
        return WEFT_EINVAL;
    }
    weft_document_format_time(reading->at_ns, at);
    enum weft_err err =
        weft_buffer_format(out, "%.*s = ", (int)reading->path.size, reading->path.data);
    if (err == WEFT_OK) {
        err = weft_scalar_format(&reading->value, out);
    }
    return err == WEFT_OK ? weft_buffer_format(out, " at %s", at) : err;
}

int weft_demand_compare(const struct weft_demand *a, const struct weft_demand *b)
{
    int order = weft_text_compare(a->path, b->path);
    return order != 0 ? order : (int)a->sign - (int)b->sign;
}

/* --- judged ---------------------------------------------------------------------------------- */

const struct weft_reading *weft_reading_find(
    const struct weft_reading *readings, uint32_t count, struct weft_text path)
{
    const struct weft_reading *newest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (weft_text_equal(readings[i].path, path) &&
            (newest == NULL || readings[i].at_ns >= newest->at_ns)) {
            newest = &readings[i];
        }
    }
    return newest;
}

bool weft_reading_is_fresh(const struct weft_reading *reading, int64_t now_ns, uint64_t fresh_ms)
{
    uint64_t apart = reading->at_ns > now_ns ? (uint64_t)reading->at_ns - (uint64_t)now_ns
                                             : (uint64_t)now_ns - (uint64_t)reading->at_ns;
    return apart <= fresh_ms * (uint64_t)ms_ns; /* below 2^55: of at most 366 days */
}

/* ACT-3: what cannot be compared is neither less nor more. */
static enum weft_demand_verdict judge(
    const struct weft_demand *demand, const struct weft_scalar *value)
{
    bool is_met = false;
    if (!weft_scalar_is_alike(&demand->value, value)) {
        return WEFT_DEMAND_UNREAD;
    }
    switch (demand->sign) {
    case WEFT_DEMAND_EQUAL:
        is_met = weft_scalar_equal(value, &demand->value);
        break;
    case WEFT_DEMAND_OTHER:
        is_met = !weft_scalar_equal(value, &demand->value);
        break;
    case WEFT_DEMAND_AT_MOST:
        is_met = value->number <= demand->value.number;
        break;
    case WEFT_DEMAND_AT_LEAST:
        is_met = value->number >= demand->value.number;
        break;
    case WEFT_DEMAND_SIGNS:
        weft_unreachable("a demand's sign");
    }
    return is_met ? WEFT_DEMAND_MET : WEFT_DEMAND_UNMET;
}

enum weft_demand_verdict weft_demand_judge(const struct weft_demand *demand,
    const struct weft_reading *readings, uint32_t count, int64_t now_ns, uint64_t fresh_ms)
{
    const struct weft_reading *reading = weft_reading_find(readings, count, demand->path);
    if (reading == NULL || (fresh_ms > 0 && !weft_reading_is_fresh(reading, now_ns, fresh_ms))) {
        return WEFT_DEMAND_UNREAD;
    }
    return judge(demand, &reading->value);
}

bool weft_outcome_is_shown(
    const struct weft_outcome *outcome, const struct weft_reading *reading, int64_t done_ns)
{
    if (!weft_text_equal(outcome->path, reading->path) || reading->at_ns < done_ns ||
        (uint64_t)(reading->at_ns - done_ns) > outcome->by_ms * (uint64_t)ms_ns ||
        !weft_scalar_is_alike(&outcome->value, &reading->value)) {
        return false;
    }
    return outcome->value.type == WEFT_SCALAR_NUMBER
               ? weft_scalar_is_within(
                     reading->value.number, outcome->value.number, outcome->tolerance)
               : weft_scalar_equal(&reading->value, &outcome->value);
}
