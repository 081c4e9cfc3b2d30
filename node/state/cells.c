#include "node/state/cells.h"

#include <stdlib.h>

#include "node/state/cells_parts.h"
#include "proto/check.h"

/* --- open and close -------------------------------------------------------------------------- */

static void insert(struct weft_cells *cells, struct weft_cells_agreement *agreement)
{
    struct weft_cells_agreement **at = &cells->agreements;
    while (*at != NULL && memcmp((*at)->id, agreement->id, sizeof(agreement->id)) < 0) {
        at = &(*at)->next;
    }
    agreement->next = *at;
    *at = agreement;
}

static enum weft_err is_without(struct weft_cells_rows *rows,
    const struct weft_cells_agreement *agreement, enum weft_cells_table table, bool *ret_is_without,
    struct weft_msg *msg)
{
    struct weft_cells_cursor cursor;
    const struct weft_key prefix = weft_cells_key(agreement->id, table);
    enum weft_err err = weft_cells_cursor_open(rows, &prefix, NULL, &cursor, msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_is_without = !weft_cells_cursor_next(&cursor);
    return weft_cells_cursor_close(&cursor, WEFT_OK);
}

/* What most agreements have none of is not looked for with each statement. */
static enum weft_err load_lacks(
    struct weft_cells_rows *rows, struct weft_cells_agreement *a, struct weft_msg *msg)
{
    enum weft_err err = is_without(rows, a, WEFT_CELLS_EDGES, &a->lacks_edges, msg);
    if (err == WEFT_OK) {
        err = is_without(rows, a, WEFT_CELLS_NAMED_BY, &a->lacks_named, msg);
    }
    return err == WEFT_OK ? is_without(rows, a, WEFT_CELLS_HANDOFFS, &a->lacks_handoffs, msg) : err;
}

/* Who has a row is known without looking into the store. */
static enum weft_err load_subjects(
    struct weft_cells *cells, const struct weft_cells_agreement *a, struct weft_msg *msg)
{
    const struct weft_key prefix = weft_cells_key(a->id, WEFT_CELLS_SUBJECTS);
    struct weft_store_walk *walk = weft_store_walk_create(cells->rows.store, NULL, true);
    enum weft_err err = WEFT_OK;
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "subjects of an agreement");
    }
    for (weft_store_walk_to(walk, &prefix); err == WEFT_OK && !cells->subjects.is_full &&
                                            weft_store_walk_is_below(walk, weft_key_bytes(&prefix));
         weft_store_walk_next(walk)) {
        const struct weft_bytes key = weft_store_walk_key(walk);
        struct weft_digest subject;
        if (key.size != prefix.size + WEFT_DIGEST_SIZE) {
            err = weft_fail(msg, WEFT_ECORRUPT, "a subject in the state is damaged");
            break;
        }
        memcpy(subject.bytes, key.data + prefix.size, WEFT_DIGEST_SIZE);
        weft_filter_add(&cells->subjects, weft_cells_subject_hash(a, &subject));
    }
    err = err == WEFT_OK ? weft_store_walk_err(walk, msg) : err;
    weft_store_walk_destroy(walk);
    return err;
}

/* The first agreement at or behind an id. *ret_agreement NULL: there is none. */
static enum weft_err load_next(struct weft_cells *cells,
    const uint8_t from[WEFT_CELLS_AGREEMENT_SIZE], struct weft_cells_agreement **ret_agreement,
    struct weft_msg *msg)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_key_single(WEFT_KEY_CELLS), first = prefix;
    struct weft_cells_agreement *a = NULL;
    weft_cells_key_add(&first, from, WEFT_CELLS_AGREEMENT_SIZE);
    *ret_agreement = NULL;
    enum weft_err err = weft_cells_cursor_open(&cells->rows, &prefix, &first, &cursor, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_cells_cursor_next(&cursor)) {
        a = calloc(1, sizeof(*a));
        if (a == NULL || cursor.key.size <= 1 + sizeof(a->id)) {
            err = weft_fail(msg, a == NULL ? WEFT_ENOMEM : WEFT_ECORRUPT, "an agreement's cells");
        } else {
            memcpy(a->id, cursor.key.data + 1, sizeof(a->id));
        }
    }
    err = weft_cells_cursor_close(&cursor, err);
    if (err == WEFT_OK && a != NULL) {
        err = weft_cells_agreement_load(&cells->rows, a, msg);
        err = err == WEFT_ENOTFOUND ? weft_wrap(msg, WEFT_ECORRUPT, "an agreement's cells") : err;
        err = err == WEFT_OK ? load_lacks(&cells->rows, a, msg) : err;
        err = err == WEFT_OK ? load_subjects(cells, a, msg) : err;
    }
    if (err != WEFT_OK && a != NULL) {
        weft_cells_agreement_close(a);
        free(a);
        return err;
    }
    *ret_agreement = a;
    return err;
}

