#include <stdio.h>
#include <string.h>

#include "raft/mutant.h"
#include "tests/lib/test.h"
#include "tests/unit/raft/group.h"

static enum weft_err add(struct group *g, uint64_t leader, struct weft_replica_member m)
{
    struct weft_msg msg = {""};
    uint64_t index;
    return weft_replica_member_add(g->nodes[leader].replica, &m, g->now_ms, &index, &msg);
}

static enum weft_err assign(
    struct group *g, uint64_t leader, uint64_t id, enum weft_role role, bool force)
{
    struct weft_msg msg = {""};
    uint64_t index;
    return weft_replica_member_assign(
        g->nodes[leader].replica, id, role, force, g->now_ms, &index, &msg);
}

static enum weft_err take_out(struct group *g, uint64_t leader, uint64_t id, bool force)
{
    struct weft_msg msg = {""};
    uint64_t index;
    return weft_replica_member_remove(g->nodes[leader].replica, id, force, g->now_ms, &index, &msg);
}

static const struct weft_replica_member *member(struct group *g, uint64_t node, uint64_t id)
{
    const struct weft_configuration *c = weft_replica_configuration(g->nodes[node].replica);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->members[i].id == id) {
            return &c->members[i];
        }
    }
    return NULL;
}

TEST(members, a_newcomer_gets_its_vote_when_it_has_caught_up)
{
    struct group *g = group_create(2);
    group_start(g, 1);
    group_pump(g);
    for (uint64_t i = 0; i < 200; i++) {
        EXPECT_EQ(WEFT_OK, group_propose(g, 1, i, NULL));
        group_pump(g);
    }
    EXPECT_EQ(WEFT_OK, add(g, 1, group_member(2)));
    group_advance(g, 500); /* It is down: a vote would cost the quorum. */
    EXPECT_EQ(WEFT_ROLE_STANDBY, member(g, 1, 2)->role);
    EXPECT_TRUE(member(g, 1, 2)->wants_vote);
    EXPECT_EQ(WEFT_EBUSY, assign(g, 1, 2, WEFT_ROLE_VOTER, false));
    group_start(g, 2);
    group_advance(g, 500);
    EXPECT_EQ(WEFT_ROLE_VOTER, member(g, 1, 2)->role);
    EXPECT_EQ(WEFT_ROLE_VOTER, group_status(g, 2).role);
    group_destroy(g);
}

TEST(members, who_wants_no_vote_stays_standby_until_told)
{
    struct group *g = group_create(2);
    struct weft_replica_member m = group_member(2);
    m.role = WEFT_ROLE_STANDBY;
    m.wants_vote = false;
    group_start(g, 1);
    group_pump(g);
    EXPECT_EQ(WEFT_OK, add(g, 1, m));
    group_start(g, 2);
    group_advance(g, 500);
    EXPECT_EQ(WEFT_ROLE_STANDBY, member(g, 1, 2)->role);
    EXPECT_TRUE(weft_replica_has_caught_up(g->nodes[1].replica, 2, 0));
    EXPECT_EQ(WEFT_OK, assign(g, 1, 2, WEFT_ROLE_VOTER, false));
    group_advance(g, 100);
    EXPECT_EQ(WEFT_ROLE_VOTER, member(g, 2, 2)->role);
    group_destroy(g);
}

