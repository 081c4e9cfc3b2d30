/* Edges: what is inside what, said by whoever knows either end. */
#include "node/state/cells_parts.h"

/* --- where an edge is filed ------------------------------------------------------------------ */

/* The lowest of the subject's set; has anybody stated anything of one of them? */
static enum weft_err find_end(struct weft_cells_work *w, const struct weft_digest *subject,
    struct weft_digest *ret_lowest, bool *ret_is_known)
{
    struct weft_alias_set set;
    enum weft_err err = weft_cells_set(&w->desk, subject, &set);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_lowest = set.subjects[0];
    *ret_is_known = false;
    for (uint32_t i = 0; err == WEFT_OK && i < set.count && !*ret_is_known; i++) {
        struct weft_cells_subject known;
        err = weft_cells_subject(&w->desk, &set.subjects[i], &known);
        *ret_is_known = err == WEFT_OK && known.is_known;
        err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    return err;
}

static struct weft_key filed_key(struct weft_cells_work *w, const struct weft_cells_edge *edge,
    const struct weft_digest *parent, const struct weft_digest *child)
{
    struct weft_key key =
        weft_cells_key_of(&w->desk, WEFT_CELLS_FILED_EDGES, &edge->parent, &edge->child);
    weft_cells_key_digest(&key, parent);
    weft_cells_key_digest(&key, child);
    return key;
}

static enum weft_err read_edge(struct weft_cells_work *w, const struct weft_digest *parent,
    const struct weft_digest *child, struct weft_cells_edge *ret_edge)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_EDGES, parent, child);
    enum weft_err err = weft_cells_rows_get(&w->cells->rows, &key, &value, w->msg);
    if (err == WEFT_OK) {
        err = weft_cells_edge_decode(value.bytes, &w->cells->arena, ret_edge, w->msg);
        weft_store_release(&value);
    }
    return err;
}

/* It leaves where it was filed. */
static enum weft_err leave(struct weft_cells_work *w, const struct weft_cells_edge *before,
    const struct weft_digest *parent, const struct weft_digest *child)
{
    struct weft_key key = filed_key(w, before, parent, child);
    enum weft_err err = weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
    return err == WEFT_OK ? weft_cells_spoil_edge(w, &before->parent, &before->child) : err;
}

enum weft_err weft_cells_refile_edge(
    struct weft_cells_work *w, const struct weft_digest *parent, const struct weft_digest *child)
{
    struct weft_cells_edge before, now;
    bool knows_parent = false, knows_child = false;
    w->agreement->lacks_edges = false;
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_EDGES, parent, child);
    struct weft_key back = weft_cells_key_of(&w->desk, WEFT_CELLS_EDGES_UP, child, parent);
    enum weft_err err = read_edge(w, parent, child, &before);
    bool is_new = err == WEFT_ENOTFOUND;
    if (err == WEFT_OK || is_new) {
        err = find_end(w, parent, &now.parent, &knows_parent);
    }
    if (err == WEFT_OK) {
        err = find_end(w, child, &now.child, &knows_child);
    }
    if (err != WEFT_OK) {
        return err;
    }
    now.is_dangling = !knows_parent || !knows_child;
    bool has_moved = is_new || !weft_digest_equal(&before.parent, &now.parent) ||
                     !weft_digest_equal(&before.child, &now.child);
    bool was_dangling = !is_new && before.is_dangling;
    if (was_dangling != now.is_dangling) {
        weft_cells_count(w, &w->agreement->counts.dangling, now.is_dangling);
    }
    if (has_moved && !is_new) {
        err = leave(w, &before, parent, child);
    }
    if (err == WEFT_OK && (has_moved || was_dangling != now.is_dangling)) {
        err = weft_cells_store(w, &key, weft_cells_edge_encode(&now, &w->cells->buffer, w->msg));
    }
    if (err == WEFT_OK && has_moved) {
        struct weft_key filed = filed_key(w, &now, parent, child);
        err = weft_cells_mark(w, &filed);
    }
    if (err == WEFT_OK && is_new) {
        err = weft_cells_mark(w, &back);
    }
    return err == WEFT_OK ? weft_cells_spoil_edge(w, &now.parent, &now.child) : err;
}

/* --- statements ------------------------------------------------------------------------------ */

enum weft_err weft_cells_take_edge(struct weft_cells_work *w, const struct weft_intake_edge *edge,
    struct weft_text kind, struct weft_digest ret_ends[2])
{
    const struct weft_cells_word word = {
        .statement = edge->statement, .kind = kind, .rule = (uint8_t)edge->rule};
    ret_ends[0] = weft_subject_of(&edge->parent);
    ret_ends[1] = weft_subject_of(&edge->child);
    struct weft_key key =
        weft_cells_key_of(&w->desk, WEFT_CELLS_EDGE_WORDS, &ret_ends[0], &ret_ends[1]);
    weft_cells_key_digest(&key, &edge->statement.digest);
    bool is_new;
    enum weft_err err =
        weft_cells_note_subject(w, &ret_ends[0], &edge->parent, false, false, &is_new);
    if (err == WEFT_OK) {
        err = weft_cells_note_subject(w, &ret_ends[1], &edge->child, false, false, &is_new);
    }
    if (err == WEFT_OK) {
        err = weft_cells_store(w, &key, weft_cells_word_encode(&word, &w->cells->buffer, w->msg));
    }
    return err == WEFT_OK ? weft_cells_refile_edge(w, &ret_ends[0], &ret_ends[1]) : err;
}

static enum weft_err has_below(
    struct weft_cells_work *w, const struct weft_key *prefix, bool *ret_has)
{
    struct weft_cells_cursor cursor;
    enum weft_err err = weft_cells_cursor_open(&w->cells->rows, prefix, NULL, &cursor, w->msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_has = weft_cells_cursor_next(&cursor);
    return weft_cells_cursor_close(&cursor, WEFT_OK);
}

enum weft_err weft_cells_refile_edges(struct weft_cells_work *w, const struct weft_digest *subject)
{
    const struct weft_cells_task task = {.kind = WEFT_CELLS_TASK_EDGES, .target = *subject};
    struct weft_key down = weft_cells_key_of(&w->desk, WEFT_CELLS_EDGES, subject, NULL);
    struct weft_key up = weft_cells_key_of(&w->desk, WEFT_CELLS_EDGES_UP, subject, NULL);
    bool has = false;
    if (w->agreement->lacks_edges) {
        return WEFT_OK;
    }
    enum weft_err err = has_below(w, &down, &has);
    if (err == WEFT_OK && !has) {
        err = has_below(w, &up, &has);
    }
    return err == WEFT_OK && has ? weft_cells_add_task(w, &task) : err;
}

enum weft_err weft_cells_refile_set(struct weft_cells_work *w, const struct weft_digest *subject)
{
    struct weft_alias_set set;
    enum weft_err err = weft_cells_set(&w->desk, subject, &set);
    for (uint32_t i = 0; err == WEFT_OK && i < set.count; i++) {
        err = weft_cells_refile_edges(w, &set.subjects[i]);
    }
    return err;
}
