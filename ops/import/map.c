#include "ops/import/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/limits.h"
#include "proto/time.h"

enum {
    TREE_SIZE_MAX = 32 * 1024 * 1024,
};

/* --- reading --------------------------------------------------------------------------------- */

enum what {
    TEXT,
    PATTERN
};

static enum weft_err read_text(struct weft_map *map, const struct weft_json *value, enum what what,
    struct weft_text *ret_text, struct weft_msg *msg)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (value->text.size > WEFT_ASSET_SIZE_MAX) {
        return weft_json_fail(value, msg, WEFT_ETOOBIG, "is %zu bytes, at most %d",
            value->text.size, WEFT_ASSET_SIZE_MAX);
    }
    if (what == PATTERN) {
        err = weft_pattern_check(value->text, msg);
        if (err != WEFT_OK) {
            return weft_json_place(value, NULL, msg, err);
        }
    }
    *ret_text = weft_arena_text(&map->arena, value->text);
    return ret_text->data != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "no memory for a map");
}

/* {"PATTERN": "NAME", ...}, in order. */
static enum weft_err read_parts(
    struct weft_map *map, const struct weft_json *value, struct weft_msg *msg)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_OBJECT, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (value->count > WEFT_MAP_RULES_MAX) {
        return weft_json_fail(
            value, msg, WEFT_ETOOBIG, "has %u rules, at most %d", value->count, WEFT_MAP_RULES_MAX);
    }
    struct weft_map_rule *rules = weft_arena_array(&map->arena, value->count, sizeof(*rules));
    if (rules == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a map");
    }
    uint32_t count = 0;
    for (const struct weft_json *v = value->first; v != NULL; v = v->next) {
        err = weft_pattern_check(v->key, msg);
        if (err != WEFT_OK) {
            return weft_json_place(v, NULL, msg, err);
        }
        err = read_text(map, v, TEXT, &rules[count].name, msg);
        if (err != WEFT_OK) {
            return err;
        }
        rules[count].pattern = weft_arena_text(&map->arena, v->key);
        if (rules[count++].pattern.data == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "no memory for a map");
        }
    }
    map->parts = rules;
    map->part_count = count;
    return WEFT_OK;
}

/* "Z" or "+01:00", as a time with it must parse. */
static enum weft_err check_zone(
    const struct weft_map *map, const struct weft_json *value, struct weft_msg *msg)
{
    char text[64];
    int64_t ns;
    (void)snprintf(text, sizeof(text), "2000-01-01T00:00:00%.*s",
        (int)(map->zone.size < 20 ? map->zone.size : 20), map->zone.data);
    enum weft_err err = weft_time_parse(weft_text_of(text), &ns, msg);
    return err == WEFT_OK ? err
                          : weft_json_fail(value, msg, WEFT_EINVAL, "is not a zone: Z or +hh:mm");
}