static enum weft_err load(struct weft_cells *cells, struct weft_msg *msg)
{
    uint8_t from[WEFT_CELLS_AGREEMENT_SIZE] = {0};
    struct weft_cells_agreement *a;
    for (;;) {
        enum weft_err err = load_next(cells, from, &a, msg);
        if (err != WEFT_OK || a == NULL) {
            weft_cells_rows_settle(&cells->rows);
            return err;
        }
        insert(cells, a);
        memcpy(from, a->id, sizeof(from));
        size_t i = sizeof(from);
        while (i > 0 && ++from[i - 1] == 0) {
            i--;
        }
        if (i == 0) {
            return WEFT_OK;
        }
    }
}

enum weft_err weft_cells_create(struct weft_store *store, struct weft_store_batch *batch,
    struct weft_cells **ret_cells, struct weft_msg *msg)
{
    struct weft_cells *cells = calloc(1, sizeof(*cells));
    if (cells == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open the cells");
    }
    cells->batch = batch;
    cells->rows.store = store;
    cells->arena.size_max = WEFT_CELLS_MEMORY_MAX;
    cells->buffer.size_max = SIZE_MAX / 2;
    enum weft_err err = load(cells, msg);
    if (err != WEFT_OK) {
        weft_cells_destroy(cells);
        return err;
    }
    *ret_cells = cells;
    return WEFT_OK;
}

void weft_cells_destroy(struct weft_cells *cells)
{
    if (cells == NULL) {
        return;
    }
    while (cells->agreements != NULL) {
        struct weft_cells_agreement *a = cells->agreements;
        cells->agreements = a->next;
        weft_cells_agreement_close(a);
        free(a);
    }
    weft_cells_rows_destroy(&cells->rows);
    weft_arena_destroy(&cells->arena);
    weft_buffer_destroy(&cells->buffer);
    free(cells->dirty);
    free(cells->changes);
    free(cells->leaves);
    weft_cells_nodes_destroy(&cells->nodes);
    weft_filter_destroy(&cells->subjects);
    free(cells);
}

/* --- work ------------------------------------------------------------------------------------ */

void weft_cells_begin(struct weft_cells *cells, struct weft_cells_agreement *agreement,
    struct weft_cells_work *ret_work, struct weft_msg *msg)
{
    weft_arena_reset(&cells->arena);
    *ret_work = (struct weft_cells_work){.cells = cells,
        .agreement = agreement,
        .desk = {.rows = &cells->rows, .agreement = agreement, .arena = &cells->arena, .msg = msg},
        .msg = msg};
}

enum weft_err weft_cells_store(
    struct weft_cells_work *w, const struct weft_key *key, enum weft_err err)
{
    const struct weft_buffer *b = &w->cells->buffer;
    return err == WEFT_OK ? weft_cells_rows_put(&w->cells->rows, key, b->data, b->size, w->msg)
                          : err;
}

enum weft_err weft_cells_mark(struct weft_cells_work *w, const struct weft_key *key)
{
    return weft_cells_rows_put(&w->cells->rows, key, NULL, 0, w->msg);
}

static enum weft_err add_dirty(struct weft_cells_work *w, const struct weft_cells_dirty *dirty)
{
    struct weft_cells *c = w->cells;
    if (c->dirty_count == c->dirty_capacity) {
        uint32_t capacity = c->dirty_capacity == 0 ? 64 : 2 * c->dirty_capacity;
        struct weft_cells_dirty *grown = realloc(c->dirty, capacity * sizeof(*grown));
        if (grown == NULL) {
            return weft_fail(w->msg, WEFT_ENOMEM, "cells to be judged");
        }
        c->dirty = grown;
        c->dirty_capacity = capacity;
    }
    c->dirty[c->dirty_count++] = *dirty;
    return WEFT_OK;
}

