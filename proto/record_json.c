#include "proto/record_json.h"

#include "proto/arith.h"
#include "proto/limits.h"
#include "proto/time.h"

enum {
    POINTER_SIZE = 256,  /* As weft_record_check gives it. */
    NAME_SHOWN_MAX = 64, /* Bytes of a name in a message. */
};

/* --- record from JSON ------------------------------------------------------------------------ */

static enum weft_err unknown_member(const struct weft_json *member, struct weft_msg *msg)
{
    size_t size = weft_text_utf8_prefix((struct weft_text){
        member->key.data, member->key.size < NAME_SHOWN_MAX ? member->key.size : NAME_SHOWN_MAX});
    return weft_json_fail(
        member, msg, WEFT_EINVAL, "unknown member \"%.*s\"", (int)size, member->key.data);
}

struct context {
    struct weft_arena *arena;
    struct weft_record *record;
    struct weft_msg *msg;
};

static enum weft_err read_text(
    const struct weft_json *value, struct weft_text *ret_text, struct weft_msg *msg)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, msg);
    if (err == WEFT_OK) {
        *ret_text = value->text;
    }
    return err;
}

/* Attributes of a record or link: an object, perhaps empty. */
static enum weft_err read_attrs(const struct context *c, const struct weft_json *value,
    const struct weft_field **ret_fields, uint32_t *ret_count)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_OBJECT, c->msg);
    struct weft_field *fields = NULL;
    uint32_t count = 0;
    if (err == WEFT_OK && value->first != NULL) {
        err = weft_fields_from_json(
            value, (struct weft_text){NULL, 0}, c->arena, &fields, &count, c->msg);
    }
    if (err == WEFT_OK) {
        *ret_fields = fields;
        *ret_count = count;
    }
    return err;
}

static enum weft_err read_kind(struct context *c, const struct weft_json *value)
{
    return read_text(value, &c->record->kind, c->msg);
}

static enum weft_err read_asset(struct context *c, const struct weft_json *value)
{
    return read_text(value, &c->record->asset, c->msg);
}

static enum weft_err read_source(struct context *c, const struct weft_json *value)
{
    return read_text(value, &c->record->source, c->msg);
}

static enum weft_err read_author(struct context *c, const struct weft_json *value)
{
    return weft_json_fail(
        value, c->msg, WEFT_EINVAL, "the author is who commits the record: it cannot be given");
}

static enum weft_err read_at(struct context *c, const struct weft_json *value)
{
    struct weft_text text;
    enum weft_err err = read_text(value, &text, c->msg);
    if (err == WEFT_OK) {
        err = weft_time_parse(text, &c->record->at_ns, c->msg);
        if (err != WEFT_OK) {
            return weft_json_place(value, NULL, c->msg, err);
        }
        c->record->has_at = true;
    }
    return err;
}

static enum weft_err read_record_attrs(struct context *c, const struct weft_json *value)
{
    return read_attrs(c, value, &c->record->fields, &c->record->field_count);
}

static enum weft_err read_link(
    struct context *c, const struct weft_json *value, struct weft_link *ret_link)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_OBJECT, c->msg);
    if (err != WEFT_OK) {
        return err;
    }
    bool has_rel = false, has_to = false;
    for (const struct weft_json *m = value->first; m != NULL && err == WEFT_OK; m = m->next) {
        if (weft_text_is(m->key, "rel")) {
            err = read_text(m, &ret_link->rel, c->msg);
            has_rel = true;
        } else if (weft_text_is(m->key, "to")) {
            err = read_text(m, &ret_link->to, c->msg);
            has_to = true;
        } else if (weft_text_is(m->key, "attrs")) {
            err = read_attrs(c, m, &ret_link->fields, &ret_link->field_count);
        } else {
            err = unknown_member(m, c->msg);
        }
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (!has_rel || !has_to) {
        (void)weft_fail(c->msg, WEFT_EINVAL, "is missing");
        return weft_json_place(value, has_rel ? "to" : "rel", c->msg, WEFT_EINVAL);
    }
    return WEFT_OK;
}

static enum weft_err read_links(struct context *c, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_ARRAY, c->msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (value->count > WEFT_RECORD_LINKS_MAX) {
        return weft_json_fail(value, c->msg, WEFT_ETOOBIG, "%u links, at most %d", value->count,
            WEFT_RECORD_LINKS_MAX);
    }
    struct weft_link *links = weft_arena_array(c->arena, value->count, sizeof(*links));
    if (links == NULL) {
        return weft_json_fail(value, c->msg, WEFT_ENOMEM, "out of memory for links");
    }
    uint32_t n = 0;
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = read_link(c, v, &links[n++]);
    }
    c->record->links = links;
    c->record->link_count = n;
    return err;
}

static enum weft_err read_rev(struct context *c, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_NUMBER, c->msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_text_number(value->text, &c->record->expect_rev)) {
        return weft_json_fail(value, c->msg, WEFT_EINVAL, "must be a revision: 0 or more");
    }
    c->record->has_expect = true;
    return WEFT_OK;
}

static enum weft_err read_expect(struct context *c, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_OBJECT, c->msg);
    for (const struct weft_json *m = value->first; m != NULL && err == WEFT_OK; m = m->next) {
        err = weft_text_is(m->key, "rev") ? read_rev(c, m) : unknown_member(m, c->msg);
    }
    if (err == WEFT_OK && !c->record->has_expect) {
        (void)weft_fail(c->msg, WEFT_EINVAL, "is missing");
        return weft_json_place(value, "rev", c->msg, WEFT_EINVAL);
    }
    return err;
}

