#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "federation/fork.h"
#include "node/logger.h"
#include "node/mutant.h"
#include "node/partner_evidence.h"
#include "node/partner_parts.h"
#include "node/partner_receipt.h"
#include "node/partner_set.h"
#include "proto/check.h"

/* The stream that is received: judged off the loop, proposed as it came, acknowledged once it is
 * applied. */

static void clear_waiting(struct weft_partner_in *in)
{
    for (uint32_t i = 0; i < in->waiting_count; i++) {
        weft_buffer_destroy(&in->waiting[i]);
    }
    in->waiting_count = 0;
}

bool weft_partner_in_is_full(const struct weft_partner_in *in)
{
    return in->waiting_count == WEFT_PARTNER_WAITING_MAX;
}

/* --- hellos ----------------------------------------------------------------------------------- */

static void want_hello(struct weft_partners *p, struct weft_partner_in *in, uint64_t pause_ms)
{
    in->receiver.is_open = false;
    clear_waiting(in);
    weft_partner_window_drop(in);
    in->wants_hello = true;
    in->hello_ms = p->now_ms + pause_ms;
    weft_partners_due(p, in->hello_ms);
}

void weft_partner_in_greet_again(struct weft_partners *p, struct weft_partner_in *in)
{
    if (!in->is_judging && in->pending_count == 0) {
        want_hello(p, in, 0);
    }
}

/* After something that went wrong: sooner the first time. */
static void want_hello_again(struct weft_partners *p, struct weft_partner_in *in)
{
    in->pause_ms = in->pause_ms == 0 ? (uint64_t)WEFT_PARTNER_AGAIN_MS : in->pause_ms * 2;
    if (in->pause_ms > WEFT_PARTNER_AGAIN_MS_MAX) {
        in->pause_ms = WEFT_PARTNER_AGAIN_MS_MAX;
    }
    want_hello(p, in, in->pause_ms);
}

/* Who was called and does not lead hangs up, and who leads says a hello: nothing is said before. */
static uint64_t may_say_ms(const struct weft_partners *p, const void *conn)
{
    uint64_t ms = 0;
    for (uint32_t i = 0; i < p->peer_end; i++) {
        const struct weft_partner_peer *peer = &p->peers[i];
        ms = peer->conn == conn && peer->called_ms > 0 ? peer->called_ms + WEFT_PARTNER_CALLED_MS
                                                       : ms;
    }
    return ms;
}

/* From what is applied, so nothing may be under way. */
static void greet(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_in *in = &x->in;
    const struct weft_contract_side *side = weft_partner_in_side(a);
    void *conn = weft_partners_conn(p, a->terms->partner);
    bool may_take = a->consumer->hold == WEFT_CONSUMER_TAKES;
    if (!in->wants_hello || conn == NULL || side == NULL || in->is_judging ||
        in->pending_count > 0 || a->consumer->stream.phase == WEFT_STREAM_CLOSED) {
        return;
    }
    const uint64_t may_ms = may_say_ms(p, conn);
    const uint64_t hello_ms = may_ms > in->hello_ms ? may_ms : in->hello_ms;
    if (p->now_ms < hello_ms || !may_take) {
        weft_partners_due(p, may_take ? hello_ms : p->now_ms + WEFT_PARTNER_AGAIN_MS_MAX);
        return;
    }
    struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_HELLO, .stream = weft_partners_stream(a, WEFT_RECEIVED)};
    const uint64_t window = weft_partner_window_offer(p, x);
    m.hello = weft_receiver_hello(
        &in->receiver, a->consumer, side, weft_partner_in_room(p, in, side), window);
    m.hello.knows_questions = p->options.io.ask != NULL;
    weft_partner_set_say(p, a, &m.hello);
    m.hello.acknowledged = a->provider->receipt.size;
    in->conn = conn;
    in->wants_hello = false;
    in->heard_ms = in->said_ms = p->now_ms;
    in->is_astray = false;
    weft_partner_receipt_greeted(p, in, a);
    if (weft_partner_in_say(p, in, &m) != WEFT_OK) {
        want_hello_again(p, in);
    }
}

/* --- judging ---------------------------------------------------------------------------------- */

