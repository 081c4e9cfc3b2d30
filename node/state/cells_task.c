/* What is to be judged anew and has no end that is known: done a piece at a time (NOD-223).
 *
 * A task goes through one or two tables below a prefix. Rows that come behind its place meanwhile
 * are met, those before it were judged when they came, by what holds now. Cells are found by their
 * words, of which they may have many. */
#include "node/state/cells_parts.h"

enum {
    CELL_SIZE = WEFT_DIGEST_SIZE + WEFT_CELLS_KG_SIZE, /* bytes that a word's cell has in its key */
    PASSES = 16, /* words that are passed by as one that is judged; chosen: less than it costs */
};

/* The task under way, and where it stands. */
struct tasking {
    struct weft_cells_work *w;
    struct weft_key key; /* Its own. */
    struct weft_cells_task task;
    uint32_t *budget;
    uint32_t passed;         /* Since the budget was told. */
    uint8_t cell[CELL_SIZE]; /* Of the last word that was met; zeros: of none. */
};

static enum weft_err damaged(struct weft_cells_work *w)
{
    return weft_fail(w->msg, WEFT_ECORRUPT, "a row of cells is damaged");
}

static struct weft_digest digest_at(struct weft_bytes bytes, size_t offset)
{
    struct weft_digest digest;
    memcpy(digest.bytes, bytes.data + offset, WEFT_DIGEST_SIZE);
    return digest;
}

/* The table of a stage. False: there is no such stage, the task is done. */
static bool prefix_of(const struct tasking *t, struct weft_key *ret_prefix)
{
    static const enum weft_cells_table all[] = {WEFT_CELLS_WORDS, WEFT_CELLS_FILED_EDGES};
    static const enum weft_cells_table edges[] = {WEFT_CELLS_EDGES, WEFT_CELLS_EDGES_UP};
    const struct weft_cells_desk *desk = &t->w->desk;
    switch ((enum weft_cells_task_kind)t->task.kind) {
    case WEFT_CELLS_TASK_ALL:
        if (t->task.stage < 2) {
            *ret_prefix = weft_cells_desk_key(desk, all[t->task.stage]);
        }
        return t->task.stage < 2;
    case WEFT_CELLS_TASK_GROUP:
        if (t->task.stage > 0) {
            *ret_prefix = weft_cells_desk_key(desk, WEFT_CELLS_FILED_EDGES);
            return t->task.stage < 2 && t->task.target.bytes[WEFT_CELLS_KG_SIZE] != 0;
        }
        *ret_prefix = weft_cells_desk_key(desk, WEFT_CELLS_WORDS);
        return true;
    case WEFT_CELLS_TASK_EDGES:
        if (t->task.stage < 2) {
            *ret_prefix = weft_cells_key_of(desk, edges[t->task.stage], &t->task.target, NULL);
        }
        return t->task.stage < 2;
    }
    return false;
}

static bool is_of_edges(const struct tasking *t)
{
    return t->task.kind == WEFT_CELLS_TASK_EDGES || t->task.stage == 1;
}

/* A word: its cell is judged with the first of it that is met. */
static enum weft_err do_word(struct tasking *t, struct weft_bytes rest)
{
    struct weft_cells_work *w = t->w;
    const uint8_t *kg = rest.data + WEFT_DIGEST_SIZE;
    struct weft_digest subject;
    if (rest.size != CELL_SIZE + WEFT_DIGEST_SIZE) {
        return damaged(w);
    }
    if (memcmp(t->cell, rest.data, CELL_SIZE) == 0 ||
        (t->task.kind == WEFT_CELLS_TASK_GROUP &&
            memcmp(t->task.target.bytes, kg, WEFT_CELLS_KG_SIZE) != 0)) {
        *t->budget += ++t->passed % PASSES != 0;
        return WEFT_OK;
    }
    memcpy(t->cell, rest.data, CELL_SIZE);
    memcpy(subject.bytes, rest.data, WEFT_DIGEST_SIZE);
    return weft_cells_spoil(w, &subject, kg);
}

/* What is behind the prefix, of one row. */
static enum weft_err do_row(struct tasking *t, struct weft_bytes rest)
{
    struct weft_cells_work *w = t->w;
    const bool is_filed = t->task.kind != WEFT_CELLS_TASK_EDGES;
    if (!is_of_edges(t)) {
        return do_word(t, rest);
    }
    if (rest.size != (is_filed ? 4 * WEFT_DIGEST_SIZE : WEFT_DIGEST_SIZE)) {
        return damaged(w);
    }
    struct weft_digest first = digest_at(rest, 0);
    if (is_filed) {
        struct weft_digest child = digest_at(rest, WEFT_DIGEST_SIZE);
        return weft_cells_spoil_edge(w, &first, &child);
    }
    return t->task.stage == 0 ? weft_cells_refile_edge(w, &t->task.target, &first)
                              : weft_cells_refile_edge(w, &first, &t->task.target);
}

