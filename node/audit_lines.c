#include "node/audit_lines.h"

#include <string.h>

#include "policy/checkpoint_note.h"

void weft_audit_lines_init(struct weft_audit_lines *lines, const char *origin)
{
    memset(lines, 0, sizeof(*lines));
    lines->origin = origin;
    lines->note.size_max = WEFT_NOTE_SIZE_MAX;
}

void weft_audit_lines_destroy(struct weft_audit_lines *lines)
{
    weft_buffer_destroy(&lines->note);
}

enum weft_err weft_audit_lines_text(const struct weft_audit_lines *lines,
    const struct weft_merkle_head *head, struct weft_buffer *out, struct weft_msg *msg)
{
    const struct weft_checkpoint_note checkpoint = {
        .origin = weft_text_of(lines->origin), .head = *head};
    return weft_checkpoint_note_encode(&checkpoint, out, msg);
}

static enum weft_err verify(const struct weft_audit_lines *lines,
    const struct weft_merkle_head *head, const struct weft_audit_line *line, struct weft_msg *msg)
{
    struct weft_buffer text = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_buffer joined = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_verifier verifier;
    struct weft_note_mark mark;
    struct weft_note note;
    enum weft_err err = weft_verifier_parse(line->vkey, &verifier, msg);
    if (err == WEFT_OK && strcmp(verifier.name, lines->origin) != 0) {
        err = weft_fail(msg, WEFT_EPEER, "a key of %.80s", verifier.name);
    }
    if (err == WEFT_OK) {
        err = weft_audit_lines_text(lines, head, &text, msg);
    }
    if (err == WEFT_OK) {
        err = weft_note_join(weft_buffer_as_text(&text), line->line, &joined, msg);
    }
    if (err == WEFT_OK) {
        err = weft_note_parse(weft_buffer_as_text(&joined), &note, msg);
    }
    if (err == WEFT_OK && note.signature_count != 1) {
        err = weft_fail(msg, WEFT_EMALFORMED, "not one line");
    }
    if (err == WEFT_OK) {
        err = weft_note_verify(&note, &verifier, 1, &mark, msg);
    }
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&joined);
    return err;
}

/* The tree's place: where it is, a free one, or that of the smallest. NULL: that is not smaller. */
static struct weft_audit_tree *place_for(
    struct weft_audit_lines *lines, const struct weft_merkle_head *head)
{
    struct weft_audit_tree *smallest = NULL;
    for (uint32_t i = 0; i < WEFT_AUDIT_TREES_MAX; i++) {
        struct weft_audit_tree *tree = &lines->trees[i];
        if (tree->count > 0 && tree->head.size == head->size &&
            weft_digest_equal(&tree->head.root, &head->root)) {
            return tree;
        }
        uint64_t size = tree->count > 0 ? tree->head.size : 0;
        if (smallest == NULL || size < (smallest->count > 0 ? smallest->head.size : 0)) {
            smallest = tree;
        }
    }
    if (smallest->count > 0 && smallest->head.size >= head->size) {
        return NULL;
    }
    *smallest = (struct weft_audit_tree){.head = *head};
    return smallest;
}

static bool is_split(const struct weft_audit_lines *lines, const struct weft_merkle_head *head)
{
    bool is_other = lines->note.size > 0 && lines->head.size == head->size &&
                    !weft_digest_equal(&lines->head.root, &head->root);
    for (uint32_t i = 0; i < WEFT_AUDIT_TREES_MAX; i++) {
        const struct weft_audit_tree *tree = &lines->trees[i];
        is_other = is_other || (tree->count > 0 && tree->head.size == head->size &&
                                   !weft_digest_equal(&tree->head.root, &head->root));
    }
    return is_other;
}

static enum weft_err check(
    const struct weft_audit_lines *lines, const struct weft_audit_line *line, struct weft_msg *msg)
{
    if (line->line.size > WEFT_AUDIT_LINE_SIZE_MAX) {
        return weft_fail(msg, WEFT_EMALFORMED, "the line is too long");
    }
    return lines->note.size > 0 && line->size < lines->head.size
               ? weft_fail(msg, WEFT_ESTATE, "a larger tree is signed already")
               : WEFT_OK;
}

