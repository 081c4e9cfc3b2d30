#include "policy/witness.h"

#include <stdlib.h>

#include "tests/lib/audit_log.h"
#include "tests/lib/test.h"

static const char origin[] = "oem.example/plant1/audit";

enum {
    LEAVES = 40
};

static struct weft_digest leaves[LEAVES];
static struct weft_digest roots[LEAVES + 1]; /* By size. */
static struct weft_signer log_signer;
static struct weft_witness_log witnessed[2];

static void set_up(void)
{
    struct weft_merkle_range range = {0};
    roots[0] = weft_merkle_root(&range);
    for (size_t i = 0; i < LEAVES; i++) {
        leaves[i] = weft_merkle_leaf(&i, sizeof(i));
        EXPECT_EQ(WEFT_OK, weft_merkle_append(&range, &leaves[i]));
        roots[i + 1] = weft_merkle_root(&range);
    }
    log_signer = audit_signer(origin, WEFT_SIGNER_ED25519, 1);
    witnessed[0] = (struct weft_witness_log){.origin = WEFT_TEXT("other.example/log")};
    witnessed[1] = (struct weft_witness_log){
        .origin = weft_text_of(origin), .verifiers = &log_signer.verifier, .verifier_count = 1};
}

static enum weft_err get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    (void)ctx, (void)msg;
    memcpy(ret_hashes, leaves, tile->width * sizeof(leaves[0]));
    return WEFT_OK;
}

static struct weft_merkle_proof prove(uint64_t old_size, uint64_t size)
{
    static struct weft_merkle_prover p;
    struct weft_merkle_proof proof = {0};
    if (old_size > 0 && old_size <= size) {
        weft_merkle_prover_init(&p, size, get_tile, NULL);
        EXPECT_EQ(WEFT_OK, weft_merkle_prove_consistency(&p, old_size, &proof, NULL));
    }
    return proof;
}

/* Appends a request for the tree of `size` leaves with `root`. */
static void put_request(uint64_t old_size, const struct weft_merkle_proof *proof, uint64_t size,
    const struct weft_digest *root, const char *log_origin, const struct weft_signer *signer,
    struct weft_buffer *out)
{
    struct weft_buffer text = {0}, note = {0};
    struct weft_checkpoint_note checkpoint = {
        .origin = weft_text_of(log_origin), .head = {size, *root}};
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_encode(&checkpoint, &text, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_sign((struct weft_text){(const char *)text.data, text.size},
                           signer, 1, &note, NULL));
    struct weft_witness_request request = {
        .old_size = old_size, .proof = *proof, .checkpoint = {(const char *)note.data, note.size}};
    EXPECT_EQ(WEFT_OK, weft_witness_request_encode(&request, out));
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
}

static struct weft_witness_decision decide(const struct weft_buffer *body)
{
    struct weft_witness_decision decision;
    struct weft_msg msg = {""};
    weft_witness_decide(
        (struct weft_text){(const char *)body->data, body->size}, witnessed, 2, &decision, &msg);
    EXPECT_EQ(decision.outcome != WEFT_WITNESS_COSIGN, msg.text[0] != '\0');
    return decision;
}

static struct weft_witness_decision ask(uint64_t old_size, uint64_t size)
{
    struct weft_buffer body = {0};
    struct weft_merkle_proof proof = prove(old_size, size);
    put_request(old_size, &proof, size, &roots[size], origin, &log_signer, &body);
    struct weft_witness_decision decision = decide(&body);
    decision.text = (struct weft_text){"", 0}; /* It would borrow the body. */
    weft_buffer_destroy(&body);
    return decision;
}

static void record(const struct weft_witness_decision *decision)
{
    EXPECT_EQ(WEFT_WITNESS_COSIGN, decision->outcome);
    EXPECT_EQ(WEFT_OK, weft_witness_record(&witnessed[1].last, decision));
}

TEST(witness, cosigns_each_checkpoint_that_continues_the_last_one)
{
    static const uint64_t sizes[] = {0, 1, 1, 2, 5, 8, 13, 32, 40, 40};
    set_up();
    uint64_t last = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct weft_witness_decision decision = ask(last, sizes[i]);
        record(&decision);
        EXPECT_EQ(1, decision.log);
        EXPECT_TRUE(!decision.is_split);
        last = sizes[i];
        EXPECT_TRUE(witnessed[1].last.size == last);
        EXPECT_TRUE(weft_digest_equal(&roots[last], &witnessed[1].last.root));
    }
}

