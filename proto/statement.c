#include "proto/statement.h"

#include "proto/arith.h"
#include "proto/check.h"
#include "proto/order.h"
#include "proto/statement_header.h"
#include "proto/time.h"

/* First bytes that keep the uses of the hash apart. The first two are those of RFC 6962. */
enum {
    PREFIX_LEAF = 0x00,
    PREFIX_NODE = 0x01,
    PREFIX_STATEMENT = 0x02,
    PREFIX_SALT = 0x04,
};

enum {
    HEADER_FORM = 1,      /* Of the canonical header; another encoding gets another number. */
    LEVELS_MAX = 32,      /* Of a tree whose leaves a uint32_t counts. */
    LINK_PATH_SIZE = 16,  /* "@link/4294967295" */
    COLLECTED_SIZE = 512, /* Most hashes are shorter: one call each. */
};

_Static_assert(WEFT_RECORD_FIELDS_MAX + WEFT_RECORD_LINKS_MAX + WEFT_LEAVES_RESERVED <= UINT16_MAX,
    "leaves are sorted by 16-bit indices");

/* --- hashing in few calls -------------------------------------------------------------------- */

struct sink {
    struct weft_sha256 hash;
    size_t used;
    bool is_begun;
    uint8_t collected[COLLECTED_SIZE];
};

static void sink_init(struct sink *s)
{
    s->used = 0;
    s->is_begun = false;
}

static void sink_flush(struct sink *s)
{
    if (!s->is_begun) {
        weft_sha256_init(&s->hash);
        s->is_begun = true;
    }
    weft_sha256_update(&s->hash, s->collected, s->used);
    s->used = 0;
}

static void sink_bytes(struct sink *s, const void *data, size_t size)
{
    if (size > COLLECTED_SIZE - s->used) {
        sink_flush(s);
        if (size > COLLECTED_SIZE) {
            weft_sha256_update(&s->hash, data, size);
            return;
        }
    }
    if (size > 0) {
        memcpy(s->collected + s->used, data, size);
        s->used += size;
    }
}

static void sink_u8(struct sink *s, uint8_t value)
{
    sink_bytes(s, &value, 1);
}

static void sink_be32(struct sink *s, uint32_t value)
{
    uint8_t bytes[4];
    weft_put_be32(bytes, value);
    sink_bytes(s, bytes, sizeof(bytes));
}

static void sink_be64(struct sink *s, uint64_t value)
{
    uint8_t bytes[8];
    weft_put_be64(bytes, value);
    sink_bytes(s, bytes, sizeof(bytes));
}

static void sink_text(struct sink *s, struct weft_text text)
{
    weft_assert(text.size <= UINT32_MAX); /* PRO-4: checked records are far below */
    sink_be32(s, (uint32_t)text.size);
    sink_bytes(s, text.data, text.size);
}

static struct weft_digest sink_digest(struct sink *s)
{
    sink_flush(s);
    return weft_sha256_final(&s->hash);
}

/* --- the parts of a statement ---------------------------------------------------------------- */

static struct weft_digest salt_pair(
    const uint8_t seed[WEFT_SALT_SEED_SIZE], uint32_t ordinal, uint32_t pair)
{
    uint8_t bytes[1 + WEFT_SALT_SEED_SIZE + 8];
    bytes[0] = PREFIX_SALT;
    memcpy(bytes + 1, seed, WEFT_SALT_SEED_SIZE);
    weft_put_be32(bytes + 1 + WEFT_SALT_SEED_SIZE, ordinal);
    weft_put_be32(bytes + 1 + WEFT_SALT_SEED_SIZE + 4, pair);
    return weft_sha256(bytes, sizeof(bytes));
}

static struct weft_salt salt_of_pair(const struct weft_digest *pair, uint32_t leaf_index)
{
    struct weft_salt salt;
    memcpy(salt.bytes, pair->bytes + (leaf_index & 1) * WEFT_SALT_SIZE, WEFT_SALT_SIZE);
    return salt;
}

struct weft_salt weft_statement_salt(
    const uint8_t seed[WEFT_SALT_SEED_SIZE], uint32_t ordinal, uint32_t leaf_index)
{
    struct weft_digest pair = salt_pair(seed, ordinal, leaf_index >> 1);
    return salt_of_pair(&pair, leaf_index);
}