static enum weft_err read_members(
    struct weft_map *map, const struct weft_json *root, struct weft_msg *msg)
{
    const struct {
        const char *name;
        enum what what;
        struct weft_text *text;
    } members[] = {
        {"organization", TEXT, &map->organization},
        {"inspection", TEXT, &map->inspection},
        {"serial", PATTERN, &map->serial},
        {"file", PATTERN, &map->file},
        {"time", PATTERN, &map->time},
        {"zone", TEXT, &map->zone},
        {"unit", PATTERN, &map->unit_asset},
        {"part_type", PATTERN, &map->part_asset},
        {"machine", PATTERN, &map->machine_asset},
        {"linear_unit", TEXT, &map->linear_unit},
        {"angular_unit", TEXT, &map->angular_unit},
    };
    enum weft_err err = weft_json_expect(root, WEFT_JSON_OBJECT, msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (const struct weft_json *v = root->first; v != NULL; v = v->next) {
        size_t i = 0, count = sizeof(members) / sizeof(members[0]);
        while (i < count && !weft_text_is(v->key, members[i].name)) {
            i++;
        }
        if (weft_text_is(v->key, "parts")) {
            err = read_parts(map, v, msg);
        } else if (i == count) {
            err = weft_json_fail(v, msg, WEFT_EINVAL, "unknown member of a map");
        } else {
            err = read_text(map, v, members[i].what, members[i].text, msg);
        }
        if (err == WEFT_OK && weft_text_is(v->key, "zone")) {
            err = check_zone(map, v, msg);
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

enum weft_err weft_map_read(struct weft_text text, struct weft_map *ret_map, struct weft_msg *msg)
{
    struct weft_arena tree = {.size_max = TREE_SIZE_MAX};
    struct weft_json *root;
    struct weft_map map = {.arena = {.size_max = 4 * WEFT_MAP_SIZE_MAX},
        .unit_asset = WEFT_TEXT("serial:{part}/{number}"),
        .part_asset = WEFT_TEXT("part:{part}"),
        .machine_asset = WEFT_TEXT("machine:{machine}"),
        .zone = WEFT_TEXT("Z")};
    enum weft_err err = WEFT_OK;
    if (text.size > WEFT_MAP_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "line 1, column 1 (): a map is %zu bytes, at most %d",
            text.size, WEFT_MAP_SIZE_MAX);
    }
    if (text.size > 0) {
        err = weft_json_parse(text, 1, &tree, &root, msg);
        err = err == WEFT_OK ? read_members(&map, root, msg) : err;
    }
    weft_arena_destroy(&tree);
    if (err != WEFT_OK) {
        weft_arena_destroy(&map.arena);
        return err;
    }
    *ret_map = map;
    return WEFT_OK;
}

void weft_map_destroy(struct weft_map *map)
{
    weft_arena_destroy(&map->arena);
    *map = (struct weft_map){.part_count = 0};
}

/* --- asking ---------------------------------------------------------------------------------- */

struct weft_text weft_map_part(const struct weft_map *map, struct weft_text part)
{
    for (uint32_t i = 0; i < map->part_count; i++) {
        struct weft_captures captures = {.count = 0};
        if (weft_pattern_fits(map->parts[i].pattern, part, &captures)) {
            return map->parts[i].name;
        }
    }
    return part;
}

static int number(const struct weft_captures *captures, const char *name, int otherwise)
{
    struct weft_text text = weft_captured(captures, name);
    int value = 0;
    if (text.size == 0 || text.size > 4) {
        return text.size == 0 ? otherwise : -1;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

/* 1 to 12 with AM or PM, as hour of the day. */
static int hour_of(const struct weft_captures *captures)
{
    int hour = number(captures, "hour", 0);
    struct weft_text half = weft_captured(captures, "ampm");
    if (half.size == 0) {
        return hour;
    }
    bool is_pm = weft_text_is(half, "PM") || weft_text_is(half, "pm");
    if (hour < 1 || hour > 12 ||
        (!is_pm && !weft_text_is(half, "AM") && !weft_text_is(half, "am"))) {
        return -1;
    }
    return hour % 12 + (is_pm ? 12 : 0);
}

bool weft_map_time(const struct weft_map *map, struct weft_text name, int64_t *ret_ns)
{
    struct weft_captures captures = {.count = 0};
    char text[96];
    if (map->time.size == 0 || !weft_pattern_fits(map->time, name, &captures)) {
        return false;
    }
    int year = number(&captures, "year", -1), month = number(&captures, "month", -1);
    int day = number(&captures, "day", -1), hour = hour_of(&captures);
    int minute = number(&captures, "minute", 0), second = number(&captures, "second", 0);
    if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) {
        return false;
    }
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%.*s", year, month, day, hour,
        minute, second, (int)map->zone.size, map->zone.data);
    return weft_time_parse(weft_text_of(text), ret_ns, NULL) == WEFT_OK;
}
