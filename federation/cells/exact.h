/* federation/cells/exact.h: octets (proto/octets.h) in their one form: varints as short as they can
 * be, so that what decodes is what encoding gives. Private to the files that have such a form. */
#ifndef WEFT_FEDERATION_CELLS_EXACT_H
#define WEFT_FEDERATION_CELLS_EXACT_H

#include "proto/octets.h"

static inline uint64_t weft_exact_number(struct weft_octets *r)
{
    const uint8_t *before = r->p;
    uint64_t number = weft_octets_varint(r);
    r->is_bad = r->is_bad || (r->p - before > 1 && r->p[-1] == 0);
    return number;
}

static inline struct weft_text weft_exact_text(struct weft_octets *r)
{
    uint64_t size = weft_exact_number(r);
    const char *data = (const char *)weft_octets_bytes(r, size);
    return (struct weft_text){data, data != NULL ? (size_t)size : 0};
}

#endif
