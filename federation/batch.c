#include "federation/batch.h"

#include <inttypes.h>

#include "federation/mutant.h"
#include "proto/check.h"

void weft_batch_blame(struct weft_batch_entry *entry, enum weft_stream_fault fault,
    struct weft_arena *arena, const struct weft_msg *msg)
{
    weft_assert(weft_stream_fault_is_of_statement(fault)); /* FED-16 */
    entry->fault = fault;
    entry->reason = weft_arena_text(arena, weft_text_of(msg->text)); /* At the limit: empty. */
}

/* --- one item -------------------------------------------------------------------------------- */

static enum weft_stream_fault open_statement(struct weft_batch_entry *entry,
    const struct weft_stream_item *item, struct weft_arena *arena, struct weft_msg *msg)
{
    struct weft_msg why = {""};
    struct weft_digest digest;
    entry->leaf = (struct weft_stream_leaf){.kind = WEFT_STREAM_STATEMENT, .digest = item->digest};
    enum weft_err err = weft_projection_decode(item->content, arena, &entry->projection, &why);
    if (err == WEFT_ENOMEM) {
        return weft_stream_fail(msg, WEFT_STREAM_TOO_BIG, "%s", why.text);
    }
    if (err != WEFT_OK && !item->has_digest) {
        return weft_stream_fail(msg, WEFT_STREAM_NEEDS_EXPLICIT, "%s", why.text);
    }
    if (err != WEFT_OK) {
        weft_batch_blame(entry, err == WEFT_ETOOBIG ? WEFT_STREAM_HUGE : WEFT_STREAM_BAD_PROJECTION,
            arena, &why);
        return WEFT_STREAM_SOUND;
    }
    digest = weft_statement_header_digest(&entry->projection.header);
    if (!item->has_digest) {
        entry->leaf.digest = digest;
    }
    if (!weft_digest_equal(&digest, &entry->leaf.digest)) {
        (void)weft_fail(&why, WEFT_EBADSIG, "its header is that of another statement");
        weft_batch_blame(entry, WEFT_STREAM_DIGEST, arena, &why);
    } else if (weft_projection_verify(&entry->projection, &digest, &why) != WEFT_OK) {
        weft_batch_blame(entry, WEFT_STREAM_DIGEST, arena, &why);
    }
    return WEFT_STREAM_SOUND;
}

static enum weft_stream_fault open_contract(struct weft_batch_entry *entry,
    const struct weft_stream_item *item, struct weft_arena *arena, struct weft_msg *msg)
{
    struct weft_note note;
    struct weft_msg why = {""};
    struct weft_contract *contract = weft_arena_alloc(arena, sizeof(*contract));
    const struct weft_text text = {(const char *)item->content.data, item->content.size};
    if (contract == NULL) {
        return weft_stream_fail(msg, WEFT_STREAM_TOO_BIG, "no memory for an agreement");
    }
    if (weft_note_parse(text, &note, &why) != WEFT_OK ||
        weft_contract_decode(note.text, arena, contract, &why) != WEFT_OK) {
        return weft_stream_fail(msg, WEFT_STREAM_MALFORMED, "an agreement: %s", why.text);
    }
    entry->contract = contract;
    entry->leaf = (struct weft_stream_leaf){.kind = WEFT_STREAM_CONTRACT,
        .version = contract->link.version,
        .digest = contract->link.digest};
    return WEFT_STREAM_SOUND;
}

static enum weft_stream_fault open_item(struct weft_batch_entry *entry,
    const struct weft_stream_item *item, struct weft_arena *arena, struct weft_msg *msg)
{
    entry->content = item->content;
    switch (item->kind) {
    case WEFT_STREAM_STATEMENT:
        return open_statement(entry, item, arena, msg);
    case WEFT_STREAM_CONTRACT:
        return open_contract(entry, item, arena, msg);
    case WEFT_STREAM_SUSPEND:
    case WEFT_STREAM_RESUME:
    case WEFT_STREAM_END:
    case WEFT_STREAM_LEAF_KINDS:
        entry->leaf = (struct weft_stream_leaf){.kind = item->kind};
        return WEFT_STREAM_SOUND;
    }
    weft_unreachable("FED-15: a kind of leaf");
}

/* --- all of them ----------------------------------------------------------------------------- */

