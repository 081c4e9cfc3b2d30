#include "tests/unit/raft/bare.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

enum {
    ELECTION_MS = 300,
    HEARTBEAT_MS = 50
};

struct raft_configuration bare_configuration(const char *roles)
{
    struct raft_configuration c;
    raft_configuration_init(&c);
    for (unsigned i = 0; roles[i] != '\0'; i++) {
        char address[8];
        (void)snprintf(address, sizeof(address), "%u", i + 1);
        if (roles[i] != '.') {
            int role = roles[i] == 'v' ? RAFT_VOTER : roles[i] == 's' ? RAFT_STANDBY : RAFT_SPARE;
            EXPECT_EQ(0, raft_configuration_add(&c, i + 1, address, role));
        }
    }
    return c;
}

static void step(struct bare *b, struct raft_event *event)
{
    event->time = b->now_ms;
    event->capacity = 0;
    memset(&b->update, 0, sizeof(b->update));
    b->code = raft_step(&b->raft, event, &b->update);
    if (b->code == 0 && (b->update.flags & (unsigned)(RAFT_UPDATE_ENTRIES)) != 0) {
        raft_free(b->update.entries.batch[0].batch);
    }
}

static void create(struct bare *b)
{
    memset(b, 0, sizeof(*b));
    b->now_ms = 1000;
    EXPECT_EQ(0, raft_init(&b->raft, NULL, NULL, 1, "1"));
    b->raft.tracer = NULL;
    raft_seed(&b->raft, 17);
    raft_set_election_timeout(&b->raft, ELECTION_MS);
    raft_set_heartbeat_timeout(&b->raft, HEARTBEAT_MS);
    raft_set_pre_vote(&b->raft, true);
}

void bare_start(
    struct bare *b, uint64_t term, uint64_t voted_for, const char *roles, const uint64_t *terms)
{
    struct raft_configuration c = bare_configuration(roles);
    struct raft_entry entries[32] = {0};
    struct raft_event event = {.type = RAFT_START};
    create(b);
    entries[0] = (struct raft_entry){.term = 1, .type = RAFT_CHANGE};
    EXPECT_EQ(0, raft_configuration_encode(&c, &entries[0].buf));
    event.start.term = term;
    event.start.voted_for = voted_for;
    event.start.start_index = 1;
    event.start.entries = entries;
    event.start.n_entries = 1;
    for (; *terms != 0; terms++) {
        entries[event.start.n_entries++] =
            (struct raft_entry){.term = *terms, .type = RAFT_COMMAND};
    }
    step(b, &event);
    EXPECT_EQ(0, b->code);
    raft_free(entries[0].buf.base);
    raft_configuration_close(&c);
}

void bare_start_at(struct bare *b, uint64_t term, uint64_t index, uint64_t index_term,
    const char *roles, const uint64_t *terms)
{
    struct raft_snapshot_metadata metadata = {.index = index,
        .term = index_term,
        .configuration = bare_configuration(roles),
        .configuration_index = 1};
    struct raft_entry entries[32] = {0};
    struct raft_event event = {.type = RAFT_START};
    create(b);
    event.start.term = term;
    event.start.metadata = &metadata;
    event.start.start_index = index + 1;
    event.start.entries = entries;
    for (; *terms != 0; terms++) {
        entries[event.start.n_entries++] =
            (struct raft_entry){.term = *terms, .type = RAFT_COMMAND};
    }
    step(b, &event);
    EXPECT_EQ(0, b->code);
}

void bare_close(struct bare *b)
{
    raft_close(&b->raft, NULL);
}

void bare_timeout(struct bare *b, uint64_t wait_ms)
{
    struct raft_event event = {.type = RAFT_TIMEOUT};
    b->now_ms += wait_ms;
    step(b, &event);
}

void bare_submit(struct bare *b, const struct raft_configuration *change)
{
    struct raft_entry entry = {.term = raft_current_term(&b->raft), .type = RAFT_COMMAND};
    struct raft_event event = {.type = RAFT_SUBMIT, .submit = {&entry, 1}};
    if (change != NULL) {
        entry.type = RAFT_CHANGE;
        EXPECT_EQ(0, raft_configuration_encode(change, &entry.buf));
        entry.batch = entry.buf.base;
    } else {
        entry.batch = raft_malloc(8);
        entry.buf = (struct raft_buffer){entry.batch, 8};
    }
    step(b, &event);
    if (b->code != 0) {
        raft_free(entry.batch);
    }
}

void bare_persist(struct bare *b, uint64_t index)
{
    struct raft_event event = {.type = RAFT_PERSISTED_ENTRIES};
    event.persisted_entries.index = index;
    step(b, &event);
    EXPECT_EQ(0, b->code);
}

