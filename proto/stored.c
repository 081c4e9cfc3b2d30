#include "proto/stored.h"

#include "proto/check.h"
#include "proto/octets.h"

/* --- writing --------------------------------------------------------------------------------- */

static uint8_t *put_fields(uint8_t *p, const struct weft_field *fields, uint32_t count)
{
    p = weft_put_varint(p, count);
    for (uint32_t i = 0; i < count; i++) {
        *p++ = (uint8_t)fields[i].type;
        p = weft_octets_put_text(p, fields[i].path);
        p = weft_octets_put_text(p, fields[i].value);
    }
    return p;
}

static size_t fields_bound(const struct weft_field *fields, uint32_t count)
{
    size_t bound = WEFT_VARINT_SIZE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        bound += 1 + 2 * WEFT_VARINT_SIZE_MAX + fields[i].path.size + fields[i].value.size;
    }
    return bound;
}

static size_t record_bound(const struct weft_record *r)
{
    size_t bound = WEFT_DIGEST_SIZE + 8 + 5 * WEFT_VARINT_SIZE_MAX + r->kind.size + r->asset.size +
                   r->author.size + r->source.size + fields_bound(r->fields, r->field_count);
    for (uint32_t i = 0; i < r->link_count; i++) {
        bound += 2 * WEFT_VARINT_SIZE_MAX + r->links[i].rel.size + r->links[i].to.size +
                 fields_bound(r->links[i].fields, r->links[i].field_count);
    }
    return bound;
}

