/* ops/import/mtconnect_devices.h: an MTConnect device model: what an adapter's items mean. */
#ifndef WEFT_OPS_IMPORT_MTCONNECT_DEVICES_H
#define WEFT_OPS_IMPORT_MTCONNECT_DEVICES_H

#include <stdbool.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_DEVICES_MAX = 4096,
    WEFT_DATA_ITEMS_MAX = 256 * 1024,
    WEFT_DEVICES_SIZE_MAX = 16 * 1024 * 1024, /* of the model as XML; chosen */
};

enum weft_data_category {
    WEFT_CATEGORY_OTHER,
    WEFT_CATEGORY_SAMPLE,
    WEFT_CATEGORY_EVENT,
    WEFT_CATEGORY_CONDITION,
};

struct weft_data_item {
    struct weft_text id, name; /* An adapter names an item by either. */
    struct weft_text type, sub_type;
    struct weft_text unit; /* UCUM where there is one, else as the model has it. */
    enum weft_data_category category;
};

struct weft_device {
    struct weft_text id, name, uuid;
    struct weft_text manufacturer, model;
    uint32_t first, count; /* Of its data items. */
};

struct weft_devices {
    struct weft_arena arena;
    struct weft_device *list;
    struct weft_data_item *items;
    uint32_t count, item_count;
};

/* An MTConnectDevices document, 1.1 to 2.x. WEFT_EMALFORMED, WEFT_EINVAL (another document, a
 * device or item without a name), WEFT_ETOOBIG: "line L, column C (/path): reason"; WEFT_ENOMEM.
 * On failure nothing is held. */
WEFT_MUST_USE enum weft_err weft_devices_read(
    struct weft_text xml, struct weft_devices *ret_devices, struct weft_msg *msg);
void weft_devices_destroy(struct weft_devices *devices);

/* By name, else by id, else by UUID. NULL: there is none. */
const struct weft_device *weft_devices_find(
    const struct weft_devices *devices, struct weft_text name);
const struct weft_data_item *weft_device_item(
    const struct weft_devices *devices, const struct weft_device *device, struct weft_text name);

#endif
