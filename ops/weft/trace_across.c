#include "ops/weft/trace_across.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/weft/across_source.h"
#include "ops/weft/output.h"
#include "proto/limits.h"
#include "proto/time.h"

enum {
    NODES_MAX = 4096, /* as node/state/across.h */
    WAYS_MAX = 8192,
    HOLES_MAX = NODES_MAX + 8192, /* and what the policy withholds */
    INDENT = 2,
    WAIT_S = 5,
    WAIT_S_MAX = 60, /* as federation/cells/ask.h */
};

struct node {
    uint64_t parent;
    uint32_t depth;
    struct weft_across_line line;
};

/* Answered, and taken apart; the lines are in the arena. */
struct tree {
    struct node *nodes;
    uint32_t count;
    struct weft_across_line *ways; /* Things that stand there are in others, too. */
    uint32_t way_count;
    struct weft_across_line *holes;
    uint32_t hole_count;
    struct weft_across_line *told; /* Who answered, if somebody was asked. */
    uint32_t told_count;
    bool is_asked;
    struct weft_arena arena;
};

static enum weft_err add_node(
    struct tree *t, const struct weft_across_line *line, struct weft_msg *msg)
{
    struct node *node = &t->nodes[t->count];
    uint64_t number = 0;
    bool is_sound = t->count < NODES_MAX && weft_text_number(line->words[1], &number) &&
                    weft_text_number(line->words[2], &node->parent) && number == t->count &&
                    (node->parent < number || number == 0);
    if (!is_sound) {
        return weft_fail(msg, WEFT_EMALFORMED, "the answer is no tree");
    }
    node->depth = number == 0 ? 0 : t->nodes[node->parent].depth + 1;
    node->line = *line;
    t->count++;
    return WEFT_OK;
}

static enum weft_err read_tree(struct tree *t, struct weft_text rest, struct weft_msg *msg)
{
    struct weft_across_line line;
    enum weft_err err = WEFT_OK;
    uint64_t place, whole;
    t->nodes = calloc(NODES_MAX + 1, sizeof(*t->nodes));
    t->holes = calloc(HOLES_MAX, sizeof(*t->holes));
    t->told = calloc(NODES_MAX, sizeof(*t->told));
    t->ways = calloc(WAYS_MAX, sizeof(*t->ways));
    if (t->nodes == NULL || t->holes == NULL || t->told == NULL || t->ways == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "a tree");
    }
    while (err == WEFT_OK && weft_across_next(&rest, &t->arena, &line)) {
        if (weft_across_is(&line, "node", 9)) {
            err = add_node(t, &line, msg);
        } else if (weft_across_is(&line, "way", 6) && t->way_count < WAYS_MAX) {
            bool is_sound = weft_text_number(line.words[1], &place) && place < t->count &&
                            weft_text_number(line.words[2], &whole) && whole < t->count;
            t->ways[t->way_count] = line;
            t->way_count += is_sound;
        } else if (weft_across_is(&line, "hole", 4) && t->hole_count < HOLES_MAX) {
            bool is_sound = weft_text_number(line.words[2], &place) && place < t->count;
            t->holes[t->hole_count] = line;
            t->hole_count += is_sound;
        } else if (weft_across_is(&line, "told", 4) && t->told_count < NODES_MAX) {
            t->told[t->told_count++] = line;
        }
    }
    return err == WEFT_OK && t->count == 0 ? weft_fail(msg, WEFT_EMALFORMED, "an answer of nothing")
                                           : err;
}

/* "-" stands for nothing. */
static bool is_said(struct weft_text word)
{
    return !weft_text_is(word, "-");
}

static struct weft_text name_of(const struct tree *t, struct weft_text number)
{
    uint64_t place = 0;
    return weft_text_number(number, &place) && place < t->count ? t->nodes[place].line.words[8]
                                                                : WEFT_TEXT("-");
}

/* --- for programs ---------------------------------------------------------------------------- */