TEST(members, one_change_at_a_time_and_each_error_has_its_code)
{
    struct group *g = group_of_voters(3);
    struct weft_replica_member m = group_member(4);
    EXPECT_EQ(WEFT_ENOTLEADER, add(g, 2, m));
    EXPECT_EQ(WEFT_ENOTLEADER, take_out(g, 2, 3, false));
    EXPECT_EQ(WEFT_ENOTLEADER, assign(g, 2, 3, WEFT_ROLE_STANDBY, false));
    EXPECT_EQ(WEFT_ESTATE, add(g, 1, group_member(3)));
    EXPECT_EQ(WEFT_ENOTFOUND, take_out(g, 1, 9, false));
    EXPECT_EQ(WEFT_ENOTFOUND, assign(g, 1, 9, WEFT_ROLE_VOTER, false));
    EXPECT_EQ(WEFT_ESTATE, assign(g, 1, 2, WEFT_ROLE_VOTER, false));
    (void)snprintf(m.name, sizeof(m.name), "two words");
    EXPECT_EQ(WEFT_EINVAL, add(g, 1, m));
    m = group_member(4);
    EXPECT_EQ(WEFT_OK, add(g, 1, m));
    EXPECT_EQ(WEFT_EBUSY, add(g, 1, group_member(5)));
    group_pump(g);
    EXPECT_EQ(WEFT_OK, add(g, 1, group_member(5)));
    group_destroy(g);
}

TEST(members, a_change_that_would_cost_the_quorum_is_refused_unless_forced)
{
    struct group *g = group_of_voters(3);
    group_crash(g, 3, true);
    group_advance(g, 400);                              /* 3 is silent for an election timeout. */
    EXPECT_EQ(WEFT_EREFUSED, take_out(g, 1, 2, false)); /* 1 and 3 would be left. */
    EXPECT_EQ(WEFT_EREFUSED, assign(g, 1, 2, WEFT_ROLE_STANDBY, false));
    EXPECT_EQ(WEFT_OK, take_out(g, 1, 3, false)); /* 1 and 2 are left. */
    group_pump(g);
    EXPECT_EQ(WEFT_OK, take_out(g, 1, 2, true));
    group_pump(g);
    EXPECT_EQ(WEFT_EREFUSED, take_out(g, 1, 1, true)); /* The last voter stays. */
    EXPECT_EQ(1, weft_replica_configuration(g->nodes[1].replica)->count);
    group_destroy(g);
}

TEST(members, a_removed_leader_steps_down_after_the_commit)
{
    struct group *g = group_of_voters(3);
    uint64_t index = 0;
    EXPECT_EQ(WEFT_OK, take_out(g, 1, 1, false));
    EXPECT_EQ(1, group_leader(g)); /* Not yet committed: it still leads. */
    group_advance(g, 5);
    EXPECT_TRUE(group_leader(g) != 1);
    EXPECT_EQ(WEFT_ROLE_SPARE, group_status(g, 1).role);
    uint64_t leader = group_await_leader(g, 3000);
    EXPECT_TRUE(leader == 2 || leader == 3);
    EXPECT_EQ(WEFT_OK, group_propose(g, leader, 42, &index));
    group_pump(g);
    EXPECT_EQ(42, group_value(g, leader, index));
    group_advance(g, 3000);
    EXPECT_EQ(leader, group_leader(g)); /* The removed one disturbs nobody. */
    group_destroy(g);
}

TEST(members, a_demoted_leader_steps_down_and_a_spare_does_not_hurry_the_clock)
{
    struct group *g = group_of_voters(3);
    EXPECT_EQ(WEFT_OK, assign(g, 1, 3, WEFT_ROLE_SPARE, false));
    group_advance(g, 200);
    EXPECT_EQ(1, group_leader(g));
    EXPECT_TRUE(weft_replica_deadline(g->nodes[1].replica) > g->now_ms); /* RFT-33 */
    EXPECT_EQ(WEFT_OK, assign(g, 1, 1, WEFT_ROLE_STANDBY, false));
    group_advance(g, 1000);
    EXPECT_EQ(2, group_leader(g));
    group_destroy(g);
}

TEST(members, no_change_before_an_entry_of_the_term_is_committed)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        group_crash(g, 1, true);
        g->hold_syncs = true; /* The new leader's barrier stays uncommitted. */
        uint64_t leader = group_await_leader(g, 3000);
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_CHANGE_TERM_GATE : 0;
        EXPECT_EQ(mutated ? WEFT_OK : WEFT_EBUSY, take_out(g, leader, 1, true));
        weft_mutants_on = 0;
        g->hold_syncs = false;
        group_pump(g);
        EXPECT_EQ(mutated ? WEFT_ENOTFOUND : WEFT_OK, take_out(g, leader, 1, true));
        group_destroy(g);
    }
}

