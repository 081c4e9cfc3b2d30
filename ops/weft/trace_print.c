/* Traces and recalls for people and for programs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/records.h"
#include "ops/weft/trace.h"
#include "proto/record_json.h"
#include "proto/time.h"

enum {
    SCRATCH_SIZE_MAX = 64 * 1024 * 1024,
    PATH_STEPS_MAX = 64,   /* of a path on one line; chosen */
    BRANCH_DEPTH_MAX = 24, /* levels that a tree is indented by; chosen: the rest still fits */
};

/* --- JSON ------------------------------------------------------------------------------------ */

static void write_time(struct weft_writer *w, const char *key, int64_t ns)
{
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(ns, text);
    weft_writer_text(w, key, weft_text_of(text));
}

static void write_flag(struct weft_writer *w, const char *key, uint32_t flags, uint32_t flag)
{
    if ((flags & flag) != 0) {
        weft_writer_bool(w, key, true);
    }
}

static void write_location(struct weft_writer *w, const struct weft_trace_step *s)
{
    weft_writer_open(w, "location", '{');
    weft_writer_text(w, "asset", s->location);
    weft_writer_text(w, "rel", s->location_rel);
    write_time(w, "at", s->location_at_ns);
    weft_writer_unsigned(w, "index", s->location_index);
    weft_writer_unsigned(w, "ordinal", s->location_ordinal);
    weft_writer_close(w, '}');
}

static void write_step(struct weft_writer *w, uint32_t number, const struct weft_trace_step *s)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_unsigned(w, "step", number);
    weft_writer_text(w, "asset", s->asset);
    weft_writer_unsigned(w, "depth", s->depth);
    if (s->depth > 0) {
        weft_writer_unsigned(w, "from", s->from_step);
        weft_writer_text(w, "rel", s->rel);
        if (s->quantity.size > 0) {
            weft_writer_raw(w, "quantity", s->quantity);
        }
        if (s->unit.size > 0) {
            weft_writer_text(w, "unit", s->unit);
        }
        write_time(w, "at", s->at_ns);
        weft_writer_text(w, "kind", s->kind);
        weft_writer_unsigned(w, "index", s->index);
        weft_writer_unsigned(w, "ordinal", s->ordinal);
    }
    write_flag(w, "answer", s->flags, WEFT_STEP_ANSWER);
    write_flag(w, "leaf", s->flags, WEFT_STEP_LEAF);
    write_flag(w, "dangling", s->flags, WEFT_STEP_DANGLING);
    write_flag(w, "ended", s->flags, WEFT_STEP_ENDED);
    write_flag(w, "cycle", s->flags, WEFT_STEP_CYCLE);
    if (s->location.size > 0) {
        write_location(w, s);
    }
    weft_writer_close(w, '}');
}

static enum weft_err write_record(struct weft_writer *w, const char *key,
    const struct weft_stored_record *stored, struct weft_arena *arena, struct weft_msg *msg)
{
    struct weft_buffer json = {0};
    weft_arena_reset(arena);
    enum weft_err err = weft_record_to_json(&stored->record, stored, arena, &json);
    if (err == WEFT_OK) {
        weft_writer_raw(w, key, (struct weft_text){(char *)json.data, json.size});
    } else {
        err = weft_fail(msg, err, "record %" PRIu64 "/%u: %s", stored->index, stored->ordinal,
            weft_err_name(err));
    }
    weft_buffer_destroy(&json);
    return err;
}

/* Lines end the document of each item; JSON goes out as it is written. */
static enum weft_err end_item(struct weft_writer *w, enum weft_format format, struct weft_msg *msg)
{
    return format == WEFT_FORMAT_JSONL ? weft_writer_print(w, stdout, msg)
                                       : weft_writer_flush(w, stdout, msg);
}

static enum weft_err write_names(const struct weft_traced *t, enum weft_format format,
    struct weft_writer *w, struct weft_msg *msg)
{
    const char *line = (const char *)t->names.data, *end;
    size_t left = t->names.size;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && left > 0 && (end = memchr(line, '\n', left)) != NULL) {
        weft_writer_text(w, NULL, (struct weft_text){line, (size_t)(end - line)});
        err = end_item(w, format, msg);
        left -= (size_t)(end - line) + 1;
        line = end + 1;
    }
    return err;
}

static enum weft_err write_items(const struct weft_traced *t, enum weft_format format,
    struct weft_writer *w, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = SCRATCH_SIZE_MAX};
    bool is_json = format == WEFT_FORMAT_JSON;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < t->step_count && err == WEFT_OK; i++) {
        write_step(w, i, &t->steps[i]);
        err = end_item(w, format, msg);
    }
    if (t->record_count > 0 && is_json) {
        weft_writer_close(w, ']');
        weft_writer_open(w, "records", '[');
    }
    for (uint32_t i = 0; i < t->record_count && err == WEFT_OK; i++) {
        if (!is_json) {
            weft_writer_open(w, NULL, '{');
        }
        err = write_record(w, is_json ? NULL : "record", &t->records[i], &arena, msg);
        if (!is_json) {
            weft_writer_close(w, '}');
        }
        err = err == WEFT_OK ? end_item(w, format, msg) : err;
    }
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err write_list(const struct weft_traced *traced, enum weft_format format,
    struct weft_writer *w, struct weft_msg *msg)
{
    return traced->step_count == 0 ? write_names(traced, format, w, msg)
                                   : write_items(traced, format, w, msg);
}

