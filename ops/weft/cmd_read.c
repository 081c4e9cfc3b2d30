#include <stdlib.h>
#include <string.h>

#include "ops/weft/query.h"
#include "ops/weft/records.h"
#include "ops/weft/shared_cells.h"
#include "proto/limits.h"
#include "proto/query_text.h"

/* story, find. */

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
        err = weft_query_read_options(args, query, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_records_start(&l.records, format);
    err = weft_query_pages(client, query, limit, on_page, &l, msg);
    if (err == WEFT_OK) {
        err = end_listing(&l, msg);
    } else if (query->type == WEFT_QUERY_STORY && l.index == 0) {
        err = weft_shared_cells_instead(client, query, format, err, msg);
    }
    weft_buffer_destroy(&l.cursor);
    weft_records_destroy(&l.records);
    return err;
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
    return weft_with_client(args, story);
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
        .asset_glob = weft_text_of(weft_args_text(args, "asset", "")),
        .differs_path = weft_text_of(weft_args_text(args, "differs", "")),
        .differs_by = weft_text_of(weft_args_text(args, "by", ""))};
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
    return weft_with_client(args, find);
}
