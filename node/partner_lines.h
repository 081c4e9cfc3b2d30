/* node/partner_lines.h: signature lines of nodes under one text, until as many have signed it as
 * the contract wants.
 *
 * Pure. A line counts if it is by one of the keys that partners were told, once for each key
 * (policy/note.h). What comes out verifies as partners verify it. */
#ifndef WEFT_NODE_PARTNER_LINES_H
#define WEFT_NODE_PARTNER_LINES_H

#include "federation/stream.h"
#include "policy/note.h"
#include "proto/limits.h"

struct weft_partner_line {
    uint32_t key; /* Which of the verifiers. */
    char text[WEFT_AUDIT_LINE_SIZE_MAX + 1];
};

/* Embed by value; zero-initialized has nothing to be signed. */
struct weft_partner_lines {
    struct weft_buffer text;   /* That is signed; empty: none. */
    struct weft_digest digest; /* Of the text. */
    uint32_t count;
    struct weft_partner_line lines[WEFT_MEMBERS_MAX];
    struct weft_buffer note; /* Once enough have signed; else empty. */
};

void weft_partner_lines_destroy(struct weft_partner_lines *lines);
/* Begin anew with a copy of `text`. WEFT_ENOMEM, WEFT_ETOOBIG: there is then no text. */
WEFT_MUST_USE enum weft_err weft_partner_lines_begin(
    struct weft_partner_lines *lines, struct weft_text text);
/* One more. WEFT_ESTATE: no text, or it has a note; WEFT_EPEER: by no key of the signers';
 * WEFT_EBADSIG, WEFT_EMALFORMED: it is no signature of the text. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_partner_lines_add(struct weft_partner_lines *lines,
    const struct weft_stream_signers *signers, struct weft_text line, struct weft_msg *msg);

#endif
