#include "raft/replica_state.h"

#include <stdlib.h>

#include "proto/check.h"
#include "raft/mutant.h"

/* Within so many flights of the leader's last entry a follower has caught up: it lags by what
 * is on the way, "not enough unreplicated entries to create a significant availability gap"
 * (dissertation, 4.2.1). */
enum {
    CAUGHT_UP_FLIGHTS = 2
};

bool weft_replica_has_caught_up(const struct weft_replica *r, uint64_t id, uint64_t lag_max)
{
    const struct weft_guard_peer *peer = id != 0 ? weft_guard_find(&r->guard, id) : NULL;
    uint64_t match = weft_replica_match_index(r, id);
    return peer != NULL && match > 0 && peer->result_ms > 0 &&
           r->now_ms - peer->result_ms < r->options.election_ms &&
           match + lag_max >= weft_core_last_index(r->core);
}

uint64_t weft_replica_match_index(const struct weft_replica *r, uint64_t id)
{
    return weft_replica_is_leader(r) ? weft_core_match_index(r->core, id) : 0;
}

static bool is_reachable(const struct weft_replica *r, uint64_t id)
{
    const struct weft_guard_peer *peer = weft_guard_find(&r->guard, id);
    return id == r->options.id || (peer != NULL && peer->result_ms > 0 &&
                                      r->now_ms - peer->result_ms < r->options.election_ms);
}

/* A majority of the voters that the change would leave is there. */
static bool keeps_quorum(
    const struct weft_replica *r, const struct weft_configuration *configuration)
{
    uint32_t reachable = 0;
    for (uint32_t i = 0; i < configuration->count; i++) {
        const struct weft_replica_member *m = &configuration->members[i];
        reachable += m->role == WEFT_ROLE_VOTER && is_reachable(r, m->id) ? 1 : 0;
    }
    return reachable > weft_configuration_voters(configuration) / 2;
}

/* May a change be proposed now? */
static enum weft_err admit(const struct weft_replica *r, struct weft_msg *msg)
{
    if (!weft_replica_is_leader(r)) {
        return weft_fail(msg, WEFT_ENOTLEADER, "this node does not lead");
    }
    if (weft_core_transferee(r->core) != 0) {
        return weft_fail(msg, WEFT_EBUSY, "leadership is being handed over");
    }
    if (weft_core_uncommitted_index(r->core) != 0) {
        return weft_fail(msg, WEFT_EBUSY, "another change of the members is under way");
    }
    /* RFT-14: a change that is proposed before an entry of this term is committed can meet one
     * of an older leader without a common majority (D. Ongaro, raft-dev, 2015: "bug in
     * single-server membership changes"). The library does not look. */
    if (!weft_replica_is_term_committed(r) && !weft_mutant(WEFT_MUTANT_NO_CHANGE_TERM_GATE)) {
        return weft_fail(msg, WEFT_EBUSY, "the leader has not committed an entry of its term");
    }
    return WEFT_OK;
}

static enum weft_err submit(struct weft_replica *r, const struct weft_configuration *configuration,
    uint64_t *ret_index, struct weft_msg *msg)
{
    struct weft_buffer bytes = {0};
    const struct weft_core_update *update = NULL;
    uint64_t index = weft_core_last_index(r->core) + 1;
    enum weft_err rv = weft_configuration_encode(configuration, &bytes);
    if (rv == WEFT_OK) {
        rv = weft_core_submit(r->core, r->now_ms, WEFT_ENTRY_CHANGE,
            (struct weft_bytes){bytes.data, bytes.size}, &update, msg);
        rv = weft_replica_run(r, rv, update, msg);
    }
    weft_buffer_destroy(&bytes);
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "change of members");
    }
    *ret_index = index;
    return WEFT_OK;
}

static bool may_promote(const struct weft_replica *r, uint64_t id)
{
    return weft_replica_has_caught_up(r, id, (uint64_t)CAUGHT_UP_FLIGHTS * r->options.inflight_max);
}

enum weft_err weft_replica_member_add(struct weft_replica *r,
    const struct weft_replica_member *member, uint64_t now_ms, uint64_t *ret_index,
    struct weft_msg *msg)
{
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    struct weft_configuration next = r->configuration;
    struct weft_replica_member m = *member;
    if (m.role == WEFT_ROLE_VOTER) { /* It has nothing yet, so no vote either. */
        m.role = WEFT_ROLE_STANDBY;
        m.wants_vote = true;
    }
    rv = admit(r, msg);
    if (rv == WEFT_OK) {
        rv = weft_configuration_add(&next, &m, msg);
    }
    if (rv == WEFT_OK) {
        rv = submit(r, &next, ret_index, msg);
    }
    weft_replica_end(r);
    return rv;
}

