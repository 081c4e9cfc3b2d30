#include "node/state/stream_code.h"

#include "node/state/coder.h"
#include "node/state/streams.h"
#include "proto/check.h"
#include "proto/limits.h"

static void code_head(struct weft_coder *c, struct weft_merkle_head *head)
{
    weft_code_u64(c, &head->size);
    weft_code_bytes(c, head->root.bytes, WEFT_DIGEST_SIZE);
}

/* Roots of the subtrees that there are. */
static void code_range(struct weft_coder *c, struct weft_merkle_range *range)
{
    weft_code_u64(c, &range->size);
    if (c->err == WEFT_OK && range->size > WEFT_MERKLE_SIZE_MAX) {
        c->err = WEFT_ECORRUPT;
    }
    for (unsigned h = 0; h <= WEFT_MERKLE_HEIGHT_MAX; h++) {
        if ((range->size >> h & 1) != 0) {
            weft_code_bytes(c, range->roots[h].bytes, WEFT_DIGEST_SIZE);
        }
    }
}

static void code_stream(struct weft_coder *c, struct weft_stream *stream)
{
    uint32_t phase = (uint32_t)stream->phase;
    code_range(c, &stream->tree);
    weft_code_u32(c, &phase, WEFT_STREAM_PHASES);
    stream->phase = (enum weft_stream_phase)phase;
    weft_code_u64(c, &stream->version);
    weft_code_bytes(c, stream->contract.bytes, WEFT_DIGEST_SIZE);
    weft_code_u64(c, &stream->statement_count);
    /* FED-7 would end the process: what is damaged is refused first. */
    bool is_new = stream->phase == WEFT_STREAM_NEW;
    if (c->err == WEFT_OK &&
        (is_new != (stream->tree.size == 0) || is_new != (stream->version == 0) ||
            stream->statement_count > stream->tree.size ||
            stream->version > stream->tree.size - stream->statement_count)) {
        c->err = WEFT_ECORRUPT;
    }
}

static void code_lost(struct weft_coder *c, struct weft_lost *lost)
{
    weft_code_u32(c, &lost->count, WEFT_LOST_MAX + 1);
    for (uint32_t i = 0; c->err == WEFT_OK && i < lost->count; i++) {
        code_head(c, &lost->heads[i]);
    }
}

/* A text that the row owns. */
static void code_buffer(struct weft_coder *c, struct weft_buffer *buffer)
{
    struct weft_text text = weft_buffer_as_text(buffer);
    weft_code_slice(c, &text);
    if (c->err == WEFT_OK && c->out == NULL) {
        buffer->size_max = WEFT_STREAM_TEXT_SIZE_MAX;
        c->err = text.size <= buffer->size_max ? weft_buffer_text(buffer, text) : WEFT_ECORRUPT;
    }
}

static void code_taken_back(struct weft_coder *c, struct weft_accord_row *row)
{
    bool is_own_standing =
        row->offer.size > 0 && row->offer_end == WEFT_OFFER_STANDS && row->offer_by == row->party;
    weft_code_u32(
        c, &row->taken_back_count, is_own_standing ? WEFT_TAKEN_BACK_MAX : WEFT_TAKEN_BACK_MAX + 1);
    for (uint32_t i = 0; c->err == WEFT_OK && i < row->taken_back_count; i++) {
        weft_code_bytes(c, row->taken_back[i].digest.bytes, WEFT_DIGEST_SIZE);
        weft_code_time(c, &row->taken_back[i].until_ns);
    }
}

static void code_accord(struct weft_coder *c, struct weft_accord_row *row)
{
    weft_code_slice(c, &row->name);
    weft_code_u32(c, &row->party, WEFT_CONTRACT_PARTIES);
    weft_code_u64(c, &row->version);
    weft_code_u64(c, &row->shown_version);
    weft_code_u64(c, &row->offer_index);
    code_buffer(c, &row->offer);
    if (row->offer.size > 0) {
        weft_code_u32(c, &row->offer_by, WEFT_CONTRACT_PARTIES);
        weft_code_u32(c, &row->offer_end, WEFT_OFFER_ENDS);
        weft_code_time(c, &row->offer_until_ns);
        weft_code_bytes(c, row->offer_digest.bytes, WEFT_DIGEST_SIZE);
        code_buffer(c, &row->offer_partner);
        code_buffer(c, &row->offer_reason);
    }
    code_taken_back(c, row);
    if (c->err == WEFT_OK && row->name.size > WEFT_CONTRACT_NAME_SIZE_MAX) {
        c->err = WEFT_ECORRUPT;
    }
}

void weft_accord_row_destroy(struct weft_accord_row *row)
{
    weft_buffer_destroy(&row->offer);
    weft_buffer_destroy(&row->offer_partner);
    weft_buffer_destroy(&row->offer_reason);
}

