/* Items about what is sent: receipts, fences, one's own leaves got back, trees to sign
 * (exports.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "federation/equivocation.h"
#include "node/state/exports.h"
#include "node/state/refused.h"
#include "proto/check.h"

void weft_streams_refuse(
    struct weft_refusal *refusal, enum weft_stream_fault fault, const struct weft_msg *why)
{
    bool is_elsewhere = fault == WEFT_STREAM_SEQUENCE || fault == WEFT_STREAM_HEAD ||
                        fault == WEFT_STREAM_ROLLED_BACK;
    bool is_held = fault == WEFT_STREAM_HELD || fault == WEFT_STREAM_FROZEN ||
                   fault == WEFT_STREAM_BEHIND || fault == WEFT_STREAM_ENDED;
    refusal->err = is_elsewhere ? WEFT_ECONFLICT : is_held ? WEFT_ESTATE : WEFT_EREFUSED;
    (void)weft_fail(&refusal->detail, refusal->err, "%s", why->text);
}

/* Among the newest of its agreement. */
static void keep(
    struct weft_accord *accord, struct weft_text text, const struct weft_exports_place *place)
{
    const struct weft_key key = weft_key_of_number(
        WEFT_KEY_REFUSAL, accord->number, accord->sent.kept++ % WEFT_EXPORTS_KEPT_MAX);
    weft_store_batch_put(place->batch, &key, text.data, text.size);
}

/* A fault that only a tree that cannot be read gives. */
static enum weft_err unread(const struct weft_msg *why, struct weft_msg *msg)
{
    return weft_fail(msg, WEFT_ECORRUPT, "the tree of a stream: %s", why->text);
}

static enum weft_err take_receipt(struct weft_streams *s, struct weft_accord *accord,
    struct weft_text note, const struct weft_exports_place *place, struct weft_refusal *r,
    struct weft_msg *msg)
{
    struct weft_provider *p = &accord->sent.provider;
    const uint64_t before = p->receipt.size;
    struct weft_msg why = {""};
    enum weft_stream_fault fault =
        weft_provider_acknowledge(p, note, &weft_accord_terms(accord)->their_receipts,
            weft_flow_root, &accord->flows[WEFT_SENT], &why);
    if (fault == WEFT_STREAM_PROOF) {
        return unread(&why, msg);
    }
    if (fault != WEFT_STREAM_SOUND) {
        weft_streams_refuse(r, fault, &why);
        return WEFT_OK;
    }
    if (p->receipt.size == before) {
        return WEFT_OK;
    }
    accord->sent.receipt_ns = place->time_ns;
    accord->sent.receipt.size_max = WEFT_STREAM_TEXT_SIZE_MAX;
    weft_buffer_clear(&accord->sent.receipt);
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    enum weft_err err = weft_buffer_text(&accord->sent.receipt, note);
    return err == WEFT_OK ? err : weft_fail(msg, err, "keep a receipt");
}

static enum weft_err take_sure(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_stream_hello *hello, struct weft_refusal *r, struct weft_msg *msg)
{
    struct weft_provider *p = &accord->sent.provider;
    struct weft_msg why = {""};
    enum weft_stream_fault fault =
        weft_provider_greet(p, hello, weft_flow_root, &accord->flows[WEFT_SENT], &why);
    if (fault == WEFT_STREAM_PROOF) {
        return unread(&why, msg);
    }
    if (fault != WEFT_STREAM_SOUND) {
        weft_streams_refuse(r, fault, &why);
        return WEFT_OK;
    }
    weft_provider_sure(p);
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    return WEFT_OK;
}

