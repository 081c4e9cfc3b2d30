#include "ops/weft/model_file.h"

#include <inttypes.h>
#include <string.h>

#include "ops/weft/files.h"
#include "proto/limits.h"

enum {
    ANSWER_ARENA_SIZE_MAX = 64 * 1024 * 1024,
    PATH_SIZE = 256, /* of an attribute in a row */
    TYPE_SIZE = 128, /* of its type */
};

void weft_model_text_destroy(struct weft_model_text *text)
{
    weft_buffer_destroy(&text->text);
    weft_arena_destroy(&text->arena);
}

static enum weft_err compile(struct weft_model_text *t, struct weft_msg *msg)
{
    struct weft_arena scratch = {.size_max = WEFT_MODEL_SCRATCH_MAX};
    struct weft_text text = {(const char *)t->text.data, t->text.size};
    t->arena.size_max = WEFT_MODEL_MEMORY_MAX;
    enum weft_err err = weft_model_parse(text, &t->arena, &scratch, &t->model, msg);
    weft_arena_destroy(&scratch);
    return err;
}

enum weft_err weft_model_text_compile(
    struct weft_text text, struct weft_model_text *ret_text, struct weft_msg *msg)
{
    enum weft_err err = weft_buffer_text(&ret_text->text, text);
    return err == WEFT_OK ? compile(ret_text, msg) : weft_fail(msg, err, "no memory");
}

enum weft_err weft_model_file_read(
    const char *path, struct weft_model_text *ret_text, struct weft_msg *msg)
{
    ret_text->text.size_max = WEFT_MODEL_SIZE_MAX;
    enum weft_err err = weft_files_read(path, &ret_text->text, msg);
    if (err != WEFT_OK) {
        return err == WEFT_ENOTFOUND ? WEFT_EINVAL : err; /* A file that is not there: usage. */
    }
    err = compile(ret_text, msg);
    return err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "%.200s", path);
}

const struct weft_field *weft_model_record_field(const struct weft_record *record, const char *path)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, path)) {
            return &record->fields[i];
        }
    }
    return NULL;
}

/* --- what the site has ----------------------------------------------------------------------- */

static enum weft_err take_newest(
    const struct weft_page *page, struct weft_model_present *present, struct weft_msg *msg)
{
    present->rev = page->asset_rev;
    for (uint32_t i = 0; i < page->record_count; i++) {
        const struct weft_record *record = &page->records[i].record;
        const struct weft_field *dtdl = weft_model_record_field(record, "dtdl");
        if (weft_text_is(record->kind, "model") && dtdl != NULL) {
            enum weft_err err = weft_model_text_compile(dtdl->value, &present->text, msg);
            present->has_model = err == WEFT_OK;
            return err == WEFT_OK ? err
                                  : weft_wrap(msg, err, "the model that the site has registered");
        }
    }
    return WEFT_OK;
}

enum weft_err weft_model_present_read(struct weft_client *client, struct weft_text kind,
    struct weft_model_present *ret_present, struct weft_msg *msg)
{
    char asset[WEFT_KIND_SIZE_MAX + sizeof("kind:")];
    struct weft_arena arena = {.size_max = ANSWER_ARENA_SIZE_MAX};
    struct weft_client_message answer;
    struct weft_client_message request = {
        .kind = WEFT_KIND_QUERY, .query = {.type = WEFT_QUERY_ASSET}};
    (void)snprintf(asset, sizeof(asset), "kind:%.*s", (int)kind.size, kind.data);
    request.query.asset = weft_text_of(asset);
    enum weft_err err = weft_client_call(client, &request, &arena, &answer, msg);
    if (err == WEFT_OK) {
        err = take_newest(&answer.page, ret_present, msg);
    } else if (err == WEFT_ENOTFOUND) {
        ret_present->rev = 0;
        err = WEFT_OK;
    }
    weft_arena_destroy(&arena);
    return err;
}

/* --- for people ------------------------------------------------------------------------------ */

static void add_units(const struct weft_model_property *p, char *ret_text, size_t size)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (uint32_t i = 0; i < p->unit_count && used < size; i++) {
        int wrote = i == 4 ? snprintf(ret_text + used, size - used, " ...")
                           : snprintf(ret_text + used, size - used, "%s%.*s", i > 0 ? " " : "",
                                 (int)p->units[i].size, p->units[i].data);
        used += wrote > 0 ? (size_t)wrote : 0;
        if (i == 4) {
            return;
        }
    }
}

