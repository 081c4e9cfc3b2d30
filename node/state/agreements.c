/* Records of kind partner, agreement and stream_act: judged, then carried out. */
#include "node/state/agreements.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/state/exports.h"
#include "node/state/imports.h"
#include "node/state/offers.h"
#include "node/state/streams_parts.h"
#include "proto/check.h"

static const char *const order_names[WEFT_STREAM_ORDERS] = {
    [WEFT_STREAM_ORDER_SUSPEND] = "suspend",
    [WEFT_STREAM_ORDER_RESUME] = "resume",
    [WEFT_STREAM_ORDER_END] = "end",
    [WEFT_STREAM_ORDER_HOLD] = "hold",
    [WEFT_STREAM_ORDER_UNHOLD] = "unhold",
    [WEFT_STREAM_ORDER_UNFREEZE] = "unfreeze",
    [WEFT_STREAM_ORDER_RELEASE] = "release",
    [WEFT_STREAM_ORDER_LOSE] = "lose",
    [WEFT_STREAM_ORDER_SUPERSEDE] = "supersede",
    [WEFT_STREAM_ORDER_DISCLOSE] = "disclose",
    [WEFT_STREAM_ORDER_WITHDRAW] = "withdraw",
    [WEFT_STREAM_ORDER_DECLINE] = "decline",
};

/* One commit, looked at. */
struct take {
    struct weft_streams *s;
    struct weft_agreements_checked *k;
    const struct weft_agreements_place *place;
    const struct weft_record *record;
    struct weft_text name; /* Of the asset, behind its prefix. */
    struct weft_msg *detail;
};

static enum weft_err fail(struct take *t, enum weft_err err, const char *text)
{
    return weft_fail(t->detail, err, "%s", text);
}

/* With the fault that the partner is told, if it came by a link. */
static enum weft_err blame(
    struct take *t, enum weft_stream_fault fault, enum weft_err err, const char *text)
{
    t->k->blame = fault;
    return weft_fail(t->detail, err, "%s", text);
}

bool weft_stream_order_parse(struct weft_text word, enum weft_stream_order *ret_order)
{
    for (unsigned i = 0; i < WEFT_STREAM_ORDERS; i++) {
        if (weft_text_is(word, order_names[i])) {
            *ret_order = (enum weft_stream_order)i;
            return true;
        }
    }
    return false;
}

bool weft_agreements_is_kind(struct weft_text kind)
{
    return weft_text_is(kind, WEFT_PARTNER_KIND) || weft_text_is(kind, WEFT_AGREEMENT_KIND) ||
           weft_text_is(kind, WEFT_STREAM_ACT_KIND);
}

/* The text or number of that path; {NULL, 0}: there is none. */
static struct weft_text field(const struct weft_record *record, const char *path)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, path)) {
            return record->fields[i].value;
        }
    }
    return (struct weft_text){NULL, 0};
}

/* Fields of these paths alone, all of them texts but for the numbers `from` and `until`. */
static enum weft_err check_fields(struct take *t, const char *const *paths)
{
    for (uint32_t i = 0; i < t->record->field_count; i++) {
        const struct weft_field *f = &t->record->fields[i];
        bool is_known = false;
        for (uint32_t k = 0; paths[k] != NULL && !is_known; k++) {
            is_known = weft_text_is(f->path, paths[k]);
        }
        bool is_number = weft_text_is(f->path, "from") || weft_text_is(f->path, "until");
        if (!is_known || f->type != (is_number ? WEFT_VALUE_INT : WEFT_VALUE_TEXT)) {
            return weft_fail(t->detail, WEFT_EINVAL, "attribute %.*s has no place or type here",
                (int)f->path.size, f->path.data);
        }
    }
    return t->record->link_count == 0 ? WEFT_OK
                                      : fail(t, WEFT_EINVAL, "such a record has no links");
}

static enum weft_err read_name(struct take *t, const char *prefix)
{
    t->name = t->record->asset;
    if (!weft_text_starts(t->name, prefix)) {
        return weft_fail(t->detail, WEFT_EINVAL, "a record of kind %.*s stands on %sNAME",
            (int)t->record->kind.size, t->record->kind.data, prefix);
    }
    t->name.data += strlen(prefix);
    t->name.size -= strlen(prefix);
    return WEFT_OK;
}

/* --- partners -------------------------------------------------------------------------------- */

