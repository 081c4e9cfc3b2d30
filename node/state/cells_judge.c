/* What a cell comes to, from its rows. */
#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/cells_desk.h"
#include "proto/check.h"

/* What was gathered of one cell, in any order. */
struct gathered {
    const struct weft_cells_desk *desk;
    struct weft_cells_word *words;
    uint32_t count;
    uint32_t capacity;
    uint32_t names; /* Of those under one prefix. */
};

static enum weft_err no_memory(const struct weft_cells_desk *desk)
{
    return weft_fail(desk->msg, WEFT_ENOMEM, "judge a cell");
}

static struct weft_cells_word *add(struct gathered *g)
{
    if (g->count == g->capacity) {
        uint32_t capacity = g->capacity == 0 ? 8 : 2 * g->capacity;
        struct weft_cells_word *words = weft_arena_array(g->desk->arena, capacity, sizeof(*words));
        if (words == NULL) {
            return NULL;
        }
        if (g->count > 0) {
            memcpy(words, g->words, g->count * sizeof(*words));
        }
        g->words = words;
        g->capacity = capacity;
    }
    return &g->words[g->count++];
}

/* Of an act the word stands with the act. */
static enum weft_err read_act(const struct weft_cells_desk *desk, const struct weft_digest *digest,
    struct weft_store_value *ret_value)
{
    struct weft_key key = weft_cells_key_of(desk, WEFT_CELLS_ACTS, digest, NULL);
    enum weft_err err = weft_cells_rows_get(desk->rows, &key, ret_value, desk->msg);
    return err == WEFT_ENOTFOUND
               ? weft_fail(desk->msg, WEFT_ECORRUPT, "an act in the state is missing")
               : err;
}

static enum weft_err take_row(struct gathered *g, const struct weft_cells_cursor *cursor)
{
    struct weft_bytes rest = weft_cells_cursor_rest(cursor), from = cursor->value;
    struct weft_store_value act = {.handle = NULL};
    struct weft_digest digest;
    struct weft_cells_word *word = add(g);
    if (rest.size != WEFT_DIGEST_SIZE) {
        return weft_fail(g->desk->msg, WEFT_ECORRUPT, "a cell in the state is damaged");
    }
    memcpy(digest.bytes, rest.data, WEFT_DIGEST_SIZE);
    enum weft_err err = WEFT_OK;
    if (from.size == 0) {
        err = read_act(g->desk, &digest, &act);
        from = act.bytes;
    }
    uint8_t *copy = err == WEFT_OK ? weft_arena_alloc(g->desk->arena, from.size) : NULL;
    if (copy != NULL && word != NULL) {
        memcpy(copy, from.data, from.size);
        err = weft_cells_word_decode(
            (struct weft_bytes){copy, from.size}, g->desk->arena, word, g->desk->msg);
        word->statement.digest = digest;
        g->names += err == WEFT_OK ? word->statement.name_count : 0;
    } else if (err == WEFT_OK) {
        err = no_memory(g->desk);
    }
    weft_store_release(&act);
    return err;
}

