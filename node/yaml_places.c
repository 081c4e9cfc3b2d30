#include "node/yaml_places.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* One level of nesting while the events go by. */
struct level {
    char path[WEFT_YAML_PATH_SIZE];
    char key[WEFT_YAML_PATH_SIZE]; /* Mapping: the key whose value comes next; "" before one. */
    yaml_mark_t key_mark;
    uint32_t item; /* Sequence: number of the next one. */
    bool is_sequence;
};

struct reader {
    struct weft_yaml_places *places;
    struct level levels[WEFT_YAML_DEPTH_MAX];
    int depth; /* Levels open. */
    int documents;
};

static enum weft_err fail_at(
    struct weft_msg *msg, yaml_mark_t mark, const char *reason, const char *what)
{
    return weft_fail(msg, WEFT_EINVAL, "%zu:%zu: %s%s%.80s%s", mark.line + 1, mark.column + 1,
        reason, what[0] != '\0' ? " \"" : "", what, what[0] != '\0' ? "\"" : "");
}

/* Path of the value that begins now, and whether it is a key instead (then *ret_is_key). */
static enum weft_err next_path(struct reader *r, yaml_mark_t mark, char *ret_path, size_t size,
    yaml_mark_t *ret_mark, struct weft_msg *msg)
{
    struct level *level = &r->levels[r->depth - 1];
    int used;
    *ret_mark = mark;
    if (level->is_sequence) {
        used = snprintf(ret_path, size, "%s.%u", level->path, level->item++);
    } else {
        used = snprintf(
            ret_path, size, "%s%s%s", level->path, level->path[0] != '\0' ? "." : "", level->key);
        *ret_mark = level->key_mark;
        level->key[0] = '\0';
    }
    return used >= 0 && (size_t)used < size ? WEFT_OK : fail_at(msg, mark, "name too long", "");
}

static enum weft_err add_place(
    struct reader *r, const char *path, yaml_mark_t mark, struct weft_msg *msg)
{
    struct weft_yaml_places *places = r->places;
    if (weft_yaml_places_find(places, path) != NULL) {
        return fail_at(msg, mark, "given twice:", path);
    }
    if (places->count == WEFT_YAML_PLACES_MAX) {
        return fail_at(msg, mark, "too many values", "");
    }
    struct weft_yaml_place *place = &places->places[places->count++];
    (void)snprintf(place->path, sizeof(place->path), "%s", path);
    place->line = (uint32_t)mark.line + 1;
    place->column = (uint32_t)mark.column + 1;
    return WEFT_OK;
}

static bool expects_key(const struct reader *r)
{
    return r->depth > 0 && !r->levels[r->depth - 1].is_sequence &&
           r->levels[r->depth - 1].key[0] == '\0';
}

static enum weft_err on_scalar(struct reader *r, const yaml_event_t *event, struct weft_msg *msg)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (r->depth == 0) {
        return fail_at(msg, event->start_mark, "the file must be a mapping of sections", "");
    }
    if (strlen(text) != size) {
        return fail_at(msg, event->start_mark, "a zero byte", "");
    }
    if (expects_key(r)) {
        struct level *level = &r->levels[r->depth - 1];
        if (size == 0 || size >= sizeof(level->key)) {
            return fail_at(msg, event->start_mark, "a key of bad length", "");
        }
        (void)snprintf(level->key, sizeof(level->key), "%s", text);
        level->key_mark = event->start_mark;
        return WEFT_OK;
    }
    char path[WEFT_YAML_PATH_SIZE];
    yaml_mark_t mark;
    enum weft_err err = next_path(r, event->start_mark, path, sizeof(path), &mark, msg);
    return err == WEFT_OK ? add_place(r, path, mark, msg) : err;
}

static enum weft_err on_start(
    struct reader *r, const yaml_event_t *event, bool is_sequence, struct weft_msg *msg)
{
    char path[WEFT_YAML_PATH_SIZE] = "";
    enum weft_err err = WEFT_OK;
    if (r->depth == 0 && is_sequence) {
        return fail_at(msg, event->start_mark, "the file must be a mapping of sections", "");
    }
    if (expects_key(r)) {
        return fail_at(msg, event->start_mark, "a key must be a plain word", "");
    }
    if (r->depth > 0) {
        yaml_mark_t mark;
        err = next_path(r, event->start_mark, path, sizeof(path), &mark, msg);
        if (err == WEFT_OK) {
            err = add_place(r, path, mark, msg);
        }
    }
    if (err == WEFT_OK && r->depth == WEFT_YAML_DEPTH_MAX) {
        err = fail_at(msg, event->start_mark, "nested too deeply", "");
    }
    if (err == WEFT_OK) {
        struct level *level = &r->levels[r->depth++];
        *level = (struct level){.is_sequence = is_sequence};
        memcpy(level->path, path, sizeof(path));
    }
    return err;
}

static enum weft_err on_event(struct reader *r, const yaml_event_t *event, struct weft_msg *msg)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->documents++ > 0) {
            return fail_at(msg, event->start_mark, "a second document", "");
        }
        return WEFT_OK;
    case YAML_ALIAS_EVENT:
        return fail_at(msg, event->start_mark, "aliases are not supported", "");
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event, msg);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(r, event, true, msg);
    case YAML_MAPPING_START_EVENT:
        return on_start(r, event, false, msg);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        return WEFT_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return WEFT_OK;
    }
    return WEFT_OK;
}

static enum weft_err read_events(yaml_parser_t *parser, struct reader *r, struct weft_msg *msg)
{
    for (;;) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) != 1) {
            const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
            return parser->error == YAML_MEMORY_ERROR
                       ? weft_fail(msg, WEFT_ENOMEM, "no memory")
                       : fail_at(msg, parser->problem_mark, problem, "");
        }
        bool is_end = event.type == YAML_STREAM_END_EVENT;
        enum weft_err err = on_event(r, &event, msg);
        yaml_event_delete(&event);
        if (err != WEFT_OK || is_end) {
            return err;
        }
    }
}

enum weft_err weft_yaml_places_read(
    struct weft_bytes yaml, struct weft_yaml_places *ret_places, struct weft_msg *msg)
{
    struct reader reader = {.places = ret_places};
    yaml_parser_t parser;
    ret_places->count = 0;
    if (yaml.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "1:1: the file is empty");
    }
    if (yaml_parser_initialize(&parser) != 1) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    yaml_parser_set_input_string(&parser, yaml.data, yaml.size);
    enum weft_err err = read_events(&parser, &reader, msg);
    yaml_parser_delete(&parser);
    if (err == WEFT_OK && ret_places->count == 0) {
        err = weft_fail(msg, WEFT_EINVAL, "1:1: the file is empty");
    }
    return err;
}

const struct weft_yaml_place *weft_yaml_places_find(
    const struct weft_yaml_places *places, const char *path)
{
    for (uint32_t i = 0; i < places->count; i++) {
        if (strcmp(places->places[i].path, path) == 0) {
            return &places->places[i];
        }
    }
    return NULL;
}
