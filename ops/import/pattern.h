/* ops/import/pattern.h: patterns that take names apart, and templates that put names together.
 *
 * How a serial is spelled, or what a file's name says, differs from plant to plant, so it stands
 * in an import's map (--map) and not in code. "*" is any run of bytes, "?" one byte, "{word}" a
 * run of at least one byte that is captured, as short as can be, "{word#}" a run of digits, as
 * long as can be, captured without its leading zeros. Everything else stands for itself. */
#ifndef WEFT_OPS_IMPORT_PATTERN_H
#define WEFT_OPS_IMPORT_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_PATTERN_CAPTURES_MAX = 16,
    WEFT_PATTERN_SIZE_MAX = 255,
    WEFT_PATTERN_STEPS_MAX = 100 * 1000, /* of one match; past it there is none. About 1 ms */
};

struct weft_capture {
    struct weft_text name;
    struct weft_text value; /* Borrows from what was matched. */
};

struct weft_captures {
    struct weft_capture list[WEFT_PATTERN_CAPTURES_MAX];
    uint32_t count;
};

/* Braces, sizes, number of captures. WEFT_EINVAL: `msg` says what. */
WEFT_MUST_USE enum weft_err weft_pattern_check(struct weft_text pattern, struct weft_msg *msg);

/* Does `text` fit a checked pattern, as a whole? If so its captures are appended. */
bool weft_pattern_fits(
    struct weft_text pattern, struct weft_text text, struct weft_captures *captures);

/* What else may be asked for by name; borrowed. Past the limit it is left out. */
void weft_capture_add(struct weft_captures *captures, const char *name, struct weft_text value);
/* {NULL, 0}: there is none of that name. */
struct weft_text weft_captured(const struct weft_captures *captures, const char *name);

/* The template with each "{word}" replaced. WEFT_EINVAL: a word that was not captured;
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_pattern_fill(struct weft_text template,
    const struct weft_captures *captures, struct weft_arena *arena, struct weft_text *ret_text,
    struct weft_msg *msg);

#endif