struct weft_digest weft_statement_subject(
    struct weft_text authority, struct weft_text kind, struct weft_text asset)
{
    struct sink s;
    sink_init(&s);
    sink_text(&s, authority);
    sink_text(&s, kind);
    sink_text(&s, asset);
    return sink_digest(&s);
}

struct weft_digest weft_statement_leaf(const struct weft_salt *salt, struct weft_text path,
    enum weft_value_type type, struct weft_text value)
{
    struct sink s;
    sink_init(&s);
    sink_u8(&s, PREFIX_LEAF);
    sink_bytes(&s, salt->bytes, WEFT_SALT_SIZE);
    sink_text(&s, path);
    sink_u8(&s, (uint8_t)type);
    /* Last, so its length needs no writing: it ends where the leaf ends. */
    sink_bytes(&s, value.data, value.size);
    return sink_digest(&s);
}

static struct weft_digest node_of(const struct weft_digest *left, const struct weft_digest *right)
{
    uint8_t bytes[1 + 2 * WEFT_DIGEST_SIZE];
    bytes[0] = PREFIX_NODE;
    memcpy(bytes + 1, left->bytes, WEFT_DIGEST_SIZE);
    memcpy(bytes + 1 + WEFT_DIGEST_SIZE, right->bytes, WEFT_DIGEST_SIZE);
    return weft_sha256(bytes, sizeof(bytes));
}

struct weft_digest weft_statement_root(const struct weft_digest *leaves, uint32_t count)
{
    struct weft_digest peaks[LEVELS_MAX];
    uint32_t peak_count = 0;
    if (count == 0) {
        return weft_sha256(NULL, 0);
    }
    /* Complete subtrees are joined as soon as two of one size stand beside each other, which
     * is where RFC 6962's split at the largest power of two puts its nodes. */
    for (uint32_t i = 0; i < count; i++) {
        struct weft_digest top = leaves[i];
        for (uint32_t n = i; (n & 1) != 0; n >>= 1) {
            peak_count--;
            top = node_of(&peaks[peak_count], &top);
        }
        peaks[peak_count++] = top;
    }
    struct weft_digest root = peaks[peak_count - 1];
    for (uint32_t i = peak_count - 1; i > 0; i--) {
        root = node_of(&peaks[i - 1], &root);
    }
    return root;
}

struct weft_digest weft_statement_header_digest(const struct weft_statement_header *header)
{
    const struct weft_statement_header *h = header;
    struct sink s;
    sink_init(&s);
    sink_u8(&s, PREFIX_STATEMENT);
    sink_u8(&s, HEADER_FORM);
    sink_bytes(&s, h->subject.bytes, WEFT_DIGEST_SIZE);
    sink_text(&s, h->kind);
    sink_text(&s, h->group);
    sink_text(&s, h->authority);
    sink_be64(&s, h->epoch);
    sink_be64(&s, h->index);
    sink_be32(&s, h->ordinal);
    sink_bytes(&s, h->previous.bytes, WEFT_DIGEST_SIZE);
    sink_be64(&s, (uint64_t)h->time_ns);
    sink_text(&s, h->schema);
    sink_be32(&s, h->basis_count);
    for (uint32_t i = 0; i < h->basis_count; i++) {
        sink_bytes(&s, h->basis[i].bytes, WEFT_DIGEST_SIZE);
    }
    sink_be32(&s, h->leaf_count);
    sink_bytes(&s, h->root.bytes, WEFT_DIGEST_SIZE);
    return sink_digest(&s);
}

/* --- leaves ---------------------------------------------------------------------------------- */

struct leaf {
    struct weft_text path;
    struct weft_text value;
    uint64_t head; /* First bytes of the path, as a number: most paths differ there. */
    uint8_t type;
};

static struct leaf leaf_of(struct weft_text path, uint8_t type, struct weft_text value)
{
    uint8_t head[sizeof(uint64_t)] = {0};
    if (path.size > 0) {
        memcpy(head, path.data, path.size < sizeof(head) ? path.size : sizeof(head));
    }
    return (struct leaf){path, value, weft_get_be64(head), type};
}

