#include <stdio.h>
#include <string.h>

#include "policy/warrant.h"
#include "tests/lib/signers.h"
#include "tests/lib/test.h"

static const char ann[] = "oem.example/plant1/op/ann";
static const char robot[] = "oem.example/plant1/svc/robot";
static const struct weft_request_site site = {"oem.example", "plant1"};
static const uint8_t table[] = "a table";

static struct weft_digest digest_of_table(void)
{
    return weft_warrant_digest(64, (struct weft_bytes){table, sizeof(table)});
}

static struct weft_request_context context_at(const struct weft_keyring *ring, int64_t now_ns)
{
    return (struct weft_request_context){.ring = ring, .site = site, .now_ns = now_ns, .index = 30};
}

/* Valid until the next call. */
static struct weft_text note_of(struct weft_buffer *text, const char *who)
{
    static struct weft_buffer note;
    const char *const names[] = {who, NULL};
    weft_buffer_destroy(&note);
    note = signers_note(weft_buffer_as_text(text), names);
    weft_buffer_destroy(text);
    return weft_buffer_as_text(&note);
}

static struct weft_text token_note(const char *who, const char *place, const char *actions)
{
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK,
        weft_buffer_format(&text,
            "weft-token/v1\nid 07080900000000000000000000000000\naudience oem.example/%s\n"
            "principal %s\nissued 2026-03-01T08:00:00.000Z\nexpires 2026-03-01T08:10:00.000Z\n"
            "actions %s\n",
            place, who, actions));
    return note_of(&text, who);
}

static struct weft_text request_note(const char *who)
{
    struct weft_buffer text = {0};
    struct weft_request request = {.id = {7, 8, 9},
        .site = site,
        .principal = signers_principal(who),
        .digest = digest_of_table(),
        .not_before_ns = SIGNERS_NOW_NS,
        .not_after_ns = SIGNERS_NOW_NS + 60 * SIGNERS_SECOND_NS};
    EXPECT_EQ(WEFT_OK, weft_request_encode(&request, &text, NULL));
    return note_of(&text, who);
}

TEST(warrant, of_a_token_is_for_its_actions_and_until_it_expires)
{
    struct weft_keyring ring = signers_ring();
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    struct weft_warranted w;
    struct weft_text note = token_note(ann, "plant1", "read subscribe");
    EXPECT_EQ(WEFT_OK, weft_warrant_verify(note, &now, NULL, &w, NULL));
    struct weft_principal who = signers_principal(ann);
    EXPECT_TRUE(weft_principal_equal(&who, &w.principal));
    EXPECT_TRUE(w.is_token);
    EXPECT_EQ(signers_make(ann).verifier.key_id, w.warrant.key_id);
    EXPECT_EQ(SIGNERS_NOW_NS + 600 * SIGNERS_SECOND_NS - 1, w.warrant.until_ns);
    for (unsigned action = 0; action < WEFT_ACTIONS; action++) {
        /* POL-35 */
        EXPECT_EQ(action == WEFT_ACTION_READ || action == WEFT_ACTION_SUBSCRIBE,
            weft_warrant_allows(&w.warrant, (enum weft_policy_action)action));
    }
    note = token_note(robot, "plant1", "any");
    EXPECT_EQ(WEFT_OK, weft_warrant_verify(note, &now, NULL, &w, NULL));
    EXPECT_EQ(WEFT_WARRANT_ANY, w.warrant.actions);
    EXPECT_TRUE(weft_warrant_allows(&w.warrant, WEFT_ACTION_BREAK_GLASS));
    /* A word of a later version allows nothing here. */
    note = token_note(ann, "plant1", "teleport");
    EXPECT_EQ(WEFT_OK, weft_warrant_verify(note, &now, NULL, &w, NULL));
    EXPECT_EQ(0, w.warrant.actions);
    now.now_ns += 600 * SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_EREFUSED, weft_warrant_verify(note, &now, NULL, &w, NULL));
    now.now_ns = SIGNERS_NOW_NS;
    note = token_note(ann, "plant2", "any");
    EXPECT_EQ(WEFT_EREFUSED, weft_warrant_verify(note, &now, NULL, &w, NULL));
    weft_keyring_destroy(&ring);
}

TEST(warrant, of_a_signed_request_is_for_its_table_and_kind_alone)
{
    struct weft_keyring ring = signers_ring();
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    struct weft_digest digest = digest_of_table();
    struct weft_warranted w;
    struct weft_text note = request_note(ann);
    EXPECT_EQ(WEFT_OK, weft_warrant_verify(note, &now, &digest, &w, NULL));
    EXPECT_TRUE(!w.is_token);
    EXPECT_EQ(8, w.id.bytes[1]);
    EXPECT_EQ(SIGNERS_NOW_NS + 60 * SIGNERS_SECOND_NS, w.warrant.until_ns);
    EXPECT_EQ(WEFT_WARRANT_ANY, w.warrant.actions);
    EXPECT_EQ(WEFT_EVERSION, weft_warrant_verify(note, &now, NULL, &w, NULL));
    digest = weft_warrant_digest(66, (struct weft_bytes){table, sizeof(table)});
    EXPECT_EQ(WEFT_ECONFLICT, weft_warrant_verify(note, &now, &digest, &w, NULL));
    digest = weft_warrant_digest(64, (struct weft_bytes){table, sizeof(table) - 1});
    EXPECT_EQ(WEFT_ECONFLICT, weft_warrant_verify(note, &now, &digest, &w, NULL));
    weft_keyring_destroy(&ring);
}