enum weft_err weft_cells_spoil(struct weft_cells_work *w, const struct weft_digest *subject,
    const uint8_t kg[WEFT_CELLS_KG_SIZE])
{
    struct weft_cells_dirty dirty = {.agreement = w->agreement, .subject = *subject};
    memcpy(dirty.child.bytes, kg, WEFT_CELLS_KG_SIZE);
    return add_dirty(w, &dirty);
}

enum weft_err weft_cells_spoil_known(struct weft_cells_work *w, const struct weft_digest *subject,
    const uint8_t kg[WEFT_CELLS_KG_SIZE], struct weft_text kind, struct weft_text group,
    bool is_fresh)
{
    struct weft_arena *arena = weft_cells_rows_arena(&w->cells->rows);
    struct weft_cells_dirty dirty = {.agreement = w->agreement,
        .subject = *subject,
        .is_fresh = is_fresh,
        .kind = weft_arena_text(arena, kind),
        .group = weft_arena_text(arena, group)};
    memcpy(dirty.child.bytes, kg, WEFT_CELLS_KG_SIZE);
    if (dirty.kind.data == NULL || dirty.group.data == NULL) {
        return weft_fail(w->msg, WEFT_ENOMEM, "a cell to be judged");
    }
    return add_dirty(w, &dirty);
}

enum weft_err weft_cells_spoil_edge(
    struct weft_cells_work *w, const struct weft_digest *parent, const struct weft_digest *child)
{
    const struct weft_cells_dirty dirty = {
        .agreement = w->agreement, .subject = *parent, .child = *child, .is_edge = true};
    return add_dirty(w, &dirty);
}

enum weft_err weft_cells_add_task(struct weft_cells_work *w, const struct weft_cells_task *task)
{
    struct weft_cells_counts *counts = &w->agreement->counts;
    struct weft_key key = weft_cells_desk_key(&w->desk, WEFT_CELLS_TASKS);
    uint8_t number[8];
    weft_put_be64(number, counts->next_task++);
    weft_cells_key_add(&key, number, sizeof(number));
    weft_cells_count(w, &counts->tasks, true);
    return weft_cells_store(w, &key, weft_cells_task_encode(task, &w->cells->buffer, w->msg));
}

/* --- judging --------------------------------------------------------------------------------- */

/* `dispute` NULL: there is none (any more). */
static enum weft_err put_dispute(struct weft_cells_work *w, const struct weft_digest *cell,
    const struct weft_cells_dispute *dispute)
{
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_DISPUTES, cell, NULL);
    bool was = false;
    enum weft_err err = WEFT_OK;
    if (w->agreement->counts.disputes > 0) {
        err = weft_cells_rows_has(&w->cells->rows, &key, &was, w->msg);
    }
    if (err == WEFT_OK && was != (dispute != NULL)) {
        weft_cells_count(w, &w->agreement->counts.disputes, !was);
    }
    if (err == WEFT_OK && dispute != NULL) {
        err = weft_cells_store(
            w, &key, weft_cells_dispute_encode(dispute, &w->cells->buffer, w->msg));
    } else if (err == WEFT_OK && was) {
        err = weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
    }
    return err;
}

static enum weft_err put_judged(struct weft_cells_work *w, const struct weft_cells_judged *j,
    const struct weft_cells_dirty *dirty, const struct weft_digest *subject)
{
    const struct weft_cells_dispute dispute = {.id = j->answer.dispute,
        .is_edge = dirty->is_edge,
        .subject = *subject,
        .child = dirty->is_edge ? dirty->child : (struct weft_digest){{0}},
        .kind = j->kind,
        .group = j->group};
    struct weft_digest leaf = *subject;
    if (dirty->is_edge) {
        leaf = weft_intake_edge_subject(&dirty->subject, &dirty->child);
    }
    enum weft_err err =
        weft_cells_put_state(w, &leaf, dirty->is_edge ? NULL : dirty->child.bytes, &j->state);
    return err == WEFT_OK ? put_dispute(w, &j->cell, j->answer.is_disputed ? &dispute : NULL) : err;
}

