/* link_deaths LINK OTHER COUNT: a peer that dies again and again, by SIGKILL, in the middle of
 * traffic in both directions; each time both directions must be up again, and carry a message,
 * within 2 s of the moment when the new process has opened its link. In a short run one in four
 * may be late: on a machine that others use a process waits for its turn. In the full run, of a
 * thousand and more, one in a hundred. None may be stuck.
 *
 * The parent uses the link LINK, the child OTHER. Each of the two listens and dials the other,
 * as the nodes of a site do. The child dies at a random moment after both directions work. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/link/link.h"
#include "tests/lib/certs.h"
#include "tests/lib/loopback.h"

enum {
    LATE_MS = 2000, /* specified: acceptance of the links */
    LATE_PERMILLE_MAX = 250,
    FULL_RUN = 1000,
    FULL_LATE_PERMILLE_MAX = 10,
    STUCK_MS = 60000,
    LIFE_MAX_MS = 40,
    BURST = 50,
    SIZE_MAX_BYTES = 20000,
    HEAD_SIZE = WEFT_ENVELOPE_SIZE + 8, /* Every message carries its sender's ready_ns. */
};

static struct {
    uv_loop_t loop;
    uv_timer_t tick, killer;
    struct weft_link *link;
    struct weft_link_conn *out, *in;
    const char *type, *other, *directory, *program;
    char own[64], peer[64]; /* Addresses: ours, and the one the child listens at. */
    pid_t child;
    uint64_t born_ms, random, messages;
    uint64_t ready_ns; /* When this child's link was open; the clock is the machine's. */
    uint64_t life;     /* Which child this is, or the parent's present one; messages carry it. */
    bool out_works, in_works, is_child;
    int deaths, wanted, late;
    double *times_ms;
    uint8_t frame[SIZE_MAX_BYTES];
} d;

static void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "link_deaths: %s: %s\n", what, why);
    if (d.child > 0) {
        (void)kill(d.child, SIGKILL);
    }
    exit(1);
}

static uint64_t random_below(uint64_t bound)
{
    uint64_t z = (d.random += 0x9e3779b97f4a7c15u); /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % bound;
}

static void send_some(struct weft_link_conn *conn, int count)
{
    for (int i = 0; conn != NULL && weft_link_conn_is_up(conn) && i < count; i++) {
        struct weft_envelope e = {
            .size_bytes = (uint32_t)(HEAD_SIZE + random_below(SIZE_MAX_BYTES - HEAD_SIZE)),
            .kind = WEFT_KIND_QUERY,
            .version = WEFT_ENVELOPE_VERSION,
            .request_id = d.life};
        weft_envelope_encode(&e, d.frame);
        memcpy(d.frame + WEFT_ENVELOPE_SIZE, &d.ready_ns, sizeof(d.ready_ns));
        if (weft_link_send(conn, (struct weft_bytes){d.frame, e.size_bytes}) != WEFT_OK) {
            return;
        }
    }
}

/* --- parent ------------------------------------------------------------------------------ */

static void start_child(void);

static void on_killer(uv_timer_t *timer)
{
    (void)timer;
    int status;
    send_some(d.out, BURST); /* It dies with bytes on the way. */
    if (kill(d.child, SIGKILL) != 0 || waitpid(d.child, &status, 0) != d.child ||
        !WIFSIGNALED(status)) {
        fail("child", "did not die of SIGKILL");
    }
    d.child = 0;
    d.life++;
    if (++d.deaths == d.wanted) {
        uv_stop(&d.loop);
        return;
    }
    start_child();
}

static void check_both(void)
{
    if (!d.out_works || !d.in_works || uv_is_active((uv_handle_t *)&d.killer)) {
        return;
    }
    double took = (double)(uv_hrtime() - d.ready_ns) / 1e6;
    d.times_ms[d.deaths] = took;
    d.late += took > LATE_MS;
    (void)uv_timer_start(&d.killer, on_killer, random_below(LIFE_MAX_MS), 0);
}

