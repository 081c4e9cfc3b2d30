#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/cluster/link/pair.h"
#include "tests/lib/test.h"

/* Who gets in and who does not, on both links and their mixture. */

/* Runs the loop until the door has counted `wanted` of what `counter` counts (an offset). */
static bool until_counted(struct pair *p, size_t counter, uint64_t wanted)
{
    uint64_t begin = uv_hrtime(), counted = 0;
    while (counted < wanted && uv_hrtime() - begin < RIG_WAIT_MS * UINT64_C(1000000)) {
        rig_run_ms(&p->rig, 10);
        struct weft_link_stats stats = rig_stats(&p->door);
        counted = *(const uint64_t *)((const char *)&stats + counter);
    }
    return counted >= wanted;
}

/* A caller with another certificate at n1's door; never up. */
static void expect_refused(const char *name, const char *reason)
{
    static struct pair p;
    rig_create(&p.rig);
    struct weft_link_options door = rig_options(&p.rig, &p.door, "n1", true);
    struct weft_link_options caller = rig_options(&p.rig, &p.caller, name, false);
    rig_open(&p.rig, &p.door, &door);
    rig_open(&p.rig, &p.caller, &caller);
    struct weft_link_conn *conn = rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.event_count, 1, RIG_WAIT_MS));
    /* It tries again, and is refused again. */
    EXPECT_TRUE(until_counted(&p, offsetof(struct weft_link_stats, refused_tls), 2));
    EXPECT_TRUE(rig_has_event(&p.door, reason));
    EXPECT_TRUE(rig_has_event(&p.door, "link_refused_tls"));
    EXPECT_EQ(1, p.door.event_count);
    EXPECT_EQ(0, p.door.admitted + p.door.ups + p.caller.ups);
    EXPECT_TRUE(weft_link_conn_error(conn)[0] != '\0');
    rig_close(&p.caller);
    rig_close(&p.door);
    rig_destroy(&p.rig);
}

static void make(struct test_ca *ca, struct test_cert cert)
{
    test_ca_issue(ca, &cert);
}

static struct test_cert good(const char *file)
{
    return (struct test_cert){.file = file, .uri = "spiffe://acme.example/plant1/node/n2"};
}

/* expect_refused makes a rig of its own in the same directory, which keeps these files but
 * makes new roots; so each bad certificate is made by a hook of the rig. */
static struct test_cert wanted;

static void make_wanted(struct rig *rig)
{
    make(rig->ca, wanted);
}

static void refuse(struct test_cert cert, const char *reason)
{
    wanted = cert;
    rig_on_create = make_wanted;
    expect_refused(cert.file, reason);
    rig_on_create = NULL;
}

TEST(admission, the_certificate_of_another_root_is_refused)
{
    expect_refused("stranger", "unable to get local issuer certificate");
}

TEST(admission, an_expired_certificate_is_refused)
{
    struct test_cert c = good("expired");
    c.is_expired = true;
    refuse(c, "certificate has expired");
}

TEST(admission, a_certificate_of_the_future_is_refused)
{
    struct test_cert c = good("future");
    c.is_future = true;
    refuse(c, "not yet valid");
}

TEST(admission, a_ca_certificate_as_a_leaf_is_refused)
{
    struct test_cert c = good("caleaf");
    c.is_ca = true;
    refuse(c, "a CA certificate used as a leaf");
}

TEST(admission, a_leaf_that_may_sign_certificates_is_refused)
{
    struct test_cert c = good("signer");
    c.is_cert_signer = true;
    refuse(c, "keyCertSign");
}

TEST(admission, a_certificate_without_extended_key_usage_is_refused)
{
    struct test_cert c = good("noeku");
    c.has_no_eku = true;
    refuse(c, "without extended key usage clientAuth");
}

TEST(admission, a_server_certificate_is_no_client)
{
    struct test_cert c = good("serveronly");
    c.is_server_only = true;
    refuse(c, "unsuitable certificate purpose");
}

TEST(admission, a_name_outside_the_roots_trust_domain_is_refused)
{
    struct test_cert c = good("foreign");
    c.uri = "spiffe://other.example/plant1/node/n2";
    refuse(c, "certified by the root of acme.example");
}

