/* ops/weft/audit_keys.h: whose signatures of an audit log count: --keys and --threshold. */
#ifndef WEFT_OPS_AUDIT_KEYS_H
#define WEFT_OPS_AUDIT_KEYS_H

#include "ops/weft/args.h"
#include "policy/audit_verify.h"

struct weft_audit_keys {
    struct weft_verifier verifiers[WEFT_AUDIT_VERIFIERS_MAX];
    uint32_t count;
    uint64_t threshold; /* The majority, unless --threshold says another. */
};

/* WEFT_EINVAL: --keys is missing, or there is no key in it. As weft_files_read,
 * weft_verifier_parse. */
WEFT_MUST_USE enum weft_err weft_audit_keys_read(
    const struct weft_args *args, struct weft_audit_keys *ret_keys, struct weft_msg *msg);
/* WEFT_EBADSIG: too few of them signed the checkpoint. */
WEFT_MUST_USE enum weft_err weft_audit_keys_check(
    const struct weft_audit_keys *keys, struct weft_text note, struct weft_msg *msg);

#endif
