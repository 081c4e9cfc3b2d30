/* What is said of faults, in signed texts: refusals of single statements, proof of two stories. */
#include <stdio.h>
#include <string.h>

#include "federation/equivocation.h"
#include "federation/refusal.h"
#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};

/* --- refusals -------------------------------------------------------------------------------- */

static struct weft_refusal refusal_of(const struct weft_refusal_line *lines, uint32_t count)
{
    return (struct weft_refusal){.agreement = WEFT_TEXT("box-2026"),
        .provider = weft_text_of(rig_site(RIG_SUPPLIER)),
        .receiver = weft_text_of(rig_site(RIG_OEM)),
        .lines = lines,
        .line_count = count};
}

TEST(refusal, has_one_text_and_is_verified_by_keys_of_the_receiver)
{
    const struct weft_refusal_line lines[] = {
        {3, {{1}}, WEFT_STREAM_UNAUTHORIZED, WEFT_TEXT("it states as somebody else")},
        {9, {{2}}, WEFT_STREAM_BAD_PROJECTION, WEFT_TEXT("")},
    };
    struct weft_refusal refusal = refusal_of(lines, 2), again;
    struct weft_buffer text = {0}, second = {0};
    struct weft_msg msg = {""};
    struct weft_stream_signers receipts = rig_receipts_of(RIG_OEM);
    EXPECT_EQ(WEFT_OK, weft_refusal_encode(&refusal, &arena, &text, &msg));
    EXPECT_TEXT("", msg.text);
    struct weft_buffer note = rig_sign(RIG_OEM, 2, weft_buffer_as_text(&text));
    EXPECT_EQ(
        WEFT_OK, weft_refusal_verify(weft_buffer_as_text(&note), &receipts, &arena, &again, &msg));
    EXPECT_EQ(2, again.line_count);
    EXPECT_EQ(9, again.lines[1].sequence);
    EXPECT_EQ(WEFT_STREAM_UNAUTHORIZED, again.lines[0].fault);
    EXPECT_TRUE(weft_text_is(again.lines[0].reason, "it states as somebody else"));
    EXPECT_EQ(WEFT_OK, weft_refusal_encode(&again, &arena, &second, &msg)); /* FED-25 */
    EXPECT_EQ(text.size, second.size);
    EXPECT_MEM(text.data, second.data, text.size);
    note.data[note.size - 20] ^= 1;
    EXPECT_EQ(WEFT_EBADSIG,
        weft_refusal_verify(weft_buffer_as_text(&note), &receipts, &arena, &again, &msg));
    weft_buffer_destroy(&note);
    note = rig_sign(RIG_OEM, 1, weft_buffer_as_text(&text));
    EXPECT_EQ(WEFT_EPEER,
        weft_refusal_verify(weft_buffer_as_text(&note), &receipts, &arena, &again, &msg));
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&second);
}

TEST(refusal, makes_a_line_of_whatever_a_reason_holds)
{
    static const char reason[] = "line\none\x7f two \xc3\xa9 "
                                 "........................................................"
                                 "........................................................"
                                 ".........................\xc3\xa9\xc3\xa9";
    const struct weft_refusal_line line = {
        0, {{1}}, WEFT_STREAM_POLICY, {reason, sizeof(reason) - 1}};
    struct weft_refusal refusal = refusal_of(&line, 1), again;
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_refusal_encode(&refusal, &arena, &text, &msg));
    EXPECT_EQ(WEFT_OK, weft_refusal_decode(weft_buffer_as_text(&text), &arena, &again, &msg));
    EXPECT_TRUE(weft_text_starts(again.lines[0].reason, "line?one? two \xc3\xa9 ..."));
    EXPECT_TRUE(again.lines[0].reason.size <= WEFT_REFUSAL_REASON_SIZE);
    weft_buffer_destroy(&text);
}

