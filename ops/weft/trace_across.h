/* ops/weft/trace_across.h: what an asset is made of across organizations, and what is not known. */
#ifndef WEFT_OPS_TRACE_ACROSS_H
#define WEFT_OPS_TRACE_ACROSS_H

#include "ops/weft/client.h"

/* trace back ASSET --across. WEFT_EINVAL: with an option that it does not take. */
WEFT_MUST_USE enum weft_err weft_trace_across(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg);

#endif
