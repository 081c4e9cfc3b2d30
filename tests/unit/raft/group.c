#include "tests/unit/raft/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/checkpoint.h"
#include "tests/lib/test.h"

enum {
    ELECTION_MS = 300,
    HEARTBEAT_MS = 50
};

/* A deep copy on its way. */
struct group_message {
    struct group_message *next;
    uint64_t from;
    uint64_t to;
    struct weft_peer_message message;
    struct weft_arena arena;
};

static struct weft_bytes copy_bytes(struct weft_arena *arena, struct weft_bytes bytes)
{
    uint8_t *copy = weft_arena_array(arena, bytes.size + 1, 1);
    EXPECT_TRUE(copy != NULL);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return (struct weft_bytes){copy, bytes.size};
}

static struct group_message *copy_message(
    uint64_t from, uint64_t to, const struct weft_peer_message *m)
{
    struct group_message *c = calloc(1, sizeof(*c));
    EXPECT_TRUE(c != NULL);
    c->from = from;
    c->to = to;
    c->message = *m;
    c->arena.size_max = 64u << 20;
    if (m->kind == WEFT_KIND_APPEND_ENTRIES) {
        const struct weft_append_entries *a = &m->append_entries;
        struct weft_peer_entry *entries =
            weft_arena_array(&c->arena, a->entry_count + 1, sizeof(*entries));
        for (uint32_t i = 0; i < a->entry_count; i++) {
            entries[i] = a->entries[i];
            entries[i].data = copy_bytes(&c->arena, a->entries[i].data);
        }
        c->message.append_entries.entries = entries;
    } else if (m->kind == WEFT_KIND_INSTALL_SNAPSHOT) {
        const struct weft_install_snapshot *s = &m->install_snapshot;
        c->message.install_snapshot.configuration = copy_bytes(&c->arena, s->configuration);
        c->message.install_snapshot.manifest = copy_bytes(&c->arena, s->manifest);
        c->message.install_snapshot.address = weft_arena_text(&c->arena, s->address);
    }
    return c;
}

static void free_message(struct group_message *m)
{
    weft_arena_destroy(&m->arena);
    free(m);
}

static void on_send(void *ctx, uint64_t to, const struct weft_peer_message *message)
{
    struct group_node *n = ctx;
    struct group *g = n->group;
    struct weft_peer_message m = *message;
    g->sent[message->kind]++;
    if (to > g->count || g->is_cut[n->id][to] ||
        (g->filter != NULL && !g->filter(g, n->id, to, &m))) {
        return;
    }
    struct group_message *c = copy_message(n->id, to, &m);
    *g->queue_end = c;
    g->queue_end = &c->next;
}

static void on_offer(void *ctx, uint64_t from, const struct weft_install_snapshot *offer)
{
    struct group_node *n = ctx;
    weft_buffer_clear(&n->offer_bytes);
    EXPECT_EQ(WEFT_OK,
        weft_buffer_append(&n->offer_bytes, offer->configuration.data, offer->configuration.size));
    EXPECT_EQ(
        WEFT_OK, weft_buffer_append(&n->offer_bytes, offer->manifest.data, offer->manifest.size));
    n->offer = *offer;
    n->offer.configuration = (struct weft_bytes){n->offer_bytes.data, offer->configuration.size};
    (void)snprintf(n->offer_address, sizeof(n->offer_address), "%.*s", (int)offer->address.size,
        offer->address.data);
    n->offer.address = weft_text_of(n->offer_address);
    n->offer.manifest =
        (struct weft_bytes){n->offer_bytes.data + offer->configuration.size, offer->manifest.size};
    n->has_offer = true;
    n->offer_from = from;
    n->offers++;
}

/* "Fetching" is a look at the node that has applied that index. */
static enum weft_err on_install(
    void *ctx, const struct weft_install_snapshot *offer, struct weft_msg *msg)
{
    struct group_node *n = ctx;
    for (uint64_t id = 1; id <= n->group->count; id++) {
        struct group_node *from = &n->group->nodes[id];
        if (from != n && from->state_index >= offer->last_index) {
            n->applied_count = 0;
            while (from->applied[n->applied_count].index < offer->last_index) {
                n->applied[n->applied_count] = from->applied[n->applied_count];
                n->applied_count++;
            }
            n->applied[n->applied_count] = from->applied[n->applied_count];
            n->applied_count++;
            n->state_index = offer->last_index;
            n->state_term = offer->last_term;
            EXPECT_EQ(WEFT_OK,
                weft_configuration_decode(offer->configuration, &n->state_configuration, msg));
            n->state_configuration.index = offer->conf_index;
            return WEFT_OK;
        }
    }
    return weft_fail(msg, WEFT_ECORRUPT, "nobody has that state");
}

