/* policy/subjects.h: what an org document says of each principal, as decisions want it.
 *
 * Roles and attributes by principal, in memory of the caller's arena; values are read as the
 * language reads them: true, false, a whole number, else a text. The attribute `person` says whose
 * a principal is, where one person has several. Pure, and immutable once made. */
#ifndef WEFT_POLICY_SUBJECTS_H
#define WEFT_POLICY_SUBJECTS_H

#include <stdint.h>

#include "policy/decide.h"
#include "policy/org.h"
#include "proto/err.h"

#define WEFT_SUBJECTS_PERSON "person"

/* Borrows the document. */
struct weft_subjects {
    struct weft_policy_subject *list; /* Sorted by principal; those with a role or attribute. */
    uint32_t count;
};

/* WEFT_ENOMEM: the arena's limit, or the process's. */
WEFT_MUST_USE enum weft_err weft_subjects_make(
    const struct weft_org *org, struct weft_arena *arena, struct weft_subjects *ret_subjects);
/* Of somebody of whom nothing is said too: no roles, no attributes. The principal is borrowed. */
void weft_subjects_find(const struct weft_subjects *subjects,
    const struct weft_principal *principal, struct weft_policy_subject *ret_subject);

#endif
