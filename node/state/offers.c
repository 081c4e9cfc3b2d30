#include "node/state/offers.h"

#include "node/state/audit_acts.h"
#include "node/state/state.h"
#include "node/state/streams_parts.h"
#include "proto/check.h"

/* --- what was taken back --------------------------------------------------------------------- */

bool weft_offers_was_taken_back(const struct weft_accord_row *row, const struct weft_digest *digest)
{
    uint32_t i = 0;
    while (i < row->taken_back_count && !weft_digest_equal(&row->taken_back[i].digest, digest)) {
        i++;
    }
    return i < row->taken_back_count;
}

static uint32_t count_taken_back(const struct weft_accord_row *row, int64_t time_ns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < row->taken_back_count; i++) {
        count += row->taken_back[i].until_ns > time_ns ? 1 : 0;
    }
    return count;
}

/* What expired comes into force by nobody any more: times of entries only grow. */
static void forget_expired(
    struct weft_streams *streams, struct weft_accord_row *row, int64_t time_ns)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < row->taken_back_count; i++) {
        if (row->taken_back[i].until_ns > time_ns) {
            row->taken_back[left++] = row->taken_back[i];
        }
    }
    if (left < row->taken_back_count) {
        row->taken_back_count = left;
        weft_streams_stale(streams); /* They are in the terms. */
    }
}

/* --- where they stand ------------------------------------------------------------------------- */

/* Of agreements that were never in force: of one partner those that may be accepted yet, and in
 * all; the oldest of those that came to nothing. */
struct places {
    uint32_t standing, count;
    struct weft_accord *oldest, *oldest_of_all;
};

static void older(struct weft_accord **oldest, struct weft_accord *accord)
{
    if (*oldest == NULL || accord->row.offer_index < (*oldest)->row.offer_index) {
        *oldest = accord;
    }
}

static struct places count_places(
    const struct weft_streams *s, struct weft_text partner, int64_t time_ns)
{
    struct places found = {.count = 0};
    for (uint32_t i = 0; i < s->count; i++) {
        struct weft_accord *accord = s->accords[i];
        const struct weft_accord_row *row = &accord->row;
        bool is_his = weft_text_equal(weft_buffer_as_text(&row->offer_partner), partner);
        bool is_over = row->offer_end != WEFT_OFFER_STANDS || row->offer_until_ns <= time_ns;
        if (row->version > 0) {
            continue;
        }
        found.count += is_his ? 1 : 0;
        found.standing += is_his && !is_over ? 1 : 0;
        bool is_free = is_over && count_taken_back(row, time_ns) == 0;
        if (is_free) {
            older(&found.oldest_of_all, accord);
        }
        if (is_free && is_his) {
            older(&found.oldest, accord);
        }
    }
    return found;
}

/* NOD-341: there are so many places, and what came to nothing gives its own up: but not while an
 * own one that was taken back there could be signed yet. */
enum weft_err weft_offers_find_place(
    struct weft_streams *streams, int64_t time_ns, struct weft_msg *detail)
{
    struct weft_agreements_checked *k = &streams->checked;
    if (k->accord != NULL) {
        bool is_own = k->what == WEFT_AGREEMENTS_OFFER && k->offer_by == k->party;
        return !is_own || count_taken_back(&k->accord->row, time_ns) < WEFT_TAKEN_BACK_MAX
                   ? WEFT_OK
                   : weft_fail(detail, WEFT_ETOOBIG,
                         "%d offers of that name were taken back and have not expired yet",
                         (int)WEFT_TAKEN_BACK_MAX);
    }
    const struct places found =
        count_places(streams, k->deed->contract.parties[1 - k->party].site, time_ns);
    if (k->is_linked && k->what == WEFT_AGREEMENTS_OFFER &&
        found.standing >= WEFT_OFFERS_STANDING_MAX) {
        k->blame = WEFT_STREAM_FLOOD;
        return weft_fail(detail, WEFT_ETOOBIG, "%u offers wait here: one of them has to end first",
            found.standing);
    }
    k->place = streams->count == WEFT_AGREEMENTS_MAX ? found.oldest_of_all
               : found.count >= WEFT_OFFERS_MAX      ? found.oldest
                                                     : NULL;
    return k->place != NULL || streams->count < WEFT_AGREEMENTS_MAX
               ? WEFT_OK
               : weft_fail(detail, WEFT_ETOOBIG, "more than %d agreements", WEFT_AGREEMENTS_MAX);
}

