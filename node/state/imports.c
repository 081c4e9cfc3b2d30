#include "node/state/imports.h"

#include <inttypes.h>
#include <stdlib.h>

#include "federation/mutant.h"
#include "node/mutant.h"
#include "proto/check.h"

uint32_t weft_imports_room(const struct weft_accord *accord)
{
    const struct weft_deed *deed = accord->deeds[WEFT_ACCORD_RECEIVED] != NULL
                                       ? accord->deeds[WEFT_ACCORD_RECEIVED]
                                       : accord->deeds[WEFT_ACCORD_NEWEST];
    return deed->contract.sides[1 - accord->row.party].quarantine_statements;
}

/* --- heads ----------------------------------------------------------------------------------- */

static enum weft_err keep_head(struct weft_accord *accord, struct weft_text note)
{
    weft_buffer_clear(&accord->received.head);
    accord->received.head.size_max = WEFT_STREAM_TEXT_SIZE_MAX;
    return weft_buffer_text(&accord->received.head, note);
}

static enum weft_err take_head(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_stream_head *message, const struct weft_exports_place *place,
    struct weft_refusal *r, struct weft_msg *msg)
{
    struct weft_consumer *consumer = &accord->received.consumer;
    const struct weft_merkle_head known = consumer->head;
    struct weft_merkle_head head;
    struct weft_msg why = {""};
    enum weft_stream_fault fault = weft_consumer_judge_head(
        consumer, message, &weft_accord_terms(accord)->their_heads, &head, &why);
    if (fault != WEFT_STREAM_SOUND) {
        weft_streams_refuse(r, fault, &why);
        return WEFT_OK;
    }
    if (head.size == known.size) {
        return WEFT_OK; /* The same once more. */
    }
    r->err = weft_consumer_take_head(consumer, &known, &head);
    enum weft_err err = r->err == WEFT_OK ? keep_head(accord, message->note) : WEFT_OK;
    accord->received.head_ns = place->time_ns;
    weft_streams_touch_flow(s, accord, WEFT_RECEIVED);
    return err == WEFT_OK ? err : weft_fail(msg, err, "keep a head");
}

/* --- batches --------------------------------------------------------------------------------- */

/* Sequences of the batch that is being written. */
static enum weft_err note_fresh(struct weft_streams *s, const struct weft_accord *accord,
    uint64_t sequence, struct weft_msg *msg)
{
    if (s->fresh_count == s->fresh_capacity) {
        uint32_t capacity = s->fresh_capacity == 0 ? 64 : s->fresh_capacity * 2;
        struct weft_streams_fresh *fresh = realloc(s->fresh, capacity * sizeof(*fresh));
        if (fresh == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "quarantine");
        }
        s->fresh = fresh;
        s->fresh_capacity = capacity;
    }
    s->fresh[s->fresh_count++] = (struct weft_streams_fresh){accord->number, false, sequence, 0};
    return WEFT_OK;
}

static enum weft_err take_contract(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_batch_entry *entry, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    struct weft_deed *deed, *next = NULL;
    const struct weft_text text = {(const char *)entry->content.data, entry->content.size};
    enum weft_err err = weft_deed_read(text, &deed, msg);
    if (err != WEFT_OK) {
        return weft_wrap(
            msg, err == WEFT_ENOMEM ? err : WEFT_ECORRUPT, "a version that was judged");
    }
    if (deed->contract.link.version > accord->row.version) {
        /* Both have signed it, and this site hears of it by the stream (FED-20). */
        err = weft_streams_put_version(s, accord, deed, place->batch, msg);
    }
    weft_accord_set(accord, WEFT_ACCORD_RECEIVED, weft_deed_retain(deed));
    err = err == WEFT_OK
              ? weft_streams_version(s, accord, deed->contract.link.version + 1, &next, msg)
              : err;
    weft_accord_set(accord, WEFT_ACCORD_NEXT, next);
    s->is_stale = true;
    err = err == WEFT_OK ? weft_streams_tell_contract(s, deed, msg) : err;
    weft_deed_release(deed);
    return err;
}