TEST(admission, a_client_certificate_is_no_server)
{
    static struct pair p;
    rig_create(&p.rig);
    struct test_cert c = good("clientonly");
    c.is_client_only = true;
    make(p.rig.ca, c);
    struct weft_link_options door = rig_options(&p.rig, &p.door, "clientonly", true);
    struct weft_link_options caller = rig_options(&p.rig, &p.caller, "n2", false);
    rig_open(&p.rig, &p.door, &door);
    rig_open(&p.rig, &p.caller, &caller);
    struct weft_link_conn *conn = rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.event_count, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_has_event(&p.caller, "unsuitable certificate purpose"));
    EXPECT_TRUE(rig_stats(&p.caller).refused_tls >= 1);
    EXPECT_EQ(0, p.caller.ups + p.door.ups);
    EXPECT_TRUE(strstr(weft_link_conn_error(conn), "purpose") != NULL);
    pair_close(&p);
}

TEST(admission, a_person_may_call_with_a_client_certificate_without_a_site)
{
    static struct pair p;
    rig_create(&p.rig);
    make(p.rig.ca, (struct test_cert){.file = "ann",
                       .uri = "spiffe://acme.example/op/ann",
                       .key = TEST_KEY_ED25519,
                       .is_client_only = true});
    struct weft_link_options door = rig_options(&p.rig, &p.door, "n3", true);
    struct weft_link_options caller = rig_options(&p.rig, &p.caller, "ann", false);
    rig_open(&p.rig, &p.door, &door);
    rig_open(&p.rig, &p.caller, &caller);
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
    EXPECT_TEXT("", p.door.identity.site);
    EXPECT_TEXT("op", p.door.identity.class);
    EXPECT_TEXT("ann", p.door.identity.name);
    pair_close(&p);
}

TEST(admission, whom_the_user_does_not_admit_never_comes_up)
{
    static struct pair p;
    pair_open(&p);
    p.door.is_admitting = false;
    EXPECT_TRUE(rig_until(&p.rig, &p.door.event_count, 1, RIG_WAIT_MS));
    EXPECT_TRUE(until_counted(&p, offsetof(struct weft_link_stats, refused_identity), 2));
    EXPECT_TRUE(rig_has_event(&p.door, "plant1/node/n2 is not one of us"));
    EXPECT_EQ(1, p.door.event_count);
    EXPECT_EQ(0, p.door.ups + p.caller.ups + p.caller.downs);
    p.door.is_admitting = true;
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    pair_close(&p);
}

TEST(admission, a_caller_refuses_a_door_that_it_does_not_admit)
{
    static struct pair p;
    pair_open(&p);
    p.caller.is_admitting = false;
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.event_count, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_stats(&p.caller).refused_identity >= 1);
    EXPECT_EQ(0, p.caller.ups);
    pair_close(&p);
}

TEST(admission, somebody_else_than_expected_is_refused)
{
    static struct pair p;
    pair_open(&p);
    weft_link_conn_expect(p.conn, "spiffe://acme.example/plant1/node/n7");
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.event_count, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_has_event(&p.caller, "node/n1, expected spiffe://acme.example/plant1/node/n7"));
    EXPECT_EQ(0, p.caller.ups);
    weft_link_conn_expect(p.conn, "spiffe://acme.example/plant1/node/n1");
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    pair_close(&p);
}

TEST(admission, connections_above_the_limit_are_refused)
{
    static struct pair p;
    pair_open_with(&p, (struct pair_options){.connections_max = 2});
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    struct weft_link_conn *third = rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.event_count, 1, RIG_WAIT_MS));
    rig_run_ms(&p.rig, 300);
    EXPECT_TRUE(rig_stats(&p.door).refused_limit >= 1);
    EXPECT_TRUE(!weft_link_conn_is_up(third));
    EXPECT_EQ(2, p.caller.ups);
    EXPECT_EQ(0, p.caller.downs);
    weft_link_conn_close(p.conn); /* Room for the third. */
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 3, RIG_WAIT_MS));
    pair_close(&p);
}

