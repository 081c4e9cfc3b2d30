/* federation/refusal.h: what was not taken of a stream, and why: weft-refusal/v1.
 *
 *     weft-refusal/v1
 *     agreement box-2026
 *     provider supplier.example/west
 *     receiver oem.example/plant1
 *     refused 17 sha256:<statement> without-authority: supplier.example/west states as ...
 *
 * One line for each statement that went to quarantine, in the order of the stream; a note signed by
 * keys of the receiver. It says nothing of what was taken: receipts do. */
#ifndef WEFT_FEDERATION_REFUSAL_H
#define WEFT_FEDERATION_REFUSAL_H

#include "federation/batch.h"

enum {
    WEFT_REFUSAL_LINES_MAX = 256,   /* in one note; chosen: of 64 KiB */
    WEFT_REFUSAL_REASON_SIZE = 160, /* bytes; what is longer is cut */
};

struct weft_refusal_line {
    uint64_t sequence;
    struct weft_digest statement;
    enum weft_stream_fault fault;
    struct weft_text reason; /* Without the fault's name; may be empty. */
};

struct weft_refusal {
    struct weft_text agreement;
    struct weft_text provider;
    struct weft_text receiver;
    const struct weft_refusal_line *lines;
    uint32_t line_count;
};

/* The lines of a batch's entries at fault, at most WEFT_REFUSAL_LINES_MAX from entry *from on,
 * which becomes that behind the last one looked at. Returns how many. Borrows the batch. */
uint32_t weft_refusal_collect(const struct weft_batch *batch, uint32_t *from,
    struct weft_refusal_line ret_lines[WEFT_REFUSAL_LINES_MAX]);

/* Append the text for signing. WEFT_EINVAL: what would not decode; WEFT_ETOOBIG, WEFT_ENOMEM.
 * `arena` is scratch. */
WEFT_MUST_USE enum weft_err weft_refusal_encode(const struct weft_refusal *refusal,
    struct weft_arena *arena, struct weft_buffer *out, struct weft_msg *msg);
/* The text alone. WEFT_EMALFORMED, WEFT_EINVAL, WEFT_EVERSION, WEFT_ETOOBIG: `msg` names the line.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_refusal_decode(struct weft_text text, struct weft_arena *arena,
    struct weft_refusal *ret_refusal, struct weft_msg *msg);
/* A note of the receiver: as decode; WEFT_EBADSIG, WEFT_EPEER: too few of its keys signed. The
 * signers' origin does not count. */
WEFT_MUST_USE enum weft_err weft_refusal_verify(struct weft_text note,
    const struct weft_stream_signers *signers, struct weft_arena *arena,
    struct weft_refusal *ret_refusal, struct weft_msg *msg);

#endif
