#include "federation/mutant.h"
#include "federation/stream.h"

#include <inttypes.h>
#include <stdio.h>

#include "policy/audit_verify.h"
#include "proto/check.h"
#include "proto/octets.h"

static const char *const words[WEFT_STREAM_LEAF_KINDS] = {
    [WEFT_STREAM_CONTRACT] = "contract",
    [WEFT_STREAM_STATEMENT] = "statement",
    [WEFT_STREAM_SUSPEND] = "suspend",
    [WEFT_STREAM_RESUME] = "resume",
    [WEFT_STREAM_END] = "end",
};

/* --- leaves ---------------------------------------------------------------------------------- */

/* Nearly all are of this kind: a formatter costs more than hashing the leaf. */
static size_t format_statement(
    const char digest[WEFT_DIGEST_TEXT_SIZE], char ret_text[WEFT_STREAM_LEAF_SIZE])
{
    static const char head[] = "statement ";
    char *p = ret_text;
    memcpy(p, head, sizeof(head) - 1);
    p += sizeof(head) - 1;
    memcpy(p, digest, WEFT_DIGEST_TEXT_SIZE - 1);
    p += WEFT_DIGEST_TEXT_SIZE - 1;
    memcpy(p, "\n", 2);
    return (size_t)(p + 1 - ret_text);
}

size_t weft_stream_leaf_format(
    const struct weft_stream_leaf *leaf, char ret_text[WEFT_STREAM_LEAF_SIZE])
{
    char digest[WEFT_DIGEST_TEXT_SIZE];
    int size = 0;
    weft_digest_format(&leaf->digest, digest);
    switch (leaf->kind) {
    case WEFT_STREAM_CONTRACT:
        size = snprintf(ret_text, WEFT_STREAM_LEAF_SIZE, "%s %" PRIu64 " %s\n", words[leaf->kind],
            leaf->version, digest);
        break;
    case WEFT_STREAM_STATEMENT:
        return format_statement(digest, ret_text);
    case WEFT_STREAM_SUSPEND:
    case WEFT_STREAM_RESUME:
    case WEFT_STREAM_END:
        size = snprintf(ret_text, WEFT_STREAM_LEAF_SIZE, "%s\n", words[leaf->kind]);
        break;
    case WEFT_STREAM_LEAF_KINDS:
        weft_unreachable("FED-7: a kind of leaf");
    }
    weft_assert(size > 0 && size < WEFT_STREAM_LEAF_SIZE); /* FED-7 */
    return (size_t)size;
}

/* FED-7: one text of each leaf. */
enum weft_err weft_stream_leaf_parse(struct weft_text text, struct weft_stream_leaf *ret_leaf)
{
    struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_LEAF_KINDS};
    struct weft_text rest = text, line, word;
    if (!weft_text_cut(&rest, '\n', &line) || rest.size > 0) {
        return WEFT_EMALFORMED;
    }
    rest = line;
    bool has_more = weft_text_cut(&rest, ' ', &word);
    for (unsigned i = WEFT_STREAM_CONTRACT; i < WEFT_STREAM_LEAF_KINDS; i++) {
        if (weft_text_is(word, words[i])) {
            leaf.kind = (enum weft_stream_leaf_kind)i;
        }
    }
    if (leaf.kind == WEFT_STREAM_LEAF_KINDS || has_more != (leaf.kind <= WEFT_STREAM_STATEMENT)) {
        return WEFT_EMALFORMED;
    }
    if (leaf.kind == WEFT_STREAM_CONTRACT &&
        (!weft_text_cut(&rest, ' ', &word) || !weft_text_exact_number(word, &leaf.version) ||
            leaf.version == 0 || leaf.version > UINT32_MAX)) {
        return WEFT_EMALFORMED;
    }
    if (has_more && weft_digest_parse(rest, &leaf.digest) != WEFT_OK) {
        return WEFT_EMALFORMED;
    }
    *ret_leaf = leaf;
    return WEFT_OK;
}

struct weft_digest weft_stream_leaf_hash(const struct weft_stream_leaf *leaf)
{
    char text[WEFT_STREAM_LEAF_SIZE];
    size_t size = weft_stream_leaf_format(leaf, text);
    if (leaf->kind == WEFT_STREAM_STATEMENT &&
        weft_stream_mutant(WEFT_STREAM_MUTANT_LEAF_UNBOUND)) {
        size /= 2;
    }
    return weft_merkle_leaf(text, size);
}

/* --- the stream ------------------------------------------------------------------------------ */

/* FED-8: the phase behind a leaf; PHASES: it is not admitted. In each phase one version follows
 * another, but for the first. */
