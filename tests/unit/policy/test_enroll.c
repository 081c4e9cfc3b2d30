#include <stdio.h>
#include <string.h>

#include "tests/lib/signers.h"
#include "tests/lib/test.h"

static const char ann[] = "oem.example/plant1/op/ann";
static const char bo[] = "oem.example/plant1/op/bo";
static const char dee[] = "oem.example/plant1/op/dee";
static const uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE] = {1, 2, 3};

static struct weft_enroll enrolment(const char *who)
{
    struct weft_enroll enroll = {.org = WEFT_TEXT("oem.example"),
        .principal = signers_principal(who),
        .key = signers_make(who).verifier,
        .issued_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + SIGNERS_DAY_NS};
    memcpy(enroll.nonce, nonce, sizeof(nonce));
    return enroll;
}

static struct weft_buffer enroll_note(const struct weft_enroll *enroll, const char *const *names)
{
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_enroll_encode(enroll, &text, NULL));
    struct weft_buffer bytes = signers_note(signers_text(&text), names);
    weft_buffer_destroy(&text);
    return bytes;
}

/* Offer it at index 20 to a ring. */
static enum weft_err offer(const struct weft_enroll *enroll, const char *const *names,
    int64_t now_ns, struct weft_keyring *ring, enum weft_chain_fault *ret_fault)
{
    struct weft_buffer bytes = enroll_note(enroll, names);
    struct weft_note note = signers_parse(&bytes);
    struct weft_org org = signers_org();
    struct weft_enroll taken;
    uint32_t before = ring->count;
    enum weft_err err =
        weft_enroll_accept(&note, nonce, &org, now_ns, 20, ring, &taken, ret_fault, NULL);
    EXPECT_EQ(before + (err == WEFT_OK), ring->count); /* POL-30 */
    weft_buffer_destroy(&bytes);
    return err;
}

TEST(enroll, key_comes_in_by_possession_and_an_admin)
{
    static const char *const names[] = {dee, ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll enroll = enrolment(dee);
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_OK, offer(&enroll, names, SIGNERS_NOW_NS, &ring, &fault));
    const struct weft_keyring_key *key =
        weft_keyring_find(&ring, weft_text_of(dee), enroll.key.key_id);
    EXPECT_TRUE(key != NULL && weft_keyring_is_valid(key, 20) && !weft_keyring_is_valid(key, 19));
    /* Once more: it is there. */
    EXPECT_EQ(WEFT_ECONFLICT, offer(&enroll, names, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_CHAIN_DUPLICATE_KEY_ID, fault);
    weft_keyring_destroy(&ring);
}

TEST(enroll, first_admin_comes_in_by_the_roots)
{
    static const char *const by_roots[] = {ann, "oem.example/root/a", "oem.example/root/c", NULL};
    static const char *const by_one_root[] = {ann, "oem.example/root/a", NULL};
    struct weft_keyring ring = {NULL, 0, 0};
    struct weft_enroll enroll = enrolment(ann);
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, by_one_root, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_OK, offer(&enroll, by_roots, SIGNERS_NOW_NS, &ring, &fault));
    weft_keyring_destroy(&ring);
}

TEST(enroll, without_possession_nonce_time_or_approval_nothing_changes)
{
    static const char *const good[] = {dee, ann, NULL};
    static const char *const no_possession[] = {ann, bo, NULL};
    static const char *const no_admin[] = {dee, "oem.example/plant1/op/cy", NULL};
    static const char *const self[] = {dee, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll enroll = enrolment(dee);
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_EPEER, offer(&enroll, no_possession, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, no_admin, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, self, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, good, SIGNERS_NOW_NS - 1, &ring, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, good, enroll.expires_ns, &ring, &fault));
    enroll.nonce[0] ^= 1;
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, good, SIGNERS_NOW_NS, &ring, &fault));
    enroll = enrolment(dee);
    EXPECT_EQ(WEFT_OK, offer(&enroll, good, enroll.expires_ns - 1, &ring, &fault));
    weft_keyring_destroy(&ring);
}

TEST(enroll, replacing_closes_the_old_key_at_the_same_index)
{
    struct weft_keyring ring = signers_ring();
    struct weft_org org = signers_org();
    struct weft_signer old = signers_make(bo), new = signers_make_other(bo);
    struct weft_enroll enroll = enrolment(bo), taken;
    static const char *const by_ann[] = {ann, NULL};
    enum weft_chain_fault fault;
    enroll.key = new.verifier;
    enroll.is_replacing = true;
    enroll.replaced = signers_make_other(dee).verifier;
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL)); /* another's name */
    enroll.replaced = old.verifier;
    struct weft_buffer bytes = enroll_note(&enroll, by_ann);
    signers_add_line(&bytes, &new);
    struct weft_note note = signers_parse(&bytes);
    EXPECT_EQ(WEFT_OK,
        weft_enroll_accept(&note, nonce, &org, SIGNERS_NOW_NS, 20, &ring, &taken, &fault, NULL));
    const struct weft_keyring_key *key =
        weft_keyring_find(&ring, weft_text_of(bo), old.verifier.key_id);
    EXPECT_TRUE(weft_keyring_is_valid(key, 19) && !weft_keyring_is_valid(key, 20));
    key = weft_keyring_find(&ring, weft_text_of(bo), new.verifier.key_id);
    EXPECT_TRUE(key != NULL && weft_keyring_is_valid(key, 20));
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&out);

    /* A key that was closed, or never was, is not replaced. */
    static const char *const by_dee[] = {ann, dee, NULL};
    struct weft_enroll another = enrolment(dee);
    another.is_replacing = true;
    another.replaced = signers_make_other(dee).verifier;
    EXPECT_EQ(WEFT_ENOTFOUND, offer(&another, by_dee, SIGNERS_NOW_NS, &ring, &fault));
    weft_keyring_destroy(&ring);
}

