#include "policy/audit_verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/audit_leaf.h"
#include "tests/lib/audit_log.h"
#include "tests/lib/test.h"

static const char origin[] = "oem.example/plant1/audit";

enum {
    NODES = 3,
    LEAVES = 66100, /* Three levels, and partial tiles on all of them. */
    SMALL = 700,
    MUTATIONS = 1000,
};

static struct audit_files files;
static struct audit_log audit;
static struct weft_signer signers[NODES + 1]; /* The last one is a stranger's. */
static struct weft_verifier verifiers[NODES];
static struct weft_merkle_head head;
static struct weft_audit_order order;
static uint64_t leaves_seen;

static enum weft_err on_leaf(
    void *ctx, uint64_t number, struct weft_bytes bytes, struct weft_msg *msg)
{
    struct weft_audit_leaf leaf;
    (void)ctx;
    EXPECT_TRUE(number == leaves_seen);
    leaves_seen++;
    enum weft_err err =
        weft_audit_leaf_parse((struct weft_text){(const char *)bytes.data, bytes.size}, &leaf, msg);
    return err == WEFT_OK ? weft_audit_order_step(&order, &leaf, msg) : err;
}

/* A log of `count` leaves, signed by the first `signer_count` nodes. */
static void make_log(size_t count, uint32_t signer_count)
{
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
    for (int i = 0; i <= NODES; i++) {
        signers[i] = audit_signer(origin, WEFT_SIGNER_ED25519, (uint8_t)(i + 1));
        if (i < NODES) {
            verifiers[i] = signers[i].verifier;
        }
    }
    audit_log_init(&audit, audit_files_put, &files);
    for (size_t i = 0; i < count; i++) {
        audit_log_add_sample(&audit);
    }
    head = audit_log_publish(&audit, origin, signers, signer_count);
}

static struct weft_audit_question question(void)
{
    leaves_seen = 0;
    memset(&order, 0, sizeof(order));
    return (struct weft_audit_question){
        .read = audit_files_read,
        .ctx = &files,
        .origin = weft_text_of(origin),
        .verifiers = verifiers,
        .verifier_count = NODES,
        .threshold = 2,
    };
}

static enum weft_err verify(struct weft_msg *ret_msg)
{
    struct weft_audit_question q = question();
    struct weft_audit_answer answer;
    ret_msg->text[0] = '\0';
    return weft_audit_verify(&q, &answer, ret_msg);
}

TEST(audit_verify, a_log_as_it_was_written_verifies)
{
    struct weft_audit_answer answer;
    struct weft_msg msg = {""};
    make_log(LEAVES, 2);
    struct weft_audit_question q = question();
    q.on_leaf = on_leaf;
    enum weft_err err = weft_audit_verify(&q, &answer, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    EXPECT_EQ(LEAVES, answer.head.size);
    EXPECT_TRUE(weft_digest_equal(&head.root, &answer.head.root));
    EXPECT_EQ(2, answer.key_count);
    EXPECT_EQ(259, answer.bundle_count);
    EXPECT_EQ(259 + 2 + 1, answer.tile_count);
    EXPECT_EQ(259 + 259 + 2 + 1 + 1, files.count); /* Every file was looked at. */
    EXPECT_EQ(LEAVES, leaves_seen);
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}

TEST(audit_verify, logs_of_every_shape_verify)
{
    static const size_t sizes[] = {0, 1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct weft_msg msg;
        make_log(sizes[i], 3);
        EXPECT_EQ(WEFT_OK, verify(&msg));
        audit_log_destroy(&audit);
    }
    audit_files_destroy(&files);
}

TEST(audit_verify, a_partial_tile_may_have_become_a_full_one)
{
    struct weft_msg msg;
    struct weft_merkle_head first;
    make_log(300, 3);
    first = head;
    struct audit_file *checkpoint = audit_files_find(&files, "checkpoint");
    struct weft_buffer kept = {0};
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&kept, checkpoint->data, checkpoint->size));
    while (audit.tree.size < 600) {
        audit_log_add_sample(&audit);
    }
    head = audit_log_publish(&audit, origin, signers, 3);
    EXPECT_EQ(WEFT_OK, verify(&msg));
    /* The earlier checkpoint, after the log deleted its partial files. */
    audit_files_put(&files, "checkpoint", (struct weft_bytes){kept.data, kept.size});
    static const char *const partial[] = {"tile/0/001.p/44", "tile/entries/001.p/44"};
    for (int i = 0; i < 2; i++) {
        struct audit_file *file = audit_files_find(&files, partial[i]);
        file->path[0] = '#';
    }
    struct weft_audit_question q = question();
    struct weft_audit_answer answer;
    EXPECT_EQ(WEFT_OK, weft_audit_verify(&q, &answer, &msg));
    EXPECT_EQ(300, answer.head.size);
    EXPECT_TRUE(weft_digest_equal(&first.root, &answer.head.root));
    weft_buffer_destroy(&kept);
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}

