/* node/label_reads.h: an answer that holds what is labelled leaves when the log says that it was
 * read.
 *
 * Answers wait here, by principal and act: their reports (proto/read_report.h) are added up and
 * proposed as one item of an entry, one on its way for each; what comes meanwhile goes with the
 * next. When that is applied its answers go to their doors; when it fails they are refused, and
 * what was counted for them stays (NOD-182: never fewer). The loop's; it knows no clock and no
 * socket. */
#ifndef WEFT_NODE_LABEL_READS_H
#define WEFT_NODE_LABEL_READS_H

#include <stdbool.h>
#include <stdint.h>

#include "node/read.h"
#include "proto/entry.h"

enum {
    WEFT_LABEL_READS_GROUPS_MAX = 256, /* Principals with such reads under way at once; chosen. */
};

struct weft_label_reads;

struct weft_label_reads_options {
    void *ctx;
    /* The item is on its way, and weft_label_reads_done is called for the waiter, later. Not
     * WEFT_OK: it is not, and nothing is called. */
    enum weft_err (*propose)(
        void *ctx, const struct weft_entry_item *item, const struct weft_waiter *waiter);
    void (*refuse)(
        void *ctx, const struct weft_waiter *waiter, enum weft_err err, const char *detail);
    struct weft_read_door door; /* Whose give and give_json answers end at. */
    size_t bytes_max;           /* Of answers that wait. */
};

WEFT_MUST_USE enum weft_err weft_label_reads_open(
    const struct weft_label_reads_options *options, struct weft_label_reads **ret_reads);
/* Refuses what waits. Accepts NULL. */
void weft_label_reads_close(struct weft_label_reads *reads);

/* The answer may leave when its note is in the log. Takes the buffer's memory. `is_json`: as
 * give_json, of this index. */
void weft_label_reads_hold(struct weft_label_reads *reads, const struct weft_waiter *waiter,
    const struct weft_read_note *note, struct weft_buffer *answer, bool is_json, uint64_t index);

/* What was proposed for this waiter is applied, or not: WEFT_EUNAVAILABLE, ... */
void weft_label_reads_done(
    struct weft_label_reads *reads, const struct weft_waiter *waiter, enum weft_err err);

/* Answers that wait, and how many were counted in all. */
uint32_t weft_label_reads_waiting(const struct weft_label_reads *reads);

#endif
