/* The library, driven by hand through every situation in which a version of it has forked or
 * lost acknowledged data, or stood still for good. First those that 0.22.1 gets right, which
 * older versions did not: they must stay right. Then its own defects, as they are: when one of
 * these tests fails, the library has changed, and the guard that answers it wants another look
 * (raft/README.md, "What the library gets wrong"; the guards' own tests are named there). */
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/raft/bare.h"

static struct bare b;

static const uint64_t none[] = {0};

/* Leader of term 3 with entries 1 and 2 (term 2), its barrier 3 stored and committed. */
static void lead(void)
{
    static const uint64_t terms[] = {2, 0};
    bare_start(&b, 2, 0, "vvv", terms);
    bare_elect(&b);
    bare_result(&b, 2, 3, 2, 0);
    bare_result(&b, 3, 3, 2, 0);
    bare_persist(&b, 3);
    bare_result(&b, 2, 3, 3, 0);
    bare_result(&b, 3, 3, 3, 0);
    EXPECT_EQ(3, raft_commit_index(&b.raft));
}

TEST(sound, an_older_terms_entry_is_not_committed_by_counting)
{
    static const uint64_t terms[] = {2, 0};
    bare_start(&b, 2, 0, "vvv", terms);
    bare_elect(&b);
    bare_result(&b, 2, 3, 2, 0); /* Dissertation, 3.6.2 */
    bare_result(&b, 3, 3, 2, 0);
    EXPECT_EQ(1, raft_commit_index(&b.raft));
    bare_close(&b);
}

TEST(sound, a_follower_acknowledges_only_what_was_matched)
{
    static const uint64_t terms[] = {2, 2, 0};
    bare_start(&b, 2, 0, "vvv", terms);
    bare_append(&b, 2, 3, 2, 2, 1, NULL, 0); /* Entry 3 was never compared. */
    EXPECT_EQ(2, bare_sent(&b, RAFT_APPEND_ENTRIES_RESULT)->append_entries_result.last_log_index);
    bare_close(&b);
}

TEST(sound, a_follower_acknowledges_only_what_is_stored)
{
    const struct bare_entry entries[] = {{2, NULL}, {2, NULL}};
    bare_start(&b, 2, 0, "vvv", none);
    bare_append(&b, 2, 2, 1, 1, 1, entries, 2);
    EXPECT_EQ(0, bare_sent_count(&b, RAFT_APPEND_ENTRIES_RESULT));
    bare_append(&b, 2, 2, 3, 2, 3, NULL, 0); /* A heartbeat behind them. */
    EXPECT_EQ(1, bare_sent(&b, RAFT_APPEND_ENTRIES_RESULT)->append_entries_result.last_log_index);
    bare_persist(&b, 2);
    EXPECT_EQ(2, bare_sent(&b, RAFT_APPEND_ENTRIES_RESULT)->append_entries_result.last_log_index);
    bare_close(&b);
}

TEST(sound, a_write_that_ends_under_a_new_leader_is_not_acknowledged_to_it)
{
    const struct bare_entry entries[] = {{3, NULL}, {3, NULL}};
    bare_start(&b, 2, 0, "vvv", none);
    bare_append(&b, 2, 3, 1, 1, 1, entries, 2);
    bare_append(&b, 3, 4, 1, 1, 1, NULL, 0);
    EXPECT_EQ(1, bare_sent(&b, RAFT_APPEND_ENTRIES_RESULT)->append_entries_result.last_log_index);
    bare_persist(&b, 3);
    const struct raft_message *m = bare_sent(&b, RAFT_APPEND_ENTRIES_RESULT);
    EXPECT_TRUE(m == NULL || m->append_entries_result.last_log_index == 1);
    bare_close(&b);
}

TEST(sound, pipelined_entries_are_committed_one_by_one)
{
    lead();
    for (uint64_t index = 4; index <= 6; index++) {
        bare_submit(&b, NULL);
        bare_persist(&b, index);
    }
    bare_result(&b, 2, 3, 4, 0);
    EXPECT_EQ(4, raft_commit_index(&b.raft));
    bare_result(&b, 3, 3, 6, 0);
    EXPECT_EQ(6, raft_commit_index(&b.raft));
    bare_close(&b);
}

