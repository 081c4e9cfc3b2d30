#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "ops/weft/output.h"
#include "ops/weft/session_request.h"
#include "ops/weft/source.h"
#include "ops/weft/trace.h"
#include "proto/answer_json.h"

/* session: a request per line, an answer per line, over one connection to one node.
 *
 * The one thing that it must never do is to say "refused" of a commit that may have happened
 * (OPS-7). Therefore it says so of a request that never left, and of answers whose code leaves
 * nothing open (`is_certain`); of everything else it says "unknown". */

enum {
    ARENA_SIZE_MAX = 256 * 1024 * 1024, /* chosen: the largest line of records, parsed */
    IDLE_MS = 60000,                    /* A turn of waiting for the next line; heartbeats go on. */
};

struct session {
    struct weft_client *client;
    struct weft_arena arena;
    struct weft_writer line; /* What is printed. */
    struct weft_writer body; /* A document that becomes a member of it. */
};

static void on_wait(void *ctx, int fd)
{
    struct session *s = ctx;
    while (!weft_net_wait_readable(weft_client_net(s->client), fd, IDLE_MS)) {
    }
}

/* --- what came of it --------------------------------------------------------------------- */

/* A node that answers a commit so has not done it and will not. The others leave it open:
 * UNAVAILABLE is also what a leader says that was deposed with the commit on its way (node/turn.c),
 * and a node that stops or has a bad disk knows nothing of what others do. */
static bool is_certain(enum weft_err err)
{
    switch (err) {
    case WEFT_EBUSY:      /* Not taken. */
    case WEFT_ENOTLEADER: /* Not taken; perhaps nobody leads. */
    case WEFT_EREFUSED:
    case WEFT_ECONFLICT:
    case WEFT_ENOTFOUND:
    case WEFT_ESTATE:
    case WEFT_EMALFORMED:
    case WEFT_EINVAL:
    case WEFT_EVERSION:
    case WEFT_EPEER:
    case WEFT_EBADSIG:
    case WEFT_ETOOBIG:
        return true;
    case WEFT_OK:
    case WEFT_EUNAVAILABLE:
    case WEFT_ETIMEDOUT:
    case WEFT_ENOMEM:
    case WEFT_ENOSPC:
    case WEFT_ECORRUPT:
    case WEFT_EIO:
    case WEFT_ECLOSED:
    case WEFT_ERRS:
        return false;
    }
    return false;
}

static void write_text(struct weft_writer *w, const char *key, struct weft_text text)
{
    /* A node may quote what it was sent: up to the first byte that is not UTF-8. */
    weft_writer_text(w, key, (struct weft_text){text.data, weft_text_utf8_prefix(text)});
}

/* OPS-7. A question changes nothing: an answer that says no is certain whatever the code. */
static void write_failure(struct session *s, const struct weft_client_message *request,
    enum weft_err err, const struct weft_client_message *answer, const struct weft_msg *msg)
{
    bool has_answer = answer->kind == WEFT_KIND_ERROR;
    bool is_question = request->kind == WEFT_KIND_QUERY || request->kind == WEFT_KIND_STATUS;
    bool is_refused = has_answer ? is_question || is_certain(answer->error.err)
                                 : !weft_client_is_in_doubt(s->client);
    weft_writer_open(&s->line, is_refused ? "refused" : "unknown", '{');
    weft_writer_text(&s->line, "code", weft_text_of(weft_err_name(err)));
    if (!has_answer) {
        write_text(&s->line, "detail", weft_text_of(msg->text));
        weft_writer_close(&s->line, '}');
        return;
    }
    write_text(&s->line, "detail", answer->error.detail);
    if (answer->error.pointer.size > 0) {
        write_text(&s->line, "pointer", answer->error.pointer);
    }
    if (answer->error.leader.size > 0) {
        write_text(&s->line, "leader", answer->error.leader);
    }
    if (answer->error.err == WEFT_ECONFLICT) {
        weft_writer_unsigned(&s->line, "rev", answer->error.present_rev);
    }
    if (answer->error.index > 0) {
        weft_writer_unsigned(&s->line, "index", answer->error.index);
    }
    weft_writer_close(&s->line, '}');
}

