/* Items about streams (proto/stream_entry.h), and what commits mean to them. */
#include "node/state/apply_parts.h"
#include "node/state/imports.h"
#include "node/state/notice.h"
#include "node/state/offers.h"
#include "node/state/redact.h"
#include "proto/entry.h"
#include "proto/partner.h"

static struct weft_exports_place place_of(const struct weft_apply *a)
{
    return (struct weft_exports_place){
        weft_authorities_at(a->state->authorities, a->position.public.index),
        a->position.public.index, a->time_ns, a->state->batch};
}

/* The kind of message that the act carries; 0: none. */
static unsigned kind_of(enum weft_stream_act act)
{
    static const unsigned kinds[WEFT_STREAM_ACTS] = {
        [WEFT_STREAM_ACT_HEAD] = WEFT_KIND_STREAM_HEAD,
        [WEFT_STREAM_ACT_BATCH] = WEFT_KIND_STREAM_BATCH,
        [WEFT_STREAM_ACT_RECEIPT] = WEFT_KIND_STREAM_RECEIPT,
        [WEFT_STREAM_ACT_SURE] = WEFT_KIND_STREAM_HELLO,
        [WEFT_STREAM_ACT_FENCE] = WEFT_KIND_STREAM_HEAD,
        [WEFT_STREAM_ACT_RECOVER] = WEFT_KIND_STREAM_BATCH,
        [WEFT_STREAM_ACT_REFUSAL] = WEFT_KIND_STREAM_REFUSAL,
        [WEFT_STREAM_ACT_EVIDENCE] = WEFT_KIND_STREAM_EVIDENCE,
        [WEFT_STREAM_ACT_FILE] = WEFT_KIND_STREAM_BATCH,
        [WEFT_STREAM_ACT_OFFER] = WEFT_KIND_STREAM_OFFER,
        [WEFT_STREAM_ACT_OFFER_END] = WEFT_KIND_STREAM_NOTICE,
    };
    return kinds[act];
}

/* Of evidence, and of what is to be filed, the message says of which stream it is. */
static bool is_received(const struct weft_stream_entry *entry,
    const struct weft_partner_message *message, const struct weft_terms *terms)
{
    return entry->act == WEFT_STREAM_ACT_HEAD || entry->act == WEFT_STREAM_ACT_BATCH ||
           ((entry->act == WEFT_STREAM_ACT_EVIDENCE || entry->act == WEFT_STREAM_ACT_FILE) &&
               !weft_text_equal(message->stream.provider, terms->site));
}

/* An item that is looked at. */
struct item {
    struct weft_stream_entry entry;
    struct weft_partner_message message;
    struct weft_accord *accord;
    bool is_received; /* It is about what is received. */
};

static enum weft_err read_message(
    struct weft_apply *a, struct item *item, unsigned kind, struct weft_msg *detail)
{
    enum weft_err err =
        weft_partner_decode(item->entry.message, &a->state->streams->arena, &item->message, detail);
    return err == WEFT_OK && (unsigned)item->message.kind != kind
               ? weft_fail(detail, WEFT_EINVAL, "the act wants a message of another kind")
               : err;
}

/* Can it be read, by a node of this site, about an agreement that is in force, and is the message
 * of the stream that the act is about? */
