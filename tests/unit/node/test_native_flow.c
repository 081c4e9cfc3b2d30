/* Who is read from at the client door, with a link and a clock that only this test moves. */
#include "node/api/native_parts.h"

#include <stdio.h>
#include <string.h>

#include "node/node.h"
#include "node/replies.h"
#include "tests/lib/test.h"

enum {
    CLIENTS = 6,
    REQUESTS = 1000, /* limits.requests */
    T0 = 1000 * 1000 /* ms; any */
};

struct weft_link_conn {
    struct weft_identity identity;
    bool is_paused;
};

static struct rig {
    struct weft_node node;
    struct weft_native n;
    struct weft_native_client clients[CLIENTS];
    struct weft_link_conn conns[CLIENTS];
    uint64_t now_ms;
} rig;

/* --- what the file asks of others --------------------------------------------------------- */

uint64_t uv_now(const uv_loop_t *loop)
{
    EXPECT_TRUE(loop == &rig.node.loop);
    return rig.now_ms;
}

void weft_link_conn_pause(struct weft_link_conn *conn, bool is_paused)
{
    conn->is_paused = is_paused;
}

const struct weft_identity *weft_link_conn_identity(const struct weft_link_conn *conn)
{
    return &conn->identity;
}

uint64_t weft_warrants_share(const char *bringer)
{
    return (uint8_t)bringer[0];
}

bool weft_warrants_penalize(
    struct weft_warrants *w, const struct weft_waiter *waiter, uint64_t now_ms)
{
    (void)w, (void)waiter, (void)now_ms;
    return true;
}

uint64_t weft_reply_pace(struct weft_node *node, const char *principal)
{
    uint64_t key = weft_warrants_share(principal);
    return weft_patience_charge(&node->patience, key, rig.now_ms).wait_ms;
}

struct weft_native_client *weft_native_find(struct weft_native *n, const struct weft_waiter *waiter)
{
    struct weft_native_client *c = &n->clients[waiter->client];
    return c->conn != NULL ? c : NULL;
}

bool weft_native_is_member(const struct weft_native *n, const struct weft_identity *identity)
{
    (void)n;
    return strcmp(identity->class, "node") == 0;
}

/* --- steps -------------------------------------------------------------------------------- */

static void start(void)
{
    memset(&rig, 0, sizeof(rig));
    rig.node.config.limits.requests = REQUESTS;
    rig.n.node = &rig.node;
    rig.n.clients = rig.clients;
    rig.n.client_max = CLIENTS;
    rig.n.paced_due_ms = UINT64_MAX;
    rig.now_ms = T0;
}

static void come(uint32_t client, const char *uri, const char *class)
{
    struct weft_identity *identity = &rig.conns[client].identity;
    (void)snprintf(identity->uri, sizeof(identity->uri), "%s", uri);
    (void)snprintf(identity->class, sizeof(identity->class), "%s", class);
    rig.clients[client].conn = &rig.conns[client];
    weft_native_flow_up(&rig.n, &rig.clients[client]);
}

static void ask(uint32_t client, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        weft_native_flow_asked(&rig.n, &rig.clients[client]);
    }
}

static void answer(uint32_t client, uint32_t count, bool is_refused)
{
    const struct weft_waiter waiter = {.client = client};
    for (uint32_t i = 0; i < count; i++) {
        if (is_refused) {
            weft_native_refused(&rig.n, &waiter);
        }
        weft_native_flow_answered(&rig.n, &rig.clients[client]);
    }
}

/* One after the other, until he owes so many. */
static void refuse(uint32_t client, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ask(client, 1);
        answer(client, 1, true);
    }
}

static void turn(uint64_t now_ms)
{
    rig.now_ms = now_ms;
    weft_native_turn(&rig.n, now_ms);
}

