/* Writes an audit log and proofs of it as a plant exports them, signed with keys that nobody keeps.
 *
 * usage: foreign_log DIR LEAVES OLD
 *
 *     DIR/keys                 a vkey a line: three of the log, then one of a witness
 *     DIR/log/...              the export: checkpoint, tile/...
 *     DIR/old-checkpoint       of its first OLD leaves
 *     DIR/request              to a witness that has seen those (tlog-witness)
 *     DIR/proof-N              of some leaves N (tlog-proof) */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "policy/audit_leaf.h"
#include "policy/merkle_proof.h"
#include "policy/tile_builder.h"
#include "policy/tlog_proof.h"
#include "policy/witness.h"

enum {
    NODES = 3
};

static const char origin[] = "oem.example/plant1/audit";
static const char *directory;
static struct weft_tile_builder tree;
static struct weft_buffer bundle;
static struct weft_signer nodes[NODES], witness;

_Noreturn static void give_up(const char *what)
{
    (void)fprintf(stderr, "foreign_log: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void must(enum weft_err err, const char *what)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "foreign_log: %s: %s\n", what, weft_err_name(err));
        exit(1);
    }
}

/* Below `directory`, with the directories on the way. */
static void write_file(const char *name, const void *data, size_t size)
{
    char path[4096];
    int used = snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (used < 0 || (size_t)used >= sizeof(path)) {
        give_up("a long path");
    }
    for (char *p = path + strlen(directory); (p = strchr(p + 1, '/')) != NULL;) {
        *p = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST) {
            give_up(path);
        }
        *p = '/';
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        give_up(path);
    }
}

static enum weft_err write_tile(
    void *ctx, const struct weft_tile *tile, const struct weft_digest *hashes, struct weft_msg *msg)
{
    char path[WEFT_TILE_PATH_SIZE], name[WEFT_TILE_PATH_SIZE + 4];
    (void)ctx, (void)msg;
    weft_tile_format(tile, path);
    (void)snprintf(name, sizeof(name), "log/%s", path);
    write_file(name, hashes, (size_t)tile->width * WEFT_DIGEST_SIZE);
    return WEFT_OK;
}

static void write_bundle(uint64_t index, unsigned width)
{
    char path[WEFT_TILE_PATH_SIZE], name[WEFT_TILE_PATH_SIZE + 4];
    struct weft_tile tile = {.is_bundle = true, .index = index, .width = width};
    weft_tile_format(&tile, path);
    (void)snprintf(name, sizeof(name), "log/%s", path);
    write_file(name, bundle.data, bundle.size);
}

static void make_leaf(uint64_t number, struct weft_buffer *out)
{
    struct weft_audit_leaf leaf = {
        .number = number,
        .term = 1,
        .index = number + 7,
        .time_ns = INT64_C(1772352000000000000) + (int64_t)number * 1000000,
        .act = WEFT_TEXT("command.approve"),
        .has_actor = true,
        .actor = weft_sha256(&number, sizeof(number)),
        .subject = WEFT_TEXT("plant1/line2/press7"),
        .effect = number % 3 == 0 ? WEFT_AUDIT_DENY : WEFT_AUDIT_ALLOW,
        .count = 1 + number % 2,
    };
    must(weft_audit_leaf_encode(&leaf, out, NULL), "a leaf");
}

static void add_leaf(void)
{
    struct weft_buffer leaf = {0};
    make_leaf(tree.size, &leaf);
    struct weft_digest hash = weft_merkle_leaf(leaf.data, leaf.size);
    must(weft_bundle_append(&bundle, (struct weft_bytes){leaf.data, leaf.size}), "a bundle");
    must(weft_tile_builder_append(&tree, &hash, write_tile, NULL, NULL), "the tree");
    if (tree.size % WEFT_TILE_WIDTH == 0) {
        write_bundle(tree.size / WEFT_TILE_WIDTH - 1, WEFT_TILE_WIDTH);
        weft_buffer_clear(&bundle);
    }
    weft_buffer_destroy(&leaf);
}

/* Signed by all nodes, and by the witness. */
static void sign_checkpoint(struct weft_buffer *ret_note)
{
    struct weft_buffer text = {0};
    const struct weft_checkpoint_note checkpoint = {
        .origin = weft_text_of(origin), .head = {tree.size, weft_tile_builder_root(&tree)}};
    must(weft_checkpoint_note_encode(&checkpoint, &text, NULL), "a checkpoint");
    must(weft_note_sign(weft_buffer_as_text(&text), nodes, NODES, ret_note, NULL), "a signature");
    must(weft_note_sign_line(weft_buffer_as_text(&text), &witness, 1772352000, ret_note, NULL),
        "a cosignature");
    weft_buffer_destroy(&text);
}