static void write_digest(struct weft_writer *w, const struct weft_digest_result *result)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_writer_open(w, NULL, '{');
    weft_writer_unsigned(w, "index", result->index);
    weft_writer_bool(w, "is_done", result->is_done);
    if (result->is_done) {
        weft_digest_format(&result->digest, text);
        weft_writer_text(w, "digest", weft_text_of(text));
        weft_writer_unsigned(w, "keys", result->keys);
    }
    weft_writer_close(w, '}');
}

/* What is no text is told by its size alone. */
static void write_file(struct weft_writer *w, const struct weft_audit_result *result)
{
    struct weft_text text = {(const char *)result->content.data, result->content.size};
    weft_writer_open(w, NULL, '{');
    weft_writer_unsigned(w, "index", result->index);
    weft_writer_unsigned(w, "size", text.size);
    if (weft_text_is_utf8(text)) {
        weft_writer_text(w, "content", text);
    }
    weft_writer_close(w, '}');
}

static enum weft_err write_answer(struct session *s, const struct weft_client_message *request,
    const struct weft_client_message *answer, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    weft_writer_reset(&s->body);
    if (answer->kind == WEFT_KIND_COMMIT_RESULT) {
        weft_answer_write_commit(&s->body, &answer->commit_result);
    } else if (answer->kind == WEFT_KIND_PAGE) {
        err = weft_answer_write_page(&s->body, request->query.asset, &answer->page, &s->arena);
    } else if (answer->kind == WEFT_KIND_STATUS_RESULT) {
        weft_answer_write_status(&s->body, &answer->status_result);
    } else if (answer->kind == WEFT_KIND_DIGEST_RESULT) {
        write_digest(&s->body, &answer->digest_result);
    } else if (answer->kind == WEFT_KIND_AUDIT_RESULT) {
        write_file(&s->body, &answer->audit);
    } else {
        err = weft_fail(msg, WEFT_EVERSION, "the node answered with another kind of message");
    }
    if (err == WEFT_OK && s->body.is_broken) {
        err = weft_fail(msg, WEFT_ENOMEM, "no memory for the answer");
    }
    if (err == WEFT_OK) {
        weft_writer_raw(
            &s->line, "ok", (struct weft_text){(const char *)s->body.out.data, s->body.out.size});
    }
    return err;
}

/* --- one line ---------------------------------------------------------------------------- */

static bool is_trace(const struct weft_client_message *request)
{
    return request->kind == WEFT_KIND_QUERY && (request->query.type == WEFT_QUERY_TRACE_FORWARD ||
                                                   request->query.type == WEFT_QUERY_TRACE_BACK);
}

/* All pages of it. */
static enum weft_err trace(
    struct session *s, const struct weft_client_message *request, struct weft_msg *msg)
{
    static const struct weft_client_message none;
    struct weft_traced traced;
    enum weft_err err = weft_traced_ask(s->client, &request->query, &traced, msg);
    if (err != WEFT_OK) {
        write_failure(s, request, err, &none, msg);
        return WEFT_OK;
    }
    err = weft_traced_write_member(&traced, "ok", request->query.ids_only, &s->line, msg);
    weft_traced_destroy(&traced);
    return err;
}