enum weft_err weft_offers_keep(struct weft_streams *streams, struct weft_accord *accord,
    const struct weft_agreements_place *place, struct weft_msg *msg)
{
    const struct weft_agreements_checked *k = &streams->checked;
    const struct weft_contract *contract = &k->deed->contract;
    struct weft_accord_row *row = &accord->row;
    weft_accord_row_clear_offer(row);
    forget_expired(streams, row, place->time_ns);
    row->offer.size_max = WEFT_NOTE_SIZE_MAX;
    row->offer_partner.size_max = WEFT_STREAM_NAME_SIZE_MAX;
    row->offer_index = place->index;
    row->offer_by = k->offer_by;
    row->offer_until_ns = contract->link.expires_ns;
    row->offer_digest = contract->link.digest;
    enum weft_err err = weft_buffer_text(&row->offer, weft_buffer_as_text(&k->deed->note));
    if (err == WEFT_OK) {
        err = weft_buffer_text(&row->offer_partner, contract->parties[1 - k->party].site);
    }
    weft_streams_touch(streams, accord);
    return err == WEFT_OK ? err : weft_fail(msg, err, "keep an offer");
}

/* One line: it is shown as it stands. */
static enum weft_err keep_reason(struct weft_accord_row *row, struct weft_text reason)
{
    row->offer_reason.size_max = WEFT_OFFERS_REASON_SIZE_MAX;
    weft_buffer_clear(&row->offer_reason);
    if (reason.size > WEFT_OFFERS_REASON_SIZE_MAX) {
        reason.size = WEFT_OFFERS_REASON_SIZE_MAX;
        reason.size = weft_text_utf8_prefix(reason);
    }
    enum weft_err err = weft_buffer_text(&row->offer_reason, reason);
    if (err == WEFT_OK) {
        weft_text_blank(row->offer_reason.data, row->offer_reason.size);
    }
    return err;
}

enum weft_err weft_offers_end(struct weft_streams *streams, struct weft_accord *accord,
    enum weft_offer_end end, struct weft_text reason, int64_t time_ns, struct weft_msg *msg)
{
    struct weft_accord_row *row = &accord->row;
    forget_expired(streams, row, time_ns);
    if (end == WEFT_OFFER_WITHDRAWN && row->offer_by == row->party &&
        row->offer_until_ns > time_ns) {
        weft_assert(row->taken_back_count < WEFT_TAKEN_BACK_MAX); /* NOD-341: it left room */
        row->taken_back[row->taken_back_count++] =
            (struct weft_taken_back){row->offer_digest, row->offer_until_ns};
    }
    row->offer_end = (uint32_t)end;
    weft_streams_touch(streams, accord);
    weft_streams_stale(streams); /* What was taken back is in the terms. */
    enum weft_err err = keep_reason(row, reason);
    return err == WEFT_OK ? err : weft_fail(msg, err, "keep why an offer ended");
}

/* --- judging ---------------------------------------------------------------------------------- */

struct weft_text weft_offers_site(const struct weft_streams *streams)
{
    return streams->site;
}

static bool stands(const struct weft_accord_row *row)
{
    return row->offer.size > 0 && row->offer_end == WEFT_OFFER_STANDS;
}

static bool is_offered(const struct weft_accord_row *row, const struct weft_digest *digest)
{
    return row->offer.size > 0 && weft_digest_equal(&row->offer_digest, digest);
}

/* It is the partner's that waits. */
static bool is_his(const struct weft_accord_row *row, const struct weft_digest *digest)
{
    return stands(row) && is_offered(row, digest) && row->offer_by != row->party;
}

struct weft_offer_verdict weft_offers_look(
    const struct weft_streams *streams, const struct weft_partner_message *m)
{
    const struct weft_accord *accord = weft_streams_accord(streams, m->stream.agreement);
    struct weft_offer_verdict v = {.fault = WEFT_STREAM_SOUND};
    struct weft_note note;
    if (weft_note_parse(m->text, &note, &v.reason) != WEFT_OK) {
        return v;
    }
    v.digest = weft_sha256(note.text.data, note.text.size);
    if (accord != NULL) {
        const struct weft_deed *newest = accord->deeds[WEFT_ACCORD_NEWEST];
        bool is_in_force =
            newest != NULL && weft_digest_equal(&newest->contract.link.digest, &v.digest);
        v.is_known =
            is_in_force || (is_his(&accord->row, &v.digest) &&
                               weft_text_equal(m->text, weft_buffer_as_text(&accord->row.offer)));
    }
    return v;
}

