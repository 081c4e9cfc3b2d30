/* raft/configuration.h: the members of a group: their bytes, and what a change would make of them.
 *
 * Pure. The bytes are those of the library's own encoding (a version, a count, for each member
 * id, address text and role, padded to 8), because it decodes them itself; ours is the strict
 * reader in front of it. The address text is "name peer_address client_address vote|novote".
 * weft_configuration_encode and _decode are declared in raft/replica.h. */
#ifndef WEFT_RAFT_CONFIGURATION_H
#define WEFT_RAFT_CONFIGURATION_H

#include "raft/replica.h"

enum {
    /* Four texts, three spaces, a zero. */
    WEFT_CONFIGURATION_TEXT_SIZE = 63 + 2 * WEFT_ADDRESS_SIZE_MAX + 6 + 3 + 1,
};

/* Address text of one member. WEFT_EINVAL: an empty text, a space or a control character. */
WEFT_MUST_USE enum weft_err weft_configuration_format(const struct weft_replica_member *member,
    char ret_text[WEFT_CONFIGURATION_TEXT_SIZE], struct weft_msg *msg);
/* Fills name, addresses and wants_vote. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_configuration_parse(
    const char *text, struct weft_replica_member *ret_member, struct weft_msg *msg);

/* NULL: there is none. */
const struct weft_replica_member *weft_configuration_find(
    const struct weft_configuration *configuration, uint64_t id);
uint32_t weft_configuration_voters(const struct weft_configuration *configuration);
bool weft_configuration_is_voter(const struct weft_configuration *configuration, uint64_t id);
/* True if `id` is the one and only voter. */
bool weft_configuration_is_sole_voter(const struct weft_configuration *configuration, uint64_t id);

/* Changes of one member. The order of the others stays: the library keeps its progress by
 * place. */

/* WEFT_EINVAL: text, or id 0; WEFT_ESTATE: the id or the name is taken; WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_configuration_add(struct weft_configuration *configuration,
    const struct weft_replica_member *member, struct weft_msg *msg);
/* WEFT_ENOTFOUND; WEFT_ESTATE: it is so already; WEFT_EREFUSED: no voter would be left;
 * WEFT_ETOOBIG: too many voters. */
WEFT_MUST_USE enum weft_err weft_configuration_assign(struct weft_configuration *configuration,
    uint64_t id, enum weft_role role, bool wants_vote, struct weft_msg *msg);
/* WEFT_ENOTFOUND; WEFT_EREFUSED: no voter would be left. */
WEFT_MUST_USE enum weft_err weft_configuration_remove(
    struct weft_configuration *configuration, uint64_t id, struct weft_msg *msg);

#endif
