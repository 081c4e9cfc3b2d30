/* node/partner_evidence.h: two heads that cannot both be, as a message for anybody.
 *
 * Private to node/partner*.c. */
#ifndef WEFT_NODE_PARTNER_EVIDENCE_H
#define WEFT_NODE_PARTNER_EVIDENCE_H

#include "node/state/streams.h"

/* Evidence of two heads, the one that is known and this message's, as a message. Not WEFT_OK: they
 * prove nothing. */
WEFT_MUST_USE enum weft_err weft_partner_make_evidence(const struct weft_agreement *a,
    struct weft_bytes head, struct weft_buffer *ret_message, struct weft_msg *msg);

#endif
