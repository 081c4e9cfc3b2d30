/* What stands in a stream, for whoever sends it, answers for it, or shows it (streams.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "node/state/machine.h"
#include "node/state/streams_parts.h"
#include "node/state/view.h"
#include "proto/check.h"

struct weft_streams *weft_state_streams(struct weft_state *state)
{
    return state->streams;
}

/* --- what stands ----------------------------------------------------------------------------- */

uint64_t weft_streams_changed(const struct weft_streams *streams)
{
    return streams->changed;
}

uint32_t weft_streams_count(const struct weft_streams *streams)
{
    return streams->count;
}

static enum weft_agreement_state state_of(const struct weft_accord *accord)
{
    if (accord->deeds[WEFT_ACCORD_NEWEST] == NULL) {
        return WEFT_AGREEMENT_OFFERED;
    }
    switch (accord->sent.provider.stream.phase) {
    case WEFT_STREAM_NEW:
    case WEFT_STREAM_OPEN:
        return WEFT_AGREEMENT_IN_FORCE;
    case WEFT_STREAM_SUSPENDED:
        return WEFT_AGREEMENT_SUSPENDED;
    case WEFT_STREAM_CLOSED:
        return WEFT_AGREEMENT_ENDED;
    case WEFT_STREAM_PHASES:
        break;
    }
    weft_unreachable("FED-7: a phase");
}

static struct weft_offer offer_of(const struct weft_accord_row *row)
{
    return (struct weft_offer){.note = weft_buffer_as_text(&row->offer),
        .digest = row->offer_digest,
        .partner = weft_buffer_as_text(&row->offer_partner),
        .is_ours = row->offer_by == row->party,
        .until_ns = row->offer_until_ns,
        .end = (enum weft_offer_end)row->offer_end,
        .reason = weft_buffer_as_text(&row->offer_reason)};
}

static struct weft_text note_of(const struct weft_accord *accord)
{
    const struct weft_deed *newest = accord->deeds[WEFT_ACCORD_NEWEST];
    return newest != NULL && newest->contract.link.version == accord->row.shown_version
               ? weft_buffer_as_text(&newest->note)
               : (struct weft_text){NULL, 0};
}

struct weft_agreement weft_streams_at(const struct weft_streams *streams, uint32_t number)
{
    weft_assert(number < streams->count); /* NOD-191 */
    const struct weft_accord *accord = streams->accords[number];
    return (struct weft_agreement){.number = number,
        .name = accord->row.name,
        .terms = accord->terms != NULL ? weft_accord_terms(accord) : NULL,
        .state = state_of(accord),
        .offer = offer_of(&accord->row),
        .note = note_of(accord),
        .provider = &accord->sent.provider,
        .consumer = &accord->received.consumer,
        .looked_index = accord->sent.looked_index,
        .owes_assets = accord->sent.owes_assets,
        .receipt_ns = accord->sent.receipt_ns,
        .batch_ns = accord->received.batch_ns,
        .sent_head_ns = accord->sent.head_ns,
        .their_head_ns = accord->received.head_ns,
        .refused_count = accord->sent.refused_count,
        .omitted_count = accord->sent.omitted_count,
        .evidence_count = accord->sent.evidence_count,
        .claim_count = accord->received.claim_count,
        .receipt_note = weft_buffer_as_text(&accord->sent.receipt),
        .head_note = weft_buffer_as_text(&accord->received.head)};
}

bool weft_streams_find(
    const struct weft_streams *streams, struct weft_text name, struct weft_agreement *ret_agreement)
{
    const struct weft_accord *accord = weft_streams_accord(streams, name);
    if (accord != NULL) {
        *ret_agreement = weft_streams_at(streams, accord->number);
    }
    return accord != NULL;
}

uint32_t weft_streams_partner_count(const struct weft_streams *streams)
{
    return streams->partner_count;
}

