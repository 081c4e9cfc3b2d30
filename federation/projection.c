#include "federation/projection.h"

#include <stdio.h>

#include "federation/mutant.h"
#include "policy/merkle.h"
#include "proto/check.h"
#include "proto/octets.h"

_Static_assert((1 << WEFT_PROJECTION_HEIGHT_MAX) > (int)WEFT_STATEMENT_LEAVES_MAX, "all are blind");

static const char link_head[] = "@link/";

static bool is_link(struct weft_text path)
{
    return weft_text_starts(path, link_head);
}

/* --- making ---------------------------------------------------------------------------------- */

/* By which mask, and what is shown beside it. */
struct making {
    const struct weft_contract_side *side;
    const struct weft_text *paths;
    uint32_t path_count;
};

/* As masks name it: of a link its rel. */
static enum weft_disclosure disclosure_of(
    const struct making *m, const struct weft_record *record, const struct weft_opened_leaf *leaf)
{
    const struct weft_contract_side *side = m->side;
    char path[sizeof(link_head) + WEFT_REL_SIZE_MAX];
    if (weft_stream_mutant(WEFT_STREAM_MUTANT_LEAK)) {
        return WEFT_DISCLOSED;
    }
    if (leaf->link == NULL) {
        enum weft_disclosure of = weft_contract_disclosure(side, record->kind, leaf->path);
        for (uint32_t i = 0; of == WEFT_COMMITTED && i < m->path_count; i++) {
            of = weft_text_equal(m->paths[i], leaf->path) ? WEFT_DISCLOSED : of;
        }
        return of;
    }
    int size = snprintf(
        path, sizeof(path), "%s%.*s", link_head, (int)leaf->link->rel.size, leaf->link->rel.data);
    return weft_contract_disclosure(
        side, record->kind, (struct weft_text){path, (size_t)(size > 0 ? size : 0)});
}

/* FED-5: what is blind is joined with its sibling as often as that is blind too. */
static uint32_t add_blind(
    struct weft_projection_item *items, uint32_t count, uint32_t place, struct weft_digest hash)
{
    unsigned height = 0;
    while (count > 0 && (place >> height & 1) != 0 &&
           items[count - 1].shape == WEFT_PROJECTION_BLIND && items[count - 1].height == height) {
        hash = weft_merkle_node(&items[count - 1].hash, &hash);
        count--;
        height++;
    }
    items[count] = (struct weft_projection_item){
        .shape = WEFT_PROJECTION_BLIND, .height = height, .hash = hash};
    return count + 1;
}

static uint32_t make_items(const struct weft_record *record, const struct making *m,
    const struct weft_statement *statement, struct weft_projection_item *items)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < statement->leaf_count; i++) {
        const struct weft_opened_leaf *leaf = &statement->leaves[i];
        enum weft_disclosure disclosure = disclosure_of(m, record, leaf);
        if (leaf->type == WEFT_VALUE_REDACTED && disclosure != WEFT_HIDDEN) {
            items[count++] = (struct weft_projection_item){
                .shape = WEFT_PROJECTION_ERASED, .path = leaf->path, .hash = leaf->hash};
            continue;
        }
        switch (disclosure) {
        case WEFT_DISCLOSED:
            items[count++] = (struct weft_projection_item){.shape = WEFT_PROJECTION_SHOWN,
                .path = leaf->path,
                .value = leaf->value,
                .type = leaf->type,
                .salt = leaf->salt};
            break;
        case WEFT_COMMITTED:
            items[count++] = (struct weft_projection_item){
                .shape = WEFT_PROJECTION_NAMED, .path = leaf->path, .hash = leaf->hash};
            break;
        case WEFT_HIDDEN:
        case WEFT_DISCLOSURES:
            count = add_blind(items, count, i, leaf->hash);
            break;
        }
    }
    return count;
}

static enum weft_err make(const struct weft_record *record, const struct making *making,
    const struct weft_statement *statement, struct weft_arena *arena, struct weft_buffer *out)
{
    struct weft_projection_item *items =
        weft_arena_array(arena, statement->leaf_count, sizeof(*items));
    if (items == NULL) {
        return WEFT_ENOMEM;
    }
    const struct weft_projection projection = {.header = statement->header,
        .asset = record->asset,
        .items = items,
        .item_count = make_items(record, making, statement, items)};
    return weft_projection_encode(&projection, out);
}

enum weft_err weft_projection_make_shown(const struct weft_record *record,
    const struct weft_statement_place *place, const struct weft_contract_side *side,
    const struct weft_text *paths, uint32_t path_count, struct weft_arena *arena,
    struct weft_buffer *out, struct weft_digest *ret_digest)
{
    const struct making making = {side, paths, path_count};
    struct weft_statement statement;
    enum weft_err err = weft_statement_make(record, place, arena, &statement);
    err = err == WEFT_OK ? make(record, &making, &statement, arena, out) : err;
    if (err == WEFT_OK) {
        *ret_digest = statement.digest;
    }
    return err;
}

