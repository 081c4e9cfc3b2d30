#include "raft/replica_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"
#include "raft/mutant.h"

enum {
    /* Of an unanswered question or ping, in heartbeats; of a read, in election timeouts: long
     * enough to survive one failover. Chosen. */
    READ_RETRY_HEARTBEATS = 2,
    READ_TIMEOUT_ELECTIONS = 4,
    START_READ_ENTRIES = 256,
};

/* What the log holds at the start, as the core wants it: indexes and terms, and of
 * configurations their bytes. */
struct loaded {
    struct weft_peer_entry *entries; /* [0] is a token for the log's base if that is not 0. */
    uint32_t count;
    uint32_t capacity;
    struct weft_arena arena; /* Of the configurations. */
    struct weft_configuration newest;
};

static void loaded_destroy(struct loaded *l)
{
    free(l->entries);
    weft_arena_destroy(&l->arena);
}

static enum weft_err loaded_add(struct loaded *l, const struct weft_log_entry *entry,
    uint64_t state_index, struct weft_msg *msg)
{
    struct weft_peer_entry e = {entry->term, entry->type, {NULL, 0}};
    if (l->count == l->capacity) {
        uint32_t capacity = 2 * l->capacity + 1024;
        struct weft_peer_entry *more = realloc(l->entries, capacity * sizeof(*more));
        if (more == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "load log");
        }
        l->entries = more;
        l->capacity = capacity;
    }
    if (entry->type == WEFT_ENTRY_CHANGE) {
        uint8_t *copy = weft_arena_array(&l->arena, entry->data.size, 1);
        struct weft_configuration configuration;
        if (copy == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "load log");
        }
        memcpy(copy, entry->data.data, entry->data.size);
        e.data = (struct weft_bytes){copy, entry->data.size};
        if (weft_configuration_decode(e.data, &configuration, msg) != WEFT_OK) {
            return weft_wrap(msg, WEFT_ECORRUPT, "log entry %" PRIu64, entry->index);
        }
        if (entry->index > state_index) {
            l->newest = configuration;
            l->newest.index = entry->index;
        }
    }
    l->entries[l->count++] = e;
    return WEFT_OK;
}

static enum weft_err load_log(struct weft_log *log, uint64_t state_index, uint64_t term,
    struct loaded *l, struct weft_msg *msg)
{
    struct weft_log_entry entries[START_READ_ENTRIES];
    uint64_t base = log->engine->base_index(log);
    uint64_t last = log->engine->last_index(log);
    enum weft_err rv = WEFT_OK;
    if (base > 0) { /* RFT-32: with a token for it the core knows its term. */
        struct weft_log_entry token = {
            base, log->engine->term_of(log, base), WEFT_ENTRY_BARRIER, {NULL, 0}};
        rv = loaded_add(l, &token, state_index, msg);
    }
    for (uint64_t index = base + 1; index <= last && rv == WEFT_OK;) {
        uint32_t count = 0;
        rv = log->engine->read(
            log, index, WEFT_APPEND_SIZE_MAX, START_READ_ENTRIES, entries, &count, msg);
        for (uint32_t i = 0; i < count && rv == WEFT_OK; i++) {
            rv = loaded_add(l, &entries[i], state_index, msg);
        }
        index += count;
    }
    if (rv == WEFT_OK && l->count > 0 && l->entries[l->count - 1].term > term) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "the log's last entry is of a term above %" PRIu64 ", the one on disk", term);
    }
    return rv == WEFT_OK ? WEFT_OK : weft_wrap(msg, rv, "load log");
}

/* RFT-8: a state that was flushed before the log was synced is ahead of the log, or knows an
 * entry where the log still has the one that it replaced. What is applied is committed, so the
 * log goes on from there. */
static enum weft_err reconcile(const struct weft_replica_options *o, struct weft_msg *msg)
{
    const struct weft_log_engine *engine = o->log->engine;
    uint64_t base = engine->base_index(o->log);
    uint64_t last = engine->last_index(o->log);
    uint64_t known = engine->term_of(o->log, o->state_index);
    enum weft_err failed = WEFT_OK;
    if (engine->durable_index(o->log, &failed, msg) < last || failed != WEFT_OK) {
        return failed != WEFT_OK
                   ? failed
                   : weft_fail(msg, WEFT_ESTATE, "the log has entries that are not durable");
    }
    if (o->state_index < base) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "the state ends at entry %" PRIu64 ", the log was trimmed up to %" PRIu64
            ": entries between are missing",
            o->state_index, base);
    }
    if (o->state_index == 0 || known == o->state_term || weft_mutant(WEFT_MUTANT_NO_LOG_RESET)) {
        return WEFT_OK;
    }
    if (o->state_index == base || known > o->state_term) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "entry %" PRIu64 " is of term %" PRIu64 " in the state and of %" PRIu64 " in the log",
            o->state_index, o->state_term, known);
    }
    return engine->reset(o->log, o->state_index, o->state_term, msg);
}

