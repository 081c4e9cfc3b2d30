#include "ops/weft/shared_cells.h"

#include <stdio.h>
#include <string.h>

#include "ops/weft/across_source.h"
#include "proto/writer.h"

enum {
    ARENA_SIZE_MAX = 2 * WEFT_ANSWER_SIZE_MAX,
    COLUMNS = 9,
    SAYS = 6,
};

static const char *const members[COLUMNS] = {
    "kind", "group", "rule", "state", "value", "author", "says", "standing", "at"};

/* Where rows go. The last one stays until its fields have come. */
struct sink {
    struct weft_table *table; /* NULL: into the document. */
    struct weft_writer json;
    struct weft_text row[COLUMNS];
    bool is_open;
    bool has_fields;
    bool has_any;
};

/* The next word of a line (node/state/query_cells.h). */
static struct weft_text next_word(struct weft_text *line, struct weft_arena *arena)
{
    struct weft_text coded, word;
    (void)weft_text_cut(line, ' ', &coded);
    return weft_across_word(coded, WEFT_ACROSS_PRINTABLE, arena, &word) ? word : coded;
}

/* What of a cell is printed with each of its claims. */
struct shown {
    struct weft_text kind;
    struct weft_text group;
    struct weft_text rule;
    struct weft_text state;
    struct weft_text value;
    bool has_parent; /* Of an edge: its group is begun. */
};

static void end_row(struct sink *sink)
{
    for (int i = 0; sink->is_open && sink->table != NULL && i < COLUMNS; i++) {
        weft_table_cell(sink->table, sink->row[i]);
    }
    if (sink->is_open && sink->table == NULL) {
        if (sink->has_fields) {
            weft_writer_close(&sink->json, ']');
        }
        weft_writer_close(&sink->json, '}');
    }
    sink->is_open = sink->has_fields = false;
}

static void add_row(struct sink *sink, const struct weft_text row[COLUMNS])
{
    end_row(sink);
    sink->has_any = sink->is_open = true;
    memcpy(sink->row, row, sizeof(sink->row));
    if (sink->table == NULL) {
        weft_writer_open(&sink->json, NULL, '{');
        for (int i = 0; i < COLUMNS; i++) {
            weft_writer_text(&sink->json, members[i], row[i]);
        }
    }
}

/* Of the row that is open: in a table "path=value" beside those before it. */
static void add_field(struct sink *sink, struct weft_text line, struct weft_arena *arena)
{
    struct weft_text path = next_word(&line, arena), value = next_word(&line, arena);
    struct weft_text *says = &sink->row[SAYS], before = sink->has_fields ? *says : WEFT_TEXT("");
    const size_t size = before.size + path.size + value.size + 3;
    char *text = sink->table != NULL ? weft_arena_alloc(arena, size) : NULL;
    if (sink->table == NULL) {
        if (!sink->has_fields) {
            weft_writer_open(&sink->json, "fields", '[');
        }
        weft_writer_open(&sink->json, NULL, '{');
        weft_writer_text(&sink->json, "path", path);
        weft_writer_text(&sink->json, "value", value);
        weft_writer_close(&sink->json, '}');
    } else if (text != NULL) {
        int length = snprintf(text, size, "%.*s%s%.*s=%.*s", (int)before.size, before.data,
            before.size > 0 ? " " : "", (int)path.size, path.data, (int)value.size, value.data);
        *says = (struct weft_text){text, (size_t)length};
    }
    sink->has_fields = true;
}

static void add_claim(
    struct sink *sink, const struct shown *cell, struct weft_text line, struct weft_arena *arena)
{
    (void)next_word(&line, arena); /* The statement's digest. */
    struct weft_text author = next_word(&line, arena);
    (void)next_word(&line, arena); /* The asset, as its author calls it. */
    (void)next_word(&line, arena); /* Epoch. */
    (void)next_word(&line, arena); /* Revision. */
    struct weft_text at = next_word(&line, arena), standing = next_word(&line, arena);
    const struct weft_text row[COLUMNS] = {cell->kind, cell->group, cell->rule, cell->state,
        cell->value.size > 0 ? cell->value : WEFT_TEXT("-"), author, next_word(&line, arena),
        standing, at};
    add_row(sink, row);
}

/* Of a link the group is what it joins: parent, then child. */
static void add_end(struct shown *cell, struct weft_text line, struct weft_arena *arena)
{
    (void)next_word(&line, arena); /* The subject's digest. */
    (void)next_word(&line, arena); /* The site whose name it is. */
    (void)next_word(&line, arena); /* Its kind. */
    struct weft_text key = next_word(&line, arena);
    const size_t size = cell->group.size + 3 + key.size + 1;
    char *text = weft_arena_alloc(arena, size);
    if (!weft_text_is(cell->kind, "edge") || text == NULL) {
        return;
    }
    bool is_child = cell->has_parent;
    int length = snprintf(text, size, "%.*s%s%.*s", is_child ? (int)cell->group.size : 0,
        cell->group.data, is_child ? " > " : "", (int)key.size, key.data);
    cell->group = (struct weft_text){text, (size_t)length};
    cell->has_parent = true;
}

