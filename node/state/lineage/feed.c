#include "node/state/lineage/feed.h"

#include <stdlib.h>

#include "node/state/links.h"
#include "proto/check.h"

enum {
    CAPACITY_FIRST = 64
};

enum weft_err weft_feed_create(
    uint64_t limit_bytes, struct weft_feed **ret_feed, struct weft_msg *msg)
{
    struct weft_feed *feed = calloc(1, sizeof(*feed));
    if (feed != NULL && limit_bytes > 0) {
        feed->lineage = weft_lineage_create(limit_bytes);
    }
    if (feed == NULL || (limit_bytes > 0 && feed->lineage == NULL)) {
        free(feed);
        return weft_fail(msg, WEFT_ENOMEM, "the index of lineage");
    }
    *ret_feed = feed;
    return WEFT_OK;
}

void weft_feed_destroy(struct weft_feed *feed)
{
    if (feed == NULL) {
        return;
    }
    weft_lineage_release(feed->lineage);
    free(feed->links);
    free(feed->relations);
    free(feed);
}

void weft_feed_stats(const struct weft_feed *feed, struct weft_lineage_stats *ret_stats)
{
    *ret_stats = feed->last;
    if (feed->lineage != NULL) {
        weft_lineage_stats(feed->lineage, ret_stats);
    }
}

/* It met its limit: whoever reads still has it, nobody new will. */
static void give_up(struct weft_feed *feed)
{
    weft_lineage_stats(feed->lineage, &feed->last);
    feed->last.is_given_up = true;
    weft_lineage_release(feed->lineage);
    feed->lineage = NULL;
}

static enum weft_err reserve(struct weft_feed *feed, uint32_t count)
{
    uint32_t capacity = feed->capacity == 0 ? CAPACITY_FIRST : feed->capacity;
    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity == feed->capacity) {
        return WEFT_OK;
    }
    struct weft_relation_link *links = realloc(feed->links, capacity * sizeof(*links));
    if (links == NULL) {
        return WEFT_ENOMEM;
    }
    feed->links = links;
    struct weft_relation *relations = realloc(feed->relations, capacity * sizeof(*relations));
    if (relations == NULL) {
        return WEFT_ENOMEM;
    }
    feed->relations = relations;
    feed->capacity = capacity;
    return WEFT_OK;
}

static enum weft_rel rel_of(struct weft_feed *feed, uint16_t word, struct weft_text text)
{
    if (feed->rels[word] == 0) {
        enum weft_rel rel = weft_thread_rel(text);
        if (rel == WEFT_REL_PARENT) {
            weft_lineage_note_events(feed->lineage);
        }
        feed->rels[word] = (uint8_t)(rel + 1);
    }
    return (enum weft_rel)(feed->rels[word] - 1);
}

/* --- apply ----------------------------------------------------------------------------------- */

static struct weft_lineage_end end_of(
    const struct weft_record *record, const struct weft_staged_link *staged, int32_t link)
{
    if (link == WEFT_RELATION_OF_ASSET) {
        return (struct weft_lineage_end){record->asset, true};
    }
    return (struct weft_lineage_end){record->links[link].to, staged[link].is_known};
}

enum weft_err weft_feed_record(struct weft_feed *feed, const struct weft_ref *place, uint64_t asset,
    const struct weft_record *record, const struct weft_staged_link *staged)
{
    if (feed == NULL || feed->lineage == NULL) {
        return WEFT_OK;
    }
    enum weft_err rv = reserve(feed, record->link_count);
    if (rv != WEFT_OK) {
        return rv;
    }
    for (uint32_t i = 0; i < record->link_count; i++) {
        feed->links[i] = (struct weft_relation_link){
            staged[i].to, rel_of(feed, staged[i].rel, record->links[i].rel)};
    }
    uint32_t count = weft_relations_of(asset, feed->links, record->link_count, feed->relations);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_relation *r = &feed->relations[i];
        const struct weft_lineage_end parent = end_of(record, staged, r->parent_link);
        const struct weft_lineage_end child = end_of(record, staged, r->child_link);
        weft_lineage_stage(feed->lineage, place, r, &parent, &child);
    }
    weft_lineage_stage_record(feed->lineage, place, asset);
    return WEFT_OK;
}

bool weft_feed_publish(
    struct weft_feed *feed, uint32_t (*first)(void *ctx, uint32_t record), void *ctx)
{
    if (feed->lineage != NULL && !weft_lineage_publish(feed->lineage, first, ctx)) {
        give_up(feed);
        return false;
    }
    return true;
}

