/* Partners and agreements, asked for as files beside the audit log's: AUDIT with one of these
 * paths.
 *
 *     partner                            agreements and partners: one line each
 *     partner/<name>                     an agreement, line by line
 *     partner/<name>/note, offer         the newest version that both have signed; what waits
 *     partner/<name>/audit               a comparison of what both sides have filed begins
 *     partner/<name>/sent/<file>         of the stream that is sent: checkpoint, receipt, tile/...,
 *                                        statement/..., contract/... (streams.h), items/<first>
 *     partner/<name>/received/<file>     the same of the other one, and quarantine/<first>
 *     partner/<name>/sent/evidence, received/evidence
 *                                        the newest proof against own keys, the partner's
 *
 * Of a side of which fewer keys are known here than have to sign, the list and the agreement have a
 * line "sent.warning" or "received.warning".
 *
 * The checkpoint of what is sent, and the receipt for what is received, come with the question: the
 * leader has them. Who may read the asset "agreement:<name>" may ask how it stands; who may export
 * it, for what is in its streams. */
#include <inttypes.h>
#include <stdio.h>

#include "node/state/exports.h"
#include "node/state/flow.h"
#include "node/state/machine.h"
#include "node/state/query_file.h"
#include "node/state/streams_parts.h"
#include "node/state/view.h"
#include "policy/document.h"
#include "proto/check.h"

enum {
    ITEMS_MAX = 1024, /* of one answer: as one batch */
    ITEMS_BYTES_MAX = 512 * 1024,
    QUARANTINE_MAX = 200, /* lines of one answer */
};

static const char stem[] = "partner";

/* One agreement, read from the view. */
struct found {
    uint32_t number;
    struct weft_accord_row row;
    struct weft_sent_row sent;
    struct weft_received_row received;
    char name[WEFT_CONTRACT_NAME_SIZE_MAX + 1];
};

struct asking {
    struct weft_view *view;
    const struct weft_query *query;
    struct weft_buffer out;
    struct weft_msg *msg;
    uint32_t left; /* Lines that may still come. */
};

static void close_found(struct found *f)
{
    weft_accord_row_destroy(&f->row);
    weft_buffer_destroy(&f->sent.receipt);
    weft_buffer_destroy(&f->received.head);
}

/* --- who may --------------------------------------------------------------------------------- */

/* Of a site, at a moment. */
struct asker {
    const struct weft_authority *authority;
    struct weft_text site;
    struct weft_text principal;
    int64_t time_ns;
};

/* Nodes of the organization, and whom the policy lets. */
static bool may_act(const struct asker *by, enum weft_policy_action action, struct weft_text name)
{
    struct weft_principal who;
    struct weft_policy_subject subject;
    struct weft_policy_decision decision;
    struct weft_text labels[WEFT_LABELS_MAX];
    const struct weft_authority *authority = by->authority;
    const struct weft_policy *policy = authority != NULL ? weft_authority_policy(authority) : NULL;
    const struct weft_org *org = authority != NULL ? weft_authority_org(authority) : NULL;
    char asset[sizeof(WEFT_AGREEMENT_ASSET) + WEFT_CONTRACT_NAME_SIZE_MAX];
    if (weft_principal_parse_uri(by->principal, &who, NULL) != WEFT_OK || policy == NULL ||
        org == NULL) {
        return false;
    }
    if (who.class == WEFT_PRINCIPAL_NODE && weft_text_is(org->org, who.org)) {
        return true;
    }
    (void)snprintf(asset, sizeof(asset), "%s%.*s", WEFT_AGREEMENT_ASSET, (int)name.size, name.data);
    weft_authority_subject(authority, &who, &subject);
    struct weft_policy_request request = weft_policy_request_at(by->site, action, by->time_ns);
    request.subject = &subject;
    request.kind = (struct weft_policy_fact){WEFT_FACT_GIVEN, WEFT_TEXT(WEFT_AGREEMENT_KIND)};
    weft_authority_ask_of(authority, weft_text_of(asset), labels, &request);
    weft_policy_decide(policy, &request, &decision);
    return decision.effect == WEFT_EFFECT_ALLOW;
}

