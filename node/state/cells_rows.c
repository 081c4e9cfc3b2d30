#include "node/state/cells_rows.h"

#include "proto/arith.h"
#include "proto/check.h"

/* A row that was put or erased, in a skip list. It stays until settle; a value that is put anew
 * leaves the old one where it is. What a search looks at comes first: most rows are told apart by
 * their words, without a look at their keys. */
struct weft_cells_row {
    uint64_t word; /* Of the key: table, and what is behind it. */
    struct weft_cells_content *content;
    struct weft_cells_row *next[];
};

struct weft_cells_content {
    bool is_erased;
    struct weft_bytes value;
    struct weft_bytes key;
};

struct weft_cells_list {
    struct weft_cells_list *next;
    uint8_t agreement[WEFT_CELLS_AGREEMENT_SIZE];
    struct weft_cells_row *heads[WEFT_CELLS_ROW_LEVELS];
};

enum {
    PREFIX_SIZE = 1 + WEFT_CELLS_AGREEMENT_SIZE, /* of keys of one list */
};

/* --- keys ------------------------------------------------------------------------------------ */

struct weft_key weft_cells_key(
    const uint8_t agreement[WEFT_CELLS_AGREEMENT_SIZE], enum weft_cells_table table)
{
    struct weft_key key; /* Not zeroed: behind its size nobody looks. */
    key.size = PREFIX_SIZE + 1;
    key.bytes[0] = WEFT_KEY_CELLS;
    memcpy(key.bytes + 1, agreement, WEFT_CELLS_AGREEMENT_SIZE);
    key.bytes[PREFIX_SIZE] = (uint8_t)table;
    return key;
}

void weft_cells_key_add(struct weft_key *key, const void *bytes, size_t size)
{
    weft_assert(key->size + size <= sizeof(key->bytes)); /* NOD-101 */
    if (size > 0) {
        memcpy(key->bytes + key->size, bytes, size);
    }
    key->size += size;
}

