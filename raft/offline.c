#include "raft/configuration.h"

#include <inttypes.h>

/* The lost voters may have elected leaders that we never heard of; a term of the recovered group
 * should not be one of theirs. Chosen: far more elections than an outage sees. */
enum {
    RECOVERY_TERMS = 1000
};

/* Both write a configuration at the end of a log on which no replica runs. */
static enum weft_err append_change(struct weft_log *log, uint64_t index, uint64_t term,
    const struct weft_configuration *configuration, struct weft_msg *msg)
{
    struct weft_buffer bytes = {0};
    enum weft_err rv = weft_configuration_encode(configuration, &bytes);
    if (rv != WEFT_OK) {
        rv = weft_fail(msg, rv, "configuration cannot be written");
    } else {
        struct weft_peer_entry entry = {term, WEFT_ENTRY_CHANGE, {bytes.data, bytes.size}};
        rv = log->engine->append(log, index, &entry, 1, msg);
    }
    weft_buffer_destroy(&bytes);
    return rv;
}

enum weft_err weft_replica_bootstrap(
    struct weft_log *log, const struct weft_replica_member *self, struct weft_msg *msg)
{
    struct weft_configuration configuration = {0};
    struct weft_replica_member member = *self;
    if (log->engine->last_index(log) != 0) {
        return weft_fail(msg, WEFT_ESTATE, "the log is not empty: this node has a group already");
    }
    member.role = WEFT_ROLE_VOTER;
    member.wants_vote = true;
    enum weft_err rv = weft_configuration_add(&configuration, &member, msg);
    if (rv == WEFT_OK) {
        rv = log->engine->set_term(log, 1, 0, msg);
    }
    if (rv == WEFT_OK) {
        rv = append_change(log, 1, 1, &configuration, msg);
    }
    return rv == WEFT_OK ? WEFT_OK : weft_wrap(msg, rv, "bootstrap");
}

/* The newest configuration: the log's last, or the state's. */
static enum weft_err find_newest(struct weft_log *log, const struct weft_configuration *state,
    struct weft_configuration *ret_configuration, struct weft_msg *msg)
{
    struct weft_log_entry entries[64];
    uint64_t last = log->engine->last_index(log);
    uint64_t index = log->engine->base_index(log) + 1;
    *ret_configuration = *state;
    while (index <= last) {
        uint32_t count = 0;
        enum weft_err rv =
            log->engine->read(log, index, WEFT_APPEND_SIZE_MAX, 64, entries, &count, msg);
        if (rv != WEFT_OK) {
            return weft_wrap(msg, rv, "read log entry %" PRIu64, index);
        }
        for (uint32_t i = 0; i < count; i++) {
            if (entries[i].type != WEFT_ENTRY_CHANGE || entries[i].index <= state->index) {
                continue;
            }
            if (weft_configuration_decode(entries[i].data, ret_configuration, msg) != WEFT_OK) {
                return weft_wrap(msg, WEFT_ECORRUPT, "log entry %" PRIu64, entries[i].index);
            }
            ret_configuration->index = entries[i].index;
        }
        index += count;
    }
    if (ret_configuration->count == 0) {
        return weft_fail(msg, WEFT_ENOTFOUND, "neither log nor state hold a configuration");
    }
    return WEFT_OK;
}

enum weft_err weft_replica_recover(struct weft_log *log, const struct weft_log_start *start,
    const struct weft_configuration *state, const uint64_t *voters, uint32_t voter_count,
    struct weft_configuration *ret_configuration, struct weft_msg *msg)
{
    struct weft_configuration old;
    struct weft_configuration next = {0};
    if (voter_count == 0 || voter_count > WEFT_VOTERS_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "recovery needs 1 to %d voters", WEFT_VOTERS_MAX);
    }
    enum weft_err rv = find_newest(log, state, &old, msg);
    for (uint32_t i = 0; i < voter_count && rv == WEFT_OK; i++) {
        const struct weft_replica_member *found = weft_configuration_find(&old, voters[i]);
        if (found == NULL) {
            return weft_fail(
                msg, WEFT_ENOTFOUND, "member %" PRIu64 " is not in the configuration", voters[i]);
        }
        struct weft_replica_member member = *found;
        member.role = WEFT_ROLE_VOTER;
        member.wants_vote = true;
        rv = weft_configuration_add(&next, &member, msg);
        rv = rv == WEFT_ESTATE ? WEFT_EINVAL : rv; /* The same one twice. */
    }
    uint64_t term = start->term + RECOVERY_TERMS;
    if (rv == WEFT_OK) {
        rv = log->engine->set_term(log, term, 0, msg);
    }
    if (rv == WEFT_OK) {
        next.index = log->engine->last_index(log) + 1;
        rv = append_change(log, next.index, term, &next, msg);
    }
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "recover");
    }
    *ret_configuration = next;
    return WEFT_OK;
}
