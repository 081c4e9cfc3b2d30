/* proto/time.h: RFC 3339 times as ns since 1970-01-01T00:00:00Z, in int64 (1677 to 2262).
 *
 * Pure: nothing here reads a clock. A time without a zone is refused. */
#ifndef WEFT_PROTO_TIME_H
#define WEFT_PROTO_TIME_H

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_TIME_TEXT_SIZE = 32
};

/* RFC 3339 date-time, 'T' or 't' or a space between, 1 to 9 digits of fraction, zone 'Z' or
 * offset. Second 60 is read as 59.999999999 (leap second). WEFT_EINVAL with a reason. */
WEFT_MUST_USE enum weft_err weft_time_parse(
    struct weft_text text, int64_t *ret_ns, struct weft_msg *msg);

/* "2017-07-28T08:16:42Z", with 3, 6 or 9 digits of fraction where there is one. Terminated. */
void weft_time_format(int64_t ns, char ret_text[WEFT_TIME_TEXT_SIZE]);

#endif
