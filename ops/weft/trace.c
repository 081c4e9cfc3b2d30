#include "ops/weft/trace.h"

#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

enum {
    PAGE_ARENA_SIZE_MAX = 64 * 1024 * 1024,
    NAMES_SIZE_MAX = 1024 * 1024 * 1024, /* chosen: 30,000,000 names */
};

static enum weft_err no_memory(struct weft_msg *msg)
{
    return weft_fail(msg, WEFT_ENOMEM, "no memory for the answer");
}

static void *grow(void *array, uint32_t *capacity, uint32_t wanted, size_t item_size)
{
    uint32_t more = *capacity == 0 ? 256 : *capacity;
    while (more < wanted) {
        more *= 2;
    }
    if (more == *capacity) {
        return array;
    }
    void *grown = realloc(array, more * item_size);
    *capacity = grown != NULL ? more : *capacity;
    return grown;
}

static bool keep(struct weft_arena *arena, struct weft_text *text)
{
    if (text->size > 0) {
        *text = weft_arena_text(arena, *text);
    }
    return text->size == 0 || text->data != NULL;
}

static enum weft_err keep_steps(
    struct weft_traced *t, const struct weft_trace_result *page, struct weft_msg *msg)
{
    struct weft_trace_step *steps =
        grow(t->steps, &t->step_capacity, t->step_count + page->step_count, sizeof(*steps));
    if (steps == NULL) {
        return no_memory(msg);
    }
    t->steps = steps;
    for (uint32_t i = 0; i < page->step_count; i++) {
        struct weft_trace_step step = page->steps[i];
        if (step.from_step > t->step_count || step.from_step + (step.depth > 0) > t->step_count) {
            return weft_fail(msg, WEFT_EMALFORMED,
                "step %u comes before the one it is reached from", t->step_count);
        }
        if (!keep(&t->arena, &step.asset) || !keep(&t->arena, &step.rel) ||
            !keep(&t->arena, &step.quantity) || !keep(&t->arena, &step.unit) ||
            !keep(&t->arena, &step.kind) || !keep(&t->arena, &step.location) ||
            !keep(&t->arena, &step.location_rel)) {
            return no_memory(msg);
        }
        steps[t->step_count++] = step;
    }
    return WEFT_OK;
}

/* A copy of what was sent, decoded anew. */
static enum weft_err keep_records(
    struct weft_traced *t, const struct weft_trace_result *page, struct weft_msg *msg)
{
    struct weft_stored_record *records = grow(
        t->records, &t->record_capacity, t->record_count + page->record_count, sizeof(*records));
    if (records == NULL) {
        return no_memory(msg);
    }
    t->records = records;
    for (uint32_t i = 0; i < page->record_count; i++) {
        struct weft_stored_record record = page->records[i];
        uint8_t *copy = weft_arena_alloc(&t->arena, record.encoded.size);
        if (copy == NULL) {
            return no_memory(msg);
        }
        memcpy(copy, record.encoded.data, record.encoded.size);
        record.encoded.data = copy;
        enum weft_err err = weft_record_decode(record.encoded, &t->arena, &record.record);
        if (err != WEFT_OK) {
            return weft_fail(msg, err, "the answer holds a record that cannot be read");
        }
        records[t->record_count++] = record;
    }
    return WEFT_OK;
}

static enum weft_err keep_page(
    struct weft_traced *t, const struct weft_trace_result *page, struct weft_msg *msg)
{
    if (t->totals.index == 0) {
        t->totals = (struct weft_trace_result){.index = page->index,
            .steps_total = page->steps_total,
            .answers_total = page->answers_total,
            .depth_reached = page->depth_reached,
            .has_cycles = page->has_cycles};
    }
    enum weft_err err = keep_steps(t, page, msg);
    if (err == WEFT_OK) {
        err = keep_records(t, page, msg);
    }
    if (err == WEFT_OK && weft_buffer_text(&t->names, page->assets) != WEFT_OK) {
        err = no_memory(msg);
    }
    return err;
}

enum weft_err weft_traced_ask(struct weft_client *client, const struct weft_query *query,
    struct weft_traced *ret_traced, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = PAGE_ARENA_SIZE_MAX};
    struct weft_buffer cursor = {0};
    struct weft_client_message request = {.kind = WEFT_KIND_QUERY, .query = *query};
    struct weft_traced t = {
        .arena = {.size_max = SIZE_MAX / 2}, .names = {.size_max = NAMES_SIZE_MAX}};
    enum weft_err err;
    do {
        struct weft_client_message answer;
        weft_arena_reset(&arena);
        request.query.cursor = (struct weft_bytes){cursor.data, cursor.size};
        err = weft_client_call(client, &request, &arena, &answer, msg);
        if (err == WEFT_OK && answer.kind != WEFT_KIND_TRACE_RESULT) {
            err = weft_fail(msg, WEFT_EVERSION, "the node answered with another kind of message");
        }
        if (err == WEFT_OK) {
            err = keep_page(&t, &answer.trace, msg);
        }
        if (err != WEFT_OK) {
            break;
        }
        weft_buffer_clear(&cursor);
        err = weft_buffer_append(&cursor, answer.trace.cursor.data, answer.trace.cursor.size);
        /* Later pages may come from another node: it must know at least as much. */
        request.query.consistency = WEFT_MIN_INDEX;
        request.query.min_index = answer.trace.index;
    } while (err == WEFT_OK && cursor.size > 0);
    weft_buffer_destroy(&cursor);
    weft_arena_destroy(&arena);
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
    free(traced->records);
    weft_buffer_destroy(&traced->names);
    weft_arena_destroy(&traced->arena);
    *traced = (struct weft_traced){.step_count = 0};
}