static enum weft_err read_item(struct weft_apply *a, const struct weft_entry_item *entry_item,
    struct item *ret_item, struct weft_msg *detail)
{
    struct weft_streams *s = a->state->streams;
    struct weft_stream_entry *entry = &ret_item->entry;
    if (!weft_notice_is_node(entry_item->principal, s->site)) {
        return weft_fail(detail, WEFT_EREFUSED, "not by a node of the site");
    }
    enum weft_err err = weft_stream_entry_decode(entry_item->body, entry);
    if (err != WEFT_OK) {
        return weft_fail(detail, err, "not an item about a stream");
    }
    if (weft_offers_is_act(entry->act)) { /* Of what need not be there yet. */
        err = read_message(a, ret_item, kind_of(entry->act), detail);
        return err == WEFT_OK &&
                       !weft_text_equal(ret_item->message.stream.agreement, entry->agreement)
                   ? weft_fail(detail, WEFT_EPEER, "a message of another agreement")
                   : err;
    }
    ret_item->accord = weft_streams_accord(s, entry->agreement);
    if (ret_item->accord == NULL || ret_item->accord->deeds[WEFT_ACCORD_NEWEST] == NULL) {
        return weft_fail(detail, WEFT_ENOTFOUND, "no such agreement is in force");
    }
    const unsigned kind = kind_of(entry->act);
    if (kind == 0) {
        return entry->message.size == 0
                   ? WEFT_OK
                   : weft_fail(detail, WEFT_EMALFORMED, "an act without a message has one");
    }
    err = read_message(a, ret_item, kind, detail);
    const struct weft_terms *terms = weft_accord_terms(ret_item->accord);
    ret_item->is_received = is_received(entry, &ret_item->message, terms);
    struct weft_text provider = ret_item->is_received ? terms->partner : terms->site;
    if (err == WEFT_OK && (!weft_text_equal(ret_item->message.stream.agreement, terms->name) ||
                              !weft_text_equal(ret_item->message.stream.provider, provider))) {
        err = weft_fail(detail, WEFT_EPEER, "a message of another stream");
    }
    return err;
}

static enum weft_err carry_offer(struct weft_apply *a, const struct item *item,
    const struct weft_exports_place *at, struct weft_refusal *r)
{
    const struct weft_agreements_place place = {at->authority, at->index, at->time_ns};
    const struct weft_audit_acts acts = weft_apply_acts(a);
    struct weft_offers_deed deed = {.act = NULL};
    enum weft_err err = weft_offers_take(
        a->state->streams, &item->entry, &item->message, &place, at->batch, &deed, r, a->msg);
    return err == WEFT_OK && r->err == WEFT_OK ? weft_audit_acts_offer(&acts, &deed) : err;
}

static enum weft_err carry_out(
    struct weft_apply *a, const struct item *item, bool is_first, struct weft_refusal *r)
{
    struct weft_streams *s = a->state->streams;
    const struct weft_exports_place place = place_of(a);
    if (weft_offers_is_act(item->entry.act)) {
        return carry_offer(a, item, &place, r);
    }
    const struct weft_exports_source source = {a->state->models, &a->state->epochs};
    bool wants_store =
        item->entry.act == WEFT_STREAM_ACT_STEP || item->entry.act == WEFT_STREAM_ACT_REWIND;
    if (wants_store && (!is_first || !a->is_alone)) { /* NOD-194: the store has all before it. */
        r->err = weft_fail(&r->detail, WEFT_ESTATE, "such an item is the first of its entry");
        return WEFT_OK;
    }
    if (item->entry.act == WEFT_STREAM_ACT_STEP) {
        return weft_exports_step(s, item->accord, &source, &place, r, a->msg);
    }
    if (item->entry.act == WEFT_STREAM_ACT_FILE) {
        return weft_streams_refile(
            s, item->accord, &item->entry, &item->message, &place, r, a->msg);
    }
    return item->is_received
               ? weft_imports_take(s, item->accord, &item->entry, &item->message, &place, r, a->msg)
               : weft_exports_take(
                     s, item->accord, &item->entry, &item->message, &place, r, a->msg);
}

/* What it did to statements that were told again: into the audit log, and out of the files. */
static enum weft_err account(struct weft_apply *a)
{
    struct weft_streams *s = a->state->streams;
    const struct weft_audit_acts acts = weft_apply_acts(a);
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < s->note_count; i++) {
        err = weft_audit_acts_told(&acts, &s->notes[i]);
    }
    if (err == WEFT_OK && s->has_erased) {
        weft_redact_note(a->state->batch, a->position.public.index);
        a->state->redacted_index = a->position.public.index;
    }
    return err;
}

