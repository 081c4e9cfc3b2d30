#include <stdio.h>
#include <string.h>

#include "tests/lib/signers.h"
#include "tests/lib/test.h"

static const char ann[] = "oem.example/plant1/op/ann";
static const char bo[] = "oem.example/plant1/op/bo";
static const char robot[] = "oem.example/plant1/svc/robot";
static const char body[] = "a text\n";

/* Valid until the next call. */
static const struct weft_verifier *key_of(const char *name)
{
    static struct weft_signer signer;
    signer = signers_make(name);
    return &signer.verifier;
}

static enum weft_err add(struct weft_keyring *ring, const char *who, const struct weft_signer *s)
{
    struct weft_principal principal = signers_principal(who);
    return weft_keyring_add(ring, &principal, &s->verifier, 20, NULL);
}

/* `body` signed by `names`: is it `author`'s document of the kind at the index? */
static enum weft_err verify(const struct weft_keyring *ring, const char *const *names,
    const char *author, enum weft_document_kind kind, uint64_t index)
{
    struct weft_buffer bytes = signers_note(weft_text_of(body), names);
    struct weft_note note = signers_parse(&bytes);
    struct weft_principal who = signers_principal(author);
    enum weft_err err = weft_keyring_verify(ring, &note, kind, &who, index, NULL);
    weft_buffer_destroy(&bytes);
    return err;
}

TEST(keyring, class_signs_what_it_may_and_nothing_else)
{
    /* policy.md, 1: node op svc gw wit partner. Kinds in their order: org enroll revoke agreement
     * policy envelope calendar command approval receipt request token checkpoint cosignature
     * refusal resolution handover bundle. */
    static const char *const may[WEFT_PRINCIPAL_CLASSES] = {
        [WEFT_PRINCIPAL_NODE] = ".x..........x.x...",
        [WEFT_PRINCIPAL_OP] = ".xx.xxxxx.xx...xx.",
        [WEFT_PRINCIPAL_SVC] = ".x.....x..xx....x.",
        [WEFT_PRINCIPAL_GW] = ".x.......x........",
        [WEFT_PRINCIPAL_WIT] = ".x...........x....",
        [WEFT_PRINCIPAL_PARTNER] = "..................", /* Its node's log.key signs. */
    };
    for (int class = 0; class < WEFT_PRINCIPAL_CLASSES; class ++) {
        EXPECT_EQ(WEFT_DOCUMENT_KINDS, strlen(may[class]));
        for (int kind = 0; kind < WEFT_DOCUMENT_KINDS; kind++) { /* POL-29 */
            EXPECT_EQ(
                may[class][kind] == 'x', weft_keyring_may_sign((enum weft_principal_class) class,
                                             (enum weft_document_kind)kind));
        }
    }
}

TEST(keyring, signature_counts_by_a_valid_key_of_the_author_alone)
{
    static const char *const by_ann[] = {ann, NULL};
    static const char *const by_both[] = {bo, ann, NULL};
    static const char *const by_robot[] = {robot, NULL};
    struct weft_keyring ring = signers_ring();
    EXPECT_EQ(WEFT_OK, verify(&ring, by_ann, ann, WEFT_DOCUMENT_COMMAND, 10));
    EXPECT_EQ(WEFT_OK, verify(&ring, by_both, ann, WEFT_DOCUMENT_COMMAND, 99));
    /* The text says Bo, the line says Ann. */
    EXPECT_EQ(WEFT_EPEER, verify(&ring, by_ann, bo, WEFT_DOCUMENT_COMMAND, 10));
    EXPECT_EQ(WEFT_EREFUSED, verify(&ring, by_ann, ann, WEFT_DOCUMENT_COMMAND, 9));
    EXPECT_EQ(WEFT_OK, verify(&ring, by_robot, robot, WEFT_DOCUMENT_COMMAND, 10));
    /* Automation approves nothing, its own least of all. */
    EXPECT_EQ(WEFT_EREFUSED, verify(&ring, by_robot, robot, WEFT_DOCUMENT_APPROVAL, 10));
    EXPECT_EQ(WEFT_EREFUSED, verify(&ring, by_ann, ann, WEFT_DOCUMENT_CHECKPOINT, 10));
    weft_keyring_destroy(&ring);
}

