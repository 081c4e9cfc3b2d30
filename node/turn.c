#include "node/turn.h"

#include <stdio.h>
#include <string.h>

#include "node/forwarder.h"
#include "node/governing.h"
#include "node/logger.h"
#include "node/mutant.h"
#include "node/node.h"
#include "node/notify.h"
#include "node/partnership.h"
#include "node/rebuild.h"
#include "node/replies.h"
#include "node/wall.h"

enum {
    APPLY_BYTES_PER_TURN = 2 * 1024 * 1024, /* Bounds a turn to some 30 ms of apply. */
    APPLY_ENTRIES_PER_TURN = 64,
    SLOW_TURN_MS = 100, /* A turn this long is counted: elections are 300 ms away. */
    STATUS_EVERY_MS = 1000,
};

void weft_turn_lose_proposals(struct weft_node *node)
{
    struct weft_proposal *batch;
    bool is_unknown;
    while ((batch = weft_proposer_take_lost(&node->proposer, &is_unknown)) != NULL) {
        for (uint32_t i = 0; i < batch->waiter_count; i++) {
            if (is_unknown) {
                enum weft_err err = weft_node_mutant(WEFT_NODE_MUTANT_LOST_IS_REFUSED)
                                        ? WEFT_ENOTLEADER
                                        : WEFT_EUNAVAILABLE;
                weft_reply_refuse(node, &batch->waiters[i], err,
                    "leadership was lost: the outcome is unknown here; "
                    "ask the new leader with the same request id");
            } else {
                weft_reply_not_leader(node, &batch->waiters[i]);
            }
        }
        weft_proposer_done(&node->proposer, batch);
    }
}

static void tell_systemd(struct weft_node *node, const struct weft_replica_status *status)
{
    char line[160];
    (void)snprintf(line, sizeof(line), "%s of %s, term %llu", status->state, node->config.node.site,
        (unsigned long long)status->term);
    if (!node->is_ready && status->leader_id != 0) {
        node->is_ready = true;
        weft_notify_ready(line);
    } else {
        weft_notify_status(line);
    }
}

static bool is_member(const struct weft_configuration *conf, uint64_t id)
{
    for (uint32_t i = 0; i < conf->count; i++) {
        if (conf->members[i].id == id) {
            return true;
        }
    }
    return false;
}

static void note_changes(struct weft_node *node)
{
    struct weft_replica_status status;
    weft_replica_status(node->replica, &status);
    uint64_t self = node->datadir.identity.member_id;
    bool is_leader = status.leader_id == self && strcmp(status.state, "leader") == 0;
    const struct weft_configuration *conf = weft_replica_configuration(node->replica);
    if (conf->index != node->conf_index) {
        node->conf_index = conf->index;
        weft_peers_update(node->peers, conf);
        weft_log(WEFT_LOG_INFO, "configuration", weft_kv("index", conf->index),
            weft_kv("members", conf->count));
        bool was_member = node->is_member;
        node->is_member = is_member(conf, self);
        if (was_member && !node->is_member) {
            weft_log(WEFT_LOG_WARN, "not_a_member", weft_kv("index", conf->index),
                weft_kv("next", "removed from its group: stop it; an empty data directory and "
                                "--join bring it back"));
        }
    }
    if (status.leader_id == node->leader_id && status.term == node->term &&
        is_leader == node->is_leader) {
        return;
    }
    if (node->is_leader && (!is_leader || status.term != node->term) &&
        !weft_node_mutant(WEFT_NODE_MUTANT_NO_FENCING)) {
        weft_turn_lose_proposals(node);
    }
    node->is_leader = is_leader;
    node->leader_id = status.leader_id;
    node->term = status.term;
    weft_log(WEFT_LOG_INFO, "leadership", weft_kv("state", status.state),
        weft_kv("term", status.term), weft_kv("leader", status.leader_id),
        weft_kv("commit", status.commit_index));
    tell_systemd(node, &status);
}

