/* ops/weft/speaker.h: requests in the name of somebody else than the certificate's: a person's key.
 *
 * A commit is signed as it is: the note names its digest and its request id. All else goes with a
 * token that is made for a few minutes and made anew in time, so that a node verifies one signature
 * and not one for each question. With a token from `weft token`, that token goes with everything.
 * Forms: policy/request.h, policy/warrant.h. */
#ifndef WEFT_OPS_SPEAKER_H
#define WEFT_OPS_SPEAKER_H

#include "ops/weft/args.h"
#include "policy/request.h"
#include "policy/signer.h"
#include "proto/bytes.h"
#include "proto/err.h"

struct weft_speaker;

/* As --as-key FILE (WEFT_KEY) or --token FILE (WEFT_TOKEN) of the connection say; --as has to be
 * the key's principal. *ret_speaker NULL: none, the certificate speaks. WEFT_EINVAL; as keys_open.
 */
WEFT_MUST_USE enum weft_err weft_speaker_open(
    const struct weft_args *args, struct weft_speaker **ret_speaker, struct weft_msg *msg);
/* Wipes the key. Accepts NULL. */
void weft_speaker_close(struct weft_speaker *speaker);

/* A whole message becomes AUTHORIZED with it in there; of other kinds than those that may be
 * authorized it stays as it is. On failure too. WEFT_ETOOBIG, WEFT_ENOMEM, WEFT_EIO: no random. */
WEFT_MUST_USE enum weft_err weft_speaker_wrap(
    struct weft_speaker *speaker, struct weft_buffer *message);

/* A token of the key's principal at its own site, from now on, dated back by half a minute.
 * WEFT_EINVAL: the key's name is no principal's; for longer than WEFT_TOKEN_LIFE_MAX_S. */
WEFT_MUST_USE enum weft_err weft_speaker_token(const struct weft_signer *signer, uint64_t life_ms,
    const struct weft_text *actions, uint32_t action_count, struct weft_buffer *out,
    struct weft_msg *msg);

#endif
