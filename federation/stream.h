/* federation/stream.h: one direction of an agreement: leaves in a row, committed to by a Merkle
 * tree (RFC 6962) and signed heads.
 *
 * Both sides have the same machine: the provider steps it in the apply that commits a record, who
 * receives in the apply that commits a batch, so both know what is in force at which place. A leaf
 * is one line of text, its place is its sequence:
 *
 *     contract 2 sha256:...        this version holds from the next leaf on; the first leaf is one
 *     statement sha256:...         of a statement
 *     suspend                      until resume no statements
 *     resume
 *     end                          nothing comes behind it
 *
 * Rules and the table of transitions: federation/README.md, "Stream". */
#ifndef WEFT_FEDERATION_STREAM_H
#define WEFT_FEDERATION_STREAM_H

#include "federation/contract.h"
#include "federation/fault.h"
#include "policy/checkpoint_note.h"
#include "policy/merkle_proof.h"

enum {
    WEFT_STREAM_LEAF_SIZE = 112,    /* "contract 4294967295 sha256:<64>\n", terminated */
    WEFT_STREAM_VERIFIERS_MAX = 64, /* keys of one provider: as an organization's logs */
    WEFT_STREAM_ORIGIN_SIZE = WEFT_ORIGIN_SIZE_MAX + 1,
};

/* The numbers are in items. */
enum weft_stream_leaf_kind {
    WEFT_STREAM_CONTRACT = 1,
    WEFT_STREAM_STATEMENT = 2,
    WEFT_STREAM_SUSPEND = 3,
    WEFT_STREAM_RESUME = 4,
    WEFT_STREAM_END = 5,
    WEFT_STREAM_LEAF_KINDS = 6
};

struct weft_stream_leaf {
    enum weft_stream_leaf_kind kind;
    uint64_t version;          /* CONTRACT; else 0. */
    struct weft_digest digest; /* CONTRACT: of its text; STATEMENT. Else zero. */
};

/* What the last leaves left behind. */
enum weft_stream_phase {
    WEFT_STREAM_NEW,       /* Nothing yet. */
    WEFT_STREAM_OPEN,      /* Statements may follow. */
    WEFT_STREAM_SUSPENDED, /* Not before a resume. */
    WEFT_STREAM_CLOSED,    /* It has ended. */
    WEFT_STREAM_PHASES
};

/* Embed by value; zero-initialized is new. */
struct weft_stream {
    struct weft_merkle_range tree; /* Its size is the sequence of the next leaf. */
    enum weft_stream_phase phase;
    uint64_t version;            /* Of the contract in force; 0: none. */
    struct weft_digest contract; /* Its digest. */
    uint64_t statement_count;
};

/* --- leaves ---------------------------------------------------------------------------------- */

/* The line with its newline, terminated. Returns its size. */
size_t weft_stream_leaf_format(
    const struct weft_stream_leaf *leaf, char ret_text[WEFT_STREAM_LEAF_SIZE]);
/* Exactly what format gives. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_stream_leaf_parse(
    struct weft_text text, struct weft_stream_leaf *ret_leaf);
struct weft_digest weft_stream_leaf_hash(const struct weft_stream_leaf *leaf);

/* One leaf more. WEFT_STREAM_OUT_OF_TURN, WEFT_STREAM_ENDED: the stream does not admit it, and is
 * as before. */
enum weft_stream_fault weft_stream_append(
    struct weft_stream *stream, const struct weft_stream_leaf *leaf, struct weft_msg *msg);
/* Would it be admitted? */
bool weft_stream_admits(const struct weft_stream *stream, const struct weft_stream_leaf *leaf);
struct weft_merkle_head weft_stream_tree(const struct weft_stream *stream);
/* FED-7: state that contradicts itself ends the process. */
void weft_stream_check(const struct weft_stream *stream);

/* --- items: leaves as they travel, with what they are of --------------------------------------
 *
 *     head      1 byte: kind, and 0x80 if the digest follows
 *     digest    32 bytes: of a STATEMENT, where it does not follow from the content
 *     size      varint; content: a projection, or the note of a CONTRACT */

struct weft_stream_item {
    enum weft_stream_leaf_kind kind;
    bool has_digest;
    struct weft_digest digest;
    struct weft_bytes content; /* STATEMENT, CONTRACT; else empty. */
};

/* WEFT_ETOOBIG, WEFT_ENOMEM; `out` is then as before. */
WEFT_MUST_USE enum weft_err weft_stream_item_append(
    struct weft_buffer *out, const struct weft_stream_item *item);
/* Takes the first item off `rest`, from which it borrows. WEFT_EMALFORMED: cut short, no kind, or
 * there is none left; *rest is then unchanged. */
WEFT_MUST_USE enum weft_err weft_stream_item_next(
    struct weft_bytes *rest, struct weft_stream_item *ret_item);

/* --- heads and receipts ----------------------------------------------------------------------- */

/* "<provider>/sent/<agreement>": of heads. */
void weft_stream_origin(struct weft_text provider, struct weft_text agreement,
    char ret_origin[WEFT_STREAM_ORIGIN_SIZE]);
/* "<receiver>/received/<agreement>": of receipts. */
void weft_stream_receipt_origin(struct weft_text receiver, struct weft_text agreement,
    char ret_origin[WEFT_STREAM_ORIGIN_SIZE]);

/* Who may sign heads or receipts, and how many must: different keys, whatever their names. */
struct weft_stream_signers {
    const char *origin;
    const struct weft_verifier *verifiers; /* At most WEFT_STREAM_VERIFIERS_MAX. */
    uint32_t verifier_count;
    uint32_t threshold;
    /* Of each verifier, to how many leaves it counts, UINT64_MAX: it has not ended; NULL: none has.
     * What it signed until then stands; what is dated back by whoever has it now does not. */
    const uint64_t *ends;
};

/* Leave out marks (note.h) of keys that have ended below so many leaves. */
void weft_stream_end_marks(
    const struct weft_stream_signers *signers, uint64_t size, struct weft_note_mark *marks);
/* A signed checkpoint of that origin. MALFORMED, ORIGIN, UNSIGNED. *ret_head is stored if it is
 * SOUND. */
enum weft_stream_fault weft_stream_verify_head(struct weft_text note,
    const struct weft_stream_signers *signers, struct weft_merkle_head *ret_head,
    struct weft_msg *msg);

/* Hashes as messages carry them. WEFT_EMALFORMED: no multiple of 32 bytes; WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_stream_proof_parse(
    struct weft_bytes bytes, struct weft_merkle_proof *ret_proof);
static inline struct weft_bytes weft_stream_proof_bytes(const struct weft_merkle_proof *proof)
{
    return (struct weft_bytes){proof->hashes[0].bytes, proof->count * (size_t)WEFT_DIGEST_SIZE};
}

#endif
