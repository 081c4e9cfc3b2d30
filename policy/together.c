#include "policy/together.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base64.h"
#include "policy/merkle.h"
#include "policy/note.h"
#include "proto/arith.h"
#include "proto/check.h"

enum {
    KEY_ID_SIZE = 4,
    INDEX_AT = WEFT_ED25519_SIGNATURE_SIZE,
    COUNT_AT = INDEX_AT + 1,
    PATH_AT = COUNT_AT + 1,
    HEAD_SIZE = WEFT_SIGNER_NAME_SIZE_MAX + 128, /* The words, a number, a hash. */
};

/* What is signed of a tree. */
struct head {
    char text[HEAD_SIZE];
    size_t size;
};

static struct head head_of(const char *name, uint32_t count, const struct weft_digest *root)
{
    struct head head;
    char hash[WEFT_MERKLE_TEXT_SIZE];
    weft_merkle_format(root, hash);
    int size = snprintf(head.text, sizeof(head.text),
        "weft-together/v1\nkey %s\ntexts %" PRIu32 "\nroot %s\n", name, count, hash);
    weft_assert(size > 0 && size < HEAD_SIZE); /* POL-71: names are bounded */
    head.size = (size_t)size;
    return head;
}

static struct weft_bytes bytes_of(const struct head *head)
{
    return (struct weft_bytes){(const uint8_t *)head->text, head->size};
}

/* --- signed ---------------------------------------------------------------------------------- */

struct tree {
    struct weft_digest leaves[WEFT_TOGETHER_TEXTS_MAX];
    struct weft_merkle_proof paths[WEFT_TOGETHER_TEXTS_MAX];
};

/* RFC 6962, 2.1 and 2.1.1: the root of `count` leaves from one on; the hash beside each subtree
 * goes to the paths of its leaves. As deep as the tree is high. */
static struct weft_digest grow(
    struct tree *tree, uint32_t from, uint32_t count) // NOLINT(misc-no-recursion)
{
    uint32_t split = 1;
    if (count == 1) {
        return tree->leaves[from];
    }
    while (2 * split < count) {
        split *= 2;
    }
    const struct weft_digest left = grow(tree, from, split);
    const struct weft_digest right = grow(tree, from + split, count - split);
    for (uint32_t i = 0; i < count; i++) {
        struct weft_merkle_proof *path = &tree->paths[from + i];
        path->hashes[path->count++] = i < split ? right : left;
    }
    return weft_merkle_node(&left, &right);
}

static enum weft_err put_note(struct weft_text text, const struct weft_signer *signer,
    const uint8_t *raw, size_t size, struct weft_buffer *out, struct weft_msg *msg)
{
    char encoded[WEFT_BASE64_TEXT_SIZE(KEY_ID_SIZE + WEFT_TOGETHER_SIZE_MAX)];
    size_t before = out->size;
    weft_base64_format(raw, size, encoded);
    enum weft_err err = weft_buffer_text(out, text);
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "\n\xe2\x80\x94 %s %.*s\n", signer->verifier.name,
            (int)WEFT_BASE64_TEXT_SIZE(size), encoded);
    }
    if (err == WEFT_OK && out->size - before > WEFT_NOTE_SIZE_MAX) {
        err = WEFT_ETOOBIG;
    }
    return err == WEFT_OK ? err : weft_fail(msg, err, "no room for a note");
}

static enum weft_err sign_tree(struct tree *tree, const struct weft_text *texts, uint32_t count,
    const struct weft_signer *signer, struct weft_buffer *outs, struct weft_msg *msg)
{
    uint8_t raw[KEY_ID_SIZE + WEFT_TOGETHER_SIZE_MAX];
    for (uint32_t i = 0; i < count; i++) {
        tree->leaves[i] = weft_merkle_leaf(texts[i].data, texts[i].size);
        tree->paths[i].count = 0;
    }
    const struct weft_digest root = grow(tree, 0, count);
    const struct head head = head_of(signer->verifier.name, count, &root);
    weft_put_be32(raw, signer->verifier.key_id);
    enum weft_err err = weft_ed25519_sign(&signer->pair, bytes_of(&head), raw + KEY_ID_SIZE, msg);
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        const struct weft_merkle_proof *path = &tree->paths[i];
        uint8_t *rest = raw + KEY_ID_SIZE;
        size_t path_size = path->count * sizeof(path->hashes[0]);
        rest[INDEX_AT] = (uint8_t)i;
        rest[COUNT_AT] = (uint8_t)count;
        memcpy(rest + PATH_AT, path->hashes, path_size);
        err = put_note(texts[i], signer, raw, KEY_ID_SIZE + PATH_AT + path_size, &outs[i], msg);
    }
    return err;
}

