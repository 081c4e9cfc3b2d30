/* federation/equivocation.h: proof that a provider has told two stories, for anybody who has its
 * keys.
 *
 *     weft-equivocation/v1 heads          two signed trees of one size
 *     weft-equivocation/v1 leaves         two leaves in one place, each in a signed tree
 *     weft-equivocation/v1 beginnings     two signed trees, of which neither is the other's
 * beginning weft-equivocation/v1 statements     two statements of one revision, each in a signed
 * tree part 321 <321 bytes>
 *     ...
 *
 * heads: two notes. beginnings: the note of the smaller, of the larger, and the larger one's own
 * consistency proof, a line with the digest of each hash: it leads to the larger root, and from
 * another smaller one. Of a smaller tree of 2^k leaves no proof holds the root. leaves: a leaf and
 * its proof (C2SP tlog-proof), twice. statements: a header in hexadecimal and the proof of its
 * leaf, twice. Nothing else is needed to verify one: no state, no network, no word of who shows it.
 */
#ifndef WEFT_FEDERATION_EQUIVOCATION_H
#define WEFT_FEDERATION_EQUIVOCATION_H

#include "federation/lost.h"
#include "federation/stream.h"
#include "proto/statement_header.h"

enum weft_equivocation_kind {
    WEFT_EQUIVOCATION_HEADS,
    WEFT_EQUIVOCATION_LEAVES,
    WEFT_EQUIVOCATION_STATEMENTS,
    WEFT_EQUIVOCATION_BEGINNINGS,
    WEFT_EQUIVOCATION_KINDS
};

enum {
    WEFT_EQUIVOCATION_PARTS_MAX = 4,
};

/* Borrows the text that was parsed. */
struct weft_equivocation {
    enum weft_equivocation_kind kind;
    struct weft_text parts[WEFT_EQUIVOCATION_PARTS_MAX];
    uint32_t part_count; /* 2 of heads, 3 of beginnings, else 4. */
};

/* "heads", "leaves", "statements", "beginnings". */
const char *weft_equivocation_kind_name(enum weft_equivocation_kind kind);

/* Append the proof of BEGINNINGS as its part's text. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_equivocation_proof_encode(
    const struct weft_merkle_proof *proof, struct weft_buffer *out);
/* Append the text. WEFT_ETOOBIG: over WEFT_STREAM_TEXT_SIZE_MAX; WEFT_ENOMEM. `out` is then as
 * before. */
WEFT_MUST_USE enum weft_err weft_equivocation_encode(
    const struct weft_equivocation *equivocation, struct weft_buffer *out);
/* The form alone. WEFT_EMALFORMED, WEFT_EVERSION, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_equivocation_parse(
    struct weft_text text, struct weft_equivocation *ret_equivocation, struct weft_msg *msg);

/* FED-26: does it prove that the keys of `signers` signed what no log and no authority may?
 * As parse. WEFT_EPEER, WEFT_EBADSIG: not signed by enough of them, for this stream, or a proof
 * does not hold. WEFT_EREFUSED: all holds, and nothing in it contradicts itself. */
WEFT_MUST_USE enum weft_err weft_equivocation_verify(struct weft_text text,
    const struct weft_stream_signers *signers, enum weft_equivocation_kind *ret_kind,
    struct weft_msg *msg);

/* The two heads that it rests on, of evidence that was verified. False: it was not. */
bool weft_equivocation_heads(struct weft_text text, const struct weft_stream_signers *signers,
    struct weft_merkle_head ret_heads[2]);
/* Does it rest on a head of the list (lost.h)? Of evidence that was verified: what else is in it
 * may contradict that head. */
bool weft_equivocation_is_of_lost(
    struct weft_text text, const struct weft_stream_signers *signers, const struct weft_lost *lost);

/* Two headers of one revision that are not the same statement. */
bool weft_equivocation_is_of_headers(
    const struct weft_statement_header *a, const struct weft_statement_header *b);

#endif