TEST(sound, a_leader_without_its_own_disk_can_commit_by_the_others)
{
    lead();
    bare_submit(&b, NULL);
    bare_result(&b, 2, 3, 4, 0);
    EXPECT_EQ(3, raft_commit_index(&b.raft));
    bare_result(&b, 3, 3, 4, 0);
    EXPECT_EQ(4, raft_commit_index(&b.raft));
    bare_close(&b);
}

TEST(sound, one_vote_a_term_also_for_the_one_that_was_told_to_stand)
{
    lead();
    bare_transfer(&b, 3);
    EXPECT_EQ(1, bare_sent_count(&b, RAFT_TIMEOUT_NOW));
    bare_vote(&b, 2, 4, 3, 3, false, true);
    EXPECT_TRUE(bare_sent(&b, RAFT_REQUEST_VOTE_RESULT)->request_vote_result.vote_granted);
    bare_vote(&b, 3, 4, 3, 3, false, true);
    EXPECT_TRUE(!bare_sent(&b, RAFT_REQUEST_VOTE_RESULT)->request_vote_result.vote_granted);
    bare_close(&b);
}

TEST(sound, nobody_stands_on_entries_that_are_not_stored)
{
    const struct bare_entry entries[] = {{2, NULL}};
    bare_start(&b, 2, 0, "vvv", none);
    bare_append(&b, 2, 2, 1, 1, 1, entries, 1);
    for (int i = 0; i < 5; i++) {
        bare_timeout(&b, 700);
        EXPECT_EQ(RAFT_FOLLOWER, raft_state(&b.raft));
    }
    bare_persist(&b, 2);
    bare_timeout(&b, 700);
    EXPECT_EQ(2, bare_sent(&b, RAFT_REQUEST_VOTE)->request_vote.last_log_index);
    bare_close(&b);
}

TEST(sound, term_and_vote_are_effects_of_the_step_that_grants)
{
    bare_start(&b, 2, 0, "vvv", none);
    bare_vote(&b, 2, 3, 1, 1, false, false);
    EXPECT_TRUE((b.update.flags & (unsigned)(RAFT_UPDATE_VOTED_FOR)) != 0);
    EXPECT_EQ(3, raft_current_term(&b.raft));
    EXPECT_EQ(2, raft_voted_for(&b.raft));
    bare_close(&b);
}

/* From here on: defects. */

TEST(defect, a_stale_install_snapshot_is_answered_as_accepted)
{
    static const uint64_t terms[] = {2, 0};
    bare_start(&b, 4, 0, "vvv", terms);
    bare_install(&b, 2, 3, 50, 3);
    const struct raft_message *m = bare_sent(&b, RAFT_APPEND_ENTRIES_RESULT);
    EXPECT_EQ(0, m->append_entries_result.rejected); /* last_log_index is not even set. */
    bare_close(&b);
}

TEST(defect, a_stale_append_from_the_beginning_is_answered_as_accepted)
{
    static const uint64_t terms[] = {2, 0};
    bare_start(&b, 4, 0, "vvv", terms);
    bare_append(&b, 2, 3, 0, 0, 0, NULL, 0);
    EXPECT_EQ(0, bare_sent(&b, RAFT_APPEND_ENTRIES_RESULT)->append_entries_result.rejected);
    bare_close(&b);
}

TEST(defect, a_leader_commits_by_an_acknowledgement_of_anything)
{
    lead();
    bare_submit(&b, NULL);
    bare_persist(&b, 4); /* Nobody else has it. */
    bare_result(&b, 2, 3, UINT64_C(2318285222068774260), 0);
    EXPECT_EQ(4, raft_commit_index(&b.raft));
    bare_close(&b);
}

