/* ops/weft/recall_across.h: recalls that cross companies: told, and how far they are. */
#ifndef WEFT_OPS_RECALL_ACROSS_H
#define WEFT_OPS_RECALL_ACROSS_H

#include "ops/weft/client.h"

/* recall --across: of each recall, or of that of --recall. */
WEFT_MUST_USE enum weft_err weft_recall_across(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg);
/* recall --lot LOT --tell ACTION --reason TEXT: a record of kind `recall`, by which it begins. */
WEFT_MUST_USE enum weft_err weft_recall_tell(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg);

#endif
