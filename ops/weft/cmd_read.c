#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/query.h"
#include "ops/weft/records.h"
#include "proto/answer_json.h"
#include "proto/limits.h"
#include "proto/query_text.h"
#include "proto/record_json.h"
#include "proto/time.h"

/* get, story, find. */

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024
};

struct listing {
    struct weft_records records;
    struct weft_buffer cursor; /* Of the last page, as hexadecimal digits. */
    uint64_t index;
};

static enum weft_err on_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    struct listing *l = ctx;
    enum weft_err err = WEFT_OK;
    l->index = page->index;
    for (uint32_t i = 0; err == WEFT_OK && i < page->record_count; i++) {
        err = weft_records_add(&l->records, &page->records[i], msg);
    }
    weft_buffer_clear(&l->cursor);
    return err == WEFT_OK ? weft_query_format_cursor(page->cursor, &l->cursor) : err;
}

static enum weft_err end_listing(struct listing *l, struct weft_msg *msg)
{
    struct weft_text cursor = {(char *)l->cursor.data, l->cursor.size};
    weft_records_end_list(&l->records, l->index);
    if (l->records.format == WEFT_FORMAT_JSON && cursor.size > 0) {
        weft_writer_text(&l->records.writer, "cursor", cursor);
    }
    enum weft_err err = weft_records_finish(&l->records, msg);
    if (l->records.format != WEFT_FORMAT_JSON && cursor.size > 0) {
        (void)fprintf(
            stderr, "there is more; go on with --cursor %.*s\n", (int)cursor.size, cursor.data);
    }
    return err;
}

