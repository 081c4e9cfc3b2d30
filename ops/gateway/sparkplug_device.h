/* ops/gateway/sparkplug_device.h: one device of one edge node, as its messages tell of it.
 *
 * Values count from a birth on, until a death or a gap in the sequence numbers: then nothing is
 * known of the machine, and its edge node is asked to be born again (Sparkplug 3.0.0, 5.4 to 5.16).
 * Only metrics that are configured are looked at. Pure: topics and payloads in, values out. */
#ifndef WEFT_OPS_GATEWAY_SPARKPLUG_DEVICE_H
#define WEFT_OPS_GATEWAY_SPARKPLUG_DEVICE_H

#include "ops/gateway/sparkplug.h"
#include "policy/command/demand.h"

enum {
    WEFT_SPARKPLUG_TRACKED_MAX = 64,
    WEFT_SPARKPLUG_NAME_SIZE = 256,
};

/* A metric that is read, or written. */
struct weft_sparkplug_tracked {
    char name[WEFT_SPARKPLUG_NAME_SIZE]; /* In Sparkplug. */
    char path[WEFT_SPARKPLUG_NAME_SIZE]; /* A field's; "": it is only written. */
    char unit[WEFT_SCALAR_UNIT_SIZE_MAX + 1];
    bool is_born; /* Its birth told datatype and alias. */
    uint32_t datatype;
    bool has_alias;
    uint64_t alias;
    bool is_known; /* It has a value. */
    struct weft_scalar value;
    char word[WEFT_SCALAR_WORD_SIZE_MAX + 1]; /* Of a value that is one. */
    int64_t at_ms;
    uint64_t updates; /* Since the start. */
};

struct weft_sparkplug_device {
    struct weft_text group, node, device; /* Borrowed for good. */
    uint32_t count;
    struct weft_sparkplug_tracked tracked[WEFT_SPARKPLUG_TRACKED_MAX];
    bool is_node_born;
    bool is_born;
    uint8_t seq; /* Of the last message. */
    bool has_bd_seq;
    uint64_t bd_seq;
};

/* What a message meant. */
enum weft_sparkplug_news {
    WEFT_SPARKPLUG_NOTHING,
    WEFT_SPARKPLUG_CHANGED, /* Values, or whether there are any. */
    WEFT_SPARKPLUG_ASK,     /* Its edge node is to be born again. */
};

/* `path` and `unit` may be empty. NULL: too many, or too long. A name that is there gets path and
 * unit. */
struct weft_sparkplug_tracked *weft_sparkplug_track(struct weft_sparkplug_device *device,
    struct weft_text name, struct weft_text path, struct weft_text unit);
struct weft_sparkplug_tracked *weft_sparkplug_find(
    struct weft_sparkplug_device *device, struct weft_text name);

enum weft_sparkplug_news weft_sparkplug_hear(struct weft_sparkplug_device *device,
    const struct weft_sparkplug_topic *topic, const struct weft_sparkplug_payload *payload,
    int64_t now_ms);
/* The connection is gone: nothing is known. */
void weft_sparkplug_forget(struct weft_sparkplug_device *device);
/* Values that are known, at most WEFT_SPARKPLUG_TRACKED_MAX; texts borrow. */
uint32_t weft_sparkplug_readings(
    const struct weft_sparkplug_device *device, struct weft_reading *ret_readings);

#endif