static enum weft_err read_member(struct context *c, const struct weft_json *member)
{
    static const struct {
        const char *name;
        enum weft_err (*read)(struct context *c, const struct weft_json *value);
    } readers[] = {
        {"kind", read_kind},
        {"asset", read_asset},
        {"at", read_at},
        {"source", read_source},
        {"author", read_author},
        {"attrs", read_record_attrs},
        {"links", read_links},
        {"expect", read_expect},
    };
    for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
        if (weft_text_is(member->key, readers[i].name)) {
            return readers[i].read(c, member);
        }
    }
    return unknown_member(member, c->msg);
}

enum weft_err weft_record_from_json(const struct weft_json *object, struct weft_arena *arena,
    struct weft_record *ret_record, struct weft_msg *msg)
{
    struct weft_record record = {.has_at = false};
    struct context c = {arena, &record, msg};
    enum weft_err err = weft_json_expect(object, WEFT_JSON_OBJECT, msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (const struct weft_json *m = object->first; m != NULL; m = m->next) {
        err = read_member(&c, m);
        if (err != WEFT_OK) {
            return err;
        }
    }
    const char *missing = weft_json_get(object, "kind") == NULL    ? "kind"
                          : weft_json_get(object, "asset") == NULL ? "asset"
                                                                   : NULL;
    if (missing != NULL) {
        (void)weft_fail(msg, WEFT_EINVAL, "is missing");
        return weft_json_place(object, missing, msg, WEFT_EINVAL);
    }
    char pointer[POINTER_SIZE];
    err = weft_record_check(&record, pointer, msg);
    if (err != WEFT_OK) {
        return weft_json_place(weft_json_at(object, pointer), NULL, msg, err);
    }
    *ret_record = record;
    return WEFT_OK;
}

/* --- record to JSON -------------------------------------------------------------------------- */

/* Steps of a longer text: the first error stays, later steps do nothing. */
struct writer {
    struct weft_buffer *out;
    struct weft_arena *arena;
    enum weft_err err;
};

static void put_raw(struct writer *w, const char *z)
{
    if (w->err == WEFT_OK) {
        w->err = weft_buffer_text(w->out, weft_text_of(z));
    }
}

static void put_quoted(struct writer *w, const char *name, struct weft_text value)
{
    put_raw(w, name);
    if (w->err == WEFT_OK) {
        w->err = weft_json_quote(w->out, value);
    }
}

static void put_number(struct writer *w, const char *name, uint64_t value)
{
    put_raw(w, name);
    if (w->err == WEFT_OK) {
        w->err = weft_buffer_format(w->out, "%llu", (unsigned long long)value);
    }
}

static void put_attrs(struct writer *w, const struct weft_field *fields, uint32_t count)
{
    if (count > 0) {
        put_raw(w, ",\"attrs\":");
        if (w->err == WEFT_OK) {
            w->err = weft_fields_to_json(fields, count, w->arena, w->out);
        }
    }
}

static void put_links(struct writer *w, const struct weft_record *record)
{
    for (uint32_t i = 0; i < record->link_count; i++) {
        const struct weft_link *link = &record->links[i];
        put_quoted(w, i == 0 ? ",\"links\":[{\"rel\":" : ",{\"rel\":", link->rel);
        put_quoted(w, ",\"to\":", link->to);
        put_attrs(w, link->fields, link->field_count);
        put_raw(w, "}");
    }
    if (record->link_count > 0) {
        put_raw(w, "]");
    }
}

static void put_place(struct writer *w, const struct weft_stored_record *stored)
{
    char time[WEFT_TIME_TEXT_SIZE], digest[WEFT_DIGEST_TEXT_SIZE];
    weft_time_format(stored->time_ns, time);
    weft_digest_format(&stored->digest, digest);
    put_number(w, ",\"index\":", stored->index);
    put_quoted(w, ",\"time\":", weft_text_of(time));
    put_quoted(w, ",\"digest\":", weft_text_of(digest));
}

enum weft_err weft_record_to_json(const struct weft_record *record,
    const struct weft_stored_record *stored, struct weft_arena *arena, struct weft_buffer *out)
{
    struct writer w = {out, arena, WEFT_OK};
    put_quoted(&w, "{\"kind\":", record->kind);
    put_quoted(&w, ",\"asset\":", record->asset);
    if (record->has_at) {
        char at[WEFT_TIME_TEXT_SIZE];
        weft_time_format(record->at_ns, at);
        put_quoted(&w, ",\"at\":", weft_text_of(at));
    }
    if (record->source.size > 0) {
        put_quoted(&w, ",\"source\":", record->source);
    }
    if (record->author.size > 0) {
        put_quoted(&w, ",\"author\":", record->author);
    }
    put_attrs(&w, record->fields, record->field_count);
    put_links(&w, record);
    if (record->has_expect) {
        put_number(&w, ",\"expect\":{\"rev\":", record->expect_rev);
        put_raw(&w, "}");
    }
    if (stored != NULL) {
        put_place(&w, stored);
    }
    put_raw(&w, "}");
    return w.err;
}
