#include "ops/weft/query.h"

#include "proto/limits.h"
#include "proto/packed.h"
#include "proto/query_text.h"
#include "proto/time.h"

enum {
    PAGE_ARENA_SIZE_MAX = 64 * 1024 * 1024
};

enum weft_err weft_query_read_options(
    const struct weft_args *args, struct weft_query *query, struct weft_msg *msg)
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
    if (err == WEFT_OK && as_of != NULL) {
        err = weft_query_parse_as_of(weft_text_of(as_of), query, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "--as-of %.40s", as_of);
    }
    return err;
}

enum weft_err weft_query_pages(struct weft_client *client, const struct weft_query *query,
    uint64_t limit, weft_query_on_page *on_page, void *ctx, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = PAGE_ARENA_SIZE_MAX};
    struct weft_buffer cursor = {0};
    struct weft_client_message request = {.kind = WEFT_KIND_QUERY, .query = *query};
    uint64_t done = 0;
    request.query.packed = true;
    enum weft_err err = weft_buffer_append(&cursor, query->cursor.data, query->cursor.size);
    while (err == WEFT_OK) {
        struct weft_client_message answer;
        uint64_t left = limit == 0 ? WEFT_PAGE_RECORDS_MAX : limit - done;
        request.query.limit =
            (uint32_t)(left < WEFT_PAGE_RECORDS_MAX ? left : WEFT_PAGE_RECORDS_MAX);
        request.query.cursor = (struct weft_bytes){cursor.data, cursor.size};
        weft_arena_reset(&arena);
        err = weft_client_call(client, &request, &arena, &answer, msg);
        if (err == WEFT_OK && weft_packed_open_page(&answer.page, &arena) != WEFT_OK) {
            err = weft_fail(msg, WEFT_EMALFORMED, "the records of an answer are damaged");
        }
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
