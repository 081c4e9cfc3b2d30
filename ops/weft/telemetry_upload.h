/* ops/weft/telemetry_upload.h: blocks of telemetry to every member of the site.
 *
 * A block counts as kept once a majority of the voting members has said that it is on disk; who
 * is slow or down gets it when it can, or fetches it when it is asked (node/telemetry.h). */
#ifndef WEFT_OPS_TELEMETRY_UPLOAD_H
#define WEFT_OPS_TELEMETRY_UPLOAD_H

#include "ops/weft/client.h"

struct weft_upload;

/* Asks `client` for the members and connects to each. The client's errors. */
WEFT_MUST_USE enum weft_err weft_upload_open(struct weft_client *client, uint64_t timeout_ms,
    struct weft_upload **ret_upload, struct weft_msg *msg);
/* Waits for the members that are behind, for 2 s at most. Accepts NULL. */
void weft_upload_close(struct weft_upload *u);

/* Returns when a majority holds it. WEFT_EUNAVAILABLE: no majority does; `msg` says what the
 * last member said. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_upload_put(struct weft_upload *u, const struct weft_digest *digest,
    struct weft_bytes content, struct weft_msg *msg);

#endif
