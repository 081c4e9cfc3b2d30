#include "node/state/stage.h"

#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/pack.h"
#include "proto/arith.h"
#include "proto/check.h"

enum {
    RECORDS_FIRST = 256,
    VARINT_SIZE_MAX = 10,
    BYTES_KEPT_MAX = 8 * 1024 * 1024, /* More is given back after the apply that needed it. */
};

/* --- staging --------------------------------------------------------------------------------- */

static enum weft_err grow_records(struct weft_stage *stage)
{
    if (stage->count < stage->capacity) {
        return WEFT_OK;
    }
    uint32_t capacity = stage->capacity == 0 ? RECORDS_FIRST : stage->capacity * 2;
    struct weft_staged *records = realloc(stage->records, capacity * sizeof(*records));
    if (records == NULL) {
        return WEFT_ENOMEM;
    }
    stage->records = records;
    uint32_t *scratch = realloc(stage->scratch, capacity * sizeof(*scratch));
    if (scratch == NULL) {
        return WEFT_ENOMEM;
    }
    stage->scratch = scratch;
    stage->capacity = capacity;
    return WEFT_OK;
}

static enum weft_err grow_links(struct weft_stage *stage, uint32_t more)
{
    uint32_t capacity = stage->link_capacity == 0 ? RECORDS_FIRST : stage->link_capacity;
    while (capacity - stage->link_count < more) {
        capacity *= 2;
    }
    if (capacity == stage->link_capacity) {
        return WEFT_OK;
    }
    struct weft_staged_link *links = realloc(stage->links, capacity * sizeof(*links));
    if (links == NULL) {
        return WEFT_ENOMEM;
    }
    stage->links = links;
    stage->link_capacity = capacity;
    return WEFT_OK;
}

/* An asset that is mentioned for the first time gets the next id. Ids of one entry follow each
 * other, so one key tells the names of all of them. */
static enum weft_err give_id(
    struct weft_stage *stage, const struct weft_stage_context *context, struct weft_name *name)
{
    if (name->head.id != 0) {
        return WEFT_OK;
    }
    uint8_t size = (uint8_t)name->text.size;
    weft_assert(size == name->text.size); /* NOD-101 */
    enum weft_err rv = weft_buffer_append(&stage->names, &size, 1);
    if (rv == WEFT_OK) {
        rv = weft_buffer_text(&stage->names, name->text);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    name->head.id = ++*context->assets;
    name->head.since = context->place.index;
    name->is_changed = true;
    weft_names_is_new(context->names, name);
    if (stage->names_first == 0) {
        stage->names_first = name->head.id;
    }
    return WEFT_OK;
}

static enum weft_err stage_links(struct weft_stage *stage, const struct weft_stage_context *context,
    const struct weft_record *record, struct weft_msg *msg)
{
    enum weft_err rv = grow_links(stage, record->link_count);
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "stage links");
    }
    struct weft_words *rels = weft_names_rels(context->names);
    for (uint32_t i = 0; i < record->link_count; i++) {
        struct weft_staged_link *link = &stage->links[stage->link_count++];
        uint32_t place;
        rv = weft_words_intern(rels, record->links[i].rel, context->batch, &link->rel);
        if (rv != WEFT_OK) {
            return weft_fail(msg, rv, "intern a rel");
        }
        rv = weft_names_find(context->names, record->links[i].to, &place, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        struct weft_name *target = weft_names_at(context->names, place);
        rv = give_id(stage, context, target);
        if (rv != WEFT_OK) {
            return weft_fail(msg, rv, "name an asset");
        }
        link->to = target->head.id;
        link->is_known = target->head.rev != 0;
    }
    return WEFT_OK;
}

