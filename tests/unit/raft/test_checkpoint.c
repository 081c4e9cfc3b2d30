#include <string.h>

#include "raft/mutant.h"
#include "tests/lib/test.h"
#include "tests/unit/raft/group.h"

static uint64_t commit_many(struct group *g, uint64_t leader, uint64_t count)
{
    uint64_t index = 0;
    for (uint64_t i = 0; i < count; i++) {
        EXPECT_EQ(WEFT_OK, group_propose(g, leader, 1000 + i, &index));
        group_pump(g);
    }
    group_advance(g, 60);
    return index;
}

TEST(checkpoint, trims_the_log_but_for_the_trailing_entries)
{
    struct group *g = group_of_voters(3);
    uint64_t last = commit_many(g, 1, 200);
    EXPECT_EQ(1, group_status(g, 1).first_index);
    group_checkpoint(g, 1);
    EXPECT_EQ(last - g->trailing + 1, group_status(g, 1).first_index);
    struct weft_msg msg = {""};
    EXPECT_EQ(
        WEFT_EINVAL, weft_replica_checkpointed(g->nodes[1].replica, last + 1, 3, g->now_ms, &msg));
    EXPECT_EQ(
        WEFT_EINVAL, weft_replica_checkpointed(g->nodes[1].replica, last, 99, g->now_ms, &msg));
    EXPECT_EQ(WEFT_OK, weft_replica_checkpointed(g->nodes[1].replica, 5, 1, g->now_ms, &msg));
    EXPECT_EQ(last - g->trailing + 1, group_status(g, 1).first_index); /* Older than trimmed. */
    group_destroy(g);
}

TEST(checkpoint, a_follower_behind_the_log_installs_one)
{
    struct group *g = group_of_voters(3);
    group_isolate(g, 3, true);
    uint64_t last = commit_many(g, 1, 200);
    group_advance(g, 400); /* 3 is silent and holds nothing back any more. */
    group_checkpoint(g, 1);
    group_isolate(g, 3, false);
    group_advance(g, 1500);
    EXPECT_EQ(1, g->nodes[3].offers > 0);
    EXPECT_TEXT("127.0.0.1:7001", g->nodes[3].offer_address); /* Where it is fetched from. */
    EXPECT_EQ(last, g->nodes[3].state_index);
    EXPECT_EQ(1199, group_value(g, 3, last));
    last = commit_many(g, 1, 3);
    EXPECT_EQ(1002, group_value(g, 3, last));
    group_crash(g, 3, true);
    group_start(g, 3);
    group_advance(g, 200);
    EXPECT_EQ(last, g->nodes[3].state_index);
    group_destroy(g);
}

TEST(checkpoint, an_offer_is_repeated_now_and_then_while_it_is_fetched)
{
    struct group *g = group_of_voters(3);
    g->keep_offers = true;
    group_isolate(g, 3, true);
    uint64_t last = commit_many(g, 1, 200);
    group_advance(g, 400);
    group_checkpoint(g, 1);
    group_isolate(g, 3, false);
    group_advance(g, 4500);
    EXPECT_TRUE(g->nodes[3].offers >= 3 && g->nodes[3].offers <= 6);
    EXPECT_EQ(1, group_leader(g)); /* Heartbeats went on beside it. */
    EXPECT_EQ(1, group_status(g, 3).leader_id);
    EXPECT_TRUE(group_install(g, 3));
    group_advance(g, 700);
    EXPECT_EQ(last, g->nodes[3].state_index);
    group_destroy(g);
}

TEST(checkpoint, one_that_came_too_late_is_not_installed)
{
    struct group *g = group_of_voters(3);
    g->keep_offers = true;
    group_isolate(g, 3, true);
    (void)commit_many(g, 1, 200);
    group_advance(g, 400);
    group_checkpoint(g, 1);
    group_isolate(g, 3, false);
    group_advance(g, 300);
    EXPECT_TRUE(g->nodes[3].has_offer);
    EXPECT_TRUE(group_install(g, 3));
    EXPECT_TRUE(!group_install(g, 3)); /* Again. */
    group_destroy(g);
}

static bool no_offer_from_2(
    struct group *g, uint64_t from, uint64_t to, struct weft_peer_message *m)
{
    (void)g;
    (void)to;
    return from != 2 || m->kind != WEFT_KIND_INSTALL_SNAPSHOT;
}

