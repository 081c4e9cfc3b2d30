#include <stdlib.h>

#include "proto/check.h"
#include "raft/core_state.h"
#include "raft/mutant.h"

/* RFT-1: another version has other defects and other owners of memory; it is not used before
 * tests/unit/raft/test_conformance.c has been looked at with it. */
enum {
    VERSION_SEEN = 22 * 100 + 1
};
_Static_assert(RAFT_VERSION_NUMBER == VERSION_SEEN, "not the libraft that was looked at");
_Static_assert((int)RAFT_COMMAND == (int)WEFT_ENTRY_COMMAND, "entry types are the library's");
_Static_assert((int)RAFT_BARRIER == (int)WEFT_ENTRY_BARRIER, "entry types are the library's");
_Static_assert((int)RAFT_CHANGE == (int)WEFT_ENTRY_CHANGE, "entry types are the library's");
_Static_assert((int)RAFT_STANDBY == (int)WEFT_ROLE_STANDBY, "roles are the library's");
_Static_assert((int)RAFT_VOTER == (int)WEFT_ROLE_VOTER, "roles are the library's");
_Static_assert((int)RAFT_SPARE == (int)WEFT_ROLE_SPARE, "roles are the library's");

/* The library copies it for its leader of the day; we never use it, so all share one. */
static const char any_address[] = "-";

static enum weft_err fail(struct weft_core *core, int code, const char *what, struct weft_msg *msg)
{
    enum weft_err err = WEFT_ECORRUPT;
    if (code == RAFT_NOMEM) {
        err = WEFT_ENOMEM;
    } else if (code == RAFT_NOTLEADER) {
        err = WEFT_ENOTLEADER;
    } else if (code == RAFT_CANTCHANGE || code == RAFT_NOSPACE) {
        err = WEFT_EBUSY;
    } else if (code == RAFT_BADID || code == RAFT_NOTFOUND) {
        err = WEFT_ENOTFOUND;
    }
    (void)core;
    return weft_fail(msg, err, "raft core: %s: %s", what, raft_strerror(code));
}

enum weft_err weft_core_create(
    const struct weft_core_options *options, struct weft_core **ret_core, struct weft_msg *msg)
{
    if (raft_version_number() != VERSION_SEEN) { /* RFT-1 */
        return weft_fail(msg, WEFT_EVERSION, "libraft %d is loaded, %d is what was looked at",
            raft_version_number(), VERSION_SEEN);
    }
    struct weft_core *core = calloc(1, sizeof(*core));
    if (core == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "raft core");
    }
    core->received = calloc(WEFT_APPEND_ENTRIES_MAX, sizeof(*core->received));
    core->entries = calloc(WEFT_APPEND_ENTRIES_MAX, sizeof(*core->entries));
    if (core->received == NULL || core->entries == NULL ||
        raft_init(&core->raft, NULL, NULL, options->id, any_address) != 0) {
        free(core->received);
        free(core->entries);
        free(core);
        return weft_fail(msg, WEFT_ENOMEM, "raft core");
    }
    core->raft.tracer = NULL; /* The library's own formats a line for every step. */
    raft_seed(&core->raft, options->seed);
    raft_set_election_timeout(&core->raft, options->election_ms);
    raft_set_heartbeat_timeout(&core->raft, options->heartbeat_ms);
    raft_set_pre_vote(&core->raft, true);
    raft_set_max_inflight_entries(&core->raft, options->inflight_max);
    /* RFT-34: after a newer checkpoint the library waits for the answer to an older one, which
     * may be lost, and hears nothing else meanwhile. The files travel outside of it, so that it
     * need not wait long. */
    raft_set_install_snapshot_timeout(&core->raft, 2 * options->election_ms);
    *ret_core = core;
    return WEFT_OK;
}

void weft_core_destroy(struct weft_core *core)
{
    if (core == NULL) {
        return;
    }
    weft_core_release(core);
    if (core->has_install) {
        raft_configuration_close(&core->install.configuration);
    }
    raft_close(&core->raft, NULL);
    free(core->received);
    free(core->entries);
    free(core->messages);
    free(core);
}

void weft_core_set_inflight(struct weft_core *core, uint32_t entries_max)
{
    raft_set_max_inflight_entries(&core->raft, entries_max);
}

