/* What a parsed policy is asked by: assets and fields by their segments; and what that costs. */
#include <stdlib.h>
#include <string.h>

#include "policy/lang.h"
#include "proto/check.h"

static enum weft_err no_room(const struct weft_lang_parse *parse)
{
    return parse->arena->is_starved || parse->scratch->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG;
}

/* --- arrays ------------------------------------------------------------------------------- */

/* False: no room. */
static bool keep(struct weft_arena *arena, void **array, uint32_t count, size_t size)
{
    void *copy = weft_arena_array(arena, count, size);
    if (copy != NULL && count > 0) {
        memcpy(copy, *array, count * size);
    }
    *array = copy;
    return copy != NULL;
}

static enum weft_err keep_arrays(const struct weft_lang_parse *parse, struct weft_policy *p)
{
    void *definitions = p->definitions;
    void *terms = p->terms;
    void *statements = p->statements;
    void *fields = p->fields;
    bool is_kept =
        keep(parse->arena, &definitions, p->definition_count, sizeof(p->definitions[0])) &&
        keep(parse->arena, &terms, p->term_count, sizeof(p->terms[0])) &&
        keep(parse->arena, &statements, p->statement_count, sizeof(p->statements[0])) &&
        keep(parse->arena, &fields, p->field_count, sizeof(p->fields[0]));
    if (!is_kept) {
        return no_room(parse);
    }
    p->definitions = definitions;
    p->terms = terms;
    p->statements = statements;
    p->fields = fields;
    return WEFT_OK;
}

/* --- terms that are the same -------------------------------------------------------------- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_patterns(const struct weft_lang_pattern *a, const struct weft_lang_pattern *b)
{
    int order = weft_text_compare(a->text, b->text);
    return order != 0 ? order : (int)a->is_subtree - (int)b->is_subtree;
}

/* By all that a term's truth depends on. */
static int compare_terms(const struct weft_lang_term *a, const struct weft_lang_term *b)
{
    const int64_t left[] = {a->type, a->is_not, a->op, a->class, a->attr_type, a->definition,
        a->number, a->window.start_min, a->window.end_min, a->window.offset_min, a->window.days};
    const int64_t right[] = {b->type, b->is_not, b->op, b->class, b->attr_type, b->definition,
        b->number, b->window.start_min, b->window.end_min, b->window.offset_min, b->window.days};
    int order = 0;
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]) && order == 0; i++) {
        order = compare_numbers(left[i], right[i]);
    }
    order = order != 0 ? order : weft_text_compare(a->name, b->name);
    order = order != 0 ? order : weft_text_compare(a->other, b->other);
    return order != 0 ? order : compare_patterns(&a->pattern, &b->pattern);
}

struct place {
    const struct weft_lang_term *term;
    uint32_t index;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;
    int order = compare_terms(a->term, b->term);
    return order != 0 ? order : compare_numbers(a->index, b->index);
}

/* A number for each term of a statement's conditions, which equal ones share. */
static enum weft_err number_terms(const struct weft_lang_parse *parse, struct weft_policy *p)
{
    struct place *places = weft_arena_array(parse->scratch, p->term_count, sizeof(places[0]));
    uint16_t *same = weft_arena_array(parse->arena, p->term_count, sizeof(same[0]));
    uint32_t count = 0;
    if (places == NULL || same == NULL) {
        return no_room(parse);
    }
    memset(same, 0xff, p->term_count * sizeof(same[0])); /* WEFT_LANG_NOT_REMEMBERED */
    for (uint32_t i = 0; i < p->statement_count; i++) {
        const struct weft_lang_term *end =
            weft_lang_terms(p, &p->statements[i], WEFT_LANG_CLAUSE_NEED);
        for (const struct weft_lang_term *t = p->terms + p->statements[i].first_term; t < end;
             t++) {
            places[count++] = (struct place){t, (uint32_t)(t - p->terms)};
        }
    }
    if (count > 0) {
        qsort(places, count, sizeof(places[0]), compare_places);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && compare_terms(places[i - 1].term, places[i].term) == 0) {
            same[places[i].index] = same[places[i - 1].index];
        } else if (p->same_count < WEFT_LANG_REMEMBERED_MAX) {
            same[places[i].index] = (uint16_t)p->same_count++;
        }
    }
    p->same = same;
    return WEFT_OK;
}