static void start_child(void)
{
    char life[16];
    d.out_works = d.in_works = false;
    (void)snprintf(life, sizeof(life), "%llu", (unsigned long long)d.life);
    uv_update_time(&d.loop);
    d.born_ms = uv_now(&d.loop);
    d.child = fork();
    if (d.child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execl(
            d.program, d.program, "child", d.other, d.directory, d.peer, d.own, life, (char *)NULL);
        _exit(127);
    }
    if (d.child < 0) {
        fail("fork", strerror(errno));
    }
}

/* Says whether it is the link's fault, the child's, or that of a machine without time. */
static void report_stuck(void)
{
    char path[64], state[512] = "gone";
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)d.child);
    FILE *f = fopen(path, "r");
    if (f != NULL) {
        state[fread(state, 1, sizeof(state) - 1, f)] = '\0';
        (void)fclose(f);
    }
    (void)fprintf(stderr, "link_deaths: life %llu: out %s, works %d, in works %d, child %s\n",
        (unsigned long long)d.life, weft_link_conn_is_up(d.out) ? "up" : "down", d.out_works,
        d.in_works, state);
    fail("nothing for a minute, last", weft_link_conn_error(d.out));
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
    send_some(d.out, 3);
    if (d.is_child) {
        return;
    }
    if (uv_now(&d.loop) - d.born_ms > STUCK_MS) {
        report_stuck();
    }
}

/* --- both -------------------------------------------------------------------------------- */

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes message)
{
    (void)ctx;
    d.messages++;
    if (!d.is_child && envelope->request_id != d.life) {
        return WEFT_OK; /* Last words of one that is dead. */
    }
    if (!d.is_child) {
        memcpy(&d.ready_ns, message.data + WEFT_ENVELOPE_SIZE, sizeof(d.ready_ns));
    }
    if (conn != d.out && envelope->kind == WEFT_KIND_QUERY) {
        /* Accepted: answer it, so that the dialling end knows that its direction works. */
        struct weft_envelope e = {.size_bytes = HEAD_SIZE,
            .kind = WEFT_KIND_PAGE,
            .version = WEFT_ENVELOPE_VERSION,
            .request_id = d.life};
        weft_envelope_encode(&e, d.frame);
        memcpy(d.frame + WEFT_ENVELOPE_SIZE, &d.ready_ns, sizeof(d.ready_ns));
        (void)!weft_link_send(conn, (struct weft_bytes){d.frame, HEAD_SIZE});
        d.in_works = true;
    } else {
        d.out_works = true;
    }
    if (!d.is_child) {
        check_both();
    }
    return WEFT_OK;
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    if (conn == d.out) {
        send_some(conn, 1);
    } else {
        d.in = conn;
    }
}

static void open_link(const char *type, const char *name, const char *listen)
{
    static char files[3][600];
    struct weft_msg msg = {""};
    (void)snprintf(files[0], sizeof(files[0]), "%s/ca.crt", d.directory);
    (void)snprintf(files[1], sizeof(files[1]), "%s/%s.crt", d.directory, name);
    (void)snprintf(files[2], sizeof(files[2]), "%s/%s.key", d.directory, name);
    struct weft_link_options o = {.loop = &d.loop,
        .type = strcmp(type, "nng") == 0 ? WEFT_LINK_NNG : WEFT_LINK_DIRECT,
        .listen = listen,
        .ca_file = files[0],
        .cert_file = files[1],
        .key_file = files[2],
        .message_size_max = 1 << 20,
        .queue_size_max = 1 << 20,
        .connections_max = 64,
        .handshake_ms = 5000,
        .heartbeat_ms = 300,
        .callbacks = {.on_message = on_message, .on_up = on_up}};
    if (uv_loop_init(&d.loop) != 0 || weft_link_open(&o, &d.link, &msg) != WEFT_OK) {
        fail("open", msg.text);
    }
}

static void dial(const char *address)
{
    struct weft_msg msg;
    if (weft_link_dial(d.link, address, &d.out, &msg) != WEFT_OK) {
        fail("dial", msg.text);
    }
    (void)uv_timer_init(&d.loop, &d.tick);
    (void)uv_timer_start(&d.tick, on_tick, 1, 2);
}

static int run_child(char **argv)
{
    d.is_child = true;
    d.directory = argv[3];
    d.random = (uint64_t)getpid();
    d.life = strtoull(argv[6], NULL, 10);
    open_link(argv[2], "n2", argv[4]);
    d.ready_ns = uv_hrtime();
    dial(argv[5]);
    return uv_run(&d.loop, UV_RUN_DEFAULT);
}

