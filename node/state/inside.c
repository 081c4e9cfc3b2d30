#include "node/state/inside.h"

#include <stdlib.h>

#include "proto/arith.h"
#include "proto/check.h"

enum {
    TABLE_SIZE = 4 * WEFT_INSIDE_ASSETS_MAX, /* At most a quarter full. */
    FORWARD_COUNT = 5,
    REVERSE_COUNT = 4,
};

/* The record's asset contains the target... */
static const char *const forward_names[FORWARD_COUNT] = {
    "consumes", "uses_lot", "contains", "input", "installs"};
/* ...or the target contains the record's asset, itself or through an EPCIS event: a container is
 * the event's parent, a product its output. */
static const char *const reverse_names[REVERSE_COUNT] = {
    "part_of", "parent", "output", "installed_in"};

struct search {
    struct weft_run *run;
    struct weft_inside *inside;
    uint64_t steps;
    uint16_t forward[FORWARD_COUNT];
    uint16_t reverse[REVERSE_COUNT];
};

static enum weft_err too_many(const struct search *s, const char *what, int limit)
{
    return weft_fail(s->run->msg, WEFT_ETOOBIG,
        "over %d %s inside the asset: ask without what is inside", limit, what);
}

static enum weft_err enter(struct search *s, uint64_t asset)
{
    struct weft_inside *inside = s->inside;
    weft_assert(inside->table != NULL);
    weft_assert(inside->assets != NULL);
    uint32_t slot = (uint32_t)(asset * UINT64_C(0x9e3779b97f4a7c15) >> 32) % TABLE_SIZE;
    while (inside->table[slot] != 0) {
        if (inside->assets[inside->table[slot] - 1] == asset) {
            return WEFT_OK;
        }
        slot = (slot + 1) % TABLE_SIZE;
    }
    if (inside->count == WEFT_INSIDE_ASSETS_MAX) {
        return too_many(s, "assets are", WEFT_INSIDE_ASSETS_MAX);
    }
    inside->assets[inside->count++] = asset;
    inside->table[slot] = inside->count;
    return WEFT_OK;
}

static bool is_one_of(uint16_t rel, const uint16_t *rels, int count)
{
    for (int i = 0; i < count; i++) {
        if (rels[i] == rel) {
            return true;
        }
    }
    return false;
}

/* A LINKS value: at, place in the pack, then rel and target of each. */
static enum weft_err enter_targets(struct search *s, struct weft_bytes value)
{
    const uint8_t *end = value.data + value.size;
    const uint8_t *p = value.size > 8 ? value.data + 8 : NULL;
    uint64_t first, count, rel, to;
    enum weft_err rv = WEFT_OK;
    p = p != NULL ? weft_get_varint(p, end, &first) : NULL;
    p = p != NULL ? weft_get_varint(p, end, &count) : NULL;
    for (uint64_t i = 0; p != NULL && i < count && rv == WEFT_OK; i++) {
        p = weft_get_varint(p, end, &rel);
        p = p != NULL ? weft_get_varint(p, end, &to) : NULL;
        if (p != NULL && is_one_of((uint16_t)rel, s->forward, FORWARD_COUNT)) {
            rv = enter(s, to);
        }
        s->steps++;
    }
    return p == NULL ? weft_run_damaged(s->run, "a record's links") : rv;
}