static enum weft_err get_manifest(void *ctx, struct weft_bytes *ret_manifest)
{
    struct group_node *n = ctx;
    *ret_manifest = (struct weft_bytes){n->manifest.data, n->manifest.size};
    return n->manifest.size > 0 ? WEFT_OK : WEFT_ENOTFOUND;
}

static void on_change(void *ctx)
{
    struct group_node *n = ctx;
    n->changes++;
}

static void on_read(void *ctx, uint64_t read_id, enum weft_err err, uint64_t index)
{
    struct group_node *n = ctx;
    EXPECT_TRUE(n->read_count < 256);
    n->reads[n->read_count++] = (struct group_read){read_id, err, index};
}

static void on_alarm(void *ctx, const char *event, const char *detail)
{
    struct group_node *n = ctx;
    (void)snprintf(n->alarm, sizeof(n->alarm), "%s: %s", event, detail);
}

static void get_chain(void *ctx, uint64_t *ret_index, struct weft_digest *ret_chain)
{
    struct group_node *n = ctx;
    *ret_index = n->state_index;
    memset(ret_chain->bytes, (int)(n->state_index & 0xff), sizeof(ret_chain->bytes));
}

static void on_peer_applied(
    void *ctx, uint64_t member, uint64_t index, const struct weft_digest *chain)
{
    struct group_node *n = ctx;
    (void)member;
    EXPECT_EQ(index & 0xff, chain->bytes[0]);
    n->peer_applied_index = index;
}

struct weft_replica_member group_member(uint64_t id)
{
    struct weft_replica_member m = {.id = id, .role = WEFT_ROLE_VOTER, .wants_vote = true};
    (void)snprintf(m.name, sizeof(m.name), "n%u", (unsigned)id);
    (void)snprintf(m.peer_address, sizeof(m.peer_address), "127.0.0.1:%u", 7000 + (unsigned)id);
    (void)snprintf(m.client_address, sizeof(m.client_address), "127.0.0.1:%u", 8000 + (unsigned)id);
    return m;
}

struct group *group_create(uint32_t count)
{
    struct group *g = calloc(1, sizeof(*g));
    EXPECT_TRUE(g != NULL && count <= GROUP_NODES_MAX);
    g->count = count;
    g->now_ms = 1000;
    g->trailing = 64;
    g->inflight_max = 4;
    g->queue_end = &g->queue;
    for (uint64_t id = 1; id <= count; id++) {
        struct group_node *n = &g->nodes[id];
        struct weft_log_memory_options options = {0};
        n->group = g;
        n->id = id;
        EXPECT_EQ(WEFT_OK, weft_log_memory_create(&options, &n->log));
        if (id == 1) {
            struct weft_replica_member self = group_member(id);
            struct weft_msg msg = {""};
            EXPECT_EQ(WEFT_OK, weft_replica_bootstrap(n->log, &self, &msg));
        }
        weft_log_memory_restart(n->log, &n->log_start);
    }
    return g;
}

void group_destroy(struct group *g)
{
    for (uint64_t id = 1; id <= g->count; id++) {
        struct group_node *n = &g->nodes[id];
        weft_replica_destroy(n->replica);
        n->log->engine->close(n->log);
        weft_buffer_destroy(&n->manifest);
        weft_buffer_destroy(&n->offer_bytes);
    }
    while (g->queue != NULL) {
        struct group_message *m = g->queue;
        g->queue = m->next;
        free_message(m);
    }
    free(g);
}

enum weft_err group_try_start(struct group *g, uint64_t id, struct weft_msg *msg)
{
    struct group_node *n = &g->nodes[id];
    struct weft_replica_options options = {.id = id,
        .cluster = GROUP_CLUSTER,
        .incarnation = id * 1000 + ++n->life,
        .election_ms = ELECTION_MS,
        .heartbeat_ms = HEARTBEAT_MS,
        .inflight_max = g->inflight_max,
        .seed = (uint32_t)(id * 7919),
        .trailing = g->trailing,
        .log = n->log,
        .log_start = n->log_start,
        .state_index = n->state_index,
        .state_term = n->state_term,
        .configuration = n->state_configuration};
    struct weft_replica_io io = {.ctx = n,
        .send = on_send,
        .on_offer = on_offer,
        .on_install = on_install,
        .get_manifest = get_manifest,
        .on_change = on_change,
        .on_read = on_read,
        .on_alarm = on_alarm,
        .get_chain = get_chain,
        .on_peer_applied = on_peer_applied};
    EXPECT_TRUE(n->replica == NULL);
    n->died = WEFT_OK;
    return weft_replica_create(&options, &io, g->now_ms, &n->replica, msg);
}

void group_start(struct group *g, uint64_t id)
{
    struct weft_msg msg = {""};
    enum weft_err rv = group_try_start(g, id, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, rv);
}

