#include <string.h>

#include "ops/weft/client.h"
#include "ops/weft/net.h"
#include "ops/weft/speaker.h"

/* One request at a time, for commands that have only one. */

enum {
    TURN_MS = 1000
};

struct call {
    struct weft_arena *arena;
    struct weft_client_message *answer;
    struct weft_msg *msg;
    enum weft_err err;
    bool is_done;
};

/* The answer dies with this callback: its bytes are made again in the caller's arena. */
static enum weft_err keep(const struct weft_client_message *message, struct weft_arena *arena,
    struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_MESSAGE_SIZE_MAX};
    enum weft_err err = weft_client_encode(message, &bytes);
    void *copy = err == WEFT_OK ? weft_arena_alloc(arena, bytes.size) : NULL;
    if (copy != NULL) {
        memcpy(copy, bytes.data, bytes.size);
        err =
            weft_client_decode((struct weft_bytes){copy, bytes.size}, arena, ret_answer, NULL, msg);
    } else {
        err = weft_fail(msg, WEFT_ENOMEM, "no memory for the answer");
    }
    weft_buffer_destroy(&bytes);
    return err;
}

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct call *call = ctx;
    call->is_done = true;
    call->err = err;
    if (answer != NULL) {
        enum weft_err kept = keep(answer, call->arena, call->answer, call->msg);
        call->err = kept != WEFT_OK ? kept : err;
    }
    if (msg != NULL && call->msg != NULL) {
        *call->msg = *msg;
    }
}

enum weft_err weft_client_call(struct weft_client *client,
    const struct weft_client_message *message, struct weft_arena *arena,
    struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    struct call call = {.arena = arena, .answer = ret_answer, .msg = msg};
    memset(ret_answer, 0, sizeof(*ret_answer));
    enum weft_err err = weft_client_submit(client, message, on_answer, &call);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "the request cannot be sent: %s", weft_err_name(err));
    }
    while (!call.is_done) {
        weft_net_turn(weft_client_net(client), TURN_MS);
    }
    return call.err;
}

enum weft_err weft_net_from_args(const struct weft_args *args, const struct weft_context *context,
    struct weft_net **ret_net, struct weft_msg *msg)
{
    struct weft_speaker *speaker;
    enum weft_err err = weft_speaker_open(args, &speaker, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_net_open(context->identity, ret_net, msg);
    if (err != WEFT_OK) {
        weft_speaker_close(speaker);
        return err;
    }
    weft_net_speak(*ret_net, speaker);
    return WEFT_OK;
}

enum weft_err weft_client_from_args(const struct weft_args *args, struct weft_net **ret_net,
    struct weft_client **ret_client, struct weft_msg *msg)
{
    struct weft_context context;
    struct weft_net *net = NULL;
    uint64_t timeout_ms = 0;
    enum weft_err err =
        weft_args_duration_ms(args, "timeout", WEFT_CLIENT_TIMEOUT_MS, &timeout_ms, msg);
    if (err == WEFT_OK) {
        err = weft_context_resolve(args, &context, msg);
    }
    if (err == WEFT_OK) {
        err = weft_net_from_args(args, &context, &net, msg);
    }
    if (err == WEFT_OK) {
        err = weft_client_create(net, &context, timeout_ms, false, ret_client, msg);
    }
    if (err != WEFT_OK) {
        weft_net_close(net);
        return err;
    }
    *ret_net = net;
    return WEFT_OK;
}

enum weft_exit weft_with_client(const struct weft_args *args,
    enum weft_err (*run)(const struct weft_args *, struct weft_client *, struct weft_msg *))
{
    struct weft_net *net;
    struct weft_client *client;
    struct weft_msg msg = {""};
    enum weft_err err = weft_client_from_args(args, &net, &client, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    err = run(args, client, &msg);
    weft_client_destroy(client);
    weft_net_close(net);
    return weft_complain(err, &msg);
}
