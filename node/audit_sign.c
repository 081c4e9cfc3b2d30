#include "node/audit_sign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/audit_lines.h"
#include "node/checkpoint/tree.h"
#include "node/logger.h"
#include "policy/checkpoint_note.h"
#include "policy/crypto/keyfile.h"
#include "raft/failpoint.h"

enum {
    PATH_SIZE = 1024,
    SIGNED_SIZE_MAX = 1024,
};

struct weft_audit_sign {
    struct weft_audit_sign_options options;
    char origin[WEFT_ORIGIN_SIZE_MAX + 1];
    char path[PATH_SIZE], directory[PATH_SIZE];
    bool has_key;
    bool is_barred; /* It signed another tree than it has: never again. */
    bool is_behind; /* It signed more than it has, which was logged. */
    struct weft_signer signer;
    struct weft_merkle_head last; /* Signed and on the disk. */
    struct weft_audit_lines lines;
    struct weft_merkle_head wanted; /* By the leader; size 0: nothing. */
    uint64_t wanted_by;
    uint64_t leader_id;
    uint64_t now_ms, next_ms, again_ms;
    uint64_t signed_ms;  /* When the last size was. */
    uint64_t hurried_ms; /* When one that a machine waits for was. */
    bool is_hurried;     /* The next one is. */
    /* The job: `next` is being written. */
    uv_work_t work;
    bool is_working;
    struct weft_merkle_head next;
    struct weft_buffer text;
    enum weft_err err;
    struct weft_msg msg;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* NOD-160: on the pool. */
static void persist(uv_work_t *work)
{
    struct weft_audit_sign *s = work->data;
    s->err = weft_tree_replace(s->directory, s->path, &s->text, &s->msg);
    weft_failpoint(WEFT_FAILPOINT_AUDIT_SIGN);
}

/* --- signing --------------------------------------------------------------------------------- */

static enum weft_err put_text(
    struct weft_audit_sign *s, const struct weft_merkle_head *head, struct weft_msg *msg)
{
    weft_buffer_clear(&s->text);
    return weft_audit_lines_text(&s->lines, head, &s->text, msg);
}

/* What is durable is signed and told. */
static void announce(struct weft_audit_sign *s)
{
    char vkey[WEFT_VKEY_TEXT_SIZE];
    struct weft_buffer line = {.size_max = WEFT_AUDIT_LINE_SIZE_MAX};
    struct weft_msg msg = {""};
    enum weft_err err = put_text(s, &s->last, &msg);
    if (err == WEFT_OK) {
        struct weft_text text = weft_buffer_as_text(&s->text);
        err = weft_note_sign_line(text, &s->signer, 0, &line, &msg);
    }
    weft_verifier_format(&s->signer.verifier, vkey);
    const struct weft_audit_line message = {.size = s->last.size,
        .root = s->last.root,
        .vkey = weft_text_of(vkey),
        .line = {(const char *)line.data, line.size}};
    if (err == WEFT_OK) {
        err = weft_audit_lines_add_own(&s->lines, s->options.self_id, &message, &msg);
    }
    if (err == WEFT_OK || err == WEFT_ECONFLICT || err == WEFT_ESTATE) {
        s->options.tell(s->options.ctx, &message);
    } else {
        weft_log(WEFT_LOG_ERROR, "audit_not_signed", weft_kv("error", (const char *)msg.text));
    }
    weft_buffer_destroy(&line);
    s->options.wake(s->options.ctx);
}

static void finish_close(struct weft_audit_sign *s)
{
    void (*on_closed)(void *) = s->on_closed;
    void *ctx = s->closed_ctx;
    weft_signer_wipe(&s->signer);
    weft_audit_lines_destroy(&s->lines);
    weft_buffer_destroy(&s->text);
    free(s);
    on_closed(ctx);
}

static void persisted(uv_work_t *work, int status)
{
    struct weft_audit_sign *s = work->data;
    (void)status;
    s->is_working = false;
    if (s->on_closed != NULL) {
        finish_close(s);
        return;
    }
    if (s->err != WEFT_OK) {
        weft_log(WEFT_LOG_ERROR, "audit_not_signed", weft_kv("error", (const char *)s->msg.text),
            weft_kv("next", "it is tried again; nothing was signed"));
        return;
    }
    s->last = s->next;
    announce(s);
}

/* NOD-160. `head` is of this node's own tree. False: it is not signed. */
static bool may_sign(
    struct weft_audit_sign *s, struct weft_state *state, const struct weft_merkle_head *head)
{
    struct weft_digest own = head->root;
    struct weft_msg msg = {""};
    enum weft_err err = WEFT_OK;
    if (head->size > s->last.size) {
        err = weft_state_audit_root(state, s->last.size, &own, &msg);
    }
    if (err == WEFT_OK) {
        err = weft_checkpoint_note_may_sign(&s->last, &own, head, &msg);
    }
    if (err == WEFT_ECONFLICT) {
        s->is_barred = true;
        weft_log(WEFT_LOG_ERROR, "audit_other_tree", weft_kv("error", (const char *)msg.text),
            weft_kv("signed", s->last.size),
            weft_kv("next", "this node signed another history than it has now: it signs nothing "
                            "until somebody found out why"));
    } else if (err == WEFT_ESTATE && !s->is_behind) {
        s->is_behind = true;
        bool is_unknown = s->last.size == WEFT_MERKLE_SIZE_MAX; /* NOD-161 */
        weft_log(WEFT_LOG_WARN, is_unknown ? "audit_past_unknown" : "audit_behind",
            weft_kv("signed", s->last.size), weft_kv("has", head->size),
            weft_kv("next", is_unknown ? "restored, and what log.key has signed is not known: "
                                         "nothing is signed (runbook backup-and-restore)"
                                       : "nothing is signed until it caught up"));
    } else if (err != WEFT_OK && err != WEFT_ESTATE) {
        weft_log(WEFT_LOG_ERROR, "audit_not_signed", weft_kv("error", (const char *)msg.text));
    }
    s->is_behind = s->is_behind && err != WEFT_OK;
    return err == WEFT_OK;
}

/* The leader's wish goes ahead of its own signature, so that all disks work at once. */
static void sign(struct weft_audit_sign *s, const struct weft_merkle_head *head)
{
    const struct weft_audit_line wish = {.size = head->size, .root = head->root};
    struct weft_msg msg = {""};
    bool is_leader = s->leader_id == s->options.self_id;
    s->signed_ms = s->now_ms;
    s->hurried_ms = s->is_hurried ? s->now_ms : s->hurried_ms;
    s->is_hurried = false;
    /* It is the leader that sets the pace; others follow it. */
    s->next_ms = s->now_ms + (is_leader ? WEFT_AUDIT_SIGN_EVERY_MS : 0);
    s->again_ms = s->now_ms + WEFT_AUDIT_SIGN_AGAIN_MS;
    if (is_leader) {
        s->options.tell(s->options.ctx, &wish);
    }
    if (head->size == s->last.size) { /* And its root: may_sign. */
        announce(s);
        return;
    }
    s->next = *head;
    s->work.data = s;
    if (put_text(s, head, &msg) == WEFT_OK &&
        uv_queue_work(s->options.loop, &s->work, persist, persisted) == 0) {
        s->is_working = true;
    }
}

/* The leader's next size; of others what the leader wants, once they have it. */
static bool choose(
    struct weft_audit_sign *s, struct weft_state *state, struct weft_merkle_head *ret_head)
{
    bool is_leader = s->leader_id == s->options.self_id;
    struct weft_msg msg = {""};
    if (!is_leader && s->wanted.size == 0) {
        return false; /* The root of the present costs hashing. */
    }
    const struct weft_merkle_head now = weft_state_audit(state);
    if (is_leader) {
        *ret_head = now;
        bool is_wanting = s->lines.note.size == 0 || s->lines.head.size < now.size;
        return now.size > 0 &&
               (now.size > s->last.size || (is_wanting && s->now_ms >= s->again_ms));
    }
    if (s->wanted.size > now.size) {
        return false;
    }
    *ret_head = s->wanted;
    s->wanted.size = 0;
    struct weft_digest own;
    if (weft_state_audit_root(state, ret_head->size, &own, &msg) != WEFT_OK) {
        weft_log(WEFT_LOG_ERROR, "audit_not_signed", weft_kv("error", (const char *)msg.text));
        return false;
    }
    if (!weft_digest_equal(&own, &ret_head->root)) {
        weft_log(WEFT_LOG_ERROR, "audit_split", weft_kv("size", ret_head->size),
            weft_kv("member", s->wanted_by),
            weft_kv("next", "the leader signed another tree than this node has: stop one of them "
                            "and compare their states (weft status --digest)"));
        return false;
    }
    return true;
}

void weft_audit_sign_turn(struct weft_audit_sign *s, struct weft_state *state,
    const struct weft_configuration *configuration, uint64_t leader_id, uint64_t now_ms)
{
    struct weft_merkle_head head;
    s->now_ms = now_ms;
    s->leader_id = leader_id;
    weft_audit_lines_settle(&s->lines, configuration);
    if (s->has_key && !s->is_barred && !s->is_working && now_ms >= s->next_ms &&
        choose(s, state, &head) && may_sign(s, state, &head)) {
        sign(s, &head);
    }
}

void weft_audit_sign_hurry(struct weft_audit_sign *s, uint64_t leaf)
{
    uint64_t soon_ms = s->hurried_ms + WEFT_AUDIT_SIGN_HURRY_MS;
    bool is_under_way = s->next.size > leaf && s->now_ms < s->again_ms;
    if (weft_audit_sign_note_size(s) <= leaf && !is_under_way) {
        s->is_hurried = true;
        s->next_ms = soon_ms < s->next_ms ? soon_ms : s->next_ms;
    }
}

uint64_t weft_audit_sign_deadline(const struct weft_audit_sign *s)
{
    if (!s->has_key || s->is_barred || s->is_working) {
        return UINT64_MAX;
    }
    return s->next_ms > s->now_ms ? s->next_ms : UINT64_MAX;
}

void weft_audit_sign_receive(
    struct weft_audit_sign *s, uint64_t from, const struct weft_audit_line *line)
{
    struct weft_msg msg = {""};
    bool is_wish = line->line.size == 0;
    uint64_t sent_ms = s->now_ms - s->signed_ms;
    bool is_sent = line->size == s->next.size && sent_ms < WEFT_AUDIT_SIGN_AGAIN_MS / 2;
    enum weft_err err = is_wish ? WEFT_OK : weft_audit_lines_add(&s->lines, from, line, &msg);
    if (err == WEFT_ECONFLICT || (err != WEFT_OK && err != WEFT_ESTATE)) {
        weft_log(err == WEFT_ECONFLICT ? WEFT_LOG_ERROR : WEFT_LOG_WARN,
            err == WEFT_ECONFLICT ? "audit_split" : "audit_line_dropped", weft_kv("from", from),
            weft_kv("error", (const char *)msg.text));
    }
    /* One that could not be served yet is not pushed out by the next, or who lags never signs. */
    bool is_free = s->wanted.size == 0 || s->now_ms >= s->again_ms;
    if ((err == WEFT_OK || err == WEFT_ECONFLICT) && from == s->leader_id && is_free && !is_sent) {
        s->wanted = (struct weft_merkle_head){line->size, line->root};
        s->wanted_by = from;
        s->again_ms = s->now_ms + WEFT_AUDIT_SIGN_AGAIN_MS;
        s->options.wake(s->options.ctx);
    }
}

struct weft_bytes weft_audit_sign_note(const struct weft_audit_sign *s)
{
    return (struct weft_bytes){s->lines.note.data, s->lines.note.size};
}

uint64_t weft_audit_sign_note_size(const struct weft_audit_sign *s)
{
    return s != NULL && s->lines.note.size > 0 ? s->lines.head.size : 0;
}

/* --- open and close -------------------------------------------------------------------------- */

static enum weft_err load_key(struct weft_audit_sign *s, struct weft_msg *msg)
{
    struct weft_buffer pem = {.size_max = WEFT_KEYFILE_SIZE_MAX};
    struct weft_ed25519_pair pair;
    bool is_found;
    enum weft_err err = weft_tree_read(s->options.key_file, &pem, &is_found, msg);
    if (err == WEFT_OK && !is_found) {
        weft_log(WEFT_LOG_WARN, "audit_no_key", weft_kv("file", s->options.key_file),
            weft_kv("next", "this node signs no audit checkpoints; weft pki node makes a key"));
        return WEFT_OK;
    }
    if (err == WEFT_OK) {
        err = weft_keyfile_decode(
            (struct weft_bytes){pem.data, pem.size}, (struct weft_bytes){NULL, 0}, &pair, msg);
        if (err == WEFT_OK) {
            err = weft_signer_make(
                weft_text_of(s->origin), WEFT_SIGNER_ED25519, &pair, &s->signer, msg);
            weft_ed25519_wipe(&pair);
            s->has_key = err == WEFT_OK;
        }
    }
    weft_keyfile_destroy(&pem);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", s->options.key_file);
}

static enum weft_err load_signed(struct weft_audit_sign *s, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = SIGNED_SIZE_MAX};
    struct weft_checkpoint_note checkpoint;
    bool is_found;
    enum weft_err err = weft_tree_read(s->path, &bytes, &is_found, msg);
    if (err == WEFT_OK && is_found) {
        struct weft_text text = weft_buffer_as_text(&bytes);
        err = weft_checkpoint_note_parse(text, &checkpoint, msg);
        if (err != WEFT_OK || !weft_text_is(checkpoint.origin, s->origin)) {
            err = weft_fail(msg, WEFT_ECORRUPT,
                "%s is damaged, or of another log: what this node signed is not known; with a new "
                "log.key and without this file it begins anew",
                s->path);
        } else {
            s->last = checkpoint.head;
        }
    }
    weft_buffer_destroy(&bytes);
    return err;
}

