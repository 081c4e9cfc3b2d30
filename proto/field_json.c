#include "proto/record_json.h"

#include <stdio.h>

#include "proto/limits.h"

enum {
    FIELDS_CAPACITY_MIN = 8
};

/* --- fields from JSON ------------------------------------------------------------------------ */

/* Capacity follows from the count: nothing but these functions lengthens the array. */
static uint32_t capacity_of(uint32_t count)
{
    uint32_t capacity = FIELDS_CAPACITY_MIN;
    while (capacity < count) {
        capacity *= 2;
    }
    return count == 0 ? 0 : capacity;
}

enum weft_err weft_field_add(struct weft_arena *arena, struct weft_field **ret_fields,
    uint32_t *ret_count, struct weft_field field)
{
    uint32_t count = *ret_count;
    if (count >= WEFT_RECORD_FIELDS_MAX) {
        return WEFT_ETOOBIG;
    }
    if (count == capacity_of(count)) {
        struct weft_field *grown =
            weft_arena_array(arena, capacity_of(count + 1), sizeof(struct weft_field));
        if (grown == NULL) {
            return WEFT_ENOMEM;
        }
        if (count > 0) {
            memcpy(grown, *ret_fields, count * sizeof(struct weft_field));
        }
        *ret_fields = grown;
    }
    (*ret_fields)[count] = field;
    *ret_count = count + 1;
    return WEFT_OK;
}

/* A path while it grows. */
struct path {
    char text[WEFT_PATH_SIZE_MAX];
    size_t size;
};

static bool path_append(struct path *path, const char *data, size_t size)
{
    if (size > sizeof(path->text) - path->size) {
        return false;
    }
    if (size > 0) {
        memcpy(path->text + path->size, data, size);
        path->size += size;
    }
    return true;
}

static bool path_add_name(struct path *path, struct weft_text name)
{
    bool fits = path->size == 0 || path_append(path, "/", 1);
    for (size_t i = 0; i < name.size && fits; i++) {
        char c = name.data[i];
        if (c == '~') {
            fits = path_append(path, "~0", 2);
        } else if (c == '/') {
            fits = path_append(path, "~1", 2);
        } else if (c == '[' && i == 0) {
            fits = path_append(path, "~2", 2);
        } else {
            fits = path_append(path, &c, 1);
        }
    }
    return fits;
}

static bool path_add_element(struct path *path, uint32_t index)
{
    char text[16];
    int size = snprintf(text, sizeof(text), "%s[%u]", path->size > 0 ? "/" : "", index);
    return path_append(path, text, (size_t)size);
}

enum weft_err weft_path_add(struct weft_arena *arena, struct weft_text path, struct weft_text name,
    struct weft_text *ret_path)
{
    struct path grown = {.size = 0};
    if (name.size == 0) {
        return WEFT_EINVAL;
    }
    if (!path_append(&grown, path.data, path.size) || !path_add_name(&grown, name)) {
        return WEFT_ETOOBIG;
    }
    struct weft_text copy = weft_arena_text(arena, (struct weft_text){grown.text, grown.size});
    if (copy.data == NULL) {
        return WEFT_ENOMEM;
    }
    *ret_path = copy;
    return WEFT_OK;
}

struct flattener {
    struct weft_arena *arena;
    struct weft_field *fields;
    uint32_t count;
    struct path path;
    struct weft_msg *msg;
};

static struct weft_field field_of_scalar(const struct weft_json *value)
{
    struct weft_field field = {.type = WEFT_VALUE_NULL};
    switch (value->type) {
    case WEFT_JSON_NULL:
        break;
    case WEFT_JSON_BOOL:
        field.type = WEFT_VALUE_BOOL;
        field.value = value->boolean ? WEFT_TEXT("true") : WEFT_TEXT("false");
        break;
    case WEFT_JSON_NUMBER: {
        bool is_real = memchr(value->text.data, '.', value->text.size) != NULL ||
                       memchr(value->text.data, 'e', value->text.size) != NULL ||
                       memchr(value->text.data, 'E', value->text.size) != NULL;
        field.type = is_real ? WEFT_VALUE_REAL : WEFT_VALUE_INT;
        field.value = value->text;
        break;
    }
    case WEFT_JSON_STRING:
        field.type = WEFT_VALUE_TEXT;
        field.value = value->text;
        break;
    case WEFT_JSON_ARRAY:
        field.type = WEFT_VALUE_EMPTY_ARRAY;
        break;
    case WEFT_JSON_OBJECT:
        field.type = WEFT_VALUE_EMPTY_OBJECT;
        break;
    }
    return field;
}