/* Fetched while the leader changed: the state is committed whoever offered it. */
TEST(checkpoint, one_from_an_older_leader_is_installed_under_a_new_one)
{
    struct group *g = group_of_voters(3);
    g->keep_offers = true;
    group_isolate(g, 3, true);
    (void)commit_many(g, 1, 200);
    group_advance(g, 400);
    group_checkpoint(g, 1);
    group_checkpoint(g, 2);
    group_isolate(g, 3, false);
    group_advance(g, 200);
    EXPECT_TRUE(g->nodes[3].has_offer);
    g->filter = no_offer_from_2;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_replica_transfer(g->nodes[1].replica, 2, g->now_ms, &msg));
    group_advance(g, 200);
    EXPECT_EQ(2, group_leader(g));
    EXPECT_TRUE(group_install(g, 3));
    uint64_t last = commit_many(g, 2, 2);
    group_advance(g, 700);
    EXPECT_EQ(last, g->nodes[3].state_index);
    EXPECT_TEXT("", g->nodes[2].alarm);
    group_destroy(g);
}

/* The leader started from a state ahead of its checkpoint: what it offers is older than what
 * the library thinks it has. */
TEST(checkpoint, an_older_one_than_the_core_knows_is_followed_by_entries)
{
    struct group *g = group_of_voters(3);
    group_isolate(g, 3, true);
    (void)commit_many(g, 1, 200);
    group_advance(g, 400);
    group_checkpoint(g, 1);
    uint64_t last = commit_many(g, 1, 30);
    group_stop(g, 1);
    group_stop(g, 2);
    group_start(g, 1); /* State 230 above checkpoint 200. */
    group_start(g, 2);
    uint64_t leader = group_await_leader(g, 3000);
    if (leader != 1) {
        struct weft_msg msg = {""};
        group_advance(g, 100);
        EXPECT_EQ(WEFT_OK, weft_replica_transfer(g->nodes[leader].replica, 1, g->now_ms, &msg));
        group_advance(g, 100);
    }
    EXPECT_EQ(1, group_leader(g));
    group_crash(g, 3, false); /* And its disk is empty but for the log. */
    group_start(g, 3);
    group_isolate(g, 3, false);
    group_advance(g, 3000);
    EXPECT_EQ(g->nodes[1].state_index, g->nodes[3].state_index);
    EXPECT_EQ(1029, group_value(g, 3, last));
    group_destroy(g);
}

TEST(checkpoint, a_log_without_one_below_it_wishes_for_one)
{
    struct group *g = group_of_voters(3);
    group_isolate(g, 3, true);
    (void)commit_many(g, 1, 200);
    group_advance(g, 400);
    group_checkpoint(g, 1);
    weft_buffer_clear(&g->nodes[1].manifest); /* It is lost. */
    group_isolate(g, 3, false);
    EXPECT_TRUE(!group_status(g, 1).wants_checkpoint);
    group_advance(g, 300);
    EXPECT_TRUE(group_status(g, 1).wants_checkpoint);
    EXPECT_EQ(0, g->nodes[3].offers);
    (void)commit_many(g, 1, 1);
    group_checkpoint(g, 1);
    EXPECT_TRUE(!group_status(g, 1).wants_checkpoint);
    group_advance(g, 1500);
    EXPECT_EQ(g->nodes[1].state_index, g->nodes[3].state_index);
    group_destroy(g);
}

TEST(checkpoint, a_follower_that_catches_up_holds_the_trim_within_bounds)
{
    struct group *g = group_of_voters(3);
    g->keep_offers = true;
    uint64_t last = commit_many(g, 1, 300);
    group_checkpoint(g, 1);
    uint64_t first = group_status(g, 1).first_index;
    EXPECT_EQ(last - g->trailing + 1, first);
    group_stop(g, 3);
    group_advance(g, 400);
    (void)commit_many(g, 1, 100);
    group_checkpoint(g, 1); /* 3 is silent: no regard. */
    EXPECT_EQ(last + 100 - g->trailing + 1, group_status(g, 1).first_index);
    g->nodes[3].state_index = 0;
    g->nodes[3].applied_count = 0;
    group_start(g, 3);
    group_advance(g, 300); /* Offered 400, and fetching. */
    EXPECT_TRUE(g->nodes[3].has_offer);
    uint64_t offered = g->nodes[3].offer.last_index;
    (void)commit_many(g, 1, 150);
    group_advance(g, 60);
    group_checkpoint(g, 1);
    EXPECT_EQ(offered + 1, group_status(g, 1).first_index);
    (void)commit_many(g, 1, 300); /* Four times 64 at most. */
    group_checkpoint(g, 1);
    EXPECT_TRUE(group_status(g, 1).first_index > offered + 1);
    group_destroy(g);
}

