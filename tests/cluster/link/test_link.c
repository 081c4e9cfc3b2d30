#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/cluster/link/pair.h"
#include "tests/lib/test.h"

/* The suite that both links and their mixture must pass: traffic, queues, deadlines, the way
 * back. Who gets in, and who does not: test_admission.c. */

TEST(link, both_ends_know_who_the_other_is)
{
    static struct pair p;
    pair_up(&p);
    EXPECT_TEXT("spiffe://acme.example/plant1/node/n1", weft_link_conn_identity(p.conn)->uri);
    EXPECT_TEXT("spiffe://acme.example/plant1/node/n2", weft_link_conn_identity(p.door.conn)->uri);
    EXPECT_TEXT("acme.example", p.door.identity.org);
    EXPECT_TEXT("plant1", p.door.identity.site);
    EXPECT_TEXT("node", p.door.identity.class);
    EXPECT_TEXT("n2", p.door.identity.name);
    EXPECT_TEXT("", weft_link_conn_error(p.conn));
    EXPECT_EQ(0, strncmp("127.0.0.1:", weft_link_conn_remote(p.door.conn), 10));
    pair_close(&p);
}

TEST(link, messages_arrive_whole_in_order_and_in_both_directions)
{
    static struct pair p;
    static const size_t sizes[] = {16, 17, 23, 24, 400, 4096, 16384, 16385, 65536, 1 << 20};
    pair_up(&p);
    p.door.is_echo = true;
    uint64_t sequence = 0;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            size_t size = sizes[i] > 4096 && round > 2 ? 1 + 16 + test_random(4096) : sizes[i];
            EXPECT_EQ(WEFT_OK, rig_send(p.conn, sequence++, size));
        }
        EXPECT_TRUE(rig_until_u64(&p.rig, &p.caller.messages, sequence, RIG_WAIT_MS));
    }
    EXPECT_EQ(sequence, p.door.messages);
    EXPECT_TRUE(!p.door.is_order_broken && !p.door.is_content_broken);
    EXPECT_TRUE(!p.caller.is_order_broken && !p.caller.is_content_broken);
    struct weft_link_stats stats = rig_stats(&p.door);
    EXPECT_EQ(sequence, stats.messages_in);
    EXPECT_EQ(sequence, stats.messages_out);
    EXPECT_TRUE(stats.bytes_in > 3 * (1 << 20) && stats.bytes_out > 3 * (1 << 20));
    pair_close(&p);
}

TEST(link, nothing_is_sent_on_a_connection_that_is_down)
{
    static struct pair p;
    pair_open(&p);
    EXPECT_EQ(WEFT_EUNAVAILABLE, rig_send(p.conn, 0, 64)); /* Not up yet. */
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    rig_close(&p.door);
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.downs, 1, RIG_WAIT_MS));
    EXPECT_EQ(WEFT_EUNAVAILABLE, rig_send(p.conn, 0, 64));
    EXPECT_TRUE(weft_link_conn_error(p.conn)[0] != '\0');
    rig_close(&p.caller);
    rig_destroy(&p.rig);
}

/* How much the sockets take, and when, is the kernel's and nng's threads' affair: a queue that was
 * full may drain into them although nobody reads. So each time that it is full it is to be told
 * once that it has drained, and the last time only when the door reads again. */
TEST(link, a_full_queue_says_so_and_nothing_that_was_taken_is_lost)
{
    static struct pair p;
    pair_up(&p);
    uint64_t taken = 0, refusals = 0;
    int full = 0;
    weft_link_conn_pause(p.door.conn, true);
    while (refusals < 20) { /* One after the other: now the sockets are full, too. */
        enum weft_err err = rig_send(p.conn, taken, 32768);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_EBUSY);
        taken += err == WEFT_OK;
        refusals = err == WEFT_EBUSY ? refusals + 1 : 0;
        full += err == WEFT_EBUSY && full == p.caller.drained;
        rig_run_ms(&p.rig, err == WEFT_EBUSY ? 5 : 0);
        EXPECT_TRUE(p.caller.drained <= full);
    }
    EXPECT_TRUE(taken * 32768 >= 4 << 20); /* At least the queue. */
    /* What lay in the sockets when reading stopped may have been delivered; not more. */
    uint64_t delivered = p.door.messages;
    EXPECT_TRUE(delivered < 16);
    weft_link_conn_pause(p.door.conn, false);
    EXPECT_TRUE(rig_until_u64(&p.rig, &p.door.messages, taken, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.drained, full, RIG_WAIT_MS));
    EXPECT_TRUE(!p.door.is_order_broken && !p.door.is_content_broken);
    EXPECT_EQ(full, p.caller.drained);
    EXPECT_EQ(0, p.caller.downs);
    pair_close(&p);
}

