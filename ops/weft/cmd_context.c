#include <stdlib.h>
#include <string.h>

#include "ops/weft/context.h"
#include "ops/weft/output.h"

static void join_endpoints(const struct weft_context *context, char *ret_text, size_t size)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (uint32_t i = 0; i < context->endpoint_count && used < size; i++) {
        used += (size_t)snprintf(
            ret_text + used, size - used, "%s%s", i > 0 ? "," : "", context->endpoints[i]);
    }
}

static void write_context(
    struct weft_writer *w, const struct weft_context *context, bool is_current)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "name", weft_text_of(context->name));
    weft_writer_bool(w, "current", is_current);
    weft_writer_open(w, "endpoints", '[');
    for (uint32_t i = 0; i < context->endpoint_count; i++) {
        weft_writer_text(w, NULL, weft_text_of(context->endpoints[i]));
    }
    weft_writer_close(w, ']');
    weft_writer_text(w, "identity", weft_text_of(context->identity));
    weft_writer_close(w, '}');
}

struct listing {
    enum weft_format format;
    char current[WEFT_CONTEXT_NAME_SIZE];
    struct weft_table table;
    struct weft_writer writer;
    struct weft_msg msg;
    enum weft_err err;
};

static void list_one(void *ctx, const char *name)
{
    struct listing *l = ctx;
    struct weft_context context;
    struct weft_msg msg;
    bool is_current = strcmp(name, l->current) == 0;
    if (weft_context_load(name, &context, &msg) != WEFT_OK) {
        (void)fprintf(stderr, "weft: %s\n", msg.text); /* The others are listed all the same. */
        return;
    }
    if (l->format == WEFT_FORMAT_TABLE) {
        char endpoints[WEFT_CONTEXT_ENDPOINTS_MAX * 64];
        join_endpoints(&context, endpoints, sizeof(endpoints));
        weft_table_cell(&l->table, is_current ? WEFT_TEXT("*") : WEFT_TEXT(""));
        weft_table_cell(&l->table, weft_text_of(name));
        weft_table_cell(&l->table, weft_text_of(endpoints));
        weft_table_cell(&l->table, weft_text_of(context.identity));
        return;
    }
    write_context(&l->writer, &context, is_current);
    if (l->format == WEFT_FORMAT_JSONL && l->err == WEFT_OK) {
        l->err = weft_writer_print(&l->writer, stdout, &l->msg);
    }
}

enum weft_exit weft_cmd_context_list(const struct weft_args *args)
{
    struct listing l = {0};
    l.err = weft_output_format(args, &l.format, &l.msg);
    if (l.err == WEFT_OK) {
        l.err = weft_context_current(l.current, &l.msg);
    }
    if (l.err != WEFT_OK) {
        return weft_complain(l.err, &l.msg);
    }
    weft_table_init(&l.table, "|NAME|ENDPOINTS|IDENTITY");
    if (l.format == WEFT_FORMAT_JSON) {
        weft_writer_open(&l.writer, NULL, '[');
    }
    enum weft_err err = weft_context_list(list_one, &l, &l.msg);
    l.err = l.err != WEFT_OK ? l.err : err;
    if (l.err == WEFT_OK && l.format == WEFT_FORMAT_JSON) {
        weft_writer_close(&l.writer, ']');
        l.err = weft_writer_print(&l.writer, stdout, &l.msg);
    }
    if (l.err == WEFT_OK && l.format == WEFT_FORMAT_TABLE) {
        weft_table_print(&l.table, stdout);
    }
    weft_buffer_destroy(&l.table.cells);
    weft_writer_destroy(&l.writer);
    return weft_complain(l.err, &l.msg);
}

enum weft_exit weft_cmd_context_add(const struct weft_args *args)
{
    struct weft_context context = {0};
    struct weft_msg msg;
    char current[WEFT_CONTEXT_NAME_SIZE];
    const char *endpoints = weft_args_text(args, "endpoint", NULL);
    const char *identity = weft_args_text(args, "identity", NULL);
    if (endpoints == NULL || identity == NULL) {
        (void)fprintf(stderr, "weft: context add needs --endpoint and --identity\n");
        return WEFT_EXIT_USAGE;
    }
    char *real = realpath(identity, NULL);
    if (real == NULL || strlen(real) >= sizeof(context.identity)) {
        (void)fprintf(stderr, "weft: --identity %.200s: no such directory\n", identity);
        free(real);
        return WEFT_EXIT_USAGE;
    }
    (void)snprintf(context.identity, sizeof(context.identity), "%s", real);
    free(real);
    (void)snprintf(context.name, sizeof(context.name), "%.63s", args->operands[0]);
    enum weft_err err = strlen(args->operands[0]) < sizeof(context.name)
                            ? weft_context_add_endpoints(&context, endpoints, &msg)
                            : weft_fail(&msg, WEFT_EINVAL, "the context's name is too long");
    if (err == WEFT_OK) {
        err = weft_context_save(&context, weft_args_has(args, "force"), &msg);
    }
    if (err == WEFT_OK) {
        err = weft_context_current(current, &msg);
    }
    if (err == WEFT_OK && (current[0] == '\0' || weft_args_has(args, "use"))) {
        err = weft_context_use(context.name, &msg);
    }
    return weft_complain(err, &msg);
}

enum weft_exit weft_cmd_context_use(const struct weft_args *args)
{
    struct weft_msg msg;
    enum weft_err err = weft_context_use(args->operands[0], &msg);
    if (err == WEFT_OK && getenv("WEFT_CONTEXT") != NULL) {
        (void)fprintf(stderr, "weft: WEFT_CONTEXT=%s in the environment overrides it\n",
            getenv("WEFT_CONTEXT"));
    }
    return weft_complain(err, &msg);
}

enum weft_exit weft_cmd_context_remove(const struct weft_args *args)
{
    struct weft_msg msg;
    return weft_complain(weft_context_remove(args->operands[0], &msg), &msg);
}

enum weft_exit weft_cmd_context_show(const struct weft_args *args)
{
    struct weft_context context;
    struct weft_writer w = {0};
    struct weft_msg msg;
    enum weft_format format;
    char current[WEFT_CONTEXT_NAME_SIZE] = "";
    enum weft_err err = weft_output_format(args, &format, &msg);
    if (err == WEFT_OK) {
        err = weft_context_current(current, &msg);
    }
    const char *name = args->operand_count > 0 ? args->operands[0] : current;
    if (err == WEFT_OK && name[0] == '\0') {
        err = weft_fail(&msg, WEFT_ENOTFOUND, "no context is in use; weft context use NAME");
    }
    if (err == WEFT_OK) {
        err = weft_context_load(name, &context, &msg);
    }
    if (err == WEFT_OK && format == WEFT_FORMAT_TABLE) {
        char endpoints[WEFT_CONTEXT_ENDPOINTS_MAX * 64];
        join_endpoints(&context, endpoints, sizeof(endpoints));
        (void)printf("name       %s%s\nendpoints  %s\nidentity   %s\n", context.name,
            strcmp(name, current) == 0 ? " (in use)" : "", endpoints, context.identity);
    } else if (err == WEFT_OK) {
        write_context(&w, &context, strcmp(name, current) == 0);
        err = weft_writer_print(&w, stdout, &msg);
    }
    weft_writer_destroy(&w);
    return weft_complain(err, &msg);
}