static enum weft_stream_fault fault_of(const struct weft_agreements_checked *k, enum weft_err err)
{
    if (k->blame != WEFT_STREAM_SOUND) {
        return k->blame;
    }
    if (k->chain == WEFT_CHAIN_FREEZE) {
        return WEFT_STREAM_EXPIRED_CONTRACT;
    }
    if (err == WEFT_ECONFLICT) { /* A version that does not follow. */
        return WEFT_STREAM_SEQUENCE;
    }
    if (err == WEFT_EMALFORMED || err == WEFT_EINVAL || err == WEFT_EVERSION) {
        return WEFT_STREAM_MALFORMED;
    }
    /* Of other org documents, or by too few roots. */
    return err == WEFT_ETOOBIG ? WEFT_STREAM_TOO_BIG : WEFT_STREAM_UNSIGNED;
}

/* Another partner's waits under that name, and could be signed yet: it is not pushed out. */
static bool is_anothers(
    const struct weft_accord_row *row, const struct weft_partner_message *m, int64_t time_ns)
{
    return stands(row) && row->offer_until_ns > time_ns &&
           !weft_text_equal(weft_buffer_as_text(&row->offer_partner), m->stream.provider);
}

/* Of one that counts by its signatures. */
static enum weft_stream_fault weigh(const struct weft_agreements_checked *k,
    const struct weft_partner_message *m, int64_t time_ns, bool *ret_is_known, struct weft_msg *why)
{
    const struct weft_contract *contract = &k->deed->contract;
    const struct weft_accord_row *row = k->accord != NULL ? &k->accord->row : NULL;
    if (!weft_text_equal(contract->parties[1 - k->party].site, m->stream.provider)) {
        return weft_stream_fail(why, WEFT_STREAM_ORIGIN, "it is no agreement with who offers it");
    }
    if (k->what == WEFT_AGREEMENTS_ACCEPTED) {
        return WEFT_STREAM_SOUND;
    }
    if (k->offer_by == k->party) {
        return weft_stream_fail(
            why, WEFT_STREAM_UNSIGNED, "who offers it has not signed it by his roots");
    }
    if (row != NULL && row->offer_end == WEFT_OFFER_DECLINED &&
        is_offered(row, &contract->link.digest)) {
        return weft_stream_fail(why, WEFT_STREAM_DECLINED, "%.*s", (int)row->offer_reason.size,
            row->offer_reason.size > 0 ? (const char *)row->offer_reason.data : "");
    }
    /* With what has been signed here since, perhaps. */
    *ret_is_known = row != NULL && is_his(row, &contract->link.digest);
    if (row != NULL && is_anothers(row, m, time_ns)) {
        return weft_stream_fail(
            why, WEFT_STREAM_OUT_OF_TURN, "another site's offer waits under that name");
    }
    return row != NULL && stands(row) && row->offer_by == row->party
               ? weft_stream_fail(why, WEFT_STREAM_OUT_OF_TURN,
                     "an offer of this site waits under that name: one of the two is withdrawn")
               : WEFT_STREAM_SOUND;
}

static enum weft_err judge(struct weft_streams *s, const struct weft_partner_message *m,
    const struct weft_agreements_place *place, struct weft_offer_verdict *v)
{
    enum weft_err err = weft_agreements_judge(s, m->stream.agreement, m->text, place, &v->reason);
    if (err == WEFT_ENOMEM || err == WEFT_ECORRUPT || err == WEFT_EIO) {
        return err;
    }
    if (err == WEFT_OK) {
        v->fault = weigh(&s->checked, m, place->time_ns, &v->is_known, &v->reason);
    } else {
        const struct weft_msg why = v->reason;
        v->fault =
            weft_stream_fail(&v->reason, fault_of(&s->checked, err), "%s", (const char *)why.text);
    }
    return WEFT_OK;
}

