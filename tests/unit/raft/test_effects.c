/* The guards where they stand: in a running group, each with the mutant that lacks it. */
#include <string.h>

#include "raft/mutant.h"
#include "tests/lib/test.h"
#include "tests/unit/raft/group.h"

static struct weft_append_entries_result seen;
static uint32_t seen_count;

static bool watch_results(struct group *g, uint64_t from, uint64_t to, struct weft_peer_message *m)
{
    (void)g;
    (void)from;
    (void)to;
    if (m->kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        seen = m->append_entries_result;
        seen_count++;
    }
    return true;
}

static void mutate(bool mutated, enum weft_mutant m)
{
    weft_mutants_on = mutated ? UINT64_C(1) << m : 0;
}

TEST(effects, a_stale_append_is_answered_as_rejected)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        uint64_t term = group_status(g, 2).term;
        struct weft_peer_message m = {
            .kind = WEFT_KIND_APPEND_ENTRIES, .header = {.term = term - 1}};
        m.append_entries.term = term - 1;
        g->filter = watch_results;
        seen_count = 0;
        mutate(mutated, WEFT_MUTANT_NO_STALE_ANSWER);
        EXPECT_EQ(WEFT_OK, group_inject(g, 3, 2, &m));
        if (!mutated) { /* Otherwise the library's answer answers no request and is not sent. */
            EXPECT_EQ(1, seen_count);
            EXPECT_TRUE(seen.rejected != 0);
            EXPECT_EQ(term, seen.term);
        } else {
            EXPECT_TRUE(seen_count == 0 || seen.rejected == 0);
        }
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

TEST(effects, a_stale_offer_is_answered_as_rejected)
{
    struct group *g = group_of_voters(3);
    struct weft_buffer bytes = {0};
    uint64_t term = group_status(g, 2).term;
    EXPECT_EQ(WEFT_OK,
        weft_configuration_encode(weft_replica_configuration(g->nodes[2].replica), &bytes));
    struct weft_peer_message m = {.kind = WEFT_KIND_INSTALL_SNAPSHOT, .header = {.term = term - 1}};
    m.install_snapshot = (struct weft_install_snapshot){.term = term - 1,
        .last_index = 500,
        .last_term = term - 1,
        .conf_index = 1,
        .configuration = {bytes.data, bytes.size}};
    g->filter = watch_results;
    seen_count = 0;
    EXPECT_EQ(WEFT_OK, group_inject(g, 3, 2, &m));
    EXPECT_EQ(1, seen_count);
    EXPECT_EQ(500, seen.rejected);
    EXPECT_EQ(0, g->nodes[2].offers);
    weft_buffer_destroy(&bytes);
    group_destroy(g);
}

/* The answer that 0.22.1 gives to a stale request, given to a leader. */
TEST(effects, a_leader_does_not_commit_by_an_acknowledgement_of_anything)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        uint64_t index = 0;
        group_isolate(g, 1, true); /* Nobody else gets the entry. */
        EXPECT_EQ(WEFT_OK, group_propose(g, 1, 42, &index));
        group_pump(g);
        struct weft_peer_message m = {
            .kind = WEFT_KIND_APPEND_ENTRIES_RESULT, .header = {.term = group_status(g, 1).term}};
        m.append_entries_result = (struct weft_append_entries_result){
            .term = m.header.term, .last_log_index = UINT64_C(2318285222068774260)};
        m.header.request_term = m.header.term;
        m.header.request_sequence = 1;
        m.header.request_incarnation = 1000 + g->nodes[1].life;
        mutate(mutated, WEFT_MUTANT_NO_OVERACK_GUARD);
        EXPECT_EQ(WEFT_OK, group_inject(g, 2, 1, &m));
        group_pump(g);
        EXPECT_EQ(mutated ? 42 : 0, group_value(g, 1, index));
        EXPECT_EQ(mutated ? 0 : 1, group_status(g, 1).alarms);
        EXPECT_EQ(mutated, g->nodes[1].alarm[0] == '\0');
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

