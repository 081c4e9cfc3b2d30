/* tests/bench/etcd_load.c: a load on etcd's native door (gRPC over HTTP/2), as its own clients
 * make it: the peer that our figures are measured against.
 *
 * Closed loop: each of CONNECTIONS keeps its share of OUTSTANDING requests under way, and the
 * next one starts when one is answered. `probe` is an open loop: a put every few milliseconds to
 * every endpoint, whatever became of the ones before, and a line for each acknowledgement, so
 * that the time without service after a kill can be read off. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 64,
    OUTSTANDING_MAX = 4096,
    SIZE_MAX_BYTES = 64 * 1024,
    KEY_SIZE = 16,
    HEAD_SIZE = 64,          /* gRPC's five bytes, tags and lengths */
    SAMPLES_MAX = 1 << 24,   /* chosen: ten minutes at 27,000/s */
    WINDOW_BYTES = 16 << 20, /* so that HTTP/2's flow control is never what is measured */
    SILENCE_MS = 5000,       /* closed loop: an etcd that answers nothing so long has failed */
};

enum op {
    OP_PUT,
    OP_GET,       /* linearizable */
    OP_GET_STALE, /* serializable: any member's own state */
    OP_PROBE,
};

struct settings {
    enum op op;
    char *endpoints;
    uint32_t connections;
    uint32_t outstanding;
    uint32_t size_bytes;
    uint32_t keys;
    uint32_t interval_ms;
    double warmup_s;
    double seconds;
};

struct call {
    uint64_t sent_ns;
    size_t size_bytes;
    size_t offset;
    bool is_ok;
    uint8_t message[HEAD_SIZE + KEY_SIZE + SIZE_MAX_BYTES];
};

struct connection {
    int fd; /* -1: gone */
    nghttp2_session *session;
    char authority[32];
};

static struct settings settings = {
    .op = OP_PUT,
    .connections = 1,
    .outstanding = 1,
    .size_bytes = 300,
    .keys = 100000,
    .interval_ms = 5,
    .warmup_s = 1,
    .seconds = 5,
};
static struct connection connections[CONNECTIONS_MAX];
static uint64_t start_ns, end_ns;
static uint32_t *samples_us;
static size_t sample_count, error_count;
static uint32_t under_way;
static uint64_t random_state;

_Noreturn static void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "etcd_load: %s: %s\n", what, why);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint8_t *put_varint(uint8_t *p, uint64_t value)
{
    while (value > 127) {
        *p++ = (uint8_t)(value | 128);
        value >>= 7;
    }
    *p++ = (uint8_t)value;
    return p;
}

/* PutRequest { key = 1; value = 2 } or RangeRequest { key = 1; serializable = 7 } behind gRPC's
 * frame: a byte for "not compressed", then the length, big-endian. */
static void write_message(struct call *call)
{
    uint8_t *p = call->message + 5;
    bool is_put = settings.op == OP_PUT || settings.op == OP_PROBE;
    char key[KEY_SIZE + 1];
    *p++ = 0x0a;
    *p++ = KEY_SIZE;
    (void)snprintf(key, sizeof key, "serial:%09u", (unsigned)(next_random() % settings.keys));
    memcpy(p, key, KEY_SIZE);
    p += KEY_SIZE;
    if (is_put) {
        *p++ = 0x12;
        p = put_varint(p, settings.size_bytes);
        /* Not one repeated byte: neither side shall win by compressing. */
        for (uint32_t i = 0; i < settings.size_bytes; i += 8) {
            uint64_t word = next_random();
            memcpy(p + i, &word, settings.size_bytes - i < 8 ? settings.size_bytes - i : 8);
        }
        p += settings.size_bytes;
    } else if (settings.op == OP_GET_STALE) {
        *p++ = 0x38;
        *p++ = 1;
    }
    uint32_t length = htonl((uint32_t)(p - call->message - 5));
    call->message[0] = 0;
    memcpy(call->message + 1, &length, sizeof length);
    call->size_bytes = (size_t)(p - call->message);
}

