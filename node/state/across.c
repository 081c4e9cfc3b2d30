#include "node/state/across.h"

#include <stdlib.h>

#include "node/state/across_sight.h"
#include "node/state/machine.h"

static enum weft_err no_memory(const struct weft_across *x)
{
    return weft_fail(x->site->run->msg, WEFT_ENOMEM, "a tree across organizations");
}

static struct weft_cells_desk desk_of(const struct weft_across *x, uint32_t agreement)
{
    struct weft_recalls *r = x->site;
    return (struct weft_cells_desk){.rows = &r->rows,
        .agreement = &r->agreements[agreement],
        .arena = &r->arena,
        .msg = r->run->msg};
}

/* --- names ----------------------------------------------------------------------------------- */

static bool has_subject(const struct weft_across_node *node, const struct weft_digest *subject)
{
    uint32_t i = 0;
    while (i < node->subject_count && !weft_digest_equal(&node->subjects[i], subject)) {
        i++;
    }
    return i < node->subject_count;
}

enum weft_err weft_across_gather(struct weft_across *x, struct weft_across_node *node)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < node->subject_count; i++) {
        for (uint32_t k = 0; err == WEFT_OK && k < x->site->agreement_count; k++) {
            struct weft_alias_set set = {.count = 0};
            const struct weft_cells_desk desk = desk_of(x, k);
            err = weft_cells_set(&desk, &node->subjects[i], &set);
            for (uint32_t s = 0; s < set.count; s++) {
                if (node->subject_count < WEFT_ACROSS_NAMES_MAX &&
                    !has_subject(node, &set.subjects[s])) {
                    node->subjects[node->subject_count++] = set.subjects[s];
                }
            }
        }
    }
    return err;
}

/* The place of who has one of these names; UINT32_MAX: nobody. */
static uint32_t find_node(const struct weft_across *x, const struct weft_across_node *node)
{
    for (uint32_t i = 0; i < x->count; i++) {
        for (uint32_t s = 0; s < node->subject_count; s++) {
            if (has_subject(&x->nodes[i], &node->subjects[s])) {
                return i;
            }
        }
    }
    return UINT32_MAX;
}

static enum weft_err reserve(struct weft_across *x)
{
    if (x->count < x->capacity) {
        return WEFT_OK;
    }
    const uint32_t capacity = x->capacity == 0 ? 64 : 2 * x->capacity;
    struct weft_across_node *nodes = realloc(x->nodes, capacity * sizeof(*nodes));
    x->nodes = nodes != NULL ? nodes : x->nodes;
    uint32_t *agreements = realloc(x->agreements, capacity * sizeof(*agreements));
    x->agreements = agreements != NULL ? agreements : x->agreements;
    if (nodes == NULL || agreements == NULL) {
        return no_memory(x);
    }
    x->capacity = capacity;
    return WEFT_OK;
}

static bool has_way(const struct weft_across *x, uint32_t node, uint32_t parent)
{
    uint32_t i = 0;
    while (i < x->way_count && (x->ways[i].node != node || x->ways[i].parent != parent)) {
        i++;
    }
    return i < x->way_count || x->nodes[node].parent == parent;
}

/* NOD-182: a name is told. */
static void note(const struct weft_across *x, struct weft_text asset)
{
    weft_labels_note(&x->site->run->view->tally, asset, (struct weft_text){NULL, 0});
}

static struct weft_text keep(struct weft_across *x, struct weft_text text)
{
    return weft_arena_text(&x->site->kept, text);
}