static void answer_item(
    struct weft_node *node, const struct weft_applied_item *item, const struct weft_waiter *waiter)
{
    struct weft_client_message message = {.request_id = waiter->request_id};
    if (item->err != WEFT_OK) {
        message.kind = WEFT_KIND_ERROR;
        message.error = item->error;
    } else if (item->type == WEFT_ITEM_DIGEST) {
        message.kind = WEFT_KIND_DIGEST_RESULT;
        message.digest_result.index = item->entry_index;
    } else {
        message.kind = WEFT_KIND_COMMIT_RESULT;
        message.commit_result = item->result;
    }
    weft_reply(node, waiter, &message);
}

/* NOD-1: after the apply, never before. The waiters of `entries`, whose items lie in order in
 * `items`. */
static void answer_entries(struct weft_node *node, const struct weft_log_entry *entries,
    uint32_t entry_count, const struct weft_applied_item *items, uint32_t item_count)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < entry_count; i++) {
        struct weft_proposal *batch =
            weft_proposer_take(&node->proposer, entries[i].index, entries[i].term);
        while (at < item_count && items[at].entry_index == entries[i].index) {
            const struct weft_applied_item *item = &items[at++];
            node->commits += item->err == WEFT_OK;
            node->refusals += item->err != WEFT_OK;
            weft_governing_note(node, item);
            if (batch != NULL && item->item < batch->waiter_count) {
                uint32_t place = weft_node_mutant(WEFT_NODE_MUTANT_ANSWERS_CROSSED)
                                     ? batch->waiter_count - 1 - item->item
                                     : item->item;
                answer_item(node, item, &batch->waiters[place]);
            }
        }
        if (batch != NULL) {
            weft_proposer_done(&node->proposer, batch);
        }
    }
}

static void apply_some(struct weft_node *node, const struct weft_log_entry *entries, uint32_t count)
{
    struct weft_msg msg = {""};
    struct weft_applied_item *items = NULL;
    uint32_t item_count = 0;
    weft_arena_reset(&node->arena);
    enum weft_err rv = weft_state_apply(node->state, entries, count,
        node->proposer.proposed_count > 0, &node->arena, &items, &item_count, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, WEFT_NODE_STATE_FAILED, rv, &msg);
    }
    answer_entries(node, entries, count, items, item_count);
    node->applied_entries += count;
    struct weft_state_position position;
    weft_state_position(node->state, &position);
    weft_chains_note(&node->chains, position.index, &position.chain);
    weft_rebuild_watch_lineage(node);
}

/* Apply in runs that end at a digest marker, so that a view can be taken at exactly its index
 * (NOD-4). True: there may be more. */
static bool apply_committed(struct weft_node *node, uint64_t now_ms)
{
    struct weft_log_entry entries[APPLY_ENTRIES_PER_TURN];
    struct weft_msg msg = {""};
    uint32_t count = 0;
    enum weft_err rv = weft_replica_next(
        node->replica, APPLY_BYTES_PER_TURN, APPLY_ENTRIES_PER_TURN, entries, &count, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, "log_failed", rv, &msg);
    }
    if (count == 0) {
        return false;
    }
    uint64_t last = entries[count - 1].index;
    uint32_t start = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_marker = weft_state_is_marker(&entries[i]);
        if (!is_marker && i + 1 < count) {
            continue;
        }
        uint64_t index = entries[i].index;
        apply_some(node, &entries[start], i + 1 - start);
        start = i + 1;
        if (is_marker && weft_digests_take(&node->digests, node->state, index, &msg) != WEFT_OK) {
            weft_log(WEFT_LOG_WARN, "digest_skipped", weft_kv("error", (const char *)msg.text));
        }
    }
    rv = weft_replica_applied(node->replica, last, now_ms, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, "raft_failed", rv, &msg);
    }
    return true;
}

static void propose(struct weft_node *node, uint64_t now_ms)
{
    struct weft_msg msg = {""};
    if (!node->is_leader || node->proposer.waiting_head == NULL) {
        return;
    }
    enum weft_err rv =
        weft_proposer_flush(&node->proposer, node->replica, weft_wall_ns(), now_ms, &msg);
    if (rv != WEFT_OK) {
        weft_node_fail(node, "raft_failed", rv, &msg);
    }
}

