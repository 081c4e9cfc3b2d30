/* A statement that is told again: what two projections of it show together. */
#include "federation/projection.h"
#include "policy/merkle.h"
#include "proto/check.h"

/* Items of one of the two, and the first leaf that the next one is of. */
struct side {
    const struct weft_projection_item *next;
    const struct weft_projection_item *end;
    uint32_t place;
};

struct merge {
    bool keeps_erased;
    struct weft_projection_item *items;
    uint32_t count;
    struct weft_digest *shown;
    struct weft_digest *erased;
    struct weft_projection_change change;
};

static struct side side_of(const struct weft_projection *projection)
{
    return (struct side){projection->items, projection->items + projection->item_count, 0};
}

static void step(struct side *s)
{
    s->place += 1U << s->next->height;
    s->next++;
}

static struct weft_digest hash_of(const struct weft_projection_item *item)
{
    return item->shape != WEFT_PROJECTION_SHOWN
               ? item->hash
               : weft_statement_leaf(
                     &item->salt, item->path, (enum weft_value_type)item->type, item->value);
}

/* FED-40: of one leaf. What was erased stays so; what is shown is shown. */
static struct weft_projection_item join(struct merge *m, const struct weft_projection_item *known,
    const struct weft_projection_item *told)
{
    const struct weft_projection_item *shown = known->shape == WEFT_PROJECTION_SHOWN  ? known
                                               : told->shape == WEFT_PROJECTION_SHOWN ? told
                                                                                      : NULL;
    const struct weft_projection_item *erased = known->shape == WEFT_PROJECTION_ERASED  ? known
                                                : told->shape == WEFT_PROJECTION_ERASED ? told
                                                                                        : NULL;
    m->change.is_erasing = m->change.is_erasing || (erased != NULL && erased == told);
    if (erased != NULL && erased == told && shown == known) {
        m->erased[m->change.erased_count++] = erased->hash;
    }
    if (erased != NULL && (shown == NULL || !m->keeps_erased)) {
        return *erased;
    }
    if (shown != NULL && shown == told) {
        m->shown[m->change.shown_count++] = hash_of(told);
    }
    return shown != NULL ? *shown : known->shape == WEFT_PROJECTION_NAMED ? *known : *told;
}

/* What is blind on one side is as the other has it. */
static void take(
    struct merge *m, struct side *from, const struct weft_projection_item *blind, bool is_told)
{
    const uint32_t end = from->place + (1U << blind->height);
    while (from->next < from->end && from->place < end) {
        const bool is_shown = from->next->shape == WEFT_PROJECTION_SHOWN;
        if (is_told && is_shown) {
            m->shown[m->change.shown_count++] = hash_of(from->next);
        }
        m->change.is_erasing =
            m->change.is_erasing || (is_told && from->next->shape == WEFT_PROJECTION_ERASED);
        m->items[m->count++] = *from->next;
        step(from);
    }
}

static enum weft_err merge_items(
    struct merge *m, struct side known, struct side told, struct weft_msg *msg)
{
    while (known.next < known.end && told.next < told.end) {
        const struct weft_projection_item *a = known.next, *b = told.next;
        weft_assert(known.place == told.place); /* FED-40: both are whole subtrees */
        if (a->shape == WEFT_PROJECTION_BLIND && a->height >= b->height) {
            take(m, &told, a, true);
            step(&known);
        } else if (b->shape == WEFT_PROJECTION_BLIND) {
            take(m, &known, b, false);
            step(&told);
        } else if (!weft_text_equal(a->path, b->path)) {
            return weft_fail(msg, WEFT_EREFUSED, "\"%.*s\" was \"%.*s\" before", (int)b->path.size,
                b->path.data, (int)a->path.size, a->path.data);
        } else {
            m->items[m->count++] = join(m, a, b);
            step(&known);
            step(&told);
        }
    }
    return WEFT_OK;
}

/* Paths that are said of leaves, not shown, may be in no order with those of the other side. */
static enum weft_err check_order(const struct merge *m, struct weft_msg *msg)
{
    struct weft_text previous = {"", 0};
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->items[i].shape == WEFT_PROJECTION_BLIND) {
            continue;
        }
        if (weft_text_compare(previous, m->items[i].path) >= 0) {
            return weft_fail(msg, WEFT_EREFUSED, "\"%.*s\" is not in the order of what was told",
                (int)m->items[i].path.size, m->items[i].path.data);
        }
        previous = m->items[i].path;
    }
    return WEFT_OK;
}

enum weft_err weft_projection_merge(const struct weft_projection *known,
    const struct weft_projection *told, bool keeps_erased, struct weft_arena *arena,
    struct weft_buffer *out, struct weft_projection_change *ret_change, struct weft_msg *msg)
{
    const uint32_t leaves = told->header.leaf_count;
    const struct weft_digest a = weft_statement_header_digest(&known->header);
    const struct weft_digest b = weft_statement_header_digest(&told->header);
    if (!weft_digest_equal(&a, &b)) {
        return weft_fail(msg, WEFT_EINVAL, "two projections of two statements");
    }
    struct merge m = {.keeps_erased = keeps_erased,
        .items = weft_arena_array(arena, leaves, sizeof(*m.items)),
        .shown = weft_arena_array(arena, leaves, sizeof(*m.shown)),
        .erased = weft_arena_array(arena, leaves, sizeof(*m.erased))};
    if (m.items == NULL || m.shown == NULL || m.erased == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a projection");
    }
    enum weft_err err = merge_items(&m, side_of(known), side_of(told), msg);
    err = err == WEFT_OK ? check_order(&m, msg) : err;
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_projection merged = *known;
    merged.items = m.items;
    merged.item_count = m.count;
    err = weft_projection_encode(&merged, out);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "what is known of a statement: %s", weft_err_name(err));
    }
    m.change.shown = m.shown;
    m.change.erased = m.erased;
    *ret_change = m.change;
    return WEFT_OK;
}

static bool is_erased_by(
    const struct weft_projection *told, const struct weft_projection_item *item)
{
    const struct weft_digest hash = hash_of(item);
    for (uint32_t i = 0; i < told->item_count; i++) {
        const struct weft_projection_item *t = &told->items[i];
        if (t->shape == WEFT_PROJECTION_ERASED &&
            (weft_digest_equal(&t->hash, &hash) || weft_text_equal(t->path, item->path))) {
            return true;
        }
    }
    return false;
}

enum weft_err weft_projection_erase_told(const struct weft_projection *kept,
    const struct weft_projection *told, struct weft_arena *arena, struct weft_buffer *out,
    uint32_t *ret_count)
{
    struct weft_projection_item *items = weft_arena_array(arena, kept->item_count, sizeof(*items));
    struct weft_projection left = *kept;
    if (items == NULL) {
        return WEFT_ENOMEM;
    }
    *ret_count = 0;
    for (uint32_t i = 0; i < kept->item_count; i++) {
        items[i] = kept->items[i];
        if (items[i].shape == WEFT_PROJECTION_SHOWN && is_erased_by(told, &items[i])) {
            items[i] = (struct weft_projection_item){.shape = WEFT_PROJECTION_ERASED,
                .path = kept->items[i].path,
                .hash = hash_of(&kept->items[i])};
            (*ret_count)++;
        }
    }
    left.items = items;
    return *ret_count > 0 ? weft_projection_encode(&left, out) : WEFT_OK;
}
