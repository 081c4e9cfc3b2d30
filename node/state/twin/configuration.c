#include "node/state/twin/configuration.h"

#include <stdlib.h>

#include "proto/thread.h"

bool weft_material_is_build(struct weft_text kind, struct weft_text rel)
{
    enum weft_segment segment = weft_thread_kind_traits(weft_thread_kind(kind))->segment;
    const struct weft_rel_traits *traits = weft_thread_rel_traits(weft_thread_rel(rel));
    bool is_permanent = traits->rel_class == WEFT_REL_CLASS_MATERIAL && !traits->can_end;
    return segment == WEFT_SEGMENT_MANUFACTURING ||
           (is_permanent && segment != WEFT_SEGMENT_SERVICE);
}

static int compare_events(const void *a, const void *b)
{
    const struct weft_material *x = a, *y = b;
    int order = weft_moment_compare(&x->moment, &y->moment);
    if (order != 0) {
        return order;
    }
    if (x->is_end != y->is_end) {
        return x->is_end ? -1 : 1;
    }
    return x->link < y->link ? -1 : x->link > y->link; /* As in the record. */
}

/* Open addressing over what is inside, so that a pallet of thousands folds in linear time. */
struct fold {
    struct weft_component *components;
    bool *is_inside;
    uint32_t *older; /* Place + 1 of the same asset's component before; 0: none. */
    uint32_t count;
    uint32_t *table; /* Newest place + 1 of an asset's component. */
    uint32_t mask;
    uint32_t emptied; /* Components below it were looked at when all was taken out. */
};

static uint32_t *slot_of(const struct fold *f, struct weft_text asset)
{
    uint32_t hash = 2166136261u; /* FNV-1a; a query's own memory: bounded by its budget. */
    for (size_t i = 0; i < asset.size; i++) {
        hash = (hash ^ (unsigned char)asset.data[i]) * 16777619u;
    }
    uint32_t slot = hash & f->mask;
    while (
        f->table[slot] != 0 && !weft_text_equal(f->components[f->table[slot] - 1].asset, asset)) {
        slot = (slot + 1) & f->mask;
    }
    return &f->table[slot];
}

/* A lot without a quantity cannot be counted; anything else is one. */
static bool is_counted(struct weft_text rel, struct weft_text quantity)
{
    double number;
    return quantity.size > 0 ? weft_fact_number(quantity, &number)
                             : !weft_text_is(rel, "uses_lot") && !weft_text_is(rel, "input");
}

static void begin(struct fold *f, const struct weft_material *event)
{
    uint32_t *slot = slot_of(f, event->component);
    if (*slot != 0 && f->is_inside[*slot - 1] &&
        weft_moment_compare(&f->components[*slot - 1].since, &event->moment) != 0) {
        return; /* Another record said so; one record may name a lot for several places. */
    }
    struct weft_text quantity = weft_fact_link_text(event->link, "quantity");
    f->is_inside[f->count] = true;
    f->components[f->count] = (struct weft_component){.asset = event->component,
        .quantity = quantity,
        .unit = weft_fact_link_text(event->link, "unit"),
        .find = weft_fact_link_text(event->link, "find"),
        .rel = event->link->rel,
        .evidence = event->evidence,
        .since = event->moment,
        .is_counted = is_counted(event->link->rel, quantity)};
    f->older[f->count] = *slot;
    *slot = ++f->count;
}

static void end(struct fold *f, const struct weft_material *event)
{
    for (uint32_t place = *slot_of(f, event->component); place != 0; place = f->older[place - 1]) {
        f->is_inside[place - 1] = false;
    }
}

/* What was taken out before is out: each component is looked at once. */
static void end_all(struct fold *f)
{
    for (; f->emptied < f->count; f->emptied++) {
        struct weft_text rel = f->components[f->emptied].rel;
        if (weft_thread_rel_traits(weft_thread_rel(rel))->can_end) {
            f->is_inside[f->emptied] = false;
        }
    }
}

enum weft_err weft_configuration_fold(struct weft_material *events, uint32_t count, bool built_only,
    struct weft_arena *arena, struct weft_component **ret_components, uint32_t *ret_count)
{
    struct fold f = {.mask = 15};
    while (f.mask / 2 < count) {
        f.mask = f.mask * 2 + 1;
    }
    f.components = weft_arena_array(arena, count, sizeof(*f.components));
    f.is_inside = weft_arena_array(arena, count, sizeof(*f.is_inside));
    f.older = weft_arena_array(arena, count, sizeof(*f.older));
    f.table = weft_arena_array(arena, (size_t)f.mask + 1, sizeof(*f.table));
    if (f.components == NULL || f.is_inside == NULL || f.older == NULL || f.table == NULL) {
        return WEFT_ENOMEM;
    }
    if (count > 0) {
        qsort(events, count, sizeof(*events), compare_events);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (events[i].is_end_of_all && !built_only) {
            end_all(&f);
        } else if (events[i].is_end && !built_only) {
            end(&f, &events[i]);
        } else if (!events[i].is_end && (events[i].is_build || !built_only)) {
            begin(&f, &events[i]);
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f.count; i++) {
        if (f.is_inside[i]) {
            f.components[kept++] = f.components[i];
        }
    }
    *ret_components = f.components;
    *ret_count = kept;
    return WEFT_OK;
}
