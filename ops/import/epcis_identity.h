/* ops/import/epcis_identity.h: which event is which: a digest of what an event says.
 *
 * The digest covers the event's members, whatever their order and white space, and the
 * meanings of the prefixes that it uses: "example:myField" is another statement where the
 * document binds `example` to another namespace. */
#ifndef WEFT_OPS_IMPORT_EPCIS_IDENTITY_H
#define WEFT_OPS_IMPORT_EPCIS_IDENTITY_H

#include "ops/import/epcis.h"
#include "proto/digest.h"

enum {
    WEFT_EPCIS_PREFIXES_MAX = 64
};

struct weft_epcis_prefix {
    struct weft_text name;
    struct weft_text iri;
};

/* The prefixes that occur in the event and are bound in its context, by name. */
struct weft_epcis_prefixes {
    struct weft_epcis_prefix list[WEFT_EPCIS_PREFIXES_MAX];
    uint32_t count;
};

/* WEFT_ETOOBIG: more than WEFT_EPCIS_PREFIXES_MAX. */
WEFT_MUST_USE enum weft_err weft_epcis_find_prefixes(const struct weft_epcis_place *place,
    struct weft_epcis_prefixes *ret_prefixes, struct weft_msg *msg);

/* WEFT_ETOOBIG, WEFT_ENOMEM. `arena` is scratch. */
WEFT_MUST_USE enum weft_err weft_epcis_digest(const struct weft_epcis_place *place,
    const struct weft_epcis_prefixes *prefixes, struct weft_arena *arena,
    struct weft_digest *ret_digest, struct weft_msg *msg);

#endif