/* POL-52 */
TEST(audit_verify, what_was_known_before_has_to_be_its_beginning)
{
    struct weft_msg msg;
    struct weft_audit_answer answer;
    struct weft_merkle_range range = {0};
    make_log(SMALL, 3);
    struct weft_audit_question q = question();
    struct audit_file *bundle = NULL;
    struct weft_bytes rest = {NULL, 0}, leaf;
    for (size_t i = 0; i <= SMALL; i++) {
        struct weft_merkle_head known = {i, weft_merkle_root(&range)};
        q.known = &known;
        EXPECT_EQ(WEFT_OK, weft_audit_verify(&q, &answer, &msg));
        known.root.bytes[test_random(32)] ^= 1;
        EXPECT_EQ(WEFT_ECONFLICT, weft_audit_verify(&q, &answer, &msg));
        if (i == SMALL) {
            break;
        }
        if (rest.size == 0) {
            char path[WEFT_TILE_PATH_SIZE];
            struct weft_tile tile = {true, 0, i / 256, weft_tile_width(SMALL, 0, i / 256)};
            weft_tile_format(&tile, path);
            bundle = audit_files_find(&files, path);
            rest = (struct weft_bytes){bundle->data, bundle->size};
        }
        EXPECT_EQ(WEFT_OK, weft_bundle_next(&rest, &leaf));
        struct weft_digest hash = weft_merkle_leaf(leaf.data, leaf.size);
        EXPECT_EQ(WEFT_OK, weft_merkle_append(&range, &hash));
    }
    struct weft_merkle_head known = {SMALL + 1, head.root};
    q.known = &known;
    EXPECT_EQ(WEFT_ECONFLICT, weft_audit_verify(&q, &answer, &msg));
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}

TEST(audit_verify, as_many_keys_as_asked_for_have_to_sign)
{
    struct weft_msg msg;
    struct weft_audit_answer answer;
    make_log(3, 1);
    EXPECT_EQ(WEFT_EPEER, verify(&msg));
    EXPECT_TEXT("checkpoint: 1 keys signed it, 2 are needed", msg.text);
    audit_log_publish(&audit, origin, &signers[NODES], 1); /* A stranger. */
    EXPECT_EQ(WEFT_EPEER, verify(&msg));
    audit_log_publish(&audit, "oem.example/plant2/audit", signers, 3);
    EXPECT_EQ(WEFT_EPEER, verify(&msg));
    audit_log_publish(&audit, origin, signers, 3);
    EXPECT_EQ(WEFT_OK, verify(&msg));
    /* One key under two names is one. */
    struct weft_signer twice[2] = {
        signers[0], audit_signer("oem.example/n1", WEFT_SIGNER_ED25519, 1)};
    struct weft_verifier both[2] = {twice[0].verifier, twice[1].verifier};
    audit_log_publish(&audit, origin, twice, 2);
    struct weft_audit_question q = question();
    q.verifiers = both;
    q.verifier_count = 2;
    EXPECT_EQ(WEFT_EPEER, weft_audit_verify(&q, &answer, &msg));
    q.threshold = 1;
    EXPECT_EQ(WEFT_OK, weft_audit_verify(&q, &answer, &msg));
    EXPECT_EQ(1, answer.key_count);
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}

