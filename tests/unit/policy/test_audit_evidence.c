/* Evidence beside a log, against what its leaves say of it. */
#include "policy/audit_evidence.h"

#include <stdio.h>

#include "policy/evidence.h"
#include "tests/lib/test.h"

enum {
    BLOBS = 6
};

/* A directory of evidence. */
static struct blob {
    struct weft_digest commitment;
    uint8_t bytes[WEFT_EVIDENCE_SALT_SIZE + 8];
    size_t size;
    bool is_there;
} blobs[BLOBS];
static enum weft_err read_err;

static enum weft_err read_blob(
    void *ctx, const char *path, struct weft_buffer *ret_data, struct weft_msg *msg)
{
    (void)ctx;
    if (read_err != WEFT_OK) {
        return weft_fail(msg, read_err, "the disk");
    }
    for (size_t i = 0; i < BLOBS; i++) {
        char name[WEFT_EVIDENCE_PATH_SIZE];
        weft_evidence_format_path(&blobs[i].commitment, name);
        if (blobs[i].is_there && strcmp(name, path) == 0) {
            return weft_buffer_append(ret_data, blobs[i].bytes, blobs[i].size);
        }
    }
    return weft_fail(msg, WEFT_ENOTFOUND, "%s", path);
}

static void start(struct weft_audit_evidence *e)
{
    read_err = WEFT_OK;
    *e = (struct weft_audit_evidence){.read = read_blob};
    for (size_t i = 0; i < BLOBS; i++) {
        struct weft_evidence_salt salt = {{(uint8_t)i}};
        const struct weft_bytes blob = {(const uint8_t *)"a note", 6};
        struct weft_buffer file = {.size_max = sizeof(blobs[i].bytes)};
        blobs[i].commitment = weft_evidence_commit(WEFT_EVIDENCE_BLOB, &salt, blob);
        EXPECT_EQ(WEFT_OK, weft_evidence_encode(&salt, blob, &file));
        memcpy(blobs[i].bytes, file.data, file.size);
        blobs[i].size = file.size;
        blobs[i].is_there = true;
        weft_buffer_destroy(&file);
    }
}

static uint64_t next_number;
static struct weft_msg why;

/* A leaf that commits to one of the blobs, or says that it was redacted. */
static enum weft_err step(
    struct weft_audit_evidence *e, const char *act, const char *subject, size_t blob)
{
    const struct weft_audit_leaf leaf = {.number = next_number++,
        .act = weft_text_of(act),
        .subject = weft_text_of(subject),
        .evidence = {blobs[blob].commitment},
        .evidence_count = 1};
    why.text[0] = '\0';
    return weft_audit_evidence_step(e, &leaf, &why);
}

static enum weft_err keep(struct weft_audit_evidence *e, size_t blob)
{
    return step(e, "authority.policy", "", blob);
}

static enum weft_err redact(struct weft_audit_evidence *e, size_t blob)
{
    return step(e, "redact", "evidence", blob);
}

/* POL-56 */
TEST(audit_evidence, is_sound_or_redacted_and_each_is_counted)
{
    struct weft_audit_evidence e;
    start(&e);
    EXPECT_EQ(WEFT_OK, keep(&e, 0));
    EXPECT_EQ(WEFT_OK, step(&e, "authority.org.fork", "2026-01-01T00:00:00Z", 1));
    blobs[2].is_there = false;
    EXPECT_EQ(WEFT_OK, keep(&e, 2));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_audit_evidence_end(&e, &why));
    EXPECT_EQ(WEFT_OK, redact(&e, 2));
    EXPECT_EQ(WEFT_OK, weft_audit_evidence_end(&e, &why));
    EXPECT_EQ(2, e.sound);
    EXPECT_EQ(1, e.redacted);
    weft_audit_evidence_close(&e);
}

TEST(audit_evidence, of_other_acts_stands_in_the_log_and_is_no_file)
{
    struct weft_audit_evidence e;
    start(&e);
    read_err = WEFT_EIO;
    EXPECT_EQ(WEFT_OK, step(&e, "commit", "", 0));
    EXPECT_EQ(WEFT_OK, step(&e, "members", "", 1));
    EXPECT_EQ(WEFT_OK, step(&e, "redact", "index 17", 2));
    EXPECT_EQ(WEFT_EIO, keep(&e, 3));
    EXPECT_EQ(0, e.sound + e.redacted);
    weft_audit_evidence_close(&e);
}

TEST(audit_evidence, that_is_something_else_is_refused_with_its_place)
{
    struct weft_audit_evidence e;
    start(&e);
    next_number = 41;
    EXPECT_EQ(WEFT_OK, keep(&e, 0));
    for (size_t i = 0; i < blobs[1].size; i++) {
        blobs[1].bytes[i] ^= 0x40;
        next_number = 42;
        EXPECT_EQ(WEFT_EBADSIG, keep(&e, 1));
        EXPECT_TRUE(strncmp(why.text, "leaf 42: evidence/", 18) == 0);
        blobs[1].bytes[i] ^= 0x40;
    }
    for (blobs[1].size--; blobs[1].size > 0; blobs[1].size--) { /* Cut short. */
        EXPECT_EQ(WEFT_EBADSIG, keep(&e, 1));
    }
    memcpy(blobs[1].bytes, blobs[2].bytes, sizeof(blobs[1].bytes)); /* Another's. */
    blobs[1].size = blobs[2].size;
    EXPECT_EQ(WEFT_EBADSIG, keep(&e, 1));
    weft_audit_evidence_close(&e);
}

TEST(audit_evidence, that_was_redacted_and_is_there_is_refused)
{
    struct weft_audit_evidence e;
    start(&e);
    EXPECT_EQ(WEFT_OK, keep(&e, 0));
    EXPECT_EQ(WEFT_EBADSIG, redact(&e, 0));
    EXPECT_TRUE(strstr(why.text, "was redacted") != NULL);
    weft_audit_evidence_close(&e);
}

TEST(audit_evidence, is_redacted_once_and_only_if_a_leaf_has_it)
{
    struct weft_audit_evidence e;
    start(&e);
    blobs[0].is_there = blobs[1].is_there = false;
    EXPECT_EQ(WEFT_OK, keep(&e, 0));
    EXPECT_EQ(WEFT_EMALFORMED, redact(&e, 1));
    EXPECT_EQ(WEFT_OK, redact(&e, 0));
    EXPECT_EQ(WEFT_EMALFORMED, redact(&e, 0));
    weft_audit_evidence_close(&e);
}

TEST(audit_evidence, that_is_missing_names_the_first_leaf_up_to_a_limit)
{
    struct weft_audit_evidence e;
    start(&e);
    next_number = 7;
    for (size_t i = 0; i < 3; i++) {
        blobs[i].is_there = false;
        EXPECT_EQ(WEFT_OK, keep(&e, i));
    }
    EXPECT_EQ(WEFT_ENOTFOUND, weft_audit_evidence_end(&e, &why));
    EXPECT_TRUE(strncmp(why.text, "leaf 7: ", 8) == 0 && strstr(why.text, "(3 of them)") != NULL);
    EXPECT_EQ(WEFT_OK, redact(&e, 0));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_audit_evidence_end(&e, &why));
    EXPECT_TRUE(strncmp(why.text, "leaf 8: ", 8) == 0);
    for (uint32_t i = e.missing_count; i < WEFT_AUDIT_MISSING_MAX; i++) {
        EXPECT_EQ(WEFT_OK, keep(&e, 0));
    }
    EXPECT_EQ(WEFT_ETOOBIG, keep(&e, 0));
    weft_audit_evidence_close(&e);
}
