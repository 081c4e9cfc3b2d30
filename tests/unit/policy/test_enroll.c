#include <stdio.h>
#include <string.h>

#include "tests/lib/signers.h"
#include "tests/lib/test.h"

static const char ann[] = "oem.example/plant1/op/ann";
static const char bo[] = "oem.example/plant1/op/bo";
static const char dee[] = "oem.example/plant1/op/dee";
static const char cy[] = "oem.example/plant1/op/cy";
#define SITE WEFT_TEXT("oem.example/plant1")

/* `who`'s first key, over the nonce that the ring asks for. */
static struct weft_enroll enrolment(const char *who, const struct weft_keyring *ring)
{
    struct weft_org org = signers_org();
    struct weft_enroll enroll = {.org = WEFT_TEXT("oem.example"),
        .principal = signers_principal(who),
        .key = signers_make(who).verifier,
        .issued_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + SIGNERS_DAY_NS};
    weft_enroll_nonce(&org.link.digest, SITE, ring, &enroll.principal, enroll.nonce);
    return enroll;
}

static struct weft_buffer enroll_note(const struct weft_enroll *enroll, const char *const *names)
{
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_enroll_encode(enroll, &text, NULL));
    struct weft_buffer bytes = signers_note(weft_buffer_as_text(&text), names);
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
        weft_enroll_accept(&note, SITE, &org, now_ns, 20, ring, &taken, ret_fault, NULL);
    EXPECT_EQ(before + (err == WEFT_OK), ring->count); /* POL-30 */
    weft_buffer_destroy(&bytes);
    return err;
}

TEST(enroll, key_comes_in_by_possession_and_an_admin)
{
    static const char *const names[] = {dee, ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll enroll = enrolment(dee, &ring);
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_OK, offer(&enroll, names, SIGNERS_NOW_NS, &ring, &fault));
    const struct weft_keyring_key *key =
        weft_keyring_find(&ring, weft_text_of(dee), enroll.key.key_id);
    EXPECT_TRUE(key != NULL && weft_keyring_is_valid(key, 20) && !weft_keyring_is_valid(key, 19));
    /* POL-33: the same note says nothing any more, and a new one finds the key there. */
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, names, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_CHAIN_SOUND, fault);
    enroll = enrolment(dee, &ring);
    EXPECT_EQ(WEFT_ECONFLICT, offer(&enroll, names, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_CHAIN_DUPLICATE_KEY_ID, fault);
    weft_keyring_destroy(&ring);
}

TEST(enroll, first_admin_comes_in_by_the_roots)
{
    static const char *const by_roots[] = {ann, "oem.example/root/a", "oem.example/root/c", NULL};
    static const char *const by_one_root[] = {ann, "oem.example/root/a", NULL};
    struct weft_keyring ring = {NULL, 0, 0};
    struct weft_enroll enroll = enrolment(ann, &ring);
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
    struct weft_enroll enroll = enrolment(dee, &ring);
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_EPEER, offer(&enroll, no_possession, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, no_admin, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, self, SIGNERS_NOW_NS, &ring, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, good, SIGNERS_NOW_NS - 1, &ring, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, good, enroll.expires_ns, &ring, &fault));
    enroll.nonce[0] ^= 1;
    EXPECT_EQ(WEFT_EREFUSED, offer(&enroll, good, SIGNERS_NOW_NS, &ring, &fault));
    enroll = enrolment(dee, &ring);
    EXPECT_EQ(WEFT_OK, offer(&enroll, good, enroll.expires_ns - 1, &ring, &fault));
    weft_keyring_destroy(&ring);
}

/* An enrolment of `who`'s other key in the place of the first. */
static struct weft_enroll replacement(const char *who, const struct weft_keyring *ring)
{
    struct weft_enroll enroll = enrolment(who, ring);
    enroll.is_replacing = true;
    enroll.replaced = enroll.key;
    enroll.key = signers_make_other(who).verifier;
    return enroll;
}

