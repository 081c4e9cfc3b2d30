#include "policy/base64.h"

#include "proto/check.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void weft_base64_format(const void *data, size_t size, char *ret_text)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t word = (uint32_t)p[i] << 16;
        word |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        word |= left > 2 ? (uint32_t)p[i + 2] : 0;
        *ret_text++ = digits[word >> 18];
        *ret_text++ = digits[word >> 12 & 63];
        *ret_text++ = left > 1 ? digits[word >> 6 & 63] : '=';
        *ret_text++ = left > 2 ? digits[word & 63] : '=';
    }
}

enum weft_err weft_base64_append(struct weft_buffer *out, const void *data, size_t size)
{
    size_t text_size = WEFT_BASE64_TEXT_SIZE(size);
    enum weft_err err = size <= SIZE_MAX / 2 ? weft_buffer_reserve(out, text_size) : WEFT_ETOOBIG;
    if (err != WEFT_OK) {
        return err;
    }
    if (size > 0) {
        weft_base64_format(data, size, (char *)out->data + out->size);
        out->size += text_size;
    }
    return WEFT_OK;
}

/* -1 for anything but one of the 64. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which `pads` are '='. RFC 4648, 3.5: "implementations MUST set the pad bits
 * to zero", and so one value has one text. */
static bool parse_four(const char *four, size_t pads, uint32_t *ret_word)
{
    uint32_t word = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - pads ? value_of(four[i]) : 0;
        if (value < 0) {
            return false;
        }
        word = word << 6 | (uint32_t)value;
    }
    if ((pads == 1 && (word & 0xff) != 0) || (pads == 2 && (word & 0xffff) != 0)) {
        return false;
    }
    *ret_word = word;
    return true;
}

enum weft_err weft_base64_parse(
    struct weft_text text, uint8_t *ret_data, size_t capacity, size_t *ret_size)
{
    if (text.size % 4 != 0) {
        return WEFT_EMALFORMED;
    }
    size_t pads = 0;
    if (text.size > 0 && text.data[text.size - 1] == '=') {
        pads = text.data[text.size - 2] == '=' ? 2 : 1;
    }
    size_t size = text.size / 4 * 3 - pads;
    bool fits = ret_data == NULL || size <= capacity;
    for (size_t i = 0; i < text.size; i += 4) {
        uint32_t word;
        bool is_last = i + 4 == text.size;
        if (!parse_four(text.data + i, is_last ? pads : 0, &word)) {
            return WEFT_EMALFORMED;
        }
        size_t at = i / 4 * 3;
        for (size_t k = 0; ret_data != NULL && fits && k < 3 && at + k < size; k++) {
            ret_data[at + k] = (uint8_t)(word >> (16 - 8 * k));
        }
    }
    if (!fits) {
        return WEFT_ETOOBIG;
    }
    *ret_size = size;
    return WEFT_OK;
}

enum weft_err weft_base64_append_url(struct weft_buffer *out, const void *data, size_t size)
{
    size_t before = out->size;
    enum weft_err err = weft_base64_append(out, data, size);
    if (err != WEFT_OK) {
        return err;
    }
    while (out->size > before && out->data[out->size - 1] == '=') {
        out->size--;
    }
    for (size_t i = before; i < out->size; i++) {
        uint8_t c = out->data[i];
        out->data[i] = (uint8_t)(c == '+' ? '-' : c == '/' ? '_' : c);
    }
    return WEFT_OK;
}

enum weft_err weft_base64_parse_url(
    struct weft_text text, uint8_t *ret_data, size_t capacity, size_t *ret_size)
{
    if (text.size % 4 == 1) {
        return WEFT_EMALFORMED;
    }
    size_t size = text.size / 4 * 3 + (text.size % 4 == 0 ? 0 : text.size % 4 - 1);
    if (size > capacity) {
        return WEFT_ETOOBIG;
    }
    for (size_t i = 0; i < text.size; i += 4) {
        size_t left = text.size - i < 4 ? text.size - i : 4;
        char four[4] = {0};
        uint32_t word;
        for (size_t k = 0; k < left; k++) {
            char c = text.data[i + k];
            four[k] = (char)(c == '-' ? '+' : c == '_' ? '/' : c == '+' || c == '/' ? '=' : c);
        }
        if (!parse_four(four, 4 - left, &word)) {
            return WEFT_EMALFORMED;
        }
        for (size_t k = 0; k + 1 < left; k++) {
            ret_data[i / 4 * 3 + k] = (uint8_t)(word >> (16 - 8 * k));
        }
    }
    *ret_size = size;
    return WEFT_OK;
}