static bool is_site(struct weft_text text)
{
    struct weft_text org;
    return weft_text_cut(&text, '/', &org) && weft_principal_is_org(org) &&
           weft_principal_is_part(text);
}

/* Whoever pins the first document vouches for it; from then on each follows the one before. */
static enum weft_err check_org(struct take *t, const struct weft_pinned *now)
{
    struct weft_pinned *p = t->k->pinned;
    struct weft_note note;
    struct weft_org again;
    struct weft_text site = t->name, org;
    enum weft_chain_fault fault;
    uint32_t roots = 0;
    (void)weft_text_cut(&site, '/', &org);
    if (!p->has_org || !weft_text_equal(p->org.org, org)) {
        return fail(t, WEFT_EPEER,
            "org: the document of the partner's organization is wanted: he is not known yet");
    }
    if (now != NULL && weft_digest_equal(&now->org.link.digest, &p->org.link.digest)) {
        return WEFT_OK;
    }
    enum weft_err err = weft_note_parse(p->texts.org, &note, t->detail);
    if (err == WEFT_OK && now != NULL) {
        weft_arena_reset(&t->s->arena);
        return weft_org_accept(
            &note, &now->org, t->place->time_ns, &t->s->arena, &again, &fault, t->detail);
    }
    if (err == WEFT_OK) {
        err = weft_org_count_roots(&p->org, &note, &roots, t->detail);
    }
    if (err == WEFT_OK && roots < p->org.root_threshold) {
        err = weft_chain_fail(WEFT_CHAIN_THRESHOLD, &fault, t->detail,
            "%u of its roots signed the org document, %u have to", roots, p->org.root_threshold);
    }
    if (err == WEFT_OK &&
        weft_chain_freshness(&p->org.link, t->place->time_ns) != WEFT_CHAIN_SOUND) {
        err = weft_chain_fail(
            WEFT_CHAIN_FREEZE, &fault, t->detail, "the org document is out of date");
    }
    return err;
}

static enum weft_err take_partner(struct take *t)
{
    static const char *const paths[] = {"org", "keys", "endpoints", "ca", "names", NULL};
    enum weft_err err = check_fields(t, paths);
    err = err == WEFT_OK ? read_name(t, WEFT_PARTNER_ASSET) : err;
    if (err == WEFT_OK && !is_site(t->name)) {
        err = fail(t, WEFT_EINVAL, "a partner is named by its organization and site: ORG/SITE");
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_pinned_texts texts = {field(t->record, "org"), field(t->record, "keys"),
        field(t->record, "endpoints"), field(t->record, "ca"), field(t->record, "names")};
    const struct weft_pinned *now = weft_streams_pinned(t->s, t->name);
    bool is_own = weft_text_equal(t->name, t->s->site);
    err = weft_pinned_read(t->name, &texts, t->place->index, &t->k->pinned, t->detail);
    if (err == WEFT_OK && is_own && (texts.org.size > 0 || texts.ca.size > 0)) {
        err = fail(t, WEFT_EINVAL, "of this site itself there are keys and endpoints alone");
    }
    if (err == WEFT_OK && !is_own) {
        err = check_org(t, now);
    }
    if (err == WEFT_OK && now == NULL && t->s->partner_count == WEFT_PARTNERS_MAX) {
        err = weft_fail(t->detail, WEFT_ETOOBIG, "more than %d partners", WEFT_PARTNERS_MAX);
    }
    t->k->what = WEFT_AGREEMENTS_PARTNER;
    return err;
}

/* What is shipped to the partner is told by other names: all is to be looked at. */
static void look_anew(struct weft_streams *s, struct weft_text site)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct weft_accord *accord = s->accords[i];
        const struct weft_deed *deed = accord->deeds[WEFT_ACCORD_SENT];
        if (deed != NULL &&
            weft_text_equal(deed->contract.parties[1 - accord->row.party].site, site)) {
            weft_accord_fall_behind(accord, 1);
            weft_streams_touch_flow(s, accord, WEFT_SENT);
        }
    }
    weft_streams_recount(s);
}

