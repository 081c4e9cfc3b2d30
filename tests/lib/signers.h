/* tests/lib/signers.h: keys that follow from their names, and an organization that they make.
 *
 * oem.example with roots a, b, c (two have to sign), admins ann and bo (one has to), a log, a
 * witness, roles and attributes. Private keys are the digests of their names: for tests alone.
 * What cannot fail here ends the process when it does. */
#ifndef WEFT_TESTS_LIB_SIGNERS_H
#define WEFT_TESTS_LIB_SIGNERS_H

#include "policy/enroll.h"
#include "policy/keyring.h"
#include "policy/note.h"
#include "policy/org.h"

/* 2026-03-01T08:00:00Z in ns since 1970. */
#define SIGNERS_NOW_NS INT64_C(1772352000000000000)
#define SIGNERS_SECOND_NS INT64_C(1000000000)
#define SIGNERS_DAY_NS (24 * 3600 * SIGNERS_SECOND_NS)

/* A key of type Ed25519; of a cosigner if the name has "/wit/" in it. */
struct weft_signer signers_make(const char *name);
/* The same with another seed: somebody's second key. */
struct weft_signer signers_make_other(const char *name);
/* And with any further one. */
struct weft_signer signers_make_salted(const char *name, const char *salt);
struct weft_principal signers_principal(const char *text);

/* A note of the text, signed by all of `names` (NULL at the end). Cosigners sign at time 1. */
struct weft_buffer signers_note(struct weft_text text, const char *const *names);
/* Append the line of one more. */
void signers_add_line(struct weft_buffer *note, const struct weft_signer *signer);
/* Parse, borrowing the buffer. */
struct weft_note signers_parse(const struct weft_buffer *note);

/* Version 1, issued at SIGNERS_NOW_NS, for a year. Points to static memory. */
struct weft_org signers_org(void);
/* As text. */
struct weft_buffer signers_org_text(const struct weft_org *org);
/* Ann, bo and cy (persons), robot (svc), gw1 and w1, enrolled at index 10. */
struct weft_keyring signers_ring(void);

#endif
