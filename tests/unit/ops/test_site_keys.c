/* Whose keys count, worked out from records; names and approvers as the commands take them. */
#include <string.h>

#include "ops/weft/site_keys.h"
#include "tests/lib/signers.h"
#include "tests/lib/test.h"

#define ANN "oem.example/plant1/op/ann"
#define BO "oem.example/plant1/op/bo"
#define CY "oem.example/plant1/op/cy"
#define ROBOT "oem.example/plant1/svc/robot"

static struct weft_msg message;

static struct weft_site_keys site(void)
{
    struct weft_site_keys keys = {.site = "plant1", .place = "oem.example/plant1"};
    keys.org.org = signers_org();
    return keys;
}

static void take(struct weft_site_keys *keys, const char *asset, struct weft_buffer *text,
    uint64_t index, enum weft_err expected)
{
    static const char *const by_ann[] = {ANN, NULL};
    struct weft_buffer note = signers_note(weft_buffer_as_text(text), by_ann);
    EXPECT_EQ(expected, weft_site_keys_take(keys, weft_text_of(asset), weft_buffer_as_text(&note),
                            index, &message));
    weft_buffer_destroy(&note);
    weft_buffer_destroy(text);
}

static void take_key(struct weft_site_keys *keys, const char *who, bool is_other, bool is_replacing,
    uint64_t index, enum weft_err expected)
{
    struct weft_enroll enroll = {.org = WEFT_TEXT("oem.example"),
        .principal = signers_principal(who),
        .key = is_other ? signers_make_other(who).verifier : signers_make(who).verifier,
        .is_replacing = is_replacing,
        .replaced = signers_make(who).verifier,
        .issued_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + SIGNERS_DAY_NS};
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_enroll_encode(&enroll, &text, &message));
    take(keys, "authority:key/some/body", &text, index, expected);
}

static void take_revoke(
    struct weft_site_keys *keys, const char *who, uint64_t index, enum weft_err expected)
{
    struct weft_revoke revoke = {.org = WEFT_TEXT("oem.example"),
        .link = {.version = 1, .issued_ns = SIGNERS_NOW_NS, .expires_ns = INT64_MAX},
        .principal = signers_principal(who),
        .key = signers_make(who).verifier,
        .reason = WEFT_TEXT("lost")};
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_revoke_encode(&revoke, &text, &message));
    take(keys, "authority:revoke/1", &text, index, expected);
}

TEST(site_keys, records_make_the_ring_that_the_site_has)
{
    struct weft_site_keys keys = site();
    const struct weft_keyring_key *key;
    struct weft_principal cy = signers_principal(CY), ann = signers_principal(ANN);
    uint8_t here[WEFT_DOCUMENT_NONCE_SIZE], there[WEFT_DOCUMENT_NONCE_SIZE];
    struct weft_keyring ring = {NULL, 0, 0};
    struct weft_digest digest = weft_sha256("org", 3);
    take_key(&keys, ANN, false, false, 1, WEFT_OK);
    take_key(&keys, CY, false, false, 7, WEFT_OK);
    take_key(&keys, CY, true, true, 9, WEFT_OK); /* a rotation */
    take_revoke(&keys, ANN, 11, WEFT_OK);
    EXPECT_EQ(3, keys.ring.count);
    EXPECT_EQ(WEFT_OK, weft_site_keys_valid(&keys, &cy, NULL, &key, &message));
    EXPECT_EQ(9, key->from_index);
    EXPECT_EQ(WEFT_ESTATE, weft_site_keys_valid(&keys, &ann, NULL, &key, &message));
    EXPECT_TRUE(strstr(message.text, "has ended at index 11 already") != NULL);
    EXPECT_TRUE(keys.has_revoked);
    EXPECT_EQ(1, keys.revoked.version);

    /* The nonce is that of the site's own ring (POL-33). */
    struct weft_verifier first = signers_make(CY).verifier, next = signers_make_other(CY).verifier;
    EXPECT_EQ(WEFT_OK, weft_keyring_add(&ring, &cy, &first, 7, &message));
    EXPECT_EQ(WEFT_OK, weft_keyring_add(&ring, &cy, &next, 9, &message));
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&ring, &first, 9, &message));
    weft_enroll_nonce(&digest, WEFT_TEXT("oem.example/plant1"), &keys.ring, &cy, here);
    weft_enroll_nonce(&digest, WEFT_TEXT("oem.example/plant1"), &ring, &cy, there);
    EXPECT_MEM(there, here, sizeof(here));
    weft_keyring_destroy(&ring);
    weft_site_keys_destroy(&keys);
}