void weft_turn_arm(struct weft_node *node, uint64_t now_ms)
{
    uint64_t deadlines[] = {weft_replica_deadline(node->replica), weft_reads_deadline(&node->reads),
        weft_membership_deadline(&node->membership), weft_checkpoints_deadline(&node->checkpoints),
        node->audit_sign != NULL ? weft_audit_sign_deadline(node->audit_sign) : UINT64_MAX,
        weft_dispatch_deadline(node, weft_wall_ns(), now_ms), weft_native_deadline(node->native),
        node->http != NULL ? weft_http_deadline(node->http) : UINT64_MAX,
        weft_bundles_deadline(&node->bundles), weft_partnership_deadline(node),
        weft_recaller_deadline(node), weft_questions_deadline(node), now_ms + STATUS_EVERY_MS};
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        next = deadlines[i] < next ? deadlines[i] : next;
    }
    uint64_t wait_ms = next > now_ms ? next - now_ms : 1;
    (void)uv_timer_start(&node->timer, node->timer.timer_cb, wait_ms, 0);
}

static void replica_or_fail(struct weft_node *node, enum weft_err rv, const struct weft_msg *msg)
{
    if (rv != WEFT_OK && weft_err_class(rv) != WEFT_CLASS_RETRY) {
        weft_node_fail(node, "raft_failed", rv, msg);
    }
}

static void tick_if_due(struct weft_node *node, uint64_t now_ms)
{
    struct weft_msg msg = {""};
    if (now_ms >= weft_replica_deadline(node->replica)) {
        replica_or_fail(node, weft_replica_tick(node->replica, now_ms, &msg), &msg);
    }
}

/* Long reads give way while entries are proposed here, or here and not yet applied. */
static void note_commits(struct weft_node *node, const struct weft_state_position *position)
{
    struct weft_replica_status status;
    weft_replica_status(node->replica, &status);
    weft_long_reads_note_commits(node->reads.long_reads,
        node->proposer.waiting_head != NULL || status.last_index > position->index);
}

/* Style 19: what arrived was stepped by the callbacks; now persist, propose, apply, answer. */
void weft_turn(struct weft_node *node)
{
    struct weft_msg msg = {""};
    uint64_t started = uv_hrtime();
    uint64_t now_ms = uv_now(&node->loop);
    node->turns++;
    replica_or_fail(node, weft_replica_synced(node->replica, now_ms, &msg), &msg);
    tick_if_due(node, now_ms);
    note_changes(node);
    weft_governing_turn(node, weft_wall_ns());
    weft_notices_turn(node, weft_wall_ns(), now_ms);
    weft_dispatch_turn(node, weft_wall_ns());
    propose(node, now_ms);
    if (apply_committed(node, now_ms)) {
        weft_dispatch_turn(node, weft_wall_ns());
        propose(node, now_ms); /* The commit made room in flight. */
        weft_node_wake(node);
    }
    struct weft_state_position position;
    weft_state_position(node->state, &position);
    weft_native_turn(node->native, now_ms);
    if (node->http != NULL) {
        weft_http_turn(node->http, position.index);
    }
    if (node->forwarder != NULL) {
        weft_forwarder_turn(node->forwarder, now_ms);
    }
    if (node->audit_sign != NULL) {
        weft_audit_sign_turn(node->audit_sign, node->state,
            weft_replica_configuration(node->replica), node->leader_id, now_ms);
    }
    weft_bundles_turn(node, now_ms);
    weft_partnership_turn(node, now_ms, weft_wall_ns());
    weft_recaller_turn(node, now_ms);
    weft_questions_turn(node, now_ms);
    note_commits(node, &position);
    weft_reads_turn(&node->reads, position.index, now_ms);
    tick_if_due(node, now_ms); /* A read that was just asked for starts its round now. */
    weft_membership_turn(&node->membership, now_ms);
    weft_checkpoints_turn(&node->checkpoints, now_ms);
    note_changes(node);
    if (node->phase == WEFT_NODE_HANDING_OVER &&
        (!node->is_leader || now_ms >= node->stop_deadline_ms)) {
        weft_node_close_parts(node);
        return;
    }
    weft_turn_arm(node, now_ms);
    node->slow_turns += uv_hrtime() - started > (uint64_t)SLOW_TURN_MS * 1000000;
}