static enum weft_err take_fence(struct weft_streams *s, struct weft_accord *accord,
    struct weft_text note, const struct weft_exports_place *place, struct weft_refusal *r,
    struct weft_msg *msg)
{
    struct weft_provider *p = &accord->sent.provider;
    const uint64_t rival = p->rival.size;
    struct weft_msg why = {""};
    enum weft_stream_fault fault = weft_provider_fence(p, note,
        &weft_accord_terms(accord)->own_heads, weft_flow_root, &accord->flows[WEFT_SENT], &why);
    if (fault == WEFT_STREAM_PROOF) {
        return unread(&why, msg);
    }
    /* What its keys signed too is kept: nothing is stated beside it. */
    bool is_rival = fault == WEFT_STREAM_SPLIT && p->rival.size != rival;
    if (fault != WEFT_STREAM_SOUND && !is_rival) {
        weft_streams_refuse(r, fault, &why);
        return WEFT_OK;
    }
    if (weft_provider_is_fenced(p)) {
        weft_accord_fall_behind(accord, place->index);
    }
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    return WEFT_OK;
}

/* --- what a backup has lost ------------------------------------------------------------------ */

/* A version that came back with the leaf that says it. */
static enum weft_err recover_contract(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_batch_entry *entry, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    struct weft_deed *deed;
    const struct weft_text text = {(const char *)entry->content.data, entry->content.size};
    enum weft_err err = weft_deed_read(text, &deed, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err == WEFT_ENOMEM ? err : WEFT_ECORRUPT, "a version got back");
    }
    const uint64_t version = deed->contract.link.version;
    if (version > accord->row.version) {
        err = weft_streams_put_version(s, accord, deed, place->batch, msg);
    }
    weft_accord_set(accord, WEFT_ACCORD_SENT, weft_deed_retain(deed));
    s->is_stale = true;
    err = err == WEFT_OK ? weft_streams_tell_contract(s, deed, msg) : err;
    weft_deed_release(deed);
    return err;
}

static enum weft_err recover_leaf(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_batch_entry *entry, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    struct weft_msg why = {""};
    if (weft_provider_recover(&accord->sent.provider, &entry->leaf, &why) != WEFT_STREAM_SOUND) {
        return weft_fail(msg, WEFT_ECORRUPT, "a leaf that was verified: %s", why.text);
    }
    const uint64_t sequence = weft_flow_size(&accord->flows[WEFT_SENT]);
    struct weft_flow *flow = &accord->flows[WEFT_SENT];
    struct weft_flow_leaf row = {
        .leaf = entry->leaf, .time_ns = place->time_ns, .content = entry->content};
    enum weft_err err = WEFT_OK;
    if (entry->leaf.kind == WEFT_STREAM_STATEMENT) {
        uint64_t last;
        err = weft_flow_last(flow, &entry->leaf.digest, &last, &row.told, msg);
        row.earlier = err == WEFT_OK ? last + 1 : 0;
        row.told = row.told < WEFT_FLOW_TOLD_MAX ? row.told : WEFT_FLOW_TOLD_MAX - 1;
        err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    err = err == WEFT_OK ? weft_flow_append(flow, &row, place->batch, msg) : err;
    if (err == WEFT_OK && entry->leaf.kind == WEFT_STREAM_CONTRACT) {
        err = recover_contract(s, accord, entry, place, msg);
    }
    if (err == WEFT_OK && entry->leaf.kind == WEFT_STREAM_STATEMENT) {
        err = weft_streams_tell_statement(
            s, accord, WEFT_SENT, sequence, &entry->leaf.digest, entry->content, false, msg);
    }
    return err;
}

/* FED-20, where no head of this site stands for the leaves (FED-32): a version that came back is
 * one that is known here, or one that both have signed. */
static enum weft_err judge_version(struct weft_streams *s, const struct weft_accord *accord,
    const struct weft_batch_entry *entry, const struct weft_contract **current, bool *ret_is_sound,
    struct weft_msg *msg)
{
    struct weft_deed *known = NULL;
    struct weft_note note;
    struct weft_contract again;
    struct weft_msg why = {""};
    enum weft_chain_fault fault;
    const struct weft_text text = {(const char *)entry->content.data, entry->content.size};
    *ret_is_sound = false;
    enum weft_err err = weft_streams_version(s, accord, entry->leaf.version, &known, msg);
    if (err == WEFT_OK && known != NULL) {
        *ret_is_sound = weft_digest_equal(&known->contract.link.digest, &entry->leaf.digest);
        weft_deed_release(known);
    } else if (err == WEFT_OK) {
        *ret_is_sound = weft_note_parse(text, &note, &why) == WEFT_OK &&
                        weft_contract_accept(&note, *current, weft_accord_terms(accord)->orgs,
                            INT64_MIN, &s->arena, &again, &fault, &why) == WEFT_OK;
        *current = entry->contract;
    }
    return err;
}

static enum weft_err judge_versions(struct weft_streams *s, const struct weft_accord *accord,
    const struct weft_batch *batch, enum weft_stream_fault *ret_fault, struct weft_msg *why,
    struct weft_msg *msg)
{
    const struct weft_deed *newest = accord->deeds[WEFT_ACCORD_NEWEST];
    const struct weft_contract *current = newest != NULL ? &newest->contract : NULL;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && *ret_fault == WEFT_STREAM_SOUND && i < batch->count;
         i++) {
        bool is_sound = true;
        if (batch->entries[i].leaf.kind == WEFT_STREAM_CONTRACT) {
            err = judge_version(s, accord, &batch->entries[i], &current, &is_sound, msg);
        }
        if (!is_sound) {
            *ret_fault = weft_stream_fail(why, WEFT_STREAM_UNSIGNED_CONTRACT,
                "version %" PRIu64 " is not one that both have signed",
                batch->entries[i].leaf.version);
        }
    }
    return err;
}

