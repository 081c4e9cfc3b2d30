/* What this site's policy says of a partner's statement, and what is taken out of quarantine once
 * it says otherwise (imports.h). */
#include "node/state/imports.h"
#include "proto/check.h"

/* --- the policy ------------------------------------------------------------------------------- */

/* The agreement has permitted what is in it, so what nothing speaks of is taken: refused is what
 * something forbids, or wants what no statement brings. */
static bool asks_for_refusal(
    const struct weft_exports_asked *asked, struct weft_policy_decision *ret_decision)
{
    weft_policy_decide(asked->policy, &asked->request, ret_decision);
    return ret_decision->effect == WEFT_EFFECT_NEEDS ||
           (ret_decision->effect == WEFT_EFFECT_DENY &&
               (ret_decision->reason == WEFT_REASON_FORBID ||
                   ret_decision->reason == WEFT_REASON_FACTS));
}

bool weft_imports_erases(const struct weft_projection *projection)
{
    for (uint32_t i = 0; i < projection->item_count; i++) {
        if (projection->items[i].shape == WEFT_PROJECTION_ERASED) {
            return true;
        }
    }
    return false;
}

bool weft_imports_refuses(const struct weft_streams *streams, const struct weft_accord *accord,
    const struct weft_projection *projection, bool is_again, const struct weft_exports_place *place,
    struct weft_policy_decision *ret_decision)
{
    struct weft_exports_asked asked;
    if (!weft_exports_ask(streams, accord, WEFT_ACCORD_RECEIVED, projection->header.kind,
            projection->asset, place, &asked)) {
        return false;
    }
    asked.request.action = WEFT_ACTION_WRITE;
    if (asks_for_refusal(&asked, ret_decision)) {
        return true;
    }
    asked.request.action = WEFT_ACTION_REDACT; /* Of what he tells again: may he erase it here? */
    return is_again && weft_imports_erases(projection) && asks_for_refusal(&asked, ret_decision);
}

enum weft_err weft_imports_ask(struct weft_streams *streams, struct weft_accord *accord,
    struct weft_batch_entry *entry, bool is_again, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    struct weft_policy_decision decision;
    struct weft_msg why = {""};
    if (entry->fault != WEFT_STREAM_SOUND ||
        !weft_imports_refuses(streams, accord, &entry->projection, is_again, place, &decision)) {
        return WEFT_OK;
    }
    /* The partner is told no more than this; the audit log has which statement it was. */
    (void)weft_stream_fail(&why, WEFT_STREAM_POLICY, "not permitted at the receiver's");
    weft_consumer_refuse(entry, &streams->arena, &why);
    return weft_streams_note_refused(streams, accord, weft_flow_size(&accord->flows[WEFT_RECEIVED]),
        &entry->leaf.digest, weft_authority_policy(place->authority), &decision, msg);
}

/* --- out of quarantine ------------------------------------------------------------------------ */

/* It counts from now on. A row before it, or behind it, of the same statement: what both show. */
static enum weft_err admit(struct weft_streams *s, struct weft_accord *accord, uint64_t sequence,
    const struct weft_flow_leaf *leaf, const struct weft_projection *projection,
    const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_batch_entry entry = {
        .leaf = leaf->leaf, .content = leaf->content, .projection = *projection};
    struct weft_imports_again again = {
        .at = sequence, .content = {.size_max = WEFT_PROJECTION_SIZE_MAX}};
    struct weft_flow_leaf row = *leaf, linked = *leaf;
    enum weft_err err = weft_imports_again(s, accord, &entry, place, &again, &linked, msg);
    s->has_erased = s->has_erased || again.erased > 0;
    if (err == WEFT_OK && entry.fault == WEFT_STREAM_SOUND) {
        accord->received.claim_count += row.is_claim && again.is_first ? 1 : 0;
        row.content = linked.content;
        row.fault = WEFT_STREAM_SOUND;
        row.reason = (struct weft_text){NULL, 0};
        err = weft_flow_replace(&accord->flows[WEFT_RECEIVED], sequence, &row, place->batch, msg);
        err = err == WEFT_OK ? weft_streams_tell_statement(s, accord, WEFT_RECEIVED, sequence,
                                   &leaf->leaf.digest, row.content, false, msg)
                             : err;
    }
    weft_buffer_destroy(&again.content);
    return err;
}

enum weft_err weft_imports_reconsider(struct weft_streams *streams, struct weft_accord *accord,
    uint64_t sequence, const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    struct weft_projection projection;
    struct weft_policy_decision decision;
    struct weft_buffer kept = {.size_max = WEFT_PROJECTION_SIZE_MAX};
    enum weft_err err = weft_flow_now(&accord->flows[WEFT_RECEIVED], sequence, &value, &leaf, msg);
    /* Of what an erasure left nothing of (NOD-291) there is nothing to release. */
    if (err == WEFT_OK && leaf.fault == WEFT_STREAM_POLICY && leaf.content.size > 0) {
        weft_arena_reset(&streams->arena);
        err = weft_buffer_append(&kept, leaf.content.data, leaf.content.size);
        leaf.content = (struct weft_bytes){kept.data, kept.size}; /* Rows move as others change. */
        if (err == WEFT_OK) {
            err = weft_projection_decode(leaf.content, &streams->arena, &projection, msg);
        }
        if (err == WEFT_OK && !weft_imports_refuses(streams, accord, &projection, leaf.earlier > 0,
                                  place, &decision)) {
            err = admit(streams, accord, sequence, &leaf, &projection, place, msg);
        }
    }
    weft_buffer_destroy(&kept);
    weft_store_release(&value);
    return err == WEFT_OK || err == WEFT_ENOMEM || err == WEFT_EIO
               ? err
               : weft_wrap(msg, WEFT_ECORRUPT, "what was in quarantine");
}