TEST(refusal, that_is_not_in_form_is_refused_with_its_line)
{
    static const char front[] = "weft-refusal/v1\nagreement box\nprovider a/b\nreceiver c/d\n";
    static const char digest[] =
        "sha256:0100000000000000000000000000000000000000000000000000000000000000";
    static const struct {
        const char *lines, *why;
        enum weft_err err;
    } cases[] = {
        {"", "line 4: 0 lines", WEFT_EMALFORMED},
        {"refused 1 sha256:00 policy\n", "line 5: \"refused\" is", WEFT_EMALFORMED},
        {"refused 01 %s policy\n", "line 5: \"refused\" is", WEFT_EMALFORMED},
        {"refused 1 %s split-view\n", "line 5: no fault of a statement", WEFT_EINVAL},
        {"refused 1 %s nothing: at all\n", "line 5: no fault of a statement", WEFT_EINVAL},
        {"refused 1 %s policy:no\n", "line 5: no reason behind", WEFT_EMALFORMED},
        {"refused 1 %s policy\nrefused 1 %s policy\n", "line 6: not in the stream's order",
            WEFT_EMALFORMED},
        {"refused 1 %s policy\nmore 1\n", "line 6: a line that", WEFT_EMALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_buffer text = {0};
        struct weft_refusal refusal;
        struct weft_msg msg = {""};
        EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, weft_text_of(front)));
        for (const char *p = cases[i].lines; *p != '\0'; p++) {
            bool is_digest = p[0] == '%' && p[1] == 's';
            EXPECT_EQ(WEFT_OK, is_digest ? weft_buffer_text(&text, weft_text_of(digest))
                                         : weft_buffer_append(&text, p, 1));
            p += is_digest ? 1 : 0;
        }
        EXPECT_EQ(
            cases[i].err, weft_refusal_decode(weft_buffer_as_text(&text), &arena, &refusal, &msg));
        EXPECT_TRUE(strncmp(msg.text, cases[i].why, strlen(cases[i].why)) == 0);
        weft_buffer_destroy(&text);
    }
}

TEST(refusal, is_collected_from_what_a_consumer_judged)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_consumer consumer = {.quarantined = 0};
    struct weft_consumer_terms terms = {
        .stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))},
        .orgs = rig_orgs(),
        .party = RIG_SUPPLIER,
        .now_ns = RIG_NOW_NS};
    struct weft_refusal_line lines[WEFT_REFUSAL_LINES_MAX];
    struct weft_msg msg = {""};
    struct weft_batch batch;
    uint32_t from = 0;
    weft_arena_reset(&arena);
    for (uint64_t i = 0; i < 4; i++) {
        rig_plant_state(plant, i);
    }
    rig_plant_sign(plant);
    memcpy(memmem(plant->contents[3].data, plant->contents[3].size, "FAIL", 4), "PASS", 4);
    consumer.head = plant->provider.signed_head;
    struct weft_stream_batch message = rig_plant_batch(plant, 0, 5, false);
    EXPECT_EQ(WEFT_STREAM_SOUND,
        weft_consumer_judge_batch(&consumer, &terms, &message, &arena, &batch, &msg));
    EXPECT_EQ(1, weft_refusal_collect(&batch, &from, lines));
    EXPECT_EQ(5, from);
    EXPECT_EQ(3, lines[0].sequence);
    EXPECT_EQ(WEFT_STREAM_DIGEST, lines[0].fault);
    EXPECT_TRUE(weft_text_starts(lines[0].reason, "the fields lead to"));
    EXPECT_EQ(0, weft_refusal_collect(&batch, &from, lines));
    rig_plant_destroy(plant);
}

/* --- equivocation ---------------------------------------------------------------------------- */

/* Two histories that part behind `common` statements, each of `count`. */
struct stories {
    struct rig_plant *a, *b;
};