/* What `role` means for the member as it is: a vote only to one that has caught up. */
static enum weft_err assign(const struct weft_replica *r, struct weft_configuration *next,
    uint64_t id, enum weft_role role, bool force, struct weft_msg *msg)
{
    const struct weft_replica_member *m = weft_configuration_find(next, id);
    bool wants_vote = role == WEFT_ROLE_VOTER;
    if (m != NULL && role == WEFT_ROLE_VOTER && m->role != role && !may_promote(r, id)) {
        if (m->role == WEFT_ROLE_STANDBY && m->wants_vote) {
            return weft_fail(msg, WEFT_EBUSY, "member %s is still catching up", m->name);
        }
        role = WEFT_ROLE_STANDBY;
    }
    enum weft_err rv = weft_configuration_assign(next, id, role, wants_vote, msg);
    if (rv == WEFT_OK && !force && !keeps_quorum(r, next)) {
        return weft_fail(msg, WEFT_EREFUSED,
            "too few of the voters that would be left can be reached for a majority");
    }
    return rv;
}

enum weft_err weft_replica_member_assign(struct weft_replica *r, uint64_t id, enum weft_role role,
    bool force, uint64_t now_ms, uint64_t *ret_index, struct weft_msg *msg)
{
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    struct weft_configuration next = r->configuration;
    rv = admit(r, msg);
    if (rv == WEFT_OK) {
        rv = assign(r, &next, id, role, force, msg);
    }
    if (rv == WEFT_OK) {
        rv = submit(r, &next, ret_index, msg);
    }
    weft_replica_end(r);
    return rv;
}

enum weft_err weft_replica_member_remove(struct weft_replica *r, uint64_t id, bool force,
    uint64_t now_ms, uint64_t *ret_index, struct weft_msg *msg)
{
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    struct weft_configuration next = r->configuration;
    bool had_vote = weft_configuration_is_voter(&next, id);
    rv = admit(r, msg);
    if (rv == WEFT_OK) {
        rv = weft_configuration_remove(&next, id, msg);
    }
    if (rv == WEFT_OK && had_vote && !force && !keeps_quorum(r, &next)) {
        rv = weft_fail(msg, WEFT_EREFUSED,
            "too few of the voters that would be left can be reached for a majority");
    }
    if (rv == WEFT_OK) {
        rv = submit(r, &next, ret_index, msg);
    }
    weft_replica_end(r);
    return rv;
}

enum weft_err weft_replica_promote(struct weft_replica *r, struct weft_msg *msg)
{
    if (!weft_replica_is_leader(r) || admit(r, NULL) != WEFT_OK) {
        return WEFT_OK;
    }
    for (uint32_t i = 0; i < r->configuration.count; i++) {
        const struct weft_replica_member *m = &r->configuration.members[i];
        struct weft_configuration next = r->configuration;
        uint64_t index;
        if (m->role != WEFT_ROLE_STANDBY || !m->wants_vote || !may_promote(r, m->id) ||
            weft_configuration_assign(&next, m->id, WEFT_ROLE_VOTER, true, NULL) != WEFT_OK ||
            !keeps_quorum(r, &next)) {
            continue;
        }
        return submit(r, &next, &index, msg);
    }
    return WEFT_OK;
}

/* The voter furthest ahead of those that answer. 0: there is none. */
static uint64_t choose_successor(const struct weft_replica *r)
{
    uint64_t best = 0;
    uint64_t best_index = 0;
    for (uint32_t i = 0; i < r->configuration.count; i++) {
        const struct weft_replica_member *m = &r->configuration.members[i];
        uint64_t match = weft_replica_match_index(r, m->id);
        if (m->role == WEFT_ROLE_VOTER && m->id != r->options.id && is_reachable(r, m->id) &&
            (best == 0 || match > best_index)) {
            best = m->id;
            best_index = match;
        }
    }
    return best;
}

enum weft_err weft_replica_transfer(
    struct weft_replica *r, uint64_t id, uint64_t now_ms, struct weft_msg *msg)
{
    const struct weft_core_update *update = NULL;
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (!weft_replica_is_leader(r)) {
        rv = weft_fail(msg, WEFT_ENOTLEADER, "this node does not lead");
    } else if (weft_core_transferee(r->core) != 0) {
        rv = weft_fail(msg, WEFT_EBUSY, "leadership is being handed over already");
    } else {
        id = id != 0 ? id : choose_successor(r);
        if (id == 0 || id == r->options.id || !weft_configuration_is_voter(&r->configuration, id)) {
            rv = weft_fail(msg, WEFT_ENOTFOUND, "there is no such other voter in reach");
        }
    }
    if (rv == WEFT_OK) {
        rv = weft_core_transfer(r->core, r->now_ms, id, &update, msg);
        rv = weft_replica_run(r, rv, update, msg);
    }
    weft_replica_end(r);
    return rv;
}
