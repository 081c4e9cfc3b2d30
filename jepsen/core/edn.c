#include "jepsen/core/edn.h"

#include <stdlib.h>
#include <string.h>

struct jep_edn jep_edn_nil(void)
{
    return (struct jep_edn){.type = JEP_EDN_NIL};
}

struct jep_edn jep_edn_bool(bool boolean)
{
    return (struct jep_edn){.type = JEP_EDN_BOOL, .boolean = boolean};
}

struct jep_edn jep_edn_int(int64_t integer)
{
    return (struct jep_edn){.type = JEP_EDN_INT, .integer = integer};
}

struct jep_edn jep_edn_float(double real)
{
    return (struct jep_edn){.type = JEP_EDN_FLOAT, .real = real};
}

struct jep_edn jep_edn_keyword(const char *text)
{
    return (struct jep_edn){.type = JEP_EDN_KEYWORD, .count = (uint32_t)strlen(text), .text = text};
}

struct jep_edn jep_edn_string(const char *text)
{
    return (struct jep_edn){.type = JEP_EDN_STRING, .count = (uint32_t)strlen(text), .text = text};
}

struct jep_edn jep_edn_string_copy(struct jep_arena *arena, const char *text)
{
    return jep_edn_string(jep_arena_text(arena, text, strlen(text)));
}

struct jep_edn jep_edn_keyword_copy(struct jep_arena *arena, const char *text)
{
    return jep_edn_keyword(jep_arena_text(arena, text, strlen(text)));
}

static struct jep_edn make(struct jep_arena *arena, enum jep_edn_type type,
    const struct jep_edn *items, size_t items_count, size_t count)
{
    struct jep_edn *copy = jep_arena_array(arena, items_count, sizeof(*copy));
    if (items_count > 0) {
        memcpy(copy, items, items_count * sizeof(*copy));
    }
    return (struct jep_edn){.type = type, .count = (uint32_t)count, .items = copy};
}

struct jep_edn jep_edn_vector(struct jep_arena *arena, const struct jep_edn *items, size_t count)
{
    return make(arena, JEP_EDN_VECTOR, items, count, count);
}

struct jep_edn jep_edn_set(struct jep_arena *arena, const struct jep_edn *items, size_t count)
{
    return make(arena, JEP_EDN_SET, items, count, count);
}

struct jep_edn jep_edn_pair(struct jep_arena *arena, struct jep_edn first, struct jep_edn second)
{
    const struct jep_edn items[2] = {first, second};
    return make(arena, JEP_EDN_VECTOR, items, 2, 2);
}

struct jep_edn jep_edn_map(struct jep_arena *arena, const struct jep_edn *items, size_t pairs)
{
    return make(arena, JEP_EDN_MAP, items, pairs * 2, pairs);
}

static size_t items_of(const struct jep_edn *value)
{
    return value->type == JEP_EDN_MAP ? (size_t)value->count * 2 : value->count;
}

struct jep_edn jep_edn_copy(struct jep_arena *arena, const struct jep_edn *value)
{
    struct jep_edn copy = *value;
    switch (value->type) {
    case JEP_EDN_NIL:
    case JEP_EDN_BOOL:
    case JEP_EDN_INT:
    case JEP_EDN_FLOAT:
        break;
    case JEP_EDN_STRING:
    case JEP_EDN_KEYWORD:
    case JEP_EDN_SYMBOL:
        copy.text = jep_arena_text(arena, value->text, value->count);
        break;
    case JEP_EDN_LIST:
    case JEP_EDN_VECTOR:
    case JEP_EDN_SET:
    case JEP_EDN_MAP:
    case JEP_EDN_TAGGED: {
        struct jep_edn *items = jep_arena_array(arena, items_of(value), sizeof(*items));
        for (size_t i = 0; i < items_of(value); i++) {
            items[i] = jep_edn_copy(arena, &value->items[i]);
        }
        copy.items = items;
        break;
    }
    }
    return copy;
}

void jep_edn_push(struct jep_edn_list *list, struct jep_edn value)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? list->capacity * 2 : 8;
        list->items = jep_realloc(list->items, list->capacity, sizeof(*list->items));
    }
    list->items[list->count++] = value;
}