static struct stories tell(uint64_t common, uint64_t count)
{
    struct stories s = {rig_plant_create(RIG_SUPPLIER), rig_plant_create(RIG_SUPPLIER)};
    for (uint64_t i = 0; i < count; i++) {
        rig_plant_state(s.a, i);
        rig_plant_state(s.b, i < common ? i : i + 100);
    }
    return s;
}

static void forget(struct stories *s)
{
    rig_plant_destroy(s->a);
    rig_plant_destroy(s->b);
}

static enum weft_err verify(const struct weft_equivocation *e, struct weft_buffer *text)
{
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    enum weft_equivocation_kind kind = WEFT_EQUIVOCATION_KINDS;
    struct weft_msg msg = {""};
    weft_buffer_clear(text);
    EXPECT_EQ(WEFT_OK, weft_equivocation_encode(e, text));
    enum weft_err err = weft_equivocation_verify(weft_buffer_as_text(text), &signers, &kind, &msg);
    EXPECT_EQ(err == WEFT_OK, kind == e->kind);
    EXPECT_EQ(err == WEFT_OK, msg.text[0] == '\0');
    return err;
}

TEST(equivocation, is_proven_by_two_heads_of_one_size)
{
    struct stories s = tell(3, 6);
    struct weft_buffer a = rig_plant_head_at(s.a, 7), b = rig_plant_head_at(s.b, 7), text = {0};
    struct weft_equivocation e = {.kind = WEFT_EQUIVOCATION_HEADS,
        .parts = {weft_buffer_as_text(&a), weft_buffer_as_text(&b)},
        .part_count = 2};
    EXPECT_EQ(WEFT_OK, verify(&e, &text)); /* FED-26 */
    e.parts[1] = e.parts[0];
    EXPECT_EQ(WEFT_EREFUSED, verify(&e, &text));
    struct weft_buffer common = rig_plant_head_at(s.b, 4), same = rig_plant_head_at(s.a, 4);
    e.parts[0] = weft_buffer_as_text(&common);
    e.parts[1] = weft_buffer_as_text(&same);
    EXPECT_EQ(WEFT_EREFUSED, verify(&e, &text)); /* what both have in common */
    e.parts[1] = weft_buffer_as_text(&b);
    EXPECT_EQ(WEFT_EREFUSED, verify(&e, &text)); /* of two sizes: that proves nothing by itself */
    b.data[b.size - 20] ^= 1;
    e.parts[0] = weft_buffer_as_text(&a);
    EXPECT_EQ(WEFT_EBADSIG, verify(&e, &text));
    weft_buffer_destroy(&a);
    weft_buffer_destroy(&b);
    weft_buffer_destroy(&common);
    weft_buffer_destroy(&same);
    weft_buffer_destroy(&text);
    forget(&s);
}

TEST(equivocation, is_proven_by_a_head_whose_own_proof_begins_otherwise)
{
    struct stories s = tell(3, 9);
    for (uint64_t old_size = 1; old_size < 10; old_size++) {
        struct weft_buffer a = rig_plant_head_at(s.a, old_size), b = rig_plant_head_at(s.b, 10);
        struct weft_buffer hashes = {0}, text = {0};
        struct weft_merkle_proof proof = rig_consistency(s.b->hashes, old_size, 10);
        EXPECT_EQ(WEFT_OK, weft_equivocation_proof_encode(&proof, &hashes));
        struct weft_equivocation e = {.kind = WEFT_EQUIVOCATION_BEGINNINGS,
            .parts = {weft_buffer_as_text(&a), weft_buffer_as_text(&b),
                weft_buffer_as_text(&hashes)},
            .part_count = 3};
        enum weft_err wanted = (old_size & (old_size - 1)) == 0 ? WEFT_EINVAL
                               : old_size <= 4                  ? WEFT_EREFUSED
                                                                : WEFT_OK;
        EXPECT_EQ(wanted, verify(&e, &text)); /* FED-26 */
        hashes.data[12] = hashes.data[12] == 'a' ? 'b' : 'a';
        EXPECT_TRUE(verify(&e, &text) != WEFT_OK); /* A proof of nothing proves nothing. */
        e.parts[2] = WEFT_TEXT("sha256:00\n");
        EXPECT_EQ(WEFT_EMALFORMED, verify(&e, &text));
        struct weft_merkle_head lost_head = {10, rig_plant_root_at(s.b, 10)};
        struct weft_lost lost = {.count = 1, .heads = {lost_head}};
        struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
        EXPECT_TRUE(weft_equivocation_is_of_lost(weft_buffer_as_text(&text), &signers, &lost));
        weft_buffer_destroy(&a);
        weft_buffer_destroy(&b);
        weft_buffer_destroy(&hashes);
        weft_buffer_destroy(&text);
    }
    forget(&s);
}