enum weft_err weft_projection_of(const struct weft_record *record,
    const struct weft_statement *statement, const struct weft_contract_side *side,
    struct weft_arena *arena, struct weft_buffer *out)
{
    const struct making making = {side, NULL, 0};
    return make(record, &making, statement, arena, out);
}

enum weft_err weft_projection_make(const struct weft_record *record,
    const struct weft_statement_place *place, const struct weft_contract_side *side,
    struct weft_arena *arena, struct weft_buffer *out, struct weft_digest *ret_digest)
{
    return weft_projection_make_shown(record, place, side, NULL, 0, arena, out, ret_digest);
}

/* --- writing --------------------------------------------------------------------------------- */

static size_t item_bound(const struct weft_projection_item *item)
{
    return 2 + WEFT_SALT_SIZE + WEFT_DIGEST_SIZE + 2 * WEFT_VARINT_SIZE_MAX + item->path.size +
           item->value.size;
}

static uint8_t *put_bytes(uint8_t *p, const void *data, size_t size)
{
    memcpy(p, data, size);
    return p + size;
}

static uint8_t *put_item(uint8_t *p, const struct weft_projection_item *item)
{
    *p++ = (uint8_t)item->shape;
    switch (item->shape) {
    case WEFT_PROJECTION_SHOWN:
        p = put_bytes(p, item->salt.bytes, WEFT_SALT_SIZE);
        *p++ = item->type;
        p = weft_octets_put_text(p, item->path);
        return weft_octets_put_text(p, item->value);
    case WEFT_PROJECTION_NAMED:
    case WEFT_PROJECTION_ERASED:
        p = weft_octets_put_text(p, item->path);
        return put_bytes(p, item->hash.bytes, WEFT_DIGEST_SIZE);
    case WEFT_PROJECTION_BLIND:
        *p++ = (uint8_t)item->height;
        return put_bytes(p, item->hash.bytes, WEFT_DIGEST_SIZE);
    }
    weft_unreachable("FED-5: a shape is one of four");
}

static enum weft_err put_body(const struct weft_projection *projection, struct weft_buffer *out)
{
    size_t bound = 2 * WEFT_VARINT_SIZE_MAX + projection->asset.size;
    for (uint32_t i = 0; i < projection->item_count; i++) {
        bound += item_bound(&projection->items[i]);
    }
    enum weft_err err = weft_buffer_reserve(out, bound);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *start = out->data + out->size;
    uint8_t *p = weft_octets_put_text(start, projection->asset);
    p = weft_put_varint(p, projection->item_count);
    for (uint32_t i = 0; i < projection->item_count; i++) {
        p = put_item(p, &projection->items[i]);
    }
    weft_assert((size_t)(p - start) <= bound); /* FED-5 */
    out->size += (size_t)(p - start);
    return WEFT_OK;
}

enum weft_err weft_projection_encode(
    const struct weft_projection *projection, struct weft_buffer *out)
{
    const size_t before = out->size;
    struct weft_buffer header = {.size_max = WEFT_STATEMENT_HEADER_SIZE_MAX};
    uint8_t size[WEFT_VARINT_SIZE_MAX];
    enum weft_err err = weft_statement_header_encode(&projection->header, &header);
    if (err == WEFT_OK) {
        uint8_t *end = weft_put_varint(size, header.size);
        err = weft_buffer_append(out, size, (size_t)(end - size));
    }
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, header.data, header.size);
    }
    weft_buffer_destroy(&header);
    if (err == WEFT_OK) {
        err = put_body(projection, out);
    }
    if (err == WEFT_OK && out->size - before > WEFT_PROJECTION_SIZE_MAX) {
        err = WEFT_ETOOBIG;
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}

/* --- reading --------------------------------------------------------------------------------- */

/* A varint in its shortest form. */
static uint64_t take_number(struct weft_octets *r)
{
    const uint8_t *start = r->p;
    uint64_t number = weft_octets_varint(r);
    if (!r->is_bad && r->p - start > 1 && r->p[-1] == 0) {
        r->is_bad = true;
    }
    return number;
}

static struct weft_text take_text(struct weft_octets *r)
{
    uint64_t size = take_number(r);
    const char *data = (const char *)weft_octets_bytes(r, size);
    return (struct weft_text){data, data != NULL ? (size_t)size : 0};
}

static void take_bytes(struct weft_octets *r, void *ret_bytes, size_t size)
{
    const uint8_t *p = weft_octets_bytes(r, size);
    if (p != NULL) {
        memcpy(ret_bytes, p, size);
    }
}

