/* What of a view whoever asks may see: node/state/README.md, Reading. */
#include "node/mutant.h"
#include "node/state/machine.h"
#include "node/state/redaction.h"
#include "node/state/view.h"
#include "policy/warrant.h"
#include "proto/arith.h"
#include "proto/digest.h"
#include "proto/packed.h"

/* --- who asks -------------------------------------------------------------------------------- */

/* NOD-18: a key that was revoked, or a note that ran out, between the door and the view. */
static bool is_warranted(const struct weft_view *view, const struct weft_query *q, int64_t time_ns)
{
    return !q->has_warrant || weft_node_mutant(WEFT_NODE_MUTANT_REVOKED_KNOWN) ||
           weft_warrant_check(&q->warrant, q->principal, weft_authority_keyring(view->authority),
               view->index, time_ns, NULL) == WEFT_OK;
}

/* Who asks, and what may be told: kept in the view for the next question of the same. */
enum weft_err weft_run_find_reveal(struct weft_run *run)
{
    struct weft_view *view = run->view;
    const struct weft_query *q = run->query;
    if (view->authority == NULL || weft_authority_org(view->authority) == NULL) {
        return WEFT_OK;
    }
    const struct weft_asker asker = {.authority = view->authority,
        .site = {(const char *)view->state->authority.data, view->state->authority.size},
        .principal = q->principal,
        .action = q->type == WEFT_QUERY_COMMITS ? WEFT_ACTION_SUBSCRIBE : WEFT_ACTION_READ,
        .time_ns = q->now_ns != 0 ? q->now_ns : view->time_ns};
    if (!is_warranted(view, q, asker.time_ns)) {
        return weft_fail(run->msg, WEFT_EREFUSED, "not authorized any more: a new token is needed");
    }
    if (view->reveal != NULL && !weft_reveal_is_for(view->reveal, &asker)) {
        weft_reveal_destroy(view->reveal);
        view->reveal = NULL;
    }
    enum weft_err rv =
        view->reveal != NULL ? WEFT_OK : weft_reveal_create(&asker, &view->reveal, run->msg);
    run->reveal = rv == WEFT_OK && !weft_reveal_shows_all(view->reveal) ? view->reveal : NULL;
    return rv;
}

/* Leaves hold no content; what they commit to has some: NOD-170. */
enum weft_err weft_run_may_see_audit(struct weft_run *run)
{
    const struct weft_text asset = WEFT_TEXT(WEFT_AUDIT_ASSET);
    if (!weft_text_starts(run->query->asset, "evidence/")) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_run_find_reveal(run);
    if (rv != WEFT_OK || run->reveal == NULL ||
        weft_reveal_is_permitted(run->reveal, WEFT_TEXT(WEFT_AUDIT_KIND), asset) ||
        weft_node_mutant(WEFT_NODE_MUTANT_EVIDENCE_UNFILTERED)) {
        return rv;
    }
    return weft_reveal_refuse(run->reveal, asset, run->view->index, run->msg);
}

/* Where nothing is governed, labels say nothing. */
void weft_run_begin_tally(struct weft_run *run)
{
    struct weft_view *view = run->view;
    bool is_governed = view->authority != NULL && weft_authority_org(view->authority) != NULL;
    weft_labels_begin(&view->tally, is_governed ? weft_authority_labels(view->authority) : NULL);
}

void weft_view_report(const struct weft_view *view, const struct weft_query *query,
    struct weft_read_report *ret_report)
{
    weft_labels_report(&view->tally,
        query->type == WEFT_QUERY_COMMITS ? WEFT_READ_ACT_SUBSCRIBE : WEFT_READ_ACT_READ,
        ret_report);
}

/* NOD-173: whoever may not see all of an asset is not told whether there is such a one. */
enum weft_err weft_run_be_opaque(struct weft_run *run)
{
    const struct weft_query *q = run->query;
    const struct weft_text assets[] = {q->asset, q->machine, q->part};
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
        if (assets[i].size > 0 && !weft_reveal_knows(run->reveal, assets[i])) {
            return weft_reveal_refuse(run->reveal, assets[i], run->view->index, run->msg);
        }
    }
    return weft_fail(run->msg, WEFT_ENOTFOUND, "nothing is said of asset '%.*s'",
        (int)q->asset.size, q->asset.data);
}

/* --- what may be seen ------------------------------------------------------------------------- */

