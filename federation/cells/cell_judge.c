#include "federation/cells/cell_find.h"
#include "federation/cells/dispute.h"
#include "federation/cells/mutant.h"
#include "proto/check.h"
#include "proto/order.h"

enum {
    NO_PARTY = 2,
    NONE = UINT16_MAX, /* No statement. */
};

_Static_assert((int)WEFT_CELL_AUTHORITY_TERMS_MAX <= (int)UINT8_MAX, "terms are told by 8 bits");

_Static_assert((int)WEFT_CELL_STATEMENTS_MAX < (int)NONE, "statements are told by 16 bits");

struct judge {
    const struct weft_cell_terms *terms;
    const struct weft_cell_set *set;
    uint16_t *claims;
    uint8_t *parties;    /* Of each author: 0, 1, NO_PARTY. */
    uint8_t *terms_of;   /* OWNER: in which term of authority each was stated, if it counts. */
    uint16_t *by_place;  /* By author and revision. */
    uint16_t *by_saying; /* By act, value and names: who says the same stands together. */
    struct weft_cell_answer *answer;
};

static bool has(const struct judge *j, uint32_t i, uint16_t flags)
{
    return (j->claims[i] & flags) == flags;
}

/* Does none of these hold? */
static bool lacks(const struct judge *j, uint32_t i, uint16_t flags)
{
    return (j->claims[i] & flags) == 0;
}

/* --- two orders ------------------------------------------------------------------------------ */

static int compare_places(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_cell_statement *s = context;
    int order = weft_text_compare(s[a].author, s[b].author);
    return order != 0 ? order : weft_cell_revision_compare(s[a].revision, s[b].revision);
}

static int compare_sayings(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_cell_statement *x = (const struct weft_cell_statement *)context + a;
    const struct weft_cell_statement *y = (const struct weft_cell_statement *)context + b;
    if (x->act != y->act) {
        return x->act < y->act ? -1 : 1;
    }
    if (x->is_withheld != y->is_withheld) {
        return x->is_withheld ? 1 : -1;
    }
    int order = weft_text_compare(x->value, y->value);
    if (order == 0 && x->name_count != y->name_count) {
        order = x->name_count < y->name_count ? -1 : 1;
    }
    if (order == 0 && x->name_count > 0) {
        order = memcmp(x->names, y->names, (size_t)x->name_count * sizeof(*x->names));
    }
    return order;
}

static enum weft_err begin(struct judge *j, struct weft_arena *arena)
{
    uint32_t count = j->set->count;
    j->claims = weft_arena_array(arena, count, sizeof(*j->claims));
    j->parties = weft_arena_array(arena, count, sizeof(*j->parties));
    j->terms_of = weft_arena_array(arena, count, sizeof(*j->terms_of));
    uint16_t *order = weft_arena_array(arena, 3 * (size_t)count, sizeof(*order));
    if (j->claims == NULL || j->parties == NULL || j->terms_of == NULL || order == NULL) {
        return WEFT_ENOMEM;
    }
    j->by_place = order;
    j->by_saying = order + count;
    uint16_t *scratch = order + 2 * (size_t)count;
    weft_order_sort(j->by_place, scratch, count, compare_places, j->set->statements);
    weft_order_sort(j->by_saying, scratch, count, compare_sayings, j->set->statements);
    return WEFT_OK;
}

/* --- how statements stand, whatever the rule ------------------------------------------------- */

static void mark_authors(struct judge *j)
{
    const struct weft_cell_terms *terms = j->terms;
    for (uint32_t i = 0; i < j->set->count; i++) {
        const struct weft_cell_statement *s = &j->set->statements[i];
        uint32_t term = 0;
        j->parties[i] = (uint8_t)(weft_cell_is_of(s->author, terms->parties[0])   ? 0
                                  : weft_cell_is_of(s->author, terms->parties[1]) ? 1
                                                                                  : NO_PARTY);
        if (j->parties[i] == NO_PARTY) {
            j->claims[i] |= WEFT_CLAIM_FOREIGN;
        }
        if (terms->rule != WEFT_CELL_OWNER || s->act != WEFT_CELL_SAY) {
            j->claims[i] |= j->parties[i] != NO_PARTY ? WEFT_CLAIM_COUNTS : 0;
            continue;
        }
        switch (weft_cell_authority_standing(terms->authority, s->author, s->revision, &term)) {
        case WEFT_CELL_AUTHORITY_HOLDS:
            j->claims[i] |= WEFT_CLAIM_COUNTS;
            j->terms_of[i] = (uint8_t)term;
            break;
        case WEFT_CELL_AUTHORITY_FENCED:
            j->claims[i] |= WEFT_CLAIM_FENCED;
            break;
        case WEFT_CELL_AUTHORITY_NONE:
            break;
        }
    }
}

