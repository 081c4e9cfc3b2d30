#include "tests/cluster/link/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/loopback.h"
#include "tests/lib/test.h"

enum {
    KIND = WEFT_KIND_QUERY
};

void (*rig_on_create)(struct rig *rig);

const char *rig_path(const struct rig *rig, const char *file)
{
    static char paths[8][1024];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", rig->directory, file);
    return path;
}

void rig_create(struct rig *rig)
{
    *rig = (struct rig){0};
    EXPECT_EQ(0, uv_loop_init(&rig->loop));
    (void)snprintf(rig->directory, sizeof(rig->directory), "%s", test_directory());
    rig->ca = test_ca_create(rig->directory, "ca", "acme.example", TEST_KEY_P256);
    rig->other_ca = test_ca_create(rig->directory, "other", "other.example", TEST_KEY_ED25519);
    test_ca_issue(
        rig->ca, &(struct test_cert){.file = "n1", .uri = "spiffe://acme.example/plant1/node/n1"});
    test_ca_issue(
        rig->ca, &(struct test_cert){.file = "n2", .uri = "spiffe://acme.example/plant1/node/n2"});
    test_ca_issue(rig->ca,
        &(struct test_cert){
            .file = "n3", .uri = "spiffe://acme.example/plant1/node/n3", .key = TEST_KEY_ED25519});
    test_ca_issue(rig->ca,
        &(struct test_cert){.file = "p2n1", .uri = "spiffe://acme.example/plant2/node/n1"});
    test_ca_issue(rig->other_ca,
        &(struct test_cert){.file = "stranger", .uri = "spiffe://other.example/plant1/node/n2"});
    if (rig_on_create != NULL) {
        rig_on_create(rig);
    }
}

void rig_destroy(struct rig *rig)
{
    rig_run_ms(rig, 0);
    EXPECT_EQ(0, uv_loop_close(&rig->loop)); /* Nobody has left a handle behind. */
    test_ca_destroy(rig->ca);
    test_ca_destroy(rig->other_ca);
}

enum weft_link_type rig_type(bool is_listening)
{
    const char *type = getenv("WEFT_TEST_LINK");
    const char *other = getenv("WEFT_TEST_LINK_OTHER");
    if (!is_listening && other != NULL) {
        type = other;
    }
    return type != NULL && strcmp(type, "nng") == 0 ? WEFT_LINK_NNG : WEFT_LINK_DIRECT;
}

/* --- callbacks --------------------------------------------------------------------------- */

static bool admit(
    void *ctx, const struct weft_identity *identity, bool is_dialled, struct weft_msg *reason)
{
    struct party *p = ctx;
    (void)is_dialled;
    p->identity = *identity;
    if (!p->is_admitting) {
        (void)weft_fail(reason, WEFT_EREFUSED, "%s is not one of us", identity->uri);
        return false;
    }
    p->admitted++;
    return true;
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    struct party *p = ctx;
    EXPECT_TRUE(weft_link_conn_is_up(conn));
    p->conn = conn;
    p->next = 0;
    p->ups++;
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes message)
{
    struct party *p = ctx;
    EXPECT_EQ(0, (uintptr_t)message.data % 8);
    EXPECT_EQ(message.size, envelope->size_bytes);
    p->messages++;
    p->last_size = message.size;
    p->is_order_broken |= envelope->request_id != p->next++;
    for (size_t i = WEFT_ENVELOPE_SIZE; i < message.size; i++) {
        p->is_content_broken |= message.data[i] != (uint8_t)(envelope->request_id * 31 + i);
    }
    if (p->is_closing_in_message) {
        p->conn = NULL;
        weft_link_conn_close(conn);
        return WEFT_OK;
    }
    if (p->is_echo) {
        EXPECT_EQ(WEFT_OK, weft_link_send(conn, message));
    }
    return p->verdict;
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    struct party *p = ctx;
    EXPECT_TRUE(!weft_link_conn_is_up(conn));
    p->conn = p->conn == conn ? NULL : p->conn;
    p->downs++;
}

static void on_drained(void *ctx, struct weft_link_conn *conn)
{
    struct party *p = ctx;
    (void)conn;
    p->drained++;
}

static void on_event(void *ctx, const char *event, const char *detail)
{
    struct party *p = ctx;
    (void)snprintf(p->events[p->event_count++ % RIG_EVENTS_MAX], RIG_TEXT_SIZE, "%.64s: %.400s",
        event, detail);
}

static void on_closed(void *ctx)
{
    struct party *p = ctx;
    p->link = NULL;
    p->closed++;
}

/* --- parties ----------------------------------------------------------------------------- */

