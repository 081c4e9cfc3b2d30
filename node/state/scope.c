#include "node/state/scope.h"

#include <stdlib.h>

#include "node/state/links.h"
#include "proto/check.h"

/* --- what is not in the store yet ------------------------------------------------------------ */

void weft_scope_close(struct weft_scope *scope)
{
    free(scope->records);
    free(scope->links);
    scope->records = NULL;
    scope->links = NULL;
    scope->record_count = scope->record_capacity = scope->link_count = scope->link_capacity = 0;
}

void weft_scope_settle(struct weft_scope *scope)
{
    if (scope->record_count > 0) {
        scope->record_count = scope->link_count = 0;
        memset(scope->by_asset, 0, sizeof(scope->by_asset));
        memset(scope->by_target, 0, sizeof(scope->by_target));
    }
}

static bool matters(enum weft_rel rel)
{
    return rel != WEFT_REL_OTHER && (rel <= WEFT_REL_MATERIAL_LAST || rel == WEFT_REL_PARENT ||
                                        rel == WEFT_REL_INSTANCE_OF ||
                                        rel == WEFT_REL_REVISION_OF || rel == WEFT_REL_SHIPPED_TO);
}

bool weft_scope_is_moving(struct weft_text rel)
{
    enum weft_rel known = weft_thread_rel(rel);
    return matters(known) && known != WEFT_REL_PARENT;
}

static bool grow(void **array, uint32_t *capacity, uint32_t count, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    uint32_t next = *capacity == 0 ? 256 : *capacity * 2;
    void *more = realloc(*array, next * size);
    if (more == NULL) {
        return false;
    }
    *array = more;
    *capacity = next;
    return true;
}

static uint32_t bucket_of(uint64_t asset)
{
    return (uint32_t)(asset * UINT64_C(0x9e3779b97f4a7c15) >> 40) % WEFT_SCOPE_BUCKETS;
}

enum weft_err weft_scope_add(struct weft_scope *scope, uint64_t asset,
    const struct weft_record *record, struct weft_msg *msg)
{
    const struct weft_words *rels = weft_names_rels(scope->names);
    if (record->link_count == 0) {
        return WEFT_OK;
    }
    if (!grow((void **)&scope->records, &scope->record_capacity, scope->record_count,
            sizeof(*scope->records))) {
        return weft_fail(msg, WEFT_ENOMEM, "note links");
    }
    uint32_t *bucket = &scope->by_asset[bucket_of(asset)];
    struct weft_scope_record *staged = &scope->records[scope->record_count++];
    *staged = (struct weft_scope_record){asset, scope->link_count, 0, record->link_count, *bucket};
    *bucket = scope->record_count;
    for (uint32_t i = 0; i < record->link_count; i++) {
        struct weft_head head;
        if (!matters(weft_thread_rel(record->links[i].rel))) {
            continue;
        }
        if (!grow((void **)&scope->links, &scope->link_capacity, scope->link_count,
                sizeof(*scope->links))) {
            return weft_fail(msg, WEFT_ENOMEM, "note links");
        }
        enum weft_err err = weft_names_peek(scope->names, record->links[i].to, &head, msg);
        if (err != WEFT_OK) {
            return err;
        }
        bucket = &scope->by_target[bucket_of(head.id)];
        scope->links[scope->link_count] = (struct weft_scope_link){
            head.id, weft_words_find(rels, record->links[i].rel), scope->record_count - 1, *bucket};
        *bucket = ++scope->link_count;
        staged->count++;
    }
    return WEFT_OK;
}

/* --- links of an asset ----------------------------------------------------------------------- */

/* One search. */
struct search {
    struct weft_scope *scope;
    const struct weft_scope_question *question;
    struct weft_store_walk *walk;
    uint32_t steps_left;
    struct weft_relation_link links[WEFT_RECORD_LINKS_MAX]; /* Of a record. */
    struct weft_relation relations[WEFT_RECORD_LINKS_MAX];
    uint64_t assets[WEFT_SCOPE_ASSETS_MAX]; /* Entered, nearest first. */
    uint32_t depths[WEFT_SCOPE_ASSETS_MAX];
    uint32_t asset_count;
    uint64_t parts[WEFT_SCOPE_PARTS_MAX];
    uint32_t part_count;
    bool is_over; /* Past a limit. */
    bool is_unit;
    bool is_shipped; /* The asset that is looked at. */
    struct weft_msg *msg;
};

