/* ops/weft/source.h: records from a file or a pipe, one JSON object per line. */
#ifndef WEFT_OPS_SOURCE_H
#define WEFT_OPS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/record.h"

struct weft_source {
    FILE *file;
    const char *name; /* For messages: the path, or "stdin". */
    bool is_stdin;
    bool is_seekable;    /* It can be read twice. */
    uint32_t line;       /* Last one read, from 1. */
    uint64_t size_bytes; /* 0: not known. */
    char *text;
    size_t capacity;
};

/* `path` "-" or NULL: stdin. WEFT_EINVAL: no such file; WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_source_open(
    const char *path, struct weft_source *ret_source, struct weft_msg *msg);
/* The next record; blank lines are skipped. Everything in it lives in the arena.
 * WEFT_ENOTFOUND: the end. WEFT_EINVAL, WEFT_EMALFORMED, WEFT_ETOOBIG: `msg` starts with
 * "NAME: line L". WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_source_next(struct weft_source *source, struct weft_arena *arena,
    struct weft_record *ret_record, struct weft_msg *msg);
/* Back to the start. WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_source_rewind(struct weft_source *source, struct weft_msg *msg);
uint64_t weft_source_position(const struct weft_source *source);
void weft_source_close(struct weft_source *source);

#endif