/* FED-32 */
TEST(equivocation, that_rests_on_a_lost_head_is_told_from_other)
{
    struct stories s = tell(3, 6);
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    struct weft_buffer a = rig_plant_head_at(s.a, 7), b = rig_plant_head_at(s.b, 7), text = {0};
    struct weft_equivocation e = {.kind = WEFT_EQUIVOCATION_HEADS,
        .parts = {weft_buffer_as_text(&a), weft_buffer_as_text(&b)},
        .part_count = 2};
    struct weft_lost lost = {.count = 1, .heads = {{6, rig_plant_root_at(s.b, 6)}}};
    EXPECT_EQ(WEFT_OK, verify(&e, &text));
    EXPECT_TRUE(!weft_equivocation_is_of_lost(weft_buffer_as_text(&text), &signers, &lost));
    EXPECT_EQ(
        WEFT_OK, weft_lost_add(&lost, &(struct weft_merkle_head){7, rig_plant_root_at(s.b, 7)}));
    EXPECT_TRUE(weft_equivocation_is_of_lost(weft_buffer_as_text(&text), &signers, &lost));
    weft_buffer_destroy(&text);
    struct weft_buffer first = rig_plant_proof(s.a, 5, 7), second = rig_plant_proof(s.b, 5, 7);
    char leaves[2][WEFT_STREAM_LEAF_SIZE];
    size_t sizes[2] = {weft_stream_leaf_format(&s.a->leaves[5], leaves[0]),
        weft_stream_leaf_format(&s.b->leaves[5], leaves[1])};
    const struct weft_equivocation two = {.kind = WEFT_EQUIVOCATION_LEAVES,
        .parts = {{leaves[0], sizes[0]}, weft_buffer_as_text(&first), {leaves[1], sizes[1]},
            weft_buffer_as_text(&second)},
        .part_count = 4};
    EXPECT_EQ(WEFT_OK, verify(&two, &text));
    EXPECT_TRUE(weft_equivocation_is_of_lost(weft_buffer_as_text(&text), &signers, &lost));
    lost.count = 1;
    EXPECT_TRUE(!weft_equivocation_is_of_lost(weft_buffer_as_text(&text), &signers, &lost));
    EXPECT_TRUE(!weft_equivocation_is_of_lost(WEFT_TEXT("nothing"), &signers, &lost));
    weft_buffer_destroy(&a);
    weft_buffer_destroy(&b);
    weft_buffer_destroy(&first);
    weft_buffer_destroy(&second);
    weft_buffer_destroy(&text);
    forget(&s);
}

TEST(lost, heads_have_one_text)
{
    struct weft_merkle_head head = {12, {{0xab}}}, again;
    char text[WEFT_LOST_TEXT_SIZE];
    weft_lost_format(&head, text);
    EXPECT_EQ(WEFT_OK, weft_lost_parse(weft_text_of(text), &again));
    EXPECT_EQ(12, again.size);
    EXPECT_TRUE(weft_digest_equal(&head.root, &again.root));
    weft_lost_format(&(struct weft_merkle_head){.size = 0}, text);
    EXPECT_TEXT("0", text);
    EXPECT_EQ(WEFT_OK, weft_lost_parse(weft_text_of(text), &again));
    static const char *const bad[] = {"", "12", "0 sha256:", "012 sha256:", "12 sha256:ab", "x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, weft_lost_parse(weft_text_of(bad[i]), &again));
    }
}

