/* node/link/identity.h: the name of a principal, as its certificate spells it.
 *
 * "spiffe://<org>/<site>/<class>/<name>", or "spiffe://<org>/<class>/<name>" for principals
 * that belong to no site (persons, services, auditors). The alphabet is that of SPIFFE-ID,
 * section 2: the trust domain of lower-case letters, digits, '.', '-', '_'; path segments of
 * letters, digits, '.', '-', '_', none of them empty, "." or "..". Pure. */
#ifndef WEFT_NODE_LINK_IDENTITY_H
#define WEFT_NODE_LINK_IDENTITY_H

#include "node/link/link.h"
#include "proto/bytes.h"
#include "proto/err.h"

/* WEFT_EMALFORMED with a reason. */
WEFT_MUST_USE enum weft_err weft_identity_parse(
    struct weft_text uri, struct weft_identity *ret_identity, struct weft_msg *msg);

#endif
