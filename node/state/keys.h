/* node/state/keys.h: the bytes of the state's keys: a type byte, then fixed fields, big-endian.
 *
 * Big-endian, so that the order of the bytes is the order of the numbers; short, since each
 * record writes a handful. The table of keys and values stands in node/state/README.md. */
#ifndef WEFT_NODE_STATE_KEYS_H
#define WEFT_NODE_STATE_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/arith.h"
#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/limits.h"
#include "proto/octets.h"
#include "proto/record.h"

enum weft_key_type {
    WEFT_KEY_AUDIT_LEAVES = 'A', /* number of the first: leaves of the audit log, of one entry */
    WEFT_KEY_AUDIT_TILE = 'B',   /* level, index: a full tile of it */
    WEFT_KEY_CONFIGURATION = 'C',
    WEFT_KEY_DICTIONARY = 'D', /* id to name of a kind or rel */
    WEFT_KEY_WORD = 'E',       /* and name to id */
    WEFT_KEY_ENVELOPE = 'F',   /* name: its note in force */
    WEFT_KEY_ASSETS = 'I',     /* first asset id given by an entry: the names */
    WEFT_KEY_KIND = 'K',       /* kind, index: its ordinals */
    WEFT_KEY_LINKS = 'L',      /* asset, record: what the record links to */
    WEFT_KEY_MIRROR = 'M',     /* target, rel, at, record: what links here */
    WEFT_KEY_NAME = 'N',       /* asset name: id and head */
    WEFT_KEY_OPEN = 'O',       /* not-after, command: one that was proposed */
    WEFT_KEY_POSITION = 'P',
    WEFT_KEY_REQUESTS = 'Q', /* index: its request ids */
    WEFT_KEY_RECORDS = 'R',  /* index, first ordinal: a pack of records */
    WEFT_KEY_IDENTITY = 'S',
    WEFT_KEY_LATE = 'T',     /* asset, at, record: those that came out of order of time */
    WEFT_KEY_AUDIT = 'U',    /* how far it goes (audit_head.h) */
    WEFT_KEY_VERSION = 'V',  /* asset, kind, record */
    WEFT_KEY_EVIDENCE = 'W', /* commitment of a leaf: index, salt and blob */
    WEFT_KEY_SALTS = 'X',    /* record of an index whose seed is gone: a salt for each leaf */
    WEFT_KEY_REDACTED = 'Y', /* index of the last redaction */
    WEFT_KEY_CHANNEL = 'G',  /* channel: who may command it, what is in flight */
    WEFT_KEY_COMMAND = 'H',  /* command, part: its state, its notes */
    WEFT_KEY_SEQ = 'J',      /* digest of channel and key: the last seq */
    WEFT_KEY_CELLS = 'z',    /* agreement, table, ...: what is stated under it (cells_rows.h) */
    /* Of agreements (stream_keys.h). */
    WEFT_KEY_AGREEMENT = 'a',
    WEFT_KEY_PARTNER = 'b',
    WEFT_KEY_VERSION_NOTE = 'c',
    WEFT_KEY_STATEMENT = 'd',
    WEFT_KEY_EPOCH = 'e', /* index behind which an authority's epoch holds */
    WEFT_KEY_LEAF = 'l',
    WEFT_KEY_REACHED = 'm',
    WEFT_KEY_OWED = 'o',
    WEFT_KEY_QUARANTINE = 'q',
    WEFT_KEY_AGAIN = 'r',
    WEFT_KEY_STREAM = 's',
    WEFT_KEY_STREAM_TILE = 't',
    WEFT_KEY_REFUSAL = 'v',
};

/* Limits of the fixed fields; apply refuses what would pass them. */
#define WEFT_STATE_INDEX_MAX ((UINT64_C(1) << 48) - 1) /* 178 years at 50,000 entries/s */
#define WEFT_STATE_ASSETS_MAX ((UINT64_C(1) << 40) - 1)
enum {
    WEFT_STATE_ORDINAL_MAX = (1 << 24) - 1, /* records of one entry */
    WEFT_STATE_WORDS_MAX = 65535,           /* kinds, and rels; kept in memory */
    WEFT_KEY_SIZE_MAX = 1 + WEFT_ASSET_SIZE_MAX,
    WEFT_INDEX_SIZE = 6,
    WEFT_ORDINAL_SIZE = 3,
    WEFT_ASSET_ID_SIZE = 5,
    WEFT_WORD_ID_SIZE = 2,
    WEFT_KEY_RECORDS_SIZE = 1 + WEFT_INDEX_SIZE + WEFT_ORDINAL_SIZE,
    WEFT_KEY_VERSION_PREFIX_SIZE = 1 + WEFT_ASSET_ID_SIZE + WEFT_WORD_ID_SIZE,
    WEFT_KEY_VERSION_SIZE = WEFT_KEY_VERSION_PREFIX_SIZE + WEFT_INDEX_SIZE + WEFT_ORDINAL_SIZE,
    WEFT_KEY_LATE_SIZE = 1 + WEFT_ASSET_ID_SIZE + 8 + WEFT_INDEX_SIZE + WEFT_ORDINAL_SIZE,
    WEFT_KEY_KIND_SIZE = 1 + WEFT_WORD_ID_SIZE + WEFT_INDEX_SIZE,
    WEFT_KEY_LINKS_SIZE = 1 + WEFT_ASSET_ID_SIZE + WEFT_INDEX_SIZE + WEFT_ORDINAL_SIZE,
    WEFT_KEY_MIRROR_PREFIX_SIZE = 1 + WEFT_ASSET_ID_SIZE + WEFT_WORD_ID_SIZE,
    WEFT_KEY_MIRROR_SIZE = WEFT_KEY_MIRROR_PREFIX_SIZE + 8 + WEFT_INDEX_SIZE + WEFT_ORDINAL_SIZE,
    WEFT_KEY_REQUESTS_SIZE = 1 + WEFT_INDEX_SIZE,
    WEFT_KEY_ASSETS_SIZE = 1 + WEFT_ASSET_ID_SIZE,
    WEFT_KEY_AUDIT_LEAVES_SIZE = 1 + 8,
    WEFT_KEY_AUDIT_TILE_SIZE = 1 + 1 + 8,
    WEFT_KEY_EVIDENCE_SIZE = 1 + WEFT_DIGEST_SIZE,
    WEFT_KEY_COMMAND_ID_SIZE = 16,
    WEFT_KEY_COMMAND_SIZE = 1 + WEFT_KEY_COMMAND_ID_SIZE + 1,
    WEFT_KEY_OPEN_SIZE = 1 + 8 + WEFT_KEY_COMMAND_ID_SIZE,
    WEFT_KEY_SEQ_SIZE = 1 + 16,
};

