/* tests/unit/federation/cells/desk.h: one side of a contract, in memory: what a driver of cells
 * does, without a store. Statements and aliases come in any order; cells, disputes and the shared
 * digest follow. */
#ifndef WEFT_TESTS_UNIT_FEDERATION_CELLS_DESK_H
#define WEFT_TESTS_UNIT_FEDERATION_CELLS_DESK_H

#include "federation/cells/alias.h"
#include "tests/unit/federation/cells/shelf.h"

enum {
    DESK_ITEMS_MAX = 512,
    DESK_SET_MAX = 16, /* statements of one cell */
};

/* A statement on a cell, or a word on an alias. Borrows. */
struct desk_item {
    bool is_alias;
    struct weft_digest subject;           /* Of a statement. */
    struct weft_cell_statement statement; /* Of kind and group below. */
    struct weft_subject_name names[2];    /* Of an alias. */
    struct weft_digest subjects[2];
    struct weft_alias_word word;
};

struct desk {
    enum weft_cell_rule rule;
    struct weft_text parties[WEFT_CELL_PARTIES];
    struct weft_text kind;
    struct weft_text group;
    const struct desk_item *items[DESK_ITEMS_MAX];
    uint32_t count;
    struct shelf shelf;
    struct weft_digest root;
    struct weft_arena arena;
};

/* What a cell comes to; valid until the next call. */
struct desk_cell {
    struct weft_cell_statement memory[DESK_SET_MAX];
    struct weft_cell_set set;
    struct weft_cell_answer answer;
};

void desk_open(struct desk *desk, enum weft_cell_rule rule, struct weft_text party_a,
    struct weft_text party_b, struct weft_text kind, struct weft_text group);
void desk_close(struct desk *desk);
/* It came, perhaps once more. */
void desk_take(struct desk *desk, const struct desk_item *item);
/* The cell of a subject's set. False: nothing is stated of any of them. */
bool desk_judge(struct desk *desk, const struct weft_digest *subject, struct desk_cell *ret_cell);
struct weft_alias_set desk_set(struct desk *desk, const struct weft_digest *subject);

#endif
