#include "policy/witness_policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/audit_log.h"
#include "tests/lib/test.h"

static const char origin[] = "oem.example/plant1/audit";
static struct weft_witness_policy policy; /* 20 KiB. */
static char text[WEFT_WITNESS_POLICY_SIZE_MAX + 64];

static struct weft_signer log_signer(uint8_t number)
{
    return audit_signer(origin, WEFT_SIGNER_ED25519, number);
}

static struct weft_signer witness_signer(uint8_t number)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "w%u.example", number);
    return audit_signer(name, WEFT_SIGNER_COSIGNATURE, (uint8_t)(100 + number));
}

/* Puts vkeys for "%L3" (a log's) and "%W3" (a witness's). */
static void fill_in(const char *pattern)
{
    char *p = text;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '%') {
            *p++ = *pattern;
            continue;
        }
        char vkey[WEFT_VKEY_TEXT_SIZE];
        uint8_t number = (uint8_t)(pattern[2] - '0');
        struct weft_signer s = pattern[1] == 'L' ? log_signer(number) : witness_signer(number);
        weft_verifier_format(&s.verifier, vkey);
        memcpy(p, vkey, strlen(vkey));
        p += strlen(vkey);
        pattern += 2;
    }
    *p = '\0';
}

static enum weft_err parse(const char *pattern, struct weft_msg *ret_msg)
{
    fill_in(pattern);
    ret_msg->text[0] = '\0';
    return weft_witness_policy_parse(weft_text_of(text), &policy, ret_msg);
}

/* tlog-policy, "Example policy". */
static const char example[] = "log %L1\n"
                              "\n"
                              "witness X1 %W1\n"
                              "witness X2 %W2\n"
                              "witness X3 %W3\n"
                              "group X-witnesses 2 X1 X2 X3\n"
                              "\n"
                              "witness Y1 %W4\n"
                              "witness Y2 %W5\n"
                              "witness Y3 %W6\n"
                              "group Y-witnesses any Y1 Y2 Y3\n"
                              "\n"
                              "group X-and-Y all X-witnesses Y-witnesses\n"
                              "quorum X-and-Y\n";

/* POL-48 */
TEST(witness_policy, the_standards_example_is_met_by_two_of_x_and_one_of_y)
{
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, parse(example, &msg));
    EXPECT_EQ(7, policy.verifier_count);
    EXPECT_EQ(1, policy.log_count);
    EXPECT_EQ(9, policy.node_count);
    for (unsigned set = 0; set < 64; set++) {
        struct weft_note_mark marks[WEFT_WITNESS_POLICY_VERIFIERS_MAX] = {{false, 0}};
        for (unsigned i = 0; i < 6; i++) {
            marks[1 + i].is_signed = (set >> i & 1) != 0;
        }
        bool is_met = __builtin_popcount(set & 7) >= 2 && (set >> 3) != 0;
        EXPECT_EQ(is_met, weft_witness_policy_is_met(&policy, marks));
    }
}

TEST(witness_policy, white_space_comments_and_addresses_are_as_the_standard_has_them)
{
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, parse("# one\n \t# two \xc3\xa9\n\n  log\t %L1   log.example/x\t\n"
                             "witness K\xe2\x84\xaa %W1 w.example\nwitness K %W2\nquorum K\n",
                           &msg));
    EXPECT_TRUE(weft_text_is(policy.log_urls[0], "log.example/x"));
    EXPECT_TRUE(weft_text_is(policy.nodes[0].url, "w.example"));
    EXPECT_EQ(0, policy.nodes[1].url.size);
    EXPECT_EQ(1, policy.quorum);
    struct weft_note_mark marks[WEFT_WITNESS_POLICY_VERIFIERS_MAX] = {{false, 0}};
    marks[1].is_signed = true;
    EXPECT_TRUE(!weft_witness_policy_is_met(&policy, marks));
    marks[2].is_signed = true;
    EXPECT_TRUE(weft_witness_policy_is_met(&policy, marks));
    EXPECT_EQ(WEFT_OK, parse("quorum none\n", &msg));
    EXPECT_TRUE(weft_witness_policy_is_met(&policy, marks));
}

