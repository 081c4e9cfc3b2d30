#include "node/witnessing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "node/checkpoint/tree.h"
#include "node/logger.h"
#include "policy/crypto/keyfile.h"
#include "proto/check.h"

enum {
    PATH_SIZE = 1024,
    LOGS_SIZE_MAX = 64 * 1024, /* Of the file of vkeys; chosen: 160 of the longest. */
    VERIFIERS_MAX = 4 * WEFT_WITNESSING_LOGS_MAX,
    ANSWER_SIZE_MAX = 1024,
};

static const char size_type[] = "text/x.tlog.size"; /* specified: tlog-witness */
static const char text_type[] = "text/plain; charset=utf-8";

/* A log, and what is known of it besides: its record is the last note that was cosigned. */
struct known {
    char path[PATH_SIZE];
    struct weft_buffer note; /* Empty: none yet. */
};

struct request {
    struct weft_waiter waiter;
    struct weft_buffer body;
    uint64_t now_s;
};

struct weft_witnessing {
    struct weft_witnessing_options options;
    char directory[PATH_SIZE];
    char name[WEFT_SIGNER_NAME_SIZE_MAX + 1];
    struct weft_signer signer;
    struct weft_verifier verifiers[VERIFIERS_MAX]; /* Those of one log beside each other. */
    uint32_t verifier_count;
    struct weft_witness_log logs[WEFT_WITNESSING_LOGS_MAX];
    struct known known[WEFT_WITNESSING_LOGS_MAX];
    uint32_t log_count;
    struct request waiting[WEFT_WITNESSING_WAITING_MAX]; /* A ring. */
    uint32_t first, count;
    /* Of the request under way, the first of the ring. */
    struct weft_witness_decision decision;
    struct weft_msg why;
    struct weft_buffer note; /* That of the request. */
    uv_work_t work;          /* Writes it down. */
    bool is_working;
    enum weft_err err;
    struct weft_msg msg;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* --- files ----------------------------------------------------------------------------------- */

/* Both notes of a split view, under the digest of the second: they prove it to anybody. */
static enum weft_err write_split(struct weft_witnessing *w, struct weft_msg *msg)
{
    static const char *const suffixes[] = {"first", "second"};
    const struct weft_buffer *notes[] = {&w->known[w->decision.log].note, &w->note};
    char path[PATH_SIZE], digest[WEFT_DIGEST_TEXT_SIZE];
    struct weft_digest second = weft_sha256(w->note.data, w->note.size);
    enum weft_err err = WEFT_OK;
    weft_digest_format(&second, digest);
    for (int i = 0; err == WEFT_OK && i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/split-%.16s.%s", w->directory,
            digest + sizeof("sha256:") - 1, suffixes[i]);
        err = weft_tree_replace(w->directory, path, notes[i], msg);
    }
    return err;
}

/* NOD-162: on the pool. */
static void persist(uv_work_t *work)
{
    struct weft_witnessing *w = work->data;
    w->err =
        w->decision.outcome == WEFT_WITNESS_COSIGN
            ? weft_tree_replace(w->directory, w->known[w->decision.log].path, &w->note, &w->msg)
            : write_split(w, &w->msg);
}

/* --- answers --------------------------------------------------------------------------------- */

static void answer(struct weft_witnessing *w, unsigned status, const char *type, const char *text)
{
    struct request *r = &w->waiting[w->first];
    w->options.answer(w->options.ctx, &r->waiter, status, type, weft_text_of(text));
    weft_buffer_destroy(&r->body);
    w->first = (w->first + 1) % WEFT_WITNESSING_WAITING_MAX;
    w->count--;
}

static void answer_decision(struct weft_witnessing *w)
{
    char text[sizeof(w->why.text) + 2];
    bool is_conflict = w->decision.outcome == WEFT_WITNESS_CONFLICT;
    if (is_conflict) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 "\n", w->decision.last.size);
    } else {
        (void)snprintf(text, sizeof(text), "%s\n", w->why.text);
    }
    answer(w, w->decision.outcome, is_conflict ? size_type : text_type, text);
}

