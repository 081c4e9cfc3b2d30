/* policy/together.h: one signature for several texts that one key signs at the same time.
 *
 * A signature costs its verifiers 50 us, a hash 0.3. So who signs many short texts signs the root
 * of a tree (RFC 6962) whose leaves they are; in the note of each, the signature line has in place
 * of 64 bytes
 *
 *     signature (64) || index (1) || texts (1) || the hashes of the inclusion proof (32 each)
 *
 * where the signature is the key's of the text
 *
 *     weft-together/v1
 *     key <name of the key>
 *     texts 12
 *     root <hash, base64>
 *
 * Each note proves itself, whatever became of the others. Key and key id are those of its plain
 * signatures, but no standard knows this one: it counts only where weft_note.together says so. No
 * document of ours has that first line. Pure. */
#ifndef WEFT_POLICY_TOGETHER_H
#define WEFT_POLICY_TOGETHER_H

#include "policy/merkle_proof.h"
#include "policy/signer.h"
#include "proto/bytes.h"

enum {
    WEFT_TOGETHER_TEXTS_MAX = 64, /* chosen: six hashes, with which a line takes 350 bytes */
    WEFT_TOGETHER_PATH_MAX = 6,   /* Of so many. */
    WEFT_TOGETHER_SIZE_MAX =
        WEFT_ED25519_SIGNATURE_SIZE + 2 + WEFT_TOGETHER_PATH_MAX * WEFT_DIGEST_SIZE,
    WEFT_TOGETHER_SEEN = 256, /* chosen: 8 KiB; what is signed together comes together */
};

/* Signatures that verified, as digests of key, head and signature: what the same bytes said once
 * they say for ever, so that each is verified once. Zero-initialized: none. */
struct weft_together {
    struct weft_digest seen[WEFT_TOGETHER_SEEN];
    uint64_t verified; /* By arithmetic, */
    uint64_t known;    /* and by having been seen. */
};

/* Append to outs[i] the note of texts[i]: of one text plainly signed. As weft_note_sign;
 * WEFT_EINVAL: no text, or more than WEFT_TOGETHER_TEXTS_MAX. On failure `outs` are as before. */
WEFT_MUST_USE enum weft_err weft_together_sign(const struct weft_text *texts, uint32_t count,
    const struct weft_signer *signer, struct weft_buffer *outs, struct weft_msg *msg);

/* `rest` is the line's bytes behind its key id, not 64 of them. WEFT_EBADSIG; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_together_verify(struct weft_together *together,
    struct weft_text text, const struct weft_verifier *verifier, struct weft_bytes rest,
    struct weft_msg *msg);

#endif