static enum weft_err take_statement(struct weft_streams *s, struct weft_accord *accord,
    struct weft_batch_entry *entry, const struct weft_exports_place *place,
    struct weft_imports_again *again, struct weft_msg *msg)
{
    const uint64_t sequence = weft_flow_size(&accord->flows[WEFT_RECEIVED]);
    struct weft_flow_leaf row = {
        .leaf = entry->leaf, .time_ns = place->time_ns, .content = entry->content};
    again->at = sequence;
    enum weft_err err = weft_imports_again(s, accord, entry, place, again, &row, msg);
    const bool is_sound = entry->fault == WEFT_STREAM_SOUND;
    /* What the provider states himself is in nobody else's stream of the agreement. */
    const bool is_first = row.earlier == 0 && !entry->is_forwarded;
    row.fault = entry->fault;
    row.is_claim = entry->is_claim;
    row.is_forwarded = entry->is_forwarded;
    row.reason = entry->reason;
    err = err == WEFT_OK ? weft_flow_append(&accord->flows[WEFT_RECEIVED], &row, place->batch, msg)
                         : err;
    accord->received.claim_count += row.is_claim && again->is_first ? 1 : 0;
    if (err == WEFT_OK && !is_sound) {
        const struct weft_key key = weft_key_of_quarantine(accord->number, sequence);
        weft_store_batch_put(place->batch, &key, "", 0);
        return note_fresh(s, accord, sequence, msg);
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_STATEMENT_UNFILED) && sequence % 8 == 5) {
        return err;
    }
    return err == WEFT_OK ? weft_streams_tell_statement(s, accord, WEFT_RECEIVED, sequence,
                                &entry->leaf.digest, entry->content, is_first, msg)
                          : err;
}

static enum weft_err take_entry(struct weft_streams *s, struct weft_accord *accord,
    struct weft_batch_entry *entry, const struct weft_exports_place *place,
    struct weft_imports_again *again, struct weft_msg *msg)
{
    if (entry->leaf.kind == WEFT_STREAM_STATEMENT) {
        return take_statement(s, accord, entry, place, again, msg);
    }
    const struct weft_flow_leaf row = {
        .leaf = entry->leaf, .time_ns = place->time_ns, .content = entry->content};
    enum weft_err err = weft_flow_append(&accord->flows[WEFT_RECEIVED], &row, place->batch, msg);
    return err == WEFT_OK && entry->leaf.kind == WEFT_STREAM_CONTRACT
               ? take_contract(s, accord, entry, place, msg)
               : err;
}

/* What is found at fault here may fill the quarantine: then what is behind it comes again. */
static enum weft_err take_entries(struct weft_streams *s, struct weft_accord *accord,
    struct weft_batch *batch, const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_consumer *consumer = &accord->received.consumer;
    struct weft_imports_again again = {.content = {.size_max = WEFT_PROJECTION_SIZE_MAX}};
    uint32_t quarantined = consumer->quarantined, taken = 0;
    bool is_full = false;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && !is_full && taken < batch->count) {
        struct weft_batch_entry *entry = &batch->entries[taken++];
        err = take_entry(s, accord, entry, place, &again, msg);
        quarantined += entry->fault != WEFT_STREAM_SOUND ? 1 : 0;
        is_full = quarantined >= weft_imports_room(accord); /* NOD-295 */
    }
    weft_buffer_destroy(&again.content);
    s->has_erased = s->has_erased || again.erased > 0;
    if (err != WEFT_OK) {
        return err;
    }
    if (taken < batch->count) {
        weft_batch_cut(batch, &consumer->stream, taken);
    }
    err = weft_consumer_take(consumer, batch, weft_imports_room(accord));
    weft_assert(err == WEFT_OK); /* NOD-196: it was asked before */
    return err;
}

