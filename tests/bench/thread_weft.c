/* tests/bench/thread_weft.c: our side of the `thread` measurement: the generated history into a
 * site through the client door, and questions about it, each with all of its pages, through the
 * client that the weft command has. What comes is decoded, and dropped. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/committer.h"
#include "ops/weft/trace_pages.h"
#include "proto/limits.h"
#include "proto/packed.h"
#include "tests/bench/genealogy.h"
#include "tests/bench/thread_answer.h"

enum {
    COMMIT_RECORDS = 500,
    COMMITS_OUTSTANDING = 8,
    TIMEOUT_MS = 60000,
    TURN_MS = 1000,
    ARENA_SIZE_MAX = 256 << 20,
};

struct side {
    struct weft_client *client;
    struct weft_arena scratch;
    struct weft_buffer body;
    struct weft_buffer cursor;
};

/* --- load ------------------------------------------------------------------------------------ */

struct load {
    uint64_t *indexes; /* Of each commit, by the place of its records. */
    uint64_t records;
    uint64_t index; /* The highest. */
};

/* Each commit but the last holds as many records; one that found a queue full comes later. */
static void on_commit(
    void *ctx, const struct weft_commit_result *result, uint32_t first_line, uint32_t last_line)
{
    struct load *load = ctx;
    thread_must((first_line - 1) % COMMIT_RECORDS == 0 && last_line - first_line < COMMIT_RECORDS &&
                    result->receipt_count == last_line - first_line + 1,
        "a commit of other records");
    load->records += result->receipt_count;
    load->indexes[(first_line - 1) / COMMIT_RECORDS] = result->index;
    load->index = result->index > load->index ? result->index : load->index;
}

/* "RECORD INDEX" for the last record of each commit. */
static void write_indexes(const struct thread_options *o, const struct load *load)
{
    FILE *file = fopen(o->indexes, "w");
    thread_must(file != NULL, "%s cannot be written", o->indexes);
    for (uint64_t i = 0; i * COMMIT_RECORDS < load->records; i++) {
        uint64_t last = (i + 1) * COMMIT_RECORDS;
        (void)fprintf(file, "%" PRIu64 " %" PRIu64 "\n",
            last < load->records ? last : load->records, load->indexes[i]);
    }
    thread_must(fclose(file) == 0, "%s cannot be written", o->indexes);
}

static void load_all(const struct thread_options *o, struct side *side)
{
    struct load load = {.records = 0};
    struct genealogy g;
    struct weft_committer committer;
    struct weft_msg msg;
    struct weft_record record;
    genealogy_init(&g, o->units, o->seed);
    load.indexes = calloc(genealogy_records(&g) / COMMIT_RECORDS + 1, sizeof(*load.indexes));
    thread_must(load.indexes != NULL, "no memory for the indexes");
    double from_s = thread_seconds();
    enum weft_err err = weft_committer_init(
        &committer, side->client, COMMIT_RECORDS, COMMITS_OUTSTANDING, on_commit, &load, &msg);
    while (err == WEFT_OK && genealogy_next(&g, weft_committer_arena(&committer), &record)) {
        err = weft_committer_add(&committer, &record, (uint32_t)g.made, &msg);
    }
    err = err == WEFT_OK ? weft_committer_finish(&committer, &msg) : err;
    thread_must(err == WEFT_OK, "load: %s", msg.text);
    thread_must(load.records == genealogy_records(&g), "not all records are there");
    (void)printf("{\"records\": %" PRIu64 ", \"index\": %" PRIu64 ", \"seconds\": %.1f}\n",
        load.records, load.index, thread_seconds() - from_s);
    write_indexes(o, &load);
    weft_committer_destroy(&committer);
    free(load.indexes);
}

/* --- ask ------------------------------------------------------------------------------------- */

static void sum_record(
    struct side *side, struct thread_sum *sum, bool is_ordered, const struct weft_record *record)
{
    weft_buffer_clear(&side->body);
    thread_body(record, &side->scratch, &side->body);
    thread_sum_record(sum, is_ordered, record->asset, record->kind, record->at_ns / 1000,
        (struct weft_text){(const char *)side->body.data, side->body.size});
}

static void sum_names(struct thread_sum *sum, struct weft_text names)
{
    while (names.size > 0) {
        const char *end = memchr(names.data, '\n', names.size);
        thread_must(end != NULL, "a name without an end");
        size_t size = (size_t)(end - names.data);
        thread_sum_name(sum, (struct weft_text){names.data, size});
        names = (struct weft_text){end + 1, names.size - size - 1};
    }
}

/* A question under way. */
struct asking {
    struct side *side;
    struct weft_client_message request; /* Of a story. */
    bool is_over;
    bool has_paths;
    struct thread_sum *sum; /* NULL: what comes is dropped. */
};

static void add_trace(const struct asking *a, const struct weft_trace_result *trace)
{
    struct weft_bytes rest = trace->records.bytes;
    struct weft_packed_record packed;
    struct weft_packed_steps steps = weft_packed_read_steps(trace);
    struct weft_trace_step step;
    while (weft_packed_next_record(&rest, &packed)) {
        struct weft_stored_record stored;
        weft_arena_reset(&a->side->scratch);
        enum weft_err err = weft_packed_open_record(&packed, &a->side->scratch, &stored);
        thread_must(err == WEFT_OK, "a record: %s", weft_err_name(err));
        sum_record(a->side, a->sum, false, &stored.record);
    }
    while (a->has_paths && weft_packed_next_step(&steps, &step)) {
        if (step.depth > 0) {
            thread_sum_step(a->sum, step.asset, step.rel, step.depth);
        }
    }
    sum_names(a->sum, trace->assets);
}

