#include <string.h>

#include "raft/guard.h"
#include "raft/mutant.h"
#include "tests/lib/test.h"

enum {
    SELF = 1,
    PEER = 2,
    CLUSTER = 7,
    LIFE = 100,
    PEER_LIFE = 200,
    TERM = 5
};

static struct weft_guard guard;
static struct weft_guard_view view;

static void begin(void)
{
    memset(&guard, 0, sizeof(guard));
    weft_mutants_on = 0;
    view = (struct weft_guard_view){
        .id = SELF, .cluster = CLUSTER, .incarnation = LIFE, .term = TERM, .last_index = 50};
}

static struct weft_peer_message message(enum weft_message_kind kind, uint64_t sequence)
{
    struct weft_peer_message m = {.kind = kind,
        .header = {.cluster = CLUSTER,
            .sender = PEER,
            .incarnation = PEER_LIFE,
            .term = TERM,
            .sequence = sequence}};
    if (kind == WEFT_KIND_APPEND_ENTRIES) {
        m.append_entries =
            (struct weft_append_entries){.term = TERM, .prev_log_index = 10, .prev_log_term = 4};
    }
    return m;
}

static enum weft_guard_verdict admit(const struct weft_peer_message *m)
{
    const char *reason;
    return weft_guard_admit(&guard, &view, PEER, m, 1000, &reason);
}

/* We have sent AppendEntries up to `index` to the peer, as a leader. */
static struct weft_peer_message send_append(uint64_t index)
{
    struct weft_peer_message m = message(WEFT_KIND_APPEND_ENTRIES, 0);
    m.header.term = view.term;
    m.append_entries.prev_log_index = index;
    weft_guard_sent(weft_guard_peer(&guard, PEER), &m);
    view.is_leader = true;
    view.leader_id = SELF;
    return m;
}

static struct weft_peer_message result_of(
    const struct weft_peer_message *request, uint64_t sequence, uint64_t last, uint64_t rejected)
{
    struct weft_peer_message m = message(WEFT_KIND_APPEND_ENTRIES_RESULT, sequence);
    m.header.request_term = request->header.term;
    m.header.request_sequence = request->header.sequence;
    m.header.request_incarnation = LIFE;
    m.append_entries_result = (struct weft_append_entries_result){
        .term = TERM, .last_log_index = last, .rejected = rejected};
    return m;
}

/* The guard on, then the mutant that lacks it: the difference is the guard's work. */
static void expect_only_with_guard(const struct weft_peer_message *m, enum weft_guard_verdict with,
    enum weft_guard_verdict without, enum weft_mutant mutant)
{
    struct weft_guard before = guard;
    EXPECT_EQ(with, admit(m));
    guard = before;
    weft_mutants_on = UINT64_C(1) << mutant;
    EXPECT_EQ(without, admit(m));
    weft_mutants_on = 0;
}

TEST(guard, another_cluster_or_sender_is_foreign)
{
    begin();
    struct weft_peer_message m = message(WEFT_KIND_APPEND_ENTRIES, 1);
    m.header.cluster = CLUSTER + 1;
    EXPECT_EQ(WEFT_GUARD_FOREIGN, admit(&m));
    m = message(WEFT_KIND_APPEND_ENTRIES, 1);
    m.header.sender = 3; /* The link says that it is PEER. */
    EXPECT_EQ(WEFT_GUARD_FOREIGN, admit(&m));
    const char *reason;
    m.header.sender = SELF;
    EXPECT_EQ(WEFT_GUARD_FOREIGN, weft_guard_admit(&guard, &view, SELF, &m, 1, &reason));
    m = message(WEFT_KIND_APPEND_ENTRIES, 1);
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
}

TEST(guard, repeated_and_overtaken_messages_are_dropped)
{
    begin();
    struct weft_peer_message m = message(WEFT_KIND_APPEND_ENTRIES, 7);
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
    expect_only_with_guard(&m, WEFT_GUARD_DROP, WEFT_GUARD_PASS, WEFT_MUTANT_NO_SEQUENCE_GUARD);
    m.header.sequence = 6;
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&m));
    m.header.sequence = 9; /* One may be lost. */
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
}