static void add_claims(struct sink *sink, struct weft_text rest, struct weft_arena *arena)
{
    struct shown cell = {.kind = {NULL, 0}};
    struct weft_text line;
    while (rest.size > 0) {
        (void)weft_text_cut(&rest, '\n', &line);
        struct weft_text what = next_word(&line, arena);
        if (weft_text_is(what, "cell")) {
            (void)next_word(&line, arena); /* Its id. */
            cell = (struct shown){.kind = next_word(&line, arena)};
            cell.group = next_word(&line, arena);
            cell.rule = next_word(&line, arena);
        } else if (weft_text_is(what, "subject")) {
            add_end(&cell, line, arena);
        } else if (weft_text_is(what, "state")) {
            cell.state = next_word(&line, arena);
        } else if (weft_text_is(what, "value")) {
            cell.value = next_word(&line, arena);
        } else if (weft_text_is(what, "claim")) {
            add_claim(sink, &cell, line, arena);
        } else if (weft_text_is(what, "field") && sink->is_open) {
            add_field(sink, line, arena);
        }
    }
    end_row(sink);
}

/* What is said of it, into the sink. */
static enum weft_err ask(struct weft_client *client, const struct weft_query *like,
    struct weft_text asset, struct sink *sink, struct weft_msg *msg)
{
    char path[WEFT_ASSET_SIZE_MAX + 16];
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_client_message answer;
    struct weft_msg why = {""};
    int size = snprintf(path, sizeof(path), "cells/*/asset/%.*s", (int)asset.size, asset.data);
    if (size > WEFT_ASSET_SIZE_MAX) { /* A question has no room for it. */
        return WEFT_OK;
    }
    const struct weft_client_message request = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_AUDIT,
            .consistency = like->consistency,
            .min_index = like->min_index,
            .asset = {path, (size_t)size}}};
    enum weft_err err = weft_client_call(client, &request, &arena, &answer, &why);
    if (err == WEFT_EINVAL || err == WEFT_ENOTFOUND) {
        err = WEFT_OK; /* A node that has no cells. */
    } else if (err != WEFT_OK) {
        *msg = why;
    } else if (answer.kind == WEFT_KIND_AUDIT_RESULT && answer.audit.content.size > 0) {
        add_claims(sink,
            (struct weft_text){(const char *)answer.audit.content.data, answer.audit.content.size},
            &arena);
    }
    weft_arena_destroy(&arena);
    return err;
}

enum weft_err weft_shared_cells_print(struct weft_client *client, const struct weft_query *like,
    struct weft_text asset, bool *ret_is_printed, struct weft_msg *msg)
{
    struct weft_table table;
    struct sink sink = {.table = &table};
    weft_table_init(&table, "KIND|GROUP|RULE|STATE|COUNTS|AUTHOR|SAYS|STANDING|AT");
    enum weft_err err = ask(client, like, asset, &sink, msg);
    *ret_is_printed = err == WEFT_OK && sink.has_any;
    if (*ret_is_printed) {
        (void)printf("\nShared\n");
        weft_table_print(&table, stdout);
    }
    weft_buffer_destroy(&table.cells);
    return err;
}

static enum weft_err print_json(struct weft_client *client, const struct weft_query *like,
    bool *ret_is_printed, struct weft_msg *msg)
{
    struct sink sink = {.table = NULL};
    weft_writer_open(&sink.json, NULL, '{');
    weft_writer_text(&sink.json, "asset", like->asset);
    weft_writer_open(&sink.json, "shared", '[');
    enum weft_err err = ask(client, like, like->asset, &sink, msg);
    weft_writer_close(&sink.json, ']');
    weft_writer_close(&sink.json, '}');
    weft_writer_end_line(&sink.json);
    if (err == WEFT_OK && sink.json.is_broken) {
        err = weft_fail(msg, WEFT_ENOMEM, "the answer cannot be written as JSON");
    }
    *ret_is_printed = err == WEFT_OK && sink.has_any;
    if (*ret_is_printed) {
        (void)fwrite(sink.json.out.data, 1, sink.json.out.size, stdout);
        err = fflush(stdout) == 0 ? WEFT_OK : weft_fail(msg, WEFT_EIO, "write the answer");
    }
    weft_writer_destroy(&sink.json);
    return err;
}

bool weft_shared_cells_is_past(const struct weft_query *query)
{
    return query->as_of != 0 || query->has_as_of_ns || query->has_at;
}

enum weft_err weft_shared_cells_instead(struct weft_client *client, const struct weft_query *like,
    enum weft_format format, enum weft_err err, struct weft_msg *msg)
{
    struct weft_msg why = {""};
    bool is_printed = false;
    if (err != WEFT_ENOTFOUND || weft_shared_cells_is_past(like)) {
        return err;
    }
    enum weft_err rv = format == WEFT_FORMAT_TABLE
                           ? weft_shared_cells_print(client, like, like->asset, &is_printed, &why)
                           : print_json(client, like, &is_printed, &why);
    if (rv != WEFT_OK) {
        *msg = why;
        return rv;
    }
    return is_printed ? WEFT_OK : err;
}