TEST(checkpoint, entries_below_the_log_are_taken_as_known)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        struct group *g = group_of_voters(3);
        struct weft_peer_entry entries[2] = {
            {1, WEFT_ENTRY_COMMAND, {(const uint8_t *)"12345678", 8}},
            {1, WEFT_ENTRY_COMMAND, {(const uint8_t *)"12345678", 8}}};
        uint64_t last = commit_many(g, 1, 200);
        group_checkpoint(g, 2);
        struct weft_replica_status s = group_status(g, 2);
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_NO_SHIFT : 0;
        /* A leader of the next term that probes from the very beginning. */
        struct weft_peer_message m = {
            .kind = WEFT_KIND_APPEND_ENTRIES, .header = {.term = s.term + 1}};
        m.append_entries = (struct weft_append_entries){
            .term = s.term + 1, .leader_commit = last, .entries = entries, .entry_count = 2};
        enum weft_err rv = group_inject(g, 3, 2, &m);
        if (mutated) { /* The library puts entry 1 behind the last one; RFT-6 stops it. */
            EXPECT_EQ(WEFT_ECORRUPT, rv);
            EXPECT_EQ(WEFT_ECORRUPT, g->nodes[2].died);
        } else {
            EXPECT_EQ(WEFT_OK, rv);
            EXPECT_EQ(last, group_status(g, 2).last_index);
        }
        weft_mutants_on = 0;
        group_destroy(g);
    }
}

/* The state was flushed, the log was not synced. */
TEST(start, a_state_ahead_of_the_log_wins)
{
    struct group *g = group_of_voters(3);
    struct group_node *n = &g->nodes[2];
    uint64_t last = commit_many(g, 1, 10);
    group_stop(g, 2);
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, n->log->engine->truncate(n->log, last - 3, &msg));
    weft_log_memory_restart(n->log, &n->log_start);
    EXPECT_EQ(last - 4, n->log_start.last_index);
    group_start(g, 2);
    struct weft_replica_status s = group_status(g, 2);
    EXPECT_EQ(last, s.last_index);
    EXPECT_EQ(last, s.commit_index);
    EXPECT_EQ(last + 1, s.first_index);
    last = commit_many(g, 1, 2);
    EXPECT_EQ(1001, group_value(g, 2, last));
    group_destroy(g);
}

TEST(start, an_entry_that_the_state_knows_better_goes)
{
    struct group *g = group_of_voters(3);
    struct group_node *n = &g->nodes[2];
    uint64_t last = commit_many(g, 1, 10);
    group_stop(g, 2);
    struct weft_msg msg = {""};
    n->state_term++; /* Entry `last` on the disk is of an older term: it was replaced. */
    n->log_start.term++;
    group_start(g, 2);
    EXPECT_EQ(last + 1, group_status(g, 2).first_index);
    group_stop(g, 2);
    n->state_term--; /* The other way round it cannot be. */
    n->state_index = last;
    EXPECT_EQ(WEFT_ECORRUPT, group_try_start(g, 2, &msg));
    group_destroy(g);
}

TEST(start, contradictions_are_damage)
{
    struct group *g = group_of_voters(3);
    struct group_node *n = &g->nodes[2];
    struct weft_msg msg = {""};
    (void)commit_many(g, 1, 200);
    group_checkpoint(g, 2);
    group_stop(g, 2);
    uint64_t state = n->state_index;
    n->state_index = 5; /* Below what was trimmed. */
    EXPECT_EQ(WEFT_ECORRUPT, group_try_start(g, 2, &msg));
    EXPECT_TRUE(strstr(msg.text, "trimmed") != NULL);
    n->state_index = state;
    struct weft_configuration configuration = n->state_configuration;
    n->state_configuration.count = 0;
    EXPECT_EQ(WEFT_ECORRUPT, group_try_start(g, 2, &msg));
    n->state_configuration = configuration;
    n->log_start.term = 1; /* Of a term that was never made durable. */
    n->state_term = 1;
    n->state_index = 0;
    EXPECT_EQ(WEFT_ECORRUPT, group_try_start(g, 2, &msg));
    group_destroy(g);
}

TEST(start, a_log_that_is_not_durable_is_refused)
{
    struct group *g = group_create(1);
    struct group_node *n = &g->nodes[1];
    struct weft_msg msg = {""};
    struct weft_peer_entry entry = {1, WEFT_ENTRY_COMMAND, {(const uint8_t *)"12345678", 8}};
    EXPECT_EQ(WEFT_OK, n->log->engine->append(n->log, 2, &entry, 1, &msg));
    EXPECT_EQ(WEFT_ESTATE, group_try_start(g, 1, &msg));
    group_destroy(g);
}