static void judge_next(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_in *in = &x->in;
    if (!weft_partner_window_propose(p, x, a)) {
        want_hello_again(p, in);
    }
    if (in->is_judging || in->waiting_count == 0 || !weft_partner_window_may_judge(in)) {
        return;
    }
    struct weft_partner_job *job = weft_partner_job_make(&in->waiting[0]);
    if (job == NULL) {
        want_hello_again(p, in);
        return;
    }
    in->waiting_count--;
    memmove(&in->waiting[0], &in->waiting[1], in->waiting_count * sizeof(in->waiting[0]));
    in->waiting[in->waiting_count] = (struct weft_buffer){.data = NULL};
    job->number = x->number;
    job->generation = p->generation;
    job->session = in->receiver.session;
    job->receiver = in->receiver;
    job->terms = weft_terms_retain(a->terms);
    job->now_ns = p->now_ns;
    weft_partner_window_ask(in, job);
    in->is_judging = true;
    weft_partner_judge_ask(p->judge, job);
}

static void hear_more(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, uint64_t session, struct weft_bytes bytes)
{
    struct weft_partner_in *in = &x->in;
    if (!in->receiver.is_open || session != in->receiver.session) {
        weft_partner_window_late(p, in);
        return;
    }
    if (weft_partner_in_is_full(in)) { /* It was told to wait: what came yet is lost. */
        want_hello_again(p, in);
        return;
    }
    struct weft_buffer copy = {.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    if (weft_buffer_append(&copy, bytes.data, bytes.size) != WEFT_OK) {
        want_hello_again(p, in);
        return;
    }
    in->waiting[in->waiting_count++] = copy;
    in->heard_ms = p->now_ms;
    in->is_astray = false;
    judge_next(p, x, a);
}

/* Two heads of one size: proof for anybody. The first of them is applied by then. */
static void freeze(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_in *in = &x->in;
    struct weft_buffer message = {0};
    struct weft_msg msg = {"its keys signed two trees"};
    if (in->rival.size == 0 || in->is_judging || in->pending_count > 0) {
        return;
    }
    enum weft_err err = weft_partner_make_evidence(
        a, (struct weft_bytes){in->rival.data, in->rival.size}, &message, &msg);
    weft_buffer_destroy(&in->rival);
    if (err == WEFT_OK) {
        const struct weft_stream_entry entry = {
            .act = WEFT_STREAM_ACT_EVIDENCE, .message = {message.data, message.size}};
        err = weft_partners_propose(p, x, a, WEFT_PARTNER_FREEZES, &entry);
    }
    if (err == WEFT_OK) { /* The partner is told as well. */
        (void)!weft_partners_send_bytes(
            p, in->conn, (struct weft_bytes){message.data, message.size});
    }
    weft_partners_log_fault(a, "partner_split", WEFT_STREAM_SPLIT, &msg,
        err == WEFT_OK
            ? "the stream is frozen, both are kept: weft partner show --evidence received"
            : "it is asked for again");
    weft_buffer_destroy(&message);
}

static void propose(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_partner_job *job)
{
    struct weft_partner_in *in = &x->in;
    const struct weft_receiver_entry *judged = &job->entry;
    const struct weft_stream_entry entry = {
        .act = judged->is_batch ? WEFT_STREAM_ACT_BATCH : WEFT_STREAM_ACT_HEAD,
        .number = judged->is_batch ? judged->batch.after.tree.size : judged->head.size,
        .message = {job->message.data, job->message.size}};
    weft_assert(in->pending_count < WEFT_PARTNER_PENDING_MAX); /* NOD-241 */
    if (weft_partners_propose(p, x, a, WEFT_PARTNER_TAKES, &entry) != WEFT_OK) {
        want_hello_again(p, in); /* It counted as taken. */
        return;
    }
    in->owes_receipt = in->owes_receipt || weft_node_mutant(WEFT_NODE_MUTANT_RECEIPT_EARLY);
    uint64_t count = judged->is_batch ? judged->batch.count : 0;
    in->tokens -= count < in->tokens ? count : in->tokens;
    in->bytes += judged->is_batch ? job->message.size : 0;
    in->pending[in->pending_count++] = (struct weft_partner_entry){.is_batch = judged->is_batch,
        .session = in->receiver.session,
        .first = judged->is_batch ? judged->batch.before.size : 0,
        .end = judged->is_batch ? judged->batch.after.tree.size : 0};
}

static void react(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, struct weft_partner_job *job)
{
    struct weft_partner_in *in = &x->in;
    switch (job->act) {
    case WEFT_RECEIVER_PROPOSES:
        if (job->is_window && job->items.size > 0 && !weft_partner_window_hold(p, in, job)) {
            want_hello_again(p, in);
        } else if (job->is_window) {
            weft_partner_window_proven(in, job);
        } else {
            propose(p, x, a, job);
        }
        return;
    case WEFT_RECEIVER_HOLDS:
        if (!weft_partner_window_hold(p, in, job)) {
            want_hello_again(p, in);
        }
        return;
    case WEFT_RECEIVER_WAITS:
        if (job->fault != WEFT_STREAM_SOUND) {
            weft_partners_log_fault(
                a, "partner_waits", job->fault, &job->msg, "nothing is taken until it ends");
            want_hello(p, in, WEFT_PARTNER_AGAIN_MS_MAX);
        }
        return;
    case WEFT_RECEIVER_FREEZES:
        weft_buffer_destroy(&in->rival);
        in->rival = job->message;
        job->message = (struct weft_buffer){.data = NULL};
        want_hello(p, in, WEFT_PARTNER_AGAIN_MS_MAX);
        return;
    case WEFT_RECEIVER_STOPS:
        weft_partners_log_fault(a, "partner_stopped", job->fault, &job->msg,
            "what no honest partner sends came again and again: he is left alone for a minute");
        in->receiver.strikes = 0;
        weft_terms_release(in->stopped);
        in->stopped = weft_terms_retain(a->terms);
        want_hello(p, in, WEFT_PARTNER_STOPPED_MS);
        return;
    case WEFT_RECEIVER_GREETS:
        weft_partners_log_fault(
            a, "partner_refused", job->fault, &job->msg, "the transfer begins anew");
        want_hello_again(p, in);
        return;
    case WEFT_RECEIVER_RECEIPTS:
    case WEFT_RECEIVER_SHOWS:
    case WEFT_RECEIVER_ASKS:
    case WEFT_RECEIVER_ACTS:
        want_hello_again(p, in); /* No answer to a head or batch. */
        return;
    }
}

/* --- applied ---------------------------------------------------------------------------------- */

static void settle_one(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_partner_entry *done)
{
    const struct weft_receiver_entry entry = {.is_batch = done->is_batch};
    if (done->err == WEFT_OK && done->is_batch) {
        in->heard_ms = p->now_ms; /* What was held until now came until now. */
        in->owes_receipt = true;
        in->pause_ms = 0;
        if (done->end > done->first) {
            in->refuse_from = in->refuse_end > in->refuse_from ? in->refuse_from : done->first;
            in->refuse_end = done->end;
        }
    }
    if (done->session != in->receiver.session || !in->receiver.is_open) {
        return; /* Another hello is under way already, or wanted. */
    }
    if (weft_receiver_applied(&in->receiver, &entry, done->err) == WEFT_RECEIVER_GREETS) {
        want_hello_again(p, in);
    }
}

/* In their order; not while a copy of the connection's state is out to be judged. */
static void settle(struct weft_partners *p, struct weft_partner_in *in)
{
    while (!in->is_judging && in->pending_count > 0 && in->pending[0].is_done) {
        const struct weft_partner_entry done = in->pending[0];
        in->pending_count--;
        memmove(&in->pending[0], &in->pending[1], in->pending_count * sizeof(in->pending[0]));
        settle_one(p, in, &done);
    }
}

void weft_partner_in_judged(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, struct weft_partner_job *job)
{
    struct weft_partner_in *in = &x->in;
    in->is_judging = false;
    if (in->receiver.is_open && job->session == in->receiver.session) {
        const struct weft_credit granted = in->receiver.credit; /* Meanwhile, perhaps. */
        in->receiver = job->receiver;
        weft_credit_grant(&in->receiver.credit, granted.statements_until, granted.bytes_until);
        in->faults += job->fault != WEFT_STREAM_SOUND ? 1 : 0;
        react(p, x, a, job);
    }
    settle(p, in);
    judge_next(p, x, a);
}

void weft_partner_in_done(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_partner_act act, enum weft_err err)
{
    struct weft_partner_in *in = &x->in;
    uint32_t i = 0;
    if (act != WEFT_PARTNER_TAKES) {
        return;
    }
    while (i < in->pending_count && in->pending[i].is_done) {
        i++;
    }
    weft_assert(i < in->pending_count); /* NOD-241: answers come in the order of proposals. */
    in->pending[i].is_done = true;
    in->pending[i].err = err;
    weft_partner_receipt_refused(p, a, &in->pending[i]);
    settle(p, in);
    judge_next(p, x, a);
}

/* --- turns ------------------------------------------------------------------------------------ */

/* Whatever was lost, a hello finds it out. */
static void refresh(struct weft_partners *p, struct weft_partner_in *in)
{
    /* Messages of windows are twice as large as others, and as long on their way. */
    const uint64_t stalled_ms =
        in->receiver.window_max > 0 ? 2 * WEFT_PARTNER_STALLED_MS : WEFT_PARTNER_STALLED_MS;
    const uint64_t after_ms = in->is_astray        ? WEFT_PARTNER_ASTRAY_MS
                              : in->behind_ms != 0 ? stalled_ms
                                                   : WEFT_PARTNER_REFRESH_MS;
    if (!in->receiver.is_open || in->wants_hello || in->is_judging || in->pending_count > 0) {
        return;
    }
    if (p->now_ms - in->heard_ms >= after_ms) {
        /* A link on which one message takes so long is none for windows. */
        in->receiver.is_plain = in->receiver.window_bytes > 0 || in->behind_ms != 0;
        in->receiver.plain_until = UINT64_MAX;
        want_hello(p, in, 0);
    } else {
        weft_partners_due(p, in->heard_ms + after_ms);
    }
}

/* Who was left alone for what his keys or the agreement did not explain is asked again as soon as
 * they are others: a partner that came back from a backup has new keys, of which this site may hear
 * later than from them. */
static void forgive(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a)
{
    if (in->stopped == NULL || (a->terms == in->stopped && p->now_ms < in->hello_ms)) {
        return;
    }
    weft_terms_release(in->stopped);
    in->stopped = NULL;
    in->hello_ms = p->now_ms < in->hello_ms ? p->now_ms : in->hello_ms;
}

void weft_partner_in_turn(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_in *in = &x->in;
    weft_partner_receipt_turn(p, in, a);
    freeze(p, x, a);
    refresh(p, in);
    forgive(p, in, a);
    greet(p, x, a);
    judge_next(p, x, a);
    bool is_behind = a->consumer->stream.tree.size < a->consumer->head.size;
    in->behind_ms = !is_behind ? 0 : in->behind_ms != 0 ? in->behind_ms : p->now_ms;
}

/* --- what else comes -------------------------------------------------------------------------- */

static void hear_notice(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_stream_notice *notice)
{
    struct weft_msg msg = {""};
    enum weft_stream_fault fault = notice->fault < WEFT_STREAM_FAULTS
                                       ? (enum weft_stream_fault)notice->fault
                                       : WEFT_STREAM_UNKNOWN;
    (void)weft_fail(&msg, WEFT_EREFUSED, "%.*s",
        (int)(notice->reason.size < 160 ? notice->reason.size : 160), notice->reason.data);
    bool is_asked = fault == WEFT_STREAM_UNKNOWN || fault == WEFT_STREAM_OUT_OF_TURN;
    if (fault == WEFT_STREAM_OUT_OF_TURN && !x->in.receiver.is_open) {
        return; /* A hello is wanted already, or may not be said. */
    }
    weft_partners_log_fault(a, "partner_notice", fault, &msg, "the partner says so");
    if (is_asked && x->in.receiver.is_open && !x->in.is_judging) {
        x->in.repeat.is_asked = true;
        want_hello_again(p, &x->in); /* Perhaps it is about to agree; or the last one is lost. */
        return;
    }
    if (x->in.is_judging ||
        weft_receiver_hear_notice(&x->in.receiver, notice) != WEFT_RECEIVER_SHOWS) {
        return;
    }
    if (a->head_note.size > 0) {
        const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_HEAD,
            .stream = weft_partners_stream(a, WEFT_RECEIVED),
            .head = {.note = a->head_note}};
        (void)!weft_partners_send(p, x->in.conn, &m);
    }
    want_hello_again(p, &x->in);
}

