/* jepsen/core/arena.h: memory that is given up all at once. A history, its values and what a check
 * says of them live as long as the run is looked at, so nothing in it is freed alone. A harness
 * that is out of memory can say nothing true: it ends with exit code 3 (a harness error). */
#ifndef WEFT_JEPSEN_CORE_ARENA_H
#define WEFT_JEPSEN_CORE_ARENA_H

#include <stddef.h>

struct jep_arena;

/* Not for use by two threads at once. */
struct jep_arena *jep_arena_create(void);
/* Takes NULL too. */
void jep_arena_destroy(struct jep_arena *arena);

/* Gives zeroed bytes, aligned to 16; never NULL; size 0 gives a valid pointer. */
void *jep_arena_alloc(struct jep_arena *arena, size_t size);
/* count * size with the product checked. */
void *jep_arena_array(struct jep_arena *arena, size_t count, size_t size);
/* A copy that ends with a zero byte. */
char *jep_arena_text(struct jep_arena *arena, const char *text, size_t size_bytes);
/* printf into the arena. */
char *jep_arena_format(struct jep_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* malloc and realloc that end the process with exit code 3 instead of returning NULL. */
void *jep_alloc(size_t count, size_t size_bytes);
void *jep_realloc(void *old, size_t count, size_t size_bytes);

#endif
