/* node/state/stream_keys.h: keys of agreements and their streams: the table in README.md,
 * "Streams". */
#ifndef WEFT_NODE_STATE_STREAM_KEYS_H
#define WEFT_NODE_STATE_STREAM_KEYS_H

#include "node/state/keys.h"

enum {
    WEFT_KEY_AGREEMENT_SIZE = 1 + 4,
    WEFT_KEY_VERSION_NOTE_SIZE = 1 + 4 + 4,
    WEFT_KEY_STREAM_SIZE = 1 + 4 + 1,
    WEFT_KEY_LEAF_SIZE = WEFT_KEY_STREAM_SIZE + 8,
    WEFT_KEY_STREAM_TILE_SIZE = WEFT_KEY_STREAM_SIZE + 1 + 8,
    WEFT_KEY_STATEMENT_SIZE = WEFT_KEY_STREAM_SIZE + WEFT_DIGEST_SIZE,
    WEFT_KEY_OWED_SIZE = WEFT_KEY_AGREEMENT_SIZE + WEFT_ASSET_ID_SIZE,
    WEFT_KEY_AGAIN_SIZE = WEFT_KEY_AGREEMENT_SIZE + WEFT_DIGEST_SIZE,
    WEFT_KEY_SHOWN_SIZE = WEFT_KEY_AGAIN_SIZE + WEFT_DIGEST_SIZE,
};

static inline struct weft_key weft_key_of_agreement(enum weft_key_type type, uint32_t number)
{
    struct weft_key key;
    key.size = WEFT_KEY_AGREEMENT_SIZE;
    key.bytes[0] = (uint8_t)type;
    weft_put_be32(key.bytes + 1, number);
    return key;
}

/* A key of an agreement and one more number: of versions, refusals. */
static inline struct weft_key weft_key_of_number(
    enum weft_key_type type, uint32_t number, uint32_t which)
{
    struct weft_key key = weft_key_of_agreement(type, number);
    weft_put_be32(key.bytes + key.size, which);
    key.size += 4;
    return key;
}

static inline struct weft_key weft_key_of_stream(
    enum weft_key_type type, uint32_t number, unsigned direction)
{
    struct weft_key key = weft_key_of_agreement(type, number);
    key.bytes[key.size++] = (uint8_t)direction;
    return key;
}

static inline struct weft_key weft_key_of_leaf(
    uint32_t number, unsigned direction, uint64_t sequence)
{
    struct weft_key key = weft_key_of_stream(WEFT_KEY_LEAF, number, direction);
    weft_put_be64(key.bytes + key.size, sequence);
    key.size += 8;
    return key;
}

static inline struct weft_key weft_key_of_tile(
    uint32_t number, unsigned direction, unsigned level, uint64_t index)
{
    struct weft_key key = weft_key_of_stream(WEFT_KEY_STREAM_TILE, number, direction);
    key.bytes[key.size++] = (uint8_t)level;
    weft_put_be64(key.bytes + key.size, index);
    key.size += 8;
    return key;
}

static inline struct weft_key weft_key_of_statement(
    uint32_t number, unsigned direction, const struct weft_digest *digest)
{
    struct weft_key key = weft_key_of_stream(WEFT_KEY_STATEMENT, number, direction);
    memcpy(key.bytes + key.size, digest->bytes, WEFT_DIGEST_SIZE);
    key.size += WEFT_DIGEST_SIZE;
    return key;
}

static inline struct weft_key weft_key_of_quarantine(uint32_t number, uint64_t sequence)
{
    struct weft_key key = weft_key_of_agreement(WEFT_KEY_QUARANTINE, number);
    weft_put_be64(key.bytes + key.size, sequence);
    key.size += 8;
    return key;
}

/* A statement that is to be told again; with a field that is to be shown then, by its path. */
static inline struct weft_key weft_key_of_again(
    uint32_t number, const struct weft_digest *statement, const struct weft_digest *path)
{
    struct weft_key key = weft_key_of_agreement(WEFT_KEY_AGAIN, number);
    memcpy(key.bytes + key.size, statement->bytes, WEFT_DIGEST_SIZE);
    key.size += WEFT_DIGEST_SIZE;
    if (path != NULL) {
        memcpy(key.bytes + key.size, path->bytes, WEFT_DIGEST_SIZE);
        key.size += WEFT_DIGEST_SIZE;
    }
    return key;
}

/* OWED, REACHED. */
static inline struct weft_key weft_key_of_asset(
    enum weft_key_type type, uint32_t number, uint64_t asset)
{
    struct weft_key key = weft_key_of_agreement(type, number);
    weft_put_be40(key.bytes + key.size, asset);
    key.size += WEFT_ASSET_ID_SIZE;
    return key;
}

static inline struct weft_key weft_key_of_partner(struct weft_text site)
{
    struct weft_key key;
    key.size = 1 + site.size;
    key.bytes[0] = WEFT_KEY_PARTNER;
    memcpy(key.bytes + 1, site.data, site.size);
    return key;
}

#endif
