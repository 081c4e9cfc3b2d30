/* ops/weft/trace.h: the answers of traces and recalls: gathered page by page, as a tree, a table
 * or JSON. */
#ifndef WEFT_OPS_TRACE_H
#define WEFT_OPS_TRACE_H

#include "ops/weft/client.h"
#include "ops/weft/output.h"

/* The whole of an answer. */
struct weft_traced {
    struct weft_trace_result totals; /* Of the first page; without what its pages hold many of. */
    /* Packed, as they came (proto/packed.h): a record is looked into when it is printed. */
    struct weft_buffer packed_steps;
    struct weft_buffer packed_records;
    uint32_t record_count;
    struct weft_trace_step *steps; /* Their texts are in packed_steps. */
    uint32_t step_count;
    struct weft_buffer names; /* With ids_only: lines. */
};

/* Ask for all pages. A later page never knows less than the one before it. */
WEFT_MUST_USE enum weft_err weft_traced_ask(struct weft_client *client,
    const struct weft_query *query, struct weft_traced *ret_traced, struct weft_msg *msg);
void weft_traced_destroy(struct weft_traced *traced);

/* As proto/answer_json.h has it; as lines one object for each step, record or asset. */
WEFT_MUST_USE enum weft_err weft_traced_write(const struct weft_traced *traced,
    enum weft_format format, bool ids_only, struct weft_writer *w, struct weft_msg *msg);
/* The object as a member of one that the writer has open; what is large is printed meanwhile. */
WEFT_MUST_USE enum weft_err weft_traced_write_member(const struct weft_traced *traced,
    const char *key, bool ids_only, struct weft_writer *w, struct weft_msg *msg);
/* A tree of all steps, in each the children in the order of the answer. */
void weft_traced_print_tree(const struct weft_traced *traced, FILE *out);
/* The answers, each with its path and where it is. */
void weft_traced_print_units(const struct weft_traced *traced, FILE *out);
/* The records, as a table. */
WEFT_MUST_USE enum weft_err weft_traced_print_records(
    const struct weft_traced *traced, struct weft_msg *msg);

#endif
