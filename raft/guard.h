/* raft/guard.h: what is checked of a peer's message before the library sees it, and why.
 *
 * Pure: it looks at a message, at what we are, and at what it remembers of each peer, and says
 * pass, drop, drop with an alarm, or answer as stale. libraft 0.22.1 believes some answers that
 * must not be believed, and reads wire fields under assertions that are compiled out; the
 * envelope (cluster, sender, incarnation, term, sequence) lets us know better. Rules RFT-20 to
 * RFT-35: raft/README.md. */
#ifndef WEFT_RAFT_GUARD_H
#define WEFT_RAFT_GUARD_H

#include "raft/configuration.h"

enum {
    WEFT_GUARD_PEERS_MAX = 2 * WEFT_MEMBERS_MAX, /* Members, and those that were or will be. */
    WEFT_GUARD_LIVES_MAX = 4, /* Incarnations that are remembered, for each peer. */
    /* A refusal that names less than was acknowledged, so often in a row, is no latecomer. */
    WEFT_GUARD_LOSSES_MAX = 3,
};

/* Terms and indexes above it are taken for damage: they could not be counted on from. */
#define WEFT_GUARD_NUMBER_MAX (UINT64_C(1) << 62)

/* Messages of one incarnation of a peer. Which of two came first cannot be told from them. */
struct weft_guard_life {
    uint64_t incarnation;
    uint64_t sequence; /* Last one received. */
    uint64_t heard_ms;
};

struct weft_guard_peer {
    uint64_t id;          /* 0: the slot is free. */
    uint64_t incarnation; /* Of the last message. */
    struct weft_guard_life lives[WEFT_GUARD_LIVES_MAX];
    uint32_t losses;
    uint64_t sent_sequence;
    uint64_t vote_sequence; /* Of the last RequestVote to it. */
    uint64_t sent_term;
    uint64_t sent_index;    /* Highest index that a message of sent_term named to it. */
    uint64_t sent_commit;   /* Highest commit index that one of them let it know. */
    uint64_t heard_ms;      /* Last message that was its own, whatever became of it. */
    uint64_t result_ms;     /* Last AppendEntries result of our term; 0: none. */
    uint64_t offered_index; /* Checkpoint last offered to it, when, and in which life. */
    uint64_t offered_ms;
    uint64_t offered_incarnation;
};

/* What we are when the message comes. */
struct weft_guard_view {
    uint64_t id;
    uint64_t cluster;
    uint64_t incarnation;
    uint64_t term;
    uint64_t leader_id; /* Who led our term for us so far; 0: nobody yet. */
    bool is_leader;
    bool is_candidate;
    bool is_pre_voting;
    bool is_sole_voter;
    uint64_t last_index;
    uint64_t match_index; /* Leader: of the sender. */
};

enum weft_guard_verdict {
    WEFT_GUARD_PASS,
    WEFT_GUARD_STALE,     /* A request of an older term: answer it as rejected. */
    WEFT_GUARD_DROP,      /* It happens: late, repeated, meant for another life. */
    WEFT_GUARD_FOREIGN,   /* Not from whom it claims, or not of this group. */
    WEFT_GUARD_MALFORMED, /* No honest peer sends this. */
    WEFT_GUARD_ALARM,     /* An honest peer sent what must not be; contained by dropping it. */
};

struct weft_guard {
    struct weft_guard_peer peers[WEFT_GUARD_PEERS_MAX];
    uint64_t sequence_floor; /* Of slots that were given up. */
};

/* The peer's slot; made if there is none, at the cost of the one unheard of for longest. */
struct weft_guard_peer *weft_guard_peer(struct weft_guard *g, uint64_t id);
/* NULL: there is none. */
const struct weft_guard_peer *weft_guard_find(const struct weft_guard *g, uint64_t id);

/* Judge a message of the authenticated member `from`. *ret_reason is static text. */
enum weft_guard_verdict weft_guard_admit(struct weft_guard *g, const struct weft_guard_view *view,
    uint64_t from, const struct weft_peer_message *message, uint64_t now_ms,
    const char **ret_reason);

/* A message of ours goes to `peer`: give it its sequence and remember what it says. */
void weft_guard_sent(struct weft_guard_peer *peer, struct weft_peer_message *message);

/* Where the next part of a received batch ends, so that a configuration entry is always the
 * first of its part (RFT-29). `begin` < entry_count. */
uint32_t weft_guard_split(const struct weft_append_entries *append, uint32_t begin);

#endif
