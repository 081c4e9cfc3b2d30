#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "federation/cells/act.h"
#include "ops/weft/across_source.h"
#include "ops/weft/output.h"
#include "ops/weft/partner_source.h"
#include "proto/limits.h"

/* partner disputes, resolve: where two parties say different things of one cell, and what both say
 * then. Lines of the site's answers: node/state/query_cells_put.c. */

enum {
    WORDS_MAX = 24,
    PLACE_SIZE = 600,
    NAMES_MAX = 256, /* as many claims as an answer tells of */
};

struct words {
    struct weft_text items[WORDS_MAX];
    uint32_t count;
};

static struct words split(struct weft_text line)
{
    struct words w = {.count = 0};
    while (line.size > 0 && w.count < WORDS_MAX) {
        if (!weft_text_cut(&line, ' ', &w.items[w.count++])) {
            break;
        }
    }
    return w;
}

/* A word's bytes into `out`, which is cleared. */
static enum weft_err decode(struct weft_text word, enum weft_across_bytes bytes,
    struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = WEFT_ANSWER_SIZE_MAX};
    struct weft_text text;
    weft_buffer_clear(out);
    enum weft_err err =
        weft_across_word(word, bytes, &arena, &text) ? weft_buffer_text(out, text) : WEFT_ENOMEM;
    weft_arena_destroy(&arena);
    return err == WEFT_OK ? err : weft_fail(msg, err, "a word of an answer");
}

/* --- pages ----------------------------------------------------------------------------------- */

/* Called for each line of all pages. */
typedef enum weft_err on_line(void *ctx, const struct words *words, struct weft_msg *msg);

static enum weft_err each_line(struct weft_client *client, const char *name, const char *what,
    on_line *on_each, void *ctx, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    char path[PLACE_SIZE];
    bool is_over = false;
    int size = snprintf(path, sizeof(path), "cells/%s%s%s", name, what[0] != '\0' ? "/" : "", what);
    enum weft_err err = size > 0 && size <= WEFT_ASSET_SIZE_MAX
                            ? WEFT_OK
                            : weft_fail(msg, WEFT_EINVAL, "%.60s: no agreement's name", name);
    while (err == WEFT_OK && !is_over) {
        is_over = true;
        err = weft_partner_name_it(name, weft_across_ask(client, path, &bytes, msg), msg);
        struct weft_text rest = weft_buffer_as_text(&bytes), line;
        while (err == WEFT_OK && rest.size > 0) {
            if (!weft_text_cut(&rest, '\n', &line)) {
                rest = (struct weft_text){"", 0};
            }
            const struct words words = split(line);
            if (words.count == 2 && weft_text_is(words.items[0], "next")) {
                (void)snprintf(path, sizeof(path), "cells/%s/%s/%.*s", name, what,
                    (int)words.items[1].size, words.items[1].data);
                is_over = false;
                break;
            }
            err = on_each(ctx, &words, msg);
        }
    }
    weft_buffer_destroy(&bytes);
    return err;
}

/* --- disputes -------------------------------------------------------------------------------- */

struct printing {
    bool is_table;
    bool is_open; /* A cell. */
    bool has_claims;
    struct weft_writer w;
    struct weft_buffer word;
    uint64_t count;
};

static void write_word(
    struct printing *p, const char *name, struct weft_text word, struct weft_msg *msg)
{
    if (decode(word, WEFT_ACROSS_ALL, &p->word, msg) == WEFT_OK) {
        weft_writer_text(&p->w, name, weft_buffer_as_text(&p->word));
    }
}

static void close_cell(struct printing *p)
{
    if (p->has_claims) {
        weft_writer_close(&p->w, ']');
    }
    if (p->is_open) {
        weft_writer_close(&p->w, '}');
    }
    p->is_open = p->has_claims = false;
}