static bool may(const struct asking *a, enum weft_policy_action action, struct weft_text name)
{
    const struct asker by = {a->view->authority, weft_buffer_as_text(&a->view->state->authority),
        a->query->principal, a->view->time_ns};
    return may_act(&by, action, name);
}

bool weft_state_may_share(struct weft_state *state, struct weft_text principal,
    struct weft_text agreement, int64_t now_ns)
{
    const struct asker by = {
        weft_state_authority(state), weft_buffer_as_text(&state->authority), principal, now_ns};
    return may_act(&by, WEFT_ACTION_SHARE, agreement);
}

/* --- finding --------------------------------------------------------------------------------- */

static enum weft_err damaged(struct asking *a, enum weft_err err)
{
    return err == WEFT_OK || err == WEFT_ENOMEM || err == WEFT_EIO
               ? err
               : weft_fail(a->msg, WEFT_ECORRUPT, "an agreement in the state is damaged");
}

static enum weft_err read_row(struct asking *a, struct found *f, enum weft_direction direction)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_of_stream(WEFT_KEY_STREAM, f->number, direction);
    enum weft_err err = weft_store_get(a->view->store, a->view->snapshot, &key, &value, a->msg);
    if (err == WEFT_OK) {
        err = direction == WEFT_SENT ? weft_sent_row_decode(value.bytes, &f->sent)
                                     : weft_received_row_decode(value.bytes, &f->received);
    }
    weft_store_release(&value);
    /* Of one that was offered and was never in force there is none. */
    return err == WEFT_ENOTFOUND ? WEFT_OK : damaged(a, err);
}

static enum weft_err read_streams(struct asking *a, struct found *f)
{
    enum weft_err err = read_row(a, f, WEFT_SENT);
    return err == WEFT_OK ? read_row(a, f, WEFT_RECEIVED) : err;
}

/* Calls `on_found` for each, in the order of their numbers, until it has no more. */
static enum weft_err each(
    struct asking *a, enum weft_err (*on_found)(struct asking *, struct found *, void *), void *ctx)
{
    const struct weft_key first = {.size = 1, .bytes = {WEFT_KEY_AGREEMENT}};
    struct weft_store_walk *walk = weft_store_walk_create(a->view->store, a->view->snapshot, false);
    enum weft_err err = WEFT_OK;
    if (walk == NULL) {
        return weft_fail(a->msg, WEFT_ENOMEM, "list agreements");
    }
    weft_store_walk_to(walk, &first);
    while (err == WEFT_OK && weft_store_walk_is_below(walk, (struct weft_bytes){first.bytes, 1})) {
        struct found f = {.number = 0};
        struct weft_bytes key = weft_store_walk_key(walk);
        err = key.size == WEFT_KEY_AGREEMENT_SIZE
                  ? weft_accord_row_decode(weft_store_walk_value(walk), &f.row)
                  : WEFT_ECORRUPT;
        err = damaged(a, err);
        if (err == WEFT_OK) {
            f.number = weft_get_be32(key.data + 1);
            (void)snprintf(f.name, sizeof(f.name), "%.*s", (int)f.row.name.size, f.row.name.data);
            f.row.name = weft_text_of(f.name);
            err = on_found(a, &f, ctx);
        }
        close_found(&f);
        weft_store_walk_next(walk);
    }
    if (err == WEFT_OK) {
        err = weft_store_walk_err(walk, a->msg);
    }
    weft_store_walk_destroy(walk);
    return err;
}

/* The note of a version; 0: the offer. */
static enum weft_err read_note(
    struct asking *a, const struct found *f, uint64_t version, struct weft_buffer *out)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key =
        weft_key_of_number(WEFT_KEY_VERSION_NOTE, f->number, (uint32_t)version);
    if (version == 0) {
        return weft_buffer_append(out, f->row.offer.data, f->row.offer.size);
    }
    enum weft_err err = weft_store_get(a->view->store, a->view->snapshot, &key, &value, a->msg);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, value.bytes.data, value.bytes.size);
    }
    weft_store_release(&value);
    return damaged(a, err);
}

