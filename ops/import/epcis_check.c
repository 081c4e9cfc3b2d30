#include "ops/import/epcis_event.h"

#include "proto/time.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* scheme ":" and at least one byte, without the bytes that RFC 3986 never lets stand bare. */
static bool is_uri(struct weft_text text)
{
    size_t i = 0;
    while (i < text.size && (is_letter(text.data[i]) || is_digit(text.data[i]) ||
                                (i > 0 && strchr("+-.", text.data[i]) != NULL))) {
        i++;
    }
    if (i == 0 || !is_letter(text.data[0]) || i + 1 >= text.size || text.data[i] != ':') {
        return false;
    }
    for (; i < text.size; i++) {
        char c = text.data[i];
        /* Letters and digits are most of it. */
        if (!is_letter(c) && !is_digit(c) &&
            ((unsigned char)c <= ' ' || strchr("<>\"\\^`{|}", c) != NULL)) {
            return false;
        }
    }
    return true;
}

/* "urn:epc:" class ":" scheme ":" body, where the class is one of the EPC Tag Data Standard's. */
static bool is_epc_urn(struct weft_text text)
{
    static const char *const classes[] = {"id", "class", "idpat", "pat", "tag", "raw"};
    static const char head[] = "urn:epc:";
    struct weft_text parts[2];
    const char *p = text.data + sizeof(head) - 1, *end = text.data + text.size;
    for (size_t i = 0; i < 2; i++) {
        const char *colon = p < end ? memchr(p, ':', (size_t)(end - p)) : NULL;
        if (colon == NULL || colon == p) {
            return false;
        }
        parts[i] = (struct weft_text){p, (size_t)(colon - p)};
        p = colon + 1;
    }
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        if (weft_text_is(parts[0], classes[i])) {
            return p < end;
        }
    }
    return false;
}

enum weft_err weft_epcis_check_uri(const struct weft_json *value, struct weft_msg *msg)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!is_uri(value->text)) {
        return weft_json_fail(value, msg, WEFT_EINVAL, "must be a URI");
    }
    if (value->text.size >= 8 && memcmp(value->text.data, "urn:epc:", 8) == 0 &&
        !is_epc_urn(value->text)) {
        return weft_json_fail(
            value, msg, WEFT_EINVAL, "an EPC must look like urn:epc:id:sgtin:0614141.107346.2018");
    }
    return WEFT_OK;
}

bool weft_epcis_is_extension(struct weft_text name)
{
    return name.size > 0 && memchr(name.data, ':', name.size) != NULL;
}

enum weft_err weft_epcis_check_time(
    const struct weft_json *value, int64_t *ret_ns, struct weft_msg *msg)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_time_parse(value->text, ret_ns, msg);
    return err == WEFT_OK ? WEFT_OK : weft_json_place(value, NULL, msg, err);
}