TEST(members, leadership_is_handed_over)
{
    struct group *g = group_of_voters(3);
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_ENOTLEADER, weft_replica_transfer(g->nodes[2].replica, 1, g->now_ms, &msg));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_replica_transfer(g->nodes[1].replica, 1, g->now_ms, &msg));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_replica_transfer(g->nodes[1].replica, 9, g->now_ms, &msg));
    EXPECT_EQ(WEFT_OK, weft_replica_transfer(g->nodes[1].replica, 3, g->now_ms, &msg));
    EXPECT_EQ(WEFT_EBUSY, weft_replica_transfer(g->nodes[1].replica, 2, g->now_ms, &msg));
    EXPECT_EQ(WEFT_EBUSY, group_propose(g, 1, 1, NULL));
    EXPECT_EQ(WEFT_EBUSY, take_out(g, 1, 2, false));
    group_pump(g);
    EXPECT_EQ(3, group_leader(g));
    EXPECT_EQ(WEFT_OK, weft_replica_transfer(g->nodes[3].replica, 0, g->now_ms, &msg));
    group_pump(g);
    EXPECT_TRUE(group_leader(g) == 1 || group_leader(g) == 2);
    group_destroy(g);
}

/* A clean stop under load: the successor has not yet stored everything. */
TEST(members, leadership_is_handed_over_to_a_follower_that_still_lags)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        struct weft_msg msg = {""};
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_TRANSFER_HOLD : 0;
        for (uint64_t i = 0; i < 4; i++) {
            EXPECT_EQ(WEFT_OK, group_propose(g, 1, i, NULL));
        }
        EXPECT_EQ(WEFT_OK, weft_replica_transfer(g->nodes[1].replica, 2, g->now_ms, &msg));
        EXPECT_EQ(0, g->sent[WEFT_KIND_TIMEOUT_NOW]);
        g->hold_syncs = true;
        group_pump(g); /* All four arrive, */
        for (uint64_t i = 0; i < 4; i++) {
            weft_log_memory_sync(g->nodes[2].log, 1); /* and are stored one by one. */
            EXPECT_EQ(WEFT_OK, weft_replica_synced(g->nodes[2].replica, g->now_ms, &msg));
            group_pump(g);
        }
        g->hold_syncs = false;
        group_pump(g);
        EXPECT_EQ(mutated ? 1 : 2, group_leader(g));
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

TEST(members, a_hand_over_to_a_dead_node_ends_and_proposals_go_on)
{
    struct group *g = group_of_voters(3);
    struct weft_msg msg = {""};
    group_crash(g, 3, true);
    EXPECT_EQ(WEFT_OK, weft_replica_transfer(g->nodes[1].replica, 3, g->now_ms, &msg));
    group_advance(g, 100);
    EXPECT_EQ(WEFT_EBUSY, group_propose(g, 1, 1, NULL));
    group_advance(g, 400);
    EXPECT_EQ(1, group_leader(g));
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 1, NULL));
    group_destroy(g);
}

TEST(members, a_sole_voter_starts_each_life_in_a_term_of_its_own)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_create(1);
        group_start(g, 1);
        group_pump(g);
        uint64_t term = group_status(g, 1).term;
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_SOLE_VOTER_TERM : 0;
        group_crash(g, 1, true);
        group_start(g, 1);
        EXPECT_EQ(1, group_leader(g));
        EXPECT_EQ(mutated ? term : term + 1, group_status(g, 1).term);
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

