#include <stdio.h>
#include <string.h>

#include "policy/note.h"
#include "tests/lib/test.h"

/* C2SP signed-note, "Example". */
static const char example_vkey[] =
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char example_note[] = "This is an example message.\n\n— example.com/foo "
                                   "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsY"
                                   "jOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

static const char body[] = "first\n\nthird, after an empty line\n";

static struct weft_signer make_signer(const char *name, enum weft_signer_type type, uint8_t number)
{
    struct weft_ed25519_pair pair;
    struct weft_signer signer;
    uint8_t seed[WEFT_ED25519_SEED_SIZE] = {number, 1};
    EXPECT_EQ(WEFT_OK, weft_ed25519_from_seed(seed, &pair, NULL));
    EXPECT_EQ(WEFT_OK, weft_signer_make(weft_text_of(name), type, &pair, &signer, NULL));
    return signer;
}

static struct weft_signer ann(void)
{
    return make_signer("oem.example/plant1/op/ann", WEFT_SIGNER_ED25519, 1);
}

static struct weft_signer bo(void)
{
    return make_signer("oem.example/plant1/op/bo", WEFT_SIGNER_ED25519, 2);
}

static struct weft_signer witness(void)
{
    return make_signer("supplier.example/w1", WEFT_SIGNER_COSIGNATURE, 3);
}

/* `body` signed by Ann and Bo. */
static struct weft_buffer two_signatures(void)
{
    struct weft_buffer out = {0};
    struct weft_signer signers[2] = {ann(), bo()};
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_text_of(body), signers, 2, &out, NULL));
    return out;
}

static enum weft_err parse(const char *bytes, char ret_msg[512])
{
    struct weft_note note;
    struct weft_msg msg = {""};
    enum weft_err err = weft_note_parse(weft_text_of(bytes), &note, &msg);
    memcpy(ret_msg, msg.text, 512);
    return err;
}

/* Verify `bytes` by Ann's and Bo's keys. */
static enum weft_err verify(struct weft_text bytes, struct weft_note_mark ret_marks[2])
{
    struct weft_note note;
    struct weft_msg msg;
    const struct weft_verifier verifiers[2] = {ann().verifier, bo().verifier};
    enum weft_err err = weft_note_parse(bytes, &note, &msg);
    return err == WEFT_OK ? weft_note_verify(&note, verifiers, 2, ret_marks, &msg) : err;
}

TEST(note, example_of_the_standard_verifies)
{
    struct weft_verifier verifier;
    struct weft_note note;
    struct weft_note_mark mark;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_verifier_parse(weft_text_of(example_vkey), &verifier, &msg));
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_text_of(example_note), &note, &msg));
    EXPECT_EQ(WEFT_OK, weft_note_verify(&note, &verifier, 1, &mark, &msg));
    EXPECT_TRUE(mark.is_signed);
    EXPECT_TRUE(weft_text_is(note.text, "This is an example message.\n"));
    EXPECT_EQ(3, note.signatures[0].line);
}

TEST(note, text_ends_at_the_last_empty_line)
{
    struct weft_buffer out = two_signatures();
    struct weft_note note;
    struct weft_note_mark marks[2];
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    EXPECT_TRUE(weft_text_is(note.text, body));
    EXPECT_EQ(2, note.signature_count);
    EXPECT_EQ(5, note.signatures[0].line);
    EXPECT_EQ(6, note.signatures[1].line);
    EXPECT_EQ(WEFT_OK, verify(weft_buffer_as_text(&out), marks)); /* POL-24 */
    EXPECT_TRUE(marks[0].is_signed && marks[1].is_signed);
    weft_buffer_destroy(&out);
}

