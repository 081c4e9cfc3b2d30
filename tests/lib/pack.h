/* tests/lib/pack.h: packs a record as a node does, which has it stored already. */
#ifndef WEFT_TESTS_LIB_PACK_H
#define WEFT_TESTS_LIB_PACK_H

#include "proto/limits.h"
#include "proto/packed.h"
#include "proto/stored.h"

/* Behind those that are there; author and at are filled in. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE static inline enum weft_err pack_record(
    struct weft_buffer *out, const struct weft_stored_record *stored)
{
    struct weft_buffer bytes = {.size_max = WEFT_COMMIT_SIZE_MAX};
    enum weft_err err = weft_stored_encode(&stored->record, &stored->digest, &bytes);
    if (err == WEFT_OK) {
        const struct weft_packed_record record = {
            stored->index, stored->ordinal, stored->time_ns, {bytes.data, bytes.size}};
        err = weft_packed_add_record(out, &record);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

#endif