static ssize_t on_read_body(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)stream;
    (void)user;
    struct call *call = source->ptr;
    size_t left = call->size_bytes - call->offset;
    size_t taken = left < size ? left : size;
    memcpy(buffer, call->message + call->offset, taken);
    call->offset += taken;
    if (call->offset == call->size_bytes) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)taken;
}

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static void submit(struct connection *c)
{
    struct call *call = malloc(sizeof *call);
    if (call == NULL) {
        fail("call", "out of memory");
    }
    call->offset = 0;
    call->is_ok = false;
    write_message(call);
    call->sent_ns = now_ns();
    bool is_put = settings.op == OP_PUT || settings.op == OP_PROBE;
    nghttp2_nv headers[] = {
        header(":method", "POST"),
        header(":scheme", "http"),
        header(":path", is_put ? "/etcdserverpb.KV/Put" : "/etcdserverpb.KV/Range"),
        header(":authority", c->authority),
        header("content-type", "application/grpc"),
        header("te", "trailers"),
    };
    nghttp2_data_provider body = {{.ptr = call}, on_read_body};
    int32_t stream = nghttp2_submit_request(
        c->session, NULL, headers, sizeof headers / sizeof *headers, &body, call);
    if (stream < 0) {
        fail("request", nghttp2_strerror(stream));
    }
    under_way++;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
    (void)flags;
    (void)user;
    if (name_size == 11 && memcmp(name, "grpc-status", 11) == 0) {
        struct call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (call != NULL) {
            call->is_ok = value_size == 1 && *value == '0';
        }
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    (void)code;
    struct connection *c = user;
    struct call *call = nghttp2_session_get_stream_user_data(session, stream);
    if (call == NULL) {
        return 0;
    }
    uint64_t now = now_ns();
    under_way--;
    if (settings.op == OP_PROBE) {
        if (call->is_ok) {
            printf("%llu %llu\n", (unsigned long long)call->sent_ns, (unsigned long long)now);
        }
    } else {
        if (now >= start_ns && now < end_ns) {
            if (!call->is_ok) {
                error_count++;
            } else if (sample_count < SAMPLES_MAX) {
                samples_us[sample_count++] = (uint32_t)((now - call->sent_ns) / 1000);
            }
        }
        if (now < end_ns) {
            submit(c);
        }
    }
    free(call);
    return 0;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t written = send(fd, data, size, MSG_NOSIGNAL);
        if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            (void)poll(&writable, 1, 1000);
            continue;
        }
        if (written < 0) {
            return false;
        }
        data += written;
        size -= (size_t)written;
    }
    return true;
}

/* One write per turn, as a client library with a buffered writer does it. */
static bool flush(struct connection *c)
{
    static uint8_t buffer[1 << 20];
    size_t used = 0;
    for (;;) {
        const uint8_t *data;
        ssize_t size = nghttp2_session_mem_send(c->session, &data);
        if (size < 0) {
            return false;
        }
        if (used + (size_t)size > sizeof buffer || size == 0) {
            if (!write_all(c->fd, buffer, used)) {
                return false;
            }
            used = 0;
        }
        if (size == 0) {
            return true;
        }
        memcpy(buffer + used, data, (size_t)size);
        used += (size_t)size;
    }
}

static void hang_up(struct connection *c)
{
    if (settings.op != OP_PROBE) {
        fail(c->authority, "connection lost");
    }
    (void)close(c->fd);
    c->fd = -1;
}

