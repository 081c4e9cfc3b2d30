#include "federation/cells/alias.h"

#include "federation/cells/mutant.h"
#include "proto/check.h"

enum {
    NO_PARTY = -1
};

static int party_of(const struct weft_alias_terms *terms, struct weft_text author)
{
    for (int p = 0; p < WEFT_CELL_PARTIES; p++) {
        if (weft_cell_is_of(author, terms->parties[p])) {
            return p;
        }
    }
    return NO_PARTY;
}

/* Has its author said something else later? */
static bool is_superseded(const struct weft_alias_word *words, uint32_t count, uint32_t i)
{
    for (uint32_t k = 0; k < count; k++) {
        if (weft_text_equal(words[k].author, words[i].author) &&
            weft_cell_revision_compare(words[k].revision, words[i].revision) > 0) {
            return true;
        }
    }
    return false;
}

enum weft_err weft_alias_judge(const struct weft_alias_terms *terms,
    const struct weft_subject_name *a, const struct weft_subject_name *b,
    const struct weft_alias_word *words, uint32_t count, enum weft_alias_status *ret_status)
{
    bool is_denied = false, is_said[WEFT_CELL_PARTIES] = {false, false};
    if (count > WEFT_ALIAS_WORDS_MAX) {
        return WEFT_ETOOBIG;
    }
    for (uint32_t i = 0; i < count; i++) {
        int party = party_of(terms, words[i].author);
        if (party == NO_PARTY || is_superseded(words, count, i)) {
            continue;
        }
        is_denied = is_denied || words[i].is_denied;
        is_said[party] = is_said[party] || !words[i].is_denied;
    }
    if (is_denied && !weft_cell_mutant(WEFT_CELL_MUTANT_ALIAS_UNDENIED)) {
        *ret_status = WEFT_ALIAS_DENIED; /* FED-116 */
        return WEFT_OK;
    }
    if (!is_said[0] && !is_said[1]) {
        *ret_status = WEFT_ALIAS_NONE;
        return WEFT_OK;
    }
    /* FED-115: each party whose name is meant has said so. */
    int of_a = party_of(terms, a->authority), of_b = party_of(terms, b->authority);
    bool is_joined = terms->is_one_word_enough ||
                     ((of_a == NO_PARTY || is_said[of_a]) && (of_b == NO_PARTY || is_said[of_b]));
    *ret_status = is_joined ? WEFT_ALIAS_JOINED : WEFT_ALIAS_PROPOSED;
    return WEFT_OK;
}

/* --- sets ------------------------------------------------------------------------------------ */

static int compare(const struct weft_digest *a, const struct weft_digest *b)
{
    return memcmp(a->bytes, b->bytes, WEFT_DIGEST_SIZE);
}

static bool has(const struct weft_alias_set *set, const struct weft_digest *subject)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (weft_digest_equal(&set->subjects[i], subject)) {
            return true;
        }
    }
    return false;
}

static void sort(struct weft_alias_set *set)
{
    for (uint32_t i = 1; i < set->count; i++) {
        struct weft_digest one = set->subjects[i];
        uint32_t at = i;
        while (at > 0 && compare(&set->subjects[at - 1], &one) > 0) {
            set->subjects[at] = set->subjects[at - 1];
            at--;
        }
        set->subjects[at] = one;
    }
}

static void be_alone(struct weft_alias_set *set, const struct weft_digest *subject)
{
    set->count = 1;
    set->subjects[0] = *subject;
    set->is_too_large = true;
}

/* Breadth first: subjects[0 .. i) have been asked for their neighbours. */
enum weft_err weft_alias_find(const struct weft_digest *subject, weft_alias_neighbours *neighbours,
    void *ctx, struct weft_alias_set *ret_set)
{
    struct weft_alias_set set = {.count = 1, .subjects = {*subject}};
    struct weft_digest found[WEFT_ALIAS_SET_MAX];
    for (uint32_t i = 0; i < set.count && !set.is_too_large; i++) {
        uint32_t count = 0;
        enum weft_err err = neighbours(ctx, &set.subjects[i], WEFT_ALIAS_SET_MAX, found, &count);
        if (err != WEFT_OK && err != WEFT_ETOOBIG) {
            return err;
        }
        weft_assert(count <= WEFT_ALIAS_SET_MAX); /* FED-117 */
        set.is_too_large = err == WEFT_ETOOBIG;
        for (uint32_t k = 0; k < count && !set.is_too_large; k++) {
            if (has(&set, &found[k])) {
                continue;
            }
            set.is_too_large = set.count == WEFT_ALIAS_SET_MAX; /* FED-117 */
            if (!set.is_too_large) {
                set.subjects[set.count++] = found[k];
            }
        }
    }
    if (set.is_too_large) {
        be_alone(&set, subject);
    }
    sort(&set);
    *ret_set = set;
    return WEFT_OK;
}

enum weft_err weft_alias_resolve(const struct weft_digest *target,
    weft_alias_neighbours *neighbours, weft_alias_is_known *is_known, void *ctx,
    bool *ret_is_resolved, struct weft_digest *ret_subject)
{
    struct weft_alias_set set;
    enum weft_err err = weft_alias_find(target, neighbours, ctx, &set);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_is_resolved = false;
    for (uint32_t i = 0; i < set.count && !*ret_is_resolved; i++) {
        if (is_known(ctx, &set.subjects[i])) {
            *ret_is_resolved = true;
            *ret_subject = set.subjects[i];
        }
    }
    return WEFT_OK;
}