TEST(defect, a_configuration_behind_another_entry_gets_the_wrong_index_and_is_not_rolled_back)
{
    struct raft_configuration four = bare_configuration("vvvs");
    const struct bare_entry entries[] = {{2, NULL}, {2, &four}};
    const struct bare_entry other[] = {{3, NULL}};
    bare_start(&b, 2, 0, "vvv", none);
    bare_append(&b, 2, 2, 1, 1, 1, entries, 2);
    EXPECT_EQ(2, b.raft.configuration_uncommitted_index); /* It is at 3. */
    bare_persist(&b, 3);
    bare_append(&b, 3, 3, 2, 2, 1, other, 1); /* Replaces entry 3. */
    EXPECT_EQ(4, b.raft.configuration.n);
    bare_close(&b);
    bare_start(&b, 2, 0, "vvv", none); /* In parts it is right. */
    bare_append(&b, 2, 2, 1, 1, 1, entries, 1);
    bare_append(&b, 2, 2, 2, 2, 1, entries + 1, 1);
    EXPECT_EQ(3, b.raft.configuration_uncommitted_index);
    bare_persist(&b, 3);
    bare_append(&b, 3, 3, 2, 2, 1, other, 1);
    EXPECT_EQ(3, b.raft.configuration.n);
    bare_close(&b);
    raft_configuration_close(&four);
}

TEST(defect, a_second_configuration_forgets_the_first)
{
    struct raft_configuration four = bare_configuration("vvvs"), five = bare_configuration("vvvss");
    const struct bare_entry first[] = {{2, &four}}, second[] = {{2, &five}}, other[] = {{3, NULL}};
    bare_start(&b, 2, 0, "vvv", none);
    bare_append(&b, 2, 2, 1, 1, 1, first, 1);
    bare_append(&b, 2, 2, 2, 2, 1, second, 1); /* The first one is committed, or it were not. */
    bare_persist(&b, 3);
    bare_append(&b, 3, 3, 2, 2, 1, other, 1); /* Only the second one is replaced. */
    EXPECT_EQ(3, b.raft.configuration.n);     /* Not 4. */
    bare_close(&b);
    bare_start(&b, 2, 0, "vvv", none); /* Told so in between, it is right. */
    bare_append(&b, 2, 2, 1, 1, 1, first, 1);
    bare_configure(&b, 2, &four);
    bare_append(&b, 2, 2, 2, 2, 1, second, 1);
    bare_persist(&b, 3);
    bare_append(&b, 3, 3, 2, 2, 1, other, 1);
    EXPECT_EQ(4, b.raft.configuration.n);
    bare_close(&b);
    raft_configuration_close(&four);
    raft_configuration_close(&five);
}

TEST(defect, a_sole_voter_leads_again_in_the_term_it_led_before_a_restart)
{
    static const uint64_t terms[] = {2, 0};
    bare_start(&b, 2, 1, "vss", terms);
    EXPECT_EQ(RAFT_LEADER, raft_state(&b.raft));
    EXPECT_EQ(2, raft_current_term(&b.raft));
    bare_close(&b);
}

TEST(defect, a_sole_voter_leads_in_the_term_of_the_leader_that_made_it_one)
{
    struct raft_configuration alone = bare_configuration("vs");
    const struct bare_entry entries[] = {{2, &alone}};
    bare_start(&b, 2, 2, "vv", none);
    bare_append(&b, 2, 2, 1, 1, 1, entries, 1); /* Member 2 leads term 2. */
    bare_persist(&b, 2);
    bare_timeout(&b, 700);
    EXPECT_EQ(RAFT_LEADER, raft_state(&b.raft));
    EXPECT_EQ(2, raft_current_term(&b.raft));
    bare_close(&b);
    raft_configuration_close(&alone);
}

TEST(defect, a_change_is_taken_before_an_entry_of_the_term_is_committed)
{
    struct raft_configuration two = bare_configuration("vv");
    static const uint64_t terms[] = {2, 0};
    bare_start(&b, 2, 0, "vvv", terms);
    bare_elect(&b);
    bare_submit(&b, &two);
    EXPECT_EQ(0, b.code);
    EXPECT_EQ(2, b.raft.configuration.n);
    bare_close(&b);
    raft_configuration_close(&two);
}