TEST(equivocation, is_proven_by_two_leaves_in_one_place_of_trees_of_any_sizes)
{
    struct stories s = tell(3, 6);
    struct weft_buffer a = rig_plant_proof(s.a, 4, 6), b = rig_plant_proof(s.b, 4, 7), text = {0};
    char leaf_a[WEFT_STREAM_LEAF_SIZE], leaf_b[WEFT_STREAM_LEAF_SIZE];
    size_t size = weft_stream_leaf_format(&s.a->leaves[4], leaf_a);
    EXPECT_EQ(size, weft_stream_leaf_format(&s.b->leaves[4], leaf_b));
    struct weft_equivocation e = {.kind = WEFT_EQUIVOCATION_LEAVES,
        .parts = {{leaf_a, size}, weft_buffer_as_text(&a), {leaf_b, size}, weft_buffer_as_text(&b)},
        .part_count = 4};
    EXPECT_EQ(WEFT_OK, verify(&e, &text));
    e.parts[2] = e.parts[0];
    EXPECT_EQ(WEFT_EBADSIG, verify(&e, &text)); /* a leaf that is not there */
    e.parts[3] = e.parts[1];
    EXPECT_EQ(WEFT_EREFUSED, verify(&e, &text)); /* the same twice */
    struct weft_buffer other = rig_plant_proof(s.b, 5, 7);
    size = weft_stream_leaf_format(&s.b->leaves[5], leaf_b);
    e.parts[2] = (struct weft_text){leaf_b, size};
    e.parts[3] = weft_buffer_as_text(&other);
    EXPECT_EQ(WEFT_EREFUSED, verify(&e, &text)); /* in two places */
    e.parts[0] = WEFT_TEXT("no leaf\n");
    EXPECT_EQ(WEFT_EMALFORMED, verify(&e, &text));
    weft_buffer_destroy(&a);
    weft_buffer_destroy(&b);
    weft_buffer_destroy(&other);
    weft_buffer_destroy(&text);
    forget(&s);
}

static void put_hex(const struct weft_statement_header *header, struct weft_buffer *out)
{
    struct weft_buffer bytes = {0};
    EXPECT_EQ(WEFT_OK, weft_statement_header_encode(header, &bytes));
    for (size_t i = 0; i < bytes.size; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(out, "%02x", bytes.data[i]));
    }
    weft_buffer_destroy(&bytes);
}

TEST(equivocation, is_proven_by_two_statements_of_one_revision)
{
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    struct weft_statement_header headers[3] = {{.subject = {{1}},
        .kind = WEFT_TEXT("inspection"),
        .authority = WEFT_TEXT("supplier.example/west"),
        .epoch = 1,
        .index = 12,
        .leaf_count = 3,
        .root = {{7}}}};
    struct weft_buffer hex[3] = {{0}}, proofs[3], text = {0};
    headers[1] = headers[2] = headers[0];
    headers[1].root.bytes[0] ^= 1;
    headers[2].index++;
    for (int i = 0; i < 3; i++) {
        const struct weft_stream_leaf leaf = {
            .kind = WEFT_STREAM_STATEMENT, .digest = weft_statement_header_digest(&headers[i])};
        rig_plant_add(plant, &leaf, NULL);
        put_hex(&headers[i], &hex[i]);
    }
    for (uint64_t i = 0; i < 3; i++) {
        proofs[i] = rig_plant_proof(plant, i + 1, 4);
    }
    struct weft_equivocation e = {.kind = WEFT_EQUIVOCATION_STATEMENTS,
        .parts = {weft_buffer_as_text(&hex[0]), weft_buffer_as_text(&proofs[0]),
            weft_buffer_as_text(&hex[1]), weft_buffer_as_text(&proofs[1])},
        .part_count = 4};
    EXPECT_EQ(WEFT_OK, verify(&e, &text));
    e.parts[2] = weft_buffer_as_text(&hex[2]);
    EXPECT_EQ(WEFT_EBADSIG, verify(&e, &text));
    e.parts[3] = weft_buffer_as_text(&proofs[2]);
    EXPECT_EQ(WEFT_EREFUSED, verify(&e, &text)); /* another revision */
    e.parts[2] = WEFT_TEXT("0G");
    EXPECT_EQ(WEFT_EMALFORMED, verify(&e, &text));
    e.parts[2] = WEFT_TEXT("01");
    EXPECT_EQ(WEFT_EMALFORMED, verify(&e, &text));
    for (int i = 0; i < 3; i++) {
        weft_buffer_destroy(&hex[i]);
        weft_buffer_destroy(&proofs[i]);
    }
    weft_buffer_destroy(&text);
    rig_plant_destroy(plant);
}

