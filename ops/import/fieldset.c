#include "ops/import/fieldset.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/record_json.h"

static void put(struct weft_fieldset *f, struct weft_text path, struct weft_text value,
    enum weft_value_type type)
{
    struct weft_field field = {.path = weft_arena_text(f->arena, path), .type = type};
    if (f->err != WEFT_OK) {
        return;
    }
    if (value.size > 0) {
        field.value = weft_arena_text(f->arena, value);
    }
    if (field.path.data == NULL || (value.size > 0 && field.value.data == NULL)) {
        f->err = WEFT_ENOMEM;
        return;
    }
    f->err = weft_field_add(f->arena, &f->list, &f->count, field);
}

void weft_fieldset_text(struct weft_fieldset *f, const char *path, struct weft_text value)
{
    if (value.size > 0) {
        put(f, weft_text_of(path), value, WEFT_VALUE_TEXT);
    }
}

void weft_fieldset_count(struct weft_fieldset *f, const char *path, uint64_t count)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, count);
    put(f, weft_text_of(path), weft_text_of(text), WEFT_VALUE_INT);
}

void weft_fieldset_bool(struct weft_fieldset *f, const char *path, bool value)
{
    put(f, weft_text_of(path), weft_text_of(value ? "true" : "false"), WEFT_VALUE_BOOL);
}

struct weft_text weft_fieldset_below(
    struct weft_fieldset *f, struct weft_text prefix, struct weft_text name)
{
    struct weft_text path = {NULL, 0};
    if (f->err == WEFT_OK) {
        f->err = weft_path_add(f->arena, prefix, name, &path);
    }
    return path;
}

void weft_fieldset_add(struct weft_fieldset *f, struct weft_text prefix, const char *name,
    struct weft_text value, enum weft_value_type type)
{
    if (value.size > 0 || type == WEFT_VALUE_NULL) {
        put(f, weft_fieldset_below(f, prefix, weft_text_of(name)), value, type);
    }
}

/* --- hashing --------------------------------------------------------------------------------- */

static void hash_text(struct weft_sha256 *hash, struct weft_text text)
{
    const uint32_t size = (uint32_t)text.size;
    const uint8_t bytes[4] = {
        (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    weft_sha256_update(hash, bytes, sizeof(bytes));
    weft_sha256_update(hash, text.data, text.size);
}

static void hash_fields(struct weft_sha256 *hash, const struct weft_field *fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t type = (uint8_t)fields[i].type;
        hash_text(hash, fields[i].path);
        weft_sha256_update(hash, &type, 1);
        hash_text(hash, fields[i].value);
    }
}

void weft_fieldset_hash(struct weft_sha256 *hash, const struct weft_record *record)
{
    char at[32];
    (void)snprintf(at, sizeof(at), "%" PRId64, record->has_at ? record->at_ns : 0);
    hash_text(hash, record->kind);
    hash_text(hash, record->asset);
    hash_text(hash, weft_text_of(record->has_at ? at : ""));
    hash_fields(hash, record->fields, record->field_count);
    for (uint32_t i = 0; i < record->link_count; i++) {
        hash_text(hash, record->links[i].rel);
        hash_text(hash, record->links[i].to);
        hash_fields(hash, record->links[i].fields, record->links[i].field_count);
    }
}