/* Signed by the new key too. */
static enum weft_err offer_other(const struct weft_enroll *enroll, const char *who,
    const char *const *names, struct weft_keyring *ring, struct weft_enroll *ret_taken,
    enum weft_chain_fault *ret_fault)
{
    struct weft_buffer bytes = enroll_note(enroll, names);
    struct weft_signer new = signers_make_other(who);
    struct weft_org org = signers_org();
    signers_add_line(&bytes, &new);
    struct weft_note note = signers_parse(&bytes);
    uint32_t before = ring->count;
    enum weft_err err =
        weft_enroll_accept(&note, SITE, &org, SIGNERS_NOW_NS, 20, ring, ret_taken, ret_fault, NULL);
    EXPECT_EQ(before + (err == WEFT_OK), ring->count); /* POL-30 */
    weft_buffer_destroy(&bytes);
    return err;
}

static bool is_valid_at(
    const struct weft_keyring *ring, const struct weft_verifier *key, uint64_t index)
{
    const struct weft_keyring_key *found =
        weft_keyring_find(ring, weft_text_of(key->name), key->key_id);
    return found != NULL && weft_keyring_is_valid(found, index);
}

TEST(enroll, replacing_closes_the_old_key_at_the_same_index)
{
    static const char *const by_ann[] = {ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll enroll = replacement(cy, &ring), taken = {.is_rotation = true};
    struct weft_verifier old = enroll.replaced;
    enum weft_chain_fault fault;
    struct weft_buffer out = {0};
    enroll.replaced = signers_make_other(dee).verifier;
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL)); /* another's name */
    weft_buffer_destroy(&out);
    enroll.replaced = old;
    EXPECT_EQ(WEFT_OK, offer_other(&enroll, cy, by_ann, &ring, &taken, &fault));
    EXPECT_TRUE(!taken.is_rotation);
    EXPECT_TRUE(is_valid_at(&ring, &old, 19) && !is_valid_at(&ring, &old, 20));
    EXPECT_TRUE(is_valid_at(&ring, &enroll.key, 20) && !is_valid_at(&ring, &enroll.key, 19));

    /* A key that was closed, or never was, is not replaced. */
    static const char *const by_dee[] = {ann, dee, NULL};
    struct weft_enroll another = enrolment(dee, &ring);
    another.is_replacing = true;
    another.replaced = signers_make_other(dee).verifier;
    EXPECT_EQ(WEFT_ENOTFOUND, offer(&another, by_dee, SIGNERS_NOW_NS, &ring, &fault));
    weft_keyring_destroy(&ring);
}

