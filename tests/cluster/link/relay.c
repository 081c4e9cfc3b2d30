#include <stdlib.h>
#include <string.h>

#include "tests/cluster/link/rig.h"
#include "tests/lib/test.h"

/* Raw sockets of the rig: a relay that can fall silent, and strangers. */

struct leg {
    uv_tcp_t tcp; /* First. */
    struct relay *relay;
    struct leg *other;
    struct leg *next;
    bool is_closing;
};

struct relay {
    uv_tcp_t tcp;
    struct rig *rig;
    struct leg *legs;
    struct sockaddr_in target;
    char address[64];
    bool is_blocked;
    char buffer[65536];
};

struct chunk {
    uv_write_t request;
    char bytes[];
};

static void parse(const char *address, struct sockaddr_in *ret_address)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
    EXPECT_EQ(0, uv_ip4_addr(host, atoi(colon + 1), ret_address));
}

static void on_leg_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_leg(struct leg *leg)
{
    if (leg == NULL || leg->is_closing) {
        return;
    }
    leg->is_closing = true;
    for (struct leg **at = &leg->relay->legs; *at != NULL; at = &(*at)->next) {
        if (*at == leg) {
            *at = leg->next;
            break;
        }
    }
    if (leg->other != NULL) {
        leg->other->other = NULL;
    }
    uv_close((uv_handle_t *)&leg->tcp, on_leg_closed);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct leg *leg = (struct leg *)handle;
    (void)suggested;
    *ret_buf = uv_buf_init(leg->relay->buffer, sizeof(leg->relay->buffer));
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct leg *leg = (struct leg *)stream;
    if (leg->relay->is_blocked) {
        return; /* Swallowed: as if the cable were out, with nobody told. */
    }
    if (size < 0) {
        struct leg *other = leg->other;
        close_leg(leg);
        close_leg(other);
        return;
    }
    if (size > 0 && leg->other != NULL) {
        struct chunk *c = malloc(sizeof(*c) + (size_t)size);
        memcpy(c->bytes, buf->base, (size_t)size);
        uv_buf_t out = uv_buf_init(c->bytes, (unsigned)size);
        if (uv_write(&c->request, (uv_stream_t *)&leg->other->tcp, &out, 1, on_written) != 0) {
            free(c);
        }
    }
}

static struct leg *new_leg(struct relay *relay)
{
    struct leg *leg = calloc(1, sizeof(*leg));
    leg->relay = relay;
    leg->next = relay->legs;
    relay->legs = leg;
    EXPECT_EQ(0, uv_tcp_init(&relay->rig->loop, &leg->tcp));
    return leg;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct leg *leg = (struct leg *)request->handle;
    free(request);
    if (leg->is_closing) {
        return;
    }
    if (status < 0) {
        struct leg *other = leg->other;
        close_leg(leg);
        close_leg(other);
        return;
    }
    (void)uv_read_start((uv_stream_t *)&leg->tcp, on_room, on_read);
    if (leg->other != NULL) {
        (void)uv_read_start((uv_stream_t *)&leg->other->tcp, on_room, on_read);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct relay *relay = server->data;
    EXPECT_EQ(0, status);
    struct leg *in = new_leg(relay), *out = new_leg(relay);
    in->other = out;
    out->other = in;
    EXPECT_EQ(0, uv_accept(server, (uv_stream_t *)&in->tcp));
    uv_connect_t *request = malloc(sizeof(*request));
    EXPECT_EQ(
        0, uv_tcp_connect(request, &out->tcp, (struct sockaddr *)&relay->target, on_connected));
}

struct relay *relay_open(struct rig *rig, const char *address)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    struct sockaddr_in any, bound;
    int size = sizeof(bound);
    relay->rig = rig;
    parse(address, &relay->target);
    EXPECT_EQ(0, uv_ip4_addr("127.0.0.1", 0, &any));
    EXPECT_EQ(0, uv_tcp_init(&rig->loop, &relay->tcp));
    relay->tcp.data = relay;
    EXPECT_EQ(0, uv_tcp_bind(&relay->tcp, (struct sockaddr *)&any, 0));
    EXPECT_EQ(0, uv_listen((uv_stream_t *)&relay->tcp, 64, on_connection));
    EXPECT_EQ(0, uv_tcp_getsockname(&relay->tcp, (struct sockaddr *)&bound, &size));
    (void)snprintf(relay->address, sizeof(relay->address), "127.0.0.1:%d", ntohs(bound.sin_port));
    return relay;
}

const char *relay_address(const struct relay *relay)
{
    return relay->address;
}

void relay_block(struct relay *relay, bool is_blocked)
{
    relay->is_blocked = is_blocked;
}

void relay_cut(struct relay *relay)
{
    while (relay->legs != NULL) {
        close_leg(relay->legs);
    }
}

static void on_relay_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void relay_close(struct relay *relay)
{
    struct rig *rig = relay->rig;
    relay_cut(relay);
    rig_run_ms(rig, 10);
    uv_close((uv_handle_t *)&relay->tcp, on_relay_closed);
    rig_run_ms(rig, 10);
}

/* --- strangers --------------------------------------------------------------------------- */

static void on_stranger_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct stranger *s = (struct stranger *)handle;
    (void)suggested;
    *ret_buf = uv_buf_init(s->buffer, sizeof(s->buffer));
}

static void on_stranger_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct stranger *s = (struct stranger *)stream;
    (void)buf;
    if (size < 0) {
        s->ended = 1;
        (void)uv_read_stop(stream);
    }
}

static void on_stranger_connected(uv_connect_t *request, int status)
{
    struct stranger *s = request->data;
    if (status != 0) {
        s->ended = 1;
        return;
    }
    s->connected = 1;
    (void)uv_read_start((uv_stream_t *)&s->tcp, on_stranger_room, on_stranger_read);
}

void stranger_open(struct rig *rig, struct stranger *s, const char *address)
{
    struct sockaddr_in to;
    *s = (struct stranger){.connected = 0};
    parse(address, &to);
    EXPECT_EQ(0, uv_tcp_init(&rig->loop, &s->tcp));
    s->connect.data = s;
    EXPECT_EQ(
        0, uv_tcp_connect(&s->connect, &s->tcp, (struct sockaddr *)&to, on_stranger_connected));
}

void stranger_close(struct stranger *s)
{
    uv_close((uv_handle_t *)&s->tcp, NULL);
}
