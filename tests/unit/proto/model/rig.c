#include "tests/unit/proto/model/rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/record_json.h"
#include "tests/lib/test.h"

enum {
    RECORD_ARENA_SIZE_MAX = 64 * 1024 * 1024,
    TEXT_SIZE = 128 * 1024,
};

static struct weft_arena arenas[3] = {{.size_max = WEFT_MODEL_MEMORY_MAX},
    {.size_max = WEFT_MODEL_MEMORY_MAX}, {.size_max = WEFT_MODEL_MEMORY_MAX}};
static struct weft_arena scratch = {.size_max = WEFT_MODEL_SCRATCH_MAX};
static struct weft_arena records = {.size_max = RECORD_ARENA_SIZE_MAX};
static struct weft_model models[2];
static char shown[1024];

static struct weft_text quoted(const char *text, char out[TEXT_SIZE])
{
    size_t size = strlen(text);
    EXPECT_TRUE(size < TEXT_SIZE);
    for (size_t i = 0; i < size; i++) {
        out[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    }
    return (struct weft_text){out, size};
}

static char text_of_box[TEXT_SIZE];

static const char *box(const char *contents)
{
    int size = snprintf(text_of_box, sizeof(text_of_box), RIG_BOX, contents);
    EXPECT_TRUE(size > 0 && size < TEXT_SIZE);
    return text_of_box;
}

const struct weft_model *rig_model(int which, const char *text)
{
    static char out[TEXT_SIZE];
    struct weft_msg msg = {""};
    weft_arena_reset(&arenas[which]);
    weft_arena_reset(&scratch);
    enum weft_err err =
        weft_model_parse(quoted(text, out), &arenas[which], &scratch, &models[which], &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    memset(out, 'x', sizeof(out)); /* Nothing may borrow from it, */
    weft_arena_destroy(&scratch);  /* nor from the tree. */
    return &models[which];
}

const struct weft_model *rig_box(const char *contents)
{
    return rig_model(0, box(contents));
}

/* "line L, column C (POINTER): reason": L and C are those of what the pointer names. */
static const char *without_place(struct weft_text text, const char *message)
{
    unsigned line, column;
    char pointer[256] = "";
    struct weft_json *root;
    const char *paren = strchr(message, '(');
    int found = sscanf(message, "line %u, column %u (%255[^)]", &line, &column, pointer);
    if (found < 2 || paren == NULL || strstr(message, " (") + 1 != paren ||
        strchr(message, ':') < paren) {
        return message;
    }
    EXPECT_EQ(WEFT_OK, weft_json_parse(text, 1, &records, &root, NULL));
    const struct weft_json *at = weft_json_at(root, pointer);
    char is[256];
    weft_json_pointer(at, is, sizeof(is));
    EXPECT_TEXT(pointer, is);
    EXPECT_EQ(at->line, line);
    EXPECT_EQ(at->column, column);
    weft_arena_reset(&records);
    return paren;
}

const char *rig_refusal(const char *text, enum weft_err *ret_err)
{
    static char out[TEXT_SIZE];
    struct weft_msg msg = {""};
    struct weft_model model = {.version = 7777};
    weft_arena_reset(&arenas[2]);
    weft_arena_reset(&scratch);
    *ret_err = weft_model_parse(quoted(text, out), &arenas[2], &scratch, &model, &msg);
    EXPECT_TRUE(*ret_err == WEFT_OK || model.version == 7777);
    struct weft_text same = {out, strlen(text)};
    EXPECT_EQ(*ret_err, weft_model_parse(same, &arenas[2], &scratch, &model, NULL));
    (void)snprintf(shown, sizeof(shown), "%s", without_place(same, msg.text));
    return shown;
}

const char *rig_box_refusal(const char *contents)
{
    enum weft_err err;
    const char *refusal = rig_refusal(box(contents), &err);
    EXPECT_TRUE(err == WEFT_EINVAL || err == WEFT_ETOOBIG || refusal[0] == '\0');
    return refusal;
}

const char *rig_check(const struct weft_model *model, const char *text)
{
    static char out[TEXT_SIZE];
    struct weft_json *tree;
    struct weft_record record;
    struct weft_msg msg = {""};
    char pointer[256] = "untouched";
    weft_arena_reset(&records);
    enum weft_err err = weft_json_parse(quoted(text, out), 1, &records, &tree, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    err = weft_record_from_json(tree, &records, &record, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    err = weft_model_check_record(model, &record, pointer, &msg);
    EXPECT_EQ(err, weft_model_check_record(model, &record, NULL, NULL));
    if (err == WEFT_OK) {
        EXPECT_TEXT("untouched", pointer);
        return NULL;
    }
    EXPECT_EQ(WEFT_EINVAL, err);
    (void)snprintf(shown, sizeof(shown), "%s: %s", pointer, msg.text);
    return shown;
}

const char *rig_attrs(const struct weft_model *model, const char *attrs)
{
    static char text[TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "{'kind':'box','asset':'serial:1','attrs':%s}", attrs);
    return rig_check(model, text);
}

void rig_destroy(void)
{
    for (size_t i = 0; i < 3; i++) {
        weft_arena_destroy(&arenas[i]);
    }
    weft_arena_destroy(&scratch);
    weft_arena_destroy(&records);
}
