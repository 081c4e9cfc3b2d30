/* The client door's link (node/link/link.h) without sockets: connections are made when a client
 * first speaks to a life of a node, and break when that life ends. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/link.h"
#include "tests/sim/plant.h"

enum {
    REQUEST_SIZE_MAX = 1 << 20,
};

struct weft_link_conn {
    struct weft_link_conn *next;
    struct plant_door *door;
    uint32_t client;
    void *user;
    struct weft_identity identity;
};

struct plant_door {
    struct plant_node *pn;
    struct weft_link_callbacks callbacks;
    struct weft_link_conn *conns;
};

struct request {
    uint32_t client;
    size_t size;
    uint8_t bytes[] __attribute__((aligned(8)));
};

static uint64_t delay_of(struct sim *s)
{
    return sim_chance(s, s->network.slow_permille) ? sim_random(s, 200) : sim_random(s, 3);
}

void plant_send(struct plant *p, uint32_t client, uint64_t node, struct weft_bytes message)
{
    struct request *r = malloc(sizeof(*r) + message.size);
    if (r == NULL) {
        abort();
    }
    r->client = client;
    r->size = message.size;
    memcpy(r->bytes, message.data, message.size);
    struct sim_event event = {.type = SIM_EVENT_DOOR, .node = node, .payload = r};
    sim_plan(p->sim, &event, delay_of(p->sim));
}

static void answer(struct plant_node *pn, uint32_t client, bool is_reset, struct weft_bytes bytes)
{
    struct sim *s = pn->sim->sim;
    struct plant_answer *a = malloc(sizeof(*a) + bytes.size);
    if (a == NULL) {
        abort();
    }
    *a = (struct plant_answer){
        .client = client, .node = pn->sim->id, .is_reset = is_reset, .size = bytes.size};
    if (bytes.size > 0) {
        memcpy(a->bytes, bytes.data, bytes.size);
    }
    struct sim_event event = {.type = SIM_EVENT_ANSWER, .payload = a};
    sim_plan(s, &event, delay_of(s));
}

/* Nobody is there: the connection is refused. */
void plant_door_drop(const struct sim_event *event)
{
    const struct request *r = event->payload;
    answer(plant_current()->sim->nodes[event->node].plant, r->client, true,
        (struct weft_bytes){NULL, 0});
}

static struct weft_link_conn *conn_of(struct plant_door *door, uint32_t client)
{
    struct weft_link_conn *c = door->conns;
    while (c != NULL && c->client != client) {
        c = c->next;
    }
    if (c != NULL) {
        return c;
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        abort();
    }
    c->door = door;
    c->client = client;
    c->next = door->conns;
    door->conns = c;
    (void)snprintf(c->identity.uri, sizeof(c->identity.uri),
        "spiffe://acme.example/plant1/op/c%" PRIu32, client);
    (void)snprintf(c->identity.org, sizeof(c->identity.org), "acme.example");
    (void)snprintf(c->identity.site, sizeof(c->identity.site), "plant1");
    (void)snprintf(c->identity.class, sizeof(c->identity.class), "op");
    (void)snprintf(c->identity.name, sizeof(c->identity.name), "c%" PRIu32, client);
    door->callbacks.on_up(door->callbacks.ctx, c);
    return c;
}

static void break_conn(struct plant_door *door, struct weft_link_conn *conn)
{
    struct weft_link_conn **at = &door->conns;
    while (*at != conn) {
        at = &(*at)->next;
    }
    *at = conn->next;
    door->callbacks.on_down(door->callbacks.ctx, conn);
    answer(door->pn, conn->client, true, (struct weft_bytes){NULL, 0});
    free(conn);
}

void plant_door_event(struct plant_node *pn, const struct sim_event *event)
{
    struct sim *s = pn->sim->sim;
    const struct request *r = event->payload;
    struct plant_door *door = pn->door;
    struct weft_bytes bytes = {r->bytes, r->size};
    struct weft_envelope envelope;
    if (weft_envelope_decode(bytes, REQUEST_SIZE_MAX, &envelope) != WEFT_OK) {
        abort();
    }
    struct weft_link_conn *conn = conn_of(door, r->client);
    if (door->callbacks.on_message(door->callbacks.ctx, conn, &envelope, bytes) != WEFT_OK) {
        sim_fail(s, "node %" PRIu64 " hangs up on an honest client", pn->sim->id);
    }
    if (!s->is_healing && sim_chance(s, 5)) {
        break_conn(door, conn); /* Its answers go nowhere. */
    }
}

void plant_door_crash(struct plant_node *pn)
{
    while (pn->door != NULL && pn->door->conns != NULL) {
        struct weft_link_conn *c = pn->door->conns;
        pn->door->conns = c->next;
        answer(pn, c->client, true, (struct weft_bytes){NULL, 0});
        free(c);
    }
}

/* --- node/link/link.h --------------------------------------------------------------------------
 */

enum weft_err weft_link_open(
    const struct weft_link_options *options, struct weft_link **ret_link, struct weft_msg *msg)
{
    struct plant_door *door = calloc(1, sizeof(*door));
    const struct weft_node *node =
        (const struct weft_node *)((uintptr_t)options->loop - offsetof(struct weft_node, loop));
    (void)msg;
    if (door == NULL) {
        abort();
    }
    door->pn = plant_of(node);
    door->callbacks = options->callbacks;
    door->pn->door = door;
    *ret_link = (struct weft_link *)door; /* Opaque to the door. */
    return WEFT_OK;
}

void weft_link_close(struct weft_link *link, void (*on_closed)(void *ctx), void *ctx)
{
    struct plant_door *door = (struct plant_door *)link;
    door->pn->door = NULL;
    free(door);
    on_closed(ctx);
}

enum weft_err weft_link_send(struct weft_link_conn *conn, struct weft_bytes message)
{
    struct plant_node *pn = conn->door->pn;
    if (!pn->is_dead) {
        answer(pn, conn->client, false, message);
    }
    return WEFT_OK;
}

enum weft_err weft_link_give(struct weft_link_conn *conn, struct weft_buffer *message)
{
    return weft_link_send(conn, (struct weft_bytes){message->data, message->size});
}

void weft_link_conn_close(struct weft_link_conn *conn)
{
    (void)conn;
    abort(); /* Only of clients that do not listen. */
}

const struct weft_identity *weft_link_conn_identity(const struct weft_link_conn *conn)
{
    return &conn->identity;
}

void weft_link_conn_set_user(struct weft_link_conn *conn, void *user)
{
    conn->user = user;
}

void *weft_link_conn_user(const struct weft_link_conn *conn)
{
    return conn->user;
}

void weft_link_conn_pause(struct weft_link_conn *conn, bool is_paused)
{
    (void)conn, (void)is_paused; /* A client asks one thing at a time. */
}
