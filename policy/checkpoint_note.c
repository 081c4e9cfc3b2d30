#include "policy/checkpoint_note.h"

#include <inttypes.h>

/* One that a note may have: not empty, UTF-8, no control characters. */
static bool is_line(struct weft_text line)
{
    for (size_t i = 0; i < line.size; i++) {
        if ((unsigned char)line.data[i] < 0x20) {
            return false;
        }
    }
    return line.size > 0 && weft_text_is_utf8(line);
}

/* POL-45 */
enum weft_err weft_checkpoint_note_parse(
    struct weft_text text, struct weft_checkpoint_note *ret_checkpoint, struct weft_msg *msg)
{
    struct weft_checkpoint_note checkpoint;
    struct weft_text rest = text, line;
    if (!weft_text_cut(&rest, '\n', &checkpoint.origin) || !is_line(checkpoint.origin)) {
        return weft_fail(msg, WEFT_EMALFORMED, "line 1: not an origin");
    }
    if (checkpoint.origin.size > WEFT_ORIGIN_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "line 1: an origin over %d bytes", WEFT_ORIGIN_SIZE_MAX);
    }
    if (!weft_text_cut(&rest, '\n', &line) ||
        !weft_text_exact_number(line, &checkpoint.head.size)) {
        return weft_fail(
            msg, WEFT_EMALFORMED, "line 2: not a tree size, decimal without leading zeros");
    }
    if (checkpoint.head.size > WEFT_MERKLE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "line 2: a tree of over 2^63 leaves");
    }
    if (!weft_text_cut(&rest, '\n', &line) ||
        weft_merkle_parse(line, &checkpoint.head.root) != WEFT_OK) {
        return weft_fail(msg, WEFT_EMALFORMED, "line 3: not a root, the base64 of 32 bytes");
    }
    checkpoint.extension = rest;
    for (unsigned number = 4; rest.size > 0; number++) {
        if (!weft_text_cut(&rest, '\n', &line) || !is_line(line)) {
            return weft_fail(msg, WEFT_EMALFORMED, "line %u: not an extension", number);
        }
    }
    *ret_checkpoint = checkpoint;
    return WEFT_OK;
}

enum weft_err weft_checkpoint_note_encode(
    const struct weft_checkpoint_note *checkpoint, struct weft_buffer *out, struct weft_msg *msg)
{
    const size_t before = out->size;
    char root[WEFT_MERKLE_TEXT_SIZE];
    weft_merkle_format(&checkpoint->head.root, root);
    enum weft_err err = weft_buffer_text(out, checkpoint->origin);
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "\n%" PRIu64 "\n%s\n", checkpoint->head.size, root);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(out, checkpoint->extension);
    }
    if (err != WEFT_OK) {
        out->size = before;
        return weft_fail(msg, err, "a checkpoint: no room");
    }
    struct weft_text text = {(const char *)out->data + before, out->size - before};
    struct weft_checkpoint_note again = {.origin = {NULL, 0}};
    if (weft_checkpoint_note_parse(text, &again, msg) != WEFT_OK ||
        !weft_text_equal(again.origin, checkpoint->origin)) {
        out->size = before;
        return weft_fail(msg, WEFT_EINVAL, "an origin or extension that no checkpoint can have");
    }
    return WEFT_OK;
}

enum weft_err weft_checkpoint_note_may_sign(const struct weft_merkle_head *last,
    const struct weft_digest *own_root, const struct weft_merkle_head *next, struct weft_msg *msg)
{
    if (next->size < last->size) {
        return weft_fail(msg, WEFT_ESTATE,
            "%" PRIu64 " leaves were signed, and there are %" PRIu64 ": wait for the rest",
            last->size, next->size);
    }
    if (!weft_digest_equal(own_root, &last->root) ||
        (next->size == last->size && !weft_digest_equal(&next->root, &last->root))) {
        return weft_fail(msg, WEFT_ECONFLICT,
            "the tree of %" PRIu64 " leaves that was signed is another one", last->size);
    }
    return WEFT_OK;
}

bool weft_checkpoint_note_is_split(
    const struct weft_checkpoint_note *a, const struct weft_checkpoint_note *b)
{
    return weft_text_equal(a->origin, b->origin) && a->head.size == b->head.size &&
           !weft_digest_equal(&a->head.root, &b->head.root);
}
