/* node/state/notice.h: what a node tells the audit log: that it started, that its clock stepped.
 *
 * A commit of one record of kind `node_notice`, by a node of the site. Apply makes a leaf of it and
 * no record: nothing of it can be asked for but in the audit log. */
#ifndef WEFT_NODE_STATE_NOTICE_H
#define WEFT_NODE_STATE_NOTICE_H

#include "proto/record.h"

#define WEFT_NOTICE_KIND "node_notice"
#define WEFT_NOTICE_START "start"      /* Subject: the version of the program. */
#define WEFT_NOTICE_CLOCK "clock.step" /* By how much its wall clock jumped: "-3600.2 s". */

struct weft_notice {
    const char *act; /* One of the above. */
    struct weft_text subject;
};

/* Of a commit that weft_notice_is one of. `site` is "<org>/<site>".
 * WEFT_EREFUSED: not by a node of the site. WEFT_EINVAL: not as notices are. */
WEFT_MUST_USE enum weft_err weft_notice_read(const struct weft_commit *commit,
    struct weft_text principal, struct weft_text site, struct weft_notice *ret_notice,
    struct weft_msg *msg);
/* Is it the URI of a node of the site? */
bool weft_notice_is_node(struct weft_text uri, struct weft_text site);
/* Has it a record of the kind? */
bool weft_notice_is(const struct weft_commit *commit);

/* The table of a CommitRequest, appended. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_notice_encode(
    const struct weft_notice *notice, struct weft_buffer *out);

#endif
