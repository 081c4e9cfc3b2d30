#include "tests/unit/federation/cells/naive_cell.h"

#include <stdlib.h>
#include <string.h>

struct world {
    enum weft_cell_rule rule;
    const struct weft_text *parties;
    struct weft_text holder;
    const struct weft_handoff_statement *handoffs;
    uint32_t handoff_count;
    const struct weft_cell_statement *s;
    uint32_t count;
};

static bool same(struct weft_text a, struct weft_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool later(struct weft_cell_revision a, struct weft_cell_revision b)
{
    if (a.epoch != b.epoch) {
        return a.epoch > b.epoch;
    }
    return a.index > b.index || (a.index == b.index && a.ordinal > b.ordinal);
}

static int party(const struct world *w, uint32_t i)
{
    for (int p = 0; p < 2; p++) {
        struct weft_text a = w->s[i].author, q = w->parties[p];
        if (a.size > q.size && memcmp(a.data, q.data, q.size) == 0 && a.data[q.size] == '/') {
            return p;
        }
    }
    return -1;
}

static bool says_same(const struct weft_cell_statement *a, const struct weft_cell_statement *b)
{
    return a->act == b->act && a->is_withheld == b->is_withheld && same(a->value, b->value) &&
           a->name_count == b->name_count &&
           (a->name_count == 0 ||
               memcmp(a->names, b->names, a->name_count * sizeof(*a->names)) == 0);
}

static bool names(const struct weft_cell_statement *a, const struct weft_digest *d)
{
    for (uint32_t n = 0; n < a->name_count; n++) {
        if (memcmp(&a->names[n], d, sizeof(*d)) == 0) {
            return true;
        }
    }
    return false;
}

/* --- authority ------------------------------------------------------------------------------- */

static bool same_place(struct weft_cell_revision a, struct weft_cell_revision b)
{
    return a.epoch == b.epoch && a.index == b.index && a.ordinal == b.ordinal;
}

static bool is_handed(const struct world *w, const struct weft_handoff *h)
{
    bool by_from = false, by_to = false;
    for (uint32_t i = 0; i < w->handoff_count; i++) {
        const struct weft_handoff *o = &w->handoffs[i].handoff;
        if (same(o->from, h->from) && same(o->to, h->to) && o->epoch == h->epoch &&
            same_place(o->until, h->until)) {
            by_from = by_from || same(w->handoffs[i].author, h->from);
            by_to = by_to || same(w->handoffs[i].author, h->to);
        }
    }
    return by_from && by_to && !same(h->from, h->to);
}

/* Where the same was first said by that author. False: nowhere. */
static bool first_said(const struct world *w, const struct weft_handoff *h, struct weft_text author,
    struct weft_cell_revision *ret_first)
{
    bool is_found = false;
    for (uint32_t i = 0; i < w->handoff_count; i++) {
        const struct weft_handoff_statement *s = &w->handoffs[i];
        const struct weft_handoff *o = &s->handoff;
        if (same(s->author, author) && same(o->from, h->from) && same(o->to, h->to) &&
            o->epoch == h->epoch && same_place(o->until, h->until) &&
            (!is_found || later(*ret_first, s->revision))) {
            *ret_first = s->revision;
            is_found = true;
        }
    }
    return is_found;
}

/* Term `number`: whose, from where, and until where: recursively, from the contract on. */
struct span {
    struct weft_text holder;
    struct weft_cell_revision since;
    bool ends;
    struct weft_cell_revision until;
};

static bool term(const struct world *w, uint64_t number, struct span *ret)
{
    struct span t = {.holder = w->holder};
    if (number == 0) {
        return false;
    }
    if (number > 1) {
        struct span before;
        if (!term(w, number - 1, &before) || !before.ends) {
            return false;
        }
        const struct weft_handoff *by = NULL;
        for (uint32_t i = 0; i < w->handoff_count; i++) {
            const struct weft_handoff *h = &w->handoffs[i].handoff;
            if (h->epoch != number || !same(h->from, before.holder) || !is_handed(w, h)) {
                continue;
            }
            if (by != NULL && (!same(by->to, h->to) || later(by->until, h->until) ||
                                  later(h->until, by->until))) {
                return false; /* Two of them. */
            }
            by = h;
        }
        t.holder = by->to;
        (void)first_said(w, by, by->to, &t.since);
    }
    for (uint32_t i = 0; i < w->handoff_count; i++) {
        const struct weft_handoff *h = &w->handoffs[i].handoff;
        if (h->epoch == number + 1 && same(h->from, t.holder) && is_handed(w, h)) {
            t.until = !t.ends || later(t.until, h->until) ? h->until : t.until;
            t.ends = true;
        }
    }
    *ret = t;
    return true;
}

/* The last term that the statement is in; 0: none. */
static uint64_t term_of(const struct world *w, uint32_t i)
{
    uint64_t found = 0;
    struct span t;
    for (uint64_t number = 1; term(w, number, &t); number++) {
        if (same(t.holder, w->s[i].author) && later(w->s[i].revision, t.since) &&
            !(t.ends && later(w->s[i].revision, t.until))) {
            found = number;
        }
    }
    return found;
}

static bool counts(const struct world *w, uint32_t i)
{
    if (w->rule != WEFT_CELL_OWNER || w->s[i].act != WEFT_CELL_SAY) {
        return party(w, i) >= 0;
    }
    return term_of(w, i) > 0;
}

/* --- how a statement stands ------------------------------------------------------------------ */

static bool equivocal(const struct world *w, uint32_t i)
{
    for (uint32_t k = 0; k < w->count; k++) {
        if (k != i && same(w->s[k].author, w->s[i].author) &&
            !later(w->s[k].revision, w->s[i].revision) &&
            !later(w->s[i].revision, w->s[k].revision)) {
            return true;
        }
    }
    return false;
}

static bool retracted(const struct world *w, uint32_t i)
{
    for (uint32_t k = 0; k < w->count; k++) {
        if (w->s[k].act == WEFT_CELL_RETRACT && w->s[i].act != WEFT_CELL_RETRACT &&
            !equivocal(w, k) && party(w, k) == party(w, i) &&
            (party(w, k) >= 0 || same(w->s[k].author, w->s[i].author)) &&
            names(&w->s[k], &w->s[i].digest)) {
            return true;
        }
    }
    return false;
}

static bool valid(const struct world *w, uint32_t i)
{
    bool by[2] = {false, false};
    if (w->s[i].act != WEFT_CELL_RESOLVE) {
        return false;
    }
    for (uint32_t k = 0; k < w->count; k++) {
        if (party(w, k) >= 0 && says_same(&w->s[k], &w->s[i]) && !equivocal(w, k) &&
            !retracted(w, k)) {
            by[party(w, k)] = true;
        }
    }
    return by[0] && by[1] && party(w, i) >= 0 && !equivocal(w, i) && !retracted(w, i);
}

static bool settled(const struct world *w, uint32_t i)
{
    for (uint32_t k = 0; w->s[i].act != WEFT_CELL_RETRACT && k < w->count; k++) {
        if (valid(w, k) && names(&w->s[k], &w->s[i].digest)) {
            return true;
        }
    }
    return false;
}

static bool said(const struct world *w, uint32_t i)
{
    return w->s[i].act == WEFT_CELL_SAY && counts(w, i) && !retracted(w, i);
}

static bool current(const struct world *w, uint32_t i)
{
    if (w->s[i].act != WEFT_CELL_SAY || retracted(w, i) || equivocal(w, i)) {
        return false;
    }
    for (uint32_t k = 0; k < w->count; k++) {
        if (w->s[k].act == WEFT_CELL_SAY && same(w->s[k].author, w->s[i].author) &&
            later(w->s[k].revision, w->s[i].revision) && !retracted(w, k) && !equivocal(w, k)) {
            return false;
        }
    }
    return true;
}

/* --- rules ----------------------------------------------------------------------------------- */

static void give(struct naive_answer *a, struct weft_text value)
{
    a->has_value = true;
    memcpy(a->value, value.data, value.size);
    a->value[value.size] = '\0';
}

static bool open_differ(const struct world *w, const struct naive_answer *a, uint32_t *ret_first)
{
    bool differ = false;
    *ret_first = w->count;
    for (uint32_t i = 0; i < w->count; i++) {
        for (uint32_t k = 0; k < w->count; k++) {
            differ = differ || (a->is_open[i] && a->is_open[k] && !w->s[i].is_withheld &&
                                   !w->s[k].is_withheld && !same(w->s[i].value, w->s[k].value));
        }
        if (a->is_open[i] && !w->s[i].is_withheld) {
            *ret_first = i;
        }
    }
    return differ;
}

static void open_resolutions(const struct world *w, struct naive_answer *a)
{
    for (uint32_t i = 0; i < w->count; i++) {
        a->is_open[i] = a->is_open[i] || (valid(w, i) && !settled(w, i));
    }
}

static void effective_by_value(const struct world *w, struct naive_answer *a, uint32_t also)
{
    for (uint32_t i = 0; i < w->count; i++) {
        a->is_effective[i] = a->has_value && (a->is_open[i] || i == also) && !w->s[i].is_withheld &&
                             same(w->s[i].value, weft_text_of(a->value));
    }
}

static void owner(const struct world *w, struct naive_answer *a)
{
    uint32_t top = w->count, first;
    for (uint32_t i = 0; i < w->count; i++) {
        if (said(w, i) && equivocal(w, i)) {
            if (!settled(w, i)) {
                a->is_open[i] = a->is_disputed = true;
            }
        } else if (said(w, i) && (top == w->count || term_of(w, i) > term_of(w, top) ||
                                     (term_of(w, i) == term_of(w, top) &&
                                         later(w->s[i].revision, w->s[top].revision)))) {
            top = i;
        }
    }
    open_resolutions(w, a);
    if (top < w->count && settled(w, top)) {
        bool differ = open_differ(w, a, &first);
        if (first < w->count && !differ && !a->is_disputed) {
            give(a, w->s[first].value);
        }
    } else if (top < w->count) {
        a->is_open[top] = true;
        if (!w->s[top].is_withheld) {
            give(a, w->s[top].value);
        }
    }
    for (uint32_t i = 0; i < w->count; i++) {
        if (current(w, i) && !counts(w, i) && !settled(w, i) && party(w, i) >= 0) {
            a->is_open[i] = true;
        }
    }
    a->is_disputed = open_differ(w, a, &first) || a->is_disputed;
    effective_by_value(w, a, top);
}

static int rank(const struct weft_cell_statement *s, bool *ret_unknown)
{
    static const char *const words[] = {"PASS", "CONDITIONAL", "FAIL", "BLOCK"};
    for (int v = 0; !s->is_withheld && v < 4; v++) {
        if (same(s->value, weft_text_of(words[v]))) {
            return v;
        }
    }
    *ret_unknown = true;
    return 3;
}

static void join(const struct world *w, struct naive_answer *a)
{
    static const char *const words[] = {"PASS", "CONDITIONAL", "FAIL", "BLOCK"};
    int worst = -1;
    for (uint32_t i = 0; i < w->count; i++) {
        bool unknown = false;
        bool is_item = (said(w, i) || valid(w, i)) && !settled(w, i);
        if (is_item) {
            int r = rank(&w->s[i], &unknown);
            a->is_open[i] = true;
            worst = r > worst ? r : worst;
            a->has_unknown_word = a->has_unknown_word || unknown;
            a->is_disputed = a->is_disputed || equivocal(w, i);
        }
    }
    for (uint32_t i = 0; i < w->count; i++) {
        bool unknown;
        if (a->is_open[i]) {
            a->is_effective[i] = rank(&w->s[i], &unknown) == worst;
        }
        for (uint32_t k = 0; k < w->count; k++) {
            /* The verdicts differ, and so does who gave them (or both resolved). */
            bool is_alone = w->s[i].act == WEFT_CELL_SAY && w->s[k].act == WEFT_CELL_SAY &&
                            party(w, i) == party(w, k);
            bool differ = a->is_open[i] && a->is_open[k] &&
                          rank(&w->s[i], &unknown) != rank(&w->s[k], &unknown);
            bool has_other = false;
            for (uint32_t m = 0; m < w->count; m++) {
                has_other = has_other || (a->is_open[m] && (w->s[m].act == WEFT_CELL_RESOLVE ||
                                                               party(w, m) != party(w, i)));
            }
            a->is_disputed = a->is_disputed || (differ && (!is_alone || has_other));
        }
    }
    if (worst >= 0) {
        give(a, weft_text_of(words[worst]));
    }
}

static void unite(const struct world *w, struct naive_answer *a)
{
    for (uint32_t i = 0; i < w->count; i++) {
        a->is_open[i] = (said(w, i) || valid(w, i)) && !settled(w, i);
        a->is_effective[i] = a->is_open[i] && !equivocal(w, i);
        a->is_disputed = a->is_disputed || (a->is_open[i] && equivocal(w, i));
    }
}

static void open_words(const struct world *w, struct naive_answer *a)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (said(w, i) && equivocal(w, i) && !settled(w, i)) {
            a->is_open[i] = a->is_disputed = true;
        }
        if (current(w, i) && party(w, i) >= 0 && !settled(w, i)) {
            a->is_open[i] = true;
        }
    }
}