static enum weft_err check_options(const struct weft_replica_options *o, struct weft_msg *msg)
{
    if (o->id == 0 || o->log == NULL || o->incarnation == 0 || o->election_ms == 0 ||
        o->heartbeat_ms == 0 || o->heartbeat_ms >= o->election_ms || o->inflight_max == 0 ||
        o->inflight_max > WEFT_REPLICA_INFLIGHT_MAX) {
        return weft_fail(msg, WEFT_EINVAL,
            "replica options: id, incarnation, log, timers "
            "(heartbeat below election) and 1 to %d in flight",
            WEFT_REPLICA_INFLIGHT_MAX);
    }
    if (o->state_index > 0 && (o->configuration.count == 0 || o->state_term == 0)) {
        return weft_fail(msg, WEFT_ECORRUPT, "the state has no configuration or term");
    }
    return WEFT_OK;
}

/* Term and vote to start with. RFT-11: a sole voter leads at once, and must not do so in a term
 * in which it led before: what it then sent may be lost here and alive elsewhere. */
static enum weft_err choose_term(
    struct weft_replica *r, const struct weft_configuration *newest, struct weft_msg *msg)
{
    const struct weft_replica_options *o = &r->options;
    uint64_t term = o->log_start.term;
    uint64_t vote = o->log_start.voted_for;
    if (term < o->state_term) { /* A restored checkpoint beside a new log. */
        term = o->state_term;
        vote = 0;
    }
    if (weft_configuration_is_sole_voter(newest, o->id) &&
        !weft_mutant(WEFT_MUTANT_NO_SOLE_VOTER_TERM)) {
        term++;
        vote = o->id;
    }
    r->durable_term = term;
    r->durable_vote = vote;
    if (term == o->log_start.term) {
        return WEFT_OK;
    }
    return r->log->engine->set_term(r->log, term, vote, msg);
}

static enum weft_err start(struct weft_replica *r, struct weft_msg *msg)
{
    const struct weft_replica_options *o = &r->options;
    const struct weft_core_update *update = NULL;
    struct loaded l = {
        .arena = {.size_max = 64u * WEFT_ENTRY_SIZE_MAX}, .newest = o->configuration};
    enum weft_err rv = reconcile(o, msg);
    if (rv == WEFT_OK) {
        uint64_t term_max = o->log_start.term > o->state_term ? o->log_start.term : o->state_term;
        rv = load_log(r->log, o->state_index, term_max, &l, msg);
    }
    if (rv == WEFT_OK) {
        rv = choose_term(r, &l.newest, msg);
    }
    if (rv == WEFT_OK) {
        uint64_t base = r->log->engine->base_index(r->log);
        struct weft_core_start core_start = {.term = r->durable_term,
            .voted_for = r->durable_vote,
            .snapshot_index = o->state_index,
            .snapshot_term = o->state_term,
            .snapshot_configuration = &o->configuration,
            .start_index = base > 0 ? base : 1,
            .entries = l.entries,
            .entry_count = l.count};
        rv = weft_core_start(r->core, r->now_ms, &core_start, &update, msg);
        rv = weft_replica_run(r, rv, update, msg);
    }
    loaded_destroy(&l);
    return rv;
}

