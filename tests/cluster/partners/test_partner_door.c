#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/partner_door.h"
#include "tests/cluster/link/rig.h"
#include "tests/lib/test.h"

/* Who gets in at the partner door, who is called, and who is not; real sockets on loopback. */

struct side {
    struct weft_partner_door *door;
    struct weft_partner_conn *conn; /* Newest. */
    int ups, downs, messages, closed;
};

static struct rig rig;

static void side_up(void *ctx, struct weft_partner_conn *conn)
{
    struct side *s = ctx;
    s->conn = conn;
    s->ups++;
}

static enum weft_err side_message(
    void *ctx, struct weft_partner_conn *conn, struct weft_bytes message)
{
    struct side *s = ctx;
    (void)conn, (void)message;
    s->messages++;
    return WEFT_OK;
}

static void side_down(void *ctx, struct weft_partner_conn *conn)
{
    struct side *s = ctx;
    s->conn = s->conn == conn ? NULL : s->conn;
    s->downs++;
}

static void side_drained(void *ctx, struct weft_partner_conn *conn)
{
    (void)ctx, (void)conn;
}

static void side_closed(void *ctx)
{
    struct side *s = ctx;
    s->closed = 1;
}

static void copy_path(char ret_path[640], const char *file)
{
    (void)snprintf(ret_path, 640, "%s", rig_path(&rig, file));
}

/* `cert`: base name of its files. `listen` NULL: only calls. */
static void side_open(struct side *s, const char *cert, const char *listen)
{
    char roots[640], crt[640], key[640], file[96];
    struct weft_msg msg = {""};
    *s = (struct side){0};
    (void)snprintf(file, sizeof(file), "%s.roots", cert);
    copy_path(roots, file);
    (void)snprintf(file, sizeof(file), "%s.crt", cert);
    copy_path(crt, file);
    (void)snprintf(file, sizeof(file), "%s.key", cert);
    copy_path(key, file);
    const struct weft_partner_door_options options = {
        .link = {.loop = &rig.loop,
            .type = rig_type(listen != NULL),
            .listen = listen,
            .cert_file = crt,
            .key_file = key,
            .message_size_max = WEFT_STREAM_MESSAGE_SIZE_MAX,
            .queue_size_max = WEFT_PARTNER_QUEUE_SIZE_MAX,
            .connections_max = 64,
            .handshake_ms = 5000,
            .heartbeat_ms = 200},
        .roots_file = roots,
        .callbacks = {.ctx = s,
            .on_up = side_up,
            .on_message = side_message,
            .on_down = side_down,
            .on_drained = side_drained}};
    EXPECT_EQ(WEFT_OK, weft_partner_door_open(&options, &s->door, &msg));
}

static void side_close(struct side *s)
{
    weft_partner_door_close(s->door, side_closed, s);
    EXPECT_TRUE(rig_until(&rig, &s->closed, 1, RIG_WAIT_MS));
}

/* The file's text, in memory of the test's own. */
static struct weft_text pem_of(const char *file)
{
    static char texts[8][8192];
    static int next;
    char *text = texts[next++ % 8];
    FILE *in = fopen(rig_path(&rig, file), "rb");
    EXPECT_TRUE(in != NULL);
    size_t size = fread(text, 1, sizeof(texts[0]), in);
    EXPECT_EQ(0, fclose(in));
    return (struct weft_text){text, size};
}

static struct weft_partner_place place(const char *site, const char *endpoints, const char *ca)
{
    return (struct weft_partner_place){weft_text_of(site), weft_text_of(endpoints), pem_of(ca)};
}

static void partner_certs(struct rig *r)
{
    static const char *const acme[][2] = {{"acme", "spiffe://acme.example/plant1/partner/n1"},
        {"acme-node", "spiffe://acme.example/plant1/node/n1"},
        {"acme-op", "spiffe://acme.example/plant1/op/ann"},
        {"acme-gw", "spiffe://acme.example/plant1/gw/press"},
        {"acme-wit", "spiffe://acme.example/plant1/wit/n1"},
        {"acme-svc", "spiffe://acme.example/plant1/svc/erp"},
        {"acme-else", "spiffe://acme.example/plant2/partner/n1"}};
    for (size_t i = 0; i < sizeof(acme) / sizeof(acme[0]); i++) {
        test_ca_issue(r->ca, &(struct test_cert){.file = acme[i][0], .uri = acme[i][1]});
    }
    test_ca_issue(r->other_ca,
        &(struct test_cert){.file = "other-west", .uri = "spiffe://other.example/west/partner/n1"});
    struct test_ca *fake = test_ca_create(r->directory, "fake", "acme.example", TEST_KEY_P256);
    test_ca_issue(fake,
        &(struct test_cert){.file = "acme-fake", .uri = "spiffe://acme.example/plant1/partner/n1"});
    test_ca_destroy(fake);
}

