#include "ops/import/catenax.h"

#include <stdlib.h>

#include "ops/import/canonical.h"
#include "ops/import/catenax_twin.h"
#include "proto/arith.h"
#include "proto/json_reader.h"
#include "proto/limits.h"

enum {
    FRAME_SIZE_MAX = 64 * 1024 * 1024,  /* All of a container but its twins. */
    TWIN_SIZE_MAX = 64 * 1024 * 1024,   /* One twin. */
    RECORD_SIZE_MAX = 64 * 1024 * 1024, /* Its records and what they are made with. */
    TYPES_KEPT = 4096,                  /* Part types not to be stated again; a power of two. */
};

struct catenax {
    struct weft_importer base;
    struct weft_arena frame, entry, record;
    struct weft_json_reader reader;
    struct weft_buffer canonical;
    struct weft_catenax_twin twin;
    struct weft_import_place place;
    bool has_part_type;         /* That of the last twin is the next item. */
    uint64_t types[TYPES_KEPT]; /* First bytes of the ids that were given; by their place. */
    char name[WEFT_SOURCE_SIZE_MAX + 1];
};

/* weft_json_choose: twins are the elements of the container's array, or of an array alone. */
static struct weft_arena *choose(void *ctx, const struct weft_json *value)
{
    struct catenax *c = ctx;
    const struct weft_json *list = value->parent;
    if (list == NULL || list->type != WEFT_JSON_ARRAY) {
        return NULL;
    }
    bool is_root = list->parent == NULL;
    bool is_container = !is_root && list->parent->parent == NULL && list->key.size > 0 &&
                        memmem(list->key.data, list->key.size, "TestDataContainer", 17) != NULL;
    return is_root || is_container ? &c->entry : NULL;
}

static enum weft_err create(const struct weft_import_options *options,
    struct weft_importer **ret_importer, struct weft_msg *msg)
{
    struct catenax *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an importer");
    }
    c->frame.size_max = FRAME_SIZE_MAX;
    c->entry.size_max = TWIN_SIZE_MAX;
    c->record.size_max = RECORD_SIZE_MAX;
    if (options->name.size > 0 && options->name.size < sizeof(c->name)) {
        memcpy(c->name, options->name.data, options->name.size);
    }
    weft_json_reader_init(&c->reader, &c->frame, 1, NULL, choose, c);
    *ret_importer = &c->base;
    return WEFT_OK;
}

static void feed(struct weft_importer *importer, struct weft_bytes bytes, bool is_last)
{
    struct catenax *c = (struct catenax *)importer;
    weft_json_reader_feed(
        &c->reader, (struct weft_text){(const char *)bytes.data, bytes.size}, is_last);
}

/* --- items ----------------------------------------------------------------------------------- */

/* Of what the twin says, whatever the order of its members. */
static enum weft_err identify(struct catenax *c, const struct weft_json *entry,
    struct weft_request_id *ret_id, struct weft_msg *msg)
{
    weft_buffer_clear(&c->canonical);
    enum weft_err err = weft_canonical_write(entry, NULL, &c->record, &c->canonical);
    if (err != WEFT_OK) {
        return weft_json_fail(entry, msg, err, "the twin is too large to be hashed");
    }
    struct weft_digest digest = weft_sha256(c->canonical.data, c->canonical.size);
    *ret_id = weft_import_id_of(&digest);
    return WEFT_OK;
}

/* False: the twin before it, or one before that, gave the same. Whatever is forgotten here is
 * found to be known when it is stated. */
static bool is_new_type(struct catenax *c, const struct weft_request_id *id)
{
    uint64_t word = weft_get_be64(id->bytes);
    uint64_t *kept = &c->types[weft_get_be64(id->bytes + 8) & (TYPES_KEPT - 1)];
    bool is_new = *kept != word;
    *kept = word;
    return is_new;
}

static enum weft_err give_twin(struct catenax *c, const struct weft_json *entry,
    struct weft_import_item *ret_item, struct weft_msg *msg)
{
    c->place.line = entry->line;
    c->place.column = entry->column;
    weft_json_pointer(entry, c->place.pointer, sizeof(c->place.pointer));
    ret_item->place = c->place;
    struct weft_text source =
        weft_import_source(&c->record, "catenax", weft_text_of(c->name), c->place.pointer);
    enum weft_err err = weft_catenax_map(entry, source, &c->record, &c->twin, msg);
    if (err == WEFT_OK) {
        err = identify(c, entry, &ret_item->id, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    ret_item->records = c->twin.records;
    ret_item->record_count = c->twin.record_count;
    ret_item->once = WEFT_ONCE_BY_MARKER;
    c->has_part_type = c->twin.has_part_type;
    if (c->twin.has_assumed_zone) {
        c->base.notice = "times without a zone were read as UTC";
    }
    return WEFT_OK;
}

/* The container has ended. */
static enum weft_err end(struct catenax *c, enum weft_err err, struct weft_msg *msg)
{
    const struct weft_json *root = c->reader.root;
    c->base.is_over = true;
    if (err != WEFT_ENOTFOUND || root->type == WEFT_JSON_ARRAY) {
        return err;
    }
    err = weft_json_expect(root, WEFT_JSON_OBJECT, msg);
    for (const struct weft_json *v = root->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (v->key.size > 0 && memmem(v->key.data, v->key.size, "TestDataContainer", 17) != NULL) {
            err = weft_json_expect(v, WEFT_JSON_ARRAY, msg);
            return err == WEFT_OK ? WEFT_ENOTFOUND : err;
        }
    }
    return err == WEFT_OK ? weft_json_fail(root, msg, WEFT_EINVAL,
                                "is no test data container: it has no member of that name")
                          : err;
}

static enum weft_err next(
    struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    struct catenax *c = (struct catenax *)importer;
    if (c->has_part_type) {
        c->has_part_type = false;
        struct weft_request_id id = weft_import_id_of_records(&c->twin.part_type, 1);
        if (is_new_type(c, &id)) {
            *ret_item = (struct weft_import_item){.records = &c->twin.part_type,
                .record_count = 1,
                .id = id,
                .once = WEFT_ONCE_BY_MARKER,
                .place = c->place};
            return WEFT_OK;
        }
    }
    weft_arena_reset(&c->record);
    if (!weft_json_reader_is_open_in(&c->reader, &c->entry)) {
        weft_arena_reset(&c->entry);
    }
    struct weft_json *entry = NULL;
    enum weft_err err = weft_json_reader_next(&c->reader, &entry, msg);
    if (err == WEFT_ENOTFOUND && !c->reader.is_done) {
        return err;
    }
    return err == WEFT_OK ? give_twin(c, entry, ret_item, msg) : end(c, err, msg);
}

static void destroy(struct weft_importer *importer)
{
    struct catenax *c = (struct catenax *)importer;
    weft_json_reader_close(&c->reader);
    weft_arena_destroy(&c->frame);
    weft_arena_destroy(&c->entry);
    weft_arena_destroy(&c->record);
    weft_buffer_destroy(&c->canonical);
    free(c);
}

const struct weft_importer_type weft_catenax_importer = {
    .format = "catenax",
    .items = "statements",
    .create = create,
    .feed = feed,
    .next = next,
    .destroy = destroy,
};
