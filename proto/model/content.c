#include "proto/model/content.h"

#include "proto/model/dtmi.h"
#include "proto/model/schema.h"

enum weft_err weft_content_check_prefix(struct weft_text text, struct weft_msg *msg)
{
    if (!weft_asset_is_valid(text)) {
        return weft_fail(msg, WEFT_EINVAL, "not the beginning of an asset's id");
    }
    return WEFT_OK;
}

/* DTDL permits nothing but 0 as a minimum. */
static enum weft_err read_multiplicity(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_model_link *link)
{
    const struct weft_json *min = weft_json_get(element, "minMultiplicity");
    const struct weft_json *max = weft_json_get(element, "maxMultiplicity");
    if (min != NULL && (min->type != WEFT_JSON_NUMBER || !weft_text_is(min->text, "0"))) {
        return weft_json_fail(min, r->msg, WEFT_EINVAL,
            "must be 0 (DTDL v3): say \"weft:required\": true for at least one");
    }
    link->count_max = 0;
    if (max == NULL) {
        return WEFT_OK;
    }
    bool is_number = max->type == WEFT_JSON_NUMBER && max->text.size <= 9;
    for (size_t i = 0; i < max->text.size && is_number; i++) {
        is_number = max->text.data[i] >= '0' && max->text.data[i] <= '9';
        link->count_max = link->count_max * 10 + (uint32_t)(max->text.data[i] - '0');
    }
    if (!is_number || link->count_max == 0) {
        return weft_json_fail(max, r->msg, WEFT_EINVAL, "must be a whole number from 1 on");
    }
    return WEFT_OK;
}

static enum weft_err read_target(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_model_link *link)
{
    const struct weft_json *target = weft_json_get(element, "target");
    struct weft_dtmi dtmi;
    struct weft_text *prefixes;
    enum weft_err err = weft_element_texts(r, element, "weft:targetPrefix", WEFT_MODEL_UNITS_MAX,
        weft_content_check_prefix, &prefixes, &link->prefix_count);
    link->prefixes = prefixes;
    if (err != WEFT_OK || target == NULL) {
        return err;
    }
    err = weft_json_expect(target, WEFT_JSON_STRING, r->msg);
    if (err == WEFT_OK) {
        err = weft_dtmi_parse(target->text, WEFT_DTMI_SIZE_MAX, &dtmi, r->msg);
        err = err == WEFT_OK ? err : weft_json_place(target, NULL, r->msg, err);
    }
    return err == WEFT_OK ? weft_element_copy(r, target, target->text, &link->target) : err;
}

static enum weft_err read_relationship(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_content *content)
{
    static const char *const members[] = {"name", "target", "properties", "minMultiplicity",
        "maxMultiplicity", "writable", "weft:required", "weft:targetPrefix", "weft:closed", NULL};
    struct weft_model_link *link = &content->link;
    struct weft_unit_type none;
    bool is_writable;
    enum weft_err err = weft_element_check(r, element, members);
    if (err == WEFT_OK) {
        err = weft_element_type(r, element, "Relationship", false, false, &none);
    }
    if (err == WEFT_OK) {
        err = weft_element_name(r, element, &link->rel);
    }
    if (err == WEFT_OK && !weft_name_is_valid(link->rel)) {
        err = weft_json_fail(weft_json_get(element, "name"), r->msg, WEFT_EINVAL,
            "the name of a Relationship is a rel: 1 to %d of a-z 0-9 _", WEFT_REL_SIZE_MAX);
    }
    if (err == WEFT_OK) {
        err = weft_element_labels(r, element, &link->title, &link->description);
    }
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "writable", &is_writable);
    }
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "weft:required", &link->is_required);
    }
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "weft:closed", &link->properties.is_closed);
    }
    if (err == WEFT_OK) {
        err = read_multiplicity(r, element, link);
    }
    if (err == WEFT_OK) {
        err = read_target(r, element, link);
    }
    if (err == WEFT_OK) {
        err =
            weft_schema_read_properties(r, weft_json_get(element, "properties"), &link->properties);
    }
    content->is_link = true;
    content->name = link->rel;
    return err;
}

static enum weft_err read_component(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_content *content)
{
    static const char *const members[] = {"name", "schema", "weft:required", NULL};
    struct weft_model_property *p = &content->property;
    struct weft_unit_type none;
    enum weft_err err = weft_element_check(r, element, members);
    if (err == WEFT_OK) {
        err = weft_element_type(r, element, "Component", false, false, &none);
    }
    if (err == WEFT_OK) {
        err = weft_element_name(r, element, &p->name);
    }
    if (err == WEFT_OK) {
        err = weft_element_labels(r, element, &p->title, &p->description);
    }
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "weft:required", &p->is_required);
    }
    if (err != WEFT_OK) {
        return err;
    }
    content->name = p->name;
    content->component = weft_json_get(element, "schema");
    if (content->component == NULL || content->component->type != WEFT_JSON_STRING) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL,
            "the \"schema\" of a Component is the @id of an Interface in this text");
    }
    return WEFT_OK;
}

enum weft_err weft_content_read(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_content *content)
{
    content->at = element;
    if (weft_element_is(element, "Relationship")) {
        return read_relationship(r, element, content);
    }
    if (weft_element_is(element, "Component")) {
        return read_component(r, element, content);
    }
    if (weft_element_is(element, "Property")) {
        enum weft_err err = weft_schema_read_property(r, element, &content->property);
        content->name = content->property.name;
        return err;
    }
    if (weft_element_is(element, "Telemetry") || weft_element_is(element, "Command")) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL,
            "Telemetry and Command are not in the subset: a record states a value once, which is "
            "a Property");
    }
    return weft_json_fail(element, r->msg, WEFT_EINVAL,
        "\"@type\": \"Property\", \"Relationship\" or \"Component\" was expected here");
}