TEST(members, who_becomes_the_sole_voter_leads_in_a_term_of_its_own)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(2);
        uint64_t term = group_status(g, 1).term;
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_SOLE_VOTER_TERM : 0;
        EXPECT_EQ(WEFT_OK, assign(g, 1, 1, WEFT_ROLE_STANDBY, false));
        group_advance(g, 1000);
        EXPECT_EQ(2, group_leader(g));
        EXPECT_EQ(mutated ? term : term + 1, group_status(g, 2).term);
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

static bool drop_to_2(struct group *g, uint64_t from, uint64_t to, struct weft_peer_message *m)
{
    (void)g;
    (void)from;
    return to != 2 || m->kind != WEFT_KIND_APPEND_ENTRIES;
}

/* One voter makes a second one and crashes before that has heard of it. */
TEST(members, a_standby_that_missed_its_promotion_votes)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_create(2);
        struct weft_replica_member m = group_member(2);
        m.role = WEFT_ROLE_STANDBY;
        m.wants_vote = false;
        group_start(g, 1);
        group_start(g, 2);
        group_pump(g);
        EXPECT_EQ(WEFT_OK, add(g, 1, m));
        group_advance(g, 100);
        g->filter = drop_to_2;
        EXPECT_EQ(WEFT_OK, assign(g, 1, 2, WEFT_ROLE_VOTER, false));
        group_pump(g); /* It is on the disk of 1 alone. */
        group_crash(g, 1, true);
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_STANDBY_VOTE : 0;
        g->filter = NULL;
        group_start(g, 1);
        EXPECT_EQ(mutated ? 0 : 1, group_await_leader(g, 5000));
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

static enum weft_err ask_for_vote(struct group *g, uint64_t from, uint64_t to)
{
    struct weft_peer_message ask = {.kind = WEFT_KIND_REQUEST_VOTE, .header = {.term = 90}};
    ask.request_vote = (struct weft_request_vote){
        .term = 90, .candidate_id = from, .last_log_index = 99, .last_log_term = 80};
    return group_inject(g, from, to, &ask);
}

/* Removed, added again with a vote, and far behind: its vote is needed. */
TEST(members, who_is_no_member_in_its_own_eyes_votes)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(2);
        EXPECT_EQ(WEFT_OK, take_out(g, 1, 1, false));
        group_advance(g, 5);
        EXPECT_TRUE(member(g, 1, 1) == NULL);
        group_crash(g, 2, true);
        group_advance(g, 1000);
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_STANDBY_VOTE : 0;
        EXPECT_EQ(WEFT_OK, ask_for_vote(g, 2, 1));
        weft_mutants_on = 0;
        group_crash(g, 1, true);
        EXPECT_EQ(mutated ? 0 : 2, g->nodes[1].log_start.voted_for);
        group_destroy(g);
    }
}

/* It holds progress for the members as they are: with its own place added for a vote, the core
 * wrote behind that. Seed 108 of the simulation; an odd number of members is left, so that the
 * allocator has no room to spare and notices. */
TEST(members, a_leader_on_its_way_out_gives_no_vote_and_keeps_to_its_memory)
{
    for (uint32_t count = 2; count <= 4; count += 2) {
        struct group *g = group_of_voters(count);
        uint64_t term = group_status(g, 1).term;
        EXPECT_EQ(WEFT_OK, take_out(g, 1, 1, false)); /* Not committed yet. */
        for (int is_pre_vote = 1; is_pre_vote >= 0; is_pre_vote--) {
            EXPECT_EQ(1, group_leader(g));
            struct weft_peer_message ask = {.kind = WEFT_KIND_REQUEST_VOTE,
                .header = {
                    .term = term + !is_pre_vote, .sequence = (UINT64_C(1) << 41) - is_pre_vote}};
            ask.request_vote = (struct weft_request_vote){.term = term + 1,
                .candidate_id = 2,
                .last_log_index = 99,
                .last_log_term = term,
                .pre_vote = is_pre_vote};
            EXPECT_EQ(WEFT_OK, group_inject(g, 2, 1, &ask));
        }
        group_crash(g, 1, true);
        EXPECT_EQ(0, g->nodes[1].log_start.voted_for == 2);
        group_destroy(g);
    }
}