static struct weft_peer_message append_of(struct group *g, uint64_t to, uint64_t term_more,
    struct weft_peer_entry *entries, uint32_t count)
{
    struct weft_replica_status s = group_status(g, to);
    struct weft_peer_message m = {
        .kind = WEFT_KIND_APPEND_ENTRIES, .header = {.term = s.term + term_more}};
    m.append_entries = (struct weft_append_entries){.term = s.term + term_more,
        .prev_log_index = s.last_index,
        .prev_log_term = s.term,
        .leader_commit = s.commit_index,
        .entries = entries,
        .entry_count = count};
    return m;
}

/* A follower of a new leader (member 3) gets a command and a configuration in one batch, and
 * then, from yet another leader (member 1), another entry in place of the configuration. */
TEST(effects, a_configuration_inside_a_batch_is_rolled_back_with_it)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        struct weft_buffer bytes = {0};
        struct weft_configuration four = *weft_replica_configuration(g->nodes[2].replica);
        struct weft_replica_status s = group_status(g, 2);
        uint64_t was = four.index;
        four.members[four.count] = group_member(4);
        four.members[four.count++].role = WEFT_ROLE_STANDBY;
        EXPECT_EQ(WEFT_OK, weft_configuration_encode(&four, &bytes));
        struct weft_peer_entry entries[2] = {
            {s.term + 1, WEFT_ENTRY_COMMAND, {(const uint8_t *)"12345678", 8}},
            {s.term + 1, WEFT_ENTRY_CHANGE, {bytes.data, bytes.size}}};
        struct weft_peer_message m = append_of(g, 2, 1, entries, 2);
        mutate(mutated, WEFT_MUTANT_NO_CHANGE_SPLIT);
        EXPECT_EQ(WEFT_OK, group_inject(g, 3, 2, &m));
        EXPECT_EQ(4, weft_replica_configuration(g->nodes[2].replica)->count);
        EXPECT_EQ(s.last_index + 2 - (mutated ? 1 : 0),
            weft_replica_configuration(g->nodes[2].replica)->index);
        entries[0].term = s.term + 2;
        m = append_of(g, 2, 1, entries, 1);
        m.append_entries.prev_log_index = s.last_index + 1;
        m.append_entries.prev_log_term = s.term + 1;
        EXPECT_EQ(WEFT_OK, group_inject(g, 1, 2, &m));
        EXPECT_EQ(mutated ? 4 : 3, weft_replica_configuration(g->nodes[2].replica)->count);
        if (!mutated) {
            EXPECT_EQ(was, weft_replica_configuration(g->nodes[2].replica)->index);
        }
        weft_mutants_on = 0;
        weft_buffer_destroy(&bytes);
        group_destroy(g);
    }
}

TEST(effects, a_second_configuration_settles_the_first)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        struct weft_buffer one = {0}, two = {0};
        struct weft_configuration c = *weft_replica_configuration(g->nodes[2].replica);
        struct weft_replica_status s = group_status(g, 2);
        c.members[c.count] = group_member(4);
        c.members[c.count++].role = WEFT_ROLE_STANDBY;
        EXPECT_EQ(WEFT_OK, weft_configuration_encode(&c, &one));
        c.members[c.count] = group_member(5);
        c.members[c.count++].role = WEFT_ROLE_STANDBY;
        EXPECT_EQ(WEFT_OK, weft_configuration_encode(&c, &two));
        struct weft_peer_entry entries[2] = {{s.term + 1, WEFT_ENTRY_CHANGE, {one.data, one.size}},
            {s.term + 1, WEFT_ENTRY_CHANGE, {two.data, two.size}}};
        struct weft_peer_message m = append_of(g, 2, 1, entries, 2);
        mutate(mutated, WEFT_MUTANT_NO_CHANGE_SETTLE);
        EXPECT_EQ(WEFT_OK, group_inject(g, 3, 2, &m));
        EXPECT_EQ(5, weft_replica_configuration(g->nodes[2].replica)->count);
        struct weft_peer_entry other = {
            s.term + 2, WEFT_ENTRY_COMMAND, {(const uint8_t *)"12345678", 8}};
        m = append_of(g, 2, 1, &other, 1);
        m.append_entries.prev_log_index = s.last_index + 1;
        m.append_entries.prev_log_term = s.term + 1;
        EXPECT_EQ(WEFT_OK, group_inject(g, 1, 2, &m));
        EXPECT_EQ(mutated ? 3 : 4, weft_replica_configuration(g->nodes[2].replica)->count);
        weft_mutants_on = 0;
        weft_buffer_destroy(&one);
        weft_buffer_destroy(&two);
        group_destroy(g);
    }
}

