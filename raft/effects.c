#include "raft/replica_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/check.h"
#include "raft/failpoint.h"
#include "raft/mutant.h"

enum weft_err weft_replica_fail(struct weft_replica *r, enum weft_err err)
{
    r->failed = err;
    return err;
}

void weft_replica_alarm(struct weft_replica *r, const char *event, const char *detail)
{
    r->alarms++;
    r->io.on_alarm(r->io.ctx, event, detail);
}

bool weft_replica_is_leader(const struct weft_replica *r)
{
    return weft_core_state(r->core) == WEFT_CORE_LEADER;
}

uint64_t weft_replica_leader(const struct weft_replica *r)
{
    switch (weft_core_state(r->core)) {
    case WEFT_CORE_LEADER:
        return r->options.id;
    case WEFT_CORE_CANDIDATE:
        return 0;
    case WEFT_CORE_FOLLOWER:
        /* The library keeps naming the leader of an older term. */
        return r->leader_term == weft_core_term(r->core) &&
                       weft_core_leader(r->core) == r->leader_id
                   ? r->leader_id
                   : 0;
    }
    weft_unreachable("three states");
}

/* Terms never fall along the log, and nothing above ours is in it: an entry of our term is
 * committed exactly if the last committed one is of our term. */
bool weft_replica_is_term_committed(const struct weft_replica *r)
{
    uint64_t commit = weft_core_commit_index(r->core);
    return commit > 0 && r->log->engine->term_of(r->log, commit) == weft_core_term(r->core);
}

void weft_replica_send(struct weft_replica *r, uint64_t to, struct weft_peer_message *message)
{
    struct weft_peer_header *h = &message->header;
    h->cluster = r->options.cluster;
    h->sender = r->options.id;
    h->incarnation = r->options.incarnation;
    h->term = weft_core_term(r->core);
    weft_guard_sent(weft_guard_peer(&r->guard, to), message);
    r->io.send(r->io.ctx, to, message);
}

void weft_replica_answer(struct weft_replica *r, const struct weft_peer_header *request,
    struct weft_peer_message *message)
{
    message->header.request_term = request->term;
    message->header.request_sequence = request->sequence;
    message->header.request_incarnation = request->incarnation;
    weft_replica_send(r, request->sender, message);
}

static enum weft_err persist_term(struct weft_replica *r, struct weft_msg *msg)
{
    uint64_t term = weft_core_term(r->core);
    uint64_t vote = weft_core_voted_for(r->core);
    if (term == r->durable_term && vote == r->durable_vote) {
        return WEFT_OK;
    }
    weft_assert(term >= r->durable_term); /* RFT-3 */
    weft_failpoint(WEFT_FAILPOINT_VOTE_PERSIST);
    if (!weft_mutant(WEFT_MUTANT_VOTE_NOT_PERSISTED)) {
        enum weft_err rv = r->log->engine->set_term(r->log, term, vote, msg);
        if (rv != WEFT_OK) {
            return weft_wrap(msg, rv, "term %" PRIu64, term);
        }
    }
    r->durable_term = term;
    r->durable_vote = vote;
    return WEFT_OK;
}

/* How many entries the library may send ahead: as many as are bytes enough, small ones by the
 * hundred when a follower catches up, large ones a few. */
static void adapt_inflight(struct weft_replica *r, const struct weft_core_update *update)
{
    for (uint32_t i = 0; i < update->entry_count; i++) {
        uint64_t size = update->entries[i].data.size + 64;
        r->average_bytes = (7 * r->average_bytes + size + 7) / 8;
    }
    uint64_t entries = WEFT_REPLICA_SENT_BYTES_MAX / (r->average_bytes + 1);
    if (entries > WEFT_APPEND_ENTRIES_MAX) {
        entries = WEFT_APPEND_ENTRIES_MAX;
    }
    if (entries < r->options.inflight_max) {
        entries = r->options.inflight_max;
    }
    if (entries != r->core_inflight) {
        r->core_inflight = (uint32_t)entries;
        weft_core_set_inflight(r->core, r->core_inflight);
    }
}

