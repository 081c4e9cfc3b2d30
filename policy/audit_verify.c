#include "policy/audit_verify.h"

#include <inttypes.h>
#include <stdlib.h>

#include "policy/tile_builder.h"
#include "proto/check.h"

/* Heap: 65 KiB, and the buffers. */
struct verification {
    const struct weft_audit_question *question;
    struct weft_audit_answer answer;
    struct weft_merkle_head head; /* Signed. */
    struct weft_tile_builder tree;
    struct weft_buffer bundle;
    struct weft_buffer tile;
    struct weft_msg *msg;
};

/* --- the checkpoint -------------------------------------------------------------------------- */

uint32_t weft_audit_count_keys(const struct weft_verifier *verifiers, uint32_t verifier_count,
    const struct weft_note_mark *marks)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < verifier_count; i++) {
        bool is_new = marks[i].is_signed;
        for (uint32_t j = 0; j < i && is_new; j++) {
            is_new = !marks[j].is_signed ||
                     !weft_ed25519_key_equal(&verifiers[i].key, &verifiers[j].key);
        }
        count += is_new ? 1 : 0;
    }
    return count;
}

static enum weft_err verify_note(struct verification *v, struct weft_text bytes)
{
    const struct weft_audit_question *q = v->question;
    struct weft_note note;
    struct weft_note_mark marks[WEFT_AUDIT_VERIFIERS_MAX];
    struct weft_checkpoint_note checkpoint;
    enum weft_err err = weft_note_parse(bytes, &note, v->msg);
    if (err == WEFT_OK) {
        err = weft_checkpoint_note_parse(note.text, &checkpoint, v->msg);
    }
    if (err == WEFT_OK) {
        err = weft_note_verify(&note, q->verifiers, q->verifier_count, marks, v->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_text_equal(checkpoint.origin, q->origin)) {
        return weft_fail(v->msg, WEFT_EPEER, "of \"%.*s\", not of \"%.*s\"",
            (int)checkpoint.origin.size, checkpoint.origin.data, (int)q->origin.size,
            q->origin.data);
    }
    v->answer.key_count = weft_audit_count_keys(q->verifiers, q->verifier_count, marks);
    if (v->answer.key_count < q->threshold) {
        return weft_fail(v->msg, WEFT_EPEER, "%" PRIu32 " keys signed it, %" PRIu32 " are needed",
            v->answer.key_count, q->threshold);
    }
    v->head = checkpoint.head;
    return q->policy != NULL ? weft_witness_policy_verify(q->policy, bytes, &checkpoint, v->msg)
                             : WEFT_OK;
}

static enum weft_err verify_checkpoint(struct verification *v)
{
    static const char path[] = "checkpoint";
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX};
    enum weft_err err = v->question->read(v->question->ctx, path, &bytes, v->msg);
    if (err == WEFT_OK) {
        err = verify_note(v, weft_buffer_as_text(&bytes));
    }
    weft_buffer_destroy(&bytes);
    if (err != WEFT_OK) {
        return weft_wrap(v->msg, err, "%s", path);
    }
    if (v->question->known != NULL && v->question->known->size > v->head.size) {
        return weft_fail(v->msg, WEFT_ECONFLICT,
            "%s: of %" PRIu64 " leaves, and there were "
            "%" PRIu64,
            path, v->head.size, v->question->known->size);
    }
    return WEFT_OK;
}

/* --- files ----------------------------------------------------------------------------------- */

/* A tile or bundle; where a log deleted a partial one, the full one that took its place. ret_path
 * names what was read. */
static enum weft_err read_tile(struct verification *v, struct weft_tile *tile,
    struct weft_buffer *ret_data, char ret_path[WEFT_TILE_PATH_SIZE])
{
    weft_buffer_clear(ret_data);
    weft_tile_format(tile, ret_path);
    enum weft_err err = v->question->read(v->question->ctx, ret_path, ret_data, v->msg);
    if (err == WEFT_ENOTFOUND && tile->width < WEFT_TILE_WIDTH) {
        char full_path[WEFT_TILE_PATH_SIZE];
        struct weft_tile full = *tile;
        full.width = WEFT_TILE_WIDTH;
        weft_buffer_clear(ret_data);
        weft_tile_format(&full, full_path);
        err = v->question->read(v->question->ctx, full_path, ret_data, v->msg);
        if (err == WEFT_OK) {
            *tile = full;
            memcpy(ret_path, full_path, sizeof(full_path));
        }
    }
    return err == WEFT_OK ? WEFT_OK : weft_wrap(v->msg, err, "%s", ret_path);
}

