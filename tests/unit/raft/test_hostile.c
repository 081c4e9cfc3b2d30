/* Any member of the group says anything: the replica drops it, or takes it, or stops; it never
 * breaks an assertion or touches what is not its own (run under the sanitizers). */
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/raft/group.h"

enum {
    ROUNDS = 40,
    MESSAGES = 400
};

static const enum weft_message_kind kinds[] = {WEFT_KIND_REQUEST_VOTE,
    WEFT_KIND_REQUEST_VOTE_RESULT, WEFT_KIND_APPEND_ENTRIES, WEFT_KIND_APPEND_ENTRIES,
    WEFT_KIND_APPEND_ENTRIES_RESULT, WEFT_KIND_APPEND_ENTRIES_RESULT, WEFT_KIND_INSTALL_SNAPSHOT,
    WEFT_KIND_TIMEOUT_NOW, WEFT_KIND_PING, WEFT_KIND_PONG, WEFT_KIND_READ_INDEX,
    WEFT_KIND_READ_INDEX_RESULT};

/* Near `value`, mostly. */
static uint64_t near(uint64_t value)
{
    uint64_t way = test_random(20);
    if (way == 0) {
        return test_random(0);
    }
    if (way == 1) {
        return 0;
    }
    uint64_t back = test_random(4);
    return value + test_random(4) > back ? value + test_random(4) - back : 0;
}

struct lie {
    struct weft_peer_message message;
    struct weft_peer_entry entries[4];
    struct weft_buffer configuration;
};

static void invent_append(struct lie *l, const struct weft_replica_status *s, uint64_t term)
{
    struct weft_append_entries *a = &l->message.append_entries;
    uint64_t entry_term = s->term > 0 ? s->term - test_random(2) : 0;
    *a = (struct weft_append_entries){.term = term,
        .prev_log_index = near(s->last_index),
        .prev_log_term = near(s->term),
        .leader_commit = near(s->commit_index),
        .entries = l->entries,
        .entry_count = (uint32_t)test_random(5)};
    for (uint32_t i = 0; i < 4; i++) {
        entry_term += test_random(3) == 0;
        l->entries[i] = (struct weft_peer_entry){
            entry_term, WEFT_ENTRY_COMMAND, {(const uint8_t *)"12345678", 8}};
        if (test_random(6) == 0) {
            l->entries[i].type = WEFT_ENTRY_CHANGE;
            l->entries[i].data = (struct weft_bytes){l->configuration.data, l->configuration.size};
        }
    }
}

static void invent(struct lie *l, struct group *g, uint64_t to, uint64_t sequence)
{
    struct weft_replica_status s = group_status(g, to);
    struct weft_peer_message *m = &l->message;
    uint64_t term = near(s.term);
    *m = (struct weft_peer_message){.kind = kinds[test_random(12)],
        .header = {.term = term,
            .sequence = (UINT64_C(1) << 40) + sequence,
            .request_term = near(s.term),
            .request_sequence = near(40),
            .request_incarnation = to * 1000 + g->nodes[to].life}};
    if (m->kind == WEFT_KIND_APPEND_ENTRIES) {
        invent_append(l, &s, term);
    } else if (m->kind == WEFT_KIND_APPEND_ENTRIES_RESULT) {
        m->append_entries_result = (struct weft_append_entries_result){.term = term,
            .rejected = test_random(2) == 0 ? 0 : near(s.last_index),
            .last_log_index = near(s.last_index),
            .features = (uint16_t)test_random(0)};
    } else if (m->kind == WEFT_KIND_REQUEST_VOTE) {
        m->request_vote = (struct weft_request_vote){.term = term + test_random(2),
            .candidate_id = 2 + test_random(2),
            .last_log_index = near(s.last_index),
            .last_log_term = near(s.term),
            .disrupt_leader = test_random(2) == 0,
            .pre_vote = test_random(2) == 0};
    } else if (m->kind == WEFT_KIND_REQUEST_VOTE_RESULT) {
        m->request_vote_result = (struct weft_request_vote_result){.term = near(s.term),
            .vote_granted = test_random(2) == 0,
            .pre_vote = test_random(2) == 0};
    } else if (m->kind == WEFT_KIND_INSTALL_SNAPSHOT) {
        m->install_snapshot = (struct weft_install_snapshot){.term = term,
            .last_index = near(s.last_index),
            .last_term = near(s.term),
            .conf_index = 1,
            .configuration = {l->configuration.data, l->configuration.size}};
    } else if (m->kind == WEFT_KIND_TIMEOUT_NOW) {
        m->timeout_now = (struct weft_timeout_now){term, s.last_index, s.term};
    } else {
        m->read_index_result =
            (struct weft_read_index_result){near(7), near(s.last_index), WEFT_OK};
    }
}

TEST(hostile, whatever_a_member_says_is_dropped_taken_or_stops_the_node)
{
    uint64_t taken = 0, refused = 0, stopped = 0;
    struct lie l = {0};
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct group *g = group_of_voters(3);
        weft_buffer_clear(&l.configuration);
        EXPECT_EQ(WEFT_OK, weft_configuration_encode(
                               weft_replica_configuration(g->nodes[1].replica), &l.configuration));
        group_isolate(g, 1, true); /* It hears nothing but lies. */
        for (uint64_t i = 1; i <= MESSAGES && g->nodes[1].replica != NULL; i++) {
            struct weft_replica_status before = group_status(g, 1);
            invent(&l, g, 1, i);
            (void)group_inject(g, 2 + test_random(2), 1, &l.message);
            if (g->nodes[1].replica == NULL) {
                stopped++;
                break;
            }
            g->nodes[1].has_offer = false;
            bool dropped = group_status(g, 1).dropped_messages > before.dropped_messages;
            taken += !dropped;
            refused += dropped;
            if (test_random(3) == 0) {
                (void)group_propose(g, 1, i, NULL);
            }
            if (g->nodes[1].replica != NULL && test_random(8) == 0) {
                group_advance(g, 1 + test_random(200));
            }
        }
        group_destroy(g);
    }
    weft_buffer_destroy(&l.configuration);
    EXPECT_TRUE(taken > ROUNDS && refused > ROUNDS);
    EXPECT_TRUE(stopped < ROUNDS);
}