enum weft_err weft_stage_record(struct weft_stage *stage, const struct weft_stage_context *context,
    const struct weft_record *record, uint32_t name, struct weft_digest *ret_digest,
    struct weft_statement *ret_statement, struct weft_msg *msg)
{
    enum weft_err rv = grow_records(stage);
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "stage records");
    }
    struct weft_staged *staged = &stage->records[stage->count];
    *staged = (struct weft_staged){.index = context->place.index,
        .ordinal = context->place.ordinal,
        .at_ns = record->at_ns,
        .time_ns = context->place.time_ns,
        .links = stage->link_count,
        .link_count = record->link_count,
        .offset = stage->bytes.size};
    rv = weft_words_intern(
        weft_names_kinds(context->names), record->kind, context->batch, &staged->kind);
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "intern a kind");
    }
    struct weft_name *asset = weft_names_at(context->names, name);
    rv = give_id(stage, context, asset);
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "name an asset");
    }
    for (uint32_t i = 0; i < record->link_count; i++) {
        weft_names_expect(context->names, record->links[i].to); /* While the digest is made. */
    }
    struct weft_statement_place place = context->place;
    place.previous = asset->head.digest;
    weft_arena_reset(&stage->statement);
    if (ret_statement == NULL) {
        rv = weft_statement_digest(record, &place, &stage->statement, NULL, &staged->digest);
    } else {
        rv = weft_statement_make(record, &place, &stage->statement, ret_statement);
        staged->digest = rv == WEFT_OK ? ret_statement->digest : staged->digest;
    }
    if (rv == WEFT_OK) {
        rv = weft_stored_encode(record, &staged->digest, &stage->bytes);
    }
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "encode a record");
    }
    staged->asset = asset->head.id;
    staged->size = (uint32_t)(stage->bytes.size - staged->offset);
    staged->is_late = record->at_ns < asset->head.at_max_ns;
    if (!staged->is_late) {
        asset->head.at_max_ns = record->at_ns;
    }
    asset->head.rev = place.index;
    asset->head.digest = staged->digest;
    asset->is_changed = true;
    *ret_digest = staged->digest;
    stage->count++;
    uint64_t asset_id = staged->asset;
    rv = stage_links(stage, context, record, msg);
    if (rv == WEFT_OK) {
        const struct weft_ref in_log = {
            .at_ns = record->at_ns, .index = place.index, .ordinal = place.ordinal};
        struct weft_record fed = *record;
        if (weft_node_mutant(WEFT_NODE_MUTANT_LINKS_HALF) && fed.link_count > 1) {
            fed.link_count--;
        }
        rv = weft_feed_record(context->feed, &in_log, asset_id, &fed,
            &stage->links[stage->link_count - record->link_count]);
        rv = rv == WEFT_OK ? rv : weft_fail(msg, rv, "stage lineage");
    }
    return rv;
}

void weft_stage_end_pack(struct weft_stage *stage)
{
    if (stage->count > 0) {
        stage->records[stage->count - 1].ends_pack = true;
    }
}

const struct weft_staged *weft_stage_find(
    const struct weft_stage *stage, uint64_t index, uint32_t ordinal)
{
    uint32_t low = 0, high = stage->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct weft_staged *staged = &stage->records[middle];
        if (staged->index < index || (staged->index == index && staged->ordinal < ordinal)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == stage->count) {
        return NULL;
    }
    const struct weft_staged *staged = &stage->records[low];
    return staged->index == index && staged->ordinal == ordinal ? staged : NULL;
}

struct weft_bytes weft_staged_bytes(
    const struct weft_stage *stage, const struct weft_staged *staged)
{
    return (struct weft_bytes){stage->bytes.data + staged->offset, staged->size};
}

/* --- the keys of an entry -------------------------------------------------------------------- */

/* Records of one entry lie one behind another in stage->bytes; so do those of a pack. */
static enum weft_err put_pack(struct weft_stage *stage, uint32_t from, uint32_t count,
    const uint8_t *seed, struct weft_store_batch *batch)
{
    struct weft_staged *records = &stage->records[from];
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        records[i].first = records[0].ordinal;
        stage->scratch[i] = records[i].size;
        size += records[i].size;
    }
    const uint8_t *pack_seed = records[0].ordinal == 0 ? seed : NULL;
    weft_buffer_clear(&stage->value);
    enum weft_err rv =
        weft_pack_begin(records[0].time_ns, pack_seed, stage->scratch, count, &stage->value);
    if (rv == WEFT_OK) {
        rv = weft_buffer_append(&stage->value, stage->bytes.data + records[0].offset, size);
    }
    if (rv == WEFT_OK) {
        struct weft_key key = weft_key_records(records[0].index, records[0].ordinal);
        weft_store_batch_put(batch, &key, stage->value.data, stage->value.size);
    }
    return rv;
}

