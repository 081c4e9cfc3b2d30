/* node/state/cells_rows.h: the rows of cells: those of the store, and before them what an apply has
 * put or erased and the batch does not have yet.
 *
 * What a row holds stays where it is until weft_cells_rows_settle, or the cursor that gave it
 * moves. Keys: node/state/README.md, Cells. */
#ifndef WEFT_NODE_STATE_CELLS_ROWS_H
#define WEFT_NODE_STATE_CELLS_ROWS_H

#include "node/state/store.h"

enum {
    WEFT_CELLS_AGREEMENT_SIZE = 16,
    WEFT_CELLS_ROW_LEVELS = 8, /* of a list; specified: 2^16 rows at its best */
    WEFT_CELLS_WALKS_MAX = 6,  /* kept for the next cursor; measured: four are open at once */
};

/* The numbers are in keys. */
enum weft_cells_table {
    WEFT_CELLS_TEXT = 'a',
    WEFT_CELLS_COUNTS = 'b',
    WEFT_CELLS_WORDS = 'c',
    WEFT_CELLS_DISPUTES = 'd',
    WEFT_CELLS_EDGE_WORDS = 'e',
    WEFT_CELLS_EDGES = 'f',
    WEFT_CELLS_GROUPS = 'g',
    WEFT_CELLS_HANDOFFS = 'h',
    WEFT_CELLS_EDGES_UP = 'i',
    WEFT_CELLS_RECALLS = 'j',
    WEFT_CELLS_FILED_EDGES = 'l',
    WEFT_CELLS_SHARED = 'm',
    WEFT_CELLS_JOINED = 'n',
    WEFT_CELLS_PROPOSED = 'o',
    WEFT_CELLS_PAIRS = 'p',
    WEFT_CELLS_TASKS = 'q',
    WEFT_CELLS_LEFT_OVER = 'r',
    WEFT_CELLS_STATEMENTS = 's',
    WEFT_CELLS_SUBJECTS = 't',
    WEFT_CELLS_UNNAMED = 'u',
    WEFT_CELLS_STEPS = 'v',
    WEFT_CELLS_ALIAS_WORDS = 'w',
    WEFT_CELLS_ACTS = 'x',
    WEFT_CELLS_NAMED_BY = 'y',
};

struct weft_cells_row;
struct weft_cells_list;

/* Zero-initialized with a store is ready. */
struct weft_cells_rows {
    struct weft_store *store;
    const struct weft_store_snapshot *snapshot; /* NULL: the present. */
    struct weft_arena arena;                    /* Of what is put. */
    struct weft_cells_list *lists; /* One for each agreement that something was put of. */
    struct weft_store_walk *walks[WEFT_CELLS_WALKS_MAX]; /* Idle ones. */
    uint32_t walk_count;
};

struct weft_key weft_cells_key(
    const uint8_t agreement[WEFT_CELLS_AGREEMENT_SIZE], enum weft_cells_table table);
void weft_cells_key_add(struct weft_key *key, const void *bytes, size_t size);
static inline void weft_cells_key_digest(struct weft_key *key, const struct weft_digest *digest)
{
    weft_cells_key_add(key, digest->bytes, WEFT_DIGEST_SIZE);
}

/* What was read: released by weft_store_release. */
/* WEFT_ENOTFOUND: no such row. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_cells_rows_get(struct weft_cells_rows *rows,
    const struct weft_key *key, struct weft_store_value *ret_value, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_cells_rows_has(
    struct weft_cells_rows *rows, const struct weft_key *key, bool *ret_has, struct weft_msg *msg);
/* Copied. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_cells_rows_put(struct weft_cells_rows *rows,
    const struct weft_key *key, const void *value, size_t size, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_cells_rows_erase(
    struct weft_cells_rows *rows, const struct weft_key *key, struct weft_msg *msg);
/* What is in it stays until the next settle. */
struct weft_arena *weft_cells_rows_arena(struct weft_cells_rows *rows);
/* All of it into the batch, each agreement's by their keys. */
void weft_cells_rows_flush(struct weft_cells_rows *rows, struct weft_store_batch *batch);
/* The store has it. */
void weft_cells_rows_settle(struct weft_cells_rows *rows);
void weft_cells_rows_destroy(struct weft_cells_rows *rows);

/* Rows below a prefix, by their keys. Rows may be put and erased meanwhile: behind it that is seen,
 * or not. */
struct weft_cells_cursor {
    struct weft_cells_rows *rows;
    struct weft_store_walk *walk; /* NULL: of what was put alone. */
    struct weft_cells_row *row;
    struct weft_key prefix;
    bool is_walk_used; /* The walk's place was given out. */
    bool is_row_used;
    struct weft_bytes key; /* Of the row that it is at. */
    struct weft_bytes value;
    struct weft_msg *msg;
};

/* From the first row at or behind `from` on; NULL: the first. WEFT_ENOMEM: nothing to close. */
WEFT_MUST_USE enum weft_err weft_cells_cursor_open(struct weft_cells_rows *rows,
    const struct weft_key *prefix, const struct weft_key *from,
    struct weft_cells_cursor *ret_cursor, struct weft_msg *msg);
/* Of what was put since the last settle alone: for who knows that the store has nothing there. */
struct weft_cells_cursor weft_cells_cursor_fresh(
    struct weft_cells_rows *rows, const struct weft_key *prefix, struct weft_msg *msg);
/* To the next row. False: there is none; ask close why. */
bool weft_cells_cursor_next(struct weft_cells_cursor *cursor);
/* What of the key is behind the prefix. */
struct weft_bytes weft_cells_cursor_rest(const struct weft_cells_cursor *cursor);
/* `err`: what the caller met; it goes first. WEFT_ECORRUPT, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_cells_cursor_close(
    struct weft_cells_cursor *cursor, enum weft_err err);

#endif
