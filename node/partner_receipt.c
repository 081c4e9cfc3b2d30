#include "node/partner_receipt.h"

#include "node/mutant.h"

const struct weft_contract_side *weft_partner_in_side(const struct weft_agreement *a)
{
    const struct weft_contract *contract =
        a->terms->received != NULL ? a->terms->received : a->terms->newest;
    return contract != NULL ? &contract->sides[1 - a->terms->party] : NULL;
}

enum weft_err weft_partner_in_say(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_partner_message *m)
{
    enum weft_err err = weft_partners_send(p, in->conn, m);
    in->beside += err == WEFT_OK ? p->scratch.size : 0;
    return err;
}

/* --- how much may come --------------------------------------------------------------------------
 */

/* NOD-244: a second's worth at once, and then as the rate is. */
uint64_t weft_partner_in_room(const struct weft_partners *p, struct weft_partner_in *in,
    const struct weft_contract_side *side)
{
    const uint64_t rate = side->rate_statements;
    uint64_t ms = p->now_ms > in->tokens_ms ? p->now_ms - in->tokens_ms : 0;
    uint64_t more = ms < 1000 ? ms * rate / 1000 : rate;
    if (more > 0) {
        in->tokens = in->tokens + more < rate ? in->tokens + more : rate;
        in->tokens_ms = p->now_ms;
    }
    return in->tokens;
}

/* Credit alone, where the rate and not a commit is what was waited for. */
static void send_credit(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a)
{
    const struct weft_contract_side *side = weft_partner_in_side(a);
    struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_RECEIPT, .stream = weft_partners_stream(a, WEFT_RECEIVED)};
    if (!in->receiver.is_open || in->is_judging || side == NULL) {
        return;
    }
    uint64_t left = in->receiver.credit.statements_until - in->receiver.credit.next;
    uint64_t low = side->rate_statements / (1000 / WEFT_PARTNER_CREDIT_MS) + 1;
    if (left >= low || left >= side->queue_statements) {
        return;
    }
    if (p->now_ms < in->credit_ms) {
        weft_partners_due(p, in->credit_ms);
        return;
    }
    in->credit_ms = p->now_ms + WEFT_PARTNER_CREDIT_MS;
    weft_partners_due(p, in->credit_ms);
    uint64_t room = weft_partner_in_room(p, in, side);
    if (room <= left) {
        return;
    }
    m.receipt.session = in->receiver.session;
    weft_receiver_grant(
        &in->receiver, side, room, &m.receipt.statements_until, &m.receipt.bytes_until);
    (void)!weft_partner_in_say(p, in, &m);
}

/* --- receipts and refusals -------------------------------------------------------------------- */

/* Of the last receipt: 0 is said, too, by who is of before that was told. */
static bool is_lost(const struct weft_partner_in *in, const struct weft_agreement *a)
{
    return in->repeat.acknowledged > 0 && in->repeat.acknowledged < a->consumer->stream.tree.size;
}

void weft_partner_receipt_greeted(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a)
{
    in->owes_receipt = in->owes_receipt || in->repeat.is_asked || is_lost(in, a);
    in->repeat.is_asked = false;
    in->repeat.due_ms = p->now_ms + WEFT_PARTNER_AGAIN_RECEIPT_MS;
}

void weft_partner_receipt_told(struct weft_partners *p, struct weft_partner_in *in,
    const struct weft_agreement *a, uint64_t leaves)
{
    in->repeat.acknowledged = leaves;
    in->owes_receipt = in->owes_receipt || (in->repeat.due_ms > 0 && is_lost(in, a));
    weft_partners_due(p, p->now_ms);
}

/* With a hello a receipt that may be lost is said again, but for one that he told he has. */
static void settle_repeat(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a)
{
    if (in->repeat.due_ms == 0) {
        return;
    }
    const bool is_known = in->repeat.acknowledged >= a->consumer->stream.tree.size;
    if (!is_known && p->now_ms < in->repeat.due_ms) {
        weft_partners_due(p, in->repeat.due_ms);
        return;
    }
    in->owes_receipt = in->owes_receipt || !is_known;
    in->repeat.due_ms = 0;
}

/* Who is far behind and has credit left waits with it; who holds what is proven goes on soon. */
static bool is_receipt_due(struct weft_partners *p, const struct weft_partner_in *in,
    const struct weft_agreement *a, const struct weft_contract_side *side)
{
    const struct weft_consumer *consumer = a->consumer;
    const struct weft_credit *credit = &in->receiver.credit;
    bool is_far = consumer->head.size - consumer->stream.tree.size >= WEFT_PARTNER_FAR_LEAVES ||
                  in->window.held_count > 0;
    bool is_low = side == NULL || weft_credit_leaves(credit) < side->queue_statements / 2 ||
                  weft_credit_bytes(credit) < side->rate_bytes / 2;
    if (!in->owes_receipt || !is_far || is_low || p->now_ms >= in->window.receipt_ms) {
        return in->owes_receipt;
    }
    weft_partners_due(p, in->window.receipt_ms);
    return false;
}

