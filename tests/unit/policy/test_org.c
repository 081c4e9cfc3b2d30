#include <stdio.h>
#include <string.h>

#include "tests/lib/signers.h"
#include "tests/lib/test.h"

static const char *const roots_ab[] = {"oem.example/root/a", "oem.example/root/b", NULL};

static struct weft_arena arena = {.size_max = WEFT_ORG_MEMORY_MAX};

static enum weft_err decode(struct weft_text text, struct weft_org *ret_org, char ret_says[512])
{
    struct weft_msg msg = {""};
    enum weft_chain_fault fault;
    weft_arena_reset(&arena);
    enum weft_err err = weft_org_decode(text, &arena, ret_org, &fault, &msg);
    memcpy(ret_says, msg.text, sizeof(msg.text));
    return err;
}

/* `text` with the first `old` replaced by `new`. */
static struct weft_buffer edit(const struct weft_buffer *text, const char *old, const char *new)
{
    struct weft_buffer out = {0};
    char *at = memmem(text->data, text->size, old, strlen(old));
    EXPECT_TRUE(at != NULL);
    size_t before = (size_t)(at - (char *)text->data), after = before + strlen(old);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, text->data, before));
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&out, weft_text_of(new)));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, text->data + after, text->size - after));
    return out;
}

/* Version 2 of `now`, whose text is `before`. */
static struct weft_org next_of(const struct weft_org *now, const struct weft_buffer *before)
{
    struct weft_org next = *now;
    next.link.version = now->link.version + 1;
    next.link.prev = weft_sha256(before->data, before->size);
    return next;
}

/* Sign `org` by `names` and offer it after `current`. */
static enum weft_err offer(const struct weft_org *org, const struct weft_org *current,
    const char *const *names, int64_t now_ns, enum weft_chain_fault *ret_fault)
{
    static struct weft_arena memory = {.size_max = WEFT_ORG_MEMORY_MAX};
    struct weft_msg msg = {""};
    struct weft_org taken;
    struct weft_buffer text = signers_org_text(org),
                       bytes = signers_note(weft_buffer_as_text(&text), names);
    struct weft_note note = signers_parse(&bytes);
    weft_arena_reset(&memory);
    enum weft_err err = weft_org_accept(&note, current, now_ns, &memory, &taken, ret_fault, &msg);
    weft_buffer_destroy(&bytes);
    weft_buffer_destroy(&text);
    weft_arena_destroy(&memory);
    return err;
}

/* `org` as it is in force: with the digest of its text. */
static struct weft_org in_force(const struct weft_org *org, struct weft_buffer *ret_text)
{
    struct weft_org now = *org;
    *ret_text = signers_org_text(org);
    now.link.digest = weft_sha256(ret_text->data, ret_text->size);
    return now;
}

TEST(org, document_gives_back_its_text)
{
    struct weft_org org = signers_org(), read;
    struct weft_buffer text = signers_org_text(&org), again;
    char says[512];
    EXPECT_EQ(WEFT_OK, decode(weft_buffer_as_text(&text), &read, says));
    EXPECT_EQ(3, read.root_count);
    EXPECT_EQ(2, read.role_count);
    EXPECT_TRUE(weft_text_is(read.roles[1].asset, "plant1/line2"));
    EXPECT_TRUE(weft_text_is(read.attributes[0].value, "late one"));
    EXPECT_TRUE(weft_org_is_admin(&read, &org.admins[1]));
    EXPECT_TRUE(!weft_org_is_admin(&read, &org.logs[0].node));
    struct weft_digest digest = weft_sha256(text.data, text.size);
    EXPECT_TRUE(weft_digest_equal(&digest, &read.link.digest));
    again = signers_org_text(&read);
    EXPECT_EQ(text.size, again.size); /* POL-26 */
    EXPECT_MEM(text.data, again.data, text.size);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&again);
    weft_arena_destroy(&arena);
}

