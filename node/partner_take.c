#include <string.h>

#include "federation/equivocation.h"
#include "federation/refusal.h"
#include "node/partner_parts.h"

/* Messages that come as a file: one after the other, each judged here and now by the state as it is
 * applied, and proposed for whoever brought it. */

struct taking {
    struct weft_partners *p;
    const struct weft_agreement *a;
    struct weft_arena *arena;
    bool is_vouched;
    struct weft_stream_entry entry;
};

static enum weft_err say(struct weft_msg *msg, enum weft_stream_fault fault)
{
    struct weft_msg inner = *msg;
    return fault == WEFT_STREAM_SOUND ? WEFT_OK
                                      : weft_fail(msg, WEFT_EREFUSED, "%s", (char *)inner.text);
}

/* What a leaf's hash does not cover is the carrier's to change: he can damage what is stated, or
 * withhold or erase fields of it, and the statement would count as the partner's so for ever. On a
 * link that is the partner himself. What the digest covers he cannot change. */
static enum weft_err check_carried(const struct weft_batch *batch, uint32_t i, struct weft_msg *msg)
{
    const struct weft_batch_entry *entry = &batch->entries[i];
    const unsigned long long place = batch->before.size + i;
    const struct weft_projection *projection = &entry->projection;
    bool is_doubtful = entry->fault == WEFT_STREAM_BAD_PROJECTION ||
                       entry->fault == WEFT_STREAM_DIGEST || entry->fault == WEFT_STREAM_MASK ||
                       entry->fault == WEFT_STREAM_HUGE;
    if (is_doubtful) {
        return weft_fail(msg, WEFT_EREFUSED,
            "%s: statement %llu is not as it was signed, or as it was to be shown: was it so when "
            "the partner gave it away? --vouch says so",
            weft_stream_fault_name(entry->fault), place);
    }
    for (uint32_t k = 0; entry->leaf.kind == WEFT_STREAM_STATEMENT && k < projection->item_count;
         k++) {
        if (projection->items[k].shape == WEFT_PROJECTION_ERASED) {
            return weft_fail(msg, WEFT_EREFUSED,
                "erased: field %.*s of statement %llu is erased: by the partner? --vouch says so",
                (int)projection->items[k].path.size, projection->items[k].path.data, place);
        }
    }
    return WEFT_OK;
}

static enum weft_err judge_received(
    struct taking *t, const struct weft_partner_message *m, struct weft_msg *msg)
{
    const struct weft_terms *terms = t->a->terms;
    struct weft_merkle_head head;
    struct weft_batch batch;
    if (m->kind == WEFT_KIND_STREAM_HEAD) {
        t->entry.act = WEFT_STREAM_ACT_HEAD;
        enum weft_stream_fault fault =
            weft_consumer_judge_head(t->a->consumer, &m->head, &terms->their_heads, &head, msg);
        if (fault == WEFT_STREAM_SPLIT && t->a->number < t->p->exchange_count &&
            t->p->exchanges[t->a->number] != NULL) {
            weft_partner_in_suspect(t->p, t->p->exchanges[t->a->number], t->entry.message);
        }
        t->entry.number = fault == WEFT_STREAM_SOUND ? head.size : 0;
        return say(msg, fault);
    }
    if (m->kind != WEFT_KIND_STREAM_BATCH) {
        return weft_fail(msg, WEFT_EINVAL, "nothing that is taken of a partner's stream");
    }
    t->entry.act = WEFT_STREAM_ACT_BATCH;
    const struct weft_consumer_terms of = weft_terms_of_consumer(terms, t->p->now_ns);
    enum weft_err err =
        say(msg, weft_consumer_judge_batch(t->a->consumer, &of, &m->batch, t->arena, &batch, msg));
    for (uint32_t i = 0; err == WEFT_OK && !t->is_vouched && i < batch.count; i++) {
        err = check_carried(&batch, i, msg);
    }
    t->entry.number = err == WEFT_OK ? batch.after.tree.size : 0;
    return err;
}

