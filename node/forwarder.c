#include "node/forwarder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/node.h"
#include "node/replies.h"
#include "proto/check.h"

enum {
    UNDER_WAY_MAX = 1024,              /* Commits forwarded and not answered; chosen. */
    QUEUE_SIZE_MAX = 16 * 1024 * 1024, /* Of the connection, bytes. */
    ARENA_SIZE_MAX = 4 * 1024 * 1024,  /* Of one answer. */
};

struct ticket {
    struct weft_waiter waiter;
    uint64_t deadline_ms; /* 0: free. */
    uint32_t generation;
    uint32_t next_free;
};

struct weft_forwarder {
    struct weft_node *node;
    struct weft_link *link;
    struct weft_link_conn *conn; /* To `leader_id`; NULL: none. */
    uint64_t leader_id;
    uint64_t seen_leader_id; /* Of the node, and the configuration that named its address. */
    uint64_t seen_conf_index;
    struct ticket tickets[UNDER_WAY_MAX];
    uint32_t first_free; /* UNDER_WAY_MAX: none. */
    uint32_t count;
    uint64_t looked_ms; /* At deadlines. */
    struct weft_arena arena;
    struct weft_buffer scratch;
    void (*on_closed)(void *ctx);
    void *ctx;
};

/* --- tickets ----------------------------------------------------------------------------- */

static struct weft_waiter give_back(struct weft_forwarder *f, struct ticket *t)
{
    struct weft_waiter waiter = t->waiter;
    weft_assert(t->deadline_ms != 0); /* NOD-8 */
    t->deadline_ms = 0;
    t->generation++;
    t->next_free = f->first_free;
    f->first_free = (uint32_t)(t - f->tickets);
    f->count--;
    return waiter;
}

static void refuse_all(struct weft_forwarder *f, const char *detail)
{
    for (uint32_t i = 0; f->count > 0 && i < UNDER_WAY_MAX; i++) {
        if (f->tickets[i].deadline_ms != 0) {
            struct weft_waiter waiter = give_back(f, &f->tickets[i]);
            weft_reply_refuse(f->node, &waiter, WEFT_EUNAVAILABLE, detail);
        }
    }
}

static struct ticket *find(struct weft_forwarder *f, uint64_t request_id)
{
    uint32_t place = (uint32_t)request_id;
    struct ticket *t = place < UNDER_WAY_MAX ? &f->tickets[place] : NULL;
    return t != NULL && t->deadline_ms != 0 && t->generation == (uint32_t)(request_id >> 32) ? t
                                                                                             : NULL;
}

static void look_at_deadlines(struct weft_forwarder *f, uint64_t now_ms)
{
    if (f->count == 0 || now_ms < f->looked_ms + 100) {
        return;
    }
    f->looked_ms = now_ms;
    for (uint32_t i = 0; i < UNDER_WAY_MAX; i++) {
        struct ticket *t = &f->tickets[i];
        if (t->deadline_ms != 0 && now_ms >= t->deadline_ms) {
            struct weft_waiter waiter = give_back(f, t);
            weft_reply_refuse(f->node, &waiter, WEFT_ETIMEDOUT,
                "the leader has not answered in time: the outcome is unknown; ask again with the "
                "same request id");
        }
    }
}

/* --- the leader -------------------------------------------------------------------------- */

static void hang_up(struct weft_forwarder *f)
{
    if (f->conn != NULL) {
        weft_link_conn_close(f->conn);
        f->conn = NULL;
    }
    refuse_all(f, "the connection to the leader was lost: the outcome is unknown; ask again with "
                  "the same request id");
}

/* NULL: this node, nobody, or somebody whose address is not known yet. */
static const struct weft_replica_member *leader_of(const struct weft_node *node)
{
    const struct weft_configuration *conf = weft_replica_configuration(node->replica);
    for (uint32_t i = 0; !node->is_leader && i < conf->count; i++) {
        if (conf->members[i].id == node->leader_id) {
            return &conf->members[i];
        }
    }
    return NULL;
}

static void follow(struct weft_forwarder *f)
{
    struct weft_node *node = f->node;
    struct weft_msg msg = {""};
    if (f->seen_leader_id == node->leader_id && f->seen_conf_index == node->conf_index) {
        return;
    }
    f->seen_leader_id = node->leader_id;
    f->seen_conf_index = node->conf_index;
    const struct weft_replica_member *leader = leader_of(node);
    uint64_t leader_id = leader != NULL ? leader->id : 0;
    if (leader_id == f->leader_id) {
        return;
    }
    hang_up(f);
    f->leader_id = leader_id;
    if (leader == NULL) {
        return;
    }
    char uri[WEFT_IDENTITY_SIZE];
    (void)snprintf(uri, sizeof(uri), "spiffe://%s/%s/node/%s", node->config.node.org,
        node->config.node.site, leader->name);
    if (weft_link_dial(f->link, leader->client_address, &f->conn, &msg) != WEFT_OK) {
        f->conn = NULL;
        weft_log(WEFT_LOG_WARN, "forward_dial_failed", weft_kv("leader", leader_id),
            weft_kv("error", (const char *)msg.text),
            weft_kv("next", "writes over HTTP are refused here until the leader changes"));
        return;
    }
    weft_link_conn_expect(f->conn, uri);
}