TEST(witness_policy, what_is_wrong_is_refused_with_its_line)
{
    static const struct {
        enum weft_err err;
        const char *pattern;
        const char *line;
    } bad[] = {
        {WEFT_EINVAL, "", "line 1: there is no quorum line"},
        {WEFT_EINVAL, "log %L1\n", "line 2: there is no quorum line"},
        {WEFT_EMALFORMED, "quorum none", "line 1: no newline at its end"},
        {WEFT_EMALFORMED, "quorum none\r\n", "line 1: a control character"},
        {WEFT_EMALFORMED, "# \x7f\nquorum none\n", "line 1: a control character"},
        {WEFT_EMALFORMED, "Quorum none\n", "line 1: not log, witness, group or quorum"},
        {WEFT_EMALFORMED, "quorum\n", "line 1: a name is missing"},
        {WEFT_EMALFORMED, "quorum none none\n", "line 1: more than a line of its kind has"},
        {WEFT_EINVAL, "quorum none\nquorum none\n", "line 2: a second quorum"},
        {WEFT_EINVAL, "quorum w\nwitness w %W1\n",
            "line 1: no witness or group above is called \"w\""},
        {WEFT_EMALFORMED, "log\nquorum none\n", "line 1: a key is missing"},
        {WEFT_EMALFORMED, "witness w\nquorum none\n", "line 1: a key is missing"},
        {WEFT_EMALFORMED, "witness\nquorum none\n", "line 1: a name is missing"},
        {WEFT_EMALFORMED, "log %L1 a b\nquorum none\n", "line 1: more than a line of its kind has"},
        {WEFT_EMALFORMED, "log nokey\nquorum none\n", "line 1: "},
        {WEFT_EINVAL, "log %W1\nquorum none\n", "line 1: a log's key is of type 1 (Ed25519)"},
        {WEFT_EINVAL, "witness w %L1\nquorum w\n",
            "line 1: a witness's key is of type 4 (cosignature)"},
        {WEFT_EINVAL, "log %L1\nlog %L1\nquorum none\n", "line 2: the key is there already"},
        {WEFT_EINVAL, "witness v %W1\nwitness w %W1\nquorum w\n",
            "line 2: the key is there already"},
        {WEFT_EINVAL, "witness w %W1\nwitness w %W2\nquorum w\n", "line 2: there already: \"w\""},
        {WEFT_EINVAL, "witness none %W1\nquorum none\n", "line 1: \"none\" is no name to give"},
        {WEFT_EINVAL, "witness w %W1\ngroup w any w\nquorum w\n", "line 2: there already: \"w\""},
        {WEFT_EINVAL, "witness w %W1\ngroup g any g\nquorum g\n",
            "line 2: no witness or group above is called \"g\""},
        {WEFT_EINVAL, "witness w %W1\ngroup g any none\nquorum g\n",
            "line 2: no witness or group above is called \"none\""},
        {WEFT_EINVAL, "witness w %W1\ngroup g any w w\nquorum g\n",
            "line 2: in a group already: \"w\""},
        {WEFT_EINVAL, "witness w %W1\ngroup g any w\ngroup h any w\nquorum g\n",
            "line 3: in a group already: \"w\""},
        {WEFT_EINVAL, "witness w %W1\ngroup g 2 w\nquorum g\n",
            "line 2: the group has fewer members than that"},
        {WEFT_EMALFORMED, "witness w %W1\ngroup g 0 w\nquorum g\n",
            "line 2: not \"all\", \"any\" or a number from 1 on"},
        {WEFT_EMALFORMED, "witness w %W1\ngroup g w\nquorum g\n",
            "line 2: not \"all\", \"any\" or a number from 1 on"},
        {WEFT_EMALFORMED, "group g any\nquorum g\n", "line 1: a group has members"},
        {WEFT_EMALFORMED, "group g\nquorum g\n",
            "line 1: not \"all\", \"any\" or a number from 1 on"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_msg msg;
        enum weft_err err = parse(bad[i].pattern, &msg);
        EXPECT_EQ(bad[i].err, err);
        msg.text[strlen(bad[i].line)] = '\0';
        EXPECT_TEXT(bad[i].line, msg.text);
    }
}

static void add_witnesses(unsigned count)
{
    char *p = text;
    for (unsigned i = 0; i < count; i++) {
        char vkey[WEFT_VKEY_TEXT_SIZE];
        struct weft_signer s = witness_signer((uint8_t)i);
        weft_verifier_format(&s.verifier, vkey);
        p += sprintf(p, "witness n%u %s\n", i, vkey);
    }
    (void)sprintf(p, "quorum none\n");
}

TEST(witness_policy, keeps_to_its_limits)
{
    struct weft_msg msg;
    add_witnesses(32);
    EXPECT_EQ(WEFT_OK, weft_witness_policy_parse(weft_text_of(text), &policy, &msg));
    EXPECT_EQ(32, policy.node_count);
    add_witnesses(33);
    EXPECT_EQ(WEFT_ETOOBIG, weft_witness_policy_parse(weft_text_of(text), &policy, &msg));
    EXPECT_TEXT("line 33: too many witnesses", msg.text);
    memset(text, '\n', sizeof(text));
    struct weft_text large = {text, WEFT_WITNESS_POLICY_SIZE_MAX + 1};
    EXPECT_EQ(WEFT_ETOOBIG, weft_witness_policy_parse(large, &policy, &msg));
}

/* A checkpoint with the log's signature and those of the witnesses in `set`. */
static struct weft_buffer make_note(
    const struct weft_signer *signer, const char *log_origin, unsigned set)
{
    struct weft_buffer body = {0}, note = {0};
    const struct weft_checkpoint_note checkpoint = {
        .origin = weft_text_of(log_origin), .head = {0, weft_merkle_empty()}};
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_encode(&checkpoint, &body, NULL));
    struct weft_text signed_text = {(const char *)body.data, body.size};
    EXPECT_EQ(WEFT_OK, weft_note_sign(signed_text, signer, 1, &note, NULL));
    for (uint8_t i = 1; i <= 6; i++) {
        struct weft_signer witness = witness_signer(i);
        if ((set >> (i - 1) & 1) != 0) {
            EXPECT_EQ(WEFT_OK, weft_note_sign_line(signed_text, &witness, 1000, &note, NULL));
        }
    }
    weft_buffer_destroy(&body);
    return note;
}

