#include <stdlib.h>
#include <string.h>

#include "raft/mutant.h"
#include "tests/lib/test.h"
#include "tests/unit/raft/group.h"

static void mutate(enum weft_mutant m)
{
    weft_mutants_on = UINT64_C(1) << m;
}

static void heal_mutants(void)
{
    weft_mutants_on = 0;
}

TEST(replica, alone_leads_at_once_and_commits)
{
    struct group *g = group_create(1);
    uint64_t index = 0;
    group_start(g, 1);
    group_pump(g);
    EXPECT_EQ(1, group_leader(g));
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 11, &index));
    group_pump(g);
    EXPECT_EQ(11, group_value(g, 1, index));
    EXPECT_EQ(0, weft_replica_inflight(g->nodes[1].replica));
    group_destroy(g);
}

TEST(replica, three_elect_commit_and_restart)
{
    struct group *g = group_of_voters(3);
    uint64_t index = 0;
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 42, &index));
    group_pump(g);
    group_advance(g, 60);
    for (uint64_t id = 1; id <= 3; id++) {
        EXPECT_EQ(42, group_value(g, id, index));
    }
    group_crash(g, 1, false);
    uint64_t leader = group_await_leader(g, 3000);
    EXPECT_TRUE(leader == 2 || leader == 3);
    EXPECT_EQ(WEFT_OK, group_propose(g, leader, 43, &index));
    group_pump(g);
    group_start(g, 1);
    group_advance(g, 200);
    EXPECT_EQ(43, group_value(g, 1, index));
    group_destroy(g);
}

TEST(replica, takes_proposals_up_to_its_limits)
{
    struct group *g = group_of_voters(3);
    struct weft_msg msg = {""};
    uint64_t index, term;
    static uint8_t large[WEFT_ENTRY_SIZE_MAX + 1];
    struct weft_replica *leader = g->nodes[1].replica;
    EXPECT_EQ(WEFT_EINVAL, weft_replica_propose(leader, (struct weft_bytes){large, 0}, g->now_ms,
                               &index, &term, &msg));
    EXPECT_EQ(WEFT_ETOOBIG, weft_replica_propose(leader, (struct weft_bytes){large, sizeof(large)},
                                g->now_ms, &index, &term, &msg));
    EXPECT_EQ(WEFT_ENOTLEADER, group_propose(g, 2, 1, NULL));
    g->hold_syncs = true;
    for (uint32_t i = 0; i < g->inflight_max; i++) {
        EXPECT_EQ(WEFT_OK, group_propose(g, 1, i, NULL));
        EXPECT_EQ(i + 1, weft_replica_inflight(leader));
    }
    EXPECT_EQ(WEFT_EBUSY, group_propose(g, 1, 99, NULL));
    g->hold_syncs = false;
    group_pump(g);
    EXPECT_EQ(0, weft_replica_inflight(leader));
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 99, NULL));
    group_destroy(g);
}

TEST(replica, nothing_is_committed_before_a_majority_has_it_on_disk)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        uint64_t index = 0;
        if (mutated) {
            mutate(WEFT_MUTANT_ACK_BEFORE_SYNC);
        }
        g->hold_syncs = true;
        EXPECT_EQ(WEFT_OK, group_propose(g, 1, 5, &index));
        group_pump(g);
        EXPECT_EQ(mutated ? 5 : 0, group_value(g, 1, index));
        heal_mutants();
        g->hold_syncs = false;
        group_pump(g);
        EXPECT_EQ(5, group_value(g, 1, index));
        group_destroy(g);
    }
}

TEST(replica, entries_are_sent_before_the_own_disk_is_done)
{
    struct group *g = group_of_voters(3);
    uint64_t before = g->sent[WEFT_KIND_APPEND_ENTRIES];
    g->hold_syncs = true;
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 5, NULL));
    EXPECT_EQ(before + 2, g->sent[WEFT_KIND_APPEND_ENTRIES]);
    group_destroy(g);
}