TEST(link, a_paused_connection_delivers_nothing_and_then_everything)
{
    static struct pair p;
    pair_up(&p);
    EXPECT_EQ(WEFT_OK, rig_send(p.conn, 0, 100));
    EXPECT_TRUE(rig_until_u64(&p.rig, &p.door.messages, 1, RIG_WAIT_MS));
    weft_link_conn_pause(p.door.conn, true);
    for (uint64_t i = 1; i <= 100; i++) {
        EXPECT_EQ(WEFT_OK, rig_send(p.conn, i, 100));
    }
    rig_run_ms(&p.rig, 100);
    EXPECT_EQ(1, p.door.messages);
    weft_link_conn_pause(p.door.conn, false);
    EXPECT_EQ(1, p.door.messages); /* Never from inside the call. */
    EXPECT_TRUE(rig_until_u64(&p.rig, &p.door.messages, 101, RIG_WAIT_MS));
    EXPECT_TRUE(!p.door.is_order_broken);
    pair_close(&p);
}

TEST(link, a_paused_connection_is_not_taken_for_a_silent_one)
{
    static struct pair p;
    pair_open_with(&p, (struct pair_options){.heartbeat_ms = 500});
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
    weft_link_conn_pause(p.door.conn, true);
    rig_run_ms(&p.rig, 2200); /* More than four heartbeats. */
    EXPECT_EQ(0, p.door.downs + p.caller.downs);
    weft_link_conn_pause(p.door.conn, false);
    rig_run_ms(&p.rig, 100);
    EXPECT_EQ(0, p.door.downs + p.caller.downs);
    pair_close(&p);
}

TEST(link, a_peer_that_does_not_read_is_dropped_after_the_deadline)
{
    static struct pair p;
    pair_open_with(&p, (struct pair_options){.slow_ms = 400});
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
    weft_link_conn_pause(p.door.conn, true);
    uint64_t begin = uv_hrtime();
    while (rig_stats(&p.caller).dropped_slow == 0 &&
           uv_hrtime() - begin < RIG_WAIT_MS * UINT64_C(1000000)) {
        (void)!rig_send(p.conn, 0, 32768);
        rig_run_ms(&p.rig, 2);
    }
    EXPECT_EQ(1, rig_stats(&p.caller).dropped_slow);
    EXPECT_EQ(1, p.caller.downs);
    EXPECT_TRUE(rig_has_event(&p.caller, "link_dropped_slow"));
    pair_close(&p);
}

TEST(link, an_idle_connection_stays_up_by_heartbeats)
{
    static struct pair p;
    pair_open_with(&p, (struct pair_options){.heartbeat_ms = 500});
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    for (int i = 0; i < 200 && rig_stats(&p.door).bytes_in < 6 * WEFT_ENVELOPE_SIZE; i++) {
        rig_run_ms(&p.rig, 200);
    }
    EXPECT_TRUE(rig_stats(&p.door).bytes_in >= 6 * WEFT_ENVELOPE_SIZE);
    EXPECT_EQ(0, p.door.downs + p.caller.downs);
    EXPECT_EQ(1, p.door.ups);
    EXPECT_EQ(0, p.door.messages); /* They never reach the user. */
    pair_close(&p);
}

TEST(link, a_peer_that_vanished_is_dropped_by_both_ends)
{
    static struct pair p;
    pair_open_with(
        &p, (struct pair_options){.heartbeat_ms = 200, .handshake_ms = 5000, .has_relay = true});
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
    relay_block(p.relay, true);
    uint64_t begin = uv_hrtime();
    EXPECT_TRUE(rig_until(&p.rig, &p.door.downs, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.downs, 1, RIG_WAIT_MS));
    EXPECT_TRUE(uv_hrtime() - begin > 350 * 1000000u); /* Not before its time either. */
    EXPECT_EQ(1, rig_stats(&p.door).dropped_silent);
    EXPECT_EQ(1, rig_stats(&p.caller).dropped_silent);
    EXPECT_TRUE(rig_has_event(&p.door, "link_dropped_silent"));
    relay_block(p.relay, false);
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    pair_close(&p);
}

TEST(link, a_late_loop_does_not_take_its_peers_for_silent)
{
    static struct pair p;
    pair_open_with(&p, (struct pair_options){.heartbeat_ms = 200});
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
    for (int i = 0; i < 3; i++) {
        (void)usleep(1000 * 1000); /* Five heartbeats: neither end can do anything. */
        rig_run_ms(&p.rig, 250);
    }
    EXPECT_EQ(0, p.door.downs + p.caller.downs);
    EXPECT_EQ(0, rig_stats(&p.door).dropped_silent);
    pair_close(&p);
}