enum weft_err weft_together_sign(const struct weft_text *texts, uint32_t count,
    const struct weft_signer *signer, struct weft_buffer *outs, struct weft_msg *msg)
{
    size_t before[WEFT_TOGETHER_TEXTS_MAX];
    if (count == 0 || count > WEFT_TOGETHER_TEXTS_MAX ||
        signer->verifier.type != WEFT_SIGNER_ED25519) {
        return weft_fail(msg, WEFT_EINVAL, "1 to %d texts are signed together, by a plain key",
            WEFT_TOGETHER_TEXTS_MAX);
    }
    if (count == 1) {
        return weft_note_sign(texts[0], signer, 1, &outs[0], msg);
    }
    struct tree *tree = calloc(1, sizeof(*tree));
    enum weft_err err = tree != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "sign texts");
    for (uint32_t i = 0; i < count; i++) {
        before[i] = outs[i].size;
        err = err == WEFT_OK ? weft_note_check_text(texts[i], msg) : err;
    }
    if (err == WEFT_OK) {
        err = sign_tree(tree, texts, count, signer, outs, msg);
    }
    for (uint32_t i = 0; err != WEFT_OK && i < count; i++) {
        outs[i].size = before[i];
    }
    free(tree);
    return err;
}

/* --- verified -------------------------------------------------------------------------------- */

/* WEFT_EBADSIG: no index, number or path that there can be. */
static enum weft_err read_path(
    struct weft_bytes rest, struct weft_merkle_proof *ret_path, struct weft_msg *msg)
{
    size_t path_size = rest.size - PATH_AT;
    uint32_t index, count;
    if (rest.size < PATH_AT || rest.size > WEFT_TOGETHER_SIZE_MAX) {
        return weft_fail(msg, WEFT_EBADSIG, "a signature of another size than its key's");
    }
    index = rest.data[INDEX_AT];
    count = rest.data[COUNT_AT];
    if (count < 2 || count > WEFT_TOGETHER_TEXTS_MAX || index >= count ||
        path_size != weft_merkle_inclusion_count(index, count) * sizeof(ret_path->hashes[0])) {
        return weft_fail(msg, WEFT_EBADSIG, "not a place among texts that are signed together");
    }
    ret_path->count = (unsigned)(path_size / sizeof(ret_path->hashes[0]));
    memcpy(ret_path->hashes, rest.data + PATH_AT, path_size);
    return WEFT_OK;
}

enum weft_err weft_together_verify(struct weft_together *together, struct weft_text text,
    const struct weft_verifier *verifier, struct weft_bytes rest, struct weft_msg *msg)
{
    struct weft_merkle_proof path;
    enum weft_err err = read_path(rest, &path, msg);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_bytes signature = {rest.data, WEFT_ED25519_SIGNATURE_SIZE};
    const struct weft_digest leaf = weft_merkle_leaf(text.data, text.size);
    const struct weft_digest root =
        weft_merkle_inclusion_root(rest.data[INDEX_AT], rest.data[COUNT_AT], &leaf, &path);
    const struct head head = head_of(verifier->name, rest.data[COUNT_AT], &root);
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, verifier->key.bytes, sizeof(verifier->key.bytes));
    weft_sha256_update(&hash, signature.data, signature.size);
    weft_sha256_update(&hash, head.text, head.size);
    const struct weft_digest digest = weft_sha256_final(&hash);
    struct weft_digest *seen = &together->seen[digest.bytes[0] % WEFT_TOGETHER_SEEN];
    if (weft_digest_equal(seen, &digest)) {
        together->known++;
        return WEFT_OK;
    }
    err = weft_ed25519_verify(&verifier->key, bytes_of(&head), signature, msg);
    together->verified++;
    if (err == WEFT_OK) { /* POL-71: and nothing else is remembered. */
        *seen = digest;
    }
    return err;
}
