#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ops/weft/output.h"
#include "ops/weft/partner_source.h"
#include "proto/limits.h"

/* partner audit: what both sides have filed under an agreement is compared, now. */

enum {
    WAIT_S = 60, /* as long as the site tries */
    WAIT_S_MAX = 3600,
    POLL_MS = 200,
    MENDED_POLLS = 75, /* until the partner's hello says that it is equal: 15 s */
};

static bool is_under_way(struct weft_text state)
{
    return weft_text_is(state, "waits") || weft_text_is(state, "compares") ||
           weft_text_is(state, "mends");
}

static enum weft_err begin(const struct weft_args *args, struct weft_client *client,
    struct weft_buffer *bytes, struct weft_msg *msg)
{
    const char *name = args->operands[0];
    enum weft_err err = weft_partner_source_file(client, name, "audit", bytes, msg);
    const struct weft_text said = weft_buffer_as_text(bytes);
    if (err == WEFT_OK && weft_text_is(said, "audit old\n")) {
        err = weft_fail(msg, WEFT_EVERSION,
            "%.80s: the partner's version compares no sets; its streams are compared as ever",
            name);
    } else if (err == WEFT_OK && !weft_text_is(said, "audit begins\n")) {
        err = weft_fail(msg, WEFT_EUNAVAILABLE,
            "%.80s: the partner is not connected, or has not said hello yet", name);
    }
    return err;
}

/* Until it has come to something: the status of then. */
static enum weft_err await(const struct weft_args *args, struct weft_client *client,
    struct weft_buffer *bytes, struct weft_msg *msg)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    uint64_t seconds = WAIT_S, polls = 0, mended = 0;
    enum weft_err err = weft_args_number(args, "wait", 1, WAIT_S_MAX, WAIT_S, &seconds, msg);
    while (err == WEFT_OK) {
        weft_buffer_clear(bytes);
        err = weft_partner_source_file(client, args->operands[0], NULL, bytes, msg);
        if (err != WEFT_OK) {
            return err;
        }
        const struct weft_text state =
            weft_partner_source_line(weft_buffer_as_text(bytes), "set.state");
        const bool is_mended = weft_text_is(state, "mended") && mended++ < MENDED_POLLS;
        if (!is_under_way(state) && !is_mended) {
            return state.size > 0
                       ? WEFT_OK
                       : weft_fail(msg, WEFT_EUNAVAILABLE, "another node leads now: ask once more");
        }
        if (polls++ >= seconds * 1000 / POLL_MS) {
            return weft_fail(msg, WEFT_ETIMEDOUT,
                "%.80s: it is under way still: weft partner status", args->operands[0]);
        }
        (void)nanosleep(&pause, NULL);
    }
    return err;
}

static enum weft_err print(
    const struct weft_args *args, struct weft_text rest, struct weft_msg *msg)
{
    static const char stem[] = "set.";
    enum weft_format format;
    struct weft_writer w = {0};
    struct weft_text line, key;
    enum weft_err err = weft_output_format(args, &format, msg);
    weft_writer_open(&w, NULL, '{');
    while (err == WEFT_OK && rest.size > 0) {
        if (!weft_text_cut(&rest, '\n', &line)) {
            rest = (struct weft_text){"", 0};
        }
        if (!weft_text_starts(line, stem)) {
            continue;
        }
        line = (struct weft_text){line.data + sizeof(stem) - 1, line.size - (sizeof(stem) - 1)};
        if (format == WEFT_FORMAT_TABLE) {
            (void)printf("%.*s\n", (int)line.size, line.data);
            continue;
        }
        char name[64];
        uint64_t number;
        (void)weft_text_cut(&line, ' ', &key);
        (void)snprintf(name, sizeof(name), "%.*s", (int)(key.size < 60 ? key.size : 60), key.data);
        for (char *at = strchr(name, '.'); at != NULL; at = strchr(at, '.')) {
            *at = '_';
        }
        if (weft_text_exact_number(line, &number)) {
            weft_writer_unsigned(&w, name, number);
        } else {
            weft_writer_text(&w, name, line);
        }
    }
    weft_writer_close(&w, '}');
    if (err == WEFT_OK && format != WEFT_FORMAT_TABLE) {
        err = weft_writer_print(&w, stdout, msg);
    }
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err audit(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    enum weft_err err = begin(args, client, &bytes, msg);
    if (err == WEFT_OK) {
        err = await(args, client, &bytes, msg);
    }
    if (err == WEFT_OK) {
        err = print(args, weft_buffer_as_text(&bytes), msg);
    }
    const struct weft_text state =
        weft_partner_source_line(weft_buffer_as_text(&bytes), "set.state");
    if (err == WEFT_OK && weft_text_is(state, "undone")) {
        err = weft_fail(msg, WEFT_EUNAVAILABLE, "%.80s: it did not come to an end; try again",
            args->operands[0]);
    } else if (err == WEFT_OK && weft_text_is(state, "differs")) {
        err = weft_fail(
            msg, WEFT_EBADSIG, "%.80s: the two sides have not filed the same", args->operands[0]);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_exit weft_cmd_partner_audit(const struct weft_args *args)
{
    return weft_with_client(args, audit);
}
