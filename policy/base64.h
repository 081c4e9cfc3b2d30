/* policy/base64.h: standard Base64 (RFC 4648, section 4), strict.
 *
 * What signature lines, verifier keys and checkpoints carry. One text form for each value: padding
 * is required, bits behind the last byte are zero, no line breaks; otherwise somebody in between
 * could change a note's bytes and leave it valid. */
#ifndef WEFT_POLICY_BASE64_H
#define WEFT_POLICY_BASE64_H

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

/* Characters for `size` bytes, without a terminator. */
#define WEFT_BASE64_TEXT_SIZE(size) (((size_t)(size) + 2) / 3 * 4)

/* Exactly WEFT_BASE64_TEXT_SIZE(size) characters, and no terminator. */
void weft_base64_format(const void *data, size_t size, char *ret_text);
/* WEFT_ETOOBIG, WEFT_ENOMEM: `out` is as before. */
WEFT_MUST_USE enum weft_err weft_base64_append(
    struct weft_buffer *out, const void *data, size_t size);

/* At most `capacity` bytes. WEFT_EMALFORMED: not what format gives. WEFT_ETOOBIG: more bytes;
 * ret_data is then scratch. With ret_data NULL the text is looked at only, of any size. */
WEFT_MUST_USE enum weft_err weft_base64_parse(
    struct weft_text text, uint8_t *ret_data, size_t capacity, size_t *ret_size);

/* The same in the alphabet of RFC 4648, section 5, without padding: for HTTP headers. */
WEFT_MUST_USE enum weft_err weft_base64_append_url(
    struct weft_buffer *out, const void *data, size_t size);
/* WEFT_EMALFORMED, WEFT_ETOOBIG: as parse; ret_data is then scratch. */
WEFT_MUST_USE enum weft_err weft_base64_parse_url(
    struct weft_text text, uint8_t *ret_data, size_t capacity, size_t *ret_size);

#endif