static void make_key(const char *name, enum weft_signer_type type, struct weft_signer *ret_signer)
{
    struct weft_ed25519_pair pair;
    must(weft_ed25519_generate(&pair, NULL), "a key");
    must(weft_signer_make(weft_text_of(name), type, &pair, ret_signer, NULL), "a signer");
    weft_ed25519_wipe(&pair);
}

static void make_keys(void)
{
    struct weft_buffer keys = {0};
    for (int i = 0; i <= NODES; i++) {
        char vkey[WEFT_VKEY_TEXT_SIZE];
        struct weft_signer *signer = i < NODES ? &nodes[i] : &witness;
        make_key(i < NODES ? origin : "supplier.example/w1",
            i < NODES ? WEFT_SIGNER_ED25519 : WEFT_SIGNER_COSIGNATURE, signer);
        weft_verifier_format(&signer->verifier, vkey);
        must(weft_buffer_format(&keys, "%s\n", vkey), "keys");
    }
    write_file("keys", keys.data, keys.size);
    weft_buffer_destroy(&keys);
}

/* From the files that were written. */
static enum weft_err read_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    char path[WEFT_TILE_PATH_SIZE], name[4096];
    (void)ctx;
    weft_tile_format(tile, path);
    (void)snprintf(name, sizeof(name), "%s/log/%s", directory, path);
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        return weft_fail(msg, WEFT_ENOTFOUND, "%s", path);
    }
    size_t count = fread(ret_hashes, WEFT_DIGEST_SIZE, tile->width, file);
    (void)fclose(file);
    return count == tile->width ? WEFT_OK : weft_fail(msg, WEFT_EMALFORMED, "%s", path);
}

static void write_proofs(struct weft_text note, uint64_t old_size)
{
    static struct weft_merkle_prover prover;
    struct weft_buffer out = {0};
    const uint64_t places[] = {0, 1, old_size - 1, old_size, tree.size - 1};
    weft_merkle_prover_init(&prover, tree.size, read_tile, NULL);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct weft_tlog_proof proof = {.index = places[i], .checkpoint = note};
        char name[64];
        must(weft_merkle_prove_inclusion(&prover, places[i], &proof.proof, NULL), "a proof");
        weft_buffer_clear(&out);
        must(weft_tlog_proof_encode(&proof, &out), "a proof");
        (void)snprintf(name, sizeof(name), "proof-%llu", (unsigned long long)places[i]);
        write_file(name, out.data, out.size);
    }
    struct weft_witness_request request = {.old_size = old_size, .checkpoint = note};
    must(weft_merkle_prove_consistency(&prover, old_size, &request.proof, NULL), "a proof");
    weft_buffer_clear(&out);
    must(weft_witness_request_encode(&request, &out), "a request");
    write_file("request", out.data, out.size);
    weft_buffer_destroy(&out);
}

int main(int argc, char **argv)
{
    uint64_t size, old_size;
    struct weft_buffer note = {0};
    if (argc != 4 || !weft_text_number(weft_text_of(argv[2]), &size) ||
        !weft_text_number(weft_text_of(argv[3]), &old_size) || old_size == 0 || old_size >= size) {
        (void)fputs("usage: foreign_log DIR LEAVES OLD (0 < OLD < LEAVES)\n", stderr);
        return 2;
    }
    directory = argv[1];
    if (mkdir(directory, 0755) != 0 && errno != EEXIST) {
        give_up(directory);
    }
    make_keys();
    while (tree.size < size) {
        add_leaf();
        if (tree.size == old_size) {
            sign_checkpoint(&note);
            write_file("old-checkpoint", note.data, note.size);
            weft_buffer_clear(&note);
        }
    }
    if (tree.size % WEFT_TILE_WIDTH != 0) {
        write_bundle(tree.size / WEFT_TILE_WIDTH, (unsigned)(tree.size % WEFT_TILE_WIDTH));
    }
    must(weft_tile_builder_partials(&tree, write_tile, NULL, NULL), "the tree");
    sign_checkpoint(&note);
    write_file("log/checkpoint", note.data, note.size);
    write_proofs(weft_buffer_as_text(&note), old_size);
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&bundle);
    for (int i = 0; i < NODES; i++) {
        weft_signer_wipe(&nodes[i]);
    }
    weft_signer_wipe(&witness);
    return 0;
}
