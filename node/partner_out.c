#include <inttypes.h>
#include <string.h>

#include "federation/equivocation.h"
#include "federation/refusal.h"
#include "node/logger.h"
#include "node/partner_frame.h"
#include "node/partner_parts.h"
#include "node/partner_set.h"

/* The stream that is sent: heads are agreed to be signed, signed, and sent with what is under them;
 * what the partner says of it goes into the log. */

static bool source_of(const struct weft_partners *p, const struct weft_agreement *a,
    struct weft_stream_source *ret_source)
{
    return weft_stream_source(p->state, a->terms->number, WEFT_SENT, ret_source) == WEFT_OK;
}

/* --- heads ------------------------------------------------------------------------------------ */

/* The tree as it is applied is to be signed: an entry says so before anybody signs (NOD-243). */
static void propose_head(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_out *out = &x->out;
    const struct weft_provider *provider = a->provider;
    const uint64_t size = provider->stream.tree.size;
    struct weft_stream_source source;
    struct weft_msg msg = {""};
    if (out->is_signing || !p->sign.has_key || a->terms->own_heads.threshold == 0 ||
        size <= provider->signed_head.size || out->head.size != provider->signed_head.size ||
        weft_provider_is_fenced(provider) || out->is_contradicted) {
        return;
    }
    /* A site that was set back and does not know would sign what its keys signed otherwise; where
     * there is a link, it is up and has said hello by then. */
    const uint64_t alone_ms = out->was_greeted ? 0 : p->led_ms + WEFT_PARTNER_ALONE_MS;
    const uint64_t from_ms = out->sign_ms > alone_ms ? out->sign_ms : alone_ms;
    if (p->now_ms < from_ms) {
        weft_partners_due(p, from_ms);
        return;
    }
    out->sign_ms =
        p->now_ms + (out->conn != NULL ? WEFT_PARTNER_SIGN_MS : WEFT_PARTNER_SIGN_IDLE_MS);
    if (!source_of(p, a, &source) ||
        weft_provider_may_sign(provider, weft_stream_source_root, &source, &msg) != WEFT_OK) {
        return;
    }
    const struct weft_merkle_head tree = weft_stream_tree(&provider->stream);
    const struct weft_stream_entry entry = {
        .act = WEFT_STREAM_ACT_SIGN, .number = tree.size, .root = tree.root};
    out->is_signing = weft_partners_propose(p, x, a, WEFT_PARTNER_SIGNS, &entry) == WEFT_OK;
}

/* Lines of nodes for the head that is to be signed. */
static void collect(
    struct weft_partners *p, struct weft_partner_out *out, const struct weft_agreement *a)
{
    const struct weft_merkle_head *head = &a->provider->signed_head;
    struct weft_partner_asked asked = {.what = WEFT_PARTNER_TEXT_HEAD, .head = *head};
    if (head->size == 0 || out->head.size == head->size) {
        return;
    }
    if (!out->signing.is_under_way || out->signing.asked.head.size != head->size) {
        weft_partners_sign(p, a, &out->signing, &asked);
    }
    if (!weft_partners_is_signed(p, &out->signing)) {
        return;
    }
    weft_buffer_clear(&out->note);
    if (weft_buffer_text(&out->note, weft_buffer_as_text(&out->signing.lines.note)) == WEFT_OK) {
        out->head = out->signing.asked.head;
    }
    out->signing.is_under_way = false;
}

/* --- sending ---------------------------------------------------------------------------------- */