/* It is on the disk. */
static void cosign(struct weft_witnessing *w)
{
    struct weft_buffer line = {.size_max = ANSWER_SIZE_MAX};
    const uint64_t now_s = w->waiting[w->first].now_s;
    struct weft_witness_log *log = &w->logs[w->decision.log];
    struct weft_buffer *kept = &w->known[w->decision.log].note;
    enum weft_err err = weft_witness_record(&log->last, &w->decision);
    weft_assert(err == WEFT_OK); /* NOD-162: one at a time */
    err = weft_note_sign_line(w->decision.text, &w->signer, now_s, &line, &w->msg);
    if (err == WEFT_OK) {
        err = weft_buffer_append(&line, "", 1);
    }
    struct weft_buffer old = *kept;
    *kept = w->note;
    w->note = old;
    if (err == WEFT_OK) {
        answer(w, WEFT_WITNESS_COSIGN, text_type, (const char *)line.data);
    } else {
        answer(w, 500, text_type, "the cosignature could not be made\n");
    }
    weft_buffer_destroy(&line);
}

static void finish_close(struct weft_witnessing *w)
{
    void (*on_closed)(void *) = w->on_closed;
    void *ctx = w->closed_ctx;
    while (w->count > 0) {
        answer(w, 503, text_type, "the node is shutting down\n");
    }
    for (uint32_t i = 0; i < w->log_count; i++) {
        weft_buffer_destroy(&w->known[i].note);
    }
    weft_signer_wipe(&w->signer);
    weft_buffer_destroy(&w->note);
    free(w);
    if (on_closed != NULL) {
        on_closed(ctx);
    }
}

static void next(struct weft_witnessing *w);

static void persisted(uv_work_t *work, int status)
{
    struct weft_witnessing *w = work->data;
    (void)status;
    w->is_working = false;
    if (w->err != WEFT_OK) {
        weft_log(WEFT_LOG_ERROR, "witness_not_written", weft_kv("error", (const char *)w->msg.text),
            weft_kv("next", "nothing was cosigned; who asks again is answered"));
    }
    if (w->decision.outcome != WEFT_WITNESS_COSIGN) {
        answer_decision(w);
    } else if (w->err == WEFT_OK) {
        cosign(w);
    } else {
        answer(w, 500, text_type, "it could not be written down\n");
    }
    if (w->on_closed != NULL) {
        finish_close(w);
        return;
    }
    next(w);
}

/* --- requests -------------------------------------------------------------------------------- */

/* Whether it waits for the disk. */
static bool decide(struct weft_witnessing *w)
{
    struct request *r = &w->waiting[w->first];
    const struct weft_text body = {(const char *)r->body.data, r->body.size};
    struct weft_witness_request request;
    w->why.text[0] = '\0';
    weft_witness_decide(body, w->logs, w->log_count, &w->decision, &w->why);
    bool is_kept = w->decision.outcome == WEFT_WITNESS_COSIGN || w->decision.is_split;
    if (!is_kept) {
        return false;
    }
    if (w->decision.is_split) {
        weft_log(WEFT_LOG_ERROR, "witness_split",
            weft_kv("log",
                (const char *)w->verifiers[w->logs[w->decision.log].verifiers - w->verifiers].name),
            weft_kv("size", w->decision.last.size),
            weft_kv("next", "the log signed two trees of one size: both checkpoints are kept"));
    }
    weft_buffer_clear(&w->note);
    w->note.size_max = WEFT_NOTE_SIZE_MAX;
    enum weft_err err = weft_witness_request_parse(body, &request, &w->msg);
    weft_assert(err == WEFT_OK); /* It was a moment ago. */
    if (weft_buffer_text(&w->note, request.checkpoint) != WEFT_OK) {
        w->decision.outcome = WEFT_WITNESS_MALFORMED;
        return false;
    }
    w->work.data = w;
    w->is_working = uv_queue_work(w->options.loop, &w->work, persist, persisted) == 0;
    weft_assert(w->is_working);
    return true;
}

static void next(struct weft_witnessing *w)
{
    while (w->count > 0 && !w->is_working && !decide(w)) {
        answer_decision(w);
    }
}

