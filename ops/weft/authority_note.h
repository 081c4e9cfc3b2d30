/* ops/weft/authority_note.h: a note that changes what governs a site, on its way there: its text,
 * the signature lines that were gathered, the file in which it travels between those who sign, and
 * the commit that brings it. */
#ifndef WEFT_OPS_AUTHORITY_NOTE_H
#define WEFT_OPS_AUTHORITY_NOTE_H

#include <stdint.h>

#include "ops/weft/client.h"
#include "policy/note.h"
#include "policy/signer.h"

/* Zero-initialized is empty; owns its memory. */
struct weft_authority_note {
    struct weft_buffer text;
    struct weft_buffer lines;
    struct weft_buffer joined; /* By weft_authority_note_join. */
};

void weft_authority_note_destroy(struct weft_authority_note *note);

/* Append the signer's line, dated now; once it is there, nothing. As weft_note_sign_line. */
WEFT_MUST_USE enum weft_err weft_authority_note_sign(
    struct weft_authority_note *note, const struct weft_signer *signer, struct weft_msg *msg);

/* Text and lines of a file, into an empty one. As weft_files_read and weft_note_parse. */
WEFT_MUST_USE enum weft_err weft_authority_note_read(
    const char *path, struct weft_authority_note *note, struct weft_msg *msg);
/* Into a new file. WEFT_ESTATE: it is there. As join and weft_files_write. */
WEFT_MUST_USE enum weft_err weft_authority_note_write(
    const char *path, struct weft_authority_note *note, struct weft_msg *msg);

/* What is there so far, parsed; borrowed until the note changes. WEFT_EINVAL: nobody has signed.
 * As weft_note_join. */
WEFT_MUST_USE enum weft_err weft_authority_note_join(
    struct weft_authority_note *note, struct weft_note *ret_note, struct weft_msg *msg);

/* As a record of `kind`, alone in its commit; with `expect_rev` on that revision of the
 * asset, NULL: on any. As weft_client_call; WEFT_EIO: no random. */
WEFT_MUST_USE enum weft_err weft_authority_note_commit_as(struct weft_client *client,
    const char *kind, const char *asset, struct weft_text note, const uint64_t *expect_rev,
    uint64_t *ret_index, struct weft_msg *msg);
/* The same of kind `authority`. */
WEFT_MUST_USE enum weft_err weft_authority_note_commit(struct weft_client *client,
    const char *asset, struct weft_text note, const uint64_t *expect_rev, uint64_t *ret_index,
    struct weft_msg *msg);

#endif