TEST(defect, a_refused_pre_vote_hides_the_higher_term)
{
    static const uint64_t terms[] = {2, 0};
    bare_start(&b, 9, 0, "vvv", terms);
    bare_vote(&b, 2, 6, 3, 5, true, false);
    const struct raft_message *m = bare_sent(&b, RAFT_REQUEST_VOTE_RESULT);
    EXPECT_TRUE(!m->request_vote_result.vote_granted);
    EXPECT_EQ(6, m->request_vote_result.term); /* Not 9, so that the candidate stays at 5. */
    bare_close(&b);
}

TEST(defect, a_late_pre_vote_deposes_a_leader)
{
    lead();
    bare_vote_result(&b, 3, 4, true, true); /* Of a round before the real election. */
    EXPECT_EQ(RAFT_FOLLOWER, raft_state(&b.raft));
    EXPECT_EQ(4, raft_current_term(&b.raft));
    bare_close(&b);
}

TEST(defect, a_second_leader_of_a_term_is_written_into_the_first_ones_state)
{
    lead();
    EXPECT_EQ(0, b.raft.leader_state.promotee_id);
    bare_append(&b, 2, 3, 3, 3, 3, NULL, 0);
    EXPECT_EQ(RAFT_LEADER, raft_state(&b.raft));
    EXPECT_TRUE(b.raft.leader_state.promotee_id != 0); /* A pointer, in truth. */
    raft_free((void *)(uintptr_t)b.raft.leader_state.promotee_id);
    bare_close(&b);
}

TEST(defect, the_commit_index_goes_back)
{
    static const uint64_t terms[] = {2, 2, 2, 0};
    bare_start(&b, 2, 0, "vvv", terms);
    bare_append(&b, 2, 2, 4, 2, 4, NULL, 0);
    EXPECT_EQ(4, raft_commit_index(&b.raft));
    bare_append(&b, 2, 2, 2, 2, 9, NULL, 0);
    EXPECT_EQ(2, raft_commit_index(&b.raft));
    bare_close(&b);
}

TEST(defect, committed_entries_below_the_log_are_refused)
{
    static const uint64_t terms[] = {2, 0};
    const struct bare_entry entries[] = {{2, NULL}, {2, NULL}};
    bare_start_at(&b, 2, 10, 2, "vvv", terms);
    bare_append(&b, 2, 2, 8, 2, 11, entries, 2); /* 9 and 10, which are in the snapshot. */
    EXPECT_EQ(8, bare_sent(&b, RAFT_APPEND_ENTRIES_RESULT)->append_entries_result.rejected);
    bare_close(&b);
}

TEST(defect, entries_from_the_beginning_are_put_behind_the_log)
{
    const struct bare_entry entries[] = {{1, NULL}};
    bare_start_at(&b, 2, 10, 2, "vvv", none);
    bare_append(&b, 2, 2, 0, 0, 10, entries, 1);
    EXPECT_EQ(1, b.update.entries.index);    /* The log ends at 10; */
    EXPECT_EQ(11, raft_last_index(&b.raft)); /* for the core it is at 11 now. */
    bare_close(&b);
}

TEST(defect, who_has_no_vote_in_its_own_eyes_gives_none)
{
    static const uint64_t terms[] = {2, 0};
    bare_start(&b, 2, 0, "sv", terms); /* Member 2 has made us a voter and we missed it. */
    bare_vote(&b, 2, 4, 3, 2, false, false);
    EXPECT_TRUE(!bare_sent(&b, RAFT_REQUEST_VOTE_RESULT)->request_vote_result.vote_granted);
    bare_close(&b);
}

TEST(defect, a_standby_keeps_a_silent_leader_for_good)
{
    bare_start(&b, 2, 0, "svv", none);
    bare_append(&b, 2, 2, 1, 1, 1, NULL, 0);
    for (int i = 0; i < 10; i++) {
        bare_timeout(&b, 700);
    }
    EXPECT_EQ(2, b.raft.follower_state.current_leader.id);
    bare_close(&b);
}

