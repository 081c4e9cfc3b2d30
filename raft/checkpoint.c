#include "raft/replica_state.h"

#include <inttypes.h>

#include "proto/check.h"
#include "proto/checkpoint.h"

enum {
    /* The same checkpoint is offered again to the same follower after so long: the library
     * asks for it with every heartbeat that the follower cannot match. */
    OFFER_AGAIN_MS = 1000,
    /* For a follower that catches up, so many times `trailing` entries are kept. Chosen. */
    CATCH_UP_TIMES = 4,
};

static bool was_just_offered(
    const struct weft_replica *r, const struct weft_guard_peer *peer, uint64_t index)
{
    return peer->offered_index == index && peer->offered_incarnation == peer->incarnation &&
           r->now_ms - peer->offered_ms < OFFER_AGAIN_MS;
}

/* The library asks for a snapshot at its own last one, which is where our state began or a
 * checkpoint was taken; what exists is the newest checkpoint, and that is what is offered. It
 * may be newer: then the follower's answer ends the library's wait at once. It may be older (we
 * started from a state ahead of it): then the follower's next refusal ends it, and entries
 * follow from the checkpoint on, which the log still holds (RFT-31). */
enum weft_err weft_replica_offer(struct weft_replica *r, uint64_t to, struct weft_msg *msg)
{
    struct weft_guard_peer *peer = weft_guard_peer(&r->guard, to);
    struct weft_manifest manifest;
    struct weft_bytes bytes;
    enum weft_err rv = r->io.get_manifest(r->io.ctx, &bytes);
    if (rv == WEFT_ENOTFOUND) {
        r->wants_checkpoint = true;
        return WEFT_OK;
    }
    if (rv == WEFT_OK) {
        weft_arena_reset(&r->arena);
        rv = weft_manifest_decode(bytes, &r->arena, &manifest);
    }
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "manifest of the newest checkpoint cannot be read");
    }
    if (manifest.index < r->log->engine->base_index(r->log)) {
        r->wants_checkpoint = true; /* The log was reset to a state above it (RFT-8). */
        return WEFT_OK;
    }
    if (was_just_offered(r, peer, manifest.index)) {
        return WEFT_OK;
    }
    peer->offered_index = manifest.index;
    peer->offered_ms = r->now_ms;
    peer->offered_incarnation = peer->incarnation;
    const struct weft_replica_member *self =
        weft_configuration_find(&r->configuration, r->options.id);
    struct weft_peer_message m = {.kind = WEFT_KIND_INSTALL_SNAPSHOT,
        .install_snapshot = {.term = weft_core_term(r->core),
            .last_index = manifest.index,
            .last_term = manifest.term,
            .conf_index = manifest.conf_index,
            .configuration = manifest.configuration,
            .manifest = bytes,
            .address = self != NULL ? weft_text_of(self->peer_address) : (struct weft_text){0}}};
    weft_replica_send(r, to, &m);
    return WEFT_OK;
}

/* How many entries below a checkpoint are kept, by number and about by bytes. */
static uint64_t trailing_entries(const struct weft_replica *r)
{
    uint64_t trailing = r->options.trailing;
    if (r->options.trailing_bytes > 0) {
        struct weft_log_stats stats;
        r->log->engine->stats(r->log, &stats);
        uint64_t count = r->log->engine->last_index(r->log) - r->log->engine->base_index(r->log);
        uint64_t average = count > 0 ? stats.used_bytes / count : 0;
        uint64_t fitting = r->options.trailing_bytes / (average + 1);
        trailing = fitting < trailing ? fitting : trailing;
    }
    return trailing;
}

/* The index up to which the log may go. A follower that is being caught up holds it, but not
 * for long: it would fill the disk. */
static uint64_t trim_target(const struct weft_replica *r, uint64_t checkpoint)
{
    uint64_t trailing = trailing_entries(r);
    uint64_t target = checkpoint > trailing ? checkpoint - trailing : 0;
    uint64_t floor =
        trailing * CATCH_UP_TIMES < checkpoint ? checkpoint - trailing * CATCH_UP_TIMES : 0;
    for (uint32_t i = 0; i < r->configuration.count && weft_replica_is_leader(r); i++) {
        uint64_t id = r->configuration.members[i].id;
        const struct weft_guard_peer *peer = weft_guard_find(&r->guard, id);
        if (peer == NULL || r->now_ms - peer->heard_ms >= r->options.election_ms) {
            continue;
        }
        uint64_t needs = weft_replica_match_index(r, id);
        if (peer->offered_index > needs && peer->offered_incarnation == peer->incarnation) {
            needs = peer->offered_index;
        }
        if (needs < target && needs >= floor) {
            target = needs;
        }
    }
    return target;
}

