/* ops/weft/query.h: reading commands: options into a query, and its pages one after another. */
#ifndef WEFT_OPS_QUERY_H
#define WEFT_OPS_QUERY_H

#include "ops/weft/client.h"

/* --at, --as-of, --stale, --min-index. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_query_read_options(
    const struct weft_args *args, struct weft_query *query, struct weft_msg *msg);

/* Called for each page, in order; anything but WEFT_OK ends it. */
typedef enum weft_err weft_query_on_page(
    void *ctx, const struct weft_page *page, struct weft_msg *msg);

/* All pages, until the last or until `limit` records (0: all). A later page never knows less than
 * the one before it. */
WEFT_MUST_USE enum weft_err weft_query_pages(struct weft_client *client,
    const struct weft_query *query, uint64_t limit, weft_query_on_page *on_page, void *ctx,
    struct weft_msg *msg);

#endif
