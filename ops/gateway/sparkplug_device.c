#include "ops/gateway/sparkplug_device.h"

#include <stdio.h>

struct weft_sparkplug_tracked *weft_sparkplug_find(
    struct weft_sparkplug_device *device, struct weft_text name)
{
    for (uint32_t i = 0; i < device->count; i++) {
        if (weft_text_is(name, device->tracked[i].name)) {
            return &device->tracked[i];
        }
    }
    return NULL;
}

struct weft_sparkplug_tracked *weft_sparkplug_track(struct weft_sparkplug_device *device,
    struct weft_text name, struct weft_text path, struct weft_text unit)
{
    struct weft_sparkplug_tracked *tracked = weft_sparkplug_find(device, name);
    if (name.size == 0 || name.size >= sizeof(tracked->name) ||
        path.size >= sizeof(tracked->path) || unit.size >= sizeof(tracked->unit)) {
        return NULL;
    }
    if (tracked == NULL) {
        if (device->count == WEFT_SPARKPLUG_TRACKED_MAX) {
            return NULL;
        }
        tracked = &device->tracked[device->count++];
        *tracked = (struct weft_sparkplug_tracked){.is_born = false};
        memcpy(tracked->name, name.data, name.size);
    }
    if (path.size > 0) {
        memcpy(tracked->path, path.data, path.size);
        tracked->path[path.size] = '\0';
        if (unit.size > 0) {
            memcpy(tracked->unit, unit.data, unit.size);
        }
        tracked->unit[unit.size] = '\0';
    }
    return tracked;
}

/* --- life ------------------------------------------------------------------------------------ */

static void lose_device(struct weft_sparkplug_device *device)
{
    device->is_born = false;
    for (uint32_t i = 0; i < device->count; i++) {
        device->tracked[i].is_born = device->tracked[i].is_known = false;
        device->tracked[i].has_alias = false;
    }
}

void weft_sparkplug_forget(struct weft_sparkplug_device *device)
{
    lose_device(device);
    device->is_node_born = false;
    device->has_bd_seq = false;
}

static bool find_bd_seq(const struct weft_sparkplug_payload *payload, uint64_t *ret_bd_seq)
{
    for (uint32_t i = 0; i < payload->metric_count; i++) {
        const struct weft_sparkplug_metric *metric = &payload->metrics[i];
        if (weft_text_is(metric->name, "bdSeq") && metric->value == WEFT_SPARKPLUG_INTEGER) {
            *ret_bd_seq = metric->integer;
            return true;
        }
    }
    return false;
}

/* --- values ---------------------------------------------------------------------------------- */

static struct weft_sparkplug_tracked *find_metric(
    struct weft_sparkplug_device *device, const struct weft_sparkplug_metric *metric)
{
    if (metric->name.size > 0) {
        return weft_sparkplug_find(device, metric->name);
    }
    for (uint32_t i = 0; i < device->count && metric->has_alias; i++) {
        if (device->tracked[i].has_alias && device->tracked[i].alias == metric->alias) {
            return &device->tracked[i];
        }
    }
    return NULL;
}

/* When it was so: as the machine says, or when it came, if its clock is ahead of ours. */
static void take_value(struct weft_sparkplug_tracked *tracked,
    const struct weft_sparkplug_metric *metric, int64_t now_ms)
{
    int64_t at_ms = metric->time_ms == 0 || metric->time_ms > (uint64_t)now_ms
                        ? now_ms
                        : (int64_t)metric->time_ms;
    if (metric->is_historical || (tracked->is_known && at_ms < tracked->at_ms)) {
        return; /* Of the past. */
    }
    tracked->updates++;
    tracked->at_ms = at_ms;
    bool is_number =
        metric->value == WEFT_SPARKPLUG_INTEGER || metric->value == WEFT_SPARKPLUG_REAL;
    struct weft_text unit = tracked->path[0] != '\0' ? weft_text_of(tracked->unit)
                            : is_number              ? WEFT_TEXT("1")
                                                     : WEFT_TEXT("");
    tracked->is_known = weft_sparkplug_read(metric, tracked->datatype, unit, &tracked->value);
    if (tracked->is_known && tracked->value.type == WEFT_SCALAR_WORD) {
        memcpy(tracked->word, tracked->value.word.data, tracked->value.word.size);
        tracked->value.word.data = tracked->word;
    }
}

