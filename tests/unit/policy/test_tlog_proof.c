#include "policy/tlog_proof.h"

#include <stdlib.h>

#include "tests/lib/audit_log.h"
#include "tests/lib/test.h"

#define H "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

static const char *const texts[] = {
    "c2sp.org/tlog-proof@v1\nextra YWdl\nindex 73894\n" H H "\nexample.com/fancylog\n...",
    "c2sp.org/tlog-proof@v1\nindex 0\n\n",
};

static enum weft_err parse(const char *text, struct weft_tlog_proof *ret_proof)
{
    struct weft_msg msg;
    return weft_tlog_proof_parse(weft_text_of(text), ret_proof, &msg);
}

/* POL-42 */
TEST(tlog_proof, has_one_text)
{
    for (size_t i = 0; i < 2; i++) {
        struct weft_tlog_proof proof;
        struct weft_buffer out = {0};
        EXPECT_EQ(WEFT_OK, parse(texts[i], &proof));
        EXPECT_EQ(WEFT_OK, weft_tlog_proof_encode(&proof, &out));
        EXPECT_EQ(strlen(texts[i]), out.size);
        EXPECT_MEM(texts[i], out.data, out.size);
        weft_buffer_destroy(&out);
    }
    struct weft_tlog_proof proof;
    EXPECT_EQ(WEFT_OK, parse(texts[0], &proof));
    EXPECT_EQ(73894, proof.index);
    EXPECT_EQ(2, proof.proof.count);
    EXPECT_TRUE(weft_text_is(proof.extra, "YWdl"));
    EXPECT_TRUE(weft_text_is(proof.checkpoint, "example.com/fancylog\n..."));
}

TEST(tlog_proof, what_is_none_is_refused)
{
    static const char *const bad[] = {"", "c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\n", "c2sp.org/tlog-proof@v1 \nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\n", "c2sp.org/tlog-proof@v1\nindex \n\n",
        "c2sp.org/tlog-proof@v1\nindex -1\n\n", "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra YWdl\n\n", ("c2sp.org/tlog-proof@v1\nindex 0\n" H)};
    struct weft_tlog_proof proof = {.index = 77};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, parse(bad[i], &proof));
        EXPECT_EQ(77, proof.index);
    }
    char *large = calloc(1, WEFT_TLOG_PROOF_SIZE_MAX + 1);
    struct weft_text text = {large, WEFT_TLOG_PROOF_SIZE_MAX + 1};
    EXPECT_EQ(WEFT_ETOOBIG, weft_tlog_proof_parse(text, &proof, NULL));
    free(large);
    struct weft_buffer out = {0};
    proof.extra = WEFT_TEXT("a b");
    EXPECT_EQ(WEFT_EINVAL, weft_tlog_proof_encode(&proof, &out));
    EXPECT_EQ(0, out.size);
    weft_buffer_destroy(&out);
}

TEST(tlog_proof, verifies_its_leaf_and_no_other)
{
    struct weft_digest sides[2] = {weft_merkle_leaf("a", 1), weft_merkle_leaf("b", 1)};
    struct weft_merkle_head head = {2, weft_merkle_node(&sides[0], &sides[1])};
    struct weft_tlog_proof proof = {.index = 1, .proof = {.count = 1, .hashes = {sides[0]}}};
    struct weft_bytes a = {(const uint8_t *)"a", 1}, b = {(const uint8_t *)"b", 1};
    EXPECT_EQ(WEFT_OK, weft_tlog_proof_verify(&proof, b, &head, NULL));
    EXPECT_EQ(WEFT_EBADSIG, weft_tlog_proof_verify(&proof, a, &head, NULL));
    proof.index = 2;
    EXPECT_EQ(WEFT_EINVAL, weft_tlog_proof_verify(&proof, b, &head, NULL));
}