static enum weft_err write_briefs(const struct weft_lang_parse *parse, struct weft_policy *p)
{
    struct weft_lang_brief *briefs =
        weft_arena_array(parse->arena, p->statement_count, sizeof(briefs[0]));
    if (briefs == NULL) {
        return no_room(parse);
    }
    for (uint32_t i = 0; i < p->statement_count; i++) {
        const struct weft_lang_statement *s = &p->statements[i];
        bool has_on = s->counts[WEFT_CLAUSE_ON] > 0;
        briefs[i] = (struct weft_lang_brief){.first_term = s->first_term,
            .gate = has_on ? p->same[s->first_term + s->counts[WEFT_CLAUSE_WHO]]
                           : WEFT_LANG_NOT_REMEMBERED,
            .kind = (uint8_t)s->kind,
            .who_count = (uint8_t)s->counts[WEFT_CLAUSE_WHO],
            .on_count = (uint8_t)s->counts[WEFT_CLAUSE_ON],
            .when_count = (uint8_t)s->counts[WEFT_CLAUSE_WHEN]};
    }
    p->briefs = briefs;
    return WEFT_OK;
}

_Static_assert(WEFT_POLICY_CONDITIONS_MAX <= UINT8_MAX, "a brief counts a statement's terms");

/* --- where a statement begins to be of interest ------------------------------------------- */

struct anchors {
    struct weft_text paths[WEFT_LANG_ANCHORS_MAX];
    uint32_t count;
};

/* The segments before the first one with a star. */
static struct weft_text literal_prefix(const struct weft_lang_pattern *pattern)
{
    struct weft_text text = pattern->text;
    if (!pattern->has_star) {
        return text;
    }
    const char *star = memchr(text.data, '*', text.size);
    size_t size = (size_t)(star - text.data);
    while (size > 0 && text.data[size - 1] != '/') {
        size--;
    }
    return (struct weft_text){text.data, size > 0 ? size - 1 : 0};
}

static bool add_anchor(struct anchors *a, const struct weft_lang_pattern *pattern)
{
    if (a->count == WEFT_LANG_ANCHORS_MAX) {
        return false;
    }
    a->paths[a->count++] = literal_prefix(pattern);
    return true;
}

/* False: a scope that holds other things than assets, or too many. Each member adds one, so that
 * it ends soon whatever the scopes are like. */
static bool add_scope(const struct weft_policy *p, uint32_t definition, struct anchors *a)
{
    const struct weft_lang_definition *d = &p->definitions[definition];
    for (uint32_t i = 0; i < d->term_count; i++) {
        const struct weft_lang_term *term = &p->terms[d->first_term + i];
        bool is_added = false;
        if (term->type == WEFT_LANG_ASSET) {
            is_added = add_anchor(a, &term->pattern);
        } else if (term->type == WEFT_LANG_SCOPE) {
            is_added = add_scope(p, term->definition, a);
        }
        if (!is_added) {
            return false;
        }
    }
    return true;
}

/* An asset passes at most one of them on its way down, so no statement is met twice (POL-60). */
static void drop_those_below_others(struct anchors *a)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        bool is_below = false;
        for (uint32_t j = 0; j < a->count && !is_below; j++) {
            bool is_same = weft_text_equal(a->paths[i], a->paths[j]);
            is_below =
                j != i && weft_lang_is_below(a->paths[j], a->paths[i]) && (!is_same || j < i);
        }
        if (!is_below) {
            a->paths[kept++] = a->paths[i];
        }
    }
    a->count = kept;
}

static void find_anchors(
    const struct weft_policy *p, const struct weft_lang_statement *s, struct anchors *ret_anchors)
{
    const struct weft_lang_term *terms = weft_lang_terms(p, s, WEFT_CLAUSE_ON);
    for (uint32_t i = 0; i < s->counts[WEFT_CLAUSE_ON]; i++) {
        struct anchors a = {.count = 0};
        bool is_found = false;
        if (terms[i].is_not) {
            continue;
        }
        if (terms[i].type == WEFT_LANG_ASSET) {
            is_found = add_anchor(&a, &terms[i].pattern);
        } else if (terms[i].type == WEFT_LANG_SCOPE) {
            is_found = add_scope(p, terms[i].definition, &a);
        }
        if (is_found) {
            drop_those_below_others(&a);
            *ret_anchors = a;
            return;
        }
    }
    *ret_anchors = (struct anchors){.count = 1};
}