TEST(replica, a_full_disk_stops_the_node_and_the_others_go_on)
{
    struct group *g = group_of_voters(3);
    struct weft_msg msg = {""};
    uint64_t index = 0;
    weft_log_memory_fail(g->nodes[1].log, WEFT_LOG_MEMORY_APPEND, 1, WEFT_ENOSPC);
    struct weft_replica *leader = g->nodes[1].replica;
    uint64_t value = 7, term;
    EXPECT_EQ(WEFT_ENOSPC, weft_replica_propose(leader, (struct weft_bytes){(uint8_t *)&value, 8},
                               g->now_ms, &index, &term, &msg));
    struct weft_replica_status status;
    weft_replica_status(leader, &status);
    EXPECT_TEXT("unavailable", status.state);
    /* Nothing can be done with it any more, not even a second, lucky append. */
    EXPECT_EQ(WEFT_ENOSPC, weft_replica_propose(leader, (struct weft_bytes){(uint8_t *)&value, 8},
                               g->now_ms, &index, &term, &msg));
    EXPECT_EQ(WEFT_ENOSPC, weft_replica_tick(leader, g->now_ms, &msg));
    group_crash(g, 1, true);
    uint64_t next = group_await_leader(g, 3000);
    EXPECT_EQ(WEFT_OK, group_propose(g, next, 8, &index));
    group_pump(g);
    EXPECT_EQ(8, group_value(g, next, index));
    group_start(g, 1);
    group_advance(g, 200);
    EXPECT_EQ(8, group_value(g, 1, index));
    group_destroy(g);
}

TEST(replica, a_failed_sync_stops_the_node)
{
    struct group *g = group_of_voters(3);
    weft_log_memory_fail(g->nodes[2].log, WEFT_LOG_MEMORY_SYNC, 1, WEFT_EIO);
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 5, NULL));
    group_pump(g);
    EXPECT_EQ(WEFT_EIO, g->nodes[2].died);
    group_destroy(g);
}

static uint64_t votes_seen;
static bool count_votes(struct group *g, uint64_t from, uint64_t to, struct weft_peer_message *m)
{
    (void)g;
    (void)from;
    (void)to;
    votes_seen += m->kind == WEFT_KIND_REQUEST_VOTE_RESULT && m->request_vote_result.vote_granted;
    return true;
}

TEST(replica, a_vote_leaves_only_after_it_is_durable)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        struct weft_replica_status s = group_status(g, 2);
        if (mutated) {
            mutate(WEFT_MUTANT_SEND_BEFORE_TERM);
        }
        votes_seen = 0;
        g->filter = count_votes;
        weft_log_memory_fail(g->nodes[2].log, WEFT_LOG_MEMORY_SET_TERM, 1, WEFT_EIO);
        struct weft_peer_message m = {
            .kind = WEFT_KIND_REQUEST_VOTE, .header = {.term = s.term + 1}};
        m.request_vote = (struct weft_request_vote){.term = s.term + 1,
            .candidate_id = 3,
            .last_log_index = s.last_index,
            .last_log_term = s.term,
            .disrupt_leader = true};
        EXPECT_EQ(WEFT_EIO, group_inject(g, 3, 2, &m));
        EXPECT_EQ(mutated, votes_seen);
        EXPECT_EQ(WEFT_EIO, g->nodes[2].died);
        heal_mutants();
        group_destroy(g);
    }
}

