#include "node/state/pack.h"

#include "proto/arith.h"
#include "proto/check.h"

enum {
    VARINT_SIZE_MAX = 10,
    PACK_HAS_SEED = 1, /* First byte of a pack: format 0 and this flag. */
};

/* --- records --------------------------------------------------------------------------------- */

static uint8_t *put_text(uint8_t *p, struct weft_text text)
{
    p = weft_put_varint(p, text.size);
    if (text.size > 0) {
        memcpy(p, text.data, text.size);
    }
    return p + text.size;
}

static uint8_t *put_fields(uint8_t *p, const struct weft_field *fields, uint32_t count)
{
    p = weft_put_varint(p, count);
    for (uint32_t i = 0; i < count; i++) {
        *p++ = (uint8_t)fields[i].type;
        p = put_text(p, fields[i].path);
        p = put_text(p, fields[i].value);
    }
    return p;
}

static size_t fields_bound(const struct weft_field *fields, uint32_t count)
{
    size_t bound = VARINT_SIZE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        bound += 1 + 2 * VARINT_SIZE_MAX + fields[i].path.size + fields[i].value.size;
    }
    return bound;
}

static size_t record_bound(const struct weft_record *r)
{
    size_t bound = WEFT_DIGEST_SIZE + 8 + 5 * VARINT_SIZE_MAX + r->kind.size + r->asset.size +
                   r->author.size + r->source.size + fields_bound(r->fields, r->field_count);
    for (uint32_t i = 0; i < r->link_count; i++) {
        bound += 2 * VARINT_SIZE_MAX + r->links[i].rel.size + r->links[i].to.size +
                 fields_bound(r->links[i].fields, r->links[i].field_count);
    }
    return bound;
}

enum weft_err weft_stored_encode(
    const struct weft_record *record, const struct weft_digest *digest, struct weft_buffer *out)
{
    weft_assert(record->has_at); /* NOD-104 */
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
    p = put_text(p + 8, record->kind);
    p = put_text(p, record->asset);
    p = put_text(p, record->author);
    p = put_text(p, record->source);
    p = put_fields(p, record->fields, record->field_count);
    p = weft_put_varint(p, record->link_count);
    for (uint32_t i = 0; i < record->link_count; i++) {
        p = put_text(p, record->links[i].rel);
        p = put_text(p, record->links[i].to);
        p = put_fields(p, record->links[i].fields, record->links[i].field_count);
    }
    weft_assert((size_t)(p - start) <= bound); /* NOD-104 */
    out->size += (size_t)(p - start);
    return WEFT_OK;
}

/* A reader that turns to `bad` for good at the first thing that does not fit. */
struct reader {
    const uint8_t *p;
    const uint8_t *end;
    bool bad;
};

static uint64_t get_varint(struct reader *r)
{
    uint64_t v = 0;
    const uint8_t *p = r->bad ? NULL : weft_get_varint(r->p, r->end, &v);
    if (p == NULL) {
        r->bad = true;
        return 0;
    }
    r->p = p;
    return v;
}

static const uint8_t *get_bytes(struct reader *r, uint64_t size)
{
    if (r->bad || size > (size_t)(r->end - r->p)) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += size;
    return p;
}

static struct weft_text get_text(struct reader *r)
{
    uint64_t size = get_varint(r);
    const char *data = (const char *)get_bytes(r, size);
    return (struct weft_text){data, data != NULL ? (size_t)size : 0};
}

/* A count of things of which each takes at least `size_min` bytes. */
static uint32_t get_count(struct reader *r, size_t size_min)
{
    uint64_t count = get_varint(r);
    if (r->bad || count > (size_t)(r->end - r->p) / size_min) {
        r->bad = true;
        return 0;
    }
    return (uint32_t)count;
}

static enum weft_err get_fields(struct reader *r, struct weft_arena *arena,
    const struct weft_field **ret_fields, uint32_t *ret_count)
{
    uint32_t count = get_count(r, 3);
    struct weft_field *fields = weft_arena_array(arena, count, sizeof(*fields));
    if (fields == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        const uint8_t *type = get_bytes(r, 1);
        if (type == NULL || *type >= WEFT_VALUE_TYPES) {
            return WEFT_ECORRUPT;
        }
        fields[i].type = (enum weft_value_type) * type;
        fields[i].path = get_text(r);
        fields[i].value = get_text(r);
    }
    *ret_fields = fields;
    *ret_count = count;
    return r->bad ? WEFT_ECORRUPT : WEFT_OK;
}

