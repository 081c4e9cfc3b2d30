/* Agreements as people write them: any order, what follows filled in, faults where they stand. */
#include <stdio.h>
#include <string.h>

#include "ops/weft/agreement_draft.h"
#include "ops/weft/agreement_note.h"
#include "ops/weft/agreement_sample.h"
#include "tests/lib/signers.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_agreement_draft draft;
static struct weft_buffer text;
static struct weft_org orgs[2];
static const struct weft_org *const known[2] = {&orgs[0], &orgs[1]};

static const struct weft_chain_link link = {
    .version = 1, .issued_ns = SIGNERS_NOW_NS, .expires_ns = SIGNERS_NOW_NS + SIGNERS_DAY_NS};

static const char example[] = "# boxes\n"
                              "provider supplier.example/west\n"
                              "  mask inspection hidden cost\n"
                              "\tkind inspection disclosed\r\n"
                              "  depth 2\n"
                              "party supplier.example/west\n"
                              "cell inspection UNION *\n"
                              "party oem.example/plant1\n"
                              "cell inspection JOIN verdict\n";

#define OEM_BLOCK                                                                                  \
    "provider oem.example/plant1\nthreshold 2\ndepth 0\nforward no\nretain 3650\nrate 10000\n"     \
    "bytes 20000000\nqueue 100000\nquarantine 1000\n"
#define SUPPLIER_REST                                                                              \
    "forward no\nretain 3650\nrate 10000\nbytes 20000000\nqueue 100000\nquarantine 1000\n"

static void begin(const char *source)
{
    weft_agreement_draft_destroy(&draft);
    weft_buffer_destroy(&text);
    message.text[0] = '\0';
    orgs[0] = orgs[1] = signers_org();
    orgs[1].org = WEFT_TEXT("supplier.example");
    memset(orgs[0].link.digest.bytes, 0x11, WEFT_DIGEST_SIZE);
    memset(orgs[1].link.digest.bytes, 0x22, WEFT_DIGEST_SIZE);
    EXPECT_EQ(
        WEFT_OK, weft_agreement_draft_read(&draft, weft_text_of(source), "box.draft", &message));
}

static enum weft_err write(void)
{
    text.size = 0;
    return weft_agreement_draft_write(
        &draft, WEFT_TEXT("box-2026"), &link, known, 2, &text, &message);
}

static void end(void)
{
    weft_agreement_draft_destroy(&draft);
    weft_buffer_destroy(&text);
}

/* The text has that part. */
static bool has(const char *part)
{
    return text.size > 0 && memmem(text.data, text.size, part, strlen(part)) != NULL;
}

/* What --sample prints is one as it stands. */
TEST(agreement_draft, sample_becomes_an_agreement)
{
    begin(weft_agreement_sample);
    EXPECT_EQ(WEFT_OK, write());
    EXPECT_TRUE(
        has("\ncell inspection JOIN verdict\ncell inspection UNION *\ntemplate inside 5\n"));
    EXPECT_TRUE(has("kind process_run committed\nmask inspection hidden cost\n"));
    end();
}

TEST(agreement_draft, lines_in_any_order_become_the_one_text)
{
    begin(example);
    EXPECT_EQ(WEFT_OK, write());
    EXPECT_TRUE(has("weft-agreement/v1\nagreement box-2026\nversion 1\nprev none\n"
                    "issued 2026-03-01T08:00:00.000Z\nexpires 2026-03-02T08:00:00.000Z\n"
                    "party oem.example/plant1 sha256:1111"));
    EXPECT_TRUE(has("\ncell inspection JOIN verdict\ncell inspection UNION *\n" OEM_BLOCK
                    "provider supplier.example/west\nthreshold 2\nkind inspection disclosed\n"
                    "mask inspection hidden cost\ndepth 2\n" SUPPLIER_REST));
    /* What came out is a draft of itself. */
    static char again[4096];
    EXPECT_TRUE(text.size < sizeof(again));
    memcpy(again, text.data, text.size);
    again[text.size] = '\0';
    begin(again);
    EXPECT_EQ(WEFT_OK, write());
    EXPECT_EQ(strlen(again), text.size);
    EXPECT_MEM(again, text.data, text.size);
    end();
}