static enum weft_stream_fault open_all(const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *batch, struct weft_msg *msg)
{
    struct weft_bytes rest = message->items;
    for (uint32_t i = 0; i < message->count; i++) {
        struct weft_stream_item item;
        if (weft_stream_item_next(&rest, &item) != WEFT_OK) {
            return weft_stream_fail(msg, WEFT_STREAM_MALFORMED, "item %u of %u", i, message->count);
        }
        enum weft_stream_fault fault = open_item(&batch->entries[i], &item, arena, msg);
        if (fault == WEFT_STREAM_SOUND) {
            fault = weft_stream_append(&batch->after, &batch->entries[i].leaf, msg);
        }
        if (fault != WEFT_STREAM_SOUND) {
            return fault;
        }
    }
    return rest.size == 0 ? WEFT_STREAM_SOUND
                          : weft_stream_fail(msg, WEFT_STREAM_MALFORMED,
                                "%zu bytes behind %u items", rest.size, message->count);
}

static enum weft_stream_fault check_place(const struct weft_stream *stream,
    const struct weft_merkle_head *head, const struct weft_stream_batch *message,
    struct weft_msg *msg)
{
    if (message->first != stream->tree.size) {
        return weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
            "it begins with %" PRIu64 ", and %" PRIu64 " is next", message->first,
            stream->tree.size);
    }
    if (message->head_size != head->size || message->count > head->size ||
        message->first > head->size - message->count) {
        return weft_stream_fail(msg, WEFT_STREAM_HEAD,
            "under a head of %" PRIu64 " leaves, and that of %" PRIu64 " is known",
            message->head_size, head->size);
    }
    return WEFT_STREAM_SOUND;
}

enum weft_stream_fault weft_batch_open(const struct weft_stream *stream,
    const struct weft_merkle_head *head, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg)
{
    struct weft_batch batch = {.before = weft_stream_tree(stream),
        .head = *head,
        .after = *stream,
        .count = message->count};
    weft_assert(message->count > 0); /* FED-15: the codec sees to that */
    enum weft_stream_fault fault = check_place(stream, head, message, msg);
    if (fault != WEFT_STREAM_SOUND) {
        return fault;
    }
    batch.entries = weft_arena_array(arena, batch.count, sizeof(*batch.entries));
    if (batch.entries == NULL) {
        return weft_stream_fail(msg, WEFT_STREAM_TOO_BIG, "no memory for a batch");
    }
    fault = open_all(message, arena, &batch, msg);
    if (fault == WEFT_STREAM_SOUND) {
        *ret_batch = batch;
    }
    return fault;
}

enum weft_stream_fault weft_batch_verify(const struct weft_stream *stream,
    const struct weft_merkle_head *head, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg)
{
    struct weft_merkle_proof proof;
    struct weft_msg why = {""};
    struct weft_batch batch;
    enum weft_stream_fault fault = weft_batch_open(stream, head, message, arena, &batch, msg);
    if (fault != WEFT_STREAM_SOUND) {
        return fault;
    }
    if (weft_stream_proof_parse(message->proof, &proof) != WEFT_OK) {
        return weft_stream_fail(msg, WEFT_STREAM_MALFORMED, "a proof that is no hashes");
    }
    struct weft_merkle_head tree = weft_stream_tree(&batch.after);
    if (weft_merkle_verify_consistency(
            tree.size, head->size, &tree.root, &proof, &head->root, &why) != WEFT_OK &&
        !weft_stream_mutant(WEFT_STREAM_MUTANT_UNPROVEN)) {
        return weft_stream_fail(msg, WEFT_STREAM_PROOF, "%s", why.text);
    }
    *ret_batch = batch;
    return WEFT_STREAM_SOUND;
}

void weft_batch_cut(struct weft_batch *batch, const struct weft_stream *stream, uint32_t count)
{
    weft_assert(count <= batch->count); /* FED-15 */
    struct weft_merkle_head before = weft_stream_tree(stream);
    weft_assert(before.size == batch->before.size); /* FED-15 */
    batch->after = *stream;
    batch->count = count;
    for (uint32_t i = 0; i < count; i++) {
        enum weft_stream_fault fault =
            weft_stream_append(&batch->after, &batch->entries[i].leaf, NULL);
        weft_assert(fault == WEFT_STREAM_SOUND); /* FED-15: it was, in this order */
    }
}