static enum weft_err send_head(struct weft_partners *p, struct weft_partner_out *out,
    const struct weft_agreement *a, const struct weft_stream_source *source,
    const struct weft_sender_effect *effect)
{
    struct weft_merkle_proof proof = {.count = 0}, right = {.count = 0};
    const uint64_t old_size = effect->old_size;
    struct weft_msg msg = {""};
    enum weft_err err = old_size > 0 ? weft_stream_source_consistency(
                                           source, old_size, out->head.size, &proof, &msg)
                                     : WEFT_OK;
    if (err != WEFT_OK) {
        return err;
    }
    if (effect->is_right) {
        weft_merkle_right_pick(old_size, out->head.size, &proof, &right);
    }
    const struct weft_bytes none = {NULL, 0};
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HEAD,
        .stream = weft_partners_stream(a, WEFT_SENT),
        .head = {.note = weft_buffer_as_text(&out->note),
            .old_size = old_size,
            .proof = effect->is_right ? none : weft_stream_proof_bytes(&proof),
            .right = effect->is_right ? weft_stream_proof_bytes(&right) : none,
            .session = out->sender.session}};
    err = weft_partners_send(p, out->conn, &m);
    if (err == WEFT_OK) {
        out->beside += p->scratch.size;
        weft_sender_sent_head(&out->sender, out->head.size);
    }
    if (err == WEFT_OK && effect->is_right) {
        weft_sender_sent_right(&out->sender);
    }
    return err;
}

static enum weft_err send_batch(struct weft_partners *p, struct weft_partner_out *out,
    const struct weft_agreement *a, const struct weft_stream_source *source,
    const struct weft_sender_effect *effect)
{
    struct weft_merkle_proof proof = {.count = 0};
    struct weft_msg msg = {""};
    uint32_t count = 0;
    uint32_t count_max =
        effect->count_max < WEFT_WINDOW_PART_LEAVES ? effect->count_max : WEFT_WINDOW_PART_LEAVES;
    weft_buffer_clear(&p->body);
    enum weft_err err = weft_stream_source_items(source, effect->first, count_max,
        effect->bytes_max, effect->is_explicit, &p->body, &count, &msg);
    if (err == WEFT_OK && effect->first + count < effect->head_size) {
        err = weft_stream_source_consistency(
            source, effect->first + count, effect->head_size, &proof, &msg);
    }
    if (err != WEFT_OK) {
        weft_partners_log_fault(a, "partner_unread", WEFT_STREAM_SOUND, &msg, "it is tried again");
        return err;
    }
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
        .stream = weft_partners_stream(a, WEFT_SENT),
        .batch = {.first = effect->first,
            .count = count,
            .items = {p->body.data, p->body.size},
            .head_size = effect->head_size,
            .proof = weft_stream_proof_bytes(&proof),
            .session = out->sender.session}};
    err = weft_partners_send(p, out->conn, &m);
    if (err == WEFT_OK) {
        weft_sender_sent_batch(&out->sender, &m.batch);
        out->bytes += p->body.size;
        out->beside += p->scratch.size - p->body.size;
    }
    return err;
}

/* Leaves without a proof, which comes behind the last of them. A window may end with each message,
 * and the rounder its end the fewer hashes lead from there. */
static enum weft_err send_more(struct weft_partners *p, struct weft_partner_out *out,
    const struct weft_agreement *a, const struct weft_stream_source *source,
    const struct weft_sender_effect *effect)
{
    struct weft_msg msg = {""};
    uint32_t count = 0;
    weft_buffer_clear(&p->body);
    enum weft_err err = weft_stream_source_items(source, effect->first, effect->count_max,
        effect->bytes_max, effect->is_explicit, &p->body, &count, &msg);
    if (err != WEFT_OK) {
        weft_partners_log_fault(a, "partner_unread", WEFT_STREAM_SOUND, &msg, "it is tried again");
        return err;
    }
    struct weft_stream_batch leaves = {
        .first = effect->first, .count = count, .items = {p->body.data, p->body.size}};
    const uint64_t end = effect->first + count, odd = end & (weft_window_round(count) - 1);
    if (end < effect->head_size && odd < count) {
        leaves.count -= (uint32_t)odd;
        leaves.items = weft_window_cut(leaves.items, leaves.count);
    }
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_MORE,
        .more = {.first = leaves.first, .items = leaves.items, .session = out->sender.session}};
    err = weft_partners_send(p, out->conn, &m);
    if (err == WEFT_OK) {
        weft_sender_sent_more(&out->sender, &leaves);
        out->bytes += leaves.items.size;
        out->beside += p->scratch.size - leaves.items.size;
    }
    return err;
}