/* The address texts are copied by the library. */
static enum weft_err to_raft(
    const struct weft_configuration *c, struct raft_configuration *ret_conf, struct weft_msg *msg)
{
    raft_configuration_init(ret_conf);
    for (uint32_t i = 0; i < c->count; i++) {
        char text[WEFT_CONFIGURATION_TEXT_SIZE];
        enum weft_err rv = weft_configuration_format(&c->members[i], text, msg);
        if (rv == WEFT_OK) {
            int code =
                raft_configuration_add(ret_conf, c->members[i].id, text, (int)c->members[i].role);
            rv = code == 0 ? WEFT_OK : fail(NULL, code, "configuration", msg);
        }
        if (rv != WEFT_OK) {
            raft_configuration_close(ret_conf);
            return rv;
        }
    }
    return WEFT_OK;
}

static enum weft_err copy_configuration(
    const struct raft_configuration *from, struct raft_configuration *ret_to, struct weft_msg *msg)
{
    raft_configuration_init(ret_to);
    for (unsigned i = 0; i < from->n; i++) {
        const struct raft_server *s = &from->servers[i];
        int code = raft_configuration_add(ret_to, s->id, s->address, s->role);
        if (code != 0) {
            raft_configuration_close(ret_to);
            return fail(NULL, code, "configuration", msg);
        }
    }
    return WEFT_OK;
}

static void translate_result(
    const struct raft_append_entries_result *from, struct weft_append_entries_result *to)
{
    *to = (struct weft_append_entries_result){.term = from->term,
        .rejected = from->rejected,
        .last_log_index = from->last_log_index,
        .features = from->features,
        .capacity = from->capacity};
}

static void translate(const struct raft_message *from, struct weft_core_message *to)
{
    struct weft_peer_message *m = &to->message;
    *to = (struct weft_core_message){.to = from->server_id};
    switch (from->type) {
    case RAFT_REQUEST_VOTE: {
        const struct raft_request_vote *v = &from->request_vote;
        m->kind = WEFT_KIND_REQUEST_VOTE;
        m->request_vote = (struct weft_request_vote){v->term, v->candidate_id, v->last_log_index,
            v->last_log_term, v->disrupt_leader, v->pre_vote};
        return;
    }
    case RAFT_REQUEST_VOTE_RESULT: {
        const struct raft_request_vote_result *v = &from->request_vote_result;
        m->kind = WEFT_KIND_REQUEST_VOTE_RESULT;
        m->request_vote_result = (struct weft_request_vote_result){
            v->term, v->vote_granted, v->pre_vote, v->features, v->capacity};
        return;
    }
    case RAFT_APPEND_ENTRIES: {
        const struct raft_append_entries *a = &from->append_entries;
        m->kind = WEFT_KIND_APPEND_ENTRIES;
        m->append_entries = (struct weft_append_entries){.term = a->term,
            .prev_log_index = a->prev_log_index,
            .prev_log_term = a->prev_log_term,
            .leader_commit = a->leader_commit,
            .entry_count = a->n_entries};
        return;
    }
    case RAFT_APPEND_ENTRIES_RESULT:
        m->kind = WEFT_KIND_APPEND_ENTRIES_RESULT;
        translate_result(&from->append_entries_result, &m->append_entries_result);
        return;
    case RAFT_INSTALL_SNAPSHOT:
        m->kind = WEFT_KIND_INSTALL_SNAPSHOT;
        m->install_snapshot = (struct weft_install_snapshot){
            .term = from->install_snapshot.term, .last_index = from->install_snapshot.last_index};
        return;
    case RAFT_TIMEOUT_NOW:
        m->kind = WEFT_KIND_TIMEOUT_NOW;
        m->timeout_now = (struct weft_timeout_now){from->timeout_now.term,
            from->timeout_now.last_log_index, from->timeout_now.last_log_term};
        return;
    }
    weft_unreachable("the library has six kinds of message");
}

static enum weft_err reserve_messages(struct weft_core *core, uint32_t count)
{
    if (count > core->message_capacity) {
        struct weft_core_message *more = realloc(core->messages, 2 * (size_t)count * sizeof(*more));
        if (more == NULL) {
            return WEFT_ENOMEM;
        }
        core->messages = more;
        core->message_capacity = 2 * count;
    }
    return WEFT_OK;
}

/* One raft_step. On success the effects are in our words, and the library's memory is noted
 * for weft_core_release. */
