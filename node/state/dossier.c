#include "node/state/dossier.h"

#include <stdlib.h>

#include "node/state/dossier_sight.h"
#include "node/state/links.h"
#include "proto/check.h"

enum {
    ARRAY_FIRST = 16
};

static enum weft_err no_memory(struct weft_dossier *d)
{
    return weft_fail(d->msg, WEFT_ENOMEM, "read what is known of an asset");
}

static enum weft_err damaged(struct weft_dossier *d, const char *what)
{
    return weft_fail(d->msg, WEFT_ECORRUPT, "%s in the state is damaged", what);
}

static bool sees(const struct weft_dossier *d, uint64_t index, int64_t at_ns)
{
    return index <= d->as_of && at_ns <= d->at_ns;
}

/* Room for one more in an array of the arena. */
static void *grow(struct weft_dossier *d, void *items, uint32_t count, size_t size)
{
    if (count != 0 && (count < ARRAY_FIRST || (count & (count - 1)) != 0)) {
        return items;
    }
    void *more = weft_arena_array(d->arena, count == 0 ? ARRAY_FIRST : (size_t)count * 2, size);
    if (more != NULL && count > 0) {
        memcpy(more, items, count * size);
    }
    return more;
}

/* --- overlay --------------------------------------------------------------------------------- */

/* Newest first: `from` 0 at first. 0: there are no more of this asset and kind. */
static uint32_t next_in_overlay(
    const struct weft_overlay *o, uint64_t asset, struct weft_text kind, uint32_t from)
{
    if (o == NULL || o->count == 0) {
        return 0;
    }
    uint32_t place = from == 0 ? o->chains[weft_overlay_chain(asset)] : o->items[from - 1].older;
    while (place != 0 && (o->items[place - 1].asset != asset ||
                             !weft_text_equal(o->items[place - 1].stored.record.kind, kind))) {
        place = o->items[place - 1].older;
    }
    return place;
}

/* --- names ----------------------------------------------------------------------------------- */

/* What a stored record names has an id. So a name without one stands in the commit under check:
 * its text lives as long as the apply's table, and its place there stands in for the id. */