static enum weft_err send_proof(struct weft_partners *p, struct weft_partner_out *out,
    const struct weft_agreement *a, const struct weft_stream_source *source,
    const struct weft_sender_effect *effect)
{
    struct weft_merkle_proof proof = {.count = 0}, hashes = {.count = 0};
    struct weft_msg msg = {""};
    enum weft_err err =
        effect->first < effect->head_size
            ? weft_stream_source_consistency(source, effect->first, effect->head_size, &proof, &msg)
            : WEFT_OK;
    if (err != WEFT_OK) {
        weft_partners_log_fault(a, "partner_unread", WEFT_STREAM_SOUND, &msg, "it is tried again");
        return err;
    }
    weft_merkle_right_pick(effect->first, effect->head_size, &proof, &hashes);
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_PROOF,
        .proof = {.size = effect->first,
            .head_size = effect->head_size,
            .hashes = weft_stream_proof_bytes(&hashes),
            .session = out->sender.session}};
    err = weft_partners_send(p, out->conn, &m);
    if (err == WEFT_OK) {
        weft_sender_sent_proof(&out->sender);
        out->beside += p->scratch.size;
    }
    return err;
}

/* Under the newest head that has its signatures: a newer one may be waiting for its own. */
static enum weft_err send_next(struct weft_partners *p, struct weft_partner_out *out,
    const struct weft_agreement *a, const struct weft_stream_source *source)
{
    struct weft_provider view = *a->provider;
    view.signed_head = out->head;
    const struct weft_sender_effect effect = weft_sender_next(&out->sender, &view);
    switch (effect.act) {
    case WEFT_SENDER_HEAD:
        return send_head(p, out, a, source, &effect);
    case WEFT_SENDER_BATCH:
        return send_batch(p, out, a, source, &effect);
    case WEFT_SENDER_MORE:
        return send_more(p, out, a, source, &effect);
    case WEFT_SENDER_PROOF:
        return send_proof(p, out, a, source, &effect);
    case WEFT_SENDER_LEAVES:
        return weft_partner_frame_send(p, out, a, source, &effect);
    case WEFT_SENDER_WAITS:
        weft_partner_frame_clear(&out->frame); /* What is read again is little. */
        break;
    }
    return WEFT_ESTATE;
}

static void pump(
    struct weft_partners *p, struct weft_partner_out *out, const struct weft_agreement *a)
{
    struct weft_stream_source source;
    uint32_t count = 0;
    if (out->conn == NULL || !out->sender.is_open || out->head.size == 0 ||
        a->provider->rival.size > 0 || !source_of(p, a, &source)) {
        return;
    }
    out->frame.is_read = false;
    while (count < WEFT_PARTNER_TURN_BATCHES && !weft_partners_is_full(p, out->conn) &&
           send_next(p, out, a, &source) == WEFT_OK) {
        /* What is proven later is as much as several of them. */
        count += out->sender.window_bytes > 0 || out->frame.is_read ? WEFT_PARTNER_TURN_BATCHES : 1;
    }
    if (count >= WEFT_PARTNER_TURN_BATCHES) { /* Others have their turn. */
        p->options.io.wake(p->options.io.ctx);
        weft_partners_due(p, p->now_ms);
    }
}

/* NOD-248. Of two connections with a partner the hello that was heard last counts, and may be the
 * older one, of a connection that is gone by now; of a receipt the keys may be known by now. He
 * waits for what is new and cannot know: with a hello all is said again. */
