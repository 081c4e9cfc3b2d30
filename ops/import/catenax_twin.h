/* ops/import/catenax_twin.h: one twin of a Catena-X container as records. */
#ifndef WEFT_OPS_IMPORT_CATENAX_TWIN_H
#define WEFT_OPS_IMPORT_CATENAX_TWIN_H

#include "proto/json.h"
#include "proto/record.h"

enum {
    WEFT_CATENAX_RECORDS_MAX = 256 /* Of one twin; chosen: a twin has 2 to 20 aspects. */
};

struct weft_catenax_twin {
    struct weft_record *records;
    uint32_t record_count;
    struct weft_record part_type; /* Of the type that it is an instance of. */
    bool has_part_type;
    bool has_assumed_zone; /* A time without a zone was read as UTC. */
};

/* `source` goes into the records. Everything is in the arena or borrowed from the entry.
 * WEFT_EINVAL, WEFT_ETOOBIG, WEFT_ENOMEM: `msg` says "line L, column C (pointer): reason". */
WEFT_MUST_USE enum weft_err weft_catenax_map(const struct weft_json *entry, struct weft_text source,
    struct weft_arena *arena, struct weft_catenax_twin *ret_twin, struct weft_msg *msg);

/* --- its parts -------------------------------------------------------------------------------- */

/* A record under construction. Arrays grow in the arena. */
struct weft_catenax_draft {
    struct weft_arena *arena;
    struct weft_msg *msg;
    struct weft_field *fields;
    struct weft_link *links;
    uint32_t field_count, link_count, link_capacity;
};

/* "urn:uuid:" and 36 characters of lower case for any spelling of a UUID; others as they are.
 * `value` must be a string that can be an asset's id. WEFT_EINVAL, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_catenax_id(const struct weft_json *value, struct weft_arena *arena,
    struct weft_text *ret_id, struct weft_msg *msg);
/* A text field of that path, unless the text is empty. */
WEFT_MUST_USE enum weft_err weft_catenax_text(struct weft_catenax_draft *d,
    const struct weft_json *at, const char *path, struct weft_text text);
/* A member whole, below its own name or, where `name` is not NULL, that one. */
WEFT_MUST_USE enum weft_err weft_catenax_keep(
    struct weft_catenax_draft *d, const struct weft_json *member, const char *name);
/* `fields` may be NULL. */
WEFT_MUST_USE enum weft_err weft_catenax_link(struct weft_catenax_draft *d,
    const struct weft_json *at, const char *rel, struct weft_text to, struct weft_field *fields,
    uint32_t field_count);
/* The edges of a list of children or parents, by `rel`; `owner` (may be NULL) is the member that
 * names the other side's organization for all of them. */
WEFT_MUST_USE enum weft_err weft_catenax_edges(struct weft_catenax_draft *d,
    const struct weft_json *list, const char *rel, const struct weft_json *owner);

#endif
