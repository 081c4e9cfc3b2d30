#include "policy/tlog_proof.h"

#include <inttypes.h>

#include "policy/base64.h"

static const char header[] = "c2sp.org/tlog-proof@v1";

static bool is_extra(struct weft_text text)
{
    size_t size;
    return text.size > 0 && text.size <= WEFT_BASE64_TEXT_SIZE(WEFT_TLOG_PROOF_EXTRA_SIZE_MAX) &&
           weft_base64_parse(text, NULL, 0, &size) == WEFT_OK;
}

enum weft_err weft_tlog_proof_encode(const struct weft_tlog_proof *proof, struct weft_buffer *out)
{
    const size_t before = out->size;
    enum weft_err err = weft_buffer_format(out, "%s\n", header);
    if (err == WEFT_OK && proof->extra.size > 0) {
        err = is_extra(proof->extra) ? weft_buffer_format(out, "extra %.*s\n",
                                           (int)proof->extra.size, proof->extra.data)
                                     : WEFT_EINVAL;
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "index %" PRIu64 "\n", proof->index);
    }
    if (err == WEFT_OK) {
        err = weft_merkle_proof_format(out, &proof->proof);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(out, WEFT_TEXT("\n"));
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(out, proof->checkpoint);
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}

/* Takes a line that starts with `word`, and gives what is behind it. */
static bool take(struct weft_text *rest, const char *word, struct weft_text *ret_value)
{
    size_t size = strlen(word);
    struct weft_text behind = *rest, line;
    if (!weft_text_cut(&behind, '\n', &line) || line.size < size ||
        memcmp(line.data, word, size) != 0) {
        return false;
    }
    *ret_value = (struct weft_text){line.data + size, line.size - size};
    *rest = behind;
    return true;
}

enum weft_err weft_tlog_proof_parse(
    struct weft_text text, struct weft_tlog_proof *ret_proof, struct weft_msg *msg)
{
    struct weft_tlog_proof proof = {.extra = {"", 0}};
    struct weft_text rest = text, value;
    if (text.size > WEFT_TLOG_PROOF_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "over %d bytes", WEFT_TLOG_PROOF_SIZE_MAX);
    }
    if (!take(&rest, header, &value) || value.size != 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "line 1: not \"%s\"", header);
    }
    if (take(&rest, "extra ", &proof.extra) && !is_extra(proof.extra)) {
        return weft_fail(msg, WEFT_EMALFORMED, "extra: not base64 of 1 to %d bytes",
            WEFT_TLOG_PROOF_EXTRA_SIZE_MAX);
    }
    if (!take(&rest, "index ", &value) || !weft_text_exact_number(value, &proof.index)) {
        return weft_fail(
            msg, WEFT_EMALFORMED, "index: not a number, decimal without leading zeros");
    }
    enum weft_err err = weft_merkle_proof_parse(&rest, WEFT_MERKLE_PROOF_MAX, &proof.proof, msg);
    if (err != WEFT_OK) {
        return err;
    }
    proof.checkpoint = rest;
    *ret_proof = proof;
    return WEFT_OK;
}

enum weft_err weft_tlog_proof_verify(const struct weft_tlog_proof *proof, struct weft_bytes leaf,
    const struct weft_merkle_head *head, struct weft_msg *msg)
{
    const struct weft_digest hash = weft_merkle_leaf(leaf.data, leaf.size);
    return weft_merkle_verify_inclusion(
        proof->index, head->size, &hash, &proof->proof, &head->root, msg);
}
