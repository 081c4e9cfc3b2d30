/* bench_link: round trip, one-way stream and many clients over a link, between two processes.
 *
 *   bench_link [--link direct|nng] [--size BYTES] [--clients N] [--seconds S] [--ed25519]
 *
 * The server runs in a child: it echoes queries, swallows commits, and tells its CPU time. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/link/link.h"
#include "tests/lib/certs.h"

enum {
    PINGS = 20000,
    WARM_UP = 2000,
    CLIENTS_MAX = 1024,
    MESSAGE_SIZE_MAX = 1 << 20
};

enum phase {
    PHASE_PING,
    PHASE_STREAM,
    PHASE_STREAM_END,
    PHASE_CLIENTS,
    PHASE_DONE
};

static struct {
    uv_loop_t loop;
    struct weft_link *link;
    struct weft_link_conn *conns[CLIENTS_MAX];
    uint8_t message[MESSAGE_SIZE_MAX];
    size_t size, clients_size;
    int clients, up;
    double seconds;
    enum phase phase;
    uint64_t sent, received, begin_ns, begin_cpu_us, server_cpu_us, end_ns;
    double latency_us[PINGS];
    double *all_us; /* Of PHASE_CLIENTS. */
    uint64_t all_count, all_max;
    uint64_t client_ns[CLIENTS_MAX];
} b;

static void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_link: %s: %s\n", what, why);
    exit(1);
}

static uint64_t cpu_us(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static enum weft_err send_message(
    struct weft_link_conn *conn, uint16_t kind, uint64_t request_id, size_t size)
{
    struct weft_envelope e = {.size_bytes = (uint32_t)size,
        .kind = kind,
        .version = WEFT_ENVELOPE_VERSION,
        .request_id = request_id};
    weft_envelope_encode(&e, b.message);
    return weft_link_send(conn, (struct weft_bytes){b.message, size});
}

/* --- server ------------------------------------------------------------------------------ */

static enum weft_err on_server_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *e, struct weft_bytes message)
{
    (void)ctx;
    if (e->kind == WEFT_KIND_COMMIT && e->request_id == 0) {
        return WEFT_OK;
    }
    if (e->kind == WEFT_KIND_QUERY) {
        return weft_link_send(conn, message);
    }
    return send_message(conn, WEFT_KIND_STATUS_RESULT, cpu_us(), WEFT_ENVELOPE_SIZE);
}

/* --- client ------------------------------------------------------------------------------ */

static int compare(const void *x, const void *y)
{
    double a = *(const double *)x, c = *(const double *)y;
    return (a > c) - (a < c);
}

static double percentile(double *us, uint64_t count, double p)
{
    return count == 0 ? 0 : us[(uint64_t)((double)(count - 1) * p)];
}

static void ask_cpu(void)
{
    if (send_message(b.conns[0], WEFT_KIND_STATUS, 1, WEFT_ENVELOPE_SIZE) != WEFT_OK) {
        fail("status", "not sent");
    }
}

static void ping(void)
{
    b.begin_ns = uv_hrtime();
    if (send_message(b.conns[0], WEFT_KIND_QUERY, b.received, b.size) != WEFT_OK) {
        fail("ping", "not sent");
    }
}

static void stream(void)
{
    while (b.phase == PHASE_STREAM) {
        if (send_message(b.conns[0], WEFT_KIND_COMMIT, 0, b.size) != WEFT_OK) {
            return; /* on_drained goes on. */
        }
        b.sent++;
        if ((b.sent & 1023) == 0 && (double)(uv_hrtime() - b.begin_ns) > b.seconds * 1e9) {
            b.phase = PHASE_STREAM_END;
            while (send_message(b.conns[0], WEFT_KIND_STATUS, 1, WEFT_ENVELOPE_SIZE) != WEFT_OK) {
                (void)uv_run(&b.loop, UV_RUN_NOWAIT);
            }
        }
    }
}

static void on_drained(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx, (void)conn;
    stream();
}

static void request(uint64_t client)
{
    b.client_ns[client] = uv_hrtime();
    if (send_message(b.conns[client], WEFT_KIND_QUERY, client, b.clients_size) != WEFT_OK) {
        fail("client", "not sent");
    }
}