void weft_accord_row_clear_offer(struct weft_accord_row *row)
{
    weft_buffer_clear(&row->offer);
    weft_buffer_clear(&row->offer_partner);
    weft_buffer_clear(&row->offer_reason);
    row->offer_index = 0;
    row->offer_by = row->offer_end = 0;
    row->offer_until_ns = 0;
    row->offer_digest = (struct weft_digest){{0}};
}

static void code_sent(struct weft_coder *c, struct weft_sent_row *row)
{
    struct weft_provider *p = &row->provider;
    code_stream(c, &p->stream);
    code_head(c, &p->signed_head);
    code_head(c, &p->receipt);
    code_head(c, &p->fence);
    weft_code_bool(c, &p->is_unsure);
    if (c->err == WEFT_OK &&
        (p->receipt.size > p->signed_head.size || p->signed_head.size > p->stream.tree.size ||
            (p->fence.size > 0 && p->fence.size <= p->signed_head.size))) {
        c->err = WEFT_ECORRUPT; /* FED-12, FED-14 */
    }
    code_lost(c, &p->lost);
    weft_code_u64(c, &p->settled);
    weft_code_bool(c, &p->is_owed);
    code_head(c, &p->rival);
    weft_code_u64(c, &row->looked_index);
    weft_code_bool(c, &row->owes_assets);
    weft_code_time(c, &row->receipt_ns);
    weft_code_time(c, &row->head_ns);
    weft_code_u64(c, &row->refused_count);
    weft_code_u64(c, &row->omitted_count);
    weft_code_u32(c, &row->kept, UINT64_C(1) << 32);
    weft_code_u32(c, &row->evidence_count, UINT64_C(1) << 32);
    weft_code_bytes(c, row->evidence.bytes, WEFT_DIGEST_SIZE);
    code_buffer(c, &row->receipt);
}

static void code_received(struct weft_coder *c, struct weft_received_row *row)
{
    struct weft_consumer *consumer = &row->consumer;
    uint32_t hold = (uint32_t)consumer->hold;
    code_stream(c, &consumer->stream);
    code_head(c, &consumer->head);
    weft_code_u32(c, &consumer->quarantined, UINT64_C(1) << 32);
    weft_code_u32(c, &hold, WEFT_CONSUMER_HOLDS);
    consumer->hold = (enum weft_consumer_hold)hold;
    if (c->err == WEFT_OK && (consumer->stream.tree.size > consumer->head.size ||
                                 consumer->quarantined > consumer->stream.statement_count)) {
        c->err = WEFT_ECORRUPT; /* FED-16, FED-17 */
    }
    code_lost(c, &consumer->lost);
    weft_code_time(c, &row->batch_ns);
    weft_code_time(c, &row->head_ns);
    weft_code_u64(c, &row->claim_count);
    weft_code_u64(c, &row->newest.epoch);
    weft_code_u64(c, &row->newest.index);
    weft_code_u32(c, &row->newest.ordinal, UINT64_C(1) << 32);
    code_buffer(c, &row->head);
}

enum weft_err weft_accord_row_encode(const struct weft_accord_row *row, struct weft_buffer *out)
{
    struct weft_accord_row copy = *row;
    struct weft_coder c = {.out = out};
    code_accord(&c, &copy);
    return c.err;
}

enum weft_err weft_sent_row_encode(const struct weft_sent_row *row, struct weft_buffer *out)
{
    struct weft_sent_row copy = *row;
    struct weft_coder c = {.out = out};
    code_sent(&c, &copy);
    return c.err;
}

enum weft_err weft_received_row_encode(const struct weft_received_row *row, struct weft_buffer *out)
{
    struct weft_received_row copy = *row;
    struct weft_coder c = {.out = out};
    code_received(&c, &copy);
    return c.err;
}

enum weft_err weft_accord_row_decode(struct weft_bytes value, struct weft_accord_row *ret_row)
{
    struct weft_coder c = {.rest = value};
    *ret_row = (struct weft_accord_row){.version = 0};
    code_accord(&c, ret_row);
    return weft_coder_end(&c);
}

enum weft_err weft_sent_row_decode(struct weft_bytes value, struct weft_sent_row *ret_row)
{
    struct weft_coder c = {.rest = value};
    *ret_row = (struct weft_sent_row){.kept = 0};
    code_sent(&c, ret_row);
    return weft_coder_end(&c);
}

enum weft_err weft_received_row_decode(struct weft_bytes value, struct weft_received_row *ret_row)
{
    struct weft_coder c = {.rest = value};
    *ret_row = (struct weft_received_row){.claim_count = 0};
    code_received(&c, ret_row);
    return weft_coder_end(&c);
}
