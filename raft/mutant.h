/* raft/mutant.h: guards that tests can switch off, to show that each one is needed.
 *
 * Only the test library weft_raft_mutants is built with WEFT_RAFT_MUTANTS; in the product every
 * test below is the constant false and vanishes. tests/unit/raft, tests/sim and the runs of
 * jepsen/ name for each mutant the situation that goes wrong with it; node/mutant.h has those
 * above Raft. */
#ifndef WEFT_RAFT_MUTANT_H
#define WEFT_RAFT_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

enum weft_mutant {
    WEFT_MUTANT_ACK_BEFORE_SYNC,     /* Entries count as stored when they are appended. */
    WEFT_MUTANT_VOTE_NOT_PERSISTED,  /* Term and vote stay in memory. */
    WEFT_MUTANT_NO_RESULT_GUARD,     /* Results of another term or request are believed. */
    WEFT_MUTANT_NO_STALE_ANSWER,     /* Stale requests go to the library. */
    WEFT_MUTANT_NO_OVERACK_GUARD,    /* Results naming more than was sent are believed. */
    WEFT_MUTANT_NO_CHANGE_SPLIT,     /* Batches go to the library as they came. */
    WEFT_MUTANT_NO_CHANGE_SETTLE,    /* A second configuration does not settle the first. */
    WEFT_MUTANT_NO_SOLE_VOTER_TERM,  /* A sole voter elects itself in the term it was in. */
    WEFT_MUTANT_NO_CHANGE_TERM_GATE, /* Changes before an entry of this term is committed. */
    WEFT_MUTANT_COMMIT_FALLS,        /* The commit index may go back. */
    WEFT_MUTANT_NO_SHIFT,            /* Entries below the log's beginning are refused. */
    WEFT_MUTANT_NO_STANDBY_VOTE,     /* A member without a vote in its own eyes gives none. */
    WEFT_MUTANT_NO_LAST_STAND,       /* Who is to be removed does not stand for election. */
    WEFT_MUTANT_NO_PRE_VOTE_TERM,    /* A refused pre-vote does not teach the higher term. */
    WEFT_MUTANT_NO_SEQUENCE_GUARD,   /* Repeated and overtaken messages are taken. */
    WEFT_MUTANT_NO_LEADER_GUARD,     /* A second leader of our own term is believed. */
    WEFT_MUTANT_NO_VOTE_GUARD,       /* Vote results of another election are counted. */
    WEFT_MUTANT_NO_BARRIER,          /* A leader starts its term without an entry of it. */
    WEFT_MUTANT_READ_WITHOUT_ROUND,  /* Reads are answered without asking the others. */
    WEFT_MUTANT_READ_WITHOUT_TERM,   /* Reads before an entry of this term is committed. */
    WEFT_MUTANT_READ_JOINS_ROUND,    /* A read joins the round that is under way. */
    WEFT_MUTANT_SEND_BEFORE_TERM,    /* Messages leave before term and vote are durable. */
    WEFT_MUTANT_NO_TRANSFER_HOLD,    /* TimeoutNow is sent to a follower that still lags. */
    WEFT_MUTANT_NO_LOG_RESET,        /* A log that lags behind the state is not reset. */
    WEFT_MUTANT_DISK_ERROR_IGNORED,  /* A failed append does not stop the node. */
    WEFT_MUTANT_SYNC_SKIPPED,        /* The log on disk is written and never synced. */
    WEFT_MUTANT_NO_CHECKSUM,         /* Data of the log on disk is not held to its checksum. */
    WEFT_MUTANT_COMMIT_ALONE,        /* What the leader has stored is committed. */
    WEFT_MUTANT_READ_BEFORE_APPLIED, /* A confirmed read does not wait for its index. */
    WEFT_MUTANTS,
};

#ifdef WEFT_RAFT_MUTANTS
struct weft_mutant_info {
    const char *name;
    const char *fault;
    bool is_for_plants; /* Clients of a plant under faults can tell. Others: sim and unit tests. */
};
extern const struct weft_mutant_info weft_mutant_infos[WEFT_MUTANTS];
extern uint64_t weft_mutants_on; /* A bit for each. */
static inline bool weft_mutant(enum weft_mutant m)
{
    return (weft_mutants_on >> m & 1u) != 0;
}
#else
/* No function: its parameter's type would stand in the debugging symbols of the product. */
#define weft_mutant(m) false
#endif

#endif
