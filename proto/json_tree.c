#include "proto/json.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/arith.h"
#include "proto/check.h"
#include "proto/limits.h"

enum {
    POINTER_SIZE = 256
}; /* Of a pointer in a message. */

/* --- looking --------------------------------------------------------------------------------- */

const struct weft_json *weft_json_get(const struct weft_json *object, const char *key)
{
    if (object == NULL || object->type != WEFT_JSON_OBJECT) {
        return NULL;
    }
    struct weft_text name = weft_text_of(key);
    for (const struct weft_json *m = object->first; m != NULL; m = m->next) {
        if (weft_text_equal(m->key, name)) {
            return m;
        }
    }
    return NULL;
}

struct pointer {
    char *text;
    size_t size;
    size_t used;
};

static void pointer_add(struct pointer *p, char c)
{
    if (p->used + 1 < p->size) {
        p->text[p->used++] = c;
    }
}

static void pointer_add_segment(struct pointer *p, const struct weft_json *value)
{
    pointer_add(p, '/');
    if (value->parent->type == WEFT_JSON_ARRAY) {
        char number[16];
        int digits = snprintf(number, sizeof(number), "%u", value->index);
        for (int i = 0; i < digits; i++) {
            pointer_add(p, number[i]);
        }
        return;
    }
    for (size_t i = 0; i < value->key.size; i++) {
        char c = value->key.data[i];
        if (c == '~' || c == '/') {
            pointer_add(p, '~');
            c = c == '~' ? '0' : '1';
        }
        pointer_add(p, c);
    }
}

void weft_json_pointer(const struct weft_json *value, char *ret_pointer, size_t size)
{
    const struct weft_json *steps[WEFT_JSON_DEPTH_MAX + 1];
    uint32_t count = 0;
    struct pointer p = {ret_pointer, size, 0};
    weft_assert(size > 0); /* PRO-1 */
    for (const struct weft_json *v = value; v->parent != NULL; v = v->parent) {
        weft_assert(count <= WEFT_JSON_DEPTH_MAX); /* PRO-5 */
        steps[count++] = v;
    }
    while (count > 0) {
        pointer_add_segment(&p, steps[--count]);
    }
    p.used = weft_text_utf8_prefix((struct weft_text){p.text, p.used});
    p.text[p.used] = '\0';
}

const struct weft_json *weft_json_at(const struct weft_json *value, const char *pointer)
{
    while (*pointer == '/') {
        const char *start = pointer + 1;
        size_t size = strcspn(start, "/");
        char number[16];
        uint32_t index = 0;
        const struct weft_json *child = value->first;
        for (; child != NULL; child = child->next, index++) {
            if (value->type == WEFT_JSON_ARRAY) {
                int digits = snprintf(number, sizeof(number), "%u", index);
                if ((size_t)digits == size && memcmp(number, start, size) == 0) {
                    break;
                }
            } else {
                char whole[POINTER_SIZE];
                weft_json_pointer(child, whole, sizeof(whole));
                const char *last = strrchr(whole, '/');
                if (last != NULL && strlen(last + 1) == size &&
                    memcmp(last + 1, start, size) == 0) {
                    break;
                }
            }
        }
        if (child == NULL) {
            return value;
        }
        value = child;
        pointer = start + size;
    }
    return value;
}

/* --- errors with a place --------------------------------------------------------------------- */