static void write_claim(struct printing *p, const struct words *w, struct weft_msg *msg)
{
    static const char *const names[] = {
        "statement", "author", "asset", "epoch", "revision", "at", "standing", "value"};
    if (!p->has_claims) {
        weft_writer_open(&p->w, "claims", '[');
        p->has_claims = true;
    }
    weft_writer_open(&p->w, NULL, '{');
    for (uint32_t i = 1; i < w->count && i <= 8; i++) {
        write_word(p, names[i - 1], w->items[i], msg);
    }
    weft_writer_close(&p->w, '}');
}

static enum weft_err write_line(void *ctx, const struct words *w, struct weft_msg *msg)
{
    static const char *const names[] = {"cell", "kind", "group", "rule"};
    struct printing *p = ctx;
    if (w->count == 0) {
        close_cell(p);
    } else if (weft_text_is(w->items[0], "cell")) {
        close_cell(p);
        weft_writer_open(&p->w, NULL, '{');
        p->is_open = true;
        p->count++;
        for (uint32_t i = 1; i < w->count && i <= 4; i++) {
            write_word(p, names[i - 1], w->items[i], msg);
        }
    } else if (p->is_open && weft_text_is(w->items[0], "state") && w->count > 1) {
        write_word(p, "state", w->items[1], msg);
        if (w->count > 2) {
            write_word(p, "dispute", w->items[2], msg);
        }
    } else if (p->is_open && weft_text_is(w->items[0], "value") && w->count > 1) {
        write_word(p, "value", w->items[1], msg);
    } else if (p->is_open && weft_text_is(w->items[0], "claim")) {
        write_claim(p, w, msg);
    }
    return WEFT_OK;
}

static enum weft_err print_line(void *ctx, const struct words *w, struct weft_msg *msg)
{
    struct printing *p = ctx;
    for (uint32_t i = 0; i < w->count; i++) {
        enum weft_err err = decode(w->items[i], WEFT_ACROSS_PRINTABLE, &p->word, msg);
        if (err != WEFT_OK) {
            return err;
        }
        bool is_head = weft_text_is(w->items[0], "cell") || weft_text_is(w->items[0], "agreement");
        (void)printf("%s%.*s",
            i > 0     ? " "
            : is_head ? ""
                      : "  ",
            (int)p->word.size, (const char *)p->word.data);
    }
    (void)printf("\n");
    return WEFT_OK;
}

static enum weft_err disputes(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct printing p = {.word = {.size_max = WEFT_ANSWER_SIZE_MAX}};
    enum weft_format format;
    const char *name = args->operands[0];
    const char *what = weft_args_has(args, "aliases")     ? "aliases"
                       : weft_args_has(args, "unnamed")   ? "unnamed"
                       : weft_args_has(args, "left-over") ? "left-over"
                       : weft_args_has(args, "sum")       ? ""
                                                          : "disputes";
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    p.is_table = format == WEFT_FORMAT_TABLE || strcmp(what, "disputes") != 0;
    if (!p.is_table) {
        weft_writer_open(&p.w, NULL, '[');
    }
    err = each_line(client, name, what, p.is_table ? print_line : write_line, &p, msg);
    if (!p.is_table) {
        close_cell(&p);
        weft_writer_close(&p.w, ']');
        if (err == WEFT_OK) {
            err = weft_writer_print(&p.w, stdout, msg);
        }
    }
    weft_writer_destroy(&p.w);
    weft_buffer_destroy(&p.word);
    return err;
}

enum weft_exit weft_cmd_partner_disputes(const struct weft_args *args)
{
    return weft_with_client(args, disputes);
}

/* --- resolve --------------------------------------------------------------------------------- */

/* The open claims of the dispute that is sought. */
struct resolving {
    const char *sought; /* Of the dispute, or the cell. */
    bool is_in;         /* The lines are of that cell. */
    bool is_found;
    struct weft_buffer cell, kind, group, word;
    struct weft_digest names[NAMES_MAX];
    uint32_t count;
};

static bool has_word(struct weft_text list, const char *sought)
{
    struct weft_text word;
    bool has_more = true;
    while (has_more) {
        has_more = weft_text_cut(&list, ',', &word);
        if (weft_text_is(word, sought)) {
            return true;
        }
    }
    return false;
}