enum weft_err weft_traced_write_member(
    const struct weft_traced *traced, const char *key, struct weft_writer *w, struct weft_msg *msg)
{
    bool has_names = traced->step_count == 0;
    weft_writer_open(w, key, '{');
    weft_writer_unsigned(w, "index", traced->totals.index);
    weft_writer_unsigned(w, "steps_total", traced->totals.steps_total);
    weft_writer_unsigned(w, "answers_total", traced->totals.answers_total);
    weft_writer_unsigned(w, "depth_reached", traced->totals.depth_reached);
    if (!has_names) {
        weft_writer_bool(w, "has_cycles", traced->totals.has_cycles);
    }
    weft_writer_open(w, has_names ? "assets" : "steps", '[');
    enum weft_err err = write_list(traced, WEFT_FORMAT_JSON, w, msg);
    weft_writer_close(w, ']');
    weft_writer_close(w, '}');
    return err;
}

enum weft_err weft_traced_write(const struct weft_traced *traced, enum weft_format format,
    struct weft_writer *w, struct weft_msg *msg)
{
    if (format != WEFT_FORMAT_JSON) {
        return write_list(traced, format, w, msg);
    }
    enum weft_err err = weft_traced_write_member(traced, NULL, w, msg);
    return err == WEFT_OK ? weft_writer_print(w, stdout, msg) : err;
}

/* --- the tree -------------------------------------------------------------------------------- */

struct tree {
    const struct weft_traced *traced;
    uint32_t *first; /* By step: its first child in `children`; one more at the end. */
    uint32_t *children;
    struct weft_table table;
};

static void sort_children(struct tree *t, uint32_t *next)
{
    const struct weft_traced *traced = t->traced;
    for (uint32_t i = 0; i < traced->step_count; i++) {
        if (traced->steps[i].depth > 0) {
            t->first[traced->steps[i].from_step + 1]++;
        }
    }
    for (uint32_t i = 0; i < traced->step_count; i++) {
        t->first[i + 1] += t->first[i];
        next[i] = t->first[i];
    }
    for (uint32_t i = 0; i < traced->step_count; i++) {
        if (traced->steps[i].depth > 0) {
            t->children[next[traced->steps[i].from_step]++] = i;
        }
    }
    for (uint32_t i = 0; i < traced->step_count; i++) {
        next[i] = t->first[i];
    }
}