static enum weft_err judge_sent(
    struct taking *t, const struct weft_partner_message *m, struct weft_msg *msg)
{
    const struct weft_terms *terms = t->a->terms;
    struct weft_provider copy = *t->a->provider;
    struct weft_stream_source source;
    struct weft_refusal refusal;
    enum weft_equivocation_kind kind;
    enum weft_err err = weft_stream_source(t->p->state, terms->number, WEFT_SENT, &source);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "the stream cannot be read");
    }
    if (m->kind == WEFT_KIND_STREAM_RECEIPT) {
        t->entry.act = WEFT_STREAM_ACT_RECEIPT;
        return say(msg, weft_provider_acknowledge(&copy, m->receipt.note, &terms->their_receipts,
                            weft_stream_source_root, &source, msg));
    }
    if (m->kind == WEFT_KIND_STREAM_HEAD) {
        t->entry.act = WEFT_STREAM_ACT_FENCE;
        return say(msg, weft_provider_fence(&copy, m->head.note, &terms->own_heads,
                            weft_stream_source_root, &source, msg));
    }
    if (m->kind == WEFT_KIND_STREAM_HELLO) {
        t->entry.act = WEFT_STREAM_ACT_SURE;
        return say(
            msg, weft_provider_greet(&copy, &m->hello, weft_stream_source_root, &source, msg));
    }
    if (m->kind == WEFT_KIND_STREAM_REFUSAL) {
        t->entry.act = WEFT_STREAM_ACT_REFUSAL;
        return weft_refusal_verify(m->text, &terms->their_receipts, t->arena, &refusal, msg);
    }
    if (m->kind == WEFT_KIND_STREAM_EVIDENCE) {
        t->entry.act = WEFT_STREAM_ACT_EVIDENCE;
        return weft_equivocation_verify(m->text, &terms->own_heads, &kind, msg);
    }
    return weft_fail(msg, WEFT_EINVAL, "nothing that is taken of who receives");
}

static enum weft_err judge(struct taking *t, const struct weft_partner_message *m,
    struct weft_text partner, struct weft_msg *msg)
{
    const struct weft_terms *terms = t->a->terms;
    if (!weft_text_equal(partner, terms->partner)) {
        return weft_fail(msg, WEFT_EPEER, "%.*s is no party of it", (int)partner.size,
            partner.size > 0 ? partner.data : "");
    }
    if (weft_text_equal(m->stream.provider, terms->site)) {
        return judge_sent(t, m, msg);
    }
    return weft_text_equal(m->stream.provider, terms->partner)
               ? judge_received(t, m, msg)
               : weft_fail(msg, WEFT_EPEER, "a stream of neither party");
}

enum weft_err weft_partners_take(struct weft_partners *p, struct weft_text partner,
    const struct weft_carry *carried, const struct weft_waiter *waiter, struct weft_msg *msg)
{
    struct weft_partner_message m;
    struct weft_agreement a;
    struct weft_buffer body = {.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};
    struct taking t = {.p = p,
        .a = &a,
        .arena = &arena,
        .is_vouched = carried->is_vouched,
        .entry = {.message = carried->message}};
    enum weft_err err = p->is_leading && weft_partners_begin(p) ? WEFT_OK : WEFT_ENOTLEADER;
    if (err == WEFT_OK) {
        err = weft_partner_decode(carried->message, &arena, &m, msg);
    }
    if (err == WEFT_OK &&
        (!weft_streams_find(weft_state_streams(p->state), m.stream.agreement, &a) ||
            a.terms == NULL)) {
        err = weft_fail(msg, WEFT_ENOTFOUND, "no such agreement");
    }
    if (err == WEFT_OK) {
        err = judge(&t, &m, partner, msg);
    }
    if (err == WEFT_OK) {
        t.entry.agreement = a.terms->name;
        err = weft_stream_entry_encode(&t.entry, &body);
    }
    if (err == WEFT_OK) {
        const struct weft_entry_item item = {.type = WEFT_ITEM_STREAM,
            .principal = weft_text_of(p->principal),
            .body = {body.data, body.size}};
        err = p->options.io.propose(p->options.io.ctx, &item, waiter);
    }
    weft_buffer_destroy(&body);
    weft_arena_destroy(&arena);
    return err;
}