enum weft_err weft_stored_encode(
    const struct weft_record *record, const struct weft_digest *digest, struct weft_buffer *out)
{
    weft_assert(record->has_at); /* PRO-12 */
    size_t bound = record_bound(record);
    enum weft_err rv = weft_buffer_reserve(out, bound);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint8_t *start = out->data + out->size;
    uint8_t *p = start;
    memcpy(p, digest->bytes, WEFT_DIGEST_SIZE);
    p += WEFT_DIGEST_SIZE;
    weft_put_le64(p, (uint64_t)record->at_ns);
    p = weft_octets_put_text(p + 8, record->kind);
    p = weft_octets_put_text(p, record->asset);
    p = weft_octets_put_text(p, record->author);
    p = weft_octets_put_text(p, record->source);
    p = put_fields(p, record->fields, record->field_count);
    p = weft_put_varint(p, record->link_count);
    for (uint32_t i = 0; i < record->link_count; i++) {
        p = weft_octets_put_text(p, record->links[i].rel);
        p = weft_octets_put_text(p, record->links[i].to);
        p = put_fields(p, record->links[i].fields, record->links[i].field_count);
    }
    weft_assert((size_t)(p - start) <= bound); /* PRO-12 */
    out->size += (size_t)(p - start);
    return WEFT_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static enum weft_err get_fields(struct weft_octets *r, struct weft_arena *arena,
    const struct weft_field **ret_fields, uint32_t *ret_count)
{
    uint32_t count = weft_octets_count(r, 3);
    struct weft_field *fields = weft_arena_array(arena, count, sizeof(*fields));
    if (fields == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < count && !r->is_bad; i++) {
        const uint8_t *type = weft_octets_bytes(r, 1);
        if (type == NULL || *type > WEFT_VALUE_REDACTED) {
            return WEFT_ECORRUPT;
        }
        fields[i].type = (enum weft_value_type) * type;
        fields[i].path = weft_octets_text(r);
        fields[i].value = weft_octets_text(r);
    }
    *ret_fields = fields;
    *ret_count = count;
    return r->is_bad ? WEFT_ECORRUPT : WEFT_OK;
}

static enum weft_err get_links(
    struct weft_octets *r, struct weft_arena *arena, struct weft_record *record)
{
    uint32_t count = weft_octets_count(r, 3);
    struct weft_link *links = weft_arena_array(arena, count, sizeof(*links));
    if (links == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        links[i].rel = weft_octets_text(r);
        links[i].to = weft_octets_text(r);
        enum weft_err rv = get_fields(r, arena, &links[i].fields, &links[i].field_count);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    record->links = links;
    record->link_count = count;
    return r->is_bad ? WEFT_ECORRUPT : WEFT_OK;
}

static bool get_head(struct weft_octets *r, struct weft_stored_head *ret_head)
{
    const uint8_t *digest = weft_octets_bytes(r, WEFT_DIGEST_SIZE);
    const uint8_t *at = weft_octets_bytes(r, 8);
    if (digest == NULL || at == NULL) {
        return false;
    }
    memcpy(ret_head->digest.bytes, digest, WEFT_DIGEST_SIZE);
    ret_head->at_ns = (int64_t)weft_get_le64(at);
    ret_head->kind = weft_octets_text(r);
    ret_head->asset = weft_octets_text(r);
    return !r->is_bad && ret_head->kind.size > 0 && ret_head->kind.size <= WEFT_KIND_SIZE_MAX &&
           ret_head->asset.size > 0 && ret_head->asset.size <= WEFT_ASSET_SIZE_MAX;
}

enum weft_err weft_stored_peek(struct weft_bytes bytes, struct weft_stored_head *ret_head)
{
    struct weft_octets r = weft_octets_of(bytes);
    return get_head(&r, ret_head) ? WEFT_OK : WEFT_ECORRUPT;
}

enum weft_err weft_stored_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_digest *ret_digest, struct weft_record *ret_record)
{
    struct weft_octets r = weft_octets_of(bytes);
    struct weft_stored_head head;
    if (!get_head(&r, &head)) {
        return WEFT_ECORRUPT;
    }
    struct weft_record record = {
        .kind = head.kind, .asset = head.asset, .at_ns = head.at_ns, .has_at = true};
    record.author = weft_octets_text(&r);
    record.source = weft_octets_text(&r);
    enum weft_err rv = get_fields(&r, arena, &record.fields, &record.field_count);
    if (rv == WEFT_OK) {
        rv = get_links(&r, arena, &record);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    if (r.p != r.end) {
        return WEFT_ECORRUPT;
    }
    *ret_digest = head.digest;
    *ret_record = record;
    return WEFT_OK;
}

enum weft_err weft_stored_field(struct weft_bytes bytes, struct weft_text path,
    enum weft_value_type *ret_type, struct weft_text *ret_value)
{
    struct weft_octets r = weft_octets_of(bytes);
    struct weft_stored_head head;
    if (!get_head(&r, &head)) {
        return WEFT_ECORRUPT;
    }
    (void)weft_octets_text(&r); /* author */
    (void)weft_octets_text(&r); /* source */
    uint32_t count = weft_octets_count(&r, 3);
    for (uint32_t i = 0; i < count && !r.is_bad; i++) {
        const uint8_t *type = weft_octets_bytes(&r, 1);
        struct weft_text field = weft_octets_text(&r);
        struct weft_text value = weft_octets_text(&r);
        if (!r.is_bad && weft_text_equal(field, path)) {
            *ret_type = (enum weft_value_type) * type;
            *ret_value = value;
            return *type <= WEFT_VALUE_REDACTED ? WEFT_OK : WEFT_ECORRUPT;
        }
    }
    return r.is_bad ? WEFT_ECORRUPT : WEFT_ENOTFOUND;
}

/* Go behind fields without a look at what is in them. */
static void skip_fields(struct weft_octets *r)
{
    uint32_t count = weft_octets_count(r, 3);
    for (uint32_t i = 0; i < count && !r->is_bad; i++) {
        (void)weft_octets_bytes(r, 1);
        (void)weft_octets_text(r);
        (void)weft_octets_text(r);
    }
}

enum weft_err weft_stored_link(struct weft_bytes bytes, struct weft_text rel, struct weft_text to,
    struct weft_arena *arena, struct weft_link *ret_link)
{
    struct weft_octets r = weft_octets_of(bytes);
    (void)weft_octets_bytes(&r, WEFT_DIGEST_SIZE + 8);
    for (int i = 0; i < 4; i++) {
        (void)weft_octets_text(&r); /* kind, asset, author, source */
    }
    skip_fields(&r);
    uint32_t count = weft_octets_count(&r, 3);
    for (uint32_t i = 0; i < count && !r.is_bad; i++) {
        struct weft_link link = {.rel = weft_octets_text(&r)};
        link.to = weft_octets_text(&r);
        if (!r.is_bad && weft_text_equal(link.to, to) && weft_text_equal(link.rel, rel)) {
            enum weft_err rv = get_fields(&r, arena, &link.fields, &link.field_count);
            if (rv == WEFT_OK) {
                *ret_link = link;
            }
            return rv;
        }
        skip_fields(&r);
    }
    return r.is_bad ? WEFT_ECORRUPT : WEFT_ENOTFOUND;
}

/* --- checking -------------------------------------------------------------------------------- */

/* The first error stays. */
static void check_text(struct weft_text text, size_t size_max, enum weft_err *err)
{
    if (*err == WEFT_OK && text.size > size_max) {
        *err = WEFT_ETOOBIG;
    } else if (*err == WEFT_OK && !weft_text_is_utf8(text)) {
        *err = WEFT_EMALFORMED;
    }
}

static void check_fields(const struct weft_field *fields, uint32_t count, enum weft_err *err)
{
    if (count > WEFT_RECORD_FIELDS_MAX) {
        *err = *err == WEFT_OK ? WEFT_ETOOBIG : *err;
    }
    for (uint32_t i = 0; i < count && *err == WEFT_OK; i++) {
        check_text(fields[i].path, WEFT_PATH_SIZE_MAX, err);
        check_text(fields[i].value, WEFT_VALUE_SIZE_MAX, err);
    }
}

enum weft_err weft_stored_check(const struct weft_record *record)
{
    enum weft_err err = record->link_count > WEFT_RECORD_LINKS_MAX ? WEFT_ETOOBIG : WEFT_OK;
    check_text(record->kind, WEFT_KIND_SIZE_MAX, &err);
    check_text(record->asset, WEFT_ASSET_SIZE_MAX, &err);
    check_text(record->author, WEFT_PRINCIPAL_SIZE_MAX, &err);
    check_text(record->source, WEFT_SOURCE_SIZE_MAX, &err);
    check_fields(record->fields, record->field_count, &err);
    for (uint32_t i = 0; i < record->link_count && err == WEFT_OK; i++) {
        check_text(record->links[i].rel, WEFT_REL_SIZE_MAX, &err);
        check_text(record->links[i].to, WEFT_ASSET_SIZE_MAX, &err);
        check_fields(record->links[i].fields, record->links[i].field_count, &err);
    }
    return err;
}