/* --- how it stands --------------------------------------------------------------------------- */

static const char *phase_name(enum weft_stream_phase phase)
{
    static const char *const names[WEFT_STREAM_PHASES] = {"new", "open", "suspended", "closed"};
    return names[phase];
}

static const char *hold_name(enum weft_consumer_hold hold)
{
    static const char *const names[] = {[WEFT_CONSUMER_TAKES] = "takes",
        [WEFT_CONSUMER_FULL] = "full",
        [WEFT_CONSUMER_HELD] = "held",
        [WEFT_CONSUMER_FROZEN] = "frozen"};
    return names[hold];
}

/* What became of the offer; one that runs out is over by itself. */
static const char *offer_name(const struct asking *a, const struct found *f)
{
    static const char *const ends[WEFT_OFFER_ENDS] = {
        [WEFT_OFFER_WITHDRAWN] = "withdrawn", [WEFT_OFFER_DECLINED] = "declined"};
    if (f->row.offer_end != WEFT_OFFER_STANDS) {
        return ends[f->row.offer_end];
    }
    return f->row.offer_until_ns <= a->view->time_ns ? "expired" : "offered";
}

static const char *state_name(const struct asking *a, const struct found *f)
{
    if (f->row.version == 0) {
        return offer_name(a, f);
    }
    switch (f->sent.provider.stream.phase) {
    case WEFT_STREAM_NEW:
    case WEFT_STREAM_OPEN:
        return "in-force";
    case WEFT_STREAM_SUSPENDED:
        return "suspended";
    case WEFT_STREAM_CLOSED:
        return "ended";
    case WEFT_STREAM_PHASES:
        break;
    }
    weft_unreachable("FED-7: a phase");
}

/* Parties, of the newest version or of the offer. */
static enum weft_err put_parties(struct asking *a, const struct found *f, const char *format)
{
    struct weft_arena arena = {.size_max = WEFT_CONTRACT_MEMORY_MAX};
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_note note;
    struct weft_contract contract;
    enum weft_err err = read_note(a, f, f->row.version, &bytes);
    if (err == WEFT_OK) {
        err = weft_note_parse(weft_buffer_as_text(&bytes), &note, a->msg);
    }
    if (err == WEFT_OK) {
        err = weft_contract_decode(note.text, &arena, &contract, a->msg);
    }
    if (err == WEFT_OK) {
        const struct weft_text us = contract.parties[f->row.party].site;
        const struct weft_text them = contract.parties[1 - f->row.party].site;
        err = weft_buffer_format(
            &a->out, "%.*s%s%.*s\n", (int)us.size, us.data, format, (int)them.size, them.data);
    }
    weft_buffer_destroy(&bytes);
    weft_arena_destroy(&arena);
    return damaged(a, err);
}

static enum weft_err put_head(
    struct asking *a, const char *key, const struct weft_merkle_head *head)
{
    char root[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&head->root, root);
    return head->size == 0
               ? weft_buffer_format(&a->out, "%s 0\n", key)
               : weft_buffer_format(&a->out, "%s %" PRIu64 " %s\n", key, head->size, root);
}

static enum weft_err put_lost(struct asking *a, const char *key, const struct weft_lost *lost)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < lost->count; i++) {
        err = put_head(a, key, &lost->heads[i]);
    }
    return err;
}

static enum weft_err put_time(struct asking *a, const char *key, int64_t ns)
{
    char text[WEFT_DOCUMENT_TIME_TEXT_SIZE];
    if (ns == 0) {
        return WEFT_OK;
    }
    weft_document_format_time(ns, text);
    return weft_buffer_format(&a->out, "%s %s\n", key, text);
}