/* The provider came from a backup and wants its own back. */
static void give_back(struct weft_partners *p, const struct weft_agreement *a, void *conn,
    const struct weft_stream_hello *hello)
{
    struct weft_stream_source source;
    struct weft_merkle_proof proof = {.count = 0};
    struct weft_msg msg = {""};
    uint32_t count = 0;
    const uint64_t head_size = a->consumer->head.size;
    if (!weft_partners_may_answer(p, conn)) {
        return; /* One who waits for an answer before he asks again has room for it. */
    }
    weft_buffer_clear(&p->body);
    enum weft_err err = weft_stream_source(p->state, a->terms->number, WEFT_RECEIVED, &source);
    if (err == WEFT_OK && (hello->next >= source.size || head_size > source.size)) {
        err = weft_fail(&msg, WEFT_ENOTFOUND, "not all of it was taken");
    }
    if (err == WEFT_OK) {
        err = weft_stream_source_items(&source, hello->next, WEFT_WINDOW_PART_LEAVES,
            WEFT_STREAM_ITEMS_SIZE_MAX, true, &p->body, &count, &msg);
    }
    if (err == WEFT_OK && hello->next + count < head_size) {
        err = weft_stream_source_consistency(&source, hello->next + count, head_size, &proof, &msg);
    }
    if (err != WEFT_OK) {
        weft_partners_log_fault(
            a, "partner_not_given_back", WEFT_STREAM_SEQUENCE, &msg, "he asks again");
        return;
    }
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
        .stream = weft_partners_stream(a, WEFT_RECEIVED),
        .batch = {.first = hello->next,
            .count = count,
            .items = {p->body.data, p->body.size},
            .head_size = head_size,
            .proof = weft_stream_proof_bytes(&proof),
            .session = hello->session}};
    (void)!weft_partners_send(p, conn, &m);
    weft_partners_charge(p, conn, p->body.size);
}

