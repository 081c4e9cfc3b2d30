#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "ops/weft/query.h"
#include "ops/weft/records.h"
#include "proto/limits.h"

/* watch: pages of commits, one after another, each asked for from where the last one ended.
 *
 * No gap: next_index and the cursor come from the node with the page, and a page that was lost
 * is asked for again. No duplicate: a record at or before the last one printed is dropped, which
 * happens when a cursor is no longer taken and the index is read again from its start. */

enum {
    WAIT_MS = 2000, /* A node holds an empty answer so long; below --timeout. */
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
    is_interrupted = 1;
    (void)signal(number, SIG_DFL); /* Who asks twice does not want to wait for the page. */
}

struct watch {
    struct weft_client *client;
    struct weft_arena arena;
    struct weft_records records;
    struct weft_buffer cursor;
    struct weft_text glob;
    uint64_t next_index;
    uint64_t last_index; /* Of the last record printed. */
    uint32_t last_ordinal;
    bool has_last;
    uint64_t count_max; /* 0: no end. */
    uint64_t idle_ms;   /* 0: no end. */
    uint64_t heard_ns;
};

/* OPS-4. */
static bool is_new(const struct watch *w, const struct weft_stored_record *record)
{
    return !w->has_last || record->index > w->last_index ||
           (record->index == w->last_index && record->ordinal > w->last_ordinal);
}

static enum weft_err take_page(struct watch *w, const struct weft_page *page, struct weft_msg *msg)
{
    for (uint32_t i = 0; i < page->record_count; i++) {
        const struct weft_stored_record *record = &page->records[i];
        if (!is_new(w, record)) {
            continue;
        }
        enum weft_err err = weft_records_add(&w->records, record, msg);
        if (err != WEFT_OK) {
            return err;
        }
        w->has_last = true;
        w->last_index = record->index;
        w->last_ordinal = record->ordinal;
        w->heard_ns = weft_monotonic_ns();
        if (w->count_max > 0 && w->records.count == w->count_max) {
            return WEFT_OK;
        }
    }
    w->next_index = page->next_index > w->next_index ? page->next_index : w->next_index;
    weft_buffer_clear(&w->cursor);
    return weft_buffer_append(&w->cursor, page->cursor.data, page->cursor.size);
}

static enum weft_err next_page(struct watch *w, struct weft_msg *msg)
{
    struct weft_client_message answer;
    struct weft_client_message request = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_COMMITS,
            .asset_glob = w->glob,
            .from_index = w->next_index,
            .limit = WEFT_PAGE_RECORDS_MAX,
            .wait_ms = WAIT_MS,
            .cursor = {w->cursor.data, w->cursor.size}}};
    weft_arena_reset(&w->arena);
    enum weft_err err = weft_client_call(w->client, &request, &w->arena, &answer, msg);
    if (err == WEFT_OK) {
        return take_page(w, &answer.page, msg);
    }
    if (w->cursor.size > 0 && (err == WEFT_EINVAL || err == WEFT_EMALFORMED)) {
        weft_buffer_clear(&w->cursor); /* From the start of the index; is_new drops the rest. */
        w->next_index = w->has_last ? w->last_index : w->next_index;
        return WEFT_OK;
    }
    if (weft_err_class(err) == WEFT_CLASS_RETRY && !is_interrupted) {
        (void)fprintf(stderr, "weft: %s; watching on\n", msg->text);
        return WEFT_OK;
    }
    return err;
}

/* What comes from now on: from behind what the site has applied. */
static enum weft_err start_at_end(struct watch *w, struct weft_msg *msg)
{
    struct weft_client_message answer;
    struct weft_client_message request = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_COMMITS, .from_index = UINT64_MAX, .limit = 1}};
    weft_arena_reset(&w->arena);
    enum weft_err err = weft_client_call(w->client, &request, &w->arena, &answer, msg);
    w->next_index = err == WEFT_OK ? answer.page.index + 1 : 0;
    return err;
}

static bool is_over(const struct watch *w)
{
    bool is_idle = w->idle_ms > 0 && (weft_monotonic_ns() - w->heard_ns) / 1000000 >= w->idle_ms;
    bool is_enough = w->count_max > 0 && w->records.count >= w->count_max;
    /* An interrupt waits for the end of an index, so that --from can go on without overlap. */
    return is_enough || ((is_interrupted || is_idle) && w->cursor.size == 0);
}

static enum weft_err watch(const struct weft_args *args, struct watch *w, struct weft_msg *msg)
{
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = weft_args_number(args, "from", 1, UINT64_MAX, 0, &w->next_index, msg);
    }
    if (err == WEFT_OK) {
        err = weft_args_number(args, "count", 1, UINT64_MAX, 0, &w->count_max, msg);
    }
    if (err == WEFT_OK) {
        err = weft_args_duration_ms(args, "idle", 0, &w->idle_ms, msg);
    }
    if (err == WEFT_OK && w->next_index == 0) {
        err = start_at_end(w, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    /* A feed has no end to close a document at: JSON is one object per line. */
    weft_records_start(
        &w->records, format == WEFT_FORMAT_TABLE ? WEFT_FORMAT_TABLE : WEFT_FORMAT_JSONL);
    w->heard_ns = weft_monotonic_ns();
    while (err == WEFT_OK && !is_over(w)) {
        uint64_t before = w->records.count;
        err = next_page(w, msg);
        if (w->records.format == WEFT_FORMAT_TABLE && w->records.count > before) {
            weft_records_flush(&w->records);
        }
    }
    if (err == WEFT_OK) {
        bool is_whole =
            w->cursor.size == 0 && (w->count_max == 0 || w->records.count < w->count_max);
        (void)fprintf(stderr, "weft: go on with --from %" PRIu64 "\n",
            is_whole || !w->has_last ? w->next_index : w->last_index);
    }
    return err;
}

enum weft_exit weft_cmd_watch(const struct weft_args *args)
{
    struct weft_net *net;
    struct watch w = {.arena = {.size_max = ARENA_SIZE_MAX},
        .glob = weft_text_of(weft_args_text(args, "asset", ""))};
    struct weft_msg msg = {""};
    enum weft_err err = weft_client_from_args(args, &net, &w.client, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    err = watch(args, &w, &msg);
    weft_client_destroy(w.client);
    weft_net_close(net);
    weft_buffer_destroy(&w.cursor);
    weft_records_destroy(&w.records);
    weft_arena_destroy(&w.arena);
    return weft_complain(err, &msg);
}
