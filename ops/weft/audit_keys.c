#include "ops/weft/audit_keys.h"

#include "ops/weft/files.h"

static enum weft_err parse(
    struct weft_text rest, const char *path, struct weft_audit_keys *keys, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && rest.size > 0) {
        struct weft_text line;
        (void)weft_text_cut(&rest, '\n', &line);
        if (keys->count == WEFT_AUDIT_VERIFIERS_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG, "%s: over %d keys", path, WEFT_AUDIT_VERIFIERS_MAX);
        }
        err = weft_verifier_parse(line, &keys->verifiers[keys->count++], msg);
    }
    if (err == WEFT_OK && keys->count == 0) {
        err = weft_fail(msg, WEFT_EINVAL, "there is no key in it");
    }
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
}

enum weft_err weft_audit_keys_read(
    const struct weft_args *args, struct weft_audit_keys *ret_keys, struct weft_msg *msg)
{
    const char *path = weft_args_text(args, "keys", NULL);
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX};
    ret_keys->count = 0;
    if (path == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--keys FILE is missing: whose signatures count");
    }
    enum weft_err err = weft_files_read(path, &bytes, msg);
    if (err == WEFT_OK) {
        err = parse(weft_buffer_as_text(&bytes), path, ret_keys, msg);
    }
    weft_buffer_destroy(&bytes);
    return err == WEFT_OK ? weft_args_number(args, "threshold", 1, ret_keys->count,
                                ret_keys->count / 2 + 1, &ret_keys->threshold, msg)
                          : err;
}

enum weft_err weft_audit_keys_check(
    const struct weft_audit_keys *keys, struct weft_text bytes, struct weft_msg *msg)
{
    struct weft_note note;
    struct weft_note_mark marks[WEFT_AUDIT_VERIFIERS_MAX];
    enum weft_err err = weft_note_parse(bytes, &note, msg);
    if (err == WEFT_OK) {
        err = weft_note_verify(&note, keys->verifiers, keys->count, marks, msg);
    }
    if (err != WEFT_OK) {
        return weft_wrap(msg, WEFT_EBADSIG, "the checkpoint");
    }
    uint32_t count = weft_audit_count_keys(keys->verifiers, keys->count, marks);
    return count >= keys->threshold ? WEFT_OK
                                    : weft_fail(msg, WEFT_EBADSIG,
                                          "the checkpoint is signed by %u of %u keys, %u have to",
                                          count, keys->count, (unsigned)keys->threshold);
}
