/* node/state/coder.h: values of the state in fixed order, big-endian: one function for both
 * directions, so that what is written and what is read cannot differ.
 *
 * A decoder turns to WEFT_ECORRUPT for good at the first thing that does not fit: its err is looked
 * at once, at the end, and that nothing is left. Private to the files that have such a form. */
#ifndef WEFT_NODE_STATE_CODER_H
#define WEFT_NODE_STATE_CODER_H

#include "proto/arith.h"
#include "proto/bytes.h"
#include "proto/digest.h"

/* One of both. Each field is passed once. */
struct weft_coder {
    struct weft_buffer *out; /* NULL: reading. */
    struct weft_bytes rest;
    enum weft_err err;
};

static inline void weft_code_bytes(struct weft_coder *c, void *bytes, size_t size)
{
    if (c->err != WEFT_OK) {
        return;
    }
    if (c->out != NULL) {
        c->err = weft_buffer_append(c->out, bytes, size);
    } else if (c->rest.size < size) {
        c->err = WEFT_ECORRUPT;
    } else {
        memcpy(bytes, c->rest.data, size);
        c->rest = (struct weft_bytes){c->rest.data + size, c->rest.size - size};
    }
}

static inline void weft_code_u64(struct weft_coder *c, uint64_t *number)
{
    uint8_t bytes[8] = {0};
    if (c->out != NULL) {
        weft_put_be64(bytes, *number);
    }
    weft_code_bytes(c, bytes, sizeof(bytes));
    if (c->out == NULL && c->err == WEFT_OK) {
        *number = weft_get_be64(bytes);
    }
}

static inline void weft_code_time(struct weft_coder *c, int64_t *ns)
{
    uint64_t number = (uint64_t)*ns;
    weft_code_u64(c, &number);
    *ns = (int64_t)number;
}

/* Below `limit`. */
static inline void weft_code_u32(struct weft_coder *c, uint32_t *number, uint64_t limit)
{
    uint64_t wide = *number;
    weft_code_u64(c, &wide);
    if (c->err == WEFT_OK && wide >= limit) {
        c->err = WEFT_ECORRUPT;
    }
    *number = c->err == WEFT_OK ? (uint32_t)wide : 0;
}

static inline void weft_code_bool(struct weft_coder *c, bool *is_so)
{
    uint32_t number = *is_so;
    weft_code_u32(c, &number, 2);
    *is_so = number == 1;
}

/* Arrays of a fixed size that hold a terminated text. */
static inline void weft_code_text(struct weft_coder *c, char *text, size_t size)
{
    weft_code_bytes(c, text, size);
    if (c->err == WEFT_OK && text[size - 1] != '\0') {
        c->err = WEFT_ECORRUPT;
    }
}

/* A text behind its size; read, it borrows. */
static inline void weft_code_slice(struct weft_coder *c, struct weft_text *text)
{
    uint64_t size = text->size;
    weft_code_u64(c, &size);
    if (c->err == WEFT_OK && c->out != NULL) {
        c->err = weft_buffer_append(c->out, text->data, text->size);
    } else if (c->err == WEFT_OK && size > c->rest.size) {
        c->err = WEFT_ECORRUPT;
    } else if (c->err == WEFT_OK) {
        *text = (struct weft_text){(const char *)c->rest.data, (size_t)size};
        c->rest = (struct weft_bytes){c->rest.data + size, c->rest.size - (size_t)size};
    }
}

/* A decoder has read all of it. */
static inline enum weft_err weft_coder_end(const struct weft_coder *c)
{
    return c->err == WEFT_OK && c->out == NULL && c->rest.size > 0 ? WEFT_ECORRUPT : c->err;
}

#endif
