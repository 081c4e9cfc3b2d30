/* policy/audit_evidence.h: is the evidence beside an exported log what its leaves commit to?
 *
 * Fed leaf by leaf, in order, while the log is verified (audit_verify.h): each blob has to be there
 * and to be the one, or a later leaf has to say that it was redacted, and then it has to be gone.
 * Keeps the commitments that no leaf has explained yet, and nothing else. */
#ifndef WEFT_POLICY_AUDIT_EVIDENCE_H
#define WEFT_POLICY_AUDIT_EVIDENCE_H

#include "policy/audit_leaf.h"
#include "policy/audit_verify.h"

enum {
    WEFT_AUDIT_MISSING_MAX = 64 * 1024, /* blobs at once; 3 MiB, chosen: far more than redactions */
};

struct weft_audit_missing {
    uint64_t leaf; /* That commits to it. */
    struct weft_digest commitment;
};

/* Zero-initialized but for the first two; close frees. */
struct weft_audit_evidence {
    weft_audit_read *read;
    void *ctx;
    uint64_t sound;    /* Blobs that are what their leaves commit to. */
    uint64_t redacted; /* That the log says are gone, and that are. */
    struct weft_audit_missing *missing;
    uint32_t missing_count;
    uint32_t capacity;
    struct weft_buffer file;
};

void weft_audit_evidence_close(struct weft_audit_evidence *evidence);

/* WEFT_EBADSIG: a blob is something else, or is there though this leaf says that it was redacted.
 * WEFT_EMALFORMED: what is redacted was never committed to, or twice. `msg` names leaf and file.
 * WEFT_ETOOBIG: too many are missing; WEFT_ENOMEM; and what read says. */
WEFT_MUST_USE enum weft_err weft_audit_evidence_step(
    struct weft_audit_evidence *evidence, const struct weft_audit_leaf *leaf, struct weft_msg *msg);

/* Behind the last leaf. WEFT_ENOTFOUND: a blob is missing, and no leaf says why; `msg` names the
 * first of them. */
WEFT_MUST_USE enum weft_err weft_audit_evidence_end(
    const struct weft_audit_evidence *evidence, struct weft_msg *msg);

#endif
