/* policy/principal.h: who somebody is: "<trust-domain>/<site>/<class>/<name>".
 *
 * In X.509 it is the one URI SAN "spiffe://<org>/<site>/<class>/<name>" (SPIFFE-ID, 2: the
 * trust domain is lower case; path segments are [A-Za-z0-9._-]). Pure text; certificates are
 * policy/crypto's. Rules: policy/README.md. */
#ifndef WEFT_POLICY_PRINCIPAL_H
#define WEFT_POLICY_PRINCIPAL_H

#include <stdbool.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_PRINCIPAL_PART_SIZE_MAX = 63, /* chosen: fits certificates' CN, file names, logs */
    WEFT_PRINCIPAL_URI_SIZE = 256,     /* "spiffe://" + 3 parts + class, terminated */
    WEFT_PRINCIPAL_TEXT_SIZE = WEFT_PRINCIPAL_URI_SIZE - 9, /* without "spiffe://" */
};

/* The words are in certificates: they never change. */
enum weft_principal_class {
    WEFT_PRINCIPAL_NODE,
    WEFT_PRINCIPAL_OP,      /* A person. */
    WEFT_PRINCIPAL_SVC,     /* Automation. */
    WEFT_PRINCIPAL_GW,      /* A device gateway. */
    WEFT_PRINCIPAL_WIT,     /* A witness of the audit log. */
    WEFT_PRINCIPAL_PARTNER, /* A node, where another organization meets it: at that door alone. */
    WEFT_PRINCIPAL_CLASSES
};

/* Terminated texts. */
struct weft_principal {
    enum weft_principal_class class;
    char org[WEFT_PRINCIPAL_PART_SIZE_MAX + 1];
    char site[WEFT_PRINCIPAL_PART_SIZE_MAX + 1];
    char name[WEFT_PRINCIPAL_PART_SIZE_MAX + 1];
};

/* "node", "op", "svc", "gw", "wit", "partner". */
const char *weft_principal_class_name(enum weft_principal_class class);

/* A trust domain: [a-z0-9._-], starting and ending with a letter or digit. */
bool weft_principal_is_org(struct weft_text text);
/* A site or name: [A-Za-z0-9._-], starting with a letter or digit. */
bool weft_principal_is_part(struct weft_text text);

/* WEFT_EINVAL: which part breaks which rule. */
WEFT_MUST_USE enum weft_err weft_principal_make(enum weft_principal_class class, const char *org,
    const char *site, const char *name, struct weft_principal *ret_principal, struct weft_msg *msg);
/* Exactly "spiffe://org/site/class/name": no query, fragment, port, escapes or further
 * segments. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_principal_parse_uri(
    struct weft_text uri, struct weft_principal *ret_principal, struct weft_msg *msg);
void weft_principal_format_uri(
    const struct weft_principal *principal, char ret_uri[WEFT_PRINCIPAL_URI_SIZE]);

/* Exactly "org/site/class/name": as signed documents and key names have it. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_principal_parse(
    struct weft_text text, struct weft_principal *ret_principal, struct weft_msg *msg);
void weft_principal_format(
    const struct weft_principal *principal, char ret_text[WEFT_PRINCIPAL_TEXT_SIZE]);

bool weft_principal_equal(const struct weft_principal *a, const struct weft_principal *b);

#endif