/* Items of one statement, from items[count] on; NULL: only counted. */
static uint32_t add_items(
    const struct weft_policy *p, uint32_t statement, struct weft_lang_item *items, uint32_t count)
{
    const struct weft_lang_statement *s = &p->statements[statement];
    bool is_any = s->actions == (1u << WEFT_ACTIONS) - 1;
    struct anchors a;
    find_anchors(p, s, &a);
    for (uint32_t i = 0; i < a.count; i++) {
        for (uint32_t key = 0; key <= WEFT_LANG_KEY_ANY; key++) {
            bool has_key =
                key == WEFT_LANG_KEY_ANY ? is_any : !is_any && (s->actions & 1u << key) != 0;
            if (has_key && items != NULL) {
                items[count] =
                    (struct weft_lang_item){a.paths[i], {(uint16_t)statement, (uint8_t)key}};
            }
            count += has_key ? 1 : 0;
        }
    }
    return count;
}

static enum weft_err index_assets(const struct weft_lang_parse *parse, struct weft_policy *p)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->statement_count; i++) {
        count = add_items(p, i, NULL, count);
    }
    struct weft_lang_item *items = weft_arena_array(parse->scratch, count, sizeof(items[0]));
    if (items == NULL) {
        return no_room(parse);
    }
    count = 0;
    for (uint32_t i = 0; i < p->statement_count; i++) {
        count = add_items(p, i, items, count);
    }
    return weft_lang_trie_build(items, count, parse->arena, parse->scratch, &p->assets);
}

static enum weft_err index_fields(const struct weft_lang_parse *parse, struct weft_policy *p)
{
    struct weft_lang_item *items =
        weft_arena_array(parse->scratch, p->field_count, sizeof(items[0]));
    if (items == NULL) {
        return no_room(parse);
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->statement_count; i++) {
        const struct weft_lang_statement *s = &p->statements[i];
        for (uint32_t j = 0; j < s->only_count + s->hide_count; j++) {
            items[count++] = (struct weft_lang_item){
                p->fields[s->first_field + j].text, {(uint16_t)i, j >= s->only_count}};
        }
    }
    weft_assert(count == p->field_count); /* POL-62 */
    return weft_lang_trie_build(items, count, parse->arena, parse->scratch, &p->shown);
}

/* --- what it costs ------------------------------------------------------------------------ */

static uint32_t term_steps(const struct weft_policy *p, const struct weft_lang_term *term)
{
    bool is_definition = term->type == WEFT_LANG_GROUP || term->type == WEFT_LANG_SCOPE;
    return 1 + (is_definition ? p->definitions[term->definition].steps : 0);
}

/* Groups and scopes are looked at once for all statements, except of approvers: each of those is
 * held to the group, and to the approvers before. */
static uint32_t statement_steps(const struct weft_policy *p, const struct weft_lang_statement *s)
{
    uint32_t steps = 1;
    for (uint32_t clause = 0; clause < WEFT_LANG_CLAUSE_NEED; clause++) {
        steps += s->counts[clause];
    }
    if (s->need_count > 0) {
        const struct weft_lang_term *group = weft_lang_terms(p, s, WEFT_LANG_CLAUSE_NEED);
        steps += WEFT_POLICY_APPROVALS_MAX * (term_steps(p, group) + WEFT_POLICY_APPROVALS_MAX / 2);
    }
    return steps;
}

static uint64_t decision_steps(struct weft_policy *p)
{
    uint64_t of_action[WEFT_ACTIONS] = {0};
    uint64_t definitions = 0;
    for (uint32_t i = 0; i < p->definition_count; i++) {
        definitions += 1 + p->definitions[i].term_count;
        p->bounds.depth =
            p->definitions[i].depth > p->bounds.depth ? p->definitions[i].depth : p->bounds.depth;
    }
    for (uint32_t i = 0; i < p->statement_count; i++) {
        struct weft_lang_statement *s = &p->statements[i];
        s->steps = statement_steps(p, s);
        if (s->steps > p->bounds.worst_steps) {
            p->bounds.worst_kind = s->kind;
            p->bounds.worst_name = s->name;
            p->bounds.worst_steps = s->steps;
        }
        for (uint32_t action = 0; action < WEFT_ACTIONS; action++) {
            of_action[action] += (s->actions & 1u << action) != 0 ? s->steps : 0;
        }
    }
    uint64_t worst = 0;
    for (uint32_t action = 0; action < WEFT_ACTIONS; action++) {
        worst = of_action[action] > worst ? of_action[action] : worst;
    }
    /* All of an action's statements: an asset that is not known passes none of them by. */
    return worst + definitions + p->assets.depth + 1;
}