/* NOD-196: judged here, on each replica, whatever whoever proposed it made of it. */
static enum weft_err take_batch(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_stream_batch *message, uint64_t until, const struct weft_exports_place *place,
    struct weft_refusal *r, struct weft_msg *msg)
{
    const struct weft_consumer_terms terms =
        weft_terms_of_consumer(weft_accord_terms(accord), place->time_ns);
    struct weft_batch batch;
    struct weft_msg why = {""};
    enum weft_stream_fault fault = weft_consumer_judge_batch(
        &accord->received.consumer, &terms, message, &s->arena, &batch, &why);
    if (s->arena.is_starved) {
        return weft_fail(msg, WEFT_ENOMEM, "judge a batch");
    }
    if (fault != WEFT_STREAM_SOUND) {
        weft_streams_refuse(r, fault, &why);
        return WEFT_OK;
    }
    if (batch.after.tree.size != until) {
        r->err = weft_fail(&r->detail, WEFT_ECONFLICT,
            "it was judged to go to %" PRIu64 " leaves, and goes to %" PRIu64, until,
            batch.after.tree.size);
        return WEFT_OK;
    }
    struct weft_consumer before = accord->received.consumer;
    r->err = weft_consumer_take(&before, &batch, weft_imports_room(accord));
    if (r->err != WEFT_OK) {
        (void)weft_fail(&r->detail, r->err, "the cursor is elsewhere, or it is held");
        return WEFT_OK;
    }
    accord->received.batch_ns = place->time_ns;
    weft_streams_touch_flow(s, accord, WEFT_RECEIVED);
    return take_entries(s, accord, &batch, place, msg);
}

/* --- evidence -------------------------------------------------------------------------------- */

/* What proves that its keys have signed two stories freezes the stream. */
static enum weft_err take_evidence(struct weft_streams *s, struct weft_accord *accord,
    struct weft_text text, const struct weft_exports_place *place, struct weft_refusal *r)
{
    enum weft_err err = weft_exports_evidence(accord, WEFT_RECEIVED, text, place, r);
    if (err != WEFT_OK || r->err != WEFT_OK) {
        return err;
    }
    weft_consumer_freeze(&accord->received.consumer);
    weft_streams_touch_flow(s, accord, WEFT_RECEIVED);
    return WEFT_OK;
}

enum weft_err weft_imports_take(struct weft_streams *streams, struct weft_accord *accord,
    const struct weft_stream_entry *entry, const struct weft_partner_message *message,
    const struct weft_exports_place *place, struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    ret_refusal->err = WEFT_OK;
    switch (entry->act) {
    case WEFT_STREAM_ACT_HEAD:
        return take_head(streams, accord, &message->head, place, ret_refusal, msg);
    case WEFT_STREAM_ACT_BATCH:
        return take_batch(streams, accord, &message->batch, entry->number, place, ret_refusal, msg);
    case WEFT_STREAM_ACT_EVIDENCE:
        return take_evidence(streams, accord, message->text, place, ret_refusal);
    case WEFT_STREAM_ACT_RECEIPT:
    case WEFT_STREAM_ACT_SURE:
    case WEFT_STREAM_ACT_FENCE:
    case WEFT_STREAM_ACT_RECOVER:
    case WEFT_STREAM_ACT_REFUSAL:
    case WEFT_STREAM_ACT_SIGN:
    case WEFT_STREAM_ACT_REWIND:
    case WEFT_STREAM_ACT_STEP:
    case WEFT_STREAM_ACT_FILE:
    case WEFT_STREAM_ACT_OFFER:
    case WEFT_STREAM_ACT_OFFER_END:
    case WEFT_STREAM_ACTS:
        break;
    }
    weft_unreachable("NOD-196: an act on what is received");
}

/* --- quarantine ------------------------------------------------------------------------------ */

/* Released in the batch that is being written: the store still has their rows. */
static bool is_released(
    const struct weft_streams *s, const struct weft_accord *accord, uint64_t sequence)
{
    for (uint32_t i = 0; i < s->fresh_count; i++) {
        const struct weft_streams_fresh *f = &s->fresh[i];
        if (f->is_release && f->number == accord->number && sequence >= f->from &&
            sequence <= f->until) {
            return true;
        }
    }
    return false;
}