TEST(effects, the_commit_index_stays)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        for (uint64_t i = 0; i < 5; i++) {
            EXPECT_EQ(WEFT_OK, group_propose(g, 1, i, NULL));
            group_pump(g);
        }
        group_advance(g, 60);
        struct weft_replica_status s = group_status(g, 2);
        struct weft_peer_message m = append_of(g, 2, 0, NULL, 0);
        m.append_entries.prev_log_index -= 3;
        m.append_entries.leader_commit += 9;
        mutate(mutated, WEFT_MUTANT_COMMIT_FALLS);
        EXPECT_EQ(WEFT_OK, group_inject(g, 1, 2, &m));
        EXPECT_EQ(s.commit_index - (mutated ? 3 : 0), group_status(g, 2).commit_index);
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

TEST(effects, a_late_pre_vote_does_not_depose_a_leader)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        uint64_t term = group_status(g, 1).term;
        struct weft_peer_message m = {
            .kind = WEFT_KIND_REQUEST_VOTE_RESULT, .header = {.term = term}};
        m.header.request_term = term;
        m.header.request_sequence = 1;
        m.header.request_incarnation = 1000 + g->nodes[1].life;
        m.request_vote_result = (struct weft_request_vote_result){
            .term = term + 1, .vote_granted = true, .pre_vote = true};
        mutate(mutated, WEFT_MUTANT_NO_VOTE_GUARD);
        EXPECT_EQ(WEFT_OK, group_inject(g, 3, 1, &m));
        EXPECT_EQ(mutated ? 0 : 1, group_leader(g));
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

TEST(effects, a_second_leader_of_the_term_is_reported_and_ignored)
{
    struct group *g = group_of_voters(3);
    struct weft_peer_message m = append_of(g, 1, 0, NULL, 0);
    EXPECT_EQ(WEFT_OK, group_inject(g, 3, 1, &m));
    EXPECT_EQ(1, group_leader(g));
    EXPECT_EQ(1, group_status(g, 1).alarms);
    EXPECT_TRUE(strstr(g->nodes[1].alarm, "another leader") != NULL);
    group_destroy(g);
}

TEST(effects, each_term_starts_with_an_entry_of_its_own)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        mutate(mutated, WEFT_MUTANT_NO_BARRIER);
        struct weft_msg msg = {""};
        group_advance(g, 60);
        uint64_t last = group_status(g, 1).last_index;
        EXPECT_EQ(WEFT_OK, weft_replica_transfer(g->nodes[1].replica, 2, g->now_ms, &msg));
        group_pump(g);
        EXPECT_EQ(2, group_leader(g));
        EXPECT_EQ(mutated ? last : last + 1, group_status(g, 2).last_index);
        weft_replica_read(g->nodes[2].replica, 7, g->now_ms);
        group_advance(g, 20);
        EXPECT_EQ(mutated ? 0 : 1, g->nodes[2].read_count);
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

TEST(effects, conflicting_entries_are_cut_from_the_log)
{
    struct group *g = group_of_voters(3);
    group_isolate(g, 1, true);
    for (uint64_t i = 0; i < 4; i++) {
        EXPECT_EQ(WEFT_OK, group_propose(g, 1, 666 + i, NULL));
    }
    group_pump(g);
    for (int i = 0; i < 3000 && (group_leader(g) == 1 || group_leader(g) == 0); i++) {
        group_advance(g, 1);
    }
    uint64_t leader = group_leader(g), index = 0;
    EXPECT_EQ(WEFT_OK, group_propose(g, leader, 42, &index));
    group_pump(g);
    group_isolate(g, 1, false);
    group_advance(g, 500);
    EXPECT_EQ(42, group_value(g, 1, index));
    EXPECT_EQ(group_status(g, leader).last_index, group_status(g, 1).last_index);
    group_destroy(g);
}
