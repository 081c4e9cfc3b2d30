#include "ops/weft/document.h"

#include <stdio.h>

#include "proto/answer_json.h"

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024
};

enum weft_err weft_document_ask(struct weft_client *client, const struct weft_query *query,
    struct weft_arena *arena, struct weft_buffer *ret_json, const struct weft_json **ret_root,
    struct weft_msg *msg)
{
    struct weft_client_message answer;
    struct weft_client_message request = {.kind = WEFT_KIND_QUERY, .query = *query};
    struct weft_json *root;
    enum weft_err err = weft_client_call(client, &request, arena, &answer, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (answer.kind != WEFT_KIND_DOCUMENT) {
        return weft_fail(msg, WEFT_EVERSION, "the node gave another answer than a document");
    }
    struct weft_arena scratch = {.size_max = ARENA_SIZE_MAX};
    struct weft_writer writer = {.out = *ret_json};
    err = weft_answer_write_document(&writer, &answer.document, &scratch);
    *ret_json = writer.out;
    weft_arena_destroy(&scratch);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "the answer cannot be written as JSON");
    }
    struct weft_text text = weft_buffer_as_text(ret_json);
    err = weft_json_parse(text, 1, arena, &root, msg);
    if (err == WEFT_OK) {
        *ret_root = root;
    }
    return err;
}

enum weft_err weft_document_print(const struct weft_buffer *json, struct weft_msg *msg)
{
    (void)fwrite(json->data, 1, json->size, stdout);
    (void)fputc('\n', stdout);
    return fflush(stdout) == 0 ? WEFT_OK : weft_fail(msg, WEFT_EIO, "write the answer");
}

struct weft_text weft_document_text(const struct weft_json *object, const char *member)
{
    const struct weft_json *value = object != NULL ? weft_json_get(object, member) : NULL;
    if (value == NULL) {
        return (struct weft_text){NULL, 0};
    }
    switch (value->type) {
    case WEFT_JSON_NUMBER:
    case WEFT_JSON_STRING:
        return value->text;
    case WEFT_JSON_BOOL:
        return value->boolean ? WEFT_TEXT("true") : WEFT_TEXT("false");
    case WEFT_JSON_NULL:
    case WEFT_JSON_ARRAY:
    case WEFT_JSON_OBJECT:
        break;
    }
    return (struct weft_text){NULL, 0};
}

const struct weft_json *weft_document_list(const struct weft_json *object, const char *member)
{
    const struct weft_json *value = object != NULL ? weft_json_get(object, member) : NULL;
    return value != NULL ? value->first : NULL;
}

bool weft_document_is_true(const struct weft_json *object, const char *member)
{
    return weft_text_is(weft_document_text(object, member), "true");
}

void weft_document_say(const char *name, struct weft_text text)
{
    if (text.size == 0) {
        return;
    }
    (void)printf("%s", name);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        (void)putchar(c < 0x20 || c == 0x7f ? '?' : c);
    }
    (void)printf("  ");
}
