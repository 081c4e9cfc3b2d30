/* What both sides have filed under an agreement, gone through (cells.h). */
#include "node/state/cells.h"
#include "node/state/cells_desk.h"
#include "node/state/view.h"

enum weft_err weft_view_filed(struct weft_view *view, struct weft_text agreement,
    weft_cells_on_filed *on_filed, void *ctx, struct weft_msg *msg)
{
    uint8_t id[WEFT_CELLS_AGREEMENT_SIZE];
    weft_cells_agreement_id(agreement, id);
    const struct weft_key first = weft_cells_key(id, WEFT_CELLS_STATEMENTS);
    struct weft_store_walk *walk = weft_store_walk_create(view->store, view->snapshot, true);
    enum weft_err err = WEFT_OK;
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "go through what is filed");
    }
    weft_store_walk_yield_with(walk, view->yield);
    for (weft_store_walk_to(walk, &first);
         err == WEFT_OK && weft_store_walk_is_below(walk, weft_key_bytes(&first));
         weft_store_walk_next(walk)) {
        const struct weft_bytes key = weft_store_walk_key(walk);
        struct weft_digest statement;
        if (key.size != first.size + WEFT_DIGEST_SIZE) {
            err = weft_fail(msg, WEFT_ECORRUPT, "a statement's key in the state is damaged");
            break;
        }
        memcpy(statement.bytes, key.data + first.size, WEFT_DIGEST_SIZE);
        err = on_filed(ctx, &statement, msg);
    }
    err = err == WEFT_OK ? weft_store_walk_err(walk, msg) : err;
    weft_store_walk_destroy(walk);
    return err;
}
