#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/command_source.h"
#include "ops/weft/output.h"

/* command show, list, watch: what became of commands. */

enum {
    WAIT_MS = 5000, /* Of one question; the site answers at once when there is something. */
    ARENA_SIZE_MAX = 16 * 1024 * 1024,
};

static const char *const ends[] = {
    "REJECTED", "CANCELLED", "EXPIRED", "VERIFIED", "FAILED", "UNKNOWN"};

static bool is_end(struct weft_text state)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (weft_text_is(state, ends[i])) {
            return true;
        }
    }
    return false;
}

/* --- one ------------------------------------------------------------------------------------- */

/* The state's lines as members; those that may be there several times as an array. */
static void put_state(struct weft_writer *w, const struct weft_command_source *source)
{
    struct weft_text rest = source->state, line, key;
    char name[32], open[32] = "";
    while (weft_text_cut(&rest, '\n', &line)) {
        if (!weft_text_cut(&line, ' ', &key) || key.size >= sizeof(name)) {
            continue;
        }
        bool is_list = weft_text_is(key, "approval") || weft_text_is(key, "needs");
        (void)snprintf(name, sizeof(name), "%.*s%s", (int)key.size, key.data,
            weft_text_is(key, "approval") ? "s" : "");
        if (open[0] != '\0' && strcmp(open, name) != 0) {
            weft_writer_close(w, ']'); /* Those of a list come together. */
            open[0] = '\0';
        }
        if (is_list && open[0] == '\0') {
            weft_writer_open(w, name, '[');
            memcpy(open, name, sizeof(open));
        }
        weft_writer_text(w, is_list ? NULL : name, line);
    }
    if (open[0] != '\0') {
        weft_writer_close(w, ']');
    }
}

static enum weft_err print_one(
    const struct weft_args *args, const struct weft_command_source *source, struct weft_msg *msg)
{
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%.*s\n%.*s", (int)source->state.size, source->state.data,
            (int)source->note.size, source->note.data);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    put_state(&w, source);
    weft_writer_text(&w, "note", source->note);
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err show(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_command_source source = {.bytes = {0}};
    enum weft_err err = weft_command_source_read(client, args->operands[0], &source, msg);
    if (err == WEFT_OK) {
        err = print_one(args, &source, msg);
    }
    weft_command_source_destroy(&source);
    return err;
}

enum weft_exit weft_cmd_command_show(const struct weft_args *args)
{
    return weft_with_client(args, show);
}

