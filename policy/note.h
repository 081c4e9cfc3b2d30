/* policy/note.h: signed notes (C2SP signed-note, tlog-cosignature): text and signature lines.
 *
 * Whatever carries authority here is one. A note is parsed first and believed only after
 * weft_note_verify; what it borrows is the caller's bytes. Pure: a cosignature's time is an
 * argument. Rules: policy/README.md, "Signed notes". */
#ifndef WEFT_POLICY_NOTE_H
#define WEFT_POLICY_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/signer.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_NOTE_SIZE_MAX = 64 * 1024, /* chosen: the largest document of ours, with room */
    WEFT_NOTE_SIGNATURES_MAX = 100, /* as Go's sumdb/note; C2SP demands 16 */
};

/* One line: "— <name> base64(key id || signature)". Of any type: types are known by verifiers. */
struct weft_note_signature {
    struct weft_text name;
    struct weft_text encoded; /* Base64 as it stands, checked. */
    uint32_t key_id;
    uint32_t line; /* In the note, from 1. */
};

/* Borrows the bytes that were parsed. */
struct weft_note {
    struct weft_text text; /* What is signed: all up to the blank line, with its last newline. */
    struct weft_note_signature signatures[WEFT_NOTE_SIGNATURES_MAX];
    uint32_t signature_count;
    /* Signatures made together count (together.h); NULL, behind a parse: they do not. Borrowed. */
    struct weft_together *together;
};

/* What became of one verifier. */
struct weft_note_mark {
    bool is_signed;  /* Its signature is there and verifies. */
    uint64_t time_s; /* Cosignature: when it was made, s since 1970. Else 0. */
};

/* `msg` names the line. WEFT_EMALFORMED: not a signed note. WEFT_ETOOBIG: over a limit. */
WEFT_MUST_USE enum weft_err weft_note_parse(
    struct weft_text bytes, struct weft_note *ret_note, struct weft_msg *msg);
/* The same of signature lines alone, as witnesses answer with: at least one; text is empty. */
WEFT_MUST_USE enum weft_err weft_note_parse_lines(
    struct weft_text lines, struct weft_note *ret_note, struct weft_msg *msg);

/* Every signature of a known key has to verify; of unknown ones nothing is said.
 * ret_marks has one mark for each verifier.
 * WEFT_EPEER: none of the verifiers signed. WEFT_EBADSIG: a known key's signature does not verify,
 * or is there twice. WEFT_EINVAL: two different verifiers of one name and key id. In all these
 * cases no mark says is_signed. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_note_verify(const struct weft_note *note,
    const struct weft_verifier *verifiers, uint32_t verifier_count,
    struct weft_note_mark *ret_marks, struct weft_msg *msg);

/* A text that can be signed: not empty, UTF-8, no control characters but newlines, the last
 * character a newline, small enough for a note. WEFT_EMALFORMED with the line, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_note_check_text(struct weft_text text, struct weft_msg *msg);

/* Append the signature line of `signer` for `text` to `out`. time_s (s since 1970, at most
 * 2^63 - 1) counts for cosignatures alone. As check_text; WEFT_EINVAL: the time; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_note_sign_line(struct weft_text text,
    const struct weft_signer *signer, uint64_t time_s, struct weft_buffer *out,
    struct weft_msg *msg);
/* Append a whole note: text, blank line, and a line for each signer, none of them a cosigner's.
 * On failure `out` is as before. As sign_line; WEFT_EINVAL: no signer, or too many. */
WEFT_MUST_USE enum weft_err weft_note_sign(struct weft_text text, const struct weft_signer *signers,
    uint32_t signer_count, struct weft_buffer *out, struct weft_msg *msg);
/* Append a whole note from a text and signature lines that others made.
 * WEFT_EMALFORMED, WEFT_ETOOBIG: the result would not parse; `out` is as before. */
WEFT_MUST_USE enum weft_err weft_note_join(
    struct weft_text text, struct weft_text lines, struct weft_buffer *out, struct weft_msg *msg);

#endif
