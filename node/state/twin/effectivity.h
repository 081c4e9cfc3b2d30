/* node/state/twin/effectivity.h: for which units a change order counts.
 *
 * Attribute `effectivity`: an array of objects, each of one form:
 *   {"serial_from": A, "serial_to": B}  serials from A to B, both included; one may be left out
 *   {"lot": L}                          the lot, and the units that are `of_lot` L
 *   {"from": T, "to": U}                built at or after T and before U; one may be left out
 *   {"now": true}                       built after the release, or not built yet
 * A unit is in effectivity if one of them holds. Serials are compared in natural order by the
 * last segment of their ids. NOD-302, NOD-303. */
#ifndef WEFT_NODE_STATE_TWIN_EFFECTIVITY_H
#define WEFT_NODE_STATE_TWIN_EFFECTIVITY_H

#include "node/state/twin/fact.h"

enum {
    WEFT_EFFECTIVITY_MAX = 128 /* objects of one change order; chosen: pairs are compared */
};

enum weft_effectivity_form {
    WEFT_EFFECTIVITY_NONE = 0,
    WEFT_EFFECTIVITY_SERIAL,
    WEFT_EFFECTIVITY_LOT,
    WEFT_EFFECTIVITY_BUILT,
    WEFT_EFFECTIVITY_NOW,
};

struct weft_effectivity {
    enum weft_effectivity_form form;
    struct weft_text serial_from; /* Last segments; empty: open on that side. */
    struct weft_text serial_to;
    struct weft_text lot;
    int64_t from_ns; /* Half-open. */
    int64_t to_ns;
    bool has_from;
    bool has_to;
};

/* What effectivity is asked about. */
struct weft_unit {
    struct weft_text asset;
    const struct weft_text *lots; /* That it is `of_lot`. */
    uint32_t lot_count;
    bool is_built;
    struct weft_moment built; /* Of its first as-built record; read only if is_built. */
};

/* "7" of "serial:box/7"; of an id without '/', what stands behind its last ':'. */
struct weft_text weft_serial_of(struct weft_text asset);
/* Runs of digits by value, everything else by bytes. Below 0, 0, above 0; "7" equals "007". */
int weft_natural_compare(struct weft_text a, struct weft_text b);

/* Of a change order. `ret_pointer` (RFC 6901, within the record) names the culprit. The array is
 * in the arena, texts borrow from the record.
 * WEFT_EINVAL: another form, a range that inverts, two that overlap. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_effectivity_read(const struct weft_record *record,
    struct weft_arena *arena, struct weft_effectivity **ret_items, uint32_t *ret_count,
    char ret_pointer[256], struct weft_msg *msg);

/* `release`: of the change order. */
bool weft_effectivity_holds(const struct weft_effectivity *effectivity,
    const struct weft_unit *unit, const struct weft_moment *release);
/* Can some unit be in both? Between forms that say different things (a serial, a lot, a time)
 * nobody can tell, and the answer is no. */
bool weft_effectivity_overlaps(const struct weft_effectivity *a, int64_t a_release_ns,
    const struct weft_effectivity *b, int64_t b_release_ns);
bool weft_effectivity_equal(const struct weft_effectivity *a, const struct weft_effectivity *b);

#endif
