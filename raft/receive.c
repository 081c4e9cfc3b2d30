#include "raft/replica_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/check.h"
#include "raft/mutant.h"

static struct weft_guard_view view_of(const struct weft_replica *r, uint64_t from)
{
    bool is_leader = weft_replica_is_leader(r);
    uint64_t term = weft_core_term(r->core);
    return (struct weft_guard_view){.id = r->options.id,
        .cluster = r->options.cluster,
        .incarnation = r->options.incarnation,
        .term = term,
        .leader_id = r->leader_term == term ? r->leader_id : 0,
        .is_leader = is_leader,
        .is_candidate = weft_core_state(r->core) == WEFT_CORE_CANDIDATE,
        .is_pre_voting = weft_core_is_pre_voting(r->core),
        .is_sole_voter = weft_configuration_is_sole_voter(&r->configuration, r->options.id),
        .last_index = weft_core_last_index(r->core),
        .match_index = is_leader ? weft_core_match_index(r->core, from) : 0};
}

static enum weft_err hand_over(struct weft_replica *r, uint64_t from,
    const struct weft_peer_message *message, struct weft_msg *msg)
{
    const struct weft_core_update *update = NULL;
    enum weft_err rv = weft_core_receive(r->core, r->now_ms, from, message, &update, msg);
    return weft_replica_run(r, rv, update, msg);
}

/* RFT-23: what the library should have said to a leader of an older term. */
static void answer_stale(struct weft_replica *r, const struct weft_peer_message *message)
{
    struct weft_peer_message m = {.kind = WEFT_KIND_APPEND_ENTRIES_RESULT};
    struct weft_append_entries_result *a = &m.append_entries_result;
    uint64_t last = weft_core_last_index(r->core);
    a->rejected = message->kind == WEFT_KIND_APPEND_ENTRIES ? message->append_entries.prev_log_index
                                                            : message->install_snapshot.last_index;
    a->rejected = a->rejected > 0 ? a->rejected : 1; /* 0 would say accepted. */
    a->term = weft_core_term(r->core);
    a->last_log_index = last < a->rejected ? last : a->rejected - 1;
    weft_replica_answer(r, &message->header, &m);
}

/* The sender leads its term, which is ours or will be in the next step. */
static void note_leader(struct weft_replica *r, const struct weft_peer_header *header)
{
    r->leader_term = header->term;
    r->leader_id = header->sender;
    r->append_request = *header;
}

/* RFT-10: a leader has at most one uncommitted configuration, so one that lies before another
 * in a leader's log is committed. The library forgets this and would fall back behind it. */
static enum weft_err settle_change(
    struct weft_replica *r, const struct weft_append_entries *part, struct weft_msg *msg)
{
    uint64_t uncommitted = weft_core_uncommitted_index(r->core);
    const struct weft_core_update *update = NULL;
    if (part->entry_count == 0 || part->entries[0].type != WEFT_ENTRY_CHANGE || uncommitted == 0 ||
        uncommitted > part->prev_log_index ||
        r->log->engine->term_of(r->log, part->prev_log_index + 1) == part->entries[0].term ||
        weft_mutant(WEFT_MUTANT_NO_CHANGE_SETTLE)) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_core_configured(r->core, r->now_ms, &update, msg);
    return weft_replica_run(r, rv, update, msg);
}

/* RFT-16: the library refuses entries whose place it has forgotten, although what it has
 * forgotten is committed and so the same everywhere; the leader then goes down to its own log's
 * beginning and past what we acknowledged. They are taken from where our knowledge begins. */
static struct weft_append_entries shift(
    const struct weft_replica *r, const struct weft_append_entries *a)
{
    struct weft_append_entries shifted = *a;
    uint64_t floor = weft_core_floor_index(r->core), base = r->log->engine->base_index(r->log);
    /* The log may be shorter than what the core knows of: a state's checkpoint of the index that it
     * was started with trims the log, and is no news to the core. */
    floor = base > floor ? base : floor;
    if (a->prev_log_index >= floor || weft_mutant(WEFT_MUTANT_NO_SHIFT)) {
        return shifted;
    }
    uint64_t skipped = floor - a->prev_log_index;
    skipped = skipped < a->entry_count ? skipped : a->entry_count;
    shifted.entries = skipped < a->entry_count ? a->entries + skipped : NULL;
    shifted.entry_count = a->entry_count - (uint32_t)skipped;
    shifted.prev_log_index = floor;
    shifted.prev_log_term = r->log->engine->term_of(r->log, floor);
    return shifted;
}

