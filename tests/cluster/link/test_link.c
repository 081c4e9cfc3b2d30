#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cluster/link/rig.h"
#include "tests/lib/test.h"

/* The suite that both links and their mixture must pass. */

struct pair {
    struct rig rig;
    struct party door;   /* n1, listens. */
    struct party caller; /* n2, dials. */
    struct weft_link_conn *conn;
};

static void pair_open(struct pair *p)
{
    rig_create(&p->rig);
    struct weft_link_options door = rig_options(&p->rig, &p->door, "n1", true);
    struct weft_link_options caller = rig_options(&p->rig, &p->caller, "n2", false);
    rig_open(&p->rig, &p->door, &door);
    rig_open(&p->rig, &p->caller, &caller);
    p->conn = rig_dial(&p->caller, weft_link_address(p->door.link));
}

static void pair_up(struct pair *p)
{
    pair_open(p);
    EXPECT_TRUE(rig_until(&p->rig, &p->caller.ups, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p->rig, &p->door.ups, 1, RIG_WAIT_MS));
}

static void pair_close(struct pair *p)
{
    rig_close(&p->caller);
    rig_close(&p->door);
    rig_destroy(&p->rig);
}

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
            enum weft_err err = rig_send(p.conn, sequence, size);
            if (err == WEFT_EBUSY) {
                EXPECT_TRUE(rig_until_u64(&p.rig, &p.caller.messages, sequence, RIG_WAIT_MS));
                err = rig_send(p.conn, sequence, size);
            }
            EXPECT_EQ(WEFT_OK, err);
            sequence++;
        }
        EXPECT_TRUE(rig_until_u64(&p.rig, &p.caller.messages, sequence, RIG_WAIT_MS));
    }
    EXPECT_EQ(sequence, p.door.messages);
    EXPECT_TRUE(!p.door.is_order_broken && !p.door.is_content_broken);
    EXPECT_TRUE(!p.caller.is_order_broken && !p.caller.is_content_broken);
    struct weft_link_stats stats = rig_stats(&p.door);
    EXPECT_EQ(sequence, stats.messages_in);
    EXPECT_EQ(sequence, stats.messages_out);
    pair_close(&p);
}