enum weft_err weft_audit_lines_add(struct weft_audit_lines *lines, uint64_t member,
    const struct weft_audit_line *line, struct weft_msg *msg)
{
    const struct weft_merkle_head head = {line->size, line->root};
    enum weft_err err = check(lines, line, msg);
    if (err == WEFT_OK) {
        err = verify(lines, &head, line, msg);
    }
    return err == WEFT_OK ? weft_audit_lines_add_own(lines, member, line, msg) : err;
}

enum weft_err weft_audit_lines_add_own(struct weft_audit_lines *lines, uint64_t member,
    const struct weft_audit_line *line, struct weft_msg *msg)
{
    const struct weft_merkle_head head = {line->size, line->root};
    enum weft_err err = check(lines, line, msg);
    if (err != WEFT_OK) {
        return err;
    }
    bool is_other = is_split(lines, &head);
    struct weft_audit_tree *tree = place_for(lines, &head);
    if (tree == NULL) {
        return weft_fail(msg, WEFT_ESTATE, "larger trees are being signed");
    }
    uint32_t at = 0;
    while (at < tree->count && tree->lines[at].member != member) {
        at++;
    }
    if (at == WEFT_MEMBERS_MAX) {
        return weft_fail(msg, WEFT_ESTATE, "more signatures than members");
    }
    tree->count += at == tree->count ? 1 : 0;
    tree->lines[at].member = member;
    memcpy(tree->lines[at].line, line->line.data, line->line.size);
    tree->lines[at].line[line->line.size] = '\0';
    return is_other ? weft_fail(msg, WEFT_ECONFLICT, "two trees of %llu leaves were signed",
                          (unsigned long long)head.size)
                    : WEFT_OK;
}

/* The lines of voters, joined behind the text. False: there is no room for it; the note is as it
 * was. */
static bool make_note(struct weft_audit_lines *lines, const struct weft_audit_tree *tree,
    const struct weft_configuration *configuration)
{
    struct weft_buffer text = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_buffer signatures = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_buffer note = {.size_max = WEFT_NOTE_SIZE_MAX};
    enum weft_err err = weft_audit_lines_text(lines, &tree->head, &text, NULL);
    for (uint32_t i = 0; err == WEFT_OK && i < tree->count; i++) {
        if (weft_configuration_is_voter(configuration, tree->lines[i].member)) {
            err = weft_buffer_text(&signatures, weft_text_of(tree->lines[i].line));
        }
    }
    if (err == WEFT_OK) {
        err = weft_note_join(
            weft_buffer_as_text(&text), weft_buffer_as_text(&signatures), &note, NULL);
    }
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&signatures);
    if (err != WEFT_OK) {
        weft_buffer_destroy(&note);
        return false;
    }
    weft_buffer_destroy(&lines->note);
    lines->note = note;
    return true;
}

void weft_audit_lines_settle(
    struct weft_audit_lines *lines, const struct weft_configuration *configuration)
{
    const uint32_t majority = weft_configuration_voters(configuration) / 2 + 1;
    for (uint32_t i = 0; i < WEFT_AUDIT_TREES_MAX; i++) {
        struct weft_audit_tree *tree = &lines->trees[i];
        uint32_t voters = 0;
        for (uint32_t at = 0; at < tree->count; at++) {
            voters += weft_configuration_is_voter(configuration, tree->lines[at].member) ? 1 : 0;
        }
        bool is_newer = lines->note.size == 0 || tree->head.size > lines->head.size ||
                        (tree->head.size == lines->head.size && voters > lines->signed_by);
        if (tree->count > 0 && voters >= majority && is_newer &&
            make_note(lines, tree, configuration)) {
            lines->head = tree->head;
            lines->signed_by = voters;
        }
    }
    for (uint32_t i = 0; lines->note.size > 0 && i < WEFT_AUDIT_TREES_MAX; i++) {
        struct weft_audit_tree *tree = &lines->trees[i];
        if (tree->count > 0 && tree->head.size < lines->head.size) {
            tree->count = 0;
        }
    }
}