void weft_witnessing_ask(struct weft_witnessing *w, struct weft_bytes body,
    const struct weft_waiter *waiter, uint64_t now_s)
{
    struct request *r = &w->waiting[(w->first + w->count) % WEFT_WITNESSING_WAITING_MAX];
    if (w->count == WEFT_WITNESSING_WAITING_MAX || w->on_closed != NULL) {
        w->options.answer(w->options.ctx, waiter, 503, text_type,
            WEFT_TEXT("too many requests wait; try again\n"));
        return;
    }
    *r = (struct request){
        .waiter = *waiter, .body = {.size_max = WEFT_WITNESS_REQUEST_SIZE_MAX}, .now_s = now_s};
    w->count++;
    if (weft_buffer_append(&r->body, body.data, body.size) != WEFT_OK) {
        r->body.size = 0; /* An empty one is malformed. */
    }
    next(w);
}

/* --- open and close -------------------------------------------------------------------------- */

static enum weft_err load_key(struct weft_witnessing *w, bool *ret_found, struct weft_msg *msg)
{
    struct weft_buffer pem = {.size_max = WEFT_KEYFILE_SIZE_MAX};
    struct weft_buffer other = {.size_max = WEFT_KEYFILE_SIZE_MAX};
    const struct weft_bytes none = {NULL, 0};
    struct weft_ed25519_pair pair, log;
    bool has_log = false;
    enum weft_err err = weft_tree_read(w->options.key_file, &pem, ret_found, msg);
    if (err == WEFT_OK && *ret_found) {
        err = weft_keyfile_decode((struct weft_bytes){pem.data, pem.size}, none, &pair, msg);
        if (err == WEFT_OK) {
            err = weft_signer_make(
                weft_text_of(w->name), WEFT_SIGNER_COSIGNATURE, &pair, &w->signer, msg);
            weft_ed25519_wipe(&pair);
        }
    }
    if (err == WEFT_OK && *ret_found) {
        err = weft_tree_read(w->options.log_key_file, &other, &has_log, msg);
    }
    if (err == WEFT_OK && has_log) {
        err = weft_keyfile_decode((struct weft_bytes){other.data, other.size}, none, &log, msg);
        if (err == WEFT_OK &&
            memcmp(&log.key, &w->signer.verifier.key, sizeof(w->signer.verifier.key)) == 0) {
            err = weft_fail(
                msg, WEFT_EINVAL, "a witness has a key of its own: this one signs the audit log");
        }
        weft_ed25519_wipe(&log);
    }
    weft_keyfile_destroy(&pem);
    weft_keyfile_destroy(&other);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", w->options.key_file);
}

/* Keys of one log beside each other. */
static enum weft_err add_verifier(
    struct weft_witnessing *w, const struct weft_verifier *verifier, struct weft_msg *msg)
{
    uint32_t place = 0;
    if (w->verifier_count == VERIFIERS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d keys", VERIFIERS_MAX);
    }
    while (place < w->verifier_count && strcmp(w->verifiers[place].name, verifier->name) <= 0) {
        place++;
    }
    memmove(&w->verifiers[place + 1], &w->verifiers[place],
        (w->verifier_count - place) * sizeof(*verifier));
    w->verifiers[place] = *verifier;
    w->verifier_count++;
    return WEFT_OK;
}

static enum weft_err make_logs(struct weft_witnessing *w, struct weft_msg *msg)
{
    for (uint32_t i = 0; i < w->verifier_count; i++) {
        struct weft_witness_log *log = &w->logs[w->log_count - (w->log_count > 0)];
        if (w->log_count > 0 && weft_text_is(log->origin, w->verifiers[i].name)) {
            if (++log->verifier_count > WEFT_WITNESS_VERIFIERS_MAX) {
                return weft_fail(msg, WEFT_ETOOBIG, "too many keys of %s", w->verifiers[i].name);
            }
            continue;
        }
        if (w->log_count == WEFT_WITNESSING_LOGS_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG, "more than %d logs", WEFT_WITNESSING_LOGS_MAX);
        }
        w->logs[w->log_count++] =
            (struct weft_witness_log){.origin = weft_text_of(w->verifiers[i].name),
                .verifiers = &w->verifiers[i],
                .verifier_count = 1,
                .last = {.root = weft_merkle_empty()}};
    }
    return WEFT_OK;
}

