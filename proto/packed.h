/* proto/packed.h: what long answers hold many of, one behind the other in bytes of our own: the
 * steps of a trace, and records as they are stored (proto/stored.h).
 *
 * A table for each would cost a node and its client more than all else that a long answer takes.
 * So a node copies what it has, and who gets an answer goes through it once, and looks into a
 * record when it is wanted. Layout: proto/README.md, Packed steps and Packed records. Everything
 * borrows from the packed bytes. */
#ifndef WEFT_PROTO_PACKED_H
#define WEFT_PROTO_PACKED_H

#include "proto/client.h"

/* --- records --------------------------------------------------------------------------------- */

/* A record of an answer, as it lies there. */
struct weft_packed_record {
    uint64_t index;
    uint32_t ordinal;
    int64_t time_ns;
    struct weft_bytes stored; /* proto/stored.h */
};

/* Behind those that are there. WEFT_ENOMEM, WEFT_ETOOBIG: nothing was added. */
WEFT_MUST_USE enum weft_err weft_packed_add_record(
    struct weft_buffer *out, const struct weft_packed_record *record);
/* The same, stored here: author and at are filled in. */
WEFT_MUST_USE enum weft_err weft_packed_add_stored(
    struct weft_buffer *out, const struct weft_stored_record *stored);
/* Are there so many, and nothing else? What is in them is looked at by weft_packed_open_record.
 * WEFT_EMALFORMED, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_packed_check_records(const struct weft_packed *records);
/* The next of records that were checked; *rest begins as their bytes and moves behind it. False:
 * there is none. */
bool weft_packed_next_record(struct weft_bytes *rest, struct weft_packed_record *ret_record);
/* Decode it, and hold its texts to their limits and to UTF-8. Arrays are in the arena.
 * WEFT_EMALFORMED, WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_packed_open_record(const struct weft_packed_record *record,
    struct weft_arena *arena, struct weft_stored_record *ret_stored);

/* A page's records, if they are packed, opened into `records`; else nothing is done. Arrays are in
 * the arena. As weft_packed_open_record. */
WEFT_MUST_USE enum weft_err weft_packed_open_page(struct weft_page *page, struct weft_arena *arena);

/* --- steps ----------------------------------------------------------------------------------- */

/* Where the writing or reading of steps stands. */
struct weft_packed_steps {
    struct weft_bytes rest; /* Reading: what is left. */
    uint32_t number;        /* Of the next step. */
    /* Of the last step: what the next one need not say. */
    struct weft_text rel;
    struct weft_text kind;
};

/* `steps->number` is the step's, and moves on. A step that follows borrows its rel and kind until
 * then; to begin anew, empty them. WEFT_ENOMEM, WEFT_ETOOBIG: nothing was added. */
WEFT_MUST_USE enum weft_err weft_packed_add_step(
    struct weft_buffer *out, struct weft_packed_steps *steps, const struct weft_trace_step *step);
/* Are there so many, each with texts that are UTF-8 and within their limits, and nothing else?
 * WEFT_EMALFORMED, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_packed_check_steps(const struct weft_packed *steps);
/* To read the steps of an answer, or of a page of one. */
struct weft_packed_steps weft_packed_read_steps(const struct weft_trace_result *trace);
/* The next of steps that were checked. False: there is none. */
bool weft_packed_next_step(struct weft_packed_steps *steps, struct weft_trace_step *ret_step);

#endif