static enum weft_err follow_forward(struct search *s, uint64_t asset)
{
    struct weft_store_walk *walk = s->run->walk;
    struct weft_key key = weft_key_links(asset, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    enum weft_err rv = WEFT_OK;
    for (weft_store_walk_to(walk, &key); rv == WEFT_OK && weft_store_walk_is_below(walk, prefix);
         weft_store_walk_next(walk)) {
        struct weft_bytes at = weft_store_walk_key(walk);
        struct weft_bytes value = weft_store_walk_value(walk);
        if (at.size != WEFT_KEY_LINKS_SIZE || value.size < 8) {
            return weft_run_damaged(s->run, "a record's links");
        }
        if (weft_get_be48(at.data + 6) > s->run->as_of) {
            break;
        }
        if (weft_run_sees(s->run, 0, weft_get_time(value.data))) {
            rv = enter_targets(s, value);
        }
        s->steps++;
        if (rv == WEFT_OK && s->steps > WEFT_INSIDE_STEPS_MAX) {
            rv = too_many(s, "links are", WEFT_INSIDE_STEPS_MAX);
        }
    }
    return rv != WEFT_OK ? rv : weft_store_walk_err(walk, s->run->msg);
}

static enum weft_err follow_reverse(struct search *s, uint64_t asset, uint16_t rel)
{
    struct weft_store_walk *walk = s->run->walk;
    struct weft_key key = weft_key_mirror(asset, rel, INT64_MIN, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_MIRROR_PREFIX_SIZE};
    enum weft_err rv = WEFT_OK;
    for (weft_store_walk_to(walk, &key); rv == WEFT_OK && weft_store_walk_is_below(walk, prefix);
         weft_store_walk_next(walk)) {
        struct weft_bytes at = weft_store_walk_key(walk);
        struct weft_bytes value = weft_store_walk_value(walk);
        if (at.size != WEFT_KEY_MIRROR_SIZE || value.size <= WEFT_ASSET_ID_SIZE) {
            return weft_run_damaged(s->run, "a mirrored link");
        }
        if (weft_run_sees(s->run, weft_get_be48(at.data + 16), weft_get_time(at.data + 8))) {
            rv = enter(s, weft_get_be40(value.data));
        }
        if (rv == WEFT_OK && ++s->steps > WEFT_INSIDE_STEPS_MAX) {
            rv = too_many(s, "links are", WEFT_INSIDE_STEPS_MAX);
        }
    }
    return rv != WEFT_OK ? rv : weft_store_walk_err(walk, s->run->msg);
}

static enum weft_err find_rels(struct search *s)
{
    enum weft_err rv = WEFT_OK;
    for (int i = 0; i < FORWARD_COUNT && rv == WEFT_OK; i++) {
        rv = weft_run_word(s->run, 'r', weft_text_of(forward_names[i]), &s->forward[i]);
    }
    for (int i = 0; i < REVERSE_COUNT && rv == WEFT_OK; i++) {
        rv = weft_run_word(s->run, 'r', weft_text_of(reverse_names[i]), &s->reverse[i]);
    }
    return rv;
}

enum weft_err weft_inside_find(struct weft_run *run, uint64_t asset, struct weft_inside *ret_inside)
{
    struct search s = {.run = run, .inside = ret_inside};
    ret_inside->count = 0;
    ret_inside->assets = malloc(WEFT_INSIDE_ASSETS_MAX * sizeof(*ret_inside->assets));
    ret_inside->table = calloc(TABLE_SIZE, sizeof(*ret_inside->table));
    enum weft_err rv = ret_inside->assets != NULL && ret_inside->table != NULL
                           ? find_rels(&s)
                           : weft_fail(run->msg, WEFT_ENOMEM, "what is inside an asset");
    if (rv == WEFT_OK) {
        rv = enter(&s, asset);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < ret_inside->count; i++) {
        uint64_t next = ret_inside->assets[i];
        rv = follow_forward(&s, next);
        for (int j = 0; rv == WEFT_OK && j < REVERSE_COUNT; j++) {
            rv = s.reverse[j] != 0 ? follow_reverse(&s, next, s.reverse[j]) : WEFT_OK;
        }
    }
    if (rv != WEFT_OK) {
        weft_inside_close(ret_inside);
    }
    return rv;
}

void weft_inside_close(struct weft_inside *inside)
{
    free(inside->assets);
    free(inside->table);
    *inside = (struct weft_inside){.count = 0};
}
