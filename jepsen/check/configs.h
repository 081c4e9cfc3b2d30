/* jepsen/check/configs.h: the configurations of a linearizability search: a state, and which of the
 * pending operations have taken effect. An operation that need not have happened is better unused:
 * of two configurations that differ in such ones alone, the one that used fewer can do all that the
 * other can, and the other is not kept. */
#ifndef WEFT_JEPSEN_CHECK_CONFIGS_H
#define WEFT_JEPSEN_CHECK_CONFIGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed but for words. Side by side: configuration i has states[i] and the words of masks from
 * i * words on. shown is a value that stands for a state that stands for many. */
struct jep_configs {
    size_t words;
    uint64_t *masks;
    uint32_t *states;
    uint32_t *shown;
    uint32_t *links; /* the next with the same state and the same obligations: index + 1 */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* hash table of the first of them: index + 1 */
    size_t slots_capacity;
};

/* optional: bits of operations that need not happen. False: there is one that is as good. */
bool jep_configs_add(struct jep_configs *configs, const uint64_t *optional, uint32_t state,
    uint32_t shown, const uint64_t *mask);
void jep_configs_clear(struct jep_configs *configs);
/* Room for more operations; what is in it stays, but is not found by add before a clear. */
void jep_configs_widen(struct jep_configs *configs, size_t words);
size_t jep_configs_bytes(const struct jep_configs *configs);
void jep_configs_free(struct jep_configs *configs);

#endif