TEST(witness, what_it_cosigns_is_the_text_of_the_note)
{
    set_up();
    struct weft_buffer body = {0}, line = {0};
    struct weft_merkle_proof proof = {0};
    struct weft_note note;
    struct weft_note_mark marks[2];
    const struct weft_signer witness =
        audit_signer("supplier.example/w1", WEFT_SIGNER_COSIGNATURE, 9);
    put_request(0, &proof, 5, &roots[5], origin, &log_signer, &body);
    struct weft_witness_decision decision = decide(&body);
    EXPECT_EQ(WEFT_WITNESS_COSIGN, decision.outcome);
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(decision.text, &witness, 1772352000, &line, NULL));
    struct weft_witness_request request;
    struct weft_text all = {(const char *)body.data, body.size};
    EXPECT_EQ(WEFT_OK, weft_witness_request_parse(all, &request, NULL));
    struct weft_buffer joined = {0};
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&joined, request.checkpoint));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&joined, line.data, line.size));
    EXPECT_EQ(WEFT_OK,
        weft_note_parse((struct weft_text){(const char *)joined.data, joined.size}, &note, NULL));
    const struct weft_verifier verifiers[2] = {log_signer.verifier, witness.verifier};
    EXPECT_EQ(WEFT_OK, weft_note_verify(&note, verifiers, 2, marks, NULL));
    EXPECT_TRUE(marks[0].is_signed && marks[1].is_signed);
    EXPECT_TRUE(marks[1].time_s == 1772352000);
    weft_buffer_destroy(&body);
    weft_buffer_destroy(&line);
    weft_buffer_destroy(&joined);
}

/* POL-47: the race that tlog-witness describes. */
TEST(witness, of_two_requests_at_once_one_is_recorded)
{
    set_up();
    struct weft_witness_decision first = ask(0, 5), second = ask(0, 9);
    EXPECT_EQ(WEFT_WITNESS_COSIGN, first.outcome);
    EXPECT_EQ(WEFT_WITNESS_COSIGN, second.outcome);
    EXPECT_EQ(WEFT_OK, weft_witness_record(&witnessed[1].last, &second));
    EXPECT_EQ(WEFT_ECONFLICT, weft_witness_record(&witnessed[1].last, &first));
    EXPECT_EQ(9, witnessed[1].last.size);
}

TEST(witness, another_old_size_is_a_conflict_that_says_the_last_one)
{
    set_up();
    struct weft_witness_decision decision = ask(0, 8);
    record(&decision);
    static const uint64_t olds[] = {0, 1, 7, 9};
    for (size_t i = 0; i < 4; i++) {
        decision = ask(olds[i], 20);
        EXPECT_EQ(WEFT_WITNESS_CONFLICT, decision.outcome);
        EXPECT_TRUE(decision.last.size == 8);
    }
    EXPECT_EQ(WEFT_WITNESS_MALFORMED, ask(8, 7).outcome); /* The old size is above. */
    EXPECT_EQ(WEFT_WITNESS_CONFLICT, ask(7, 7).outcome);  /* It would go back. */
}

static enum weft_witness_outcome ask_with(uint64_t old_size, const struct weft_merkle_proof *proof,
    uint64_t size, const struct weft_digest *root, bool *ret_is_split)
{
    struct weft_buffer body = {0};
    put_request(old_size, proof, size, root, origin, &log_signer, &body);
    struct weft_witness_decision decision = decide(&body);
    *ret_is_split = decision.is_split;
    weft_buffer_destroy(&body);
    return decision.outcome;
}

TEST(witness, a_tree_that_does_not_continue_is_unprocessable)
{
    struct weft_merkle_proof none = {0}, proof;
    bool is_split;
    set_up();
    proof = prove(5, 8);
    EXPECT_EQ(WEFT_WITNESS_UNPROCESSABLE, ask_with(0, &none, 0, &roots[1], &is_split));
    EXPECT_EQ(WEFT_WITNESS_UNPROCESSABLE, ask_with(0, &proof, 8, &roots[8], &is_split));
    struct weft_witness_decision decision = ask(0, 5);
    record(&decision);
    EXPECT_EQ(WEFT_WITNESS_COSIGN, ask_with(5, &proof, 8, &roots[8], &is_split));
    EXPECT_EQ(WEFT_WITNESS_UNPROCESSABLE, ask_with(5, &none, 8, &roots[8], &is_split));
    EXPECT_EQ(WEFT_WITNESS_UNPROCESSABLE, ask_with(5, &proof, 8, &roots[9], &is_split));
    EXPECT_TRUE(!is_split);
    EXPECT_EQ(WEFT_WITNESS_UNPROCESSABLE, ask_with(5, &proof, 5, &roots[5], &is_split));
    proof.hashes[1].bytes[0] ^= 1;
    EXPECT_EQ(WEFT_WITNESS_UNPROCESSABLE, ask_with(5, &proof, 8, &roots[8], &is_split));
    EXPECT_TRUE(!is_split);
}