TEST(agreement_draft, options_take_the_place_of_lines)
{
    begin(example);
    EXPECT_EQ(WEFT_OK, weft_agreement_draft_set(&draft,
                           "supplier.example/west: mask inspection committed cost", &message));
    EXPECT_EQ(
        WEFT_OK, weft_agreement_draft_set(&draft, "supplier.example/west: depth any", &message));
    EXPECT_EQ(WEFT_OK, weft_agreement_draft_set(&draft, "cell inspection MATCH verdict", &message));
    EXPECT_EQ(
        WEFT_OK, weft_agreement_draft_set(&draft, "oem.example/plant1: part part:a/b", &message));
    EXPECT_EQ(
        WEFT_OK, weft_agreement_draft_set(&draft, "oem.example/plant1: part part:c", &message));
    EXPECT_EQ(WEFT_OK, weft_agreement_draft_unset(&draft, "cell inspection UNION *", &message));
    EXPECT_EQ(WEFT_OK, write());
    EXPECT_TRUE(has("mask inspection committed cost\ndepth any\n"));
    EXPECT_TRUE(has("\ncell inspection MATCH verdict\nprovider oem"));
    EXPECT_TRUE(has("part part:a/b\npart part:c\ndepth 0\n"));
    EXPECT_EQ(
        WEFT_ENOTFOUND, weft_agreement_draft_unset(&draft, "cell inspection UNION *", &message));
    EXPECT_TEXT("cell inspection UNION *: there is no such line to take out", message.text);
    end();
}

/* `from` is replaced by `to`. */
static const char *changed(const char *from, const char *to)
{
    static char source[sizeof(example) + 512];
    const char *at = strstr(example, from);
    EXPECT_TRUE(at != NULL);
    (void)snprintf(
        source, sizeof(source), "%.*s%s%s", (int)(at - example), example, to, at + strlen(from));
    return source;
}

TEST(agreement_draft, fault_is_named_where_it_was_written)
{
    static const struct {
        const char *from, *to, *why;
    } cases[] = {
        {"hidden cost", "secret cost", "box.draft:3: one of disclosed, committed, hidden"},
        {"depth 2", "depth 65", "box.draft:5: \"depth\" is 0 to 64, or any"},
        {"depth 2", "depth 2\n  depth 3", "box.draft:6: expected \"forward"},
        {"cell inspection UNION *", "cell inspection UNION verdict",
            "box.draft:7: a second rule of one cell"},
        {"party oem.example/plant1\n", "", "1 lines \"party ORG/SITE\""},
        {"party oem.example/plant1", "party other.example/x",
            "box.draft:8: by which org document is other.example judged?"},
        {"provider supplier.example/west", "provider supplier.example/east",
            "box.draft:4: supplier.example/east provides, and is no party"},
        {"provider supplier.example/west", "provider zebra.example/east",
            "zebra.example/east provides, and is no party"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(changed(cases[i].from, cases[i].to));
        EXPECT_TRUE(write() != WEFT_OK);
        if (strstr(message.text, cases[i].why) == NULL) {
            EXPECT_TEXT(cases[i].why, message.text);
        }
    }
    end();
}

TEST(agreement_draft, line_that_is_none_is_refused_where_it_stands)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"dept 2", "box.draft:2: \"dept\" begins no line of an agreement"},
        {"cell", "box.draft:2: there is nothing behind \"cell\""},
        {"depth 2", "box.draft:2: \"depth\" is of a provider"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char source[100];
        begin("");
        (void)snprintf(source, sizeof(source), "\n%s\n", cases[i].line);
        EXPECT_EQ(WEFT_EINVAL,
            weft_agreement_draft_read(&draft, weft_text_of(source), "box.draft", &message));
        EXPECT_TRUE(strncmp(message.text, cases[i].why, strlen(cases[i].why)) == 0);
        EXPECT_EQ(WEFT_EINVAL, weft_agreement_draft_set(&draft, cases[i].line, &message));
    }
    EXPECT_EQ(WEFT_EINVAL, weft_agreement_draft_set(&draft, "version 3", &message));
    EXPECT_TEXT("version 3: \"version\" follows by itself", message.text);
    end();
}

TEST(agreement_draft, has_so_many_lines_at_most)
{
    begin("");
    for (int i = 0; i < WEFT_AGREEMENT_DRAFT_LINES_MAX; i++) {
        EXPECT_EQ(WEFT_OK,
            weft_agreement_draft_read(&draft, WEFT_TEXT("party x/y\n"), "box.draft", &message));
    }
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_agreement_draft_read(&draft, WEFT_TEXT("party x/y\n"), "box.draft", &message));
    EXPECT_EQ(WEFT_EINVAL, write()); /* That many parties there are not. */
    end();
}