/* Of one field: a node, what it names, the dearest of the literal children (a segment is one of
 * them at most), and each of those with a star. Children lie behind their parents. */
static enum weft_err field_steps(
    const struct weft_lang_parse *parse, const struct weft_lang_trie *trie, uint64_t *ret_steps)
{
    uint64_t *steps = weft_arena_array(parse->scratch, trie->node_count, sizeof(steps[0]));
    if (steps == NULL) {
        return no_room(parse);
    }
    for (uint32_t i = trie->node_count; i-- > 0;) {
        const struct weft_lang_node *node = &trie->nodes[i];
        uint64_t dearest = 0;
        uint64_t stars = 0;
        for (uint32_t j = 0; j < node->literal_count + node->star_count; j++) {
            uint64_t child = steps[node->first_child + j];
            if (j >= node->literal_count) {
                stars += child;
            } else {
                dearest = child > dearest ? child : dearest;
            }
        }
        steps[i] = 1 + node->value_count + dearest + stars;
    }
    *ret_steps = steps[0];
    return WEFT_OK;
}

static enum weft_err check_steps(
    const struct weft_lang_parse *parse, struct weft_policy *p, uint64_t steps, uint64_t fields)
{
    if (steps <= WEFT_POLICY_STEPS_MAX && fields <= WEFT_POLICY_STEPS_MAX) {
        p->bounds.steps_max = (uint32_t)steps;
        p->bounds.field_steps_max = (uint32_t)fields;
        return WEFT_OK;
    }
    uint32_t line = 1;
    for (uint32_t i = 0; i < p->statement_count; i++) {
        if (weft_text_equal(p->statements[i].name, p->bounds.worst_name)) {
            line = p->statements[i].line;
        }
    }
    if (parse->ret_place != NULL) {
        *parse->ret_place = (struct weft_policy_place){line, 1};
    }
    bool is_decision = steps > WEFT_POLICY_STEPS_MAX;
    return weft_fail(parse->msg, WEFT_ETOOBIG,
        "%s:%u:1: expected at most %d steps in the worst %s, found %llu; the dearest statement is "
        "%s %.*s with %u",
        parse->file, line, WEFT_POLICY_STEPS_MAX, is_decision ? "decision" : "field",
        (unsigned long long)(is_decision ? steps : fields),
        weft_policy_statement_kind_name(p->bounds.worst_kind), (int)p->bounds.worst_name.size,
        p->bounds.worst_name.data, p->bounds.worst_steps);
}

/* How far into an asset's name patterns look. */
static uint32_t asset_depth(const struct weft_policy *p)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < p->term_count; i++) {
        struct weft_text rest = p->terms[i].pattern.text, segment;
        uint32_t count = 0;
        while (p->terms[i].type == WEFT_LANG_ASSET && weft_lang_trie_segment(&rest, &segment)) {
            count++;
        }
        depth = count > depth ? count : depth;
    }
    return depth;
}

enum weft_err weft_lang_compile(const struct weft_lang_parse *parse, struct weft_policy *p)
{
    uint64_t fields = 0;
    enum weft_err err = keep_arrays(parse, p);
    if (err == WEFT_OK) {
        err = number_terms(parse, p);
    }
    if (err == WEFT_OK) {
        err = write_briefs(parse, p);
    }
    if (err == WEFT_OK) {
        err = index_assets(parse, p);
    }
    if (err == WEFT_OK) {
        err = index_fields(parse, p);
    }
    if (err == WEFT_OK) {
        err = field_steps(parse, &p->shown, &fields);
    }
    if (err != WEFT_OK) {
        return weft_fail(
            parse->msg, err, "%s:1:1: expected a policy that fits in memory", parse->file);
    }
    p->asset_depth = asset_depth(p);
    p->bounds.statements = p->statement_count;
    p->bounds.definitions = p->definition_count;
    p->bounds.terms = p->term_count;
    return check_steps(parse, p, decision_steps(p), fields);
}
