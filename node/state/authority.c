#include "node/state/authority.h"

#include <stdlib.h>

#include "node/state/authority_parts.h"
#include "proto/check.h"

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

/* --- facts of principals --------------------------------------------------------------------- */

static int compare_principals(const struct weft_principal *a, const struct weft_principal *b)
{
    int order = strcmp(a->org, b->org);
    order = order != 0 ? order : strcmp(a->site, b->site);
    order = order != 0 ? order : (int)a->class - (int)b->class;
    return order != 0 ? order : strcmp(a->name, b->name);
}

/* Where the principal stands, or would. */
static uint32_t place_of(
    const struct weft_authority_part *org, const struct weft_principal *principal)
{
    uint32_t low = 0, high = org->fact_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_principals(org->facts[middle].principal, principal) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct weft_authority_facts *facts_of(
    struct weft_authority_part *org, const struct weft_principal *principal)
{
    uint32_t at = place_of(org, principal);
    struct weft_authority_facts *f = &org->facts[at];
    if (at < org->fact_count && weft_principal_equal(f->principal, principal)) {
        return f;
    }
    memmove(f + 1, f, (org->fact_count - at) * sizeof(*f));
    *f = (struct weft_authority_facts){.principal = principal};
    org->fact_count++;
    return f;
}

/* As the language reads a value (lang_term.c): true, false, a whole number, or a text. */
static struct weft_policy_attr attr_of(const struct weft_org_attribute *a)
{
    struct weft_policy_attr attr = {.key = a->name, .type = WEFT_ATTR_TEXT, .text = a->value};
    struct weft_text digits = a->value;
    bool is_negative = digits.size > 1 && digits.data[0] == '-';
    uint64_t number;
    if (is_negative) {
        digits.data++;
        digits.size--;
    }
    if (weft_text_is(a->value, "true") || weft_text_is(a->value, "false")) {
        attr.type = WEFT_ATTR_BOOL;
        attr.number = weft_text_is(a->value, "true");
    } else if (weft_text_number(digits, &number) && number <= INT64_MAX) {
        attr.type = WEFT_ATTR_INT;
        attr.number = is_negative ? -(int64_t)number : (int64_t)number;
    }
    return attr;
}

/* Lists are sorted by principal, so one principal's entries lie side by side: pointers into one
 * array suffice. */
enum weft_err weft_authority_part_index(struct weft_authority_part *part)
{
    const struct weft_org *org = &part->org;
    size_t count = (size_t)org->role_count + org->attribute_count;
    struct weft_policy_role *roles =
        weft_arena_array(&part->arena, org->role_count, sizeof(*roles));
    struct weft_policy_attr *attrs =
        weft_arena_array(&part->arena, org->attribute_count, sizeof(*attrs));
    part->facts = weft_arena_array(&part->arena, count + 1, sizeof(*part->facts));
    if (roles == NULL || attrs == NULL || part->facts == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < org->role_count; i++) {
        struct weft_authority_facts *f = facts_of(part, &org->roles[i].principal);
        roles[i] = (struct weft_policy_role){org->roles[i].role, org->roles[i].asset};
        f->roles = f->role_count == 0 ? &roles[i] : f->roles;
        weft_assert(&f->roles[f->role_count] == &roles[i]); /* NOD-144 */
        f->role_count++;
    }
    for (uint32_t i = 0; i < org->attribute_count; i++) {
        struct weft_authority_facts *f = facts_of(part, &org->attributes[i].principal);
        attrs[i] = attr_of(&org->attributes[i]);
        f->attrs = f->attr_count == 0 ? &attrs[i] : f->attrs;
        weft_assert(&f->attrs[f->attr_count] == &attrs[i]); /* NOD-144 */
        f->attr_count++;
    }
    return WEFT_OK;
}

void weft_authority_subject(const struct weft_authority *authority,
    const struct weft_principal *principal, struct weft_policy_subject *ret_subject)
{
    *ret_subject = (struct weft_policy_subject){.principal = principal};
    const struct weft_authority_part *org = authority->org;
    uint32_t at = org != NULL ? place_of(org, principal) : 0;
    if (org == NULL || at == org->fact_count ||
        !weft_principal_equal(org->facts[at].principal, principal)) {
        return;
    }
    ret_subject->roles = org->facts[at].roles;
    ret_subject->role_count = org->facts[at].role_count;
    ret_subject->attrs = org->facts[at].attrs;
    ret_subject->attr_count = org->facts[at].attr_count;
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
    *ret_authority = a;
    return WEFT_OK;
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
