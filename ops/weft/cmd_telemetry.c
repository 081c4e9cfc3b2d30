#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ops/import/telemetry_block.h"
#include "ops/weft/output.h"
#include "ops/weft/query.h"
#include "proto/time.h"

/* telemetry get, telemetry list: the blocks that process runs name. */

enum {
    ANSWER_SIZE_MAX = 8 * 1024 * 1024,
};

/* --- get ------------------------------------------------------------------------------------- */

static enum weft_err print_block(
    struct weft_bytes block, bool is_raw, struct weft_buffer *unpacked, struct weft_msg *msg)
{
    struct weft_bytes out = block;
    if (!is_raw) {
        enum weft_err err = weft_block_unpack(block, unpacked);
        if (err != WEFT_OK) {
            return weft_fail(msg, err, "the block is not one of lines; --raw gives it as it is");
        }
        out = (struct weft_bytes){unpacked->data, unpacked->size};
    }
    if (fwrite(out.data, 1, out.size, stdout) != out.size || fflush(stdout) != 0) {
        return weft_fail(msg, WEFT_EIO, "stdout: %s", strerror(errno));
    }
    return WEFT_OK;
}

static enum weft_err get_block(struct weft_client *client, const char *text, bool is_raw,
    struct weft_arena *arena, struct weft_msg *msg)
{
    struct weft_client_message request = {.kind = WEFT_KIND_BLOCK_GET}, answer;
    struct weft_buffer unpacked = {0};
    enum weft_err err = weft_digest_parse(weft_text_of(text), &request.block_get.digest);
    if (err != WEFT_OK) {
        return weft_fail(msg, WEFT_EINVAL, "%.80s: a digest is sha256: and 64 digits", text);
    }
    err = weft_client_call(client, &request, arena, &answer, msg);
    if (err == WEFT_OK) {
        struct weft_bytes block = answer.block.content;
        struct weft_digest found = weft_sha256(block.data, block.size);
        err = weft_digest_equal(&found, &request.block_get.digest)
                  ? print_block(block, is_raw, &unpacked, msg)
                  : weft_fail(msg, WEFT_EBADSIG, "the node answered with another block");
    }
    weft_buffer_destroy(&unpacked);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%.71s", text);
}

enum weft_exit weft_cmd_telemetry_get(const struct weft_args *args)
{
    struct weft_net *net;
    struct weft_client *client;
    struct weft_arena arena = {.size_max = ANSWER_SIZE_MAX};
    struct weft_msg msg = {""};
    enum weft_err err = weft_client_from_args(args, &net, &client, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    for (int i = 0; i < args->operand_count && err == WEFT_OK; i++) {
        weft_arena_reset(&arena);
        err = get_block(client, args->operands[i], weft_args_has(args, "raw"), &arena, &msg);
    }
    weft_arena_destroy(&arena);
    weft_client_destroy(client);
    weft_net_close(net);
    return weft_complain(err, &msg);
}

/* --- list ------------------------------------------------------------------------------------ */

struct listing {
    enum weft_format format;
    struct weft_table table;
    struct weft_writer writer;
};

static struct weft_text field(const struct weft_record *r, const char *path)
{
    for (uint32_t i = 0; i < r->field_count; i++) {
        if (weft_text_is(r->fields[i].path, path)) {
            return r->fields[i].value;
        }
    }
    return (struct weft_text){NULL, 0};
}

static void add_block(struct listing *l, const struct weft_record *r, struct weft_text digest)
{
    char at[WEFT_TIME_TEXT_SIZE];
    weft_time_format(r->at_ns, at);
    if (l->format == WEFT_FORMAT_TABLE) {
        weft_table_cell(&l->table, r->asset);
        weft_table_cell(&l->table, field(r, "start"));
        weft_table_cell(&l->table, weft_text_of(at));
        weft_table_cell(&l->table, digest);
        return;
    }
    weft_writer_open(&l->writer, NULL, '{');
    weft_writer_text(&l->writer, "run", r->asset);
    weft_writer_text(&l->writer, "at", weft_text_of(at));
    weft_writer_text(&l->writer, "digest", digest);
    weft_writer_close(&l->writer, '}');
}

static enum weft_err on_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    static const char blocks[] = "telemetry/blocks/";
    struct listing *l = ctx;
    for (uint32_t i = 0; i < page->record_count; i++) {
        const struct weft_record *r = &page->records[i].record;
        for (uint32_t f = 0; f < r->field_count; f++) {
            struct weft_text path = r->fields[f].path;
            if (path.size > sizeof(blocks) - 1 &&
                memcmp(path.data, blocks, sizeof(blocks) - 1) == 0) {
                add_block(l, r, r->fields[f].value);
                if (l->format == WEFT_FORMAT_JSONL &&
                    weft_writer_print(&l->writer, stdout, msg) != WEFT_OK) {
                    return WEFT_EIO;
                }
            }
        }
    }
    return WEFT_OK;
}

static enum weft_err list_blocks(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct listing l = {.format = WEFT_FORMAT_TABLE};
    struct weft_query query = {
        .type = WEFT_QUERY_STORY, .asset = weft_text_of(args->operands[0]), .no_inside = true};
    enum weft_err err = weft_output_format(args, &l.format, msg);
    if (err == WEFT_OK) {
        err = weft_query_read_options(args, &query, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_table_init(&l.table, "RUN|START|END|BLOCK");
    if (l.format == WEFT_FORMAT_JSON) {
        weft_writer_open(&l.writer, NULL, '[');
    }
    err = weft_query_pages(client, &query, 0, on_page, &l, msg);
    if (err == WEFT_OK && l.format == WEFT_FORMAT_TABLE) {
        weft_table_print(&l.table, stdout);
    } else if (err == WEFT_OK && l.format == WEFT_FORMAT_JSON) {
        weft_writer_close(&l.writer, ']');
        err = weft_writer_print(&l.writer, stdout, msg);
    }
    weft_buffer_destroy(&l.table.cells);
    weft_writer_destroy(&l.writer);
    return err;
}

enum weft_exit weft_cmd_telemetry_list(const struct weft_args *args)
{
    return weft_with_client(args, list_blocks);
}