enum weft_err weft_offers_judge(struct weft_state *state, const struct weft_partner_message *m,
    int64_t now_ns, struct weft_offer_verdict *ret_verdict)
{
    struct weft_streams *s = weft_state_streams(state);
    const struct weft_agreements_place place = {weft_state_authority(state), 0, now_ns};
    struct weft_offer_verdict v = weft_offers_look(s, m);
    enum weft_err err = v.is_known ? WEFT_OK : judge(s, m, &place, &v);
    *ret_verdict = v;
    return err;
}

/* The digest tells which one is meant, whatever was offered since. */
bool weft_offers_is_ended_by(
    const struct weft_streams *streams, const struct weft_partner_message *m)
{
    const struct weft_accord *accord = weft_streams_accord(streams, m->stream.agreement);
    const struct weft_accord_row *row = accord != NULL ? &accord->row : NULL;
    if (row == NULL || !stands(row) || !is_offered(row, &m->notice.offer) ||
        !weft_text_equal(weft_buffer_as_text(&row->offer_partner), m->stream.provider)) {
        return false;
    }
    return row->offer_by == row->party ? m->notice.fault == WEFT_STREAM_DECLINED
                                       : m->notice.fault == WEFT_STREAM_WITHDRAWN;
}

/* --- taking ----------------------------------------------------------------------------------- */

bool weft_offers_is_act(enum weft_stream_act act)
{
    return act == WEFT_STREAM_ACT_OFFER || act == WEFT_STREAM_ACT_OFFER_END;
}

static enum weft_err version_of(
    const struct weft_accord *accord, uint64_t *ret_version, struct weft_msg *msg)
{
    struct weft_deed *deed = NULL;
    enum weft_err err = weft_deed_read(weft_buffer_as_text(&accord->row.offer), &deed, msg);
    *ret_version = err == WEFT_OK ? deed->contract.link.version : 0;
    weft_deed_release(deed);
    return err;
}

static enum weft_err take_end(struct weft_streams *s, const struct weft_partner_message *m,
    int64_t time_ns, struct weft_offers_deed *ret_deed, struct weft_refusal *r,
    struct weft_msg *msg)
{
    if (!weft_offers_is_ended_by(s, m)) {
        r->err = weft_fail(&r->detail, WEFT_ENOTFOUND, "no such offer stands here");
        return WEFT_OK;
    }
    struct weft_accord *accord = weft_streams_accord(s, m->stream.agreement);
    bool is_declined = m->notice.fault == WEFT_STREAM_DECLINED;
    *ret_deed = (struct weft_offers_deed){
        .act = is_declined ? WEFT_AUDIT_ACT_DECLINED : WEFT_AUDIT_ACT_WITHDRAWN,
        .agreement = accord->row.name,
        .digest = accord->row.offer_digest};
    enum weft_err err = version_of(accord, &ret_deed->version, msg);
    return err == WEFT_OK ? weft_offers_end(s, accord,
                                is_declined ? WEFT_OFFER_DECLINED : WEFT_OFFER_WITHDRAWN,
                                m->notice.reason, time_ns, msg)
                          : err;
}

enum weft_err weft_offers_take(struct weft_streams *streams, const struct weft_stream_entry *entry,
    const struct weft_partner_message *message, const struct weft_agreements_place *place,
    struct weft_store_batch *batch, struct weft_offers_deed *ret_deed,
    struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    struct weft_offer_verdict v = {.fault = WEFT_STREAM_SOUND};
    if (entry->act == WEFT_STREAM_ACT_OFFER_END) {
        return take_end(streams, message, place->time_ns, ret_deed, ret_refusal, msg);
    }
    enum weft_err err = judge(streams, message, place, &v);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "judge an offer: %s", v.reason.text);
    }
    if (v.fault != WEFT_STREAM_SOUND || v.is_known) {
        ret_refusal->err = weft_fail(&ret_refusal->detail, WEFT_EREFUSED, "%s",
            v.is_known ? "it waits here already" : v.reason.text);
        return WEFT_OK;
    }
    const struct weft_contract *contract = &streams->checked.deed->contract;
    *ret_deed = (struct weft_offers_deed){.act = streams->checked.what == WEFT_AGREEMENTS_OFFER
                                                     ? WEFT_AUDIT_ACT_OFFERED
                                                     : WEFT_AUDIT_ACT_AGREED,
        .version = contract->link.version,
        .digest = contract->link.digest};
    err = weft_agreements_accept(streams, place, batch, msg);
    ret_deed->agreement = message->stream.agreement;
    return err;
}
