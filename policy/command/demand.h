/* policy/command/demand.h: what is demanded of a field, and what was read of it.
 *
 *     guard/closed = true                                  a demand
 *     speed = 42.5 +- 0.5 rpm by 20s                       an outcome: to be read by then
 *     speed = 42.3 rpm at 2026-03-01T08:00:04.250Z         a reading
 *
 * What was not read, was read too long ago, or is of another unit or type meets nothing (ACT-3). */
#ifndef WEFT_POLICY_COMMAND_DEMAND_H
#define WEFT_POLICY_COMMAND_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/command/scalar.h"
#include "proto/bytes.h"
#include "proto/err.h"

/* The signs are in texts and never change. At most and at least are of numbers alone. */
enum weft_demand_sign {
    WEFT_DEMAND_EQUAL,    /* "=" */
    WEFT_DEMAND_OTHER,    /* "!=" */
    WEFT_DEMAND_AT_MOST,  /* "<=" */
    WEFT_DEMAND_AT_LEAST, /* ">=" */
    WEFT_DEMAND_SIGNS
};

/* Texts borrow, in all three. */
struct weft_demand {
    struct weft_text path;
    enum weft_demand_sign sign;
    struct weft_scalar value;
};

struct weft_outcome {
    struct weft_text path;
    struct weft_scalar value;
    int64_t tolerance; /* Of a number, in its unit, not negative; else 0. */
    uint64_t by_ms;    /* After it was carried out. */
};

struct weft_reading {
    struct weft_text path;
    struct weft_scalar value;
    int64_t at_ns; /* Since 1970; whole milliseconds. */
};

enum weft_demand_verdict {
    WEFT_DEMAND_MET,
    WEFT_DEMAND_UNMET,
    WEFT_DEMAND_UNREAD, /* No reading of it, none fresh enough, or none that can be compared. */
};

/* One form each. False: another one. */
bool weft_demand_parse(struct weft_text text, struct weft_demand *ret_demand);
bool weft_outcome_parse(struct weft_text text, struct weft_outcome *ret_outcome);
bool weft_reading_parse(struct weft_text text, struct weft_reading *ret_reading);
/* WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_demand_format(
    const struct weft_demand *demand, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_outcome_format(
    const struct weft_outcome *outcome, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_reading_format(
    const struct weft_reading *reading, struct weft_buffer *out);

/* By path, then sign. */
int weft_demand_compare(const struct weft_demand *a, const struct weft_demand *b);

/* The newest reading of the path among `count`; NULL: none. */
const struct weft_reading *weft_reading_find(
    const struct weft_reading *readings, uint32_t count, struct weft_text path);
/* Read at most fresh_ms before now_ns, or as much behind it. */
bool weft_reading_is_fresh(const struct weft_reading *reading, int64_t now_ns, uint64_t fresh_ms);

/* fresh_ms 0: however old. */
enum weft_demand_verdict weft_demand_judge(const struct weft_demand *demand,
    const struct weft_reading *readings, uint32_t count, int64_t now_ns, uint64_t fresh_ms);
/* Does this reading show it, of what was carried out at done_ns? It was read since, and in time. */
bool weft_outcome_is_shown(
    const struct weft_outcome *outcome, const struct weft_reading *reading, int64_t done_ns);

#endif