enum weft_err weft_run_word_name(
    struct weft_run *run, char words, uint16_t id, struct weft_text *ret_name)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_dictionary(words, id);
    enum weft_err rv = weft_store_get(run->view->store, run->snapshot, &key, &value, run->msg);
    if (rv == WEFT_ENOTFOUND || (rv == WEFT_OK && value.bytes.size > sizeof(run->word_name))) {
        rv = weft_run_damaged(run, "the dictionary");
    }
    if (rv == WEFT_OK) {
        memcpy(run->word_name, value.bytes.data, value.bytes.size);
        *ret_name = (struct weft_text){run->word_name, value.bytes.size};
    }
    weft_store_release(&value);
    return rv;
}

bool weft_run_may_see(struct weft_run *run, struct weft_text kind, struct weft_text asset)
{
    return run->reveal == NULL || (weft_reveal_is_permitted(run->reveal, kind, asset) &&
                                      (!run->query->has_at || weft_reveal_shows(run->reveal, kind,
                                                                  asset, WEFT_TEXT("@at"))));
}

bool weft_run_may_see_all(struct weft_run *run, struct weft_text asset)
{
    struct weft_reveal *reveal = run->reveal;
    if (reveal == NULL) {
        return true;
    }
    const struct weft_policy_decision *d = weft_reveal_of_asset(reveal, asset);
    return d != NULL && d->effect == WEFT_EFFECT_ALLOW &&
           (!run->query->has_at || weft_reveal_tells(reveal, d, WEFT_TEXT("@at")));
}

enum weft_err weft_run_may_see_kind(
    struct weft_run *run, uint16_t kind, struct weft_text asset, bool *ret_may)
{
    struct weft_text name;
    *ret_may = true;
    if (run->reveal == NULL) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_run_word_name(run, 'k', kind, &name);
    *ret_may = rv == WEFT_OK && weft_run_may_see(run, name, asset);
    return rv;
}

enum weft_err weft_run_may_see_record(struct weft_run *run, struct weft_bytes bytes, bool *ret_may)
{
    struct weft_stored_head head;
    *ret_may = true;
    if (run->reveal == NULL) {
        return WEFT_OK;
    }
    if (weft_stored_peek(bytes, &head) != WEFT_OK) {
        return weft_run_damaged(run, "a record");
    }
    *ret_may = weft_run_may_see(run, head.kind, head.asset);
    return WEFT_OK;
}

enum weft_err weft_run_may_see_link(
    struct weft_run *run, const struct weft_ref *ref, struct weft_text rel, bool *ret_may)
{
    struct weft_bytes bytes;
    struct weft_stored_head head;
    int64_t time_ns;
    *ret_may = true;
    if (run->reveal == NULL) {
        return WEFT_OK;
    }
    if (weft_reveal_is_of_all(run->reveal)) {
        const struct weft_text whatever = {NULL, 0};
        *ret_may = weft_run_may_see(run, whatever, whatever) &&
                   weft_reveal_shows_link(run->reveal, whatever, whatever, rel);
        return WEFT_OK;
    }
    enum weft_err rv = weft_loader_get(&run->loader, ref, &bytes, &time_ns, run->msg);
    if (rv == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
        rv = weft_run_damaged(run, "a record");
    }
    *ret_may = rv == WEFT_OK && weft_run_may_see(run, head.kind, head.asset) &&
               weft_reveal_shows_link(run->reveal, head.kind, head.asset, rel);
    return rv;
}

enum weft_err weft_run_may_see_rel(
    struct weft_run *run, const struct weft_ref *ref, uint16_t rel, bool *ret_may)
{
    struct weft_text name;
    *ret_may = true;
    if (run->reveal == NULL) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_run_word_name(run, 'r', rel, &name);
    return rv == WEFT_OK ? weft_run_may_see_link(run, ref, name, ret_may) : rv;
}

/* --- cursors --------------------------------------------------------------------------------- */

/* What covers the time, and what shows that it is the one that was covered. */
static enum weft_err read_key(
    struct weft_run *run, const struct weft_ref *ref, struct weft_digest *ret_key)
{
    const uint64_t numbers[3] = {ref->ordinal, run->as_of, weft_run_hash(run->query)};
    return weft_reveal_place_key(
        run->reveal, run->view->store, run->snapshot, ref->index, numbers, ret_key, run->msg);
}