static enum weft_err add_way(
    struct weft_across *x, uint32_t node, const struct weft_across_node *as, uint32_t agreement)
{
    x->nodes[as->parent].child_count++;
    if (has_way(x, node, as->parent)) {
        return WEFT_OK;
    }
    if (x->way_count == WEFT_ACROSS_WAYS_MAX) {
        x->nodes[as->parent].hole = WEFT_ACROSS_CUT;
        return WEFT_OK;
    }
    if (x->way_count == x->way_capacity) {
        const uint32_t capacity = x->way_capacity == 0 ? 64 : 2 * x->way_capacity;
        struct weft_across_way *ways = realloc(x->ways, capacity * sizeof(*ways));
        if (ways == NULL) {
            return no_memory(x);
        }
        x->ways = ways;
        x->way_capacity = capacity;
    }
    x->ways[x->way_count++] = (struct weft_across_way){.node = node,
        .parent = as->parent,
        .rel = keep(x, as->rel),
        .by = keep(x, as->by),
        .is_disputed = as->is_disputed,
        .place = as->place,
        .agreement = agreement};
    return WEFT_OK;
}

enum weft_err weft_across_add(struct weft_across *x, const struct weft_subject_name *name,
    const struct weft_across_node *as, uint32_t agreement)
{
    struct weft_across_node node = *as;
    node.subjects[0] = weft_subject_of(name);
    node.subject_count = 1;
    node.knower = UINT32_MAX;
    enum weft_err err = weft_across_gather(x, &node);
    const uint32_t known = err == WEFT_OK ? find_node(x, &node) : UINT32_MAX;
    if (known != UINT32_MAX) {
        return add_way(x, known, as, agreement);
    }
    if (err == WEFT_OK && x->count == WEFT_ACROSS_NODES_MAX) {
        x->nodes[as->parent].hole = WEFT_ACROSS_CUT;
        return WEFT_OK;
    }
    if (err != WEFT_OK) {
        return err;
    }
    node.name = (struct weft_subject_name){
        keep(x, name->authority), keep(x, name->kind), keep(x, name->key)};
    node.rel = keep(x, as->rel);
    node.by = keep(x, as->by);
    err = node.name.key.data != NULL && node.name.kind.data != NULL ? reserve(x) : no_memory(x);
    if (err == WEFT_OK) {
        x->agreements[x->count] = agreement;
        x->nodes[x->count++] = node;
        x->nodes[as->parent].child_count += x->count > 1;
    }
    return err;
}

static bool is_cut(const struct weft_across *x, uint32_t at)
{
    return x->nodes[at].hole == WEFT_ACROSS_CUT;
}

/* --- what this site's records say ------------------------------------------------------------ */

static enum weft_err look_made(
    struct weft_across *x, struct weft_across_node *node, uint64_t asset, struct weft_text name)
{
    struct weft_run *run = x->site->run;
    struct weft_key key = weft_key_version(asset, x->as_built, 0, 0);
    const struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    if (x->as_built == 0 || node->is_made_here) {
        return WEFT_OK;
    }
    weft_store_walk_to(run->walk, &key);
    const bool has = weft_store_walk_is_below(run->walk, prefix);
    enum weft_err err = weft_store_walk_err(run->walk, run->msg);
    if (has && !weft_across_may_see_inside(x, WEFT_TEXT("as_built"), name)) {
        weft_across_keep_back(x, (uint32_t)(node - x->nodes), WEFT_TEXT("as_built"));
        return err;
    }
    node->is_made_here = has;
    node->made_as = has ? keep(x, name) : name;
    return err;
}

/* NOD-170: the search follows what may be seen alone. */
static enum weft_err add_own_child(
    struct weft_across *x, uint32_t at, const struct weft_reached *reached)
{
    static const struct weft_digest none;
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name name;
    struct weft_text asset;
    enum weft_err err = weft_around_name(&x->around, reached->number, &asset);
    if (err != WEFT_OK || weft_cells_name_thing(x->site->site, asset, true, &none, key, &name) !=
                              WEFT_SUBJECT_TO_CELL) {
        return err;
    }
    note(x, asset);
    const struct weft_across_node as = {.parent = at,
        .depth = x->nodes[at].depth + 1,
        .rel = x->around.rels[reached->rel].name,
        .by = x->site->site,
        .place = weft_around_place(&x->around, reached->evidence)};
    return weft_across_add(x, &name, &as, UINT32_MAX);
}

