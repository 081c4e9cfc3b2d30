/* proto/request_id.h: the name of a commit that makes a retry harmless, as text.
 *
 * 16 bytes; people and programs write them as 32 hexadecimal digits or as a UUID (RFC 9562,
 * section 4), and they are given back as a UUID. */
#ifndef WEFT_PROTO_REQUEST_ID_H
#define WEFT_PROTO_REQUEST_ID_H

#include "proto/record.h"

enum {
    WEFT_REQUEST_ID_TEXT_SIZE = 37
};

/* 32 hexadecimal digits, with or without the dashes of a UUID. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_request_id_parse(
    const char *text, struct weft_request_id *ret_id, struct weft_msg *msg);
void weft_request_id_format(
    const struct weft_request_id *id, char ret_text[WEFT_REQUEST_ID_TEXT_SIZE]);

#endif
