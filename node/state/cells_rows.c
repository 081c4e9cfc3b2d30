#include "node/state/cells_rows.h"

#include "proto/check.h"

/* A row that was put or erased, in a skip list. It stays until settle; a value that is put anew
 * leaves the old one where it is. */
struct weft_cells_row {
    bool is_erased;
    struct weft_bytes value;
    struct weft_bytes key;
    uint32_t level_count;
    struct weft_cells_row *next[];
};

/* --- keys ------------------------------------------------------------------------------------ */

struct weft_key weft_cells_key(
    const uint8_t agreement[WEFT_CELLS_AGREEMENT_SIZE], enum weft_cells_table table)
{
    struct weft_key key = {.size = 1, .bytes = {WEFT_KEY_CELLS}};
    const uint8_t byte = (uint8_t)table;
    weft_cells_key_add(&key, agreement, WEFT_CELLS_AGREEMENT_SIZE);
    weft_cells_key_add(&key, &byte, 1);
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

/* The links that lead past everything below the key, on each level. */
static void find(struct weft_cells_rows *rows, struct weft_bytes key,
    struct weft_cells_row **ret_links[WEFT_CELLS_ROW_LEVELS])
{
    struct weft_cells_row **next = rows->heads;
    for (uint32_t level = WEFT_CELLS_ROW_LEVELS; level-- > 0;) {
        while (next[level] != NULL && compare(next[level]->key, key) < 0) {
            next = next[level]->next;
        }
        ret_links[level] = &next[level];
    }
}

static struct weft_cells_row *seek(struct weft_cells_rows *rows, const struct weft_key *key)
{
    struct weft_cells_row **links[WEFT_CELLS_ROW_LEVELS];
    find(rows, weft_key_bytes(key), links);
    return *links[0];
}

/* Of the key, so that replicas do the same work. Half of the rows of a level are on the next. */
static uint32_t levels_of(const struct weft_key *key)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a, and a last mix (splitmix64) */
    for (size_t i = 0; i < key->size; i++) {
        hash = (hash ^ key->bytes[i]) * 1099511628211u;
    }
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 27;
    return 1 + (uint32_t)__builtin_ctzll(hash | UINT64_C(1) << (WEFT_CELLS_ROW_LEVELS - 1));
}

struct weft_arena *weft_cells_rows_arena(struct weft_cells_rows *rows)
{
    if (rows->arena.size_max == 0) {
        rows->arena.size_max = SIZE_MAX / 2;
    }
    return &rows->arena;
}

static struct weft_cells_row *touch(struct weft_cells_rows *rows, const struct weft_key *key)
{
    struct weft_cells_row **links[WEFT_CELLS_ROW_LEVELS], *row;
    find(rows, weft_key_bytes(key), links);
    row = *links[0];
    if (row != NULL && compare(row->key, weft_key_bytes(key)) == 0) {
        return row;
    }
    uint32_t levels = levels_of(key);
    row =
        weft_arena_alloc(weft_cells_rows_arena(rows), sizeof(*row) + levels * sizeof(row->next[0]));
    uint8_t *copy = row != NULL ? weft_arena_alloc(&rows->arena, key->size) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, key->bytes, key->size);
    row->key = (struct weft_bytes){copy, key->size};
    row->level_count = levels;
    for (uint32_t i = 0; i < levels; i++) {
        row->next[i] = *links[i];
        *links[i] = row;
    }
    return row;
}

enum weft_err weft_cells_rows_put(struct weft_cells_rows *rows, const struct weft_key *key,
    const void *value, size_t size, struct weft_msg *msg)
{
    struct weft_cells_row *row = touch(rows, key);
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
    struct weft_cells_row *row = touch(rows, key);
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
    if (row == NULL || compare(row->key, weft_key_bytes(key)) != 0) {
        return weft_store_get(rows->store, rows->snapshot, key, ret_value, msg);
    }
    *ret_value = (struct weft_store_value){.bytes = row->value};
    return row->is_erased ? weft_fail(msg, WEFT_ENOTFOUND, "no such row") : WEFT_OK;
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

void weft_cells_rows_flush(struct weft_cells_rows *rows, struct weft_store_batch *batch)
{
    for (const struct weft_cells_row *row = rows->heads[0]; row != NULL; row = row->next[0]) {
        struct weft_key key = {.size = row->key.size};
        memcpy(key.bytes, row->key.data, key.size);
        if (row->is_erased) {
            weft_store_batch_remove(batch, &key);
        } else {
            weft_store_batch_put(batch, &key, row->value.data, row->value.size);
        }
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
    memset(rows->heads, 0, sizeof(rows->heads));
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
        c->is_row_used = c->row != NULL && is_below(c->row->key, &c->prefix);
        if (!c->is_walk_used && !c->is_row_used) {
            return false;
        }
        if (c->is_walk_used && c->is_row_used) {
            int order = compare(weft_store_walk_key(c->walk), c->row->key);
            c->is_walk_used = order <= 0;
            c->is_row_used = order >= 0; /* Of both the row counts. */
        }
        if (!c->is_row_used) {
            c->key = weft_store_walk_key(c->walk);
            c->value = weft_store_walk_value(c->walk);
            return true;
        }
        if (!c->row->is_erased) {
            c->key = c->row->key;
            c->value = c->row->value;
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