static int dial(struct connection *c, const char *endpoint)
{
    char host[32];
    const char *colon = strrchr(endpoint, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    int one = 1;
    if (colon == NULL || (size_t)(colon - endpoint) >= sizeof host) {
        fail(endpoint, "not address:port");
    }
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - endpoint), endpoint);
    (void)snprintf(c->authority, sizeof c->authority, "%s", endpoint);
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fail(endpoint, "not an IPv4 address");
    }
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return -1;
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void open_connection(struct connection *c, const char *endpoint)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    if (dial(c, endpoint) != 0) {
        if (settings.op != OP_PROBE) {
            fail(endpoint, strerror(errno));
        }
        c->fd = -1;
        return;
    }
    if (nghttp2_session_callbacks_new(&callbacks) != 0) {
        fail(endpoint, "out of memory");
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    if (nghttp2_session_client_new(&c->session, callbacks, c) != 0 ||
        nghttp2_submit_settings(c->session, 0, entries, 2) != 0 ||
        nghttp2_submit_window_update(c->session, 0, 0, WINDOW_BYTES) != 0) {
        fail(endpoint, "HTTP/2 session");
    }
    nghttp2_session_callbacks_del(callbacks);
}

static void receive(struct connection *c)
{
    uint8_t buffer[65536];
    ssize_t size = read(c->fd, buffer, sizeof buffer);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0 || nghttp2_session_mem_recv(c->session, buffer, (size_t)size) < 0 || !flush(c)) {
        hang_up(c);
    }
}

/* Wait for answers, at most `wait_ms`; false if there were none. */
static bool turn(int wait_ms)
{
    struct pollfd polled[CONNECTIONS_MAX];
    for (uint32_t i = 0; i < settings.connections; i++) {
        polled[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
    }
    int count = poll(polled, settings.connections, wait_ms);
    for (uint32_t i = 0; count > 0 && i < settings.connections; i++) {
        if (polled[i].revents != 0) {
            receive(&connections[i]);
        }
    }
    return count > 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t quantile(double q)
{
    return sample_count == 0 ? 0 : samples_us[(size_t)((double)(sample_count - 1) * q)];
}

static void print_result(void)
{
    static const char *const names[] = {"put", "get", "get-stale", "probe"};
    qsort(samples_us, sample_count, sizeof *samples_us, compare);
    printf("{\"system\":\"etcd\",\"op\":\"%s\",\"outstanding\":%u,\"connections\":%u,"
           "\"size_bytes\":%u,\"seconds\":%.2f,\"per_second\":%.0f,\"p50_us\":%u,\"p90_us\":%u,"
           "\"p99_us\":%u,\"p99_9_us\":%u,\"max_us\":%u,\"count\":%zu,\"errors\":%zu}\n",
        names[settings.op], settings.outstanding, settings.connections, settings.size_bytes,
        settings.seconds, (double)sample_count / settings.seconds, quantile(0.5), quantile(0.9),
        quantile(0.99), quantile(0.999), quantile(1), sample_count, error_count);
}

static void run_closed_loop(void)
{
    start_ns = now_ns() + (uint64_t)(settings.warmup_s * 1e9);
    end_ns = start_ns + (uint64_t)(settings.seconds * 1e9);
    for (uint32_t i = 0, next = 0; i < settings.outstanding; i++) {
        submit(&connections[next]);
        next = next + 1 < settings.connections ? next + 1 : 0;
    }
    for (uint32_t i = 0; i < settings.connections; i++) {
        if (!flush(&connections[i])) {
            hang_up(&connections[i]);
        }
    }
    while (under_way > 0) {
        if (!turn(SILENCE_MS)) {
            fail(settings.endpoints, "no answer for 5 s");
        }
    }
    print_result();
}

static void run_probe(void)
{
    uint64_t next_ns = now_ns();
    end_ns = next_ns + (uint64_t)(settings.seconds * 1e9);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    while (now_ns() < end_ns) {
        for (uint32_t i = 0; i < settings.connections; i++) {
            if (connections[i].fd >= 0) {
                submit(&connections[i]);
                if (!flush(&connections[i])) {
                    hang_up(&connections[i]);
                }
            }
        }
        next_ns += (uint64_t)settings.interval_ms * 1000000;
        for (uint64_t now = now_ns(); now < next_ns; now = now_ns()) {
            (void)turn((int)((next_ns - now) / 1000000) + 1);
        }
    }
}

static void usage(FILE *out)
{
    (void)fputs("usage: etcd_load put|get|get-stale|probe --endpoints HOST:PORT[,...]\n"
                "  --connections N   HTTP/2 connections, dealt out over the endpoints (1)\n"
                "  --outstanding N   requests under way, dealt out over the connections (1)\n"
                "  --size BYTES      of a value (300)\n"
                "  --keys N          put and read at random among so many (100000)\n"
                "  --warmup S        not measured (1)\n"
                "  --seconds S       measured; probe: until it ends (5)\n"
                "  --interval MS     probe: between two puts to each endpoint (5)\n"
                "Prints one JSON object; probe: a line 'sent acknowledged' for each put that\n"
                "succeeded, in ns of the monotonic clock.\n",
        out);
}

static uint32_t number(const char *name, const char *text, uint32_t max)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || value == 0 || value > max) {
        fail(name, "out of range");
    }
    return (uint32_t)value;
}

