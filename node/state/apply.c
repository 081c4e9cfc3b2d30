
#include "node/mutant.h"
#include "node/state/answer.h"
#include "node/state/apply_parts.h"
#include "node/state/notice.h"
#include "node/state/redaction.h"
#include "node/state/runs.h"
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
    CHAIN_NOTICE = 6,
    CHAIN_READS = 7,
    CHAIN_STREAM = 8,
};

/* --- the chain ------------------------------------------------------------------------------- */

static void chain_add(struct weft_apply *a, uint8_t what, uint32_t number)
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

static void chain_end(struct weft_apply *a)
{
    if (a->has_chain) {
        a->position.public.chain = weft_sha256_final(&a->chain);
        a->has_chain = false;
    }
}

/* --- the audit log --------------------------------------------------------------------------- */

/* `seed` NULL: the entry is no batch, and its leaves have the time of the last one. */
static enum weft_err audit_begin(struct weft_apply *a, const uint8_t *seed)
{
    const struct weft_audit_entry entry = {.term = a->position.public.term,
        .index = a->position.public.index,
        .time_ns = seed != NULL ? a->time_ns : a->position.public.time_ns,
        .seed = seed};
    return weft_audit_begin(a->state->audit, &entry, a->state->batch, a->msg);
}

struct weft_audit_acts weft_apply_acts(const struct weft_apply *a)
{
    return (struct weft_audit_acts){
        a->state->audit, a->state->batch, a->principal, a->ground, a->msg};
}

/* --- answers --------------------------------------------------------------------------------- */

void weft_apply_refuse(struct weft_apply *a, struct weft_applied_item *item, enum weft_err err,
    const char *detail, const char *pointer, uint64_t present_rev)
{
    item->err = err;
    chain_add(a, CHAIN_REFUSED, (uint32_t)err);
    if (a->with_results) {
        item->error = (struct weft_error_answer){.err = err,
            .detail = weft_arena_text(a->arena, weft_text_of(detail)),
            .pointer = weft_arena_text(a->arena, weft_text_of(pointer)),
            .present_rev = present_rev,
            .index = a->position.public.index};
    }
}

enum weft_err weft_apply_no_memory(struct weft_apply *a)
{
    return weft_fail(
        a->msg, WEFT_ENOMEM, "apply entry %llu", (unsigned long long)a->position.public.index);
}

/* --- commits --------------------------------------------------------------------------------- */