TEST(witness, a_second_tree_of_the_last_size_is_told_apart_as_proof_of_a_lie)
{
    struct weft_merkle_proof none = {0};
    bool is_split;
    set_up();
    struct weft_witness_decision decision = ask(0, 5);
    record(&decision);
    EXPECT_EQ(WEFT_WITNESS_UNPROCESSABLE, ask_with(5, &none, 5, &roots[6], &is_split));
    EXPECT_TRUE(is_split);
    EXPECT_EQ(WEFT_WITNESS_CONFLICT, ask_with(0, &none, 5, &roots[6], &is_split));
    EXPECT_TRUE(is_split);
}

TEST(witness, strangers_and_forgers_are_refused)
{
    struct weft_merkle_proof none = {0};
    struct weft_buffer body = {0};
    set_up();
    put_request(0, &none, 5, &roots[5], "unknown.example/log", &log_signer, &body);
    EXPECT_EQ(WEFT_WITNESS_UNKNOWN, decide(&body).outcome);
    weft_buffer_clear(&body);
    struct weft_signer stranger = audit_signer(origin, WEFT_SIGNER_ED25519, 2);
    put_request(0, &none, 5, &roots[5], origin, &stranger, &body);
    EXPECT_EQ(WEFT_WITNESS_FORBIDDEN, decide(&body).outcome);
    weft_buffer_clear(&body);
    put_request(0, &none, 5, &roots[5], "other.example/log", &log_signer, &body);
    EXPECT_EQ(WEFT_WITNESS_FORBIDDEN, decide(&body).outcome); /* Another log's key. */
    weft_buffer_clear(&body);
    /* A flipped bit in the signature, before the '=' that ends it. */
    put_request(0, &none, 5, &roots[5], origin, &log_signer, &body);
    body.data[body.size - 10] = body.data[body.size - 10] == 'A' ? 'B' : 'A';
    EXPECT_EQ(WEFT_WITNESS_FORBIDDEN, decide(&body).outcome);
    weft_buffer_destroy(&body);
}

TEST(witness, a_request_that_is_none_is_malformed)
{
    static const char *const bad[] = {"", "old", "old \n", "old 1", "old 01\n\n", "old -1\n\n",
        "old 1 \n\n", "Old 1\n\n", "new 1\n\n", "\nold 1\n\n", "old 1\nAAAA\n\n",
        "old 18446744073709551616\n\n", "old 1\r\n\n", "old 0\n\nnot a note\n", "old 0\n"};
    set_up();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_buffer body = {0};
        EXPECT_EQ(WEFT_OK, weft_buffer_text(&body, weft_text_of(bad[i])));
        EXPECT_EQ(WEFT_WITNESS_MALFORMED, decide(&body).outcome);
        weft_buffer_destroy(&body);
    }
}

TEST(witness, a_request_has_at_most_63_hashes)
{
    struct weft_buffer body = {0};
    struct weft_witness_request request = {.proof = {.count = 63}}, back;
    EXPECT_EQ(WEFT_OK, weft_witness_request_encode(&request, &body));
    struct weft_text text = {(const char *)body.data, body.size};
    EXPECT_EQ(WEFT_OK, weft_witness_request_parse(text, &back, NULL));
    EXPECT_EQ(63, back.proof.count);
    EXPECT_EQ(0, back.checkpoint.size);
    weft_buffer_clear(&body);
    request.proof.count = 64;
    EXPECT_EQ(WEFT_ETOOBIG, weft_witness_request_encode(&request, &body));
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&body, WEFT_TEXT("old 0\n")));
    EXPECT_EQ(WEFT_OK, weft_merkle_proof_format(&body, &request.proof));
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&body, WEFT_TEXT("\n")));
    text = (struct weft_text){(const char *)body.data, body.size};
    EXPECT_EQ(WEFT_ETOOBIG, weft_witness_request_parse(text, &back, NULL));
    char *large = calloc(1, WEFT_WITNESS_REQUEST_SIZE_MAX + 1);
    text = (struct weft_text){large, WEFT_WITNESS_REQUEST_SIZE_MAX + 1};
    EXPECT_EQ(WEFT_ETOOBIG, weft_witness_request_parse(text, &back, NULL));
    free(large);
    weft_buffer_destroy(&body);
}
