#include <stdio.h>
#include <string.h>

#include "ops/weft/client.h"
#include "ops/weft/output.h"
#include "tests/cluster/client/fake_node.h"
#include "tests/lib/certs.h"
#include "tests/lib/loopback.h"
#include "tests/lib/test.h"

/* The client of the command against nodes that misbehave as told, over real links on loopback. */

static const char nowhere[] = "127.0.0.1:9"; /* discard: nobody listens */

enum {
    WAIT_MS = 60000 /* chosen: for what is to succeed, on however busy a machine */
};

static struct weft_net *net;
static struct weft_client *client;
static struct weft_msg message;
static struct weft_arena arena;

/* A root, two nodes' certificates, a person's; the person's directory is the identity. */
static void make_certificates(void)
{
    struct test_ca *ca = test_ca_create(test_directory(), "ca", NULL, TEST_KEY_P256);
    test_ca_issue(
        ca, &(struct test_cert){.file = "n1", .uri = "spiffe://oem.example/plant1/node/n1"});
    test_ca_issue(
        ca, &(struct test_cert){.file = "n2", .uri = "spiffe://oem.example/plant1/node/n2"});
    test_ca_issue(
        ca, &(struct test_cert){.file = "tls", .uri = "spiffe://oem.example/plant1/op/anna"});
    test_ca_issue(
        ca, &(struct test_cert){.file = "impostor", .uri = "spiffe://oem.example/plant1/op/eve"});
    test_ca_destroy(ca);
}

static struct fake_node *start(const char *identity, enum fake_mode mode)
{
    char listen[32];
    (void)snprintf(listen, sizeof(listen), "%s:0", test_loopback());
    return fake_node_start(test_directory(), identity, listen, mode);
}

static void connect_to(const char *a, const char *b, uint64_t timeout_ms, bool is_pinned)
{
    struct weft_context context = {0};
    EXPECT_EQ(WEFT_OK, weft_context_add_endpoints(&context, a, &message));
    if (b != NULL) {
        EXPECT_EQ(WEFT_OK, weft_context_add_endpoints(&context, b, &message));
    }
    EXPECT_EQ(WEFT_OK, weft_net_open(test_directory(), &net, &message));
    EXPECT_EQ(WEFT_OK, weft_client_create(net, &context, timeout_ms, is_pinned, &client, &message));
    arena = (struct weft_arena){.size_max = 1 << 20};
}

static void hang_up(void)
{
    weft_client_destroy(client);
    weft_net_close(net);
    weft_arena_destroy(&arena);
    client = NULL;
    net = NULL;
}

static struct weft_client_message commit_of(uint32_t number)
{
    static struct weft_record record = {.kind = WEFT_TEXT("a"), .asset = WEFT_TEXT("x/1")};
    struct weft_client_message m = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = &record, .record_count = 1}};
    memcpy(m.commit.request_id.bytes, &number, sizeof(number));
    m.commit.request_id.bytes[15] = 1;
    return m;
}

static enum weft_err call(const struct weft_client_message *m, struct weft_client_message *ret)
{
    struct weft_client_message unused;
    return weft_client_call(client, m, &arena, ret != NULL ? ret : &unused, &message);
}

static enum weft_err commit(uint32_t number)
{
    struct weft_client_message m = commit_of(number);
    return call(&m, NULL);
}

TEST(client, call_is_answered)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_LEADER);
    struct weft_client_message request = {.kind = WEFT_KIND_STATUS}, answer;
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    EXPECT_EQ(WEFT_OK, call(&request, &answer));
    EXPECT_EQ(WEFT_KIND_STATUS_RESULT, answer.kind);
    EXPECT_TRUE(weft_text_is(answer.status_result.node, "fake"));
    hang_up();
    fake_node_stop(n);
}

TEST(client, leader_that_a_node_names_is_followed)
{
    make_certificates();
    struct fake_node *follower = start("n1", FAKE_FOLLOWER);
    struct fake_node *leader = start("n2", FAKE_LEADER);
    fake_node_set_leader(follower, fake_node_address(leader));
    connect_to(fake_node_address(follower), NULL, WAIT_MS, false);
    EXPECT_EQ(WEFT_OK, commit(1));
    EXPECT_TEXT(fake_node_address(leader), weft_client_endpoint(client));
    EXPECT_EQ(WEFT_OK, commit(2));
    EXPECT_EQ(1, fake_node_requests(follower)); /* It stays with the leader. */
    EXPECT_EQ(2, fake_node_commits(leader));
    hang_up();
    fake_node_stop(follower);
    fake_node_stop(leader);
}