static void ask_hello(
    struct weft_partners *p, struct weft_partner_out *out, const struct weft_agreement *a)
{
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_NOTICE,
        .stream = weft_partners_stream(a, WEFT_SENT),
        .notice = {.fault = WEFT_STREAM_OUT_OF_TURN, .reason = WEFT_TEXT("no hello counts")}};
    bool is_explained = out->unheard != NULL && out->unheard != a->terms;
    /* It was greeted before operators gave up a head that he never held to. */
    bool is_unsure = a->provider->is_unsure && out->conn != NULL && out->keeping == 0 &&
                     !out->is_contradicted && !weft_provider_is_behind(a->provider);
    bool is_due = is_explained || (out->ask_ms != 0 && p->now_ms >= out->ask_ms);
    if (!is_explained && !is_unsure && (out->conn != NULL || out->behind_ms == 0)) {
        out->ask_ms = 0;
        return;
    }
    for (uint32_t i = 0; i < p->peer_end && is_due; i++) {
        if (p->peers[i].conn != NULL && weft_text_is(a->terms->partner, p->peers[i].site)) {
            (void)!weft_partners_send(p, p->peers[i].conn, &m);
        }
    }
    if (is_explained) {
        weft_terms_release(out->unheard);
        out->unheard = NULL;
    }
    out->ask_ms = out->ask_ms == 0 || is_due ? p->now_ms + WEFT_PARTNER_ASK_MS : out->ask_ms;
    weft_partners_due(p, out->ask_ms);
}

void weft_partner_out_turn(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_out *out = &x->out;
    collect(p, out, a);
    propose_head(p, x, a);
    pump(p, out, a);
    bool is_behind = a->provider->receipt.size < a->provider->stream.tree.size;
    out->behind_ms = !is_behind ? 0 : out->behind_ms != 0 ? out->behind_ms : p->now_ms;
    ask_hello(p, out, a);
}

/* --- the partner comes back ------------------------------------------------------------------- */

static void send_notice(struct weft_partners *p, void *conn, const struct weft_agreement *a,
    enum weft_stream_fault fault, uint64_t sequence, const struct weft_msg *msg)
{
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_NOTICE,
        .stream = weft_partners_stream(a, WEFT_SENT),
        .notice = {
            .fault = (uint16_t)fault, .sequence = sequence, .reason = weft_text_of(msg->text)}};
    (void)!weft_partners_send(p, conn, &m);
}

static void act_recovery(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_recovery_act what, struct weft_bytes question)
{
    struct weft_partner_out *out = &x->out;
    struct weft_partner_message m = {.stream = weft_partners_stream(a, WEFT_SENT)};
    struct weft_stream_entry entry = {.act = WEFT_STREAM_ACT_REWIND};
    struct weft_msg msg = {""};
    switch (what) {
    case WEFT_RECOVERY_ASKS:
        m.kind = WEFT_KIND_STREAM_FORK;
        m.body = question;
        (void)!weft_partners_send(p, out->conn, &m); /* Lost: the next hello begins again. */
        return;
    case WEFT_RECOVERY_WANTS:
        m.kind = WEFT_KIND_STREAM_HELLO;
        m.hello.next = out->recovery.next;
        (void)!weft_partners_send(p, out->conn, &m);
        return;
    case WEFT_RECOVERY_REWINDS:
        entry.number = out->recovery.next;
        out->is_recovering =
            weft_partners_propose(p, x, a, WEFT_PARTNER_RECOVERS, &entry) == WEFT_OK;
        return;
    case WEFT_RECOVERY_SPLITS:
        (void)weft_fail(&msg, WEFT_ECONFLICT, "its keys signed two trees");
        weft_partners_log_fault(a, "partner_own_split", WEFT_STREAM_SPLIT, &msg,
            "nothing is stated under this agreement any more: agree on a new one");
        return;
    case WEFT_RECOVERY_ENDS: /* Who was not told that it is behind says hello anew. */
        (void)weft_fail(&msg, WEFT_ESTATE, "it was behind, and has its own back");
        send_notice(p, out->conn, a, WEFT_STREAM_BEHIND, a->provider->stream.tree.size, &msg);
        return;
    case WEFT_RECOVERY_WAITS:
    case WEFT_RECOVERY_APPENDS:
        return;
    }
}

static void begin_recovery(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    enum weft_recovery_act what = WEFT_RECOVERY_WAITS;
    struct weft_msg msg = {""};
    weft_buffer_clear(&p->body);
    if (!x->out.is_recovering &&
        weft_recovery_begin(&x->out.recovery, a->provider, &p->body, &what, &msg) == WEFT_OK) {
        act_recovery(p, x, a, what, (struct weft_bytes){p->body.data, p->body.size});
    }
}

