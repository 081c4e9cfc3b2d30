#include "node/state/twin/property.h"

#include <stdlib.h>

enum {
    TABLE_SIZE = 4 * WEFT_PROPERTIES_MAX /* At most a quarter full. */
};

enum weft_err weft_properties_init(struct weft_properties *properties, struct weft_arena *arena)
{
    *properties = (struct weft_properties){.count = 0};
    properties->items = weft_arena_array(arena, WEFT_PROPERTIES_MAX, sizeof(*properties->items));
    properties->table = weft_arena_array(arena, TABLE_SIZE, sizeof(*properties->table));
    return properties->items != NULL && properties->table != NULL ? WEFT_OK : WEFT_ENOMEM;
}

static bool ends_with(struct weft_text text, const char *end)
{
    size_t size = strlen(end);
    return text.size > size && memcmp(text.data + text.size - size, end, size) == 0;
}

static struct weft_text without(struct weft_text text, const char *end)
{
    return (struct weft_text){text.data, text.size - strlen(end)};
}

/* "temperature" and "/unit" of a record that states temperature/value as well. */
static const struct weft_field *sibling(
    const struct weft_record *record, struct weft_text name, const char *member)
{
    size_t size = strlen(member);
    for (uint32_t i = 0; i < record->field_count; i++) {
        struct weft_text path = record->fields[i].path;
        if (path.size == name.size + size && memcmp(path.data, name.data, name.size) == 0 &&
            memcmp(path.data + name.size, member, size) == 0) {
            return &record->fields[i];
        }
    }
    return NULL;
}

static bool is_detail(const struct weft_record *record, struct weft_text path)
{
    const char *end = ends_with(path, "/unit")        ? "/unit"
                      : ends_with(path, "/quality")   ? "/quality"
                      : ends_with(path, "/tolerance") ? "/tolerance"
                                                      : NULL;
    return end != NULL && sibling(record, without(path, end), "/value") != NULL;
}

static struct weft_property *place_of(struct weft_properties *properties, struct weft_text name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.size; i++) {
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
    }
    uint32_t slot = hash % TABLE_SIZE;
    while (properties->table[slot] != 0) {
        struct weft_property *property = &properties->items[properties->table[slot] - 1];
        if (weft_text_equal(property->name, name)) {
            return property;
        }
        slot = (slot + 1) % TABLE_SIZE;
    }
    if (properties->count == WEFT_PROPERTIES_MAX) {
        properties->is_full = true;
        return NULL;
    }
    properties->table[slot] = ++properties->count;
    properties->items[properties->count - 1].name = name;
    return &properties->items[properties->count - 1];
}

void weft_properties_offer(
    struct weft_properties *properties, const struct weft_stored_record *stored)
{
    const struct weft_record *record = &stored->record;
    struct weft_moment moment = weft_moment_of(stored);
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct weft_field *field = &record->fields[i];
        bool is_value = ends_with(field->path, "/value");
        if (is_detail(record, field->path)) {
            continue;
        }
        struct weft_text name = is_value ? without(field->path, "/value") : field->path;
        struct weft_property *property = place_of(properties, name);
        if (property == NULL) {
            continue;
        }
        if (property->stored != NULL) {
            struct weft_moment known = weft_moment_of(property->stored);
            if (weft_moment_compare(&moment, &known) <= 0) {
                continue;
            }
        }
        const struct weft_field *unit = is_value ? sibling(record, name, "/unit") : NULL;
        const struct weft_field *quality = is_value ? sibling(record, name, "/quality") : NULL;
        const struct weft_field *tolerance = is_value ? sibling(record, name, "/tolerance") : NULL;
        property->value = field;
        property->stored = stored;
        property->unit = unit != NULL ? unit->value : (struct weft_text){NULL, 0};
        property->tolerance = tolerance != NULL ? tolerance->value : (struct weft_text){NULL, 0};
        property->quality = quality != NULL ? quality->value : (struct weft_text){NULL, 0};
    }
}

static int compare_names(const void *a, const void *b)
{
    const struct weft_property *x = a, *y = b;
    return weft_text_compare(x->name, y->name);
}

void weft_properties_close(struct weft_properties *properties)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < properties->count; i++) {
        if (properties->items[i].value->type != WEFT_VALUE_NULL) {
            properties->items[kept++] = properties->items[i];
        }
    }
    properties->count = kept;
    properties->table = NULL;
    if (kept > 0) {
        qsort(properties->items, kept, sizeof(*properties->items), compare_names);
    }
}

const struct weft_property *weft_properties_find(
    const struct weft_properties *properties, struct weft_text name)
{
    const struct weft_property key = {.name = name};
    return properties->count == 0 ? NULL
                                  : bsearch(&key, properties->items, properties->count,
                                        sizeof(*properties->items), compare_names);
}

bool weft_property_equal(const struct weft_property *a, const struct weft_property *b)
{
    double x, y;
    bool is_number = (a->value->type == WEFT_VALUE_INT || a->value->type == WEFT_VALUE_REAL) &&
                     (b->value->type == WEFT_VALUE_INT || b->value->type == WEFT_VALUE_REAL);
    if (a->unit.size > 0 && b->unit.size > 0 && !weft_text_equal(a->unit, b->unit)) {
        return false;
    }
    if (is_number && weft_fact_number(a->value->value, &x) &&
        weft_fact_number(b->value->value, &y)) {
        struct weft_text within = a->tolerance.size > 0 ? a->tolerance : b->tolerance;
        double tolerance = 0;
        if (within.size > 0 && weft_fact_number(within, &tolerance)) {
            tolerance += tolerance * 1e-9; /* Decimals are rounded: the edge is within. */
        }
        return x >= y - tolerance && x <= y + tolerance;
    }
    return a->value->type == b->value->type && weft_text_equal(a->value->value, b->value->value);
}

bool weft_freshness_of(const struct weft_record *const *policies, uint32_t policy_count,
    struct weft_text name, double *ret_seconds)
{
    const struct weft_text names[] = {name, WEFT_TEXT("*")};
    for (int n = 0; n < 2; n++) {
        for (uint32_t i = 0; i < policy_count; i++) {
            for (uint32_t f = 0; f < policies[i]->field_count; f++) {
                const struct weft_field *field = &policies[i]->fields[f];
                size_t start = sizeof("freshness/") - 1;
                if (field->path.size == start + names[n].size &&
                    memcmp(field->path.data, "freshness/", start) == 0 &&
                    memcmp(field->path.data + start, names[n].data, names[n].size) == 0 &&
                    weft_fact_number(field->value, ret_seconds)) {
                    return true;
                }
            }
        }
    }
    return false;
}