/* Rows of one stage, as far as the budget goes. *ret_is_over: the stage is. */
static enum weft_err do_stage(struct tasking *t, const struct weft_key *prefix, bool *ret_is_over)
{
    struct weft_cells_work *w = t->w;
    struct weft_cells_cursor cursor;
    struct weft_key from = *prefix, last = *prefix;
    memset(t->cell, 0, sizeof(t->cell));
    if (!is_of_edges(t) && t->task.from.size >= sizeof(t->cell)) {
        memcpy(t->cell, t->task.from.data, sizeof(t->cell));
    }
    weft_cells_key_add(&from, t->task.from.data, t->task.from.size);
    enum weft_err err = weft_cells_cursor_open(&w->cells->rows, prefix, &from, &cursor, w->msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_is_over = false;
    while (err == WEFT_OK && !*ret_is_over && *t->budget > 0) {
        if (!weft_cells_cursor_next(&cursor)) {
            *ret_is_over = true;
            break;
        }
        --*t->budget;
        last = (struct weft_key){.size = cursor.key.size};
        memcpy(last.bytes, cursor.key.data, last.size);
        err = do_row(t, weft_cells_cursor_rest(&cursor));
    }
    err = weft_cells_cursor_close(&cursor, err);
    if (err != WEFT_OK || *ret_is_over) {
        return err;
    }
    /* Behind the last one that was looked at: what follows it first is it and a zero byte. */
    struct weft_text place = {(const char *)last.bytes + prefix->size, last.size - prefix->size};
    struct weft_text kept = weft_arena_text(&w->cells->arena, place);
    if (kept.data == NULL) {
        return weft_fail(w->msg, WEFT_ENOMEM, "a task of cells");
    }
    if (kept.size > 0) {
        kept.size++; /* The copy is terminated by that byte. */
    }
    t->task.from = kept;
    return WEFT_OK;
}

static enum weft_err do_task(struct tasking *t)
{
    struct weft_cells_work *w = t->w;
    struct weft_key prefix;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && prefix_of(t, &prefix)) {
        bool is_over;
        err = do_stage(t, &prefix, &is_over);
        if (err != WEFT_OK || !is_over) {
            return err == WEFT_OK ? weft_cells_store(w, &t->key,
                                        weft_cells_task_encode(&t->task, &w->cells->buffer, w->msg))
                                  : err;
        }
        t->task.stage++;
        t->task.from = (struct weft_text){NULL, 0};
    }
    if (err == WEFT_OK) {
        weft_cells_count(w, &w->agreement->counts.tasks, false);
        err = weft_cells_rows_erase(&w->cells->rows, &t->key, w->msg);
    }
    return err;
}

enum weft_err weft_cells_work_on(struct weft_cells_work *w, uint32_t *budget)
{
    struct tasking t = {.w = w, .budget = budget};
    const struct weft_cells_counts *counts = &w->agreement->counts;
    struct weft_store_value value = {.handle = NULL};
    uint8_t number[8];
    /* One is begun when those before it are done, so they are in a row. */
    weft_put_be64(number, counts->next_task - counts->tasks);
    t.key = weft_cells_desk_key(&w->desk, WEFT_CELLS_TASKS);
    weft_cells_key_add(&t.key, number, sizeof(number));
    enum weft_err err = weft_cells_rows_get(&w->cells->rows, &t.key, &value, w->msg);
    if (err != WEFT_OK) {
        return err == WEFT_ENOTFOUND ? damaged(w) : err; /* NOD-222 */
    }
    struct weft_text copy = weft_arena_text(
        &w->cells->arena, (struct weft_text){(const char *)value.bytes.data, value.bytes.size});
    weft_store_release(&value);
    if (copy.data == NULL) {
        return weft_fail(w->msg, WEFT_ENOMEM, "a task of cells");
    }
    err = weft_cells_task_decode((struct weft_bytes){(const uint8_t *)copy.data, copy.size},
        &w->cells->arena, &t.task, w->msg);
    return err == WEFT_OK ? do_task(&t) : err;
}