enum weft_err weft_replica_create(const struct weft_replica_options *options,
    const struct weft_replica_io *io, uint64_t now_ms, struct weft_replica **ret_replica,
    struct weft_msg *msg)
{
    enum weft_err rv = check_options(options, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    struct weft_replica *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "replica");
    }
    r->options = *options;
    r->io = *io;
    r->log = options->log;
    r->now_ms = now_ms;
    r->handed_index = options->state_index;
    r->applied_index = options->state_index;
    r->reads_deadline_ms = UINT64_MAX;
    r->average_bytes = 4096;
    r->dropped_reason = "";
    r->core_inflight = options->inflight_max;
    r->arena.size_max = 8u * WEFT_MANIFEST_SIZE_MAX;
    struct weft_read_options reads = {.retry_ms = READ_RETRY_HEARTBEATS * options->heartbeat_ms,
        .timeout_ms = READ_TIMEOUT_ELECTIONS * options->election_ms};
    weft_read_index_init(&r->reads, &reads, options->incarnation >> 16);
    struct weft_core_options core = {.id = options->id,
        .election_ms = options->election_ms,
        .heartbeat_ms = options->heartbeat_ms,
        .inflight_max = options->inflight_max,
        .seed = options->seed};
    rv = weft_core_create(&core, &r->core, msg);
    if (rv == WEFT_OK) {
        rv = weft_replica_begin(r, now_ms, msg);
    }
    if (rv == WEFT_OK) {
        rv = start(r, msg);
        r->is_running = false;
    }
    if (rv != WEFT_OK) {
        weft_replica_destroy(r);
        return weft_wrap(msg, rv, "start replica");
    }
    *ret_replica = r;
    return WEFT_OK;
}

void weft_replica_destroy(struct weft_replica *r)
{
    if (r == NULL) {
        return;
    }
    weft_core_destroy(r->core);
    weft_read_index_close(&r->reads);
    weft_arena_destroy(&r->arena);
    free(r);
}

/* RFT-33: a member that was demoted to spare keeps an old time of its last heartbeat in the
 * library, whose timeout then lies in the past for good. A leader looks twice a heartbeat. */
static uint64_t core_deadline(const struct weft_replica *r)
{
    uint64_t due = weft_core_timeout_ms(r->core);
    uint64_t earliest = r->timeout_ms + (r->options.heartbeat_ms + 1) / 2;
    return weft_replica_is_leader(r) && due < earliest ? earliest : due;
}

uint64_t weft_replica_deadline(const struct weft_replica *r)
{
    uint64_t due = core_deadline(r);
    due = r->reads_deadline_ms < due ? r->reads_deadline_ms : due;
    return due > 0 ? due : 1;
}

enum weft_err weft_replica_tick(struct weft_replica *r, uint64_t now_ms, struct weft_msg *msg)
{
    const struct weft_core_update *update = NULL;
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    /* Not before it is due: the library takes each timeout for the end of a heartbeat and gives
     * up on followers that have not answered within it. */
    if (r->now_ms >= core_deadline(r)) {
        r->timeout_ms = r->now_ms;
        rv = weft_core_timeout(r->core, r->now_ms, &update, msg);
        rv = weft_replica_run(r, rv, update, msg);
        if (rv == WEFT_OK) {
            rv = weft_replica_promote(r, msg);
        }
    }
    weft_replica_end(r);
    return rv;
}

enum weft_err weft_replica_synced(struct weft_replica *r, uint64_t now_ms, struct weft_msg *msg)
{
    const struct weft_core_update *update = NULL;
    enum weft_err failed = WEFT_OK;
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint64_t durable = r->log->engine->durable_index(r->log, &failed, msg);
    if (failed != WEFT_OK) { /* RFT-2: what was being written is neither there nor not there. */
        rv = weft_replica_fail(r, weft_wrap(msg, failed, "log"));
    } else if (durable > weft_core_stored_index(r->core)) { /* RFT-4 */
        rv = weft_core_persisted(r->core, r->now_ms, durable, &update, msg);
        rv = weft_replica_run(r, rv, update, msg);
    }
    weft_replica_end(r);
    return rv;
}

static enum weft_err admit_proposal(
    const struct weft_replica *r, struct weft_bytes data, struct weft_msg *msg)
{
    if (!weft_replica_is_leader(r)) {
        return weft_fail(msg, WEFT_ENOTLEADER, "this node does not lead");
    }
    if (data.size == 0 || data.size > WEFT_ENTRY_SIZE_MAX) {
        return weft_fail(msg, data.size == 0 ? WEFT_EINVAL : WEFT_ETOOBIG,
            "an entry holds 1 to %d bytes", WEFT_ENTRY_SIZE_MAX);
    }
    if (r->proposed_count >= r->options.inflight_max) {
        return weft_fail(msg, WEFT_EBUSY, "%" PRIu32 " entries are in flight", r->proposed_count);
    }
    if (weft_core_transferee(r->core) != 0) {
        return weft_fail(msg, WEFT_EBUSY, "leadership is being handed over");
    }
    return WEFT_OK;
}

