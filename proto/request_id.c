#include "proto/request_id.h"

#include <stdio.h>
#include <string.h>

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

enum weft_err weft_request_id_parse(
    const char *text, struct weft_request_id *ret_id, struct weft_msg *msg)
{
    bool is_uuid = strlen(text) == 36;
    struct weft_request_id id = {{0}};
    int digits = 0;
    for (size_t i = 0; text[i] != '\0' && digits <= 32; i++) {
        bool is_dash = is_uuid && (i == 8 || i == 13 || i == 18 || i == 23);
        int digit = digit_of(text[i]);
        if (is_dash ? text[i] != '-' : digit < 0) {
            digits = 0;
            break;
        }
        if (!is_dash && digits < 32) {
            id.bytes[digits / 2] = (uint8_t)(id.bytes[digits / 2] << 4 | digit);
        }
        digits += is_dash ? 0 : 1;
    }
    if (digits != 32) {
        return weft_fail(
            msg, WEFT_EINVAL, "request id \"%.60s\": 32 hexadecimal digits or a UUID", text);
    }
    *ret_id = id;
    return WEFT_OK;
}

void weft_request_id_format(
    const struct weft_request_id *id, char ret_text[WEFT_REQUEST_ID_TEXT_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof(id->bytes); i++) {
        bool has_dash = i == 4 || i == 6 || i == 8 || i == 10;
        used += (size_t)snprintf(ret_text + used, WEFT_REQUEST_ID_TEXT_SIZE - used, "%s%02x",
            has_dash ? "-" : "", id->bytes[i]);
    }
}
