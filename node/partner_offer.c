#include "node/partner_offer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/partner_parts.h"

/* What is said of an offer. */
enum {
    NOTHING,
    OFFERS,    /* The note, that he has not signed. */
    AGREES,    /* One that both have signed. */
    HOLDS,     /* His waits here. */
    DECLINES,  /* Ours to sign, and we do not. */
    WITHDRAWS, /* Ours, and it is no more. */
};

static struct weft_text text_of(const char *text, size_t size)
{
    return (struct weft_text){text, size};
}

static void log_offer(enum weft_log_level level, const char *event, struct weft_text agreement,
    struct weft_text partner, const char *what, const char *next)
{
    char name[WEFT_STREAM_NAME_SIZE_MAX + 1], site[WEFT_STREAM_NAME_SIZE_MAX + 1];
    (void)snprintf(name, sizeof(name), "%.*s", (int)agreement.size, agreement.data);
    (void)snprintf(site, sizeof(site), "%.*s", (int)partner.size, partner.data);
    weft_log(level, event, weft_kv("agreement", (const char *)name),
        weft_kv("partner", (const char *)site), weft_kv("error", what), weft_kv("next", next));
}

/* --- what is said ----------------------------------------------------------------------------- */

/* Once on each connection, and again where an answer is waited for. */
static bool is_due(struct weft_partners *p, struct weft_partner_said *said, void *conn,
    unsigned what, const struct weft_digest *digest)
{
    bool is_same = said->what == what && weft_digest_equal(&said->digest, digest);
    if (!is_same || said->conn != conn) {
        *said = (struct weft_partner_said){.conn = conn,
            .digest = *digest,
            .what = what,
            .is_answered = is_same && said->is_answered && what == OFFERS};
        return true;
    }
    if (said->is_answered || said->tries >= WEFT_PARTNER_OFFER_TRIES) {
        return false;
    }
    if (p->now_ms < said->again_ms) {
        weft_partners_due(p, said->again_ms);
    }
    return p->now_ms >= said->again_ms;
}

static void tell(
    struct weft_partners *p, struct weft_partner_said *said, const struct weft_partner_message *m)
{
    bool is_sent = weft_partners_send(p, said->conn, m) == WEFT_OK;
    if (is_sent && m->kind == WEFT_KIND_STREAM_NOTICE) {
        said->is_answered = true; /* Nobody answers it. */
        return;
    }
    said->again_ms = p->now_ms + ((uint64_t)WEFT_PARTNER_OFFER_AGAIN_MS << said->tries);
    said->tries += is_sent ? 1 : 0;
    weft_partners_due(p, said->again_ms);
}

static void send_note(struct weft_partners *p, struct weft_partner_said *said,
    struct weft_text agreement, struct weft_text note)
{
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_OFFER,
        .stream = {agreement, weft_offers_site(weft_state_streams(p->state))},
        .text = note};
    tell(p, said, &m);
}

static void notify(struct weft_partners *p, void *conn, struct weft_partner_said *said,
    struct weft_text agreement, const struct weft_digest *digest, enum weft_stream_fault fault,
    struct weft_text reason)
{
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_NOTICE,
        .stream = {agreement, weft_offers_site(weft_state_streams(p->state))},
        .notice = {.fault = (uint16_t)fault, .reason = reason, .offer = *digest}};
    if (said != NULL) {
        tell(p, said, &m);
    } else {
        (void)!weft_partners_send(p, conn, &m); /* Lost: he says it again. */
    }
}

/* NOD-342: an offer of his that both have signed is shown until he states it himself. */
static void show_agreed(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a)
{
    const struct weft_terms *t = a->terms;
    if (t == NULL || a->note.size == 0 || a->state == WEFT_AGREEMENT_ENDED ||
        (t->received != NULL && t->received->link.version >= t->newest->link.version)) {
        return;
    }
    void *conn = weft_partners_conn(p, t->partner);
    struct weft_partner_said *said = &x->offer.agreed;
    if (conn != NULL && is_due(p, said, conn, AGREES, &t->newest->link.digest)) {
        send_note(p, said, a->name, a->note);
    }
}