static int compare_leaves(const void *context, uint16_t a, uint16_t b)
{
    const struct leaf *leaves = context;
    if (leaves[a].head != leaves[b].head) {
        return leaves[a].head < leaves[b].head ? -1 : 1;
    }
    return weft_text_compare(leaves[a].path, leaves[b].path);
}

static int compare_fields(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_field *fields = context;
    return weft_text_compare(fields[a].path, fields[b].path);
}

static char *put_text(char *p, struct weft_text text)
{
    weft_put_be32((uint8_t *)p, (uint32_t)text.size);
    if (text.size > 0) {
        memcpy(p + 4, text.data, text.size);
    }
    return p + 4 + text.size;
}

/* text(rel) text(to) be32(fields), then text(path) type text(value) of each by path. */
static enum weft_err encode_link(
    const struct weft_link *link, struct weft_arena *arena, struct weft_text *ret_value)
{
    uint32_t count = link->field_count;
    size_t size = 4 + link->rel.size + 4 + link->to.size + 4;
    for (uint32_t i = 0; i < count; i++) {
        size += 4 + link->fields[i].path.size + 1 + 4 + link->fields[i].value.size;
    }
    char *data = weft_arena_alloc(arena, size);
    uint16_t *index = weft_arena_array(arena, 2 * (size_t)count, sizeof(*index));
    if (data == NULL || index == NULL) {
        return WEFT_ENOMEM;
    }
    weft_order_sort(index, index + count, count, compare_fields, link->fields);
    char *p = put_text(data, link->rel);
    p = put_text(p, link->to);
    weft_put_be32((uint8_t *)p, count);
    p += 4;
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_field *field = &link->fields[index[i]];
        p = put_text(p, field->path);
        *p++ = (char)field->type;
        p = put_text(p, field->value);
    }
    weft_assert(p == data + size); /* PRO-4 */
    *ret_value = (struct weft_text){data, size};
    return WEFT_OK;
}

/* "@link/N", terminated nowhere. By hand: a formatter costs more than hashing the leaf. */
static struct weft_text link_path(char text[LINK_PATH_SIZE], uint32_t number)
{
    static const char head[] = "@link/";
    char digits[10];
    size_t size = sizeof(head) - 1, count = 0;
    memcpy(text, head, size);
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        text[size++] = digits[--count];
    }
    return (struct weft_text){text, size};
}

static struct leaf text_leaf(const char *path, struct weft_text value)
{
    return leaf_of(weft_text_of(path), value.size > 0 ? WEFT_VALUE_TEXT : WEFT_VALUE_NULL, value);
}

/* Fill `leaves` with the reserved leaves, the links and the record's fields: not yet in order, but
 * close to it, since '@' comes before what most names begin with. */
static enum weft_err collect_leaves(
    const struct weft_record *record, struct weft_arena *arena, struct leaf *leaves)
{
    uint32_t n = 0;
    char *at = weft_arena_alloc(arena, WEFT_TIME_TEXT_SIZE);
    char *paths = weft_arena_array(arena, record->link_count, LINK_PATH_SIZE);
    if (at == NULL || paths == NULL) {
        return WEFT_ENOMEM;
    }
    weft_time_format(record->at_ns, at);
    leaves[n++] = text_leaf("@at", weft_text_of(at));
    leaves[n++] = text_leaf("@author", record->author);
    for (uint32_t i = 0; i < record->link_count; i++) {
        struct weft_text value;
        enum weft_err err = encode_link(&record->links[i], arena, &value);
        if (err != WEFT_OK) {
            return err;
        }
        leaves[n++] =
            leaf_of(link_path(paths + (size_t)i * LINK_PATH_SIZE, i), WEFT_LEAF_LINK, value);
    }
    leaves[n++] = text_leaf("@source", record->source);
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct weft_field *field = &record->fields[i];
        leaves[n++] = leaf_of(field->path, (uint8_t)field->type, field->value);
    }
    return WEFT_OK;
}

uint32_t weft_statement_leaf_count(const struct weft_record *record)
{
    return record->field_count + WEFT_LEAVES_RESERVED + record->link_count;
}