static enum weft_err put_sent(struct asking *a, const struct weft_sent_row *s)
{
    const struct weft_provider *p = &s->provider;
    const struct weft_merkle_head tree = weft_stream_tree(&p->stream);
    enum weft_err err = put_head(a, "sent.size", &tree);
    if (err == WEFT_OK) {
        err = weft_buffer_format(&a->out,
            "sent.phase %s\nsent.version %" PRIu64 "\nsent.statements %" PRIu64
            "\nsent.refused %" PRIu64 "\nsent.omitted %" PRIu64 "\nsent.fenced %s\n",
            phase_name(p->stream.phase), p->stream.version, p->stream.statement_count,
            s->refused_count, s->omitted_count, weft_provider_is_fenced(p) ? "yes" : "no");
    }
    if (err == WEFT_OK && s->evidence_count > 0) {
        err = weft_buffer_format(&a->out, "sent.evidence %" PRIu32 "\n", s->evidence_count);
    }
    if (err == WEFT_OK && s->looked_index != UINT64_MAX) {
        err = weft_buffer_format(&a->out, "sent.looked %" PRIu64 "\n", s->looked_index);
    }
    if (err == WEFT_OK && s->owes_assets) {
        err = weft_buffer_text(&a->out, WEFT_TEXT("sent.owes-assets yes\n"));
    }
    if (err == WEFT_OK) {
        err = put_head(a, "sent.signed", &p->signed_head);
    }
    if (err == WEFT_OK) {
        err = put_head(a, "sent.acknowledged", &p->receipt);
    }
    if (err == WEFT_OK && weft_provider_is_behind(p)) {
        err = put_head(a, "sent.fence", &p->fence);
    }
    if (err == WEFT_OK && p->rival.size > 0) {
        err = put_head(a, "sent.split", &p->rival);
    }
    if (err == WEFT_OK) {
        err = put_lost(a, "sent.lost", &p->lost);
    }
    return err == WEFT_OK ? put_time(a, "sent.receipt-at", s->receipt_ns) : err;
}

static enum weft_err put_received(struct asking *a, const struct weft_received_row *r)
{
    const struct weft_consumer *c = &r->consumer;
    const struct weft_merkle_head tree = weft_stream_tree(&c->stream);
    char contract[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&c->stream.contract, contract);
    enum weft_err err = put_head(a, "received.size", &tree);
    if (err == WEFT_OK) {
        err = weft_buffer_format(&a->out,
            "received.phase %s\nreceived.version %" PRIu64 " %s\nreceived.statements %" PRIu64
            "\nreceived.claims %" PRIu64 "\nreceived.hold %s\nreceived.quarantine %" PRIu32 "\n",
            phase_name(c->stream.phase), c->stream.version, contract, c->stream.statement_count,
            r->claim_count, hold_name(c->hold), c->quarantined);
    }
    if (err == WEFT_OK) {
        err = put_head(a, "received.head", &c->head);
    }
    if (err == WEFT_OK) {
        err = put_lost(a, "received.lost", &c->lost);
    }
    return err == WEFT_OK ? put_time(a, "received.batch-at", r->batch_ns) : err;
}

/* Keys that are known of a site, but for former ones. */
static enum weft_err count_keys(struct asking *a, struct weft_text site, uint32_t *ret_count)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_pinned *pinned = NULL;
    const struct weft_key key = weft_key_of_partner(site);
    *ret_count = 0;
    enum weft_err err = weft_store_get(a->view->store, a->view->snapshot, &key, &value, a->msg);
    if (err == WEFT_OK) {
        err = weft_pinned_decode(site, value.bytes, &pinned, a->msg);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < pinned->key_count; i++) {
        *ret_count += pinned->ends[i].size == 0 ? 1 : 0;
    }
    weft_pinned_release(pinned);
    weft_store_release(&value);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

