/* Traces and recalls for people and for programs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/records.h"
#include "ops/weft/trace.h"
#include "proto/answer_json.h"
#include "proto/packed.h"
#include "proto/time.h"

enum {
    SCRATCH_SIZE_MAX = 64 * 1024 * 1024,
    PATH_STEPS_MAX = 64,   /* of a path on one line; chosen */
    BRANCH_DEPTH_MAX = 24, /* levels that a tree is indented by; chosen: the rest still fits */
};

/* --- JSON ------------------------------------------------------------------------------------ */

struct output {
    struct weft_arena scratch; /* Of one record. */
    struct weft_msg *msg;
};

static struct weft_trace_result whole_of(const struct weft_traced *traced)
{
    struct weft_trace_result whole = traced->totals;
    whole.steps = (struct weft_packed){
        {traced->packed_steps.data, traced->packed_steps.size}, traced->step_count};
    whole.records = (struct weft_packed){
        {traced->packed_records.data, traced->packed_records.size}, traced->record_count};
    whole.assets = (struct weft_text){(const char *)traced->names.data, traced->names.size};
    return whole;
}

/* JSON goes out as it is written. */
static enum weft_err on_item(void *ctx, struct weft_writer *w)
{
    struct output *o = ctx;
    weft_arena_reset(&o->scratch);
    return weft_writer_flush(w, stdout, o->msg);
}

static enum weft_err write_object(const struct weft_trace_result *whole, const char *key,
    bool ids_only, struct weft_writer *w, struct output *o)
{
    const struct weft_answer_items items = {o, on_item};
    return weft_answer_write_trace(w, key, whole, ids_only, &o->scratch, &items);
}

/* Each element is a document of its own, on a line. */
static enum weft_err write_record_lines(
    const struct weft_trace_result *whole, struct weft_writer *w, struct output *o)
{
    struct weft_bytes rest = whole->records.bytes;
    struct weft_packed_record packed;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && weft_packed_next_record(&rest, &packed)) {
        struct weft_stored_record record;
        weft_arena_reset(&o->scratch);
        err = weft_packed_open_record(&packed, &o->scratch, &record);
        if (err != WEFT_OK) {
            break;
        }
        weft_writer_open(w, NULL, '{');
        err = weft_answer_write_record(w, "record", &record, &o->scratch);
        weft_writer_close(w, '}');
        err = err == WEFT_OK ? weft_writer_print(w, stdout, o->msg) : err;
    }
    return err;
}

static enum weft_err write_lines(
    const struct weft_traced *traced, struct weft_writer *w, struct output *o)
{
    const struct weft_trace_result whole = whole_of(traced);
    struct weft_text names = whole.assets, name;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && weft_answer_next_name(&names, &name)) {
        weft_writer_text(w, NULL, name);
        err = weft_writer_print(w, stdout, o->msg);
    }
    for (uint32_t i = 0; i < traced->step_count && err == WEFT_OK; i++) {
        weft_answer_write_step(w, i, &traced->steps[i]);
        err = weft_writer_print(w, stdout, o->msg);
    }
    return err == WEFT_OK ? write_record_lines(&whole, w, o) : err;
}

/* What failed without a word was the writing. */
static enum weft_err finish(struct output *o, enum weft_err err)
{
    if (err != WEFT_OK && o->msg->text[0] == '\0') {
        err = weft_fail(o->msg, err, "the answer cannot be written as JSON");
    }
    weft_arena_destroy(&o->scratch);
    return err;
}

enum weft_err weft_traced_write_member(const struct weft_traced *traced, const char *key,
    bool ids_only, struct weft_writer *w, struct weft_msg *msg)
{
    struct output output = {.scratch = {.size_max = SCRATCH_SIZE_MAX}, .msg = msg};
    struct weft_trace_result whole = whole_of(traced);
    msg->text[0] = '\0';
    return finish(&output, write_object(&whole, key, ids_only, w, &output));
}

enum weft_err weft_traced_write(const struct weft_traced *traced, enum weft_format format,
    bool ids_only, struct weft_writer *w, struct weft_msg *msg)
{
    struct output output = {.scratch = {.size_max = SCRATCH_SIZE_MAX}, .msg = msg};
    struct weft_trace_result whole = whole_of(traced);
    msg->text[0] = '\0';
    if (format != WEFT_FORMAT_JSON) {
        return finish(&output, write_lines(traced, w, &output));
    }
    enum weft_err err = write_object(&whole, NULL, ids_only, w, &output);
    return finish(&output, err == WEFT_OK ? weft_writer_print(w, stdout, msg) : err);
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
    struct weft_arena arena = {.size_max = SCRATCH_SIZE_MAX};
    struct weft_bytes rest = {traced->packed_records.data, traced->packed_records.size};
    struct weft_packed_record packed;
    enum weft_err err = WEFT_OK;
    weft_records_start(&records, WEFT_FORMAT_TABLE);
    while (err == WEFT_OK && weft_packed_next_record(&rest, &packed)) {
        struct weft_stored_record record;
        weft_arena_reset(&arena);
        err = weft_packed_open_record(&packed, &arena, &record);
        err = err == WEFT_OK ? weft_records_add(&records, &record, msg)
                             : weft_fail(msg, err, "a record of the answer cannot be read");
    }
    if (err == WEFT_OK) {
        err = weft_records_finish(&records, msg);
    }
    weft_records_destroy(&records);
    weft_arena_destroy(&arena);
    return err;
}