TEST(audit_verify, a_policy_of_witnesses_has_to_be_met_too)
{
    static struct weft_witness_policy policy;
    struct weft_msg msg;
    struct weft_audit_answer answer;
    char text[1024], log_key[WEFT_VKEY_TEXT_SIZE], key[WEFT_VKEY_TEXT_SIZE];
    make_log(3, 3);
    struct weft_signer witness = audit_signer("w.example", WEFT_SIGNER_COSIGNATURE, 50);
    weft_verifier_format(&verifiers[0], log_key);
    weft_verifier_format(&witness.verifier, key);
    (void)snprintf(text, sizeof(text), "log %s\nwitness w %s\nquorum w\n", log_key, key);
    EXPECT_EQ(WEFT_OK, weft_witness_policy_parse(weft_text_of(text), &policy, &msg));
    struct weft_audit_question q = question();
    q.policy = &policy;
    EXPECT_EQ(WEFT_EREFUSED, weft_audit_verify(&q, &answer, &msg));
    struct audit_file *file = audit_files_find(&files, "checkpoint");
    struct weft_buffer note = {0};
    struct weft_note parsed;
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&note, file->data, file->size));
    EXPECT_EQ(WEFT_OK,
        weft_note_parse((struct weft_text){(const char *)file->data, file->size}, &parsed, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(parsed.text, &witness, 1000, &note, NULL));
    audit_files_put(&files, "checkpoint", (struct weft_bytes){note.data, note.size});
    EXPECT_EQ(WEFT_OK, weft_audit_verify(&q, &answer, &msg));
    weft_buffer_destroy(&note);
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}

TEST(audit_verify, an_error_of_the_caller_is_passed_on_with_its_place)
{
    struct weft_msg msg;
    struct weft_audit_answer answer;
    make_log(3, 3);
    audit_log_add(&audit, (struct weft_bytes){(const uint8_t *)"not a leaf", 10});
    audit_log_publish(&audit, origin, signers, 3);
    struct weft_audit_question q = question();
    EXPECT_EQ(WEFT_OK, weft_audit_verify(&q, &answer, &msg));
    q.on_leaf = on_leaf;
    EXPECT_EQ(WEFT_EVERSION, weft_audit_verify(&q, &answer, &msg));
    EXPECT_TEXT("leaf 3: line 1: not \"weft-audit/v1\"", msg.text);
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}

/* --- what is spoilt is refused --------------------------------------------------------------- */

enum mutation {
    FLIP, /* One bit. */
    CUT,
    LENGTHEN,
    DELETE,
    SWAP_FILES,
    SWAP_HASHES, /* Or entries' bytes: two blocks of 32 within a file. */
    REPEAT,      /* One file in the place of another of its kind. */
    MUTATION_KINDS
};

struct change {
    struct audit_file *a, *b;
    struct audit_file kept_a, kept_b;
};

static struct audit_file copy_of(const struct audit_file *file)
{
    struct audit_file copy = *file;
    copy.data = malloc(file->size + 1);
    EXPECT_TRUE(copy.data != NULL);
    memcpy(copy.data, file->data, file->size);
    return copy;
}

static struct audit_file *any_file(void)
{
    /* The checkpoint is one file of a few, and as often as all others. */
    return test_random(4) == 0 ? audit_files_find(&files, "checkpoint")
                               : &files.files[test_random(files.count)];
}