/* A side of which fewer keys are known here than its heads and receipts want: none ever counts. */
static enum weft_err put_warnings(struct asking *a, struct found *f)
{
    struct weft_buffer note = {.size_max = WEFT_NOTE_SIZE_MAX + 1};
    struct weft_deed *deed = NULL;
    enum weft_err err = f->row.version > 0 ? read_note(a, f, f->row.version, &note) : WEFT_OK;
    if (err == WEFT_OK && f->row.version > 0) {
        err = weft_deed_read(weft_buffer_as_text(&note), &deed, a->msg);
    }
    for (uint32_t i = 0; err == WEFT_OK && deed != NULL && i < WEFT_CONTRACT_PARTIES; i++) {
        const struct weft_text site = deed->contract.parties[i].site;
        const uint32_t wanted = deed->contract.sides[i].threshold;
        uint32_t count;
        err = count_keys(a, site, &count);
        if (err == WEFT_OK && count < wanted) {
            err = weft_buffer_format(&a->out,
                "%s.warning %s: keys of %.*s: %" PRIu32 " known here, %" PRIu32
                " have to sign: nothing of its counts before weft partner add --keys\n",
                i == f->row.party ? "sent" : "received", f->name, (int)site.size, site.data, count,
                wanted);
        }
    }
    weft_deed_release(deed);
    weft_buffer_destroy(&note);
    return err;
}

/* Whose it is, what it is, until when it may be signed; why it is over. */
static enum weft_err put_offer(struct asking *a, const struct found *f)
{
    const struct weft_accord_row *row = &f->row;
    struct weft_deed *deed = NULL;
    char digest[WEFT_DIGEST_TEXT_SIZE], until[WEFT_DOCUMENT_TIME_TEXT_SIZE];
    if (row->offer.size == 0) {
        return WEFT_OK;
    }
    enum weft_err err = weft_deed_read(weft_buffer_as_text(&row->offer), &deed, a->msg);
    if (err == WEFT_OK) {
        const struct weft_contract *c = &deed->contract;
        const struct weft_text by = c->parties[row->offer_by].site;
        weft_digest_format(&row->offer_digest, digest);
        weft_document_format_time(row->offer_until_ns, until);
        err = weft_buffer_format(&a->out,
            "offer.state %s\noffer.by %.*s\noffer.version %" PRIu64 " %s\noffer.index %" PRIu64
            "\noffer.until %s\n",
            offer_name(a, f), (int)by.size, by.data, c->link.version, digest, row->offer_index,
            until);
    }
    if (err == WEFT_OK && row->offer_reason.size > 0) {
        err = weft_buffer_format(&a->out, "offer.reason %.*s\n", (int)row->offer_reason.size,
            (const char *)row->offer_reason.data);
    }
    weft_deed_release(deed);
    return damaged(a, err);
}

static enum weft_err put_state(struct asking *a, struct found *f)
{
    enum weft_err err = read_streams(a, f);
    bool stands = f->row.offer.size > 0 && f->row.offer_end == WEFT_OFFER_STANDS;
    if (err == WEFT_OK) {
        err = weft_buffer_format(&a->out,
            "agreement %s\nstate %s\nversion %" PRIu64 "\noffer %s\nparties ", f->name,
            state_name(a, f), f->row.version, stands ? "yes" : "no");
    }
    if (err == WEFT_OK) {
        err = put_parties(a, f, " ");
    }
    err = err == WEFT_OK ? put_offer(a, f) : err;
    if (err == WEFT_OK) {
        err = put_sent(a, &f->sent);
    }
    err = err == WEFT_OK ? put_received(a, &f->received) : err;
    return err == WEFT_OK ? put_warnings(a, f) : err;
}

/* Whose offer waits, or what became of the last one. */
static const char *offer_word(const struct asking *a, const struct found *f)
{
    const char *name = offer_name(a, f);
    if (f->row.offer.size == 0) {
        return "-";
    }
    return strcmp(name, "offered") != 0      ? name
           : f->row.offer_by == f->row.party ? "own"
                                             : "partner";
}

