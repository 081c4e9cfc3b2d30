/* node/state/twin/property.h: reported and desired properties: the newest of each, and their age.
 *
 * Attributes of records of kind `reported` and `desired` are properties, each a scalar or
 * {value, unit, quality, tolerance}. A record states some of them; of each the newest in the order
 * of truth counts, so a table is made by offering every record (NOD-308). Null takes a wish back.
 */
#ifndef WEFT_NODE_STATE_TWIN_PROPERTY_H
#define WEFT_NODE_STATE_TWIN_PROPERTY_H

#include "node/state/twin/fact.h"

enum {
    WEFT_PROPERTIES_MAX = 1024 /* of one asset; chosen: as fields of a record */
};

struct weft_property {
    struct weft_text name; /* A path as in the record, without "/value". */
    const struct weft_field *value;
    struct weft_text unit;
    struct weft_text quality;
    struct weft_text tolerance; /* Of a wish: by how much it may be missed. */
    const struct weft_stored_record *stored;
};

struct weft_properties {
    struct weft_property *items; /* In order of names once closed. */
    uint32_t count;
    uint32_t *table;
    bool is_full; /* There were more than WEFT_PROPERTIES_MAX. */
};

WEFT_MUST_USE enum weft_err weft_properties_init(
    struct weft_properties *properties, struct weft_arena *arena);
/* In any order; `stored` outlives the table. */
void weft_properties_offer(
    struct weft_properties *properties, const struct weft_stored_record *stored);
void weft_properties_close(struct weft_properties *properties);
/* NULL: there is none. Of a closed table. */
const struct weft_property *weft_properties_find(
    const struct weft_properties *properties, struct weft_text name);

/* Do they say the same? Numbers by value, within a tolerance that one of them has, and units if
 * both are given. */
bool weft_property_equal(const struct weft_property *a, const struct weft_property *b);

/* How fresh a property has to be, in seconds, by the policies in order: the first that names it,
 * then the first that names "*". False: nobody wants to know. */
bool weft_freshness_of(const struct weft_record *const *policies, uint32_t policy_count,
    struct weft_text name, double *ret_seconds);

#endif
