#include "node/state/lineage/around.h"

#include <stdlib.h>

#include "proto/check.h"
#include "proto/thread.h"

enum {
    TABLE_FIRST = 256
};

/* --- rels ------------------------------------------------------------------------------------ */

static struct weft_text name_of(unsigned rel)
{
    return weft_text_of(weft_thread_rel_traits((enum weft_rel)rel)->name);
}

/* All of the vocabulary's material rels and their ends have their place, asked for or not. */
static enum weft_err find_words(struct weft_around *around)
{
    enum weft_err rv = WEFT_OK;
    for (unsigned rel = WEFT_REL_OTHER + 1; rel <= WEFT_REL_LINEAGE_LAST && rv == WEFT_OK; rel++) {
        struct weft_around_rel *r = &around->rels[rel];
        const struct weft_rel_traits *traits = weft_thread_rel_traits((enum weft_rel)rel);
        r->name = name_of(rel);
        r->is_asset_inside = traits->is_asset_inside;
        around->question.ending |= traits->can_end ? UINT32_C(1) << rel : 0;
        rv = around->lineage == NULL ? weft_run_word(around->run, 'r', r->name, &r->word) : WEFT_OK;
    }
    for (uint32_t rel = WEFT_AROUND_OTHER_FIRST; rel < around->rel_count && rv == WEFT_OK; rel++) {
        rv = weft_run_word(around->run, 'r', around->rels[rel].name, &around->rels[rel].word);
    }
    if (rv == WEFT_OK && around->lineage == NULL) {
        rv = weft_run_word(around->run, 'r', name_of(WEFT_REL_PARENT), &around->parent_word);
    }
    return rv;
}

static enum weft_err add_rel(struct weft_around *around, struct weft_text name)
{
    struct weft_msg *msg = around->run->msg;
    enum weft_rel rel = weft_thread_rel(name);
    const struct weft_rel_traits *traits = weft_thread_rel_traits(rel);
    if (!weft_name_is_valid(name)) {
        return weft_fail(msg, WEFT_EINVAL,
            "'%.*s' is no rel: a trace follows names with commas "
            "between",
            (int)name.size, name.data);
    }
    if (traits->rel_class == WEFT_REL_CLASS_END) {
        return weft_fail(msg, WEFT_EINVAL,
            "'%s' ends what other links began: a trace heeds it and cannot follow it",
            traits->name);
    }
    if (traits->rel_class == WEFT_REL_CLASS_MATERIAL) {
        around->question.rels |= UINT32_C(1) << rel;
        return WEFT_OK;
    }
    if (around->rel_count == WEFT_AROUND_RELS) {
        return weft_fail(msg, WEFT_EINVAL, "over %d rels without material", WEFT_AROUND_OTHERS_MAX);
    }
    around->question.rels |= UINT32_C(1) << around->rel_count;
    around->rels[around->rel_count++] = (struct weft_around_rel){
        .name = name, .is_asset_inside = rel != WEFT_REL_OTHER && traits->is_asset_inside};
    around->lineage = NULL; /* The index has material alone. */
    return WEFT_OK;
}

static enum weft_err parse_rels(struct weft_around *around, struct weft_text rels)
{
    if (rels.size == 0) {
        around->question.rels = WEFT_LINEAGE_MATERIAL;
        return WEFT_OK;
    }
    for (;;) {
        const char *comma = memchr(rels.data, ',', rels.size);
        struct weft_text name = {
            rels.data, comma != NULL ? (size_t)(comma - rels.data) : rels.size};
        enum weft_err rv = add_rel(around, name);
        if (rv != WEFT_OK || comma == NULL) {
            return rv;
        }
        rels = (struct weft_text){comma + 1, rels.size - name.size - 1};
        if (rels.size == 0) {
            return add_rel(around, rels);
        }
    }
}

enum weft_err weft_around_open(
    struct weft_around *around, struct weft_run *run, struct weft_text rels)
{
    const struct weft_view *view = run->view;
    *around = (struct weft_around){.run = run,
        .lineage = view->lineage,
        .rel_count = WEFT_AROUND_OTHER_FIRST,
        .rel_names = malloc(rels.size + 1),
        .question = {.at_ns = run->query->has_at ? run->query->at_ns : INT64_MAX}};
    if (around->rel_names == NULL) {
        around->lineage = NULL;
        return weft_fail(run->msg, WEFT_ENOMEM, "the rels of a trace");
    }
    if (rels.size > 0) {
        memcpy(around->rel_names, rels.data, rels.size);
    }
    enum weft_err rv = parse_rels(around, (struct weft_text){around->rel_names, rels.size});
    if (around->lineage != NULL) {
        weft_lineage_retain(around->lineage);
        around->question.span = weft_lineage_span_as_of(view->lineage, view->span, run->as_of);
        around->base = view->span.nodes;
    }
    return rv == WEFT_OK ? find_words(around) : rv;
}

