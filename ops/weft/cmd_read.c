#include <stdlib.h>
#include <string.h>

#include "ops/weft/query.h"
#include "ops/weft/records.h"
#include "proto/limits.h"

/* story, find. */

enum {
    CURSOR_SIZE_MAX = 4096
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
    for (size_t i = 0; err == WEFT_OK && i < page->cursor.size; i++) {
        err = weft_buffer_format(&l->cursor, "%02x", page->cursor.data[i]);
    }
    return err;
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

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum weft_err read_cursor(
    const char *text, uint8_t *bytes, struct weft_query *query, struct weft_msg *msg)
{
    size_t size = strlen(text) / 2;
    bool is_hex = strlen(text) % 2 == 0 && size <= CURSOR_SIZE_MAX;
    for (size_t i = 0; is_hex && i < size; i++) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
        is_hex = high >= 0 && low >= 0;
        bytes[i] = (uint8_t)(is_hex ? high * 16 + low : 0);
    }
    query->cursor = (struct weft_bytes){bytes, size};
    return is_hex ? WEFT_OK : weft_fail(msg, WEFT_EINVAL, "--cursor: not one that an answer gave");
}

static enum weft_err find(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    uint8_t cursor[CURSOR_SIZE_MAX];
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
        err = weft_query_parse_where(where, &query, msg);
    }
    if (err == WEFT_OK) {
        err = read_cursor(weft_args_text(args, "cursor", ""), cursor, &query, msg);
    }
    return err == WEFT_OK ? list(args, client, &query, limit, msg) : err;
}

enum weft_exit weft_cmd_find(const struct weft_args *args)
{
    return weft_with_client(args, find);
}