TEST(equivocation, of_somebody_elses_keys_or_streams_proves_nothing)
{
    struct stories s = tell(3, 6);
    struct weft_buffer a = rig_plant_head_at(s.a, 7), b = rig_plant_head_at(s.b, 7), text = {0};
    struct weft_stream_signers others = rig_heads_of(RIG_OEM);
    struct weft_equivocation e = {.kind = WEFT_EQUIVOCATION_HEADS,
        .parts = {weft_buffer_as_text(&a), weft_buffer_as_text(&b)},
        .part_count = 2};
    enum weft_equivocation_kind kind;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_equivocation_encode(&e, &text));
    EXPECT_EQ(
        WEFT_EPEER, weft_equivocation_verify(weft_buffer_as_text(&text), &others, &kind, &msg));
    others.origin = rig_heads_of(RIG_SUPPLIER).origin;
    EXPECT_EQ(
        WEFT_EBADSIG, weft_equivocation_verify(weft_buffer_as_text(&text), &others, &kind, &msg));
    weft_buffer_destroy(&a);
    weft_buffer_destroy(&b);
    weft_buffer_destroy(&text);
    forget(&s);
}

TEST(equivocation, text_is_read_within_its_bytes)
{
    static const char *const bad[] = {"", "weft-equivocation/v1 heads",
        "weft-equivocation/v1 heads\n", "weft-equivocation/v1 heads\npart 1\n",
        "weft-equivocation/v1 heads\npart 1\na", "weft-equivocation/v1 heads\npart 1\na\n",
        "weft-equivocation/v1 heads\npart 01\na\n",
        "weft-equivocation/v1 heads\npart 1\na\npart 1\nb\nmore\n",
        "weft-equivocation/v1 heads\npart 18446744073709551615\na\n"};
    struct weft_equivocation e;
    struct weft_msg msg = {""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(i == 1 ? WEFT_EVERSION : WEFT_EMALFORMED,
            weft_equivocation_parse(weft_text_of(bad[i]), &e, &msg));
    }
    EXPECT_EQ(WEFT_EVERSION,
        weft_equivocation_parse(WEFT_TEXT("weft-equivocation/v2 heads\n"), &e, &msg));
    EXPECT_EQ(WEFT_EVERSION,
        weft_equivocation_parse(WEFT_TEXT("weft-equivocation/v1 tails\n"), &e, &msg));
    EXPECT_EQ(
        WEFT_OK, weft_equivocation_parse(
                     WEFT_TEXT("weft-equivocation/v1 heads\npart 1\na\npart 0\n\n"), &e, &msg));
    EXPECT_EQ(0, e.parts[1].size);
    EXPECT_TEXT("statements", weft_equivocation_kind_name(WEFT_EQUIVOCATION_STATEMENTS));
    EXPECT_TEXT("beginnings", weft_equivocation_kind_name(WEFT_EQUIVOCATION_BEGINNINGS));
}