enum weft_err weft_apply_stream(struct weft_apply *a, const struct weft_entry_item *entry_item,
    struct weft_applied_item *item, bool *ret_done)
{
    struct weft_streams *s = a->state->streams;
    struct weft_refusal r = {.err = WEFT_OK};
    struct item read = {.accord = NULL};
    weft_arena_reset(&s->arena);
    a->principal = entry_item->principal;
    s->note_count = 0;
    s->has_erased = false;
    *ret_done = false;
    enum weft_err err = weft_streams_refresh(
        s, weft_authorities_at(a->state->authorities, a->position.public.index), a->msg);
    if (err != WEFT_OK) {
        return err;
    }
    r.err = read_item(a, entry_item, &read, &r.detail);
    if (r.err == WEFT_ENOMEM) {
        return weft_apply_no_memory(a);
    }
    if (r.err == WEFT_OK) {
        err = carry_out(a, &read, item->item == 0, &r);
    }
    if (err == WEFT_OK && r.err == WEFT_OK) {
        err = account(a);
    }
    if (err == WEFT_OK) {
        err = weft_streams_refresh(
            s, weft_authorities_at(a->state->authorities, a->position.public.index), a->msg);
    }
    if (err != WEFT_OK || r.err != WEFT_OK) {
        if (err == WEFT_OK) {
            r.detail.text[weft_text_utf8_prefix(weft_text_of(r.detail.text))] = '\0';
            weft_apply_refuse(a, item, r.err, r.detail.text, "", 0);
        }
        return err;
    }
    item->result.index = a->position.public.index;
    item->result.time_ns = a->time_ns;
    *ret_done = true;
    return WEFT_OK;
}

/* A record that was staged, into the streams that it belongs to. */
enum weft_err weft_apply_export(struct weft_apply *a, const struct weft_record *record,
    const struct weft_statement_place *place, const struct weft_statement *statement,
    uint64_t asset)
{
    const struct weft_exports_record exported = {
        record, *place, statement->digest, statement, asset};
    const struct weft_exports_place at = place_of(a);
    return weft_exports_record(a->state->streams, &exported, &at, a->msg);
}

enum weft_err weft_apply_erase(struct weft_apply *a, const struct weft_redacted *redacted)
{
    const struct weft_exports_place at = place_of(a);
    enum weft_err err = WEFT_OK;
    for (const struct weft_redacted_statement *s = redacted->statements;
         err == WEFT_OK && s != NULL; s = s->next) {
        err =
            weft_exports_erase(a->state->streams, &s->digest, s->paths, s->path_count, &at, a->msg);
    }
    return err;
}

/* Partners, agreements, acts of operators (node/state/agreements.h). */
enum weft_err weft_apply_check_agreement(struct weft_apply *a, const struct weft_commit *commit,
    struct weft_applied_item *item, bool *ret_ok)
{
    const struct weft_exports_place at = place_of(a);
    const struct weft_agreements_place place = {at.authority, at.index, at.time_ns};
    struct weft_refusal refusal = {.err = WEFT_OK};
    enum weft_err err = weft_streams_refresh(a->state->streams, at.authority, a->msg);
    if (err == WEFT_OK) {
        err = weft_agreements_check(a->state->streams, commit, &place, &refusal, a->msg);
    }
    *ret_ok = err == WEFT_OK && refusal.err == WEFT_OK;
    if (err == WEFT_OK && !*ret_ok) {
        weft_apply_refuse(a, item, refusal.err, refusal.detail.text, refusal.pointer, 0);
    }
    return err;
}

enum weft_err weft_apply_accept_agreement(struct weft_apply *a)
{
    const struct weft_exports_place at = place_of(a);
    const struct weft_agreements_place place = {at.authority, at.index, at.time_ns};
    a->state->streams->note_count = 0;
    a->state->streams->has_erased = false;
    enum weft_err err = weft_agreements_accept(a->state->streams, &place, at.batch, a->msg);
    return err == WEFT_OK ? account(a) : err;
}