/* A port that is free now, for the child to listen at in each of its lives: on an address of our
 * own, where nobody takes it between two of them. */
static void choose_port(void)
{
    uv_tcp_t tcp;
    struct sockaddr_in any, bound;
    int size = sizeof(bound);
    if (uv_ip4_addr(test_loopback(), 0, &any) != 0 || uv_tcp_init(&d.loop, &tcp) != 0 ||
        uv_tcp_bind(&tcp, (struct sockaddr *)&any, 0) != 0 ||
        uv_tcp_getsockname(&tcp, (struct sockaddr *)&bound, &size) != 0) {
        fail("port", "none");
    }
    (void)snprintf(d.peer, sizeof(d.peer), "%s:%d", test_loopback(), ntohs(bound.sin_port));
    uv_close((uv_handle_t *)&tcp, NULL);
    (void)uv_run(&d.loop, UV_RUN_NOWAIT);
}

static int compare(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void on_closed(void *ctx)
{
    *(bool *)ctx = true;
    uv_close((uv_handle_t *)&d.tick, NULL);
    uv_close((uv_handle_t *)&d.killer, NULL);
}

static int finish(void)
{
    struct weft_link_stats s;
    struct rusage usage;
    bool is_closed = false;
    size_t last = (size_t)d.wanted - 1;
    weft_link_stats(d.link, &s);
    (void)getrusage(RUSAGE_SELF, &usage);
    qsort(d.times_ms, (size_t)d.wanted, sizeof(double), compare);
    (void)printf("%s with %s: %d deaths, each followed by both directions in p50 %.0f p99 %.0f max "
                 "%.0f ms after the new process had opened its link, %d later than %d ms; %" PRIu64
                 " messages, %" PRIu64 " dropped as silent, %ld KiB at most\n",
        d.type, d.other, d.deaths, d.times_ms[last / 2], d.times_ms[last * 99 / 100],
        d.times_ms[last], d.late, LATE_MS, d.messages, s.dropped_silent, usage.ru_maxrss);
    (void)uv_timer_stop(&d.tick);
    weft_link_close(d.link, on_closed, &is_closed);
    (void)uv_run(&d.loop, UV_RUN_DEFAULT);
    free(d.times_ms);
    if (!is_closed || uv_loop_close(&d.loop) != 0) {
        fail("close", "something was left behind");
    }
    uint64_t permille_max = d.wanted >= FULL_RUN ? FULL_LATE_PERMILLE_MAX : LATE_PERMILLE_MAX;
    return (uint64_t)d.late * 1000 <= (uint64_t)d.wanted * permille_max ? 0 : 1;
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/weft-deaths-XXXXXX", command[64];
    if (argc == 7 && strcmp(argv[1], "child") == 0) {
        return run_child(argv);
    }
    if (argc != 4 || atoi(argv[3]) < 1 || mkdtemp(directory) == NULL) {
        fail("usage", "link_deaths LINK OTHER COUNT");
    }
    d.program = "/proc/self/exe";
    d.type = argv[1];
    d.other = argv[2];
    d.wanted = atoi(argv[3]);
    d.directory = directory;
    d.random = 1;
    d.life = 1;
    d.times_ms = calloc((size_t)d.wanted, sizeof(double));
    struct test_ca *ca = test_ca_create(directory, "ca", NULL, TEST_KEY_P256);
    test_ca_issue(ca, &(struct test_cert){.file = "n1", .uri = "spiffe://acme.example/p/node/n1"});
    test_ca_issue(ca, &(struct test_cert){.file = "n2", .uri = "spiffe://acme.example/p/node/n2"});
    test_ca_destroy(ca);
    open_link(d.type, "n1", "127.0.0.1:0");
    (void)snprintf(d.own, sizeof(d.own), "%s", weft_link_address(d.link));
    choose_port();
    (void)uv_timer_init(&d.loop, &d.killer);
    dial(d.peer);
    start_child();
    (void)uv_run(&d.loop, UV_RUN_DEFAULT);
    int code = finish();
    (void)snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) == 0 ? code : 1;
}