static enum weft_err store_entries(
    struct weft_replica *r, const struct weft_core_update *update, struct weft_msg *msg)
{
    const struct weft_log_engine *engine = r->log->engine;
    uint64_t last = engine->last_index(r->log);
    uint64_t index = update->entries_index;
    enum weft_err rv = WEFT_OK;
    r->read_index = 0;
    if (index > last + 1) { /* RFT-5 */
        return weft_fail(msg, WEFT_ECORRUPT,
            "the core appends at %" PRIu64 ", the log ends at %" PRIu64, index, last);
    }
    if (index <= last) {
        if (index <= r->handed_index) { /* RFT-6 */
            return weft_fail(
                msg, WEFT_ECORRUPT, "entry %" PRIu64 " was applied and is to be replaced", index);
        }
        rv = engine->truncate(r->log, index, msg);
        if (rv != WEFT_OK) {
            return weft_wrap(msg, rv, "truncate log at %" PRIu64, index);
        }
    }
    rv = engine->append(r->log, index, update->entries, update->entry_count, msg);
    if (rv != WEFT_OK && !weft_mutant(WEFT_MUTANT_DISK_ERROR_IGNORED)) {
        return weft_wrap(msg, rv, "append log entry %" PRIu64, index);
    }
    adapt_inflight(r, update);
    return WEFT_OK;
}

