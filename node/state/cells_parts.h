/* node/state/cells_parts.h: what struct weft_cells holds: for cells*.c alone. */
#ifndef WEFT_NODE_STATE_CELLS_PARTS_H
#define WEFT_NODE_STATE_CELLS_PARTS_H

#include "node/state/cells.h"
#include "node/state/cells_desk.h"
#include "node/state/cells_nodes.h"
#include "node/state/filter.h"

enum {
    /* Cells and edges that one entry judges anew beside those it changed. Chosen: about 20 ms. */
    WEFT_CELLS_TASK_BUDGET = 1024,
    /* What one statement, or one judgement, may take. Chosen: a projection, and all of a cell. */
    WEFT_CELLS_MEMORY_MAX = 512 * 1024 * 1024,
};

/* A cell that is to be judged. */
struct weft_cells_dirty {
    struct weft_cells_agreement *agreement;
    struct weft_digest subject; /* Of an edge the parent that it is filed under. */
    struct weft_digest child;   /* Of an edge; else its kg, and zeros. */
    bool is_edge;
    bool is_fresh; /* Nothing of it is in the store: its rows have come since the last write. */
    struct weft_text kind, group; /* If they are known: not empty, until the rows settle. */
};

/* What the trie is still to be told. */
struct weft_cells_change {
    struct weft_cells_agreement *agreement;
    struct weft_digest subject; /* Of its leaf. */
    bool is_edge;
    uint8_t kg[WEFT_CELLS_KG_SIZE]; /* Of an edge zeros. */
    uint32_t number;                /* The last one of a cell counts. */
    bool is_gone;
    struct weft_digest state;
};

struct weft_cells {
    struct weft_store_batch *batch;
    struct weft_cells_rows rows;
    struct weft_cells_agreement *agreements; /* By their ids. */
    struct weft_arena arena;                 /* Of the statement or the judgement under way. */
    struct weft_buffer buffer;               /* A row under construction. */
    struct weft_cells_dirty *dirty;
    uint32_t dirty_count;
    uint32_t dirty_capacity;
    struct weft_cells_change *changes;
    uint32_t change_count;
    uint32_t change_capacity;
    struct weft_shared_change *leaves; /* Of one agreement; as many at most. */
    struct weft_cells_nodes nodes;
    struct weft_filter subjects; /* That have a row, of all agreements. */
};

/* A statement that is being filed, or what else is being done in an agreement. */
struct weft_cells_work {
    struct weft_cells *cells;
    struct weft_cells_agreement *agreement;
    struct weft_cells_desk desk;
    struct weft_msg *msg;
};

void weft_cells_begin(struct weft_cells *cells, struct weft_cells_agreement *agreement,
    struct weft_cells_work *ret_work, struct weft_msg *msg);

/* --- cells.c: rows and counts. WEFT_ENOMEM, and what reading gives. -----------------------------
 */

/* The buffer's content under that key. `err` of the encoding is passed on. */
WEFT_MUST_USE enum weft_err weft_cells_store(
    struct weft_cells_work *w, const struct weft_key *key, enum weft_err err);
/* A row without a value. */
WEFT_MUST_USE enum weft_err weft_cells_mark(struct weft_cells_work *w, const struct weft_key *key);
/* A count goes up or down. */
static inline void weft_cells_count(struct weft_cells_work *w, uint64_t *count, bool is_up)
{
    *count += is_up ? 1 : UINT64_MAX;
    w->agreement->is_counted_anew = true;
}
WEFT_MUST_USE enum weft_err weft_cells_spoil(struct weft_cells_work *w,
    const struct weft_digest *subject, const uint8_t kg[WEFT_CELLS_KG_SIZE]);
/* The same of a cell whose kind and group are at hand. `is_fresh`: nothing was there before. */
WEFT_MUST_USE enum weft_err weft_cells_spoil_known(struct weft_cells_work *w,
    const struct weft_digest *subject, const uint8_t kg[WEFT_CELLS_KG_SIZE], struct weft_text kind,
    struct weft_text group, bool is_fresh);