TEST(defect, who_is_to_be_removed_does_not_stand)
{
    struct raft_configuration two = bare_configuration(".v");
    const struct bare_entry entries[] = {{2, &two}};
    bare_start(&b, 2, 0, "vv", none);
    bare_append(&b, 2, 2, 1, 1, 1, entries, 1);
    bare_persist(&b, 2); /* Member 2 crashes and has lost it: our log is the longer one. */
    bare_timeout(&b, 700);
    EXPECT_EQ(RAFT_FOLLOWER, raft_state(&b.raft));
    EXPECT_EQ(0, bare_sent_count(&b, RAFT_REQUEST_VOTE));
    bare_close(&b);
    raft_configuration_close(&two);
}

TEST(defect, an_overtaken_refusal_ends_replication_to_a_follower)
{
    lead();
    for (uint64_t index = 4; index <= 40; index++) {
        bare_submit(&b, NULL);
        bare_persist(&b, index);
    }
    bare_result(&b, 2, 3, 40, 0);
    bare_result(&b, 3, 3, 40, 0);
    for (int i = 0; i < 8; i++) { /* Member 3 is silent and falls back to probing, */
        bare_timeout(&b, 50);
        bare_result(&b, 2, 3, 40, 0);
    }
    bare_result(&b, 3, 3, 5, 40); /* then an old refusal of 40 arrives, and its next answers. */
    bool sends = false;
    for (int i = 0; i < 20; i++) {
        bare_submit(&b, NULL);
        bare_persist(&b, raft_last_index(&b.raft));
        bare_timeout(&b, 50);
        for (unsigned k = 0; k < b.update.messages.n; k++) {
            const struct raft_message *m = &b.update.messages.batch[k];
            if (m->server_id == 3 && m->type == RAFT_APPEND_ENTRIES) {
                sends = sends || m->append_entries.n_entries > 0;
            }
        }
        bare_result(&b, 3, 3, 5, 0);
        bare_result(&b, 2, 3, raft_last_index(&b.raft), 0);
    }
    EXPECT_TRUE(!sends);
    bare_close(&b);
}

TEST(defect, a_lagging_successor_is_told_to_stand_once_and_in_vain)
{
    lead();
    bare_submit(&b, NULL);
    bare_persist(&b, 4);
    bare_submit(&b, NULL);
    bare_persist(&b, 5);
    bare_transfer(&b, 3);
    EXPECT_EQ(0, bare_sent_count(&b, RAFT_TIMEOUT_NOW));
    bare_result(&b, 3, 3, 4, 0);
    const struct raft_message *m = bare_sent(&b, RAFT_TIMEOUT_NOW);
    EXPECT_EQ(5, m->timeout_now.last_log_index); /* It has acknowledged 4. */
    bare_result(&b, 3, 3, 5, 0);
    EXPECT_EQ(0, bare_sent_count(&b, RAFT_TIMEOUT_NOW));
    bare_close(&b);
}

TEST(defect, a_spare_keeps_the_timeout_in_the_past)
{
    struct raft_configuration spare = bare_configuration("vv-");
    lead();
    bare_submit(&b, &spare);
    bare_persist(&b, 4);
    bare_result(&b, 2, 3, 4, 0);
    bare_configure(&b, 4, &spare);
    for (int i = 0; i < 5; i++) {
        bare_timeout(&b, 50);
        bare_result(&b, 2, 3, 4, 0);
        EXPECT_TRUE(i == 0 || raft_timeout(&b.raft) <= b.now_ms);
    }
    bare_close(&b);
    raft_configuration_close(&spare);
}

TEST(defect, a_leader_whose_log_is_committed_starts_its_term_without_an_entry)
{
    bare_start(&b, 2, 0, "vvv", none);
    bare_elect(&b);
    EXPECT_EQ(1, raft_last_index(&b.raft)); /* No barrier: reads could not begin. */
    bare_close(&b);
}
