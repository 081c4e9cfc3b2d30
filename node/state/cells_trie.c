/* What cells come to, as it stands in the rows of their subjects, and in the shared digest. */
#include <stdlib.h>

#include "node/state/cells_parts.h"

/* --- nodes ----------------------------------------------------------------------------------- */

static enum weft_err read_node(void *ctx, const struct weft_shared_path *path,
    struct weft_shared_node *ret_node, struct weft_digest *ret_digest)
{
    const struct weft_cells_work *w = ctx;
    if (weft_cells_nodes_find(&w->cells->nodes, w->agreement->id, path, ret_node, ret_digest)) {
        return WEFT_OK;
    }
    enum weft_err err = weft_cells_shared_node(&w->desk, path, ret_node);
    if (err == WEFT_OK) {
        *ret_digest = weft_shared_digest(ret_node); /* It is kept with what it becomes. */
    }
    return err;
}

static enum weft_err write_node(void *ctx, const struct weft_shared_path *path,
    const struct weft_shared_node *node, const struct weft_digest *digest)
{
    struct weft_cells_work *w = ctx;
    uint8_t bytes[WEFT_SHARED_NODE_SIZE_MAX];
    struct weft_key key = weft_cells_shared_key(&w->desk, path);
    const size_t size = weft_shared_encode(node, bytes);
    weft_cells_nodes_put(
        &w->cells->nodes, w->agreement->id, path, (struct weft_bytes){bytes, size}, digest);
    return weft_cells_rows_put(&w->cells->rows, &key, bytes, size, w->msg);
}

static enum weft_err erase_node(void *ctx, const struct weft_shared_path *path)
{
    struct weft_cells_work *w = ctx;
    struct weft_key key = weft_cells_shared_key(&w->desk, path);
    weft_cells_nodes_forget(&w->cells->nodes, w->agreement->id, path);
    return weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
}

/* --- subjects -------------------------------------------------------------------------------- */

static int compare_states(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

static enum weft_err make_leaf(struct weft_cells_work *w, const struct weft_digest *subject,
    const struct weft_cells_standing *cells, uint32_t count, struct weft_shared_change *ret_leaf)
{
    struct weft_digest *states = weft_arena_array(&w->cells->arena, count, sizeof(*states));
    if (states == NULL) {
        return weft_fail(w->msg, WEFT_ENOMEM, "cells that changed");
    }
    for (uint32_t i = 0; i < count; i++) {
        states[i] = cells[i].state;
    }
    if (count > 1) {
        qsort(states, count, sizeof(*states), compare_states);
    }
    *ret_leaf = (struct weft_shared_change){.cell = *subject, .is_gone = count == 0};
    if (count > 0) {
        ret_leaf->state = weft_shared_leaf(subject, states, count);
    }
    return WEFT_OK;
}

/* Cells of a subject with what changed of them, both by their kgs: of each cell the last. */
static uint32_t merge(const struct weft_cells_subject *before,
    const struct weft_cells_change *changes, uint32_t count, struct weft_cells_standing *ret_cells)
{
    uint32_t done = 0, k = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_cells_change *c = &changes[i];
        if (i + 1 < count && memcmp(c->kg, c[1].kg, WEFT_CELLS_KG_SIZE) == 0) {
            continue;
        }
        while (
            k < before->cell_count && memcmp(before->cells[k].kg, c->kg, WEFT_CELLS_KG_SIZE) < 0) {
            ret_cells[done++] = before->cells[k++];
        }
        k += k < before->cell_count && memcmp(before->cells[k].kg, c->kg, WEFT_CELLS_KG_SIZE) == 0;
        if (!c->is_gone) {
            memcpy(ret_cells[done].kg, c->kg, WEFT_CELLS_KG_SIZE);
            ret_cells[done++].state = c->state;
        }
    }
    while (k < before->cell_count) {
        ret_cells[done++] = before->cells[k++];
    }
    return done;
}

/* All changes of one subject. */
static enum weft_err put_subject(struct weft_cells_work *w, const struct weft_cells_change *changes,
    uint32_t count, struct weft_shared_change *ret_leaf)
{
    struct weft_cells_subject row = {.cell_count = 0};
    enum weft_err err = weft_cells_subject(&w->desk, &changes->subject, &row);
    const bool has_row = err == WEFT_OK;
    if (!has_row && err != WEFT_ENOTFOUND) {
        return err;
    }
    struct weft_cells_standing *cells =
        weft_arena_array(&w->cells->arena, (size_t)row.cell_count + count, sizeof(*cells));
    if (cells == NULL) {
        return weft_fail(w->msg, WEFT_ENOMEM, "cells that changed");
    }
    row.cell_count = merge(&row, changes, count, cells);
    row.cells = cells;
    if (has_row) {
        struct weft_key key =
            weft_cells_key_of(&w->desk, WEFT_CELLS_SUBJECTS, &changes->subject, NULL);
        err = weft_cells_store(w, &key, weft_cells_subject_encode(&row, &w->cells->buffer, w->msg));
    } else {
        err = row.cell_count == 0
                  ? WEFT_OK
                  : weft_fail(w->msg, WEFT_ECORRUPT, "a subject in the state is missing");
    }
    return err == WEFT_OK ? make_leaf(w, &changes->subject, cells, row.cell_count, ret_leaf) : err;
}

