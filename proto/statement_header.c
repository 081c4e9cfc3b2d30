#include "proto/statement_header.h"

#include "proto/arith.h"
#include "proto/check.h"

enum {
    HEADER_FORM = 1, /* As statement.c hashes it. */
};

/* PRO-13: limits of both ways, in the order of the bytes. */
static enum weft_err check(const struct weft_statement_header *h)
{
    if (h->kind.size > WEFT_KIND_SIZE_MAX || h->group.size > WEFT_PATH_SIZE_MAX ||
        h->authority.size > WEFT_PRINCIPAL_SIZE_MAX || h->schema.size > WEFT_SCHEMA_SIZE_MAX ||
        h->basis_count > WEFT_BASIS_MAX || h->leaf_count > WEFT_STATEMENT_LEAVES_MAX) {
        return WEFT_ETOOBIG;
    }
    if (!weft_text_is_utf8(h->kind) || !weft_text_is_utf8(h->group) ||
        !weft_text_is_utf8(h->authority) || !weft_text_is_utf8(h->schema)) {
        return WEFT_EMALFORMED;
    }
    bool is_whole = h->kind.size > 0 && h->authority.size > 0 && h->epoch > 0 && h->index > 0 &&
                    h->leaf_count > 0;
    return is_whole ? WEFT_OK : WEFT_EINVAL;
}

/* --- writing --------------------------------------------------------------------------------- */

static uint8_t *put_text(uint8_t *p, struct weft_text text)
{
    weft_put_be32(p, (uint32_t)text.size);
    if (text.size > 0) {
        memcpy(p + 4, text.data, text.size);
    }
    return p + 4 + text.size;
}

static uint8_t *put_digest(uint8_t *p, const struct weft_digest *digest)
{
    memcpy(p, digest->bytes, WEFT_DIGEST_SIZE);
    return p + WEFT_DIGEST_SIZE;
}

static uint8_t *put_be32(uint8_t *p, uint32_t v)
{
    weft_put_be32(p, v);
    return p + 4;
}

static uint8_t *put_be64(uint8_t *p, uint64_t v)
{
    weft_put_be64(p, v);
    return p + 8;
}

enum weft_err weft_statement_header_encode(
    const struct weft_statement_header *header, struct weft_buffer *out)
{
    const struct weft_statement_header *h = header;
    enum weft_err err = check(h);
    if (err == WEFT_OK) {
        err = weft_buffer_reserve(out, WEFT_STATEMENT_HEADER_SIZE_MAX);
    }
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *p = out->data + out->size;
    *p++ = HEADER_FORM;
    p = put_digest(p, &h->subject);
    p = put_text(p, h->kind);
    p = put_text(p, h->group);
    p = put_text(p, h->authority);
    p = put_be64(p, h->epoch);
    p = put_be64(p, h->index);
    p = put_be32(p, h->ordinal);
    p = put_digest(p, &h->previous);
    p = put_be64(p, (uint64_t)h->time_ns);
    p = put_text(p, h->schema);
    p = put_be32(p, h->basis_count);
    for (uint32_t i = 0; i < h->basis_count; i++) {
        p = put_digest(p, &h->basis[i]);
    }
    p = put_be32(p, h->leaf_count);
    p = put_digest(p, &h->root);
    size_t size = (size_t)(p - (out->data + out->size));
    weft_assert(size <= WEFT_STATEMENT_HEADER_SIZE_MAX); /* PRO-13 */
    out->size += size;
    return WEFT_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Turns bad at the first thing that is not there; looked at once, at the end. */
struct reader {
    const uint8_t *p;
    size_t left;
    bool is_bad;
};

static const uint8_t *take(struct reader *r, size_t size)
{
    if (r->is_bad || size > r->left) {
        r->is_bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += size;
    r->left -= size;
    return p;
}

static uint32_t take_be32(struct reader *r)
{
    const uint8_t *p = take(r, 4);
    return p != NULL ? weft_get_be32(p) : 0;
}

static uint64_t take_be64(struct reader *r)
{
    const uint8_t *p = take(r, 8);
    return p != NULL ? weft_get_be64(p) : 0;
}

static struct weft_text take_text(struct reader *r)
{
    uint32_t size = take_be32(r);
    const char *p = (const char *)take(r, size);
    return (struct weft_text){p, p != NULL ? size : 0};
}

static struct weft_digest take_digest(struct reader *r)
{
    struct weft_digest digest = {{0}};
    const uint8_t *p = take(r, WEFT_DIGEST_SIZE);
    if (p != NULL) {
        memcpy(digest.bytes, p, WEFT_DIGEST_SIZE);
    }
    return digest;
}

static enum weft_err take_basis(
    struct reader *r, struct weft_arena *arena, struct weft_statement_header *h)
{
    uint32_t count = take_be32(r);
    if (r->is_bad || count > r->left / WEFT_DIGEST_SIZE) {
        return WEFT_EMALFORMED;
    }
    if (count > WEFT_BASIS_MAX) {
        return WEFT_ETOOBIG;
    }
    struct weft_digest *basis = weft_arena_array(arena, count, sizeof(*basis));
    if (basis == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        basis[i] = take_digest(r);
    }
    h->basis = basis;
    h->basis_count = count;
    return WEFT_OK;
}

enum weft_err weft_statement_header_decode(
    struct weft_bytes bytes, struct weft_arena *arena, struct weft_statement_header *ret_header)
{
    struct reader r = {bytes.data, bytes.size, false};
    struct weft_statement_header h;
    const uint8_t *form = take(&r, 1);
    if (form != NULL && *form != HEADER_FORM) {
        return WEFT_EVERSION;
    }
    h.subject = take_digest(&r);
    h.kind = take_text(&r);
    h.group = take_text(&r);
    h.authority = take_text(&r);
    h.epoch = take_be64(&r);
    h.index = take_be64(&r);
    h.ordinal = take_be32(&r);
    h.previous = take_digest(&r);
    h.time_ns = (int64_t)take_be64(&r);
    h.schema = take_text(&r);
    enum weft_err err = take_basis(&r, arena, &h);
    if (err != WEFT_OK) {
        return err;
    }
    h.leaf_count = take_be32(&r);
    h.root = take_digest(&r);
    if (r.is_bad || r.left > 0) {
        return WEFT_EMALFORMED;
    }
    err = check(&h);
    if (err == WEFT_OK) {
        *ret_header = h;
    }
    return err;
}