/* NOD-161. */
enum weft_err weft_audit_sign_bar(const char *directory, const char *origin, struct weft_msg *msg)
{
    char path[PATH_SIZE];
    struct weft_buffer text = {.size_max = SIGNED_SIZE_MAX};
    const struct weft_checkpoint_note never = {.origin = weft_text_of(origin),
        .head = {.size = WEFT_MERKLE_SIZE_MAX, .root = weft_merkle_empty()}};
    (void)snprintf(path, sizeof(path), "%s/signed", directory);
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return weft_fail(msg, WEFT_EIO, "%s: %s", directory, strerror(errno));
    }
    if (access(path, F_OK) == 0) {
        return WEFT_OK; /* It is known. */
    }
    enum weft_err err = weft_checkpoint_note_encode(&never, &text, msg);
    err = err == WEFT_OK ? weft_tree_replace(directory, path, &text, msg) : err;
    weft_buffer_destroy(&text);
    return err;
}

enum weft_err weft_audit_sign_open(const struct weft_audit_sign_options *options,
    struct weft_audit_sign **ret_sign, struct weft_msg *msg)
{
    struct weft_audit_sign *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "sign the audit log");
    }
    s->options = *options;
    s->last.root = weft_merkle_empty();
    s->text.size_max = SIGNED_SIZE_MAX;
    (void)snprintf(s->origin, sizeof(s->origin), "%s", options->origin);
    (void)snprintf(s->directory, sizeof(s->directory), "%s", options->directory);
    (void)snprintf(s->path, sizeof(s->path), "%s/signed", options->directory);
    weft_audit_lines_init(&s->lines, s->origin);
    enum weft_err err = WEFT_OK;
    if (mkdir(options->directory, 0700) != 0 && errno != EEXIST) {
        err = weft_fail(msg, WEFT_EIO, "%s: %s", options->directory, strerror(errno));
    }
    if (err == WEFT_OK) {
        err = load_key(s, msg);
    }
    if (err == WEFT_OK && s->has_key) {
        err = load_signed(s, msg);
    }
    if (err != WEFT_OK) {
        weft_signer_wipe(&s->signer);
        weft_audit_lines_destroy(&s->lines);
        free(s);
        return err;
    }
    *ret_sign = s;
    return WEFT_OK;
}

void weft_audit_sign_close(struct weft_audit_sign *s, void (*on_closed)(void *ctx), void *ctx)
{
    s->on_closed = on_closed;
    s->closed_ctx = ctx;
    if (!s->is_working) {
        finish_close(s);
    }
}
