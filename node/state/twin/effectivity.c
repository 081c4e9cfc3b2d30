#include "node/state/twin/effectivity.h"

#include <stdio.h>

#include "proto/time.h"

/* --- serials --------------------------------------------------------------------------------- */

struct weft_text weft_serial_of(struct weft_text asset)
{
    size_t slash = 0, colon = 0; /* Places behind the last ones. */
    for (size_t i = 0; i < asset.size; i++) {
        slash = asset.data[i] == '/' ? i + 1 : slash;
        colon = asset.data[i] == ':' ? i + 1 : colon;
    }
    size_t at = slash > 0 ? slash : colon;
    return asset.size > 0 ? (struct weft_text){asset.data + at, asset.size - at} : asset;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at *at without leading zeros; *at moves behind them. */
static struct weft_text take_digits(struct weft_text text, size_t *at)
{
    while (*at < text.size && text.data[*at] == '0') {
        (*at)++;
    }
    size_t from = *at;
    while (*at < text.size && is_digit(text.data[*at])) {
        (*at)++;
    }
    return (struct weft_text){text.data + from, *at - from};
}

/* All digits lie between the same two bytes, so a run of them has one place among the others and
 * the order is a total one. */
int weft_natural_compare(struct weft_text a, struct weft_text b)
{
    size_t i = 0, j = 0;
    while (i < a.size && j < b.size) {
        if (is_digit(a.data[i]) && is_digit(b.data[j])) {
            struct weft_text x = take_digits(a, &i), y = take_digits(b, &j);
            int order = x.size != y.size ? (x.size < y.size ? -1 : 1) : weft_text_compare(x, y);
            if (order != 0) {
                return order;
            }
            continue;
        }
        unsigned char x = (unsigned char)a.data[i++], y = (unsigned char)b.data[j++];
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return (int)(i < a.size) - (int)(j < b.size);
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
    const struct weft_record *record;
    struct weft_effectivity *items;
    uint32_t count;
    char *pointer;
    struct weft_msg *msg;
};

static enum weft_err refuse(
    struct reader *r, uint32_t entry, const char *member, const char *reason)
{
    (void)snprintf(r->pointer, 256, "/attrs/effectivity/%u%s%s", entry, member != NULL ? "/" : "",
        member != NULL ? member : "");
    return weft_fail(r->msg, WEFT_EINVAL, "effectivity: %s", reason);
}

/* "effectivity/[12]/from": 12 and "from". False: of another shape. */
static bool take_path(struct weft_text path, uint32_t *ret_entry, struct weft_text *ret_member)
{
    size_t at = sizeof("effectivity/[") - 1;
    uint32_t entry = 0;
    while (at < path.size && is_digit(path.data[at]) && entry < WEFT_RECORD_FIELDS_MAX) {
        entry = entry * 10 + (uint32_t)(path.data[at++] - '0');
    }
    if (path.size < at + 3 || path.data[at] != ']' || path.data[at + 1] != '/') {
        return false;
    }
    *ret_entry = entry;
    *ret_member = (struct weft_text){path.data + at + 2, path.size - at - 2};
    return true;
}

static enum weft_err set_time(struct reader *r, uint32_t entry, const char *member,
    const struct weft_field *field, int64_t *ret_ns, bool *ret_has)
{
    struct weft_msg why;
    if (field->type != WEFT_VALUE_TEXT || weft_time_parse(field->value, ret_ns, &why) != WEFT_OK) {
        return refuse(r, entry, member, "a time as RFC 3339 with its zone is wanted");
    }
    *ret_has = true;
    return WEFT_OK;
}

static enum weft_err set_serial(struct reader *r, uint32_t entry, const char *member,
    const struct weft_field *field, struct weft_text *ret_serial)
{
    bool is_serial = field->type == WEFT_VALUE_TEXT || field->type == WEFT_VALUE_INT;
    *ret_serial = is_serial ? weft_serial_of(field->value) : (struct weft_text){NULL, 0};
    return ret_serial->size > 0
               ? WEFT_OK
               : refuse(r, entry, member, "a serial is a text or a whole number, not empty");
}

static enum weft_err set_member(
    struct reader *r, uint32_t entry, struct weft_text member, const struct weft_field *field)
{
    struct weft_effectivity *e = &r->items[entry];
    enum weft_effectivity_form form;
    enum weft_err rv = WEFT_OK;
    if (weft_text_is(member, "serial_from")) {
        form = WEFT_EFFECTIVITY_SERIAL;
        rv = set_serial(r, entry, "serial_from", field, &e->serial_from);
    } else if (weft_text_is(member, "serial_to")) {
        form = WEFT_EFFECTIVITY_SERIAL;
        rv = set_serial(r, entry, "serial_to", field, &e->serial_to);
    } else if (weft_text_is(member, "from")) {
        form = WEFT_EFFECTIVITY_BUILT;
        rv = set_time(r, entry, "from", field, &e->from_ns, &e->has_from);
    } else if (weft_text_is(member, "to")) {
        form = WEFT_EFFECTIVITY_BUILT;
        rv = set_time(r, entry, "to", field, &e->to_ns, &e->has_to);
    } else if (weft_text_is(member, "lot")) {
        form = WEFT_EFFECTIVITY_LOT;
        e->lot = field->value;
        if (field->type != WEFT_VALUE_TEXT || field->value.size == 0) {
            rv = refuse(r, entry, "lot", "the id of a lot is wanted");
        }
    } else if (weft_text_is(member, "now")) {
        form = WEFT_EFFECTIVITY_NOW;
        if (field->type != WEFT_VALUE_BOOL || !weft_text_is(field->value, "true")) {
            rv = refuse(r, entry, "now", "it is true or left out");
        }
    } else {
        return refuse(
            r, entry, NULL, "one of serial_from and serial_to, lot, from and to, or now is wanted");
    }
    if (rv == WEFT_OK && e->form != WEFT_EFFECTIVITY_NONE && e->form != form) {
        rv = refuse(r, entry, NULL, "one object has one form: a serial, a lot, a time or now");
    }
    e->form = form;
    return rv;
}

/* Ranges that invert, and pairs that overlap. */
static enum weft_err check(struct reader *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct weft_effectivity *e = &r->items[i];
        if (e->form == WEFT_EFFECTIVITY_NONE) {
            return refuse(r, i, NULL, "it is empty");
        }
        if (e->serial_from.size > 0 && e->serial_to.size > 0 &&
            weft_natural_compare(e->serial_from, e->serial_to) > 0) {
            return refuse(r, i, "serial_to", "the range inverts: it ends before it starts");
        }
        if (e->has_from && e->has_to && e->from_ns >= e->to_ns) {
            return refuse(r, i, "to", "the range inverts: it ends before it starts");
        }
        for (uint32_t j = 0; j < i; j++) {
            if (weft_effectivity_overlaps(e, INT64_MAX, &r->items[j], INT64_MAX)) {
                char reason[64];
                (void)snprintf(reason, sizeof(reason), "it overlaps /attrs/effectivity/%u", j);
                return refuse(r, i, NULL, reason);
            }
        }
    }
    return WEFT_OK;
}

enum weft_err weft_effectivity_read(const struct weft_record *record, struct weft_arena *arena,
    struct weft_effectivity **ret_items, uint32_t *ret_count, char ret_pointer[256],
    struct weft_msg *msg)
{
    struct reader r = {.record = record, .pointer = ret_pointer, .msg = msg};
    (void)snprintf(ret_pointer, 256, "/attrs/effectivity");
    r.items = weft_arena_array(arena, WEFT_EFFECTIVITY_MAX, sizeof(*r.items));
    if (r.items == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "effectivity of a change order");
    }
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct weft_field *field = &record->fields[i];
        struct weft_text member;
        uint32_t entry;
        bool is_root = weft_text_is(field->path, "effectivity");
        if (!is_root && !weft_text_starts(field->path, "effectivity/")) {
            continue;
        }
        if (is_root && (field->type == WEFT_VALUE_EMPTY_ARRAY || field->type == WEFT_VALUE_NULL)) {
            continue;
        }
        if (is_root || !weft_text_starts(field->path, "effectivity/[") ||
            !take_path(field->path, &entry, &member)) {
            return weft_fail(msg, WEFT_EINVAL, "effectivity: an array of objects is wanted");
        }
        if (entry >= WEFT_EFFECTIVITY_MAX) {
            return weft_fail(
                msg, WEFT_ETOOBIG, "effectivity: more than %d objects", WEFT_EFFECTIVITY_MAX);
        }
        r.count = entry + 1 > r.count ? entry + 1 : r.count;
        enum weft_err rv = set_member(&r, entry, member, field);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    *ret_items = r.items;
    *ret_count = r.count;
    return check(&r);
}