TEST(note, any_flipped_bit_of_text_or_signature_is_refused)
{
    struct weft_buffer out = two_signatures();
    uint32_t unknown = 0;
    for (size_t bit = 0; bit < out.size * 8; bit++) {
        struct weft_note_mark marks[2] = {{false, 0}, {false, 0}};
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum weft_err err = verify(weft_buffer_as_text(&out), marks);
        /* A flip in a name or key id makes a line that nobody knows: it counts for nobody. */
        unknown += err == WEFT_OK;
        EXPECT_TRUE(err != WEFT_OK || marks[0].is_signed != marks[1].is_signed);
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    EXPECT_TRUE(unknown > 0 && unknown < 800);
    weft_buffer_destroy(&out);
}

TEST(note, malformed_note_is_refused_with_its_line)
{
    static const struct {
        const char *bytes, *says;
    } bad[] = {
        {"", "line 1: no newline"},
        {"text", "line 1: no newline"},
        {"text\n", "no text and blank line"},
        {"text\n\n", "line 3: no signature"},
        {"\n", "no text and blank line"},
        {"text\n— a AAAAAAE=\n", "no text and blank line"},
        {"text\n\n— a AAAAAAE=", "line 3: no newline"},
        {"text\r\n\r\n— a AAAAAAE=\r\n", "line 1: control character 0x0d"},
        {"te\txt\n\n— a AAAAAAE=\n", "line 1: control character 0x09"},
        {"a\nb\xff\n\n— a AAAAAAE=\n", "line 2: not UTF-8"},
        {"a\nb\xed\xa0\x80\n\n— a AAAAAAE=\n", "line 2: not UTF-8"},
        {"text\n\n- a AAAAAAE=\n", "line 3: a signature line starts"},
        {"text\n\n—a AAAAAAE=\n", "line 3: a signature line starts"},
        {"text\n\n— a\n", "line 3: not a key name"},
        {"text\n\n—  AAAAAAE=\n", "line 3: not a key name"},
        {"text\n\n— a+b AAAAAAE=\n", "line 3: not a key name"},
        {"text\n\n— a\xc2\xa0"
         "b AAAAAAE=\n",
            "line 3: not a key name"},
        {"text\n\n— a b AAAAAAE=\n", "line 3: a signature is base64"},
        {"text\n\n— a AAAAAAE=\n— a \n", "line 4: a signature is base64"},
        {"text\n\n— a AAAAAA==\n", "line 3: a signature is base64"},
        {"text\n\n— a AAAAAAF=\n", "line 3: a signature is base64"},
        {"text\n\n— a AAAAAAE\n", "line 3: a signature is base64"},
        {"text\n\n— a AAAAAAE= \n", "line 3: a signature is base64"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char msg[512];
        EXPECT_EQ(WEFT_EMALFORMED, parse(bad[i].bytes, msg)); /* POL-23 */
        if (strncmp(msg, bad[i].says, strlen(bad[i].says)) != 0) {
            EXPECT_TEXT(bad[i].says, msg);
        }
    }
    char msg[512];
    EXPECT_EQ(WEFT_OK, parse("text\n\n— a AAAAAAE=\n", msg));
    EXPECT_EQ(WEFT_OK, parse("\n\n— a AAAAAAE=\n", msg));
    struct weft_note note;
    struct weft_text zero = {"te\0t\n\n— a AAAAAAE=\n", 20};
    EXPECT_EQ(WEFT_EMALFORMED, weft_note_parse(zero, &note, NULL));
}

TEST(note, hundred_signatures_pass_and_one_more_does_not)
{
    struct weft_buffer out = {0};
    struct weft_note note;
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&out, "text\n\n"));
    for (int i = 0; i < WEFT_NOTE_SIGNATURES_MAX; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&out, "— n%d AAAAAAE=\n", i));
    }
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    EXPECT_EQ(WEFT_NOTE_SIGNATURES_MAX, note.signature_count);
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&out, "— more AAAAAAE=\n"));
    EXPECT_EQ(WEFT_ETOOBIG, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    weft_buffer_destroy(&out);
}

TEST(note, of_64_kib_passes_and_of_a_byte_more_does_not)
{
    static char bytes[WEFT_NOTE_SIZE_MAX + 1];
    static const char end[] = "\n\n— a AAAAAAE=\n";
    struct weft_note note;
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes + WEFT_NOTE_SIZE_MAX - (sizeof(end) - 1), end, sizeof(end) - 1);
    EXPECT_EQ(WEFT_OK, weft_note_parse((struct weft_text){bytes, WEFT_NOTE_SIZE_MAX}, &note, NULL));
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes + WEFT_NOTE_SIZE_MAX + 1 - (sizeof(end) - 1), end, sizeof(end) - 1);
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_note_parse((struct weft_text){bytes, WEFT_NOTE_SIZE_MAX + 1}, &note, NULL));
}