TEST(guard, a_new_life_of_a_peer_counts_from_anew_and_a_latecomer_of_the_old_does_no_harm)
{
    begin();
    struct weft_peer_message m = message(WEFT_KIND_APPEND_ENTRIES, 70);
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
    m.header.incarnation++;
    m.header.sequence = 1;
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
    struct weft_peer_message late = message(WEFT_KIND_APPEND_ENTRIES, 70);
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&late));
    late.header.sequence = 71; /* Never seen, from before the crash. */
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&late));
    m.header.sequence = 2; /* The new life is not shut out by it. */
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
    m.header.sequence = 1;
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&m));
}

TEST(guard, stale_requests_are_answered_by_us)
{
    begin();
    struct weft_peer_message m = message(WEFT_KIND_APPEND_ENTRIES, 1);
    m.header.term = m.append_entries.term = TERM - 1;
    expect_only_with_guard(&m, WEFT_GUARD_STALE, WEFT_GUARD_PASS, WEFT_MUTANT_NO_STALE_ANSWER);
    m = message(WEFT_KIND_TIMEOUT_NOW, 2);
    m.header.term = m.timeout_now.term = TERM - 1;
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&m));
}

TEST(guard, results_count_only_for_their_own_request)
{
    begin();
    struct weft_peer_message sent = send_append(20);
    struct weft_peer_message m = result_of(&sent, 1, 20, 0);
    m.header.request_term = TERM - 1;
    expect_only_with_guard(&m, WEFT_GUARD_DROP, WEFT_GUARD_PASS, WEFT_MUTANT_NO_RESULT_GUARD);
    m = result_of(&sent, 2, 20, 0);
    m.header.request_incarnation = LIFE - 1;
    expect_only_with_guard(&m, WEFT_GUARD_DROP, WEFT_GUARD_PASS, WEFT_MUTANT_NO_RESULT_GUARD);
    m = result_of(&sent, 3, 20, 0);
    m.header.request_sequence = 999;
    expect_only_with_guard(&m, WEFT_GUARD_ALARM, WEFT_GUARD_PASS, WEFT_MUTANT_NO_RESULT_GUARD);
    m = result_of(&sent, 4, 20, 0);
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
    view.is_leader = false;
    m = result_of(&sent, 5, 20, 0);
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&m));
}

TEST(guard, a_result_of_a_higher_term_may_only_raise_our_term)
{
    begin();
    struct weft_peer_message sent = send_append(20);
    struct weft_peer_message m = result_of(&sent, 1, 999, 0);
    m.header.term = m.append_entries_result.term = TERM + 1;
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
}

TEST(guard, acknowledging_more_than_was_sent_raises_an_alarm)
{
    begin();
    struct weft_peer_message sent = send_append(20);
    struct weft_peer_message m = result_of(&sent, 1, 21, 0);
    expect_only_with_guard(&m, WEFT_GUARD_ALARM, WEFT_GUARD_PASS, WEFT_MUTANT_NO_OVERACK_GUARD);
    (void)send_append(90);
    m = result_of(&sent, 2, 51, 0); /* Sent or not, our log ends at 50. */
    expect_only_with_guard(&m, WEFT_GUARD_ALARM, WEFT_GUARD_PASS, WEFT_MUTANT_NO_OVERACK_GUARD);
    m = result_of(&sent, 3, 50, 0);
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
    view.term = TERM + 1; /* What was sent in an older term does not count. */
    sent.header.term = TERM + 1;
    m = result_of(&sent, 4, 50, 0);
    m.header.term = m.append_entries_result.term = TERM + 1;
    EXPECT_EQ(WEFT_GUARD_ALARM, admit(&m));
}