static enum weft_err get_links(
    struct reader *r, struct weft_arena *arena, struct weft_record *record)
{
    uint32_t count = get_count(r, 3);
    struct weft_link *links = weft_arena_array(arena, count, sizeof(*links));
    if (links == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        links[i].rel = get_text(r);
        links[i].to = get_text(r);
        enum weft_err rv = get_fields(r, arena, &links[i].fields, &links[i].field_count);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    record->links = links;
    record->link_count = count;
    return r->bad ? WEFT_ECORRUPT : WEFT_OK;
}

static bool get_head(struct reader *r, struct weft_stored_head *ret_head)
{
    const uint8_t *digest = get_bytes(r, WEFT_DIGEST_SIZE);
    const uint8_t *at = get_bytes(r, 8);
    if (digest == NULL || at == NULL) {
        return false;
    }
    memcpy(ret_head->digest.bytes, digest, WEFT_DIGEST_SIZE);
    ret_head->at_ns = (int64_t)weft_get_le64(at);
    ret_head->kind = get_text(r);
    ret_head->asset = get_text(r);
    return !r->bad && ret_head->kind.size > 0 && ret_head->kind.size <= WEFT_KIND_SIZE_MAX &&
           ret_head->asset.size > 0 && ret_head->asset.size <= WEFT_ASSET_SIZE_MAX;
}

enum weft_err weft_stored_peek(struct weft_bytes bytes, struct weft_stored_head *ret_head)
{
    struct reader r = {bytes.data, bytes.data + bytes.size, false};
    return get_head(&r, ret_head) ? WEFT_OK : WEFT_ECORRUPT;
}

enum weft_err weft_stored_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_digest *ret_digest, struct weft_record *ret_record)
{
    struct reader r = {bytes.data, bytes.data + bytes.size, false};
    struct weft_stored_head head;
    if (!get_head(&r, &head)) {
        return WEFT_ECORRUPT;
    }
    struct weft_record record = {
        .kind = head.kind, .asset = head.asset, .at_ns = head.at_ns, .has_at = true};
    record.author = get_text(&r);
    record.source = get_text(&r);
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
    struct reader r = {bytes.data, bytes.data + bytes.size, false};
    struct weft_stored_head head;
    if (!get_head(&r, &head)) {
        return WEFT_ECORRUPT;
    }
    (void)get_text(&r); /* author */
    (void)get_text(&r); /* source */
    uint32_t count = get_count(&r, 3);
    for (uint32_t i = 0; i < count && !r.bad; i++) {
        const uint8_t *type = get_bytes(&r, 1);
        struct weft_text field = get_text(&r);
        struct weft_text value = get_text(&r);
        if (!r.bad && weft_text_equal(field, path)) {
            *ret_type = (enum weft_value_type) * type;
            *ret_value = value;
            return *type < WEFT_VALUE_TYPES ? WEFT_OK : WEFT_ECORRUPT;
        }
    }
    return r.bad ? WEFT_ECORRUPT : WEFT_ENOTFOUND;
}

/* --- packs ----------------------------------------------------------------------------------- */

enum weft_err weft_pack_begin(int64_t time_ns, const uint8_t *seed, const uint32_t *sizes,
    uint32_t count, struct weft_buffer *out)
{
    size_t bound = 1 + 8 + WEFT_SALT_SEED_SIZE + ((size_t)count + 1) * VARINT_SIZE_MAX;
    enum weft_err rv = weft_buffer_reserve(out, bound);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint8_t *start = out->data + out->size;
    uint8_t *p = start;
    *p++ = seed != NULL ? PACK_HAS_SEED : 0;
    weft_put_le64(p, (uint64_t)time_ns);
    p += 8;
    if (seed != NULL) {
        memcpy(p, seed, WEFT_SALT_SEED_SIZE);
        p += WEFT_SALT_SEED_SIZE;
    }
    p = weft_put_varint(p, count);
    for (uint32_t i = 0; i < count; i++) {
        p = weft_put_varint(p, sizes[i]);
    }
    out->size += (size_t)(p - start);
    return WEFT_OK;
}

enum weft_err weft_pack_open(struct weft_bytes value, struct weft_pack *ret_pack)
{
    struct reader r = {value.data, value.data + value.size, false};
    struct weft_pack pack = {.seed = NULL};
    const uint8_t *flags = get_bytes(&r, 1);
    const uint8_t *time = get_bytes(&r, 8);
    if (flags == NULL || time == NULL || *flags > PACK_HAS_SEED) {
        return WEFT_ECORRUPT;
    }
    pack.time_ns = (int64_t)weft_get_le64(time);
    if (*flags == PACK_HAS_SEED) {
        pack.seed = get_bytes(&r, WEFT_SALT_SEED_SIZE);
    }
    pack.count = get_count(&r, 1);
    const uint8_t *sizes = r.p;
    uint64_t total = 0;
    for (uint32_t i = 0; i < pack.count && !r.bad; i++) {
        uint64_t size = get_varint(&r);
        if (!weft_add_u64(total, size, &total)) {
            return WEFT_ECORRUPT;
        }
    }
    if (r.bad || pack.count == 0 || total != (size_t)(r.end - r.p)) {
        return WEFT_ECORRUPT;
    }
    pack.sizes = (struct weft_bytes){sizes, (size_t)(r.p - sizes)};
    pack.records = (struct weft_bytes){r.p, (size_t)total};
    *ret_pack = pack;
    return WEFT_OK;
}

enum weft_err weft_pack_record(
    const struct weft_pack *pack, uint32_t n, struct weft_bytes *ret_bytes)
{
    struct reader r = {pack->sizes.data, pack->sizes.data + pack->sizes.size, false};
    const uint8_t *record = pack->records.data;
    if (n >= pack->count) {
        return WEFT_ECORRUPT;
    }
    for (uint32_t i = 0; i < n; i++) {
        record += get_varint(&r);
    }
    uint64_t size = get_varint(&r);
    weft_assert(!r.bad); /* NOD-104: weft_pack_open has read them all */
    *ret_bytes = (struct weft_bytes){record, (size_t)size};
    return WEFT_OK;
}