static bool matches(const struct weft_replica *r, const struct weft_append_entries *a)
{
    return a->prev_log_index == 0 ||
           r->log->engine->term_of(r->log, a->prev_log_index) == a->prev_log_term;
}

/* RFT-29: in parts of which a configuration entry is always the first. */
static enum weft_err receive_append(
    struct weft_replica *r, const struct weft_peer_message *message, struct weft_msg *msg)
{
    const struct weft_append_entries shifted = shift(r, &message->append_entries);
    const struct weft_append_entries *whole = &shifted;
    struct weft_peer_message m = *message;
    m.append_entries = shifted;
    struct weft_append_entries *part = &m.append_entries;
    uint32_t done = 0;
    if (message->header.term >= weft_core_term(r->core)) { /* Otherwise a mutant's. */
        note_leader(r, &message->header);
    }
    if (whole->entry_count == 0 || !matches(r, whole)) {
        part->entry_count = 0; /* It will be rejected: keep the entries out of the core. */
        return hand_over(r, message->header.sender, &m, msg);
    }
    while (done < whole->entry_count) {
        uint32_t end = weft_guard_split(whole, done);
        part->entries = whole->entries + done;
        part->entry_count = end - done;
        enum weft_err rv = settle_change(r, part, msg);
        if (rv == WEFT_OK) {
            rv = hand_over(r, message->header.sender, &m, msg);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        part->prev_log_index += part->entry_count;
        part->prev_log_term = whole->entries[end - 1].term;
        done = end;
    }
    return WEFT_OK;
}

/* RFT-13: to a refused pre-vote the library answers with the candidate's own term, from which
 * a candidate whose log is the best may never learn that the others are further. */
static enum weft_err receive_vote_result(
    struct weft_replica *r, const struct weft_peer_message *message, struct weft_msg *msg)
{
    struct weft_peer_message m = *message;
    struct weft_request_vote_result *v = &m.request_vote_result;
    if (v->pre_vote && !v->vote_granted && m.header.term > v->term &&
        !weft_mutant(WEFT_MUTANT_NO_PRE_VOTE_TERM)) {
        v->term = m.header.term;
    }
    return hand_over(r, message->header.sender, &m, msg);
}

static enum weft_err receive_append_result(
    struct weft_replica *r, const struct weft_peer_message *message, struct weft_msg *msg)
{
    const struct weft_append_entries_result *a = &message->append_entries_result;
    if (r->io.on_peer_applied != NULL && a->applied_index > 0) {
        r->io.on_peer_applied(
            r->io.ctx, message->header.sender, a->applied_index, &a->applied_chain);
    }
    return hand_over(r, message->header.sender, message, msg);
}

/* An offer that brings nothing new is answered at once: we have everything up to it. The
 * others go to the user, who fetches the files first; the core hears of it in
 * weft_replica_install. Heartbeats come beside it. */
static void receive_offer(struct weft_replica *r, const struct weft_peer_message *message)
{
    const struct weft_install_snapshot *offer = &message->install_snapshot;
    if (message->header.term > weft_core_term(r->core)) {
        return; /* The heartbeat that raises our term comes first or will come again. */
    }
    if (weft_core_state(r->core) != WEFT_CORE_FOLLOWER) {
        return;
    }
    note_leader(r, &message->header);
    uint64_t stored = weft_core_stored_index(r->core);
    bool has_it = offer->last_index <= weft_core_commit_index(r->core) ||
                  r->log->engine->term_of(r->log, offer->last_index) == offer->last_term;
    if (!has_it) {
        r->io.on_offer(r->io.ctx, message->header.sender, offer);
    } else if (stored > 0) {
        struct weft_peer_message m = {.kind = WEFT_KIND_APPEND_ENTRIES_RESULT};
        m.append_entries_result.term = weft_core_term(r->core);
        m.append_entries_result.last_log_index =
            stored < offer->last_index ? stored : offer->last_index;
        weft_replica_answer(r, &message->header, &m);
    }
}

/* RFT-43: only who is of the sender's term and follows it confirms that it leads. */
static void receive_ping(struct weft_replica *r, const struct weft_peer_message *message)
{
    if (message->header.term == weft_core_term(r->core) &&
        weft_core_state(r->core) == WEFT_CORE_FOLLOWER &&
        weft_replica_leader(r) == message->header.sender) {
        struct weft_peer_message m = {.kind = WEFT_KIND_PONG, .pong = {message->ping.round}};
        weft_replica_answer(r, &message->header, &m);
    }
}

static void receive_ask(struct weft_replica *r, const struct weft_peer_message *message)
{
    struct weft_read_event event = {.type = WEFT_READ_ASK,
        .now_ms = r->now_ms,
        .member = message->header.sender,
        .round = message->read_index.id,
        .request = message->header};
    weft_replica_read_step(r, &event);
}

static void receive_read_answer(struct weft_replica *r, const struct weft_peer_message *message)
{
    struct weft_read_event event = {.type = WEFT_READ_ANSWER,
        .now_ms = r->now_ms,
        .member = message->header.sender,
        .round = message->read_index_result.id,
        .index = message->read_index_result.index,
        .err = message->read_index_result.err};
    weft_replica_read_step(r, &event);
}

static void receive_pong(struct weft_replica *r, const struct weft_peer_message *message)
{
    struct weft_read_event event = {.type = WEFT_READ_PONG,
        .now_ms = r->now_ms,
        .member = message->header.sender,
        .round = message->pong.round};
    weft_replica_read_step(r, &event);
}

/* A message that passed the guard. */
static enum weft_err dispatch(
    struct weft_replica *r, const struct weft_peer_message *message, struct weft_msg *msg)
{
    r->request = message->header;
    if (message->kind == WEFT_KIND_APPEND_ENTRIES) {
        return receive_append(r, message, msg);
    }
    if (message->kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        return receive_append_result(r, message, msg);
    }
    if (message->kind == WEFT_KIND_REQUEST_VOTE_RESULT) {
        return receive_vote_result(r, message, msg);
    }
    if (message->kind == WEFT_KIND_REQUEST_VOTE || message->kind == WEFT_KIND_TIMEOUT_NOW) {
        return hand_over(r, message->header.sender, message, msg);
    }
    if (message->kind == WEFT_KIND_INSTALL_SNAPSHOT) {
        receive_offer(r, message);
    } else if (message->kind == WEFT_KIND_PING) {
        receive_ping(r, message);
    } else if (message->kind == WEFT_KIND_PONG) {
        receive_pong(r, message);
    } else if (message->kind == WEFT_KIND_READ_INDEX) {
        receive_ask(r, message);
    } else {
        weft_assert(message->kind == WEFT_KIND_READ_INDEX_RESULT);
        receive_read_answer(r, message);
    }
    return WEFT_OK;
}

static enum weft_err dismiss(struct weft_replica *r, enum weft_guard_verdict verdict, uint64_t from,
    const struct weft_peer_message *message, const char *reason, struct weft_msg *msg)
{
    char detail[160];
    r->dropped_messages++;
    r->dropped_reason = reason;
    switch (verdict) {
    case WEFT_GUARD_PASS:
        weft_unreachable("what passes is not dismissed");
    case WEFT_GUARD_STALE:
        answer_stale(r, message);
        return WEFT_OK;
    case WEFT_GUARD_DROP:
        return WEFT_OK;
    case WEFT_GUARD_FOREIGN:
        return weft_fail(msg, WEFT_EPEER, "peer %" PRIu64 ": message %s", from, reason);
    case WEFT_GUARD_MALFORMED:
        return weft_fail(msg, WEFT_EMALFORMED, "peer %" PRIu64 ": message of kind %d: %s", from,
            (int)message->kind, reason);
    case WEFT_GUARD_ALARM:
        (void)snprintf(detail, sizeof(detail), "member %" PRIu64 ", term %" PRIu64 ", kind %d: %s",
            from, message->header.term, (int)message->kind, reason);
        weft_replica_alarm(r, "peer_message_refused", detail);
        return WEFT_OK;
    }
    weft_unreachable("six verdicts");
}

enum weft_err weft_replica_receive(struct weft_replica *r, uint64_t from,
    const struct weft_peer_message *message, uint64_t now_ms, struct weft_msg *msg)
{
    const char *reason;
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    struct weft_guard_view view = view_of(r, from);
    enum weft_guard_verdict verdict =
        weft_guard_admit(&r->guard, &view, from, message, r->now_ms, &reason);
    if (verdict != WEFT_GUARD_PASS) {
        rv = dismiss(r, verdict, from, message, reason, msg);
    } else {
        rv = dispatch(r, message, msg);
        r->request = (struct weft_peer_header){0};
        if (rv == WEFT_ENOTLEADER || rv == WEFT_EBUSY || rv == WEFT_ENOTFOUND) {
            /* No message may be refused like a call of ours. */
            rv = weft_replica_fail(r, weft_wrap(msg, WEFT_ECORRUPT, "receive"));
        }
    }
    weft_replica_end(r);
    return rv;
}