static const enum weft_stream_phase follows[WEFT_STREAM_PHASES][WEFT_STREAM_LEAF_KINDS] = {
    [WEFT_STREAM_NEW] = {WEFT_STREAM_PHASES, WEFT_STREAM_OPEN, WEFT_STREAM_PHASES,
        WEFT_STREAM_PHASES, WEFT_STREAM_PHASES, WEFT_STREAM_PHASES},
    [WEFT_STREAM_OPEN] = {WEFT_STREAM_PHASES, WEFT_STREAM_OPEN, WEFT_STREAM_OPEN,
        WEFT_STREAM_SUSPENDED, WEFT_STREAM_PHASES, WEFT_STREAM_CLOSED},
    [WEFT_STREAM_SUSPENDED] = {WEFT_STREAM_PHASES, WEFT_STREAM_SUSPENDED, WEFT_STREAM_PHASES,
        WEFT_STREAM_PHASES, WEFT_STREAM_OPEN, WEFT_STREAM_CLOSED},
    [WEFT_STREAM_CLOSED] = {WEFT_STREAM_PHASES, WEFT_STREAM_PHASES, WEFT_STREAM_PHASES,
        WEFT_STREAM_PHASES, WEFT_STREAM_PHASES, WEFT_STREAM_PHASES},
};

void weft_stream_check(const struct weft_stream *stream)
{
    weft_assert((unsigned)stream->phase < WEFT_STREAM_PHASES);                   /* FED-7 */
    weft_assert((stream->phase == WEFT_STREAM_NEW) == (stream->tree.size == 0)); /* FED-7 */
    weft_assert((stream->version == 0) == (stream->phase == WEFT_STREAM_NEW));   /* FED-7 */
    weft_assert(stream->statement_count + stream->version <= stream->tree.size); /* FED-7 */
}

bool weft_stream_admits(const struct weft_stream *stream, const struct weft_stream_leaf *leaf)
{
    bool is_next = leaf->kind != WEFT_STREAM_CONTRACT || leaf->version == stream->version + 1;
    return is_next && follows[stream->phase][leaf->kind] != WEFT_STREAM_PHASES;
}

enum weft_stream_fault weft_stream_append(
    struct weft_stream *stream, const struct weft_stream_leaf *leaf, struct weft_msg *msg)
{
    weft_stream_check(stream);
    weft_assert(leaf->kind >= WEFT_STREAM_CONTRACT);  /* FED-7 */
    weft_assert(leaf->kind < WEFT_STREAM_LEAF_KINDS); /* FED-7 */
    if (stream->phase == WEFT_STREAM_CLOSED) {
        return weft_stream_fail(
            msg, WEFT_STREAM_ENDED, "it ended with %" PRIu64 " leaves", stream->tree.size);
    }
    if (!weft_stream_admits(stream, leaf)) {
        return weft_stream_fail(msg, WEFT_STREAM_OUT_OF_TURN,
            "leaf %" PRIu64 ": no \"%s\" behind version %" PRIu64 "%s", stream->tree.size,
            words[leaf->kind], stream->version,
            stream->phase == WEFT_STREAM_SUSPENDED ? ", suspended" : "");
    }
    struct weft_digest hash = weft_stream_leaf_hash(leaf);
    if (weft_merkle_append(&stream->tree, &hash) != WEFT_OK) {
        return weft_stream_fail(msg, WEFT_STREAM_TOO_BIG, "a tree of 2^63 leaves");
    }
    stream->phase = follows[stream->phase][leaf->kind];
    if (leaf->kind == WEFT_STREAM_CONTRACT) {
        stream->version = leaf->version;
        stream->contract = leaf->digest;
    } else if (leaf->kind == WEFT_STREAM_STATEMENT) {
        stream->statement_count++;
    }
    weft_stream_check(stream);
    return WEFT_STREAM_SOUND;
}

struct weft_merkle_head weft_stream_tree(const struct weft_stream *stream)
{
    return (struct weft_merkle_head){stream->tree.size, weft_merkle_root(&stream->tree)};
}

/* --- items ----------------------------------------------------------------------------------- */

enum {
    HAS_DIGEST = 0x80,
};

enum weft_err weft_stream_item_append(struct weft_buffer *out, const struct weft_stream_item *item)
{
    weft_assert(!item->has_digest || item->kind == WEFT_STREAM_STATEMENT); /* FED-9 */
    enum weft_err err =
        weft_buffer_reserve(out, 1 + WEFT_DIGEST_SIZE + WEFT_VARINT_SIZE_MAX + item->content.size);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *start = out->data + out->size, *p = start;
    *p++ = (uint8_t)((unsigned)item->kind | (item->has_digest ? HAS_DIGEST : 0));
    if (item->has_digest) {
        memcpy(p, item->digest.bytes, WEFT_DIGEST_SIZE);
        p += WEFT_DIGEST_SIZE;
    }
    struct weft_text content = {(const char *)item->content.data, item->content.size};
    p = weft_octets_put_text(p, content);
    out->size += (size_t)(p - start);
    return WEFT_OK;
}

