#include "proto/model/model.h"

#include "proto/json.h"
#include "proto/model/interface.h"

const char *weft_model_type_name(enum weft_model_type type)
{
    switch (type) {
    case WEFT_MODEL_BOOLEAN:
        return "boolean";
    case WEFT_MODEL_DATE:
        return "date";
    case WEFT_MODEL_DATE_TIME:
        return "dateTime";
    case WEFT_MODEL_DOUBLE:
        return "double";
    case WEFT_MODEL_DURATION:
        return "duration";
    case WEFT_MODEL_FLOAT:
        return "float";
    case WEFT_MODEL_INTEGER:
        return "integer";
    case WEFT_MODEL_LONG:
        return "long";
    case WEFT_MODEL_STRING:
        return "string";
    case WEFT_MODEL_TIME:
        return "time";
    case WEFT_MODEL_ENUM:
        return "Enum";
    case WEFT_MODEL_OBJECT:
        return "Object";
    case WEFT_MODEL_MAP:
        return "Map";
    case WEFT_MODEL_ARRAY:
        return "Array";
    }
    return "?";
}

const struct weft_model_property *weft_model_find(
    const struct weft_model_object *object, struct weft_text name)
{
    uint32_t low = 0, high = object->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = weft_text_compare(object->properties[middle].name, name);
        if (order == 0) {
            return &object->properties[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct weft_model_link *weft_model_find_link(
    const struct weft_model *model, struct weft_text rel)
{
    uint32_t low = 0, high = model->link_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = weft_text_compare(model->links[middle].rel, rel);
        if (order == 0) {
            return &model->links[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

enum weft_err weft_model_parse(struct weft_text text, struct weft_arena *arena,
    struct weft_arena *scratch, struct weft_model *ret_model, struct weft_msg *msg)
{
    struct weft_model_reader r = {.arena = arena, .scratch = scratch, .msg = msg};
    struct weft_json *root;
    if (text.size > WEFT_MODEL_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "the text is %zu bytes, at most %d", text.size, WEFT_MODEL_SIZE_MAX);
    }
    enum weft_err err = weft_json_parse(text, 1, scratch, &root, msg);
    return err == WEFT_OK ? weft_interface_compile(&r, root, ret_model) : err;
}