TEST(link, ends_with_different_heartbeats_do_not_drop_each_other)
{
    static struct pair p;
    rig_create(&p.rig);
    struct weft_link_options door = rig_options(&p.rig, &p.door, "n1", true);
    struct weft_link_options caller = rig_options(&p.rig, &p.caller, "n2", false);
    door.heartbeat_ms = 50;
    caller.heartbeat_ms = 1000;
    rig_open(&p.rig, &p.door, &door);
    rig_open(&p.rig, &p.caller, &caller);
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    rig_run_ms(&p.rig, 2500);
    EXPECT_EQ(0, p.door.downs + p.caller.downs);
    EXPECT_EQ(1, p.door.ups);
    pair_close(&p);
}

/* Nobody outside can do this; a bug, ours or the kernel's, might. */
static void stop_listening(const char *address)
{
    int port = atoi(strrchr(address, ':') + 1), stopped = 0;
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in bound;
        socklen_t size = sizeof(bound);
        int listens = 0;
        socklen_t listens_size = sizeof(listens);
        if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0 && bound.sin_family == AF_INET &&
            ntohs(bound.sin_port) == port &&
            getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) == 0 && listens) {
            stopped += shutdown(fd, SHUT_RDWR) == 0;
        }
    }
    EXPECT_EQ(1, stopped);
}

TEST(link, a_listener_that_stopped_is_opened_again)
{
    static struct pair p;
    char address[64];
    pair_up(&p);
    (void)snprintf(address, sizeof(address), "%s", weft_link_address(p.door.link));
    for (uint64_t i = 1; i <= 3; i++) {
        stop_listening(address);
        uint64_t begin = uv_hrtime();
        while (rig_stats(&p.door).listener_reopened < i &&
               uv_hrtime() - begin < RIG_WAIT_MS * UINT64_C(1000000)) {
            rig_run_ms(&p.rig, 20);
        }
        EXPECT_EQ(i, rig_stats(&p.door).listener_reopened);
        (void)rig_dial(&p.caller, address);
        EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1 + (int)i, RIG_WAIT_MS));
    }
    EXPECT_TEXT(address, weft_link_address(p.door.link));
    EXPECT_EQ(0, p.caller.downs); /* Connections that are up do not notice. */
    EXPECT_TRUE(rig_has_event(&p.door, "link_listener_reopened"));
    pair_close(&p);
}

TEST(link, a_cut_connection_comes_back_by_itself_and_works)
{
    static struct pair p;
    pair_open_with(&p, (struct pair_options){.has_relay = true});
    for (int i = 1; i <= 10; i++) {
        EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, i, RIG_WAIT_MS));
        EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, i, RIG_WAIT_MS));
        uint64_t before = p.door.messages;
        EXPECT_EQ(WEFT_OK, rig_send(p.conn, 0, 300));
        EXPECT_TRUE(rig_until_u64(&p.rig, &p.door.messages, before + 1, RIG_WAIT_MS));
        relay_cut(p.relay);
        EXPECT_TRUE(rig_until(&p.rig, &p.caller.downs, i, RIG_WAIT_MS));
        EXPECT_TRUE(rig_until(&p.rig, &p.door.downs, i, RIG_WAIT_MS));
    }
    struct weft_link_stats stats = rig_stats(&p.door);
    EXPECT_EQ(p.door.ups, stats.connects); /* It may be back already. */
    EXPECT_EQ(p.door.downs, stats.disconnects);
    pair_close(&p);
}

TEST(link, a_door_that_opens_later_is_reached)
{
    static struct pair p;
    char address[64];
    pair_open(&p);
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    (void)snprintf(address, sizeof(address), "%s", weft_link_address(p.door.link));
    rig_close(&p.door);
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.downs, 1, RIG_WAIT_MS));
    rig_run_ms(&p.rig, 1500); /* It has tried in vain until its back-off is at its longest. */
    EXPECT_TRUE(rig_has_event(&p.caller, "link_unreachable"));
    EXPECT_EQ(1, p.caller.event_count); /* Told once, not once an attempt. */
    struct weft_link_options door = rig_options(&p.rig, &p.door, "n1", true);
    door.listen = address;
    rig_open(&p.rig, &p.door, &door);
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    pair_close(&p);
}

TEST(link, a_name_is_looked_up)
{
    static struct pair p;
    char address[64];
    /* Where no name server answers: the look-up under way holds up the end (resolv.conf(5)). */
    (void)setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
    pair_open_with(&p, (struct pair_options){.listen = "127.0.0.1:0"}); /* localhost */
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    (void)snprintf(
        address, sizeof(address), "localhost%s", strrchr(weft_link_address(p.door.link), ':'));
    struct weft_link_conn *second = rig_dial(&p.caller, address);
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    EXPECT_TRUE(weft_link_conn_is_up(second));
    struct weft_link_conn *nowhere = rig_dial(&p.caller, "nowhere.invalid:1");
    rig_run_ms(&p.rig, 300);
    EXPECT_TRUE(!weft_link_conn_is_up(nowhere));
    weft_link_conn_close(nowhere); /* Perhaps in the middle of a look-up. */
    weft_link_conn_close(rig_dial(&p.caller, "nowhere.invalid:1"));
    pair_close(&p);
}

