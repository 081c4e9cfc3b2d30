#include "node/partners.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/partner_ask.h"
#include "node/partner_parts.h"
#include "node/partner_receipt.h"
#include "node/partner_set.h"
#include "proto/check.h"

/* --- what both directions use ----------------------------------------------------------------- */

bool weft_partners_find_agreed(
    const struct weft_partners *p, struct weft_text name, struct weft_agreement *ret_agreement)
{
    return weft_streams_find(weft_state_streams(p->state), name, ret_agreement) &&
           ret_agreement->terms != NULL;
}

struct weft_partner_exchange *weft_partners_exchange(const struct weft_partners *p, uint32_t number)
{
    return number < p->exchange_count ? p->exchanges[number] : NULL;
}

static bool get_agreed(
    const struct weft_partners *p, uint32_t number, struct weft_agreement *ret_agreement)
{
    const struct weft_streams *streams = weft_state_streams(p->state);
    if (number >= weft_streams_count(streams)) {
        return false;
    }
    *ret_agreement = weft_streams_at(streams, number);
    return ret_agreement->terms != NULL;
}

bool weft_partners_begin(struct weft_partners *p)
{
    p->state = p->is_closing ? NULL : p->options.io.get_state(p->options.io.ctx);
    return p->state != NULL;
}

void weft_partners_due(struct weft_partners *p, uint64_t ms)
{
    p->deadline_ms = ms < p->deadline_ms ? ms : p->deadline_ms;
}

struct weft_stream_name weft_partners_stream(
    const struct weft_agreement *a, enum weft_direction direction)
{
    return (struct weft_stream_name){.agreement = a->terms->name,
        .provider = direction == WEFT_SENT ? a->terms->site : a->terms->partner};
}

