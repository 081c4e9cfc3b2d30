#include "ops/weft/claims.h"

#include <stdlib.h>

#include "proto/thread.h"

enum {
    CAPACITY_FIRST = 1024,
    CAPACITY_MAX = 64 * 1024 * 1024, /* chosen: more edges than a plant makes in years */
};
static const size_t arena_size_max = (size_t)4 * 1024 * 1024 * 1024;

/* --- tables ---------------------------------------------------------------------------------- */

static uint32_t hash_text(struct weft_text text)
{
    uint32_t hash = 2166136261u; /* FNV-1a: names are those of the operator's own site. */
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
    }
    return hash;
}

static uint32_t hash_edge(uint32_t whole, uint32_t part)
{
    uint64_t hash = ((uint64_t)whole << 32 | part) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> 32);
}

static uint32_t *asset_slot(const struct weft_claims *c, struct weft_text name)
{
    uint32_t mask = c->asset_capacity * 2 - 1;
    uint32_t slot = hash_text(name) & mask;
    while (c->asset_slots[slot] != 0 &&
           !weft_text_equal(c->assets[c->asset_slots[slot] - 1].name, name)) {
        slot = (slot + 1) & mask;
    }
    return &c->asset_slots[slot];
}

static uint32_t *edge_slot(const struct weft_claims *c, uint32_t whole, uint32_t part)
{
    uint32_t mask = c->capacity * 2 - 1;
    uint32_t slot = hash_edge(whole, part) & mask;
    while (c->slots[slot] != 0 && (c->list[c->slots[slot] - 1].whole != whole ||
                                      c->list[c->slots[slot] - 1].part != part)) {
        slot = (slot + 1) & mask;
    }
    return &c->slots[slot];
}

/* Twice as many of both; what there is finds its new slots. */
static enum weft_err grow(void **items, size_t item_size, uint32_t **slots, uint32_t *capacity)
{
    uint32_t more = *capacity == 0 ? CAPACITY_FIRST : *capacity * 2;
    if (more > CAPACITY_MAX) {
        return WEFT_ETOOBIG;
    }
    void *grown = realloc(*items, more * item_size);
    uint32_t *fresh = calloc((size_t)more * 2, sizeof(*fresh));
    *items = grown != NULL ? grown : *items;
    if (grown == NULL || fresh == NULL) {
        free(fresh);
        return WEFT_ENOMEM;
    }
    free(*slots);
    *slots = fresh;
    *capacity = more;
    return WEFT_OK;
}

static enum weft_err find_asset(struct weft_claims *c, struct weft_text name, uint32_t *ret_place)
{
    if (c->asset_count == c->asset_capacity) {
        enum weft_err err =
            grow((void **)&c->assets, sizeof(*c->assets), &c->asset_slots, &c->asset_capacity);
        if (err != WEFT_OK) {
            return err;
        }
        for (uint32_t i = 0; i < c->asset_count; i++) {
            *asset_slot(c, c->assets[i].name) = i + 1;
        }
    }
    uint32_t *slot = asset_slot(c, name);
    if (*slot == 0) {
        struct weft_text copy = weft_arena_text(&c->arena, name);
        if (copy.data == NULL) {
            return WEFT_ETOOBIG;
        }
        c->assets[c->asset_count] = (struct weft_claim_asset){.name = copy};
        *slot = ++c->asset_count;
    }
    *ret_place = *slot - 1;
    return WEFT_OK;
}

static enum weft_err find_edge(
    struct weft_claims *c, uint32_t whole, uint32_t part, struct weft_claim **ret_claim)
{
    if (c->count == c->capacity) {
        enum weft_err err = grow((void **)&c->list, sizeof(*c->list), &c->slots, &c->capacity);
        if (err != WEFT_OK) {
            return err;
        }
        for (uint32_t i = 0; i < c->count; i++) {
            *edge_slot(c, c->list[i].whole, c->list[i].part) = i + 1;
        }
    }
    uint32_t *slot = edge_slot(c, whole, part);
    if (*slot == 0) {
        c->list[c->count] = (struct weft_claim){.whole = whole, .part = part};
        *slot = ++c->count;
    }
    *ret_claim = &c->list[*slot - 1];
    return WEFT_OK;
}