void weft_forwarder_turn(struct weft_forwarder *f, uint64_t now_ms)
{
    follow(f);
    look_at_deadlines(f, now_ms);
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    struct weft_forwarder *f = ctx;
    if (conn == f->conn) {
        refuse_all(f, "the connection to the leader was lost: the outcome is unknown; ask again "
                      "with the same request id");
    }
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes bytes)
{
    struct weft_forwarder *f = ctx;
    struct weft_client_message message;
    struct weft_msg msg = {""};
    if (conn != f->conn) {
        return WEFT_OK;
    }
    weft_arena_reset(&f->arena);
    enum weft_err err = weft_client_decode(bytes, &f->arena, &message, NULL, &msg);
    struct ticket *t = find(f, envelope->request_id);
    if (err != WEFT_OK || t == NULL) {
        return err; /* Late: it has been told that the time was up. */
    }
    struct weft_waiter waiter = give_back(f, t);
    message.request_id = waiter.request_id;
    weft_reply(f->node, &waiter, &message);
    return WEFT_OK;
}

static void on_event(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    weft_log(WEFT_LOG_WARN, event, weft_kv("door", "forward"), weft_kv("detail", detail));
}

/* --- commits ----------------------------------------------------------------------------- */

enum weft_err weft_forwarder_commit(
    struct weft_forwarder *f, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    if (f->conn == NULL || !weft_link_conn_is_up(f->conn)) {
        return WEFT_EUNAVAILABLE;
    }
    if (f->first_free == UNDER_WAY_MAX) {
        return WEFT_EBUSY;
    }
    struct ticket *t = &f->tickets[f->first_free];
    struct weft_client_message message = {.kind = WEFT_KIND_FORWARD,
        .request_id = (uint64_t)t->generation << 32 | f->first_free,
        .forward = {.principal = item->principal,
            .commit = item->body,
            .is_reads = item->type == WEFT_ITEM_READS,
            .has_warrant = item->has_warrant,
            .warrant = item->warrant}};
    weft_buffer_clear(&f->scratch);
    enum weft_err err = weft_client_encode(&message, &f->scratch);
    if (err == WEFT_OK) {
        err = weft_link_send(f->conn, (struct weft_bytes){f->scratch.data, f->scratch.size});
    }
    if (err != WEFT_OK) {
        return err;
    }
    f->first_free = t->next_free;
    f->count++;
    t->waiter = *waiter;
    t->deadline_ms = uv_now(&f->node->loop) + f->node->config.timers.request_ms;
    return WEFT_OK;
}

/* --- open and close ---------------------------------------------------------------------- */

static void destroy(struct weft_forwarder *f)
{
    weft_arena_destroy(&f->arena);
    weft_buffer_destroy(&f->scratch);
    free(f);
}

enum weft_err weft_forwarder_open(
    struct weft_node *node, struct weft_forwarder **ret_forwarder, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    struct weft_forwarder *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "forwarder: no memory");
    }
    f->node = node;
    f->arena.size_max = ARENA_SIZE_MAX;
    f->scratch.size_max = WEFT_MESSAGE_SIZE_MAX;
    for (uint32_t i = 0; i < UNDER_WAY_MAX; i++) {
        f->tickets[i].next_free = i + 1;
    }
    const struct weft_link_options link = {.loop = &node->loop,
        .type = config->link.client,
        .ca_file = config->tls.ca,
        .cert_file = config->tls.cert,
        .key_file = config->tls.key,
        .message_size_max = WEFT_ANSWER_SIZE_MAX,
        .queue_size_max = QUEUE_SIZE_MAX,
        .connections_max = 2,
        .handshake_ms = config->timers.handshake_ms,
        .heartbeat_ms = config->timers.link_heartbeat_ms,
        .callbacks = {
            .ctx = f, .on_message = on_message, .on_down = on_down, .on_event = on_event}};
    enum weft_err err = weft_link_open(&link, &f->link, msg);
    if (err != WEFT_OK) {
        destroy(f);
        return weft_wrap(msg, err, "forwarder");
    }
    *ret_forwarder = f;
    return WEFT_OK;
}

enum weft_err weft_forwarder_reload(struct weft_forwarder *f, struct weft_msg *msg)
{
    return weft_link_reload(f->link, msg);
}

static void on_link_closed(void *ctx)
{
    struct weft_forwarder *f = ctx;
    void (*on_closed)(void *) = f->on_closed;
    void *closed_ctx = f->ctx;
    destroy(f);
    on_closed(closed_ctx);
}

void weft_forwarder_close(struct weft_forwarder *f, void (*on_closed)(void *ctx), void *ctx)
{
    f->on_closed = on_closed;
    f->ctx = ctx;
    hang_up(f);
    weft_link_close(f->link, on_link_closed, f);
}
