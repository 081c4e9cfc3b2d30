/* ops/weft/shared_cells.h: what partners and this site state of one asset, as tables. */
#ifndef WEFT_OPS_WEFT_SHARED_CELLS_H
#define WEFT_OPS_WEFT_SHARED_CELLS_H

#include "ops/weft/client.h"
#include "ops/weft/output.h"
#include "proto/client.h"

/* Asked as the query was (consistency), of the state as it is now. Nothing is printed where no
 * agreement has anything of it, or nothing that may be seen, or the node knows no cells;
 * *ret_is_printed says. WEFT_ENOMEM, and what asking gives. */
WEFT_MUST_USE enum weft_err weft_shared_cells_print(struct weft_client *client,
    const struct weft_query *like, struct weft_text asset, bool *ret_is_printed,
    struct weft_msg *msg);
/* Of an asset of which nothing is said here (`err` and `msg` of the question; anything but
 * WEFT_ENOTFOUND is given back): what partners state of it, in that format. With JSON an object
 * {"asset", "shared": [{"kind", "group", "rule", "state", "value", "author", "says", "standing",
 * "at"}]}; with "fields", a list of {"path", "value"}, where somebody says several. `err` again if
 * they state nothing either, or the query is of the past. */
WEFT_MUST_USE enum weft_err weft_shared_cells_instead(struct weft_client *client,
    const struct weft_query *like, enum weft_format format, enum weft_err err,
    struct weft_msg *msg);
/* Shared is told of now alone. */
bool weft_shared_cells_is_past(const struct weft_query *query);

#endif