void weft_around_close(struct weft_around *around)
{
    weft_lineage_release(around->lineage);
    free(around->rel_names);
    free(around->assets);
    free(around->table);
    free(around->places);
    free(around->found);
    free(around->links);
    free(around->relations);
    free(around->link_rels);
    *around = (struct weft_around){.run = NULL};
}

size_t weft_around_size(const struct weft_around *around)
{
    return around->table_size * (sizeof(uint32_t) + sizeof(uint64_t)) +
           around->place_capacity * sizeof(struct weft_ref) +
           around->found_capacity * sizeof(uint64_t) * 4;
}

/* --- numbers --------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct weft_around *around, uint64_t asset)
{
    uint32_t mask = around->table_size - 1;
    uint32_t slot = (uint32_t)(asset * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
    while (around->table[slot] != 0 && around->assets[around->table[slot] - 1] != asset) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

/* At most half full. */
static enum weft_err grow_table(struct weft_around *around)
{
    if (2 * (around->asset_count + 1) <= around->table_size) {
        return WEFT_OK;
    }
    uint32_t size = around->table_size == 0 ? TABLE_FIRST : 2 * around->table_size;
    uint32_t *table = calloc(size, sizeof(*table));
    uint64_t *assets = realloc(around->assets, size / 2 * sizeof(*assets));
    if (assets != NULL) {
        around->assets = assets;
    }
    if (table == NULL || assets == NULL) {
        free(table);
        return weft_fail(around->run->msg, WEFT_ENOMEM, "the assets of a trace");
    }
    free(around->table);
    around->table = table;
    around->table_size = size;
    for (uint32_t i = 0; i < around->asset_count; i++) {
        table[slot_of(around, assets[i])] = i + 1;
    }
    return WEFT_OK;
}

enum weft_err weft_around_number(struct weft_around *around, uint64_t asset, uint32_t *ret_number)
{
    uint32_t node =
        around->lineage != NULL
            ? weft_lineage_node(around->lineage, (struct weft_lineage_span){around->base, 0}, asset)
            : 0;
    if (node != 0) {
        *ret_number = node;
        return WEFT_OK;
    }
    enum weft_err rv = grow_table(around);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint32_t slot = slot_of(around, asset);
    if (around->table[slot] == 0) {
        around->assets[around->asset_count++] = asset;
        around->table[slot] = around->asset_count;
    }
    *ret_number = around->base + around->table[slot];
    return WEFT_OK;
}

uint64_t weft_around_asset(const struct weft_around *around, uint32_t number)
{
    return number > around->base ? around->assets[number - around->base - 1]
                                 : weft_lineage_asset(around->lineage, number);
}

/* --- what the store tells of an asset -------------------------------------------------------- */

/* The names of an ASSETS key stand in order of the ids from its own on. */
static enum weft_err read_name(struct weft_run *run, uint64_t asset, struct weft_text *ret_name)
{
    const uint8_t prefix[1] = {WEFT_KEY_ASSETS};
    struct weft_key key = weft_key_assets(asset);
    weft_store_walk_back_to(run->walk, &key);
    if (!weft_store_walk_is_below(run->walk, (struct weft_bytes){prefix, 1})) {
        return weft_run_damaged(run, "the names of assets");
    }
    struct weft_bytes value = weft_store_walk_value(run->walk);
    uint64_t id = weft_get_be40(weft_store_walk_key(run->walk).data + 1);
    const uint8_t *p = value.data, *end = value.data + value.size;
    while (p < end && id < asset) {
        p += 1 + *p;
        id++;
    }
    if (p >= end || *p == 0 || *p > (size_t)(end - p) - 1) {
        return weft_run_damaged(run, "the names of assets");
    }
    *ret_name = weft_arena_text(run->arena, (struct weft_text){(const char *)p + 1, *p});
    return ret_name->data != NULL ? WEFT_OK : weft_fail(run->msg, WEFT_ENOMEM, "a name");
}