static enum weft_err bundle(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    char path[64];
    const char *id = args->operands[0];
    struct weft_buffer bytes = {0};
    const char *digits = strncmp(id, "command:", 8) == 0 ? id + 8 : id;
    (void)snprintf(path, sizeof(path), "command/%.40s/bundle", digits);
    enum weft_err err = weft_command_source_file(client, path, &bytes, msg);
    if (err == WEFT_OK) {
        (void)fwrite(bytes.data, 1, bytes.size, stdout);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_exit weft_cmd_command_bundle(const struct weft_args *args)
{
    return weft_with_client(args, bundle);
}

/* --- all ------------------------------------------------------------------------------------- */

/* The words of a line, as the site writes them (node/state/query_command.c). */
enum {
    ID,
    STATE,
    FOUND,
    INDEX,
    TIME,
    CHANNEL,
    ASSET,
    VERB,
    CODE,
    WORDS
};

static const char *const word_names[WORDS] = {
    "id", "state", "found", "index", "since", "channel", "asset", "verb", "code"};

static bool cut_words(struct weft_text line, struct weft_text ret_words[WORDS])
{
    for (int i = 0; i < WORDS; i++) {
        bool has_more = weft_text_cut(&line, ' ', &ret_words[i]);
        if (has_more != (i < WORDS - 1)) {
            return false;
        }
    }
    return true;
}

static void put_line(struct weft_writer *w, const struct weft_text *words)
{
    weft_writer_open(w, NULL, '{');
    for (int i = 0; i < WORDS; i++) {
        if (!weft_text_is(words[i], "-")) {
            weft_writer_text(w, word_names[i], words[i]);
        }
    }
    weft_writer_close(w, '}');
}

static enum weft_err print_list(
    const struct weft_args *args, struct weft_text list, struct weft_msg *msg)
{
    enum weft_format format;
    struct weft_table t;
    struct weft_writer w = {0};
    struct weft_text line, words[WORDS];
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_table_init(&t, "ID|STATE|SINCE|ASSET|VERB|CODE");
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_open(&w, NULL, '[');
    }
    while (err == WEFT_OK && weft_text_cut(&list, '\n', &line)) {
        if (!cut_words(line, words) ||
            (weft_args_has(args, "open") && is_end(words[STATE]) &&
                !(weft_text_is(words[STATE], "UNKNOWN") && weft_text_is(words[FOUND], "-")))) {
            continue;
        }
        if (format == WEFT_FORMAT_TABLE) {
            weft_table_cell(&t, words[ID]);
            weft_table_cell(&t, words[STATE]);
            weft_table_cell(&t, words[TIME]);
            weft_table_cell(&t, words[ASSET]);
            weft_table_cell(&t, words[VERB]);
            weft_table_cell(&t, weft_text_is(words[CODE], "-") ? WEFT_TEXT("") : words[CODE]);
            continue;
        }
        put_line(&w, words);
        if (format == WEFT_FORMAT_JSONL) {
            err = weft_writer_print(&w, stdout, msg);
        }
    }
    return weft_output_end(format, &t, &w, err, msg);
}

static enum weft_err list(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_buffer bytes = {0};
    enum weft_err err = weft_command_source_file(client, "command", &bytes, msg);
    if (err == WEFT_OK) {
        err = print_list(args, weft_buffer_as_text(&bytes), msg);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_exit weft_cmd_command_list(const struct weft_args *args)
{
    return weft_with_client(args, list);
}

/* --- until its end --------------------------------------------------------------------------- */

/* Until something is said of the asset behind `index`, or a while has passed. */
static enum weft_err wait_for(
    struct weft_client *client, const char *asset, uint64_t *index, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_client_message answer;
    const struct weft_client_message request = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_COMMITS,
            .asset_glob = weft_text_of(asset),
            .from_index = *index + 1,
            .limit = 1,
            .wait_ms = WAIT_MS}};
    enum weft_err err = weft_client_call(client, &request, &arena, &answer, msg);
    if (err == WEFT_OK && answer.page.record_count > 0) {
        *index = answer.page.records[0].index;
    }
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err print_step(
    const struct weft_args *args, const struct weft_command_source *source, struct weft_msg *msg)
{
    enum weft_format format;
    struct weft_text state = weft_command_source_line(source, "state");
    struct weft_text since = weft_command_source_line(source, "since");
    struct weft_text code = weft_command_source_line(source, "code");
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%.*s  %.*s%s%.*s\n", (int)since.size, since.data, (int)state.size, state.data,
            code.size > 0 ? "  " : "", (int)code.size, code.data);
        (void)fflush(stdout);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "state", state);
    weft_writer_text(&w, "since", since);
    weft_writer_text(&w, "index", weft_command_source_line(source, "index"));
    if (code.size > 0) {
        weft_writer_text(&w, "code", code);
    }
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    (void)fflush(stdout);
    weft_writer_destroy(&w);
    return err;
}

/* One look; *index is of the last one that was printed. */
static enum weft_err look(const struct weft_args *args, struct weft_client *client,
    char asset[WEFT_ASSET_SIZE_MAX + 1], uint64_t *index, bool *ret_is_over, struct weft_msg *msg)
{
    struct weft_command_source source = {.bytes = {0}};
    uint64_t now = 0;
    enum weft_err err = weft_command_source_read(client, args->operands[0], &source, msg);
    if (err == WEFT_OK) {
        struct weft_text state = weft_command_source_line(&source, "state");
        (void)weft_text_number(weft_command_source_line(&source, "index"), &now);
        *ret_is_over = is_end(state);
        (void)snprintf(asset, WEFT_ASSET_SIZE_MAX + 1, "command:");
        for (size_t i = 0; i < WEFT_COMMAND_ID_SIZE; i++) {
            (void)snprintf(asset + 8 + 2 * i, 3, "%02x", source.command.id[i]);
        }
        if (now != *index) {
            err = print_step(args, &source, msg);
        }
        *index = now;
        if (err == WEFT_OK && *ret_is_over && !weft_text_is(state, "VERIFIED")) {
            struct weft_text code = weft_command_source_line(&source, "code");
            err = weft_fail(msg, WEFT_ENOTFOUND, "it ended as %.*s (%.*s)", (int)state.size,
                state.data, (int)code.size, code.data); /* Exit 1: the answer is no. */
        }
    }
    weft_command_source_destroy(&source);
    return err;
}

static enum weft_err watch(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    char asset[WEFT_ASSET_SIZE_MAX + 1] = "";
    uint64_t seen = 0;
    bool is_over = false;
    enum weft_err err = look(args, client, asset, &seen, &is_over, msg);
    uint64_t heard = seen;
    while (err == WEFT_OK && !is_over) {
        err = wait_for(client, asset, &heard, msg);
        if (err == WEFT_OK) {
            err = look(args, client, asset, &seen, &is_over, msg);
        }
    }
    return err;
}

enum weft_exit weft_cmd_command_watch(const struct weft_args *args)
{
    return weft_with_client(args, watch);
}