static enum weft_err accept_partner(struct weft_streams *s, const struct weft_exports_place *place)
{
    struct weft_pinned *pinned = s->checked.pinned;
    uint32_t at = weft_streams_place(s, pinned->site);
    weft_buffer_clear(&s->value);
    enum weft_err err = weft_pinned_encode(pinned, &s->value);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_key key = weft_key_of_partner(pinned->site);
    weft_store_batch_put(place->batch, &key, s->value.data, s->value.size);
    const struct weft_pinned *before = weft_streams_pinned(s, pinned->site);
    if (before == NULL || !weft_text_equal(before->texts.names, pinned->texts.names)) {
        look_anew(s, pinned->site);
    }
    if (before != NULL) {
        weft_pinned_release(s->partners[at]);
    } else {
        memmove(&s->partners[at + 1], &s->partners[at],
            (s->partner_count - at) * sizeof(s->partners[0]));
        s->partner_count++;
    }
    s->partners[at] = pinned;
    s->checked.pinned = NULL;
    s->changed++;
    weft_streams_stale(s);
    return WEFT_OK;
}

/* --- agreements ------------------------------------------------------------------------------ */

/* Signed by the roots of one of the two, whichever, to their threshold. */
static enum weft_err check_offer(
    struct take *t, const struct weft_note *note, const struct weft_org *orgs)
{
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        uint32_t roots = 0;
        struct weft_msg why;
        enum weft_err err = weft_org_count_roots(&orgs[i], note, &roots, &why);
        if (err == WEFT_OK && roots >= orgs[i].root_threshold) {
            t->k->what = WEFT_AGREEMENTS_OFFER;
            t->k->offer_by = i;
            return WEFT_OK;
        }
        if (err != WEFT_OK) {
            return weft_fail(t->detail, err, "%s", why.text);
        }
    }
    return WEFT_EREFUSED; /* The detail says whose roots are missing. */
}

/* NOD-340: what its proposer took back comes into force nowhere by itself: at the partner's by
 * nobody, here by operators alone. It is offered anew, and not again. */
static enum weft_err check_withdrawn(struct take *t)
{
    const struct weft_accord_row *row = t->k->accord != NULL ? &t->k->accord->row : NULL;
    const struct weft_digest *digest = &t->k->deed->contract.link.digest;
    bool is_ours = row != NULL && weft_offers_was_taken_back(row, digest);
    if (row == NULL || (!is_ours && (row->offer_end != WEFT_OFFER_WITHDRAWN ||
                                        !weft_digest_equal(&row->offer_digest, digest)))) {
        return WEFT_OK;
    }
    return is_ours && !t->k->is_linked && t->k->what == WEFT_AGREEMENTS_ACCEPTED
               ? WEFT_OK
               : blame(t, WEFT_STREAM_WITHDRAWN, WEFT_ESTATE,
                     is_ours ? "this site took that offer back: it is proposed anew"
                             : "the partner took that offer back");
}

/* NOD-190: the next version, between this site and a partner that is pinned. */
static enum weft_err judge_agreement(struct take *t)
{
    const struct weft_contract *next = &t->k->deed->contract;
    const struct weft_accord *accord = t->k->accord;
    const struct weft_deed *newest = accord != NULL ? accord->deeds[WEFT_ACCORD_NEWEST] : NULL;
    struct weft_org orgs[WEFT_CONTRACT_PARTIES];
    struct weft_contract again;
    struct weft_note note;
    t->k->party = weft_contract_party(next, t->s->site);
    if (t->k->party == WEFT_CONTRACT_NOBODY) {
        return blame(t, WEFT_STREAM_UNKNOWN, WEFT_EPEER, "this site is none of its parties");
    }
    const struct weft_text site = next->parties[1 - t->k->party].site;
    const struct weft_pinned *partner = weft_streams_pinned(t->s, site);
    if (partner == NULL || !partner->has_org) {
        t->k->blame = WEFT_STREAM_UNKNOWN;
        return weft_fail(
            t->detail, WEFT_ESTATE, "nothing is pinned of partner %.*s", (int)site.size, site.data);
    }
    orgs[t->k->party] = *weft_authority_org(t->place->authority);
    orgs[1 - t->k->party] = partner->org;
    enum weft_err err = weft_note_parse(weft_buffer_as_text(&t->k->deed->note), &note, t->detail);
    if (err == WEFT_OK) {
        /* What came by a link is in the other one. */
        struct weft_arena *arena = t->k->is_linked ? &t->s->again : &t->s->arena;
        weft_arena_reset(arena);
        err = weft_contract_accept(&note, newest != NULL ? &newest->contract : NULL, orgs,
            t->place->time_ns, arena, &again, &t->k->chain, t->detail);
        t->k->what = WEFT_AGREEMENTS_ACCEPTED;
        if (err == WEFT_EREFUSED && t->k->chain == WEFT_CHAIN_THRESHOLD) {
            err = check_offer(t, &note, orgs);
        }
    }
    return err == WEFT_OK ? check_withdrawn(t) : err;
}