/* POL-51: a tile is what the hashes below it make. */
static enum weft_err compare_tile(void *ctx, const struct weft_tile *expected,
    const struct weft_digest *hashes, struct weft_msg *msg)
{
    struct verification *v = ctx;
    struct weft_tile tile = *expected;
    char path[WEFT_TILE_PATH_SIZE];
    enum weft_err err = read_tile(v, &tile, &v->tile, path);
    if (err != WEFT_OK) {
        return err;
    }
    if (v->tile.size != (size_t)tile.width * WEFT_DIGEST_SIZE) {
        return weft_fail(msg, WEFT_EMALFORMED, "%s: %zu bytes, not %u hashes of %d", path,
            v->tile.size, tile.width, WEFT_DIGEST_SIZE);
    }
    for (unsigned i = 0; i < expected->width; i++) {
        if (memcmp(v->tile.data + (size_t)i * WEFT_DIGEST_SIZE, hashes[i].bytes,
                WEFT_DIGEST_SIZE) != 0) {
            return weft_fail(msg, WEFT_EBADSIG, "%s: hash %u is not that of %s", path, i,
                expected->level == 0 ? "the entry" : "the tile below");
        }
    }
    v->answer.tile_count++;
    return WEFT_OK;
}

/* --- the tree -------------------------------------------------------------------------------- */

/* POL-52: the head that was known before is a beginning of this log. */
static enum weft_err compare_known(struct verification *v)
{
    const struct weft_merkle_head *known = v->question->known;
    if (known == NULL || known->size != v->tree.size) {
        return WEFT_OK;
    }
    struct weft_digest root = weft_tile_builder_root(&v->tree);
    if (!weft_digest_equal(&root, &known->root)) {
        return weft_fail(v->msg, WEFT_ECONFLICT,
            "the first %" PRIu64 " leaves are not those that were there before", known->size);
    }
    return WEFT_OK;
}

static enum weft_err take_leaf(struct verification *v, struct weft_bytes leaf)
{
    const struct weft_audit_question *q = v->question;
    const uint64_t number = v->tree.size;
    const struct weft_digest hash = weft_merkle_leaf(leaf.data, leaf.size);
    enum weft_err err = weft_tile_builder_append(&v->tree, &hash, compare_tile, v, v->msg);
    if (err == WEFT_OK) {
        err = compare_known(v);
    }
    if (err == WEFT_OK && q->on_leaf != NULL) {
        err = q->on_leaf(q->ctx, number, leaf, v->msg);
    }
    v->answer.leaf_bytes += leaf.size;
    return err == WEFT_OK ? WEFT_OK : weft_wrap(v->msg, err, "leaf %" PRIu64, number);
}

static enum weft_err take_bundle(struct verification *v, uint64_t index)
{
    char path[WEFT_TILE_PATH_SIZE];
    const unsigned width = weft_tile_width(v->head.size, 0, index);
    struct weft_tile tile = {.is_bundle = true, .index = index, .width = width};
    enum weft_err err = read_tile(v, &tile, &v->bundle, path);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_bytes rest = {v->bundle.data, v->bundle.size}, leaf;
    for (unsigned i = 0; i < tile.width; i++) {
        if (weft_bundle_next(&rest, &leaf) != WEFT_OK) {
            return weft_fail(
                v->msg, WEFT_EMALFORMED, "%s: entry %u of %u is cut short", path, i, tile.width);
        }
        /* What is behind the checkpoint in a full bundle, another checkpoint speaks for. */
        err = i < width ? take_leaf(v, leaf) : WEFT_OK;
        if (err != WEFT_OK) {
            return err;
        }
    }
    if (rest.size != 0) {
        return weft_fail(v->msg, WEFT_EMALFORMED, "%s: %zu bytes behind the last of %u entries",
            path, rest.size, tile.width);
    }
    v->answer.bundle_count++;
    return WEFT_OK;
}

static enum weft_err verify_tree(struct verification *v)
{
    const uint64_t bundles = weft_tile_count(v->head.size, 0);
    enum weft_err err = compare_known(v);
    for (uint64_t i = 0; err == WEFT_OK && i < bundles; i++) {
        err = take_bundle(v, i);
    }
    if (err == WEFT_OK) {
        err = weft_tile_builder_partials(&v->tree, compare_tile, v, v->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_assert(v->tree.size == v->head.size); /* POL-51 */
    struct weft_digest root = weft_tile_builder_root(&v->tree);
    if (!weft_digest_equal(&root, &v->head.root)) {
        return weft_fail(v->msg, WEFT_EBADSIG,
            "checkpoint: the %" PRIu64 " entries have another root", v->head.size);
    }
    return WEFT_OK;
}

enum weft_err weft_audit_verify(const struct weft_audit_question *question,
    struct weft_audit_answer *ret_answer, struct weft_msg *msg)
{
    weft_assert(question->verifier_count <= WEFT_AUDIT_VERIFIERS_MAX); /* POL-51 */
    weft_assert(question->threshold > 0);                              /* POL-51 */
    struct verification *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory to verify with");
    }
    v->question = question;
    v->bundle.size_max = WEFT_BUNDLE_SIZE_MAX;
    v->tile.size_max = WEFT_TILE_SIZE;
    v->msg = msg;
    enum weft_err err = verify_checkpoint(v);
    if (err == WEFT_OK) {
        err = verify_tree(v);
    }
    if (err == WEFT_OK) {
        v->answer.head = v->head;
        *ret_answer = v->answer;
    }
    weft_buffer_destroy(&v->bundle);
    weft_buffer_destroy(&v->tile);
    free(v);
    return err;
}