static enum weft_err list(const struct weft_args *args, struct weft_client *client,
    struct weft_query *query, uint64_t limit, struct weft_msg *msg)
{
    struct listing l = {0};
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = weft_query_read_options(args, client, query, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_records_start(&l.records, format);
    err = weft_query_pages(client, query, limit, on_page, &l, msg);
    if (err == WEFT_OK) {
        err = end_listing(&l, msg);
    }
    weft_buffer_destroy(&l.cursor);
    weft_records_destroy(&l.records);
    return err;
}

/* A connection for the time of `run`. */
static enum weft_exit with_client(const struct weft_args *args,
    enum weft_err (*run)(const struct weft_args *, struct weft_client *, struct weft_msg *))
{
    struct weft_net *net;
    struct weft_client *client;
    struct weft_msg msg = {""};
    enum weft_err err = weft_client_from_args(args, &net, &client, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    err = run(args, client, &msg);
    weft_client_destroy(client);
    weft_net_close(net);
    return weft_complain(err, &msg);
}

/* --- story ------------------------------------------------------------------------------- */

static enum weft_err story(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    uint64_t limit = 0;
    struct weft_query query = {.type = WEFT_QUERY_STORY,
        .asset = weft_text_of(args->operands[0]),
        .no_inside = weft_args_has(args, "no-inside")};
    enum weft_err err = weft_args_number(args, "limit", 1, UINT64_MAX, 0, &limit, msg);
    return err == WEFT_OK ? list(args, client, &query, limit, msg) : err;
}

enum weft_exit weft_cmd_story(const struct weft_args *args)
{
    return with_client(args, story);
}

/* --- find -------------------------------------------------------------------------------- */

static enum weft_err find(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = 2 * WEFT_CURSOR_SIZE_MAX};
    uint64_t limit = 0;
    const char *where = weft_args_text(args, "where", NULL);
    struct weft_query query = {.type = WEFT_QUERY_FIND,
        .kind = weft_text_of(weft_args_text(args, "kind", "")),
        .asset_glob = weft_text_of(weft_args_text(args, "asset", ""))};
    enum weft_err err =
        weft_args_number(args, "limit", 1, UINT64_MAX, WEFT_PAGE_RECORDS_DEFAULT, &limit, msg);
    if (err == WEFT_OK && where != NULL) {
        err = weft_query_parse_where(weft_text_of(where), &query, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "--where");
    }
    if (err == WEFT_OK) {
        err = weft_query_parse_cursor(
            weft_text_of(weft_args_text(args, "cursor", "")), &arena, &query.cursor, msg);
    }
    err = err == WEFT_OK ? list(args, client, &query, limit, msg) : err;
    weft_arena_destroy(&arena);
    return err;
}

enum weft_exit weft_cmd_find(const struct weft_args *args)
{
    return with_client(args, find);
}

/* --- get --------------------------------------------------------------------------------- */

/* The twin, for now from the newest record of each kind: a value is effective if no newer
 * record states the same path. */
struct twin {
    const struct weft_stored_record **records; /* Newest first. */
    uint32_t count;
};

static int64_t at_of(const struct weft_stored_record *r)
{
    return r->record.has_at ? r->record.at_ns : r->time_ns;
}

static int newest_first(const void *a, const void *b)
{
    const struct weft_stored_record *x = *(const struct weft_stored_record *const *)a;
    const struct weft_stored_record *y = *(const struct weft_stored_record *const *)b;
    if (at_of(x) != at_of(y)) {
        return at_of(x) > at_of(y) ? -1 : 1;
    }
    if (x->index != y->index) {
        return x->index > y->index ? -1 : 1;
    }
    return x->ordinal > y->ordinal ? -1 : x->ordinal < y->ordinal ? 1 : 0;
}

/* "flatness" of "flatness/value": a value and its unit stand or fall together. */
static struct weft_text root_of(struct weft_text path)
{
    const char *slash = path.size > 0 ? memchr(path.data, '/', path.size) : NULL;
    return (struct weft_text){path.data, slash != NULL ? (size_t)(slash - path.data) : path.size};
}

static bool is_effective(const struct twin *twin, uint32_t record, struct weft_text path)
{
    for (uint32_t i = 0; i < record; i++) {
        const struct weft_record *newer = &twin->records[i]->record;
        for (uint32_t f = 0; f < newer->field_count; f++) {
            if (weft_text_equal(root_of(newer->fields[f].path), root_of(path))) {
                return false;
            }
        }
    }
    return true;
}

static void add_twin_row(struct weft_table *t, struct weft_text attribute, struct weft_text value,
    const struct weft_stored_record *stored, const char *at)
{
    weft_table_cell(t, attribute);
    weft_table_cell(t, value);
    weft_table_cell(t, stored->record.kind);
    weft_table_cell(t, weft_text_of(at));
    weft_table_format(t, "%" PRIu64, stored->index);
    weft_table_cell(t, stored->record.author);
    weft_table_cell(t, stored->record.source);
}

static void print_twin(
    const struct twin *twin, struct weft_text asset, const struct weft_page *page)
{
    struct weft_table t;
    (void)printf("%.*s  rev %" PRIu64 "  as of index %" PRIu64 "\n\n", (int)asset.size, asset.data,
        page->asset_rev, page->index);
    weft_table_init(&t, "ATTRIBUTE|VALUE|KIND|AT|>REV|AUTHOR|SOURCE");
    for (uint32_t i = 0; i < twin->count; i++) {
        const struct weft_record *r = &twin->records[i]->record;
        char at[WEFT_TIME_TEXT_SIZE];
        weft_time_format(at_of(twin->records[i]), at);
        if (r->field_count + r->link_count == 0) {
            add_twin_row(&t, WEFT_TEXT("-"), WEFT_TEXT("-"), twin->records[i], at);
        }
        for (uint32_t f = 0; f < r->field_count + r->link_count; f++) {
            if (f < r->field_count && is_effective(twin, i, r->fields[f].path)) {
                add_twin_row(&t, r->fields[f].path, r->fields[f].value, twin->records[i], at);
            } else if (f >= r->field_count) {
                const struct weft_link *link = &r->links[f - r->field_count];
                char rel[WEFT_REL_SIZE_MAX + 4];
                (void)snprintf(rel, sizeof(rel), "> %.*s", (int)link->rel.size, link->rel.data);
                add_twin_row(&t, weft_text_of(rel), link->to, twin->records[i], at);
            }
        }
    }
    weft_table_print(&t, stdout);
}

static void write_values(
    struct weft_writer *w, const struct twin *twin, uint32_t record, struct weft_arena *arena)
{
    const struct weft_stored_record *stored = twin->records[record];
    char at[WEFT_TIME_TEXT_SIZE];
    weft_time_format(at_of(stored), at);
    for (uint32_t f = 0; f < stored->record.field_count; f++) {
        struct weft_buffer json = {0};
        struct weft_field field = stored->record.fields[f];
        if (!is_effective(twin, record, field.path)) {
            continue;
        }
        weft_writer_open(w, NULL, '{');
        weft_writer_text(w, "path", field.path);
        field.path = WEFT_TEXT("value");
        /* {"value":V}: its inside is taken over, so that numbers stay as given. */
        if (weft_fields_to_json(&field, 1, arena, &json) == WEFT_OK && json.size > 10) {
            weft_writer_raw(w, "value", (struct weft_text){(char *)json.data + 9, json.size - 10});
        }
        weft_writer_text(w, "kind", stored->record.kind);
        weft_writer_text(w, "at", weft_text_of(at));
        weft_writer_unsigned(w, "rev", stored->index);
        weft_writer_text(w, "author", stored->record.author);
        weft_writer_text(w, "source", stored->record.source);
        weft_writer_close(w, '}');
        weft_buffer_destroy(&json);
    }
}

static enum weft_err write_twin(const struct twin *twin, struct weft_text asset,
    const struct weft_page *page, struct weft_msg *msg)
{
    struct weft_writer w = {0};
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    enum weft_err err = WEFT_OK;
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "asset", asset);
    weft_writer_unsigned(&w, "rev", page->asset_rev);
    weft_writer_unsigned(&w, "index", page->index);
    weft_writer_open(&w, "values", '[');
    for (uint32_t i = 0; i < twin->count; i++) {
        write_values(&w, twin, i, &arena);
    }
    weft_writer_close(&w, ']');
    weft_writer_open(&w, "records", '[');
    for (uint32_t i = 0; err == WEFT_OK && i < twin->count; i++) {
        err = weft_answer_write_record(&w, twin->records[i], &arena);
    }
    weft_writer_close(&w, ']');
    weft_writer_close(&w, '}');
    err = err == WEFT_OK ? weft_writer_print(&w, stdout, msg)
                         : weft_fail(msg, err, "the answer cannot be written as JSON");
    weft_arena_destroy(&arena);
    weft_writer_destroy(&w);
    return err;
}

