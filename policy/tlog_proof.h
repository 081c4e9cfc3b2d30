/* policy/tlog_proof.h: a proof that fits in an e-mail: C2SP tlog-proof.
 *
 * A leaf's place, the hashes from it up to the root, and the checkpoint as it was signed: whoever
 * has the leaf and the keys needs nothing else and no network. */
#ifndef WEFT_POLICY_TLOG_PROOF_H
#define WEFT_POLICY_TLOG_PROOF_H

#include "policy/checkpoint_note.h"
#include "policy/merkle_proof.h"
#include "policy/note.h"

enum {
    WEFT_TLOG_PROOF_SIZE_MAX = WEFT_NOTE_SIZE_MAX + 4096 + 16384, /* 64 hashes, and extra */
    WEFT_TLOG_PROOF_EXTRA_SIZE_MAX = 8192,                        /* bytes; chosen */
};

/* Borrows the text that was parsed. */
struct weft_tlog_proof {
    struct weft_text extra; /* Base64 as it stands, not authenticated; empty: none. */
    uint64_t index;
    struct weft_merkle_proof proof;
    struct weft_text checkpoint; /* The signed note. */
};

/* Append the text. WEFT_EINVAL: extra is not base64; WEFT_ENOMEM, WEFT_ETOOBIG. On failure `out` is
 * as before. */
WEFT_MUST_USE enum weft_err weft_tlog_proof_encode(
    const struct weft_tlog_proof *proof, struct weft_buffer *out);
/* WEFT_EMALFORMED: not as the standard has it; WEFT_ETOOBIG. `msg` says where. The note in it is
 * not looked at. */
WEFT_MUST_USE enum weft_err weft_tlog_proof_parse(
    struct weft_text text, struct weft_tlog_proof *ret_proof, struct weft_msg *msg);

/* `leaf` is in the tree of `head`, which the caller has from the checkpoint once it was verified.
 * As weft_merkle_verify_inclusion. */
WEFT_MUST_USE enum weft_err weft_tlog_proof_verify(const struct weft_tlog_proof *proof,
    struct weft_bytes leaf, const struct weft_merkle_head *head, struct weft_msg *msg);

#endif