TEST(note, signature_of_a_type_unknown_is_kept_and_says_nothing)
{
    struct weft_buffer out = two_signatures();
    struct weft_note note;
    struct weft_note_mark marks[2];
    /* As long as ML-DSA-44's, which we do not speak. */
    static char encoded[4096];
    memset(encoded, 'A', 3243);
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&out, "— pq.example %.*s=\n", 3243, encoded));
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    EXPECT_EQ(3, note.signature_count);
    EXPECT_TRUE(weft_text_is(note.signatures[2].name, "pq.example"));
    EXPECT_EQ(WEFT_OK, verify(weft_buffer_as_text(&out), marks));
    weft_buffer_destroy(&out);
}

TEST(note, bad_signature_of_one_known_key_refuses_the_whole_note)
{
    struct weft_buffer out = two_signatures();
    struct weft_note_mark marks[2];
    /* Both lines say they are Bo's and Ann's of another text. */
    memcpy(out.data, "other", 5);
    EXPECT_EQ(WEFT_EBADSIG, verify(weft_buffer_as_text(&out), marks)); /* POL-24 */
    EXPECT_TRUE(!marks[0].is_signed && !marks[1].is_signed);
    weft_buffer_destroy(&out);

    /* A good line of Ann, then a line of Bo that Bo made for another text. */
    struct weft_buffer note = {0};
    struct weft_signer a = ann(), b = bo();
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_text_of(body), &a, 1, &note, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(weft_text_of("other\n"), &b, 0, &note, NULL));
    EXPECT_EQ(WEFT_EBADSIG, verify(weft_buffer_as_text(&note), marks));
    EXPECT_TRUE(!marks[0].is_signed && !marks[1].is_signed);
    weft_buffer_destroy(&note);
}

TEST(note, signature_that_is_there_twice_refuses_the_whole_note)
{
    struct weft_buffer note = {0};
    struct weft_note_mark marks[2];
    struct weft_signer a = ann();
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_text_of(body), &a, 1, &note, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(weft_text_of(body), &a, 0, &note, NULL));
    EXPECT_EQ(WEFT_EBADSIG, verify(weft_buffer_as_text(&note), marks));
    EXPECT_TRUE(!marks[0].is_signed && !marks[1].is_signed);
    weft_buffer_destroy(&note);
}

TEST(note, of_strangers_alone_is_refused_as_theirs)
{
    struct weft_buffer note = {0};
    struct weft_note_mark marks[2];
    struct weft_signer stranger = make_signer("oem.example/plant1/op/ann", WEFT_SIGNER_ED25519, 9);
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_text_of(body), &stranger, 1, &note, NULL));
    EXPECT_EQ(
        WEFT_EPEER, verify(weft_buffer_as_text(&note), marks)); /* Ann's name, not her key id */
    weft_buffer_destroy(&note);
    stranger = make_signer("oem.example/plant1/op/zed", WEFT_SIGNER_ED25519, 1);
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_text_of(body), &stranger, 1, &note, NULL));
    EXPECT_EQ(
        WEFT_EPEER, verify(weft_buffer_as_text(&note), marks)); /* her key under another name */
    struct weft_note parsed;
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&note), &parsed, NULL));
    EXPECT_EQ(WEFT_EPEER, weft_note_verify(&parsed, NULL, 0, NULL, NULL));
    weft_buffer_destroy(&note);
}

TEST(note, two_keys_of_one_name_and_id_are_an_error_of_the_list)
{
    struct weft_buffer out = two_signatures();
    struct weft_note note;
    struct weft_note_mark marks[2];
    struct weft_verifier verifiers[2] = {ann().verifier, ann().verifier};
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_verify(&note, verifiers, 2, marks, NULL)); /* the same twice */
    EXPECT_TRUE(marks[0].is_signed && !marks[1].is_signed);
    verifiers[1].key = bo().verifier.key; /* A collision of 32 bits, forged. */
    EXPECT_EQ(WEFT_EINVAL, weft_note_verify(&note, verifiers, 2, marks, NULL));
    EXPECT_TRUE(!marks[0].is_signed && !marks[1].is_signed);
    weft_buffer_destroy(&out);
}

