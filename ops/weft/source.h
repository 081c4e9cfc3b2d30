/* ops/weft/source.h: records from a file or a pipe, one JSON object per line. */
#ifndef WEFT_OPS_SOURCE_H
#define WEFT_OPS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/record.h"

struct weft_source {
    int fd;
    const char *name; /* For messages: the path, or "stdin". */
    bool is_seekable; /* It can be read twice. */
    uint32_t line;    /* Last one read, from 1. */
    /* Called before a read that might have to wait; NULL: none. So that somebody who writes
     * slowly holds up neither answers nor heartbeats. Between two lines and within one. */
    void (*wait)(void *ctx, int fd);
    void *wait_ctx;

    uint8_t *block; /* What was read and not yet looked at: [block_at, block_end). */
    size_t block_at, block_end;
    char *text; /* The line. */
    size_t capacity;
};

/* `path` "-" or NULL: stdin. WEFT_EINVAL: no such file; WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_source_open(
    const char *path, struct weft_source *ret_source, struct weft_msg *msg);
/* The next line that is not blank, without its end; a copy in the arena. A line that is too long is
 * passed over: the next call reads the one behind it.
 * WEFT_ENOTFOUND: the end. WEFT_ETOOBIG: `msg` starts with "NAME: line L". WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_source_line(struct weft_source *source, struct weft_arena *arena,
    struct weft_text *ret_line, struct weft_msg *msg);
/* The next record; blank lines are skipped. Everything in it lives in the arena.
 * WEFT_ENOTFOUND: the end. WEFT_EINVAL, WEFT_EMALFORMED, WEFT_ETOOBIG: `msg` starts with
 * "NAME: line L". WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_source_next(struct weft_source *source, struct weft_arena *arena,
    struct weft_record *ret_record, struct weft_msg *msg);
/* Back to the start. WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_source_rewind(struct weft_source *source, struct weft_msg *msg);
void weft_source_close(struct weft_source *source);

#endif