static enum weft_err take_note(struct take *t, struct weft_text note)
{
    enum weft_err err = weft_deed_read(note, &t->k->deed, t->detail);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_text_equal(t->k->deed->contract.name, t->name)) {
        return fail(t, WEFT_EINVAL, "the note is of another agreement");
    }
    t->k->accord = weft_streams_accord(t->s, t->name);
    if (t->k->accord != NULL && t->k->accord->sent.provider.stream.phase == WEFT_STREAM_CLOSED) {
        return blame(
            t, WEFT_STREAM_ENDED, WEFT_ESTATE, "it has ended: a new agreement has a new name");
    }
    err = judge_agreement(t);
    return err == WEFT_OK ? weft_offers_find_place(t->s, t->place->time_ns, t->detail) : err;
}

static enum weft_err take_agreement(struct take *t)
{
    static const char *const paths[] = {"note", NULL};
    enum weft_err err = check_fields(t, paths);
    err = err == WEFT_OK ? read_name(t, WEFT_AGREEMENT_ASSET) : err;
    return err == WEFT_OK ? take_note(t, field(t->record, "note")) : err;
}

static enum weft_err accept_agreement(
    struct weft_streams *s, const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_accord *accord = s->checked.accord;
    enum weft_err err = accord == NULL ? weft_streams_add(s, s->checked.deed->contract.name,
                                             s->checked.place, &accord, msg)
                                       : WEFT_OK;
    if (err != WEFT_OK) {
        return err;
    }
    s->checked.accord = accord;
    accord->row.party = s->checked.party;
    if (s->checked.what == WEFT_AGREEMENTS_OFFER) {
        const struct weft_agreements_place at = {place->authority, place->index, place->time_ns};
        return weft_offers_keep(s, accord, &at, msg);
    }
    if (accord->row.offer.size > 0 && accord->row.offer_by != accord->row.party &&
        weft_digest_equal(&accord->row.offer_digest, &s->checked.deed->contract.link.digest)) {
        accord->row.shown_version = s->checked.deed->contract.link.version;
    }
    err = weft_streams_put_version(s, accord, s->checked.deed, place->batch, msg);
    if (err == WEFT_OK) {
        err = weft_exports_contracts(s, accord, place, msg);
    }
    weft_streams_recount(s);
    return err;
}

/* --- acts of operators ----------------------------------------------------------------------- */

/* Of the store and of the batch: how many are in quarantine there. */
static enum weft_err check_sent(struct take *t, enum weft_stream_leaf_kind kind)
{
    const struct weft_provider *p = &t->k->accord->sent.provider;
    const struct weft_stream_leaf leaf = {.kind = kind};
    if (weft_provider_is_fenced(p)) {
        return fail(t, WEFT_ESTATE, "the stream is fenced, behind what it has signed");
    }
    return weft_stream_admits(&p->stream, &leaf)
               ? WEFT_OK
               : fail(t, WEFT_ESTATE, "the stream is not as this act wants it");
}

static enum weft_err check_received(struct take *t, enum weft_consumer_hold hold)
{
    return t->k->accord->received.consumer.hold == hold
               ? WEFT_OK
               : fail(t, WEFT_ESTATE, "what is received is not as this act wants it");
}

static enum weft_err check_release(struct take *t)
{
    struct weft_text from = field(t->record, "from"), until = field(t->record, "until");
    uint64_t count = 0;
    if (!weft_text_exact_number(from, &t->k->from) ||
        !weft_text_exact_number(until, &t->k->until) || t->k->from > t->k->until) {
        return fail(t, WEFT_EINVAL, "release: sequences from and until");
    }
    enum weft_err err =
        weft_imports_quarantined(t->s, t->k->accord, t->k->from, t->k->until, &count, t->detail);
    if (err == WEFT_OK && count == 0) {
        err = fail(t, WEFT_ENOTFOUND, "nothing between them is in quarantine");
    }
    if (err == WEFT_OK && count > WEFT_IMPORTS_RELEASE_MAX) {
        err = weft_fail(
            t->detail, WEFT_ETOOBIG, "more than %d of them at once", (int)WEFT_IMPORTS_RELEASE_MAX);
    }
    return err;
}