/* What the log is to have of what came. */
static void keep(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_partner_act act, enum weft_stream_act what,
    struct weft_bytes bytes)
{
    const struct weft_stream_entry entry = {.act = what, .message = bytes};
    if (x->out.keeping < WEFT_PARTNER_PENDING_MAX &&
        weft_partners_propose(p, x, a, act, &entry) == WEFT_OK) {
        x->out.keeping++;
        x->out.is_fencing = x->out.is_fencing || act == WEFT_PARTNER_FENCES;
    }
}

static void hear_hello(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_stream_hello *hello,
    struct weft_bytes bytes)
{
    struct weft_stream_source source;
    struct weft_msg msg = {""};
    if (!source_of(p, a, &source)) {
        return;
    }
    enum weft_stream_fault fault =
        weft_provider_greet(a->provider, hello, weft_stream_source_root, &source, &msg);
    x->out.conn = conn;
    weft_partners_charge(p, conn, x->out.frame.items.size); /* NOD-242: read, and not sent. */
    weft_partner_frame_clear(&x->out.frame);
    x->out.is_contradicted = fault == WEFT_STREAM_BEHIND || fault == WEFT_STREAM_FORKED;
    x->out.was_greeted = x->out.was_greeted || fault == WEFT_STREAM_SOUND;
    if (fault != WEFT_STREAM_SOUND) {
        weft_sender_close(&x->out.sender);
        weft_partners_log_fault(a, "partner_not_greeted", fault, &msg, "the partner is told");
        if (weft_recovery_may_begin(a->provider, hello)) {
            begin_recovery(p, x, a); /* He is told when it has ended. */
        } else {
            send_notice(p, conn, a, fault, hello->next, &msg);
        }
        return;
    }
    weft_sender_open(&x->out.sender, hello);
    weft_partner_set_greeted(p, x, a, hello);
    if (a->provider->is_unsure) {
        keep(p, x, a, WEFT_PARTNER_KEEPS, WEFT_STREAM_ACT_SURE, bytes);
    }
}

static void hear_receipt(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_stream_receipt *receipt,
    struct weft_bytes bytes)
{
    struct weft_provider copy = *a->provider;
    struct weft_stream_source source;
    struct weft_msg msg = {""};
    enum weft_stream_fault fault = WEFT_STREAM_SOUND;
    if (receipt->note.size > 0 && source_of(p, a, &source)) {
        fault = weft_provider_acknowledge(&copy, receipt->note, &a->terms->their_receipts,
            weft_stream_source_root, &source, &msg);
    }
    if (fault != WEFT_STREAM_SOUND) {
        weft_partners_log_fault(a, "partner_receipt", fault, &msg, "it does not count");
        weft_terms_release(x->out.unheard);
        x->out.unheard = fault == WEFT_STREAM_UNSIGNED ? weft_terms_retain(a->terms) : NULL;
        send_notice(p, x->out.conn, a, fault, a->provider->receipt.size, &msg);
        return;
    }
    weft_sender_grant(&x->out.sender, receipt);
    if (copy.receipt.size > a->provider->receipt.size && copy.receipt.size > x->out.receipt_size) {
        keep(p, x, a, WEFT_PARTNER_KEEPS, WEFT_STREAM_ACT_RECEIPT, bytes);
        x->out.receipt_size = copy.receipt.size;
    }
}

/* A head of its own that the partner shows. */
static void hear_fence(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, struct weft_text note, struct weft_bytes bytes)
{
    struct weft_provider copy = *a->provider;
    struct weft_stream_source source;
    struct weft_msg msg = {""};
    if (x->out.is_fencing || !source_of(p, a, &source)) {
        return;
    }
    enum weft_stream_fault fault = weft_provider_fence(
        &copy, note, &a->terms->own_heads, weft_stream_source_root, &source, &msg);
    if (fault == WEFT_STREAM_SPLIT) {
        weft_partners_log_fault(a, "partner_own_split", fault, &msg,
            "nothing is stated until operators of both sides say that this head is lost: "
            "weft partner status, weft partner resume --lost");
        if (copy.rival.size != a->provider->rival.size) {
            keep(p, x, a, WEFT_PARTNER_FENCES, WEFT_STREAM_ACT_FENCE, bytes);
        }
    } else if (fault != WEFT_STREAM_SOUND) {
        weft_partners_log_fault(a, "partner_head", fault, &msg, "it does not count");
    } else if (copy.fence.size != a->provider->fence.size ||
               copy.signed_head.size != a->provider->signed_head.size) {
        keep(p, x, a, WEFT_PARTNER_FENCES, WEFT_STREAM_ACT_FENCE, bytes);
    } else {
        begin_recovery(p, x, a);
    }
}

