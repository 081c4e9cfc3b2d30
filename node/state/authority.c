#include "node/state/authority.h"

#include <stdlib.h>

#include "node/state/authority_parts.h"

/* --- parts ----------------------------------------------------------------------------------- */

struct weft_authority_part *weft_authority_part_create(size_t memory_max)
{
    struct weft_authority_part *part = calloc(1, sizeof(*part));
    if (part != NULL) {
        atomic_init(&part->holders, 1);
        part->arena.size_max = memory_max;
    }
    return part;
}

static struct weft_authority_part *retain_part(struct weft_authority_part *part)
{
    if (part != NULL) {
        (void)atomic_fetch_add_explicit(&part->holders, 1, memory_order_relaxed);
    }
    return part;
}

void weft_authority_part_release(struct weft_authority_part *part)
{
    if (part == NULL || atomic_fetch_sub_explicit(&part->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    weft_keyring_destroy(&part->ring);
    weft_arena_destroy(&part->arena);
    free(part);
}

/* --- the authority --------------------------------------------------------------------------- */

enum weft_err weft_authority_create(struct weft_authority **ret_authority)
{
    struct weft_authority *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return WEFT_ENOMEM;
    }
    atomic_init(&a->holders, 1);
    *ret_authority = a;
    return WEFT_OK;
}

enum weft_err weft_authority_follow(
    const struct weft_authority *before, uint64_t index, struct weft_authority **ret_authority)
{
    struct weft_authority *a;
    if (weft_authority_create(&a) != WEFT_OK) {
        return WEFT_ENOMEM;
    }
    a->index = index;
    a->org = retain_part(before->org);
    a->policy = retain_part(before->policy);
    a->ring = retain_part(before->ring);
    a->labels = weft_labels_retain(before->labels);
    *ret_authority = a;
    return WEFT_OK;
}

enum weft_err weft_authority_relabel(const struct weft_authority *before, uint64_t index,
    struct weft_labels *labels, struct weft_authority **ret_authority)
{
    enum weft_err err = weft_authority_follow(before, index, ret_authority);
    if (err == WEFT_OK) {
        weft_labels_release((*ret_authority)->labels);
        (*ret_authority)->labels = weft_labels_retain(labels);
    }
    return err;
}

struct weft_authority *weft_authority_retain(struct weft_authority *authority)
{
    if (authority != NULL) {
        (void)atomic_fetch_add_explicit(&authority->holders, 1, memory_order_relaxed);
    }
    return authority;
}

void weft_authority_release(struct weft_authority *a)
{
    if (a == NULL || atomic_fetch_sub_explicit(&a->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    weft_authority_part_release(a->org);
    weft_authority_part_release(a->policy);
    weft_authority_part_release(a->ring);
    weft_labels_release(a->labels);
    free(a);
}

uint64_t weft_authority_index(const struct weft_authority *authority)
{
    return authority->index;
}

const struct weft_org *weft_authority_org(const struct weft_authority *authority)
{
    return authority->org != NULL ? &authority->org->org : NULL;
}

const struct weft_policy *weft_authority_policy(const struct weft_authority *authority)
{
    return authority->policy != NULL ? authority->policy->policy : NULL;
}

const struct weft_keyring *weft_authority_keyring(const struct weft_authority *authority)
{
    static const struct weft_keyring empty = {NULL, 0, 0};
    return authority->ring != NULL ? &authority->ring->ring : &empty;
}

const struct weft_chain_link *weft_authority_revoked(const struct weft_authority *authority)
{
    bool has_revoked = authority->ring != NULL && authority->ring->has_revoked;
    return has_revoked ? &authority->ring->revoked : NULL;
}

const struct weft_subjects *weft_authority_subjects(const struct weft_authority *authority)
{
    static const struct weft_subjects none = {NULL, 0};
    return authority->org != NULL ? &authority->org->subjects : &none;
}

void weft_authority_subject(const struct weft_authority *authority,
    const struct weft_principal *principal, struct weft_policy_subject *ret_subject)
{
    weft_subjects_find(weft_authority_subjects(authority), principal, ret_subject);
}

const struct weft_labels *weft_authority_labels(const struct weft_authority *authority)
{
    return authority->labels;
}

void weft_authority_ask_of(const struct weft_authority *authority, struct weft_text asset,
    struct weft_text names[WEFT_LABELS_MAX], struct weft_policy_request *request)
{
    const struct weft_labels *labels = authority->labels;
    request->asset = (struct weft_policy_fact){WEFT_FACT_GIVEN, asset};
    request->labels_presence = WEFT_FACT_GIVEN;
    request->labels = names;
    request->label_count = weft_labels_names(labels, weft_labels_of(labels, asset), names);
}

void weft_authority_ask_of_any(
    const struct weft_authority *authority, struct weft_policy_request *request)
{
    request->asset = (struct weft_policy_fact){WEFT_FACT_UNKNOWN, {NULL, 0}};
    request->labels_presence =
        weft_labels_count(authority->labels) == 0 ? WEFT_FACT_GIVEN : WEFT_FACT_UNKNOWN;
    request->label_count = 0;
}