static void match(const struct world *w, struct naive_answer *a)
{
    bool spoken[2] = {false, false};
    uint32_t first;
    open_resolutions(w, a);
    open_words(w, a);
    for (uint32_t i = 0; i < w->count; i++) {
        if (current(w, i) && party(w, i) >= 0) {
            spoken[party(w, i)] = true;
        }
    }
    bool differ = open_differ(w, a, &first);
    a->is_disputed = a->is_disputed || differ;
    a->is_awaited = spoken[0] != spoken[1];
    if (first < w->count && !a->is_disputed) {
        give(a, w->s[first].value);
    }
    effective_by_value(w, a, w->count);
}

/* May the statement be half of what both agreed on? */
static bool half(const struct world *w, uint32_t i)
{
    return (said(w, i) && !w->s[i].is_withheld && !equivocal(w, i) && !settled(w, i)) ||
           (valid(w, i) && !settled(w, i));
}

/* The newest half, by party p, of what statement i says: by author's name, then revision. */
static uint32_t newest_half(const struct world *w, uint32_t i, int p)
{
    uint32_t newest = w->count;
    for (uint32_t k = 0; k < w->count; k++) {
        if (half(w, k) && party(w, k) == p && says_same(&w->s[k], &w->s[i])) {
            int order =
                newest == w->count ? 1 : weft_text_compare(w->s[k].author, w->s[newest].author);
            if (order > 0 || (order == 0 && later(w->s[k].revision, w->s[newest].revision))) {
                newest = k;
            }
        }
    }
    return newest;
}