static bool is_same(const struct audit_file *a, const struct audit_file *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* Changes one or two files. False: nothing is different. */
static bool change(enum mutation kind, struct change *c)
{
    struct audit_file *a = c->a, *b = c->b;
    size_t at, to;
    switch (kind) {
    case FLIP:
        a->data[test_random(a->size)] ^= (uint8_t)(1u << test_random(8));
        return true;
    case CUT:
        a->size -= 1 + test_random(a->size);
        return true;
    case LENGTHEN:
        a->data = realloc(a->data, a->size + 1);
        EXPECT_TRUE(a->data != NULL);
        a->data[a->size++] = (uint8_t)test_random(256);
        return true;
    case DELETE:
        a->path[0] = '#';
        return true;
    case SWAP_FILES:
    case REPEAT:
        if (a == b || is_same(a, b)) {
            return false;
        }
        free(a->data);
        a->data = copy_of(&c->kept_b).data;
        a->size = c->kept_b.size;
        if (kind == SWAP_FILES) {
            free(b->data);
            b->data = copy_of(&c->kept_a).data;
            b->size = c->kept_a.size;
        }
        return true;
    case SWAP_HASHES:
        if (a->size < 64) {
            return false;
        }
        at = test_random(a->size / 32) * 32;
        to = test_random(a->size / 32) * 32;
        memcpy(a->data + at, c->kept_a.data + to, 32);
        memcpy(a->data + to, c->kept_a.data + at, 32);
        return !is_same(a, &c->kept_a);
    case MUTATION_KINDS:
        break;
    }
    return false;
}

static void put_back(struct audit_file *file, struct audit_file kept)
{
    free(file->data);
    *file = kept;
}

/* POL-51: the threshold is all three signatures, so that none of them can be spoilt either. */
TEST(audit_verify, a_thousand_seeded_mutations_are_all_refused)
{
    unsigned tried[MUTATION_KINDS] = {0}, by_err[WEFT_ERRS] = {0}, total = 0;
    struct weft_msg msg;
    make_log(SMALL, NODES);
    struct weft_audit_question q = question();
    struct weft_audit_answer answer = {.key_count = 99};
    q.threshold = NODES;
    while (total < MUTATIONS) {
        enum mutation kind = (enum mutation)test_random(MUTATION_KINDS);
        struct change c = {.a = any_file(), .b = any_file()};
        c.kept_a = copy_of(c.a);
        c.kept_b = copy_of(c.b);
        if (change(kind, &c)) {
            enum weft_err err = weft_audit_verify(&q, &answer, &msg);
            if (err == WEFT_OK) {
                (void)fprintf(stderr, "mutation %d of %s accepted\n", kind, c.kept_a.path);
            }
            EXPECT_TRUE(err != WEFT_OK);
            EXPECT_EQ(99, answer.key_count);
            tried[kind]++;
            by_err[err]++;
            total++;
        }
        put_back(c.a, c.kept_a);
        if (c.b != c.a) {
            put_back(c.b, c.kept_b);
        } else {
            free(c.kept_b.data);
        }
    }
    for (int i = 0; i < MUTATION_KINDS; i++) {
        EXPECT_TRUE(tried[i] > 50);
    }
    EXPECT_TRUE(by_err[WEFT_EBADSIG] > 50);
    EXPECT_TRUE(by_err[WEFT_EMALFORMED] > 50);
    EXPECT_TRUE(by_err[WEFT_ENOTFOUND] > 50);
    EXPECT_EQ(WEFT_OK, weft_audit_verify(&q, &answer, &msg)); /* All was put back. */
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}

/* Entries and tiles that fit together, under a checkpoint that was signed for others. */
TEST(audit_verify, a_log_that_fits_together_has_to_have_the_signed_root)
{
    struct weft_msg msg;
    struct weft_buffer kept = {0};
    make_log(SMALL, NODES);
    const struct audit_file *checkpoint = audit_files_find(&files, "checkpoint");
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&kept, checkpoint->data, checkpoint->size));
    make_log(SMALL - 1, NODES);
    audit_log_add(&audit, (struct weft_bytes){(const uint8_t *)"other", 5});
    head = audit_log_publish(&audit, origin, signers, NODES);
    EXPECT_EQ(WEFT_OK, verify(&msg));
    audit_files_put(&files, "checkpoint", (struct weft_bytes){kept.data, kept.size});
    EXPECT_EQ(WEFT_EBADSIG, verify(&msg));
    EXPECT_TEXT("checkpoint: the 700 entries have another root", msg.text);
    weft_buffer_destroy(&kept);
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}

/* A log whose history was rewritten by somebody who has only one of the keys. */
TEST(audit_verify, a_rewritten_history_does_not_verify)
{
    struct weft_msg msg;
    make_log(SMALL, NODES);
    struct weft_merkle_head before = head;
    make_log(SMALL - 1, NODES);
    audit_log_add(&audit, (struct weft_bytes){(const uint8_t *)"other", 5});
    head = audit_log_publish(&audit, origin, signers, 1);
    EXPECT_EQ(WEFT_EPEER, verify(&msg));
    /* And with all of them: whoever saw the first one is not deceived. */
    head = audit_log_publish(&audit, origin, signers, NODES);
    struct weft_audit_question q = question();
    struct weft_audit_answer answer;
    EXPECT_EQ(WEFT_OK, weft_audit_verify(&q, &answer, &msg));
    q.known = &before;
    EXPECT_EQ(WEFT_ECONFLICT, weft_audit_verify(&q, &answer, &msg));
    audit_log_destroy(&audit);
    audit_files_destroy(&files);
}
