#include "ops/weft/document.h"
#include "ops/weft/query.h"
#include "ops/weft/shared_cells.h"
#include "proto/query_text.h"

/* get: the twin of an asset. */

enum {
    ARENA_SIZE_MAX = 128 * 1024 * 1024
};

static void heading(const char *text)
{
    (void)printf("\n%s\n", text);
}

static void cell(struct weft_table *t, const struct weft_json *row, const char *member)
{
    struct weft_text text = weft_document_text(row, member);
    weft_table_cell(t, text.size > 0 ? text : WEFT_TEXT("-"));
}

static void cells(struct weft_table *t, const struct weft_json *row, const char *const *members)
{
    for (; *members != NULL; members++) {
        cell(t, row, *members);
    }
}

/* Rows of one array, each by its members; nothing if there are none. */
static void print_rows(
    const struct weft_json *rows, const char *title, const char *heads, const char *const *members)
{
    struct weft_table t;
    if (rows == NULL) {
        return;
    }
    heading(title);
    weft_table_init(&t, heads);
    for (; rows != NULL; rows = rows->next) {
        cells(&t, rows, members);
    }
    weft_table_print(&t, stdout);
}

/* --- what it is ------------------------------------------------------------------------------ */

static void print_head(const struct weft_json *twin)
{
    const struct weft_json *part = weft_json_get(twin, "part");
    const struct weft_json *health = weft_json_get(twin, "health");
    weft_document_say("", weft_document_text(twin, "asset"));
    weft_document_say("rev ", weft_document_text(twin, "rev"));
    weft_document_say("as of index ", weft_document_text(twin, "index"));
    weft_document_say("health ", weft_document_text(health, "status"));
    for (const struct weft_json *r = weft_document_list(health, "reasons"); r != NULL;
         r = r->next) {
        weft_document_say("! ", r->text);
    }
    if (!weft_document_is_true(twin, "is_complete")) {
        (void)printf("(not all: too much is known of it)");
    }
    (void)printf("\n");
    if (part != NULL) {
        weft_document_say("part ", weft_document_text(part, "type"));
        weft_document_say("revision ", weft_document_text(part, "revision"));
        if (weft_document_is_true(part, "is_assumed")) {
            (void)printf("(assumed)  ");
        }
        for (const struct weft_json *l = weft_document_list(twin, "lots"); l != NULL; l = l->next) {
            weft_document_say("lot ", l->text);
        }
        weft_document_say("built ", weft_document_text(weft_json_get(twin, "built"), "at"));
        (void)printf("\n");
    }
    const struct weft_json *retired = weft_json_get(twin, "retired");
    if (retired != NULL) {
        weft_document_say("retired ", weft_document_text(retired, "at"));
        (void)printf("\n");
    }
}

static void print_values(const struct weft_json *twin)
{
    static const char *const value_members[] = {
        "path", "value", "kind", "at", "rev", "author", "source", NULL};
    struct weft_table t;
    const struct weft_json *row = weft_document_list(twin, "values");
    const struct weft_json *links = weft_document_list(twin, "links");
    if (row == NULL && links == NULL) {
        return;
    }
    (void)printf("\n");
    weft_table_init(&t, "ATTRIBUTE|VALUE|KIND|AT|>REV|AUTHOR|SOURCE");
    for (; row != NULL; row = row->next) {
        cells(&t, row, value_members);
    }
    for (row = links; row != NULL; row = row->next) {
        struct weft_text rel = weft_document_text(row, "rel");
        char name[80];
        (void)snprintf(name, sizeof(name), "> %.*s", (int)rel.size, rel.data);
        weft_table_cell(&t, weft_text_of(name));
        cell(&t, row, "to");
        cells(&t, row, value_members + 2);
    }
    weft_table_print(&t, stdout);
}

static void print_properties(const struct weft_json *twin)
{
    static const char *const reported[] = {
        "name", "value", "unit", "quality", "at", "age_s", "freshness_s", "is_stale", NULL};
    static const char *const desired[] = {"name", "value", "unit", "tolerance", "reported",
        "difference", "reported_age_s", "is_met", "at", "author", "source", NULL};
    const struct weft_json *properties = weft_json_get(twin, "properties");
    print_rows(weft_document_list(properties, "reported"), "Reported",
        "PROPERTY|>VALUE|UNIT|QUALITY|AT|>AGE S|>FRESH S|STALE", reported);
    print_rows(weft_document_list(properties, "desired"), "Desired",
        "PROPERTY|>VALUE|UNIT|>+-|>REPORTED|>DIFFERENCE|>AGE S|MET|AT|AUTHOR|SET BY", desired);
}

/* --- configuration --------------------------------------------------------------------------- */

static void print_designed(const struct weft_json *designed)
{
    static const char *const members[] = {"find", "part", "revision", "quantity", "unit", NULL};
    const struct weft_json *line = weft_document_list(designed, "lines");
    struct weft_table t;
    if (weft_document_text(designed, "revision").size == 0) {
        return;
    }
    (void)printf("\nAs designed: ");
    weft_document_say("", weft_document_text(designed, "revision"));
    weft_document_say("", weft_document_text(designed, "status"));
    weft_document_say("by ", weft_document_text(designed, "change_order"));
    weft_document_say("since index ", weft_document_text(designed, "since_index"));
    weft_document_say("", weft_document_text(designed, "since"));
    (void)printf("\n");
    if (line == NULL) {
        return;
    }
    weft_table_init(&t, "FIND|PART|REVISION|>QUANTITY|UNIT|DESIGNATORS|ALTERNATES");
    for (; line != NULL; line = line->next) {
        static const char *const lists[] = {"designators", "alternates"};
        cells(&t, line, members);
        for (int i = 0; i < 2; i++) {
            struct weft_buffer text = {0};
            bool is_written = true;
            for (const struct weft_json *d = weft_document_list(line, lists[i]); d != NULL;
                 d = d->next) {
                is_written =
                    is_written && weft_buffer_format(&text, "%s%.*s", text.size > 0 ? " " : "",
                                      (int)d->text.size, d->text.data) == WEFT_OK;
            }
            weft_table_cell(
                &t, text.size > 0 && is_written ? weft_buffer_as_text(&text) : WEFT_TEXT("-"));
            weft_buffer_destroy(&text);
        }
    }
    weft_table_print(&t, stdout);
}