TEST(enroll, low_order_key_and_key_of_a_root_stay_out)
{
    struct weft_keyring ring = signers_ring();
    struct weft_org org = signers_org();
    struct weft_enroll enroll = enrolment(dee), taken;
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    enum weft_chain_fault fault;
    memset(enroll.key.key.bytes, 0, sizeof(enroll.key.key.bytes));
    enroll.key.key_id = weft_signer_key_id(weft_text_of(dee), WEFT_SIGNER_ED25519, &enroll.key.key);
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, &msg)); /* POL-21 */
    EXPECT_TRUE(strstr(msg.text, "key-of-low-order") != NULL);

    static const char *const by_ann[] = {ann, NULL};
    struct weft_signer root = signers_make("oem.example/root/a"), two;
    EXPECT_EQ(
        WEFT_OK, weft_signer_make(weft_text_of(dee), WEFT_SIGNER_ED25519, &root.pair, &two, NULL));
    enroll.key = two.verifier;
    struct weft_buffer bytes = enroll_note(&enroll, by_ann);
    signers_add_line(&bytes, &two);
    struct weft_note note = signers_parse(&bytes);
    EXPECT_EQ(WEFT_ECONFLICT,
        weft_enroll_accept(&note, nonce, &org, SIGNERS_NOW_NS, 20, &ring, &taken, &fault, NULL));
    EXPECT_EQ(WEFT_CHAIN_DUPLICATE_KEY_ID, fault);
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&out);
    weft_keyring_destroy(&ring);
}

TEST(enroll, text_that_breaks_a_rule_is_refused)
{
    struct weft_enroll enroll = enrolment(dee);
    struct weft_buffer out = {0};
    enroll.expires_ns = enroll.issued_ns;
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    enroll.expires_ns = enroll.issued_ns + WEFT_ENROLL_LIFE_MAX_S * SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_OK, weft_enroll_encode(&enroll, &out, NULL));
    enroll.expires_ns += SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    enroll = enrolment(dee);
    enroll.org = WEFT_TEXT("supplier.example");
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    enroll = enrolment(dee);
    enroll.is_replacing = true;
    enroll.replaced = enroll.key;
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    enroll = enrolment(dee);
    enroll.key = signers_make(ann).verifier;
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    weft_buffer_destroy(&out);
}

/* --- revocations ----------------------------------------------------------------------------- */

static struct weft_revoke revocation(const char *who, uint64_t version, struct weft_digest prev)
{
    return (struct weft_revoke){.org = WEFT_TEXT("oem.example"),
        .link = {.version = version,
            .prev = prev,
            .issued_ns = SIGNERS_NOW_NS,
            .expires_ns = INT64_MAX},
        .principal = signers_principal(who),
        .key = signers_make(who).verifier,
        .reason = WEFT_TEXT("lost with the laptop")};
}

static enum weft_err revoke(const struct weft_revoke *revoke, const char *const *names,
    const struct weft_chain_link *current, struct weft_keyring *ring,
    struct weft_chain_link *ret_link, enum weft_chain_fault *ret_fault)
{
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_revoke_encode(revoke, &text, NULL));
    struct weft_buffer bytes = signers_note(signers_text(&text), names);
    struct weft_note note = signers_parse(&bytes);
    struct weft_org org = signers_org();
    struct weft_revoke taken;
    enum weft_err err = weft_revoke_accept(&note, &org, current, 30, ring, &taken, ret_fault, NULL);
    if (err == WEFT_OK) {
        *ret_link = taken.link;
    }
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&text);
    return err;
}

TEST(revoke, key_is_closed_by_an_admin_or_the_roots_and_each_follows_the_one_before)
{
    static const char *const by_ann[] = {ann, NULL};
    static const char *const by_cy[] = {"oem.example/plant1/op/cy", NULL};
    static const char *const by_roots[] = {"oem.example/root/b", "oem.example/root/c", NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_chain_link link, next;
    enum weft_chain_fault fault;
    struct weft_revoke first = revocation(bo, 1, (struct weft_digest){{0}});
    EXPECT_EQ(WEFT_EREFUSED, revoke(&first, by_cy, NULL, &ring, &link, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_OK, revoke(&first, by_ann, NULL, &ring, &link, &fault));
    const struct weft_keyring_key *key =
        weft_keyring_find(&ring, weft_text_of(bo), first.key.key_id);
    EXPECT_TRUE(weft_keyring_is_valid(key, 29) && !weft_keyring_is_valid(key, 30));
    EXPECT_EQ(WEFT_ECONFLICT, revoke(&first, by_ann, &link, &ring, &next, &fault));
    EXPECT_EQ(WEFT_CHAIN_REPEATED, fault);

    /* The last admin's: by the roots. And then Ann's word counts no more. */
    struct weft_revoke second = revocation(ann, 2, link.digest);
    EXPECT_EQ(WEFT_OK, revoke(&second, by_roots, &link, &ring, &next, &fault));
    struct weft_revoke third = revocation("oem.example/plant1/op/cy", 3, next.digest);
    EXPECT_EQ(WEFT_EREFUSED, revoke(&third, by_ann, &next, &ring, &link, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    third = revocation(bo, 3, next.digest);
    EXPECT_EQ(WEFT_ESTATE, revoke(&third, by_roots, &next, &ring, &link, &fault));
    third = revocation(dee, 3, next.digest);
    EXPECT_EQ(WEFT_ENOTFOUND, revoke(&third, by_roots, &next, &ring, &link, &fault));
    weft_keyring_destroy(&ring);
}