/* By a partner's name of whatever kind, his site. */
static enum weft_err look_maker(
    struct weft_across *x, uint32_t at, const uint64_t *ids, uint32_t count)
{
    struct weft_recalls *r = x->site;
    struct weft_text name;
    uint64_t maker;
    enum weft_err err = weft_recalls_find_maker(r, ids, count, &maker);
    if (err != WEFT_OK || maker == 0) {
        return err;
    }
    err = weft_recalls_name(r, maker, &name);
    x->nodes[at].hole = WEFT_ACROSS_STRANGER; /* If it comes to that. */
    if (err == WEFT_OK) {
        note(x, name);
    }
    for (uint32_t p = 0; err == WEFT_OK && p < r->partner_count; p++) {
        for (uint32_t i = 0; i < r->partners[p].id_count; i++) {
            if (r->partners[p].ids[i] == maker) {
                name = r->partners[p].site;
                x->nodes[at].hole = WEFT_ACROSS_SILENT;
            }
        }
    }
    x->nodes[at].maker = err == WEFT_OK ? keep(x, name) : name;
    return err;
}

static enum weft_err search_own(struct weft_across *x, uint32_t at, const uint64_t *ids, uint32_t n)
{
    struct weft_search search;
    enum weft_err err = WEFT_OK;
    weft_search_init(&search, &x->around, false);
    search.depth_max = 1;
    for (uint32_t i = 0; err == WEFT_OK && i < n; i++) {
        err = weft_search_enter(&search, ids[i]);
    }
    err = err == WEFT_OK && n > 0 ? weft_search_run(&search) : err;
    for (uint32_t i = 0; err == WEFT_OK && i < search.count && !is_cut(x, at); i++) {
        if (search.reached[i].depth == 1) {
            err = add_own_child(x, at, &search.reached[i]);
        }
    }
    err = err == WEFT_OK ? weft_across_withhold_own(x, at, ids, n, &search) : err;
    weft_search_close(&search);
    return err;
}

/* What this site calls so: names of its own, and nobody's. */
static enum weft_err expand_own(struct weft_across *x, uint32_t at)
{
    struct weft_recalls *r = x->site;
    uint64_t *ids = NULL;
    uint32_t count = 0;
    const struct weft_subject_name *name = &x->nodes[at].name;
    enum weft_err err = weft_recalls_assets(
        r, name, x->nodes[at].subjects, x->nodes[at].subject_count, &ids, &count);
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        struct weft_text asset;
        uint32_t number;
        err = weft_around_number(&x->around, ids[i], &number);
        err = err == WEFT_OK ? weft_around_name(&x->around, number, &asset) : err;
        err = err == WEFT_OK ? look_made(x, &x->nodes[at], ids[i], asset) : err;
    }
    err = err == WEFT_OK ? look_maker(x, at, ids, count) : err;
    return err == WEFT_OK ? search_own(x, at, ids, count) : err;
}

/* --- what partners have stated --------------------------------------------------------------- */

/* What is said of an edge, as far as it may be seen. */
struct words {
    const struct weft_cell_statement *in; /* A partner's, that the one is in the other... */
    struct weft_text asset;               /* ...by a record of this one. */
    struct weft_text withheld;            /* Kind of what may not be seen, a partner's such one. */
    bool is_withheld;
    bool is_in_withheld;
};

static enum weft_err find_words(struct weft_across *x, uint32_t at,
    const struct weft_cells_desk *desk, const struct weft_cell_set *set, struct weft_text child,
    struct words *ret_words)
{
    enum weft_err err = WEFT_OK;
    *ret_words = (struct words){.in = NULL};
    for (uint32_t i = 0; err == WEFT_OK && i < set->count; i++) {
        const struct weft_cell_statement *s = &set->statements[i];
        const bool is_in = s->act == WEFT_CELL_SAY && weft_text_is(s->value, "in") &&
                           !weft_cell_is_of(s->author, x->site->site);
        struct weft_cells_place place;
        if ((!is_in || ret_words->in != NULL) && x->site->run->reveal == NULL) {
            continue;
        }
        err = weft_cells_place(desk, &s->digest, &place);
        if (err == WEFT_OK && !weft_across_may_see_edge(x, &place, x->nodes[at].name.key, child)) {
            ret_words->withheld = place.kind;
            ret_words->is_withheld = true;
            ret_words->is_in_withheld = ret_words->is_in_withheld || is_in;
        } else if (err == WEFT_OK && is_in && ret_words->in == NULL) {
            ret_words->asset = place.asset;
            ret_words->in = s;
        }
    }
    return err;
}

