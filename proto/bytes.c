#include "proto/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/arith.h"
#include "proto/check.h"
#include "proto/limits.h"

enum {
    BUFFER_SIZE_FIRST = 256,
    BLOCK_SIZE_FIRST = 4096,
    BLOCK_SIZE_LAST = 256 * 1024, /* Blocks double up to here; more only for one big piece. */
    ARENA_ALIGNMENT = 16,
};

/* --- text ------------------------------------------------------------------------------------ */

bool weft_text_number(struct weft_text text, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        char digit = text.data[i];
        if (digit < '0' || digit > '9' || __builtin_mul_overflow(number, 10u, &number) ||
            !weft_add_u64(number, (uint64_t)(digit - '0'), &number)) {
            return false;
        }
    }
    if (text.size == 0) {
        return false;
    }
    *ret_number = number;
    return true;
}

bool weft_text_exact_number(struct weft_text text, uint64_t *ret_number)
{
    return (text.size <= 1 || text.data[0] != '0') && weft_text_number(text, ret_number);
}

bool weft_text_cut(struct weft_text *rest, char mark, struct weft_text *ret_head)
{
    const char *at = rest->size > 0 ? memchr(rest->data, mark, rest->size) : NULL;
    *ret_head = *rest;
    if (at == NULL) {
        rest->size = 0;
        return false;
    }
    ret_head->size = (size_t)(at - rest->data);
    *rest = (struct weft_text){at + 1, rest->size - ret_head->size - 1};
    return true;
}

int weft_text_compare(struct weft_text a, struct weft_text b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0) {
        return order < 0 ? -1 : 1;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

static bool is_tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Size of the well-formed character at `p`, 0 if there is none (RFC 3629, section 4). */
static size_t character_size(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0];
    if (lead < 0x80) {
        return lead != 0;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return left >= 2 && is_tail(p[1]) ? 2 : 0;
    }
    if ((lead & 0xf0) == 0xe0) {
        if (left < 3 || !is_tail(p[1]) || !is_tail(p[2])) {
            return 0;
        }
        bool is_overlong = lead == 0xe0 && p[1] < 0xa0;
        bool is_surrogate = lead == 0xed && p[1] >= 0xa0;
        return is_overlong || is_surrogate ? 0 : 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (left < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3])) {
            return 0;
        }
        bool is_overlong = lead == 0xf0 && p[1] < 0x90;
        bool is_beyond = lead == 0xf4 && p[1] >= 0x90;
        return is_overlong || is_beyond ? 0 : 4;
    }
    return 0;
}

size_t weft_text_utf8_prefix(struct weft_text text)
{
    const uint8_t *p = (const uint8_t *)text.data;
    const uint64_t high = 0x8080808080808080u;
    const uint64_t ones = 0x0101010101010101u;
    size_t i = 0;
    while (i < text.size) {
        /* Eight bytes at once while they are ASCII and none is zero. */
        while (text.size - i >= 8) {
            uint64_t v = weft_get_le64(p + i);
            if (((v | (v - ones)) & high) != 0) {
                break;
            }
            i += 8;
        }
        if (i == text.size) {
            break;
        }
        size_t size = character_size(p + i, text.size - i);
        if (size == 0) {
            break;
        }
        i += size;
    }
    return i;
}

bool weft_text_is_utf8(struct weft_text text)
{
    return weft_text_utf8_prefix(text) == text.size;
}

/* --- buffer ---------------------------------------------------------------------------------- */

enum weft_err weft_buffer_reserve(struct weft_buffer *b, size_t more)
{
    size_t size_max = b->size_max != 0 ? b->size_max : WEFT_BUFFER_SIZE_MAX;
    size_t need;
    if (!weft_add_size(b->size, more, &need) || need > size_max) {
        return WEFT_ETOOBIG;
    }
    if (need <= b->capacity) {
        return WEFT_OK;
    }
    size_t capacity = b->capacity != 0 ? b->capacity : BUFFER_SIZE_FIRST;
    while (capacity < need) {
        /* Cannot overflow: need is at most size_max, and so is what doubles below it. */
        capacity = capacity > size_max / 2 ? size_max : capacity * 2;
    }
    uint8_t *data = realloc(b->data, capacity);
    if (data == NULL) {
        return WEFT_ENOMEM;
    }
    b->data = data;
    b->capacity = capacity;
    return WEFT_OK;
}

enum weft_err weft_buffer_append(struct weft_buffer *b, const void *data, size_t size)
{
    enum weft_err err = weft_buffer_reserve(b, size);
    if (err != WEFT_OK) {
        return err;
    }
    if (size > 0) {
        memcpy(b->data + b->size, data, size);
        b->size += size;
    }
    return WEFT_OK;
}

enum weft_err weft_buffer_text(struct weft_buffer *b, struct weft_text text)
{
    return weft_buffer_append(b, text.data, text.size);
}

