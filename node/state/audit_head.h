/* node/state/audit_head.h: what the state keeps of its audit log besides leaves and tiles: how
 * large it is, its compact range, and the acts that are still being counted.
 *
 * The value of key U. One encoding for one content, so that replicas agree in bytes. */
#ifndef WEFT_NODE_STATE_AUDIT_HEAD_H
#define WEFT_NODE_STATE_AUDIT_HEAD_H

#include "policy/audit_leaf.h"
#include "policy/merkle.h"

enum {
    /* Acts of one second that are told apart; one more, and all of them become leaves at once.
     * Chosen: 20 KiB at most. */
    WEFT_AUDIT_PENDING_MAX = 64,
    WEFT_AUDIT_HEAD_SIZE_MAX =
        3 * 8 + WEFT_DIGEST_SIZE + (WEFT_MERKLE_HEIGHT_MAX + 1) * WEFT_DIGEST_SIZE + 8 + 1 +
        WEFT_AUDIT_PENDING_MAX *
            (2 * (1 + WEFT_AUDIT_WORD_SIZE_MAX) + 1 + 2 * WEFT_DIGEST_SIZE + 3 * 8),
};

/* Acts alike, of one second. */
struct weft_audit_pending {
    char act[WEFT_AUDIT_WORD_SIZE_MAX + 1];
    char statement[WEFT_AUDIT_WORD_SIZE_MAX + 1];
    enum weft_audit_effect effect;
    struct weft_digest actor;    /* Zeros: nobody's. */
    struct weft_digest evidence; /* Of the first; zeros: none. */
    uint64_t version;
    uint64_t line;
    uint64_t count;
};

struct weft_audit_head {
    uint64_t first_index; /* The entry that the log begins with; 0: nothing was applied yet. */
    uint64_t last_index;  /* The last entry that it speaks for. */
    struct weft_merkle_range range;
    /* Drawn from the first batch: pseudonyms are commitments under it. Zeros: none yet. */
    struct weft_digest secret;
    int64_t second; /* Of what is pending, since 1970. */
    uint32_t pending_count;
    struct weft_audit_pending pending[WEFT_AUDIT_PENDING_MAX];
};

/* Returns its size. */
size_t weft_audit_head_encode(
    const struct weft_audit_head *head, uint8_t ret_bytes[WEFT_AUDIT_HEAD_SIZE_MAX]);
/* Exactly what encode gives. WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_audit_head_decode(
    struct weft_bytes bytes, struct weft_audit_head *ret_head);

#endif