WEFT_MUST_USE enum weft_err weft_cells_spoil_edge(
    struct weft_cells_work *w, const struct weft_digest *parent, const struct weft_digest *child);
WEFT_MUST_USE enum weft_err weft_cells_add_task(
    struct weft_cells_work *w, const struct weft_cells_task *task);

/* Where the filter looks for a subject of an agreement. */
static inline uint64_t weft_cells_subject_hash(
    const struct weft_cells_agreement *agreement, const struct weft_digest *subject)
{
    return weft_get_be64(subject->bytes) ^ weft_get_be64(agreement->id);
}

/* There is no such cell any more: of the lowest subject of a set; `kg` NULL: of an edge. */
WEFT_MUST_USE enum weft_err weft_cells_remove(struct weft_cells_work *w,
    const struct weft_digest *subject, const uint8_t *kg, const struct weft_digest *cell);

/* --- cells_trie.c --------------------------------------------------------------------------- */

/* As it was judged; `state` NULL: there is none any more. The trie is told before the write, with
 * all others. `kg` NULL: of an edge, whose subject is weft_intake_edge_subject. */
WEFT_MUST_USE enum weft_err weft_cells_put_state(struct weft_cells_work *w,
    const struct weft_digest *subject, const uint8_t *kg, const struct weft_digest *state);
/* Into rows of subjects, and the trie. */
WEFT_MUST_USE enum weft_err weft_cells_put_changes(struct weft_cells *cells, struct weft_msg *msg);

/* --- cells_file.c --------------------------------------------------------------------------- */

WEFT_MUST_USE enum weft_err weft_cells_file(
    struct weft_cells_work *w, const struct weft_cells_statement *statement);
/* A subject that somebody named: its name is kept. *ret_is_new: nobody has before, so it has no
 * cells. */
WEFT_MUST_USE enum weft_err weft_cells_note_subject(struct weft_cells_work *w,
    const struct weft_digest *subject, const struct weft_subject_name *name, bool is_known,
    bool is_unnamed, bool *ret_is_new);

/* --- cells_alias.c -------------------------------------------------------------------------- */

WEFT_MUST_USE enum weft_err weft_cells_take_alias(
    struct weft_cells_work *w, const struct weft_intake_act *act);

/* A subject has no usable serial: it waits for an alias, if it has none. */
WEFT_MUST_USE enum weft_err weft_cells_note_unnamed(
    struct weft_cells_work *w, const struct weft_digest *subject);

/* --- cells_edge.c --------------------------------------------------------------------------- */

/* It says that of an edge. */
WEFT_MUST_USE enum weft_err weft_cells_take_edge(struct weft_cells_work *w,
    const struct weft_intake_edge *edge, struct weft_text kind, struct weft_digest ret_ends[2]);
/* Where the edge is filed, anew: its ends' sets may have changed, or come. */
WEFT_MUST_USE enum weft_err weft_cells_refile_edge(
    struct weft_cells_work *w, const struct weft_digest *parent, const struct weft_digest *child);
/* If there are edges at the subject: a task. */
WEFT_MUST_USE enum weft_err weft_cells_refile_edges(
    struct weft_cells_work *w, const struct weft_digest *subject);
/* The same of all of its set. */
WEFT_MUST_USE enum weft_err weft_cells_refile_set(
    struct weft_cells_work *w, const struct weft_digest *subject);

/* --- cells_recall.c -------------------------------------------------------------------------- */

/* A recall, an impact or an acknowledgement. */
WEFT_MUST_USE enum weft_err weft_cells_take_recall(struct weft_cells_work *w,
    const struct weft_cells_statement *statement, const struct weft_projection *projection,
    const struct weft_intake_act *act);

/* --- cells_task.c --------------------------------------------------------------------------- */

/* So much of the oldest tasks; *budget is what is left. */
WEFT_MUST_USE enum weft_err weft_cells_work_on(struct weft_cells_work *w, uint32_t *budget);

#endif
