#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/stream.h"
#include "federation/stream_file.h"
#include "ops/weft/audit_files.h"
#include "ops/weft/output.h"
#include "ops/weft/partner_bundle.h"
#include "ops/weft/partner_source.h"
#include "proto/limits.h"

/* partner export --bundle, partner import: what would travel on the link, as a file that somebody
 * carries (federation/stream_file.h). Whoever carries it is not believed, nor is this program. */

enum {
    ITEMS_MAX = 1024, /* As the node answers at most. */
};

/* --- the file --------------------------------------------------------------------------------- */

struct writing {
    FILE *file;
    const char *path;
    struct weft_stream_name stream;
    struct weft_buffer bytes;
    uint64_t size;
};

static enum weft_err put(struct writing *w, struct weft_bytes bytes, struct weft_msg *msg)
{
    w->size += bytes.size;
    return fwrite(bytes.data, 1, bytes.size, w->file) == bytes.size
               ? WEFT_OK
               : weft_fail(msg, WEFT_EIO, "%s: %s", w->path, strerror(errno));
}

static enum weft_err begin_file(struct writing *w, const char *path, struct weft_msg *msg)
{
    w->path = path;
    w->bytes.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX;
    w->file = fopen(path, "wbx");
    if (w->file == NULL) {
        return weft_fail(msg, errno == EEXIST ? WEFT_ECONFLICT : WEFT_EIO, "%s: %s", path,
            errno == EEXIST ? "exists already" : strerror(errno));
    }
    enum weft_err err = weft_stream_file_begin(&w->bytes);
    return err == WEFT_OK ? put(w, (struct weft_bytes){w->bytes.data, w->bytes.size}, msg)
                          : weft_fail(msg, err, "%s", path);
}

static enum weft_err put_message(
    struct writing *w, struct weft_partner_message *message, struct weft_msg *msg)
{
    message->stream = w->stream;
    weft_buffer_clear(&w->bytes);
    enum weft_err err = weft_partner_encode(message, &w->bytes);
    return err == WEFT_OK ? put(w, (struct weft_bytes){w->bytes.data, w->bytes.size}, msg)
                          : weft_fail(msg, err, "a message of a stream");
}

/* What failed is not left behind as if it were whole. */
static enum weft_err end_file(struct writing *w, enum weft_err err, struct weft_msg *msg)
{
    weft_buffer_destroy(&w->bytes);
    if (w->file == NULL) {
        return err;
    }
    if (fclose(w->file) != 0 && err == WEFT_OK) {
        err = weft_fail(msg, WEFT_EIO, "%s: %s", w->path, strerror(errno));
    }
    if (err != WEFT_OK) {
        (void)remove(w->path);
    }
    return err;
}

struct reading {
    FILE *file;
    const char *path;
    struct weft_buffer bytes;
    struct weft_arena arena;
};