static void hear_fork(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, struct weft_bytes answer)
{
    struct weft_stream_source source;
    enum weft_recovery_act what = WEFT_RECOVERY_WAITS;
    struct weft_msg msg = {""};
    weft_buffer_clear(&p->body);
    if (!source_of(p, a, &source)) {
        return;
    }
    enum weft_err err = weft_recovery_hear_fork(&x->out.recovery, a->provider, answer,
        weft_stream_source_node, &source, &p->body, &what, &msg);
    if (err == WEFT_OK) {
        act_recovery(p, x, a, what, (struct weft_bytes){p->body.data, p->body.size});
    } else {
        weft_partners_log_fault(a, "partner_fork", WEFT_STREAM_PROOF, &msg, "it is asked again");
    }
}

static void hear_own(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_stream_batch *message,
    struct weft_bytes bytes)
{
    struct weft_batch batch;
    struct weft_msg msg = {""};
    enum weft_stream_fault fault = WEFT_STREAM_SOUND;
    if (x->out.is_recovering) {
        return;
    }
    enum weft_recovery_act what = weft_recovery_hear_batch(
        &x->out.recovery, a->provider, message, &p->arena, &batch, &fault, &msg);
    if (what == WEFT_RECOVERY_APPENDS) {
        const struct weft_stream_entry entry = {
            .act = WEFT_STREAM_ACT_RECOVER, .number = batch.after.tree.size, .message = bytes};
        x->out.is_recovering =
            weft_partners_propose(p, x, a, WEFT_PARTNER_RECOVERS, &entry) == WEFT_OK;
    } else if (fault != WEFT_STREAM_SOUND) {
        weft_partners_log_fault(
            a, "partner_recovery", fault, &msg, "it begins again with the next hello");
    }
}

/* NOD-245. */
static bool has_room_for_text(const struct weft_partners *p, struct weft_partner_out *out)
{
    uint64_t forgotten = (p->now_ms - out->texts_ms) / WEFT_PARTNER_REFUSED_MS;
    if (forgotten > 0) {
        out->texts -= forgotten < out->texts ? (uint32_t)forgotten : out->texts;
        out->texts_ms = p->now_ms;
    }
    return out->texts < WEFT_PARTNER_TEXTS_MAX;
}

/* What the partner did not take, or says against us: kept, if it is his. */
static void hear_text(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_partner_message *m, struct weft_bytes bytes)
{
    struct weft_refusal refusal;
    enum weft_equivocation_kind kind;
    struct weft_msg msg = {""};
    bool is_refusal = m->kind == WEFT_KIND_STREAM_REFUSAL;
    if (!has_room_for_text(p, &x->out)) {
        (void)weft_fail(&msg, WEFT_EBUSY, "too many refusals");
        weft_partners_log_fault(a, "partner_text", WEFT_STREAM_FLOOD, &msg, "it is dropped");
        return;
    }
    enum weft_err err =
        is_refusal
            ? weft_refusal_verify(m->text, &a->terms->their_receipts, &p->arena, &refusal, &msg)
            : weft_equivocation_verify(m->text, &a->terms->own_heads, &kind, &msg);
    if (err != WEFT_OK) {
        weft_partners_log_fault(a, "partner_text", WEFT_STREAM_UNSIGNED, &msg, "it is dropped");
        return;
    }
    (void)weft_fail(&msg, WEFT_EREFUSED, "%s",
        is_refusal ? "statements were not taken" : "its keys signed two histories");
    weft_partners_log_fault(a, is_refusal ? "partner_refuses" : "partner_own_split",
        is_refusal ? WEFT_STREAM_SOUND : WEFT_STREAM_SPLIT, &msg,
        is_refusal ? "it is kept"
                   : "it is kept (weft partner show --evidence sent); what is not of the own tree "
                     "is sent.split: weft partner status, weft partner resume --lost");
    x->out.texts++;
    keep(p, x, a, WEFT_PARTNER_KEEPS,
        is_refusal ? WEFT_STREAM_ACT_REFUSAL : WEFT_STREAM_ACT_EVIDENCE, bytes);
}

