/* tests/lib/sample_draw.h: what samples are made of: numbers, texts and bytes, drawn at random.
 *
 * Everything lives in the sample's arena; without memory the program stops. */
#ifndef WEFT_TESTS_LIB_SAMPLE_DRAW_H
#define WEFT_TESTS_LIB_SAMPLE_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "tests/lib/sample.h"

void *draw_alloc(struct sample *s, size_t count, size_t size);
uint64_t draw_number(struct sample *s); /* Zero, small, or anything. */
bool draw_coin(struct sample *s);
uint32_t draw_count(struct sample *s, uint32_t usual); /* 0 to `usual` */
/* Mostly below 40, now and then `size_max` itself. */
size_t draw_size_up_to(struct sample *s, size_t size_max);

struct weft_bytes draw_bytes_of_size(struct sample *s, size_t size);
struct weft_digest draw_digest(struct sample *s); /* Now and then zero. */
struct weft_request_id draw_request_id(struct sample *s);

/* UTF-8 of characters of all lengths; without controls it is a line. */
struct weft_text draw_text_of_size(struct sample *s, size_t size, bool has_controls);
struct weft_text draw_line(struct sample *s, size_t size_min, size_t size_max);
struct weft_text draw_from_alphabet(struct sample *s, const char *alphabet, size_t size);
struct weft_text draw_name(struct sample *s);
struct weft_text draw_file_name(struct sample *s);

#endif
