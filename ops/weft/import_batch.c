#include "ops/weft/import_batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/digest.h"
#include "proto/limits.h"

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    /* Beside the texts of each in a FlatBuffer: offsets, lengths, padding, vtables. From above. */
    FIELD_OVERHEAD = 40,
    LINK_OVERHEAD = 48,
    RECORD_OVERHEAD = 160,
    PLACE_SIZE = 640,
};

/* --- sizes ------------------------------------------------------------------------------------ */

static size_t fields_size(const struct weft_field *fields, uint32_t count, size_t overhead)
{
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        size += fields[i].path.size + fields[i].value.size + overhead;
    }
    return size;
}

static size_t commit_size(const struct weft_record *r)
{
    size_t size = RECORD_OVERHEAD + r->kind.size + r->asset.size + r->source.size + r->author.size +
                  fields_size(r->fields, r->field_count, FIELD_OVERHEAD);
    for (uint32_t i = 0; i < r->link_count; i++) {
        const struct weft_link *link = &r->links[i];
        size += LINK_OVERHEAD + link->rel.size + link->to.size +
                fields_size(link->fields, link->field_count, FIELD_OVERHEAD);
    }
    return size;
}

/* --- copies ----------------------------------------------------------------------------------- */

/* A record's memory in one piece: structures in front, texts behind. */
struct copier {
    uint8_t *structs;
    char *texts;
};

static size_t copy_size(const struct weft_record *r)
{
    size_t size = r->field_count * sizeof(*r->fields) + r->link_count * sizeof(*r->links) +
                  r->kind.size + r->asset.size + r->source.size + r->author.size +
                  fields_size(r->fields, r->field_count, 0);
    for (uint32_t i = 0; i < r->link_count; i++) {
        const struct weft_link *link = &r->links[i];
        size += link->rel.size + link->to.size + link->field_count * sizeof(*link->fields) +
                fields_size(link->fields, link->field_count, 0);
    }
    return size;
}

static struct weft_text copy_text(struct copier *c, struct weft_text text)
{
    if (text.size == 0) {
        return (struct weft_text){NULL, 0};
    }
    struct weft_text copy = {memcpy(c->texts, text.data, text.size), text.size};
    c->texts += text.size;
    return copy;
}

static const struct weft_field *copy_fields(
    struct copier *c, const struct weft_field *fields, uint32_t count)
{
    struct weft_field *copies = (struct weft_field *)(void *)c->structs;
    c->structs += count * sizeof(*copies);
    for (uint32_t i = 0; i < count; i++) {
        copies[i] = (struct weft_field){
            copy_text(c, fields[i].path), copy_text(c, fields[i].value), fields[i].type};
    }
    return copies;
}

static enum weft_err copy_record(
    struct weft_arena *arena, const struct weft_record *r, struct weft_record *ret_copy)
{
    struct copier c = {.structs = weft_arena_alloc(arena, copy_size(r))};
    if (c.structs == NULL) {
        return WEFT_ENOMEM;
    }
    size_t structs = r->field_count * sizeof(*r->fields) + r->link_count * sizeof(*r->links);
    for (uint32_t i = 0; i < r->link_count; i++) {
        structs += r->links[i].field_count * sizeof(*r->links[i].fields);
    }
    c.texts = (char *)c.structs + structs;
    struct weft_record copy = *r;
    copy.kind = copy_text(&c, r->kind);
    copy.asset = copy_text(&c, r->asset);
    copy.source = copy_text(&c, r->source);
    copy.author = copy_text(&c, r->author);
    struct weft_link *links = (struct weft_link *)(void *)c.structs;
    c.structs += r->link_count * sizeof(*links);
    copy.links = links;
    copy.fields = copy_fields(&c, r->fields, r->field_count);
    for (uint32_t i = 0; i < r->link_count; i++) {
        const struct weft_link *link = &r->links[i];
        links[i] = (struct weft_link){copy_text(&c, link->rel), copy_text(&c, link->to),
            copy_fields(&c, link->fields, link->field_count), link->field_count};
    }
    *ret_copy = copy;
    return WEFT_OK;
}

/* --- the batch -------------------------------------------------------------------------------- */

enum weft_err weft_import_batch_create(
    uint32_t items_max, size_t size_max, struct weft_import_batch **ret_batch)
{
    struct weft_import_batch *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return WEFT_ENOMEM;
    }
    b->arena.size_max = ARENA_SIZE_MAX;
    b->items_max = items_max;
    b->size_max = size_max;
    b->records = calloc(WEFT_COMMIT_RECORDS_MAX, sizeof(*b->records));
    b->items = calloc(items_max, sizeof(*b->items));
    b->guards = calloc(WEFT_COMMIT_RECORDS_MAX, sizeof(*b->guards));
    if (b->records == NULL || b->items == NULL || b->guards == NULL) {
        weft_import_batch_destroy(b);
        return WEFT_ENOMEM;
    }
    *ret_batch = b;
    return WEFT_OK;
}

