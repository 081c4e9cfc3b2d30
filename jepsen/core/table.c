#include "jepsen/core/table.h"

#include <stdlib.h>
#include <string.h>

static size_t find_slot(const struct jep_table *table, const struct jep_edn *value, uint64_t hash)
{
    size_t mask = table->capacity - 1, at = hash & mask;
    while (table->slots[at] != 0) {
        uint32_t number = table->slots[at] - 1;
        if (table->hashes[number] == hash && jep_edn_equal(&table->values[number], value)) {
            break;
        }
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(struct jep_table *table)
{
    size_t capacity = table->capacity > 0 ? table->capacity * 2 : 64;
    free(table->slots);
    table->slots = jep_alloc(capacity, sizeof(*table->slots));
    table->capacity = capacity;
    table->values = jep_realloc(table->values, capacity / 2, sizeof(*table->values));
    table->hashes = jep_realloc(table->hashes, capacity / 2, sizeof(*table->hashes));
    for (uint32_t number = 0; number < table->count; number++) {
        size_t at = table->hashes[number] & (capacity - 1);
        while (table->slots[at] != 0) {
            at = (at + 1) & (capacity - 1);
        }
        table->slots[at] = number + 1;
    }
}

uint32_t jep_table_put(struct jep_table *table, const struct jep_edn *value)
{
    if ((size_t)table->count * 2 >= table->capacity) {
        grow(table);
    }
    uint64_t hash = jep_edn_hash(value);
    size_t at = find_slot(table, value, hash);
    if (table->slots[at] == 0) {
        table->values[table->count] = *value;
        table->hashes[table->count] = hash;
        table->slots[at] = ++table->count;
    }
    return table->slots[at] - 1;
}

uint32_t jep_table_find(const struct jep_table *table, const struct jep_edn *value)
{
    if (table->capacity == 0) {
        return JEP_NUMBER_NONE;
    }
    size_t at = find_slot(table, value, jep_edn_hash(value));
    return table->slots[at] != 0 ? table->slots[at] - 1 : JEP_NUMBER_NONE;
}

void jep_table_free(struct jep_table *table)
{
    free(table->values);
    free(table->hashes);
    free(table->slots);
    memset(table, 0, sizeof(*table));
}