/* agreement NAME STATE VERSION OFFER SENT ACKNOWLEDGED RECEIVED KNOWN QUARANTINE HOLD US THEM */
static enum weft_err put_line(struct asking *a, struct found *f, void *ctx)
{
    (void)ctx;
    if (!may(a, WEFT_ACTION_READ, f->row.name)) {
        return WEFT_OK;
    }
    enum weft_err err = read_streams(a, f);
    if (err == WEFT_OK) {
        const struct weft_consumer *c = &f->received.consumer;
        err = weft_buffer_format(&a->out,
            "agreement %s %s %" PRIu64 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
            " %" PRIu32 " %s ",
            f->name, state_name(a, f), f->row.version, offer_word(a, f),
            f->sent.provider.stream.tree.size, f->sent.provider.receipt.size, c->stream.tree.size,
            c->head.size, c->quarantined, hold_name(c->hold));
    }
    err = err == WEFT_OK ? put_parties(a, f, " ") : err;
    return err == WEFT_OK ? put_warnings(a, f) : err;
}

/* --- files ----------------------------------------------------------------------------------- */

static enum weft_err put_refused(void *ctx, const struct weft_received *r, struct weft_msg *msg)
{
    struct asking *a = ctx;
    char digest[WEFT_DIGEST_TEXT_SIZE], time[WEFT_DOCUMENT_TIME_TEXT_SIZE];
    if (a->left == 0) {
        return WEFT_OK;
    }
    a->left--;
    weft_digest_format(&r->statement, digest);
    weft_document_format_time(r->time_ns, time);
    enum weft_err err =
        weft_buffer_format(&a->out, "%" PRIu64 " %s %s %s %.*s\n", r->sequence, digest,
            weft_stream_fault_name((unsigned)r->fault), time, (int)r->reason.size, r->reason.data);
    return err == WEFT_OK ? err : weft_fail(msg, err, "list what is in quarantine");
}

/* "STEM<number>". */
static bool is_numbered(struct weft_text path, const char *what, uint64_t *ret_number)
{
    const size_t size = strlen(what);
    return weft_text_starts(path, what) &&
           weft_text_exact_number(
               (struct weft_text){path.data + size, path.size - size}, ret_number);
}

static enum weft_err put_kept(struct asking *a, struct weft_text note, const char *what)
{
    return note.size > 0 ? weft_buffer_text(&a->out, note)
                         : weft_fail(a->msg, WEFT_ENOTFOUND, "there is no %s yet", what);
}

/* The newest proof against own keys, or the partner's. */
static enum weft_err put_evidence(
    struct asking *a, const struct found *f, enum weft_direction direction)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_of_number(
        WEFT_KEY_REFUSAL, f->number, WEFT_EXPORTS_KEPT_MAX + (uint32_t)direction);
    enum weft_err err = weft_store_get(a->view->store, a->view->snapshot, &key, &value, a->msg);
    if (err == WEFT_OK || err == WEFT_ENOTFOUND) {
        const struct weft_text text = {(const char *)value.bytes.data, value.bytes.size};
        err = put_kept(a, err == WEFT_OK ? text : (struct weft_text){NULL, 0}, "evidence");
    }
    weft_store_release(&value);
    return err;
}