static void write_node(struct weft_writer *w, const struct node *node, uint32_t number)
{
    const struct weft_text *at = node->line.words;
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "asset", at[8]);
    if (is_said(at[6])) {
        weft_writer_text(w, "named_by", at[6]);
    }
    weft_writer_unsigned(w, "depth", node->depth);
    if (number > 0) {
        weft_writer_unsigned(w, "in", node->parent);
        if (is_said(at[3])) {
            weft_writer_text(w, "rel", at[3]);
        }
        weft_writer_text(w, "by", at[4]);
        weft_writer_bool(w, "disputed", weft_text_is(at[5], "disputed"));
    }
    weft_writer_close(w, '}');
}

static void write_ways(struct weft_writer *w, const struct tree *t)
{
    weft_writer_open(w, "ways", '[');
    for (uint32_t i = 0; i < t->way_count; i++) {
        const struct weft_text *at = t->ways[i].words;
        uint64_t whole = 0;
        (void)!weft_text_number(at[2], &whole);
        weft_writer_open(w, NULL, '{');
        weft_writer_text(w, "asset", name_of(t, at[1]));
        weft_writer_unsigned(w, "in", whole);
        if (is_said(at[3])) {
            weft_writer_text(w, "rel", at[3]);
        }
        weft_writer_text(w, "by", at[4]);
        weft_writer_bool(w, "disputed", weft_text_is(at[5], "disputed"));
        weft_writer_close(w, '}');
    }
    weft_writer_close(w, ']');
}

/* Milliseconds of a line, as people have it; "-": none. */
static void format_time(struct weft_text ms, char text[WEFT_TIME_TEXT_SIZE])
{
    uint64_t number;
    (void)snprintf(text, WEFT_TIME_TEXT_SIZE, "-");
    if (weft_text_number(ms, &number) && number < INT64_MAX / 1000000) {
        weft_time_format((int64_t)number * 1000000, text);
    }
}

static void write_told(struct weft_writer *w, const struct tree *t)
{
    char time[WEFT_TIME_TEXT_SIZE];
    weft_writer_open(w, "told", '[');
    for (uint32_t i = 0; i < t->told_count; i++) {
        format_time(t->told[i].words[3], time);
        weft_writer_open(w, NULL, '{');
        weft_writer_text(w, "who", t->told[i].words[1]);
        weft_writer_text(w, "index", t->told[i].words[2]);
        weft_writer_text(w, "at", weft_text_of(time));
        weft_writer_close(w, '}');
    }
    weft_writer_close(w, ']');
}

static void write_tree(struct weft_writer *w, const struct tree *t)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "asset", t->nodes[0].line.words[8]);
    weft_writer_open(w, "nodes", '[');
    for (uint32_t i = 0; i < t->count; i++) {
        write_node(w, &t->nodes[i], i);
    }
    weft_writer_close(w, ']');
    write_ways(w, t);
    weft_writer_open(w, "holes", '[');
    for (uint32_t i = 0; i < t->hole_count; i++) {
        const struct weft_text *at = t->holes[i].words;
        weft_writer_open(w, NULL, '{');
        weft_writer_text(w, "who", at[1]);
        weft_writer_text(w, "what", name_of(t, at[2]));
        weft_writer_text(w, "why", at[3]);
        if (t->holes[i].count >= 6) {
            uint64_t count = 0;
            (void)!weft_text_number(at[4], &count);
            weft_writer_unsigned(w, "withheld", count);
            if (is_said(at[5])) {
                weft_writer_text(w, "kind", at[5]);
            }
        }
        weft_writer_close(w, '}');
    }
    weft_writer_close(w, ']');
    if (t->is_asked) {
        write_told(w, t);
    }
    weft_writer_close(w, '}');
}

/* --- for people ------------------------------------------------------------------------------ */

/* Each below what it is in. They came breadth first: as many looks as there are nodes, twice. */
static void tabulate_below(const struct tree *t, uint32_t top, struct weft_table *table)
{
    const struct node *node = &t->nodes[top];
    const struct weft_text *at = node->line.words;
    weft_table_format(
        table, "%*s%.*s", (int)(node->depth * INDENT), "", (int)at[8].size, at[8].data);
    weft_table_cell(table, at[3]);
    weft_table_cell(table, at[4]);
    weft_table_cell(table, top == 0 ? WEFT_TEXT("-") : at[5]);
    for (uint32_t i = top + 1; i < t->count; i++) {
        if (t->nodes[i].parent == top) {
            tabulate_below(t, i, table);
        }
    }
    for (uint32_t i = 0; i < t->way_count; i++) {
        const struct weft_text *way = t->ways[i].words;
        uint64_t whole = 0;
        const struct weft_text name = name_of(t, way[1]);
        if (weft_text_number(way[2], &whole) && whole == top) {
            weft_table_format(table, "%*s(%.*s)", (int)((node->depth + 1) * INDENT), "",
                (int)name.size, name.data);
            weft_table_cell(table, way[3]);
            weft_table_cell(table, way[4]);
            weft_table_cell(table, way[5]);
        }
    }
}