/* --- asking ---------------------------------------------------------------------------------- */

static bool is_of_lot(const struct weft_unit *unit, struct weft_text lot)
{
    for (uint32_t i = 0; i < unit->lot_count; i++) {
        if (weft_text_equal(unit->lots[i], lot)) {
            return true;
        }
    }
    return weft_text_equal(unit->asset, lot);
}

bool weft_effectivity_holds(const struct weft_effectivity *e, const struct weft_unit *unit,
    const struct weft_moment *release)
{
    struct weft_text serial;
    switch (e->form) {
    case WEFT_EFFECTIVITY_SERIAL:
        serial = weft_serial_of(unit->asset);
        return (e->serial_from.size == 0 || weft_natural_compare(serial, e->serial_from) >= 0) &&
               (e->serial_to.size == 0 || weft_natural_compare(serial, e->serial_to) <= 0);
    case WEFT_EFFECTIVITY_LOT:
        return is_of_lot(unit, e->lot);
    case WEFT_EFFECTIVITY_BUILT:
        return unit->is_built && (!e->has_from || unit->built.at_ns >= e->from_ns) &&
               (!e->has_to || unit->built.at_ns < e->to_ns);
    case WEFT_EFFECTIVITY_NOW:
        return !unit->is_built || weft_moment_compare(&unit->built, release) > 0;
    case WEFT_EFFECTIVITY_NONE:
        break;
    }
    return false;
}