TEST(admission, a_stranger_that_says_nothing_is_dropped_in_time)
{
    static struct pair p;
    static struct stranger s;
    pair_open_with(&p, (struct pair_options){.handshake_ms = 300});
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    uint64_t begin = uv_hrtime(), before = rig_stats(&p.door).refused_tls;
    stranger_open(&p.rig, &s, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &s.ended, 1, RIG_WAIT_MS));
    EXPECT_TRUE(uv_hrtime() - begin >= 250 * 1000000u);
    EXPECT_TRUE(rig_stats(&p.door).refused_tls > before);
    EXPECT_TRUE(rig_has_event(&p.door, "127.0.0.1: not authenticated within 300 ms; dropped"));
    stranger_close(&s);
    pair_close(&p);
}

TEST(admission, silent_strangers_do_not_lock_others_out)
{
    enum {
        STRANGERS = 200
    };
    static struct pair p;
    static struct stranger s[STRANGERS];
    /* No stranger's deadline passes while the test waits. */
    pair_open_with(
        &p, (struct pair_options){.handshakes_max = 16, .handshake_ms = 2 * RIG_WAIT_MS});
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 1, RIG_WAIT_MS));
    for (int i = 0; i < STRANGERS; i++) {
        stranger_open(&p.rig, &s[i], weft_link_address(p.door.link));
        rig_run_ms(&p.rig, 1);
    }
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    EXPECT_TRUE(rig_stats(&p.door).refused_limit >= STRANGERS - 16 - 1);
    EXPECT_EQ(0, p.caller.downs);
    for (int i = 0; i < STRANGERS; i++) {
        stranger_close(&s[i]);
    }
    pair_close(&p);
}

TEST(admission, new_certificates_are_used_by_new_connections_alone)
{
    static struct pair p;
    struct weft_msg msg = {""};
    pair_up(&p);
    struct weft_link_conn *first = p.conn;
    make(p.rig.ca, (struct test_cert){.file = "n1", .uri = "spiffe://acme.example/plant1/node/n9"});
    EXPECT_EQ(WEFT_OK, weft_link_reload(p.door.link, &msg));
    rig_run_ms(&p.rig, 50);
    struct weft_link_conn *second = rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    EXPECT_TEXT("spiffe://acme.example/plant1/node/n1", weft_link_conn_identity(first)->uri);
    EXPECT_TEXT("spiffe://acme.example/plant1/node/n9", weft_link_conn_identity(second)->uri);
    EXPECT_EQ(0, p.caller.downs);
    EXPECT_EQ(0, rig_stats(&p.door).listener_reopened);
    pair_close(&p);
}

TEST(admission, bad_files_leave_the_old_ones_in_force)
{
    static struct pair p;
    struct weft_msg msg = {""};
    pair_up(&p);
    FILE *f = fopen(rig_path(&p.rig, "n1.crt"), "w");
    (void)fputs("not a certificate", f);
    (void)fclose(f);
    EXPECT_EQ(WEFT_EINVAL, weft_link_reload(p.door.link, &msg));
    EXPECT_TRUE(strstr(msg.text, "n1.crt") != NULL);
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.caller.ups, 2, RIG_WAIT_MS));
    pair_close(&p);
}

static void concatenate(const char *to, const char *a, const char *b)
{
    const char *from[] = {a, b};
    FILE *out = fopen(to, "w");
    for (int i = 0; i < 2; i++) {
        FILE *in = fopen(from[i], "r");
        for (int c; (c = fgetc(in)) != EOF;) {
            (void)fputc(c, out);
        }
        (void)fclose(in);
    }
    (void)fclose(out);
}

