#include "tests/cluster/client/fake_node.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/link.h"
#include "proto/client.h"

enum {
    COMMITS_MAX = 100000
};

struct fake_node {
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    struct weft_link *link;
    char address[64];
    pthread_mutex_t mutex; /* Of what follows. */
    enum fake_mode mode;
    char leader[64];
    uint64_t requests, commits, repeats;
    struct weft_request_id ids[COMMITS_MAX];
};

static void send_message(struct weft_link_conn *conn, const struct weft_client_message *message)
{
    struct weft_buffer bytes = {0};
    if (weft_client_encode(message, &bytes) != WEFT_OK ||
        weft_link_send(conn, (struct weft_bytes){bytes.data, bytes.size}) != WEFT_OK) {
        (void)fprintf(stderr, "the fake node cannot answer\n");
        abort();
    }
    weft_buffer_destroy(&bytes);
}

static void send_error(
    struct weft_link_conn *conn, uint64_t request_id, enum weft_err err, const char *leader)
{
    struct weft_client_message message = {.kind = WEFT_KIND_ERROR,
        .request_id = request_id,
        .error = {.err = err,
            .detail = WEFT_TEXT("as told"),
            .leader = weft_text_of(leader),
            .present_rev = err == WEFT_ECONFLICT ? 12 : 0}};
    send_message(conn, &message);
}

/* The index under which an id is committed, from 1; remembers it if it is new. */
static uint64_t commit(struct fake_node *n, const struct weft_request_id *id, bool *ret_repeated)
{
    for (uint64_t i = 0; i < n->commits; i++) {
        if (memcmp(&n->ids[i], id, sizeof(*id)) == 0) {
            n->repeats++;
            *ret_repeated = true;
            return i + 1;
        }
    }
    if (n->commits == COMMITS_MAX) {
        abort();
    }
    n->ids[n->commits++] = *id;
    *ret_repeated = false;
    return n->commits;
}

static void answer(struct fake_node *n, struct weft_link_conn *conn,
    const struct weft_client_message *request, bool has_answer)
{
    struct weft_client_message message = {
        .kind = WEFT_KIND_STATUS_RESULT, .request_id = request->request_id};
    if (request->kind == WEFT_KIND_COMMIT) {
        message.kind = WEFT_KIND_COMMIT_RESULT;
        message.commit_result.request_id = request->commit.request_id;
        message.commit_result.index =
            commit(n, &request->commit.request_id, &message.commit_result.repeated);
    } else if (request->kind == WEFT_KIND_MEMBER) {
        message.kind = WEFT_KIND_MEMBER_RESULT;
        message.member_result.index = 7;
    } else {
        message.status_result.node = WEFT_TEXT("fake");
    }
    if (has_answer) {
        send_message(conn, &message);
    }
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes bytes)
{
    struct fake_node *n = ctx;
    struct weft_arena arena = {.size_max = 16 << 20};
    struct weft_client_message request;
    struct weft_msg msg;
    enum weft_err result = WEFT_OK;
    if (weft_client_decode(bytes, &arena, &request, NULL, &msg) != WEFT_OK) {
        abort();
    }
    (void)pthread_mutex_lock(&n->mutex);
    n->requests++;
    switch (n->mode) {
    case FAKE_LEADER:
        answer(n, conn, &request, true);
        break;
    case FAKE_FOLLOWER:
        send_error(conn, envelope->request_id, WEFT_ENOTLEADER, n->leader);
        break;
    case FAKE_ELECTING:
        send_error(conn, envelope->request_id, WEFT_ENOTLEADER, "");
        break;
    case FAKE_BUSY:
        if (n->requests % 2 == 1) {
            send_error(conn, envelope->request_id, WEFT_EBUSY, "");
        } else {
            answer(n, conn, &request, true);
        }
        break;
    case FAKE_SILENT:
        break;
    case FAKE_DROPPING:
        answer(n, conn, &request, false);
        n->mode = FAKE_LEADER;
        result = WEFT_EMALFORMED; /* The link drops it. */
        break;
    case FAKE_REFUSING:
        send_error(conn, envelope->request_id, WEFT_EREFUSED, "");
        break;
    case FAKE_CONFLICT:
        send_error(conn, envelope->request_id, WEFT_ECONFLICT, "");
        break;
    }
    (void)pthread_mutex_unlock(&n->mutex);
    weft_arena_destroy(&arena);
    return result;
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    (void)ctx, (void)conn;
}

