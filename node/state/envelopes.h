/* node/state/envelopes.h: within what machines may be commanded: the envelopes in force.
 *
 * A record of kind `envelope` on `envelope:NAME` carries one signed note (policy/command,
 * Envelopes). It follows the version in force, and admins signed it to their threshold, one of whom
 * the policy lets change it. The newest of each stands under a key of its own. One thread, apply's.
 */
#ifndef WEFT_NODE_STATE_ENVELOPES_H
#define WEFT_NODE_STATE_ENVELOPES_H

#include "node/state/authority.h"
#include "node/state/store.h"
#include "policy/command/envelope_note.h"

#define WEFT_ENVELOPE_KIND "envelope"
#define WEFT_ENVELOPE_ASSET "envelope:"

enum {
    WEFT_ENVELOPES_MAX = 1024, /* chosen: of a site, some 20 MiB in memory */
};

struct weft_envelopes;

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_envelopes_create(struct weft_envelopes **ret_envelopes);
void weft_envelopes_destroy(struct weft_envelopes *envelopes); /* Accepts NULL. */
/* WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_envelopes_load(
    struct weft_envelopes *envelopes, struct weft_store *store, struct weft_msg *msg);

/* Would the note be taken at this place? Nothing is changed. What the fault's word is stands first
 * in the detail. WEFT_ENOMEM: nothing is decided; else WEFT_OK, and the refusal's err. */
WEFT_MUST_USE enum weft_err weft_envelopes_check(struct weft_envelopes *envelopes,
    const struct weft_authority *authority, const struct weft_authority_place *place,
    struct weft_text asset, struct weft_text note, struct weft_refusal *ret_refusal,
    struct weft_msg *msg);
/* What was checked last is accepted: its text, until the next check. `batch` NULL: it is not kept.
 */
struct weft_digest weft_envelopes_accept(
    struct weft_envelopes *envelopes, struct weft_store_batch *batch);
/* All in force. */
void weft_envelopes_put(const struct weft_envelopes *envelopes, struct weft_store_batch *batch);

/* Those about the target and verb, by name; at most `max`. Returns how many there are. */
uint32_t weft_envelopes_about(const struct weft_envelopes *envelopes, struct weft_text target,
    struct weft_text verb, const struct weft_envelope_note **ret_list, uint32_t max);

#endif