/* A record's place in the state. */
struct weft_ref {
    int64_t at_ns;
    uint64_t index;
    uint32_t ordinal;
    uint32_t first; /* Ordinal of the first record of its pack. */
};

struct weft_key {
    size_t size;
    uint8_t bytes[WEFT_KEY_SIZE_MAX];
};

/* Most of what is put is of such types: no range of their keys is ever forgotten, so that memtables
 * may have hints for them (store_hints.h). */
static inline bool weft_key_is_never_ranged(uint8_t type)
{
    static const char types[] = {WEFT_KEY_NAME, WEFT_KEY_VERSION, WEFT_KEY_LATE, WEFT_KEY_LINKS,
        WEFT_KEY_MIRROR, WEFT_KEY_STATEMENT, WEFT_KEY_CELLS};
    return memchr(types, type, sizeof(types)) != NULL;
}

static inline struct weft_bytes weft_key_bytes(const struct weft_key *key)
{
    return (struct weft_bytes){key->bytes, key->size};
}

static inline void weft_put_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline uint16_t weft_get_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void weft_put_be24(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    weft_put_be16(p + 1, (uint16_t)v);
}

static inline uint32_t weft_get_be24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | weft_get_be16(p + 1);
}

static inline void weft_put_be40(uint8_t *p, uint64_t v)
{
    p[0] = (uint8_t)(v >> 32);
    weft_put_be32(p + 1, (uint32_t)v);
}

static inline uint64_t weft_get_be40(const uint8_t *p)
{
    return (uint64_t)p[0] << 32 | weft_get_be32(p + 1);
}

static inline void weft_put_be48(uint8_t *p, uint64_t v)
{
    weft_put_be16(p, (uint16_t)(v >> 32));
    weft_put_be32(p + 2, (uint32_t)v);
}

static inline uint64_t weft_get_be48(const uint8_t *p)
{
    return (uint64_t)weft_get_be16(p) << 32 | weft_get_be32(p + 2);
}

/* Times with the sign bit turned, so that bytes sort as the numbers do. */
static inline void weft_put_time(uint8_t *p, int64_t at_ns)
{
    weft_put_be64(p, (uint64_t)at_ns ^ (UINT64_C(1) << 63));
}

static inline int64_t weft_get_time(const uint8_t *p)
{
    return (int64_t)(weft_get_be64(p) ^ (UINT64_C(1) << 63));
}

struct weft_key weft_key_single(enum weft_key_type type);
struct weft_key weft_key_name(struct weft_text asset);
struct weft_key weft_key_assets(uint64_t first);
/* `words`: 'k' for kinds, 'r' for rels. */
struct weft_key weft_key_dictionary(char words, uint16_t id);
struct weft_key weft_key_word(char words, struct weft_text name);
struct weft_key weft_key_records(uint64_t index, uint32_t first);
struct weft_key weft_key_version(uint64_t asset, uint16_t kind, uint64_t index, uint32_t ordinal);
struct weft_key weft_key_late(uint64_t asset, int64_t at_ns, uint64_t index, uint32_t ordinal);
struct weft_key weft_key_kind(uint16_t kind, uint64_t index);
struct weft_key weft_key_links(uint64_t asset, uint64_t index, uint32_t ordinal);
struct weft_key weft_key_mirror(
    uint64_t target, uint16_t rel, int64_t at_ns, uint64_t index, uint32_t ordinal);
struct weft_key weft_key_requests(uint64_t index);
struct weft_key weft_key_audit_leaves(uint64_t first);
struct weft_key weft_key_audit_tile(unsigned level, uint64_t index);
struct weft_key weft_key_evidence(const struct weft_digest *commitment);
struct weft_key weft_key_salts(uint64_t index, uint32_t ordinal);
struct weft_key weft_key_envelope(struct weft_text name);
struct weft_key weft_key_channel(struct weft_text channel);
/* Parts: 0 its state, 1 the command's note, from 2 on those of its approvals. */
struct weft_key weft_key_command(const uint8_t id[WEFT_KEY_COMMAND_ID_SIZE], uint8_t part);
struct weft_key weft_key_open(int64_t not_after_ns, const uint8_t id[WEFT_KEY_COMMAND_ID_SIZE]);
struct weft_key weft_key_seq(const uint8_t digest[16]);

#endif
