/* proto/bytes.h: slices, a growing buffer and an arena: where decoded messages live.
 *
 * A slice borrows. A buffer owns one growing block. An arena hands out memory that dies all
 * at once, which is the lifetime of a decoded message. Buffer and arena have a limit in
 * bytes, so that nothing a peer sends can grow them without bound. Not thread safe. */
#ifndef WEFT_PROTO_BYTES_H
#define WEFT_PROTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/err.h"

struct weft_bytes {
    const uint8_t *data; /* May be NULL when size is 0. */
    size_t size;
};

/* UTF-8 text. Not terminated by a zero byte; never holds one. */
struct weft_text {
    const char *data;
    size_t size;
};

/* A growing block. Zero-initialized is empty and ready, with no limit but size_max. */
struct weft_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t size_max; /* 0: WEFT_BUFFER_SIZE_MAX. */
};

struct weft_arena_block;
struct weft_arena {
    struct weft_arena_block *blocks;
    size_t used_bytes;
    size_t size_max;
    bool is_starved; /* The process had no memory: not the limit. Until reset. */
};

#define WEFT_TEXT(literal) ((struct weft_text){"" literal, sizeof(literal) - 1})

static inline struct weft_text weft_text_of(const char *z)
{
    return (struct weft_text){z, z != NULL ? strlen(z) : 0};
}

/* The last byte first: words of one size that are compared here seldom end alike. */
static inline bool weft_text_equal(struct weft_text a, struct weft_text b)
{
    return a.size == b.size && (a.size == 0 || (a.data[a.size - 1] == b.data[a.size - 1] &&
                                                   memcmp(a.data, b.data, a.size) == 0));
}

static inline bool weft_text_is(struct weft_text a, const char *z)
{
    return weft_text_equal(a, weft_text_of(z));
}

static inline bool weft_text_starts(struct weft_text a, const char *z)
{
    size_t size = strlen(z);
    return a.size >= size && memcmp(a.data, z, size) == 0;
}

/* Decimal digits and nothing else, below 2^64. False: *ret_number is as before. */
bool weft_text_number(struct weft_text text, uint64_t *ret_number);
/* The same in the one form that each number has: no leading zeros. */
bool weft_text_exact_number(struct weft_text text, uint64_t *ret_number);

/* Take what stands before the first `mark` off `rest`, and the mark. False: there is none, and
 * *ret_head is all of it. */
bool weft_text_cut(struct weft_text *rest, char mark, struct weft_text *ret_head);
/* How many bytes at `i` are what a terminal obeys: C0, DEL, and C1 (U+0080 to U+009F, in UTF-8 c2
 * 80 to c2 9f). 0: none are. */
static inline unsigned weft_text_control(struct weft_text text, size_t i)
{
    const uint8_t c = (uint8_t)text.data[i];
    if (c < 0x20 || c == 0x7f) {
        return 1;
    }
    return c == 0xc2 && i + 1 < text.size && (uint8_t)text.data[i + 1] < 0xa0 ? 2 : 0;
}
/* All of that becomes blanks. */
void weft_text_blank(uint8_t *text, size_t size);

/* Order of the bytes, shorter first on a common prefix: the order of canonical field paths. */
int weft_text_compare(struct weft_text a, struct weft_text b);

/* True if `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without a
 * zero byte. */
bool weft_text_is_utf8(struct weft_text text);
/* Bytes at the start that are: text.size if all are, else the place of the first bad one. */
size_t weft_text_utf8_prefix(struct weft_text text);

/* Buffer. Errors: WEFT_ETOOBIG past size_max, WEFT_ENOMEM; the content is then unchanged. */
WEFT_MUST_USE enum weft_err weft_buffer_reserve(struct weft_buffer *b, size_t more);
WEFT_MUST_USE enum weft_err weft_buffer_append(
    struct weft_buffer *b, const void *data, size_t size);
WEFT_MUST_USE enum weft_err weft_buffer_text(struct weft_buffer *b, struct weft_text text);
WEFT_MUST_USE enum weft_err weft_buffer_format(struct weft_buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Zero bytes up to a multiple of `alignment` (a power of two). */
WEFT_MUST_USE enum weft_err weft_buffer_pad(struct weft_buffer *b, size_t alignment);
void weft_buffer_clear(struct weft_buffer *b); /* Keeps the memory. */
/* What it holds now: until the buffer changes. */
static inline struct weft_text weft_buffer_as_text(const struct weft_buffer *b)
{
    return (struct weft_text){(const char *)b->data, b->size};
}
void weft_buffer_destroy(struct weft_buffer *b);

/* Arena. Zero-initialized with size_max set is ready. alloc gives zeroed memory aligned to 16
 * bytes, or NULL at the limit or without memory. reset keeps one block for the next message. */
void *weft_arena_alloc(struct weft_arena *a, size_t size);
/* count * size, checked; NULL on overflow too. count 0 gives a valid pointer. */
void *weft_arena_array(struct weft_arena *a, size_t count, size_t size);
/* A terminated copy; {NULL, 0} at the limit. */
struct weft_text weft_arena_text(struct weft_arena *a, struct weft_text text);
void weft_arena_reset(struct weft_arena *a);
void weft_arena_destroy(struct weft_arena *a);

#endif
