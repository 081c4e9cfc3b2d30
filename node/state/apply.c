#include <stdio.h>

#include "node/mutant.h"
#include "node/state/answer.h"
#include "node/state/machine.h"
#include "node/state/permit.h"
#include "node/state/room.h"
#include "proto/arith.h"
#include "proto/check.h"
#include "raft/failpoint.h"

/* What an item did, in the chain. Numbers are replicated state: they never change. */
enum {
    CHAIN_ACCEPTED = 1,
    CHAIN_REFUSED = 2,
    CHAIN_REPEATED = 3,
    CHAIN_DIGEST = 4,
    CHAIN_CHANGE = 5,
};

/* One call of weft_state_apply. */
struct apply {
    struct weft_state *state;
    struct weft_position position; /* Becomes the state's when the batch is written. */
    bool with_results;
    struct weft_arena *arena;
    struct weft_applied_item *items;
    uint32_t item_count;
    struct weft_msg *msg;
    /* Of the entry under way. */
    struct weft_sha256 chain;
    bool has_chain;
    uint32_t ordinal; /* Of the next record. */
    int64_t time_ns;
    const uint8_t *seed;
    struct weft_ground ground; /* Of the item under way. */
};

/* --- the chain ------------------------------------------------------------------------------- */

static void chain_add(struct apply *a, uint8_t what, uint32_t number)
{
    uint8_t bytes[5] = {what};
    weft_put_be32(bytes + 1, number);
    if (!a->has_chain) {
        uint8_t index[8];
        weft_put_be64(index, a->position.public.index);
        weft_sha256_init(&a->chain);
        weft_sha256_update(&a->chain, a->position.public.chain.bytes, WEFT_DIGEST_SIZE);
        weft_sha256_update(&a->chain, index, sizeof(index));
        a->has_chain = true;
    }
    weft_sha256_update(&a->chain, bytes, sizeof(bytes));
}

static void chain_end(struct apply *a)
{
    if (a->has_chain) {
        a->position.public.chain = weft_sha256_final(&a->chain);
        a->has_chain = false;
    }
}

/* --- the audit log --------------------------------------------------------------------------- */

/* `seed` NULL: the entry is no batch, and its leaves have the time of the last one. */
static enum weft_err audit_begin(struct apply *a, const uint8_t *seed)
{
    const struct weft_audit_entry entry = {.term = a->position.public.term,
        .index = a->position.public.index,
        .time_ns = seed != NULL ? a->time_ns : a->position.public.time_ns,
        .seed = seed};
    return weft_audit_begin(a->state->audit, &entry, a->state->batch, a->msg);
}

/* `statements`: of its records, as leaves of a tree, so that one of them can be shown alone. */
static enum weft_err audit_commit(
    struct apply *a, struct weft_text principal, const struct weft_merkle_range *statements)
{
    struct weft_digest evidence = weft_merkle_root(statements);
    struct weft_audit_act act = {.act = WEFT_AUDIT_ACT_COMMIT,
        .principal = principal,
        .effect = a->ground.is_decided ? WEFT_AUDIT_ALLOW : WEFT_AUDIT_NO_DECISION,
        .statement = a->ground.statement,
        .version = a->ground.version,
        .line = a->ground.line,
        .count = statements->size,
        .evidence = &evidence};
    if (weft_node_mutant(WEFT_NODE_MUTANT_LEAF_DIFFERS) && !a->with_results) {
        act.count++;
    }
    return weft_audit_add(a->state->audit, &act, a->state->batch, a->msg);
}

static enum weft_err audit_refusal(
    struct apply *a, struct weft_text principal, enum weft_policy_action action)
{
    char word[WEFT_AUDIT_WORD_SIZE_MAX + 1];
    (void)snprintf(
        word, sizeof(word), "%s%s", WEFT_AUDIT_ACT_REFUSED, weft_policy_action_name(action));
    const struct weft_audit_act act = {.act = word,
        .principal = principal,
        .effect = WEFT_AUDIT_DENY,
        .statement = a->ground.statement,
        .version = a->ground.version,
        .line = a->ground.line,
        .count = 1};
    return weft_audit_refuse(a->state->audit, &act, a->state->batch, a->msg);
}

/* --- answers --------------------------------------------------------------------------------- */

static struct weft_text keep_text(struct apply *a, struct weft_text text)
{
    return weft_arena_text(a->arena, text);
}

