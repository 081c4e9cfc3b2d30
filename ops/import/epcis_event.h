/* ops/import/epcis_event.h: one EPCIS event as fields and links: validation and mapping.
 *
 * Follows EPCIS 2.0 (GS1, Ratified June 2022), sections 7.3 and 7.4, and its JSON schema. The
 * table in ops/import/README.md says which member becomes what. */
#ifndef WEFT_OPS_IMPORT_EPCIS_EVENT_H
#define WEFT_OPS_IMPORT_EPCIS_EVENT_H

#include "ops/import/epcis.h"

/* An event while it is mapped. Arrays grow in the arena. */
struct weft_epcis_mapping {
    struct weft_arena *arena;
    struct weft_msg *msg;
    const struct weft_json *event;
    unsigned type;             /* One bit: which event type. */
    bool is_error;             /* It declares an earlier event erroneous. */
    bool is_delete;            /* action DELETE */
    const char *kind;          /* Of the record. */
    int64_t at_ns;             /* eventTime */
    struct weft_text event_id; /* Empty: none. */
    struct weft_field *fields;
    uint32_t field_count;
    struct weft_link *links;
    const struct weft_json **link_sources; /* What each link was made from. */
    uint32_t link_count;
    uint32_t link_capacity;
};

/* Fill all but arena, msg and event, which are set. WEFT_EINVAL, WEFT_ETOOBIG, WEFT_ENOMEM:
 * `msg` says "line L, column C (pointer): reason". */
WEFT_MUST_USE enum weft_err weft_epcis_map(struct weft_epcis_mapping *m);

/* --- its parts -------------------------------------------------------------------------------- */

/* An absolute URI (RFC 3986, 3), and if it is an EPC's (urn:epc:) one with class, scheme and
 * body. */
WEFT_MUST_USE enum weft_err weft_epcis_check_uri(
    const struct weft_json *value, struct weft_msg *msg);
/* A name of the standard, or one of the user's: with a prefix, or a whole URI. */
bool weft_epcis_is_extension(struct weft_text name);
WEFT_MUST_USE enum weft_err weft_epcis_check_time(
    const struct weft_json *value, int64_t *ret_ns, struct weft_msg *msg);

/* Keep a member whole, as fields under its name. */
WEFT_MUST_USE enum weft_err weft_epcis_keep(
    struct weft_epcis_mapping *m, const struct weft_json *member);
/* `role` (may be NULL) becomes an attribute of the link. */
WEFT_MUST_USE enum weft_err weft_epcis_add_link(struct weft_epcis_mapping *m, const char *rel,
    const char *role, const struct weft_json *to, struct weft_field *fields, uint32_t field_count);

/* sensorElementList (EPCIS 2.0, 7.3.7): checked, kept whole, devices linked. */
WEFT_MUST_USE enum weft_err weft_epcis_map_sensors(
    struct weft_epcis_mapping *m, const struct weft_json *value);

#endif
