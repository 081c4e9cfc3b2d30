#include "node/state/keys.h"

#include "proto/check.h"

struct weft_key weft_key_single(enum weft_key_type type)
{
    struct weft_key key;
    key.size = 1;
    key.bytes[0] = (uint8_t)type;
    return key;
}

struct weft_key weft_key_name(struct weft_text asset)
{
    struct weft_key key;
    weft_assert(asset.size < sizeof(key.bytes)); /* NOD-101 */
    key.size = 1 + asset.size;
    key.bytes[0] = WEFT_KEY_NAME;
    memcpy(key.bytes + 1, asset.data, asset.size);
    return key;
}

struct weft_key weft_key_assets(uint64_t first)
{
    struct weft_key key;
    key.size = WEFT_KEY_ASSETS_SIZE;
    key.bytes[0] = WEFT_KEY_ASSETS;
    weft_put_be40(key.bytes + 1, first);
    return key;
}

struct weft_key weft_key_dictionary(char words, uint16_t id)
{
    struct weft_key key;
    key.size = 2 + WEFT_WORD_ID_SIZE;
    key.bytes[0] = WEFT_KEY_DICTIONARY;
    key.bytes[1] = (uint8_t)words;
    weft_put_be16(key.bytes + 2, id);
    return key;
}

struct weft_key weft_key_word(char words, struct weft_text name)
{
    struct weft_key key;
    weft_assert(name.size <= WEFT_KIND_SIZE_MAX); /* NOD-101 */
    key.size = 2 + name.size;
    key.bytes[0] = WEFT_KEY_WORD;
    key.bytes[1] = (uint8_t)words;
    memcpy(key.bytes + 2, name.data, name.size);
    return key;
}

static struct weft_key key_of_place(uint8_t type, uint64_t index, uint32_t ordinal)
{
    struct weft_key key;
    key.size = WEFT_KEY_RECORDS_SIZE;
    key.bytes[0] = type;
    weft_put_be48(key.bytes + 1, index);
    weft_put_be24(key.bytes + 7, ordinal);
    return key;
}

struct weft_key weft_key_records(uint64_t index, uint32_t first)
{
    return key_of_place(WEFT_KEY_RECORDS, index, first);
}

struct weft_key weft_key_version(uint64_t asset, uint16_t kind, uint64_t index, uint32_t ordinal)
{
    struct weft_key key;
    key.size = WEFT_KEY_VERSION_SIZE;
    key.bytes[0] = WEFT_KEY_VERSION;
    weft_put_be40(key.bytes + 1, asset);
    weft_put_be16(key.bytes + 6, kind);
    weft_put_be48(key.bytes + 8, index);
    weft_put_be24(key.bytes + 14, ordinal);
    return key;
}

struct weft_key weft_key_late(uint64_t asset, int64_t at_ns, uint64_t index, uint32_t ordinal)
{
    struct weft_key key;
    key.size = WEFT_KEY_LATE_SIZE;
    key.bytes[0] = WEFT_KEY_LATE;
    weft_put_be40(key.bytes + 1, asset);
    weft_put_time(key.bytes + 6, at_ns);
    weft_put_be48(key.bytes + 14, index);
    weft_put_be24(key.bytes + 20, ordinal);
    return key;
}

struct weft_key weft_key_kind(uint16_t kind, uint64_t index)
{
    struct weft_key key;
    key.size = WEFT_KEY_KIND_SIZE;
    key.bytes[0] = WEFT_KEY_KIND;
    weft_put_be16(key.bytes + 1, kind);
    weft_put_be48(key.bytes + 3, index);
    return key;
}

struct weft_key weft_key_links(uint64_t asset, uint64_t index, uint32_t ordinal)
{
    struct weft_key key;
    key.size = WEFT_KEY_LINKS_SIZE;
    key.bytes[0] = WEFT_KEY_LINKS;
    weft_put_be40(key.bytes + 1, asset);
    weft_put_be48(key.bytes + 6, index);
    weft_put_be24(key.bytes + 12, ordinal);
    return key;
}