enum weft_err weft_buffer_format(struct weft_buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    weft_assert(size >= 0); /* PRO-1: formats are literals of ours */
    /* One byte more for the terminator that vsnprintf writes; it is not part of the content. */
    enum weft_err err = weft_buffer_reserve(b, (size_t)size + 1);
    if (err == WEFT_OK) {
        (void)vsnprintf((char *)b->data + b->size, (size_t)size + 1, format, again);
        b->size += (size_t)size;
    }
    va_end(again);
    return err;
}

enum weft_err weft_buffer_pad(struct weft_buffer *b, size_t alignment)
{
    weft_assert(alignment > 0 && (alignment & (alignment - 1)) == 0); /* PRO-1 */
    size_t more = (alignment - (b->size & (alignment - 1))) & (alignment - 1);
    enum weft_err err = weft_buffer_reserve(b, more);
    if (err != WEFT_OK) {
        return err;
    }
    if (more > 0) {
        memset(b->data + b->size, 0, more);
        b->size += more;
    }
    return WEFT_OK;
}

void weft_buffer_clear(struct weft_buffer *b)
{
    b->size = 0;
}

void weft_buffer_destroy(struct weft_buffer *b)
{
    free(b->data);
    b->data = NULL;
    b->size = 0;
    b->capacity = 0;
}

/* --- arena ----------------------------------------------------------------------------------- */

struct weft_arena_block {
    struct weft_arena_block *next;
    size_t capacity;
    size_t used;
    _Alignas(ARENA_ALIGNMENT) uint8_t data[];
};

static struct weft_arena_block *add_block(struct weft_arena *a, size_t size)
{
    size_t capacity = BLOCK_SIZE_FIRST;
    if (a->blocks != NULL) {
        capacity =
            a->blocks->capacity < BLOCK_SIZE_LAST ? a->blocks->capacity * 2 : BLOCK_SIZE_LAST;
    }
    if (capacity < size) {
        capacity = size;
    }
    struct weft_arena_block *block = malloc(sizeof(*block) + capacity);
    if (block != NULL) {
        block->next = a->blocks;
        block->capacity = capacity;
        block->used = 0;
        a->blocks = block;
    }
    return block;
}

void *weft_arena_alloc(struct weft_arena *a, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    /* At least one unit, so that two pieces never share an address. */
    size_t rounded = (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    rounded = rounded == 0 ? ARENA_ALIGNMENT : rounded;
    if (a->used_bytes > a->size_max || rounded > a->size_max - a->used_bytes) {
        return NULL;
    }
    struct weft_arena_block *block = a->blocks;
    if (block == NULL || block->capacity - block->used < rounded) {
        block = add_block(a, rounded);
        if (block == NULL) {
            a->is_starved = true;
            return NULL;
        }
    }
    void *p = block->data + block->used;
    block->used += rounded;
    a->used_bytes += rounded;
    return memset(p, 0, rounded);
}

void *weft_arena_array(struct weft_arena *a, size_t count, size_t size)
{
    size_t bytes;
    return weft_mul_size(count, size, &bytes) ? weft_arena_alloc(a, bytes) : NULL;
}

struct weft_text weft_arena_text(struct weft_arena *a, struct weft_text text)
{
    size_t size;
    char *copy = weft_add_size(text.size, 1, &size) ? weft_arena_alloc(a, size) : NULL;
    if (copy == NULL) {
        return (struct weft_text){NULL, 0};
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return (struct weft_text){copy, text.size};
}

void weft_arena_reset(struct weft_arena *a)
{
    struct weft_arena_block *kept = a->blocks;
    a->used_bytes = 0;
    a->is_starved = false;
    if (kept == NULL) {
        return;
    }
    /* The newest ordinary block is the largest ordinary one. A bigger one held one big piece of
     * one message: it goes, or a single odd message would hold its memory for ever. */
    while (kept != NULL && kept->capacity > BLOCK_SIZE_LAST) {
        kept = kept->next;
    }
    struct weft_arena_block *block = a->blocks;
    while (block != NULL) {
        struct weft_arena_block *next = block->next;
        if (block != kept) {
            free(block);
        }
        block = next;
    }
    a->blocks = kept;
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
    }
}

void weft_arena_destroy(struct weft_arena *a)
{
    struct weft_arena_block *block = a->blocks;
    while (block != NULL) {
        struct weft_arena_block *next = block->next;
        free(block);
        block = next;
    }
    a->blocks = NULL;
    a->used_bytes = 0;
}

void weft_text_blank(uint8_t *text, size_t size)
{
    const struct weft_text all = {(const char *)text, size};
    for (size_t i = 0; i < size; i++) {
        memset(text + i, ' ', weft_text_control(all, i));
    }
}