/* However late the next list is. */
TEST(admission, a_revoked_certificate_is_refused)
{
    static const long late_s[] = {-3600, 3600};
    for (size_t i = 0; i < sizeof(late_s) / sizeof(late_s[0]); i++) {
        static struct pair p;
        rig_create(&p.rig);
        test_ca_revoke(p.rig.ca, "n2", "listed", late_s[i]);
        struct weft_link_options door = rig_options(&p.rig, &p.door, "n1", true);
        struct weft_link_options caller = rig_options(&p.rig, &p.caller, "n2", false);
        door.ca_file = rig_path(&p.rig, "listed.crt");
        rig_open(&p.rig, &p.door, &door);
        rig_open(&p.rig, &p.caller, &caller);
        (void)rig_dial(&p.caller, weft_link_address(p.door.link));
        EXPECT_TRUE(until_counted(&p, offsetof(struct weft_link_stats, refused_tls), 2));
        EXPECT_TRUE(rig_has_event(&p.door, "certificate revoked"));
        EXPECT_EQ(0, p.door.ups + p.caller.ups);
        rig_close(&p.caller);
        caller = rig_options(&p.rig, &p.caller, "n3", false); /* The same root's, not listed. */
        rig_open(&p.rig, &p.caller, &caller);
        (void)rig_dial(&p.caller, weft_link_address(p.door.link));
        EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
        pair_close(&p);
    }
}

TEST(admission, a_root_without_a_list_has_revoked_nothing)
{
    static struct pair p;
    rig_create(&p.rig);
    test_ca_revoke(p.rig.ca, "n2", "listed", -3600);
    struct weft_link_options door = rig_options(&p.rig, &p.door, "n1", true);
    struct weft_link_options caller = rig_options(&p.rig, &p.caller, "stranger", false);
    concatenate(rig_path(&p.rig, "both.crt"), rig_path(&p.rig, "listed.crt"),
        rig_path(&p.rig, "other.crt"));
    door.ca_file = rig_path(&p.rig, "both.crt");
    rig_open(&p.rig, &p.door, &door);
    rig_open(&p.rig, &p.caller, &caller);
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
    pair_close(&p);
}

static void expect_open(struct rig *rig, const struct weft_link_options *options,
    enum weft_err expected, const char *part)
{
    struct weft_msg msg = {""};
    struct weft_link *link = NULL;
    EXPECT_EQ(expected, weft_link_open(options, &link, &msg));
    EXPECT_TRUE(link == NULL);
    if (strstr(msg.text, part) == NULL) {
        EXPECT_TEXT(part, msg.text);
    }
    rig_run_ms(rig, 0);
}

TEST(admission, what_cannot_be_opened_says_why)
{
    static struct rig rig;
    static struct party party;
    rig_create(&rig);
    struct weft_link_options o = rig_options(&rig, &party, "n1", true);
    make(rig.ca, (struct test_cert){.file = "nouri"});
    make(rig.ca, (struct test_cert){.file = "twouris",
                     .uri = "spiffe://acme.example/plant1/node/n1",
                     .uri2 = "spiffe://acme.example/plant1/node/n2"});
    struct weft_link_options bad = o;
    bad.listen = "127.0.0.1";
    expect_open(&rig, &bad, WEFT_EINVAL, "address \"127.0.0.1\" is not host:port");
    bad.listen = "127.0.0.1:99999";
    expect_open(&rig, &bad, WEFT_EINVAL, "99999");
    bad.listen = "::1:7000";
    expect_open(&rig, &bad, WEFT_EINVAL, "brackets");
    bad.listen = "192.0.2.1:7000"; /* Not an address of this machine. */
    expect_open(&rig, &bad, WEFT_EINVAL, "listen at 192.0.2.1:7000");
    bad = o;
    bad.cert_file = rig_path(&rig, "absent.crt");
    expect_open(&rig, &bad, WEFT_EINVAL, "absent.crt");
    bad = o;
    bad.key_file = rig_path(&rig, "n2.key");
    expect_open(&rig, &bad, WEFT_EINVAL, "n2.key");
    bad = o;
    bad.ca_file = rig_path(&rig, "n1.key");
    expect_open(&rig, &bad, WEFT_EINVAL, "CA file");
    bad = o;
    bad.cert_file = rig_path(&rig, "nouri.crt");
    bad.key_file = rig_path(&rig, "nouri.key");
    expect_open(&rig, &bad, WEFT_EINVAL, "0 URI names");
    bad.cert_file = rig_path(&rig, "twouris.crt");
    bad.key_file = rig_path(&rig, "twouris.key");
    expect_open(&rig, &bad, WEFT_EINVAL, "2 URI names");
    bad = o;
    bad.callbacks.on_message = NULL;
    expect_open(&rig, &bad, WEFT_EINVAL, "on_message");
    rig_open(&rig, &party, &o);
    bad = o;
    bad.listen = weft_link_address(party.link);
    expect_open(&rig, &bad, WEFT_EUNAVAILABLE, "in use");
    struct weft_link_conn *conn = NULL;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_EINVAL, weft_link_dial(party.link, "nothing", &conn, &msg));
    EXPECT_TRUE(conn == NULL);
    rig_close(&party);
    rig_destroy(&rig);
}