TEST(replica, a_vote_survives_a_crash)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        struct weft_replica_status s = group_status(g, 2);
        struct weft_peer_message m = {
            .kind = WEFT_KIND_REQUEST_VOTE, .header = {.term = s.term + 1}};
        m.request_vote = (struct weft_request_vote){.term = s.term + 1,
            .candidate_id = 3,
            .last_log_index = s.last_index,
            .last_log_term = s.term,
            .disrupt_leader = true};
        if (mutated) {
            mutate(WEFT_MUTANT_VOTE_NOT_PERSISTED);
        }
        votes_seen = 0;
        g->filter = count_votes;
        EXPECT_EQ(WEFT_OK, group_inject(g, 3, 2, &m));
        EXPECT_EQ(1, votes_seen);
        group_crash(g, 2, true);
        group_start(g, 2);
        m.header = (struct weft_peer_header){.term = s.term + 1};
        m.request_vote.candidate_id = 1;
        EXPECT_EQ(WEFT_OK, group_inject(g, 1, 2, &m));
        EXPECT_EQ(1 + mutated, votes_seen); /* Twice in a term is a fork to come. */
        heal_mutants();
        group_destroy(g);
    }
}

TEST(replica, foreign_and_malformed_messages_are_counted_and_change_nothing)
{
    struct group *g = group_of_voters(3);
    struct weft_replica_status s = group_status(g, 2);
    struct weft_peer_message m = {.kind = WEFT_KIND_PING, .header = {.cluster = 5}};
    EXPECT_EQ(WEFT_EPEER, group_inject(g, 1, 2, &m));
    m = (struct weft_peer_message){.kind = WEFT_KIND_PING, .header = {.sender = 3}};
    EXPECT_EQ(WEFT_EPEER, group_inject(g, 1, 2, &m));
    m = (struct weft_peer_message){.kind = WEFT_KIND_FETCH};
    EXPECT_EQ(WEFT_EMALFORMED, group_inject(g, 1, 2, &m));
    m = (struct weft_peer_message){.kind = WEFT_KIND_APPEND_ENTRIES, .header = {.term = 99}};
    EXPECT_EQ(WEFT_EMALFORMED, group_inject(g, 1, 2, &m)); /* Terms differ. */
    struct weft_replica_status after = group_status(g, 2);
    EXPECT_EQ(s.dropped_messages + 4, after.dropped_messages);
    EXPECT_EQ(s.term, after.term);
    group_destroy(g);
}

TEST(replica, gives_each_entry_once_and_wants_it_applied_in_order)
{
    struct group *g = group_create(1);
    struct weft_msg msg = {""};
    struct weft_log_entry entries[8];
    uint32_t count = 0;
    group_start(g, 1);
    struct weft_replica *r = g->nodes[1].replica;
    EXPECT_EQ(WEFT_OK, weft_replica_next(r, 1, 8, entries, &count, &msg));
    EXPECT_EQ(1, count);
    EXPECT_EQ(1, entries[0].index);
    EXPECT_EQ(WEFT_ENTRY_CHANGE, entries[0].type);
    EXPECT_EQ(WEFT_OK, weft_replica_next(r, 1, 8, entries, &count, &msg));
    EXPECT_EQ(0, count); /* The barrier is not synced yet. */
    EXPECT_EQ(WEFT_EINVAL, weft_replica_applied(r, 2, g->now_ms, &msg));
    EXPECT_EQ(WEFT_OK, weft_replica_applied(r, 1, g->now_ms, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_replica_applied(r, 0, g->now_ms, &msg));
    group_destroy(g);
}

TEST(replica, tells_the_leader_what_it_has_applied)
{
    struct group *g = group_of_voters(3);
    uint64_t index = 0;
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 42, &index));
    group_advance(g, 120);
    EXPECT_EQ(index, g->nodes[1].peer_applied_index);
    group_destroy(g);
}

TEST(replica, leader_can_tell_others_at_once_how_far_is_committed)
{
    struct group *g = group_of_voters(3);
    uint64_t index = 0, leader = group_leader(g);
    EXPECT_EQ(WEFT_OK, group_propose(g, leader, 42, &index));
    group_pump(g);
    EXPECT_EQ(index, group_status(g, leader).commit_index);
    uint64_t other = leader % 3 + 1;
    EXPECT_TRUE(group_status(g, other).commit_index < index); /* Else nothing is shown here. */
    weft_replica_tell_commit(g->nodes[leader].replica);
    weft_replica_tell_commit(g->nodes[other].replica); /* It does not lead: nothing. */
    uint64_t sent = g->sent[WEFT_KIND_APPEND_ENTRIES];
    group_pump(g);
    EXPECT_EQ(index, group_status(g, other).commit_index);
    weft_replica_tell_commit(g->nodes[leader].replica); /* They know. */
    EXPECT_EQ(sent, g->sent[WEFT_KIND_APPEND_ENTRIES]);
    group_destroy(g);
}

