/* federation/projection.h: a statement as one partner may see it: some fields with their salts, of
 * the others no more than hashes; its digest is the same in each projection.
 *
 * The bytes are our own fixed-order encoding, made once and carried as they are, in batches, in
 * files and in the log of who received them (federation/README.md, "Projection"). Decoding looks
 * at the form alone; what is decoded is believed when it was verified against a digest that is in
 * a signed tree. */
#ifndef WEFT_FEDERATION_PROJECTION_H
#define WEFT_FEDERATION_PROJECTION_H

#include "federation/contract.h"
#include "proto/statement.h"
#include "proto/statement_header.h"

enum {
    /* A record and, for each leaf, salt, type, sizes; chosen, rounded up. One fits in an entry. */
    WEFT_PROJECTION_SIZE_MAX = 768 * 1024,
    WEFT_PROJECTION_MEMORY_MAX = 1024 * 1024, /* an arena holds the largest, decoded */
    WEFT_PROJECTION_HEIGHT_MAX = 13,          /* 2^13 is above the leaves of any statement */
};

/* The numbers are in the encoding. */
enum weft_projection_shape {
    WEFT_PROJECTION_SHOWN = 0,  /* A leaf with all that its hash is of. */
    WEFT_PROJECTION_NAMED = 1,  /* A leaf's hash, and the path that it is said to have. */
    WEFT_PROJECTION_BLIND = 2,  /* The root over 2^height leaves. */
    WEFT_PROJECTION_ERASED = 3, /* As NAMED: its value was redacted, and nobody is shown it. */
};

struct weft_projection_item {
    enum weft_projection_shape shape;
    unsigned height;       /* BLIND; else 0. */
    struct weft_text path; /* Of all but BLIND. */
    struct weft_text value;
    uint8_t type; /* SHOWN: enum weft_value_type, or WEFT_LEAF_LINK. */
    struct weft_salt salt;
    struct weft_digest hash; /* Of all but SHOWN. */
};

/* Borrows the bytes; items and basis are in the arena. */
struct weft_projection {
    struct weft_statement_header header;
    struct weft_text asset; /* The natural key: always shown, scopes are about it. */
    const struct weft_projection_item *items; /* In the order of the tree. */
    uint32_t item_count;
};

/* Append the projection of a record, whose author and at are filled in, under the side's mask.
 * `arena` is scratch. WEFT_ETOOBIG, WEFT_EINVAL: as weft_statement_header_encode; WEFT_ENOMEM. On
 * failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_projection_make(const struct weft_record *record,
    const struct weft_statement_place *place, const struct weft_contract_side *side,
    struct weft_arena *arena, struct weft_buffer *out, struct weft_digest *ret_digest);

/* The same of a statement that is there whole; the record is its. */
WEFT_MUST_USE enum weft_err weft_projection_of(const struct weft_record *record,
    const struct weft_statement *statement, const struct weft_contract_side *side,
    struct weft_arena *arena, struct weft_buffer *out);

/* As weft_projection_make, and of what the mask commits to these fields are shown all the same: a
 * disclosure (README.md, "Told again"). */
WEFT_MUST_USE enum weft_err weft_projection_make_shown(const struct weft_record *record,
    const struct weft_statement_place *place, const struct weft_contract_side *side,
    const struct weft_text *paths, uint32_t path_count, struct weft_arena *arena,
    struct weft_buffer *out, struct weft_digest *ret_digest);

/* Append what was decoded or made otherwise. WEFT_ETOOBIG, WEFT_EINVAL, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_projection_encode(
    const struct weft_projection *projection, struct weft_buffer *out);
/* The whole of `bytes`, in the one form that it has. WEFT_EMALFORMED, WEFT_EINVAL, WEFT_EVERSION
 * (header), WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_projection_decode(struct weft_bytes bytes,
    struct weft_arena *arena, struct weft_projection *ret_projection, struct weft_msg *msg);

/* Do the hashes lead to the header's root, and is its subject that of the asset? Then *ret_digest
 * is the statement's. WEFT_EBADSIG. */
