#include "policy/policy_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/lang.h"
#include "proto/check.h"
#include "proto/order.h"

/* Directions as bits, so that they add up: a change is both where it is the one and the other. */
enum {
    NARROWS = 1,
    WIDENS = 2,
};

/* What a term of one clause may say in more or fewer cases, also as bits. */
enum {
    LESS = 1,
    MORE = 2,
};

const char *weft_policy_direction_name(enum weft_policy_direction direction)
{
    static const char *const names[] = {[WEFT_DIRECTION_NONE] = "same",
        [WEFT_DIRECTION_NARROWS] = "narrows",
        [WEFT_DIRECTION_WIDENS] = "widens",
        [WEFT_DIRECTION_BOTH] = "changes"};
    weft_assert((unsigned)direction <= WEFT_DIRECTION_BOTH); /* POL-66 */
    return names[direction];
}

_Static_assert((int)WEFT_DIRECTION_NARROWS == (int)NARROWS &&
                   (int)WEFT_DIRECTION_WIDENS == (int)WIDENS &&
                   (int)WEFT_DIRECTION_BOTH == (NARROWS | WIDENS),
    "directions are sets of bits");

struct side {
    const struct weft_policy *policy;
    const struct weft_lang_statement *statement; /* NULL: not in this version. */
};

struct differ {
    struct side sides[2]; /* Old, new. */
    struct weft_arena *arena;
    struct weft_arena scratch; /* Of one clause. */
    struct weft_buffer line;
    struct weft_policy_difference *items;
    uint32_t count;
    uint32_t capacity;
    unsigned direction;
    enum weft_err err; /* The first one; the rest is then of no interest. */
    uint8_t visited[WEFT_POLICY_DEFINITIONS_MAX];
};

static void fail(struct differ *d, enum weft_err err)
{
    d->err = d->err == WEFT_OK ? err : d->err;
}

static void *room(struct differ *d, struct weft_arena *arena, size_t count, size_t size)
{
    void *found = weft_arena_array(arena, count, size);
    if (found == NULL) {
        fail(d, arena->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG);
    }
    return found;
}

/* --- reports ------------------------------------------------------------------------------ */

static void add(struct differ *d, unsigned direction, struct weft_text what)
{
    if (d->count == d->capacity) {
        uint32_t capacity = d->capacity == 0 ? 64 : 2 * d->capacity;
        struct weft_policy_difference *items = room(d, d->arena, capacity, sizeof(items[0]));
        if (items == NULL) {
            return;
        }
        if (d->count > 0) {
            memcpy(items, d->items, d->count * sizeof(items[0]));
        }
        d->items = items;
        d->capacity = capacity;
    }
    struct weft_text copy = weft_arena_text(d->arena, what);
    if (copy.data == NULL) {
        fail(d, d->arena->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG);
        return;
    }
    const struct weft_lang_statement *old = d->sides[0].statement;
    const struct weft_lang_statement *new = d->sides[1].statement;
    d->items[d->count++] = (struct weft_policy_difference){(enum weft_policy_direction)direction,
        copy, old != NULL ? old->line : 0, new != NULL ? new->line : 0};
    d->direction |= direction;
}

/* "permit read-line2: CLAUSE: DID WHAT". */
static void report(struct differ *d, unsigned direction, const char *clause, const char *did,
    struct weft_text what)
{
    const struct weft_lang_statement *s =
        d->sides[0].statement != NULL ? d->sides[0].statement : d->sides[1].statement;
    weft_buffer_clear(&d->line);
    enum weft_err err = WEFT_OK;
    if (s != NULL) {
        err = weft_buffer_format(&d->line, "%s %.*s%s", weft_policy_statement_kind_name(s->kind),
            (int)s->name.size, s->name.data, clause[0] != '\0' ? ": " : "");
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(&d->line, "%s: %s%s", clause, did, what.size > 0 ? " " : "");
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(&d->line, what);
    }
    if (err != WEFT_OK) {
        fail(d, err);
        return;
    }
    add(d, direction, weft_buffer_as_text(&d->line));
}

/* What access is when a statement holds in more or in fewer cases. A permit that hides takes
 * something from those whom another one shows it. */
