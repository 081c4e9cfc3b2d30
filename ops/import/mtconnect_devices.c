#include "ops/import/mtconnect_devices.h"

#include "ops/import/xml.h"
#include "proto/check.h"

enum {
    ARENA_SIZE_MAX = 128 * 1024 * 1024,
};

struct reader {
    struct weft_devices *devices;
    uint32_t capacity, item_capacity;
    uint32_t device_depth; /* 0: outside. */
};

/* MTConnect Part 2, units of samples. What is not here keeps its own name. */
static const struct {
    const char *units, *ucum;
} units[] = {
    {"AMPERE", "A"},
    {"CELSIUS", "Cel"},
    {"COUNT", "1"},
    {"DECIBEL", "dB"},
    {"DEGREE", "deg"},
    {"DEGREE/SECOND", "deg/s"},
    {"DEGREE/SECOND^2", "deg/s2"},
    {"HERTZ", "Hz"},
    {"JOULE", "J"},
    {"KILOGRAM", "kg"},
    {"LITER", "L"},
    {"LITER/SECOND", "L/s"},
    {"MICRO_RADIAN", "urad"},
    {"MILLIMETER", "mm"},
    {"MILLIMETER/REVOLUTION", "mm"},
    {"MILLIMETER/SECOND", "mm/s"},
    {"MILLIMETER/SECOND^2", "mm/s2"},
    {"NEWTON", "N"},
    {"NEWTON_METER", "N.m"},
    {"OHM", "Ohm"},
    {"PASCAL", "Pa"},
    {"PERCENT", "%"},
    {"REVOLUTION/MINUTE", "/min"},
    {"SECOND", "s"},
    {"VOLT", "V"},
    {"VOLT_AMPERE", "V.A"},
    {"WATT", "W"},
    {"WATT_SECOND", "W.s"},
};

static struct weft_text ucum_of(struct weft_text name)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (weft_text_is(name, units[i].units)) {
            return weft_text_of(units[i].ucum);
        }
    }
    return name;
}

static struct weft_text keep(
    struct reader *r, const struct weft_xml_tag *tag, const char *attribute)
{
    struct weft_text value = weft_xml_attribute(tag, attribute);
    return value.size > 0 ? weft_arena_text(&r->devices->arena, value)
                          : (struct weft_text){NULL, 0};
}

/* Room for one more in an array in the arena. */
static void *grow(struct weft_arena *arena, void *list, uint32_t count, uint32_t *capacity,
    size_t size, uint32_t count_max)
{
    if (count < *capacity) {
        return list;
    }
    if (count == count_max) {
        return NULL;
    }
    uint32_t larger = *capacity == 0 ? 64 : *capacity * 2;
    void *copy = weft_arena_array(arena, larger, size);
    if (copy != NULL && count > 0) {
        memcpy(copy, list, count * size);
    }
    *capacity = copy != NULL ? larger : *capacity;
    return copy;
}

static enum weft_err add_device(
    struct reader *r, const struct weft_xml_tag *tag, struct weft_msg *msg)
{
    struct weft_devices *d = r->devices;
    struct weft_device *list =
        grow(&d->arena, d->list, d->count, &r->capacity, sizeof(*list), WEFT_DEVICES_MAX);
    if (list == NULL) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d devices", WEFT_DEVICES_MAX);
    }
    d->list = list;
    list[d->count] = (struct weft_device){.id = keep(r, tag, "id"),
        .name = keep(r, tag, "name"),
        .uuid = keep(r, tag, "uuid"),
        .first = d->item_count};
    if (list[d->count].name.size == 0 && list[d->count].id.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "a device has neither name nor id");
    }
    d->count++;
    r->device_depth = tag->depth;
    return WEFT_OK;
}

static enum weft_data_category category_of(struct weft_text text)
{
    return weft_text_is(text, "SAMPLE")      ? WEFT_CATEGORY_SAMPLE
           : weft_text_is(text, "EVENT")     ? WEFT_CATEGORY_EVENT
           : weft_text_is(text, "CONDITION") ? WEFT_CATEGORY_CONDITION
                                             : WEFT_CATEGORY_OTHER;
}

static enum weft_err add_item(
    struct reader *r, const struct weft_xml_tag *tag, struct weft_msg *msg)
{
    struct weft_devices *d = r->devices;
    struct weft_data_item *items = grow(
        &d->arena, d->items, d->item_count, &r->item_capacity, sizeof(*items), WEFT_DATA_ITEMS_MAX);
    if (items == NULL) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d data items", WEFT_DATA_ITEMS_MAX);
    }
    d->items = items;
    items[d->item_count] = (struct weft_data_item){.id = keep(r, tag, "id"),
        .name = keep(r, tag, "name"),
        .type = keep(r, tag, "type"),
        .sub_type = keep(r, tag, "subType"),
        .unit = ucum_of(keep(r, tag, "units")),
        .category = category_of(weft_xml_attribute(tag, "category"))};
    if (items[d->item_count].id.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "a data item has no id");
    }
    d->item_count++;
    d->list[d->count - 1].count++;
    return WEFT_OK;
}

