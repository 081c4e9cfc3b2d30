#include "node/partner_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "federation/refusal.h"
#include "node/logger.h"
#include "node/mutant.h"
#include "policy/checkpoint_note.h"
#include "policy/crypto/keyfile.h"
#include "policy/note.h"

enum {
    ORIGIN_SIZE = WEFT_AUDIT_LINE_SIZE_MAX + 1,
    REFUSAL_MEMORY_MAX = 1024 * 1024,
    REFUSAL_SIZE_MAX = 48 * 1024, /* The rest of a note is for signatures; chosen. */
    REFUSAL_LINE_SIZE = 160,      /* Without its reason, rounded up. */
};

static const char *const words[WEFT_PARTNER_TEXTS] = {
    [WEFT_PARTNER_TEXT_HEAD] = "sent",
    [WEFT_PARTNER_TEXT_RECEIPT] = "received",
    [WEFT_PARTNER_TEXT_REFUSAL] = "refused",
};

/* --- texts ----------------------------------------------------------------------------------- */

static enum weft_err own_root(struct weft_state *state, const struct weft_agreement *agreement,
    enum weft_direction direction, const struct weft_merkle_head *head, struct weft_msg *msg)
{
    struct weft_stream_source source;
    struct weft_digest root;
    enum weft_err err = weft_stream_source(state, agreement->terms->number, direction, &source);
    if (err == WEFT_OK && source.size < head->size) {
        err = weft_fail(msg, WEFT_ESTATE, "not as much is here yet");
    }
    if (err == WEFT_OK) {
        err = weft_stream_source_root(&source, head->size, &root, msg);
    }
    if (err == WEFT_OK && !weft_digest_equal(&root, &head->root)) {
        err = weft_fail(
            msg, WEFT_ECONFLICT, "another tree of %" PRIu64 " leaves is here", head->size);
    }
    return err;
}

/* NOD-243: the one that was agreed to be signed, or that was committed. */
static enum weft_err check_head(struct weft_state *state, const struct weft_agreement *agreement,
    const struct weft_partner_asked *asked, struct weft_msg *msg)
{
    const struct weft_merkle_head *signed_head = &agreement->provider->signed_head;
    if (asked->what == WEFT_PARTNER_TEXT_RECEIPT &&
        weft_node_mutant(WEFT_NODE_MUTANT_RECEIPT_EARLY)) {
        return WEFT_OK;
    }
    if (asked->what == WEFT_PARTNER_TEXT_RECEIPT) {
        return own_root(state, agreement, WEFT_RECEIVED, &asked->head, msg);
    }
    if (asked->head.size != signed_head->size || asked->head.size == 0) {
        return weft_fail(msg, WEFT_ESTATE, "the head to be signed is another one");
    }
    return weft_digest_equal(&asked->head.root, &signed_head->root)
               ? WEFT_OK
               : weft_fail(msg, WEFT_ECONFLICT, "another tree is to be signed");
}

struct refusing {
    struct weft_refusal_line lines[WEFT_REFUSAL_LINES_MAX];
    char reasons[WEFT_REFUSAL_LINES_MAX][WEFT_REFUSAL_REASON_SIZE];
    uint32_t count;
    size_t size;  /* Of their lines, at most. */
    uint64_t end; /* Of the statements it is about; falls to the first that there is no room for. */
};

static enum weft_err on_quarantined(
    void *ctx, const struct weft_received *received, struct weft_msg *msg)
{
    struct refusing *r = ctx;
    (void)msg;
    if (received->sequence >= r->end) {
        return WEFT_OK;
    }
    if (r->count == WEFT_REFUSAL_LINES_MAX || r->size > REFUSAL_SIZE_MAX) {
        r->end = received->sequence;
        return WEFT_OK;
    }
    size_t size = received->reason.size < WEFT_REFUSAL_REASON_SIZE ? received->reason.size
                                                                   : WEFT_REFUSAL_REASON_SIZE;
    size = weft_text_utf8_prefix((struct weft_text){received->reason.data, size});
    if (size > 0) {
        memcpy(r->reasons[r->count], received->reason.data, size);
    }
    r->lines[r->count] = (struct weft_refusal_line){.sequence = received->sequence,
        .statement = received->statement,
        .fault = received->fault,
        .reason = {r->reasons[r->count], size}};
    r->size += REFUSAL_LINE_SIZE + size;
    r->count++;
    return WEFT_OK;
}

static enum weft_err refusal_text(struct weft_state *state, const struct weft_agreement *agreement,
    const struct weft_partner_asked *asked, struct weft_buffer *out, uint64_t *ret_next,
    struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = REFUSAL_MEMORY_MAX};
    struct weft_stream_source source;
    struct refusing *r = weft_arena_alloc(&arena, sizeof(*r));
    enum weft_err err =
        r != NULL ? weft_stream_source(state, agreement->terms->number, WEFT_RECEIVED, &source)
                  : WEFT_ENOMEM;
    if (err == WEFT_OK) {
        r->count = 0;
        r->size = 0;
        r->end = asked->head.size;
        err = source.size < asked->head.size
                  ? weft_fail(msg, WEFT_ESTATE, "not as much is here yet")
                  : weft_stream_source_quarantine(&source, asked->from, on_quarantined, r, msg);
    }
    if (err == WEFT_OK && r->count == 0) {
        err = weft_fail(msg, WEFT_ESTATE, "nothing is in quarantine there");
    }
    if (err == WEFT_OK) {
        const struct weft_refusal refusal = {.agreement = agreement->terms->name,
            .provider = agreement->terms->partner,
            .receiver = agreement->terms->site,
            .lines = r->lines,
            .line_count = r->count};
        err = weft_refusal_encode(&refusal, &arena, out, msg);
        *ret_next = r->end;
    }
    weft_arena_destroy(&arena);
    return err;
}

