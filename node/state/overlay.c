/* Statements that the store does not hold yet. */
#include <stdlib.h>

#include "node/state/dossier.h"
#include "proto/check.h"

static enum weft_err make_room(struct weft_overlay *o, uint32_t links)
{
    if (o->chains == NULL) {
        o->chains = calloc((size_t)2 * WEFT_OVERLAY_CHAINS, sizeof(*o->chains));
    }
    if (o->count == o->capacity) {
        uint32_t capacity = o->capacity == 0 ? 64 : o->capacity * 2;
        struct weft_overlay_item *items = realloc(o->items, capacity * sizeof(*items));
        if (items == NULL) {
            return WEFT_ENOMEM;
        }
        o->items = items;
        o->capacity = capacity;
    }
    if (o->target_capacity - o->target_count < links) {
        uint32_t capacity = o->target_capacity * 2 + links;
        struct weft_overlay_target *targets = realloc(o->targets, capacity * sizeof(*targets));
        if (targets == NULL) {
            return WEFT_ENOMEM;
        }
        o->targets = targets;
        o->target_capacity = capacity;
    }
    return o->chains != NULL ? WEFT_OK : WEFT_ENOMEM;
}

enum weft_err weft_overlay_add(struct weft_overlay *o, const struct weft_overlay_item *item)
{
    uint32_t links = item->stored.record.link_count;
    enum weft_err rv = make_room(o, links);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint32_t *chain = &o->chains[weft_overlay_chain(item->asset)];
    o->items[o->count] = *item;
    o->items[o->count].older = *chain;
    *chain = ++o->count;
    for (uint32_t i = 0; i < links; i++) {
        chain = &o->chains[WEFT_OVERLAY_CHAINS + weft_overlay_chain(item->targets[i])];
        o->targets[o->target_count] =
            (struct weft_overlay_target){item->targets[i], o->count - 1, *chain};
        *chain = ++o->target_count;
    }
    return WEFT_OK;
}

void weft_overlay_cut(struct weft_overlay *o, uint32_t count)
{
    while (o->count > count) {
        const struct weft_overlay_item *item = &o->items[--o->count];
        for (uint32_t i = item->stored.record.link_count; i > 0; i--) {
            const struct weft_overlay_target *target = &o->targets[--o->target_count];
            o->chains[WEFT_OVERLAY_CHAINS + weft_overlay_chain(target->target)] = target->older;
        }
        weft_assert(o->chains[weft_overlay_chain(item->asset)] == o->count + 1);
        o->chains[weft_overlay_chain(item->asset)] = item->older;
    }
}

void weft_overlay_destroy(struct weft_overlay *o)
{
    free(o->items);
    free(o->targets);
    free(o->chains);
    *o = (struct weft_overlay){.count = 0};
}