static enum weft_err take_recover(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_stream_batch *message, uint64_t until, const struct weft_exports_place *place,
    struct weft_refusal *r, struct weft_msg *msg)
{
    struct weft_provider *p = &accord->sent.provider;
    struct weft_batch batch;
    struct weft_msg why = {""};
    if (!weft_provider_is_behind(p)) {
        r->err = weft_fail(&r->detail, WEFT_ESTATE, "there is nothing to recover");
        return WEFT_OK;
    }
    enum weft_stream_fault fault =
        weft_batch_verify(&p->stream, &p->fence, message, &s->arena, &batch, &why);
    if (s->arena.is_starved) {
        return weft_fail(msg, WEFT_ENOMEM, "judge a batch");
    }
    for (uint32_t i = 0; fault == WEFT_STREAM_SOUND && i < batch.count; i++) {
        fault = batch.entries[i].fault;
        (void)weft_fail(&why, WEFT_EREFUSED, "%.*s", (int)batch.entries[i].reason.size,
            batch.entries[i].reason.data);
    }
    if (fault == WEFT_STREAM_SOUND) {
        enum weft_err judged = judge_versions(s, accord, &batch, &fault, &why, msg);
        if (judged != WEFT_OK) {
            return judged;
        }
    }
    if (fault != WEFT_STREAM_SOUND) {
        weft_streams_refuse(r, fault, &why);
        return WEFT_OK;
    }
    if (batch.after.tree.size != until || until > p->fence.size) {
        r->err = weft_fail(&r->detail, WEFT_ECONFLICT, "it goes to other leaves than was said");
        return WEFT_OK;
    }
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < batch.count; i++) {
        err = recover_leaf(s, accord, &batch.entries[i], place, msg);
    }
    weft_accord_fall_behind(accord, 1); /* What is in it already is found by its digest. */
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    return err;
}

/* --- going back ------------------------------------------------------------------------------ */

static enum weft_err range_of(struct weft_flow *flow, uint64_t size,
    struct weft_merkle_range *ret_range, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    *ret_range = (struct weft_merkle_range){.size = size};
    for (unsigned h = 0; err == WEFT_OK && h <= WEFT_MERKLE_HEIGHT_MAX; h++) {
        if ((size >> h & 1) != 0) {
            /* The largest subtrees stand leftmost: this one is behind all that are larger. */
            err =
                weft_flow_node(weft_flow_tile, flow, h, (size >> h) - 1, &ret_range->roots[h], msg);
        }
    }
    return err;
}

