/* proto/schema/face.h: the part of the C face over FlatBuffers that does not depend on a schema.
 *
 * face.py writes the rest from the schemas: for each table X a struct weft_wire_x (a view of a
 * table that was verified), a struct weft_wire_x_refs (what a table is written from), and
 * weft_wire_x_open, _read and _write. Only the codecs include this; everybody else sees the
 * plain structs of proto/peer.h, proto/client.h, proto/checkpoint.h and proto/record.h. */
#ifndef WEFT_PROTO_SCHEMA_FACE_H
#define WEFT_PROTO_SCHEMA_FACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "proto/bytes.h"
#include "proto/err.h"

/* A vector of tables in a verified message. */
struct weft_wire_vector {
    const void *data;
    uint32_t count;
};

/* Something that was written already; offset 0: nothing, the field stays absent. */
struct weft_wire_ref {
    uint32_t offset;
};

struct weft_wire_builder;

/* Tables of one message are written from the leaves up. A nested message is written with a
 * builder of its own while the outer one is under way. */
enum weft_wire_slot {
    WEFT_WIRE_OUTER,
    WEFT_WIRE_NESTED,
    WEFT_WIRE_SLOTS,
};

/* The index-th table; index < vector.count. */
const void *weft_wire_at(struct weft_wire_vector vector, uint32_t index);

/* The calling thread's builder, emptied. Its memory is used again for each message and freed
 * when the thread ends. The first failure (message above size_max bytes, no memory) stays until
 * finish reports it; what is written after it is nothing. */
struct weft_wire_builder *weft_wire_begin(enum weft_wire_slot slot, size_t size_max);
void weft_wire_fail(struct weft_wire_builder *b, enum weft_err err);
/* From here on a text that was written lately is not written again: the ref leads to it. It counts
 * against size_max as if it were written out, as decoders count it. */
void weft_wire_share(struct weft_wire_builder *b);

/* Empty: nothing. */
struct weft_wire_ref weft_wire_text(struct weft_wire_builder *b, struct weft_text text);

/* Bytes, at a multiple of 8 in the message. They are borrowed until finish: large ones are
 * copied only once, into the finished message. Empty: nothing. */
struct weft_wire_ref weft_wire_bytes(struct weft_wire_builder *b, struct weft_bytes bytes);

/* A vector of tables: remember the mark, push each, take all that were pushed since the mark. */
size_t weft_wire_mark(const struct weft_wire_builder *b);
void weft_wire_push(struct weft_wire_builder *b, struct weft_wire_ref table);
struct weft_wire_ref weft_wire_take(struct weft_wire_builder *b, size_t mark);

/* Finish `nested` and write it as bytes of `b`; a failure of one is a failure of both. */
struct weft_wire_ref weft_wire_nest(
    struct weft_wire_builder *b, struct weft_wire_builder *nested, struct weft_wire_ref root);

/* Append `front` bytes for the caller to fill and then the message to `out`. `identifier`: four
 * characters or NULL. WEFT_ETOOBIG, WEFT_ENOMEM: `out` as before. The size of a message is a
 * multiple of 8. */
WEFT_MUST_USE enum weft_err weft_wire_finish(struct weft_wire_builder *b, struct weft_wire_ref root,
    const char *identifier, size_t front, struct weft_buffer *out);

#ifdef __cplusplus
}
#endif

#endif
