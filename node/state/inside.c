#include "node/state/inside.h"

#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/links.h"
#include "proto/check.h"
#include "proto/thread.h"

enum {
    TABLE_FIRST = 512, /* Chosen: most units have fewer than 256 parts. */
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

/* --- who was entered ------------------------------------------------------------------------- */

/* Where it stands, or may stand. */
static uint32_t slot_of(const struct weft_inside *inside, uint64_t asset)
{
    uint32_t mask = inside->table_size - 1;
    uint32_t slot = (uint32_t)(asset * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
    while (inside->table[slot] != 0 && inside->assets[inside->table[slot] - 1] != asset) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static enum weft_err grow(struct search *s)
{
    struct weft_inside *inside = s->inside;
    uint32_t size = inside->table_size == 0 ? TABLE_FIRST : 2 * inside->table_size;
    uint32_t *table = calloc(size, sizeof(*table));
    uint64_t *assets = realloc(inside->assets, size / 2 * sizeof(*assets));
    inside->assets = assets != NULL ? assets : inside->assets;
    if (table == NULL || assets == NULL) {
        free(table);
        return weft_fail(s->run->msg, WEFT_ENOMEM, "what is inside an asset");
    }
    free(inside->table);
    inside->table = table;
    inside->table_size = size;
    inside->capacity = size / 2;
    for (uint32_t i = 0; i < inside->count; i++) {
        table[slot_of(inside, assets[i])] = i + 1;
    }
    return WEFT_OK;
}

static enum weft_err enter(struct search *s, uint64_t asset)
{
    struct weft_inside *inside = s->inside;
    if (inside->count == inside->capacity) {
        enum weft_err rv = grow(s);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    uint32_t slot = slot_of(inside, asset);
    if (inside->table[slot] != 0) {
        return WEFT_OK;
    }
    if (inside->count == WEFT_INSIDE_ASSETS_MAX) {
        return too_many(s, "assets are", WEFT_INSIDE_ASSETS_MAX);
    }
    inside->assets[inside->count++] = asset;
    inside->table[slot] = inside->count;
    return WEFT_OK;
}

/* --- from the store -------------------------------------------------------------------------- */

static bool is_one_of(uint16_t word, const struct words *words)
{
    for (int i = 0; i < words->count; i++) {
        if (words->words[i] == word) {
            return true;
        }
    }
    return false;
}

/* Links that whoever asks may not see lead nowhere. */
static enum weft_err enter_targets(
    struct search *s, const struct weft_ref *record, struct weft_links *links)
{
    enum weft_err rv = WEFT_OK;
    while (links->left > 0 && rv == WEFT_OK) {
        uint16_t word;
        uint64_t to;
        if (!weft_links_next(links, &word, &to)) {
            return weft_run_damaged(s->run, "a record's links");
        }
        bool leads = is_one_of(word, &s->forward);
        if (leads) {
            rv = weft_run_may_see_rel(s->run, record, word, &leads);
        }
        rv = rv == WEFT_OK && leads ? enter(s, to) : rv;
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
            rv = enter_targets(s, &record, &links);
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
        bool leads = rv == WEFT_OK && weft_run_sees(s->run, record.index, record.at_ns);
        if (leads) {
            rv = weft_run_may_see_rel(s->run, &record, rel, &leads);
        }
        if (rv == WEFT_OK && leads) {
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

static enum weft_err search_store(struct search *s)
{
    enum weft_err rv = find_words(s);
    for (uint32_t i = 0; rv == WEFT_OK && i < s->inside->count; i++) {
        uint64_t next = s->inside->assets[i];
        rv = follow_forward(s, next);
        for (int j = 0; rv == WEFT_OK && j < s->reverse.count; j++) {
            rv = follow_reverse(s, next, s->reverse.words[j]);
        }
    }
    return rv;
}

/* --- from the index -------------------------------------------------------------------------- */

/* Where an edge leads, if whoever asks may see the record and link that say so: records are on
 * either end of their edges, since there are no events between. */
static enum weft_err enter_peer(struct search *s, const struct weft_edges *edges, uint32_t number)
{
    struct weft_run *run = s->run;
    const struct weft_lineage *lineage = run->view->lineage;
    const struct weft_edge *edge = &edges->items[number];
    bool leads = true;
    enum weft_err rv = WEFT_OK;
    if (run->reveal != NULL && !weft_node_mutant(WEFT_NODE_MUTANT_INSIDE_UNFILTERED)) {
        const struct weft_ref record = weft_lineage_evidence(lineage, edge->evidence);
        struct weft_text rel = weft_text_of(weft_thread_rel_traits((enum weft_rel)edge->rel)->name);
        rv = weft_run_may_see_link(run, &record, rel, &leads);
    }
    return rv == WEFT_OK && leads ? enter(s, weft_lineage_asset(lineage, edge->peer)) : rv;
}

/* All that carries material, and no END counts: what was ever inside. */
static enum weft_err search_index(struct search *s)
{
    const struct weft_run *run = s->run;
    const struct weft_lineage *lineage = run->view->lineage;
    const struct weft_lineage_question question = {
        .span = weft_lineage_span_as_of(lineage, run->view->span, run->as_of),
        .rels = WEFT_LINEAGE_MATERIAL,
        .at_ns = run->query->has_at ? run->query->at_ns : INT64_MAX};
    struct weft_edges edges = {.count = 0};
    uint32_t nodes[WEFT_LINEAGE_BATCH], ends[WEFT_LINEAGE_BATCH], done = 0;
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && i < s->inside->count; i += done) {
        uint32_t count = 0;
        for (; count < WEFT_LINEAGE_BATCH && i + count < s->inside->count; count++) {
            nodes[count] = weft_lineage_node(lineage, question.span, s->inside->assets[i + count]);
        }
        rv = weft_lineage_edges(lineage, &question, nodes, count, false, &edges, ends, &done);
        for (uint32_t j = 0; rv == WEFT_OK && j < edges.count; j++) {
            rv = enter_peer(s, &edges, j);
        }
        if (rv == WEFT_OK) {
            rv = weft_run_yield(s->run, done + edges.count);
        }
        if (rv == WEFT_OK && edges.looked > WEFT_INSIDE_STEPS_MAX) {
            rv = too_many(s, "links are", WEFT_INSIDE_STEPS_MAX);
        }
    }
    weft_edges_destroy(&edges);
    return rv;
}

enum weft_err weft_inside_find(struct weft_run *run, uint64_t asset, struct weft_inside *ret_inside)
{
    struct search s = {.run = run, .inside = ret_inside};
    const struct weft_lineage *lineage = run->view->lineage;
    *ret_inside = (struct weft_inside){.count = 0};
    enum weft_err rv = enter(&s, asset);
    if (rv == WEFT_OK) {
        bool has_all = lineage != NULL && !weft_lineage_has_events(lineage);
        rv = has_all ? search_index(&s) : search_store(&s);
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