void jep_edn_put(struct jep_edn_list *list, const char *keyword, struct jep_edn value)
{
    jep_edn_push(list, jep_edn_keyword(keyword));
    jep_edn_push(list, value);
}

static struct jep_edn take(
    struct jep_edn_list *list, struct jep_arena *arena, enum jep_edn_type type)
{
    size_t count = type == JEP_EDN_MAP ? list->count / 2 : list->count;
    struct jep_edn value = make(arena, type, list->items, list->count, count);
    free(list->items);
    *list = (struct jep_edn_list){0};
    return value;
}

struct jep_edn jep_edn_take_vector(struct jep_edn_list *list, struct jep_arena *arena)
{
    return take(list, arena, JEP_EDN_VECTOR);
}

static int compare_for_sort(const void *a, const void *b)
{
    return jep_edn_compare(a, b);
}

struct jep_edn jep_edn_take_set(struct jep_edn_list *list, struct jep_arena *arena)
{
    struct jep_edn set = take(list, arena, JEP_EDN_SET);
    struct jep_edn *sorted = jep_alloc(set.count, sizeof(*sorted));
    if (set.count > 0) {
        memcpy(sorted, set.items, set.count * sizeof(*sorted));
        qsort(sorted, set.count, sizeof(*sorted), compare_for_sort);
    }
    for (uint32_t i = 1; i < set.count && set.type == JEP_EDN_SET; i++) {
        set.type = jep_edn_equal(&sorted[i - 1], &sorted[i]) ? JEP_EDN_VECTOR : JEP_EDN_SET;
    }
    free(sorted);
    return set;
}

struct jep_edn jep_edn_take_map(struct jep_edn_list *list, struct jep_arena *arena)
{
    return take(list, arena, JEP_EDN_MAP);
}

bool jep_edn_is_nil(const struct jep_edn *value)
{
    return value->type == JEP_EDN_NIL;
}

bool jep_edn_is_int(const struct jep_edn *value)
{
    return value->type == JEP_EDN_INT;
}

bool jep_edn_is_keyword(const struct jep_edn *value, const char *text)
{
    return value->type == JEP_EDN_KEYWORD && strcmp(value->text, text) == 0;
}

static bool is_list_like(const struct jep_edn *value)
{
    return value->type == JEP_EDN_VECTOR || value->type == JEP_EDN_LIST;
}

bool jep_edn_is_vector(const struct jep_edn *value, size_t count)
{
    return is_list_like(value) && value->count == count;
}

bool jep_edn_is_sequence(const struct jep_edn *value)
{
    return is_list_like(value) || value->type == JEP_EDN_SET;
}

const struct jep_edn *jep_edn_get(const struct jep_edn *map, const char *keyword)
{
    if (map->type == JEP_EDN_MAP) {
        for (size_t i = 0; i < map->count; i++) {
            if (jep_edn_is_keyword(&map->items[2 * i], keyword)) {
                return &map->items[2 * i + 1];
            }
        }
    }
    return NULL;
}

const struct jep_edn *jep_edn_find(const struct jep_edn *map, const struct jep_edn *key)
{
    if (map->type == JEP_EDN_MAP) {
        for (size_t i = 0; i < map->count; i++) {
            if (jep_edn_equal(&map->items[2 * i], key)) {
                return &map->items[2 * i + 1];
            }
        }
    }
    return NULL;
}

static int compare_items(
    const struct jep_edn *a, const struct jep_edn *b, size_t count_a, size_t count_b)
{
    for (size_t i = 0; i < count_a && i < count_b; i++) {
        int order = jep_edn_compare(&a[i], &b[i]);
        if (order != 0) {
            return order;
        }
    }
    return (count_a > count_b) - (count_a < count_b);
}