static enum weft_err find_name(struct weft_dossier *d, struct weft_text name, uint64_t *ret_asset)
{
    struct weft_head head;
    uint32_t place;
    enum weft_err rv = weft_names_peek(d->names, name, &head, d->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    *ret_asset = head.id;
    if (head.id == 0) {
        rv = weft_names_find(d->names, name, &place, d->msg);
        *ret_asset = rv == WEFT_OK ? UINT64_C(1) << 62 | place : 0;
    }
    return rv;
}

enum weft_err weft_dossier_find(struct weft_dossier *d, struct weft_text name, uint64_t *ret_asset)
{
    *ret_asset = 0;
    if (d->names != NULL) {
        return find_name(d, name, ret_asset);
    }
    if (name.size == 0 || name.size > WEFT_ASSET_SIZE_MAX) {
        return WEFT_OK;
    }
    struct weft_store_value value = {.handle = NULL};
    struct weft_head head;
    struct weft_key key = weft_key_name(name);
    enum weft_err rv = weft_store_get(d->store, d->snapshot, &key, &value, d->msg);
    if (rv == WEFT_OK && weft_head_decode(value.bytes, &head) != WEFT_OK) {
        rv = damaged(d, "an asset's head");
    }
    weft_store_release(&value);
    if (rv == WEFT_OK && head.since <= d->as_of) {
        *ret_asset = head.id;
    }
    return rv == WEFT_ENOTFOUND ? WEFT_OK : rv;
}

static enum weft_err read_word(
    struct weft_dossier *d, char letter, struct weft_text name, uint16_t *ret_id)
{
    if (d->names != NULL) {
        *ret_id = weft_words_find(
            letter == 'k' ? weft_names_kinds(d->names) : weft_names_rels(d->names), name);
        return WEFT_OK;
    }
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_word(letter, name);
    enum weft_err rv = weft_store_get(d->store, d->snapshot, &key, &value, d->msg);
    if (rv == WEFT_OK && value.bytes.size != WEFT_WORD_ID_SIZE) {
        rv = damaged(d, "the dictionary");
    } else if (rv == WEFT_OK) {
        *ret_id = weft_get_be16(value.bytes.data);
    }
    weft_store_release(&value);
    return rv == WEFT_ENOTFOUND ? WEFT_OK : rv;
}

/* *ret_id 0: there is no such word. */
static enum weft_err find_word(
    struct weft_dossier *d, char letter, struct weft_text name, uint16_t *ret_id)
{
    *ret_id = 0;
    for (uint32_t i = 0; i < d->word_count; i++) {
        if (d->words[i].letter == letter && weft_text_equal(d->words[i].name, name)) {
            *ret_id = d->words[i].id;
            return WEFT_OK;
        }
    }
    enum weft_err rv = read_word(d, letter, name, ret_id);
    if (rv == WEFT_OK && d->word_count < WEFT_DOSSIER_WORDS) {
        d->words[d->word_count].letter = letter;
        d->words[d->word_count].name = name;
        d->words[d->word_count++].id = *ret_id;
    }
    return rv;
}

/* --- records --------------------------------------------------------------------------------- */

static enum weft_err load(struct weft_dossier *d, const struct weft_moment *moment, uint32_t first,
    bool has_first, struct weft_stored_record *ret_record)
{
    struct weft_ref ref = {
        .at_ns = moment->at_ns, .index = moment->index, .ordinal = moment->ordinal, .first = first};
    struct weft_bytes bytes;
    int64_t time_ns;
    enum weft_err rv =
        has_first ? weft_loader_get(d->loader, &ref, &bytes, &time_ns, d->msg)
                  : weft_loader_find(d->loader, ref.index, ref.ordinal, &bytes, &time_ns, d->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint8_t *copy = weft_arena_alloc(d->arena, bytes.size);
    if (copy == NULL) {
        return no_memory(d);
    }
    memcpy(copy, bytes.data, bytes.size);
    *ret_record =
        (struct weft_stored_record){.index = ref.index, .ordinal = ref.ordinal, .time_ns = time_ns};
    rv = weft_stored_decode(
        (struct weft_bytes){copy, bytes.size}, d->arena, &ret_record->digest, &ret_record->record);
    if (rv != WEFT_OK) {
        return weft_fail(d->msg, rv, "record %llu/%u", (unsigned long long)ref.index, ref.ordinal);
    }
    rv = weft_dossier_strip(d, ret_record);
    return rv == WEFT_OK ? weft_dossier_step(d) : rv;
}

enum weft_err weft_dossier_load(struct weft_dossier *d, const struct weft_moment *moment,
    const struct weft_stored_record **ret_record)
{
    for (uint32_t i = d->overlay != NULL ? d->overlay->count : 0; i > 0; i--) {
        const struct weft_stored_record *r = &d->overlay->items[i - 1].stored;
        if (r->index == moment->index && r->ordinal == moment->ordinal) {
            *ret_record = r;
            return WEFT_OK;
        }
    }
    struct weft_stored_record *record = weft_arena_alloc(d->arena, sizeof(*record));
    if (record == NULL) {
        return no_memory(d);
    }
    *ret_record = record;
    return load(d, moment, 0, false, record);
}

/* --- by kind --------------------------------------------------------------------------------- */

/* The version under the walk. */
struct version {
    struct weft_moment moment;
    uint32_t first;
};

static enum weft_err read_version(struct weft_dossier *d, struct version *ret_version)
{
    struct weft_bytes key = weft_store_walk_key(d->walk);
    struct weft_bytes value = weft_store_walk_value(d->walk);
    uint64_t place = 0;
    if (key.size != WEFT_KEY_VERSION_SIZE || value.size < 9 ||
        weft_get_varint(value.data + 8, value.data + value.size, &place) !=
            value.data + value.size) {
        return damaged(d, "a version");
    }
    ret_version->moment.index = weft_get_be48(key.data + 8);
    ret_version->moment.ordinal = weft_get_be24(key.data + 14);
    ret_version->moment.at_ns = weft_get_time(value.data);
    if (place >> 1 > ret_version->moment.ordinal) {
        return damaged(d, "a version");
    }
    ret_version->first = ret_version->moment.ordinal - (uint32_t)(place >> 1);
    return weft_dossier_step(d);
}

static enum weft_err collect_versions(struct weft_dossier *d, uint64_t asset, uint16_t kind,
    struct version **ret_versions, uint32_t *ret_count)
{
    struct weft_key key = weft_key_version(asset, kind, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    *ret_versions = NULL;
    *ret_count = 0;
    if (kind == 0 || asset == 0 || asset > WEFT_STATE_ASSETS_MAX) {
        return WEFT_OK;
    }
    for (weft_store_walk_to(d->walk, &key); weft_store_walk_is_below(d->walk, prefix);
         weft_store_walk_next(d->walk)) {
        struct version version = {.first = 0};
        enum weft_err rv = read_version(d, &version);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (version.moment.index > d->as_of) {
            break;
        }
        if (!sees(d, version.moment.index, version.moment.at_ns)) {
            continue;
        }
        *ret_versions = grow(d, *ret_versions, *ret_count, sizeof(**ret_versions));
        if (*ret_versions == NULL) {
            return no_memory(d);
        }
        (*ret_versions)[(*ret_count)++] = version;
    }
    enum weft_err rv = weft_store_walk_err(d->walk, d->msg);
    if (rv == WEFT_OK && *ret_count > 0) { /* Of one kind and asset: one decision. */
        bool is_shown;
        rv = weft_dossier_may_see_place(
            d, &(*ret_versions)[0].moment, (struct weft_text){NULL, 0}, &is_shown);
        *ret_count = is_shown ? *ret_count : 0;
    }
    return rv;
}

static enum weft_err load_all(struct weft_dossier *d, const struct version *versions,
    uint32_t count, struct weft_stored_record **ret_records)
{
    struct weft_stored_record *records = weft_arena_array(d->arena, count, sizeof(*records));
    enum weft_err rv = WEFT_OK;
    if (records == NULL) {
        return no_memory(d);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        rv = load(d, &versions[i].moment, versions[i].first, true, &records[i]);
    }
    *ret_records = records;
    return rv;
}

/* Those of the overlay behind `count` that there are; they come newest first. */
static enum weft_err append_overlay(struct weft_dossier *d, uint64_t asset, struct weft_text kind,
    const struct weft_stored_record *stored, uint32_t stored_count,
    const struct weft_stored_record **ret_records, uint32_t *ret_count)
{
    uint32_t more = 0;
    for (uint32_t place = 0; (place = next_in_overlay(d->overlay, asset, kind, place)) != 0;) {
        more++;
    }
    *ret_records = stored;
    *ret_count = stored_count + more;
    if (more == 0) {
        return WEFT_OK;
    }
    struct weft_stored_record *all = weft_arena_array(d->arena, *ret_count, sizeof(*all));
    if (all == NULL) {
        return no_memory(d);
    }
    if (stored_count > 0) {
        memcpy(all, stored, stored_count * sizeof(*all));
    }
    for (uint32_t place = 0; (place = next_in_overlay(d->overlay, asset, kind, place)) != 0;) {
        all[stored_count + --more] = d->overlay->items[place - 1].stored;
    }
    *ret_records = all;
    return WEFT_OK;
}

enum weft_err weft_dossier_history(struct weft_dossier *d, uint64_t asset, struct weft_text kind,
    const struct weft_stored_record **ret_records, uint32_t *ret_count)
{
    struct version *versions = NULL;
    uint16_t id;
    uint32_t count = 0;
    enum weft_err rv = find_word(d, 'k', kind, &id);
    if (rv == WEFT_OK) {
        rv = collect_versions(d, asset, id, &versions, &count);
    }
    struct weft_stored_record *records = NULL;
    if (rv == WEFT_OK) {
        rv = load_all(d, versions, count, &records);
    }
    return rv == WEFT_OK ? append_overlay(d, asset, kind, records, count, ret_records, ret_count)
                         : rv;
}

enum weft_err weft_dossier_moments(struct weft_dossier *d, uint64_t asset, struct weft_text kind,
    struct weft_moment **ret_moments, uint32_t *ret_count)
{
    struct version *versions = NULL;
    uint16_t id;
    enum weft_err rv = find_word(d, 'k', kind, &id);
    if (rv == WEFT_OK) {
        rv = collect_versions(d, asset, id, &versions, ret_count);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    *ret_moments = weft_arena_array(d->arena, *ret_count, sizeof(**ret_moments));
    if (*ret_moments == NULL) {
        return no_memory(d);
    }
    for (uint32_t i = 0; i < *ret_count && rv == WEFT_OK; i++) {
        (*ret_moments)[i] = versions[i].moment;
        rv = weft_dossier_hide_time(d, &(*ret_moments)[i]);
    }
    return rv;
}

/* None was true by then. Its revision is told to whom all is told. */
static enum weft_err not_seen(struct weft_dossier *d, uint64_t *ret_rev)
{
    *ret_rev = weft_reveal_shows_all(d->reveal) ? *ret_rev : 0;
    return weft_store_walk_err(d->walk, d->msg);
}

enum weft_err weft_dossier_newest(struct weft_dossier *d, uint64_t asset, uint16_t kind,
    const struct weft_stored_record **ret_record, uint64_t *ret_rev)
{
    uint64_t rev = 0;
    struct weft_key key = weft_key_version(asset, kind, d->as_of, WEFT_STATE_ORDINAL_MAX);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    ret_rev = ret_rev != NULL ? ret_rev : &rev;
    *ret_rev = 0;
    *ret_record = NULL;
    if (kind == 0 || asset == 0 || asset > WEFT_STATE_ASSETS_MAX) {
        return WEFT_OK;
    }
    for (weft_store_walk_back_to(d->walk, &key); weft_store_walk_is_below(d->walk, prefix);
         weft_store_walk_back(d->walk)) {
        struct version version = {.first = 0};
        enum weft_err rv = read_version(d, &version);
        if (rv != WEFT_OK) {
            return rv;
        }
        *ret_rev = *ret_rev == 0 ? version.moment.index : *ret_rev;
        if (sees(d, version.moment.index, version.moment.at_ns)) {
            struct weft_stored_record *record = NULL;
            rv = load_all(d, &version, 1, &record);
            bool is_shown = rv == WEFT_OK && record != NULL && record->record.kind.size > 0;
            *ret_record = is_shown ? record : NULL;
            *ret_rev = is_shown ? *ret_rev : 0;
            return rv;
        }
    }
    return not_seen(d, ret_rev);
}

enum weft_err weft_dossier_current(struct weft_dossier *d, uint64_t asset, struct weft_text kind,
    const struct weft_stored_record **ret_record)
{
    uint32_t place = next_in_overlay(d->overlay, asset, kind, 0);
    if (place != 0) {
        *ret_record = &d->overlay->items[place - 1].stored;
        return WEFT_OK;
    }
    uint16_t id;
    enum weft_err rv = find_word(d, 'k', kind, &id);
    return rv == WEFT_OK ? weft_dossier_newest(d, asset, id, ret_record, NULL) : rv;
}

enum weft_err weft_dossier_kinds(
    struct weft_dossier *d, uint64_t asset, uint16_t **ret_kinds, uint32_t *ret_count)
{
    *ret_kinds = NULL;
    *ret_count = 0;
    for (uint32_t kind = 1; kind <= WEFT_STATE_WORDS_MAX; kind++) {
        struct weft_key key = weft_key_version(asset, (uint16_t)kind, 0, 0);
        struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
        weft_store_walk_to(d->walk, &key);
        if (!weft_store_walk_is_below(d->walk, prefix)) {
            return weft_store_walk_err(d->walk, d->msg);
        }
        struct weft_bytes at = weft_store_walk_key(d->walk);
        enum weft_err rv =
            at.size == WEFT_KEY_VERSION_SIZE ? weft_dossier_step(d) : damaged(d, "a version");
        if (rv != WEFT_OK) {
            return rv;
        }
        kind = weft_get_be16(at.data + 6);
        *ret_kinds = grow(d, *ret_kinds, *ret_count, sizeof(**ret_kinds));
        if (*ret_kinds == NULL) {
            return no_memory(d);
        }
        (*ret_kinds)[(*ret_count)++] = (uint16_t)kind;
    }
    return WEFT_OK;
}

/* --- by what links to it --------------------------------------------------------------------- */

static enum weft_err add_mention(struct weft_dossier *d, const struct weft_mention *mention,
    struct weft_mention **ret_mentions, uint32_t *ret_count)
{
    *ret_mentions = grow(d, *ret_mentions, *ret_count, sizeof(**ret_mentions));
    if (*ret_mentions == NULL) {
        return no_memory(d);
    }
    (*ret_mentions)[(*ret_count)++] = *mention;
    return weft_dossier_step(d);
}

/* `name` is that of `rel`. */
static enum weft_err mentions_in_store(struct weft_dossier *d, uint64_t asset, uint16_t rel,
    struct weft_text name, struct weft_mention **ret_mentions, uint32_t *ret_count)
{
    struct weft_key key = weft_key_mirror(asset, rel, INT64_MIN, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_MIRROR_PREFIX_SIZE};
    for (weft_store_walk_to(d->walk, &key); weft_store_walk_is_below(d->walk, prefix);
         weft_store_walk_next(d->walk)) {
        struct weft_ref record;
        struct weft_mention mention = {.asset = 0};
        if (!weft_mirror_read(weft_store_walk_key(d->walk), weft_store_walk_value(d->walk), &record,
                &mention.asset)) {
            return damaged(d, "a mirrored link");
        }
        mention.moment = (struct weft_moment){
            .at_ns = record.at_ns, .index = record.index, .ordinal = record.ordinal};
        if (mention.moment.at_ns > d->at_ns) {
            break;
        }
        bool is_shown = sees(d, mention.moment.index, mention.moment.at_ns);
        enum weft_err rv =
            is_shown ? weft_dossier_may_see_place(d, &mention.moment, name, &is_shown) : WEFT_OK;
        if (rv == WEFT_OK) {
            rv =
                is_shown ? add_mention(d, &mention, ret_mentions, ret_count) : weft_dossier_step(d);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return weft_store_walk_err(d->walk, d->msg);
}

static bool links_to(const struct weft_overlay_item *item, uint64_t asset, struct weft_text rel)
{
    const struct weft_record *record = &item->stored.record;
    for (uint32_t i = 0; i < record->link_count; i++) {
        if (item->targets[i] == asset && weft_text_equal(record->links[i].rel, rel)) {
            return true;
        }
    }
    return false;
}

/* Newest first in the chain; a record that links twice is one mention. */
static enum weft_err mentions_in_overlay(struct weft_dossier *d, uint64_t asset,
    struct weft_text rel, struct weft_mention **ret_mentions, uint32_t *ret_count)
{
    const struct weft_overlay *o = d->overlay;
    uint32_t last = UINT32_MAX;
    if (o == NULL || o->count == 0) {
        return WEFT_OK;
    }
    for (uint32_t place = o->chains[WEFT_OVERLAY_CHAINS + weft_overlay_chain(asset)]; place != 0;
         place = o->targets[place - 1].older) {
        const struct weft_overlay_target *target = &o->targets[place - 1];
        const struct weft_overlay_item *item = &o->items[target->item];
        if (target->target != asset || target->item == last || !links_to(item, asset, rel)) {
            continue;
        }
        last = target->item;
        struct weft_mention mention = {weft_moment_of(&item->stored), item->asset};
        enum weft_err rv = add_mention(d, &mention, ret_mentions, ret_count);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}

enum weft_err weft_dossier_mentions(struct weft_dossier *d, uint64_t asset, struct weft_text rel,
    struct weft_mention **ret_mentions, uint32_t *ret_count)
{
    uint16_t id;
    *ret_mentions = NULL;
    *ret_count = 0;
    enum weft_err rv = find_word(d, 'r', rel, &id);
    if (rv == WEFT_OK && id != 0 && asset != 0 && asset <= WEFT_STATE_ASSETS_MAX) {
        rv = mentions_in_store(d, asset, id, rel, ret_mentions, ret_count);
    }
    return rv == WEFT_OK ? mentions_in_overlay(d, asset, rel, ret_mentions, ret_count) : rv;
}

/* --- by what it links to --------------------------------------------------------------------- */

/* Does one of the rels stand in the LINKS value under the walk, and does the question see it? */
static enum weft_err read_links(struct weft_dossier *d, const uint16_t *rels, uint32_t rel_count,
    struct version *ret_version, bool *ret_does)
{
    struct weft_links links;
    struct weft_ref record;
    uint16_t rel;
    uint64_t to;
    *ret_does = false;
    if (!weft_links_read(
            weft_store_walk_key(d->walk), weft_store_walk_value(d->walk), &record, &links)) {
        return damaged(d, "a record's links");
    }
    while (links.left > 0 && !*ret_does) {
        if (!weft_links_next(&links, &rel, &to)) {
            return damaged(d, "a record's links");
        }
        for (uint32_t j = 0; j < rel_count; j++) {
            *ret_does = *ret_does || rels[j] == rel;
        }
    }
    *ret_version = (struct version){
        .moment = {.at_ns = record.at_ns, .index = record.index, .ordinal = record.ordinal},
        .first = record.first};
    *ret_does = *ret_does && sees(d, record.index, record.at_ns);
    return weft_dossier_step(d);
}

enum weft_err weft_dossier_linking(struct weft_dossier *d, uint64_t asset,
    const struct weft_text *rels, uint32_t rel_count, const struct weft_stored_record **ret_records,
    uint32_t *ret_count)
{
    uint16_t ids[WEFT_DOSSIER_WORDS];
    struct version *versions = NULL, version = {.first = 0};
    struct weft_stored_record *records = NULL;
    uint32_t count = 0, id_count = 0;
    enum weft_err rv = WEFT_OK;
    weft_assert(rel_count <= WEFT_DOSSIER_WORDS);
    for (uint32_t i = 0; rv == WEFT_OK && i < rel_count; i++) {
        rv = find_word(d, 'r', rels[i], &ids[id_count]);
        id_count += ids[id_count] != 0;
    }
    struct weft_key key = weft_key_links(asset, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    for (weft_store_walk_to(d->walk, &key);
         rv == WEFT_OK && id_count > 0 && weft_store_walk_is_below(d->walk, prefix);
         weft_store_walk_next(d->walk)) {
        bool does = false;
        rv = read_links(d, ids, id_count, &version, &does);
        if (rv != WEFT_OK || version.moment.index > d->as_of) {
            break;
        }
        if (does) {
            versions = grow(d, versions, count, sizeof(*versions));
            if (versions == NULL) {
                return no_memory(d);
            }
            versions[count++] = version;
        }
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(d->walk, d->msg);
    }
    if (rv == WEFT_OK) {
        rv = load_all(d, versions, count, &records);
    }
    *ret_records = records;
    *ret_count = rv == WEFT_OK ? weft_dossier_keep_linking(d, records, count, rels, rel_count) : 0;
    return rv;
}

enum weft_err weft_dossier_linking_last(struct weft_dossier *d, uint64_t asset,
    struct weft_text rel, const struct weft_stored_record **ret_record)
{
    uint16_t id;
    *ret_record = NULL;
    enum weft_err rv = find_word(d, 'r', rel, &id);
    if (rv != WEFT_OK || id == 0 || asset == 0) {
        return rv;
    }
    struct weft_key key = weft_key_links(asset, d->as_of, WEFT_STATE_ORDINAL_MAX);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    for (weft_store_walk_back_to(d->walk, &key); weft_store_walk_is_below(d->walk, prefix);
         weft_store_walk_back(d->walk)) {
        struct version version = {.first = 0};
        struct weft_stored_record *record = NULL;
        bool does = false;
        rv = read_links(d, &id, 1, &version, &does);
        if (rv == WEFT_OK && does) {
            rv = load_all(d, &version, 1, &record);
            if (rv == WEFT_OK && weft_dossier_keep_linking(d, record, 1, &rel, 1) == 1) {
                *ret_record = record;
                return rv;
            }
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return weft_store_walk_err(d->walk, d->msg);
}