/* The first line of heads and receipts, as stream.h has it; of refusals nothing that is signed. */
static void make_origin(const struct weft_partner_sign *sign,
    const struct weft_partner_asked *asked, char ret_origin[ORIGIN_SIZE])
{
    if (asked->what == WEFT_PARTNER_TEXT_REFUSAL) {
        (void)snprintf(ret_origin, ORIGIN_SIZE, "%s/%s/%s/%" PRIu64, sign->site, words[asked->what],
            asked->agreement, asked->from);
    } else {
        (void)snprintf(
            ret_origin, ORIGIN_SIZE, "%s/%s/%s", sign->site, words[asked->what], asked->agreement);
    }
}

enum weft_err weft_partner_sign_text(const struct weft_partner_sign *sign, struct weft_state *state,
    const struct weft_partner_asked *asked, struct weft_buffer *out, uint64_t *ret_next,
    struct weft_msg *msg)
{
    char origin[ORIGIN_SIZE];
    uint64_t next = asked->head.size;
    struct weft_agreement agreement;
    struct weft_streams *streams = weft_state_streams(state);
    if (!weft_streams_find(streams, weft_text_of(asked->agreement), &agreement) ||
        agreement.terms == NULL) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no agreement %s", asked->agreement);
    }
    if (asked->what == WEFT_PARTNER_TEXT_REFUSAL) {
        return refusal_text(
            state, &agreement, asked, out, ret_next != NULL ? ret_next : &next, msg);
    }
    enum weft_err err = check_head(state, &agreement, asked, msg);
    if (err == WEFT_OK) {
        make_origin(sign, asked, origin);
        const struct weft_checkpoint_note checkpoint = {
            .origin = weft_text_of(origin), .head = asked->head};
        err = weft_checkpoint_note_encode(&checkpoint, out, msg);
    }
    return err;
}

enum weft_err weft_partner_sign_line(const struct weft_partner_sign *sign, struct weft_text text,
    struct weft_buffer *out, struct weft_msg *msg)
{
    if (!sign->has_key) {
        return weft_fail(msg, WEFT_ESTATE, "this node has no log.key");
    }
    return weft_note_sign_line(text, &sign->signer, 0, out, msg);
}

/* --- between nodes --------------------------------------------------------------------------- */

static void tell(const struct weft_partner_sign *sign, uint64_t to,
    const struct weft_partner_asked *asked, struct weft_text text)
{
    char origin[ORIGIN_SIZE], vkey[WEFT_VKEY_TEXT_SIZE] = "";
    make_origin(sign, asked, origin);
    if (sign->has_key) {
        weft_verifier_format(&sign->signer.verifier, vkey);
    }
    const struct weft_audit_line line = {.size = asked->head.size,
        .root = asked->head.root,
        .vkey = weft_text_of(vkey),
        .line = text,
        .origin = weft_text_of(origin)};
    sign->tell(sign->ctx, to, &line);
}

void weft_partner_sign_ask(const struct weft_partner_sign *sign,
    const struct weft_partner_asked *asked, struct weft_text line)
{
    tell(sign, 0, asked, line);
}

bool weft_partner_sign_parse(const struct weft_partner_sign *sign,
    const struct weft_audit_line *line, struct weft_partner_asked *ret_asked)
{
    struct weft_text rest = line->origin, word, name;
    const size_t site = strlen(sign->site);
    struct weft_partner_asked asked = {.head = {line->size, line->root}};
    if (!weft_text_starts(rest, sign->site) || rest.size <= site || rest.data[site] != '/') {
        return false;
    }
    rest = (struct weft_text){rest.data + site + 1, rest.size - site - 1};
    (void)weft_text_cut(&rest, '/', &word);
    bool has_more = weft_text_cut(&rest, '/', &name);
    uint32_t what = 0;
    while (what < WEFT_PARTNER_TEXTS && !weft_text_is(word, words[what])) {
        what++;
    }
    if (what == WEFT_PARTNER_TEXTS || name.size == 0 || name.size >= sizeof(asked.agreement) ||
        has_more != (what == WEFT_PARTNER_TEXT_REFUSAL) ||
        (has_more && !weft_text_exact_number(rest, &asked.from))) {
        return false;
    }
    asked.what = (enum weft_partner_text)what;
    memcpy(asked.agreement, name.data, name.size);
    *ret_asked = asked;
    return true;
}