enum weft_err weft_partners_propose(struct weft_partners *p, const struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_partner_act act,
    const struct weft_stream_entry *entry)
{
    struct weft_buffer body = {.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    struct weft_stream_entry own = *entry;
    const struct weft_waiter waiter = {.client = x->number,
        .generation = p->generation,
        .request_id = act,
        .door = WEFT_DOOR_PARTNERS};
    own.agreement = a->terms->name;
    enum weft_err err = weft_stream_entry_encode(&own, &body);
    if (err == WEFT_OK) {
        const struct weft_entry_item item = {.type = WEFT_ITEM_STREAM,
            .principal = weft_text_of(p->principal),
            .body = {body.data, body.size}};
        err = p->options.io.propose(p->options.io.ctx, &item, &waiter);
    }
    weft_buffer_destroy(&body);
    return err;
}

static struct weft_partner_peer *find_peer(const struct weft_partners *p, const void *conn)
{
    for (uint32_t i = 0; conn != NULL && i < p->peer_end; i++) {
        if (p->peers[i].conn == conn) {
            return (struct weft_partner_peer *)&p->peers[i];
        }
    }
    return NULL;
}

bool weft_partners_is_full(const struct weft_partners *p, const void *conn)
{
    const struct weft_partner_peer *peer = find_peer(p, conn);
    return peer == NULL || peer->is_full;
}

bool weft_partners_may_answer(const struct weft_partners *p, const void *conn)
{
    const struct weft_partner_peer *peer = find_peer(p, conn);
    return peer != NULL && !peer->is_full && peer->tokens > 0;
}

void weft_partners_charge(struct weft_partners *p, const void *conn, size_t bytes)
{
    struct weft_partner_peer *peer = find_peer(p, conn);
    uint64_t cost = bytes / WEFT_PARTNER_ANSWER_BYTES;
    if (peer != NULL) {
        peer->tokens -= cost < peer->tokens ? cost : peer->tokens;
    }
}

enum weft_err weft_partners_send_bytes(struct weft_partners *p, void *conn, struct weft_bytes bytes)
{
    struct weft_partner_peer *peer = find_peer(p, conn);
    if (peer == NULL || peer->is_full) {
        return peer == NULL ? WEFT_EUNAVAILABLE : WEFT_EBUSY;
    }
    enum weft_err err = p->options.io.send(p->options.io.ctx, conn, bytes);
    peer->is_full = err == WEFT_EBUSY;
    return err;
}

enum weft_err weft_partners_send(
    struct weft_partners *p, void *conn, const struct weft_partner_message *message)
{
    if (weft_partners_is_full(p, conn)) {
        return find_peer(p, conn) == NULL ? WEFT_EUNAVAILABLE : WEFT_EBUSY;
    }
    weft_buffer_clear(&p->scratch);
    enum weft_err err = weft_partner_encode(message, &p->scratch);
    return err == WEFT_OK ? weft_partners_send_bytes(
                                p, conn, (struct weft_bytes){p->scratch.data, p->scratch.size})
                          : err;
}

/* One that we called, if there is one: so each side uses its own, and both work where only one side
 * can be called. */
void *weft_partners_conn(const struct weft_partners *p, struct weft_text site)
{
    void *accepted = NULL;
    for (uint32_t i = 0; i < p->peer_end; i++) {
        const struct weft_partner_peer *peer = &p->peers[i];
        if (peer->conn == NULL || !weft_text_is(site, peer->site)) {
            continue;
        }
        if (p->options.io.is_dialled(p->options.io.ctx, peer->conn)) {
            return peer->conn;
        }
        accepted = peer->conn;
    }
    return accepted;
}

void weft_partners_log_fault(const struct weft_agreement *a, const char *event,
    enum weft_stream_fault fault, const struct weft_msg *msg, const char *next)
{
    char name[WEFT_CONTRACT_NAME_SIZE_MAX + 1];
    (void)snprintf(name, sizeof(name), "%.*s", (int)a->terms->name.size, a->terms->name.data);
    weft_log(WEFT_LOG_WARN, event, weft_kv("agreement", (const char *)name),
        weft_kv("fault", weft_stream_fault_name((unsigned)fault)),
        weft_kv("error", (const char *)msg->text), weft_kv("next", next));
}

/* --- connections ------------------------------------------------------------------------------ */

void weft_partners_up(struct weft_partners *p, void *conn, const char *site)
{
    uint32_t i = 0;
    while (i < p->peer_end && p->peers[i].conn != NULL) {
        i++;
    }
    if (i == WEFT_PARTNERS_CONNS_MAX) {
        p->options.io.hang_up(p->options.io.ctx, conn);
        return;
    }
    p->peer_end = i == p->peer_end ? i + 1 : p->peer_end;
    struct weft_partner_peer *peer = &p->peers[i];
    *peer = (struct weft_partner_peer){
        .conn = conn, .tokens = WEFT_PARTNERS_BURST, .refilled_ms = p->now_ms};
    peer->called_ms = p->options.io.is_dialled(p->options.io.ctx, conn) ? p->now_ms : 0;
    (void)snprintf(peer->site, sizeof(peer->site), "%s", site);
    weft_log(WEFT_LOG_INFO, "partner_up", weft_kv("partner", site));
    weft_partners_due(p, 0);
    p->options.io.wake(p->options.io.ctx);
}

void weft_partners_down(struct weft_partners *p, void *conn)
{
    struct weft_partner_peer *peer = find_peer(p, conn);
    if (peer == NULL) {
        return;
    }
    weft_log(WEFT_LOG_INFO, "partner_down", weft_kv("partner", (const char *)peer->site));
    peer->conn = NULL;
    while (p->peer_end > 0 && p->peers[p->peer_end - 1].conn == NULL) {
        p->peer_end--;
    }
    for (uint32_t i = 0; i < p->exchange_count; i++) {
        struct weft_partner_exchange *x = p->exchanges[i];
        if (x != NULL && x->out.conn == conn) {
            x->out.conn = NULL;
            weft_sender_close(&x->out.sender);
            weft_partner_frame_clear(&x->out.frame);
        }
        if (x != NULL && x->in.conn == conn) {
            weft_partner_window_down(&x->in);
        }
        if (x != NULL) {
            weft_partner_offer_down(x, conn);
            weft_partner_set_down(p, x, conn);
        }
    }
    weft_partners_due(p, 0);
    p->options.io.wake(p->options.io.ctx);
}

void weft_partners_drained(struct weft_partners *p, void *conn)
{
    struct weft_partner_peer *peer = find_peer(p, conn);
    if (peer != NULL) {
        peer->is_full = false;
        weft_partners_due(p, 0);
        p->options.io.wake(p->options.io.ctx);
    }
}

static void refill(struct weft_partner_peer *peer, uint64_t now_ms)
{
    uint64_t more = now_ms > peer->refilled_ms ? now_ms - peer->refilled_ms : 0;
    peer->tokens = peer->tokens + more < WEFT_PARTNERS_BURST ? peer->tokens + more
                                                             : (uint64_t)WEFT_PARTNERS_BURST;
    peer->refilled_ms = now_ms;
}

/* NOD-242: whoever says too much, or more than is judged by now, waits; others do not. */
static void settle_pause(struct weft_partners *p, struct weft_partner_peer *peer)
{
    refill(peer, p->now_ms);
    bool is_short = peer->tokens < (peer->is_paused ? WEFT_PARTNERS_BURST / 10 : 1);
    bool is_full = false;
    for (uint32_t i = 0; i < p->exchange_count; i++) {
        const struct weft_partner_exchange *x = p->exchanges[i];
        is_full =
            is_full || (x != NULL && x->in.conn == peer->conn && weft_partner_in_is_full(&x->in));
    }
    if (is_short) {
        weft_partners_due(p, p->now_ms + WEFT_PARTNERS_BURST / 10);
    }
    if ((is_short || is_full) != peer->is_paused) {
        peer->is_paused = is_short || is_full;
        p->options.io.pause(p->options.io.ctx, peer->conn, peer->is_paused);
    }
}

static void tell_unknown(struct weft_partners *p, void *conn, const struct weft_stream_name *stream)
{
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_NOTICE,
        .stream = *stream,
        .notice = {
            .fault = WEFT_STREAM_UNKNOWN, .reason = WEFT_TEXT("no such agreement with you")}};
    (void)!weft_partners_send(p, conn, &m);
}