static void on_stop(uv_async_t *async)
{
    struct fake_node *n = async->data;
    weft_link_close(n->link, NULL, NULL);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *ctx)
{
    struct fake_node *n = ctx;
    (void)uv_run(&n->loop, UV_RUN_DEFAULT);
    return NULL;
}

struct fake_node *fake_node_start(
    const char *directory, const char *identity, const char *listen, enum fake_mode mode)
{
    struct fake_node *n = calloc(1, sizeof(*n));
    char ca[1024], cert[1024], key[1024];
    struct weft_msg msg;
    (void)snprintf(ca, sizeof(ca), "%s/ca.crt", directory);
    (void)snprintf(cert, sizeof(cert), "%s/%s.crt", directory, identity);
    (void)snprintf(key, sizeof(key), "%s/%s.key", directory, identity);
    (void)pthread_mutex_init(&n->mutex, NULL);
    (void)uv_loop_init(&n->loop);
    (void)uv_async_init(&n->loop, &n->stop, on_stop);
    n->stop.data = n;
    n->mode = mode;
    struct weft_link_options options = {.loop = &n->loop,
        .listen = listen,
        .ca_file = ca,
        .cert_file = cert,
        .key_file = key,
        .heartbeat_ms = 5000, /* What happens here happens on purpose, not for want of time. */
        .callbacks = {.ctx = n, .on_up = on_up, .on_message = on_message}};
    if (weft_link_open(&options, &n->link, &msg) != WEFT_OK) {
        (void)fprintf(stderr, "fake node: %s\n", msg.text);
        abort();
    }
    (void)snprintf(n->address, sizeof(n->address), "%s", weft_link_address(n->link));
    if (pthread_create(&n->thread, NULL, run, n) != 0) {
        abort();
    }
    return n;
}

void fake_node_stop(struct fake_node *n)
{
    (void)uv_async_send(&n->stop);
    (void)pthread_join(n->thread, NULL);
    (void)uv_loop_close(&n->loop);
    (void)pthread_mutex_destroy(&n->mutex);
    free(n);
}

const char *fake_node_address(const struct fake_node *n)
{
    return n->address;
}

void fake_node_set(struct fake_node *n, enum fake_mode mode)
{
    (void)pthread_mutex_lock(&n->mutex);
    n->mode = mode;
    (void)pthread_mutex_unlock(&n->mutex);
}

void fake_node_set_leader(struct fake_node *n, const char *address)
{
    (void)pthread_mutex_lock(&n->mutex);
    (void)snprintf(n->leader, sizeof(n->leader), "%s", address);
    (void)pthread_mutex_unlock(&n->mutex);
}

static uint64_t read_counter(const struct fake_node *n, const uint64_t *counter)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *)&n->mutex;
    (void)pthread_mutex_lock(mutex);
    uint64_t value = *counter;
    (void)pthread_mutex_unlock(mutex);
    return value;
}

uint64_t fake_node_requests(const struct fake_node *n)
{
    return read_counter(n, &n->requests);
}

uint64_t fake_node_commits(const struct fake_node *n)
{
    return read_counter(n, &n->commits);
}

uint64_t fake_node_repeats(const struct fake_node *n)
{
    return read_counter(n, &n->repeats);
}

uint32_t fake_node_commit(const struct fake_node *n, uint64_t i)
{
    uint32_t number;
    memcpy(&number, n->ids[i].bytes, sizeof(number));
    return number;
}
