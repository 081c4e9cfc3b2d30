/* node/mutant.h: faults that tests can plant above Raft, to show that their checkers see them.
 *
 * As raft/mutant.h: only the test libraries weft_state_mutants, weft_checkpoint_mutants and
 * weft_node_mutants are built with WEFT_NODE_MUTANTS_PLANTED; in the product every test below is
 * the constant false and vanishes. Each is a mistake that somebody has made in a system like this
 * one. tests/sim and the runs of jepsen/ name the situation in which it shows. */
#ifndef WEFT_NODE_MUTANT_H
#define WEFT_NODE_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "raft/mutant.h"

enum weft_node_mutant {
    /* The state. */
    WEFT_NODE_MUTANT_APPLY_TWICE,        /* The position is not in the batch: it comes later. */
    WEFT_NODE_MUTANT_RETRY_TWICE,        /* No request id is ever found again. */
    WEFT_NODE_MUTANT_REQUESTS_FORGOTTEN, /* Request ids from before a start are not known. */
    WEFT_NODE_MUTANT_EXPECT_STALE,       /* `expect` does not see earlier commits of its entry. */
    WEFT_NODE_MUTANT_COMMIT_HALF,        /* Of a commit's records the first half is written. */
    WEFT_NODE_MUTANT_LINKS_HALF,         /* The last link of a record is kept in one direction. */
    WEFT_NODE_MUTANT_FOLLOWER_SKIPS,     /* A follower leaves entries out. */
    WEFT_NODE_MUTANT_EMPTY_AFTER_START,  /* Names from before a start are taken for new. */
    WEFT_NODE_MUTANT_LEAF_DROPPED,       /* Acts of some entries have no leaf. */
    WEFT_NODE_MUTANT_LEAF_DIFFERS,       /* A follower's leaves are not the leader's. */
    WEFT_NODE_MUTANT_REFUSAL_UNCOUNTED,  /* Refusals of some entries are not counted. */
    /* Queries. */
    WEFT_NODE_MUTANT_AS_OF_NOW,     /* A question about a past index is answered as of now. */
    WEFT_NODE_MUTANT_PAGE_SKIPS,    /* The next page begins an index too late. */
    WEFT_NODE_MUTANT_WATCH_SKIPS,   /* Who waited for a commit is told of the one after it. */
    WEFT_NODE_MUTANT_WATCH_REPEATS, /* The feed goes on with what it has just told. */
    /* What whoever asks may see. */
    WEFT_NODE_MUTANT_PACKED_UNFILTERED,    /* Records of a trace go out as they are stored. */
    WEFT_NODE_MUTANT_PAGE_UNFILTERED,      /* Records of a page do. */
    WEFT_NODE_MUTANT_QUANTITY_UNFILTERED,  /* A step has the quantity of a link that hides it. */
    WEFT_NODE_MUTANT_EDGES_UNFILTERED,     /* A trace follows what may not be seen. */
    WEFT_NODE_MUTANT_INSIDE_UNFILTERED,    /* A story does. */
    WEFT_NODE_MUTANT_CONDITION_UNFILTERED, /* A search finds by the value of a hidden field. */
    WEFT_NODE_MUTANT_TWIN_UNFILTERED,      /* A twin is worked out of what is hidden. */
    WEFT_NODE_MUTANT_LOCATION_UNFILTERED,  /* A recall tells places that are hidden. */
    WEFT_NODE_MUTANT_CURSOR_SHARED,        /* The next page is told to whoever has the cursor. */
    WEFT_NODE_MUTANT_REVOKED_KNOWN,        /* A key that counted once counts for ever. */
    WEFT_NODE_MUTANT_EVIDENCE_UNFILTERED,  /* Evidence is given to whoever asks. */
    /* Redactions. */
    WEFT_NODE_MUTANT_REDACTION_BATCHED, /* Entries are not searched for them. */
    WEFT_NODE_MUTANT_SALT_KEPT,         /* The salt of what is redacted stays. */
    WEFT_NODE_MUTANT_SEED_KEPT,         /* The seed that it follows from does. */
    WEFT_NODE_MUTANT_HOLD_IGNORED,      /* A hold does not win. */
    /* Commands of machines. */
    WEFT_NODE_MUTANT_JUDGED_ONCE,      /* What was approved is not judged again at its intent. */
    WEFT_NODE_MUTANT_CHANNEL_SHARED,   /* A channel has two in flight. */
    WEFT_NODE_MUTANT_SEQ_FORGOTTEN,    /* The same command under another id is taken. */
    WEFT_NODE_MUTANT_APPROVER_UNASKED, /* The policy is not asked who may approve or resolve. */
    WEFT_NODE_MUTANT_STEP_OF_ANYBODY,  /* Steps are taken of whoever sends them. */
    /* Cells. */
    WEFT_NODE_MUTANT_CELL_OVERWRITTEN, /* A cell has what came last. */
    WEFT_NODE_MUTANT_CELL_LAST_WRITER, /* What was said last, by the clock, counts. */
    WEFT_NODE_MUTANT_CELL_UNFILTERED,  /* Claims are told to whoever asks. */
    /* Streams between organizations. */
    WEFT_NODE_MUTANT_RECEIPT_EARLY, /* What is not committed is acknowledged to partners. */
    WEFT_NODE_MUTANT_CURSOR_APART,  /* The cursor is in another write than the leaves. */
    WEFT_NODE_MUTANT_HIDDEN_SHOWN,  /* A field that is hidden from a partner is shown to him. */
    WEFT_NODE_MUTANT_LEAF_UNBOUND,  /* Heads are of a tree that does not bind its leaves. */
    WEFT_NODE_MUTANT_UNFENCED, /* Who comes back from a backup states on, whatever others know. */
    WEFT_NODE_MUTANT_STATEMENT_UNFILED, /* Some of a partner's are taken, and count for nothing. */
    /* Reads. */
    WEFT_NODE_MUTANT_READ_UNASKED,      /* Linearizable reads are served as stale ones. */
    WEFT_NODE_MUTANT_MIN_INDEX_IGNORED, /* A read does not wait for the index it names. */
    /* Proposals and their answers. */
    WEFT_NODE_MUTANT_LOST_IS_REFUSED, /* Whose outcome is unknown is told that it is refused. */
    WEFT_NODE_MUTANT_NO_FENCING,      /* A deposed leader answers for its successor's entries. */
    WEFT_NODE_MUTANT_ANSWERS_CROSSED, /* Answers of one entry go out in the wrong order. */
    /* Checkpoints. */
    WEFT_NODE_MUTANT_CHECKPOINT_BEHIND, /* A checkpoint says one index less than it holds. */
    WEFT_NODE_MUTANTS,
};

#ifdef WEFT_NODE_MUTANTS_PLANTED
extern const struct weft_mutant_info weft_node_mutant_infos[WEFT_NODE_MUTANTS];
extern uint64_t weft_node_mutants_on; /* A bit for each. */
static inline bool weft_node_mutant(enum weft_node_mutant m)
{
    return (weft_node_mutants_on >> m & 1u) != 0;
}
#else
/* No function: its parameter's type would stand in the debugging symbols of the product. */
#define weft_node_mutant(m) false
#endif

#endif
