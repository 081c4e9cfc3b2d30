/* The proofs of transparency-dev/merkle: most of them have to fail. */
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base64.h"
#include "policy/merkle_proof.h"
#include "proto/json.h"
#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 4 << 20};
static unsigned files, refused_by_length, of_size_zero, accepted;

/* A hash of another size than 32 bytes can have no value of ours; it is then cut or filled up, so
 * that the proof is judged all the same (a root may read "dont care"). False: it was not 32
 * bytes. */
static bool read_hash(const struct weft_json *value, struct weft_digest *ret_hash)
{
    uint8_t bytes[512] = {0};
    size_t size;
    EXPECT_TRUE(value != NULL && value->type == WEFT_JSON_STRING);
    EXPECT_EQ(WEFT_OK, weft_base64_parse(value->text, bytes, sizeof(bytes), &size));
    memcpy(ret_hash->bytes, bytes, WEFT_DIGEST_SIZE);
    return size == WEFT_DIGEST_SIZE;
}

static uint64_t read_number(const struct weft_json *root, const char *key)
{
    const struct weft_json *value = weft_json_get(root, key);
    uint64_t number = 0;
    EXPECT_TRUE(value != NULL && weft_text_number(value->text, &number));
    return number;
}

/* Whether every hash of it is one. */
static bool read_proof(const struct weft_json *root, struct weft_merkle_proof *ret_proof)
{
    const struct weft_json *list = weft_json_get(root, "proof");
    bool is_whole = true;
    ret_proof->count = 0;
    EXPECT_TRUE(list != NULL);
    for (const struct weft_json *v = list->first; v != NULL; v = v->next) {
        EXPECT_TRUE(ret_proof->count < WEFT_MERKLE_PROOF_MAX);
        is_whole = read_hash(v, &ret_proof->hashes[ret_proof->count++]) && is_whole;
    }
    return is_whole;
}

static void judge(const char *path, const struct weft_json *root)
{
    struct weft_merkle_proof proof;
    struct weft_digest first, last;
    struct weft_msg msg = {""};
    const bool want_error = weft_json_get(root, "wantErr")->boolean;
    bool is_whole = read_proof(root, &proof);
    enum weft_err err;
    if (weft_json_get(root, "leafIdx") != NULL) {
        is_whole = read_hash(weft_json_get(root, "leafHash"), &first) && is_whole;
        (void)read_hash(weft_json_get(root, "root"), &last);
        err = weft_merkle_verify_inclusion(read_number(root, "leafIdx"),
            read_number(root, "treeSize"), &first, &proof, &last, &msg);
    } else {
        uint64_t old_size = read_number(root, "size1");
        (void)read_hash(weft_json_get(root, "root1"), &first);
        (void)read_hash(weft_json_get(root, "root2"), &last);
        err = weft_merkle_verify_consistency(
            old_size, read_number(root, "size2"), &first, &proof, &last, &msg);
        if (old_size == 0) { /* POL-43 */
            EXPECT_EQ(WEFT_EINVAL, err);
            of_size_zero++;
        }
    }
    if (!is_whole && err == WEFT_OK) {
        err = WEFT_EMALFORMED;
        refused_by_length++;
    }
    if ((err != WEFT_OK) != want_error) {
        (void)fprintf(stderr, "%s: %s %s\n", path, weft_err_name(err), msg.text);
    }
    EXPECT_EQ(want_error, err != WEFT_OK);
    accepted += err == WEFT_OK ? 1 : 0;
}

static int on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    static char text[64 * 1024];
    const char *suffix = strrchr(path, '.');
    (void)st, (void)ftw;
    if (type != FTW_F || suffix == NULL || strcmp(suffix, ".json") != 0) {
        return 0;
    }
    FILE *file = fopen(path, "rb");
    EXPECT_TRUE(file != NULL);
    size_t size = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    struct weft_json *root;
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_json_parse((struct weft_text){text, size}, 1, &arena, &root, NULL));
    judge(path, root);
    files++;
    return 0;
}

TEST(merkle_vectors, all_196_are_judged_as_their_authors_do)
{
    EXPECT_EQ(0, nftw(test_data("vectors/merkle-rfc6962/testdata"), on_file, 16, FTW_PHYS));
    (void)fprintf(stderr, "    %u vectors: %u accepted, %u of size zero, %u by length alone\n",
        files, accepted, of_size_zero, refused_by_length);
    EXPECT_EQ(196, files);
    EXPECT_TRUE(accepted > 0 && of_size_zero > 0);
    weft_arena_destroy(&arena);
}
