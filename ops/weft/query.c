#include "ops/weft/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/time.h"

enum {
    PAGE_ARENA_SIZE_MAX = 64 * 1024 * 1024
};

/* The first record at or after an index: *ret_index 0 when there is none. */
static enum weft_err first_from(struct weft_client *client, uint64_t from_index,
    struct weft_arena *arena, uint64_t *ret_index, int64_t *ret_time_ns, uint64_t *ret_applied,
    struct weft_msg *msg)
{
    struct weft_client_message answer;
    struct weft_client_message request = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_COMMITS, .from_index = from_index, .limit = 1}};
    weft_arena_reset(arena);
    enum weft_err err = weft_client_call(client, &request, arena, &answer, msg);
    if (err != WEFT_OK) {
        return err;
    }
    bool has_one = answer.page.record_count > 0;
    *ret_index = has_one ? answer.page.records[0].index : 0;
    *ret_time_ns = has_one ? answer.page.records[0].time_ns : 0;
    *ret_applied = answer.page.index;
    return WEFT_OK;
}

/* Commit times rise with the index, so the last index up to a time is found by halving. */
static enum weft_err find_as_of(
    struct weft_client *client, int64_t time_ns, uint64_t *ret_index, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = PAGE_ARENA_SIZE_MAX};
    uint64_t low = 0, high = 0, index; /* low: committed by then. high: later, or not there. */
    int64_t found_ns;
    enum weft_err err = first_from(client, 1, &arena, &index, &found_ns, &high, msg);
    high = high + 1;
    while (err == WEFT_OK && low + 1 < high) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t applied;
        err = first_from(client, middle, &arena, &index, &found_ns, &applied, msg);
        if (index == 0 || found_ns > time_ns) {
            high = middle;
        } else {
            low = index;
        }
    }
    weft_arena_destroy(&arena);
    if (err == WEFT_OK && low == 0) {
        err = weft_fail(msg, WEFT_ENOTFOUND, "nothing was committed by then");
    }
    *ret_index = low;
    return err;
}

static enum weft_err read_as_of(
    const char *text, struct weft_client *client, struct weft_query *query, struct weft_msg *msg)
{
    int64_t time_ns;
    if (text[strspn(text, "0123456789")] == '\0' && text[0] != '\0') {
        errno = 0;
        query->as_of = strtoull(text, NULL, 10);
        return errno == 0 && query->as_of > 0
                   ? WEFT_OK
                   : weft_fail(msg, WEFT_EINVAL, "--as-of %.40s: an index is above 0", text);
    }
    enum weft_err err = weft_time_parse(weft_text_of(text), &time_ns, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "--as-of %.40s: neither an index nor a time", text);
    }
    return find_as_of(client, time_ns, &query->as_of, msg);
}

enum weft_err weft_query_read_options(const struct weft_args *args, struct weft_client *client,
    struct weft_query *query, struct weft_msg *msg)
{
    const char *at = weft_args_text(args, "at", NULL);
    const char *as_of = weft_args_text(args, "as-of", NULL);
    enum weft_err err = WEFT_OK;
    if (at != NULL) {
        err = weft_time_parse(weft_text_of(at), &query->at_ns, msg);
        query->has_at = true;
        if (err != WEFT_OK) {
            return weft_wrap(msg, err, "--at %.40s", at);
        }
    }
    if (weft_args_has(args, "stale") && weft_args_has(args, "min-index")) {
        return weft_fail(msg, WEFT_EINVAL, "--stale and --min-index exclude each other");
    }
    if (weft_args_has(args, "min-index")) {
        query->consistency = WEFT_MIN_INDEX;
        err = weft_args_number(args, "min-index", 1, UINT64_MAX, 0, &query->min_index, msg);
    } else if (weft_args_has(args, "stale")) {
        query->consistency = WEFT_STALE;
    }
    return err == WEFT_OK && as_of != NULL ? read_as_of(as_of, client, query, msg) : err;
}

enum weft_err weft_query_pages(struct weft_client *client, const struct weft_query *query,
    uint64_t limit, weft_query_on_page *on_page, void *ctx, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = PAGE_ARENA_SIZE_MAX};
    struct weft_buffer cursor = {0};
    struct weft_client_message request = {.kind = WEFT_KIND_QUERY, .query = *query};
    uint64_t done = 0;
    enum weft_err err = weft_buffer_append(&cursor, query->cursor.data, query->cursor.size);
    while (err == WEFT_OK) {
        struct weft_client_message answer;
        uint64_t left = limit == 0 ? WEFT_PAGE_RECORDS_MAX : limit - done;
        request.query.limit =
            (uint32_t)(left < WEFT_PAGE_RECORDS_MAX ? left : WEFT_PAGE_RECORDS_MAX);
        request.query.cursor = (struct weft_bytes){cursor.data, cursor.size};
        weft_arena_reset(&arena);
        err = weft_client_call(client, &request, &arena, &answer, msg);
        if (err == WEFT_OK) {
            err = on_page(ctx, &answer.page, msg);
        }
        if (err != WEFT_OK) {
            break;
        }
        done += answer.page.record_count;
        weft_buffer_clear(&cursor);
        if (answer.page.cursor.size == 0 || (limit > 0 && done >= limit)) {
            break;
        }
        err = weft_buffer_append(&cursor, answer.page.cursor.data, answer.page.cursor.size);
        /* Later pages may come from another node: it must know at least as much. */
        request.query.consistency = WEFT_MIN_INDEX;
        request.query.min_index = answer.page.index;
    }
    weft_buffer_destroy(&cursor);
    weft_arena_destroy(&arena);
    return err;
}
