/* federation/cells/cell_find.h: a statement of a set by its digest. Private to the two files that
 * have the sets: cell.c, which fills them, and cell_judge.c, which judges them. */
#ifndef WEFT_FEDERATION_CELLS_CELL_FIND_H
#define WEFT_FEDERATION_CELLS_CELL_FIND_H

#include "federation/cells/cell.h"

/* False: *ret_at is where it would go. */
bool weft_cell_find(
    const struct weft_cell_set *set, const struct weft_digest *digest, uint32_t *ret_at);

#ifdef WEFT_CELL_MUTANTS_PLANTED
extern struct weft_digest weft_cell_last_added;
#endif

#endif
