/* federation/stream_file.h: messages between partners as a file, for sites without a link.
 *
 * The same bytes as on the link, one message behind the other: a consumer writes its hello, the
 * provider answers with heads and batches, the consumer with receipts and refusals. Who carries it
 * is not believed: everything in it is verified as it is from a link.
 *
 *     0   16  "weft-stream/v1 \n"
 *     then messages, each a multiple of 8 bytes with its envelope */
#ifndef WEFT_FEDERATION_STREAM_FILE_H
#define WEFT_FEDERATION_STREAM_FILE_H

#include "proto/partner.h"

enum {
    WEFT_STREAM_FILE_HEAD_SIZE = 16
};

/* WEFT_ENOMEM, WEFT_ETOOBIG: the buffer's. */
WEFT_MUST_USE enum weft_err weft_stream_file_begin(struct weft_buffer *out);
/* Whether these are the first bytes of one. WEFT_EMALFORMED, WEFT_EVERSION. */
WEFT_MUST_USE enum weft_err weft_stream_file_open(struct weft_bytes head, struct weft_msg *msg);
/* The size of the message that begins with these WEFT_ENVELOPE_SIZE bytes, for who reads a file in
 * pieces. WEFT_EMALFORMED, WEFT_EVERSION, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_stream_file_size(
    struct weft_bytes envelope, size_t *ret_size, struct weft_msg *msg);
/* Take the first message off `rest`. As weft_partner_decode; WEFT_ENOTFOUND: there is none left. */
WEFT_MUST_USE enum weft_err weft_stream_file_next(struct weft_bytes *rest, struct weft_arena *arena,
    struct weft_partner_message *ret_message, struct weft_msg *msg);

#endif
