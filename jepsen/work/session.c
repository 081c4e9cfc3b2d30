#include "jepsen/work/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/json.h"
#include "jepsen/cluster/process.h"

enum {
    READ_BYTES = 65536,
    LINE_BYTES_MAX = 64 * 1024 * 1024 /* chosen: a page of 1,000 records has 0.3 MiB */
};

struct jep_session {
    struct jep_session_options options;
    pid_t pid; /* 0: not running */
    int in, out;
    struct jep_text buffer; /* what was read and is no whole line yet */
};

struct jep_session *jep_session_create(const struct jep_session_options *options)
{
    struct jep_session *s = jep_alloc(1, sizeof(*s));
    *s = (struct jep_session){.options = *options};
    return s;
}

/* --- the process ------------------------------------------------------------------------- */

static void end_process(struct jep_session *s)
{
    int status;
    if (s->pid == 0) {
        return;
    }
    (void)close(s->in);
    (void)close(s->out);
    (void)kill(s->pid, SIGKILL);
    (void)jep_process_wait(s->pid, jep_now_ns() + 10 * (int64_t)1000000000, &status);
    s->pid = 0;
    jep_text_reset(&s->buffer);
}

static bool start_process(struct jep_session *s, struct jep_message *message)
{
    char timeout[32];
    const char *argv[] = {s->options.weft, "session", "--endpoint", s->options.endpoint,
        "--identity", s->options.identity, "--timeout", timeout, NULL};
    int in[2], out[2];
    (void)snprintf(timeout, sizeof(timeout), "%ums", s->options.timeout_ms);
    if (pipe2(in, O_CLOEXEC) != 0) {
        return jep_failed(message, "pipe: %s", strerror(errno));
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        (void)close(in[0]);
        (void)close(in[1]);
        return jep_failed(message, "pipe: %s", strerror(errno));
    }
    struct jep_program program = {.argv = argv, .in = in[0], .out = out[1], .err = s->options.log};
    pid_t pid = jep_process_start(&program, message);
    (void)close(in[0]);
    (void)close(out[1]);
    if (pid < 0) {
        (void)close(in[1]);
        (void)close(out[0]);
        return false;
    }
    s->pid = pid;
    s->in = in[1];
    s->out = out[0];
    return true;
}

void jep_session_destroy(struct jep_session *session)
{
    if (session != NULL) {
        end_process(session);
        jep_text_free(&session->buffer);
        free(session);
    }
}

/* --- a question -------------------------------------------------------------------------- */

/* All of it, or the process does not take it any more. */
static bool send_line(struct jep_session *s, const char *line)
{
    struct jep_text text = {0};
    jep_text_puts(&text, line);
    jep_text_puts(&text, "\n");
    size_t at = 0;
    while (at < text.size) {
        ssize_t size = write(s->in, text.bytes + at, text.size - at);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            break;
        }
        at += (size_t)size;
    }
    bool is_sent = at == text.size;
    jep_text_free(&text);
    return is_sent;
}

/* Bytes up to the end of a line, 0: none came in time, or the process has ended. */
static size_t receive_line(struct jep_session *s, int64_t deadline_ns)
{
    size_t looked = 0;
    for (;;) {
        char *end = s->buffer.size > looked
                        ? memchr(s->buffer.bytes + looked, '\n', s->buffer.size - looked)
                        : NULL;
        if (end != NULL) {
            return (size_t)(end - s->buffer.bytes) + 1;
        }
        looked = s->buffer.size;
        int64_t left_ns = deadline_ns - jep_now_ns();
        struct pollfd fd = {.fd = s->out, .events = POLLIN};
        if (left_ns <= 0 || s->buffer.size > LINE_BYTES_MAX) {
            return 0;
        }
        if (poll(&fd, 1, (int)(left_ns / 1000000) + 1) <= 0) {
            continue;
        }
        char bytes[READ_BYTES];
        ssize_t size = read(s->out, bytes, sizeof(bytes));
        if (size == 0 || (size < 0 && errno != EINTR)) {
            return 0;
        }
        jep_text_add(&s->buffer, bytes, size > 0 ? (size_t)size : 0);
    }
}

static struct jep_answer in_doubt(
    struct jep_arena *arena, enum jep_answer_kind kind, const char *code, const char *detail)
{
    struct jep_edn items[] = {jep_edn_string("code"), jep_edn_string(code),
        jep_edn_string("detail"), jep_edn_string_copy(arena, detail)};
    return (struct jep_answer){.kind = kind, .body = jep_edn_map(arena, items, 2)};
}

/* JEP-65. */
static struct jep_answer read_answer(
    struct jep_session *s, size_t size, const char *line, struct jep_arena *arena)
{
    static const char *const kinds[] = {"ok", "refused", "unknown"};
    struct jep_edn answer;
    struct jep_message message;
    if (!jep_json_parse(arena, s->buffer.bytes, size - 1, &answer, &message)) {
        return in_doubt(arena, JEP_ANSWER_BROKEN, "answer", message.text);
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct jep_edn *body = jep_json_get(&answer, kinds[i]);
        if (body != NULL) {
            return (struct jep_answer){.kind = (enum jep_answer_kind)i, .body = *body};
        }
    }
    const struct jep_edn *error = jep_json_get(&answer, "error");
    return in_doubt(arena, JEP_ANSWER_BROKEN, "error",
        jep_arena_format(
            arena, "%s: %s", line, error != NULL ? jep_json_text(error, "detail") : ""));
}

struct jep_answer jep_session_ask(
    struct jep_session *session, const char *line, struct jep_arena *arena)
{
    struct jep_message message;
    int64_t wait_ns = ((int64_t)session->options.timeout_ms + JEP_SESSION_GRACE_MS) * 1000000;
    if (session->pid == 0 && !start_process(session, &message)) {
        return in_doubt(arena, JEP_ANSWER_BROKEN, "start", message.text);
    }
    int64_t deadline_ns = jep_now_ns() + wait_ns;
    size_t size = send_line(session, line) ? receive_line(session, deadline_ns) : 0;
    if (size == 0) {
        end_process(session);
        return in_doubt(
            arena, JEP_ANSWER_UNKNOWN, "session", "the session ended, or did not answer in time");
    }
    struct jep_answer answer = read_answer(session, size, line, arena);
    memmove(session->buffer.bytes, session->buffer.bytes + size, session->buffer.size - size);
    session->buffer.size -= size;
    return answer;
}

const char *jep_answer_code(const struct jep_answer *answer)
{
    return answer->kind == JEP_ANSWER_OK ? "" : jep_json_text(&answer->body, "code");
}

bool jep_answer_is(const struct jep_answer *answer, enum jep_answer_kind kind, const char *code)
{
    return answer->kind == kind && strcmp(jep_answer_code(answer), code) == 0;
}