static enum weft_rel rel_of(const struct search *s, uint16_t word)
{
    const struct weft_words *rels = weft_names_rels(s->scope->names);
    if (word == 0 || word > rels->count) {
        return WEFT_REL_OTHER;
    }
    const struct weft_word *w = &rels->words[word - 1];
    return weft_thread_rel((struct weft_text){w->text, w->size});
}

static bool spend(struct search *s, uint32_t steps)
{
    s->is_over = s->is_over || s->steps_left < steps;
    s->steps_left -= s->is_over ? s->steps_left : steps;
    return !s->is_over;
}

/* Called with the relevant links of one record in s->links. */
typedef enum weft_err on_record(struct search *s, uint64_t asset, uint32_t count, void *ctx);

static enum weft_err damaged(struct search *s, const char *what)
{
    return weft_fail(s->msg, WEFT_ECORRUPT, "%s of an asset are damaged", what);
}

/* Links of a LINKS value into s->links. */
static enum weft_err read_links(
    struct search *s, struct weft_bytes key, struct weft_bytes value, uint32_t *ret_count)
{
    struct weft_ref ref;
    struct weft_links links;
    *ret_count = 0;
    if (!weft_links_read(key, value, &ref, &links)) {
        return damaged(s, "links");
    }
    if (links.count > WEFT_RECORD_LINKS_MAX) {
        return damaged(s, "links");
    }
    if (!spend(s, links.count)) {
        return WEFT_OK;
    }
    while (links.left > 0) {
        uint16_t word;
        struct weft_relation_link *link = &s->links[*ret_count];
        if (!weft_links_next(&links, &word, &link->to)) {
            return damaged(s, "links");
        }
        link->rel = rel_of(s, word);
        *ret_count += matters(link->rel) ? 1 : 0;
    }
    return WEFT_OK;
}

/* The same of a record that is staged. */
static uint32_t staged_links(struct search *s, const struct weft_scope_record *record)
{
    uint32_t count = 0;
    if (spend(s, record->total)) {
        for (; count < record->count; count++) {
            const struct weft_scope_link *link = &s->scope->links[record->first + count];
            s->links[count] = (struct weft_relation_link){link->to, rel_of(s, link->rel)};
        }
    }
    return count;
}

/* Records about the asset. */
static enum weft_err each_own(struct search *s, uint64_t asset, on_record *on, void *ctx)
{
    const struct weft_scope *scope = s->scope;
    struct weft_key key = weft_key_links(asset, 0, 0);
    const struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    enum weft_err err = WEFT_OK;
    uint32_t count;
    for (weft_store_walk_to(s->walk, &key);
         err == WEFT_OK && !s->is_over && weft_store_walk_is_below(s->walk, prefix);
         weft_store_walk_next(s->walk)) {
        err = read_links(s, weft_store_walk_key(s->walk), weft_store_walk_value(s->walk), &count);
        if (err == WEFT_OK && count > 0 && !s->is_over) {
            err = on(s, asset, count, ctx);
        }
    }
    if (err == WEFT_OK) {
        err = weft_store_walk_err(s->walk, s->msg);
    }
    for (uint32_t at = scope->by_asset[bucket_of(asset)]; err == WEFT_OK && at > 0 && !s->is_over;
         at = scope->records[at - 1].next_of_asset) {
        if (scope->records[at - 1].asset == asset) {
            count = staged_links(s, &scope->records[at - 1]);
            err = s->is_over ? WEFT_OK : on(s, asset, count, ctx);
        }
    }
    return err;
}