static void take_item(struct weft_octets *r, struct weft_projection_item *item)
{
    const uint8_t *shape = weft_octets_bytes(r, 1);
    const uint8_t *byte = NULL;
    if (shape == NULL || *shape > WEFT_PROJECTION_ERASED) {
        r->is_bad = true;
        return;
    }
    item->shape = (enum weft_projection_shape) * shape;
    switch (item->shape) {
    case WEFT_PROJECTION_SHOWN:
        take_bytes(r, item->salt.bytes, WEFT_SALT_SIZE);
        byte = weft_octets_bytes(r, 1);
        item->type = byte != NULL ? *byte : 0;
        item->path = take_text(r);
        item->value = take_text(r);
        return;
    case WEFT_PROJECTION_NAMED:
    case WEFT_PROJECTION_ERASED:
        item->path = take_text(r);
        break;
    case WEFT_PROJECTION_BLIND:
        byte = weft_octets_bytes(r, 1);
        item->height = byte != NULL ? *byte : 0;
        break;
    }
    take_bytes(r, item->hash.bytes, WEFT_DIGEST_SIZE);
}

/* What an item must be by itself. */
static enum weft_err check_item(const struct weft_projection_item *item, struct weft_msg *msg)
{
    if (item->shape == WEFT_PROJECTION_BLIND) {
        return item->height <= WEFT_PROJECTION_HEIGHT_MAX
                   ? WEFT_OK
                   : weft_fail(msg, WEFT_EMALFORMED, "a blind item of height %u", item->height);
    }
    size_t value_max = is_link(item->path) ? WEFT_RECORD_SIZE_MAX : WEFT_VALUE_SIZE_MAX;
    if (item->path.size > WEFT_PATH_SIZE_MAX || item->value.size > value_max) {
        return weft_fail(msg, WEFT_ETOOBIG, "a path of %zu or a value of %zu bytes",
            item->path.size, item->value.size);
    }
    bool is_typed =
        is_link(item->path) ? item->type == WEFT_LEAF_LINK : item->type < WEFT_VALUE_TYPES;
    bool is_text = is_link(item->path) || weft_text_is_utf8(item->value);
    if (item->path.size == 0 || !weft_text_is_utf8(item->path) ||
        (item->shape == WEFT_PROJECTION_SHOWN && (!is_typed || !is_text))) {
        return weft_fail(msg, WEFT_EMALFORMED, "a path or value that no field has");
    }
    return WEFT_OK;
}

/* FED-5: the items are the leaves of the tree in its order, and in one form. */
static enum weft_err check_order(const struct weft_projection *projection, struct weft_msg *msg)
{
    struct weft_text previous = {"", 0};
    uint64_t place = 0;
    for (uint32_t i = 0; i < projection->item_count; i++) {
        const struct weft_projection_item *item = &projection->items[i];
        enum weft_err err = check_item(item, msg);
        if (err != WEFT_OK) {
            return err;
        }
        const uint64_t width = UINT64_C(1) << item->height;
        if (item->shape != WEFT_PROJECTION_BLIND) {
            if (weft_text_compare(previous, item->path) >= 0) {
                return weft_fail(msg, WEFT_EMALFORMED, "paths are not in order");
            }
            previous = item->path;
        } else if ((place & (width - 1)) != 0) {
            return weft_fail(msg, WEFT_EMALFORMED, "a blind item that is no subtree");
        } else if (i > 0 && item[-1].shape == WEFT_PROJECTION_BLIND &&
                   item[-1].height == item->height && (place & width) != 0) {
            return weft_fail(msg, WEFT_EMALFORMED, "two blind items that are one");
        }
        place += width;
    }
    return place == projection->header.leaf_count
               ? WEFT_OK
               : weft_fail(msg, WEFT_EMALFORMED, "%llu leaves, and the header says %u",
                     (unsigned long long)place, projection->header.leaf_count);
}

