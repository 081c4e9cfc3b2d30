/* proto/read_report.h: how much of what is labelled was read: the body of an entry's item READS.
 *
 *     1   what was done: 1 read, 2 subscribe
 *     1   number of labels, 1 to 64
 *    then per label, ascending by its bytes, each once:
 *     1   size of its name, 1 to 48
 *         name, of a-z 0-9 . -
 *     8   records (or steps of a trace) that have it, from 1, big-endian
 *
 * Who read is the item's principal. One report has one encoding. */
#ifndef WEFT_PROTO_READ_REPORT_H
#define WEFT_PROTO_READ_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_READ_LABELS_MAX = 64,     /* as a site may name */
    WEFT_READ_LABEL_SIZE_MAX = 48, /* "subscribe.LABEL" is an act of the audit log, 63 at most */
    WEFT_READ_REPORT_SIZE_MAX = 2 + WEFT_READ_LABELS_MAX * (1 + WEFT_READ_LABEL_SIZE_MAX + 8),
};

/* The numbers are in the log: they never change. */
enum weft_read_act {
    WEFT_READ_ACT_READ = 1,
    WEFT_READ_ACT_SUBSCRIBE = 2,
};

struct weft_read_count {
    uint64_t records;
    uint8_t size;
    char label[WEFT_READ_LABEL_SIZE_MAX];
};

struct weft_read_report {
    enum weft_read_act act;
    uint32_t count; /* 0: nothing labelled was read, and there is nothing to report. */
    struct weft_read_count labels[WEFT_READ_LABELS_MAX];
};

/* 1 to 48 of a-z 0-9 . -, a letter or digit first. */
bool weft_read_label_is_valid(struct weft_text label);

/* Count more; what does not fit into a number stays at its largest. False: 64 other labels are
 * there already, and the report is as it was. */
bool weft_read_report_add(
    struct weft_read_report *report, struct weft_text label, uint64_t records);
/* The same of all of another one of the same act. */
bool weft_read_report_merge(struct weft_read_report *report, const struct weft_read_report *other);

/* Of at least one label. WEFT_ENOMEM, WEFT_ETOOBIG: `out` has no room. */
WEFT_MUST_USE enum weft_err weft_read_report_encode(
    const struct weft_read_report *report, struct weft_buffer *out);
/* Exactly what encode gives. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_read_report_decode(
    struct weft_bytes bytes, struct weft_read_report *ret_report);

#endif
