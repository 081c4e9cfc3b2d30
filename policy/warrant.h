/* policy/warrant.h: for whom a request is made, where a signed note says so and no certificate.
 *
 * A request that came over a connection may carry a note of policy/request.h. Here it is decided
 * whether the connection may bring it, and whether it counts: what comes out is the principal, and
 * the warrant that goes into the log with the request (proto/entry.h), so that every replica can
 * hold it to the keyring of the entry's own index and to the entry's own time. Pure. Rules:
 * policy/README.md, "For whom a request is". */
#ifndef WEFT_POLICY_WARRANT_H
#define WEFT_POLICY_WARRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide.h"
#include "policy/request.h"
#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/entry.h"
#include "proto/err.h"
#include "proto/record.h"

#define WEFT_WARRANT_ANY UINT32_MAX /* Of weft_warrant.actions. */

_Static_assert((int)WEFT_AUTHORIZATION_SIZE_MAX == (int)WEFT_TOKEN_SIZE_MAX, "a note is a token");
_Static_assert(WEFT_ACTIONS < 32, "an action is a bit of a warrant");

/* What came out of a note. */
struct weft_warranted {
    struct weft_principal principal;
    struct weft_warrant warrant;
    bool is_token;             /* Good for other requests too, until warrant.until_ns. */
    struct weft_request_id id; /* Of a signed request; a commit's is held against it by the door. */
};

/* May a connection with the certificate of `bringer` bring what others have signed, at a site?
 * WEFT_EREFUSED: of another site or organization; a gateway; a witness. */
WEFT_MUST_USE enum weft_err weft_warrant_may_bring(const struct weft_principal *bringer,
    const struct weft_request_site *site, struct weft_msg *msg);

/* SHA-256 of "weft-client-request/v1\n", the kind (4 bytes, big-endian) and the request's table:
 * what a signed request names. */
struct weft_digest weft_warrant_digest(uint32_t kind, struct weft_bytes table);

/* Verifies the note. `digest` is that of the request it came with; NULL: tokens alone count.
 * Costs a signature's time (some 60 us), or little if it fails before.
 * Errors as weft_request_verify, weft_token_verify and weft_note_parse; WEFT_EREFUSED: somebody of
 * another site; WEFT_EVERSION: neither a token nor a signed request. */
WEFT_MUST_USE enum weft_err weft_warrant_verify(struct weft_text note,
    const struct weft_request_context *context, const struct weft_digest *digest,
    struct weft_warranted *ret_warranted, struct weft_msg *msg);

/* The key of that id which the principal has or had; NULL: none. Borrowed until the ring changes.
 */
const struct weft_keyring_key *weft_warrant_key(
    uint32_t key_id, const struct weft_principal *principal, const struct weft_keyring *ring);
/* Does a warrant by that key count at an index and time? NULL: no. */
static inline bool weft_warrant_counts(const struct weft_warrant *warrant,
    const struct weft_keyring_key *key, uint64_t index, int64_t time_ns)
{
    return key != NULL && weft_keyring_is_valid(key, index) && time_ns <= warrant->until_ns;
}

/* Does the warrant of `principal` (a URI) count at an index and time? WEFT_EREFUSED: it is over, or
 * its key is revoked or was never there. */
WEFT_MUST_USE enum weft_err weft_warrant_check(const struct weft_warrant *warrant,
    struct weft_text principal, const struct weft_keyring *ring, uint64_t index, int64_t time_ns,
    struct weft_msg *msg);

static inline bool weft_warrant_allows(
    const struct weft_warrant *warrant, enum weft_policy_action action)
{
    return (warrant->actions >> (unsigned)action & 1u) != 0;
}

#endif