static void take_down(struct group_node *n)
{
    weft_replica_destroy(n->replica);
    n->replica = NULL;
    n->has_offer = false;
}

void group_crash(struct group *g, uint64_t id, bool keep_state)
{
    struct group_node *n = &g->nodes[id];
    take_down(n);
    weft_log_memory_crash(n->log, g->now_ms * 31 + id, &n->log_start);
    if (!keep_state) {
        n->applied_count = 0;
        n->state_index = 0;
        n->state_term = 0;
        n->state_configuration = (struct weft_configuration){0};
    }
}

void group_stop(struct group *g, uint64_t id)
{
    struct group_node *n = &g->nodes[id];
    take_down(n);
    weft_log_memory_restart(n->log, &n->log_start);
}

void group_isolate(struct group *g, uint64_t id, bool is_cut)
{
    for (uint64_t other = 1; other <= g->count; other++) {
        g->is_cut[id][other] = is_cut;
        g->is_cut[other][id] = is_cut;
    }
}

/* The rule for every caller of a replica: such an error stops the node. */
static void survive(struct group_node *n, enum weft_err rv, const struct weft_msg *msg)
{
    if (rv == WEFT_ECORRUPT || rv == WEFT_EIO || rv == WEFT_ENOSPC || rv == WEFT_ENOMEM) {
        n->died = rv;
        n->died_msg = *msg;
        take_down(n);
    }
}

static bool apply(struct group_node *n)
{
    struct weft_log_entry entries[16];
    struct weft_msg msg = {""};
    uint32_t count = 0;
    if (n->replica == NULL) {
        return false;
    }
    enum weft_err rv = weft_replica_next(n->replica, 1 << 20, 16, entries, &count, &msg);
    survive(n, rv, &msg);
    if (rv != WEFT_OK || count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct group_applied *a = &n->applied[n->applied_count++];
        EXPECT_TRUE(n->applied_count < GROUP_APPLIED_MAX);
        *a = (struct group_applied){entries[i].index, entries[i].term, entries[i].type, 0};
        EXPECT_EQ(n->state_index + 1, a->index);
        memcpy(&a->value, entries[i].data.data, 8);
        n->state_index = entries[i].index;
        n->state_term = entries[i].term;
        if (a->type == WEFT_ENTRY_CHANGE) {
            EXPECT_EQ(
                WEFT_OK, weft_configuration_decode(entries[i].data, &n->state_configuration, &msg));
            n->state_configuration.index = a->index;
        }
    }
    rv = weft_replica_applied(n->replica, n->state_index, n->group->now_ms, &msg);
    survive(n, rv, &msg);
    return true;
}

static bool sync_disk(struct group_node *n)
{
    struct weft_msg msg = {""};
    if (n->replica == NULL || n->group->hold_syncs || weft_log_memory_pending(n->log) == 0) {
        return false;
    }
    weft_log_memory_sync(n->log, UINT64_MAX);
    survive(n, weft_replica_synced(n->replica, n->group->now_ms, &msg), &msg);
    return true;
}

static bool deliver(struct group *g)
{
    struct group_message *m = g->queue;
    if (m == NULL) {
        return false;
    }
    g->queue = m->next;
    if (g->queue == NULL) {
        g->queue_end = &g->queue;
    }
    struct group_node *n = &g->nodes[m->to];
    if (n->replica != NULL && !g->is_cut[m->from][m->to]) {
        struct weft_msg msg = {""};
        survive(n, weft_replica_receive(n->replica, m->from, &m->message, g->now_ms, &msg), &msg);
    }
    free_message(m);
    return true;
}

static bool tick(struct group_node *n)
{
    struct weft_msg msg = {""};
    if (n->replica == NULL || weft_replica_deadline(n->replica) > n->group->now_ms) {
        return false;
    }
    survive(n, weft_replica_tick(n->replica, n->group->now_ms, &msg), &msg);
    return true;
}

void group_pump(struct group *g)
{
    bool is_busy = true;
    for (uint32_t turns = 0; is_busy; turns++) {
        EXPECT_TRUE(turns < 200000);
        is_busy = deliver(g);
        for (uint64_t id = 1; id <= g->count; id++) {
            struct group_node *n = &g->nodes[id];
            is_busy = tick(n) || is_busy;
            is_busy = sync_disk(n) || is_busy;
            is_busy = apply(n) || is_busy;
            if (n->has_offer && !g->keep_offers && n->replica != NULL) {
                is_busy = group_install(g, id) || is_busy;
            }
        }
    }
}

void group_advance(struct group *g, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++) {
        g->now_ms++;
        group_pump(g);
    }
}