TEST(admission, each_of_several_roots_speaks_for_its_own_domain)
{
    static struct pair p;
    rig_create(&p.rig);
    struct weft_link_options door = rig_options(&p.rig, &p.door, "n1", true);
    struct weft_link_options caller = rig_options(&p.rig, &p.caller, "stranger", false);
    concatenate(
        rig_path(&p.rig, "both.crt"), rig_path(&p.rig, "ca.crt"), rig_path(&p.rig, "other.crt"));
    door.ca_file = rig_path(&p.rig, "both.crt");
    rig_open(&p.rig, &p.door, &door);
    rig_open(&p.rig, &p.caller, &caller);
    struct weft_link_conn *conn = rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
    EXPECT_TEXT("other.example", p.door.identity.org);
    weft_link_conn_close(conn);
    /* The partner's root certifies one of our own names. */
    make(p.rig.other_ca,
        (struct test_cert){.file = "stranger", .uri = "spiffe://acme.example/plant1/node/n2"});
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_link_reload(p.caller.link, &msg));
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.event_count, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_has_event(&p.door, "certified by the root of other.example"));
    EXPECT_EQ(1, p.door.ups);
    rig_close(&p.caller);
    rig_close(&p.door);
    struct test_ca *nameless = test_ca_create(p.rig.directory, "nameless", NULL, TEST_KEY_P256);
    concatenate(
        rig_path(&p.rig, "both.crt"), rig_path(&p.rig, "ca.crt"), rig_path(&p.rig, "nameless.crt"));
    expect_open(&p.rig, &door, WEFT_EINVAL, "names no trust domain");
    test_ca_destroy(nameless);
    rig_destroy(&p.rig);
}

TEST(admission, a_name_constraint_binds_as_a_roots_own_name_does)
{
    static struct pair p;
    rig_create(&p.rig);
    struct test_ca *partner =
        test_ca_create_constrained(p.rig.directory, "partner", "partner.example", TEST_KEY_ED25519);
    test_ca_issue(partner,
        &(struct test_cert){.file = "friend", .uri = "spiffe://partner.example/plant1/node/n2"});
    struct weft_link_options door = rig_options(&p.rig, &p.door, "n1", true);
    struct weft_link_options caller = rig_options(&p.rig, &p.caller, "friend", false);
    concatenate(
        rig_path(&p.rig, "both.crt"), rig_path(&p.rig, "ca.crt"), rig_path(&p.rig, "partner.crt"));
    door.ca_file = rig_path(&p.rig, "both.crt");
    rig_open(&p.rig, &p.door, &door);
    rig_open(&p.rig, &p.caller, &caller);
    struct weft_link_conn *conn = rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.ups, 1, RIG_WAIT_MS));
    weft_link_conn_close(conn);
    test_ca_issue(partner,
        &(struct test_cert){.file = "friend", .uri = "spiffe://acme.example/plant1/node/n2"});
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_link_reload(p.caller.link, &msg));
    (void)rig_dial(&p.caller, weft_link_address(p.door.link));
    EXPECT_TRUE(rig_until(&p.rig, &p.door.event_count, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_has_event(&p.door, "certified by the root of partner.example"));
    EXPECT_EQ(1, p.door.ups);
    test_ca_destroy(partner);
    pair_close(&p);
}