/* Entries index.. of the log, into r->read; a repeated question is answered from there. */
static enum weft_err read_entries(
    struct weft_replica *r, uint64_t index, uint32_t wanted, struct weft_msg *msg)
{
    if (r->read_index == index && r->read_wanted == wanted) {
        return WEFT_OK;
    }
    r->read_index = 0;
    enum weft_err rv = r->log->engine->read(
        r->log, index, WEFT_REPLICA_READ_BYTES, wanted, r->read, &r->read_count, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    for (uint32_t i = 0; i < r->read_count; i++) {
        weft_assert(r->read[i].index == index + i);
        r->out[i] = (struct weft_peer_entry){r->read[i].term, r->read[i].type, r->read[i].data};
    }
    r->read_index = index;
    r->read_wanted = wanted;
    return WEFT_OK;
}

/* Put the entries into an AppendEntries of the core's; more than one message holds is sent in
 * several. What is over the byte budget is left out: the follower's next answer brings it. */
static enum weft_err send_append(
    struct weft_replica *r, const struct weft_core_message *message, struct weft_msg *msg)
{
    struct weft_peer_message m = message->message;
    struct weft_append_entries *a = &m.append_entries;
    uint32_t left = a->entry_count;
    size_t sent_bytes = 0;
    while (left > 0 && sent_bytes < WEFT_REPLICA_SENT_BYTES_MAX) {
        uint32_t wanted = left < WEFT_APPEND_ENTRIES_MAX ? left : WEFT_APPEND_ENTRIES_MAX;
        enum weft_err rv = read_entries(r, a->prev_log_index + 1, wanted, msg);
        if (rv == WEFT_ENOTFOUND) { /* RFT-31: the core remembers more than we kept. */
            a->entry_count = 0;     /* It still is a heartbeat. */
            weft_replica_send(r, message->to, &m);
            return weft_replica_offer(r, message->to, msg);
        }
        if (rv != WEFT_OK) {
            return weft_wrap(msg, rv, "read log entry %" PRIu64, a->prev_log_index + 1);
        }
        a->entries = r->out;
        a->entry_count = r->read_count;
        weft_replica_send(r, message->to, &m);
        for (uint32_t i = 0; i < r->read_count; i++) {
            sent_bytes += r->out[i].data.size;
        }
        a->prev_log_index += r->read_count;
        a->prev_log_term = r->out[r->read_count - 1].term;
        left -= r->read_count;
    }
    if (a->entries == NULL) {
        weft_replica_send(r, message->to, &m);
    }
    return WEFT_OK;
}

/* RFT-24: results name the request that they answer; without one they are not sent. */
static void send_result(struct weft_replica *r, const struct weft_core_message *message)
{
    struct weft_peer_message m = message->message;
    const struct weft_peer_header *request = &r->request;
    if (m.kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        struct weft_append_entries_result *a = &m.append_entries_result;
        request = &r->append_request;
        if (request->term != weft_core_term(r->core)) {
            return;
        }
        if (r->io.get_chain != NULL) {
            r->io.get_chain(r->io.ctx, &a->applied_index, &a->applied_chain);
        }
    }
    if (request->sender == message->to && request->sequence != 0) {
        weft_replica_answer(r, request, &m);
    }
}

/* RFT-30: the library says TimeoutNow to a follower that lags, which ignores it, and says it
 * only once. It is held back until the follower has everything. */
static bool hold_transfer(struct weft_replica *r, const struct weft_core_message *message)
{
    uint64_t match = weft_core_match_index(r->core, message->to);
    if (match >= weft_core_last_index(r->core) || weft_mutant(WEFT_MUTANT_NO_TRANSFER_HOLD)) {
        return false;
    }
    r->has_held = true;
    r->held = *message;
    return true;
}

static enum weft_err send_one(
    struct weft_replica *r, const struct weft_core_message *message, struct weft_msg *msg)
{
    struct weft_peer_message m = message->message;
    if (m.kind == WEFT_KIND_APPEND_ENTRIES) {
        return send_append(r, message, msg);
    }
    if (m.kind == WEFT_KIND_INSTALL_SNAPSHOT) {
        return weft_replica_offer(r, message->to, msg);
    }
    if (m.kind == WEFT_KIND_REQUEST_VOTE_RESULT || m.kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        send_result(r, message);
        return WEFT_OK;
    }
    if (m.kind == WEFT_KIND_TIMEOUT_NOW && hold_transfer(r, message)) {
        return WEFT_OK;
    }
    weft_replica_send(r, message->to, &m);
    return WEFT_OK;
}

static enum weft_err send_all(
    struct weft_replica *r, const struct weft_core_update *update, struct weft_msg *msg)
{
    r->read_index = 0; /* Other calls of the log came between. */
    for (uint32_t i = 0; i < update->message_count; i++) {
        enum weft_err rv = send_one(r, &update->messages[i], msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}

static enum weft_err carry_out(
    struct weft_replica *r, const struct weft_core_update *update, struct weft_msg *msg);

/* RFT-9: the state is put in place before the log forgets what it covered; after a crash in
 * between, create finds the state ahead of the log and resets it. */
static enum weft_err carry_install(struct weft_replica *r, struct weft_msg *msg)
{
    const struct weft_install_snapshot *offer = r->installing;
    const struct weft_core_update *update = NULL;
    weft_assert(offer != NULL);
    weft_core_release(r->core);
    enum weft_err rv = r->io.on_install(r->io.ctx, offer, msg);
    if (rv == WEFT_OK) {
        rv = r->log->engine->reset(r->log, offer->last_index, offer->last_term, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_core_installed(r->core, r->now_ms, &update, msg);
    }
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "install checkpoint at %" PRIu64, offer->last_index);
    }
    r->handed_index = offer->last_index;
    r->applied_index = offer->last_index;
    r->installing = NULL;
    return carry_out(r, update, msg);
}

static bool is_sent_to(const struct weft_core_update *update, uint64_t id)
{
    for (uint32_t i = 0; i < update->message_count; i++) {
        if (update->messages[i].to == id &&
            update->messages[i].message.kind == WEFT_KIND_APPEND_ENTRIES) {
            return true;
        }
    }
    return false;
}

/* AppendEntries of our own making to a follower that has everything up to `match`. */
static void send_after_match(struct weft_replica *r, uint64_t to, uint64_t match,
    const struct weft_peer_entry *entries, uint32_t count)
{
    struct weft_peer_message m = {.kind = WEFT_KIND_APPEND_ENTRIES,
        .append_entries = {.term = weft_core_term(r->core),
            .prev_log_index = match,
            .prev_log_term = r->log->engine->term_of(r->log, match),
            .leader_commit = weft_core_commit_index(r->core),
            .entries = entries,
            .entry_count = count}};
    if (m.append_entries.prev_log_term != 0) {
        weft_replica_send(r, to, &m);
    }
}

/* RFT-35: after a quiet moment the library takes followers for lost and sends them new entries
 * only with the next heartbeat. One that has everything else gets them at once. */
static void hurry(struct weft_replica *r, const struct weft_core_update *update)
{
    for (uint32_t i = 0; i < r->configuration.count && weft_replica_is_leader(r); i++) {
        const struct weft_replica_member *member = &r->configuration.members[i];
        uint64_t match = weft_core_match_index(r->core, member->id);
        if (member->id != r->options.id && member->role != WEFT_ROLE_SPARE &&
            match + 1 == update->entries_index && !is_sent_to(update, member->id)) {
            send_after_match(r, member->id, match, update->entries, update->entry_count);
        }
    }
}

/* RFT-3: term and vote first, then entries, then messages. The messages of a leader leave
 * before its own disk is done, which the dissertation allows (10.2.1); those that claim that
 * something is on our disk are made by the core only after weft_core_persisted. */
static enum weft_err carry_out(
    struct weft_replica *r, const struct weft_core_update *update, struct weft_msg *msg)
{
    enum weft_err rv = WEFT_OK;
    bool sends_early = weft_mutant(WEFT_MUTANT_SEND_BEFORE_TERM);
    if (sends_early) {
        rv = send_all(r, update, msg);
    }
    if (rv == WEFT_OK && update->has_term) {
        rv = persist_term(r, msg);
    }
    if (rv == WEFT_OK && update->entries_index > 0) {
        rv = store_entries(r, update, msg);
    }
    if (rv == WEFT_OK && update->has_install) {
        return carry_install(r, msg);
    }
    if (rv == WEFT_OK && !sends_early) {
        rv = send_all(r, update, msg);
    }
    if (rv == WEFT_OK && update->entries_index > 0) {
        hurry(r, update);
    }
    weft_core_release(r->core);
    return rv;
}

static bool needs_barrier(const struct weft_replica *r)
{
    uint64_t last = weft_core_last_index(r->core);
    return weft_replica_is_leader(r) && weft_core_transferee(r->core) == 0 &&
           !weft_mutant(WEFT_MUTANT_NO_BARRIER) &&
           r->log->engine->term_of(r->log, last) != weft_core_term(r->core);
}

static void release_held(struct weft_replica *r)
{
    struct weft_core_message held = r->held;
    if (!r->has_held) {
        return;
    }
    if (!weft_replica_is_leader(r) || weft_core_transferee(r->core) != held.to ||
        held.message.timeout_now.term != weft_core_term(r->core)) {
        r->has_held = false;
        return;
    }
    uint64_t last = weft_core_last_index(r->core);
    if (weft_core_match_index(r->core, held.to) >= last) {
        held.message.timeout_now.last_log_index = last;
        held.message.timeout_now.last_log_term = r->log->engine->term_of(r->log, last);
        r->has_held = false;
        weft_replica_send(r, held.to, &held.message);
    }
}

/* One step of what follows by itself from the last one. *ret_stepped false: nothing does. */
static enum weft_err follow_up(struct weft_replica *r, const struct weft_core_update **ret_update,
    bool *ret_stepped, struct weft_msg *msg)
{
    static const uint8_t nothing[8] = {0};
    uint64_t uncommitted = weft_core_uncommitted_index(r->core);
    *ret_stepped = true;
    if (uncommitted > 0 && uncommitted <= weft_core_commit_index(r->core)) {
        return weft_core_configured(r->core, r->now_ms, ret_update, msg);
    }
    if (needs_barrier(r)) {
        /* RFT-12: "each leader commit[s] a blank no-op entry into the log at the start of its
         * term" (6.4); the library does so only sometimes. */
        return weft_core_submit(r->core, r->now_ms, WEFT_ENTRY_BARRIER,
            (struct weft_bytes){nothing, sizeof(nothing)}, ret_update, msg);
    }
    if (weft_mutant(WEFT_MUTANT_ACK_BEFORE_SYNC) &&
        weft_core_last_index(r->core) > weft_core_stored_index(r->core)) {
        return weft_core_persisted(
            r->core, r->now_ms, weft_core_last_index(r->core), ret_update, msg);
    }
    *ret_stepped = false;
    return WEFT_OK;
}

static enum weft_err refresh_configuration(struct weft_replica *r, struct weft_msg *msg)
{
    uint64_t uncommitted = weft_core_uncommitted_index(r->core);
    uint64_t committed = weft_core_committed_configuration_index(r->core);
    if (uncommitted == r->configuration_uncommitted && committed == r->configuration_committed &&
        r->configuration.count > 0) {
        return WEFT_OK;
    }
    r->configuration_uncommitted = uncommitted;
    r->configuration_committed = committed;
    return weft_core_configuration(r->core, &r->configuration, msg);
}

/* Our proposals that are committed, or whose outcome is no longer ours to follow. */
static void forget_proposals(struct weft_replica *r)
{
    uint64_t commit = weft_core_commit_index(r->core);
    uint32_t done = 0;
    if (!weft_replica_is_leader(r)) {
        r->proposed_count = 0;
        return;
    }
    while (done < r->proposed_count && r->proposed[done] <= commit) {
        done++;
    }
    for (uint32_t i = done; i < r->proposed_count; i++) {
        r->proposed[i - done] = r->proposed[i];
    }
    r->proposed_count -= done;
}

static void note_role(struct weft_replica *r)
{
    if (weft_replica_is_leader(r)) {
        r->leader_term = weft_core_term(r->core);
        r->leader_id = r->options.id;
    }
    if (weft_core_state(r->core) == WEFT_CORE_CANDIDATE &&
        (r->told.state != WEFT_CORE_CANDIDATE || r->told.term != weft_core_term(r->core))) {
        r->elections++;
    }
    struct weft_replica_view now = {.state = weft_core_state(r->core),
        .term = weft_core_term(r->core),
        .leader_id = weft_replica_leader(r),
        .configuration_index = r->configuration.index,
        .is_transferring = weft_core_transferee(r->core) != 0};
    struct weft_replica_view *told = &r->told;
    bool has_changed = now.state != told->state || now.term != told->term ||
                       now.leader_id != told->leader_id ||
                       now.configuration_index != told->configuration_index ||
                       now.is_transferring != told->is_transferring;
    if (has_changed) {
        *told = now;
        r->io.on_change(r->io.ctx);
    }
}

static enum weft_err settle(struct weft_replica *r, struct weft_msg *msg)
{
    bool stepped = true;
    while (stepped) {
        const struct weft_core_update *update = NULL;
        enum weft_err rv = follow_up(r, &update, &stepped, msg);
        if (rv == WEFT_OK && stepped) {
            rv = carry_out(r, update, msg);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    /* RFT-5: the core keeps only indexes and terms; the log is ours. */
    uint64_t last = r->log->engine->last_index(r->log);
    if (weft_core_last_index(r->core) != last && !weft_mutant(WEFT_MUTANT_DISK_ERROR_IGNORED)) {
        return weft_fail(msg, WEFT_ECORRUPT, "the core's log ends at %" PRIu64 ", ours at %" PRIu64,
            weft_core_last_index(r->core), last);
    }
    release_held(r);
    forget_proposals(r);
    enum weft_err rv = refresh_configuration(r, msg);
    if (rv == WEFT_OK) {
        note_role(r);
    }
    return rv;
}

enum weft_err weft_replica_run(struct weft_replica *r, enum weft_err step_err,
    const struct weft_core_update *update, struct weft_msg *msg)
{
    if (step_err == WEFT_ENOTLEADER || step_err == WEFT_EBUSY || step_err == WEFT_ENOTFOUND) {
        return step_err;
    }
    enum weft_err rv = step_err;
    if (rv == WEFT_OK) {
        rv = carry_out(r, update, msg);
    }
    if (rv == WEFT_OK) {
        rv = settle(r, msg);
    }
    return rv == WEFT_OK ? WEFT_OK : weft_replica_fail(r, rv); /* RFT-2 */
}

enum weft_err weft_replica_begin(struct weft_replica *r, uint64_t now_ms, struct weft_msg *msg)
{
    weft_assert(!r->is_running); /* RFT-7: no callback calls back. */
    if (r->failed != WEFT_OK) {
        return weft_fail(msg, r->failed, "the replica has failed before; the node must stop");
    }
    if (now_ms > r->now_ms) {
        r->now_ms = now_ms;
    }
    r->read_index = 0; /* Entries handed out to the user are not ours to reuse. */
    r->is_running = true;
    return WEFT_OK;
}

static struct weft_read_context read_context(const struct weft_replica *r)
{
    return (struct weft_read_context){.id = r->options.id,
        .term = weft_core_term(r->core),
        .leader_id = weft_replica_leader(r),
        .commit_index = weft_core_commit_index(r->core),
        .applied_index = r->applied_index,
        .is_term_committed = weft_replica_is_term_committed(r),
        .configuration = &r->configuration};
}

static void send_pings(struct weft_replica *r, uint64_t round)
{
    for (uint32_t i = 0; i < r->configuration.count; i++) {
        const struct weft_replica_member *member = &r->configuration.members[i];
        if (member->role == WEFT_ROLE_VOTER && member->id != r->options.id) {
            struct weft_peer_message m = {.kind = WEFT_KIND_PING, .ping = {round}};
            weft_replica_send(r, member->id, &m);
        }
    }
}

/* Who is told to read at an index is told that it is committed, which the next heartbeat would
 * tell it too late. */
static void hurry_commit(struct weft_replica *r, uint64_t member, uint64_t index)
{
    const struct weft_guard_peer *peer = weft_guard_find(&r->guard, member);
    uint64_t match = weft_core_match_index(r->core, member);
    if (peer != NULL && match >= index &&
        (peer->sent_term != weft_core_term(r->core) || peer->sent_commit < index)) {
        send_after_match(r, member, match, NULL, 0);
    }
}

void weft_replica_tell_commit(struct weft_replica *r)
{
    for (uint32_t i = 0; i < r->configuration.count && weft_replica_is_leader(r); i++) {
        const struct weft_replica_member *member = &r->configuration.members[i];
        if (member->id != r->options.id && member->role != WEFT_ROLE_SPARE) {
            hurry_commit(r, member->id, weft_core_commit_index(r->core));
        }
    }
}

void weft_replica_read_step(struct weft_replica *r, const struct weft_read_event *event)
{
    struct weft_read_context context = read_context(r);
    struct weft_read_update update;
    struct weft_read_done done;
    weft_read_index_step(&r->reads, event, &context, &update);
    if (update.ping_round != 0) {
        send_pings(r, update.ping_round);
    }
    if (update.ask_round != 0) {
        struct weft_peer_message m = {
            .kind = WEFT_KIND_READ_INDEX, .read_index = {update.ask_round}};
        weft_replica_send(r, context.leader_id, &m);
    }
    for (uint32_t i = 0; i < update.reply_count; i++) {
        const struct weft_read_reply *reply = &update.replies[i];
        if (reply->err == WEFT_OK) {
            hurry_commit(r, reply->member, reply->index);
        }
        struct weft_peer_message m = {.kind = WEFT_KIND_READ_INDEX_RESULT,
            .read_index_result = {reply->round, reply->index, reply->err}};
        weft_replica_answer(r, &reply->request, &m);
    }
    r->reads_deadline_ms = update.deadline_ms;
    while (event->type != WEFT_READ_REGISTER && update.has_done &&
           weft_read_index_pop(&r->reads, &context, r->now_ms, &done)) {
        r->io.on_read(r->io.ctx, done.read_id, done.err, done.index);
    }
}

void weft_replica_end(struct weft_replica *r)
{
    if (r->failed == WEFT_OK) {
        struct weft_read_event event = {.type = WEFT_READ_TICK, .now_ms = r->now_ms};
        weft_replica_read_step(r, &event);
    }
    r->is_running = false;
}