TEST(client, endpoint_that_does_not_answer_is_left_for_another)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_LEADER);
    connect_to(nowhere, fake_node_address(n), WAIT_MS, false);
    EXPECT_EQ(WEFT_OK, commit(1));
    hang_up();
    fake_node_stop(n);
}

struct tally {
    uint32_t ok, failed;
};

static void count_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct tally *tally = ctx;
    (void)answer, (void)msg;
    *(err == WEFT_OK ? &tally->ok : &tally->failed) += 1;
}

static void drain(struct tally *tally, uint32_t count)
{
    for (int turns = 0; turns < 20000 && tally->ok + tally->failed < count; turns++) {
        weft_net_turn(net, 50);
    }
}

/* One commit is outstanding until the node has been asked so often. */
static void ask_until(const struct fake_node *n, uint64_t requests, struct tally *tally)
{
    struct weft_client_message m = commit_of(1);
    EXPECT_EQ(WEFT_OK, weft_client_submit(client, &m, count_answer, tally));
    for (int turns = 0; turns < 20000 && fake_node_requests(n) < requests; turns++) {
        weft_net_turn(net, 50);
    }
    EXPECT_TRUE(fake_node_requests(n) >= requests);
    EXPECT_EQ(0, tally->ok + tally->failed);
}

TEST(client, election_is_waited_for)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_ELECTING);
    struct tally tally = {0, 0};
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    ask_until(n, 3, &tally);
    fake_node_set(n, FAKE_LEADER);
    drain(&tally, 1);
    EXPECT_EQ(1, tally.ok);
    hang_up();
    fake_node_stop(n);
}

TEST(client, election_without_end_is_told_at_the_deadline)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_LEADER);
    connect_to(fake_node_address(n), NULL, 1000, false);
    while (commit(1) != WEFT_OK) { /* Connected, however long that takes. */
    }
    fake_node_set(n, FAKE_ELECTING);
    EXPECT_EQ(WEFT_ETIMEDOUT, commit(2));
    EXPECT_TRUE(strstr(message.text, "not-leader") != NULL);
    hang_up();
    fake_node_stop(n);
}

TEST(client, leader_that_is_dead_is_not_believed_in)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_FOLLOWER);
    struct tally tally = {0, 0};
    fake_node_set_leader(n, nowhere);
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    uint64_t begun_ns = weft_monotonic_ns();
    ask_until(n, 10, &tally);
    /* Between the named and the naming it goes with a back-off of 20 ms at least, not in a
     * storm. */
    uint64_t took_ms = (weft_monotonic_ns() - begun_ns) / 1000000;
    EXPECT_TRUE(fake_node_requests(n) <= 4 + took_ms / 20);
    hang_up();
    fake_node_stop(n);
}

TEST(client, busy_node_is_asked_again)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_BUSY);
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    for (uint32_t i = 0; i < 5; i++) {
        EXPECT_EQ(WEFT_OK, commit(i));
    }
    EXPECT_EQ(5, fake_node_commits(n));
    EXPECT_EQ(10, fake_node_requests(n));
    EXPECT_EQ(5, weft_client_repeats(client));
    hang_up();
    fake_node_stop(n);
}

TEST(client, commit_whose_answer_was_lost_is_sent_again_under_its_id)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_DROPPING);
    struct weft_client_message m = commit_of(9), answer;
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    EXPECT_EQ(WEFT_OK, call(&m, &answer));
    EXPECT_TRUE(answer.commit_result.repeated);
    EXPECT_EQ(1, fake_node_commits(n));
    EXPECT_EQ(1, fake_node_repeats(n));
    hang_up();
    fake_node_stop(n);
}