static enum weft_err put_edge(struct weft_cells_work *w, const struct weft_cells_change *last,
    struct weft_shared_change *ret_leaf)
{
    const struct weft_cells_standing cell = {.state = last->state};
    return make_leaf(w, &last->subject, &cell, last->is_gone ? 0 : 1, ret_leaf);
}

/* --- changes --------------------------------------------------------------------------------- */

static int compare_leaves(const struct weft_cells_change *a, const struct weft_cells_change *b)
{
    int order = memcmp(a->agreement->id, b->agreement->id, sizeof(a->agreement->id));
    order = order != 0 ? order : memcmp(&a->subject, &b->subject, WEFT_DIGEST_SIZE);
    return order != 0 ? order : (int)a->is_edge - (int)b->is_edge;
}

static int compare_changes(const void *a, const void *b)
{
    const struct weft_cells_change *x = a, *y = b;
    int order = compare_leaves(x, y);
    order = order != 0 ? order : memcmp(x->kg, y->kg, sizeof(x->kg));
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* Those of one agreement, from `first` on. */
static enum weft_err put_changes_of(
    struct weft_cells *cells, uint32_t first, uint32_t *ret_end, struct weft_msg *msg)
{
    const struct weft_cells_change *changes = cells->changes;
    struct weft_cells_work w;
    struct weft_digest root;
    uint32_t count = 0, i = first;
    enum weft_err err = WEFT_OK;
    weft_cells_begin(cells, changes[first].agreement, &w, msg);
    while (err == WEFT_OK && i < cells->change_count && changes[i].agreement == w.agreement) {
        const struct weft_cells_change *leaf = &changes[i];
        uint32_t end = i + 1;
        while (end < cells->change_count && compare_leaves(leaf, &changes[end]) == 0) {
            end++;
        }
        weft_arena_reset(&cells->arena);
        err = leaf->is_edge ? put_edge(&w, &changes[end - 1], &cells->leaves[count])
                            : put_subject(&w, leaf, end - i, &cells->leaves[count]);
        count++;
        i = end;
    }
    *ret_end = i;
    const struct weft_shared_store store = {&w, read_node, write_node, erase_node};
    return err == WEFT_OK ? weft_shared_put_all(&store, cells->leaves, count, &root) : err;
}

enum weft_err weft_cells_put_changes(struct weft_cells *cells, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    uint32_t risen = 1; /* So they come from one entry that changed no edge. */
    while (risen < cells->change_count &&
           compare_changes(&cells->changes[risen - 1], &cells->changes[risen]) < 0) {
        risen++;
    }
    if (risen < cells->change_count) {
        qsort(cells->changes, cells->change_count, sizeof(*cells->changes), compare_changes);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < cells->change_count;) {
        err = put_changes_of(cells, i, &i, msg);
    }
    cells->change_count = 0;
    return err;
}

static bool has_room_for_change(struct weft_cells *c)
{
    if (c->change_count < c->change_capacity) {
        return true;
    }
    const uint32_t capacity = c->change_capacity == 0 ? 64 : 2 * c->change_capacity;
    struct weft_cells_change *changes = realloc(c->changes, capacity * sizeof(*changes));
    c->changes = changes != NULL ? changes : c->changes;
    struct weft_shared_change *leaves = realloc(c->leaves, capacity * sizeof(*leaves));
    c->leaves = leaves != NULL ? leaves : c->leaves;
    if (changes == NULL || leaves == NULL) {
        return false;
    }
    c->change_capacity = capacity;
    return true;
}

enum weft_err weft_cells_put_state(struct weft_cells_work *w, const struct weft_digest *subject,
    const uint8_t *kg, const struct weft_digest *state)
{
    struct weft_cells *c = w->cells;
    if (!has_room_for_change(c)) {
        return weft_fail(w->msg, WEFT_ENOMEM, "cells that changed");
    }
    struct weft_cells_change *change = &c->changes[c->change_count];
    *change = (struct weft_cells_change){.agreement = w->agreement,
        .subject = *subject,
        .is_edge = kg == NULL,
        .number = c->change_count++,
        .is_gone = state == NULL};
    if (kg != NULL) {
        memcpy(change->kg, kg, WEFT_CELLS_KG_SIZE);
    }
    if (state != NULL) {
        change->state = *state;
    }
    return WEFT_OK;
}