static enum weft_err step(struct weft_core *core, struct raft_event *event, uint64_t now_ms,
    const char *what, const struct weft_core_update **ret_update, struct weft_msg *msg)
{
    weft_assert(core->batch == NULL);
    struct raft_update *u = &core->update;
    event->time = now_ms;
    event->capacity = 0; /* No threshold is set. */
    core->effects = (struct weft_core_update){0};
    raft_index committed = core->raft.commit_index;
    int code = raft_step(&core->raft, event, u);
    if (code != 0) {
        return fail(core, code, what, msg);
    }
    /* RFT-17: the library takes min(leader's commit index, last index of the message) also when
     * that is less than it knew. What is committed stays so. */
    if (core->raft.commit_index < committed && !weft_mutant(WEFT_MUTANT_COMMIT_FALLS)) {
        core->raft.commit_index = committed;
    }
    if (weft_mutant(WEFT_MUTANT_COMMIT_ALONE) && core->raft.state == RAFT_LEADER &&
        core->raft.last_stored > core->raft.commit_index) {
        core->raft.commit_index = core->raft.last_stored;
    }
    core->effects.has_term =
        (u->flags & (unsigned)((RAFT_UPDATE_CURRENT_TERM) | (RAFT_UPDATE_VOTED_FOR))) != 0;
    if ((u->flags & (unsigned)(RAFT_UPDATE_ENTRIES)) != 0) {
        core->batch = u->entries.batch[0].batch;
        for (unsigned i = 0; i < u->entries.n; i++) {
            const struct raft_entry *e = &u->entries.batch[i];
            core->entries[i] = (struct weft_peer_entry){
                e->term, (enum weft_entry_type)e->type, {e->buf.base, e->buf.len}};
        }
        core->effects.entries_index = u->entries.index;
        core->effects.entries = core->entries;
        core->effects.entry_count = u->entries.n;
    }
    if ((u->flags & (unsigned)(RAFT_UPDATE_SNAPSHOT)) != 0) {
        core->install = u->snapshot.metadata; /* Its configuration is ours now. */
        raft_free(u->snapshot.chunk.base);
        core->has_install = true;
        core->effects.has_install = true;
    }
    if ((u->flags & (unsigned)(RAFT_UPDATE_MESSAGES)) != 0) {
        if (reserve_messages(core, u->messages.n) != WEFT_OK) {
            return weft_fail(msg, WEFT_ENOMEM, "raft core: %s", what);
        }
        for (unsigned i = 0; i < u->messages.n; i++) {
            translate(&u->messages.batch[i], &core->messages[i]);
        }
        core->effects.messages = core->messages;
        core->effects.message_count = u->messages.n;
    }
    *ret_update = &core->effects;
    return WEFT_OK;
}

void weft_core_release(struct weft_core *core)
{
    raft_free(core->batch);
    core->batch = NULL;
}

/* The library frees, or hands back, one batch for all entries of an event; it never looks into
 * it. So the entries stay where they are and the batch is a token. */
static void *new_batch(void)
{
    return raft_malloc(8);
}

enum weft_err weft_core_start(struct weft_core *core, uint64_t now_ms,
    const struct weft_core_start *start, const struct weft_core_update **ret_update,
    struct weft_msg *msg)
{
    struct raft_snapshot_metadata metadata = {0};
    struct raft_event event = {.type = RAFT_START};
    struct raft_entry *entries = raft_calloc(start->entry_count + 1, sizeof(*entries));
    if (entries == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "raft core: start");
    }
    for (uint32_t i = 0; i < start->entry_count; i++) {
        const struct weft_peer_entry *e = &start->entries[i];
        /* Without a batch, so that a failure frees nothing of ours. */
        entries[i] = (struct raft_entry){.term = e->term,
            .type = (enum raft_entry_type)e->type,
            .buf = {(void *)(uintptr_t)e->data.data, e->data.size}};
    }
    if (start->snapshot_index > 0) {
        const struct weft_configuration *c = start->snapshot_configuration;
        metadata.index = start->snapshot_index;
        metadata.term = start->snapshot_term;
        metadata.configuration_index = c->index;
        enum weft_err rv = to_raft(c, &metadata.configuration, msg);
        if (rv != WEFT_OK) {
            raft_free(entries);
            return rv;
        }
        event.start.metadata = &metadata;
    }
    event.start.term = start->term;
    event.start.voted_for = start->voted_for;
    event.start.start_index = start->start_index;
    event.start.entries = entries;
    event.start.n_entries = start->entry_count;
    enum weft_err rv = step(core, &event, now_ms, "start", ret_update, msg);
    if (rv == WEFT_OK) {
        raft_free(entries); /* After a failure the library has freed them. */
    }
    return rv;
}

/* `message`'s entries for the library. It takes one batch. */
static enum weft_err lend_entries(struct weft_core *core, const struct weft_append_entries *from,
    struct raft_append_entries *to, struct weft_msg *msg)
{
    weft_assert(from->entry_count <= WEFT_APPEND_ENTRIES_MAX);
    to->n_entries = from->entry_count;
    to->entries = core->received;
    if (from->entry_count == 0) {
        return WEFT_OK;
    }
    void *batch = new_batch();
    if (batch == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "raft core: receive");
    }
    for (uint32_t i = 0; i < from->entry_count; i++) {
        const struct weft_peer_entry *e = &from->entries[i];
        core->received[i] = (struct raft_entry){.term = e->term,
            .type = (enum raft_entry_type)e->type,
            .buf = {(void *)(uintptr_t)e->data.data, e->data.size},
            .batch = batch};
    }
    return WEFT_OK;
}