/* FED-106: two digests for one revision under one authority. */
static void mark_equivocal(struct judge *j)
{
    const struct weft_cell_statement *s = j->set->statements;
    for (uint32_t i = 1; i < j->set->count; i++) {
        uint16_t a = j->by_place[i - 1], b = j->by_place[i];
        if (compare_places(s, a, b) == 0) {
            j->claims[a] |= WEFT_CLAIM_EQUIVOCAL;
            j->claims[b] |= WEFT_CLAIM_EQUIVOCAL;
        }
    }
}

/* Of one party; of neither: of one site. */
static bool is_own(const struct judge *j, uint32_t a, uint32_t b)
{
    return j->parties[a] == j->parties[b] &&
           (j->parties[a] != NO_PARTY ||
               weft_text_equal(j->set->statements[a].author, j->set->statements[b].author));
}

/* FED-107: by whoever said it, and never a retract. */
static void mark_retracted(struct judge *j)
{
    for (uint32_t i = 0; i < j->set->count; i++) {
        const struct weft_cell_statement *s = &j->set->statements[i];
        if (s->act != WEFT_CELL_RETRACT || !lacks(j, i, WEFT_CLAIM_EQUIVOCAL)) {
            continue;
        }
        for (uint32_t n = 0; n < s->name_count; n++) {
            uint32_t at;
            if (!weft_cell_find(j->set, &s->names[n], &at)) {
                continue; /* It may come yet. */
            }
            if (j->set->statements[at].act != WEFT_CELL_RETRACT &&
                (is_own(j, i, at) || weft_cell_mutant(WEFT_CELL_MUTANT_RETRACTED_BY_ALL))) {
                j->claims[at] |= WEFT_CLAIM_RETRACTED;
            }
        }
    }
}

static void mark_settled(struct judge *j, const struct weft_cell_statement *resolution)
{
    for (uint32_t n = 0; n < resolution->name_count; n++) {
        uint32_t at;
        if (weft_cell_find(j->set, &resolution->names[n], &at) &&
            j->set->statements[at].act != WEFT_CELL_RETRACT) {
            j->claims[at] |= WEFT_CLAIM_SETTLED;
        }
    }
    for (uint32_t i = 0; weft_cell_mutant(WEFT_CELL_MUTANT_RESOLVED_FOR_GOOD) && i < j->set->count;
         i++) {
        j->claims[i] |= j->set->statements[i].act == WEFT_CELL_SAY ? WEFT_CLAIM_SETTLED : 0;
    }
}

/* Fills ret_group with the end of the run of by_saying that begins at `from`, and which parties
 * have a statement in it that can count. */
static uint32_t run_of(const struct judge *j, uint32_t from, uint16_t unless, unsigned *ret_parties)
{
    uint32_t to = from;
    *ret_parties = 0;
    while (to < j->set->count &&
           compare_sayings(j->set->statements, j->by_saying[from], j->by_saying[to]) == 0) {
        uint16_t i = j->by_saying[to++];
        if (has(j, i, WEFT_CLAIM_COUNTS) && lacks(j, i, unless)) {
            *ret_parties |= 1u << j->parties[i];
        }
    }
    return to;
}

