/* ops/weft/trace_pages.h: the pages of a trace or recall, in order, asked for ahead.
 *
 * The first page says how many steps there are. From then on a few pages are under way at once,
 * so that the node makes one while another travels and a third is looked at here. One that ends
 * early, since what it holds is large, is gone on from. */
#ifndef WEFT_OPS_TRACE_PAGES_H
#define WEFT_OPS_TRACE_PAGES_H

#include "ops/weft/client.h"

/* Called for each page, in order; anything but WEFT_OK ends it. */
typedef enum weft_err weft_trace_on_page(
    void *ctx, const struct weft_trace_result *page, struct weft_msg *msg);

/* All pages of the answer. A later page never knows less than the one before it. `query` is
 * borrowed. Errors: those of the answer, of on_page, and WEFT_EVERSION. */
WEFT_MUST_USE enum weft_err weft_trace_pages(struct weft_client *client,
    const struct weft_query *query, weft_trace_on_page *on_page, void *ctx, struct weft_msg *msg);

#endif