WEFT_MUST_USE enum weft_err weft_projection_verify(
    const struct weft_projection *projection, struct weft_digest *ret_digest, struct weft_msg *msg);
/* Does it show what the mask says, and more of what is committed alone? What is blind cannot be
 * told apart. WEFT_EREFUSED: `msg` names the path. */
WEFT_MUST_USE enum weft_err weft_projection_check_mask(const struct weft_projection *projection,
    const struct weft_contract_side *side, struct weft_msg *msg);

/* Append it with that shown field erased: value and salt go, the leaf stays, and so does the
 * digest. WEFT_ENOTFOUND: it shows no such field; WEFT_ETOOBIG, WEFT_ENOMEM. `arena` is scratch. */
WEFT_MUST_USE enum weft_err weft_projection_erase(const struct weft_projection *projection,
    struct weft_text path, struct weft_arena *arena, struct weft_buffer *out);

/* Append it with whatever `told` has as erased, by hash or by path, erased: `kept` may have
 * verified as nothing, and gets nothing else. *ret_count: how many values went; 0: nothing is
 * appended. WEFT_ETOOBIG, WEFT_ENOMEM. `arena` is scratch. */
WEFT_MUST_USE enum weft_err weft_projection_erase_told(const struct weft_projection *kept,
    const struct weft_projection *told, struct weft_arena *arena, struct weft_buffer *out,
    uint32_t *ret_count);

/* What became of a statement that was told again; hashes of leaves, in the arena. */
struct weft_projection_change {
    const struct weft_digest *shown; /* They were not before. */
    uint32_t shown_count;
    const struct weft_digest *erased; /* By who told it; they were shown before. */
    uint32_t erased_count;
    bool is_erasing; /* Something is told as erased that was not known as that. */
};
/* Append what both together show of one statement, which both verified as: what `told` erases is
 * erased, unless `keeps_erased`; nothing else of `known` is taken back. FED-40. WEFT_EINVAL: they
 * are not of one statement; WEFT_EREFUSED: they give one leaf two paths. WEFT_ETOOBIG,
 * WEFT_ENOMEM. On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_projection_merge(const struct weft_projection *known,
    const struct weft_projection *told, bool keeps_erased, struct weft_arena *arena,
    struct weft_buffer *out, struct weft_projection_change *ret_change, struct weft_msg *msg);

/* The shown, named or erased leaf of that path; NULL. */
const struct weft_projection_item *weft_projection_find(
    const struct weft_projection *projection, struct weft_text path);
/* A later disclosure of one named field. WEFT_ENOTFOUND: its path is not there.
 * WEFT_EBADSIG: the statement has another value or salt. */
WEFT_MUST_USE enum weft_err weft_projection_confirm(const struct weft_projection *projection,
    const struct weft_opened_leaf *leaf, struct weft_msg *msg);

/* What is shown of the record: has_at, author, source, fields and links as far as they are; in the
 * arena. It need not pass weft_record_check: what is withheld leaves gaps. WEFT_EMALFORMED: a link
 * or time that is none; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_projection_record(const struct weft_projection *projection,
    struct weft_arena *arena, struct weft_record *ret_record, struct weft_msg *msg);

/* Append it as lines, for who has nothing but a shell (federation/stranger.sh):
 *
 *     weft-statement/v1
 *     asset <natural key>
 *     header <hexadecimal>               SHA-256(02 and these bytes) is the statement's digest
 *     shown <hexadecimal>                a leaf's bytes: SHA-256 of them is its hash
 *     named <hash> <path, hexadecimal>   a leaf's hash
 *     blind <height> <hash>              the root over 2^height leaves
 *     erased <hash> <path, hexadecimal>  a leaf's hash
 *
 * WEFT_ETOOBIG, WEFT_ENOMEM: `out` is then as before. */
WEFT_MUST_USE enum weft_err weft_projection_format(
    const struct weft_projection *projection, struct weft_buffer *out);

#endif