static void parse(int count, char **words)
{
    static const struct option options[] = {{"endpoints", required_argument, NULL, 'e'},
        {"connections", required_argument, NULL, 'c'},
        {"outstanding", required_argument, NULL, 'o'}, {"size", required_argument, NULL, 's'},
        {"keys", required_argument, NULL, 'k'}, {"warmup", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 't'}, {"interval", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(count, words, "h", options, NULL)) != -1) {
        switch (c) {
        case 'e':
            settings.endpoints = optarg;
            break;
        case 'c':
            settings.connections = number("--connections", optarg, CONNECTIONS_MAX);
            break;
        case 'o':
            settings.outstanding = number("--outstanding", optarg, OUTSTANDING_MAX);
            break;
        case 's':
            settings.size_bytes = number("--size", optarg, SIZE_MAX_BYTES);
            break;
        case 'k':
            settings.keys = number("--keys", optarg, 999999999);
            break;
        case 'w':
            settings.warmup_s = strtod(optarg, NULL);
            break;
        case 't':
            settings.seconds = strtod(optarg, NULL);
            break;
        case 'i':
            settings.interval_ms = number("--interval", optarg, 1000);
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            usage(stderr);
            exit(2);
        }
    }
    const char *op = optind == count - 1 ? words[optind] : "";
    if (strcmp(op, "put") == 0) {
        settings.op = OP_PUT;
    } else if (strcmp(op, "get") == 0) {
        settings.op = OP_GET;
    } else if (strcmp(op, "get-stale") == 0) {
        settings.op = OP_GET_STALE;
    } else if (strcmp(op, "probe") == 0) {
        settings.op = OP_PROBE;
    } else {
        usage(stderr);
        exit(2);
    }
    if (settings.endpoints == NULL || settings.seconds <= 0) {
        usage(stderr);
        exit(2);
    }
}

int main(int count, char **words)
{
    char *endpoints[CONNECTIONS_MAX];
    uint32_t endpoint_count = 0;
    char *rest = NULL;
    parse(count, words);
    random_state = now_ns() | 1;
    samples_us = malloc(SAMPLES_MAX * sizeof *samples_us);
    char *list = strdup(settings.endpoints);
    if (samples_us == NULL || list == NULL) {
        fail("samples", "out of memory");
    }
    for (char *e = strtok_r(list, ",", &rest); e != NULL && endpoint_count < CONNECTIONS_MAX;
         e = strtok_r(NULL, ",", &rest)) {
        endpoints[endpoint_count++] = e;
    }
    if (endpoint_count == 0) {
        fail("--endpoints", "none");
    }
    if (settings.op == OP_PROBE) {
        settings.connections = endpoint_count;
    }
    for (uint32_t i = 0; i < settings.connections; i++) {
        open_connection(&connections[i], endpoints[i % endpoint_count]);
    }
    if (settings.op == OP_PROBE) {
        run_probe();
    } else {
        run_closed_loop();
    }
    for (uint32_t i = 0; i < settings.connections; i++) {
        if (connections[i].session != NULL) {
            nghttp2_session_del(connections[i].session);
        }
    }
    free(samples_us);
    free(list);
    return 0;
}