static unsigned word_of(const struct weft_partners *p, const struct weft_offer *offer)
{
    switch (offer->end) {
    case WEFT_OFFER_STANDS:
        return !offer->is_ours ? HOLDS : offer->until_ns > p->now_ns ? OFFERS : NOTHING;
    case WEFT_OFFER_WITHDRAWN:
        return offer->is_ours ? WITHDRAWS : NOTHING;
    case WEFT_OFFER_DECLINED:
        return offer->is_ours ? NOTHING : DECLINES;
    case WEFT_OFFER_ENDS:
        break;
    }
    return NOTHING;
}

static void say(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, unsigned what)
{
    struct weft_partner_said *said = &x->offer.offer;
    const struct weft_offer *offer = &a->offer;
    switch (what) {
    case OFFERS:
        if (said->tries == WEFT_PARTNER_OFFER_UNHEARD) {
            (void)snprintf(x->offer.answer, sizeof(x->offer.answer), "unanswered");
            x->offer.answered = offer->digest;
            log_offer(WEFT_LOG_WARN, "partner_offer_unanswered", a->name, offer->partner,
                "the partner's site does not answer it: perhaps it is of before offers travelled",
                "it is said again; as a file it goes by weft partner show --offer --note");
        }
        send_note(p, said, a->name, offer->note);
        return;
    case HOLDS:
        notify(p, NULL, said, a->name, &offer->digest, WEFT_STREAM_SOUND, WEFT_TEXT("it waits"));
        return;
    case DECLINES:
        notify(p, NULL, said, a->name, &offer->digest, WEFT_STREAM_DECLINED, offer->reason);
        return;
    case WITHDRAWS:
        notify(p, NULL, said, a->name, &offer->digest, WEFT_STREAM_WITHDRAWN, offer->reason);
        return;
    default:
        return;
    }
}

void weft_partner_offer_turn(struct weft_partners *p, struct weft_partner_exchange *x)
{
    const struct weft_agreement a = weft_streams_at(weft_state_streams(p->state), x->number);
    struct weft_partner_said *said = &x->offer.offer;
    show_agreed(p, x, &a);
    unsigned what = a.offer.note.size > 0 ? word_of(p, &a.offer) : NOTHING;
    if (what == NOTHING) {
        *said = (struct weft_partner_said){.conn = NULL}; /* Brought again, it is said again. */
        return;
    }
    bool is_news = said->what != what || !weft_digest_equal(&said->digest, &a.offer.digest);
    if (is_news && what == HOLDS) {
        log_offer(WEFT_LOG_WARN, "partner_offers", a.name, a.offer.partner,
            "an offer of the partner's waits to be signed",
            "weft partner show --offer, then weft partner sign --offered or weft partner decline");
    }
    void *conn = weft_partners_conn(p, a.offer.partner);
    if (conn != NULL && is_due(p, said, conn, what, &a.offer.digest)) {
        say(p, x, &a, what);
    } else if (conn == NULL && is_news) {
        *said = (struct weft_partner_said){.digest = a.offer.digest, .what = what};
    }
}

void weft_partner_offer_down(struct weft_partner_exchange *x, const void *conn)
{
    struct weft_partner_said *const both[] = {&x->offer.agreed, &x->offer.offer};
    for (int i = 0; i < 2; i++) {
        both[i]->conn = both[i]->conn == conn ? NULL : both[i]->conn;
    }
}

/* --- what is heard ---------------------------------------------------------------------------- */

void weft_partner_guests_destroy(struct weft_partner_guests *guests)
{
    free(guests->all);
    *guests = (struct weft_partner_guests){NULL, 0};
}

/* NOD-343: of the partner, by however many connections; so many as are pinned. */
static bool has_room(struct weft_partners *p, struct weft_text site, bool is_entry)
{
    const uint32_t token_ms = is_entry ? WEFT_PARTNER_OFFER_ENTRY_MS : WEFT_PARTNER_OFFER_MS;
    struct weft_partner_guests *g = &p->guests;
    uint32_t i = 0;
    while (i < g->count && !weft_text_is(site, g->all[i].site)) {
        i++;
    }
    if (i == g->count) {
        void *more = realloc(g->all, (g->count + 1) * sizeof(*g->all));
        if (more == NULL) {
            return false;
        }
        g->all = more;
        g->all[g->count] = (struct weft_partner_guest){
            .judged = {.left = WEFT_PARTNER_OFFER_BURST, .refilled_ms = p->now_ms},
            .entries = {.left = WEFT_PARTNER_OFFER_BURST, .refilled_ms = p->now_ms}};
        (void)snprintf(
            g->all[g->count++].site, sizeof(g->all[0].site), "%.*s", (int)site.size, site.data);
    }
    struct weft_bucket *b = is_entry ? &g->all[i].entries : &g->all[i].judged;
    weft_bucket_refill(b, WEFT_PARTNER_OFFER_BURST, token_ms, p->now_ms);
    if (b->left <= 0) {
        return false;
    }
    weft_bucket_take(b, 0);
    return true;
}

