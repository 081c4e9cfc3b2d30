#include "node/link/identity.h"

#include <string.h>

enum {
    SEGMENTS_MAX = 4
};

static bool is_allowed(char c, bool is_domain)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           (!is_domain && c >= 'A' && c <= 'Z');
}

static enum weft_err check_segment(struct weft_text s, bool is_domain, struct weft_msg *msg)
{
    if (s.size == 0 || weft_text_is(s, ".") || weft_text_is(s, "..")) {
        return weft_fail(msg, WEFT_EMALFORMED, "a part of the name is empty or dots");
    }
    for (size_t i = 0; i < s.size; i++) {
        if (!is_allowed(s.data[i], is_domain)) {
            return weft_fail(msg, WEFT_EMALFORMED, "character 0x%02x in a name",
                (unsigned)(unsigned char)s.data[i]);
        }
    }
    return WEFT_OK;
}

static enum weft_err copy(
    struct weft_text s, char *ret_text, size_t room, const char *what, struct weft_msg *msg)
{
    if (s.size >= room) {
        return weft_fail(msg, WEFT_EMALFORMED, "%s longer than %zu", what, room - 1);
    }
    memcpy(ret_text, s.data, s.size);
    ret_text[s.size] = '\0';
    return WEFT_OK;
}

/* "a/b/c" into its parts; WEFT_EMALFORMED if there are more than 4. */
static enum weft_err split(struct weft_text path, struct weft_text ret_segments[SEGMENTS_MAX],
    size_t *ret_count, struct weft_msg *msg)
{
    size_t count = 0;
    const char *at = path.data, *end = path.data + path.size;
    for (;;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = slash != NULL ? slash : end;
        if (count == SEGMENTS_MAX) {
            return weft_fail(msg, WEFT_EMALFORMED, "more than org/site/class/name");
        }
        struct weft_text s = {at, (size_t)(stop - at)};
        enum weft_err err = check_segment(s, count == 0, msg);
        if (err != WEFT_OK) {
            return err;
        }
        ret_segments[count++] = s;
        if (slash == NULL) {
            break;
        }
        at = slash + 1;
    }
    *ret_count = count;
    return WEFT_OK;
}

enum weft_err weft_identity_parse(
    struct weft_text uri, struct weft_identity *ret_identity, struct weft_msg *msg)
{
    static const char scheme[] = "spiffe://";
    const size_t scheme_size = sizeof(scheme) - 1;
    struct weft_identity id = {0};
    struct weft_text parts[SEGMENTS_MAX] = {{0}};
    size_t count = 0;
    if (uri.size <= scheme_size || memcmp(uri.data, scheme, scheme_size) != 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "not a %s name", scheme);
    }
    enum weft_err err = copy(uri, id.uri, sizeof(id.uri), "the name is", msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text path = {uri.data + scheme_size, uri.size - scheme_size};
    err = split(path, parts, &count, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (count < SEGMENTS_MAX - 1) {
        return weft_fail(msg, WEFT_EMALFORMED, "less than org/class/name");
    }
    struct weft_text site = count == SEGMENTS_MAX ? parts[1] : (struct weft_text){"", 0};
    if ((err = copy(parts[0], id.org, sizeof(id.org), "organization", msg)) != WEFT_OK ||
        (err = copy(site, id.site, sizeof(id.site), "site", msg)) != WEFT_OK ||
        (err = copy(parts[count - 2], id.class, sizeof(id.class), "class", msg)) != WEFT_OK ||
        (err = copy(parts[count - 1], id.name, sizeof(id.name), "name", msg)) != WEFT_OK) {
        return err;
    }
    *ret_identity = id;
    return WEFT_OK;
}