/* FED-32: the head that is lost and what is left, by both names; judged on a copy. */
static enum weft_err check_lost(struct take *t)
{
    struct weft_agreements_checked *k = t->k;
    if (weft_lost_parse(field(t->record, "head"), &k->lost) != WEFT_OK ||
        weft_lost_parse(field(t->record, "base"), &k->base) != WEFT_OK) {
        return fail(t, WEFT_EINVAL, "head, base: SIZE sha256:ROOT, as the status has them");
    }
    if (k->order == WEFT_STREAM_ORDER_SUPERSEDE) {
        struct weft_consumer copy = k->accord->received.consumer;
        return weft_consumer_lose(&copy, &k->lost, &k->base, t->detail);
    }
    struct weft_provider copy = k->accord->sent.provider;
    return weft_provider_lose(
        &copy, &k->lost, &k->base, weft_flow_root, &k->accord->flows[WEFT_SENT], t->detail);
}

/* Of the stream that is sent: one field of the statement at `from`. */
static enum weft_err check_disclose(struct take *t)
{
    const struct weft_provider *p = &t->k->accord->sent.provider;
    const struct weft_exports_place at = {
        t->place->authority, t->place->index, t->place->time_ns, NULL};
    t->k->path = field(t->record, "path");
    if (!weft_text_exact_number(field(t->record, "from"), &t->k->from) || t->k->path.size == 0) {
        return fail(
            t, WEFT_EINVAL, "disclose: the statement's sequence as from, the field as path");
    }
    if (p->stream.phase == WEFT_STREAM_CLOSED || weft_provider_is_fenced(p)) {
        return fail(t, WEFT_ESTATE, "the stream has ended, or is fenced");
    }
    return weft_exports_may_disclose(t->s, t->k->accord, t->k->from, t->k->path, &at, t->detail);
}

/* Who made an offer takes it back, who was to sign it says no. */
static enum weft_err check_offer_act(struct take *t)
{
    const struct weft_accord *accord = t->k->accord;
    bool is_withdrawal = t->k->order == WEFT_STREAM_ORDER_WITHDRAW;
    if (accord == NULL || accord->row.offer.size == 0 ||
        accord->row.offer_end != WEFT_OFFER_STANDS) {
        return fail(t, WEFT_ENOTFOUND, "no such agreement is offered");
    }
    t->k->reason = field(t->record, "reason");
    if (is_withdrawal != (accord->row.offer_by == accord->row.party)) {
        return fail(t, WEFT_ESTATE,
            is_withdrawal ? "the offer is the partner's: it is declined, not withdrawn"
                          : "the offer is this site's: it is withdrawn, not declined");
    }
    return WEFT_OK;
}

static enum weft_err take_act(struct take *t)
{
    static const char *const paths[] = {
        "act", "base", "from", "head", "path", "until", "reason", NULL};
    enum weft_err err = check_fields(t, paths);
    err = err == WEFT_OK ? read_name(t, WEFT_AGREEMENT_ASSET) : err;
    if (err == WEFT_OK && !weft_stream_order_parse(field(t->record, "act"), &t->k->order)) {
        err = fail(t, WEFT_EINVAL,
            "act: suspend, resume, end, hold, unhold, unfreeze, release, lose, supersede, "
            "disclose, withdraw or decline");
    }
    if (err != WEFT_OK) {
        return err;
    }
    t->k->what = WEFT_AGREEMENTS_ACT;
    t->k->accord = weft_streams_accord(t->s, t->name);
    if (t->k->order == WEFT_STREAM_ORDER_WITHDRAW || t->k->order == WEFT_STREAM_ORDER_DECLINE) {
        return check_offer_act(t);
    }
    if (t->k->accord == NULL || t->k->accord->deeds[WEFT_ACCORD_NEWEST] == NULL) {
        return fail(t, WEFT_ENOTFOUND, "no such agreement");
    }
    switch (t->k->order) {
    case WEFT_STREAM_ORDER_SUSPEND:
        return check_sent(t, WEFT_STREAM_SUSPEND);
    case WEFT_STREAM_ORDER_RESUME:
        return check_sent(t, WEFT_STREAM_RESUME);
    case WEFT_STREAM_ORDER_END:
        return check_sent(t, WEFT_STREAM_END);
    case WEFT_STREAM_ORDER_HOLD:
        return t->k->accord->received.consumer.hold == WEFT_CONSUMER_FROZEN
                   ? check_received(t, WEFT_CONSUMER_TAKES)
                   : WEFT_OK;
    case WEFT_STREAM_ORDER_UNHOLD:
        return check_received(t, WEFT_CONSUMER_HELD);
    case WEFT_STREAM_ORDER_UNFREEZE:
        return check_received(t, WEFT_CONSUMER_FROZEN);
    case WEFT_STREAM_ORDER_RELEASE:
        return check_release(t);
    case WEFT_STREAM_ORDER_LOSE:
    case WEFT_STREAM_ORDER_SUPERSEDE:
        return check_lost(t);
    case WEFT_STREAM_ORDER_DISCLOSE:
        return check_disclose(t);
    case WEFT_STREAM_ORDER_WITHDRAW:
    case WEFT_STREAM_ORDER_DECLINE:
    case WEFT_STREAM_ORDERS:
        break;
    }
    weft_unreachable("NOD-190: an act");
}

