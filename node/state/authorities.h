/* node/state/authorities.h: the registry of what governs the site: from records alone.
 *
 * As with models: it is made of the records of kinds `authority` and `access_label` again whenever
 * a state is opened, and apply keeps it. What an index changes is in force from the next index on
 * (NOD-144). One thread, apply's; the authorities that it gives out are anybody's. */
#ifndef WEFT_NODE_STATE_AUTHORITIES_H
#define WEFT_NODE_STATE_AUTHORITIES_H

#include "node/state/authority.h"
#include "node/state/names.h"
#include "node/state/store.h"

struct weft_authorities;

/* Ungoverned. `site` is "<org>/<site>", borrowed until destroy. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_authorities_create(
    struct weft_text site, struct weft_authorities **ret_authorities, struct weft_msg *msg);
/* Accepts NULL. */
void weft_authorities_destroy(struct weft_authorities *authorities);

/* What the records of the store say, into an empty registry.
 * WEFT_ECORRUPT: one that apply would not have taken. WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_authorities_load(struct weft_authorities *authorities,
    struct weft_names *names, struct weft_store *store, struct weft_msg *msg);
/* The same for one record that was accepted at `index`, in order; others are passed over. */
WEFT_MUST_USE enum weft_err weft_authorities_learn(struct weft_authorities *authorities,
    const struct weft_record *record, uint64_t index, int64_t time_ns, struct weft_msg *msg);

/* Would the commit's records of kind `authority` be taken, one after the other? Nothing is changed
 * yet. `is_empty`: the state has no records. WEFT_ENOMEM: nothing is decided. */
WEFT_MUST_USE enum weft_err weft_authorities_check(struct weft_authorities *authorities,
    const struct weft_commit *commit, uint64_t index, int64_t time_ns, bool is_empty,
    struct weft_refusal *ret_refusal, struct weft_msg *msg);
/* The commit that was checked last is accepted. */
void weft_authorities_accept(struct weft_authorities *authorities);

/* What decides at `index`: changed by earlier indexes alone. Never NULL; borrowed until the next
 * call of any function, unless it is retained. */
struct weft_authority *weft_authorities_at(struct weft_authorities *authorities, uint64_t index);

#endif
