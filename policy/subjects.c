#include "policy/subjects.h"

#include "proto/check.h"

static int compare_principals(const struct weft_principal *a, const struct weft_principal *b)
{
    int order = strcmp(a->org, b->org);
    order = order != 0 ? order : strcmp(a->site, b->site);
    order = order != 0 ? order : (int)a->class - (int)b->class;
    return order != 0 ? order : strcmp(a->name, b->name);
}

/* Where the principal stands, or would. */
static uint32_t place_of(const struct weft_subjects *s, const struct weft_principal *principal)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_principals(s->list[middle].principal, principal) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct weft_policy_subject *take(
    struct weft_subjects *s, const struct weft_principal *principal)
{
    uint32_t at = place_of(s, principal);
    struct weft_policy_subject *f = &s->list[at];
    if (at < s->count && weft_principal_equal(f->principal, principal)) {
        return f;
    }
    memmove(f + 1, f, (s->count - at) * sizeof(*f));
    *f = (struct weft_policy_subject){.principal = principal};
    s->count++;
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

/* Of several principals of one person each says `person NAME`, and where NAME is itself one of
 * theirs, it need not: one that is forgotten there would make two of him. */
static enum weft_err take_person(struct weft_subjects *s, const struct weft_org_attribute *a,
    struct weft_arena *arena, struct weft_policy_subject *f)
{
    if (!weft_text_is(a->name, WEFT_SUBJECTS_PERSON)) {
        return WEFT_OK;
    }
    f->person = a->value;
    if (!weft_principal_is_part(a->value)) {
        return WEFT_OK;
    }
    struct weft_principal *named = weft_arena_array(arena, 1, sizeof(*named));
    if (named == NULL) {
        return WEFT_ENOMEM;
    }
    *named = a->principal;
    memset(named->name, 0, sizeof(named->name));
    memcpy(named->name, a->value.data, a->value.size);
    struct weft_policy_subject *also = take(s, named); /* `f` may have moved. */
    also->person = also->person.size == 0 ? a->value : also->person;
    return WEFT_OK;
}

/* Lists are sorted by principal, so one principal's entries lie side by side: pointers into one
 * array suffice. */
enum weft_err weft_subjects_make(
    const struct weft_org *org, struct weft_arena *arena, struct weft_subjects *ret_subjects)
{
    struct weft_subjects s = {NULL, 0};
    size_t count = (size_t)org->role_count + 2 * (size_t)org->attribute_count;
    struct weft_policy_role *roles = weft_arena_array(arena, org->role_count, sizeof(*roles));
    struct weft_policy_attr *attrs = weft_arena_array(arena, org->attribute_count, sizeof(*attrs));
    s.list = weft_arena_array(arena, count + 1, sizeof(*s.list));
    if (roles == NULL || attrs == NULL || s.list == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < org->role_count; i++) {
        struct weft_policy_subject *f = take(&s, &org->roles[i].principal);
        roles[i] = (struct weft_policy_role){org->roles[i].role, org->roles[i].asset};
        f->roles = f->role_count == 0 ? &roles[i] : f->roles;
        weft_assert(&f->roles[f->role_count] == &roles[i]); /* POL-28 */
        f->role_count++;
    }
    for (uint32_t i = 0; i < org->attribute_count; i++) {
        struct weft_policy_subject *f = take(&s, &org->attributes[i].principal);
        attrs[i] = attr_of(&org->attributes[i]);
        f->attrs = f->attr_count == 0 ? &attrs[i] : f->attrs;
        weft_assert(&f->attrs[f->attr_count] == &attrs[i]); /* POL-28 */
        f->attr_count++;
        if (take_person(&s, &org->attributes[i], arena, f) != WEFT_OK) {
            return WEFT_ENOMEM;
        }
    }
    *ret_subjects = s;
    return WEFT_OK;
}

void weft_subjects_find(const struct weft_subjects *s, const struct weft_principal *principal,
    struct weft_policy_subject *ret_subject)
{
    uint32_t at = place_of(s, principal);
    *ret_subject = (struct weft_policy_subject){.principal = principal};
    if (at < s->count && weft_principal_equal(s->list[at].principal, principal)) {
        *ret_subject = s->list[at];
        ret_subject->principal = principal;
    }
}
