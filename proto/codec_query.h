/* proto/codec_query.h: the codecs of queries, their answers and status, for codec_client.c.
 * Private. */
#ifndef WEFT_PROTO_CODEC_QUERY_H
#define WEFT_PROTO_CODEC_QUERY_H

#include "proto/codec.h"

void weft_codec_read_query(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m);
void weft_codec_read_page(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m);
void weft_codec_read_stored(
    struct weft_codec_in *in, const void *table, struct weft_stored_record *ret_stored);
void weft_codec_read_trace(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m);
void weft_codec_read_document(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m);
void weft_codec_read_status(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m);
const struct weft_member *weft_codec_read_members(
    struct weft_codec_in *in, struct weft_wire_vector vector);

/* So many things that are packed, and each where it should be (proto/packed.h). */
struct weft_packed weft_codec_packed(struct weft_codec_in *in, struct weft_bytes bytes,
    uint32_t count, uint32_t count_max, enum weft_err (*check)(const struct weft_packed *),
    const char *name);

struct weft_wire_ref weft_codec_put_query(
    struct weft_wire_builder *b, const struct weft_query *query);
struct weft_wire_ref weft_codec_put_page(struct weft_wire_builder *b, const struct weft_page *page);
/* A vector of StoredRecord. */
struct weft_wire_ref weft_codec_put_stored(struct weft_wire_builder *b,
    const struct weft_stored_record *records, uint32_t record_count, uint32_t count_max);
struct weft_wire_ref weft_codec_put_trace(
    struct weft_wire_builder *b, const struct weft_trace_result *trace);
struct weft_wire_ref weft_codec_put_document(
    struct weft_wire_builder *b, const struct weft_document *document);
struct weft_wire_ref weft_codec_put_status(
    struct weft_wire_builder *b, const struct weft_status *status);
struct weft_wire_ref weft_codec_put_members(
    struct weft_wire_builder *b, const struct weft_member *members, uint32_t member_count);

#endif