static void print_told(const struct tree *t)
{
    struct weft_table table;
    char time[WEFT_TIME_TEXT_SIZE];
    if (t->told_count == 0) {
        return;
    }
    (void)printf("\n");
    weft_table_init(&table, "TOLD BY|INDEX|AT");
    for (uint32_t i = 0; i < t->told_count; i++) {
        format_time(t->told[i].words[3], time);
        weft_table_cell(&table, t->told[i].words[1]);
        weft_table_cell(&table, t->told[i].words[2]);
        weft_table_cell(&table, weft_text_of(time));
    }
    weft_table_print(&table, stdout);
}

static void print_tree(const struct tree *t)
{
    struct weft_table table;
    weft_table_init(&table, "ASSET|REL|BY|STATE");
    tabulate_below(t, 0, &table);
    weft_table_print(&table, stdout);
    print_told(t);
    if (t->hole_count == 0) {
        return;
    }
    (void)printf("\n");
    weft_table_init(&table, "HOLE|ASSET|WHY");
    for (uint32_t i = 0; i < t->hole_count; i++) {
        const struct weft_text *at = t->holes[i].words;
        weft_table_cell(&table, at[1]);
        weft_table_cell(&table, name_of(t, at[2]));
        weft_table_cell(&table, at[3]);
    }
    weft_table_print(&table, stdout);
}

/* --- the command ----------------------------------------------------------------------------- */

static enum weft_err check_options(const struct weft_args *args, struct weft_msg *msg)
{
    static const char *const others[] = {
        "depth", "to", "via", "ids", "records", "at", "as-of", "stale", "min-index"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (weft_args_has(args, others[i])) {
            return weft_fail(msg, WEFT_EINVAL, "--across does not take --%s", others[i]);
        }
    }
    return WEFT_OK;
}

enum weft_err weft_trace_across(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct tree t = {.arena = {.size_max = 4 * WEFT_ANSWER_SIZE_MAX}};
    struct weft_buffer path = {.size_max = 1024}, bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    struct weft_writer w = {0};
    enum weft_format format;
    uint64_t wait_s = 0;
    t.is_asked = weft_args_has(args, "ask");
    enum weft_err err = weft_output_format(args, &format, msg);
    err = err == WEFT_OK ? check_options(args, msg) : err;
    err =
        err == WEFT_OK ? weft_args_number(args, "wait", 1, WAIT_S_MAX, WAIT_S, &wait_s, msg) : err;
    if (err == WEFT_OK && weft_args_has(args, "wait") && !t.is_asked) {
        err = weft_fail(msg, WEFT_EINVAL, "--wait belongs to --ask");
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(&path, t.is_asked ? "ask/%s" : "across/%s", args->operands[0]);
        err = err == WEFT_OK ? weft_buffer_append(&path, "", 1) : err;
        err = err == WEFT_OK ? err : weft_fail(msg, err, "an asset's name");
    }
    err = err == WEFT_OK ? weft_across_ask_within(client, (const char *)path.data,
                               t.is_asked ? (uint32_t)wait_s * 1000 : 0, &bytes, msg)
                         : err;
    err = err == WEFT_OK ? read_tree(&t, weft_buffer_as_text(&bytes), msg) : err;
    if (err == WEFT_OK && format == WEFT_FORMAT_TABLE) {
        print_tree(&t);
    } else if (err == WEFT_OK) {
        write_tree(&w, &t);
        err = weft_writer_print(&w, stdout, msg);
    }
    weft_writer_destroy(&w);
    weft_buffer_destroy(&path);
    weft_buffer_destroy(&bytes);
    free(t.nodes);
    free(t.holes);
    free(t.ways);
    free(t.told);
    weft_arena_destroy(&t.arena);
    return err;
}