static unsigned direction_of(const struct differ *d, unsigned cases)
{
    const struct weft_lang_statement *old = d->sides[0].statement;
    const struct weft_lang_statement *new = d->sides[1].statement;
    enum weft_policy_statement_kind kind = new != NULL ? new->kind : old->kind;
    bool hides = (old != NULL && old->hide_count > 0) || (new != NULL &&new->hide_count > 0);
    if (kind != WEFT_STATEMENT_PERMIT) {
        return ((cases & MORE) != 0 ? NARROWS : 0u) | ((cases & LESS) != 0 ? WIDENS : 0u);
    }
    if (hides && cases != 0) {
        return NARROWS | WIDENS;
    }
    return ((cases & MORE) != 0 ? WIDENS : 0u) | ((cases & LESS) != 0 ? NARROWS : 0u);
}

/* --- sets of texts ------------------------------------------------------------------------ */

struct set {
    struct weft_text *items;
    uint32_t count;
    uint32_t capacity;
    bool has_any;
    bool has_partner;
};

static void put(struct differ *d, struct set *set, struct weft_text text)
{
    if (set->count == set->capacity) {
        uint32_t capacity = set->capacity == 0 ? 16 : 2 * set->capacity;
        struct weft_text *items = room(d, &d->scratch, capacity, sizeof(items[0]));
        if (items == NULL) {
            return;
        }
        if (set->count > 0) {
            memcpy(items, set->items, set->count * sizeof(items[0]));
        }
        set->items = items;
        set->capacity = capacity;
    }
    set->items[set->count] = weft_arena_text(&d->scratch, text);
    if (set->items[set->count].data == NULL) {
        fail(d, d->scratch.is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG);
        return;
    }
    set->count++;
}

static void put_term(struct differ *d, const struct weft_policy *policy,
    const struct weft_lang_term *term, struct set *set)
{
    weft_buffer_clear(&d->line);
    enum weft_err err = weft_lang_print_term(policy, term, &d->line);
    if (err != WEFT_OK) {
        fail(d, err);
        return;
    }
    set->has_any = set->has_any || term->type == WEFT_LANG_ANY;
    set->has_partner = set->has_partner || term->type == WEFT_LANG_PARTNER;
    put(d, set, weft_buffer_as_text(&d->line));
}

/* What a term means in the end, without its `not`; each definition is unfolded once. */
static void unfold(struct differ *d, const struct weft_policy *policy,
    const struct weft_lang_term *term, struct set *set)
{
    if (term->type != WEFT_LANG_GROUP && term->type != WEFT_LANG_SCOPE) {
        struct weft_lang_term plain = *term;
        plain.is_not = false;
        put_term(d, policy, &plain, set);
        return;
    }
    if (d->visited[term->definition] != 0) {
        return;
    }
    d->visited[term->definition] = 1;
    const struct weft_lang_definition *definition = &policy->definitions[term->definition];
    for (uint32_t i = 0; i < definition->term_count && d->err == WEFT_OK; i++) {
        unfold(d, policy, &policy->terms[definition->first_term + i], set);
    }
}

static int compare_texts(const void *left, const void *right)
{
    return weft_text_compare(*(const struct weft_text *)left, *(const struct weft_text *)right);
}

static void order(struct set *set)
{
    uint32_t kept = 0;
    if (set->count > 0) {
        qsort(set->items, set->count, sizeof(set->items[0]), compare_texts);
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (i == 0 || !weft_text_equal(set->items[i], set->items[i - 1])) {
            struct weft_text kept_text = set->items[i];
            set->items[kept++] = kept_text;
        }
    }
    set->count = kept;
}

struct meaning {
    unsigned added;   /* Direction of what only the new set has, ... */
    unsigned removed; /* ...and of what only the old one has. */
};

static unsigned compare_sets(
    struct differ *d, const char *clause, struct set *old, struct set *new, struct meaning meaning)
{
    uint32_t i = 0;
    uint32_t j = 0;
    unsigned found = 0;
    order(old);
    order(new);
    while ((i < old->count || j < new->count) && d->err == WEFT_OK) {
        int which = i == old->count   ? 1
                    : j == new->count ? -1
                                      : weft_text_compare(old->items[i], new->items[j]);
        if (which < 0) {
            report(d, meaning.removed, clause, "removed", old->items[i]);
            found |= meaning.removed;
        } else if (which > 0) {
            report(d, meaning.added, clause, "added", new->items[j]);
            found |= meaning.added;
        }
        i += which <= 0 ? 1 : 0;
        j += which >= 0 ? 1 : 0;
    }
    return found;
}