static enum weft_err on_start(
    void *ctx, const struct weft_xml_tag *tag, bool *ret_wants_text, struct weft_msg *msg)
{
    static const char space[] = "urn:mtconnect.org:MTConnectDevices:";
    struct reader *r = ctx;
    (void)ret_wants_text;
    if (tag->depth == 1) {
        bool is_right = weft_text_is(tag->name, "MTConnectDevices") &&
                        tag->uri.size > sizeof(space) - 1 &&
                        memcmp(tag->uri.data, space, sizeof(space) - 1) == 0;
        return is_right
                   ? WEFT_OK
                   : weft_fail(msg, WEFT_EINVAL, "the root is {%.*s}%.*s, not MTConnectDevices",
                         (int)tag->uri.size, tag->uri.data, (int)tag->name.size, tag->name.data);
    }
    if (weft_text_is(tag->name, "Device") && r->device_depth == 0) {
        return add_device(r, tag, msg);
    }
    if (r->device_depth > 0 && weft_text_is(tag->name, "DataItem")) {
        return add_item(r, tag, msg);
    }
    if (tag->depth == r->device_depth + 1 && weft_text_is(tag->name, "Description")) {
        struct weft_device *device = &r->devices->list[r->devices->count - 1];
        device->manufacturer = keep(r, tag, "manufacturer");
        device->model = keep(r, tag, "model");
    }
    return WEFT_OK;
}

static enum weft_err on_end(
    void *ctx, struct weft_text name, struct weft_text text, struct weft_msg *msg)
{
    struct reader *r = ctx;
    (void)text, (void)msg;
    if (r->device_depth > 0 && weft_text_is(name, "Device")) {
        r->device_depth = 0;
    }
    return WEFT_OK;
}

enum weft_err weft_devices_read(
    struct weft_text xml, struct weft_devices *ret_devices, struct weft_msg *msg)
{
    struct weft_devices devices = {.arena = {.size_max = ARENA_SIZE_MAX}};
    struct reader reader = {.devices = &devices};
    const struct weft_xml_handler handler = {
        .ctx = &reader, .on_start = on_start, .on_end = on_end};
    struct weft_xml *parser = NULL;
    if (xml.size > WEFT_DEVICES_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "line 1, column 1 (): is %zu bytes, at most %d",
            xml.size, WEFT_DEVICES_SIZE_MAX);
    }
    enum weft_err err = weft_xml_create(&handler, &parser, msg);
    if (err == WEFT_OK) {
        weft_xml_feed(parser, (struct weft_bytes){(const uint8_t *)xml.data, xml.size}, true);
        err = weft_xml_run(parser, msg);
        weft_assert(err != WEFT_OK); /* Nobody pauses it. */
        err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    weft_xml_destroy(parser);
    if (err == WEFT_OK && devices.count == 0) {
        err = weft_fail(msg, WEFT_EINVAL, "line 1, column 1 (/MTConnectDevices): has no device");
    }
    if (err != WEFT_OK) {
        weft_arena_destroy(&devices.arena);
        return err;
    }
    *ret_devices = devices;
    return WEFT_OK;
}

void weft_devices_destroy(struct weft_devices *devices)
{
    weft_arena_destroy(&devices->arena);
    *devices = (struct weft_devices){.count = 0};
}

const struct weft_device *weft_devices_find(
    const struct weft_devices *devices, struct weft_text name)
{
    for (uint32_t i = 0; i < devices->count && name.size > 0; i++) {
        if (weft_text_equal(devices->list[i].name, name)) {
            return &devices->list[i];
        }
    }
    for (uint32_t i = 0; i < devices->count && name.size > 0; i++) {
        if (weft_text_equal(devices->list[i].id, name) ||
            weft_text_equal(devices->list[i].uuid, name)) {
            return &devices->list[i];
        }
    }
    return NULL;
}

const struct weft_data_item *weft_device_item(
    const struct weft_devices *devices, const struct weft_device *device, struct weft_text name)
{
    for (uint32_t i = 0; device != NULL && i < device->count; i++) {
        const struct weft_data_item *item = &devices->items[device->first + i];
        if (weft_text_equal(item->name, name) || weft_text_equal(item->id, name)) {
            return item;
        }
    }
    return NULL;
}
