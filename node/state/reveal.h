/* node/state/reveal.h: what whoever asks may see: the policy in force, asked of each record.
 *
 * One for a principal and what it does (read, or subscribe), under the authority of one view:
 * every record of every answer passes through it (NOD-170). A record that is not permitted is left
 * out; a hidden field is replaced by its commitment, the leaf that stands for it in its statement,
 * of which the salt is never given. Decided at once for everything, or all of a kind, where the
 * policy tells no assets apart; what it decided is remembered. node/state/README.md, Reading.
 * Ungoverned, and for nodes of the site, all is shown. One thread at a time. */
#ifndef WEFT_NODE_STATE_REVEAL_H
#define WEFT_NODE_STATE_REVEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/authority.h"
#include "node/state/store.h"
#include "policy/decide.h"
#include "proto/client.h"
#include "proto/err.h"

/* In front of a commitment in a text; a hidden field "cost" becomes "cost/@hidden", and one whose
 * path is too long for that "@hidden.N", N its number in the record. */
#define WEFT_REVEAL_HIDDEN "@hidden"

enum {
    WEFT_REVEAL_LINK_PATH_SIZE = sizeof("@link/") + WEFT_REL_SIZE_MAX + 1 + WEFT_PATH_SIZE_MAX,
};

struct weft_reveal;

struct weft_asker {
    struct weft_authority *authority; /* It keeps a reference. */
    struct weft_text site;            /* "<org>/<site>"; lives as long. */
    struct weft_text principal;       /* URI; nobody's: nothing is permitted. */
    enum weft_policy_action action;
    int64_t time_ns; /* When it is asked. */
};

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_reveal_create(
    const struct weft_asker *asker, struct weft_reveal **ret_reveal, struct weft_msg *msg);
void weft_reveal_destroy(struct weft_reveal *reveal); /* Accepts NULL. */
/* Made for the same principal and action? */
bool weft_reveal_is_for(const struct weft_reveal *reveal, const struct weft_asker *asker);

/* Nothing need be asked: every field of every record is shown. NULL: so it is. */
bool weft_reveal_shows_all(const struct weft_reveal *reveal);

/* One decision holds for all records, whatever their kind and asset: these may be left empty. */
bool weft_reveal_is_of_all(const struct weft_reveal *reveal);

/* Of all records of this kind on this asset. Valid until the next call. */
const struct weft_policy_decision *weft_reveal_decide(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset);
/* Of all records on this asset, whatever their kind; NULL: that does not decide. Where not all is
 * shown. Valid until the next call. */
const struct weft_policy_decision *weft_reveal_of_asset(
    struct weft_reveal *reveal, struct weft_text asset);
bool weft_reveal_is_permitted(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset);
/* Is the field told? `path` is a field's, or "@at", "@author", "@link/REL", "@link/REL/PATH". */
bool weft_reveal_shows(struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset,
    struct weft_text path);
/* The same, as it was decided. */
bool weft_reveal_tells(const struct weft_reveal *reveal,
    const struct weft_policy_decision *decision, struct weft_text path);
/* "@link/REL", in `text`. */
struct weft_text weft_reveal_link_path(char text[WEFT_REVEAL_LINK_PATH_SIZE], struct weft_text rel);
/* The same of "@link/REL". */
bool weft_reveal_shows_link(struct weft_reveal *reveal, struct weft_text kind,
    struct weft_text asset, struct weft_text rel);
/* May it be told of this asset that nothing is said of it, or what its revision is: is whatever
 * kind permitted? */
bool weft_reveal_knows(struct weft_reveal *reveal, struct weft_text asset);

/* Is every field of records of this kind on this asset shown? */
bool weft_reveal_shows_record(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset);

/* Replace what is hidden in a decoded record, whose arrays it leaves as they were: new ones are in
 * the arena. *ret_more: bytes that it became larger by, about. WEFT_EREFUSED: it may not be seen
 * at all, which the caller should have known. WEFT_ECORRUPT, WEFT_EIO, WEFT_EBUSY (`snapshot` is
 * of memory alone), WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_reveal_record(struct weft_reveal *reveal, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, struct weft_stored_record *stored,
    struct weft_arena *arena, size_t *ret_more, struct weft_msg *msg);
/* Of a link of a record that is shown, leave out the fields that are hidden: new ones are in the
 * arena. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_reveal_link(struct weft_reveal *reveal, struct weft_text kind,
    struct weft_text asset, struct weft_arena *arena, struct weft_link *link);
/* Leave out what is hidden, for who works something out of what is shown: fields, links, author
 * and source; of a time that is hidden the commit's. Of a record that is not permitted nothing is
 * left, and *ret_is_permitted is false. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_reveal_strip(struct weft_reveal *reveal,
    struct weft_record *record, int64_t commit_ns, struct weft_arena *arena, bool *ret_is_permitted,
    struct weft_msg *msg);

/* A key that nobody who sees answers knows, of a place in the log and what it is for: a function of
 * the salts there. WEFT_ECORRUPT: there are no records at that index. WEFT_EIO, WEFT_EBUSY. */
WEFT_MUST_USE enum weft_err weft_reveal_place_key(struct weft_reveal *reveal,
    struct weft_store *store, const struct weft_store_snapshot *snapshot, uint64_t index,
    const uint64_t numbers[3], struct weft_digest *ret_key, struct weft_msg *msg);

/* WEFT_EREFUSED: an answer that tells neither whether there is such an asset nor why not; the
 * correlation follows from site, principal, asset and `index`. */
enum weft_err weft_reveal_refuse(
    const struct weft_reveal *reveal, struct weft_text asset, uint64_t index, struct weft_msg *msg);

#endif
