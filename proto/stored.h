/* proto/stored.h: a record as the state stores it, and as answers carry it: one encoding.
 *
 * Our own fixed-order bytes and not FlatBuffers: FlatBuffers bytes depend on the builder, and
 * what replicas store must be the same to the byte, for their digests are compared. That they
 * travel as they lie makes a node's answer a copy. Layout: proto/README.md, Stored records. */
#ifndef WEFT_PROTO_STORED_H
#define WEFT_PROTO_STORED_H

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"
#include "proto/record.h"

/* What can be had of a stored record without decoding its fields. Borrows. */
struct weft_stored_head {
    struct weft_digest digest;
    int64_t at_ns;
    struct weft_text kind;
    struct weft_text asset;
};

/* Append the record, whose author and at are filled in. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_stored_encode(
    const struct weft_record *record, const struct weft_digest *digest, struct weft_buffer *out);
/* Everything borrows from `bytes`; arrays are in the arena. Texts are not looked into: see
 * weft_stored_check. WEFT_ECORRUPT, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_stored_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_digest *ret_digest, struct weft_record *ret_record);
/* For bytes that were not written here: are the decoded record's texts UTF-8 and within their
 * limits, and its fields and links not too many? WEFT_EMALFORMED, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_stored_check(const struct weft_record *record);

WEFT_MUST_USE enum weft_err weft_stored_peek(
    struct weft_bytes bytes, struct weft_stored_head *ret_head);
/* One of its own fields (not of its links). WEFT_ENOTFOUND, WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_stored_field(struct weft_bytes bytes, struct weft_text path,
    enum weft_value_type *ret_type, struct weft_text *ret_value);
/* The first link of this rel to this asset; its fields are in the arena.
 * WEFT_ENOTFOUND, WEFT_ECORRUPT, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_stored_link(struct weft_bytes bytes, struct weft_text rel,
    struct weft_text to, struct weft_arena *arena, struct weft_link *ret_link);

#endif