static enum weft_err verify(const struct weft_signer *signer, const char *log_origin, unsigned set)
{
    struct weft_checkpoint_note checkpoint;
    struct weft_msg msg;
    struct weft_buffer note = make_note(signer, log_origin, set);
    enum weft_err err = weft_witness_policy_verify(
        &policy, (struct weft_text){(const char *)note.data, note.size}, &checkpoint, &msg);
    weft_buffer_destroy(&note);
    return err;
}

TEST(witness_policy, a_checkpoint_needs_its_own_log_and_a_quorum)
{
    struct weft_msg msg;
    struct weft_signer log = log_signer(1), stranger = log_signer(2);
    EXPECT_EQ(WEFT_OK, parse(example, &msg));
    EXPECT_EQ(WEFT_OK, verify(&log, origin, 1 + 2 + 8));
    EXPECT_EQ(WEFT_OK, verify(&log, origin, 63));
    EXPECT_EQ(WEFT_EREFUSED, verify(&log, origin, 1 + 2));
    EXPECT_EQ(WEFT_EREFUSED, verify(&log, origin, 1 + 8));
    EXPECT_EQ(WEFT_EREFUSED, verify(&log, origin, 0));
    EXPECT_EQ(WEFT_EPEER, verify(&stranger, origin, 63));
    EXPECT_EQ(WEFT_EPEER, verify(&stranger, origin, 0));
    EXPECT_EQ(WEFT_EPEER, verify(&log, "other.example/log", 63)); /* The key of another origin. */
}