/* A free port of this process's own address: the door wants to know it beforehand. */
static const char *free_address(void)
{
    static char addresses[4][64];
    static int next;
    char *text = addresses[next++ % 4];
    struct party p;
    struct weft_link_options options = rig_options(&rig, &p, "n1", true);
    rig_open(&rig, &p, &options);
    (void)snprintf(text, sizeof(addresses[0]), "%s", weft_link_address(p.link));
    rig_close(&p);
    return text;
}

static void turn_until(struct side *a, struct side *b, const int *flag, int wanted)
{
    uint64_t begin = uv_hrtime();
    while (*flag < wanted && uv_hrtime() - begin < RIG_WAIT_MS * UINT64_C(1000000)) {
        uint64_t now_ms = uv_now(&rig.loop);
        weft_partner_door_turn(a->door, true, now_ms);
        if (b != NULL) {
            weft_partner_door_turn(b->door, true, now_ms);
        }
        rig_run_ms(&rig, 5);
    }
    EXPECT_TRUE(*flag >= wanted);
}

/* One called and one was called. */
static bool is_met(const struct side *s, const char *site)
{
    struct weft_partner_link figures;
    return weft_partner_door_link(s->door, weft_text_of(site), &figures) && figures.is_dialled &&
           figures.accepted > 0;
}

TEST(partner_door, two_partners_call_each_other_and_are_admitted)
{
    static struct side west, plant;
    rig_on_create = partner_certs;
    rig_create(&rig);
    const char *at = free_address(), *there = free_address();
    side_open(&west, "other-west", at);
    side_open(&plant, "acme", there);
    const struct weft_partner_place acme = place("acme.example/plant1", there, "ca.crt");
    const struct weft_partner_place other = place("other.example/west", at, "other.crt");
    EXPECT_EQ(WEFT_OK, weft_partner_door_update(west.door, &acme, 1));
    EXPECT_EQ(WEFT_OK, weft_partner_door_update(plant.door, &other, 1));
    while (!is_met(&west, "acme.example/plant1") || !is_met(&plant, "other.example/west")) {
        weft_partner_door_turn(west.door, true, uv_now(&rig.loop));
        weft_partner_door_turn(plant.door, true, uv_now(&rig.loop));
        rig_run_ms(&rig, 5);
    }
    EXPECT_TEXT("acme.example/plant1", weft_partner_door_site(west.conn));
    /* Who is no partner any more is hung up on, and who does not lead hangs up. */
    EXPECT_EQ(WEFT_OK, weft_partner_door_update(west.door, NULL, 0));
    EXPECT_EQ(west.ups, west.downs);
    turn_until(&plant, NULL, &plant.downs, plant.ups);
    weft_partner_door_turn(plant.door, false, uv_now(&rig.loop));
    EXPECT_EQ(plant.ups, plant.downs);
    side_close(&west);
    side_close(&plant);
    rig_destroy(&rig);
}

/* Each class and name under each root, at a door that knows acme.example/plant1 by "ca". */
TEST(partner_door, no_other_class_site_or_root_is_admitted)
{
    static const char *const refused[][2] = {{"acme-node", "not of class partner"},
        {"acme-op", "not of class partner"}, {"acme-gw", "not of class partner"},
        {"acme-wit", "not of class partner"}, {"acme-svc", "not of class partner"},
        {"acme-else", "of no partner"}, {"acme-fake", ""}, {"other-west", ""}};
    static struct side door;
    static struct party caller;
    rig_on_create = partner_certs;
    rig_create(&rig);
    const char *at = free_address();
    side_open(&door, "other-west", at);
    const struct weft_partner_place acme = place("acme.example/plant1", "", "ca.crt");
    EXPECT_EQ(WEFT_OK, weft_partner_door_update(door.door, &acme, 1));
    weft_partner_door_turn(door.door, true, uv_now(&rig.loop));
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct weft_link_options options = rig_options(&rig, &caller, refused[i][0], false);
        options.ca_file = rig_path(&rig, "other.crt");
        rig_open(&rig, &caller, &options);
        struct weft_link_conn *conn = rig_dial(&caller, at);
        for (int turn = 0; turn < 40 || weft_link_conn_error(conn)[0] == '\0'; turn++) {
            rig_run_ms(&rig, 5);
        }
        EXPECT_EQ(0, caller.ups + door.ups);
        rig_close(&caller);
    }
    /* The counter-check: the very same way in is open to the right one. */
    struct weft_link_options options = rig_options(&rig, &caller, "acme", false);
    options.ca_file = rig_path(&rig, "other.crt");
    rig_open(&rig, &caller, &options);
    (void)rig_dial(&caller, at);
    EXPECT_TRUE(rig_until(&rig, &door.ups, 1, RIG_WAIT_MS));
    rig_close(&caller);
    side_close(&door);
    rig_destroy(&rig);
}