static enum weft_err repeat(struct weft_apply *a, const struct weft_commit *commit,
    const struct weft_request_place *place, struct weft_applied_item *item)
{
    bool same;
    enum weft_err rv = weft_answer_is_same(a->state, place, commit, a->principal, &same, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (!same) {
        struct weft_msg detail;
        (void)weft_fail(&detail, WEFT_ECONFLICT,
            "this request id was used for another commit, which has index %llu: a new commit "
            "needs a new id",
            (unsigned long long)place->index);
        weft_apply_refuse(a, item, WEFT_ECONFLICT, detail.text, "/request_id", 0);
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

/* What the commit redacts is destroyed with it. */
static enum weft_err redact(struct weft_apply *a, const struct weft_commit *commit,
    const uint32_t *names, struct weft_applied_item *item, bool *ret_ok)
{
    struct weft_state *s = a->state;
    struct weft_refusal refusal;
    const struct weft_redact redact = {s->store, s->names, s->batch, a->position.public.index,
        a->time_ns, !a->may_redact || a->has_redacted, &a->state->stage.arena, a->msg};
    enum weft_err rv = weft_redact_run(
        &redact, commit, weft_names_at(s->names, names[0])->head.id, &a->redacted, &refusal);
    *ret_ok = rv == WEFT_OK && refusal.err == WEFT_OK;
    if (rv == WEFT_OK && refusal.err != WEFT_OK) {
        weft_apply_refuse(a, item, refusal.err, refusal.detail.text, refusal.pointer, 0);
    } else if (a->redacted.count > 0) {
        a->has_redacted = true;
        s->redacted_index = a->position.public.index;
    }
    return rv;
}

/* Of the commit's records the first `own` are what was asked for, and answered. */
static enum weft_err accept(struct weft_apply *a, const struct weft_commit *commit, uint32_t own,
    const uint32_t *names, struct weft_applied_item *item)
{
    struct weft_state *s = a->state;
    struct weft_receipt *receipts = NULL;
    struct weft_stage_context context = {.names = s->names,
        .feed = s->feed,
        .batch = s->batch,
        .place = {.authority = {(const char *)s->authority.data, s->authority.size},
            .authority_epoch = weft_epochs_at(&s->epochs, a->position.public.index),
            .index = a->position.public.index,
            .time_ns = a->time_ns,
            .salt_seed = a->seed},
        .assets = &a->position.public.assets};
    if (a->with_results) {
        receipts = weft_arena_array(a->arena, own, sizeof(*receipts));
        if (receipts == NULL) {
            return weft_apply_no_memory(a);
        }
    }
    struct weft_merkle_range statements = {0};
    chain_add(a, CHAIN_ACCEPTED, commit->record_count);
    for (uint32_t i = 0; i < commit->record_count; i++) {
        struct weft_record record = commit->records[i];
        struct weft_digest digest = {{0}};
        weft_answer_fill_in(&record, a->principal, a->time_ns);
        context.place.ordinal = a->ordinal + i;
        context.place.schema = weft_models_schema(s->models, record.kind, a->position.public.index);
        struct weft_statement statement;
        const bool is_open = weft_streams_are_open(s->streams);
        enum weft_err rv = weft_stage_record(
            &s->stage, &context, &record, names[i], &digest, is_open ? &statement : NULL, a->msg);
        if (rv == WEFT_OK) {
            rv = weft_govern_note(s->govern, &s->stage, &record, a->msg);
        }
        if (rv == WEFT_OK && is_open) {
            struct weft_statement_place place = context.place;
            place.previous = statement.header.previous;
            rv = weft_apply_export(
                a, &record, &place, &statement, weft_names_at(s->names, names[i])->head.id);
        }
        struct weft_digest leaf = weft_merkle_leaf(digest.bytes, WEFT_DIGEST_SIZE);
        if (rv == WEFT_OK) {
            rv = weft_merkle_append(&statements, &leaf);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        weft_sha256_update(&a->chain, digest.bytes, WEFT_DIGEST_SIZE);
        weft_commands_hear(s->commands, &record);
        if (receipts != NULL && i < own) { /* Asked for: with_results. */
            receipts[i] = (struct weft_receipt){
                weft_arena_text(a->arena, record.asset), a->position.public.index, digest};
            if (receipts[i].asset.data == NULL) {
                return weft_apply_no_memory(a);
            }
        }
    }
    item->result = (struct weft_commit_result){.request_id = commit->request_id,
        .index = a->position.public.index,
        .time_ns = a->time_ns,
        .receipts = receipts,
        .receipt_count = own};
    weft_models_accept(s->models);
    weft_authorities_accept(s->authorities);
    a->position.public.records += commit->record_count;
    struct weft_audit_acts acts = weft_apply_acts(a);
    if (weft_node_mutant(WEFT_NODE_MUTANT_LEAF_DIFFERS) && !a->with_results) {
        acts.principal = (struct weft_text){NULL, 0};
    }
    enum weft_err rv = weft_audit_acts_commit(&acts, &statements);
    if (rv == WEFT_OK && a->redacted.count > 0) {
        rv = weft_audit_acts_redacted(&acts, &a->redacted);
        rv = rv == WEFT_OK ? weft_apply_erase(a, &a->redacted) : rv;
    }
    rv = rv == WEFT_OK ? weft_audit_acts_authority(&acts, commit) : rv;
    rv = rv == WEFT_OK ? weft_apply_accept_agreement(a) : rv;
    return rv == WEFT_OK ? weft_commands_accept(s->commands, s->audit, s->batch, a->msg) : rv;
}

/* What a node tells the audit log: a leaf, and no record. */
static enum weft_err apply_notice(
    struct weft_apply *a, const struct weft_commit *commit, struct weft_applied_item *item)
{
    struct weft_state *s = a->state;
    struct weft_notice notice;
    struct weft_msg detail = {{0}};
    const struct weft_text site = {(const char *)s->authority.data, s->authority.size};
    enum weft_err err = weft_notice_read(commit, a->principal, site, &notice, &detail);
    if (err != WEFT_OK) {
        weft_apply_refuse(a, item, err, detail.text, "/records", 0);
        return WEFT_OK;
    }
    chain_add(a, CHAIN_NOTICE, 0);
    item->result.index = a->position.public.index;
    item->result.time_ns = a->time_ns;
    const struct weft_audit_acts acts = weft_apply_acts(a);
    return weft_audit_acts_notice(&acts, &notice);
}

static enum weft_err apply_commit(
    struct weft_apply *a, const struct weft_entry_item *entry_item, struct weft_applied_item *item)
{
    struct weft_state *s = a->state;
    struct weft_commit commit;
    struct weft_msg detail = {{0}};
    a->principal = entry_item->principal;
    a->ground = (struct weft_ground){.is_decided = false};
    weft_arena_reset(&s->stage.arena);
    enum weft_err rv = weft_commit_decode(entry_item->body, &s->stage.arena, &commit, &detail);
    if (rv == WEFT_ENOMEM) {
        return weft_apply_no_memory(a);
    }
    if (rv != WEFT_OK) {
        weft_apply_refuse(a, item, rv, detail.text, "", 0);
        return WEFT_OK;
    }
    item->result.request_id = commit.request_id;
    if (weft_notice_is(&commit)) {
        return apply_notice(a, &commit, item);
    }
    bool has_id = !weft_request_id_is_none(&commit.request_id);
    if (has_id) {
        struct weft_request_place place;
        rv = weft_requests_find(s->requests, &commit.request_id, &place, a->msg);
        if (rv == WEFT_OK) {
            return repeat(a, &commit, &place, item);
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
    rv = weft_apply_check_permit(a, &commit, entry_item, item, &ok);
    if (rv != WEFT_OK || !ok) {
        return rv;
    }
    rv = weft_apply_check_commit(a, &commit, item, &names, &ok);
    if (rv == WEFT_OK && ok) {
        rv = redact(a, &commit, names, item, &ok);
    }
    if (rv != WEFT_OK || !ok) {
        return rv;
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_COMMIT_HALF)) {
        commit.record_count = (commit.record_count + 1) / 2;
    }
    uint32_t own = commit.record_count;
    rv = weft_apply_follow(a, &commit, &names);
    rv = rv == WEFT_OK ? accept(a, &commit, own, names, item) : rv;
    if (rv == WEFT_OK && has_id) {
        const struct weft_request_place place = {a->position.public.index, a->ordinal, own};
        rv = weft_requests_add(s->requests, &commit.request_id, &place);
        if (rv != WEFT_OK) {
            return weft_apply_no_memory(a);
        }
    }
    a->ordinal += commit.record_count;
    return rv;
}

/* What the principal read of labelled records, as the node says that answers him next: NOD-182. */
static enum weft_err apply_reads(struct weft_apply *a, struct weft_bytes body,
    struct weft_text principal, struct weft_applied_item *item)
{
    struct weft_read_report report;
    enum weft_err err = weft_read_report_decode(body, &report);
    if (err != WEFT_OK) {
        weft_apply_refuse(a, item, err, "not a report of reads", "", 0);
        return WEFT_OK;
    }
    chain_add(a, CHAIN_READS, (uint32_t)body.size);
    weft_sha256_update(&a->chain, body.data, body.size);
    item->result.index = a->position.public.index;
    item->result.time_ns = a->time_ns;
    a->principal = principal;
    const struct weft_audit_acts acts = weft_apply_acts(a);
    return weft_audit_acts_reads(&acts, &report);
}

/* Of a partner, or to be done with a stream. What came of it follows from what it says. */
static enum weft_err apply_stream(
    struct weft_apply *a, const struct weft_entry_item *entry_item, struct weft_applied_item *item)
{
    bool is_done;
    enum weft_err rv = weft_apply_stream(a, entry_item, item, &is_done);
    if (rv == WEFT_OK && is_done) {
        const struct weft_digest body = weft_sha256(entry_item->body.data, entry_item->body.size);
        chain_add(a, CHAIN_STREAM, (uint32_t)entry_item->body.size);
        weft_sha256_update(&a->chain, body.bytes, WEFT_DIGEST_SIZE);
    }
    return rv;
}

/* --- entries --------------------------------------------------------------------------------- */

static enum weft_err bad_entry(struct weft_apply *a, const char *why)
{
    return weft_fail(
        a->msg, WEFT_ECORRUPT, "entry %llu %s", (unsigned long long)a->position.public.index, why);
}

static enum weft_err apply_command(struct weft_apply *a, struct weft_bytes data)
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
    a->has_redacted = false;
    struct weft_entry_item entry_item;
    enum weft_err rv = audit_begin(a, a->seed);
    if (rv == WEFT_OK) {
        const struct weft_audit_acts acts = {
            .audit = a->state->audit, .batch = a->state->batch, .msg = a->msg};
        rv = weft_audit_acts_clock(&acts, last_ns, reader.time_ns);
    }
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
        case WEFT_ITEM_READS:
            rv = apply_reads(a, entry_item.body, entry_item.principal, item);
            break;
        case WEFT_ITEM_STREAM:
            rv = apply_stream(a, &entry_item, item);
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
        rv = weft_apply_no_memory(a);
    }
    return rv;
}

static enum weft_err apply_change(struct weft_apply *a, struct weft_bytes data)
{
    struct weft_state *s = a->state;
    weft_buffer_clear(&s->configuration);
    if (weft_buffer_append(&s->configuration, data.data, data.size) != WEFT_OK) {
        return weft_apply_no_memory(a);
    }
    struct weft_key key = weft_key_single(WEFT_KEY_CONFIGURATION);
    weft_store_batch_put(s->batch, &key, data.data, data.size);
    chain_add(a, CHAIN_CHANGE, (uint32_t)data.size);
    weft_sha256_update(&a->chain, data.data, data.size);
    a->position.public.conf_index = a->position.public.index;
    const struct weft_audit_acts acts = {.audit = s->audit, .batch = s->batch, .msg = a->msg};
    enum weft_err rv = audit_begin(a, NULL);
    return rv == WEFT_OK ? weft_audit_acts_members(&acts, data) : rv;
}

static enum weft_err apply_entry(struct weft_apply *a, const struct weft_log_entry *entry)
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
    return rv == WEFT_OK ? weft_cells_end_entry(a->state->cells, a->msg) : rv;
}

/* Heads of the assets that changed, and the position: once per apply, whatever it held. */
static void put_heads(struct weft_apply *a)
{
    struct weft_state *s = a->state;
    weft_names_put(s->names, s->batch);
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

/* The batch is written: the store holds everything. */
static void settle(struct weft_apply *a)
{
    struct weft_state *s = a->state;
    if (!weft_feed_publish(s->feed, weft_stage_first_of_pack, &s->stage)) {
        weft_shelf_clear(&s->shelf); /* Its traces hold what was given up. */
    }
    weft_names_settle(s->names);
    weft_requests_settle(s->requests);
    weft_govern_settle(s->govern);
    weft_commands_settle(s->commands);
    weft_cells_settle(s->cells);
    weft_streams_settle(s->streams);
    weft_stage_clear(&s->stage);
    if (a->may_redact) {
        weft_packs_forget(s->packs);
    }
    s->position = a->position;
    s->position.public.configuration =
        (struct weft_bytes){s->configuration.data, s->configuration.size};
}

static enum weft_err apply_entries(
    struct weft_apply *a, const struct weft_log_entry *entries, uint32_t entry_count)
{
    a->items = weft_arena_array(a->arena, weft_runs_items(entries, entry_count), sizeof(*a->items));
    if (a->items == NULL) {
        return weft_apply_no_memory(a);
    }
    for (uint32_t done = 0; done < entry_count;) {
        uint32_t run = weft_runs_next(entries + done, entry_count - done);
        uint32_t end = done + (run > 0 ? run : 1);
        a->is_alone = run == 0;
        a->may_redact = a->is_alone && weft_redaction_may_be(entries[done].data);
        enum weft_err rv = WEFT_OK;
        for (; rv == WEFT_OK && done < end; done++) {
            rv = apply_entry(a, &entries[done]);
        }
        rv = rv == WEFT_OK ? weft_commands_put(a->state->commands, a->state->batch, a->msg) : rv;
        rv = rv == WEFT_OK ? weft_cells_put(a->state->cells, a->msg) : rv;
        rv = rv == WEFT_OK ? weft_streams_put(a->state->streams, a->state->batch, a->msg) : rv;
        if (rv == WEFT_OK) {
            put_heads(a);
            weft_stage_note(&a->state->stage, a->state->histories);
            weft_failpoint(WEFT_FAILPOINT_APPLY);
            rv = weft_store_write(a->state->store, a->state->batch, a->msg);
            weft_failpoint(WEFT_FAILPOINT_APPLIED);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        settle(a);
    }
    return weft_streams_refresh(a->state->streams, weft_state_authority(a->state), a->msg);
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
    struct weft_apply a = {.state = state,
        .position = state->position,
        .with_results = with_results,
        .arena = arena,
        .msg = msg};
    enum weft_err rv = entry_count > 0 ? apply_entries(&a, entries, entry_count) : WEFT_OK;
    if (rv != WEFT_OK) {
        state->has_failed = true;
        return weft_wrap(msg, rv, "apply");
    }
    *ret_items = a.items;
    *ret_count = a.item_count;
    return WEFT_OK;
}
