#include <inttypes.h>
#include <string.h>

#include "ops/weft/query.h"
#include "ops/weft/recall_across.h"
#include "ops/weft/trace.h"
#include "ops/weft/trace_across.h"
#include "proto/query_text.h"
#include "proto/time.h"

/* trace forward, trace back, recall. */

static enum weft_err print_names(const struct weft_traced *t, struct weft_msg *msg)
{
    bool is_written =
        t->names.size == 0 || fwrite(t->names.data, 1, t->names.size, stdout) == t->names.size;
    return is_written ? WEFT_OK : weft_fail(msg, WEFT_EIO, "nobody reads the answer");
}

static void print_trace(const struct weft_traced *t)
{
    weft_traced_print_tree(t, stdout);
    (void)fprintf(stderr, "%u assets, %u deep, as of index %" PRIu64 "%s\n",
        t->totals.answers_total, t->totals.depth_reached, t->totals.index,
        t->totals.has_cycles ? "; some are inside themselves" : "");
}

static void print_recall(const struct weft_traced *t)
{
    weft_traced_print_units(t, stdout);
    (void)fprintf(stderr, "%u finished units, as of index %" PRIu64 "\n", t->totals.answers_total,
        t->totals.index);
}

/* Ask, and show it as the format has it. */
static enum weft_err show(const struct weft_args *args, struct weft_client *client,
    const struct weft_query *query, void (*print)(const struct weft_traced *), struct weft_msg *msg)
{
    struct weft_traced traced;
    struct weft_writer writer = {0};
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = weft_traced_ask(client, query, &traced, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (format != WEFT_FORMAT_TABLE) {
        err = weft_traced_write(&traced, format, query->ids_only, &writer, msg);
    } else if (query->ids_only) {
        err = print_names(&traced, msg);
    } else {
        print(&traced);
        err = query->with_records ? weft_traced_print_records(&traced, msg) : WEFT_OK;
    }
    weft_writer_destroy(&writer);
    weft_traced_destroy(&traced);
    return err;
}

static enum weft_err read_options(
    const struct weft_args *args, struct weft_query *query, struct weft_msg *msg)
{
    query->ids_only = weft_args_has(args, "ids");
    query->with_records = weft_args_has(args, "records");
    query->rels = weft_text_of(weft_args_text(args, "via", ""));
    if (query->ids_only && query->with_records) {
        return weft_fail(msg, WEFT_EINVAL, "--ids and --records exclude each other");
    }
    return weft_query_read_options(args, query, msg);
}

static enum weft_err trace(const struct weft_args *args, struct weft_client *client,
    enum weft_query_type type, struct weft_msg *msg)
{
    uint64_t depth = 0;
    struct weft_query query = {.type = type,
        .asset = weft_text_of(args->operands[0]),
        .to_kind = weft_text_of(weft_args_text(args, "to", ""))};
    enum weft_err err = weft_args_number(args, "depth", 1, UINT32_MAX, 0, &depth, msg);
    query.depth_max = (uint32_t)depth;
    if (err == WEFT_OK) {
        err = read_options(args, &query, msg);
    }
    return err == WEFT_OK ? show(args, client, &query, print_trace, msg) : err;
}

static enum weft_err trace_forward(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return weft_args_has(args, "across")
               ? weft_fail(msg, WEFT_EINVAL, "--across: of trace back; forward it is weft recall's")
               : trace(args, client, WEFT_QUERY_TRACE_FORWARD, msg);
}

static enum weft_err trace_back(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    if (weft_args_has(args, "ask") && !weft_args_has(args, "across")) {
        return weft_fail(msg, WEFT_EINVAL, "--ask belongs to --across");
    }
    return weft_args_has(args, "across") ? weft_trace_across(args, client, msg)
                                         : trace(args, client, WEFT_QUERY_TRACE_BACK, msg);
}

/* --- recall ---------------------------------------------------------------------------------- */

static enum weft_err read_time(
    const struct weft_args *args, const char *name, int64_t *ret_ns, struct weft_msg *msg)
{
    enum weft_err err = weft_time_parse(weft_text_of(weft_args_text(args, name, "")), ret_ns, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "--%s", name);
}

static enum weft_err read_window(
    const struct weft_args *args, struct weft_query *query, struct weft_msg *msg)
{
    query->window_from_ns = INT64_MIN;
    query->window_to_ns = INT64_MAX;
    query->has_window = weft_args_has(args, "from") || weft_args_has(args, "to");
    if (query->has_window && query->machine.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "--from and --to belong to --machine");
    }
    enum weft_err err = WEFT_OK;
    if (weft_args_has(args, "from")) {
        err = read_time(args, "from", &query->window_from_ns, msg);
    }
    if (err == WEFT_OK && weft_args_has(args, "to")) {
        err = read_time(args, "to", &query->window_to_ns, msg);
    }
    return err;
}

static enum weft_err recall(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    char part[WEFT_QUERY_PART_SIZE];
    if (weft_args_has(args, "tell")) {
        return weft_recall_tell(args, client, msg);
    }
    if (weft_args_has(args, "across")) {
        return weft_recall_across(args, client, msg);
    }
    struct weft_query query = {.type = WEFT_QUERY_RECALL,
        .asset = weft_text_of(weft_args_text(args, "lot", "")),
        .machine = weft_text_of(weft_args_text(args, "machine", ""))};
    enum weft_err err = weft_query_parse_part(weft_text_of(weft_args_text(args, "part", "")),
        weft_text_of(weft_args_text(args, "rev", "")), part, &query, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "--part and --rev");
    }
    if (query.asset.size == 0 && query.machine.size == 0 && query.part.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "--lot, --machine or --part: what is to be recalled?");
    }
    err = read_window(args, &query, msg);
    if (err == WEFT_OK) {
        err = read_options(args, &query, msg);
    }
    return err == WEFT_OK ? show(args, client, &query, print_recall, msg) : err;
}

enum weft_exit weft_cmd_trace_forward(const struct weft_args *args)
{
    return weft_with_client(args, trace_forward);
}

enum weft_exit weft_cmd_trace_back(const struct weft_args *args)
{
    return weft_with_client(args, trace_back);
}

enum weft_exit weft_cmd_recall(const struct weft_args *args)
{
    return weft_with_client(args, recall);
}
