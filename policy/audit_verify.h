/* policy/audit_verify.h: whether an exported audit log is what its checkpoint says.
 *
 * Nothing in it is believed: signatures are verified, the entries are hashed, every tile is
 * compared with what the entries make, and the root with the signed one. One pass, in the memory
 * of one entry bundle; where the files are is the caller's (a directory, a web server). */
#ifndef WEFT_POLICY_AUDIT_VERIFY_H
#define WEFT_POLICY_AUDIT_VERIFY_H

#include "policy/checkpoint_note.h"
#include "policy/note.h"
#include "policy/tile.h"
#include "policy/witness_policy.h"

enum {
    WEFT_AUDIT_VERIFIERS_MAX = 32, /* as of a witnessed log */
};

/* Gives the whole file `path`, relative to the export, in ret_data, which is empty. WEFT_ENOTFOUND:
 * there is none; WEFT_ETOOBIG: it is over ret_data->size_max bytes. Other errors are passed on. */
typedef enum weft_err weft_audit_read(
    void *ctx, const char *path, struct weft_buffer *ret_data, struct weft_msg *msg);
/* Is told each leaf in order, before anything is known of it: believe it when verify says WEFT_OK.
 * An error of it ends the verification. Borrows. */
typedef enum weft_err weft_audit_on_leaf(
    void *ctx, uint64_t number, struct weft_bytes leaf, struct weft_msg *msg);

struct weft_audit_question {
    weft_audit_read *read;
    weft_audit_on_leaf *on_leaf; /* May be NULL. */
    void *ctx;                   /* Of both. */
    struct weft_text origin;
    /* Of the log; one key counts once. At most WEFT_AUDIT_VERIFIERS_MAX. */
    const struct weft_verifier *verifiers;
    uint32_t verifier_count;
    uint32_t threshold; /* Keys that must have signed, from 1: of a site, the majority of nodes. */
    const struct weft_witness_policy *policy; /* To be met too, or NULL. */
    const struct weft_merkle_head *known;     /* That must be its beginning, or NULL. */
};

struct weft_audit_answer {
    struct weft_merkle_head head;
    uint32_t key_count;  /* That signed. */
    uint64_t tile_count; /* Files that were read and compared. */
    uint64_t bundle_count;
    uint64_t leaf_bytes;
};

/* `msg` names the file.
 *
 * WEFT_ENOTFOUND: a file is missing. WEFT_EMALFORMED: one is not what its name says. WEFT_EBADSIG:
 * a signature, a tile or the root differs. WEFT_EPEER: another origin, too few keys. WEFT_EREFUSED:
 * the policy. WEFT_ECONFLICT: `known` is not its beginning. WEFT_ENOMEM; and what read says. */
WEFT_MUST_USE enum weft_err weft_audit_verify(const struct weft_audit_question *question,
    struct weft_audit_answer *ret_answer, struct weft_msg *msg);

/* Keys among the marked verifiers, each counted once, whatever its names. */
uint32_t weft_audit_count_keys(const struct weft_verifier *verifiers, uint32_t verifier_count,
    const struct weft_note_mark *marks);

#endif