struct weft_partner weft_streams_partner_at(const struct weft_streams *streams, uint32_t i)
{
    weft_assert(i < streams->partner_count); /* NOD-191 */
    const struct weft_pinned *p = streams->partners[i];
    return (struct weft_partner){.site = p->site,
        .org = p->has_org ? &p->org : NULL,
        .keys = p->keys,
        .key_count = p->key_count,
        .endpoints = p->texts.endpoints,
        .ca = p->texts.ca,
        .index = p->index};
}

bool weft_streams_find_partner(
    const struct weft_streams *streams, struct weft_text site, struct weft_partner *ret_partner)
{
    bool is_there = weft_streams_pinned(streams, site) != NULL;
    if (is_there) {
        *ret_partner = weft_streams_partner_at(streams, weft_streams_place(streams, site));
    }
    return is_there;
}

bool weft_streams_due(const struct weft_streams *streams, uint32_t *number)
{
    for (uint32_t i = *number; i < streams->count; i++) {
        const struct weft_accord *accord = streams->accords[i];
        const struct weft_stream *stream = &accord->sent.provider.stream;
        bool has_version = stream->version < accord->row.version;
        bool is_owed = stream->phase == WEFT_STREAM_OPEN &&
                       (!weft_accord_keeps_up(accord) || accord->sent.owes_assets);
        if (accord->deeds[WEFT_ACCORD_NEWEST] != NULL && stream->phase != WEFT_STREAM_CLOSED &&
            !weft_provider_is_fenced(&accord->sent.provider) && (has_version || is_owed)) {
            *number = i;
            return true;
        }
    }
    return false;
}

/* --- sources --------------------------------------------------------------------------------- */

enum weft_err weft_stream_source(struct weft_state *state, uint32_t agreement,
    enum weft_direction direction, struct weft_stream_source *ret_source)
{
    struct weft_streams *s = state->streams;
    if (agreement >= s->count) {
        return WEFT_ENOTFOUND;
    }
    struct weft_flow *flow = &s->accords[agreement]->flows[direction];
    *ret_source = (struct weft_stream_source){
        s->store, NULL, flow, agreement, direction, weft_flow_size(flow)};
    return WEFT_OK;
}

enum weft_err weft_view_stream_source(struct weft_view *view, uint32_t agreement,
    enum weft_direction direction, struct weft_stream_source *ret_source, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_of_stream(WEFT_KEY_STREAM, agreement, direction);
    struct weft_sent_row sent = {.kept = 0};
    struct weft_received_row received = {.claim_count = 0};
    enum weft_err err = weft_store_get(view->state->store, view->snapshot, &key, &value, msg);
    if (err == WEFT_OK) {
        err = direction == WEFT_SENT ? weft_sent_row_decode(value.bytes, &sent)
                                     : weft_received_row_decode(value.bytes, &received);
        err = err == WEFT_OK ? err : weft_fail(msg, err, "the row of a stream is damaged");
    }
    weft_store_release(&value);
    if (err == WEFT_OK) {
        *ret_source = (struct weft_stream_source){view->state->store, view->snapshot, NULL,
            agreement, direction,
            direction == WEFT_SENT ? sent.provider.stream.tree.size
                                   : received.consumer.stream.tree.size};
    }
    weft_buffer_destroy(&sent.receipt);
    weft_buffer_destroy(&received.head);
    return err;
}

static enum weft_err get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    const struct weft_stream_source *s = ctx;
    return s->flow != NULL ? weft_flow_tile(s->flow, tile, ret_hashes, msg)
                           : weft_flow_read_tile(s->store, s->snapshot, s->agreement, s->direction,
                                 tile, ret_hashes, msg);
}

/* 64 KiB, for the caller to free. NULL: no memory. */
static struct weft_merkle_prover *prover_of(const struct weft_stream_source *source, uint64_t size)
{
    struct weft_merkle_prover *prover = malloc(sizeof(*prover));
    if (prover != NULL) {
        weft_merkle_prover_init(prover, size, get_tile, (void *)(uintptr_t)source);
    }
    return prover;
}

