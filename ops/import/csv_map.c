#include "ops/import/csv_map.h"

#include "proto/limits.h"
#include "proto/record_json.h"
#include "proto/time.h"

struct reader {
    struct weft_csv_map *map;
    struct weft_arena *arena;
    struct weft_msg *msg;
};

static enum weft_err no_memory(struct reader *r, const struct weft_json *at)
{
    return weft_json_fail(at, r->msg, WEFT_ENOMEM, "out of memory for the mapping");
}

static enum weft_err refuse_unknown(
    struct reader *r, const struct weft_json *object, const char *const *known)
{
    enum weft_err err = weft_json_expect(object, WEFT_JSON_OBJECT, r->msg);
    for (const struct weft_json *v = object->first; v != NULL && err == WEFT_OK; v = v->next) {
        size_t i = 0;
        while (known[i] != NULL && !weft_text_is(v->key, known[i])) {
            i++;
        }
        if (known[i] == NULL) {
            err = weft_json_fail(v, r->msg, WEFT_EINVAL, "unknown member of a mapping");
        }
    }
    return err;
}

/* A member that is a text; unchanged if there is none. */
static enum weft_err read_text(
    struct reader *r, const struct weft_json *object, const char *name, struct weft_text *ret_text)
{
    const struct weft_json *member = weft_json_get(object, name);
    if (member == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_json_expect(member, WEFT_JSON_STRING, r->msg);
    if (err == WEFT_OK) {
        *ret_text = member->text;
    }
    return err;
}

static enum weft_err read_bool(
    struct reader *r, const struct weft_json *object, const char *name, bool *ret_bool)
{
    const struct weft_json *member = weft_json_get(object, name);
    if (member == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_json_expect(member, WEFT_JSON_BOOL, r->msg);
    if (err == WEFT_OK) {
        *ret_bool = member->boolean;
    }
    return err;
}

/* --- templates ------------------------------------------------------------------------------- */

static enum weft_err name_column(
    struct reader *r, const struct weft_json *at, struct weft_text name, uint32_t *ret_column)
{
    struct weft_csv_map *map = r->map;
    for (uint32_t i = 0; i < map->column_count; i++) {
        if (weft_text_equal(map->columns[i].name, name)) {
            *ret_column = i;
            return WEFT_OK;
        }
    }
    if (name.size == 0) {
        return weft_json_fail(at, r->msg, WEFT_EINVAL, "names no column");
    }
    if (map->column_count == WEFT_CSV_COLUMNS_MAX) {
        return weft_json_fail(
            at, r->msg, WEFT_ETOOBIG, "more than %d columns", WEFT_CSV_COLUMNS_MAX);
    }
    struct weft_csv_column *column = &map->columns[map->column_count];
    column->name = name;
    weft_json_pointer(at, column->pointer, sizeof(column->pointer));
    *ret_column = map->column_count++;
    return WEFT_OK;
}

/* The end of the piece that begins at `at`: a literal, or "{Column}". "{{" is a brace. */
static size_t piece_end(struct weft_text text, size_t at)
{
    if (text.data[at] == '{' && at + 1 < text.size && text.data[at + 1] == '{') {
        return at + 2;
    }
    const char *end = text.data[at] == '{' ? memchr(text.data + at, '}', text.size - at)
                                           : memchr(text.data + at, '{', text.size - at);
    if (end == NULL) {
        return text.size;
    }
    return (size_t)(end - text.data) + (text.data[at] == '{' ? 1 : 0);
}

static enum weft_err read_template(
    struct reader *r, const struct weft_json *at, struct weft_csv_template *ret_template)
{
    enum weft_err err = weft_json_expect(at, WEFT_JSON_STRING, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text text = at->text;
    struct weft_csv_template t = {
        .pieces = weft_arena_array(r->arena, text.size + 1, sizeof(*t.pieces))};
    if (t.pieces == NULL) {
        return no_memory(r, at);
    }
    for (size_t i = 0; i < text.size && err == WEFT_OK;) {
        size_t end = piece_end(text, i);
        struct weft_csv_piece *piece = &t.pieces[t.count++];
        if (text.data[i] != '{') {
            piece->literal = (struct weft_text){text.data + i, end - i};
        } else if (end == i + 2 && text.data[i + 1] == '{') {
            piece->literal = (struct weft_text){text.data + i, 1};
        } else if (text.data[end - 1] != '}') {
            err = weft_json_fail(at, r->msg, WEFT_EINVAL, "'{' without '}'");
        } else {
            piece->is_column = true;
            err = name_column(
                r, at, (struct weft_text){text.data + i + 1, end - i - 2}, &piece->column);
        }
        i = end;
    }
    *ret_template = t;
    return err;
}

/* A column alone. */
static enum weft_err read_column(
    struct reader *r, const struct weft_json *at, struct weft_csv_template *ret_template)
{
    enum weft_err err = weft_json_expect(at, WEFT_JSON_STRING, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_csv_piece *piece = weft_arena_alloc(r->arena, sizeof(*piece));
    if (piece == NULL) {
        return no_memory(r, at);
    }
    piece->is_column = true;
    *ret_template = (struct weft_csv_template){piece, 1};
    return name_column(r, at, at->text, &piece->column);
}

/* --- values ---------------------------------------------------------------------------------- */

static enum weft_err read_type(
    struct reader *r, const struct weft_json *object, enum weft_csv_type *ret_type)
{
    static const char *const names[] = {"text", "int", "real", "number", "bool", "time"};
    struct weft_text name = WEFT_TEXT("text");
    enum weft_err err = read_text(r, object, "type", &name);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && err == WEFT_OK; i++) {
        if (weft_text_is(name, names[i])) {
            *ret_type = (enum weft_csv_type)i;
            return WEFT_OK;
        }
    }
    return err == WEFT_OK ? weft_json_fail(weft_json_get(object, "type"), r->msg, WEFT_EINVAL,
                                "must be text, int, real, number, bool or time")
                          : err;
}

static enum weft_err read_decimal(
    struct reader *r, const struct weft_json *object, char *ret_decimal)
{
    struct weft_text decimal = WEFT_TEXT(".");
    enum weft_err err = read_text(r, object, "decimal", &decimal);
    if (err != WEFT_OK) {
        return err;
    }
    if (decimal.size != 1 || (decimal.data[0] != '.' && decimal.data[0] != ',')) {
        return weft_json_fail(
            weft_json_get(object, "decimal"), r->msg, WEFT_EINVAL, "must be \".\" or \",\"");
    }
    *ret_decimal = decimal.data[0];
    return WEFT_OK;
}

static bool is_zone(struct weft_text zone)
{
    int64_t ns;
    char text[64] = "2000-01-01T00:00:00";
    size_t used = strlen(text);
    if (zone.size == 0 || zone.size > 6) {
        return zone.size == 0;
    }
    memcpy(text + used, zone.data, zone.size);
    return weft_time_parse((struct weft_text){text, used + zone.size}, &ns, NULL) == WEFT_OK;
}

/* A year of two digits is of no century. */
static bool is_format(struct weft_text format)
{
    static const char *const parts[] = {"YYYY", "MM", "DD"};
    bool is_good = true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && format.size > 0; i++) {
        is_good = is_good && memmem(format.data, format.size, parts[i], strlen(parts[i])) != NULL;
    }
    return is_good;
}

/* "Column" for short, or {"column" or "template": ..., "type", "unit", ...}. */
static enum weft_err read_value(
    struct reader *r, const struct weft_json *at, struct weft_csv_value *ret_value)
{
    static const char *const known[] = {
        "column", "template", "type", "unit", "format", "zone", "decimal", "required", NULL};
    struct weft_csv_value value = {.decimal = '.'};
    enum weft_err err = WEFT_OK;
    if (at->type == WEFT_JSON_STRING) {
        err = read_column(r, at, &value.from);
        *ret_value = value;
        return err;
    }
    err = refuse_unknown(r, at, known);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *column = weft_json_get(at, "column");
    const struct weft_json *template = weft_json_get(at, "template");
    if ((column == NULL) == (template == NULL)) {
        return weft_json_fail(
            at, r->msg, WEFT_EINVAL, "must have either \"column\" or \"template\"");
    }
    err = column != NULL ? read_column(r, column, &value.from)
                         : read_template(r, template, &value.from);
    err = err == WEFT_OK ? read_type(r, at, &value.type) : err;
    err = err == WEFT_OK ? read_text(r, at, "unit", &value.unit) : err;
    err = err == WEFT_OK ? read_text(r, at, "format", &value.format) : err;
    err = err == WEFT_OK ? read_text(r, at, "zone", &value.zone) : err;
    err = err == WEFT_OK ? read_decimal(r, at, &value.decimal) : err;
    err = err == WEFT_OK ? read_bool(r, at, "required", &value.is_required) : err;
    if (err == WEFT_OK && !is_zone(value.zone)) {
        return weft_json_fail(
            weft_json_get(at, "zone"), r->msg, WEFT_EINVAL, "must be Z or an offset like +01:00");
    }
    if (err == WEFT_OK && !is_format(value.format)) {
        return weft_json_fail(weft_json_get(at, "format"), r->msg, WEFT_EINVAL,
            "must have YYYY, MM and DD, as in \"DD.MM.YYYY hh:mm:ss\"");
    }
    *ret_value = value;
    return err;
}

static enum weft_err read_attrs(struct reader *r, const struct weft_json *object,
    struct weft_csv_value **ret_values, uint32_t *ret_count)
{
    enum weft_err err = weft_json_expect(object, WEFT_JSON_OBJECT, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_values = weft_arena_array(r->arena, object->count, sizeof(**ret_values));
    if (*ret_values == NULL) {
        return no_memory(r, object);
    }
    for (const struct weft_json *v = object->first; v != NULL && err == WEFT_OK; v = v->next) {
        struct weft_csv_value *value = &(*ret_values)[(*ret_count)++];
        err = read_value(r, v, value);
        if (err == WEFT_OK) {
            err = weft_path_add(r->arena, (struct weft_text){NULL, 0}, v->key, &value->path);
            if (err != WEFT_OK) {
                return weft_json_fail(v, r->msg, err, "its name is empty or too long");
            }
        }
    }
    return err;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum weft_err read_link(
    struct reader *r, const struct weft_json *object, struct weft_csv_link *link)
{
    static const char *const known[] = {"rel", "to", "attrs", "required", NULL};
    enum weft_err err = refuse_unknown(r, object, known);
    err = err == WEFT_OK ? read_text(r, object, "rel", &link->rel) : err;
    if (err == WEFT_OK && !weft_name_is_valid(link->rel)) {
        return weft_json_fail(object, r->msg, WEFT_EINVAL, "must have a \"rel\" of a-z 0-9 _ . -");
    }
    const struct weft_json *to = weft_json_get(object, "to");
    const struct weft_json *attrs = weft_json_get(object, "attrs");
    if (err == WEFT_OK && to == NULL) {
        return weft_json_fail(object, r->msg, WEFT_EINVAL, "must have a \"to\"");
    }
    err = err == WEFT_OK ? read_template(r, to, &link->to) : err;
    err = err == WEFT_OK ? read_bool(r, object, "required", &link->is_required) : err;
    return err == WEFT_OK && attrs != NULL ? read_attrs(r, attrs, &link->attrs, &link->attr_count)
                                           : err;
}

static enum weft_err read_links(struct reader *r, const struct weft_json *list)
{
    struct weft_csv_map *map = r->map;
    enum weft_err err = weft_json_expect(list, WEFT_JSON_ARRAY, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    map->links = weft_arena_array(r->arena, list->count, sizeof(*map->links));
    if (map->links == NULL) {
        return no_memory(r, list);
    }
    for (const struct weft_json *v = list->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = read_link(r, v, &map->links[map->link_count++]);
    }
    return err;
}

static enum weft_err read_nothing(struct reader *r, const struct weft_json *list)
{
    struct weft_csv_map *map = r->map;
    enum weft_err err = weft_json_expect(list, WEFT_JSON_ARRAY, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    map->nothing = weft_arena_array(r->arena, list->count, sizeof(*map->nothing));
    if (map->nothing == NULL) {
        return no_memory(r, list);
    }
    for (const struct weft_json *v = list->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = weft_json_expect(v, WEFT_JSON_STRING, r->msg);
        map->nothing[map->nothing_count++] = v->text;
    }
    return err;
}

static enum weft_err read_delimiter(struct reader *r, const struct weft_json *root)
{
    struct weft_text delimiter = WEFT_TEXT(",");
    enum weft_err err = read_text(r, root, "delimiter", &delimiter);
    if (err != WEFT_OK) {
        return err;
    }
    char c = delimiter.size == 1 ? delimiter.data[0] : '"';
    if (c == '"' || c == '\n' || c == '\r' || (c & 0x80) != 0) {
        return weft_json_fail(weft_json_get(root, "delimiter"), r->msg, WEFT_EINVAL,
            "must be one character, such as \";\" or \"\\t\"");
    }
    r->map->delimiter = c;
    return WEFT_OK;
}

static enum weft_err read_required(struct reader *r, const struct weft_json *root, const char *name,
    struct weft_csv_template *ret_template)
{
    const struct weft_json *member = weft_json_get(root, name);
    return member != NULL ? read_template(r, member, ret_template)
                          : weft_json_fail(root, r->msg, WEFT_EINVAL, "must have \"%s\"", name);
}

static enum weft_err read_root(struct reader *r, const struct weft_json *root)
{
    static const char *const known[] = {
        "kind", "asset", "at", "attrs", "links", "delimiter", "nothing", NULL};
    struct weft_csv_map *map = r->map;
    const struct weft_json *at = weft_json_get(root, "at"), *attrs = weft_json_get(root, "attrs");
    const struct weft_json *links = weft_json_get(root, "links");
    const struct weft_json *nothing = weft_json_get(root, "nothing");
    enum weft_err err = refuse_unknown(r, root, known);
    err = err == WEFT_OK ? read_delimiter(r, root) : err;
    err = err == WEFT_OK ? read_required(r, root, "kind", &map->kind) : err;
    err = err == WEFT_OK ? read_required(r, root, "asset", &map->asset) : err;
    if (err == WEFT_OK && at != NULL) {
        err = read_value(r, at, &map->at);
        map->at.type = WEFT_CSV_TIME;
        map->has_at = true;
    }
    err =
        err == WEFT_OK && attrs != NULL ? read_attrs(r, attrs, &map->attrs, &map->attr_count) : err;
    err = err == WEFT_OK && links != NULL ? read_links(r, links) : err;
    return err == WEFT_OK && nothing != NULL ? read_nothing(r, nothing) : err;
}

enum weft_err weft_csv_map_read(struct weft_text text, struct weft_arena *arena,
    struct weft_csv_map *ret_map, struct weft_msg *msg)
{
    struct weft_json *root = NULL;
    struct weft_csv_map map = {.delimiter = ','};
    struct reader r = {&map, arena, msg};
    enum weft_err err = weft_json_parse(text, 1, arena, &root, msg);
    if (err == WEFT_OK) {
        map.columns = weft_arena_array(arena, WEFT_CSV_COLUMNS_MAX, sizeof(*map.columns));
        err = map.columns != NULL ? read_root(&r, root) : no_memory(&r, root);
    }
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "mapping");
    }
    *ret_map = map;
    return WEFT_OK;
}