static uint64_t proof_of(const struct weft_digest *key, uint64_t at)
{
    struct weft_sha256 hash;
    uint8_t bytes[8];
    weft_put_be64(bytes, at);
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, key->bytes, sizeof(key->bytes));
    weft_sha256_update(&hash, bytes, sizeof(bytes));
    struct weft_digest proof = weft_sha256_final(&hash);
    return weft_get_be64(proof.bytes);
}

enum weft_err weft_run_seal(
    struct weft_run *run, const struct weft_ref *ref, uint64_t *ret_at, uint64_t *hash)
{
    struct weft_digest key;
    uint8_t at[8];
    weft_put_time(at, ref->at_ns);
    *ret_at = weft_get_be64(at);
    if (run->reveal == NULL) {
        return WEFT_OK;
    }
    if (run->query->type != WEFT_QUERY_STORY) {
        *ret_at = 0; /* Their order is that of the log. */
        return WEFT_OK;
    }
    enum weft_err rv = read_key(run, ref, &key);
    if (rv == WEFT_OK) {
        *hash ^= proof_of(&key, *ret_at);
        *ret_at ^= weft_get_be64(key.bytes);
    }
    return rv;
}

enum weft_err weft_run_unseal(
    struct weft_run *run, struct weft_ref *ref, uint64_t at, uint64_t *hash)
{
    struct weft_digest key;
    uint8_t bytes[8];
    if (run->reveal != NULL && run->query->type == WEFT_QUERY_STORY) {
        enum weft_err rv = read_key(run, ref, &key);
        if (rv != WEFT_OK) { /* Of no place that there is. */
            return rv == WEFT_ECORRUPT ? weft_fail(run->msg, WEFT_EINVAL, WEFT_RUN_FOREIGN_CURSOR)
                                       : rv;
        }
        at ^= weft_get_be64(key.bytes);
        *hash ^= proof_of(&key, at);
    }
    weft_put_be64(bytes, at);
    ref->at_ns = weft_get_time(bytes);
    return WEFT_OK;
}

/* --- records of a trace ----------------------------------------------------------------------- */

static enum weft_err damaged(const struct weft_run *run, const struct weft_ref *ref)
{
    return weft_fail(
        run->msg, WEFT_ECORRUPT, "record %llu/%u", (unsigned long long)ref->index, ref->ordinal);
}

/* Stored anew, with commitments for what is hidden, or without them if it grows too large by them:
 * thousands of links that are hidden. */
static enum weft_err give_rewritten(struct weft_run *run, const struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, struct weft_arena *scratch, struct weft_buffer *out)
{
    struct weft_stored_record shown = {
        .index = ref->index, .ordinal = ref->ordinal, .time_ns = time_ns};
    struct weft_record record;
    bool is_permitted;
    size_t more;
    enum weft_err rv = weft_stored_decode(bytes, scratch, &shown.digest, &record);
    if (rv != WEFT_OK) {
        return rv == WEFT_ECORRUPT ? damaged(run, ref) : weft_fail(run->msg, rv, "a record");
    }
    shown.record = record;
    rv = weft_reveal_record(
        run->reveal, run->view->store, run->snapshot, &shown, scratch, &more, run->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    shown.record.has_at = true; /* If it is hidden, the commit's: told anyway. */
    rv = weft_packed_add_stored(out, &shown);
    if (rv == WEFT_ETOOBIG) {
        rv = weft_reveal_strip(run->reveal, &record, time_ns, scratch, &is_permitted, run->msg);
        shown.record = record;
        rv = rv == WEFT_OK ? weft_packed_add_stored(out, &shown) : rv;
    }
    return rv == WEFT_OK ? rv : weft_fail(run->msg, rv, "the records of an answer");
}

enum weft_err weft_run_give(struct weft_run *run, const struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, struct weft_arena *scratch, struct weft_buffer *out)
{
    struct weft_stored_head head;
    if (run->reveal != NULL) {
        if (weft_stored_peek(bytes, &head) != WEFT_OK) {
            return damaged(run, ref);
        }
        if (!weft_reveal_shows_record(run->reveal, head.kind, head.asset) &&
            !weft_node_mutant(WEFT_NODE_MUTANT_PACKED_UNFILTERED)) {
            return give_rewritten(run, ref, bytes, time_ns, scratch, out);
        }
    }
    const struct weft_packed_record record = {ref->index, ref->ordinal, time_ns, bytes};
    enum weft_err rv = weft_packed_add_record(out, &record);
    return rv == WEFT_OK ? rv : weft_fail(run->msg, rv, "the records of an answer");
}
