/* raft/core_state.h: the library's instance and what lies beside it. Private to raft/core*.c, the
 * only files that know <raft.h>. */
#ifndef WEFT_RAFT_CORE_STATE_H
#define WEFT_RAFT_CORE_STATE_H

#include <raft.h>

#include "raft/core.h"

struct weft_core {
    struct raft raft;
    struct raft_update update;
    struct weft_core_update effects;
    void *batch;                 /* Entries of the update point into it, as the library sees it. */
    struct raft_entry *received; /* WEFT_APPEND_ENTRIES_MAX */
    struct weft_peer_entry *entries;
    struct weft_core_message *messages;
    uint32_t message_capacity;
    struct raft_snapshot_metadata install; /* Ours between has_install and installed. */
    bool has_install;
    struct raft_configuration undisguised; /* While ours is in `disguise` (RFT-15). */
    struct raft_server disguise[WEFT_MEMBERS_MAX + 1];
};

/* core_vote.c: elections that the library would not hold, or would hold wrongly. */

/* A sole voter is about to elect itself: begin a term of its own. True: it was begun. */
bool weft_core_begin_sole_term(struct weft_core *core, uint64_t now_ms);
/* We have no vote in the newest configuration, but it is not committed and we had one. */
bool weft_core_may_stand(const struct weft_core *core);
/* For one step we look like a voter; take_off ends it. False: nothing was changed, since we are
 * one, or since we know of no configuration. */
bool weft_core_put_on_vote(struct weft_core *core, bool is_election);
void weft_core_take_off_vote(struct weft_core *core);

#endif
