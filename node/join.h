/* node/join.h: how a node without a group becomes a member of one.
 *
 * Asks the client door of any node, follows the leader's address, and asks again until the
 * configuration that names this node is agreed on. Asking twice does no harm: the member id in
 * the data directory tells the leader that it is the same asker. The loop's. */
#ifndef WEFT_NODE_JOIN_H
#define WEFT_NODE_JOIN_H

#include "node/config.h"
#include "proto/client.h"

struct weft_join;

/* `endpoints` are tried in turn. on_joined is called once, from the loop; the result is
 * borrowed. Failures are logged and tried again for as long as the process lives. */
WEFT_MUST_USE enum weft_err weft_join_start(uv_loop_t *loop, const struct weft_config *config,
    const char *const *endpoints, uint32_t endpoint_count, uint64_t member_id, void *ctx,
    void (*on_joined)(void *ctx, const struct weft_member_result *result),
    struct weft_join **ret_join, struct weft_msg *msg);
void weft_join_close(struct weft_join *j, void (*on_closed)(void *ctx), void *ctx);

#endif