static enum weft_err put_packs(
    struct weft_stage *stage, const uint8_t *seed, struct weft_store_batch *batch)
{
    uint32_t from = stage->entry_first;
    size_t size = 0;
    for (uint32_t i = from; i < stage->count; i++) {
        size += stage->records[i].size;
        bool is_full = stage->is_split ? stage->records[i].ends_pack : size >= WEFT_PACK_SIZE_BYTES;
        if (is_full || i + 1 == stage->count) {
            enum weft_err rv = put_pack(stage, from, i + 1 - from, seed, batch);
            if (rv != WEFT_OK) {
                return rv;
            }
            from = i + 1;
            size = 0;
        }
    }
    return WEFT_OK;
}

static void put_versions(const struct weft_stage *stage, struct weft_store_batch *batch)
{
    for (uint32_t i = stage->entry_first; i < stage->count; i++) {
        const struct weft_staged *s = &stage->records[i];
        uint8_t value[8 + VARINT_SIZE_MAX];
        weft_put_time(value, s->at_ns);
        uint8_t *end = weft_put_varint(
            value + 8, (uint64_t)(s->ordinal - s->first) << 1 | (s->is_late ? 1 : 0));
        struct weft_key key = weft_key_version(s->asset, s->kind, s->index, s->ordinal);
        weft_store_batch_put(batch, &key, value, (size_t)(end - value));
    }
    for (uint32_t i = stage->entry_first; i < stage->count; i++) {
        const struct weft_staged *s = &stage->records[i];
        if (s->is_late) {
            uint8_t value[WEFT_WORD_ID_SIZE + VARINT_SIZE_MAX];
            weft_put_be16(value, s->kind);
            uint8_t *end = weft_put_varint(value + WEFT_WORD_ID_SIZE, s->ordinal - s->first);
            struct weft_key key = weft_key_late(s->asset, s->at_ns, s->index, s->ordinal);
            weft_store_batch_put(batch, &key, value, (size_t)(end - value));
        }
    }
}

static int compare_links(const void *a, const void *b)
{
    const struct weft_staged_link *x = a, *y = b;
    if (x->to != y->to) {
        return x->to < y->to ? -1 : 1;
    }
    return (int)x->rel - (int)y->rel;
}

/* Both directions of a record's links. A target that the record names twice by one rel has one
 * mirror: it tells of the record, which tells the rest. */
static enum weft_err put_links(
    struct weft_stage *stage, const struct weft_staged *s, struct weft_store_batch *batch)
{
    struct weft_staged_link *links = &stage->links[s->links];
    size_t bound = 8 + 2 * VARINT_SIZE_MAX + (size_t)s->link_count * 2 * VARINT_SIZE_MAX;
    weft_buffer_clear(&stage->value);
    enum weft_err rv = weft_buffer_reserve(&stage->value, bound);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint8_t *p = stage->value.data;
    weft_put_time(p, s->at_ns);
    p = weft_put_varint(p + 8, s->ordinal - s->first);
    p = weft_put_varint(p, s->link_count);
    for (uint32_t i = 0; i < s->link_count; i++) {
        p = weft_put_varint(p, links[i].rel);
        p = weft_put_varint(p, links[i].to);
    }
    struct weft_key key = weft_key_links(s->asset, s->index, s->ordinal);
    weft_store_batch_put(batch, &key, stage->value.data, (size_t)(p - stage->value.data));
    uint8_t mirror[WEFT_ASSET_ID_SIZE + VARINT_SIZE_MAX];
    weft_put_be40(mirror, s->asset);
    uint8_t *end = weft_put_varint(mirror + WEFT_ASSET_ID_SIZE, s->ordinal - s->first);
    qsort(links, s->link_count, sizeof(*links), compare_links);
    uint32_t mirrored = s->link_count;
    if (weft_node_mutant(WEFT_NODE_MUTANT_LINKS_HALF) && mirrored > 1) {
        mirrored--;
    }
    for (uint32_t i = 0; i < mirrored; i++) {
        if (i > 0 && compare_links(&links[i - 1], &links[i]) == 0) {
            continue;
        }
        key = weft_key_mirror(links[i].to, links[i].rel, s->at_ns, s->index, s->ordinal);
        weft_store_batch_put(batch, &key, mirror, (size_t)(end - mirror));
    }
    return WEFT_OK;
}

