/* Two names of one thing: words, whether they are joined, and what follows for their cells. */
#include <stdlib.h>

#include "node/state/cells_parts.h"

/* Subjects whose set, or whose cells, a pair may have changed: of both sets, before and behind.
 */
struct touched {
    uint32_t count;
    struct weft_digest subjects[4 * WEFT_ALIAS_SET_MAX];
};

static void touch(struct touched *t, const struct weft_alias_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t k = 0;
        while (k < t->count && !weft_digest_equal(&t->subjects[k], &set->subjects[i])) {
            k++;
        }
        if (k == t->count) {
            t->subjects[t->count++] = set->subjects[i];
        }
    }
}

static enum weft_err touch_sets(
    struct weft_cells_work *w, const struct weft_digest pair[2], struct touched *t)
{
    enum weft_err err = WEFT_OK;
    for (int i = 0; err == WEFT_OK && i < 2; i++) {
        struct weft_alias_set set;
        err = weft_cells_set(&w->desk, &pair[i], &set);
        if (err == WEFT_OK) {
            touch(t, &set);
        }
    }
    return err;
}

/* --- without a serial ------------------------------------------------------------------------ */

/* Is nobody's word needed any more? */
static enum weft_err put_unnamed(
    struct weft_cells_work *w, const struct weft_digest *subject, bool is_waiting)
{
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_UNNAMED, subject, NULL);
    bool was;
    enum weft_err err = weft_cells_rows_has(&w->cells->rows, &key, &was, w->msg);
    if (err != WEFT_OK || was == is_waiting) {
        return err;
    }
    weft_cells_count(w, &w->agreement->counts.unnamed, is_waiting);
    return is_waiting ? weft_cells_mark(w, &key)
                      : weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
}

enum weft_err weft_cells_note_unnamed(struct weft_cells_work *w, const struct weft_digest *subject)
{
    struct weft_alias_set set;
    enum weft_err err = weft_cells_set(&w->desk, subject, &set);
    return err == WEFT_OK ? put_unnamed(w, subject, set.count == 1) : err;
}

static enum weft_err settle_unnamed(struct weft_cells_work *w, const struct weft_digest *subject)
{
    struct weft_cells_subject known;
    enum weft_err err = weft_cells_subject(&w->desk, subject, &known);
    if (err == WEFT_ENOTFOUND) {
        return WEFT_OK;
    }
    return err == WEFT_OK && known.is_unnamed ? weft_cells_note_unnamed(w, subject) : err;
}

/* --- cells ----------------------------------------------------------------------------------- */

/* The cell may have been any of theirs: they all lose it, and those who have something get it
 * anew, where their sets are now. */
static enum weft_err move_cell(struct weft_cells_work *w, const struct touched *t,
    const uint8_t kg[WEFT_CELLS_KG_SIZE], struct weft_text kind, struct weft_text group)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < t->count; i++) {
        struct weft_digest cell = weft_cell_id(&t->subjects[i], kind, group);
        err = weft_cells_remove(w, &t->subjects[i], kg, &cell);
    }
    return err;
}

static enum weft_err move_cells(
    struct weft_cells_work *w, const struct touched *t, const struct weft_digest *subject)
{
    struct weft_cells_groups groups;
    struct weft_text kind, group;
    bool has;
    enum weft_err err = weft_cells_groups_open(&w->desk, subject, &groups);
    if (err != WEFT_OK) {
        return err;
    }
    while ((err = weft_cells_groups_next(&groups, &has)) == WEFT_OK && has) {
        err = weft_cells_group(&w->desk, groups.kg, &kind, &group);
        if (err == WEFT_ENOTFOUND) {
            err = weft_fail(w->msg, WEFT_ECORRUPT, "a group of cells is missing");
        }
        err = err == WEFT_OK ? move_cell(w, t, groups.kg, kind, group) : err;
        err = err == WEFT_OK ? weft_cells_spoil(w, subject, groups.kg) : err;
        if (err != WEFT_OK) {
            break;
        }
    }
    return weft_cells_groups_close(&groups, err);
}

static enum weft_err move(struct weft_cells_work *w, const struct touched *t)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < t->count; i++) {
        err = move_cells(w, t, &t->subjects[i]);
        err = err == WEFT_OK ? settle_unnamed(w, &t->subjects[i]) : err;
        err = err == WEFT_OK ? weft_cells_refile_edges(w, &t->subjects[i]) : err;
    }
    return err;
}

/* --- words ----------------------------------------------------------------------------------- */

/* All words on the pair, the first ones by digest. */
static enum weft_err read_words(struct weft_cells_work *w, const struct weft_digest pair[2],
    struct weft_alias_word words[WEFT_ALIAS_WORDS_MAX], uint32_t *ret_count)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix =
        weft_cells_key_of(&w->desk, WEFT_CELLS_ALIAS_WORDS, &pair[0], &pair[1]);
    uint32_t count = 0;
    enum weft_err err = weft_cells_cursor_open(&w->cells->rows, &prefix, NULL, &cursor, w->msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && count < WEFT_ALIAS_WORDS_MAX && weft_cells_cursor_next(&cursor)) {
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        uint8_t *copy = weft_arena_alloc(&w->cells->arena, cursor.value.size);
        if (copy == NULL || rest.size != WEFT_DIGEST_SIZE) {
            err =
                weft_fail(w->msg, copy == NULL ? WEFT_ENOMEM : WEFT_ECORRUPT, "a word on an alias");
            break;
        }
        memcpy(copy, cursor.value.data, cursor.value.size);
        err = weft_cells_alias_word_decode(
            (struct weft_bytes){copy, cursor.value.size}, &w->cells->arena, &words[count], w->msg);
        memcpy(words[count++].digest.bytes, rest.data, WEFT_DIGEST_SIZE);
    }
    *ret_count = count;
    return weft_cells_cursor_close(&cursor, err);
}

