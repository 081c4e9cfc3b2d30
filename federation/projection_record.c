/* A projection against the contract's mask, as far as it is a record again, and as a text. */
#include <stdio.h>

#include "federation/projection.h"
#include "proto/arith.h"
#include "proto/time.h"

/* --- links: text(rel) text(to) be32(fields), then text(path) type text(value) of each ----------
 */

struct cursor {
    struct weft_text rest;
    bool is_bad;
};

static uint32_t take_be32(struct cursor *c)
{
    if (c->is_bad || c->rest.size < 4) {
        c->is_bad = true;
        return 0;
    }
    uint32_t number = weft_get_be32((const uint8_t *)c->rest.data);
    c->rest.data += 4;
    c->rest.size -= 4;
    return number;
}

static struct weft_text take(struct cursor *c, uint32_t size)
{
    if (c->is_bad || c->rest.size < size) {
        c->is_bad = true;
        return (struct weft_text){"", 0};
    }
    struct weft_text text = {c->rest.data, size};
    c->rest.data += size;
    c->rest.size -= size;
    return text;
}

static struct weft_text take_text(struct cursor *c)
{
    uint32_t size = take_be32(c);
    return take(c, size);
}

/* Rel and target alone, for masks; the fields with them if there is an arena. */
static enum weft_err take_link(
    struct weft_text value, struct weft_arena *arena, struct weft_link *ret_link)
{
    struct cursor c = {value, false};
    struct weft_link link = {.rel = take_text(&c)};
    link.to = take_text(&c);
    uint32_t count = take_be32(&c);
    if (c.is_bad || count > WEFT_RECORD_FIELDS_MAX || !weft_name_is_valid(link.rel) ||
        link.rel.size > WEFT_REL_SIZE_MAX || !weft_asset_is_valid(link.to)) {
        return WEFT_EMALFORMED;
    }
    struct weft_field *fields =
        arena != NULL ? weft_arena_array(arena, count, sizeof(*fields)) : NULL;
    if (arena != NULL && fields == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < count && !c.is_bad; i++) {
        struct weft_field field = {.path = take_text(&c)};
        struct weft_text type = take(&c, 1);
        field.value = take_text(&c);
        field.type =
            type.size == 1 ? (enum weft_value_type)(uint8_t)type.data[0] : WEFT_VALUE_TYPES;
        c.is_bad = c.is_bad || (unsigned)field.type >= WEFT_VALUE_TYPES ||
                   !weft_text_is_utf8(field.path) || !weft_text_is_utf8(field.value);
        if (fields != NULL) {
            fields[i] = field;
        }
    }
    if (c.is_bad || c.rest.size > 0) {
        return WEFT_EMALFORMED;
    }
    link.fields = fields;
    link.field_count = fields != NULL ? count : 0;
    *ret_link = link;
    return WEFT_OK;
}

/* --- the mask -------------------------------------------------------------------------------- */

/* FED-6 */
static bool is_as_masked(const struct weft_contract_side *side, struct weft_text kind,
    const struct weft_projection_item *item)
{
    char path[sizeof("@link/") + WEFT_REL_SIZE_MAX];
    bool is_link = weft_text_starts(item->path, "@link/");
    if (item->shape == WEFT_PROJECTION_BLIND) {
        return weft_contract_can(side, kind, WEFT_HIDDEN);
    }
    if (item->shape == WEFT_PROJECTION_ERASED) {
        return !is_link && weft_contract_disclosure(side, kind, item->path) != WEFT_HIDDEN;
    }
    if (item->shape == WEFT_PROJECTION_NAMED && is_link) {
        return weft_contract_can(side, kind, WEFT_COMMITTED); /* Its rel is not to be seen. */
    }
    if (item->shape == WEFT_PROJECTION_NAMED) {
        return weft_contract_disclosure(side, kind, item->path) == WEFT_COMMITTED;
    }
    struct weft_link link;
    if (!is_link) {
        /* Of what is committed it may tell more: whose it is may disclose it. */
        return weft_contract_disclosure(side, kind, item->path) != WEFT_HIDDEN;
    }
    if (take_link(item->value, NULL, &link) != WEFT_OK) {
        return false;
    }
    int size = snprintf(path, sizeof(path), "@link/%.*s", (int)link.rel.size, link.rel.data);
    return weft_contract_disclosure(side, kind,
               (struct weft_text){path, (size_t)(size > 0 ? size : 0)}) == WEFT_DISCLOSED;
}

enum weft_err weft_projection_check_mask(const struct weft_projection *projection,
    const struct weft_contract_side *side, struct weft_msg *msg)
{
    for (uint32_t i = 0; i < projection->item_count; i++) {
        const struct weft_projection_item *item = &projection->items[i];
        if (!is_as_masked(side, projection->header.kind, item)) {
            return weft_fail(msg, WEFT_EREFUSED, "\"%.*s\" is %s, and the mask says otherwise",
                (int)item->path.size, item->path.size > 0 ? item->path.data : "",
                item->shape == WEFT_PROJECTION_SHOWN    ? "disclosed"
                : item->shape == WEFT_PROJECTION_NAMED  ? "committed"
                : item->shape == WEFT_PROJECTION_ERASED ? "erased"
                                                        : "hidden");
        }
    }
    return WEFT_OK;
}

