/* ops/weft/digest.h: the digest of every member's whole state at one index, compared. */
#ifndef WEFT_OPS_DIGEST_H
#define WEFT_OPS_DIGEST_H

#include "ops/weft/client.h"
#include "proto/digest.h"
#include "proto/limits.h"

struct weft_node_digest {
    char name[64];
    bool is_known;
    struct weft_digest digest;
    uint64_t keys;
    struct weft_msg error; /* Not known: why. */
};

struct weft_digests {
    uint64_t index; /* Of the marker that the leader committed. */
    bool is_equal;  /* All that are known. */
    uint32_t missing;
    uint32_t count;
    struct weft_node_digest nodes[WEFT_MEMBERS_MAX];
};

/* The leader commits a marker (through `client`), then each member is asked at its index.
 * Members that do not answer are `missing`. The client's errors if the marker fails. */
WEFT_MUST_USE enum weft_err weft_digests_ask(struct weft_net *net, struct weft_client *client,
    const struct weft_member *members, uint32_t member_count, struct weft_digests *ret_digests,
    struct weft_msg *msg);

#endif
