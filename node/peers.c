#include "node/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "proto/check.h"

struct member {
    uint64_t id; /* 0: this place is free. */
    char name[64];
    char address[WEFT_ADDRESS_SIZE_MAX + 1];
    struct weft_link_conn *dialled;
    struct weft_link_conn *accepted; /* Newest one of this sender; NULL when it went down. */
};

struct weft_peers {
    struct weft_link *link;
    struct weft_peers_callbacks callbacks;
    char org[64];
    char site[64];
    uint64_t self_id;
    uint64_t cluster;
    uint64_t incarnation;
    uint64_t bulk_sequence;
    uint64_t dropped;
    struct member members[WEFT_MEMBERS_MAX];
    /* Senders that no configuration of ours names (yet): a leader elected while we were away,
     * or the one that adds us. Their answers go back where they came from. */
    struct member strangers[WEFT_MEMBERS_MAX];
    uint32_t stranger_next;
    struct weft_link_conn *bulk;
    struct weft_buffer scratch;
    struct weft_arena arena;
};

static struct member *find(struct member *table, uint64_t id)
{
    for (uint32_t i = 0; id != 0 && i < WEFT_MEMBERS_MAX; i++) {
        if (table[i].id == id) {
            return &table[i];
        }
    }
    return NULL;
}

static bool admit(
    void *ctx, const struct weft_identity *identity, bool is_dialled, struct weft_msg *reason)
{
    const struct weft_peers *p = ctx;
    (void)is_dialled;
    if (strcmp(identity->class, "node") != 0 || strcmp(identity->org, p->org) != 0 ||
        strcmp(identity->site, p->site) != 0) {
        (void)weft_fail(
            reason, WEFT_EPEER, "%s is not a node of %s/%s", identity->uri, p->org, p->site);
        return false;
    }
    return true;
}

/* NOD-5. True and the sender's place in *ret_member, or false: it claims another's id. */
static bool bind_sender(
    struct weft_peers *p, struct weft_link_conn *conn, uint64_t sender, struct member **ret_member)
{
    const struct weft_identity *identity = weft_link_conn_identity(conn);
    struct member *m = find(p->members, sender);
    if (sender == 0 || sender == p->self_id) {
        return false;
    }
    if (m == NULL) {
        m = find(p->strangers, sender);
        if (m == NULL) {
            m = &p->strangers[p->stranger_next++ % WEFT_MEMBERS_MAX];
            *m = (struct member){.id = sender};
            (void)snprintf(m->name, sizeof(m->name), "%s", identity->name);
        }
    }
    if (strcmp(m->name, identity->name) != 0) {
        return false;
    }
    *ret_member = m;
    return true;
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes bytes)
{
    struct weft_peers *p = ctx;
    struct weft_peer_message message;
    (void)envelope;
    weft_arena_reset(&p->arena);
    enum weft_err rv = weft_peer_decode(bytes, &p->arena, &message);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (message.header.cluster != p->cluster) {
        return WEFT_EPEER;
    }
    if (message.kind == WEFT_KIND_CHUNK) {
        if (conn == p->bulk) {
            p->callbacks.on_chunk(p->callbacks.ctx, &message.chunk);
        }
        return WEFT_OK;
    }
    if (message.kind == WEFT_KIND_FETCH) {
        p->callbacks.on_fetch(p->callbacks.ctx, conn, &message.fetch);
        return WEFT_OK;
    }
    struct member *m;
    if (!bind_sender(p, conn, message.header.sender, &m)) {
        weft_log(WEFT_LOG_WARN, "peer_identity_mismatch",
            weft_kv("certificate", weft_link_conn_identity(conn)->uri),
            weft_kv("sender", message.header.sender), weft_kv("next", "connection dropped"));
        return WEFT_EPEER;
    }
    if (conn != m->dialled && conn != m->accepted) {
        m->accepted = conn;
    }
    return p->callbacks.on_message(p->callbacks.ctx, m->id, &message);
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    struct weft_peers *p = ctx;
    if (conn == p->bulk) {
        p->callbacks.on_bulk_up(p->callbacks.ctx);
    }
}

static void forget(struct member *table, const struct weft_link_conn *conn)
{
    for (uint32_t i = 0; i < WEFT_MEMBERS_MAX; i++) {
        if (table[i].accepted == conn) {
            table[i].accepted = NULL;
        }
    }
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    struct weft_peers *p = ctx;
    forget(p->members, conn);
    forget(p->strangers, conn);
    if (conn == p->bulk) {
        p->callbacks.on_bulk_down(p->callbacks.ctx);
    }
}