static enum weft_err on_trace_page(
    void *ctx, const struct weft_trace_result *page, struct weft_msg *msg)
{
    const struct asking *a = ctx;
    (void)msg;
    if (a->sum != NULL) {
        add_trace(a, page);
    }
    return WEFT_OK;
}

/* Its records come packed, and are opened here alone. */
static void sum_page(const struct asking *a, struct weft_page *page)
{
    struct weft_arena opened = {.size_max = ARENA_SIZE_MAX};
    enum weft_err err = weft_packed_open_page(page, &opened);
    thread_must(err == WEFT_OK, "the records of a page: %s", weft_err_name(err));
    for (uint32_t i = 0; i < page->record_count; i++) {
        weft_arena_reset(&a->side->scratch);
        sum_record(a->side, a->sum, true, &page->records[i].record);
    }
    weft_arena_destroy(&opened);
}

/* Each page of a story is asked for as soon as the cursor of the one before is known. */
static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg);

static void submit(struct asking *a)
{
    enum weft_err err = weft_client_submit(a->side->client, &a->request, on_answer, a);
    thread_must(err == WEFT_OK, "a question: %s", weft_err_name(err));
}

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct asking *a = ctx;
    struct weft_query *q = &a->request.query;
    if (err == WEFT_ENOTFOUND) {
        a->is_over = true; /* Not known then: there is nothing to tell. */
        return;
    }
    thread_must(err == WEFT_OK, "%.*s: %s", (int)q->asset.size, q->asset.data,
        err != WEFT_OK ? msg->text : "");
    thread_must(answer->kind == WEFT_KIND_PAGE, "another kind of answer");
    struct weft_page page = answer->page;
    weft_buffer_clear(&a->side->cursor);
    err = weft_buffer_append(&a->side->cursor, page.cursor.data, page.cursor.size);
    thread_must(err == WEFT_OK, "no memory for a cursor");
    q->cursor = (struct weft_bytes){a->side->cursor.data, a->side->cursor.size};
    q->consistency = WEFT_MIN_INDEX;
    q->min_index = page.index;
    a->is_over = page.cursor.size == 0;
    if (!a->is_over) {
        submit(a);
    }
    if (a->sum != NULL) {
        sum_page(a, &page);
    }
}

static void tell_story(struct side *side, const struct weft_query *query, struct thread_sum *sum)
{
    struct asking asking = {
        .side = side, .request = {.kind = WEFT_KIND_QUERY, .query = *query}, .sum = sum};
    submit(&asking);
    while (!asking.is_over) {
        weft_net_turn(weft_client_net(side->client), TURN_MS);
    }
}

static void ask(void *ctx, enum thread_what what, struct weft_text asset, uint64_t as_of,
    struct thread_sum *sum)
{
    struct side *side = ctx;
    struct asking asking = {.side = side, .has_paths = what == THREAD_PATHS, .sum = sum};
    struct weft_msg msg;
    const struct weft_query query = {
        .type = what == THREAD_STORY ? WEFT_QUERY_STORY : WEFT_QUERY_TRACE_FORWARD,
        .asset = asset,
        .as_of = as_of,
        .limit = what == THREAD_STORY ? WEFT_PAGE_RECORDS_MAX : 0,
        .packed = what == THREAD_STORY,
        .ids_only = what == THREAD_IDS,
        .with_records = what == THREAD_RECORDS || what == THREAD_PATHS};
    if (what == THREAD_STORY) {
        tell_story(side, &query, sum);
        return;
    }
    enum weft_err err = weft_trace_pages(side->client, &query, on_trace_page, &asking, &msg);
    /* Not known then: there is nothing to tell. */
    thread_must(err == WEFT_OK || err == WEFT_ENOTFOUND, "%.*s: %s", (int)asset.size, asset.data,
        err != WEFT_OK ? msg.text : "");
}

int main(int argc, char **argv)
{
    struct thread_options o;
    struct side side = {.scratch = {.size_max = ARENA_SIZE_MAX}};
    struct weft_context context = {.endpoint_count = 0};
    struct weft_net *net = NULL;
    struct weft_msg msg;
    thread_options_read(argc, argv, &o);
    thread_must(o.identity != NULL, "--identity: which?");
    enum weft_err err = weft_context_add_endpoints(&context, o.connect, &msg);
    err = err == WEFT_OK ? weft_net_open(o.identity, &net, &msg) : err;
    err = err == WEFT_OK ? weft_client_create(net, &context, TIMEOUT_MS, false, &side.client, &msg)
                         : err;
    thread_must(err == WEFT_OK, "%s", msg.text);
    if (strcmp(o.operation, "load") == 0) {
        load_all(&o, &side);
    } else {
        thread_ask_all(&o, ask, &side);
    }
    weft_client_destroy(side.client);
    weft_net_close(net);
    weft_arena_destroy(&side.scratch);
    weft_buffer_destroy(&side.body);
    weft_buffer_destroy(&side.cursor);
    return 0;
}