/* The leaves as collected, and *ret_index: which of them is the i-th in order. */
static enum weft_err order_leaves(const struct weft_record *record, struct weft_arena *arena,
    struct leaf **ret_leaves, uint16_t **ret_index)
{
    uint32_t count = weft_statement_leaf_count(record);
    struct leaf *leaves = weft_arena_array(arena, count, sizeof(*leaves));
    uint16_t *index = weft_arena_array(arena, 2 * (size_t)count, sizeof(*index));
    if (leaves == NULL || index == NULL) {
        return WEFT_ENOMEM;
    }
    enum weft_err err = collect_leaves(record, arena, leaves);
    if (err != WEFT_OK) {
        return err;
    }
    weft_order_sort(index, index + count, count, compare_leaves, leaves);
    *ret_leaves = leaves;
    *ret_index = index;
    return WEFT_OK;
}

enum weft_err weft_statement_field_leaves(
    const struct weft_record *record, struct weft_arena *arena, uint32_t *ret_leaves)
{
    uint32_t count = weft_statement_leaf_count(record);
    struct leaf *leaves;
    uint16_t *index;
    enum weft_err err = order_leaves(record, arena, &leaves, &index);
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        if (index[i] >= count - record->field_count) { /* Fields are collected last. */
            ret_leaves[index[i] - (count - record->field_count)] = i;
        }
    }
    return err;
}

/* Where the leaf that was collected as `number` stands among those that are given out. */
static uint32_t place_of_leaf(const struct weft_record *record, uint32_t number)
{
    uint32_t source = 2 + record->link_count;
    if (number > source) {
        return number - source - 1;
    }
    return record->field_count + (number < 2 ? number : number == source ? 2 : number + 1);
}

static bool is_wanted_as(const struct weft_record *record, const bool *is_wanted, uint32_t number)
{
    return is_wanted == NULL || is_wanted[place_of_leaf(record, number)];
}

/* Hashes of the leaves: *ret_index[i] is the number, as collected, of the i-th in order, and
 * *ret_digests[i] its hash. */
static enum weft_err hash_leaves(const struct weft_record *record,
    const struct weft_statement_place *place, const bool *is_wanted, struct weft_arena *arena,
    uint16_t **ret_index, struct weft_digest **ret_digests)
{
    uint32_t count = weft_statement_leaf_count(record);
    struct leaf *leaves = NULL;
    uint16_t *index = NULL;
    struct weft_digest *digests = weft_arena_array(arena, count, sizeof(*digests));
    enum weft_err err =
        digests != NULL ? order_leaves(record, arena, &leaves, &index) : WEFT_ENOMEM;
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_digest pair = {{0}};
    uint32_t pair_number = UINT32_MAX; /* None yet. */
    for (uint32_t i = 0; i < count; i++) {
        const struct leaf *leaf = &leaves[index[i]];
        if (!is_wanted_as(record, is_wanted, index[i])) {
            continue;
        }
        if (place->salts == NULL && pair_number != i >> 1) {
            pair_number = i >> 1;
            pair = salt_pair(place->salt_seed, place->ordinal, pair_number);
        }
        if (leaf->type == WEFT_VALUE_REDACTED) {
            if (weft_digest_parse(leaf->value, &digests[i]) != WEFT_OK) {
                digests[i] = (struct weft_digest){{0}}; /* Damaged: of no statement. */
            }
            continue;
        }
        struct weft_salt salt = place->salts != NULL ? place->salts[i] : salt_of_pair(&pair, i);
        digests[i] =
            weft_statement_leaf(&salt, leaf->path, (enum weft_value_type)leaf->type, leaf->value);
    }
    *ret_index = index;
    *ret_digests = digests;
    return WEFT_OK;
}

enum weft_err weft_statement_leaves(const struct weft_record *record,
    const struct weft_statement_place *place, const bool *is_wanted, struct weft_arena *arena,
    struct weft_digest *ret_leaves)
{
    uint32_t count = weft_statement_leaf_count(record);
    uint16_t *index = NULL;
    struct weft_digest *digests = NULL;
    enum weft_err err = hash_leaves(record, place, is_wanted, arena, &index, &digests);
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        if (is_wanted_as(record, is_wanted, index[i])) {
            ret_leaves[place_of_leaf(record, index[i])] = digests[i];
        }
    }
    return err;
}

