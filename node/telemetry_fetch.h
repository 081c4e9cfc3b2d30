/* node/telemetry_fetch.h: blocks of telemetry that this node lacks, from the other members.
 *
 * Each wanted block is asked of one member after the other, at their client doors, with this
 * node's certificate, and taken from the first whose answer has the right digest (NOD-11). Several
 * who want the same block share one search. Connections last as long as something is wanted.
 * The loop's. */
#ifndef WEFT_NODE_TELEMETRY_FETCH_H
#define WEFT_NODE_TELEMETRY_FETCH_H

#include "node/config.h"
#include "node/link/link.h"
#include "proto/client.h"

enum {
    WEFT_FETCH_WANTS_MAX = 32,   /* different blocks at a time */
    WEFT_FETCH_ANSWER_MS = 3000, /* a member that says nothing for so long is left; as a join */
};

struct weft_telemetry_fetch;

/* Addresses of the client doors of the other members: how many there are. */
typedef uint32_t weft_telemetry_members(
    void *ctx, char ret_addresses[WEFT_MEMBERS_MAX][WEFT_ADDRESS_SIZE_MAX + 1]);
/* A search has ended: WEFT_OK and the content, verified and borrowed; WEFT_ENOTFOUND: every
 * member answered that it has none; WEFT_EUNAVAILABLE: not every one answered. */
typedef void weft_telemetry_on_found(
    void *ctx, const struct weft_digest *digest, enum weft_err err, struct weft_bytes content);

/* Keeps `config`. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_telemetry_fetch_create(uv_loop_t *loop,
    const struct weft_config *config, weft_telemetry_members *members,
    weft_telemetry_on_found *on_found, void *ctx, struct weft_telemetry_fetch **ret_fetch);
/* Nothing is called back any more but on_closed. */
void weft_telemetry_fetch_close(
    struct weft_telemetry_fetch *f, void (*on_closed)(void *ctx), void *ctx);

/* on_found will be called, not within this call, once for the digest however often it was wanted
 * meanwhile. WEFT_EBUSY: WEFT_FETCH_WANTS_MAX; others: the link cannot be opened. */
WEFT_MUST_USE enum weft_err weft_telemetry_fetch_want(
    struct weft_telemetry_fetch *f, const struct weft_digest *digest, struct weft_msg *msg);

#endif
