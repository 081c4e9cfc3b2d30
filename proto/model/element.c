#include "proto/model/element.h"

#include "proto/model/dtmi.h"

enum {
    SHOWN_MAX = 64,
    COMMENT_CHARACTERS_MAX = 512, /* specified: DTDL v3 */
    DESCRIPTION_CHARACTERS_MAX = 512,
    TITLE_CHARACTERS_MAX = 64,
};

static const char quantities[] = "dtmi:dtdl:extension:quantitativeTypes;1";
static const char ours[] = "dtmi:weft:context;1";

struct weft_text weft_element_shown(struct weft_text text)
{
    if (text.size > SHOWN_MAX) {
        text.size = weft_text_utf8_prefix((struct weft_text){text.data, SHOWN_MAX});
    }
    return text;
}

/* --- memory ---------------------------------------------------------------------------------- */

static enum weft_err no_memory(struct weft_model_reader *r, const struct weft_json *at)
{
    return weft_json_fail(at, r->msg, WEFT_ETOOBIG,
        "the model needs more than %zu bytes once compiled: make it smaller", r->arena->size_max);
}

void *weft_element_alloc(struct weft_model_reader *r, const struct weft_json *at, size_t count,
    size_t size, enum weft_err *ret_err)
{
    void *memory = weft_arena_array(r->arena, count, size);
    *ret_err = memory != NULL ? WEFT_OK : no_memory(r, at);
    return memory;
}

enum weft_err weft_element_copy(struct weft_model_reader *r, const struct weft_json *at,
    struct weft_text text, struct weft_text *ret_copy)
{
    struct weft_text copy = weft_arena_text(r->arena, text);
    if (copy.data == NULL) {
        return no_memory(r, at);
    }
    *ret_copy = copy;
    return WEFT_OK;
}

/* --- members --------------------------------------------------------------------------------- */

/* Code points: what DTDL's limits count. */
static size_t characters_in(struct weft_text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

static enum weft_err check_text(
    struct weft_model_reader *r, const struct weft_json *value, size_t characters_max)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, r->msg);
    if (err == WEFT_OK && characters_in(value->text) > characters_max) {
        err = weft_json_fail(value, r->msg, WEFT_ETOOBIG, "%zu characters, at most %zu",
            characters_in(value->text), characters_max);
    }
    return err;
}

/* A text, or an object of texts by language: JSON-LD's language map. */
static enum weft_err check_label(
    struct weft_model_reader *r, const struct weft_json *value, size_t characters_max)
{
    if (value == NULL || value->type != WEFT_JSON_OBJECT) {
        return value == NULL ? WEFT_OK : check_text(r, value, characters_max);
    }
    enum weft_err err = WEFT_OK;
    for (const struct weft_json *m = value->first; m != NULL && err == WEFT_OK; m = m->next) {
        err = check_text(r, m, characters_max);
    }
    return err;
}

static bool is_among(struct weft_text name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (weft_text_is(name, *names)) {
            return true;
        }
    }
    return false;
}

static enum weft_err refuse_member(struct weft_model_reader *r, const struct weft_json *member)
{
    struct weft_text name = weft_element_shown(member->key);
    static const char *const terms[] = {"weft:assetPrefix", "weft:closed", "weft:closedLinks",
        "weft:kind", "weft:required", "weft:targetPrefix", "weft:units", NULL};
    if (weft_text_is(name, "unit")) {
        return weft_json_fail(
            member, r->msg, WEFT_EINVAL, "a unit stands on a Property, a Field or a MapValue");
    }
    return weft_json_fail(member, r->msg, WEFT_EINVAL,
        is_among(name, terms) ? "'%.*s' does not belong here" : "unknown member '%.*s'",
        (int)name.size, name.data);
}

