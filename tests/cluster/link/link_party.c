/* link_party: one process with a link, driven over stdin, for the suites of real processes.
 *
 *   link_party door LINK DIRECTORY CERT HANDSHAKE_MS      listens, echoes, admits plant1's nodes
 *   link_party calls LINK DIRECTORY CERT ADDRESS COUNT    keeps COUNT connections busy with pings
 *
 * Prints "ready ADDRESS" first. Each line on stdin is a command: "stats" prints one line of JSON
 * and starts the latencies anew; "quit", or the end of stdin, closes the link and ends. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/link.h"

enum {
    PING_SIZE = 400,
    GAP_MS = 2,
    LATENCIES_MAX = 1 << 20,
    CALLS_MAX = 64,
    MESSAGE_MAX = 65536
};

struct call {
    struct weft_link_conn *conn;
    uv_timer_t timer;
    uint64_t sent_ns;
};

static uv_loop_t loop;
static uv_pipe_t input;
static struct weft_link *the_link;
static struct call calls[CALLS_MAX];
static int call_count;
static double *latencies_ms;
static uint64_t latency_count, pings, downs, up, admitted, refused, wrong;
static uint8_t ping_frame[PING_SIZE];

static void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "link_party: %s: %s\n", what, why);
    exit(1);
}

/* --- callbacks --------------------------------------------------------------------------- */

static bool admit(
    void *ctx, const struct weft_identity *identity, bool is_dialled, struct weft_msg *reason)
{
    (void)ctx;
    if (is_dialled ||
        (strcmp(identity->site, "plant1") == 0 && strcmp(identity->class, "node") == 0)) {
        admitted++;
        return true;
    }
    refused++;
    (void)weft_fail(reason, WEFT_EREFUSED, "%s is not of plant1", identity->uri);
    return false;
}

static void ping(struct call *c)
{
    c->sent_ns = uv_hrtime();
    if (weft_link_send(c->conn, (struct weft_bytes){ping_frame, sizeof(ping_frame)}) != WEFT_OK) {
        wrong++;
    }
}

static void on_gap(uv_timer_t *timer)
{
    struct call *c = timer->data;
    if (weft_link_conn_is_up(c->conn)) {
        ping(c);
    }
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    struct call *c = weft_link_conn_user(conn);
    (void)ctx;
    up++;
    if (c != NULL) {
        ping(c);
    }
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    struct call *c = weft_link_conn_user(conn);
    (void)ctx;
    up--;
    downs++;
    if (c != NULL) {
        (void)fprintf(stderr, "link_party: down: %s\n", weft_link_conn_error(conn));
    }
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes message)
{
    struct call *c = weft_link_conn_user(conn);
    (void)ctx;
    if (c == NULL) {
        if (envelope->kind != WEFT_KIND_QUERY) {
            return WEFT_EVERSION;
        }
        enum weft_err err = weft_link_send(conn, message);
        return err == WEFT_EBUSY ? WEFT_OK : err;
    }
    wrong += message.size != PING_SIZE || memcmp(message.data, ping_frame, PING_SIZE) != 0;
    pings++;
    if (latency_count < LATENCIES_MAX) {
        latencies_ms[latency_count++] = (double)(uv_hrtime() - c->sent_ns) / 1e6;
    }
    (void)uv_timer_start(&c->timer, on_gap, GAP_MS, 0);
    return WEFT_OK;
}

static void on_event(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    (void)fprintf(stderr, "%s: %s\n", event, detail);
}

/* --- commands ---------------------------------------------------------------------------- */

