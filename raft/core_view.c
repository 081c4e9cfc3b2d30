#include "proto/check.h"
#include "raft/core_state.h"

/* The library's fields and getters in our words. */
enum weft_core_state weft_core_state(const struct weft_core *core)
{
    switch (core->raft.state) {
    case RAFT_CANDIDATE:
        return WEFT_CORE_CANDIDATE;
    case RAFT_LEADER:
        return WEFT_CORE_LEADER;
    default: /* A short of the library's, not an enum. */
        return WEFT_CORE_FOLLOWER;
    }
}

bool weft_core_is_pre_voting(const struct weft_core *core)
{
    return core->raft.state == RAFT_CANDIDATE && core->raft.candidate_state.in_pre_vote;
}

uint64_t weft_core_term(const struct weft_core *core)
{
    return core->raft.current_term;
}

uint64_t weft_core_voted_for(const struct weft_core *core)
{
    return core->raft.voted_for;
}

uint64_t weft_core_leader(const struct weft_core *core)
{
    switch (weft_core_state(core)) {
    case WEFT_CORE_FOLLOWER:
        return core->raft.follower_state.current_leader.id;
    case WEFT_CORE_CANDIDATE:
        return 0;
    case WEFT_CORE_LEADER:
        return core->raft.id;
    }
    weft_unreachable("three states");
}

uint64_t weft_core_transferee(const struct weft_core *core)
{
    return raft_transferee(&core->raft);
}

uint64_t weft_core_commit_index(const struct weft_core *core)
{
    return core->raft.commit_index;
}

uint64_t weft_core_last_index(const struct weft_core *core)
{
    return raft_last_index((struct raft *)(uintptr_t)&core->raft); /* It only reads. */
}

uint64_t weft_core_stored_index(const struct weft_core *core)
{
    return core->raft.last_stored;
}

uint64_t weft_core_snapshot_index(const struct weft_core *core)
{
    return core->raft.trail.snapshot.index;
}

uint64_t weft_core_floor_index(const struct weft_core *core)
{
    const struct raft_trail *t = &core->raft.trail;
    return t->offset == t->snapshot.index ? t->offset : t->offset + 1;
}

uint64_t weft_core_uncommitted_index(const struct weft_core *core)
{
    return core->raft.configuration_uncommitted_index;
}

uint64_t weft_core_committed_configuration_index(const struct weft_core *core)
{
    return core->raft.configuration_committed_index;
}

uint64_t weft_core_timeout_ms(const struct weft_core *core)
{
    return raft_timeout(&core->raft);
}

uint64_t weft_core_match_index(const struct weft_core *core, uint64_t id)
{
    raft_index index = 0;
    return raft_match_index(&core->raft, id, &index) == 0 ? index : 0;
}

enum weft_err weft_core_configuration(const struct weft_core *core,
    struct weft_configuration *ret_configuration, struct weft_msg *msg)
{
    const struct raft_configuration *c = &core->raft.configuration;
    uint64_t uncommitted = core->raft.configuration_uncommitted_index;
    struct weft_configuration out = {
        .index = uncommitted > 0 ? uncommitted : core->raft.configuration_committed_index};
    if (c->n > WEFT_MEMBERS_MAX) {
        return weft_fail(msg, WEFT_ECORRUPT, "raft core: too many members");
    }
    for (unsigned i = 0; i < c->n; i++) {
        struct weft_replica_member *m = &out.members[i];
        m->id = c->servers[i].id;
        m->role = (enum weft_role)c->servers[i].role;
        if (weft_configuration_parse(c->servers[i].address, m, msg) != WEFT_OK) {
            return weft_wrap(msg, WEFT_ECORRUPT, "raft core: configuration");
        }
    }
    out.count = c->n;
    *ret_configuration = out;
    return WEFT_OK;
}