static enum weft_err check_member(
    struct weft_model_reader *r, const struct weft_json *member, const char *const *allowed)
{
    struct weft_text name = member->key;
    struct weft_dtmi id;
    if (weft_text_is(name, "@type")) {
        return WEFT_OK;
    }
    if (weft_text_is(name, "@id")) {
        enum weft_err err = weft_json_expect(member, WEFT_JSON_STRING, r->msg);
        if (err == WEFT_OK) {
            err = weft_dtmi_parse(member->text, WEFT_DTMI_SIZE_MAX, &id, r->msg);
            err = err == WEFT_OK ? err : weft_json_place(member, NULL, r->msg, err);
        }
        return err;
    }
    if (weft_text_is(name, "comment")) {
        return check_text(r, member, COMMENT_CHARACTERS_MAX);
    }
    if (weft_text_is(name, "description")) {
        return check_label(r, member, DESCRIPTION_CHARACTERS_MAX);
    }
    if (weft_text_is(name, "displayName")) {
        return check_label(r, member, TITLE_CHARACTERS_MAX);
    }
    if (!is_among(name, allowed)) {
        return refuse_member(r, member);
    }
    if (!r->has_weft && name.size > 5 && memcmp(name.data, "weft:", 5) == 0) {
        return weft_json_fail(member, r->msg, WEFT_EINVAL,
            "'%.*s' needs \"%s\" in the interface's @context", (int)name.size, name.data, ours);
    }
    return WEFT_OK;
}

