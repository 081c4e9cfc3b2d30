#include "jepsen/forge/edit.h"

#include <stdlib.h>
#include <string.h>

void jep_edit_begin(struct jep_edit *edit, struct jep_history *history, uint64_t seed)
{
    *edit = (struct jep_edit){
        .history = history, .arena = history->arena, .rng = jep_rng_stream(seed, "mutation")};
    edit->count = jep_spans(history, &edit->spans);
    edit->order = jep_alloc(edit->count, sizeof(*edit->order));
    for (size_t i = 0; i < edit->count; i++) {
        edit->order[i] = i;
    }
    jep_rng_shuffle(&edit->rng, edit->order, edit->count, sizeof(*edit->order));
}

void jep_edit_end(struct jep_edit *edit)
{
    free(edit->spans);
    free(edit->order);
}

const struct jep_span *jep_edit_at(const struct jep_edit *edit, size_t i)
{
    return &edit->spans[edit->order[i]];
}

void jep_edit_value(struct jep_edit *edit, const struct jep_span *span, struct jep_edn value)
{
    edit->history->ops[span->end->index].value = value;
}

void jep_edit_type(struct jep_edit *edit, const struct jep_span *span, enum jep_op_type type)
{
    edit->history->ops[span->end->index].type = type;
}

static struct jep_edn finish(
    struct jep_edit *edit, const struct jep_edn *sequence, struct jep_edn_list *list)
{
    struct jep_edn made = sequence->type == JEP_EDN_MAP ? jep_edn_take_map(list, edit->arena)
                                                        : jep_edn_take_vector(list, edit->arena);
    made.type = sequence->type;
    return made;
}

static size_t items_of(const struct jep_edn *sequence)
{
    return jep_edn_is_nil(sequence)        ? 0
           : sequence->type == JEP_EDN_MAP ? (size_t)sequence->count * 2
                                           : sequence->count;
}

struct jep_edn jep_edit_without(struct jep_edit *edit, const struct jep_edn *sequence, size_t at)
{
    struct jep_edn_list list = {0};
    for (size_t i = 0; i < items_of(sequence); i++) {
        if (i != at) {
            jep_edn_push(&list, sequence->items[i]);
        }
    }
    return finish(edit, sequence, &list);
}

struct jep_edn jep_edit_with(
    struct jep_edit *edit, const struct jep_edn *sequence, size_t at, struct jep_edn item)
{
    struct jep_edn_list list = {0};
    for (size_t i = 0; i < items_of(sequence); i++) {
        if (i == at) {
            jep_edn_push(&list, item);
        }
        jep_edn_push(&list, sequence->items[i]);
    }
    if (at >= items_of(sequence)) {
        jep_edn_push(&list, item);
    }
    struct jep_edn made = finish(edit, sequence, &list);
    made.type = jep_edn_is_nil(sequence) ? JEP_EDN_VECTOR : made.type;
    return made;
}

struct jep_edn jep_edit_replaced(
    struct jep_edit *edit, const struct jep_edn *sequence, size_t at, struct jep_edn item)
{
    struct jep_edn_list list = {0};
    for (size_t i = 0; i < items_of(sequence); i++) {
        jep_edn_push(&list, i == at ? item : sequence->items[i]);
    }
    return finish(edit, sequence, &list);
}

bool jep_edit_has(const struct jep_edn *sequence, const struct jep_edn *item)
{
    for (size_t i = 0; i < items_of(sequence); i++) {
        if (jep_edn_equal(&sequence->items[i], item)) {
            return true;
        }
    }
    return false;
}

/* --- for every workload: what was broken did not break, what was done was not done ---------- */

bool jep_break_no_evidence(struct jep_history *history, uint64_t seed)
{
    bool is_found = false;
    (void)seed;
    for (size_t i = 0; i < history->count; i++) {
        struct jep_op *op = &history->ops[i];
        const struct jep_edn *effect = jep_edn_get(&op->value, "took-effect");
        if (op->process == JEP_NEMESIS && effect != NULL) {
            struct jep_edn_list map = {0};
            jep_edn_put(&map, "took-effect", jep_edn_bool(false));
            jep_edn_put(&map, "quorum", jep_edn_bool(true));
            op->value = jep_edn_take_map(&map, history->arena);
            is_found = true;
        }
    }
    return is_found;
}

/* All but a few of one operation failed. */
bool jep_break_too_few(struct jep_history *history, uint64_t seed)
{
    struct jep_rng rng = jep_rng_stream(seed, "mutation");
    const char *f = NULL;
    size_t left = 5;
    for (size_t i = 0; i < history->count && f == NULL; i++) {
        const struct jep_op *op = &history->ops[jep_rng_below(&rng, history->count)];
        /* Reads alone: that a write failed which somebody saw would be worse than too few. */
        bool is_read = strcmp(op->f, "read") == 0 || strcmp(op->f, "watch") == 0 ||
                       strcmp(op->f, "as-of") == 0 || strcmp(op->f, "trace") == 0 ||
                       strcmp(op->f, "digest") == 0;
        f = is_read ? op->f : NULL;
    }
    for (size_t i = 0; i < history->count && f != NULL; i++) {
        struct jep_op *op = &history->ops[i];
        if (op->f == f && op->type == JEP_OK && (left == 0 || left-- == 0)) {
            op->type = JEP_FAIL;
        }
    }
    return f != NULL;
}
