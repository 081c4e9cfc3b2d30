#include "tests/unit/node/twin_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/record_json.h"
#include "tests/lib/test.h"

enum {
    RECORDS_MAX = 256
};

void rig_open(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    fixture_init(&r->f, "state");
    fixture_open(&r->f);
    r->arena.size_max = 64 << 20;
}

void rig_close(struct rig *r)
{
    fixture_destroy(&r->f);
    weft_arena_destroy(&r->arena);
    weft_buffer_destroy(&r->json);
}

enum weft_err rig_try(struct rig *r, const char *lines)
{
    static struct weft_record records[RECORDS_MAX];
    struct weft_msg msg = {""};
    uint32_t count = 0;
    weft_arena_reset(&r->arena);
    while (*lines != '\0') {
        size_t size = strcspn(lines, "\n");
        struct weft_json *object;
        enum weft_err err =
            weft_json_parse((struct weft_text){lines, size}, 1, &r->arena, &object, &msg);
        if (err == WEFT_OK) {
            err = weft_record_from_json(object, &r->arena, &records[count++], &msg);
        }
        EXPECT_TEXT("", msg.text);
        EXPECT_EQ(WEFT_OK, err);
        lines += size + (lines[size] == '\n' ? 1 : 0);
    }
    return fixture_commit(&r->f, r->f.index + 1, records, count)->err;
}

uint64_t rig_put(struct rig *r, const char *lines)
{
    enum weft_err err = rig_try(r, lines);
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%.*s at %.*s\n", (int)r->f.items[0].error.detail.size,
            r->f.items[0].error.detail.data, (int)r->f.items[0].error.pointer.size,
            r->f.items[0].error.pointer.data);
    }
    EXPECT_EQ(WEFT_OK, err);
    return r->f.index;
}

void rig_refuse(struct rig *r, enum weft_err err, const char *pointer, const char *lines)
{
    enum weft_err given = rig_try(r, lines);
    char text[256];
    EXPECT_EQ(err, given);
    struct weft_text at = r->f.items[0].error.pointer;
    (void)snprintf(text, sizeof(text), "%.*s", (int)at.size, at.size > 0 ? at.data : "");
    EXPECT_TEXT(pointer, text);
    EXPECT_TRUE(r->f.items[0].error.detail.size > 0);
}

enum weft_err rig_ask(struct rig *r, const struct weft_query *query)
{
    struct weft_view *view;
    struct weft_client_message answer;
    struct weft_json *root;
    struct weft_msg msg = {""};
    weft_arena_reset(&r->arena);
    weft_buffer_clear(&r->json);
    EXPECT_EQ(WEFT_OK, weft_view_open(r->f.state, &view, &msg));
    enum weft_err err = weft_view_query(view, query, &r->arena, &answer, &msg);
    weft_view_close(view);
    if (err != WEFT_OK) {
        r->root = NULL;
        return err;
    }
    EXPECT_EQ(WEFT_KIND_DOCUMENT, answer.kind);
    struct weft_arena scratch = {.size_max = 64 << 20};
    EXPECT_EQ(WEFT_OK, weft_fields_to_json(answer.document.fields, answer.document.field_count,
                           &scratch, &r->json));
    weft_arena_destroy(&scratch);
    EXPECT_EQ(WEFT_OK, weft_json_parse((struct weft_text){(const char *)r->json.data, r->json.size},
                           1, &r->arena, &root, &msg));
    r->root = root;
    return WEFT_OK;
}

void rig_twin(struct rig *r, const char *asset, uint64_t as_of)
{
    struct weft_query query = {
        .type = WEFT_QUERY_TWIN, .asset = weft_text_of(asset), .as_of = as_of};
    EXPECT_EQ(WEFT_OK, rig_ask(r, &query));
}

const char *rig_get(const struct rig *r, const char *pointer)
{
    static char texts[4][256];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    const struct weft_json *value = r->root;
    while (value != NULL && *pointer != '\0') {
        size_t size = strcspn(pointer, "/");
        if (value->type == WEFT_JSON_ARRAY) {
            unsigned index = (unsigned)strtoul(pointer, NULL, 10);
            for (value = value->first; value != NULL && index > 0; index--) {
                value = value->next;
            }
        } else {
            char name[64];
            (void)snprintf(name, sizeof(name), "%.*s", (int)size, pointer);
            value = weft_json_get(value, name);
        }
        pointer += size + (pointer[size] == '/' ? 1 : 0);
    }
    text[0] = '\0';
    if (value == NULL) {
        return text;
    }
    switch (value->type) {
    case WEFT_JSON_NULL:
        return "null";
    case WEFT_JSON_BOOL:
        return value->boolean ? "true" : "false";
    case WEFT_JSON_NUMBER:
    case WEFT_JSON_STRING:
        (void)snprintf(text, 256, "%.*s", (int)value->text.size, value->text.data);
        break;
    case WEFT_JSON_ARRAY:
    case WEFT_JSON_OBJECT:
        (void)snprintf(text, 256, "#%u", value->count);
        break;
    }
    return text;
}
