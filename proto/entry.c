#include "proto/entry.h"

#include "proto/arith.h"
#include "proto/check.h"
#include "proto/limits.h"

enum {
    OFFSET_COUNT = 4,
    OFFSET_TIME = 8,
    OFFSET_SEED = 16,
    ITEM_HEADER_SIZE = 16,
    ALIGNMENT = 8,
};

static const uint8_t magic[4] = {'W', 'B', '1', 0};

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* --- writing --------------------------------------------------------------------------------- */

enum weft_err weft_entry_init(struct weft_buffer *out)
{
    uint8_t header[WEFT_ENTRY_HEADER_SIZE] = {0};
    memcpy(header, magic, sizeof(magic));
    weft_buffer_clear(out);
    return weft_buffer_append(out, header, sizeof(header));
}

static void put_warrant(
    const struct weft_warrant *warrant, uint8_t ret_bytes[WEFT_ENTRY_WARRANT_SIZE])
{
    weft_put_le32(ret_bytes, warrant->key_id);
    weft_put_le32(ret_bytes + 4, warrant->actions);
    weft_put_le64(ret_bytes + 8, (uint64_t)warrant->until_ns);
}

uint32_t weft_entry_count(const struct weft_buffer *out)
{
    return out->size < WEFT_ENTRY_HEADER_SIZE ? 0 : weft_get_le32(out->data + OFFSET_COUNT);
}

enum weft_err weft_entry_add(struct weft_buffer *out, const struct weft_entry_item *item)
{
    weft_assert(out->size >= WEFT_ENTRY_HEADER_SIZE); /* PRO-10: weft_entry_init was called */
    uint32_t count = weft_entry_count(out);
    size_t left = WEFT_ENTRY_SIZE_MAX - out->size; /* PRO-10: never above the limit */
    if (count >= WEFT_ENTRY_COMMITS_MAX || item->principal.size > WEFT_PRINCIPAL_SIZE_MAX ||
        item->body.size > left) {
        return WEFT_ETOOBIG;
    }
    size_t warrant_size = item->has_warrant ? WEFT_ENTRY_WARRANT_SIZE : 0;
    size_t size =
        ITEM_HEADER_SIZE + padded(item->principal.size) + warrant_size + padded(item->body.size);
    if (size > left) {
        return WEFT_ETOOBIG;
    }
    enum weft_err err = weft_buffer_reserve(out, size);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *p = out->data + out->size;
    weft_put_le32(p, (uint32_t)item->type);
    weft_put_le32(p + 4, (uint32_t)item->principal.size);
    weft_put_le32(p + 8, (uint32_t)item->body.size);
    weft_put_le32(p + 12, (uint32_t)warrant_size);
    p += ITEM_HEADER_SIZE;
    uint8_t warrant[WEFT_ENTRY_WARRANT_SIZE];
    put_warrant(&item->warrant, warrant);
    const struct weft_bytes parts[] = {
        {(const uint8_t *)item->principal.data, item->principal.size}, {warrant, warrant_size},
        item->body};
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].size > 0) {
            memcpy(p, parts[i].data, parts[i].size);
        }
        memset(p + parts[i].size, 0, padded(parts[i].size) - parts[i].size);
        p += padded(parts[i].size);
    }
    out->size += size;
    weft_put_le32(out->data + OFFSET_COUNT, count + 1);
    return WEFT_OK;
}

void weft_entry_seal(
    struct weft_buffer *out, int64_t time_ns, const uint8_t salt_seed[WEFT_SALT_SEED_SIZE])
{
    weft_assert(out->size >= WEFT_ENTRY_HEADER_SIZE); /* PRO-10 */
    weft_put_le64(out->data + OFFSET_TIME, (uint64_t)time_ns);
    memcpy(out->data + OFFSET_SEED, salt_seed, WEFT_SALT_SEED_SIZE);
}

/* --- reading --------------------------------------------------------------------------------- */