static void take_birth(struct weft_sparkplug_device *device,
    const struct weft_sparkplug_payload *payload, int64_t now_ms)
{
    lose_device(device);
    device->is_born = true;
    for (uint32_t i = 0; i < payload->metric_count; i++) {
        const struct weft_sparkplug_metric *metric = &payload->metrics[i];
        struct weft_sparkplug_tracked *tracked = weft_sparkplug_find(device, metric->name);
        if (tracked != NULL) {
            tracked->is_born = true;
            tracked->datatype = metric->datatype;
            tracked->has_alias = metric->has_alias;
            tracked->alias = metric->alias;
            take_value(tracked, metric, now_ms);
        }
    }
}

static void take_data(struct weft_sparkplug_device *device,
    const struct weft_sparkplug_payload *payload, int64_t now_ms)
{
    for (uint32_t i = 0; i < payload->metric_count; i++) {
        struct weft_sparkplug_tracked *tracked = find_metric(device, &payload->metrics[i]);
        if (tracked != NULL && tracked->is_born) {
            take_value(tracked, &payload->metrics[i], now_ms);
        }
    }
}

/* --- messages -------------------------------------------------------------------------------- */

static enum weft_sparkplug_news hear_node_birth(
    struct weft_sparkplug_device *device, const struct weft_sparkplug_payload *payload)
{
    weft_sparkplug_forget(device);
    if (!payload->has_seq || payload->seq > 255) {
        return WEFT_SPARKPLUG_ASK;
    }
    device->is_node_born = true;
    device->seq = (uint8_t)payload->seq;
    device->has_bd_seq = find_bd_seq(payload, &device->bd_seq);
    return WEFT_SPARKPLUG_CHANGED;
}

/* A death of an earlier life (5.9.1: its bdSeq is not that of the birth) says nothing. */
static enum weft_sparkplug_news hear_node_death(
    struct weft_sparkplug_device *device, const struct weft_sparkplug_payload *payload)
{
    uint64_t bd_seq = 0;
    bool has = find_bd_seq(payload, &bd_seq);
    if (has && device->has_bd_seq && bd_seq != device->bd_seq) {
        return WEFT_SPARKPLUG_NOTHING;
    }
    weft_sparkplug_forget(device);
    return WEFT_SPARKPLUG_CHANGED;
}

enum weft_sparkplug_news weft_sparkplug_hear(struct weft_sparkplug_device *device,
    const struct weft_sparkplug_topic *topic, const struct weft_sparkplug_payload *payload,
    int64_t now_ms)
{
    if (!weft_text_equal(topic->group, device->group) ||
        !weft_text_equal(topic->node, device->node)) {
        return WEFT_SPARKPLUG_NOTHING;
    }
    bool is_data = weft_text_is(topic->type, "DDATA"),
         is_death = weft_text_is(topic->type, "DDEATH");
    bool is_birth = weft_text_is(topic->type, "DBIRTH");
    if (weft_text_is(topic->type, "NBIRTH")) {
        return hear_node_birth(device, payload);
    }
    if (weft_text_is(topic->type, "NDEATH")) {
        return hear_node_death(device, payload);
    }
    if (!is_data && !is_death && !is_birth && !weft_text_is(topic->type, "NDATA")) {
        return WEFT_SPARKPLUG_NOTHING; /* A command, of ours or of somebody else. */
    }
    /* 6.4.6: one more than the last, 0 behind 255, over all of the edge node's messages. */
    if (!device->is_node_born || !payload->has_seq ||
        payload->seq != (uint64_t)(uint8_t)(device->seq + 1)) {
        weft_sparkplug_forget(device);
        return WEFT_SPARKPLUG_ASK;
    }
    device->seq++;
    if (!weft_text_equal(topic->device, device->device)) {
        return WEFT_SPARKPLUG_NOTHING;
    }
    if (is_birth) {
        take_birth(device, payload, now_ms);
    } else if (is_death) {
        lose_device(device);
    } else if (!device->is_born) {
        return WEFT_SPARKPLUG_ASK;
    } else {
        take_data(device, payload, now_ms);
    }
    return WEFT_SPARKPLUG_CHANGED;
}

uint32_t weft_sparkplug_readings(
    const struct weft_sparkplug_device *device, struct weft_reading *ret_readings)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < device->count; i++) {
        const struct weft_sparkplug_tracked *tracked = &device->tracked[i];
        if (tracked->is_known && tracked->path[0] != '\0') {
            ret_readings[count++] = (struct weft_reading){
                weft_text_of(tracked->path), tracked->value, tracked->at_ms * 1000000};
        }
    }
    return count;
}