static void unfold_clause(struct differ *d, const struct side *side, uint32_t clause,
    struct set *ret_set, bool *ret_is_not)
{
    const struct weft_lang_statement *s = side->statement;
    const struct weft_lang_term *terms = weft_lang_terms(side->policy, s, clause);
    *ret_set = (struct set){NULL, 0, 0, false, false};
    memset(d->visited, 0, side->policy->definition_count);
    for (uint32_t i = 0; i < s->counts[clause]; i++) {
        unfold(d, side->policy, &terms[i], ret_set);
    }
    *ret_is_not = s->counts[clause] > 0 && terms[0].is_not;
}

/* --- clauses ------------------------------------------------------------------------------ */

/* Everybody in one version, and some in the other: which of the two is more is plain, unless it is
 * a permit that also names partners, whom `any` does not reach. */
static void compare_who(struct differ *d)
{
    struct set sets[2];
    bool is_not[2];
    bool is_all[2];
    for (int i = 0; i < 2; i++) {
        unfold_clause(d, &d->sides[i], WEFT_CLAUSE_WHO, &sets[i], &is_not[i]);
        is_all[i] = sets[i].has_any || d->sides[i].statement->counts[WEFT_CLAUSE_WHO] == 0;
    }
    if (is_all[0] && is_all[1]) {
        return;
    }
    if (is_not[0] != is_not[1] || is_all[0] || is_all[1]) {
        bool is_permit = d->sides[0].statement->kind == WEFT_STATEMENT_PERMIT;
        bool is_plain = (is_all[0] || is_all[1]) &&
                        !(is_permit && (sets[0].has_partner || sets[1].has_partner));
        unsigned cases = !is_plain ? MORE | LESS : is_all[0] ? LESS : MORE;
        report(d, direction_of(d, cases), "who", "replaced", (struct weft_text){NULL, 0});
        return;
    }
    unsigned more = direction_of(d, is_not[0] ? LESS : MORE);
    unsigned less = direction_of(d, is_not[0] ? MORE : LESS);
    (void)compare_sets(d, "who", &sets[0], &sets[1], (struct meaning){more, less});
}

/* The other version's term of the same words, or NULL. */
static const struct weft_lang_term *find_like(struct differ *d, const struct side *side,
    uint32_t clause, const struct weft_policy *policy, const struct weft_lang_term *term)
{
    struct set wanted = {NULL, 0, 0, false, false};
    const struct weft_lang_term *terms = weft_lang_terms(side->policy, side->statement, clause);
    put_term(d, policy, term, &wanted);
    for (uint32_t i = 0; i < side->statement->counts[clause] && d->err == WEFT_OK; i++) {
        struct set found = {NULL, 0, 0, false, false};
        put_term(d, side->policy, &terms[i], &found);
        if (wanted.count > 0 && found.count > 0 &&
            weft_text_equal(wanted.items[0], found.items[0])) {
            return &terms[i];
        }
    }
    return NULL;
}

/* A scope that both versions name: its members. */
static void compare_scopes(struct differ *d, const char *clause, const struct weft_lang_term *old,
    const struct weft_lang_term *new)
{
    const struct weft_lang_term *terms[2] = {old, new};
    struct set sets[2];
    for (int i = 0; i < 2; i++) {
        sets[i] = (struct set){NULL, 0, 0, false, false};
        memset(d->visited, 0, d->sides[i].policy->definition_count);
        unfold(d, d->sides[i].policy, terms[i], &sets[i]);
    }
    struct meaning meaning = {
        direction_of(d, old->is_not ? LESS : MORE), direction_of(d, old->is_not ? MORE : LESS)};
    (void)compare_sets(d, clause, &sets[0], &sets[1], meaning);
}

/* Clauses of which all terms must hold: with one more they hold in fewer cases. */
static void compare_all_of(struct differ *d, uint32_t clause, const char *name)
{
    for (int side = 0; side < 2 && d->err == WEFT_OK; side++) {
        const struct side *here = &d->sides[side];
        const struct weft_lang_term *terms = weft_lang_terms(here->policy, here->statement, clause);
        for (uint32_t i = 0; i < here->statement->counts[clause] && d->err == WEFT_OK; i++) {
            const struct weft_lang_term *other =
                find_like(d, &d->sides[1 - side], clause, here->policy, &terms[i]);
            if (other != NULL && side == 0 && terms[i].type == WEFT_LANG_SCOPE) {
                compare_scopes(d, name, &terms[i], other);
            }
            if (other == NULL && d->err == WEFT_OK) {
                struct set words = {NULL, 0, 0, false, false};
                put_term(d, here->policy, &terms[i], &words);
                if (words.items != NULL && d->err == WEFT_OK) {
                    report(d, direction_of(d, side == 0 ? MORE : LESS), name,
                        side == 0 ? "removed" : "added", words.items[0]);
                }
            }
        }
    }
}