TEST(link, a_closed_connection_calls_nothing_back)
{
    static struct pair p;
    pair_up(&p);
    p.door.is_echo = true;
    for (uint64_t i = 0; i < 10; i++) {
        EXPECT_EQ(WEFT_OK, rig_send(p.conn, i, 300));
    }
    EXPECT_EQ(WEFT_OK, rig_send(p.conn, 10, 300));
    weft_link_conn_close(p.conn);
    EXPECT_TRUE(rig_until(&p.rig, &p.door.downs, 1, RIG_WAIT_MS));
    EXPECT_EQ(0, p.caller.downs);
    EXPECT_EQ(0, p.caller.messages);
    EXPECT_EQ(11, p.door.messages); /* What was queued went out. */
    EXPECT_EQ(1, rig_stats(&p.caller).disconnects);
    pair_close(&p);
}

TEST(link, a_connection_may_be_closed_from_inside_its_message)
{
    static struct pair p;
    pair_up(&p);
    p.door.is_closing_in_message = true;
    for (uint64_t i = 0; i < 10; i++) {
        EXPECT_EQ(WEFT_OK, rig_send(p.conn, i, 300));
    }
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.downs, 1, RIG_WAIT_MS));
    EXPECT_EQ(1, p.door.messages); /* The other nine were never handed out. */
    EXPECT_EQ(0, p.door.downs);
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    pair_close(&p);
}

TEST(link, closing_brings_every_connection_down_once)
{
    static struct pair p;
    pair_up(&p);
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 2, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    (void)rig_dial(&p.caller, weft_link_address(p.door.link)); /* Still under way. */
    (void)rig_dial(&p.caller, "127.0.0.1:1");
    rig_close(&p.caller);
    EXPECT_EQ(p.caller.ups, p.caller.downs);
    EXPECT_TRUE(rig_until(&p.rig, &p.door.downs, 2, RIG_WAIT_MS));
    rig_close(&p.door);
    EXPECT_EQ(p.door.ups, p.door.downs);
    EXPECT_EQ(1, p.door.closed);
    rig_destroy(&p.rig);
}

TEST(link, a_message_larger_than_the_receiver_takes_ends_the_connection)
{
    static struct pair p;
    pair_up(&p);
    EXPECT_EQ(WEFT_OK, rig_send(p.conn, 0, 1 << 20)); /* At the limit. */
    EXPECT_TRUE(rig_until_u64(&p.rig, &p.door.messages, 1, RIG_WAIT_MS));
    EXPECT_EQ(WEFT_OK, rig_send(p.conn, 1, (1 << 20) + 1)); /* One more. */
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.downs, 1, RIG_WAIT_MS));
    EXPECT_EQ(1, p.door.messages);
    EXPECT_EQ(1, rig_stats(&p.door).dropped_oversized);
    EXPECT_EQ(1, p.door.downs);
    EXPECT_TRUE(rig_has_event(&p.door, "link_dropped_oversized"));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    pair_close(&p);
}

TEST(link, a_message_that_the_user_refuses_ends_the_connection)
{
    static struct pair p;
    pair_up(&p);
    p.door.verdict = WEFT_EVERSION;
    EXPECT_EQ(WEFT_OK, rig_send(p.conn, 0, 100));
    EXPECT_EQ(WEFT_OK, rig_send(p.conn, 1, 100));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.downs, 1, RIG_WAIT_MS));
    EXPECT_EQ(1, p.door.messages);
    EXPECT_EQ(1, rig_stats(&p.door).dropped_malformed);
    EXPECT_TRUE(rig_has_event(&p.door, "version"));
    pair_close(&p);
}

TEST(link, many_connections_carry_their_own_messages)
{
    enum {
        COUNT = 60,
        ROUNDS = 50
    };
    static struct pair p;
    struct weft_link_conn *conns[COUNT];
    pair_up(&p);
    for (int i = 0; i < COUNT; i++) {
        conns[i] = rig_dial(&p.caller, weft_link_address(p.door.link));
    }
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, COUNT + 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, COUNT + 1, RIG_WAIT_MS));
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < COUNT; i++) {
            EXPECT_EQ(WEFT_OK, rig_send(conns[i], (uint64_t)r, 16 + (size_t)test_random(2000)));
        }
        rig_run_ms(&p.rig, 0);
    }
    EXPECT_TRUE(rig_until_u64(&p.rig, &p.door.messages, COUNT * ROUNDS, RIG_WAIT_MS));
    EXPECT_TRUE(!p.door.is_content_broken);
    EXPECT_EQ(0, p.door.downs);
    pair_close(&p);
}
