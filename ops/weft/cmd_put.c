#include <inttypes.h>
#include <string.h>

#include "ops/weft/committer.h"
#include "ops/weft/source.h"
#include "proto/answer_json.h"
#include "proto/limits.h"
#include "proto/time.h"

/* put: what can be read twice is checked whole before the first commit. */

enum {
    CHECK_ARENA_SIZE_MAX = 256 * 1024 * 1024,
    PAUSE_MS = 100, /* chosen: input that pauses so long is committed as it is */
};

struct put {
    enum weft_format format;
    bool is_atomic;
    struct weft_writer writer;
    struct weft_table table;
    struct weft_progress progress;
    struct weft_committer committer;
    enum weft_err err; /* Of the output. */
    struct weft_msg msg;
};

static void add_rows(struct weft_table *t, const struct weft_commit_result *result)
{
    char time[WEFT_TIME_TEXT_SIZE];
    weft_time_format(result->time_ns, time);
    for (uint32_t i = 0; i < result->receipt_count; i++) {
        char digest[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&result->receipts[i].digest, digest);
        weft_table_format(t, "%" PRIu64, result->index);
        weft_table_cell(t, weft_text_of(time));
        weft_table_cell(t, result->receipts[i].asset);
        weft_table_format(t, "%" PRIu64, result->receipts[i].rev);
        weft_table_cell(t, weft_text_of(digest));
    }
}

/* Every answer at once, one per line, so that a reader of the pipe can act on it. */
static void on_commit(
    void *ctx, const struct weft_commit_result *result, uint32_t first_line, uint32_t last_line)
{
    struct put *p = ctx;
    (void)first_line, (void)last_line;
    if (p->format == WEFT_FORMAT_TABLE) {
        if (p->is_atomic) {
            add_rows(&p->table, result);
        }
    } else if (p->err == WEFT_OK) {
        weft_answer_write_commit(&p->writer, result);
        p->err = weft_writer_print(&p->writer, stdout, &p->msg);
    }
    weft_progress_show(&p->progress, p->committer.committed);
}

/* All of it, without committing anything. */
static enum weft_err check_all(
    struct weft_source *source, uint64_t *ret_records, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = CHECK_ARENA_SIZE_MAX};
    struct weft_record record;
    enum weft_err err;
    *ret_records = 0;
    for (;;) {
        weft_arena_reset(&arena);
        err = weft_source_next(source, &arena, &record, msg);
        if (err != WEFT_OK) {
            break;
        }
        (*ret_records)++;
    }
    weft_arena_destroy(&arena);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

/* The pipe has nothing for us: answers are printed meanwhile, and a batch that is not full does
 * not wait for a line that may never come. */
static void on_wait(void *ctx, int fd)
{
    struct put *p = ctx;
    struct weft_msg msg;
    struct weft_net *net = weft_client_net(p->committer.client);
    while (!weft_net_wait_readable(net, fd, PAUSE_MS)) {
        if (!p->is_atomic && weft_committer_flush(&p->committer, &msg) != WEFT_OK) {
            return; /* The next record finds it out, or the end. */
        }
    }
}

static enum weft_err commit_all(struct put *p, struct weft_source *source, struct weft_msg *msg)
{
    struct weft_committer *c = &p->committer;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && p->err == WEFT_OK) {
        struct weft_record record;
        err = weft_source_next(source, weft_committer_arena(c), &record, msg);
        if (err == WEFT_OK) {
            err = weft_committer_add(c, &record, source->line, msg);
        }
    }
    if (err == WEFT_ENOTFOUND) { /* The end of the input. */
        return weft_committer_finish(c, msg);
    }
    weft_committer_abandon(c); /* An atomic put, or the batch of the bad line, is not sent. */
    return err;
}