static enum weft_err put_joined(
    struct weft_cells_work *w, const struct weft_digest pair[2], bool is_joined)
{
    enum weft_err err = WEFT_OK;
    for (int i = 0; err == WEFT_OK && i < 2; i++) {
        struct weft_key key =
            weft_cells_key_of(&w->desk, WEFT_CELLS_JOINED, &pair[i], &pair[1 - i]);
        err = is_joined ? weft_cells_mark(w, &key)
                        : weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
    }
    return err;
}

static enum weft_err put_proposed(
    struct weft_cells_work *w, const struct weft_digest pair[2], bool is_proposed)
{
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_PROPOSED, &pair[0], &pair[1]);
    weft_cells_count(w, &w->agreement->counts.proposed, is_proposed);
    return is_proposed ? weft_cells_mark(w, &key)
                       : weft_cells_rows_erase(&w->cells->rows, &key, w->msg);
}

/* How the pair stood, and stands now. */
static enum weft_err put_pair(struct weft_cells_work *w, const struct weft_digest pair[2],
    const struct weft_cells_pair *now, uint8_t *ret_before)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_cells_pair before = {.status = WEFT_ALIAS_NONE};
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_PAIRS, &pair[0], &pair[1]);
    enum weft_err err = weft_cells_rows_get(&w->cells->rows, &key, &value, w->msg);
    if (err == WEFT_OK) {
        err = weft_cells_pair_decode(value.bytes, &w->cells->arena, &before, w->msg);
        weft_store_release(&value);
    }
    *ret_before = before.status;
    return err == WEFT_OK || err == WEFT_ENOTFOUND
               ? weft_cells_store(w, &key, weft_cells_pair_encode(now, &w->cells->buffer, w->msg))
               : err;
}

/* The pair stands otherwise than before. */
static enum weft_err change(
    struct weft_cells_work *w, const struct weft_digest pair[2], uint8_t before, uint8_t now)
{
    struct touched touched = {.count = 0};
    bool was_joined = before == WEFT_ALIAS_JOINED, is_joined = now == WEFT_ALIAS_JOINED;
    bool was_proposed = before == WEFT_ALIAS_PROPOSED, is_proposed = now == WEFT_ALIAS_PROPOSED;
    enum weft_err err = WEFT_OK;
    if (was_proposed != is_proposed) {
        err = put_proposed(w, pair, is_proposed);
    }
    if (err != WEFT_OK || was_joined == is_joined) {
        return err;
    }
    err = touch_sets(w, pair, &touched);
    err = err == WEFT_OK ? put_joined(w, pair, is_joined) : err;
    weft_cells_count(w, &w->agreement->counts.joined, is_joined);
    err = err == WEFT_OK ? touch_sets(w, pair, &touched) : err;
    return err == WEFT_OK ? move(w, &touched) : err;
}

enum weft_err weft_cells_take_alias(struct weft_cells_work *w, const struct weft_intake_act *act)
{
    const struct weft_alias *alias = &act->act.alias;
    const struct weft_alias_terms terms = {
        .parties = {w->agreement->parties[0], w->agreement->parties[1]}};
    struct weft_digest pair[2] = {weft_subject_of(&alias->a), weft_subject_of(&alias->b)};
    struct weft_cells_pair now = {.names = {alias->a, alias->b}};
    struct weft_alias_word words[WEFT_ALIAS_WORDS_MAX];
    enum weft_alias_status status;
    uint32_t count = 0;
    bool is_new;
    uint8_t before = WEFT_ALIAS_NONE;
    if (memcmp(&pair[0], &pair[1], sizeof(pair[0])) > 0) {
        pair[0] = pair[1];
        pair[1] = weft_subject_of(&alias->a);
        now.names[0] = alias->b;
        now.names[1] = alias->a;
    }
    struct weft_key key = weft_cells_key_of(&w->desk, WEFT_CELLS_ALIAS_WORDS, &pair[0], &pair[1]);
    weft_cells_key_digest(&key, &act->word.digest);
    enum weft_err err = weft_cells_store(
        w, &key, weft_cells_alias_word_encode(&act->word, &w->cells->buffer, w->msg));
    for (int i = 0; err == WEFT_OK && i < 2; i++) {
        err = weft_cells_note_subject(w, &pair[i], &now.names[i], false, false, &is_new);
    }
    err = err == WEFT_OK ? read_words(w, pair, words, &count) : err;
    if (err == WEFT_OK) {
        err = weft_alias_judge(&terms, &now.names[0], &now.names[1], words, count, &status);
        now.status = err == WEFT_OK ? (uint8_t)status : WEFT_ALIAS_NONE;
    }
    err = err == WEFT_OK ? put_pair(w, pair, &now, &before) : err;
    /* One name twice is one subject: nothing joins it with itself. */
    bool is_one = weft_digest_equal(&pair[0], &pair[1]);
    return err == WEFT_OK && !is_one ? change(w, pair, before, now.status) : err;
}
