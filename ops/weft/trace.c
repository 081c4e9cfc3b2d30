#include "ops/weft/trace.h"

#include <stdlib.h>
#include <string.h>

#include "ops/weft/trace_pages.h"
#include "proto/packed.h"

enum {
    NAMES_SIZE_MAX = 1024 * 1024 * 1024, /* chosen: 30,000,000 names */
};

static enum weft_err no_memory(struct weft_msg *msg)
{
    return weft_fail(msg, WEFT_ENOMEM, "no memory for the answer");
}

static enum weft_err keep_packed(
    struct weft_buffer *all, const struct weft_packed *packed, struct weft_msg *msg)
{
    const struct weft_bytes bytes = packed->bytes;
    return weft_buffer_append(all, bytes.data, bytes.size) == WEFT_OK ? WEFT_OK : no_memory(msg);
}

static enum weft_err keep_steps(
    struct weft_traced *t, const struct weft_trace_result *page, struct weft_msg *msg)
{
    if (page->steps.count > 0 && page->first_step != t->step_count) {
        return weft_fail(msg, WEFT_EMALFORMED, "step %u follows step %u of the answer",
            page->first_step, t->step_count);
    }
    if (page->steps.count > UINT32_MAX - t->step_count) {
        return no_memory(msg);
    }
    t->step_count += page->steps.count;
    return keep_packed(&t->packed_steps, &page->steps, msg);
}

/* Once all are there: their texts stay where they are. */
static enum weft_err read_steps(struct weft_traced *t, struct weft_msg *msg)
{
    const struct weft_trace_result whole = {
        .steps = {{t->packed_steps.data, t->packed_steps.size}, t->step_count}};
    struct weft_packed_steps packed = weft_packed_read_steps(&whole);
    t->steps = calloc((size_t)t->step_count + 1, sizeof(*t->steps));
    if (t->steps == NULL) {
        return no_memory(msg);
    }
    for (uint32_t i = 0; i < t->step_count; i++) {
        struct weft_trace_step *step = &t->steps[i];
        if (!weft_packed_next_step(&packed, step) || step->from_step > i ||
            step->from_step + (step->depth > 0) > i) {
            return weft_fail(
                msg, WEFT_EMALFORMED, "step %u comes before the one it is reached from", i);
        }
    }
    return WEFT_OK;
}

static enum weft_err keep_page(
    void *ctx, const struct weft_trace_result *page, struct weft_msg *msg)
{
    struct weft_traced *t = ctx;
    if (t->totals.index == 0) {
        t->totals = (struct weft_trace_result){.index = page->index,
            .steps_total = page->steps_total,
            .answers_total = page->answers_total,
            .depth_reached = page->depth_reached,
            .has_cycles = page->has_cycles};
    }
    enum weft_err err = keep_steps(t, page, msg);
    if (err == WEFT_OK) {
        t->record_count += page->records.count;
        err = keep_packed(&t->packed_records, &page->records, msg);
    }
    if (err == WEFT_OK && weft_buffer_text(&t->names, page->assets) != WEFT_OK) {
        err = no_memory(msg);
    }
    return err;
}

enum weft_err weft_traced_ask(struct weft_client *client, const struct weft_query *query,
    struct weft_traced *ret_traced, struct weft_msg *msg)
{
    struct weft_traced t = {.packed_steps = {.size_max = SIZE_MAX / 2},
        .packed_records = {.size_max = SIZE_MAX / 2},
        .names = {.size_max = NAMES_SIZE_MAX}};
    enum weft_err err = weft_trace_pages(client, query, keep_page, &t, msg);
    err = err == WEFT_OK ? read_steps(&t, msg) : err;
    if (err != WEFT_OK) {
        weft_traced_destroy(&t);
        return err;
    }
    *ret_traced = t;
    return WEFT_OK;
}

void weft_traced_destroy(struct weft_traced *traced)
{
    free(traced->steps);
    weft_buffer_destroy(&traced->packed_steps);
    weft_buffer_destroy(&traced->packed_records);
    weft_buffer_destroy(&traced->names);
    *traced = (struct weft_traced){.step_count = 0};
}