static int compare(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double at(double p)
{
    return latency_count == 0 ? -1 : latencies_ms[(uint64_t)((double)(latency_count - 1) * p)];
}

static void print_stats(void)
{
    struct weft_link_stats s;
    weft_link_stats(the_link, &s);
    qsort(latencies_ms, latency_count, sizeof(double), compare);
    (void)printf("{\"up\": %" PRIu64 ", \"downs\": %" PRIu64 ", \"pings\": %" PRIu64
                 ", \"wrong\": %" PRIu64 ", \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f, "
                 "\"admitted\": %" PRIu64 ", \"refused\": %" PRIu64,
        up, downs, pings, wrong, at(0.5), at(0.99), at(1.0), admitted, refused);
    (void)printf(", \"accepted\": %" PRIu64 ", \"refused_tls\": %" PRIu64
                 ", \"refused_identity\": %" PRIu64 ", \"refused_limit\": %" PRIu64
                 ", \"dropped_malformed\": %" PRIu64 ", \"dropped_oversized\": %" PRIu64
                 ", \"dropped_silent\": %" PRIu64 ", \"dropped_slow\": %" PRIu64
                 ", \"connects\": %" PRIu64 ", \"disconnects\": %" PRIu64
                 ", \"listener_reopened\": %" PRIu64 "}\n",
        s.accepted, s.refused_tls, s.refused_identity, s.refused_limit, s.dropped_malformed,
        s.dropped_oversized, s.dropped_silent, s.dropped_slow, s.connects, s.disconnects,
        s.listener_reopened);
    (void)fflush(stdout);
    latency_count = 0;
}

/* The gaps end first: connections are gone some time before the link is. */
static void quit(void)
{
    uv_close((uv_handle_t *)&input, NULL);
    for (int i = 0; i < call_count; i++) {
        uv_close((uv_handle_t *)&calls[i].timer, NULL);
    }
    weft_link_close(the_link, NULL, NULL);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    static char buffer[4096];
    (void)handle, (void)suggested;
    *ret_buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_command(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)stream;
    for (ssize_t i = 0; i < size; i++) { /* A command is known by its first letter. */
        bool is_first = i == 0 || buf->base[i - 1] == '\n';
        if (is_first && buf->base[i] == 's') {
            print_stats();
        } else if (is_first && buf->base[i] == 'q') {
            size = -1;
        }
    }
    if (size < 0) {
        quit();
    }
}

static void dial(const char *address, int count)
{
    struct weft_msg msg;
    call_count = count < CALLS_MAX ? count : CALLS_MAX;
    for (int i = 0; i < call_count; i++) {
        struct call *c = &calls[i];
        (void)uv_timer_init(&loop, &c->timer);
        c->timer.data = c;
        if (weft_link_dial(the_link, address, &c->conn, &msg) != WEFT_OK) {
            fail("dial", msg.text);
        }
        weft_link_conn_set_user(c->conn, c);
    }
}

int main(int argc, char **argv)
{
    char ca[600], cert[600], key[600];
    struct weft_msg msg = {""};
    bool is_door = argc == 6 && strcmp(argv[1], "door") == 0;
    if (!is_door && (argc != 7 || strcmp(argv[1], "calls") != 0)) {
        fail("usage",
            "door LINK DIRECTORY CERT HANDSHAKE_MS | calls LINK DIRECTORY CERT ADDRESS COUNT");
    }
    (void)snprintf(ca, sizeof(ca), "%s/ca.crt", argv[3]);
    (void)snprintf(cert, sizeof(cert), "%s/%s.crt", argv[3], argv[4]);
    (void)snprintf(key, sizeof(key), "%s/%s.key", argv[3], argv[4]);
    latencies_ms = calloc(LATENCIES_MAX, sizeof(double));
    struct weft_envelope e = {
        .size_bytes = PING_SIZE, .kind = WEFT_KIND_QUERY, .version = WEFT_ENVELOPE_VERSION};
    weft_envelope_encode(&e, ping_frame);
    struct weft_link_options o = {.loop = &loop,
        .type = strcmp(argv[2], "nng") == 0 ? WEFT_LINK_NNG : WEFT_LINK_DIRECT,
        .listen = is_door ? "127.0.0.1:0" : NULL,
        .ca_file = ca,
        .cert_file = cert,
        .key_file = key,
        .message_size_max = MESSAGE_MAX,
        .queue_size_max = 1 << 20,
        .connections_max = 64,
        .handshake_ms = is_door ? (uint32_t)atoi(argv[5]) : 20000,
        .heartbeat_ms = 10000, /* A machine without time is not silence; hostile.py knows it. */
        .callbacks = {.admit = admit,
            .on_up = on_up,
            .on_message = on_message,
            .on_down = on_down,
            .on_event = on_event}};
    if (latencies_ms == NULL || uv_loop_init(&loop) != 0 ||
        weft_link_open(&o, &the_link, &msg) != WEFT_OK) {
        fail("open", msg.text);
    }
    if (!is_door) {
        dial(argv[5], atoi(argv[6]));
    }
    (void)printf("ready %s\n", weft_link_address(the_link));
    (void)fflush(stdout);
    if (uv_pipe_init(&loop, &input, 0) != 0 || uv_pipe_open(&input, 0) != 0 ||
        uv_read_start((uv_stream_t *)&input, on_room, on_command) != 0) {
        fail("stdin", "not readable");
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    free(latencies_ms);
    return uv_loop_close(&loop) == 0 ? 0 : 3; /* Nothing was left behind. */
}