static void on_event(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    weft_log(WEFT_LOG_WARN, event, weft_kv("door", "peer"), weft_kv("detail", detail));
}

enum weft_err weft_peers_open(
    const struct weft_peers_options *options, struct weft_peers **ret_peers, struct weft_msg *msg)
{
    struct weft_peers *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "peer door: no memory");
    }
    (void)snprintf(p->org, sizeof(p->org), "%s", options->org);
    (void)snprintf(p->site, sizeof(p->site), "%s", options->site);
    p->self_id = options->self_id;
    p->cluster = options->cluster;
    p->incarnation = options->incarnation;
    p->callbacks = options->callbacks;
    p->arena.size_max = 2 * (size_t)WEFT_MESSAGE_SIZE_MAX;
    p->scratch.size_max = WEFT_MESSAGE_SIZE_MAX;
    struct weft_link_options link = options->link;
    link.callbacks = (struct weft_link_callbacks){.ctx = p,
        .admit = admit,
        .on_up = on_up,
        .on_message = on_message,
        .on_down = on_down,
        .on_event = on_event};
    enum weft_err rv = weft_link_open(&link, &p->link, msg);
    if (rv != WEFT_OK) {
        free(p);
        return weft_wrap(msg, rv, "peer door");
    }
    *ret_peers = p;
    return WEFT_OK;
}

struct closing {
    struct weft_peers *peers;
    void (*on_closed)(void *ctx);
    void *ctx;
};

static void on_link_closed(void *ctx)
{
    struct closing *c = ctx;
    weft_buffer_destroy(&c->peers->scratch);
    weft_arena_destroy(&c->peers->arena);
    free(c->peers);
    c->on_closed(c->ctx);
    free(c);
}

void weft_peers_close(struct weft_peers *p, void (*on_closed)(void *ctx), void *ctx)
{
    struct closing *c = malloc(sizeof(*c));
    weft_assert(c != NULL);
    *c = (struct closing){p, on_closed, ctx};
    weft_link_close(p->link, on_link_closed, c);
}

struct weft_link *weft_peers_link(struct weft_peers *p)
{
    return p->link;
}

static void hang_up(struct member *m)
{
    if (m->dialled != NULL) {
        weft_link_conn_close(m->dialled);
    }
    *m = (struct member){0};
}

static const struct weft_replica_member *wanted(
    const struct weft_configuration *configuration, uint64_t id)
{
    for (uint32_t i = 0; i < configuration->count; i++) {
        if (configuration->members[i].id == id) {
            return &configuration->members[i];
        }
    }
    return NULL;
}

/* NOD-5 for those whom we call: the node of that name, and no other of the site. */
static void expect(struct weft_peers *p, struct weft_link_conn *conn, const struct member *m)
{
    char uri[256];
    int size = snprintf(
        uri, sizeof(uri), "spiffe://%s/%s/node/%s", p->org, p->site, (const char *)m->name);
    weft_assert(size > 0 && (size_t)size < sizeof(uri));
    weft_link_conn_expect(conn, uri);
}

static void dial(struct weft_peers *p, struct member *m, const struct weft_replica_member *w)
{
    struct weft_msg msg;
    m->id = w->id;
    (void)snprintf(m->name, sizeof(m->name), "%s", w->name);
    (void)snprintf(m->address, sizeof(m->address), "%s", w->peer_address);
    if (weft_link_dial(p->link, m->address, &m->dialled, &msg) != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "peer_dial_failed", weft_kv("name", (const char *)m->name),
            weft_kv("address", (const char *)m->address), weft_kv("error", (const char *)msg.text));
        m->dialled = NULL;
        return;
    }
    expect(p, m->dialled, m);
    struct member *stranger = find(p->strangers, m->id);
    if (stranger != NULL) { /* No longer one. */
        m->accepted = stranger->accepted;
        *stranger = (struct member){0};
    }
}

void weft_peers_update(struct weft_peers *p, const struct weft_configuration *configuration)
{
    for (uint32_t i = 0; i < WEFT_MEMBERS_MAX; i++) {
        struct member *m = &p->members[i];
        const struct weft_replica_member *w = m->id != 0 ? wanted(configuration, m->id) : NULL;
        if (m->id != 0 && (w == NULL || strcmp(w->peer_address, m->address) != 0)) {
            hang_up(m);
        }
    }
    for (uint32_t i = 0; i < configuration->count; i++) {
        const struct weft_replica_member *w = &configuration->members[i];
        if (w->id == p->self_id || find(p->members, w->id) != NULL) {
            continue;
        }
        for (uint32_t k = 0; k < WEFT_MEMBERS_MAX; k++) {
            if (p->members[k].id == 0) {
                dial(p, &p->members[k], w);
                break;
            }
        }
    }
}