enum weft_err weft_entry_open(struct weft_bytes entry, struct weft_entry_reader *ret_reader)
{
    if (entry.size < WEFT_ENTRY_HEADER_SIZE || entry.size > WEFT_ENTRY_SIZE_MAX ||
        memcmp(entry.data, magic, 2) != 0) {
        return WEFT_EMALFORMED;
    }
    if (memcmp(entry.data, magic, sizeof(magic)) != 0) {
        return WEFT_EVERSION;
    }
    uint32_t count = weft_get_le32(entry.data + OFFSET_COUNT);
    if (count > WEFT_ENTRY_COMMITS_MAX) {
        return WEFT_EMALFORMED;
    }
    *ret_reader = (struct weft_entry_reader){
        .entry = entry,
        .offset = WEFT_ENTRY_HEADER_SIZE,
        .left = count,
        .time_ns = (int64_t)weft_get_le64(entry.data + OFFSET_TIME),
        .salt_seed = entry.data + OFFSET_SEED,
    };
    return WEFT_OK;
}

/* A part of `size` bytes at *offset, then zeros: the padding is part of what was agreed, so
 * there is one form only. */
static bool take_part(
    struct weft_bytes entry, size_t *offset, uint32_t size, struct weft_bytes *ret_part)
{
    if (padded(size) > entry.size - *offset) {
        return false;
    }
    const uint8_t *p = entry.data + *offset;
    for (size_t i = size; i < padded(size); i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    *ret_part = (struct weft_bytes){p, size};
    *offset += padded(size);
    return true;
}

static struct weft_warrant read_warrant(struct weft_bytes part)
{
    return (struct weft_warrant){.key_id = weft_get_le32(part.data),
        .actions = weft_get_le32(part.data + 4),
        .until_ns = (int64_t)weft_get_le64(part.data + 8)};
}

static bool is_type(uint32_t type)
{
    return type == WEFT_ITEM_COMMIT || type == WEFT_ITEM_DIGEST || type == WEFT_ITEM_READS ||
           type == WEFT_ITEM_STREAM;
}

enum weft_err weft_entry_next(struct weft_entry_reader *reader, struct weft_entry_item *ret_item)
{
    struct weft_bytes entry = reader->entry;
    if (reader->left == 0) {
        return reader->offset == entry.size ? WEFT_ENOTFOUND : WEFT_EMALFORMED;
    }
    if (entry.size - reader->offset < ITEM_HEADER_SIZE) {
        return WEFT_EMALFORMED;
    }
    const uint8_t *p = entry.data + reader->offset;
    uint32_t type = weft_get_le32(p), principal_size = weft_get_le32(p + 4);
    uint32_t warrant_size = weft_get_le32(p + 12);
    if (!is_type(type) || principal_size > WEFT_PRINCIPAL_SIZE_MAX ||
        (warrant_size != 0 && warrant_size != WEFT_ENTRY_WARRANT_SIZE)) {
        return WEFT_EMALFORMED;
    }
    size_t offset = reader->offset + ITEM_HEADER_SIZE;
    struct weft_bytes principal, warrant, body;
    if (!take_part(entry, &offset, principal_size, &principal) ||
        !take_part(entry, &offset, warrant_size, &warrant) ||
        !take_part(entry, &offset, weft_get_le32(p + 8), &body)) {
        return WEFT_EMALFORMED;
    }
    struct weft_text name = {(const char *)principal.data, principal.size};
    if (!weft_text_is_utf8(name)) {
        return WEFT_EMALFORMED;
    }
    *ret_item = (struct weft_entry_item){
        .type = (enum weft_item_type)type, .principal = name, .body = body};
    if (warrant_size > 0) {
        ret_item->has_warrant = true;
        ret_item->warrant = read_warrant(warrant);
    }
    reader->offset = offset;
    reader->left--;
    return WEFT_OK;
}