static enum weft_err open_file(struct reading *r, const char *path, struct weft_msg *msg)
{
    uint8_t head[WEFT_STREAM_FILE_HEAD_SIZE];
    r->path = path;
    r->bytes.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX;
    r->arena.size_max = 2 * WEFT_STREAM_MESSAGE_SIZE_MAX;
    r->file = fopen(path, "rb");
    if (r->file == NULL) {
        return weft_fail(
            msg, errno == ENOENT ? WEFT_ENOTFOUND : WEFT_EIO, "%s: %s", path, strerror(errno));
    }
    size_t size = fread(head, 1, sizeof(head), r->file);
    if (ferror(r->file) != 0 && errno == EISDIR) {
        return weft_fail(msg, WEFT_EINVAL,
            "%s is a directory, as weft partner export NAME DIR makes one for readers: what is "
            "imported is the one file of weft partner export NAME FILE --bundle",
            path);
    }
    enum weft_err err = weft_stream_file_open((struct weft_bytes){head, size}, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
}

static void close_file(struct reading *r)
{
    if (r->file != NULL) {
        (void)fclose(r->file);
    }
    weft_buffer_destroy(&r->bytes);
    weft_arena_destroy(&r->arena);
}

/* The next message, whole in r->bytes. WEFT_ENOTFOUND: there is none left. */
static enum weft_err next_message(
    struct reading *r, struct weft_partner_message *ret_message, struct weft_msg *msg)
{
    uint8_t envelope[WEFT_ENVELOPE_SIZE];
    size_t size = 0, rest = fread(envelope, 1, sizeof(envelope), r->file);
    if (rest == 0) {
        return WEFT_ENOTFOUND;
    }
    enum weft_err err =
        rest == sizeof(envelope)
            ? weft_stream_file_size((struct weft_bytes){envelope, sizeof(envelope)}, &size, msg)
            : weft_fail(msg, WEFT_EMALFORMED, "the last message is cut short");
    weft_buffer_clear(&r->bytes);
    weft_arena_reset(&r->arena);
    if (err == WEFT_OK) {
        err = weft_buffer_append(&r->bytes, envelope, sizeof(envelope));
    }
    if (err == WEFT_OK) {
        err = weft_buffer_reserve(&r->bytes, size);
    }
    if (err == WEFT_OK) {
        rest = fread(r->bytes.data + sizeof(envelope), 1, size - sizeof(envelope), r->file);
        r->bytes.size += rest;
        err = r->bytes.size == size
                  ? WEFT_OK
                  : weft_fail(msg, WEFT_EMALFORMED, "the last message is cut short");
    }
    if (err == WEFT_OK) {
        err = weft_partner_decode(
            (struct weft_bytes){r->bytes.data, r->bytes.size}, &r->arena, ret_message, msg);
    }
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", r->path);
}

/* --- how it stands ---------------------------------------------------------------------------- */

struct standing {
    struct weft_buffer text;
    struct weft_text us, them;
};

static enum weft_err ask_standing(
    struct weft_client *client, const char *name, struct standing *s, struct weft_msg *msg)
{
    weft_buffer_clear(&s->text);
    s->text.size_max = WEFT_ANSWER_SIZE_MAX;
    enum weft_err err = weft_partner_source_file(client, name, NULL, &s->text, msg);
    s->them = weft_partner_source_line(weft_buffer_as_text(&s->text), "parties");
    return err == WEFT_OK && !weft_text_cut(&s->them, ' ', &s->us)
               ? weft_fail(msg, WEFT_EVERSION, "the node answered with something else")
               : err;
}

/* "<key> <size>[ <root>]" */
static enum weft_err read_head(const struct standing *s, const char *key,
    struct weft_merkle_head *ret_head, struct weft_msg *msg)
{
    struct weft_text rest = weft_partner_source_line(weft_buffer_as_text(&s->text), key), word;
    struct weft_merkle_head head = {.size = 0, .root = weft_merkle_empty()};
    bool has_root = weft_text_cut(&rest, ' ', &word);
    if (!weft_text_exact_number(word, &head.size) ||
        (has_root && weft_digest_parse(rest, &head.root) != WEFT_OK)) {
        return weft_fail(msg, WEFT_EVERSION, "the node answered with something else: %s", key);
    }
    *ret_head = head;
    return WEFT_OK;
}

/* --- export: heads and batches ---------------------------------------------------------------- */

struct sending {
    struct weft_audit_source source;
    char stem[WEFT_CONTRACT_NAME_SIZE_MAX + 32];
    struct weft_buffer note;
    struct weft_merkle_head tree;
    struct weft_merkle_prover *prover; /* 64 KiB */
    uint64_t next, known;              /* Where whoever receives it stands. */
};

static enum weft_err prove(
    struct sending *s, uint64_t old_size, struct weft_merkle_proof *ret_proof, struct weft_msg *msg)
{
    ret_proof->count = 0;
    if (old_size == 0 || old_size == s->tree.size) {
        return WEFT_OK;
    }
    weft_merkle_prover_init(s->prover, s->tree.size, weft_audit_source_tile, &s->source);
    return weft_merkle_prove_consistency(s->prover, old_size, ret_proof, msg);
}

static enum weft_err put_head(struct sending *s, struct writing *w, struct weft_msg *msg)
{
    struct weft_merkle_proof proof;
    enum weft_err err = prove(s, s->known, &proof, msg);
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HEAD,
        .head = {.note = weft_buffer_as_text(&s->note), .old_size = s->known}};
    m.head.proof = weft_stream_proof_bytes(&proof);
    return err == WEFT_OK ? put_message(w, &m, msg) : err;
}