enum weft_err weft_stream_item_next(struct weft_bytes *rest, struct weft_stream_item *ret_item)
{
    struct weft_octets r = weft_octets_of(*rest);
    const uint8_t *head = weft_octets_bytes(&r, 1);
    if (head == NULL) {
        return WEFT_EMALFORMED;
    }
    unsigned kind = *head & ~(unsigned)HAS_DIGEST;
    struct weft_stream_item item = {.has_digest = (*head & HAS_DIGEST) != 0};
    if (kind < WEFT_STREAM_CONTRACT || kind >= WEFT_STREAM_LEAF_KINDS ||
        (item.has_digest && kind != WEFT_STREAM_STATEMENT)) {
        return WEFT_EMALFORMED;
    }
    item.kind = (enum weft_stream_leaf_kind)kind;
    if (item.has_digest) {
        const uint8_t *digest = weft_octets_bytes(&r, WEFT_DIGEST_SIZE);
        if (digest == NULL) {
            return WEFT_EMALFORMED;
        }
        memcpy(item.digest.bytes, digest, WEFT_DIGEST_SIZE);
    }
    struct weft_text content = weft_octets_text(&r);
    bool has_content = kind == WEFT_STREAM_CONTRACT || kind == WEFT_STREAM_STATEMENT;
    if (r.is_bad || (content.size > 0) != has_content) {
        return WEFT_EMALFORMED;
    }
    item.content = (struct weft_bytes){(const uint8_t *)content.data, content.size};
    *rest = (struct weft_bytes){r.p, (size_t)(r.end - r.p)};
    *ret_item = item;
    return WEFT_OK;
}

/* --- heads and receipts ---------------------------------------------------------------------- */

static void put_origin(struct weft_text site, const char *word, struct weft_text agreement,
    char ret_origin[WEFT_STREAM_ORIGIN_SIZE])
{
    int size = snprintf(ret_origin, WEFT_STREAM_ORIGIN_SIZE, "%.*s/%s/%.*s", (int)site.size,
        site.data, word, (int)agreement.size, agreement.data);
    weft_assert(size > 0 && size < WEFT_STREAM_ORIGIN_SIZE); /* FED-10: contract names are short */
}

void weft_stream_origin(
    struct weft_text provider, struct weft_text agreement, char ret_origin[WEFT_STREAM_ORIGIN_SIZE])
{
    put_origin(provider, "sent", agreement, ret_origin);
}

void weft_stream_receipt_origin(
    struct weft_text receiver, struct weft_text agreement, char ret_origin[WEFT_STREAM_ORIGIN_SIZE])
{
    put_origin(receiver, "received", agreement, ret_origin);
}

/* FED-33 */
void weft_stream_end_marks(
    const struct weft_stream_signers *signers, uint64_t size, struct weft_note_mark *marks)
{
    for (uint32_t i = 0; signers->ends != NULL && i < signers->verifier_count; i++) {
        if (size > signers->ends[i]) {
            marks[i] = (struct weft_note_mark){.is_signed = false};
        }
    }
}

/* FED-10 */
enum weft_stream_fault weft_stream_verify_head(struct weft_text note,
    const struct weft_stream_signers *signers, struct weft_merkle_head *ret_head,
    struct weft_msg *msg)
{
    struct weft_note parsed;
    struct weft_checkpoint_note head;
    struct weft_note_mark marks[WEFT_STREAM_VERIFIERS_MAX];
    struct weft_msg why = {""};
    weft_assert(signers->threshold > 0);                               /* FED-10 */
    weft_assert(signers->verifier_count <= WEFT_STREAM_VERIFIERS_MAX); /* FED-10 */
    if (weft_note_parse(note, &parsed, &why) != WEFT_OK ||
        weft_checkpoint_note_parse(parsed.text, &head, &why) != WEFT_OK) {
        return weft_stream_fail(msg, WEFT_STREAM_MALFORMED, "%s", why.text);
    }
    if (!weft_text_is(head.origin, signers->origin)) {
        return weft_stream_fail(msg, WEFT_STREAM_ORIGIN, "\"%.*s\", not \"%s\"",
            (int)head.origin.size, head.origin.data, signers->origin);
    }
    if (signers->verifier_count == 0 || weft_note_verify(&parsed, signers->verifiers,
                                            signers->verifier_count, marks, &why) != WEFT_OK) {
        return weft_stream_fail(msg, WEFT_STREAM_UNSIGNED, "%s", why.text);
    }
    weft_stream_end_marks(signers, head.head.size, marks);
    uint32_t count = weft_audit_count_keys(signers->verifiers, signers->verifier_count, marks);
    if (count < signers->threshold) {
        return weft_stream_fail(
            msg, WEFT_STREAM_UNSIGNED, "%u keys signed, of at least %u", count, signers->threshold);
    }
    *ret_head = head.head;
    return WEFT_STREAM_SOUND;
}

enum weft_err weft_stream_proof_parse(struct weft_bytes bytes, struct weft_merkle_proof *ret_proof)
{
    size_t count = bytes.size / WEFT_DIGEST_SIZE;
    if (bytes.size % WEFT_DIGEST_SIZE != 0) {
        return WEFT_EMALFORMED;
    }
    if (count > WEFT_MERKLE_PROOF_MAX) {
        return WEFT_ETOOBIG;
    }
    ret_proof->count = (unsigned)count;
    if (bytes.size > 0) {
        memcpy(ret_proof->hashes, bytes.data, bytes.size);
    }
    return WEFT_OK;
}