struct weft_link_options rig_options(
    struct rig *rig, struct party *party, const char *name, bool is_listening)
{
    static char files[3][8][1024], listen[32];
    static unsigned next;
    unsigned i = next++ % 8;
    (void)snprintf(listen, sizeof(listen), "%s:0", test_loopback());
    *party = (struct party){.rig = rig, .is_admitting = true};
    (void)snprintf(files[0][i], 1024, "%s/ca.crt", rig->directory);
    (void)snprintf(files[1][i], 1024, "%s/%s.crt", rig->directory, name);
    (void)snprintf(files[2][i], 1024, "%s/%s.key", rig->directory, name);
    return (struct weft_link_options){
        .loop = &rig->loop,
        .type = rig_type(is_listening),
        .listen = is_listening ? listen : NULL,
        .ca_file = files[0][i],
        .cert_file = files[1][i],
        .key_file = files[2][i],
        .message_size_max = 1 << 20,
        .queue_size_max = 4 << 20,
        .connections_max = 64,
        /* Short ones are for tests that are about them. */
        .handshake_ms = 20000,
        .heartbeat_ms = 5000,
        .callbacks =
            {
                .ctx = party,
                .admit = admit,
                .on_up = on_up,
                .on_message = on_message,
                .on_down = on_down,
                .on_drained = on_drained,
                .on_event = on_event,
            },
    };
}

void rig_open(struct rig *rig, struct party *party, const struct weft_link_options *options)
{
    struct weft_msg msg = {""};
    (void)rig;
    if (weft_link_open(options, &party->link, &msg) != WEFT_OK) {
        (void)fprintf(stderr, "open: %s\n", msg.text);
        EXPECT_TRUE(false);
    }
}

void rig_close(struct party *party)
{
    weft_link_close(party->link, on_closed, party);
    EXPECT_EQ(0, party->closed); /* Never from inside the call. */
    EXPECT_TRUE(rig_until(party->rig, &party->closed, 1, RIG_WAIT_MS));
}

struct weft_link_conn *rig_dial(struct party *party, const char *address)
{
    struct weft_link_conn *conn = NULL;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_link_dial(party->link, address, &conn, &msg));
    return conn;
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static bool run(struct rig *rig, const int *i, int wanted_i, const uint64_t *u, uint64_t wanted_u,
    uint64_t wait_ms)
{
    uv_timer_t timer;
    bool is_late = false;
    (void)uv_update_time(&rig->loop);
    (void)uv_timer_init(&rig->loop, &timer);
    timer.data = &is_late;
    (void)uv_timer_start(&timer, on_late, wait_ms, 0);
    while (!is_late && !(i != NULL && *i >= wanted_i) && !(u != NULL && *u >= wanted_u)) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
    return (i != NULL && *i >= wanted_i) || (u != NULL && *u >= wanted_u);
}

bool rig_until(struct rig *rig, const int *flag, int wanted, uint64_t wait_ms)
{
    return run(rig, flag, wanted, NULL, 0, wait_ms);
}

bool rig_until_u64(struct rig *rig, const uint64_t *flag, uint64_t wanted, uint64_t wait_ms)
{
    return run(rig, NULL, 0, flag, wanted, wait_ms);
}

void rig_run_ms(struct rig *rig, uint64_t wait_ms)
{
    (void)run(rig, NULL, 0, NULL, 0, wait_ms);
}

enum weft_err rig_send(struct weft_link_conn *conn, uint64_t sequence, size_t size)
{
    uint8_t *frame = malloc(size);
    struct weft_envelope envelope = {.size_bytes = (uint32_t)size,
        .kind = KIND,
        .version = WEFT_ENVELOPE_VERSION,
        .request_id = sequence};
    weft_envelope_encode(&envelope, frame);
    for (size_t i = WEFT_ENVELOPE_SIZE; i < size; i++) {
        frame[i] = (uint8_t)(sequence * 31 + i);
    }
    enum weft_err err = weft_link_send(conn, (struct weft_bytes){frame, size});
    free(frame);
    return err;
}

bool rig_has_event(const struct party *party, const char *part)
{
    for (int i = 0; i < party->event_count && i < RIG_EVENTS_MAX; i++) {
        if (strstr(party->events[i], part) != NULL) {
            return true;
        }
    }
    for (int i = 0; i < party->event_count && i < RIG_EVENTS_MAX; i++) {
        (void)fprintf(stderr, "    event %s\n", party->events[i]);
    }
    return false;
}

struct weft_link_stats rig_stats(const struct party *party)
{
    struct weft_link_stats stats;
    weft_link_stats(party->link, &stats);
    return stats;
}
