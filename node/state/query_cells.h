/* node/state/query_cells.h: what files of a query about cells share. Private to query_cells*.c.
 *
 * Answers are lines of words, which a space parts: in a word a space, '%', and what is no printable
 * UTF-8 is %XX. What may not be seen of it is left out, or stands as @hidden: NOD-224. */
#ifndef WEFT_NODE_STATE_QUERY_CELLS_H
#define WEFT_NODE_STATE_QUERY_CELLS_H

#include "node/state/cells_desk.h"
#include "node/state/view.h"

enum {
    WEFT_CELLS_PAGE_MAX = 200,          /* cells, pairs or subjects of an answer; chosen */
    WEFT_CELLS_PAGE_BYTES = 512 * 1024, /* behind which none is begun; chosen */
    WEFT_CELLS_CLAIMS_MAX = 256,        /* of a cell that are told of; chosen */
};

struct weft_cells_asking {
    struct weft_run *run;
    struct weft_cells_rows rows;
    struct weft_cells_agreement agreement; /* The one that is asked of. */
    struct weft_cells_desk desk;
    struct weft_arena arena; /* Of the cell under way. */
    struct weft_buffer out;
    struct weft_msg *msg;
};

/* May records of that kind on that asset be seen? All of their fields? */
bool weft_cells_may_see(struct weft_cells_asking *a, struct weft_text kind, struct weft_text asset);
bool weft_cells_may_see_all(
    struct weft_cells_asking *a, struct weft_text kind, struct weft_text asset);
/* A space and the word; of an empty one "-". */
WEFT_MUST_USE enum weft_err weft_cells_put_word(struct weft_cells_asking *a, struct weft_text word);
WEFT_MUST_USE enum weft_err weft_cells_put_digest(
    struct weft_cells_asking *a, const struct weft_digest *digest);
WEFT_MUST_USE enum weft_err weft_cells_put_name(struct weft_cells_asking *a, const char *line,
    const struct weft_digest *subject, const struct weft_subject_name *name);

/* One cell, as far as it may be seen; *ret_is_told false: nothing of it. Of an edge `ends` are its
 * two, of others the subjects of the set. */
WEFT_MUST_USE enum weft_err weft_cells_put_cell(struct weft_cells_asking *a,
    const struct weft_cells_judged *judged, const struct weft_digest *ends, uint32_t end_count,
    bool *ret_is_told);
/* query_cells_steps.c: of WORKFLOW/<subject's digest>, its status and its steps. */
WEFT_MUST_USE enum weft_err weft_cells_put_workflow(
    struct weft_cells_asking *a, struct weft_text rest);

#endif
