#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ops/weft/agreement_note.h"
#include "ops/weft/output.h"
#include "ops/weft/partner_source.h"
#include "policy/note.h"
#include "proto/limits.h"

/* partner list, status, show, quarantine: how agreements stand. */

/* Words of a line. */
enum {
    WORDS_MAX = 16
};

/* The rest of the line is the last word. */
static uint32_t split(struct weft_text line, struct weft_text words[WORDS_MAX], uint32_t most)
{
    uint32_t count = 0;
    while (count + 1 < most && weft_text_cut(&line, ' ', &words[count])) {
        count++;
    }
    words[count++] = line;
    return count;
}

/* Lines of an answer as rows: `heads` as of a table, `names` as members, both as many. */
struct listing {
    const char *heads;
    const char *const *names;
    uint32_t count;
    const char *stem; /* What each line begins with, and is left out; NULL: nothing. */
};

static enum weft_err print_rows(const struct weft_args *args, const struct listing *l,
    struct weft_text rest, struct weft_msg *msg)
{
    struct weft_table t;
    struct weft_writer w = {0};
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_table_init(&t, l->heads);
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_open(&w, NULL, '[');
    }
    while (err == WEFT_OK && rest.size > 0) {
        struct weft_text line, stem, words[WORDS_MAX] = {{"", 0}};
        if (!weft_text_cut(&rest, '\n', &line)) {
            rest = (struct weft_text){"", 0};
        }
        if (l->stem != NULL &&
            (!weft_text_cut(&line, ' ', &stem) || !weft_text_is(stem, l->stem))) {
            continue;
        }
        uint32_t count = split(line, words, l->count);
        if (format != WEFT_FORMAT_TABLE) {
            weft_writer_open(&w, NULL, '{');
        }
        for (uint32_t i = 0; i < count; i++) {
            if (format == WEFT_FORMAT_TABLE) {
                weft_table_cell(&t, words[i]);
            } else {
                weft_writer_text(&w, l->names[i], words[i]);
            }
        }
        if (format != WEFT_FORMAT_TABLE) {
            weft_writer_close(&w, '}');
        }
        if (format == WEFT_FORMAT_JSONL) {
            err = weft_writer_print(&w, stdout, msg);
        }
    }
    if (err == WEFT_OK && format == WEFT_FORMAT_JSON) {
        weft_writer_close(&w, ']');
        err = weft_writer_print(&w, stdout, msg);
    }
    if (format == WEFT_FORMAT_TABLE) {
        weft_table_print(&t, stdout);
    } else {
        weft_buffer_destroy(&t.cells);
    }
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err list(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    static const char *const names[] = {"agreement", "state", "version", "offer", "sent",
        "acknowledged", "received", "known", "quarantine", "hold", "site", "partner"};
    static const struct listing listing = {
        "AGREEMENT|STATE|>VERSION|OFFER|>SENT|>ACKED|>RECEIVED|>KNOWN|>QUARANTINE|HOLD|SITE|"
        "PARTNER",
        names, 12, "agreement"};
    struct weft_buffer bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    enum weft_err err = weft_partner_source_file(client, NULL, NULL, &bytes, msg);
    if (err == WEFT_OK) {
        err = print_rows(args, &listing, weft_buffer_as_text(&bytes), msg);
        weft_partner_source_warn(weft_buffer_as_text(&bytes));
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_exit weft_cmd_partner_list(const struct weft_args *args)
{
    return weft_with_client(args, list);
}

/* --- one ------------------------------------------------------------------------------------- */

static enum weft_err print_status(
    const struct weft_args *args, struct weft_text rest, struct weft_msg *msg)
{
    enum weft_format format;
    struct weft_writer w = {0};
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (format == WEFT_FORMAT_TABLE) {
        (void)fwrite(rest.data, 1, rest.size, stdout);
        return WEFT_OK;
    }
    weft_writer_open(&w, NULL, '{');
    while (rest.size > 0) {
        struct weft_text line, key;
        char name[64];
        uint64_t number;
        if (!weft_text_cut(&rest, '\n', &line)) {
            rest = (struct weft_text){"", 0};
        }
        (void)weft_text_cut(&line, ' ', &key);
        (void)snprintf(name, sizeof(name), "%.*s", (int)(key.size < 60 ? key.size : 60), key.data);
        for (char *at = name; *at != '\0'; at++) {
            *at = *at == '.' || *at == '-' ? '_' : *at;
        }
        if (weft_text_exact_number(line, &number)) {
            weft_writer_unsigned(&w, name, number);
        } else {
            weft_writer_text(&w, name, line);
        }
    }
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err status(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    enum weft_err err = weft_partner_source_file(client, args->operands[0], NULL, &bytes, msg);
    if (err == WEFT_OK) {
        err = print_status(args, weft_buffer_as_text(&bytes), msg);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_exit weft_cmd_partner_status(const struct weft_args *args)
{
    return weft_with_client(args, status);
}

/* Whose it is and how it stands, and what it would change. */
static enum weft_err tell_offer(
    struct weft_client *client, const char *name, struct weft_text bytes, struct weft_msg *msg)
{
    static const char *const keys[] = {
        "offer.state", "offer.by", "offer.until", "offer.reason", "offer.answer"};
    struct weft_agreement_note offer = {.is_there = false}, base = {.is_there = false};
    struct weft_arena arena = {.size_max = WEFT_CONTRACT_CHANGE_MEMORY_MAX};
    struct weft_contract_differences differences;
    struct weft_buffer status = {.size_max = WEFT_ANSWER_SIZE_MAX};
    enum weft_err err = weft_partner_source_file(client, name, NULL, &status, msg);
    for (size_t i = 0; err == WEFT_OK && i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct weft_text line = weft_partner_source_line(weft_buffer_as_text(&status), keys[i]);
        if (line.size > 0) {
            (void)fprintf(stderr, "%s %.*s\n", keys[i], (int)line.size, line.data);
        }
    }
    if (err == WEFT_OK) {
        err = weft_agreement_note_of(bytes, &offer, msg);
    }
    if (err == WEFT_OK) {
        err = weft_agreement_note_site_base(client, name, &base, msg);
    }
    if (err == WEFT_OK) {
        err = weft_agreement_note_changes(&offer, &base, &arena, &differences, msg);
    }
    if (err == WEFT_OK) {
        weft_agreement_note_print_changes(&differences, stderr);
    }
    weft_agreement_note_destroy(&offer);
    weft_agreement_note_destroy(&base);
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&status);
    return err;
}

static enum weft_err show(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX + 1};
    struct weft_note note;
    const char *evidence = weft_args_text(args, "evidence", NULL);
    const char *file = weft_args_has(args, "offer") ? "offer" : "note";
    if (evidence != NULL && strcmp(evidence, "sent") != 0 && strcmp(evidence, "received") != 0) {
        return weft_fail(msg, WEFT_EINVAL, "--evidence is of sent or received");
    }
    if (evidence != NULL) {
        file = evidence[0] == 's' ? "sent/evidence" : "received/evidence";
    }
    enum weft_err err = weft_partner_source_file(client, args->operands[0], file, &bytes, msg);
    if (err == WEFT_OK && (evidence != NULL || weft_args_has(args, "note"))) {
        (void)fwrite(bytes.data, 1, bytes.size, stdout);
    } else if (err == WEFT_OK) {
        err = weft_note_parse(weft_buffer_as_text(&bytes), &note, msg);
        if (err == WEFT_OK && weft_args_has(args, "offer")) {
            err = tell_offer(client, args->operands[0], weft_buffer_as_text(&bytes), msg);
        }
        if (err == WEFT_OK) {
            (void)fwrite(note.text.data, 1, note.text.size, stdout);
            weft_partner_source_warn_of(client, args->operands[0]);
        }
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_exit weft_cmd_partner_show(const struct weft_args *args)
{
    return weft_with_client(args, show);
}

static enum weft_err quarantine(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    static const char *const names[] = {"sequence", "statement", "fault", "at", "reason"};
    static const struct listing listing = {">SEQUENCE|STATEMENT|FAULT|AT|REASON", names, 5, NULL};
    struct weft_buffer bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    char file[64];
    uint64_t from = 0;
    enum weft_err err = weft_args_number(args, "from", 0, INT64_MAX, 0, &from, msg);
    (void)snprintf(file, sizeof(file), "received/quarantine/%llu", (unsigned long long)from);
    if (err == WEFT_OK) {
        err = weft_partner_source_file(client, args->operands[0], file, &bytes, msg);
    }
    if (err == WEFT_OK) {
        err = print_rows(args, &listing, weft_buffer_as_text(&bytes), msg);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_exit weft_cmd_partner_quarantine(const struct weft_args *args)
{
    return weft_with_client(args, quarantine);
}