/* What one leaf, the next one of the stream that is looked for, tells of the stream before it. */
static void undo(struct weft_stream *stream, const struct weft_stream_leaf *leaf)
{
    switch (leaf->kind) {
    case WEFT_STREAM_CONTRACT:
        stream->version = leaf->version - 1;
        break;
    case WEFT_STREAM_STATEMENT:
        stream->statement_count--;
        stream->phase = WEFT_STREAM_OPEN;
        break;
    case WEFT_STREAM_SUSPEND:
        stream->phase = WEFT_STREAM_OPEN;
        break;
    case WEFT_STREAM_RESUME:
        stream->phase = WEFT_STREAM_SUSPENDED;
        break;
    case WEFT_STREAM_END:
        stream->phase = WEFT_STREAM_PHASES; /* Either: what is before it tells. */
        break;
    case WEFT_STREAM_LEAF_KINDS:
        break;
    }
}

static enum weft_err get_leaf(struct weft_streams *s, const struct weft_accord *accord,
    uint64_t sequence, struct weft_stream_leaf *ret_leaf, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    enum weft_err err =
        weft_flow_get(s->store, NULL, accord->number, WEFT_SENT, sequence, &value, &leaf, msg);
    if (err == WEFT_OK) {
        *ret_leaf = leaf.leaf;
    }
    weft_store_release(&value);
    return err == WEFT_ENOTFOUND ? weft_fail(msg, WEFT_ECORRUPT, "a leaf is missing") : err;
}

/* The machine as it was with so many leaves. */
static enum weft_err stream_at(struct weft_streams *s, struct weft_accord *accord, uint64_t size,
    struct weft_stream *ret_stream, struct weft_msg *msg)
{
    struct weft_stream stream = accord->sent.provider.stream;
    struct weft_stream_leaf leaf = {.version = 0};
    enum weft_err err = WEFT_OK;
    for (uint64_t i = stream.tree.size; err == WEFT_OK && i > size; i--) {
        err = get_leaf(s, accord, i - 1, &leaf, msg);
        if (err == WEFT_OK) {
            undo(&stream, &leaf);
        }
    }
    for (uint64_t i = size; err == WEFT_OK && stream.phase == WEFT_STREAM_PHASES && i > 0; i--) {
        err = get_leaf(s, accord, i - 1, &leaf, msg);
        if (err == WEFT_OK && leaf.kind != WEFT_STREAM_CONTRACT) {
            stream.phase =
                leaf.kind == WEFT_STREAM_SUSPEND ? WEFT_STREAM_SUSPENDED : WEFT_STREAM_OPEN;
        } else if (err == WEFT_OK && leaf.version == 1) {
            stream.phase = WEFT_STREAM_OPEN;
        }
    }
    stream.phase = size == 0 ? WEFT_STREAM_NEW : stream.phase;
    err = err == WEFT_OK ? range_of(&accord->flows[WEFT_SENT], size, &stream.tree, msg) : err;
    if (err == WEFT_OK) {
        struct weft_deed *deed = NULL;
        err = weft_streams_version(s, accord, stream.version, &deed, msg);
        stream.contract = deed != NULL ? deed->contract.link.digest : (struct weft_digest){{0}};
        if (err == WEFT_OK) {
            weft_accord_set(accord, WEFT_ACCORD_SENT, deed);
            s->is_stale = true;
        }
    }
    *ret_stream = stream;
    return err;
}