TEST(client, membership_request_is_never_sent_twice_without_knowing)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_DROPPING);
    struct weft_client_message m = {.kind = WEFT_KIND_MEMBER,
        .member = {.action = WEFT_MEMBER_REMOVE, .name = WEFT_TEXT("n2")}};
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    EXPECT_EQ(WEFT_EUNAVAILABLE, call(&m, NULL));
    EXPECT_TRUE(strstr(message.text, "member list") != NULL);
    EXPECT_EQ(1, fake_node_requests(n));
    EXPECT_EQ(WEFT_OK, call(&m, NULL)); /* Asked anew, it is. */
    hang_up();
    fake_node_stop(n);
}

TEST(client, silence_ends_at_the_deadline)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_LEADER);
    connect_to(fake_node_address(n), NULL, 400, false);
    while (commit(1) != WEFT_OK) { /* Connected, however long that takes. */
    }
    fake_node_set(n, FAKE_SILENT);
    uint64_t begun_ns = weft_monotonic_ns();
    EXPECT_EQ(WEFT_ETIMEDOUT, commit(2));
    uint64_t took_ms = (weft_monotonic_ns() - begun_ns) / 1000000;
    EXPECT_TRUE(took_ms >= 390 && took_ms < WAIT_MS / 2);
    EXPECT_TRUE(strstr(message.text, "not known") != NULL);
    hang_up();
    fake_node_stop(n);
}

TEST(client, refusal_is_final_and_told_at_once)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_REFUSING);
    struct weft_client_message m = commit_of(1), answer;
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    EXPECT_EQ(WEFT_EREFUSED, commit(1));
    EXPECT_EQ(1, fake_node_requests(n));
    fake_node_set(n, FAKE_CONFLICT);
    EXPECT_EQ(WEFT_ECONFLICT, call(&m, &answer));
    EXPECT_EQ(WEFT_KIND_ERROR, answer.kind);
    EXPECT_EQ(12, answer.error.present_rev);
    EXPECT_TRUE(strstr(message.text, "present revision 12") != NULL);
    EXPECT_EQ(2, fake_node_requests(n));
    hang_up();
    fake_node_stop(n);
}

TEST(client, pinned_client_stays_where_it_is)
{
    make_certificates();
    struct fake_node *follower = start("n1", FAKE_FOLLOWER);
    struct fake_node *leader = start("n2", FAKE_LEADER);
    fake_node_set_leader(follower, fake_node_address(leader));
    connect_to(fake_node_address(follower), fake_node_address(leader), WAIT_MS, true);
    EXPECT_EQ(WEFT_ENOTLEADER, commit(1));
    EXPECT_EQ(0, fake_node_requests(leader));
    hang_up();
    connect_to(nowhere, NULL, WAIT_MS, true);
    uint64_t begun_ns = weft_monotonic_ns();
    EXPECT_EQ(WEFT_EUNAVAILABLE, commit(1)); /* At once: there is no other to try. */
    EXPECT_TRUE((weft_monotonic_ns() - begun_ns) / 1000000 < WAIT_MS / 2);
    hang_up();
    fake_node_stop(follower);
    fake_node_stop(leader);
}

TEST(client, server_that_is_no_node_gets_no_request)
{
    make_certificates();
    struct fake_node *impostor = start("impostor", FAKE_LEADER);
    connect_to(fake_node_address(impostor), NULL, 600, false);
    EXPECT_EQ(WEFT_ETIMEDOUT, commit(1));
    EXPECT_EQ(0, fake_node_requests(impostor));
    hang_up();
    fake_node_stop(impostor);
}

TEST(client, thousand_outstanding_are_answered_once_and_in_order)
{
    make_certificates();
    enum {
        COUNT = 1000
    };
    struct fake_node *n = start("n1", FAKE_LEADER);
    struct tally tally = {0, 0};
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct weft_client_message m = commit_of(i);
        EXPECT_EQ(WEFT_OK, weft_client_submit(client, &m, count_answer, &tally));
    }
    EXPECT_EQ(COUNT, weft_client_outstanding(client));
    drain(&tally, COUNT);
    EXPECT_EQ(COUNT, tally.ok);
    EXPECT_EQ(0, weft_client_outstanding(client));
    for (uint32_t i = 0; i < COUNT; i++) {
        EXPECT_EQ(i, fake_node_commit(n, i));
    }
    hang_up();
    fake_node_stop(n);
}

