/* jepsen/core/table.h: values numbered 0, 1, 2 ... in the order in which they are first seen.
 * Checkers turn keys and values into such numbers first and work on arrays afterwards. */
#ifndef WEFT_JEPSEN_CORE_TABLE_H
#define WEFT_JEPSEN_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/edn.h"

#define JEP_NUMBER_NONE UINT32_MAX

/* Zeroed to start. */
struct jep_table {
    struct jep_edn *values; /* by number; they point where the ones that were put point */
    uint64_t *hashes;
    uint32_t count;
    uint32_t *slots; /* number + 1, or 0 */
    size_t capacity;
};

/* The number of the value, a new one if it was not seen before. */
uint32_t jep_table_put(struct jep_table *table, const struct jep_edn *value);
/* JEP_NUMBER_NONE: not seen. */
uint32_t jep_table_find(const struct jep_table *table, const struct jep_edn *value);
void jep_table_free(struct jep_table *table);

#endif