enum weft_err weft_element_check(
    struct weft_model_reader *r, const struct weft_json *element, const char *const *allowed)
{
    enum weft_err err = weft_json_expect(element, WEFT_JSON_OBJECT, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (const struct weft_json *m = element->first; m != NULL && err == WEFT_OK; m = m->next) {
        err = check_member(r, m, allowed);
    }
    return err;
}

/* --- types ----------------------------------------------------------------------------------- */

/* "@type" is a name or an array of names: the first of them, and the one behind. NULL: none. */
static const struct weft_json *first_type(const struct weft_json *element)
{
    const struct weft_json *type = weft_json_get(element, "@type");
    return type != NULL && type->type == WEFT_JSON_ARRAY ? type->first : type;
}

static const struct weft_json *next_type(const struct weft_json *type)
{
    return type->parent->type == WEFT_JSON_ARRAY ? type->next : NULL;
}

bool weft_element_is(const struct weft_json *element, const char *class)
{
    for (const struct weft_json *type = first_type(element); type != NULL; type = next_type(type)) {
        if (type->type == WEFT_JSON_STRING && weft_text_is(type->text, class)) {
            return true;
        }
    }
    return false;
}

static enum weft_err read_semantic_type(struct weft_model_reader *r, const struct weft_json *type,
    const char *class, bool may_be_quantity, struct weft_unit_type *ret_quantity)
{
    struct weft_text name = weft_element_shown(type->text);
    struct weft_unit_type quantity = weft_unit_type_of(type->text);
    if (quantity.id == 0) {
        return weft_json_fail(type, r->msg, WEFT_EINVAL, "unknown type '%.*s' beside %s",
            (int)name.size, name.data, class);
    }
    if (!r->has_quantities) {
        return weft_json_fail(type, r->msg, WEFT_EINVAL,
            "the semantic type %.*s needs \"%s\" in the interface's @context", (int)name.size,
            name.data, quantities);
    }
    if (!may_be_quantity) {
        return weft_json_fail(type, r->msg, WEFT_EINVAL,
            "a semantic type stands on a Property, a Field or a MapValue, not on %s", class);
    }
    if (ret_quantity->id != 0) {
        return weft_json_fail(type, r->msg, WEFT_EINVAL,
            "conflicting: a second semantic type, %.*s: keep one", (int)name.size, name.data);
    }
    *ret_quantity = quantity;
    return WEFT_OK;
}

enum weft_err weft_element_type(struct weft_model_reader *r, const struct weft_json *element,
    const char *class, bool may_be_absent, bool may_be_quantity,
    struct weft_unit_type *ret_quantity)
{
    struct weft_unit_type quantity = {0};
    const struct weft_json *first = first_type(element);
    bool is_class = first == NULL && may_be_absent;
    for (const struct weft_json *type = first; type != NULL; type = next_type(type)) {
        enum weft_err err = weft_json_expect(type, WEFT_JSON_STRING, r->msg);
        if (err == WEFT_OK && weft_text_is(type->text, class)) {
            is_class = true;
        } else if (err == WEFT_OK) {
            err = read_semantic_type(r, type, class, may_be_quantity, &quantity);
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    if (!is_class) {
        return weft_json_fail(
            element, r->msg, WEFT_EINVAL, "\"@type\": \"%s\" was expected here", class);
    }
    *ret_quantity = quantity;
    return WEFT_OK;
}

/* --- names, labels, lists -------------------------------------------------------------------- */

enum weft_err weft_element_name(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_text *ret_name)
{
    const struct weft_json *name = weft_json_get(element, "name");
    if (name == NULL) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL, "\"name\" is missing");
    }
    enum weft_err err = weft_json_expect(name, WEFT_JSON_STRING, r->msg);
    if (err == WEFT_OK && !weft_dtdl_name_is_valid(name->text)) {
        struct weft_text shown = weft_element_shown(name->text);
        err = weft_json_fail(name, r->msg, WEFT_EINVAL,
            "'%.*s' is not a name: letters, digits and underscores, a letter first, no underscore "
            "last, at most %d",
            (int)shown.size, shown.data, WEFT_MODEL_NAME_SIZE_MAX);
    }
    return err == WEFT_OK ? weft_element_copy(r, name, name->text, ret_name) : err;
}

static enum weft_err read_label(struct weft_model_reader *r, const struct weft_json *element,
    const char *member, struct weft_text *ret_label)
{
    const struct weft_json *value = weft_json_get(element, member);
    if (value != NULL && value->type == WEFT_JSON_OBJECT) {
        const struct weft_json *english = weft_json_get(value, "en");
        value = english != NULL ? english : value->first;
    }
    *ret_label = (struct weft_text){NULL, 0};
    return value == NULL ? WEFT_OK : weft_element_copy(r, value, value->text, ret_label);
}

enum weft_err weft_element_labels(struct weft_model_reader *r, const struct weft_json *element,
    struct weft_text *ret_title, struct weft_text *ret_description)
{
    enum weft_err err = read_label(r, element, "displayName", ret_title);
    return err == WEFT_OK ? read_label(r, element, "description", ret_description) : err;
}

enum weft_err weft_element_bool(struct weft_model_reader *r, const struct weft_json *element,
    const char *member, bool *ret_value)
{
    const struct weft_json *value = weft_json_get(element, member);
    *ret_value = false;
    if (value == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_json_expect(value, WEFT_JSON_BOOL, r->msg);
    if (err == WEFT_OK) {
        *ret_value = value->boolean;
    }
    return err;
}

enum weft_err weft_element_texts(struct weft_model_reader *r, const struct weft_json *element,
    const char *member, uint32_t count_max,
    enum weft_err (*check)(struct weft_text text, struct weft_msg *msg),
    struct weft_text **ret_texts, uint32_t *ret_count)
{
    const struct weft_json *value = weft_json_get(element, member);
    *ret_count = 0;
    *ret_texts = NULL;
    if (value == NULL) {
        return WEFT_OK;
    }
    bool is_array = value->type == WEFT_JSON_ARRAY;
    uint32_t count = is_array ? value->count : 1;
    if (count == 0 || count > count_max) {
        return weft_json_fail(value, r->msg, count == 0 ? WEFT_EINVAL : WEFT_ETOOBIG,
            "%u texts, 1 to %u were expected", count, count_max);
    }
    enum weft_err err;
    struct weft_text *texts = weft_element_alloc(r, value, count, sizeof(*texts), &err);
    uint32_t n = 0;
    for (const struct weft_json *item = is_array ? value->first : value;
         err == WEFT_OK && n < count; item = item->next, n++) {
        err = weft_json_expect(item, WEFT_JSON_STRING, r->msg);
        if (err == WEFT_OK) {
            err = check(item->text, r->msg);
            err = err == WEFT_OK ? err : weft_json_place(item, NULL, r->msg, err);
        }
        for (uint32_t i = 0; i < n && err == WEFT_OK; i++) {
            if (weft_text_equal(texts[i], item->text)) {
                err = weft_json_fail(item, r->msg, WEFT_EINVAL, "there twice");
            }
        }
        if (err == WEFT_OK) {
            err = weft_element_copy(r, item, item->text, &texts[n]);
        }
    }
    *ret_texts = texts;
    *ret_count = count;
    return err;
}