/* --- a record -------------------------------------------------------------------------------- */

/* One of "@at", "@author", "@source". */
static enum weft_err take_reserved(
    const struct weft_projection_item *item, struct weft_record *record, struct weft_msg *msg)
{
    if (weft_text_is(item->path, "@author")) {
        record->author = item->value;
    } else if (weft_text_is(item->path, "@source")) {
        record->source = item->value;
    } else if (!weft_text_is(item->path, "@at") ||
               weft_time_parse(item->value, &record->at_ns, NULL) != WEFT_OK) {
        return weft_fail(msg, WEFT_EMALFORMED, "\"%.*s\" is nothing that a record has",
            (int)item->path.size, item->path.data);
    } else {
        record->has_at = true;
    }
    return WEFT_OK;
}

enum weft_err weft_projection_record(const struct weft_projection *projection,
    struct weft_arena *arena, struct weft_record *ret_record, struct weft_msg *msg)
{
    struct weft_record record = {
        .kind = projection->header.kind, .asset = projection->asset, .has_at = false};
    struct weft_field *fields = weft_arena_array(arena, projection->item_count, sizeof(*fields));
    struct weft_link *links = weft_arena_array(arena, projection->item_count, sizeof(*links));
    if (fields == NULL || links == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a record");
    }
    for (uint32_t i = 0; i < projection->item_count; i++) {
        const struct weft_projection_item *item = &projection->items[i];
        enum weft_err err = WEFT_OK;
        if (item->shape != WEFT_PROJECTION_SHOWN) {
            continue;
        }
        if (item->type == WEFT_LEAF_LINK) {
            err = take_link(item->value, arena, &links[record.link_count++]);
            err = err == WEFT_OK ? err : weft_fail(msg, err, "a link that is none");
        } else if (item->path.data[0] == '@') {
            err = take_reserved(item, &record, msg);
        } else {
            fields[record.field_count++] =
                (struct weft_field){item->path, item->value, (enum weft_value_type)item->type};
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    record.fields = fields;
    record.links = links;
    *ret_record = record;
    return WEFT_OK;
}

/* --- a text ---------------------------------------------------------------------------------- */

/* The first failure stays. */
static void put_hex(struct weft_buffer *out, const void *data, size_t size, enum weft_err *err)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    *err = *err == WEFT_OK ? weft_buffer_reserve(out, 2 * size) : *err;
    for (size_t i = 0; i < size && *err == WEFT_OK; i++) {
        out->data[out->size++] = (uint8_t)digits[bytes[i] >> 4];
        out->data[out->size++] = (uint8_t)digits[bytes[i] & 15];
    }
}

static void put(struct weft_buffer *out, const char *text, enum weft_err *err)
{
    *err = *err == WEFT_OK ? weft_buffer_text(out, weft_text_of(text)) : *err;
}

/* As proto hashes it: 00, salt, be32(size of the path), path, type, value. */
static void put_shown(
    struct weft_buffer *out, const struct weft_projection_item *item, enum weft_err *err)
{
    uint8_t size[4];
    weft_put_be32(size, (uint32_t)item->path.size);
    put(out, "shown 00", err);
    put_hex(out, item->salt.bytes, WEFT_SALT_SIZE, err);
    put_hex(out, size, sizeof(size), err);
    put_hex(out, item->path.data, item->path.size, err);
    put_hex(out, &item->type, 1, err);
    put_hex(out, item->value.data, item->value.size, err);
}

static void put_line(
    struct weft_buffer *out, const struct weft_projection_item *item, enum weft_err *err)
{
    switch (item->shape) {
    case WEFT_PROJECTION_SHOWN:
        put_shown(out, item, err);
        break;
    case WEFT_PROJECTION_NAMED:
    case WEFT_PROJECTION_ERASED:
        put(out, item->shape == WEFT_PROJECTION_NAMED ? "named " : "erased ", err);
        put_hex(out, item->hash.bytes, WEFT_DIGEST_SIZE, err);
        put(out, " ", err);
        put_hex(out, item->path.data, item->path.size, err);
        break;
    case WEFT_PROJECTION_BLIND:
        *err = *err == WEFT_OK ? weft_buffer_format(out, "blind %u ", item->height) : *err;
        put_hex(out, item->hash.bytes, WEFT_DIGEST_SIZE, err);
        break;
    }
    put(out, "\n", err);
}

enum weft_err weft_projection_format(
    const struct weft_projection *projection, struct weft_buffer *out)
{
    const size_t before = out->size;
    struct weft_buffer header = {.size_max = WEFT_STATEMENT_HEADER_SIZE_MAX};
    enum weft_err err = weft_statement_header_encode(&projection->header, &header);
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "weft-statement/v1\nasset %.*s\nheader ",
            (int)projection->asset.size, projection->asset.data);
    }
    put_hex(out, header.data, header.size, &err);
    put(out, "\n", &err);
    for (uint32_t i = 0; i < projection->item_count; i++) {
        put_line(out, &projection->items[i], &err);
    }
    weft_buffer_destroy(&header);
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}