/* Items of the answer that are under the head; what follows them is cut. */
static enum weft_err count_items(
    struct weft_bytes *items, uint64_t room, uint32_t *ret_count, struct weft_msg *msg)
{
    struct weft_bytes rest = *items;
    uint32_t count = 0;
    while (rest.size > 0 && count < room && count < ITEMS_MAX) {
        struct weft_stream_item item;
        if (weft_stream_item_next(&rest, &item) != WEFT_OK) {
            return weft_fail(msg, WEFT_EVERSION, "the node answered with something else");
        }
        count++;
    }
    items->size -= rest.size;
    *ret_count = count;
    return count > 0 ? WEFT_OK : weft_fail(msg, WEFT_EVERSION, "the node has no more of them");
}

static enum weft_err put_batch(
    struct sending *s, struct writing *w, uint64_t *first, struct weft_msg *msg)
{
    struct weft_audit_result result;
    struct weft_merkle_proof proof;
    struct weft_buffer items = {.size_max = WEFT_STREAM_ITEMS_SIZE_MAX};
    char path[40];
    uint32_t count = 0;
    (void)snprintf(path, sizeof(path), "items/%" PRIu64, *first);
    enum weft_err err = weft_audit_source_ask(&s->source, path, &result, msg);
    if (err == WEFT_OK) {
        err = count_items(&result.content, s->tree.size - *first, &count, msg);
    }
    if (err == WEFT_OK) { /* The next question takes the answer's place. */
        err = weft_buffer_append(&items, result.content.data, result.content.size);
    }
    if (err == WEFT_OK) {
        err = prove(s, *first + count, &proof, msg);
    }
    if (err == WEFT_OK) {
        struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
            .batch = {.first = *first,
                .count = count,
                .items = {items.data, items.size},
                .head_size = s->tree.size}};
        m.batch.proof = weft_stream_proof_bytes(&proof);
        err = put_message(w, &m, msg);
        *first += count;
    }
    weft_buffer_destroy(&items);
    return err;
}

/* What the partner's own bundle says, or how far he has acknowledged. */
static enum weft_err find_place(const struct weft_args *args, const struct standing *standing,
    struct sending *s, struct weft_msg *msg)
{
    const char *path = weft_args_text(args, "hello", NULL);
    struct weft_merkle_head head;
    struct reading r = {.file = NULL};
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_NOTICE};
    if (path == NULL) {
        enum weft_err err = read_head(standing, "sent.acknowledged", &head, msg);
        s->next = s->known = err == WEFT_OK ? head.size : 0;
        return err;
    }
    enum weft_err err = open_file(&r, path, msg);
    while (err == WEFT_OK && !(m.kind == WEFT_KIND_STREAM_HELLO &&
                                 weft_text_is(m.stream.agreement, args->operands[0]) &&
                                 weft_text_equal(m.stream.provider, standing->us))) {
        err = next_message(&r, &m, msg);
    }
    if (err == WEFT_ENOTFOUND && r.file != NULL) {
        err = weft_fail(msg, err, "%s: it does not say where the partner stands", path);
    }
    if (err == WEFT_OK) {
        s->next = m.hello.next;
        s->known = m.hello.head_size;
    }
    close_file(&r);
    return err;
}

static enum weft_err put_sent(const struct weft_args *args, struct weft_client *client,
    const struct standing *standing, struct writing *w, struct weft_msg *msg)
{
    struct sending s = {.tree = {0}};
    (void)snprintf(s.stem, sizeof(s.stem), "partner/%.*s/sent/", WEFT_CONTRACT_NAME_SIZE_MAX,
        args->operands[0]);
    weft_audit_source_init(&s.source, client, false);
    s.source.stem = s.stem;
    s.note.size_max = WEFT_NOTE_SIZE_MAX;
    s.prover = malloc(sizeof(*s.prover));
    enum weft_err err = s.prover != NULL ? find_place(args, standing, &s, msg)
                                         : weft_fail(msg, WEFT_ENOMEM, "prove a head");
    if (err == WEFT_OK) {
        err = weft_audit_source_checkpoint(&s.source, &s.note, &s.tree, msg);
    }
    if (err == WEFT_OK && (s.next > s.tree.size || s.known > s.tree.size)) {
        err = weft_fail(msg, WEFT_ECONFLICT,
            "the partner has %" PRIu64 " leaves, and the newest signed head %" PRIu64, s.next,
            s.tree.size);
    }
    if (err == WEFT_OK) {
        err = put_head(&s, w, msg);
    }
    uint64_t first = s.next;
    while (err == WEFT_OK && first < s.tree.size) {
        err = put_batch(&s, w, &first, msg);
    }
    if (err == WEFT_OK) {
        (void)printf("leaves %" PRIu64 " to %" PRIu64 ", %" PRIu64 " bytes, in %s\n", s.next,
            s.tree.size, w->size, w->path);
    }
    free(s.prover);
    weft_buffer_destroy(&s.note);
    weft_audit_source_close(&s.source);
    return err;
}

