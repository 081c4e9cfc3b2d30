/* ops/weft/agreement_draft.h: an agreement as a person writes it: the lines of
 * federation/contract.h in any order, without those that follow from others.
 *
 * Blank lines, indentation and lines that begin with "#" count not. Left out may be: the head
 * (header line, name, version, prev, issued, expires, which are passed over anyway), the digest
 * of a party whose org document is at hand, and of each provider what it has a default for. What is
 * refused is named by the line where it was written. Pure but for memory. */
#ifndef WEFT_OPS_AGREEMENT_DRAFT_H
#define WEFT_OPS_AGREEMENT_DRAFT_H

#include <stdint.h>

#include "federation/contract.h"

enum {
    WEFT_AGREEMENT_DRAFT_LINES_MAX = 8192, /* chosen: a note has 64 KiB, of 8 bytes and more */
};

struct weft_agreement_line {
    struct weft_text site; /* Of the provider's block that it is in; empty: common. */
    uint32_t key;          /* In a table of agreement_draft.c: the order of the text. */
    struct weft_text rest; /* Behind the key. */
    const char *place;     /* "box.draft", or the option that gave it. */
    uint32_t number;       /* In that file, from 1; 0: of an option. */
};

/* Zero-initialized is empty; borrows all texts. */
struct weft_agreement_draft {
    struct weft_agreement_line *lines;
    uint32_t count;
};

void weft_agreement_draft_destroy(struct weft_agreement_draft *draft);

/* Add the lines of a text. WEFT_EINVAL, WEFT_EMALFORMED: `msg` is PLACE:LINE: reason.
 * WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_agreement_draft_read(struct weft_agreement_draft *draft,
    struct weft_text text, const char *place, struct weft_msg *msg);
/* One line, "SITE: LINE" in a provider's block, in the place of the one that says the same of
 * something else ("SITE: depth 3", "cell inspection JOIN verdict"). As read. */
WEFT_MUST_USE enum weft_err weft_agreement_draft_set(
    struct weft_agreement_draft *draft, const char *line, struct weft_msg *msg);
/* Take such a line out, as it stands. WEFT_ENOTFOUND: there is none. As read. */
WEFT_MUST_USE enum weft_err weft_agreement_draft_unset(
    struct weft_agreement_draft *draft, const char *line, struct weft_msg *msg);

/* The text, under that name and link (digest counts not), with each party pinned to the org
 * document of its organization among `orgs`, if there is one. What comes out decodes.
 * WEFT_EINVAL, WEFT_EMALFORMED: PLACE:LINE: reason. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_agreement_draft_write(struct weft_agreement_draft *draft,
    struct weft_text name, const struct weft_chain_link *link, const struct weft_org *const *orgs,
    uint32_t org_count, struct weft_buffer *out, struct weft_msg *msg);

#endif
