#include "jepsen/check/configs.h"

#include <stdlib.h>
#include <string.h>

#include "jepsen/core/arena.h"

static uint64_t hash_of(
    uint32_t state, const uint64_t *mask, const uint64_t *optional, size_t words)
{
    uint64_t hash = state * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < words; i++) {
        hash = (hash ^ (hash >> 29) ^ (mask[i] & ~optional[i])) * 0xbf58476d1ce4e5b9u;
    }
    return hash ^ (hash >> 32);
}

static bool has_same_obligations(
    const uint64_t *a, const uint64_t *b, const uint64_t *optional, size_t words)
{
    uint64_t different = 0;
    for (size_t i = 0; i < words; i++) {
        different |= (a[i] ^ b[i]) & ~optional[i];
    }
    return different == 0;
}

static bool is_within(const uint64_t *a, const uint64_t *b, size_t words)
{
    uint64_t beyond = 0;
    for (size_t i = 0; i < words; i++) {
        beyond |= a[i] & ~b[i];
    }
    return beyond == 0;
}

/* The slot of those alike, or the empty one for them. */
static size_t find_slot(const struct jep_configs *configs, const uint64_t *optional, uint32_t state,
    const uint64_t *mask)
{
    size_t words = configs->words, wrap = configs->slots_capacity - 1;
    size_t at = hash_of(state, mask, optional, words) & wrap;
    while (configs->slots[at] != 0) {
        size_t i = configs->slots[at] - 1;
        if (configs->states[i] == state &&
            has_same_obligations(configs->masks + i * words, mask, optional, words)) {
            break;
        }
        at = (at + 1) & wrap;
    }
    return at;
}

static void link_in(struct jep_configs *configs, size_t at, size_t i)
{
    configs->links[i] = configs->slots[at];
    configs->slots[at] = (uint32_t)i + 1;
}

static void rehash(struct jep_configs *configs, const uint64_t *optional)
{
    free(configs->slots);
    configs->slots_capacity = configs->slots_capacity > 0 ? configs->slots_capacity * 2 : 64;
    configs->slots = jep_alloc(configs->slots_capacity, sizeof(*configs->slots));
    for (size_t i = 0; i < configs->count; i++) {
        link_in(configs,
            find_slot(configs, optional, configs->states[i], configs->masks + i * configs->words),
            i);
    }
}

bool jep_configs_add(struct jep_configs *configs, const uint64_t *optional, uint32_t state,
    uint32_t shown, const uint64_t *mask)
{
    size_t words = configs->words, i = configs->count;
    if (configs->count * 2 >= configs->slots_capacity) {
        rehash(configs, optional);
    }
    size_t at = find_slot(configs, optional, state, mask);
    for (uint32_t other = configs->slots[at]; other != 0; other = configs->links[other - 1]) {
        if (is_within(configs->masks + (other - 1) * words, mask, words)) {
            return false;
        }
    }
    if (configs->count == configs->capacity) {
        size_t capacity = configs->capacity > 0 ? configs->capacity * 2 : 64;
        configs->capacity = capacity;
        configs->masks = jep_realloc(configs->masks, capacity * words, sizeof(*configs->masks));
        configs->states = jep_realloc(configs->states, capacity, sizeof(*configs->states));
        configs->shown = jep_realloc(configs->shown, capacity, sizeof(*configs->shown));
        configs->links = jep_realloc(configs->links, capacity, sizeof(*configs->links));
    }
    memcpy(configs->masks + i * words, mask, words * sizeof(*mask));
    configs->states[i] = state;
    configs->shown[i] = shown;
    configs->count++;
    link_in(configs, at, i);
    return true;
}

void jep_configs_clear(struct jep_configs *configs)
{
    if (configs->slots_capacity > 1024 && configs->count < configs->slots_capacity / 16) {
        free(configs->slots); /* one wide moment must not make every later one slow */
        configs->slots = NULL;
        configs->slots_capacity = 0;
    }
    configs->count = 0;
    if (configs->slots_capacity > 0) {
        memset(configs->slots, 0, configs->slots_capacity * sizeof(*configs->slots));
    }
}

void jep_configs_widen(struct jep_configs *configs, size_t words)
{
    uint64_t *masks = jep_alloc(configs->capacity * words, sizeof(*masks));
    for (size_t i = 0; i < configs->count; i++) {
        memcpy(masks + i * words, configs->masks + i * configs->words,
            configs->words * sizeof(*masks));
    }
    free(configs->masks);
    configs->masks = masks;
    configs->words = words;
}

size_t jep_configs_bytes(const struct jep_configs *configs)
{
    return configs->capacity * (configs->words * sizeof(uint64_t) + 3 * sizeof(uint32_t)) +
           configs->slots_capacity * sizeof(uint32_t);
}

void jep_configs_free(struct jep_configs *configs)
{
    free(configs->masks);
    free(configs->states);
    free(configs->shown);
    free(configs->links);
    free(configs->slots);
}