/* Times of build that it speaks of: [*ret_from, *ret_to). False: it speaks of none. */
static bool span_of(
    const struct weft_effectivity *e, int64_t release_ns, int64_t *ret_from, int64_t *ret_to)
{
    bool is_now = e->form == WEFT_EFFECTIVITY_NOW;
    if (!is_now && e->form != WEFT_EFFECTIVITY_BUILT) {
        return false;
    }
    *ret_from = is_now ? release_ns : e->has_from ? e->from_ns : INT64_MIN;
    *ret_to = !is_now && e->has_to ? e->to_ns : INT64_MAX;
    return true;
}

bool weft_effectivity_overlaps(const struct weft_effectivity *a, int64_t a_release_ns,
    const struct weft_effectivity *b, int64_t b_release_ns)
{
    int64_t a_from, a_to, b_from, b_to;
    if (a->form == WEFT_EFFECTIVITY_SERIAL && b->form == WEFT_EFFECTIVITY_SERIAL) {
        bool is_before = a->serial_to.size > 0 && b->serial_from.size > 0 &&
                         weft_natural_compare(a->serial_to, b->serial_from) < 0;
        bool is_behind = a->serial_from.size > 0 && b->serial_to.size > 0 &&
                         weft_natural_compare(b->serial_to, a->serial_from) < 0;
        return !is_before && !is_behind;
    }
    if (a->form == WEFT_EFFECTIVITY_LOT && b->form == WEFT_EFFECTIVITY_LOT) {
        return weft_text_equal(a->lot, b->lot);
    }
    if (span_of(a, a_release_ns, &a_from, &a_to) && span_of(b, b_release_ns, &b_from, &b_to)) {
        /* The last instant there is belongs to spans that are open. */
        return (a_from < b_to || b_to == INT64_MAX) && (b_from < a_to || a_to == INT64_MAX);
    }
    return false;
}

bool weft_effectivity_equal(const struct weft_effectivity *a, const struct weft_effectivity *b)
{
    return a->form == b->form && weft_text_equal(a->serial_from, b->serial_from) &&
           weft_text_equal(a->serial_to, b->serial_to) && weft_text_equal(a->lot, b->lot) &&
           a->has_from == b->has_from && a->has_to == b->has_to && a->from_ns == b->from_ns &&
           a->to_ns == b->to_ns;
}