enum weft_err weft_statement_open(const struct weft_record *record,
    const struct weft_statement_place *place, struct weft_arena *arena,
    const struct weft_opened_leaf **ret_leaves, uint32_t *ret_count)
{
    weft_assert(record->has_at); /* PRO-4 */
    uint32_t count = weft_statement_leaf_count(record);
    struct leaf *leaves = NULL;
    uint16_t *index = NULL;
    struct weft_opened_leaf *opened = weft_arena_array(arena, count, sizeof(*opened));
    enum weft_err err = opened != NULL ? order_leaves(record, arena, &leaves, &index) : WEFT_ENOMEM;
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_digest pair;
    for (uint32_t i = 0; i < count; i++) {
        const struct leaf *leaf = &leaves[index[i]];
        if (place->salts == NULL && (i & 1) == 0) {
            pair = salt_pair(place->salt_seed, place->ordinal, i >> 1);
        }
        opened[i] = (struct weft_opened_leaf){.path = leaf->path, .type = leaf->type};
        if (leaf->type == WEFT_LEAF_LINK) {
            opened[i].link = &record->links[index[i] - 2]; /* behind @at and @author */
        }
        if (leaf->type == WEFT_VALUE_REDACTED) {
            if (weft_digest_parse(leaf->value, &opened[i].hash) != WEFT_OK) {
                opened[i].hash = (struct weft_digest){{0}}; /* Damaged: of no statement. */
            }
            continue;
        }
        opened[i].value = leaf->value;
        opened[i].salt = place->salts != NULL ? place->salts[i] : salt_of_pair(&pair, i);
        opened[i].hash = weft_statement_leaf(
            &opened[i].salt, leaf->path, (enum weft_value_type)leaf->type, leaf->value);
    }
    *ret_leaves = opened;
    *ret_count = count;
    return WEFT_OK;
}

struct weft_statement_header weft_statement_header_of(const struct weft_record *record,
    const struct weft_statement_place *place, const struct weft_digest *hashes, uint32_t count)
{
    return (struct weft_statement_header){
        .subject = weft_statement_subject(place->authority, record->kind, record->asset),
        .kind = record->kind,
        .group = WEFT_TEXT(""), /* all fields, for now */
        .authority = place->authority,
        .epoch = place->authority_epoch,
        .index = place->index,
        .ordinal = place->ordinal,
        .previous = place->previous,
        .time_ns = place->time_ns,
        .schema = place->schema,
        .leaf_count = count,
        .root = weft_statement_root(hashes, count),
    };
}

enum weft_err weft_statement_make(const struct weft_record *record,
    const struct weft_statement_place *place, struct weft_arena *arena,
    struct weft_statement *ret_statement)
{
    struct weft_statement made = {.leaf_count = 0};
    enum weft_err err = weft_statement_open(record, place, arena, &made.leaves, &made.leaf_count);
    struct weft_digest *hashes =
        err == WEFT_OK ? weft_arena_array(arena, made.leaf_count, sizeof(*hashes)) : NULL;
    if (hashes == NULL) {
        return err == WEFT_OK ? WEFT_ENOMEM : err;
    }
    for (uint32_t i = 0; i < made.leaf_count; i++) {
        hashes[i] = made.leaves[i].hash;
    }
    made.header = weft_statement_header_of(record, place, hashes, made.leaf_count);
    made.digest = weft_statement_header_digest(&made.header);
    *ret_statement = made;
    return WEFT_OK;
}

enum weft_err weft_statement_digest(const struct weft_record *record,
    const struct weft_statement_place *place, struct weft_arena *arena,
    struct weft_digest *ret_root, struct weft_digest *ret_digest)
{
    weft_assert(record->has_at);                                /* PRO-4 */
    weft_assert(record->field_count <= WEFT_RECORD_FIELDS_MAX); /* PRO-4 */
    weft_assert(record->link_count <= WEFT_RECORD_LINKS_MAX);   /* PRO-4 */
    uint32_t count = weft_statement_leaf_count(record);
    uint16_t *index = NULL;
    struct weft_digest *leaves = NULL;
    enum weft_err err = hash_leaves(record, place, NULL, arena, &index, &leaves);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_statement_header header =
        weft_statement_header_of(record, place, leaves, count);
    if (ret_root != NULL) {
        *ret_root = header.root;
    }
    *ret_digest = weft_statement_header_digest(&header);
    return WEFT_OK;
}