TEST(site_keys, records_that_contradict_each_other_are_damage)
{
    struct weft_site_keys keys = site();
    struct weft_buffer text = {0};
    take_revoke(&keys, ANN, 3, WEFT_ECORRUPT);
    EXPECT_TRUE(strstr(message.text, "authority:revoke/1 at index 3") != NULL);
    take_key(&keys, ANN, false, false, 4, WEFT_OK);
    take_key(&keys, ANN, false, false, 5, WEFT_ECORRUPT);
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, WEFT_TEXT("weft-enroll/v1\n")));
    take(&keys, "authority:key/op/ann", &text, 6, WEFT_ECORRUPT);
    /* Of org documents and policies nothing is asked. */
    EXPECT_EQ(WEFT_OK,
        weft_site_keys_take(&keys, WEFT_TEXT("authority:policy"), WEFT_TEXT("no"), 7, &message));
    EXPECT_EQ(1, keys.ring.count);
    weft_site_keys_destroy(&keys);
}

TEST(site_keys, of_several_keys_one_is_said)
{
    struct weft_site_keys keys = site();
    const struct weft_keyring_key *key = NULL;
    struct weft_principal cy = signers_principal(CY), bo = signers_principal(BO);
    char id[16];
    take_key(&keys, CY, false, false, 2, WEFT_OK);
    take_key(&keys, CY, true, false, 3, WEFT_OK);
    EXPECT_EQ(WEFT_ECONFLICT, weft_site_keys_valid(&keys, &cy, NULL, &key, &message));
    (void)snprintf(id, sizeof(id), "%08x", signers_make_other(CY).verifier.key_id);
    EXPECT_TRUE(strstr(message.text, id) != NULL);
    EXPECT_EQ(WEFT_OK, weft_site_keys_valid(&keys, &cy, id, &key, &message));
    EXPECT_EQ(3, key->from_index);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_site_keys_valid(&keys, &cy, "00000000", &key, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_site_keys_valid(&keys, &cy, "12345", &key, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_site_keys_valid(&keys, &cy, "0000000G", &key, &message));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_site_keys_valid(&keys, &bo, NULL, &key, &message));
    weft_site_keys_destroy(&keys);
}

static void expect_principal(const char *expected, const char *text)
{
    struct weft_site_keys keys = site();
    struct weft_principal p;
    char found[WEFT_PRINCIPAL_TEXT_SIZE] = "";
    if (weft_site_keys_principal(&keys, text, &p, &message) == WEFT_OK) {
        weft_principal_format(&p, found);
    }
    EXPECT_TEXT(expected, found);
}

TEST(site_keys, principals_are_named_in_full_or_as_seen_from_the_site)
{
    char long_name[600];
    expect_principal("oem.example/plant1/op/ann", "ann");
    expect_principal("oem.example/plant1/svc/mes", "svc/mes");
    expect_principal("oem.example/plant2/op/di", "oem.example/plant2/op/di");
    expect_principal("", "clerk/ann");
    expect_principal("", "plant2/op/di");
    expect_principal("", "");
    expect_principal("", "/");
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    expect_principal("", long_name);
}

TEST(site_keys, roots_and_valid_admins_approve_and_nobody_else)
{
    struct weft_site_keys keys = site();
    struct weft_verifier root = signers_make("oem.example/root/b").verifier,
                         ann = signers_make(ANN).verifier, bo = signers_make(BO).verifier,
                         cy = signers_make(CY).verifier, other = signers_make_other(ANN).verifier;
    take_key(&keys, ANN, false, false, 1, WEFT_OK);
    take_key(&keys, CY, false, false, 2, WEFT_OK);
    EXPECT_EQ(WEFT_OK, weft_site_keys_check_approver(&keys, &root, &message));
    EXPECT_EQ(WEFT_OK, weft_site_keys_check_approver(&keys, &ann, &message));
    EXPECT_EQ(WEFT_EREFUSED, weft_site_keys_check_approver(&keys, &other, &message));
    EXPECT_TRUE(strstr(message.text, "is neither a root nor enrolled at this site") != NULL);
    EXPECT_EQ(WEFT_EREFUSED, weft_site_keys_check_approver(&keys, &bo, &message));
    EXPECT_EQ(WEFT_EREFUSED, weft_site_keys_check_approver(&keys, &cy, &message));
    EXPECT_TRUE(strstr(message.text, "it approves nothing") != NULL);
    take_revoke(&keys, ANN, 5, WEFT_OK);
    EXPECT_EQ(WEFT_EREFUSED, weft_site_keys_check_approver(&keys, &ann, &message));
    EXPECT_TRUE(strstr(message.text, "has ended at index 5") != NULL);
    weft_site_keys_destroy(&keys);
}