TEST(org, document_that_breaks_a_rule_is_refused_with_its_line)
{
    static const struct {
        const char *old, *new;
        enum weft_err err;
        const char *says;
    } rows[] = {
        {"weft-org/v1", "weft-org/v2", WEFT_EVERSION, "line 1:"},
        {"org oem.example\n", "org OEM.example\n", WEFT_EINVAL, "line 2:"},
        {"version 1\n", "version 01\n", WEFT_EMALFORMED, "line 3:"},
        {"version 1\n", "version 1\nversion 1\n", WEFT_EMALFORMED, "line 4:"},
        {"prev none\n", "", WEFT_EMALFORMED, "line 4:"},
        {"root-threshold 2", "root-threshold 0", WEFT_EINVAL, "line 7:"},
        {"root-threshold 2", "root-threshold 4", WEFT_EINVAL, "line 10:"},
        {"root oem.example/root/a", "root oem.example/root/d", WEFT_EMALFORMED, "line 8:"},
        {"admin-threshold 1", "admin-threshold 3", WEFT_EINVAL, "line 13:"},
        {"admin oem.example/plant1/op/ann\n", "", WEFT_OK, ""},
        {"admin oem.example/plant1/op/ann\n", "admin oem.example/plant1/svc/ann\n", WEFT_EINVAL,
            "line 12:"},
        {"admin oem.example/plant1/op/ann\n", "admin oen.example/plant1/op/ann\n", WEFT_EINVAL,
            "line 12:"},
        {"admin oem.example/plant1/op/ann\n", "admin oem.example/plant1/op/zoe\n", WEFT_EMALFORMED,
            "line 13: \"admin\" is not in order"},
        {"admin oem.example/plant1/op/ann\n", "admin oem.example/plant1/op/bo\n", WEFT_EMALFORMED,
            "line 13: \"admin\" is there twice"},
        {"ca sha256:", "ca sha512:", WEFT_EMALFORMED, "line 14:"},
        {"log oem.example/plant1/node/n1 ", "log oem.example/plant1/op/ann ", WEFT_EINVAL,
            "line 15:"},
        {"log oem.example/plant1/node/n1 ", "log ", WEFT_EMALFORMED, "line 15:"},
        {"witness supplier.example", "witness supplies.example", WEFT_EMALFORMED, "line 16:"},
        {"role oem.example/plant1/op/ann lead plant1", "role oem.example/plant1/op/ann lead",
            WEFT_EMALFORMED, "line 17:"},
        {"ann lead plant1", "ann Lead plant1", WEFT_EMALFORMED, "line 17:"},
        {"ann lead plant1", "ann lead plant1 x", WEFT_EMALFORMED, "line 17:"},
        {"cy us-person true", "cy shift true", WEFT_EMALFORMED, "line 20: an attribute has one"},
        {"cy shift late one", "cy shift  one", WEFT_EMALFORMED, "line 19:"},
        {"cy us-person true\n", "cy us-person true\nmore 1\n", WEFT_EMALFORMED, "line 21:"},
        {"cy us-person true\n", "cy us-person true", WEFT_EMALFORMED, "text of a note"},
    };
    struct weft_org org = signers_org(), read;
    struct weft_buffer text = signers_org_text(&org);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char says[512];
        struct weft_buffer edited = edit(&text, rows[i].old, rows[i].new);
        enum weft_err err = decode(weft_buffer_as_text(&edited), &read, says);
        if (rows[i].err != err || strncmp(says, rows[i].says, strlen(rows[i].says)) != 0) {
            (void)fprintf(stderr, "%s -> %s: %s\n", rows[i].old, rows[i].new, says);
        }
        EXPECT_EQ(rows[i].err, err);
        EXPECT_TRUE(strncmp(says, rows[i].says, strlen(rows[i].says)) == 0);
        weft_buffer_destroy(&edited);
    }
    weft_buffer_destroy(&text);
    weft_arena_destroy(&arena);
}

TEST(org, what_would_not_decode_is_not_written)
{
    struct weft_org org = signers_org();
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    const struct weft_principal unsorted[2] = {org.admins[1], org.admins[0]};
    org.admins = unsorted;
    EXPECT_EQ(WEFT_EINVAL, weft_org_encode(&org, &arena, &out, &msg));
    EXPECT_TEXT("line 13: \"admin\" is not in order", msg.text);
    EXPECT_EQ(0, out.size);
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
}

TEST(org, seventeen_roots_are_too_many)
{
    struct weft_org org = signers_org();
    static struct weft_verifier roots[WEFT_ORG_ROOTS_MAX + 1];
    struct weft_buffer out = {0};
    for (int i = 0; i <= WEFT_ORG_ROOTS_MAX; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "oem.example/root/r%02d", i);
        roots[i] = signers_make(name).verifier;
    }
    org.roots = roots;
    org.root_count = WEFT_ORG_ROOTS_MAX;
    EXPECT_EQ(WEFT_OK, weft_org_encode(&org, &arena, &out, NULL));
    org.root_count = WEFT_ORG_ROOTS_MAX + 1;
    EXPECT_EQ(WEFT_ETOOBIG, weft_org_encode(&org, &arena, &out, NULL));
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
}

TEST(org, key_that_is_there_twice_or_shares_an_id_is_refused_as_that)
{
    struct weft_org org = signers_org();
    struct weft_verifier roots[3] = {org.roots[0], org.roots[1], org.roots[2]};
    struct weft_buffer text, edited;
    struct weft_org read;
    enum weft_chain_fault fault;
    /* The same key under two names: two votes for one holder. */
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_verifier_make(WEFT_TEXT("oem.example/root/b"), WEFT_SIGNER_ED25519,
                           &roots[0].key, &roots[1], NULL));
    org.roots = roots;
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_EINVAL, weft_org_encode(&org, &arena, &out, &msg));
    EXPECT_TRUE(strncmp(msg.text, "duplicate-key-id: ", 18) == 0); /* POL-28 */
    /* A root's key as a witness: the log would vouch for itself. */
    org = signers_org();
    struct weft_verifier witness;
    EXPECT_EQ(WEFT_OK, weft_verifier_make(WEFT_TEXT("supplier.example/west/wit/w1"),
                           WEFT_SIGNER_COSIGNATURE, &org.logs[0].verifier.key, &witness, NULL));
    char old[WEFT_VKEY_TEXT_SIZE], new[WEFT_VKEY_TEXT_SIZE];
    text = signers_org_text(&org);
    weft_verifier_format(&org.witnesses[0], old);
    weft_verifier_format(&witness, new);
    edited = edit(&text, old, new);
    EXPECT_EQ(
        WEFT_EINVAL, weft_org_decode(weft_buffer_as_text(&edited), &arena, &read, &fault, NULL));
    EXPECT_EQ(WEFT_CHAIN_DUPLICATE_KEY_ID, fault);
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&edited);
    weft_arena_destroy(&arena);
}