/* --- claims ---------------------------------------------------------------------------------- */

static struct weft_text field_of(const struct weft_link *link, const char *path)
{
    for (uint32_t i = 0; i < link->field_count; i++) {
        if (weft_text_is(link->fields[i].path, path)) {
            return link->fields[i].value;
        }
    }
    return (struct weft_text){NULL, 0};
}

/* "0.19 kg" */
static struct weft_text quantity_of(struct weft_arena *arena, const struct weft_link *link)
{
    struct weft_text quantity = field_of(link, "quantity"), unit = field_of(link, "unit");
    if (quantity.size == 0) {
        return quantity;
    }
    char *text = weft_arena_alloc(arena, quantity.size + unit.size + 2);
    if (text == NULL) {
        return (struct weft_text){NULL, 0};
    }
    memcpy(text, quantity.data, quantity.size);
    text[quantity.size] = ' ';
    if (unit.size > 0) {
        memcpy(text + quantity.size + 1, unit.data, unit.size);
    }
    return (struct weft_text){text, quantity.size + (unit.size > 0 ? unit.size + 1 : 0)};
}

static enum weft_err add_link(
    struct weft_claims *c, const struct weft_record *record, const struct weft_link *link)
{
    const struct weft_rel_traits *traits = weft_thread_rel_traits(weft_thread_rel(link->rel));
    uint32_t asset, other;
    struct weft_claim *claim;
    if (traits->rel_class != WEFT_REL_CLASS_MATERIAL) {
        return WEFT_OK;
    }
    enum weft_err err = find_asset(c, record->asset, &asset);
    if (err == WEFT_OK) {
        err = find_asset(c, link->to, &other);
    }
    if (err == WEFT_OK) {
        err = traits->is_asset_inside ? find_edge(c, other, asset, &claim)
                                      : find_edge(c, asset, other, &claim);
    }
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_claim_side *side = traits->is_asset_inside ? &claim->by_part : &claim->by_whole;
    *side = (struct weft_claim_side){true, quantity_of(&c->arena, link)};
    c->assets[asset].lists_parts = c->assets[asset].lists_parts || !traits->is_asset_inside;
    c->assets[asset].lists_wholes = c->assets[asset].lists_wholes || traits->is_asset_inside;
    return WEFT_OK;
}

void weft_claims_init(struct weft_claims *c)
{
    *c = (struct weft_claims){.arena = {.size_max = arena_size_max}};
}

enum weft_err weft_claims_add(struct weft_claims *c, const struct weft_record *record)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < record->link_count && err == WEFT_OK; i++) {
        err = add_link(c, record, &record->links[i]);
    }
    return err;
}

enum weft_claim_verdict weft_claims_judge(
    const struct weft_claims *c, const struct weft_claim *claim)
{
    if (!claim->by_whole.is_made) {
        return c->assets[claim->whole].lists_parts ? WEFT_CLAIM_CONTRADICTED
                                                   : WEFT_CLAIM_UNCONFIRMED;
    }
    if (!claim->by_part.is_made) {
        return c->assets[claim->part].lists_wholes ? WEFT_CLAIM_CONTRADICTED
                                                   : WEFT_CLAIM_UNCONFIRMED;
    }
    bool is_given = claim->by_whole.quantity.size > 0 && claim->by_part.quantity.size > 0;
    return is_given && !weft_text_equal(claim->by_whole.quantity, claim->by_part.quantity)
               ? WEFT_CLAIM_QUANTITY
               : WEFT_CLAIM_CONFIRMED;
}

void weft_claims_destroy(struct weft_claims *c)
{
    weft_arena_destroy(&c->arena);
    free(c->assets);
    free(c->list);
    free(c->asset_slots);
    free(c->slots);
}