TEST(note, cosignature_says_when_and_counts_only_with_its_time)
{
    struct weft_buffer out = {0};
    struct weft_note note;
    struct weft_note_mark mark;
    struct weft_signer a = ann(), w = witness();
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_text_of(body), &a, 1, &out, NULL));
    size_t before = out.size;
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(weft_text_of(body), &w, 1679315147, &out, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_verify(&note, &w.verifier, 1, &mark, NULL));
    EXPECT_TRUE(mark.is_signed);
    EXPECT_EQ(1679315147, mark.time_s);

    /* The time is the 8 bytes behind the key id: characters 5 to 16 of the base64. */
    size_t at = before + strlen("— supplier.example/w1 ") + 12;
    out.data[at] = out.data[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    EXPECT_EQ(WEFT_EBADSIG, weft_note_verify(&note, &w.verifier, 1, &mark, NULL));
    weft_buffer_destroy(&out);
}

TEST(note, cosigner_and_signer_of_one_key_are_not_mixed_up)
{
    struct weft_buffer out = {0};
    struct weft_note note;
    struct weft_note_mark mark;
    struct weft_signer w = witness();
    struct weft_signer plain = make_signer("supplier.example/w1", WEFT_SIGNER_ED25519, 3);
    EXPECT_TRUE(w.verifier.key_id != plain.verifier.key_id);
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_text_of(body), &plain, 1, &out, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    EXPECT_EQ(WEFT_EPEER, weft_note_verify(&note, &w.verifier, 1, &mark, NULL));
    /* With the key id forged its signature has no time, and is none. */
    plain.verifier.key_id = w.verifier.key_id;
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_text_of(body), &plain, 1, &out, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(&out), &note, NULL));
    EXPECT_EQ(WEFT_EBADSIG, weft_note_verify(&note, &w.verifier, 1, &mark, NULL));
    weft_buffer_destroy(&out);
}

TEST(note, what_would_not_parse_is_not_signed)
{
    struct weft_buffer out = {0};
    struct weft_signer a = ann(), w = witness();
    static const char *const bad[] = {"", "no newline", "a\rb\n", "\xff\n", "tab\t\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, weft_note_sign(weft_text_of(bad[i]), &a, 1, &out, NULL));
        EXPECT_EQ(WEFT_EMALFORMED, weft_note_sign_line(weft_text_of(bad[i]), &w, 1, &out, NULL));
    }
    EXPECT_EQ(WEFT_EINVAL, weft_note_sign(weft_text_of(body), &a, 0, &out, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_note_sign(weft_text_of(body), &w, 1, &out, NULL));
    EXPECT_EQ(WEFT_EINVAL,
        weft_note_sign_line(weft_text_of(body), &w, (uint64_t)INT64_MAX + 1, &out, NULL));
    static char large[WEFT_NOTE_SIZE_MAX];
    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = '\n';
    EXPECT_EQ(
        WEFT_ETOOBIG, weft_note_sign((struct weft_text){large, sizeof(large)}, &a, 1, &out, NULL));
    EXPECT_EQ(0, out.size);
    weft_buffer_destroy(&out);
}

TEST(note, lines_of_others_join_a_text_to_the_same_note)
{
    struct weft_buffer whole = two_signatures(), lines = {0}, out = {0};
    struct weft_signer a = ann(), b = bo();
    struct weft_note note;
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(weft_text_of(body), &a, 0, &lines, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(weft_text_of(body), &b, 0, &lines, NULL));
    EXPECT_EQ(WEFT_OK, weft_note_parse_lines(weft_buffer_as_text(&lines), &note, NULL));
    EXPECT_EQ(2, note.signature_count);
    EXPECT_EQ(1, note.signatures[0].line);
    EXPECT_EQ(WEFT_OK, weft_note_join(weft_text_of(body), weft_buffer_as_text(&lines), &out, NULL));
    EXPECT_EQ(whole.size, out.size);
    EXPECT_MEM(whole.data, out.data, out.size);

    size_t before = out.size;
    EXPECT_EQ(WEFT_EMALFORMED, weft_note_join(weft_text_of(body), WEFT_TEXT("x\n"), &out, NULL));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_note_join(weft_text_of("x"), weft_buffer_as_text(&lines), &out, NULL));
    EXPECT_EQ(WEFT_EMALFORMED, weft_note_join(weft_text_of(body), WEFT_TEXT(""), &out, NULL));
    EXPECT_EQ(before, out.size);
    weft_buffer_destroy(&whole);
    weft_buffer_destroy(&lines);
    weft_buffer_destroy(&out);
}
