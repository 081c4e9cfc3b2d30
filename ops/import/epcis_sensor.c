#include "ops/import/epcis_event.h"

/* What a member of sensor data holds (EPCIS 2.0, 7.3.7, and its JSON schema). */
enum content {
    TEXT,
    URI,
    TIME,
    NUMBER,
    BOOLEAN,
    DEVICE
};

struct sensor_member {
    const char *name;
    enum content content;
};

static const struct sensor_member metadata_members[] = {
    {"time", TIME},
    {"startTime", TIME},
    {"endTime", TIME},
    {"deviceID", DEVICE},
    {"deviceMetadata", URI},
    {"rawData", URI},
    {"dataProcessingMethod", URI},
    {"bizRules", URI},
    {NULL, TEXT},
};

static const struct sensor_member report_members[] = {
    {"type", TEXT},
    {"exception", TEXT},
    {"deviceID", DEVICE},
    {"deviceMetadata", URI},
    {"rawData", URI},
    {"dataProcessingMethod", URI},
    {"bizRules", URI},
    {"time", TIME},
    {"microorganism", URI},
    {"chemicalSubstance", URI},
    {"coordinateReferenceSystem", URI},
    {"value", NUMBER},
    {"component", TEXT},
    {"stringValue", TEXT},
    {"booleanValue", BOOLEAN},
    {"hexBinaryValue", TEXT},
    {"uriValue", URI},
    {"minValue", NUMBER},
    {"maxValue", NUMBER},
    {"meanValue", NUMBER},
    {"sDev", NUMBER},
    {"percRank", NUMBER},
    {"percValue", NUMBER},
    {"uom", TEXT},
    {NULL, TEXT},
};

/* One link for each device, however many reports it made. */
static enum weft_err link_device(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    for (uint32_t i = 0; i < m->link_count; i++) {
        if (weft_text_is(m->links[i].rel, "measured_by") &&
            weft_text_equal(m->links[i].to, value->text)) {
            return WEFT_OK;
        }
    }
    return weft_epcis_add_link(m, "measured_by", NULL, value, NULL, 0);
}

static enum weft_err check_content(
    struct weft_epcis_mapping *m, const struct weft_json *value, enum content content)
{
    int64_t ns;
    enum weft_err err;
    switch (content) {
    case TEXT:
        return weft_json_expect(value, WEFT_JSON_STRING, m->msg);
    case URI:
        return weft_epcis_check_uri(value, m->msg);
    case TIME:
        return weft_epcis_check_time(value, &ns, m->msg);
    case NUMBER:
        return weft_json_expect(value, WEFT_JSON_NUMBER, m->msg);
    case BOOLEAN:
        return weft_json_expect(value, WEFT_JSON_BOOL, m->msg);
    case DEVICE:
        err = weft_epcis_check_uri(value, m->msg);
        return err == WEFT_OK ? link_device(m, value) : err;
    }
    return WEFT_EINVAL;
}

static enum weft_err check_members(struct weft_epcis_mapping *m, const struct weft_json *object,
    const struct sensor_member *members)
{
    enum weft_err err = weft_json_expect(object, WEFT_JSON_OBJECT, m->msg);
    for (const struct weft_json *v = object->first; v != NULL && err == WEFT_OK; v = v->next) {
        const struct sensor_member *member = members;
        while (member->name != NULL && !weft_text_is(v->key, member->name)) {
            member++;
        }
        if (member->name != NULL) {
            err = check_content(m, v, member->content);
        } else if (!weft_epcis_is_extension(v->key)) {
            err = weft_json_fail(v, m->msg, WEFT_EINVAL, "unknown member of sensor data");
        }
    }
    return err;
}

static enum weft_err check_reports(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_ARRAY, m->msg);
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = check_members(m, v, report_members);
        if (err == WEFT_OK && weft_json_get(v, "type") == NULL &&
            weft_json_get(v, "exception") == NULL) {
            err = weft_json_fail(v, m->msg, WEFT_EINVAL, "has neither type nor exception");
        }
    }
    return err;
}

static enum weft_err check_element(struct weft_epcis_mapping *m, const struct weft_json *element)
{
    enum weft_err err = weft_json_expect(element, WEFT_JSON_OBJECT, m->msg);
    for (const struct weft_json *v = element->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (weft_text_is(v->key, "sensorMetadata")) {
            err = check_members(m, v, metadata_members);
        } else if (weft_text_is(v->key, "sensorReport")) {
            err = check_reports(m, v);
        } else if (!weft_epcis_is_extension(v->key)) {
            err = weft_json_fail(v, m->msg, WEFT_EINVAL, "unknown member of sensor data");
        }
    }
    if (err == WEFT_OK && weft_json_get(element, "sensorReport") == NULL) {
        (void)weft_fail(m->msg, WEFT_EINVAL, "is missing");
        err = weft_json_place(element, "sensorReport", m->msg, WEFT_EINVAL);
    }
    return err;
}

enum weft_err weft_epcis_map_sensors(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_ARRAY, m->msg);
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = check_element(m, v);
    }
    return err == WEFT_OK ? weft_epcis_keep(m, value) : err;
}
