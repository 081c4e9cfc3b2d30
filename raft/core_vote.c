#include "raft/core_state.h"
#include "raft/mutant.h"

static unsigned voter_count(const struct raft_configuration *c, raft_id id, bool *ret_is_voter)
{
    unsigned voters = 0;
    *ret_is_voter = false;
    for (unsigned i = 0; i < c->n; i++) {
        if (c->servers[i].role == RAFT_VOTER) {
            voters++;
            *ret_is_voter = *ret_is_voter || c->servers[i].id == id;
        }
    }
    return voters;
}

/* RFT-15: a server handles requests without consulting its own configuration (dissertation, 4.1),
 * and one that is not in its newest configuration still stands for election until that is
 * committed, without counting its own vote (4.2.2). The library lets only voters of the newest
 * configuration vote and stand: a group of one that becomes two, or of two that becomes one,
 * can lose its leader for good. So for a step of an election our own role is a voter's. */
bool weft_core_may_stand(const struct weft_core *core)
{
    const struct raft *r = &core->raft;
    bool is_voter, was_voter;
    (void)voter_count(&r->configuration, r->id, &is_voter);
    (void)voter_count(&r->configuration_committed, r->id, &was_voter);
    return !is_voter && was_voter && r->configuration_uncommitted_index > 0 &&
           r->state != RAFT_LEADER && !weft_mutant(WEFT_MUTANT_NO_LAST_STAND);
}

bool weft_core_put_on_vote(struct weft_core *core, bool is_election)
{
    struct raft_configuration *c = &core->raft.configuration;
    struct raft_server *self = NULL;
    for (unsigned i = 0; i < c->n; i++) {
        self = c->servers[i].id == core->raft.id ? &c->servers[i] : self;
    }
    if (self != NULL && self->role == RAFT_VOTER) {
        return false;
    }
    /* Without any configuration: a new disk, which knows of no older vote. A leader's progress
     * has places for the members as they are. */
    if (c->n == 0 || c->n > WEFT_MEMBERS_MAX || core->raft.state == RAFT_LEADER ||
        (!is_election && weft_mutant(WEFT_MUTANT_NO_STANDBY_VOTE))) {
        return false;
    }
    core->undisguised = *c;
    for (unsigned i = 0; i < c->n; i++) {
        core->disguise[i] = c->servers[i];
    }
    if (self == NULL) { /* Behind all others: their places stay. */
        core->disguise[c->n] = (struct raft_server){core->raft.id, core->raft.address, 0};
        self = &c->servers[c->n];
        c->n++;
    }
    core->disguise[self - c->servers].role = RAFT_VOTER;
    c->servers = core->disguise;
    return true;
}

/* In the disguise there is one voter more, so that a majority of an odd number of others takes
 * our vote to fill, and one of an even number must not have it. */
void weft_core_take_off_vote(struct weft_core *core)
{
    struct raft *r = &core->raft;
    unsigned place = 0;
    bool is_voter;
    unsigned others = voter_count(&core->undisguised, r->id, &is_voter);
    for (unsigned i = 0; i < r->configuration.n && r->configuration.servers[i].id != r->id; i++) {
        place += r->configuration.servers[i].role == RAFT_VOTER ? 1 : 0;
    }
    if (r->state == RAFT_CANDIDATE && others % 2 == 0) {
        r->candidate_state.votes[place].grant = false;
    }
    r->configuration = core->undisguised;
}

/* RFT-11: the library lets a sole voter lead at once in the term it is in, in which another
 * node may have led before the last change, or we ourselves before a restart: two entries of
 * the same index and term. A term of its own is always safe. */
bool weft_core_begin_sole_term(struct weft_core *core, uint64_t now_ms)
{
    struct raft *r = &core->raft;
    bool is_voter;
    if (r->state != RAFT_FOLLOWER || now_ms < raft_timeout(r) || r->snapshot.installing ||
        r->last_stored < raft_last_index(r) ||
        voter_count(&r->configuration, r->id, &is_voter) != 1 || !is_voter ||
        weft_mutant(WEFT_MUTANT_NO_SOLE_VOTER_TERM)) {
        return false;
    }
    r->current_term++;
    r->voted_for = r->id;
    r->follower_state.match = 0;
    return true;
}