/* The first of them by digest that can be judged, and one more if there is: then it is overfull. */
static enum weft_err gather(struct gathered *g, const struct weft_key *prefix, bool is_fresh)
{
    struct weft_cells_cursor cursor;
    uint32_t taken = 0;
    g->names = 0;
    enum weft_err err = WEFT_OK;
    if (is_fresh) {
        cursor = weft_cells_cursor_fresh(g->desk->rows, prefix, g->desk->msg);
    } else {
        err = weft_cells_cursor_open(g->desk->rows, prefix, NULL, &cursor, g->desk->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && taken <= WEFT_CELL_STATEMENTS_MAX &&
           g->names <= WEFT_CELL_NAMES_TOTAL_MAX && weft_cells_cursor_next(&cursor)) {
        err = take_row(g, &cursor);
        taken++;
    }
    return weft_cells_cursor_close(&cursor, err);
}

static int by_digest(const void *a, const void *b)
{
    const struct weft_cells_word *x = a, *y = b;
    return memcmp(x->statement.digest.bytes, y->statement.digest.bytes, WEFT_DIGEST_SIZE);
}

/* What of it is judged: a function of the set alone (NOD-223). */
static enum weft_err fill(struct gathered *g, struct weft_cells_judged *j)
{
    struct weft_cell_statement *memory = weft_arena_array(g->desk->arena,
        g->count < WEFT_CELL_STATEMENTS_MAX ? g->count : WEFT_CELL_STATEMENTS_MAX, sizeof(*memory));
    if (memory == NULL) {
        return no_memory(g->desk);
    }
    if (g->count > 1) {
        qsort(g->words, g->count, sizeof(*g->words), by_digest);
    }
    j->set = (struct weft_cell_set){
        memory, 0, g->count < WEFT_CELL_STATEMENTS_MAX ? g->count : WEFT_CELL_STATEMENTS_MAX, 0};
    for (uint32_t i = 0; i < g->count && !j->is_overfull; i++) {
        enum weft_err err = weft_cell_add(&j->set, &g->words[i].statement);
        if (err == WEFT_EINVAL) {
            return weft_fail(g->desk->msg, WEFT_ECORRUPT, "a statement in the state is damaged");
        }
        j->is_overfull = err == WEFT_ETOOBIG;
    }
    return WEFT_OK;
}

/* --- authority ------------------------------------------------------------------------------- */

/* All handoffs of it: the first ones by digest. */
static enum weft_err read_handoffs(const struct weft_cells_desk *desk, struct weft_text kind,
    struct weft_text group, struct weft_handoff_statement **ret_statements, uint32_t *ret_count)
{
    uint8_t kg[WEFT_CELLS_KG_SIZE];
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_desk_key(desk, WEFT_CELLS_HANDOFFS);
    struct weft_handoff_statement *statements = NULL;
    uint32_t count = 0;
    weft_cells_kg(kind, group, kg);
    weft_cells_key_add(&prefix, kg, sizeof(kg));
    enum weft_err err = weft_cells_cursor_open(desk->rows, &prefix, NULL, &cursor, desk->msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && count < WEFT_CELL_AUTHORITY_HANDOFFS_MAX &&
           weft_cells_cursor_next(&cursor)) {
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        uint8_t *copy = weft_arena_alloc(desk->arena, cursor.value.size);
        if (statements == NULL) {
            statements = weft_arena_array(
                desk->arena, WEFT_CELL_AUTHORITY_HANDOFFS_MAX, sizeof(*statements));
        }
        if (statements == NULL || copy == NULL || rest.size != WEFT_DIGEST_SIZE) {
            err = statements == NULL || copy == NULL
                      ? no_memory(desk)
                      : weft_fail(desk->msg, WEFT_ECORRUPT, "a handoff in the state is damaged");
            break;
        }
        memcpy(copy, cursor.value.data, cursor.value.size);
        err = weft_cells_handoff_decode((struct weft_bytes){copy, cursor.value.size}, desk->arena,
            &statements[count], desk->msg);
        memcpy(statements[count++].digest.bytes, rest.data, WEFT_DIGEST_SIZE);
    }
    *ret_statements = statements;
    *ret_count = count;
    return weft_cells_cursor_close(&cursor, err);
}

enum weft_err weft_cells_authority(const struct weft_cells_desk *desk, struct weft_text kind,
    struct weft_text group, struct weft_cell_authority *ret_authority)
{
    const struct weft_contract *contract = &desk->agreement->contract;
    const uint32_t party = weft_contract_authority(contract, kind, group);
    struct weft_handoff_statement *statements = NULL;
    uint32_t count = 0;
    enum weft_err err = WEFT_OK;
    if (!desk->agreement->lacks_handoffs) {
        err = read_handoffs(desk, kind, group, &statements, &count);
    }
    *ret_authority = (struct weft_cell_authority){.count = 0};
    if (err != WEFT_OK || party == WEFT_CONTRACT_NOBODY) {
        return err;
    }
    err = weft_cell_authority_fold(
        kind, group, contract->parties[party].site, 1, statements, count, ret_authority);
    return err == WEFT_ETOOBIG ? WEFT_OK : err; /* Terms past the limit: it is nobody's. */
}

/* --- judging --------------------------------------------------------------------------------- */

/* The fault that the newest by the clock counts (tests/mutants). */
static void count_newest(struct weft_cells_judged *j)
{
    const struct weft_cell_statement *newest = NULL;
    if (!weft_node_mutant(WEFT_NODE_MUTANT_CELL_LAST_WRITER)) {
        return;
    }
    for (uint32_t i = 0; i < j->set.count; i++) {
        const struct weft_cell_statement *s = &j->set.statements[i];
        if (s->act == WEFT_CELL_SAY && (newest == NULL || s->time_ns >= newest->time_ns)) {
            newest = s;
        }
    }
    j->answer.value = newest != NULL ? newest->value : j->answer.value;
    j->answer.is_disputed = false;
}

static enum weft_err judge_all(const struct weft_cells_desk *desk, struct weft_text kind,
    struct weft_text group, struct weft_cells_judged *j)
{
    struct weft_cell_authority *authority = weft_arena_alloc(desk->arena, sizeof(*authority));
    if (authority == NULL) {
        return no_memory(desk);
    }
    struct weft_cell_terms terms = {.rule = j->rule,
        .parties = {desk->agreement->parties[0], desk->agreement->parties[1]},
        .authority = authority};
    enum weft_err err = WEFT_OK;
    if (j->rule == WEFT_CELL_OWNER) {
        err = weft_cells_authority(desk, kind, group, authority);
    }
    if (err == WEFT_OK) {
        err = weft_cell_judge(&terms, &j->set, desk->arena, &j->answer);
        err = err == WEFT_OK ? WEFT_OK : no_memory(desk);
    }
    if (err == WEFT_OK) {
        count_newest(j);
        j->state = weft_cell_state(&j->cell, &j->set, &j->answer);
    }
    return err;
}

enum weft_err weft_cells_judge(const struct weft_cells_desk *desk,
    const struct weft_digest *subject, const uint8_t kg[WEFT_CELLS_KG_SIZE],
    struct weft_alias_set *ret_set, struct weft_cells_judged *ret_judged)
{
    struct gathered g = {.desk = desk};
    struct weft_cells_judged *j = ret_judged;
    *j = (struct weft_cells_judged){.rule = WEFT_CELL_OWNER};
    enum weft_err err = weft_cells_set(desk, subject, ret_set);
    j->kind = desk->kind;
    j->group = desk->group;
    if (err == WEFT_OK && desk->kind.size == 0) {
        err = weft_cells_group(desk, kg, &j->kind, &j->group);
    }
    if (err != WEFT_OK) {
        return err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    /* Its aliases may have something. */
    const bool is_fresh = desk->is_fresh && ret_set->count == 1;
    for (uint32_t i = 0; err == WEFT_OK && i < ret_set->count; i++) {
        struct weft_key prefix =
            weft_cells_key_of(desk, WEFT_CELLS_WORDS, &ret_set->subjects[i], NULL);
        weft_cells_key_add(&prefix, kg, WEFT_CELLS_KG_SIZE);
        err = gather(&g, &prefix, is_fresh);
    }
    j->cell = weft_cell_id(&ret_set->subjects[0], j->kind, j->group);
    j->rule = weft_contract_rule(&desk->agreement->contract, j->kind, j->group);
    if (err == WEFT_OK) {
        err = fill(&g, j);
    }
    return err == WEFT_OK ? judge_all(desk, j->kind, j->group, j) : err;
}

/* Of an edge: MATCH if one of its statements has it, else the rule of the first by digest, whose
 * kind is given. */
static void rule_of_edge(
    const struct gathered *g, struct weft_cells_judged *j, struct weft_text *ret_kind)
{
    *ret_kind = (struct weft_text){NULL, 0};
    for (uint32_t i = g->count; i-- > 0;) {
        const struct weft_cells_word *word = &g->words[i];
        if (word->statement.act == WEFT_CELL_SAY) {
            *ret_kind = word->kind;
            j->rule = j->rule == WEFT_CELL_MATCH ? j->rule : (enum weft_cell_rule)word->rule;
        }
    }
}

enum weft_err weft_cells_judge_edge(const struct weft_cells_desk *desk,
    const struct weft_digest *parent, const struct weft_digest *child,
    struct weft_cells_judged *ret_judged)
{
    struct gathered g = {.desk = desk};
    struct weft_cells_judged *j = ret_judged;
    struct weft_cells_cursor cursor;
    struct weft_text kind;
    struct weft_key prefix = weft_cells_key_of(desk, WEFT_CELLS_FILED_EDGES, parent, child);
    *j = (struct weft_cells_judged){.kind = WEFT_TEXT(WEFT_CELLS_EDGE_KIND)};
    enum weft_err err = weft_cells_cursor_open(desk->rows, &prefix, NULL, &cursor, desk->msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && weft_cells_cursor_next(&cursor)) {
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        struct weft_key words = weft_cells_desk_key(desk, WEFT_CELLS_EDGE_WORDS);
        weft_cells_key_add(&words, rest.data, rest.size);
        err = gather(&g, &words, false);
    }
    err = weft_cells_cursor_close(&cursor, err);
    if (err != WEFT_OK || g.count == 0) {
        return err;
    }
    struct weft_digest subject = weft_intake_edge_subject(parent, child);
    j->cell = weft_cell_id(&subject, j->kind, j->group);
    err = fill(&g, j);
    rule_of_edge(&g, j, &kind);
    return err == WEFT_OK ? judge_all(desk, kind, j->group, j) : err;
}
