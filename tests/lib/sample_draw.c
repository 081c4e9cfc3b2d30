#include "tests/lib/sample_draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

/* --- scalars --------------------------------------------------------------------------------- */

/* splitmix64, as tests/lib/test.c; here with a state of its own, for programs without tests. */
uint64_t sample_random(struct sample *s, uint64_t bound)
{
    uint64_t z = (s->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return bound == 0 ? z : z % bound;
}

void *draw_alloc(struct sample *s, size_t count, size_t size)
{
    void *p = weft_arena_array(s->arena, count, size);
    if (p == NULL) {
        (void)fprintf(stderr, "sample: the arena is too small\n");
        abort();
    }
    return p;
}

/* Zero, small, or anything: defaults and extremes both occur. */
uint64_t draw_number(struct sample *s)
{
    switch (sample_random(s, 4)) {
    case 0:
        return 0;
    case 1:
        return sample_random(s, 1000);
    case 2:
        return UINT64_MAX - sample_random(s, 2);
    default:
        return sample_random(s, 0);
    }
}

bool draw_coin(struct sample *s)
{
    return sample_random(s, 2) == 1;
}

uint32_t draw_count(struct sample *s, uint32_t usual)
{
    return (uint32_t)sample_random(s, usual + 1);
}

size_t draw_size_up_to(struct sample *s, size_t size_max)
{
    if (sample_random(s, 32) == 0) {
        return size_max; /* The limit itself. */
    }
    size_t usual = size_max < 40 ? size_max : 40;
    return sample_random(s, usual + 1);
}

struct weft_bytes draw_bytes_of_size(struct sample *s, size_t size)
{
    uint8_t *p = draw_alloc(s, size, 1);
    for (size_t i = 0; i < size; i++) {
        p[i] = (uint8_t)sample_random(s, 256);
    }
    return (struct weft_bytes){size > 0 ? p : NULL, size};
}

struct weft_bytes sample_bytes(struct sample *s, size_t size_max)
{
    return draw_bytes_of_size(s, draw_size_up_to(s, size_max));
}

struct weft_digest draw_digest(struct sample *s)
{
    struct weft_digest d = {{0}};
    if (sample_random(s, 8) != 0) { /* Else zero, which is not sent. */
        memcpy(d.bytes, draw_bytes_of_size(s, sizeof(d.bytes)).data, sizeof(d.bytes));
    }
    return d;
}

struct weft_request_id draw_request_id(struct sample *s)
{
    struct weft_request_id id;
    memcpy(id.bytes, draw_bytes_of_size(s, sizeof(id.bytes)).data, sizeof(id.bytes));
    return id;
}

/* --- texts ----------------------------------------------------------------------------------- */

struct weft_text draw_text_of_size(struct sample *s, size_t size, bool has_controls)
{
    static const struct weft_text wide[] = {WEFT_TEXT("\xc3\xa9"), WEFT_TEXT("\xe2\x82\xac"),
        WEFT_TEXT("\xf0\x9f\x94\xa9"), WEFT_TEXT("\xf4\x8f\xbf\xbf")};
    char *p = draw_alloc(s, size, 1);
    size_t at = 0;
    while (at < size) {
        struct weft_text c = wide[sample_random(s, 4)];
        if (sample_random(s, 4) == 0 && c.size <= size - at) {
            memcpy(p + at, c.data, c.size);
            at += c.size;
        } else if (has_controls && sample_random(s, 16) == 0) {
            p[at++] = (char)(1 + sample_random(s, 31));
        } else {
            p[at++] = (char)(0x21 + sample_random(s, 0x7f - 0x21)); /* Quotes and slashes too. */
        }
    }
    return (struct weft_text){size > 0 ? p : NULL, size};
}

struct weft_text sample_text(struct sample *s, size_t size_max)
{
    return draw_text_of_size(s, draw_size_up_to(s, size_max), true);
}

/* Asset ids, sources, authors: a line. */
struct weft_text draw_line(struct sample *s, size_t size_min, size_t size_max)
{
    size_t size = draw_size_up_to(s, size_max);
    return draw_text_of_size(s, size < size_min ? size_min : size, false);
}

struct weft_text draw_from_alphabet(struct sample *s, const char *alphabet, size_t size)
{
    char *p = draw_alloc(s, size, 1);
    for (size_t i = 0; i < size; i++) {
        p[i] = alphabet[sample_random(s, strlen(alphabet))];
    }
    return (struct weft_text){p, size};
}

struct weft_text draw_name(struct sample *s)
{
    size_t size = draw_size_up_to(s, WEFT_KIND_SIZE_MAX);
    return draw_from_alphabet(s, "abcxyz0189", size > 0 ? size : 1);
}

struct weft_text draw_file_name(struct sample *s)
{
    size_t size = draw_size_up_to(s, WEFT_FILE_NAME_SIZE_MAX);
    return draw_from_alphabet(s, "0123456789abcdef-_", size > 0 ? size : 1);
}