/* NOD-242: a message counts for agreements with the partner whose connection it comes by. */
static void hear(struct weft_partners *p, struct weft_partner_peer *peer,
    const struct weft_partner_message *m, struct weft_bytes bytes)
{
    struct weft_agreement a;
    if (weft_partner_is_of_window(m->kind)) {
        struct weft_partner_exchange *of = weft_partner_window_of(p, peer->conn, m);
        if (of != NULL && get_agreed(p, of->number, &a)) {
            weft_partner_in_hear(p, of, &a, peer->conn, m, bytes);
        }
        for (uint32_t i = 0; of == NULL && i < p->exchange_count; i++) {
            if (p->exchanges[i] != NULL && p->exchanges[i]->in.conn == peer->conn) {
                weft_partner_window_late(p, &p->exchanges[i]->in); /* One of them. */
            }
        }
        return;
    }
    if (weft_partner_offer_hear(p, peer, m, bytes)) {
        return;
    }
    bool is_known = weft_partners_find_agreed(p, m->stream.agreement, &a) &&
                    weft_text_is(a.terms->partner, peer->site);
    struct weft_partner_exchange *x = is_known ? weft_partners_exchange(p, a.terms->number) : NULL;
    if (x != NULL && m->kind == WEFT_KIND_STREAM_HELLO &&
        weft_text_equal(m->stream.provider, a.terms->site)) {
        peer->knows_questions = m->hello.knows_questions;
        weft_partner_receipt_told(p, &x->in, &a, m->hello.acknowledged);
        peer->hello = ++p->hellos;
    }
    if (x != NULL && (weft_partner_ask_hear(p, &a, peer->conn, m) ||
                         weft_partner_set_hear(p, x, &a, peer->conn, m))) {
        return;
    }
    if (x != NULL && weft_text_equal(m->stream.provider, a.terms->site)) {
        weft_partner_out_hear(p, x, &a, peer->conn, m, bytes);
    } else if (x != NULL && weft_text_equal(m->stream.provider, a.terms->partner)) {
        weft_partner_in_hear(p, x, &a, peer->conn, m, bytes);
    } else if (m->kind != WEFT_KIND_STREAM_NOTICE) {
        tell_unknown(p, peer->conn, &m->stream);
    }
}

