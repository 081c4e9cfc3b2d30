/* ops/weft/records.h: records as lines of a table or as JSON, page by page. */
#ifndef WEFT_OPS_RECORDS_H
#define WEFT_OPS_RECORDS_H

#include "ops/weft/output.h"
#include "proto/client.h"

/* What is printed of a list of records. Zero-initialized with `format` set, then started. */
struct weft_records {
    enum weft_format format;
    struct weft_table table;
    struct weft_writer writer;
    struct weft_arena arena; /* Scratch. */
    uint64_t count;
    uint64_t index; /* The answer speaks for it. */
};

/* In JSON the document is {"records": [...], "index": N, ...}; members may be added to
 * `writer` between end_list and finish. */
void weft_records_start(struct weft_records *r, enum weft_format format);
WEFT_MUST_USE enum weft_err weft_records_add(
    struct weft_records *r, const struct weft_stored_record *record, struct weft_msg *msg);
/* A table has no end to wait for when it is a feed: print the rows there are. */
void weft_records_flush(struct weft_records *r);
void weft_records_end_list(struct weft_records *r, uint64_t index);
WEFT_MUST_USE enum weft_err weft_records_finish(struct weft_records *r, struct weft_msg *msg);
void weft_records_destroy(struct weft_records *r);

/* "verdict=FAIL flatness=0.014 mm made_on>plant1/mill-2", cut at `size`. */
void weft_records_summary(const struct weft_record *record, char *ret_text, size_t size);

#endif