enum weft_err weft_projection_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_projection *ret_projection, struct weft_msg *msg)
{
    struct weft_projection projection = {.item_count = 0};
    if (bytes.size > WEFT_PROJECTION_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a projection of %zu bytes, at most %d", bytes.size,
            WEFT_PROJECTION_SIZE_MAX);
    }
    struct weft_octets r = weft_octets_of(bytes);
    uint64_t size = take_number(&r);
    struct weft_bytes header = {weft_octets_bytes(&r, size), (size_t)size};
    if (r.is_bad) {
        return weft_fail(msg, WEFT_EMALFORMED, "the header is cut short");
    }
    enum weft_err err = weft_statement_header_decode(header, arena, &projection.header);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "a statement's header: %s", weft_err_name(err));
    }
    projection.asset = take_text(&r);
    uint64_t count = take_number(&r);
    if (r.is_bad || count > projection.header.leaf_count || count > (size_t)(r.end - r.p)) {
        return weft_fail(msg, WEFT_EMALFORMED, "more items than leaves, or none");
    }
    struct weft_projection_item *items = weft_arena_array(arena, (size_t)count, sizeof(*items));
    if (items == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a projection");
    }
    for (uint64_t i = 0; i < count && !r.is_bad; i++) {
        take_item(&r, &items[i]);
    }
    if (r.is_bad || r.p != r.end) {
        return weft_fail(msg, WEFT_EMALFORMED, "items that are cut short, or more behind them");
    }
    projection.items = items;
    projection.item_count = (uint32_t)count;
    if (!weft_asset_is_valid(projection.asset) || !weft_name_is_valid(projection.header.kind)) {
        return weft_fail(msg, WEFT_EINVAL, "no kind or asset");
    }
    err = check_order(&projection, msg);
    if (err == WEFT_OK) {
        *ret_projection = projection;
    }
    return err;
}

/* --- believing ------------------------------------------------------------------------------- */

static struct weft_digest hash_of_item(const struct weft_projection_item *item)
{
    return item->shape != WEFT_PROJECTION_SHOWN
               ? item->hash
               : weft_statement_leaf(
                     &item->salt, item->path, (enum weft_value_type)item->type, item->value);
}

/* FED-4 */
enum weft_err weft_projection_verify(
    const struct weft_projection *projection, struct weft_digest *ret_digest, struct weft_msg *msg)
{
    const struct weft_statement_header *header = &projection->header;
    struct weft_digest subject =
        weft_statement_subject(header->authority, header->kind, projection->asset);
    if (!weft_digest_equal(&subject, &header->subject)) {
        return weft_fail(msg, WEFT_EBADSIG, "the header is about another asset");
    }
    struct weft_merkle_range range = {.size = 0};
    for (uint32_t i = 0; i < projection->item_count; i++) {
        const struct weft_projection_item *item = &projection->items[i];
        struct weft_digest hash = hash_of_item(item);
        enum weft_err err = weft_merkle_append_subtree(&range, item->height, &hash);
        if (err != WEFT_OK) {
            return weft_fail(msg, err, "a blind item that is no subtree");
        }
    }
    struct weft_digest root = weft_merkle_root(&range);
    if (range.size != header->leaf_count || !weft_digest_equal(&root, &header->root)) {
        return weft_fail(msg, WEFT_EBADSIG, "the fields lead to another root than the header's");
    }
    *ret_digest = weft_statement_header_digest(header);
    return WEFT_OK;
}

enum weft_err weft_projection_erase(const struct weft_projection *projection, struct weft_text path,
    struct weft_arena *arena, struct weft_buffer *out)
{
    const struct weft_projection_item *found = weft_projection_find(projection, path);
    if (found == NULL || found->shape != WEFT_PROJECTION_SHOWN) {
        return WEFT_ENOTFOUND;
    }
    struct weft_projection_item *items =
        weft_arena_array(arena, projection->item_count, sizeof(*items));
    if (items == NULL) {
        return WEFT_ENOMEM;
    }
    memcpy(items, projection->items, projection->item_count * sizeof(*items));
    items[found - projection->items] = (struct weft_projection_item){
        .shape = WEFT_PROJECTION_ERASED, .path = found->path, .hash = hash_of_item(found)};
    struct weft_projection erased = *projection;
    erased.items = items;
    return weft_projection_encode(&erased, out);
}

const struct weft_projection_item *weft_projection_find(
    const struct weft_projection *projection, struct weft_text path)
{
    for (uint32_t i = 0; i < projection->item_count; i++) {
        const struct weft_projection_item *item = &projection->items[i];
        if (item->shape != WEFT_PROJECTION_BLIND && weft_text_equal(item->path, path)) {
            return item;
        }
    }
    return NULL;
}

enum weft_err weft_projection_confirm(const struct weft_projection *projection,
    const struct weft_opened_leaf *leaf, struct weft_msg *msg)
{
    const struct weft_projection_item *item = weft_projection_find(projection, leaf->path);
    if (item == NULL) {
        return weft_fail(msg, WEFT_ENOTFOUND, "\"%.*s\" is not named in it", (int)leaf->path.size,
            leaf->path.data);
    }
    struct weft_digest named = hash_of_item(item);
    struct weft_digest hash =
        weft_statement_leaf(&leaf->salt, leaf->path, (enum weft_value_type)leaf->type, leaf->value);
    return weft_digest_equal(&named, &hash)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EBADSIG, "\"%.*s\" has another value or salt",
                     (int)leaf->path.size, leaf->path.data);
}