/* The record behind a MIRROR key. */
static enum weft_err mirrored(
    struct search *s, const struct weft_ref *ref, uint64_t owner, on_record *on, void *ctx)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_links(owner, ref->index, ref->ordinal);
    uint32_t count = 0;
    enum weft_err err = weft_store_get(s->scope->store, NULL, &key, &value, s->msg);
    if (err == WEFT_OK) {
        err = read_links(s, weft_key_bytes(&key), value.bytes, &count);
    } else if (err == WEFT_ENOTFOUND) {
        err = damaged(s, "links");
    }
    weft_store_release(&value);
    return err == WEFT_OK && count > 0 && !s->is_over ? on(s, owner, count, ctx) : err;
}

/* Does a record that links so to an asset say what is inside what? */
static bool leads(enum weft_rel rel)
{
    return rel == WEFT_REL_PARENT || (rel != WEFT_REL_OTHER && rel <= WEFT_REL_MATERIAL_LAST);
}

/* The store has one key for links of a record that are the same. */
static bool is_first(const struct weft_scope *scope, uint32_t at)
{
    const struct weft_scope_link *link = &scope->links[at];
    for (uint32_t i = scope->records[link->record].first; i < at; i++) {
        if (scope->links[i].to == link->to && scope->links[i].rel == link->rel) {
            return false;
        }
    }
    return true;
}

/* Records about other assets that link to this one by a rel that carries material. */
static enum weft_err each_mirrored(struct search *s, uint64_t asset, on_record *on, void *ctx)
{
    const struct weft_scope *scope = s->scope;
    const struct weft_words *rels = weft_names_rels(scope->names);
    enum weft_err err = WEFT_OK;
    for (uint32_t word = 1; err == WEFT_OK && !s->is_over && word <= rels->count; word++) {
        enum weft_rel rel = rel_of(s, (uint16_t)word);
        if (!leads(rel)) {
            continue;
        }
        struct weft_key key = weft_key_mirror(asset, (uint16_t)word, INT64_MIN, 0, 0);
        const struct weft_bytes prefix = {key.bytes, WEFT_KEY_MIRROR_PREFIX_SIZE};
        for (weft_store_walk_to(s->walk, &key);
             err == WEFT_OK && weft_store_walk_is_below(s->walk, prefix) && spend(s, 1);
             weft_store_walk_next(s->walk)) {
            struct weft_ref ref;
            uint64_t owner;
            err = weft_mirror_read(
                      weft_store_walk_key(s->walk), weft_store_walk_value(s->walk), &ref, &owner)
                      ? mirrored(s, &ref, owner, on, ctx)
                      : damaged(s, "links");
        }
        if (err == WEFT_OK) {
            err = weft_store_walk_err(s->walk, s->msg);
        }
    }
    for (uint32_t at = scope->by_target[bucket_of(asset)]; err == WEFT_OK && at > 0 && !s->is_over;
         at = scope->links[at - 1].next_of_to) {
        const struct weft_scope_link *link = &scope->links[at - 1];
        if (link->to == asset && leads(rel_of(s, link->rel)) && is_first(scope, at - 1) &&
            spend(s, 1)) {
            const struct weft_scope_record *record = &scope->records[link->record];
            uint32_t count = staged_links(s, record);
            err = s->is_over ? WEFT_OK : on(s, record->asset, count, ctx);
        }
    }
    return err;
}

/* --- facts ----------------------------------------------------------------------------------- */

static void add_part(struct search *s, uint64_t part)
{
    for (uint32_t i = 0; i < s->part_count; i++) {
        if (s->parts[i] == part) {
            return;
        }
    }
    s->is_over = s->is_over || s->part_count == WEFT_SCOPE_PARTS_MAX;
    if (!s->is_over) {
        s->parts[s->part_count++] = part;
    }
}

/* The asset's own: what it is an instance of, whether it is a unit, to whom it was shipped. */
static enum weft_err on_own(struct search *s, uint64_t asset, uint32_t count, void *ctx)
{
    (void)ctx;
    (void)asset;
    for (uint32_t i = 0; i < count; i++) {
        enum weft_rel rel = s->links[i].rel;
        s->is_unit = s->is_unit || rel == WEFT_REL_INSTANCE_OF || rel == WEFT_REL_SHIPPED_TO ||
                     rel <= WEFT_REL_MATERIAL_LAST;
        if (rel == WEFT_REL_INSTANCE_OF || rel == WEFT_REL_REVISION_OF) {
            add_part(s, s->links[i].to);
        }
    }
    return WEFT_OK;
}