TEST(enroll, key_brings_in_its_successor_and_no_other)
{
    static const char *const by_cy[] = {cy, NULL};
    static const char *const by_bo[] = {bo, NULL};
    static const char *const by_robot[] = {"oem.example/plant1/svc/robot", NULL};
    static const char *const by_new_alone[] = {"oem.example/plant1/op/zoe", NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll enroll = replacement(cy, &ring), taken = {.is_rotation = false};
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_EREFUSED, offer_other(&enroll, cy, by_new_alone, &ring, &taken, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_OK, offer_other(&enroll, cy, by_cy, &ring, &taken, &fault));
    EXPECT_TRUE(taken.is_rotation);
    EXPECT_TRUE(is_valid_at(&ring, &enroll.key, 20));
    EXPECT_TRUE(is_valid_at(&ring, &enroll.replaced, 19));
    EXPECT_TRUE(!is_valid_at(&ring, &enroll.replaced, 20));

    /* It has ended: it brings in nothing more. */
    enroll = enrolment(cy, &ring);
    enroll.is_replacing = true;
    enroll.replaced = signers_make(cy).verifier;
    enroll.key = signers_make_other(cy).verifier;
    EXPECT_EQ(WEFT_ESTATE, offer_other(&enroll, cy, by_cy, &ring, &taken, &fault));

    /* An admin by the key that the admin has; any class does so. */
    enroll = replacement(bo, &ring);
    EXPECT_EQ(WEFT_OK, offer_other(&enroll, bo, by_bo, &ring, &taken, &fault));
    enroll = replacement(by_robot[0], &ring);
    EXPECT_EQ(WEFT_OK, offer_other(&enroll, by_robot[0], by_robot, &ring, &taken, &fault));
    weft_keyring_destroy(&ring);
}

TEST(enroll, signature_of_the_replaced_key_that_is_wrong_refuses_all)
{
    static const char *const by_ann[] = {ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll enroll = replacement(cy, &ring), taken;
    struct weft_signer new = signers_make_other(cy), old = signers_make(cy);
    struct weft_org org = signers_org();
    enum weft_chain_fault fault;
    struct weft_buffer bytes = enroll_note(&enroll, by_ann), line = {0};
    signers_add_line(&bytes, &new);
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(WEFT_TEXT("other\n"), &old, 0, &line, NULL));
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&bytes, weft_buffer_as_text(&line)));
    struct weft_note note = signers_parse(&bytes);
    EXPECT_EQ(WEFT_EBADSIG,
        weft_enroll_accept(&note, SITE, &org, SIGNERS_NOW_NS, 20, &ring, &taken, &fault, NULL));
    EXPECT_TRUE(is_valid_at(&ring, &enroll.replaced, 20));
    weft_buffer_destroy(&line);
    weft_buffer_destroy(&bytes);
    weft_keyring_destroy(&ring);
}

TEST(enroll, keys_of_admins_come_in_by_the_roots_alone)
{
    static const char *const by_ann[] = {ann, NULL};
    static const char *const by_roots[] = {"oem.example/root/a", "oem.example/root/c", NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll enroll = replacement(bo, &ring), taken;
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_EREFUSED, offer_other(&enroll, bo, by_ann, &ring, &taken, &fault)); /* POL-32 */
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_OK, offer_other(&enroll, bo, by_roots, &ring, &taken, &fault));
    EXPECT_TRUE(!is_valid_at(&ring, &enroll.replaced, 20));
    weft_keyring_destroy(&ring);
}

TEST(enroll, a_key_stands_on_an_asset_that_names_whose_it_is)
{
    char asset[WEFT_ENROLL_ASSET_SIZE];
    struct weft_principal here = signers_principal("oem.example/plant1/svc/robot");
    struct weft_principal other = signers_principal("oem.example/plant2/op/di");
    weft_enroll_asset(&here, WEFT_TEXT("plant1"), asset);
    EXPECT_TEXT("authority:key/svc/robot", asset);
    weft_enroll_asset(&other, WEFT_TEXT("plant1"), asset);
    EXPECT_TEXT("authority:key/plant2/op/di", asset);
}

TEST(enroll, nonce_changes_with_site_document_principal_and_each_of_their_keys)
{
    struct weft_keyring ring = signers_ring();
    struct weft_digest one = weft_sha256("1", 1), two = weft_sha256("2", 1);
    struct weft_principal who = signers_principal(cy), other = signers_principal(dee);
    struct weft_verifier key = signers_make(cy).verifier, more = signers_make_other(cy).verifier;
    struct weft_verifier bos = signers_make(bo).verifier;
    uint8_t nonces[7][WEFT_DOCUMENT_NONCE_SIZE], again[WEFT_DOCUMENT_NONCE_SIZE];
    weft_enroll_nonce(&one, SITE, &ring, &who, nonces[0]);
    weft_enroll_nonce(&two, SITE, &ring, &who, nonces[1]);
    weft_enroll_nonce(&one, WEFT_TEXT("oem.example/plant2"), &ring, &who, nonces[2]);
    weft_enroll_nonce(&one, SITE, &ring, &other, nonces[3]);
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, &bos, 30, NULL));
    weft_enroll_nonce(&one, SITE, &ring, &who, again); /* Another's keys: nothing changes. */
    EXPECT_MEM(nonces[0], again, sizeof(again));
    EXPECT_EQ(WEFT_OK, weft_keyring_add(&ring, &who, &more, 31, NULL));
    weft_enroll_nonce(&one, SITE, &ring, &who, nonces[4]);
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, &key, 32, NULL));
    weft_enroll_nonce(&one, SITE, &ring, &who, nonces[5]);
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, &more, 33, NULL));
    weft_enroll_nonce(&one, SITE, &ring, &who, nonces[6]);
    for (int i = 0; i < 7; i++) {
        for (int k = 0; k < i; k++) {
            EXPECT_TRUE(memcmp(nonces[i], nonces[k], sizeof(again)) != 0); /* POL-33 */
        }
    }
    weft_keyring_destroy(&ring);
}