static struct weft_link_conn *route(struct weft_peers *p, uint64_t to)
{
    struct member *m = find(p->members, to);
    if (m == NULL) {
        m = find(p->strangers, to);
    }
    if (m == NULL) {
        return NULL;
    }
    if (m->dialled != NULL && weft_link_conn_is_up(m->dialled)) {
        return m->dialled;
    }
    return m->accepted;
}

static enum weft_err send_on(
    struct weft_peers *p, struct weft_link_conn *conn, const struct weft_peer_message *message)
{
    weft_buffer_clear(&p->scratch);
    enum weft_err rv = weft_peer_encode(message, &p->scratch);
    if (rv != WEFT_OK) {
        return rv;
    }
    return weft_link_send(conn, (struct weft_bytes){p->scratch.data, p->scratch.size});
}

void weft_peers_send(struct weft_peers *p, uint64_t to, const struct weft_peer_message *message)
{
    struct weft_link_conn *conn = route(p, to);
    if (conn == NULL || send_on(p, conn, message) != WEFT_OK) {
        p->dropped++;
    }
}

bool weft_peers_is_connected(const struct weft_peers *p, uint64_t id)
{
    for (uint32_t i = 0; i < WEFT_MEMBERS_MAX; i++) {
        const struct member *m = &p->members[i];
        if (m->id == id) {
            return m->dialled != NULL && weft_link_conn_is_up(m->dialled);
        }
    }
    return false;
}

uint64_t weft_peers_dropped(const struct weft_peers *p)
{
    return p->dropped;
}

enum weft_err weft_peers_bulk_open(struct weft_peers *p, const char *address, struct weft_msg *msg)
{
    weft_peers_bulk_close(p);
    enum weft_err rv = weft_link_dial(p->link, address, &p->bulk, msg);
    for (uint32_t i = 0; rv == WEFT_OK && i < WEFT_MEMBERS_MAX; i++) {
        if (p->members[i].id != 0 && strcmp(p->members[i].address, address) == 0) {
            expect(p, p->bulk, &p->members[i]);
        }
    }
    return rv == WEFT_OK ? rv : weft_wrap(msg, rv, "bulk link to %s", address);
}

void weft_peers_bulk_close(struct weft_peers *p)
{
    if (p->bulk != NULL) {
        weft_link_conn_close(p->bulk);
        p->bulk = NULL;
    }
}

static struct weft_peer_message bulk_message(struct weft_peers *p, enum weft_message_kind kind)
{
    return (struct weft_peer_message){.kind = kind,
        .header = {.cluster = p->cluster,
            .sender = p->self_id,
            .incarnation = p->incarnation,
            .sequence = ++p->bulk_sequence}};
}

void weft_peers_tell(struct weft_peers *p, const struct weft_peer_message *message)
{
    struct weft_peer_message own = *message;
    own.header = bulk_message(p, message->kind).header;
    for (uint32_t i = 0; i < WEFT_MEMBERS_MAX; i++) {
        if (p->members[i].id != 0 && p->members[i].id != p->self_id) {
            weft_peers_send(p, p->members[i].id, &own);
        }
    }
}

void weft_peers_tell_one(struct weft_peers *p, uint64_t to, const struct weft_peer_message *message)
{
    struct weft_peer_message own = *message;
    own.header = bulk_message(p, message->kind).header;
    weft_peers_send(p, to, &own);
}

enum weft_err weft_peers_bulk_fetch(struct weft_peers *p, const struct weft_fetch *fetch)
{
    if (p->bulk == NULL) {
        return WEFT_EUNAVAILABLE;
    }
    struct weft_peer_message message = bulk_message(p, WEFT_KIND_FETCH);
    message.fetch = *fetch;
    return send_on(p, p->bulk, &message);
}

enum weft_err weft_peers_answer(
    struct weft_peers *p, struct weft_link_conn *conn, const struct weft_chunk *chunk)
{
    struct weft_peer_message message = bulk_message(p, WEFT_KIND_CHUNK);
    message.chunk = *chunk;
    return send_on(p, conn, &message);
}