struct weft_key weft_key_mirror(
    uint64_t target, uint16_t rel, int64_t at_ns, uint64_t index, uint32_t ordinal)
{
    struct weft_key key;
    key.size = WEFT_KEY_MIRROR_SIZE;
    key.bytes[0] = WEFT_KEY_MIRROR;
    weft_put_be40(key.bytes + 1, target);
    weft_put_be16(key.bytes + 6, rel);
    weft_put_time(key.bytes + 8, at_ns);
    weft_put_be48(key.bytes + 16, index);
    weft_put_be24(key.bytes + 22, ordinal);
    return key;
}

struct weft_key weft_key_requests(uint64_t index)
{
    struct weft_key key;
    key.size = WEFT_KEY_REQUESTS_SIZE;
    key.bytes[0] = WEFT_KEY_REQUESTS;
    weft_put_be48(key.bytes + 1, index);
    return key;
}

struct weft_key weft_key_audit_leaves(uint64_t first)
{
    struct weft_key key;
    key.size = WEFT_KEY_AUDIT_LEAVES_SIZE;
    key.bytes[0] = WEFT_KEY_AUDIT_LEAVES;
    weft_put_be64(key.bytes + 1, first);
    return key;
}

struct weft_key weft_key_audit_tile(unsigned level, uint64_t index)
{
    struct weft_key key;
    key.size = WEFT_KEY_AUDIT_TILE_SIZE;
    key.bytes[0] = WEFT_KEY_AUDIT_TILE;
    key.bytes[1] = (uint8_t)level;
    weft_put_be64(key.bytes + 2, index);
    return key;
}

struct weft_key weft_key_evidence(const struct weft_digest *commitment)
{
    struct weft_key key;
    key.size = WEFT_KEY_EVIDENCE_SIZE;
    key.bytes[0] = WEFT_KEY_EVIDENCE;
    memcpy(key.bytes + 1, commitment->bytes, WEFT_DIGEST_SIZE);
    return key;
}

struct weft_key weft_key_salts(uint64_t index, uint32_t ordinal)
{
    return key_of_place(WEFT_KEY_SALTS, index, ordinal);
}

static struct weft_key text_key(enum weft_key_type type, struct weft_text text)
{
    struct weft_key key;
    weft_assert(text.size < sizeof(key.bytes)); /* NOD-101 */
    key.size = 1 + text.size;
    key.bytes[0] = (uint8_t)type;
    memcpy(key.bytes + 1, text.data, text.size);
    return key;
}

struct weft_key weft_key_envelope(struct weft_text name)
{
    return text_key(WEFT_KEY_ENVELOPE, name);
}

struct weft_key weft_key_channel(struct weft_text channel)
{
    return text_key(WEFT_KEY_CHANNEL, channel);
}

struct weft_key weft_key_command(const uint8_t id[WEFT_KEY_COMMAND_ID_SIZE], uint8_t part)
{
    struct weft_key key;
    key.size = WEFT_KEY_COMMAND_SIZE;
    key.bytes[0] = WEFT_KEY_COMMAND;
    memcpy(key.bytes + 1, id, WEFT_KEY_COMMAND_ID_SIZE);
    key.bytes[1 + WEFT_KEY_COMMAND_ID_SIZE] = part;
    return key;
}

struct weft_key weft_key_open(int64_t not_after_ns, const uint8_t id[WEFT_KEY_COMMAND_ID_SIZE])
{
    struct weft_key key;
    key.size = WEFT_KEY_OPEN_SIZE;
    key.bytes[0] = WEFT_KEY_OPEN;
    weft_put_time(key.bytes + 1, not_after_ns);
    memcpy(key.bytes + 9, id, WEFT_KEY_COMMAND_ID_SIZE);
    return key;
}

struct weft_key weft_key_seq(const uint8_t digest[16])
{
    struct weft_key key;
    key.size = WEFT_KEY_SEQ_SIZE;
    key.bytes[0] = WEFT_KEY_SEQ;
    memcpy(key.bytes + 1, digest, 16);
    return key;
}