TEST(client, every_commit_counts_once_while_connections_are_lost)
{
    make_certificates();
    enum {
        COUNT = 600
    };
    struct fake_node *n = start("n1", FAKE_LEADER);
    struct tally tally = {0, 0};
    connect_to(fake_node_address(n), NULL, WAIT_MS, false);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct weft_client_message m = commit_of(i);
        EXPECT_EQ(WEFT_OK, weft_client_submit(client, &m, count_answer, &tally));
        if (i % 60 == 30) {
            fake_node_set(n, FAKE_DROPPING);
        }
        weft_net_turn(net, 1);
    }
    drain(&tally, COUNT);
    EXPECT_EQ(COUNT, tally.ok);
    EXPECT_EQ(0, tally.failed);
    EXPECT_EQ(COUNT, fake_node_commits(n));
    EXPECT_TRUE(fake_node_repeats(n) > 0); /* The case this test is for was reached. */
    hang_up();
    fake_node_stop(n);
}

/* Once: whatever keeps a request from being answered is told, and whether it may be done. */
TEST(client, single_attempt_is_never_repeated_and_its_doubt_is_told)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_LEADER);
    connect_to(fake_node_address(n), NULL, WAIT_MS, true);
    weft_client_attempt_once(client);
    EXPECT_EQ(WEFT_OK, commit(1));
    EXPECT_TRUE(!weft_client_is_in_doubt(client));
    fake_node_set(n, FAKE_ELECTING);
    EXPECT_EQ(WEFT_ENOTLEADER, commit(2));
    EXPECT_TRUE(!weft_client_is_in_doubt(client)); /* The node has said that it did not. */
    fake_node_set(n, FAKE_DROPPING);
    EXPECT_EQ(WEFT_EUNAVAILABLE, commit(3));
    EXPECT_TRUE(weft_client_is_in_doubt(client));
    EXPECT_EQ(2, fake_node_commits(n)); /* It was done. */
    EXPECT_EQ(WEFT_OK, commit(4));      /* Connected anew. */
    EXPECT_TRUE(!weft_client_is_in_doubt(client));
    EXPECT_EQ(4, fake_node_requests(n));
    EXPECT_EQ(0, fake_node_repeats(n));
    hang_up();
    fake_node_stop(n);
}

TEST(client, single_attempt_that_never_left_is_in_no_doubt)
{
    make_certificates();
    struct fake_node *n = start("n1", FAKE_LEADER);
    connect_to(nowhere, NULL, 500, true);
    weft_client_attempt_once(client);
    EXPECT_TRUE(commit(1) != WEFT_OK);
    EXPECT_TRUE(!weft_client_is_in_doubt(client));
    hang_up();
    connect_to(fake_node_address(n), NULL, 400, true);
    weft_client_attempt_once(client);
    while (commit(1) != WEFT_OK) { /* Connected, however long that takes. */
    }
    fake_node_set(n, FAKE_SILENT);
    EXPECT_EQ(WEFT_ETIMEDOUT, commit(2));
    EXPECT_TRUE(weft_client_is_in_doubt(client));
    hang_up();
    fake_node_stop(n);
}

TEST(client, requests_past_the_limit_are_refused)
{
    make_certificates();
    struct tally tally = {0, 0};
    struct weft_client_message m = {.kind = WEFT_KIND_STATUS};
    connect_to(nowhere, NULL, WAIT_MS, false);
    for (uint32_t i = 0; i < WEFT_CLIENT_REQUESTS_MAX; i++) {
        EXPECT_EQ(WEFT_OK, weft_client_submit(client, &m, count_answer, &tally));
    }
    EXPECT_EQ(WEFT_EBUSY, weft_client_submit(client, &m, count_answer, &tally));
    hang_up();
    EXPECT_EQ(0, tally.ok + tally.failed); /* Destroyed: nobody is called. */
}

TEST(client, node_that_comes_back_is_found_again)
{
    make_certificates();
    char address[64];
    struct fake_node *n = start("n1", FAKE_LEADER);
    (void)snprintf(address, sizeof(address), "%s", fake_node_address(n));
    connect_to(address, NULL, WAIT_MS, false);
    EXPECT_EQ(WEFT_OK, commit(1));
    fake_node_stop(n);
    n = fake_node_start(test_directory(), "n2", address, FAKE_LEADER);
    EXPECT_EQ(WEFT_OK, commit(2));
    hang_up();
    fake_node_stop(n);
}