static void type_of(const struct weft_model_schema *schema, char ret_text[TYPE_SIZE])
{
    size_t used = (size_t)snprintf(ret_text, TYPE_SIZE, "%s", weft_model_type_name(schema->type));
    for (uint32_t i = 0; schema->type == WEFT_MODEL_ENUM && i < schema->value_count; i++) {
        struct weft_text v = schema->values[i];
        int wrote = used + v.size + 8 < TYPE_SIZE
                        ? snprintf(ret_text + used, TYPE_SIZE - used, "%s%.*s", i > 0 ? "|" : " ",
                              (int)v.size, v.data)
                        : snprintf(ret_text + used, TYPE_SIZE - used, "|...");
        used += wrote > 0 ? (size_t)wrote : 0;
        if (used + 8 >= TYPE_SIZE || memcmp(ret_text + used - 3, "...", 3) == 0) {
            return;
        }
    }
}

static void add_rows(
    struct weft_table *t, const char *path, const struct weft_model_object *object);

static void add_row(struct weft_table *t, const char *path, const struct weft_model_property *p)
{
    char units[TYPE_SIZE], type[TYPE_SIZE], below[PATH_SIZE];
    const struct weft_model_schema *schema = p->schema;
    add_units(p, units, sizeof(units));
    type_of(schema, type);
    weft_table_cell(t, weft_text_of(path));
    weft_table_cell(t, weft_text_of(type));
    weft_table_cell(t, units[0] != '\0' ? weft_text_of(units) : WEFT_TEXT("-"));
    weft_table_cell(t, p->is_required ? WEFT_TEXT("yes") : WEFT_TEXT("-"));
    weft_table_cell(t, p->description.size > 0 ? p->description : p->title);
    if (schema->type == WEFT_MODEL_OBJECT) {
        add_rows(t, path, &schema->object);
    } else if (schema->type == WEFT_MODEL_MAP || schema->type == WEFT_MODEL_ARRAY) {
        (void)snprintf(below, sizeof(below), "%s/*", path);
        add_row(t, below, schema->element);
    }
}

/* As deep as schemas nest. */
static void add_rows(struct weft_table *t, const char *path, const struct weft_model_object *object)
{
    for (uint32_t i = 0; i < object->count; i++) {
        char below[PATH_SIZE];
        const struct weft_model_property *p = &object->properties[i];
        (void)snprintf(below, sizeof(below), "%s%s%.*s", path, path[0] != '\0' ? "/" : "",
            (int)p->name.size, p->name.data);
        add_row(t, below, p);
    }
}

static void add_link(struct weft_table *t, const struct weft_model_link *link)
{
    char rel[PATH_SIZE], to[PATH_SIZE] = "";
    size_t used = 0;
    (void)snprintf(rel, sizeof(rel), "> %.*s", (int)link->rel.size, link->rel.data);
    weft_table_cell(t, weft_text_of(rel));
    for (uint32_t i = 0; i < link->prefix_count && used + 8 < sizeof(to); i++) {
        int wrote = snprintf(to + used, sizeof(to) - used, "%s%.*s", i > 0 ? "|" : "",
            (int)link->prefixes[i].size, link->prefixes[i].data);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    weft_table_cell(t, to[0] != '\0' ? weft_text_of(to) : WEFT_TEXT("link"));
    if (link->count_max > 0) {
        weft_table_format(t, "at most %" PRIu32, link->count_max);
    } else {
        weft_table_cell(t, WEFT_TEXT("-"));
    }
    weft_table_cell(t, link->is_required ? WEFT_TEXT("yes") : WEFT_TEXT("-"));
    weft_table_cell(t, link->description.size > 0 ? link->description : link->title);
    add_rows(t, rel, &link->properties);
}

void weft_model_print(const struct weft_model *model)
{
    struct weft_table t;
    weft_table_init(&t, "ATTRIBUTE|TYPE|UNIT|REQUIRED|MEANING");
    add_rows(&t, "", &model->attributes);
    for (uint32_t i = 0; i < model->link_count; i++) {
        add_link(&t, &model->links[i]);
    }
    weft_table_print(&t, stdout);
    (void)printf("other attributes are %s, other links are %s\n",
        model->attributes.is_closed ? "refused" : "free",
        model->is_closed_links ? "refused" : "free");
}