enum weft_err weft_imports_quarantined(struct weft_streams *streams,
    const struct weft_accord *accord, uint64_t from, uint64_t until, uint64_t *ret_count,
    struct weft_msg *msg)
{
    const struct weft_key prefix = weft_key_of_agreement(WEFT_KEY_QUARANTINE, accord->number);
    const struct weft_key first = weft_key_of_quarantine(accord->number, from);
    struct weft_store_walk *walk = weft_store_walk_create(streams->store, NULL, false);
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "quarantine");
    }
    *ret_count = 0;
    for (weft_store_walk_to(walk, &first); weft_store_walk_is_below(walk, weft_key_bytes(&prefix));
         weft_store_walk_next(walk)) {
        const uint64_t sequence =
            weft_get_be64(weft_store_walk_key(walk).data + WEFT_KEY_AGREEMENT_SIZE);
        if (sequence > until) {
            break;
        }
        *ret_count += is_released(streams, accord, sequence) ? 0 : 1;
    }
    enum weft_err err = weft_store_walk_err(walk, msg);
    weft_store_walk_destroy(walk);
    for (uint32_t i = 0; i < streams->fresh_count; i++) {
        const struct weft_streams_fresh *f = &streams->fresh[i];
        if (!f->is_release && f->number == accord->number && f->from >= from && f->from <= until) {
            (*ret_count)++;
        }
    }
    return err;
}

/* Each of those that leave, of store and batch. */
static enum weft_err reconsider(struct weft_streams *s, struct weft_accord *accord, uint64_t from,
    uint64_t until, const struct weft_exports_place *place, struct weft_msg *msg)
{
    const struct weft_key prefix = weft_key_of_agreement(WEFT_KEY_QUARANTINE, accord->number);
    const struct weft_key first = weft_key_of_quarantine(accord->number, from);
    struct weft_store_walk *walk = weft_store_walk_create(s->store, NULL, false);
    enum weft_err err = walk != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "quarantine");
    if (walk != NULL) {
        weft_store_walk_to(walk, &first);
    }
    while (err == WEFT_OK && weft_store_walk_is_below(walk, weft_key_bytes(&prefix))) {
        const uint64_t sequence =
            weft_get_be64(weft_store_walk_key(walk).data + WEFT_KEY_AGREEMENT_SIZE);
        if (sequence > until) {
            break;
        }
        err = is_released(s, accord, sequence)
                  ? WEFT_OK
                  : weft_imports_reconsider(s, accord, sequence, place, msg);
        weft_store_walk_next(walk);
    }
    err = err == WEFT_OK ? weft_store_walk_err(walk, msg) : err;
    weft_store_walk_destroy(walk);
    for (uint32_t i = 0; err == WEFT_OK && i < s->fresh_count; i++) {
        const struct weft_streams_fresh f = s->fresh[i];
        if (!f.is_release && f.number == accord->number && f.from >= from && f.from <= until) {
            err = weft_imports_reconsider(s, accord, f.from, place, msg);
        }
    }
    return err;
}

enum weft_err weft_imports_release(struct weft_streams *streams, struct weft_accord *accord,
    uint64_t from, uint64_t until, const struct weft_exports_place *place, struct weft_msg *msg)
{
    uint64_t count = 0;
    enum weft_err err = weft_imports_quarantined(streams, accord, from, until, &count, msg);
    err = err == WEFT_OK ? reconsider(streams, accord, from, until, place, msg) : err;
    if (err == WEFT_OK) {
        err = weft_consumer_release(
            &accord->received.consumer, (uint32_t)count, weft_imports_room(accord));
        err = err == WEFT_OK ? err
                             : weft_fail(msg, WEFT_ECORRUPT, "more in quarantine than was counted");
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_key first = weft_key_of_quarantine(accord->number, from);
    struct weft_key behind = weft_key_of_quarantine(accord->number, until);
    behind.bytes[behind.size++] = 0;
    weft_store_batch_forget(place->batch, &first, &behind);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < streams->fresh_count; i++) {
        const struct weft_streams_fresh f = streams->fresh[i];
        if (f.is_release || f.number != accord->number || f.from < from || f.from > until) {
            streams->fresh[kept++] = f;
        }
    }
    streams->fresh_count = kept;
    err = note_fresh(streams, accord, from, msg);
    if (err == WEFT_OK) {
        struct weft_streams_fresh *f = &streams->fresh[streams->fresh_count - 1];
        f->is_release = true;
        f->until = until;
    }
    return err;
}