enum weft_err weft_core_receive(struct weft_core *core, uint64_t now_ms, uint64_t from,
    const struct weft_peer_message *message, const struct weft_core_update **ret_update,
    struct weft_msg *msg)
{
    struct raft_message m = {.server_id = from, .server_address = any_address};
    struct raft_event event = {.type = RAFT_RECEIVE, .receive = {.message = &m}};
    if (message->kind == WEFT_KIND_REQUEST_VOTE) {
        const struct weft_request_vote *v = &message->request_vote;
        m.type = RAFT_REQUEST_VOTE;
        m.request_vote = (struct raft_request_vote){.version = 2,
            .term = v->term,
            .candidate_id = v->candidate_id,
            .last_log_index = v->last_log_index,
            .last_log_term = v->last_log_term,
            .disrupt_leader = v->disrupt_leader,
            .pre_vote = v->pre_vote};
    } else if (message->kind == WEFT_KIND_REQUEST_VOTE_RESULT) {
        const struct weft_request_vote_result *v = &message->request_vote_result;
        m.type = RAFT_REQUEST_VOTE_RESULT;
        m.request_vote_result = (struct raft_request_vote_result){.version = 2,
            .term = v->term,
            .vote_granted = v->vote_granted,
            .pre_vote = v->pre_vote,
            .features = v->features,
            .capacity = v->capacity};
    } else if (message->kind == WEFT_KIND_APPEND_ENTRIES) {
        const struct weft_append_entries *a = &message->append_entries;
        m.type = RAFT_APPEND_ENTRIES;
        m.append_entries = (struct raft_append_entries){.term = a->term,
            .prev_log_index = a->prev_log_index,
            .prev_log_term = a->prev_log_term,
            .leader_commit = a->leader_commit};
        enum weft_err rv = lend_entries(core, a, &m.append_entries, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    } else if (message->kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        const struct weft_append_entries_result *a = &message->append_entries_result;
        m.type = RAFT_APPEND_ENTRIES_RESULT;
        m.append_entries_result = (struct raft_append_entries_result){.version = 2,
            .term = a->term,
            .rejected = a->rejected,
            .last_log_index = a->last_log_index,
            .features = a->features,
            .capacity = a->capacity};
    } else {
        weft_assert(message->kind == WEFT_KIND_TIMEOUT_NOW);
        m.type = RAFT_TIMEOUT_NOW;
        m.timeout_now = (struct raft_timeout_now){.term = message->timeout_now.term,
            .last_log_index = message->timeout_now.last_log_index,
            .last_log_term = message->timeout_now.last_log_term};
    }
    bool is_election = message->kind == WEFT_KIND_REQUEST_VOTE_RESULT && weft_core_may_stand(core);
    bool has_disguise = message->kind == WEFT_KIND_REQUEST_VOTE || is_election
                            ? weft_core_put_on_vote(core, is_election)
                            : false;
    enum weft_err rv = step(core, &event, now_ms, "receive", ret_update, msg);
    if (has_disguise) {
        weft_core_take_off_vote(core);
    }
    return rv;
}

enum weft_err weft_core_install(struct weft_core *core, uint64_t now_ms, uint64_t from,
    uint64_t last_index, uint64_t last_term, uint64_t conf_index,
    const struct weft_configuration *configuration, const struct weft_core_update **ret_update,
    struct weft_msg *msg)
{
    weft_assert(!core->has_install); /* RFT-9: one at a time. */
    struct raft_message m = {
        .type = RAFT_INSTALL_SNAPSHOT, .server_id = from, .server_address = any_address};
    struct raft_event event = {.type = RAFT_RECEIVE, .receive = {.message = &m}};
    m.install_snapshot = (struct raft_install_snapshot){.term = core->raft.current_term,
        .last_index = last_index,
        .last_term = last_term,
        .conf_index = conf_index};
    enum weft_err rv = to_raft(configuration, &m.install_snapshot.conf, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    m.install_snapshot.data.base = raft_malloc(8);
    m.install_snapshot.data.len = 8;
    if (m.install_snapshot.data.base == NULL) {
        raft_configuration_close(&m.install_snapshot.conf);
        return weft_fail(msg, WEFT_ENOMEM, "raft core: install");
    }
    return step(core, &event, now_ms, "install", ret_update, msg);
}

enum weft_err weft_core_installed(struct weft_core *core, uint64_t now_ms,
    const struct weft_core_update **ret_update, struct weft_msg *msg)
{
    weft_assert(core->has_install);
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    event.persisted_snapshot.metadata = core->install;
    event.persisted_snapshot.last = true;
    core->has_install = false; /* The configuration is the library's again. */
    return step(core, &event, now_ms, "installed", ret_update, msg);
}

enum weft_err weft_core_persisted(struct weft_core *core, uint64_t now_ms, uint64_t index,
    const struct weft_core_update **ret_update, struct weft_msg *msg)
{
    weft_assert(index > core->raft.last_stored);               /* RFT-4 */
    weft_assert(index <= raft_last_index(&core->raft));        /* RFT-4 */
    weft_assert(weft_core_state(core) != WEFT_CORE_CANDIDATE); /* RFT-4 */
    struct raft_event event = {.type = RAFT_PERSISTED_ENTRIES};
    event.persisted_entries.index = index;
    return step(core, &event, now_ms, "persisted", ret_update, msg);
}

enum weft_err weft_core_timeout(struct weft_core *core, uint64_t now_ms,
    const struct weft_core_update **ret_update, struct weft_msg *msg)
{
    struct raft_event event = {.type = RAFT_TIMEOUT};
    struct raft *r = &core->raft;
    bool is_silent = r->state == RAFT_FOLLOWER && now_ms >= raft_timeout(r);
    bool has_term = weft_core_begin_sole_term(core, now_ms);
    bool has_disguise = weft_core_may_stand(core) && weft_core_put_on_vote(core, true);
    enum weft_err rv = step(core, &event, now_ms, "timeout", ret_update, msg);
    if (has_disguise) {
        weft_core_take_off_vote(core);
    }
    core->effects.has_term = core->effects.has_term || has_term;
    if (is_silent && r->state == RAFT_FOLLOWER) {
        /* RFT-15: who does not stand keeps its leader, silent for an election timeout, and
         * would refuse its vote to everybody else for good. */
        r->follower_state.current_leader.id = 0;
    }
    return rv;
}

enum weft_err weft_core_submit(struct weft_core *core, uint64_t now_ms, enum weft_entry_type type,
    struct weft_bytes data, const struct weft_core_update **ret_update, struct weft_msg *msg)
{
    struct raft_entry entry = {.term = core->raft.current_term,
        .type = (enum raft_entry_type)type,
        .buf = {(void *)(uintptr_t)data.data, data.size},
        .batch = new_batch()};
    struct raft_event event = {.type = RAFT_SUBMIT, .submit = {.entries = &entry, .n = 1}};
    if (entry.batch == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "raft core: submit");
    }
    enum weft_err rv = step(core, &event, now_ms, "submit", ret_update, msg);
    if (rv != WEFT_OK) {
        raft_free(entry.batch); /* The library has not taken it. */
    }
    return rv;
}

enum weft_err weft_core_configured(struct weft_core *core, uint64_t now_ms,
    const struct weft_core_update **ret_update, struct weft_msg *msg)
{
    struct raft_event event = {.type = RAFT_CONFIGURATION};
    event.configuration.index = core->raft.configuration_uncommitted_index;
    weft_assert(event.configuration.index > 0);
    enum weft_err rv =
        copy_configuration(&core->raft.configuration, &event.configuration.conf, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    return step(core, &event, now_ms, "configuration", ret_update, msg);
}

enum weft_err weft_core_snapshot(struct weft_core *core, uint64_t now_ms, uint64_t index,
    uint64_t term, uint32_t trailing, const struct weft_core_update **ret_update,
    struct weft_msg *msg)
{
    weft_assert(index > core->raft.trail.snapshot.index && index <= core->raft.commit_index);
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    event.snapshot.metadata.index = index;
    event.snapshot.metadata.term = term;
    /* Committed ones are known to the core by weft_core_configured; this one is only noted. */
    raft_configuration_init(&event.snapshot.metadata.configuration);
    event.snapshot.metadata.configuration_index = core->raft.configuration_committed_index;
    event.snapshot.trailing = trailing;
    return step(core, &event, now_ms, "snapshot", ret_update, msg);
}

enum weft_err weft_core_transfer(struct weft_core *core, uint64_t now_ms, uint64_t id,
    const struct weft_core_update **ret_update, struct weft_msg *msg)
{
    struct raft_event event = {.type = RAFT_TRANSFER, .transfer = {.server_id = id}};
    return step(core, &event, now_ms, "transfer", ret_update, msg);
}