/* FED-108: a resolution counts when both parties have stated the same. */
static void mark_resolutions(struct judge *j)
{
    const uint16_t unless = WEFT_CLAIM_EQUIVOCAL | WEFT_CLAIM_RETRACTED;
    uint32_t to;
    for (uint32_t from = 0; from < j->set->count; from = to) {
        unsigned parties;
        to = run_of(j, from, unless, &parties);
        const struct weft_cell_statement *s = &j->set->statements[j->by_saying[from]];
        bool is_valid =
            parties == 3 || (parties != 0 && weft_cell_mutant(WEFT_CELL_MUTANT_RESOLVED_ALONE));
        if (s->act != WEFT_CELL_RESOLVE || !is_valid) {
            continue;
        }
        for (uint32_t k = from; k < to; k++) {
            uint16_t i = j->by_saying[k];
            if (has(j, i, WEFT_CLAIM_COUNTS) && lacks(j, i, unless)) {
                j->claims[i] |= WEFT_CLAIM_VALID;
            }
        }
        mark_settled(j, s);
    }
}

/* Each author's newest word that stands. */
static void mark_current(struct judge *j)
{
    const struct weft_cell_statement *s = j->set->statements;
    bool is_found = false;
    for (uint32_t k = j->set->count; k > 0; k--) {
        uint16_t i = j->by_place[k - 1];
        if (k < j->set->count && !weft_text_equal(s[i].author, s[j->by_place[k]].author)) {
            is_found = false;
        }
        if (!is_found && s[i].act == WEFT_CELL_SAY &&
            lacks(j, i, WEFT_CLAIM_RETRACTED | WEFT_CLAIM_EQUIVOCAL)) {
            j->claims[i] |= WEFT_CLAIM_CURRENT;
            is_found = true;
        }
    }
}

/* --- what rules share ------------------------------------------------------------------------ */

/* A resolution that counts and is not itself settled by another. */
static bool is_standing(const struct judge *j, uint32_t i)
{
    return has(j, i, WEFT_CLAIM_VALID) && lacks(j, i, WEFT_CLAIM_SETTLED);
}

static bool is_said(const struct judge *j, uint32_t i)
{
    return j->set->statements[i].act == WEFT_CELL_SAY && has(j, i, WEFT_CLAIM_COUNTS) &&
           lacks(j, i, WEFT_CLAIM_RETRACTED);
}

static void open_item(struct judge *j, uint32_t i)
{
    j->claims[i] |= WEFT_CLAIM_OPEN;
}

static void open_standing(struct judge *j)
{
    for (uint32_t i = 0; i < j->set->count; i++) {
        if (is_standing(j, i)) {
            open_item(j, i);
        }
    }
}

/* The first open item with a value that can be told, and whether another has another one. */
static uint32_t compare_open(const struct judge *j, bool *ret_differ)
{
    uint32_t first = NONE;
    *ret_differ = false;
    for (uint32_t i = 0; i < j->set->count; i++) {
        const struct weft_cell_statement *s = &j->set->statements[i];
        if (!has(j, i, WEFT_CLAIM_OPEN) || s->is_withheld) {
            continue;
        }
        if (first == NONE) {
            first = i;
        } else if (!weft_text_equal(s->value, j->set->statements[first].value)) {
            *ret_differ = true;
        }
    }
    return first;
}

static void give_value(struct judge *j, struct weft_text value)
{
    j->answer->has_value = true;
    j->answer->value = value;
}

/* Of open items, and of `also`: whose value is the one that counts. */
static void mark_effective(struct judge *j, uint32_t also)
{
    for (uint32_t i = 0; j->answer->has_value && i < j->set->count; i++) {
        if ((has(j, i, WEFT_CLAIM_OPEN) || i == also) && !j->set->statements[i].is_withheld &&
            weft_text_equal(j->set->statements[i].value, j->answer->value)) {
            j->claims[i] |= WEFT_CLAIM_EFFECTIVE;
        }
    }
}

/* --- the rules ------------------------------------------------------------------------------- */

/* Is `a` behind `b` in the terms of authority, and in its holder's log? */
static bool is_newer(const struct judge *j, uint32_t i, uint32_t than)
{
    const struct weft_cell_statement *a = &j->set->statements[i], *b = &j->set->statements[than];
    if (weft_cell_mutant(WEFT_CELL_MUTANT_LAST_WRITER)) {
        return a->time_ns > b->time_ns;
    }
    if (j->terms_of[i] != j->terms_of[than]) {
        return j->terms_of[i] > j->terms_of[than];
    }
    return weft_cell_revision_compare(a->revision, b->revision) > 0;
}