enum weft_err weft_partners_hear(struct weft_partners *p, void *conn, struct weft_bytes message)
{
    struct weft_partner_peer *peer = find_peer(p, conn);
    struct weft_partner_message m;
    struct weft_msg msg = {""};
    if (peer == NULL || !p->is_leading || !weft_partners_begin(p)) {
        return WEFT_OK;
    }
    weft_arena_reset(&p->arena);
    enum weft_err err = weft_partner_decode(message, &p->arena, &m, &msg);
    if (err != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "partner_malformed", weft_kv("partner", (const char *)peer->site),
            weft_kv("error", (const char *)msg.text), weft_kv("next", "the connection is dropped"));
        return err;
    }
    refill(peer, p->now_ms);
    peer->tokens -= peer->tokens > 0 ? 1 : 0;
    peer->called_ms = 0;
    hear(p, peer, &m, message);
    peer = find_peer(p, conn); /* It may be gone. */
    if (peer != NULL) {
        settle_pause(p, peer);
    }
    weft_partners_due(p, 0);
    p->options.io.wake(p->options.io.ctx);
    return WEFT_OK;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void reset(struct weft_partners *p)
{
    for (uint32_t i = 0; i < p->exchange_count; i++) {
        if (p->exchanges[i] != NULL) {
            weft_partner_out_reset(&p->exchanges[i]->out);
            weft_partner_in_reset(&p->exchanges[i]->in);
            weft_partner_set_reset(p, p->exchanges[i]);
            p->exchanges[i]->offer = (struct weft_partner_offer){.agreed = {.conn = NULL}};
        }
    }
    p->generation++;
    p->step_from = 0;
}

/* One for each agreement. */
static void make_exchanges(struct weft_partners *p, uint32_t count)
{
    if (count <= p->exchange_count) {
        return;
    }
    void *more = realloc(p->exchanges, count * sizeof(*p->exchanges));
    if (more == NULL) {
        return;
    }
    p->exchanges = more;
    for (; p->exchange_count < count; p->exchange_count++) {
        struct weft_partner_exchange *x = calloc(1, sizeof(*x));
        if (x != NULL) {
            x->number = p->exchange_count;
            x->in.wants_hello = true;
        }
        p->exchanges[p->exchange_count] = x;
    }
}

/* What is owed to streams, a bounded piece at a time (node/state/streams.h). */
static void propose_steps(struct weft_partners *p, const struct weft_streams *streams)
{
    for (uint32_t number = 0; weft_streams_due(streams, &number); number++) {
        struct weft_partner_exchange *x = weft_partners_exchange(p, number);
        struct weft_agreement a;
        if (x != NULL && !x->out.is_stepping && p->now_ms < x->out.step_ms) {
            weft_partners_due(p, x->out.step_ms);
        } else if (x != NULL && !x->out.is_stepping && get_agreed(p, number, &a)) {
            const struct weft_stream_entry entry = {.act = WEFT_STREAM_ACT_STEP};
            x->out.is_stepping =
                weft_partners_propose(p, x, &a, WEFT_PARTNER_STEPS, &entry) == WEFT_OK;
        }
    }
}