TEST(keyring, revoked_key_counts_until_the_index_and_never_again)
{
    static const char *const by_ann[] = {ann, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_signer signer = signers_make(ann), other = signers_make_other(ann);
    EXPECT_EQ(WEFT_ESTATE, weft_keyring_revoke(&ring, &signer.verifier, 9, NULL));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_keyring_revoke(&ring, &other.verifier, 50, NULL));
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, &signer.verifier, 50, NULL));
    EXPECT_EQ(WEFT_ESTATE, weft_keyring_revoke(&ring, &signer.verifier, 50, NULL));
    EXPECT_EQ(WEFT_OK, verify(&ring, by_ann, ann, WEFT_DOCUMENT_COMMAND, 49));
    EXPECT_EQ(WEFT_EREFUSED, verify(&ring, by_ann, ann, WEFT_DOCUMENT_COMMAND, 50));
    EXPECT_EQ(WEFT_ECONFLICT, add(&ring, ann, &signer)); /* POL-30 */
    EXPECT_EQ(WEFT_OK, add(&ring, ann, &other));
    weft_keyring_destroy(&ring);
}

TEST(keyring, key_of_somebody_else_or_under_another_name_is_refused)
{
    struct weft_keyring ring = signers_ring();
    struct weft_signer a = signers_make(ann), zoe;
    EXPECT_EQ(WEFT_OK, weft_signer_make(WEFT_TEXT("oem.example/plant1/op/zoe"), WEFT_SIGNER_ED25519,
                           &a.pair, &zoe, NULL));
    /* One person as two. */
    EXPECT_EQ(WEFT_ECONFLICT, add(&ring, "oem.example/plant1/op/zoe", &zoe));
    struct weft_signer other = signers_make_other(ann);
    EXPECT_EQ(WEFT_EINVAL, add(&ring, "oem.example/plant1/op/zoe", &other));
    /* A person's key that cosigns, a witness's that does not. */
    EXPECT_EQ(WEFT_OK,
        weft_signer_make(weft_text_of(ann), WEFT_SIGNER_COSIGNATURE, &other.pair, &other, NULL));
    EXPECT_EQ(WEFT_EINVAL, add(&ring, ann, &other));
    EXPECT_EQ(6, ring.count);
    weft_keyring_destroy(&ring);
}

TEST(keyring, key_of_a_node_has_the_name_of_its_log)
{
    struct weft_keyring ring = {NULL, 0, 0};
    struct weft_signer log = signers_make("oem.example/plant1/audit");
    struct weft_signer foreign = signers_make("oem.example/plant2/audit");
    struct weft_signer bare = signers_make("oem.example/plant1/");
    struct weft_signer second = signers_make_other("oem.example/plant1/audit");
    EXPECT_EQ(WEFT_OK, add(&ring, "oem.example/plant1/node/n1", &log));
    EXPECT_EQ(WEFT_OK, add(&ring, "oem.example/plant1/node/n2", &second));
    EXPECT_EQ(WEFT_EINVAL, add(&ring, "oem.example/plant1/node/n3", &foreign));
    EXPECT_EQ(WEFT_EINVAL, add(&ring, "oem.example/plant1/node/n3", &bare));
    weft_keyring_destroy(&ring);
}