/* NOD-241: of what is applied, never of what is judged. */
static void send_receipt(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a)
{
    const struct weft_contract_side *side = weft_partner_in_side(a);
    struct weft_partner_asked asked = {.what = WEFT_PARTNER_TEXT_RECEIPT};
    struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_RECEIPT, .stream = weft_partners_stream(a, WEFT_RECEIVED)};
    settle_repeat(p, in, a);
    /* What came as a file is acknowledged in one. */
    bool is_unsaid = in->conn == NULL && a->consumer->stream.tree.size > in->receipt_size;
    if ((is_receipt_due(p, in, a, side) || is_unsaid) && !in->receipt.is_under_way &&
        a->consumer->stream.tree.size > 0) {
        in->owes_receipt = false;
        in->window.receipt_ms = p->now_ms + WEFT_PARTNER_RECEIPT_MS;
        asked.head = weft_stream_tree(&a->consumer->stream);
        if (in->receiver.is_open && weft_node_mutant(WEFT_NODE_MUTANT_RECEIPT_EARLY)) {
            asked.head = weft_stream_tree(&in->receiver.ahead.stream);
        }
        in->receipt_size = asked.head.size;
        weft_partners_sign(p, a, &in->receipt, &asked);
    }
    if (!weft_partners_is_signed(p, &in->receipt)) {
        return;
    }
    in->receipt.is_under_way = false;
    weft_buffer_clear(&in->note);
    if (weft_buffer_text(&in->note, weft_buffer_as_text(&in->receipt.lines.note)) != WEFT_OK ||
        in->conn == NULL || side == NULL) {
        return;
    }
    m.receipt.note = weft_buffer_as_text(&in->note);
    m.receipt.session = in->receiver.session;
    if (in->receiver.is_open) {
        weft_receiver_grant(&in->receiver, side, weft_partner_in_room(p, in, side),
            &m.receipt.statements_until, &m.receipt.bytes_until);
    }
    in->owes_receipt = weft_partner_in_say(p, in, &m) != WEFT_OK || in->owes_receipt;
}

static void send_refusal(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a)
{
    struct weft_partner_asked asked = {.what = WEFT_PARTNER_TEXT_REFUSAL,
        .from = in->refuse_from,
        .head = {.size = in->refuse_end}};
    if (in->refuse_end > in->refuse_from && !in->refusal.is_under_way) {
        weft_partners_sign(p, a, &in->refusal, &asked);
        in->refuse_from = in->refusal.is_under_way ? in->refusal.next : in->refuse_end;
    }
    if (!weft_partners_is_signed(p, &in->refusal)) {
        return;
    }
    in->refusal.is_under_way = false;
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_REFUSAL,
        .stream = weft_partners_stream(a, WEFT_RECEIVED),
        .text = weft_buffer_as_text(&in->refusal.lines.note)};
    if (in->conn != NULL) {
        (void)!weft_partner_in_say(p, in, &m); /* Quarantine shows it in any case. */
    }
    if (in->refuse_end > in->refuse_from) { /* The note had no room for all. */
        weft_partners_due(p, p->now_ms);
        p->options.io.wake(p->options.io.ctx);
    }
}

void weft_partner_receipt_turn(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a)
{
    send_receipt(p, in, a);
    send_refusal(p, in, a);
    send_credit(p, in, a);
}

/* --- what is refused ---------------------------------------------------------------------------
 */

struct span {
    uint64_t end; /* Of what is looked at. */
    uint64_t first, behind_last;
};

static enum weft_err on_refused(
    void *ctx, const struct weft_received *received, struct weft_msg *msg)
{
    struct span *span = ctx;
    (void)msg;
    if (received->sequence < span->end) {
        span->first = span->behind_last == 0 ? received->sequence : span->first;
        span->behind_last = received->sequence + 1;
    }
    return WEFT_OK;
}

/* By the rows: the policy is asked as a batch is applied, and what it refuses is refused to the
 * partner too. A batch that was not taken has none. */
void weft_partner_receipt_refused(
    struct weft_partners *p, const struct weft_agreement *a, struct weft_partner_entry *done)
{
    struct weft_stream_source source;
    struct weft_msg msg = {""};
    struct span span = {.end = done->end};
    if (done->err == WEFT_OK && done->is_batch && a->consumer->quarantined > 0 &&
        weft_stream_source(p->state, a->terms->number, WEFT_RECEIVED, &source) == WEFT_OK) {
        /* Quarantine shows them in any case. */
        (void)!weft_stream_source_quarantine(&source, done->first, on_refused, &span, &msg);
    }
    done->first = span.first;
    done->end = span.behind_last;
}
