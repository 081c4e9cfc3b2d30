#include "node/api/http/body.h"

#include <stdio.h>
#include <string.h>

#include "proto/json.h"
#include "proto/limits.h"
#include "proto/record_json.h"
#include "proto/request_id.h"

struct reader {
    struct weft_arena *arena;
    struct weft_record *records;
    uint32_t count, capacity;
    struct weft_http_commit out;
    struct weft_msg *msg;
    char prefix[32]; /* Of the pointer to the culprit. */
};

void weft_http_pointer_of(
    const struct weft_msg *msg, const char *prefix, char ret_pointer[WEFT_HTTP_POINTER_SIZE])
{
    /* The form is that of weft_json_place. A pointer of "" is the whole document. */
    unsigned line, column;
    int used = 0;
    (void)snprintf(ret_pointer, WEFT_HTTP_POINTER_SIZE, "%s", prefix);
    if (sscanf(msg->text, "line %u, column %u (%n", &line, &column, &used) != 2 || used == 0) {
        return;
    }
    const char *start = msg->text + used, *end = strstr(start, "): ");
    if (end != NULL) {
        (void)snprintf(
            ret_pointer, WEFT_HTTP_POINTER_SIZE, "%s%.*s", prefix, (int)(end - start), start);
    }
}

static enum weft_err add_record(
    struct reader *r, const struct weft_json *value, const struct weft_json *place)
{
    if (r->count == WEFT_COMMIT_RECORDS_MAX) {
        return weft_json_fail(place, r->msg, WEFT_ETOOBIG, "more than %d records in one commit",
            WEFT_COMMIT_RECORDS_MAX);
    }
    if (r->count == r->capacity) {
        uint32_t capacity = r->capacity == 0 ? 16 : r->capacity * 2;
        struct weft_record *more = weft_arena_array(r->arena, capacity, sizeof(*more));
        if (more == NULL) {
            return weft_fail(r->msg, WEFT_ENOMEM, "no memory for the records");
        }
        if (r->count > 0) {
            memcpy(more, r->records, r->count * sizeof(*more));
        }
        r->records = more;
        r->capacity = capacity;
    }
    enum weft_err err = weft_record_from_json(value, r->arena, &r->records[r->count], r->msg);
    r->count += err == WEFT_OK ? 1 : 0;
    return err;
}

static enum weft_err read_request_id(struct reader *r, const struct weft_json *value)
{
    char text[64];
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)value->text.size, value->text.data);
    err = weft_request_id_parse(text, &r->out.commit.request_id, r->msg);
    r->out.has_request_id = err == WEFT_OK;
    return err == WEFT_OK ? err : weft_json_place(value, NULL, r->msg, err);
}

static enum weft_err read_object(struct reader *r, struct weft_text text)
{
    struct weft_json *root;
    enum weft_err err = weft_json_parse(text, 1, r->arena, &root, r->msg);
    if (err == WEFT_OK) {
        err = weft_json_expect(root, WEFT_JSON_OBJECT, r->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *records = NULL;
    for (const struct weft_json *m = root->first; m != NULL && err == WEFT_OK; m = m->next) {
        if (weft_text_is(m->key, "records")) {
            records = m;
            err = weft_json_expect(m, WEFT_JSON_ARRAY, r->msg);
        } else if (weft_text_is(m->key, "request_id")) {
            err = read_request_id(r, m);
        } else {
            err = weft_json_fail(m, r->msg, WEFT_EINVAL, "unknown member \"%.*s\"",
                (int)(m->key.size < 64 ? m->key.size : 64), m->key.data);
        }
    }
    if (err == WEFT_OK && records == NULL) {
        (void)weft_fail(r->msg, WEFT_EINVAL, "is missing");
        return weft_json_place(root, "records", r->msg, WEFT_EINVAL);
    }
    const struct weft_json *value = err == WEFT_OK ? records->first : NULL;
    for (; value != NULL && err == WEFT_OK; value = value->next) {
        err = add_record(r, value, records);
    }
    if (err == WEFT_OK && r->count == 0) {
        err = weft_json_fail(records, r->msg, WEFT_EINVAL, "a commit holds at least one record");
    }
    return err;
}

static enum weft_err read_lines(struct reader *r, struct weft_text text)
{
    uint32_t line = 0;
    while (text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        struct weft_text content = {text.data, size};
        struct weft_json *root;
        size_t taken = size + (end != NULL ? 1 : 0);
        text = (struct weft_text){text.data + taken, text.size - taken};
        line++;
        size_t blank = 0;
        while (blank < content.size && strchr(" \t\r", content.data[blank]) != NULL &&
               content.data[blank] != '\0') {
            blank++;
        }
        if (blank == content.size) {
            continue;
        }
        (void)snprintf(r->prefix, sizeof(r->prefix), "/records/%u", r->count);
        enum weft_err err = weft_json_parse(content, line, r->arena, &root, r->msg);
        if (err == WEFT_OK) {
            err = add_record(r, root, root);
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    r->prefix[0] = '\0';
    return r->count > 0 ? WEFT_OK
                        : weft_fail(r->msg, WEFT_EINVAL, "a commit holds at least one record");
}

/* The header's condition as that of each record. */
static enum weft_err apply_condition(struct reader *r, const struct weft_http_condition *condition,
    char ret_pointer[WEFT_HTTP_POINTER_SIZE])
{
    for (uint32_t i = 0; condition->is_given && i < r->count; i++) {
        struct weft_record *record = &r->records[i];
        if (record->has_expect || !weft_text_equal(record->asset, r->records[0].asset)) {
            (void)snprintf(ret_pointer, WEFT_HTTP_POINTER_SIZE, "/records/%u/%s", i,
                record->has_expect ? "expect" : "asset");
            return weft_fail(r->msg, WEFT_EINVAL,
                "%s: with If-Match or If-None-Match all records are of one asset, and none has "
                "an `expect` of its own",
                ret_pointer);
        }
        record->has_expect = true;
        record->expect_rev = condition->rev;
    }
    return WEFT_OK;
}

enum weft_err weft_http_body_parse(struct weft_text text, enum weft_http_media media,
    const struct weft_http_condition *condition, struct weft_arena *arena,
    struct weft_http_commit *ret_commit, char ret_pointer[WEFT_HTTP_POINTER_SIZE],
    struct weft_msg *msg)
{
    struct reader r = {.arena = arena, .msg = msg};
    ret_pointer[0] = '\0';
    enum weft_err err =
        media == WEFT_HTTP_MEDIA_NDJSON ? read_lines(&r, text) : read_object(&r, text);
    if (err != WEFT_OK) {
        weft_http_pointer_of(msg, r.prefix, ret_pointer);
        return err;
    }
    err = apply_condition(&r, condition, ret_pointer);
    if (err == WEFT_OK) {
        r.out.commit.records = r.records;
        r.out.commit.record_count = r.count;
        *ret_commit = r.out;
    }
    return err;
}
