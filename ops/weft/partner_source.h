/* ops/weft/partner_source.h: agreements and partners as the site has them (node/state,
 * query_partner.c). Nothing of them is verified here: the site has judged them. */
#ifndef WEFT_OPS_PARTNER_SOURCE_H
#define WEFT_OPS_PARTNER_SOURCE_H

#include "ops/weft/client.h"

/* "partner", or what is below it, into `out`. WEFT_EINVAL: a name that is none. As
 * weft_client_call. */
WEFT_MUST_USE enum weft_err weft_partner_source_file(struct weft_client *client, const char *name,
    const char *file, struct weft_buffer *out, struct weft_msg *msg);
/* `err` of what was asked about an agreement, with its name; where there is none so called, with
 * where those stand that there are. */
enum weft_err weft_partner_name_it(const char *name, enum weft_err err, struct weft_msg *msg);
/* What a status, or the list of all, warns of, to stderr. */
void weft_partner_source_warn(struct weft_text text);
/* Of that agreement, or of each (NULL), as the site says now; nothing if it does not. */
void weft_partner_source_warn_of(struct weft_client *client, const char *name);
/* The value of a line "key value" of a status; empty: there is none. */
struct weft_text weft_partner_source_line(struct weft_text status, const char *key);

/* A record of these fields, sorted by their paths, alone in its commit; on that revision of
 * the asset (NULL: on any). As weft_client_call; WEFT_EIO: no random. */
WEFT_MUST_USE enum weft_err weft_partner_commit(struct weft_client *client, const char *kind,
    const char *asset, const struct weft_field *fields, uint32_t field_count,
    const uint64_t *expect_rev, uint64_t *ret_index, struct weft_msg *msg);

#endif
