#include "policy/evidence.h"

#include <stdlib.h>

#include "tests/lib/test.h"

static const struct weft_evidence_salt salt = {{1, 2, 3}};

static struct weft_bytes bytes_of(const char *z)
{
    return (struct weft_bytes){(const uint8_t *)z, strlen(z)};
}

/* printf 'weft-commitment/v1 blob\n\1\2\3<13 zero bytes>secret' | sha256sum */
TEST(evidence, a_commitment_is_what_its_definition_gives)
{
    static const char all[] = "weft-commitment/v1 blob\n\1\2\3\0\0\0\0\0\0\0\0\0\0\0\0\0secret";
    struct weft_digest expected = weft_sha256(all, sizeof(all) - 1);
    struct weft_digest found = weft_evidence_commit(WEFT_EVIDENCE_BLOB, &salt, bytes_of("secret"));
    EXPECT_MEM(expected.bytes, found.bytes, WEFT_DIGEST_SIZE);
}

/* POL-53 */
TEST(evidence, a_commitment_holds_for_its_domain_salt_and_blob_alone)
{
    const struct weft_bytes blob = bytes_of("secret");
    for (int d = 0; d < WEFT_EVIDENCE_DOMAINS; d++) {
        enum weft_evidence_domain domain = (enum weft_evidence_domain)d;
        struct weft_digest commitment = weft_evidence_commit(domain, &salt, blob);
        for (int e = 0; e < WEFT_EVIDENCE_DOMAINS; e++) {
            EXPECT_EQ(d == e ? WEFT_OK : WEFT_EBADSIG,
                weft_evidence_verify((enum weft_evidence_domain)e, &salt, blob, &commitment, NULL));
        }
        EXPECT_EQ(WEFT_EBADSIG,
            weft_evidence_verify(domain, &salt, bytes_of("secreT"), &commitment, NULL));
        struct weft_evidence_salt other = salt;
        other.bytes[15] ^= 1;
        EXPECT_EQ(WEFT_EBADSIG, weft_evidence_verify(domain, &other, blob, &commitment, NULL));
    }
}

TEST(evidence, a_file_gives_its_blob_under_its_own_name_alone)
{
    struct weft_buffer file = {0};
    struct weft_bytes blob;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_evidence_encode(&salt, bytes_of("secret"), &file));
    struct weft_bytes all = {file.data, file.size};
    struct weft_digest name = weft_evidence_commit(WEFT_EVIDENCE_BLOB, &salt, bytes_of("secret"));
    EXPECT_EQ(WEFT_OK, weft_evidence_open(all, &name, &blob, &msg));
    EXPECT_EQ(6, blob.size);
    EXPECT_MEM("secret", blob.data, 6);
    for (size_t i = 0; i < file.size * 8; i++) {
        file.data[i / 8] ^= (uint8_t)(1u << i % 8);
        EXPECT_EQ(WEFT_EBADSIG, weft_evidence_open(all, &name, &blob, &msg));
        file.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t cut = 0; cut < file.size; cut++) {
        enum weft_err err =
            weft_evidence_open((struct weft_bytes){file.data, cut}, &name, &blob, &msg);
        EXPECT_EQ(cut < WEFT_EVIDENCE_SALT_SIZE ? WEFT_EMALFORMED : WEFT_EBADSIG, err);
    }
    weft_buffer_destroy(&file);
}

TEST(evidence, a_blob_keeps_to_its_limit)
{
    struct weft_buffer file = {0};
    struct weft_bytes blob;
    uint8_t *large = calloc(1, WEFT_EVIDENCE_SALT_SIZE + WEFT_EVIDENCE_SIZE_MAX + 1);
    EXPECT_TRUE(large != NULL);
    EXPECT_EQ(WEFT_OK,
        weft_evidence_encode(&salt, (struct weft_bytes){large, WEFT_EVIDENCE_SIZE_MAX}, &file));
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_evidence_encode(&salt, (struct weft_bytes){large, WEFT_EVIDENCE_SIZE_MAX + 1}, &file));
    struct weft_digest name = weft_sha256("", 0);
    struct weft_bytes all = {large, WEFT_EVIDENCE_SALT_SIZE + WEFT_EVIDENCE_SIZE_MAX + 1};
    EXPECT_EQ(WEFT_ETOOBIG, weft_evidence_open(all, &name, &blob, NULL));
    free(large);
    weft_buffer_destroy(&file);
}

TEST(evidence, a_path_has_one_spelling)
{
    char path[WEFT_EVIDENCE_PATH_SIZE];
    struct weft_digest name = weft_sha256("", 0), back;
    weft_evidence_format_path(&name, path);
    EXPECT_TEXT("evidence/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", path);
    EXPECT_EQ(WEFT_OK, weft_evidence_parse_path(weft_text_of(path), &back));
    EXPECT_TRUE(weft_digest_equal(&name, &back));
    static const char *const bad[] = {"", "evidence/",
        "evidence/E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "evidence/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
        "evidence/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
        "evidence/../44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85512",
        "Evidence/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, weft_evidence_parse_path(weft_text_of(bad[i]), &back));
    }
}