static enum weft_err append_act(struct weft_streams *s, struct weft_accord *accord,
    enum weft_stream_leaf_kind kind, const struct weft_exports_place *place, struct weft_msg *msg)
{
    const struct weft_stream_leaf leaf = {.kind = kind};
    /* What is committed from here on is looked at behind the resume. */
    weft_accord_fall_behind(accord, place->index);
    return weft_exports_leaf(s, accord, &leaf, (struct weft_bytes){NULL, 0}, place, msg);
}

static enum weft_err accept_lost(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_exports_place *place, struct weft_msg *msg)
{
    const struct weft_agreements_checked *k = &s->checked;
    if (k->order == WEFT_STREAM_ORDER_SUPERSEDE) {
        weft_buffer_clear(&accord->received.head); /* What is left has no head that is kept. */
        return weft_consumer_lose(&accord->received.consumer, &k->lost, &k->base, msg);
    }
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    weft_accord_fall_behind(accord, place->index);
    return weft_provider_lose(
        &accord->sent.provider, &k->lost, &k->base, weft_flow_root, &accord->flows[WEFT_SENT], msg);
}

static enum weft_err accept_act(
    struct weft_streams *s, const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_accord *accord = s->checked.accord;
    struct weft_consumer *consumer = &accord->received.consumer;
    if (s->checked.order == WEFT_STREAM_ORDER_WITHDRAW ||
        s->checked.order == WEFT_STREAM_ORDER_DECLINE) {
        return weft_offers_end(s, accord,
            s->checked.order == WEFT_STREAM_ORDER_WITHDRAW ? WEFT_OFFER_WITHDRAWN
                                                           : WEFT_OFFER_DECLINED,
            s->checked.reason, place->time_ns, msg);
    }
    const uint32_t room = weft_imports_room(accord);
    weft_streams_touch_flow(s, accord, WEFT_RECEIVED);
    switch (s->checked.order) {
    case WEFT_STREAM_ORDER_SUSPEND:
        return append_act(s, accord, WEFT_STREAM_SUSPEND, place, msg);
    case WEFT_STREAM_ORDER_RESUME:
        return append_act(s, accord, WEFT_STREAM_RESUME, place, msg);
    case WEFT_STREAM_ORDER_END:
        return append_act(s, accord, WEFT_STREAM_END, place, msg);
    case WEFT_STREAM_ORDER_HOLD:
    case WEFT_STREAM_ORDER_UNHOLD:
    case WEFT_STREAM_ORDER_UNFREEZE:
        weft_consumer_hold(consumer, s->checked.order == WEFT_STREAM_ORDER_HOLD, room);
        return WEFT_OK;
    case WEFT_STREAM_ORDER_RELEASE:
        return weft_imports_release(s, accord, s->checked.from, s->checked.until, place, msg);
    case WEFT_STREAM_ORDER_LOSE:
    case WEFT_STREAM_ORDER_SUPERSEDE:
        return accept_lost(s, accord, place, msg);
    case WEFT_STREAM_ORDER_DISCLOSE:
        return weft_exports_disclose(s, accord, s->checked.from, s->checked.path, place, msg);
    case WEFT_STREAM_ORDER_WITHDRAW:
    case WEFT_STREAM_ORDER_DECLINE:
    case WEFT_STREAM_ORDERS:
        break;
    }
    weft_unreachable("NOD-190: an act");
}