static void answer_fork(
    struct weft_partners *p, const struct weft_agreement *a, void *conn, struct weft_bytes question)
{
    struct weft_stream_source source;
    struct weft_msg msg = {""};
    weft_buffer_clear(&p->body);
    if (weft_stream_source(p->state, a->terms->number, WEFT_RECEIVED, &source) == WEFT_OK &&
        weft_fork_answer(question, source.size, weft_stream_source_node, &source, &p->body, &msg) ==
            WEFT_OK) {
        const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_FORK,
            .stream = weft_partners_stream(a, WEFT_RECEIVED),
            .body = {p->body.data, p->body.size}};
        (void)!weft_partners_send(p, conn, &m);
    }
}

void weft_partner_in_hear(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_partner_message *m,
    struct weft_bytes bytes)
{
    switch (m->kind) {
    case WEFT_KIND_STREAM_HEAD:
    case WEFT_KIND_STREAM_BATCH:
        if (conn == x->in.conn) {
            hear_more(p, x, a,
                m->kind == WEFT_KIND_STREAM_HEAD ? m->head.session : m->batch.session, bytes);
        } else { /* Perhaps the partner does not know of this one's hello. */
            x->in.is_astray = true;
        }
        return;
    case WEFT_KIND_STREAM_MORE:
    case WEFT_KIND_STREAM_PROOF:
    case WEFT_KIND_STREAM_LEAVES:
        if (conn == x->in.conn) {
            hear_more(p, x, a, weft_partner_session_of(m), bytes);
        }
        return;
    case WEFT_KIND_STREAM_NOTICE:
        if (conn == x->in.conn) {
            hear_notice(p, x, a, &m->notice);
        }
        return;
    case WEFT_KIND_STREAM_HELLO:
        give_back(p, a, conn, &m->hello);
        return;
    case WEFT_KIND_STREAM_FORK:
        answer_fork(p, a, conn, m->body);
        return;
    case WEFT_KIND_STREAM_RECEIPT:
    case WEFT_KIND_STREAM_REFUSAL:
    case WEFT_KIND_STREAM_EVIDENCE:
    case WEFT_KIND_STREAM_OFFER:
    case WEFT_KIND_STREAM_SET:
    case WEFT_KIND_STREAM_QUESTION:
    case WEFT_KIND_STREAM_ANSWER:
        return; /* Not of who provides. */
    }
}

void weft_partner_in_suspect(
    struct weft_partners *p, struct weft_partner_exchange *x, struct weft_bytes head)
{
    weft_buffer_destroy(&x->in.rival);
    x->in.rival.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX;
    if (weft_buffer_append(&x->in.rival, head.data, head.size) == WEFT_OK) {
        weft_partners_due(p, 0);
        p->options.io.wake(p->options.io.ctx);
    }
}

void weft_partner_in_reset(struct weft_partner_in *in)
{
    clear_waiting(in);
    weft_partner_window_drop(in);
    weft_partner_lines_destroy(&in->receipt.lines);
    weft_partner_lines_destroy(&in->refusal.lines);
    weft_buffer_destroy(&in->note);
    weft_buffer_destroy(&in->rival);
    weft_terms_release(in->stopped);
    *in = (struct weft_partner_in){.wants_hello = true};
}
