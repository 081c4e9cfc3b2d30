#include "node/partner_window.h"

#include <string.h>

#include "node/partner_parts.h"
#include "proto/check.h"

/* What came without a proof: held as it came until that is there, then proposed batch by batch,
 * each with a proof that is made here, so that the log has what it would have of a partner who
 * sends one with each (federation/README.md, Windows). */

static bool is_kind(const struct weft_buffer *message, enum weft_partner_kind kind)
{
    struct weft_envelope envelope = {.kind = 0};
    enum weft_err err = weft_envelope_decode(
        (struct weft_bytes){message->data, message->size}, message->size, &envelope);
    weft_assert(err == WEFT_OK); /* NOD-241: it decoded on the loop */
    return envelope.kind == kind;
}

static uint64_t held_bytes(const struct weft_partner_in *in)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < in->window.held_count; i++) {
        bytes += in->window.held[i].cost;
    }
    return bytes;
}

/* NOD-249: of all streams. */
static uint64_t held_by_all(const struct weft_partners *p)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < p->exchange_count; i++) {
        bytes += p->exchanges[i] != NULL ? held_bytes(&p->exchanges[i]->in) : 0;
    }
    return bytes;
}

static void destroy_held(struct weft_partner_held *held)
{
    weft_buffer_destroy(&held->message);
    weft_window_destroy(&held->run);
}

void weft_partner_window_drop(struct weft_partner_in *in)
{
    for (uint32_t i = 0; i < in->window.held_count; i++) {
        destroy_held(&in->window.held[i]);
    }
    in->window.held_count = 0;
}

void weft_partner_window_late(const struct weft_partners *p, struct weft_partner_in *in)
{
    if (p->now_ms - in->said_ms < WEFT_PARTNER_REFRESH_MS) {
        in->heard_ms = p->now_ms;
    }
}

void weft_partner_window_down(struct weft_partner_in *in)
{
    in->conn = NULL;
    in->receiver.is_open = false;
    in->wants_hello = true;
    in->repeat.acknowledged = 0;
    weft_partner_window_drop(in);
}

uint64_t weft_partner_window_offer(const struct weft_partners *p, struct weft_partner_exchange *x)
{
    weft_partner_window_drop(&x->in); /* Of a connection before. */
    /* What is proven later names its stream by the session alone. */
    if (x->in.receiver.session >> 32 != x->number) {
        x->in.receiver.session = (uint64_t)x->number << 32;
    }
    return held_by_all(p) < WEFT_PARTNER_WINDOWS_BYTES / 2 ? WEFT_PARTNER_WINDOW_BYTES : 0;
}

struct weft_partner_exchange *weft_partner_window_of(
    const struct weft_partners *p, const void *conn, const struct weft_partner_message *m)
{
    const uint64_t number = weft_partner_session_of(m) >> 32;
    struct weft_partner_exchange *x = number < p->exchange_count ? p->exchanges[number] : NULL;
    return x != NULL && x->in.conn == conn ? x : NULL;
}

/* In their order: what is proposed at once waits for what is held; but for a proof nothing waits
 * that came before it, and what may come in its place is refused. */
bool weft_partner_window_may_judge(const struct weft_partner_in *in)
{
    const bool is_more = is_kind(&in->waiting[0], WEFT_KIND_STREAM_MORE) ||
                         is_kind(&in->waiting[0], WEFT_KIND_STREAM_LEAVES);
    if (is_kind(&in->waiting[0], WEFT_KIND_STREAM_PROOF) ||
        (!is_more && in->receiver.window_bytes > 0)) {
        return true;
    }
    if (is_more) {
        /* One window is proposed while the next one comes. */
        const bool has_room = in->window.held_count < WEFT_PARTNER_HELD_MAX &&
                              held_bytes(in) < 2 * (uint64_t)WEFT_PARTNER_WINDOW_BYTES;
        return has_room || !in->window.held[0].is_proven; /* Else that would not end. */
    }
    return in->window.held_count == 0 && in->pending_count < WEFT_PARTNER_PENDING_MAX;
}

void weft_partner_window_ask(struct weft_partner_in *in, struct weft_partner_job *job)
{
    if (!is_kind(&job->message, WEFT_KIND_STREAM_PROOF) &&
        !is_kind(&job->message, WEFT_KIND_STREAM_LEAVES)) {
        return;
    }
    for (uint32_t i = 0; i < in->window.held_count; i++) {
        if (!in->window.held[i].is_proven) {
            job->runs[job->run_count++] = in->window.held[i].run;
            in->window.held[i].run = (struct weft_window_run){.parts = {.data = NULL}};
        }
    }
}