struct weft_replica_status group_status(struct group *g, uint64_t id)
{
    struct weft_replica_status status = {0};
    if (g->nodes[id].replica != NULL) {
        weft_replica_status(g->nodes[id].replica, &status);
    }
    return status;
}

uint64_t group_leader(struct group *g)
{
    uint64_t leader = 0, term = 0;
    for (uint64_t id = 1; id <= g->count; id++) {
        struct weft_replica_status s = group_status(g, id);
        if (s.state != NULL && strcmp(s.state, "leader") == 0 && s.term > term) {
            leader = id;
            term = s.term;
        }
    }
    return leader;
}

uint64_t group_await_leader(struct group *g, uint64_t wait_ms)
{
    for (uint64_t i = 0; i < wait_ms && group_leader(g) == 0; i++) {
        group_advance(g, 1);
    }
    return group_leader(g);
}

struct group *group_of_voters(uint32_t count)
{
    struct group *g = group_create(count);
    struct weft_msg msg = {""};
    group_start(g, 1);
    group_pump(g);
    for (uint64_t id = 2; id <= count; id++) {
        struct weft_replica_member member = group_member(id);
        uint64_t index;
        group_start(g, id);
        enum weft_err rv =
            weft_replica_member_add(g->nodes[1].replica, &member, g->now_ms, &index, &msg);
        EXPECT_TEXT("", msg.text);
        EXPECT_EQ(WEFT_OK, rv);
        for (int i = 0; i < 1000 && group_status(g, id).role != WEFT_ROLE_VOTER; i++) {
            group_advance(g, 1);
        }
        EXPECT_EQ(WEFT_ROLE_VOTER, group_status(g, id).role);
        group_pump(g);
    }
    group_advance(g, HEARTBEAT_MS + 1);
    EXPECT_EQ(1, group_leader(g));
    return g;
}

enum weft_err group_propose(struct group *g, uint64_t id, uint64_t value, uint64_t *ret_index)
{
    struct weft_msg msg = {""};
    uint64_t index = 0, term = 0;
    struct group_node *n = &g->nodes[id];
    enum weft_err rv = weft_replica_propose(n->replica,
        (struct weft_bytes){(const uint8_t *)&value, sizeof(value)}, g->now_ms, &index, &term,
        &msg);
    survive(n, rv, &msg);
    if (ret_index != NULL) {
        *ret_index = index;
    }
    return rv;
}

uint64_t group_value(struct group *g, uint64_t id, uint64_t index)
{
    struct group_node *n = &g->nodes[id];
    for (uint32_t i = 0; i < n->applied_count; i++) {
        if (n->applied[i].index == index) {
            return n->applied[i].value;
        }
    }
    return 0;
}

void group_checkpoint(struct group *g, uint64_t id)
{
    struct group_node *n = &g->nodes[id];
    struct weft_buffer bytes = {0};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_configuration_encode(&n->state_configuration, &bytes));
    struct weft_manifest manifest = {.name = WEFT_TEXT("checkpoint"),
        .site = WEFT_TEXT("site"),
        .cluster = GROUP_CLUSTER,
        .index = n->state_index,
        .term = n->state_term,
        .conf_index = n->state_configuration.index,
        .configuration = {bytes.data, bytes.size}};
    weft_buffer_clear(&n->manifest);
    EXPECT_EQ(WEFT_OK, weft_manifest_encode(&manifest, &n->manifest));
    weft_buffer_destroy(&bytes);
    n->checkpoint_index = n->state_index;
    EXPECT_EQ(WEFT_OK,
        weft_replica_checkpointed(n->replica, n->state_index, n->state_term, g->now_ms, &msg));
}

bool group_install(struct group *g, uint64_t id)
{
    struct group_node *n = &g->nodes[id];
    struct weft_msg msg = {""};
    bool installed = false;
    n->has_offer = false;
    enum weft_err rv =
        weft_replica_install(n->replica, &n->offer, n->offer_from, g->now_ms, &installed, &msg);
    survive(n, rv, &msg);
    return installed;
}

enum weft_err group_inject(struct group *g, uint64_t from, uint64_t to, struct weft_peer_message *m)
{
    struct weft_msg msg = {""};
    struct group_node *n = &g->nodes[to];
    struct weft_peer_header *h = &m->header;
    h->cluster = h->cluster != 0 ? h->cluster : GROUP_CLUSTER;
    h->sender = h->sender != 0 ? h->sender : from;
    h->incarnation = h->incarnation != 0 ? h->incarnation : from * 1000 + g->nodes[from].life;
    h->sequence = h->sequence != 0 ? h->sequence : UINT64_C(1) << 40;
    enum weft_err rv = weft_replica_receive(n->replica, from, m, g->now_ms, &msg);
    survive(n, rv, &msg);
    return rv;
}