static enum weft_err take_claim(struct resolving *r, const struct words *w, struct weft_msg *msg)
{
    struct weft_digest digest;
    if (!has_word(w->items[7], "open")) {
        return WEFT_OK;
    }
    if (r->count == NAMES_MAX || weft_digest_parse(w->items[1], &digest) != WEFT_OK) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d claims are open", NAMES_MAX);
    }
    uint32_t at = r->count++;
    while (at > 0 && memcmp(r->names[at - 1].bytes, digest.bytes, WEFT_DIGEST_SIZE) > 0) {
        r->names[at] = r->names[at - 1];
        at--;
    }
    r->names[at] = digest;
    return WEFT_OK;
}

static enum weft_err seek_line(void *ctx, const struct words *w, struct weft_msg *msg)
{
    struct resolving *r = ctx;
    enum weft_err err = WEFT_OK;
    if (w->count >= 5 && weft_text_is(w->items[0], "cell") && !r->is_found) {
        err = decode(w->items[1], WEFT_ACROSS_ALL, &r->cell, msg);
        err = err == WEFT_OK ? decode(w->items[2], WEFT_ACROSS_ALL, &r->kind, msg) : err;
        err = err == WEFT_OK ? decode(w->items[3], WEFT_ACROSS_ALL, &r->group, msg) : err;
        r->is_in = weft_text_is(w->items[1], r->sought);
        r->is_found = r->is_in;
    } else if (w->count >= 1 && weft_text_is(w->items[0], "cell")) {
        r->is_in = false;
    } else if (w->count >= 3 && weft_text_is(w->items[0], "state") && !r->is_found) {
        r->is_in = weft_text_is(w->items[2], r->sought);
        r->is_found = r->is_in;
    } else if (r->is_in && w->count >= 8 && weft_text_is(w->items[0], "claim")) {
        err = take_claim(r, w, msg);
    }
    return err;
}

static enum weft_err commit_resolution(
    struct weft_client *client, const struct resolving *r, const char *value, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = 1024 * 1024};
    struct weft_field *fields;
    struct weft_act act = {.kind = WEFT_ACT_RESOLUTION,
        .resolution = {.kind = weft_buffer_as_text(&r->kind),
            .group = weft_text_is(weft_buffer_as_text(&r->group), "-")
                         ? (struct weft_text){"", 0}
                         : weft_buffer_as_text(&r->group),
            .value = weft_text_of(value),
            .names = {r->names, r->count}}};
    char asset[32 + WEFT_DIGEST_TEXT_SIZE];
    uint32_t count = 0;
    uint64_t index = 0;
    (void)snprintf(asset, sizeof(asset), "resolution:%s", r->sought);
    enum weft_err err = weft_act_encode(&act, &arena, &fields, &count, msg);
    if (err == WEFT_OK) {
        err = weft_partner_commit(client, "resolution", asset, fields, count, NULL, &index, msg);
    }
    if (err == WEFT_OK) {
        (void)printf("%s of %" PRIu32 " claims at index %" PRIu64
                     "; it counts when the partner says the same\n",
            value, r->count, index);
    }
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err resolve(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct resolving r = {.sought = args->operands[1], .word = {.size_max = 4096}};
    if (strlen(r.sought) > WEFT_DIGEST_TEXT_SIZE) {
        return weft_fail(msg, WEFT_EINVAL, "a dispute is named as weft partner disputes names it");
    }
    enum weft_err err = each_line(client, args->operands[0], "disputes", seek_line, &r, msg);
    if (err == WEFT_OK && (!r.is_found || r.count == 0)) {
        err = weft_fail(msg, WEFT_ENOTFOUND,
            "no such dispute is open: weft partner disputes %s lists them", args->operands[0]);
    }
    if (err == WEFT_OK) {
        err = commit_resolution(client, &r, args->operands[2], msg);
    }
    weft_buffer_destroy(&r.cell);
    weft_buffer_destroy(&r.kind);
    weft_buffer_destroy(&r.group);
    weft_buffer_destroy(&r.word);
    return err;
}

enum weft_exit weft_cmd_partner_resolve(const struct weft_args *args)
{
    return weft_with_client(args, resolve);
}