/* What the job got goes back to where it is from: none was dropped or came meanwhile. */
static void give_back(struct weft_partner_in *in, struct weft_partner_job *job, bool is_proven)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < in->window.held_count && k < job->run_count; i++) {
        struct weft_partner_held *held = &in->window.held[i];
        if (!held->is_proven) {
            held->run = job->runs[k];
            job->runs[k++] = (struct weft_window_run){.parts = {.data = NULL}};
        }
    }
    weft_assert(k == job->run_count); /* FED-34 */
    for (uint32_t i = 0; i < in->window.held_count && is_proven; i++) {
        struct weft_partner_held *held = &in->window.held[i];
        held->head_size = held->is_proven ? held->head_size : job->right.size;
        held->is_proven = true;
    }
}

bool weft_partner_window_hold(
    struct weft_partners *p, struct weft_partner_in *in, struct weft_partner_job *job)
{
    struct weft_partner_held *held = &in->window.held[in->window.held_count];
    give_back(in, job, false);
    job->run_count = 0;
    if (in->window.held_count == WEFT_PARTNER_HELD_MAX ||
        held_bytes(in) >= 2 * (uint64_t)WEFT_PARTNER_WINDOW_BYTES ||
        held_by_all(p) >= (uint64_t)WEFT_PARTNER_WINDOWS_BYTES) {
        in->receiver.is_plain = true;
        in->receiver.plain_until = in->receiver.ahead.stream.tree.size;
        return false;
    }
    *held = (struct weft_partner_held){.message = job->message,
        .items = job->items,
        .run = job->run,
        .cost = weft_window_cost(job->run.hashes.size / WEFT_DIGEST_SIZE, job->message.size)};
    job->message = (struct weft_buffer){.data = NULL};
    job->run = (struct weft_window_run){.parts = {.data = NULL}};
    in->window.held_count++;
    const uint64_t leaves = held->run.hashes.size / WEFT_DIGEST_SIZE;
    in->tokens -= leaves < in->tokens ? leaves : in->tokens;
    return true;
}

void weft_partner_window_proven(struct weft_partner_in *in, struct weft_partner_job *job)
{
    give_back(in, job, true);
}

static enum weft_err propose_part(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, struct weft_partner_held *held)
{
    struct weft_partner_in *in = &x->in;
    const struct weft_window_part *part = weft_window_part_at(&held->run, held->next);
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
        .stream = weft_partners_stream(a, WEFT_RECEIVED),
        .batch = weft_window_batch(part, held->items, held->head_size, in->receiver.session)};
    weft_buffer_clear(&p->scratch);
    enum weft_err err = weft_partner_encode(&m, &p->scratch);
    if (err == WEFT_OK) {
        const struct weft_stream_entry entry = {.act = WEFT_STREAM_ACT_BATCH,
            .number = part->after.size,
            .message = {p->scratch.data, p->scratch.size}};
        err = weft_partners_propose(p, x, a, WEFT_PARTNER_TAKES, &entry);
    }
    if (err == WEFT_OK) {
        in->bytes += p->scratch.size;
        in->pending[in->pending_count++] = (struct weft_partner_entry){.is_batch = true,
            .session = in->receiver.session,
            .first = part->first,
            .end = part->after.size};
        held->next++;
    }
    return err;
}

bool weft_partner_window_propose(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    struct weft_partner_in *in = &x->in;
    uint32_t done = 0;
    enum weft_err err = WEFT_OK;
    while (done < in->window.held_count && in->window.held[done].is_proven && err == WEFT_OK) {
        struct weft_partner_held *held = &in->window.held[done];
        const uint32_t count = weft_window_part_count(&held->run);
        while (
            err == WEFT_OK && held->next < count && in->pending_count < WEFT_PARTNER_PENDING_MAX) {
            err = propose_part(p, x, a, held);
        }
        if (held->next < count) {
            break;
        }
        destroy_held(held);
        done++;
    }
    in->window.held_count -= done;
    memmove(&in->window.held[0], &in->window.held[done],
        in->window.held_count * sizeof(in->window.held[0]));
    return err == WEFT_OK;
}