static void without_controls(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

enum weft_err weft_json_place(
    const struct weft_json *at, const char *member, struct weft_msg *msg, enum weft_err err)
{
    char pointer[POINTER_SIZE];
    weft_json_pointer(at, pointer, sizeof(pointer));
    without_controls(pointer);
    return weft_wrap(msg, err, "line %u, column %u (%s%s%s)", at->line, at->column, pointer,
        member != NULL ? "/" : "", member != NULL ? member : "");
}

enum weft_err weft_json_fail(
    const struct weft_json *at, struct weft_msg *msg, enum weft_err err, const char *format, ...)
{
    if (msg != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(msg->text, sizeof(msg->text), format, args);
        va_end(args);
        without_controls(msg->text);
    }
    return weft_json_place(at, NULL, msg, err);
}

static const char *type_name(enum weft_json_type type)
{
    switch (type) {
    case WEFT_JSON_NULL:
        return "null";
    case WEFT_JSON_BOOL:
        return "a boolean";
    case WEFT_JSON_NUMBER:
        return "a number";
    case WEFT_JSON_STRING:
        return "a string";
    case WEFT_JSON_ARRAY:
        return "an array";
    case WEFT_JSON_OBJECT:
        return "an object";
    }
    weft_unreachable("type of a JSON value"); /* PRO-5 */
}

enum weft_err weft_json_expect(
    const struct weft_json *value, enum weft_json_type type, struct weft_msg *msg)
{
    if (value->type == type) {
        return WEFT_OK;
    }
    return weft_json_fail(
        value, msg, WEFT_EINVAL, "must be %s, is %s", type_name(type), type_name(value->type));
}

/* --- writing --------------------------------------------------------------------------------- */

/* The two-byte escape of a byte, or 0. */
static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* How many bytes from `at` on need no escape, rounded down to eight. */
static size_t plain_size(struct weft_text text, size_t at)
{
    size_t start = at;
    while (text.size - at >= 8) {
        uint64_t bytes = weft_get_le64((const uint8_t *)text.data + at);
        if ((weft_bytes_below(bytes, 0x20) | weft_bytes_like(bytes, '"') |
                weft_bytes_like(bytes, '\\')) != 0) {
            break;
        }
        at += 8;
    }
    return at - start;
}

enum weft_err weft_json_quote(struct weft_buffer *out, struct weft_text text)
{
    enum weft_err err = weft_buffer_reserve(out, text.size + 2);
    err = err == WEFT_OK ? weft_buffer_append(out, "\"", 1) : err;
    size_t plain = 0; /* Start of the run that needs no escape. */
    for (size_t i = plain_size(text, 0); i < text.size && err == WEFT_OK; i++) {
        char c = text.data[i];
        if ((unsigned char)c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        char letter = short_escape(c);
        err = weft_buffer_append(out, text.data + plain, i - plain);
        plain = i + 1;
        if (err == WEFT_OK) {
            err = letter != 0 ? weft_buffer_format(out, "\\%c", letter)
                              : weft_buffer_format(out, "\\u%04x", (unsigned)(unsigned char)c);
        }
    }
    if (err == WEFT_OK && text.size > plain) {
        err = weft_buffer_append(out, text.data + plain, text.size - plain);
    }
    return err == WEFT_OK ? weft_buffer_append(out, "\"", 1) : err;
}

static enum weft_err write_children(struct weft_buffer *out, const struct weft_json *value)
{
    bool is_object = value->type == WEFT_JSON_OBJECT;
    enum weft_err err = weft_buffer_append(out, is_object ? "{" : "[", 1);
    for (const struct weft_json *child = value->first; child != NULL && err == WEFT_OK;
         child = child->next) {
        if (child != value->first) {
            err = weft_buffer_append(out, ",", 1);
        }
        if (err == WEFT_OK && is_object) {
            err = weft_json_quote(out, child->key);
            if (err == WEFT_OK) {
                err = weft_buffer_append(out, ":", 1);
            }
        }
        if (err == WEFT_OK) {
            err = weft_json_write(out, child);
        }
    }
    return err == WEFT_OK ? weft_buffer_append(out, is_object ? "}" : "]", 1) : err;
}

enum weft_err weft_json_write(struct weft_buffer *out, const struct weft_json *value)
{
    switch (value->type) {
    case WEFT_JSON_NULL:
        return weft_buffer_append(out, "null", 4);
    case WEFT_JSON_BOOL:
        return weft_buffer_text(out, value->boolean ? WEFT_TEXT("true") : WEFT_TEXT("false"));
    case WEFT_JSON_NUMBER:
        return weft_buffer_text(out, value->text);
    case WEFT_JSON_STRING:
        return weft_json_quote(out, value->text);
    case WEFT_JSON_ARRAY:
    case WEFT_JSON_OBJECT:
        return write_children(out, value);
    }
    weft_unreachable("type of a JSON value"); /* PRO-5 */
}
