#include "node/membership.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "node/logger.h"
#include "node/node.h"
#include "node/replies.h"
#include "proto/check.h"

enum {
    CHANGE_WAIT_MS = 10000
};

void weft_membership_init(struct weft_membership *m, struct weft_node *node)
{
    *m = (struct weft_membership){.node = node};
}

struct weft_member *weft_membership_list(
    struct weft_node *node, struct weft_arena *arena, uint32_t *ret_count)
{
    const struct weft_configuration *conf = weft_replica_configuration(node->replica);
    struct weft_replica_status status;
    struct weft_member *list = weft_arena_array(arena, conf->count, sizeof(*list));
    if (list == NULL) {
        return NULL;
    }
    weft_replica_status(node->replica, &status);
    for (uint32_t i = 0; i < conf->count; i++) {
        const struct weft_replica_member *m = &conf->members[i];
        bool is_self = m->id == node->datadir.identity.member_id;
        list[i] = (struct weft_member){.id = m->id,
            .name = weft_arena_text(arena, weft_text_of(m->name)),
            .peer_address = weft_arena_text(arena, weft_text_of(m->peer_address)),
            .client_address = weft_arena_text(arena, weft_text_of(m->client_address)),
            .role = m->role,
            .wants_vote = m->wants_vote,
            .is_leader = m->id == status.leader_id,
            .is_connected = is_self || weft_peers_is_connected(node->peers, m->id),
            .match_index =
                is_self ? status.last_index : weft_replica_match_index(node->replica, m->id)};
    }
    *ret_count = conf->count;
    return list;
}

static void answer(struct weft_membership *m, const struct weft_waiter *waiter, uint64_t index)
{
    struct weft_node *node = m->node;
    struct weft_arena arena = {.size_max = 256 * 1024};
    struct weft_client_message message = {.kind = WEFT_KIND_MEMBER_RESULT,
        .request_id = waiter->request_id,
        .member_result = {.cluster = node->datadir.identity.cluster,
            .site = weft_text_of(node->config.node.site),
            .index = index}};
    message.member_result.members =
        weft_membership_list(node, &arena, &message.member_result.member_count);
    weft_reply(node, waiter, &message);
    weft_arena_destroy(&arena);
}

static void refuse(struct weft_membership *m, const struct weft_waiter *waiter, enum weft_err err,
    const char *detail)
{
    weft_reply_refuse(m->node, waiter, err, detail);
}

static const struct weft_replica_member *by_name(
    const struct weft_configuration *conf, struct weft_text name)
{
    for (uint32_t i = 0; i < conf->count; i++) {
        if (weft_text_is(name, conf->members[i].name)) {
            return &conf->members[i];
        }
    }
    return NULL;
}

static const struct weft_replica_member *by_id(const struct weft_configuration *conf, uint64_t id)
{
    for (uint32_t i = 0; i < conf->count; i++) {
        if (conf->members[i].id == id) {
            return &conf->members[i];
        }
    }
    return NULL;
}

/* A member as a request describes it. */
static enum weft_err describe(const struct weft_member_request *request, uint64_t id,
    struct weft_replica_member *ret_member, struct weft_msg *msg)
{
    struct weft_replica_member w = {
        .id = id, .role = WEFT_ROLE_STANDBY, .wants_vote = request->wants_vote};
    if (!weft_name_is_valid(request->name)) {
        return weft_fail(msg, WEFT_EINVAL, "a node's name is 1 to 63 of a-z 0-9 _ . -");
    }
    (void)snprintf(w.name, sizeof(w.name), "%.*s", (int)request->name.size, request->name.data);
    if (!weft_config_is_address(request->peer_address, w.peer_address) ||
        !weft_config_is_address(request->client_address, w.client_address)) {
        return weft_fail(msg, WEFT_EINVAL, "peer and client address must be HOST:PORT");
    }
    *ret_member = w;
    return WEFT_OK;
}

/* Remember who waits for the configuration at `index`. */
static void wait_for(struct weft_membership *m, const struct weft_waiter *waiter, uint64_t index,
    bool is_transfer, uint64_t now_ms)
{
    m->is_pending = true;
    m->is_transfer = is_transfer;
    m->waiter = *waiter;
    m->index = index;
    m->deadline_ms = now_ms + CHANGE_WAIT_MS;
}

static uint64_t new_member_id(void)
{
    uint64_t id = 0;
    while (id == 0) {
        if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
            id = 0;
        }
        id >>= 1; /* Fits tools that read it as a signed number. */
    }
    return id;
}

static void request_join(struct weft_membership *m, const struct weft_member_request *request,
    const struct weft_identity *identity, const struct weft_waiter *waiter, uint64_t now_ms)
{
    struct weft_node *node = m->node;
    const struct weft_configuration *conf = weft_replica_configuration(node->replica);
    struct weft_replica_status status;
    struct weft_replica_member member;
    struct weft_msg msg = {""};
    uint64_t index = 0;
    if (strcmp(identity->class, "node") != 0 || !weft_text_is(request->name, identity->name)) {
        refuse(m, waiter, WEFT_EREFUSED, "a node joins under the name of its own certificate");
        return;
    }
    weft_replica_status(node->replica, &status);
    const struct weft_replica_member *present = by_id(conf, request->id);
    if (present != NULL) {
        if (conf->index > status.commit_index) {
            refuse(m, waiter, WEFT_EBUSY, "the configuration is being agreed on");
        } else {
            answer(m, waiter, conf->index);
        }
        return;
    }
    present = by_name(conf, request->name);
    enum weft_err rv;
    if (present != NULL) { /* NOD-6 */
        weft_log(WEFT_LOG_WARN, "member_replaced", weft_kv("name", (const char *)present->name),
            weft_kv("old_id", present->id), weft_kv("new_id", request->id));
        rv = weft_replica_member_remove(
            node->replica, present->id, request->force, now_ms, &index, &msg);
    } else {
        rv = describe(request, request->id, &member, &msg);
        if (rv == WEFT_OK) {
            rv = weft_replica_member_add(node->replica, &member, now_ms, &index, &msg);
        }
    }
    if (rv == WEFT_OK) {
        rv = weft_fail(&msg, WEFT_EBUSY, "the configuration is being agreed on");
    }
    refuse(m, waiter, rv, msg.text);
}