/* --- the start ------------------------------------------------------------------------------- */

/* A record with material links: its place, and where a copy of its LINKS value stands. */
struct loaded {
    uint64_t place;
    uint64_t asset;
    size_t offset;
    uint32_t size;
};

struct load {
    struct weft_feed *feed;
    struct weft_store *store;
    struct weft_msg *msg;
    struct weft_buffer values;
    struct loaded *records;
    size_t count;
    size_t capacity;
    bool is_too_large; /* For the index's limit, which takes more than the copies. */
};

static enum weft_err damaged(struct load *load, const char *what)
{
    return weft_fail(load->msg, WEFT_ECORRUPT, "%s in the state is damaged", what);
}

/* Walk over all keys of a type. */
static enum weft_err walk_all(struct load *load, struct weft_key from,
    enum weft_err (*on_key)(void *ctx, struct weft_bytes key, struct weft_bytes value), void *ctx)
{
    struct weft_store_walk *walk = weft_store_walk_create(load->store, NULL, true);
    const struct weft_bytes prefix = {from.bytes, 1};
    enum weft_err rv = WEFT_OK;
    if (walk == NULL) {
        return weft_fail(load->msg, WEFT_ENOMEM, "load the index of lineage");
    }
    for (weft_store_walk_to(walk, &from); rv == WEFT_OK && weft_store_walk_is_below(walk, prefix);
         weft_store_walk_next(walk)) {
        rv = on_key(ctx, weft_store_walk_key(walk), weft_store_walk_value(walk));
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(walk, load->msg);
    }
    weft_store_walk_destroy(walk);
    return rv;
}

static enum weft_err keep_links(struct load *load, struct weft_bytes key, struct weft_bytes value)
{
    if (load->count == load->capacity) {
        size_t capacity = load->capacity == 0 ? 4096 : 2 * load->capacity;
        struct loaded *records = realloc(load->records, capacity * sizeof(*records));
        if (records == NULL) {
            return weft_fail(load->msg, WEFT_ENOMEM, "load the index of lineage");
        }
        load->records = records;
        load->capacity = capacity;
    }
    uint64_t index = weft_get_be48(key.data + 6);
    load->records[load->count++] =
        (struct loaded){.place = index << 24 | weft_get_be24(key.data + 12),
            .asset = weft_get_be40(key.data + 1),
            .offset = load->values.size,
            .size = (uint32_t)value.size};
    if (weft_buffer_append(&load->values, value.data, value.size) != WEFT_OK) {
        return weft_fail(load->msg, WEFT_ENOMEM, "load the index of lineage");
    }
    struct weft_lineage_stats stats;
    weft_lineage_stats(load->feed->lineage, &stats);
    load->is_too_large =
        index > WEFT_LINEAGE_INDEX_MAX ||
        load->values.size + load->count * sizeof(struct loaded) > stats.limit_bytes;
    return WEFT_OK;
}

static enum weft_err on_links(void *ctx, struct weft_bytes key, struct weft_bytes value)
{
    struct load *load = ctx;
    struct weft_links links;
    uint16_t rel;
    uint64_t to;
    bool has_relations = false;
    if (key.size != WEFT_KEY_LINKS_SIZE || !weft_links_open(value, &links)) {
        return damaged(load, "a record's links");
    }
    while (links.left > 0) {
        if (!weft_links_next(&links, &rel, &to)) {
            return damaged(load, "a record's links");
        }
        unsigned known = load->feed->rels[rel];
        has_relations =
            has_relations || (known > WEFT_REL_OTHER + 1 && known <= WEFT_REL_LINEAGE_LAST + 1);
    }
    return has_relations && !load->is_too_large ? keep_links(load, key, value) : WEFT_OK;
}

