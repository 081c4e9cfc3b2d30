/* What the audit log costs: leaves made and hashed into tiles, a whole export verified, proofs
 * made. In memory: what a disk adds is the node's bench.
 *
 * usage: bench_audit [LEAVES] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/audit_leaf.h"
#include "policy/audit_verify.h"
#include "policy/merkle_proof.h"
#include "tests/lib/audit_log.h"

enum {
    FILES_MAX = 1 << 16,
    PROOFS = 20000,
};

static const char origin[] = "oem.example/plant1/audit";
static struct weft_buffer tiles[WEFT_TILE_LEVELS][FILES_MAX];
static struct weft_buffer bundles[FILES_MAX];
static struct weft_buffer checkpoint;
static struct audit_log audit;
static struct weft_signer signers[3];
static struct weft_audit_order order;

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

_Noreturn static void give_up(const char *what)
{
    (void)fprintf(stderr, "bench_audit: %s\n", what);
    exit(1);
}

static struct weft_buffer *file_of(const char *path)
{
    struct weft_tile tile;
    if (weft_tile_parse(weft_text_of(path), &tile) != WEFT_OK) {
        return &checkpoint;
    }
    if (tile.index >= FILES_MAX) {
        give_up("too many leaves");
    }
    return tile.is_bundle ? &bundles[tile.index] : &tiles[tile.level][tile.index];
}

static void put(void *ctx, const char *path, struct weft_bytes data)
{
    struct weft_buffer *file = file_of(path);
    (void)ctx;
    weft_buffer_clear(file);
    if (weft_buffer_append(file, data.data, data.size) != WEFT_OK) {
        give_up("no memory");
    }
}

static enum weft_err get(
    void *ctx, const char *path, struct weft_buffer *ret_data, struct weft_msg *msg)
{
    const struct weft_buffer *file = file_of(path);
    (void)ctx, (void)msg;
    return weft_buffer_append(ret_data, file->data, file->size);
}

static enum weft_err get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    const struct weft_buffer *file = &tiles[tile->level][tile->index];
    (void)ctx;
    return weft_tile_hashes(
        (struct weft_bytes){file->data, file->size}, tile->width, ret_hashes, msg);
}

static enum weft_err on_leaf(
    void *ctx, uint64_t number, struct weft_bytes bytes, struct weft_msg *msg)
{
    struct weft_audit_leaf leaf;
    (void)ctx, (void)number;
    enum weft_err err =
        weft_audit_leaf_parse((struct weft_text){(const char *)bytes.data, bytes.size}, &leaf, msg);
    return err == WEFT_OK ? weft_audit_order_step(&order, &leaf, msg) : err;
}

static void verify(const char *what, weft_audit_on_leaf *leaf)
{
    struct weft_verifier verifiers[3] = {
        signers[0].verifier, signers[1].verifier, signers[2].verifier};
    const struct weft_audit_question question = {
        .read = get,
        .on_leaf = leaf,
        .origin = weft_text_of(origin),
        .verifiers = verifiers,
        .verifier_count = 3,
        .threshold = 2,
    };
    struct weft_audit_answer answer;
    struct weft_msg msg;
    double start = now_s();
    if (weft_audit_verify(&question, &answer, &msg) != WEFT_OK) {
        give_up(msg.text);
    }
    double s = now_s() - start;
    (void)printf("%-28s %8.2f s of CPU, %.0f leaves/s, %.0f bytes a leaf\n", what, s,
        (double)answer.head.size / s, (double)answer.leaf_bytes / (double)answer.head.size);
}

static void prove(const struct weft_merkle_head *head)
{
    static struct weft_merkle_prover prover;
    struct weft_merkle_proof proof;
    uint64_t state = 1;
    double start = now_s();
    for (int i = 0; i < PROOFS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        weft_merkle_prover_init(&prover, head->size, get_tile, NULL);
        if (weft_merkle_prove_inclusion(&prover, (state >> 20) % head->size, &proof, NULL) !=
            WEFT_OK) {
            give_up("no proof");
        }
    }
    (void)printf("%-28s %8.2f us of CPU each, nothing kept between them\n", "inclusion proofs",
        (now_s() - start) / PROOFS * 1e6);
}

int main(int argc, char **argv)
{
    uint64_t count = 1000 * 1000;
    if (argc > 1 && !weft_text_number(weft_text_of(argv[1]), &count)) {
        give_up("usage: bench_audit [LEAVES]");
    }
    for (uint8_t i = 0; i < 3; i++) {
        signers[i] = audit_signer(origin, WEFT_SIGNER_ED25519, i);
    }
    audit_log_init(&audit, put, NULL);
    double start = now_s();
    while (audit.tree.size < count) {
        audit_log_add_sample(&audit);
    }
    struct weft_merkle_head head = audit_log_publish(&audit, origin, signers, 3);
    double s = now_s() - start;
    (void)printf(
        "%-28s %8.2f s of CPU, %.0f leaves/s\n", "made, encoded, into tiles", s, (double)count / s);
    verify("verified", NULL);
    verify("verified, and each leaf read", on_leaf);
    prove(&head);
    return 0;
}