static enum weft_err on_part(struct search *s, uint64_t part, uint32_t count, void *ctx)
{
    (void)ctx;
    (void)part;
    for (uint32_t i = 0; i < count; i++) {
        if (s->links[i].rel == WEFT_REL_REVISION_OF) {
            add_part(s, s->links[i].to);
        }
    }
    return WEFT_OK;
}

static enum weft_err on_shipped(struct search *s, uint64_t asset, uint32_t count, void *ctx)
{
    (void)asset;
    (void)ctx;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0;
             s->links[i].rel == WEFT_REL_SHIPPED_TO && k < s->question->partner_count; k++) {
            s->is_shipped = s->is_shipped || s->question->partner[k] == s->links[i].to;
        }
    }
    return WEFT_OK;
}

/* Assets that the one looked at, whose place is `ctx`, is inside of. */
static enum weft_err on_around(struct search *s, uint64_t asset, uint32_t count, void *ctx)
{
    const uint32_t at = *(const uint32_t *)ctx;
    const uint32_t found = weft_relations_of(asset, s->links, count, s->relations);
    s->is_unit = s->is_unit || (at == 0 && found > 0);
    for (uint32_t i = 0; i < found; i++) {
        const struct weft_relation *r = &s->relations[i];
        bool is_known = r->child != s->assets[at] || r->rel > WEFT_REL_MATERIAL_LAST;
        for (uint32_t k = 0; k < s->asset_count && !is_known; k++) {
            is_known = s->assets[k] == r->parent;
        }
        if (is_known) {
            continue;
        }
        if (s->asset_count == WEFT_SCOPE_ASSETS_MAX) {
            s->is_over = true;
            return WEFT_OK;
        }
        s->assets[s->asset_count] = r->parent;
        s->depths[s->asset_count++] = s->depths[at] + 1;
    }
    return WEFT_OK;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Upwards, breadth first, to the nearest unit that was shipped. Those of one depth in the order of
 * their ids: where the search ends must not depend on where their links stand (NOD-194). */
static enum weft_err find_depth(struct search *s, uint32_t *ret_depth)
{
    enum weft_err err = WEFT_OK;
    uint32_t level_end = 1;
    *ret_depth = WEFT_CONTRACT_DEPTH_ANY;
    s->assets[0] = s->question->asset;
    s->depths[0] = 0;
    s->asset_count = 1;
    for (uint32_t at = 0; err == WEFT_OK && !s->is_over && at < s->asset_count; at++) {
        if (at == level_end) {
            level_end = s->asset_count;
            qsort(&s->assets[at], level_end - at, sizeof(s->assets[0]), by_number);
        }
        const uint64_t asset = s->assets[at];
        err = each_own(s, asset, on_shipped, NULL);
        if (err != WEFT_OK || s->is_over || s->is_shipped) {
            *ret_depth = s->is_shipped ? s->depths[at] : *ret_depth;
            return err;
        }
        if (s->depths[at] < s->question->side->depth) {
            err = each_own(s, asset, on_around, &at);
            err = err == WEFT_OK ? each_mirrored(s, asset, on_around, &at) : err;
        }
    }
    return err;
}

/* Those parts of the contract that it is, by name. */
static enum weft_err name_parts(
    struct search *s, struct weft_arena *arena, struct weft_contract_facts *facts)
{
    const struct weft_contract_side *side = s->question->side;
    struct weft_text *names = weft_arena_array(arena, WEFT_SCOPE_PARTS_MAX + 1, sizeof(*names));
    enum weft_err err = names != NULL ? WEFT_OK : weft_fail(s->msg, WEFT_ENOMEM, "find a part");
    for (uint32_t i = 0; err == WEFT_OK && i < side->part_count; i++) {
        struct weft_head head;
        if (weft_text_equal(side->parts[i], s->question->asset_name)) {
            names[facts->part_count++] = side->parts[i];
            continue;
        }
        err = s->part_count > 0 ? weft_names_peek(s->scope->names, side->parts[i], &head, s->msg)
                                : WEFT_OK;
        for (uint32_t k = 0; err == WEFT_OK && k < s->part_count; k++) {
            if (head.id == s->parts[k]) {
                names[facts->part_count++] = side->parts[i];
                break;
            }
        }
    }
    facts->parts = names;
    return err;
}

static enum weft_err find_parts(struct search *s)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && !s->is_over && i < s->part_count; i++) {
        err = each_own(s, s->parts[i], on_part, NULL);
    }
    return err;
}

