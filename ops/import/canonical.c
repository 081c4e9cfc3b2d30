#include "ops/import/canonical.h"

#include "proto/order.h"

static int compare_keys(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_json *const *members = context;
    return weft_text_compare(members[a]->key, members[b]->key);
}

struct writer {
    struct weft_buffer *out;
    struct weft_arena *arena;
    const struct weft_json *left_out; /* The event's "@context"; NULL: none. */
};

static enum weft_err write_canonical(const struct writer *w, const struct weft_json *value);

static enum weft_err write_member(
    const struct writer *w, const struct weft_json *member, const char *separator)
{
    enum weft_err err = weft_buffer_text(w->out, weft_text_of(separator));
    if (err == WEFT_OK) {
        err = weft_json_quote(w->out, member->key);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_append(w->out, ":", 1);
    }
    return err == WEFT_OK ? write_canonical(w, member) : err;
}

/* Members by the bytes of their keys. */
static enum weft_err write_object(const struct writer *w, const struct weft_json *object)
{
    if (object->count > UINT16_MAX) {
        return WEFT_ETOOBIG;
    }
    const struct weft_json **members = weft_arena_array(w->arena, object->count, sizeof(*members));
    uint16_t *index = weft_arena_array(w->arena, 2 * (size_t)object->count, sizeof(*index));
    if (members == NULL || index == NULL) {
        return WEFT_ENOMEM;
    }
    uint32_t n = 0;
    for (const struct weft_json *m = object->first; m != NULL; m = m->next) {
        members[n++] = m;
    }
    weft_order_sort(index, index + n, n, compare_keys, members);
    enum weft_err err = weft_buffer_append(w->out, "{", 1);
    const char *separator = "";
    for (uint32_t i = 0; i < n && err == WEFT_OK; i++) {
        if (members[index[i]] != w->left_out) {
            err = write_member(w, members[index[i]], separator);
            separator = ",";
        }
    }
    return err == WEFT_OK ? weft_buffer_append(w->out, "}", 1) : err;
}

static enum weft_err write_canonical(const struct writer *w, const struct weft_json *value)
{
    if (value->type == WEFT_JSON_OBJECT) {
        return write_object(w, value);
    }
    if (value->type != WEFT_JSON_ARRAY) {
        return weft_json_write(w->out, value);
    }
    enum weft_err err = weft_buffer_append(w->out, "[", 1);
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (v != value->first) {
            err = weft_buffer_append(w->out, ",", 1);
        }
        if (err == WEFT_OK) {
            err = write_canonical(w, v);
        }
    }
    return err == WEFT_OK ? weft_buffer_append(w->out, "]", 1) : err;
}

enum weft_err weft_canonical_write(const struct weft_json *value, const struct weft_json *left_out,
    struct weft_arena *arena, struct weft_buffer *out)
{
    const struct writer w = {out, arena, left_out};
    return write_canonical(&w, value);
}