/* --- export: hello and receipt ---------------------------------------------------------------- */

static enum weft_err put_hello(
    const struct standing *standing, struct writing *w, struct weft_msg *msg)
{
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HELLO,
        .hello = {.statements_until = UINT64_MAX, .bytes_until = UINT64_MAX}};
    struct weft_merkle_head tree, head;
    struct weft_text word,
        rest = weft_partner_source_line(weft_buffer_as_text(&standing->text), "received.version");
    enum weft_err err = read_head(standing, "received.size", &tree, msg);
    if (err == WEFT_OK) {
        err = read_head(standing, "received.head", &head, msg);
    }
    if (err == WEFT_OK &&
        (!weft_text_cut(&rest, ' ', &word) || !weft_text_exact_number(word, &m.hello.version) ||
            weft_digest_parse(rest, &m.hello.agreement_digest) != WEFT_OK)) {
        err = weft_fail(msg, WEFT_EVERSION, "the node answered with something else");
    }
    if (err == WEFT_OK) {
        m.hello.next = tree.size;
        m.hello.root = tree.root;
        m.hello.head_size = head.size;
        m.hello.head_root = head.root;
        err = put_message(w, &m, msg);
    }
    return err;
}

static enum weft_err put_received(const struct weft_args *args, struct weft_client *client,
    const struct standing *standing, struct writing *w, struct weft_msg *msg)
{
    struct weft_buffer note = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_RECEIPT};
    enum weft_err err = put_hello(standing, w, msg);
    if (err == WEFT_OK) {
        err = weft_partner_source_file(client, args->operands[0], "received/receipt", &note, msg);
        m.receipt.note = weft_buffer_as_text(&note);
        err = err == WEFT_OK ? put_message(w, &m, msg) : err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    if (err == WEFT_OK) {
        (void)printf("%s in %s\n",
            m.receipt.note.size > 0 ? "hello and receipt" : "hello, nothing was taken yet",
            w->path);
    }
    weft_buffer_destroy(&note);
    return err;
}

enum weft_err weft_partner_bundle_export(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct standing standing = {.text = {0}};
    struct writing w = {.file = NULL};
    bool is_received = weft_args_has(args, "received");
    enum weft_err err = ask_standing(client, args->operands[0], &standing, msg);
    w.stream = (struct weft_stream_name){.agreement = weft_text_of(args->operands[0]),
        .provider = is_received ? standing.them : standing.us};
    if (err == WEFT_OK) {
        err = begin_file(&w, args->operands[1], msg);
    }
    if (err == WEFT_OK) {
        err = is_received ? put_received(args, client, &standing, &w, msg)
                          : put_sent(args, client, &standing, &w, msg);
    }
    err = end_file(&w, err, msg);
    weft_buffer_destroy(&standing.text);
    return err;
}

/* --- import ----------------------------------------------------------------------------------- */

/* Of one file. */
struct taking {
    struct weft_client *client;
    struct standing standing;
    char name[WEFT_CONTRACT_NAME_SIZE_MAX + 1]; /* Of which it is. */
    bool is_stale;
    bool is_vouched;
    uint64_t taken, skipped;
};

static enum weft_err look(struct taking *t, struct weft_text name, struct weft_msg *msg)
{
    if (weft_text_is(name, t->name) && !t->is_stale) {
        return WEFT_OK;
    }
    t->is_stale = false;
    (void)snprintf(t->name, sizeof(t->name), "%.*s", (int)name.size, name.data);
    return ask_standing(t->client, t->name, &t->standing, msg);
}

