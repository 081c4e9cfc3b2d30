/* policy/witness.h: cosigning the logs of others: C2SP tlog-witness, add-checkpoint.
 *
 * A request brings a checkpoint and the proof that it continues the last one that was cosigned.
 * Deciding changes nothing; the answer is recorded by comparing and swapping, so that two
 * requests at once cannot roll a log back, wherever the record lives. Pure: who listens, stores
 * and cosigns (signer type 0x04) is the caller. */
#ifndef WEFT_POLICY_WITNESS_H
#define WEFT_POLICY_WITNESS_H

#include "policy/checkpoint_note.h"
#include "policy/merkle_proof.h"
#include "policy/note.h"

enum {
    WEFT_WITNESS_HASHES_MAX = 63, /* specified: add-checkpoint */
    /* "old ", a size, 63 lines and an empty one, and a note; chosen, rounded up. */
    WEFT_WITNESS_REQUEST_SIZE_MAX = WEFT_NOTE_SIZE_MAX + 4096,
    WEFT_WITNESS_VERIFIERS_MAX = 32, /* keys of one log; chosen: 7 nodes, each with its next */
};

/* Borrows. */
struct weft_witness_request {
    uint64_t old_size;
    struct weft_merkle_proof proof; /* At most WEFT_WITNESS_HASHES_MAX. */
    struct weft_text checkpoint;    /* The signed note. */
};

/* Append the body of a request. WEFT_ENOMEM, WEFT_ETOOBIG (the proof, the buffer); `out` is then
 * as before. */
WEFT_MUST_USE enum weft_err weft_witness_request_encode(
    const struct weft_witness_request *request, struct weft_buffer *out);
/* The body alone; the note in it is not looked at. WEFT_EMALFORMED, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_witness_request_parse(
    struct weft_text body, struct weft_witness_request *ret_request, struct weft_msg *msg);

/* A log that a witness knows. */
struct weft_witness_log {
    struct weft_text origin;
    const struct weft_verifier *verifiers; /* At most WEFT_WITNESS_VERIFIERS_MAX. */
    uint32_t verifier_count;
    struct weft_merkle_head last; /* Cosigned; size 0: never. */
};

/* HTTP's codes, as the standard gives them. */
enum weft_witness_outcome {
    WEFT_WITNESS_COSIGN = 200,
    WEFT_WITNESS_MALFORMED = 400,
    WEFT_WITNESS_FORBIDDEN = 403,     /* No, or a wrong, signature of the log. */
    WEFT_WITNESS_UNKNOWN = 404,       /* No such log here. */
    WEFT_WITNESS_CONFLICT = 409,      /* The old size is not the last one: answer last.size. */
    WEFT_WITNESS_UNPROCESSABLE = 422, /* The proof. */
};

struct weft_witness_decision {
    enum weft_witness_outcome outcome;
    uint32_t log; /* Which one. Of UNKNOWN, MALFORMED: of no meaning. */
    /* The checkpoint is signed by the log and contradicts the last one that was cosigned: keep
     * both notes, they prove it. */
    bool is_split;
    /* COSIGN: the log's record is to become `next` if it still is `last`. CONFLICT: `last`. */
    struct weft_merkle_head last, next;
    struct weft_text text; /* COSIGN: what is cosigned; borrows the request. */
};

/* `msg` says why not, for people. */
void weft_witness_decide(struct weft_text body, const struct weft_witness_log *logs,
    uint32_t log_count, struct weft_witness_decision *ret_decision, struct weft_msg *msg);
/* POL-47: the record of a COSIGN. To be durable before the cosignature leaves.
 * WEFT_ECONFLICT: another one came first; nothing changed, and the answer is 409. */
WEFT_MUST_USE enum weft_err weft_witness_record(
    struct weft_merkle_head *record, const struct weft_witness_decision *decision);

#endif