/* The form of the digest is what other clients sign. */
TEST(warrant, digest_of_a_request_is_of_label_kind_and_table)
{
    static const char bytes[] = "weft-client-request/v1\n\0\0\0\x40xy";
    struct weft_digest expected = weft_sha256(bytes, sizeof(bytes) - 1);
    struct weft_digest digest =
        weft_warrant_digest(64, (struct weft_bytes){(uint8_t[]){'x', 'y'}, 2});
    EXPECT_TRUE(weft_digest_equal(&expected, &digest));
}

TEST(warrant, any_flipped_bit_of_a_note_is_refused)
{
    struct weft_keyring ring = signers_ring();
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    struct weft_warranted w;
    struct weft_text note = token_note(ann, "plant1", "any");
    char copy[WEFT_TOKEN_SIZE_MAX];
    memcpy(copy, note.data, note.size);
    for (size_t bit = 0; bit < note.size * 8; bit++) {
        copy[bit / 8] ^= (char)(1 << bit % 8);
        EXPECT_TRUE(weft_warrant_verify(
                        (struct weft_text){copy, note.size}, &now, NULL, &w, NULL) != WEFT_OK);
        copy[bit / 8] ^= (char)(1 << bit % 8);
    }
    EXPECT_EQ(WEFT_ETOOBIG, weft_warrant_verify((struct weft_text){copy, WEFT_TOKEN_SIZE_MAX + 1},
                                &now, NULL, &w, NULL));
    weft_keyring_destroy(&ring);
}

/* The table of policy/README.md, "For whom a request is". */
TEST(warrant, nodes_persons_and_programs_of_the_site_may_bring_notes)
{
    static const struct {
        const char *who;
        enum weft_err err;
    } cases[] = {{"oem.example/plant1/node/n1", WEFT_OK}, {ann, WEFT_OK}, {robot, WEFT_OK},
        {"oem.example/plant1/gw/gw1", WEFT_EREFUSED}, {"oem.example/plant1/wit/w1", WEFT_EREFUSED},
        {"oem.example/plant2/op/ann", WEFT_EREFUSED}, {"oem.example/plant2/node/n1", WEFT_EREFUSED},
        {"supplier.example/plant1/svc/mes", WEFT_EREFUSED}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_principal bringer = signers_principal(cases[i].who);
        EXPECT_EQ(cases[i].err, weft_warrant_may_bring(&bringer, &site, NULL));
    }
}

TEST(warrant, authors_are_persons_and_programs_of_the_site)
{
    struct weft_keyring ring = signers_ring();
    struct weft_request_context now = context_at(&ring, SIGNERS_NOW_NS);
    struct weft_warranted w;
    EXPECT_EQ(
        WEFT_EREFUSED, weft_warrant_verify(token_note("oem.example/plant1/gw/gw1", "plant1", "any"),
                           &now, NULL, &w, NULL));
    EXPECT_EQ(
        WEFT_EPEER, weft_warrant_verify(token_note("oem.example/plant1/op/dee", "plant1", "any"),
                        &now, NULL, &w, NULL));
    struct weft_signer far = signers_make("oem.example/plant2/op/ann");
    struct weft_principal author = signers_principal("oem.example/plant2/op/ann");
    EXPECT_EQ(WEFT_OK, weft_keyring_add(&ring, &author, &far.verifier, 10, NULL));
    EXPECT_EQ(
        WEFT_EREFUSED, weft_warrant_verify(token_note("oem.example/plant2/op/ann", "plant1", "any"),
                           &now, NULL, &w, NULL));
    weft_keyring_destroy(&ring);
}

TEST(warrant, counts_at_an_index_and_time_by_the_keyring_of_that_index)
{
    static const struct weft_text uri = WEFT_TEXT("spiffe://oem.example/plant1/op/ann");
    struct weft_keyring ring = signers_ring();
    struct weft_signer signer = signers_make(ann);
    struct weft_warrant warrant = {signer.verifier.key_id, WEFT_WARRANT_ANY, 1000};
    EXPECT_EQ(WEFT_OK, weft_warrant_check(&warrant, uri, &ring, 10, 1000, NULL));
    EXPECT_EQ(WEFT_EREFUSED, weft_warrant_check(&warrant, uri, &ring, 9, 1000, NULL));
    EXPECT_EQ(WEFT_EREFUSED, weft_warrant_check(&warrant, uri, &ring, 10, 1001, NULL));
    EXPECT_EQ(WEFT_EREFUSED, weft_warrant_check(&warrant, WEFT_TEXT("ann"), &ring, 10, 1, NULL));
    EXPECT_EQ(
        WEFT_EREFUSED, weft_warrant_check(&warrant, WEFT_TEXT("spiffe://oem.example/plant1/op/bo"),
                           &ring, 10, 1, NULL)); /* Another's key. */
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, &signer.verifier, 20, NULL));
    EXPECT_EQ(WEFT_OK, weft_warrant_check(&warrant, uri, &ring, 19, 1000, NULL));
    EXPECT_EQ(WEFT_EREFUSED, weft_warrant_check(&warrant, uri, &ring, 20, 1000, NULL));
    warrant.key_id ^= 1;
    EXPECT_EQ(WEFT_EREFUSED, weft_warrant_check(&warrant, uri, &ring, 19, 1000, NULL));
    weft_keyring_destroy(&ring);
}