TEST(keyring, person_counts_once_by_however_many_keys)
{
    const struct weft_principal admins[2] = {signers_principal(ann), signers_principal(bo)};
    static const char *const by_ann[] = {ann, robot, NULL};
    struct weft_keyring ring = signers_ring();
    struct weft_signer second = signers_make_other(ann), b = signers_make(bo);
    uint32_t count;
    EXPECT_EQ(WEFT_OK, add(&ring, ann, &second));
    struct weft_buffer bytes = signers_note(weft_text_of(body), by_ann);
    signers_add_line(&bytes, &second);
    struct weft_note note = signers_parse(&bytes);
    EXPECT_EQ(WEFT_OK,
        weft_keyring_count(&ring, &note, WEFT_DOCUMENT_POLICY, admins, 2, 30, &count, NULL));
    EXPECT_EQ(1, count); /* POL-29 */
    signers_add_line(&bytes, &b);
    note = signers_parse(&bytes);
    EXPECT_EQ(WEFT_OK,
        weft_keyring_count(&ring, &note, WEFT_DOCUMENT_POLICY, admins, 2, 30, &count, NULL));
    EXPECT_EQ(2, count);
    EXPECT_EQ(WEFT_OK,
        weft_keyring_count(&ring, &note, WEFT_DOCUMENT_POLICY, admins, 2, 9, &count, NULL));
    EXPECT_EQ(0, count);
    EXPECT_EQ(WEFT_EREFUSED,
        weft_keyring_count(&ring, &note, WEFT_DOCUMENT_RECEIPT, admins, 2, 30, &count, NULL));
    /* A line of theirs that does not verify refuses all; so does one that is there twice. */
    signers_add_line(&bytes, &b);
    note = signers_parse(&bytes);
    EXPECT_EQ(WEFT_EBADSIG,
        weft_keyring_count(&ring, &note, WEFT_DOCUMENT_POLICY, admins, 2, 30, &count, NULL));
    bytes.data[0] ^= 1;
    note = signers_parse(&bytes);
    EXPECT_EQ(WEFT_EBADSIG,
        weft_keyring_count(&ring, &note, WEFT_DOCUMENT_POLICY, admins, 2, 30, &count, NULL));
    weft_buffer_destroy(&bytes);
    weft_keyring_destroy(&ring);
}

TEST(keyring, text_gives_back_the_ring_whatever_the_order_of_arrival)
{
    struct weft_keyring ring = signers_ring(), read = {NULL, 0, 0};
    struct weft_buffer text = {0}, again = {0};
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, key_of(bo), 77, NULL));
    EXPECT_EQ(WEFT_OK, weft_keyring_encode(&ring, &text));
    EXPECT_EQ(WEFT_OK, weft_keyring_decode(weft_buffer_as_text(&text), &read, NULL));
    EXPECT_EQ(6, read.count);
    const struct weft_keyring_key *key =
        weft_keyring_find(&read, weft_text_of(bo), key_of(bo)->key_id);
    EXPECT_TRUE(key != NULL && key->from_index == 10 && key->until_index == 77);
    EXPECT_EQ(WEFT_OK, weft_keyring_encode(&read, &again));
    EXPECT_EQ(text.size, again.size);
    EXPECT_MEM(text.data, again.data, text.size);
    weft_keyring_destroy(&read);

    static const struct {
        const char *text;
        enum weft_err err;
    } bad[] = {{"key\n", WEFT_EMALFORMED}, {"key 1 - oem.example/plant1/op/ann", WEFT_EMALFORMED},
        {"key 01 - a/b/op/c x\n", WEFT_EMALFORMED}, {"key 2 1 a/b/op/c x\n", WEFT_EMALFORMED},
        {"key 1 18446744073709551615 a/b/op/c x\n", WEFT_EMALFORMED},
        {"key 1 - a/b/op/c x\n", WEFT_EMALFORMED}, {"key 1 - a/b/c x\n", WEFT_EINVAL}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(bad[i].err, weft_keyring_decode(weft_text_of(bad[i].text), &read, NULL));
    }
    weft_buffer_clear(&again); /* Twice the same: not in order. */
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&again, weft_buffer_as_text(&text)));
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&again, weft_buffer_as_text(&text)));
    EXPECT_EQ(WEFT_EMALFORMED, weft_keyring_decode(weft_buffer_as_text(&again), &read, NULL));
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&again);
    weft_keyring_destroy(&ring);
}