enum weft_err weft_cells_remove(struct weft_cells_work *w, const struct weft_digest *subject,
    const uint8_t *kg, const struct weft_digest *cell)
{
    enum weft_err err = weft_cells_put_state(w, subject, kg, NULL);
    return err == WEFT_OK ? put_dispute(w, cell, NULL) : err;
}

static enum weft_err judge_edge(struct weft_cells_work *w, const struct weft_cells_dirty *dirty)
{
    struct weft_cells_judged j;
    struct weft_digest subject = weft_intake_edge_subject(&dirty->subject, &dirty->child);
    struct weft_digest cell =
        weft_cell_id(&subject, WEFT_TEXT(WEFT_CELLS_EDGE_KIND), (struct weft_text){NULL, 0});
    enum weft_err err = weft_cells_judge_edge(&w->desk, &dirty->subject, &dirty->child, &j);
    if (err != WEFT_OK) {
        return err;
    }
    return j.set.count > 0 ? put_judged(w, &j, dirty, &dirty->subject)
                           : weft_cells_remove(w, &subject, NULL, &cell);
}

static enum weft_err judge(struct weft_cells_work *w, const struct weft_cells_dirty *dirty)
{
    struct weft_cells_judged j;
    struct weft_alias_set set;
    if (dirty->is_edge) {
        return judge_edge(w, dirty);
    }
    w->desk.is_fresh = dirty->is_fresh;
    w->desk.kind = dirty->kind;
    w->desk.group = dirty->group;
    enum weft_err err = weft_cells_judge(&w->desk, &dirty->subject, dirty->child.bytes, &set, &j);
    if (err != WEFT_OK || j.kind.size == 0) {
        return err;
    }
    return j.set.count > 0 ? put_judged(w, &j, dirty, &set.subjects[0])
                           : weft_cells_remove(w, &set.subjects[0], dirty->child.bytes, &j.cell);
}

static int compare_dirty(const void *a, const void *b)
{
    const struct weft_cells_dirty *x = a, *y = b;
    int order = memcmp(x->agreement->id, y->agreement->id, sizeof(x->agreement->id));
    order = order != 0 ? order : (int)x->is_edge - (int)y->is_edge;
    order = order != 0 ? order : memcmp(&x->subject, &y->subject, WEFT_DIGEST_SIZE);
    return order != 0 ? order : memcmp(&x->child, &y->child, WEFT_DIGEST_SIZE);
}

static enum weft_err judge_dirty(struct weft_cells *cells, struct weft_msg *msg)
{
    struct weft_cells_work w;
    enum weft_err err = WEFT_OK;
    if (cells->dirty_count > 1) {
        qsort(cells->dirty, cells->dirty_count, sizeof(*cells->dirty), compare_dirty);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < cells->dirty_count; i++) {
        const struct weft_cells_dirty *dirty = &cells->dirty[i];
        if (i == 0 || compare_dirty(dirty - 1, dirty) != 0) {
            weft_cells_begin(cells, dirty->agreement, &w, msg);
            err = judge(&w, dirty);
        }
    }
    cells->dirty_count = 0;
    return err;
}

enum weft_err weft_cells_end_entry(struct weft_cells *cells, struct weft_msg *msg)
{
    uint32_t budget = WEFT_CELLS_TASK_BUDGET;
    enum weft_err err = judge_dirty(cells, msg);
    for (struct weft_cells_agreement *a = cells->agreements; a != NULL; a = a->next) {
        while (err == WEFT_OK && a->counts.tasks > 0 && budget > 0) {
            struct weft_cells_work w;
            weft_cells_begin(cells, a, &w, msg);
            err = weft_cells_work_on(&w, &budget);
            err = err == WEFT_OK ? judge_dirty(cells, msg) : err;
        }
    }
    return err;
}

/* --- agreements, sums ------------------------------------------------------------------------ */

static struct weft_cells_agreement *find(struct weft_cells *cells, struct weft_text name)
{
    struct weft_cells_agreement *a = cells->agreements;
    while (a != NULL && !weft_text_equal(a->contract.name, name)) {
        a = a->next;
    }
    return a;
}