/* A partner's root that speaks for us, or for another partner, lets nobody in under these names. */
TEST(partner_door, a_root_counts_for_its_own_partner_alone)
{
    static struct side door;
    static struct party caller;
    rig_on_create = partner_certs;
    rig_create(&rig);
    const char *at = free_address();
    side_open(&door, "other-west", at);
    /* "fake" is pinned for plant3 of the same organization: its certificate for plant1 is none. */
    const struct weft_partner_place both[] = {place("acme.example/plant1", "", "ca.crt"),
        place("acme.example/plant3", "", "fake.crt"), place("bad.example/x", "", "other.crt")};
    EXPECT_EQ(WEFT_OK, weft_partner_door_update(door.door, both, 3));
    weft_partner_door_turn(door.door, true, uv_now(&rig.loop));
    struct weft_link_options options = rig_options(&rig, &caller, "acme-fake", false);
    options.ca_file = rig_path(&rig, "other.crt");
    rig_open(&rig, &caller, &options);
    struct weft_link_conn *conn = rig_dial(&caller, at);
    while (weft_link_conn_error(conn)[0] == '\0') {
        rig_run_ms(&rig, 5);
    }
    EXPECT_EQ(0, caller.ups + door.ups);
    rig_close(&caller);
    options = rig_options(&rig, &caller, "acme", false);
    options.ca_file = rig_path(&rig, "other.crt");
    rig_open(&rig, &caller, &options);
    (void)rig_dial(&caller, at);
    EXPECT_TRUE(rig_until(&rig, &door.ups, 1, RIG_WAIT_MS));
    rig_close(&caller);
    side_close(&door);
    rig_destroy(&rig);
}

TEST(partner_door, endpoints_are_called_in_turn_until_one_stays)
{
    static struct side west, follower, leader;
    rig_on_create = partner_certs;
    rig_create(&rig);
    const char *nobody = free_address(), *first = free_address(), *second = free_address();
    char endpoints[256];
    (void)snprintf(endpoints, sizeof(endpoints), "%s\n%s\n%s\n", nobody, first, second);
    side_open(&west, "other-west", NULL);
    side_open(&follower, "acme", first);
    side_open(&leader, "acme", second);
    const struct weft_partner_place acme = place("acme.example/plant1", endpoints, "ca.crt");
    const struct weft_partner_place other = place("other.example/west", "", "other.crt");
    EXPECT_EQ(WEFT_OK, weft_partner_door_update(west.door, &acme, 1));
    EXPECT_EQ(WEFT_OK, weft_partner_door_update(follower.door, &other, 1));
    EXPECT_EQ(WEFT_OK, weft_partner_door_update(leader.door, &other, 1));
    weft_partner_door_turn(follower.door, false, uv_now(&rig.loop));
    turn_until(&west, &leader, &leader.ups, 1);
    EXPECT_EQ(0, follower.ups);
    /* It goes, the other leads: it is found. */
    weft_partner_door_turn(leader.door, false, uv_now(&rig.loop));
    turn_until(&west, &follower, &follower.ups, 1);
    side_close(&west);
    side_close(&follower);
    side_close(&leader);
    rig_destroy(&rig);
}

TEST(admission, a_root_of_a_partner_speaks_for_its_organization_alone)
{
    struct weft_digest root;
    struct weft_msg msg = {""};
    rig_on_create = NULL;
    rig_create(&rig);
    struct weft_text ca = pem_of("ca.crt");
    EXPECT_EQ(WEFT_OK, weft_link_check_root(ca, "acme.example", &root, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_link_check_root(ca, "other.example", &root, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_link_check_root(pem_of("n1.crt"), "acme.example", &root, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_link_check_root(WEFT_TEXT("none"), "acme.example", &root, &msg));
    struct test_ca *any = test_ca_create(rig.directory, "any", NULL, TEST_KEY_P256);
    test_ca_destroy(any);
    EXPECT_EQ(WEFT_EINVAL, weft_link_check_root(pem_of("any.crt"), "acme.example", &root, &msg));
    rig_destroy(&rig);
}