static enum weft_err trim(struct weft_replica *r, uint64_t target, struct weft_msg *msg)
{
    enum weft_err failed = WEFT_OK;
    uint64_t durable = r->log->engine->durable_index(r->log, &failed, msg);
    if (failed != WEFT_OK) {
        return failed;
    }
    target = target < durable ? target : durable;
    if (target <= r->log->engine->base_index(r->log)) {
        return WEFT_OK;
    }
    enum weft_err rv = r->log->engine->trim(r->log, target, msg);
    return rv == WEFT_OK ? WEFT_OK : weft_wrap(msg, rv, "trim log up to %" PRIu64, target);
}

static enum weft_err note_checkpoint(
    struct weft_replica *r, uint64_t index, uint64_t term, struct weft_msg *msg)
{
    const struct weft_core_update *update = NULL;
    uint64_t target = trim_target(r, index);
    enum weft_err rv = WEFT_OK;
    if (index > weft_core_snapshot_index(r->core)) {
        /* RFT-32: the core keeps one more than the log, so that it knows the term below the
         * log's first entry. */
        uint32_t trailing = index - target < UINT32_MAX - 1 ? (uint32_t)(index - target) + 1 : 0;
        if (trailing > 0) {
            rv = weft_core_snapshot(r->core, r->now_ms, index, term, trailing, &update, msg);
            rv = weft_replica_run(r, rv, update, msg);
        }
    }
    if (rv == WEFT_OK) {
        rv = trim(r, target, msg);
        rv = rv == WEFT_OK ? WEFT_OK : weft_replica_fail(r, rv);
    }
    return rv;
}

enum weft_err weft_replica_checkpointed(
    struct weft_replica *r, uint64_t index, uint64_t term, uint64_t now_ms, struct weft_msg *msg)
{
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint64_t known = r->log->engine->term_of(r->log, index);
    r->wants_checkpoint = false;
    if (index == 0 || index > r->applied_index || (known != 0 && known != term)) {
        rv = weft_fail(msg, WEFT_EINVAL,
            "checkpoint at %" PRIu64 " of term %" PRIu64 " is not of this log", index, term);
    } else if (known != 0) { /* Otherwise it is older than what is trimmed already. */
        rv = note_checkpoint(r, index, term, msg);
    }
    weft_replica_end(r);
    return rv;
}

/* RFT-9: what is installed is committed state, whoever offered it and however long ago: it is
 * given to the core as if the leader of today had sent it. */
static enum weft_err install(struct weft_replica *r, const struct weft_install_snapshot *offer,
    bool *ret_installed, struct weft_msg *msg)
{
    struct weft_configuration configuration;
    const struct weft_core_update *update = NULL;
    uint64_t leader = weft_replica_leader(r);
    *ret_installed = false;
    if (leader == 0 || leader == r->options.id ||
        offer->last_index <= weft_core_commit_index(r->core) ||
        r->log->engine->term_of(r->log, offer->last_index) == offer->last_term) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_configuration_decode(offer->configuration, &configuration, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    configuration.index = offer->conf_index;
    if (offer->term != weft_core_term(r->core)) {
        r->append_request.term = 0; /* Its answer would answer nothing the leader asked. */
    }
    r->installing = offer;
    rv = weft_core_install(r->core, r->now_ms, leader, offer->last_index, offer->last_term,
        offer->conf_index, &configuration, &update, msg);
    rv = weft_replica_run(r, rv, update, msg);
    *ret_installed = rv == WEFT_OK && r->installing == NULL;
    r->installing = NULL;
    return rv;
}

enum weft_err weft_replica_install(struct weft_replica *r,
    const struct weft_install_snapshot *offer, uint64_t from, uint64_t now_ms, bool *ret_installed,
    struct weft_msg *msg)
{
    bool installed = false;
    (void)from; /* See install. */
    enum weft_err rv = weft_replica_begin(r, now_ms, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    rv = install(r, offer, &installed, msg);
    weft_replica_end(r);
    if (rv == WEFT_OK) {
        *ret_installed = installed;
    }
    return rv;
}