/* --- the commit ------------------------------------------------------------------------------ */

static void forget(struct weft_agreements_checked *k)
{
    weft_pinned_release(k->pinned);
    weft_deed_release(k->deed);
    *k = (struct weft_agreements_checked){.what = WEFT_AGREEMENTS_NOTHING};
}

static enum weft_err take(struct take *t)
{
    struct weft_text kind = t->record->kind;
    return weft_text_is(kind, WEFT_PARTNER_KIND)     ? take_partner(t)
           : weft_text_is(kind, WEFT_AGREEMENT_KIND) ? take_agreement(t)
                                                     : take_act(t);
}

enum weft_err weft_agreements_judge(struct weft_streams *streams, struct weft_text name,
    struct weft_text note, const struct weft_agreements_place *place, struct weft_msg *detail)
{
    forget(&streams->checked);
    streams->checked.is_linked = true;
    if (weft_authority_org(place->authority) == NULL) {
        return weft_fail(detail, WEFT_ESTATE, "an ungoverned site has no agreements");
    }
    struct take t = {
        .s = streams, .k = &streams->checked, .place = place, .name = name, .detail = detail};
    return take_note(&t, note);
}

enum weft_err weft_agreements_check(struct weft_streams *streams, const struct weft_commit *commit,
    const struct weft_agreements_place *place, struct weft_refusal *ret_refusal,
    struct weft_msg *msg)
{
    struct weft_refusal *r = ret_refusal;
    uint32_t ours = 0, which = 0;
    r->err = WEFT_OK;
    r->pointer[0] = r->detail.text[0] = '\0';
    forget(&streams->checked);
    if (weft_authority_org(place->authority) == NULL) {
        return WEFT_OK;
    }
    for (uint32_t i = 0; i < commit->record_count; i++) {
        if (weft_agreements_is_kind(commit->records[i].kind)) {
            which = ours++ == 0 ? i : which;
        }
    }
    if (ours == 0) {
        return WEFT_OK;
    }
    struct take t = {.s = streams,
        .k = &streams->checked,
        .place = place,
        .record = &commit->records[which],
        .detail = &r->detail};
    enum weft_err err = commit->record_count > 1
                            ? fail(&t, WEFT_EINVAL, "a commit of such a record has no other")
                            : take(&t);
    r->err = err;
    if (err != WEFT_OK) {
        forget(&streams->checked);
        (void)snprintf(r->pointer, sizeof(r->pointer), "/records/%u/attrs%s", which,
            weft_text_is(t.record->kind, WEFT_AGREEMENT_KIND) ? "/note" : "");
        r->detail.text[weft_text_utf8_prefix(weft_text_of(r->detail.text))] = '\0';
    }
    /* What the process lacks, or the store, is no refusal. */
    if (err == WEFT_ENOMEM || err == WEFT_ECORRUPT || err == WEFT_EIO) {
        return weft_fail(msg, err, "judge a record of agreements: %s", r->detail.text);
    }
    return WEFT_OK;
}

enum weft_err weft_agreements_accept(struct weft_streams *streams,
    const struct weft_agreements_place *place, struct weft_store_batch *batch, struct weft_msg *msg)
{
    const struct weft_exports_place at = {place->authority, place->index, place->time_ns, batch};
    enum weft_err err = WEFT_OK;
    switch (streams->checked.what) {
    case WEFT_AGREEMENTS_NOTHING:
        return WEFT_OK;
    case WEFT_AGREEMENTS_PARTNER:
        err = accept_partner(streams, &at);
        break;
    case WEFT_AGREEMENTS_OFFER:
    case WEFT_AGREEMENTS_ACCEPTED:
        err = accept_agreement(streams, &at, msg);
        break;
    case WEFT_AGREEMENTS_ACT:
        err = accept_act(streams, &at, msg);
        weft_streams_recount(streams);
        break;
    }
    forget(&streams->checked);
    if (err == WEFT_OK) {
        err = weft_streams_refresh(streams, place->authority, msg);
    }
    return err == WEFT_OK ? err : weft_wrap(msg, err, "accept a record of agreements");
}
