/* node/partner_sign.h: this node signs what its site tells partners: heads, receipts, refusals.
 *
 * With the key of its audit log (log.key), under that key's name; the texts name the stream. What
 * is signed is what the state says, as the log has agreed on it, so that no node signs what a
 * successor would not (NOD-243): a head that an entry said is to be signed, the tree of what was
 * taken, what is in quarantine. The leader asks, the others answer if they have applied as much and
 * found the same. The loop's. */
#ifndef WEFT_NODE_PARTNER_SIGN_H
#define WEFT_NODE_PARTNER_SIGN_H

#include "node/state/streams.h"
#include "policy/signer.h"
#include "proto/peer.h"

enum weft_partner_text {
    WEFT_PARTNER_TEXT_HEAD,    /* Of what is sent. */
    WEFT_PARTNER_TEXT_RECEIPT, /* For what was received. */
    WEFT_PARTNER_TEXT_REFUSAL, /* Of statements in quarantine. */
    WEFT_PARTNER_TEXTS
};

enum {
    WEFT_PARTNER_OWED_MAX = 64, /* Asked for and not applied yet; the oldest gives way. Chosen. */
    WEFT_PARTNER_OWED_MS = 2000,
};

/* What is to be signed. */
struct weft_partner_asked {
    enum weft_partner_text what;
    char agreement[WEFT_CONTRACT_NAME_SIZE_MAX + 1];
    uint64_t from;                /* REFUSAL: statements from this sequence on. */
    struct weft_merkle_head head; /* REFUSAL: below its size; the root is the text's digest. */
};

struct weft_partner_owed {
    bool is_used;
    uint64_t to;
    uint64_t until_ms;
    struct weft_partner_asked asked;
};

/* Zero-initialized signs nothing. */
struct weft_partner_sign {
    bool has_key;
    struct weft_signer signer;
    char site[WEFT_STREAM_NAME_SIZE_MAX + 1]; /* "<org>/<site>" */
    void *ctx;
    /* To one member, or (0) to every other. Borrowed. */
    void (*tell)(void *ctx, uint64_t to, const struct weft_audit_line *line);
    uint32_t owed_next;
    struct weft_partner_owed owed[WEFT_PARTNER_OWED_MAX];
};

/* No key file: it signs nothing, which is logged. WEFT_EINVAL, WEFT_EIO; of the key file. */
WEFT_MUST_USE enum weft_err weft_partner_sign_load(
    struct weft_partner_sign *sign, const char *key_file, const char *site, struct weft_msg *msg);
void weft_partner_sign_wipe(struct weft_partner_sign *sign);

/* Append the text, as the state has it now. WEFT_ESTATE: the state does not say so, or not yet;
 * WEFT_ECONFLICT: it says something else. WEFT_ENOTFOUND: no such agreement. *ret_next, which may
 * be NULL: of a refusal, the first sequence that the text has no room for; else as head.size. */
WEFT_MUST_USE enum weft_err weft_partner_sign_text(const struct weft_partner_sign *sign,
    struct weft_state *state, const struct weft_partner_asked *asked, struct weft_buffer *out,
    uint64_t *ret_next, struct weft_msg *msg);
/* Append this node's line for a text. WEFT_ESTATE: it has no key. */
WEFT_MUST_USE enum weft_err weft_partner_sign_line(const struct weft_partner_sign *sign,
    struct weft_text text, struct weft_buffer *out, struct weft_msg *msg);
/* Tell the others what is to be signed, with this node's line. */
void weft_partner_sign_ask(const struct weft_partner_sign *sign,
    const struct weft_partner_asked *asked, struct weft_text line);
/* What a line is of. False: of nothing of this site. */
bool weft_partner_sign_parse(const struct weft_partner_sign *sign,
    const struct weft_audit_line *line, struct weft_partner_asked *ret_asked);
/* The leader asks: it is answered, now or when as much is applied. */
void weft_partner_sign_owe(struct weft_partner_sign *sign, struct weft_state *state, uint64_t to,
    const struct weft_partner_asked *asked, uint64_t now_ms);
/* Something was applied. */
void weft_partner_sign_turn(
    struct weft_partner_sign *sign, struct weft_state *state, uint64_t now_ms);

#endif
