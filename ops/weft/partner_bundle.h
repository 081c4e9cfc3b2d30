/* ops/weft/partner_bundle.h: streams as files of messages, for sites without a link. */
#ifndef WEFT_OPS_PARTNER_BUNDLE_H
#define WEFT_OPS_PARTNER_BUNDLE_H

#include "ops/weft/client.h"
#include "ops/weft/command.h"

/* `weft partner export NAME FILE --bundle`. WEFT_ECONFLICT: the file exists, or whoever is to have
 * it has more than was signed. As weft_client_call; WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_partner_bundle_export(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg);

#endif
