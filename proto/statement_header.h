/* proto/statement_header.h: the canonical header of a statement: what its digest is of.
 *
 * Who states what, about which subject, as which revision, resting on which other statements, and
 * the root over the fields. proto/README.md states the bytes. A header has one form: what decodes
 * encodes to the same bytes, so a digest cannot be met by two headers that read differently. */
#ifndef WEFT_PROTO_STATEMENT_HEADER_H
#define WEFT_PROTO_STATEMENT_HEADER_H

#include <stdint.h>

#include "proto/digest.h"
#include "proto/err.h"
#include "proto/limits.h"

/* Borrows its texts and the basis. */
struct weft_statement_header {
    struct weft_digest subject; /* weft_statement_subject of authority, kind and asset. */
    struct weft_text kind;
    struct weft_text group;     /* Field group; empty: all fields. */
    struct weft_text authority; /* "<org>/<site>". */
    uint64_t epoch;             /* Of the authority; from 1. */
    uint64_t index;             /* Revision: index of the commit, from 1, ... */
    uint32_t ordinal;           /* ...and the record's place in it. */
    struct weft_digest previous;
    int64_t time_ns;
    struct weft_text schema; /* DTMI; empty: the kind was not registered. */
    const struct weft_digest *basis;
    uint32_t basis_count;
    uint32_t leaf_count; /* Of the tree over the fields. */
    struct weft_digest root;
};

enum {
    WEFT_STATEMENT_LEAVES_MAX = WEFT_RECORD_FIELDS_MAX + WEFT_RECORD_LINKS_MAX + 3,
    /* Numbers, digests and the sizes of four texts. */
    WEFT_STATEMENT_HEADER_FIXED = 1 + 3 * WEFT_DIGEST_SIZE + 4 * 4 + 3 * 8 + 3 * 4,
    WEFT_STATEMENT_HEADER_SIZE_MAX = WEFT_STATEMENT_HEADER_FIXED + WEFT_KIND_SIZE_MAX +
                                     WEFT_PATH_SIZE_MAX + WEFT_PRINCIPAL_SIZE_MAX +
                                     WEFT_SCHEMA_SIZE_MAX + WEFT_BASIS_MAX * WEFT_DIGEST_SIZE,
};

/* SHA-256(0x02 || header): the statement's digest. */
struct weft_digest weft_statement_header_digest(const struct weft_statement_header *header);

/* Append the bytes. WEFT_ETOOBIG: a text, the basis or the leaves are over their limit, or the
 * buffer is; WEFT_EINVAL: as decode has it. WEFT_ENOMEM. On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_statement_header_encode(
    const struct weft_statement_header *header, struct weft_buffer *out);
/* The whole of `bytes`, from which it borrows; the basis is in the arena.
 * WEFT_EVERSION: another form. WEFT_EMALFORMED: cut short, more behind it, or not UTF-8.
 * WEFT_EINVAL: no kind, authority, epoch, index or leaf. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_statement_header_decode(
    struct weft_bytes bytes, struct weft_arena *arena, struct weft_statement_header *ret_header);

struct weft_record;
struct weft_statement_place;

/* The header of a record's statement, over the hashes of its leaves in order; borrows record and
 * place. */
struct weft_statement_header weft_statement_header_of(const struct weft_record *record,
    const struct weft_statement_place *place, const struct weft_digest *hashes, uint32_t count);

#endif