/* Sets and maps have no order of their own: theirs is that of their sorted items. */
static int compare_unordered(const struct jep_edn *a, const struct jep_edn *b)
{
    if (a->count != b->count) {
        return a->count < b->count ? -1 : 1;
    }
    if (a->items == b->items) {
        return 0;
    }
    size_t width = a->type == JEP_EDN_MAP ? 2 : 1, count = a->count;
    struct jep_edn *sorted = jep_alloc(count * width * 2, sizeof(*sorted));
    struct jep_edn *sorted_b = sorted + count * width;
    memcpy(sorted, a->items, count * width * sizeof(*sorted));
    memcpy(sorted_b, b->items, count * width * sizeof(*sorted));
    qsort(sorted, count, width * sizeof(*sorted), compare_for_sort);
    qsort(sorted_b, count, width * sizeof(*sorted), compare_for_sort);
    int order = compare_items(sorted, sorted_b, count * width, count * width);
    free(sorted);
    return order;
}

static int compare_texts(const struct jep_edn *a, const struct jep_edn *b)
{
    size_t size = a->count < b->count ? a->count : b->count;
    int order = size > 0 ? memcmp(a->text, b->text, size) : 0;
    return order != 0 ? order : (a->count > b->count) - (a->count < b->count);
}

static enum jep_edn_type kind_of(const struct jep_edn *value)
{
    return value->type == JEP_EDN_LIST ? JEP_EDN_VECTOR : value->type;
}

int jep_edn_compare(const struct jep_edn *a, const struct jep_edn *b)
{
    if (kind_of(a) != kind_of(b)) {
        return kind_of(a) < kind_of(b) ? -1 : 1;
    }
    switch (a->type) {
    case JEP_EDN_NIL:
        return 0;
    case JEP_EDN_BOOL:
        return (int)a->boolean - (int)b->boolean;
    case JEP_EDN_INT:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case JEP_EDN_FLOAT:
        return (a->real > b->real) - (a->real < b->real);
    case JEP_EDN_STRING:
    case JEP_EDN_KEYWORD:
    case JEP_EDN_SYMBOL:
        return compare_texts(a, b);
    case JEP_EDN_LIST:
    case JEP_EDN_VECTOR:
    case JEP_EDN_TAGGED:
        return compare_items(a->items, b->items, a->count, b->count);
    case JEP_EDN_SET:
    case JEP_EDN_MAP:
        return compare_unordered(a, b);
    }
    return 0;
}

bool jep_edn_equal(const struct jep_edn *a, const struct jep_edn *b)
{
    return jep_edn_compare(a, b) == 0;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t hash_text(const struct jep_edn *value)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < value->count; i++) {
        hash = (hash ^ (unsigned char)value->text[i]) * 0x100000001b3u;
    }
    return hash;
}

uint64_t jep_edn_hash(const struct jep_edn *value)
{
    uint64_t hash = (uint64_t)kind_of(value) * 0x9e3779b97f4a7c15u;
    switch (value->type) {
    case JEP_EDN_NIL:
        break;
    case JEP_EDN_BOOL:
        hash += value->boolean ? 1 : 0;
        break;
    case JEP_EDN_INT:
        hash += (uint64_t)value->integer;
        break;
    case JEP_EDN_FLOAT: {
        uint64_t bits = 0;
        double real = value->real == 0 ? 0 : value->real; /* -0.0 equals 0.0 */
        memcpy(&bits, &real, sizeof(bits));
        hash += bits;
        break;
    }
    case JEP_EDN_STRING:
    case JEP_EDN_KEYWORD:
    case JEP_EDN_SYMBOL:
        hash += hash_text(value);
        break;
    case JEP_EDN_LIST:
    case JEP_EDN_VECTOR:
    case JEP_EDN_TAGGED:
        for (size_t i = 0; i < value->count; i++) {
            hash = mix(hash) + jep_edn_hash(&value->items[i]);
        }
        break;
    case JEP_EDN_SET:
        for (size_t i = 0; i < value->count; i++) {
            hash += mix(jep_edn_hash(&value->items[i]));
        }
        break;
    case JEP_EDN_MAP:
        for (size_t i = 0; i < value->count; i++) {
            uint64_t key = jep_edn_hash(&value->items[2 * i]);
            hash += mix(mix(key) + jep_edn_hash(&value->items[2 * i + 1]));
        }
        break;
    }
    return mix(hash);
}