static enum weft_err begin(struct weft_scope *scope, const struct weft_scope_question *question,
    struct weft_msg *msg, struct search **ret_search)
{
    struct search *s = malloc(sizeof(*s)); /* 200 KiB */
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "find what is in scope");
    }
    memset(s, 0, offsetof(struct search, links));
    s->asset_count = s->part_count = 0;
    s->is_over = s->is_unit = s->is_shipped = false;
    s->scope = scope;
    s->question = question;
    s->msg = msg;
    s->steps_left = WEFT_SCOPE_LINKS_MAX;
    s->walk = weft_store_walk_create(scope->store, NULL, false);
    if (s->walk == NULL) {
        free(s);
        return weft_fail(msg, WEFT_ENOMEM, "find what is in scope");
    }
    *ret_search = s;
    return WEFT_OK;
}

enum weft_err weft_scope_facts(struct weft_scope *scope, const struct weft_scope_question *question,
    struct weft_arena *arena, struct weft_contract_facts *ret_facts, bool *ret_known,
    struct weft_msg *msg)
{
    struct weft_contract_facts facts = {.depth = WEFT_CONTRACT_DEPTH_ANY};
    struct search *s = NULL;
    enum weft_err err = begin(scope, question, msg, &s);
    if (err != WEFT_OK) {
        return err;
    }
    err = each_own(s, question->asset, on_own, NULL);
    if (err == WEFT_OK && question->side->part_count > 0) {
        err = find_parts(s);
        err = err == WEFT_OK ? name_parts(s, arena, &facts) : err;
    }
    if (err == WEFT_OK && question->side->depth != WEFT_CONTRACT_DEPTH_ANY) {
        err = find_depth(s, &facts.depth);
    }
    facts.is_unit = s->is_unit;
    *ret_known = !s->is_over;
    *ret_facts = facts;
    weft_store_walk_destroy(s->walk);
    free(s);
    return err;
}

/* --- downwards ------------------------------------------------------------------------------- */

struct children {
    enum weft_err (*on_child)(void *ctx, uint64_t child, struct weft_msg *msg);
    void *ctx;
    uint64_t parent;
};

static enum weft_err on_below(struct search *s, uint64_t asset, uint32_t count, void *ctx)
{
    const struct children *children = ctx;
    const uint32_t found = weft_relations_of(asset, s->links, count, s->relations);
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < found; i++) {
        const struct weft_relation *r = &s->relations[i];
        if (r->parent == children->parent && r->child != r->parent &&
            r->rel <= WEFT_REL_MATERIAL_LAST) {
            err = children->on_child(children->ctx, r->child, s->msg);
        }
    }
    return err;
}

enum weft_err weft_scope_children(struct weft_scope *scope, uint64_t asset,
    enum weft_err (*on_child)(void *ctx, uint64_t child, struct weft_msg *msg), void *ctx,
    struct weft_msg *msg)
{
    struct children children = {on_child, ctx, asset};
    struct search *s = NULL;
    enum weft_err err = begin(scope, NULL, msg, &s);
    if (err != WEFT_OK) {
        return err;
    }
    err = each_own(s, asset, on_below, &children);
    if (err == WEFT_OK) {
        err = each_mirrored(s, asset, on_below, &children);
    }
    weft_store_walk_destroy(s->walk);
    free(s);
    return err;
}
