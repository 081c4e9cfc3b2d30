#include "ops/import/importer.h"

#include <stdio.h>

#include "proto/arith.h"
#include "proto/check.h"
#include "proto/limits.h"

enum weft_err weft_importer_create(const struct weft_importer_type *type,
    const struct weft_import_options *options, struct weft_importer **ret_importer,
    struct weft_msg *msg)
{
    struct weft_importer *importer = NULL;
    enum weft_err err = type->create(options, &importer, msg);
    if (err == WEFT_OK) {
        importer->type = type;
        *ret_importer = importer;
    }
    return err;
}

void weft_importer_feed(struct weft_importer *importer, struct weft_bytes bytes, bool is_last)
{
    importer->type->feed(importer, bytes, is_last);
}

enum weft_err weft_importer_next(
    struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    if (importer->is_over) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no more %s", importer->type->items);
    }
    return importer->type->next(importer, ret_item, msg);
}

void weft_importer_destroy(struct weft_importer *importer)
{
    if (importer != NULL) {
        importer->type->destroy(importer);
    }
}

struct weft_request_id weft_import_id_of(const struct weft_digest *digest)
{
    struct weft_request_id id;
    memcpy(id.bytes, digest->bytes, sizeof(id.bytes));
    id.bytes[0] = id.bytes[0] != 0 ? id.bytes[0] : 1; /* The zero id stands for none. */
    return id;
}

static void hash_text(struct weft_sha256 *hash, struct weft_text text)
{
    uint8_t size[4];
    weft_put_be32(size, (uint32_t)text.size);
    weft_sha256_update(hash, size, sizeof(size));
    weft_sha256_update(hash, text.data, text.size);
}

static void hash_fields(struct weft_sha256 *hash, const struct weft_field *fields, uint32_t count)
{
    uint8_t number[4];
    weft_put_be32(number, count);
    weft_sha256_update(hash, number, sizeof(number));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t type = (uint8_t)fields[i].type;
        hash_text(hash, fields[i].path);
        hash_text(hash, fields[i].value);
        weft_sha256_update(hash, &type, 1);
    }
}

struct weft_request_id weft_import_id_of_records(
    const struct weft_record *records, uint32_t record_count)
{
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    for (uint32_t i = 0; i < record_count; i++) {
        const struct weft_record *r = &records[i];
        uint8_t head[13] = {r->has_at};
        weft_put_be64(head + 1, r->has_at ? (uint64_t)r->at_ns : 0);
        weft_put_be32(head + 9, r->link_count);
        hash_text(&hash, r->kind);
        hash_text(&hash, r->asset);
        weft_sha256_update(&hash, head, sizeof(head));
        hash_fields(&hash, r->fields, r->field_count);
        for (uint32_t j = 0; j < r->link_count; j++) {
            hash_text(&hash, r->links[j].rel);
            hash_text(&hash, r->links[j].to);
            hash_fields(&hash, r->links[j].fields, r->links[j].field_count);
        }
    }
    struct weft_digest digest = weft_sha256_final(&hash);
    return weft_import_id_of(&digest);
}

struct weft_text weft_import_source(
    struct weft_arena *arena, const char *format, struct weft_text name, const char *pointer)
{
    char source[WEFT_SOURCE_SIZE_MAX + 1];
    if (name.size == 0 || name.size > WEFT_SOURCE_SIZE_MAX) {
        return (struct weft_text){NULL, 0};
    }
    int size =
        snprintf(source, sizeof(source), "%s:%.*s#%s", format, (int)name.size, name.data, pointer);
    if (size < 0 || (size_t)size >= sizeof(source)) {
        size = snprintf(source, sizeof(source), "%s:%.*s", format, (int)name.size, name.data);
    }
    if (size < 0 || (size_t)size >= sizeof(source)) {
        return (struct weft_text){NULL, 0};
    }
    return weft_arena_text(arena, (struct weft_text){source, (size_t)size});
}

struct weft_record weft_import_marker(const struct weft_importer_type *type,
    const struct weft_import_item *item, char ret_asset[WEFT_IMPORT_MARKER_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    int size = snprintf(ret_asset, WEFT_IMPORT_MARKER_SIZE, "import:%.20s:", type->format);
    weft_assert(size > 0 && (size_t)size + 2 * sizeof(item->id.bytes) < WEFT_IMPORT_MARKER_SIZE);
    char *p = ret_asset + size;
    for (size_t i = 0; i < sizeof(item->id.bytes); i++) {
        *p++ = digits[item->id.bytes[i] >> 4];
        *p++ = digits[item->id.bytes[i] & 15];
    }
    return (struct weft_record){.kind = WEFT_TEXT("import"),
        .asset = {ret_asset, (size_t)(p - ret_asset)},
        .source = item->records[0].source,
        .has_expect = true,
        .expect_rev = 0};
}

bool weft_import_is_there(const struct weft_error_answer *error)
{
    static const char tail[] = "/expect/rev"; /* Of 0: see weft_import_marker. */
    const size_t size = sizeof(tail) - 1;
    struct weft_text at = error->pointer;
    bool exists = at.size > size && memcmp(at.data + at.size - size, tail, size) == 0;
    return error->err == WEFT_ECONFLICT && (exists || weft_text_is(at, "/request_id"));
}
