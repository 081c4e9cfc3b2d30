/* tests/unit/federation/cells/naive_cell.h: the rules of cells once more, written from README.md
 * without an order, an index or a sort: each definition is a loop over everything. Shares no code
 * with federation/cells but the structs that go in. */
#ifndef WEFT_TESTS_UNIT_FEDERATION_CELLS_NAIVE_CELL_H
#define WEFT_TESTS_UNIT_FEDERATION_CELLS_NAIVE_CELL_H

#include "federation/cells/cell.h"

enum {
    NAIVE_STATEMENTS_MAX = 64
};

struct naive_answer {
    bool has_value;
    bool is_disputed;
    bool is_awaited;
    bool has_unknown_word;
    char value[32]; /* Terminated. */
    bool is_open[NAIVE_STATEMENTS_MAX];
    bool is_effective[NAIVE_STATEMENTS_MAX];
};

/* `statements` in any order, each once; `handoffs` as weft_cell_authority_fold takes them. */
struct naive_answer naive_judge(enum weft_cell_rule rule, const struct weft_text parties[2],
    struct weft_text holder, const struct weft_handoff_statement *handoffs, uint32_t handoff_count,
    const struct weft_cell_statement *statements, uint32_t count);

#endif