enum weft_err weft_around_name(
    struct weft_around *around, uint32_t number, struct weft_text *ret_name)
{
    if (number > around->base) {
        return read_name(around->run, around->assets[number - around->base - 1], ret_name);
    }
    *ret_name = weft_lineage_name(around->lineage, number);
    return WEFT_OK;
}

/* Is there a version of the asset at or below as_of that may be seen? Its first of each kind
 * tells. `name` is read where not all is shown. */
static enum weft_err has_version(
    struct weft_run *run, uint64_t asset, struct weft_text name, bool *ret_has)
{
    *ret_has = false;
    for (uint32_t kind = 1; kind <= WEFT_STATE_WORDS_MAX && !*ret_has; kind++) {
        struct weft_key key = weft_key_version(asset, (uint16_t)kind, 0, 0);
        struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
        weft_store_walk_to(run->walk, &key);
        if (!weft_store_walk_is_below(run->walk, prefix)) {
            break;
        }
        struct weft_bytes at = weft_store_walk_key(run->walk);
        if (at.size != WEFT_KEY_VERSION_SIZE) {
            return weft_run_damaged(run, "a version");
        }
        *ret_has = weft_get_be48(at.data + 8) <= run->as_of;
        kind = weft_get_be16(at.data + 6);
        if (*ret_has) {
            enum weft_err rv = weft_run_may_see_kind(run, (uint16_t)kind, name, ret_has);
            if (rv != WEFT_OK) {
                return rv;
            }
        }
    }
    return weft_store_walk_err(run->walk, run->msg);
}

/* What the index knows of all records, as far as it is the same for those that may be seen. */
static enum weft_lineage_known known_of_seen(
    struct weft_around *around, enum weft_lineage_known known, struct weft_text name)
{
    bool may_tell = known != WEFT_LINEAGE_KNOWN || weft_run_may_see_all(around->run, name);
    return may_tell ? known : WEFT_LINEAGE_UNSURE;
}

enum weft_err weft_around_is_known(
    struct weft_around *around, uint32_t number, bool is_reached, bool *ret_known)
{
    struct weft_run *run = around->run;
    struct weft_text name = {NULL, 0};
    enum weft_lineage_known known = WEFT_LINEAGE_UNSURE;
    if (is_reached && number <= around->base) {
        known = weft_lineage_is_known(around->lineage, around->question.span, number);
    }
    if (run->reveal != NULL && known != WEFT_LINEAGE_UNKNOWN) {
        enum weft_err rv = weft_around_name(around, number, &name);
        if (rv != WEFT_OK) {
            return rv;
        }
        known = known_of_seen(around, known, name);
    }
    switch (known) {
    case WEFT_LINEAGE_KNOWN:
        *ret_known = true;
        return WEFT_OK;
    case WEFT_LINEAGE_UNKNOWN:
        *ret_known = false;
        return WEFT_OK;
    case WEFT_LINEAGE_UNSURE:
        break;
    }
    return has_version(run, weft_around_asset(around, number), name, ret_known);
}

bool weft_around_is_own_record(const struct weft_around *around, uint8_t rel, bool is_forward)
{
    return around->lineage != NULL && !weft_lineage_has_events(around->lineage) &&
           around->rels[rel].is_asset_inside != is_forward;
}

/* --- edges ----------------------------------------------------------------------------------- */

enum weft_err weft_around_edges(struct weft_around *around, const uint32_t *numbers, uint32_t count,
    bool is_forward, struct weft_edges *ret_edges, uint32_t *ret_ends, uint32_t *ret_done)
{
    uint32_t nodes[WEFT_LINEAGE_BATCH];
    enum weft_err rv;
    if (around->lineage == NULL) {
        rv = weft_around_from_store(around, numbers[0], is_forward, ret_edges);
        *ret_done = 1;
        ret_ends[0] = ret_edges->count;
        return rv;
    }
    for (uint32_t i = 0; i < count; i++) {
        nodes[i] = numbers[i] <= around->base ? numbers[i] : 0; /* Lineage does not touch it. */
    }
    rv = weft_lineage_edges(around->lineage, &around->question, nodes, count, is_forward, ret_edges,
        ret_ends, ret_done);
    return rv == WEFT_OK ? rv : weft_fail(around->run->msg, rv, "the links of a trace");
}

struct weft_ref weft_around_place(const struct weft_around *around, uint32_t evidence)
{
    if (around->lineage != NULL) {
        return weft_lineage_evidence(around->lineage, evidence);
    }
    weft_assert(evidence < around->place_count); /* NOD-111 */
    return around->places[evidence];
}
