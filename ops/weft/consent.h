/* ops/weft/consent.h: what a person signs is shown before, in full, and signed as it was shown.
 *
 * The text goes to stderr as it stands: what is read is what is signed. On a terminal "yes" is
 * asked for; without one --yes has to say that somebody has read it. */
#ifndef WEFT_OPS_CONSENT_H
#define WEFT_OPS_CONSENT_H

#include "ops/weft/args.h"
#include "ops/weft/authority_note.h"
#include "policy/principal.h"
#include "policy/signer.h"
#include "proto/bytes.h"

/* Show it, and ask. `what`: "the command that is approved". WEFT_EREFUSED: the answer was no.
 * WEFT_EINVAL: no terminal, and no --yes. */
WEFT_MUST_USE enum weft_err weft_consent_ask(
    const struct weft_args *args, const char *what, struct weft_text text, struct weft_msg *msg);
/* Show it alone. */
void weft_consent_show(const struct weft_args *args, const char *what, struct weft_text text);

/* The one --key, opened, and whose it is. As weft_keys_open. WEFT_EINVAL: none, or several. */
WEFT_MUST_USE enum weft_err weft_consent_key(const struct weft_args *args,
    struct weft_signer *ret_signer, struct weft_principal *ret_who, struct weft_msg *msg);
/* --printed-name, or the principal's name. */
struct weft_text weft_consent_printed(
    const struct weft_args *args, const struct weft_principal *who);
/* --reason. WEFT_EINVAL: it is missing. */
WEFT_MUST_USE enum weft_err weft_consent_reason(
    const struct weft_args *args, struct weft_text *ret_reason, struct weft_msg *msg);

#define WEFT_CONSENT_OPTIONS                                                                       \
    {"key", 0, "FILE", "NAME.key of who signs, NAME.vkey beside it"},                              \
        {"reason", 0, "TEXT", "why; it is signed, and kept"},                                      \
        {"printed-name", 0, "NAME", "as it is printed; default: the principal's"},                 \
    {                                                                                              \
        "yes", 'y', NULL, "somebody has read what is signed: ask nobody"                           \
    }

#endif
