#include "proto/model/dtmi.h"

#include "proto/limits.h"

enum {
    MAJOR_DIGITS_MAX = 9, /* specified: DTDL v3 */
    MINOR_DIGITS_MAX = 6,
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(struct weft_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_letter(text.data[i]) && !is_digit(text.data[i]) && text.data[i] != '_') {
            return false;
        }
    }
    return text.size > 0 && text.data[text.size - 1] != '_';
}

bool weft_dtdl_name_is_valid(struct weft_text name)
{
    return is_word(name) && is_letter(name.data[0]) && name.size <= WEFT_MODEL_NAME_SIZE_MAX;
}

/* Digits without a zero in front. *at moves behind them. 0: there is no such number. */
static uint32_t read_number(struct weft_text text, size_t *at, size_t digits_max)
{
    uint32_t value = 0;
    size_t start = *at;
    while (*at < text.size && is_digit(text.data[*at]) && *at - start < digits_max) {
        value = value * 10 + (uint32_t)(text.data[(*at)++] - '0');
    }
    return *at > start && text.data[start] != '0' ? value : 0;
}

/* From the semicolon on. */
static bool read_version(struct weft_text text, size_t at, struct weft_dtmi *dtmi)
{
    at++;
    dtmi->major = read_number(text, &at, MAJOR_DIGITS_MAX);
    if (dtmi->major > 0 && at < text.size && text.data[at] == '.') {
        at++;
        dtmi->minor = read_number(text, &at, MINOR_DIGITS_MAX);
        return dtmi->minor > 0 && at == text.size;
    }
    return dtmi->major > 0 && at == text.size;
}

/* A user segment starts with a letter; one that starts with '_' is the system's. */
static bool is_path(struct weft_text path)
{
    size_t start = sizeof("dtmi:") - 1;
    while (start <= path.size) {
        const char *p = path.data + start;
        const char *colon = start < path.size ? memchr(p, ':', path.size - start) : NULL;
        struct weft_text segment = {p, colon != NULL ? (size_t)(colon - p) : path.size - start};
        if (!is_word(segment) || !is_letter(segment.data[0])) {
            return false;
        }
        start += segment.size + 1;
    }
    return true;
}

enum weft_err weft_dtmi_parse(
    struct weft_text text, size_t size_max, struct weft_dtmi *ret_dtmi, struct weft_msg *msg)
{
    struct weft_dtmi dtmi = {.path = text};
    const char *semicolon = text.size > 0 ? memchr(text.data, ';', text.size) : NULL;
    if (text.size > size_max) {
        return weft_fail(
            msg, WEFT_EINVAL, "a DTMI of %zu characters, at most %zu", text.size, size_max);
    }
    if (!weft_text_starts(text, "dtmi:")) {
        return weft_fail(msg, WEFT_EINVAL, "not a DTMI: dtmi:SEGMENT:...;VERSION was expected");
    }
    if (semicolon != NULL) {
        dtmi.path.size = (size_t)(semicolon - text.data);
        if (!read_version(text, dtmi.path.size, &dtmi)) {
            return weft_fail(msg, WEFT_EINVAL,
                "the version of the DTMI is not N or N.M, without zeros in front, of at most "
                "9 and 6 digits");
        }
    }
    if (!is_path(dtmi.path)) {
        return weft_fail(msg, WEFT_EINVAL,
            "a segment of the DTMI is not letters, digits and underscores that start with a "
            "letter and do not end with an underscore");
    }
    if (weft_text_starts(text, "dtmi:dtdl:") || weft_text_starts(text, "dtmi:standard:")) {
        return weft_fail(msg, WEFT_EINVAL,
            "the DTMI is below dtmi:dtdl: or dtmi:standard:, which DTDL reserves");
    }
    *ret_dtmi = dtmi;
    return WEFT_OK;
}