void weft_partner_out_hear(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_partner_message *m,
    struct weft_bytes bytes)
{
    if (m->kind != WEFT_KIND_STREAM_HELLO && conn != x->out.conn) {
        return; /* Of a connection before. */
    }
    switch (m->kind) {
    case WEFT_KIND_STREAM_HELLO:
        hear_hello(p, x, a, conn, &m->hello, bytes);
        return;
    case WEFT_KIND_STREAM_RECEIPT:
        hear_receipt(p, x, a, &m->receipt, bytes);
        return;
    case WEFT_KIND_STREAM_HEAD:
        hear_fence(p, x, a, m->head.note, bytes);
        return;
    case WEFT_KIND_STREAM_FORK:
        hear_fork(p, x, a, m->body);
        return;
    case WEFT_KIND_STREAM_BATCH:
        hear_own(p, x, a, &m->batch, bytes);
        return;
    case WEFT_KIND_STREAM_REFUSAL:
    case WEFT_KIND_STREAM_EVIDENCE:
        hear_text(p, x, a, m, bytes);
        return;
    case WEFT_KIND_STREAM_NOTICE:
    case WEFT_KIND_STREAM_OFFER:
    case WEFT_KIND_STREAM_SET:
    case WEFT_KIND_STREAM_QUESTION:
    case WEFT_KIND_STREAM_ANSWER:
    case WEFT_KIND_STREAM_MORE:
    case WEFT_KIND_STREAM_PROOF:
    case WEFT_KIND_STREAM_LEAVES:
        return; /* Nothing that the link acts on. */
    }
}

/* --- what was proposed ------------------------------------------------------------------------ */

void weft_partner_out_done(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_partner_act act, enum weft_err err)
{
    struct weft_partner_out *out = &x->out;
    switch (act) {
    case WEFT_PARTNER_SIGNS:
        out->is_signing = false;
        out->sign_ms = err == WEFT_OK ? out->sign_ms : p->now_ms + WEFT_PARTNER_REFUSED_MS;
        return;
    case WEFT_PARTNER_STEPS:
        out->is_stepping = false;
        out->step_ms = err == WEFT_OK ? 0 : p->now_ms + WEFT_PARTNER_REFUSED_MS;
        return;
    case WEFT_PARTNER_FENCES:
        out->is_fencing = false;
        out->keeping--;
        if (err == WEFT_OK) {
            begin_recovery(p, x, a);
        }
        return;
    case WEFT_PARTNER_KEEPS:
        out->keeping--;
        out->receipt_size = a->provider->receipt.size;
        return;
    case WEFT_PARTNER_RECOVERS:
        out->is_recovering = false;
        if (err == WEFT_OK) {
            act_recovery(p, x, a, weft_recovery_applied(&out->recovery, a->provider),
                (struct weft_bytes){NULL, 0});
        } else {
            out->recovery = (struct weft_recovery){.is_forking = false};
        }
        return;
    case WEFT_PARTNER_TAKES:
    case WEFT_PARTNER_FREEZES:
    case WEFT_PARTNER_FILES:
    case WEFT_PARTNER_ACTS:
        return;
    }
}

void weft_partner_out_reset(struct weft_partner_out *out)
{
    weft_partner_lines_destroy(&out->signing.lines);
    weft_buffer_destroy(&out->note);
    weft_partner_frame_clear(&out->frame);
    weft_terms_release(out->unheard);
    *out = (struct weft_partner_out){.conn = NULL};
}
