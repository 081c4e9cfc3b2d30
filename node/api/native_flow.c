#include "node/api/native_parts.h"

#include "node/node.h"
#include "node/replies.h"
#include "proto/check.h"

/* Who is read from. A connection is not, for any of three reasons: too many of its requests are
 * unanswered, too many of its notes did not count, or its principal was refused too often. */

static void update(const struct weft_native_client *c)
{
    weft_link_conn_pause(c->conn, c->is_paused || c->is_penalized || c->paced_until_ms != 0);
}

/* NOD-231: who is in doubt has no more under way than he has refusals left. */
static uint32_t ahead(struct weft_native *n, const struct weft_native_client *c)
{
    struct weft_node *node = n->node;
    uint32_t most = weft_patience_ahead(&node->patience, c->key, uv_now(&node->loop));
    return most < node->config.limits.requests ? most : node->config.limits.requests;
}

/* NOD-230 */
static void pace(struct weft_native *n, struct weft_native_client *c, uint64_t wait_ms)
{
    uint64_t until_ms = uv_now(&n->node->loop) + wait_ms;
    if (wait_ms == 0 || until_ms <= c->paced_until_ms) {
        return;
    }
    c->paced_until_ms = until_ms;
    n->paced_due_ms = until_ms < n->paced_due_ms ? until_ms : n->paced_due_ms;
    update(c);
}

void weft_native_flow_up(struct weft_native *n, struct weft_native_client *c)
{
    struct weft_node *node = n->node;
    const struct weft_identity *identity = weft_link_conn_identity(c->conn);
    c->unanswered = 0;
    c->is_paused = c->is_penalized = false;
    c->paced_until_ms = 0;
    c->key = weft_warrants_share(identity->uri);
    pace(n, c, weft_patience_wait_ms(&node->patience, c->key, uv_now(&node->loop)));
}

void weft_native_flow_asked(struct weft_native *n, struct weft_native_client *c)
{
    c->unanswered++;
    if (c->unanswered >= ahead(n, c)) {
        c->is_paused = true;
        update(c);
    }
}

/* NOD-8: one answer is on its way to it. */
void weft_native_flow_answered(struct weft_native *n, struct weft_native_client *c)
{
    weft_assert(c->unanswered > 0);
    c->unanswered--;
    if (c->is_paused && (c->unanswered == 0 || c->unanswered < ahead(n, c) / 2)) {
        c->is_paused = false;
        update(c);
    }
}

/* Members hand on what came over HTTP, and their doors pace whoever asked there. */
void weft_native_refused(struct weft_native *n, const struct weft_waiter *waiter)
{
    struct weft_native_client *c = weft_native_find(n, waiter);
    if (c == NULL) {
        return;
    }
    const struct weft_identity *identity = weft_link_conn_identity(c->conn);
    if (!weft_native_is_member(n, identity)) {
        pace(n, c, weft_reply_pace(n->node, identity->uri));
    }
}

void weft_native_turn(struct weft_native *n, uint64_t now_ms)
{
    uint64_t due_ms = UINT64_MAX;
    if (now_ms < n->paced_due_ms) {
        return;
    }
    for (uint32_t i = 0; i < n->client_max; i++) {
        struct weft_native_client *c = &n->clients[i];
        if (c->conn == NULL || c->paced_until_ms == 0) {
            continue;
        }
        if (c->paced_until_ms <= now_ms) {
            c->paced_until_ms = 0;
            update(c);
        } else if (c->paced_until_ms < due_ms) {
            due_ms = c->paced_until_ms;
        }
    }
    n->paced_due_ms = due_ms;
}

uint64_t weft_native_deadline(const struct weft_native *n)
{
    return n->paced_due_ms;
}

/* NOD-17: it is not read from for a while. */
void weft_native_flow_penalize(struct weft_native *n, const struct weft_waiter *waiter)
{
    struct weft_native_client *c = weft_native_find(n, waiter);
    if (c != NULL && !c->is_penalized &&
        weft_warrants_penalize(n->node->warrants, waiter, uv_now(&n->node->loop))) {
        c->is_penalized = true;
        update(c);
    }
}

void weft_native_calm(struct weft_native *n, const struct weft_waiter *waiter)
{
    struct weft_native_client *c = weft_native_find(n, waiter);
    if (c != NULL) {
        c->is_penalized = false;
        update(c);
    }
}