void weft_partners_turn(
    struct weft_partners *p, uint64_t leader_id, uint64_t now_ms, int64_t now_ns)
{
    bool is_leading = leader_id == p->options.self_id;
    if (!weft_partners_begin(p)) {
        return;
    }
    p->now_ms = now_ms;
    p->now_ns = now_ns;
    p->leader_id = leader_id;
    p->deadline_ms = UINT64_MAX;
    if (is_leading != p->is_leading) {
        reset(p);
        p->is_leading = is_leading;
        p->led_ms = now_ms;
    }
    if (!is_leading) {
        weft_partner_sign_turn(&p->sign, p->state, now_ms);
        return;
    }
    const struct weft_streams *streams = weft_state_streams(p->state);
    const uint32_t count = weft_streams_count(streams);
    make_exchanges(p, count);
    propose_steps(p, streams);
    for (uint32_t i = 0; i < count && i < p->exchange_count; i++) {
        struct weft_partner_exchange *x = p->exchanges[i];
        struct weft_agreement a;
        if (x != NULL) {
            weft_partner_offer_turn(p, x);
        }
        if (x != NULL && get_agreed(p, i, &a)) {
            weft_partner_out_turn(p, x, &a);
            weft_partner_in_turn(p, x, &a);
            weft_partner_set_turn(p, x, &a);
        }
    }
    for (uint32_t i = 0; i < p->peer_end; i++) {
        if (p->peers[i].conn != NULL) {
            settle_pause(p, &p->peers[i]);
        }
    }
}

uint64_t weft_partners_deadline(const struct weft_partners *p)
{
    return p->is_leading && !p->is_closing ? p->deadline_ms : UINT64_MAX;
}

void weft_partners_done(
    struct weft_partners *p, const struct weft_waiter *waiter, enum weft_err err)
{
    struct weft_partner_exchange *x = weft_partners_exchange(p, waiter->client);
    enum weft_partner_act act = (enum weft_partner_act)waiter->request_id;
    struct weft_agreement a;
    if (x == NULL || waiter->generation != p->generation || !weft_partners_begin(p) ||
        !get_agreed(p, waiter->client, &a)) {
        return;
    }
    if (act == WEFT_PARTNER_TAKES || act == WEFT_PARTNER_FREEZES) {
        weft_partner_in_done(p, x, &a, act, err);
    } else if (act == WEFT_PARTNER_FILES) {
        weft_partner_set_done(p, x, &a, err);
    } else {
        weft_partner_out_done(p, x, &a, act, err);
    }
    weft_partners_due(p, 0);
    p->options.io.wake(p->options.io.ctx);
}

static void on_judged(void *ctx, struct weft_partner_job *job)
{
    struct weft_partners *p = ctx;
    struct weft_partner_exchange *x = weft_partners_exchange(p, job->number);
    struct weft_agreement a;
    if (x == NULL || job->generation != p->generation || !weft_partners_begin(p) ||
        !get_agreed(p, job->number, &a)) {
        return;
    }
    weft_partner_in_judged(p, x, &a, job);
    weft_partners_due(p, 0);
    p->options.io.wake(p->options.io.ctx);
}