static int compare(struct weft_bytes a, struct weft_bytes b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_below(struct weft_bytes key, const struct weft_key *prefix)
{
    return key.size >= prefix->size && memcmp(key.data, prefix->bytes, prefix->size) == 0;
}

/* --- the list -------------------------------------------------------------------------------- */

/* Zeros are behind a key that ends: rows of one list are in the order of their words, and those of
 * one word in that of their keys. */
static uint64_t word_of(struct weft_bytes key)
{
    uint8_t bytes[8] = {0};
    const size_t size = key.size - PREFIX_SIZE;
    memcpy(bytes, key.data + PREFIX_SIZE, size < sizeof(bytes) ? size : sizeof(bytes));
    return weft_get_be64(bytes);
}

static bool is_before(const struct weft_cells_row *row, uint64_t word, struct weft_bytes key)
{
    return row->word != word ? row->word < word : compare(row->content->key, key) < 0;
}

/* The links that lead past everything below the key, on each level. */
static void find(struct weft_cells_list *list, struct weft_bytes key,
    struct weft_cells_row **ret_links[WEFT_CELLS_ROW_LEVELS])
{
    struct weft_cells_row **next = list->heads;
    const struct weft_cells_row *behind = NULL; /* The key: so said the level above. */
    const uint64_t word = word_of(key);
    for (uint32_t level = WEFT_CELLS_ROW_LEVELS; level-- > 0;) {
        while (next[level] != behind && is_before(next[level], word, key)) {
            next = next[level]->next;
        }
        behind = next[level];
        ret_links[level] = &next[level];
    }
}

/* NULL: nothing was put of the key's agreement. */
static struct weft_cells_list *list_of(
    const struct weft_cells_rows *rows, const struct weft_key *key)
{
    struct weft_cells_list *list = rows->lists;
    /* No list has all agreements in their order. */
    weft_assert(key->size >= PREFIX_SIZE || list == NULL);
    while (list != NULL && memcmp(list->agreement, key->bytes + 1, sizeof(list->agreement)) != 0) {
        list = list->next;
    }
    return list;
}

static struct weft_cells_row *seek(struct weft_cells_rows *rows, const struct weft_key *key)
{
    struct weft_cells_row **links[WEFT_CELLS_ROW_LEVELS];
    struct weft_cells_list *list = list_of(rows, key);
    if (list == NULL) {
        return NULL;
    }
    find(list, weft_key_bytes(key), links);
    return *links[0];
}

/* Of the key, so that replicas do the same work. A quarter of the rows of a level are on the next.
 */
static uint32_t levels_of(const struct weft_key *key)
{
    uint64_t hash = key->size;
    for (size_t i = PREFIX_SIZE; i < key->size; i += 8) {
        uint8_t bytes[8] = {0};
        memcpy(bytes, key->bytes + i, key->size - i < 8 ? key->size - i : 8);
        hash = (hash ^ weft_get_be64(bytes)) * 0x9e3779b97f4a7c15u; /* splitmix64 */
        hash ^= hash >> 32;
    }
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 27;
    return 1 +
           (uint32_t)__builtin_ctzll(hash | UINT64_C(1) << (2 * (WEFT_CELLS_ROW_LEVELS - 1))) / 2;
}

struct weft_arena *weft_cells_rows_arena(struct weft_cells_rows *rows)
{
    if (rows->arena.size_max == 0) {
        rows->arena.size_max = SIZE_MAX / 2;
    }
    return &rows->arena;
}

static struct weft_cells_list *make_list(struct weft_cells_rows *rows, const struct weft_key *key)
{
    struct weft_cells_list *list = weft_arena_alloc(weft_cells_rows_arena(rows), sizeof(*list));
    if (list != NULL) {
        *list = (struct weft_cells_list){.next = rows->lists};
        memcpy(list->agreement, key->bytes + 1, sizeof(list->agreement));
        rows->lists = list;
    }
    return list;
}

static struct weft_cells_content *touch(struct weft_cells_rows *rows, const struct weft_key *key)
{
    struct weft_cells_row **links[WEFT_CELLS_ROW_LEVELS], *row;
    struct weft_cells_list *list = list_of(rows, key);
    const struct weft_bytes bytes = weft_key_bytes(key);
    list = list != NULL ? list : make_list(rows, key);
    if (list == NULL) {
        return NULL;
    }
    find(list, bytes, links);
    row = *links[0];
    if (row != NULL && row->word == word_of(bytes) && compare(row->content->key, bytes) == 0) {
        return row->content;
    }
    uint32_t levels = levels_of(key);
    row = weft_arena_alloc(&rows->arena, sizeof(*row) + levels * sizeof(row->next[0]));
    struct weft_cells_content *content =
        row != NULL ? weft_arena_alloc(&rows->arena, sizeof(*content) + key->size) : NULL;
    if (content == NULL) {
        return NULL;
    }
    uint8_t *copy = (uint8_t *)(content + 1);
    memcpy(copy, key->bytes, key->size);
    *content = (struct weft_cells_content){.key = {copy, key->size}};
    row->word = word_of(bytes);
    row->content = content;
    for (uint32_t i = 0; i < levels; i++) {
        row->next[i] = *links[i];
        *links[i] = row;
    }
    return content;
}

enum weft_err weft_cells_rows_put(struct weft_cells_rows *rows, const struct weft_key *key,
    const void *value, size_t size, struct weft_msg *msg)
{
    struct weft_cells_content *row = touch(rows, key);
    uint8_t *copy = row != NULL ? weft_arena_alloc(&rows->arena, size + 1) : NULL;
    if (copy == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "a row of cells");
    }
    if (size > 0) {
        memcpy(copy, value, size);
    }
    row->is_erased = false;
    row->value = (struct weft_bytes){copy, size};
    return WEFT_OK;
}

enum weft_err weft_cells_rows_erase(
    struct weft_cells_rows *rows, const struct weft_key *key, struct weft_msg *msg)
{
    struct weft_cells_content *row = touch(rows, key);
    if (row == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "a row of cells");
    }
    row->is_erased = true;
    return WEFT_OK;
}

enum weft_err weft_cells_rows_get(struct weft_cells_rows *rows, const struct weft_key *key,
    struct weft_store_value *ret_value, struct weft_msg *msg)
{
    const struct weft_cells_row *row = seek(rows, key);
    if (row == NULL || compare(row->content->key, weft_key_bytes(key)) != 0) {
        return weft_store_get(rows->store, rows->snapshot, key, ret_value, msg);
    }
    *ret_value = (struct weft_store_value){.bytes = row->content->value};
    return row->content->is_erased ? weft_fail(msg, WEFT_ENOTFOUND, "no such row") : WEFT_OK;
}