/* The owner's statement that comes last; of two that it equivocates about neither. */
static uint32_t find_top(struct judge *j)
{
    uint32_t top = NONE;
    for (uint32_t i = 0; i < j->set->count; i++) {
        if (!is_said(j, i)) {
            continue;
        }
        if (has(j, i, WEFT_CLAIM_EQUIVOCAL)) {
            if (lacks(j, i, WEFT_CLAIM_SETTLED)) {
                open_item(j, i);
                j->answer->is_disputed = true;
            }
        } else if (top == NONE || is_newer(j, i, top)) {
            top = i;
        }
    }
#ifdef WEFT_CELL_MUTANTS_PLANTED
    uint32_t last;
    if (weft_cell_mutant(WEFT_CELL_MUTANT_LAST_ARRIVED) &&
        weft_cell_find(j->set, &weft_cell_last_added, &last) && is_said(j, last)) {
        top = last;
    }
#endif
    return top;
}

static void judge_owner(struct judge *j)
{
    bool differ;
    uint32_t top = find_top(j);
    open_standing(j);
    if (top != NONE && has(j, top, WEFT_CLAIM_SETTLED)) {
        /* What was agreed on instead counts, until the owner speaks again. */
        uint32_t agreed = compare_open(j, &differ);
        if (agreed != NONE && !differ && !j->answer->is_disputed) {
            give_value(j, j->set->statements[agreed].value);
        }
    } else if (top != NONE) {
        open_item(j, top);
        if (!j->set->statements[top].is_withheld) {
            give_value(j, j->set->statements[top].value);
        }
    }
    for (uint32_t i = 0; i < j->set->count; i++) {
        if (has(j, i, WEFT_CLAIM_CURRENT) &&
            lacks(j, i, WEFT_CLAIM_COUNTS | WEFT_CLAIM_SETTLED | WEFT_CLAIM_FOREIGN)) {
            open_item(j, i);
        }
    }
    (void)compare_open(j, &differ);
    j->answer->is_disputed = j->answer->is_disputed || differ;
    mark_effective(j, top);
}

static enum weft_verdict verdict_of(struct judge *j, uint32_t i, bool *ret_is_unknown)
{
    const struct weft_cell_statement *s = &j->set->statements[i];
    return weft_verdict_of(s->is_withheld ? WEFT_TEXT("") : s->value, ret_is_unknown);
}

/* Who speaks in a join: a party, or what both resolved. */
static unsigned voice_of(const struct judge *j, uint32_t i)
{
    return j->set->statements[i].act == WEFT_CELL_RESOLVE ? NO_PARTY : j->parties[i];
}

static void judge_join(struct judge *j)
{
    unsigned voices = 0;
    int worst = -1, mildest = WEFT_VERDICTS;
    for (uint32_t i = 0; i < j->set->count; i++) {
        bool is_unknown;
        if (!is_standing(j, i) && !(is_said(j, i) && lacks(j, i, WEFT_CLAIM_SETTLED))) {
            continue;
        }
        int verdict = (int)verdict_of(j, i, &is_unknown);
        if (is_unknown && weft_cell_mutant(WEFT_CELL_MUTANT_UNKNOWN_PASSES)) {
            continue;
        }
        open_item(j, i);
        j->answer->has_unknown_word = j->answer->has_unknown_word || is_unknown;
        j->answer->is_disputed = j->answer->is_disputed || has(j, i, WEFT_CLAIM_EQUIVOCAL);
        voices |= 1u << voice_of(j, i);
        worst = verdict > worst ? verdict : worst;
        mildest = verdict < mildest ? verdict : mildest;
    }
    if (worst < 0) {
        return;
    }
    /* Of one party it is a history: the worst counts, and there is nobody to agree with. */
    bool is_one_party = voices == 1 || voices == 2;
    j->answer->is_disputed = j->answer->is_disputed || (worst != mildest && !is_one_party);
    worst = weft_cell_mutant(WEFT_CELL_MUTANT_JOIN_MILDEST) ? mildest : worst;
    give_value(j, weft_text_of(weft_verdict_name((enum weft_verdict)worst)));
    for (uint32_t i = 0; i < j->set->count; i++) {
        bool is_unknown;
        if (has(j, i, WEFT_CLAIM_OPEN) && (int)verdict_of(j, i, &is_unknown) == worst) {
            j->claims[i] |= WEFT_CLAIM_EFFECTIVE;
        }
    }
}

