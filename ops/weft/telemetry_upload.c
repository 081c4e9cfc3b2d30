#include "ops/weft/telemetry_upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

enum {
    TURN_MS = 1000,
    CLOSE_MS = 2000,
    BEHIND_MAX = 4, /* Blocks that a slow member may have waiting: 4 MiB each. */
    STATUS_SIZE_MAX = 4 * 1024 * 1024,
};

struct member {
    struct weft_client *client;
    bool is_voter;
};

/* One block's answers. Lives until the last of them. */
struct ticket {
    uint32_t references;
    uint32_t voters_kept;
    uint32_t voters_waited; /* Have not answered yet. */
    enum weft_err err;      /* The last failure. */
    struct weft_msg msg;
};

/* One member's answer to one block, while it is waited for. */
struct answer {
    struct weft_upload *upload;
    struct answer *next;
    struct ticket *ticket;
    bool is_voter;
};

struct weft_upload {
    struct answer *answers;
    struct weft_net *net;
    struct member members[WEFT_MEMBERS_MAX];
    uint32_t count;
    uint32_t voters;
};

static void release(struct ticket *ticket)
{
    if (--ticket->references == 0) {
        free(ticket);
    }
}

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *message,
    const struct weft_msg *msg)
{
    struct answer *a = ctx, **at = &a->upload->answers;
    struct ticket *t = a->ticket;
    (void)message;
    while (*at != a) {
        at = &(*at)->next;
    }
    *at = a->next;
    if (a->is_voter) {
        t->voters_waited--;
        t->voters_kept += err == WEFT_OK;
    }
    if (err != WEFT_OK) {
        t->err = err;
        t->msg = *msg;
    }
    free(a);
    release(t);
}

static enum weft_err connect_members(struct weft_upload *u, const struct weft_status *status,
    uint64_t timeout_ms, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < status->member_count && u->count < WEFT_MEMBERS_MAX; i++) {
        const struct weft_member *m = &status->members[i];
        struct member *place = &u->members[u->count];
        char address[WEFT_ADDRESS_SIZE_MAX + 1];
        u->voters += m->role == WEFT_ROLE_VOTER;
        if (m->role == WEFT_ROLE_SPARE || m->client_address.size == 0) {
            continue;
        }
        (void)snprintf(
            address, sizeof(address), "%.*s", (int)m->client_address.size, m->client_address.data);
        err = weft_client_pin(u->net, address, timeout_ms, &place->client, msg);
        if (err != WEFT_OK) {
            return err;
        }
        place->is_voter = m->role == WEFT_ROLE_VOTER;
        u->count++;
    }
    return err;
}

enum weft_err weft_upload_open(struct weft_client *client, uint64_t timeout_ms,
    struct weft_upload **ret_upload, struct weft_msg *msg)
{
    const struct weft_client_message request = {.kind = WEFT_KIND_STATUS};
    struct weft_client_message answer;
    struct weft_arena arena = {.size_max = STATUS_SIZE_MAX};
    struct weft_upload *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an upload");
    }
    u->net = weft_client_net(client);
    enum weft_err err = weft_client_call(client, &request, &arena, &answer, msg);
    if (err == WEFT_OK) {
        err = connect_members(u, &answer.status_result, timeout_ms, msg);
    }
    weft_arena_destroy(&arena);
    if (err != WEFT_OK) {
        weft_upload_close(u);
        return err;
    }
    *ret_upload = u;
    return WEFT_OK;
}

void weft_upload_close(struct weft_upload *u)
{
    if (u == NULL) {
        return;
    }
    uint64_t end_ms = weft_net_now_ms(u->net) + CLOSE_MS;
    for (uint32_t i = 0; i < u->count; i++) {
        while (
            weft_client_outstanding(u->members[i].client) > 0 && weft_net_now_ms(u->net) < end_ms) {
            weft_net_turn(u->net, 50);
        }
    }
    for (uint32_t i = 0; i < u->count; i++) {
        weft_client_destroy(u->members[i].client);
    }
    while (u->answers != NULL) { /* They will not come any more. */
        struct answer *a = u->answers;
        u->answers = a->next;
        release(a->ticket);
        free(a);
    }
    free(u);
}

static void send_to(struct weft_upload *u, struct member *m, struct ticket *ticket,
    const struct weft_client_message *put)
{
    if (weft_client_outstanding(m->client) >= BEHIND_MAX) {
        ticket->err = weft_fail(&ticket->msg, WEFT_EBUSY, "%s is behind with blocks before it",
            weft_client_endpoint(m->client));
        return;
    }
    struct answer *a = malloc(sizeof(*a));
    if (a == NULL) {
        ticket->err = weft_fail(&ticket->msg, WEFT_ENOMEM, "no memory for a block");
        return;
    }
    *a = (struct answer){u, u->answers, ticket, m->is_voter};
    enum weft_err err = weft_client_submit(m->client, put, on_answer, a);
    if (err != WEFT_OK) {
        free(a);
        ticket->err =
            weft_fail(&ticket->msg, err, "the block cannot be sent: %s", weft_err_name(err));
        return;
    }
    u->answers = a;
    ticket->references++;
    ticket->voters_waited += m->is_voter;
}

enum weft_err weft_upload_put(struct weft_upload *u, const struct weft_digest *digest,
    struct weft_bytes content, struct weft_msg *msg)
{
    const struct weft_client_message put = {
        .kind = WEFT_KIND_BLOCK_PUT, .block = {.digest = *digest, .content = content}};
    struct ticket *ticket = calloc(1, sizeof(*ticket));
    uint32_t majority = u->voters / 2 + 1;
    if (ticket == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a block");
    }
    ticket->references = 1;
    for (uint32_t i = 0; i < u->count; i++) {
        send_to(u, &u->members[i], ticket, &put);
    }
    while (
        ticket->voters_kept < majority && ticket->voters_kept + ticket->voters_waited >= majority) {
        weft_net_turn(u->net, TURN_MS);
    }
    enum weft_err err = WEFT_OK;
    if (ticket->voters_kept < majority) {
        err = weft_fail(msg, ticket->err == WEFT_ENOSPC ? WEFT_ENOSPC : WEFT_EUNAVAILABLE,
            "%u of %u members keep the block, %u must: %s", ticket->voters_kept, u->voters,
            majority, ticket->msg.text);
    }
    release(ticket);
    return err;
}
