/* tests/unit/node/cells_rig.h: sides of an agreement with a store each, and statements for them.
 *
 * Party 0 is oem.example/plant1, party 1 supplier.example/west. A side is what apply has, without a
 * log: statements are taken entry by entry, several entries go into one batch, and it may be opened
 * anew between any two batches. What cannot fail here ends the
 * process when it does. */
#ifndef WEFT_TESTS_UNIT_NODE_CELLS_RIG_H
#define WEFT_TESTS_UNIT_NODE_CELLS_RIG_H

#include "node/state/cells_parts.h"
#include "tests/unit/federation/rig.h"

struct cells_side {
    char directory[600];
    struct weft_store *store;
    struct weft_store_batch *batch;
    struct weft_cells *cells;
    struct weft_msg msg;
};

void cells_open(struct cells_side *side, const char *directory, const char *name);
void cells_close(struct cells_side *side);
/* As after a restart: all that is not in the store is gone. */
void cells_reopen(struct cells_side *side);
/* Behind an entry; behind all entries of a batch. */
void cells_end_entry(struct cells_side *side);
void cells_write(struct cells_side *side);

/* The agreement of these tests: inspections (verdict JOIN, the rest UNION, operator MATCH),
 * as_built records (their links MATCH), routes (OWNER, the supplier's), and all acts, of both
 * parties, all disclosed. Static. */
struct weft_contract cells_contract(void);
void cells_agree(struct cells_side *side, const struct weft_contract *contract);

/* Static texts in a pool: how often each was told is up to the sides. */
struct cells_stated {
    uint32_t party;
    struct weft_buffer bytes;
    struct weft_digest digest;
};
/* The record's statement, the index-th of the party's. Its author and time are filled in. */
struct cells_stated cells_state(const struct weft_contract *contract, uint32_t party,
    uint64_t index, struct weft_record record);
struct cells_stated cells_state_act(const struct weft_contract *contract, uint32_t party,
    uint64_t index, const struct weft_act *act);
void cells_stated_destroy(struct cells_stated *stated);

void cells_take(struct cells_side *side, const struct weft_contract *contract,
    const struct cells_stated *stated, uint64_t sequence);
struct weft_cells_sum cells_sum(struct cells_side *side);
/* A cell as it is now. In the side's arena until its next call. */
struct weft_cells_judged cells_judge(struct cells_side *side, const char *site, const char *asset,
    const char *kind, const char *group);
struct weft_cells_work cells_work(struct cells_side *side);
/* cells_check.c: counts and the shared digest against all rows (NOD-222). */
void cells_check(struct cells_side *side);

#endif