/* Does what the words come to go into the tree? What follows from words that may not be seen is
 * withheld with them: that the one is not in the other, or that they are at odds. */
static enum weft_err is_in_tree(struct weft_across *x, uint32_t at, const struct words *words,
    const struct weft_cell_answer *answer, bool *ret_is)
{
    const bool is_out =
        answer->has_value && !answer->is_disputed && !weft_text_is(answer->value, "in");
    *ret_is = !is_out && words->in != NULL && !(words->is_withheld && answer->is_disputed);
    const bool is_kept =
        words->is_withheld && !*ret_is && (words->in != NULL || (!is_out && words->is_in_withheld));
    return is_kept ? weft_across_withhold(x, at, words->withheld) : WEFT_OK;
}

static enum weft_err add_edge(struct weft_across *x, uint32_t at, uint32_t agreement,
    const struct weft_digest *parent, const struct weft_digest *child)
{
    const struct weft_cells_desk desk = desk_of(x, agreement);
    struct weft_key key = weft_cells_key_of(&desk, WEFT_CELLS_EDGES, parent, child);
    struct weft_store_value value = {.handle = NULL};
    struct weft_cells_judged judged = {.set = {.count = 0}};
    struct weft_cells_edge edge;
    struct weft_cells_subject known;
    struct words words;
    bool is_in = false;
    enum weft_err err = weft_cells_rows_get(desk.rows, &key, &value, desk.msg);
    err = err == WEFT_OK ? weft_cells_edge_decode(value.bytes, desk.arena, &edge, desk.msg) : err;
    weft_store_release(&value);
    err = err == WEFT_OK ? weft_cells_judge_edge(&desk, &edge.parent, &edge.child, &judged) : err;
    if (err != WEFT_OK || judged.set.count == 0) {
        return err;
    }
    err = weft_cells_subject(&desk, child, &known);
    if (err != WEFT_OK) {
        return err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    err = find_words(x, at, &desk, &judged.set, known.name.key, &words);
    err = err == WEFT_OK ? is_in_tree(x, at, &words, &judged.answer, &is_in) : err;
    if (err != WEFT_OK || !is_in || words.in == NULL) {
        return err;
    }
    note(x, words.asset);
    note(x, known.name.key);
    const struct weft_across_node as = {.parent = at,
        .depth = x->nodes[at].depth + 1,
        .by = words.in->author,
        .is_disputed = judged.answer.is_disputed};
    return weft_across_add(x, &known.name, &as, agreement);
}

static enum weft_err expand_stated(
    struct weft_across *x, uint32_t at, uint32_t agreement, const struct weft_digest *subject)
{
    const struct weft_cells_desk desk = desk_of(x, agreement);
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_key_of(&desk, WEFT_CELLS_EDGES, subject, NULL);
    enum weft_err err = weft_cells_cursor_open(desk.rows, &prefix, NULL, &cursor, desk.msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && !is_cut(x, at) && weft_cells_cursor_next(&cursor)) {
        struct weft_digest child;
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        if (rest.size != WEFT_DIGEST_SIZE) {
            err = weft_run_damaged(x->site->run, "an edge");
            break;
        }
        memcpy(child.bytes, rest.data, WEFT_DIGEST_SIZE);
        err = weft_run_yield(x->site->run, 1);
        err = err == WEFT_OK ? add_edge(x, at, agreement, subject, &child) : err;
    }
    return weft_cells_cursor_close(&cursor, err);
}

/* What the partner says it is made of, and all of that is shown. */
static bool tells_inside(
    const struct weft_contract *contract, uint32_t party, const struct weft_cells_place *place)
{
    return weft_text_is(place->kind, "as_built") &&
           weft_contract_disclosure(
               &contract->sides[party], place->kind, WEFT_TEXT("@link/consumes")) == WEFT_DISCLOSED;
}

/* Has the partner of that agreement stated anything of it, that may be seen? */
static enum weft_err look_known(
    struct weft_across *x, uint32_t at, uint32_t agreement, const struct weft_digest *subject)
{
    const struct weft_cells_desk desk = desk_of(x, agreement);
    const struct weft_contract *contract = &x->site->agreements[agreement].contract;
    const uint32_t own = weft_contract_party(contract, x->site->site);
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_key_of(&desk, WEFT_CELLS_WORDS, subject, NULL);
    enum weft_err err = weft_cells_cursor_open(desk.rows, &prefix, NULL, &cursor, desk.msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_across_node *node = &x->nodes[at];
    while (err == WEFT_OK && !node->is_told && weft_cells_cursor_next(&cursor)) {
        struct weft_cells_place place;
        struct weft_digest digest;
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        if (rest.size < WEFT_CELLS_KG_SIZE + WEFT_DIGEST_SIZE) {
            err = weft_run_damaged(x->site->run, "a cell");
            break;
        }
        memcpy(digest.bytes, rest.data + WEFT_CELLS_KG_SIZE, WEFT_DIGEST_SIZE);
        err = weft_run_yield(x->site->run, 1);
        err = err == WEFT_OK ? weft_cells_place(&desk, &digest, &place) : err;
        if (err != WEFT_OK || place.party == own) {
            continue;
        }
        if (!weft_cells_may_see(x->a, place.kind, place.asset)) {
            weft_across_keep_back(x, at, place.kind);
            continue;
        }
        note(x, place.asset);
        node->knower = node->knower == UINT32_MAX ? agreement : node->knower;
        node->is_told = tells_inside(contract, place.party, &place);
        if (node->is_told && !weft_across_may_see_inside(x, place.kind, place.asset)) {
            node->is_told = false;
            weft_across_keep_back(x, at, place.kind);
        }
    }
    return weft_cells_cursor_close(&cursor, err);
}

static enum weft_err expand(struct weft_across *x, uint32_t at)
{
    enum weft_err err = expand_own(x, at);
    for (uint32_t k = 0; err == WEFT_OK && k < x->site->agreement_count; k++) {
        for (uint32_t s = 0; err == WEFT_OK && s < x->nodes[at].subject_count; s++) {
            const struct weft_digest subject = x->nodes[at].subjects[s]; /* They may move. */
            err = expand_stated(x, at, k, &subject);
            err = err == WEFT_OK ? look_known(x, at, k, &subject) : err;
        }
    }
    return err;
}

/* --- holes ----------------------------------------------------------------------------------- */

/* Who led here may know more than that it is there. */
static void find_hole(struct weft_across *x, uint32_t at)
{
    struct weft_across_node *node = &x->nodes[at];
    const bool is_whole =
        node->child_count > 0 || node->is_made_here || node->is_told || node->is_withheld;
    if (is_cut(x, at)) {
        return;
    }
    node->knower = node->knower == UINT32_MAX ? x->agreements[at] : node->knower;
    if (is_whole) {
        node->hole = node->is_ring ? WEFT_ACROSS_ASKED : WEFT_ACROSS_NO_HOLE;
        return;
    }
    if (node->asked != WEFT_ASK_ANSWERED) {
        node->hole = WEFT_ACROSS_ASKED;
        return;
    }
    if (node->knower == UINT32_MAX) {
        node->hole = node->hole == WEFT_ACROSS_NO_HOLE ? WEFT_ACROSS_UNKNOWN : node->hole;
        return;
    }
    const struct weft_contract *contract = &x->site->agreements[node->knower].contract;
    node->hole = weft_contract_template_depth(contract, WEFT_TEXT(WEFT_ACROSS_TEMPLATE)) > 0
                     ? WEFT_ACROSS_NOT_ASKED
                     : WEFT_ACROSS_CLOSED;
}

/* NOD-173: of a thing of which no record may be seen nothing is told, nor whether there is one. */
static enum weft_err tell_nothing(const struct weft_run *run, struct weft_text asset)
{
    return run->reveal != NULL && !weft_reveal_knows(run->reveal, asset)
               ? weft_reveal_refuse(run->reveal, asset, run->view->index, run->msg)
               : weft_fail(run->msg, WEFT_ENOTFOUND, "no such asset");
}

static enum weft_err check_start(struct weft_across *x, struct weft_text asset)
{
    struct weft_run *run = x->site->run;
    struct weft_head head = {.rev = 0};
    const struct weft_across_node *start = &x->nodes[0];
    bool has = start->child_count > 0 || start->knower != UINT32_MAX || start->is_made_here;
    bool is_known = false;
    uint32_t number;
    enum weft_err err = has ? WEFT_OK : weft_run_head(run, asset, &head);
    is_known = err == WEFT_OK && run->reveal == NULL;
    if (err == WEFT_OK && !has && !is_known) {
        err = weft_around_number(&x->around, head.id, &number);
        err = err == WEFT_OK ? weft_around_is_known(&x->around, number, false, &is_known) : err;
    }
    err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
    return err != WEFT_OK || has || is_known ? err : tell_nothing(run, asset);
}

static enum weft_err open_tree(struct weft_across *across, const struct weft_subject_name *name)
{
    static const struct weft_across_node start = {.parent = 0};
    struct weft_run *run = across->site->run;
    enum weft_err err = weft_run_word(run, 'k', WEFT_TEXT("as_built"), &across->as_built);
    across->is_open = err == WEFT_OK; /* What fails to open holds something, too. */
    err =
        err == WEFT_OK ? weft_around_open(&across->around, run, (struct weft_text){NULL, 0}) : err;
    err = err == WEFT_OK ? reserve(across) : err;
    err = err == WEFT_OK ? weft_across_add(across, name, &start, UINT32_MAX) : err;
    for (uint32_t i = 0; err == WEFT_OK && i < across->count; i++) {
        err = expand(across, i);
        err = err == WEFT_OK && across->told != NULL ? weft_across_graft(across, i) : err;
        err = err == WEFT_OK ? weft_across_settle(across, i) : err;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < across->count; i++) {
        find_hole(across, i);
    }
    return err;
}

enum weft_err weft_across_open(struct weft_across *across, struct weft_recalls *site,
    struct weft_cells_asking *asking, struct weft_text asset, const struct weft_tiers_answer *told)
{
    static const struct weft_digest none;
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name name;
    *across = (struct weft_across){.site = site, .a = asking, .told = told};
    if (told != NULL && told->count > 0) {
        across->is_told = calloc(told->count, sizeof(*across->is_told));
        if (across->is_told == NULL) {
            return no_memory(across);
        }
    }
    if (weft_cells_name_thing(site->site, asset, true, &none, key, &name) != WEFT_SUBJECT_TO_CELL) {
        return tell_nothing(site->run, asset);
    }
    enum weft_err err = open_tree(across, &name);
    return err == WEFT_OK ? check_start(across, asset) : err;
}

enum weft_err weft_across_open_named(struct weft_across *across, struct weft_recalls *site,
    struct weft_cells_asking *asking, const struct weft_subject_name *name)
{
    *across = (struct weft_across){.site = site, .a = asking};
    return open_tree(across, name);
}

void weft_across_close(struct weft_across *across)
{
    if (across->is_open) {
        weft_around_close(&across->around);
    }
    free(across->nodes);
    free(across->agreements);
    free(across->ways);
    free(across->withheld);
    free(across->is_told);
    *across = (struct weft_across){.site = NULL};
}