static size_t largest_append;
static bool watch_size(struct group *g, uint64_t from, uint64_t to, struct weft_peer_message *m)
{
    size_t size = 0;
    (void)g;
    (void)from;
    (void)to;
    for (uint32_t i = 0; m->kind == WEFT_KIND_APPEND_ENTRIES && i < m->append_entries.entry_count;
         i++) {
        size += m->append_entries.entries[i].data.size;
    }
    largest_append = size > largest_append ? size : largest_append;
    return true;
}

TEST(replica, large_entries_catch_up_in_messages_that_fit)
{
    struct group *g = group_of_voters(3);
    static uint8_t large[WEFT_ENTRY_SIZE_MAX];
    struct weft_msg msg = {""};
    uint64_t index = 0, term;
    group_isolate(g, 3, true);
    for (int i = 0; i < 24; i++) {
        large[0] = (uint8_t)i;
        EXPECT_EQ(WEFT_OK,
            weft_replica_propose(g->nodes[1].replica, (struct weft_bytes){large, sizeof(large)},
                g->now_ms, &index, &term, &msg));
        group_pump(g);
    }
    largest_append = 0;
    g->filter = watch_size;
    group_isolate(g, 3, false);
    group_advance(g, 1000);
    EXPECT_EQ(index, g->nodes[3].state_index);
    EXPECT_TRUE(largest_append > WEFT_ENTRY_SIZE_MAX);
    EXPECT_TRUE(largest_append <= WEFT_APPEND_SIZE_MAX);
    group_destroy(g);
}

TEST(replica, small_entries_catch_up_by_the_hundred)
{
    struct group *g = group_of_voters(3);
    uint64_t index = 0;
    group_isolate(g, 3, true);
    for (uint64_t i = 0; i < 1000; i++) {
        EXPECT_EQ(WEFT_OK, group_propose(g, 1, i, &index));
        group_pump(g);
    }
    group_isolate(g, 3, false);
    uint64_t before = g->sent[WEFT_KIND_APPEND_ENTRIES];
    group_advance(g, 110);
    EXPECT_EQ(index, g->nodes[3].state_index);
    EXPECT_TRUE(g->sent[WEFT_KIND_APPEND_ENTRIES] - before < 20);
    group_destroy(g);
}

TEST(replica, reads_on_every_node_see_what_was_acknowledged)
{
    struct group *g = group_of_voters(3);
    uint64_t index = 0;
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 42, &index));
    while (group_value(g, 1, index) == 0) { /* The leader tells its client first. */
        group_pump(g);
    }
    for (uint64_t id = 1; id <= 3; id++) {
        struct group_node *n = &g->nodes[id];
        weft_replica_read(n->replica, 7, g->now_ms);
        EXPECT_EQ(0, n->read_count);
        group_advance(g, 120);
        EXPECT_EQ(1, n->read_count);
        EXPECT_EQ(WEFT_OK, n->reads[0].err);
        EXPECT_TRUE(n->reads[0].index >= index);
        EXPECT_EQ(42, group_value(g, id, index));
    }
    group_destroy(g);
}

TEST(replica, a_thousand_reads_share_a_round)
{
    struct group *g = group_of_voters(3);
    uint64_t pings = g->sent[WEFT_KIND_PING];
    for (uint64_t i = 0; i < 200; i++) {
        weft_replica_read(g->nodes[1].replica, i, g->now_ms);
    }
    group_pump(g);
    EXPECT_EQ(200, g->nodes[1].read_count);
    EXPECT_EQ(pings + 2, g->sent[WEFT_KIND_PING]);
    uint64_t questions = g->sent[WEFT_KIND_READ_INDEX];
    for (uint64_t i = 0; i < 200; i++) {
        weft_replica_read(g->nodes[2].replica, i, g->now_ms);
    }
    group_pump(g);
    EXPECT_EQ(200, g->nodes[2].read_count);
    EXPECT_EQ(questions + 1, g->sent[WEFT_KIND_READ_INDEX]);
    group_destroy(g);
}