/* Is it there already, or nothing for whoever is here? */
static enum weft_err is_old(const struct taking *t, const struct weft_partner_message *m,
    bool *ret_is_old, struct weft_msg *msg)
{
    struct weft_merkle_head tree = {.size = 0};
    enum weft_err err = WEFT_OK;
    *ret_is_old = false;
    if (m->kind == WEFT_KIND_STREAM_BATCH) {
        err = read_head(&t->standing, "received.size", &tree, msg);
        *ret_is_old = m->batch.count <= tree.size && m->batch.first <= tree.size - m->batch.count;
    } else if (m->kind == WEFT_KIND_STREAM_HELLO) { /* After a backup it is waited for. */
        *ret_is_old = !weft_text_is(
            weft_partner_source_line(weft_buffer_as_text(&t->standing.text), "sent.fenced"), "yes");
    }
    return err;
}

static enum weft_err carry(struct taking *t, const struct weft_partner_message *m,
    struct weft_bytes bytes, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = 64 * 1024};
    struct weft_client_message answer = {.kind = 0};
    bool is_there = false;
    enum weft_err err = look(t, m->stream.agreement, msg);
    if (err == WEFT_OK) {
        err = is_old(t, m, &is_there, msg);
    }
    if (err != WEFT_OK || is_there) {
        t->skipped += is_there ? 1 : 0;
        return err;
    }
    const struct weft_client_message request = {
        .kind = WEFT_KIND_CARRY, .carry = {.message = bytes, .is_vouched = t->is_vouched}};
    err = weft_client_call(t->client, &request, &arena, &answer, msg);
    weft_arena_destroy(&arena);
    if (err == WEFT_OK) {
        t->taken++;
        t->is_stale = true;
    }
    return err;
}

/* All messages of the file, in order. */
static enum weft_err carry_all(struct taking *t, const char *path, struct weft_msg *msg)
{
    struct reading r = {.file = NULL};
    struct weft_partner_message m = {.stream = {.agreement = {"", 0}}};
    bool is_end = false;
    enum weft_err err = open_file(&r, path, msg);
    while (err == WEFT_OK && !is_end) {
        err = next_message(&r, &m, msg);
        is_end = err == WEFT_ENOTFOUND;
        if (err == WEFT_OK) {
            err = carry(t, &m, (struct weft_bytes){r.bytes.data, r.bytes.size}, msg);
        }
    }
    close_file(&r);
    return is_end ? WEFT_OK : err;
}

static void print_taken(const struct taking *t)
{
    static const char *const keys[] = {"received.size", "received.quarantine", "sent.acknowledged"};
    static const char *const words[] = {"received", "in quarantine", "acknowledged"};
    (void)printf(
        "%s: %" PRIu64 " messages taken, %" PRIu64 " were known", t->name, t->taken, t->skipped);
    for (int i = 0; i < 3; i++) {
        struct weft_text number,
            rest = weft_partner_source_line(weft_buffer_as_text(&t->standing.text), keys[i]);
        (void)weft_text_cut(&rest, ' ', &number);
        (void)printf("%s %s %.*s", i == 0 ? ";" : ",", words[i], (int)number.size, number.data);
    }
    (void)printf("\n");
}

static enum weft_err import(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct taking t = {.client = client, .is_vouched = weft_args_has(args, "vouch")};
    enum weft_err err = carry_all(&t, args->operands[0], msg);
    if (err != WEFT_OK && t.taken > 0) {
        (void)fprintf(stderr, "%s: %" PRIu64 " messages were taken before\n", t.name, t.taken);
    }
    if (err == WEFT_OK && t.name[0] == '\0') {
        err = weft_fail(msg, WEFT_EINVAL, "%s: no message is in it", args->operands[0]);
    }
    if (err == WEFT_OK) {
        err = ask_standing(client, t.name, &t.standing, msg);
    }
    if (err == WEFT_OK) {
        print_taken(&t);
    }
    weft_buffer_destroy(&t.standing.text);
    return err;
}

enum weft_exit weft_cmd_partner_import(const struct weft_args *args)
{
    return weft_with_client(args, import);
}