/* Nobody is told what becomes of it: the state says so, and what it says is said. */
static void propose(struct weft_partners *p, struct weft_text agreement, enum weft_stream_act act,
    struct weft_bytes bytes)
{
    struct weft_buffer body = {.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    const struct weft_waiter waiter = {
        .client = UINT32_MAX, .generation = p->generation, .door = WEFT_DOOR_PARTNERS};
    const struct weft_stream_entry entry = {.act = act, .agreement = agreement, .message = bytes};
    if (weft_stream_entry_encode(&entry, &body) == WEFT_OK) {
        const struct weft_entry_item item = {.type = WEFT_ITEM_STREAM,
            .principal = weft_text_of(p->principal),
            .body = {body.data, body.size}};
        (void)!p->options.io.propose(p->options.io.ctx, &item, &waiter);
    }
    weft_buffer_destroy(&body);
}

static void hear_offer(struct weft_partners *p, const struct weft_partner_peer *peer,
    const struct weft_partner_message *m, struct weft_bytes bytes)
{
    const struct weft_text name = m->stream.agreement, site = weft_text_of(peer->site);
    struct weft_offer_verdict v = weft_offers_look(weft_state_streams(p->state), m);
    if (!weft_text_equal(m->stream.provider, site)) {
        v.is_known = false;
        (void)weft_stream_fail(
            &v.reason, v.fault = WEFT_STREAM_ORIGIN, "it is offered in the name of another site");
    } else if (!v.is_known && !has_room(p, site, false)) {
        (void)weft_stream_fail(
            &v.reason, v.fault = WEFT_STREAM_FLOOD, "more offers than one in a second");
    } else if (!v.is_known) {
        weft_partners_charge(p, peer->conn, WEFT_PARTNER_OFFER_COST);
        if (weft_offers_judge(p->state, m, p->now_ns, &v) != WEFT_OK) {
            log_offer(WEFT_LOG_ERROR, "partner_offer_unread", name, site, v.reason.text,
                "the partner says it again");
            return;
        }
        if (v.fault != WEFT_STREAM_SOUND && v.fault != WEFT_STREAM_DECLINED) {
            log_offer(WEFT_LOG_WARN, "partner_offer_refused", name, site, v.reason.text,
                "the partner is told");
        }
    }
    if (v.fault == WEFT_STREAM_SOUND && !v.is_known && !has_room(p, site, true)) {
        (void)weft_stream_fail(&v.reason, v.fault = WEFT_STREAM_FLOOD,
            "more offers than one in a minute: people read them");
    }
    if (v.fault == WEFT_STREAM_SOUND && !v.is_known) {
        propose(p, name, WEFT_STREAM_ACT_OFFER, bytes);
        return; /* He hears of it when it is applied. */
    }
    notify(p, peer->conn, NULL, name, &v.digest, v.fault,
        v.fault == WEFT_STREAM_SOUND ? WEFT_TEXT("it is known") : weft_text_of(v.reason.text));
}

/* What the partner says of an offer of this site's, or of the version that was shown him. */
static void hear_answer(struct weft_partner_exchange *x, const struct weft_agreement *a,
    struct weft_text partner, const struct weft_stream_notice *n)
{
    struct weft_partner_offer *o = &x->offer;
    const struct weft_text reason = text_of(n->reason.data,
        n->reason.size < WEFT_OFFERS_REASON_SIZE_MAX ? n->reason.size
                                                     : (size_t)WEFT_OFFERS_REASON_SIZE_MAX);
    struct weft_partner_said *const both[] = {&o->agreed, &o->offer};
    for (int i = 0; i < 2; i++) {
        struct weft_partner_said *said = both[i];
        if ((said->what != AGREES && said->what != OFFERS) || said->is_answered ||
            !weft_digest_equal(&said->digest, &n->offer)) {
            continue;
        }
        if (n->fault == WEFT_STREAM_FLOOD) { /* Later. */
            continue;
        }
        said->is_answered = true;
        if (n->fault == WEFT_STREAM_SOUND && said->what == AGREES) {
            continue; /* He has it. */
        }
        if (n->fault == WEFT_STREAM_SOUND) {
            (void)snprintf(o->answer, sizeof(o->answer), "waits there");
        } else {
            const char *name = weft_stream_fault_name(n->fault);
            bool has_name = weft_text_starts(reason, name);
            (void)snprintf(o->answer, sizeof(o->answer), "refused: %s%s%.*s", has_name ? "" : name,
                has_name ? "" : ": ", (int)reason.size, reason.size > 0 ? reason.data : "");
        }
        /* A line of the status. */
        const size_t size = weft_text_utf8_prefix(weft_text_of(o->answer));
        o->answer[size] = '\0';
        weft_text_blank((uint8_t *)o->answer, size);
        if (n->fault != WEFT_STREAM_SOUND) {
            log_offer(WEFT_LOG_WARN, "partner_offer_refused_there", a->name, partner, o->answer,
                "weft partner status");
        }
        o->answered = n->offer;
    }
}

/* A site of before offers travelled knows no such agreement, and says so without a digest. */
static bool is_old_answer(const struct weft_partner_message *m, const struct weft_agreement *a)
{
    return m->notice.fault == WEFT_STREAM_UNKNOWN && a->terms == NULL && a->offer.is_ours &&
           a->offer.end == WEFT_OFFER_STANDS;
}

static bool hear_notice(struct weft_partners *p, const struct weft_partner_peer *peer,
    const struct weft_partner_message *m, struct weft_bytes bytes)
{
    static const struct weft_digest none;
    struct weft_agreement a;
    struct weft_stream_notice n = m->notice;
    const struct weft_streams *streams = weft_state_streams(p->state);
    bool is_known = weft_streams_find(streams, m->stream.agreement, &a);
    const struct weft_text partner = is_known && a.terms != NULL ? a.terms->partner
                                     : is_known                  ? a.offer.partner
                                                                 : (struct weft_text){"", 0};
    struct weft_partner_exchange *x =
        is_known && weft_text_is(partner, peer->site) ? weft_partners_exchange(p, a.number) : NULL;
    if (weft_digest_equal(&n.offer, &none)) {
        if (x == NULL || !is_old_answer(m, &a)) {
            return false;
        }
        n.offer = a.offer.digest;
        n.reason = WEFT_TEXT("no offers are known there: it goes as a file");
    } else if (!weft_text_is(m->stream.provider, peer->site)) {
        return true;
    }
    if (x != NULL && weft_offers_is_ended_by(streams, m)) {
        if (has_room(p, weft_text_of(peer->site), true)) {
            propose(p, a.name, WEFT_STREAM_ACT_OFFER_END, bytes);
        }
        return true;
    }
    if (x != NULL) {
        hear_answer(x, &a, partner, &n);
    }
    return true;
}

bool weft_partner_offer_hear(struct weft_partners *p, const struct weft_partner_peer *peer,
    const struct weft_partner_message *m, struct weft_bytes bytes)
{
    if (m->kind == WEFT_KIND_STREAM_OFFER) {
        hear_offer(p, peer, m, bytes);
        return true;
    }
    return m->kind == WEFT_KIND_STREAM_NOTICE && hear_notice(p, peer, m, bytes);
}

/* --- answers ---------------------------------------------------------------------------------- */

struct weft_text weft_partners_offer_answer(const struct weft_partners *p, uint32_t number)
{
    const struct weft_partner_exchange *x = weft_partners_exchange(p, number);
    struct weft_state *state = p->options.io.get_state(p->options.io.ctx);
    const struct weft_streams *streams = state != NULL ? weft_state_streams(state) : NULL;
    if (x == NULL || streams == NULL || number >= weft_streams_count(streams)) {
        return (struct weft_text){"", 0};
    }
    const struct weft_agreement a = weft_streams_at(streams, number);
    bool is_of_it =
        weft_digest_equal(&x->offer.answered, &a.offer.digest) ||
        (a.terms != NULL && weft_digest_equal(&x->offer.answered, &a.terms->newest->link.digest));
    return is_of_it ? weft_text_of(x->offer.answer) : (struct weft_text){"", 0};
}
