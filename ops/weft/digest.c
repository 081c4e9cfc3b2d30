#include "ops/weft/digest.h"

#include <stdio.h>
#include <string.h>

enum {
    POLL_MS = 50,
    WAIT_MS = 120000, /* chosen: a state of 100 GB at 1 GB/s */
    ARENA_SIZE_MAX = 1024 * 1024,
};

struct question {
    struct weft_client *client;
    struct weft_node_digest *node;
    uint64_t index;
    uint64_t ask_ms; /* Not before; UINT64_MAX: asked, or done. */
    bool is_done;
    struct weft_net *net;
};

static void on_digest(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct question *q = ctx;
    if (err != WEFT_OK) {
        q->node->error = *msg;
        q->is_done = true;
    } else if (answer->digest_result.is_done && answer->digest_result.index == q->index) {
        q->node->is_known = true;
        q->node->digest = answer->digest_result.digest;
        q->node->keys = answer->digest_result.keys;
        q->is_done = true;
    } else {
        q->ask_ms = weft_net_now_ms(q->net) + POLL_MS;
    }
}

static void ask(struct question *q)
{
    struct weft_client_message request = {.kind = WEFT_KIND_DIGEST, .digest = {.index = q->index}};
    q->ask_ms = UINT64_MAX;
    enum weft_err err = weft_client_submit(q->client, &request, on_digest, q);
    if (err != WEFT_OK) {
        (void)weft_fail(&q->node->error, err, "%s", weft_err_name(err));
        q->is_done = true;
    }
}

static void ask_all(struct weft_net *net, struct question *questions, uint32_t count)
{
    uint64_t end_ms = weft_net_now_ms(net) + WAIT_MS;
    for (;;) {
        bool is_done = true;
        for (uint32_t i = 0; i < count; i++) {
            struct question *q = &questions[i];
            if (!q->is_done && weft_net_now_ms(net) > end_ms) {
                (void)weft_fail(&q->node->error, WEFT_ETIMEDOUT, "still computing");
                q->is_done = true;
            }
            if (!q->is_done && q->ask_ms <= weft_net_now_ms(net)) {
                ask(q);
            }
            is_done = is_done && q->is_done;
        }
        if (is_done) {
            return;
        }
        weft_net_turn(net, POLL_MS / 2);
    }
}

static void compare(struct weft_digests *d)
{
    const struct weft_node_digest *first = NULL;
    d->is_equal = true;
    d->missing = 0;
    for (uint32_t i = 0; i < d->count; i++) {
        if (!d->nodes[i].is_known) {
            d->missing++;
        } else if (first == NULL) {
            first = &d->nodes[i];
        } else if (!weft_digest_equal(&first->digest, &d->nodes[i].digest)) {
            d->is_equal = false;
        }
    }
}

enum weft_err weft_digests_ask(struct weft_net *net, struct weft_client *client,
    const struct weft_member *members, uint32_t member_count, struct weft_digests *ret_digests,
    struct weft_msg *msg)
{
    struct question questions[WEFT_MEMBERS_MAX] = {{0}};
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_client_message answer;
    struct weft_client_message request = {.kind = WEFT_KIND_DIGEST};
    enum weft_err err = weft_client_call(client, &request, &arena, &answer, msg);
    memset(ret_digests, 0, sizeof(*ret_digests));
    ret_digests->index = err == WEFT_OK ? answer.digest_result.index : 0;
    weft_arena_destroy(&arena);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "commit a marker");
    }
    ret_digests->count = member_count < WEFT_MEMBERS_MAX ? member_count : WEFT_MEMBERS_MAX;
    for (uint32_t i = 0; i < ret_digests->count; i++) {
        struct weft_node_digest *node = &ret_digests->nodes[i];
        char address[WEFT_ADDRESS_SIZE_MAX + 1];
        (void)snprintf(node->name, sizeof(node->name), "%.*s", (int)members[i].name.size,
            members[i].name.data);
        (void)snprintf(address, sizeof(address), "%.*s", (int)members[i].client_address.size,
            members[i].client_address.data);
        questions[i] = (struct question){.node = node, .index = ret_digests->index, .net = net};
        questions[i].is_done = weft_client_pin(net, address, WEFT_CLIENT_TIMEOUT_MS,
                                   &questions[i].client, &node->error) != WEFT_OK;
    }
    ask_all(net, questions, ret_digests->count);
    for (uint32_t i = 0; i < ret_digests->count; i++) {
        weft_client_destroy(questions[i].client);
    }
    compare(ret_digests);
    return WEFT_OK;
}