static void compare_do(struct differ *d)
{
    uint32_t old = d->sides[0].statement->actions;
    uint32_t new = d->sides[1].statement->actions;
    for (uint32_t action = 0; action < WEFT_ACTIONS; action++) {
        if (((old ^ new) & 1u << action) != 0) {
            bool is_added = (new & 1u << action) != 0;
            report(d, direction_of(d, is_added ? MORE : LESS), "do", is_added ? "added" : "removed",
                weft_text_of(weft_policy_action_name((enum weft_policy_action)action)));
        }
    }
}

static void field_set(struct differ *d, const struct side *side, bool is_hide, struct set *ret_set)
{
    const struct weft_lang_statement *s = side->statement;
    uint32_t first = s->first_field + (is_hide ? s->only_count : 0);
    uint32_t count = is_hide ? s->hide_count : s->only_count;
    *ret_set = (struct set){NULL, 0, 0, false, false};
    for (uint32_t i = 0; i < count; i++) {
        put(d, ret_set, side->policy->fields[first + i].text);
    }
}

static void compare_fields(struct differ *d)
{
    struct set old, new;
    field_set(d, &d->sides[0], false, &old);
    field_set(d, &d->sides[1], false, &new);
    if ((old.count == 0) != (new.count == 0)) {
        bool is_new = old.count == 0;
        report(d, is_new ? NARROWS : WIDENS, "only",
            is_new ? "some fields alone are shown now" : "all fields are shown now",
            (struct weft_text){NULL, 0});
    } else {
        (void)compare_sets(d, "only", &old, &new, (struct meaning){WIDENS, NARROWS});
    }
    field_set(d, &d->sides[0], true, &old);
    field_set(d, &d->sides[1], true, &new);
    (void)compare_sets(d, "hide", &old, &new, (struct meaning){NARROWS, WIDENS});
}

/* --- what a require demands --------------------------------------------------------------- */

static void demand(struct differ *d, bool is_harder, const char *what)
{
    report(d, is_harder ? NARROWS : WIDENS, "need", what, (struct weft_text){NULL, 0});
}

static void compare_need(struct differ *d)
{
    const struct weft_lang_statement *old = d->sides[0].statement;
    const struct weft_lang_statement *new = d->sides[1].statement;
    if (old->need_count != new->need_count) {
        demand(d, new->need_count > old->need_count,
            new->need_count > old->need_count ? "more approvals" : "fewer approvals");
    }
    if (old->need_count == 0 || new->need_count == 0) {
        return;
    }
    if (old->not_proposer != new->not_proposer) {
        demand(d, new->not_proposer,
            new->not_proposer ? "not of the proposer any more" : "also of the proposer");
    }
    if (old->distinct_persons != new->distinct_persons) {
        demand(d, new->distinct_persons,
            new->distinct_persons ? "of distinct persons" : "of one person under several names");
    }
    /* 0 is however old. */
    uint32_t old_s = old->within_s == 0 ? UINT32_MAX : old->within_s;
    uint32_t new_s = new->within_s == 0 ? UINT32_MAX : new->within_s;
    if (old_s != new_s) {
        demand(d, new_s < old_s, new_s < old_s ? "fresher approvals" : "older approvals");
    }
    struct set sets[2];
    bool is_not;
    unfold_clause(d, &d->sides[0], WEFT_LANG_CLAUSE_NEED, &sets[0], &is_not);
    unfold_clause(d, &d->sides[1], WEFT_LANG_CLAUSE_NEED, &sets[1], &is_not);
    (void)compare_sets(d, "need", &sets[0], &sets[1], (struct meaning){WIDENS, NARROWS});
}

static void compare_envelope(struct differ *d)
{
    struct weft_text old = d->sides[0].statement->envelope;
    struct weft_text new = d->sides[1].statement->envelope;
    if (old.size == 0 && new.size > 0) {
        report(d, NARROWS, "envelope", "added", new);
    } else if (old.size > 0 && new.size == 0) {
        report(d, WIDENS, "envelope", "removed", old);
    } else if (!weft_text_equal(old, new)) {
        report(d, NARROWS | WIDENS, "envelope", "replaced by", new);
    }
}