static void put_notes(struct weft_table *table, uint32_t flags)
{
    char notes[80] = "";
    static const struct {
        uint32_t flag;
        const char *text;
    } known[] = {{WEFT_STEP_DANGLING, "no record yet"}, {WEFT_STEP_ENDED, "taken out since"},
        {WEFT_STEP_CYCLE, "inside itself"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t used = strlen(notes);
        if ((flags & known[i].flag) != 0) {
            (void)snprintf(
                notes + used, sizeof(notes) - used, "%s%s", used > 0 ? ", " : "", known[i].text);
        }
    }
    weft_table_cell(table, weft_text_of(notes));
}

/* One row: the asset behind its branches. `is_last[d]`: the path's step of depth d is the last of
 * its siblings. */
static void put_row(struct tree *t, uint32_t step, const bool *is_last)
{
    const struct weft_trace_step *s = &t->traced->steps[step];
    char cell[BRANCH_DEPTH_MAX * 8 + WEFT_ASSET_SIZE_MAX + 32] = "";
    size_t used = 0;
    uint32_t shown = s->depth < BRANCH_DEPTH_MAX ? s->depth : BRANCH_DEPTH_MAX;
    for (uint32_t d = 1; d < shown; d++) {
        used +=
            (size_t)snprintf(cell + used, sizeof(cell) - used, "%s", is_last[d] ? "   " : "│  ");
    }
    if (s->depth > 0) {
        used += (size_t)snprintf(
            cell + used, sizeof(cell) - used, "%s", is_last[shown] ? "└─ " : "├─ ");
    }
    (void)snprintf(cell + used, sizeof(cell) - used, "%.*s", (int)s->asset.size, s->asset.data);
    weft_table_cell(&t->table, weft_text_of(cell));
    weft_table_cell(&t->table, s->rel);
    weft_table_format(&t->table, "%.*s%s%.*s", (int)s->quantity.size, s->quantity.data,
        s->unit.size > 0 ? " " : "", (int)s->unit.size, s->unit.data);
    char at[WEFT_TIME_TEXT_SIZE] = "";
    if (s->depth > 0) {
        weft_time_format(s->at_ns, at);
    }
    weft_table_cell(&t->table, weft_text_of(at));
    if (s->depth > 0) {
        weft_table_format(&t->table, "%.*s %" PRIu64 "/%u", (int)s->kind.size, s->kind.data,
            s->index, s->ordinal);
    } else {
        weft_table_cell(&t->table, WEFT_TEXT(""));
    }
    put_notes(&t->table, s->flags);
}

/* Depth first; the path is as long as the tree is deep, which has no limit. */
static void walk(struct tree *t, uint32_t root, uint32_t *path, uint32_t *next)
{
    bool is_last[BRANCH_DEPTH_MAX + 1] = {false};
    uint32_t count = 1;
    path[0] = root;
    put_row(t, root, is_last);
    while (count > 0) {
        uint32_t step = path[count - 1];
        if (next[step] == t->first[step + 1]) {
            count--;
            continue;
        }
        uint32_t child = t->children[next[step]++];
        uint32_t depth = count < BRANCH_DEPTH_MAX ? count : BRANCH_DEPTH_MAX;
        is_last[depth] = next[step] == t->first[step + 1];
        put_row(t, child, is_last);
        path[count++] = child;
    }
}

void weft_traced_print_tree(const struct weft_traced *traced, FILE *out)
{
    size_t count = traced->step_count;
    struct tree t = {.traced = traced,
        .first = calloc(count + 2, sizeof(uint32_t)),
        .children = calloc(count + 1, sizeof(uint32_t))};
    uint32_t *next = calloc(count + 1, sizeof(*next));
    uint32_t *path = calloc(count + 1, sizeof(*path));
    if (t.first == NULL || t.children == NULL || next == NULL || path == NULL) {
        (void)fprintf(stderr, "no memory for the tree\n");
    } else {
        weft_table_init(&t.table, "ASSET|REL|QUANTITY|SINCE|RECORD|NOTES");
        t.table.cells.size_max = SIZE_MAX / 2;
        sort_children(&t, next);
        for (uint32_t i = 0; i < traced->step_count; i++) {
            if (traced->steps[i].depth == 0) {
                walk(&t, i, path, next);
            }
        }
        weft_table_print(&t.table, out);
    }
    weft_buffer_destroy(&t.table.cells);
    free(t.first);
    free(t.children);
    free(next);
    free(path);
}

/* --- units ----------------------------------------------------------------------------------- */

/* "lot:AL6061/22 > serial:lid/3 > serial:box/7". */
static void put_path(struct weft_table *table, const struct weft_traced *t, uint32_t step)
{
    struct weft_buffer text = {0};
    uint32_t path[PATH_STEPS_MAX], count = 0;
    for (uint32_t i = step; count < PATH_STEPS_MAX; i = t->steps[i].from_step) {
        path[count++] = i;
        if (t->steps[i].depth == 0) {
            break;
        }
    }
    enum weft_err err = t->steps[path[count - 1]].depth > 0
                            ? weft_buffer_text(&text, WEFT_TEXT("... > "))
                            : WEFT_OK;
    for (uint32_t i = count; i > 0 && err == WEFT_OK; i--) {
        const struct weft_text asset = t->steps[path[i - 1]].asset;
        err = weft_buffer_text(&text, asset);
        if (i > 1 && err == WEFT_OK) {
            err = weft_buffer_text(&text, WEFT_TEXT(" > "));
        }
    }
    weft_table_cell(table, (struct weft_text){(char *)text.data, text.size});
    weft_buffer_destroy(&text);
}

void weft_traced_print_units(const struct weft_traced *traced, FILE *out)
{
    struct weft_table table;
    weft_table_init(&table, "UNIT|WHERE|SINCE|PATH");
    table.cells.size_max = SIZE_MAX / 2;
    for (uint32_t i = 0; i < traced->step_count; i++) {
        const struct weft_trace_step *s = &traced->steps[i];
        char at[WEFT_TIME_TEXT_SIZE] = "";
        if ((s->flags & WEFT_STEP_ANSWER) == 0) {
            continue;
        }
        if (s->location.size > 0) {
            weft_time_format(s->location_at_ns, at);
        }
        weft_table_cell(&table, s->asset);
        weft_table_cell(&table, s->location);
        weft_table_cell(&table, weft_text_of(at));
        put_path(&table, traced, i);
    }
    weft_table_print(&table, out);
    weft_buffer_destroy(&table.cells);
}

enum weft_err weft_traced_print_records(const struct weft_traced *traced, struct weft_msg *msg)
{
    struct weft_records records;
    enum weft_err err = WEFT_OK;
    weft_records_start(&records, WEFT_FORMAT_TABLE);
    for (uint32_t i = 0; i < traced->record_count && err == WEFT_OK; i++) {
        err = weft_records_add(&records, &traced->records[i], msg);
    }
    if (err == WEFT_OK) {
        err = weft_records_finish(&records, msg);
    }
    weft_records_destroy(&records);
    return err;
}