enum weft_err weft_replica_propose(struct weft_replica *r, struct weft_bytes data, uint64_t now_ms,
    uint64_t *ret_index, uint64_t *ret_term, struct weft_msg *msg)
{
    const struct weft_core_update *update = NULL;
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    rv = admit_proposal(r, data, msg);
    if (rv == WEFT_OK) {
        uint64_t index = weft_core_last_index(r->core) + 1;
        uint64_t term = weft_core_term(r->core);
        /* Before the step: with a disk that is at once done it is committed in it. */
        r->proposed[r->proposed_count++] = index;
        rv = weft_core_submit(r->core, r->now_ms, WEFT_ENTRY_COMMAND, data, &update, msg);
        rv = weft_replica_run(r, rv, update, msg);
        if (rv == WEFT_OK) {
            *ret_index = index;
            *ret_term = term;
        } else {
            r->proposed_count--;
        }
    }
    weft_replica_end(r);
    return rv;
}

uint32_t weft_replica_inflight(const struct weft_replica *r)
{
    return r->proposed_count;
}

enum weft_err weft_replica_next(struct weft_replica *r, size_t size_max, uint32_t count_max,
    struct weft_log_entry *ret_entries, uint32_t *ret_count, struct weft_msg *msg)
{
    enum weft_err rv = weft_replica_begin(r, r->now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint64_t commit = weft_core_commit_index(r->core);
    *ret_count = 0;
    if (commit > r->handed_index && count_max > 0) {
        uint64_t left = commit - r->handed_index;
        uint32_t wanted = left < count_max ? (uint32_t)left : count_max;
        rv = r->log->engine->read(
            r->log, r->handed_index + 1, size_max, wanted, ret_entries, ret_count, msg);
        if (rv == WEFT_OK) {
            weft_assert(*ret_count > 0 && *ret_count <= wanted);
            weft_assert(ret_entries[0].index == r->handed_index + 1); /* RFT-6 */
            r->handed_index += *ret_count;
        } else { /* A committed entry that cannot be read is damage, also if it is "not found". */
            rv = rv == WEFT_ENOTFOUND ? WEFT_ECORRUPT : rv;
            rv = weft_replica_fail(
                r, weft_wrap(msg, rv, "committed entry %" PRIu64, r->handed_index + 1));
        }
    }
    r->is_running = false; /* Not end: nothing else may touch the log now. */
    return rv;
}

enum weft_err weft_replica_applied(
    struct weft_replica *r, uint64_t index, uint64_t now_ms, struct weft_msg *msg)
{
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (index < r->applied_index || index > r->handed_index) {
        rv = weft_fail(msg, WEFT_EINVAL,
            "entry %" PRIu64 " cannot be applied: %" PRIu64 " to %" PRIu64 " were given", index,
            r->applied_index + 1, r->handed_index);
    } else {
        r->applied_index = index;
    }
    weft_replica_end(r);
    return rv;
}

void weft_replica_read(struct weft_replica *r, uint64_t read_id, uint64_t now_ms)
{
    if (now_ms > r->now_ms) {
        r->now_ms = now_ms;
    }
    struct weft_read_event event = {
        .type = WEFT_READ_REGISTER, .now_ms = r->now_ms, .read_id = read_id};
    weft_replica_read_step(r, &event);
}

void weft_replica_status(const struct weft_replica *r, struct weft_replica_status *ret_status)
{
    static const char *const names[] = {
        [WEFT_CORE_FOLLOWER] = "follower",
        [WEFT_CORE_CANDIDATE] = "candidate",
        [WEFT_CORE_LEADER] = "leader",
    };
    const struct weft_replica_member *self =
        weft_configuration_find(&r->configuration, r->options.id);
    *ret_status = (struct weft_replica_status){.role = self != NULL ? self->role : WEFT_ROLE_SPARE,
        .state = r->failed == WEFT_OK ? names[weft_core_state(r->core)] : "unavailable",
        .term = weft_core_term(r->core),
        .leader_id = weft_replica_leader(r),
        .commit_index = weft_core_commit_index(r->core),
        .applied_index = r->applied_index,
        .last_index = weft_core_last_index(r->core),
        .first_index = r->log->engine->base_index(r->log) + 1,
        .elections = r->elections,
        .dropped_messages = r->dropped_messages,
        .dropped_reason = r->dropped_reason,
        .alarms = r->alarms,
        .wants_checkpoint = r->wants_checkpoint};
}

const struct weft_configuration *weft_replica_configuration(const struct weft_replica *r)
{
    return &r->configuration;
}