static bool pact(const struct world *w, uint32_t i)
{
    return half(w, i) && newest_half(w, i, 0) < w->count && newest_half(w, i, 1) < w->count;
}

static bool behind(const struct world *w, uint32_t i, uint32_t k)
{
    bool is_behind = true;
    for (int p = 0; p < 2; p++) {
        uint32_t x = newest_half(w, i, p), y = newest_half(w, k, p);
        is_behind = is_behind && same(w->s[x].author, w->s[y].author) &&
                    later(w->s[x].revision, w->s[y].revision);
    }
    return is_behind;
}

static void dual(const struct world *w, struct naive_answer *a)
{
    uint32_t last = w->count;
    bool any = false, proposes[2] = {false, false};
    for (uint32_t i = 0; i < w->count; i++) {
        bool is_last = pact(w, i);
        any = any || is_last;
        for (uint32_t k = 0; is_last && k < w->count; k++) {
            is_last = !pact(w, k) || says_same(&w->s[i], &w->s[k]) || behind(w, i, k);
        }
        last = is_last ? i : last;
    }
    for (uint32_t i = 0; i < w->count; i++) {
        if (pact(w, i) && (last == w->count || says_same(&w->s[i], &w->s[last]))) {
            a->is_open[newest_half(w, i, 0)] = a->is_open[newest_half(w, i, 1)] = true;
        }
    }
    a->is_disputed = any && last == w->count;
    if (last < w->count) {
        give(a, w->s[last].value);
    }
    open_words(w, a);
    for (uint32_t i = 0; i < w->count; i++) {
        if (current(w, i) && a->is_open[i] && party(w, i) >= 0 &&
            (w->s[i].is_withheld || !a->has_value ||
                !same(w->s[i].value, weft_text_of(a->value)))) {
            proposes[party(w, i)] = true;
        }
    }
    a->is_disputed = a->is_disputed || (proposes[0] && proposes[1]);
    a->is_awaited = proposes[0] != proposes[1];
    effective_by_value(w, a, w->count);
}

struct naive_answer naive_judge(enum weft_cell_rule rule, const struct weft_text parties[2],
    struct weft_text holder, const struct weft_handoff_statement *handoffs, uint32_t handoff_count,
    const struct weft_cell_statement *statements, uint32_t count)
{
    static void (*const rules[])(const struct world *, struct naive_answer *) = {
        owner, join, unite, match, dual};
    const struct world w = {rule, parties, holder, handoffs, handoff_count, statements, count};
    struct naive_answer a = {.has_value = false};
    if (count > NAIVE_STATEMENTS_MAX) {
        abort();
    }
    rules[rule](&w, &a);
    return a;
}
