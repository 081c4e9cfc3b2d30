#include "policy/principal.h"

#include <stdio.h>
#include <string.h>

#include "proto/check.h"

static const char scheme[] = "spiffe://";

static const char *const class_names[WEFT_PRINCIPAL_CLASSES] = {
    [WEFT_PRINCIPAL_NODE] = "node",
    [WEFT_PRINCIPAL_OP] = "op",
    [WEFT_PRINCIPAL_SVC] = "svc",
    [WEFT_PRINCIPAL_GW] = "gw",
    [WEFT_PRINCIPAL_WIT] = "wit",
    [WEFT_PRINCIPAL_PARTNER] = "partner",
};

_Static_assert(
    sizeof("spiffe:////node/") + 3 * WEFT_PRINCIPAL_PART_SIZE_MAX <= WEFT_PRINCIPAL_URI_SIZE,
    "a URI holds its parts");

const char *weft_principal_class_name(enum weft_principal_class class)
{
    weft_assert((unsigned)class < WEFT_PRINCIPAL_CLASSES);
    return class_names[class];
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alphanumeric(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_mark(char c)
{
    return c == '.' || c == '-' || c == '_';
}

bool weft_principal_is_org(struct weft_text text)
{
    if (text.size == 0 || text.size > WEFT_PRINCIPAL_PART_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!is_lower_or_digit(text.data[i]) && !is_mark(text.data[i])) {
            return false;
        }
    }
    return is_lower_or_digit(text.data[0]) && is_lower_or_digit(text.data[text.size - 1]);
}

bool weft_principal_is_part(struct weft_text text)
{
    if (text.size == 0 || text.size > WEFT_PRINCIPAL_PART_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!is_alphanumeric(text.data[i]) && !is_mark(text.data[i])) {
            return false;
        }
    }
    return is_alphanumeric(text.data[0]);
}

static void put(char ret_part[WEFT_PRINCIPAL_PART_SIZE_MAX + 1], struct weft_text text)
{
    memcpy(ret_part, text.data, text.size);
    ret_part[text.size] = '\0';
}

static enum weft_err make(enum weft_principal_class class, struct weft_text org,
    struct weft_text site, struct weft_text name, struct weft_principal *ret_principal,
    struct weft_msg *msg)
{
    if (!weft_principal_is_org(org)) {
        return weft_fail(msg, WEFT_EINVAL,
            "organization \"%.*s\": 1 to %d of a-z 0-9 . - _, first and last a letter or digit",
            (int)(org.size < 80 ? org.size : 80), org.data, WEFT_PRINCIPAL_PART_SIZE_MAX);
    }
    if (!weft_principal_is_part(site)) {
        return weft_fail(msg, WEFT_EINVAL,
            "site \"%.*s\": 1 to %d of A-Z a-z 0-9 . - _, first a letter or digit",
            (int)(site.size < 80 ? site.size : 80), site.data, WEFT_PRINCIPAL_PART_SIZE_MAX);
    }
    if (!weft_principal_is_part(name)) {
        return weft_fail(msg, WEFT_EINVAL,
            "name \"%.*s\": 1 to %d of A-Z a-z 0-9 . - _, first a letter or digit",
            (int)(name.size < 80 ? name.size : 80), name.data, WEFT_PRINCIPAL_PART_SIZE_MAX);
    }
    ret_principal->class = class;
    put(ret_principal->org, org);
    put(ret_principal->site, site);
    put(ret_principal->name, name);
    return WEFT_OK;
}

enum weft_err weft_principal_make(enum weft_principal_class class, const char *org,
    const char *site, const char *name, struct weft_principal *ret_principal, struct weft_msg *msg)
{
    return make(
        class, weft_text_of(org), weft_text_of(site), weft_text_of(name), ret_principal, msg);
}

/* `text` starts behind `before`, which is "spiffe://" or nothing and is for the message. */
static enum weft_err parse(struct weft_text text, const char *before,
    struct weft_principal *ret_principal, struct weft_msg *msg)
{
    struct weft_text rest = text;
    struct weft_text parts[4];
    for (int i = 0; i < 4; i++) {
        if (weft_text_cut(&rest, '/', &parts[i]) != (i < 3)) {
            return weft_fail(
                msg, WEFT_EINVAL, "a principal is %s<org>/<site>/<class>/<name>", before);
        }
    }
    for (int c = 0; c < WEFT_PRINCIPAL_CLASSES; c++) {
        if (weft_text_is(parts[2], class_names[c])) {
            return make(
                (enum weft_principal_class)c, parts[0], parts[1], parts[3], ret_principal, msg);
        }
    }
    return weft_fail(msg, WEFT_EINVAL, "unknown class \"%.*s\" (node, op, svc, gw, wit, partner)",
        (int)(parts[2].size < 80 ? parts[2].size : 80), parts[2].data);
}

enum weft_err weft_principal_parse_uri(
    struct weft_text uri, struct weft_principal *ret_principal, struct weft_msg *msg)
{
    size_t skip = sizeof(scheme) - 1;
    if (uri.size <= skip || uri.size >= WEFT_PRINCIPAL_URI_SIZE ||
        memcmp(uri.data, scheme, skip) != 0) {
        return weft_fail(msg, WEFT_EINVAL, "not a %s URI of at most %d bytes", scheme,
            WEFT_PRINCIPAL_URI_SIZE - 1);
    }
    return parse((struct weft_text){uri.data + skip, uri.size - skip}, scheme, ret_principal, msg);
}

enum weft_err weft_principal_parse(
    struct weft_text text, struct weft_principal *ret_principal, struct weft_msg *msg)
{
    return parse(text, "", ret_principal, msg);
}

void weft_principal_format_uri(
    const struct weft_principal *principal, char ret_uri[WEFT_PRINCIPAL_URI_SIZE])
{
    (void)snprintf(ret_uri, WEFT_PRINCIPAL_URI_SIZE, "%s%s/%s/%s/%s", scheme, principal->org,
        principal->site, weft_principal_class_name(principal->class), principal->name);
}

void weft_principal_format(
    const struct weft_principal *principal, char ret_text[WEFT_PRINCIPAL_TEXT_SIZE])
{
    (void)snprintf(ret_text, WEFT_PRINCIPAL_TEXT_SIZE, "%s/%s/%s/%s", principal->org,
        principal->site, weft_principal_class_name(principal->class), principal->name);
}

bool weft_principal_equal(const struct weft_principal *a, const struct weft_principal *b)
{
    return a->class == b->class && strcmp(a->org, b->org) == 0 && strcmp(a->site, b->site) == 0 &&
           strcmp(a->name, b->name) == 0;
}