/* The first of its entry, whose batch has nothing else: the store has all leaves. */
static enum weft_err take_rewind(struct weft_streams *s, struct weft_accord *accord, uint64_t size,
    const struct weft_exports_place *place, struct weft_refusal *r, struct weft_msg *msg)
{
    struct weft_provider *p = &accord->sent.provider;
    struct weft_stream stream;
    if (!weft_provider_is_behind(p) || size < p->signed_head.size || size > p->stream.tree.size) {
        r->err = weft_fail(&r->detail, WEFT_ESTATE,
            "only what is in no signed head goes, and only behind a fence");
        return WEFT_OK;
    }
    enum weft_err err = stream_at(s, accord, size, &stream, msg);
    if (err == WEFT_OK) {
        err = weft_provider_rewind(p, &stream, msg);
    }
    if (err == WEFT_OK) {
        err = weft_exports_owe_again(s, accord, size, place, msg);
    }
    if (err == WEFT_OK) {
        err = weft_flow_rewind(&accord->flows[WEFT_SENT], &stream.tree, place->batch, msg);
    }
    weft_accord_fall_behind(accord, 1);
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    return err;
}

/* --- heads ----------------------------------------------------------------------------------- */

static enum weft_err take_sign(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_merkle_head *head, const struct weft_exports_place *place,
    struct weft_refusal *r, struct weft_msg *msg)
{
    struct weft_provider *p = &accord->sent.provider;
    struct weft_digest own;
    r->err = weft_provider_may_sign(p, weft_flow_root, &accord->flows[WEFT_SENT], &r->detail);
    if (weft_err_class(r->err) == WEFT_CLASS_DAMAGED || r->err == WEFT_ENOMEM) {
        return weft_fail(msg, r->err, "%s", r->detail.text);
    }
    if (r->err == WEFT_OK && (head->size == 0 || head->size > p->stream.tree.size)) {
        r->err = weft_fail(&r->detail, WEFT_EINVAL, "the stream has not so many leaves");
    }
    if (r->err != WEFT_OK) {
        return WEFT_OK;
    }
    enum weft_err err = weft_flow_root(&accord->flows[WEFT_SENT], head->size, &own, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_digest_equal(&own, &head->root)) {
        r->err = weft_fail(&r->detail, WEFT_ECONFLICT, "the stream has another tree");
        return WEFT_OK;
    }
    if (head->size > p->signed_head.size) {
        weft_provider_sign(p, head);
        accord->sent.head_ns = place->time_ns;
        weft_streams_touch_flow(s, accord, WEFT_SENT);
    }
    return WEFT_OK;
}

static enum weft_err take_refusal(struct weft_streams *s, struct weft_accord *accord,
    struct weft_text note, const struct weft_exports_place *place, struct weft_refusal *r,
    struct weft_msg *msg)
{
    const struct weft_terms *terms = weft_accord_terms(accord);
    struct weft_msg why = {""};
    uint32_t count = 0;
    enum weft_err err = weft_refused_read(note, terms, &s->arena, &count, &why);
    if (err == WEFT_ENOMEM) {
        return weft_fail(msg, err, "read a refusal");
    }
    if (err != WEFT_OK) {
        r->err = weft_fail(&r->detail, err, "%s", why.text);
        return WEFT_OK;
    }
    accord->sent.refused_count += count;
    keep(accord, note, place);
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    return WEFT_OK;
}

/* --- evidence -------------------------------------------------------------------------------- */

enum weft_err weft_exports_evidence(struct weft_accord *accord, enum weft_direction direction,
    struct weft_text text, const struct weft_exports_place *place, struct weft_refusal *ret_refusal)
{
    const struct weft_terms *terms = weft_accord_terms(accord);
    const bool is_own = direction == WEFT_SENT;
    const struct weft_stream_signers *signers = is_own ? &terms->own_heads : &terms->their_heads;
    const struct weft_lost *lost =
        is_own ? &accord->sent.provider.lost : &accord->received.consumer.lost;
    struct weft_refusal *r = ret_refusal;
    enum weft_equivocation_kind kind;
    struct weft_msg why = {""};
    enum weft_err err = weft_equivocation_verify(text, signers, &kind, &why);
    if (err != WEFT_OK) {
        r->err = err == WEFT_ENOMEM ? err : weft_fail(&r->detail, err, "%s", why.text);
        return err == WEFT_ENOMEM ? err : WEFT_OK;
    }
    if (weft_equivocation_is_of_lost(text, signers, lost)) {
        r->err = weft_fail(&r->detail, WEFT_EREFUSED, "of a head that is lost, as operators said");
        return WEFT_OK;
    }
    const struct weft_key key = weft_key_of_number(
        WEFT_KEY_REFUSAL, accord->number, WEFT_EXPORTS_KEPT_MAX + (uint32_t)direction);
    weft_store_batch_put(place->batch, &key, text.data, text.size);
    return WEFT_OK;
}