void weft_import_batch_clear(struct weft_import_batch *b)
{
    weft_arena_reset(&b->arena);
    b->record_count = b->item_count = b->guard_count = 0;
    b->size_bytes = 0;
}

void weft_import_batch_destroy(struct weft_import_batch *b)
{
    if (b == NULL) {
        return;
    }
    weft_arena_destroy(&b->arena);
    free(b->records);
    free(b->items);
    free(b->guards);
    free(b);
}

/* FNV-1a. Two assets of one hash only end a batch early. */
static uint64_t hash_of(struct weft_text asset)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < asset.size; i++) {
        hash = (hash ^ (uint8_t)asset.data[i]) * 0x100000001b3;
    }
    return hash;
}

/* False: another record of the batch expects the same. */
static bool add_guard(struct weft_import_batch *b, const struct weft_record *r)
{
    if (!r->has_expect) {
        return true;
    }
    uint64_t hash = hash_of(r->asset);
    for (uint32_t i = 0; i < b->guard_count; i++) {
        if (b->guards[i] == hash) {
            return false;
        }
    }
    b->guards[b->guard_count++] = hash;
    return true;
}

static enum weft_err add_record(struct weft_import_batch *b, const struct weft_record *record)
{
    enum weft_err err = copy_record(&b->arena, record, &b->records[b->record_count]);
    if (err != WEFT_OK) {
        return err;
    }
    if (!add_guard(b, record)) {
        return WEFT_EBUSY;
    }
    b->size_bytes += commit_size(record);
    b->record_count++;
    return WEFT_OK;
}

static const char *place_of(
    struct weft_arena *arena, const struct weft_import_place *place, const char *file_name)
{
    char text[PLACE_SIZE];
    int size = place->line == 0
                   ? snprintf(text, sizeof(text), "%.320s: %s", file_name, place->pointer)
                   : snprintf(text, sizeof(text), "%.320s: line %" PRIu64 "%s%s%s", file_name,
                         place->line, place->pointer[0] != '\0' ? " (" : "", place->pointer,
                         place->pointer[0] != '\0' ? ")" : "");
    return weft_arena_text(arena, (struct weft_text){text, size > 0 ? (size_t)size : 0}).data;
}

static bool has_room(
    const struct weft_import_batch *b, const struct weft_import_item *item, uint32_t record_count)
{
    size_t size = b->size_bytes;
    for (uint32_t i = 0; i < item->record_count; i++) {
        size += commit_size(&item->records[i]);
    }
    return b->item_count < b->items_max && size <= b->size_max &&
           record_count <= WEFT_COMMIT_RECORDS_MAX - b->record_count;
}

enum weft_err weft_import_batch_add(struct weft_import_batch *b,
    const struct weft_importer_type *type, const struct weft_import_item *item,
    const char *file_name)
{
    char asset[WEFT_IMPORT_MARKER_SIZE];
    bool has_marker = item->once == WEFT_ONCE_BY_MARKER;
    if (item->record_count >= WEFT_COMMIT_RECORDS_MAX) {
        return WEFT_ETOOBIG;
    }
    /* What is larger than a batch should be is sent alone; the encoder has the last word. */
    if (b->item_count > 0 && !has_room(b, item, item->record_count + has_marker)) {
        return WEFT_EBUSY;
    }
    struct weft_import_batch before = *b;
    enum weft_err err = WEFT_OK;
    if (has_marker) {
        struct weft_record marker = weft_import_marker(type, item, asset);
        err = add_record(b, &marker);
    }
    for (uint32_t i = 0; i < item->record_count && err == WEFT_OK; i++) {
        err = add_record(b, &item->records[i]);
    }
    const char *place = err == WEFT_OK ? place_of(&b->arena, &item->place, file_name) : NULL;
    if (place == NULL) {
        before.arena = b->arena; /* What was copied in vain goes with the rest of the batch. */
        *b = before;
        return err == WEFT_EBUSY && b->item_count == 0 ? WEFT_EINVAL
               : err != WEFT_OK                        ? err
                                                       : WEFT_ENOMEM;
    }
    b->items[b->item_count++] = (struct weft_import_batch_item){
        before.record_count, b->record_count - before.record_count, item->id, place};
    return WEFT_OK;
}

struct weft_request_id weft_import_batch_id(
    const struct weft_import_batch *b, uint32_t first, uint32_t count)
{
    struct weft_sha256 hash;
    if (count == 1) {
        return b->items[first].id;
    }
    weft_sha256_init(&hash);
    for (uint32_t i = 0; i < count; i++) {
        weft_sha256_update(&hash, b->items[first + i].id.bytes, sizeof(b->items->id.bytes));
    }
    struct weft_digest digest = weft_sha256_final(&hash);
    return weft_import_id_of(&digest);
}