static void judge_union(struct judge *j)
{
    open_standing(j);
    for (uint32_t i = 0; i < j->set->count; i++) {
        if (is_said(j, i) && lacks(j, i, WEFT_CLAIM_SETTLED)) {
            open_item(j, i);
            j->answer->is_disputed = j->answer->is_disputed || has(j, i, WEFT_CLAIM_EQUIVOCAL);
        }
        if (has(j, i, WEFT_CLAIM_OPEN) && lacks(j, i, WEFT_CLAIM_EQUIVOCAL)) {
            j->claims[i] |= WEFT_CLAIM_EFFECTIVE;
        }
    }
}

/* Open what each author of the parties says now, and which of the parties that are. */
static unsigned open_current(struct judge *j)
{
    unsigned parties = 0;
    for (uint32_t i = 0; i < j->set->count; i++) {
        if (is_said(j, i) && has(j, i, WEFT_CLAIM_EQUIVOCAL) && lacks(j, i, WEFT_CLAIM_SETTLED)) {
            open_item(j, i);
            j->answer->is_disputed = true;
        }
        if (has(j, i, WEFT_CLAIM_CURRENT | WEFT_CLAIM_COUNTS)) {
            parties |= 1u << j->parties[i];
            if (lacks(j, i, WEFT_CLAIM_SETTLED)) {
                open_item(j, i);
            }
        }
    }
    return parties;
}

static void judge_match(struct judge *j)
{
    bool differ;
    open_standing(j);
    unsigned parties = open_current(j);
    uint32_t first = compare_open(j, &differ);
    j->answer->is_disputed = j->answer->is_disputed || differ;
    j->answer->is_awaited = parties == 1 || parties == 2;
    if (first != NONE && !j->answer->is_disputed) {
        give_value(j, j->set->statements[first].value);
    }
    mark_effective(j, NONE);
}

/* What both parties have stated: of each its newest statement of that value. */
struct pact {
    uint16_t newest[WEFT_CELL_PARTIES];
};

/* The pact of the run of by_saying that begins at `from`. False: it is none. */
static bool get_pact(const struct judge *j, uint32_t from, uint32_t *ret_to, struct pact *ret_pact)
{
    struct pact pact = {{NONE, NONE}};
    unsigned parties;
    *ret_to = run_of(j, from, 0, &parties);
    for (uint32_t k = from; k < *ret_to; k++) {
        uint16_t i = j->by_saying[k];
        bool is_taken = is_said(j, i) && !j->set->statements[i].is_withheld &&
                        lacks(j, i, WEFT_CLAIM_EQUIVOCAL | WEFT_CLAIM_SETTLED);
        if (is_taken || is_standing(j, i)) {
            uint16_t *newest = &pact.newest[j->parties[i]];
            if (*newest == NONE || compare_places(j->set->statements, i, *newest) > 0) {
                *newest = i;
            }
        }
    }
    *ret_pact = pact;
    return pact.newest[0] != NONE && pact.newest[1] != NONE;
}

/* FED-109: behind the other for both parties, each in the log of one site. */
static bool is_behind(const struct judge *j, const struct pact *a, const struct pact *b)
{
    const struct weft_cell_statement *s = j->set->statements;
    bool is_behind = true;
    for (int p = 0; p < WEFT_CELL_PARTIES; p++) {
        const struct weft_cell_statement *x = &s[a->newest[p]], *y = &s[b->newest[p]];
        is_behind = is_behind && weft_text_equal(x->author, y->author) &&
                    weft_cell_revision_compare(x->revision, y->revision) > 0;
    }
    return is_behind;
}

static void open_pact(struct judge *j, const struct pact *pact)
{
    open_item(j, pact->newest[0]);
    open_item(j, pact->newest[1]);
}