TEST(members, an_empty_disk_does_not_vote)
{
    struct group *g = group_create(2);
    group_start(g, 2);
    EXPECT_EQ(WEFT_OK, ask_for_vote(g, 1, 2));
    EXPECT_EQ(1, g->sent[WEFT_KIND_REQUEST_VOTE_RESULT]);
    group_crash(g, 2, true);
    EXPECT_EQ(0, g->nodes[2].log_start.voted_for);
    group_destroy(g);
}

/* Of two voters one is demoted; the leader loses the entry, the demoted one has it. */
TEST(members, who_is_to_be_demoted_stands_once_more)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(2);
        struct weft_msg msg = {""};
        g->hold_syncs = true;
        EXPECT_EQ(WEFT_OK, assign(g, 1, 2, WEFT_ROLE_STANDBY, false));
        uint64_t index = group_status(g, 1).last_index;
        group_pump(g);
        weft_log_memory_sync(g->nodes[2].log, UINT64_MAX);
        EXPECT_EQ(WEFT_OK, weft_replica_synced(g->nodes[2].replica, g->now_ms, &msg));
        EXPECT_EQ(index, group_status(g, 2).last_index);
        group_crash(g, 1, true);
        if (g->nodes[1].log_start.last_index == index) { /* It survived unsynced: cut it. */
            EXPECT_EQ(WEFT_OK, g->nodes[1].log->engine->truncate(g->nodes[1].log, index, &msg));
            weft_log_memory_restart(g->nodes[1].log, &g->nodes[1].log_start);
        }
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_LAST_STAND : 0;
        g->hold_syncs = false;
        group_start(g, 1);
        EXPECT_EQ(mutated, group_await_leader(g, 5000) == 0);
        if (!mutated) { /* It demotes itself, and the other one leads. */
            group_advance(g, 2000);
            EXPECT_EQ(1, group_leader(g));
            EXPECT_EQ(WEFT_ROLE_STANDBY, member(g, 1, 2)->role);
        }
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

/* A leader removes itself and crashes before anybody has heard of it. */
TEST(members, who_has_removed_itself_stands_once_more)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(2);
        g->filter = drop_to_2;
        EXPECT_EQ(WEFT_OK, take_out(g, 1, 1, false));
        group_pump(g);
        group_crash(g, 1, true);
        g->filter = NULL;
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_LAST_STAND : 0;
        group_start(g, 1);
        EXPECT_EQ(mutated, group_await_leader(g, 5000) == 0);
        if (!mutated) {
            group_advance(g, 2000);
            EXPECT_EQ(2, group_leader(g));
            EXPECT_TRUE(member(g, 2, 1) == NULL);
        }
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

/* A bare majority of which one has the better log and the other the higher term. */
TEST(members, a_refused_pre_vote_teaches_the_higher_term)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        group_crash(g, 2, true);
        for (uint64_t i = 0; i < 5; i++) {
            EXPECT_EQ(WEFT_OK, group_propose(g, 1, i, NULL));
            group_pump(g);
        }
        group_crash(g, 1, true);
        group_crash(g, 3, true);
        group_start(g, 2);
        struct weft_peer_message m = {.kind = WEFT_KIND_REQUEST_VOTE, .header = {.term = 50}};
        m.request_vote =
            (struct weft_request_vote){.term = 50, .candidate_id = 3, .disrupt_leader = true};
        EXPECT_EQ(WEFT_OK, group_inject(g, 3, 2, &m));
        EXPECT_EQ(50, group_status(g, 2).term);
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_PRE_VOTE_TERM : 0;
        group_start(g, 1);
        EXPECT_EQ(mutated ? 0 : 1, group_await_leader(g, 10000));
        weft_mutants_on = 0;
        group_destroy(g);
    }
}