/* False: not now. */
static bool answer(const struct weft_partner_sign *sign, struct weft_state *state, uint64_t to,
    const struct weft_partner_asked *asked)
{
    struct weft_buffer text = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_buffer line = {.size_max = WEFT_AUDIT_LINE_SIZE_MAX};
    struct weft_msg msg = {""};
    enum weft_err err = weft_partner_sign_text(sign, state, asked, &text, NULL, &msg);
    if (err == WEFT_OK && asked->what == WEFT_PARTNER_TEXT_REFUSAL) {
        const struct weft_digest digest = weft_sha256(text.data, text.size);
        err = weft_digest_equal(&digest, &asked->head.root)
                  ? WEFT_OK
                  : weft_fail(&msg, WEFT_ECONFLICT, "other statements are in quarantine here");
    }
    if (err == WEFT_OK) {
        err = weft_partner_sign_line(sign, weft_buffer_as_text(&text), &line, &msg);
    }
    if (err == WEFT_OK) {
        tell(sign, to, asked, weft_buffer_as_text(&line));
    } else if (err != WEFT_ESTATE && err != WEFT_ENOTFOUND) {
        weft_log(WEFT_LOG_ERROR, "partner_not_signed", weft_kv("agreement", asked->agreement),
            weft_kv("what", words[asked->what]), weft_kv("error", (const char *)msg.text),
            weft_kv("next", "compare the nodes' states (weft status --digest)"));
    }
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&line);
    return err != WEFT_ESTATE && err != WEFT_ENOTFOUND;
}

void weft_partner_sign_owe(struct weft_partner_sign *sign, struct weft_state *state, uint64_t to,
    const struct weft_partner_asked *asked, uint64_t now_ms)
{
    if (!sign->has_key || answer(sign, state, to, asked)) {
        return;
    }
    struct weft_partner_owed *at = NULL;
    for (uint32_t i = 0; i < WEFT_PARTNER_OWED_MAX; i++) { /* The newest question counts. */
        struct weft_partner_owed *owed = &sign->owed[i];
        if (owed->is_used && owed->asked.what == asked->what &&
            strcmp(owed->asked.agreement, asked->agreement) == 0) {
            at = owed;
        }
    }
    at = at != NULL ? at : &sign->owed[sign->owed_next++ % WEFT_PARTNER_OWED_MAX];
    *at = (struct weft_partner_owed){
        .is_used = true, .to = to, .until_ms = now_ms + WEFT_PARTNER_OWED_MS, .asked = *asked};
}

void weft_partner_sign_turn(
    struct weft_partner_sign *sign, struct weft_state *state, uint64_t now_ms)
{
    for (uint32_t i = 0; i < WEFT_PARTNER_OWED_MAX; i++) {
        struct weft_partner_owed *owed = &sign->owed[i];
        if (owed->is_used) {
            owed->is_used = now_ms < owed->until_ms && !answer(sign, state, owed->to, &owed->asked);
        }
    }
}

/* --- the key --------------------------------------------------------------------------------- */

static enum weft_err read_key(const char *path, struct weft_buffer *out, struct weft_msg *msg)
{
    char bytes[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return weft_fail(
            msg, errno == ENOENT ? WEFT_ENOTFOUND : WEFT_EIO, "%s: %s", path, strerror(errno));
    }
    ssize_t size = read(fd, bytes, sizeof(bytes));
    (void)close(fd);
    enum weft_err err = size >= 0 ? weft_buffer_append(out, bytes, (size_t)size) : WEFT_EIO;
    explicit_bzero(bytes, sizeof(bytes));
    return err == WEFT_OK ? err : weft_fail(msg, err, "%s: it cannot be read", path);
}

enum weft_err weft_partner_sign_load(
    struct weft_partner_sign *sign, const char *key_file, const char *site, struct weft_msg *msg)
{
    struct weft_buffer pem = {.size_max = WEFT_KEYFILE_SIZE_MAX};
    struct weft_ed25519_pair pair;
    char name[WEFT_SIGNER_NAME_SIZE_MAX + 1];
    (void)snprintf(sign->site, sizeof(sign->site), "%s", site);
    (void)snprintf(name, sizeof(name), "%s/audit", site);
    enum weft_err err = read_key(key_file, &pem, msg);
    if (err == WEFT_ENOTFOUND) {
        weft_log(WEFT_LOG_WARN, "partner_no_key", weft_kv("file", key_file),
            weft_kv("next", "this node signs nothing for partners; weft pki node makes a key"));
        return WEFT_OK;
    }
    if (err == WEFT_OK) {
        err = weft_keyfile_decode(
            (struct weft_bytes){pem.data, pem.size}, (struct weft_bytes){NULL, 0}, &pair, msg);
    }
    if (err == WEFT_OK) {
        err = weft_signer_make(weft_text_of(name), WEFT_SIGNER_ED25519, &pair, &sign->signer, msg);
        weft_ed25519_wipe(&pair);
        sign->has_key = err == WEFT_OK;
    }
    weft_keyfile_destroy(&pem);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", key_file);
}

void weft_partner_sign_wipe(struct weft_partner_sign *sign)
{
    weft_signer_wipe(&sign->signer);
    sign->has_key = false;
}