static enum weft_err add_scalar(struct flattener *f, const struct weft_json *value)
{
    if (f->path.size == 0) {
        return weft_json_fail(value, f->msg, WEFT_EINVAL, "a value needs a name");
    }
    struct weft_field field = field_of_scalar(value);
    field.path = weft_arena_text(f->arena, (struct weft_text){f->path.text, f->path.size});
    if (field.path.data == NULL) {
        return weft_json_fail(value, f->msg, WEFT_ENOMEM, "out of memory for attributes");
    }
    enum weft_err err = weft_field_add(f->arena, &f->fields, &f->count, field);
    if (err == WEFT_ETOOBIG) {
        return weft_json_fail(
            value, f->msg, err, "more than %d attributes", WEFT_RECORD_FIELDS_MAX);
    }
    return err == WEFT_OK ? WEFT_OK
                          : weft_json_fail(value, f->msg, err, "out of memory for attributes");
}

/* Depth is bounded by the parser's. */
static enum weft_err flatten(struct flattener *f, const struct weft_json *value)
{
    size_t size = f->path.size;
    uint32_t index = 0;
    if (value->first == NULL) {
        return add_scalar(f, value);
    }
    for (const struct weft_json *child = value->first; child != NULL; child = child->next) {
        bool is_array = value->type == WEFT_JSON_ARRAY;
        if (!is_array && child->key.size == 0) {
            return weft_json_fail(child, f->msg, WEFT_EINVAL, "a name is empty");
        }
        bool fits =
            is_array ? path_add_element(&f->path, index) : path_add_name(&f->path, child->key);
        if (!fits) {
            return weft_json_fail(
                child, f->msg, WEFT_ETOOBIG, "path is over %d bytes", WEFT_PATH_SIZE_MAX);
        }
        enum weft_err err = flatten(f, child);
        if (err != WEFT_OK) {
            return err;
        }
        f->path.size = size;
        index++;
    }
    return WEFT_OK;
}

enum weft_err weft_fields_from_json(const struct weft_json *value, struct weft_text path,
    struct weft_arena *arena, struct weft_field **ret_fields, uint32_t *ret_count,
    struct weft_msg *msg)
{
    struct flattener f = {.arena = arena, .fields = *ret_fields, .count = *ret_count, .msg = msg};
    if (!path_append(&f.path, path.data, path.size)) {
        return weft_json_fail(
            value, msg, WEFT_ETOOBIG, "path is over %d bytes", WEFT_PATH_SIZE_MAX);
    }
    enum weft_err err = flatten(&f, value);
    *ret_fields = f.fields;
    *ret_count = f.count;
    return err;
}

/* --- fields to JSON -------------------------------------------------------------------------- */

/* What one segment of the paths stands for. */
struct node {
    struct weft_text segment;       /* As in the path. */
    const struct weft_field *field; /* NULL: it has children. */
    struct node *first;
    struct node *last;
    struct node *next;
    uint32_t index; /* In an array. */
};

static bool is_element(struct weft_text segment)
{
    return segment.size > 0 && segment.data[0] == '[';
}

static bool read_index(struct weft_text segment, uint32_t *ret_index)
{
    uint32_t index = 0;
    if (segment.size < 3 || segment.size > 7 || segment.data[segment.size - 1] != ']') {
        return false;
    }
    for (size_t i = 1; i < segment.size - 1; i++) {
        if (segment.data[i] < '0' || segment.data[i] > '9') {
            return false;
        }
        index = index * 10 + (uint32_t)(segment.data[i] - '0');
    }
    *ret_index = index;
    return true;
}

static struct node *find_child(const struct node *parent, struct weft_text segment)
{
    /* Fields of one object stand together as a rule: the newest child first. */
    if (parent->last != NULL && weft_text_equal(parent->last->segment, segment)) {
        return parent->last;
    }
    uint32_t index;
    if (parent->last != NULL && is_element(segment) && read_index(segment, &index) &&
        index > parent->last->index) {
        return NULL; /* Elements stand by number: there is none behind the last. */
    }
    for (struct node *child = parent->first; child != NULL; child = child->next) {
        if (weft_text_equal(child->segment, segment)) {
            return child;
        }
    }
    return NULL;
}

/* Members in the order they come, elements by number. */
static void insert_child(struct node *parent, struct node *child)
{
    struct node *before = parent->last;
    if (before != NULL && is_element(child->segment) && before->index > child->index) {
        before = NULL;
        for (struct node *n = parent->first; n != NULL && n->index < child->index; n = n->next) {
            before = n;
        }
    }
    child->next = before != NULL ? before->next : parent->first;
    if (before != NULL) {
        before->next = child;
    } else {
        parent->first = child;
    }
    if (child->next == NULL) {
        parent->last = child;
    }
}

/* `elements_max`: what withheld elements may at most be made up for. */
static enum weft_err add_child(struct node *parent, struct weft_text segment, uint32_t elements_max,
    struct weft_arena *arena, struct node **ret_child)
{
    if (parent->field != NULL || segment.size == 0 ||
        (parent->first != NULL && is_element(parent->first->segment) != is_element(segment))) {
        return WEFT_EMALFORMED;
    }
    struct node *child = weft_arena_alloc(arena, sizeof(*child));
    if (child == NULL) {
        return WEFT_ENOMEM;
    }
    child->segment = segment;
    if (is_element(segment) &&
        (!read_index(segment, &child->index) || child->index >= elements_max)) {
        return WEFT_EMALFORMED;
    }
    insert_child(parent, child);
    *ret_child = child;
    return WEFT_OK;
}

