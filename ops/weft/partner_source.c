#include "ops/weft/partner_source.h"

#include <stdio.h>
#include <string.h>

#include "ops/weft/audit_files.h"
#include "ops/weft/commit_once.h"
#include "proto/limits.h"

enum {
    ARENA_SIZE_MAX = 2 * WEFT_ANSWER_SIZE_MAX,
};

enum weft_err weft_partner_name_it(const char *name, enum weft_err err, struct weft_msg *msg)
{
    if (err == WEFT_ENOTFOUND && (strstr(msg->text, "no such agreement") != NULL ||
                                     strstr(msg->text, "no agreement of that name") != NULL)) {
        return weft_fail(msg, err,
            "%.80s: there is no agreement of that name here; weft partner list has those that are",
            name);
    }
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%.80s", name);
}

enum weft_err weft_partner_source_file(struct weft_client *client, const char *name,
    const char *file, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_audit_source source;
    struct weft_audit_result result;
    char path[WEFT_ASSET_SIZE_MAX + 1];
    int size = snprintf(path, sizeof(path), "partner%s%s%s%s", name != NULL ? "/" : "",
        name != NULL ? name : "", file != NULL ? "/" : "", file != NULL ? file : "");
    if (size < 0 || size >= (int)sizeof(path)) {
        return weft_fail(msg, WEFT_EINVAL, "%.60s...: no agreement's name", name);
    }
    weft_audit_source_init(&source, client, false);
    enum weft_err err = weft_audit_source_ask(&source, path, &result, msg);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, result.content.data, result.content.size);
        err = err == WEFT_OK ? err : weft_fail(msg, err, "keep an answer");
    } else if (err != WEFT_EVERSION && name != NULL) {
        err = weft_partner_name_it(name, err, msg);
    }
    weft_audit_source_close(&source);
    return err;
}

void weft_partner_source_warn(struct weft_text text)
{
    struct weft_text line, key;
    while (text.size > 0) {
        if (!weft_text_cut(&text, '\n', &line)) {
            text = (struct weft_text){"", 0};
        }
        if (weft_text_cut(&line, ' ', &key) &&
            (weft_text_is(key, "sent.warning") || weft_text_is(key, "received.warning"))) {
            (void)fprintf(stderr, "warning: %.*s\n", (int)line.size, line.data);
        }
    }
}

void weft_partner_source_warn_of(struct weft_client *client, const char *name)
{
    struct weft_buffer bytes = {.size_max = WEFT_ANSWER_SIZE_MAX};
    struct weft_msg msg;
    if (weft_partner_source_file(client, name, NULL, &bytes, &msg) == WEFT_OK) {
        weft_partner_source_warn(weft_buffer_as_text(&bytes));
    }
    weft_buffer_destroy(&bytes);
}

struct weft_text weft_partner_source_line(struct weft_text status, const char *key)
{
    struct weft_text line, word;
    while (status.size > 0) {
        if (!weft_text_cut(&status, '\n', &line)) {
            status = (struct weft_text){"", 0};
        }
        if (weft_text_cut(&line, ' ', &word) && weft_text_is(word, key)) {
            return line;
        }
    }
    return (struct weft_text){"", 0};
}

enum weft_err weft_partner_commit(struct weft_client *client, const char *kind, const char *asset,
    const struct weft_field *fields, uint32_t field_count, const uint64_t *expect_rev,
    uint64_t *ret_index, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    const struct weft_record record = {.kind = weft_text_of(kind),
        .asset = weft_text_of(asset),
        .has_expect = expect_rev != NULL,
        .expect_rev = expect_rev != NULL ? *expect_rev : 0,
        .fields = fields,
        .field_count = field_count};
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