/* --- statements --------------------------------------------------------------------------- */

static const struct weft_lang_statement *find_statement(const struct weft_policy *policy,
    const uint16_t *sorted, const struct weft_lang_statement *like)
{
    uint32_t from = 0;
    uint32_t to = policy->statement_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        const struct weft_lang_statement *s = &policy->statements[sorted[middle]];
        int which = weft_text_compare(s->name, like->name);
        if (which == 0) {
            return s->kind == like->kind ? s : NULL;
        }
        if (which < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return NULL;
}

static void compare_statements(struct differ *d)
{
    compare_who(d);
    compare_do(d);
    compare_all_of(d, WEFT_CLAUSE_ON, "on");
    compare_all_of(d, WEFT_CLAUSE_WHEN, "when");
    compare_fields(d);
    compare_need(d);
    compare_envelope(d);
    struct weft_text cites[2] = {d->sides[0].statement->cite, d->sides[1].statement->cite};
    if (!weft_text_equal(cites[0], cites[1])) {
        report(d, 0, "cite", "another text", (struct weft_text){NULL, 0});
    }
}

static int compare_names(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_policy *policy = context;
    return weft_text_compare(policy->statements[a].name, policy->statements[b].name);
}

static void compare_all(struct differ *d, uint16_t *sorted[2])
{
    for (int side = 0; side < 2; side++) {
        const struct weft_policy *policy = d->sides[side].policy;
        const struct weft_policy *other = d->sides[1 - side].policy;
        for (uint32_t i = 0; i < policy->statement_count && d->err == WEFT_OK; i++) {
            weft_arena_reset(&d->scratch);
            d->sides[side].statement = &policy->statements[i];
            d->sides[1 - side].statement =
                find_statement(other, sorted[1 - side], &policy->statements[i]);
            if (d->sides[1 - side].statement == NULL) {
                report(d, direction_of(d, side == 0 ? LESS : MORE), "",
                    side == 0 ? "removed" : "added", (struct weft_text){NULL, 0});
            } else if (side == 0) {
                compare_statements(d);
            }
        }
    }
}

static void compare_valid(struct differ *d)
{
    const struct weft_policy_head *old = &d->sides[0].policy->head;
    const struct weft_policy_head *new = &d->sides[1].policy->head;
    int64_t from[2] = {old->has_valid ? old->valid_from_ns : INT64_MIN,
        new->has_valid ? new->valid_from_ns : INT64_MIN};
    int64_t to[2] = {old->has_valid ? old->valid_to_ns : INT64_MAX,
        new->has_valid ? new->valid_to_ns : INT64_MAX};
    unsigned direction = (from[1] > from[0] || to[1] < to[0] ? NARROWS : 0u) |
                         (from[1] < from[0] || to[1] > to[0] ? WIDENS : 0u);
    if (direction != 0) {
        report(d, direction, "valid", "replaced", (struct weft_text){NULL, 0});
    }
}

enum weft_err weft_policy_diff(const struct weft_policy *old, const struct weft_policy *new,
    struct weft_arena *arena, struct weft_policy_differences *ret_differences)
{
    struct differ d = {.sides = {{old, NULL}, {new, NULL}},
        .arena = arena,
        .scratch = {.size_max = WEFT_POLICY_MEMORY_MAX}};
    struct weft_arena names = {.size_max = 64 * 1024};
    uint16_t *sorted[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        const struct weft_policy *policy = d.sides[i].policy;
        sorted[i] = room(&d, &names, policy->statement_count, sizeof(uint16_t));
        uint16_t *merge = room(&d, &names, policy->statement_count, sizeof(uint16_t));
        if (merge != NULL && sorted[i] != NULL) {
            weft_order_sort(sorted[i], merge, policy->statement_count, compare_names, policy);
        }
    }
    if (d.err == WEFT_OK) {
        compare_valid(&d);
        compare_all(&d, sorted);
    }
    weft_arena_destroy(&names);
    weft_arena_destroy(&d.scratch);
    weft_buffer_destroy(&d.line);
    if (d.err == WEFT_OK) {
        *ret_differences = (struct weft_policy_differences){
            d.items, d.count, (enum weft_policy_direction)d.direction};
    }
    return d.err;
}
