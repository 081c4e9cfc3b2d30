#include "ops/weft/net.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/speaker.h"
#include "proto/limits.h"

enum {
    /* Sent when idle. Nodes drop who is silent for 3 of theirs, 400 ms or more each. */
    HEARTBEAT_MS = 700,
    HANDSHAKE_MS = 2000, /* chosen: a silent host costs so long before the next is tried */
    QUEUE_SIZE_MAX = 64 * 1024 * 1024,
    CONNECTIONS_MAX = 4096,
    ANSWER_ARENA_SIZE_MAX = 64 * 1024 * 1024, /* an answer of WEFT_ANSWER_SIZE_MAX, decoded */
};

static bool on_admit(
    void *ctx, const struct weft_identity *identity, bool is_dialled, struct weft_msg *reason)
{
    (void)ctx, (void)is_dialled;
    if (strcmp(identity->class, "node") != 0) {
        (void)weft_fail(reason, WEFT_EPEER, "%s is not a node", identity->uri);
        return false;
    }
    return true;
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    weft_client_on_up(weft_link_conn_user(conn));
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    weft_client_on_down(weft_link_conn_user(conn));
}

static void on_drained(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    weft_client_on_drained(weft_link_conn_user(conn));
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes message)
{
    (void)ctx, (void)envelope;
    return weft_client_on_message(weft_link_conn_user(conn), message);
}

static void on_tick(uv_timer_t *timer)
{
    struct weft_net *net = timer->data;
    uint64_t now_ms = uv_now(&net->loop);
    bool is_wanted = false;
    struct weft_client *next;
    for (struct weft_client *c = net->clients; c != NULL; c = next) {
        next = weft_client_next(c);
        is_wanted = weft_client_tick(c, now_ms) || is_wanted;
    }
    if (!is_wanted) {
        (void)uv_timer_stop(timer);
    }
}

static void on_wakeup(uv_timer_t *timer)
{
    (void)timer; /* It only ends the wait. */
}

static enum weft_err open_link(struct weft_net *net, const char *identity, struct weft_msg *msg)
{
    char ca[WEFT_FILES_PATH_SIZE], cert[WEFT_FILES_PATH_SIZE], key[WEFT_FILES_PATH_SIZE];
    enum weft_err err = weft_files_join(identity, WEFT_IDENTITY_CA, ca, msg);
    if (err == WEFT_OK) {
        err = weft_files_join(identity, WEFT_IDENTITY_CERT, cert, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_join(identity, WEFT_IDENTITY_KEY, key, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_link_options options = {.loop = &net->loop,
        .type = WEFT_LINK_DIRECT,
        .ca_file = ca,
        .cert_file = cert,
        .key_file = key,
        .message_size_max = WEFT_MESSAGE_SIZE_MAX,
        .queue_size_max = QUEUE_SIZE_MAX,
        .connections_max = CONNECTIONS_MAX,
        .handshake_ms = HANDSHAKE_MS,
        .heartbeat_ms = HEARTBEAT_MS,
        .callbacks = {.ctx = net,
            .admit = on_admit,
            .on_up = on_up,
            .on_message = on_message,
            .on_down = on_down,
            .on_drained = on_drained}};
    return weft_link_open(&options, &net->link, msg);
}

/* Whatever was opened is closed by the loop's last turns. */
static void destroy(struct weft_net *net)
{
    uv_close((uv_handle_t *)&net->tick, NULL);
    uv_close((uv_handle_t *)&net->wakeup, NULL);
    (void)uv_run(&net->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&net->loop);
    weft_arena_destroy(&net->arena);
    weft_speaker_close(net->speaker);
    free(net);
}

enum weft_err weft_net_open(const char *identity, struct weft_net **ret_net, struct weft_msg *msg)
{
    struct weft_net *net = calloc(1, sizeof(*net));
    if (net == NULL || uv_loop_init(&net->loop) != 0) {
        free(net);
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a connection");
    }
    (void)uv_timer_init(&net->loop, &net->tick);
    (void)uv_timer_init(&net->loop, &net->wakeup);
    net->tick.data = net;
    net->arena.size_max = ANSWER_ARENA_SIZE_MAX;
    enum weft_err err = open_link(net, identity, msg);
    if (err != WEFT_OK) {
        destroy(net);
        return err;
    }
    *ret_net = net;
    return WEFT_OK;
}

void weft_net_speak(struct weft_net *net, struct weft_speaker *speaker)
{
    weft_speaker_close(net->speaker);
    net->speaker = speaker;
}

static void on_closed(void *ctx)
{
    ((struct weft_net *)ctx)->is_closed = true;
}

void weft_net_close(struct weft_net *net)
{
    if (net == NULL) {
        return;
    }
    weft_link_close(net->link, on_closed, net);
    while (!net->is_closed) {
        (void)uv_run(&net->loop, UV_RUN_ONCE);
    }
    destroy(net);
}

void weft_net_turn(struct weft_net *net, uint32_t wait_ms)
{
    if (!uv_is_active((uv_handle_t *)&net->tick)) {
        uv_update_time(&net->loop);
        (void)uv_timer_start(&net->tick, on_tick, 0, WEFT_NET_TICK_MS);
    }
    if (wait_ms == 0) {
        (void)uv_run(&net->loop, UV_RUN_NOWAIT);
        return;
    }
    (void)uv_timer_start(&net->wakeup, on_wakeup, wait_ms, 0);
    (void)uv_run(&net->loop, UV_RUN_ONCE);
    (void)uv_timer_stop(&net->wakeup);
}

/* Not uv_poll: that would leave a terminal or a pipe that others share non-blocking. */
bool weft_net_wait_readable(struct weft_net *net, int fd, uint32_t wait_ms)
{
    uint64_t now_ms = uv_hrtime() / 1000000;
    uint64_t end_ms = now_ms + wait_ms;
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = uv_backend_fd(&net->loop), .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        weft_net_turn(net, 0);
        int left_ms = now_ms < end_ms ? (int)(end_ms - now_ms) : 0;
        int loop_ms = uv_backend_timeout(&net->loop);
        (void)poll(fds, 2, loop_ms >= 0 && loop_ms < left_ms ? loop_ms : left_ms);
        if (fds[1].revents != 0) {
            return true; /* Also when it is closed or broken: whoever reads finds out. */
        }
        now_ms = uv_hrtime() / 1000000;
        if (now_ms >= end_ms) {
            return false;
        }
    }
}

uint64_t weft_net_now_ms(const struct weft_net *net)
{
    return uv_now(&net->loop);
}
