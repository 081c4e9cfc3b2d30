/* proto/codec.h: what the codecs of the message families share. Private to proto/.
 *
 * A codec turns verified tables into plain structs and back. Reading and writing keep their
 * first error, so that a codec is a list of fields; the error is looked at once, at the end.
 * Reading charges every text and table to a budget: in FlatBuffers a thousand offsets may lead
 * to one text, and without a budget a small message could cost much time and memory. The rules
 * are PRO-7 to PRO-10 of proto/README.md. */
#ifndef WEFT_PROTO_CODEC_H
#define WEFT_PROTO_CODEC_H

#include "proto/checkpoint.h"
#include "proto/client.h"
#include "proto/limits.h"
#include "proto/peer.h"
#include "proto/schema/wire.h"

/* What a table costs at least besides its texts: itself and the offset that leads to it. */
enum {
    WEFT_CODEC_TABLE_SIZE = 16
};

struct weft_codec_in {
    struct weft_arena *arena;
    struct weft_msg *msg;    /* May be NULL. */
    size_t budget_bytes;     /* Left for texts, bytes and tables. */
    bool is_checked_later;   /* weft_record_check will hold the texts to UTF-8: once is enough. */
    enum weft_err bad_value; /* For a value that is not permitted, as the family's header says. */
    enum weft_err err;
};

/* The first failure stays. Text: "<name>: <why>". */
void weft_codec_fail(struct weft_codec_in *in, enum weft_err err, const char *name,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same bytes at a multiple of 8: where they are, or a copy in the arena. */
struct weft_bytes weft_codec_aligned(struct weft_codec_in *in, struct weft_bytes bytes);

/* Envelope of a whole message: its size is the message's. */
WEFT_MUST_USE enum weft_err weft_codec_envelope(struct weft_codec_in *in, struct weft_bytes message,
    size_t size_max, struct weft_envelope *ret_envelope);

/* Fields. A text is held to its limit and to UTF-8, everything to the budget. After a failure
 * they give empty values. */
struct weft_text weft_codec_text(
    struct weft_codec_in *in, struct weft_text text, size_t size_max, const char *name);
struct weft_bytes weft_codec_bytes(
    struct weft_codec_in *in, struct weft_bytes bytes, size_t size_max, const char *name);
/* A plain file name: not empty, no '/', not "." or "..". */
struct weft_text weft_codec_file_name(
    struct weft_codec_in *in, struct weft_text name, const char *what);
/* Absent: all zero. */
struct weft_digest weft_codec_digest(
    struct weft_codec_in *in, struct weft_bytes bytes, const char *name);
struct weft_request_id weft_codec_request_id(struct weft_codec_in *in, struct weft_bytes bytes);
/* `value` if it is from `first` to `last`, else `first`. */
unsigned weft_codec_enum(
    struct weft_codec_in *in, unsigned value, unsigned first, unsigned last, const char *name);
enum weft_err weft_codec_outcome(struct weft_codec_in *in, uint8_t outcome);
/* Room in the arena for what the tables of a vector become; NULL after a failure. */
void *weft_codec_array(struct weft_codec_in *in, struct weft_wire_vector vector, uint32_t count_max,
    size_t item_size, const char *name);

/* Writing: the same limits, so that what is encoded can be decoded. */
struct weft_wire_ref weft_codec_put_text(
    struct weft_wire_builder *b, struct weft_text text, size_t size_max);
struct weft_wire_ref weft_codec_put_bytes(
    struct weft_wire_builder *b, struct weft_bytes bytes, size_t size_max);
struct weft_wire_ref weft_codec_put_file_name(struct weft_wire_builder *b, struct weft_text name);
struct weft_wire_ref weft_codec_put_digest(
    struct weft_wire_builder *b, const struct weft_digest *digest);
uint8_t weft_codec_put_outcome(enum weft_err err);
/* `count` if it is within the limit, else 0. */
uint32_t weft_codec_put_count(struct weft_wire_builder *b, uint32_t count, uint32_t count_max);
/* Append envelope and message to `out`. */
WEFT_MUST_USE enum weft_err weft_codec_finish(struct weft_wire_builder *b,
    struct weft_wire_ref root, enum weft_message_kind kind, uint64_t request_id,
    struct weft_buffer *out);

/* Tables that more than one family holds. */
void weft_codec_read_record(
    struct weft_codec_in *in, const void *table, struct weft_record *ret_record);
void weft_codec_read_commit(
    struct weft_codec_in *in, const void *table, struct weft_commit *ret_commit);
struct weft_wire_ref weft_codec_put_record(
    struct weft_wire_builder *b, const struct weft_record *record);
struct weft_wire_ref weft_codec_put_commit(
    struct weft_wire_builder *b, const struct weft_commit *commit);
void weft_codec_read_fetch(
    struct weft_codec_in *in, const void *table, struct weft_fetch *ret_fetch);
void weft_codec_read_chunk(
    struct weft_codec_in *in, const void *table, struct weft_chunk *ret_chunk);
struct weft_wire_ref weft_codec_put_fetch(
    struct weft_wire_builder *b, const struct weft_fetch *fetch);
struct weft_wire_ref weft_codec_put_chunk(
    struct weft_wire_builder *b, const struct weft_chunk *chunk);

#endif