/* --- the note -------------------------------------------------------------------------------- */

static struct weft_agreement_note agreement, base;

static void take(void)
{
    begin(example);
    EXPECT_EQ(WEFT_OK, write());
    weft_agreement_note_destroy(&agreement);
    agreement = (struct weft_agreement_note){.is_there = false};
    EXPECT_EQ(WEFT_OK, weft_agreement_note_take(weft_buffer_as_text(&text), &agreement, &message));
}

TEST(agreement_note, roots_of_each_party_are_counted)
{
    struct weft_agreement_orgs at_hand = {.orgs = {&orgs[0], &orgs[1]}, .count = 1};
    uint32_t count, threshold;
    take();
    for (uint32_t i = 0; i < 2; i++) {
        struct weft_signer root =
            signers_make(i == 0 ? "oem.example/root/a" : "oem.example/root/b");
        EXPECT_EQ(WEFT_OK,
            weft_agreement_note_count(&agreement, &at_hand, 0, &count, &threshold, &message));
        EXPECT_EQ(i, count);
        EXPECT_EQ(2, threshold);
        EXPECT_EQ(
            WEFT_OK, weft_agreement_note_check_key(&agreement, &at_hand, &root.verifier, &message));
        EXPECT_EQ(WEFT_OK, weft_authority_note_sign(&agreement.note, &root, &message));
    }
    EXPECT_EQ(
        WEFT_OK, weft_agreement_note_count(&agreement, &at_hand, 0, &count, &threshold, &message));
    EXPECT_EQ(2, count);
    /* The supplier's document is not at hand. */
    EXPECT_EQ(
        WEFT_OK, weft_agreement_note_count(&agreement, &at_hand, 1, &count, &threshold, &message));
    EXPECT_EQ(0, threshold);
    orgs[0].link.digest.bytes[0] ^= 1;
    EXPECT_EQ(WEFT_EPEER,
        weft_agreement_note_count(&agreement, &at_hand, 0, &count, &threshold, &message));
    weft_agreement_note_destroy(&agreement);
    end();
}

TEST(agreement_note, key_that_would_not_count_is_refused_before_it_signs)
{
    static const char *const others[] = {
        "oem.example/root/z", "oem.example/plant1/op/ann", "other.example/root/a"};
    struct weft_agreement_orgs at_hand = {.orgs = {&orgs[0], &orgs[1]}, .count = 1};
    take();
    for (size_t i = 0; i < 3; i++) {
        struct weft_signer signer = signers_make(others[i]);
        EXPECT_EQ(WEFT_EREFUSED,
            weft_agreement_note_check_key(&agreement, &at_hand, &signer.verifier, &message));
    }
    weft_agreement_note_destroy(&agreement);
    end();
}

TEST(agreement_note, has_its_place_in_the_chain)
{
    const int64_t now_ns = SIGNERS_NOW_NS;
    take();
    EXPECT_EQ(WEFT_OK, weft_agreement_note_check(&agreement, &base, now_ns, &message));
    EXPECT_EQ(
        WEFT_EREFUSED, weft_agreement_note_check(&agreement, &base, link.expires_ns, &message));
    EXPECT_EQ(WEFT_OK, weft_agreement_note_take(weft_buffer_as_text(&text), &base, &message));
    EXPECT_EQ(WEFT_ECONFLICT, weft_agreement_note_check(&agreement, &base, now_ns, &message));
    agreement.contract.link.version = 2;
    EXPECT_EQ(WEFT_ECONFLICT, weft_agreement_note_check(&agreement, &base, now_ns, &message));
    agreement.contract.link.prev = base.contract.link.digest;
    EXPECT_EQ(WEFT_OK, weft_agreement_note_check(&agreement, &base, now_ns, &message));
    base.contract.name = WEFT_TEXT("lid-2026");
    EXPECT_EQ(WEFT_EPEER, weft_agreement_note_check(&agreement, &base, now_ns, &message));
    weft_agreement_note_destroy(&base);
    base = (struct weft_agreement_note){.is_there = false};
    /* Without the version before, its end alone can be judged. */
    EXPECT_EQ(WEFT_OK, weft_agreement_note_check(&agreement, &base, now_ns, &message));
    EXPECT_EQ(
        WEFT_EREFUSED, weft_agreement_note_check(&agreement, &base, link.expires_ns, &message));
    weft_agreement_note_destroy(&agreement);
    end();
}