static enum weft_err add_field(struct node *root, const struct weft_field *field,
    uint32_t elements_max, struct weft_arena *arena)
{
    struct node *node = root;
    size_t start = 0;
    if (field->path.size > WEFT_PATH_SIZE_MAX) {
        return WEFT_EMALFORMED;
    }
    while (start <= field->path.size) {
        const char *p = field->path.data + start;
        size_t left = field->path.size - start;
        const char *slash = left > 0 ? memchr(p, '/', left) : NULL;
        struct weft_text segment = {p, slash != NULL ? (size_t)(slash - p) : left};
        struct node *child = find_child(node, segment);
        if (child == NULL) {
            enum weft_err err = add_child(node, segment, elements_max, arena, &child);
            if (err != WEFT_OK) {
                return err;
            }
        } else if (slash == NULL) {
            return WEFT_EMALFORMED;
        }
        node = child;
        start += segment.size + 1;
    }
    node->field = field;
    return WEFT_OK;
}

/* What is no value: nobody can write it as one. */
static enum weft_err write_redacted(struct weft_text leaf, struct weft_buffer *out)
{
    enum weft_err err = weft_buffer_text(out, WEFT_TEXT("{\"@redacted\":"));
    if (err == WEFT_OK) {
        err = weft_json_quote(out, leaf);
    }
    return err == WEFT_OK ? weft_buffer_append(out, "}", 1) : err;
}

static enum weft_err write_scalar(const struct weft_field *field, struct weft_buffer *out)
{
    switch (field->type) {
    case WEFT_VALUE_NULL:
        return weft_buffer_append(out, "null", 4);
    case WEFT_VALUE_BOOL:
    case WEFT_VALUE_INT:
    case WEFT_VALUE_REAL:
        return weft_buffer_text(out, field->value);
    case WEFT_VALUE_TEXT:
        return weft_json_quote(out, field->value);
    case WEFT_VALUE_EMPTY_OBJECT:
        return weft_buffer_append(out, "{}", 2);
    case WEFT_VALUE_EMPTY_ARRAY:
        return weft_buffer_append(out, "[]", 2);
    case WEFT_VALUE_REDACTED:
        return write_redacted(field->value, out);
    }
    return WEFT_EMALFORMED;
}

/* "key": with the segment's escapes undone. */
static enum weft_err write_key(struct weft_text segment, struct weft_buffer *out)
{
    char key[WEFT_PATH_SIZE_MAX];
    size_t size = 0;
    for (size_t i = 0; i < segment.size; i++) {
        char c = segment.data[i];
        if (c == '~' && i + 1 < segment.size) {
            char next = segment.data[++i];
            c = next == '0' ? '~' : next == '1' ? '/' : '[';
        }
        key[size++] = c;
    }
    enum weft_err err = weft_json_quote(out, (struct weft_text){key, size});
    return err == WEFT_OK ? weft_buffer_append(out, ":", 1) : err;
}

/* Depth is bounded: a path of 255 bytes has at most 128 segments. */
static enum weft_err write_node(const struct node *node, struct weft_buffer *out)
{
    if (node->field != NULL) {
        return write_scalar(node->field, out);
    }
    bool is_array = node->first != NULL && is_element(node->first->segment);
    enum weft_err err = weft_buffer_append(out, is_array ? "[" : "{", 1);
    uint32_t index = 0;
    for (const struct node *n = node->first; n != NULL && err == WEFT_OK; n = n->next) {
        for (; is_array && index < n->index && err == WEFT_OK; index++) {
            err = weft_buffer_text(out, WEFT_TEXT("null,"));
        }
        if (err == WEFT_OK && !is_array) {
            err = write_key(n->segment, out);
        }
        if (err == WEFT_OK) {
            err = write_node(n, out);
        }
        if (err == WEFT_OK && n->next != NULL) {
            err = weft_buffer_append(out, ",", 1);
        }
        index++;
    }
    return err == WEFT_OK ? weft_buffer_append(out, is_array ? "]" : "}", 1) : err;
}

enum weft_err weft_fields_to_json(const struct weft_field *fields, uint32_t field_count,
    struct weft_arena *arena, struct weft_buffer *out)
{
    struct node root = {.field = NULL};
    /* A record has no more fields, so none of its arrays has more elements; a document may. */
    uint32_t elements_max =
        field_count > WEFT_RECORD_FIELDS_MAX ? field_count : WEFT_RECORD_FIELDS_MAX;
    for (uint32_t i = 0; i < field_count; i++) {
        enum weft_err err = add_field(&root, &fields[i], elements_max, arena);
        if (err != WEFT_OK) {
            return err;
        }
    }
    return write_node(&root, out);
}