static void request_transfer(struct weft_membership *m, const struct weft_replica_member *target,
    const struct weft_waiter *waiter, uint64_t now_ms)
{
    struct weft_msg msg = {""};
    uint64_t id = target != NULL ? target->id : 0;
    enum weft_err rv = weft_replica_transfer(m->node->replica, id, now_ms, &msg);
    if (rv != WEFT_OK) {
        refuse(m, waiter, rv, msg.text);
        return;
    }
    wait_for(m, waiter, 0, true, now_ms);
}

static void request_change(struct weft_membership *m, const struct weft_member_request *request,
    const struct weft_waiter *waiter, uint64_t now_ms)
{
    struct weft_replica *replica = m->node->replica;
    const struct weft_configuration *conf = weft_replica_configuration(replica);
    const struct weft_replica_member *target = by_name(conf, request->name);
    struct weft_replica_member member;
    struct weft_msg msg = {""};
    uint64_t index = 0;
    enum weft_err rv = WEFT_EINVAL;
    if (target == NULL && request->action != WEFT_MEMBER_ADD &&
        !(request->action == WEFT_MEMBER_TRANSFER && request->name.size == 0)) {
        refuse(m, waiter, WEFT_ENOTFOUND, "no member of that name; see weft member list");
        return;
    }
    switch (request->action) {
    case WEFT_MEMBER_ADD:
        if (target != NULL) {
            refuse(m, waiter, WEFT_ECONFLICT, "there is a member of that name already");
            return;
        }
        rv = describe(request, new_member_id(), &member, &msg);
        if (rv == WEFT_OK) {
            rv = weft_replica_member_add(replica, &member, now_ms, &index, &msg);
        }
        break;
    case WEFT_MEMBER_PROMOTE:
        rv = weft_replica_member_assign(
            replica, target->id, WEFT_ROLE_VOTER, request->force, now_ms, &index, &msg);
        break;
    case WEFT_MEMBER_DEMOTE:
        rv = weft_replica_member_assign(
            replica, target->id, WEFT_ROLE_STANDBY, request->force, now_ms, &index, &msg);
        break;
    case WEFT_MEMBER_REMOVE:
        rv = weft_replica_member_remove(replica, target->id, request->force, now_ms, &index, &msg);
        break;
    case WEFT_MEMBER_TRANSFER:
        request_transfer(m, target, waiter, now_ms);
        return;
    case WEFT_MEMBER_JOIN:
        weft_unreachable("join has its own path");
    }
    if (rv != WEFT_OK) {
        refuse(m, waiter, rv, msg.text);
        return;
    }
    wait_for(m, waiter, index, false, now_ms);
}

void weft_membership_request(struct weft_membership *m, const struct weft_member_request *request,
    const struct weft_identity *identity, const struct weft_waiter *waiter, uint64_t now_ms)
{
    struct weft_node *node = m->node;
    if (!node->is_leader) {
        weft_reply_not_leader(node, waiter);
        return;
    }
    if (m->is_pending) {
        refuse(m, waiter, WEFT_EBUSY, "another change of the group is under way; try again");
        return;
    }
    weft_log(WEFT_LOG_INFO, "member_request", weft_kv("action", (int)request->action),
        weft_kv("by", (const char *)identity->uri));
    if (request->action == WEFT_MEMBER_JOIN) {
        request_join(m, request, identity, waiter, now_ms);
    } else {
        request_change(m, request, waiter, now_ms);
    }
    weft_node_wake(node);
}

static void settle(struct weft_membership *m, uint64_t now_ms)
{
    struct weft_node *node = m->node;
    struct weft_replica_status status;
    weft_replica_status(node->replica, &status);
    if (m->is_transfer) {
        if (!node->is_leader && status.leader_id != 0) {
            m->is_pending = false;
            answer(m, &m->waiter, status.commit_index);
            return;
        }
    } else if (status.commit_index >= m->index) {
        m->is_pending = false;
        answer(m, &m->waiter, m->index);
        return;
    } else if (!node->is_leader) {
        m->is_pending = false;
        refuse(m, &m->waiter, WEFT_EUNAVAILABLE,
            "leadership was lost; see weft member list for what became of it");
        return;
    }
    if (now_ms >= m->deadline_ms) {
        m->is_pending = false;
        refuse(m, &m->waiter, WEFT_ETIMEDOUT, "not agreed in time; see weft member list");
    }
}

void weft_membership_turn(struct weft_membership *m, uint64_t now_ms)
{
    if (m->is_pending) {
        settle(m, now_ms);
    }
}

uint64_t weft_membership_deadline(const struct weft_membership *m)
{
    return m->is_pending ? m->deadline_ms : UINT64_MAX;
}