/* The value of the pact that is behind all others; where they crossed, all of them are open. */
static void agree_on_pact(struct judge *j)
{
    struct pact last = {{NONE, NONE}}, pact;
    uint32_t to;
    bool have_crossed = false;
    for (uint32_t from = 0; from < j->set->count; from = to) {
        if (get_pact(j, from, &to, &pact) &&
            (last.newest[0] == NONE ||
                compare_places(j->set->statements, pact.newest[0], last.newest[0]) > 0)) {
            last = pact;
        }
    }
    if (last.newest[0] == NONE) {
        return;
    }
    for (uint32_t from = 0; from < j->set->count; from = to) {
        bool is_other = get_pact(j, from, &to, &pact) && pact.newest[0] != last.newest[0];
        have_crossed = have_crossed || (is_other && !is_behind(j, &last, &pact));
    }
    for (uint32_t from = 0; have_crossed && from < j->set->count; from = to) {
        if (get_pact(j, from, &to, &pact)) {
            open_pact(j, &pact);
        }
    }
    j->answer->is_disputed = j->answer->is_disputed || have_crossed;
    if (!have_crossed) {
        open_pact(j, &last);
        give_value(j, j->set->statements[last.newest[0]].value);
    }
}

static void judge_dual(struct judge *j)
{
    unsigned proposing = 0;
    agree_on_pact(j);
    (void)open_current(j);
    for (uint32_t i = 0; i < j->set->count; i++) {
        const struct weft_cell_statement *s = &j->set->statements[i];
        bool is_open_word = has(j, i, WEFT_CLAIM_CURRENT | WEFT_CLAIM_OPEN);
        if (is_open_word && (s->is_withheld || !j->answer->has_value ||
                                !weft_text_equal(s->value, j->answer->value))) {
            proposing |= 1u << j->parties[i];
        }
    }
    j->answer->is_disputed = j->answer->is_disputed || proposing == 3;
    j->answer->is_awaited = proposing == 1 || proposing == 2;
    mark_effective(j, NONE);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void judge_by_rule(struct judge *j)
{
    switch (j->terms->rule) {
    case WEFT_CELL_OWNER:
        judge_owner(j);
        return;
    case WEFT_CELL_JOIN:
        judge_join(j);
        return;
    case WEFT_CELL_UNION:
        judge_union(j);
        return;
    case WEFT_CELL_MATCH:
        judge_match(j);
        return;
    case WEFT_CELL_DUAL:
        judge_dual(j);
        return;
    case WEFT_CELL_RULES:
        break;
    }
    weft_unreachable("FED-100");
}

static enum weft_err name_dispute(struct judge *j, struct weft_arena *arena)
{
    struct weft_digest *digests = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < j->set->count; i++) {
        j->answer->effective_count += has(j, i, WEFT_CLAIM_EFFECTIVE);
        j->answer->open_count += has(j, i, WEFT_CLAIM_OPEN);
    }
    if (!j->answer->is_disputed) {
        return WEFT_OK;
    }
    enum weft_err err = weft_dispute_statements(j->set, j->answer, arena, &digests, &count);
    if (err == WEFT_OK) {
        j->answer->dispute = weft_dispute_id(digests, count);
    }
    return err;
}

enum weft_err weft_cell_judge(const struct weft_cell_terms *terms, const struct weft_cell_set *set,
    struct weft_arena *arena, struct weft_cell_answer *ret_answer)
{
    struct weft_cell_answer answer = {.count = set->count};
    struct judge j = {.terms = terms, .set = set, .answer = &answer};
    weft_cell_check(set);
    enum weft_err err = begin(&j, arena);
    if (err != WEFT_OK) {
        return err;
    }
    answer.claims = j.claims;
    mark_authors(&j);
    mark_equivocal(&j);
    mark_retracted(&j);
    mark_resolutions(&j);
    mark_current(&j);
    judge_by_rule(&j);
    err = name_dispute(&j, arena);
    if (err == WEFT_OK) {
        weft_assert(!answer.is_disputed || answer.open_count > 0); /* FED-105 */
        *ret_answer = answer;
    }
    return err;
}