static enum weft_err load_logs(struct weft_witnessing *w, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = LOGS_SIZE_MAX};
    bool is_found;
    enum weft_err err = weft_tree_read(w->options.logs_file, &bytes, &is_found, msg);
    struct weft_text rest = {(const char *)bytes.data, bytes.size}, line;
    while (err == WEFT_OK && rest.size > 0) {
        struct weft_verifier verifier;
        if (!weft_text_cut(&rest, '\n', &line)) {
            rest.size = 0;
        }
        if (line.size > 0 && line.data[0] != '#') {
            err = weft_verifier_parse(line, &verifier, msg);
            err = err == WEFT_OK ? add_verifier(w, &verifier, msg) : err;
        }
    }
    if (err == WEFT_OK) {
        err = make_logs(w, msg);
    }
    weft_buffer_destroy(&bytes);
    return err == WEFT_OK ? err : weft_wrap(msg, WEFT_EINVAL, "%s", w->options.logs_file);
}

static enum weft_err load_record(struct weft_witnessing *w, uint32_t i, struct weft_msg *msg)
{
    struct weft_witness_log *log = &w->logs[i];
    struct known *known = &w->known[i];
    struct weft_note note;
    struct weft_checkpoint_note checkpoint;
    char digest[WEFT_DIGEST_TEXT_SIZE];
    bool is_found;
    struct weft_digest id = weft_sha256(log->origin.data, log->origin.size);
    weft_digest_format(&id, digest);
    (void)snprintf(
        known->path, sizeof(known->path), "%s/%s", w->directory, digest + sizeof("sha256:") - 1);
    known->note.size_max = WEFT_NOTE_SIZE_MAX;
    enum weft_err err = weft_tree_read(known->path, &known->note, &is_found, msg);
    if (err != WEFT_OK || !is_found) {
        return err;
    }
    struct weft_text text = {(const char *)known->note.data, known->note.size};
    err = weft_note_parse(text, &note, msg);
    if (err == WEFT_OK) {
        err = weft_checkpoint_note_parse(note.text, &checkpoint, msg);
    }
    if (err != WEFT_OK || !weft_text_equal(checkpoint.origin, log->origin)) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "%s is damaged: which checkpoint of %.*s was cosigned last is not known", known->path,
            (int)log->origin.size, log->origin.data);
    }
    log->last = checkpoint.head;
    return WEFT_OK;
}

static enum weft_err load(struct weft_witnessing *w, bool *ret_found, struct weft_msg *msg)
{
    char vkey[WEFT_VKEY_TEXT_SIZE];
    enum weft_err err = load_key(w, ret_found, msg);
    if (err != WEFT_OK || !*ret_found) {
        return err;
    }
    if (mkdir(w->directory, 0700) != 0 && errno != EEXIST) {
        return weft_fail(msg, WEFT_EIO, "%s: %s", w->directory, strerror(errno));
    }
    err = load_logs(w, msg);
    for (uint32_t i = 0; err == WEFT_OK && i < w->log_count; i++) {
        err = load_record(w, i, msg);
    }
    if (err == WEFT_OK) {
        weft_verifier_format(&w->signer.verifier, vkey);
        weft_log(WEFT_LOG_INFO, "witnessing", weft_kv("logs", w->log_count),
            weft_kv("vkey", (const char *)vkey));
    }
    return err;
}

enum weft_err weft_witnessing_open(const struct weft_witnessing_options *options,
    struct weft_witnessing **ret_witnessing, struct weft_msg *msg)
{
    struct weft_witnessing *w = calloc(1, sizeof(*w));
    bool is_found = false;
    *ret_witnessing = NULL;
    if (w == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "witness");
    }
    w->options = *options;
    (void)snprintf(w->directory, sizeof(w->directory), "%s", options->directory);
    (void)snprintf(w->name, sizeof(w->name), "%s", options->name);
    enum weft_err err = load(w, &is_found, msg);
    if (err != WEFT_OK || !is_found) {
        finish_close(w);
        return err;
    }
    *ret_witnessing = w;
    return WEFT_OK;
}

void weft_witnessing_close(struct weft_witnessing *w, void (*on_closed)(void *ctx), void *ctx)
{
    w->on_closed = on_closed;
    w->closed_ctx = ctx;
    if (!w->is_working) {
        finish_close(w);
    }
}