/* NOD-296: against own keys. What they signed beside its own tree fences what is sent, until it is
 * lost; it is for operators to find out who has the keys. The same once more is one. */
static enum weft_err take_evidence(struct weft_streams *s, struct weft_accord *accord,
    struct weft_text text, const struct weft_exports_place *place, struct weft_refusal *r,
    struct weft_msg *msg)
{
    struct weft_provider *p = &accord->sent.provider;
    const struct weft_digest digest = weft_sha256(text.data, text.size);
    struct weft_merkle_head heads[2];
    struct weft_msg why = {""};
    bool is_again =
        accord->sent.evidence_count > 0 && weft_digest_equal(&accord->sent.evidence, &digest);
    enum weft_err err = weft_exports_evidence(accord, WEFT_SENT, text, place, r);
    if (err != WEFT_OK || r->err != WEFT_OK ||
        !weft_equivocation_heads(text, &weft_accord_terms(accord)->own_heads, heads)) {
        return err;
    }
    if (weft_provider_contradict(p, heads, weft_flow_root, &accord->flows[WEFT_SENT], &why) ==
        WEFT_STREAM_PROOF) {
        return unread(&why, msg);
    }
    if (weft_provider_is_fenced(p)) {
        weft_accord_fall_behind(accord, place->index);
    }
    accord->sent.evidence_count += is_again ? 0 : 1;
    accord->sent.evidence = digest;
    weft_streams_touch_flow(s, accord, WEFT_SENT);
    return WEFT_OK;
}

enum weft_err weft_exports_take(struct weft_streams *streams, struct weft_accord *accord,
    const struct weft_stream_entry *entry, const struct weft_partner_message *message,
    const struct weft_exports_place *place, struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    const struct weft_merkle_head head = {entry->number, entry->root};
    struct weft_refusal *r = ret_refusal;
    enum weft_err err = WEFT_OK;
    r->err = WEFT_OK;
    switch (entry->act) {
    case WEFT_STREAM_ACT_RECEIPT:
        err = take_receipt(streams, accord, message->receipt.note, place, r, msg);
        break;
    case WEFT_STREAM_ACT_SURE:
        err = take_sure(streams, accord, &message->hello, r, msg);
        break;
    case WEFT_STREAM_ACT_FENCE:
        err = take_fence(streams, accord, message->head.note, place, r, msg);
        break;
    case WEFT_STREAM_ACT_RECOVER:
        err = take_recover(streams, accord, &message->batch, entry->number, place, r, msg);
        break;
    case WEFT_STREAM_ACT_REFUSAL:
        err = take_refusal(streams, accord, message->text, place, r, msg);
        break;
    case WEFT_STREAM_ACT_SIGN:
        err = take_sign(streams, accord, &head, place, r, msg);
        break;
    case WEFT_STREAM_ACT_REWIND:
        err = take_rewind(streams, accord, entry->number, place, r, msg);
        break;
    case WEFT_STREAM_ACT_EVIDENCE:
        err = take_evidence(streams, accord, message->text, place, r, msg);
        break;
    case WEFT_STREAM_ACT_HEAD:
    case WEFT_STREAM_ACT_BATCH:
    case WEFT_STREAM_ACT_STEP:
    case WEFT_STREAM_ACT_FILE:
    case WEFT_STREAM_ACT_OFFER:
    case WEFT_STREAM_ACT_OFFER_END:
    case WEFT_STREAM_ACTS:
        weft_unreachable("NOD-195: an act on what is sent");
    }
    weft_streams_recount(streams);
    return err;
}
