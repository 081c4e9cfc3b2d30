/* link_load LINK OTHER SECONDS: four processes with sixteen connections each send as much as
 * the link takes, messages of any size, and get each one back.
 *
 * The door pauses a connection whose way back is full, so that back-pressure runs through both
 * directions. Every message must come back once, in order, with its content. */
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

enum {
    PROCESSES = 4,
    CONNECTIONS = 16,
    SIZE_MAX_BYTES = 60000,
    QUEUE = 256 * 1024,
    DOOR_QUEUE = 32 * 1024,
    DOOR_MEMORY_MAX_KIB = 80 * 1024 /* 64 connections, each with some hundreds of KiB */
};

struct stream {
    struct weft_link_conn *conn;
    uint64_t sent, received;
};

/* What the door keeps of a connection: the echo that did not fit. */
struct held {
    size_t size;
    uint8_t bytes[SIZE_MAX_BYTES + 64];
};

static uv_loop_t loop;
static uv_timer_t stopper;
static struct weft_link *the_link;
static struct stream streams[CONNECTIONS];
static uint8_t frame[SIZE_MAX_BYTES + 64];
static uint64_t total, pauses, full;
static bool is_stopping;

static void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "link_load: %s: %s\n", what, why);
    exit(1);
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Size and content follow from the sequence number. */
static size_t size_of(uint64_t sequence)
{
    uint64_t r = mix(sequence + 1);
    return WEFT_ENVELOPE_SIZE + (r % 64 == 0 ? (r >> 8) % SIZE_MAX_BYTES : (r >> 8) % 1000);
}

static uint8_t byte_of(uint64_t sequence, size_t at)
{
    return (uint8_t)(sequence * 131 + at * 7);
}

/* --- door -------------------------------------------------------------------------------- */

static void on_door_up(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    weft_link_conn_set_user(conn, calloc(1, sizeof(struct held)));
}

static void on_door_down(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    free(weft_link_conn_user(conn));
}

static enum weft_err on_door_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes message)
{
    struct held *held = weft_link_conn_user(conn);
    (void)ctx, (void)envelope;
    enum weft_err err = weft_link_send(conn, message);
    if (err == WEFT_EBUSY) { /* No further message comes until it has left. */
        memcpy(held->bytes, message.data, message.size);
        held->size = message.size;
        weft_link_conn_pause(conn, true);
        pauses++;
        return WEFT_OK;
    }
    return err;
}

static void on_door_drained(void *ctx, struct weft_link_conn *conn)
{
    struct held *held = weft_link_conn_user(conn);
    (void)ctx;
    if (held->size > 0 &&
        weft_link_send(conn, (struct weft_bytes){held->bytes, held->size}) == WEFT_OK) {
        held->size = 0;
        weft_link_conn_pause(conn, false);
    }
}

/* --- callers ----------------------------------------------------------------------------- */

static void send_on(struct stream *s)
{
    while (!is_stopping) {
        size_t size = size_of(s->sent);
        struct weft_envelope e = {.size_bytes = (uint32_t)size,
            .kind = WEFT_KIND_QUERY,
            .version = WEFT_ENVELOPE_VERSION,
            .request_id = s->sent};
        weft_envelope_encode(&e, frame);
        for (size_t i = WEFT_ENVELOPE_SIZE; i < size; i++) {
            frame[i] = byte_of(s->sent, i);
        }
        enum weft_err err = weft_link_send(s->conn, (struct weft_bytes){frame, size});
        if (err == WEFT_EBUSY) {
            full++;
            return;
        }
        if (err != WEFT_OK) {
            fail("send", weft_err_name(err));
        }
        s->sent++;
    }
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    send_on(weft_link_conn_user(conn));
}

static void on_drained(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    send_on(weft_link_conn_user(conn));
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx;
    fail("connection down", weft_link_conn_error(conn));
}

static bool is_done(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (streams[i].received != streams[i].sent) {
            return false;
        }
    }
    return is_stopping;
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes message)
{
    struct stream *s = weft_link_conn_user(conn);
    (void)ctx;
    if (envelope->request_id != s->received || message.size != size_of(s->received)) {
        fail("message", "out of order, or of another size");
    }
    for (size_t i = WEFT_ENVELOPE_SIZE; i < message.size; i++) {
        if (message.data[i] != byte_of(s->received, i)) {
            fail("message", "with another content");
        }
    }
    s->received++;
    total++;
    if (is_stopping && is_done()) {
        uv_stop(&loop);
    }
    return WEFT_OK;
}

static void on_stop(uv_timer_t *timer)
{
    (void)timer;
    if (is_stopping) {
        fail("end", "messages are missing");
    }
    is_stopping = true;
    (void)uv_timer_start(&stopper, on_stop, 60000, 0);
    if (is_done()) {
        uv_stop(&loop);
    }
}

/* --- both -------------------------------------------------------------------------------- */