static enum weft_err check_size(
    const struct weft_stream_source *source, uint64_t size, struct weft_msg *msg)
{
    return size <= source->size
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "%" PRIu64 " leaves, and the stream has %" PRIu64,
                     size, source->size);
}

static enum weft_err no_memory(struct weft_msg *msg)
{
    return weft_fail(msg, WEFT_ENOMEM, "read a stream");
}

enum weft_err weft_stream_source_consistency(const struct weft_stream_source *source,
    uint64_t old_size, uint64_t size, struct weft_merkle_proof *ret_proof, struct weft_msg *msg)
{
    enum weft_err err = check_size(source, size, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_merkle_prover *prover = prover_of(source, size);
    err = prover != NULL ? weft_merkle_prove_consistency(prover, old_size, ret_proof, msg)
                         : no_memory(msg);
    free(prover);
    return err;
}

enum weft_err weft_stream_source_inclusion(const struct weft_stream_source *source,
    uint64_t sequence, uint64_t size, struct weft_merkle_proof *ret_proof, struct weft_msg *msg)
{
    enum weft_err err = check_size(source, size, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_merkle_prover *prover = prover_of(source, size);
    err = prover != NULL ? weft_merkle_prove_inclusion(prover, sequence, ret_proof, msg)
                         : no_memory(msg);
    free(prover);
    return err;
}

enum weft_err weft_stream_source_root(
    void *ctx, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg)
{
    const struct weft_stream_source *source = ctx;
    enum weft_err err = check_size(source, size, msg);
    if (err != WEFT_OK || size == 0) {
        *ret_root = weft_merkle_empty();
        return err;
    }
    struct weft_merkle_prover *prover = prover_of(source, source->size);
    err = prover != NULL ? weft_merkle_prove_root(prover, size, ret_root, msg) : no_memory(msg);
    free(prover);
    return err;
}

enum weft_err weft_stream_source_node(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg)
{
    const struct weft_stream_source *source = ctx;
    if (height > WEFT_MERKLE_HEIGHT_MAX || index >= (source->size >> height)) {
        return weft_fail(msg, WEFT_EINVAL, "a subtree that the stream has not");
    }
    return weft_flow_node(get_tile, ctx, height, index, ret_hash, msg);
}

enum weft_err weft_stream_source_find(const struct weft_stream_source *source,
    const struct weft_digest *statement, uint64_t *ret_sequence, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key =
        weft_key_of_statement(source->agreement, source->direction, statement);
    enum weft_err err = weft_store_get(source->store, source->snapshot, &key, &value, msg);
    if (err == WEFT_OK && value.bytes.size != 8) {
        err = weft_fail(msg, WEFT_ECORRUPT, "where a statement stands is damaged");
    } else if (err == WEFT_OK) {
        *ret_sequence = weft_get_be64(value.bytes.data);
    }
    weft_store_release(&value);
    return err;
}

/* --- leaves ---------------------------------------------------------------------------------- */

static enum weft_err get_leaf(const struct weft_stream_source *source, uint64_t sequence,
    struct weft_store_value *ret_value, struct weft_flow_leaf *ret_leaf, struct weft_msg *msg)
{
    enum weft_err err = weft_flow_get(source->store, source->snapshot, source->agreement,
        source->direction, sequence, ret_value, ret_leaf, msg);
    return err == WEFT_ENOTFOUND
               ? weft_fail(msg, WEFT_ECORRUPT, "leaf %" PRIu64 " of a stream is missing", sequence)
               : err;
}

enum weft_err weft_stream_source_items(const struct weft_stream_source *source, uint64_t first,
    uint32_t count_max, size_t bytes_max, bool is_explicit, struct weft_buffer *out,
    uint32_t *ret_count, struct weft_msg *msg)
{
    const size_t before = out->size;
    enum weft_err err = WEFT_OK;
    uint32_t count = 0;
    if (first >= source->size) {
        return weft_fail(msg, WEFT_EINVAL, "the stream has %" PRIu64 " leaves", source->size);
    }
    while (err == WEFT_OK && count < count_max && count < source->size - first) {
        struct weft_store_value value = {.handle = NULL};
        struct weft_flow_leaf leaf;
        const size_t size = out->size;
        err = get_leaf(source, first + count, &value, &leaf, msg);
        if (err == WEFT_OK) {
            const struct weft_stream_item item = {.kind = leaf.leaf.kind,
                .has_digest = is_explicit && leaf.leaf.kind == WEFT_STREAM_STATEMENT,
                .digest = leaf.leaf.digest,
                .content = leaf.content};
            err = weft_stream_item_append(out, &item);
            err = err == WEFT_OK ? err : weft_fail(msg, err, "an item of a stream");
        }
        weft_store_release(&value);
        if (err == WEFT_OK && count > 0 && out->size - before > bytes_max) {
            out->size = size;
            break;
        }
        count += err == WEFT_OK ? 1 : 0;
    }
    if (err == WEFT_OK) {
        *ret_count = count;
    } else {
        out->size = before;
    }
    return err;
}

/* --- files ----------------------------------------------------------------------------------- */

static enum weft_err write_tile(const struct weft_stream_source *source,
    const struct weft_tile *tile, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_digest hashes[WEFT_TILE_WIDTH];
    enum weft_err err = WEFT_OK;
    if (!tile->is_bundle) {
        err = get_tile((void *)(uintptr_t)source, tile, hashes, msg);
        return err == WEFT_OK ? weft_buffer_append(out, hashes, tile->width * sizeof(hashes[0]))
                              : err;
    }
    for (unsigned i = 0; err == WEFT_OK && i < tile->width; i++) {
        struct weft_store_value value = {.handle = NULL};
        struct weft_flow_leaf leaf;
        char text[WEFT_STREAM_LEAF_SIZE];
        err = get_leaf(source, tile->index * WEFT_TILE_WIDTH + i, &value, &leaf, msg);
        if (err == WEFT_OK) {
            const size_t size = weft_stream_leaf_format(&leaf.leaf, text);
            err = weft_bundle_append(out, (struct weft_bytes){(const uint8_t *)text, size});
        }
        weft_store_release(&value);
    }
    return err;
}

static enum weft_err write_statement(const struct weft_stream_source *source, uint64_t size,
    struct weft_text hexadecimal, struct weft_buffer *out, struct weft_msg *msg)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    struct weft_digest digest;
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    uint64_t sequence;
    static const char prefix[] = "sha256:";
    if (hexadecimal.size + sizeof(prefix) != sizeof(text)) {
        return WEFT_ENOTFOUND;
    }
    memcpy(text, prefix, sizeof(prefix) - 1);
    memcpy(text + sizeof(prefix) - 1, hexadecimal.data, hexadecimal.size);
    if (weft_digest_parse((struct weft_text){text, sizeof(text) - 1}, &digest) != WEFT_OK) {
        return WEFT_ENOTFOUND;
    }
    enum weft_err err = weft_stream_source_find(source, &digest, &sequence, msg);
    err = err == WEFT_OK ? get_leaf(source, sequence, &value, &leaf, msg) : err;
    while (err == WEFT_OK && sequence >= size && leaf.earlier > 0) { /* As it was told before. */
        sequence = leaf.earlier - 1;
        weft_store_release(&value);
        err = get_leaf(source, sequence, &value, &leaf, msg);
    }
    if (err == WEFT_OK && sequence >= size) {
        err = WEFT_ENOTFOUND;
    }
    err = err == WEFT_OK ? weft_buffer_append(out, leaf.content.data, leaf.content.size) : err;
    weft_store_release(&value);
    return err;
}

static enum weft_err write_contract(const struct weft_stream_source *source,
    struct weft_text version, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    uint64_t number;
    if (!weft_text_exact_number(version, &number) || number > UINT32_MAX) {
        return WEFT_ENOTFOUND;
    }
    const struct weft_key key =
        weft_key_of_number(WEFT_KEY_VERSION_NOTE, source->agreement, (uint32_t)number);
    enum weft_err err = weft_store_get(source->store, source->snapshot, &key, &value, msg);
    err = err == WEFT_OK ? weft_buffer_append(out, value.bytes.data, value.bytes.size) : err;
    weft_store_release(&value);
    return err;
}

enum weft_err weft_stream_source_file(const struct weft_stream_source *source, uint64_t size,
    struct weft_text path, struct weft_buffer *out, struct weft_msg *msg)
{
    static const char statement[] = "statement/", contract[] = "contract/";
    struct weft_tile tile;
    enum weft_err err = check_size(source, size, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_text_starts(path, statement)) {
        const size_t skip = sizeof(statement) - 1;
        err = write_statement(
            source, size, (struct weft_text){path.data + skip, path.size - skip}, out, msg);
    } else if (weft_text_starts(path, contract)) {
        const size_t skip = sizeof(contract) - 1;
        err = write_contract(
            source, (struct weft_text){path.data + skip, path.size - skip}, out, msg);
    } else if (weft_tile_parse(path, &tile) == WEFT_OK &&
               tile.width <= weft_tile_width(size, tile.level, tile.index)) {
        err = write_tile(source, &tile, out, msg);
    } else {
        err = WEFT_ENOTFOUND;
    }
    return err == WEFT_ENOTFOUND
               ? weft_fail(msg, err, "no file of that name: %.*s", (int)path.size, path.data)
               : err;
}

/* --- what was received ----------------------------------------------------------------------- */

static enum weft_err tell(const struct weft_stream_source *source, uint64_t sequence,
    weft_stream_on_received *on_received, void *ctx, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    enum weft_err err = get_leaf(source, sequence, &value, &leaf, msg);
    if (err == WEFT_OK) {
        const struct weft_received received = {.sequence = sequence,
            .statement = leaf.leaf.digest,
            .fault = leaf.fault,
            .is_claim = leaf.is_claim,
            .is_forwarded = leaf.is_forwarded,
            .time_ns = leaf.time_ns,
            .reason = leaf.reason,
            .content = leaf.content};
        err = on_received(ctx, &received, msg);
    }
    weft_store_release(&value);
    return err;
}

enum weft_err weft_stream_source_quarantine(const struct weft_stream_source *source, uint64_t from,
    weft_stream_on_received *on_received, void *ctx, struct weft_msg *msg)
{
    const struct weft_key first = weft_key_of_quarantine(source->agreement, from);
    const struct weft_bytes prefix = {first.bytes, WEFT_KEY_AGREEMENT_SIZE};
    if (source->direction != WEFT_RECEIVED) {
        return WEFT_OK;
    }
    struct weft_store_walk *walk = weft_store_walk_create(source->store, source->snapshot, false);
    if (walk == NULL) {
        return no_memory(msg);
    }
    enum weft_err err = WEFT_OK;
    weft_store_walk_to(walk, &first);
    while (err == WEFT_OK && weft_store_walk_is_below(walk, prefix)) {
        struct weft_bytes key = weft_store_walk_key(walk);
        err = key.size == prefix.size + 8
                  ? tell(source, weft_get_be64(key.data + prefix.size), on_received, ctx, msg)
                  : weft_fail(msg, WEFT_ECORRUPT, "a key of a stream is damaged");
        weft_store_walk_next(walk);
    }
    err = err == WEFT_OK ? weft_store_walk_err(walk, msg) : err;
    weft_store_walk_destroy(walk);
    return err;
}
