#include "federation/cells/cell_authority.h"

#include "federation/cells/mutant.h"
#include "proto/check.h"

static bool is_same(const struct weft_handoff *a, const struct weft_handoff *b)
{
    return a->epoch == b->epoch && weft_cell_revision_compare(a->until, b->until) == 0 &&
           weft_text_equal(a->from, b->from) && weft_text_equal(a->to, b->to) &&
           weft_text_equal(a->kind, b->kind) && weft_text_equal(a->group, b->group);
}

/* FED-111: has the new holder stated it too? *ret_since: where, the first time. */
static bool is_cosigned(const struct weft_handoff *handoff,
    const struct weft_handoff_statement *statements, uint32_t count,
    struct weft_cell_revision *ret_since)
{
    bool is_found = false;
    *ret_since = (struct weft_cell_revision){0, 0, 0};
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_handoff_statement *s = &statements[i];
        if (weft_text_equal(s->author, handoff->to) && is_same(&s->handoff, handoff) &&
            (!is_found || weft_cell_revision_compare(s->revision, *ret_since) < 0)) {
            *ret_since = s->revision;
            is_found = true;
        }
    }
    return is_found || weft_cell_mutant(WEFT_CELL_MUTANT_HANDED_ALONE);
}

/* Those by which a term may end: one of each content, by the holder's first statement of it. */
struct ends {
    uint32_t count;
    const struct weft_handoff_statement *first; /* By digest. */
    const struct weft_handoff_statement *second;
    struct weft_cell_revision until; /* The earliest. */
    struct weft_cell_revision since; /* Of the next term, if it is one. */
};

/* FED-133: of what both have signed alone. */
static void add_end(struct ends *ends, const struct weft_handoff_statement *s)
{
    const struct weft_cell_revision until = s->handoff.until;
    if (ends->count == 0 || weft_cell_revision_compare(until, ends->until) < 0) {
        ends->until = until;
    }
    ends->count++;
    if (ends->first == NULL ||
        memcmp(s->digest.bytes, ends->first->digest.bytes, WEFT_DIGEST_SIZE) < 0) {
        ends->second = ends->first;
        ends->first = s;
    } else if (ends->second == NULL ||
               memcmp(s->digest.bytes, ends->second->digest.bytes, WEFT_DIGEST_SIZE) < 0) {
        ends->second = s;
    }
}

/* Was the same stated by the same side before? Of one revision the lower digest is the first. */
static bool is_before(
    const struct weft_handoff_statement *a, const struct weft_handoff_statement *b)
{
    int order = weft_cell_revision_compare(a->revision, b->revision);
    order = order != 0 ? order : memcmp(a->digest.bytes, b->digest.bytes, WEFT_DIGEST_SIZE);
    return order < 0;
}

static bool is_repeated(const struct weft_handoff_statement *s,
    const struct weft_handoff_statement *statements, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (weft_text_equal(statements[i].author, s->author) && is_before(&statements[i], s) &&
            is_same(&statements[i].handoff, &s->handoff)) {
            return true;
        }
    }
    return false;
}

static struct ends find_ends(struct weft_text kind, struct weft_text group,
    const struct weft_cell_authority_term *term, const struct weft_handoff_statement *statements,
    uint32_t count)
{
    struct ends ends = {.count = 0};
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_handoff_statement *s = &statements[i];
        const struct weft_handoff *h = &s->handoff;
        struct weft_cell_revision since;
        if (h->epoch == term->number + 1 && weft_text_equal(h->from, term->holder) &&
            weft_text_equal(s->author, h->from) && !weft_text_equal(h->from, h->to) &&
            weft_text_equal(h->kind, kind) && weft_text_equal(h->group, group) &&
            is_cosigned(h, statements, count, &since) && !is_repeated(s, statements, count)) {
            /* A statement that came twice is one: the caller may have it in two copies. */
            if (ends.first == NULL || !weft_digest_equal(&ends.first->digest, &s->digest)) {
                add_end(&ends, s);
                ends.since = since;
            }
        }
    }
    return ends;
}

enum weft_err weft_cell_authority_fold(struct weft_text kind, struct weft_text group,
    struct weft_text holder, uint64_t number, const struct weft_handoff_statement *statements,
    uint32_t count, struct weft_cell_authority *ret_authority)
{
    struct weft_cell_authority authority = {.count = 1};
    if (count > WEFT_CELL_AUTHORITY_HANDOFFS_MAX) {
        return WEFT_ETOOBIG;
    }
    authority.terms[0] = (struct weft_cell_authority_term){.holder = holder, .number = number};
    while (!authority.is_forked) {
        struct weft_cell_authority_term *last = &authority.terms[authority.count - 1];
        struct ends ends = find_ends(kind, group, last, statements, count);
        if (ends.count == 0) {
            break;
        }
        last->has_end = true;
        last->until = ends.until;
        if (ends.count > 1) {
            authority.is_forked = true; /* FED-112 */
            authority.fork[0] = ends.first->digest;
            authority.fork[1] = ends.second->digest;
            break;
        }
        if (authority.count == WEFT_CELL_AUTHORITY_TERMS_MAX) {
            return WEFT_ETOOBIG;
        }
        authority.terms[authority.count++] =
            (struct weft_cell_authority_term){.holder = ends.first->handoff.to,
                .number = ends.first->handoff.epoch,
                .since = ends.since};
    }
    weft_assert(authority.count > 0); /* FED-110 */
    *ret_authority = authority;
    return WEFT_OK;
}

enum weft_cell_authority_standing weft_cell_authority_standing(
    const struct weft_cell_authority *authority, struct weft_text author,
    struct weft_cell_revision revision, uint32_t *ret_term)
{
    bool is_behind = false;
    for (uint32_t i = authority->count; i-- > 0;) {
        const struct weft_cell_authority_term *term = &authority->terms[i];
        if (!weft_text_equal(term->holder, author) ||
            weft_cell_revision_compare(revision, term->since) <= 0) {
            continue;
        }
        if (!term->has_end || weft_cell_revision_compare(revision, term->until) <= 0 ||
            weft_cell_mutant(WEFT_CELL_MUTANT_NOT_FENCED)) {
            *ret_term = i;
            return WEFT_CELL_AUTHORITY_HOLDS;
        }
        is_behind = true;
    }
    /* Of no terms the agreement gives it to neither. */
    return is_behind ? WEFT_CELL_AUTHORITY_FENCED : WEFT_CELL_AUTHORITY_NONE;
}
