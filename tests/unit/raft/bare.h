/* tests/unit/raft/bare.h: the library alone, driven by hand, for the conformance test.
 *
 * One instance with three voters 1, 2, 3 (it is member 1) unless told otherwise. Each event is
 * one raft_step; its effects are kept for the test to look at, entries count as stored only
 * when bare_persist says so. */
#ifndef WEFT_TESTS_UNIT_RAFT_BARE_H
#define WEFT_TESTS_UNIT_RAFT_BARE_H

#include <raft.h>
#include <stdbool.h>
#include <stdint.h>

struct bare {
    struct raft raft;
    struct raft_update update;
    uint64_t now_ms;
    int code; /* Of the last step. */
};

struct bare_entry {
    uint64_t term;
    const struct raft_configuration *change; /* NULL: a command */
};

/* Roles of members 1, 2, 3, ...: 'v' voter, 's' standby, '-' spare, '.' no member. */
struct raft_configuration bare_configuration(const char *roles);
/* Entry 1 holds `roles`, then commands of the given terms (0 ends them). */
void bare_start(
    struct bare *b, uint64_t term, uint64_t voted_for, const char *roles, const uint64_t *terms);
/* From a snapshot, with the entries above it. */
void bare_start_at(struct bare *b, uint64_t term, uint64_t index, uint64_t index_term,
    const char *roles, const uint64_t *terms);
void bare_close(struct bare *b);

void bare_timeout(struct bare *b, uint64_t wait_ms);
void bare_submit(struct bare *b, const struct raft_configuration *change);
void bare_persist(struct bare *b, uint64_t index);
void bare_configure(struct bare *b, uint64_t index, const struct raft_configuration *conf);
void bare_transfer(struct bare *b, uint64_t id);
void bare_append(struct bare *b, uint64_t from, uint64_t term, uint64_t prev, uint64_t prev_term,
    uint64_t commit, const struct bare_entry *entries, unsigned count);
void bare_result(struct bare *b, uint64_t from, uint64_t term, uint64_t last, uint64_t rejected);
void bare_vote(struct bare *b, uint64_t from, uint64_t term, uint64_t last, uint64_t last_term,
    bool pre_vote, bool disrupt);
void bare_vote_result(struct bare *b, uint64_t from, uint64_t term, bool granted, bool pre_vote);
void bare_install(struct bare *b, uint64_t from, uint64_t term, uint64_t last, uint64_t last_term);

/* Elected by member 2 in the next term; its barrier, if any, is not stored. */
void bare_elect(struct bare *b);
/* The last message of that kind in the last step; NULL: none. */
const struct raft_message *bare_sent(const struct bare *b, enum raft_message_type type);
unsigned bare_sent_count(const struct bare *b, enum raft_message_type type);

#endif