static enum weft_err read_options(
    const struct weft_args *args, struct put *p, struct weft_client *client, struct weft_msg *msg)
{
    uint64_t batch = 0, outstanding = 1;
    const char *id = weft_args_text(args, "request-id", NULL);
    if (weft_args_has(args, "atomic") && weft_args_has(args, "batch")) {
        return weft_fail(msg, WEFT_EINVAL, "--atomic and --batch exclude each other");
    }
    enum weft_err err = weft_args_number(args, "batch", 1, WEFT_COMMIT_RECORDS_MAX, 0, &batch, msg);
    if (err == WEFT_OK) {
        err = weft_args_number(
            args, "outstanding", 1, WEFT_COMMITTER_OUTSTANDING_MAX, 1, &outstanding, msg);
    }
    if (err == WEFT_OK) {
        err = weft_output_format(args, &p->format, msg);
    }
    p->is_atomic = batch == 0;
    if (err == WEFT_OK) {
        err = weft_committer_init(
            &p->committer, client, (uint32_t)batch, (uint32_t)outstanding, on_commit, p, msg);
    }
    if (err == WEFT_OK && id != NULL) {
        err = weft_request_id_parse(id, &p->committer.request_id, msg);
        p->committer.has_request_id = true;
    }
    return err;
}

static enum weft_err put(const struct weft_args *args, struct put *p, struct weft_source *source,
    struct weft_client *client, struct weft_msg *msg)
{
    uint64_t records = 0;
    enum weft_err err = read_options(args, p, client, msg);
    if (err == WEFT_OK && source->is_seekable) {
        err = check_all(source, &records, msg);
        if (err == WEFT_OK) {
            err = weft_source_rewind(source, msg);
        }
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_table_init(&p->table, ">INDEX|TIME|ASSET|>REV|DIGEST");
    weft_progress_start(&p->progress, args, "put", "records", records);
    source->wait = on_wait;
    source->wait_ctx = p;
    err = commit_all(p, source, msg);
    weft_progress_end(&p->progress);
    if (p->format == WEFT_FORMAT_TABLE && p->is_atomic && err == WEFT_OK) {
        weft_table_print(&p->table, stdout);
    }
    if (err != WEFT_OK && p->committer.commits > 0) {
        (void)fprintf(stderr,
            "weft: %" PRIu64 " records in %" PRIu64 " commits were committed before\n",
            p->committer.committed, p->committer.commits);
    } else if (p->format == WEFT_FORMAT_TABLE && err == WEFT_OK) {
        (void)printf("%" PRIu64 " records in %" PRIu64 " commits%s\n", p->committer.committed,
            p->committer.commits, p->committer.repeated > 0 ? ", some of them known already" : "");
    }
    if (err == WEFT_OK && p->err != WEFT_OK) {
        *msg = p->msg;
        err = p->err;
    }
    return err;
}

/* --check: no connection at all. */
static enum weft_exit check_only(struct weft_source *source)
{
    struct weft_msg msg;
    uint64_t records = 0;
    enum weft_err err = check_all(source, &records, &msg);
    if (err == WEFT_OK) {
        (void)fprintf(stderr, "%s: %" PRIu64 " records, all good\n", source->name, records);
    }
    weft_source_close(source);
    return weft_complain(err, &msg);
}

enum weft_exit weft_cmd_put(const struct weft_args *args)
{
    struct weft_net *net;
    struct weft_client *client;
    struct weft_source source;
    struct put p = {0};
    struct weft_msg msg = {""};
    enum weft_err err =
        weft_source_open(args->operand_count > 0 ? args->operands[0] : NULL, &source, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    if (weft_args_has(args, "check")) {
        return check_only(&source);
    }
    err = weft_client_from_args(args, &net, &client, &msg);
    if (err == WEFT_OK) {
        err = put(args, &p, &source, client, &msg);
        weft_client_destroy(client);
        weft_net_close(net);
    }
    weft_committer_destroy(&p.committer);
    weft_buffer_destroy(&p.table.cells);
    weft_writer_destroy(&p.writer);
    weft_source_close(&source);
    return weft_complain(err, &msg);
}
