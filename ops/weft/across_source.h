/* ops/weft/across_source.h: what a site answers about other companies, in lines of words
 * (node/state/query_cells.h): asked for, and taken apart. */
#ifndef WEFT_OPS_ACROSS_SOURCE_H
#define WEFT_OPS_ACROSS_SOURCE_H

#include "ops/weft/client.h"

enum {
    WEFT_ACROSS_WORDS_MAX = 16,
};

enum weft_across_bytes {
    WEFT_ACROSS_ALL,
    WEFT_ACROSS_PRINTABLE, /* Others stay as %XX: what a partner states goes to no terminal as is.
                            */
};

/* A line; its words are decoded, and in the arena that they were read into. */
struct weft_across_line {
    struct weft_text words[WEFT_ACROSS_WORDS_MAX];
    uint32_t count;
};

/* The file of that path, into `out`, which is cleared. As weft_client_call. */
WEFT_MUST_USE enum weft_err weft_across_ask(
    struct weft_client *client, const char *path, struct weft_buffer *out, struct weft_msg *msg);
/* The same; the node may wait so long before it answers. */
WEFT_MUST_USE enum weft_err weft_across_ask_within(struct weft_client *client, const char *path,
    uint32_t wait_ms, struct weft_buffer *out, struct weft_msg *msg);
/* A word with %XX back to bytes, into the arena. False: no memory. */
WEFT_MUST_USE bool weft_across_word(struct weft_text word, enum weft_across_bytes bytes,
    struct weft_arena *arena, struct weft_text *ret_word);
/* Take the next line off `rest`. False: there is none, or no memory for its words. */
bool weft_across_next(
    struct weft_text *rest, struct weft_arena *arena, struct weft_across_line *ret_line);
static inline bool weft_across_is(const struct weft_across_line *line, const char *word, uint32_t n)
{
    return line->count >= n && weft_text_is(line->words[0], word);
}

#endif
