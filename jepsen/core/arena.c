#include "jepsen/core/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_BYTES = 1 << 18, /* chosen: small beside a history, large beside a value */
    ALIGNMENT = 16,
    HARNESS_ERROR = 3
};

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    size_t pad; /* bytes[] stays aligned to 16 */
    char bytes[];
};

struct jep_arena {
    struct chunk *chunks; /* the one in use first */
};

static _Noreturn void out_of_memory(size_t count, size_t size_bytes)
{
    (void)fprintf(stderr, "jepsen: out of memory: %zu times %zu bytes\n", count, size_bytes);
    exit(HARNESS_ERROR);
}

static size_t product(size_t count, size_t size_bytes)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size_bytes, &total) || total > SIZE_MAX / 2) {
        out_of_memory(count, size_bytes);
    }
    return total;
}

void *jep_alloc(size_t count, size_t size_bytes)
{
    void *memory = calloc(count > 0 ? count : 1, size_bytes > 0 ? size_bytes : 1);
    if (memory == NULL) {
        out_of_memory(count, size_bytes);
    }
    return memory;
}

void *jep_realloc(void *old, size_t count, size_t size_bytes)
{
    size_t total = product(count, size_bytes);
    void *memory = realloc(old, total > 0 ? total : 1);
    if (memory == NULL) {
        out_of_memory(count, size_bytes);
    }
    return memory;
}

struct jep_arena *jep_arena_create(void)
{
    return jep_alloc(1, sizeof(struct jep_arena));
}

void jep_arena_destroy(struct jep_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    struct chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(arena);
}

static struct chunk *add_chunk(size_t size)
{
    struct chunk *chunk = jep_alloc(1, sizeof(*chunk) + size);
    chunk->size = size;
    return chunk;
}

void *jep_arena_alloc(struct jep_arena *arena, size_t size)
{
    size = product(size / ALIGNMENT + (size % ALIGNMENT != 0 ? 1 : 0), ALIGNMENT);
    struct chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        if (size > CHUNK_BYTES / 4 && chunk != NULL) {
            /* A large one of its own, behind the chunk that still has room. */
            struct chunk *own = add_chunk(size);
            own->used = size;
            own->next = chunk->next;
            chunk->next = own;
            return own->bytes;
        }
        chunk = add_chunk(size > CHUNK_BYTES ? size : CHUNK_BYTES);
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

void *jep_arena_array(struct jep_arena *arena, size_t count, size_t size)
{
    return jep_arena_alloc(arena, product(count, size));
}

char *jep_arena_text(struct jep_arena *arena, const char *text, size_t size_bytes)
{
    char *copy = jep_arena_alloc(arena, size_bytes + 1);
    if (size_bytes > 0) {
        memcpy(copy, text, size_bytes);
    }
    return copy;
}

char *jep_arena_format(struct jep_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = jep_arena_alloc(arena, (size_t)(size > 0 ? size : 0) + 1);
    (void)vsnprintf(text, (size_t)(size > 0 ? size : 0) + 1, format, again);
    va_end(again);
    return text;
}
