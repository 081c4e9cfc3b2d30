#include "ops/weft/shared_cells.h"

#include <stdio.h>

#include "ops/weft/across_source.h"
#include "ops/weft/output.h"

enum {
    ARENA_SIZE_MAX = 2 * WEFT_ANSWER_SIZE_MAX,
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

static void add_claim(
    struct weft_table *t, const struct shown *cell, struct weft_text line, struct weft_arena *arena)
{
    (void)next_word(&line, arena); /* The statement's digest. */
    struct weft_text author = next_word(&line, arena);
    (void)next_word(&line, arena); /* The asset, as its author calls it. */
    (void)next_word(&line, arena); /* Epoch. */
    (void)next_word(&line, arena); /* Revision. */
    struct weft_text at = next_word(&line, arena), standing = next_word(&line, arena);
    weft_table_cell(t, cell->kind);
    weft_table_cell(t, cell->group);
    weft_table_cell(t, cell->rule);
    weft_table_cell(t, cell->state);
    weft_table_cell(t, cell->value.size > 0 ? cell->value : WEFT_TEXT("-"));
    weft_table_cell(t, author);
    weft_table_cell(t, next_word(&line, arena));
    weft_table_cell(t, standing);
    weft_table_cell(t, at);
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

/* Rows of the table; false: there are none. */
static bool add_claims(struct weft_table *t, struct weft_text rest, struct weft_arena *arena)
{
    struct shown cell = {.kind = {NULL, 0}};
    struct weft_text line;
    bool has_any = false;
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
            add_claim(t, &cell, line, arena);
            has_any = true;
        }
    }
    return has_any;
}

enum weft_err weft_shared_cells_print(struct weft_client *client, const struct weft_query *like,
    struct weft_text asset, bool *ret_is_printed, struct weft_msg *msg)
{
    char path[WEFT_ASSET_SIZE_MAX + 16];
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_client_message answer;
    struct weft_msg why = {""};
    struct weft_table table;
    *ret_is_printed = false;
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
        weft_table_init(&table, "KIND|GROUP|RULE|STATE|COUNTS|AUTHOR|SAYS|STANDING|AT");
        *ret_is_printed = add_claims(&table,
            (struct weft_text){(const char *)answer.audit.content.data, answer.audit.content.size},
            &arena);
        if (*ret_is_printed) {
            (void)printf("\nShared\n");
            weft_table_print(&table, stdout);
        }
        weft_buffer_destroy(&table.cells);
    }
    weft_arena_destroy(&arena);
    return err;
}
