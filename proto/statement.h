/* proto/statement.h: the canonical digest of a statement (design: federation, section 1).
 *
 * A statement is one revision of one record by the organization with authority for it. Its
 * digest is SHA-256(0x02 || canonical header); the header ends with the root over the
 * statement's fields, a Merkle tree of RFC 6962 shape whose leaves are
 * SHA-256(0x00 || salt || path || type || value) in the order of the paths' bytes, so any
 * field can be withheld without changing the digest. The canonical form is our own fixed-order
 * encoding: FlatBuffers bytes are not unique and are never hashed. proto/README.md states the
 * encoding byte by byte; golden vectors hold it. */
#ifndef WEFT_PROTO_STATEMENT_H
#define WEFT_PROTO_STATEMENT_H

#include <stdint.h>

#include "proto/digest.h"
#include "proto/entry.h"
#include "proto/record.h"
#include "proto/statement_header.h"

enum {
    WEFT_SALT_SIZE = 16,
    /* Type of a leaf "@link/N", beside those of enum weft_value_type. */
    WEFT_LEAF_LINK = 16,
    WEFT_LEAVES_RESERVED = 3, /* @at, @author, @source. */
};

struct weft_salt {
    uint8_t bytes[WEFT_SALT_SIZE];
};

/* What of a record's place in the log goes into its statement. */
struct weft_statement_place {
    struct weft_text authority;  /* "<org>/<site>". */
    uint64_t authority_epoch;    /* Raised by a handoff; 1 at first. */
    uint64_t index;              /* Revision: index of the commit... */
    uint32_t ordinal;            /* ...and the record's place in that index. */
    struct weft_digest previous; /* Of the asset's statement before; zero for its first. */
    int64_t time_ns;             /* Commit time. */
    struct weft_text schema;     /* DTMI of the model in force; empty: kind not registered. */
    const uint8_t *salt_seed;    /* WEFT_SALT_SEED_SIZE bytes: the entry's. */
    /* Not NULL: instead of the seed, a salt for each leaf, in order; of redacted ones none is
     * looked at. */
    const struct weft_salt *salts;
};

/* Salt of the leaf_index-th leaf of the record at `ordinal`:
 * half (leaf_index & 1) of SHA-256(0x04 || seed || be32(ordinal) || be32(leaf_index >> 1)).
 * One salt tells nothing about another without the seed. */
struct weft_salt weft_statement_salt(
    const uint8_t seed[WEFT_SALT_SEED_SIZE], uint32_t ordinal, uint32_t leaf_index);

/* SHA-256(authority, kind, natural key), each preceded by its length as be32. */
struct weft_digest weft_statement_subject(
    struct weft_text authority, struct weft_text kind, struct weft_text asset);

/* One leaf, as any holder of a disclosed field computes it. */
struct weft_digest weft_statement_leaf(const struct weft_salt *salt, struct weft_text path,
    enum weft_value_type type, struct weft_text value);

/* Of a record: field_count + WEFT_LEAVES_RESERVED + link_count. */
uint32_t weft_statement_leaf_count(const struct weft_record *record);
/* The leaves of a record whose author and at are filled in, salted as in its statement: of its
 * fields in their order, of "@at", "@author" and "@source", of its links in their order.
 * `ret_leaves` has room for weft_statement_leaf_count. Of `place` ordinal and salts are looked at.
 * Those that are not wanted are left as they are; is_wanted NULL: all are. `arena` is scratch.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_statement_leaves(const struct weft_record *record,
    const struct weft_statement_place *place, const bool *is_wanted, struct weft_arena *arena,
    struct weft_digest *ret_leaves);
/* Which leaf of its statement each of a record's own fields is. `arena` is scratch.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_statement_field_leaves(
    const struct weft_record *record, struct weft_arena *arena, uint32_t *ret_leaves);

/* One leaf with all that its hash is of: what whoever is to see the field is shown. */
struct weft_opened_leaf {
    struct weft_text path;
    struct weft_text value; /* Empty of a redacted one, as its salt is zero. */
    uint8_t type;           /* enum weft_value_type, WEFT_VALUE_REDACTED, or WEFT_LEAF_LINK. */
    struct weft_salt salt;
    struct weft_digest hash;
    const struct weft_link *link; /* Of the record; NULL: it is none. */
};

/* A statement with all that its digest is of. */
struct weft_statement {
    struct weft_statement_header header; /* Borrows record and place. */
    struct weft_digest digest;
    const struct weft_opened_leaf *leaves; /* In the order of the tree. */
    uint32_t leaf_count;
};

/* All leaves of such a record, in the order of the tree; in the arena, borrowing the record.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_statement_open(const struct weft_record *record,
    const struct weft_statement_place *place, struct weft_arena *arena,
    const struct weft_opened_leaf **ret_leaves, uint32_t *ret_count);

/* The whole of such a record's statement: no dearer than its digest. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_statement_make(const struct weft_record *record,
    const struct weft_statement_place *place, struct weft_arena *arena,
    struct weft_statement *ret_statement);

/* Root of the tree over leaves in order (RFC 6962, 2.1). */
struct weft_digest weft_statement_root(const struct weft_digest *leaves, uint32_t count);

/* Root and digest of a record whose author and at are filled in. `arena` is scratch.
 * `ret_root` may be NULL. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_statement_digest(const struct weft_record *record,
    const struct weft_statement_place *place, struct weft_arena *arena,
    struct weft_digest *ret_root, struct weft_digest *ret_digest);

#endif
