/* node/state/twin/change.h: change orders: what one says, how it may go on, whether it is released.
 *
 * A change order is a document (kind `change_order`): each statement replaces the one before, in
 * the order of their agreement, so a release counts from its index on, whatever `at` it gives.
 *
 *     none ---> draft ---> released ---> superseded        may_follow: NOD-304
 *       \_________________/   |  \
 *               draft -------------> cancelled             superseded, cancelled: no way back
 */
#ifndef WEFT_NODE_STATE_TWIN_CHANGE_H
#define WEFT_NODE_STATE_TWIN_CHANGE_H

#include "node/state/twin/effectivity.h"

#define WEFT_KIND_CHANGE_ORDER "change_order"

enum weft_change_status {
    WEFT_CHANGE_DRAFT = 0,
    WEFT_CHANGE_RELEASED,
    WEFT_CHANGE_SUPERSEDED,
    WEFT_CHANGE_CANCELLED,
};

/* One statement of a change order. */
struct weft_change {
    struct weft_moment moment;
    enum weft_change_status status;
    const struct weft_record *record; /* Its links: about, replaces, introduces, supersedes. */
    const struct weft_effectivity *effectivity;
    uint32_t effectivity_count;
};

/* All statements of one change order, in order of agreement. */
struct weft_change_history {
    struct weft_text asset;
    const struct weft_change *changes;
    uint32_t count;
};

/* `record` outlives what is returned; arrays are in the arena. A released one names what it is
 * about, what it introduces and its effectivity.
 * WEFT_EINVAL (`ret_pointer` within the record), WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_change_read(const struct weft_record *record,
    const struct weft_moment *moment, struct weft_arena *arena, struct weft_change *ret_change,
    char ret_pointer[256], struct weft_msg *msg);

const char *weft_change_status_name(enum weft_change_status status);
bool weft_change_may_follow(enum weft_change_status from, enum weft_change_status to);
/* Do they say the same of what is released: links and effectivity? */
bool weft_change_is_same(const struct weft_change *a, const struct weft_change *b);

/* The statement that counts among those true before `until` (NULL: all); NULL: there is none. */
const struct weft_change *weft_change_current(
    const struct weft_change_history *history, const struct weft_moment *until);
/* The release that stands at that time: the first of the released statements that the current
 * one ends. NULL: it is not released. */
const struct weft_change *weft_change_release(
    const struct weft_change_history *history, const struct weft_moment *until);

/* NULL, or the effectivity of `a` that some unit shares with `b`, both released. */
const struct weft_effectivity *weft_change_overlap(const struct weft_change *a,
    int64_t a_release_ns, const struct weft_change *b, int64_t b_release_ns);

/* Does the change order number `from` supersede `to`, itself or through others? By the newest
 * statement of each; `scratch` has room for `count`. */
bool weft_change_supersedes(const struct weft_change_history *histories, uint32_t count,
    const struct weft_change *from, struct weft_text to, bool *scratch);

#endif