TEST(native_flow, who_is_refused_too_often_is_read_from_again_when_it_is_due)
{
    start();
    come(0, "ann", "op");
    come(1, "bo", "op");
    refuse(0, WEFT_PATIENCE_BURST);
    EXPECT_TRUE(!rig.conns[0].is_paused);
    EXPECT_EQ(UINT64_MAX, weft_native_deadline(&rig.n));
    refuse(0, 3);
    EXPECT_TRUE(rig.conns[0].is_paused);
    EXPECT_TRUE(!rig.conns[1].is_paused);
    uint64_t due_ms = T0 + 3 * WEFT_PATIENCE_TOKEN_MS;
    EXPECT_TRUE(weft_native_deadline(&rig.n) <= due_ms);
    turn(due_ms - 1);
    EXPECT_TRUE(rig.conns[0].is_paused);
    EXPECT_EQ(due_ms, weft_native_deadline(&rig.n));
    turn(due_ms);
    EXPECT_TRUE(!rig.conns[0].is_paused);
    EXPECT_EQ(UINT64_MAX, weft_native_deadline(&rig.n));
}

TEST(native_flow, connections_of_one_principal_go_on_one_after_the_other)
{
    start();
    come(0, "ann", "op");
    come(1, "ann", "op");
    refuse(0, WEFT_PATIENCE_BURST + 1);
    refuse(1, 1);
    come(2, "ann", "op"); /* New, and owes as the others. */
    EXPECT_TRUE(rig.conns[0].is_paused && rig.conns[1].is_paused && rig.conns[2].is_paused);
    turn(T0 + WEFT_PATIENCE_TOKEN_MS);
    EXPECT_TRUE(!rig.conns[0].is_paused && rig.conns[1].is_paused && rig.conns[2].is_paused);
    turn(T0 + 2 * WEFT_PATIENCE_TOKEN_MS);
    EXPECT_TRUE(!rig.conns[1].is_paused && !rig.conns[2].is_paused);
}

TEST(native_flow, who_is_in_doubt_has_no_more_under_way_than_refusals_left)
{
    start();
    come(0, "ann", "op");
    ask(0, REQUESTS - 1);
    EXPECT_TRUE(!rig.conns[0].is_paused);
    answer(0, REQUESTS - 1, false);
    refuse(0, WEFT_PATIENCE_BURST - 10);
    ask(0, 9);
    EXPECT_TRUE(!rig.conns[0].is_paused);
    ask(0, 1);
    EXPECT_TRUE(rig.conns[0].is_paused);
    answer(0, 5, false);
    EXPECT_TRUE(rig.conns[0].is_paused);
    answer(0, 1, false);
    EXPECT_TRUE(!rig.conns[0].is_paused);
    answer(0, 4, true);
    refuse(0, 6);
    ask(0, 1); /* None is left, and none is owed: one at a time. */
    EXPECT_TRUE(rig.conns[0].is_paused);
    answer(0, 1, false);
    EXPECT_TRUE(!rig.conns[0].is_paused);
}

TEST(native_flow, a_member_does_not_wait_for_whom_it_serves)
{
    start();
    come(0, "n2", "node");
    ask(0, 900);
    answer(0, 900, true);
    refuse(0, 2 * WEFT_PATIENCE_BURST);
    EXPECT_TRUE(!rig.conns[0].is_paused);
    EXPECT_EQ(0, rig.node.patience.paced);
}

TEST(native_flow, each_reason_alone_keeps_a_connection_from_being_read)
{
    const struct weft_waiter waiter = {.client = 0};
    start();
    come(0, "ann", "op");
    refuse(0, WEFT_PATIENCE_BURST + 1);
    weft_native_flow_penalize(&rig.n, &waiter);
    weft_native_calm(&rig.n, &waiter);
    EXPECT_TRUE(rig.conns[0].is_paused);
    weft_native_flow_penalize(&rig.n, &waiter);
    turn(T0 + WEFT_PATIENCE_TOKEN_MS);
    EXPECT_TRUE(rig.conns[0].is_paused);
    ask(0, 1);
    weft_native_calm(&rig.n, &waiter);
    EXPECT_TRUE(rig.conns[0].is_paused);
    answer(0, 1, false);
    EXPECT_TRUE(!rig.conns[0].is_paused);
}