enum weft_err weft_cells_rows_has(
    struct weft_cells_rows *rows, const struct weft_key *key, bool *ret_has, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    enum weft_err err = weft_cells_rows_get(rows, key, &value, msg);
    if (err == WEFT_OK) {
        weft_store_release(&value);
    }
    *ret_has = err == WEFT_OK;
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

static void flush_list(const struct weft_cells_list *list, struct weft_store_batch *batch)
{
    for (const struct weft_cells_row *row = list->heads[0]; row != NULL; row = row->next[0]) {
        const struct weft_cells_content *content = row->content;
        struct weft_key key; /* As above. */
        key.size = content->key.size;
        memcpy(key.bytes, content->key.data, key.size);
        if (content->is_erased) {
            weft_store_batch_remove(batch, &key);
        } else {
            weft_store_batch_put(batch, &key, content->value.data, content->value.size);
        }
    }
}

void weft_cells_rows_flush(struct weft_cells_rows *rows, struct weft_store_batch *batch)
{
    for (const struct weft_cells_list *list = rows->lists; list != NULL; list = list->next) {
        flush_list(list, batch);
    }
}

static void drop_walks(struct weft_cells_rows *rows)
{
    while (rows->walk_count > 0) {
        weft_store_walk_destroy(rows->walks[--rows->walk_count]);
    }
}

void weft_cells_rows_settle(struct weft_cells_rows *rows)
{
    drop_walks(rows);
    rows->lists = NULL;
    weft_arena_reset(&rows->arena);
}

void weft_cells_rows_destroy(struct weft_cells_rows *rows)
{
    drop_walks(rows);
    weft_arena_destroy(&rows->arena);
}

/* --- cursors --------------------------------------------------------------------------------- */

enum weft_err weft_cells_cursor_open(struct weft_cells_rows *rows, const struct weft_key *prefix,
    const struct weft_key *from, struct weft_cells_cursor *ret_cursor, struct weft_msg *msg)
{
    const struct weft_key *first = from != NULL ? from : prefix;
    struct weft_cells_cursor c = {.rows = rows, .prefix = *prefix, .msg = msg};
    c.walk = rows->walk_count > 0 ? rows->walks[--rows->walk_count]
                                  : weft_store_walk_create(rows->store, rows->snapshot, false);
    if (c.walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "rows of cells");
    }
    weft_store_walk_to(c.walk, first);
    c.row = seek(rows, first);
    *ret_cursor = c;
    return WEFT_OK;
}

struct weft_cells_cursor weft_cells_cursor_fresh(
    struct weft_cells_rows *rows, const struct weft_key *prefix, struct weft_msg *msg)
{
    return (struct weft_cells_cursor){
        .rows = rows, .row = seek(rows, prefix), .prefix = *prefix, .msg = msg};
}

bool weft_cells_cursor_next(struct weft_cells_cursor *c)
{
    for (;;) {
        if (c->is_walk_used) {
            weft_store_walk_next(c->walk);
        }
        if (c->is_row_used) {
            c->row = c->row->next[0];
        }
        c->is_walk_used =
            c->walk != NULL && weft_store_walk_is_below(c->walk, weft_key_bytes(&c->prefix));
        c->is_row_used = c->row != NULL && is_below(c->row->content->key, &c->prefix);
        if (!c->is_walk_used && !c->is_row_used) {
            return false;
        }
        if (c->is_walk_used && c->is_row_used) {
            int order = compare(weft_store_walk_key(c->walk), c->row->content->key);
            c->is_walk_used = order <= 0;
            c->is_row_used = order >= 0; /* Of both the row counts. */
        }
        if (!c->is_row_used) {
            c->key = weft_store_walk_key(c->walk);
            c->value = weft_store_walk_value(c->walk);
            return true;
        }
        if (!c->row->content->is_erased) {
            c->key = c->row->content->key;
            c->value = c->row->content->value;
            return true;
        }
    }
}

struct weft_bytes weft_cells_cursor_rest(const struct weft_cells_cursor *c)
{
    return (struct weft_bytes){c->key.data + c->prefix.size, c->key.size - c->prefix.size};
}

enum weft_err weft_cells_cursor_close(struct weft_cells_cursor *c, enum weft_err err)
{
    if (c->walk == NULL) {
        return err;
    }
    if (err == WEFT_OK) {
        err = weft_store_walk_err(c->walk, c->msg);
    }
    if (c->rows->walk_count < WEFT_CELLS_WALKS_MAX) {
        c->rows->walks[c->rows->walk_count++] = c->walk;
    } else {
        weft_store_walk_destroy(c->walk);
    }
    return err;
}