/* By kind, then ordinal: the place in the entry stands in for the ordinal. */
static int compare_kinds(const void *a, const void *b, void *context)
{
    const struct weft_staged *records = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (records[x].kind != records[y].kind) {
        return records[x].kind < records[y].kind ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

/* One key per kind that occurs in the entry: its ordinals, each as the step from the one before. */
static enum weft_err put_kinds(struct weft_stage *stage, struct weft_store_batch *batch)
{
    struct weft_staged *records = &stage->records[stage->entry_first];
    uint32_t count = stage->count - stage->entry_first;
    bool is_mixed = false;
    for (uint32_t i = 0; i < count; i++) {
        stage->scratch[i] = i;
        is_mixed = is_mixed || records[i].kind != records[0].kind;
    }
    if (is_mixed) {
        qsort_r(stage->scratch, count, sizeof(*stage->scratch), compare_kinds, records);
    }
    for (uint32_t i = 0; i < count;) {
        uint16_t kind = records[stage->scratch[i]].kind;
        uint32_t last = 0;
        weft_buffer_clear(&stage->value);
        enum weft_err rv =
            weft_buffer_reserve(&stage->value, (size_t)(count - i) * VARINT_SIZE_MAX);
        if (rv != WEFT_OK) {
            return rv;
        }
        uint8_t *p = stage->value.data;
        for (; i < count && records[stage->scratch[i]].kind == kind; i++) {
            uint32_t ordinal = records[stage->scratch[i]].ordinal;
            p = weft_put_varint(p, ordinal - last);
            last = ordinal;
        }
        struct weft_key key = weft_key_kind(kind, records[0].index);
        weft_store_batch_put(batch, &key, stage->value.data, (size_t)(p - stage->value.data));
    }
    return WEFT_OK;
}

enum weft_err weft_stage_end_entry(struct weft_stage *stage, const uint8_t *seed,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    if (stage->entry_first == stage->count) {
        return WEFT_OK;
    }
    enum weft_err rv = put_packs(stage, seed, batch);
    if (rv == WEFT_OK) {
        put_versions(stage, batch);
        for (uint32_t i = stage->entry_first; i < stage->count && rv == WEFT_OK; i++) {
            if (stage->records[i].link_count > 0) {
                rv = put_links(stage, &stage->records[i], batch);
            }
        }
    }
    if (rv == WEFT_OK) {
        rv = put_kinds(stage, batch);
    }
    if (stage->names_first != 0) {
        struct weft_key key = weft_key_assets(stage->names_first);
        weft_store_batch_put(batch, &key, stage->names.data, stage->names.size);
        weft_buffer_clear(&stage->names);
        stage->names_first = 0;
    }
    stage->entry_first = stage->count;
    return rv == WEFT_OK ? WEFT_OK : weft_fail(msg, rv, "write the keys of an entry");
}

void weft_stage_clear(struct weft_stage *stage)
{
    if (stage->bytes.capacity > BYTES_KEPT_MAX) {
        size_t size_max = stage->bytes.size_max;
        weft_buffer_destroy(&stage->bytes);
        stage->bytes.size_max = size_max;
    }
    weft_buffer_clear(&stage->bytes);
    weft_buffer_clear(&stage->names);
    stage->names_first = 0;
    stage->count = 0;
    stage->entry_first = 0;
    stage->link_count = 0;
}

void weft_stage_destroy(struct weft_stage *stage)
{
    weft_arena_destroy(&stage->arena);
    weft_arena_destroy(&stage->statement);
    weft_buffer_destroy(&stage->bytes);
    weft_buffer_destroy(&stage->value);
    weft_buffer_destroy(&stage->names);
    free(stage->records);
    free(stage->links);
    free(stage->scratch);
}

void weft_stage_note(const struct weft_stage *stage, struct weft_histories *histories)
{
    for (uint32_t i = 0; i < stage->count; i++) {
        weft_histories_note(histories, stage->records[i].asset, stage->records[i].index);
    }
}

uint32_t weft_stage_first_of_pack(void *stage, uint32_t record)
{
    const struct weft_stage *s = stage;
    weft_assert(record < s->count); /* NOD-110 */
    return s->records[record].first;
}