static enum weft_err ask(
    struct session *s, struct weft_client_message *request, struct weft_msg *msg)
{
    static const struct weft_request_id zero;
    struct weft_client_message answer;
    if (is_trace(request)) {
        return trace(s, request, msg);
    }
    if (request->kind == WEFT_KIND_COMMIT &&
        memcmp(&request->commit.request_id, &zero, sizeof(zero)) == 0 &&
        getrandom(&request->commit.request_id, sizeof(zero), 0) != (ssize_t)sizeof(zero)) {
        return weft_fail(msg, WEFT_EIO, "no random bytes for a request id");
    }
    enum weft_err err = weft_client_call(s->client, request, &s->arena, &answer, msg);
    if (err != WEFT_OK) {
        write_failure(s, request, err, &answer, msg);
        return WEFT_OK;
    }
    return write_answer(s, request, &answer, msg);
}

static void write_error(struct session *s, enum weft_err err, const struct weft_msg *msg)
{
    weft_writer_open(&s->line, "error", '{');
    weft_writer_text(&s->line, "code", weft_text_of(weft_err_name(err)));
    write_text(&s->line, "detail", weft_text_of(msg->text));
    weft_writer_close(&s->line, '}');
}

/* WEFT_ENOTFOUND: there are no more lines. Other errors end the session: nobody reads, or there
 * is no memory to tell an answer with. */
static enum weft_err next(struct session *s, struct weft_source *source, struct weft_msg *msg)
{
    struct weft_client_message request;
    struct weft_text line;
    weft_arena_reset(&s->arena);
    weft_writer_reset(&s->line);
    enum weft_err err = weft_source_line(source, &s->arena, &line, msg);
    if (err == WEFT_ENOTFOUND || err == WEFT_EIO) {
        return err;
    }
    weft_writer_open(&s->line, NULL, '{');
    if (err == WEFT_OK) {
        err = weft_session_request_parse(line, source->line, &s->arena, &request, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", source->name);
    }
    if (err == WEFT_OK) {
        err = ask(s, &request, msg);
        if (err != WEFT_OK) {
            return err;
        }
    } else {
        write_error(s, err, msg);
    }
    weft_writer_close(&s->line, '}');
    return weft_writer_print(&s->line, stdout, msg);
}

/* --- the command ------------------------------------------------------------------------- */

static enum weft_err open_session(const struct weft_args *args, struct weft_net **ret_net,
    struct weft_client **ret_client, struct weft_msg *msg)
{
    struct weft_context context;
    struct weft_net *net = NULL;
    uint64_t timeout_ms = 0;
    enum weft_err err =
        weft_args_duration_ms(args, "timeout", WEFT_CLIENT_TIMEOUT_MS, &timeout_ms, msg);
    if (err == WEFT_OK) {
        err = weft_context_resolve(args, &context, msg);
    }
    if (err == WEFT_OK && context.endpoint_count != 1) {
        err = weft_fail(msg, WEFT_EINVAL, "a session is with one node: one --endpoint, not %u",
            context.endpoint_count);
    }
    if (err == WEFT_OK) {
        err = weft_net_from_args(args, &context, &net, msg);
    }
    if (err == WEFT_OK) {
        err = weft_client_create(net, &context, timeout_ms, true, ret_client, msg);
    }
    if (err != WEFT_OK) {
        weft_net_close(net);
        return err;
    }
    weft_client_attempt_once(*ret_client);
    *ret_net = net;
    return WEFT_OK;
}

enum weft_exit weft_cmd_session(const struct weft_args *args)
{
    struct weft_net *net;
    struct weft_source source;
    struct session s = {.arena = {.size_max = ARENA_SIZE_MAX}};
    struct weft_msg msg = {""};
    enum weft_err err = weft_source_open(NULL, &source, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    err = open_session(args, &net, &s.client, &msg);
    if (err == WEFT_OK) {
        source.wait = on_wait;
        source.wait_ctx = &s;
        while (err == WEFT_OK) {
            err = next(&s, &source, &msg);
        }
        err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
        weft_client_destroy(s.client);
        weft_net_close(net);
    }
    weft_writer_destroy(&s.line);
    weft_writer_destroy(&s.body);
    weft_arena_destroy(&s.arena);
    weft_source_close(&source);
    return weft_complain(err, &msg);
}
