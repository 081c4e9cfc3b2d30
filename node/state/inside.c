#include "node/state/inside.h"

#include <stdlib.h>

#include "node/state/links.h"
#include "proto/check.h"
#include "proto/thread.h"

enum {
    TABLE_SIZE = 4 * WEFT_INSIDE_ASSETS_MAX, /* At most a quarter full. */
};

/* The words of some rels in the state. */
struct words {
    uint16_t words[WEFT_RELS];
    int count;
};

struct search {
    struct weft_run *run;
    struct weft_inside *inside;
    uint64_t steps;
    struct words forward; /* The record's asset contains the target... */
    /* ...or the target contains the record's asset, itself or through an EPCIS event: a container
     * is the event's parent, a product its output. */
    struct words reverse;
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

static bool is_one_of(uint16_t word, const struct words *words)
{
    for (int i = 0; i < words->count; i++) {
        if (words->words[i] == word) {
            return true;
        }
    }
    return false;
}

static enum weft_err enter_targets(struct search *s, struct weft_links *links)
{
    enum weft_err rv = WEFT_OK;
    while (links->left > 0 && rv == WEFT_OK) {
        uint16_t word;
        uint64_t to;
        if (!weft_links_next(links, &word, &to)) {
            return weft_run_damaged(s->run, "a record's links");
        }
        rv = is_one_of(word, &s->forward) ? enter(s, to) : WEFT_OK;
        s->steps++;
    }
    return rv;
}

static enum weft_err follow_forward(struct search *s, uint64_t asset)
{
    struct weft_store_walk *walk = s->run->walk;
    struct weft_key key = weft_key_links(asset, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    enum weft_err rv = WEFT_OK;
    for (weft_store_walk_to(walk, &key); rv == WEFT_OK && weft_store_walk_is_below(walk, prefix);
         weft_store_walk_next(walk)) {
        struct weft_links links;
        struct weft_ref record;
        if (!weft_links_read(
                weft_store_walk_key(walk), weft_store_walk_value(walk), &record, &links)) {
            return weft_run_damaged(s->run, "a record's links");
        }
        if (record.index > s->run->as_of) {
            break;
        }
        if (weft_run_sees(s->run, record.index, record.at_ns)) {
            rv = enter_targets(s, &links);
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
        struct weft_ref record;
        uint64_t owner;
        rv = weft_run_mirror(
            s->run, weft_store_walk_key(walk), weft_store_walk_value(walk), &record, &owner);
        if (rv == WEFT_OK && weft_run_sees(s->run, record.index, record.at_ns)) {
            rv = enter(s, owner);
        }
        if (rv == WEFT_OK && ++s->steps > WEFT_INSIDE_STEPS_MAX) {
            rv = too_many(s, "links are", WEFT_INSIDE_STEPS_MAX);
        }
    }
    return rv != WEFT_OK ? rv : weft_store_walk_err(walk, s->run->msg);
}

/* Material, and containers that stand in for the event's own asset. Rels that nothing has used
 * have no word. */
static enum weft_err find_words(struct search *s)
{
    enum weft_err rv = WEFT_OK;
    for (int rel = WEFT_REL_OTHER + 1; rel < WEFT_RELS && rv == WEFT_OK; rel++) {
        const struct weft_rel_traits *traits = weft_thread_rel_traits((enum weft_rel)rel);
        struct words *words = traits->is_asset_inside ? &s->reverse : &s->forward;
        uint16_t word = 0;
        if (traits->rel_class == WEFT_REL_CLASS_MATERIAL ||
            traits->rel_class == WEFT_REL_CLASS_PARENT) {
            rv = weft_run_word(s->run, 'r', weft_text_of(traits->name), &word);
        }
        if (word != 0) {
            words->words[words->count++] = word;
        }
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
                           ? find_words(&s)
                           : weft_fail(run->msg, WEFT_ENOMEM, "what is inside an asset");
    if (rv == WEFT_OK) {
        rv = enter(&s, asset);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < ret_inside->count; i++) {
        uint64_t next = ret_inside->assets[i];
        rv = follow_forward(&s, next);
        for (int j = 0; rv == WEFT_OK && j < s.reverse.count; j++) {
            rv = follow_reverse(&s, next, s.reverse.words[j]);
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
