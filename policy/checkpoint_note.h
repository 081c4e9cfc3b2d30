/* policy/checkpoint_note.h: the text of a checkpoint of a log: C2SP tlog-checkpoint.
 *
 * Three lines, origin, size and root, that are signed as a note (note.h). Not to be confused with
 * proto/checkpoint.h, the files that a node's state is kept in. Here too: when a log may sign one,
 * and when two of them prove that it lied. */
#ifndef WEFT_POLICY_CHECKPOINT_NOTE_H
#define WEFT_POLICY_CHECKPOINT_NOTE_H

#include <stdbool.h>

#include "policy/merkle.h"

enum {
    WEFT_ORIGIN_SIZE_MAX = 255, /* bytes; chosen: it is a key's name too (signer.h) */
};

/* Borrows the text that was parsed. */
struct weft_checkpoint_note {
    struct weft_text origin; /* "oem.example/plant1/audit" */
    struct weft_merkle_head head;
    struct weft_text
        extension; /* Further lines, each with its newline; nobody of ours makes any. */
};

/* The text of a note, with its last newline and without signatures.
 *
 * WEFT_EMALFORMED: not as the standard has it, `msg` names the line. WEFT_ETOOBIG: an origin over
 * WEFT_ORIGIN_SIZE_MAX, a tree over WEFT_MERKLE_SIZE_MAX. */
WEFT_MUST_USE enum weft_err weft_checkpoint_note_parse(
    struct weft_text text, struct weft_checkpoint_note *ret_checkpoint, struct weft_msg *msg);
/* Append the text. WEFT_EINVAL: an origin or extension that would not parse; WEFT_ENOMEM,
 * WEFT_ETOOBIG. On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_checkpoint_note_encode(
    const struct weft_checkpoint_note *checkpoint, struct weft_buffer *out, struct weft_msg *msg);

/* POL-46: may a log that signed `last` sign `next`? `own_root` is the root that its present tree
 * has at last->size; it is not looked at when next is the smaller one.
 *
 * WEFT_ESTATE: next is smaller: the state is older than what was signed (a restored backup); it
 * may sign when it has caught up. WEFT_ECONFLICT: it is another tree; it must never sign it. */
WEFT_MUST_USE enum weft_err weft_checkpoint_note_may_sign(const struct weft_merkle_head *last,
    const struct weft_digest *own_root, const struct weft_merkle_head *next, struct weft_msg *msg);

/* Two checkpoints of one origin that no log can have: the same size, two roots. Both notes, with
 * their signatures, prove it to anybody. */
bool weft_checkpoint_note_is_split(
    const struct weft_checkpoint_note *a, const struct weft_checkpoint_note *b);

#endif