static enum weft_err put_file(
    struct asking *a, struct found *f, enum weft_direction direction, struct weft_text path)
{
    struct weft_stream_source source;
    uint64_t number = 0;
    uint32_t count = 0;
    const bool is_sent = direction == WEFT_SENT;
    enum weft_err err = read_streams(a, f);
    if (err == WEFT_OK && weft_text_is(path, "checkpoint")) {
        return put_kept(a, is_sent ? a->query->where_value : weft_buffer_as_text(&f->received.head),
            "signed head");
    }
    if (err == WEFT_OK && weft_text_is(path, "receipt")) {
        return put_kept(
            a, is_sent ? weft_buffer_as_text(&f->sent.receipt) : a->query->where_value, "receipt");
    }
    if (err == WEFT_OK && weft_text_is(path, "evidence")) {
        return put_evidence(a, f, direction);
    }
    if (err == WEFT_OK) {
        err = weft_view_stream_source(a->view, f->number, direction, &source, a->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (is_numbered(path, "items/", &number)) {
        return weft_stream_source_items(
            &source, number, ITEMS_MAX, ITEMS_BYTES_MAX, true, &a->out, &count, a->msg);
    }
    if (is_numbered(path, "quarantine/", &number)) {
        a->left = QUARANTINE_MAX;
        return weft_stream_source_quarantine(&source, number, put_refused, a, a->msg);
    }
    return weft_stream_source_file(&source, source.size, path, &a->out, a->msg);
}

/* --- the question ---------------------------------------------------------------------------- */

/* Of one agreement. */
struct sought {
    struct weft_text name;
    struct weft_text rest;
    bool is_found;
};

static enum weft_err answer_one(struct asking *a, struct found *f, struct weft_text path)
{
    struct weft_text rest = path, word;
    bool has_more = weft_text_cut(&rest, '/', &word);
    if (path.size == 0) {
        enum weft_err err = put_state(a, f);
        return err == WEFT_OK ? weft_buffer_text(&a->out, a->query->where_value) : err;
    }
    if (!has_more && weft_text_is(word, "note")) {
        return f->row.version > 0 ? read_note(a, f, f->row.version, &a->out)
                                  : weft_fail(a->msg, WEFT_ENOTFOUND, "nothing is in force");
    }
    if (!has_more && weft_text_is(word, "offer")) {
        return put_kept(a, weft_buffer_as_text(&f->row.offer), "offer");
    }
    if (!has_more && weft_text_is(word, "audit")) {
        return may(a, WEFT_ACTION_SHARE, f->row.name)
                   ? weft_buffer_text(&a->out, a->query->where_value)
                   : weft_fail(
                         a->msg, WEFT_EREFUSED, "to share agreement:%s is not permitted", f->name);
    }
    bool is_sent = weft_text_is(word, "sent");
    if (!has_more || !(is_sent || weft_text_is(word, "received"))) {
        return weft_fail(a->msg, WEFT_EINVAL,
            "behind partner/<name>: note, offer, audit, sent/<file> or received/<file>");
    }
    if (!may(a, WEFT_ACTION_EXPORT, f->row.name)) {
        return weft_fail(a->msg, WEFT_EREFUSED,
            "to export agreement:%s is not permitted: what is in its streams", f->name);
    }
    return put_file(a, f, is_sent ? WEFT_SENT : WEFT_RECEIVED, rest);
}

static enum weft_err on_each(struct asking *a, struct found *f, void *ctx)
{
    struct sought *s = ctx;
    if (s->is_found || !weft_text_equal(f->row.name, s->name)) {
        return WEFT_OK;
    }
    s->is_found = may(a, WEFT_ACTION_READ, s->name); /* Otherwise as if there were none. */
    return s->is_found ? answer_one(a, f, s->rest) : WEFT_OK;
}

static enum weft_err answer(struct asking *a, struct weft_text path)
{
    struct weft_text rest = path, word;
    struct sought sought = {.rest = {"", 0}};
    if (!weft_text_cut(&rest, '/', &word)) {
        return each(a, put_line, NULL);
    }
    if (!weft_text_cut(&rest, '/', &sought.name)) {
        rest = (struct weft_text){"", 0};
    }
    sought.rest = rest;
    enum weft_err err = each(a, on_each, &sought);
    return err == WEFT_OK && !sought.is_found
               ? weft_fail(a->msg, WEFT_ENOTFOUND, "no agreement of that name")
               : err;
}

bool weft_state_is_partner_path(struct weft_text path)
{
    return weft_query_file_is(path, stem);
}

enum weft_err weft_query_partner(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    struct asking a = {
        .view = view, .query = query, .out = {.size_max = WEFT_ANSWER_SIZE_MAX - 1024}, .msg = msg};
    enum weft_err err = answer(&a, query->asset);
    err = weft_query_file_end(view, err, &a.out, arena, ret_answer, msg);
    weft_buffer_destroy(&a.out);
    return err;
}
