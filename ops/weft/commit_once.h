/* ops/weft/commit_once.h: a commit under a request id of its own, so that whoever asks several
 * nodes in turn commits it once. */
#ifndef WEFT_OPS_COMMIT_ONCE_H
#define WEFT_OPS_COMMIT_ONCE_H

#include "ops/weft/client.h"

/* Draws request->commit.request_id, then as weft_client_call. WEFT_EIO: there is no randomness. */
WEFT_MUST_USE enum weft_err weft_commit_once(struct weft_client *client,
    struct weft_client_message *request, struct weft_arena *arena,
    struct weft_client_message *ret_answer, struct weft_msg *msg);

#endif