static void on_ping(void)
{
    if (b.received >= WARM_UP) {
        b.latency_us[b.received - WARM_UP] = (double)(uv_hrtime() - b.begin_ns) / 1e3;
    }
    if (++b.received < WARM_UP + PINGS) {
        ping();
        return;
    }
    qsort(b.latency_us, PINGS, sizeof(double), compare);
    (void)printf("round trip %zu B: p50 %.1f p90 %.1f p99 %.1f p99.9 %.1f us\n", b.size,
        percentile(b.latency_us, PINGS, 0.5), percentile(b.latency_us, PINGS, 0.9),
        percentile(b.latency_us, PINGS, 0.99), percentile(b.latency_us, PINGS, 0.999));
    ask_cpu();
}

static void on_clients_done(uint64_t server_us)
{
    double seconds = (double)(b.end_ns - b.begin_ns) / 1e9;
    double core_seconds = (double)(server_us - b.server_cpu_us) / 1e6;
    qsort(b.all_us, b.all_count, sizeof(double), compare);
    (void)printf("%d clients, %zu B, 1 outstanding each: %.0f requests/s, p50 %.0f p99 %.0f us; "
                 "server %.2f cores, %.0f requests/s per core\n",
        b.clients, b.clients_size, (double)b.all_count / seconds,
        percentile(b.all_us, b.all_count, 0.5), percentile(b.all_us, b.all_count, 0.99),
        core_seconds / seconds, (double)b.all_count / core_seconds);
}

static void on_status(uint64_t server_us)
{
    uint64_t now = uv_hrtime();
    if (b.phase == PHASE_PING) {
        b.server_cpu_us = server_us;
        b.begin_cpu_us = cpu_us();
        b.begin_ns = now;
        b.phase = PHASE_STREAM;
        stream();
    } else if (b.phase == PHASE_STREAM_END) {
        double seconds = (double)(now - b.begin_ns) / 1e9;
        (void)printf("one way %zu B: %.0f messages/s, %.1f MB/s; CPU per message: sender %.2f "
                     "receiver %.2f us\n",
            b.size, (double)b.sent / seconds, (double)(b.sent * b.size) / seconds / 1e6,
            (double)(cpu_us() - b.begin_cpu_us) / (double)b.sent,
            (double)(server_us - b.server_cpu_us) / (double)b.sent);
        b.phase = PHASE_CLIENTS;
        b.server_cpu_us = server_us;
        b.begin_ns = now;
        for (uint64_t i = 0; i < (uint64_t)b.clients; i++) {
            request(i);
        }
    } else {
        on_clients_done(server_us);
        b.phase = PHASE_DONE;
    }
}

static enum weft_err on_client_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *e, struct weft_bytes message)
{
    (void)ctx, (void)conn, (void)message;
    if (e->kind == WEFT_KIND_STATUS_RESULT) {
        on_status(e->request_id);
    } else if (b.phase == PHASE_PING) {
        on_ping();
    } else if (b.phase == PHASE_CLIENTS) {
        uint64_t now = uv_hrtime();
        if (b.all_count < b.all_max) {
            b.all_us[b.all_count++] = (double)(now - b.client_ns[e->request_id]) / 1e3;
        }
        if (b.end_ns == 0 && (double)(now - b.begin_ns) > b.seconds * 1e9) {
            b.end_ns = now;
            ask_cpu();
        }
        if (b.end_ns == 0) {
            request(e->request_id);
        }
    }
    return WEFT_OK;
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx, (void)conn;
    if (++b.up == b.clients) {
        ping();
    }
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    if (b.phase != PHASE_DONE) {
        fail("connection down", weft_link_conn_error(conn));
    }
}

/* --- both -------------------------------------------------------------------------------- */

static struct weft_link_options options_of(
    const char *directory, const char *name, enum weft_link_type type)
{
    static char files[3][600];
    (void)snprintf(files[0], sizeof(files[0]), "%s/ca.crt", directory);
    (void)snprintf(files[1], sizeof(files[1]), "%s/%s.crt", directory, name);
    (void)snprintf(files[2], sizeof(files[2]), "%s/%s.key", directory, name);
    return (struct weft_link_options){.loop = &b.loop,
        .type = type,
        .ca_file = files[0],
        .cert_file = files[1],
        .key_file = files[2],
        .message_size_max = MESSAGE_SIZE_MAX,
        .queue_size_max = 4 << 20,
        .connections_max = CLIENTS_MAX,
        .handshakes_max = CLIENTS_MAX,
        .handshake_ms = 20000,
        .heartbeat_ms = 1000};
}