TEST(enroll, enrolment_of_another_time_says_both_times)
{
    static const char *const names[] = {dee, ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll enroll = enrolment(dee, &ring), taken;
    struct weft_org org = signers_org();
    struct weft_msg msg = {""};
    enum weft_chain_fault fault;
    struct weft_buffer bytes = enroll_note(&enroll, names);
    struct weft_note note = signers_parse(&bytes);
    EXPECT_EQ(WEFT_EREFUSED,
        weft_enroll_accept(&note, SITE, &org, SIGNERS_NOW_NS - 1, 20, &ring, &taken, &fault, &msg));
    EXPECT_TEXT("good from 2026-03-01T08:00:00Z to 2026-03-02T08:00:00Z, and it is "
                "2026-03-01T07:59:59.999999999Z: are the clocks right?",
        msg.text);
    weft_buffer_destroy(&bytes);
    weft_keyring_destroy(&ring);
}

TEST(enroll, low_order_key_and_key_of_a_root_stay_out)
{
    struct weft_keyring ring = signers_ring();
    struct weft_org org = signers_org();
    struct weft_enroll enroll = enrolment(dee, &ring), taken;
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
        weft_enroll_accept(&note, SITE, &org, SIGNERS_NOW_NS, 20, &ring, &taken, &fault, NULL));
    EXPECT_EQ(WEFT_CHAIN_DUPLICATE_KEY_ID, fault);
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&out);
    weft_keyring_destroy(&ring);
}