static int compare_loaded(const void *a, const void *b)
{
    const struct loaded *x = a, *y = b;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* The copies were found to be whole when they were made. */
static enum weft_err add_record(struct load *load, const struct loaded *record)
{
    struct weft_feed *feed = load->feed;
    struct weft_links links = {.count = 0};
    bool ok = weft_links_open(
        (struct weft_bytes){load->values.data + record->offset, record->size}, &links);
    enum weft_err rv = reserve(feed, links.count);
    if (rv != WEFT_OK) {
        return weft_fail(load->msg, rv, "load the index of lineage");
    }
    for (uint32_t i = 0; i < links.count && ok; i++) {
        uint16_t rel = 0;
        ok = weft_links_next(&links, &rel, &feed->links[i].to);
        feed->links[i].rel =
            (enum weft_rel)(feed->rels[rel] != 0 ? feed->rels[rel] - 1 : WEFT_REL_OTHER);
    }
    weft_assert(ok); /* NOD-111 */
    uint32_t count = weft_relations_of(record->asset, feed->links, links.count, feed->relations);
    uint32_t ordinal = (uint32_t)record->place & 0xffffff;
    const struct weft_ref place = {.at_ns = links.at_ns,
        .index = record->place >> 24,
        .ordinal = ordinal,
        .first = ordinal - links.in_pack};
    weft_lineage_add(feed->lineage, &place, feed->relations, count);
    return WEFT_OK;
}

static enum weft_err on_names(void *ctx, struct weft_bytes key, struct weft_bytes value)
{
    struct load *load = ctx;
    const uint8_t *p = value.data, *end = value.data + value.size;
    if (key.size != WEFT_KEY_ASSETS_SIZE) {
        return damaged(load, "the names of assets");
    }
    for (uint64_t asset = weft_get_be40(key.data + 1); p < end; asset++) {
        size_t size = *p++;
        if (size == 0 || size > (size_t)(end - p)) {
            return damaged(load, "the names of assets");
        }
        weft_lineage_set_name(
            load->feed->lineage, asset, (struct weft_text){(const char *)p, size});
        p += size;
    }
    return WEFT_OK;
}

struct arrivals {
    struct load *load;
    uint64_t *first; /* By asset: index of its first record. */
    uint64_t assets;
};

static enum weft_err on_version(void *ctx, struct weft_bytes key, struct weft_bytes value)
{
    struct arrivals *a = ctx;
    (void)value;
    uint64_t asset = key.size == WEFT_KEY_VERSION_SIZE ? weft_get_be40(key.data + 1) : 0;
    if (asset == 0 || asset > a->assets) {
        return damaged(a->load, "a version");
    }
    uint64_t index = weft_get_be48(key.data + 8);
    if (a->first[asset] == 0 || index < a->first[asset]) {
        a->first[asset] = index;
    }
    return WEFT_OK;
}

static enum weft_err load_known(struct load *load, uint64_t assets)
{
    struct arrivals a = {load, calloc((size_t)assets + 1, sizeof(uint64_t)), assets};
    if (a.first == NULL) {
        return weft_fail(load->msg, WEFT_ENOMEM, "load the index of lineage");
    }
    enum weft_err rv = walk_all(load, weft_key_version(0, 0, 0, 0), on_version, &a);
    if (rv == WEFT_OK) {
        weft_lineage_set_known(load->feed->lineage, a.first, assets);
    }
    free(a.first);
    return rv;
}

static enum weft_err load_groups(struct load *load)
{
    enum weft_err rv = walk_all(load, weft_key_links(0, 0, 0), on_links, load);
    if (rv == WEFT_OK && load->count > 1) {
        qsort(load->records, load->count, sizeof(*load->records), compare_loaded);
    }
    for (size_t i = 0; i < load->count && rv == WEFT_OK && !load->is_too_large; i++) {
        rv = add_record(load, &load->records[i]);
    }
    weft_buffer_destroy(&load->values);
    free(load->records);
    load->records = NULL;
    return rv;
}

enum weft_err weft_feed_load(struct weft_feed *feed, struct weft_store *store,
    struct weft_names *names, uint64_t assets, struct weft_msg *msg)
{
    struct load load = {
        .feed = feed, .store = store, .msg = msg, .values = {.size_max = SIZE_MAX / 2}};
    const struct weft_words *rels = weft_names_rels(names);
    if (feed->lineage == NULL) {
        return WEFT_OK;
    }
    for (uint32_t i = 0; i < rels->count; i++) {
        const struct weft_word *word = &rels->words[i];
        (void)rel_of(feed, (uint16_t)(i + 1), (struct weft_text){word->text, word->size});
    }
    enum weft_err rv = load_groups(&load);
    if (rv == WEFT_OK) {
        rv = walk_all(&load, weft_key_assets(0), on_names, &load);
    }
    if (rv == WEFT_OK) {
        rv = load_known(&load, assets);
    }
    struct weft_lineage_stats stats;
    weft_lineage_stats(feed->lineage, &stats);
    if (rv == WEFT_OK && (stats.is_given_up || load.is_too_large)) {
        give_up(feed);
    }
    return rv;
}