enum weft_err weft_cells_agree(
    struct weft_cells *cells, struct weft_text text, struct weft_msg *msg)
{
    const struct weft_cells_task all = {.kind = WEFT_CELLS_TASK_ALL};
    struct weft_cells_work w;
    struct weft_cells_agreement *fresh = calloc(1, sizeof(*fresh)), *a;
    if (fresh == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "an agreement's cells");
    }
    enum weft_err err = weft_cells_agreement_read(fresh, text, msg);
    if (err != WEFT_OK) {
        goto out;
    }
    a = find(cells, fresh->contract.name);
    if (a != NULL && fresh->contract.link.version <= a->contract.link.version) {
        goto out;
    }
    bool is_new = a == NULL;
    if (is_new) {
        a = fresh;
        fresh = NULL;
        insert(cells, a);
        a->is_counted_anew = true;
        a->lacks_edges = a->lacks_named = a->lacks_handoffs = true;
    } else {
        err = weft_cells_agreement_read(a, text, msg);
    }
    weft_cells_begin(cells, a, &w, msg);
    if (err == WEFT_OK) {
        struct weft_key key = weft_cells_desk_key(&w.desk, WEFT_CELLS_TEXT);
        err = weft_cells_rows_put(&cells->rows, &key, text.data, text.size, msg);
    }
    if (err == WEFT_OK && !is_new) {
        err = weft_cells_add_task(&w, &all);
    }
out:
    if (fresh != NULL) {
        weft_cells_agreement_close(fresh);
        free(fresh);
    }
    return err;
}

enum weft_err weft_cells_take(
    struct weft_cells *cells, const struct weft_cells_statement *statement, struct weft_msg *msg)
{
    struct weft_cells_work w;
    struct weft_cells_agreement *a = find(cells, statement->contract->name);
    if (a == NULL) {
        return weft_fail(msg, WEFT_ESTATE, "no agreement %.*s has cells",
            (int)statement->contract->name.size, statement->contract->name.data);
    }
    weft_cells_begin(cells, a, &w, msg);
    return weft_cells_file(&w, statement);
}

enum weft_err weft_cells_get_sum(struct weft_cells *cells, struct weft_text agreement,
    struct weft_cells_sum *ret_sum, struct weft_msg *msg)
{
    const struct weft_shared_path top = {.depth = 0};
    struct weft_shared_node node = {.slots = {{.type = WEFT_SHARED_EMPTY}}};
    struct weft_cells_work w;
    struct weft_cells_agreement *a = find(cells, agreement);
    if (a == NULL) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no such agreement");
    }
    enum weft_err err =
        weft_cells_put_changes(cells, msg); /* Of entries that are not written yet. */
    if (err != WEFT_OK) {
        return err;
    }
    weft_cells_begin(cells, a, &w, msg);
    err = weft_cells_shared_node(&w.desk, &top, &node);
    *ret_sum = (struct weft_cells_sum){.shared = weft_shared_digest(&node),
        .statements = a->counts.statements,
        .disputes = a->counts.disputes,
        .proposed = a->counts.proposed,
        .unnamed = a->counts.unnamed,
        .left_over = a->counts.left_over,
        .dangling = a->counts.dangling,
        .is_settled = a->counts.tasks == 0};
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

enum weft_err weft_cells_put(struct weft_cells *cells, struct weft_msg *msg)
{
    weft_assert(cells->dirty_count == 0); /* NOD-220: judged behind each entry. */
    enum weft_err err = weft_cells_put_changes(cells, msg);
    for (struct weft_cells_agreement *a = cells->agreements; a != NULL; a = a->next) {
        struct weft_cells_work w;
        if (a->is_counted_anew && err == WEFT_OK) {
            weft_cells_begin(cells, a, &w, msg);
            struct weft_key key = weft_cells_desk_key(&w.desk, WEFT_CELLS_COUNTS);
            err = weft_cells_store(
                &w, &key, weft_cells_counts_encode(&a->counts, &cells->buffer, msg));
            a->is_counted_anew = false;
        }
    }
    weft_cells_rows_flush(&cells->rows, cells->batch);
    return err;
}

void weft_cells_settle(struct weft_cells *cells)
{
    weft_cells_rows_settle(&cells->rows);
}
