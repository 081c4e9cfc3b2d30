/* ops/weft/agreement_note.h: an agreement on its way between those who sign it: as a file, with
 * what it says, who has signed, and what it changes.
 *
 * A file is the text itself, or a note of it with some of its signatures. Whether it counts is
 * the sites' to decide; what they would refuse is told here before. */
#ifndef WEFT_OPS_AGREEMENT_NOTE_H
#define WEFT_OPS_AGREEMENT_NOTE_H

#include <stdio.h>

#include "federation/contract_change.h"
#include "ops/weft/authority_note.h"
#include "ops/weft/policy_source.h"

/* Zero-initialized is none; owns what it points to. */
struct weft_agreement_note {
    struct weft_authority_note note;
    struct weft_arena arena;
    struct weft_contract contract; /* Borrows note.text. */
    bool is_there;
};

/* Org documents at hand, by which signatures are counted; of each organization at most one. */
struct weft_agreement_orgs {
    struct weft_org_source sources[WEFT_CONTRACT_PARTIES];
    const struct weft_org *orgs[WEFT_CONTRACT_PARTIES];
    uint32_t count;
};

void weft_agreement_note_destroy(struct weft_agreement_note *agreement);
void weft_agreement_orgs_destroy(struct weft_agreement_orgs *orgs);

/* As weft_files_read; WEFT_EINVAL, WEFT_EMALFORMED, WEFT_EVERSION, WEFT_ETOOBIG: `msg` is
 * FILE: line N: reason. */
WEFT_MUST_USE enum weft_err weft_agreement_note_read(
    const char *path, struct weft_agreement_note *agreement, struct weft_msg *msg);
/* The same of what such a file holds. */
WEFT_MUST_USE enum weft_err weft_agreement_note_of(
    struct weft_text text, struct weft_agreement_note *agreement, struct weft_msg *msg);
/* As the site has it: "note" or "offer" (ops/weft/partner_source.h); WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_agreement_note_site(struct weft_client *client, const char *name,
    const char *file, struct weft_agreement_note *agreement, struct weft_msg *msg);
/* The version in force there, if there is one. */
WEFT_MUST_USE enum weft_err weft_agreement_note_site_base(struct weft_client *client,
    const char *name, struct weft_agreement_note *base, struct weft_msg *msg);
/* Of a text, which becomes the note's without signatures. As weft_contract_decode. */
WEFT_MUST_USE enum weft_err weft_agreement_note_take(
    struct weft_text text, struct weft_agreement_note *agreement, struct weft_msg *msg);
/* Each --org FILE. WEFT_EINVAL: two of one organization, or more than two. As
 * weft_org_source_file. */
WEFT_MUST_USE enum weft_err weft_agreement_orgs_read(
    const struct weft_args *args, struct weft_agreement_orgs *orgs, struct weft_msg *msg);

/* How many roots of a party have signed, of how many that it takes; *ret_threshold is 0 if its org
 * document is not at hand. WEFT_EPEER: the agreement pins another document than that.
 * WEFT_EBADSIG, WEFT_ENOMEM: as weft_org_count_roots. */
WEFT_MUST_USE enum weft_err weft_agreement_note_count(const struct weft_agreement_note *agreement,
    const struct weft_agreement_orgs *orgs, uint32_t party, uint32_t *ret_count,
    uint32_t *ret_threshold, struct weft_msg *msg);
/* Can it follow `base` (may be none) now? WEFT_ECONFLICT, WEFT_EREFUSED: as weft_chain_check;
 * WEFT_EPEER: other parties, or another name. */
WEFT_MUST_USE enum weft_err weft_agreement_note_check(const struct weft_agreement_note *agreement,
    const struct weft_agreement_note *base, int64_t now_ns, struct weft_msg *msg);
/* Would the key's signature count for one of the parties? WEFT_EREFUSED: why not. */
WEFT_MUST_USE enum weft_err weft_agreement_note_check_key(
    const struct weft_agreement_note *agreement, const struct weft_agreement_orgs *orgs,
    const struct weft_verifier *verifier, struct weft_msg *msg);

/* What changes against `base`; without one of version 1 what is shared at all. WEFT_ENOMEM,
 * WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_agreement_note_changes(const struct weft_agreement_note *agreement,
    const struct weft_agreement_note *base, struct weft_arena *arena,
    struct weft_contract_differences *ret_differences, struct weft_msg *msg);
/* A line for each. */
void weft_agreement_note_print_changes(
    const struct weft_contract_differences *differences, FILE *out);

#endif