TEST(enroll, text_that_breaks_a_rule_is_refused)
{
    struct weft_keyring ring = {NULL, 0, 0};
    struct weft_enroll enroll = enrolment(dee, &ring);
    struct weft_buffer out = {0};
    enroll.expires_ns = enroll.issued_ns;
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    enroll.expires_ns = enroll.issued_ns + WEFT_ENROLL_LIFE_MAX_S * SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_OK, weft_enroll_encode(&enroll, &out, NULL));
    enroll.expires_ns += SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    enroll = enrolment(dee, &ring);
    enroll.org = WEFT_TEXT("supplier.example");
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    enroll = enrolment(dee, &ring);
    enroll.is_replacing = true;
    enroll.replaced = enroll.key;
    EXPECT_EQ(WEFT_EINVAL, weft_enroll_encode(&enroll, &out, NULL));
    enroll = enrolment(dee, &ring);
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
    struct weft_buffer bytes = signers_note(weft_buffer_as_text(&text), names);
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
    static const char *const by_robot[] = {"oem.example/plant1/svc/robot", NULL};
    static const char *const by_roots[] = {"oem.example/root/b", "oem.example/root/c", NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_chain_link link, next;
    enum weft_chain_fault fault;
    struct weft_revoke first = revocation(cy, 1, (struct weft_digest){{0}});
    EXPECT_EQ(WEFT_EREFUSED, revoke(&first, by_robot, NULL, &ring, &link, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_OK, revoke(&first, by_ann, NULL, &ring, &link, &fault));
    EXPECT_TRUE(is_valid_at(&ring, &first.key, 29) && !is_valid_at(&ring, &first.key, 30));
    EXPECT_EQ(WEFT_ECONFLICT, revoke(&first, by_ann, &link, &ring, &next, &fault));
    EXPECT_EQ(WEFT_CHAIN_REPEATED, fault);

    /* An admin's: by the roots alone (POL-32). And then Ann's word counts no more. */
    struct weft_revoke second = revocation(ann, 2, link.digest);
    static const char *const by_bo[] = {bo, NULL};
    EXPECT_EQ(WEFT_EREFUSED, revoke(&second, by_bo, &link, &ring, &next, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_OK, revoke(&second, by_roots, &link, &ring, &next, &fault));
    struct weft_revoke third = revocation("oem.example/plant1/svc/robot", 3, next.digest);
    EXPECT_EQ(WEFT_EREFUSED, revoke(&third, by_ann, &next, &ring, &link, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    third = revocation(cy, 3, next.digest);
    EXPECT_EQ(WEFT_ESTATE, revoke(&third, by_roots, &next, &ring, &link, &fault));
    third = revocation(dee, 3, next.digest);
    EXPECT_EQ(WEFT_ENOTFOUND, revoke(&third, by_roots, &next, &ring, &link, &fault));
    weft_keyring_destroy(&ring);
}

TEST(revoke, enrolment_approved_before_it_says_nothing_after_it)
{
    static const char *const by_ann[] = {ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_enroll kept = enrolment(cy, &ring), taken; /* A second key, beside the first. */
    struct weft_revoke first = revocation(cy, 1, (struct weft_digest){{0}});
    struct weft_chain_link link;
    enum weft_chain_fault fault;
    kept.key = signers_make_other(cy).verifier;
    EXPECT_EQ(WEFT_OK, revoke(&first, by_ann, NULL, &ring, &link, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer_other(&kept, cy, by_ann, &ring, &taken, &fault)); /* POL-33 */
    weft_keyring_destroy(&ring);
}

TEST(revoke, nobody_rotates_away_from_it)
{
    static const char *const by_ann[] = {ann, NULL};
    static const char *const by_cy[] = {cy, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_revoke begun = revocation(cy, 1, (struct weft_digest){{0}});
    struct weft_enroll next = replacement(cy, &ring), taken;
    struct weft_chain_link link, second;
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_OK, offer_other(&next, cy, by_cy, &ring, &taken, &fault));
    EXPECT_TRUE(!is_valid_at(&ring, &begun.key, 20) && is_valid_at(&ring, &next.key, 20));
    EXPECT_EQ(WEFT_OK, revoke(&begun, by_ann, NULL, &ring, &link, &fault)); /* POL-34 */
    EXPECT_TRUE(is_valid_at(&ring, &next.key, 29) && !is_valid_at(&ring, &next.key, 30));
    /* Others' keys, of which some came at the same index, stay. */
    struct weft_verifier bos = signers_make(bo).verifier;
    EXPECT_TRUE(is_valid_at(&ring, &bos, 30));
    begun = revocation(cy, 2, link.digest);
    EXPECT_EQ(WEFT_ESTATE, revoke(&begun, by_ann, &link, &ring, &second, &fault));

    /* What came after a revocation came by approval: it stays. */
    struct weft_principal who = signers_principal(cy);
    const uint8_t seed[WEFT_ED25519_SEED_SIZE] = {3};
    struct weft_ed25519_pair pair;
    struct weft_signer third;
    EXPECT_EQ(WEFT_OK, weft_ed25519_from_seed(seed, &pair, NULL));
    EXPECT_EQ(
        WEFT_OK, weft_signer_make(weft_text_of(cy), WEFT_SIGNER_ED25519, &pair, &third, NULL));
    EXPECT_EQ(WEFT_OK, weft_keyring_add(&ring, &who, &third.verifier, 40, NULL));
    begun.key = next.key;
    EXPECT_EQ(WEFT_ESTATE, revoke(&begun, by_ann, &link, &ring, &second, &fault));
    EXPECT_TRUE(is_valid_at(&ring, &third.verifier, 40));
    weft_keyring_destroy(&ring);
}
