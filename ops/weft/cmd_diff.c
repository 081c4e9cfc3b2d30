#include <stdlib.h>

#include "ops/weft/document.h"
#include "ops/weft/query.h"
#include "proto/time.h"

/* diff: what differs between two states of an asset, or two of its configurations. */

enum {
    ARENA_SIZE_MAX = 128 * 1024 * 1024
};

/* A number is an index (as known then), anything else a time (true then). */
static enum weft_err read_moment(const struct weft_args *args, const char *option,
    uint64_t *ret_as_of, int64_t *ret_at_ns, bool *ret_has_at, struct weft_msg *msg)
{
    const char *text = weft_args_text(args, option, NULL);
    if (text == NULL) {
        return WEFT_OK;
    }
    if (text[strspn(text, "0123456789")] == '\0') {
        return weft_args_number(args, option, 1, UINT64_MAX, 0, ret_as_of, msg);
    }
    enum weft_err err = weft_time_parse(weft_text_of(text), ret_at_ns, msg);
    *ret_has_at = true;
    return err == WEFT_OK
               ? WEFT_OK
               : weft_wrap(msg, err, "--%s %.40s: neither an index nor a time", option, text);
}

static enum weft_err read_configurations(
    const struct weft_args *args, struct weft_query *query, struct weft_msg *msg)
{
    static const char *const names[] = {"designed", "built", "maintained"};
    int count = 0;
    for (int i = 0; i < 3; i++) {
        if (weft_args_has(args, names[i])) {
            enum weft_twin_configuration configuration =
                (enum weft_twin_configuration)(WEFT_TWIN_DESIGNED + i);
            query->left = count == 0 ? configuration : query->left;
            query->right = configuration;
            count++;
        }
    }
    bool has_times = weft_args_has(args, "from") || weft_args_has(args, "to");
    if (count > 2 || (count == 0 && !weft_args_has(args, "from")) || (count == 1 && !has_times)) {
        return weft_fail(msg, WEFT_EINVAL,
            "two of --designed, --built and --maintained, or --from (and --to), say what to "
            "compare");
    }
    return WEFT_OK;
}

static enum weft_err read_query(
    const struct weft_args *args, struct weft_query *query, struct weft_msg *msg)
{
    enum weft_err err = read_configurations(args, query, msg);
    if (err == WEFT_OK) {
        err = weft_query_read_options(args, query, msg);
    }
    query->other_as_of = query->as_of;
    query->other_at_ns = query->at_ns;
    query->other_has_at = query->has_at;
    if (err == WEFT_OK) {
        err = read_moment(args, "from", &query->as_of, &query->at_ns, &query->has_at, msg);
    }
    if (err == WEFT_OK) {
        err = read_moment(
            args, "to", &query->other_as_of, &query->other_at_ns, &query->other_has_at, msg);
    }
    return err;
}

/* An object of a side in a few words. */
static void side_cell(struct weft_table *t, const struct weft_json *row, const char *side)
{
    const struct weft_json *value = weft_json_get(row, side);
    struct weft_buffer text = {0};
    bool is_written = value != NULL;
    if (value != NULL && value->first != NULL) {
        for (const struct weft_json *m = value->first; m != NULL && is_written; m = m->next) {
            if (m->text.size > 0) {
                is_written =
                    weft_buffer_format(&text, "%s%.*s=%.*s", text.size > 0 ? " " : "",
                        (int)m->key.size, m->key.data, (int)m->text.size, m->text.data) == WEFT_OK;
            }
        }
        weft_table_cell(t, weft_buffer_as_text(&text));
    } else {
        struct weft_text scalar = weft_document_text(row, side);
        weft_table_cell(t, scalar.size > 0 ? scalar : WEFT_TEXT("-"));
    }
    weft_buffer_destroy(&text);
}

static void print_table(const struct weft_json *root)
{
    struct weft_table t;
    const struct weft_json *row = weft_document_list(root, "differences");
    if (row == NULL) {
        (void)printf("no difference\n");
        return;
    }
    weft_table_init(&t, "WHAT|NAME|LEFT|RIGHT");
    for (; row != NULL; row = row->next) {
        bool is_judged = weft_json_get(row, "left") == NULL && weft_json_get(row, "right") == NULL;
        weft_table_cell(&t, weft_document_text(row, "what"));
        weft_table_cell(&t, weft_document_text(row, "name"));
        side_cell(&t, row, is_judged ? "wanted" : "left");
        side_cell(&t, row, is_judged ? "found" : "right");
    }
    weft_table_print(&t, stdout);
}

static bool has_differences;

static enum weft_err diff(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_query query = {.type = WEFT_QUERY_DIFF, .asset = weft_text_of(args->operands[0])};
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_buffer json = {0};
    const struct weft_json *root = NULL;
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = read_query(args, &query, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_ask(client, &query, &arena, &json, &root, msg);
    }
    if (err == WEFT_OK && format == WEFT_FORMAT_TABLE) {
        print_table(root);
    } else if (err == WEFT_OK) {
        err = weft_document_print(&json, msg);
    }
    has_differences = err == WEFT_OK && weft_document_list(root, "differences") != NULL;
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
    return err;
}

enum weft_exit weft_cmd_diff(const struct weft_args *args)
{
    enum weft_exit done = weft_with_client(args, diff);
    return done == WEFT_EXIT_DONE && weft_args_has(args, "exit-code") && has_differences
               ? WEFT_EXIT_NO
               : done;
}