static void open_link(const char *directory, const char *name, const char *type, bool is_door)
{
    static char files[3][600];
    struct weft_msg msg = {""};
    (void)snprintf(files[0], sizeof(files[0]), "%s/ca.crt", directory);
    (void)snprintf(files[1], sizeof(files[1]), "%s/%s.crt", directory, name);
    (void)snprintf(files[2], sizeof(files[2]), "%s/%s.key", directory, name);
    struct weft_link_options o = {.loop = &loop,
        .type = strcmp(type, "nng") == 0 ? WEFT_LINK_NNG : WEFT_LINK_DIRECT,
        .listen = is_door ? "127.0.0.1:0" : NULL,
        .ca_file = files[0],
        .cert_file = files[1],
        .key_file = files[2],
        .message_size_max = 1 << 20,
        .queue_size_max = is_door ? DOOR_QUEUE : QUEUE,
        .connections_max = 256,
        .handshake_ms = 20000,
        .heartbeat_ms = 5000,
        .slow_ms = 60000,
        .callbacks = {.on_message = is_door ? on_door_message : on_message,
            .on_up = is_door ? on_door_up : on_up,
            .on_down = is_door ? on_door_down : on_down,
            .on_drained = is_door ? on_door_drained : on_drained}};
    if (uv_loop_init(&loop) != 0 || weft_link_open(&o, &the_link, &msg) != WEFT_OK) {
        fail("open", msg.text);
    }
}

static void call(const char *directory, const char *type, const char *address, int seconds, int out)
{
    struct weft_msg msg;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    open_link(directory, "n2", type, false);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (weft_link_dial(the_link, address, &streams[i].conn, &msg) != WEFT_OK) {
            fail("dial", msg.text);
        }
        weft_link_conn_set_user(streams[i].conn, &streams[i]);
    }
    (void)uv_timer_init(&loop, &stopper);
    (void)uv_timer_start(&stopper, on_stop, (uint64_t)seconds * 1000, 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    uint64_t report[2] = {total, full};
    if (!is_done() || write(out, report, sizeof(report)) != sizeof(report)) {
        fail("end", "not done");
    }
    _exit(0);
}

static void on_stop_door(uv_timer_t *timer)
{
    int status;
    static int ended;
    for (;;) {
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            break;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fail("caller", "failed");
        }
        ended++;
    }
    if (ended == PROCESSES) {
        uv_close((uv_handle_t *)timer, NULL);
        weft_link_close(the_link, NULL, NULL);
    }
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/weft-load-XXXXXX", command[64], address[64];
    int reports[2];
    if (argc == 7) { /* Ourselves again, as a caller. */
        call(argv[1], argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
    }
    if (argc != 4 || atoi(argv[3]) < 1 || mkdtemp(directory) == NULL || pipe(reports) != 0) {
        fail("usage", "link_load LINK OTHER SECONDS");
    }
    struct test_ca *ca = test_ca_create(directory, "ca", NULL, TEST_KEY_P256);
    test_ca_issue(ca, &(struct test_cert){.file = "n1", .uri = "spiffe://acme.example/p/node/n1"});
    test_ca_issue(ca, &(struct test_cert){.file = "n2", .uri = "spiffe://acme.example/p/node/n2"});
    test_ca_destroy(ca);
    open_link(directory, "n1", argv[1], true);
    (void)snprintf(address, sizeof(address), "%s", weft_link_address(the_link));
    for (int i = 0; i < PROCESSES; i++) {
        char out[16];
        (void)snprintf(out, sizeof(out), "%d", reports[1]);
        pid_t child = fork();
        if (child == 0) {
            (void)execl("/proc/self/exe", argv[0], directory, argv[2], address, argv[3], out, "-",
                (char *)NULL);
            _exit(127);
        }
        if (child < 0) {
            fail("fork", strerror(errno));
        }
    }
    (void)uv_timer_init(&loop, &stopper);
    (void)uv_timer_start(&stopper, on_stop_door, 50, 50);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    uint64_t report[2], messages = 0, fulls = 0;
    for (int i = 0; i < PROCESSES; i++) {
        if (read(reports[0], report, sizeof(report)) != sizeof(report)) {
            fail("report", "missing");
        }
        messages += report[0];
        fulls += report[1];
    }
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("%s with %s: %d connections, %" PRIu64
                 " messages there and back, %.0f/s; queues full "
                 "%" PRIu64 " times, %" PRIu64 " pauses, door %ld KiB at most\n",
        argv[1], argv[2], PROCESSES * CONNECTIONS, messages, (double)messages / atoi(argv[3]),
        fulls, pauses, usage.ru_maxrss);
    (void)snprintf(command, sizeof(command), "rm -r %s", directory);
#ifndef WEFT_SANITIZED
    if (usage.ru_maxrss > DOOR_MEMORY_MAX_KIB) {
        fail("door", "its memory is not bounded by its queues");
    }
#endif
    return messages > 0 && fulls > 0 && pauses > 0 && uv_loop_close(&loop) == 0 &&
                   system(command) == 0
               ? 0
               : 1;
}