static void refuse(struct apply *a, struct weft_applied_item *item, enum weft_err err,
    const char *detail, const char *pointer, uint64_t present_rev)
{
    item->err = err;
    chain_add(a, CHAIN_REFUSED, (uint32_t)err);
    if (a->with_results) {
        item->error = (struct weft_error_answer){.err = err,
            .detail = keep_text(a, weft_text_of(detail)),
            .pointer = keep_text(a, weft_text_of(pointer)),
            .present_rev = present_rev,
            .index = a->position.public.index};
    }
}

static enum weft_err no_memory(struct apply *a)
{
    return weft_fail(
        a->msg, WEFT_ENOMEM, "apply entry %llu", (unsigned long long)a->position.public.index);
}

/* --- commits --------------------------------------------------------------------------------- */

static enum weft_err repeat(struct apply *a, const struct weft_commit *commit,
    struct weft_text principal, const struct weft_request_place *place,
    struct weft_applied_item *item)
{
    bool same;
    enum weft_err rv = weft_answer_is_same(a->state, place, commit, principal, &same, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (!same) {
        struct weft_msg detail;
        (void)weft_fail(&detail, WEFT_ECONFLICT,
            "this request id was used for another commit, which has index %llu: a new commit "
            "needs a new id",
            (unsigned long long)place->index);
        refuse(a, item, WEFT_ECONFLICT, detail.text, "/request_id", 0);
        return WEFT_OK;
    }
    chain_add(a, CHAIN_REPEATED, 0);
    if (!a->with_results) {
        item->result = (struct weft_commit_result){.request_id = commit->request_id,
            .index = place->index,
            .repeated = true,
            .receipt_count = place->record_count};
        return WEFT_OK;
    }
    return weft_answer_read(a->state, &commit->request_id, place, a->arena, &item->result, a->msg);
}

/* Does the policy in force permit it? NOD-145: before anything is told of what is there. */
static enum weft_err check_permit(struct apply *a, const struct weft_commit *commit,
    const struct weft_entry_item *entry_item, struct weft_applied_item *item, bool *ret_ok)
{
    struct weft_state *s = a->state;
    struct weft_denial denial;
    const struct weft_permit permit = {
        .authority = weft_authorities_at(s->authorities, a->position.public.index),
        .site = {(const char *)s->authority.data, s->authority.size},
        .principal = entry_item->principal,
        .warrant = entry_item->has_warrant ? &entry_item->warrant : NULL,
        .index = a->position.public.index,
        .item = item->item,
        .time_ns = a->time_ns,
        .with_text = a->with_results};
    enum weft_err rv = weft_permit_check(&permit, s->names, commit, &denial, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    a->ground = denial.ground;
    *ret_ok = !denial.is_denied;
    if (denial.is_denied) {
        s->denials.commits++;
        s->denials.by_action[denial.action]++;
        refuse(a, item, WEFT_EREFUSED, denial.detail.text, denial.pointer, 0);
        rv = audit_refusal(a, entry_item->principal, denial.action);
    }
    return rv;
}

/* Do its documents follow those in force (node/state/authorities.h)? */
static enum weft_err check_authority(
    struct apply *a, const struct weft_commit *commit, struct weft_applied_item *item, bool *ret_ok)
{
    struct weft_refusal refusal;
    const struct weft_state_position *p = &a->position.public;
    enum weft_err rv = weft_authorities_check(
        a->state->authorities, commit, p->index, a->time_ns, p->records == 0, &refusal, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (refusal.err != WEFT_OK) {
        refuse(a, item, refusal.err, refusal.detail.text, refusal.pointer, 0);
    }
    *ret_ok = refusal.err == WEFT_OK;
    return WEFT_OK;
}

/* May whoever commits be told what revision the asset has, and what else stands in the way of the
 * commit there? NOD-174: who may write need not be one who may read. */
static bool knows(struct apply *a, struct weft_text principal, struct weft_text asset)
{
    struct weft_state *s = a->state;
    const struct weft_permit permit = {
        .authority = weft_authorities_at(s->authorities, a->position.public.index),
        .site = {(const char *)s->authority.data, s->authority.size},
        .principal = principal,
        .index = a->position.public.index,
        .time_ns = a->time_ns};
    return !a->with_results || weft_permit_knows(&permit, asset);
}

/* What it would do to designs and to retired assets (node/state/govern.h). */
static enum weft_err check_design(struct apply *a, const struct weft_commit *commit,
    struct weft_text principal, struct weft_applied_item *item, bool *ret_ok)
{
    struct weft_refusal refusal;
    enum weft_err rv = weft_govern_check(a->state->govern, commit, a->time_ns, &refusal, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (refusal.err != WEFT_OK) {
        bool may_know = true; /* What is told may be of any asset that bears on the commit. */
        for (uint32_t i = 0; i < commit->record_count && may_know; i++) {
            may_know = knows(a, principal, commit->records[i].asset);
        }
        refuse(a, item, refusal.err,
            may_know ? refusal.detail.text : "what stands there does not allow it", refusal.pointer,
            0);
        return WEFT_OK;
    }
    *ret_ok = true;
    return WEFT_OK;
}

/* Look at every precondition before anything changes. *ret_names: where the records' assets
 * stand in weft_names, in the item's arena. *ret_ok false: the item is refused. */
static enum weft_err check_commit(struct apply *a, const struct weft_commit *commit,
    struct weft_text principal, struct weft_applied_item *item, uint32_t **ret_names, bool *ret_ok)
{
    *ret_ok = false;
    if (!weft_room_has(a->state, &a->position.public, a->ordinal, commit)) {
        refuse(a, item, WEFT_ETOOBIG,
            "the commit passes a limit of the state: 4 MiB stored, 65535 kinds, 65535 rels", "", 0);
        return WEFT_OK;
    }
    uint32_t *names =
        weft_arena_array(&a->state->stage.arena, commit->record_count, sizeof(*names));
    if (names == NULL) {
        return no_memory(a);
    }
    for (uint32_t i = 0; i < commit->record_count; i++) {
        const struct weft_record *record = &commit->records[i];
        enum weft_err rv = weft_names_find(a->state->names, record->asset, &names[i], a->msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        uint64_t rev = weft_names_at(a->state->names, names[i])->head.rev;
        if (weft_node_mutant(WEFT_NODE_MUTANT_EXPECT_STALE) && rev == a->position.public.index) {
            continue;
        }
        if (record->has_expect && record->expect_rev != rev) {
            struct weft_msg detail, pointer;
            (void)weft_fail(&detail, WEFT_ECONFLICT, "asset '%.*s' is at revision %llu, not %llu",
                (int)record->asset.size, record->asset.data, (unsigned long long)rev,
                (unsigned long long)record->expect_rev);
            (void)weft_fail(&pointer, WEFT_ECONFLICT, "/records/%u/expect/rev", i);
            bool may_know = knows(a, principal, record->asset);
            refuse(a, item, WEFT_ECONFLICT,
                may_know ? detail.text : "the asset is not at the revision that was expected",
                pointer.text, may_know ? rev : 0);
            return WEFT_OK;
        }
    }
    struct weft_models_refusal refusal;
    enum weft_err rv =
        weft_models_check(a->state->models, commit, a->position.public.index, &refusal, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (refusal.err != WEFT_OK) {
        refuse(a, item, refusal.err, refusal.detail.text, refusal.pointer, 0);
        return WEFT_OK;
    }
    *ret_names = names;
    bool ok;
    rv = check_authority(a, commit, item, &ok);
    return rv == WEFT_OK && ok ? check_design(a, commit, principal, item, ret_ok) : rv;
}

static enum weft_err accept(struct apply *a, const struct weft_commit *commit,
    struct weft_text principal, const uint32_t *names, struct weft_applied_item *item)
{
    struct weft_state *s = a->state;
    struct weft_receipt *receipts = NULL;
    struct weft_stage_context context = {.names = s->names,
        .feed = s->feed,
        .batch = s->batch,
        .place = {.authority = {(const char *)s->authority.data, s->authority.size},
            .authority_epoch = 1,
            .index = a->position.public.index,
            .time_ns = a->time_ns,
            .salt_seed = a->seed},
        .assets = &a->position.public.assets};
    if (a->with_results) {
        receipts = weft_arena_array(a->arena, commit->record_count, sizeof(*receipts));
        if (receipts == NULL) {
            return no_memory(a);
        }
    }
    struct weft_merkle_range statements = {0};
    chain_add(a, CHAIN_ACCEPTED, commit->record_count);
    for (uint32_t i = 0; i < commit->record_count; i++) {
        struct weft_record record = commit->records[i];
        struct weft_digest digest = {{0}};
        weft_answer_fill_in(&record, principal, a->time_ns);
        context.place.ordinal = a->ordinal + i;
        context.place.schema = weft_models_schema(s->models, record.kind, a->position.public.index);
        enum weft_err rv =
            weft_stage_record(&s->stage, &context, &record, names[i], &digest, a->msg);
        if (rv == WEFT_OK) {
            rv = weft_govern_note(s->govern, &s->stage, &record, a->msg);
        }
        struct weft_digest leaf = weft_merkle_leaf(digest.bytes, WEFT_DIGEST_SIZE);
        if (rv == WEFT_OK) {
            rv = weft_merkle_append(&statements, &leaf);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        weft_sha256_update(&a->chain, digest.bytes, WEFT_DIGEST_SIZE);
        if (receipts != NULL) { /* Asked for: with_results. */
            receipts[i] =
                (struct weft_receipt){keep_text(a, record.asset), a->position.public.index, digest};
            if (receipts[i].asset.data == NULL) {
                return no_memory(a);
            }
        }
    }
    item->result = (struct weft_commit_result){.request_id = commit->request_id,
        .index = a->position.public.index,
        .time_ns = a->time_ns,
        .receipts = receipts,
        .receipt_count = commit->record_count};
    weft_models_accept(s->models);
    weft_authorities_accept(s->authorities);
    a->position.public.records += commit->record_count;
    return audit_commit(a, principal, &statements);
}

static enum weft_err apply_commit(
    struct apply *a, const struct weft_entry_item *entry_item, struct weft_applied_item *item)
{
    struct weft_state *s = a->state;
    struct weft_commit commit;
    struct weft_msg detail = {{0}};
    weft_arena_reset(&s->stage.arena);
    enum weft_err rv = weft_commit_decode(entry_item->body, &s->stage.arena, &commit, &detail);
    if (rv == WEFT_ENOMEM) {
        return no_memory(a);
    }
    if (rv != WEFT_OK) {
        refuse(a, item, rv, detail.text, "", 0);
        return WEFT_OK;
    }
    item->result.request_id = commit.request_id;
    bool has_id = !weft_request_id_is_none(&commit.request_id);
    if (has_id) {
        struct weft_request_place place;
        rv = weft_requests_find(s->requests, &commit.request_id, &place, a->msg);
        if (rv == WEFT_OK) {
            return repeat(a, &commit, entry_item->principal, &place, item);
        }
        if (rv != WEFT_ENOTFOUND) {
            return rv;
        }
    }
    for (uint32_t i = 0; i < commit.record_count; i++) {
        weft_names_expect(a->state->names, commit.records[i].asset);
    }
    uint32_t *names;
    bool ok;
    rv = check_permit(a, &commit, entry_item, item, &ok);
    if (rv != WEFT_OK || !ok) {
        return rv;
    }
    rv = check_commit(a, &commit, entry_item->principal, item, &names, &ok);
    if (rv != WEFT_OK || !ok) {
        return rv;
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_COMMIT_HALF)) {
        commit.record_count = (commit.record_count + 1) / 2;
    }
    rv = accept(a, &commit, entry_item->principal, names, item);
    if (rv == WEFT_OK && has_id) {
        const struct weft_request_place place = {
            a->position.public.index, a->ordinal, commit.record_count};
        rv = weft_requests_add(s->requests, &commit.request_id, &place);
        if (rv != WEFT_OK) {
            return no_memory(a);
        }
    }
    a->ordinal += commit.record_count;
    return rv;
}

/* --- entries --------------------------------------------------------------------------------- */

static enum weft_err bad_entry(struct apply *a, const char *why)
{
    return weft_fail(
        a->msg, WEFT_ECORRUPT, "entry %llu %s", (unsigned long long)a->position.public.index, why);
}

static enum weft_err apply_command(struct apply *a, struct weft_bytes data)
{
    struct weft_entry_reader reader;
    weft_assert(((uintptr_t)data.data & 7) == 0); /* NOD-102: names are borrowed from it */
    if (weft_entry_open(data, &reader) != WEFT_OK) {
        return bad_entry(a, "is not a batch of requests");
    }
    int64_t last_ns = a->position.public.time_ns;
    if (last_ns == INT64_MAX) {
        return bad_entry(a, "comes after the end of time");
    }
    /* NOD-2: a new leader's clock may be behind the old one's. Refusing its entries would stop
     * every node of the site for good; all replicas lift them alike. */
    a->time_ns = reader.time_ns > last_ns ? reader.time_ns : last_ns + 1;
    a->seed = reader.salt_seed;
    a->ordinal = 0;
    struct weft_entry_item entry_item;
    enum weft_err rv = audit_begin(a, a->seed);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_FOLLOWER_SKIPS) && !a->with_results &&
        a->position.public.index % 8 == 0) {
        return WEFT_OK;
    }
    for (uint32_t i = 0; (rv = weft_entry_next(&reader, &entry_item)) == WEFT_OK; i++) {
        struct weft_applied_item *item = &a->items[a->item_count++];
        *item = (struct weft_applied_item){
            .entry_index = a->position.public.index, .item = i, .type = entry_item.type};
        switch (entry_item.type) {
        case WEFT_ITEM_COMMIT:
            rv = apply_commit(a, &entry_item, item);
            break;
        case WEFT_ITEM_DIGEST:
            chain_add(a, CHAIN_DIGEST, 0);
            break;
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    if (rv != WEFT_ENOTFOUND) {
        return bad_entry(a, "has a damaged item");
    }
    a->position.public.time_ns = a->time_ns;
    rv = weft_stage_end_entry(&a->state->stage, a->seed, a->state->batch, a->msg);
    if (rv == WEFT_OK && weft_requests_end_entry(a->state->requests, a->state->batch) != WEFT_OK) {
        rv = no_memory(a);
    }
    return rv;
}

static enum weft_err apply_change(struct apply *a, struct weft_bytes data)
{
    struct weft_state *s = a->state;
    weft_buffer_clear(&s->configuration);
    if (weft_buffer_append(&s->configuration, data.data, data.size) != WEFT_OK) {
        return no_memory(a);
    }
    struct weft_key key = weft_key_single(WEFT_KEY_CONFIGURATION);
    weft_store_batch_put(s->batch, &key, data.data, data.size);
    chain_add(a, CHAIN_CHANGE, (uint32_t)data.size);
    weft_sha256_update(&a->chain, data.data, data.size);
    a->position.public.conf_index = a->position.public.index;
    struct weft_digest evidence = weft_sha256(data.data, data.size);
    const struct weft_audit_act act = {
        .act = WEFT_AUDIT_ACT_MEMBERS, .count = 1, .evidence = &evidence};
    enum weft_err rv = audit_begin(a, NULL);
    return rv == WEFT_OK ? weft_audit_add(s->audit, &act, s->batch, a->msg) : rv;
}

static enum weft_err apply_entry(struct apply *a, const struct weft_log_entry *entry)
{
    struct weft_state_position *p = &a->position.public;
    if (weft_node_mutant(WEFT_NODE_MUTANT_CHECKPOINT_BEHIND) && entry->index == p->index) {
        p->index--;
    }
    if (entry->index != p->index + 1 || entry->index > WEFT_STATE_INDEX_MAX) {
        return weft_fail(a->msg, WEFT_ECORRUPT, "entry %llu does not follow entry %llu",
            (unsigned long long)entry->index, (unsigned long long)p->index);
    }
    if (entry->term < p->term) {
        return weft_fail(a->msg, WEFT_ECORRUPT, "entry %llu is of term %llu, after term %llu",
            (unsigned long long)entry->index, (unsigned long long)entry->term,
            (unsigned long long)p->term);
    }
    p->index = entry->index;
    p->term = entry->term;
    enum weft_err rv = WEFT_OK;
    switch (entry->type) {
    case WEFT_ENTRY_COMMAND:
        rv = apply_command(a, entry->data);
        break;
    case WEFT_ENTRY_BARRIER:
        rv = audit_begin(a, NULL);
        break;
    case WEFT_ENTRY_CHANGE:
        rv = apply_change(a, entry->data);
        break;
    }
    weft_audit_end(a->state->audit, a->state->batch);
    chain_end(a);
    return rv;
}

/* Heads of the assets that changed, and the position: once per apply, whatever it held. */
static void put_heads(struct apply *a)
{
    struct weft_state *s = a->state;
    for (uint32_t i = 0; i < weft_names_count(s->names); i++) {
        const struct weft_name *name = weft_names_at(s->names, i);
        if (name->is_changed) {
            uint8_t head[WEFT_HEAD_SIZE_MAX];
            size_t size = weft_head_encode(&name->head, head);
            struct weft_key key = weft_key_name(name->text);
            weft_store_batch_put(s->batch, &key, head, size);
        }
    }
    a->position.window = *weft_requests_window(s->requests);
    uint8_t position[WEFT_POSITION_SIZE];
    weft_position_encode(&a->position, position);
    if (weft_node_mutant(WEFT_NODE_MUTANT_APPLY_TWICE)) {
        weft_position_encode(&s->position, position);
    }
    struct weft_key key = weft_key_single(WEFT_KEY_POSITION);
    weft_store_batch_put(s->batch, &key, position, sizeof(position));
    weft_audit_put(s->audit, s->batch);
}

static size_t count_items(const struct weft_log_entry *entries, uint32_t entry_count)
{
    size_t count = 0;
    for (uint32_t i = 0; i < entry_count; i++) {
        struct weft_entry_reader reader;
        if (entries[i].type == WEFT_ENTRY_COMMAND &&
            weft_entry_open(entries[i].data, &reader) == WEFT_OK) {
            count += reader.left;
        }
    }
    return count;
}

static enum weft_err apply_entries(
    struct apply *a, const struct weft_log_entry *entries, uint32_t entry_count)
{
    a->items = weft_arena_array(a->arena, count_items(entries, entry_count), sizeof(*a->items));
    if (a->items == NULL) {
        return no_memory(a);
    }
    for (uint32_t i = 0; i < entry_count; i++) {
        enum weft_err rv = apply_entry(a, &entries[i]);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    put_heads(a);
    weft_failpoint(WEFT_FAILPOINT_APPLY);
    enum weft_err rv = weft_store_write(a->state->store, a->state->batch, a->msg);
    weft_failpoint(WEFT_FAILPOINT_APPLIED);
    return rv;
}

static uint32_t first_of_pack(void *ctx, uint32_t record)
{
    const struct weft_stage *stage = ctx;
    weft_assert(record < stage->count); /* NOD-110 */
    return stage->records[record].first;
}

enum weft_err weft_state_apply(struct weft_state *state, const struct weft_log_entry *entries,
    uint32_t entry_count, bool with_results, struct weft_arena *arena,
    struct weft_applied_item **ret_items, uint32_t *ret_count, struct weft_msg *msg)
{
    if (state->has_failed || state->is_read_only) {
        return weft_fail(msg, WEFT_ESTATE,
            state->is_read_only ? "the state is open for reading alone"
                                : "an apply failed before: the state must be opened anew");
    }
    struct apply a = {.state = state,
        .position = state->position,
        .with_results = with_results,
        .arena = arena,
        .msg = msg};
    enum weft_err rv = entry_count > 0 ? apply_entries(&a, entries, entry_count) : WEFT_OK;
    if (rv != WEFT_OK) {
        state->has_failed = true;
        return weft_wrap(msg, rv, "apply");
    }
    if (!weft_feed_publish(state->feed, first_of_pack, &state->stage)) {
        weft_shelf_clear(&state->shelf); /* Its traces hold what was given up. */
    }
    weft_names_settle(state->names);
    weft_requests_settle(state->requests);
    weft_govern_settle(state->govern);
    weft_stage_clear(&state->stage);
    state->position = a.position;
    state->position.public.configuration =
        (struct weft_bytes){state->configuration.data, state->configuration.size};
    *ret_items = a.items;
    *ret_count = a.item_count;
    return WEFT_OK;
}

bool weft_state_is_marker(const struct weft_log_entry *entry)
{
    struct weft_entry_reader reader;
    struct weft_entry_item item;
    if (entry->type != WEFT_ENTRY_COMMAND || weft_entry_open(entry->data, &reader) != WEFT_OK) {
        return false;
    }
    while (weft_entry_next(&reader, &item) == WEFT_OK) {
        if (item.type == WEFT_ITEM_DIGEST) {
            return true;
        }
    }
    return false;
}

enum weft_err weft_state_find_request(struct weft_state *state, const struct weft_request_id *id,
    struct weft_arena *arena, struct weft_commit_result *ret_result, struct weft_msg *msg)
{
    struct weft_request_place place;
    if (state->is_read_only || weft_request_id_is_none(id)) {
        return WEFT_ENOTFOUND;
    }
    enum weft_err rv = weft_requests_find(state->requests, id, &place, msg);
    return rv == WEFT_OK ? weft_answer_read(state, id, &place, arena, ret_result, msg) : rv;
}
