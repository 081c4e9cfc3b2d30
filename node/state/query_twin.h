/* node/state/query_twin.h: what TWIN and DIFF share: reading for a question, answering it. */
#ifndef WEFT_NODE_STATE_QUERY_TWIN_H
#define WEFT_NODE_STATE_QUERY_TWIN_H

#include "node/state/dossier.h"
#include "node/state/twin/sheet.h"
#include "node/state/view.h"

/* A reader that sees what the question sees. It borrows the run's walk and loader. */
struct weft_dossier weft_run_dossier(struct weft_run *run, struct weft_arena *arena);
/* The time that ages are counted from: the time asked for; the commit time of the index asked
 * for; else now, by the clock of the node that answers. */
WEFT_MUST_USE enum weft_err weft_run_now(struct weft_run *run, int64_t *ret_ns);
/* The sheet becomes the answer. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_run_document(
    struct weft_run *run, const struct weft_sheet *sheet, uint64_t asset_rev);

#endif