TEST(replica, an_isolated_old_leader_answers_no_read)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        if (mutated) {
            mutate(WEFT_MUTANT_READ_WITHOUT_ROUND);
        }
        group_isolate(g, 1, true);
        weft_replica_read(g->nodes[1].replica, 7, g->now_ms);
        group_advance(g, 10);
        EXPECT_EQ(mutated, g->nodes[1].read_count);
        group_advance(g, 4 * 300);
        EXPECT_EQ(1, g->nodes[1].read_count);
        EXPECT_EQ(mutated ? WEFT_OK : WEFT_EUNAVAILABLE, g->nodes[1].reads[0].err);
        heal_mutants();
        group_destroy(g);
    }
}

TEST(replica, a_read_survives_a_change_of_leader)
{
    struct group *g = group_of_voters(3);
    group_crash(g, 1, false);
    weft_replica_read(g->nodes[2].replica, 7, g->now_ms);
    EXPECT_TRUE(group_await_leader(g, 3000) != 0);
    group_advance(g, 200);
    EXPECT_EQ(1, g->nodes[2].read_count);
    EXPECT_EQ(WEFT_OK, g->nodes[2].reads[0].err);
    group_destroy(g);
}

TEST(replica, bootstrap_wants_an_empty_log)
{
    struct group *g = group_create(1);
    struct weft_replica_member self = group_member(1);
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_ESTATE, weft_replica_bootstrap(g->nodes[1].log, &self, &msg));
    group_destroy(g);
}

TEST(replica, a_lost_quorum_is_recovered_on_a_survivor)
{
    struct group *g = group_of_voters(3);
    struct weft_msg msg = {""};
    struct weft_configuration c = {0}, empty = {0};
    uint64_t index = 0;
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 42, &index));
    group_advance(g, 120);
    for (uint64_t id = 1; id <= 3; id++) {
        group_stop(g, id);
    }
    struct group_node *n = &g->nodes[2];
    uint64_t self = 2, stranger = 9, both[] = {2, 2};
    EXPECT_EQ(WEFT_EINVAL, weft_replica_recover(n->log, &n->log_start, &empty, &self, 0, &c, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_replica_recover(n->log, &n->log_start, &empty, both, 2, &c, &msg));
    EXPECT_EQ(WEFT_ENOTFOUND,
        weft_replica_recover(n->log, &n->log_start, &empty, &stranger, 1, &c, &msg));
    EXPECT_EQ(WEFT_OK, weft_replica_recover(n->log, &n->log_start, &empty, &self, 1, &c, &msg));
    EXPECT_EQ(1, c.count);
    weft_log_memory_restart(n->log, &n->log_start);
    group_start(g, 2);
    EXPECT_EQ(2, group_await_leader(g, 1000));
    EXPECT_EQ(WEFT_OK, group_propose(g, 2, 43, &index));
    group_pump(g);
    EXPECT_EQ(43, group_value(g, 2, index));
    EXPECT_EQ(1, weft_replica_configuration(n->replica)->count);
    group_destroy(g);
}

TEST(replica, an_empty_log_cannot_be_recovered)
{
    struct group *g = group_create(2);
    struct weft_msg msg = {""};
    struct weft_configuration c = {0}, empty = {0};
    uint64_t self = 2;
    struct group_node *n = &g->nodes[2];
    EXPECT_EQ(
        WEFT_ENOTFOUND, weft_replica_recover(n->log, &n->log_start, &empty, &self, 1, &c, &msg));
    group_destroy(g);
}