void weft_partners_work(struct weft_partners *p)
{
    while (weft_partner_judge_work(p->judge)) {
        weft_partner_judge_settle(p->judge);
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

struct weft_text weft_partners_note(
    const struct weft_partners *p, uint32_t number, enum weft_direction direction)
{
    const struct weft_partner_exchange *x = weft_partners_exchange(p, number);
    if (x == NULL) {
        return (struct weft_text){NULL, 0};
    }
    return weft_buffer_as_text(direction == WEFT_SENT ? &x->out.note : &x->in.note);
}

static uint64_t since(const struct weft_partners *p, uint64_t then_ms)
{
    return then_ms != 0 && p->now_ms > then_ms ? p->now_ms - then_ms : 0;
}

bool weft_partners_figures(const struct weft_partners *p, uint32_t number,
    enum weft_direction direction, struct weft_partner_figures *ret_figures)
{
    struct weft_state *state = p->options.io.get_state(p->options.io.ctx);
    if (state == NULL) {
        return false;
    }
    const struct weft_streams *streams = weft_state_streams(state);
    const struct weft_partner_exchange *x = weft_partners_exchange(p, number);
    if (number >= weft_streams_count(streams)) {
        return false;
    }
    const struct weft_agreement a = weft_streams_at(streams, number);
    struct weft_partner_figures f = {.agreement = a.name,
        .partner = a.terms != NULL ? a.terms->partner : (struct weft_text){"", 0},
        .state = a.state,
        .hold = a.consumer->hold};
    if (direction == WEFT_SENT) {
        f.leaves = a.provider->stream.tree.size;
        f.lag = f.leaves - a.provider->receipt.size;
        f.refused = a.refused_count;
        f.is_fenced = weft_provider_is_fenced(a.provider);
        f.is_split = a.provider->rival.size > 0;
        f.evidence = a.evidence_count;
        f.is_connected = x != NULL && x->out.conn != NULL && x->out.sender.is_open;
        f.lag_ms = x != NULL ? since(p, x->out.behind_ms) : 0;
        f.bytes = x != NULL ? x->out.bytes : 0;
        f.beside = x != NULL ? x->out.beside : 0;
    } else {
        uint64_t head = a.consumer->head.size, size = a.consumer->stream.tree.size;
        f.leaves = size;
        f.lag = head > size ? head - size : 0;
        f.quarantined = a.consumer->quarantined;
        f.is_connected = x != NULL && x->in.conn != NULL && x->in.receiver.is_open;
        f.lag_ms = x != NULL ? since(p, x->in.behind_ms) : 0;
        f.bytes = x != NULL ? x->in.bytes : 0;
        f.beside = x != NULL ? x->in.beside : 0;
        f.refused = x != NULL ? x->in.faults : 0;
        f.is_offered =
            a.offer.note.size > 0 && a.offer.end == WEFT_OFFER_STANDS && !a.offer.is_ours;
    }
    *ret_figures = f;
    return true;
}

/* --- open and close --------------------------------------------------------------------------- */

enum weft_err weft_partners_open(const struct weft_partners_options *options,
    struct weft_partners **ret_partners, struct weft_msg *msg)
{
    struct weft_partners *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "partners");
    }
    p->options = *options;
    p->options.key_file = p->options.site = p->options.principal = NULL; /* Borrowed. */
    (void)snprintf(p->principal, sizeof(p->principal), "%s", options->principal);
    p->arena.size_max = WEFT_BATCH_MEMORY_MAX;
    p->scratch.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX;
    p->body.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX;
    p->deadline_ms = UINT64_MAX;
    p->sign.ctx = options->io.ctx;
    p->sign.tell = options->io.tell;
    const struct weft_partner_judge_options judge = {
        .loop = options->loop, .threads = options->threads, .ctx = p, .on_judged = on_judged};
    enum weft_err err = weft_partner_sign_load(&p->sign, options->key_file, options->site, msg);
    if (err == WEFT_OK) {
        err = weft_partner_judge_open(&judge, &p->judge, msg);
    }
    if (err != WEFT_OK) {
        weft_partner_sign_wipe(&p->sign);
        free(p);
        return err;
    }
    *ret_partners = p;
    return WEFT_OK;
}

void weft_partners_closed(struct weft_partners *p)
{
    if (!p->is_judge_closed || p->set_jobs > 0) {
        return;
    }
    void (*on_closed)(void *) = p->on_closed;
    void *closed_ctx = p->closed_ctx;
    reset(p);
    for (uint32_t i = 0; i < p->exchange_count; i++) {
        free(p->exchanges[i]);
    }
    free(p->exchanges);
    weft_partner_guests_destroy(&p->guests);
    weft_partner_sign_wipe(&p->sign);
    weft_arena_destroy(&p->arena);
    weft_buffer_destroy(&p->scratch);
    weft_buffer_destroy(&p->body);
    free(p);
    on_closed(closed_ctx);
}

static void on_judge_closed(void *ctx)
{
    struct weft_partners *p = ctx;
    p->is_judge_closed = true;
    weft_partners_closed(p);
}

void weft_partners_close(struct weft_partners *p, void (*on_closed)(void *ctx), void *ctx)
{
    p->is_closing = true;
    atomic_store(&p->is_set_over, true);
    p->on_closed = on_closed;
    p->closed_ctx = ctx;
    weft_partner_judge_close(p->judge, on_judge_closed, p);
}
