#include "ops/weft/authority_note.h"

#include <time.h>

#include "ops/weft/commit_once.h"
#include "ops/weft/files.h"

enum {
    ANSWER_ARENA_SIZE_MAX = 1024 * 1024,
};

void weft_authority_note_destroy(struct weft_authority_note *note)
{
    weft_buffer_destroy(&note->text);
    weft_buffer_destroy(&note->lines);
    weft_buffer_destroy(&note->joined);
}

static bool has_signed(const struct weft_authority_note *note, const struct weft_verifier *who)
{
    struct weft_note parsed;
    if (note->lines.size == 0 ||
        weft_note_parse_lines(weft_buffer_as_text(&note->lines), &parsed, NULL) != WEFT_OK) {
        return false;
    }
    for (uint32_t i = 0; i < parsed.signature_count; i++) {
        if (weft_text_is(parsed.signatures[i].name, who->name) &&
            parsed.signatures[i].key_id == who->key_id) {
            return true;
        }
    }
    return false;
}

enum weft_err weft_authority_note_sign(
    struct weft_authority_note *note, const struct weft_signer *signer, struct weft_msg *msg)
{
    return has_signed(note, &signer->verifier)
               ? WEFT_OK
               : weft_note_sign_line(weft_buffer_as_text(&note->text), signer, (uint64_t)time(NULL),
                     &note->lines, msg);
}

enum weft_err weft_authority_note_read(
    const char *path, struct weft_authority_note *note, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_note parsed;
    enum weft_err err = weft_files_read(path, &bytes, msg);
    if (err == WEFT_OK) {
        err = weft_note_parse(weft_buffer_as_text(&bytes), &parsed, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(&note->text, parsed.text);
    }
    if (err == WEFT_OK) { /* Behind the text there is a blank line. */
        size_t before = parsed.text.size + 1;
        err = weft_buffer_append(&note->lines, bytes.data + before, bytes.size - before);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_err weft_authority_note_join(
    struct weft_authority_note *note, struct weft_note *ret_note, struct weft_msg *msg)
{
    if (note->lines.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "nobody has signed it: --key FILE of who approves");
    }
    weft_buffer_clear(&note->joined);
    enum weft_err err = weft_note_join(
        weft_buffer_as_text(&note->text), weft_buffer_as_text(&note->lines), &note->joined, msg);
    return err == WEFT_OK ? weft_note_parse(weft_buffer_as_text(&note->joined), ret_note, msg)
                          : err;
}

enum weft_err weft_authority_note_write(
    const char *path, struct weft_authority_note *note, struct weft_msg *msg)
{
    struct weft_note parsed;
    enum weft_err err = weft_authority_note_join(note, &parsed, msg);
    if (err == WEFT_OK && weft_files_exists(path)) {
        err = weft_fail(msg, WEFT_ESTATE, "%s exists already", path);
    }
    return err == WEFT_OK
               ? weft_files_write(path, (struct weft_bytes){note->joined.data, note->joined.size},
                     0644, false, msg)
               : err;
}

enum weft_err weft_authority_note_commit(struct weft_client *client, const char *asset,
    struct weft_text note, const uint64_t *expect_rev, uint64_t *ret_index, struct weft_msg *msg)
{
    return weft_authority_note_commit_as(
        client, "authority", asset, note, expect_rev, ret_index, msg);
}

enum weft_err weft_authority_note_commit_as(struct weft_client *client, const char *kind,
    const char *asset, struct weft_text note, const uint64_t *expect_rev, uint64_t *ret_index,
    struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = ANSWER_ARENA_SIZE_MAX};
    const struct weft_field field = {WEFT_TEXT("note"), note, WEFT_VALUE_TEXT};
    const struct weft_record record = {.kind = weft_text_of(kind),
        .asset = weft_text_of(asset),
        .has_expect = expect_rev != NULL,
        .expect_rev = expect_rev != NULL ? *expect_rev : 0,
        .fields = &field,
        .field_count = 1};
    struct weft_client_message answer = {.kind = 0};
    struct weft_client_message request = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = &record, .record_count = 1}};
    enum weft_err err = weft_commit_once(client, &request, &arena, &answer, msg);
    if (err == WEFT_OK) {
        *ret_index = answer.commit_result.index;
    }
    weft_arena_destroy(&arena);
    return err;
}