static void serve(struct weft_link_options *o, int port_fd)
{
    struct weft_msg msg;
    o->listen = "127.0.0.1:0";
    o->callbacks.on_message = on_server_message;
    if (uv_loop_init(&b.loop) != 0 || weft_link_open(o, &b.link, &msg) != WEFT_OK) {
        fail("server", msg.text);
    }
    const char *address = weft_link_address(b.link);
    if (write(port_fd, address, strlen(address) + 1) < 0) {
        fail("server", "pipe");
    }
    (void)uv_run(&b.loop, UV_RUN_DEFAULT);
    exit(0);
}

static void drive(struct weft_link_options *o, const char *address)
{
    struct weft_msg msg;
    o->callbacks.on_message = on_client_message;
    o->callbacks.on_up = on_up;
    o->callbacks.on_down = on_down;
    o->callbacks.on_drained = on_drained;
    b.all_max = 10000000;
    b.all_us = malloc(b.all_max * sizeof(double));
    if (b.all_us == NULL || uv_loop_init(&b.loop) != 0 ||
        weft_link_open(o, &b.link, &msg) != WEFT_OK) {
        fail("client", msg.text);
    }
    for (int i = 0; i < b.clients; i++) {
        if (weft_link_dial(b.link, address, &b.conns[i], &msg) != WEFT_OK) {
            fail("dial", msg.text);
        }
    }
    while (b.phase != PHASE_DONE) {
        (void)uv_run(&b.loop, UV_RUN_ONCE);
    }
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"link", required_argument, NULL, 'l'},
        {"size", required_argument, NULL, 's'}, {"clients", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 't'}, {"ed25519", no_argument, NULL, 'e'}, {0}};
    enum weft_link_type type = WEFT_LINK_DIRECT;
    enum test_key key = TEST_KEY_P256;
    char directory[] = "/tmp/weft-bench-XXXXXX", address[64] = "", command[64];
    int option, ports[2];
    b.size = 256;
    b.clients_size = 400;
    b.clients = 256;
    b.seconds = 5;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (option) {
        case 'l':
            type = strcmp(optarg, "nng") == 0 ? WEFT_LINK_NNG : WEFT_LINK_DIRECT;
            break;
        case 's':
            b.size = strtoul(optarg, NULL, 10);
            break;
        case 'c':
            b.clients = atoi(optarg);
            break;
        case 't':
            b.seconds = strtod(optarg, NULL);
            break;
        case 'e':
            key = TEST_KEY_ED25519;
            break;
        default:
            return 2;
        }
    }
    if (b.size < WEFT_ENVELOPE_SIZE || b.size > MESSAGE_SIZE_MAX || b.clients < 1 ||
        b.clients > CLIENTS_MAX || mkdtemp(directory) == NULL || pipe(ports) != 0) {
        fail("options", "out of range");
    }
    struct test_ca *ca = test_ca_create(directory, "ca", NULL, key);
    test_ca_issue(ca,
        &(struct test_cert){.file = "n1", .uri = "spiffe://acme.example/p1/node/n1", .key = key});
    test_ca_issue(ca,
        &(struct test_cert){.file = "n2", .uri = "spiffe://acme.example/p1/node/n2", .key = key});
    test_ca_destroy(ca);
    (void)printf("link %s\n", type == WEFT_LINK_NNG ? "nng" : "direct");
    (void)fflush(stdout);
    pid_t child = fork();
    struct weft_link_options o = options_of(directory, child == 0 ? "n1" : "n2", type);
    if (child == 0) {
        serve(&o, ports[1]);
    }
    if (child < 0 || read(ports[0], address, sizeof(address)) <= 0) {
        fail("server", "did not start");
    }
    drive(&o, address);
    (void)kill(child, SIGTERM);
    (void)waitpid(child, NULL, 0);
    (void)snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) == 0 ? 0 : 1;
}