TEST(guard, a_peer_that_lost_what_it_acknowledged_raises_an_alarm_unless_it_is_a_latecomer)
{
    begin();
    struct weft_peer_message sent = send_append(20);
    view.match_index = 20;
    struct weft_peer_message m = result_of(&sent, 1, 5, 20);
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&m));
    m.header.sequence = 2;
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&m));
    m.header.sequence = 3;
    EXPECT_EQ(WEFT_GUARD_ALARM, admit(&m));
    m = result_of(&sent, 4, 20, 30); /* An honest refusal. */
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
}

TEST(guard, votes_count_only_in_the_election_that_asked_for_them)
{
    begin();
    view.is_candidate = true;
    view.is_pre_voting = true;
    struct weft_peer_message ask = message(WEFT_KIND_REQUEST_VOTE, 0);
    weft_guard_sent(weft_guard_peer(&guard, PEER), &ask);
    struct weft_peer_message m = message(WEFT_KIND_REQUEST_VOTE_RESULT, 1);
    m.header.request_term = TERM;
    m.header.request_sequence = ask.header.sequence;
    m.header.request_incarnation = LIFE;
    m.request_vote_result =
        (struct weft_request_vote_result){.term = TERM + 1, .vote_granted = true, .pre_vote = true};
    struct weft_guard_view then = view;
    view.is_candidate = false;
    expect_only_with_guard(&m, WEFT_GUARD_DROP, WEFT_GUARD_PASS, WEFT_MUTANT_NO_VOTE_GUARD);
    view = then;
    view.is_pre_voting = false;
    m.header.sequence = 2;
    expect_only_with_guard(&m, WEFT_GUARD_DROP, WEFT_GUARD_PASS, WEFT_MUTANT_NO_VOTE_GUARD);
    view = then;
    m.header.sequence = 3;
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
    weft_guard_sent(weft_guard_peer(&guard, PEER), &ask); /* Asked again: the old one is over. */
    m.header.sequence = 4;
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&m));
}

TEST(guard, a_second_leader_of_a_term_raises_an_alarm)
{
    begin();
    struct weft_peer_message m = message(WEFT_KIND_APPEND_ENTRIES, 1);
    view.leader_id = 3;
    expect_only_with_guard(&m, WEFT_GUARD_ALARM, WEFT_GUARD_PASS, WEFT_MUTANT_NO_LEADER_GUARD);
    view.leader_id = SELF;
    view.is_leader = true;
    m.header.sequence = 2;
    expect_only_with_guard(&m, WEFT_GUARD_ALARM, WEFT_GUARD_PASS, WEFT_MUTANT_NO_LEADER_GUARD);
    m = message(WEFT_KIND_APPEND_ENTRIES, 3); /* Of the next term it is welcome. */
    m.header.term = m.append_entries.term = TERM + 1;
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
}

TEST(guard, a_sole_voter_takes_no_permission_to_lead)
{
    begin();
    struct weft_peer_message m = message(WEFT_KIND_TIMEOUT_NOW, 1);
    m.timeout_now.term = TERM;
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&m));
    view.is_sole_voter = true;
    m.header.sequence = 2;
    EXPECT_EQ(WEFT_GUARD_DROP, admit(&m));
}

static void expect_malformed(struct weft_peer_message m)
{
    m.header.sequence = 1000;
    EXPECT_EQ(WEFT_GUARD_MALFORMED, admit(&m));
}