TEST(org, first_version_is_signed_by_its_own_roots_to_their_threshold)
{
    static const char *const one[] = {"oem.example/root/a", NULL};
    static const char *const all[] = {
        "oem.example/root/a", "oem.example/root/b", "oem.example/root/c", NULL};
    static const char *const admins[] = {
        "oem.example/plant1/op/ann", "oem.example/plant1/op/bo", "oem.example/root/c", NULL};
    struct weft_org org = signers_org();
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_OK, offer(&org, NULL, roots_ab, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_SOUND, fault);
    EXPECT_EQ(WEFT_OK, offer(&org, NULL, all, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer(&org, NULL, one, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_EREFUSED, offer(&org, NULL, admins, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault); /* POL-28 */
    EXPECT_EQ(WEFT_EREFUSED, offer(&org, NULL, all, org.link.expires_ns, &fault));
    EXPECT_EQ(WEFT_CHAIN_FREEZE, fault);
}

TEST(org, next_version_is_signed_by_the_roots_before_and_its_own)
{
    static const char *const both[] = {"oem.example/root/a", "oem.example/root/b",
        "oem.example/root/x", "oem.example/root/y", NULL};
    static const char *const only_new[] = {"oem.example/root/x", "oem.example/root/y", NULL};
    struct weft_org first = signers_org();
    struct weft_buffer text;
    struct weft_org now = in_force(&first, &text);
    const struct weft_verifier others[2] = {
        signers_make("oem.example/root/x").verifier, signers_make("oem.example/root/y").verifier};
    struct weft_org next = next_of(&now, &text);
    next.roots = others;
    next.root_count = 2;
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_OK, offer(&next, &now, both, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_EREFUSED, offer(&next, &now, only_new, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    EXPECT_EQ(WEFT_EREFUSED, offer(&next, &now, roots_ab, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_THRESHOLD, fault);
    weft_buffer_destroy(&text);
}

TEST(org, rollback_fork_fast_forward_and_strangers_are_told_apart)
{
    struct weft_org first = signers_org();
    struct weft_buffer text, text2;
    struct weft_org now = in_force(&first, &text);
    enum weft_chain_fault fault;
    EXPECT_EQ(WEFT_ECONFLICT, offer(&first, &now, roots_ab, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_REPEATED, fault);
    struct weft_org other = first;
    other.admin_threshold = 2;
    EXPECT_EQ(WEFT_ECONFLICT, offer(&other, &now, roots_ab, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_FORK, fault);
    struct weft_org second = next_of(&now, &text);
    struct weft_org now2 = in_force(&second, &text2);
    EXPECT_EQ(WEFT_OK, offer(&second, &now, roots_ab, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_ECONFLICT, offer(&first, &now2, roots_ab, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_ROLLBACK, fault);
    struct weft_org third = next_of(&now2, &text2);
    EXPECT_EQ(WEFT_ECONFLICT, offer(&third, &now, roots_ab, SIGNERS_NOW_NS, &fault));
    EXPECT_EQ(WEFT_CHAIN_FAST_FORWARD, fault);
    struct weft_org foreign = now2;
    foreign.org = WEFT_TEXT("supplier.example");
    EXPECT_EQ(WEFT_EPEER, offer(&first, &foreign, roots_ab, SIGNERS_NOW_NS, &fault));
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&text2);
}

TEST(org, any_flipped_bit_of_a_signed_document_is_refused)
{
    struct weft_org org = signers_org(), taken;
    struct weft_buffer text = signers_org_text(&org);
    struct weft_buffer bytes = signers_note(weft_buffer_as_text(&text), roots_ab);
    for (int i = 0; i < 2000; i++) {
        size_t bit = (size_t)test_random(text.size * 8);
        struct weft_note note;
        enum weft_chain_fault fault;
        weft_arena_reset(&arena);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum weft_err err = weft_note_parse(weft_buffer_as_text(&bytes), &note, NULL);
        if (err == WEFT_OK) {
            err = weft_org_accept(&note, NULL, SIGNERS_NOW_NS, &arena, &taken, &fault, NULL);
        }
        EXPECT_TRUE(err != WEFT_OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&bytes);
    weft_arena_destroy(&arena);
}