static void print_configuration(const struct weft_json *twin)
{
    static const char *const components[] = {
        "asset", "part", "revision", "find", "quantity", "unit", "rel", "at", "rev", NULL};
    static const char *const deviations[] = {"kind", "find", "component", "wanted", "found",
        "quantity", "quantity_found", "covered_by", NULL};
    static const char *const outdated[] = {
        "kind", "find", "component", "wanted", "found", "since_index", "since", NULL};
    const struct weft_json *c = weft_json_get(twin, "configuration");
    if (c == NULL) {
        return;
    }
    print_designed(weft_json_get(c, "designed"));
    print_rows(weft_document_list(weft_json_get(c, "built"), "components"), "As built",
        "COMPONENT|PART|REVISION|FIND|>QUANTITY|UNIT|REL|SINCE|>REV", components);
    print_rows(weft_document_list(weft_json_get(c, "maintained"), "components"), "As maintained",
        "COMPONENT|PART|REVISION|FIND|>QUANTITY|UNIT|REL|SINCE|>REV", components);
    print_rows(weft_document_list(c, "deviations"), "Deviations",
        "KIND|FIND|COMPONENT|WANTED|FOUND|>QUANTITY|>FOUND|CONCESSION", deviations);
    print_rows(weft_document_list(c, "out_of_date"), "Out of date",
        "KIND|FIND|COMPONENT|WANTED|FOUND|>SINCE INDEX|SINCE", outdated);
}

/* --- issues, and what is below --------------------------------------------------------------- */

static void print_below(const struct weft_json *below)
{
    static const char *const members[] = {"asset", "health", "issues", NULL};
    if (below == NULL) {
        return;
    }
    (void)printf("\nBelow: ");
    weft_document_say("assets ", weft_document_text(below, "assets"));
    weft_document_say("retired ", weft_document_text(below, "retired"));
    weft_document_say("worst ", weft_document_text(below, "worst"));
    for (const struct weft_json *n = weft_document_list(below, "health"); n != NULL; n = n->next) {
        (void)printf("%.*s %.*s  ", (int)n->key.size, n->key.data, (int)n->text.size, n->text.data);
    }
    if (!weft_document_is_true(below, "is_complete")) {
        (void)printf("(there are more, not looked at)");
    }
    (void)printf("\n");
    for (const struct weft_json *n = weft_document_list(below, "issues"); n != NULL; n = n->next) {
        (void)printf("%.*s %.*s  ", (int)n->key.size, n->key.data, (int)n->text.size, n->text.data);
    }
    print_rows(weft_document_list(below, "not_ok"), "", "ASSET|HEALTH|>ISSUES", members);
}

static void print_twin(const struct weft_json *twin)
{
    static const char *const issues[] = {
        "kind", "health", "asset", "detail", "at", "rev", "due", NULL};
    print_head(twin);
    print_values(twin);
    print_properties(twin);
    print_configuration(twin);
    print_rows(weft_document_list(twin, "issues"), "Issues",
        "ISSUE|HEALTH|ASSET|DETAIL|SINCE|>REV|DUE", issues);
    print_below(weft_json_get(twin, "below"));
}

/* --- the command ----------------------------------------------------------------------------- */

static enum weft_err read_sections(
    const struct weft_args *args, struct weft_query *query, struct weft_msg *msg)
{
    const char *names;
    enum weft_err err = WEFT_OK;
    for (int n = 0; err == WEFT_OK && (names = weft_args_nth(args, "section", n)) != NULL; n++) {
        err = weft_query_parse_sections(weft_text_of(names), query, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "--section");
    }
    return err;
}

/* What partners say of it beside: of now alone. */
static enum weft_err get_shared(
    struct weft_client *client, const struct weft_query *query, struct weft_msg *msg)
{
    bool is_printed;
    return weft_shared_cells_is_past(query)
               ? WEFT_OK
               : weft_shared_cells_print(client, query, query->asset, &is_printed, msg);
}

static enum weft_err get(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_query query = {.type = WEFT_QUERY_TWIN, .asset = weft_text_of(args->operands[0])};
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_buffer json = {0};
    const struct weft_json *twin;
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = read_sections(args, &query, msg);
    }
    if (err == WEFT_OK) {
        err = weft_query_read_options(args, &query, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_ask(client, &query, &arena, &json, &twin, msg);
        if (err != WEFT_OK) {
            err = weft_shared_cells_instead(client, &query, format, err, msg);
        } else if (format == WEFT_FORMAT_TABLE) {
            print_twin(twin);
            err = get_shared(client, &query, msg);
        } else {
            err = weft_document_print(&json, msg);
        }
    }
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
    return err;
}

enum weft_exit weft_cmd_get(const struct weft_args *args)
{
    return weft_with_client(args, get);
}