/* All pages of one answer, kept. */
struct gathered {
    struct weft_arena arena;
    struct weft_page page; /* Of the first, without records. */
    struct weft_stored_record *records;
    uint32_t count, capacity;
    bool has_page;
};

static enum weft_err gather(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    struct gathered *g = ctx;
    if (!g->has_page) {
        g->page = *page;
        g->has_page = true;
    }
    for (uint32_t i = 0; i < page->record_count; i++) {
        /* The page dies with this call: the record is made again from its encoding. */
        struct weft_buffer bytes = {0};
        enum weft_err err = weft_record_encode(&page->records[i].record, &bytes);
        uint8_t *copy = err == WEFT_OK ? weft_arena_alloc(&g->arena, bytes.size) : NULL;
        if (g->count == g->capacity) {
            uint32_t capacity = g->capacity == 0 ? 64 : g->capacity * 2;
            struct weft_stored_record *more = realloc(g->records, capacity * sizeof(*more));
            g->records = more != NULL ? more : g->records;
            g->capacity = more != NULL ? capacity : g->capacity;
        }
        if (copy == NULL || g->count == g->capacity) {
            weft_buffer_destroy(&bytes);
            return weft_fail(msg, WEFT_ENOMEM, "no memory for the answer");
        }
        memcpy(copy, bytes.data, bytes.size);
        struct weft_stored_record *kept = &g->records[g->count];
        *kept = page->records[i];
        err = weft_record_decode((struct weft_bytes){copy, bytes.size}, &g->arena, &kept->record);
        weft_buffer_destroy(&bytes);
        if (err != WEFT_OK) {
            return weft_fail(msg, err, "the answer holds a record that cannot be read");
        }
        g->count++;
    }
    return WEFT_OK;
}

static enum weft_err show_twin(
    struct gathered *g, struct weft_text asset, enum weft_format format, struct weft_msg *msg)
{
    struct twin twin = {
        calloc((size_t)g->count + 1, sizeof(const struct weft_stored_record *)), g->count};
    if (twin.records == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for the answer");
    }
    for (uint32_t i = 0; i < g->count; i++) {
        twin.records[i] = &g->records[i];
    }
    qsort(twin.records, twin.count, sizeof(const struct weft_stored_record *), newest_first);
    enum weft_err err = WEFT_OK;
    if (format == WEFT_FORMAT_TABLE) {
        print_twin(&twin, asset, &g->page);
    } else {
        err = write_twin(&twin, asset, &g->page, msg);
    }
    free(twin.records);
    return err;
}

static enum weft_err get(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_text asset = weft_text_of(args->operands[0]);
    struct weft_query query = {.type = WEFT_QUERY_ASSET, .asset = asset};
    struct gathered g = {.arena = {.size_max = ARENA_SIZE_MAX}};
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = weft_query_read_options(args, client, &query, msg);
    }
    if (err == WEFT_OK) {
        err = weft_query_pages(client, &query, 0, gather, &g, msg);
    }
    if (err == WEFT_OK) {
        err = show_twin(&g, asset, format, msg);
    }
    free(g.records);
    weft_arena_destroy(&g.arena);
    return err;
}

enum weft_exit weft_cmd_get(const struct weft_args *args)
{
    return with_client(args, get);
}
