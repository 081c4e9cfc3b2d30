/* Signature lines of members: a majority of voters makes a note, and nothing else does. */
#include "node/audit_lines.h"
#include "policy/checkpoint_note.h"
#include "tests/lib/audit_log.h"
#include "tests/lib/test.h"

#define ORIGIN "acme.example/plant1/audit"

static struct weft_configuration voters(uint32_t count)
{
    struct weft_configuration c = {.index = 1, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        c.members[i].id = i + 1;
        c.members[i].role = WEFT_ROLE_VOTER;
    }
    return c;
}

/* Of member `key` for a tree that its size names; `root` 0: the right one. */
static enum weft_err add(
    struct weft_audit_lines *lines, uint8_t key, uint64_t size, uint8_t root, const char *origin)
{
    static struct weft_buffer text, line;
    char vkey[WEFT_VKEY_TEXT_SIZE];
    struct weft_msg msg;
    struct weft_signer signer = audit_signer(origin, WEFT_SIGNER_ED25519, key);
    const struct weft_checkpoint_note note = {
        .origin = weft_text_of(origin), .head = {size, {{root, (uint8_t)size}}}};
    weft_buffer_clear(&text);
    weft_buffer_clear(&line);
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_encode(&note, &text, &msg));
    EXPECT_EQ(WEFT_OK, weft_note_sign_line((struct weft_text){(const char *)text.data, text.size},
                           &signer, 0, &line, &msg));
    weft_verifier_format(&signer.verifier, vkey);
    const struct weft_audit_line message = {.size = size,
        .root = note.head.root,
        .vkey = weft_text_of(vkey),
        .line = {(const char *)line.data, line.size}};
    return weft_audit_lines_add(lines, key, &message, &msg);
}

TEST(audit_lines, a_majority_of_voters_makes_the_newest_note)
{
    static struct weft_audit_lines lines;
    const struct weft_configuration three = voters(3);
    weft_audit_lines_init(&lines, ORIGIN);
    EXPECT_EQ(WEFT_OK, add(&lines, 1, 5, 0, ORIGIN));
    EXPECT_EQ(WEFT_OK, add(&lines, 1, 5, 0, ORIGIN)); /* Twice is once. */
    EXPECT_EQ(WEFT_OK, add(&lines, 9, 5, 0, ORIGIN)); /* No voter. */
    weft_audit_lines_settle(&lines, &three);
    EXPECT_EQ(0, lines.note.size);
    EXPECT_EQ(WEFT_OK, add(&lines, 2, 5, 0, ORIGIN));
    weft_audit_lines_settle(&lines, &three);
    EXPECT_EQ(5, lines.head.size);
    EXPECT_EQ(2, lines.signed_by);
    EXPECT_EQ(WEFT_OK, add(&lines, 3, 5, 0, ORIGIN)); /* A later one joins them. */
    weft_audit_lines_settle(&lines, &three);
    EXPECT_EQ(3, lines.signed_by);
    struct weft_note note;
    EXPECT_EQ(
        WEFT_OK, weft_note_parse((struct weft_text){(const char *)lines.note.data, lines.note.size},
                     &note, NULL));
    EXPECT_EQ(3, note.signature_count);
    EXPECT_EQ(WEFT_ESTATE, add(&lines, 2, 4, 0, ORIGIN)); /* Older than the note. */
    for (uint8_t size = 6; size < 40; size++) {
        EXPECT_EQ(WEFT_OK, add(&lines, 1, size, 0, ORIGIN));
    }
    EXPECT_EQ(WEFT_OK, add(&lines, 2, 39, 0, ORIGIN));
    weft_audit_lines_settle(&lines, &three);
    EXPECT_EQ(39, lines.head.size);
    weft_audit_lines_destroy(&lines);
}

TEST(audit_lines, two_trees_of_one_size_are_told)
{
    static struct weft_audit_lines lines;
    const struct weft_configuration three = voters(3);
    weft_audit_lines_init(&lines, ORIGIN);
    EXPECT_EQ(WEFT_OK, add(&lines, 1, 5, 0, ORIGIN));
    EXPECT_EQ(WEFT_ECONFLICT, add(&lines, 2, 5, 7, ORIGIN));
    weft_audit_lines_settle(&lines, &three);
    EXPECT_EQ(0, lines.note.size);
    weft_audit_lines_destroy(&lines);
}

TEST(audit_lines, a_line_that_does_not_verify_is_dropped)
{
    static struct weft_audit_lines lines;
    struct weft_msg msg;
    char vkey[WEFT_VKEY_TEXT_SIZE];
    struct weft_signer signer = audit_signer(ORIGIN, WEFT_SIGNER_ED25519, 1);
    weft_audit_lines_init(&lines, ORIGIN);
    EXPECT_EQ(WEFT_EPEER, add(&lines, 1, 5, 0, "acme.example/plant2/audit"));
    weft_verifier_format(&signer.verifier, vkey);
    struct weft_buffer line = {.size_max = WEFT_AUDIT_LINE_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, weft_note_sign_line(WEFT_TEXT("another text\n"), &signer, 0, &line, &msg));
    const struct weft_audit_line message = {
        .size = 5, .vkey = weft_text_of(vkey), .line = {(const char *)line.data, line.size}};
    EXPECT_EQ(WEFT_EBADSIG, weft_audit_lines_add(&lines, 1, &message, &msg));
    EXPECT_EQ(0, lines.trees[0].count);
    weft_buffer_destroy(&line);
    weft_audit_lines_destroy(&lines);
}