TEST(guard, what_no_honest_peer_sends_is_malformed)
{
    begin();
    struct weft_peer_entry entries[2] = {{4, WEFT_ENTRY_COMMAND, {(const uint8_t *)"12345678", 8}},
        {5, WEFT_ENTRY_COMMAND, {(const uint8_t *)"12345678", 8}}};
    struct weft_peer_message good = message(WEFT_KIND_APPEND_ENTRIES, 1), m;
    good.append_entries.entries = entries;
    good.append_entries.entry_count = 2;
    EXPECT_EQ(WEFT_GUARD_PASS, admit(&good));
    m = good;
    m.append_entries.term = TERM + 1;
    expect_malformed(m);
    m = good;
    m.append_entries.prev_log_term = 0;
    expect_malformed(m);
    m = good;
    m.append_entries.prev_log_index = 0;
    expect_malformed(m);
    m = good;
    m.append_entries.leader_commit = UINT64_MAX;
    expect_malformed(m);
    m = good;
    m.header.term = m.append_entries.term = UINT64_MAX;
    expect_malformed(m);
    entries[1].term = 3; /* Falls. */
    expect_malformed(good);
    entries[1].term = 6; /* Above the leader's. */
    expect_malformed(good);
    entries[1] = (struct weft_peer_entry){5, (enum weft_entry_type)4, {NULL, 0}};
    expect_malformed(good);
    entries[1] = (struct weft_peer_entry){5, WEFT_ENTRY_CHANGE, {(const uint8_t *)"12345678", 8}};
    expect_malformed(good);
    entries[1] = (struct weft_peer_entry){5, WEFT_ENTRY_COMMAND, {NULL, WEFT_ENTRY_SIZE_MAX + 1}};
    expect_malformed(good);
    m = message(WEFT_KIND_REQUEST_VOTE, 1);
    m.request_vote = (struct weft_request_vote){.term = TERM, .candidate_id = 3};
    expect_malformed(m);
    m.request_vote.candidate_id = PEER;
    m.request_vote.pre_vote = true;
    expect_malformed(m);
    m = message(WEFT_KIND_INSTALL_SNAPSHOT, 1);
    m.install_snapshot = (struct weft_install_snapshot){
        .term = TERM, .last_index = 9, .last_term = 2, .conf_index = 10};
    expect_malformed(m);
    m = message(WEFT_KIND_CHUNK, 1);
    expect_malformed(m);
    m = message(WEFT_KIND_PING, 0);
    m.header.incarnation = 0;
    expect_malformed(m);
}

TEST(guard, parts_of_a_batch_begin_with_configurations)
{
    struct weft_peer_entry e[6] = {0};
    struct weft_append_entries a = {.entries = e, .entry_count = 6};
    for (int i = 0; i < 6; i++) {
        e[i].type = WEFT_ENTRY_COMMAND;
    }
    e[2].type = WEFT_ENTRY_CHANGE;
    e[3].type = WEFT_ENTRY_CHANGE;
    weft_mutants_on = 0;
    EXPECT_EQ(2, weft_guard_split(&a, 0));
    EXPECT_EQ(3, weft_guard_split(&a, 2));
    EXPECT_EQ(6, weft_guard_split(&a, 3));
    weft_mutants_on = UINT64_C(1) << WEFT_MUTANT_NO_CHANGE_SPLIT;
    EXPECT_EQ(6, weft_guard_split(&a, 0));
    weft_mutants_on = 0;
}

TEST(guard, forgets_the_peer_unheard_of_for_longest_and_never_repeats_a_sequence)
{
    begin();
    const char *reason;
    for (uint64_t id = 2; id < 2 + 2 * WEFT_GUARD_PEERS_MAX; id++) {
        struct weft_peer_message m = message(WEFT_KIND_PING, 1);
        m.header.sender = id;
        EXPECT_EQ(WEFT_GUARD_PASS, weft_guard_admit(&guard, &view, id, &m, 1000 + id, &reason));
        struct weft_peer_message out = message(WEFT_KIND_PONG, 0);
        weft_guard_sent(weft_guard_peer(&guard, id), &out);
    }
    EXPECT_TRUE(weft_guard_find(&guard, 2) == NULL);
    EXPECT_TRUE(weft_guard_find(&guard, 1 + 2 * WEFT_GUARD_PEERS_MAX) != NULL);
    struct weft_peer_message out = message(WEFT_KIND_PONG, 0);
    weft_guard_sent(weft_guard_peer(&guard, 2), &out);
    EXPECT_TRUE(out.header.sequence > 1);
}