void bare_configure(struct bare *b, uint64_t index, const struct raft_configuration *conf)
{
    struct raft_event event = {.type = RAFT_CONFIGURATION};
    event.configuration.index = index;
    raft_configuration_init(&event.configuration.conf);
    for (unsigned i = 0; i < conf->n; i++) {
        const struct raft_server *s = &conf->servers[i];
        EXPECT_EQ(0, raft_configuration_add(&event.configuration.conf, s->id, s->address, s->role));
    }
    step(b, &event);
    EXPECT_EQ(0, b->code);
}

void bare_transfer(struct bare *b, uint64_t id)
{
    struct raft_event event = {.type = RAFT_TRANSFER, .transfer = {id}};
    step(b, &event);
}

static void receive(struct bare *b, uint64_t from, struct raft_message *message)
{
    struct raft_event event = {.type = RAFT_RECEIVE, .receive = {message}};
    message->server_id = from;
    message->server_address = from == 2 ? "2" : "3";
    step(b, &event);
}

void bare_append(struct bare *b, uint64_t from, uint64_t term, uint64_t prev, uint64_t prev_term,
    uint64_t commit, const struct bare_entry *entries, unsigned count)
{
    struct raft_entry copies[16] = {0};
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES};
    struct raft_buffer change = {NULL, 0};
    void *batch = count > 0 ? raft_malloc(8) : NULL;
    for (unsigned i = 0; i < count; i++) {
        copies[i] = (struct raft_entry){.term = entries[i].term,
            .type = entries[i].change != NULL ? RAFT_CHANGE : RAFT_COMMAND,
            .batch = batch};
        if (entries[i].change != NULL) {
            EXPECT_EQ(0, raft_configuration_encode(entries[i].change, &copies[i].buf));
            change = copies[i].buf;
        }
    }
    m.append_entries = (struct raft_append_entries){.term = term,
        .prev_log_index = prev,
        .prev_log_term = prev_term,
        .leader_commit = commit,
        .entries = copies,
        .n_entries = count};
    receive(b, from, &m);
    raft_free(change.base);
}

void bare_result(struct bare *b, uint64_t from, uint64_t term, uint64_t last, uint64_t rejected)
{
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES_RESULT};
    m.append_entries_result = (struct raft_append_entries_result){
        .version = 2, .term = term, .rejected = rejected, .last_log_index = last};
    receive(b, from, &m);
}

void bare_vote(struct bare *b, uint64_t from, uint64_t term, uint64_t last, uint64_t last_term,
    bool pre_vote, bool disrupt)
{
    struct raft_message m = {.type = RAFT_REQUEST_VOTE};
    m.request_vote = (struct raft_request_vote){.version = 2,
        .term = term,
        .candidate_id = from,
        .last_log_index = last,
        .last_log_term = last_term,
        .disrupt_leader = disrupt,
        .pre_vote = pre_vote};
    receive(b, from, &m);
}

void bare_vote_result(struct bare *b, uint64_t from, uint64_t term, bool granted, bool pre_vote)
{
    struct raft_message m = {.type = RAFT_REQUEST_VOTE_RESULT};
    m.request_vote_result = (struct raft_request_vote_result){
        .version = 2, .term = term, .vote_granted = granted, .pre_vote = pre_vote};
    receive(b, from, &m);
}

void bare_install(struct bare *b, uint64_t from, uint64_t term, uint64_t last, uint64_t last_term)
{
    struct raft_message m = {.type = RAFT_INSTALL_SNAPSHOT};
    m.install_snapshot = (struct raft_install_snapshot){.term = term,
        .last_index = last,
        .last_term = last_term,
        .conf = bare_configuration("vvv"),
        .conf_index = 1,
        .data = {raft_malloc(8), 8}};
    receive(b, from, &m);
    if (b->code == 0 && (b->update.flags & (unsigned)(RAFT_UPDATE_SNAPSHOT)) != 0) {
        raft_free(b->update.snapshot.chunk.base);
        raft_configuration_close(&b->update.snapshot.metadata.configuration);
    }
}

void bare_elect(struct bare *b)
{
    bare_timeout(b, 2 * ELECTION_MS);
    EXPECT_EQ(RAFT_CANDIDATE, raft_state(&b->raft));
    bare_vote_result(b, 2, raft_current_term(&b->raft) + 1, true, true);
    bare_vote_result(b, 2, raft_current_term(&b->raft), true, false);
    EXPECT_EQ(RAFT_LEADER, raft_state(&b->raft));
}

const struct raft_message *bare_sent(const struct bare *b, enum raft_message_type type)
{
    const struct raft_message *found = NULL;
    for (unsigned i = 0; i < b->update.messages.n; i++) {
        const struct raft_message *m = &b->update.messages.batch[i];
        found = m->type == type ? m : found;
    }
    return found;
}

unsigned bare_sent_count(const struct bare *b, enum raft_message_type type)
{
    unsigned count = 0;
    for (unsigned i = 0; i < b->update.messages.n; i++) {
        count += b->update.messages.batch[i].type == type ? 1 : 0;
    }
    return count;
}