/* POL-54 */
TEST(evidence, nothing_is_redacted_while_a_hold_lasts)
{
    struct weft_evidence_record record = {0};
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_evidence_hold(&record, WEFT_TEXT("tax"), 100, &msg));
    EXPECT_EQ(WEFT_OK, weft_evidence_hold(&record, WEFT_TEXT("court"), 200, &msg));
    EXPECT_EQ(WEFT_EREFUSED, weft_evidence_redact(&record, 99, 7, &msg));
    EXPECT_TEXT("it is held: \"court\"", msg.text);
    EXPECT_EQ(WEFT_OK, weft_evidence_release(&record, WEFT_TEXT("court"), &msg));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_evidence_release(&record, WEFT_TEXT("court"), &msg));
    EXPECT_EQ(WEFT_EREFUSED, weft_evidence_redact(&record, 99, 7, &msg));
    EXPECT_TEXT("it is held: \"tax\"", msg.text);
    EXPECT_TRUE(!record.is_redacted);
    EXPECT_EQ(WEFT_OK, weft_evidence_redact(&record, 100, 7, &msg)); /* It ends with its time. */
    EXPECT_TRUE(record.is_redacted);
    EXPECT_EQ(7, record.leaf);
    EXPECT_EQ(WEFT_ESTATE, weft_evidence_redact(&record, 101, 8, &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_evidence_hold(&record, WEFT_TEXT("late"), 300, &msg));
    EXPECT_EQ(7, record.leaf);
}

TEST(evidence, a_hold_is_never_shortened_and_may_have_no_end)
{
    struct weft_evidence_record record = {0};
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_evidence_hold(&record, WEFT_TEXT("court"), 200, &msg));
    EXPECT_EQ(WEFT_OK, weft_evidence_hold(&record, WEFT_TEXT("court"), 100, &msg));
    EXPECT_EQ(1, record.hold_count);
    EXPECT_EQ(200, record.holds[0].until_ns);
    EXPECT_EQ(
        WEFT_OK, weft_evidence_hold(&record, WEFT_TEXT("court"), WEFT_EVIDENCE_FOREVER, &msg));
    EXPECT_EQ(WEFT_EREFUSED, weft_evidence_redact(&record, INT64_MAX, 7, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_evidence_hold(&record, WEFT_TEXT(""), 1, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_evidence_hold(&record, WEFT_TEXT("a b"), 1, &msg));
}

/* Every order of holds and releases against a list of names that are held. */
TEST(evidence, holds_come_and_go_in_any_order)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    unsigned refused = 0, full = 0;
    for (int round = 0; round < 200; round++) {
        struct weft_evidence_record record = {0};
        bool is_held[10] = {false};
        uint32_t count = 0;
        for (int step = 0; step < 60; step++) {
            size_t i = (size_t)test_random(10);
            if (test_random(3) > 0) {
                bool fits = is_held[i] || count < WEFT_EVIDENCE_HOLDS_MAX;
                EXPECT_EQ(fits ? WEFT_OK : WEFT_ETOOBIG,
                    weft_evidence_hold(&record, weft_text_of(names[i]), 10, NULL));
                count += fits && !is_held[i] ? 1 : 0;
                is_held[i] = fits;
                full += fits ? 0 : 1;
            } else {
                EXPECT_EQ(is_held[i] ? WEFT_OK : WEFT_ENOTFOUND,
                    weft_evidence_release(&record, weft_text_of(names[i]), NULL));
                count -= is_held[i] ? 1 : 0;
                is_held[i] = false;
            }
            EXPECT_EQ(count, record.hold_count);
            struct weft_evidence_record copy = record;
            EXPECT_EQ(count > 0 ? WEFT_EREFUSED : WEFT_OK, weft_evidence_redact(&copy, 9, 1, NULL));
            refused += count > 0 ? 1 : 0;
        }
    }
    EXPECT_TRUE(refused > 1000 && full > 100);
}

/* POL-55 */
TEST(evidence, an_auditor_tells_redacted_from_missing_and_swapped)
{
    struct weft_buffer file = {0};
    EXPECT_EQ(WEFT_OK, weft_evidence_encode(&salt, bytes_of("secret"), &file));
    struct weft_bytes all = {file.data, file.size}, cut = {file.data, 3};
    struct weft_digest name = weft_evidence_commit(WEFT_EVIDENCE_BLOB, &salt, bytes_of("secret"));
    struct weft_digest other = weft_sha256("", 0);
    EXPECT_EQ(WEFT_EVIDENCE_SOUND, weft_evidence_judge(&name, &all, false));
    EXPECT_EQ(WEFT_EVIDENCE_UNDEAD, weft_evidence_judge(&name, &all, true));
    EXPECT_EQ(WEFT_EVIDENCE_MISSING, weft_evidence_judge(&name, NULL, false));
    EXPECT_EQ(WEFT_EVIDENCE_REDACTED, weft_evidence_judge(&name, NULL, true));
    EXPECT_EQ(WEFT_EVIDENCE_SWAPPED, weft_evidence_judge(&other, &all, false));
    EXPECT_EQ(WEFT_EVIDENCE_SWAPPED, weft_evidence_judge(&name, &cut, true));
    EXPECT_TEXT("undead", weft_evidence_finding_name(WEFT_EVIDENCE_UNDEAD));
    weft_buffer_destroy(&file);
}
